//! The cookies of one session at one site: all of them go back there and nowhere else.

use reqwest::header::{HeaderMap, SET_COOKIE};
use std::collections::BTreeMap;

const MOST: usize = 20;
const LONGEST: usize = 4096;

#[derive(Default)]
pub(super) struct Cookies(BTreeMap<String, String>);

impl Cookies {
    /// Takes what an answer sets, and forgets what it deletes.
    pub(super) fn take(&mut self, headers: &HeaderMap) {
        for header in headers.get_all(SET_COOKIE) {
            let Ok(text) = header.to_str() else { continue };
            let mut parts = text.split(';');
            let Some((name, value)) = parts.next().and_then(|it| it.split_once('=')) else {
                continue;
            };
            let (name, value) = (name.trim(), value.trim());
            let deleted = parts.any(|it| it.trim().eq_ignore_ascii_case("max-age=0"));
            if deleted || value.is_empty() || value == "\"\"" {
                self.0.remove(name);
            } else if name.len() + value.len() <= LONGEST && (self.0.len() < MOST || self.0.contains_key(name)) {
                self.0.insert(name.to_owned(), value.to_owned());
            }
        }
    }

    /// As a request's `Cookie` header has them.
    pub(super) fn header(&self) -> String {
        let pairs = self.0.iter().map(|(name, value)| format!("{name}={value}"));
        pairs.collect::<Vec<_>>().join("; ")
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &str> {
        self.0.values().map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::HeaderValue;

    #[test]
    fn what_is_set_goes_back_and_what_is_deleted_does_not() {
        let mut cookies = Cookies::default();
        for (set, sent) in [
            (vec!["csrftoken=a; Path=/; SameSite=Lax"], "csrftoken=a"),
            (vec!["sessionid=s; HttpOnly", "csrftoken=b"], "csrftoken=b; sessionid=s"),
            (
                vec!["messages=\"x:y\"; Path=/"],
                "csrftoken=b; messages=\"x:y\"; sessionid=s",
            ),
            (
                vec!["messages=\"\"; expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0"],
                "csrftoken=b; sessionid=s",
            ),
            (vec!["sessionid=t; Max-Age=0", "nonsense", "=; x"], "csrftoken=b"),
        ] {
            let mut headers = HeaderMap::new();
            for one in set {
                headers.append(SET_COOKIE, HeaderValue::from_str(one).unwrap());
            }
            cookies.take(&headers);
            assert_eq!(cookies.header(), sent);
        }
        for n in 0..100 {
            let mut headers = HeaderMap::new();
            let cookie = format!("c{n}={}", "x".repeat(n * 100));
            headers.append(SET_COOKIE, HeaderValue::from_str(&cookie).unwrap());
            cookies.take(&headers);
        }
        assert_eq!(cookies.values().count(), MOST);
    }
}
