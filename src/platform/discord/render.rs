//! How a report looks in Discord: status first, one message per run that is edited in place, details in its thread.
//!
//! A message is an embed in the colour of its outcome, with the buttons below. Text that a person or a system wrote is
//! escaped, so that no text makes a link or a heading, or names anybody; and whom a message may notify is said by it:
//! nobody, except where somebody must answer. Discord's limits hold by construction: each part has a share of the
//! message, and what does not fit is counted in words and stands in the file.

pub mod alert;
mod buttons;
#[cfg(test)]
mod tests;
pub(super) mod text;

use crate::report::file::TextFile;
use crate::report::fit::{Cut, one_line};
use crate::report::grid::Grid;
use crate::report::heading::{earlier, heading, symbol, words};
use crate::report::verdict::Verdict;
use crate::report::{Attention, Outcome, Report, Table, steps};
use serde_json::{Value, json};
use serenity::builder::{CreateAllowedMentions, CreateEmbed, CreateEmbedFooter};
use serenity::model::id::{RoleId, UserId};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use text::{PLAIN, SCRIPT, list};

/// A message as the REST API takes it.
#[derive(Debug, Clone, PartialEq)]
pub struct Rendered {
    /// Above the embeds. Whoever is mentioned is mentioned here: in an embed it notifies nobody.
    pub content: String,
    /// What is seen.
    pub embeds: Vec<Value>,
    /// What can be pressed.
    pub components: Vec<Value>,
    /// The roles that it notifies.
    pub roles: Vec<String>,
    /// The user that it notifies.
    pub user: Option<String>,
    /// What it is known by to us.
    pub mark: Option<String>,
}

/// Characters of a message's own words.
const CONTENT: usize = 2000;

impl Rendered {
    /// As it is sent, but for its files. An edit that leaves something out keeps it, so nothing is.
    pub fn body(&self) -> Value {
        let roles = self
            .roles
            .iter()
            .filter_map(|role| role.parse::<u64>().ok().filter(|id| *id > 0));
        let user = self
            .user
            .iter()
            .filter_map(|user| user.parse::<u64>().ok().filter(|id| *id > 0));
        let mentions = CreateAllowedMentions::new()
            .roles(roles.map(RoleId::new))
            .users(user.map(UserId::new));
        json!({
            "content": self.content, "embeds": self.embeds, "components": self.components, "allowed_mentions": mentions,
        })
    }

    /// With our own mark of the message in its last line, by which it is found again.
    pub fn known_as(mut self, id: &str) -> Self {
        let mark = mark(id);
        if let Some(embed) = self.embeds.last_mut() {
            let before = embed["footer"]["text"].as_str().unwrap_or_default();
            let dot = if before.is_empty() { "" } else { " · " };
            embed["footer"] = json!({"text": format!("{before}{dot}{mark}")});
        }
        self.mark = Some(mark);
        self
    }

    /// With a call to somebody above it.
    pub fn calling(mut self, user: &str) -> Self {
        if !user.is_empty() && user.bytes().all(|byte| byte.is_ascii_digit()) {
            self.content = format!("<@{user}>");
            self.user = Some(user.to_owned());
        }
        self
    }

    /// Without any form: for a message that Discord does not take as it is built.
    pub fn plain(mut self) -> Self {
        let said = self
            .embeds
            .iter()
            .flat_map(|embed| [&embed["title"], &embed["description"]]);
        // Rows that are cut would be no code block any more.
        let said = said.filter_map(Value::as_str).filter(|said| !said.starts_with("```"));
        let said: Vec<&str> = said.collect();
        let told = "(Discord did not take this message as it should look, so it has no buttons and may be cut. It is whole \
                    in the console, and on the command line.)";
        let words = format!("{}\n{}", self.content, said.join("\n"));
        let words: String = words.trim().chars().take(CONTENT / 2).collect();
        let mark = self.mark.as_deref().unwrap_or_default();
        self.content = format!("{words}\n{told} {mark}").trim_end().to_owned();
        self.embeds.clear();
        self.components.clear();
        self
    }
}

/// What a message is known by to whoever posted it: short, because people see it.
pub fn mark(id: &str) -> String {
    hex::encode(&Sha256::digest(id.as_bytes())[..4])
}

/// Whether a message bears this mark.
pub fn bears(message: &Value, mark: &str) -> bool {
    let embeds = message["embeds"].as_array().into_iter().flatten();
    let footers = embeds.map(|embed| &embed["footer"]["text"]);
    let mut words = footers.chain([&message["content"]]).filter_map(Value::as_str);
    words.any(|words| words.ends_with(mark))
}

/// A run's details: a message for its thread, and the whole as a file where the message had to leave something out.
#[derive(Debug, Clone, PartialEq)]
pub struct Details {
    /// For the thread.
    pub message: Rendered,
    /// Everything, uncut.
    pub file: Option<TextFile>,
}

/// Which roles of one guild stand for which group of ours. A group without one is named in words.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mentions(BTreeMap<String, Vec<String>>);

impl Mentions {
    /// From pairs like `("ops", "900/7001")`, as `people.toml` has them; those of other guilds are left out.
    pub fn of_guild<'a>(guild: &str, groups: impl IntoIterator<Item = (&'a str, String)>) -> Self {
        let mut ours: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (group, place) in groups {
            if let Some((known, role)) = place.split_once('/')
                && known == guild
                && role.parse::<u64>().is_ok()
            {
                ours.entry(group.to_owned()).or_default().push(role.to_owned());
            }
        }
        Self(ours)
    }
}

// The shares of an embed's description, of which Discord takes 4096 characters; with title, table and footer they stay
// below the 6000 that all embeds of a message may have.
const TITLE: usize = 250;
const SAY: usize = 1000;
const INPUTS: usize = 300;
const ATTENTION: usize = 400;
const WARNINGS: usize = 500;
const RADIUS: usize = 250;
const VERDICT: usize = 300;
const STEPS: usize = 1100;
const TABLE: usize = 1200;
const FOOTER: usize = 480;
/// Of each of the footer's lines.
const FOOTER_LINE: usize = 140;
/// Of the parts of a run's details, and of those that are seldom long.
const PART: usize = 560;
const SELDOM: usize = 200;

/// The widest line of a table, in characters: longer ones are broken.
const LINE: usize = 56;

/// Rows that a channel is shown; the rest is in the thread.
const FEW_ROWS: usize = 10;

/// Roles that one message notifies.
const ROLES: usize = 10;

/// The message of a run, for its channel.
pub fn run_message(report: &Report, mentions: &Mentions) -> Rendered {
    let mut cut = Cut::default();
    let mut message = status(report, "more in the thread", &mut cut);
    if let Some(attention) = &report.attention {
        (message.content, message.roles) = asked(attention, mentions);
    }
    let (components, left_out) = buttons::rows(report.run.as_deref(), &report.buttons);
    message.components = components;
    if left_out > 0 {
        let say = format!("{left_out} more choices have no button here; see /signalbox help");
        message.embeds.push(json!({"description": say}));
    }
    with_footer(message, &footer(report, true))
}

/// What one person alone sees: a denial, a refusal, inputs that make no sense, a dry run. There is no thread to it.
pub fn ephemeral(report: &Report) -> Rendered {
    let mut cut = Cut::default();
    let shown = match &report.choice {
        Some(choice) => Rendered {
            components: buttons::choice(choice),
            ..message(report, "Choose", &[SCRIPT.fit(&report.say, SAY, &mut cut)])
        },
        None => status(report, "a message has no room for them", &mut cut),
    };
    with_footer(shown, &footer(report, false))
}

/// Tells whoever asked where to look.
pub fn pointer(guild: &str, channel: &str, message: &str) -> Rendered {
    Rendered {
        content: format!("It is here: https://discord.com/channels/{guild}/{channel}/{message}"),
        embeds: Vec::new(),
        components: Vec::new(),
        roles: Vec::new(),
        user: None,
        mark: None,
    }
}

/// What is told about the bot itself.
pub fn notice(say: &str) -> Rendered {
    let said = SCRIPT.fit(say, SAY, &mut Cut::default());
    let embed = CreateEmbed::new().description(said).colour(0xE0_A0_00);
    Rendered {
        content: String::new(),
        embeds: vec![json!(embed)],
        components: Vec::new(),
        roles: Vec::new(),
        user: None,
        mark: None,
    }
}

/// A run's details, for its thread.
pub fn thread_details(report: &Report) -> Details {
    let mut cut = Cut::default();
    let whole = "the whole list is in the file";
    // What the channel's message has whole is not said again.
    let long = |text: &String, share| {
        if SCRIPT.cost(text) > share {
            vec![text.clone()]
        } else {
            Vec::new()
        }
    };
    let none = String::new();
    let attention = report.attention.as_ref().map_or(&none, |attention| &attention.say);
    let verdict = report.verdict.as_ref().map_or(&none, |verdict| &verdict.say);
    let parts = [
        ("Inputs", "• ", PART, long(&report.inputs, TITLE / 2)),
        ("In full", "", PART, long(&report.say, SAY)),
        ("Asked", "", SELDOM, long(attention, ATTENTION)),
        ("Touches", "", SELDOM, long(&report.touched(), RADIUS)),
        ("Proof", "", SELDOM, long(verdict, VERDICT)),
        ("Warnings", "• ", PART, report.warnings.clone()),
        ("Plan", "• ", PART, report.plan.clone()),
        ("Steps", "", PART, report.steps.iter().map(steps::line).collect()),
        ("History", "• ", PART, report.history.clone()),
    ];
    let parts = parts.map(|(title, mark, share, lines)| list(title, mark, &lines, share, whole, &mut cut));
    let title = one_line(format!("Details of {} {}", report.runbook, report.inputs).trim_end());
    let mut message = message(report, &title, &parts);
    message
        .embeds
        .extend(table(report.table.as_ref(), usize::MAX, whole, &mut cut));
    let digest = report.digest.as_ref();
    let digest = digest.map_or(String::new(), |digest| format!("Plan digest {digest}"));
    let file = cut.happened().then(|| TextFile::of(report));
    Details {
        message: with_footer(message, &digest),
        file,
    }
}

/// A reply in the thread that asks for attention. An edited message notifies nobody, so a run that comes to need somebody
/// after its message was posted has to ask in a message of its own.
pub fn ping(report: &Report, mentions: &Mentions) -> Option<Rendered> {
    let attention = report.attention.as_ref()?;
    let said = SCRIPT.fit(&report.say, SAY, &mut Cut::default());
    let mut message = message(report, &heading(report), &[said]);
    (message.content, message.roles) = asked(attention, mentions);
    let run = report.run.as_ref().map_or(String::new(), |run| format!("Run {run}"));
    Some(with_footer(message, &run))
}

/// What the file that comes with details is called by those who hear it.
pub fn file_body(mark: &str, description: &str) -> Value {
    let description: String = description.chars().take(1000).collect();
    json!({
        "content": "", "allowed_mentions": {"parse": []},
        "attachments": [{"id": 0, "filename": mark, "description": description}],
    })
}

fn status(report: &Report, more: &str, cut: &mut Cut) -> Rendered {
    let whole = heading(report);
    let is_long = SCRIPT.cost(&whole) > TITLE;
    let title = if is_long {
        format!("{} {}: {}", symbol(report), words(report), report.runbook)
    } else {
        whole
    };
    let mut parts = vec![SCRIPT.fit(&report.say, SAY, cut)];
    if is_long {
        parts.push(format!(
            "**Inputs** {}",
            SCRIPT.fit(&one_line(&report.inputs), INPUTS, cut)
        ));
    }
    parts.push(list("Warning", "• ", &report.warnings, WARNINGS, more, cut));
    if !report.radius.is_empty() {
        parts.push(format!("**Touches** {}", SCRIPT.fit(&report.touched(), RADIUS, cut)));
    }
    if let Some(verdict) = &report.verdict {
        let word = match verdict.verdict {
            Verdict::Improved => "improved",
            Verdict::NoChange => "no change",
            Verdict::Worse => "worse",
            Verdict::NoData => "no data",
        };
        parts.push(format!("**Proof: {word}** {}", SCRIPT.fit(&verdict.say, VERDICT, cut)));
    }
    parts.push(if report.steps.is_empty() {
        list("Plan", "• ", &report.plan, STEPS, more, cut)
    } else {
        let lines = steps::unsaid(report, SCRIPT.cost(&report.say) <= SAY);
        steps::folded(&SCRIPT, &lines, STEPS, more, cut)
    });
    let mut message = message(report, &title, &parts);
    message.embeds.extend(table(report.table.as_ref(), FEW_ROWS, more, cut));
    message
}

fn message(report: &Report, title: &str, parts: &[String]) -> Rendered {
    let title = SCRIPT.fit(&one_line(title), TITLE, &mut Cut::default());
    framed(title, colour(report), parts)
}

/// A title and the parts below it that say something, as one embed.
fn framed(title: String, colour: u32, parts: &[String]) -> Rendered {
    let parts: Vec<&str> = parts
        .iter()
        .map(|part| part.trim_end())
        .filter(|part| !part.is_empty())
        .collect();
    let mut embed = CreateEmbed::new().title(title).colour(colour);
    if !parts.is_empty() {
        embed = embed.description(parts.join("\n\n"));
    }
    Rendered {
        content: String::new(),
        embeds: vec![json!(embed)],
        components: Vec::new(),
        roles: Vec::new(),
        user: None,
        mark: None,
    }
}

/// Rows as an embed of their own: in a code block they line up, and Discord interprets nothing in it.
fn table(rows: Option<&Table>, most: usize, more: &str, cut: &mut Cut) -> Option<Value> {
    let room = TABLE.saturating_sub(160 + more.len());
    let Grid { text, notes } = Grid::of(rows?, most, room, LINE, &PLAIN, cut)?;
    let notes = if notes.is_empty() {
        String::new()
    } else {
        format!("\n{}; {more}", notes.join(", "))
    };
    let block = (PLAIN.escape)(&text).replace('`', "ˋ");
    Some(json!({"description": format!("```\n{block}```{notes}")}))
}

/// Whom it is asked of: roles that are notified, and in words the groups that are none.
fn asked(attention: &Attention, mentions: &Mentions) -> (String, Vec<String>) {
    let roles: Vec<String> = attention
        .groups
        .iter()
        .filter_map(|group| mentions.0.get(group))
        .flatten()
        .take(ROLES)
        .cloned()
        .collect();
    let unknown: Vec<&str> = attention
        .groups
        .iter()
        .filter(|group| !mentions.0.contains_key(*group))
        .map(String::as_str)
        .collect();
    let mut words: Vec<String> = roles.iter().map(|role| format!("<@&{role}>")).collect();
    words.push(SCRIPT.fit(&attention.say, ATTENTION, &mut Cut::default()));
    if !unknown.is_empty() {
        let named = format!("(group {})", unknown.join(", "));
        words.push(SCRIPT.fit(&named, ATTENTION, &mut Cut::default()));
    }
    (words.join(" "), roles)
}

/// Whose it is, and what happened last; the whole history is in the thread.
fn footer(report: &Report, is_whole: bool) -> String {
    let mut who = format!("Asked by {}", report.person);
    if let Some(run) = &report.run {
        who.push_str(&format!(", run {run}"));
    }
    let last = report.history.len().saturating_sub(2);
    let mut lines = vec![who];
    lines.extend_from_slice(&report.history[last..]);
    let lines = lines
        .iter()
        .map(|line| PLAIN.fit(&one_line(line), FOOTER_LINE, &mut Cut::default()));
    let mut lines: Vec<String> = lines.collect();
    if last > 0 && is_whole {
        lines.push(format!("{} in the thread", earlier(last)));
    }
    lines.join("\n")
}

fn with_footer(mut message: Rendered, words: &str) -> Rendered {
    if let Some(embed) = message.embeds.last_mut().filter(|_| !words.is_empty()) {
        embed["footer"] = json!(CreateEmbedFooter::new(PLAIN.fit(words, FOOTER, &mut Cut::default())));
    }
    message
}

/// Green is done, yellow waits for people, blue is under way, red went wrong, grey did nothing.
fn colour(report: &Report) -> u32 {
    match report.outcome {
        Outcome::Failed | Outcome::Denied | Outcome::Refused | Outcome::Invalid => 0xC0_39_2B,
        _ if report.dry => 0x8A_8F_98,
        Outcome::Succeeded => 0x2E_8B_57,
        Outcome::NothingToDo | Outcome::Undone | Outcome::Stopped => 0x8A_8F_98,
        Outcome::Running => 0x3B_6F_D4,
        Outcome::AwaitingApproval | Outcome::NeedsPerson => 0xE0_A0_00,
        Outcome::PartlyDone => 0xD9_6C_00,
    }
}

/// The words of a run without a message: what is read aloud, and what a list of threads shows.
pub fn thread_name(report: &Report) -> String {
    let name = one_line(format!("{} {}", report.runbook, report.inputs).trim_end());
    text::fit(&name, 100)
}
