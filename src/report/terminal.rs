//! A report as text for a terminal or a pipe. What people or systems wrote is shown and never obeyed: control
//! characters and the marks that turn the direction of writing are spelled out.

#[cfg(test)]
mod tests;

use super::cell::{self, Side, padded};
use super::unseen::spelled;
use super::wrap::wrap;
use super::{Outcome, Press, Report, Ruled, StepLine, Table};
use crate::report::verdict::Verdict;
use crate::request::Resolution;
use crate::runbook::StepOutcome;
use std::fmt::Write;

/// What `signalbox run` prints. Sentences are broken at `width`; the rows of a table are not, for a cut cell would be
/// lost to whoever reads them through a pipe.
pub fn render(report: &Report, colour: bool, width: usize) -> String {
    let mut page = Page {
        text: String::new(),
        colour,
        width: width.max(40),
    };
    page.status(report);
    if !report.say.is_empty() {
        page.sentence("", &report.say);
    }
    for warning in &report.warnings {
        page.sentence(&page.paint("warning: ", YELLOW), warning);
    }
    page.plan(report);
    page.steps(&report.steps);
    if let Some(table) = &report.table {
        page.table(table);
    }
    if let Some(verdict) = &report.verdict {
        let colour = match verdict.verdict {
            Verdict::Improved => GREEN,
            Verdict::Worse => RED,
            Verdict::NoChange | Verdict::NoData => YELLOW,
        };
        page.gap();
        page.sentence(
            &page.paint(&format!("{}: ", verdict.verdict.words()), colour),
            &verdict.say,
        );
    }
    page.history(report);
    page.ways_on(report);
    page.text
}

/// The text with everything spelled out that a terminal would obey instead of showing it.
pub fn shown(text: &str) -> String {
    spelled(text)
}

const BOLD: &str = "1";
const FAINT: &str = "2";
const RED: &str = "31";
const GREEN: &str = "32";
const YELLOW: &str = "33";

struct Page {
    text: String,
    colour: bool,
    width: usize,
}

/// Writing to a `String` cannot fail, so the results of `write!` are let go throughout.
impl Page {
    fn paint(&self, text: &str, code: &str) -> String {
        if self.colour {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }

    fn gap(&mut self) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
    }

    /// `succeeded  /forward-order order=1042  by dana  run 7f3a`
    fn status(&mut self, report: &Report) {
        let word = if report.dry { "dry run" } else { report.outcome.words() };
        let colour = match report.outcome {
            _ if report.dry => YELLOW,
            Outcome::Succeeded | Outcome::NothingToDo => GREEN,
            Outcome::Running | Outcome::AwaitingApproval | Outcome::NeedsPerson | Outcome::Stopped => YELLOW,
            Outcome::Undone
            | Outcome::PartlyDone
            | Outcome::Failed
            | Outcome::Denied
            | Outcome::Refused
            | Outcome::Invalid => RED,
        };
        let inputs = if report.inputs.is_empty() {
            String::new()
        } else {
            format!(" {}", shown(&report.inputs))
        };
        let run = report
            .run
            .as_deref()
            .map(|run| format!("  run {}", shown(run)))
            .unwrap_or_default();
        let _ = writeln!(
            self.text,
            "{}  {}  by {}{run}",
            self.paint(word, colour),
            self.paint(&format!("/{}{inputs}", shown(&report.runbook)), BOLD),
            shown(&report.person)
        );
    }

    /// A sentence behind a word, its further lines below its first.
    fn sentence(&mut self, lead: &str, sentence: &str) {
        self.hanging(lead, letters(lead), sentence);
    }

    fn hanging(&mut self, lead: &str, indent: usize, sentence: &str) {
        // A report's own line breaks are breaks; what else would move the cursor is spelled out.
        let width = self.width.saturating_sub(indent).max(20);
        let lines: Vec<String> = sentence
            .split('\n')
            .flat_map(|line| wrap(&shown(line), width))
            .collect();
        for (index, line) in lines.iter().enumerate() {
            let before = if index == 0 {
                lead.to_owned()
            } else {
                " ".repeat(indent)
            };
            let _ = writeln!(self.text, "{}", format!("{before}{line}").trim_end());
        }
    }

    fn plan(&mut self, report: &Report) {
        if report.steps.is_empty() && !report.plan.is_empty() {
            self.gap();
            let _ = writeln!(self.text, "plan:");
            for line in &report.plan {
                self.hanging("  - ", 4, line);
            }
        }
        if !report.radius.is_empty() {
            self.sentence("touches: ", &report.touched());
        }
        if (report.dry || report.outcome == Outcome::Denied) && !report.policies.is_empty() {
            let policies = shown(&report.policies.join(", "));
            // What else the policy said is said above.
            match report.ruling.as_ref().filter(|ruling| ruling.decision == Ruled::Allow) {
                Some(ruling) => self.sentence("policy: ", &format!("{policies}: {}", ruling.say)),
                None => self.sentence("policy: ", &policies),
            }
        }
        if let Some(digest) = &report.digest
            && report.outcome == Outcome::AwaitingApproval
        {
            let _ = writeln!(self.text, "digest: {}", shown(digest));
        }
    }

    fn steps(&mut self, steps: &[StepLine]) {
        if steps.is_empty() {
            return;
        }
        self.gap();
        let widest = steps.iter().map(|step| letters(&shown(&step.name))).max().unwrap_or(0);
        for step in steps {
            let (word, colour) = match (step.outcome, step.begun) {
                (Some(StepOutcome::Done), _) => ("done", GREEN),
                (Some(StepOutcome::Skipped), _) => ("skipped", FAINT),
                (Some(StepOutcome::Failed), _) => ("failed", RED),
                (Some(StepOutcome::Unknown), _) => ("unknown", RED),
                (None, true) => ("running", YELLOW),
                (None, false) => ("waits", FAINT),
            };
            let name = shown(&step.name);
            let lead = format!(
                "  {}  {}  ",
                self.paint(&format!("{word:<7}"), colour),
                padded(&name, widest, Side::Left)
            );
            self.hanging(&lead, 13 + widest, &step.say);
        }
    }

    /// Columns as wide as their widest cell, numbers to the right.
    fn table(&mut self, table: &Table) {
        self.gap();
        if table.rows.is_empty() {
            let _ = writeln!(self.text, "no rows");
            return;
        }
        let columns: Vec<Column> = table.columns.iter().map(|name| Column::of(name, table)).collect();
        let heads: Vec<String> = columns
            .iter()
            .map(|column| padded(&column.head, column.width, column.side))
            .collect();
        let _ = writeln!(self.text, "{}", self.paint(heads.join("  ").trim_end(), BOLD));
        for row in 0..table.rows.len() {
            let cells: Vec<String> = columns
                .iter()
                .map(|column| padded(&column.cells[row], column.width, column.side))
                .collect();
            let _ = writeln!(self.text, "{}", cells.join("  ").trim_end());
        }
    }

    fn history(&mut self, report: &Report) {
        if report.history.is_empty() {
            return;
        }
        self.gap();
        for line in &report.history {
            self.sentence("", line);
        }
    }

    /// Whose move it is, and the commands that make it.
    fn ways_on(&mut self, report: &Report) {
        let commands: Vec<(&str, String)> = report
            .buttons
            .iter()
            .filter_map(|button| Some((button.label.as_str(), command(&button.press, report.run.as_deref()?)?)))
            .collect();
        let elsewhere: Vec<&str> = report
            .buttons
            .iter()
            .filter(|button| report.run.is_some() && matches!(button.press, Press::Undo | Press::Offer { .. }))
            .map(|button| button.label.as_str())
            .collect();
        if report.attention.is_none() && commands.is_empty() && elsewhere.is_empty() {
            return;
        }
        self.gap();
        if let Some(attention) = &report.attention {
            let lead = if attention.groups.is_empty() {
                String::new()
            } else {
                self.paint(&format!("{}: ", shown(&attention.groups.join(", "))), BOLD)
            };
            self.sentence(&lead, &attention.say);
        }
        for (label, command) in commands {
            let _ = writeln!(self.text, "  {}: {command}", shown(label));
        }
        if !elsewhere.is_empty() {
            self.sentence("  By a button in chat or the console: ", &elsewhere.join(", "));
        }
    }
}

/// The command that a button stands for, where there is one.
fn command(press: &Press, run: &str) -> Option<String> {
    let run = shown(run);
    match press {
        Press::Approve { .. } => Some(format!("signalbox approve {run}")),
        Press::Deny => Some(format!("signalbox deny {run}")),
        Press::Stop => Some(format!("signalbox stop {run}")),
        Press::Resolve { step, resolution } => {
            let word = match resolution {
                Resolution::Done => "done",
                Resolution::NotDone => "not-done",
                Resolution::Abandon => "abandon",
            };
            Some(format!(
                "signalbox resolve {run} '{}' {word} --reason TEXT",
                shown(step)
            ))
        }
        Press::Undo | Press::Offer { .. } | Press::Alert(_) => None,
    }
}

struct Column {
    head: String,
    cells: Vec<String>,
    width: usize,
    side: Side,
}

impl Column {
    fn of(name: &str, table: &Table) -> Self {
        let cells = table.rows.iter().map(|row| shown(&cell::cell(row.get(name))));
        let cells: Vec<String> = cells.collect();
        let head = shown(name);
        let width = cells
            .iter()
            .map(|cell| letters(cell))
            .chain([letters(&head)])
            .max()
            .unwrap_or(0);
        let side = Side::of(name, table);
        Self {
            head,
            cells,
            width,
            side,
        }
    }
}

/// How many columns are seen, without the codes of our own colours.
fn letters(text: &str) -> usize {
    let mut inside = false;
    let seen = text.chars().filter(|letter| match letter {
        '\u{1b}' => {
            inside = true;
            false
        }
        'm' if inside => {
            inside = false;
            false
        }
        _ => !inside,
    });
    cell::width(&seen.collect::<String>())
}
