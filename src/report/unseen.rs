//! Characters that a reader cannot see, or that make the text around them look like another. Every renderer spells them
//! out, and no input may hold one.

/// Control characters, turns of direction, spaces without width, line separators and tags. The two joiners, 200c and
/// 200d, are not among them: they are ordinary letters of Nepali, and of many an emoji.
pub fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}'
            | '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'
            | '\u{200e}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}')
}

/// The text with each of them spelled out, as in `\n`, `\u{1b}` and `\u{202e}`.
pub fn spelled(text: &str) -> String {
    spelled_except(text, &[])
}

/// The same for a text whose line breaks are its own.
pub fn spelled_lines(text: &str) -> String {
    spelled_except(text, &['\n'])
}

/// The same for a file whose columns are parted by tabs.
pub fn spelled_columns(text: &str) -> String {
    spelled_except(text, &['\n', '\t'])
}

/// A text that somebody typed, short enough for a sentence about something else.
pub fn brief(text: &str) -> String {
    const MOST: usize = 40;
    let mut letters = text.chars();
    let short: String = letters.by_ref().take(MOST).collect();
    let dots = if letters.next().is_some() { "..." } else { "" };
    format!("{}{dots}", spelled(&short))
}

/// The same between marks that it does not hold itself.
pub fn marked(text: &str) -> String {
    let brief = brief(text);
    match (brief.contains('`'), brief.contains('"')) {
        (false, _) => format!("`{brief}`"),
        (true, false) => format!("\"{brief}\""),
        (true, true) => format!("\u{201C}{brief}\u{201D}"),
    }
}

fn spelled_except(text: &str, kept: &[char]) -> String {
    let mut seen = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\r' | '\t' if !kept.contains(&c) => seen.extend(c.escape_default()),
            _ if is_unseen(c) && !kept.contains(&c) => seen.extend(c.escape_unicode()),
            _ => seen.push(c),
        }
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_cannot_be_seen_is_spelled_out() {
        for (text, seen) in [
            ("a\tb\r\nc", "a\\tb\\r\\nc"),
            ("\u{1b}[31mred\u{9b}", "\\u{1b}[31mred\\u{9b}"),
            (
                "\u{202e}gnp\u{2066}\u{200b}\u{feff}",
                "\\u{202e}gnp\\u{2066}\\u{200b}\\u{feff}",
            ),
            ("\u{ad}\u{61c}\u{e0041}", "\\u{ad}\\u{61c}\\u{e0041}"),
            // Nepali with a joiner, a lone accent, an emoji of several letters, Arabic.
            (
                "र\u{200d}य \u{301} 👩\u{200d}🔧 عربي",
                "र\u{200d}य \u{301} 👩\u{200d}🔧 عربي",
            ),
        ] {
            assert_eq!(spelled(text), seen);
        }
        assert_eq!(spelled_lines("a\nb\r"), "a\nb\\r");
    }

    proptest! {
        #[test]
        fn nothing_unseen_is_left(text in any::<String>()) {
            prop_assert!(!spelled(&text).contains(is_unseen));
            prop_assert!(!spelled_lines(&text).replace('\n', "").contains(is_unseen));
        }
    }
}
