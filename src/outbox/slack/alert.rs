//! Alerts in Slack: one message for a group, edited in place, with charts and news in its thread.

use super::super::Outbox;
use super::super::alert::{Picture, gone};
use super::super::sent::{Sent, Trouble};
use super::{Address, SETTLE, Slack, failed, not_sent};
use crate::platform::slack::client::{SlackError, Upload};
use crate::platform::slack::limits::Target;
use crate::platform::slack::render;
use crate::report::alert::AlertState;
use crate::store::messages::{DueMessage, MessageKind, Thread};

impl Outbox<Slack> {
    pub(super) async fn alert(&self, due: &DueMessage, id: &str, target: Target<'_>) -> Result<Sent, Trouble> {
        if due.message.kind == MessageKind::Run {
            return self.alert_message(due, id, target).await;
        }
        let thread = match self.desk.store.thread_of(id, &due.message.place).await? {
            Thread::Begun(ts) => ts,
            Thread::Unnamed => return Ok(Sent::Shown(None)),
            Thread::Awaited => return Ok(Sent::KeptBack(SETTLE)),
            Thread::Never => return Ok(Sent::Never("its thread was never begun".to_owned())),
        };
        let address = Address {
            target,
            thread: Some(&thread),
        };
        if due.message.kind != MessageKind::Chart {
            return match self.alert_news(due) {
                Some(say) if due.message.kind == MessageKind::Ping => {
                    let message = render::alert::call(id, self.called(due).as_deref(), &say).known_as(&due.message.id);
                    Ok(self.post(due, &address, message).await?.unwrap_or_else(failed))
                }
                Some(say) => self.alert_reply(due, id, &address, &say).await,
                None => Ok(Sent::Never("it says nothing".to_owned())),
            };
        }
        match self.alert_picture(due, id).await? {
            Picture::Drawn(drawn) => {
                let upload = Upload {
                    filename: &drawn.name,
                    bytes: &drawn.png,
                    alt_text: &drawn.alt,
                    title: &drawn.title,
                };
                self.picture(due, &address, &thread, &upload).await
            }
            Picture::Said(say) => self.alert_reply(due, id, &address, &say).await,
            Picture::Nothing => Ok(Sent::Shown(None)),
            Picture::Failed(why) => Ok(Sent::Never(why)),
        }
    }

    async fn alert_message(&self, due: &DueMessage, id: &str, target: Target<'_>) -> Result<Sent, Trouble> {
        let Some(card) = self.alert_card(due, id).await? else {
            return Ok(gone());
        };
        let rendered = render::alert::message(&card).known_as(&due.message.id);
        let Some(ts) = due.remote.as_deref() else {
            let address = Address { target, thread: None };
            let posted = self.post(due, &address, rendered).await?;
            return Ok(posted.unwrap_or_else(failed));
        };
        Ok(match self.edit(due, target, ts, &rendered).await {
            Ok(()) => Sent::Shown(None),
            Err(super::Failed::Slack(SlackError::Gone { code })) => match code.as_str() {
                "message_not_found" | "cant_update_message" => Sent::Anew,
                // The workspace lets nobody edit for long; that it is over is worth a message of its own.
                "edit_window_closed" if card.state != AlertState::Firing => Sent::Anew,
                "edit_window_closed" => Sent::Shown(None),
                _ => failed(SlackError::Gone { code }),
            },
            Err(error) => not_sent(error),
        })
    }

    async fn alert_reply(&self, due: &DueMessage, id: &str, address: &Address<'_>, say: &str) -> Result<Sent, Trouble> {
        let message = render::alert::reply(id, say).known_as(&due.message.id);
        Ok(self.post(due, address, message).await?.unwrap_or_else(failed))
    }
}
