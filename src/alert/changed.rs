//! What tells of changes that were not made here, such as deploys: runbooks that only read, each of whose rows is a change.

use super::asking::{Runbooks, hold_look};
use crate::toml_file::Section;

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changes {
    /// As in the file: what its rows are.
    pub name: String,
    /// The runbook.
    pub runbook: String,
    /// The column that tells when.
    pub at: String,
}

/// Those of a file.
pub(super) fn rules(root: &mut Section<'_>, runbooks: &impl Runbooks) -> Vec<Changes> {
    let sections = root.named_sections("changed").into_iter();
    sections
        .filter_map(|(name, section)| rule(name.value, section, runbooks))
        .collect()
}

fn rule(name: &str, mut section: Section<'_>, runbooks: &impl Runbooks) -> Option<Changes> {
    section.require("look");
    let look = section.text("look");
    let columns = look.as_ref().and_then(|look| hold_look(&section, look, runbooks));
    let at = section.required_text("at").filter(|at| {
        let Some(columns) = &columns else { return false };
        let fits = columns.iter().any(|column| column == at.value);
        if !fits {
            let message = format!(
                "the look gives no column `{}` that could tell when; it has {}",
                at.value,
                columns
                    .iter()
                    .map(|name| format!("`{name}`"))
                    .collect::<Vec<_>>()
                    .join(", ")
            );
            section.file().problem(&at.span, message);
        }
        fits
    });
    section.close();
    Some(Changes {
        name: name.to_owned(),
        runbook: look?.value.to_owned(),
        at: at?.value.to_owned(),
    })
}
