use super::Sentence;
use crate::runbook::expression::{Names, Shape};
use crate::runbook::scope::Scope;
use serde_json::json;

fn render(text: &str) -> Result<String, String> {
    let scope = Scope::new()
        .with(
            "inputs",
            json!({"order": [1042, 1045, 1046], "note": "{{ 7 * 7 }} <b>&amp;", "one": [1]}),
        )
        .with(
            "item",
            json!({"id": 1042, "total": 8450, "ids": {"CJ": "CJORD-2"}, "gone": null}),
        );
    Sentence::parse(text)
        .map_err(|it| it.to_string())?
        .render(&scope)
        .map_err(|it| it.to_string())
}

#[test]
fn values_fill_sentences() {
    let cases = [
        ("Orders {{ inputs.order | list }}.", "Orders 1042, 1045 and 1046."),
        ("Order {{ inputs.one | list }}.", "Order 1."),
        ("{{ item.total | money('USD') }}", "USD 84.50"),
        ("{{ inputs.note }}", "{{ 7 * 7 }} <b>&amp;"),
        (
            "{% for name, id in item.ids|items %}{{ name }}: {{ id }}{% endfor %}",
            "CJ: CJORD-2",
        ),
        ("{% if item.total > 8000 %}much{% else %}little{% endif %}", "much"),
        ("{{ 'a | b' }} | c %} {{ [1, 2] | join('|') }}", "a | b | c %} 1|2"),
        ("One\n   sentence.", "One sentence."),
        (
            "{% for o in inputs.order %}\nOrder {{ o }} ({% if o > 1042 %}later\n{% else %}first{% endif %}).\n{% endfor %}\nEnd.",
            "Order 1042 (first). Order 1045 (later). Order 1046 (later). End.",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(render(text).as_deref(), Ok(expected), "{text}");
    }
}

#[test]
fn what_is_missing_is_an_error() {
    insta::assert_debug_snapshot!([
        "{{ item.colour }}",
        "{{ item.colour.deep }}",
        "{% if colour %}x{% endif %}",
        "{{ item.total | money('dollars') }}",
        "{{ '8450' | money('USD') }}",
        "{{ item.id | list }}",
        "{% include 'x' %}",
        "{{ open",
        "{{ item | upperr }}",
        "",
    ].map(render), @r#"
[
    Err(
        "`{{ item.colour }}`: it uses a value that is not there",
    ),
    Err(
        "`{{ item.colour.deep }}`: it uses a value that is not there",
    ),
    Err(
        "`{% if colour %}x{% endif %}`: it uses a value that is not there",
    ),
    Err(
        "`{{ item.total | money('dollars') }}`: a currency is three capital letters, such as USD",
    ),
    Err(
        "`{{ '8450' | money('USD') }}`: `money` takes a whole number of minor units",
    ),
    Err(
        "`{{ item.id | list }}`: `list` takes a list",
    ),
    Err(
        "a sentence has no block `include`; it knows if, elif, else, endif, for, endfor, set",
    ),
    Err(
        "not a sentence: unexpected end of input, expected end of variable block",
    ),
    Err(
        "a sentence has no filter `upperr`; it knows default, first, items, join, last, length, list, lower, money, replace, trim, upper",
    ),
    Err(
        "the sentence is empty",
    ),
]
"#);
}

#[test]
fn names_are_checked() {
    let names = Names::new()
        .with("inputs", Shape::fields(["order"]))
        .with("item", Shape::Any);
    let problems = |text: &str| {
        let found = Sentence::parse(text).unwrap().check(&names);
        found
            .into_iter()
            .map(|it| format!("{}: {}", it.offset, it.message))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        problems("{% for o in inputs.order %}{{ o }}{{ loop.index }}{% endfor %} {{ item.x }}"),
        Vec::<String>::new()
    );
    insta::assert_debug_snapshot!(problems("{{ inputs.ordr }} {% if looks.x %}{% endif %} {{ range(3) }}"), @r#"
[
    "3: `inputs.ordr` is not known; did you mean `order`?",
    "24: `looks` is not known; there is `inputs`, `item`",
    "49: `range` is not known; there is `inputs`, `item`",
]
"#);
}
