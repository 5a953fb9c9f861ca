//! Slack's user groups as groups: who is in one, how long that is believed, and what is told when it cannot be read.

use crate::harness::services::until;
use crate::harness::slack::{Fault, Slack};
use crate::harness::slack_bot::{SlackBot, Transport, WRITE, steady};
use insta::assert_snapshot;
use signalbox::app::App;
use signalbox::platform::slack::client::SlackClient;
use signalbox::policy::authorize::{Act, Decision, Question, Radius};
use signalbox::request::{Account, Place, Surface};
use signalbox::run::clock::Clock;
use signalbox::station::{Share, Station};
use signalbox::usergroups::Usergroups;
use std::fs;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

const PEOPLE: &str = r#"
[person.dana]
slack = ["T1/U1"]
[person.lee]
slack = ["T1/U2"]
groups = ["ops"]
[person.vic]
slack = ["T1/U3"]
[group.ops]
slack_usergroups = ["T1/S0OPS"]
"#;

const POLICY: &str = "@id(\"ops\")\n@say(\"Ops may.\")\npermit (principal in Group::\"ops\", action, resource);\n";

struct World {
    slack: Slack,
    station: Arc<Station>,
    usergroups: Usergroups,
    clock: Arc<Clock>,
    _folder: TempDir,
}

impl World {
    async fn new() -> Self {
        let slack = Slack::start().await;
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        fs::create_dir(folder.path().join("commands")).unwrap();
        write("commands/write.toml", WRITE);
        write("people.toml", PEOPLE);
        write("policy.cedar", POLICY);
        write("secret", "a secret of this test");
        write("shop.url", "postgres://shop:x@127.0.0.1:1/shop");
        write(
            "signalbox.toml",
            &format!(
                "[server]\nlisten = \"127.0.0.1:0\"\npublic_url = \"http://127.0.0.1\"\n[store]\nurl = \"sqlite:{}\"\nkey = \
                 \"file:secret\"\n[files]\ncommands = \"commands\"\npeople = \"people.toml\"\npolicy = \"policy.cedar\"\n\
                 [connection.shop]\nkind = \"postgres\"\nurl = \"file:shop.url\"\n",
                folder.path().join("bot.db").display()
            ),
        );
        let app = App::open(&folder.path().join("signalbox.toml")).await.unwrap();
        let station = app.station(Share::Replica);
        let client = SlackClient::new(&slack.api_url(), &slack.bot_token(), Duration::from_secs(2)).unwrap();
        let clock = Arc::new(Clock::leaping());
        Self {
            usergroups: Usergroups::new(client, &station, clock.clone()),
            slack,
            station,
            clock,
            _folder: folder,
        }
    }

    fn members(&self) -> Vec<String> {
        let rules = self.station.desk.rules.now();
        let all = rules.people.persons().filter(|person| person.groups.contains("ops"));
        all.map(|person| person.name.clone()).collect()
    }

    fn decide(&self, user: &str, approve: bool) -> Decision {
        let rules = self.station.desk.rules.now();
        let account = Account::Slack {
            team: "T1".to_owned(),
            user: user.to_owned(),
        };
        let place = Place {
            surface: Surface::Slack,
            workspace: Some("T1".to_owned()),
            channel: Some("C0OPS".to_owned()),
            thread: None,
        };
        let radius = Radius::new();
        let (person, requester) = (rules.people.who(&account).unwrap(), rules.people.person("vic").unwrap());
        let act = if approve {
            Act::Approve {
                radius: &radius,
                requester,
                account: &account,
            }
        } else {
            Act::Run { radius: &radius }
        };
        rules.policy.decide(&Question {
            person,
            act,
            runbook: "write",
            place: &place,
        })
    }

    fn told(&self) -> String {
        let told = self.station.troubles.all();
        steady(
            &told
                .iter()
                .map(|trouble| trouble.say.as_str())
                .collect::<Vec<_>>()
                .join("\n"),
        )
    }

    async fn later(&mut self, minutes: u64) {
        self.clock.wait(Duration::from_secs(60 * minutes)).await;
        self.usergroups.read().await;
    }
}

#[tokio::test]
async fn members_are_in_the_group_from_one_reading_to_the_next() {
    let mut world = World::new().await;
    assert_eq!(world.members(), ["lee"], "what was not read has no members");
    world.usergroups.read().await;
    assert_eq!(world.members(), ["dana", "lee"]);
    world.slack.set_group("S0OPS", &["U3", "U77"]);
    world.later(5).await;
    assert_eq!(world.members(), ["lee", "vic"]);
    world.slack.set_group("S0OPS", &[]);
    world.later(5).await;
    assert_eq!(world.members(), ["lee"], "nobody is in an empty one");
    world.slack.set_group("S0OPS", &["U1"]);
    world.slack.disable_group("S0OPS");
    world.later(5).await;
    assert_eq!(
        (world.members(), world.told()),
        (vec!["lee".to_owned()], String::new()),
        "nor in one that is switched off"
    );
    assert!(
        world
            .slack
            .calls("usergroups.users.list")
            .iter()
            .all(|call| call.arguments["usergroup"] == "S0OPS")
    );
}

#[tokio::test]
async fn a_list_that_cannot_be_read_again_counts_for_an_hour_and_then_for_little() {
    let mut world = World::new().await;
    world.usergroups.read().await;
    world.slack.outage(true);
    world.later(30).await;
    assert_eq!(world.members(), ["dana", "lee"]);
    assert!(world.decide("U1", true).is_allowed() && world.decide("U1", false).is_allowed());
    assert_snapshot!(world.told(), @"the Slack user group T1/S0OPS cannot be read: Slack did not answer properly: HTTP status 503; its members are those of then");
    world.later(31).await;
    assert_snapshot!(world.told(), @"the Slack user group T1/S0OPS cannot be read: Slack did not answer properly: HTTP status 503; nobody approves or destroys anything by it");
    assert!(world.decide("U1", false).is_allowed(), "what destroys nothing goes on");
    assert_snapshot!(steady(world.decide("U1", true).say()), @"The Slack user group T1/S0OPS was last read at TIME on DAY (Slack did not answer properly: HTTP status 503); after an hour nobody approves or destroys anything by it.");
    assert!(
        world.decide("U2", true).is_allowed(),
        "who is in the group by the file is not concerned"
    );
    world.slack.outage(false);
    world.later(1).await;
    assert!(world.decide("U1", true).is_allowed());
    assert_eq!(world.told(), "");
}

#[tokio::test]
async fn why_it_cannot_be_read_is_told_with_the_way_out() {
    let mut world = World::new().await;
    world.slack.withdraw_scope("usergroups:read");
    let pause = world.usergroups.read().await;
    assert_snapshot!(world.told(), @"the Slack user group T1/S0OPS cannot be read: the bot token lacks the scope usergroups:read; add it to the app and install the app again; nobody is a member by it");
    assert_eq!(
        (world.members(), pause),
        (vec!["lee".to_owned()], Duration::from_secs(30))
    );
    world.slack.grant_scope("usergroups:read");
    world.slack.fault("usergroups.users.list", Fault::RateLimited(77));
    assert_eq!(
        world.usergroups.read().await,
        Duration::from_secs(77),
        "Slack asked to wait so long"
    );
    assert_eq!(world.usergroups.read().await, Duration::from_secs(300));
    assert_eq!((world.members().len(), world.told()), (2, String::new()));
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_in_the_user_group_may_ask_and_an_edit_is_heeded_at_once() {
    let bot = SlackBot::start_with(Transport::Http, &[("write", WRITE)], PEOPLE).await;
    bot.slack.person("U1").command("C0OPS", "/write", "word").await;
    let message = bot.slack.posted("C0OPS").await;
    assert!(message.seen().contains("write word=word"), "{}", message.seen());
    bot.slack.person("U3").command("C0OPS", "/write", "word").await;
    assert!(bot.slack.whisper("U3").await.seen().contains("No policy lets vic"));
    bot.slack.set_group("S0MORE", &["U3"]);
    fs::write(bot.path("people.toml"), PEOPLE.replace("T1/S0OPS", "T1/S0MORE")).unwrap();
    until("the other user group is read", || {
        bot.slack
            .calls("usergroups.users.list")
            .iter()
            .any(|call| call.arguments["usergroup"] == "S0MORE")
    })
    .await;
    let metrics = bot.get("/metrics").await;
    assert!(
        metrics.contains("signalbox_usergroup_read_timestamp_seconds{usergroup=\"T1/S0"),
        "{metrics}"
    );
    until("vic may ask", || {
        tokio::task::block_in_place(|| {
            tokio::runtime::Handle::current().block_on(async {
                bot.slack.person("U3").command("C0OPS", "/write", "other").await;
                let whisper = bot.slack.whisper("U3");
                // No word against it.
                tokio::time::timeout(Duration::from_secs(1), whisper).await.is_err()
            })
        })
    })
    .await;
    bot.slack.person("U1").command("C0OPS", "/write", "third").await;
    assert!(bot.slack.whisper("U1").await.seen().contains("No policy lets dana"));
    bot.end_unread();
}

/// A command line does not ask Slack: it goes by what a serving process has kept, and as long.
#[tokio::test(flavor = "multi_thread")]
async fn a_command_line_knows_who_was_in_the_user_group() {
    let me = std::process::Command::new("id").arg("-un").output().unwrap();
    let me = String::from_utf8(me.stdout).unwrap();
    let people = PEOPLE.replace(
        "slack = [\"T1/U1\"]",
        &format!("slack = [\"T1/U1\"]\nos_user = \"{}\"", me.trim()),
    );
    let bot = SlackBot::start_with(Transport::Http, &[("write", WRITE)], &people).await;
    let database = format!("sqlite:{}", bot.path("bot.db").display());
    sqlx::any::install_default_drivers();
    let raw = sqlx::AnyPool::connect(&database).await.unwrap();
    let kept = || {
        let raw = raw.clone();
        tokio::task::block_in_place(|| {
            tokio::runtime::Handle::current().block_on(async {
                let count: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM usergroup_roll")
                    .fetch_one(&raw)
                    .await
                    .unwrap();
                count == 1
            })
        })
    };
    until("the members are kept", kept).await;
    bot.served.signal("-KILL");
    let why = |bot: &SlackBot| {
        let output = bot.command(&["why", "write", "word=x"]);
        steady(&String::from_utf8(output.stdout).unwrap())
    };
    assert_snapshot!(why(&bot), @r"
    dry run  /write word=x  by dana
    Dry run: nothing was done. It would need 1 approval: Every run needs a second person.

    plan:
      - Write x.
    policy: two
    ");
    // Nobody has read it for two hours. This destroys nothing, and goes on; an approval would not.
    let aged = sqlx::query("UPDATE usergroup_roll SET read_at = read_at - 7200000000")
        .execute(&raw)
        .await;
    assert_eq!(aged.unwrap().rows_affected(), 1);
    let app = App::open(&bot.path("signalbox.toml")).await.unwrap();
    app.recall_usergroups().await.unwrap();
    let dana = app.rules.now().people.person("dana").unwrap().clone();
    assert!(dana.groups.contains("ops"));
    let rules = app.rules.now();
    let place = Place {
        surface: Surface::Cli,
        workspace: None,
        channel: None,
        thread: None,
    };
    let account = Account::Os {
        user: me.trim().to_owned(),
    };
    let decision = rules.policy.decide(&Question {
        person: &dana,
        act: Act::Approve {
            radius: &Radius::new(),
            requester: rules.people.person("vic").unwrap(),
            account: &account,
        },
        runbook: "write",
        place: &place,
    });
    assert_snapshot!(steady(decision.say()), @"The Slack user group T1/S0OPS was last read at TIME on DAY (no serving process has read it since); after an hour nobody approves or destroys anything by it.");
    // What is a day old tells nothing.
    sqlx::query("UPDATE usergroup_roll SET read_at = read_at - 86400000000")
        .execute(&raw)
        .await
        .unwrap();
    let app = App::open(&bot.path("signalbox.toml")).await.unwrap();
    app.recall_usergroups().await.unwrap();
    assert!(!app.rules.now().people.person("dana").unwrap().groups.contains("ops"));
    bot.end_unread();
}
