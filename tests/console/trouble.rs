//! What the console says of runs that nobody knows the end of, and of such that cannot be read.

use super::{DANA, LEE, Site, run_of};

/// The only step may have happened.
const DOUBT: &str = r#"
summary = "Leaves a doubt."
[[input]]
name = "order"
kind = "integer"
[lock]
keys = ["'doubt:' + string(inputs.order)"]
[[step]]
name = "doubt"
use = "postgres.statement"
on = "shop"
with.sql = "insert into effect (word) values ('doubt')"
say = "Doubt {{ inputs.order }}."
[[step.expect]]
when = "true"
outcome = "unknown"
say = "It may have happened."
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_person_says_in_the_console_what_became_of_a_step() {
    let site = Site::with_runbook("doubt", DOUBT).await;
    let (dana, lee) = (site.sign_in(DANA).await, site.sign_in(LEE).await);
    let run = run_of(&dana.post("/", "page", &[("line", "/doubt 1")]).await);
    let path = format!("/runs/{run}");
    let asked = site
        .until(&lee, &path, |page| page.said().contains("needs a person"))
        .await;
    assert!(asked.said().contains("It has waited since 20"), "{}", asked.said());
    assert!(
        lee.get("/approvals")
            .await
            .said()
            .contains("A person must say what became of a step")
    );
    let done = asked.attribute("fieldset.resolve button", "value").unwrap();
    let reason = format!("reason.{run}");
    let press = format!("{path}/press");
    // Without a reason nothing is written.
    lee.post(&press, "none", &[("press", &done)]).await;
    assert!(lee.get(&path).await.said().contains("needs a person"));
    lee.post(&press, "yes", &[("press", &done), (&reason, "I looked at the shop")])
        .await;
    let ended = site.until(&dana, &path, |page| page.said().contains("succeeded")).await;
    assert!(
        ended.said().contains("lee says that it happened: I looked at the shop"),
        "{}",
        ended.said()
    );
}

/// One row that was changed by hand took every page away from everybody.
#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_cannot_be_believed_is_told_and_takes_nothing_else_away() {
    let site = Site::with_runbook("doubt", DOUBT).await;
    let (dana, lee) = (site.sign_in(DANA).await, site.sign_in(LEE).await);
    let run = run_of(&dana.post("/", "page", &[("line", "/doubt 1")]).await);
    let path = format!("/runs/{run}");
    site.until(&lee, &path, |page| page.said().contains("needs a person"))
        .await;
    let bot = site.world.bot().await;
    sqlx::query("UPDATE journal SET entry = '{\"entry\":\"expired\"}' WHERE seq = 2")
        .execute(&bot)
        .await
        .unwrap();
    // Its time comes, and whoever looks at it sees.
    sqlx::query("UPDATE run SET wake = 1").execute(&bot).await.unwrap();
    bot.close().await;
    let told = site
        .until(&lee, "/", |page| page.page.contains("Runs are set aside"))
        .await;
    assert!(
        told.said().contains("Set aside: its journal cannot be"),
        "{}",
        told.said()
    );
    for page in ["/approvals", "/runs", path.as_str()] {
        let page = lee.get(page).await;
        assert_eq!(page.status, 200, "{page:?}");
    }
    assert!(lee.get("/runs").await.said().contains("needs a person"));
    assert!(!run_of(&dana.post("/", "another page", &[("line", "/mark 1")]).await).is_empty());

    let page = lee.get(&path).await;
    let stop = page.attribute("article button[name=press]", "value").unwrap();
    lee.post(&format!("{path}/press"), "stop", &[("press", &stop)]).await;
    let ended = site.until(&lee, &path, |page| page.said().contains("gave it up")).await;
    assert!(ended.said().contains("stopped"), "{}", ended.said());
}
