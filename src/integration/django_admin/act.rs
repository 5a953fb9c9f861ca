//! An action on some rows: checked against the list first, posted once, and told by the messages.

use super::session::Visit;
use super::{AdminError, DjangoAdmin, Model, ids, narrow};
use crate::call::{Arguments, CallResult};
use crate::integration::argument;
use crate::integration::exchange::{Answer, Lost};
use crate::nearest::way_out;
use reqwest::StatusCode;
use reqwest::header::LOCATION;
use serde_json::json;
use tokio::time::Instant;

/// How Django's own refusals of an action begin. They come with a redirect like any success.
const REFUSALS: [&str; 2] = ["Items must be selected", "No action selected"];

/// What an answer to the form says.
enum Posted {
    Result(CallResult),
    /// The session or its token was not taken: nothing was done.
    NotTaken(String),
}

impl DjangoAdmin {
    pub(super) async fn act(&self, arguments: &Arguments, until: Instant) -> Result<CallResult, AdminError> {
        let model = self.model(arguments)?;
        let action = argument::text(arguments, "action")?;
        let ids = ids(arguments)?.ok_or(AdminError::NoId)?;
        if action == "delete_selected" {
            let reason = "delete_selected asks whether one is sure, and is not for a runbook".to_owned();
            return Ok(CallResult::NotDone { reason });
        }
        let mut visit = self.entered(until).await?;
        let mut told = String::new();
        // Who is not taken for logged in has done nothing: once more after another login is no repeat.
        for _ in 0..2 {
            match self.posted(&mut visit, &model, action, &ids, until).await? {
                Posted::Result(CallResult::Done { value }) => {
                    return Ok(CallResult::Done {
                        value: visit.redact(value)?,
                    });
                }
                Posted::Result(result) => return Ok(result),
                Posted::NotTaken(reason) => {
                    visit.leave();
                    told = reason;
                }
            }
        }
        let host = self.site.host();
        Ok(CallResult::NotDone {
            reason: format!("the admin at {host} does not take the form for {action}, also after a new login: {told}"),
        })
    }

    async fn posted(
        &self,
        visit: &mut Visit,
        model: &Model,
        action: &str,
        ids: &[String],
        until: Instant,
    ) -> Result<Posted, AdminError> {
        let mut list = model.url.clone();
        narrow(&mut list, ids);
        // This also takes away the messages of whoever was here before.
        let page = self.open(visit, list, &model.name, until).await?;
        let not_done = |reason: String| Ok(Posted::Result(CallResult::NotDone { reason }));
        let there = page.ids();
        let missing: Vec<_> = ids.iter().filter(|id| !there.contains(id.as_str())).collect();
        if !missing.is_empty() && !page.more {
            let missing = missing.iter().map(|it| it.as_str()).collect::<Vec<_>>().join(", ");
            let name = &model.name;
            return not_done(format!("{name} has no {missing} in the admin's list; nothing was sent"));
        }
        if !page.actions.contains(action) {
            let way_out = way_out(action, page.actions.iter().map(String::as_str));
            return not_done(format!(
                "{} has no action `{action}` for this account; {way_out}; nothing was sent",
                model.name
            ));
        }
        let Some(token) = &page.token else {
            return Err(self.strange("its list has no form".to_owned()));
        };
        let mut form = vec![
            ("csrfmiddlewaretoken", token.as_str()),
            ("action", action),
            ("index", "0"),
            // Not all rows of the list, whatever is chosen.
            ("select_across", "0"),
        ];
        form.extend(ids.iter().map(|id| ("_selected_action", id.as_str())));
        let answer = match self.post(visit, &model.url, &form, until).await {
            Ok(answer) => answer,
            Err(lost @ Lost::NeverSent(_)) => {
                let reason = format!("{} cannot be reached: {}", self.site.host(), lost.reason());
                return Ok(Posted::Result(CallResult::Unreachable { reason }));
            }
            Err(lost) => return Ok(self.unknown(action, &lost.reason())),
        };
        self.read(visit, model, action, &answer, until).await
    }

    async fn read(
        &self,
        visit: &mut Visit,
        model: &Model,
        action: &str,
        answer: &Answer,
        until: Instant,
    ) -> Result<Posted, AdminError> {
        let status = answer.status.as_u16();
        if self.leads_to_login(answer) {
            return Ok(Posted::NotTaken("it asks for the login".to_owned()));
        }
        if answer.status == StatusCode::FORBIDDEN {
            let csrf = String::from_utf8_lossy(&answer.body).contains("CSRF");
            let why = if csrf {
                "the CSRF check failed"
            } else {
                "this account may not"
            };
            return Ok(Posted::NotTaken(format!("HTTP 403, {why}")));
        }
        if answer.status == StatusCode::FOUND {
            let same = answer
                .header(LOCATION)
                .and_then(|location| self.site.same_origin(&model.url, location))
                .is_some_and(|to| to.path() == model.url.path());
            if !same {
                return Ok(self.unknown(
                    action,
                    "it sends us to another page than the list, so no message can be read",
                ));
            }
            let logins = visit.logins();
            let page = match self.open(visit, model.url.clone(), &model.name, until).await {
                Ok(page) => page,
                Err(error) => return Ok(self.unknown(action, &format!("its messages could not be read: {error}"))),
            };
            if visit.logins() != logins {
                return Ok(self.unknown(action, "the session ended before its messages could be read"));
            }
            let refusal = page
                .messages
                .iter()
                .find(|message| REFUSALS.iter().any(|it| message.text.starts_with(it)));
            if let Some(refusal) = refusal {
                let text = refusal.text.trim_end_matches('.');
                let reason = format!("the admin did nothing: {text}");
                return Ok(Posted::Result(CallResult::NotDone { reason }));
            }
            let value = json!({ "messages": page.messages, "count": page.count() });
            return Ok(Posted::Result(CallResult::Done { value }));
        }
        if answer.status == StatusCode::OK && self.page(answer)?.asks_again {
            let reason = format!("{action} asks whether one is sure, and was not carried out");
            return Ok(Posted::Result(CallResult::NotDone { reason }));
        }
        if answer.status.is_client_error() && !matches!(status, 408 | 409 | 499) {
            let reason = format!("the admin at {} refuses the form: HTTP {status}", self.site.host());
            return Ok(Posted::Result(CallResult::NotDone { reason }));
        }
        Ok(self.unknown(action, &format!("HTTP {status} came instead of the list")))
    }

    fn unknown(&self, action: &str, why: &str) -> Posted {
        Posted::Result(CallResult::Unknown {
            reason: format!("the admin at {} may have carried out {action}: {why}", self.site.host()),
        })
    }
}
