//! How the file becomes data, key by key. Each function reads all of its keys before it gives up on one.

mod connection;

use super::{
    Alerts, Config, Console, Discord, DiscordTransport, Files, Keep, Limits, Server, Slack, SlackTransport, Store,
    StoreUrl,
};
use crate::problem::Problem;
use crate::runbook::duration;
use crate::toml_file::{Section, Text, TomlFile};
use connection::connection;
use jiff::SignedDuration;
use reqwest::Url;
use std::net::{IpAddr, SocketAddr};
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

pub(super) fn config(path: &Path, text: &str) -> Result<Config, Vec<Problem>> {
    let file = TomlFile::new(path, text);
    let tree = file.parse();
    let config = sections(file.root(&tree));
    let problems = file.into_problems();
    match config {
        Some(config) if problems.is_empty() => Ok(config),
        _ => Err(problems),
    }
}

fn sections(mut root: Section<'_>) -> Option<Config> {
    let server = root.required_section("server").and_then(server);
    let files = root.required_section("files").and_then(files);
    let slack = root.section("slack");
    let discord = root.section("discord");
    let chat = slack.is_some() || discord.is_some();
    let store = root.required_section("store").and_then(|section| store(section, chat));
    // A section that is there and wrong must not pass for one that is off.
    let slack = slack.map_or(Some(None), |section| self::slack(section).map(Some));
    let discord = discord.map_or(Some(None), |section| self::discord(section).map(Some));
    let console = root
        .section("console")
        .map_or(Some(None), |section| console(section).map(Some));
    let alerts = root
        .section("alerts")
        .map_or(Some(None), |section| alerts(section).map(Some));
    let limits = root.section("limits").map_or(Some(Limits::default()), limits);
    let connections = root
        .named_sections("connection")
        .into_iter()
        .map(|(name, section)| connection(section).map(|connection| (name.value.to_owned(), connection)));
    // Collected to the end first: a broken connection hides no other.
    let connections: Vec<_> = connections.collect();
    root.close();
    Some(Config {
        server: server?,
        store: store?,
        files: files?,
        slack: slack?,
        discord: discord?,
        console: console?,
        alerts: alerts?,
        limits: limits?,
        connections: connections.into_iter().collect::<Option<_>>()?,
    })
}

fn server(mut section: Section<'_>) -> Option<Server> {
    let written = section.required_text("listen");
    let listen = written.as_ref().and_then(|text| {
        let address = text.value.parse::<SocketAddr>();
        if address.is_err() {
            wrong(
                &section,
                "listen",
                text,
                "an address and a port such as \"127.0.0.1:8080\"",
            );
        }
        address.ok()
    });
    let public_url = section
        .text("public_url")
        .map(|text| (web_address(&section, "public_url", &text), text));
    let demo = section.flag("demo");
    if let (Some(listen), Some(written)) = (listen, &written)
        && !listen.ip().is_loopback()
    {
        if demo == Some(true) {
            let message = "`server.demo` lets everybody act as anybody, so `server.listen` must be a loopback address such as \
                 \"127.0.0.1:8080\"";
            section.file().problem(&written.span, message);
        }
        match &public_url {
            None => section.file().problem(
                &written.span,
                "`server.listen` can be reached from other machines, so `server.public_url` must be given and begin with https",
            ),
            Some((Some(url), text)) if url.scheme() != "https" => section.file().problem(
                &text.span,
                "`server.public_url` must begin with https, because `server.listen` can be reached from other machines",
            ),
            Some(_) => {}
        }
    }
    section.close();
    let listen = listen?;
    let public_url = match public_url {
        Some((url, _)) => without_slash(&url?),
        None => format!("http://{listen}"),
    };
    Some(Server {
        listen,
        public_url,
        demo: demo?,
    })
}

fn store(mut section: Section<'_>, chat: bool) -> Option<Store> {
    let url = section.required_text("url").and_then(|text| store_url(&section, &text));
    let key = if chat {
        section.required_secret("key").map(Some)
    } else {
        Some(section.secret("key"))
    };
    let folder = section.file().folder();
    let seals = match section.text("seals") {
        Some(text) if text.value.is_empty() => {
            wrong(&section, "seals", &text, "a file, such as \"../data/signalbox.seals\"");
            None
        }
        Some(text) => Some(beside(folder, text.value)),
        // Beside the database, or beside this file where the database is elsewhere.
        None => Some(match &url {
            Some(StoreUrl::Sqlite(path)) => path.with_extension("seals"),
            _ => folder.join("signalbox.seals"),
        }),
    };
    let seals = match (&url, seals) {
        (Some(StoreUrl::Sqlite(path)), Some(seals)) if *path == seals => {
            let message = "`store.seals` is the database itself; name a file of its own";
            section.file().problem(section.span(), message);
            None
        }
        (_, seals) => seals,
    };
    let keep = Keep {
        runs: keep(&mut section, "keep_runs", Keep::USUAL.runs),
        requests: keep(&mut section, "keep_requests", Keep::USUAL.requests),
        audit: keep(&mut section, "keep_audit", Keep::USUAL.audit),
    };
    section.close();
    Some(Store {
        url: url?,
        key: key?,
        seals: seals?,
        keep,
    })
}

/// How long something is kept; for ever where that is said.
fn keep(section: &mut Section<'_>, key: &'static str, usual: Option<SignedDuration>) -> Option<SignedDuration> {
    let Some(text) = section.text(key) else { return usual };
    if text.value == "forever" {
        return None;
    }
    let span = duration::parse(text.value)
        .ok()
        .and_then(|span| SignedDuration::try_from(span).ok())
        .filter(|span| *span >= SignedDuration::from_hours(24));
    if span.is_none() {
        wrong(
            section,
            key,
            &text,
            "a duration of a day or more, such as \"400d\", or \"forever\"",
        );
    }
    span
}

fn store_url(section: &Section<'_>, text: &Text<'_>) -> Option<StoreUrl> {
    if let Some(path) = text.value.strip_prefix("sqlite:") {
        let path = path.strip_prefix("//").unwrap_or(path);
        if path.is_empty() || path.starts_with(':') || path.contains('?') {
            wrong(
                section,
                "url",
                text,
                "a file after `sqlite:`, such as \"sqlite:../data/signalbox.db\"",
            );
            return None;
        }
        return Some(StoreUrl::Sqlite(beside(section.file().folder(), path)));
    }
    if text.value.starts_with("postgres:") || text.value.starts_with("postgresql:") {
        return match Url::parse(text.value) {
            Ok(url) if !has_password(&url) => Some(StoreUrl::Postgres(text.value.to_owned())),
            Ok(_) => {
                let message = "`store.url` has a password in it; keep the address in an environment variable or a file and \
                               write \"env:NAME\" or \"file:PATH\" here";
                section.file().problem(&text.span, message);
                None
            }
            Err(error) => {
                section
                    .file()
                    .problem(&text.span, format!("`store.url` is not an address: {error}"));
                None
            }
        };
    }
    if text.value.starts_with("env:") || text.value.starts_with("file:") {
        return section.secret_in("url", text).map(StoreUrl::Secret);
    }
    wrong(
        section,
        "url",
        text,
        "\"sqlite:PATH\", or \"env:NAME\" of a variable with a postgres:// address",
    );
    None
}

fn files(mut section: Section<'_>) -> Option<Files> {
    let folder = section.file().folder();
    let path = |text: Text<'_>| beside(folder, text.value);
    let files = (
        section.required_text("commands").map(path),
        section.required_text("people").map(path),
        section.required_text("policy").map(path),
        section.text("panels").map(path),
        section.text("alerts").map(path),
    );
    section.close();
    let (commands, people, policy, panels, alerts): (_, _, _, Option<PathBuf>, Option<PathBuf>) = files;
    Some(Files {
        commands: commands?,
        people: people?,
        policy: policy?,
        panels,
        alerts,
    })
}

fn slack(mut section: Section<'_>) -> Option<Slack> {
    let socket = transport(&mut section, "socket");
    let teams = ids(&mut section, "teams", "a workspace's id such as \"T1\"", |id| {
        id.starts_with(['T', 'E']) && is_slack_id(id)
    });
    let ops_channel = section
        .required_text("ops_channel")
        .and_then(|text| slack_channel(&section, "ops_channel", &text));
    let signing_secret = section.secret("signing_secret");
    let app_token = section.secret("app_token");
    let transport = match socket {
        Some(true) => {
            section.require("app_token");
            app_token.map(|app_token| SlackTransport::Socket { app_token })
        }
        Some(false) => {
            section.require("signing_secret");
            signing_secret.map(|signing_secret| SlackTransport::Http { signing_secret })
        }
        None => None,
    };
    let bot_token = section.required_secret("bot_token");
    let api_url = api_url(&mut section, "https://slack.com/api");
    section.close();
    Some(Slack {
        transport: transport?,
        teams,
        ops_channel: ops_channel?,
        bot_token: bot_token?,
        api_url: api_url?,
    })
}

fn discord(mut section: Section<'_>) -> Option<Discord> {
    let gateway = transport(&mut section, "gateway");
    let guilds = ids(
        &mut section,
        "guilds",
        "a guild's id, which is a number in quotes",
        is_number,
    );
    let number = |section: &mut Section<'_>, key| {
        let text = section.required_text(key)?;
        if !is_number(text.value) {
            wrong(section, key, &text, "an id, which is a number in quotes");
        }
        Some(text.value.to_owned())
    };
    let ops_channel = number(&mut section, "ops_channel");
    let application_id = number(&mut section, "application_id");
    let public_key = section.secret("public_key");
    let transport = match gateway {
        Some(true) => Some(DiscordTransport::Gateway),
        Some(false) => {
            section.require("public_key");
            public_key.map(|public_key| DiscordTransport::Http { public_key })
        }
        None => None,
    };
    let bot_token = section.required_secret("bot_token");
    let api_url = api_url(&mut section, "https://discord.com/api/v10");
    section.close();
    Some(Discord {
        transport: transport?,
        guilds,
        ops_channel: ops_channel?,
        application_id: application_id?,
        bot_token: bot_token?,
        api_url: api_url?,
    })
}

fn console(mut section: Section<'_>) -> Option<Console> {
    let session = section.required_text("session").and_then(|text| {
        let longest = Duration::from_secs(30 * 24 * 3600);
        let session = text
            .value
            .parse::<SignedDuration>()
            .ok()
            .and_then(|it| Duration::try_from(it).ok());
        let session = session.filter(|it| (Duration::from_secs(60)..=longest).contains(it));
        if session.is_none() {
            wrong(
                &section,
                "session",
                &text,
                "a duration such as \"12h\", from a minute to 30 days",
            );
        }
        session
    });
    section.close();
    Some(Console { session: session? })
}

fn alerts(mut section: Section<'_>) -> Option<Alerts> {
    let token = section.required_secret("token");
    let slack_channel = match section.text("slack_channel") {
        Some(text) => self::slack_channel(&section, "slack_channel", &text),
        None => None,
    };
    let discord_channel = section.text("discord_channel");
    if let Some(text) = discord_channel.as_ref().filter(|text| !is_number(text.value)) {
        wrong(
            &section,
            "discord_channel",
            text,
            "a channel's id, which is a number in quotes",
        );
    }
    section.close();
    Some(Alerts {
        token: token?,
        slack_channel,
        discord_channel: discord_channel.map(|text| text.value.to_owned()),
    })
}

fn limits(mut section: Section<'_>) -> Option<Limits> {
    let default = Limits::default();
    let limits = (
        section.count("person_open", 1..=1_000_000),
        section.count("person_per_minute", 1..=1_000_000),
        section.count("runbook_open", 1..=1_000_000),
    );
    section.close();
    Some(Limits {
        person_open: limits.0.unwrap_or(default.person_open),
        person_per_minute: limits.1.unwrap_or(default.person_per_minute),
        runbook_open: limits.2.unwrap_or(default.runbook_open),
    })
}

/// True for the transport that we open ourselves.
fn transport(section: &mut Section<'_>, opened: &'static str) -> Option<bool> {
    let text = section.required_text("transport")?;
    match text.value {
        "http" => Some(false),
        other if other == opened => Some(true),
        _ => {
            wrong(section, "transport", &text, &format!("\"http\" or \"{opened}\""));
            None
        }
    }
}

fn ids(section: &mut Section<'_>, key: &'static str, wanted: &str, is_one: impl Fn(&str) -> bool) -> Vec<String> {
    let texts = section.required_texts(key);
    for text in texts.iter().filter(|text| !is_one(text.value)) {
        wrong(section, key, text, wanted);
    }
    texts.into_iter().map(|text| text.value.to_owned()).collect()
}

fn slack_channel(section: &Section<'_>, key: &str, text: &Text<'_>) -> Option<String> {
    if !(text.value.starts_with(['C', 'G', 'D']) && is_slack_id(text.value)) {
        wrong(section, key, text, "a channel's id such as \"C0OPS\", not its name");
    }
    Some(text.value.to_owned())
}

fn api_url(section: &mut Section<'_>, usual: &str) -> Option<String> {
    secret_goes_to(section, "api_url", usual, "the bot's token")
}

/// The address of an API that a secret is sent to.
fn secret_goes_to(section: &mut Section<'_>, key: &'static str, usual: &str, secret: &str) -> Option<String> {
    let Some(text) = section.text(key) else {
        return Some(usual.to_owned());
    };
    let url = web_address(section, key, &text)?;
    if url.scheme() != "https" && !is_loopback(&url) {
        let wanted = format!("an https address, because {secret} is sent there");
        wrong(section, key, &text, &wanted);
    }
    Some(without_slash(&url))
}

fn web_address(section: &Section<'_>, key: &str, text: &Text<'_>) -> Option<Url> {
    let url = Url::parse(text.value)
        .ok()
        .filter(|url| ["http", "https"].contains(&url.scheme()) && url.has_host());
    match &url {
        None => wrong(section, key, text, "an http or https address"),
        Some(url) if has_password(url) || url.query().is_some() || url.fragment().is_some() => {
            let key = section.key(key);
            let message =
                format!("`{key}` must be a plain address, without user, password or anything after `?` or `#`");
            section.file().problem(&text.span, message);
            return None;
        }
        Some(_) => {}
    }
    url
}

/// Never repeats the text: a secret may stand where something else was wanted.
fn wrong(section: &Section<'_>, key: &str, text: &Text<'_>, wanted: &str) {
    section
        .file()
        .problem(&text.span, format!("`{}` takes {wanted}", section.key(key)));
}

fn has_password(url: &Url) -> bool {
    url.password().is_some() || url.query_pairs().any(|(name, _)| name.contains("password"))
}

fn without_slash(url: &Url) -> String {
    url.as_str().trim_end_matches('/').to_owned()
}

fn is_loopback(url: &Url) -> bool {
    url.host_str().is_some_and(|host| {
        let host = host.trim_start_matches('[').trim_end_matches(']');
        host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
    })
}

fn is_slack_id(id: &str) -> bool {
    id.len() > 1 && id.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit())
}

fn is_number(id: &str) -> bool {
    !id.is_empty() && id.chars().all(|c| c.is_ascii_digit())
}

/// A path that is written relative to the config's folder, without a detour: people read it in every message.
fn beside(folder: &Path, path: &str) -> PathBuf {
    let mut folder = folder.to_owned();
    let mut path = Path::new(path);
    while let Ok(rest) = path.strip_prefix("..") {
        // From a link `..` leads elsewhere than its name says.
        if folder.is_symlink() || !matches!(folder.components().next_back(), Some(Component::Normal(_))) {
            break;
        }
        folder.pop();
        path = rest;
    }
    folder.join(path)
}
