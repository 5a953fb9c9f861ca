//! What one person alone is told, by the token of what they typed or pressed.

use super::super::Outbox;
use super::super::sent::{Sent, Trouble};
use super::{Discord, SETTLE, failed, heard, not_sent, signed};
use crate::platform::discord::answer::EPHEMERAL;
use crate::platform::discord::client::{DiscordError, Missing};
use crate::platform::discord::limits::Method;
use crate::platform::discord::render::{self, Rendered};
use crate::request::{Account, Request};
use crate::store::messages::{DueMessage, Thread};
use jiff::{SignedDuration, Timestamp};

/// What was asked is answered no sooner: Discord must have our word that the answer is on its way.
const GRACE: SignedDuration = SignedDuration::from_millis(400);

/// Discord may take this long to know its own interaction.
const ARRIVES: SignedDuration = SignedDuration::from_secs(10);

impl Outbox<Discord> {
    /// What one person is told: in the answer that they wait for, or below the message that they pressed.
    pub(super) async fn answer(&self, due: &DueMessage) -> Result<Sent, Trouble> {
        let Some(id) = &due.message.request else {
            return Ok(Sent::Never("nobody is there to be answered".to_owned()));
        };
        let request = self.desk.store.request_body(id).await?;
        let age = age(&request, self.clock.now());
        if age < GRACE {
            return Ok(Sent::KeptBack(GRACE - age));
        }
        let rendered = match (&due.message.body, due.message.run.as_deref()) {
            (Some(body), _) => render::ephemeral(&body.clone().redacted(&self.redactor)),
            (None, Some(run)) => match self.shown_to(&request, run).await? {
                Ok(rendered) => rendered,
                Err(sent) => return Ok(sent),
            },
            (None, None) => return Ok(Sent::Never("it says nothing".to_owned())),
        };
        let Some(token) = self.desk.store.token(id, self.clock.now()).await? else {
            return self.too_late(due, &request, &rendered).await;
        };
        if let Err(wait) = self.wire.client.take_answer(&token) {
            return Ok(Sent::KeptBack(signed(wait)));
        }
        let answer = async |rendered: &Rendered| {
            let mut body = rendered.body();
            if request.message.is_none() {
                return self.wire.client.answer(&token, &body).await;
            }
            body["flags"] = EPHEMERAL.into();
            self.wire.client.follow_up(&token, &body).await
        };
        let answered = match answer(&rendered).await {
            Err(DiscordError::Form { detail }) => {
                tracing::error!(message = %due.message.id, detail, "Discord does not take the message as it is built");
                answer(&rendered.clone().plain()).await
            }
            other => other,
        };
        self.hear(heard(&answered)).await;
        Ok(match answered {
            Ok(()) => Sent::Shown(None),
            Err(
                error @ DiscordError::Gone {
                    what: Missing::Interaction,
                },
            ) if age < ARRIVES => Sent::Later(Some(SignedDuration::from_secs(1)), error.to_string()),
            Err(DiscordError::Gone { .. }) => return self.too_late(due, &request, &rendered).await,
            // What one person reads twice does no harm.
            Err(error) => failed(error),
        })
    }

    /// Where the run is shown that somebody asked for; itself, where it cannot be shown in the channel.
    async fn shown_to(&self, request: &Request, run: &str) -> Result<Result<Rendered, Sent>, Trouble> {
        let place = &request.place;
        Ok(match self.desk.store.thread_of(run, place).await? {
            Thread::Begun(message) => {
                let channel = place.thread.as_deref().or(place.channel.as_deref());
                let guild = place.workspace.as_deref();
                Ok(render::pointer(
                    guild.unwrap_or("@me"),
                    channel.unwrap_or_default(),
                    &message,
                ))
            }
            Thread::Awaited => Err(Sent::KeptBack(SETTLE)),
            Thread::Unnamed | Thread::Never => Ok(render::ephemeral(&self.report(run).await?)),
        })
    }

    /// The answer's time is over. What was said to one person is said to that person alone; a run shows itself.
    async fn too_late(&self, due: &DueMessage, request: &Request, rendered: &Rendered) -> Result<Sent, Trouble> {
        let Account::Discord { user } = &request.account else {
            return Ok(Sent::Never("nobody on Discord is there to be answered".to_owned()));
        };
        if due.message.body.is_none() {
            return Ok(Sent::Shown(None));
        }
        let direct = match self.call(Method::Direct, "", self.wire.client.direct(user)).await {
            Ok(direct) => direct,
            Err(error) => return Ok(not_sent(error)),
        };
        let mut late = rendered.clone().known_as(&due.message.id);
        late.content = "This was to be answered where you asked, and came too late for that.".to_owned();
        let sent = self.post_rendered(due, &direct, late).await?;
        Ok(match sent {
            Sent::Shown(_) | Sent::Found(_) => Sent::Shown(None),
            other => other,
        })
    }
}

/// How long ago something was asked: its id tells.
fn age(request: &Request, now: Timestamp) -> SignedDuration {
    let made = uuid::Uuid::parse_str(&request.id)
        .ok()
        .and_then(|id| id.get_timestamp());
    let made = made.and_then(|made| {
        let (seconds, nanoseconds) = made.to_unix();
        Timestamp::new(i64::try_from(seconds).ok()?, i32::try_from(nanoseconds).ok()?).ok()
    });
    // A clock that was set back, or an id of another kind: nothing is waited for.
    let age = made.map_or(ARRIVES, |made| now.duration_since(made));
    if age.is_negative() { ARRIVES } else { age }
}
