use super::*;
use proptest::prelude::*;

fn at(minutes: f64) -> Timestamp {
    let start: Timestamp = "2026-11-23T14:00:00Z".parse().expect("a time");
    start + SignedDuration::from_millis((minutes * 60_000.0) as i64)
}

fn strip(label: &str, unit: &str, values: impl Fn(i32) -> Option<f64>) -> Strip {
    let points = (0..=240)
        .map(|index| (at(f64::from(index) / 4.0), values(index)))
        .collect();
    Strip {
        begins: None,
        label: label.to_owned(),
        unit: unit.to_owned(),
        curves: Curves::One(points),
        threshold: None,
        missing: None,
        remarks: Vec::new(),
    }
}

/// An hour with a run in it: a count that falls, a queue with a gap, a signal that nobody exposes.
fn hour(theme: Theme) -> ChartSpec {
    let awaiting = |index| {
        Some(if index < 60 {
            0.0
        } else if index < 164 {
            f64::from((index - 60) / 8).min(12.0)
        } else {
            11.0
        })
    };
    let queue = |index: i32| match index {
        90..=120 => None,
        121 => Some(3.0),
        122..=124 => None,
        164..=172 => Some(f64::from(172 - index)),
        _ => Some(f64::from((index * 7919) % 5) / 2.0),
    };
    ChartSpec {
        title: "Forwarding orders to suppliers".to_owned(),
        start: at(0.0),
        end: at(60.0),
        zone: TimeZone::UTC,
        strips: vec![
            Strip {
                threshold: Some(10.0),
                ..strip("orders awaiting forwarding", "orders", awaiting)
            },
            strip("queue length", "messages", queue),
            strip("workers alive", "workers", |_| Some(2.0)),
            Strip {
                curves: Curves::none(),
                missing: Some(
                    "absent: this shop counts it only inside the worker, which exposes nothing: absent is not zero"
                        .to_owned(),
                ),
                ..strip("supplier sync failures", "failures", |_| None)
            },
        ],
        band: Some(Band {
            start: at(41.0),
            end: at(42.5),
            label: "run 7f3a".to_owned(),
        }),
        note: Some("Sampled every 15 s; improved: 12 -> 11 orders.".to_owned()),
        theme,
    }
}

/// Values a minute apart, from the start of the hour.
fn minutes(values: &[Option<f64>]) -> Strip {
    let points = values
        .iter()
        .enumerate()
        .map(|(index, value)| (at(index as f64), *value))
        .collect();
    Strip {
        begins: None,
        label: "queue length".to_owned(),
        unit: "messages".to_owned(),
        curves: Curves::One(points),
        threshold: None,
        missing: None,
        remarks: Vec::new(),
    }
}

fn ten_minutes(strip: Strip) -> ChartSpec {
    ChartSpec {
        title: "Queue".to_owned(),
        start: at(0.0),
        end: at(10.0),
        zone: TimeZone::UTC,
        strips: vec![strip],
        band: None,
        note: None,
        theme: Theme::Dark,
    }
}

/// The elements of the text whose tag is `tag`, without those of the grid.
fn elements<'t>(text: &'t str, tag: &str) -> Vec<&'t str> {
    text.lines()
        .filter(|line| line.starts_with(&format!("<{tag} ")) && !line.contains("#2f333a"))
        .collect()
}

fn labels(text: &str) -> Vec<&str> {
    elements(text, "text")
        .into_iter()
        .filter_map(|line| line.split_once('>')?.1.strip_suffix("</text>"))
        .collect()
}

#[test]
fn the_whole_chart_as_text() {
    let mut spec = ten_minutes(minutes(&[
        Some(0.0),
        Some(4.0),
        None,
        Some(2.0),
        None,
        Some(3.0),
        Some(1.0),
    ]));
    spec.band = Some(Band {
        start: at(4.5),
        end: at(5.5),
        label: "run 7f3a".to_owned(),
    });
    spec.strips[0].threshold = Some(5.0);
    spec.note = Some("sampled every minute".to_owned());
    insta::assert_snapshot!(text(&spec).expect("a chart"), @r##"
    <svg xmlns="http://www.w3.org/2000/svg" width="800" height="291" viewBox="0 0 800 291" font-family="DejaVu Sans">
    <rect width="800" height="291" fill="#181b1f"/>
    <text x="20.0" y="34.0" font-size="22" fill="#d8d9e0" text-anchor="start">Queue</text>
    <text x="20.0" y="58.0" font-size="16" fill="#9fa1ac" text-anchor="start">23 Nov 2026, 14:00 to 14:10 UTC</text>
    <rect x="392.8" y="91.0" width="70.4" height="3" fill="#5794f2"/>
    <text x="428.0" y="85.0" font-size="15" fill="#5794f2" text-anchor="middle">run 7f3a</text>
    <rect x="20" y="109.0" width="14" height="5" rx="2.5" fill="#73bf69"/>
    <text x="42.0" y="117.0" font-size="17" fill="#d8d9e0" text-anchor="start">queue length (messages)</text>
    <text x="780.0" y="117.0" font-size="17" fill="#d8d9e0" text-anchor="end">last 1, threshold 5</text>
    <rect x="392.8" y="132.0" width="70.4" height="88.0" fill="#5794f2" fill-opacity="0.22"/>
    <line x1="76.0" y1="132.0" x2="76.0" y2="220.0" stroke="#2f333a" stroke-width="1" shape-rendering="crispEdges"/>
    <line x1="216.8" y1="132.0" x2="216.8" y2="220.0" stroke="#2f333a" stroke-width="1" shape-rendering="crispEdges"/>
    <line x1="357.6" y1="132.0" x2="357.6" y2="220.0" stroke="#2f333a" stroke-width="1" shape-rendering="crispEdges"/>
    <line x1="498.4" y1="132.0" x2="498.4" y2="220.0" stroke="#2f333a" stroke-width="1" shape-rendering="crispEdges"/>
    <line x1="639.2" y1="132.0" x2="639.2" y2="220.0" stroke="#2f333a" stroke-width="1" shape-rendering="crispEdges"/>
    <line x1="780.0" y1="132.0" x2="780.0" y2="220.0" stroke="#2f333a" stroke-width="1" shape-rendering="crispEdges"/>
    <line x1="76.0" y1="220.0" x2="780.0" y2="220.0" stroke="#2f333a" stroke-width="1" shape-rendering="crispEdges"/>
    <text x="68.0" y="225.0" font-size="15" fill="#9fa1ac" text-anchor="end">0</text>
    <line x1="76.0" y1="190.7" x2="780.0" y2="190.7" stroke="#2f333a" stroke-width="1" shape-rendering="crispEdges"/>
    <text x="68.0" y="195.7" font-size="15" fill="#9fa1ac" text-anchor="end">2</text>
    <line x1="76.0" y1="161.3" x2="780.0" y2="161.3" stroke="#2f333a" stroke-width="1" shape-rendering="crispEdges"/>
    <text x="68.0" y="166.3" font-size="15" fill="#9fa1ac" text-anchor="end">4</text>
    <line x1="76.0" y1="132.0" x2="780.0" y2="132.0" stroke="#2f333a" stroke-width="1" shape-rendering="crispEdges"/>
    <text x="68.0" y="137.0" font-size="15" fill="#9fa1ac" text-anchor="end">6</text>
    <line x1="76.0" y1="146.7" x2="780.0" y2="146.7" stroke="#f2495c" stroke-width="1.5" stroke-dasharray="6 4" shape-rendering="crispEdges"/>
    <path d="M76.0 220.0L146.4 161.3L146.4 220.0L76.0 220.0Z" fill="#73bf69" fill-opacity="0.14"/>
    <path d="M76.0 220.0L146.4 161.3" fill="none" stroke="#73bf69" stroke-width="2.5" stroke-linejoin="round" stroke-linecap="round"/>
    <circle cx="287.2" cy="190.7" r="3" fill="#73bf69"/>
    <path d="M428.0 176.0L498.4 205.3L498.4 220.0L428.0 220.0Z" fill="#73bf69" fill-opacity="0.14"/>
    <path d="M428.0 176.0L498.4 205.3" fill="none" stroke="#73bf69" stroke-width="2.5" stroke-linejoin="round" stroke-linecap="round"/>
    <text x="76.0" y="244.0" font-size="15" fill="#9fa1ac" text-anchor="middle">14:00</text>
    <text x="216.8" y="244.0" font-size="15" fill="#9fa1ac" text-anchor="middle">14:02</text>
    <text x="357.6" y="244.0" font-size="15" fill="#9fa1ac" text-anchor="middle">14:04</text>
    <text x="498.4" y="244.0" font-size="15" fill="#9fa1ac" text-anchor="middle">14:06</text>
    <text x="639.2" y="244.0" font-size="15" fill="#9fa1ac" text-anchor="middle">14:08</text>
    <text x="20.0" y="274.0" font-size="15" fill="#9fa1ac" text-anchor="start">sampled every minute</text>
    </svg>
    "##);
}

#[test]
fn the_chart_in_words() {
    insta::assert_snapshot!(alt(&hour(Theme::Dark)), @"Forwarding orders to suppliers. 23 Nov 2026, 14:00 to 15:00 UTC. orders awaiting forwarding: 0 at first, 11 at last, between 0 and 12, threshold 10. queue length (messages): 0 at first, 0 at last, between 0 and 8, with gaps. workers alive: 2 at first, 2 at last. supplier sync failures: no data (absent: this shop counts it only inside the worker, which exposes nothing: absent is not zero). run 7f3a is marked, 23 Nov 2026, 14:41:00 to 14:42:30 UTC. Sampled every 15 s; improved: 12 -> 11 orders.");
}

#[test]
fn what_people_read_on_it() {
    let text = text(&hour(Theme::Light)).expect("a chart");
    insta::assert_snapshot!(labels(&text).join("\n"), @"
    Forwarding orders to suppliers
    23 Nov 2026, 14:00 to 15:00 UTC
    run 7f3a
    orders awaiting forwarding
    last 11, threshold 10
    0
    5
    10
    15
    queue length (messages)
    last 0
    0
    5
    10
    workers alive
    last 2
    0
    1
    2
    supplier sync failures
    no data
    absent: this shop counts it only inside the worker, which exposes
    nothing: absent is not zero
    14:00
    14:10
    14:20
    14:30
    14:40
    14:50
    Sampled every 15 s; improved: 12 -&gt; 11 orders.
    ");
}

fn curve(name: &str, values: &[Option<f64>]) -> Curve {
    let Curves::One(points) = minutes(values).curves else {
        unreachable!("minutes are one number");
    };
    Curve {
        name: name.to_owned(),
        points,
    }
}

/// Ten minutes of five endpoints and the sum of eight more.
fn several() -> ChartSpec {
    let up = |from: f64| -> Vec<Option<f64>> { (0..=10).map(|minute| Some(from + f64::from(minute))).collect() };
    let named = vec![
        curve("payments-webhook", &up(40.0)),
        curve("health", &up(30.0)),
        curve("cart", &[Some(20.0), Some(20.0), None, Some(21.0)]),
        curve("checkout", &up(10.0)),
        curve(
            "a view with a name that is longer than anybody should call one",
            &up(5.0),
        ),
    ];
    let rest = Some(curve("8 more, summed", &up(1.0)));
    ten_minutes(Strip {
        label: "requests by endpoint".to_owned(),
        unit: "requests/s".to_owned(),
        curves: Curves::Named { named, rest },
        threshold: Some(60.0),
        remarks: vec!["at least so many".to_owned()],
        ..minutes(&[])
    })
}

#[test]
fn several_series_have_a_legend_with_their_newest_numbers() {
    let text = text(&several()).expect("a chart");
    insta::assert_snapshot!(labels(&text)[..16].join("\n"), @"
    Queue
    23 Nov 2026, 14:00 to 14:10 UTC
    requests by endpoint (requests/s)
    threshold 60
    payments-webhook
    50
    health
    40
    cart
    21
    checkout
    20
    a view with a name that is l…
    15
    8 more, summed
    11
    ");
    assert_eq!(labels(&text).last(), Some(&"requests by endpoint: at least so many"));
    insta::assert_snapshot!(alt(&several()), @"Queue. 23 Nov 2026, 14:00 to 14:10 UTC. requests by endpoint (requests/s): payments-webhook 40 at first, 50 at last; health 30 at first, 40 at last; cart 20 at first, 21 at last, with gaps; checkout 10 at first, 20 at last; a view with a name that is longer than anybody should call one 5 at first, 15 at last; 8 more, summed 1 at first, 11 at last, threshold 60. requests by endpoint: at least so many.");
}

#[test]
fn no_two_of_several_look_the_same() {
    let text = text(&several()).expect("a chart");
    let look = |line: &str| {
        let attribute = |name: &str| {
            let (_, rest) = line.split_once(&format!(" {name}=\""))?;
            rest.split_once('"').map(|(value, _)| value.to_owned())
        };
        (attribute("stroke"), attribute("stroke-dasharray"))
    };
    let swatches: Vec<_> = elements(&text, "line")
        .into_iter()
        .filter(|line| line.contains("stroke-width=\"4\""))
        .map(look)
        .collect();
    assert_eq!(swatches.len(), 6);
    for (index, one) in swatches.iter().enumerate() {
        assert!(!swatches[index + 1..].contains(one), "{one:?} is there twice");
    }
    // The curves look as the legend says, and no area lies below them.
    let curves = elements(&text, "path");
    assert!(curves.iter().all(|path| path.contains("fill=\"none\"")));
    for swatch in &swatches {
        assert!(
            curves.iter().any(|path| look(path) == *swatch),
            "{swatch:?} is not drawn"
        );
    }
    assert_eq!(elements(&text, "circle").len(), 1, "the sample behind the gap");
}

#[test]
fn what_holds_for_several_strips_is_said_once() {
    let mut spec = several();
    spec.strips.push(Strip {
        label: "latency by endpoint".to_owned(),
        unit: "s".to_owned(),
        ..spec.strips[0].clone()
    });
    let text = text(&spec).expect("a chart");
    assert!(
        labels(&text).contains(&"latency by endpoint (s)"),
        "{:?}",
        labels(&text)
    );
    assert_eq!(
        labels(&text).last(),
        Some(&"requests by endpoint, latency by endpoint: at least so many")
    );
}

#[test]
fn a_gap_is_a_gap_and_a_lonely_sample_is_a_dot() {
    let text = text(&ten_minutes(minutes(&[
        Some(1.0),
        Some(2.0),
        None,
        Some(2.0),
        None,
        Some(1.0),
        Some(1.0),
    ])))
    .expect("a chart");
    let strokes = elements(&text, "path")
        .iter()
        .filter(|path| path.contains("fill=\"none\""))
        .count();
    assert_eq!((strokes, elements(&text, "circle").len()), (2, 1));
}

#[test]
fn nothing_to_draw_says_no_data_and_why() {
    for points in [
        &[][..],
        &[None, None],
        &[Some(f64::NAN)],
        &[Some(f64::INFINITY)],
        &[Some(1e300)],
    ] {
        let strip = Strip {
            missing: Some("absent: nobody exposes it".to_owned()),
            ..minutes(points)
        };
        let spec = ten_minutes(strip);
        let text = text(&spec).expect("a chart");
        assert!(
            labels(&text).contains(&"no data") && labels(&text).contains(&"absent: nobody exposes it"),
            "{text}"
        );
        assert_eq!(elements(&text, "path"), Vec::<&str>::new());
        assert!(alt(&spec).contains("no data (absent: nobody exposes it)"));
    }
}

#[test]
fn a_signal_that_fell_silent_shows_since_when() {
    let text = text(&ten_minutes(minutes(&[Some(1.0), Some(7.0), None]))).expect("a chart");
    assert!(labels(&text).contains(&"no data after 14:01:00"), "{text}");
}

#[test]
fn hostile_text_stays_text() {
    let evil = "</text><script>&\"'\u{0}\u{1b}[31m\u{ffff}";
    let mut spec = ten_minutes(Strip {
        missing: Some(evil.to_owned()),
        label: evil.to_owned(),
        unit: evil.to_owned(),
        ..minutes(&[])
    });
    spec.title = evil.to_owned();
    spec.note = Some(evil.to_owned());
    spec.band = Some(Band {
        start: at(1.0),
        end: at(2.0),
        label: evil.to_owned(),
    });
    let text = text(&spec).expect("a chart");
    assert!(!text.contains("<script"));
    assert!(text.contains("&lt;/text&gt;&lt;script&gt;&amp;&quot;&apos;\u{fffd}\u{fffd}[31m\u{fffd}"));
    draw(&spec).expect("it is still XML");
}

#[test]
fn too_many_signals_are_named_and_not_drawn() {
    let mut spec = ten_minutes(minutes(&[Some(1.0)]));
    spec.strips = (0..MOST_STRIPS + 2)
        .map(|index| Strip {
            label: format!("signal {index}"),
            ..minutes(&[Some(1.0)])
        })
        .collect();
    let text = text(&spec).expect("a chart");
    assert!(labels(&text).contains(&"Not drawn: signal 8, signal 9"), "{text}");
    assert!(alt(&spec).contains("Not drawn: signal 8, signal 9."));
}

#[test]
fn many_points_stay_a_short_text_and_keep_their_spike() {
    let values = |index: usize| if index == 54_321 { 1000.0 } else { (index % 10) as f64 };
    let points = (0..100_000)
        .map(|index| (at(index as f64 / 10_000.0), Some(values(index))))
        .collect();
    let text = text(&ten_minutes(Strip {
        curves: Curves::One(points),
        ..minutes(&[])
    }))
    .expect("a chart");
    assert!(text.len() < 100_000, "{} bytes", text.len());
    let spiky = minutes(&[Some(0.0), Some(1000.0)]);
    let top = |text: &str| {
        elements(text, "path")[1]
            .split(['M', 'L', '"'])
            .filter_map(|place| place.split_once(' ')?.1.parse::<f64>().ok())
            .fold(f64::MAX, f64::min)
    };
    assert_eq!(top(&text), top(&super::text(&ten_minutes(spiky)).expect("a chart")));
}

#[test]
fn samples_that_are_missing_make_gaps() {
    let step = SignedDuration::from_secs(60);
    let points = with_gaps(
        &[(at(0.0), Some(1.0)), (at(1.1), Some(2.0)), (at(4.0), Some(3.0))],
        step,
    );
    let values: Vec<Option<f64>> = points.iter().map(|(_, value)| *value).collect();
    assert_eq!(values, [Some(1.0), Some(2.0), None, Some(3.0)]);
}

#[test]
fn times_stand_in_the_named_zone() {
    let mut spec = ten_minutes(minutes(&[Some(1.0)]));
    spec.zone = TimeZone::fixed(jiff::tz::offset(5));
    let text = text(&spec).expect("a chart");
    assert!(
        labels(&text).contains(&"23 Nov 2026, 19:00 to 19:10 +05"),
        "{:?}",
        labels(&text)
    );
    assert!(labels(&text).contains(&"19:02"), "{:?}", labels(&text));
}

#[test]
fn a_chart_of_nothing_is_an_error() {
    let spec = ten_minutes(minutes(&[]));
    let backwards = ChartSpec {
        end: at(0.0),
        ..spec.clone()
    };
    insta::assert_snapshot!(draw(&backwards).expect_err("no width"), @"a chart from 2026-11-23T14:00:00Z to 2026-11-23T14:00:00Z has no width; choose an end after its start");
    insta::assert_snapshot!(draw(&ChartSpec { strips: Vec::new(), ..spec }).expect_err("no strips"), @"the chart `Queue` has no signals; name at least one");
}

#[test]
fn the_picture_is_a_png_of_that_width_with_letters_and_small_enough_to_post() {
    let mut spec = hour(Theme::Dark);
    let png = draw(&spec).expect("a picture");
    assert!(png.len() < 60_000, "{} bytes", png.len());
    let reader = png::Decoder::new(std::io::Cursor::new(&png))
        .read_info()
        .expect("a PNG");
    assert_eq!(reader.info().width, WIDTH);
    // Without its font the picture would lack every letter, and nobody would be told.
    spec.title = "Another title".to_owned();
    assert_ne!(png, draw(&spec).expect("a picture"));
}

#[test]
fn scales_are_round() {
    use super::scale::Scale;
    let table: &[(&[f64], &[f64])] = &[
        (&[0.0], &[0.0, 1.0]),
        (&[12.0], &[0.0, 5.0, 10.0, 15.0]),
        (&[1.0, 2.0], &[0.0, 1.0, 2.0]),
        (&[10.0, 12.0], &[0.0, 5.0, 10.0, 15.0]),
        (&[1000.0, 1010.0], &[1000.0, 1005.0, 1010.0]),
        (&[-3.0, 3.0], &[-4.0, -2.0, 0.0, 2.0, 4.0]),
        (&[0.0, 0.5], &[0.0, 0.2, 0.4, 0.6000000000000001]),
    ];
    for (numbers, ticks) in table {
        assert_eq!(Scale::of(numbers).expect("numbers").ticks, *ticks, "{numbers:?}");
    }
    assert_eq!(Scale::of(&[]), None);
}

proptest! {
    #[test]
    fn every_number_lies_on_its_scale(numbers in prop::collection::vec(-1e99..1e99f64, 1..20)) {
        let scale = super::scale::Scale::of(&numbers).expect("numbers");
        prop_assert!((2..=8).contains(&scale.ticks.len()), "{:?}", scale);
        for number in numbers {
            prop_assert!((-1e-6..=1.0 + 1e-6).contains(&scale.height(number)), "{number} on {:?}", scale);
        }
    }

    #[test]
    fn any_span_has_a_few_times_within_it(start in -2_000_000_000i64..4_000_000_000, span in 1i64..100_000_000, offset in -12i8..=12) {
        let (from, to) = (Timestamp::from_second(start).expect("a time"), Timestamp::from_second(start + span).expect("a time"));
        let times = super::scale::times(from, to, &TimeZone::fixed(jiff::tz::offset(offset)), 8);
        prop_assert!(times.len() <= 9, "{times:?}");
        prop_assert!(times.iter().all(|(at, _)| (from..=to).contains(at)));
    }
}

#[test]
fn a_short_time_has_few_labels_too() {
    let start = Timestamp::from_second(1_790_000_000).unwrap();
    for seconds in (0..200).chain([599, 3601, 86_401, 3_000_000]) {
        let end = start + jiff::SignedDuration::from_secs(seconds);
        let labels = super::scale::times(start, end, &TimeZone::UTC, 8);
        assert!(labels.len() <= 9, "{seconds} seconds have {} labels", labels.len());
    }
}

/// Two panels of one signal each.
fn two_panels() -> ChartSpec {
    let mut spec = several();
    spec.strips[0].begins = Some("Requests by endpoint".to_owned());
    spec.strips.push(Strip {
        begins: Some("The queue".to_owned()),
        threshold: Some(3.0),
        ..minutes(&[Some(1.0), None, Some(2.0)])
    });
    spec.title = "Requests by endpoint; The queue".to_owned();
    spec
}

#[test]
fn several_panels_are_one_picture_each_under_its_title() {
    let spec = two_panels();
    let text = text(&spec).expect("a chart");
    let labels = labels(&text);
    assert_eq!(labels[..2], ["23 Nov 2026, 14:00 to 14:10 UTC", "Requests by endpoint"]);
    assert!(labels.contains(&"The queue"), "{labels:?}");
    // Nothing stands above all of them that would be cut.
    assert!(!labels.contains(&"Requests by endpoint; The queue"));
    let words = alt(&spec);
    assert!(
        words.starts_with(
            "23 Nov 2026, 14:00 to 14:10 UTC. Requests by endpoint. requests by endpoint (requests/s): pay"
        ),
        "{words}"
    );
    assert!(
        words.contains(" The queue. queue length (messages): 1 at first"),
        "{words}"
    );
    draw(&spec).expect("a picture");
}

#[test]
fn a_chart_in_numbers_says_what_its_words_say() {
    let spec = two_panels();
    let rows: Vec<String> = rows(&spec)
        .iter()
        .map(|row| {
            COLUMNS
                .map(|column| row[column].as_str().expect("text").to_owned())
                .join(" | ")
        })
        .collect();
    insta::assert_snapshot!(rows.join("\n"), @"
    requests by endpoint (requests/s) | payments-webhook | 50 | 50 | 40 | 40
    requests by endpoint (requests/s) | health | 40 | 40 | 30 | 30
    requests by endpoint (requests/s) | cart | 21 | 21 | 20 | 20
    requests by endpoint (requests/s) | checkout | 20 | 20 | 10 | 10
    requests by endpoint (requests/s) | a view with a name that is longer than anybody should call one | 15 | 15 | 5 | 5
    requests by endpoint (requests/s) | 8 more, summed | 11 | 11 | 1 | 1
    queue length (messages) |  | 2 | 2 | 1 | 1
    ");
    insta::assert_snapshot!(remarks(&spec).join("\n"), @r"
    requests by endpoint: with gaps.
    queue length: with gaps.
    requests by endpoint: at least so many.
    ");
    assert_eq!(
        heading(&spec),
        "Requests by endpoint; The queue. 23 Nov 2026, 14:00 to 14:10 UTC. Thresholds: requests by endpoint 60, queue \
         length 3."
    );
    let none = ten_minutes(Strip {
        missing: Some("metrics has not answered within 10 seconds".to_owned()),
        ..minutes(&[])
    });
    insta::assert_snapshot!(remarks(&none).join("\n"), @"queue length: no data (metrics has not answered within 10 seconds).");
}

/// For each letter of the text elements: whether the font has a sign for it, and in how many signs it was written.
fn signs(text: &str) -> Vec<(String, u32)> {
    let options = usvg::Options {
        fontdb: letters::FONTS.clone(),
        font_family: letters::COMMON.family.to_owned(),
        ..Default::default()
    };
    let tree = usvg::Tree::from_str(text, &options).expect("SVG");
    let texts = tree.root().children().iter().filter_map(|node| match node {
        usvg::Node::Text(text) => Some(text),
        _ => None,
    });
    let glyphs = texts
        .flat_map(|text| text.layouted())
        .flat_map(|span| &span.positioned_glyphs);
    glyphs.map(|glyph| (glyph.text.clone(), glyph.id.0)).collect()
}

fn called(label: &str) -> ChartSpec {
    ten_minutes(Strip {
        label: label.to_owned(),
        ..minutes(&[Some(1.0), Some(2.0)])
    })
}

#[test]
fn each_script_that_has_a_font_is_drawn_as_letters() {
    for label in [
        "खल्ती भुक्तानी असफल १२३",
        "ज्ञ क्ष त्र श्री र्‍य",
        "فاتورة غير مدفوعة",
        "תשלום",
        "Платежи",
        "Πληρωμές",
        "₹ ✓ ⚠ → ≥",
        "provider=खल्ती, रू 12…",
    ] {
        let text = text(&called(label)).expect("a chart");
        let signs = signs(&text);
        assert!(signs.len() > 20, "the labels were laid out: {signs:?}");
        let unknown: Vec<&(String, u32)> = signs.iter().filter(|(_, id)| *id == 0).collect();
        assert!(unknown.is_empty(), "{label} has {unknown:?}");
        assert!(!text.contains('□'), "{label}");
        draw(&called(label)).expect("a picture");
    }
}

#[test]
fn letters_that_belong_together_are_joined() {
    // Three characters and one sign; and a vowel that is written before its consonant, also behind Latin letters.
    for (label, first) in [("क्ष", "क्ष"), ("x=क्ष", "क्ष")] {
        let signs = signs(&text(&called(label)).expect("a chart"));
        assert!(signs.iter().any(|(text, _)| text == first), "{label}: {signs:?}");
    }
    let alone = signs(&text(&called("नि")).expect("a chart"));
    let behind = signs(&text(&called("x=नि")).expect("a chart"));
    let of = |signs: &[(String, u32)]| -> Vec<u32> {
        let end = signs.iter().position(|(text, _)| text == "नि").expect("it is there");
        signs[end - 1..=end].iter().map(|(_, id)| *id).collect()
    };
    assert_eq!(of(&alone), of(&behind));
}

#[test]
fn a_script_without_a_font_is_marked_and_said_to_be() {
    let spec = called("支付 ชำระ 😀x");
    let text = text(&spec).expect("a chart");
    let labels = labels(&text);
    assert!(labels.contains(&"□□ □□□□ 😀x (messages)"), "{labels:?}");
    assert_eq!(labels.last(), Some(&letters::UNKNOWN_NOTE));
    assert!(signs(&text).iter().all(|(_, id)| *id != 0));
    // Those who hear it hear the words.
    assert!(alt(&spec).contains("支付 ชำระ"));
    let text = super::text(&called("queue")).expect("a chart");
    assert!(!text.contains(letters::UNKNOWN_NOTE));
}

#[test]
fn the_band_leaves_clear_what_is_written() {
    let mut spec = two_panels();
    spec.band = Some(Band {
        start: at(9.0),
        end: at(10.0),
        label: "fires".to_owned(),
    });
    let text = text(&spec).expect("a chart");
    let number = |line: &str, name: &str| -> f64 {
        let (_, rest) = line.split_once(&format!(" {name}=\"")).expect("an attribute");
        rest.split_once('"').expect("its end").0.parse().expect("a number")
    };
    let shaded: Vec<(f64, f64)> = elements(&text, "rect")
        .into_iter()
        .filter(|rect| rect.contains("fill-opacity=\"0.22\""))
        .map(|rect| (number(rect, "y"), number(rect, "y") + number(rect, "height")))
        .collect();
    assert_eq!(shaded.len(), spec.strips.len());
    // Headings, legends and the newest numbers, in the colour of text.
    let written = elements(&text, "text")
        .into_iter()
        .filter(|label| label.contains("fill=\"#d8d9e0\""));
    let written: Vec<f64> = written.map(|label| number(label, "y")).collect();
    assert!(written.len() >= 6, "{written:?}");
    for y in written {
        // A letter reaches from its line upwards.
        let is_clear = shaded.iter().all(|(top, bottom)| y <= *top || y - 17.0 >= *bottom);
        assert!(is_clear, "what is written at {y} lies in {shaded:?}");
    }
}
