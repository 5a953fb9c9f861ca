//! Rows as a code block: it lines up on every client, and Slack interprets nothing in it.

use super::blocks;
use super::text::{Cut, cost, escape, one_line};
use crate::report::Table;
use serde_json::Value;

/// The widest cell and the widest line, in characters.
const CELL: usize = 28;
const LINE: usize = 110;

/// At most `most` rows in at most `limit` characters. None for a table without columns or rows.
pub(super) fn block(table: &Table, most: usize, limit: usize, more: &str, cut: &mut Cut) -> Option<Value> {
    if table.columns.is_empty() || table.rows.is_empty() {
        return None;
    }
    let mut shortened = false;
    let mut shown: Vec<Vec<String>> = vec![table.columns.iter().map(|name| cell(name, &mut shortened)).collect()];
    for row in table.rows.iter().take(most.min(200)) {
        let cells = table
            .columns
            .iter()
            .map(|name| cell(&super::file::value(row.get(name)), &mut shortened));
        shown.push(cells.collect());
    }
    let widths: Vec<usize> = (0..table.columns.len())
        .map(|at| shown.iter().map(|row| row[at].chars().count()).max().unwrap_or(0))
        .collect();
    let mut line = 0;
    let columns = widths.iter().take_while(|width| {
        line += **width + 2;
        line <= LINE
    });
    let columns = columns.count().max(1);
    // Room for the fence and the notes.
    let room = limit.saturating_sub(160 + cost(more));
    let mut text = String::new();
    let mut rows = 0;
    for row in &shown {
        let padded: Vec<String> = row
            .iter()
            .zip(&widths)
            .take(columns)
            .map(|(cell, width)| format!("{cell:<width$}"))
            .collect();
        let line = padded.join("  ").trim_end().to_owned();
        if cost(&text) + cost(&line) + 2 > room {
            break;
        }
        text.push_str(&line);
        text.push('\n');
        rows += 1;
    }
    let mut notes = Vec::new();
    let rows = rows - 1;
    if rows < table.rows.len() {
        notes.push(format!("… and {} more rows", table.rows.len() - rows));
    }
    if columns < table.columns.len() {
        notes.push(format!("{} more columns", table.columns.len() - columns));
    }
    if shortened {
        notes.push("values ending in … are longer".to_owned());
    }
    let notes = if notes.is_empty() {
        String::new()
    } else {
        cut.note();
        format!("\n{}; {more}", notes.join(", "))
    };
    Some(blocks::mrkdwn(&format!("```\n{}```{notes}", escape(&text))))
}

fn cell(text: &str, shortened: &mut bool) -> String {
    // Three backticks would end the code block, and then Slack would interpret what follows.
    let text = one_line(text).replace("```", "``ˋ").replace('\t', " ");
    if text.chars().count() <= CELL {
        return text;
    }
    *shortened = true;
    text.chars().take(CELL - 1).chain(['…']).collect()
}
