//! What looks like a secret: tokens of well-known shape, and values that stand where a secret stands.

use regex::Regex;
use std::ops::Range;

/// The group called `s` is the secret, and what stands around it stays readable.
/// Letters are spelled out in classes: `\w` would hold all the letters of the world, which is slow and not meant.
const PATTERNS: &[&str] = &[
    // Tokens of Slack, Stripe, GitHub, Amazon, Discord, and signed web tokens.
    r"(?<s>(?-u:\b)(?:xox[a-z](?:\.xox[a-z])?|xapp|xwfp)-[A-Za-z0-9-]{6,})",
    r"(?<s>(?-u:\b)(?:[srp]k_(?:live|test)|whsec)_[A-Za-z0-9]{6,})",
    r"(?<s>(?-u:\b)(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}))",
    r"(?<s>(?-u:\b)(?:AKIA|ASIA)[0-9A-Z]{16}(?-u:\b))",
    r"(?<s>(?-u:\b)[MNO][A-Za-z0-9_-]{23,27}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,})",
    r"(?<s>(?-u:\b)eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?)",
    // Addresses that are keys: whoever knows them may post.
    r"(?i)hooks\.slack\.com/[A-Za-z0-9_]+/(?<s>[^\s\x22'<>]+)",
    r"(?i)discord(?:app)?\.com/api/(?:v[0-9]+/)?(?:webhooks|interactions)/[0-9]+/(?<s>[^\s\x22'<>/?]+)",
    // Headers and URLs.
    r"(?i)(?-u:\b)bearer\s+(?<s>[A-Za-z0-9_.~+/=-]{16,})",
    r"(?i)(?-u:\b)authorization\x22?\s*[:=]\s*\x22?(?:(?:basic|bearer|key|bot|token|geniekey)\s+)?(?:token=)?(?<s>[^\s\x22',]+)",
    r"(?i)(?-u:\b)[a-z][a-z0-9+.-]*://[^\s/:@\x22]*:(?<s>[^\s/\x22]+)@",
    // Values by their name: `password=...`, `\"api_key\": \"...\"`.
    r"(?i)(?:password|passwd|secret|token|api_?key|private_?key|access_?key)=(?<s>[^\s&\x22',;]+)",
    r"(?i)\x22(?:[A-Za-z0-9_]*password|passwd|[A-Za-z0-9_]*secret|[A-Za-z0-9_]*token|[A-Za-z0-9_]*api_?key|private_?key|access_?key)\x22\s*:\s*\x22(?<s>(?:[^\x22\\]|\\.)+)\x22",
    r"(?s)(?<s>-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\z))",
];

#[derive(Clone)]
pub(super) struct Patterns(Vec<Regex>);

impl Patterns {
    pub(super) fn new() -> Result<Self, regex::Error> {
        Ok(Self(
            PATTERNS
                .iter()
                .map(|pattern| Regex::new(pattern))
                .collect::<Result<_, _>>()?,
        ))
    }

    pub(super) fn find(&self, text: &str) -> Vec<Range<usize>> {
        let all = self.0.iter().flat_map(|pattern| pattern.captures_iter(text));
        all.filter_map(|found| found.name("s").map(|secret| secret.range()))
            .collect()
    }
}

/// Whether a field of that name holds a secret: `password`, `bot_token`, `api_key`.
pub(super) fn names_a_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    let endings = [
        "password",
        "passwd",
        "secret",
        "token",
        "api_key",
        "apikey",
        "private_key",
        "access_key",
    ];
    endings.iter().any(|ending| key.ends_with(ending)) || key == "authorization"
}
