//! PostgreSQL: a real server.

use crate::harness::services::{Postgres as Server, free_port};
use insta::assert_snapshot;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use signalbox::call::{CallContext, CallResult};
use signalbox::integration::postgres::{Config, Postgres};
use signalbox::integration::{Connection, action};
use std::io::Read;
use std::net::TcpListener;
use std::time::{Duration, Instant};

fn connection(url: &str) -> Connection {
    Connection::Postgres(Postgres::new(&Config { url: url.into() }).unwrap())
}

async fn within(seconds: i64, url: &str, name: &str, with: Value) -> CallResult {
    let context = CallContext {
        run: "r".to_owned(),
        step: "s".to_owned(),
        deadline: Timestamp::now() + SignedDuration::from_secs(seconds),
    };
    connection(url)
        .call(action("postgres", name).unwrap(), with.as_object().unwrap(), &context)
        .await
}

async fn call(url: &str, name: &str, with: Value) -> CallResult {
    within(20, url, name, with).await
}

async fn query(url: &str, sql: &str, params: Value) -> CallResult {
    call(url, "query", json!({ "sql": sql, "params": params })).await
}

fn done(result: CallResult) -> Value {
    match result {
        CallResult::Done { value } => value,
        other => panic!("it is {other:?}"),
    }
}

fn not_done(result: CallResult) -> String {
    match result {
        CallResult::NotDone { reason } => reason,
        other => panic!("it is {other:?}"),
    }
}

#[tokio::test]
async fn values_are_bound_as_the_types_that_the_server_wants() {
    let server = Server::shared();
    for (sql, param, answer) in [
        (
            "select $1::bigint + 1 as it",
            json!(9007199254740993_i64),
            json!(9007199254740994_i64),
        ),
        ("select $1::int as it", json!(-5), json!(-5)),
        ("select $1::smallint as it", json!(7), json!(7)),
        ("select $1::float8 / 2 as it", json!(1), json!(0.5)),
        ("select not $1::boolean as it", json!(true), json!(false)),
        ("select upper($1) as it", json!("o'hara; --"), json!("O'HARA; --")),
        ("select $1::varchar as it", json!("नेपाल"), json!("नेपाल")),
        ("select $1 as it", json!("plain"), json!("plain")),
        ("select $1::jsonb->'a' as it", json!({ "a": [1] }), json!([1])),
        ("select coalesce($1::int, 3) as it", json!(null), json!(3)),
        ("select cardinality($1::text[]) as it", json!(null), json!(null)),
        ("select 2 = any($1::int[]) as it", json!([1, 2]), json!(true)),
        ("select 2::bigint = any($1) as it", json!([1, 2]), json!(true)),
        ("select 2::bigint = any($1) as it", json!([]), json!(false)),
        ("select 'b' = any($1) as it", json!(["a", "b"]), json!(true)),
        ("select 'b' = any($1) as it", json!([]), json!(false)),
        ("select $1::text[] as it", json!(["a", null]), json!(["a", null])),
        (
            "select $1::text::timestamptz at time zone 'UTC' as it",
            json!("2026-11-23T17:00:00+01:00"),
            json!("2026-11-23T16:00:00"),
        ),
        (
            "select date '2026-11-23' + $1 * interval '1 second' as it",
            json!(60),
            json!("2026-11-23T00:01:00"),
        ),
        ("select 2 as it where $1::int > 1 -- a comment", json!(2), json!(2)),
        ("select 2 as it where $1::int > 1 ; ", json!(2), json!(2)),
    ] {
        let value = done(query(&server.url(), sql, json!([param])).await);
        assert_eq!(value["rows"], json!([{ "it": answer }]), "{sql}");
    }
}

#[tokio::test]
async fn a_value_of_another_kind_is_refused_with_the_way_out() {
    let server = Server::shared();
    let mut said = Vec::new();
    for (sql, params) in [
        ("select $1::int", json!(["1"])),
        ("select $1::int", json!([1.5])),
        ("select $1::smallint", json!([70000])),
        ("select $1::text", json!([1])),
        ("select $1::numeric", json!([12])),
        ("select $1::timestamptz", json!(["2026-11-23"])),
        ("select $1::int[]", json!([[1, "2"]])),
        ("select $1::int", json!([])),
        ("select 1", json!([1])),
    ] {
        said.push(not_done(query(&server.url(), sql, params).await));
    }
    assert_snapshot!(said.join("\n"), @r#"
    $1 is of type INT4, and text does not fit; convert it in the statement, as in `$1::text::int4`
    $1 is of type INT4, and a fraction does not fit; convert it in the statement, as in `$1::float8::int4`
    $1 is of type INT2, and the value is too large for that
    $1 is of type TEXT, and a whole number does not fit; convert it in the statement, as in `$1::bigint::text`
    $1 is of type NUMERIC, and a whole number does not fit; convert it in the statement, as in `$1::bigint::numeric`
    $1 is of type TIMESTAMPTZ, and text does not fit; convert it in the statement, as in `$1::text::timestamptz`
    $1 is of type INT4[], and a list does not fit; convert it in the statement, as in `$1::text[]::int4[]`
    the number of values (0) is not the number of placeholders in the statement (1)
    the number of values (1) is not the number of placeholders in the statement (0)
    "#);
}

#[tokio::test]
async fn rows_keep_their_columns_and_the_limit_is_told() {
    let server = Server::shared();
    let sql = "select n, n::numeric / 4 as share, null as nothing from generate_series(1, 5) n order by n desc";
    let value = done(call(&server.url(), "query", json!({ "sql": sql, "limit": 2 })).await);
    assert_eq!((&value["count"], &value["more"]), (&json!(2), &json!(true)));
    assert_eq!(value["rows"][0]["n"], 5);
    assert_eq!(value["rows"][1]["share"].as_f64(), Some(1.0));
    assert_eq!(value["rows"][0]["nothing"], Value::Null);
    let value = done(call(&server.url(), "query", json!({ "sql": sql, "limit": 5 })).await);
    assert_eq!((&value["count"], &value["more"]), (&json!(5), &json!(false)));
    let none = done(query(&server.url(), "select 1 where false", json!([])).await);
    assert_eq!(none, json!({ "count": 0, "more": false, "rows": [] }));
}

#[tokio::test]
async fn a_query_cannot_write() {
    let server = Server::shared();
    let url = server.url();
    call(
        &url,
        "statement",
        json!({ "sql": "create table if not exists kept (n int)" }),
    )
    .await;
    let function =
        "create or replace function sneak() returns int language sql as 'insert into kept values (1) returning n'";
    done(call(&url, "statement", json!({ "sql": function })).await);
    let mut said = Vec::new();
    for sql in [
        "insert into kept values (1) returning n",
        "with w as (insert into kept values (1) returning n) select * from w",
        "select sneak()",
        "select nextval('a') from (select 1) q) q; delete from kept; select 1 from (select 1",
        "select 1) q; commit; insert into kept values (1); select 1 from (select 1",
    ] {
        said.push(not_done(query(&url, sql, json!([])).await));
    }
    assert_snapshot!(said.join("\n"), @r#"
    PostgreSQL refuses it: syntax error at or near "into" (SQLSTATE 42601)
    PostgreSQL refuses it: WITH clause containing a data-modifying statement must be at the top level (SQLSTATE 0A000)
    PostgreSQL refuses it: cannot execute INSERT in a read-only transaction (SQLSTATE 25006)
    PostgreSQL refuses it: cannot insert multiple commands into a prepared statement (SQLSTATE 42601)
    PostgreSQL refuses it: cannot insert multiple commands into a prepared statement (SQLSTATE 42601)
    "#);
    let rows = done(query(&url, "select count(*) as n from kept", json!([])).await);
    assert_eq!(rows["rows"], json!([{ "n": 0 }]));
}

#[tokio::test]
async fn a_statement_is_kept_whole_or_not_at_all() {
    let server = Server::shared();
    let url = server.url();
    done(
        call(
            &url,
            "statement",
            json!({ "sql": "create table stock (id int primary key, left_over int check (left_over >= 0))" }),
        )
        .await,
    );
    let insert = json!({ "sql": "insert into stock select n, 3 from generate_series(1, $1::int) n", "params": [3] });
    assert_eq!(
        done(call(&url, "statement", insert.clone()).await),
        json!({ "count": 3 })
    );

    let duplicate = not_done(call(&url, "statement", insert).await);
    assert_snapshot!(duplicate, @r#"PostgreSQL refuses it: duplicate key value violates unique constraint "stock_pkey" (SQLSTATE 23505)"#);
    let update = |params: Value, expected: Value| {
        let sql = "update stock set left_over = left_over - $1 where id = any($2)";
        json!({ "sql": sql, "params": params, "expect_rows": expected })
    };
    let below = not_done(call(&url, "statement", update(json!([4, [1]]), json!(1))).await);
    // The row itself is not quoted.
    assert_snapshot!(below, @r#"PostgreSQL refuses it: new row for relation "stock" violates check constraint "stock_left_over_check" (SQLSTATE 23514)"#);
    let more = not_done(call(&url, "statement", update(json!([1, [1, 2]]), json!(1))).await);
    assert_snapshot!(more, @"it touched 2 rows instead of 1, and was rolled back");
    let rows = done(query(&url, "select sum(left_over) as n from stock", json!([])).await);
    assert_eq!(rows["rows"], json!([{ "n": 9 }]));
    assert_eq!(
        done(call(&url, "statement", update(json!([1, [1]]), json!(1))).await),
        json!({ "count": 1 })
    );
    let rows = done(query(&url, "select sum(left_over) as n from stock", json!([])).await);
    assert_eq!(rows["rows"], json!([{ "n": 8 }]));
}

#[tokio::test]
async fn a_slow_query_ends_with_its_deadline_at_the_server_too() {
    let server = Server::shared();
    let start = Instant::now();
    let said = not_done(within(1, &server.url(), "query", json!({ "sql": "select pg_sleep(20)" })).await);
    assert!(start.elapsed() < Duration::from_secs(5));
    assert!(
        said.contains("did not answer in time") || said.contains("SQLSTATE 57014"),
        "{said}"
    );
    let running = "select count(*) as n from pg_stat_activity where application_name = 'signalbox' and query like '%pg_sleep(20)%' and pid <> pg_backend_pid()";
    let mut left = Value::Null;
    for _ in 0..40 {
        left = done(query(&server.url(), running, json!([])).await)["rows"][0]["n"].clone();
        if left == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(left, 0);
}

#[tokio::test]
async fn what_cannot_be_reached_is_named_without_the_secret() {
    let server = Server::shared();
    let refused = format!("postgres://bot:t0psecret@127.0.0.1:{}/shop", free_port());
    let wrong = format!("postgres://postgres:t0psecret@127.0.0.1:{}/postgres", server.port);
    let no_database = format!(
        "postgres://postgres:{}@127.0.0.1:{}/nowhere",
        Server::PASSWORD,
        server.port
    );
    let identity = connection(&refused).identity();
    assert_eq!(
        (identity.database.as_deref(), identity.user.as_deref()),
        (Some("shop"), Some("bot"))
    );
    assert!(!format!("{:?} {identity:?}", connection(&refused)).contains("t0psecret"));
    let mut said = Vec::new();
    for url in [&refused, &wrong, &no_database] {
        for (name, sql) in [("query", "select 1"), ("statement", "update t set a = 1")] {
            let result = call(url, name, json!({ "sql": sql })).await;
            let CallResult::Unreachable { reason } = result else {
                panic!("{name}: {result:?}")
            };
            assert!(
                !reason.contains("t0psecret") && !reason.contains(Server::PASSWORD),
                "{reason}"
            );
            said.push(
                reason
                    .replace(&server.port.to_string(), "PORT")
                    .replace(&identity.host, "REFUSED"),
            );
        }
    }
    said.dedup();
    assert_snapshot!(said.join("\n"), @r#"
    PostgreSQL at REFUSED cannot be reached: Connection refused (os error 111)
    PostgreSQL at 127.0.0.1:PORT cannot be reached: password authentication failed for user "postgres" (SQLSTATE 28P01)
    PostgreSQL at 127.0.0.1:PORT cannot be reached: database "nowhere" does not exist (SQLSTATE 3D000)
    "#);
}

#[tokio::test]
async fn a_server_that_says_nothing_is_given_up() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    // It takes what comes and never answers.
    let _silent = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        std::io::copy(&mut stream.by_ref(), &mut std::io::sink())
    });
    let start = Instant::now();
    let url = format!("postgres://u:p@127.0.0.1:{port}/d");
    let result = within(1, &url, "statement", json!({ "sql": "update t set a = 1" })).await;
    assert!(
        matches!(result, CallResult::Unreachable { .. } | CallResult::NotDone { .. }),
        "{result:?}"
    );
    assert!(start.elapsed() < Duration::from_secs(4));
}

#[test]
fn a_malformed_url_is_told_without_its_secret() {
    for url in [
        "mysql://u:t0psecret@h/d",
        "postgres://u:t0psecret@h:port/d",
        "postgres://u:t0psecret@h",
        "t0psecret",
    ] {
        let error = Postgres::new(&Config { url: url.into() }).unwrap_err().to_string();
        assert!(error.contains("postgres://user:password@host:port/database"), "{error}");
        assert!(!error.contains("t0psecret"), "{error}");
    }
}
