//! The panels as a dashboard of Grafana: a row for each panel, and in it a graph for each signal, since each has a unit
//! and a scale of its own.

use super::{Panel, Panels, Signal};
use crate::runbook::Better;
use serde_json::{Value, json};

/// What Grafana counts its grid by.
const COLUMNS: u32 = 24;
const GRAPH_HEIGHT: u32 = 8;

/// The version of the classic schema that this is; Grafana brings it up to its own.
const SCHEMA: u32 = 36;

/// Why there is no dashboard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoDashboard {
    /// Nothing is declared.
    #[error("there are no panels: declare [panel.NAME] in a file of the panels folder")]
    NoPanels,
    /// Grafana would have nobody to ask.
    #[error(
        "no Prometheus keeps any of the panels' signals: add a connection of the kind prometheus, and let it scrape \
         Signalbox"
    )]
    NoHistory,
}

/// The dashboard. Importing it again replaces what was imported before.
pub fn dashboard(panels: &Panels) -> Result<Value, NoDashboard> {
    if panels.panels.is_empty() {
        return Err(NoDashboard::NoPanels);
    }
    let mut layout = Layout::default();
    for panel in panels.panels.values() {
        layout.row(panel, panels);
    }
    if layout.sources.is_empty() {
        return Err(NoDashboard::NoHistory);
    }
    Ok(json!({
        "uid": "signalbox-panels",
        "title": "Signalbox",
        "tags": ["signalbox"],
        "timezone": "utc",
        "editable": true,
        "graphTooltip": 1,
        "refresh": "30s",
        "schemaVersion": SCHEMA,
        "time": { "from": "now-1h", "to": "now" },
        "templating": { "list": layout.variables() },
        "annotations": { "list": [] },
        "links": [],
        "panels": layout.placed,
    }))
}

/// The grid as it fills.
#[derive(Default)]
struct Layout {
    placed: Vec<Value>,
    /// Where the next row begins.
    y: u32,
    /// Connections of Prometheus, each a variable by which the reader chooses a data source.
    sources: Vec<String>,
}

impl Layout {
    fn row(&mut self, panel: &Panel, panels: &Panels) {
        let declared = panel.signals.iter().filter_map(|name| panels.signals.get(name));
        let signals: Vec<(&Signal, String, String)> = declared
            .filter_map(|signal| {
                let history = signal.history()?;
                Some((signal, history.on.to_owned(), history.promql))
            })
            .collect();
        if signals.is_empty() {
            return;
        }
        let id = self.id();
        self.placed.push(json!({
            "id": id,
            "type": "row",
            "title": panel.title,
            "collapsed": false,
            "panels": [],
            "gridPos": { "x": 0, "y": self.y, "w": COLUMNS, "h": 1 },
        }));
        self.y += 1;
        let count = signals.len();
        for (index, (signal, on, promql)) in signals.into_iter().enumerate() {
            let left = index % 2 == 0;
            let alone = left && index + 1 == count;
            let width = if alone { COLUMNS } else { COLUMNS / 2 };
            let x = if left { 0 } else { COLUMNS / 2 };
            let source = json!({ "type": "prometheus", "uid": format!("${{{}}}", self.variable(on)) });
            let mut graph = graph(signal, panel.thresholds.get(&signal.name).copied());
            graph["id"] = self.id().into();
            graph["gridPos"] = json!({ "x": x, "y": self.y, "w": width, "h": GRAPH_HEIGHT });
            graph["targets"] = json!([{
                "refId": "A",
                "datasource": source,
                "editorMode": "code",
                "expr": promql,
                "legendFormat": legend(signal),
                "range": true,
            }]);
            graph["datasource"] = source;
            self.placed.push(graph);
            if !left || alone {
                self.y += GRAPH_HEIGHT;
            }
        }
    }

    fn id(&self) -> usize {
        self.placed.len() + 1
    }

    /// The variable that stands for a connection.
    fn variable(&mut self, on: String) -> String {
        let known = self.sources.iter().position(|source| *source == on);
        let index = known.unwrap_or_else(|| {
            self.sources.push(on);
            self.sources.len() - 1
        });
        variable(index)
    }

    fn variables(&self) -> Vec<Value> {
        self.sources
            .iter()
            .enumerate()
            .map(|(index, source)| {
                json!({
                    "name": variable(index),
                    "label": source,
                    "type": "datasource",
                    "query": "prometheus",
                    "hide": 0,
                    "multi": false,
                    "includeAll": false,
                    "refresh": 1,
                    "regex": "",
                })
            })
            .collect()
    }
}

/// A name of a connection may hold what a name of a variable may not.
fn variable(index: usize) -> String {
    match index {
        0 => "prometheus".to_owned(),
        more => format!("prometheus_{}", more + 1),
    }
}

/// All of a graph but its place and what it asks.
fn graph(signal: &Signal, threshold: Option<f64>) -> Value {
    let (below, above) = match signal.better {
        Some(Better::Higher) => ("red", "green"),
        Some(Better::Lower) | None => ("green", "red"),
    };
    let mut steps = vec![json!({ "color": below, "value": null })];
    steps.extend(threshold.map(|value| json!({ "color": above, "value": value })));
    let mut defaults = json!({
        "unit": unit(&signal.unit),
        "color": { "mode": "palette-classic" },
        "thresholds": { "mode": "absolute", "steps": steps },
        "custom": {
            "drawStyle": "line",
            "lineWidth": 2,
            "fillOpacity": if signal.by().is_some() { 0 } else { 14 },
            "showPoints": "auto",
            "spanNulls": false,
            "thresholdsStyle": { "mode": if threshold.is_some() { "dashed" } else { "off" } },
        },
    });
    if let Some(means) = &signal.absent_means {
        defaults["noValue"] = format!("no data: {means}").into();
    }
    json!({
        "type": "timeseries",
        "title": signal.words(),
        "description": description(signal),
        "fieldConfig": { "defaults": defaults, "overrides": [] },
        "options": {
            "legend": {
                "showLegend": true,
                "displayMode": if signal.by().is_some() { "table" } else { "list" },
                "placement": "bottom",
                "calcs": ["lastNotNull", "max"],
            },
            "tooltip": { "mode": if signal.by().is_some() { "multi" } else { "single" }, "sort": "desc" },
        },
    })
}

fn description(signal: &Signal) -> String {
    match &signal.caution {
        Some(caution) => format!("{} Caution: {caution}.", signal.help),
        None => signal.help.clone(),
    }
}

/// Grafana fills in the label.
fn legend(signal: &Signal) -> String {
    match signal.by() {
        Some(by) => format!("{{{{{}}}}}", by.label),
        None => signal.words(),
    }
}

/// Grafana's own id of the unit where it has one: it then scales it, from seconds to milliseconds, say.
fn unit(unit: &str) -> String {
    match unit {
        "s" | "ms" | "bytes" => unit.to_owned(),
        "%" => "percent".to_owned(),
        "requests/s" => "reqps".to_owned(),
        other => format!("suffix:{other}"),
    }
}

#[cfg(test)]
mod tests;
