//! A chart in words, for those who cannot see it.

use super::scale::{range, span};
use super::{ChartSpec, Line};
use crate::report::number::plain;
use crate::report::unseen::spelled;
use std::fmt::Write;

/// The alternative text of the picture: what it shows, with the numbers that the eye would take from it.
pub fn alt(spec: &ChartSpec) -> String {
    let (drawn, rest) = spec.drawn();
    let mut words = format!("{}. {}.", spec.title, span(spec.start, spec.end, &spec.zone));
    for line in drawn {
        // Writing to a String cannot fail.
        let _ = write!(words, " {}.", describe(spec, line));
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
    if let Some(note) = &spec.note {
        let _ = write!(words, " {note}");
    }
    spelled(&words)
}

fn describe(spec: &ChartSpec, line: &Line) -> String {
    let points = spec.visible(line);
    let numbers: Vec<f64> = points.iter().filter_map(|(_, value)| *value).collect();
    let (Some((least, greatest)), Some(first), Some(last)) = (range(&numbers), numbers.first(), numbers.last()) else {
        let why = line
            .missing
            .as_deref()
            .map(|why| format!(" ({why})"))
            .unwrap_or_default();
        return format!("{}: no data{why}", line.heading());
    };
    let mut words = format!(
        "{}: {} at first, {} at last",
        line.heading(),
        plain(*first),
        plain(*last)
    );
    if least < first.min(*last) || greatest > first.max(*last) {
        let _ = write!(words, ", between {} and {}", plain(least), plain(greatest));
    }
    if let Some(threshold) = line.threshold {
        let _ = write!(words, ", threshold {}", plain(threshold));
    }
    if points.iter().any(|(_, value)| value.is_none()) {
        words.push_str(", with gaps");
    }
    words
}
