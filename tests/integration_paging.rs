//! PagerDuty and Jira Service Management as connections, against fakes that are strict; and the fakes' own rules.

use crate::harness::jsm::{self as fake_jsm, FakeJsm};
use crate::harness::pagerduty::{self as fake, Fails, FakePagerDuty};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use signalbox::alert::page::{Event, Page, Seen, Severity, Told};
use signalbox::call::{Arguments, CallContext, CallResult};
use signalbox::integration::{Connection, action, jsm, pagerduty};
use std::time::Duration;
use tokio::time::Instant;

fn pagerduty_with(server: &FakePagerDuty, token: Option<&str>) -> Connection {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let config = pagerduty::Config {
        routing_key: fake::ROUTING_KEY.into(),
        token: token.map(Into::into),
        from: Some(fake::FROM.to_owned()),
        events_url: server.url.clone(),
        api_url: server.url.clone(),
    };
    Connection::PagerDuty(pagerduty::PagerDuty::new(&config).unwrap())
}

fn jsm_with(server: &FakeJsm, token: &str) -> Connection {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let config = jsm::Config {
        cloud_id: fake_jsm::CLOUD.to_owned(),
        team: fake_jsm::TEAM.to_owned(),
        email: fake_jsm::EMAIL.to_owned(),
        token: token.into(),
        api_url: server.url.clone(),
    };
    Connection::Jsm(jsm::Jsm::new(&config).unwrap())
}

fn page() -> Page {
    Page {
        key: "k".repeat(64),
        summary: "s".repeat(500),
        details: "OrderStuck (order=1042)\n".repeat(800),
        severity: Severity::Warning,
        labels: [("order".to_owned(), "1042".to_owned())].into(),
        link: None,
    }
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(5)
}

async fn oncalls(connection: &Connection, kind: &str) -> CallResult {
    let context = CallContext {
        run: "7k2m9qx4ab".to_owned(),
        step: "look".to_owned(),
        deadline: Timestamp::now() + SignedDuration::from_secs(5),
    };
    connection
        .call(action(kind, "oncalls").unwrap(), &Arguments::new(), &context)
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn pagerduty_opens_one_incident_of_a_key_and_tells_how_it_stands() {
    let server = FakePagerDuty::start().await;
    let connection = pagerduty_with(&server, Some(fake::TOKEN));
    let (page, key) = (page(), "k".repeat(64));
    assert_eq!(connection.seen(&key, soon()).await, Some(Ok(Seen::Missing)));
    for _ in 0..2 {
        assert_eq!(connection.tell(Event::Trigger, &page, soon()).await, Told::Taken);
    }
    assert_eq!(connection.seen(&key, soon()).await, Some(Ok(Seen::Open)));
    assert_eq!(connection.note(&key, "being looked at", soon()).await, Told::Taken);
    server.acknowledge("Jane Doe");
    let by = Seen::Acknowledged("Jane Doe".to_owned());
    assert_eq!(connection.seen(&key, soon()).await, Some(Ok(by)));
    assert_eq!(connection.tell(Event::Resolve, &page, soon()).await, Told::Taken);
    assert_eq!(connection.seen(&key, soon()).await, Some(Ok(Seen::Resolved)));
    let incidents = server.incidents();
    assert_eq!(incidents.len(), 1);
    assert_eq!(
        (incidents[0].again, incidents[0].notes.as_slice()),
        (1, ["being looked at".to_owned()].as_slice())
    );
    assert_eq!(server.refused(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_pagerduty_answers_tells_whether_it_is_worth_another_try() {
    let server = FakePagerDuty::start().await;
    let connection = pagerduty_with(&server, Some(fake::TOKEN));
    let mut told = Vec::new();
    for fails in [
        Fails::With(429, Some(7)),
        Fails::With(500, None),
        Fails::With(408, None),
        Fails::With(400, None),
        Fails::With(403, None),
        Fails::With(413, None),
    ] {
        server.fail(&[fails]);
        let answer = connection.tell(Event::Acknowledge, &page(), soon()).await;
        told.push(match answer {
            Told::Taken => "taken".to_owned(),
            Told::Later(after, why) => format!("later {:?}: {why}", after.map(|after| after.as_secs())),
            Told::Never(why) => format!("never: {why}"),
        });
    }
    let told = told
        .join("\n")
        .replace(server.url.trim_start_matches("http://"), "HOST");
    insta::assert_snapshot!(told, @"
    later Some(7): HOST answers HTTP 429: Requests for this service are arriving too quickly.
    later None: HOST answers HTTP 500: Requests for this service are arriving too quickly.
    later None: HOST answers HTTP 408: Requests for this service are arriving too quickly.
    never: HOST answers HTTP 400: Requests for this service are arriving too quickly.
    never: HOST answers HTTP 403: Requests for this service are arriving too quickly.
    never: HOST answers HTTP 413: Requests for this service are arriving too quickly.
    ");
    server.fail(&[Fails::Silently]);
    let at_once = Instant::now() + Duration::from_millis(300);
    let answer = connection.tell(Event::Trigger, &page(), at_once).await;
    assert!(
        matches!(&answer, Told::Later(None, why) if why.contains("the deadline passed")),
        "{answer:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_token_pagerduty_is_told_and_not_asked() {
    let server = FakePagerDuty::start().await;
    let connection = pagerduty_with(&server, None);
    assert_eq!(connection.tell(Event::Trigger, &page(), soon()).await, Told::Taken);
    assert_eq!(connection.seen("k", soon()).await, None);
    assert!(matches!(connection.note("k", "x", soon()).await, Told::Never(_)));
    let asked = oncalls(&connection, "pagerduty").await;
    assert!(
        matches!(&asked, CallResult::Unreachable { reason } if reason.contains("has no `token`")),
        "{asked:?}"
    );
    let alive = connection.alive().await.unwrap();
    assert!(alive.contains("shows when somebody is paged"), "{alive}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_token_is_told_without_being_shown() {
    let server = FakePagerDuty::start().await;
    let told = pagerduty_with(&server, Some("hunter2")).alive().await.unwrap_err();
    assert!(told.ends_with("does not accept the token (HTTP 401)"), "{told}");
    let site = FakeJsm::start().await;
    let told = jsm_with(&site, "hunter2").alive().await.unwrap_err();
    assert!(
        told.ends_with("does not accept the e-mail address and the token (HTTP 401)"),
        "{told}"
    );
    assert_eq!(server.actions(), Vec::<String>::new());
    for good in [
        pagerduty_with(&server, Some(fake::TOKEN)).alive().await,
        jsm_with(&site, fake_jsm::TOKEN).alive().await,
    ] {
        assert!(
            good.as_ref().is_ok_and(|said| said.starts_with("takes the token")),
            "{good:?}"
        );
    }
    assert_eq!((server.incidents().len(), site.alerts().len()), (0, 0));
}

#[test]
fn what_is_no_routing_key_is_no_connection() {
    let config = pagerduty::Config {
        routing_key: "hunter2".into(),
        token: None,
        from: None,
        events_url: "https://events.pagerduty.com".to_owned(),
        api_url: "https://api.pagerduty.com".to_owned(),
    };
    let told = pagerduty::PagerDuty::new(&config).unwrap_err().to_string();
    assert!(
        told.contains("32 letters and digits") && !told.contains("hunter2"),
        "{told}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_on_call_is_told_by_both() {
    let server = FakePagerDuty::start().await;
    let connection = pagerduty_with(&server, Some(fake::TOKEN));
    let entry = |level: u32, who: &str, schedule: Value| {
        json!({
            "user": {"summary": who}, "schedule": schedule, "escalation_policy": {"summary": "Shop"},
            "escalation_level": level, "start": null, "end": null,
        })
    };
    server.is_on_call(entry(1, "Jane Doe", json!({"summary": "Primary"})));
    server.is_on_call(entry(2, "John Roe", Value::Null));
    let CallResult::Done { value } = oncalls(&connection, "pagerduty").await else {
        panic!("it is not told")
    };
    assert_eq!(
        value,
        json!({"more": false, "oncalls": [
            {"policy": "Shop", "level": 1, "schedule": "Primary", "who": "Jane Doe", "until": ""},
            {"policy": "Shop", "level": 2, "schedule": "", "who": "John Roe", "until": ""},
        ]})
    );
    let site = FakeJsm::start().await;
    site.has_schedule("Night", &["account-of-Mia", "712020:unknown"]);
    site.has_schedule("Day", &[]);
    let CallResult::Done { value } = oncalls(&jsm_with(&site, fake_jsm::TOKEN), "jsm").await else {
        panic!("it is not told")
    };
    assert_eq!(
        value,
        json!({"oncalls": [
            {"schedule": "Night", "who": ["Mia", "account 712020:unknown"]},
            {"schedule": "Day", "who": []},
        ]})
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn jira_service_management_finds_what_is_open_and_what_is_closed() {
    let site = FakeJsm::start().await;
    let connection = jsm_with(&site, fake_jsm::TOKEN);
    let (page, key) = (page(), "k".repeat(64));
    assert_eq!(connection.seen(&key, soon()).await, Some(Ok(Seen::Missing)));
    let early = connection.tell(Event::Acknowledge, &page, soon()).await;
    assert!(matches!(early, Told::Later(None, _)), "{early:?}");
    for event in [Event::Trigger, Event::Trigger, Event::Acknowledge] {
        assert_eq!(connection.tell(event, &page, soon()).await, Told::Taken);
    }
    let by = Seen::Acknowledged("somebody".to_owned());
    assert_eq!(connection.seen(&key, soon()).await, Some(Ok(by)));
    site.acknowledge("mia@shop.example");
    let by = Seen::Acknowledged("mia@shop.example".to_owned());
    assert_eq!(connection.seen(&key, soon()).await, Some(Ok(by)));
    // The second is for one that was closed there meanwhile.
    for _ in 0..2 {
        assert_eq!(connection.tell(Event::Resolve, &page, soon()).await, Told::Taken);
    }
    assert_eq!(connection.seen(&key, soon()).await, Some(Ok(Seen::Resolved)));
    assert_eq!(connection.note(&key, "it was the disk", soon()).await, Told::Taken);
    let alerts = site.alerts();
    assert_eq!((alerts.len(), alerts[0].count), (1, 2));
    assert_eq!(alerts[0].notes, ["it was the disk"]);
    assert_eq!(site.refused(), Vec::<String>::new());
    site.throttle(1);
    let told = connection.tell(Event::Trigger, &page, soon()).await;
    assert!(
        matches!(told, Told::Later(Some(after), _) if after.as_secs() == 1),
        "{told:?}"
    );
}

async fn posted(url: &str, body: &Value) -> (u16, Value) {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = client
        .post(url)
        .basic_auth(fake_jsm::EMAIL, Some(fake_jsm::TOKEN))
        .json(body);
    let answer = answer.send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap_or_default())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_fake_of_pagerduty_takes_what_is_published_and_nothing_else() {
    let server = FakePagerDuty::start().await;
    let url = format!("{}/v2/enqueue", server.url);
    let whole = json!({
        "routing_key": fake::ROUTING_KEY, "event_action": "trigger", "dedup_key": "k",
        "payload": {"summary": "s", "source": "x", "severity": "error"},
    });
    assert_eq!(posted(&url, &whole).await.0, 202);
    for (place, value, why) in [
        ("/routing_key", json!("short"), "should be 32 characters"),
        ("/event_action", json!("open"), "'event_action' must be"),
        ("/dedup_key", json!("k".repeat(256)), "maximum is 255"),
        ("/payload/summary", json!("s".repeat(1025)), "longer than 1024"),
        ("/payload/summary", json!(""), "blank"),
        ("/payload/source", json!(""), "'payload.source'"),
        ("/payload/severity", json!("page"), "'payload.severity' is invalid"),
    ] {
        let mut odd = whole.clone();
        *odd.pointer_mut(place).unwrap() = value;
        let (status, answer) = posted(&url, &odd).await;
        assert_eq!(status, 400, "{place}");
        assert!(answer["errors"][0].as_str().unwrap().contains(why), "{answer}");
    }
    let mut large = whole.clone();
    large["payload"]["custom_details"] = "x".repeat(600 * 1024).into();
    assert_eq!(posted(&url, &large).await.0, 413);
    assert_eq!(server.incidents().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_fake_of_jira_service_management_takes_what_is_published_and_nothing_else() {
    let site = FakeJsm::start().await;
    let url = format!("{}/jsm/ops/api/{}/v1/alerts", site.url, fake_jsm::CLOUD);
    let whole = json!({"message": "m", "alias": "a", "priority": "P1", "source": "Signalbox"});
    assert_eq!(posted(&url, &whole).await.0, 202);
    for (name, value, why) in [
        ("message", json!("m".repeat(131)), "at most 130"),
        ("message", json!(""), "may not be empty"),
        ("alias", json!("a".repeat(513)), "at most 512"),
        ("description", json!("d".repeat(15_001)), "at most 15000"),
        ("priority", json!("P6"), "P1 to P5"),
        ("responders", json!([{"id": "another", "type": "team"}]), "a responder"),
        ("details", json!({}), "is not known"),
    ] {
        let mut odd = whole.clone();
        odd[name] = value;
        let (status, answer) = posted(&url, &odd).await;
        assert_eq!(status, 422, "{name}");
        assert!(answer["message"].as_str().unwrap().contains(why), "{answer}");
    }
    assert_eq!(posted(&format!("{url}/a-0/acknowledge"), &json!({})).await.0, 202);
    assert_eq!(
        posted(&format!("{url}/a/acknowledge"), &json!({})).await.0,
        404,
        "by alias"
    );
    assert_eq!(site.alerts().len(), 1);
}
