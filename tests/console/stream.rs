//! What an open page hears.

use super::{DANA, LEE, PATIENCE, Site, run_of};
use crate::harness::visitor::Visitor;
use reqwest::Response;
use reqwest::header::COOKIE;

/// A page's open stream of events.
pub(super) struct Stream {
    response: Response,
    read: String,
}

/// An event: what it is, its id, and what it carries.
#[derive(Debug)]
pub(super) struct Event {
    kind: String,
    id: Option<i64>,
    pub(super) data: String,
}

impl Stream {
    pub(super) async fn open(visitor: &Visitor, path: &str) -> Self {
        let request = visitor.client.get(format!("{}{path}", visitor.url));
        let response = request.header(COOKIE, &visitor.cookie).send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self {
            response,
            read: String::new(),
        }
    }

    /// The next event; none at the end. A sign of life alone is none.
    async fn next(&mut self) -> Option<Event> {
        let event = tokio::time::timeout(PATIENCE, self.read_event());
        event.await.expect("nothing comes")
    }

    async fn read_event(&mut self) -> Option<Event> {
        loop {
            if let Some((event, rest)) = self.read.split_once("\n\n") {
                let (event, rest) = (event.to_owned(), rest.to_owned());
                self.read = rest;
                let of = |key: &str| {
                    let lines = event.lines().filter_map(|line| line.strip_prefix(key));
                    lines.map(str::trim_start).collect::<Vec<_>>().join("\n")
                };
                if of("event:").is_empty() {
                    continue;
                }
                return Some(Event {
                    kind: of("event:"),
                    id: of("id:").parse().ok(),
                    data: of("data:"),
                });
            }
            let chunk = self.response.chunk().await.unwrap()?;
            self.read.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }

    pub(super) async fn until(&mut self, kind: &str) -> Event {
        loop {
            let event = self
                .next()
                .await
                .unwrap_or_else(|| panic!("the stream ends before {kind}"));
            if event.kind == kind {
                return event;
            }
        }
    }

    pub(super) async fn ends(&mut self) {
        while let Some(event) = self.next().await {
            assert_ne!(event.kind, "run", "{event:?}");
        }
    }
}

fn seq(event: &Event) -> i64 {
    let (_, rest) = event.data.split_once("data-seq=\"").unwrap();
    rest.split_once('"').unwrap().0.parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_moves_forward_on_every_page_and_a_gap_is_filled() {
    let site = Site::open().await;
    let (dana, lee) = (site.sign_in(DANA).await, site.sign_in(LEE).await);
    let mut stream = Stream::open(&lee, "/events").await;
    assert_eq!(stream.next().await.unwrap().kind, "hello");
    assert!(stream.until("waiting").await.data.contains("hidden"));

    let run = run_of(&dana.post("/", "n", &[("line", "/mark 6")]).await);
    let waits = stream.until("run").await;
    assert!(waits.data.contains(&format!("id=\"run-{run}\"")), "{waits:?}");
    assert!(waits.data.contains("data-outcome=\"awaiting-approval\""), "{waits:?}");
    assert!(waits.data.contains("Approve"), "lee's own buttons: {waits:?}");
    let count = stream.until("waiting").await.data;
    assert!(count.contains("waits for you") && !count.contains("hidden"), "{count}");

    let form = lee.get(&format!("/runs/{run}")).await;
    let press = form.attribute("button[name=press]", "value").unwrap();
    lee.post(&format!("/runs/{run}/press"), "n", &[("press", &press)]).await;
    let (mut last, mut count) = (waits, count);
    while !last.data.contains("data-outcome=\"succeeded\"") || !count.contains("hidden") {
        let next = stream.next().await.unwrap();
        match next.kind.as_str() {
            "waiting" => count = next.data,
            "run" => {
                assert!(seq(&next) > seq(&last) && next.id >= last.id, "{next:?} after {last:?}");
                last = next;
            }
            _ => {}
        }
    }

    // A page that was away asks for what it missed.
    let mut later = Stream::open(&dana, "/events?since=0").await;
    assert_eq!(later.until("run").await.data, {
        let mut again = Stream::open(&dana, "/events?since=0").await;
        again.until("run").await.data
    });
    let mut nothing_new = Stream::open(&dana, &format!("/events?since={}", i64::MAX)).await;
    assert_eq!(nothing_new.next().await.unwrap().kind, "hello");
    assert_eq!(nothing_new.next().await.unwrap().kind, "waiting");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_person_has_twenty_streams_and_others_still_get_theirs() {
    let mut site = Site::open().await;
    let (dana, lee) = (site.sign_in(DANA).await, site.sign_in(LEE).await);
    let mut streams = Vec::new();
    for _ in 0..20 {
        streams.push(Stream::open(&dana, "/events").await);
    }
    let refused = dana.get("/events").await;
    assert_eq!(refused.status, 503);
    assert!(
        refused
            .page
            .contains("Too many pages of Signalbox are open. Close some;"),
        "{refused:?}"
    );
    streams.push(Stream::open(&lee, "/events").await);

    // With all of them open, the bot ends at once and cleanly.
    let begun = std::time::Instant::now();
    assert!(site.served.end().await.success());
    assert!(
        begun.elapsed() < std::time::Duration::from_secs(5),
        "{:?}",
        begun.elapsed()
    );
    for stream in &mut streams {
        stream.ends().await;
    }
    assert!(!site.served.log().contains("some connections were still open"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_out_ends_the_streams_of_that_sign_in() {
    let site = Site::open().await;
    let (one, other) = (site.sign_in(DANA).await, site.sign_in(DANA).await);
    let mut ended = Stream::open(&one, "/events").await;
    let mut stays = Stream::open(&other, "/events").await;
    ended.until("waiting").await;
    stays.until("waiting").await;
    one.post("/sign-out", "n", &[]).await;
    ended.until("reload").await;
    ended.ends().await;
    other.post("/", "n", &[("line", "/mark 1")]).await;
    stays.until("run").await;
}
