//! Linked accounts and their codes; user groups as they were read.

use super::database::{Database, later, noon};
use futures::future::join_all;
use signalbox::policy::identity::SlackUsergroup;
use signalbox::request::link::{Code, LinkAsk, LinkDelivery};
use signalbox::request::{Account, Place, Surface};
use signalbox::store::Store;
use signalbox::store::links::{Finished, Linked, MOST, TRIES, TRIES_OF_ALL};
use signalbox::store::rolls::KeptRoll;
use std::collections::BTreeSet;

const CODE: u64 = 0x0123_4567_89ab_cdef;

fn slack(user: &str) -> Account {
    Account::Slack {
        team: "T1".to_owned(),
        user: user.to_owned(),
    }
}

fn discord(user: &str) -> Account {
    Account::Discord { user: user.to_owned() }
}

fn delivery(id: &str, account: Account, ask: LinkAsk) -> LinkDelivery {
    LinkDelivery {
        id: id.to_owned(),
        kept: ask.words().to_owned(),
        place: Place {
            surface: account.surface().unwrap_or(Surface::Cli),
            workspace: None,
            channel: None,
            thread: None,
        },
        account,
        ask,
    }
}

/// Dana asks for a code on Slack.
async fn offer(store: &Store, id: &str, code: &Code, second: i64) {
    let asked = delivery(id, slack("U1"), LinkAsk::Begin);
    let offered = store.offer_link(&asked, &code.hash(), "dana", later(second)).await;
    assert_eq!(offered.unwrap(), Linked::Now(()));
}

async fn bring(store: &Store, id: &str, account: Account, code: &Code, second: i64) -> Finished {
    let brought = delivery(id, account, LinkAsk::Finish(code.clone()));
    let finished = store
        .finish_link(&brought, &code.hash(), |_, _| true, later(second))
        .await;
    match finished.unwrap() {
        Linked::Now(finished) => finished,
        Linked::Before => panic!("{id} was there before"),
    }
}

fn joined() -> Finished {
    Finished::Joined("dana".to_owned())
}

pub async fn a_code_joins_one_account_once_and_stands_nowhere(database: Database) {
    let store = database.open().await;
    let code = Code::of_bits(CODE);
    offer(&store, "d1", &code, 0).await;
    let again = delivery("d1", slack("U1"), LinkAsk::Begin);
    let other = Code::of_bits(7);
    assert_eq!(
        store.offer_link(&again, &other.hash(), "dana", later(1)).await.unwrap(),
        Linked::Before,
        "whoever has copied a delivery gets no code by it"
    );
    assert_eq!(bring(&store, "d2", discord("104"), &code, 599).await, joined());
    assert_eq!(bring(&store, "d3", discord("105"), &code, 599).await, Finished::Wrong);

    let links = store.links().await.unwrap();
    assert_eq!(links.len(), 1);
    let link = &links[&discord("104")];
    assert_eq!((link.person.as_str(), &link.origin), ("dana", &slack("U1")));
    let rows = store.audit_rows(9).await.unwrap();
    let told: Vec<_> = rows
        .iter()
        .map(|row| (row.person.as_str(), row.subject.as_str(), row.body.to_string()))
        .collect();
    assert_eq!(
        told,
        [
            (
                "Discord account 105",
                "Discord account 105",
                r#"{"asked":"link","outcome":"denied"}"#.to_owned()
            ),
            (
                "dana",
                "Discord account 104",
                r#"{"linked":true,"by":"Slack account T1/U1"}"#.to_owned()
            ),
            ("dana", "Slack account T1/U1", r#"{"asked":"code"}"#.to_owned()),
        ]
    );
    let raw = database.raw().await;
    let kept: Vec<String> = sqlx::query_scalar("SELECT kept FROM delivery ORDER BY id")
        .fetch_all(&raw)
        .await
        .unwrap();
    assert_eq!(kept, ["link", "link (a code)", "link (a code)"]);
    for file in database.files() {
        let bytes = std::fs::read(&file).unwrap();
        let plain = code.reveal().replace('-', "");
        for word in [code.reveal(), plain] {
            let is_there = bytes.windows(word.len()).any(|window| window == word.as_bytes());
            assert!(!is_there, "{}", file.display());
        }
    }
}

/// Used, too old, of the same platform, of somebody who is gone, replaced by another one.
pub async fn a_code_is_spent_by_whatever_comes_of_it(database: Database) {
    let store = database.open().await;
    let code = Code::of_bits(CODE);
    offer(&store, "d1", &code, 0).await;
    assert_eq!(
        bring(&store, "d2", discord("104"), &code, 600).await,
        Finished::Wrong,
        "too old"
    );
    offer(&store, "d3", &code, 700).await;
    assert_eq!(bring(&store, "d4", slack("U9"), &code, 701).await, Finished::Wrong);
    assert_eq!(
        bring(&store, "d5", discord("104"), &code, 702).await,
        Finished::Wrong,
        "on its own platform somebody else has seen it"
    );
    offer(&store, "d6", &code, 703).await;
    let brought = delivery("d7", discord("106"), LinkAsk::Finish(code.clone()));
    let hash = code.hash();
    let gone = store.finish_link(
        &brought,
        &hash,
        |person, origin| {
            assert_eq!((person, origin), ("dana", &slack("U1")));
            false
        },
        later(704),
    );
    assert_eq!(gone.await.unwrap(), Linked::Now(Finished::Wrong));
    offer(&store, "d8", &code, 705).await;
    offer(&store, "d9", &Code::of_bits(CODE + 1), 706).await;
    assert_eq!(
        bring(&store, "e1", discord("107"), &code, 707).await,
        Finished::Wrong,
        "another took its place"
    );
    let overheard = delivery("e2", slack("U1"), LinkAsk::Overheard(Code::of_bits(CODE + 1)));
    let spoiled = store
        .spoil_link(&overheard, &Code::of_bits(CODE + 1).hash(), later(708))
        .await;
    assert_eq!(spoiled.unwrap(), Linked::Now(()));
    assert_eq!(
        bring(&store, "e3", discord("108"), &Code::of_bits(CODE + 1), 709).await,
        Finished::Wrong
    );
    assert!(store.links().await.unwrap().is_empty());
}

pub async fn too_many_wrong_codes_are_not_looked_at(database: Database) {
    let store = database.open().await;
    let right = Code::of_bits(CODE);
    offer(&store, "d0", &right, 0).await;
    for at in 0..TRIES {
        let wrong = Code::of_bits(at as u64);
        assert_eq!(
            bring(&store, &format!("w{at}"), discord("104"), &wrong, at).await,
            Finished::Wrong
        );
    }
    assert_eq!(bring(&store, "x1", discord("104"), &right, 10).await, Finished::TooMany);
    assert_eq!(
        bring(&store, "x2", discord("105"), &right, 11).await,
        joined(),
        "what was not looked at is still good, and others are not kept out"
    );
    // And many accounts together.
    for at in TRIES..TRIES_OF_ALL {
        let account = discord(&format!("2{at}"));
        let wrong = Code::of_bits(at as u64);
        assert_eq!(
            bring(&store, &format!("w{at}"), account, &wrong, 20).await,
            Finished::Wrong
        );
    }
    offer(&store, "d1", &right, 30).await;
    assert_eq!(bring(&store, "x3", discord("106"), &right, 31).await, Finished::TooMany);
    store.drop_link_codes(later(20 + 15 * 60)).await.unwrap();
    offer(&store, "d2", &right, 20 + 15 * 60).await;
    assert_eq!(
        bring(&store, "x4", discord("106"), &right, 21 + 15 * 60).await,
        joined()
    );
}

pub async fn of_many_who_bring_a_code_one_is_joined(database: Database) {
    let store = database.open().await;
    let code = Code::of_bits(CODE);
    offer(&store, "d0", &code, 0).await;
    let all = (0..12).map(|at| {
        let (store, code) = (&store, &code);
        async move { bring(store, &format!("b{at}"), discord(&format!("10{at}")), code, 1).await }
    });
    let came_to = join_all(all).await;
    assert_eq!(came_to.iter().filter(|it| **it == joined()).count(), 1, "{came_to:?}");
    assert_eq!(store.links().await.unwrap().len(), 1);
    // Nobody links without end.
    for at in 1..MOST {
        offer(&store, &format!("o{at}"), &code, 2000 * at).await;
        let account = discord(&format!("20{at}"));
        assert_eq!(
            bring(&store, &format!("j{at}"), account, &code, 2000 * at).await,
            joined()
        );
    }
    offer(&store, "o", &code, 99_000).await;
    assert_eq!(
        bring(&store, "j", discord("300"), &code, 99_000).await,
        Finished::Full("dana".to_owned())
    );
}

pub async fn what_is_taken_away_is_told_and_stands_in_the_record(database: Database) {
    let store = database.open().await;
    let code = Code::of_bits(CODE);
    for account in ["104", "105"] {
        offer(&store, &format!("o{account}"), &code, 0).await;
        assert_eq!(
            bring(&store, &format!("j{account}"), discord(account), &code, 1).await,
            joined()
        );
    }
    let asked = delivery("u1", discord("104"), LinkAsk::Unlink);
    let accounts = [discord("104"), discord("999")];
    let gone = store
        .unlink(Some(&asked), &accounts, "dana", "by the person", later(2))
        .await;
    assert_eq!(gone.unwrap(), Linked::Now(vec![discord("104")]));
    let again = store
        .unlink(Some(&asked), &accounts, "dana", "by the person", later(3))
        .await;
    assert_eq!(again.unwrap(), Linked::Before);
    assert_eq!(
        store.links().await.unwrap().into_keys().collect::<Vec<_>>(),
        [discord("105")]
    );
    let row = store.audit_rows(1).await.unwrap().remove(0);
    assert_eq!(
        (
            row.kind.as_str(),
            row.person.as_str(),
            row.subject.as_str(),
            row.body.to_string().as_str()
        ),
        (
            "link",
            "dana",
            "Discord account 104",
            r#"{"linked":false,"of":"dana","why":"by the person"}"#
        )
    );
}

pub async fn of_two_readings_the_later_one_is_kept(database: Database) {
    let store = database.open().await;
    let roll = |second: i64, users: &[&str]| KeptRoll {
        usergroup: SlackUsergroup {
            team: "T1".to_owned(),
            usergroup: "S0OPS".to_owned(),
        },
        read: later(second),
        users: users.iter().map(|user| (*user).to_owned()).collect::<BTreeSet<_>>(),
    };
    assert_eq!(noon(), later(0));
    for it in [roll(5, &["U1"]), roll(9, &["U2", "U3"]), roll(7, &["U4"])] {
        store.keep_roll(&it).await.unwrap();
    }
    assert_eq!(store.kept_rolls().await.unwrap(), [roll(9, &["U2", "U3"])]);
}
