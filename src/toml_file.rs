//! A configuration file while it is read: every mistake is told at once, each with its place. What a line says beyond
//! its key is never repeated, because a value may be a secret that was written there by mistake.

use crate::nearest::way_out;
use crate::problem::Problem;
use crate::secret::SecretRef;
use std::cell::RefCell;
use std::ops::{Range, RangeInclusive};
use std::path::Path;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// One file and the problems found in it so far.
#[derive(Debug)]
pub struct TomlFile<'t> {
    path: &'t Path,
    text: &'t str,
    // Sections borrow the file while they report to it.
    found: RefCell<Found>,
}

#[derive(Debug, Default)]
struct Found {
    problems: Vec<Problem>,
    /// What a broken line took with it is not missing.
    torn: bool,
}

impl<'t> TomlFile<'t> {
    /// A file that has been read from disk.
    pub fn new(path: &'t Path, text: &'t str) -> Self {
        Self {
            path,
            text,
            found: RefCell::default(),
        }
    }

    /// What a path in the file is relative to.
    pub fn folder(&self) -> &'t Path {
        self.path.parent().unwrap_or(Path::new(""))
    }

    /// The tree; of a file with broken lines, what can be made of the others.
    pub fn parse(&self) -> Spanned<DeTable<'t>> {
        let (tree, errors) = DeTable::parse_recoverable(self.text);
        for error in errors {
            let offset = error.span().map_or(0, |span| span.start);
            let mut problem = Problem::at(self.path, self.text, offset, error.message());
            problem.excerpt.clear();
            let mut found = self.found.borrow_mut();
            found.problems.push(problem);
            found.torn = true;
        }
        tree
    }

    /// The whole file as a section.
    pub fn root<'f>(&'f self, tree: &'f Spanned<DeTable<'f>>) -> Section<'f> {
        Section {
            file: self,
            name: String::new(),
            span: 0..0,
            table: tree.get_ref(),
            asked: Vec::new(),
        }
    }

    /// Notes a mistake.
    pub fn problem(&self, span: &Range<usize>, message: impl Into<String>) {
        let mut problem = Problem::at(self.path, self.text, span.start, message);
        problem.excerpt = without_value(&problem.excerpt);
        self.found.borrow_mut().problems.push(problem);
    }

    fn missing(&self, span: &Range<usize>, message: String) {
        if !self.found.borrow().torn {
            self.problem(span, message);
        }
    }

    /// All mistakes, in the file's order.
    pub fn into_problems(self) -> Vec<Problem> {
        let mut problems = self.found.into_inner().problems;
        problems.sort();
        problems.dedup();
        problems
    }
}

/// The part of a line that names, without the part that tells.
fn without_value(line: &str) -> String {
    let bare = |text: &str| text.chars().all(|c| c.is_alphanumeric() || " \t_-.[]".contains(c));
    match line.split_once('=') {
        Some((key, _)) if bare(key) => format!("{key}= …"),
        None if line.trim_start().starts_with('[') && bare(line) => line.to_owned(),
        _ => String::new(),
    }
}

/// A text and where it stands.
#[derive(Debug, Clone)]
pub struct Text<'f> {
    /// The text.
    pub value: &'f str,
    /// Its place in the file.
    pub span: Range<usize>,
}

/// A table of the file. Keys that nobody asked for are unknown keys; [`Section::close`] tells them.
#[derive(Debug)]
pub struct Section<'f> {
    file: &'f TomlFile<'f>,
    name: String,
    span: Range<usize>,
    table: &'f DeTable<'f>,
    asked: Vec<&'static str>,
}

impl<'f> Section<'f> {
    /// The file, to report to.
    pub fn file(&self) -> &'f TomlFile<'f> {
        self.file
    }

    /// Where the section begins.
    pub fn span(&self) -> &Range<usize> {
        &self.span
    }

    /// A key with the names of the tables around it, as people would call it.
    pub fn key(&self, key: &str) -> String {
        if self.name.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.name)
        }
    }

    fn get(&mut self, key: &'static str) -> Option<&'f Spanned<DeValue<'f>>> {
        if !self.asked.contains(&key) {
            self.asked.push(key);
        }
        self.table.get(key)
    }

    fn wrong_kind(&self, key: &str, value: &Spanned<DeValue<'_>>, wanted: &str) {
        self.file.problem(
            &value.span(),
            format!(
                "`{}` must be {wanted}, and this is {}",
                self.key(key),
                kind(value.get_ref())
            ),
        );
    }

    /// A text.
    pub fn text(&mut self, key: &'static str) -> Option<Text<'f>> {
        let value = self.get(key)?;
        let text = value.get_ref().as_str();
        if text.is_none() {
            self.wrong_kind(key, value, "a text in quotes");
        }
        Some(Text {
            value: text?,
            span: value.span(),
        })
    }

    /// A text that must be there.
    pub fn required_text(&mut self, key: &'static str) -> Option<Text<'f>> {
        self.require(key);
        self.text(key)
    }

    /// Tells if a key is absent.
    pub fn require(&mut self, key: &'static str) {
        if self.get(key).is_none() {
            self.file.missing(&self.span, format!("`{}` is missing", self.key(key)));
        }
    }

    /// Where a secret is kept.
    pub fn secret(&mut self, key: &'static str) -> Option<SecretRef> {
        let text = self.text(key)?;
        self.secret_in(key, &text)
    }

    /// Where a secret is kept, of a key that takes other texts too.
    pub fn secret_in(&self, key: &str, text: &Text<'_>) -> Option<SecretRef> {
        match SecretRef::parse(self.key(key), text.value, self.file.folder()) {
            Ok(secret) => Some(secret),
            Err(error) => {
                self.file.problem(&text.span, error.to_string());
                None
            }
        }
    }

    /// Where a secret is kept that must be there.
    pub fn required_secret(&mut self, key: &'static str) -> Option<SecretRef> {
        self.require(key);
        self.secret(key)
    }

    /// A list of texts; none where the key is absent.
    pub fn texts(&mut self, key: &'static str) -> Vec<Text<'f>> {
        let Some(value) = self.get(key) else { return Vec::new() };
        let Some(items) = value.get_ref().as_array() else {
            self.wrong_kind(key, value, "a list of texts");
            return Vec::new();
        };
        let mut texts = Vec::new();
        for item in items.iter() {
            match item.get_ref().as_str() {
                Some(value) => texts.push(Text {
                    value,
                    span: item.span(),
                }),
                None => self.wrong_kind(key, item, "a list of texts"),
            }
        }
        texts
    }

    /// A list of texts that must be there, with at least one in it.
    pub fn required_texts(&mut self, key: &'static str) -> Vec<Text<'f>> {
        self.require(key);
        if let Some(value) = self.get(key)
            && value.get_ref().as_array().is_some_and(|items| items.is_empty())
        {
            self.file.problem(
                &value.span(),
                format!("`{}` is empty; name at least one", self.key(key)),
            );
        }
        self.texts(key)
    }

    /// True or false; false where the key is absent.
    pub fn flag(&mut self, key: &'static str) -> Option<bool> {
        let Some(value) = self.get(key) else { return Some(false) };
        let flag = value.get_ref().as_bool();
        if flag.is_none() {
            self.wrong_kind(key, value, "true or false");
        }
        flag
    }

    /// A whole number of a range; none where the key is absent, or wrong and told.
    pub fn count(&mut self, key: &'static str, range: RangeInclusive<u32>) -> Option<u32> {
        let value = self.get(key)?;
        let count = value.get_ref().as_integer().and_then(|written| {
            let digits = written.as_str().replace('_', "");
            u32::from_str_radix(&digits, written.radix()).ok()
        });
        let count = count.filter(|count| range.contains(count));
        if count.is_none() {
            let wanted = format!("a whole number from {} to {}", range.start(), range.end());
            self.wrong_kind(key, value, &wanted);
        }
        count
    }

    /// A table below this one.
    pub fn section(&mut self, key: &'static str) -> Option<Section<'f>> {
        let value = self.get(key)?;
        self.below(key, value)
    }

    /// A table below this one that must be there.
    pub fn required_section(&mut self, key: &'static str) -> Option<Section<'f>> {
        if self.get(key).is_none() {
            self.file
                .missing(&self.span, format!("the section `[{}]` is missing", self.key(key)));
        }
        self.section(key)
    }

    /// The tables `[key.NAME]` with their names, which are words: `ops`, `shop-db`.
    pub fn named_sections(&mut self, key: &'static str) -> Vec<(Text<'f>, Section<'f>)> {
        let Some(all) = self.section(key) else {
            return Vec::new();
        };
        let mut sections = Vec::new();
        for (name, value) in all.table.iter() {
            if !is_word(name.get_ref()) {
                self.file.problem(
                    &name.span(),
                    format!(
                        "{key} names are lowercase words such as `ops` or `shop-db`; `{}` is not",
                        name.get_ref()
                    ),
                );
            } else if let Some(section) = all.below(name.get_ref(), value) {
                // The header of a table that only dotted keys imply has no place of its own.
                let span = name.span();
                sections.push((
                    Text {
                        value: name.get_ref(),
                        span: span.clone(),
                    },
                    Section { span, ..section },
                ));
            }
        }
        sections
    }

    fn below(&self, key: &str, value: &'f Spanned<DeValue<'f>>) -> Option<Section<'f>> {
        let table = value.get_ref().as_table();
        if table.is_none() {
            self.wrong_kind(key, value, "a section");
        }
        Some(Section {
            file: self.file,
            name: self.key(key),
            span: value.span(),
            table: table?,
            asked: Vec::new(),
        })
    }

    /// Tells every key that nobody asked for.
    pub fn close(self) {
        for name in self
            .table
            .keys()
            .filter(|name| !self.asked.contains(&name.get_ref().as_ref()))
        {
            let way_out = way_out(name.get_ref(), self.asked.iter().copied());
            self.file.problem(
                &name.span(),
                format!("`{}` is not known; {way_out}", self.key(name.get_ref())),
            );
        }
    }
}

fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a section",
    }
}

/// Whether a name can stand in policies, sentences and addresses without quoting.
pub fn is_word(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_lowercase())
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_')
}

/// Whether a file of a folder of rules is one of them. What editors put beside a file while it is open begins with a
/// dot, or ends otherwise.
pub fn is_rule_file(path: &Path) -> bool {
    let hidden = path
        .file_name()
        .is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
    !hidden && path.extension().is_some_and(|extension| extension == "toml")
}
