//! The whole of a report as a text file, for what a message has no room for.

use super::cell::cell;
use super::heading::heading;
use super::unseen::spelled_columns;
use super::{Report, steps};

/// A file for the thread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextFile {
    /// With its ending.
    pub name: String,
    /// UTF-8.
    pub bytes: Vec<u8>,
    /// For those who see the title alone.
    pub title: String,
}

impl TextFile {
    /// Everything that the report holds, uncut.
    pub fn of(report: &Report) -> Self {
        let mut text = format!("{}\n{}\n\n{}\n", heading(report), report.inputs, report.say);
        let steps: Vec<String> = report.steps.iter().map(steps::line).collect();
        let radius: Vec<String> = report
            .radius
            .iter()
            .map(|(what, much)| format!("{what} {much}"))
            .collect();
        let verdict: Vec<String> = report.verdict.iter().map(|verdict| verdict.say.clone()).collect();
        let asked: Vec<String> = report.attention.iter().map(|attention| attention.say.clone()).collect();
        let parts = [
            ("Asked", &asked),
            ("Warnings", &report.warnings),
            ("Touches", &radius),
            ("Plan", &report.plan),
            ("Steps", &steps),
            ("Proof", &verdict),
            ("History", &report.history),
        ];
        for (title, lines) in parts.into_iter().filter(|(_, lines)| !lines.is_empty()) {
            text.push_str(&format!("\n{title}\n"));
            for line in lines {
                text.push_str(&format!("  {line}\n"));
            }
        }
        if let Some(table) = &report.table {
            text.push_str(&format!("\n{}\n", table.columns.join("\t")));
            for row in &table.rows {
                let cells: Vec<String> = table
                    .columns
                    .iter()
                    .map(|name| cell(row.get(name)).replace(['\t', '\n', '\r'], " "))
                    .collect();
                text.push_str(&format!("{}\n", cells.join("\t")));
            }
        }
        let run = report.run.as_deref().unwrap_or("request");
        let name = |text: &str| -> String {
            text.chars()
                .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
                .take(64)
                .collect()
        };
        Self {
            name: format!("{}-{}.txt", name(&report.runbook), name(run)),
            bytes: spelled_columns(&text).into_bytes(),
            title: format!("{}, the whole report", name(&report.runbook)),
        }
    }
}
