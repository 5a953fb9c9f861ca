//! A TOML file as it is walked: every value with its place, every problem kept, unknown keys told with what was likely
//! meant.

use crate::nearest::way_out;
use crate::problem::Problem;
use crate::runbook::expression::{Expression, ExpressionError, Names};
use crate::runbook::sentence::Sentence;
use std::ops::Range;
use std::path::Path;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The file and what is wrong with it.
pub(super) struct Sheet<'t> {
    path: &'t Path,
    text: &'t str,
    /// What the parser could not read may hold the key that would be missed.
    pub(super) is_torn: bool,
    pub(super) problems: Vec<Problem>,
}

/// A string with its place.
#[derive(Debug, Clone)]
pub(super) struct Text<'d> {
    pub(super) value: &'d str,
    pub(super) span: Range<usize>,
}

/// A table with its place and what to call it.
#[derive(Debug, Clone)]
pub(super) struct Section<'d> {
    table: &'d DeTable<'d>,
    pub(super) at: usize,
    pub(super) title: String,
}

impl<'t> Sheet<'t> {
    pub(super) fn new(path: &'t Path, text: &'t str, errors: &[toml::de::Error]) -> Self {
        let mut sheet = Self {
            path,
            text,
            is_torn: !errors.is_empty(),
            problems: Vec::new(),
        };
        for error in errors {
            let offset = error.span().map_or(0, |span| span.start);
            sheet.problem(offset, format!("not TOML: {}", error.message()));
        }
        sheet
    }

    pub(super) fn problem(&mut self, offset: usize, message: impl Into<String>) {
        self.problems.push(Problem::at(self.path, self.text, offset, message));
    }

    /// A problem inside a string, at a byte offset of its value.
    pub(super) fn problem_in(&mut self, text: &Text<'_>, offset: usize, message: impl Into<String>) {
        // With escapes in it the value does not stand in the file as it is; then its start must do.
        let raw = self.text.get(text.span.clone()).unwrap_or_default();
        let at = raw.find(text.value).map_or(0, |start| start + offset);
        self.problem(text.span.start + at, message);
    }

    pub(super) fn missing(&mut self, section: &Section<'_>, key: &str) {
        if !self.is_torn {
            self.problem(section.at, format!("{} lacks `{key}`: add {key} = ...", section.title));
        }
    }

    fn errors_in(&mut self, text: &Text<'_>, errors: Vec<ExpressionError>) {
        for error in errors {
            self.problem_in(text, error.offset, error.message);
        }
    }

    /// Compiles an expression and checks its names.
    pub(super) fn expression(&mut self, text: &Text<'_>, names: &Names) -> Option<Expression> {
        match Expression::parse(text.value) {
            Ok(expression) => {
                self.errors_in(text, expression.check(names));
                Some(expression)
            }
            Err(error) => {
                self.errors_in(text, vec![error]);
                None
            }
        }
    }

    /// Compiles a sentence and checks its names.
    pub(super) fn sentence(&mut self, text: &Text<'_>, names: &Names) -> Option<Sentence> {
        match Sentence::parse(text.value) {
            Ok(sentence) => {
                self.errors_in(text, sentence.check(names));
                Some(sentence)
            }
            Err(error) => {
                self.errors_in(text, vec![error]);
                None
            }
        }
    }
}

impl<'d> Section<'d> {
    /// A table of which only the given keys are known.
    pub(super) fn new(
        sheet: &mut Sheet<'_>,
        table: &'d DeTable<'d>,
        at: usize,
        title: impl Into<String>,
        keys: &[&str],
    ) -> Self {
        let section = Self {
            table,
            at,
            title: title.into(),
        };
        for key in table.keys() {
            let word: &str = key.get_ref();
            // Under a torn heading its keys fall to the file itself.
            if keys.contains(&word) || (sheet.is_torn && at == 0) {
                continue;
            }
            let hint = way_out(word, keys.iter().copied());
            sheet.problem(key.span().start, format!("{} has no `{word}`; {hint}", section.title));
        }
        section
    }

    pub(super) fn value(&self, key: &str) -> Option<&'d Spanned<DeValue<'d>>> {
        self.table.get(key)
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.value(key).is_some()
    }

    /// How many items the list of a key has.
    pub(super) fn length(&self, key: &str) -> usize {
        self.value(key)
            .and_then(|it| it.get_ref().as_array())
            .map_or(0, |items| items.len())
    }

    /// Where a key stands, or the table where it does not.
    pub(super) fn place(&self, key: &str) -> usize {
        self.table
            .keys()
            .find(|it| it.get_ref() == key)
            .map_or(self.at, |it| it.span().start)
    }

    /// All keys with their values, for tables whose keys are free.
    pub(super) fn entries(&self) -> impl Iterator<Item = (Text<'d>, &'d Spanned<DeValue<'d>>)> {
        self.table.iter().map(|(key, value)| {
            (
                Text {
                    value: key.get_ref(),
                    span: key.span(),
                },
                value,
            )
        })
    }

    pub(super) fn text(&self, sheet: &mut Sheet<'_>, key: &str) -> Option<Text<'d>> {
        let value = self.value(key)?;
        let text = as_text(value);
        if text.is_none() {
            sheet.problem(value.span().start, format!("`{key}` is text in quotes"));
        }
        text
    }

    pub(super) fn required(&self, sheet: &mut Sheet<'_>, key: &str) -> Option<Text<'d>> {
        if !self.has(key) {
            sheet.missing(self, key);
        }
        self.text(sheet, key)
    }

    pub(super) fn boolean(&self, sheet: &mut Sheet<'_>, key: &str) -> Option<bool> {
        let value = self.value(key)?;
        let boolean = value.get_ref().as_bool();
        if boolean.is_none() {
            sheet.problem(value.span().start, format!("`{key}` is true or false, without quotes"));
        }
        boolean
    }

    /// A whole number in a range.
    pub(super) fn count(
        &self,
        sheet: &mut Sheet<'_>,
        key: &str,
        range: std::ops::RangeInclusive<usize>,
    ) -> Option<usize> {
        let value = self.value(key)?;
        let number = as_integer(value.get_ref())
            .and_then(|it| usize::try_from(it).ok())
            .filter(|it| range.contains(it));
        if number.is_none() {
            sheet.problem(
                value.span().start,
                format!("`{key}` is a whole number, {} to {}", range.start(), range.end()),
            );
        }
        number
    }

    pub(super) fn duration(&self, sheet: &mut Sheet<'_>, key: &str) -> Option<std::time::Duration> {
        let text = self.text(sheet, key)?;
        match crate::runbook::duration::parse(text.value) {
            Ok(duration) => Some(duration),
            Err(message) => {
                sheet.problem(text.span.start, format!("`{key}` is {message}"));
                None
            }
        }
    }

    pub(super) fn texts(&self, sheet: &mut Sheet<'_>, key: &str) -> Option<Vec<Text<'d>>> {
        let value = self.value(key)?;
        let texts = value
            .get_ref()
            .as_array()
            .and_then(|items| items.iter().map(as_text).collect());
        if texts.is_none() {
            sheet.problem(value.span().start, format!("`{key}` is a list of texts in quotes"));
        }
        texts
    }

    pub(super) fn section(&self, sheet: &mut Sheet<'_>, key: &str, keys: &[&str]) -> Option<Section<'d>> {
        let (table, at) = self.table(sheet, key)?;
        Some(Section::new(sheet, table, at, format!("`{key}`"), keys))
    }

    /// A table whose keys are free.
    pub(super) fn open_section(&self, sheet: &mut Sheet<'_>, key: &str) -> Option<Section<'d>> {
        let (table, at) = self.table(sheet, key)?;
        Some(Section {
            table,
            at,
            title: format!("`{key}`"),
        })
    }

    fn table(&self, sheet: &mut Sheet<'_>, key: &str) -> Option<(&'d DeTable<'d>, usize)> {
        let value = self.value(key)?;
        let table = value.get_ref().as_table();
        if table.is_none() {
            sheet.problem(value.span().start, format!("`{key}` is a table"));
        }
        Some((table?, self.place(key)))
    }

    /// Tables of which a single one may be written without the list.
    pub(super) fn one_or_more(&self, sheet: &mut Sheet<'_>, key: &str, keys: &[&str]) -> Vec<Section<'d>> {
        match self.value(key) {
            Some(value) if value.get_ref().is_table() => self.section(sheet, key, keys).into_iter().collect(),
            _ => self.sections(sheet, key, keys),
        }
    }

    /// A list that stands in a table is named with it.
    fn list_of_tables(&self, key: &str) -> String {
        let within = self.title.trim_matches(['[', ']', '`']);
        let path = if within == self.title {
            key.to_owned()
        } else {
            format!("{within}.{key}")
        };
        format!("`{key}` is a list of tables: write [[{path}]]")
    }

    pub(super) fn sections(&self, sheet: &mut Sheet<'_>, key: &str, keys: &[&str]) -> Vec<Section<'d>> {
        let Some(value) = self.value(key) else {
            return Vec::new();
        };
        let Some(items) = value.get_ref().as_array() else {
            sheet.problem(self.place(key), self.list_of_tables(key));
            return Vec::new();
        };
        let mut sections = Vec::new();
        for item in items.iter() {
            match item.get_ref().as_table() {
                Some(table) => sections.push(Section::new(
                    sheet,
                    table,
                    item.span().start,
                    format!("[[{key}]]"),
                    keys,
                )),
                None => sheet.problem(item.span().start, self.list_of_tables(key)),
            }
        }
        sections
    }
}

pub(super) fn as_text<'d>(value: &'d Spanned<DeValue<'d>>) -> Option<Text<'d>> {
    value.get_ref().as_str().map(|text| Text {
        value: text,
        span: value.span(),
    })
}

pub(super) fn as_integer(value: &DeValue<'_>) -> Option<i64> {
    let integer = value.as_integer()?;
    i64::from_str_radix(integer.as_str(), integer.radix()).ok()
}
