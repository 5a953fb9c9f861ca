//! `/runs/ID`: one run whole.

use super::message::{Message, plan, whole};
use super::{exact, moment, shown, state};
use jiff::Timestamp;
use maud::{Markup, html};

/// One line of the journal.
#[derive(Debug, Clone)]
pub struct JournalLine {
    /// Its number.
    pub seq: i64,
    /// When.
    pub at: Timestamp,
    /// What happened, in a few words.
    pub what: String,
    /// Its sentence.
    pub say: String,
}

/// Who said yes, and what proved that it was them.
#[derive(Debug, Clone)]
pub struct Approver {
    /// The name in `people.toml`.
    pub person: String,
    /// The account.
    pub account: String,
    /// The kind of door.
    pub surface: String,
    /// The policy that let them.
    pub policy: String,
    /// When.
    pub at: Timestamp,
}

/// A message about the run.
#[derive(Debug, Clone)]
pub struct Posted {
    /// What it is.
    pub kind: String,
    /// Where to.
    pub place: String,
    /// How it stands.
    pub state: String,
}

/// Everything about a run.
#[derive(Debug)]
pub struct Whole<'a> {
    /// What has changed since then, in microseconds, is not in it.
    pub since: i64,
    /// As in the channel.
    pub message: &'a Message,
    /// Its id.
    pub id: &'a str,
    /// Each planned step's sentence.
    pub plan: &'a [String],
    /// What each look found, as JSON; none where the onlooker may not ask for the runbook.
    pub looks: Option<&'a [(String, String)]>,
    /// What it locks.
    pub locks: &'a [String],
    /// Who approved.
    pub approvers: &'a [Approver],
    /// Where it was asked.
    pub surface: &'a str,
    /// The journal.
    pub journal: &'a [JournalLine],
    /// Where it was posted.
    pub posted: &'a [Posted],
    /// The sentence of the deciding policy.
    pub decision: &'a str,
}

/// The page's content.
pub fn run(run: &Whole<'_>) -> Markup {
    let report = &run.message.report;
    html! {
        main #main .run data-follows={ "run-" (run.id) } data-since=(run.since) {
            p.crumb { a href="/runs" { "Runs" } " / " code { (run.id) } }
            article.message data-outcome=(super::word(report.outcome)) {
                header {
                    (state(report.outcome, false))
                    h1 { "/" (shown(&report.runbook)) " " (shown(&report.inputs)) }
                    span.by { (shown(&report.person)) " at " (shown(run.surface)) " · " (moment(run.message.at)) }
                }
                (whole(run.message))
            }
            section {
                h2 { "Journal" }
                div.scroll tabindex="0" role="region" aria-label="Journal" {
                    table.journal {
                        thead { tr { th scope="col" { "UTC" } th scope="col" { "What" } th scope="col" { "Said" } } }
                        tbody {
                            @for line in run.journal {
                                tr { td { (exact(line.at)) } td { (shown(&line.what)) } td { (shown(&line.say)) } }
                            }
                        }
                    }
                }
            }
            div.columns {
                section {
                    h2 { "Plan" }
                    @if run.plan.is_empty() { p { "No steps: it only looks." } }
                    (plan(run.plan, "plan"))
                    @if !run.locks.is_empty() {
                        p { "Locks: " @for (index, key) in run.locks.iter().enumerate() { @if index > 0 { ", " } code { (shown(key)) } } }
                    }
                }
                section {
                    h2 { "Decision" }
                    p { (shown(run.decision)) }
                    @if !report.policies.is_empty() {
                        p { "Policy: " @for (index, policy) in report.policies.iter().enumerate() { @if index > 0 { ", " } code { (shown(policy)) } } }
                    }
                    @for one in run.approvers {
                        p { strong { (shown(&one.person)) } " approved at " (moment(one.at)) ", in " (shown(&one.surface)) " as "
                            (shown(&one.account)) ", by policy " code { (shown(&one.policy)) } "." }
                    }
                    @if let Some(digest) = &report.digest {
                        p { "Digest of the plan: " code.digest title=(digest) { (digest.chars().take(16).collect::<String>()) "…" } }
                    }
                }
                section {
                    h2 { "Messages" }
                    @if run.posted.is_empty() { p { "It was posted nowhere but here." } }
                    ul { @for one in run.posted { li { (shown(&one.kind)) " to " code { (shown(&one.place)) } ": " (shown(&one.state)) } } }
                }
            }
            section {
                h2 { "What was seen beforehand" }
                @match run.looks {
                    Some([]) => p { "Nothing was looked at." },
                    Some(looks) => {
                        @for (name, json) in looks { details data-key={ "look:" (name) } { summary { code { (shown(name)) } } pre { (shown(json)) } } }
                        p { a href={ "/runs/" (run.id) "/json" } { "Everything as JSON" } }
                    }
                    None => p { "Shown to those who may ask for this runbook." },
                }
            }
        }
    }
}
