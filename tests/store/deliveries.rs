//! Deliveries, the requests in them and their tokens.

use super::database::{Database, begin, delivery, later, noon, request};
use futures::future::join_all;
use secrecy::ExposeSecret;
use signalbox::dispatch::answer;
use signalbox::report::{Outcome, Report};
use signalbox::store::audit::AuditRow;
use signalbox::store::deliveries::Progress;
use sqlx::Row;
use std::collections::BTreeSet;

pub async fn the_same_delivery_twice_is_one_request(database: Database) {
    let store = database.open().await;
    let first = delivery("slack:1");
    assert_eq!(
        store.receive(std::slice::from_ref(&first), noon()).await.unwrap(),
        [true]
    );
    // The platform's second try is another request object for the same event.
    assert_eq!(store.receive(&[delivery("slack:1")], later(3)).await.unwrap(), [false]);
    let both = [delivery("slack:2"), delivery("slack:2")];
    assert_eq!(store.receive(&both, later(4)).await.unwrap(), [true, false]);

    let taken = store.take_requests("one", later(5), later(65), 10).await.unwrap();

    assert_eq!(taken, [first.request, both[0].request.clone()]);
}

pub async fn a_batch_is_stored_in_one_go(database: Database) {
    let store = database.open().await;
    let batch: Vec<_> = (0..256).map(|index| delivery(&format!("d{index}"))).collect();
    let fresh = store.receive(&batch, noon()).await.unwrap();
    assert_eq!(fresh, vec![true; 256]);
    let taken = store.take_requests("one", noon(), later(60), 300).await.unwrap();
    assert_eq!(taken.len(), 256);
}

/// PostgreSQL takes no NUL in a text; one person's odd message must not cost the others in its batch theirs.
pub async fn bytes_that_no_database_takes_harm_only_themselves(database: Database) {
    let store = database.open().await;
    let mut odd = delivery("odd");
    odd.kept = "text=\0".to_owned();
    odd.request.place.channel = Some("C\0".to_owned());
    let fresh = store
        .receive(&[delivery("before"), odd, delivery("after")], noon())
        .await
        .unwrap();
    assert_eq!(fresh, [true; 3]);
    assert_eq!(store.take_requests("one", noon(), later(60), 9).await.unwrap().len(), 3);
}

pub async fn a_token_stands_nowhere_in_the_open(database: Database) {
    const TOKEN: &str = "https://hooks.example/commands/T1/2/abcdefghij";
    let store = database.open().await;
    let mut with_token = delivery("d1");
    with_token.token = Some(TOKEN.to_owned());
    store.receive(&[with_token], noon()).await.unwrap();

    let sealed = sqlx::query("SELECT sealed FROM token")
        .fetch_one(&database.raw().await)
        .await
        .unwrap();
    assert!(!sealed.get::<String, _>(0).contains("hooks"));
    for file in database.files() {
        let bytes = std::fs::read(&file).unwrap();
        let open = bytes.windows(13).any(|window| window == b"hooks.example");
        assert!(!open, "{}", file.display());
    }
}

pub async fn a_token_is_good_for_five_uses(database: Database) {
    let store = database.open().await;
    let mut with_token = delivery("d1");
    with_token.token = Some("https://hooks.example/1".to_owned());
    let request = with_token.request.id.clone();
    store.receive(&[with_token], noon()).await.unwrap();

    // Twelve at once: whoever comes sixth gets none.
    let uses = join_all((0..12).map(|_| store.spend_token(&request, later(1)))).await;

    let got: Vec<_> = uses.into_iter().filter_map(Result::unwrap).collect();
    assert_eq!(got.len(), 5);
    assert!(
        got.iter()
            .all(|token| token.expose_secret() == "https://hooks.example/1")
    );
}

pub async fn a_token_dies_after_thirty_minutes(database: Database) {
    let store = database.open().await;
    let mut with_token = delivery("d1");
    with_token.token = Some("https://hooks.example/1".to_owned());
    let request = with_token.request.id.clone();
    store.receive(&[with_token], noon()).await.unwrap();
    assert!(store.spend_token(&request, later(30 * 60 - 1)).await.unwrap().is_some());
    assert!(store.spend_token(&request, later(30 * 60)).await.unwrap().is_none());

    store.drop_tokens(later(30 * 60)).await.unwrap();

    let left: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM token")
        .fetch_one(&database.raw().await)
        .await
        .unwrap();
    assert_eq!(left, 0);
}

pub async fn two_takers_never_get_the_same_request(database: Database) {
    let store = database.open().await;
    let batch: Vec<_> = (0..600).map(|index| delivery(&format!("d{index}"))).collect();
    store.receive(&batch, noon()).await.unwrap();
    // Another process, with connections of its own.
    let other = database.open().await;

    let takers = (0..16).map(|index| {
        let store = if index % 2 == 0 { store.clone() } else { other.clone() };
        tokio::spawn(async move {
            let mut mine = Vec::new();
            loop {
                let owner = format!("taker-{index}");
                let taken = store.take_requests(&owner, noon(), later(60), 5).await.unwrap();
                if taken.is_empty() {
                    return mine;
                }
                mine.extend(taken.into_iter().map(|request| request.id));
            }
        })
    });
    let mut all: Vec<String> = Vec::new();
    for taken in join_all(takers).await {
        all.extend(taken.unwrap());
    }
    // A taker may find nothing because another was just taking the same ones; the next turn gets what is left.
    let rest = store.take_requests("last", noon(), later(60), 700).await.unwrap();
    all.extend(rest.into_iter().map(|request| request.id));

    let each: BTreeSet<&String> = all.iter().collect();
    assert_eq!((all.len(), each.len()), (600, 600));
}

pub async fn an_unanswered_request_is_taken_again_after_its_time(database: Database) {
    let store = database.open().await;
    let given = delivery("d1");
    store.receive(std::slice::from_ref(&given), noon()).await.unwrap();
    assert_eq!(store.take_requests("one", noon(), later(60), 9).await.unwrap().len(), 1);
    assert!(
        store
            .take_requests("two", later(60), later(120), 9)
            .await
            .unwrap()
            .is_empty()
    );
    let again = store.take_requests("two", later(61), later(121), 9).await.unwrap();
    assert_eq!(again, std::slice::from_ref(&given.request));

    store
        .answer(&given.request.id, &said("No."), None, &record(&given.request.id), None)
        .await
        .unwrap();

    assert!(
        store
            .take_requests("one", later(999), later(9999), 9)
            .await
            .unwrap()
            .is_empty()
    );
}

/// A taker that was only slow comes late: what the second one answered stands.
pub async fn an_answer_stays_what_it_was(database: Database) {
    let store = database.open().await;
    begin(&store, "r1").await;
    let of_run = store.run("r1").await.unwrap().request;
    store
        .answer(&of_run, &said("Denied."), None, &record(&of_run), None)
        .await
        .unwrap();
    assert_eq!(store.progress(&of_run).await.unwrap(), Progress::Run("r1".to_owned()));

    let asked = request();
    store.request(&asked, noon()).await.unwrap();
    assert_eq!(store.progress(&asked.id).await.unwrap(), Progress::Pending);
    store
        .answer(&asked.id, &said("First."), None, &record(&asked.id), None)
        .await
        .unwrap();
    store
        .answer(&asked.id, &said("Second."), None, &record(&asked.id), None)
        .await
        .unwrap();
    let Progress::Answered(report) = store.progress(&asked.id).await.unwrap() else {
        panic!("it was answered");
    };
    assert_eq!(report.say, "First.");
    assert_eq!(store.request_body(&asked.id).await.unwrap(), asked);
}

fn said(say: &str) -> Report {
    answer::said("dana", "forward-order", Outcome::Denied, say)
}

/// A line for the record of an answer.
fn record(request: &str) -> AuditRow {
    AuditRow {
        at: noon(),
        kind: "decision".to_owned(),
        person: "dana".to_owned(),
        subject: request.to_owned(),
        body: serde_json::Value::Null,
    }
}
