use super::*;
use crate::panel::reading::Missing;
use jiff::SignedDuration;
use proptest::prelude::*;

/// Seconds between two readings.
const BETWEEN: i64 = 15;

/// So many readings before the run: enough to know how the signal moves by itself.
const KNOWN: usize = 200;

/// The run begins at second 0 and ends at 10; the soak is over at 130.
const ENDED: i64 = 10;
const SOAK: usize = 9;

fn at(second: i64) -> Timestamp {
    let start: Timestamp = "2026-11-23T14:00:00Z".parse().expect("a time");
    start + SignedDuration::from_secs(second)
}

fn reading(second: i64, value: Option<f64>) -> Reading {
    Reading {
        signal: "orders".to_owned(),
        at: at(second),
        value: value.ok_or(Missing::Absent { means: None }),
    }
}

/// `before` is read up to the beginning, `soak` from the last step to the end of the soak.
fn of(shape: Shape, before: &[Option<f64>], soak: &[Option<f64>]) -> Evidence {
    let first = -BETWEEN * (before.len() as i64 - 1);
    let before = (0..).map(|nth| first + BETWEEN * nth).zip(before);
    let soak = (0..).map(|nth| ENDED + BETWEEN * nth).zip(soak);
    Evidence {
        label: "orders awaiting forwarding".to_owned(),
        unit: "orders".to_owned(),
        better: Better::Lower,
        shape,
        times: Times {
            began: at(0),
            ended: at(ENDED),
            soaked: at(ENDED + BETWEEN * (SOAK as i64 - 1)),
        },
        readings: before
            .chain(soak)
            .map(|(second, value)| reading(second, *value))
            .collect(),
        unread: None,
        others: Vec::new(),
    }
}

fn some(values: &[f64]) -> Vec<Option<f64>> {
    values.iter().copied().map(Some).collect()
}

/// Numbers that are repeated until they are as many as it takes, the last ones whole.
fn filled(values: &[f64], count: usize) -> Vec<f64> {
    let skipped = (values.len() - count % values.len()) % values.len();
    values.iter().copied().cycle().skip(skipped).take(count).collect()
}

/// What the signal was like for a long time, what it was like right before the run, and what it was like in each third
/// of the soak.
fn gauge(long: &[f64], before: &[f64], thirds: [f64; 3]) -> Evidence {
    let before = [filled(long, KNOWN), before.to_vec()].concat();
    let soak: Vec<f64> = thirds.iter().flat_map(|third| [*third; SOAK / 3]).collect();
    of(Shape::Gauge, &some(&before), &some(&soak))
}

/// A counter that grew by these in turn, and then by these.
fn counter(long: &[f64], soak: &[f64]) -> Evidence {
    let mut count = 0.0;
    let mut counted = |grown: Vec<f64>| -> Vec<Option<f64>> {
        let each = grown.into_iter().map(|more| {
            count += more;
            Some(count)
        });
        each.collect()
    };
    let before = counted(filled(long, KNOWN));
    let soak = counted(filled(soak, SOAK));
    counters(&before, &soak)
}

fn counters(before: &[Option<f64>], soak: &[Option<f64>]) -> Evidence {
    Evidence {
        label: "payment failures".to_owned(),
        unit: "failures".to_owned(),
        ..of(Shape::Counter, before, soak)
    }
}

fn told(evidence: &Evidence) -> String {
    let signal = judge_one(evidence);
    format!("{} | {}", signal.verdict.words(), signal.say)
}

fn all_told(table: &[Evidence]) -> String {
    table.iter().map(told).collect::<Vec<_>>().join("\n")
}

#[test]
fn levels() {
    let noisy = [12.0, 14.0, 11.0, 13.0, 10.0, 13.0, 12.0];
    insta::assert_snapshot!(all_told(&[
        gauge(&[12.0], &[], [11.0; 3]),
        gauge(&[0.0], &[12.0; 8], [11.0; 3]),
        gauge(&[12.0], &[], [11.0, 11.0, 12.0]),
        gauge(&[12.0], &[], [12.0, 12.0, 11.0]),
        gauge(&[12.0], &[], [12.0, 15.0, 15.0]),
        gauge(&[12.0], &[400.0], [11.0; 3]),
        gauge(&noisy, &[], [11.0; 3]),
        gauge(&noisy, &[], [0.0; 3]),
        Evidence {
            better: Better::Higher,
            ..gauge(&[1.0], &[], [2.0; 3])
        },
    ]), @"
    improved | orders awaiting forwarding 12 -> 11, 11 after the soak
    improved | orders awaiting forwarding 12 -> 11, 11 after the soak
    no change | orders awaiting forwarding 12 -> 11, 12 after the soak
    no change | orders awaiting forwarding 12 -> 12, 11 after the soak
    worse | orders awaiting forwarding 12 -> 12, 15 after the soak
    improved | orders awaiting forwarding 12 -> 11, 11 after the soak
    no change | orders awaiting forwarding 12 -> 11, 11 after the soak, as it also moves by itself
    improved | orders awaiting forwarding 12 -> 0, 0 after the soak
    improved | orders awaiting forwarding 1 -> 2, 2 after the soak
    ");
}

#[test]
fn what_is_missing_is_said_and_is_not_a_number() {
    let with = |missing: Missing| {
        let mut evidence = gauge(&[12.0], &[], [11.0; 3]);
        for reading in evidence
            .readings
            .iter_mut()
            .filter(|reading| reading.at > at(-40) && reading.at <= at(0))
        {
            reading.value = Err(missing.clone());
        }
        evidence
    };
    let without = |from: i64, until: i64| {
        let mut evidence = gauge(&[12.0], &[], [11.0; 3]);
        evidence
            .readings
            .retain(|reading| !(at(from)..=at(until)).contains(&reading.at));
        evidence
    };
    let mut one_lost = gauge(&[12.0], &[], [11.0; 3]);
    one_lost.readings[KNOWN - 1].value = Err(Missing::Unreachable {
        reason: "shop-db does not answer".to_owned(),
    });
    let mut half_gone = gauge(&[12.0], &[], [11.0; 3]);
    for reading in half_gone.readings.iter_mut().filter(|reading| reading.at > at(100)) {
        reading.value = Err(Missing::Unreachable {
            reason: "shop-db does not answer".to_owned(),
        });
    }
    let mut gone_in_the_soak = gauge(&[12.0], &[], [11.0; 3]);
    gone_in_the_soak.readings[KNOWN + SOAK - 1].value = Err(Missing::Absent { means: None });
    insta::assert_snapshot!(all_told(&[
        with(Missing::Absent {
            means: Some("counted in the worker alone".to_owned()),
        }),
        with(Missing::Unreachable {
            reason: "shop-db does not answer".to_owned(),
        }),
        with(Missing::Stale { seconds: 90 }),
        with(Missing::Unreadable {
            reason: "its value is NaN".to_owned(),
        }),
        without(-600, 0),
        without(-9000, 0),
        without(1, 200),
        one_lost,
        half_gone,
        gone_in_the_soak,
    ]), @"
    no data | orders awaiting forwarding: no data (before the run: absent: counted in the worker alone)
    no data | orders awaiting forwarding: no data (before the run: unreachable: shop-db does not answer)
    no data | orders awaiting forwarding: no data (before the run: stale: the last number is 90 s old)
    no data | orders awaiting forwarding: no data (before the run: unreadable: its value is NaN)
    no data | orders awaiting forwarding: no data (before the run: stale: the last number is 615 s old)
    no data | orders awaiting forwarding: no data (before the run: no reading was taken)
    no data | orders awaiting forwarding: no data (after the soak: stale: the last number is 130 s old)
    improved | orders awaiting forwarding 12 -> 11, 11 after the soak
    no data | orders awaiting forwarding: no data (12 -> 11, then after the soak: only 1 of 3 readings gave a number)
    no data | orders awaiting forwarding: no data (12 -> 11, then after the soak: absent)
    ");
}

#[test]
fn a_signal_is_known_after_a_while_and_only_where_no_other_run_was_at_work() {
    let young = of(Shape::Gauge, &some(&[12.0; 40]), &some(&[11.0; SOAK]));
    let unknown = of(Shape::Gauge, &some(&[12.0]), &some(&[11.0; SOAK]));
    let mut beside = gauge(&[12.0], &[], [11.0; 3]);
    beside.others = vec![(at(-2000), at(-500))];
    // Another run did the same an hour ago, and this is not how the signal moves by itself.
    let batch = [vec![13.0; 100], vec![12.0; KNOWN]].concat();
    let by_itself = of(Shape::Gauge, &some(&batch), &some(&[11.0; SOAK]));
    let by_another = Evidence {
        others: vec![(at(-15 * 205), at(-15 * 195))],
        ..by_itself.clone()
    };
    insta::assert_snapshot!(all_told(&[young, unknown, beside, by_itself, by_another]), @"
    improved | orders awaiting forwarding 12 -> 11, 11 after the soak, still for 120 s before
    no data | orders awaiting forwarding: no data (12 -> 11, 11 after the soak; no past is known, of 26 min)
    improved | orders awaiting forwarding 12 -> 11, 11 after the soak, still for 120 s before
    no change | orders awaiting forwarding 12 -> 11, 11 after the soak, as it also moves by itself
    improved | orders awaiting forwarding 12 -> 11, 11 after the soak
    ");
}

#[test]
fn what_was_served_may_be_older_than_what_was_measured_as_the_run_began() {
    let mut evidence = gauge(&[339.0], &[], [339.0; 3]);
    evidence.times.soaked = at(ENDED + 30);
    let served = (-3600..0).chain(ENDED..=ENDED + 30).step_by(5);
    evidence.readings = served.map(|second| reading(second, Some(339.0))).collect();
    evidence.readings.push(reading(0, Some(340.0)));
    evidence.readings.sort_by_key(|reading| reading.at);
    insta::assert_snapshot!(told(&evidence), @"improved | orders awaiting forwarding 340 -> 339, 339 after the soak");
}

#[test]
fn counters_count_by_their_growth() {
    let restarted = |after: f64| {
        let before: Vec<f64> = (0..KNOWN).map(|nth| 40.0 + nth as f64).collect();
        let soak: Vec<f64> = (0..SOAK).map(|nth| after * nth as f64).collect();
        counters(&some(&before), &some(&soak))
    };
    let alternating = filled(&[2.0, 1.0], KNOWN);
    let absent = vec![None; KNOWN];
    let now_and_then = [Some(1.0), None].repeat(KNOWN / 2);
    let lost_a_part = [vec![1000.0; KNOWN - 20], vec![700.0; 20]].concat();
    insta::assert_snapshot!(all_told(&[
        counter(&[0.0], &[0.0]),
        counter(&[1.0], &[1.0]),
        counter(&[0.0], &[2.0]),
        counter(&[4.0], &[0.0]),
        counter(&[1.0, 0.0, 0.0, 0.0], &[0.0]),
        restarted(1.0),
        restarted(8.0),
        counters(&some(&[5.0; 3]), &some(&[7.0; SOAK])),
        counters(&some(&alternating), &some(&[2.0; SOAK])),
        counters(&now_and_then, &some(&[1.0; SOAK])),
        counters(&some(&lost_a_part), &some(&[700.0; SOAK])),
        counters(&absent, &[None; SOAK]),
    ]), @"
    no change | payment failures 0 -> 0: 0 more in 120 s, 0 more in as long a time before
    no change | payment failures 200 -> 209: 8 more in 120 s, 8 more in as long a time before
    worse | payment failures 0 -> 18: 16 more in 120 s, 0 more in as long a time before
    improved | payment failures 800 -> 800: 0 more in 120 s, 32 more in as long a time before
    no change | payment failures 50 -> 50: 0 more in 120 s, 2 more in as long a time before, as it also moves by itself
    no change | payment failures 239 -> 8: 8 more in 120 s, 8 more in as long a time before
    worse | payment failures 239 -> 64: 64 more in 120 s, 8 more in as long a time before
    no data | payment failures: no data (5 -> 7, and how it grew before is not known)
    no data | payment failures: no data (it fell by 1 and rose again by 1 at once: several processes answer in turn, each with its own count, and none of these is the total)
    no data | payment failures: no data (it was absent 100 times in between: several processes answer in turn, each with its own count, and none of these is the total)
    no data | payment failures: no data (it fell from 1000 to 700, and what restarts begins at 0: several processes answer in turn, each with its own count, and none of these is the total)
    no data | payment failures: no data (before the run: absent)
    ");
}

#[test]
fn what_the_bot_counts_itself_is_ahead_of_what_was_kept() {
    let kept = |second| reading(second, Some(5.0));
    let own = vec![reading(3, Some(6.0)), reading(9, None)];
    let seconds = |readings: Vec<Reading>| -> Vec<i64> {
        readings
            .iter()
            .map(|reading| reading.at.duration_since(at(0)).as_secs())
            .collect()
    };
    let both = |shape| seconds(Evidence::readings(shape, vec![kept(0), kept(15)], own.clone()));
    assert_eq!(both(Shape::Gauge), [0, 3, 9, 15]);
    assert_eq!(both(Shape::Counter), [0, 9, 15]);
    assert_eq!(
        seconds(Evidence::readings(Shape::Counter, Vec::new(), own.clone())),
        [3, 9]
    );
}

#[test]
fn one_absent_signal_spoils_no_other_and_is_told() {
    let better = gauge(&[12.0], &[], [11.0; 3]);
    let same = Evidence {
        label: "queue length".to_owned(),
        unit: String::new(),
        ..gauge(&[0.0], &[], [0.0; 3])
    };
    let worse = Evidence {
        label: "workers alive".to_owned(),
        unit: "workers".to_owned(),
        better: Better::Higher,
        ..gauge(&[2.0], &[], [0.0; 3])
    };
    let absent = counters(&[None; KNOWN], &[None; SOAK]);
    let lines = [
        judge(&[better.clone(), same.clone(), absent.clone()]),
        judge(&[better, worse]),
        judge(&[same, absent.clone()]),
        judge(&[absent]),
        judge(&[]),
    ];
    let told: Vec<String> = lines
        .iter()
        .map(|line| format!("{} | {}", line.verdict.words(), line.say))
        .collect();
    insta::assert_snapshot!(told.join("\n"), @"
    improved | orders awaiting forwarding 12 -> 11, 11 after the soak; queue length 0 -> 0, 0 after the soak; payment failures: no data (before the run: absent)
    worse | orders awaiting forwarding 12 -> 11, 11 after the soak; workers alive 2 -> 0, 0 after the soak
    no change | queue length 0 -> 0, 0 after the soak; payment failures: no data (before the run: absent)
    no data | payment failures: no data (before the run: absent)
    no data | no signal was named to prove it by
    ");
}

/// What was for long, and the thirds of the soak: whole, so that scaling and shifting them is exact.
fn series() -> impl Strategy<Value = (Vec<f64>, [f64; 3])> {
    let number = || (0i32..40).prop_map(f64::from);
    (prop::collection::vec(number(), 1..12), [number(), number(), number()])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_data_never_becomes_a_number(
        (long, thirds) in series(),
        before in any::<bool>(),
        shape in prop::sample::select(vec![Shape::Gauge, Shape::Counter]),
    ) {
        let mut evidence = Evidence { shape, ..gauge(&long, &[], thirds) };
        let gone = |reading: &&mut Reading| (reading.at <= at(0)) == before;
        for reading in evidence.readings.iter_mut().filter(gone) {
            reading.value = Err(Missing::Stale { seconds: 90 });
        }
        let signal = judge_one(&evidence);
        prop_assert_eq!(signal.verdict, Verdict::NoData);
        prop_assert!(signal.say.contains("no data ("), "{}", signal.say);
    }

    #[test]
    fn another_unit_or_another_zero_is_the_same_verdict((long, thirds) in series(), power in -3i32..4, shift in -50i32..50) {
        let other = |number: f64| number * 2f64.powi(power) + f64::from(shift);
        let plain = judge_one(&gauge(&long, &[], thirds));
        let moved: Vec<f64> = long.iter().copied().map(other).collect();
        let moved = judge_one(&gauge(&moved, &[], thirds.map(other)));
        prop_assert_eq!(plain.verdict, moved.verdict, "{} / {}", plain.say, moved.say);
    }

    #[test]
    fn the_mirrored_signal_has_the_mirrored_verdict((long, thirds) in series()) {
        let plain = gauge(&long, &[], thirds);
        let mirrored = Evidence { better: Better::Higher, ..plain.clone() };
        let expected = match judge_one(&plain).verdict {
            Verdict::Improved => Verdict::Worse,
            Verdict::Worse => Verdict::Improved,
            other => other,
        };
        prop_assert_eq!(judge_one(&mirrored).verdict, expected);
    }
}
