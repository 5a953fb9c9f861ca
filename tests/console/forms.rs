//! The main job by plain forms and redirects, as a browser without scripts does it.

use super::{DANA, LEE, Site, VIC, run_of};

const OWN: &str = "You asked for this yourself, so somebody else has to approve it.";

#[tokio::test(flavor = "multi_thread")]
async fn asked_by_one_approved_by_another_and_done_once() {
    let site = Site::open().await;
    let (dana, lee) = (site.sign_in(DANA).await, site.sign_in(LEE).await);
    // Two clicks on one button, at the same time.
    let line = [("line", "/mark 6")];
    let (first, second) = tokio::join!(dana.post("/", "page", &line), dana.post("/", "page", &line));
    let run = run_of(&first);
    assert_eq!(run_of(&second), run);
    assert_eq!(first.to, format!("/#run-{run}"));
    assert_eq!(dana.get("/").await.texts("article.message h2"), ["/mark order=6"]);

    let own = dana.get(&format!("/runs/{run}")).await;
    assert!(own.said().contains(OWN), "{}", own.said());
    let path = format!("/runs/{run}/press");
    let page = lee.get("/approvals").await;
    assert_eq!(
        page.attribute("button[name=press]", "formaction").as_deref(),
        Some(path.as_str())
    );
    let approve = page.attribute("button[name=press]", "value").unwrap();
    let refused = dana.post(&path, "own", &[("press", &approve)]).await;
    let said = dana.get(&refused.to).await.said();
    assert!(said.contains(OWN), "{said}");
    assert_eq!(site.marks().await, 0, "before the yes");

    let pressed = [("press", approve.as_str())];
    let (one, two) = tokio::join!(lee.post(&path, "yes", &pressed), lee.post(&path, "yes", &pressed));
    assert_eq!((one.status, two.status), (303, 303));
    let done = site
        .until(&dana, &format!("/runs/{run}"), |page| page.said().contains("succeeded"))
        .await;
    assert!(done.said().contains("lee approved"), "{}", done.said());
    assert_eq!(site.marks().await, 1);
    assert_eq!(
        lee.get("/runs").await.texts("ul.runs > li").len(),
        1,
        "two posts of one form are one run"
    );

    let again = dana.post("/", "another page", &[("line", "/mark 1")]).await;
    assert_ne!(run_of(&again), run);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_runbooks_form_tells_what_is_wrong_and_shows_the_plan_first() {
    let site = Site::open().await;
    let dana = site.sign_in(DANA).await;
    let wrong = dana
        .post("/runbooks/mark", "n", &[("order", "many"), ("do", "plan")])
        .await;
    assert_eq!(wrong.status, 422);
    assert_eq!(wrong.attribute("input[name=order]", "value").as_deref(), Some("many"));
    assert_eq!(
        wrong.attribute("input[name=order]", "aria-invalid").as_deref(),
        Some("true")
    );
    let plan = dana
        .post("/runbooks/mark", "n", &[("order", "1"), ("do", "plan")])
        .await;
    let shown = dana.get(&plan.to).await;
    assert!(
        shown.said().contains("dry run") && shown.said().contains("Mark 1."),
        "{}",
        shown.said()
    );
    assert_eq!(site.marks().await, 0);
    let path = shown.attribute("button[value=run]", "formaction").unwrap();
    let run = run_of(&dana.post(&path, "n", &[("press", "run")]).await);
    site.until(&dana, &format!("/runs/{run}"), |page| page.said().contains("succeeded"))
        .await;
    assert_eq!(site.marks().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_viewer_sees_and_does_nothing() {
    let site = Site::open().await;
    let (dana, vic) = (site.sign_in(DANA).await, site.sign_in(VIC).await);
    let run = run_of(&dana.post("/", "n", &[("line", "/mark 6")]).await);
    let page = format!("/runs/{run}");
    let seen = vic.get(&page).await;
    assert!(seen.said().contains("waits for approval"), "{}", seen.said());
    assert_eq!(seen.texts("button[name=press]:not([disabled])"), Vec::<String>::new());
    assert!(
        vic.get("/approvals")
            .await
            .said()
            .contains("Nothing waits for your yes.")
    );
    assert_eq!(
        vic.get(&format!("{page}/json")).await.status,
        404,
        "what was seen beforehand is for those who may ask"
    );
    assert_eq!(dana.get(&format!("{page}/json")).await.status, 200);

    let list = vic.get("/runbooks").await.said();
    assert!(list.contains("Viewers may look and change nothing."), "{list}");
    for form in [
        vic.get("/runbooks/mark").await,
        vic.post("/runbooks/mark", "f", &[("order", "1"), ("do", "run")]).await,
    ] {
        assert_eq!(form.status, 403);
        assert!(
            form.said().contains("Viewers may look and change nothing."),
            "{}",
            form.said()
        );
    }
    let approve = dana.get(&format!("{page}/json")).await;
    let digest: serde_json::Value = serde_json::from_str(&approve.page).unwrap();
    let press = format!("approve {}", digest["report"]["digest"].as_str().unwrap());
    let reason = format!("reason.{run}");
    for (path, fields) in [
        ("/".to_owned(), ("line", "/mark 1")),
        (format!("{page}/press"), ("press", press.as_str())),
        (format!("{page}/press"), ("press", "deny")),
        (format!("{page}/press"), ("press", "override")),
    ] {
        let sent = vic.post(&path, "v", &[fields, (&reason, "I want it")]).await;
        assert_eq!(sent.status, 303, "{sent:?}");
        let said = vic.get(&sent.to).await.said();
        assert!(said.contains("denied"), "{fields:?}: {said}");
    }
    // Somebody else's answers are nobody's business.
    let answer = dana
        .post("/", "help", &[("line", "/help")])
        .await
        .to
        .replace("/#answer-", "/asked/");
    assert_eq!(dana.get(&answer).await.status, 200);
    assert_eq!(vic.get(&answer).await.status, 404);
    assert!(dana.get(&page).await.said().contains("waits for approval"));
    assert_eq!(site.marks().await, 0);
}
