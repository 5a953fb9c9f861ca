//! What a failed call means for whoever wanted it made.

use slack_morphism::errors::SlackClientError;
use std::error::Error;
use std::time::Duration;

/// Why a call failed, sorted by what is to be done about it. Holds no token and no address with one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SlackError {
    /// Nothing was done; ask again later.
    #[error("Slack asks to wait {} seconds", after.as_secs())]
    RateLimited {
        /// From now.
        after: Duration,
    },
    /// Slack is not well, or not reached; ask again later.
    #[error("Slack did not answer properly: {detail}")]
    Retry {
        /// What happened.
        detail: String,
        /// Whether the call may have had its effect. A post that is repeated then may stand there twice.
        may_be_done: bool,
    },
    /// What the call was about is no longer there: a channel, a message, a response URL.
    #[error("Slack says that it is gone: {code}")]
    Gone {
        /// Slack's word.
        code: String,
    },
    /// Somebody has to invite the bot.
    #[error("the bot is not in the channel; invite it there")]
    NotInChannel,
    /// The token is not valid; nothing works until that is mended.
    #[error("Slack does not accept the bot token: {code}; check `bot_token` in [slack], or install the app again")]
    Token {
        /// Slack's word.
        code: String,
    },
    /// The token is valid, and not for this.
    #[error("the bot token lacks the scope {needed}; add it to the app and install the app again")]
    Scope {
        /// What Slack asks for.
        needed: String,
    },
    /// An administrator's rule keeps the bot from it.
    #[error("Slack does not let the bot write there: {code}")]
    Barred {
        /// Slack's word.
        code: String,
    },
    /// What was sent is not taken in this form; it may be in a plainer one.
    #[error("Slack does not take the message as it is built: {detail}")]
    Form {
        /// Slack's words.
        detail: String,
    },
    /// The call as it is will never be accepted.
    #[error("Slack does not accept the call: {detail}")]
    Invalid {
        /// Slack's words.
        detail: String,
    },
}

/// Where Slack names no time.
const PAUSE: Duration = Duration::from_secs(30);

impl SlackError {
    pub(super) fn rate_limited(after: Option<Duration>) -> Self {
        Self::RateLimited {
            after: after.unwrap_or(PAUSE),
        }
    }

    /// For a part of a call after which nothing is visible yet.
    pub(super) fn certainly_not(self) -> Self {
        match self {
            Self::Retry { detail, .. } => Self::Retry {
                detail,
                may_be_done: false,
            },
            other => other,
        }
    }

    /// `detail` is what Slack says beyond its one word.
    pub(super) fn of_code(code: &str, detail: &str) -> Self {
        let word = || code.to_owned();
        match code {
            "ratelimited" | "rate_limited" => Self::rate_limited(None),
            "internal_error" | "fatal_error" | "service_unavailable" | "request_timeout" => Self::Retry {
                detail: word(),
                may_be_done: true,
            },
            "channel_not_found"
            | "message_not_found"
            | "cant_update_message"
            | "edit_window_closed"
            | "thread_not_found"
            | "is_archived"
            | "user_not_found"
            | "user_not_in_channel"
            | "no_such_subteam"
            | "expired_url"
            | "used_url"
            | "Expired url" => Self::Gone { code: word() },
            "not_in_channel" => Self::NotInChannel,
            "not_authed"
            | "invalid_auth"
            | "token_revoked"
            | "token_expired"
            | "account_inactive"
            | "not_allowed_token_type"
            | "org_login_required"
            | "team_access_not_granted"
            | "accesslimited" => Self::Token { code: word() },
            "missing_scope" | "no_permission" => Self::Scope {
                needed: if detail.is_empty() { word() } else { detail.to_owned() },
            },
            "access_denied"
            | "ekm_access_denied"
            | "restricted_action"
            | "restricted_action_read_only_channel"
            | "restricted_action_thread_only_channel"
            | "restricted_action_non_threadable_channel"
            | "restricted_action_thread_locked" => Self::Barred { code: word() },
            "invalid_blocks"
            | "invalid_blocks_format"
            | "msg_blocks_too_long"
            | "msg_too_long"
            | "invalid_attachments"
            | "too_many_attachments" => Self::Form {
                detail: with(code, detail),
            },
            _ => Self::Invalid {
                detail: with(code, detail),
            },
        }
    }

    pub(super) fn of_status(status: u16) -> Self {
        let detail = format!("HTTP status {status}");
        match status {
            408 | 500.. => Self::Retry {
                detail,
                may_be_done: true,
            },
            _ => Self::Invalid { detail },
        }
    }

    /// A refused connection is the one case in which certainly nothing was sent.
    pub(super) fn of_transport(error: &(dyn Error + 'static)) -> Self {
        let (mut innermost, mut kind) = (error, None);
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
        // The outer errors may name the address; the innermost one says what happened.
        let detail = innermost.to_string();
        Self::Retry {
            detail,
            may_be_done: kind != Some(std::io::ErrorKind::ConnectionRefused),
        }
    }
}

impl From<SlackClientError> for SlackError {
    fn from(error: SlackClientError) -> Self {
        match error {
            SlackClientError::ApiError(api) => {
                let mut said = api.errors.unwrap_or_default();
                said.extend(api.http_response_body.as_deref().map(details).unwrap_or_default());
                Self::of_code(&api.code, &said.join("; "))
            }
            SlackClientError::RateLimitError(limit) => Self::rate_limited(limit.retry_after),
            SlackClientError::HttpError(http) => Self::of_status(http.status_code.as_u16()),
            SlackClientError::HttpProtocolError(protocol) => match protocol.cause {
                Some(cause) => Self::of_transport(cause.as_ref()),
                None => Self::Retry {
                    detail: "the connection failed".to_owned(),
                    may_be_done: true,
                },
            },
            SlackClientError::ProtocolError(_) => Self::Retry {
                detail: "the answer is not Slack's JSON".to_owned(),
                may_be_done: true,
            },
            SlackClientError::SystemError(_)
            | SlackClientError::EndOfStream(_)
            | SlackClientError::SocketModeProtocolError(_) => Self::Retry {
                detail: "the connection broke".to_owned(),
                may_be_done: true,
            },
        }
    }
}

fn with(code: &str, detail: &str) -> String {
    if detail.is_empty() {
        code.to_owned()
    } else {
        format!("{code} ({detail})")
    }
}

/// What is wrong with a block, or which scope is missing, stands beside the error's code.
fn details(body: &str) -> Vec<String> {
    #[derive(serde::Deserialize)]
    struct Body {
        needed: Option<String>,
        response_metadata: Option<Metadata>,
    }
    #[derive(serde::Deserialize)]
    struct Metadata {
        #[serde(default)]
        messages: Vec<String>,
    }
    let Ok(body) = serde_json::from_str::<Body>(body) else {
        return Vec::new();
    };
    let messages = body.response_metadata.map(|metadata| metadata.messages);
    body.needed.into_iter().chain(messages.into_iter().flatten()).collect()
}
