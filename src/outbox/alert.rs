//! What is sent about alerts: each time it is derived from the group as it stands.

use super::sent::{Sent, Trouble};
use super::{Outbox, Wire};
use crate::alert::card::{of_group, of_storm};
use crate::alert::{is_alert, is_storm, picture};
use crate::report::alert::AlertCard;
use crate::report::chart;
use crate::request::{Account, Surface};
use crate::store::StoreError;
use crate::store::alerts::message;
use crate::store::messages::DueMessage;

/// A chart as it is sent, or why there is none.
pub(super) enum Picture {
    /// To be uploaded.
    Drawn(Drawn),
    /// To be said.
    Said(String),
    /// There is nothing to draw and nothing to say.
    Nothing,
    /// It could not be drawn: a defect.
    Failed(String),
}

/// A chart that was drawn.
pub(super) struct Drawn {
    pub(super) png: Vec<u8>,
    pub(super) title: String,
    /// For those who hear it.
    pub(super) alt: String,
    /// Unique to the message.
    pub(super) name: String,
}

/// The group or summary that a message is about.
pub(super) fn about(due: &DueMessage) -> Option<&str> {
    due.message.run.as_deref().filter(|id| is_alert(id))
}

impl<W: Wire> Outbox<W> {
    /// What the message of a group, or of many, shows now. None where it is kept no longer.
    pub(super) async fn alert_card(&self, due: &DueMessage, id: &str) -> Result<Option<AlertCard>, Trouble> {
        let store = &self.desk.store;
        let card = if is_storm(id) {
            store.alert_storm(id).await?.map(|storm| of_storm(&storm))
        } else {
            match store.alert_group(id).await? {
                Some(group) => Some(self.desk.with_deeds(of_group(&group), &group).await?),
                None => None,
            }
        };
        let Some(mut card) = card else { return Ok(None) };
        if self.desk.announce.contains(&due.message.place) {
            for (place, why) in store.given_up(id).await? {
                if place != due.message.place {
                    let channel = place.channel.unwrap_or_default();
                    card.notes.push(format!(
                        "It belongs in channel {channel}, where it cannot be shown: {why}."
                    ));
                }
            }
        }
        Ok(Some(card.redacted(&self.redactor)))
    }

    /// What a reply says; none where it says nothing.
    pub(super) fn alert_news(&self, due: &DueMessage) -> Option<String> {
        let body = due.message.body.as_ref()?;
        Some(self.redactor.redact(&body.say).into_owned())
    }

    /// The account of whoever a reply calls, on this platform; none where they have none any more.
    pub(super) fn called(&self, due: &DueMessage) -> Option<String> {
        let person = &due.message.body.as_ref()?.person;
        let workspace = due.message.place.workspace.as_deref();
        let rules = self.desk.rules.now();
        let accounts = rules.people.accounts_of(person);
        let linked = rules.people.links().iter().filter(|(_, link)| link.person == *person);
        let mut all = accounts.into_iter().chain(linked.map(|(account, _)| account));
        all.find_map(|account| match account {
            Account::Slack { team, user } if W::SURFACE == Surface::Slack && Some(team.as_str()) == workspace => {
                Some(user.clone())
            }
            Account::Discord { user } if W::SURFACE == Surface::Discord => Some(user.clone()),
            _ => None,
        })
    }

    /// The chart of a group as it stands now.
    pub(super) async fn alert_picture(&self, due: &DueMessage, id: &str) -> Result<Picture, Trouble> {
        let Some(group) = self.desk.store.alert_group(id).await? else {
            return Ok(Picture::Nothing);
        };
        let spec = match picture::of_group(&self.desk.connections, &group, self.clock.now()).await {
            Some(Ok(spec)) => spec,
            Some(Err(say)) => return Ok(Picture::Said(self.redactor.redact(&say).into_owned())),
            None => return Ok(Picture::Nothing),
        };
        let alt = self.redactor.redact(&chart::alt(&spec)).into_owned();
        let title = self.redactor.redact(&spec.title).into_owned();
        let drawn = tokio::task::spawn_blocking(move || chart::draw(&spec)).await;
        // What begins and what ends have a chart each; its name tells them apart.
        let word = due.message.id.split(':').nth(1).unwrap_or("chart");
        Ok(match drawn {
            Ok(Ok(png)) => Picture::Drawn(Drawn {
                png,
                title,
                alt,
                name: format!("{id}-{word}.png"),
            }),
            Ok(Err(error)) => Picture::Failed(error.to_string()),
            Err(error) => Picture::Failed(error.to_string()),
        })
    }

    /// A group whose own channel cannot be written to is shown in the operations channel of the same platform.
    pub(super) async fn show_alert_elsewhere(&self, due: &DueMessage, id: &str) -> Result<(), StoreError> {
        let ours = self.desk.announce.iter().filter(|place| place.surface == W::SURFACE);
        for place in ours.filter(|place| **place != due.message.place) {
            let message = message(id, place);
            self.desk.store.post(&message, self.clock.now()).await?;
        }
        Ok(())
    }
}

/// What is kept no longer is not shown any more.
pub(super) fn gone() -> Sent {
    Sent::Never("it is kept no longer".to_owned())
}
