//! Secrets stand in no file of ours: a file says where one is kept, and one place looks there.

use secrecy::{ExposeSecret, SecretString};
use std::fmt;
use std::path::{Path, PathBuf};

/// Where a secret is kept, and which key wants it. Checked for form; whether the secret is there is asked later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretRef {
    key: String,
    kept: Kept,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kept {
    Environment(String),
    File(PathBuf),
}

/// Why a text is no secret reference. Never repeats the text: it may be the secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SecretFormError {
    /// Neither `env:` nor `file:`.
    #[error(
        "`{key}` seems to hold the secret itself; keep it in an environment variable or a file and write \
         \"env:NAME\" or \"file:PATH\" here"
    )]
    Literal {
        /// The key.
        key: String,
    },
    /// `env:` without a usable name.
    #[error("`{key}` must name an environment variable after `env:`, made of letters, digits and `_`")]
    Name {
        /// The key.
        key: String,
    },
    /// `file:` without a path.
    #[error("`{key}` must name a file after `file:`")]
    Path {
        /// The key.
        key: String,
    },
}

impl SecretRef {
    /// Reads `env:NAME` or `file:PATH`; a path is relative to `base`.
    pub fn parse(key: String, text: &str, base: &Path) -> Result<Self, SecretFormError> {
        if let Some(name) = text.strip_prefix("env:") {
            let letters = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
            if name.is_empty() || !letters || name.starts_with(|c: char| c.is_ascii_digit()) {
                return Err(SecretFormError::Name { key });
            }
            return Ok(Self {
                key,
                kept: Kept::Environment(name.to_owned()),
            });
        }
        match text.strip_prefix("file:") {
            Some("") => Err(SecretFormError::Path { key }),
            Some(path) => Ok(Self {
                key,
                kept: Kept::File(base.join(path)),
            }),
            None => Err(SecretFormError::Literal { key }),
        }
    }

    /// The key that wants the secret, `slack.bot_token`.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Whether both are kept in the same place, and so are the same secret.
    pub fn same_place(&self, other: &Self) -> bool {
        self.kept == other.kept
    }
}

impl fmt::Display for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kept {
            Kept::Environment(name) => write!(f, "env:{name}"),
            Kept::File(path) => write!(f, "file:{}", path.display()),
        }
    }
}

/// A secret that is not where it should be.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// No such variable, or an empty one.
    #[error("the environment variable {name} is not set; `{key}` wants it")]
    NotSet {
        /// The variable.
        name: String,
        /// The key that wants it.
        key: String,
    },
    /// The file cannot be read.
    #[error("the secret file {} cannot be read ({error}); `{key}` wants it", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The key that wants it.
        key: String,
        /// Why.
        error: std::io::Error,
    },
    /// The file is empty.
    #[error("the secret file {} is empty; `{key}` wants a secret in it", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
        /// The key that wants it.
        key: String,
    },
}

/// The one place that looks secrets up. The environment is handed in by the program's entry.
pub struct Secrets<F> {
    environment: F,
}

impl<F: Fn(&str) -> Option<String>> Secrets<F> {
    /// Looks variables up by this function.
    pub fn new(environment: F) -> Self {
        Self { environment }
    }

    /// The secret. A file's last line break is not part of it.
    pub fn resolve(&self, reference: &SecretRef) -> Result<SecretString, SecretError> {
        let key = reference.key.clone();
        match &reference.kept {
            Kept::Environment(name) => match (self.environment)(name) {
                Some(value) if !value.is_empty() => Ok(SecretString::from(value)),
                _ => Err(SecretError::NotSet {
                    name: name.clone(),
                    key,
                }),
            },
            Kept::File(path) => {
                let path = path.clone();
                let text = match std::fs::read_to_string(&path) {
                    Ok(text) => SecretString::from(text),
                    Err(error) => return Err(SecretError::Unreadable { path, key, error }),
                };
                let secret = text.expose_secret().trim_end_matches(['\r', '\n']);
                if secret.is_empty() {
                    return Err(SecretError::Empty { path, key });
                }
                Ok(SecretString::from(secret))
            }
        }
    }
}
