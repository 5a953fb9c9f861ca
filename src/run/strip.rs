//! What Prometheus kept of a signal becomes a strip of a chart: the curves, or in words why there are none, and what must
//! be known to read them right.

use crate::integration::prometheus::{Range, Series};
use crate::panel::Signal;
use crate::panel::reading::Past;
use crate::panel::split::{Labelled, Split};
use crate::report::chart::{Curve, Curves, Strip, with_gaps};
use crate::report::fit::one_line;
use jiff::{SignedDuration, Timestamp};

/// Prometheus may warn of the same for each series.
const WARNINGS: usize = 3;
/// Letters of a warning.
const LONGEST_WARNING: usize = 200;

/// The span that was asked for.
#[derive(Debug, Clone, Copy)]
pub struct Span {
    /// Where it ends.
    pub end: Timestamp,
    /// How far apart samples should be.
    pub step: SignedDuration,
}

/// The strip of a signal. `Err` says why nothing could be asked.
pub fn strip(signal: &Signal, answer: Result<Range, String>, span: Span, threshold: Option<f64>) -> Strip {
    let mut remarks: Vec<String> = signal.caution.iter().cloned().collect();
    let curves = answer.and_then(|range| {
        remarks.extend(warned(&range.warnings));
        remarks.extend(no_numbers(&range.series));
        curves(signal, range.series, span)
    });
    let (curves, missing) = match curves {
        Ok(curves) => (curves, None),
        Err(why) => (Curves::none(), Some(why)),
    };
    Strip {
        begins: None,
        label: signal.words(),
        unit: signal.unit.clone(),
        curves,
        threshold,
        missing,
        remarks,
    }
}

fn curves(signal: &Signal, series: Vec<Series>, span: Span) -> Result<Curves, String> {
    if series.iter().all(|series| series.points.is_empty()) {
        let absent = signal.absent_means.clone();
        return Err(absent.unwrap_or_else(|| "no series: absent is not zero".to_owned()));
    }
    let Some(by) = signal.by() else {
        return match series.as_slice() {
            [only] => Ok(Curves::One(span.drawn(&past(only)))),
            several => Err(format!(
                "its query gives {} series and a signal is one number; sum them, or name their label with `by`",
                several.len()
            )),
        };
    };
    let labelled = series.into_iter().map(|series| Labelled {
        past: past(&series),
        labels: series.labels,
    });
    let Split { named, rest } = by.split(labelled.collect()).map_err(|error| error.to_string())?;
    let curve = |name: String, past: &Past| Curve {
        name,
        points: span.drawn(past),
    };
    Ok(Curves::Named {
        named: named.into_iter().map(|(name, past)| curve(name, &past)).collect(),
        rest: rest.map(|rest| curve(rest.name, &rest.past)),
    })
}

/// The samples of a series. What is no number stays as a gap.
pub fn past(series: &Series) -> Past {
    let at = |seconds: f64| Timestamp::from_millisecond((seconds * 1e3) as i64).ok();
    let points = series.points.iter();
    points
        .filter_map(|(seconds, value)| Some((at(*seconds)?, *value)))
        .collect()
}

impl Span {
    /// With gaps where samples are missing, the end among them: what fell silent does not stand for now.
    fn drawn(self, samples: &Past) -> Past {
        let mut points = with_gaps(samples, self.step);
        if let Some((last, Some(_))) = samples.last()
            && self.end.duration_since(*last) > self.step * 2
        {
            points.push((*last + self.step, None));
        }
        points
    }
}

fn warned(warnings: &[String]) -> Vec<String> {
    let mut told: Vec<String> = warnings
        .iter()
        .take(WARNINGS)
        .map(|warning| {
            let warning = one_line(warning);
            let cut: String = warning.chars().take(LONGEST_WARNING).collect();
            let more = if cut.len() < warning.len() { "…" } else { "" };
            format!("Prometheus warns: {cut}{more}")
        })
        .collect();
    if warnings.len() > WARNINGS {
        told.push(format!("Prometheus warns of {} things more", warnings.len() - WARNINGS));
    }
    told
}

fn no_numbers(series: &[Series]) -> Option<String> {
    let nan: usize = series.iter().map(|series| series.nan).sum();
    let infinite: usize = series.iter().map(|series| series.infinite).sum();
    let what = match (nan, infinite) {
        (0, 0) => return None,
        (nan, 0) => format!("NaN {}", times(nan)),
        (0, infinite) => format!("infinite {}", times(infinite)),
        (nan, infinite) => format!("NaN {} and infinite {}", times(nan), times(infinite)),
    };
    Some(format!("{what}, which is drawn as a gap"))
}

fn times(count: usize) -> String {
    match count {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        more => format!("{more} times"),
    }
}

#[cfg(test)]
mod tests;
