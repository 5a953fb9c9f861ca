//! Requests over connections that stay open, one thread each: blocking calls cost the generator the least.

use crate::Outcome;
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// What one connection sends.
pub enum Flow {
    /// One request again and again.
    Same(Arc<[u8]>),
    /// Each request once.
    Each(Vec<Vec<u8>>),
}

/// What came of it.
pub struct Measured {
    /// How long each empty or plain 200 took, sorted.
    pub answers: Vec<Duration>,
    /// Answers of another status, and those that say that nothing was kept.
    pub refused: usize,
    /// From the first request to the last answer.
    pub took: Duration,
    /// Some connection had sent all it had before the time was up.
    pub ran_dry: bool,
    /// Processor time of the server.
    pub server_cpu: Duration,
    /// Processor time of this process.
    pub own_cpu: Duration,
}

impl Measured {
    /// Answers in a second.
    pub fn per_second(&self) -> f64 {
        self.answers.len() as f64 / self.took.as_secs_f64()
    }

    /// In milliseconds; not a number where there was no answer.
    pub fn percentile(&self, percent: usize) -> f64 {
        let at = (self.answers.len() * percent / 100).min(self.answers.len().saturating_sub(1));
        self.answers
            .get(at)
            .map_or(f64::NAN, |took| took.as_secs_f64() * 1000.0)
    }
}

/// Sends for a while on as many connections as there are flows.
pub fn run(address: SocketAddr, flows: &[Flow], span: Duration, server: u32) -> Outcome<Measured> {
    let ran_dry = AtomicBool::new(false);
    let (server_before, own_before) = (cpu(server)?, cpu(std::process::id())?);
    let begun = Instant::now();
    let deadline = begun + span;
    let parts = thread::scope(|scope| {
        let threads: Vec<_> = flows
            .iter()
            .map(|flow| scope.spawn(|| follow(address, flow, deadline, &ran_dry)))
            .collect();
        threads
            .into_iter()
            .map(|thread| {
                thread
                    .join()
                    .unwrap_or_else(|_| Err("a connection's thread panicked".into()))
            })
            .collect::<Outcome<Vec<_>>>()
    })?;
    let took = begun.elapsed();
    let refused = parts.iter().map(|(_, refused)| refused).sum();
    let mut answers: Vec<Duration> = parts.into_iter().flat_map(|(answers, _)| answers).collect();
    answers.sort_unstable();
    Ok(Measured {
        answers,
        refused,
        took,
        ran_dry: ran_dry.into_inner(),
        server_cpu: cpu(server)? - server_before,
        own_cpu: cpu(std::process::id())? - own_before,
    })
}

fn follow(
    address: SocketAddr,
    flow: &Flow,
    deadline: Instant,
    ran_dry: &AtomicBool,
) -> Outcome<(Vec<Duration>, usize)> {
    let mut connection = Connection::open(address)?;
    let (mut answers, mut refused) = (Vec::new(), 0);
    let mut send = |request: &[u8]| -> Outcome<bool> {
        let begun = Instant::now();
        if begun >= deadline {
            return Ok(false);
        }
        match connection.ask(request)? {
            Answer {
                status: 200,
                told: false,
            } => answers.push(begun.elapsed()),
            _ => refused += 1,
        }
        Ok(true)
    };
    match flow {
        Flow::Same(request) => while send(request)? {},
        Flow::Each(requests) => {
            let mut all = true;
            for request in requests {
                all = send(request)?;
                if !all {
                    break;
                }
            }
            ran_dry.fetch_or(all, Ordering::Relaxed);
        }
    }
    Ok((answers, refused))
}

/// Waits until a path answers 200.
pub fn await_ok(address: SocketAddr, path: &str, patience: Duration) -> Outcome<()> {
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n");
    let begun = Instant::now();
    loop {
        let answer = Connection::open(address).and_then(|mut connection| connection.ask(request.as_bytes()));
        if matches!(answer, Ok(Answer { status: 200, .. })) {
            return Ok(());
        }
        if begun.elapsed() > patience {
            return Err(format!("{path} did not answer 200 within {patience:?}").into());
        }
        thread::sleep(Duration::from_millis(2));
    }
}

/// Waits until somebody listens.
pub fn await_open(address: SocketAddr, patience: Duration) -> Outcome<()> {
    let begun = Instant::now();
    while TcpStream::connect(address).is_err() {
        if begun.elapsed() > patience {
            return Err(format!("nobody listens on {address} after {patience:?}").into());
        }
        thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

struct Answer {
    status: u16,
    /// The body is a message, with which the bot tells somebody that nothing was kept.
    told: bool,
}

struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    fn open(address: SocketAddr) -> Outcome<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(15)))?;
        Ok(Self {
            stream,
            buffer: vec![0; 8192],
        })
    }

    fn ask(&mut self, request: &[u8]) -> Outcome<Answer> {
        self.stream.write_all(request)?;
        let mut filled = 0;
        loop {
            let read = self.stream.read(&mut self.buffer[filled..])?;
            if read == 0 {
                return Err("the connection was closed, or the answer is too long".into());
            }
            filled += read;
            if let Some(answer) = whole(&self.buffer[..filled])? {
                return Ok(answer);
            }
        }
    }
}

/// The answer, once all of it is there.
fn whole(bytes: &[u8]) -> Outcome<Option<Answer>> {
    let Some(head) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
        return Ok(None);
    };
    let text = std::str::from_utf8(&bytes[..head])?.to_ascii_lowercase();
    let status = text.get(9..12).ok_or("no status")?.parse()?;
    let body = &bytes[head + 4..];
    let length = text.lines().find_map(|line| line.strip_prefix("content-length:"));
    let is_whole = match length {
        Some(length) => body.len() >= length.trim().parse()?,
        // In pieces, as Node.js answers; the last one is empty.
        None if text.contains("transfer-encoding: chunked") => body.ends_with(b"0\r\n\r\n"),
        None => return Err("an answer without a length".into()),
    };
    Ok(is_whole.then(|| Answer {
        status,
        told: body.starts_with(b"{\"response_type\"") || body.starts_with(b"{\"text\""),
    }))
}

/// Processor time of a process, in user and kernel.
fn cpu(pid: u32) -> Outcome<Duration> {
    // Linux counts in hundredths of a second here, whatever its clock does. The name may hold spaces and ends with ")".
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let (_, fields) = stat.rsplit_once(')').ok_or("a strange /proc")?;
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let ticks = |at: usize| -> Outcome<u64> { Ok(fields.get(at).ok_or("a strange /proc")?.parse()?) };
    Ok(Duration::from_millis((ticks(11)? + ticks(12)?) * 10))
}
