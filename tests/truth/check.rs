//! `signalbox check`.

use std::fs;
use std::path::Path;
use std::process::Command;

fn check(config: &Path) -> (i32, String) {
    // No variable that a secret stands for is there.
    let out = Command::new(env!("CARGO_BIN_EXE_signalbox"))
        .args(["check", "--config"])
        .arg(config)
        .env_clear()
        .output()
        .unwrap();
    (out.status.code().unwrap(), String::from_utf8(out.stdout).unwrap())
}

#[test]
fn what_is_shipped_is_right_and_needs_no_secret_to_be_checked() {
    let (code, said) = check(&Path::new(env!("CARGO_MANIFEST_DIR")).join("config/signalbox.toml"));
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("no problems"), "{said}");
}

#[test]
fn every_problem_of_three_files_is_told_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    for sub in ["config", "config/panels", "commands"] {
        fs::create_dir_all(folder.path().join(sub)).unwrap();
        for entry in fs::read_dir(here.join(sub)).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                fs::copy(&path, folder.path().join(sub).join(path.file_name().unwrap())).unwrap();
            }
        }
    }
    // Each breaks one line, and two break in two places.
    let breaks = [
        ("config/people.toml", "os_user = \"dana\"", "os_usr = \"dana\""),
        ("config/people.toml", "slack = [\"T1/U2\"]", "slack = 7"),
        (
            "config/policy.cedar",
            "action == Action::\"view\"",
            "action == Action::\"vuew\"",
        ),
        (
            "commands/stuck-orders.toml",
            "use = \"postgres.query\"",
            "use = \"postgres.qery\"",
        ),
        (
            "commands/stuck-orders.toml",
            "when = \"looks.stuck.more\"",
            "when = \"looks.stuk.more\"",
        ),
    ];
    let mut places = Vec::new();
    for (file, right, wrong) in breaks {
        let path = folder.path().join(file);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(right), "{file}: {right}");
        let line = text.lines().position(|line| line.contains(right)).unwrap() + 1;
        fs::write(&path, text.replacen(right, wrong, 1)).unwrap();
        places.push(format!("{}:{line}:", Path::new(file).file_name().unwrap().display()));
    }
    let (code, said) = check(&folder.path().join("config/signalbox.toml"));
    assert_eq!(code, 1, "{said}");
    for place in places {
        assert!(said.contains(&place), "{place} is not told:\n{said}");
    }
}
