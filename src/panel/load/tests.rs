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
    insta::assert_snapshot!(histories.join("\n"), @r#"
    bot messages failing (messages) from shop-metrics asks max(signalbox_messages_failing) on shop-metrics
    bot requests waiting (commands) from shop-metrics asks max(signalbox_requests_waiting) on shop-metrics
    bot runs waiting (runs) from shop-metrics asks sum(max by (outcome) (signalbox_runs{outcome=~"awaiting-approval|needs-person"})) or 0 * max(signalbox_store_up == 1) on shop-metrics
    duration by task (s) from shop-metrics asks sum by (name) (rate(celery_task_runtime_sum[5m])) / (sum by (name) (rate(celery_task_runtime_count[5m])) > 0) on shop-metrics
    errors by status (answers/s) from shop-metrics asks sum by (status) (clamp_min( max_over_time(django_http_responses_total_by_status_total{status=~"[45].."}[3m]) - (max_over_time(django_http_responses_total_by_status_total{status=~"[45].."}[3m] offset 3m) or 0 * max_over_time(django_http_responses_total_by_status_total{status=~"[45].."}[3m]) and on (job, instance) (up offset 3m == 1)), 0)) / 180 on shop-metrics
    latency by endpoint (s) from shop-metrics asks sum by (view) (clamp_min( max_over_time(django_http_requests_latency_seconds_by_view_method_sum[3m]) - (max_over_time(django_http_requests_latency_seconds_by_view_method_sum[3m] offset 3m) or 0 * max_over_time(django_http_requests_latency_seconds_by_view_method_sum[3m]) and on (job, instance) (up offset 3m == 1)), 0)) / (sum by (view) (clamp_min( max_over_time(django_http_requests_latency_seconds_by_view_method_count[3m]) - (max_over_time(django_http_requests_latency_seconds_by_view_method_count[3m] offset 3m) or 0 * max_over_time(django_http_requests_latency_seconds_by_view_method_count[3m]) and on (job, instance) (up offset 3m == 1)), 0)) > 0) on shop-metrics
    orders awaiting forwarding (orders) from shop-db asks max(signalbox_signal{signal="orders_awaiting_forwarding"}) on shop-metrics
    orders with failed payment (orders) from shop-db asks max(signalbox_signal{signal="orders_with_failed_payment"}) on shop-metrics
    payment failures (failures) from shop-metrics asks max by (provider) (max_over_time(payment_failures_total[3m])) on shop-metrics
    queue length (messages) from shop-celery asks max(signalbox_signal{signal="queue_length"}) on shop-metrics
    requests by endpoint (requests/s) from shop-metrics asks sum by (view) (clamp_min( max_over_time(django_http_requests_total_by_view_transport_method_total[3m]) - (max_over_time(django_http_requests_total_by_view_transport_method_total[3m] offset 3m) or 0 * max_over_time(django_http_requests_total_by_view_transport_method_total[3m]) and on (job, instance) (up offset 3m == 1)), 0)) / 180 on shop-metrics
    server errors (%) from shop-metrics asks 100 * (sum(clamp_min( max_over_time(django_http_responses_total_by_status_total{status=~"5.."}[3m]) - (max_over_time(django_http_responses_total_by_status_total{status=~"5.."}[3m] offset 3m) or 0 * max_over_time(django_http_responses_total_by_status_total{status=~"5.."}[3m]) and on (job, instance) (up offset 3m == 1)), 0)) or 0 * sum(max_over_time(django_http_responses_total_by_status_total[3m]))) / (sum(clamp_min( max_over_time(django_http_responses_total_by_status_total[3m]) - (max_over_time(django_http_responses_total_by_status_total[3m] offset 3m) or 0 * max_over_time(django_http_responses_total_by_status_total[3m]) and on (job, instance) (up offset 3m == 1)), 0)) > 0) on shop-metrics
    supplier sync failures (failures) from shop-metrics asks sum(supplier_sync_failures_total) on shop-metrics
    suppliers not synced (suppliers) from shop-db asks max(signalbox_signal{signal="suppliers_not_synced"}) on shop-metrics
    workers alive (workers) from shop-celery asks max(signalbox_signal{signal="workers_alive"}) on shop-metrics
    "#);
    let names: Vec<&String> = panels.panels.keys().collect();
    assert_eq!(
        names,
        [
            "celery",
            "errors",
            "forwarding",
            "payments",
            "requests",
            "signalbox",
            "suppliers"
        ]
    );
}

#[test]
fn a_signal_of_several_numbers_has_a_label_and_proves_nothing() {
    let (panels, problems) = load(
        r#"
[signal.summed]
help = "h"
unit = "u"
promql = "q"
on = "shop-metrics"
by = "view"
caution = "at least"

[signal.highest]
help = "h"
unit = "u"
promql = "q"
on = "shop-metrics"
by = "view"
others = "highest"

[signal.no_label]
help = "h"
unit = "u"
promql = "q"
on = "shop-metrics"
by = "the view"

[signal.others_alone]
help = "h"
unit = "u"
promql = "q"
on = "shop-metrics"
others = "sum"

[signal.other_others]
help = "h"
unit = "u"
promql = "q"
on = "shop-metrics"
by = "view"
others = "hide"

[signal.better]
help = "h"
unit = "u"
promql = "q"
on = "shop-metrics"
by = "view"
better = "lower"

[signal.measured]
help = "h"
unit = "u"
use = "celery.ping"
on = "shop-celery"
field = "workers.size"
by = "worker"
"#,
    );
    let by = |name: &str| panels.signals[name].by().map(|by| (by.label.as_str(), by.others));
    assert_eq!(by("summed"), Some(("view", Others::Sum)));
    assert_eq!(by("highest"), Some(("view", Others::Highest)));
    assert_eq!(panels.signals["summed"].caution.as_deref(), Some("at least"));
    insta::assert_snapshot!(told(&problems), @r#"
    a.toml:23:6: `the view` is not the name of a label, such as `view`
        by = "the view"
             ^
    a.toml:30:10: `others` says what becomes of many series; name their label with `by`
        others = "sum"
                 ^
    a.toml:38:10: `others` is sum or highest and not `hide`
        others = "hide"
                 ^
    a.toml:45:6: a signal with `by` is several numbers and proves nothing: leave `better` and `shape` out
        by = "view"
             ^
    a.toml:54:6: `by` belongs to a signal with `promql`; what is measured by `use` is one number
        by = "worker"
             ^
    "#);
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
    insta::assert_snapshot!(told(&problems), @r#"
    a.toml:2:2: `signals` is not a key of a panels file; did you mean `signal`?
        [signals.x]
         ^
    a.toml:4:9: a signal is called by lower-case letters, digits and underscores, not `Bad-Name`
        [signal.Bad-Name]
                ^
    a.toml:8:8: `unit` is empty
        unit = ""
               ^
    a.toml:9:10: `better` is lower or higher and not `smaller`
        better = "smaller"
                 ^
    a.toml:10:1: `shap` is not a key of a signal; did you mean `shape`?
        shap = "gauge"
        ^
    a.toml:11:10: a signal has one source: either `promql`, or `use` with `field`
        promql = "up"
                 ^
    a.toml:14:9: a signal needs a source: `promql`, or `use` with `field`, and `on`
        [signal.no_source]
                ^
    a.toml:15:8: `help` is a whole number and must be text
        help = 5
               ^
    a.toml:21:7: no action is called `celery.pinng`; did you mean `celery.ping`?
        use = "celery.pinng"
              ^
    a.toml:23:9: `workers..size` is not a path such as `total`, `rows.0.n` or `workers.size`
        field = "workers..size"
                ^
    a.toml:29:6: connection `shop-db` is of kind postgres; this needs one of kind celery
        on = "shop-db"
             ^
    a.toml:30:18: `queue` is a whole number and must be text
        with = { queue = 3, quue = "x" }
                         ^
    a.toml:30:21: `quue` is not a key of `celery.queue_length`; did you mean `queue`?
        with = { queue = 3, quue = "x" }
                            ^
    a.toml:31:9: `celery.queue_length` gives no `totl`; did you mean `total`?
        field = "totl"
                ^
    a.toml:36:7: `celery.send` changes things; a signal is measured again and again, so it only reads
        use = "celery.send"
              ^
    a.toml:40:9: `with` lacks `sql`: One SELECT with $1, $2... placeholders. A number keeps its digits; what has no JSON kind comes as text.
        [signal.no_sql]
                ^
    a.toml:52:9: `field` belongs to a signal with `use`; this one has `promql`
        field = "value"
                ^
    a.toml:56:12: no signal is called `queue_lenght`; did you mean `queue_length`?
        signals = ["queue_lenght", "queue_length", "queue_length", 5, "no_sql"]
                   ^
    a.toml:56:44: `queue_length` is in this panel already
        signals = ["queue_lenght", "queue_length", "queue_length", 5, "no_sql"]
                                                   ^
    a.toml:56:60: a signal's name is text and not a whole number
        signals = ["queue_lenght", "queue_length", "queue_length", 5, "no_sql"]
                                                                   ^
    a.toml:57:31: a threshold is a finite number
        thresholds = { queue_length = "high", other = 3 }
                                      ^
    a.toml:57:39: `other` is not a key of `thresholds`, which takes the signals of this panel
        thresholds = { queue_length = "high", other = 3 }
                                              ^
    a.toml:59:8: `title` is missing
        [panel.b]
               ^
    a.toml:60:11: `signals` must be a list of at least one signal's name
        signals = []
                  ^
    a.toml:62:8: a panel needs `signals`, a list of names
        [panel.c]
               ^
    "#);
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
    insta::assert_snapshot!(told(&problems), @r#"
    a.toml:2:8: string values must be quoted, expected literal string
        help =
               ^
    a.toml:3:8: `unit` is a whole number and must be text
        unit = 5
               ^
    a.toml:5:6: no connection is called `shop-metric`; did you mean `shop-metrics`?
        on = "shop-metric"
             ^
    "#);
}

#[test]
fn a_name_is_declared_once_over_all_files() {
    let signal = "[signal.up]\nhelp = \"h\"\nunit = \"u\"\npromql = \"up\"\non = \"shop-metrics\"\n";
    let files = [
        (PathBuf::from("a.toml"), signal.to_owned()),
        (PathBuf::from("b.toml"), signal.to_owned()),
    ];
    let (panels, problems) = Panels::load(&files, &connections(), ACTIONS);
    insta::assert_snapshot!(told(&problems), @"
    b.toml:1:9: signal `up` is declared in a.toml already
        [signal.up]
                ^
    ");
    assert_eq!(panels.signals.len(), 1);
}

#[test]
fn which_prometheus_keeps_the_past_is_not_guessed() {
    let signal = "[signal.w]\nhelp = \"h\"\nunit = \"u\"\nuse = \"celery.ping\"\non = \"shop-celery\"\nfield = \"workers.size\"\n";
    let files = |text: String| [(PathBuf::from("a.toml"), text)];
    let mut two = connections();
    two.insert("other-metrics".to_owned(), "prometheus".to_owned());
    let (_, problems) = Panels::load(&files(signal.to_owned()), &two, ACTIONS);
    insta::assert_snapshot!(told(&problems), @r#"
    a.toml:4:7: say with `history` which Prometheus scrapes Signalbox: `other-metrics`, `shop-metrics` or another
        use = "celery.ping"
              ^
    "#);

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
    insta::assert_snapshot!(told(&problems), @"/nowhere/panels:1:1: the panels folder cannot be read: No such file or directory (os error 2)");
}
