//! Which runbooks are asked for by an alert itself, with nobody there. Where no rule says so, none is; what is asked for so
//! goes through the gate like anything else, and the policy decides of the alert as of a person.

use super::asking::{Asking, Inputs, Runbooks};
use super::group::Group;
use super::notification::Words;
use crate::request::Look;
use crate::runbook::duration;
use crate::toml_file::Section;
use jiff::SignedDuration;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::{Range, RangeInclusive};
use std::time::Duration;

/// Runs that a rule may ask for within a span of time, and how long that may be.
const AT_MOST: RangeInclusive<u32> = 1..=20;
const PER: RangeInclusive<u64> = 60..=86_400;

/// Letters of a name that is told in messages as if it were a person's.
const NAME: usize = 100;

/// One rule.
#[derive(Debug, Clone)]
pub struct Auto {
    /// As in the file.
    pub name: String,
    asking: Asking,
    at_most: u32,
    per: SignedDuration,
    /// Where it stands in the file.
    pub(super) at: usize,
}

/// What is to be asked for by an alert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ByItself {
    /// The rule.
    pub rule: String,
    /// The alert's name.
    pub alert: String,
    /// Which runbook.
    pub runbook: String,
    /// Its inputs, as names and values.
    pub inputs: Inputs,
    /// What fills in one more.
    pub look: Option<Look>,
    /// Stands for the runbook with these inputs.
    pub key: String,
    /// So many times at the most.
    pub at_most: u32,
    /// Within so long a time.
    pub per: SignedDuration,
}

/// What follows from how a group stands, with nobody there.
pub trait Consequences {
    /// The connections through which somebody is paged for it.
    fn pages(&self, group: &Group) -> BTreeSet<String>;

    /// What is asked for. `began` are the alerts that have just begun to fire, by their fingerprints.
    fn asks(&self, group: &Group, began: &BTreeSet<String>) -> Vec<ByItself>;
}

impl Auto {
    /// The runbook.
    pub fn runbook(&self) -> &str {
        &self.asking.runbook
    }

    /// The look that fills in an input.
    pub fn look(&self) -> Option<&Look> {
        self.asking.look.as_ref()
    }

    /// Whether an alert of this name could be meant.
    pub fn may_mean(&self, name: &str) -> bool {
        self.asking.may_mean(name)
    }

    /// What is asked for on account of alerts that have begun to fire. One of a name that could be taken for something else
    /// asks for nothing.
    pub(super) fn asks(&self, group: &Group, began: &BTreeSet<String>) -> Vec<ByItself> {
        let mut by_name: BTreeMap<&str, Vec<&Words>> = BTreeMap::new();
        for member in group
            .firing()
            .filter(|member| began.contains(&member.alert.fingerprint))
        {
            let labels = &member.alert.labels;
            let name = labels.get("alertname").map_or("", String::as_str);
            if is_plain(name) && self.asking.matches(labels) {
                by_name.entry(name).or_default().push(labels);
            }
        }
        let mut all: Vec<ByItself> = Vec::new();
        for (name, alerts) in by_name {
            for (_, inputs) in self.asking.fill(&alerts) {
                let key = self.asking.hash(&inputs);
                if all.iter().any(|known| known.key == key) {
                    continue;
                }
                all.push(ByItself {
                    rule: self.name.clone(),
                    alert: name.to_owned(),
                    runbook: self.asking.runbook.clone(),
                    inputs,
                    look: self.asking.look.clone(),
                    key,
                    at_most: self.at_most,
                    per: self.per,
                });
            }
        }
        all
    }
}

/// Whether a name is one of letters, digits, `_`, `-` and `.`, so that no platform makes anything else of it.
fn is_plain(name: &str) -> bool {
    (1..=NAME).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'))
}

/// The rules of a file.
pub(super) fn rules(root: &mut Section<'_>, runbooks: &impl Runbooks) -> Vec<Auto> {
    let sections = root.named_sections("auto").into_iter();
    let rules = sections.filter_map(|(name, section)| rule(name.value, &name.span, section, runbooks));
    rules.collect()
}

fn rule(name: &str, span: &Range<usize>, mut section: Section<'_>, runbooks: &impl Runbooks) -> Option<Auto> {
    let asking = Asking::read(&mut section, runbooks);
    section.require("at_most");
    let at_most = section.count("at_most", AT_MOST);
    let per = section.required_text("per").and_then(|text| {
        let fits = |span: &Duration| PER.contains(&span.as_secs());
        let per = duration::parse(text.value).ok().filter(fits);
        if per.is_none() {
            let message = format!(
                "`{}` takes a duration such as \"1h\", from a minute to a day; \"{}\" is not",
                section.key("per"),
                text.value
            );
            section.file().problem(&text.span, message);
        }
        per.and_then(|per| SignedDuration::try_from(per).ok())
    });
    if let Some(asking) = &asking {
        asking.hold_inputs(&section, runbooks);
    }
    section.close();
    Some(Auto {
        name: name.to_owned(),
        asking: asking?,
        at_most: at_most?,
        per: per?,
        at: span.start,
    })
}
