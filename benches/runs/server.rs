//! A PostgreSQL of its own, which keeps what it commits.

use crate::Outcome;
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

pub struct Postgres {
    child: Child,
    port: u16,
    _folder: TempDir,
}

impl Postgres {
    /// None where none is installed.
    pub fn start() -> Outcome<Option<Self>> {
        let Some(programs) = programs() else { return Ok(None) };
        let folder = tempfile::tempdir()?;
        let user = postgres_user()?;
        if let Some((uid, gid)) = user {
            chown(folder.path(), Some(uid), Some(gid))?;
        }
        let place = folder.path().to_owned();
        let data = place.join("data");
        let run = |program: &str| {
            let mut command = Command::new(programs.join(program));
            command
                .current_dir(&place)
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null());
            if let Some((uid, gid)) = user {
                command.uid(uid).gid(gid);
            }
            command
        };
        let made = run("initdb")
            .arg("-D")
            .arg(&data)
            .args([
                "-U",
                "postgres",
                "-A",
                "trust",
                "-E",
                "UTF8",
                "--locale=C.UTF-8",
                "--no-sync",
            ])
            .status()?;
        if !made.success() {
            return Err("initdb failed".into());
        }
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let child = run("postgres")
            .arg("-D")
            .arg(&data)
            .arg("-k")
            .arg(&place)
            .args(["-p", &port.to_string(), "-c", "listen_addresses=127.0.0.1"])
            .spawn()?;
        let server = Self {
            child,
            port,
            _folder: folder,
        };
        for _ in 0..200 {
            let ready = run("pg_isready")
                .args(["-q", "-h", "127.0.0.1", "-p", &port.to_string()])
                .status()?;
            if ready.success() {
                return Ok(Some(server));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Err("PostgreSQL does not start".into())
    }

    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let stopped = Command::new("kill")
            .args(["-INT", &self.child.id().to_string()])
            .status();
        if stopped.is_err() {
            let _ = self.child.kill();
        }
        let _ = self.child.wait();
    }
}

fn programs() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").ok()?;
    versions
        .filter_map(Result::ok)
        .map(|version| version.path().join("bin"))
        .find(|bin| bin.join("postgres").exists())
}

/// A server refuses to run as root.
fn postgres_user() -> Outcome<Option<(u32, u32)>> {
    use std::os::unix::fs::MetadataExt;
    if fs::metadata(Path::new("/proc/self"))?.uid() != 0 {
        return Ok(None);
    }
    let users = fs::read_to_string("/etc/passwd")?;
    let line = users
        .lines()
        .find(|line| line.starts_with("postgres:"))
        .ok_or("no user postgres")?;
    let fields: Vec<&str> = line.split(':').collect();
    Ok(Some((fields[2].parse()?, fields[3].parse()?)))
}
