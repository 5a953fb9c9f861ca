//! What `check` prints: one problem in one file, with its place and the way out.

use crate::report::unseen::spelled;
use std::fmt;
use std::path::PathBuf;

/// Of a longer line than this a part is shown.
const SHOWN: usize = 100;

/// A mistake in a file that a person wrote. Printed as `path:line:column: message`, with the line below it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The file, as it was named to us.
    pub path: PathBuf,
    /// Counted from one; one where the whole file is meant.
    pub line: usize,
    /// Counted from one, in characters.
    pub column: usize,
    /// What is wrong and how to mend it.
    pub message: String,
    /// The line itself, empty where there is none to show.
    pub excerpt: String,
}

impl Problem {
    /// A problem at a byte offset of a text.
    pub fn at(path: impl Into<PathBuf>, text: &str, offset: usize, message: impl Into<String>) -> Self {
        let offset = (0..=offset.min(text.len()))
            .rev()
            .find(|&at| text.is_char_boundary(at))
            .unwrap_or(0);
        let before = &text[..offset];
        let start = before.rfind('\n').map_or(0, |at| at + 1);
        let end = text[start..].find('\n').map_or(text.len(), |at| start + at);
        Self {
            path: path.into(),
            line: before.matches('\n').count() + 1,
            column: text[start..offset].chars().count() + 1,
            message: message.into(),
            excerpt: text[start..end].trim_end().to_owned(),
        }
    }

    /// A problem with a file as a whole: absent, unreadable, or contradicting another one.
    pub fn whole(path: impl Into<PathBuf>, message: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            line: 1,
            column: 1,
            message: message.into(),
            excerpt: String::new(),
        }
    }
}

impl Problem {
    /// One line, for logs and chat: the place and the message without the line of the file, which may hold anything.
    pub fn brief(&self) -> String {
        format!(
            "{}:{}:{}: {}",
            spelled(&self.path.display().to_string()),
            self.line,
            self.column,
            spelled(&self.message.replace('\n', " "))
        )
    }

    /// The line with a caret under the place: of a long line the part around it, and nothing that a terminal obeys.
    fn shown(&self) -> Option<String> {
        if self.excerpt.is_empty() {
            return None;
        }
        // A tab is as wide as the terminal likes, and then the mark would point elsewhere.
        let letters: Vec<char> = self.excerpt.replace('\t', " ").chars().collect();
        let at = self.column.saturating_sub(1).min(letters.len());
        let start = if letters.len() > SHOWN {
            at.saturating_sub(SHOWN / 2)
        } else {
            0
        };
        let end = letters.len().min(start + SHOWN);
        let part = |range: &[char]| spelled(&range.iter().collect::<String>());
        let before = if start > 0 { "..." } else { "" };
        let after = if end < letters.len() { "..." } else { "" };
        // A line without its value is shorter than the place of the mistake.
        let beyond = self.column.saturating_sub(1 + at).min(SHOWN);
        let gap = " ".repeat(before.len() + part(&letters[start..at]).chars().count() + beyond);
        Some(format!("    {before}{}{after}\n    {gap}^", part(&letters[start..end])))
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.brief())?;
        if let Some(excerpt) = self.shown() {
            write!(f, "\n{excerpt}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str, needle: &str) -> String {
        Problem::at("a.toml", text, text.find(needle).unwrap(), "is wrong").to_string()
    }

    #[test]
    fn the_line_is_shown_with_a_caret_under_the_place() {
        insta::assert_snapshot!(told("[server]\nlisten = 7\n", "7"), @"
        a.toml:2:10: is wrong
            listen = 7
                     ^
        ");
    }

    #[test]
    fn of_a_long_line_the_place_is_shown() {
        let text = format!("a = \"{}HERE{}\"", "x".repeat(300), "y".repeat(300));
        let told = told(&text, "HERE");
        let lines: Vec<&str> = told.lines().collect();
        assert!(
            lines[1].len() < 115 && lines[1].starts_with("    ...x") && lines[1].ends_with("y..."),
            "{told}"
        );
        assert_eq!(lines[1].find("HERE"), lines[2].find('^'));
        assert_eq!(Problem::whole("a.toml", "x\ny").to_string(), "a.toml:1:1: x y");
    }

    #[test]
    fn a_line_of_a_file_is_shown_and_never_obeyed() {
        let text = "first\n\tname = \"\u{1b}[2J\u{202e}\" wrong\n";
        let problem = Problem::at("a\u{7}.toml", text, text.find("wrong").unwrap(), "it is \u{9b}1m wrong");
        insta::assert_snapshot!(problem, @r#"
        a\u{7}.toml:2:17: it is \u{9b}1m wrong
             name = "\u{1b}[2J\u{202e}" wrong
                                        ^
        "#);
    }
}
