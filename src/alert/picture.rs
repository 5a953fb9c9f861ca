//! The chart of what an alert watches: the rule's own expression, asked at the configured Prometheus, with its threshold.

use super::expression::{Watched, of_generator, watched};
use super::group::Group;
use super::notification::Words;
use crate::integration::Connections;
use crate::integration::prometheus::Series;
use crate::report::chart::{Band, ChartSpec, Curves, Strip, Theme, with_gaps};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use std::time::Duration;

/// How much of the time before the alert is drawn, at least and at most.
const BEFORE: SignedDuration = SignedDuration::from_mins(30);
const LONGEST: SignedDuration = SignedDuration::from_hours(24);

/// Series with a strip each.
const STRIPS: usize = 4;

/// Points of a line.
const POINTS: i64 = 240;

/// People wait for the picture.
const PATIENCE: Duration = Duration::from_secs(8);

/// Letters of a strip's label, and of the expression below the chart.
const LABEL: usize = 46;
const NOTE: usize = 240;

/// The chart of a group as it stands; or why there is none, in words for people. None where its rule names no expression.
pub async fn of_group(connections: &Connections, group: &Group, now: Timestamp) -> Option<Result<ChartSpec, String>> {
    let mut members: Vec<_> = group.firing().collect();
    if members.is_empty() {
        members = group.members.values().collect();
    }
    let generator = members.iter().find_map(|member| member.alert.generator.as_deref())?;
    let expression = of_generator(generator)?;
    let Some((name, prometheus)) = connections.a_prometheus() else {
        return Some(Err(
            "No chart: no connection of the kind prometheus is configured.".to_owned()
        ));
    };
    let watched = watched(&expression);
    let began = group.began();
    let end = group.ended.map_or(now, |ended| now.min(ended + BEFORE));
    let start = (began - BEFORE).max(end - LONGEST);
    let step = SignedDuration::from_secs((end.duration_since(start).as_secs() / POINTS).max(5));
    let asked = prometheus.range_points(&watched.expression, start, end, step.unsigned_abs());
    let series = match tokio::time::timeout(PATIENCE, asked).await {
        Ok(Ok(series)) => series,
        Ok(Err(error)) => return Some(Err(format!("No chart: {error}."))),
        Err(_) => {
            let seconds = PATIENCE.as_secs();
            return Some(Err(format!(
                "No chart: Prometheus ({name}) has not answered within {seconds} seconds."
            )));
        }
    };
    let labels: Vec<&Words> = members.iter().map(|member| &member.alert.labels).collect();
    let band = Band {
        start: began.max(start),
        end: group.ended.unwrap_or(end).max(began.max(start)),
        label: if group.ended.is_some() { "fired" } else { "fires" }.to_owned(),
    };
    Some(Ok(ChartSpec {
        title: group.title(),
        start,
        end,
        zone: TimeZone::UTC,
        strips: strips(&watched, series, &labels, step),
        band: Some(band),
        note: Some(cut(&expression, NOTE)),
        theme: Theme::Light,
    }))
}

/// A strip for each series, those of the alerts first.
fn strips(watched: &Watched, mut series: Vec<Series>, alerts: &[&Words], step: SignedDuration) -> Vec<Strip> {
    let strip = |label: String, points, missing: Option<&str>| Strip {
        begins: None,
        label: cut(&label, LABEL),
        unit: String::new(),
        curves: Curves::One(points),
        threshold: watched.threshold,
        missing: missing.map(str::to_owned),
        remarks: Vec::new(),
    };
    if series.is_empty() {
        return vec![strip(
            watched.expression.clone(),
            Vec::new(),
            Some("no series: absent is not zero"),
        )];
    }
    let is_of = |one: &Series, alert: &&Words| {
        let mut labels = one.labels.iter().filter(|(name, _)| *name != "__name__");
        labels.all(|(name, value)| alert.get(name) == Some(value))
    };
    series.sort_by_key(|one| !alerts.iter().any(|alert| is_of(one, alert)));
    let more = series.len().saturating_sub(STRIPS);
    let mut strips: Vec<Strip> = series
        .into_iter()
        .take(STRIPS)
        .map(|one| {
            let samples: Vec<_> = one
                .points
                .iter()
                .filter_map(|(at, value)| Some((Timestamp::from_millisecond((at * 1000.0) as i64).ok()?, *value)))
                .collect();
            let labels: Vec<String> = one
                .labels
                .iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            let label = if labels.is_empty() {
                watched.expression.clone()
            } else {
                labels.join(", ")
            };
            strip(label, with_gaps(&samples, step), None)
        })
        .collect();
    if more > 0 {
        strips.push(strip(format!("{more} more series"), Vec::new(), Some("not drawn")));
    }
    strips
}

fn cut(text: &str, most: usize) -> String {
    let text = crate::report::fit::one_line(text);
    if text.chars().count() <= most {
        return text;
    }
    text.chars().take(most - 1).chain(['…']).collect()
}
