//! Which runbooks are suggested for which alerts, and for which somebody is paged: rules on labels, from
//! `config/alerts.toml`. What is pressed is asked for by whoever presses it, and goes through the gate like anything else.
//!
//! A rule matches as a route of Alertmanager does: `severity="critical"`, `team=~"shop|payments"`. Inputs are filled in
//! from the labels of the alerts that fire and match; a rule whose label an alert does not have is not offered for it.

use super::group::Group;
use super::matcher::{Matcher, is_label};
use super::notification::Words;
use super::route::{Route, routes};
use crate::problem::Problem;
use crate::toml_file::{Section, Text, TomlFile};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::Path;

/// Suggestions of one group.
const MOST: usize = 5;

/// Characters of a button's text that are our own concern; platforms cut what is longer.
const LABEL: usize = 60;

/// Values that one list takes.
const VALUES: usize = 20;

/// What is known of a runbook that a rule names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Named {
    /// Its inputs, and whether each takes a list.
    Known(Vec<(String, bool)>),
    /// It is there, and what is wrong with it is told elsewhere.
    Faulty,
    /// There is none of that name.
    Missing,
}

/// What a rule may name.
pub trait Runbooks {
    /// What is known of a runbook.
    fn named(&self, runbook: &str) -> Named;
}

/// All rules.
#[derive(Debug, Clone, Default)]
pub struct Suggestions {
    rules: Vec<Rule>,
    routes: Vec<Route>,
    text: String,
}

impl PartialEq for Suggestions {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

#[derive(Debug, Clone)]
struct Rule {
    name: String,
    label: Template,
    matchers: Vec<Matcher>,
    runbook: String,
    inputs: Vec<Filled>,
}

#[derive(Debug, Clone)]
struct Filled {
    name: String,
    takes_many: bool,
    value: Template,
}

/// A text with labels in braces.
#[derive(Debug, Clone)]
struct Template(Vec<Part>);

#[derive(Debug, Clone)]
enum Part {
    Text(String),
    Label(String),
}

/// One suggestion, ready to be asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suggested {
    /// Stands in the button. It means this runbook with these inputs and nothing else.
    pub key: String,
    /// On the button.
    pub label: String,
    /// Which runbook.
    pub runbook: String,
    /// Its inputs, as names and values.
    pub inputs: Vec<(String, String)>,
}

impl Suggestions {
    /// Reads the file, with the kinds of the connections by their names. What is faulty is left out and told.
    pub fn read(
        path: &Path,
        text: &str,
        runbooks: &impl Runbooks,
        connections: &BTreeMap<String, String>,
    ) -> (Self, Vec<Problem>) {
        let file = TomlFile::new(path, text);
        let tree = file.parse();
        let mut root = file.root(&tree);
        let sections = root.named_sections("suggest");
        let routes = routes(&mut root, connections);
        root.close();
        let rules = sections
            .into_iter()
            .filter_map(|(name, section)| rule(&name, section, runbooks));
        let mut rules: Vec<(Range<usize>, Rule)> = rules.collect();
        // As they stand in the file: the first ones have buttons first.
        rules.sort_by_key(|(span, _)| span.start);
        let suggestions = Self {
            rules: rules.into_iter().map(|(_, rule)| rule).collect(),
            routes,
            text: text.to_owned(),
        };
        (suggestions, file.into_problems())
    }

    /// The connections through which somebody is paged for a group as it stands; none where no rule says so.
    pub fn pages(&self, group: &Group) -> BTreeSet<String> {
        let matching = self.routes.iter().filter(|route| route.matches(group));
        matching.map(|route| route.on.clone()).collect()
    }

    /// What is suggested for a group as it stands; nothing where nothing of it fires.
    pub fn of(&self, group: &Group) -> Vec<Suggested> {
        let mut all: Vec<Suggested> = Vec::new();
        for rule in &self.rules {
            let firing = group.firing().map(|member| &member.alert.labels);
            let matching: Vec<&Words> = firing.filter(|labels| rule.matches(labels)).collect();
            for suggested in rule.suggest(&matching) {
                if all.len() < MOST && !all.iter().any(|known| known.key == suggested.key) {
                    all.push(suggested);
                }
            }
        }
        all
    }
}

impl Rule {
    fn matches(&self, labels: &Words) -> bool {
        self.matchers.iter().all(|matcher| matcher.matches(labels))
    }

    /// One suggestion with lists where lists are taken; else one for each alert.
    fn suggest(&self, alerts: &[&Words]) -> Vec<Suggested> {
        let mut found: Vec<Suggested> = Vec::new();
        for labels in alerts {
            let inputs = self.inputs.iter().map(|input| {
                let values = if input.takes_many {
                    let mut values: Vec<String> = alerts.iter().filter_map(|labels| input.value.fill(labels)).collect();
                    values.dedup();
                    let mut seen = BTreeSet::new();
                    values.retain(|value| seen.insert(value.clone()));
                    values.truncate(VALUES);
                    (!values.is_empty()).then(|| values.join(","))
                } else {
                    input.value.fill(labels)
                };
                Some((input.name.clone(), values?))
            });
            let (Some(inputs), Some(label)) = (inputs.collect::<Option<Vec<_>>>(), self.label.fill(labels)) else {
                continue;
            };
            let key = format!("{}-{}", self.name, hash(&self.runbook, &inputs));
            if found.iter().any(|known| known.key == key) {
                continue;
            }
            found.push(Suggested {
                key,
                label: label.chars().take(LABEL).collect(),
                runbook: self.runbook.clone(),
                inputs,
            });
        }
        found
    }
}

impl Template {
    fn fill(&self, labels: &Words) -> Option<String> {
        let parts = self.0.iter().map(|part| match part {
            Part::Text(text) => Some(text.as_str()),
            Part::Label(label) => labels.get(label).map(String::as_str),
        });
        parts.collect()
    }

    fn parse(text: &str) -> Result<Self, &'static str> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let (label, after) = after.split_once('}').ok_or("a brace is not closed")?;
            if !is_label(label) {
                return Err("between braces stands the name of a label, such as {supplier}");
            }
            parts.push(Part::Text(before.to_owned()));
            parts.push(Part::Label(label.to_owned()));
            rest = after;
        }
        if rest.contains('}') {
            return Err("a brace is closed that was not opened");
        }
        parts.push(Part::Text(rest.to_owned()));
        Ok(Self(parts))
    }
}

fn rule(name: &Text<'_>, mut section: Section<'_>, runbooks: &impl Runbooks) -> Option<(Range<usize>, Rule)> {
    let label = section
        .required_text("label")
        .and_then(|text| template(&section, &text));
    let matchers: Vec<Option<Matcher>> = section
        .required_texts("match")
        .iter()
        .map(|text| Matcher::read(&section, text))
        .collect();
    let runbook = section.required_text("runbook");
    let known = runbook.as_ref().and_then(|text| match runbooks.named(text.value) {
        Named::Known(inputs) => Some(inputs),
        Named::Faulty => None,
        Named::Missing => {
            let message = format!(
                "there is no runbook `{}`; name one of the folder of the runbooks",
                text.value
            );
            section.file().problem(&text.span, message);
            None
        }
    });
    let inputs: Vec<Option<Filled>> = section
        .texts("with")
        .iter()
        .map(|text| input(&section, text, known.as_deref()))
        .collect();
    section.close();
    let rule = Rule {
        name: name.value.to_owned(),
        label: label?,
        matchers: matchers.into_iter().collect::<Option<_>>()?,
        runbook: runbook.filter(|_| known.is_some())?.value.to_owned(),
        inputs: inputs.into_iter().collect::<Option<_>>()?,
    };
    Some((name.span.clone(), rule))
}

fn template(section: &Section<'_>, text: &Text<'_>) -> Option<Template> {
    let parsed = Template::parse(text.value);
    if let Err(why) = &parsed {
        section.file().problem(&text.span, *why);
    }
    parsed.ok()
}

fn input(section: &Section<'_>, text: &Text<'_>, known: Option<&[(String, bool)]>) -> Option<Filled> {
    let Some((name, value)) = text.value.split_once('=') else {
        section
            .file()
            .problem(&text.span, "an input is filled in as \"supplier={supplier}\"");
        return None;
    };
    let value = Text {
        value,
        span: text.span.clone(),
    };
    let value = template(section, &value)?;
    let input = known?.iter().find(|(known, _)| known == name);
    let Some((name, takes_many)) = input else {
        let message = format!("the runbook has no input `{name}`");
        section.file().problem(&text.span, message);
        return None;
    };
    Some(Filled {
        name: name.clone(),
        takes_many: *takes_many,
        value,
    })
}

fn hash(runbook: &str, inputs: &[(String, String)]) -> String {
    let mut hash = Sha256::new();
    hash.update(runbook.as_bytes());
    for (name, value) in inputs {
        for part in [name, value] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
    }
    hex::encode(&hash.finalize()[..4])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::notification::Notification;
    use serde_json::json;

    struct Known;

    impl Runbooks for Known {
        fn named(&self, runbook: &str) -> Named {
            match runbook {
                "resync" => Named::Known(vec![("supplier".to_owned(), true)]),
                "status" => Named::Known(vec![("supplier".to_owned(), false)]),
                "broken" => Named::Faulty,
                _ => Named::Missing,
            }
        }
    }

    fn connections() -> BTreeMap<String, String> {
        let known = [("oncall", "pagerduty"), ("metrics", "prometheus")];
        known.map(|(name, kind)| (name.to_owned(), kind.to_owned())).into()
    }

    const FILE: &str = r#"
[page.oncall]
match = ['severity=~"critical|page"']
on = "oncall"

[suggest.status]
label = "Status of {supplier}"
match = ['alertname="SupplierFails"']
runbook = "status"
with = ["supplier={supplier}"]

[suggest.resync]
label = "Resync them"
match = ["alertname=SupplierFails", 'severity=~"critical|page"', "team!=web"]
runbook = "resync"
with = ["supplier={supplier}"]
"#;

    fn group(alerts: &[(&str, &str, &str)]) -> Group {
        let alerts: Vec<_> = alerts
            .iter()
            .map(|(name, severity, supplier)| {
                let mut labels = json!({"alertname": name, "severity": severity});
                if !supplier.is_empty() {
                    labels["supplier"] = (*supplier).into();
                }
                json!({"status": "firing", "fingerprint": format!("{name}{supplier}"), "labels": labels})
            })
            .collect();
        let body = json!({"groupKey": "k", "alerts": alerts}).to_string();
        let notification = Notification::read(body.as_bytes()).unwrap();
        Group::open(&notification, "2026-11-27T12:00:00Z".parse().unwrap()).unwrap()
    }

    fn seen(group: &Group) -> Vec<String> {
        let (rules, problems) = Suggestions::read(Path::new("alerts.toml"), FILE, &Known, &connections());
        assert_eq!(problems, []);
        let suggested = rules.of(group).into_iter();
        let shown = suggested.map(|one| {
            let inputs: Vec<String> = one
                .inputs
                .iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            format!("[{}] /{} {}", one.label, one.runbook, inputs.join(" "))
        });
        shown.collect()
    }

    #[test]
    fn what_fires_and_matches_is_suggested_with_its_labels() {
        let both = group(&[
            ("SupplierFails", "critical", "CJ"),
            ("SupplierFails", "critical", "Ali"),
        ]);
        assert_eq!(
            seen(&both),
            [
                "[Status of Ali] /status supplier=Ali",
                "[Status of CJ] /status supplier=CJ",
                "[Resync them] /resync supplier=Ali,CJ"
            ]
        );
        let mild = group(&[("SupplierFails", "info", "CJ")]);
        assert_eq!(seen(&mild), ["[Status of CJ] /status supplier=CJ"]);
        // Without the label there is nothing to fill in; and another alert is another matter.
        assert!(
            seen(&group(&[
                ("SupplierFails", "critical", ""),
                ("Other", "critical", "CJ")
            ]))
            .is_empty()
        );
    }

    #[test]
    fn a_button_means_what_it_showed() {
        let (rules, _) = Suggestions::read(Path::new("alerts.toml"), FILE, &Known, &connections());
        let keys = |group: &Group| rules.of(group).into_iter().map(|one| one.key).collect::<Vec<_>>();
        let one = keys(&group(&[("SupplierFails", "critical", "CJ")]));
        let both = keys(&group(&[
            ("SupplierFails", "critical", "CJ"),
            ("SupplierFails", "critical", "Ali"),
        ]));
        assert!(both.contains(&one[0]), "the status of CJ is the same");
        assert!(
            !both.contains(&one[1]),
            "to resync CJ alone is something else than to resync both"
        );
        assert!(one[0].starts_with("status-") && one[0].len() < 40);
    }

    #[test]
    fn nobody_is_paged_unless_a_rule_says_so() {
        let (rules, _) = Suggestions::read(Path::new("alerts.toml"), FILE, &Known, &connections());
        let paged = |alerts: &[(&str, &str, &str)]| rules.pages(&group(alerts)).into_iter().collect::<Vec<_>>();
        assert_eq!(paged(&[("Other", "info", ""), ("Other", "critical", "")]), ["oncall"]);
        assert_eq!(paged(&[("Other", "info", "")]), Vec::<String>::new());
        let nobody = Suggestions::default();
        assert!(nobody.pages(&group(&[("Other", "critical", "")])).is_empty());
    }

    #[test]
    fn a_page_goes_to_a_paging_system() {
        let text = "[page.a]\nmatch = [\"severity=critical\"]\non = \"metrics\"\n[page.b]\nmatch = [\"severity\"]\non = \
                    \"oncal\"\n";
        let (rules, problems) = Suggestions::read(Path::new("alerts.toml"), text, &Known, &connections());
        let told: Vec<String> = problems.iter().map(Problem::brief).collect();
        insta::assert_snapshot!(told.join("\n"), @"
        alerts.toml:3:6: `metrics` is a connection of the kind `prometheus`, which pages nobody; name one of the kind `pagerduty` or `jsm`
        alerts.toml:5:10: there is no =, !=, =~ or !~; a matcher is written as 'severity=~\"critical|warning\"'
        alerts.toml:6:6: there is no connection `oncal`; did you mean `oncall`?
        ");
        assert!(rules.routes.is_empty());
    }

    #[test]
    fn mistakes_are_told_with_their_place() {
        let text = "[suggest.a]\nlabel = \"x {b\"\nmatch = [\"=x\", \"severity\", 's=~\"(\"']\nrunbook = \"gone\"\n\
                    [suggest.b]\nlabel = \"x\"\nmatch = []\nrunbook = \"resync\"\nwith = [\"order=1\", \"supplier\"]\nodd = 1\n\
                    [suggest.c]\nlabel = \"x\"\nmatch = [\"a=b\"]\nrunbook = \"broken\"\nwith = [\"any=1\"]\n";
        let (rules, problems) = Suggestions::read(Path::new("alerts.toml"), text, &Known, &connections());
        let told: Vec<String> = problems.iter().map(Problem::brief).collect();
        insta::assert_snapshot!(told.join("\n"), @r#"
        alerts.toml:2:9: a brace is not closed
        alerts.toml:3:10: before the operator stands the name of a label; a matcher is written as 'severity=~"critical|warning"'
        alerts.toml:3:16: there is no =, !=, =~ or !~; a matcher is written as 'severity=~"critical|warning"'
        alerts.toml:3:28: this is no regular expression; a matcher is written as 'severity=~"critical|warning"'
        alerts.toml:4:11: there is no runbook `gone`; name one of the folder of the runbooks
        alerts.toml:7:9: `suggest.b.match` is empty; name at least one
        alerts.toml:9:9: the runbook has no input `order`
        alerts.toml:9:20: an input is filled in as "supplier={supplier}"
        alerts.toml:10:1: `suggest.b.odd` is not known; there is `label`, `match`, `runbook`, `with`
        "#);
        assert!(rules.rules.len() <= 1);
    }
}
