//! The rules of forms, of fields that offer values, of shortcuts and of user groups.

use super::{StubBot, call, error, hello, post_form};
use crate::harness::slack::{Slack, Submitted};
use futures::FutureExt;
use serde_json::{Value, json};
use std::panic::AssertUnwindSafe;
use std::time::Duration;

fn field(block: &str) -> Value {
    json!({
        "type": "input", "block_id": block, "label": {"type": "plain_text", "text": "Word"},
        "element": {"type": "plain_text_input", "action_id": "a", "max_length": 5},
    })
}

fn form(blocks: Value) -> Value {
    json!({
        "type": "modal", "callback_id": "c", "private_metadata": "m",
        "title": {"type": "plain_text", "text": "A form"},
        "submit": {"type": "plain_text", "text": "Send"},
        "blocks": blocks,
    })
}

/// A trigger, as a command brings one.
async fn trigger(slack: &Slack, user: &str) -> String {
    let body = slack.person(user).command_body("C0OPS", "/a", "");
    let url = reqwest::Url::parse(&format!("http://form/?{body}")).unwrap();
    let mut pairs = url.query_pairs();
    pairs.find(|(name, _)| name == "trigger_id").unwrap().1.into_owned()
}

async fn open(slack: &Slack, view: Value) -> Value {
    let trigger = trigger(slack, "U1").await;
    call(slack, "views.open", json!({"trigger_id": trigger, "view": view})).await
}

#[tokio::test]
async fn a_trigger_opens_one_form_within_three_seconds() {
    let slack = Slack::start().await;
    let trigger = trigger(&slack, "U1").await;
    let body = json!({"trigger_id": trigger, "view": form(json!([field("word")]))});
    let opened = call(&slack, "views.open", body.clone()).await;
    assert_eq!(opened["view"]["callback_id"], "c");
    assert_eq!(slack.view("U1").await.id, opened["view"]["id"].as_str().unwrap());
    assert_eq!(
        error(&call(&slack, "views.open", body.clone()).await),
        "exchanged_trigger_id"
    );
    let unknown = json!({"trigger_id": "1.2.3", "view": form(json!([field("word")]))});
    assert_eq!(error(&call(&slack, "views.open", unknown).await), "invalid_trigger_id");
    let late = super::view::trigger(&slack, "U1").await;
    slack.freeze();
    slack.advance(Duration::from_millis(3100));
    let late = json!({"trigger_id": late, "view": form(json!([field("word")]))});
    assert_eq!(error(&call(&slack, "views.open", late).await), "expired_trigger_id");
    let view = form(json!([field("word")])).to_string();
    let trigger = super::view::trigger(&slack, "U2").await;
    let in_form = post_form(&slack, "views.open", &[("trigger_id", &trigger), ("view", &view)]).await;
    assert_eq!(in_form["ok"], true);
    slack.view("U2").await;
}

#[tokio::test]
async fn a_form_that_slack_would_not_show_is_refused() {
    let slack = Slack::start().await;
    let with = |name: &str, value: Value| {
        let mut view = form(json!([field("word")]));
        view[name] = value;
        view
    };
    let plain = |text: &str| json!({"type": "plain_text", "text": text});
    let many: Vec<Value> = (0..101).map(|n| field(&format!("b{n}"))).collect();
    for (what, view, code) in [
        (
            "a long title",
            with("title", plain(&"t".repeat(25))),
            "invalid_arguments",
        ),
        ("no submit", with("submit", Value::Null), "invalid_arguments"),
        (
            "much to remember",
            with("private_metadata", "m".repeat(3001).into()),
            "invalid_arguments",
        ),
        ("many blocks", form(many.into()), "invalid_arguments"),
        (
            "a block twice",
            form(json!([field("word"), field("word")])),
            "invalid_arguments",
        ),
        (
            "no options",
            form(json!([{"type": "input", "block_id": "b", "label": plain("l"),
            "element": {"type": "static_select", "action_id": "a", "options": []}}])),
            "invalid_arguments",
        ),
        (
            "a large one",
            form(json!([{"type": "section", "text": plain(&"x".repeat(250_000))}])),
            "view_too_large",
        ),
    ] {
        assert_eq!(error(&open(&slack, view).await), code, "{what}");
    }
    assert_eq!(slack.open_views(), 0);
}

#[tokio::test]
async fn three_forms_stand_on_each_other_and_one_is_replaced_by_its_hash() {
    let slack = Slack::start().await;
    let view = || form(json!([field("word")]));
    let push = async || {
        let trigger = trigger(&slack, "U1").await;
        call(&slack, "views.push", json!({"trigger_id": trigger, "view": view()})).await
    };
    assert_eq!(error(&push().await), "not_found", "there is none to stand on");
    let first = open(&slack, view()).await;
    assert_eq!(push().await["ok"], true);
    assert_eq!(push().await["ok"], true);
    assert_eq!(error(&push().await), "push_limit_reached");
    let update = async |hash: &Value| {
        let body = json!({"view_id": first["view"]["id"], "hash": hash, "view": view()});
        call(&slack, "views.update", body).await
    };
    let second = update(&first["view"]["hash"]).await;
    assert_ne!(second["view"]["hash"], first["view"]["hash"]);
    assert_eq!(error(&update(&first["view"]["hash"]).await), "hash_conflict");
    slack.look_away();
}

/// What Slack's own fields do not let through never reaches the bot.
#[tokio::test]
async fn a_field_holds_what_it_may_and_no_more() {
    let mut slack = Slack::start().await;
    let bot = StubBot::start(Some("")).await;
    slack.connect(&bot.url);
    let select = json!({"type": "input", "block_id": "row", "optional": true, "label": {"type": "plain_text", "text": "Row"},
        "element": {"type": "external_select", "action_id": "a", "min_query_length": 0}});
    open(&slack, form(json!([field("word"), select]))).await;
    let view = slack.view("U1").await;
    let dana = slack.person("U1");
    for (what, filled) in [
        ("nothing where something is required", vec![]),
        ("too much", vec![("word", "longer")]),
        ("what was not offered", vec![("word", "ok"), ("row", "7")]),
        ("a field that is not there", vec![("word", "ok"), ("other", "7")]),
    ] {
        let sent = async { dana.submission(&view, &filled) };
        assert!(AssertUnwindSafe(sent).catch_unwind().await.is_err(), "{what}");
    }
    let (submitted, _) = dana.submits(&view, &[("word", "ok")]).await;
    assert_eq!((submitted, slack.open_views()), (Submitted::Closed, 0));
}

#[tokio::test]
async fn the_answer_to_a_form_has_a_form_of_its_own() {
    for (body, wanted) in [
        (
            r#"{"response_action":"errors","errors":{"word":"No."}}"#,
            Ok(("word", "No.")),
        ),
        (
            r#"{"response_action":"errors","errors":{"gone":"No."}}"#,
            Err("no input"),
        ),
        (r#"{"response_action":"errors","errors":{}}"#, Err("errors without any")),
        (r#"{"response_action":"explode"}"#, Err("response_action")),
        (
            r#"{"response_action":"update","view":{"type":"modal"}}"#,
            Err("does not take"),
        ),
        ("done", Err("not JSON")),
    ] {
        let mut slack = Slack::start().await;
        let bot = StubBot::start(Some(body)).await;
        slack.connect(&bot.url);
        open(&slack, form(json!([field("word")]))).await;
        let view = slack.view("U1").await;
        let (submitted, _) = slack.person("U1").submits(&view, &[("word", "ok")]).await;
        match wanted {
            Ok((block, say)) => {
                assert_eq!(submitted, Submitted::Errors(vec![(block.to_owned(), say.to_owned())]));
                assert_eq!(slack.complaints(), []);
            }
            Err(why) => {
                assert_eq!(submitted, Submitted::Trouble, "{body}");
                assert!(
                    slack.complaints()[0].1.contains(why),
                    "{body}: {:?}",
                    slack.complaints()
                );
            }
        }
        assert_eq!(slack.open_views(), 1, "{body}");
    }
}

#[tokio::test]
async fn a_shortcut_and_a_mention_reach_the_bot_as_slack_sends_them() {
    let mut slack = Slack::start().await;
    let bot = StubBot::start(Some("")).await;
    slack.connect(&bot.url);
    call(&slack, "chat.postMessage", hello()).await;
    let message = slack.posted("C0OPS").await;
    let payload = slack.person("U2").shortcut_payload(&message, "c");
    assert_eq!(
        (&payload["type"], &payload["message"]["ts"]),
        (&json!("message_action"), &json!(message.ts))
    );
    assert_eq!(slack.person("U2").shortcut(&message, "c").await.status, Some(200));
    let event = slack
        .person("U9")
        .mention_event("C0OPS", Some(&message), "<@U0BOT> hello");
    assert_eq!(
        (&event["type"], &event["event"]["type"]),
        (&json!("event_callback"), &json!("app_mention"))
    );
    assert_eq!(
        (&event["event"]["thread_ts"], &event["event"]["user_team"]),
        (&json!(message.ts), &json!("T9"))
    );
}

#[tokio::test]
async fn user_groups_tell_their_members_to_whom_may_know() {
    let slack = Slack::start().await;
    let members = async |group: &str, disabled: &str| {
        let fields = [("usergroup", group), ("include_disabled", disabled)];
        post_form(&slack, "usergroups.users.list", &fields).await
    };
    assert_eq!(members("S0OPS", "false").await["users"], json!(["U1", "U2"]));
    assert_eq!(error(&members("S0NONE", "false").await), "no_such_subteam");
    slack.set_group("S0EMPTY", &[]);
    assert_eq!(members("S0EMPTY", "false").await["users"], json!([]));
    slack.disable_group("S0OPS");
    assert_eq!(error(&members("S0OPS", "false").await), "no_such_subteam");
    assert_eq!(members("S0OPS", "true").await["users"], json!(["U1", "U2"]));
    slack.withdraw_scope("usergroups:read");
    let refused = members("S0OPS", "true").await;
    assert_eq!(
        (error(&refused), &refused["needed"]),
        ("missing_scope", &json!("usergroups:read"))
    );
}
