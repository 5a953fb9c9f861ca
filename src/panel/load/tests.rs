use super::*;
use crate::integration::ACTIONS;

fn connections() -> BTreeMap<String, String> {
    let all = [
        ("shop-db", "postgres"),
        ("shop-celery", "celery"),
        ("shop-metrics", "prometheus"),
    ];
    all.map(|(name, kind)| (name.to_owned(), kind.to_owned())).into()
}

fn load(text: &str) -> (Panels, Vec<Problem>) {
    Panels::load(&[(PathBuf::from("a.toml"), text.to_owned())], &connections(), ACTIONS)
}

fn told(problems: &[Problem]) -> String {
    problems.iter().map(Problem::to_string).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_shipped_panels_are_sound() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/panels");
    let (panels, problems) = Panels::load_folder(&folder, &connections(), ACTIONS);
    assert_eq!(told(&problems), "");
    let histories: Vec<String> = panels
        .signals
        .values()
        .map(|signal| {
            let history = signal.history().expect("each has one here");
            format!(
                "{} ({}) from {} asks {} on {}",
                signal.words(),
                signal.unit,
                signal.on,
                history.promql,
                history.on
            )
        })
        .collect();
    insta::assert_snapshot!(histories.join("\n"), @"");
    let names: Vec<&String> = panels.panels.keys().collect();
    assert_eq!(names, ["forwarding", "suppliers"]);
}

#[test]
fn all_problems_are_told_at_once_with_their_place_and_the_way_out() {
    let (panels, problems) = load(
        r#"
[signals.x]

[signal.Bad-Name]

[signal.two_sources]
help = "h"
unit = ""
better = "smaller"
shap = "gauge"
promql = "up"
use = "celery.ping"

[signal.no_source]
help = 5
unit = "u"

[signal.wrong_names]
help = "h"
unit = "u"
use = "celery.pinng"
on = "shop-celry"
field = "workers..size"

[signal.wrong_kinds]
help = "h"
unit = "u"
use = "celery.queue_length"
on = "shop-db"
with = { queue = 3, quue = "x" }
field = "totl"

[signal.writes]
help = "h"
unit = "u"
use = "celery.send"
on = "shop-celery"
field = "task_id"

[signal.no_sql]
help = "h"
unit = "u"
use = "postgres.query"
on = "shop-db"
field = "rows.0.n"

[signal.queue_length]
help = "h"
unit = "u"
promql = "up"
on = "shop-metrics"
field = "value"

[panel.a]
title = "A"
signals = ["queue_lenght", "queue_length", "queue_length", 5, "no_sql"]
thresholds = { queue_length = "high", other = 3 }

[panel.b]
signals = []

[panel.c]
title = "C"
"#,
    );
    insta::assert_snapshot!(told(&problems), @"");
    assert_eq!(panels.panels.len(), 0);
    let sound: Vec<&String> = panels.signals.keys().collect();
    assert_eq!(
        sound,
        ["queue_length"],
        "a superfluous key is told, and the rest is still sound"
    );
}

#[test]
fn broken_toml_hides_no_other_problem() {
    let (_, problems) = load("[signal.a]\nhelp = \nunit = 5\npromql = \"up\"\non = \"shop-metric\"\n");
    insta::assert_snapshot!(told(&problems), @"");
}

#[test]
fn a_name_is_declared_once_over_all_files() {
    let signal = "[signal.up]\nhelp = \"h\"\nunit = \"u\"\npromql = \"up\"\non = \"shop-metrics\"\n";
    let files = [
        (PathBuf::from("a.toml"), signal.to_owned()),
        (PathBuf::from("b.toml"), signal.to_owned()),
    ];
    let (panels, problems) = Panels::load(&files, &connections(), ACTIONS);
    insta::assert_snapshot!(told(&problems), @"");
    assert_eq!(panels.signals.len(), 1);
}

#[test]
fn which_prometheus_keeps_the_past_is_not_guessed() {
    let signal = "[signal.w]\nhelp = \"h\"\nunit = \"u\"\nuse = \"celery.ping\"\non = \"shop-celery\"\nfield = \"workers.size\"\n";
    let files = |text: String| [(PathBuf::from("a.toml"), text)];
    let mut two = connections();
    two.insert("other-metrics".to_owned(), "prometheus".to_owned());
    let (_, problems) = Panels::load(&files(signal.to_owned()), &two, ACTIONS);
    insta::assert_snapshot!(told(&problems), @"");

    let named = format!("{signal}history = \"other-metrics\"\n");
    let (panels, problems) = Panels::load(&files(named), &two, ACTIONS);
    assert_eq!(told(&problems), "");
    assert_eq!(
        panels.signals["w"].history().map(|history| history.on),
        Some("other-metrics")
    );

    let mut none = connections();
    none.remove("shop-metrics");
    let (panels, problems) = Panels::load(&files(signal.to_owned()), &none, ACTIONS);
    assert_eq!(told(&problems), "");
    assert_eq!(panels.signals["w"].history(), None);
}

#[test]
fn a_folder_that_is_not_there_is_a_problem() {
    let (_, problems) = Panels::load_folder(Path::new("/nowhere/panels"), &connections(), ACTIONS);
    insta::assert_snapshot!(told(&problems), @"");
}
