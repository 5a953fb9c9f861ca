//! What people do about alerts: run what is suggested, acknowledge, take on, look. Who may, the policy says: of what is
//! suggested as of any runbook, of the rest as of a runbook that is called [`ALERTS`].

use super::answer::said;
use super::asked::person;
use super::{Desk, Reply, Turned};
use crate::alert::card::clock;
use crate::alert::group::Group;
use crate::alert::page::Level;
use crate::policy::authorize::Act;
use crate::policy::identity::Person;
use crate::report::alert::AlertCard;
use crate::report::fit::one_line;
use crate::report::unseen::brief;
use crate::report::{Button, Outcome, Press};
use crate::request::{AlertAct, Request};
use crate::rules::{ALERTS, Rules};
use crate::store::StoreError;
use crate::store::messages::Thread;
use crate::store::pages::PageLine;
use jiff::Timestamp;
use serde_json::json;

impl Desk {
    pub(super) async fn alert(
        &self,
        rules: &Rules,
        request: &Request,
        id: &str,
        act: &AlertAct,
    ) -> Result<Reply, Turned> {
        let asker = &*person(rules, request, ALERTS)?;
        let answer = |outcome, say: String| said(&asker.name, ALERTS, outcome, say);
        let none = || {
            Turned::from(answer(
                Outcome::Invalid,
                format!("There is no alert {} that you may see.", brief(id)),
            ))
        };
        self.may(rules, request, asker, ALERTS, Act::View).map_err(|_| none())?;
        let group = self.store.alert_group(id).await?.ok_or_else(none)?;
        self.is_current(request, asker, &group, act).await?;
        let now = Timestamp::now();
        let done = match act {
            AlertAct::Suggested { key } => return self.run_suggested(rules, request, asker, &group, key, None).await,
            AlertAct::Picked { key, value } => {
                return self
                    .run_suggested(rules, request, asker, &group, key, Some(value))
                    .await;
            }
            AlertAct::Acknowledge => {
                self.may(rules, request, asker, ALERTS, Act::Ask)?;
                let told = self
                    .store
                    .change_alert(id, now, |group| group.acknowledge(&asker.name, now))
                    .await?;
                told.ok_or_else(|| answer(Outcome::NothingToDo, self.known(&group)))?;
                "You have acknowledged it; its message says so.".to_owned()
            }
            AlertAct::Take => {
                self.may(rules, request, asker, ALERTS, Act::Ask)?;
                let told = self
                    .store
                    .change_alert(id, now, |group| group.take_on(&asker.name, now))
                    .await?;
                told.ok_or_else(|| answer(Outcome::NothingToDo, "It is yours already.".to_owned()))?;
                "It is yours; its message says so.".to_owned()
            }
            AlertAct::Assign => {
                self.may(rules, request, asker, ALERTS, Act::Ask)?;
                return Ok(Reply::Said(Box::new(self.whom(rules, request, asker, &group))));
            }
            AlertAct::AssignTo { person: to } => {
                self.may(rules, request, asker, ALERTS, Act::Ask)?;
                self.assign(rules, request, asker, &group, to, now).await?
            }
            AlertAct::Chart => {
                let say = if self.store.chart_alert(id, &request.place, &request.id, now).await? {
                    "What the rule watches comes in the alert's thread."
                } else {
                    "The alert is shown in no channel, so no chart can be posted; its page in the console has one."
                };
                return Ok(Reply::Said(Box::new(answer(Outcome::Succeeded, say.to_owned()))));
            }
            AlertAct::Changes => {
                let say = self.changes(rules, request, &group).await?;
                return Ok(Reply::Said(Box::new(answer(Outcome::Succeeded, say))));
            }
        };
        self.audit("alert", asker, id, json!({ "act": act.word(), "title": group.title() }))
            .await?;
        Ok(Reply::Said(Box::new(answer(Outcome::Succeeded, done))))
    }

    /// What is pressed below a copy that nobody keeps up to date was decided by what it shows, and that is not so any more.
    /// So does the message of what has ended and goes on in another one; only what happened around it can be asked for there.
    async fn is_current(&self, request: &Request, asker: &Person, group: &Group, act: &AlertAct) -> Result<(), Turned> {
        let refused = |say: String| Turned::from(said(&asker.name, ALERTS, Outcome::Refused, say));
        if let Some(pressed) = request.message.as_ref().filter(|_| !act.is_choice())
            && let Thread::Begun(current) = self.store.thread_of(&group.id, &request.place).await?
            && current != *pressed
        {
            return Err(refused(
                "Nothing was done: this is an old copy of the alert's message, and nobody keeps it up to date. Use the buttons \
                 of the newer one in this channel."
                    .to_owned(),
            ));
        }
        if *act == AlertAct::Changes {
            return Ok(());
        }
        let Some((newer, place)) = self.store.newer_alert(group, request.place.surface).await? else {
            return Ok(());
        };
        let channel = place.and_then(|place| place.channel);
        let is_here = channel.is_some() && channel == request.place.channel;
        let there = match channel {
            Some(_) if is_here => "in this channel, in a message of its own, and in".to_owned(),
            Some(channel) => format!("in channel {channel}, and in"),
            None => "in".to_owned(),
        };
        Err(refused(format!(
            "Nothing was done: this alert has ended. It fired again at {}: see {there} the console at /alerts/{}.",
            clock(newer.opened),
            newer.id
        )))
    }

    fn known(&self, group: &Group) -> String {
        match &group.acknowledged {
            Some((person, at)) => format!("{person} has acknowledged it already, at {}.", clock(*at)),
            None => "Nothing of it fires any more.".to_owned(),
        }
    }

    /// What people can do about a group, and what was done, as its message shows it.
    pub async fn with_deeds(&self, mut card: AlertCard, group: &Group) -> Result<AlertCard, StoreError> {
        let rules = self.rules.now();
        if let Some((person, at)) = &group.taken {
            card.people.push(match &group.given_by {
                Some(by) => format!("{by} has given it to {person}, at {}", clock(*at)),
                None => format!("{person} has taken it on, at {}", clock(*at)),
            });
        }
        if let Some((person, at)) = &group.acknowledged {
            card.people
                .push(format!("{person} has acknowledged it, at {}", clock(*at)));
        }
        for page in self.store.pages_of(&group.id).await? {
            tell_of(&mut card, &page);
        }
        for run in self.store.runs_of_alert(&group.id).await? {
            let by_itself = if rules.people.is_alert(&run.person) {
                "By itself, "
            } else {
                ""
            };
            card.people.push(format!(
                "{by_itself}{} ran /{}: {} (run {})",
                run.person,
                run.runbook,
                run.outcome.words(),
                run.id
            ));
        }
        let button = |label: &str, act| Button {
            press: Press::Alert(act),
            label: label.to_owned(),
        };
        for suggested in rules.suggested(group) {
            card.buttons
                .push(button(&suggested.label, AlertAct::Suggested { key: suggested.key }));
        }
        if group.ended.is_none() {
            if group.acknowledged.is_none() {
                card.buttons.push(button("Acknowledge", AlertAct::Acknowledge));
            }
            if group.taken.is_none() {
                card.buttons.push(button("Take it on", AlertAct::Take));
            }
            card.buttons.push(button("Assign…", AlertAct::Assign));
            card.buttons.push(button("Show me", AlertAct::Chart));
        }
        card.buttons.push(button("What changed", AlertAct::Changes));
        Ok(card)
    }

    /// Of a run that was asked for from an alert: whether that has cleared.
    pub(super) async fn cleared(&self, run: &str) -> Result<Option<String>, StoreError> {
        let Some(group) = self.store.alert_of_run(run).await? else {
            return Ok(None);
        };
        let title = one_line(&group.title());
        Ok(Some(match group.ended {
            Some(ended) => format!(
                "The alert {title}, from which this was asked for, has cleared, at {}.",
                clock(ended)
            ),
            None => format!("The alert {title}, from which this was asked for, still fires."),
        }))
    }
}

/// Whom the group's pages have reached, and what went wrong with them.
fn tell_of(card: &mut AlertCard, page: &PageLine) {
    let connection = &page.connection;
    if let Some(told) = page.told {
        let more = match told {
            Level::Triggered => "",
            Level::Acknowledged => "; it is acknowledged there",
            Level::Resolved => "; it is resolved there",
        };
        card.people
            .push(format!("Somebody was paged through {connection}{more}"));
    }
    let Some(why) = &page.error else { return };
    // Others end their sentences, too.
    let why = why.trim_end_matches('.');
    card.notes.push(match (page.told, page.waits) {
        (None, true) => format!("Nobody could be paged through {connection} yet: {why}. It is tried again."),
        (None, false) => {
            format!("Nobody is paged through {connection}: {why}. It is not tried again; page somebody yourself.")
        }
        (Some(_), true) => {
            format!("What changed could not be told through {connection} yet: {why}. It is tried again.")
        }
        (Some(_), false) => {
            format!(
                "What changed is not told through {connection}: {why}. It is not tried again; tell it there yourself."
            )
        }
    });
}
