use super::*;
use crate::platform::slack::press;
use crate::report::Press;
use crate::request::Resolution;
use crate::request::Words;
use insta::assert_snapshot;
use proptest::prelude::*;
use serde_json::json;

const SECRET: &str = "8f742231b10e8888abcd99yyyzzz85a5";
const NOW: i64 = 1_531_420_618;

fn now() -> Timestamp {
    Timestamp::from_second(NOW).unwrap()
}

fn secret() -> SecretString {
    SECRET.to_owned().into()
}

fn teams() -> Vec<String> {
    vec!["T1".to_owned(), "T9".to_owned()]
}

fn sign(secret: &str, timestamp: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(format!("v0:{timestamp}:").as_bytes());
    mac.update(body);
    format!("v0={}", hex::encode(mac.finalize().into_bytes()))
}

fn genuine(body: &[u8]) -> Genuine<'_> {
    Genuine {
        body: Body::Signed(body),
        timestamp: NOW,
    }
}

fn encode(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

fn command_body(command: &str, text: &str) -> String {
    format!(
        "token=legacy&team_id=T1&team_domain=shop&channel_id=C0OPS&channel_name=ops&user_id=U1&user_name=dana&\
         command={}&text={}&response_url={}&trigger_id=13.7.abc&api_app_id=A1&is_enterprise_install=false",
        encode(command),
        encode(text),
        encode("https://hooks.slack.com/commands/T1/2/3"),
    )
}

fn asked(received: Received) -> Delivery {
    match received {
        Received::Asked(delivery, _) => *delivery,
        other => panic!("nothing is asked: {other:?}"),
    }
}

fn ask_of(text: &str) -> Ask {
    asked(command(&genuine(command_body("/signalbox", text).as_bytes()), &teams()).unwrap())
        .request
        .ask
}

fn press_payload(press: &Press) -> Value {
    json!({
        "type": "block_actions",
        "token": "legacy",
        "team": {"id": "T1", "domain": "shop"},
        "enterprise": null,
        "is_enterprise_install": false,
        "user": {"id": "U2", "username": "lee", "name": "lee", "team_id": "T1"},
        "api_app_id": "A1",
        "container": {"type": "message", "message_ts": "1.2", "channel_id": "C0OPS", "is_ephemeral": false},
        "channel": {"id": "C0OPS", "name": "ops"},
        "message": {"type": "message", "blocks": []},
        "state": {"values": {}},
        "trigger_id": "14.7.def",
        "response_url": "https://hooks.slack.com/actions/T1/2/3",
        "actions": [{
            "type": "button", "block_id": "b", "action_id": press::action_id(press, 0),
            "value": press::encode("R1", press).unwrap(), "action_ts": "1.3",
        }],
    })
}

fn read(payload: &Value) -> Result<Received, Rejection> {
    let body = format!("payload={}", encode(&payload.to_string()));
    interaction(&genuine(body.as_bytes()), &teams())
}

/// The example of Slack's own documentation.
#[test]
fn the_documented_signature_is_accepted() {
    let body = b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&\
        channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&\
        response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&\
        trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
    let signature = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503";
    assert!(verify(&secret(), Some("1531420618"), Some(signature), body, now()).is_ok());
}

#[test]
fn a_body_that_is_not_proved_is_rejected_with_its_reason() {
    let body = b"team_id=T1";
    let at = |seconds: i64| (NOW + seconds).to_string();
    let signed = |timestamp: &str| sign(SECRET, timestamp, body);
    let check = |timestamp: Option<&str>, signature: Option<&str>, body: &[u8]| {
        verify(&secret(), timestamp, signature, body, now()).map(drop)
    };
    for edge in [-300, 0, 300] {
        assert_eq!(
            check(Some(&at(edge)), Some(&signed(&at(edge))), body),
            Ok(()),
            "{edge} seconds"
        );
    }
    let fresh = at(0);
    let good = signed(&fresh);
    let timestamp = "X-Slack-Request-Timestamp";
    let signature = "X-Slack-Signature";
    let cases = [
        (None, Some(good.clone()), Rejection::NoHeader(timestamp)),
        (Some(fresh.clone()), None, Rejection::NoHeader(signature)),
        (Some(at(-301)), Some(signed(&at(-301))), Rejection::Stale(301)),
        (Some(at(301)), Some(signed(&at(301))), Rejection::Stale(-301)),
        (
            Some("yesterday".to_owned()),
            Some(signed("yesterday")),
            Rejection::BadHeader(timestamp),
        ),
        (
            Some(format!("+{fresh}")),
            Some(signed(&format!("+{fresh}"))),
            Rejection::BadHeader(timestamp),
        ),
        (Some(String::new()), Some(signed("")), Rejection::BadHeader(timestamp)),
        (
            Some("9".repeat(40)),
            Some(good.clone()),
            Rejection::BadHeader(timestamp),
        ),
        (
            Some(fresh.clone()),
            Some(good.replace("v0=", "v1=")),
            Rejection::BadHeader(signature),
        ),
        (
            Some(fresh.clone()),
            Some(good[..20].to_owned()),
            Rejection::BadHeader(signature),
        ),
        (
            Some(fresh.clone()),
            Some(format!("v0={}", "g".repeat(64))),
            Rejection::BadHeader(signature),
        ),
        (
            Some(fresh.clone()),
            Some(sign("another", &fresh, body)),
            Rejection::BadSignature,
        ),
        (Some(fresh.clone()), Some(signed(&at(1))), Rejection::BadSignature),
    ];
    for (given, signed, wanted) in cases {
        assert_eq!(check(given.as_deref(), signed.as_deref(), body), Err(wanted));
    }
    assert_eq!(
        check(Some(&fresh), Some(&good), b"team_id=T2"),
        Err(Rejection::BadSignature)
    );
    let large = vec![b'a'; MAX_BODY + 1];
    assert_eq!(
        check(Some(&fresh), Some(&good), &large),
        Err(Rejection::TooLarge(MAX_BODY + 1))
    );
    let empty = SecretString::from(String::new());
    let forged = sign("", &fresh, body);
    assert_eq!(
        verify(&empty, Some(&fresh), Some(&forged), body, now()).map(drop),
        Err(Rejection::NoSecret)
    );
}

#[test]
fn a_slash_command_becomes_a_run() {
    let delivery = asked(
        command(
            &genuine(command_body("/forward-order", "1042 note=\"a &lt; b\"").as_bytes()),
            &teams(),
        )
        .unwrap(),
    );
    assert_eq!(
        delivery.request.ask,
        Ask::Run {
            runbook: "forward-order".into(),
            words: Words::Line("1042 note=\"a < b\"".into()),
            dry: false
        }
    );
    assert_eq!(
        delivery.request.account,
        Account::Slack {
            team: "T1".into(),
            user: "U1".into()
        }
    );
    assert_eq!(
        delivery.request.place,
        Place {
            surface: Surface::Slack,
            workspace: Some("T1".into()),
            channel: Some("C0OPS".into()),
            thread: None
        }
    );
    assert_eq!(
        delivery.token.as_deref(),
        Some("https://hooks.slack.com/commands/T1/2/3")
    );
    assert_snapshot!(delivery.kept, @r#"{"kind":"command","team":"T1","enterprise":null,"user":"U1","user_name":"dana","channel":"C0OPS","channel_name":"ops","command":"forward-order","text":"1042 note=\"a < b\"","timestamp":1531420618}"#);
}

#[test]
fn what_is_kept_holds_no_token() {
    let from_command = asked(command(&genuine(command_body("/a", "x").as_bytes()), &teams()).unwrap());
    let from_press = asked(read(&press_payload(&Press::Deny)).unwrap());
    for delivery in [from_command, from_press] {
        for token in ["legacy", "hooks.slack.com", "13.7.abc", "14.7.def"] {
            assert!(!delivery.kept.contains(token), "{token} in {}", delivery.kept);
            assert!(!delivery.id.contains(token), "{token} in {}", delivery.id);
        }
    }
}

#[test]
fn the_same_delivery_has_the_same_id_and_another_one_another() {
    let id = |body: &str, timestamp: i64| {
        asked(
            command(
                &Genuine {
                    body: Body::Signed(body.as_bytes()),
                    timestamp,
                },
                &teams(),
            )
            .unwrap(),
        )
        .id
    };
    let body = command_body("/a", "1");
    assert_eq!(
        id(&body, NOW),
        id(&body, NOW + 60),
        "a delivery that is sent again is known by its trigger"
    );
    assert_ne!(id(&body, NOW), id(&body.replace("13.7", "14.7"), NOW));
    let bare = body.replace("&trigger_id=13.7.abc", "");
    assert_eq!(id(&bare, NOW), id(&bare, NOW));
    assert_ne!(id(&bare, NOW), id(&bare, NOW + 1), "typed again");
    assert_ne!(
        id(&bare, NOW),
        id(&command_body("/a", "2").replace("&trigger_id=13.7.abc", ""), NOW)
    );
}

#[test]
fn entities_are_unescaped_once_and_no_others() {
    for (sent, meant) in [
        ("a &amp; b", "a & b"),
        ("&amp;lt;", "&lt;"),
        ("&lt;!channel&gt;", "<!channel>"),
        ("&quot;&nbsp;&#60;", "&quot;&nbsp;&#60;"),
        ("&", "&"),
        ("&am", "&am"),
        ("ü&amp;ü", "ü&ü"),
    ] {
        assert_eq!(unescape(sent), meant);
    }
}

#[test]
fn subcommands_are_read() {
    let run = |words: &str| Ask::Run {
        runbook: "forward-order".into(),
        words: Words::Line(words.into()),
        dry: false,
    };
    let resolve = |step: &str, resolution| Ask::Resolve {
        run: "R1".into(),
        step: step.into(),
        resolution,
        reason: "the mail is there".into(),
    };
    for (text, wanted) in [
        ("", Ask::Help { runbook: None }),
        ("  help ", Ask::Help { runbook: None }),
        (
            "help forward-order",
            Ask::Help {
                runbook: Some("forward-order".into()),
            },
        ),
        ("runs", Ask::Runs),
        ("forward-order 1042  dry", run("1042  dry")),
        ("/forward-order 1042", run("1042")),
        (
            "approve R1",
            Ask::Approve {
                run: "R1".into(),
                digest: None,
            },
        ),
        ("deny R1", Ask::Deny { run: "R1".into() }),
        ("stop R1", Ask::Stop { run: "R1".into() }),
        ("undo R1", Ask::Undo { run: "R1".into() }),
        (
            "override R1 shop is down",
            Ask::Override {
                run: "R1".into(),
                reason: "shop is down".into(),
            },
        ),
        (
            "resolve R1 send done the mail is there",
            resolve("send", Resolution::Done),
        ),
        (
            "resolve R1 \"send[a b]\" not-done the mail is there",
            resolve("send[a b]", Resolution::NotDone),
        ),
        (
            "resolve R1 send abandon the mail is there",
            resolve("send", Resolution::Abandon),
        ),
        ("pause", Ask::Pause { runbook: None }),
        (
            "pause forward-order",
            Ask::Pause {
                runbook: Some("forward-order".into()),
            },
        ),
        ("resume", Ask::Resume { runbook: None }),
        (
            "unlock order:1042 owner is gone",
            Ask::Unlock {
                key: "order:1042".into(),
                reason: "owner is gone".into(),
            },
        ),
    ] {
        assert_eq!(ask_of(text), wanted, "{text}");
    }
}

#[test]
fn an_incomplete_subcommand_is_answered_with_its_usage() {
    let say = |text: &str| match command(&genuine(command_body("/signalbox", text).as_bytes()), &teams()).unwrap() {
        Received::Answered(_, say) => say,
        other => panic!("{text} asks {other:?}"),
    };
    assert_snapshot!(say("approve"), @"That is not complete. Type: /signalbox approve RUN");
    assert_snapshot!(say("resolve R1 send maybe it did"), @"That is not complete. Type: /signalbox resolve RUN STEP done|not-done|abandon REASON");
    for text in [
        "approve R1 R2",
        "deny",
        "stop",
        "override R1",
        "unlock order:1",
        "runs now",
        "pause a b",
        "help a b",
        "undo",
        "resolve R1 send done",
        "resolve R1 send",
        "resolve",
        "resolve \"\" send done reason",
    ] {
        assert!(
            say(text).starts_with("That is not complete. Type: /signalbox "),
            "{text}"
        );
    }
    // Each reserved word is read by the parser: none of them becomes a runbook.
    for word in RESERVED {
        let received = command(&genuine(command_body("/signalbox", word).as_bytes()), &teams()).unwrap();
        if let Received::Asked(delivery, _) = received {
            assert!(!matches!(delivery.request.ask, Ask::Run { .. }), "{word}");
        }
    }
}

#[test]
fn a_form_that_can_be_read_in_two_ways_is_rejected() {
    let good = command_body("/a", "1");
    let cases = [
        (
            good.replace("team_id=T1", "team_id=T1&team_id=T9"),
            Rejection::BadForm("a field is given twice"),
        ),
        (
            good.replace("text=", "text=%FF"),
            Rejection::BadForm("a field is not UTF-8"),
        ),
        (
            good.replace("text=", "text=%G0"),
            Rejection::BadForm("a percent code is not one"),
        ),
        (format!("{good}%2"), Rejection::BadForm("it ends within a percent code")),
        (
            good.replace("text=", "text"),
            Rejection::BadForm("a field has no value"),
        ),
        (good.replace("team_id=T1", "x=1"), Rejection::NoField("team_id")),
        (good.replace("user_id=U1", "x=1"), Rejection::NoField("user_id")),
        (
            good.replace("channel_id=C0OPS", "x=1"),
            Rejection::NoField("channel_id"),
        ),
        (good.replace("team_id=T1", "team_id="), Rejection::BadField("team_id")),
        (
            good.replace("user_id=U1", "user_id=U1%0AU2"),
            Rejection::BadField("user_id"),
        ),
        (
            good.replace("team_id=T1", "team_id=T7"),
            Rejection::ForeignTeam("T7".into()),
        ),
        (format!("{good}&user_team_id=T7"), Rejection::ForeignUser("T7".into())),
        (command_body("a", "1"), Rejection::BadField("command")),
        (command_body("/", "1"), Rejection::BadField("command")),
        (command_body("/A b", "1"), Rejection::BadField("command")),
    ];
    for (body, wanted) in cases {
        assert_eq!(command(&genuine(body.as_bytes()), &teams()), Err(wanted), "{body}");
    }
    assert_eq!(
        command(&genuine(b"text=\xff"), &teams()),
        Err(Rejection::BadForm("a field is not UTF-8"))
    );
}

#[test]
fn each_press_asks_what_its_button_says() {
    let resolve = |resolution| {
        (
            Press::Resolve {
                step: "send[\"ü\"]".into(),
                resolution,
            },
            Ask::Resolve {
                run: "R1".into(),
                step: "send[\"ü\"]".into(),
                resolution,
                reason: "pressed in Slack".into(),
            },
        )
    };
    let run = || "R1".to_owned();
    for (press, wanted) in [
        (
            Press::Approve { digest: "d1".into() },
            Ask::Approve {
                run: run(),
                digest: Some("d1".into()),
            },
        ),
        (Press::Deny, Ask::Deny { run: run() }),
        (Press::Stop, Ask::Stop { run: run() }),
        (Press::Undo, Ask::Undo { run: run() }),
        (Press::Offer { index: 3 }, Ask::Offer { run: run(), index: 3 }),
        resolve(Resolution::Done),
        resolve(Resolution::NotDone),
        resolve(Resolution::Abandon),
    ] {
        let delivery = asked(read(&press_payload(&press)).unwrap());
        assert_eq!(delivery.request.ask, wanted);
        assert_eq!(
            delivery.request.account,
            Account::Slack {
                team: "T1".into(),
                user: "U2".into()
            }
        );
        assert_eq!(delivery.request.place.channel.as_deref(), Some("C0OPS"));
        assert_eq!(
            delivery.token.as_deref(),
            Some("https://hooks.slack.com/actions/T1/2/3")
        );
    }
}

#[test]
fn a_press_is_understood_in_all_the_forms_that_slack_sends() {
    let change = |change: &dyn Fn(&mut Value)| {
        let mut payload = press_payload(&Press::Deny);
        change(&mut payload);
        read(&payload)
    };
    let organization = asked(
        change(&|p| {
            p["team"] = Value::Null;
            p["enterprise"] = json!({"id": "E1", "name": "org"});
            p["is_enterprise_install"] = true.into();
        })
        .unwrap(),
    );
    assert_eq!(organization.request.place.workspace.as_deref(), Some("T1"));
    let other = asked(change(&|p| p["user"]["team_id"] = "T9".into()).unwrap());
    assert_eq!(
        other.request.account,
        Account::Slack {
            team: "T9".into(),
            user: "U2".into()
        }
    );
    assert_eq!(other.request.place.workspace.as_deref(), Some("T1"));
    let ephemeral = asked(
        change(&|p| {
            p.as_object_mut().unwrap().remove("channel");
            p.as_object_mut().unwrap().remove("message");
        })
        .unwrap(),
    );
    assert_eq!(ephemeral.request.place.channel.as_deref(), Some("C0OPS"));
    assert_eq!(ephemeral.request.message.as_deref(), Some("1.2"));
    let elsewhere = asked(
        change(&|p| {
            p["container"].as_object_mut().unwrap().remove("message_ts");
            p["message"]["ts"] = "1.4".into();
        })
        .unwrap(),
    );
    assert_eq!(elsewhere.request.message.as_deref(), Some("1.4"));
    assert!(change(&|p| p["future"] = json!({"number": 1.5e300, "list": [[[]]]})).is_ok());
    let bare = asked(change(&|p| p["response_url"] = Value::Null).unwrap());
    assert_eq!(bare.token, None);
}

#[test]
fn a_press_that_we_cannot_trust_or_read_is_rejected() {
    let change = |change: &dyn Fn(&mut Value)| {
        let mut payload = press_payload(&Press::Deny);
        change(&mut payload);
        read(&payload).unwrap_err()
    };
    assert_eq!(
        change(&|p| p["team"]["id"] = "T7".into()),
        Rejection::ForeignTeam("T7".into())
    );
    assert_eq!(
        change(&|p| p["user"]["team_id"] = "T7".into()),
        Rejection::ForeignUser("T7".into())
    );
    assert_eq!(change(&|p| p["user"] = Value::Null), Rejection::NoField("user"));
    assert_eq!(
        change(&|p| p["actions"][0]["value"] = Value::Null),
        Rejection::NoField("actions.value")
    );
    assert_eq!(
        change(&|p| p["channel"]["id"] = "C 1".into()),
        Rejection::BadField("channel.id")
    );
    assert_eq!(
        change(&|p| {
            p["team"] = Value::Null;
            p["user"]["team_id"] = Value::Null;
        }),
        Rejection::NoField("team")
    );
    let texts: Vec<String> = [
        change(&|p| p["actions"][0]["value"] = "{\"run\":\"R1\"}".into()),
        change(&|p| p["actions"][0]["value"] = "{\"run\":\"R1\",\"press\":\"explode\"}".into()),
        change(&|p| p["actions"] = json!([])),
        change(&|p| p["actions"] = json!("none")),
        change(&|p| p["type"] = 5.into()),
        interaction(&genuine(b"payload={"), &teams()).unwrap_err(),
        interaction(&genuine(b"payload=hello"), &teams()).unwrap_err(),
        interaction(&genuine(format!("payload={}", "[".repeat(5000)).as_bytes()), &teams()).unwrap_err(),
    ]
    .iter()
    .map(|rejection| format!("{}: {rejection}", rejection.status()))
    .collect();
    assert_snapshot!(texts.join("\n"), @r#"
    400: the button's value does not parse: missing field `press` at line 1 column 12
    400: the button's value does not parse: unknown variant `explode`, expected one of `approve`, `deny`, `stop`, `resolve`, `undo`, `offer`, `alert` at line 1 column 29
    400: the payload does not parse: 0 actions in one press
    400: the payload does not parse: a field is missing or has another type than Slack documents, at line 1 column 495
    400: the payload does not parse: a field is missing or has another type than Slack documents, at line 1 column 9
    400: the payload does not parse: it is cut off, at line 1 column 1
    400: the payload does not parse: it is not JSON, at line 1 column 1
    400: the payload does not parse: a field is missing or has another type than Slack documents, at line 1 column 1
    "#);
}

#[test]
fn other_interactions_are_acknowledged_and_do_nothing() {
    for kind in ["view_closed", "shortcut", "tomorrow"] {
        let mut payload = press_payload(&Press::Deny);
        payload["type"] = kind.into();
        assert!(
            matches!(read(&payload), Ok(Received::Ignored(why)) if why.contains(kind)),
            "{kind}"
        );
    }
    for kind in ["view_submission", "message_action", "block_suggestion"] {
        let mut payload = press_payload(&Press::Deny);
        payload["type"] = kind.into();
        payload["view"] = json!({"id": "V1", "callback_id": "of another app", "state": {"values": {}}});
        payload["callback_id"] = "of another app".into();
        assert!(
            matches!(read(&payload), Ok(Received::Ignored(why)) if why.contains("of ours")),
            "{kind}"
        );
    }
    let mut foreign = press_payload(&Press::Deny);
    foreign["actions"][0]["action_id"] = "other-app".into();
    assert!(matches!(read(&foreign), Ok(Received::Ignored(_))));
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(body in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = command(&genuine(&body), &teams());
        let _ = interaction(&genuine(&body), &teams());
        let _ = interaction(&genuine(&[b"payload=".as_slice(), &body].concat()), &teams());
    }

    #[test]
    fn no_headers_make_it_panic(timestamp in ".{0,30}", signature in ".{0,80}", secret in ".{0,9}") {
        let given = verify(&secret.into(), Some(&timestamp), Some(&signature), b"x", now());
        prop_assert!(given.is_err());
    }

    #[test]
    fn a_typed_line_arrives_as_it_was_typed(text in "[^\\r\\n]{0,80}") {
        let sent = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let delivery = asked(command(&genuine(command_body("/a", &sent).as_bytes()), &teams()).unwrap());
        let wanted = Ask::Run { runbook: "a".into(), words: Words::Line(text.trim().to_owned()), dry: false };
        prop_assert_eq!(delivery.request.ask, wanted);
    }

    #[test]
    fn what_a_button_carries_comes_back(run in ".{1,40}", step in ".{0,40}", index in any::<usize>()) {
        for press in [
            Press::Offer { index },
            Press::Approve { digest: step.clone() },
            Press::Resolve { step: step.clone(), resolution: Resolution::NotDone },
        ] {
            let value = press::encode(&run, &press).unwrap();
            prop_assert_eq!(press::decode(&value).unwrap(), press::Pressed { run: run.clone(), press });
        }
    }
}

/// The same in an envelope as in a body: nothing of what is asked differs, nor by what it is known.
#[test]
fn an_envelope_asks_what_a_body_asks() {
    let body = command_body("/forward-order", "1042 &amp; more");
    let url = reqwest::Url::parse(&format!("http://form/?{body}")).unwrap();
    let fields = url
        .query_pairs()
        .map(|(name, value)| (name.into_owned(), Value::from(value.into_owned())));
    let mut payload = Value::Object(fields.collect());
    payload["is_enterprise_install"] = false.into();
    payload["enterprise_id"] = Value::Null;
    payload["new"] = json!([{"a": 1}]);
    let over_http = asked(command(&genuine(body.as_bytes()), &teams()).unwrap());
    let over_socket = asked(command(&Genuine::enveloped(&payload, now()), &teams()).unwrap());
    assert_eq!(
        (&over_http.id, &over_http.kept, &over_http.token),
        (&over_socket.id, &over_socket.kept, &over_socket.token)
    );
    assert_eq!(over_http.request.ask, over_socket.request.ask);
    let press = press_payload(&Press::Deny);
    let over_http = asked(read(&press).unwrap());
    let over_socket = asked(interaction(&Genuine::enveloped(&press, now()), &teams()).unwrap());
    assert_eq!((over_http.id, over_http.kept), (over_socket.id, over_socket.kept));
    let mut bare = press.clone();
    bare.as_object_mut().unwrap().remove("trigger_id");
    let id = |payload: &Value, later: i64| {
        let at = Timestamp::from_second(NOW + later).unwrap();
        asked(interaction(&Genuine::enveloped(payload, at), &teams()).unwrap()).id
    };
    assert_eq!(
        id(&bare, 0),
        id(&bare, 60),
        "the same envelope again, without a trigger"
    );
    bare["actions"][0]["action_ts"] = "1.4".into();
    assert_ne!(id(&bare, 0), id(&press, 0), "pressed again");
    for payload in [
        json!(null),
        json!([]),
        json!("text"),
        json!({}),
        json!({"team_id": 5}),
        json!({"team_id": {}}),
    ] {
        let genuine = Genuine::enveloped(&payload, now());
        assert!(command(&genuine, &teams()).is_err(), "{payload}");
        assert!(interaction(&genuine, &teams()).is_err(), "{payload}");
        assert!(event(&genuine, &teams()).is_err(), "{payload}");
    }
}

#[test]
fn an_organization_is_heard_as_a_whole_where_it_is_configured() {
    let organization = ["E1".to_owned()];
    let account = |received: Received| asked(received).request.account;
    let member = |team: &str| Account::Slack {
        team: team.to_owned(),
        user: "U1".to_owned(),
    };
    let body = command_body("/a", "1").replace("team_id=T1", "team_id=T5&enterprise_id=E1");
    let read_by = |teams: &[String]| command(&genuine(body.as_bytes()), teams);
    assert_eq!(account(read_by(&organization).unwrap()), member("E1"));
    let both = ["E1".to_owned(), "T5".to_owned()];
    assert_eq!(
        account(read_by(&both).unwrap()),
        member("T5"),
        "the workspace is named itself"
    );
    assert_eq!(read_by(&teams()), Err(Rejection::ForeignTeam("T5".to_owned())));
    // In a channel of the organization that is shared with others.
    let mut payload = press_payload(&Press::Deny);
    payload["team"] = Value::Null;
    payload["enterprise"] = json!({"id": "E1", "name": "org"});
    payload["user"]["team_id"] = "T5".into();
    let body = format!("payload={}", encode(&payload.to_string()));
    assert!(interaction(&genuine(body.as_bytes()), &organization).is_ok());
    payload["team"] = json!({"id": "T6", "domain": "other"});
    let body = format!("payload={}", encode(&payload.to_string()));
    let told = interaction(&genuine(body.as_bytes()), &organization);
    assert_eq!(told, Err(Rejection::ForeignUser("T5".to_owned())));
}

#[test]
fn a_mention_is_read_as_it_was_typed() {
    for (sent, typed) in [
        (" forward-order 1042 ", "forward-order 1042"),
        (
            "find <https://shop.example/a?b=1&amp;c=2>",
            "find https://shop.example/a?b=1&c=2",
        ),
        ("find <http://shop.example|shop.example>", "find shop.example"),
        ("mail <mailto:a@b.c|a@b.c>", "mail a@b.c"),
        (
            "ask <@U2> in <#C1|ops> and <!subteam^S1|@ops> <!here>",
            "ask @U2 in #ops and @ops @here",
        ),
        ("a &lt; b", "a < b"),
        ("a < b", "a < b"),
        ("中文 <", "中文 <"),
    ] {
        assert_eq!(super::event::typed(sent), typed, "{sent}");
    }
}

proptest! {
    #[test]
    fn no_payload_makes_it_panic(kind in "(block_actions|view_submission|block_suggestion|message_action|event_callback)",
        callback in "(signalbox:run|signalbox:choose|x)", text in ".{0,60}", odd in any::<u8>()) {
        let odd = match odd % 6 {
            0 => json!(null),
            1 => json!(odd),
            2 => json!([text.clone()]),
            3 => json!({"id": text.clone()}),
            4 => json!({"values": {"runbook": {"x": text.clone()}, "input:a": 5}}),
            _ => json!(text.clone()),
        };
        let good = json!({
            "type": kind, "team": {"id": "T1"}, "user": {"id": "U1", "team_id": "T1"}, "callback_id": callback,
            "trigger_id": "1.2", "block_id": "input:a", "value": text, "team_id": "T1", "event_id": "Ev1",
            "view": {"id": "V1", "hash": "h", "callback_id": callback, "private_metadata": "{\"runbook\":\"a\"}",
                "state": {"values": {"runbook": {"signalbox:field": {"selected_option": {"value": "a"}}}}}},
            "event": {"type": "app_mention", "user": "U1", "channel": "C1", "text": text},
        });
        for field in good.as_object().unwrap().keys() {
            for deep in [false, true] {
                let mut payload = good.clone();
                if deep {
                    if let Some(fields) = payload[field].as_object_mut() {
                        fields.values_mut().for_each(|value| *value = odd.clone());
                    }
                } else {
                    payload[field] = odd.clone();
                }
                let genuine = Genuine::enveloped(&payload, now());
                let _ = interaction(&genuine, &teams());
                let _ = event(&genuine, &teams());
                let _ = command(&genuine, &teams());
            }
        }
    }
}

#[test]
fn a_code_is_kept_nowhere_and_in_a_message_it_counts_no_more() {
    use crate::request::link::{Code, LinkAsk};
    let linking = |received: Received| match received {
        Received::Linking(_, delivery) => *delivery,
        other => panic!("nothing is linked: {other:?}"),
    };
    let of = |text: &str| {
        let body = command_body("/signalbox", text);
        linking(command(&genuine(body.as_bytes()), &teams()).unwrap())
    };
    let brought = of("link k7m2-9qx4-abcd");
    assert_eq!(brought.ask, LinkAsk::Finish(Code::typed("k7m29qx4abcd")));
    assert!(!format!("{brought:?}").contains("9qx4"), "{brought:?}");
    assert_eq!((of("link").ask, of(" unlink ").ask), (LinkAsk::Begin, LinkAsk::Unlink));
    // A runbook that is called so still has its own command.
    let own = command(&genuine(command_body("/link", "x").as_bytes()), &teams()).unwrap();
    assert!(matches!(asked(own).request.ask, Ask::Run { .. }));
    let body = json!({
        "type": "event_callback", "team_id": "T1", "event_id": "Ev1", "event_time": NOW,
        "event": {"type": "app_mention", "user": "U1", "channel": "C0OPS", "ts": "1.2", "text": "<@U0BOT> link k7m2-9qx4-abcd"},
    });
    let overheard = linking(event(&genuine(body.to_string().as_bytes()), &teams()).unwrap());
    assert_eq!(overheard.ask, LinkAsk::Overheard(Code::typed("k7m29qx4abcd")));
    assert!(!overheard.kept.contains("9qx4"), "{}", overheard.kept);
}

#[test]
fn a_thread_is_a_place_in_its_channel() {
    let mention = |thread: Value| {
        let body = json!({
            "type": "event_callback", "team_id": "T1", "event_id": "Ev1", "event_time": NOW,
            "event": {"type": "app_mention", "user": "U1", "channel": "C0OPS", "ts": "1700000001.000200",
                "text": "<@U0BOT> runs", "thread_ts": thread},
        });
        let received = event(&genuine(body.to_string().as_bytes()), &teams());
        received.map(|received| asked(received).request.place)
    };
    let inside = mention(json!("1700000000.000100")).unwrap();
    assert_eq!(
        (inside.channel.as_deref(), inside.thread.as_deref()),
        (Some("C0OPS"), Some("1700000000.000100"))
    );
    assert_eq!(mention(Value::Null).unwrap().thread, None);
    assert_eq!(mention(json!("../1")), Err(Rejection::BadField("event.thread_ts")));
    // The message that a thread hangs on is in the channel, also when its button is pressed.
    let press = |thread: &str| {
        let mut payload = press_payload(&Press::Deny);
        payload["container"]["thread_ts"] = thread.into();
        let body = format!("payload={}", encode(&payload.to_string()));
        asked(interaction(&genuine(body.as_bytes()), &teams()).unwrap())
            .request
            .place
            .thread
    };
    assert_eq!(press("1.2"), None);
    assert_eq!(press("1.1").as_deref(), Some("1.1"));
}
