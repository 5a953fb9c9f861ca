//! Where somebody is in a line that is not finished: which input, which item of it, and what of that item is typed.
//! Reads as `words` does, but for a quote that is still open.

use super::words::closing;
use super::{InputSpec, MAX_BYTES};
use std::ops::Range;

/// The item at the end of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// Which input, in file order.
    pub input: usize,
    /// The bytes of the item, with the quote that opens it.
    pub item: Range<usize>,
    /// The item without quotes.
    pub typed: String,
    /// The items of the same input that stand before it.
    pub given: Vec<String>,
}

/// The item at the end of a line of chat, the runbook's name left out. None where no input is left for it.
pub fn at_end_of_line(specs: &[InputSpec], line: &str) -> Option<Cursor> {
    if line.len() > MAX_BYTES {
        return None;
    }
    let words = split(line, true);
    let (last, before) = words.split_last()?;
    let place = |name: &str| specs.iter().position(|spec| spec.name == name);
    let named: Vec<usize> = before.iter().filter_map(|word| place(&word.name(line)?.0)).collect();
    let input = match last.name(line) {
        Some((name, _)) => place(&name).filter(|input| !named.contains(input))?,
        None => {
            let open: Vec<usize> = (0..specs.len()).filter(|at| !named.contains(at)).collect();
            let unnamed = before.iter().filter(|word| word.name(line).is_none()).count();
            match open.get(unnamed) {
                Some(input) => *input,
                // Numbers may follow each other with blanks between.
                None => *open
                    .last()
                    .filter(|at| specs[**at].many && specs[**at].kind.has_no_blanks())?,
            }
        }
    };
    Some(last.cursor(line, input, specs[input].many))
}

/// The item at the end of what stands in the field of one input.
pub fn at_end_of_field(spec: &InputSpec, text: &str) -> Option<Cursor> {
    if text.len() > MAX_BYTES {
        return None;
    }
    if !spec.many {
        return Some(Cursor {
            input: 0,
            item: 0..text.len(),
            typed: text.to_owned(),
            given: Vec::new(),
        });
    }
    let words = split(text, false);
    Some(words.last()?.cursor(text, 0, true))
}

/// A word with the place of each of its characters.
#[derive(Debug, Default)]
struct Piece {
    characters: Vec<(usize, char, bool)>,
    /// Where the items begin, with their quotes.
    items: Vec<usize>,
}

impl Piece {
    /// The name before an unquoted `=`, and how many characters both take.
    fn name(&self, line: &str) -> Option<(String, usize)> {
        let at = self
            .characters
            .iter()
            .position(|(_, c, quoted)| (*c, *quoted) == ('=', false))?;
        let name = line.get(self.characters.first()?.0..self.characters[at].0)?;
        let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
        is_name.then(|| (name.to_owned(), at + 1))
    }

    fn cursor(&self, line: &str, input: usize, many: bool) -> Cursor {
        let skipped = self.name(line).map_or(0, |(_, skipped)| skipped);
        let characters = &self.characters[skipped..];
        let text = |part: &[(usize, char, bool)]| -> String {
            let blank = |it: &&(usize, char, bool)| it.1.is_whitespace() && !it.2;
            let start = part.iter().take_while(blank).count();
            part[start..].iter().map(|(_, c, _)| *c).collect()
        };
        let mut parts: Vec<String> = if many {
            characters
                .split(|(_, c, quoted)| (*c, *quoted) == (',', false))
                .map(text)
                .collect()
        } else {
            vec![text(characters)]
        };
        let typed = parts.pop().unwrap_or_default();
        // The item begins behind the sign, or behind the last comma of a list.
        let comma = characters
            .iter()
            .rfind(|(_, c, quoted)| many && (*c, *quoted) == (',', false));
        let sign = skipped.checked_sub(1).and_then(|sign| self.characters.get(sign));
        let behind = comma.or(sign).map(|(at, ..)| *at);
        let start = self
            .items
            .iter()
            .copied()
            .find(|at| behind.is_none_or(|behind| *at > behind));
        Cursor {
            input,
            item: start.unwrap_or(line.len())..line.len(),
            typed,
            given: parts.into_iter().map(|part| part.trim_end().to_owned()).collect(),
        }
    }
}

/// The words of a line; the last one is the one being typed, which is empty after a blank.
fn split(line: &str, blanks_end: bool) -> Vec<Piece> {
    let mut words = Vec::new();
    let mut word = Piece::default();
    let mut rest = line.char_indices().peekable();
    while let Some((at, c)) = rest.next() {
        let last = word
            .characters
            .iter()
            .rev()
            .find(|(_, c, quoted)| !c.is_whitespace() || *quoted);
        let after_comma = last.is_some_and(|(_, c, quoted)| (*c, *quoted) == (',', false));
        if c.is_whitespace() {
            let before_comma = line[at..].trim_start().starts_with(',');
            if word.characters.is_empty() && word.items.is_empty() {
                continue;
            }
            if blanks_end && !after_comma && !before_comma {
                words.push(std::mem::take(&mut word));
            } else {
                word.characters.push((at, c, false));
            }
            continue;
        }
        let after_sign = word
            .characters
            .last()
            .is_some_and(|(_, c, quoted)| (*c, *quoted) == ('=', false));
        let opens = word.items.is_empty() || after_comma || after_sign;
        if opens {
            word.items.push(at);
        }
        match closing(c).filter(|_| opens) {
            Some(ends) => {
                while let Some((at, c)) = rest.next() {
                    let escaped = rest
                        .peek()
                        .copied()
                        .filter(|(_, next)| *next == '\\' || ends.contains(next));
                    match (c, escaped) {
                        ('\\', Some((at, next))) => {
                            rest.next();
                            word.characters.push((at, next, true));
                        }
                        _ if ends.contains(&c) => break,
                        _ => word.characters.push((at, c, true)),
                    }
                }
            }
            None => word.characters.push((at, c, false)),
        }
    }
    // After a comma or a sign nothing of the next item is there yet.
    let last = word
        .characters
        .iter()
        .rev()
        .find(|(_, c, quoted)| !c.is_whitespace() || *quoted);
    if last.is_some_and(|(_, c, quoted)| matches!((*c, *quoted), (',' | '=', false))) {
        word.items.push(line.len());
    }
    words.push(word);
    words
}

#[cfg(test)]
mod tests;
