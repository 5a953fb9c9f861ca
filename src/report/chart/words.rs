//! A chart in words, for those who cannot see it.

use super::scale::{range, span};
use super::{ChartSpec, Curve, Curves, Strip};
use crate::panel::reading::Past;
use crate::report::number::plain;
use crate::report::unseen::spelled;
use std::fmt::Write;

/// The alternative text of the picture: what it shows, with the numbers that the eye would take from it.
pub fn alt(spec: &ChartSpec) -> String {
    let (drawn, rest) = spec.drawn();
    let mut words = format!("{}. {}.", spec.title, span(spec.start, spec.end, &spec.zone));
    for strip in drawn {
        // Writing to a String cannot fail.
        let _ = write!(words, " {}.", describe(spec, strip));
    }
    if let Some(band) = &spec.band {
        let _ = write!(
            words,
            " {} is marked, {}.",
            band.label,
            span(band.start, band.end, &spec.zone)
        );
    }
    if !rest.is_empty() {
        let _ = write!(words, " Not drawn: {}.", rest.join(", "));
    }
    for remark in spec.remarks() {
        let _ = write!(words, " {remark}.");
    }
    if let Some(note) = &spec.note {
        let _ = write!(words, " {note}");
    }
    spelled(&words)
}

fn describe(spec: &ChartSpec, strip: &Strip) -> String {
    let threshold = strip
        .threshold
        .map(|threshold| format!(", threshold {}", plain(threshold)))
        .unwrap_or_default();
    let said = match &strip.curves {
        Curves::One(points) => numbers(spec, points).map(|said| said.with(&threshold)),
        Curves::Named { named, rest } => {
            let curve = |curve: &Curve| {
                let said = numbers(spec, &curve.points)?.with("");
                Some(format!("{} {said}", curve.name))
            };
            let said: Vec<String> = named.iter().chain(rest).filter_map(curve).collect();
            (!said.is_empty()).then(|| format!("{}{threshold}", said.join("; ")))
        }
    };
    let why = strip
        .missing
        .as_deref()
        .map(|why| format!(" ({why})"))
        .unwrap_or_default();
    format!(
        "{}: {}",
        strip.heading(),
        said.unwrap_or_else(|| format!("no data{why}"))
    )
}

/// What a curve says, in two halves: between them stands the threshold.
struct Said {
    numbers: String,
    gaps: bool,
}

impl Said {
    fn with(self, threshold: &str) -> String {
        let gaps = if self.gaps { ", with gaps" } else { "" };
        format!("{}{threshold}{gaps}", self.numbers)
    }
}

/// None where there is no number.
fn numbers(spec: &ChartSpec, points: &Past) -> Option<Said> {
    let points = spec.visible(points);
    let numbers: Vec<f64> = points.iter().filter_map(|(_, value)| *value).collect();
    let (least, greatest) = range(&numbers)?;
    let (first, last) = (*numbers.first()?, *numbers.last()?);
    let mut words = format!("{} at first, {} at last", plain(first), plain(last));
    if least < first.min(last) || greatest > first.max(last) {
        let _ = write!(words, ", between {} and {}", plain(least), plain(greatest));
    }
    Some(Said {
        numbers: words,
        gaps: points.iter().any(|(_, value)| value.is_none()),
    })
}
