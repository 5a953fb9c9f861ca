//! The door: signing in with one's own token, picking somebody in demo mode, signing out.

use super::door::hash;
use super::visitor::{Sent, Visitor, by_script, field, own_page};
use super::{Console, Trouble};
use crate::platform::console::render::sign_in;
use axum::extract::{ConnectInfo, Form, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use jiff::Timestamp;
use reqwest::Url;
use serde::Deserialize;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// Nobody's token is longer.
const MAX_TOKEN: usize = 512;

/// Where somebody wanted to go who has to sign in first.
#[derive(Debug, Deserialize)]
pub(super) struct Door {
    #[serde(default)]
    to: String,
}

pub(super) async fn show(
    State(console): State<Arc<Console>>,
    Query(door): Query<Door>,
    headers: HeaderMap,
) -> Result<Response, Trouble> {
    let to = wanted(&door.to);
    if Visitor::of(&console, &headers).await?.is_some() {
        return Ok(Redirect::to(&to).into_response());
    }
    Ok(console.sign_in_page(StatusCode::OK, &to, None))
}

fn wanted(to: &str) -> String {
    own_page(to).unwrap_or_else(|| "/".to_owned())
}

pub(super) async fn sign_in(
    State(console): State<Arc<Console>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    Form(fields): Form<Vec<(String, String)>>,
) -> Result<Response, Trouble> {
    if console.door.demo() {
        return Ok(Redirect::to("/sign-in").into_response());
    }
    let (from, to) = (client(peer.ip(), &headers), wanted(field(&fields, "to")));
    if !console.door.may_try(from) {
        tracing::warn!(%from, "too many tries to sign in");
        let say = "Too many tries. Wait a minute, then try again.";
        return Ok(console.sign_in_page(StatusCode::TOO_MANY_REQUESTS, &to, Some(say)));
    }
    let token = field(&fields, "token").trim();
    let whose = Some(token)
        .filter(|token| !token.is_empty() && token.len() <= MAX_TOKEN)
        .and_then(|token| console.door.whose(&console.rules(), token));
    let Some(person) = whose else {
        tracing::warn!(%from, "a token that is nobody's");
        let say = "This token is nobody's. See that the whole of it was copied.";
        return Ok(console.sign_in_page(StatusCode::FORBIDDEN, &to, Some(say)));
    };
    tracing::info!(%from, person, "signed in");
    console.welcome(&headers, &person, &to).await
}

pub(super) async fn pick(
    State(console): State<Arc<Console>>,
    headers: HeaderMap,
    Form(fields): Form<Vec<(String, String)>>,
) -> Result<Response, Trouble> {
    let person = field(&fields, "person");
    if !console.door.demo() || console.rules().people.person(person).is_none() {
        let say = "Nobody of that name can be picked.";
        return Ok(console.refuse(by_script(&headers), StatusCode::FORBIDDEN, "Not so", say));
    }
    let to = match field(&fields, "to") {
        "" => came_from(&headers).unwrap_or_else(|| "/".to_owned()),
        to => wanted(to),
    };
    console.welcome(&headers, person, &to).await
}

pub(super) async fn sign_out(State(console): State<Arc<Console>>, sent: Sent) -> Result<Response, Trouble> {
    console.station.desk.store.end_session(&sent.visitor.hash).await?;
    console.hub.ended(&sent.visitor.session.id);
    Ok(([(header::SET_COOKIE, console.door.forget())], Redirect::to("/sign-in")).into_response())
}

impl Console {
    fn sign_in_page(&self, status: StatusCode, to: &str, problem: Option<&str>) -> Response {
        if !self.door.demo() {
            return self.bare(status, "Sign in", &sign_in::sign_in(to, problem));
        }
        let rules = self.rules();
        let people: Vec<(String, String)> = rules
            .people
            .persons()
            .map(|person| {
                let groups: Vec<&str> = person.groups.iter().map(String::as_str).collect();
                (person.name.clone(), groups.join(", "))
            })
            .collect();
        self.bare(status, "Sign in", &sign_in::picker(to, &people))
    }

    /// Opens a session; the one that the browser had before ends.
    async fn welcome(&self, headers: &HeaderMap, person: &str, to: &str) -> Result<Response, Trouble> {
        let store = &self.station.desk.store;
        let cookies = headers.get(header::COOKIE).and_then(|value| value.to_str().ok());
        if let Some(secret) = cookies.and_then(|cookies| self.door.secret(cookies)) {
            let hash = hash("session", secret);
            if let Some(old) = store.session(&hash, Timestamp::now()).await? {
                store.end_session(&hash).await?;
                self.hub.ended(&old.id);
            }
        }
        let Some(opened) = self.door.open(&self.rules(), person, Timestamp::now()) else {
            let say = "Your token was taken away just now.";
            return Ok(self.sign_in_page(StatusCode::FORBIDDEN, to, Some(say)));
        };
        store.open_session(&opened.hash, &opened.session).await?;
        Ok(([(header::SET_COOKIE, opened.cookie)], Redirect::to(to)).into_response())
    }
}

/// Behind a proxy on this machine everybody has its address; what it adds last is the one that it saw.
fn client(peer: IpAddr, headers: &HeaderMap) -> IpAddr {
    let forwarded = headers
        .get_all("x-forwarded-for")
        .iter()
        .next_back()
        .and_then(|value| value.to_str().ok()?.rsplit(',').next()?.trim().parse().ok());
    match forwarded {
        Some(forwarded) if peer.is_loopback() => forwarded,
        _ => peer,
    }
}

/// The path of the page that a form was sent from.
fn came_from(headers: &HeaderMap) -> Option<String> {
    let referer = Url::parse(headers.get(header::REFERER)?.to_str().ok()?).ok()?;
    own_page(referer.path())
}
