//! `/runs`: all runs, with filter and search.

use super::{RUN_OUTCOMES, moment, shown, state, word};
use crate::report::Outcome;
use jiff::Timestamp;
use maud::{Markup, html};

/// One line.
#[derive(Debug, Clone)]
pub struct Line {
    /// Its id.
    pub id: String,
    /// The command.
    pub title: String,
    /// Who asked.
    pub person: String,
    /// When.
    pub at: Timestamp,
    /// How it stands.
    pub outcome: Outcome,
    /// The sentence that it ended with.
    pub say: String,
}

/// The list with what was looked for.
#[derive(Debug)]
pub struct Runs<'a> {
    /// What has changed since then, in microseconds, is not in it.
    pub since: i64,
    /// Newest first.
    pub lines: &'a [Line],
    /// As chosen.
    pub outcome: Option<Outcome>,
    /// As chosen.
    pub runbook: &'a str,
    /// As chosen.
    pub person: &'a str,
    /// As typed.
    pub text: &'a str,
    /// To choose from.
    pub runbooks: &'a [String],
    /// To choose from.
    pub persons: &'a [String],
    /// The address of what comes next, where there is more.
    pub next: Option<String>,
    /// Whether this is a later page.
    pub paged: bool,
}

/// The page's content.
pub fn runs(runs: &Runs<'_>) -> Markup {
    let filtered = runs.outcome.is_some()
        || ![runs.runbook, runs.person, runs.text]
            .iter()
            .all(|text| text.is_empty());
    html! {
        main #main data-follows="any" data-since=(runs.since) {
            h1 { "Runs" }
            form.filter method="get" action="/runs" role="search" {
                label { span { "Search" }
                    input type="search" name="q" value=(runs.text) maxlength="200" placeholder="id, order, words"; }
                label { span { "State" }
                    select name="outcome" {
                        option value="" { "any" }
                        @for outcome in RUN_OUTCOMES {
                            option value=(word(outcome)) selected[runs.outcome == Some(outcome)] { (outcome.words()) }
                        }
                    }
                }
                (choice("Runbook", "runbook", runs.runbook, runs.runbooks))
                (choice("Person", "person", runs.person, runs.persons))
                button { "Show" }
                @if filtered { a.button href="/runs" { "All" } }
            }
            // Drawn anew while somebody fills in what is above.
            div data-fresh { (found(runs, filtered)) }
        }
    }
}

fn found(runs: &Runs<'_>, filtered: bool) -> Markup {
    html! {
        @if runs.lines.is_empty() {
            p.empty { @if filtered || runs.paged { "No run fits." } @else { "Nothing has run yet." } }
        } @else {
            ul.runs {
                @for line in runs.lines {
                    li {
                        (state(line.outcome, false))
                        a href={ "/runs/" (line.id) } { (shown(&line.title)) }
                        span.by { (shown(&line.person)) " · " (moment(line.at)) }
                        @if !line.say.is_empty() { p.say { (shown(&line.say)) } }
                    }
                }
            }
        }
        p.ways {
            @if runs.paged { a.button href="/runs" { "Newest" } " " }
            @if let Some(next) = &runs.next { a.button href=(next) rel="next" { "Older" } }
        }
    }
}

fn choice(label: &str, name: &str, chosen: &str, all: &[String]) -> Markup {
    html! {
        label { span { (label) }
            select name=(name) {
                option value="" { "any" }
                @if !chosen.is_empty() && !all.iter().any(|one| one == chosen) { option value=(chosen) selected { (shown(chosen)) } }
                @for one in all { option value=(one) selected[one == chosen] { (shown(one)) } }
            }
        }
    }
}
