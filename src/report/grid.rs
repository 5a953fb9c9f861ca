//! Rows as text that lines up.

use super::Table;
use super::cell::{self, Side, padded, shortened, width};
use super::fit::{Cut, Script, one_line};

/// The widest cell, in columns.
const CELL: usize = 28;

/// Rows as lines of text, for a code block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grid {
    /// The lines, each with its end; nothing in it ends a code block.
    pub text: String,
    /// What is not in it, in words.
    pub notes: Vec<String>,
}

impl Grid {
    /// At most `most` rows in at most `room`, and lines of `longest` characters. None for a table without columns or rows.
    pub fn of(table: &Table, most: usize, room: usize, longest: usize, script: &Script, cut: &mut Cut) -> Option<Self> {
        if table.columns.is_empty() || table.rows.is_empty() {
            return None;
        }
        let mut is_cut = false;
        let mut shown: Vec<Vec<String>> = vec![table.columns.iter().map(|name| fitted(name, &mut is_cut)).collect()];
        for row in table.rows.iter().take(most.min(200)) {
            let cells = table
                .columns
                .iter()
                .map(|name| fitted(&cell::cell(row.get(name)), &mut is_cut));
            shown.push(cells.collect());
        }
        let widths: Vec<usize> = (0..table.columns.len())
            .map(|at| shown.iter().map(|row| width(&row[at])).max().unwrap_or(0))
            .collect();
        let sides: Vec<Side> = table.columns.iter().map(|name| Side::of(name, table)).collect();
        let mut line = 0;
        let columns = widths.iter().take_while(|width| {
            line += **width + 2;
            line <= longest
        });
        let columns = columns.count().max(1);
        let mut text = String::new();
        let mut rows: usize = 0;
        for row in &shown {
            let padded: Vec<String> = row
                .iter()
                .zip(widths.iter().zip(&sides))
                .take(columns)
                .map(|(cell, (width, side))| padded(cell, *width, *side))
                .collect();
            let line = padded.join("  ").trim_end().to_owned();
            if script.cost(&text) + script.cost(&line) + 2 > room {
                break;
            }
            text.push_str(&line);
            text.push('\n');
            rows += 1;
        }
        let mut notes = Vec::new();
        let rows = usize::saturating_sub(rows, 1);
        if rows < table.rows.len() {
            notes.push(format!("… and {} more rows", table.rows.len() - rows));
        }
        if columns < table.columns.len() {
            notes.push(format!("{} more columns", table.columns.len() - columns));
        }
        if is_cut {
            notes.push("values ending in … are longer".to_owned());
        }
        if !notes.is_empty() {
            cut.note();
        }
        Some(Self { text, notes })
    }
}

fn fitted(text: &str, is_cut: &mut bool) -> String {
    // Three backticks would end the code block, and then Slack would interpret what follows.
    let text = one_line(text).replace("```", "``ˋ").replace('\t', " ");
    let Some(short) = shortened(&text, CELL) else {
        return text;
    };
    *is_cut = true;
    short
}
