//! Whatever a shop, a server or a person has written into a report: each renderer shows it and obeys nothing of it.

use super::console::assert_safe_in_browser;
use super::parsers::assert_harmless;
use super::parsers::discord::assert_safe_in_discord;
use super::parsers::slack::assert_safe_in_slack;
use super::values::hostile;
use crate::harness::slack::judged;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use signalbox::dispatch::answer::said;
use signalbox::platform::console::render::message::{Message, Offered, Subject, message};
use signalbox::platform::discord::render as discord;
use signalbox::platform::slack::render::{self, Mentions};
use signalbox::report::chart::{self, Band, ChartSpec, Curve, Curves, Strip, Theme};
use signalbox::report::verdict::Verdict;
use signalbox::report::{Attention, Button, Outcome, Press, Report, StepLine, Table, VerdictLine, terminal};
use signalbox::request::Resolution;
use signalbox::runbook::StepOutcome;

/// A report that says the text wherever something can be said, `many` times.
fn full_of(text: &str, many: usize) -> Report {
    let lines = || vec![text.to_owned(); many];
    let mut row = Map::new();
    row.insert("column".to_owned(), json!(text));
    row.insert(text.to_owned(), json!([text, { text: 1.5 }]));
    Report {
        run: Some("7k2m9qx4ab".to_owned()),
        inputs: text.to_owned(),
        plan: lines(),
        warnings: lines(),
        radius: vec![(text.to_owned(), text.to_owned()); many],
        steps: vec![
            StepLine {
                name: text.to_owned(),
                outcome: Some(StepOutcome::Unknown),
                begun: true,
                say: text.to_owned(),
            };
            many
        ],
        table: Some(Table {
            columns: vec!["column".to_owned(), text.to_owned()],
            rows: vec![row; many],
        }),
        verdict: Some(VerdictLine {
            verdict: Verdict::NoData,
            say: text.to_owned(),
        }),
        buttons: vec![
            Button {
                press: Press::Resolve {
                    step: text.to_owned(),
                    resolution: Resolution::Done,
                },
                label: text.to_owned(),
            },
            Button {
                press: Press::Approve {
                    digest: text.to_owned(),
                },
                label: text.to_owned(),
            },
        ],
        attention: Some(Attention {
            groups: vec![text.to_owned()],
            say: text.to_owned(),
        }),
        history: lines(),
        digest: Some(text.to_owned()),
        policies: lines(),
        ..said(text, text, Outcome::NeedsPerson, text)
    }
}

fn assert_shown(report: &Report) {
    let none = Mentions::default();
    let details = render::thread_details(report);
    let messages = [
        render::run_message(report, &none),
        render::ephemeral(report),
        details.message,
    ];
    for message in messages.iter().chain(&render::ping(report, &none)) {
        let mut sent = json!({ "text": message.text, "blocks": message.blocks });
        if let Err(refusal) = judged(&sent) {
            panic!("Slack refuses the message: {refusal}\n{sent:#}");
        }
        // What a button carries back is for us alone, and nobody sees it.
        without_values(&mut sent);
        assert_safe_in_slack(&sent);
    }
    if let Some(file) = details.file {
        assert_harmless(&String::from_utf8(file.bytes).unwrap().replace('\t', " "));
        assert!(file.name.is_ascii(), "{}", file.name);
    }
    let nobody = discord::Mentions::default();
    let details = discord::thread_details(report);
    let messages = [
        discord::run_message(report, &nobody),
        discord::ephemeral(report),
        details.message,
    ];
    for message in messages.into_iter().chain(discord::ping(report, &nobody)) {
        for message in [message.clone(), message.plain()] {
            let sent = message.body();
            if let Err(refusal) = crate::harness::discord::judged(&sent) {
                panic!("Discord refuses the message: {refusal}\n{sent:#}");
            }
            assert_safe_in_discord(&sent);
        }
    }
    for subject in [
        Subject::Run {
            id: "7k2m9qx4ab".to_owned(),
            seq: 1,
        },
        Subject::Answer {
            request: "0198".to_owned(),
        },
    ] {
        let page = message(&in_the_console(report, subject)).0;
        assert_safe_in_browser(&page, "a message in the console");
    }
    for width in [0, 40, 100] {
        assert_harmless(&terminal::render(report, false, width));
    }
}

/// As somebody sees it who may press half of it.
fn in_the_console(report: &Report, subject: Subject) -> Message {
    let offered = report.buttons.iter().enumerate().map(|(index, button)| Offered {
        button: button.clone(),
        why_not: (index % 2 == 1).then(|| report.say.clone()),
    });
    Message {
        subject,
        at: Timestamp::UNIX_EPOCH,
        offered: offered.collect(),
        may_override: true,
        chart: Some(report.say.clone()),
        switch_to: vec![report.person.clone()],
        can_run: true,
        report: report.clone(),
    }
}

fn without_values(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            if fields.get("type").is_some_and(|kind| kind == "button") {
                fields.remove("value");
            }
            fields.values_mut().for_each(without_values);
        }
        Value::Array(items) => items.iter_mut().for_each(without_values),
        _ => {}
    }
}

fn chart_of(text: &str) -> ChartSpec {
    let at = |second: i64| Timestamp::from_second(1_790_000_000 + second).unwrap();
    let points = || vec![(at(0), Some(1.0)), (at(300), Some(f64::MAX)), (at(600), Some(f64::MIN))];
    let curve = || Curve {
        name: text.to_owned(),
        points: points(),
    };
    ChartSpec {
        title: text.to_owned(),
        start: at(0),
        end: at(600),
        zone: TimeZone::UTC,
        strips: vec![
            Strip {
                begins: None,
                label: text.to_owned(),
                unit: text.to_owned(),
                curves: Curves::One(points()),
                threshold: Some(f64::MIN_POSITIVE),
                missing: None,
                remarks: vec![text.to_owned()],
            },
            Strip {
                begins: None,
                label: text.to_owned(),
                unit: text.to_owned(),
                curves: Curves::Named {
                    named: vec![curve(), curve()],
                    rest: Some(curve()),
                },
                threshold: Some(f64::MAX),
                missing: None,
                remarks: vec![text.to_owned()],
            },
            Strip {
                begins: None,
                label: text.to_owned(),
                unit: String::new(),
                curves: Curves::none(),
                threshold: None,
                missing: Some(text.to_owned()),
                remarks: Vec::new(),
            },
        ],
        band: Some(Band {
            start: at(100),
            end: at(200),
            label: text.to_owned(),
        }),
        note: Some(text.to_owned()),
        theme: Theme::Light,
    }
}

#[test]
fn what_is_hostile_is_shown_and_never_obeyed() {
    for value in hostile() {
        assert_shown(&full_of(&value, 1));
    }
    assert_shown(&full_of("<!channel> ```\u{202e}", 200));
}

#[test]
fn a_chart_is_drawn_whatever_it_is_called() {
    for value in hostile() {
        let spec = chart_of(&value);
        if let Err(error) = chart::draw(&spec) {
            panic!("{}: {error}", super::values::brief(&value));
        }
        assert_harmless(&chart::alt(&spec));
    }
}

#[test]
fn typed_backticks_stay_backticks() {
    let mut report = full_of("`id`", 1);
    report.run = None;
    let sent = Value::from(render::ephemeral(&report).blocks).to_string();
    assert!(sent.contains("`id`"), "{sent}");
    assert!(!sent.contains("?id?"), "{sent}");
    assert!(terminal::render(&report, false, 100).contains("`id`"));
    // Three would end the code block of a table.
    let sent = Value::from(render::ephemeral(&full_of("a```b", 1)).blocks).to_string();
    assert_eq!(sent.matches("```").count() - sent.matches("a```b").count(), 2, "{sent}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn no_text_is_obeyed(text in any::<String>(), many in 1usize..30) {
        assert_shown(&full_of(&text, many));
    }

    #[test]
    fn no_odd_text_is_obeyed(text in "[<>&!@#|`*_~\\\\\"\n\t\u{1b}\u{9b}\u{202e}\u{200b}a-c ]{0,80}", many in 1usize..30) {
        assert_shown(&full_of(&text, many));
    }
}
