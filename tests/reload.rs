//! Edits of the bot's files while `signalbox serve` is up: what is right is in force soon, what is wrong is told and
//! changes nothing, and what is under way ends as it was planned.

use crate::crash::world::{PEOPLE, POLICY, World};
use crate::harness::served::Served;
use crate::harness::services::{free_port, until};
use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::Value;
use signalbox::report::{Outcome, Report};
use signalbox::request::{Account, Ask, Place, Request, Surface, Words};
use signalbox::run::ledger::Live;
use signalbox::store::Store;
use signalbox::store::deliveries::Progress;
use std::fs;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

/// Takes as long as the shop's table `gate` is locked.
const SLOW: &str = r#"
summary = "Does one thing, slowly."
[[input]]
name = "order"
kind = "integer"
[lock]
keys = ["'order:' + string(inputs.order)"]
[radius]
orders = "inputs.order"
[[step]]
name = "one"
use = "postgres.statement"
on = "shop"
with.sql = "with waited as (select count(*) from gate) insert into effect (word) select 'one' from waited"
say = "One."
timeout = "1m"
[[step.expect]]
when = "call.result == 'done'"
outcome = "done"
say = "Done as it was planned."
"#;

const LOOKS: &str = r#"
summary = "Looks."
[[look]]
name = "one"
use = "postgres.query"
on = "shop"
with.sql = "select 1 as n"
[result]
rows = "looks.one.rows"
columns = ["n"]
say = "The first word."
"#;

struct Bot {
    world: World,
    store: Store,
    served: Served,
}

impl Bot {
    async fn serve(runbooks: &[(&str, &str)]) -> Self {
        // Others may have installed it already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let world = World::new(runbooks, None).await;
        world.tell("CREATE TABLE gate (n INT)").await;
        let port = free_port();
        let config = fs::read_to_string(world.path("signalbox.toml")).unwrap();
        world.write(
            "signalbox.toml",
            &config
                .replace("127.0.0.1:0", &format!("127.0.0.1:{port}"))
                .replace("[connection.shop]", "panels = \"panels\"\n[connection.shop]"),
        );
        fs::create_dir(world.path("panels")).unwrap();
        let store = format!("sqlite:{}", world.path("bot.db").display());
        let store = Store::open(&SecretString::from(store), &SecretString::from(""))
            .await
            .unwrap();
        let served = Served::start(&world.path("signalbox.toml"), port).await;
        Self { world, store, served }
    }

    fn log(&self) -> String {
        self.served.log()
    }

    /// The log's lines with this message.
    fn told(&self, message: &str) -> Vec<Value> {
        let lines = self.log();
        let lines = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.filter(|line| line["message"] == message).collect()
    }

    async fn metrics(&self) -> String {
        let url = format!("{}/metrics", self.served.url);
        reqwest::get(url).await.unwrap().text().await.unwrap()
    }

    async fn until_shown(&self, line: &str) -> String {
        let start = Instant::now();
        loop {
            let text = self.metrics().await;
            if text.lines().any(|it| it == line) {
                return text;
            }
            assert!(start.elapsed() < Duration::from_secs(30), "{text}{}", self.log());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn metric(&self, name: &str) -> f64 {
        let text = self.metrics().await;
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap_or_else(|| panic!("no {name} in {text}"))
            .trim()
            .parse()
            .unwrap()
    }

    async fn applied(&self) -> f64 {
        self.metric("signalbox_rules_reloads_total{outcome=\"applied\"}").await
    }

    async fn rejected(&self) -> f64 {
        self.metric("signalbox_rules_reloads_total{outcome=\"rejected\"}").await
    }

    /// How long it took.
    async fn until_applied(&self, count: f64) -> Duration {
        let start = Instant::now();
        while self.applied().await < count {
            assert!(start.elapsed() < Duration::from_secs(30), "{}", self.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        start.elapsed()
    }

    /// Stored for the server, which answers it.
    async fn ask(&self, person: &str, ask: Ask) -> Progress {
        let account = Account::Picked {
            person: person.to_owned(),
        };
        let place = Place {
            surface: Surface::Cli,
            workspace: None,
            channel: None,
            thread: None,
        };
        let request = Request::new(account, place, ask);
        self.store.request(&request, Timestamp::now()).await.unwrap();
        let start = Instant::now();
        loop {
            match self.store.progress(&request.id).await.unwrap() {
                Progress::Pending => assert!(start.elapsed() < Duration::from_secs(30), "{}", self.log()),
                progress => return progress,
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn said(&self, person: &str, ask: Ask) -> Report {
        match self.ask(person, ask).await {
            Progress::Answered(report) => *report,
            Progress::Run(run) => panic!("it became run {run}"),
            Progress::Pending => unreachable!("the answer was waited for"),
        }
    }

    async fn begin(&self, runbook: &str, order: i64) -> String {
        let ask = Ask::Run {
            runbook: runbook.to_owned(),
            words: Words::Named(vec![("order".to_owned(), order.to_string())]),
            dry: false,
        };
        match self.ask("dana", ask).await {
            Progress::Run(run) => run,
            Progress::Answered(report) => panic!("{}", report.say),
            Progress::Pending => unreachable!("the answer was waited for"),
        }
    }

    async fn outcome(&self, run: &str) -> Outcome {
        Live::load(&self.store, run).await.unwrap().state.standing()
    }

    /// The program on the command line, beside the server.
    fn command(&self, words: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_signalbox"))
            .arg("--config")
            .arg(self.world.path("signalbox.toml"))
            .args(words)
            .output()
            .unwrap()
    }

    async fn until_outcome(&self, run: &str, outcome: Outcome) {
        let start = Instant::now();
        while self.outcome(run).await != outcome {
            assert!(start.elapsed() < Duration::from_secs(30), "{}", self.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn first_word(&self) -> String {
        let dry = Ask::Run {
            runbook: "looks".to_owned(),
            words: Words::Named(Vec::new()),
            dry: true,
        };
        self.said("dana", dry).await.say
    }
}

fn help() -> Ask {
    Ask::Help { runbook: None }
}

fn approve(run: &str) -> Ask {
    Ask::Approve {
        run: run.to_owned(),
        digest: None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn three_mistakes_change_nothing_and_their_mending_counts_soon() {
    let bot = Bot::serve(&[("slow", SLOW), ("looks", LOOKS)]).await;
    let mut gate = bot.world.shop.begin().await.unwrap();
    sqlx::query("LOCK TABLE gate").execute(&mut *gate).await.unwrap();
    let run = bot.begin("slow", 1).await;
    bot.until_outcome(&run, Outcome::Running).await;

    let edited = SLOW.replace("Done as it was planned.", "Done in other words.");
    bot.world
        .write("commands/slow.toml", &edited.replace("call.result ==", "cal.result =="));
    bot.world.write(
        "commands/looks.toml",
        &LOOKS.replace("The first word.", "Another word."),
    );
    bot.world.write(
        "people.toml",
        &PEOPLE.replace("[person.lee]\ngroups", "[person.lee]\ngrups"),
    );
    bot.world
        .write("policy.cedar", &POLICY.replace("@say(\"Ops may.\")", ""));
    until("what is wrong is told", || {
        !bot.told("what was before is in force; `signalbox check` shows what is wrong")
            .is_empty()
    })
    .await;

    assert_eq!((bot.rejected().await, bot.applied().await), (1.0, 0.0));
    assert_eq!(bot.metric("signalbox_rules_current").await, 0.0);
    assert_eq!(bot.first_word().await, "The first word.");
    let said = bot.said("lee", help()).await.say;
    assert!(said.contains("The files on disk have had 3 problems since"), "{said}");
    assert!(said.contains("slow.toml:18:9: "), "{said}");

    // The run ends by the plan that it began with.
    gate.rollback().await.unwrap();
    bot.until_outcome(&run, Outcome::Succeeded).await;
    let live = Live::load(&bot.store, &run).await.unwrap();
    let journal = format!("{:?}", live.run.journal);
    assert!(journal.contains("Done as it was planned."), "{journal}");

    // Told once, however often the files were looked at meanwhile; and without the lines themselves.
    let problems: Vec<String> = bot
        .told("the rules on disk are wrong")
        .iter()
        .map(|line| line["problem"].as_str().unwrap().rsplit('/').next().unwrap().to_owned())
        .collect();
    insta::assert_snapshot!(problems.join("\n"), @r#"
    slow.toml:18:9: `cal` is not known; did you mean `call`?
    people.toml:5:1: `person.lee.grups` is not known; did you mean `groups`?
    policy.cedar:2:1: a policy needs `@say("...")`, the sentence that people see when it decides
    "#);

    bot.world.write("commands/slow.toml", &edited);
    bot.world.write("people.toml", PEOPLE);
    bot.world.write("policy.cedar", POLICY);
    let took = bot.until_applied(1.0).await;
    // Six tenths of a second where the machine has nothing else to do.
    assert!(took < Duration::from_secs(3), "it took {took:?}");
    assert_eq!(bot.metric("signalbox_rules_current").await, 1.0);
    assert_eq!(bot.first_word().await, "Another word.");
    let applied = bot.told("the rules on disk are in force");
    assert_eq!(applied.last().unwrap()["change"], "edited: looks, slow");
    assert!(!bot.said("lee", help()).await.say.contains("on disk"));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_removed_can_no_longer_approve() {
    let bot = Bot::serve(&[("slow", SLOW)]).await;
    let run = bot.begin("slow", 9).await;
    assert_eq!(bot.outcome(&run).await, Outcome::AwaitingApproval);
    let without = PEOPLE.replace("[person.lee]\ngroups = [\"ops\"]\n", "");
    assert_ne!(without, PEOPLE);
    bot.world.write("people.toml", &without);
    bot.until_applied(1.0).await;
    let said = bot.said("lee", approve(&run)).await;
    assert_eq!(
        (said.outcome, said.say.as_str()),
        (Outcome::Denied, "There is no person lee in people.toml.")
    );
    assert_eq!(bot.outcome(&run).await, Outcome::AwaitingApproval);

    bot.world.write("people.toml", PEOPLE);
    bot.until_applied(2.0).await;
    assert_eq!(bot.ask("lee", approve(&run)).await, Progress::Run(run.clone()));
    bot.until_outcome(&run, Outcome::Succeeded).await;
    assert_eq!(bot.world.effects().await, ["one"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_read_when_it_is_whole() {
    let bot = Bot::serve(&[("slow", SLOW)]).await;
    // Cut off at each of these it is no runbook, or another one.
    let mut written = String::new();
    for line in LOOKS.split_inclusive('\n') {
        written.push_str(line);
        bot.world.write("commands/looks.toml", &written);
        tokio::time::sleep(Duration::from_millis(60)).await;
    }
    bot.until_applied(1.0).await;
    assert_eq!((bot.rejected().await, bot.applied().await), (0.0, 1.0));
    assert_eq!(bot.first_word().await, "The first word.");

    // As most editors write: another file takes the name. What they leave beside it is none of ours.
    bot.world.write("commands/.#looks.toml", "dana@host");
    bot.world.write("commands/new", &LOOKS.replace("first", "second"));
    fs::rename(bot.world.path("commands/new"), bot.world.path("commands/looks.toml")).unwrap();
    bot.until_applied(2.0).await;
    assert_eq!(bot.rejected().await, 0.0);
    assert_eq!(bot.first_word().await, "The second word.");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_config_itself_takes_a_restart_and_a_hangup_reads_at_once() {
    let bot = Bot::serve(&[("looks", LOOKS)]).await;
    let config = fs::read_to_string(bot.world.path("signalbox.toml")).unwrap();
    bot.world
        .write("signalbox.toml", &config.replace("demo = true", "demo = false"));
    let message = "the config file was edited; it is read at the start alone, so restart Signalbox for it to count";
    until("the edit of the config is told", || bot.told(message).len() == 1).await;
    assert_eq!(bot.first_word().await, "The first word.");

    let hangup = Command::new("kill")
        .args(["-HUP", &bot.served.id().to_string()])
        .status();
    assert!(hangup.unwrap().success());
    until("the hangup is answered", || {
        bot.told("the rules were read again: nothing has changed").len() == 1
    })
    .await;
    assert_eq!((bot.rejected().await, bot.applied().await), (0.0, 0.0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_signal_is_read_soon_and_a_removed_one_no_longer() {
    let bot = Bot::serve(&[("looks", LOOKS)]).await;
    let signal = |name: &str| {
        format!(
            "[signal.{name}]\nhelp = \"Effects.\"\nunit = \"effects\"\nuse = \"postgres.query\"\non = \"shop\"\n\
             with.sql = \"select 7 as n\"\nfield = \"rows.0.n\"\n"
        )
    };
    bot.world.write("panels/effects.toml", &signal("old"));
    bot.until_shown("signalbox_signal{signal=\"old\"} 7").await;
    bot.world.write("panels/effects.toml", &signal("new"));
    let text = bot.until_shown("signalbox_signal{signal=\"new\"} 7").await;
    assert!(!text.contains("signal=\"old\""), "{text}");
    assert_eq!(
        bot.told("the rules on disk are in force").last().unwrap()["change"],
        "panels"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mistake_in_a_file_keeps_nobody_from_stopping_what_goes_on() {
    let mut bot = Bot::serve(&[("slow", SLOW), ("looks", LOOKS)]).await;
    let many = bot.begin("slow", 7).await;
    bot.world.write("commands/looks.toml", "summary = 7\n");
    bot.until_shown("signalbox_rules_current 0").await;

    let paused = bot.command(&["pause", "--as", "dana", "--json"]);
    let told: Value = serde_json::from_slice(&paused.stdout).unwrap();
    assert_eq!(
        (paused.status.code(), &told["outcome"]),
        (Some(0), &"succeeded".into()),
        "{told}"
    );
    let beside = String::from_utf8(paused.stderr).unwrap();
    assert!(
        beside.contains("looks.toml:1:11: `summary` is text in quotes"),
        "{beside}"
    );
    assert!(
        beside.contains("The server goes by what it has read before."),
        "{beside}"
    );
    bot.until_shown("signalbox_pauses 1").await;
    let refused = bot.command(&["run", "slow", "order=1", "--as", "dana"]);
    assert_eq!(refused.status.code(), Some(2), "{refused:?}");
    assert_eq!(bot.command(&["resume", "--as", "dana"]).status.code(), Some(0));

    for read in [&["runs"][..], &["show", &many], &["people"], &["migrate"]] {
        let shown = bot.command(read);
        assert_eq!(shown.status.code(), Some(0), "{read:?} {shown:?}");
    }
    let listed = bot.command(&["runs", "--json"]);
    assert!(String::from_utf8(listed.stdout).unwrap().contains(&many));
    let denied = bot.command(&["deny", &many, "--as", "lee", "--json"]);
    let told: Value = serde_json::from_slice(&denied.stdout).unwrap();
    assert_eq!(told["run"], many.as_str(), "{told}");
    bot.until_outcome(&many, Outcome::Denied).await;

    // The people in the file may be wrong as well: the server knows them.
    bot.world.write("people.toml", "[person.dana]\ngroups = [\"opps\"]\n");
    let paused = bot.command(&["pause", "--as", "dana"]);
    assert_eq!(paused.status.code(), Some(0), "{paused:?}");
    let people = bot.command(&["people"]);
    assert_eq!(
        (people.status.code(), people.stdout.as_slice()),
        (Some(1), &b""[..]),
        "{people:?}"
    );

    // Where nobody serves, nobody could do it by other rules than those on disk.
    bot.served.end().await;
    let refused = bot.command(&["resume", "--as", "dana"]);
    let beside = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(1), "{beside}");
    assert!(
        beside.contains("Nothing was asked for: no `signalbox serve` is running"),
        "{beside}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_secrets_of_others_the_server_is_asked() {
    let bot = Bot::serve(&[("looks", LOOKS)]).await;
    fs::rename(bot.world.path("shop.url"), bot.world.path("shop.url.away")).unwrap();
    let paused = bot.command(&["pause", "--as", "dana"]);
    let beside = String::from_utf8(paused.stderr).unwrap();
    assert_eq!(paused.status.code(), Some(0), "{beside}");
    assert!(beside.contains("`connection.shop.url` wants it"), "{beside}");
    assert_eq!(bot.command(&["runs"]).status.code(), Some(0));
}
