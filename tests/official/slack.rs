//! Bolt for Python over Socket Mode.

use super::Program;
use crate::harness::slack::{APP_TOKEN, BOT_TOKEN, Slack, Submitted};

#[tokio::test(flavor = "multi_thread")]
async fn bolt_does_its_work_over_socket_mode() {
    let mut slack = Slack::start().await;
    slack.use_socket();
    let environment = [
        ("SLACK_API_URL", slack.api_url()),
        ("SLACK_BOT_TOKEN", BOT_TOKEN.to_owned()),
        ("SLACK_APP_TOKEN", APP_TOKEN.to_owned()),
    ];
    let environment = environment.each_ref().map(|(name, value)| (*name, value.as_str()));
    let mut bolt = Program::start("bolt.py", &environment);
    bolt.until_ready().await;
    slack.until_connections(|open| open.len() == 1).await;

    slack.hire("U50", "ann");
    let ack = slack.person("U50").command("C0OPS", "/forward-order", "1042").await;
    assert_eq!(ack.status, Some(200));
    let message = slack.posted("C0OPS").await;
    assert_eq!(message.labels(), ["Approve", "Why?"]);
    insta::assert_snapshot!(slack.reply(&message).await.seen(), @"Details");
    insta::assert_snapshot!(slack.reply(&message).await.seen(), @"file rows.txt");
    assert_eq!(slack.files()[0].bytes.as_deref(), Some(&b"1042\tpaid\n"[..]));
    insta::assert_snapshot!(slack.whisper("U50").await.seen(), @"Posted as ['r1']");

    // A form, with an offer for what is typed, a complaint, and a second try.
    let ack = slack.person("U2").press(&message, "Why?").await;
    assert_eq!(ack.status, Some(200));
    let view = slack.view("U2").await;
    let lee = slack.person("U2");
    let offered = lee.types_into(&view, "order", "10").await;
    assert_eq!(offered.len(), 2, "{offered:?}");
    let (after, _) = lee.submits(&view, &[("order", "1042"), ("reason", "because")]).await;
    let Submitted::Errors(errors) = after else {
        panic!("{after:?}")
    };
    assert_eq!(errors, [("reason".to_owned(), "Say more than that.".to_owned())]);
    let (after, _) = lee.submits(&view, &[("order", "1042"), ("reason", "it is paid")]).await;
    assert!(matches!(after, Submitted::Closed), "{after:?}");
    insta::assert_snapshot!(slack.whisper("U2").await.seen(), @"1042: it is paid");

    slack.person("U2").press(&message, "Approve").await;
    let message = slack.until(&message, |now| now.seen().contains("Approved")).await;
    insta::assert_snapshot!(message.seen(), @"Approved by U2");

    slack
        .person("U1")
        .mentions("C0OPS", Some(&message), "<@U0BOT> hello")
        .await;
    insta::assert_snapshot!(slack.reply(&message).await.seen(), @"You said: <@U0BOT> hello");

    // Slack says that a connection will end; the client opens another before it does.
    let [first] = slack.connections()[..] else {
        panic!("{:?}", slack.connections())
    };
    slack.disconnect(first, "refresh_requested");
    slack
        .until_connections(|open| open.iter().any(|one| *one != first))
        .await;
    assert_eq!((slack.complaints(), slack.misuse()), (Vec::new(), Vec::new()));
}
