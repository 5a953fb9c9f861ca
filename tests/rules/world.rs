//! A bot that knows one Prometheus.

use std::fs;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

/// Its files.
pub struct World(TempDir);

impl World {
    pub fn new(prometheus: &str, panels: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        fs::create_dir(folder.path().join("commands")).unwrap();
        write("people.toml", "[person.dana]\ngroups = [\"ops\"]\n[group.ops]\n");
        write(
            "policy.cedar",
            "@id(\"ops\")\n@say(\"Ops may.\")\npermit (principal in Group::\"ops\", action, resource);\n",
        );
        write(
            "signalbox.toml",
            &format!(
                "[server]\nlisten = \"127.0.0.1:0\"\npublic_url = \"http://127.0.0.1\"\ndemo = true\n[store]\nurl = \
                 \"sqlite:bot.db\"\n[files]\ncommands = \"commands\"\npeople = \"people.toml\"\npolicy = \
                 \"policy.cedar\"\npanels = \"{}\"\n[console]\nsession = \"1h\"\n[connection.shop-metrics]\nkind = \
                 \"prometheus\"\nurl = \"{prometheus}\"\n",
                panels.display()
            ),
        );
        Self(folder)
    }

    /// The systems that the shipped panels name, none of which answers.
    pub fn beside_silent_systems(self) -> Self {
        let write = |name: &str, text: &str| fs::write(self.0.path().join(name), text).unwrap();
        write("shop.url", "postgres://shop:x@127.0.0.1:1/shop");
        write("broker.url", "redis://127.0.0.1:1/0");
        let config = fs::read_to_string(self.0.path().join("signalbox.toml")).unwrap();
        let silent = "[connection.shop-db]\nkind = \"postgres\"\nurl = \"file:shop.url\"\n[connection.shop-celery]\nkind = \
                      \"celery\"\nbroker = \"file:broker.url\"\nresults = \"file:broker.url\"\n";
        write("signalbox.toml", &(config + silent));
        self
    }

    /// What `check --live` says, and its exit code, without the other systems and with places from the repository's root.
    pub fn checks(&self) -> (i32, String) {
        let output = Command::new(env!("CARGO_BIN_EXE_signalbox"))
            .args(["check", "--live", "--config"])
            .arg(self.0.path().join("signalbox.toml"))
            .output()
            .unwrap();
        let said = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
        let said = said.replace(&format!("{}/", env!("CARGO_MANIFEST_DIR")), "");
        let said = said.lines().filter(|line| {
            let other = line.starts_with("shop-db:") || line.starts_with("shop-celery:");
            !other && !line.starts_with("0 runbooks")
        });
        let falls = regex::Regex::new("fell [0-9]+ times").unwrap();
        let said = said.collect::<Vec<_>>().join("\n");
        (
            output.status.code().unwrap(),
            falls.replace_all(&said, "fell N times").into_owned(),
        )
    }
}
