//! Surface by kind by value, through the real front: a signed form to the real router, or a request as the command line
//! makes it. A value is read as documented, or it is told by name and nothing has happened.

use super::parsers::slack::EVERY;
use super::values::{MANY, SINGLE, brief, hostile};
use super::world::{Told, World};
use futures::StreamExt;
use futures::stream;
use signalbox::report::Outcome;
use signalbox::request::{Ask, Resolution, Words};
use signalbox::runbook::input::interpret;
use std::collections::BTreeMap;

fn form(fields: &[(&str, &str)]) -> String {
    let encode = |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
    let pairs = fields.iter().map(|(name, value)| format!("{name}={}", encode(value)));
    pairs.collect::<Vec<_>>().join("&")
}

fn command(command: &str, text: &str, trigger: usize) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    form(&[
        ("team_id", "T1"),
        ("user_id", "U1"),
        ("channel_id", "C0OPS"),
        ("command", command),
        ("text", &text),
        ("trigger_id", &format!("{trigger}.7.U1")),
    ])
}

/// Whether it became a run.
fn assert_read_or_told(what: &str, words: &Words, told: &Told) -> bool {
    told.assert_harmless(what);
    assert!(
        // What `values.rs` asks to be multiplied.
        !told.report.say.contains("60481729"),
        "{what}: {}",
        told.report.say
    );
    match interpret(&EVERY, words) {
        Ok(inputs) => {
            let wanted = if inputs.dry {
                None
            } else {
                Some(Outcome::AwaitingApproval)
            };
            assert_eq!(told.report.run.is_some(), wanted.is_some(), "{what}");
            assert!(wanted.is_none_or(|wanted| told.report.outcome == wanted), "{what}");
        }
        Err(problems) => {
            assert_eq!(told.report.outcome, Outcome::Invalid, "{what}: {}", told.report.say);
            assert_eq!(told.report.run, None, "{what}");
            assert!(
                told.report.say.ends_with("Nothing was done."),
                "{what}: {}",
                told.report.say
            );
            assert!(told.report.say.contains(problems[0].trim_end_matches('.')), "{what}");
        }
    }
    told.report.run.is_some()
}

#[tokio::test(flavor = "multi_thread")]
async fn typed_in_slack_no_value_does_harm() {
    let world = World::new().await;
    let mut lines: BTreeMap<String, String> = BTreeMap::new();
    for value in hostile() {
        for name in SINGLE.into_iter().chain(MANY) {
            lines.insert(
                format!("{name}={value}").trim().to_owned(),
                format!("{name}={}", brief(&value)),
            );
        }
        lines.insert(value.trim().to_owned(), brief(&value));
        lines.insert(
            format!("text=a text={value}").trim().to_owned(),
            format!("twice {}", brief(&value)),
        );
    }
    let posts = lines.keys().enumerate().map(|(at, line)| {
        let world = &world;
        async move { world.post("/slack/commands", command("/every", line, at)).await }
    });
    let answers: Vec<_> = stream::iter(posts).buffered(64).collect().await;
    for (answer, what) in answers.iter().zip(lines.values()) {
        assert_eq!(answer, &(200, String::new()), "{what}");
    }
    let mut runs = 0;
    let all = world.work().await;
    assert_eq!(all.len(), lines.len());
    for (request, told) in &all {
        let Ask::Run { words, .. } = &request.ask else {
            panic!("{:?}", request.ask)
        };
        let Words::Line(line) = words else { panic!("{words:?}") };
        runs += usize::from(assert_read_or_told(&lines[line], words, told));
    }
    assert!(runs > 100, "{runs} runs");
    assert_eq!((world.runs().await, world.calls()), (runs, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn given_on_the_command_line_no_value_does_harm() {
    let world = World::new().await;
    let mut runs = 0;
    for value in hostile() {
        for name in SINGLE.into_iter().chain(MANY) {
            let words = Words::Named(vec![(name.to_owned(), value.clone())]);
            let ask = Ask::Run {
                runbook: "every".to_owned(),
                words: words.clone(),
                dry: false,
            };
            let told = world.ask(ask).await;
            runs += usize::from(assert_read_or_told(&format!("{name}={}", brief(&value)), &words, &told));
        }
        // An input of that name there is not.
        let words = Words::Named(vec![(value.clone(), "1".to_owned()), (value.clone(), "2".to_owned())]);
        let ask = Ask::Run {
            runbook: "every".to_owned(),
            words: words.clone(),
            dry: false,
        };
        let told = world.ask(ask).await;
        if !SINGLE.contains(&value.as_str()) {
            assert!(!assert_read_or_told(&format!("named {}", brief(&value)), &words, &told));
        }
    }
    assert_eq!((world.runs().await, world.calls()), (runs, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_names_no_run_no_lock_and_no_runbook_changes_nothing() {
    let world = World::new().await;
    let reason = || "because".to_owned();
    for value in hostile() {
        let text = || value.clone();
        let asks = [
            Ask::Run {
                runbook: text(),
                words: Words::Line(String::new()),
                dry: false,
            },
            Ask::Offer { run: text(), index: 0 },
            Ask::Offer {
                run: text(),
                index: usize::MAX,
            },
            Ask::Approve {
                run: text(),
                digest: Some(text()),
            },
            Ask::Deny { run: text() },
            Ask::Stop { run: text() },
            Ask::Undo { run: text() },
            Ask::Override {
                run: text(),
                reason: reason(),
            },
            Ask::Resolve {
                run: text(),
                step: text(),
                resolution: Resolution::Done,
                reason: reason(),
            },
            Ask::Unlock {
                key: text(),
                reason: reason(),
            },
            Ask::Unlock {
                key: "every".to_owned(),
                reason: text(),
            },
            Ask::Pause { runbook: Some(text()) },
            Ask::Resume { runbook: Some(text()) },
            Ask::Help { runbook: Some(text()) },
        ];
        for ask in asks {
            let what = format!(
                "{} {}",
                format!("{ask:?}").chars().take(12).collect::<String>(),
                brief(&value)
            );
            let told = world.ask(ask).await;
            assert!(told.is_turned_away(), "{what}: {:?}", told.report);
            assert!(!told.report.say.trim().is_empty(), "{what}");
            assert!(
                told.report.say.len() < 1000,
                "{what}: {} bytes are said",
                told.report.say.len()
            );
            told.assert_harmless(&what);
        }
    }
    assert_eq!((world.runs().await, world.calls()), (0, 0));
    // Nothing was paused either.
    let ask = Ask::Run {
        runbook: "every".to_owned(),
        words: Words::Line("fine".to_owned()),
        dry: false,
    };
    assert_eq!(world.ask(ask).await.report.outcome, Outcome::AwaitingApproval);
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_the_apps_own_command_no_word_does_harm() {
    let world = World::new().await;
    let mut lines = Vec::new();
    for value in hostile()
        .into_iter()
        .filter(|value| !value.trim().is_empty() && value != "null")
    {
        for word in [
            "",
            "help",
            "runs",
            "approve",
            "deny",
            "stop",
            "undo",
            "override",
            "unlock",
            "pause",
            "resume",
            "resolve",
            "resolve RUN",
            "resolve RUN STEP",
            "resolve RUN STEP done",
            "every",
        ] {
            lines.push(format!("{word} {value}"));
        }
    }
    let posts = lines.iter().enumerate().map(|(at, line)| {
        let world = &world;
        async move { world.post("/slack/commands", command("/signalbox", line, at)).await }
    });
    let answers: Vec<_> = stream::iter(posts).buffered(64).collect().await;
    for ((status, body), line) in answers.iter().zip(&lines) {
        assert_eq!(*status, 200, "{}", brief(line));
        assert!(
            body.is_empty() || body.contains("That is not complete. Type: /signalbox "),
            "{body}"
        );
    }
    let mut runs = 0;
    for (request, told) in world.work().await {
        let what = format!("{:?}", request.ask).chars().take(60).collect::<String>();
        told.assert_harmless(&what);
        match &request.ask {
            Ask::Run { runbook, words, .. } if runbook == "every" => {
                runs += usize::from(assert_read_or_told(&what, words, &told));
            }
            _ => assert!(told.is_turned_away(), "{what}: {:?}", told.report),
        }
    }
    assert_eq!((world.runs().await, world.calls()), (runs, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_press_that_comes_too_late_is_refused_with_the_reason() {
    let world = World::new().await;
    let ask = Ask::Run {
        runbook: "every".to_owned(),
        words: Words::Line("fine".to_owned()),
        dry: false,
    };
    let run = world.ask(ask).await.report.run.unwrap();
    assert_eq!(
        world.ask(Ask::Deny { run: run.clone() }).await.report.outcome,
        Outcome::Denied
    );
    for ask in [
        Ask::Approve {
            run: run.clone(),
            digest: None,
        },
        Ask::Deny { run: run.clone() },
        Ask::Stop { run: run.clone() },
        Ask::Override {
            run: run.clone(),
            reason: "late".to_owned(),
        },
    ] {
        let what = format!("{ask:?}");
        let told = world.ask(ask).await;
        assert_eq!(told.report.outcome, Outcome::Refused, "{what}: {}", told.report.say);
        assert!(
            told.report.say.ends_with(&format!("run {run} is denied.")),
            "{}",
            told.report.say
        );
    }
    assert_eq!((world.runs().await, world.calls()), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_is_no_mention_asks_for_nothing() {
    let world = World::new().await;
    for (body, status, answer) in [
        (
            r#"{"type":"url_verification","challenge":"<b>hi</b>"}"#,
            200,
            "<b>hi</b>",
        ),
        (
            r#"{"type":"event_callback","event":{"type":"app_mention","text":"<@U0> every"}}"#,
            400,
            "",
        ),
        (
            r#"{"type":"event_callback","event":{"type":"message","text":"every"}}"#,
            200,
            "",
        ),
        (r#"{"type":"url_verification"}"#, 400, ""),
        (r#"{"challenge":5}"#, 400, ""),
        ("null", 400, ""),
        ("", 400, ""),
        ("{", 400, ""),
        ("[[[[", 400, ""),
        ("\0", 400, ""),
    ] {
        let told = world.post("/slack/events", body.to_owned()).await;
        assert_eq!(told, (status, answer.to_owned()), "{body}");
    }
    assert_eq!(world.work().await.len(), 0);
}
