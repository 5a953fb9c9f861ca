//! Who we are to an API. Tokens that a login gave stay in memory; they are renewed shortly before they run out, or when
//! they are refused, by one caller for all.

use super::{Login, SignIn, meaning};
use crate::call::CallResult;
use crate::integration::exchange::{Answer, Lost, Site, exchange};
use crate::report::redact::{Redactor, RedactorError};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::header::ACCEPT;
use reqwest::{Method, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// A login that was refused is not tried again sooner: more tries could lock the account.
const PAUSE: Duration = Duration::from_secs(30);
/// A token is renewed this long before it runs out, or after three quarters of its life if that is later.
const MARGIN: Duration = Duration::from_secs(30);
/// How long a token without a date is taken to live.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// Why nobody is signed in. Never holds what was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum SignInError {
    #[error("{host} cannot be reached to sign in: {reason}")]
    Unreachable { host: String, reason: String },
    #[error("{host} had not signed us in when the deadline passed; nothing was sent")]
    Late { host: String },
    #[error(
        "the user or the password of connection {connection} is refused ({answer}); the login is tried again in {wait} s at \
         the earliest"
    )]
    Refused {
        connection: String,
        answer: String,
        wait: u64,
    },
    #[error("the login of connection {connection} does not work: {reason}")]
    Strange { connection: String, reason: String },
    #[error(transparent)]
    Redactor(#[from] RedactorError),
}

impl From<SignInError> for CallResult {
    fn from(error: SignInError) -> Self {
        let reason = error.to_string();
        match error {
            SignInError::Unreachable { .. } => Self::Unreachable { reason },
            _ => Self::NotDone { reason },
        }
    }
}

/// What a request proves itself with.
#[derive(Debug, Clone)]
pub(super) struct Bearer {
    pub(super) token: SecretString,
    /// Whether another one can be had if this is refused.
    pub(super) renewable: bool,
}

pub(super) struct SignedIn {
    connection: String,
    site: Site,
    how: SignIn,
    // Held while signing in: whoever comes meanwhile waits for that token.
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    tokens: Option<Tokens>,
    refused: Option<(Instant, String)>,
    redactor: Option<Arc<Redactor>>,
}

struct Tokens {
    access: SecretString,
    stale_at: Instant,
    refresh: Option<SecretString>,
}

/// What a login gives; a refresh gives the first, and the second if it is replaced.
#[derive(Deserialize)]
struct Given {
    access: String,
    refresh: Option<String>,
}

impl SignedIn {
    pub(super) fn new(connection: &str, site: Site, how: SignIn) -> Self {
        Self {
            connection: connection.to_owned(),
            site,
            how,
            state: Mutex::default(),
        }
    }

    /// The token in force, or another one than that which was refused.
    pub(super) async fn bearer(&self, refused: Option<&Bearer>) -> Result<Option<Bearer>, SignInError> {
        let login = match &self.how {
            SignIn::Nobody => return Ok(None),
            SignIn::Token(token) => {
                return Ok(Some(Bearer {
                    token: token.clone(),
                    renewable: false,
                }));
            }
            SignIn::Login(login) => login,
        };
        let mut state = self.state.lock().await;
        let now = Instant::now();
        let refused = refused.map(|it| it.token.expose_secret());
        let tokens = state.tokens.take();
        let good = |it: &Tokens| now < it.stale_at && refused != Some(it.access.expose_secret());
        let tokens = match tokens {
            Some(tokens) if good(&tokens) => tokens,
            old => {
                let tokens = self.renewed(&mut state, login, old).await?;
                state.redactor = Some(Arc::new(self.knowing(Some(&tokens))?));
                tokens
            }
        };
        let token = tokens.access.clone();
        state.tokens = Some(tokens);
        Ok(Some(Bearer { token, renewable: true }))
    }

    /// Knows every secret of this connection, those that came at run time included.
    pub(super) async fn redactor(&self) -> Result<Arc<Redactor>, RedactorError> {
        let mut state = self.state.lock().await;
        if let Some(redactor) = &state.redactor {
            return Ok(redactor.clone());
        }
        let redactor = Arc::new(self.knowing(None)?);
        state.redactor = Some(redactor.clone());
        Ok(redactor)
    }

    fn knowing(&self, tokens: Option<&Tokens>) -> Result<Redactor, RedactorError> {
        let mut known = Vec::new();
        match &self.how {
            SignIn::Nobody => {}
            SignIn::Token(token) => known.push(token.clone()),
            SignIn::Login(login) => known.push(login.password.clone()),
        }
        if let Some(tokens) = tokens {
            known.push(tokens.access.clone());
            known.extend(tokens.refresh.clone());
        }
        Redactor::new(&known)
    }

    async fn renewed(&self, state: &mut State, login: &Login, old: Option<Tokens>) -> Result<Tokens, SignInError> {
        if let (Some(path), Some(refresh)) = (&login.refresh, old.and_then(|it| it.refresh)) {
            let fields = [("refresh", refresh.expose_secret())];
            let answer = self.post(path, &fields).await?;
            // Whatever else it says, the login is asked next.
            if answer.status.is_success() {
                let given = self.read(&answer)?;
                return Ok(tokens(given, Some(refresh)));
            }
        }
        if let Some((until, answer)) = &state.refused {
            let wait = until.saturating_duration_since(Instant::now());
            if !wait.is_zero() {
                return Err(self.refused(answer.clone(), wait));
            }
        }
        let fields = [
            (login.user_field.as_str(), login.user.as_str()),
            ("password", login.password.expose_secret()),
        ];
        let answer = self.post(&login.path, &fields).await?;
        if answer.status.is_success() {
            state.refused = None;
            return Ok(tokens(self.read(&answer)?, None));
        }
        let told = self.knowing(None)?.redact(&meaning::refusal(&answer)).into_owned();
        if matches!(answer.status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
            state.refused = Some((Instant::now() + PAUSE, told.clone()));
            return Err(self.refused(told, PAUSE));
        }
        Err(self.strange(told))
    }

    async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Result<Answer, SignInError> {
        let body: Map<String, Value> = fields
            .iter()
            .map(|(name, value)| ((*name).to_owned(), Value::from(*value)))
            .collect();
        let request = self.site.request(Method::POST, self.site.path(path));
        let request = request.header(ACCEPT, "application/json").json(&body);
        exchange(request).await.map_err(|lost| match lost {
            Lost::Broken(..) => self.strange(lost.reason()),
            Lost::NeverSent(_) | Lost::Unanswered(_) => SignInError::Unreachable {
                host: self.site.host().to_owned(),
                reason: lost.reason(),
            },
        })
    }

    /// A parser's words could repeat the token: they are left out.
    fn read(&self, answer: &Answer) -> Result<Given, SignInError> {
        serde_json::from_slice(&answer.body).map_err(|_| {
            let status = answer.status.as_u16();
            self.strange(format!("it answers HTTP {status} without an `access` token in JSON"))
        })
    }

    fn refused(&self, answer: String, wait: Duration) -> SignInError {
        SignInError::Refused {
            connection: self.connection.clone(),
            answer,
            wait: wait.as_secs().max(1),
        }
    }

    fn strange(&self, reason: String) -> SignInError {
        SignInError::Strange {
            connection: self.connection.clone(),
            reason,
        }
    }
}

fn tokens(given: Given, refresh: Option<SecretString>) -> Tokens {
    let life = life(&given.access).unwrap_or(LONGEST).min(LONGEST);
    Tokens {
        stale_at: Instant::now() + life - MARGIN.min(life / 4),
        refresh: given.refresh.map(SecretString::from).or(refresh),
        access: SecretString::from(given.access),
    }
}

/// How long a JSON web token lives, by its own dates: the server's clock and ours need not agree.
fn life(token: &str) -> Option<Duration> {
    #[derive(Deserialize)]
    struct Dates {
        iat: f64,
        exp: f64,
    }
    let payload = token.split('.').nth(1)?;
    let payload = URL_SAFE_NO_PAD.decode(payload).ok()?;
    let dates: Dates = serde_json::from_slice(&payload).ok()?;
    Duration::try_from_secs_f64(dates.exp - dates.iat).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_lives_as_long_as_its_dates_say() {
        let token = |payload: &str| format!("h.{}.s", URL_SAFE_NO_PAD.encode(payload));
        for (payload, seconds) in [
            (r#"{"iat":1700000000,"exp":1700000300}"#, Some(300)),
            (r#"{"iat":1700000000.5,"exp":1700000300.5,"user_id":1}"#, Some(300)),
            (r#"{"exp":1700000300}"#, None),
            (r#"{"iat":1700000300,"exp":1700000000}"#, None),
            (r#"{"iat":0,"exp":1e300}"#, None),
            ("no json", None),
        ] {
            assert_eq!(life(&token(payload)), seconds.map(Duration::from_secs), "{payload}");
        }
        assert_eq!(life("opaque"), None);
    }
}
