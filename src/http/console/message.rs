//! Messages as one person sees them.

use super::visitor::Visitor;
use super::{Console, Trouble};
use crate::dispatch::aside::Sight;
use crate::dispatch::overview::{Presses, WaitingRun};
use crate::platform::console::render::message::{Message, Offered, Subject, message};
use crate::policy::identity::Person;
use crate::report::Report;
use crate::request::{Account, Ask, Request};
use crate::run::ledger::Live;
use crate::run::state::Phase;
use crate::store::aside::Outline;
use maud::Markup;

/// In demo mode this many people are offered to become.
const SWITCHES: usize = 2;

pub(super) fn fragment(one: &Message) -> Markup {
    message(one)
}

impl Console {
    pub(super) async fn run_message(&self, visitor: &Visitor, live: &Live) -> Result<Message, Trouble> {
        let desk = &self.station.desk;
        let presses = desk.presses(&visitor.rules, &visitor.asker(), live).await?;
        self.message(visitor, live, presses).await
    }

    /// A run, also one that cannot be read, as far as the visitor may see it.
    pub(super) async fn message_in_sight(&self, visitor: &Visitor, run: &str) -> Result<Option<Message>, Trouble> {
        let desk = &self.station.desk;
        Ok(match desk.in_sight(&visitor.rules, &visitor.asker(), run).await? {
            None => None,
            Some(Sight::Live(live)) => Some(self.run_message(visitor, &live).await?),
            Some(Sight::Aside(outline, report)) => Some(self.aside_message(&outline, *report)),
        })
    }

    /// Whether the visitor may press is for the gate to say.
    pub(super) fn aside_message(&self, outline: &Outline, report: Report) -> Message {
        Message {
            subject: Subject::Run {
                id: outline.run.clone(),
                seq: outline.seq,
            },
            at: outline.created,
            offered: report
                .buttons
                .iter()
                .map(|button| Offered {
                    button: button.clone(),
                    why_not: None,
                })
                .collect(),
            may_override: false,
            chart: None,
            switch_to: Vec::new(),
            can_run: false,
            report: report.redacted(&self.redactor),
        }
    }

    pub(super) async fn waiting_message(&self, visitor: &Visitor, waiting: WaitingRun) -> Result<Message, Trouble> {
        self.message(visitor, &waiting.live, waiting.presses).await
    }

    async fn message(&self, visitor: &Visitor, live: &Live, presses: Presses) -> Result<Message, Trouble> {
        let report = self.station.desk.report(live).redacted(&self.redactor);
        let proved = live.state.verdict.is_some() && live.state.started.is_some();
        let asked_for = live.plan().chart.is_some();
        Ok(Message {
            subject: Subject::Run {
                id: live.run.id.clone(),
                seq: live.run.seq(),
            },
            chart: (proved || asked_for).then(|| {
                self.charts.alt(&live.run.id, live.run.seq()).unwrap_or_else(|| {
                    if asked_for {
                        return format!("Chart of what stands above: {}", report.say);
                    }
                    let verdict = report.verdict.as_ref();
                    format!(
                        "Chart of the signals around run {}. {}",
                        live.run.id,
                        verdict.map_or("", |verdict| verdict.say.as_str())
                    )
                })
            }),
            at: live.run.created,
            offered: presses
                .buttons
                .into_iter()
                .map(|pressable| Offered {
                    button: pressable.button,
                    why_not: pressable.why_not,
                })
                .collect(),
            may_override: presses.may_override,
            switch_to: self.switches(visitor, live).await?,
            can_run: false,
            report,
        })
    }

    /// In demo mode: who could say the yes that the visitor's own run waits for.
    async fn switches(&self, visitor: &Visitor, live: &Live) -> Result<Vec<String>, Trouble> {
        let waits = matches!(live.state.phase(), Some(Phase::AwaitingApproval { .. }));
        if !self.door.demo() || !waits || live.plan().person != visitor.person() {
            return Ok(Vec::new());
        }
        let mut able = Vec::new();
        let others = visitor.rules.people.persons();
        for Person { name, .. } in others.filter(|person| person.name != visitor.person()) {
            let asker = Request {
                account: Account::Picked { person: name.clone() },
                session: None,
                ..visitor.asker()
            };
            let presses = self.station.desk.presses(&visitor.rules, &asker, live).await?;
            if presses.buttons.first().is_some_and(|first| first.why_not.is_none()) {
                able.push(name.clone());
            }
            if able.len() == SWITCHES {
                break;
            }
        }
        Ok(able)
    }

    pub(super) async fn answer_message(
        &self,
        visitor: &Visitor,
        request: &str,
        report: Report,
    ) -> Result<Message, Trouble> {
        let store = &self.station.desk.store;
        let at = store
            .asked_at(request, &visitor.session.id)
            .await?
            .unwrap_or(visitor.session.seen);
        let can_run = report.dry
            && report.digest.is_some()
            && !report.plan.is_empty()
            && matches!(store.request_body(request).await?.ask, Ask::Run { .. });
        Ok(Message {
            subject: Subject::Answer {
                request: request.to_owned(),
            },
            report: report.redacted(&self.redactor),
            at,
            offered: Vec::new(),
            may_override: false,
            chart: None,
            switch_to: Vec::new(),
            can_run,
        })
    }
}
