//! What people can type: a slash command for each runbook, with typed options, and the app's own one. What Discord would
//! not take is told before it is sent, because one wrong command makes it refuse them all.

use super::answer::is_exact;
use super::receive::{COMMAND, DRY, is_command};
use super::render::text::fit;
use serde_json::{Map, Value, json};

/// How many slash commands an app may have in a guild.
const MOST: usize = 100;

/// Options of a command; one is [`DRY`].
const OPTIONS: usize = 25;

/// Choices of an option; where there are more they are offered while somebody types.
const CHOICES: usize = 25;

/// Characters of a description, and of all that a command says.
const DESCRIPTION: usize = 100;
const IN_ALL: usize = 8000;

/// Characters of a text that is typed.
const TEXT: usize = 6000;

const TEXT_KIND: u8 = 3;
const WHOLE_KIND: u8 = 4;
const FLAG_KIND: u8 = 5;
const SUBCOMMAND: u8 = 1;

/// A slash command to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandSpec {
    /// Without the slash.
    pub name: String,
    /// One sentence.
    pub summary: String,
    /// In file order, in which the required ones come first.
    pub inputs: Vec<InputSpec>,
}

/// An option to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputSpec {
    /// Its name.
    pub name: String,
    /// One sentence.
    pub help: String,
    /// Whether it must be given.
    pub required: bool,
    /// What it takes.
    pub kind: InputKind,
}

/// What an option takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InputKind {
    /// Text, with the bounds of its length.
    Text {
        /// Characters at least.
        min: Option<usize>,
        /// Characters at most.
        max: Option<usize>,
        /// Whether something is offered while somebody types.
        offers: bool,
    },
    /// A whole number.
    Whole {
        /// No less.
        min: Option<i64>,
        /// No more.
        max: Option<i64>,
        /// Whether something is offered while somebody types.
        offers: bool,
    },
    /// Yes or no.
    Flag,
    /// One of these.
    Choice(Vec<String>),
}

/// Something that Discord would not accept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandProblem {
    /// The command.
    pub command: String,
    /// The input that is wrong; none is the command itself.
    pub input: Option<String>,
    /// What is wrong, and the way out.
    pub say: String,
}

impl CommandSpec {
    /// Whether it has more inputs than options: then a form asks for them.
    pub fn takes_form(&self) -> bool {
        self.inputs.len() + 1 > OPTIONS
    }

    /// What Discord would not accept of it.
    pub fn problems(&self) -> Vec<CommandProblem> {
        let mut problems = Vec::new();
        let mut problem = |input: Option<&InputSpec>, say: String| {
            problems.push(CommandProblem {
                command: self.name.clone(),
                input: input.map(|input| input.name.clone()),
                say,
            });
        };
        if !is_command(&self.name) {
            problem(
                None,
                format!(
                    "Discord takes no command /{}: a name has 1 to 32 of a-z, 0-9, - and _; rename the file",
                    self.name
                ),
            );
        } else if self.name == COMMAND {
            problem(
                None,
                format!("/{COMMAND} is the bot's own command in Discord; rename the file"),
            );
        }
        if let Some(length) = beyond(&self.summary, DESCRIPTION) {
            problem(
                None,
                format!("the summary has {length} characters and Discord shows {DESCRIPTION}; shorten it"),
            );
        }
        if self.takes_form() {
            return problems;
        }
        for input in &self.inputs {
            if !is_command(&input.name) {
                problem(
                    Some(input),
                    format!(
                        "Discord takes no option `{}`: a name has 1 to 32 of a-z, 0-9, - and _; rename the input",
                        input.name
                    ),
                );
            }
            if let Some(length) = beyond(&input.help, DESCRIPTION) {
                problem(
                    Some(input),
                    format!(
                        "the help of `{}` has {length} characters and Discord shows {DESCRIPTION}; shorten it",
                        input.name
                    ),
                );
            }
        }
        let length = characters(&self.json());
        if length > IN_ALL {
            problem(
                None,
                format!(
                    "names, descriptions and choices have {length} characters together and Discord takes {IN_ALL} of a \
                 command; shorten the help of its inputs"
                ),
            );
        }
        problems
    }

    /// As Discord takes it.
    pub fn json(&self) -> Value {
        let mut options: Vec<Value> = if self.takes_form() {
            Vec::new()
        } else {
            let (required, others): (Vec<_>, Vec<_>) = self.inputs.iter().partition(|input| input.required);
            required.into_iter().chain(others).map(option).collect()
        };
        options.push(json!({
            "type": FLAG_KIND, "name": DRY, "description": "Show what would be done, and do nothing",
        }));
        json!({"type": 1, "name": self.name, "description": self.summary, "options": options})
    }
}

fn option(input: &InputSpec) -> Value {
    let help = if input.help.trim().is_empty() {
        &input.name
    } else {
        &input.help
    };
    let mut option = json!({"type": TEXT_KIND, "name": input.name, "description": help, "required": input.required});
    let mut offered = false;
    match &input.kind {
        InputKind::Text { min, max, offers } => {
            if let Some(min) = min.filter(|min| (1..=TEXT).contains(min)) {
                option["min_length"] = min.into();
            }
            if let Some(max) = max.filter(|max| (1..=TEXT).contains(max)) {
                option["max_length"] = max.into();
            }
            offered = *offers;
        }
        InputKind::Whole { min, max, offers } if [min, max].into_iter().flatten().all(|bound| is_exact(*bound)) => {
            option["type"] = WHOLE_KIND.into();
            for (key, bound) in [("min_value", min), ("max_value", max)] {
                if let Some(bound) = bound {
                    option[key] = (*bound).into();
                }
            }
            offered = *offers;
        }
        // Discord's own whole numbers are too small for it: it is typed as text, and read as exactly as it is written.
        InputKind::Whole { offers, .. } => offered = *offers,
        InputKind::Flag => option["type"] = FLAG_KIND.into(),
        InputKind::Choice(words) if words.len() <= CHOICES && words.iter().all(|word| fits(word)) => {
            option["choices"] = words.iter().map(|word| json!({"name": word, "value": word})).collect();
        }
        InputKind::Choice(_) => offered = true,
    }
    if offered {
        option["autocomplete"] = true.into();
    }
    option
}

fn fits(word: &str) -> bool {
    (1..=DESCRIPTION).contains(&word.chars().count())
}

fn beyond(text: &str, most: usize) -> Option<usize> {
    let length = text.chars().count();
    (length > most).then_some(length)
}

/// Names, descriptions and the values of choices, which Discord counts together.
fn characters(of: &Value) -> usize {
    let count = |key: &str| of[key].as_str().map_or(0, |text| text.chars().count());
    let inner = ["options", "choices"]
        .into_iter()
        .filter_map(|key| of[key].as_array())
        .flatten();
    count("name") + count("description") + count("value") + inner.map(characters).sum::<usize>()
}

/// A word of the app's own command: what it does, and the options that it takes.
type OwnWord = (&'static str, &'static str, &'static [OwnOption]);

/// Name, description, whether it is required.
type OwnOption = (&'static str, &'static str, bool);

const RUN: OwnOption = ("run", "The run, as its message names it", true);
const WHY: OwnOption = ("reason", "Why; everybody who sees the run reads it", true);
const ANY_RUNBOOK: OwnOption = ("runbook", "One runbook; all without it", false);

const OWN: [OwnWord; 12] = [
    (
        "help",
        "What you may run here",
        &[("runbook", "How this one is asked for", false)],
    ),
    ("runs", "What ran lately, and what runs", &[]),
    ("deny", "Say no to a plan that waits", &[RUN]),
    ("stop", "Start no further step of a run", &[RUN]),
    ("undo", "Undo what a run has done, last step first", &[RUN]),
    (
        "override",
        "Start what waits for approval alone, for those who may; a form asks why",
        &[RUN, ("reason", "Why nobody else can be asked", false)],
    ),
    (
        "resolve",
        "Say what became of a step that nobody knows the end of",
        &[
            RUN,
            ("step", "The step, as the message names it", true),
            ("outcome", "What became of it", true),
            WHY,
        ],
    ),
    (
        "unlock",
        "Let a lock go whose run will not",
        &[("key", "The lock, such as order:1042", true), WHY],
    ),
    ("pause", "Start no writes until resume", &[ANY_RUNBOOK]),
    ("resume", "Let writes start again", &[ANY_RUNBOOK]),
    (
        "link",
        "Be the same person here and on Slack: a code there, and the code here, or the other way round",
        &[(
            "code",
            "What link gave you on the other platform; without it you get one",
            false,
        )],
    ),
    (
        "unlink",
        "The accounts that you linked on Discord are no longer yours",
        &[],
    ),
];

/// The words of the app's own command.
pub(super) fn own_words() -> Vec<&'static str> {
    OWN.iter().map(|(word, ..)| *word).collect()
}

fn own() -> Value {
    let words = OWN.iter().map(|(word, help, options)| {
        let options = options.iter().map(|(name, help, required)| {
            let mut option = json!({"type": TEXT_KIND, "name": name, "description": help, "required": required});
            match *name {
                "outcome" => {
                    option["choices"] = [
                        ("It happened", "done"),
                        ("It did not", "not-done"),
                        ("Give up", "abandon"),
                    ]
                    .map(|(name, value)| json!({"name": name, "value": value}))
                    .into();
                }
                "runbook" => option["autocomplete"] = true.into(),
                "reason" => option["max_length"] = 500.into(),
                _ => {}
            }
            option
        });
        json!({"type": SUBCOMMAND, "name": word, "description": help, "options": options.collect::<Vec<_>>()})
    });
    json!({
        "type": 1, "name": COMMAND, "description": "Help, runs, and what is said to them",
        "options": words.collect::<Vec<_>>(),
    })
}

/// All commands as Discord takes them, the app's own first, and what is left out because Discord would not take it.
pub fn commands(specs: &[CommandSpec]) -> (Vec<Value>, Vec<CommandProblem>) {
    let mut problems: Vec<CommandProblem> = specs.iter().flat_map(CommandSpec::problems).collect();
    let mut sound: Vec<&CommandSpec> = specs
        .iter()
        .filter(|spec| problems.iter().all(|problem| problem.command != spec.name))
        .collect();
    for spec in sound.drain(sound.len().min(MOST - 1)..) {
        problems.push(CommandProblem {
            command: spec.name.clone(),
            input: None,
            say: format!(
                "Discord takes {MOST} commands of an app, /{COMMAND} among them, and this is one too many: move some \
                 runbooks to another bot"
            ),
        });
    }
    let commands = std::iter::once(own()).chain(sound.into_iter().map(CommandSpec::json));
    (commands.collect(), problems)
}

/// Whether Discord has these commands and no others. It adds fields of its own, and leaves out what is as usual.
pub fn are_same(ours: &[Value], theirs: &[Value]) -> bool {
    let told = |commands: &[Value]| {
        let mut told: Vec<String> = commands.iter().map(|command| told(command).to_string()).collect();
        told.sort();
        told
    };
    told(ours) == told(theirs)
}

/// The fields that we set, without those that are as usual.
fn told(of: &Value) -> Value {
    const FIELDS: [&str; 9] = [
        "type",
        "name",
        "description",
        "required",
        "autocomplete",
        "min_value",
        "max_value",
        "min_length",
        "max_length",
    ];
    let mut fields = Map::new();
    for field in FIELDS {
        match &of[field] {
            Value::Null | Value::Bool(false) => {}
            // A bound comes back as 1.0 where it was sent as 1.
            Value::Number(number) => drop(fields.insert(field.to_owned(), number.as_f64().into())),
            value => drop(fields.insert(field.to_owned(), value.clone())),
        }
    }
    for field in ["options", "choices"] {
        let inner: Vec<Value> = of[field].as_array().into_iter().flatten().map(told).collect();
        if !inner.is_empty() {
            fields.insert(field.to_owned(), inner.into());
        }
    }
    if !of["value"].is_null() {
        fields.insert("value".to_owned(), of["value"].clone());
    }
    fields.into()
}

/// A help sentence that an input without one gets.
pub fn usual_help(kind: &str, many: bool) -> String {
    let several = if many { "; several by commas" } else { "" };
    fit(&format!("{kind}{several}"), DESCRIPTION)
}

#[cfg(test)]
mod tests;
