//! Whether the simulated Slack keeps to the platform's rules: a test at its face for each of them.

mod socket;
mod view;

use crate::harness::slack::{APP_TOKEN, BOT_TOKEN, Fault, Oddity, Sent, Slack};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::routing::post;
use jiff::Timestamp;
use serde_json::{Value, json};
use signalbox::platform::slack::receive::{self, Received};
use signalbox::request::{Account, Ask, Words};
use std::sync::{Arc, Mutex};
use std::time::Duration;

async fn call_as(slack: &Slack, token: &str, method: &str, body: Value) -> (u16, Value) {
    let url = format!("{}/{method}", slack.api_url());
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let response = client.post(url).bearer_auth(token).json(&body).send().await.unwrap();
    let status = response.status().as_u16();
    (status, response.json().await.unwrap())
}

async fn call(slack: &Slack, method: &str, body: Value) -> Value {
    call_as(slack, BOT_TOKEN, method, body).await.1
}

fn error(answer: &Value) -> &str {
    assert_eq!(answer["ok"], json!(false), "{answer}");
    answer["error"].as_str().unwrap()
}

async fn post_form(slack: &Slack, method: &str, fields: &[(&str, &str)]) -> Value {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = client
        .post(format!("{}/{method}", slack.api_url()))
        .bearer_auth(BOT_TOKEN)
        .form(fields);
    request.send().await.unwrap().json().await.unwrap()
}

fn hello() -> Value {
    json!({"channel": "C0OPS", "text": "hello"})
}

fn with(mut body: Value, field: &str, value: Value) -> Value {
    body[field] = value;
    body
}

#[tokio::test]
async fn tokens_and_scopes_are_checked() {
    let slack = Slack::start().await;
    let answer = async |token: &str, method: &str| call_as(&slack, token, method, hello()).await.1;
    assert_eq!(error(&answer("", "chat.postMessage").await), "not_authed");
    assert_eq!(error(&answer("xoxb-other", "chat.postMessage").await), "invalid_auth");
    assert_eq!(
        error(&answer(APP_TOKEN, "chat.postMessage").await),
        "not_allowed_token_type"
    );
    assert_eq!(error(&answer(BOT_TOKEN, "chat.explode").await), "unknown_method");
    let bare = reqwest::Client::builder().no_proxy().build().unwrap();
    let bare = bare
        .post(format!("{}/chat.postMessage", slack.api_url()))
        .json(&hello())
        .send()
        .await
        .unwrap();
    assert_eq!(error(&bare.json().await.unwrap()), "not_authed");
    slack.advance(Duration::from_secs(60));
    slack.withdraw_scope("chat:write");
    let refused = answer(BOT_TOKEN, "chat.postMessage").await;
    assert_eq!(
        (error(&refused), &refused["needed"]),
        ("missing_scope", &json!("chat:write"))
    );
    slack.revoke_token();
    assert_eq!(error(&answer(BOT_TOKEN, "auth.test").await), "token_revoked");
}

#[tokio::test]
async fn bodies_are_json_or_forms() {
    let slack = Slack::start().await;
    let blocks = r#"[{"type":"section","text":{"type":"plain_text","text":"in a form"}}]"#;
    let fields = [("channel", "C0OPS"), ("text", "hello"), ("blocks", blocks)];
    assert_eq!(post_form(&slack, "chat.postMessage", &fields).await["ok"], json!(true));
    assert_eq!(slack.posted("C0OPS").await.seen(), "in a form");
    let token_in_form = [("channel", "C0OPS"), ("text", "hello"), ("token", BOT_TOKEN)];
    assert_eq!(
        post_form(&slack, "chat.postMessage", &token_in_form).await["ok"],
        json!(true)
    );
    assert_eq!(slack.posted("C0OPS").await.seen(), "hello");
    let json = json!({"filename": "a.png", "length": 3});
    assert_eq!(
        error(&call(&slack, "files.getUploadURLExternal", json).await),
        "invalid_arguments"
    );
}

#[tokio::test]
async fn messages_that_slack_would_refuse_are_refused() {
    let slack = Slack::start().await;
    slack.freeze();
    let section = |text: &str| json!({"type": "section", "text": {"type": "plain_text", "text": text}});
    let button = json!({"type": "button", "action_id": "a", "text": {"type": "plain_text", "text": "Go"}});
    let cases = [
        (json!({"channel": "C0OPS"}), "no_text"),
        (json!({"text": "hello"}), "invalid_arguments"),
        (with(hello(), "channel", json!("C0NONE")), "channel_not_found"),
        (with(hello(), "text", json!("x".repeat(40_001))), "msg_too_long"),
        (
            with(hello(), "blocks", json!([section(&"x".repeat(3001))])),
            "invalid_blocks",
        ),
        (with(hello(), "blocks", json!(vec![section("x"); 51])), "invalid_blocks"),
        (with(hello(), "blocks", json!([{"type": "sektion"}])), "invalid_blocks"),
        (
            with(
                hello(),
                "blocks",
                json!([{"type": "actions", "elements": [button, button]}]),
            ),
            "invalid_blocks",
        ),
        (
            with(hello(), "blocks", json!(vec![section(&"x".repeat(2900)); 5])),
            "msg_blocks_too_long",
        ),
        (with(hello(), "blocks", json!("[")), "invalid_blocks_format"),
        (
            with(hello(), "metadata", json!({"event_type": ""})),
            "invalid_metadata_format",
        ),
        (with(hello(), "thread_ts", json!("1.1")), "thread_not_found"),
    ];
    for (body, wanted) in cases {
        slack.advance(Duration::from_secs(1));
        assert_eq!(
            error(&call(&slack, "chat.postMessage", body.clone()).await),
            wanted,
            "{body}"
        );
    }
    let detail = &slack.calls("chat.postMessage")[4].answer["response_metadata"]["messages"][0];
    assert!(detail.as_str().unwrap().contains("blocks[0].text.text"), "{detail}");
}

#[tokio::test]
async fn channels_and_messages_must_be_there() {
    let slack = Slack::start().await;
    let ts = call(&slack, "chat.postMessage", hello()).await["ts"].clone();
    let message = slack.posted("C0OPS").await;
    assert_eq!(json!(message.ts), ts);
    let edit = with(with(hello(), "ts", ts.clone()), "text", json!("edited"));
    assert_eq!(call(&slack, "chat.update", edit.clone()).await["ok"], json!(true));
    let edited = slack.now(&message);
    assert_eq!(
        (edited.seen().as_str(), edited.edits[0].0.as_str()),
        ("edited", "hello")
    );
    let reply = with(hello(), "thread_ts", ts);
    let second = call(&slack, "chat.postMessage", reply.clone()).await["ts"].clone();
    assert_eq!(slack.reply(&message).await.thread_ts, Some(message.ts.clone()));
    let nested = with(hello(), "thread_ts", second);
    assert_eq!(
        error(&call(&slack, "chat.postMessage", nested).await),
        "thread_not_found",
        "a reply has no thread"
    );
    slack.delete(&message);
    assert_eq!(
        error(&call(&slack, "chat.update", edit.clone()).await),
        "message_not_found"
    );
    slack.kick_bot("C0OPS");
    assert_eq!(error(&call(&slack, "chat.update", edit).await), "not_in_channel");
    slack.archive("C0OPS");
    assert_eq!(error(&call(&slack, "chat.postMessage", hello()).await), "is_archived");
}

#[tokio::test]
async fn a_whisper_reaches_one_person() {
    let slack = Slack::start().await;
    assert_eq!(
        call(&slack, "chat.postEphemeral", with(hello(), "user", json!("U3"))).await["ok"],
        json!(true)
    );
    assert_eq!(slack.whisper("U3").await.seen(), "hello");
    let nobody = with(hello(), "user", json!("U0NOBODY"));
    assert_eq!(
        error(&call(&slack, "chat.postEphemeral", nobody).await),
        "user_not_in_channel"
    );
}

#[tokio::test]
async fn posts_are_limited_by_channel_and_edits_by_workspace() {
    let slack = Slack::start().await;
    slack.freeze();
    let post = async |channel: &str| {
        call_as(
            &slack,
            BOT_TOKEN,
            "chat.postMessage",
            with(hello(), "channel", json!(channel)),
        )
        .await
        .0
    };
    for _ in 0..4 {
        assert_eq!(post("C0OPS").await, 200);
    }
    assert_eq!(post("C0OPS").await, 429);
    assert_eq!(post("C0ALERTS").await, 200, "another channel has its own");
    slack.advance(Duration::from_secs(1));
    assert_eq!(post("C0OPS").await, 200);
    let message = slack.posted("C0OPS").await;
    let edit = with(hello(), "ts", json!(message.ts));
    let mut edits = 0;
    while call_as(&slack, BOT_TOKEN, "chat.update", edit.clone()).await.0 == 200 {
        edits += 1;
    }
    assert_eq!(edits, 50);
    assert_eq!(slack.take_unread().len(), 5);
}

async fn read(slack: &Slack, method: &str, fields: &[(&str, &str)]) -> (u16, Value) {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut url = reqwest::Url::parse(&format!("{}/{method}", slack.api_url())).unwrap();
    url.query_pairs_mut().extend_pairs(fields);
    let response = client.get(url).bearer_auth(BOT_TOKEN).send().await.unwrap();
    let status = response.status().as_u16();
    (status, response.json().await.unwrap())
}

fn texts(page: &Value) -> Vec<&str> {
    let messages = page["messages"].as_array().unwrap_or_else(|| panic!("{page}"));
    messages
        .iter()
        .map(|message| message["text"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn a_channel_is_read_newest_first_and_a_thread_oldest_first() {
    let slack = Slack::start().await;
    slack.freeze();
    let metadata = json!({"event_type": "signalbox_run", "event_payload": {"message": "m1"}});
    let first = slack.chat("U1", "C0OPS", "first", Value::Null);
    slack.advance(Duration::from_secs(10));
    call(&slack, "chat.postMessage", with(hello(), "metadata", metadata.clone())).await;
    let ours = slack.posted("C0OPS").await;
    slack.advance(Duration::from_secs(10));
    let last = slack.chat("U2", "C0OPS", "last", Value::Null);
    for text in ["one", "two"] {
        let reply = with(with(hello(), "thread_ts", json!(first.ts)), "text", json!(text));
        call(&slack, "chat.postMessage", reply).await;
        slack.reply(&first).await;
    }

    let (_, all) = read(&slack, "conversations.history", &[("channel", "C0OPS")]).await;
    assert_eq!(texts(&all), ["last", "hello", "first"], "replies are not among them");
    assert_eq!(
        (&all["has_more"], &all["messages"][1]["metadata"]),
        (&json!(false), &Value::Null)
    );
    let fields = [
        ("channel", "C0OPS"),
        ("include_all_metadata", "true"),
        ("oldest", &ours.ts),
    ];
    let (_, exclusive) = read(&slack, "conversations.history", &fields).await;
    assert_eq!(texts(&exclusive), ["last"]);
    let fields = [&fields[..], &[("inclusive", "true"), ("latest", &last.ts)]].concat();
    let (_, inclusive) = read(&slack, "conversations.history", &fields).await;
    assert_eq!(texts(&inclusive), ["last", "hello"]);
    assert_eq!(inclusive["messages"][1]["metadata"], metadata);
    assert_eq!(inclusive["messages"][1]["user"], "U0BOT");

    let thread = [("channel", "C0OPS"), ("ts", first.ts.as_str())];
    let (_, thread) = read(&slack, "conversations.replies", &thread).await;
    assert_eq!(texts(&thread), ["first", "one", "two"]);
    let nowhere = [("channel", "C0OPS"), ("ts", "1.1")];
    let (_, nowhere) = read(&slack, "conversations.replies", &nowhere).await;
    assert_eq!(error(&nowhere), "thread_not_found");
}

#[tokio::test]
async fn reading_goes_page_by_page() {
    let slack = Slack::start().await;
    for number in 0..5 {
        slack.chat("U1", "C0OPS", &number.to_string(), Value::Null);
    }
    let mut fields = vec![("channel", "C0OPS".to_owned()), ("limit", "2".to_owned())];
    let mut pages = Vec::new();
    loop {
        let given: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let (_, page) = read(&slack, "conversations.history", &given).await;
        pages.push(texts(&page).join(","));
        let next = page["response_metadata"]["next_cursor"].as_str().unwrap().to_owned();
        if page["has_more"] == json!(false) {
            assert_eq!(next, "");
            break;
        }
        fields.retain(|(name, _)| *name != "cursor");
        fields.push(("cursor", next));
    }
    assert_eq!(pages, ["4,3", "2,1", "0"]);
    let odd = [("channel", "C0OPS"), ("cursor", "odd")];
    assert_eq!(
        error(&read(&slack, "conversations.history", &odd).await.1),
        "invalid_cursor"
    );
}

#[tokio::test]
async fn a_commercial_app_reads_fifteen_messages_a_minute() {
    let slack = Slack::start().await;
    slack.freeze();
    slack.make_commercial();
    for number in 0..20 {
        slack.chat("U1", "C0OPS", &number.to_string(), Value::Null);
    }
    let fields = [("channel", "C0OPS"), ("limit", "200")];
    let (_, page) = read(&slack, "conversations.history", &fields).await;
    assert_eq!((texts(&page).len(), &page["has_more"]), (15, &json!(true)));
    assert_eq!(read(&slack, "conversations.history", &fields).await.0, 429);
    slack.advance(Duration::from_secs(60));
    assert_eq!(read(&slack, "conversations.history", &fields).await.0, 200);
}

#[tokio::test]
async fn reading_takes_a_scope_and_a_member() {
    let slack = Slack::start().await;
    let ops = [("channel", "C0OPS")];
    slack.archive("C0OPS");
    let (_, archived) = read(&slack, "conversations.history", &ops).await;
    assert_eq!(archived["ok"], json!(true), "what is archived can be read");
    slack.withdraw_scope("channels:history");
    let (_, public) = read(&slack, "conversations.history", &ops).await;
    assert_eq!(
        (error(&public), &public["needed"]),
        ("missing_scope", &json!("channels:history"))
    );
    slack.make_private("C0OPS");
    assert_eq!(read(&slack, "conversations.history", &ops).await.1["ok"], json!(true));
    slack.withdraw_scope("groups:history");
    let (_, private) = read(&slack, "conversations.history", &ops).await;
    assert_eq!(
        (error(&private), &private["needed"]),
        ("missing_scope", &json!("groups:history"))
    );
    let slack = Slack::start().await;
    slack.kick_bot("C0OPS");
    let (_, outside) = read(&slack, "conversations.history", &ops).await;
    assert_eq!(error(&outside), "not_in_channel");
    let (_, nowhere) = read(&slack, "conversations.history", &[("channel", "C0NONE")]).await;
    assert_eq!(error(&nowhere), "channel_not_found");
}

#[tokio::test]
async fn only_the_author_edits_a_message() {
    let slack = Slack::start().await;
    let theirs = slack.chat("U1", "C0OPS", "theirs", Value::Null);
    let edit = with(hello(), "ts", json!(theirs.ts));
    assert_eq!(error(&call(&slack, "chat.update", edit).await), "cant_update_message");
}

#[tokio::test]
async fn an_outage_is_of_everything_until_it_ends() {
    let slack = Slack::start().await;
    slack.outage(true);
    for method in ["auth.test", "chat.postMessage"] {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let url = format!("{}/{method}", slack.api_url());
        let answer = client.post(url).bearer_auth(BOT_TOKEN).json(&hello()).send().await;
        assert_eq!(answer.unwrap().status().as_u16(), 503, "{method}");
    }
    slack.outage(false);
    assert_eq!(call(&slack, "auth.test", json!({})).await["ok"], json!(true));
    assert!(slack.take_unread().is_empty());
}

#[tokio::test]
async fn a_fault_in_a_channel_strikes_there() {
    let slack = Slack::start().await;
    slack.fault_in("C0ALERTS", "chat.postMessage", Fault::Error("internal_error"));
    assert_eq!(call(&slack, "chat.postMessage", hello()).await["ok"], json!(true));
    let there = with(hello(), "channel", json!("C0ALERTS"));
    assert_eq!(error(&call(&slack, "chat.postMessage", there).await), "internal_error");
    slack.posted("C0OPS").await;
    slack.fault_after("chat.postMessage", 1, Fault::Error("fatal_error"));
    assert_eq!(call(&slack, "chat.postMessage", hello()).await["ok"], json!(true));
    assert_eq!(error(&call(&slack, "chat.postMessage", hello()).await), "fatal_error");
    slack.posted("C0OPS").await;
}

#[tokio::test]
async fn files_need_their_bytes_before_they_are_shared() {
    let slack = Slack::start().await;
    call(&slack, "chat.postMessage", hello()).await;
    let parent = slack.posted("C0OPS").await;
    let place = post_form(
        &slack,
        "files.getUploadURLExternal",
        &[("filename", "a.png"), ("length", "3")],
    )
    .await;
    let complete =
        json!({"files": [{"id": place["file_id"], "title": "A"}], "channel_id": "C0OPS", "thread_ts": parent.ts});
    assert_eq!(
        error(&call(&slack, "files.completeUploadExternal", complete.clone()).await),
        "file_not_found"
    );
    let put = async |bytes: &'static [u8]| {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        client
            .post(place["upload_url"].as_str().unwrap())
            .body(bytes)
            .send()
            .await
            .unwrap()
            .status()
            .as_u16()
    };
    assert_eq!(put(b"four").await, 400, "not as long as announced");
    assert_eq!(put(b"png").await, 200);
    assert_eq!(
        call(&slack, "files.completeUploadExternal", complete.clone()).await["ok"],
        json!(true)
    );
    assert_eq!(slack.reply(&parent).await.files, [place["file_id"].as_str().unwrap()]);
    assert_eq!(
        error(&call(&slack, "files.completeUploadExternal", complete).await),
        "file_not_found",
        "once only"
    );
    let empty = post_form(
        &slack,
        "files.getUploadURLExternal",
        &[("filename", "a"), ("length", "0")],
    )
    .await;
    assert_eq!(error(&empty), "invalid_arguments");
}

#[tokio::test]
async fn a_response_url_is_used_five_times_within_thirty_minutes() {
    let slack = Slack::start().await;
    slack.freeze();
    let url = slack.response_url("C0OPS", "U1");
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let respond = async |url: &str, body: Value| {
        let response = client.post(url).json(&body).send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    };
    assert_eq!(respond(&url, json!({"text": "alone"})).await, (200, "ok".to_owned()));
    assert_eq!(slack.whisper("U1").await.seen(), "alone");
    let to_all = json!({"text": "to all", "response_type": "in_channel"});
    assert_eq!(respond(&url, to_all.clone()).await.0, 200);
    assert_eq!(slack.posted("C0OPS").await.seen(), "to all");
    for _ in 0..3 {
        assert_eq!(respond(&url, to_all.clone()).await.0, 200);
    }
    assert_eq!(respond(&url, to_all.clone()).await.0, 404);
    let late = slack.response_url("C0OPS", "U1");
    slack.advance(Duration::from_secs(30 * 60 + 1));
    let (status, body) = respond(&late, to_all).await;
    assert_eq!((status, body.contains("Expired url")), (404, true), "{body}");
    assert_eq!(slack.take_unread().len(), 3);
}

#[tokio::test]
async fn faults_strike_once() {
    let slack = Slack::start().await;
    slack.fault("chat.postMessage", Fault::Error("internal_error"));
    assert_eq!(
        error(&call(&slack, "chat.postMessage", hello()).await),
        "internal_error"
    );
    assert_eq!(call(&slack, "chat.postMessage", hello()).await["ok"], json!(true));
    assert_eq!(slack.take_unread().len(), 1);
}

#[tokio::test]
#[should_panic(expected = "nobody looked at what Slack got")]
async fn a_message_that_nobody_looks_at_fails_the_test() {
    let slack = Slack::start().await;
    call(&slack, "chat.postMessage", hello()).await;
}

#[tokio::test]
async fn markup_in_a_new_message_pings() {
    let slack = Slack::start().await;
    let blocks = json!([
        {"type": "section", "text": {"type": "mrkdwn", "text": "<!subteam^S0OPS> see <https://a.b|this> &lt;!channel&gt;"}},
        {"type": "section", "text": {"type": "plain_text", "text": "<!here>"}},
    ]);
    call(&slack, "chat.postMessage", with(hello(), "blocks", blocks)).await;
    assert_eq!(slack.posted("C0OPS").await.pings, ["!subteam^S0OPS"]);
}

type Inbox = Arc<Mutex<Vec<(HeaderMap, Vec<u8>)>>>;

/// A bot that keeps what it receives, and answers as it is told.
struct StubBot {
    url: String,
    received: Inbox,
}

#[derive(Clone)]
struct Stub {
    received: Inbox,
    answer: Option<&'static str>,
}

impl StubBot {
    /// Without an answer it stays silent.
    async fn start(answer: Option<&'static str>) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let received = Arc::default();
        let stub = Stub {
            received: Arc::clone(&received),
            answer,
        };
        let answering = async |State(stub): State<Stub>, headers: HeaderMap, body: Bytes| {
            stub.received.lock().unwrap().push((headers, body.to_vec()));
            match stub.answer {
                Some(answer) => answer,
                None => std::future::pending().await,
            }
        };
        let router = Router::new()
            .route("/slack/commands", post(answering))
            .route("/slack/interactivity", post(answering))
            .with_state(stub);
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, received }
    }

    /// The last delivery, read as the bot reads it.
    fn read(&self) -> Received {
        let (headers, body) = self.received.lock().unwrap().last().cloned().unwrap();
        let header = |name: &str| {
            headers
                .get(name)
                .and_then(|value| value.to_str().ok())
                .map(str::to_owned)
        };
        let secret = crate::harness::slack::SIGNING_SECRET.to_owned().into();
        let (timestamp, signature) = (header("x-slack-request-timestamp"), header("x-slack-signature"));
        let genuine = receive::verify(
            &secret,
            timestamp.as_deref(),
            signature.as_deref(),
            &body,
            Timestamp::now(),
        )
        .unwrap();
        let teams = ["T1".to_owned()];
        let read = if body.starts_with(b"payload=") {
            receive::interaction(&genuine, &teams)
        } else {
            receive::command(&genuine, &teams)
        };
        read.unwrap()
    }
}

fn delivery(received: Received) -> signalbox::request::Delivery {
    match received {
        Received::Asked(delivery, _) => *delivery,
        other => panic!("nothing is asked: {other:?}"),
    }
}

#[tokio::test]
async fn a_typed_command_reaches_the_bot_signed() {
    let mut slack = Slack::start().await;
    let bot = StubBot::start(Some("")).await;
    slack.connect(&bot.url);
    let ack = slack
        .person("U1")
        .command("C0OPS", "/forward-order", "1042 note=\"<b> & more\"")
        .await;
    assert_eq!((ack.status, ack.body.as_str()), (Some(200), ""));
    let first = delivery(bot.read());
    let words = Words::Line("1042 note=\"<b> & more\"".into());
    assert_eq!(
        first.request.ask,
        Ask::Run {
            runbook: "forward-order".into(),
            words,
            dry: false
        }
    );
    assert_eq!(
        first.request.account,
        Account::Slack {
            team: "T1".into(),
            user: "U1".into()
        }
    );
    assert!(first.token.is_some_and(|url| url.contains("/response/")));
    slack.deliver("U1", "C0OPS", ack.sent).await;
    assert_eq!(delivery(bot.read()).id, first.id, "the same delivery again");
    slack.person("U1").command("C0OPS", "/forward-order", "1042").await;
    assert_ne!(delivery(bot.read()).id, first.id);
}

#[tokio::test]
async fn only_a_button_that_is_in_the_message_is_pressed() {
    let mut slack = Slack::start().await;
    let bot = StubBot::start(Some("")).await;
    slack.connect(&bot.url);
    let value = r#"{"run":"R1","press":"deny"}"#;
    let button = json!({
        "type": "button", "action_id": "signalbox:deny:0", "value": value, "text": {"type": "plain_text", "text": "Deny"},
    });
    call(
        &slack,
        "chat.postMessage",
        with(hello(), "blocks", json!([{"type": "actions", "elements": [button]}])),
    )
    .await;
    let message = slack.posted("C0OPS").await;
    for oddity in [
        Oddity::None,
        Oddity::TeamIsNull,
        Oddity::UnknownFields,
        Oddity::NoTrigger,
    ] {
        assert_eq!(
            slack.person("U2").press_oddly(&message, "Deny", oddity).await.status,
            Some(200)
        );
        let pressed = delivery(bot.read());
        assert_eq!(pressed.request.ask, Ask::Deny { run: "R1".into() }, "{oddity:?}");
        assert_eq!(pressed.request.place.channel.as_deref(), Some("C0OPS"), "{oddity:?}");
    }
    let missing = async { slack.person("U2").press(&message, "Approve").await };
    let outcome = futures::FutureExt::catch_unwind(std::panic::AssertUnwindSafe(missing)).await;
    assert!(outcome.is_err(), "a button that is not there was pressed");
}

#[tokio::test]
async fn a_silent_bot_is_complained_about_after_three_seconds() {
    let mut slack = Slack::start().await;
    let bot = StubBot::start(None).await;
    slack.connect(&bot.url);
    let ack = slack.person("U1").command("C0OPS", "/forward-order", "1042").await;
    assert_eq!(ack.status, None);
    assert!(ack.took >= Duration::from_secs(3), "{:?}", ack.took);
    assert_eq!(slack.complaints(), [("U1".to_owned(), "operation_timeout".to_owned())]);
    slack.connect("http://127.0.0.1:1");
    slack
        .deliver("U2", "C0OPS", Sent::new("/slack/commands", String::new()))
        .await;
    assert_eq!(slack.complaints()[1], ("U2".to_owned(), "dispatch_failed".to_owned()));
}

#[tokio::test]
async fn the_words_of_an_acknowledgement_are_shown_to_the_person_alone() {
    let mut slack = Slack::start().await;
    let bot = StubBot::start(Some("Type: /signalbox approve RUN")).await;
    slack.connect(&bot.url);
    slack.person("U1").command("C0OPS", "/signalbox", "approve").await;
    assert_eq!(slack.whisper("U1").await.seen(), "Type: /signalbox approve RUN");
}
