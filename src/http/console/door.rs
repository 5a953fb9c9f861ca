//! Who comes in: tokens, the secrets of sessions, and how often somebody may try.

use super::threshold::Origin;
use crate::config::Config;
use crate::rules::Rules;
use crate::secret::Secrets;
use crate::store::sessions::Session;
use governor::clock::DefaultClock;
use governor::state::{InMemoryState, NotKeyed, keyed::DashMapStateStore};
use governor::{Quota, RateLimiter};
use jiff::{SignedDuration, Timestamp};
use reqwest::Url;
use secrecy::ExposeSecret;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use subtle::ConstantTimeEq;

const TRIES_PER_MINUTE: NonZeroU32 = NonZeroU32::new(10).unwrap();
const TRIES_OF_ALL: NonZeroU32 = NonZeroU32::new(60).unwrap();

/// A shorter token counts, and is warned of.
const SHORT: usize = 20;

type Environment = fn(&str) -> Option<String>;

/// The console's door.
pub struct Door {
    demo: bool,
    origin: Origin,
    cookie: String,
    secure: bool,
    life: SignedDuration,
    secrets: Secrets<Environment>,
    keys: Mutex<Option<Keys>>,
    tries: RateLimiter<IpAddr, DashMapStateStore<IpAddr>, DefaultClock>,
    all_tries: RateLimiter<NotKeyed, InMemoryState, DefaultClock>,
}

impl std::fmt::Debug for Door {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Door").field("demo", &self.demo).finish_non_exhaustive()
    }
}

/// The hashes of everybody's token, as the rules name them. Read again when the rules are.
struct Keys {
    rules: Arc<Rules>,
    hashes: Arc<BTreeMap<String, [u8; 32]>>,
}

/// Why the console cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum DoorError {
    /// The public address is none.
    #[error("server.public_url is not an address: {0}")]
    Address(String),
    /// Others can reach it and nobody could sign in.
    #[error(
        "[console] is on and server.listen can be reached from other machines, but nobody has a console token: write \
         `console = \"env:NAME\"` under a person in people.toml, or listen on a loopback address such as 127.0.0.1:8080"
    )]
    NoToken,
}

/// A secret that was just made, with the session that it opens.
pub(super) struct Opened {
    pub(super) cookie: String,
    pub(super) hash: String,
    pub(super) session: Session,
}

/// A console that others can reach must have somebody who can sign in.
pub fn somebody_can_sign_in(config: &Config, rules: &Rules) -> Result<(), DoorError> {
    let reached = config.console.is_some() && !config.server.listen.ip().is_loopback();
    if reached && !rules.people.persons().any(|person| person.console().is_some()) {
        return Err(DoorError::NoToken);
    }
    Ok(())
}

impl Door {
    /// A door as the config wants it.
    pub fn new(
        config: &Config,
        life: std::time::Duration,
        rules: &Rules,
        environment: Environment,
    ) -> Result<Self, DoorError> {
        let public = Url::parse(&config.server.public_url).map_err(|error| DoorError::Address(error.to_string()))?;
        somebody_can_sign_in(config, rules)?;
        let secure = public.scheme() == "https";
        Ok(Self {
            demo: config.server.demo,
            origin: Origin::new(public),
            // Cookies do not tell ports apart: two consoles on one machine need two names.
            cookie: if secure {
                "__Host-signalbox".to_owned()
            } else {
                format!("signalbox-{}", config.server.listen.port())
            },
            secure,
            life: SignedDuration::try_from(life).unwrap_or(SignedDuration::from_hours(12)),
            secrets: Secrets::new(environment),
            keys: Mutex::new(None),
            tries: RateLimiter::keyed(Quota::per_minute(TRIES_PER_MINUTE)),
            all_tries: RateLimiter::direct(Quota::per_minute(TRIES_OF_ALL)),
        })
    }

    pub(super) fn demo(&self) -> bool {
        self.demo
    }

    pub(super) fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Takes a try; false means that there were too many.
    pub(super) fn may_try(&self, from: IpAddr) -> bool {
        self.tries.retain_recent();
        // The address first: who tries too often must not use up what is left for all.
        self.tries.check_key(&from).is_ok() && self.all_tries.check().is_ok()
    }

    fn hashes(&self, rules: &Arc<Rules>) -> Arc<BTreeMap<String, [u8; 32]>> {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = keys.as_ref().filter(|known| Arc::ptr_eq(&known.rules, rules)) {
            return known.hashes.clone();
        }
        let hashes = Arc::new(self.read_tokens(rules));
        *keys = Some(Keys {
            rules: rules.clone(),
            hashes: hashes.clone(),
        });
        hashes
    }

    fn read_tokens(&self, rules: &Rules) -> BTreeMap<String, [u8; 32]> {
        let mut hashes: BTreeMap<String, [u8; 32]> = BTreeMap::new();
        let mut shared = Vec::new();
        for person in rules.people.persons() {
            let Some(reference) = person.console() else { continue };
            match self.secrets.resolve(reference) {
                Ok(token) => {
                    if token.expose_secret().len() < SHORT {
                        tracing::warn!(
                            person = person.name,
                            "this console token is so short that it can be guessed: make one of {SHORT} characters or more"
                        );
                    }
                    let hash: [u8; 32] = Sha256::digest(token.expose_secret().as_bytes()).into();
                    if let Some((other, _)) = hashes.iter().find(|(_, known)| **known == hash) {
                        tracing::error!(
                            person = person.name,
                            other,
                            "two people have the same console token: neither can sign in"
                        );
                        shared.push(hash);
                    }
                    hashes.insert(person.name.clone(), hash);
                }
                Err(error) => tracing::warn!(person = person.name, %error, "cannot sign in to the console"),
            }
        }
        hashes.retain(|_, hash| !shared.contains(hash));
        hashes
    }

    /// Whose token this is. Every token is compared, whether one fits or not.
    pub(super) fn whose(&self, rules: &Arc<Rules>, token: &str) -> Option<String> {
        let given: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        let mut whose = None;
        for (person, hash) in self.hashes(rules).iter() {
            if bool::from(hash.ct_eq(&given)) {
                whose = Some(person.clone());
            }
        }
        whose
    }

    /// Makes a session for somebody who has proved to be that person, or in demo mode was picked.
    pub(super) fn open(&self, rules: &Arc<Rules>, person: &str, now: Timestamp) -> Option<Opened> {
        let secret = hex::encode(rand::random::<[u8; 32]>());
        let session = Session {
            id: uuid::Uuid::new_v4().simple().to_string(),
            person: person.to_owned(),
            proof: self.proof(rules, &secret, person)?,
            seen: now,
            expires: now + self.life,
        };
        let flags = if self.secure { "; Secure" } else { "" };
        Some(Opened {
            cookie: format!(
                "{}={secret}; Path=/; HttpOnly; SameSite=Lax; Max-Age={}{flags}",
                self.cookie,
                self.life.as_secs()
            ),
            hash: hash("session", &secret),
            session,
        })
    }

    /// The cookie that takes a cookie away.
    pub(super) fn forget(&self) -> String {
        let flags = if self.secure { "; Secure" } else { "" };
        format!("{}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0{flags}", self.cookie)
    }

    /// The secret in a `Cookie` header.
    pub(super) fn secret<'h>(&self, cookies: &'h str) -> Option<&'h str> {
        cookies.split(';').find_map(|pair| {
            let (name, value) = pair.trim().split_once('=')?;
            (name == self.cookie && value.len() == 64).then_some(value)
        })
    }

    /// Whether a stored session is still that of its person's token.
    pub(super) fn proves(&self, rules: &Arc<Rules>, secret: &str, session: &Session) -> bool {
        self.proof(rules, secret, &session.person)
            .is_some_and(|proof| bool::from(proof.as_bytes().ct_eq(session.proof.as_bytes())))
    }

    /// Binds a session to the token that opened it. None for whoever could not sign in now.
    fn proof(&self, rules: &Arc<Rules>, secret: &str, person: &str) -> Option<String> {
        if self.demo {
            return rules.people.person(person).map(|_| "picked".to_owned());
        }
        let token = *self.hashes(rules).get(person)?;
        let mut proof = Sha256::new();
        proof.update(secret.as_bytes());
        proof.update(token);
        Some(hex::encode(proof.finalize()))
    }
}

/// Different uses of one secret have nothing in common.
pub(super) fn hash(purpose: &str, secret: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(purpose.as_bytes());
    hash.update(b":");
    hash.update(secret.as_bytes());
    hex::encode(hash.finalize())
}
