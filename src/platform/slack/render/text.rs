//! Text as Slack takes it.

use crate::report::fit::{Cut, Script};
use crate::report::unseen::is_unseen;

/// How Slack is written.
pub(super) const SCRIPT: Script = Script {
    escape,
    cost: char_cost,
};

/// Escaped, and at most `limit` characters as they are sent.
pub(super) fn fit(text: &str, limit: usize, cut: &mut Cut) -> String {
    SCRIPT.fit(text, limit, cut)
}

/// A titled list in at most `limit` characters; empty where there is nothing to list.
pub(super) fn list(title: &str, lines: &[String], limit: usize, more: &str, cut: &mut Cut) -> String {
    SCRIPT.marked(title, "• ", lines, limit, more, cut)
}

/// What Slack would interpret becomes entities; what a reader cannot see, or would see in another order than it was
/// written, becomes a visible mark, one for one, so that texts can be counted before.
pub(super) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '\n' | '\t' => safe.push(c),
            _ if is_unseen(c) => safe.push('\u{FFFD}'),
            _ => safe.push(c),
        }
    }
    safe
}

/// How many characters a text takes in the JSON that is sent, with entities.
pub(super) fn cost(text: &str) -> usize {
    SCRIPT.cost(text)
}

pub(super) fn char_cost(c: char) -> usize {
    match c {
        '&' => 5,
        '<' | '>' => 4,
        '"' | '\\' | '\n' | '\t' => 2,
        _ => c.len_utf16(),
    }
}
