//! The spellings of a secret: as it is, in a URL, in JSON, in Base64, and the password inside of a URL.

use super::SHORTEST;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// Every text in which the secret could be read, none of them too short to look for.
pub(super) fn spellings(secret: &str) -> Vec<String> {
    let mut found = Vec::new();
    // A file's secret ends with a line break that is not part of it.
    for secret in [secret, secret.trim()] {
        spell(secret, &mut found);
        if let Some(password) = password(secret) {
            spell(password, &mut found);
            spell(&percent_decoded(password), &mut found);
        }
    }
    found.retain(|spelling| spelling.chars().count() >= SHORTEST);
    found
}

fn spell(secret: &str, found: &mut Vec<String>) {
    if secret.chars().count() < SHORTEST {
        return;
    }
    found.push(secret.to_owned());
    found.extend(percent_encoded(secret));
    found.push(secret.escape_debug().to_string());
    found.push(secret.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;"));
    if let Ok(json) = serde_json::to_string(secret) {
        found.push(json.trim_matches('"').to_owned());
        found.push(json[1..json.len() - 1].to_owned());
    }
    for offset in 0..3 {
        found.extend(base64_within(secret, offset));
    }
}

/// The Base64 letters that a secret gives for certain when it stands `offset` bytes into what is encoded, as in the
/// `user:password` of a header: those that depend on the bytes before or behind it are left out.
fn base64_within(secret: &str, offset: usize) -> [String; 2] {
    let bytes: Vec<u8> = std::iter::repeat_n(0, offset).chain(secret.bytes()).collect();
    let first = (offset * 8).div_ceil(6);
    let last = bytes.len() * 8 / 6;
    [STANDARD_NO_PAD.encode(&bytes), URL_SAFE_NO_PAD.encode(&bytes)].map(|text| text[first..last].to_owned())
}

/// With capital and small hex digits, with every special letter or only some of them, and with `+` for a space.
fn percent_encoded(secret: &str) -> Vec<String> {
    let encode = |keep: &[u8], upper: bool| {
        secret.bytes().fold(String::new(), |mut text, byte| {
            if byte.is_ascii_alphanumeric() || keep.contains(&byte) {
                text.push(char::from(byte));
            } else if upper {
                text.push_str(&format!("%{byte:02X}"));
            } else {
                text.push_str(&format!("%{byte:02x}"));
            }
            text
        })
    };
    let mut found = Vec::new();
    // What encoders leave as it is: RFC 3986, JavaScript's encodeURIComponent, Python's quote, forms, user info, none.
    for keep in ["-._~", "-._~!*'()", "-._~/", "-._*", "-._~!$&'()*+,;=", ""] {
        for upper in [true, false] {
            let text = encode(keep.as_bytes(), upper);
            found.push(text.replace("%20", "+"));
            found.push(text);
        }
    }
    found
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
        let escaped = (*first == b'%').then(|| tail.get(..2)).flatten().and_then(|digits| hex::decode(digits).ok());
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
