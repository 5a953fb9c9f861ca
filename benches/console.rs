//! What the console costs: the bytes of its first load, the time until one can type, memory for open pages, and how
//! soon a completion is there, beside a baseline of the same minute.
//!
//! `cargo bench --profile dev --bench console` measures what `make demo` runs. It needs Chromium, which
//! `demo/ctl install --tests` installs. `SIGNALBOX_BIN` names another program to measure.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

#[path = "ack/bot.rs"]
#[allow(dead_code, reason = "the other bench counts what is stored")]
mod bot;
#[path = "../tests/harness/browser.rs"]
#[allow(dead_code, reason = "the tests use all of it")]
mod browser;
#[path = "ack/load.rs"]
#[allow(dead_code, reason = "the other bench sends more")]
mod load;
#[path = "ack/slack.rs"]
#[allow(dead_code, reason = "nobody types in Slack here")]
mod slack;

use bot::Bot;
use browser::{Browser, Window};
use load::{Flow, Measured};
use std::error::Error;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

/// What fails here ends the measurement; nobody handles it.
type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

const PEOPLE: usize = 20;
const PAGES_EACH: usize = 10;
const IDLE: Duration = Duration::from_secs(10);
const LOADS: usize = 7;

fn main() -> Outcome<()> {
    let program =
        std::env::var_os("SIGNALBOX_BIN").map_or_else(|| env!("CARGO_BIN_EXE_signalbox").into(), PathBuf::from);
    let folder = tempfile::tempdir()?;
    let bot = Bot::start(&program, folder.path(), slack::listen()?)?;
    println!("{:<34} {:>12} {:>12}", "", "measured", "allowed");
    first_load(&bot)?;
    in_chromium(&bot);
    open_pages(&bot)?;
    completion(&bot)
}

fn show(what: &str, measured: String, allowed: &str) {
    println!("{what:<34} {measured:>12} {allowed:>12}");
}

/// The page and everything that it names, as bytes on the wire.
fn first_load(bot: &Bot) -> Outcome<()> {
    let cookie = sign_in(bot.address, 0)?;
    let page = get(bot.address, "/", &cookie)?;
    let mut total = page.len();
    let text = String::from_utf8_lossy(&page);
    let mut assets: Vec<&str> = text.split('"').filter(|word| word.starts_with("/assets/")).collect();
    assets.sort_unstable();
    assets.dedup();
    for asset in &assets {
        total += get(bot.address, asset, &cookie)?.len();
    }
    show(
        "first load, with its files",
        format!("{:.1} kB", total as f64 / 1000.0),
        "60 kB",
    );
    Ok(())
}

/// Until one can type, and what an open page does while nothing happens.
fn in_chromium(bot: &Bot) {
    let browser = Browser::start();
    let window = browser.window(&format!("http://{}", bot.address));
    window.open("/");
    window.press_beginning("p0");
    window.sees_address("/");
    let mut interactive: Vec<f64> = (0..LOADS)
        .map(|_| {
            window.open("/");
            let script =
                "const t = performance.getEntriesByType('navigation')[0]; return t.domInteractive - t.startTime";
            window.script(script).as_f64().unwrap()
        })
        .collect();
    interactive.sort_by(f64::total_cmp);
    show(
        "interactive in Chromium, median",
        format!("{:.0} ms", interactive[LOADS / 2]),
        "100 ms",
    );
    let before = requests(&window);
    thread::sleep(IDLE);
    let sent = requests(&window) - before;
    show("requests of an idle page in 10 s", sent.to_string(), "0");
}

fn requests(window: &Window<'_>) -> u64 {
    window
        .script("return performance.getEntriesByType('resource').length")
        .as_u64()
        .unwrap()
}

/// Memory of the server with many pages open, each with its stream.
fn open_pages(bot: &Bot) -> Outcome<()> {
    let before = bot.resident()?;
    let mut streams = Vec::new();
    for person in 0..PEOPLE {
        let cookie = sign_in(bot.address, person)?;
        for _ in 0..PAGES_EACH {
            streams.push(listen(bot.address, &cookie)?);
        }
    }
    let after = bot.resident()?;
    let grown = after.saturating_sub(before) as f64 / f64::from(1 << 20);
    let pages = streams.len();
    show(
        &format!("{pages} open pages, memory"),
        format!("{grown:.1} MiB"),
        "20 MiB",
    );
    Ok(())
}

/// A stream that has said hello.
fn listen(address: SocketAddr, cookie: &str) -> Outcome<TcpStream> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    write!(
        stream,
        "GET /events?since=0 HTTP/1.1\r\nhost: {address}\r\ncookie: {cookie}\r\n\r\n"
    )?;
    let mut said = Vec::new();
    let mut buffer = [0; 1024];
    while !String::from_utf8_lossy(&said).contains("event: hello") {
        let read = stream.read(&mut buffer)?;
        if read == 0 {
            return Err(format!("no stream: {}", String::from_utf8_lossy(&said)).into());
        }
        said.extend_from_slice(&buffer[..read]);
    }
    Ok(stream)
}

/// One person typing, beside the cheapest request that there is.
fn completion(bot: &Bot) -> Outcome<()> {
    let cookie = sign_in(bot.address, 0)?;
    let measure = |path: &str| -> Outcome<Measured> {
        let request = format!(
            "GET {path} HTTP/1.1\r\nhost: {}\r\ncookie: {cookie}\r\n\r\n",
            bot.address
        );
        let flow = [Flow::Same(Arc::from(request.as_bytes()))];
        let measured = load::run(bot.address, &flow, Duration::from_secs(4), bot.pid())?;
        if measured.answers.is_empty() {
            return Err(format!("{path} was never answered").into());
        }
        Ok(measured)
    };
    let (health, line) = (measure("/healthz")?, measure("/complete?line=%2Ffor")?);
    for percent in [50, 99] {
        let (took, base) = (line.percentile(percent), health.percentile(percent));
        show(
            &format!("completion of a name, p{percent}"),
            format!("{took:.2} ms"),
            "300 ms",
        );
        println!("{:<34} {:>12}", "", format!("{:.1} x healthz", took / base));
    }
    Ok(())
}

/// The cookie of somebody who was picked.
fn sign_in(address: SocketAddr, person: usize) -> Outcome<String> {
    let body = format!("person=p{person}");
    let request = format!(
        "POST /pick HTTP/1.1\r\nhost: {address}\r\norigin: http://{address}\r\nconnection: close\r\ncontent-type: \
         application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let answer = ask(address, &request)?;
    let text = String::from_utf8_lossy(&answer);
    let cookie = text
        .lines()
        .find_map(|line| line.strip_prefix("set-cookie: ")?.split(';').next());
    Ok(cookie.ok_or_else(|| format!("nobody was picked: {text}"))?.to_owned())
}

fn get(address: SocketAddr, path: &str, cookie: &str) -> Outcome<Vec<u8>> {
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\ncookie: {cookie}\r\nconnection: close\r\n\r\n");
    let answer = ask(address, &request)?;
    if !answer.starts_with(b"HTTP/1.1 200 ") {
        return Err(format!("{path}: {}", String::from_utf8_lossy(&answer)).into());
    }
    Ok(answer)
}

fn ask(address: SocketAddr, request: &str) -> Outcome<Vec<u8>> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(answer)
}

/// A listener on a port of this machine that nobody else has.
fn listener() -> Outcome<TcpListener> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?)
}
