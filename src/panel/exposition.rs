//! The signals that the bot measures itself, as Prometheus scrapes them.

use super::Panels;
use super::reading::Reading;
use jiff::{SignedDuration, Timestamp};
use std::fmt::Write;

/// The one metric that all measured signals are samples of.
pub const METRIC: &str = "signalbox_signal";

/// The lines of the measured signals. `latest` holds the newest reading of each, one taken every `period`. A signal
/// without a fresh number has no line: Prometheus then sees an absent series, as it should.
pub fn render(panels: &Panels, latest: &[Reading], now: Timestamp, period: SignedDuration) -> String {
    let mut text = format!(
        "# HELP {METRIC} Numbers that Signalbox measures itself; a signal without a fresh number has no sample.\n\
         # TYPE {METRIC} gauge\n"
    );
    for signal in panels.signals.values().filter(|signal| signal.measured()) {
        let reading = latest.iter().find(|reading| reading.signal == signal.name);
        if let Some(number) = reading.and_then(|reading| reading.as_of(now, period).number()) {
            // Writing to a String cannot fail. The name needs no escaping: the loader admits only `[a-z0-9_]`.
            let _ = writeln!(text, "{METRIC}{{signal=\"{}\"}} {number}", signal.name);
        }
    }
    text
}
