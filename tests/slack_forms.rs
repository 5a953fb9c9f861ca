//! Forms in Slack: for what was asked for without saying what it takes, and for a runbook that was chosen by the shortcut.

use crate::harness::slack::{Fault, Submitted};
use crate::harness::slack_bot::{SlackBot, Transport, WRITE, steady};
use insta::assert_snapshot;
use serde_json::{Value, json};
use std::time::Instant;

/// An input of each kind that matters here, one of them with suggestions of a database that never answers.
const MANY: &str = r#"
summary = "Takes all kinds."
[[input]]
name = "order"
kind = "integer"
many = true
min = 1
max_items = 3
help = "the numbers of the orders"
[input.suggest]
use = "postgres.query"
on = "shop"
value = "id"
label = "label"
with.params = ["typed"]
with.sql = "select id, label from orders where starts_with(id::text, $1::text)"
[[input]]
name = "how_many"
kind = "integer"
min = 1
max = 9
[[input]]
name = "supplier"
kind = "choice"
choices = ["CJ", "Printful"]
[[input]]
name = "pause"
kind = "duration"
default = "15m"
required = false
[[input]]
name = "mail"
kind = "boolean"
default = true
required = false
[lock]
keys = ["'all'"]
[[step]]
name = "write"
use = "postgres.statement"
on = "shop"
with.sql = "insert into effect (word) values ($1)"
with.params = ["inputs.supplier"]
say = "Write {{ inputs.supplier }}."
[[step.expect]]
when = "call.result == 'done'"
outcome = "done"
say = "Wrote."
"#;

fn runbooks() -> [(&'static str, &'static str); 2] {
    [("write", WRITE), ("many", MANY)]
}

async fn bot(transport: Transport) -> SlackBot {
    let people = "[person.dana]\nslack = [\"T1/U1\"]\ngroups = [\"ops\"]\n[person.lee]\nslack = [\"T1/U2\"]\ngroups = \
                  [\"ops\"]\n[person.vic]\nslack = [\"T1/U3\"]\ngroups = [\"viewers\"]\n[group.ops]\n[group.viewers]\n";
    SlackBot::start_with(transport, &runbooks(), people).await
}

fn runs(bot: &SlackBot) -> Vec<String> {
    let name = |run: &Value| run["runbook"].as_str().unwrap().to_owned();
    bot.runs().iter().map(name).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_for_without_a_word_opens_its_form() {
    for transport in [Transport::Http, Transport::Socket] {
        let bot = bot(transport).await;
        let dana = bot.slack.person("U1");
        let ack = dana.command("C0OPS", "/many", "").await;
        assert_eq!((ack.status, ack.body.as_str()), (Some(200), ""), "{transport:?}");
        let form = bot.slack.view("U1").await;
        insta::allow_duplicates! {
            assert_snapshot!(form.seen(), @r"
            /many
            /many: Takes all kinds.
            order: multi_external_select at most 3
              the numbers of the orders. Several are separated by commas.
            how many: number_input from 1 to 9
            supplier: static_select [CJ] [Printful]
            pause (optional): plain_text_input
              Without it: 15m.
            mail (optional): checkboxes [yes] = yes
              Without it: yes.
            Dry run (optional): checkboxes [Only show what would be done]
            <Run>
            ");
        }
        assert_eq!(
            runs(&bot),
            Vec::<String>::new(),
            "nothing is stored before something is asked for"
        );
        let offered = dana.types_into(&form, "input:order", "1042").await;
        assert_eq!(
            offered,
            [("1042".to_owned(), "1042".to_owned())],
            "what was typed can be picked"
        );
        let filled = [
            ("input:order", "1042"),
            ("input:how_many", "3"),
            ("input:supplier", "Printful"),
            ("input:mail", ""),
        ];
        let (submitted, ack) = dana.submits(&form, &filled).await;
        assert_eq!(submitted, Submitted::Closed, "{ack:?}");
        let message = bot.slack.posted("C0OPS").await;
        insta::allow_duplicates! {
            assert_snapshot!(steady(&message.seen()), @r"
            … Waits for approval: many order=1042 how_many=3 supplier=Printful pause=15m mail=false
            Every run needs a second person. Waiting for 1 of 1 approval by somebody other than dana, until TIME. After 30 minutes without an answer it is a no.
            A second person's yes is asked for many. (group ops)
            Plan
            • Write Printful.
            Approve
            Deny
            Asked by dana, run RUN
            ");
        }
        assert_eq!(bot.slack.complaints(), []);
        bot.end_unread();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_typed_is_in_the_form_and_what_is_wrong_above_it() {
    for transport in [Transport::Http, Transport::Socket] {
        let bot = bot(transport).await;
        let dana = bot.slack.person("U1");
        // Some of it, in one's own order, and a value that no field of numbers can hold.
        let ack = dana
            .command("C0OPS", "/many", "7,8 supplier=Printful mail=no pause=soon dry")
            .await;
        assert_eq!((ack.status, ack.body.as_str()), (Some(200), ""), "{transport:?}");
        let form = bot.slack.view("U1").await;
        insta::allow_duplicates! {
            assert_snapshot!(form.seen(), @r#"
            /many
            /many: Takes all kinds.
            `how_many` is missing: give a whole number, such as `/many how_many=9` `pause`: `soon` is not a duration: write a whole number with s, m, h or d, such as "90s", "5m" or "1h30m" Nothing was done. You typed: /many 7,8 supplier=Printful mail=no pause=soon dry
            order: multi_external_select at most 3 = 7, 8
              the numbers of the orders. Several are separated by commas.
            how many: number_input from 1 to 9
            supplier: static_select [CJ] [Printful] = Printful
            pause (optional): plain_text_input = soon
              Without it: 15m.
            mail (optional): checkboxes [yes]
              Without it: yes.
            Dry run (optional): checkboxes [Only show what would be done] = Only show what would be done
            <Run>
            "#);
        }
        let (submitted, _) = dana
            .submits(&form, &[("input:how_many", "9"), ("input:pause", "1h")])
            .await;
        assert_eq!(submitted, Submitted::Closed);
        let dry = steady(&bot.slack.whisper("U1").await.seen());
        insta::allow_duplicates! {
            assert_snapshot!(dry.lines().next().unwrap(), @"○ Dry run, nothing was done: many order=7,8 how_many=9 supplier=Printful pause=1h mail=false");
        }
        // What is whole and wrong has its answer in words, which cost Slack no call.
        dana.command("C0OPS", "/write", "much too many words").await;
        let told = bot.slack.whisper("U1").await.seen();
        assert!(told.contains("`too` is one word too many"), "{told}");
        // Whoever may not ask is told so, whatever they type.
        bot.slack.person("U3").command("C0OPS", "/write", "a b").await;
        assert!(
            bot.slack
                .whisper("U3")
                .await
                .seen()
                .contains("No policy lets vic ask for write")
        );
        // Where no form opens the words have their answer.
        bot.slack.fault("views.open", Fault::Error("expired_trigger_id"));
        dana.command("C0OPS", "/many", "7 how_many=x pause=1m").await;
        let told = bot.slack.whisper("U1").await.seen();
        assert!(told.contains("`how_many`: `x` is not a whole number"), "{told}");
        assert_eq!(runs(&bot), Vec::<String>::new());
        assert_eq!(bot.slack.complaints(), []);
        bot.end();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_stands_at_its_field_and_the_form_stays() {
    let bot = bot(Transport::Http).await;
    let dana = bot.slack.person("U1");
    dana.command("C0OPS", "/many", "  ").await;
    let form = bot.slack.view("U1").await;
    for typed in ["7", "8", "9", "10"] {
        dana.types_into(&form, "input:order", typed).await;
    }
    let mut filled = vec![
        ("input:order", "7,8,9,10"),
        ("input:how_many", "3"),
        ("input:supplier", "CJ"),
        ("input:pause", "soon"),
    ];
    let (submitted, _) = dana.submits(&form, &filled).await;
    let Submitted::Errors(errors) = submitted else {
        panic!("{submitted:?}")
    };
    assert_snapshot!(errors.iter().map(|(block, say)| format!("{block}: {say}")).collect::<Vec<_>>().join("\n"), @r#"
    input:order: `order`: 4 items are given; 3 are the most at once.
    input:pause: `pause`: `soon` is not a duration: write a whole number with s, m, h or d, such as "90s", "5m" or "1h30m".
    "#);
    assert_eq!(runs(&bot), Vec::<String>::new());
    (filled[0].1, filled[3].1) = ("7,8", "1h");
    filled.push(("dry", "dry"));
    let (submitted, _) = dana.submits(&form, &filled).await;
    assert_eq!(submitted, Submitted::Closed);
    assert_snapshot!(steady(&bot.slack.whisper("U1").await.seen()), @r"
    ○ Dry run, nothing was done: many order=7,8 how_many=3 supplier=CJ pause=1h mail=true
    Dry run: nothing was done. It would need 1 approval: Every run needs a second person.
    Plan
    • Write CJ.
    Asked by dana
    ");
    assert_eq!(runs(&bot), Vec::<String>::new(), "a dry run is none");
    bot.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_sent_twice_is_one_run_and_one_sent_late_still_counts() {
    let mut bot = bot(Transport::Http).await;
    bot.slack.person("U1").command("C0OPS", "/write", "").await;
    let form = bot.slack.view("U1").await;
    // Another process, and a runbook that has changed meanwhile.
    let path = bot.path("commands/write.toml");
    std::fs::write(
        &path,
        WRITE
            .replace("name = \"word\"", "name = \"text\"")
            .replace("inputs.word", "inputs.text"),
    )
    .unwrap();
    bot.restart().await;
    let dana = bot.slack.person("U1");
    let (submitted, _) = dana.submits(&form, &[("input:word", "late")]).await;
    let Submitted::Errors(errors) = submitted else {
        panic!("{submitted:?}")
    };
    assert_snapshot!(errors[0].1, @r#"there is no input `word`; /write takes `text`. `text` is missing (what is written): give a text, such as `/write text="some text"`."#);
    std::fs::write(&path, WRITE).unwrap();
    bot.restart().await;
    let dana = bot.slack.person("U1");
    let payload = dana.submission(&form, &[("input:word", "late")]);
    for _ in 0..3 {
        let ack = dana.sends(&payload).await;
        assert_eq!((ack.status, ack.body.as_str()), (Some(200), ""));
    }
    let message = bot.slack.posted_within("C0OPS", 20).await;
    assert!(message.seen().contains("write word=late"), "{}", message.seen());
    assert_eq!(runs(&bot), ["write"]);
    std::fs::remove_file(&path).unwrap();
    bot.restart().await;
    let dana = bot.slack.person("U1");
    bot.slack.take_unread();
    dana.command("C0OPS", "/many", "").await;
    let other = bot.slack.view("U1").await;
    let mut payload = dana.submission(&form, &[("input:word", "later")]);
    payload["view"]["id"] = other.id.clone().into();
    assert_eq!(dana.sends(&payload).await.status, Some(200));
    assert!(
        bot.slack
            .whisper("U1")
            .await
            .seen()
            .contains("There is no runbook of that name.")
    );
    bot.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn those_who_may_not_ask_get_no_form_and_no_values() {
    let bot = bot(Transport::Http).await;
    let vic = bot.slack.person("U3");
    vic.command("C0OPS", "/many", "").await;
    assert_snapshot!(steady(&bot.slack.whisper("U3").await.seen()), @r"
    ⊘ Denied: many
    No policy lets vic ask for many.
    Asked by vic
    ");
    assert_eq!(bot.slack.open_views(), 0);
    bot.slack.person("U1").command("C0OPS", "/many", "").await;
    let form = bot.slack.view("U1").await;
    assert_eq!(vic.types_into(&form, "input:order", "1042").await, []);
    // A form of another's, sent all the same.
    bot.slack.person("U1").command("C0OPS", "/write", "").await;
    let form = bot.slack.view("U1").await;
    let mut payload = vic.submission(&form, &[("input:word", "mine")]);
    payload["view"]["private_metadata"] = "{\"runbook\":\"write\",\"workspace\":\"T1\",\"channel\":\"C0OPS\"}".into();
    assert_eq!(vic.sends(&payload).await.status, Some(200));
    assert!(bot.slack.whisper("U3").await.seen().contains("No policy lets vic"));
    assert_eq!(runs(&bot), Vec::<String>::new());
    bot.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_form_does_not_open_the_usage_is_told() {
    let bot = bot(Transport::Http).await;
    let dana = bot.slack.person("U1");
    for fault in [
        Fault::Error("invalid_trigger_id"),
        Fault::Error("expired_trigger_id"),
        Fault::Error("internal_error"),
        Fault::Status(503),
        Fault::RateLimited(30),
        Fault::Silence,
    ] {
        bot.slack.fault("views.open", fault);
        let began = Instant::now();
        let ack = dana.command("C0OPS", "/write", "").await;
        assert_eq!((ack.status, ack.body.as_str()), (Some(200), ""), "{fault:?}");
        assert!(
            began.elapsed().as_millis() < 2500,
            "{fault:?} took {:?}",
            began.elapsed()
        );
        let told = bot.slack.whisper("U1").await.seen();
        assert!(
            told.contains("`word` is missing (what is written): give a text"),
            "{fault:?}: {told}"
        );
    }
    assert_eq!(bot.slack.complaints(), []);
    bot.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_comes_twice_opens_one_form_and_says_nothing_more() {
    let bot = bot(Transport::Socket).await;
    let ack = bot.slack.person("U1").command("C0OPS", "/write", "").await;
    let again = bot.slack.deliver("U1", "C0OPS", ack.sent).await;
    assert_eq!((again.status, again.body.as_str()), (Some(200), ""));
    bot.slack.view("U1").await;
    assert_eq!(bot.slack.open_views(), 1);
    assert_eq!(bot.metric("signalbox_requests_waiting").await, 0.0);
    assert_eq!(bot.metric("signalbox_deliveries_total{outcome=\"kept\"}").await, 0.0);
    bot.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_database_keeps_nobody_from_picking() {
    let bot = bot(Transport::Http).await;
    let dana = bot.slack.person("U1");
    dana.command("C0OPS", "/many", "").await;
    let form = bot.slack.view("U1").await;
    for (typed, offered) in [("", None), ("10", Some("10")), ("ten", None), ("0", None), ("中", None)] {
        let began = Instant::now();
        let told = dana.types_into(&form, "input:order", typed).await;
        assert!(
            began.elapsed().as_millis() < 1500,
            "{typed:?} took {:?}",
            began.elapsed()
        );
        let values: Vec<&str> = told.iter().map(|(value, _)| value.as_str()).collect();
        assert_eq!(values, offered.into_iter().collect::<Vec<_>>(), "{typed:?}");
    }
    bot.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_runbook_is_chosen_by_the_shortcut() {
    let bot = bot(Transport::Socket).await;
    let message = bot.slack.chat("U2", "C0ALERTS", "order 7 hangs again", Value::Null);
    let dana = bot.slack.person("U1");
    let ack = dana.shortcut(&message, "signalbox:choose").await;
    assert_eq!((ack.status, ack.body.as_str()), (Some(200), ""));
    let choice = bot.slack.view("U1").await;
    assert_snapshot!(choice.seen(), @r"
    Run a runbook
    Runbook: static_select [/many: Takes all kinds.] [/write: Writes a word.]
    <Next>
    ");
    let (submitted, _) = dana.submits(&choice, &[("runbook", "write")]).await;
    assert_eq!(submitted, Submitted::Another);
    let form = bot.slack.view("U1").await;
    assert_eq!(form.id, choice.id, "in the place of the other");
    assert!(form.seen().starts_with("/write\n"), "{}", form.seen());
    let (submitted, _) = dana.submits(&form, &[("input:word", "中文 ü")]).await;
    assert_eq!(submitted, Submitted::Closed);
    let shown = bot.slack.posted("C0ALERTS").await;
    assert!(shown.seen().contains("word=\"中文 ü\""), "{}", shown.seen());
    // A shortcut that is not ours, one that was used too late, and one of somebody who may run nothing.
    let ack = dana.shortcut(&message, "of another app").await;
    assert_eq!(ack.status, Some(200));
    let late = dana.shortcut_payload(&message, "signalbox:choose");
    bot.slack.expire_triggers();
    assert_eq!(dana.sends(&late).await.status, Some(200));
    assert_snapshot!(bot.slack.whisper("U1").await.seen(), @"Slack did not open the form. Try again, or type `/signalbox help`.");
    bot.slack.person("U3").shortcut(&message, "signalbox:choose").await;
    assert_snapshot!(bot.slack.whisper("U3").await.seen(), @"There is no runbook that you may run here.");
    assert_eq!(bot.slack.complaints(), []);
    bot.end_unread();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_answers_where_the_bot_is_not_in_the_channel() {
    let bot = bot(Transport::Http).await;
    bot.slack.kick_bot("C0ALERTS");
    let dana = bot.slack.person("U1");
    dana.command("C0ALERTS", "/write", "").await;
    let form = bot.slack.view("U1").await;
    let (submitted, _) = dana.submits(&form, &[("input:word", "w"), ("dry", "dry")]).await;
    assert_eq!(submitted, Submitted::Closed);
    assert!(bot.slack.whisper("U1").await.seen().contains("Dry run"));
    let metadata = form.body["private_metadata"].as_str().unwrap();
    assert!(!metadata.contains("response"), "the address is sealed: {metadata}");
    bot.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_that_was_tampered_with_or_is_none_of_ours_does_nothing() {
    let bot = bot(Transport::Http).await;
    let dana = bot.slack.person("U1");
    dana.command("C0OPS", "/write", "").await;
    let form = bot.slack.view("U1").await;
    let good = dana.submission(&form, &[("input:word", "w")]);
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut payload = good.clone();
        change(&mut payload);
        payload
    };
    for (what, payload, status) in [
        ("no view", changed(&|it| it["view"] = Value::Null), 400),
        ("no state", changed(&|it| it["view"]["state"] = Value::Null), 400),
        (
            "a state of another type",
            changed(&|it| it["view"]["state"] = json!([1])),
            400,
        ),
        (
            "no memory",
            changed(&|it| it["view"]["private_metadata"] = "".into()),
            400,
        ),
        (
            "a memory of another type",
            changed(&|it| it["view"]["private_metadata"] = "{\"runbook\":[]}".into()),
            400,
        ),
        (
            "a place that is none",
            changed(&|it| it["view"]["private_metadata"] = "{\"runbook\":\"write\",\"channel\":\"../C1\"}".into()),
            400,
        ),
        (
            "no runbook",
            changed(&|it| it["view"]["private_metadata"] = "{\"channel\":\"C0OPS\"}".into()),
            400,
        ),
        (
            "a foreign user",
            changed(&|it| it["user"]["team_id"] = "T9".into()),
            403,
        ),
        (
            "of another app",
            changed(&|it| it["view"]["callback_id"] = "theirs".into()),
            200,
        ),
    ] {
        let ack = dana.sends(&payload).await;
        assert_eq!((ack.status, ack.body.as_str()), (Some(status), ""), "{what}");
    }
    assert_eq!(runs(&bot), Vec::<String>::new());
    bot.end();
}
