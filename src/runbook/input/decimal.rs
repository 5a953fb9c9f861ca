//! Decimal numbers, exact: never a binary fraction.

use std::fmt;

const DIGITS_BEFORE: usize = 18;
const DIGITS_AFTER: usize = 9;

/// A decimal number as it was written, and comparable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decimal {
    text: String,
    // In units of 10^-9: exact for every number that is let in.
    scaled: i128,
}

impl Decimal {
    /// Reads digits with an optional sign and point; no exponent, no separators.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || "not a decimal number, such as 84.50".to_owned();
        let negative = text.starts_with('-');
        let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
        let (whole, fraction) = match unsigned.split_once('.') {
            Some((whole, fraction)) if !fraction.is_empty() => (whole, fraction),
            Some(_) => return Err(wrong()),
            None => (unsigned, ""),
        };
        if whole.is_empty() || !whole.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit()) {
            return Err(wrong());
        }
        let whole = match whole.trim_start_matches('0') {
            "" => "0",
            digits => digits,
        };
        if whole.len() > DIGITS_BEFORE || fraction.len() > DIGITS_AFTER {
            return Err(format!(
                "too long: {DIGITS_BEFORE} digits before the point and {DIGITS_AFTER} after it are the most"
            ));
        }
        let magnitude: i128 = format!("{whole}{fraction:0<DIGITS_AFTER$}")
            .parse()
            .map_err(|_| wrong())?;
        let scaled = if negative { -magnitude } else { magnitude };
        let sign = if scaled < 0 { "-" } else { "" };
        let point = if fraction.is_empty() { "" } else { "." };
        Ok(Self {
            text: format!("{sign}{whole}{point}{fraction}"),
            scaled,
        })
    }

    /// As it was written, without needless zeros before it.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.scaled.cmp(&other.scaled))
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
