//! PromQL as a tree, as far as one must know it to say whether an expression can work: which series it selects, and what
//! is done to them. Prometheus itself judges whether an expression is well formed; here a reader may take a little more.

mod token;

#[cfg(test)]
mod tests;

use std::fmt;
use std::time::Duration;
use token::{Token, Tokens};

/// A part of an expression.
#[derive(Debug, Clone, PartialEq)]
pub enum Expression {
    /// `100`
    Number,
    /// `"text"`
    Text,
    /// Series, now or over a range.
    Selector(Selector),
    /// `expression[1h:5m]`
    Subquery(Box<Expression>),
    /// `-expression`
    Negated(Box<Expression>),
    /// `rate(...)`
    Call {
        /// Its name, as it is written.
        function: String,
        /// In order.
        arguments: Vec<Expression>,
    },
    /// `sum by (job) (...)`
    Aggregation {
        /// In lower case.
        operator: String,
        /// The labels of `by (...)`; empty for `without`, and where neither is there.
        by: Vec<String>,
        /// In order; what is aggregated is the last one.
        arguments: Vec<Expression>,
    },
    /// `left > right`
    Binary {
        /// In lower case.
        operator: String,
        /// Before it.
        left: Box<Expression>,
        /// After it.
        right: Box<Expression>,
    },
}

/// What selects series.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Selector {
    /// The metric, where it is named.
    pub metric: Option<String>,
    /// What stands in the braces.
    pub matchers: Vec<Matcher>,
    /// What stands in the brackets.
    pub range: Option<Duration>,
}

/// `label="value"`
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Matcher {
    /// The label's name.
    pub label: String,
    /// How it compares.
    pub comparison: Comparison,
    /// What it compares with.
    pub value: String,
}

/// How a matcher compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Comparison {
    /// `=`
    Is,
    /// `!=`
    IsNot,
    /// `=~`
    Fits,
    /// `!~`
    FitsNot,
}

/// Why an expression is not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unread {
    /// It is none.
    #[error("it cannot be read from `{0}` on")]
    At(String),
    /// It stops in the middle.
    #[error("it ends too early")]
    End,
    /// Nobody writes such a thing by hand.
    #[error("it is nested more than 60 deep")]
    Deep,
}

const DEEPEST: usize = 60;

const AGGREGATIONS: [&str; 14] = [
    "sum",
    "min",
    "max",
    "avg",
    "group",
    "stddev",
    "stdvar",
    "count",
    "count_values",
    "bottomk",
    "topk",
    "quantile",
    "limitk",
    "limit_ratio",
];

/// How tight the operators bind.
fn precedence(operator: &str) -> Option<u8> {
    Some(match operator {
        "or" => 1,
        "and" | "unless" => 2,
        "==" | "!=" | "<=" | "<" | ">=" | ">" => 3,
        "+" | "-" => 4,
        "*" | "/" | "%" | "atan2" => 5,
        "^" => 6,
        _ => return None,
    })
}

impl Expression {
    /// Reads an expression.
    pub fn parse(text: &str) -> Result<Self, Unread> {
        let mut reader = Reader {
            tokens: Tokens::of(text)?,
            depth: 0,
        };
        let expression = reader.binary(1)?;
        reader.tokens.end()?;
        Ok(expression)
    }

    /// Each part with those inside of it, from the outside.
    pub fn parts(&self) -> Vec<&Expression> {
        let mut found = vec![self];
        let mut at = 0;
        while let Some(part) = found.get(at).copied() {
            found.extend(part.inside());
            at += 1;
        }
        found
    }

    /// The parts directly inside.
    pub fn inside(&self) -> Vec<&Expression> {
        match self {
            Self::Number | Self::Text | Self::Selector(_) => Vec::new(),
            Self::Subquery(inner) | Self::Negated(inner) => vec![inner],
            Self::Call { arguments, .. } | Self::Aggregation { arguments, .. } => arguments.iter().collect(),
            Self::Binary { left, right, .. } => vec![left, right],
        }
    }

    /// Everything that selects series.
    pub fn selectors(&self) -> impl Iterator<Item = &Selector> {
        self.parts().into_iter().filter_map(|part| match part {
            Self::Selector(selector) => Some(selector),
            _ => None,
        })
    }
}

struct Reader<'t> {
    tokens: Tokens<'t>,
    depth: usize,
}

impl Reader<'_> {
    fn binary(&mut self, weakest: u8) -> Result<Expression, Unread> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(Unread::Deep);
        }
        let mut left = self.unary()?;
        while let Some((operator, strength)) = self.operator().filter(|(_, strength)| *strength >= weakest) {
            self.tokens.next()?;
            self.matching()?;
            // Only the power binds to the right.
            let right = self.binary(if operator == "^" { strength } else { strength + 1 })?;
            left = Expression::Binary {
                operator,
                left: Box::new(left),
                right: Box::new(right),
            };
        }
        self.depth -= 1;
        Ok(left)
    }

    fn operator(&self) -> Option<(String, u8)> {
        let operator = match self.tokens.peek()? {
            Token::Sign(sign) => (*sign).to_owned(),
            Token::Word(word) => word.to_ascii_lowercase(),
            _ => return None,
        };
        let strength = precedence(&operator)?;
        Some((operator, strength))
    }

    /// `bool on (job) group_left (team)`
    fn matching(&mut self) -> Result<(), Unread> {
        self.tokens.word("bool");
        for words in [["on", "ignoring"], ["group_left", "group_right"]] {
            if words.iter().any(|word| self.tokens.word(word)) && self.tokens.peek() == Some(&Token::Sign("(")) {
                self.labels()?;
            }
        }
        Ok(())
    }

    fn labels(&mut self) -> Result<Vec<String>, Unread> {
        self.tokens.sign("(")?;
        let mut labels = Vec::new();
        while !self.tokens.takes(")") {
            labels.push(match self.tokens.next()? {
                Token::Word(word) => word.to_owned(),
                Token::Text(text) => text,
                other => return Err(Unread::At(other.to_string())),
            });
            if !self.tokens.takes(",") {
                self.tokens.sign(")")?;
                break;
            }
        }
        Ok(labels)
    }

    fn unary(&mut self) -> Result<Expression, Unread> {
        if self.tokens.takes("-") {
            // As tight as a multiplication, so that the power comes first.
            return Ok(Expression::Negated(Box::new(self.binary(6)?)));
        }
        if self.tokens.takes("+") {
            return self.binary(6);
        }
        let mut expression = self.primary()?;
        loop {
            if self.tokens.takes("[") {
                let range = self.duration()?;
                if self.tokens.takes(":") {
                    if self.tokens.peek() != Some(&Token::Sign("]")) {
                        self.duration()?;
                    }
                    expression = Expression::Subquery(Box::new(expression));
                } else if let Expression::Selector(selector) = &mut expression {
                    selector.range = Some(range);
                }
                self.tokens.sign("]")?;
            } else if self.tokens.word("offset") {
                self.tokens.takes("-");
                self.duration()?;
            } else if self.tokens.takes("@") {
                self.tokens.takes("-");
                // A time, or start() and end().
                if let Token::Word(_) = self.tokens.next()? {
                    self.labels()?;
                }
            } else {
                return Ok(expression);
            }
        }
    }

    fn duration(&mut self) -> Result<Duration, Unread> {
        let token = self.tokens.next()?;
        match &token {
            Token::Number(text) => duration(text).ok_or_else(|| Unread::At(token.to_string())),
            other => Err(Unread::At(other.to_string())),
        }
    }

    fn primary(&mut self) -> Result<Expression, Unread> {
        match self.tokens.next()? {
            Token::Number(_) => Ok(Expression::Number),
            Token::Text(_) => Ok(Expression::Text),
            Token::Sign("(") => {
                let inner = self.binary(1)?;
                self.tokens.sign(")")?;
                Ok(inner)
            }
            Token::Sign("{") => self.selector(None),
            Token::Word(word) => self.named(word),
            other => Err(Unread::At(other.to_string())),
        }
    }

    /// What begins with a word: a number that is written as one, an aggregation, a call or a metric.
    fn named(&mut self, word: &str) -> Result<Expression, Unread> {
        let lower = word.to_ascii_lowercase();
        let opens = self.tokens.peek() == Some(&Token::Sign("("));
        let groups = ["by", "without"].iter().any(|word| self.tokens.is_word(word));
        if AGGREGATIONS.contains(&lower.as_str()) && (opens || groups) {
            return self.aggregation(lower);
        }
        if opens {
            return Ok(Expression::Call {
                function: word.to_owned(),
                arguments: self.arguments()?,
            });
        }
        if matches!(lower.as_str(), "inf" | "nan") {
            return Ok(Expression::Number);
        }
        if self.tokens.takes("{") {
            return self.selector(Some(word.to_owned()));
        }
        Ok(Expression::Selector(Selector {
            metric: Some(word.to_owned()),
            matchers: Vec::new(),
            range: None,
        }))
    }

    /// The labels may stand before what is aggregated, or behind it.
    fn aggregation(&mut self, operator: String) -> Result<Expression, Unread> {
        let mut by = self.grouping()?;
        let arguments = self.arguments()?;
        by.extend(self.grouping()?);
        Ok(Expression::Aggregation {
            operator,
            by,
            arguments,
        })
    }

    fn grouping(&mut self) -> Result<Vec<String>, Unread> {
        if self.tokens.word("by") {
            return self.labels();
        }
        if self.tokens.word("without") {
            self.labels()?;
        }
        Ok(Vec::new())
    }

    fn arguments(&mut self) -> Result<Vec<Expression>, Unread> {
        self.tokens.sign("(")?;
        let mut arguments = Vec::new();
        while !self.tokens.takes(")") {
            arguments.push(self.binary(1)?);
            if !self.tokens.takes(",") {
                self.tokens.sign(")")?;
                break;
            }
        }
        Ok(arguments)
    }

    /// Behind the opening brace.
    fn selector(&mut self, metric: Option<String>) -> Result<Expression, Unread> {
        let mut selector = Selector {
            metric,
            matchers: Vec::new(),
            range: None,
        };
        while !self.tokens.takes("}") {
            let label = match self.tokens.next()? {
                Token::Word(word) => word.to_owned(),
                Token::Text(text) => text,
                other => return Err(Unread::At(other.to_string())),
            };
            match self.comparison() {
                Some(comparison) => {
                    let Token::Text(value) = self.tokens.next()? else {
                        return Err(Unread::At(label));
                    };
                    if label == "__name__" && comparison == Comparison::Is {
                        selector.metric = Some(value);
                    } else {
                        selector.matchers.push(Matcher {
                            label,
                            comparison,
                            value,
                        });
                    }
                }
                // A name that is no word stands quoted between the braces.
                None => selector.metric = Some(label),
            }
            if !self.tokens.takes(",") {
                self.tokens.sign("}")?;
                break;
            }
        }
        Ok(Expression::Selector(selector))
    }

    fn comparison(&mut self) -> Option<Comparison> {
        let comparison = match self.tokens.peek()? {
            Token::Sign("=") => Comparison::Is,
            Token::Sign("!=") => Comparison::IsNot,
            Token::Sign("=~") => Comparison::Fits,
            Token::Sign("!~") => Comparison::FitsNot,
            _ => return None,
        };
        self.tokens.next().ok()?;
        Some(comparison)
    }
}

/// `5m`, `1h30m`, or seconds.
pub fn duration(text: &str) -> Option<Duration> {
    if let Ok(seconds) = text.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let mut rest = text;
    let mut sum = Duration::ZERO;
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let count: u32 = rest[..digits].parse().ok()?;
        let unit = rest[digits..].trim_start_matches(|c: char| c.is_ascii_lowercase());
        let word = &rest[digits..rest.len() - unit.len()];
        let one = Duration::from_millis(match word {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            "w" => 7 * 86_400_000,
            "y" => 365 * 86_400_000,
            _ => return None,
        });
        sum = sum.checked_add(one.checked_mul(count)?)?;
        rest = unit;
    }
    Some(sum)
}

impl Selector {
    /// All series of a metric.
    pub fn of_metric(metric: &str) -> Self {
        Self {
            metric: Some(metric.to_owned()),
            matchers: Vec::new(),
            range: None,
        }
    }
}

/// Without the range, in the one form in which every name may be written.
impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        if let Some(metric) = &self.metric {
            write!(f, "__name__={}", quoted(metric))?;
        }
        for (at, matcher) in self.matchers.iter().enumerate() {
            let comma = if at > 0 || self.metric.is_some() { "," } else { "" };
            write!(f, "{comma}{matcher}")?;
        }
        f.write_str("}")
    }
}

impl fmt::Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let comparison = match self.comparison {
            Comparison::Is => "=",
            Comparison::IsNot => "!=",
            Comparison::Fits => "=~",
            Comparison::FitsNot => "!~",
        };
        write!(f, "{}{comparison}{}", self.label, quoted(&self.value))
    }
}

fn quoted(text: &str) -> String {
    format!(
        "\"{}\"",
        text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
    )
}
