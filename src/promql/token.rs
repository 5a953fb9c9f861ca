//! The words of an expression.

use super::Unread;
use std::fmt;
use std::iter::Peekable;
use std::str::CharIndices;

/// One word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token<'t> {
    /// A metric, a label, a function or a keyword.
    Word(&'t str),
    /// A number or a duration.
    Number(&'t str),
    /// What stood in quotes.
    Text(String),
    /// An operator or a bracket.
    Sign(&'static str),
}

impl fmt::Display for Token<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Word(text) | Self::Number(text) => f.write_str(text),
            Self::Text(text) => write!(f, "{text:?}"),
            Self::Sign(sign) => f.write_str(sign),
        }
    }
}

/// The longer ones first.
const SIGNS: [&str; 23] = [
    "==", "!=", "<=", ">=", "=~", "!~", "<", ">", "=", "+", "-", "*", "/", "%", "^", "(", ")", "[", "]", "{", "}", ",",
    ":",
];

/// All words of an expression, and how far they are read.
pub(super) struct Tokens<'t> {
    all: Vec<Token<'t>>,
    at: usize,
}

impl<'t> Tokens<'t> {
    pub fn of(text: &'t str) -> Result<Self, Unread> {
        let mut all: Vec<Token<'t>> = Vec::new();
        let mut letters = text.char_indices().peekable();
        let mut in_brackets = false;
        while let Some(&(start, first)) = letters.peek() {
            let rest = &text[start..];
            if first.is_whitespace() {
                letters.next();
            } else if first == '#' {
                skip(&mut letters, |c| c != '\n');
            } else if matches!(first, '"' | '\'' | '`') {
                letters.next();
                all.push(Token::Text(quoted(&mut letters, first)?));
            } else if first.is_ascii_digit() || (first == '.' && rest[1..].starts_with(|c: char| c.is_ascii_digit())) {
                let end = start + number(rest);
                skip_to(&mut letters, end);
                all.push(Token::Number(&text[start..end]));
            } else if first.is_alphabetic() || first == '_' || (first == ':' && !in_brackets) {
                let word = |c: char| c.is_alphanumeric() || c == '_' || (c == ':' && !in_brackets);
                let end = start + rest.find(|c| !word(c)).unwrap_or(rest.len());
                skip_to(&mut letters, end);
                all.push(Token::Word(&text[start..end]));
            } else if first == '@' {
                letters.next();
                all.push(Token::Sign("@"));
            } else {
                let sign = SIGNS.into_iter().find(|sign| rest.starts_with(sign));
                let sign = sign.ok_or_else(|| Unread::At(first.to_string()))?;
                skip_to(&mut letters, start + sign.len());
                // A colon parts the two durations of a subquery there, and is a letter elsewhere.
                in_brackets = sign == "[" || (in_brackets && sign != "]");
                all.push(Token::Sign(sign));
            }
        }
        Ok(Self { all, at: 0 })
    }

    pub fn peek(&self) -> Option<&Token<'t>> {
        self.all.get(self.at)
    }

    pub fn next(&mut self) -> Result<Token<'t>, Unread> {
        let token = self.peek().cloned().ok_or(Unread::End)?;
        self.at += 1;
        Ok(token)
    }

    /// Takes this sign, if it is next.
    pub fn takes(&mut self, sign: &str) -> bool {
        let is_next = matches!(self.peek(), Some(Token::Sign(next)) if *next == sign);
        self.at += usize::from(is_next);
        is_next
    }

    /// This sign, or it is wrong.
    pub fn sign(&mut self, sign: &str) -> Result<(), Unread> {
        if self.takes(sign) {
            return Ok(());
        }
        Err(self.peek().map_or(Unread::End, |token| Unread::At(token.to_string())))
    }

    /// Keywords may be written in capitals.
    pub fn is_word(&self, word: &str) -> bool {
        matches!(self.peek(), Some(Token::Word(next)) if next.eq_ignore_ascii_case(word))
    }

    /// Takes this keyword, if it is next.
    pub fn word(&mut self, word: &str) -> bool {
        let is_next = self.is_word(word);
        self.at += usize::from(is_next);
        is_next
    }

    /// Nothing may be left.
    pub fn end(&self) -> Result<(), Unread> {
        self.peek().map_or(Ok(()), |token| Err(Unread::At(token.to_string())))
    }
}

fn skip(letters: &mut Peekable<CharIndices<'_>>, so_long: impl Fn(char) -> bool) {
    while letters.next_if(|(_, c)| so_long(*c)).is_some() {}
}

fn skip_to(letters: &mut Peekable<CharIndices<'_>>, end: usize) {
    while letters.next_if(|(at, _)| *at < end).is_some() {}
}

/// How long the number or duration is that begins here.
fn number(text: &str) -> usize {
    let hexadecimal = text.starts_with("0x") || text.starts_with("0X");
    let mut before = ' ';
    for (at, c) in text.char_indices() {
        let exponent = matches!(c, '+' | '-') && matches!(before, 'e' | 'E') && !hexadecimal;
        if !(c.is_ascii_alphanumeric() || c == '.' || c == '_' || exponent) {
            return at;
        }
        before = c;
    }
    text.len()
}

/// Up to the closing quote, which is taken. Backquotes know no escapes.
fn quoted(letters: &mut Peekable<CharIndices<'_>>, quote: char) -> Result<String, Unread> {
    let mut text = String::new();
    while let Some((_, c)) = letters.next() {
        match c {
            c if c == quote => return Ok(text),
            '\\' if quote != '`' => match letters.next() {
                Some((_, 'n')) => text.push('\n'),
                Some((_, 't')) => text.push('\t'),
                Some((_, 'r')) => text.push('\r'),
                Some((_, c @ ('\\' | '"' | '\''))) => text.push(c),
                Some((_, c)) => return Err(Unread::At(format!("\\{c}"))),
                None => return Err(Unread::End),
            },
            c => text.push(c),
        }
    }
    Err(Unread::End)
}
