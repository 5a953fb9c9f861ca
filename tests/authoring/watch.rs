//! `signalbox check --watch`.

use super::Desk;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(30);

#[test]
fn an_edit_is_checked_by_itself_until_ctrl_c() {
    let desk = Desk::new();
    let mut watching = desk
        .command(&["check", "--watch"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (told, lines) = mpsc::channel();
    let out = BufReader::new(watching.stdout.take().unwrap());
    let reader = std::thread::spawn(move || out.lines().map_while(Result::ok).try_for_each(|line| told.send(line)));
    let until = |what: &str| loop {
        let line = lines
            .recv_timeout(PATIENCE)
            .unwrap_or_else(|_| panic!("{what:?} was not said"));
        if line.contains(what) {
            return line;
        }
    };
    until("no problems");
    desk.edit("commands/stuck-orders.toml", "summary = ", "sumary = ");
    let line = until("stuck-orders.toml:2:1: ");
    assert!(
        line.ends_with("a runbook has no `sumary`; did you mean `summary`?"),
        "{line}"
    );
    desk.edit("commands/stuck-orders.toml", "sumary = ", "summary = ");
    until("no problems");
    let id = watching.id().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    assert_eq!(watching.wait().unwrap().code(), Some(0));
    reader.join().unwrap().unwrap();
}
