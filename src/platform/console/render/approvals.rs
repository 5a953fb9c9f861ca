//! `/approvals`: what waits for people.

use super::message::{Message, message};
use super::shown;
use maud::{Markup, html};

/// What waits, sorted by whose word helps it on.
#[derive(Debug)]
pub struct Approvals<'a> {
    /// For the onlooker's yes.
    pub mine: &'a [Message],
    /// For the onlooker's word on what became of a step.
    pub unknown: &'a [Message],
    /// For somebody else's word, with the reason.
    pub others: &'a [(Message, String)],
}

/// The page's content. What has changed since then, in microseconds, is not in it.
pub fn approvals(approvals: &Approvals<'_>, since: i64) -> Markup {
    html! {
        main #main .approvals data-follows="any" data-since=(since) {
            h1 { "Approvals" }
            @if approvals.mine.is_empty() && approvals.unknown.is_empty() { p.empty { "Nothing waits for your yes." } }
            @for one in approvals.mine { (message(one)) }
            @if !approvals.unknown.is_empty() {
                h2 { "A person must say what became of a step" }
                @for one in approvals.unknown { (message(one)) }
            }
            @if !approvals.others.is_empty() {
                h2 { "These wait for somebody else" }
                @for (one, why) in approvals.others {
                    (message(one))
                    @if !one.offered.iter().any(|offered| offered.why_not.as_deref() == Some(why)) { p.why { (shown(why)) } }
                }
            }
        }
    }
}
