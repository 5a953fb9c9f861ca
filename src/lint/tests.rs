use super::*;

/// A shop's metrics, as a Prometheus would tell of them.
fn known(selector: &Selector) -> Known {
    let labels = |names: &[&str]| -> BTreeSet<String> {
        let all = ["instance", "job"].iter().chain(names);
        all.map(|name| (*name).to_owned()).collect()
    };
    let seen = |kind, names: &[&str]| Known {
        kind,
        declared: true,
        exists: true,
        fits: true,
        labels: labels(names),
        interval: Some(Duration::from_secs(15)),
        ..Known::default()
    };
    let mut known = match selector.metric.as_deref().unwrap_or_default() {
        "failures_total" => seen(Kind::Counter, &["provider"]),
        "torn_total" => Known {
            falls: 31,
            ..seen(Kind::Counter, &[])
        },
        "queue_length" => seen(Kind::Gauge, &["queue"]),
        "up" | "shop:failures:grew" => seen(Kind::Untold, &[]),
        "shop:later" => Known {
            recorded: true,
            ..Known::default()
        },
        "declared_total" => Known {
            kind: Kind::Counter,
            declared: true,
            ..Known::default()
        },
        "queue_lenght" => Known {
            alike: Some("queue_length".to_owned()),
            ..Known::default()
        },
        _ => Known::default(),
    };
    let values: BTreeMap<&str, &[&str]> = [
        ("provider", ["esewa", "khalti"].as_slice()),
        ("queue", &["celery"]),
        ("job", &["shop"]),
    ]
    .into();
    for matcher in &selector.matchers {
        let Some(there) = values.get(matcher.label.as_str()) else {
            known.elsewhere.insert(matcher.label.clone(), "other_total".to_owned());
            continue;
        };
        if matcher.comparison == Comparison::Is && !there.contains(&matcher.value.as_str()) {
            known.fits = false;
            let there = there.iter().map(|value| (*value).to_owned()).collect();
            known.values.insert(matcher.label.clone(), there);
        }
    }
    known
}

fn found(text: &str, absence: Absence) -> Vec<String> {
    let expression = Expression::parse(text).unwrap();
    let knowledge = expression.selectors().map(|it| (asked(it), known(it))).collect();
    findings(&expression, &knowledge, absence)
}

#[test]
fn what_can_work_is_left_alone() {
    for text in [
        "increase(failures_total{provider=\"esewa\"}[10m]) > 5",
        // Not yet counted, and may be.
        "increase(failures_total{provider=\"stripe\"}[10m]) > 5",
        "increase(failures_total{provider=~\"x.*\"}[10m]) > 5",
        "sum by (provider) (rate(failures_total[1m]))",
        "sum by (made) (label_replace(up, \"made\", \"$1\", \"job\", \"(.*)\"))",
        "max(queue_length{queue=\"celery\"}) > 100",
        "delta(queue_length[10m]) > 3",
        "max_over_time(torn_total[5m]) - (max_over_time(torn_total[5m] offset 5m) or 0 * max_over_time(torn_total[5m])) > 5",
        "resets(torn_total[15m]) > 3",
        "absent(never_there)",
        "sum(never_there) or vector(0)",
        "up unless never_there",
        "shop:later > 2",
        "shop:failures:grew > 2",
        "queue_length - queue_length offset 1h > 10",
        "failures_total / failures_total > 0.5",
        "failures_total{missing=\"\"}",
        "time() > 3",
    ] {
        assert_eq!(found(text, Absence::Unsaid), Vec::<String>::new(), "{text}");
    }
}

#[test]
fn what_cannot_is_told_with_the_way_out() {
    let all: Vec<String> = [
        "never_there > 1",
        "queue_lenght > 1",
        "increase(declared_total[10m]) > 1",
        "sum(rate(failures_total{status=~\"5..\"}[5m])) > 1",
        "failures_total{status!=\"200\"}",
        "queue_length{queue=\"clery\"} > 1",
        "rate(failures_total{job=\"shopp\"}[5m]) > 1",
        "sum by (queue) (rate(failures_total[5m]))",
        "rate(failures_total[30s]) > 1",
        "increase(queue_length[10m]) > 3",
        "sum(queue_length) - sum(failures_total) > 100",
        "sum(failures_total) > 5",
        "5 < failures_total",
        "increase(torn_total[10m]) > 5",
        "sum(torn_total)",
    ]
    .into_iter()
    .flat_map(|text| {
        let found = found(text, Absence::Unsaid);
        assert!(!found.is_empty(), "{text}");
        std::iter::once(format!("{text}:")).chain(found.into_iter().map(|finding| format!("  {finding}")))
    })
    .collect();
    insta::assert_snapshot!(all.join("\n"), @r#"
    never_there > 1:
      there is no metric `never_there`, so this gives nothing, whatever happens. Let something export it, or watch a sign that is there
    queue_lenght > 1:
      there is no metric `queue_lenght`, so this gives nothing, whatever happens. Did you mean `queue_length`?
    increase(declared_total[10m]) > 1:
      `declared_total` is declared by a target and has no series: nothing was counted yet, or the process that counts is not scraped. No series is not zero, and the first count is never seen as growth. Say what it means, with `or vector(0)`, or watch a sign that is there
    sum(rate(failures_total{status=~"5.."}[5m])) > 1:
      `failures_total` has no label `status`, so status=~"5.." fits nothing. `other_total` has it
    failures_total{status!="200"}:
      `failures_total` has no label `status`, so status!="200" excludes nothing. `other_total` has it
    queue_length{queue="clery"} > 1:
      no series of `queue_length` has queue="clery", so this gives nothing. There is celery
    rate(failures_total{job="shopp"}[5m]) > 1:
      no series of `failures_total` has job="shopp", so this gives nothing. There is shop
    sum by (queue) (rate(failures_total[5m])):
      it groups by `queue`, which `failures_total` does not have, so all of it falls into one group. It has instance, job, provider
    rate(failures_total[30s]) > 1:
      the range [30s] of `failures_total` is shorter than 4 scrapes, which come every 15s: one that is late leaves too few samples. Take [1m] or longer
    increase(queue_length[10m]) > 3:
      increase() of the gauge `queue_length`: each fall is taken for a restart, so it counts what never happened. Take delta() or deriv()
    sum(queue_length) - sum(failures_total) > 100:
      the gauge `queue_length` and the counter `failures_total`, one minus the other: the counter grows for ever and the gauge does not, so the result says how old the process is. Take a gauge for both, or the growth of the counter
    sum(failures_total) > 5:
      the counter `failures_total` is compared as it stands: it grows until its process starts again, so what was true once stays true. Compare its growth, increase(failures_total[10m])
    5 < failures_total:
      the counter `failures_total` is compared as it stands: it grows until its process starts again, so what was true once stays true. Compare its growth, increase(failures_total[10m])
    increase(torn_total[10m]) > 5:
      `torn_total` is a counter and fell 31 times within a quarter of an hour: several processes behind one target count each for itself, and each fall is taken for a restart, so failures are counted that never happened. Let the processes count together (Python: PROMETHEUS_MULTIPROC_DIR), or compare max_over_time() of two windows, as config/rules/shop.yml does
    sum(torn_total):
      `torn_total` is a counter and fell 31 times within a quarter of an hour: several processes behind one target count each for itself, and each fall is taken for a restart, so failures are counted that never happened. Let the processes count together (Python: PROMETHEUS_MULTIPROC_DIR), or compare max_over_time() of two windows, as config/rules/shop.yml does
    "#);
}

#[test]
fn where_absence_is_explained_it_is_no_mistake_and_the_rest_is() {
    assert_eq!(found("never_there", Absence::Explained), Vec::<String>::new());
    assert_eq!(
        found("queue_length{queue=\"x\"}", Absence::Explained),
        Vec::<String>::new()
    );
    assert_eq!(found("rate(queue_length[5m])", Absence::Explained).len(), 1);
}

#[test]
fn a_kind_is_taken_from_what_is_declared() {
    let types = |name: &str| match name {
        "a_total" | "b" => vec!["counter"],
        "c" => vec!["gauge"],
        "d" => vec!["histogram"],
        "e" => vec!["summary"],
        "f" => vec!["counter", "gauge"],
        "g_total" => vec!["unknown"],
        _ => Vec::new(),
    };
    for (name, kind) in [
        ("a_total", Kind::Counter),
        ("b_total", Kind::Counter),
        ("c", Kind::Gauge),
        ("d_bucket", Kind::Counter),
        ("d_sum", Kind::Counter),
        ("e_count", Kind::Counter),
        ("e_bucket", Kind::Untold),
        ("e", Kind::Untold),
        ("f", Kind::Untold),
        ("g_total", Kind::Untold),
        ("up", Kind::Untold),
    ] {
        assert_eq!(Kind::of(name, types), kind, "{name}");
    }
}
