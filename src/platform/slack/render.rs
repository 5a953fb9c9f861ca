//! How a report looks in Slack: status first, one message per run that is edited in place, details in its thread.
//!
//! Text that a person or a system wrote stands in `plain_text` elements, where Slack interprets nothing, or in a code
//! block; `mrkdwn` holds our own words alone. `&`, `<` and `>` are entities everywhere, so that no text can mention
//! anybody. Slack's limits hold by construction: each part has a share of the message, and what does not fit is counted
//! in words and stands in the file.

pub mod alert;
mod blocks;
mod buttons;
mod table;
#[cfg(test)]
mod tests;
mod text;

use crate::report::file::TextFile;
use crate::report::fit::{Cut, one_line};
use crate::report::heading::{earlier, heading, summary, symbol, words};
use crate::report::steps;
use crate::report::verdict::Verdict;
use crate::report::{Attention, Outcome, Report};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use text::{SCRIPT, fit, list};

/// A message as the Web API takes it.
#[derive(Debug, Clone, PartialEq)]
pub struct Rendered {
    /// For notifications and screen readers.
    pub text: String,
    /// What is seen.
    pub blocks: Vec<Value>,
    /// Which run the message shows; values are strings. None where there is no run.
    pub metadata: Option<Value>,
}

/// The type of our messages' metadata.
pub const METADATA: &str = "signalbox_run";

impl Rendered {
    /// With our own id of the message in its metadata, by which it is found again.
    pub fn known_as(mut self, id: &str) -> Self {
        if let Some(metadata) = &mut self.metadata {
            metadata["event_payload"]["message"] = id.into();
        }
        self
    }

    /// With a word that the same may stand there already.
    pub fn perhaps_again(mut self) -> Self {
        let say = "Slack did not say whether it took this before, so it may be there twice. The buttons of an older one \
                   do nothing.";
        self.blocks.push(blocks::context(&[say.to_owned()]));
        self
    }

    /// Without any form: for a message whose blocks Slack does not take.
    pub fn plain(mut self) -> Self {
        self.blocks.clear();
        self.text.push_str(
            "\n(Slack did not take this message as it should look, so it has no buttons. They are in the console, and on \
             the command line.)",
        );
        self
    }
}

/// A run's details: a message for its thread, and the whole as a file where the message had to leave something out.
#[derive(Debug, Clone, PartialEq)]
pub struct Details {
    /// For the thread.
    pub message: Rendered,
    /// Everything, uncut.
    pub file: Option<TextFile>,
}

/// Which Slack user group stands for which group of ours, in one workspace. A group without one is named in words.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mentions(BTreeMap<String, String>);

impl Mentions {
    /// From pairs like `("ops", "T1/S0OPS")`, as `people.toml` has them; those of other workspaces are left out.
    pub fn of_team<'a>(team: &str, groups: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let ours = groups.into_iter().filter_map(|(group, place)| {
            let (known, id) = place.split_once('/')?;
            let fits = known == team && !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
            fits.then(|| (group.to_owned(), id.to_owned()))
        });
        Self(ours.collect())
    }
}

// The shares of a message, in characters as they are sent. Together with the buttons and the frame of the blocks they
// stay below 13,000, where Slack begins to refuse messages though each block is within its limit.
const HEADER: usize = 150;
const SAY: usize = 1200;
const INPUTS: usize = 400;
const ATTENTION: usize = 500;
const WARNINGS: usize = 800;
const RADIUS: usize = 400;
const STEPS: usize = 2000;
const VERDICT: usize = 400;
const TABLE: usize = 1400;
const CONTEXT: usize = 300;
const NOTIFICATION: usize = 1000;
const DETAILS: usize = 2600;
/// Of a part of the details that is seldom long.
const SELDOM: usize = 200;

/// Above a list to choose from.
const CHOOSE: &str = "Choose";

/// Rows that a channel is shown; the rest is in the thread.
const FEW_ROWS: usize = 10;

/// The message of a run, for its channel.
pub fn run_message(report: &Report, mentions: &Mentions) -> Rendered {
    let mut cut = Cut::default();
    let mut blocks = status(report, Some(mentions), "more in the thread", &mut cut);
    blocks.extend(buttons::blocks(report.run.as_deref(), &report.buttons));
    blocks.push(footer(report, true, &mut cut));
    rendered(report, &summary(report), blocks)
}

/// What one person alone sees: a denial, a refusal, inputs that make no sense, a dry run. There is no thread to it.
pub fn ephemeral(report: &Report) -> Rendered {
    let mut cut = Cut::default();
    let mut blocks = match &report.choice {
        // A long list has room beside a sentence, and not beside a plan.
        Some(choice) => {
            let mut blocks = vec![blocks::header(CHOOSE)];
            blocks.extend(said(report, &mut cut));
            blocks.extend(buttons::choice(choice));
            blocks
        }
        None => status(report, None, "a message has no room for them", &mut cut),
    };
    blocks.push(footer(report, false, &mut cut));
    rendered(report, &summary(report), blocks)
}

/// A sentence for one person's eyes.
pub fn sentence(say: &str) -> Rendered {
    let say = fit(say, SAY, &mut Cut::default());
    Rendered {
        blocks: blocks::plain(&say).into_iter().collect(),
        text: say,
        metadata: None,
    }
}

/// What is told about the bot itself.
pub fn notice(say: &str) -> Rendered {
    Rendered {
        metadata: Some(json!({"event_type": METADATA, "event_payload": {}})),
        ..sentence(say)
    }
}

/// A text of few words on its way to Slack, cut where it is too long.
pub(super) fn short(text: &str, most: usize) -> String {
    let text = one_line(text);
    if text::cost(&text) <= most {
        return text::escape(&text);
    }
    let mut used = 1;
    let fits = text.chars().take_while(|c| {
        used += text::char_cost(*c);
        used <= most
    });
    let fits: String = fits.collect();
    format!("{}…", text::escape(fits.trim_end()))
}

/// A run's details, for its thread.
pub fn thread_details(report: &Report) -> Details {
    let mut cut = Cut::default();
    let title = one_line(format!("Details of {} {}", report.runbook, report.inputs).trim_end());
    let mut blocks = vec![blocks::header(&fit(&title, HEADER, &mut Cut::default()))];
    let whole = "the whole list is in the file";
    // What the channel's message has whole is not said again.
    let long = |text: &String, share| {
        if text::cost(text) > share {
            vec![text.clone()]
        } else {
            Vec::new()
        }
    };
    let none = String::new();
    let attention = report.attention.as_ref().map_or(&none, |attention| &attention.say);
    let verdict = report.verdict.as_ref().map_or(&none, |verdict| &verdict.say);
    let parts = [
        ("Inputs", "• ", WARNINGS, long(&report.inputs, HEADER / 2)),
        ("In full", "", WARNINGS, long(&report.say, SAY)),
        ("Asked", "", SELDOM, long(attention, ATTENTION)),
        ("Touches", "", SELDOM, long(&report.touched(), RADIUS)),
        ("Proof", "", SELDOM, long(verdict, VERDICT)),
        ("Warnings", "• ", WARNINGS, report.warnings.clone()),
        ("Plan", "• ", DETAILS, report.plan.clone()),
        ("Steps", "", DETAILS, report.steps.iter().map(steps::line).collect()),
        ("History", "• ", WARNINGS, report.history.clone()),
    ];
    for (title, mark, share, lines) in &parts {
        blocks.extend(blocks::plain(
            &SCRIPT.marked(title, mark, lines, *share, whole, &mut cut),
        ));
    }
    blocks.extend(
        report
            .table
            .as_ref()
            .and_then(|rows| table::block(rows, usize::MAX, DETAILS, whole, &mut cut)),
    );
    if let Some(digest) = &report.digest {
        blocks.push(blocks::context(&[fit(
            &format!("Plan digest {digest}"),
            CONTEXT,
            &mut cut,
        )]));
    }
    let file = cut.happened().then(|| TextFile::of(report));
    Details {
        message: rendered(report, &title, blocks),
        file,
    }
}

/// A reply in the thread that asks for attention. An edited message notifies nobody, so a run that comes to need somebody
/// after its message was posted has to ask in a message of its own.
pub fn ping(report: &Report, mentions: &Mentions) -> Option<Rendered> {
    let attention = report.attention.as_ref()?;
    let mut cut = Cut::default();
    let mut blocks = asked(attention, mentions, &mut cut);
    let text = format!("{}\n{}", heading(report), attention.say);
    if blocks.is_empty() {
        return None;
    }
    // Whoever is called at night reads this first, and in a list of threads this alone.
    blocks.extend(blocks::plain(&fit(&heading(report), INPUTS, &mut cut)));
    blocks.extend(said(report, &mut cut));
    Some(rendered(report, &text, blocks))
}

/// Everything above the buttons. Attention is asked for where there are mentions to ask with.
fn status(report: &Report, mentions: Option<&Mentions>, more: &str, cut: &mut Cut) -> Vec<Value> {
    let heading = heading(report);
    let is_long = text::cost(&heading) > HEADER;
    let shown = if is_long {
        format!("{} {}: {}", symbol(report), words(report), report.runbook)
    } else {
        heading
    };
    let mut blocks = vec![blocks::header(&fit(&one_line(&shown), HEADER, cut))];
    blocks.extend(said(report, cut));
    if is_long {
        blocks.extend(blocks::plain(&fit(&format!("Inputs: {}", report.inputs), INPUTS, cut)));
    }
    if let (Some(attention), Some(mentions)) = (&report.attention, mentions) {
        blocks.extend(asked(attention, mentions, cut));
    }
    blocks.extend(blocks::plain(&list("Warning", &report.warnings, WARNINGS, more, cut)));
    if !report.radius.is_empty() {
        blocks.extend(blocks::plain(&fit(
            &format!("Touches: {}", report.touched()),
            RADIUS,
            cut,
        )));
    }
    if let Some(verdict) = &report.verdict {
        let word = match verdict.verdict {
            Verdict::Improved => "improved",
            Verdict::NoChange => "no change",
            Verdict::Worse => "worse",
            Verdict::NoData => "no data",
        };
        blocks.extend(blocks::plain(&fit(
            &format!("Proof: {word}. {}", verdict.say),
            VERDICT,
            cut,
        )));
    }
    if report.steps.is_empty() {
        blocks.extend(blocks::plain(&list("Plan", &report.plan, STEPS, more, cut)));
    } else {
        let said_already = text::cost(&report.say) <= SAY;
        let lines = steps::unsaid(report, said_already);
        blocks.extend(blocks::plain(&steps::folded(&SCRIPT, &lines, STEPS, more, cut)));
    }
    blocks.extend(
        report
            .table
            .as_ref()
            .and_then(|rows| table::block(rows, FEW_ROWS, TABLE, more, cut)),
    );
    blocks
}

fn said(report: &Report, cut: &mut Cut) -> Option<Value> {
    blocks::plain(&fit(&report.say, SAY, cut))
}

fn asked(attention: &Attention, mentions: &Mentions, cut: &mut Cut) -> Vec<Value> {
    let ids: Vec<&String> = attention
        .groups
        .iter()
        .filter_map(|group| mentions.0.get(group))
        .take(10)
        .collect();
    let unknown: Vec<&str> = attention
        .groups
        .iter()
        .filter(|group| !mentions.0.contains_key(*group))
        .map(String::as_str)
        .collect();
    let mut blocks = Vec::new();
    if !ids.is_empty() {
        let ping: Vec<String> = ids.iter().map(|id| format!("<!subteam^{id}>")).collect();
        blocks.push(blocks::mrkdwn(&ping.join(" ")));
    }
    let named = if unknown.is_empty() {
        String::new()
    } else {
        format!(" (group {})", unknown.join(", "))
    };
    blocks.extend(blocks::plain(&fit(
        &format!("{}{named}", attention.say),
        ATTENTION,
        cut,
    )));
    blocks
}

/// Whose it is, and what happened last, where the whole history is in a thread.
fn footer(report: &Report, has_thread: bool, cut: &mut Cut) -> Value {
    let mut who = format!("Asked by {}", report.person);
    if let Some(run) = &report.run {
        who.push_str(&format!(", run {run}"));
    }
    let mut parts = vec![fit(&one_line(&who), CONTEXT, cut)];
    // What happened last matters most.
    let last = report.history.len().saturating_sub(2);
    parts.extend(
        report.history[last..]
            .iter()
            .map(|line| fit(&one_line(line), CONTEXT, cut)),
    );
    if last > 0 {
        let place = if has_thread { " in the thread" } else { "" };
        parts.push(format!("{}{place}", earlier(last)));
    }
    blocks::context(&parts)
}

fn rendered(report: &Report, text: &str, blocks: Vec<Value>) -> Rendered {
    let metadata = report.run.as_ref().map(
        |run| json!({"event_type": METADATA, "event_payload": {"run": run, "outcome": outcome_key(report.outcome)}}),
    );
    Rendered {
        text: fit(text, NOTIFICATION, &mut Cut::default()),
        blocks,
        metadata,
    }
}

/// As `--json` gives it.
fn outcome_key(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Succeeded => "succeeded",
        Outcome::NothingToDo => "nothing-to-do",
        Outcome::PartlyDone => "partly-done",
        Outcome::Failed => "failed",
        Outcome::Undone => "undone",
        Outcome::Stopped => "stopped",
        Outcome::NeedsPerson => "needs-person",
        Outcome::AwaitingApproval => "awaiting-approval",
        Outcome::Running => "running",
        Outcome::Denied => "denied",
        Outcome::Refused => "refused",
        Outcome::Invalid => "invalid",
    }
}
