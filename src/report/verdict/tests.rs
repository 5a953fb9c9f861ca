use super::*;
use crate::panel::reading::Missing;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

/// Readings 15 s apart, the first at that second of the test.
fn readings(second: i64, values: &[Option<f64>]) -> Vec<Reading> {
    let start: Timestamp = "2026-11-23T14:00:00Z".parse().expect("a time");
    let absent = || Missing::Absent { means: None };
    let reading = |(index, value): (usize, &Option<f64>)| Reading {
        signal: "orders".to_owned(),
        at: start + SignedDuration::from_secs(second + 15 * index as i64),
        value: value.ok_or_else(absent),
    };
    values.iter().enumerate().map(reading).collect()
}

fn some(values: &[f64]) -> Vec<Option<f64>> {
    values.iter().copied().map(Some).collect()
}

fn gauge(before: &[f64], after: &[f64], soaked: Option<&[f64]>) -> Evidence {
    Evidence {
        label: "orders awaiting forwarding".to_owned(),
        unit: "orders".to_owned(),
        better: Better::Lower,
        shape: Shape::Gauge,
        before: readings(-15 * before.len() as i64, &some(before)),
        after: readings(0, &some(after)),
        soaked: soaked.map(|soaked| readings(300, &some(soaked))),
    }
}

fn counter(before: &[Option<f64>], after: &[Option<f64>]) -> Evidence {
    Evidence {
        label: "payment failures".to_owned(),
        unit: "failures".to_owned(),
        shape: Shape::Counter,
        before: readings(-15 * before.len() as i64, before),
        after: readings(0, after),
        ..gauge(&[], &[], None)
    }
}

fn told(evidence: &Evidence) -> String {
    let signal = judge_one(evidence);
    format!("{} | {}", signal.verdict.words(), signal.say)
}

#[test]
fn levels() {
    let flat = [12.0; 20];
    let piled_up = [[0.0; 16].as_slice(), &[12.0; 4]].concat();
    let noisy = [12.0, 14.0, 11.0, 13.0, 10.0, 13.0, 12.0];
    let table = [
        gauge(&[12.0], &[11.0], None),
        gauge(&flat, &[11.0], Some(&[11.0])),
        gauge(&piled_up, &[11.0], Some(&[11.0])),
        gauge(&flat, &[11.0], Some(&[12.0])),
        gauge(&flat, &[12.0], Some(&[15.0])),
        gauge(&flat, &[0.0, 0.0, 400.0], None),
        gauge(&noisy, &[11.0], Some(&[10.0])),
        gauge(&noisy, &[1.0], Some(&[0.0])),
        Evidence {
            better: Better::Higher,
            ..gauge(&[1.0], &[2.0], None)
        },
        gauge(&[], &[11.0], None),
        gauge(&[12.0], &[], None),
        gauge(&[12.0], &[11.0], Some(&[])),
    ];
    let told: Vec<String> = table.iter().map(told).collect();
    insta::assert_snapshot!(told.join("\n"), @"
    improved | orders awaiting forwarding 12 -> 11
    improved | orders awaiting forwarding 12 -> 11, 11 after the soak
    improved | orders awaiting forwarding 12 -> 11, 11 after the soak
    no change | orders awaiting forwarding 12 -> 11, 12 after the soak
    worse | orders awaiting forwarding 12 -> 12, 15 after the soak
    improved | orders awaiting forwarding 12 -> 0
    no change | orders awaiting forwarding 12 -> 11, 10 after the soak
    improved | orders awaiting forwarding 12 -> 1, 0 after the soak
    improved | orders awaiting forwarding 1 -> 2
    no data | orders awaiting forwarding: no data (before the run: no reading was taken)
    no data | orders awaiting forwarding: no data (after the run: no reading was taken)
    no data | orders awaiting forwarding: no data (12 -> 11, then after the soak: no reading was taken)
    ");
}

#[test]
fn what_is_missing_is_said_and_is_not_a_number() {
    let with = |missing: Missing| {
        let mut evidence = gauge(&[12.0], &[11.0], Some(&[11.0]));
        evidence.before[0].value = Err(missing);
        told(&evidence)
    };
    let half_gone = Evidence {
        after: readings(0, &[None, None, Some(3.0)]),
        ..gauge(&[12.0], &[], None)
    };
    let one_lost = Evidence {
        before: readings(-30, &[Some(12.0), None]),
        ..gauge(&[], &[11.0], None)
    };
    let gone_in_the_soak = Evidence {
        soaked: Some(readings(300, &[None])),
        ..gauge(&[12.0], &[11.0], None)
    };
    let told = [
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
        told(&half_gone),
        told(&one_lost),
        told(&gone_in_the_soak),
    ];
    insta::assert_snapshot!(told.join("\n"), @"
    no data | orders awaiting forwarding: no data (before the run: absent: counted in the worker alone)
    no data | orders awaiting forwarding: no data (before the run: unreachable: shop-db does not answer)
    no data | orders awaiting forwarding: no data (before the run: stale: the last number is 90 s old)
    no data | orders awaiting forwarding: no data (before the run: unreadable: its value is NaN)
    no data | orders awaiting forwarding: no data (after the run: only 1 of 3 readings gave a number)
    improved | orders awaiting forwarding 12 -> 11
    no data | orders awaiting forwarding: no data (12 -> 11, then after the soak: absent)
    ");
}

#[test]
fn counters() {
    let steady = [5.0, 6.0, 7.0, 8.0, 9.0];
    let fast = [0.0, 4.0, 8.0, 12.0, 16.0];
    let absent = [None, None];
    let table = [
        counter(&some(&[5.0; 5]), &some(&[5.0; 3])),
        counter(&some(&steady), &some(&[10.0, 11.0])),
        counter(&some(&[0.0; 5]), &some(&[0.0, 9.0])),
        counter(&some(&fast), &some(&[16.0, 16.0, 16.0])),
        counter(&some(&[5.0]), &some(&[7.0])),
        counter(&some(&[7.0; 5]), &some(&[0.0])),
        counter(&some(&[2.0, 1.0, 2.0, 1.0]), &some(&[2.0, 1.0])),
        counter(&[Some(1.0), None, Some(1.0), None], &[Some(1.0)]),
        counter(&absent, &absent),
    ];
    let told: Vec<String> = table.iter().map(told).collect();
    insta::assert_snapshot!(told.join("\n"), @"
    no change | payment failures 5 -> 5: 0 more in 45 s, 0 more in as long a time before
    no change | payment failures 9 -> 11: 2 more in 30 s, 2 more in as long a time before
    worse | payment failures 0 -> 9: 9 more in 30 s, 0 more in as long a time before
    improved | payment failures 16 -> 16: 0 more in 45 s, 12 more in as long a time before
    no data | payment failures: no data (5 -> 7, and how it grew before is not known)
    no data | payment failures: no data (it fell from 7 to 0: whatever counts it has restarted in between)
    no data | payment failures: no data (it was read as 2, 1, 2, 1, 2, 1: several processes answer in turn, each with its own count, and none of these is the total)
    no data | payment failures: no data (it was read as 1, none, 1, none, 1: several processes answer in turn, each with its own count, and none of these is the total)
    no data | payment failures: no data (before the run: absent)
    ");
}

#[test]
fn one_absent_signal_spoils_no_other_and_is_told() {
    let better = gauge(&[12.0], &[11.0], None);
    let same = Evidence {
        label: "queue length".to_owned(),
        unit: String::new(),
        ..gauge(&[0.0], &[0.0], None)
    };
    let worse = Evidence {
        label: "workers alive".to_owned(),
        unit: "workers".to_owned(),
        better: Better::Higher,
        ..gauge(&[2.0], &[0.0], None)
    };
    let absent = counter(&[None], &[None]);
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
    improved | orders awaiting forwarding 12 -> 11; queue length 0 -> 0; payment failures: no data (before the run: absent)
    worse | orders awaiting forwarding 12 -> 11; workers alive 2 -> 0
    no change | queue length 0 -> 0; payment failures: no data (before the run: absent)
    no data | payment failures: no data (before the run: absent)
    no data | no signal was named to prove it by
    ");
}

/// Numbers for before, after and after the soak: whole, so that scaling and shifting them is exact.
fn series() -> impl Strategy<Value = (Vec<f64>, Vec<f64>, Option<Vec<f64>>)> {
    let numbers = |most| prop::collection::vec((0i32..40).prop_map(f64::from), 1..most);
    (numbers(12), numbers(4), prop::option::of(numbers(4)))
}

proptest! {
    #[test]
    fn no_data_never_becomes_a_number(
        (before, after, soaked) in series(),
        gone in 0..3usize,
        shape in prop::sample::select(vec![Shape::Gauge, Shape::Counter]),
    ) {
        let mut evidence = Evidence { shape, ..gauge(&before, &after, soaked.as_deref()) };
        let stage = match (gone, &mut evidence.soaked) {
            (0, _) => &mut evidence.before,
            (2, Some(soaked)) => soaked,
            // With a soak, the reading before it may be lost: what lasted is judged.
            (_, Some(_)) => return Ok(()),
            (_, None) => &mut evidence.after,
        };
        for reading in stage {
            reading.value = Err(Missing::Stale { seconds: 90 });
        }
        let signal = judge_one(&evidence);
        prop_assert_eq!(signal.verdict, Verdict::NoData);
        prop_assert!(signal.say.contains("no data ("), "{}", signal.say);
    }

    #[test]
    fn another_unit_or_another_zero_is_the_same_verdict((before, after, soaked) in series(), power in -3i32..4, shift in -50i32..50) {
        let other = |numbers: &[f64]| numbers.iter().map(|number| number * 2f64.powi(power) + f64::from(shift)).collect::<Vec<f64>>();
        let plain = judge_one(&gauge(&before, &after, soaked.as_deref()));
        let moved = judge_one(&gauge(&other(&before), &other(&after), soaked.as_deref().map(other).as_deref()));
        prop_assert_eq!(plain.verdict, moved.verdict, "{} / {}", plain.say, moved.say);
    }

    #[test]
    fn the_mirrored_signal_has_the_mirrored_verdict((before, after, soaked) in series()) {
        let plain = gauge(&before, &after, soaked.as_deref());
        let mirrored = Evidence { better: Better::Higher, ..plain.clone() };
        let expected = match judge_one(&plain).verdict {
            Verdict::Improved => Verdict::Worse,
            Verdict::Worse => Verdict::Improved,
            other => other,
        };
        prop_assert_eq!(judge_one(&mirrored).verdict, expected);
    }
}
