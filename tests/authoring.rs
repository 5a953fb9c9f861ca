//! What the author of a runbook has: `new`, `check` with its excerpts and `--watch`, `test`, and the schema for editors.

mod discord;
mod docs;
mod schema;
mod trial;
mod watch;

use serde_json::json;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

/// A copy of what is shipped, to break.
struct Desk {
    folder: TempDir,
}

impl Desk {
    fn new() -> Self {
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
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        fs::write(self.path(name), text).unwrap();
    }

    fn edit(&self, name: &str, right: &str, wrong: &str) {
        let text = fs::read_to_string(self.path(name)).unwrap();
        assert!(text.contains(right), "{name}: {right}");
        self.write(name, &text.replacen(right, wrong, 1));
    }

    /// With nothing in the environment: no secret is looked up.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_signalbox"));
        command.args(arguments).current_dir(self.folder.path()).env_clear();
        command
    }

    fn run(&self, arguments: &[&str]) -> (i32, String, String) {
        let Output { status, stdout, stderr } = self.command(arguments).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (status.code().unwrap(), text(stdout), text(stderr))
    }
}

#[test]
fn what_new_writes_is_checked_and_tried_at_once() {
    let desk = Desk::new();
    for (name, more) in [("late-orders", None), ("close-order", Some("--write"))] {
        let mut arguments = vec!["new", name];
        arguments.extend(more);
        let (code, said, _) = desk.run(&arguments);
        assert_eq!(code, 0);
        assert_eq!(
            said,
            format!(
                "Wrote commands/{name}.toml.\nNext: edit it while `signalbox check --watch` runs; \
                 `signalbox test {name}` shows what people would see.\n"
            )
        );
        assert_eq!(desk.run(&["check"]).0, 0);
        let (code, said, _) = desk.run(&["test", name]);
        assert_eq!(code, 0, "{said}");
        assert!(said.ends_with("no problems, nothing sent twice.\n"), "{said}");
    }
    // What is there stays as it is.
    desk.write("commands/mine.toml", "summary = 'mine'");
    let (code, _, told) = desk.run(&["new", "mine"]);
    assert_eq!(code, 2);
    assert!(told.contains("mine.toml is there already"), "{told}");
    assert_eq!(
        fs::read_to_string(desk.path("commands/mine.toml")).unwrap(),
        "summary = 'mine'"
    );
    let (code, _, told) = desk.run(&["new", "../mine"]);
    assert_eq!(code, 2);
    insta::assert_snapshot!(told, @"signalbox: `../mine` is no name for a runbook: a small letter, then at most 31 small letters, digits and hyphens");
}

#[test]
fn a_problem_is_one_line_for_programs_and_shows_its_place_to_people() {
    let desk = Desk::new();
    desk.edit(
        "commands/stuck-orders.toml",
        "use = \"postgres.query\"",
        "use = \"postgres.qery\"",
    );
    desk.edit("commands/stuck-orders.toml", "looks.stuck.more", "looks.stuk.more");
    let (code, said, told) = desk.run(&["check"]);
    assert_eq!((code, told.as_str()), (1, "2 problems\n"));
    insta::assert_snapshot!(said, @"
    commands/stuck-orders.toml:9:7: there is no action `postgres.qery`; did you mean `postgres.query`?
    commands/stuck-orders.toml:92:9: `looks.stuk` is not known; did you mean `stuck`?
    ");
    let (_, said, _) = desk.run(&["check", "--excerpts"]);
    insta::assert_snapshot!(said, @r#"
    commands/stuck-orders.toml:9:7: there is no action `postgres.qery`; did you mean `postgres.query`?
        use = "postgres.qery"
              ^
    commands/stuck-orders.toml:92:9: `looks.stuk` is not known; did you mean `stuck`?
        when = "looks.stuk.more"
                ^
    "#);
}

#[test]
fn a_program_gets_an_object_also_for_what_makes_no_sense() {
    let (code, said, complaint) = Desk::new().run(&["run", "forward-order", "1042", "--json"]);
    let told: serde_json::Value = serde_json::from_str(&said).unwrap();
    let found = (&told["run"], &told["outcome"], &told["runbook"]);
    assert_eq!(found, (&json!(null), &json!("invalid"), &json!("forward-order")));
    assert_eq!(
        told["say"],
        "`1042`: an input is written NAME=VALUE, such as order=1042"
    );
    assert_eq!(code, 2);
    assert_eq!(complaint, format!("signalbox: {}\n", told["say"].as_str().unwrap()));
}

#[test]
fn coverage_tells_which_sections_of_the_written_runbook_can_be_carried_out() {
    let desk = Desk::new();
    desk.write(
        "RUNBOOK.md",
        "# Shop\n\n## Dashboards\n\n## Re-sync suppliers and re-run failed orders\n### Alerts\n## Restore\n",
    );
    desk.edit("commands/oncall.toml", "section = \"Alerts\"", "section = \"Restores\"");
    let (code, told, _) = desk.run(&["coverage", "RUNBOOK.md"]);
    assert_eq!(code, 1);
    insta::assert_snapshot!(told, @r"
    RUNBOOK.md:3: Dashboards: /metrics
    RUNBOOK.md:5: Re-sync suppliers and re-run failed orders: /end-silence, /forward-order, /order-status, /resync-supplier, /resync-supplier-admin, /retry-forward, /silence-alert, /stuck-orders, /supplier-status
    RUNBOOK.md:7: Restore: nothing carries it out
    commands/oncall.toml:3:1: the document has no section `restores`; did you mean `restore`?
    commands/shop-health.toml:3:1: the document has no section `rollback deploy`; there is `alerts`, `dashboards`, `re-sync suppliers and re-run failed orders`, `restore`, `shop`
    2 of 3 sections can be carried out.
    ");
    let (code, told, _) = desk.run(&["coverage", "RUNBOOK.md", "--json"]);
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    assert_eq!((code, &told["covered"], &told["of"]), (1, &json!(2), &json!(3)));
    assert_eq!(
        told["sections"][0],
        json!({ "section": "Dashboards", "line": 3, "runbooks": ["metrics"] })
    );
    desk.edit("RUNBOOK.md", "## Restore\n", "");
    assert_eq!(desk.run(&["coverage", "RUNBOOK.md"]).0, 0);
    desk.write("RUNBOOK.md", "Just words.\n");
    let (code, _, told) = desk.run(&["coverage", "RUNBOOK.md"]);
    assert_eq!(
        (code, told.as_str()),
        (
            2,
            "signalbox: RUNBOOK.md has no headings of Markdown such as `## Rollback`\n"
        )
    );
}
