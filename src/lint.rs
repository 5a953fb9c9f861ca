//! Whether an expression can do what its writer meant, by what a running Prometheus knows of its metrics. Pure: what is
//! known is asked for elsewhere ([`crate::integration::prometheus::survey`]) and handed in.

mod kind;

#[cfg(test)]
mod tests;

use crate::promql::{Comparison, Expression, Matcher, Selector};
pub use kind::Kind;
use kind::{Sort, sort};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// What Prometheus knows of a selector.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Known {
    /// What its metric is.
    pub kind: Kind,
    /// Whether a target says that there is such a metric, with series or without.
    pub declared: bool,
    /// Whether a rule records it. That rule is judged for itself, so nothing is said twice.
    pub recorded: bool,
    /// Whether the metric has had any series within the last hour.
    pub exists: bool,
    /// Whether any of them fit the selector.
    pub fits: bool,
    /// The labels that the metric's series have.
    pub labels: BTreeSet<String>,
    /// How far apart its samples are, where that is known.
    pub interval: Option<Duration>,
    /// How often one of its series fell within a quarter of an hour.
    pub falls: u64,
    /// Of each label that is compared for equality with what no series has: what they have.
    pub values: BTreeMap<String, Vec<String>>,
    /// Of each label that the metric lacks: a metric like it that has it.
    pub elsewhere: BTreeMap<String, String>,
    /// A metric with a name that is nearly the same.
    pub alike: Option<String>,
}

/// What is known, by what was asked; a selector counts without its range.
pub type Knowledge = BTreeMap<Selector, Known>;

/// What [`Knowledge`] is kept by.
pub fn asked(selector: &Selector) -> Selector {
    Selector {
        range: None,
        ..selector.clone()
    }
}

/// From so many on it is no restart.
const FALLS: u64 = 3;

/// So many samples a range must have room for: with fewer, one that is late or lost leaves nothing to compare.
const SAMPLES: u32 = 4;

/// Values of a label that are told.
const TOLD: usize = 8;

/// Labels that come from the configuration of Prometheus, and not from what was counted.
const OF_TARGETS: [&str; 2] = ["job", "instance"];

/// Functions that take each fall of their series for a restart.
const FOR_COUNTERS: [&str; 3] = ["rate", "increase", "irate"];

/// Functions that are right on a counter that falls now and then.
const WHATEVER_FALLS: [&str; 7] = [
    "max_over_time",
    "min_over_time",
    "count_over_time",
    "present_over_time",
    "absent_over_time",
    "absent",
    "resets",
];

/// Whether the place where an expression is written says what it means that there is nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Absence {
    /// It does, as a signal does by `absent_means`.
    Explained,
    /// It does not, so nothing is a mistake unless the expression itself says what it means.
    Unsaid,
}

/// Everything that is wrong with an expression, each with the way out.
pub fn findings(expression: &Expression, knowledge: &Knowledge, absence: Absence) -> Vec<String> {
    let mut lint = Lint {
        knowledge,
        found: Vec::new(),
    };
    lint.look(
        expression,
        Around {
            function: None,
            may_be_absent: absence == Absence::Explained,
        },
    );
    let mut seen = BTreeSet::new();
    lint.found.retain(|finding| seen.insert(finding.clone()));
    lint.found
}

/// Where a part stands.
#[derive(Debug, Clone, Copy)]
struct Around<'e> {
    /// The function that it is the argument of.
    function: Option<&'e str>,
    /// Its writer has said what is the case where it gives nothing: by `or`, `absent()` or `unless`.
    may_be_absent: bool,
}

struct Lint<'k> {
    knowledge: &'k Knowledge,
    found: Vec<String>,
}

impl<'k> Lint<'k> {
    fn known(&self, selector: &Selector) -> Option<&'k Known> {
        self.knowledge.get(&asked(selector))
    }

    fn look<'e>(&mut self, part: &'e Expression, around: Around<'e>) {
        let inside = |function, or_absent| Around {
            function,
            may_be_absent: around.may_be_absent || or_absent,
        };
        match part {
            Expression::Number | Expression::Text => {}
            Expression::Selector(selector) => self.selector(selector, around),
            Expression::Subquery(inner) | Expression::Negated(inner) => self.look(inner, inside(None, false)),
            Expression::Call { function, arguments } => {
                if FOR_COUNTERS.contains(&function.as_str()) {
                    self.rate(function, arguments);
                }
                for argument in arguments {
                    self.look(
                        argument,
                        inside(Some(function.as_str()), function.starts_with("absent")),
                    );
                }
            }
            Expression::Aggregation { by, arguments, .. } => {
                self.grouping(by, arguments);
                for argument in arguments {
                    self.look(argument, inside(None, false));
                }
            }
            Expression::Binary { operator, left, right } => {
                self.operation(operator, left, right);
                self.look(left, inside(None, operator == "or"));
                self.look(right, inside(None, matches!(operator.as_str(), "or" | "unless")));
            }
        }
    }

    fn selector(&mut self, selector: &Selector, around: Around) {
        let Some(known) = self.known(selector) else { return };
        let name = shown(selector);
        if !known.exists {
            if !around.may_be_absent && !known.recorded {
                self.found.push(nothing(&name, known));
            }
            return;
        }
        let lacking: Vec<&Matcher> = selector
            .matchers
            .iter()
            .filter(|matcher| selector.metric.is_some() && !known.labels.contains(&matcher.label))
            .filter(|matcher| !matcher.value.is_empty())
            .collect();
        for matcher in &lacking {
            self.found.push(lacks(&name, matcher, known));
        }
        if lacking.is_empty() && !known.fits && !around.may_be_absent {
            let found = selector.matchers.iter().filter_map(|it| unfit(&name, it, known));
            self.found.extend(found);
        }
        if let (Some(range), Some(interval)) = (selector.range, known.interval)
            && range < interval * SAMPLES
        {
            self.found.push(format!(
                "the range [{}] of `{name}` is shorter than {SAMPLES} scrapes, which come every {}: one that is late leaves \
                 too few samples. Take [{}] or longer",
                seconds(range),
                seconds(interval),
                seconds(interval * SAMPLES)
            ));
        }
        let robust = around.function.is_some_and(|name| WHATEVER_FALLS.contains(&name));
        if known.kind == Kind::Counter && known.falls >= FALLS && !robust {
            self.found.push(format!(
                "`{name}` is a counter and fell {} times within a quarter of an hour: several processes behind one target \
                 count each for itself, and each fall is taken for a restart, so failures are counted that never happened. \
                 Let the processes count together (Python: PROMETHEUS_MULTIPROC_DIR), or compare max_over_time() of two \
                 windows, as config/rules/shop.yml does",
                known.falls
            ));
        }
    }

    /// `rate()` and its like of what is no counter.
    fn rate(&mut self, function: &str, arguments: &[Expression]) {
        for argument in arguments {
            if let Sort::Gauge(Some(name)) = sort(argument, self.knowledge) {
                self.found.push(format!(
                    "{function}() of the gauge `{name}`: each fall is taken for a restart, so it counts what never happened. \
                     Take delta() or deriv()"
                ));
            }
        }
    }

    /// `by` a label that nothing inside has. A function that makes labels hides what is there.
    fn grouping(&mut self, by: &[String], arguments: &[Expression]) {
        let makes_labels = |part: &&Expression| match part {
            Expression::Call { function, .. } => function.starts_with("label_") || function == "vector",
            Expression::Aggregation { operator, .. } => operator == "count_values",
            _ => false,
        };
        let parts: Vec<&Expression> = arguments.iter().flat_map(Expression::parts).collect();
        if parts.iter().any(makes_labels) {
            return;
        }
        let selectors: Vec<&Selector> = arguments.iter().flat_map(Expression::selectors).collect();
        let known: Vec<&Known> = selectors.iter().filter_map(|it| self.known(it)).collect();
        if known.is_empty() || known.len() < selectors.len() || known.iter().any(|known| !known.exists) {
            return;
        }
        for label in by
            .iter()
            .filter(|label| !known.iter().any(|it| it.labels.contains(*label)))
        {
            let names: BTreeSet<String> = selectors.iter().map(|it| format!("`{}`", shown(it))).collect();
            let labels: BTreeSet<&String> = known.iter().flat_map(|known| &known.labels).collect();
            self.found.push(format!(
                "it groups by `{label}`, which {} does not have, so all of it falls into one group. It has {}",
                listed(names),
                listed(labels)
            ));
        }
    }

    fn operation(&mut self, operator: &str, left: &Expression, right: &Expression) {
        let sorts = (sort(left, self.knowledge), sort(right, self.knowledge));
        match (operator, sorts) {
            ("+" | "-", (Sort::Gauge(Some(gauge)), Sort::Counter(counter)))
            | ("+" | "-", (Sort::Counter(counter), Sort::Gauge(Some(gauge)))) => {
                let done = if operator == "-" { "minus" } else { "plus" };
                self.found.push(format!(
                    "the gauge `{gauge}` and the counter `{counter}`, one {done} the other: the counter grows for ever and \
                     the gauge does not, so the result says how old the process is. Take a gauge for both, or the growth of \
                     the counter"
                ));
            }
            ("==" | "!=" | "<" | "<=" | ">" | ">=", (Sort::Counter(name), Sort::Constant))
            | ("==" | "!=" | "<" | "<=" | ">" | ">=", (Sort::Constant, Sort::Counter(name))) => {
                self.found.push(format!(
                    "the counter `{name}` is compared as it stands: it grows until its process starts again, so what was \
                     true once stays true. Compare its growth, increase({name}[10m])"
                ));
            }
            _ => {}
        }
    }
}

/// The metric, or what selects series of any.
fn shown(selector: &Selector) -> String {
    selector.metric.clone().unwrap_or_else(|| selector.to_string())
}

fn nothing(name: &str, known: &Known) -> String {
    if known.declared {
        return format!(
            "`{name}` is declared by a target and has no series: nothing was counted yet, or the process that counts is not \
             scraped. No series is not zero, and the first count is never seen as growth. Say what it means, with \
             `or vector(0)`, or watch a sign that is there"
        );
    }
    let way_out = match &known.alike {
        Some(alike) => format!("Did you mean `{alike}`?"),
        None => "Let something export it, or watch a sign that is there".to_owned(),
    };
    format!("there is no metric `{name}`, so this gives nothing, whatever happens. {way_out}")
}

fn lacks(name: &str, matcher: &Matcher, known: &Known) -> String {
    let outcome = match matcher.comparison {
        Comparison::Is | Comparison::Fits => "fits nothing",
        Comparison::IsNot | Comparison::FitsNot => "excludes nothing",
    };
    let way_out = match known.elsewhere.get(&matcher.label) {
        Some(metric) => format!("`{metric}` has it"),
        None => format!("It has {}", listed(&known.labels)),
    };
    format!(
        "`{name}` has no label `{}`, so {matcher} {outcome}. {way_out}",
        matcher.label
    )
}

/// What a counter counts by has no series before the first time, so only what cannot come later is wrong.
fn unfit(name: &str, matcher: &Matcher, known: &Known) -> Option<String> {
    let values = known.values.get(&matcher.label)?;
    let later = known.kind != Kind::Gauge && !OF_TARGETS.contains(&matcher.label.as_str());
    (matcher.comparison == Comparison::Is && !later).then(|| {
        format!(
            "no series of `{name}` has {matcher}, so this gives nothing. There is {}",
            listed(values)
        )
    })
}

fn listed<T: AsRef<str>>(names: impl IntoIterator<Item = T>) -> String {
    let names: Vec<T> = names.into_iter().collect();
    let told: Vec<&str> = names.iter().take(TOLD).map(AsRef::as_ref).collect();
    match names.len() {
        0 => "none".to_owned(),
        all if all > TOLD => format!("{} and {} more", told.join(", "), all - TOLD),
        _ => told.join(", "),
    }
}

fn seconds(duration: Duration) -> String {
    match duration.as_secs() {
        whole if whole > 0 && whole % 60 == 0 => format!("{}m", whole / 60),
        _ => format!("{}s", duration.as_secs_f64()),
    }
}
