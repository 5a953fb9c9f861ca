//! What happened around the beginning of an alert: runs, and what the shop's own systems tell of, such as deploys. Each as far
//! as whoever asks may see it.

use super::overview::may_view;
use super::suggested::plain;
use super::{Desk, Turned};
use crate::alert::card::clock;
use crate::alert::changed::Changes;
use crate::alert::group::Group;
use crate::report::fit::one_line;
use crate::request::Request;
use crate::rules::Rules;
use crate::store::StoreError;
use crate::store::lists::RunFilter;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

/// What may have to do with an alert began this much before it, or a little after.
const BEFORE: SignedDuration = SignedDuration::from_hours(1);
const AFTER: SignedDuration = SignedDuration::from_mins(5);

/// Runs that are looked through, and changes that are told.
const LOOKED_AT: i64 = 200;
const TOLD: usize = 12;

impl Desk {
    /// In words, newest first.
    pub(super) async fn changes(&self, rules: &Rules, request: &Request, group: &Group) -> Result<String, StoreError> {
        let began = group.began();
        let (from, until) = (began - BEFORE, Timestamp::now().min(began + AFTER));
        let span = format!("from {} to {}", clock(from), clock(until));
        let mut found = self.runs_around(rules, request, from, until).await?;
        let (mut looked, mut blind) = (Vec::new(), Vec::new());
        for changes in rules.suggestions.changes() {
            match self.rows(rules, request, &changes.runbook).await {
                Ok(rows) => {
                    looked.push(changes.name.as_str());
                    let rows = rows.iter().filter_map(|row| change(changes, row));
                    found.extend(rows.filter(|(at, _)| (from..=until).contains(at)));
                }
                Err(Turned::Away(report)) => {
                    blind.push(format!("{} cannot be told: {}", changes.name, one_line(&report.say)));
                }
                Err(Turned::Store(error)) => return Err(error),
            }
        }
        found.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
        let more = found.len().saturating_sub(TOLD);
        let lines: Vec<String> = found.into_iter().take(TOLD).map(|(_, line)| line).collect();
        let mut say = match (lines.is_empty(), looked.is_empty()) {
            (true, true) => format!("Nothing ran here {span}. What was changed elsewhere is not known here."),
            (true, false) => format!(
                "Nothing ran here {span}, and there is nothing of {}.",
                looked.join(", ")
            ),
            (false, true) => format!("What ran here {span}, newest first:\n{}", lines.join("\n")),
            (false, false) => format!(
                "What ran here {span}, and {}, newest first:\n{}",
                looked.join(", "),
                lines.join("\n")
            ),
        };
        if more > 0 {
            say.push_str(&format!("\nand {more} more."));
        }
        for why in blind {
            say.push_str(&format!("\n{why}"));
        }
        Ok(say)
    }

    async fn runs_around(
        &self,
        rules: &Rules,
        request: &Request,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<(Timestamp, String)>, StoreError> {
        let filter = RunFilter {
            before: Some((until, String::new())),
            ..RunFilter::default()
        };
        let found = self.store.find_runs(&filter, LOOKED_AT).await?;
        let around = found.into_iter().filter(|run| run.line.created >= from);
        let seen = around.filter(|run| may_view(rules, request, &run.line.runbook));
        let lines = seen.map(|run| {
            let line = &run.line;
            let inputs = run.inputs.unwrap_or_default();
            let asked = format!("/{} {inputs}", line.runbook);
            let say = format!(
                "{} {} by {}: {} (run {})",
                clock(line.created),
                asked.trim_end(),
                line.person,
                line.outcome.words(),
                line.id
            );
            (line.created, say)
        });
        Ok(lines.collect())
    }
}

/// A row as a change; none where it does not tell when. Seconds since 1970 are a time, too.
fn change(changes: &Changes, row: &Map<String, Value>) -> Option<(Timestamp, String)> {
    let at = match row.get(&changes.at)? {
        Value::String(text) => text.parse().ok()?,
        Value::Number(number) => Timestamp::from_second(number.as_i64()?).ok()?,
        _ => return None,
    };
    let told = row.iter().filter(|(name, _)| **name != changes.at);
    let told = told.map(|(name, value)| (name, plain(value)));
    let told = told.filter(|(_, value)| !value.is_empty());
    let told: Vec<String> = told.map(|(name, value)| format!("{name}={value}")).collect();
    let say = format!("{} {}: {}", clock(at), changes.name, one_line(&told.join(", ")));
    Some((at, say))
}
