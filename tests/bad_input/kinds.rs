//! Each kind of input reads each value as the documentation says, and no other way.

use super::parsers::assert_harmless;
use super::parsers::slack::EVERY;
use super::values::{MANY, SINGLE, brief, hostile};
use regex::Regex;
use serde_json::{Value, json};
use signalbox::request::Words;
use signalbox::runbook::input::interpret;

/// What a value of a kind is read as. Written from what people are told, not from the code.
pub fn documented(kind: &str, text: &str) -> Option<Value> {
    let is = |pattern: &str| Regex::new(&format!("^(?:{pattern})$")).unwrap().is_match(text);
    let is_unseen = |c: char| {
        c.is_control()
            || "\u{ad}\u{61c}\u{180e}\u{200b}\u{200e}\u{200f}\u{2028}\u{2029}\u{feff}".contains(c)
            || ('\u{202a}'..='\u{202e}').contains(&c)
            || ('\u{2060}'..='\u{206f}').contains(&c)
            || ('\u{e0000}'..='\u{e007f}').contains(&c)
    };
    if text.chars().any(is_unseen) {
        return None;
    }
    match kind {
        "text" => (text.chars().count() <= 200).then(|| json!(text)),
        "row" => (1..=200).contains(&text.chars().count()).then(|| json!(text)),
        "integer" if is("[+-]?[0-9]+") => text.parse::<i64>().ok().map(Value::from),
        "decimal" if is("[+-]?[0-9]{1,18}([.][0-9]{1,9})?") => {
            let digits = Regex::new("^([+-]?)0*([0-9].*)$").unwrap();
            let found = digits.captures(text).unwrap();
            let is_zero = !text.contains(|c: char| ('1'..='9').contains(&c));
            let sign = if &found[1] == "-" && !is_zero { "-" } else { "" };
            Some(json!(format!("{sign}{}", &found[2])))
        }
        "boolean" => match text.to_lowercase().as_str() {
            "yes" | "true" | "on" => Some(json!(true)),
            "no" | "false" | "off" => Some(json!(false)),
            _ => None,
        },
        "duration" if is("([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?") && !text.is_empty() => {
            let parts = Regex::new("([0-9]+)([dhms])").unwrap();
            let seconds = parts.captures_iter(text).try_fold(0_i64, |sum, part| {
                let unit = match &part[2] {
                    "d" => 86_400,
                    "h" => 3600,
                    "m" => 60,
                    _ => 1,
                };
                sum.checked_add(part[1].parse::<i64>().ok()?.checked_mul(unit)?)
            });
            // A hundred years, beyond which nobody waits and clocks overflow.
            seconds.filter(|it| *it <= 3_155_760_000).map(Value::from)
        }
        "choice" => ["red", "dark blue"].contains(&text).then(|| json!(text)),
        _ => None,
    }
}

fn assert_told(name: &str, value: &str, problems: &[String]) {
    let what = format!("{name}={}", brief(value));
    assert!(!problems.is_empty() && problems.len() <= 11, "{what}: {problems:?}");
    for problem in problems.iter().take(10) {
        assert!(problem.contains(&format!("`{name}`")), "{what} is not named: {problem}");
        assert!(problem.len() < 500, "{what}: {} bytes are told", problem.len());
    }
    assert_harmless(&problems.join(" "));
}

#[test]
fn a_named_value_is_read_as_documented_or_refused_by_name() {
    for value in hostile() {
        for kind in SINGLE {
            let words = Words::Named(vec![(kind.to_owned(), value.clone())]);
            let read = interpret(&EVERY, &words);
            // A form sends its empty fields too.
            let wanted = if value.trim().is_empty() {
                Some(Value::Null)
            } else {
                documented(kind, &value)
            };
            match (wanted, read) {
                (Some(wanted), Ok(inputs)) => assert_eq!(inputs.values[kind], wanted, "{kind}={}", brief(&value)),
                (None, Err(problems)) => assert_told(kind, &value, &problems),
                (wanted, read) => panic!("{kind}={}: {read:?} instead of {wanted:?}", brief(&value)),
            }
        }
    }
}

#[test]
fn a_value_in_quotes_is_read_the_same_in_a_line() {
    for value in hostile() {
        // The line's own limit, and what the quotes need, are told otherwise.
        if value.len() > 8000 || value.contains(['"', '\\', '\u{201C}', '\u{201D}']) {
            continue;
        }
        for kind in SINGLE {
            let words = Words::Line(format!("{kind}=\"{value}\""));
            match (documented(kind, &value), interpret(&EVERY, &words)) {
                (Some(wanted), Ok(inputs)) => {
                    assert_eq!(inputs.values[kind], wanted, "{kind}={}", brief(&value));
                    assert!(!inputs.dry, "{kind}={}", brief(&value));
                }
                (None, Err(problems)) => assert_told(kind, &value, &problems),
                (wanted, read) => panic!("{kind}={}: {read:?} instead of {wanted:?}", brief(&value)),
            }
        }
    }
}

#[test]
fn a_list_is_read_item_by_item_or_refused_whole() {
    for value in hostile() {
        let is_plain = !value.contains(|c: char| c == ',' || c == '\\' || "\"'“”„‘’‚".contains(c));
        for (name, kind) in MANY.into_iter().zip(SINGLE) {
            let words = Words::Named(vec![(name.to_owned(), value.clone())]);
            let read = interpret(&EVERY, &words);
            let wanted = match value.trim() {
                "" => Some(json!([])),
                item if is_plain => documented(kind, item).map(|it| json!([it])),
                _ => match read {
                    Ok(inputs) => {
                        let items = inputs.values[name].as_array().unwrap();
                        assert!(items.len() <= 50, "{name}={}", brief(&value));
                        continue;
                    }
                    Err(problems) => {
                        assert_told(name, &value, &problems);
                        continue;
                    }
                },
            };
            match (wanted, read) {
                (Some(wanted), Ok(inputs)) => assert_eq!(inputs.values[name], wanted, "{name}={}", brief(&value)),
                (None, Err(problems)) => assert_told(name, &value, &problems),
                (wanted, read) => panic!("{name}={}: {read:?} instead of {wanted:?}", brief(&value)),
            }
        }
    }
}
