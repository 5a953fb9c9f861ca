//! What Prometheus answers. The parser is private to the integration, so its file is read here once more.

#[allow(dead_code)]
#[path = "../../../src/integration/prometheus/answer.rs"]
mod answer;

/// Instant and range answers, and refusals.
pub fn answers(bytes: &[u8]) {
    let read = || answer::read(bytes).ok().and_then(Result::ok);
    if let Some(samples) = read().and_then(|(data, _)| data.samples().ok()) {
        // What is not a number is null, and never zero.
        for sample in &samples {
            let json = sample.json();
            assert!(json.is_number() || json.is_null(), "{sample:?}");
            assert!(sample.value.is_none_or(f64::is_finite), "{sample:?}");
        }
    }
    if let Some(series) = read().and_then(|(data, _)| data.series().ok()) {
        let mut values = series.iter().flat_map(|series| &series.points);
        assert!(values.all(|(_, value)| value.is_none_or(f64::is_finite)), "{series:?}");
    }
}
