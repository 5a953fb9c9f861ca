//! What each kind of answer means for a read and for a write.

use super::{call, connection, done, ignoring_arguments, told, within};
use crate::harness::services::free_port;
use insta::assert_snapshot;
use serde_json::{Value, json};
use signalbox::call::CallResult;
use signalbox::integration::http::SignIn;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::Duration;
use wiremock::matchers::{any, header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

/// The answer to anything.
async fn answering(answer: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(answer).mount(&server).await;
    server
}

#[tokio::test]
async fn every_status_is_told_for_a_read_and_for_a_write() {
    let json = |status| ResponseTemplate::new(status).set_body_json(json!({ "detail": "So it is." }));
    let away = |status, to: &str| ResponseTemplate::new(status).insert_header("location", to);
    let page = |status| ResponseTemplate::new(status).set_body_raw("<html><title>Sign in</title>", "text/html");
    let raw = |body: &str, kind: &str| ResponseTemplate::new(200).set_body_raw(body.to_owned(), kind);
    let mut said = Vec::new();
    for answer in [
        json(200),
        json(201),
        ResponseTemplate::new(204),
        page(200),
        raw("ok", "text/plain"),
        raw("{\"half\": ", "application/json"),
        raw("{}", "application/problem+json"),
        raw("{}", ""),
        ResponseTemplate::new(200)
            .set_body_raw("{}", "application/json")
            .insert_header("content-encoding", "br"),
        away(301, "/x"),
        away(301, "https://shop.example/x/?token=s3cret"),
        away(302, "/admin/login/?next=/x/"),
        away(302, "/x/"),
        away(303, "/done/"),
        away(307, "https://elsewhere.example/y/"),
        ResponseTemplate::new(302),
        json(400),
        json(403),
        page(403),
        json(404),
        json(408),
        json(409),
        json(425),
        json(429),
        json(500),
        page(502),
        ResponseTemplate::new(503),
    ] {
        let server = answering(answer).await;
        let there = connection(&server.uri(), SignIn::Nobody);
        let port = server.address().port();
        for name in ["get", "post"] {
            let result = call(&there, name, ignoring_arguments()).await;
            said.push(format!("{name:<5}{}", told(&result, port)));
        }
    }
    assert_snapshot!(said.join("\n"), @r#"
    get  done: 200 {"detail":"So it is."}
    post done: 200 {"detail":"So it is."}
    get  done: 201 {"detail":"So it is."}
    post done: 201 {"detail":"So it is."}
    get  done: 204 null
    post done: 204 null
    get  not done: SHOP did not answer GET /x/ as expected: HTTP 200 came with a page, not JSON: perhaps a login page
    post unknown: SHOP may have done POST /x/: HTTP 200 came with a page, not JSON: perhaps a login page
    get  not done: SHOP did not answer GET /x/ as expected: HTTP 200 came with text/plain, not JSON
    post unknown: SHOP may have done POST /x/: HTTP 200 came with text/plain, not JSON
    get  not done: SHOP did not answer GET /x/ as expected: HTTP 200 came with a body that is no JSON (EOF while parsing a value at line 1 column 9)
    post unknown: SHOP may have done POST /x/: HTTP 200 came with a body that is no JSON (EOF while parsing a value at line 1 column 9)
    get  done: 200 {}
    post done: 200 {}
    get  done: 200 {}
    post done: 200 {}
    get  not done: SHOP did not answer GET /x/ as expected: HTTP 200 came with a compressed body, which was not asked for
    post unknown: SHOP may have done POST /x/: HTTP 200 came with a compressed body, which was not asked for
    get  not done: SHOP did not answer GET /x/ as expected: HTTP 301 sends us elsewhere (/x)
    post not done: SHOP did not do POST /x/: HTTP 301 sends us elsewhere (/x)
    get  not done: SHOP did not answer GET /x/ as expected: HTTP 301 sends us elsewhere (https://shop.example/x/)
    post unknown: SHOP may have done POST /x/: HTTP 301 sends us elsewhere (https://shop.example/x/)
    get  not done: SHOP did not answer GET /x/ as expected: HTTP 302 sends us elsewhere (/admin/login/)
    post unknown: SHOP may have done POST /x/: HTTP 302 sends us elsewhere (/admin/login/)
    get  not done: SHOP did not answer GET /x/ as expected: HTTP 302 sends us elsewhere (/x/)
    post unknown: SHOP may have done POST /x/: HTTP 302 sends us elsewhere (/x/)
    get  not done: SHOP did not answer GET /x/ as expected: HTTP 303 sends us elsewhere (/done/)
    post unknown: SHOP may have done POST /x/: HTTP 303 sends us elsewhere (/done/)
    get  not done: SHOP did not answer GET /x/ as expected: HTTP 307 sends us elsewhere (https://elsewhere.example/y/)
    post not done: SHOP did not do POST /x/: HTTP 307 sends us elsewhere (https://elsewhere.example/y/)
    get  not done: SHOP did not answer GET /x/ as expected: HTTP 302 sends us nowhere
    post unknown: SHOP may have done POST /x/: HTTP 302 sends us nowhere
    get  not done: SHOP did not answer GET /x/ as expected: HTTP 400 came with: So it is
    post not done: SHOP did not do POST /x/: HTTP 400 came with: So it is
    get  not done: SHOP did not answer GET /x/ as expected: HTTP 403 came with: So it is
    post not done: SHOP did not do POST /x/: HTTP 403 came with: So it is
    get  not done: SHOP did not answer GET /x/ as expected: HTTP 403 came with a page
    post not done: SHOP did not do POST /x/: HTTP 403 came with a page
    get  not done: SHOP did not answer GET /x/ as expected: HTTP 404 came with: So it is
    post not done: SHOP did not do POST /x/: HTTP 404 came with: So it is
    get  not done: SHOP did not answer GET /x/ as expected: HTTP 408 came with: So it is
    post unknown: SHOP may have done POST /x/: HTTP 408 came with: So it is
    get  not done: SHOP did not answer GET /x/ as expected: HTTP 409 came with: So it is
    post unknown: SHOP may have done POST /x/: HTTP 409 came with: So it is
    get  not done: SHOP did not answer GET /x/ as expected: HTTP 425 came with: So it is
    post not done: SHOP did not do POST /x/: HTTP 425 came with: So it is
    get  not done: SHOP did not answer GET /x/ as expected: HTTP 429 came with: So it is
    post not done: SHOP did not do POST /x/: HTTP 429 came with: So it is
    get  not done: SHOP did not answer GET /x/ as expected: HTTP 500 came with: So it is
    post unknown: SHOP may have done POST /x/: HTTP 500 came with: So it is
    get  not done: SHOP did not answer GET /x/ as expected: HTTP 502 came with a page
    post unknown: SHOP may have done POST /x/: HTTP 502 came with a page
    get  not done: SHOP did not answer GET /x/ as expected: HTTP 503 came without a word
    post unknown: SHOP may have done POST /x/: HTTP 503 came without a word
    "#);
}

#[tokio::test]
async fn a_runbook_may_judge_a_status_itself() {
    let server = answering(ResponseTemplate::new(409).set_body_json(json!({ "state": "running" }))).await;
    let there = connection(&server.uri(), SignIn::Nobody);
    for name in ["get", "post"] {
        let with = json!({ "path": "/x/", "expect_status": [409] });
        let got = done(call(&there, name, with).await);
        assert_eq!(
            (&got["status"], &got["json"]["state"]),
            (&json!(409), &json!("running"))
        );
    }
    // For a read it stands instead of 200 to 299, for a write beside them.
    let server = answering(ResponseTemplate::new(200).set_body_json(json!({}))).await;
    let there = connection(&server.uri(), SignIn::Nobody);
    let with = || json!({ "path": "/x/", "expect_status": [202] });
    assert!(matches!(call(&there, "get", with()).await, CallResult::NotDone { .. }));
    assert!(matches!(call(&there, "post", with()).await, CallResult::Done { .. }));
}

#[tokio::test]
async fn values_fill_values_and_nothing_else() {
    let server = MockServer::start().await;
    let sent = async |name: &str, with: Value| {
        let result = call(
            &connection(&format!("{}/base/", server.uri()), SignIn::Nobody),
            name,
            with,
        )
        .await;
        (result, server.received_requests().await.unwrap().pop())
    };
    Mock::given(any())
        .respond_with(ResponseTemplate::new(204))
        .mount(&server)
        .await;
    let (_, request) = sent(
        "get",
        json!({ "path": "/a/{x}/", "fill": { "x": "b c?d#e%2e&é" }, "query": { "q": "1&r=2", "n": [1, true, null], "no": null } }),
    )
    .await;
    let url = request.unwrap().url;
    assert_eq!(url.path(), "/base/a/b%20c%3Fd%23e%252e&%C3%A9/");
    assert_eq!(url.query(), Some("q=1%26r%3D2&n=1&n=true"));
    let (_, request) = sent(
        "post",
        json!({ "path": "/a/", "json": { "q": "\",\"admin\":true", "n": 1, "none": null } }),
    )
    .await;
    assert_eq!(
        request.unwrap().body_json::<Value>().unwrap(),
        json!({ "q": "\",\"admin\":true", "n": 1, "none": null })
    );
    let (_, request) = sent(
        "put",
        json!({ "path": "/a/", "form": { "q": "1&admin=true", "ids": [1, 2] } }),
    )
    .await;
    let request = request.unwrap();
    assert_eq!(
        String::from_utf8(request.body).unwrap(),
        "q=1%26admin%3Dtrue&ids=1&ids=2"
    );
    assert_eq!(request.headers["content-type"], "application/x-www-form-urlencoded");

    let before = server.received_requests().await.unwrap().len();
    let mut said = Vec::new();
    for with in [
        json!({ "path": "/a/{x}/", "fill": { "x": "../admin" } }),
        json!({ "path": "/a/{x}/", "fill": { "x": ".." } }),
        json!({ "path": "/a/{x}/", "fill": { "x": "" } }),
        json!({ "path": "/a/{x}/", "fill": { "x": [1] } }),
        json!({ "path": "/a/{x}/" }),
        json!({ "path": "http://evil.example/" }),
        json!({ "path": "/a/", "query": { "q": { "deep": 1 } } }),
        json!({ "path": "/a/", "json": {}, "form": {} }),
        json!({ "path": "/a/", "expect_status": [99] }),
        json!({ "path": "/a/", "expect_status": ["200"] }),
    ] {
        said.push(told(&sent("post", with).await.0, 0));
    }
    assert_eq!(server.received_requests().await.unwrap().len(), before);
    assert_snapshot!(said.join("\n"), @r#"
    not done: `{x}` of the path takes a text of 1 to 200 characters without slash, backslash and control characters, and not `.` or `..`
    not done: `{x}` of the path takes a text of 1 to 200 characters without slash, backslash and control characters, and not `.` or `..`
    not done: `{x}` of the path takes a text of 1 to 200 characters without slash, backslash and control characters, and not `.` or `..`
    not done: `{x}` of the path takes a text or a whole number
    not done: nothing fills `{x}` of the path
    not done: `path` begins with a single slash, such as "/api/items/": host and port stand in the config
    not done: `query` takes texts, numbers, truth values and lists of them, and its `q` is an object
    not done: `json` and `form` cannot both be the body
    not done: `expect_status` takes whole numbers from 100 to 599
    not done: `expect_status` takes whole numbers from 100 to 599
    "#);
}

#[tokio::test]
async fn a_key_is_the_same_for_the_same_step() {
    let server = answering(ResponseTemplate::new(201).set_body_json(json!({}))).await;
    let there = connection(&server.uri(), SignIn::Nobody);
    for _ in 0..2 {
        let with = json!({ "path": "/refunds", "form": { "amount": 100 }, "key_header": "Idempotency-Key" });
        done(call(&there, "post_with_key", with).await);
    }
    let requests = server.received_requests().await.unwrap();
    let keys: Vec<_> = requests
        .iter()
        .map(|it| it.headers["idempotency-key"].to_str().unwrap())
        .collect();
    assert_eq!(keys.len(), 2);
    assert_eq!(keys[0], keys[1]);
    assert_eq!(keys[0].len(), 36);
}

#[tokio::test]
async fn a_read_is_sent_on_within_the_server_alone() {
    let elsewhere = MockServer::start().await;
    let server = MockServer::start().await;
    let away = |to: String| ResponseTemplate::new(302).insert_header("location", to.as_str());
    for (from, to) in [
        ("/x/", "/y/".to_owned()),
        ("/y/", format!("{}/z/", server.uri())),
        ("/out/", format!("{}/z/", elsewhere.uri())),
        ("/round/", "/round/".to_owned()),
    ] {
        Mock::given(path(from)).respond_with(away(to)).mount(&server).await;
    }
    Mock::given(method("GET"))
        .and(path("/z/"))
        .and(header("authorization", "Bearer a-static-token"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({ "here": true, "echo": "a-static-token" })))
        .mount(&server)
        .await;
    let there = connection(&server.uri(), SignIn::Token("a-static-token".to_owned().into()));
    let got = done(call(&there, "get", json!({ "path": "/x/" })).await);
    // A server that repeats our token does not get it into a journal.
    assert_eq!(got["json"], json!({ "here": true, "echo": "[redacted]" }));
    for path in ["/out/", "/round/"] {
        let result = call(&there, "get", json!({ "path": path })).await;
        assert!(
            matches!(&result, CallResult::NotDone { reason } if reason.contains("elsewhere")),
            "{result:?}"
        );
    }
    assert_eq!(elsewhere.received_requests().await.unwrap().len(), 0);
    // A write is never sent on.
    let before = server.received_requests().await.unwrap().len();
    let result = call(&there, "post", json!({ "path": "/x/" })).await;
    assert!(matches!(result, CallResult::Unknown { .. }), "{result:?}");
    assert_eq!(server.received_requests().await.unwrap().len(), before + 1);
}

#[tokio::test]
async fn an_answer_has_limits_of_size_and_time() {
    let deep = format!("{}{}", "[".repeat(5000), "]".repeat(5000));
    for (answer, wanted) in [
        (
            ResponseTemplate::new(200).set_body_raw("x".repeat(1024 * 1024 + 1), "text/plain"),
            "larger than 1048576",
        ),
        (
            ResponseTemplate::new(200).set_body_raw(deep, "application/json"),
            "no JSON",
        ),
        (
            ResponseTemplate::new(200).set_delay(Duration::from_secs(30)),
            "the deadline passed",
        ),
    ] {
        let server = answering(answer).await;
        let there = connection(&server.uri(), SignIn::Nobody);
        for (name, is_read) in [("get", true), ("post", false)] {
            let result = within(2, &there, name, ignoring_arguments()).await;
            let fits = match &result {
                CallResult::NotDone { reason } | CallResult::Unreachable { reason } => {
                    is_read && reason.contains(wanted)
                }
                CallResult::Unknown { reason } => !is_read && reason.contains(wanted),
                CallResult::Done { .. } => false,
            };
            assert!(fits, "{name}, {wanted}: {result:?}");
        }
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_no_answer() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream
                .write_all(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{\"ok\": ");
        }
    });
    let there = connection(&format!("http://127.0.0.1:{port}"), SignIn::Nobody);
    let read = told(&call(&there, "get", ignoring_arguments()).await, port);
    let write = told(&call(&there, "post", ignoring_arguments()).await, port);
    assert_snapshot!(format!("{read}\n{write}"), @"
    not done: SHOP did not answer GET /x/ as expected: it began to answer HTTP 200, and the answer broke off: end of file before message length reached
    unknown: SHOP may have done POST /x/: it began to answer HTTP 200, and the answer broke off: end of file before message length reached
    ");
}

#[tokio::test]
async fn nobody_there_is_unreachable_for_both() {
    let port = free_port();
    for url in [format!("http://127.0.0.1:{port}"), "http://shop.invalid".to_owned()] {
        let there = connection(&url, SignIn::Nobody);
        for name in ["get", "post", "delete"] {
            let result = call(&there, name, ignoring_arguments()).await;
            assert!(
                matches!(&result, CallResult::Unreachable { .. }),
                "{url}, {name}: {result:?}"
            );
        }
    }
}

#[test]
fn a_malformed_url_is_told_without_its_secret() {
    for url in [
        "ftp://h",
        "http://u:t0psecret@h",
        "http://h/?token=t0psecret",
        "t0psecret",
        "http://h:t0psecret",
    ] {
        let config = signalbox::integration::http::Config {
            name: "api".to_owned(),
            url: url.to_owned(),
            sign_in: SignIn::Nobody,
        };
        let error = signalbox::integration::http::Http::new(&config)
            .unwrap_err()
            .to_string();
        assert!(error.contains("`url`") && !error.contains("t0psecret"), "{error}");
    }
}
