//! The spellings of a secret: as it is, in a URL, in JSON, in Base64, and the password inside of a URL.

use super::SHORTEST;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use std::collections::BTreeSet;

/// Patterns for every text in which the secret could be read, none of them too short to look for; the longest first, so
/// that at one place the longest is found and no end of it stays behind.
pub(super) fn spellings<'s>(secrets: impl Iterator<Item = &'s str>) -> Vec<String> {
    let mut found = BTreeSet::new();
    for secret in secrets {
        spell_all(secret, &mut found);
    }
    found.into_iter().rev().map(|spelling| spelling.pattern).collect()
}

/// Ordered by length.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Spelling {
    letters: usize,
    pattern: String,
}

fn spell_all(secret: &str, found: &mut BTreeSet<Spelling>) {
    // A file's secret ends with a line break that is not part of it.
    for secret in [secret, secret.trim()] {
        spell(secret, found);
        if let Some(password) = password(secret) {
            spell(password, found);
            spell(&percent_decoded(password), found);
        }
    }
}

fn spell(secret: &str, found: &mut BTreeSet<Spelling>) {
    let letters = secret.chars().count();
    if letters < SHORTEST {
        return;
    }
    found.insert(Spelling {
        letters,
        pattern: in_urls(secret),
    });
    let mut literals = vec![
        secret.escape_debug().to_string(),
        secret
            .replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;")
            .replace('"', "&quot;"),
    ];
    // Text as JSON stands between two quotes.
    literals.extend(
        serde_json::to_string(secret)
            .ok()
            .map(|json| json[1..json.len() - 1].to_owned()),
    );
    literals.extend((0..3).flat_map(|offset| base64_within(secret, offset)));
    literals.retain(|literal| literal != secret);
    found.extend(literals.iter().map(|literal| Spelling {
        letters: literal.chars().count(),
        pattern: regex::escape(literal),
    }));
}

/// The Base64 letters that a secret gives for certain when it stands `offset` bytes into what is encoded, as in the
/// `user:password` of a header: those that depend on the bytes before or behind it are left out.
fn base64_within(secret: &str, offset: usize) -> [String; 2] {
    let bytes: Vec<u8> = std::iter::repeat_n(0, offset).chain(secret.bytes()).collect();
    let first = (offset * 8).div_ceil(6);
    let last = bytes.len() * 8 / 6;
    [STANDARD_NO_PAD.encode(&bytes), URL_SAFE_NO_PAD.encode(&bytes)].map(|text| text[first..last].to_owned())
}

/// A pattern for the text as it is and in any way that URLs and forms escape it, however few or many letters are escaped.
fn in_urls(secret: &str) -> String {
    secret.chars().fold(String::new(), |mut pattern, letter| {
        let mut bytes = [0; 4];
        let escaped: String = letter
            .encode_utf8(&mut bytes)
            .bytes()
            .map(|byte| format!("%{byte:02x}"))
            .collect();
        let plain = regex::escape(&letter.to_string());
        let plus = if letter == ' ' { r"|\+" } else { "" };
        pattern.push_str(&format!("(?:{plain}|(?i:{escaped}){plus})"));
        pattern
    })
}

/// The password of `scheme://user:password@host`.
fn password(secret: &str) -> Option<&str> {
    let (_, rest) = secret.split_once("://")?;
    let (user_info, _) = rest.rsplit_once('@')?;
    let (_, password) = user_info.split_once(':')?;
    Some(password)
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let escaped = (*first == b'%')
            .then(|| tail.get(..2))
            .flatten()
            .and_then(|digits| hex::decode(digits).ok());
        match escaped {
            Some(byte) => {
                bytes.extend(byte);
                rest = &tail[2..];
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
