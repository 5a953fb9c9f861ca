//! What kind of number an expression gives: the level of a gauge, the standing of a counter, or something that was
//! computed from them and is neither.

use super::{Knowledge, Known, asked};
use crate::promql::{Expression, Selector};

/// What a metric is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Kind {
    /// Grows until its process starts again.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Nobody says, or several say different things.
    #[default]
    Untold,
}

impl Kind {
    /// Of a metric, by the types that targets declare under a name.
    pub fn of<'t>(metric: &str, types: impl Fn(&str) -> Vec<&'t str>) -> Self {
        let declared = types(metric);
        match declared.as_slice() {
            ["counter"] => return Self::Counter,
            ["gauge"] => return Self::Gauge,
            [] | ["unknown"] => {}
            _ => return Self::Untold,
        }
        let counts = |suffix: &str, kinds: &[&str]| {
            let base = metric.strip_suffix(suffix);
            base.is_some_and(|base| matches!(types(base).as_slice(), [only] if kinds.contains(only)))
        };
        // The text format of OpenMetrics declares a counter without its suffix.
        let counter = counts("_total", &["counter"])
            || counts("_bucket", &["histogram"])
            || counts("_count", &["histogram", "summary"])
            || counts("_sum", &["histogram", "summary"]);
        if counter { Self::Counter } else { Self::Untold }
    }
}

/// What an expression gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Sort {
    /// A number that stands there.
    Constant,
    /// The standing of this counter, perhaps summed or scaled.
    Counter(String),
    /// The level of this gauge; of none in particular where it was computed.
    Gauge(Option<String>),
    /// It cannot be said.
    Unclear,
}

/// Functions that change neither what a number is nor how it grows.
const LEAVE_IT: [&str; 11] = [
    "abs",
    "ceil",
    "floor",
    "round",
    "sort",
    "sort_desc",
    "label_replace",
    "label_join",
    "max_over_time",
    "min_over_time",
    "last_over_time",
];

pub(super) fn sort(part: &Expression, knowledge: &Knowledge) -> Sort {
    match part {
        Expression::Number => Sort::Constant,
        Expression::Text => Sort::Unclear,
        Expression::Selector(selector) => selected(selector, knowledge.get(&asked(selector))),
        Expression::Subquery(inner) | Expression::Negated(inner) => sort(inner, knowledge),
        Expression::Call { function, arguments } => match (function.as_str(), arguments.as_slice()) {
            ("vector" | "scalar", [Expression::Number]) => Sort::Constant,
            (function, [first, ..]) if LEAVE_IT.contains(&function) => sort(first, knowledge),
            _ => Sort::Gauge(None),
        },
        Expression::Aggregation {
            operator, arguments, ..
        } => match (operator.as_str(), arguments.last()) {
            ("sum" | "min" | "max" | "avg" | "topk" | "bottomk" | "quantile", Some(inner)) => sort(inner, knowledge),
            _ => Sort::Gauge(None),
        },
        Expression::Binary { operator, left, right } => {
            let sorts = (sort(left, knowledge), sort(right, knowledge));
            match (operator.as_str(), sorts) {
                (_, (Sort::Constant, Sort::Constant)) => Sort::Constant,
                ("or" | "and" | "unless" | "==" | "!=" | "<" | "<=" | ">" | ">=", (left, _)) => left,
                ("+", (Sort::Counter(name), Sort::Counter(_) | Sort::Constant))
                | ("*" | "/", (Sort::Counter(name), Sort::Constant))
                | ("+" | "*", (Sort::Constant, Sort::Counter(name))) => Sort::Counter(name),
                ("+" | "-" | "*" | "/", (Sort::Gauge(name), Sort::Gauge(_) | Sort::Constant)) => Sort::Gauge(name),
                _ => Sort::Unclear,
            }
        }
    }
}

fn selected(selector: &Selector, known: Option<&Known>) -> Sort {
    match (&selector.metric, known.map(|known| known.kind)) {
        (Some(name), Some(Kind::Counter)) => Sort::Counter(name.clone()),
        (Some(name), Some(Kind::Gauge)) => Sort::Gauge(Some(name.clone())),
        _ => Sort::Unclear,
    }
}
