//! A chart in words, for those who cannot see it.

use super::numbers::Numbers;
use super::scale::span;
use super::{ChartSpec, Curve, Curves, Strip};
use crate::report::number::plain;
use crate::report::unseen::spelled;
use std::fmt::Write;

/// The alternative text of the picture: what it shows, with the numbers that the eye would take from it.
pub fn alt(spec: &ChartSpec) -> String {
    let (drawn, rest) = spec.drawn();
    let mut words = if spec.shows_several_panels() {
        format!("{}.", span(spec.start, spec.end, &spec.zone))
    } else {
        title(spec)
    };
    // Writing to a String cannot fail.
    for strip in drawn {
        if let Some(title) = &strip.begins {
            let _ = write!(words, " {title}.");
        }
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

/// What it shows, over what time, with the thresholds.
pub fn heading(spec: &ChartSpec) -> String {
    let thresholds: Vec<String> = spec
        .drawn()
        .0
        .iter()
        .filter_map(|strip| Some(format!("{} {}", strip.label, plain(strip.threshold?))))
        .collect();
    let thresholds = match thresholds.as_slice() {
        [] => String::new(),
        [one] => format!(" Threshold: {one}."),
        several => format!(" Thresholds: {}.", several.join(", ")),
    };
    format!("{}{thresholds}", title(spec))
}

fn title(spec: &ChartSpec) -> String {
    format!("{}. {}.", spec.title, span(spec.start, spec.end, &spec.zone))
}

fn describe(spec: &ChartSpec, strip: &Strip) -> String {
    let threshold = strip
        .threshold
        .map(|threshold| format!(", threshold {}", plain(threshold)))
        .unwrap_or_default();
    let said = match &strip.curves {
        Curves::One(points) => Numbers::of(spec, points).map(|numbers| words(&numbers, &threshold)),
        Curves::Named { named, rest } => {
            let curve = |curve: &Curve| {
                let numbers = Numbers::of(spec, &curve.points)?;
                Some(format!("{} {}", curve.name, words(&numbers, "")))
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

fn words(numbers: &Numbers, threshold: &str) -> String {
    let Numbers {
        first,
        last,
        least,
        greatest,
        gaps,
    } = *numbers;
    let mut words = format!("{} at first, {} at last", plain(first), plain(last));
    if least < first.min(last) || greatest > first.max(last) {
        let _ = write!(words, ", between {} and {}", plain(least), plain(greatest));
    }
    let gaps = if gaps { ", with gaps" } else { "" };
    format!("{words}{threshold}{gaps}")
}
