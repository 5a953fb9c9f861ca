//! A line of chat as words: blanks separate, quotes group, commas make lists.

/// One word; of each character it is known whether it stood in quotes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Word {
    characters: Vec<(char, bool)>,
    // `""` is a word, though an empty one.
    has_quotes: bool,
}

/// Splits a line. The error is a sentence.
pub(super) fn split(line: &str, max_bytes: usize) -> Result<Vec<Word>, String> {
    if line.len() > max_bytes {
        return Err(format!(
            "the line has {} bytes; {max_bytes} are the most. Give less at once",
            line.len()
        ));
    }
    let mut words = Vec::new();
    let mut rest: Vec<char> = line.chars().rev().collect();
    while let Some(first) = rest.last() {
        if first.is_whitespace() {
            rest.pop();
        } else {
            words.push(take_word(&mut rest, true)?);
        }
    }
    Ok(words)
}

/// Puts quotes around a text where it would not read back as one item without them.
pub fn quoted(text: &str) -> String {
    let plain = !text.is_empty()
        && text != "dry"
        && !text.contains(|c: char| c.is_whitespace() || c == ',' || c == '=' || c == '\\' || closing(c).is_some());
    if plain {
        return text.to_owned();
    }
    let mut quoted = String::from('"');
    for c in text.chars() {
        if matches!(c, '\\' | '"' | '\u{201C}' | '\u{201D}') {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    quoted.push('"');
    quoted
}

impl Word {
    /// A text as it is, blanks, commas and quotes included.
    pub(super) fn whole(text: &str) -> Self {
        Self {
            characters: text.chars().map(|c| (c, true)).collect(),
            has_quotes: true,
        }
    }

    /// A text of which commas make a list and in which quotes group.
    pub(super) fn list(text: &str) -> Result<Self, String> {
        let mut rest: Vec<char> = text.trim().chars().rev().collect();
        take_word(&mut rest, false)
    }

    pub(super) fn is_dry(&self) -> bool {
        !self.has_quotes && self.text() == "dry"
    }

    pub(super) fn text(&self) -> String {
        self.characters.iter().map(|(c, _)| *c).collect()
    }

    /// `name=rest`, if that is what it is.
    pub(super) fn named(&self) -> Option<(String, Self)> {
        let at = self.characters.iter().position(|it| *it == ('=', false))?;
        let name: String = self.characters[..at].iter().map(|(c, _)| *c).collect();
        let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
        let unquoted = self.characters[..at].iter().all(|(_, quoted)| !quoted);
        (is_name && unquoted).then(|| {
            (
                name,
                Self {
                    characters: self.characters[at + 1..].to_vec(),
                    has_quotes: self.has_quotes,
                },
            )
        })
    }

    /// The parts between unquoted commas, unquoted blanks around them left out.
    pub(super) fn items(&self) -> Vec<String> {
        self.characters
            .split(|it| *it == (',', false))
            .map(|part| {
                let blank = |it: &&(char, bool)| it.0.is_whitespace() && !it.1;
                let start = part.iter().take_while(blank).count();
                let end = part.len() - part[start..].iter().rev().take_while(blank).count();
                part[start..end].iter().map(|(c, _)| *c).collect()
            })
            .collect()
    }

    /// Makes one list of two.
    pub(super) fn append(&mut self, other: Self) {
        self.characters.push((',', false));
        self.characters.extend(other.characters);
    }
}

/// What closes a quote; chat programs turn straight quotes into curly ones by themselves.
pub(super) fn closing(c: char) -> Option<&'static [char]> {
    match c {
        '"' | '\u{201C}' | '\u{201D}' | '\u{201E}' => Some(&['"', '\u{201C}', '\u{201D}']),
        '\'' | '\u{2018}' | '\u{2019}' | '\u{201A}' => Some(&['\'', '\u{2018}', '\u{2019}']),
        _ => None,
    }
}

/// Takes one word off the end of a reversed text. Blanks next to a comma do not end it.
fn take_word(rest: &mut Vec<char>, blanks_end: bool) -> Result<Word, String> {
    let mut word = Word {
        characters: Vec::new(),
        has_quotes: false,
    };
    // A quote opens at the beginning of a value alone. An empty quote leaves no character behind, so both are kept track
    // of instead of being read off the word.
    let mut after_comma = false;
    let mut opens = true;
    while let Some(c) = rest.pop() {
        if c.is_whitespace() {
            let before_comma = || rest.iter().rev().find(|c| !c.is_whitespace()) == Some(&',');
            if blanks_end && !after_comma && !before_comma() {
                return Ok(word);
            }
            word.characters.push((c, false));
            opens = after_comma;
            continue;
        }
        match closing(c).filter(|_| opens) {
            Some(ends) => {
                word.has_quotes = true;
                take_quoted(rest, ends, &mut word)?;
                (after_comma, opens) = (false, false);
            }
            None => {
                word.characters.push((c, false));
                after_comma = c == ',';
                opens = after_comma || c == '=';
            }
        }
    }
    Ok(word)
}

fn take_quoted(rest: &mut Vec<char>, ends: &[char], word: &mut Word) -> Result<(), String> {
    while let Some(c) = rest.pop() {
        let next = rest.last().copied();
        match (c, next) {
            ('\\', Some(next)) if next == '\\' || ends.contains(&next) => {
                rest.pop();
                word.characters.push((next, true));
            }
            _ if ends.contains(&c) => return Ok(()),
            _ => word.characters.push((c, true)),
        }
    }
    Err("a quote is opened and not closed; close it, or leave it out".to_owned())
}
