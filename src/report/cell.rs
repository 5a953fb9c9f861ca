//! One value of a table as people read it, and the room that it takes: the same on every surface.

use super::Table;
use serde_json::Value;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// A text without quotes. What is not there is a dash, so that nobody takes it for an empty text. Nothing is escaped.
pub fn cell(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "-".to_owned(),
        Some(Value::Bool(true)) => "yes".to_owned(),
        Some(Value::Bool(false)) => "no".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

/// To which side a column's cells are pushed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Words.
    Left,
    /// Numbers, so that their digits stand below each other.
    Right,
}

impl Side {
    /// The side of one column.
    pub fn of(column: &str, table: &Table) -> Self {
        let mut values = table
            .rows
            .iter()
            .filter_map(|row| row.get(column))
            .filter(|v| !v.is_null())
            .peekable();
        if values.peek().is_some() && values.all(Value::is_number) {
            Self::Right
        } else {
            Self::Left
        }
    }
}

/// How many columns of a fixed-width font a text takes: a Chinese letter takes two, an accent none.
pub fn width(text: &str) -> usize {
    text.width()
}

/// The text with as much space as it needs to be this wide.
pub fn padded(text: &str, wanted: usize, side: Side) -> String {
    let space = " ".repeat(wanted.saturating_sub(width(text)));
    match side {
        Side::Left => format!("{text}{space}"),
        Side::Right => format!("{space}{text}"),
    }
}

/// The text in at most `most` columns, ending in dots where it goes on.
pub fn shortened(text: &str, most: usize) -> Option<String> {
    if width(text) <= most {
        return None;
    }
    let mut used = 1;
    let fits = text.chars().take_while(|letter| {
        used += letter.width().unwrap_or(0);
        used <= most
    });
    Some(fits.chain(['…']).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn a_value_is_read_by_people() {
        for (value, read) in [
            (json!(null), "-"),
            (json!(""), ""),
            (json!(true), "yes"),
            (json!(84.5), "84.5"),
            (json!("a \"b\""), "a \"b\""),
            (json!([1, "x"]), "[1,\"x\"]"),
        ] {
            assert_eq!(cell(Some(&value)), read);
        }
        assert_eq!(cell(None), "-");
    }

    #[test]
    fn letters_take_the_room_that_they_take() {
        assert_eq!(
            ["abc", "注文", "e\u{301}", "र\u{947}म", "😀"].map(width),
            [3, 4, 1, 2, 2]
        );
        assert_eq!(padded("注文", 6, Side::Right), "  注文");
        assert_eq!(shortened("注文番号", 6).as_deref(), Some("注文…"));
        assert_eq!(shortened("注文番号", 8), None);
    }

    proptest! {
        #[test]
        fn what_is_shortened_fits(text in "\\PC{0,40}", most in 1usize..30) {
            if let Some(short) = shortened(&text, most) {
                prop_assert!(width(&short) <= most, "{short:?} is {} wide", width(&short));
            }
        }
    }
}
