//! What a runbook proves itself by.

use super::sheet::{Section, Sheet};
use super::{Known, PROOF_KEYS, SIGNAL_KEYS, calls, has};
use crate::runbook::{Better, Proof, ProofSignal};
use std::time::Duration;

const DEFAULT_SOAK: Duration = Duration::from_secs(120);

/// None where the file has no `[proof]`.
pub(super) fn proof(top: &Section<'_>, sheet: &mut Sheet<'_>, known: &Known) -> Option<Proof> {
    let section = top.section(sheet, "proof", PROOF_KEYS)?;
    let mut signals = Vec::new();
    for entry in section.sections(sheet, "signals", SIGNAL_KEYS) {
        let signal = entry.required(sheet, "signal");
        if let Some(it) = signal.as_ref().filter(|it| !has(&known.signals, it.value)) {
            let message = if known.split.contains(it.value) {
                format!(
                    "`{}` is several numbers and a proof compares one: name a signal without `by`",
                    it.value
                )
            } else {
                calls::unknown("signal", it.value, known.signals.iter().flatten().map(String::as_str))
            };
            sheet.problem(it.span.start, message);
        }
        let better = entry.required(sheet, "better").and_then(|it| match it.value {
            "lower" => Some(Better::Lower),
            "higher" => Some(Better::Higher),
            _ => {
                sheet.problem(it.span.start, "`better` is \"lower\" or \"higher\"");
                None
            }
        });
        if let (Some(signal), Some(better)) = (signal, better) {
            signals.push(ProofSignal {
                signal: signal.value.to_owned(),
                better,
            });
        }
    }
    if !section.has("signals") {
        sheet.missing(&section, "signals");
    }
    let panel = section.text(sheet, "panel");
    if let Some(it) = panel.as_ref().filter(|it| !has(&known.panels, it.value)) {
        let message = calls::unknown("panel", it.value, known.panels.iter().flatten().map(String::as_str));
        sheet.problem(it.span.start, message);
    }
    let soak = section.duration(sheet, "soak").unwrap_or(DEFAULT_SOAK);
    Some(Proof {
        signals,
        panel: panel.map(|it| it.value.to_owned()),
        soak,
    })
}
