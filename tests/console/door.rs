//! Who comes in, for how long, and how often somebody may try.

use super::{DANA, LEE, PEOPLE, Site};
use crate::crash::world::World;
use crate::harness::visitor::{Answered, Visitor, client};
use reqwest::header::{HOST, ORIGIN};
use std::fs;
use std::process::Command;

#[tokio::test(flavor = "multi_thread")]
async fn ones_own_token_opens_and_nothing_else_does() {
    let site = Site::open().await;
    let nobody = client();
    for (path, door) in [
        ("/", "/sign-in"),
        ("/runs?q=6&person=lee", "/sign-in?to=%2Fruns%3Fq%3D6%26person%3Dlee"),
        ("/approvals", "/sign-in?to=%2Fapprovals"),
        ("/runbooks", "/sign-in?to=%2Frunbooks"),
        ("/runs/x", "/sign-in?to=%2Fruns%2Fx"),
        ("/runs/x/json", "/sign-in?to=%2Fruns%2Fx%2Fjson"),
        ("/events", "/sign-in"),
        ("/asked/x", "/sign-in"),
    ] {
        let answered = Answered::of(nobody.get(format!("{}{path}", site.url())).send().await.unwrap()).await;
        assert_eq!((answered.status, answered.to.as_str()), (303, door), "{path}");
    }
    let long = "x".repeat(600);
    for token in ["", "dana", &DANA[1..], "DANA-0123456789ABCDEF0123456789ABCDEF", &long] {
        let refused = Visitor::sign_in(site.url(), token).await.err().expect("it opens");
        assert_eq!(refused.status, 403, "{token}");
        assert!(refused.said().contains("This token is nobody's."), "{}", refused.said());
    }
    let picked = nobody
        .post(format!("{}/pick", site.url()))
        .header(ORIGIN, site.url())
        .form(&[("person", "dana")])
        .send()
        .await
        .unwrap();
    assert_eq!(picked.status(), 403, "only the demo lets people be picked");
    assert!(picked.headers().get("set-cookie").is_none());

    let dana = site.sign_in(DANA).await;
    assert_eq!(dana.get("/").await.texts("details.who summary"), ["Signed in as dana"]);
    assert_eq!(dana.get("/sign-in").await.to, "/");
    let left = dana.post("/sign-out", "n", &[]).await;
    assert_eq!((left.status, left.to.as_str()), (303, "/sign-in"));
    assert_eq!(dana.get("/").await.to, "/sign-in", "the cookie is of no more use");
    assert!(!site.served.log().contains(&DANA[5..]), "a token stands in the log");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_door_leads_on_to_the_page_that_was_asked_for_and_nowhere_else() {
    let site = Site::open().await;
    let nobody = client();
    let enter = async |token: &str, to: &str| {
        let sent = nobody
            .post(format!("{}/sign-in", site.url()))
            .header(ORIGIN, site.url())
            .form(&[("token", token), ("to", to)]);
        Answered::of(sent.send().await.unwrap()).await
    };
    // As a link in chat leads there, with a slip of the finger in between.
    let page = "/runs/7k2m9qx4ab";
    let door = nobody.get(format!("{}{page}", site.url())).send().await.unwrap();
    let door = door.headers()["location"].to_str().unwrap().to_owned();
    let door = Answered::of(nobody.get(format!("{}{door}", site.url())).send().await.unwrap()).await;
    let to = door.attribute("input[name=to]", "value").unwrap();
    let refused = enter("wrong", &to).await;
    assert_eq!(refused.status, 403);
    let to = refused.attribute("input[name=to]", "value").unwrap();
    assert_eq!(enter(DANA, &to).await.to, page);
    for elsewhere in [
        "",
        "https://evil.example/runs",
        "//evil.example/runs",
        "/sign-out",
        "/events",
    ] {
        assert_eq!(enter(DANA, elsewhere).await.to, "/", "{elsewhere}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_was_typed_in_the_wrong_place_is_not_shown() {
    let site = Site::open().await;
    let dana = site.sign_in(DANA).await;
    let told = dana.type_in(&format!("/mark {LEE}"), "n").await;
    assert_eq!(told.status, 200);
    let channel = dana.get("/").await;
    assert_eq!(channel.texts("article.message").len(), 1, "{}", channel.said());
    for page in [told.page, channel.page, site.served.log()] {
        assert!(!page.contains(LEE), "{page}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_tries_too_often_waits_even_with_the_right_token() {
    let site = Site::open().await;
    for _ in 0..10 {
        assert_eq!(Visitor::sign_in(site.url(), "wrong").await.err().unwrap().status, 403);
    }
    let refused = Visitor::sign_in(site.url(), DANA).await.err().expect("it opens");
    assert_eq!(refused.status, 429);
    assert!(
        refused
            .said()
            .contains("Too many tries. Wait a minute, then try again.")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_ends() {
    let site = Site::open().await;
    let dana = site.sign_in(DANA).await;
    let database = format!("sqlite:{}", site.world.path("bot.db").display());
    let pool = sqlx::AnyPool::connect(&database).await.unwrap();
    let ended = sqlx::query("UPDATE session SET expires = 1")
        .execute(&pool)
        .await
        .unwrap();
    assert_eq!(ended.rows_affected(), 1);
    assert_eq!(dana.get("/").await.to, "/sign-in");
    let typed = dana.type_in("/mark 1", "n").await;
    assert_eq!(typed.status, 401);
    assert_eq!(typed.page, "Your sign-in has ended. Load the page again to sign in.");
    assert_eq!(site.marks().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_removed_is_out_and_so_is_who_gets_another_token() {
    let site = Site::open().await;
    let (dana, lee) = (site.sign_in(DANA).await, site.sign_in(LEE).await);
    let mut stream = super::stream::Stream::open(&lee, "/events").await;
    let without_dana = PEOPLE.replace("[person.dana]\nconsole = \"file:dana.token\"\ngroups = [\"ops\"]\n", "");
    assert_ne!(without_dana, PEOPLE);
    site.world.write("lee2.token", "lee-another-0123456789abcdef01234567");
    site.world
        .write("people.toml", &without_dana.replace("lee.token", "lee2.token"));
    for visitor in [&dana, &lee] {
        site.until(visitor, "/", |page| page.to == "/sign-in").await;
        assert_eq!(visitor.post("/", "n", &[("line", "/mark 1")]).await.to, "/sign-in");
    }
    stream.until("reload").await;
    stream.ends().await;
    assert_eq!(Visitor::sign_in(site.url(), DANA).await.err().unwrap().status, 403);
    assert_eq!(Visitor::sign_in(site.url(), LEE).await.err().unwrap().status, 403);
    site.sign_in("lee-another-0123456789abcdef01234567").await;
    assert_eq!(site.marks().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_counts_only_from_a_page_of_the_same_sign_in() {
    let site = Site::open().await;
    let dana = site.sign_in(DANA).await;
    let own = dana.csrf.clone();
    let others = site.sign_in(LEE).await.csrf;
    let origin = site.url();
    let host = origin.trim_start_matches("http://");
    for (what, csrf, origin, host, status, says) in [
        ("no csrf", None, Some(origin), host, 409, "nothing was done"),
        ("an empty csrf", Some(""), Some(origin), host, 409, "nothing was done"),
        (
            "lee's csrf",
            Some(others.as_str()),
            Some(origin),
            host,
            409,
            "You are dana in this browser now.",
        ),
        (
            "no origin",
            Some(own.as_str()),
            None,
            host,
            403,
            "not sent from a page of Signalbox",
        ),
        (
            "no one's origin",
            Some(own.as_str()),
            Some("null"),
            host,
            403,
            "not sent from a page of Signalbox",
        ),
        (
            "a foreign origin",
            Some(own.as_str()),
            Some("https://evil.example"),
            host,
            403,
            "not sent from a page",
        ),
        (
            "another port",
            Some(own.as_str()),
            Some("http://127.0.0.1:1"),
            host,
            403,
            "not sent from a page",
        ),
        (
            "a foreign host",
            Some(own.as_str()),
            Some("http://evil.example"),
            "evil.example",
            421,
            "not reached under",
        ),
    ] {
        let mut fields = vec![("nonce", "n"), ("line", "/mark 1")];
        fields.extend(csrf.map(|csrf| ("csrf", csrf)));
        let mut request = dana
            .client
            .post(format!("{}/", site.url()))
            .header(HOST, host)
            .form(&fields);
        if let Some(origin) = origin {
            request = request.header(ORIGIN, origin);
        }
        let answered = dana.send(request).await;
        assert_eq!(answered.status, status, "{what}");
        assert!(answered.said().contains(says), "{what}: {}", answered.said());
    }
    let foreign = dana.client.get(format!("{}/", site.url())).header(HOST, "evil.example");
    assert_eq!(dana.send(foreign).await.status, 421, "reading as well");
    let done = dana.post("/", "n", &[("line", "/mark 1")]).await;
    let run = super::run_of(&done);
    site.until(&dana, &format!("/runs/{run}"), |page| page.said().contains("succeeded"))
        .await;
    assert_eq!(site.marks().await, 1, "the one that was right");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_says_on_every_page_that_nothing_proves_who_one_is() {
    let site = Site::demo().await;
    let mark = "Demo. Anyone can be anyone here; nothing proves who you are.";
    let door = Answered::of(client().get(format!("{}/sign-in", site.url())).send().await.unwrap()).await;
    assert_eq!(door.texts("p.demo"), [mark]);
    assert_eq!(door.texts("button.pick strong"), ["dana", "lee", "vic"]);
    let dana = Visitor::pick(site.url(), "dana").await;
    for path in ["/", "/runs", "/approvals", "/runbooks", "/runbooks/mark", "/nowhere"] {
        assert_eq!(dana.get(path).await.texts("p.demo"), [mark], "{path}");
    }
    let stranger = Visitor::sign_in(site.url(), DANA)
        .await
        .err()
        .expect("no token counts here");
    assert_eq!((stranger.status, stranger.to.as_str()), (303, "/sign-in"));
}

#[tokio::test(flavor = "multi_thread")]
async fn check_tells_of_a_console_that_others_reach_and_nobody_can_enter() {
    let world = World::new(&[], None).await;
    let config = fs::read_to_string(world.path("signalbox.toml")).unwrap();
    let open = config
        .replace("127.0.0.1:0", "0.0.0.0:8080")
        .replace("http://127.0.0.1", "https://ops.example.com")
        .replace("demo = true", "demo = false")
        .replace("[connection.shop]", "[console]\nsession = \"1h\"\n[connection.shop]");
    world.write("signalbox.toml", &open);
    let check = || {
        let mut program = Command::new(env!("CARGO_BIN_EXE_signalbox"));
        let out = program
            .args(["check", "--config"])
            .arg(world.path("signalbox.toml"))
            .output();
        let out = out.unwrap();
        (out.status.code(), String::from_utf8(out.stdout).unwrap())
    };
    let (code, said) = check();
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains("people.toml:1:1:") && said.contains("nobody has a console token"),
        "{said}"
    );
    world.write("people.toml", PEOPLE);
    let (code, said) = check();
    assert_eq!(code, Some(0), "{said}");
}
