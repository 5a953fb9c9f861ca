//! Sentences in lines of limited length.

/// Breaks at spaces; a word that is too long for a line is broken anywhere. Counts characters. Never gives no line.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let width = width.max(1);
    let mut lines = vec![String::new()];
    let mut length = 0;
    for word in text.split_whitespace() {
        let letters: Vec<char> = word.chars().collect();
        for (index, piece) in letters.chunks(width).enumerate() {
            let space = usize::from(index == 0 && length > 0);
            if length + space + piece.len() > width {
                lines.push(String::new());
                length = 0;
            } else if space == 1 {
                push(&mut lines, [' ']);
                length += 1;
            }
            push(&mut lines, piece.iter().copied());
            length += piece.len();
        }
    }
    lines
}

fn push(lines: &mut [String], letters: impl IntoIterator<Item = char>) {
    if let Some(line) = lines.last_mut() {
        line.extend(letters);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn words_go_into_lines() {
        assert_eq!(wrap("", 10), [""]);
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("a abcdefgh b", 3), ["a", "abc", "def", "gh", "b"]);
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_no_line_is_too_long(text in "[a-zé ]{0,80}", width in 1usize..20) {
            let lines = wrap(&text, width);
            prop_assert!(lines.iter().all(|line| line.chars().count() <= width));
            let letters = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
            prop_assert_eq!(letters(&lines.concat()), letters(&text));
        }
    }
}
