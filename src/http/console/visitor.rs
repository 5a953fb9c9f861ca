//! Somebody who is signed in, and the forms that they send.

use super::door::hash;
use super::{Console, Trouble};
use crate::request::{Account, Ask, Place, Request, Surface};
use crate::rules::Rules;
use crate::store::sessions::Session;
use axum::extract::{Form, FromRequest, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Redirect, Response};
use jiff::{SignedDuration, Timestamp};
use reqwest::Url;
use std::sync::Arc;
use subtle::ConstantTimeEq;

/// A session's last use is noted once in this time.
const NOTED: SignedDuration = SignedDuration::from_mins(1);

/// Somebody with a session, under the rules in force when the request came.
#[derive(Debug, Clone)]
pub(super) struct Visitor {
    pub(super) session: Session,
    pub(super) hash: String,
    csrf: String,
    account: Account,
    pub(super) rules: Arc<Rules>,
}

impl Visitor {
    /// Whoever the cookie belongs to now.
    pub(super) async fn of(console: &Console, headers: &HeaderMap) -> Result<Option<Self>, Trouble> {
        let cookies = headers.get(header::COOKIE).and_then(|value| value.to_str().ok());
        let Some(secret) = cookies.and_then(|cookies| console.door.secret(cookies)) else {
            return Ok(None);
        };
        let (hash, now) = (hash("session", secret), Timestamp::now());
        let store = &console.station.desk.store;
        let Some(session) = store.session(&hash, now).await? else {
            return Ok(None);
        };
        let rules = console.rules();
        if !console.door.proves(&rules, secret, &session) {
            return Ok(None);
        }
        if now.duration_since(session.seen) > NOTED {
            store.session_seen(&hash, now).await?;
        }
        let account = if console.door.demo() {
            Account::Picked {
                person: session.person.clone(),
            }
        } else {
            Account::Session {
                person: session.person.clone(),
                session: session.id.clone(),
            }
        };
        Ok(rules.people.who(&account).is_some().then(|| Self {
            csrf: self::hash("csrf", secret),
            hash,
            session,
            account,
            rules: rules.clone(),
        }))
    }

    pub(super) fn person(&self) -> &str {
        &self.session.person
    }

    pub(super) fn csrf(&self) -> &str {
        &self.csrf
    }

    /// A request by this session.
    pub(super) fn request(&self, ask: Ask) -> Request {
        let place = Place {
            surface: Surface::Console,
            workspace: None,
            channel: None,
            thread: None,
        };
        let mut request = Request::new(self.account.clone(), place, ask);
        request.session = Some(self.session.id.clone());
        request
    }

    /// Who looks, for questions about what they may.
    pub(super) fn asker(&self) -> Request {
        self.request(Ask::Runs)
    }
}

impl Console {
    /// The rules in force now.
    pub(super) fn rules(&self) -> Arc<Rules> {
        self.station.desk.rules.now()
    }
}

/// Whether the page's script asks, which wants a fragment instead of a page.
pub(super) fn by_script(headers: &HeaderMap) -> bool {
    headers.contains_key("x-console")
}

/// The door, and where to go from there: to the page that was asked for.
fn sign_in_for(method: &Method, uri: &Uri) -> String {
    let page = uri.path_and_query().map_or("/", |page| page.as_str());
    let to = own_page(page).filter(|to| method == Method::GET && to != "/");
    let door = to.and_then(|to| Url::parse_with_params("http://console.invalid/sign-in", [("to", to)]).ok());
    match door.as_ref().and_then(Url::query) {
        Some(query) => format!("/sign-in?{query}"),
        None => "/sign-in".to_owned(),
    }
}

/// An address, if it is that of a page of the console which people come back to.
pub(super) fn own_page(address: &str) -> Option<String> {
    // Its host serves to see that no other one is named.
    let here = Url::parse("http://console.invalid/").ok()?;
    let page = here.join(address).ok().filter(|page| page.origin() == here.origin())?;
    let path = page.path();
    let is_page = ["/", "/approvals", "/runs", "/runbooks"].contains(&path)
        || path.starts_with("/runs/")
        || path.starts_with("/runbooks/");
    let query = page.query().map(|query| format!("?{query}")).unwrap_or_default();
    is_page.then(|| format!("{path}{query}"))
}

impl FromRequestParts<Arc<Console>> for Visitor {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, console: &Arc<Console>) -> Result<Self, Response> {
        match Self::of(console, &parts.headers).await {
            Ok(Some(visitor)) => Ok(visitor),
            Ok(None) if by_script(&parts.headers) => Err((
                StatusCode::UNAUTHORIZED,
                "Your sign-in has ended. Load the page again to sign in.",
            )
                .into_response()),
            Ok(None) => Err(Redirect::to(&sign_in_for(&parts.method, &parts.uri)).into_response()),
            Err(trouble) => Err(trouble.into_response()),
        }
    }
}

/// A form that was sent from a page of the visitor's own session.
#[derive(Debug)]
pub(super) struct Sent {
    pub(super) visitor: Visitor,
    pub(super) fields: Vec<(String, String)>,
    pub(super) script: bool,
}

impl Sent {
    /// A field; empty where it is not there.
    pub(super) fn field(&self, name: &str) -> &str {
        field(&self.fields, name)
    }
}

pub(super) fn field<'f>(fields: &'f [(String, String)], name: &str) -> &'f str {
    fields
        .iter()
        .find(|(known, _)| known == name)
        .map_or("", |(_, value)| value.as_str())
}

impl FromRequest<Arc<Console>> for Sent {
    type Rejection = Response;

    async fn from_request(request: axum::extract::Request, console: &Arc<Console>) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let visitor = Visitor::from_request_parts(&mut parts, console).await?;
        let script = by_script(&parts.headers);
        let request = axum::extract::Request::from_parts(parts, body);
        let Form(fields) = Form::<Vec<(String, String)>>::from_request(request, console)
            .await
            .map_err(|rejection| {
                let say = format!("The form could not be read, so nothing was done: {rejection}.");
                console.refuse(script, rejection.status(), "Not understood", &say)
            })?;
        if !bool::from(field(&fields, "csrf").as_bytes().ct_eq(visitor.csrf.as_bytes())) {
            let say = format!(
                "You are {} in this browser now. The page was opened by another sign-in, so nothing was done; load it \
                 again.",
                visitor.person()
            );
            return Err(console.refuse(script, StatusCode::CONFLICT, "Another sign-in", &say));
        }
        Ok(Self {
            visitor,
            fields,
            script,
        })
    }
}

impl Console {
    /// Says no: a sentence for the script, a page for everybody else.
    pub(super) fn refuse(&self, script: bool, status: StatusCode, heading: &str, say: &str) -> Response {
        if script {
            (status, say.to_owned()).into_response()
        } else {
            self.say(status, heading, say, &[("/", "To the channel")])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::own_page;

    #[test]
    fn people_come_back_to_pages_of_ours_alone() {
        for (address, page) in [
            ("/", Some("/")),
            ("/runs/7k2m9qx4ab", Some("/runs/7k2m9qx4ab")),
            (
                "/runs?q=order%201042&outcome=failed",
                Some("/runs?q=order%201042&outcome=failed"),
            ),
            ("/runbooks/forward-order", Some("/runbooks/forward-order")),
            ("/events", None),
            ("/complete?line=/for", None),
            ("/sign-out", None),
            ("/runs/../sign-out", None),
            ("//evil.example/runs", None),
            ("/\\evil.example/runs", None),
            ("https://evil.example/runs", None),
            ("javascript:alert(1)", None),
            ("", Some("/")),
        ] {
            assert_eq!(own_page(address).as_deref(), page, "{address}");
        }
    }
}
