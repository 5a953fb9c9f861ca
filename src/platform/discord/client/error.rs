//! What a failed call means for whoever wanted it made.

use std::error::Error;
use std::time::Duration;

/// Why a call failed, sorted by what is to be done about it. Holds no token and no address with one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DiscordError {
    /// Nothing was done; ask again later.
    #[error("Discord asks to wait {} seconds", after.as_secs())]
    RateLimited {
        /// From now.
        after: Duration,
    },
    /// Discord is not well, or not reached; ask again later.
    #[error("Discord did not answer properly: {detail}")]
    Retry {
        /// What happened.
        detail: String,
        /// Whether the call may have had its effect.
        may_be_done: bool,
    },
    /// What the call was about is no longer there.
    #[error("Discord says that it is gone: {what}")]
    Gone {
        /// What is.
        what: Missing,
    },
    /// The token is not valid; nothing works until that is mended.
    #[error("Discord does not accept the bot token; check `bot_token` in [discord], or make a new one")]
    Token,
    /// The bot may not do that there.
    #[error("Discord does not let the bot do that there: {detail}")]
    Barred {
        /// Discord's words.
        detail: String,
    },
    /// What was sent is not taken in this form; it may be in a plainer one.
    #[error("Discord does not take the message as it is built: {detail}")]
    Form {
        /// Discord's words.
        detail: String,
    },
    /// The call as it is will never be accepted.
    #[error("Discord does not accept the call: {detail}")]
    Invalid {
        /// Discord's words.
        detail: String,
    },
}

/// What is no longer there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Missing {
    /// A channel or a thread.
    #[error("the channel")]
    Channel,
    /// A message.
    #[error("the message")]
    Message,
    /// An interaction that Discord does not know, or not yet.
    #[error("the answer that was promised")]
    Interaction,
    /// The token of an interaction, after fifteen minutes.
    #[error("the time of the answer that was promised")]
    Token,
    /// Something else.
    #[error("what it was about")]
    Other,
}

/// Where Discord names no time.
const PAUSE: Duration = Duration::from_secs(30);

/// No wait that is asked for is longer than this, whatever is said.
const LONGEST: Duration = Duration::from_secs(3600);

impl DiscordError {
    pub(super) fn rate_limited(seconds: Option<f64>) -> Self {
        let after = seconds.filter(|seconds| *seconds >= 0.0);
        let after = after.map_or(PAUSE, |seconds| {
            Duration::from_secs_f64(seconds.min(LONGEST.as_secs_f64()))
        });
        Self::RateLimited { after }
    }

    /// `code` is Discord's own; zero where it gives none.
    pub(super) fn of(status: u16, code: u64, said: &str) -> Self {
        let detail = match (code, said) {
            (0, "") => format!("HTTP status {status}"),
            (0, said) => format!("{said} (HTTP status {status})"),
            (code, said) => format!("{said} ({code})"),
        };
        let gone = |what| Self::Gone { what };
        match (status, code) {
            (_, 10003) => gone(Missing::Channel),
            (_, 10008) => gone(Missing::Message),
            (_, 10015 | 10062) => gone(Missing::Interaction),
            (_, 50027) => gone(Missing::Token),
            (401, _) => Self::Token,
            (403, _) | (_, 40333 | 50007 | 50013 | 50024 | 50083 | 160_002..=160_007) => Self::Barred { detail },
            (_, 40005 | 50006 | 50035) | (413, _) => Self::Form { detail },
            (404, _) => gone(Missing::Other),
            (408 | 500.., _) => Self::Retry {
                detail,
                may_be_done: true,
            },
            _ => Self::Invalid { detail },
        }
    }

    /// A refused connection is the one case in which certainly nothing was sent.
    pub(super) fn of_transport(error: &reqwest::Error) -> Self {
        if error.is_timeout() {
            return Self::Retry {
                detail: "no answer in time".to_owned(),
                may_be_done: true,
            };
        }
        let mut innermost: &(dyn Error + 'static) = error;
        let mut kind = None;
        loop {
            kind = innermost
                .downcast_ref::<std::io::Error>()
                .map(std::io::Error::kind)
                .or(kind);
            match innermost.source() {
                Some(source) => innermost = source,
                None => break,
            }
        }
        // The outer errors name the address, which may hold a token; the innermost one says what happened.
        Self::Retry {
            detail: innermost.to_string(),
            may_be_done: kind != Some(std::io::ErrorKind::ConnectionRefused),
        }
    }
}
