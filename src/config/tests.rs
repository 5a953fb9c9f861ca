use super::*;
use insta::assert_snapshot;
use proptest::prelude::*;
use secrecy::ExposeSecret;

const SHIPPED: &str = include_str!("../../config/signalbox.toml");

/// What has to be there.
const LEAST: &str = r#"
[server]
listen = "127.0.0.1:8080"
[store]
url = "sqlite:state.db"
[files]
commands = "commands"
people = "people.toml"
policy = "policy.cedar"
"#;

fn parse(text: &str) -> Result<Config, Vec<Problem>> {
    Config::parse(Path::new("/etc/signalbox/signalbox.toml"), text)
}

fn problems(text: &str) -> String {
    let problems = Config::parse(Path::new("signalbox.toml"), text).unwrap_err();
    problems.iter().map(|problem| format!("{problem}\n")).collect()
}

fn messages(text: &str) -> Vec<String> {
    match parse(text) {
        Ok(_) => Vec::new(),
        Err(problems) => problems.into_iter().map(|problem| problem.message).collect(),
    }
}

#[test]
fn the_shipped_file_is_complete() {
    let config = parse(SHIPPED).unwrap();
    assert_eq!(config.server.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(config.server.public_url, "http://127.0.0.1:8080");
    assert!(!config.server.demo);
    assert_eq!(
        config.store.url,
        StoreUrl::Sqlite(PathBuf::from("/etc/data/signalbox.db"))
    );
    assert_eq!(config.store.key.unwrap().to_string(), "env:SIGNALBOX_KEY");
    assert_eq!(config.files.commands, Path::new("/etc/commands"));
    assert_eq!(config.files.panels.unwrap(), Path::new("/etc/signalbox/panels"));
    assert_eq!(config.files.alerts.unwrap(), Path::new("/etc/signalbox/alerts.toml"));
    let slack = config.slack.unwrap();
    assert_eq!(slack.teams, ["T1"]);
    assert!(
        matches!(slack.transport, SlackTransport::Http { signing_secret } if signing_secret.key() == "slack.signing_secret")
    );
    assert_eq!(config.discord.unwrap().api_url, "https://discord.com/api/v10");
    assert_eq!(config.console.unwrap().session, Duration::from_secs(12 * 3600));
    assert_eq!(config.alerts.unwrap().discord_channel.unwrap(), "9002");
    let kinds: Vec<_> = config
        .connections
        .iter()
        .map(|(name, it)| (name.as_str(), it.kind()))
        .collect();
    assert_eq!(
        kinds,
        [
            ("shop-admin", "django_admin"),
            ("shop-alerts", "alertmanager"),
            ("shop-api", "http"),
            ("shop-celery", "celery"),
            ("shop-db", "postgres"),
            ("shop-metrics", "prometheus"),
            ("shop-web", "http")
        ]
    );
    let Some(ConnectionConfig::Http {
        sign_in: SignIn::Login(login),
        ..
    }) = config.connections.get("shop-api")
    else {
        panic!("no login")
    };
    assert_eq!(login.password.key(), "connection.shop-api.login.password");
}

#[test]
fn an_absent_section_is_off() {
    let config = parse(LEAST).unwrap();
    assert_eq!(
        (config.slack, config.discord, config.console, config.alerts),
        (None, None, None, None)
    );
    assert!(config.connections.is_empty());
    assert_eq!(config.server.public_url, "http://127.0.0.1:8080");
    assert_eq!(config.store.key, None);
}

#[test]
fn an_empty_file_lacks_three_sections() {
    assert_snapshot!(problems(""), @r"
    signalbox.toml:1:1: the section `[files]` is missing
    signalbox.toml:1:1: the section `[server]` is missing
    signalbox.toml:1:1: the section `[store]` is missing
    ");
}

#[test]
fn every_mistake_is_told_at_its_place() {
    let text = r#"
[server]
lisen = "127.0.0.1:8080"
public_url = "signalbox.example.com"
demo = "yes"

[store]
url = "postgres://bot:hunter2@db/signalbox"
key = "correct-horse-battery-staple"

[files]
commands = "commands"
people = 3

[slack]
transport = "sokket"
teams = []
ops_channel = "\#ops"
signing_secret = "env:"
bot_token = "file:"
api_url = "http://slack.example.com/api"
tokn = "xoxb-very-secret"

[discord]
transport = "http"
guilds = ["shop"]
ops_channel = "9001"
bot_token = "env:DISCORD_BOT_TOKEN"

[console]
session = "a while"

[connection.shop-db]
kind = "postgress"
url = "env:SHOP_DATABASE_URL"

[connection.shop-celery]
kind = "celery"
broker = "redis://:hunter2@redis/0"
queue = "default"

[connection.shop-api]
kind = "http"
url = "http://shop:hunter2@127.0.0.1:8000"
login = { path = "login", user = "admin", password = "hunter2" }

[connection.shop-mirror]
kind = "http"
url = "http://127.0.0.1:8000"
token = "env:MIRROR_TOKEN"
login = { path = "/login/", user = "env:MIRROR_USER", password = "env:MIRROR_PASSWORD" }

[connection.shop-admin]
kind = "django_admin"
url = "http://127.0.0.1:8000/admin?next=x"
user = "admin"
passwd = "hunter2"

[connection.Shop]
kind = "prometheus"

[pagerduty]
token = "hunter2"
"#;
    let told = problems(&text.replace("\\#", "#"));
    for secret in ["hunter2", "very-secret", "battery"] {
        assert!(!told.contains(secret), "{secret} in\n{told}");
    }
    assert_snapshot!(told, @r#"
    signalbox.toml:2:1: `server.listen` is missing
        [server]
        ^
    signalbox.toml:3:1: `server.lisen` is not known; did you mean `listen`?
        lisen = …
        ^
    signalbox.toml:4:14: `server.public_url` takes an http or https address
        public_url = …
                     ^
    signalbox.toml:5:8: `server.demo` must be true or false, and this is a text
        demo = …
               ^
    signalbox.toml:8:7: `store.url` has a password in it; keep the address in an environment variable or a file and write "env:NAME" or "file:PATH" here
        url = …
              ^
    signalbox.toml:9:7: `store.key` seems to hold the secret itself; keep it in an environment variable or a file and write "env:NAME" or "file:PATH" here
        key = …
              ^
    signalbox.toml:11:1: `files.policy` is missing
        [files]
        ^
    signalbox.toml:13:10: `files.people` must be a text in quotes, and this is a number
        people = …
                 ^
    signalbox.toml:16:13: `slack.transport` takes "http" or "socket"
        transport = …
                    ^
    signalbox.toml:17:9: `slack.teams` is empty; name at least one
        teams = …
                ^
    signalbox.toml:18:15: `slack.ops_channel` takes a channel's id such as "C0OPS", not its name
        ops_channel = …
                      ^
    signalbox.toml:19:18: `slack.signing_secret` must name an environment variable after `env:`, made of letters, digits and `_`
        signing_secret = …
                         ^
    signalbox.toml:20:13: `slack.bot_token` must name a file after `file:`
        bot_token = …
                    ^
    signalbox.toml:21:11: `slack.api_url` takes an https address, because the bot's token is sent there
        api_url = …
                  ^
    signalbox.toml:22:1: `slack.tokn` is not known; there is `api_url`, `app_token`, `bot_token`, `ops_channel`, `signing_secret`, `teams`, `transport`
        tokn = …
        ^
    signalbox.toml:24:1: `discord.application_id` is missing
        [discord]
        ^
    signalbox.toml:24:1: `discord.public_key` is missing
        [discord]
        ^
    signalbox.toml:26:11: `discord.guilds` takes a guild's id, which is a number in quotes
        guilds = …
                  ^
    signalbox.toml:31:11: `console.session` takes a duration such as "12h", from a minute to 30 days
        session = …
                  ^
    signalbox.toml:34:8: there is no kind of connection `postgress`; did you mean `postgres`?
        kind = …
               ^
    signalbox.toml:37:13: `connection.shop-celery.results` is missing
        [connection.shop-celery]
                    ^
    signalbox.toml:39:10: `connection.shop-celery.broker` seems to hold the secret itself; keep it in an environment variable or a file and write "env:NAME" or "file:PATH" here
        broker = …
                 ^
    signalbox.toml:40:1: `connection.shop-celery.queue` is not known; there is `broker`, `kind`, `results`
        queue = …
        ^
    signalbox.toml:44:7: `connection.shop-api.url` must be a plain address, without user, password or anything after `?` or `#`
        url = …
              ^
    signalbox.toml:45:18: `connection.shop-api.login.path` takes a path that begins with a slash
        login = …
                         ^
    signalbox.toml:45:34: `connection.shop-api.login.user` seems to hold the secret itself; keep it in an environment variable or a file and write "env:NAME" or "file:PATH" here
        login = …
                                         ^
    signalbox.toml:45:54: `connection.shop-api.login.password` seems to hold the secret itself; keep it in an environment variable or a file and write "env:NAME" or "file:PATH" here
        login = …
                                                             ^
    signalbox.toml:50:9: `token` and `login` are two ways to sign in; leave one of them out
        token = …
                ^
    signalbox.toml:53:13: `connection.shop-admin.password` is missing
        [connection.shop-admin]
                    ^
    signalbox.toml:55:7: `connection.shop-admin.url` must be a plain address, without user, password or anything after `?` or `#`
        url = …
              ^
    signalbox.toml:56:8: `connection.shop-admin.user` seems to hold the secret itself; keep it in an environment variable or a file and write "env:NAME" or "file:PATH" here
        user = …
               ^
    signalbox.toml:57:1: `connection.shop-admin.passwd` is not known; did you mean `password`?
        passwd = …
        ^
    signalbox.toml:59:13: connection names are lowercase words such as `ops` or `shop-db`; `Shop` is not
        [connection.Shop]
                    ^
    signalbox.toml:62:2: `pagerduty` is not known; there is `alerts`, `connection`, `console`, `discord`, `files`, `limits`, `server`, `slack`, `store`
        [pagerduty]
         ^
    "#);
}

#[test]
fn broken_lines_hide_no_other_mistake_and_repeat_no_secret() {
    let text = "[server]\nlisten = 127.0.0.1:8080\ndemoo = true\n[store]\nkey = \"hunter2\nurl = hunter2 = hunter2\n[slack]\nbot_token = 'env:A'\nhunter2\n[console]\nsession = 12\n";
    let told = problems(text);
    assert!(!told.contains("hunter2"), "{told}");
    assert_snapshot!(told, @r#"
    signalbox.toml:2:10: `server.listen` must be a text in quotes, and this is a number
        listen = …
                 ^
    signalbox.toml:2:15: invalid float, expected nothing
    signalbox.toml:3:1: `server.demoo` is not known; did you mean `demo`?
        demoo = …
        ^
    signalbox.toml:5:7: `store.key` seems to hold the secret itself; keep it in an environment variable or a file and write "env:NAME" or "file:PATH" here
        key = …
              ^
    signalbox.toml:5:15: invalid basic string, expected `"`
    signalbox.toml:6:7: `store.url` takes "sqlite:PATH", or "env:NAME" of a variable with a postgres:// address
        url = …
              ^
    signalbox.toml:6:7: string values must be quoted, expected literal string
    signalbox.toml:6:15: unexpected key or value, expected newline, `#`
    signalbox.toml:9:8: key with no value, expected `=`
    "#);
}

#[test]
fn demo_and_open_addresses_do_not_go_together() {
    let server = |server: &str| messages(&LEAST.replace("listen = \"127.0.0.1:8080\"", server));
    let none: Vec<String> = Vec::new();
    assert_eq!(server("listen = \"127.0.0.1:80\"\ndemo = true"), none);
    assert_eq!(server("listen = \"[::1]:80\"\ndemo = true"), none);
    assert_eq!(
        server("listen = \"0.0.0.0:80\"\npublic_url = \"https://box.example.com\""),
        none
    );
    assert_eq!(
        server("listen = \"0.0.0.0:80\"\npublic_url = \"http://box.example.com\""),
        ["`server.public_url` must begin with https, because `server.listen` can be reached from other machines"]
    );
    assert_eq!(
        server("listen = \"0.0.0.0:80\""),
        [
            "`server.listen` can be reached from other machines, so `server.public_url` must be given and begin with https"
        ]
    );
    assert_eq!(
        server("listen = \"10.0.0.1:80\"\npublic_url = \"https://box.example.com\"\ndemo = true"),
        [
            "`server.demo` lets everybody act as anybody, so `server.listen` must be a loopback address such as \"127.0.0.1:8080\""
        ]
    );
}

#[test]
fn seals_stand_beside_the_database_unless_it_is_said_otherwise() {
    let seals =
        |store: &str| parse(&LEAST.replace("url = \"sqlite:state.db\"", store)).map(|config| config.store.seals);
    for (store, place) in [
        ("url = \"sqlite:../data/state.db\"", "/etc/data/state.seals"),
        ("url = \"env:DATABASE_URL\"", "/etc/signalbox/signalbox.seals"),
        (
            "url = \"sqlite:state.db\"\nseals = \"/var/log/x.seals\"",
            "/var/log/x.seals",
        ),
    ] {
        assert_eq!(seals(store).unwrap(), Path::new(place), "{store}");
    }
    let told = |store: &str| seals(store).unwrap_err()[0].message.clone();
    assert_eq!(
        told("url = \"sqlite:state.db\"\nseals = \"state.db\""),
        "`store.seals` is the database itself; name a file of its own"
    );
    assert_eq!(
        told("url = \"sqlite:state.db\"\nseals = \"\""),
        "`store.seals` takes a file, such as \"../data/signalbox.seals\""
    );
}

#[test]
fn what_is_kept_is_kept_for_days_or_for_ever() {
    assert_eq!(parse(LEAST).unwrap().store.keep, Keep::USUAL);
    assert_eq!(parse(SHIPPED).unwrap().store.keep, Keep::USUAL);
    let keep = |lines: &str| {
        let store = format!("url = \"sqlite:state.db\"\n{lines}");
        parse(&LEAST.replace("url = \"sqlite:state.db\"", &store)).map(|config| config.store.keep)
    };
    let some = keep("keep_runs = \"30d\"\nkeep_audit = \"forever\"").unwrap();
    assert_eq!(some.runs, Some(SignedDuration::from_hours(720)));
    assert_eq!((some.requests, some.audit), (Keep::USUAL.requests, None));
    for wrong in ["23h", "0d", "never", "30", "-1d", ""] {
        let problems = keep(&format!("keep_requests = \"{wrong}\"")).unwrap_err();
        assert_eq!(
            problems[0].message,
            "`store.keep_requests` takes a duration of a day or more, such as \"400d\", or \"forever\""
        );
    }
}

#[test]
fn a_store_is_a_file_or_an_address() {
    let store = |url: &str| parse(&LEAST.replace("sqlite:state.db", url)).map(|config| config.store.url);
    assert_eq!(
        store("sqlite:state.db").unwrap(),
        StoreUrl::Sqlite(PathBuf::from("/etc/signalbox/state.db"))
    );
    assert_eq!(
        store("sqlite:///var/state.db").unwrap(),
        StoreUrl::Sqlite(PathBuf::from("/var/state.db"))
    );
    let socket = "postgres://bot@localhost/signalbox";
    assert_eq!(store(socket).unwrap(), StoreUrl::Postgres(socket.to_owned()));
    assert!(matches!(store("env:DATABASE_URL").unwrap(), StoreUrl::Secret(_)));
    for wrong in [
        "sqlite::memory:",
        "sqlite:",
        "sqlite:a.db?mode=ro",
        "postgres://bot:hunter2@db/x",
        "postgres://bot@db/x?password=hunter2",
        "postgresql://bot:hunter2@db/x",
        "mysql://bot:hunter2@db/x",
        "hunter2",
    ] {
        let problems = store(wrong).unwrap_err();
        assert_eq!(problems.len(), 1, "{wrong}: {problems:?}");
        assert!(!problems[0].to_string().contains("hunter2"), "{}", problems[0]);
    }
}

#[test]
fn a_transport_wants_its_own_secret() {
    let slack = |keys: &str| {
        let text = format!("{LEAST}[slack]\nteams = [\"T1\"]\nops_channel = \"C1\"\nbot_token = \"env:B\"\n{keys}");
        messages(&text.replace("[files]", "key = \"env:K\"\n[files]"))
    };
    let none: Vec<String> = Vec::new();
    assert_eq!(slack("transport = \"socket\"\napp_token = \"env:A\""), none);
    assert_eq!(slack("transport = \"http\"\nsigning_secret = \"env:S\""), none);
    assert_eq!(
        slack("transport = \"socket\"\nsigning_secret = \"env:S\""),
        ["`slack.app_token` is missing"]
    );
    assert_eq!(
        slack("transport = \"http\"\napp_token = \"env:A\""),
        ["`slack.signing_secret` is missing"]
    );
    assert_eq!(
        messages(&format!("{LEAST}[slack]\n")).first().unwrap(),
        "`store.key` is missing"
    );
}

#[test]
fn secrets_are_looked_up_by_name_and_their_absence_names_the_key() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("signalbox.toml");
    std::fs::write(folder.path().join("token"), "t0ken\n").unwrap();
    std::fs::write(folder.path().join("empty"), "\n").unwrap();
    let connections = "
        [connection.set]\nkind = \"postgres\"\nurl = \"env:SET\"
        [connection.unset]\nkind = \"postgres\"\nurl = \"env:UNSET\"
        [connection.blank]\nkind = \"postgres\"\nurl = \"env:BLANK\"
        [connection.file]\nkind = \"postgres\"\nurl = \"file:token\"
        [connection.empty]\nkind = \"postgres\"\nurl = \"file:empty\"
    ";
    let config = Config::parse(&path, &format!("{LEAST}{connections}")).unwrap();
    let secrets = Secrets::new(|name: &str| match name {
        "SET" => Some("s3cret".to_owned()),
        "BLANK" => Some(String::new()),
        _ => None,
    });
    let told: String = config
        .connections
        .iter()
        .map(|(name, connection)| {
            let ConnectionConfig::Postgres { url } = connection else {
                panic!("not postgres")
            };
            let secret = secrets.resolve(url);
            assert!(!format!("{secret:?}").contains("s3cret"));
            match secret {
                Ok(secret) => format!("{name}: {}\n", secret.expose_secret()),
                Err(error) => format!("{name}: {error}\n").replace(&folder.path().display().to_string(), "DIR"),
            }
        })
        .collect();
    assert_snapshot!(told, @r"
    blank: the environment variable BLANK is not set; `connection.blank.url` wants it
    empty: the secret file DIR/empty is empty; `connection.empty.url` wants a secret in it
    file: t0ken
    set: s3cret
    unset: the environment variable UNSET is not set; `connection.unset.url` wants it
    ");
}

#[test]
fn a_file_that_is_not_there_is_one_problem() {
    let problems = Config::load(Path::new("/nonexistent/signalbox.toml")).unwrap_err();
    assert_eq!(problems.len(), 1);
    assert!(problems[0].message.contains("--config"), "{}", problems[0]);
}

#[test]
fn a_path_with_url_signs_reaches_the_driver_whole() {
    let url = StoreUrl::Sqlite(PathBuf::from("/data/50%?/state.db"));
    let secrets = Secrets::new(|_: &str| None);
    assert_eq!(
        url.resolve(&secrets).unwrap().expose_secret(),
        "sqlite:/data/50%25%3F/state.db"
    );
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused_with_problems(text in "\\PC{0,60}(\\n\\PC{0,60}){0,5}") {
        if let Err(problems) = parse(&text) {
            prop_assert!(!problems.is_empty());
        }
    }

    #[test]
    fn a_changed_file_is_read_or_refused_with_problems(
        cut in 0..SHIPPED.len(),
        inserted in "[\\[\\]={}\"'\\n.a-z0-9:/]{0,6}",
    ) {
        let text = format!("{}{inserted}{}", &SHIPPED[..cut], &SHIPPED[cut..]);
        if let Err(problems) = parse(&text) {
            prop_assert!(!problems.is_empty());
        }
    }

    #[test]
    fn a_literal_secret_is_refused_and_not_repeated(secret in "[A-Za-z0-9+/=-]{8,40}") {
        let text = SHIPPED.replace("env:SLACK_BOT_TOKEN", &secret);
        let problems = parse(&text).unwrap_err();
        prop_assert_eq!(problems.len(), 1);
        let (shown, debug) = (problems[0].to_string(), format!("{problems:?}"));
        prop_assert!(!shown.contains(&secret), "{}", shown);
        prop_assert!(!debug.contains(&secret), "{}", debug);
    }
}

#[test]
fn limits_have_defaults_and_bounds() {
    let limits = |text: &str| parse(&format!("{LEAST}{text}")).unwrap().limits;
    assert_eq!(limits(""), Limits::default());
    assert_eq!(
        limits("[limits]\nperson_open = 7"),
        Limits {
            person_open: 7,
            ..Limits::default()
        }
    );
    let wrong = "[limits]\nperson_open = 0\nrunbook_open = \"many\"\npersons = 3";
    assert_eq!(
        messages(&format!("{LEAST}{wrong}")),
        [
            "`limits.person_open` must be a whole number from 1 to 1000000, and this is a number",
            "`limits.runbook_open` must be a whole number from 1 to 1000000, and this is a text",
            "`limits.persons` is not known; there is `person_open`, `person_per_minute`, `runbook_open`",
        ]
    );
}

#[test]
fn what_pages_people_is_a_connection_with_secrets_elsewhere() {
    let text = format!(
        "{LEAST}\n[connection.oncall]\nkind = \"pagerduty\"\nrouting_key = \"env:KEY\"\n[connection.site]\nkind = \
         \"jsm\"\ncloud_id = \"11111111-2222-3333-4444-555555555555\"\nteam = \"og-1\"\nemail = \"a@b.example\"\ntoken = \
         \"env:TOKEN\"\n"
    );
    let config = parse(&text).unwrap();
    let ConnectionConfig::PagerDuty(service) = &config.connections["oncall"] else {
        panic!("another kind")
    };
    assert_eq!(service.events_url, "https://events.pagerduty.com");
    assert_eq!((&service.token, &service.from), (&None, &None));
    let ConnectionConfig::Jsm(site) = &config.connections["site"] else {
        panic!("another kind")
    };
    assert_eq!(site.api_url, "https://api.atlassian.com");

    let text = format!(
        "{LEAST}\n[connection.a]\nkind = \"pagerduty\"\nrouting_key = \"hunter2\"\nfrom = \"dana\"\nevents_url = \
         \"http://events.example\"\n[connection.b]\nkind = \"jsm\"\ncloud_id = \"shop\"\nteam = \"a b\"\nemail = \
         \"a:b@c\"\n"
    );
    let told = messages(&text).join("\n");
    assert!(!told.contains("hunter2"), "{told}");
    assert_snapshot!(told, @r#"
    `connection.a.routing_key` seems to hold the secret itself; keep it in an environment variable or a file and write "env:NAME" or "file:PATH" here
    `connection.a.from` takes the e-mail address of a user of PagerDuty
    `connection.a.events_url` takes an https address, because the routing key is sent there
    `connection.b.token` is missing
    `connection.b.cloud_id` takes the id of the site, which https://SITE.atlassian.net/_edge/tenant_info tells
    `connection.b.team` takes the id of the team that is paged, not its name
    `connection.b.email` takes the e-mail address of the token's account
    "#);
}
