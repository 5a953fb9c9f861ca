//! `[chart]`.

use super::CHART_KEYS;
use super::sheet::{Section, Sheet};
use crate::runbook::PanelChart;
use crate::runbook::expression::Names;

/// None where the file has no `[chart]`.
pub(super) fn chart(top: &Section<'_>, sheet: &mut Sheet<'_>, names: &Names) -> Option<PanelChart> {
    let section = top.section(sheet, "chart", CHART_KEYS)?;
    for other in ["step", "result", "proof"].into_iter().filter(|other| top.has(other)) {
        let message = format!("a [chart] is all that its runbook shows: leave out the `{other}`, or the chart");
        sheet.problem(top.place(other), message);
    }
    let mut expression = |key: &str| {
        let text = section.required(sheet, key)?;
        sheet.expression(&text, names)
    };
    let (panels, last) = (expression("panels"), expression("last"));
    Some(PanelChart {
        panels: panels?,
        last: last?,
    })
}
