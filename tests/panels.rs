//! Panels as people get them: `signalbox chart` against a real Prometheus and against one that answers as a test says,
//! the shipped queries, and the dashboard for Grafana.

mod chart;
mod queries;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

/// A configuration with one Prometheus and the panels of a test.
struct Desk {
    folder: TempDir,
}

impl Desk {
    fn new(prometheus: &str, panels: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("config");
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        for sub in ["commands", "panels"] {
            fs::create_dir(folder.path().join(sub)).unwrap();
        }
        for name in ["people.toml", "policy.cedar", "../commands/metrics.toml"] {
            let to = name.trim_start_matches("../");
            fs::copy(here.join(name), folder.path().join(to)).unwrap();
        }
        write("key", "a key of this test");
        write("panels/panels.toml", panels);
        write(
            "signalbox.toml",
            &format!(
                "[server]\nlisten = \"127.0.0.1:0\"\npublic_url = \"http://127.0.0.1:1\"\ndemo = true\n[store]\nurl = \
                 \"sqlite:bot.db\"\nkey = \"file:key\"\n[files]\ncommands = \"commands\"\npeople = \"people.toml\"\n\
                 policy = \"policy.cedar\"\npanels = \"panels\"\n[connection.metrics]\nkind = \"prometheus\"\nurl = \
                 \"{prometheus}\"\n"
            ),
        );
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn run(&self, arguments: &[&str]) -> (i32, String, String) {
        run(&self.path("signalbox.toml"), arguments)
    }

    /// What the picture says to those who cannot see it, after its title and time.
    #[track_caller]
    fn chart(&self, panels: &[&str]) -> String {
        let out = self.path("chart.png");
        let rest = ["--last", "2m", "--out", out.to_str().unwrap()];
        let (code, said, complaint) = self.run(&[&["chart"], panels, &rest[..]].concat());
        assert_eq!((code, complaint.as_str()), (0, ""));
        assert!(fs::read(out).unwrap().starts_with(b"\x89PNG"));
        let (_, words) = said.trim_end().split_once(" UTC. ").unwrap();
        words.to_owned()
    }
}

fn run(config: &Path, arguments: &[&str]) -> (i32, String, String) {
    let Output { status, stdout, stderr } = Command::new(env!("CARGO_BIN_EXE_signalbox"))
        .args(arguments)
        .arg("--config")
        .arg(config)
        .env_clear()
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

#[test]
fn the_dashboard_for_grafana_is_exported_without_any_secret() {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/signalbox.toml");
    let (code, said, complaint) = run(&shipped, &["export", "grafana"]);
    assert_eq!((code, complaint.as_str()), (0, ""));
    let dashboard: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!(dashboard["title"], "Signalbox");
    let asked = dashboard["panels"].as_array().unwrap().iter();
    let asked: Vec<&str> = asked.filter_map(|panel| panel["targets"][0]["expr"].as_str()).collect();
    assert!(asked.contains(&"max(signalbox_signal{signal=\"orders_awaiting_forwarding\"})"));
    assert!(asked.contains(&"max by (provider) (max_over_time(payment_failures_total[3m]))"));
}

#[test]
fn a_dashboard_of_nothing_is_refused() {
    let desk = Desk::new("http://127.0.0.1:1", "");
    let (code, said, complaint) = desk.run(&["export", "grafana"]);
    assert_eq!((code, said.as_str()), (2, ""));
    insta::assert_snapshot!(complaint, @"signalbox: there are no panels: declare [panel.NAME] in a file of the panels folder");
}
