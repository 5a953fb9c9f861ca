use super::decimal::Decimal;
use super::{Bounds, InputKind, InputSpec, Pattern, interpret_specs, line};
use crate::request::Words;
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use std::time::Duration;

fn spec(name: &str, kind: InputKind) -> InputSpec {
    InputSpec {
        name: name.into(),
        kind,
        required: true,
        default: None,
        many: false,
        max_items: 50,
        help: None,
        suggest: None,
    }
}

fn text() -> InputKind {
    InputKind::Text {
        length: Bounds {
            min: None,
            max: Some(200),
        },
        pattern: None,
    }
}

fn order() -> InputSpec {
    let kind = InputKind::Integer(Bounds {
        min: Some(1),
        max: None,
    });
    InputSpec {
        many: true,
        max_items: 5,
        help: Some("the order's number".into()),
        ..spec("order", kind)
    }
}

fn supplier() -> InputSpec {
    InputSpec {
        many: true,
        ..spec("supplier", text())
    }
}

fn all() -> Vec<InputSpec> {
    let amount = Bounds {
        min: Decimal::parse("0.01").ok(),
        max: Decimal::parse("500").ok(),
    };
    let wait = Bounds {
        min: None,
        max: Some(Duration::from_secs(3600)),
    };
    vec![
        order(),
        InputSpec {
            required: false,
            ..spec("note", text())
        },
        InputSpec {
            required: false,
            ..spec("amount", InputKind::Decimal(amount))
        },
        InputSpec {
            required: false,
            default: Some(json!(60)),
            ..spec("wait", InputKind::Duration(wait))
        },
        InputSpec {
            required: false,
            ..spec("force", InputKind::Boolean)
        },
        InputSpec {
            required: false,
            ..spec("colour", InputKind::Choice(vec!["red".into(), "dark blue".into()]))
        },
        InputSpec {
            required: false,
            ..spec(
                "code",
                InputKind::Text {
                    length: Bounds {
                        min: None,
                        max: Some(9),
                    },
                    pattern: Pattern::parse("[A-Z]+|x").ok(),
                },
            )
        },
    ]
}

fn read(specs: &[InputSpec], text: &str) -> Result<(Value, bool), Vec<String>> {
    interpret_specs("try", specs, &Words::Line(text.into())).map(|it| (Value::Object(it.values), it.dry))
}

fn named(specs: &[InputSpec], pairs: &[(&str, &str)]) -> Result<Value, Vec<String>> {
    let pairs = pairs
        .iter()
        .map(|(name, text)| ((*name).into(), (*text).into()))
        .collect();
    interpret_specs("try", specs, &Words::Named(pairs)).map(|it| Value::Object(it.values))
}

#[test]
fn lines_are_read_as_people_type_them() {
    let orders = [
        ("1042", json!([1042]), false),
        ("1042,1045", json!([1042, 1045]), false),
        ("1042, 1045 ,1046 dry", json!([1042, 1045, 1046]), true),
        ("1042 1045 dry", json!([1042, 1045]), true),
        ("order=1042,1045", json!([1042, 1045]), false),
        ("order=\"1042\" dry", json!([1042]), true),
        (" 1042\t1042\n", json!([1042]), false),
    ];
    for (text, expected, dry) in orders {
        assert_eq!(
            read(&[order()], text),
            Ok((json!({ "order": expected }), dry)),
            "{text}"
        );
    }
    let suppliers = [
        ("CJ", json!(["CJ"])),
        (
            "\"CJ Dropshipping\",AliExpress",
            json!(["CJ Dropshipping", "AliExpress"]),
        ),
        ("“CJ Dropshipping”, ‘a, b’", json!(["CJ Dropshipping", "a, b"])),
        ("\"say \\\"hi\\\" \\\\ \"", json!(["say \"hi\" \\ "])),
        ("supplier=\"dry\"", json!(["dry"])),
        ("\"dry\"", json!(["dry"])),
        ("d'Arc", json!(["d'Arc"])),
        ("\"a=b\"", json!(["a=b"])),
        ("1=2", json!(["1=2"])),
    ];
    for (text, expected) in suppliers {
        assert_eq!(
            read(&[supplier()], text),
            Ok((json!({ "supplier": expected }), false)),
            "{text}"
        );
    }
}

#[test]
fn inputs_come_in_file_order_or_by_name() {
    let expected = json!({"order": [7], "note": "hello, world", "amount": "84.50", "wait": 90, "force": true, "colour": "dark blue", "code": "x"});
    for text in [
        "7 \"hello, world\" 84.50 90s yes \"dark blue\" x",
        "code=x colour=\"dark blue\" note=\"hello, world\" 7 84.50 1m30s on",
        "7 hello, world amount=084.50 wait=1m30s force=TRUE colour='dark blue' code=x",
    ] {
        assert_eq!(read(&all(), text), Ok((expected.clone(), false)), "{text}");
    }
    let defaults =
        json!({"order": [7], "note": null, "amount": null, "wait": 60, "force": null, "colour": null, "code": null});
    assert_eq!(read(&all(), "7"), Ok((defaults.clone(), false)));
    assert_eq!(
        named(&all(), &[("order", "7"), ("note", ""), ("wait", " ")]),
        Ok(defaults)
    );
}

#[test]
fn named_values_are_taken_as_they_are() {
    let mut specs = all();
    specs[0].many = true;
    let values = named(&specs, &[("order", "1042, 1045"), ("note", "say \"hi\", a=b dry")]).unwrap();
    assert_eq!(
        (&values["order"], &values["note"]),
        (&json!([1042, 1045]), &json!("say \"hi\", a=b dry"))
    );
}

#[test]
fn all_problems_are_told_at_once_with_the_way_out() {
    let tell = |problems: Result<(Value, bool), Vec<String>>| problems.unwrap_err().join("\n");
    insta::assert_snapshot!(tell(read(&all(), "abc,0,,99999999999999999999 amont=3 amount=500.001 wait=2h force=maybe colour=dark code=abc")), @r#"
there is no input `amont`; did you mean `amount`? (A value with `=` in it goes in quotes.)
`order`: `abc` is not a whole number
`order`: `0` is out of range; it takes 1 or more
`order`: there is nothing between two commas, or after the last one; leave that comma out
`order`: `99999999999999999999` is too large a number
`amount`: `500.001` is out of range; it takes 0.01 to 500
`wait`: `2h` is out of range; it takes 1h at the most
`force`: `maybe` is neither yes nor no
`colour`: `dark` is no choice; it takes one of red, dark blue
`code`: `abc` does not have the form `[A-Z]+|x`
"#);
    insta::assert_snapshot!(tell(read(&[order()], "")), @r#"`order` is missing (the order's number): give a whole number, such as `/try order=1042`"#);
    insta::assert_snapshot!(tell(read(&[order()], "1,2,3,4,5,6")), @r#"`order`: 6 items are given; 5 are the most at once"#);
    insta::assert_snapshot!(tell(read(&[order()], "1042 order=3 order=4 ordr=5")), @r#"
`order` is given twice; give it once, several values separated by commas
there is no input `ordr`; did you mean `order`? (A value with `=` in it goes in quotes.)
`1042` is one word too many: /try takes `order`; put a value with blanks in quotes, and commas between several
"#);
    insta::assert_snapshot!(tell(read(&[supplier()], "CJ Dropshipping")), @r#"`Dropshipping` is one word too many: /try takes `supplier`; put a value with blanks in quotes, and commas between several"#);
    insta::assert_snapshot!(tell(read(&[supplier()], "\"CJ Dropshipping")), @r#"a quote is opened and not closed; close it, or leave it out"#);
    insta::assert_snapshot!(tell(read(&[], "now please=1")), @r#"
there is no input `please`; /try takes none (A value with `=` in it goes in quotes.)
`now` is too much: /try takes no inputs
"#);
    insta::assert_snapshot!(tell(read(&[order()], &"x,".repeat(5000))), @r#"the line has 10000 bytes; 8192 are the most. Give less at once"#);
    insta::assert_snapshot!(tell(read(&[supplier()], &"x".repeat(5000))), @r#"`supplier`: 5000 characters are given; it takes 200 at the most"#);
    insta::assert_snapshot!(tell(read(&[supplier()], "a\u{7}b,c\u{202e}d")), @r#"
`supplier`: it has the character U+0007 in it, which cannot be seen; type it anew
`supplier`: it has the character U+202E in it, which cannot be seen; type it anew
"#);
    insta::assert_snapshot!(named(&[order()], &[("oder", "1")]).unwrap_err().join("\n"), @r#"
there is no input `oder`; did you mean `order`?
`order` is missing (the order's number): give a whole number, such as `/try order=1042`
"#);
}

#[test]
fn a_big_text_is_not_echoed() {
    for big in ["x".repeat(10_000), "9".repeat(8_000), "é".repeat(4_000)] {
        for problems in [
            read(&all(), &big).unwrap_err(),
            named(&all(), &[("order", &big), ("note", &big)]).unwrap_err(),
        ] {
            assert!(problems.iter().all(|it| it.len() < 200), "{problems:?}");
        }
    }
}

#[test]
fn decimals_are_exact() {
    for (text, expected) in [("84.50", "84.50"), ("-0.0", "0.0"), ("+007", "7"), ("0.1", "0.1")] {
        assert_eq!(
            Decimal::parse(text).map(|it| it.to_string()),
            Ok(expected.to_owned()),
            "{text}"
        );
    }
    for text in [
        "",
        ".",
        "1.",
        ".5",
        "1e3",
        "1,5",
        "0x1",
        "--1",
        "NaN",
        "1.0000000001",
        "1000000000000000000.1",
        "٣",
    ] {
        assert!(Decimal::parse(text).is_err(), "{text}");
    }
    assert!(Decimal::parse("0.1").unwrap() < Decimal::parse("0.100000001").unwrap());
}

proptest! {
    #[test]
    fn no_line_panics(text in "\\PC{0,60}|[a-z0-9=,\"' \\\\]{0,60}") {
        let _ = read(&all(), &text);
        let _ = read(&[supplier()], &text);
        let _ = named(&all(), &[("order", &text), ("note", &text)]);
    }

    #[test]
    fn what_is_written_reads_back(
        orders in prop::collection::btree_set(1i64.., 1..5),
        note in "[^\\p{C}\\u{2028}\\u{2029}]{1,40}",
        cents in 1u32..50_000,
        wait in 0u64..3600,
        force in any::<bool>(),
        suppliers in prop::collection::btree_set("[a-zA-Z ,=\"'\\\\“”dry]{1,12}", 1..5),
    ) {
        let mut specs = all();
        specs.push(supplier());
        let amount = format!("{}.{:02}", cents / 100, cents % 100);
        let values: Map<String, Value> = json!({
            "order": orders, "note": note, "amount": amount, "wait": wait, "force": force, "colour": "dark blue", "code": null,
            "supplier": suppliers,
        }).as_object().unwrap().clone();
        let written = line(&specs, &values);
        let read = interpret_specs("try", &specs, &Words::Line(written.clone()));
        prop_assert_eq!(read.map(|it| it.values), Ok(values), "{}", written);
    }
}

#[test]
fn an_empty_item_in_quotes_ends_where_its_quotes_end() {
    let specs = [
        InputSpec {
            name: "note".into(),
            ..supplier()
        },
        order(),
    ];
    let (values, _) = read(&specs, "note=one,\"\" order=2,3").unwrap();
    assert_eq!(values, json!({ "note": ["one", ""], "order": [2, 3] }));
}
