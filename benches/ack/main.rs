//! How fast a slash command is acknowledged, which is after it is stored. Every number stands beside a baseline of the
//! same minute on the same machine, because the numbers alone say more about the machine.
//!
//! `cargo bench --bench ack` builds for release first, which takes long; `cargo bench --profile dev --bench ack` measures
//! what `make demo` runs. `SIGNALBOX_BIN` names another program to measure, `ACK_SECONDS` the length of a measurement.
//! In a shell that has read a demo's `env`, the cost of the command line is measured too.

mod bolt;
mod bot;
mod load;
mod slack;

use bolt::Bolt;
use bot::Bot;
use load::{Flow, Measured};
use std::error::Error;
use std::fs::{File, remove_file};
use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What fails here ends the measurement; nobody handles it.
type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

const CONNECTIONS: [usize; 2] = [16, 64];

/// How long the bot may take to work off what it acknowledged before the next measurement begins anyway.
const SETTLE: Duration = Duration::from_secs(20);

fn main() -> Outcome<()> {
    let program =
        std::env::var_os("SIGNALBOX_BIN").map_or_else(|| env!("CARGO_BIN_EXE_signalbox").into(), PathBuf::from);
    let seconds = std::env::var("ACK_SECONDS").map_or(Ok(10), |text| text.parse())?;
    let span = Duration::from_secs(seconds);
    let debug = if cfg!(debug_assertions) { "dev" } else { "release" };
    println!(
        "program     {} ({:.0} MiB; this generator is a {debug} build)",
        program.display(),
        mebibytes(program.metadata()?.len())
    );

    let slack = slack::listen()?;
    let folder = tempfile::tempdir()?;
    println!(
        "this disk   {:.0} fdatasync/s, one after another",
        syncs(folder.path())?
    );
    let mut bot = Bot::start(&program, folder.path(), slack)?;
    println!("start       {} ms from exec to /readyz", bot.started_in.as_millis());
    println!("resident    {:.0} MiB idle", mebibytes(bot.resident()?));
    println!();
    println!("connections what                   per second   p50 ms   p99 ms   of healthz   CPU s: server, generator");

    let bolt = Bolt::start(folder.path())?;
    for connections in CONNECTIONS {
        let bolt = match &bolt {
            Some(bolt) => Some(bolt_acks(bolt, connections, span, bot.slack)?),
            None => None,
        };
        let health = load::run(bot.address, &same("/healthz", connections), span, bot.pid())?;
        show(connections, "GET /healthz", &health, &health);
        let acks = acknowledge(&bot, connections, span, &health)?;
        if let Some(bolt) = bolt {
            println!(
                "            {:.2} times as many as Bolt acknowledges, which keeps nothing",
                acks / bolt
            );
        }
    }
    drop(bolt);
    if let Some(mut python) = Python::start()? {
        let file = load::run(
            python.address,
            &same("/healthz", 16),
            Duration::from_secs(3),
            python.child.id(),
        )?;
        show(16, "python http.server", &file, &file);
        python.child.kill()?;
        python.child.wait()?;
    }
    println!();
    println!("resident    {:.0} MiB at the most", mebibytes(bot.most_resident()?));
    bot.stop()?;
    command_line(&program)
}

/// Acknowledgements, and the proof that each was stored.
fn acknowledge(bot: &Bot, connections: usize, span: Duration, health: &Measured) -> Outcome<f64> {
    let before = bot.stored()?;
    // As many as could be acknowledged if storing cost nothing would take minutes to sign; a second tells enough.
    let trial = load::run(
        bot.address,
        &slack::commands(connections, 400, bot.slack),
        Duration::from_secs(1),
        bot.pid(),
    )?;
    let each = (trial.answers.len() as f64 * span.as_secs_f64() * 2.5) as usize / connections + 200;
    let flow = slack::commands(connections, each, bot.slack);
    let acks = load::run(bot.address, &flow, span, bot.pid())?;
    show(connections, "acks, each stored", &acks, health);
    if acks.ran_dry {
        println!("            the prepared deliveries were used up before the time was");
    }
    let acknowledged = trial.answers.len() + acks.answers.len();
    let stored = bot.stored()? - before;
    println!(
        "            {acknowledged} acknowledged, {stored} stored, {} told to try again",
        acks.refused
    );
    if stored < acknowledged {
        return Err(format!("{} deliveries were acknowledged and not stored", acknowledged - stored).into());
    }
    let begun = Instant::now();
    let left = bot.settle(SETTLE)?;
    println!(
        "            {left} requests still unanswered {:.1} s later",
        begun.elapsed().as_secs_f64()
    );
    Ok(acks.per_second())
}

/// What Bolt acknowledges in a second; warm, as a server is that runs for days.
fn bolt_acks(bolt: &Bolt, connections: usize, span: Duration, slack: SocketAddr) -> Outcome<f64> {
    let trial = load::run(
        bolt.address,
        &slack::commands(connections, 20_000 / connections, slack),
        Duration::from_secs(3),
        bolt.pid(),
    )?;
    let each = (trial.per_second() * span.as_secs_f64() * 2.0) as usize / connections + 200;
    let acks = load::run(
        bolt.address,
        &slack::commands(connections, each, slack),
        span,
        bolt.pid(),
    )?;
    show(connections, "Bolt JS acks, not stored", &acks, &acks);
    Ok(acks.per_second())
}

fn show(connections: usize, what: &str, measured: &Measured, baseline: &Measured) {
    let rate = measured.per_second();
    println!(
        "{connections:<11} {what:<24} {rate:>10.0} {:>8.2} {:>8.2} {:>10.2} x   {:>6.1}, {:.1}",
        measured.percentile(50),
        measured.percentile(99),
        rate / baseline.per_second(),
        measured.server_cpu.as_secs_f64(),
        measured.own_cpu.as_secs_f64(),
    );
}

/// The same request for ever, on each connection.
fn same(path: &str, connections: usize) -> Vec<Flow> {
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n");
    (0..connections)
        .map(|_| Flow::Same(Arc::from(request.as_bytes())))
        .collect()
}

/// What a server that commits each delivery by itself could do at the most.
fn syncs(folder: &Path) -> Outcome<f64> {
    let path = folder.join("syncs");
    let mut file = File::create(&path)?;
    let begun = Instant::now();
    let mut count = 0;
    while begun.elapsed() < Duration::from_secs(1) {
        file.write_all(&[0; 700])?;
        file.sync_data()?;
        count += 1;
    }
    let rate = f64::from(count) / begun.elapsed().as_secs_f64();
    remove_file(path)?;
    Ok(rate)
}

/// A server that everybody knows.
struct Python {
    child: Child,
    address: SocketAddr,
}

impl Python {
    /// None where there is no Python.
    fn start() -> Outcome<Option<Self>> {
        const PROGRAM: &str = "
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
class Handler(BaseHTTPRequestHandler):
    protocol_version, disable_nagle_algorithm = 'HTTP/1.1', True
    def do_GET(self):
        self.send_response(200); self.send_header('content-length', '0'); self.end_headers()
    def log_message(self, *_): pass
ThreadingHTTPServer(('127.0.0.1', int(sys.argv[1])), Handler).serve_forever()";
        let address = bot::free_address()?;
        let child = Command::new("python3")
            .args(["-c", PROGRAM, &address.port().to_string()])
            .stdin(Stdio::null())
            .spawn();
        let Ok(mut child) = child else {
            println!("            no python3 here, so no comparison with it");
            return Ok(None);
        };
        if let Err(error) = load::await_ok(address, "/", Duration::from_secs(10)) {
            child.kill()?;
            return Err(error);
        }
        Ok(Some(Self { child, address }))
    }
}

/// What it costs to ask from a shell, beside what it costs to start the program at all.
fn command_line(program: &Path) -> Outcome<()> {
    const TIMES: u32 = 10;
    let took = |arguments: &[&str]| -> Outcome<Duration> {
        let begun = Instant::now();
        for _ in 0..TIMES {
            let done = Command::new(program)
                .args(arguments)
                .stdout(Stdio::null())
                .stderr(Stdio::piped())
                .output()?;
            if !done.status.success() {
                return Err(format!("{arguments:?}: {}", String::from_utf8_lossy(&done.stderr)).into());
            }
        }
        Ok(begun.elapsed() / TIMES)
    };
    if std::env::var_os("DEMO_STATE").is_none() {
        println!("shell       not measured: no demo's `env` was read into this shell");
        return Ok(());
    }
    let help = took(&["--help"])?;
    let run = took(&["run", "stuck-orders", "--as", "vic", "--wait"])?;
    println!(
        "shell       {} ms for `signalbox run stuck-orders --wait`, {} ms for `--help`",
        run.as_millis(),
        help.as_millis()
    );
    Ok(())
}

fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

/// A listener on a port of this machine that nobody else has.
fn listener() -> Outcome<TcpListener> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?)
}
