//! What an alert's rule watches: the expression out of `generatorURL`, and where it is a plain comparison with a number,
//! the two sides of it. Anything else is drawn as it stands.

use std::borrow::Cow;

/// What is drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct Watched {
    /// PromQL whose value is compared, or the whole expression.
    pub expression: String,
    /// The number that it is compared with.
    pub threshold: Option<f64>,
}

/// The longest expression that is asked for.
const LONGEST: usize = 6_000;

const OPERATORS: [&str; 6] = ["==", "!=", ">=", "<=", ">", "<"];

/// The expression that the page of a rule shows: Prometheus gives it as `g0.expr`.
pub fn of_generator(url: &str) -> Option<String> {
    let (_, query) = url.split_once('?')?;
    let query = query.split('#').next()?;
    let value = query.split('&').find_map(|pair| pair.strip_prefix("g0.expr="))?;
    let expression = decoded(value)?;
    let expression = expression.trim();
    (!expression.is_empty() && expression.len() <= LONGEST).then(|| expression.to_owned())
}

/// What is to be drawn of an expression.
pub fn watched(expression: &str) -> Watched {
    compared(expression).unwrap_or_else(|| Watched {
        expression: expression.trim().to_owned(),
        threshold: None,
    })
}

/// `expr > number` or `number < expr`, with nothing else around it.
fn compared(expression: &str) -> Option<Watched> {
    let bare = top_level(expression)?;
    // `a > 1 and b` compares more than one thing.
    let words = bare.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    if words
        .into_iter()
        .any(|word| matches!(word.to_ascii_lowercase().as_str(), "and" | "or" | "unless"))
    {
        return None;
    }
    let found: Vec<(usize, &str)> = operators(&bare);
    let [(at, operator)] = found.as_slice() else {
        return None;
    };
    let (left, right) = (expression[..*at].trim(), expression[at + operator.len()..].trim());
    let right = right
        .strip_prefix("bool")
        .filter(|rest| !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_'))
        .unwrap_or(right)
        .trim();
    let watched = |expression: &str, threshold| {
        (!expression.is_empty()).then(|| Watched {
            expression: expression.to_owned(),
            threshold: Some(threshold),
        })
    };
    match (number(left), number(right)) {
        (None, Some(threshold)) => watched(left, threshold),
        (Some(threshold), None) => watched(right, threshold),
        _ => None,
    }
}

/// The expression with everything in brackets, quotes and comments made blank, byte for byte; none where it does not close.
fn top_level(expression: &str) -> Option<String> {
    let mut bare = String::with_capacity(expression.len());
    let mut depth = 0_i32;
    let mut quote: Option<char> = None;
    let mut escaped = false;
    let mut comment = false;
    for c in expression.chars() {
        let blank = comment || quote.is_some() || depth > 0;
        match (quote, c) {
            _ if comment => comment = c != '\n',
            (Some(_), '\\') if !escaped && quote != Some('`') => {
                escaped = true;
                push_blank(&mut bare, c);
                continue;
            }
            (Some(open), c) if c == open && !escaped => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'' | '`') => quote = Some(c),
            (None, '#') => comment = true,
            (None, '(' | '[' | '{') => depth += 1,
            (None, ')' | ']' | '}') => depth -= 1,
            _ => {}
        }
        escaped = false;
        if blank || quote.is_some() || comment || depth > 0 {
            push_blank(&mut bare, c);
        } else {
            bare.push(c);
        }
    }
    (depth == 0 && quote.is_none()).then_some(bare)
}

fn push_blank(bare: &mut String, c: char) {
    bare.extend(std::iter::repeat_n(' ', c.len_utf8()));
}

fn operators(bare: &str) -> Vec<(usize, &'static str)> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < bare.len() {
        let rest = &bare.as_bytes()[at..];
        match OPERATORS.iter().find(|operator| rest.starts_with(operator.as_bytes())) {
            Some(operator) => {
                found.push((at, *operator));
                at += operator.len();
            }
            None => at += 1,
        }
    }
    found
}

/// A number as PromQL writes it, in brackets or not.
fn number(text: &str) -> Option<f64> {
    let text = text.trim();
    if let Some(inner) = text.strip_prefix('(').and_then(|text| text.strip_suffix(')')) {
        return number(inner);
    }
    let begins = text.trim_start_matches(['+', '-']);
    if !begins.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return None;
    }
    text.replace('_', "")
        .parse()
        .ok()
        .filter(|number: &f64| number.is_finite())
}

/// A value of a query string.
fn decoded(value: &str) -> Option<String> {
    let value: Cow<'_, str> = if value.contains('+') {
        value.replace('+', " ").into()
    } else {
        value.into()
    };
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let [first, after @ ..] = rest {
        if *first == b'%' {
            let digits = std::str::from_utf8(after.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = &after[2..];
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_comparison_with_a_number_gives_its_two_sides() {
        let cases: [(&str, &str, Option<f64>); 16] = [
            ("up == 0", "up", Some(0.0)),
            (
                "sum(rate(x_total{status=~\"5..\"}[5m])) > 0.05",
                "sum(rate(x_total{status=~\"5..\"}[5m]))",
                Some(0.05),
            ),
            ("queue_length >= 1e3", "queue_length", Some(1000.0)),
            ("queue_length > bool 10", "queue_length", Some(10.0)),
            ("5 < queue_length", "queue_length", Some(5.0)),
            ("a / b > (0.5)", "a / b", Some(0.5)),
            ("x{a=\"b > 3\"} < -2", "x{a=\"b > 3\"}", Some(-2.0)),
            ("(a > 1) > 2", "(a > 1)", Some(2.0)),
            ("bool_metric > 1", "bool_metric", Some(1.0)),
            // Not of that form: drawn whole.
            ("a > b", "a > b", None),
            ("a > 1 and b < 2", "a > 1 and b < 2", None),
            ("a > 1 AND on(job) b", "a > 1 AND on(job) b", None),
            ("absent(up)", "absent(up)", None),
            ("1 > 0", "1 > 0", None),
            ("a > 1 > 0", "a > 1 > 0", None),
            ("(a > 1", "(a > 1", None),
        ];
        for (expression, drawn, threshold) in cases {
            let expected = Watched {
                expression: drawn.to_owned(),
                threshold,
            };
            assert_eq!(watched(expression), expected, "{expression}");
        }
    }

    #[test]
    fn the_expression_is_read_out_of_the_address() {
        for (url, expression) in [
            ("http://p:9090/graph?g0.expr=up+%3D%3D+0&g0.tab=1", Some("up == 0")),
            (
                "http://p/graph?g0.tab=1&g0.expr=x%7Ba%3D%22%C3%A9%22%7D+%3E+1#top",
                Some("x{a=\"é\"} > 1"),
            ),
            ("http://p/graph?g0.expr=", None),
            ("http://p/graph?g0.expr=%zz", None),
            ("http://p/graph?g0.expr=%F", None),
            ("http://p/alerting/grafana/view", None),
            ("", None),
        ] {
            assert_eq!(of_generator(url).as_deref(), expression, "{url}");
        }
    }

    proptest! {
        #[test]
        fn no_text_breaks_it_and_nothing_is_invented(text in "(and|or|[a-z]{1,4}|[0-9.]{1,3}|[<>=!(){}\\[\\]\"'`#\\\\ é\n]){0,24}") {
            let watched = watched(&text);
            prop_assert!(text.contains(&watched.expression));
            prop_assert!(watched.threshold.is_none() || watched.expression.len() < text.len());
            let _ = of_generator(&format!("http://p/graph?g0.expr={text}"));
        }
    }
}
