//! How many runs the bot carries out, how soon it goes on, what waiting costs, and how soon a successor has taken over:
//! on SQLite and on PostgreSQL, both with every commit on the disk. The gate, the engine and the store are the real ones;
//! the outside systems answer at once, so that nothing but the bot is measured. Beside each figure stands what the same
//! database does in the same minute with one commit after another.
//!
//! `cargo bench --bench runs` builds for release first, which takes long. `RUNS_SECONDS` is the length of a measurement,
//! `RUNS_PAST` the number of past runs that the database is filled with (a million where it is not said). `RUNS_ON` is `sqlite` or `postgres`, to measure one alone.

mod past;
mod server;
mod world;

use jiff::{SignedDuration, Timestamp};
use std::error::Error;
use std::time::{Duration, Instant};
use world::World;

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> Outcome<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let debug = if cfg!(debug_assertions) { "dev" } else { "release" };
    println!("{debug} build; five steps a run, each answered at once");
    runtime.block_on(async {
        let which = std::env::var("RUNS_ON").unwrap_or_default();
        let folder = tempfile::tempdir()?;
        let file = format!("sqlite:{}", folder.path().join("bot.db").display());
        if which != "postgres" {
            println!("\nSQLite, synchronous = FULL");
            measure(&file).await?;
        }
        if which == "sqlite" {
            return Ok(());
        }
        match server::Postgres::start()? {
            Some(server) => {
                println!("\nPostgreSQL, fsync = on, on the same two cores");
                measure(&server.url()).await?;
            }
            None => println!("\nPostgreSQL is not installed here: `demo/ctl install --tests` installs it"),
        }
        Outcome::Ok(())
    })
}

async fn measure(url: &str) -> Outcome<()> {
    let seconds: u64 = std::env::var("RUNS_SECONDS").map_or(Ok(8), |text| text.parse())?;
    let world = World::new(url).await?;
    let alone = commits_alone(&world).await?;
    println!("  {alone:>8.0} commits/s, one after another: the baseline");

    throughput(&world, Duration::from_secs(seconds), alone).await?;
    approval(&world).await?;
    waiting(&world).await?;
    recovery(&world).await?;
    past(&world).await
}

/// What one commit after another comes to.
async fn commits_alone(world: &World) -> Outcome<f64> {
    let begun = Instant::now();
    let mut commits = 0_u32;
    while begun.elapsed() < Duration::from_secs(2) {
        world.store_request().await?;
        commits += 1;
    }
    world.forget_requests().await?;
    Ok(f64::from(commits) / begun.elapsed().as_secs_f64())
}

/// From the stored request, through the gate, to the closed run; as many at once as the bot takes.
async fn throughput(world: &World, span: Duration, alone: f64) -> Outcome<()> {
    let working = world.work("thriving");
    let cpu = cpu_time()?;
    let begun = Instant::now();
    let mut asked = 0_usize;
    let mut closed = 0;
    while begun.elapsed() < span {
        // Enough wait that the bot is never idle, and few enough that a slow one does not drown.
        while asked < closed + 512 {
            world.ask_many("five", 64).await?;
            asked += 64;
        }
        // Counting is not free, and none of the bot's work.
        tokio::time::sleep(Duration::from_millis(100)).await;
        closed = world.closed().await?;
    }
    let took = begun.elapsed().as_secs_f64();
    let rate = closed as f64 / took;
    let cores = (cpu_time()? - cpu).as_secs_f64() / took;
    world.settle(asked).await?;
    working.end().await?;
    let (writes, entries) = world.writes_each().await?;
    println!(
        "  {rate:>8.0} runs/s, {:.2} of the baseline; {entries} journal entries in {writes} writes a run; {cores:.1} cores of this process",
        rate / alone
    );
    Ok(())
}

/// From the stored yes to the intent of the first step.
async fn approval(world: &World) -> Outcome<()> {
    let working = world.work("prompt");
    let mut times = Vec::new();
    for _ in 0..60 {
        let run = world.waiting_run().await?;
        times.push(world.approve(&run, &working).await?);
    }
    working.end().await?;
    times.sort_unstable();
    println!(
        "  {:>8.1} ms from the stored approval to the first step, median; {:.1} ms p95",
        times[times.len() / 2].as_secs_f64() * 1e3,
        times[times.len() * 95 / 100].as_secs_f64() * 1e3
    );
    Ok(())
}

/// What a thousand runs cost that wait for an approval.
async fn waiting(world: &World) -> Outcome<()> {
    let span = Duration::from_secs(10);
    let working = world.work("patient");
    tokio::time::sleep(Duration::from_secs(1)).await;
    let before = cpu_time()?;
    tokio::time::sleep(span).await;
    let idle = (cpu_time()? - before).as_secs_f64() / span.as_secs_f64();
    for _ in 0..1000 / 50 {
        world.ask_many("asks", 50).await?;
    }
    world.until_waiting(1000).await?;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let before = cpu_time()?;
    tokio::time::sleep(span).await;
    let busy = (cpu_time()? - before).as_secs_f64() / span.as_secs_f64();
    working.end().await?;
    println!(
        "  {:>8.2} % of a core with 1,000 runs that wait, {:.2} % with none; resident {:.0} MiB",
        busy * 100.0,
        idle * 100.0,
        resident()? as f64 / f64::from(1 << 20)
    );
    Ok(())
}

/// A process dies with a thousand steps under way; their claims have run out, and another process begins.
async fn recovery(world: &World) -> Outcome<()> {
    let runs = world.in_flight(1000).await?;
    let begun = Instant::now();
    let working = world.work("successor");
    let unsure = world.until_rested(&runs).await?;
    let took = begun.elapsed();
    working.end().await?;
    println!(
        "  {:>8.2} s until 1,000 runs are recovered and ended that were in the middle of a step; {unsure} of them doubtful",
        took.as_secs_f64()
    );
    Ok(())
}

/// The same calls in a database without, and with, so many past runs.
async fn past(world: &World) -> Outcome<()> {
    let many: u64 = std::env::var("RUNS_PAST").map_or(Ok(1_000_000), |text| text.parse())?;
    if many == 0 {
        return Ok(());
    }
    let empty = past::Times::take(world).await?;
    past::fill(world, many).await?;
    let full = past::Times::take(world).await?;
    println!(
        "           with {many} past runs: storing a delivery {:.2} times as long, a run's start {:.2}, `runs` {:.2}, claiming {:.2}",
        full.receive / empty.receive,
        full.start / empty.start,
        full.list / empty.list,
        full.claim / empty.claim,
    );
    Ok(())
}

/// Of this process and all its threads.
fn cpu_time() -> Outcome<Duration> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks: u64 = fields[11].parse::<u64>()? + fields[12].parse::<u64>()?;
    // Linux counts in hundredths of a second wherever this runs.
    Ok(Duration::from_millis(ticks * 10))
}

fn resident() -> Outcome<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .ok_or("no VmRSS")?;
    Ok(line.split_whitespace().next().ok_or("empty")?.parse::<u64>()? * 1024)
}

/// A moment that is over for every claim.
fn long_ago() -> Timestamp {
    Timestamp::now() - SignedDuration::from_mins(1)
}
