//! What `check` prints: one problem in one file, with its place and the way out.

use std::fmt;
use std::path::PathBuf;

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
    /// `path:line:column: message`, in one line.
    pub fn headline(&self) -> String {
        format!(
            "{}:{}:{}: {}",
            self.path.display(),
            self.line,
            self.column,
            self.message.replace('\n', " ")
        )
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.headline())?;
        if !self.excerpt.is_empty() {
            write!(
                f,
                "\n    {}\n    {}^",
                self.excerpt,
                " ".repeat(self.column.saturating_sub(1))
            )?;
        }
        Ok(())
    }
}
