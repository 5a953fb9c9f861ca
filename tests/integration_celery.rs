//! Celery: a real Redis, and real workers.

use crate::harness::proxy::{self, Break};
use crate::harness::services::{BROKER, CeleryWorld, RESULTS, Redis, Worker, effects, free_port, until};
use insta::assert_snapshot;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use signalbox::call::{Arguments, CallContext, CallResult, Recall};
use signalbox::integration::celery::{Celery, Config};
use signalbox::integration::{Connection, action};
use std::time::{Duration, Instant};

fn connection(redis: &Redis) -> Connection {
    through(redis.port, redis)
}

fn through(broker_port: u16, redis: &Redis) -> Connection {
    let broker = format!("redis://127.0.0.1:{broker_port}/{BROKER}").into();
    let config = Config {
        broker,
        results: redis.url(RESULTS).into(),
    };
    Connection::Celery(Celery::new(&config).unwrap())
}

fn within(seconds: i64) -> CallContext {
    CallContext {
        run: uuid::Uuid::new_v4().to_string(),
        step: "send".to_owned(),
        deadline: Timestamp::now() + SignedDuration::from_secs(seconds),
    }
}

fn arguments(value: Value) -> Arguments {
    value.as_object().unwrap().clone()
}

async fn call(connection: &Connection, name: &str, with: Value, context: &CallContext) -> CallResult {
    connection
        .call(action("celery", name).unwrap(), &arguments(with), context)
        .await
}

async fn send(connection: &Connection, task: &str, args: Value, context: &CallContext) -> CallResult {
    call(connection, "send", json!({ "task": task, "args": args }), context).await
}

async fn read(connection: &Connection, name: &str, with: Value) -> Value {
    done(call(connection, name, with, &within(20)).await)
}

async fn evidence(connection: &Connection, context: &CallContext) -> Value {
    connection
        .evidence(action("celery", "send").unwrap(), context)
        .await
        .unwrap()
}

async fn recall(connection: &Connection, context: &CallContext, evidence: &Value) -> Recall {
    connection
        .recall(action("celery", "send").unwrap(), &Arguments::new(), context, evidence)
        .await
}

fn done(result: CallResult) -> Value {
    match result {
        CallResult::Done { value } => value,
        other => panic!("it is {other:?}"),
    }
}

fn times(redis: &Redis, effect: &str) -> usize {
    effects(redis).iter().filter(|it| *it == effect).count()
}

fn waiting(redis: &Redis) -> usize {
    redis.ask(BROKER, &[b"LLEN", b"celery"])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_sends_once_however_often_it_is_called() {
    let world = CeleryWorld::shared();
    let celery = connection(&world.redis);
    let context = within(30);
    let journalled = evidence(&celery, &context).await;
    let args = json!([1042, "it's", null, true, 2.5, ["a"], { "b": 1 }]);

    let first = done(send(&celery, "echo", args.clone(), &context).await);
    assert_eq!(first["state"], "SUCCESS");
    assert_eq!(first["result"], json!({ "args": args, "kwargs": {} }));
    assert_eq!((&first["error"], &first["retries"]), (&json!(""), &json!(0)));
    assert_eq!(first["task_id"], context.derived_id().to_string());

    let again = send(&celery, "echo", args.clone(), &context).await;
    assert_eq!(again, CallResult::Done { value: first.clone() });
    let recalled = recall(&celery, &context, &journalled).await;
    assert_eq!(recalled, Recall::Made(CallResult::Done { value: first }));
    assert_eq!(
        effects(&world.redis)
            .iter()
            .filter(|it| it.starts_with("echo 1042 "))
            .count(),
        1
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_task_raises_is_told_after_its_last_try() {
    let world = CeleryWorld::shared();
    let celery = connection(&world.redis);
    let failed = done(send(&celery, "fail", json!([7]), &within(30)).await);
    assert_eq!(failed["state"], "FAILURE");
    assert_eq!(failed["result"], Value::Null);
    assert_eq!(failed["retries"], 2);
    assert_snapshot!(failed["error"].as_str().unwrap(), @"Unwilling: order 7 is unwilling");
    assert_eq!(times(&world.redis, "fail 7"), 3);

    let unknown = done(send(&celery, "no.such.task", json!([]), &within(30)).await);
    assert_eq!(unknown["state"], "FAILURE");
    assert_snapshot!(unknown["error"].as_str().unwrap(), @"NotRegistered: no.such.task");
    assert!(world.worker.lock().unwrap().is_alive());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_expired_did_nothing_unless_it_was_tried_before() {
    let world = CeleryWorld::shared();
    let celery = connection(&world.redis);
    let dropped = call(
        &celery,
        "send",
        json!({ "task": "echo", "args": ["late"], "expires": 0 }),
        &within(30),
    )
    .await;
    let CallResult::NotDone { reason } = dropped else {
        panic!("it is {dropped:?}")
    };
    assert_snapshot!(reason, @"the worker dropped the message before it began (TaskRevokedError: expired)");
    assert_eq!(times(&world.redis, "echo late"), 0);

    let tried = call(
        &celery,
        "send",
        json!({ "task": "retry_late", "args": [8], "expires": 2 }),
        &within(30),
    )
    .await;
    let tried = done(tried);
    assert_eq!((&tried["state"], &tried["retries"]), (&json!("REVOKED"), &json!(1)));
    assert_eq!(times(&world.redis, "retry_late 8"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_worker_took_is_taken_back() {
    let redis = Redis::start();
    let celery = connection(&redis);
    let context = within(4);
    let journalled = evidence(&celery, &context).await;
    let result = send(&celery, "echo", json!([1]), &context).await;
    let CallResult::NotDone { reason } = result else {
        panic!("it is {result:?}")
    };
    assert_snapshot!(reason, @"no worker took the message in time; it was taken back");
    assert_eq!(waiting(&redis), 0);
    let recalled = recall(&celery, &within_same(&context, 5), &journalled).await;
    assert!(matches!(recalled, Recall::NeverMade { .. }), "{recalled:?}");

    // By hand, while the call still waits: the call learns of it. The step may then be called again.
    let context = within(30);
    let take_back = async {
        until("it is queued", || waiting(&redis) == 1).await;
        celery
            .take_back(action("celery", "send").unwrap(), &Arguments::new(), &context)
            .await
    };
    let args = json!([2]);
    let (result, taken) = tokio::join!(send(&celery, "echo", args.clone(), &context), take_back);
    assert!(matches!(taken, Some(CallResult::NotDone { .. })), "{taken:?}");
    assert!(matches!(result, CallResult::NotDone { .. }), "{result:?}");
    let _worker = Worker::start(&redis, "late", "solo");
    let again = done(send(&celery, "echo", args, &within_same(&context, 30)).await);
    assert_eq!(again["state"], "SUCCESS");
    assert_eq!(effects(&redis), ["echo 2"]);
}

fn within_same(context: &CallContext, seconds: i64) -> CallContext {
    CallContext {
        deadline: Timestamp::now() + SignedDuration::from_secs(seconds),
        ..context.clone()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_dies_with_its_task_leaves_it_unknown_before_the_deadline() {
    let redis = Redis::start();
    let celery = connection(&redis);
    let mut worker = Worker::start(&redis, "one", "prefork");
    let start = Instant::now();
    let context = within(60);
    let alone = send(&celery, "die", json!([1]), &context).await;
    let CallResult::Unknown { reason } = alone else {
        panic!("it is {alone:?}")
    };
    assert_snapshot!(reason, @"the message was taken from the queue and no worker is there: the one that took it is gone, and the task may have acted");
    assert!(!worker.is_alive());
    assert_eq!(effects(&redis), ["die 1"]);

    // The same with another worker there: the dying takes one, the other says that it has nothing.
    let dying = Worker::start(&redis, "dying", "prefork");
    let context = within(60);
    let (result, _other) = tokio::join!(send(&celery, "die", json!([2]), &context), async {
        until("the task has begun", || times(&redis, "die 2") == 1).await;
        drop(dying);
        Worker::start(&redis, "other", "prefork")
    });
    let CallResult::Unknown { reason } = result else {
        panic!("it is {result:?}")
    };
    assert_snapshot!(reason, @"the message was taken from the queue, no worker has the task and there is no result: the worker that had it died, and the task may have acted");
    assert!(start.elapsed() < Duration::from_secs(50), "it waited for the deadline");
    assert_eq!(effects(&redis), ["die 1", "die 2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_busy_is_waited_for() {
    // It answers nothing while it is busy.
    let solo = async {
        let redis = Redis::start();
        let celery = connection(&redis);
        let _worker = Worker::start(&redis, "solo", "solo");
        let context = within(30);
        let (slow, ping) = tokio::join!(send(&celery, "slow", json!([1, 8]), &context), async {
            until("the task has begun", || times(&redis, "slow 1") == 1).await;
            read(&celery, "ping", json!({})).await
        });
        assert_eq!(done(slow)["result"], "slept");
        assert_eq!(ping, json!({ "workers": [], "listening": 1 }));
    };
    // It tells what it has.
    let prefork = async {
        let redis = Redis::start();
        let celery = connection(&redis);
        let _worker = Worker::start(&redis, "prefork", "prefork");
        let (long, short) = (within(30), within(4));
        let (slow, unfinished) = tokio::join!(
            send(&celery, "slow", json!([1, 8]), &long),
            send(&celery, "slow", json!([2, 8]), &short)
        );
        assert_eq!(done(slow)["result"], "slept");
        let CallResult::Unknown { reason } = unfinished else {
            panic!("it is {unfinished:?}")
        };
        let id = short.derived_id();
        assert_eq!(
            reason,
            format!("task {id} has not ended in time: it is running at prefork@test")
        );
    };
    // Longer than it takes to conclude that a task is lost.
    tokio::join!(solo, prefork);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_is_down_was_never_sent_anything() {
    let port = free_port();
    let url = format!("redis://bot:t0psecret@127.0.0.1:{port}/1");
    let config = Config {
        broker: url.clone().into(),
        results: url.into(),
    };
    let celery = Connection::Celery(Celery::new(&config).unwrap());
    assert!(!format!("{celery:?} {config:?}").contains("t0psecret"));
    let identity = celery.identity();
    assert_eq!(
        (identity.host, identity.database),
        (format!("127.0.0.1:{port}"), Some("1".to_owned()))
    );
    assert_eq!(identity.user.as_deref(), Some("bot"));

    for name in ["send", "ping", "inspect", "queue_length", "find"] {
        let result = call(&celery, name, json!({ "task": "echo", "args": [] }), &within(5)).await;
        let CallResult::Unreachable { reason } = result else {
            panic!("{name}: {result:?}")
        };
        assert_eq!(
            reason,
            format!("Redis at 127.0.0.1:{port}: Connection refused (os error 111)")
        );
    }
    let context = within(5);
    celery
        .evidence(action("celery", "send").unwrap(), &context)
        .await
        .unwrap_err();
    let recalled = recall(&celery, &context, &Value::Null).await;
    assert!(matches!(recalled, Recall::NoEvidence { .. }), "{recalled:?}");
}

#[test]
fn a_malformed_url_is_told_without_its_secret() {
    for (broker, results) in [
        ("http://:t0psecret@host", "redis://host"),
        ("redis://host", "redis://:t0psecret@host/one"),
        ("rediss://:t0psecret@host", "redis://host"),
        ("t0psecret", "redis://host"),
    ] {
        let error = Celery::new(&Config {
            broker: broker.into(),
            results: results.into(),
        })
        .unwrap_err()
        .to_string();
        assert!(error.contains("redis://user:password@host:port/database"), "{error}");
        assert!(!error.contains("t0psecret"), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn absence_of_the_mark_proves_something_only_while_the_broker_remembers() {
    let mut redis = Redis::start();
    let celery = connection(&redis);
    let context = within(20);
    let journalled = evidence(&celery, &context).await;

    let never = recall(&celery, &context, &journalled).await;
    assert!(matches!(never, Recall::NeverMade { .. }), "{never:?}");
    let again = recall(&celery, &context, &journalled).await;
    assert_eq!(again, never);

    redis.ask::<()>(0, &[b"FLUSHALL"]);
    let Recall::NoEvidence { reason } = recall(&celery, &context, &journalled).await else {
        panic!()
    };
    assert_snapshot!(reason, @"Redis has lost what was noted there before the call, and with it the mark of the message");

    let journalled = evidence(&celery, &context).await;
    redis.restart();
    let Recall::NoEvidence { reason } = recall(&celery, &context, &journalled).await else {
        panic!()
    };
    assert_snapshot!(reason, @"Redis has been restarted since, and may have forgotten the mark of the message");

    // A result is proof, whatever the broker has forgotten.
    let id = context.derived_id().to_string();
    let key = format!("celery-task-meta-{id}");
    let meta = json!({ "status": "SUCCESS", "result": 3, "task_id": id }).to_string();
    redis.ask::<()>(RESULTS, &[b"SET", key.as_bytes(), meta.as_bytes()]);
    let Recall::Made(CallResult::Done { value }) = recall(&celery, &context, &journalled).await else {
        panic!()
    };
    assert_eq!(value["result"], 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_was_lost_on_the_way_is_found_out() {
    let world = CeleryWorld::shared();
    // `lpush` is in the script that sends and nowhere else.
    let port = proxy::breaking(world.redis.port, b"lpush", Break::After);
    let result = send(&through(port, &world.redis), "echo", json!(["after"]), &within(20)).await;
    assert_eq!(done(result)["state"], "SUCCESS");
    assert_eq!(times(&world.redis, "echo after"), 1);

    let port = proxy::breaking(world.redis.port, b"lpush", Break::Before);
    let celery = through(port, &world.redis);
    let context = within(20);
    let result = send(&celery, "echo", json!(["before"]), &context).await;
    let CallResult::NotDone { reason } = result else {
        panic!("it is {result:?}")
    };
    assert!(reason.ends_with("it shows that nothing was queued"), "{reason}");
    assert_eq!(times(&world.redis, "echo before"), 0);
    // The step may be called again.
    assert_eq!(
        done(send(&celery, "echo", json!(["before"]), &context).await)["state"],
        "SUCCESS"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_was_told_not_sent_is_not_sent_later() {
    let redis = Redis::start();
    let port = proxy::breaking(redis.port, b"lpush", Break::Late);
    let context = within(20);
    let start = Instant::now();
    let result = send(&through(port, &redis), "echo", json!([1]), &context).await;
    assert!(matches!(result, CallResult::NotDone { .. }), "{result:?}");
    assert!(start.elapsed() < Duration::from_millis(1500), "the script was not late");
    until("the script has arrived after all", || {
        let statistics: String = redis.ask(BROKER, &[b"INFO", b"commandstats"]);
        statistics.lines().any(|line| line.starts_with("cmdstat_eval:calls=2,"))
    })
    .await;
    assert_eq!(waiting(&redis), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_is_followed_over_broken_connections() {
    let redis = Redis::start();
    let _worker = Worker::start(&redis, "one", "threads");
    let celery = connection(&redis);
    let context = within(30);
    let (slow, ()) = tokio::join!(send(&celery, "slow", json!([1, 2]), &context), async {
        until("the task has begun", || times(&redis, "slow 1") == 1).await;
        for kind in [&b"pubsub"[..], b"normal"] {
            let killed: usize = redis.ask(BROKER, &[b"CLIENT", b"KILL", b"TYPE", kind]);
            assert!(killed > 0);
        }
    });
    assert_eq!(done(slow)["result"], "slept");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_is_found_in_every_place_and_nothing_malformed_breaks_the_reading() {
    let redis = Redis::start();
    let celery = connection(&redis);
    let message = |id: &str, body: Value, retries: u64| {
        json!({
            "body": body.to_string(), "content-encoding": "utf-8", "content-type": "application/json",
            "headers": { "id": id, "task": "forward", "retries": retries },
            "properties": { "delivery_info": { "exchange": "", "routing_key": "celery" }, "delivery_tag": id },
        })
        .to_string()
    };
    let push = |list: &str, text: &str| redis.ask::<()>(BROKER, &[b"LPUSH", list.as_bytes(), text.as_bytes()]);
    push("celery", &message("plain", json!([[2], {}, {}]), 0));
    push("celery", &message("as-text", json!([["2"], {}, null]), 0));
    push("celery", &message("other-order", json!([[3], {}, null]), 0));
    push(
        "celery\u{6}\u{16}6",
        &message("by-name", json!([[], { "order_id": 2 }, null]), 0),
    );
    for malformed in [
        "",
        "no json",
        "{}",
        "[1]",
        "{\"body\":\"!\",\"headers\":{\"id\":\"x\",\"task\":\"forward\"}}",
    ] {
        push("celery", malformed);
    }
    let hold = |tag: &str, entry: &str| {
        redis.ask::<()>(BROKER, &[b"HSET", b"unacked", tag.as_bytes(), entry.as_bytes()]);
    };
    let entry =
        |text: String, queue: &str| json!([serde_json::from_str::<Value>(&text).unwrap(), "", queue]).to_string();
    hold(
        "a",
        &entry(message("waits-for-retry", json!([[2], {}, null]), 3), "celery"),
    );
    hold(
        "b",
        &entry(message("of-another-queue", json!([[2], {}, null]), 0), "mails"),
    );
    hold("c", "no json");

    let found = read(&celery, "find", json!({ "task": "forward", "args": [2] })).await;
    let mut places: Vec<_> = found["found"].as_array().unwrap().iter().map(row).collect();
    places.sort();
    assert_snapshot!(places.join("\n"), @r#"
    as-text queued first="2" retries=0 ours=false
    by-name queued first="2" retries=0 ours=false
    plain queued first="2" retries=0 ours=false
    waits-for-retry unacked first="2" retries=3 ours=false
    "#);
    assert_eq!(found["unreadable"], 6);
    let any = read(&celery, "find", json!({ "task": "forward", "first_args": ["9", "3"] })).await;
    assert_eq!(
        any["found"].as_array().unwrap().iter().map(row).collect::<Vec<_>>(),
        ["other-order queued first=\"3\" retries=0 ours=false"]
    );
    let none = read(&celery, "find", json!({ "task": "forward", "first_args": [] })).await;
    assert_eq!(none["found"], json!([]));

    let length = read(&celery, "queue_length", json!({})).await;
    assert_eq!(length, json!({ "waiting": 9, "unacked": 2, "total": 11 }));
    let length = read(&celery, "queue_length", json!({ "queue": "mails" })).await;
    assert_eq!(length, json!({ "waiting": 0, "unacked": 2, "total": 2 }));
    let ping = read(&celery, "ping", json!({})).await;
    assert_eq!(ping, json!({ "workers": [], "listening": 0 }));
}

fn row(found: &Value) -> String {
    let [id, place] = ["id", "where"].map(|name| found[name].as_str().unwrap());
    format!(
        "{id} {place} first={} retries={} ours={}",
        found["first"], found["retries"], found["ours"]
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_tell_what_they_have() {
    let redis = Redis::start();
    let celery = connection(&redis);
    let (_one, _two) = (
        Worker::start(&redis, "one", "threads"),
        Worker::start(&redis, "two", "threads"),
    );
    let ping = read(&celery, "ping", json!({})).await;
    assert_eq!(ping, json!({ "workers": ["one@test", "two@test"], "listening": 2 }));

    let (context, other) = (within(30), within(30));
    let (slow, failed, ()) = tokio::join!(
        send(&celery, "slow", json!([5, 2.5]), &context),
        call(
            &celery,
            "send",
            json!({ "task": "retry_late", "args": [5], "expires": 2 }),
            &other
        ),
        async {
            until("both have begun", || {
                let held: usize = redis.ask(BROKER, &[b"HLEN", b"unacked"]);
                times(&redis, "slow 5") == 1 && held == 1
            })
            .await;
            let id = context.derived_id();
            let slow = read(&celery, "find", json!({ "task": "slow", "first_args": ["5"] })).await;
            let rows: Vec<_> = slow["found"].as_array().unwrap().iter().map(row).collect();
            assert_eq!(rows, [format!("{id} active first=\"5\" retries=0 ours=true")]);
            let retry = read(&celery, "find", json!({ "task": "retry_late", "args": [5] })).await;
            let retry = &retry["found"][0];
            assert_eq!((&retry["where"], &retry["retries"]), (&json!("scheduled"), &json!(1)));
            let inspect = read(&celery, "inspect", json!({})).await;
            assert_eq!(inspect["active"][0]["args"], json!([5, 2.5]));
            assert_eq!(inspect["scheduled"][0]["name"], "retry_late");
            assert_eq!((&inspect["reserved"], &inspect["silent"]), (&json!([]), &json!(0)));
        }
    );
    assert_eq!(done(slow)["result"], "slept");
    assert_eq!(done(failed)["state"], "REVOKED");
    let left: Vec<String> = redis.ask(BROKER, &[b"KEYS", b"*reply*"]);
    assert_eq!(left, Vec::<String>::new(), "a mailbox was left behind");
}
