use super::{Expression, Names, Shape};
use crate::runbook::scope::Scope;
use serde_json::{Value, json};
use std::collections::BTreeMap;

fn scope() -> Scope {
    Scope::new()
        .with(
            "inputs",
            json!({"order": [1042, 1045], "amount": "84.50", "note": "{{ 7 * 7 }}"}),
        )
        .with(
            "looks",
            json!({"orders": {"rows": [{"id": 1042, "total": 8450}, {"id": 1045, "total": 1}], "more": false}}),
        )
        .with(
            "call",
            json!({"result": "unreachable", "reason": "no route", "value": null}),
        )
}

fn eval(text: &str) -> Result<Value, String> {
    Expression::parse(text)
        .map_err(|it| it.to_string())?
        .eval(&scope())
        .map_err(|it| it.message)
}

#[test]
fn values_keep_their_types() {
    let cases = [
        ("inputs.order", json!([1042, 1045])),
        (
            "inputs.order.map(it, 'order:' + string(it))",
            json!(["order:1042", "order:1045"]),
        ),
        ("looks.orders.rows.filter(r, r.total > 100).map(r, r.id)", json!([1042])),
        ("money(looks.orders.rows[0].total, 'USD')", json!("USD 84.50")),
        ("minor(inputs.amount, 'USD')", json!(8450)),
        ("minor('-0.5', 'USD')", json!(-50)),
        ("{'a': 1.5, 'b': null}", json!({"a": 1.5, "b": null})),
        ("size(inputs.order) == 2 && type(1) == int", json!(true)),
        ("[3, 1, 2].sort().slice(0, 2)", json!([1, 2])),
        ("['b', 'a'].join(', ')", json!("b, a")),
        ("call.result == 'done' && call.value.state == 'SUCCESS'", json!(false)),
        ("sum(looks.orders.rows.map(r, r.total)) + sum([])", json!(8451)),
        ("inputs.note", json!("{{ 7 * 7 }}")),
    ];
    for (text, expected) in cases {
        assert_eq!(eval(text), Ok(expected), "{text}");
    }
}

#[test]
fn nothing_is_converted_or_invented() {
    let cases = [
        ("'99.00' > 500", "`_>_` does not take string and int"),
        ("inputs.amount > 500", "`_>_` does not take string and int"),
        ("inputs.colour", "there is no field `colour`"),
        ("colour", "`colour` is not known"),
        ("call.value.state", ""),
        ("1 + '1'", ""),
        ("1 / 0", "division by zero"),
        ("9223372036854775807 + 1", "the number is too large"),
        ("looks.orders.rows[7]", "the list has no such item"),
        ("sum([1, '2'])", "`sum`: an item is not a whole number"),
        ("sum([9223372036854775807, 1])", "`sum`: the sum is too large"),
        ("money(1.5, 'USD')", ""),
        (
            "money(1, 'dollars')",
            "`money`: a currency is three capital letters, such as USD",
        ),
        (
            "minor('84.505', 'USD')",
            "`minor`: the amount has more digits after the point than its currency",
        ),
        ("{1: 2}", "the keys of a table are text"),
        ("b'x'", "a value of type bytes cannot be kept"),
    ];
    for (text, expected) in cases {
        let error = eval(text).expect_err(text);
        assert!(error.contains(expected), "{text}: {error}");
        assert!(!error.contains("84.50\""), "{text}: {error}");
    }
}

#[test]
fn a_condition_is_true_or_false() {
    let error = Expression::parse("size(inputs.order)")
        .unwrap()
        .test(&scope())
        .unwrap_err();
    insta::assert_snapshot!(error, @"`size(inputs.order)`: a condition gives true or false; this gives a whole number");
}

fn problems(text: &str) -> Vec<String> {
    let looks = BTreeMap::from([("orders".to_owned(), Shape::fields(["rows", "count"]))]);
    let names = Names::new()
        .with("inputs", Shape::fields(["order"]))
        .with("looks", Shape::Fields(looks))
        .with("item", Shape::Any);
    let expression = Expression::parse(text).expect(text);
    expression
        .check(&names)
        .into_iter()
        .map(|it| format!("{}: {}", it.offset, it.message))
        .collect()
}

#[test]
fn names_are_checked_before_there_are_values() {
    let none: [&str; 0] = [];
    for text in [
        "inputs.order.map(x, x + 1)",
        "looks.orders.rows.exists(r, r.id == item.id)",
        "has(looks.orders.rows)",
        "looks['orders']['rows'].sortBy(r, r.id)",
        "type(item) == string",
    ] {
        assert_eq!(problems(text), none, "{text}");
    }
    insta::assert_debug_snapshot!([
        "inputs.ordr == 1",
        "'é' == inputs.colour",
        "looks.orders.rws[0]",
        "looks['order'].rows",
        "orders.exists(r, r.id == looks.x)",
        "inputs.order.map(x, y)",
        "has(looks.orders.row)",
        "upper(item)",
        "Thing{a: 1}",
    ].map(problems), @r#"
[
    [
        "0: `inputs.ordr` is not known; did you mean `order`?",
    ],
    [
        "8: `inputs.colour` is not known; there is `order`",
    ],
    [
        "0: `looks.orders.rws` is not known; did you mean `rows`?",
    ],
    [
        "0: `looks.order` is not known; did you mean `orders`?",
    ],
    [
        "0: `orders` is not known; there is `inputs`, `item`, `looks`",
        "25: `looks.x` is not known; there is `orders`",
    ],
    [
        "20: `y` is not known; there is `inputs`, `item`, `looks`",
    ],
    [
        "4: `looks.orders.row` is not known; did you mean `rows`?",
    ],
    [
        "5: there is no function `upper`; there is `bool`, `contains`, `distinct`, `double`, `dyn`, `endsWith`, `flatten`, `int`, `join`, `lowerAscii`, `matches`, `minor`, `money`, `replace`, `reverse`, `size`, `slice`, `sortBy`, `sort`, `split`, `startsWith`, `string`, `substring`, `sum`, `trim`, `type`, `uint`, `upperAscii`",
    ],
    [
        "5: there is no type `Thing`",
    ],
]
"#);
}

#[test]
fn work_is_bounded() {
    assert!(
        Expression::parse(&"1+".repeat(3000))
            .unwrap_err()
            .message
            .contains("4000 are the most")
    );
    for deep in [
        format!("{}1{}", "(".repeat(1900), ")".repeat(1900)),
        "1".to_owned() + &"+1".repeat(1900),
        "[".repeat(1900),
    ] {
        let error = Expression::parse(&deep).unwrap_err().message;
        assert!(error.contains("nested"), "{error}");
    }
    assert_eq!(eval(&("0".to_owned() + &"+1".repeat(37))), Ok(json!(37)));
    let loops = "[1].map(a, [1].map(b, [1].map(c, [1].map(d, d))))";
    assert!(problems(loops)[0].contains("let the query do it"));
}

#[test]
fn a_mistake_is_placed() {
    let at = |text: &str| Expression::parse(text).unwrap_err().offset;
    assert_eq!(at("1 +"), 3);
    assert_eq!(at("(1 == 1"), 7);
    assert_eq!(at("'é' + )"), 7);
    assert_eq!(at("true &&\n  == 3"), 10);
    assert_eq!(Expression::parse(" ").unwrap_err().message, "the expression is empty");
}

proptest::proptest! {
    #[test]
    fn no_text_panics(text in "\\PC{0,80}") {
        if let Ok(expression) = Expression::parse(&text) {
            let _ = expression.check(&Names::new());
            let _ = expression.eval(&scope());
        }
    }
}
