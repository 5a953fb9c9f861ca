//! Rows as a code block: it lines up on every client, and Slack interprets nothing in it.

use super::blocks;
use super::text::{SCRIPT, cost, escape};
use crate::report::Table;
use crate::report::fit::Cut;
use crate::report::grid::Grid;
use serde_json::Value;

/// The widest line, in characters.
const LINE: usize = 110;

/// At most `most` rows in at most `limit` characters. None for a table without columns or rows.
pub(super) fn block(table: &Table, most: usize, limit: usize, more: &str, cut: &mut Cut) -> Option<Value> {
    // Room for the fence and the notes.
    let room = limit.saturating_sub(160 + cost(more));
    let Grid { text, notes } = Grid::of(table, most, room, LINE, &SCRIPT, cut)?;
    let notes = if notes.is_empty() {
        String::new()
    } else {
        format!("\n{}; {more}", notes.join(", "))
    };
    Some(blocks::mrkdwn(&format!("```\n{}```{notes}", escape(&text))))
}
