//! A chart in numbers: what stands for it where no picture can be.

use super::scale::range;
use super::{ChartSpec, Curves, Strip};
use crate::panel::reading::Past;
use crate::report::number::plain;
use serde_json::{Map, Value};

/// The columns of [`rows`].
pub const COLUMNS: [&str; 6] = ["signal", "of", "last", "highest", "lowest", "first"];

/// What the eye takes from a curve.
pub(super) struct Numbers {
    pub(super) first: f64,
    pub(super) last: f64,
    pub(super) least: f64,
    pub(super) greatest: f64,
    /// Whether there are moments without a number.
    pub(super) gaps: bool,
}

impl Numbers {
    /// None where there is no number.
    pub(super) fn of(spec: &ChartSpec, points: &Past) -> Option<Self> {
        let points = spec.visible(points);
        let numbers: Vec<f64> = points.iter().filter_map(|(_, value)| *value).collect();
        let (least, greatest) = range(&numbers)?;
        Some(Self {
            first: *numbers.first()?,
            last: *numbers.last()?,
            least,
            greatest,
            gaps: points.iter().any(|(_, value)| value.is_none()),
        })
    }
}

/// A row for each curve that is drawn, with [`COLUMNS`].
pub fn rows(spec: &ChartSpec) -> Vec<Map<String, Value>> {
    let row = |strip: &Strip, of: &str, points: &Past| {
        let cells = match Numbers::of(spec, points) {
            Some(it) => [it.last, it.greatest, it.least, it.first].map(plain),
            None => ["no data", "", "", ""].map(str::to_owned),
        };
        let texts = [strip.heading(), of.to_owned()].into_iter().chain(cells);
        let columns = COLUMNS.into_iter().map(str::to_owned);
        columns.zip(texts.map(Value::from)).collect()
    };
    let mut rows = Vec::new();
    for strip in spec.drawn().0 {
        match &strip.curves {
            Curves::One(points) => rows.push(row(strip, "", points)),
            Curves::Named { named, rest } => {
                let curves = named.iter().chain(rest);
                rows.extend(curves.map(|curve| row(strip, &curve.name, &curve.points)));
            }
        }
    }
    rows
}

/// What the numbers do not tell: gaps, why there is no number, what is not drawn, and what must be known to read them
/// right.
pub fn remarks(spec: &ChartSpec) -> Vec<String> {
    let (drawn, rest) = spec.drawn();
    let mut told = Vec::new();
    for strip in drawn {
        let label = &strip.label;
        if let Some(why) = &strip.missing {
            told.push(format!("{label}: no data ({why})"));
        }
        let has_gaps = |points| Numbers::of(spec, points).is_some_and(|numbers| numbers.gaps);
        if strip.curves.each().any(has_gaps) {
            told.push(format!("{label}: with gaps"));
        }
    }
    if !rest.is_empty() {
        told.push(format!("Not drawn: {}", rest.join(", ")));
    }
    told.extend(spec.remarks());
    told.iter().map(|told| format!("{told}.")).collect()
}
