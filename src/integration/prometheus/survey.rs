//! What a Prometheus has: its rules, its metrics with their kinds, labels and values, and how often it scrapes them. It
//! looks back over the last hour, so that a series that comes and goes is there.

use super::{Prometheus, PrometheusError};
use crate::lint::{Kind, Known};
use crate::nearest::nearest;
use crate::promql::{self, Comparison, Selector};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

const BACK: SignedDuration = SignedDuration::from_hours(1);

/// A rule as Prometheus has it in force.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// The file that it stands in, as Prometheus names it.
    pub file: String,
    /// Its group.
    pub group: String,
    /// The alert, or the metric that it records.
    pub name: String,
    /// PromQL.
    pub query: String,
    /// What Prometheus says of its last evaluation, if that failed.
    pub error: Option<String>,
}

/// What was found before any selector was asked about.
#[derive(Debug)]
pub struct Survey<'p> {
    prometheus: &'p Prometheus,
    /// In the order of their files.
    pub rules: Vec<Rule>,
    /// Metrics that rules record, with the time between two evaluations.
    recorded: BTreeMap<String, Duration>,
    /// The types that targets declare, by the name that they declare.
    declared: BTreeMap<String, BTreeSet<String>>,
    /// All metrics that there were within the last hour.
    metrics: Vec<String>,
    /// The time between two scrapes, by job and instance.
    scrapes: BTreeMap<(String, String), Duration>,
    span: [(&'static str, String); 2],
}

#[derive(Deserialize)]
struct Groups {
    groups: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    name: String,
    file: String,
    /// Seconds.
    interval: f64,
    rules: Vec<GroupRule>,
}

#[derive(Deserialize)]
struct GroupRule {
    name: String,
    query: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(rename = "lastError", default)]
    error: String,
}

#[derive(Deserialize)]
struct Declared {
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Deserialize)]
struct Targets {
    #[serde(rename = "activeTargets")]
    active: Vec<Target>,
}

#[derive(Deserialize)]
struct Target {
    labels: BTreeMap<String, String>,
    #[serde(rename = "scrapeInterval", default)]
    interval: String,
}

impl Prometheus {
    /// Its rules, and what its targets declare.
    pub async fn survey(&self, now: Timestamp) -> Result<Survey<'_>, PrometheusError> {
        let span = [("start", (now - BACK).to_string()), ("end", now.to_string())];
        let groups: Groups = self.look(&["rules"], &[]).await?;
        let declared: BTreeMap<String, Vec<Declared>> = self.look(&["metadata"], &[]).await?;
        let targets: Targets = self.look(&["targets"], &[("state", "active".to_owned())]).await?;
        let metrics = self.look(&["label", "__name__", "values"], &span).await?;
        let mut survey = Survey {
            prometheus: self,
            rules: Vec::new(),
            recorded: BTreeMap::new(),
            declared: BTreeMap::new(),
            metrics,
            scrapes: BTreeMap::new(),
            span,
        };
        for group in groups.groups {
            for rule in group.rules {
                if rule.kind == "recording" {
                    let between = Duration::try_from_secs_f64(group.interval).unwrap_or_default();
                    survey.recorded.insert(rule.name.clone(), between);
                }
                survey.rules.push(Rule {
                    file: group.file.clone(),
                    group: group.name.clone(),
                    name: rule.name,
                    query: rule.query,
                    error: Some(rule.error).filter(|error| !error.is_empty()),
                });
            }
        }
        for (name, kinds) in declared {
            let kinds = kinds.into_iter().map(|declared| declared.kind).collect();
            survey.declared.insert(name, kinds);
        }
        for target in targets.active {
            let label = |name: &str| target.labels.get(name).cloned().unwrap_or_default();
            if let Some(interval) = promql::duration(&target.interval) {
                survey.scrapes.insert((label("job"), label("instance")), interval);
            }
        }
        Ok(survey)
    }
}

impl Survey<'_> {
    /// What is known of a selector. Its range plays no part.
    pub async fn known(&self, selector: &Selector) -> Result<Known, PrometheusError> {
        let mut known = Known::default();
        let whole = match &selector.metric {
            Some(metric) => {
                let types = |name: &str| self.types(name);
                known.kind = Kind::of(metric, types);
                known.declared = known.kind != Kind::Untold || !types(metric).is_empty();
                known.recorded = self.recorded.contains_key(metric);
                Selector::of_metric(metric)
            }
            None => selector.clone(),
        };
        let places = self.places(&whole).await?;
        known.exists = !places.is_empty();
        if !known.exists {
            let metrics = self.metrics.iter().map(String::as_str);
            known.alike = selector
                .metric
                .as_deref()
                .and_then(|metric| nearest(metric, metrics.filter(|other| *other != metric)))
                .map(str::to_owned);
            return Ok(known);
        }
        known.interval = match selector.metric.as_ref().and_then(|metric| self.recorded.get(metric)) {
            Some(between) => Some(*between),
            None => places.iter().filter_map(|place| self.scrapes.get(place)).max().copied(),
        };
        known.labels = self.labels(&whole).await?;
        known.fits = selector.matchers.is_empty() || !self.places(selector).await?.is_empty();
        for matcher in &selector.matchers {
            let label = &matcher.label;
            if !known.labels.contains(label) {
                if let Some(metric) = self.metric_with(label, selector.metric.as_deref()).await? {
                    known.elsewhere.insert(label.clone(), metric);
                }
            } else if !known.fits && matcher.comparison == Comparison::Is {
                let values = self.values(label, &whole).await?;
                if !values.contains(&matcher.value) {
                    known.values.insert(label.clone(), values);
                }
            }
        }
        if known.fits && known.kind == Kind::Counter {
            known.falls = self.falls(selector).await?;
        }
        Ok(known)
    }

    fn types(&self, name: &str) -> Vec<&str> {
        let kinds = self.declared.get(name);
        kinds.into_iter().flatten().map(String::as_str).collect()
    }

    /// The targets that series come from, by job and instance.
    async fn places(&self, selector: &Selector) -> Result<BTreeSet<(String, String)>, PrometheusError> {
        let query = format!("count by (job, instance) (last_over_time({selector}[1h]))");
        let found = self.prometheus.instant_value(&query).await?;
        let label = |labels: &BTreeMap<String, String>, name: &str| labels.get(name).cloned().unwrap_or_default();
        Ok(found
            .samples
            .iter()
            .map(|sample| (label(&sample.labels, "job"), label(&sample.labels, "instance")))
            .collect())
    }

    /// All but the name of the metric, which is one to Prometheus and to nobody else.
    async fn labels(&self, selector: &Selector) -> Result<BTreeSet<String>, PrometheusError> {
        let about = self.about(selector.to_string());
        let mut labels: BTreeSet<String> = self.prometheus.look(&["labels"], &about).await?;
        labels.remove("__name__");
        Ok(labels)
    }

    async fn values(&self, label: &str, selector: &Selector) -> Result<Vec<String>, PrometheusError> {
        let path = ["label", label, "values"];
        self.prometheus.look(&path, &self.about(selector.to_string())).await
    }

    /// The metric with this label that is called most like the one without it.
    async fn metric_with(&self, label: &str, like: Option<&str>) -> Result<Option<String>, PrometheusError> {
        let Some(like) = like else { return Ok(None) };
        let path = ["label", "__name__", "values"];
        let having = self.about(format!("{{{label}!=\"\"}}"));
        let names: Vec<String> = self.prometheus.look(&path, &having).await?;
        let closeness = |name: &String| {
            let same = name.bytes().zip(like.bytes()).take_while(|(a, b)| a == b).count();
            (same, std::cmp::Reverse(name.len()))
        };
        // Of another family it would be a guess.
        let found = names.into_iter().max_by_key(closeness);
        Ok(found.filter(|name| closeness(name).0 > like.len() / 4))
    }

    /// How often one of the series went down within a quarter of an hour, at most.
    async fn falls(&self, selector: &Selector) -> Result<u64, PrometheusError> {
        let query = format!("max(resets({selector}[15m]))");
        let found = self.prometheus.instant_value(&query).await?;
        Ok(found
            .samples
            .first()
            .and_then(|sample| sample.text.parse().ok())
            .unwrap_or(0))
    }

    fn about(&self, selector: String) -> Vec<(&'static str, String)> {
        let mut asked = self.span.to_vec();
        asked.push(("match[]", selector));
        asked
    }
}
