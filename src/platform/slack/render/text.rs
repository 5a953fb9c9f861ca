//! Text on its way into a message: made harmless, and fitted into its share with a word where it is cut.

use crate::report::unseen::is_unseen;

/// Whether anything had to be left out.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Cut(bool);

impl Cut {
    pub(super) fn note(&mut self) {
        self.0 = true;
    }

    pub(super) fn happened(self) -> bool {
        self.0
    }
}

/// Escaped, and at most `limit` characters as they are sent.
pub(super) fn fit(text: &str, limit: usize, cut: &mut Cut) -> String {
    if cost(text) <= limit {
        return escape(text);
    }
    cut.note();
    // Room for the note, with a count of up to ten digits.
    let room = limit.saturating_sub(34);
    let mut used = 0;
    let end = text.char_indices().find(|(_, c)| {
        used += char_cost(*c);
        used > room
    });
    let end = end.map_or(text.len(), |(at, _)| at);
    format!(
        "{}… ({} more characters)",
        escape(&text[..end]),
        text[end..].chars().count()
    )
}

/// A titled list in at most `limit` characters; empty where there is nothing to list.
pub(super) fn list(title: &str, lines: &[String], limit: usize, more: &str, cut: &mut Cut) -> String {
    marked(title, "• ", lines, limit, more, cut)
}

/// A list whose lines bring marks of their own, or get `mark`.
pub(super) fn marked(title: &str, mark: &str, lines: &[String], limit: usize, more: &str, cut: &mut Cut) -> String {
    const LINE: usize = 300;
    let lines: Vec<&String> = lines.iter().filter(|line| !line.trim().is_empty()).collect();
    if lines.is_empty() {
        return String::new();
    }
    // Room for the last line: the count and the words.
    let room = limit.saturating_sub(40 + cost(more));
    let mut text = title.to_owned();
    for (at, line) in lines.iter().enumerate() {
        let line = fit(&one_line(line), LINE.min(room / 2), cut);
        // An escaped text is counted once more, which is on the safe side.
        if cost(&text) + cost(&line) + 4 > room {
            cut.note();
            text.push_str(&format!("\n… and {} more; {more}", lines.len() - at));
            break;
        }
        text.push('\n');
        text.push_str(mark);
        text.push_str(&line);
    }
    text
}

/// Without line breaks.
pub(super) fn one_line(text: &str) -> String {
    text.split(['\n', '\r'])
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
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
    text.chars().map(char_cost).sum()
}

pub(super) fn char_cost(c: char) -> usize {
    match c {
        '&' => 5,
        '<' | '>' => 4,
        '"' | '\\' | '\n' | '\t' => 2,
        _ => c.len_utf16(),
    }
}
