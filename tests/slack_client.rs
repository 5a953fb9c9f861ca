//! The real client at the simulated Slack.

use crate::harness::slack::{Fault, Slack};
use serde_json::json;
use signalbox::platform::slack::client::{Audience, Mark, Page, SetupError, SlackClient, SlackError, Upload};
use signalbox::platform::slack::render::{self, Mentions, Rendered};
use signalbox::report::{Attention, Button, Outcome, Press, Report};
use std::time::Duration;

fn client(slack: &Slack) -> SlackClient {
    SlackClient::new(&slack.api_url(), &slack.bot_token(), Duration::from_secs(5)).unwrap()
}

/// For tests in which no answer comes.
fn impatient(slack: &Slack) -> SlackClient {
    SlackClient::new(&slack.api_url(), &slack.bot_token(), Duration::from_millis(200)).unwrap()
}

fn report(say: &str) -> Report {
    Report {
        run: Some("R1".into()),
        runbook: "forward-order".into(),
        inputs: "order=1042".into(),
        person: "dana".into(),
        outcome: Outcome::AwaitingApproval,
        dry: false,
        say: say.into(),
        plan: vec!["send order 1042".into()],
        planned: Vec::new(),
        warnings: Vec::new(),
        radius: Vec::new(),
        steps: Vec::new(),
        table: None,
        verdict: None,
        buttons: vec![Button {
            press: Press::Approve { digest: "d1".into() },
            label: "Approve".into(),
        }],
        attention: Some(Attention {
            groups: vec!["ops".into()],
            say: "Another yes is needed.".into(),
        }),
        choice: None,
        history: Vec::new(),
        digest: Some("d1".into()),
        policies: Vec::new(),
        ruling: None,
    }
}

fn message(say: &str) -> Rendered {
    render::run_message(&report(say), &Mentions::of_team("T1", [("ops", "T1/S0OPS")]))
}

#[tokio::test]
async fn one_message_is_posted_edited_and_answered_in_its_thread() {
    let slack = Slack::start().await;
    let client = client(&slack);
    assert_eq!(client.auth_test().await.unwrap().team_id, "T1");
    let ts = client
        .post("C0OPS", None, &message("Forward <!channel> order 1042"))
        .await
        .unwrap();
    let posted = slack.posted("C0OPS").await;
    assert_eq!(posted.ts, ts);
    assert_eq!(
        posted.pings,
        ["!subteam^S0OPS"],
        "the group that may answer, and nobody else"
    );
    assert_eq!(posted.labels(), ["Approve"]);
    let sent = slack.calls("chat.postMessage")[0].arguments.clone();
    for switch in ["mrkdwn", "link_names", "unfurl_links", "unfurl_media"] {
        assert_eq!(sent[switch], json!(false), "{switch}");
    }
    assert_eq!(
        posted.metadata["event_payload"],
        json!({"run": "R1", "outcome": "awaiting-approval"})
    );
    let details = render::thread_details(&report("Forward order 1042")).message;
    client.post("C0OPS", Some(&ts), &details).await.unwrap();
    assert!(slack.reply(&posted).await.seen().contains("send order 1042"));
    client
        .update("C0OPS", &ts, &message("Order 1042 is with ACME"))
        .await
        .unwrap();
    let edited = slack
        .until(&posted, |message| message.seen().contains("is with ACME"))
        .await;
    assert_eq!(edited.edits.len(), 1);
    assert_eq!(slack.misuse(), Vec::<String>::new());
}

#[tokio::test]
async fn what_is_for_one_person_reaches_that_person() {
    let slack = Slack::start().await;
    let client = client(&slack);
    let denial = render::ephemeral(&Report {
        outcome: Outcome::Denied,
        ..report("No.")
    });
    client.ephemeral("C0OPS", None, "U3", &denial).await.unwrap();
    assert!(slack.whisper("U3").await.seen().starts_with("⊘ Denied"));
    let url = slack.response_url("C0OPS", "U3");
    client.respond(&url, &denial, Audience::Person).await.unwrap();
    assert!(slack.whisper("U3").await.seen().starts_with("⊘ Denied"));
    client
        .respond(&url, &message("for all"), Audience::Channel)
        .await
        .unwrap();
    assert!(slack.posted("C0OPS").await.seen().contains("for all"));
}

#[tokio::test]
async fn a_response_url_that_is_spent_or_expired_is_gone() {
    let slack = Slack::start().await;
    let client = client(&slack);
    slack.freeze();
    let url = slack.response_url("C0OPS", "U3");
    for _ in 0..5 {
        client.respond(&url, &message("again"), Audience::Person).await.unwrap();
    }
    assert_eq!(slack.take_unread().len(), 5);
    let gone = |code: &str| Err(SlackError::Gone { code: code.to_owned() });
    assert_eq!(
        client.respond(&url, &message("again"), Audience::Person).await,
        gone("used_url")
    );
    let late = slack.response_url("C0OPS", "U3");
    slack.advance(Duration::from_secs(1801));
    assert_eq!(
        client.respond(&late, &message("late"), Audience::Person).await,
        gone("Expired url")
    );
}

#[tokio::test]
async fn nothing_is_sent_to_an_address_that_is_not_slack() {
    let slack = Slack::start().await;
    let client = client(&slack);
    let port = slack
        .api_url()
        .rsplit(':')
        .next()
        .unwrap()
        .trim_end_matches("/api")
        .to_owned();
    for url in [
        "http://hooks.slack.com/x".to_owned(),
        "https://slack.com.evil.example/x".to_owned(),
        "https://evilslack.com/x".to_owned(),
        "https://hooks.slack.com:8443/x".to_owned(),
        "https://user@evil.example/slack.com".to_owned(),
        "ftp://slack.com/x".to_owned(),
        format!("http://localhost:{port}/response/R1"),
        format!("https://127.0.0.1:{port}/response/R1"),
        "not an address".to_owned(),
    ] {
        let refused = client.respond(&url, &message("x"), Audience::Person).await;
        assert!(
            matches!(&refused, Err(SlackError::Invalid { detail }) if detail.contains("address")),
            "{url}: {refused:?}"
        );
    }
}

#[tokio::test]
async fn a_file_is_uploaded_into_a_thread() {
    let slack = Slack::start().await;
    let client = client(&slack);
    let ts = client.post("C0OPS", None, &message("x")).await.unwrap();
    let parent = slack.posted("C0OPS").await;
    let alt_text = "ü".repeat(1500);
    let chart = Upload {
        filename: "chart.png",
        bytes: &[137, 80, 78, 71],
        alt_text: &alt_text,
        title: "Orders",
    };
    client.upload("C0OPS", &ts, &chart).await.unwrap();
    let shared = slack.reply(&parent).await;
    let files = slack.files();
    assert_eq!(shared.files, [files[0].id.clone()]);
    assert_eq!(files[0].bytes.as_deref(), Some(chart.bytes));
    assert_eq!(
        (files[0].name.as_str(), files[0].title.as_str()),
        ("chart.png", "Orders")
    );
    assert_eq!(files[0].alt_text.chars().count(), 1000);
    assert_eq!(slack.misuse(), Vec::<String>::new(), "the upload URL gets no token");
}

#[tokio::test]
async fn an_upload_that_breaks_before_it_is_shared_has_certainly_not_happened() {
    let slack = Slack::start().await;
    let client = client(&slack);
    let ts = client.post("C0OPS", None, &message("x")).await.unwrap();
    slack.posted("C0OPS").await;
    let chart = Upload {
        filename: "chart.png",
        bytes: b"png",
        alt_text: "",
        title: "Orders",
    };
    for (method, may_be_done) in [
        ("files.getUploadURLExternal", false),
        ("upload", false),
        ("files.completeUploadExternal", true),
    ] {
        slack.fault(method, Fault::Status(503));
        let wanted = SlackError::Retry {
            detail: "HTTP status 503".into(),
            may_be_done,
        };
        assert_eq!(client.upload("C0OPS", &ts, &chart).await, Err(wanted), "{method}");
    }
    slack.fault("files.completeUploadExternal", Fault::Error("not_in_channel"));
    assert_eq!(client.upload("C0OPS", &ts, &chart).await, Err(SlackError::NotInChannel));
}

#[tokio::test]
async fn each_failure_tells_what_is_to_be_done() {
    let slack = Slack::start().await;
    let client = client(&slack);
    slack.freeze();
    let gone = |code: &str| SlackError::Gone { code: code.into() };
    let token = |code: &str| SlackError::Token { code: code.into() };
    let barred = |code: &str| SlackError::Barred { code: code.into() };
    let form = |detail: &str| SlackError::Form { detail: detail.into() };
    let retry = |detail: &str| SlackError::Retry {
        detail: detail.into(),
        may_be_done: true,
    };
    for (fault, wanted) in [
        (
            Fault::RateLimited(7),
            SlackError::RateLimited {
                after: Duration::from_secs(7),
            },
        ),
        (
            Fault::RateLimitedWithoutTime,
            SlackError::RateLimited {
                after: Duration::from_secs(30),
            },
        ),
        (Fault::Status(503), retry("HTTP status 503")),
        (Fault::Status(500), retry("HTTP status 500")),
        (
            Fault::Status(413),
            SlackError::Invalid {
                detail: "HTTP status 413".into(),
            },
        ),
        (Fault::Html, retry("the answer is not Slack's JSON")),
        (Fault::Error("internal_error"), retry("internal_error")),
        (Fault::Error("fatal_error"), retry("fatal_error")),
        (Fault::Error("channel_not_found"), gone("channel_not_found")),
        (Fault::Error("message_not_found"), gone("message_not_found")),
        (Fault::Error("is_archived"), gone("is_archived")),
        (Fault::Error("not_in_channel"), SlackError::NotInChannel),
        (Fault::Error("cant_update_message"), gone("cant_update_message")),
        (Fault::Error("token_revoked"), token("token_revoked")),
        (Fault::Error("invalid_auth"), token("invalid_auth")),
        (Fault::Error("account_inactive"), token("account_inactive")),
        (
            Fault::Error("missing_scope"),
            SlackError::Scope {
                needed: "missing_scope".into(),
            },
        ),
        (Fault::Error("restricted_action"), barred("restricted_action")),
        (Fault::Error("invalid_blocks"), form("invalid_blocks")),
        (Fault::Error("msg_blocks_too_long"), form("msg_blocks_too_long")),
        (Fault::Error("msg_too_long"), form("msg_too_long")),
        (
            Fault::Error("ratelimited"),
            SlackError::RateLimited {
                after: Duration::from_secs(30),
            },
        ),
        (
            Fault::Error("never_heard_of"),
            SlackError::Invalid {
                detail: "never_heard_of".into(),
            },
        ),
    ] {
        slack.advance(Duration::from_secs(2));
        slack.fault("chat.postMessage", fault);
        assert_eq!(
            client.post("C0OPS", None, &message("x")).await,
            Err(wanted),
            "{fault:?}"
        );
        slack.fault("chat.update", fault);
        assert!(client.update("C0OPS", "1.1", &message("x")).await.is_err(), "{fault:?}");
    }
}

#[tokio::test]
async fn the_real_causes_give_the_same_answers() {
    let slack = Slack::start().await;
    let client = client(&slack);
    slack.freeze();
    for _ in 0..4 {
        client.post("C0OPS", None, &message("x")).await.unwrap();
    }
    assert_eq!(slack.take_unread().len(), 4);
    let limited = SlackError::RateLimited {
        after: Duration::from_secs(1),
    };
    assert_eq!(client.post("C0OPS", None, &message("x")).await, Err(limited));
    slack.advance(Duration::from_secs(60));
    let mut broken = message("x");
    broken
        .blocks
        .push(json!({"type": "header", "text": {"type": "plain_text", "text": "x".repeat(151)}}));
    let refused = client.post("C0OPS", None, &broken).await;
    assert!(
        matches!(&refused, Err(SlackError::Form { detail }) if detail.contains("blocks[7].text")),
        "{refused:?}"
    );
    slack.kick_bot("C0OPS");
    assert_eq!(
        client.post("C0OPS", None, &message("x")).await,
        Err(SlackError::NotInChannel)
    );
    slack.archive("C0OPS");
    let archived = SlackError::Gone {
        code: "is_archived".into(),
    };
    assert_eq!(client.update("C0OPS", "1.1", &message("x")).await, Err(archived));
    slack.withdraw_scope("chat:write");
    let scope = SlackError::Scope {
        needed: "chat:write".into(),
    };
    assert_eq!(client.ephemeral("C0OPS", None, "U1", &message("x")).await, Err(scope));
    slack.revoke_token();
    assert_eq!(
        client.auth_test().await,
        Err(SlackError::Token {
            code: "token_revoked".into()
        })
    );
}

#[tokio::test]
async fn a_post_that_was_made_though_no_answer_came_may_be_done() {
    let slack = Slack::start().await;
    for fault in [Fault::DoneThenReset, Fault::DoneThenUnavailable, Fault::DoneThenSilence] {
        slack.fault("chat.postMessage", fault);
        let sent = impatient(&slack).post("C0OPS", None, &message("x")).await;
        assert!(
            matches!(sent, Err(SlackError::Retry { may_be_done: true, .. })),
            "{fault:?}: {sent:?}"
        );
        slack.posted("C0OPS").await;
    }
    slack.fault("chat.postMessage", Fault::Reset);
    let sent = impatient(&slack).post("C0OPS", None, &message("x")).await;
    assert!(
        matches!(sent, Err(SlackError::Retry { may_be_done: true, .. })),
        "nobody can tell: {sent:?}"
    );
}

#[tokio::test]
async fn a_post_that_never_left_is_certainly_not_done() {
    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let token = "xoxb-x".to_owned().into();
    let client = SlackClient::new(&format!("http://{free}/api"), &token, Duration::from_secs(5)).unwrap();
    let sent = client.post("C0OPS", None, &message("x")).await;
    assert!(
        matches!(sent, Err(SlackError::Retry { may_be_done: false, .. })),
        "{sent:?}"
    );
    let url = format!("http://{free}/response/R1");
    let sent = client.respond(&url, &message("x"), Audience::Person).await;
    assert!(
        matches!(&sent, Err(SlackError::Retry { may_be_done: false, .. })),
        "{sent:?}"
    );
    assert!(!format!("{sent:?}").contains("R1"), "the address is a token: {sent:?}");
}

#[tokio::test]
async fn members_of_a_user_group_are_read() {
    let slack = Slack::start().await;
    slack.set_group("S0OPS", &["U2"]);
    assert_eq!(client(&slack).group_members("S0OPS").await.unwrap(), ["U2"]);
    let unknown = client(&slack).group_members("S0NONE").await;
    assert_eq!(
        unknown,
        Err(SlackError::Gone {
            code: "no_such_subteam".into()
        })
    );
}

#[tokio::test]
async fn a_message_of_ours_is_found_by_its_id_in_a_channel_and_in_a_thread() {
    let slack = Slack::start().await;
    let client = client(&slack);
    let find = async |thread: Option<&str>, mark: Mark<'_>, oldest: i64| {
        client.find("C0OPS", thread, mark, oldest, None).await.unwrap()
    };
    let now = jiff::Timestamp::now().as_second();
    assert_eq!(find(None, Mark::Message("R1:run"), now - 300).await, Page::Absent);
    let ts = client
        .post("C0OPS", None, &message("x").known_as("R1:run"))
        .await
        .unwrap();
    let posted = slack.posted("C0OPS").await;
    assert_eq!(
        posted.metadata["event_payload"],
        json!({"run": "R1", "outcome": "awaiting-approval", "message": "R1:run"})
    );
    assert_eq!(
        find(None, Mark::Message("R1:run"), now - 300).await,
        Page::Found(ts.clone())
    );
    assert_eq!(find(None, Mark::Message("R1:details"), now - 300).await, Page::Absent);
    assert_eq!(find(None, Mark::Message("R1:run"), now + 300).await, Page::Absent);
    let details = render::thread_details(&report("x")).message.known_as("R1:details");
    let reply = client.post("C0OPS", Some(&ts), &details).await.unwrap();
    slack.reply(&posted).await;
    assert_eq!(
        find(Some(&ts), Mark::Message("R1:details"), now - 300).await,
        Page::Found(reply)
    );
    assert_eq!(find(Some(&ts), Mark::File("chart.png"), now - 300).await, Page::Absent);
    let chart = Upload {
        filename: "chart.png",
        bytes: b"png",
        alt_text: "",
        title: "Orders",
    };
    client.upload("C0OPS", &ts, &chart).await.unwrap();
    let shared = slack.reply(&posted).await;
    assert_eq!(
        find(Some(&ts), Mark::File("chart.png"), now - 300).await,
        Page::Found(shared.ts)
    );
}

#[tokio::test]
async fn a_long_channel_is_looked_through_part_by_part() {
    let slack = Slack::start().await;
    slack.make_commercial();
    slack.freeze();
    let client = client(&slack);
    let ts = client.post("C0OPS", None, &message("x").known_as("m")).await.unwrap();
    slack.posted("C0OPS").await;
    for number in 0..20 {
        slack.chat("U3", "C0OPS", &format!("talk {number}"), json!(null));
    }
    let find = async |cursor: Option<&str>| client.find("C0OPS", None, Mark::Message("m"), 0, cursor).await;
    let first = find(None).await.unwrap();
    let Page::More(cursor) = first else { panic!("{first:?}") };
    let wait = find(Some(&cursor)).await;
    assert!(
        matches!(wait, Err(SlackError::RateLimited { after }) if after == Duration::from_secs(60)),
        "{wait:?}"
    );
    slack.advance(Duration::from_secs(60));
    assert_eq!(find(Some(&cursor)).await, Ok(Page::Found(ts)));
    slack.withdraw_scope("channels:history");
    slack.advance(Duration::from_secs(60));
    let scope = SlackError::Scope {
        needed: "channels:history".into(),
    };
    assert_eq!(find(None).await, Err(scope));
}

#[test]
fn a_client_shows_no_token_and_takes_no_odd_address() {
    let token = "xoxb-very-secret".to_owned().into();
    let make = |url: &str| SlackClient::new(url, &token, Duration::from_secs(5));
    assert!(!format!("{:?}", make("https://slack.com/api").unwrap()).contains("very-secret"));
    for url in ["slack.com/api", "ftp://slack.com/api", ""] {
        assert!(matches!(make(url), Err(SetupError::Address)), "{url}");
    }
}
