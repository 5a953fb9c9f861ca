//! Slack: what it sends, signed beforehand, and where it takes answers.

use crate::load::Flow;
use crate::{Outcome, listener};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

/// What deliveries are signed with.
pub const SIGNING_SECRET: &str = "8f742231b10e8888abcd99yyyzzz85a5";

/// How many people type.
pub const USERS: u64 = 400;

/// No trigger is used twice in one measurement.
static TRIGGER: AtomicU64 = AtomicU64::new(0);

/// Slash commands, each of another trigger, for every connection. Half come from people who may not ask; the other half
/// has a mistake in it. So each goes through the gate, gets an answer that is posted, and needs no shop.
pub fn commands(connections: usize, each: usize, slack: SocketAddr) -> Vec<Flow> {
    // Slack's clock and ours are one. They are accepted for five minutes.
    let now = jiff::Timestamp::now().as_second();
    // Signing takes a while in a build without optimization, so the processors share it.
    thread::scope(|scope| {
        let threads: Vec<_> = (0..connections)
            .map(|_| scope.spawn(move || (0..each).map(|_| command(now, slack)).collect()))
            .collect();
        threads
            .into_iter()
            .map(|thread| Flow::Each(thread.join().unwrap_or_default()))
            .collect()
    })
}

fn command(now: i64, slack: SocketAddr) -> Vec<u8> {
    let trigger = TRIGGER.fetch_add(1, Ordering::Relaxed);
    let user = trigger % USERS;
    let body = format!(
        "token=x&team_id=T1&team_domain=shop&channel_id=C{channel}&channel_name=shop&user_id=U{user}&user_name=u{user}\
         &command=%2Fforward-order&text=none&api_app_id=A1&is_enterprise_install=false\
         &response_url=http%3A%2F%2F{slack}%2Fcommands%2F{trigger}&trigger_id={trigger}.7.{user}",
        channel = user % 40,
    );
    let signature = Hmac::<Sha256>::new_from_slice(SIGNING_SECRET.as_bytes()).map(|mut mac| {
        mac.update(format!("v0:{now}:{body}").as_bytes());
        hex::encode(mac.finalize().into_bytes())
    });
    // A key of any length will do.
    let signature = signature.unwrap_or_default();
    format!(
        "POST /slack/commands HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/x-www-form-urlencoded\r\n\
         x-slack-request-timestamp: {now}\r\nx-slack-signature: v0={signature}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// A Slack that takes every message at once, for as long as this program lives.
pub fn listen() -> Outcome<SocketAddr> {
    let listener = listener()?;
    let address = listener.local_addr()?;
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // The bot may close a connection whenever it likes.
            thread::spawn(move || answer(stream).ok());
        }
    });
    Ok(address)
}

fn answer(mut stream: TcpStream) -> Outcome<()> {
    const BODY: &str = r#"{"ok":true,"ts":"1.1","channel":"C1","message_ts":"1.1"}"#;
    let answer = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{BODY}",
        BODY.len()
    );
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    loop {
        let mut length = 0;
        loop {
            line.clear();
            if reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
            let header = line.trim_end().to_ascii_lowercase();
            if header.is_empty() {
                break;
            }
            if let Some(value) = header.strip_prefix("content-length:") {
                length = value.trim().parse()?;
            }
        }
        reader.by_ref().take(length).read_to_end(&mut Vec::new())?;
        stream.write_all(answer.as_bytes())?;
    }
}
