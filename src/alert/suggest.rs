//! Which runbooks are suggested for which alerts, which are asked for with nobody there, and for which somebody is paged:
//! rules on labels, from `config/alerts.toml`. What is pressed is asked for by whoever presses it, and goes through the gate like anything else.
//!
//! A rule matches as a route of Alertmanager does: `severity="critical"`, `team=~"shop|payments"`. Inputs are filled in
//! from the labels of the alerts that fire and match; a rule whose label an alert does not have is not offered for it.

use super::asking::{Asking, Runbooks, Template};
use super::auto::{self, Auto, ByItself};
use super::changed::{self, Changes};
use super::group::Group;
use super::notification::Words;
use super::route::{Route, routes};
use crate::problem::Problem;
use crate::request::Look;
use crate::toml_file::{Section, Text, TomlFile};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::Path;

/// Suggestions of one group.
const MOST: usize = 5;

/// Characters of a button's text that are our own concern; platforms cut what is longer.
const LABEL: usize = 60;

/// All rules.
#[derive(Debug, Clone, Default)]
pub struct Suggestions {
    rules: Vec<Rule>,
    autos: Vec<Auto>,
    changes: Vec<Changes>,
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
    asking: Asking,
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
    /// What fills in one more when it is pressed.
    pub look: Option<Look>,
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
        let autos = auto::rules(&mut root, runbooks);
        let changes = changed::rules(&mut root, runbooks);
        root.close();
        let rules = sections
            .into_iter()
            .filter_map(|(name, section)| rule(&name, section, runbooks));
        let mut rules: Vec<(Range<usize>, Rule)> = rules.collect();
        // As they stand in the file: the first ones have buttons first.
        rules.sort_by_key(|(span, _)| span.start);
        let suggestions = Self {
            rules: rules.into_iter().map(|(_, rule)| rule).collect(),
            autos,
            changes,
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

    /// What is asked for by alerts of a group that have begun to fire, by their fingerprints; nothing where no rule says so.
    pub fn asks(&self, group: &Group, began: &BTreeSet<String>) -> Vec<ByItself> {
        self.autos.iter().flat_map(|auto| auto.asks(group, began)).collect()
    }

    /// The rules by which alerts ask.
    pub fn autos(&self) -> &[Auto] {
        &self.autos
    }

    /// What tells of changes that were not made here.
    pub fn changes(&self) -> &[Changes] {
        &self.changes
    }

    /// What is wrong with a rule by which alerts ask, at its place in the file.
    pub fn problem(&self, path: &Path, auto: &Auto, message: impl Into<String>) -> Problem {
        Problem::at(path, &self.text, auto.at, message)
    }

    /// What is suggested for a group as it stands; nothing where nothing of it fires.
    pub fn of(&self, group: &Group) -> Vec<Suggested> {
        let mut all: Vec<Suggested> = Vec::new();
        for rule in &self.rules {
            let firing = group.firing().map(|member| &member.alert.labels);
            let matching: Vec<&Words> = firing.filter(|labels| rule.asking.matches(labels)).collect();
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
    /// One suggestion with lists where lists are taken; else one for each alert.
    fn suggest(&self, alerts: &[&Words]) -> Vec<Suggested> {
        let mut found: Vec<Suggested> = Vec::new();
        for (labels, inputs) in self.asking.fill(alerts) {
            let Some(label) = self.label.fill(labels) else { continue };
            let key = format!("{}-{}", self.name, self.asking.hash(&inputs));
            if found.iter().any(|known| known.key == key) {
                continue;
            }
            found.push(Suggested {
                key,
                label: label.chars().take(LABEL).collect(),
                runbook: self.asking.runbook.clone(),
                inputs,
                look: self.asking.look.clone(),
            });
        }
        found
    }
}

fn rule(name: &Text<'_>, mut section: Section<'_>, runbooks: &impl Runbooks) -> Option<(Range<usize>, Rule)> {
    let label = section
        .required_text("label")
        .and_then(|text| Template::read(&section, &text));
    let asking = Asking::read(&mut section, runbooks);
    section.close();
    let rule = Rule {
        name: name.value.to_owned(),
        label: label?,
        asking: asking?,
    };
    Some((name.span.clone(), rule))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::asking::{Facts, Named, Takes};
    use crate::alert::notification::Notification;
    use serde_json::json;

    struct Known;

    impl Runbooks for Known {
        fn named(&self, runbook: &str) -> Named {
            let takes = |name: &str, many, required| Takes {
                name: name.to_owned(),
                many,
                required,
            };
            let facts = |inputs, reads| {
                Named::Known(Facts {
                    inputs,
                    reads,
                    columns: vec!["order".to_owned(), "state".to_owned()],
                })
            };
            match runbook {
                "resync" => facts(vec![takes("supplier", true, true)], false),
                "status" => facts(vec![takes("supplier", false, true)], true),
                "orders" => facts(Vec::new(), true),
                "forward" => facts(vec![takes("order", false, true), takes("reason", false, false)], false),
                "broken" => Named::Faulty,
                _ => Named::Missing,
            }
        }

        fn misfits(&self, _: &str, inputs: &[(String, String)]) -> Vec<String> {
            let odd = inputs.iter().filter(|(_, value)| value == "odd");
            odd.map(|(name, _)| format!("{name} is odd")).collect()
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
        alerts.toml:10:1: `suggest.b.odd` is not known; there is `label`, `look`, `match`, `runbook`, `with`
        "#);
        assert!(rules.rules.len() <= 1);
    }
    #[test]
    fn an_alert_asks_for_what_a_rule_says_and_no_more() {
        let text = "[auto.resync]\nmatch = ['alertname=~\"Supplier.*\"']\nrunbook = \"resync\"\nwith = \
                    [\"supplier={supplier}\"]\nat_most = 3\nper = \"1h\"\n";
        let (rules, problems) = Suggestions::read(Path::new("alerts.toml"), text, &Known, &connections());
        assert!(problems.is_empty(), "{problems:?}");
        let group = group(&[
            ("SupplierFails", "critical", "CJ"),
            ("SupplierFails", "critical", "Ali"),
            ("SupplierSlow", "critical", "Ali"),
            ("Supplier *fails*", "critical", "CJ"),
            ("Other", "critical", "CJ"),
        ]);
        let all: BTreeSet<String> = group.members.keys().cloned().collect();
        let asked = |began: &BTreeSet<String>| -> Vec<String> {
            let asks = rules.asks(&group, began).into_iter();
            asks.map(|one| format!("{}: /{} {:?}", one.alert, one.runbook, one.inputs[0].1))
                .collect()
        };
        // Each in its own name, a list for each name, and none by a name that is no plain word.
        assert_eq!(
            asked(&all),
            ["SupplierFails: /resync \"Ali,CJ\"", "SupplierSlow: /resync \"Ali\""]
        );
        // What fired before asks no more.
        let one = BTreeSet::from(["SupplierFailsAli".to_owned()]);
        assert_eq!(asked(&one), ["SupplierFails: /resync \"Ali\""]);
        assert_eq!(asked(&BTreeSet::new()), Vec::<String>::new());
        assert!(rules.autos()[0].may_mean("SupplierFails") && !rules.autos()[0].may_mean("Other"));
    }

    #[test]
    fn what_an_alert_may_never_ask_is_told_with_its_place() {
        let text = "[auto.a]\nmatch = [\"a=b\"]\nrunbook = \"resync\"\n[auto.b]\nmatch = [\"a=b\"]\nrunbook = \
                    \"gone\"\nat_most = 0\nper = \"2d\"\n[auto.c]\nmatch = [\"a=b\"]\nrunbook = \"status\"\nwith = \
                    [\"supplier=odd\"]\nat_most = 1\nper = \"1m\"\nlabel = \"x\"\n";
        let (rules, problems) = Suggestions::read(Path::new("alerts.toml"), text, &Known, &connections());
        let told: Vec<String> = problems.iter().map(Problem::brief).collect();
        insta::assert_snapshot!(told.join("\n"), @r#"
        alerts.toml:1:7: `auto.a.at_most` is missing
        alerts.toml:1:7: `auto.a.per` is missing
        alerts.toml:1:7: `resync` needs its input `supplier`, which nothing fills in; add "supplier=..." to `with`
        alerts.toml:6:11: there is no runbook `gone`; name one of the folder of the runbooks
        alerts.toml:7:11: `auto.b.at_most` must be a whole number from 1 to 20, and this is a number
        alerts.toml:8:7: `auto.b.per` takes a duration such as "1h", from a minute to a day; "2d" is not
        alerts.toml:9:7: supplier is odd
        alerts.toml:15:1: `auto.c.label` is not known; there is `at_most`, `look`, `match`, `per`, `runbook`, `with`
        "#);
        assert!(rules.autos().len() <= 1);
    }

    #[test]
    fn an_input_may_be_filled_in_by_a_look() {
        let text = "[suggest.forward]\nlabel = \"Forward\"\nmatch = ['alertname=\"Stuck\"']\nrunbook = \"forward\"\n\
                    look = \"orders\"\nwith = [\"order={look.order}\", \"reason={alertname}\"]\n";
        let (rules, problems) = Suggestions::read(Path::new("alerts.toml"), text, &Known, &connections());
        assert!(problems.is_empty(), "{problems:?}");
        let found = rules.of(&group(&[("Stuck", "critical", "")]));
        assert_eq!(found[0].inputs, [("reason".to_owned(), "Stuck".to_owned())]);
        let look = found[0].look.clone().unwrap();
        assert_eq!(
            (look.runbook.as_str(), look.column.as_str(), look.input.as_str()),
            ("orders", "order", "order")
        );

        let text = "[suggest.a]\nlabel = \"x\"\nmatch = [\"a=b\"]\nrunbook = \"forward\"\nlook = \"resync\"\n\
                    with = [\"order={look.order}\"]\n\
                    [suggest.b]\nlabel = \"x\"\nmatch = [\"a=b\"]\nrunbook = \"forward\"\nlook = \"orders\"\n\
                    with = [\"order={look.number}\"]\n\
                    [suggest.c]\nlabel = \"x\"\nmatch = [\"a=b\"]\nrunbook = \"forward\"\nlook = \"orders\"\n\
                    [suggest.d]\nlabel = \"x\"\nmatch = [\"a=b\"]\nrunbook = \"forward\"\n\
                    with = [\"order={look.order}\"]\n\
                    [suggest.e]\nlabel = \"x\"\nmatch = [\"a=b\"]\nrunbook = \"forward\"\nlook = \"status\"\n\
                    with = [\"order={look.order}\"]\n";
        let (rules, problems) = Suggestions::read(Path::new("alerts.toml"), text, &Known, &connections());
        let told: Vec<String> = problems.iter().map(Problem::brief).collect();
        insta::assert_snapshot!(told.join("\n"), @r#"
        alerts.toml:5:8: `resync` changes something; a look is a runbook that only reads
        alerts.toml:12:9: `orders` gives no column `number`; it has `order`, `state`
        alerts.toml:17:8: nothing is taken from this look; fill in an input as "order={look.order}"
        alerts.toml:22:9: there is no `look` that could give {look.order}; name a runbook that only reads
        alerts.toml:27:8: `status` needs its input `supplier`, and a look is given none
        "#);
        assert!(rules.rules.is_empty());
    }
}
