//! What a button carries: which run, and what is asked of it. Slack gives the value back as it was set, signed.

use crate::report::Press;
use crate::request::{AlertAct, Ask, Resolution};
use serde::{Deserialize, Serialize};

/// The longest value that Slack takes, in characters.
pub const MAX_VALUE: usize = 2000;

const PREFIX: &str = "signalbox:";

/// The longest value of an option that Slack takes, in characters.
pub const MAX_OPTION: usize = 150;

/// Options of one list.
pub const MAX_OPTIONS: usize = 100;

const CHOOSE: &str = "choose:";

/// The id of the list in such a block.
pub const CHOICE: &str = "signalbox:choice";

/// A button's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pressed {
    /// The run of the message.
    pub run: String,
    /// What is asked.
    pub press: Press,
}

impl Pressed {
    /// As the flow takes it.
    pub fn into_ask(self) -> Ask {
        let run = self.run;
        match self.press {
            Press::Approve { digest } => Ask::Approve {
                run,
                digest: Some(digest),
            },
            Press::Deny => Ask::Deny { run },
            Press::Stop => Ask::Stop { run },
            Press::Resolve { step, resolution } => Ask::Resolve {
                run,
                step,
                resolution,
                reason: "pressed in Slack".to_owned(),
            },
            Press::Undo => Ask::Undo { run },
            Press::Offer { index } => Ask::Offer { run, index },
            Press::Alert(act) => Ask::Alert { alert: run, act },
        }
    }
}

/// The wire format. It is not the report's own, so that a button in an old message is still understood when the report
/// changes.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    run: String,
    press: WirePress,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
enum WirePress {
    Approve { digest: String },
    Deny,
    Stop,
    Resolve { step: String, resolution: Resolution },
    Undo,
    Offer { index: usize },
    Alert { act: String },
}

/// The value of a button.
pub fn encode(run: &str, press: &Press) -> Result<String, serde_json::Error> {
    let press = match press.clone() {
        Press::Approve { digest } => WirePress::Approve { digest },
        Press::Deny => WirePress::Deny,
        Press::Stop => WirePress::Stop,
        Press::Resolve { step, resolution } => WirePress::Resolve { step, resolution },
        Press::Undo => WirePress::Undo,
        Press::Offer { index } => WirePress::Offer { index },
        Press::Alert(act) => WirePress::Alert { act: act.word() },
    };
    serde_json::to_string(&Wire {
        run: run.to_owned(),
        press,
    })
}

/// Reads the value of a button.
pub fn decode(value: &str) -> Result<Pressed, serde_json::Error> {
    let Wire { run, press } = serde_json::from_str(value)?;
    let press = match press {
        WirePress::Approve { digest } => Press::Approve { digest },
        WirePress::Deny => Press::Deny,
        WirePress::Stop => Press::Stop,
        WirePress::Resolve { step, resolution } => Press::Resolve { step, resolution },
        WirePress::Undo => Press::Undo,
        WirePress::Offer { index } => Press::Offer { index },
        WirePress::Alert { act } => match AlertAct::read(&act) {
            Some(act) => Press::Alert(act),
            None => return Err(serde::de::Error::custom("an act that nobody knows")),
        },
    };
    Ok(Pressed { run, press })
}

/// The action's id; `index` keeps several buttons of one kind apart.
pub fn action_id(press: &Press, index: usize) -> String {
    let kind = match press {
        Press::Approve { .. } => "approve",
        Press::Deny => "deny",
        Press::Stop => "stop",
        Press::Resolve {
            resolution: Resolution::Done,
            ..
        } => "resolve-done",
        Press::Resolve {
            resolution: Resolution::NotDone,
            ..
        } => "resolve-not-done",
        Press::Resolve {
            resolution: Resolution::Abandon,
            ..
        } => "resolve-abandon",
        Press::Undo => "undo",
        Press::Offer { .. } => "offer",
        Press::Alert(_) => "alert",
    };
    format!("{PREFIX}{kind}:{index}")
}

/// The id of the block in which somebody chooses what to do about an alert. The options have room for the acts alone.
pub fn choice_id(alert: &str) -> String {
    format!("{PREFIX}{CHOOSE}{alert}")
}

/// What was chosen in a block of [`choice_id`]'s; none where it is nothing of ours.
pub fn chosen(block_id: &str, option: &str) -> Option<Ask> {
    let alert = block_id.strip_prefix(PREFIX)?.strip_prefix(CHOOSE)?;
    let act = AlertAct::read(option).filter(AlertAct::is_choice)?;
    Some(Ask::Alert {
        alert: alert.to_owned(),
        act,
    })
}

/// Whether an action's id is one of [`action_id`]'s.
pub fn is_ours(action_id: &str) -> bool {
    action_id.starts_with(PREFIX)
}
