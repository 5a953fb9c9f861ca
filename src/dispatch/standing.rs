//! What people say to runs that exist: yes, no, stop, what became of a step, undo; and to locks and pauses.

use super::answer::said;
use super::aside::Sight;
use super::asked::person;
use super::{Desk, Reply, Turned};
use crate::policy::approval::{Party, Waiting};
use crate::policy::authorize::{Act, Decision, Question};
use crate::policy::identity::Person;
use crate::report::Outcome;
use crate::report::unseen::brief;
use crate::request::{Ask, OnAccount, Place, Request, Resolution, Words, is_step};
use crate::rules::Rules;
use crate::run::engine::CLAIM;
use crate::run::journal::Entry;
use crate::run::ledger::{Beside, LedgerError, Live, record};
use crate::run::state::Phase;
use crate::station::handover::Seat;
use crate::store::StoreError;
use crate::store::audit::AuditRow;
use crate::store::messages::{MessageKind, NewMessage, Thread};
use crate::store::runs::{LockChange, Written};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::borrow::Cow;

impl Desk {
    pub(super) async fn approve(
        &self,
        rules: &Rules,
        request: &Request,
        run: &str,
        digest: Option<&str>,
    ) -> Result<Reply, Turned> {
        let (asker, mut live) = self.someone_and_run(rules, request, run).await?;
        let asker = &*asker;
        let plan = live.plan().clone();
        let Some(Phase::AwaitingApproval { digest: current, .. }) = live.state.phase() else {
            return Err(self.not_now(asker, &live, "It does not wait for an approval").into());
        };
        let current = current.clone();
        let origin = self.store.request_body(&live.run.request).await?;
        let requester = &*self.requester(rules, &live, asker).await?;
        let by = party(asker, request);
        let policy = self
            .counts(rules, &live, &party(requester, &origin), &by, request, digest)
            .map_err(|say| Turned::from(said(&asker.name, &plan.runbook, Outcome::Denied, say)))?;
        let entry = Entry::Approved {
            by,
            policy,
            digest: Some(current.clone()),
        };
        let record = ("approval", json!({ "digest": current, "yes": true }));
        self.act(&mut live, asker, entry, LockChange::Keep, record).await?;
        Ok(Reply::Run(live.run.id))
    }

    /// Whether a yes counts, with the policy that lets its giver; otherwise the sentence that says why not. Earlier yeses
    /// are weighed again with it: one whose giver lost the right meanwhile counts no more.
    pub(super) fn counts(
        &self,
        rules: &Rules,
        live: &Live,
        origin: &Party,
        by: &Party,
        request: &Request,
        seen: Option<&str>,
    ) -> Result<String, String> {
        let plan = live.plan();
        let Some(Phase::AwaitingApproval { digest, until, .. }) = live.state.phase() else {
            return Err("It does not wait for an approval.".to_owned());
        };
        let place = &request.place;
        let known = |party: &Party| {
            let (people, account) = (&rules.people, &party.account);
            let member = people.member(&party.person, account, &party.memberships);
            let member = member.ok_or_else(|| format!("{} is no longer in people.toml.", party.person))?;
            if account.is_of_chat() && people.who(account).is_none_or(|owner| owner.name != party.person) {
                return Err(format!("The {account} is no longer {}'s.", party.person));
            }
            Ok(member)
        };
        let requester = &*known(origin)?;
        let ask = Question {
            person: requester,
            act: Act::Run { radius: &plan.radius },
            runbook: &plan.runbook,
            place: &plan.place,
        };
        let threshold = match rules.policy.decide(&ask) {
            Decision::NeedsApproval(threshold) => threshold,
            Decision::Allow(_) => {
                return Err(
                    "The policy no longer asks for an approval of this: deny it, and ask for it again.".to_owned(),
                );
            }
            Decision::Deny { say, .. } => return Err(say),
        };
        let mut waiting = Waiting::new(&threshold, digest.clone(), origin.clone(), *until, rules.demo);
        let now = Timestamp::now();
        let leave = |party: &Party| {
            let question = Question {
                person: &*known(party)?,
                act: Act::Approve {
                    radius: &plan.radius,
                    requester,
                    account: &party.account,
                },
                runbook: &plan.runbook,
                place,
            };
            match rules.policy.decide(&question) {
                Decision::Allow(grant) => Ok(grant),
                other => Err(other.say().to_owned()),
            }
        };
        for earlier in &live.state.approvals {
            if let Ok(grant) = leave(earlier) {
                // An earlier yes that counts no more is passed over; the start weighs the rest once more.
                let _ = waiting.approve(&grant, earlier.clone(), Some(digest), now);
            }
        }
        let grant = leave(by)?;
        waiting
            .approve(&grant, by.clone(), seen, now)
            .map_err(|refusal| refusal.to_string())?;
        Ok(grant.policy().to_owned())
    }

    pub(super) async fn deny(&self, rules: &Rules, request: &Request, run: &str) -> Result<Reply, Turned> {
        let (asker, mut live) = self.someone_and_run(rules, request, run).await?;
        let asker = &*asker;
        let plan = live.plan().clone();
        if !matches!(live.state.phase(), Some(Phase::AwaitingApproval { .. })) {
            return Err(self.not_now(asker, &live, "It does not wait for an approval").into());
        }
        // The requester may take the request back; anybody else says no with the right to say yes.
        if asker.name != plan.person {
            let act = Act::Approve {
                radius: &plan.radius,
                requester: &rules.people.owner(&plan.person),
                account: &request.account,
            };
            self.may(rules, request, asker, &plan.runbook, act)?;
        }
        let entry = Entry::Denied {
            person: asker.name.clone(),
        };
        let record = ("approval", json!({ "yes": false }));
        self.act(&mut live, asker, entry, LockChange::Keep, record).await?;
        Ok(Reply::Run(live.run.id))
    }

    pub(super) async fn override_approval(
        &self,
        rules: &Rules,
        request: &Request,
        run: &str,
        reason: &str,
    ) -> Result<Reply, Turned> {
        let (asker, mut live) = self.someone_and_run(rules, request, run).await?;
        let asker = &*asker;
        let plan = live.plan().clone();
        if !matches!(live.state.phase(), Some(Phase::AwaitingApproval { .. })) {
            return Err(self.not_now(asker, &live, "It does not wait for an approval").into());
        }
        let reason = self.reason(asker, &plan.runbook, reason)?;
        let requester = &*self.requester(rules, &live, asker).await?;
        self.may(
            rules,
            request,
            asker,
            &plan.runbook,
            Act::Override {
                radius: &plan.radius,
                requester,
            },
        )?;
        let entry = Entry::Overridden {
            person: asker.name.clone(),
            reason: reason.clone(),
            digest: Some(plan.digest.clone()),
        };
        let record = ("override", json!({ "reason": reason, "to_review": true }));
        self.act(&mut live, asker, entry, LockChange::Keep, record).await?;
        Ok(Reply::Run(live.run.id))
    }

    pub(super) async fn stop(&self, rules: &Rules, request: &Request, run: &str) -> Result<Reply, Turned> {
        let (asker, mut live) = match self.someone_and_sight(rules, request, run).await? {
            (asker, Sight::Live(live)) => (asker, *live),
            (asker, Sight::Aside(outline, _)) => {
                let given_up = self.give_up(rules, request, &asker, &outline).await?;
                return Ok(Reply::Said(Box::new(given_up)));
            }
        };
        let asker = &*asker;
        let runbook = live.plan().runbook.clone();
        if asker.name != live.plan().person {
            let requester = &rules.people.owner(&live.plan().person);
            self.may(rules, request, asker, &runbook, Act::Stop { requester })?;
        }
        if live.state.stop.is_some() || matches!(live.state.phase(), Some(Phase::Closed { .. })) {
            return Err(self.not_now(asker, &live, "There is nothing left to stop").into());
        }
        let entry = Entry::StopAsked {
            person: asker.name.clone(),
        };
        let record = ("stop", json!({}));
        self.act(&mut live, asker, entry, LockChange::Keep, record).await?;
        Ok(Reply::Run(live.run.id))
    }

    pub(super) async fn resolve(
        &self,
        rules: &Rules,
        request: &Request,
        run: &str,
        step: &str,
        resolution: Resolution,
        reason: &str,
    ) -> Result<Reply, Turned> {
        let (asker, mut live) = self.someone_and_run(rules, request, run).await?;
        let asker = &*asker;
        let runbook = live.plan().runbook.clone();
        let requester = &rules.people.owner(&live.plan().person);
        self.may(rules, request, asker, &runbook, Act::Resolve { requester })?;
        let reason = self.reason(asker, &runbook, reason)?;
        let asked = live
            .state
            .unknown()
            .map(|index| (index, &live.plan().steps[index].name));
        let index = match asked {
            Some((index, name)) if is_step(name, step) && live.state.standing() == Outcome::NeedsPerson => index,
            Some((_, name)) if live.state.standing() == Outcome::NeedsPerson => {
                let say = format!("Run {run} asks about {name}, not about that step.");
                return Err(said(&asker.name, &runbook, Outcome::Invalid, say).into());
            }
            _ => {
                let say = format!("Run {run} has no step whose end is not known.");
                return Err(said(&asker.name, &runbook, Outcome::Invalid, say).into());
            }
        };
        let entry = Entry::Resolved {
            step: index,
            person: asker.name.clone(),
            resolution,
            reason: reason.clone(),
        };
        let record = ("resolve", json!({ "step": step, "as": resolution, "reason": reason }));
        self.act(&mut live, asker, entry, LockChange::Keep, record).await?;
        Ok(Reply::Run(live.run.id))
    }

    pub(super) async fn undo(&self, rules: &Rules, request: &Request, run: &str) -> Result<Reply, Turned> {
        let (asker, mut live) = self.someone_and_run(rules, request, run).await?;
        let asker = &*asker;
        let plan = live.plan().clone();
        // Undoing is doing: it takes the same right, over the same facts.
        self.may(rules, request, asker, &plan.runbook, Act::Run { radius: &plan.radius })?;
        // Of two who ask at once, the second is told that somebody was faster.
        let nothing = match live.state.closed() {
            Some(_) => !live.state.may_be_undone(),
            None => live.state.undo_target().is_none(),
        };
        if nothing {
            return Err(self.not_now(asker, &live, "There is nothing that can be undone").into());
        }
        let entry = Entry::UndoAsked {
            person: Some(asker.name.clone()),
        };
        // The run's end let its locks go; what it undoes nobody else may work on meanwhile.
        let locks = LockChange::Take(&plan.locks, &plan);
        let written = self.act(&mut live, asker, entry, locks, ("undo", json!({}))).await?;
        if let Written::Locked(held) = written {
            return Err(super::answer::locked(&plan, &held).into());
        }
        Ok(Reply::Run(live.run.id))
    }

    pub(super) async fn unlock(
        &self,
        rules: &Rules,
        request: &Request,
        key: &str,
        reason: &str,
    ) -> Result<Reply, Turned> {
        let asker = &*person(rules, request, "unlock")?;
        let reason = self.reason(asker, "unlock", reason)?;
        // A lock belongs to a run; letting it go takes the right to say what became of that run.
        for held in self.store.holders(key).await? {
            // The lock itself tells whose it is, also where the run cannot be read.
            let requester = &rules.people.owner(&held.person);
            self.may(rules, request, asker, &held.reason, Act::Resolve { requester })?;
        }
        let freed = self.store.unlock(key).await?;
        if freed.is_empty() {
            let say = format!("Nobody holds {}.", brief(key));
            return Err(said(&asker.name, "unlock", Outcome::NothingToDo, say).into());
        }
        for held in &freed {
            self.audit("lock", asker, &held.run, json!({ "unlocked": key, "reason": reason }))
                .await?;
        }
        let runs: Vec<&str> = freed.iter().map(|held| held.run.as_str()).collect();
        let say = format!(
            "{key} is free. It was held by run {}, which is not stopped by this.",
            runs.join(", ")
        );
        Ok(Reply::Said(Box::new(said(
            &asker.name,
            "unlock",
            Outcome::Succeeded,
            say,
        ))))
    }

    pub(super) async fn pause(
        &self,
        rules: &Rules,
        request: &Request,
        runbook: Option<&str>,
        on: bool,
    ) -> Result<Reply, Turned> {
        let word = if on { "pause" } else { "resume" };
        let asker = &*person(rules, request, word)?;
        let concerned: Vec<&str> = match runbook {
            Some(name) if rules.catalog.get(name).is_none() => {
                let say = format!("There is no runbook {}.", brief(name));
                return Err(said(&asker.name, word, Outcome::Invalid, say).into());
            }
            Some(name) => vec![name],
            None => rules.catalog.runbooks().map(|runbook| runbook.name.as_str()).collect(),
        };
        for name in concerned {
            self.may(rules, request, asker, name, Act::Stop { requester: asker })?;
        }
        let what = runbook.map_or_else(|| "all runbooks".to_owned(), str::to_owned);
        let record = audit_row("pause", asker, &what, json!({ "on": on }), Timestamp::now());
        let goes_on = "A step that is under way goes on to its end.";
        let say = if on {
            let by = &asker.name;
            let told = self.notices(
                request,
                asker,
                word,
                &format!("{by} paused writes of {what}: none is started until they are resumed. {goes_on}"),
            );
            if !self.store.pause(runbook, &record, &told).await? {
                let standing = self.store.pauses().await?;
                let standing = standing.into_iter().find(|pause| pause.runbook.as_deref() == runbook);
                let by = standing.map_or_else(String::new, |pause| {
                    let since = pause.since.strftime("%Y-%m-%d %H:%M UTC");
                    format!(", by {} since {since}", pause.person)
                });
                let say = format!("Writes of {what} are paused already{by}.");
                return Err(said(&asker.name, word, Outcome::NothingToDo, say).into());
            }
            format!("Paused: no writes of {what} are started until `resume`. {goes_on}")
        } else {
            let told = self.notices(
                request,
                asker,
                word,
                &format!("{} resumed writes of {what}: they may start again.", asker.name),
            );
            if self.store.resume(runbook, &record, &told).await? == 0 {
                let say = format!("Writes of {what} were not paused.");
                return Err(said(&asker.name, word, Outcome::NothingToDo, say).into());
            }
            format!("Resumed: writes of {what} may start again.")
        };
        Ok(Reply::Said(Box::new(said(&asker.name, word, Outcome::Succeeded, say))))
    }

    /// What the operations channel of each platform is told.
    fn notices(&self, request: &Request, asker: &Person, word: &str, say: &str) -> Vec<NewMessage> {
        let places = self.announce.iter().enumerate();
        let message = |(index, place): (usize, &Place)| NewMessage {
            // Asked once, told once.
            id: format!("{}:{word}:{index}", request.id),
            kind: MessageKind::Notice,
            run: None,
            request: None,
            place: place.clone(),
            body: Some(said(&asker.name, word, Outcome::Succeeded, say)),
        };
        places.map(message).collect()
    }

    /// A follow-up is a new request by whoever pressed it, with the inputs that the finished run worked out.
    pub(super) async fn offered(
        &self,
        rules: &Rules,
        request: &Request,
        run: &str,
        index: usize,
    ) -> Result<Reply, Turned> {
        let (asker, live) = self.someone_and_run(rules, request, run).await?;
        let asker = &*asker;
        let Some(offer) = live.plan().offers.get(index) else {
            return Err(self.not_now(asker, &live, "It offers no such follow-up").into());
        };
        let words = Words::Named(offer.inputs.clone());
        let mut pressed = request.clone();
        pressed.ask = Ask::Run {
            runbook: offer.runbook.clone(),
            words: words.clone(),
            dry: false,
        };
        // What follows from a run on account of alerts is on their account, too.
        pressed.alert = self.store.alert_of_run(run).await?.map(|group| OnAccount {
            group: group.id,
            look: None,
        });
        self.store.rewrite_request(&pressed).await?;
        // Boxed: a run may be asked for by an offer, and an offer by nothing else.
        Box::pin(self.run_pressed(rules, pressed, words)).await
    }

    async fn run_pressed(&self, rules: &Rules, pressed: Request, words: Words) -> Result<Reply, Turned> {
        let runbook = pressed.ask.runbook().unwrap_or_default().to_owned();
        self.run(rules, &pressed, &runbook, &words, false).await
    }

    /// Who asks, and the run that they speak of, if they may see it. A stranger and a wrong id get the same words.
    async fn someone_and_run<'r>(
        &self,
        rules: &'r Rules,
        request: &Request,
        run: &str,
    ) -> Result<(Cow<'r, Person>, Live), Turned> {
        match self.someone_and_sight(rules, request, run).await? {
            (asker, Sight::Live(live)) => {
                self.newest(request, &asker, &live).await?;
                Ok((asker, *live))
            }
            (asker, Sight::Aside(outline, told)) => {
                Err(said(&asker.name, &outline.runbook, Outcome::Refused, told.say).into())
            }
        }
    }

    /// A message can come to stand in a channel twice, where the platform did not say that it took the first. One of them
    /// counts: the other is not kept up to date, so what people see in it is not what they would decide on.
    async fn newest(&self, request: &Request, asker: &Person, live: &Live) -> Result<(), Turned> {
        let Some(pressed) = &request.message else {
            return Ok(());
        };
        match self.store.thread_of(&live.run.id, &request.place).await? {
            Thread::Begun(current) if current != *pressed => {
                let say = format!(
                    "Nothing was done: this is an old copy of the message of run {}, and nobody keeps it up to date. Use \
                     the buttons of the newer one in this channel.",
                    live.run.id
                );
                Err(said(&asker.name, &live.plan().runbook, Outcome::Refused, say).into())
            }
            _ => Ok(()),
        }
    }

    /// The same for a run that may be set aside.
    async fn someone_and_sight<'r>(
        &self,
        rules: &'r Rules,
        request: &Request,
        run: &str,
    ) -> Result<(Cow<'r, Person>, Sight), Turned> {
        let asker = person(rules, request, "")?;
        match self.in_sight(rules, request, run).await.map_err(turned)? {
            Some(sight) => Ok((asker, sight)),
            None => {
                let say = format!("There is no run {} that you may see.", brief(run));
                Err(said(&asker.name, "", Outcome::Invalid, say).into())
            }
        }
    }

    /// The person whose run it is. One who is gone from `people.toml` is stood for by nobody: nothing can be decided.
    async fn requester<'r>(&self, rules: &'r Rules, live: &Live, asker: &Person) -> Result<Cow<'r, Person>, Turned> {
        let origin = self.store.request_body(&live.run.request).await?;
        let requester = rules
            .people
            .member(&live.plan().person, &origin.account, &origin.memberships);
        requester.ok_or_else(|| {
            let say = format!(
                "{} asked for this run and is no longer in people.toml; nobody can decide on it.",
                live.plan().person
            );
            said(&asker.name, &live.plan().runbook, Outcome::Denied, say).into()
        })
    }

    pub(super) fn may(
        &self,
        rules: &Rules,
        request: &Request,
        asker: &Person,
        runbook: &str,
        act: Act<'_>,
    ) -> Result<(), Turned> {
        let decision = rules.policy.decide(&Question {
            person: asker,
            act,
            runbook,
            place: &request.place,
        });
        if decision.is_allowed() {
            return Ok(());
        }
        Err(said(&asker.name, runbook, Outcome::Denied, decision.say()).into())
    }

    fn reason(&self, asker: &Person, runbook: &str, reason: &str) -> Result<String, Turned> {
        let reason = reason.trim();
        if reason.is_empty() || reason.chars().count() > 500 || reason.chars().any(char::is_control) {
            let say = "A reason is needed: one line of 1 to 500 characters.";
            return Err(said(&asker.name, runbook, Outcome::Invalid, say).into());
        }
        Ok(reason.to_owned())
    }

    fn not_now(&self, asker: &Person, live: &Live, say: &str) -> crate::report::Report {
        let standing = live.state.standing();
        let say = format!("{say}: run {} is {}.", live.run.id, standing.words());
        said(&asker.name, &live.plan().runbook, Outcome::Refused, say)
    }

    /// Journals what somebody did, with its line of the record. A run that is due with it is driven at once.
    async fn act(
        &self,
        live: &mut Live,
        asker: &Person,
        entry: Entry,
        locks: LockChange<'_>,
        (kind, body): (&str, Value),
    ) -> Result<Written, Turned> {
        let now = Timestamp::now();
        let row = audit_row(kind, asker, &live.run.id, body, now);
        let seat = self.handover.seat(now, CLAIM);
        let beside = Beside::person()
            .locks(locks)
            .records(std::slice::from_ref(&row))
            .claim(seat.as_ref().map(Seat::claim));
        let written = match record(&self.store, live, &[entry], beside).await {
            Ok(written) => written,
            Err(LedgerError::Illegal(_)) => return Err(self.not_now(asker, live, "Somebody was faster").into()),
            Err(error) => return Err(turned(error)),
        };
        if let (Some(seat), Written::Yes { claimed: Some(_), .. }) = (seat, &written) {
            self.handover.hand(live.run.clone(), seat);
        }
        Ok(written)
    }

    pub(super) async fn audit(&self, kind: &str, asker: &Person, subject: &str, body: Value) -> Result<(), StoreError> {
        let row = audit_row(kind, asker, subject, body, Timestamp::now());
        self.store.audit(&row).await
    }
}

fn audit_row(kind: &str, asker: &Person, subject: &str, body: Value, at: Timestamp) -> AuditRow {
    AuditRow {
        at,
        kind: kind.to_owned(),
        person: asker.name.clone(),
        subject: subject.to_owned(),
        body,
    }
}

fn turned(error: LedgerError) -> Turned {
    match error {
        LedgerError::Store(error) => Turned::Store(error),
        other => Turned::Store(StoreError::Corrupt(other.to_string())),
    }
}

/// Who did it, and what proved that it was them.
pub(super) fn party(person: &Person, request: &Request) -> Party {
    Party {
        person: person.name.clone(),
        account: request.account.clone(),
        session: request.session.clone(),
        surface: request.place.surface,
        memberships: request.memberships.clone(),
    }
}
