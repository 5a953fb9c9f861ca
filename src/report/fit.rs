//! Text on its way into a message: made harmless, and fitted into its share with a word where it is cut. What harmless is,
//! and how a platform counts, its [`Script`] tells.

/// Whether anything had to be left out.
#[derive(Debug, Default, Clone, Copy)]
pub struct Cut(bool);

impl Cut {
    /// Something was left out.
    pub fn note(&mut self) {
        self.0 = true;
    }

    /// Whether something was.
    pub fn happened(self) -> bool {
        self.0
    }
}

/// How a platform writes a text so that it interprets nothing in it, and what a character costs then.
#[derive(Debug, Clone, Copy)]
pub struct Script {
    /// Gives a text that is shown as it was written.
    pub escape: fn(&str) -> String,
    /// How much of the platform's limit a character takes at the most.
    pub cost: fn(char) -> usize,
}

impl Script {
    /// How much of the platform's limit a text takes.
    pub fn cost(&self, text: &str) -> usize {
        text.chars().map(self.cost).sum()
    }

    /// Escaped, and at most `limit` as it is sent.
    pub fn fit(&self, text: &str, limit: usize, cut: &mut Cut) -> String {
        if self.cost(text) <= limit {
            return (self.escape)(text);
        }
        cut.note();
        // Room for the note, with a count of up to ten digits.
        let room = limit.saturating_sub(34);
        let mut used = 0;
        let end = text.char_indices().find(|(_, c)| {
            used += (self.cost)(*c);
            used > room
        });
        let end = end.map_or(text.len(), |(at, _)| at);
        format!(
            "{}… ({} more characters)",
            (self.escape)(&text[..end]),
            text[end..].chars().count()
        )
    }

    /// A titled list in at most `limit`; empty where there is nothing to list. Each line gets `mark`.
    pub fn marked(&self, title: &str, mark: &str, lines: &[String], limit: usize, more: &str, cut: &mut Cut) -> String {
        const LINE: usize = 300;
        let lines: Vec<&String> = lines.iter().filter(|line| !line.trim().is_empty()).collect();
        if lines.is_empty() {
            return String::new();
        }
        // Room for the last line: the count and the words.
        let room = limit.saturating_sub(40 + self.cost(more));
        let mut text = title.to_owned();
        for (at, line) in lines.iter().enumerate() {
            let line = self.fit(&one_line(line), LINE.min(room / 2), cut);
            // An escaped text is counted once more, which is on the safe side.
            if self.cost(&text) + self.cost(&line) + 4 > room {
                cut.note();
                text.push_str(&format!("\n… and {} more; {more}", lines.len() - at));
                break;
            }
            text.push('\n');
            text.push_str(mark);
            text.push_str(&line);
        }
        text
    }
}

/// Without line breaks.
pub fn one_line(text: &str) -> String {
    text.split(['\n', '\r'])
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}
