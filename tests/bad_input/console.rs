//! The console by its forms and addresses: whatever is sent, the page that comes back shows it and obeys nothing of it.

use super::parsers::assert_harmless;
use super::parsers::slack::EVERY;
use super::values::{MANY, SINGLE, brief, hostile};
use super::world::World;
use crate::harness::visitor::{Answered, Visitor};
use futures::StreamExt;
use futures::stream;
use scraper::{Html, Selector};
use signalbox::request::Words;
use signalbox::runbook::input::interpret;
use std::collections::BTreeSet;

/// Elements that our own pages are made of. What a value brings along is none of them, or would stand elsewhere.
const ELEMENTS: &str = "a article aside b body br button code details dd div dl dt em fieldset figcaption figure footer \
                        form h1 h2 h3 head header html img input label legend li link main mark meta nav noscript ol \
                        option output p path pre script section select small span strong style summary svg table tbody \
                        td textarea th thead time title tr ul datalist circle rect line picture source";

/// A page, read as a browser reads it.
pub(super) fn assert_safe_in_browser(page: &str, what: &str) {
    let html = Html::parse_document(page);
    assert_eq!(
        html.select(&Selector::parse("script:not([src^='/assets/'])").unwrap())
            .count(),
        0,
        "{what}: a script of its own"
    );
    let known: BTreeSet<&str> = ELEMENTS.split_whitespace().collect();
    for element in html.select(&Selector::parse("*").unwrap()) {
        let name = element.value().name();
        assert!(known.contains(name), "{what}: <{name}>");
        for (key, value) in element.value().attrs() {
            assert!(!key.starts_with("on") && key != "style", "{what}: {key}={value:?}");
            if ["href", "src", "action", "formaction"].contains(&key) {
                assert!(
                    (value.starts_with('/') && !value.starts_with("//")) || value.starts_with('#'),
                    "{what}: {key}={value:?}"
                );
            }
        }
    }
    let shown: String = html
        .select(&Selector::parse("body").unwrap())
        .flat_map(|body| body.text())
        .collect();
    assert_harmless(&shown.replace('\t', " "));
}

fn in_an_address(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// On a busy machine a form leads to the page that waits for the answer; that one leads on.
async fn settled(visitor: &Visitor, sent: Answered) -> Answered {
    let waits = sent.to.clone();
    if !waits.starts_with("/asked/") {
        return sent;
    }
    for _ in 0..100 {
        let page = visitor.get(&waits).await;
        if page.status != 200 || !page.said().contains("Signalbox is at it") {
            return page;
        }
    }
    panic!("{waits} is never answered");
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_form_no_value_does_harm() {
    let world = World::new().await;
    let _working = world.keep_working();
    let dana = &Visitor::pick(&world.url, "dana").await;
    // Each kind reads each value in tests of its own; here each value comes by the two that say most, and by one more.
    let kinds: Vec<&str> = SINGLE.into_iter().chain(MANY).collect();
    let tries: Vec<(&str, String)> = hostile()
        .into_iter()
        .enumerate()
        .flat_map(|(at, value)| ["text", "row", kinds[at % kinds.len()]].map(|name| (name, value.clone())))
        .collect();
    let answers = tries.iter().enumerate().map(|(at, (name, value))| async move {
        let fields = [(*name, value.as_str()), ("do", "run")];
        let sent = dana.post("/runbooks/every", &at.to_string(), &fields).await;
        settled(dana, sent).await
    });
    let answers: Vec<_> = stream::iter(answers).buffered(8).collect().await;
    let mut runs = 0;
    for ((name, value), answered) in tries.iter().zip(&answers) {
        let what = format!("{name}={}", brief(value));
        match interpret(&EVERY, &Words::Named(vec![((*name).to_owned(), value.clone())])) {
            Ok(_) => {
                assert_eq!(answered.status, 303, "{what}");
                assert!(answered.to.starts_with("/runs/"), "{what}: {}", answered.to);
                runs += 1;
            }
            Err(problems) => {
                assert_eq!(answered.status, 422, "{what}");
                assert_safe_in_browser(&answered.page, &what);
                let page = Html::parse_document(&answered.page);
                let told: String = page.root_element().text().collect();
                assert!(told.contains(name) && !problems.is_empty(), "{what}");
            }
        }
    }
    assert_eq!((world.runs().await, world.calls()), (runs, 0));
    assert!(runs > 100, "{runs} runs");
    // And the pages that show what was taken.
    let shown = answers.iter().filter(|answered| answered.status == 303).step_by(3);
    let pages = shown.map(|answered| async move { (answered, dana.get(&answered.to).await) });
    let pages: Vec<_> = stream::iter(pages).buffered(16).collect().await;
    for (answered, page) in pages {
        assert_eq!(page.status, 200);
        assert_safe_in_browser(&page.page, &answered.to);
    }
    for path in ["/", "/runs", "/approvals"] {
        assert_safe_in_browser(&dana.get(path).await.page, path);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn in_the_channel_no_line_does_harm() {
    let world = World::new().await;
    let _working = world.keep_working();
    let dana = &Visitor::pick(&world.url, "dana").await;
    let words = [
        "help",
        "runs",
        "stop",
        "deny",
        "undo",
        "override RUN",
        "unlock KEY",
        "pause",
        "resume",
    ];
    let lines: Vec<String> = hostile()
        .into_iter()
        .enumerate()
        .flat_map(|(at, value)| ["", "every", words[at % words.len()]].map(|word| format!("{word} {value}")))
        // What a word of ours asks for by itself is no bad input.
        .filter(|line| !["pause", "resume", "help", "runs", "every"].contains(&line.trim()))
        .collect();
    let answers = lines
        .iter()
        .enumerate()
        .map(|(at, line)| async move { (line, dana.type_in(line, &at.to_string()).await) });
    let answers: Vec<_> = stream::iter(answers).buffered(8).collect().await;
    let mut runs = 0;
    for (line, answered) in &answers {
        let what = brief(line);
        match answered.status {
            200 => assert_safe_in_browser(&answered.page, &what),
            422 => assert_harmless(&answered.page),
            status => panic!("{what}: {status} {}", answered.page),
        }
        runs += usize::from(answered.page.contains("id=\"run-"));
    }
    assert_eq!((world.runs().await, world.calls()), (runs, 0));
    let channel = dana.get("/").await;
    assert_safe_in_browser(&channel.page, "the channel");
    // Nothing is paused.
    assert!(!channel.page.contains("are paused by"), "{}", channel.page);
}

#[tokio::test(flavor = "multi_thread")]
async fn by_its_address_nothing_does_harm() {
    let world = World::new().await;
    let _working = world.keep_working();
    let dana = &Visitor::pick(&world.url, "dana").await;
    let mut paths = Vec::new();
    for value in hostile() {
        // An address of many kilobytes no browser sends, and the server refuses it before it is ours.
        if value.len() > 8000 {
            continue;
        }
        let value = in_an_address(&value);
        for before in [
            "/runs/",
            "/runbooks/",
            "/asked/",
            "/assets/",
            "/",
            "/runs?q=",
            "/runs?outcome=",
            "/runs?before=",
            "/runbooks?q=",
            "/complete?line=",
            "/runbooks/every?text=",
        ] {
            paths.push(format!("{before}{value}"));
        }
        paths.push(format!("/runs/{value}/chart.png"));
        paths.push(format!("/runs/{value}/json"));
    }
    let answers = paths.iter().map(|path| async move { (path, dana.get(path).await) });
    let answers: Vec<_> = stream::iter(answers).buffered(32).collect().await;
    for (path, answered) in answers {
        let what: String = path.chars().take(80).collect();
        assert!(
            [200, 400, 404, 303].contains(&answered.status),
            "{what}: {} {}",
            answered.status,
            answered.page
        );
        if !path.starts_with("/complete") && !path.starts_with("/assets/") {
            assert_safe_in_browser(&answered.page, &what);
        }
    }
    let presses = hostile();
    let answers = presses.iter().enumerate().map(|(at, value)| async move {
        let run = in_an_address("7k2m9qx4ab");
        let fields = [("press", value.as_str()), ("reason.7k2m9qx4ab", value.as_str())];
        dana.post(&format!("/runs/{run}/press"), &at.to_string(), &fields).await
    });
    let answers: Vec<_> = stream::iter(answers).buffered(32).collect().await;
    for (value, answered) in presses.iter().zip(answers) {
        assert_eq!(answered.status, 422, "{}", brief(value));
        assert_safe_in_browser(&answered.page, &brief(value));
    }
    assert_eq!((world.runs().await, world.calls()), (0, 0));
}
