//! What is true of every page, and what happens at addresses that are none.

use super::{DANA, LEE, MARK, Site, VIC, run_of};
use crate::harness::visitor::client;
use reqwest::header::{COOKIE, ORIGIN};

#[tokio::test(flavor = "multi_thread")]
async fn every_page_forbids_what_it_does_not_need() {
    let site = Site::open().await;
    let dana = site.sign_in(DANA).await;
    let run = run_of(&dana.post("/", "n", &[("line", "/mark 1")]).await);
    let pages = [
        ("/", 200),
        ("/approvals", 200),
        ("/runs", 200),
        (&format!("/runs/{run}"), 200),
        (&format!("/runs/{run}/json"), 200),
        (&format!("/runs/{run}/chart.png"), 404),
        ("/runs/none", 404),
        ("/runbooks", 200),
        ("/runbooks/mark", 200),
        ("/runbooks/none", 404),
        ("/asked/none", 404),
        ("/nowhere", 404),
        ("/nowhere/at/all", 404),
        ("/runs/../../etc/passwd", 404),
        ("/assets/none.js", 404),
        ("/sign-out", 405),
        ("/complete?line=/m", 200),
        ("/complete", 400),
        ("/runs/%00%ff", 400),
    ];
    for (path, status) in pages {
        let request = dana.client.get(format!("{}{path}", site.url()));
        let response = request.header(COOKIE, &dana.cookie).send().await.unwrap();
        assert_eq!(response.status(), status, "{path}");
        let header = |name: &str| response.headers().get(name).map(|value| value.to_str().unwrap());
        assert_eq!(
            header("content-security-policy"),
            Some(
                "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                 form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
            ),
            "{path}"
        );
        assert_eq!(header("x-content-type-options"), Some("nosniff"), "{path}");
        assert_eq!(header("referrer-policy"), Some("same-origin"), "{path}");
        assert_eq!(header("cache-control"), Some("no-store"), "{path}");
    }
    // What never changes under its name is kept by the browser, and needs no sign-in.
    let page = dana.get("/").await;
    for (selector, attribute) in [
        ("link[rel=stylesheet]", "href"),
        ("script", "src"),
        ("link[rel=icon]", "href"),
    ] {
        let path = page.attribute(selector, attribute).unwrap();
        let file = client().get(format!("{}{path}", site.url())).send().await.unwrap();
        assert_eq!(file.status(), 200);
        assert!(file.headers()["cache-control"].to_str().unwrap().contains("immutable"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_no_form_has_is_refused() {
    let site = Site::open().await;
    let dana = site.sign_in(DANA).await;
    let line = format!("/mark {}", "1".repeat(3_000_000));
    let large = dana.post("/", "n", &[("line", &line)]).await;
    assert_eq!(large.status, 413);
    let request = dana.client.post(format!("{}/", site.url())).header(ORIGIN, site.url());
    let json = dana
        .send(request.header("content-type", "application/json").body("{}"))
        .await;
    assert_eq!(json.status, 415);
    assert!(json.said().contains("nothing was done"), "{}", json.said());
    assert_eq!(site.marks().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_are_wrong_are_told_on_every_page_until_they_are_right() {
    let site = Site::open().await;
    let (dana, lee) = (site.sign_in(DANA).await, site.sign_in(LEE).await);
    let mut stream = super::stream::Stream::open(&lee, "/events").await;
    assert!(!stream.until("notices").await.data.contains("are wrong"));
    let say = "The files of runbooks, people, policy or panels are wrong, so what was in force before stays in force.";
    assert_eq!(dana.get("/runs").await.texts("#notices .notice").len(), 0);
    site.world.write(
        "commands/mark.toml",
        &MARK.replace("kind = \"integer\"", "kind = \"number\""),
    );
    let wrong = site
        .until(&dana, "/runs", |page| {
            page.texts("#notices p").iter().any(|notice| notice.contains(say))
        })
        .await;
    let details = wrong.texts("#notices pre").join(" ");
    assert!(details.contains("mark.toml:5:8"), "{details}");
    // Who may only look is told that it is so, and nothing of what stands in the files.
    let vic = site.sign_in(VIC).await.get("/runs").await;
    assert!(vic.texts("#notices p").join(" ").contains(say));
    assert!(!vic.page.contains("mark.toml"), "{}", vic.page);
    let run = run_of(&dana.post("/", "n", &[("line", "/mark 1")]).await);
    site.until(&dana, &format!("/runs/{run}"), |page| page.said().contains("succeeded"))
        .await;
    assert!(stream.until("notices").await.data.contains("are wrong"));
    site.world.write("commands/mark.toml", MARK);
    site.until(&dana, "/runs", |page| page.texts("#notices .notice").is_empty())
        .await;
    assert!(!stream.until("notices").await.data.contains("are wrong"));
}

/// Also where another process sends, and found it out.
#[tokio::test(flavor = "multi_thread")]
async fn a_platform_that_cannot_be_spoken_to_is_told_on_every_page_until_it_can() {
    let site = Site::open().await;
    let (dana, lee) = (site.sign_in(DANA).await, site.sign_in(LEE).await);
    let mut stream = super::stream::Stream::open(&lee, "/events").await;
    // A page is told how things stand when it begins to listen.
    stream.until("notices").await;
    let sender = site.world.process("sender").await;
    let say = "it does not accept the bot token (token_revoked)";
    let at: jiff::Timestamp = "2026-05-04T03:02:01Z".parse().unwrap();
    sender.store.platform_fails("slack", say, at).await.unwrap();
    stream.until("notices").await;
    let told = dana.get("/runs").await.texts("#notices p").join(" ");
    assert!(
        told.starts_with(
            "The chat platform slack cannot be spoken to: it does not accept the bot token (token_revoked). Runs go on; \
             what is said of them there waits. Since"
        ),
        "{told}"
    );
    sender.store.platform_works("slack").await.unwrap();
    stream.until("notices").await;
    assert_eq!(dana.get("/runs").await.texts("#notices .notice").len(), 0);
}
