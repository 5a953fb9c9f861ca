//! What people do about alerts: run what is suggested, acknowledge, take on, look. Who may, the policy says: of what is
//! suggested as of any runbook, of the rest as of a runbook that is called [`ALERTS`].

use super::answer::said;
use super::asked::person;
use super::overview::may_view;
use super::{Desk, Reply, Turned};
use crate::alert::card::clock;
use crate::alert::group::Group;
use crate::alert::page::Level;
use crate::policy::authorize::Act;
use crate::report::alert::AlertCard;
use crate::report::fit::one_line;
use crate::report::unseen::brief;
use crate::report::{Button, Outcome, Press};
use crate::request::{AlertAct, Ask, Request, Words};
use crate::rules::{ALERTS, Rules};
use crate::store::StoreError;
use crate::store::lists::RunFilter;
use crate::store::pages::PageLine;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

/// What may have to do with an alert began this much before it, or a little after.
const BEFORE: SignedDuration = SignedDuration::from_hours(1);
const AFTER: SignedDuration = SignedDuration::from_mins(5);

/// Runs that are looked through, and that are told.
const LOOKED_AT: i64 = 200;
const TOLD: usize = 12;

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
        let now = Timestamp::now();
        let done = match act {
            AlertAct::Suggested { key } => {
                let Some(suggested) = rules.suggested(&group).into_iter().find(|one| one.key == *key) else {
                    let say = "Nothing was done: this is no longer suggested. The alert or the rules have changed; look at \
                               its message anew.";
                    return Err(answer(Outcome::Refused, say.to_owned()).into());
                };
                let words = Words::Named(suggested.inputs.clone());
                let mut pressed = request.clone();
                pressed.ask = Ask::Run {
                    runbook: suggested.runbook.clone(),
                    words: words.clone(),
                    dry: false,
                };
                self.store.rewrite_request(&pressed).await?;
                // Boxed, as for an offer.
                let reply = Box::pin(self.run(rules, &pressed, &suggested.runbook, &words, false)).await?;
                if let Reply::Run(run) = &reply {
                    let inputs: Vec<String> = suggested
                        .inputs
                        .iter()
                        .map(|(name, value)| format!("{name}={value}"))
                        .collect();
                    let asked = one_line(format!("/{} {}", suggested.runbook, inputs.join(" ")).trim_end());
                    let say = format!("{} asked for {asked}: run {run}.", asker.name);
                    self.store.link_alert(id, run, &say, now).await?;
                }
                return Ok(reply);
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

    fn known(&self, group: &Group) -> String {
        match &group.acknowledged {
            Some((person, at)) => format!("{person} has acknowledged it already, at {}.", clock(*at)),
            None => "Nothing of it fires any more.".to_owned(),
        }
    }

    /// The runs around the beginning of an alert, as far as the asker may see them.
    async fn changes(&self, rules: &Rules, request: &Request, group: &Group) -> Result<String, StoreError> {
        let began = group.began();
        let (from, until) = (began - BEFORE, Timestamp::now().min(began + AFTER));
        let filter = RunFilter {
            before: Some((until, String::new())),
            ..RunFilter::default()
        };
        let found = self.store.find_runs(&filter, LOOKED_AT).await?;
        let around = found.into_iter().filter(|run| run.line.created >= from);
        let seen = around.filter(|run| may_view(rules, request, &run.line.runbook));
        let lines: Vec<String> = seen
            .map(|run| {
                let line = &run.line;
                let inputs = run.inputs.unwrap_or_default();
                let asked = format!("/{} {inputs}", line.runbook);
                format!(
                    "{} {} by {}: {} (run {})",
                    clock(line.created),
                    asked.trim_end(),
                    line.person,
                    line.outcome.words(),
                    line.id
                )
            })
            .collect();
        let span = format!("from {} to {}", clock(from), clock(until));
        if lines.is_empty() {
            return Ok(format!(
                "Nothing ran here {span}. What was changed elsewhere is not known here."
            ));
        }
        let more = lines.len().saturating_sub(TOLD);
        let mut say = format!(
            "What ran here {span}, newest first:\n{}",
            lines[..lines.len().min(TOLD)].join("\n")
        );
        if more > 0 {
            say.push_str(&format!("\nand {more} more."));
        }
        Ok(say)
    }

    /// What people can do about a group, and what was done, as its message shows it.
    pub async fn with_deeds(&self, mut card: AlertCard, group: &Group) -> Result<AlertCard, StoreError> {
        let rules = self.rules.now();
        if let Some((person, at)) = &group.taken {
            card.people.push(format!("{person} has taken it on, at {}", clock(*at)));
        }
        if let Some((person, at)) = &group.acknowledged {
            card.people
                .push(format!("{person} has acknowledged it, at {}", clock(*at)));
        }
        for page in self.store.pages_of(&group.id).await? {
            tell_of(&mut card, &page);
        }
        for run in self.store.runs_of_alert(&group.id).await? {
            card.people.push(format!(
                "{} ran /{}: {} (run {})",
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
