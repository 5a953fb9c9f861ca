//! Alerts in Discord: one message for a group, edited in place, with charts and news in its thread.

use super::super::Outbox;
use super::super::alert::{Picture, gone};
use super::super::sent::{Sent, Trouble};
use super::{Discord, Failed, Post, SETTLE, not_sent};
use crate::platform::discord::client::{DiscordError, File, Mark, Missing};
use crate::platform::discord::limits::Method;
use crate::platform::discord::render::{self, Rendered};
use crate::store::messages::{DueMessage, MessageKind, Thread};

impl Outbox<Discord> {
    pub(super) async fn alert(&self, due: &DueMessage, id: &str, channel: &str) -> Result<Sent, Trouble> {
        let Some(card) = self.alert_card(due, id).await? else {
            return Ok(gone());
        };
        if due.message.kind == MessageKind::Run {
            let rendered = render::alert::message(&card).known_as(&due.message.id);
            return self.show_in_place(due, channel, rendered).await;
        }
        let parent = match self.desk.store.thread_of(id, &due.message.place).await? {
            Thread::Begun(parent) => parent,
            Thread::Unnamed => return Ok(Sent::Shown(None)),
            Thread::Awaited => return Ok(Sent::KeptBack(SETTLE)),
            Thread::Never => return Ok(Sent::Never("its thread was never begun".to_owned())),
        };
        let name = render::alert::thread_name(&card);
        let say = if due.message.kind == MessageKind::Chart {
            match self.alert_picture(due, id).await? {
                Picture::Drawn(drawn) => {
                    let post = Post {
                        body: render::file_body(&drawn.name, &drawn.alt),
                        file: Some(File {
                            name: drawn.name.clone(),
                            bytes: drawn.png,
                        }),
                    };
                    return self
                        .reply(due, channel, &parent, &name, Mark::File(&drawn.name), post)
                        .await;
                }
                Picture::Said(say) => say,
                Picture::Nothing => return Ok(Sent::Shown(None)),
                Picture::Failed(why) => return Ok(Sent::Never(why)),
            }
        } else {
            match self.alert_news(due) {
                Some(say) => say,
                None => return Ok(Sent::Never("it says nothing".to_owned())),
            }
        };
        let mut message = render::notice(&say).known_as(&due.message.id);
        if let Some(user) = self.called(due).filter(|_| due.message.kind == MessageKind::Ping) {
            message = message.calling(&user);
        }
        let mark = message.mark.clone().unwrap_or_default();
        let post = Post::from(&message);
        self.reply(due, channel, &parent, &name, Mark::Words(&mark), post).await
    }

    /// Posts a message, or puts it in the place of what it was.
    pub(super) async fn show_in_place(
        &self,
        due: &DueMessage,
        channel: &str,
        rendered: Rendered,
    ) -> Result<Sent, Trouble> {
        let Some(id) = due.remote.as_deref() else {
            return self.post_rendered(due, channel, rendered).await;
        };
        let edit = async |message: &Rendered| {
            let body = message.body();
            self.call(Method::Edit, channel, self.wire.client.edit(channel, id, &body))
                .await
        };
        let edited = match edit(&rendered).await {
            Err(Failed::Discord(DiscordError::Form { detail })) => {
                tracing::error!(message = %due.message.id, detail, "Discord does not take the message as it is built");
                edit(&rendered.plain()).await
            }
            other => other,
        };
        Ok(match edited {
            Ok(()) => Sent::Shown(None),
            Err(Failed::Discord(DiscordError::Gone { what: Missing::Message })) => Sent::Anew,
            Err(error) => not_sent(error),
        })
    }
}
