//! Commands that show what ran, and the JSON that programs get.

use crate::app::{App, AppError};
use crate::dispatch::answer::said;
use crate::dispatch::aside::Sight;
use crate::report::{Outcome, Report, terminal};
use crate::run::ledger::LedgerError;
use crate::runbook::StepOutcome;
use crate::station::Share;
use crate::store::StoreError;
use crate::store::aside::Outline;
use serde_json::{Value, json};
use std::io::{IsTerminal, Write as _};
use std::path::Path;

/// The object that `--json` gives.
pub(super) fn json(report: &Report) -> Value {
    json!({
        "run": report.run,
        "runbook": report.runbook,
        "person": report.person,
        "inputs": report.inputs,
        "outcome": report.outcome,
        "dry": report.dry,
        "say": report.say,
        "rows": report.table.as_ref().map(|table| table.rows.clone()).unwrap_or_default(),
        "steps": steps(report),
        "plan": report.plan,
        "warnings": report.warnings,
        "radius": report.radius.iter().map(|(name, value)| (name.clone(), json!(value))).collect::<serde_json::Map<_, _>>(),
        "history": report.history,
        "verdict": report.verdict.as_ref().map(|verdict| verdict.verdict),
        "verdict_say": report.verdict.as_ref().map(|verdict| verdict.say.clone()),
        "digest": report.digest,
        "policies": report.policies,
        "decision": report.ruling.as_ref().map(|ruling| ruling.decision),
        "decision_say": report.ruling.as_ref().map(|ruling| ruling.say.clone()),
    })
}

/// What is done, or would be.
fn steps(report: &Report) -> Vec<Value> {
    let step =
        |name: &str, outcome: Option<StepOutcome>, say: &str| json!({ "name": name, "outcome": outcome, "say": say });
    if report.steps.is_empty() {
        let planned = report.planned.iter().zip(&report.plan);
        return planned.map(|(name, say)| step(name, None, say)).collect();
    }
    let begun = report.steps.iter();
    begun.map(|it| step(&it.name, it.outcome, &it.say)).collect()
}

/// The same for what was never asked of the bot, because it makes no sense or may not be given; none for other errors.
pub(super) fn turned_away(error: &AppError, runbook: &str) -> Option<Value> {
    let outcome = match error {
        AppError::Denied(_) => Outcome::Denied,
        AppError::Invalid(_) => Outcome::Invalid,
        _ => return None,
    };
    Some(json(&said("", runbook, outcome, error.to_string())))
}

/// Columns of the terminal.
pub(super) fn width() -> usize {
    crate::app::environment("COLUMNS")
        .and_then(|columns| columns.parse().ok())
        .unwrap_or(100)
}

/// The list of runs.
pub(super) async fn runs(path: &Path, as_json: bool) -> Result<u8, AppError> {
    let app = App::open_as_can_be(path).await?;
    let lines = app.store.runs(100).await?;
    let mut out = std::io::stdout();
    if as_json {
        let runs: Vec<Value> = lines
            .iter()
            .map(|line| {
                json!({ "run": line.id, "runbook": line.runbook, "person": line.person,
                    "created": line.created.to_string(), "outcome": line.outcome })
            })
            .collect();
        let _ = writeln!(out, "{}", json!({ "runs": runs }));
        return Ok(0);
    }
    if lines.is_empty() {
        let _ = writeln!(out, "Nothing has run yet.");
    }
    for line in lines {
        let at = line.created.strftime("%Y-%m-%d %H:%M:%S UTC");
        let _ = writeln!(
            out,
            "{}  {at}  {:<18} {:<18} {}",
            line.id,
            line.outcome.words(),
            line.runbook,
            terminal::shown(&line.person)
        );
    }
    Ok(0)
}

/// One run whole.
pub(super) async fn show(path: &Path, run: &str, as_json: bool) -> Result<u8, AppError> {
    let app = App::open_as_can_be(path).await?;
    let desk = app.station(Share::Leader).desk.clone();
    let sight = match desk.sight(run).await {
        Ok(sight) => sight,
        Err(LedgerError::Store(StoreError::NoSuchRun(run))) => {
            return Err(AppError::Invalid(format!(
                "there is no run {run}; `signalbox runs` lists them"
            )));
        }
        Err(error) => return Err(AppError::Other(error.to_string())),
    };
    let live = match sight {
        Sight::Live(live) => live,
        Sight::Aside(outline, report) => return Ok(aside(&app, &outline, report.redacted(&app.redactor), as_json)),
    };
    let report = desk.report(&live).redacted(&app.redactor);
    let messages = app.store.messages_of(run).await?;
    let mut out = std::io::stdout();
    if as_json {
        let mut whole = json(&report);
        whole["created"] = json!(live.run.created.to_string());
        whole["request"] = json!(live.run.request);
        whole["locks"] = json!(live.plan().locks);
        whole["journal"] = live
            .run
            .journal
            .iter()
            .map(|row| json!({ "seq": row.seq, "at": row.at.to_string(), "epoch": row.epoch, "entry": row.entry }))
            .collect();
        whole["messages"] = messages
            .iter()
            .map(|(due, error)| {
                json!({ "kind": due.message.kind, "place": due.message.place, "remote": due.remote,
                    "tries": due.tries, "error": error })
            })
            .collect();
        let _ = writeln!(out, "{}", app.redactor.redact(&whole.to_string()));
        return Ok(0);
    }
    let _ = writeln!(out, "{}", terminal::render(&report, out.is_terminal(), width()));
    let _ = writeln!(out, "\nJournal");
    for row in &live.run.journal {
        let entry = serde_json::to_value(&row.entry).unwrap_or(Value::Null);
        let kind = entry["entry"].as_str().unwrap_or("?").to_owned();
        let with = &entry["with"];
        let say = with["say"].as_str().or(with["reason"].as_str()).unwrap_or_default();
        let at = row.at.strftime("%H:%M:%S%.3f");
        let line = format!("{:>3}  {at}  {kind:<15} {say}", row.seq);
        let _ = writeln!(out, "  {}", app.redactor.redact(&terminal::shown(line.trim_end())));
    }
    if !messages.is_empty() {
        let _ = writeln!(out, "\nMessages");
    }
    for (due, error) in &messages {
        let channel = due.message.place.channel.as_deref().unwrap_or("-");
        let state = match (&due.remote, error) {
            (_, Some(error)) => format!("not sent: {error}"),
            (Some(remote), None) => format!("posted as {remote}"),
            (None, None) => "sent or waiting".to_owned(),
        };
        let _ = writeln!(
            out,
            "  {:?} to {channel}: {}",
            due.message.kind,
            terminal::shown(&state)
        );
    }
    Ok(0)
}

/// What can be told of a run whose journal or plan cannot be read.
fn aside(app: &App, outline: &Outline, report: Report, as_json: bool) -> u8 {
    let mut out = std::io::stdout();
    if as_json {
        let mut told = json(&report);
        told["created"] = json!(outline.created.to_string());
        told["aside"] = json!(outline.aside.as_ref().map(|(since, reason)| json!({
            "since": since.to_string(), "reason": reason })));
        let _ = writeln!(out, "{}", app.redactor.redact(&told.to_string()));
    } else {
        let _ = writeln!(out, "{}", terminal::render(&report, out.is_terminal(), width()));
    }
    0
}
