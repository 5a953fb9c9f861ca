//! Holds the code to the design: what stands where, and who may know whom. The tables below are the rules; whoever
//! breaks one is told the line, the rule and the way out.

mod names;

use names::{Name, names};
use std::path::{Path, PathBuf};

/// From the words at the bottom to the program at the top: a file knows its own layer and those before it. The longest
/// entry that fits counts, so a new file of `run` is a decision until it is put among the deeds.
const LAYERS: &[(&str, &[&str])] = &[
    (
        "words",
        &[
            "call",
            "nearest",
            "panel",
            "problem",
            "promql",
            "report",
            "request",
            "runbook",
            "secret",
            "toml_file",
        ],
    ),
    ("decisions", &["alert", "lint", "plan", "policy", "run"]),
    (
        "deeds",
        &[
            "alert::picture",
            "bell",
            "config",
            "custody",
            "dispatch",
            "intake",
            "integration",
            "rules",
            "run::aside",
            "run::asking",
            "run::chart",
            "run::clock",
            "run::engine",
            "run::ledger",
            "run::proof",
            "run::recovery",
            "run::step",
            "run::strip",
            "run::undo",
            "run::report",
            "station",
            "store",
            "trial",
            "troubles",
        ],
    ),
    ("platforms", &["platform"]),
    (
        "app",
        &[
            "app",
            "cli",
            "doctor",
            "http",
            "main",
            "outbox",
            "reception",
            "registration",
            "serve",
            "usergroups",
        ],
    ),
];

/// These layers are pure: they see, do and wait for nothing, and the time is an argument.
const PURE: &[&str] = &["words", "decisions"];
const IMPURE: &[&str] = &[
    "axum",
    "redis",
    "reqwest",
    "serenity",
    "slack_morphism",
    "sqlx",
    "tokio",
];

/// All that a platform knows beside its own files.
const PLATFORM_KNOWS: &[&str] = &["call", "problem", "report", "request", "runbook::StepOutcome"];

/// The files of these folders do not know each other, except for what is shared.
const STRANGERS: &[(&str, &[&str])] = &[
    ("integration", &["argument", "deadline", "exchange", "pause", "verdict"]),
    ("platform", &["tls"]),
];

/// What only some may name, and where it goes instead.
const RESERVED: &[(&[&str], &[&str], &str)] = &[
    (
        &["sqlx"],
        &["integration", "store"],
        "SQL stands in src/store and src/integration",
    ),
    (
        &["redis"],
        &["integration"],
        "Redis belongs to the systems outside: src/integration",
    ),
    (
        &["twilight_gateway"],
        &["platform::discord"],
        "only src/platform/discord speaks to Discord",
    ),
    (
        &["slack_morphism"],
        &["platform::slack"],
        "only src/platform/slack speaks to Slack",
    ),
    (
        &["serenity"],
        &["platform::discord"],
        "only src/platform/discord speaks to Discord",
    ),
    (
        &["std::env"],
        &["app", "main"],
        "src/app.rs reads the environment and hands on what it says",
    ),
    (
        &["print!", "println!", "eprint!", "eprintln!"],
        &["cli", "main"],
        "only the command line prints; the rest reports or traces",
    ),
];

/// Names that say where code was dropped, not what it is.
const NAMELESS: &[&str] = &[
    "common", "helper", "helpers", "manager", "mod", "models", "types", "util", "utils",
];

const LINES: usize = 600;

#[test]
fn the_code_keeps_to_the_design() {
    let sources = rust_files(Path::new("src"));
    assert!(sources.contains(&PathBuf::from("src/lib.rs")), "found {sources:?}");
    let mut found = Vec::new();
    for path in &sources {
        found.extend(faults(path, &std::fs::read_to_string(path).unwrap()));
    }
    found.extend(rust_files(Path::new("tests")).iter().filter_map(|path| nameless(path)));
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Everything that one file breaks.
fn faults(path: &Path, text: &str) -> Vec<String> {
    let shown = path.display();
    let mut found: Vec<String> = nameless(path).into_iter().collect();
    if path.iter().any(|part| part == "tests" || part == "tests.rs") {
        return found;
    }
    let lines = text.lines().count();
    if lines > LINES {
        found.push(format!(
            "{shown}: {lines} lines. More than {LINES} hold more than one notion: split it."
        ));
    }
    let module = module(path);
    if layer(&module).is_none() && module != "lib" {
        found.push(format!(
            "{shown} stands in no layer: give `{module}` its place in LAYERS (tests/architecture.rs)."
        ));
    }
    for name in names(text, &module) {
        found.extend(breach(&module, &name).map(|why| format!("{shown}:{}: {why}", name.line)));
    }
    found
}

fn nameless(path: &Path) -> Option<String> {
    let stem = path.file_stem()?.to_str()?;
    let word = stem.split('_').find(|word| NAMELESS.contains(word))?;
    Some(format!(
        "{}: `{word}` says where code was dropped: name the file for what it holds.",
        path.display()
    ))
}

/// `src/run/engine.rs` is `run::engine`.
fn module(path: &Path) -> String {
    let path = path.strip_prefix("src").unwrap_or(path).with_extension("");
    path.iter()
        .map(|part| part.to_string_lossy())
        .collect::<Vec<_>>()
        .join("::")
}

fn within(name: &str, module: &str) -> bool {
    name.strip_prefix(module)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

fn layer(name: &str) -> Option<usize> {
    let places = LAYERS
        .iter()
        .enumerate()
        .flat_map(|(layer, (_, modules))| modules.iter().map(move |m| (layer, m)));
    let fits = places.filter(|(_, module)| within(name, module));
    fits.max_by_key(|(_, module)| module.len()).map(|(layer, _)| layer)
}

/// What is wrong with naming this here.
fn breach(module: &str, name: &Name) -> Option<String> {
    let path = &name.path;
    let own = layer(module)?;
    let layer_name = LAYERS[own].0;
    if !name.ours {
        if PURE.contains(&layer_name) {
            if IMPURE.iter().any(|other| within(path, other)) {
                return Some(format!(
                    "`{path}` in {layer_name}, which are pure. A deed does it and hands in the result."
                ));
            }
            if path.ends_with("::now") {
                return Some(format!(
                    "`{path}` in {layer_name}, which are pure. Take the time as an argument."
                ));
            }
        }
        let (_, only, why) = RESERVED
            .iter()
            .find(|(what, ..)| what.iter().any(|what| within(path, what)))?;
        return (!only.iter().any(|only| within(module, only))).then(|| format!("`{path}` is not for here: {why}."));
    }
    let theirs = layer(path)?;
    if theirs > own {
        let below: Vec<&str> = LAYERS[..=own].iter().map(|(name, _)| *name).collect();
        return Some(format!(
            "`{path}` stands with the {}, and {layer_name} know {} only. Take what it gives as an argument.",
            LAYERS[theirs].0,
            below.join(", "),
        ));
    }
    if within(module, "platform")
        && !within(path, "platform")
        && !PLATFORM_KNOWS.iter().any(|known| within(path, known))
    {
        return Some(format!(
            "`{path}` in a platform, which knows {} and its own files. Put it into the report.",
            PLATFORM_KNOWS.join(", ")
        ));
    }
    STRANGERS.iter().find_map(|(folder, shared)| {
        let child = |name: &str| {
            Some(
                name.strip_prefix(folder)?
                    .strip_prefix("::")?
                    .split("::")
                    .next()?
                    .to_owned(),
            )
        };
        let (mine, other) = (child(module)?, child(path)?);
        let file = other.starts_with(|first: char| first.is_ascii_lowercase());
        (file && mine != other && !shared.contains(&other.as_str()))
            .then(|| format!("`{path}`: the files of {folder} do not know each other. Share it in STRANGERS, or part."))
    })
}

#[test]
fn each_rule_finds_what_breaks_it() {
    for (path, text, finding) in [
        (
            "src/request.rs",
            "use crate::plan::Plan;",
            "src/request.rs:1: `plan::Plan` stands with the decisions",
        ),
        (
            "src/plan.rs",
            "\nuse crate::{call, store::{self, Store}};",
            "src/plan.rs:2: `store` stands with the deeds",
        ),
        (
            "src/run/state.rs",
            "use super::ledger::*;",
            "`run::ledger::*` stands with the deeds",
        ),
        (
            "src/run/fresh.rs",
            "fn f() { crate::run::engine::go() }",
            "`run::engine::go` stands with the deeds",
        ),
        (
            "src/run.rs",
            "mod engine; pub use engine::Engine;",
            "`run::engine::Engine` stands with the deeds",
        ),
        (
            "src/store.rs",
            "mod a { use super::super::app::App; }",
            "`app::App` stands with the app",
        ),
        (
            "src/policy.rs",
            "async fn f() { tokio::time::sleep(d).await }",
            "`tokio::time::sleep` in decisions",
        ),
        (
            "src/plan.rs",
            "use {serde::Serialize, sqlx::Row};",
            "`sqlx::Row` in decisions",
        ),
        (
            "src/run/state.rs",
            "fn f() -> T { jiff::Timestamp::now() }",
            "Take the time as an argument",
        ),
        ("src/report.rs", "#[tokio::main] fn f() {}", "`tokio::main` in words"),
        ("src/dispatch.rs", "use sqlx::AnyPool;", "SQL stands in src/store"),
        (
            "src/store.rs",
            "fn f() { std::env::var(\"HOME\"); }",
            "src/app.rs reads the environment",
        ),
        ("src/store.rs", "use std::{env, fs};", "`std::env` is not for here"),
        (
            "src/serve.rs",
            "fn f() { println!(\"{}\", x) }",
            "only the command line prints",
        ),
        (
            "src/outbox.rs",
            "use slack_morphism::SlackClient;",
            "only src/platform/slack",
        ),
        (
            "src/platform/slack/render.rs",
            "use crate::store::Store;",
            "`store::Store` in a platform",
        ),
        (
            "src/platform/slack/render.rs",
            "use crate::runbook::Runbook;",
            "Put it into the report",
        ),
        (
            "src/platform/slack.rs",
            "use crate::platform::discord::Embed;",
            "do not know each other",
        ),
        (
            "src/integration/http.rs",
            "use super::celery::Celery;",
            "do not know each other",
        ),
        ("src/utils.rs", "", "`utils` says where code was dropped"),
        ("src/store/row_helpers.rs", "", "`helpers` says"),
        ("src/store/mod.rs", "", "`mod` says"),
        ("src/novelty.rs", "", "give `novelty` its place in LAYERS"),
        ("src/plan.rs", &"\n".repeat(LINES + 1), "601 lines"),
    ] {
        let found = faults(Path::new(path), text);
        assert!(
            found.iter().any(|found| found.contains(finding)),
            "{path}: {text}\nfound {found:#?}, not {finding}"
        );
    }
}

#[test]
fn what_keeps_to_the_rules_is_left_alone() {
    for (path, text) in [
        (
            "src/plan.rs",
            "//! See [`crate::store::Store`].\n// sqlx::query\nconst A: &str = \"tokio::spawn\";",
        ),
        (
            "src/plan.rs",
            "use crate::call::Call; use crate::run::state::{Shape, self}; use jiff::Timestamp;",
        ),
        (
            "src/plan.rs",
            "#[cfg(test)]\nmod tests { use crate::store::Store; fn f() { println!() } }\nstruct S;",
        ),
        (
            "src/plan.rs",
            "fn f(now: Timestamp) -> bool { now != self.now && a.now() }",
        ),
        ("src/plan/tests.rs", "use crate::store::Store;"),
        (
            "src/run/engine.rs",
            "use super::state::RunState; use crate::store::Store; fn f() { Timestamp::now(); }",
        ),
        (
            "src/integration/celery/send.rs",
            "use super::marker; use crate::integration::{ACTIONS, deadline};",
        ),
        (
            "src/platform/slack/render.rs",
            "use crate::report::Report; use super::press; use crate::runbook::StepOutcome;",
        ),
        (
            "src/main.rs",
            "use signalbox::cli; fn main() { for one in std::env::args() { eprintln!(\"{one}\") } }",
        ),
        ("src/cli/show.rs", "fn f() { println!(); crate::store::open() }"),
        ("src/lib.rs", "pub mod app; pub mod call;"),
    ] {
        assert_eq!(faults(Path::new(path), text), Vec::<String>::new(), "{path}: {text}");
    }
}
