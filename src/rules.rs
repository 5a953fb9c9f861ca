//! What people decide about the bot, in files: runbooks, people, policy, panels. Read together, used together.

pub mod change;
pub mod live;
mod pinned;
pub mod watch;

use crate::alert::asking::{self, Named, Runbooks, Takes};
use crate::alert::auto::{Auto, ByItself, Consequences};
use crate::alert::group::Group;
use crate::alert::suggest::{Suggested, Suggestions};
use crate::config::Config;
use crate::integration::ACTIONS;
use crate::panel::{Panels, Signal};
use crate::policy::authorize::{Policy, RunbookFacts};
use crate::policy::identity::People;
use crate::problem::Problem;
use crate::request::Words;
use crate::runbook::Runbook;
use crate::runbook::action::Effect;
use crate::runbook::catalog::Catalog;
use crate::runbook::input::{InputSpec, interpret};
use crate::runbook::load::{Known, load_folder_again};
use crate::toml_file::is_word;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

/// What the policy calls what people do about alerts: as if it were a runbook that writes.
pub const ALERTS: &str = "alerts";

/// All of them, consistent with each other.
#[derive(Debug, Clone)]
pub struct Rules {
    /// The runbooks.
    pub catalog: Catalog,
    /// Who somebody is.
    pub people: People,
    /// Who may do what.
    pub policy: Arc<Policy>,
    /// Signals and panels.
    pub panels: Panels,
    /// What is suggested for which alerts.
    pub suggestions: Suggestions,
    /// What runbooks may refer to; a pinned runbook is read with it again.
    pub known: Known,
    /// Whether people can be picked without proof.
    pub demo: bool,
    policy_text: String,
    takes_alerts: bool,
    editions: Arc<pinned::Editions>,
}

impl Rules {
    /// What the policy knows of the runbooks.
    pub fn facts(&self) -> Vec<RunbookFacts> {
        facts(&self.catalog, self.takes_alerts)
    }

    /// What can be asked for now about a group of alerts.
    pub fn suggested(&self, group: &Group) -> Vec<Suggested> {
        let mut all = self.suggestions.of(group);
        // What is left out for want of a connection cannot be asked for.
        all.retain(|suggested| self.catalog.get(&suggested.runbook).is_some());
        all
    }

    /// A runbook as it was when a run was planned by it: the one in force if it is the same, else its pinned text, read
    /// again. The problems say why this version cannot read it.
    pub fn pinned(&self, name: &str, hash: &str, source: &str) -> Result<Arc<Runbook>, Vec<Problem>> {
        match self
            .catalog
            .get(name)
            .filter(|runbook| runbook.hash == hash && runbook.source == source)
        {
            Some(runbook) => Ok(runbook.clone()),
            None => self.editions.read(name, hash, source, &self.known),
        }
    }

    /// Reads all files that the config names. Either everything is right, or every problem is told.
    pub fn load(config: &Config) -> Result<Self, Vec<Problem>> {
        Self::read(config, &Catalog::default())
    }

    /// Reads all files again. Runbooks whose files have not changed since are taken over.
    pub fn load_again(&self, config: &Config) -> Result<Self, Vec<Problem>> {
        Self::read(config, &self.catalog)
    }

    /// As much as can be read, to show what is stored and not to decide by: where the policy cannot be read nothing is
    /// permitted, and where the people cannot be read nobody is known.
    pub fn to_look(config: &Config) -> Result<Self, Vec<Problem>> {
        let (mut read, _) = Read::new(config, &Catalog::default());
        let people = read.people.take();
        let people = people.unwrap_or_else(|| People::read(&config.files.people, "", config.server.demo).0);
        let policy = match read.policy.take() {
            Some(policy) => policy,
            None => (Policy::load(&config.files.policy, "", &[], &people)?, String::new()),
        };
        Ok(read.rules(config, people, policy))
    }

    fn read(config: &Config, before: &Catalog) -> Result<Self, Vec<Problem>> {
        let (mut read, mut problems) = Read::new(config, before);
        match (read.people.take(), read.policy.take()) {
            (Some(people), Some(policy)) if problems.is_empty() => Ok(read.rules(config, people, policy)),
            _ => {
                problems.sort();
                Err(problems)
            }
        }
    }
}

/// What the files say, as far as they can be read.
struct Read {
    people: Option<People>,
    policy: Option<(Policy, String)>,
    catalog: Catalog,
    known: Known,
    panels: Panels,
    suggestions: Suggestions,
}

impl Read {
    fn new(config: &Config, before: &Catalog) -> (Self, Vec<Problem>) {
        let mut problems = Vec::new();
        let people = read_text(&config.files.people, &mut problems).map(|text| {
            let (people, found) = People::read(&config.files.people, &text, config.server.demo);
            problems.extend(found);
            people
        });
        let (known, panels, found) = known(config);
        problems.extend(found);
        let (catalog, found) = load_folder_again(&config.files.commands, &known, before);
        problems.extend(found);
        let suggestions = match &config.files.alerts {
            Some(path) => read_text(path, &mut problems).map_or_else(Suggestions::default, |text| {
                let runbooks = Suggestible {
                    catalog: &catalog,
                    folder: &config.files.commands,
                };
                let (suggestions, found) = Suggestions::read(path, &text, &runbooks, &known.connections);
                problems.extend(found);
                suggestions
            }),
            None => Suggestions::default(),
        };
        let facts = facts(&catalog, config.alerts.is_some());
        let policy: Option<(Policy, String)> = read_text(&config.files.policy, &mut problems).and_then(|text| {
            let Some(people) = people.as_ref() else {
                problems.extend(Policy::problems(&config.files.policy, &text, &facts));
                return None;
            };
            Policy::load(&config.files.policy, &text, &facts, people)
                .map_err(|found| problems.extend(found))
                .ok()
                .map(|policy| (policy, text))
        });
        if let (Some((policy, _)), Some(path)) = (&policy, &config.files.alerts) {
            let never = suggestions.autos().iter().filter_map(|auto| {
                let why = never(auto, policy)?;
                Some(suggestions.problem(path, auto, why))
            });
            problems.extend(never);
        }
        let read = Self {
            people,
            policy,
            catalog,
            known,
            panels,
            suggestions,
        };
        (read, problems)
    }

    fn rules(self, config: &Config, people: People, (policy, policy_text): (Policy, String)) -> Rules {
        Rules {
            catalog: self.catalog,
            people,
            policy: Arc::new(policy),
            panels: self.panels,
            suggestions: self.suggestions,
            takes_alerts: config.alerts.is_some(),
            known: self.known,
            demo: config.server.demo,
            policy_text,
            editions: Arc::default(),
        }
    }
}

impl Consequences for Rules {
    fn pages(&self, group: &Group) -> BTreeSet<String> {
        self.suggestions.pages(group)
    }

    fn asks(&self, group: &Group, began: &BTreeSet<String>) -> Vec<ByItself> {
        let mut all = self.suggestions.asks(group, began);
        // What is left out for want of a connection cannot be asked for.
        all.retain(|one| self.catalog.get(&one.runbook).is_some());
        all
    }
}

/// Who is known, by a file in which nothing is wrong.
pub fn people(config: &Config) -> Result<People, Vec<Problem>> {
    let path = &config.files.people;
    let mut problems = Vec::new();
    let text = read_text(path, &mut problems).ok_or(problems)?;
    People::load(path, &text, config.server.demo)
}

/// What runbooks may refer to, with the panels that tell part of it and what is wrong with them.
pub fn known(config: &Config) -> (Known, Panels, Vec<Problem>) {
    let connections: BTreeMap<String, String> = config
        .connections
        .iter()
        .map(|(name, connection)| (name.clone(), connection.kind().to_owned()))
        .collect();
    let (panels, problems) = match &config.files.panels {
        Some(folder) => Panels::load_folder(folder, &connections, ACTIONS),
        None => (Panels::default(), Vec::new()),
    };
    let (split, single): (Vec<_>, Vec<_>) = panels.signals.values().partition(|signal| signal.by().is_some());
    let names = |signals: Vec<&Signal>| signals.into_iter().map(|signal| signal.name.clone()).collect();
    let known = Known {
        connections,
        signals: Some(names(single)),
        split: names(split),
        panels: Some(panels.panels.keys().cloned().collect()),
        actions: ACTIONS,
    };
    (known, panels, problems)
}

/// What an editor may offer: as much as can be read, with the connections that sound runbooks can do without.
pub fn known_to_editors(config: &Config) -> Known {
    let (mut known, _, _) = known(config);
    let (catalog, _) = load_folder_again(&config.files.commands, &known, &Catalog::default());
    for runbook in catalog.runbooks().chain(catalog.left_out()) {
        let used = runbook.connections();
        known
            .connections
            .extend(used.map(|(name, kind)| (name.to_owned(), kind.to_owned())));
    }
    known
}

/// What the policy must know of the runbooks.
fn facts(catalog: &Catalog, takes_alerts: bool) -> Vec<RunbookFacts> {
    // A runbook of that name would stand for itself.
    let alerts = (takes_alerts && catalog.get(ALERTS).is_none()).then(|| RunbookFacts {
        name: ALERTS.to_owned(),
        effect: Effect::Write,
        radius_names: BTreeSet::new(),
    });
    let runbooks = catalog
        .runbooks()
        .chain(catalog.left_out())
        .map(|runbook| RunbookFacts {
            name: runbook.name.clone(),
            effect: runbook.effect(),
            radius_names: runbook.radius.keys().cloned().collect(),
        });
    runbooks.chain(alerts).collect()
}

/// Why a rule by which alerts ask would never come to anything; none where it may.
fn never(auto: &Auto, policy: &Policy) -> Option<String> {
    let runbooks = [Some(auto.runbook()), auto.look().map(|look| look.runbook.as_str())];
    runbooks.into_iter().flatten().find_map(|runbook| {
        let act = policy.never(runbook, |name| auto.may_mean(name))?;
        Some(format!(
            "no policy lets such an alert {0} `{runbook}`, so this never asks for anything; write one as `permit (principal == \
             Alert::\"NAME\", action in [Action::\"ask\", Action::\"run\"], resource == Runbook::\"{runbook}\");`, or \
             leave the rule out",
            act.phrase()
        ))
    })
}

/// The runbooks that rules on alerts may name.
struct Suggestible<'a> {
    catalog: &'a Catalog,
    folder: &'a Path,
}

impl Suggestible<'_> {
    fn find(&self, name: &str) -> Option<&Runbook> {
        let known = self.catalog.get(name);
        let known = known.or_else(|| self.catalog.left_out().find(|known| known.name == name));
        known.map(|known| &**known)
    }
}

impl Runbooks for Suggestible<'_> {
    fn named(&self, name: &str) -> Named {
        match self.find(name) {
            Some(known) => Named::Known(asking::Facts {
                inputs: known.inputs.iter().map(takes).collect(),
                reads: known.effect() == Effect::Read,
                columns: known.result.iter().flat_map(|result| result.columns.clone()).collect(),
            }),
            None if is_word(name) && self.folder.join(format!("{name}.toml")).exists() => Named::Faulty,
            None => Named::Missing,
        }
    }

    fn misfits(&self, name: &str, inputs: &[(String, String)]) -> Vec<String> {
        let read = self
            .find(name)
            .map(|runbook| interpret(runbook, &Words::Named(inputs.to_vec())));
        read.and_then(Result::err).unwrap_or_default()
    }
}

fn takes(input: &InputSpec) -> Takes {
    Takes {
        name: input.name.clone(),
        many: input.many,
        required: input.required && input.default.is_none(),
    }
}

fn read_text(path: &Path, problems: &mut Vec<Problem>) -> Option<String> {
    std::fs::read_to_string(path)
        .map_err(|error| problems.push(Problem::whole(path, format!("cannot be read: {error}"))))
        .ok()
}
