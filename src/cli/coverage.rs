//! `coverage`: which sections of a written runbook can be carried out from chat, and which still are to be read at night.

use super::export::rules;
use crate::app::AppError;
use crate::nearest::way_out;
use crate::problem::Problem;
use crate::report::terminal::shown;
use crate::runbook::Runbook;
use pulldown_cmark::{Event, HeadingLevel, Parser, Tag, TagEnd};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

/// No runbook is that long; a longer file is another one.
const MOST: u64 = 4 << 20;

/// A heading of the document.
#[derive(Debug, PartialEq, Eq)]
struct Heading {
    level: HeadingLevel,
    title: String,
    /// Where it begins, in bytes.
    at: usize,
}

/// Tells of each section who carries it out. Exit 0 if something does for each, else 1.
pub(super) fn coverage(path: &Path, document: &Path, as_json: bool) -> Result<u8, AppError> {
    let text = read(document)?;
    let (config, rules) = rules(path)?;
    let all = rules.catalog.runbooks().chain(rules.catalog.left_out());
    let mut by_section: BTreeMap<String, Vec<&Arc<Runbook>>> = BTreeMap::new();
    for runbook in all {
        if let Some(section) = &runbook.section {
            by_section.entry(plain(section)).or_default().push(runbook);
        }
    }
    let headings = headings(&text);
    let sections = sections(&headings);
    if sections.is_empty() {
        return Err(AppError::Invalid(format!(
            "{} has no headings of Markdown such as `## Rollback`",
            document.display()
        )));
    }
    let mut carried = 0;
    let mut told = Vec::new();
    for (section, within) in &sections {
        let titles: BTreeSet<String> = within.iter().map(|heading| plain(&heading.title)).collect();
        let mut by: Vec<&str> = titles
            .iter()
            .filter_map(|title| by_section.get(title))
            .flatten()
            .map(|runbook| runbook.name.as_str())
            .collect();
        by.sort_unstable();
        carried += usize::from(!by.is_empty());
        let line = Problem::at(document, &text, section.at, "").line;
        told.push(json!({ "section": section.title, "line": line, "runbooks": by }));
        if !as_json {
            let by: Vec<String> = by.iter().map(|name| format!("/{name}")).collect();
            let by = if by.is_empty() {
                "nothing carries it out".to_owned()
            } else {
                by.join(", ")
            };
            super::line(&shown(&format!(
                "{}:{line}: {}: {by}",
                document.display(),
                section.title
            )));
        }
    }
    let known: BTreeSet<String> = headings.iter().map(|heading| plain(&heading.title)).collect();
    let mut astray = Vec::new();
    for (section, runbooks) in by_section.iter().filter(|(section, _)| !known.contains(*section)) {
        for runbook in runbooks {
            let file = config.files.commands.join(format!("{}.toml", runbook.name));
            let way_out = way_out(section, known.iter().map(String::as_str));
            let message = format!("the document has no section `{section}`; {way_out}");
            let at = runbook.source.find("section").unwrap_or_default();
            let problem = Problem::at(file, &runbook.source, at, message);
            if !as_json {
                super::line(&shown(&problem.brief()));
            }
            astray.push(json!({ "runbook": runbook.name, "section": section, "say": problem.message }));
        }
    }
    let say = format!("{carried} of {} sections can be carried out.", sections.len());
    if as_json {
        let all = json!({ "sections": told, "astray": astray, "covered": carried, "of": sections.len(), "say": say });
        super::line(&all.to_string());
    } else {
        super::line(&say);
    }
    Ok(u8::from(carried < sections.len()))
}

fn read(document: &Path) -> Result<String, AppError> {
    let wrong = |why: String| AppError::Invalid(format!("{} cannot be read: {why}", document.display()));
    let mut text = String::new();
    // What is no file may tell no length and have no end.
    std::fs::File::open(document)
        .and_then(|file| file.take(MOST + 1).read_to_string(&mut text))
        .map_err(|error| wrong(error.to_string()))?;
    if text.len() as u64 > MOST {
        return Err(wrong(format!("a written runbook has at most {MOST} bytes")));
    }
    Ok(text)
}

/// As it is compared: what differs in space and case alone is the same.
fn plain(title: &str) -> String {
    title.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

fn headings(text: &str) -> Vec<Heading> {
    let mut found = Vec::new();
    let mut open: Option<Heading> = None;
    for (event, range) in Parser::new(text).into_offset_iter() {
        match event {
            Event::Start(Tag::Heading { level, .. }) => {
                open = Some(Heading {
                    level,
                    title: String::new(),
                    at: range.start,
                });
            }
            Event::End(TagEnd::Heading(_)) => found.extend(open.take()),
            Event::Text(words) | Event::Code(words) => {
                if let Some(heading) = &mut open {
                    heading.title.push_str(&words);
                }
            }
            Event::SoftBreak | Event::HardBreak => {
                if let Some(heading) = &mut open {
                    heading.title.push(' ');
                }
            }
            _ => {}
        }
    }
    found.retain(|heading| !heading.title.trim().is_empty());
    found
}

/// The sections with all headings within each: those of the second level below a title, else those of the uppermost.
fn sections(headings: &[Heading]) -> Vec<(&Heading, &[Heading])> {
    let Some(top) = headings.iter().map(|heading| heading.level).min() else {
        return Vec::new();
    };
    let is_title = headings.iter().filter(|heading| heading.level == top).count() == 1;
    let next = headings
        .iter()
        .map(|heading| heading.level)
        .filter(|level| *level > top)
        .min();
    let level = next.filter(|_| is_title).unwrap_or(top);
    let begins: Vec<usize> = (0..headings.len())
        .filter(|&index| headings[index].level == level)
        .collect();
    let ends = begins.iter().skip(1).copied().chain([headings.len()]);
    begins
        .iter()
        .zip(ends)
        .map(|(&begin, end)| (&headings[begin], &headings[begin..end]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_are_the_headings_below_the_title() {
        for (text, expected) in [
            ("", ""),
            ("no heading\n", ""),
            ("# Runbook\n\n## One\n### Inner\n## Two `x`\n", "One > Inner; Two x"),
            // Without a title, or with several.
            ("## One\n## Two\n", "One; Two"),
            ("# One\n## Inner\n# Two\n", "One > Inner; Two"),
            ("# Alone\n", "Alone"),
            // What only looks like one.
            ("# Run\n\n```sh\n## no heading\n```\n\nTwo\n---\n\n##\n", "Two"),
        ] {
            let headings = headings(text);
            let found = sections(&headings);
            let titles = found.iter().map(|(_, within)| {
                let titles: Vec<&str> = within.iter().map(|heading| heading.title.as_str()).collect();
                titles.join(" > ")
            });
            assert_eq!(titles.collect::<Vec<_>>().join("; "), expected, "{text}");
        }
    }
}
