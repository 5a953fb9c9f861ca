//! The simulators before the platforms' own clients: what holds our bot to the rules must do for theirs what the platforms
//! do. And the signatures: what their helpers sign we take, and what is signed here they take.

mod discord;
mod signatures;
mod slack;

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

/// A Python program beside this file. It ends when it is dropped.
struct Program {
    _child: Child,
    to: ChildStdin,
    from: Lines<BufReader<ChildStdout>>,
}

impl Program {
    fn start(name: &str, environment: &[(&str, &str)]) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let python: PathBuf = root.join("demo/.venv-tests/bin/python");
        assert!(
            python.exists(),
            "{} is not installed: run demo/ctl install --tests",
            python.display()
        );
        let mut child = Command::new(python)
            .arg(root.join("tests/official").join(name))
            .envs(environment.iter().copied())
            .env("no_proxy", "127.0.0.1")
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let (to, from) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Self {
            _child: child,
            to,
            from: BufReader::new(from).lines(),
        }
    }

    /// The next line that it prints.
    async fn says(&mut self) -> String {
        let line = tokio::time::timeout(Duration::from_secs(60), self.from.next_line()).await;
        let line = line.expect("it says nothing").unwrap();
        line.expect("it has ended; its complaint stands above")
    }

    async fn until_ready(&mut self) {
        while self.says().await != "ready" {}
    }

    async fn tell(&mut self, line: &str) {
        self.to.write_all(format!("{line}\n").as_bytes()).await.unwrap();
    }
}
