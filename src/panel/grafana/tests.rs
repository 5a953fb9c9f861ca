use super::*;
use crate::integration::ACTIONS;
use std::collections::BTreeSet;
use std::path::PathBuf;

fn shipped() -> Value {
    dashboard(&crate::panel::tests::shipped()).unwrap()
}

fn of(text: &str, connections: &[(&str, &str)]) -> Result<Value, NoDashboard> {
    let connections = connections
        .iter()
        .map(|(name, kind)| ((*name).to_owned(), (*kind).to_owned()))
        .collect();
    let (panels, problems) = Panels::load(&[(PathBuf::from("a.toml"), text.to_owned())], &connections, ACTIONS);
    assert_eq!(problems, []);
    dashboard(&panels)
}

const TWO: &str = r#"
[signal.by_view]
help = "Requests."
unit = "requests/s"
by = "view"
promql = "sum by (view) (x)"
on = "one"
absent_means = "nobody asked"
caution = "at least so many"

[signal.queue_length]
help = "Messages."
unit = "messages"
better = "lower"
use = "celery.queue_length"
on = "queue"
field = "total"
history = "the-other"

[panel.all]
title = "All"
signals = ["by_view", "queue_length"]
thresholds = { queue_length = 100 }
"#;

#[test]
fn a_dashboard_whole() {
    let dashboard = of(
        TWO,
        &[("one", "prometheus"), ("the-other", "prometheus"), ("queue", "celery")],
    )
    .unwrap();
    insta::assert_snapshot!(format!("{dashboard:#}"), @r#"
    {
      "uid": "signalbox-panels",
      "title": "Signalbox",
      "tags": [
        "signalbox"
      ],
      "timezone": "utc",
      "editable": true,
      "graphTooltip": 1,
      "refresh": "30s",
      "schemaVersion": 36,
      "time": {
        "from": "now-1h",
        "to": "now"
      },
      "templating": {
        "list": [
          {
            "name": "prometheus",
            "label": "one",
            "type": "datasource",
            "query": "prometheus",
            "hide": 0,
            "multi": false,
            "includeAll": false,
            "refresh": 1,
            "regex": ""
          },
          {
            "name": "prometheus_2",
            "label": "the-other",
            "type": "datasource",
            "query": "prometheus",
            "hide": 0,
            "multi": false,
            "includeAll": false,
            "refresh": 1,
            "regex": ""
          }
        ]
      },
      "annotations": {
        "list": []
      },
      "links": [],
      "panels": [
        {
          "id": 1,
          "type": "row",
          "title": "All",
          "collapsed": false,
          "panels": [],
          "gridPos": {
            "x": 0,
            "y": 0,
            "w": 24,
            "h": 1
          }
        },
        {
          "type": "timeseries",
          "title": "by view",
          "description": "Requests. Caution: at least so many.",
          "fieldConfig": {
            "defaults": {
              "unit": "reqps",
              "color": {
                "mode": "palette-classic"
              },
              "thresholds": {
                "mode": "absolute",
                "steps": [
                  {
                    "color": "green",
                    "value": null
                  }
                ]
              },
              "custom": {
                "drawStyle": "line",
                "lineWidth": 2,
                "fillOpacity": 0,
                "showPoints": "auto",
                "spanNulls": false,
                "thresholdsStyle": {
                  "mode": "off"
                }
              },
              "noValue": "no data: nobody asked"
            },
            "overrides": []
          },
          "options": {
            "legend": {
              "showLegend": true,
              "displayMode": "table",
              "placement": "bottom",
              "calcs": [
                "lastNotNull",
                "max"
              ]
            },
            "tooltip": {
              "mode": "multi",
              "sort": "desc"
            }
          },
          "id": 2,
          "gridPos": {
            "x": 0,
            "y": 1,
            "w": 12,
            "h": 8
          },
          "targets": [
            {
              "refId": "A",
              "datasource": {
                "type": "prometheus",
                "uid": "${prometheus}"
              },
              "editorMode": "code",
              "expr": "sum by (view) (x)",
              "legendFormat": "{{view}}",
              "range": true
            }
          ],
          "datasource": {
            "type": "prometheus",
            "uid": "${prometheus}"
          }
        },
        {
          "type": "timeseries",
          "title": "queue length",
          "description": "Messages.",
          "fieldConfig": {
            "defaults": {
              "unit": "suffix:messages",
              "color": {
                "mode": "palette-classic"
              },
              "thresholds": {
                "mode": "absolute",
                "steps": [
                  {
                    "color": "green",
                    "value": null
                  },
                  {
                    "color": "red",
                    "value": 100.0
                  }
                ]
              },
              "custom": {
                "drawStyle": "line",
                "lineWidth": 2,
                "fillOpacity": 14,
                "showPoints": "auto",
                "spanNulls": false,
                "thresholdsStyle": {
                  "mode": "dashed"
                }
              }
            },
            "overrides": []
          },
          "options": {
            "legend": {
              "showLegend": true,
              "displayMode": "list",
              "placement": "bottom",
              "calcs": [
                "lastNotNull",
                "max"
              ]
            },
            "tooltip": {
              "mode": "single",
              "sort": "desc"
            }
          },
          "id": 3,
          "gridPos": {
            "x": 12,
            "y": 1,
            "w": 12,
            "h": 8
          },
          "targets": [
            {
              "refId": "A",
              "datasource": {
                "type": "prometheus",
                "uid": "${prometheus_2}"
              },
              "editorMode": "code",
              "expr": "max(signalbox_signal{signal=\"queue_length\"})",
              "legendFormat": "queue length",
              "range": true
            }
          ],
          "datasource": {
            "type": "prometheus",
            "uid": "${prometheus_2}"
          }
        }
      ]
    }
    "#);
}

#[test]
fn the_shipped_panels_in_short() {
    let dashboard = shipped();
    let lines: Vec<String> = list(&dashboard["panels"])
        .iter()
        .map(|panel| {
            let title = panel["title"].as_str().unwrap();
            if panel["type"] == "row" {
                return title.to_owned();
            }
            let defaults = &panel["fieldConfig"]["defaults"];
            format!(
                "  {title}, {}, {}",
                defaults["unit"].as_str().unwrap(),
                panel["targets"][0]["legendFormat"]
            )
        })
        .collect();
    insta::assert_snapshot!(lines.join("\n"), @r#"
    Celery
      duration by task, s, "{{name}}"
      queue length, suffix:messages, "queue length"
      workers alive, suffix:workers, "workers alive"
    Errors by status code
      errors by status, suffix:answers/s, "{{status}}"
      server errors, percent, "server errors"
    Forwarding orders to suppliers
      orders awaiting forwarding, suffix:orders, "orders awaiting forwarding"
      queue length, suffix:messages, "queue length"
      workers alive, suffix:workers, "workers alive"
    Payment failures by provider
      payment failures, suffix:failures, "{{provider}}"
      orders with failed payment, suffix:orders, "orders with failed payment"
    Requests by endpoint
      requests by endpoint, reqps, "{{view}}"
      latency by endpoint, s, "{{view}}"
    Signalbox itself
      bot requests waiting, suffix:commands, "bot requests waiting"
      bot runs waiting, suffix:runs, "bot runs waiting"
      bot messages failing, suffix:messages, "bot messages failing"
    Supplier sync
      supplier sync failures, suffix:failures, "supplier sync failures"
      queue length, suffix:messages, "queue length"
      workers alive, suffix:workers, "workers alive"
    "#);
}

fn list(value: &Value) -> &Vec<Value> {
    value.as_array().unwrap()
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap()
}

/// What Grafana's published schema of dashboards says of each thing that stands in ours.
#[test]
fn it_keeps_to_grafanas_schema() {
    let dashboard = shipped();
    assert!((8..=40).contains(&dashboard["uid"].as_str().unwrap().len()));
    let variables: BTreeSet<String> = list(&dashboard["templating"]["list"])
        .iter()
        .map(|variable| {
            assert_eq!(
                (&variable["type"], &variable["query"]),
                (&"datasource".into(), &"prometheus".into())
            );
            format!("${{{}}}", variable["name"].as_str().unwrap())
        })
        .collect();
    assert_eq!(variables.len(), list(&dashboard["templating"]["list"]).len());
    let mut ids = BTreeSet::new();
    let mut taken = BTreeSet::new();
    for panel in list(&dashboard["panels"]) {
        let title = panel["title"].as_str().unwrap();
        assert!(ids.insert(number(&panel["id"])), "{title}: another panel has its id");
        let place = &panel["gridPos"];
        let [x, y, w, h] = ["x", "y", "w", "h"].map(|side| number(&place[side]));
        assert!(w > 0 && h > 0 && x < 24 && x + w <= 24, "{title}: {place}");
        for column in x..x + w {
            for line in y..y + h {
                assert!(taken.insert((column, line)), "{title} lies on another panel: {place}");
            }
        }
        if panel["type"] == "row" {
            assert_eq!((&panel["collapsed"], &panel["panels"]), (&false.into(), &json!([])));
            continue;
        }
        assert_eq!(panel["type"], "timeseries");
        let steps = list(&panel["fieldConfig"]["defaults"]["thresholds"]["steps"]);
        assert_eq!(steps[0]["value"], Value::Null, "{title}: the first step is without end");
        assert!(steps[1..].iter().all(|step| step["value"].is_number()), "{title}");
        assert!(!panel["description"].as_str().unwrap().is_empty(), "{title}");
        let target = &panel["targets"][0];
        for source in [&panel["datasource"], &target["datasource"]] {
            assert_eq!(source["type"], "prometheus");
            assert!(variables.contains(source["uid"].as_str().unwrap()), "{title}: {source}");
        }
        assert!(!target["expr"].as_str().unwrap().is_empty(), "{title}");
    }
    // No hole above a panel: Grafana would move it up, and what is saved would not be what is seen.
    let lowest = taken.iter().map(|(_, line)| *line).max().unwrap();
    assert_eq!(taken.len() as u64, 24 * (lowest + 1));
}

#[test]
fn why_there_is_none() {
    insta::assert_snapshot!(of("", &[]).unwrap_err(), @"there are no panels: declare [panel.NAME] in a file of the panels folder");
    let lonely = TWO.split_once("[signal.queue_length]").unwrap().1;
    let lonely = format!("[signal.queue_length]{lonely}")
        .replace("history = \"the-other\"\n", "")
        .replace("\"by_view\", ", "");
    insta::assert_snapshot!(of(&lonely, &[("queue", "celery")]).unwrap_err(), @"no Prometheus keeps any of the panels' signals: add a connection of the kind prometheus, and let it scrape Signalbox");
}
