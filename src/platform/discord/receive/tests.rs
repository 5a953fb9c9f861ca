use super::*;
use crate::platform::discord::press;
use crate::report::Press;
use crate::request::Resolution;
use ed25519_dalek::{Signer, SigningKey};
use proptest::prelude::*;

const NOW: i64 = 1_800_000_000;
const RUN: &str = "7k2m9qx4ab";

fn now() -> Timestamp {
    Timestamp::from_second(NOW).unwrap()
}

fn signer() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

fn key() -> PublicKey {
    PublicKey::parse(&hex::encode(signer().verifying_key().to_bytes())).unwrap()
}

fn sign(timestamp: &str, body: &[u8]) -> String {
    hex::encode(signer().sign(&[timestamp.as_bytes(), body].concat()).to_bytes())
}

fn read(payload: &Value) -> Result<Received, Rejection> {
    let guilds = ["900".to_owned()];
    let body = payload.to_string();
    let door = Door {
        application: "800",
        guilds: &guilds,
    };
    interaction(&Genuine { body: body.as_bytes() }, door)
}

fn of_type(kind: i64, data: Value) -> Value {
    json!({
        "id": "1001", "application_id": "800", "type": kind, "token": "aW50.token_1-x", "version": 1, "guild_id": "900",
        "channel_id": "9001", "data": data, "locale": "en-GB", "entitlements": [], "context": 0,
        "member": {"user": {"id": "101", "username": "dana"}, "roles": ["7001", "7003"], "permissions": "0"},
    })
}

fn command(name: &str, options: Value) -> Value {
    of_type(2, json!({"id": "5", "name": name, "type": 1, "options": options}))
}

fn delivery(received: Received) -> (Delivery, Value) {
    match received {
        Received::Asked { delivery, answer, .. } => (*delivery, answer),
        other => panic!("nothing is asked: {other:?}"),
    }
}

fn answer_of(payload: &Value) -> Value {
    match read(payload).unwrap() {
        Received::Answered { answer, .. } => answer,
        other => panic!("something is asked: {other:?}"),
    }
}

#[test]
fn what_discord_signed_a_moment_ago_is_believed_and_nothing_else() {
    let body = br#"{"type":1}"#;
    let check = |timestamp: &str, signature: &str, body: &[u8]| {
        verify(&key(), Some(timestamp), Some(signature), body, now()).map(drop)
    };
    let at = |seconds: i64| (NOW + seconds).to_string();
    let good = sign(&at(0), body);
    assert_eq!(check(&at(0), &good, body), Ok(()));
    for off in [-MAX_AGE, MAX_AGE] {
        assert_eq!(check(&at(off), &sign(&at(off), body), body), Ok(()));
    }
    for off in [-MAX_AGE - 1, MAX_AGE + 1] {
        let refused = check(&at(off), &sign(&at(off), body), body);
        assert_eq!(refused, Err(Rejection::Stale(-off)));
    }
    let header = Rejection::BadHeader("X-Signature-Ed25519");
    for (timestamp, signature, body, why) in [
        (at(0), good.clone(), &br#"{"type":2}"#[..], Rejection::BadSignature),
        (at(1), good.clone(), body, Rejection::BadSignature),
        (at(0), sign(&at(0), b"other"), body, Rejection::BadSignature),
        (at(0), good[..64].to_owned(), body, header.clone()),
        (at(0), "zz".repeat(64), body, header.clone()),
        (at(0), String::new(), body, header),
        (
            format!("+{NOW}"),
            good.clone(),
            body,
            Rejection::BadHeader("X-Signature-Timestamp"),
        ),
        (
            String::new(),
            good.clone(),
            body,
            Rejection::BadHeader("X-Signature-Timestamp"),
        ),
    ] {
        let refused = check(&timestamp, &signature, body).unwrap_err();
        assert_eq!((refused.status(), refused), (401, why));
    }
    assert_eq!(
        verify(&key(), None, Some(&good), body, now())
            .map(drop)
            .unwrap_err()
            .status(),
        401
    );
    let large = vec![b' '; MAX_BODY + 1];
    assert_eq!(check(&at(0), &good, &large).unwrap_err().status(), 413);
}

#[test]
fn a_key_is_a_point_of_the_curve() {
    for wrong in ["", "ab", &"zz".repeat(32), &"00".repeat(32), &"01".repeat(33)] {
        assert!(PublicKey::parse(wrong).is_none(), "{wrong}");
    }
}

#[test]
fn a_ping_is_answered() {
    assert_eq!(
        answer_of(&json!({"type": 1, "id": "1", "application_id": "800"})),
        json!({"type": 1})
    );
}

#[test]
fn a_command_with_typed_options_asks_for_its_runbook() {
    let options = json!([
        {"name": "order", "type": 4, "value": 1042}, {"name": "fast", "type": 5, "value": false},
        {"name": "price", "type": 10, "value": 1.5}, {"name": "note", "type": 3, "value": "a, b=c"},
        {"name": "dry", "type": 5, "value": true}, {"name": "left", "type": 3, "value": null},
    ]);
    let (delivery, answer) = delivery(read(&command("forward-order", options)).unwrap());
    assert_eq!(answer, json!({"type": 5, "data": {"flags": 64}}));
    assert_eq!(
        (delivery.id.as_str(), delivery.token.as_deref()),
        ("discord-1001", Some("aW50.token_1-x"))
    );
    assert!(!delivery.kept.contains("token_1"), "{}", delivery.kept);
    let request = delivery.request;
    assert_eq!(request.account, Account::Discord { user: "101".to_owned() });
    assert_eq!(request.memberships, ["discord 900/7001", "discord 900/7003"]);
    assert_eq!(request.message, None);
    assert_eq!(request.place.channel.as_deref(), Some("9001"));
    let pairs = [("order", "1042"), ("fast", "no"), ("price", "1.5"), ("note", "a, b=c")];
    assert_eq!(
        request.ask,
        Ask::Run {
            runbook: "forward-order".to_owned(),
            words: Words::Named(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).into()),
            dry: true,
        }
    );
}

#[test]
fn the_apps_own_command_reads_its_words() {
    let run = || RUN.to_owned();
    let text = |name: &str, value: &str| json!({"name": name, "type": 3, "value": value});
    let asks = |word: &str, options: Vec<Value>| {
        let word = json!([{"name": word, "type": 1, "options": options}]);
        delivery(read(&command(COMMAND, word)).unwrap()).0.request.ask
    };
    assert_eq!(asks("help", vec![]), Ask::Help { runbook: None });
    let runbook = Some("stuck-orders".to_owned());
    assert_eq!(
        asks("pause", vec![text("runbook", "/stuck-orders")]),
        Ask::Pause { runbook }
    );
    assert_eq!(asks("runs", vec![]), Ask::Runs);
    assert_eq!(asks("stop", vec![text("run", RUN)]), Ask::Stop { run: run() });
    let key = "order:1042".to_owned();
    let reason = || "gone".to_owned();
    assert_eq!(
        asks("unlock", vec![text("key", "order:1042"), text("reason", "gone")]),
        Ask::Unlock { key, reason: reason() }
    );
    assert_eq!(
        asks("override", vec![text("run", RUN), text("reason", "gone")]),
        Ask::Override {
            run: run(),
            reason: reason()
        }
    );
    let options = [
        ("run", RUN),
        ("step", "forward[1042]"),
        ("outcome", "not-done"),
        ("reason", "gone"),
    ];
    assert_eq!(
        asks("resolve", options.map(|(name, value)| text(name, value)).into()),
        Ask::Resolve {
            run: run(),
            step: "forward[1042]".to_owned(),
            resolution: Resolution::NotDone,
            reason: reason(),
        }
    );
    // Without a reason a form asks for it.
    let word = json!([{"name": "override", "type": 1, "options": [text("run", RUN)]}]);
    let form = answer_of(&command(COMMAND, word));
    assert_eq!(
        (&form["type"], &form["data"]["custom_id"]),
        (&json!(9), &json!("sb:7k2m9qx4ab:override"))
    );
    for (word, options) in [("stop", vec![]), ("resolve", vec![text("run", RUN)]), ("dance", vec![])] {
        let word = json!([{"name": word, "type": 1, "options": options}]);
        let told = answer_of(&command(COMMAND, word));
        assert_eq!(
            (&told["type"], &told["data"]["flags"]),
            (&json!(4), &json!(64)),
            "{told}"
        );
    }
}

fn pressed(press: &Press) -> Value {
    let mut payload = of_type(3, json!({"custom_id": press::id(RUN, press), "component_type": 2}));
    payload["message"] = json!({"id": "2002", "components": []});
    payload
}

#[test]
fn a_button_asks_what_it_says_of_the_message_that_it_is_on() {
    let digest = "ab".repeat(32);
    let (delivery, answer) = delivery(read(&pressed(&Press::Approve { digest: digest.clone() })).unwrap());
    assert_eq!(answer, json!({"type": 6}));
    assert_eq!(delivery.request.message.as_deref(), Some("2002"));
    let run = RUN.to_owned();
    assert_eq!(
        delivery.request.ask,
        Ask::Approve {
            run,
            digest: Some(digest)
        }
    );
    let mut foreign = pressed(&Press::Deny);
    foreign["data"]["custom_id"] = "other:button".into();
    assert!(matches!(read(&foreign), Ok(Received::Answered { odd: Some(_), .. })));
}

#[test]
fn what_ends_a_run_is_asked_about_first_and_the_yes_is_about_the_runs_own_message() {
    let question = answer_of(&pressed(&Press::Stop));
    assert_eq!(
        (&question["type"], &question["data"]["flags"]),
        (&json!(4), &json!(64)),
        "whoever pressed sees it alone"
    );
    let buttons = question["data"]["components"][0]["components"].clone();
    // The question is a message of its own.
    let below = |id: &Value| {
        let mut payload = pressed(&Press::Stop);
        payload["data"]["custom_id"] = id.clone();
        payload["message"] = json!({"id": "3003"});
        payload
    };
    let (delivery, answer) = delivery(read(&below(&buttons[0]["custom_id"])).unwrap());
    assert_eq!(
        (&answer["type"], &answer["data"]["components"]),
        (&json!(7), &json!([]))
    );
    assert_eq!(delivery.request.ask, Ask::Stop { run: RUN.to_owned() });
    assert_eq!(delivery.request.message.as_deref(), Some("2002"));
    let left = answer_of(&below(&buttons[1]["custom_id"]));
    assert_eq!((&left["type"], &left["data"]["components"]), (&json!(7), &json!([])));
    for odd in ["sb:7k2m9qx4ab:stop:x", "sb:7k2m9qx4ab:undo:", "sb:7k2m9qx4ab:leave:1"] {
        assert!(
            matches!(read(&below(&json!(odd))), Ok(Received::Answered { odd: Some(_), .. })),
            "{odd}"
        );
    }
}

#[test]
fn a_thread_is_a_place_in_its_channel() {
    let place = |channel: Value| {
        let mut payload = command("charge", json!([]));
        payload["channel"] = channel;
        delivery(read(&payload).unwrap()).0.request.place
    };
    let usual = place(json!({"id": "9001", "type": 0, "parent_id": "8000"}));
    assert_eq!(
        (usual.channel.as_deref(), usual.thread.as_deref()),
        (Some("9001"), None)
    );
    for kind in [10, 11, 12] {
        let inside = place(json!({"id": "9001", "type": kind, "parent_id": "8000"}));
        assert_eq!(
            (inside.channel.as_deref(), inside.thread.as_deref()),
            (Some("8000"), Some("9001"))
        );
    }
    let mut garbled = command("charge", json!([]));
    garbled["channel"] = json!({"type": 11, "parent_id": "../8"});
    assert_eq!(read(&garbled), Err(Rejection::BadField("channel.parent_id")));
}

#[test]
fn a_code_is_kept_nowhere() {
    let code = json!({"name": "code", "type": 3, "value": "k7m2-9qx4-abcd"});
    let code = json!([{"name": "link", "type": 1, "options": [code]}]);
    let Ok(Received::Linking(delivery)) = read(&command(COMMAND, code)) else {
        panic!("nothing is linked")
    };
    let told = format!("{delivery:?}");
    assert!(
        !told.contains("9qx4") && delivery.kept.contains("link (a code)"),
        "{told}"
    );
    assert_eq!(
        delivery.ask,
        LinkAsk::Finish(crate::request::link::Code::typed("K7M29QX4ABCD"))
    );
}

#[test]
fn what_takes_a_reason_opens_a_form_and_the_form_asks() {
    let press = Press::Resolve {
        step: "forward[1042]".to_owned(),
        resolution: Resolution::Done,
    };
    let form = answer_of(&pressed(&press));
    let id = form["data"]["custom_id"].clone();
    let input = |value: &str| json!({"type": 4, "custom_id": "reason", "value": value});
    let in_row = json!([{"type": 1, "components": [input("by\nphone ")]}]);
    let in_label = json!([{"type": 10, "id": 1}, {"type": 18, "id": 2, "component": input("by phone")}]);
    for components in [in_row, in_label] {
        let mut sent = of_type(5, json!({"custom_id": id, "components": components}));
        sent["message"] = json!({"id": "2002"});
        let (delivery, answer) = delivery(read(&sent).unwrap());
        assert_eq!(answer, json!({"type": 6}));
        assert_eq!(delivery.request.message.as_deref(), Some("2002"));
        assert_eq!(
            delivery.request.ask,
            Ask::Resolve {
                run: RUN.to_owned(),
                step: "forward[1042]".to_owned(),
                resolution: Resolution::Done,
                reason: "by phone".to_owned(),
            }
        );
    }
    let empty = of_type(5, json!({"custom_id": id, "components": null}));
    assert_eq!(read(&empty), Err(Rejection::NoField("data.components")));
}

#[test]
fn a_form_of_inputs_is_read_line_by_line() {
    let input = json!({"type": 4, "custom_id": "inputs", "value": "order = 1042\nnote=a=b\n\nempty=\nwhat"});
    let sent = of_type(
        5,
        json!({"custom_id": "sbf:charge:dry", "components": [{"type": 18, "component": input}]}),
    );
    let (delivery, answer) = delivery(read(&sent).unwrap());
    assert_eq!(answer, json!({"type": 5, "data": {"flags": 64}}));
    let pairs = [("order", "1042"), ("note", "a=b"), ("empty", ""), ("what", "")];
    assert_eq!(
        delivery.request.ask,
        Ask::Run {
            runbook: "charge".to_owned(),
            words: Words::Named(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).into()),
            dry: true,
        }
    );
}

#[test]
fn whoever_types_is_offered_something_for_the_field_they_are_in() {
    let typing = |data: Value| match read(&of_type(4, data)).unwrap() {
        Received::Typing(typing) => *typing,
        other => panic!("{other:?}"),
    };
    let options =
        json!([{"name": "a", "type": 3, "value": "x"}, {"name": "order", "type": 4, "value": "10", "focused": true}]);
    let found = typing(json!({"name": "charge", "type": 1, "options": options}));
    let field = Field::Input {
        runbook: "charge".to_owned(),
        input: "order".to_owned(),
    };
    assert_eq!(
        (found.field, found.typed.as_str(), found.whole_numbers),
        (field, "10", true)
    );
    let inner = json!([{"name": "runbook", "type": 3, "value": "stu", "focused": true}]);
    let found = typing(json!({"name": COMMAND, "type": 1, "options": [{"name": "help", "type": 1, "options": inner}]}));
    assert_eq!((found.field, found.typed.as_str()), (Field::Runbook, "stu"));
}

#[test]
fn a_direct_message_asks_for_nothing() {
    let mut direct = command("forward-order", json!([]));
    direct["user"] = direct["member"]["user"].clone();
    for gone in ["guild_id", "member"] {
        direct.as_object_mut().unwrap().remove(gone);
    }
    let told = answer_of(&direct);
    assert_eq!((&told["type"], &told["data"]["flags"]), (&json!(4), &json!(64)));
    direct["type"] = 4.into();
    assert_eq!(answer_of(&direct), json!({"type": 8, "data": {"choices": []}}));
}

#[test]
fn what_is_needed_is_refused_by_its_name() {
    let good = command("charge", json!([]));
    let with = |path: &str, value: Value| {
        let mut payload = good.clone();
        *payload.pointer_mut(path).unwrap() = value;
        read(&payload).map(drop).unwrap_err()
    };
    use Rejection::*;
    for (path, value, why) in [
        ("/application_id", json!("801"), ForeignApplication("801".to_owned())),
        ("/guild_id", json!("950"), ForeignGuild("950".to_owned())),
        ("/guild_id", json!(900), BadField("guild_id")),
        ("/type", json!(77), UnknownType(77)),
        ("/type", json!("2"), BadField("type")),
        ("/id", json!("../1"), BadField("id")),
        ("/id", Value::Null, NoField("id")),
        ("/channel_id", json!([]), BadField("channel_id")),
        ("/member", Value::Null, NoField("member.user.id")),
        ("/member/user/id", json!("1".repeat(21)), BadField("member.user.id")),
        ("/member/roles", json!({}), BadField("member.roles")),
        ("/member/roles", json!(["ops"]), BadField("member.roles")),
        ("/member/roles", json!(vec!["1"; 251]), BadField("member.roles")),
        ("/token", json!("a/../b"), BadField("token")),
        ("/data", Value::Null, NoField("data")),
        ("/data", json!([1]), BadField("data")),
        ("/data/name", Value::Null, NoField("data.name")),
        ("/data/name", json!("Große"), BadField("data.name")),
        ("/data/options", json!("x"), BadField("data.options")),
        ("/data/options", json!([{"value": 1}]), BadField("data.options.name")),
        (
            "/data/options",
            json!([{"name": "a", "value": [1]}]),
            BadField("data.options.value"),
        ),
    ] {
        assert_eq!(with(path, value.clone()), why, "{path} {value}");
    }
}

proptest! {
    #[test]
    fn no_payload_is_too_odd(
        kind in 0i64..7,
        path in prop::sample::select(vec![
            "/id", "/data", "/data/name", "/data/options", "/data/type", "/data/custom_id", "/data/components", "/member",
            "/member/roles", "/member/user", "/guild_id", "/channel_id", "/message", "/token", "/type", "/version",
        ]),
        odd in prop::sample::select(vec![
            "null", "1", "-1", "1e300", "\"\"", "\"x\"", "[]", "{}", "[[[]]]", "[null]", "true", "{\"id\":null}",
            "[{\"name\":\"a\",\"options\":[{}]}]", "[{\"component\":{\"custom_id\":\"reason\"}}]", "\"sb:a:done:\"",
        ]),
    ) {
        let mut payload = of_type(kind, json!({
            "name": "charge", "type": 1, "options": [{"name": "order", "type": 4, "value": 1}],
            "custom_id": "sb:7k2m9qx4ab:done:x", "components": [{"type": 18, "component": {"custom_id": "reason", "value": "y"}}],
        }));
        payload["message"] = json!({"id": "2002"});
        if let Some(place) = payload.pointer_mut(path) {
            *place = serde_json::from_str(odd).unwrap();
        }
        if let Ok(Received::Asked { delivery, .. }) = read(&payload) {
            prop_assert_eq!(delivery.request.place.surface, Surface::Discord);
        }
    }

    #[test]
    fn no_bytes_are_too_odd(body in prop::collection::vec(any::<u8>(), 0..200)) {
        let guilds = ["900".to_owned()];
        let door = Door { application: "800", guilds: &guilds };
        let _ = interaction(&Genuine { body: &body }, door);
    }
}
