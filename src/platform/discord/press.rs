//! What a button or a form carries: which run, and what is asked of it. Discord gives the id back as it was set, signed,
//! and takes a hundred characters: the digest of a plan fits, and of a long step's name its hash stands.

use crate::report::{Press, Question};
use crate::request::{AlertAct, Ask, Resolution, short_step};

/// The longest id that Discord takes, in characters.
pub const MAX_ID: usize = 100;

const PREFIX: &str = "sb";
const FORM: &str = "sbf";

/// What an id stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pressed {
    /// Something that can be asked at once.
    Ask(Ask),
    /// Something that is asked about first, of whoever pressed.
    Questioned(Questioned),
    /// The question was answered with yes, below this message of the run.
    Confirmed(Questioned, String),
    /// It was answered with no.
    Left,
    /// A list of what can be done about an alert; what was chosen stands beside it.
    Choice {
        /// The group of alerts.
        alert: String,
    },
    /// Something that takes a reason, which a form asks for.
    Reasoned(Reasoned),
    /// A form with a runbook's inputs.
    Inputs {
        /// The runbook.
        runbook: String,
        /// Stop after the plan.
        dry: bool,
    },
}

/// What a question stands before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Questioned {
    run: String,
    press: Press,
}

impl Questioned {
    /// What is asked.
    pub fn question(&self) -> Option<Question> {
        self.press.question()
    }

    /// As the flow takes it; none of what takes a reason or no question.
    pub fn ask(&self) -> Option<Ask> {
        let run = self.run.clone();
        match self.press {
            Press::Stop => Some(Ask::Stop { run }),
            Press::Undo => Some(Ask::Undo { run }),
            Press::Approve { .. } | Press::Deny | Press::Resolve { .. } | Press::Offer { .. } | Press::Alert(_) => None,
        }
    }

    /// The id of the button that says yes, below this message of the run.
    pub fn yes_id(&self, message: &str) -> String {
        format!("{}:{message}", id(&self.run, &self.press))
    }

    /// The id of the button that says no.
    pub fn no_id(&self) -> String {
        format!("{PREFIX}:{}:leave", self.run)
    }
}

/// What is asked with a reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reasoned {
    /// What became of a step.
    Resolve {
        /// The run.
        run: String,
        /// The step's name, or what stands for it.
        step: String,
        /// What became of it.
        resolution: Resolution,
    },
    /// Start what waits, alone.
    Override {
        /// The run.
        run: String,
    },
}

impl Reasoned {
    /// As the flow takes it.
    pub fn with(self, reason: String) -> Ask {
        match self {
            Self::Resolve { run, step, resolution } => Ask::Resolve {
                run,
                step,
                resolution,
                reason,
            },
            Self::Override { run } => Ask::Override { run, reason },
        }
    }

    /// The form's own id.
    pub fn id(&self) -> String {
        match self {
            Self::Resolve { run, step, resolution } => resolve_id(run, step, *resolution),
            Self::Override { run } => format!("{PREFIX}:{run}:override"),
        }
    }

    /// What the form is called, and what it asks.
    pub fn words(&self) -> (&'static str, &'static str) {
        match self {
            Self::Resolve { resolution, .. } => match resolution {
                Resolution::Done => ("It happened", "How do you know that it happened?"),
                Resolution::NotDone => ("It did not happen", "How do you know that it did not happen?"),
                Resolution::Abandon => ("Give up on this step", "Why is it given up?"),
            },
            Self::Override { .. } => ("Start without approval", "Why can nobody else be asked?"),
        }
    }
}

/// The id of a button.
pub fn id(run: &str, press: &Press) -> String {
    match press {
        Press::Approve { digest } => format!("{PREFIX}:{run}:approve:{digest}"),
        Press::Deny => format!("{PREFIX}:{run}:deny"),
        Press::Stop => format!("{PREFIX}:{run}:stop"),
        Press::Undo => format!("{PREFIX}:{run}:undo"),
        Press::Offer { index } => format!("{PREFIX}:{run}:offer:{index}"),
        Press::Alert(act) => format!("{PREFIX}:{run}:alert:{}", act.word()),
        Press::Resolve { step, resolution } => resolve_id(run, step, *resolution),
    }
}

/// The id of a list of what can be done about an alert; `index` keeps several of one message apart.
pub fn choice_id(alert: &str, index: usize) -> String {
    format!("{PREFIX}:{alert}:choose:{index}")
}

/// What was chosen in such a list; none where it is nothing of ours.
pub fn chosen(alert: String, value: &str) -> Option<Ask> {
    let act = AlertAct::read(value).filter(AlertAct::is_choice)?;
    Some(Ask::Alert { alert, act })
}

fn resolve_id(run: &str, step: &str, resolution: Resolution) -> String {
    let word = match resolution {
        Resolution::Done => "done",
        Resolution::NotDone => "not-done",
        Resolution::Abandon => "abandon",
    };
    let before = format!("{PREFIX}:{run}:{word}:");
    let room = MAX_ID.saturating_sub(before.chars().count());
    before + &short_step(step, room)
}

/// The id of a form with a runbook's inputs.
pub fn inputs_id(runbook: &str, dry: bool) -> String {
    format!("{FORM}:{runbook}{}", if dry { ":dry" } else { "" })
}

/// Reads an id; none is none of ours.
pub fn read(id: &str) -> Option<Pressed> {
    if id.chars().count() > MAX_ID {
        return None;
    }
    if let Some(rest) = id.strip_prefix(FORM).and_then(|rest| rest.strip_prefix(':')) {
        let (runbook, dry) = rest
            .strip_suffix(":dry")
            .map_or((rest, false), |runbook| (runbook, true));
        return super::receive::is_command(runbook).then(|| Pressed::Inputs {
            runbook: runbook.to_owned(),
            dry,
        });
    }
    let rest = id.strip_prefix(PREFIX)?.strip_prefix(':')?;
    let (run, rest) = rest.split_once(':')?;
    let is_run = (1..=32).contains(&run.len()) && run.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if !is_run {
        return None;
    }
    let run = run.to_owned();
    let (word, rest) = rest
        .split_once(':')
        .map_or((rest, None), |(word, rest)| (word, Some(rest)));
    let ask = match (word, rest) {
        ("approve", Some(digest)) if digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
            Ask::Approve {
                run,
                digest: Some(digest.to_owned()),
            }
        }
        ("deny", None) => Ask::Deny { run },
        ("leave", None) => return Some(Pressed::Left),
        ("choose", Some(_)) => return Some(Pressed::Choice { alert: run }),
        ("stop" | "undo", message) => {
            let press = if word == "stop" { Press::Stop } else { Press::Undo };
            let questioned = Questioned { run, press };
            return match message {
                None => Some(Pressed::Questioned(questioned)),
                Some(message) if super::receive::is_id(message) => {
                    Some(Pressed::Confirmed(questioned, message.to_owned()))
                }
                Some(_) => None,
            };
        }
        ("offer", Some(index)) => Ask::Offer {
            run,
            index: index.parse().ok()?,
        },
        ("alert", Some(act)) => Ask::Alert {
            alert: run,
            act: AlertAct::read(act)?,
        },
        ("override", None) => return Some(Pressed::Reasoned(Reasoned::Override { run })),
        (word, Some(step)) if !step.is_empty() => {
            let resolution = match word {
                "done" => Resolution::Done,
                "not-done" => Resolution::NotDone,
                "abandon" => Resolution::Abandon,
                _ => return None,
            };
            let step = step.to_owned();
            return Some(Pressed::Reasoned(Reasoned::Resolve { run, step, resolution }));
        }
        _ => return None,
    };
    Some(Pressed::Ask(ask))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const RUN: &str = "7k2m9qx4ab";

    fn resolution() -> impl Strategy<Value = Resolution> {
        prop_oneof![
            Just(Resolution::Done),
            Just(Resolution::NotDone),
            Just(Resolution::Abandon)
        ]
    }

    proptest! {
        #[test]
        fn every_press_fits_and_is_read_as_it_was_meant(step in ".{1,200}", resolution in resolution(), index: usize) {
            let digest = "0123456789abcdef".repeat(4);
            for press in [
                Press::Approve { digest: digest.clone() },
                Press::Deny,
                Press::Stop,
                Press::Undo,
                Press::Offer { index },
                Press::Alert(AlertAct::Take),
                Press::Alert(AlertAct::AssignTo { person: "lee".to_owned() }),
                Press::Alert(AlertAct::Picked { key: "a-1a2b3c4d".to_owned(), value: "00112233".to_owned() }),
                Press::Alert(AlertAct::Suggested { key: "resync-1a2b3c4d".to_owned() }),
                Press::Resolve { step: step.clone(), resolution },
            ] {
                let id = id(RUN, &press);
                prop_assert!(id.chars().count() <= MAX_ID, "{}", id);
                let run = RUN.to_owned();
                let meant = match press {
                    Press::Approve { digest } => Pressed::Ask(Ask::Approve { run, digest: Some(digest) }),
                    Press::Deny => Pressed::Ask(Ask::Deny { run }),
                    Press::Stop | Press::Undo => {
                        let questioned = Questioned { run, press };
                        let message = "18446744073709551615".to_owned();
                        let yes = questioned.yes_id(&message);
                        prop_assert!(yes.chars().count() <= MAX_ID, "{}", yes);
                        prop_assert_eq!(read(&yes), Some(Pressed::Confirmed(questioned.clone(), message)));
                        prop_assert_eq!(read(&questioned.no_id()), Some(Pressed::Left));
                        prop_assert!(questioned.ask().is_some() && questioned.question().is_some());
                        Pressed::Questioned(questioned)
                    }
                    Press::Offer { index } => Pressed::Ask(Ask::Offer { run, index }),
                    Press::Alert(act) => Pressed::Ask(Ask::Alert { alert: run, act }),
                    Press::Resolve { step, resolution } => {
                        let room = 100 - format!("sb:{RUN}:not-done:").len();
                        let Some(Pressed::Reasoned(Reasoned::Resolve { step: read, .. })) = read(&id) else {
                            panic!("{id}")
                        };
                        prop_assert!(crate::request::is_step(&step, &read));
                        if step.chars().count() > room + 10 {
                            prop_assert_ne!(&read, &step);
                        }
                        Pressed::Reasoned(Reasoned::Resolve { run, step: read, resolution })
                    }
                };
                prop_assert_eq!(read(&id), Some(meant));
            }
        }

        #[test]
        fn what_is_read_was_written_by_us(id in "(sb|sbf|x):[a-z0-9:]{0,60}|.{0,120}") {
            match read(&id) {
                Some(Pressed::Reasoned(reasoned)) => prop_assert_eq!(reasoned.id(), id),
                Some(Pressed::Inputs { runbook, dry }) => prop_assert_eq!(inputs_id(&runbook, dry), id),
                Some(Pressed::Confirmed(questioned, message)) => prop_assert_eq!(questioned.yes_id(&message), id),
                Some(Pressed::Questioned(_) | Pressed::Left | Pressed::Ask(_) | Pressed::Choice { .. }) => {
                    prop_assert!(id.starts_with("sb:"))
                }
                None => {}
            }
        }
    }
}
