//! The panels that somebody asked to see: in numbers at once, and as a picture by whoever can show one.

use crate::integration::Connections;
use crate::nearest::way_out;
use crate::panel::{Panel, Panels};
use crate::plan::Charted;
use crate::report::chart::{COLUMNS, heading, remarks, rows};
use crate::run::chart::chart;
use crate::runbook::Runbook;
use crate::runbook::compose::{Composed, ComposedChart, ComposedResult};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

/// Puts what the panels show into the plan's table, and gives the picture to be drawn of it; none where there is none.
/// The error is a refusal.
pub(super) async fn charted(
    runbook: &Runbook,
    composed: &mut Composed,
    panels: &Panels,
    connections: &Connections,
    now: Timestamp,
) -> Result<Option<Charted>, String> {
    let Some(wish) = composed.chart.take() else {
        return Ok(None);
    };
    if wish.panels.is_empty() {
        composed.result = Some(list(runbook, panels));
        return Ok(None);
    }
    let named = found(&wish, panels)?;
    let last = SignedDuration::try_from(wish.last).unwrap_or(SignedDuration::MAX);
    let start = now.checked_sub(last).map_err(|error| error.to_string())?;
    let spec = chart(panels, connections, &named, start, now).await;
    composed.warnings.extend(remarks(&spec));
    composed.result = Some(ComposedResult {
        say: heading(&spec),
        columns: COLUMNS.map(str::to_owned).to_vec(),
        rows: rows(&spec),
    });
    Ok(Some(Charted {
        panels: wish.panels,
        start,
        end: now,
    }))
}

fn found<'p>(wish: &ComposedChart, panels: &'p Panels) -> Result<Vec<&'p Panel>, String> {
    let one = |name: &String| {
        let known = || panels.panels.keys().map(String::as_str);
        let panel = panels.panels.get(name);
        panel.ok_or_else(|| {
            format!(
                "Nothing was done: there is no panel `{name}`; {}.",
                way_out(name, known())
            )
        })
    };
    wish.panels.iter().map(one).collect()
}

/// All panels, a row each.
fn list(runbook: &Runbook, panels: &Panels) -> ComposedResult {
    let all = panels.panels.values();
    let say = match panels.panels.keys().next() {
        None => "There is no panel yet: declare [panel.NAME] in a file of the panels folder.".to_owned(),
        Some(first) => format!(
            "Name a panel, or several with commas between: /{} {first}",
            runbook.name
        ),
    };
    let row = |panel: &Panel| {
        let cells = [("panel", &panel.name), ("shows", &panel.title)];
        let cells = cells.map(|(column, text)| (column.to_owned(), Value::from(text.as_str())));
        Map::from_iter(cells)
    };
    ComposedResult {
        say,
        columns: vec!["panel".to_owned(), "shows".to_owned()],
        rows: all.map(row).collect(),
    }
}
