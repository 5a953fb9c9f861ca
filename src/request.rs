//! Who asks for what, and where: the words of the first two stages. A [`Delivery`] is bytes that reached us and were
//! found genuine; a [`Request`] is what they ask.

pub mod link;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt;

/// A kind of door that people come in by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Surface {
    /// A Slack workspace.
    Slack,
    /// A Discord guild.
    Discord,
    /// The web console.
    Console,
    /// The command line.
    Cli,
}

impl Surface {
    /// Whether it tells whoever asked that the answer is on its way, until there is one: then a run is an answer too.
    pub fn awaits_answers(self) -> bool {
        match self {
            Self::Discord => true,
            Self::Slack | Self::Console | Self::Cli => false,
        }
    }
}

impl fmt::Display for Surface {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Slack => "Slack",
            Self::Discord => "Discord",
            Self::Console => "the console",
            Self::Cli => "the command line",
        })
    }
}

/// An account that the surface itself has proved. Which person it belongs to is told by `people.toml` alone.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Account {
    /// A user of a Slack workspace; `team` is the user's own.
    Slack {
        /// The workspace that the user belongs to.
        team: String,
        /// The user's id, `U...`.
        user: String,
    },
    /// A Discord user.
    Discord {
        /// The user's id.
        user: String,
    },
    /// A user of the operating system, on the command line.
    Os {
        /// The login name.
        user: String,
    },
    /// A person picked by `--as` or by the console's picker; exists in demo mode alone.
    Picked {
        /// The name in `people.toml`.
        person: String,
    },
    /// A console session that a person opened with that person's own token.
    Session {
        /// The name in `people.toml`.
        person: String,
        /// The session's id, not its secret.
        session: String,
    },
    /// An alert for which a rule asks by itself. Nobody comes in by it: the bot writes its requests.
    Alert {
        /// The label `alertname`.
        name: String,
    },
}

impl Account {
    /// Whether it is one of a chat platform.
    pub fn is_of_chat(&self) -> bool {
        self.surface().is_some()
    }

    /// The chat platform that it is of.
    pub fn surface(&self) -> Option<Surface> {
        match self {
            Self::Slack { .. } => Some(Surface::Slack),
            Self::Discord { .. } => Some(Surface::Discord),
            Self::Os { .. } | Self::Picked { .. } | Self::Session { .. } | Self::Alert { .. } => None,
        }
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Slack { team, user } => write!(f, "Slack account {team}/{user}"),
            Self::Discord { user } => write!(f, "Discord account {user}"),
            Self::Os { user } => write!(f, "operating system user {user}"),
            Self::Picked { person } => write!(f, "{person}, picked in demo mode"),
            Self::Session { person, .. } => write!(f, "console session of {person}"),
            Self::Alert { name } => write!(f, "alert {name}"),
        }
    }
}

/// Where something was asked, and so where it is answered.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Place {
    /// The kind of door.
    pub surface: Surface,
    /// Slack team or Discord guild.
    #[serde(default)]
    pub workspace: Option<String>,
    /// Channel in it.
    #[serde(default)]
    pub channel: Option<String>,
    /// Thread in the channel, by the platform's own id. What holds of the channel holds in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread: Option<String>,
}

impl Place {
    /// Channel and thread in one word, as the ids of messages have them.
    pub fn spot(&self) -> String {
        let channel = self.channel.as_deref().unwrap_or_default();
        match &self.thread {
            Some(thread) => format!("{channel}:{thread}"),
            None => channel.to_owned(),
        }
    }
}

/// The inputs as they were given, before their types are known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Words {
    /// One line of chat: file order or `name=value`, quotes group, `dry` last is a dry run.
    Line(String),
    /// Named values, as the command line, a form or a button gives them. A list joins by commas.
    Named(Vec<(String, String)>),
}

/// What a person says of a step whose effect is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Resolution {
    /// It happened.
    Done,
    /// It did not happen.
    NotDone,
    /// Nobody can tell; the run is given up and its locks are let go.
    Abandon,
}

/// The alerts on whose account a runbook is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OnAccount {
    /// The group.
    pub group: String,
    /// What fills in an input that the alerts do not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub look: Option<Look>,
}

/// A runbook that only reads, of whose answer an input takes its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Look {
    /// Which runbook.
    pub runbook: String,
    /// The column of its answer.
    pub column: String,
    /// The input of the other runbook.
    pub input: String,
}

/// What is asked about a group of alerts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "act", content = "with")]
pub enum AlertAct {
    /// Run what is suggested.
    Suggested {
        /// Which runbook with which inputs, as the button showed it.
        key: String,
    },
    /// Run what is suggested, with one of several values that a look gave.
    Picked {
        /// As above.
        key: String,
        /// Stands for the value.
        value: String,
    },
    /// Say that somebody has seen it.
    Acknowledge,
    /// Take it on.
    Take,
    /// Choose whom to give it to.
    Assign,
    /// Give it to somebody.
    AssignTo {
        /// The name in `people.toml`.
        person: String,
    },
    /// Show what its rule watches, as it is now.
    Chart,
    /// Tell what ran around its beginning.
    Changes,
}

impl AlertAct {
    /// In one word, as a button carries it.
    pub fn word(&self) -> String {
        match self {
            Self::Suggested { key } => format!("run.{key}"),
            Self::Picked { key, value } => format!("pick.{value}.{key}"),
            Self::Acknowledge => "ack".to_owned(),
            Self::Take => "take".to_owned(),
            Self::Assign => "assign".to_owned(),
            Self::AssignTo { person } => format!("assign.{person}"),
            Self::Chart => "chart".to_owned(),
            Self::Changes => "changes".to_owned(),
        }
    }

    /// Whether it was chosen in an answer to a press, not pressed below the alert's message.
    pub fn is_choice(&self) -> bool {
        matches!(self, Self::Picked { .. } | Self::AssignTo { .. })
    }

    /// What a word means; none is none of ours.
    pub fn read(word: &str) -> Option<Self> {
        Some(match word {
            "ack" => Self::Acknowledge,
            "take" => Self::Take,
            "assign" => Self::Assign,
            "chart" => Self::Chart,
            "changes" => Self::Changes,
            word => match word.split_once('.')? {
                ("run", key) => Self::Suggested { key: plain(key)? },
                ("assign", person) => Self::AssignTo { person: plain(person)? },
                ("pick", rest) => {
                    let (value, key) = rest.split_once('.')?;
                    Self::Picked {
                        key: plain(key)?,
                        value: plain(value)?,
                    }
                }
                _ => return None,
            },
        })
    }
}

/// A word that stands in a button, if it is one of ours.
fn plain(word: &str) -> Option<String> {
    let fits = (1..=64).contains(&word.len())
        && word
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    fits.then(|| word.to_owned())
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "ask", content = "with")]
pub enum Ask {
    /// Run a runbook.
    Run {
        /// The slash command, without the slash.
        runbook: String,
        /// Its inputs, uninterpreted.
        words: Words,
        /// Stop after the plan.
        dry: bool,
    },
    /// Press a runbook's offered follow-up of a finished run.
    Offer {
        /// The finished run.
        run: String,
        /// Which of its offers, from zero.
        index: usize,
    },
    /// Do something about a group of alerts.
    Alert {
        /// The group.
        alert: String,
        /// What.
        act: AlertAct,
    },
    /// Say yes to a plan.
    Approve {
        /// The run that waits.
        run: String,
        /// The plan that was seen, where the surface knows it.
        digest: Option<String>,
    },
    /// Say no to a plan.
    Deny {
        /// The run that waits.
        run: String,
    },
    /// Start no further step.
    Stop {
        /// The run.
        run: String,
    },
    /// Start a plan that waits for approval alone, with a reason (break-glass).
    Override {
        /// The run that waits.
        run: String,
        /// Why; posted loudly.
        reason: String,
    },
    /// Say what became of a step whose effect is not known.
    Resolve {
        /// The run.
        run: String,
        /// The step's name.
        step: String,
        /// What became of it.
        resolution: Resolution,
        /// How the person knows.
        reason: String,
    },
    /// Run the undo of the steps that are done, in reverse.
    Undo {
        /// The run.
        run: String,
    },
    /// Let go of a lock whose owner will not.
    Unlock {
        /// The lock's key.
        key: String,
        /// Why.
        reason: String,
    },
    /// Start no writes, of one runbook or of all.
    Pause {
        /// None means all.
        runbook: Option<String>,
    },
    /// Writes may start again.
    Resume {
        /// None means all.
        runbook: Option<String>,
    },
    /// What the asker may run, or how one runbook is asked for.
    Help {
        /// None means the list.
        runbook: Option<String>,
    },
    /// What ran and what runs.
    Runs,
}

impl Ask {
    /// The runbook that is named, where one is.
    pub fn runbook(&self) -> Option<&str> {
        match self {
            Self::Run { runbook, .. } => Some(runbook),
            Self::Pause { runbook } | Self::Resume { runbook } | Self::Help { runbook } => runbook.as_deref(),
            _ => None,
        }
    }
}

/// Bytes that reached us, verified. Stored with its request before anybody is told that it was received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Unique per platform event; the same delivery twice is one request.
    pub id: String,
    /// What the body asked, as kept: no bearer token is in it.
    pub kept: String,
    /// A short-lived token (Slack's `response_url`), to be sealed at rest.
    pub token: Option<String>,
    /// What it asks.
    pub request: Request,
}

/// What is asked, by which account, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Ours; unguessable.
    pub id: String,
    /// Who, as proved by the surface.
    pub account: Account,
    /// The sign-in that the account used, where the surface knows one: an approver's differs from the requester's.
    pub session: Option<String>,
    /// Where.
    pub place: Place,
    /// The message whose button was pressed, by the platform's own id.
    #[serde(default)]
    pub message: Option<String>,
    /// Groups of the platform that the surface proved the account to be in, in the words of `people.toml`:
    /// `discord 900/7001`, `slack T1/S0OPS`. They hold for this request and no other.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub memberships: Vec<String>,
    /// The alerts on whose account a runbook is asked for: the run is listed there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alert: Option<OnAccount>,
    /// What.
    pub ask: Ask,
}

impl Request {
    /// Whether a look must fill in an input before it can be carried out.
    pub fn looks(&self) -> bool {
        self.alert.as_ref().is_some_and(|alert| alert.look.is_some())
    }

    /// A new request with an id of its own.
    pub fn new(account: Account, place: Place, ask: Ask) -> Self {
        Self {
            id: uuid::Uuid::now_v7().simple().to_string(),
            account,
            session: None,
            place,
            message: None,
            memberships: Vec::new(),
            alert: None,
            ask,
        }
    }
}

/// The name of a step in at most `room` characters: its own, or where it is longer the beginning of its hash.
pub fn short_step(step: &str, room: usize) -> String {
    if step.chars().count() <= room && !step.starts_with(HASHED) {
        return step.to_owned();
    }
    format!("{HASHED}{}", &hex::encode(Sha256::digest(step.as_bytes()))[..HASH])
}

/// Whether a word means this step: its name, or what [`short_step`] gives for it.
pub fn is_step(step: &str, word: &str) -> bool {
    word == step || (word.starts_with(HASHED) && word == short_step(step, 0))
}

const HASHED: &str = "step-";
const HASH: usize = 32;
