//! What looks like a secret: tokens of well-known shape, and values that stand where a secret stands.

use regex::Regex;
use std::ops::Range;

/// The group called `s` is the secret, and what stands around it stays readable.
const PATTERNS: &[&str] = &[
    // Tokens of Slack, Stripe, GitHub, Amazon, Discord, and signed web tokens.
    r"(?<s>\b(?:xox[a-z](?:\.xox[a-z])?|xapp|xwfp)-[A-Za-z0-9-]{6,})",
    r"(?<s>\b(?:[srp]k_(?:live|test)|whsec)_[A-Za-z0-9]{6,})",
    r"(?<s>\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}))",
    r"(?<s>\b(?:AKIA|ASIA)[0-9A-Z]{16}\b)",
    r"(?<s>\b[MNO][\w-]{23,27}\.[\w-]{6}\.[\w-]{27,})",
    r"(?<s>\beyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?)",
    // Addresses that are keys: whoever knows them may post.
    r"(?i)hooks\.slack\.com/\w+/(?<s>[^\s\x22'<>]+)",
    r"(?i)discord(?:app)?\.com/api/(?:v\d+/)?(?:webhooks|interactions)/\d+/(?<s>[^\s\x22'<>/?]+)",
    // Headers and URLs.
    r"(?i)\bbearer\s+(?<s>[\w.~+/=-]{16,})",
    r"(?i)\bauthorization\x22?\s*[:=]\s*\x22?(?:(?:basic|bearer|key|bot|token|geniekey)\s+)?(?:token=)?(?<s>[^\s\x22',]+)",
    r"(?i)\b[a-z][a-z0-9+.-]*://[^\s/:@\x22]*:(?<s>[^\s/\x22]+)@",
    // Values by their name: `password=...`, `\"api_key\": \"...\"`.
    r"(?i)(?:password|passwd|secret|token|api_?key|private_?key|access_?key)=(?<s>[^\s&\x22',;]+)",
    r"(?i)\x22(?:\w*password|passwd|\w*secret|\w*token|\w*api_?key|private_?key|access_?key)\x22\s*:\s*\x22(?<s>(?:[^\x22\\]|\\.)+)\x22",
    r"(?s)(?<s>-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\z))",
];

#[derive(Clone)]
pub(super) struct Patterns(Vec<Regex>);

impl Patterns {
    pub(super) fn new() -> Result<Self, regex::Error> {
        Ok(Self(PATTERNS.iter().map(|pattern| Regex::new(pattern)).collect::<Result<_, _>>()?))
    }

    pub(super) fn find(&self, text: &str) -> Vec<Range<usize>> {
        let all = self.0.iter().flat_map(|pattern| pattern.captures_iter(text));
        all.filter_map(|found| found.name("s").map(|secret| secret.range())).collect()
    }
}

/// Whether a field of that name holds a secret: `password`, `bot_token`, `api_key`.
pub(super) fn names_a_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    let endings = ["password", "passwd", "secret", "token", "api_key", "apikey", "private_key", "access_key"];
    endings.iter().any(|ending| key.ends_with(ending)) || key == "authorization"
}
