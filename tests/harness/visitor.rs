//! Somebody's browser at the console, without anything that it would draw.

use reqwest::header::{COOKIE, LOCATION, ORIGIN, SET_COOKIE};
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, Response};
use scraper::{Html, Selector};

/// One person's cookie and what their pages carry.
pub struct Visitor {
    pub client: Client,
    pub url: String,
    pub cookie: String,
    pub csrf: String,
}

/// What the sender of a form, or the opener of a page, gets.
#[derive(Debug)]
pub struct Answered {
    pub status: u16,
    /// Where it leads on to.
    pub to: String,
    pub page: String,
}

impl Answered {
    pub async fn of(response: Response) -> Self {
        let to = response.headers().get(LOCATION);
        Self {
            status: response.status().as_u16(),
            to: to.map(|to| to.to_str().unwrap().to_owned()).unwrap_or_default(),
            page: response.text().await.unwrap(),
        }
    }

    /// The text that a person reads in the part of the page that is its own, in one line.
    pub fn said(&self) -> String {
        self.texts("main").join(" ")
    }

    /// The texts of what fits the selector, each in one line.
    pub fn texts(&self, selector: &str) -> Vec<String> {
        let page = Html::parse_document(&self.page);
        let selector = Selector::parse(selector).unwrap();
        page.select(&selector)
            .map(|one| one.text().collect::<Vec<_>>().join(" "))
            .map(|text| text.split_whitespace().collect::<Vec<_>>().join(" "))
            .collect()
    }

    /// An attribute of the first that fits the selector.
    pub fn attribute(&self, selector: &str, name: &str) -> Option<String> {
        let page = Html::parse_document(&self.page);
        let selector = Selector::parse(selector).unwrap();
        page.select(&selector).next()?.attr(name).map(str::to_owned)
    }
}

pub fn client() -> Client {
    Client::builder().no_proxy().redirect(Policy::none()).build().unwrap()
}

impl Visitor {
    /// Picks a name, as the demo lets everybody.
    pub async fn pick(url: &str, person: &str) -> Self {
        Self::enter(url, "/pick", &[("person", person)]).await.unwrap()
    }

    /// Signs in with a token; what is said where that does not do.
    pub async fn sign_in(url: &str, token: &str) -> Result<Self, Answered> {
        Self::enter(url, "/sign-in", &[("token", token)]).await
    }

    async fn enter(url: &str, path: &str, fields: &[(&str, &str)]) -> Result<Self, Answered> {
        let client = client();
        let sent = client.post(format!("{url}{path}")).header(ORIGIN, url).form(fields);
        let response = sent.send().await.unwrap();
        let Some(cookie) = response.headers().get(SET_COOKIE) else {
            return Err(Answered::of(response).await);
        };
        assert_eq!(response.status(), 303);
        let cookie = cookie.to_str().unwrap();
        assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite="), "{cookie}");
        let mut visitor = Self {
            client,
            url: url.to_owned(),
            cookie: cookie.split(';').next().unwrap().to_owned(),
            csrf: String::new(),
        };
        visitor.csrf = visitor.get("/").await.attribute("input[name=csrf]", "value").unwrap();
        Ok(visitor)
    }

    pub async fn send(&self, request: RequestBuilder) -> Answered {
        Answered::of(request.header(COOKIE, &self.cookie).send().await.unwrap()).await
    }

    pub async fn get(&self, path: &str) -> Answered {
        self.send(self.client.get(format!("{}{path}", self.url))).await
    }

    /// A form of a page of this session, sent without a script.
    pub async fn post(&self, path: &str, nonce: &str, fields: &[(&str, &str)]) -> Answered {
        self.send(self.form(path, nonce, fields)).await
    }

    /// As the page's script types, which wants the message alone, and waits for it where it takes longer.
    pub async fn type_in(&self, line: &str, nonce: &str) -> Answered {
        let typed = self.form("/", nonce, &[("line", line)]);
        let mut answered = self.send(typed.header("x-console", "1")).await;
        for _ in 0..12 {
            if answered.status != 202 {
                break;
            }
            let waits = self.client.get(format!("{}{}", self.url, answered.page));
            answered = self.send(waits.header("x-console", "1")).await;
        }
        answered
    }

    fn form(&self, path: &str, nonce: &str, fields: &[(&str, &str)]) -> RequestBuilder {
        let mut all = vec![("csrf", self.csrf.as_str()), ("nonce", nonce)];
        all.extend(fields);
        let request = self.client.post(format!("{}{path}", self.url));
        request.header(ORIGIN, &self.url).form(&all)
    }
}
