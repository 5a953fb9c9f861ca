//! `signalbox serve` as a process of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(30);
const BETWEEN_LOOKS: Duration = Duration::from_millis(25);

/// A bot that is up, on a port of this machine.
pub struct Served {
    pub url: String,
    child: Child,
    log: PathBuf,
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Served {
    /// With a config that names this port. What it says is kept beside the config.
    pub async fn start(config: &Path, port: u16) -> Self {
        Self::start_in(config, port, &[], &[]).await
    }

    /// With something more in its environment, and by a command that becomes it.
    pub async fn start_in(config: &Path, port: u16, environment: &[(&str, String)], through: &[&str]) -> Self {
        let log = config.with_file_name("serve.log");
        let file = fs::File::options().create(true).append(true).open(&log).unwrap();
        let mut words = through.iter().copied().chain([env!("CARGO_BIN_EXE_signalbox")]);
        let child = Command::new(words.next().unwrap())
            .args(words)
            .args(["serve", "--config"])
            .arg(config)
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .stdout(file.try_clone().unwrap())
            .stderr(file)
            .spawn()
            .unwrap();
        let mut served = Self {
            url: format!("http://127.0.0.1:{port}"),
            child,
            log,
        };
        let start = Instant::now();
        while reqwest::get(format!("{}/readyz", served.url)).await.is_err() {
            let ended = served.child.try_wait().unwrap();
            assert!(ended.is_none() && start.elapsed() < PATIENCE, "{}", served.log());
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
        served
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    /// Sends it a signal, as `kill` takes it: `-STOP`.
    pub fn signal(&self, signal: &str) {
        let told = Command::new("kill").args([signal, &self.id().to_string()]).status();
        assert!(told.unwrap().success());
    }

    /// Asks it to end, as an operator does, and waits until it has.
    pub async fn end(&mut self) -> ExitStatus {
        self.signal("-TERM");
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(start.elapsed() < PATIENCE, "{}", self.log());
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
    }
}
