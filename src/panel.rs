//! Signals (named numbers over time) and panels (named charts of signals) as plain data. How the files in
//! `config/panels/` become this data is in [`load`]; what one sampling gave is a [`reading::Reading`].

pub mod exposition;
pub mod field;
pub mod grafana;
pub mod load;
pub mod reading;
pub mod split;

#[cfg(test)]
mod tests;

use crate::call::{Arguments, CallResult};
use crate::runbook::Better;
use crate::runbook::action::ActionSpec;
use field::Field;
use jiff::Timestamp;
use reading::{Missing, Past, Reading};
use serde_json::Value;
use split::By;
use std::collections::BTreeMap;

/// All signals and panels of a folder, validated whole. Only [`load`] makes one with something in it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Panels {
    /// By name.
    pub signals: BTreeMap<String, Signal>,
    /// By name.
    pub panels: BTreeMap<String, Panel>,
}

/// A named chart.
#[derive(Debug, Clone, PartialEq)]
pub struct Panel {
    /// As in `signalbox chart NAME`.
    pub name: String,
    /// Above the chart.
    pub title: String,
    /// Names of signals, one strip each, in this order.
    pub signals: Vec<String>,
    /// Values worth a line across the strip, by signal.
    pub thresholds: BTreeMap<String, f64>,
}

/// A named number over time.
#[derive(Debug, Clone, PartialEq)]
pub struct Signal {
    /// Lower-case letters, digits and underscores.
    pub name: String,
    /// One sentence.
    pub help: String,
    /// What is counted or measured: `orders`, `s`.
    pub unit: String,
    /// Which way is better, where one is.
    pub better: Option<Better>,
    /// Whether its level counts or only its growth.
    pub shape: Shape,
    /// What an absent series means here, in words.
    pub absent_means: Option<String>,
    /// What must be known to read it right, in words; shown wherever it is drawn.
    pub caution: Option<String>,
    /// The read-only action that gives its value now.
    pub action: &'static ActionSpec,
    /// The connection it is called on.
    pub on: String,
    /// The arguments of the call; a signal has no inputs, so they are the same each time.
    pub with: Arguments,
    /// Where its numbers are kept, and how the answer of the call is read.
    pub source: Source,
}

/// Whether the level of a signal counts, or only its growth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Goes up and down; the level counts.
    Gauge,
    /// Only ever grows while its process lives; the growth counts.
    Counter,
}

/// Where the numbers of a signal are kept.
#[derive(Debug, Clone, PartialEq)]
pub enum Source {
    /// In Prometheus, by others.
    Prometheus {
        /// Gives one series, or one for each value of a label.
        promql: String,
        /// The label, if there is one. A signal of several numbers is drawn, and proves nothing.
        by: Option<By>,
    },
    /// Measured by the bot and served on `/metrics`.
    Measured {
        /// Where the number stands in the answer.
        field: Field,
        /// The Prometheus connection that scrapes the bot; none where there is none, and then there is no history.
        history: Option<String>,
    },
}

/// Where the past of a signal is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History<'s> {
    /// A Prometheus connection.
    pub on: &'s str,
    /// What to ask it.
    pub promql: String,
}

impl Panel {
    /// The panel that a runbook without one of its own proves itself on: its signals, in order.
    pub fn of_signals(title: impl Into<String>, signals: impl IntoIterator<Item = String>) -> Self {
        Self {
            name: String::new(),
            title: title.into(),
            signals: signals.into_iter().collect(),
            thresholds: BTreeMap::new(),
        }
    }
}

impl Signal {
    /// The name as people read it: `orders awaiting forwarding`.
    pub fn words(&self) -> String {
        self.name.replace('_', " ")
    }

    /// Whether the bot has to measure it itself.
    pub fn measured(&self) -> bool {
        matches!(self.source, Source::Measured { .. })
    }

    /// What tells its numbers apart, where it is several.
    pub fn by(&self) -> Option<&By> {
        match &self.source {
            Source::Prometheus { by, .. } => by.as_ref(),
            Source::Measured { .. } => None,
        }
    }

    /// Where its past is found, if anybody keeps it.
    pub fn history(&self) -> Option<History<'_>> {
        match &self.source {
            Source::Prometheus { promql, .. } => Some(History {
                on: &self.on,
                promql: promql.clone(),
            }),
            // `max` folds the series of two replicas into one while the sampling passes from one to the other; over no
            // series it stays absent.
            Source::Measured { history, .. } => history.as_deref().map(|on| History {
                on,
                promql: format!("max({}{{signal=\"{}\"}})", exposition::METRIC, self.name),
            }),
        }
    }

    /// The number in the answer of the signal's call.
    pub fn read(&self, answer: &Value) -> Result<f64, Missing> {
        let number = match &self.source {
            Source::Prometheus { .. } => self.read_instant(answer)?,
            Source::Measured { field, .. } => field.read(answer).map_err(|error| Missing::Unreadable {
                reason: error.to_string(),
            })?,
        };
        if number.is_finite() {
            Ok(number)
        } else {
            Err(Missing::Unreadable {
                reason: format!("its value is {number}, which is no number to compare"),
            })
        }
    }

    /// The numbers in the answer of a `prometheus.range` call with the query of [`Signal::history`].
    pub fn read_past(&self, answer: &Value) -> Result<Past, Missing> {
        let unreadable = |reason: String| Missing::Unreadable { reason };
        let series = answer["series"]
            .as_array()
            .ok_or_else(|| unreadable("the answer has no series".to_owned()))?;
        let points = match series.as_slice() {
            [] => {
                return Err(Missing::Absent {
                    means: self.absent_means.clone(),
                });
            }
            [one] => one["points"]
                .as_array()
                .ok_or_else(|| unreadable("its series has no points".to_owned()))?,
            many => return Err(several(many.len())),
        };
        points
            .iter()
            .map(|point| {
                let at = point[0]
                    .as_f64()
                    .and_then(|seconds| Timestamp::from_millisecond((seconds * 1e3) as i64).ok());
                Ok((
                    at.ok_or_else(|| unreadable(format!("a point is {point}")))?,
                    point[1].as_f64(),
                ))
            })
            .collect()
    }

    /// What one call of the signal came to.
    pub fn reading(&self, result: &CallResult, at: Timestamp) -> Reading {
        let value = match result {
            CallResult::Done { value } => self.read(value),
            CallResult::NotDone { reason } | CallResult::Unreachable { reason } | CallResult::Unknown { reason } => {
                Err(Missing::Unreachable { reason: reason.clone() })
            }
        };
        Reading {
            signal: self.name.clone(),
            at,
            value,
        }
    }

    fn read_instant(&self, answer: &Value) -> Result<f64, Missing> {
        if answer["absent"] == Value::Bool(true) {
            return Err(Missing::Absent {
                means: self.absent_means.clone(),
            });
        }
        match (answer["value"].as_f64(), answer["series"].as_array()) {
            (Some(number), _) => Ok(number),
            (None, Some(series)) if series.len() > 1 => Err(several(series.len())),
            (None, Some(series)) if series.len() == 1 => {
                let text = series[0]["text"].as_str().unwrap_or("not a number");
                Err(Missing::Unreadable {
                    reason: format!("its value is {text}, which is no number to compare"),
                })
            }
            (None, _) => Err(Missing::Unreadable {
                reason: "the answer has neither a value nor series".to_owned(),
            }),
        }
    }
}

fn several(series: usize) -> Missing {
    Missing::Unreadable {
        reason: format!("its query gives {series} series and a signal is one number; sum them"),
    }
}
