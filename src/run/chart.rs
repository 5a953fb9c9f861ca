//! The charts of panels: what Prometheus kept of their signals, asked for all together.

use super::strip::{Span, strip};
use crate::integration::Connections;
use crate::integration::prometheus::Range;
use crate::panel::{Panel, Panels, Signal};
use crate::report::chart::{ChartSpec, MOST_STRIPS, Strip, Theme};
use futures::future::join_all;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// People wait for a chart.
const PATIENCE: SignedDuration = SignedDuration::from_secs(10);

/// These panels over a span of time, below each other.
pub async fn chart(
    declared: &Panels,
    connections: &Connections,
    panels: &[&Panel],
    start: Timestamp,
    end: Timestamp,
) -> ChartSpec {
    let signals = panels.iter().flat_map(|panel| {
        let signals = panel.signals.iter().filter_map(|name| declared.signals.get(name));
        signals.enumerate().map(|(index, signal)| (*panel, index == 0, signal))
    });
    // Together: a server that does not answer is waited for once.
    let strips = join_all(signals.enumerate().map(async |(index, (panel, is_first, signal))| {
        let answer = if index < MOST_STRIPS {
            kept(connections, signal, start, end, step(start, end)).await
        } else {
            Err("not drawn".to_owned())
        };
        let span = Span {
            end,
            step: step(start, end),
        };
        let threshold = panel.thresholds.get(&signal.name).copied();
        Strip {
            begins: (is_first && panels.len() > 1).then(|| panel.title.clone()),
            ..strip(signal, answer, span, threshold)
        }
    }))
    .await;
    let titles: Vec<&str> = panels.iter().map(|panel| panel.title.as_str()).collect();
    ChartSpec {
        title: titles.join("; "),
        start,
        end,
        zone: TimeZone::UTC,
        strips,
        band: None,
        note: None,
        theme: Theme::Light,
    }
}

/// What Prometheus kept of a signal, a value for each step.
pub(super) async fn kept(
    connections: &Connections,
    signal: &Signal,
    start: Timestamp,
    end: Timestamp,
    step: SignedDuration,
) -> Result<Range, String> {
    let Some(history) = signal.history() else {
        return Err("nothing keeps its past: no Prometheus scrapes Signalbox".to_owned());
    };
    let Some(prometheus) = connections.prometheus(history.on) else {
        return Err(format!("there is no connection {}", history.on));
    };
    let asked = prometheus.over(&history.promql, start, end, step.unsigned_abs());
    match tokio::time::timeout(PATIENCE.unsigned_abs(), asked).await {
        Ok(answer) => answer.map_err(|error| error.to_string()),
        Err(_) => Err(format!(
            "{} has not answered within {} seconds",
            history.on,
            PATIENCE.as_secs()
        )),
    }
}

/// About 240 points, and never closer than a scrape.
fn step(start: Timestamp, end: Timestamp) -> SignedDuration {
    SignedDuration::from_secs((end.duration_since(start).as_secs() / 240).max(5))
}
