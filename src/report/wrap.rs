//! Sentences in lines of limited length.

use super::cell;

/// Breaks at spaces; a word that is too long for a line is broken anywhere. Counts columns. Never gives no line.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let width = width.max(1);
    let mut lines = vec![String::new()];
    let mut length = 0;
    for word in text.split_whitespace() {
        for (index, piece) in pieces(word, width).into_iter().enumerate() {
            let space = usize::from(index == 0 && length > 0);
            let wide = cell::width(&piece);
            if length > 0 && length + space + wide > width {
                lines.push(String::new());
                length = 0;
            } else if space == 1 {
                push(&mut lines, " ");
                length += 1;
            }
            push(&mut lines, &piece);
            length += wide;
        }
    }
    lines
}

/// A word in parts that have room; a letter that is wider than a line stands alone.
fn pieces(word: &str, width: usize) -> Vec<String> {
    if cell::width(word) <= width {
        return vec![word.to_owned()];
    }
    let mut pieces = vec![String::new()];
    for letter in word.chars() {
        if let Some(last) = pieces.last_mut() {
            last.push(letter);
            if cell::width(last) > width && last.chars().count() > 1 {
                last.pop();
                pieces.push(letter.to_string());
            }
        }
    }
    pieces
}

fn push(lines: &mut [String], letters: &str) {
    if let Some(line) = lines.last_mut() {
        line.push_str(letters);
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
        assert_eq!(wrap("注文番号 b", 5), ["注文", "番号", "b"]);
        assert_eq!(wrap("注文", 1), ["注", "文"]);
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
