//! Durations as people write them: `90s`, `5m`, `1h30m`, `2d`.

use std::time::Duration;

/// A hundred years; nobody waits longer, and a clock cannot count on.
const MOST: u64 = 36_525 * 86_400;

/// Reads a duration; an error says how to write one.
pub fn parse(text: &str) -> Result<Duration, String> {
    let wrong =
        || "not a duration: write a whole number with s, m, h or d, such as \"90s\", \"5m\" or \"1h30m\"".to_owned();
    let mut seconds: u64 = 0;
    let mut number: Option<u64> = None;
    let mut last = u64::MAX;
    for c in text.chars() {
        if let Some(digit) = c.to_digit(10) {
            let more = number
                .unwrap_or(0)
                .checked_mul(10)
                .and_then(|it| it.checked_add(u64::from(digit)));
            number = Some(more.ok_or_else(wrong)?);
            continue;
        }
        let unit = match c {
            's' => 1,
            'm' => 60,
            'h' => 3600,
            'd' => 86_400,
            _ => return Err(wrong()),
        };
        // Larger units first, each once: anything else is more likely a slip than a wish.
        if unit >= last {
            return Err(wrong());
        }
        last = unit;
        let part = number.take().and_then(|it| it.checked_mul(unit)).ok_or_else(wrong)?;
        seconds = seconds.checked_add(part).ok_or_else(wrong)?;
    }
    if number.is_some() || last == u64::MAX {
        return Err(wrong());
    }
    if seconds > MOST {
        return Err("too long: 36525d is the most".to_owned());
    }
    Ok(Duration::from_secs(seconds))
}

/// Writes whole seconds the way [`parse`] reads them.
pub fn show(duration: Duration) -> String {
    let mut left = duration.as_secs();
    if left == 0 {
        return "0s".to_owned();
    }
    let mut text = String::new();
    for (unit, name) in [(86_400, 'd'), (3600, 'h'), (60, 'm'), (1, 's')] {
        if left >= unit {
            text.push_str(&format!("{}{name}", left / unit));
            left %= unit;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{parse, show};
    use proptest::prelude::*;

    #[test]
    fn what_is_no_duration_is_refused() {
        for text in [
            "",
            "5",
            "m",
            "5x",
            "5m5m",
            "5s1m",
            "-5m",
            "5 m",
            "1.5h",
            "99999999999999999999s",
            "٣s",
        ] {
            assert!(parse(text).is_err(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn shown_durations_read_back(seconds in 0u64..10_000_000) {
            let duration = std::time::Duration::from_secs(seconds);
            prop_assert_eq!(parse(&show(duration)), Ok(duration));
        }
    }
}
