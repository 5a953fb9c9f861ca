//! How forms look in Slack, and how they come back.

use super::*;
use insta::assert_snapshot;
use proptest::prelude::*;
use slackblocks::ModalView;

fn field(name: &str, kind: FieldKind) -> Field {
    Field {
        name: name.to_owned(),
        help: None,
        kind,
        required: true,
        many: None,
        default: None,
        suggests: false,
        given: Vec::new(),
    }
}

fn form(fields: Vec<Field>) -> Form {
    Form {
        runbook: "forward-order".to_owned(),
        summary: "Sends <orders> & more".to_owned(),
        fields,
        told: None,
        flaws: Vec::new(),
        dry: false,
    }
}

fn text() -> FieldKind {
    FieldKind::Text {
        shortest: None,
        longest: None,
    }
}

fn picks(values: &[&str]) -> Vec<Pick> {
    let pick = |value: &&str| Pick {
        value: (*value).to_owned(),
        label: (*value).to_owned(),
    };
    values.iter().map(pick).collect()
}

fn judged(view: &Value) {
    ModalView::try_from(view.clone()).unwrap_or_else(|error| panic!("{error}: {view:#}"));
}

#[test]
fn each_kind_of_input_has_its_field() {
    let many = |mut field: Field| {
        field.many = Some(5);
        field
    };
    let suggests = |mut field: Field| {
        field.suggests = true;
        field
    };
    let default = |mut field: Field, default: &str| {
        field.default = Some(default.to_owned());
        field.required = false;
        field
    };
    let integer = || FieldKind::Integer {
        min: Some(1),
        max: None,
    };
    let choice = || FieldKind::Choice(picks(&["red", "dark blue"]));
    let long = "x".repeat(151);
    let fields = vec![
        field("text", text()),
        field(
            "code",
            FieldKind::Text {
                shortest: Some(2),
                longest: Some(8),
            },
        ),
        field("integer", integer()),
        many(field("integers", integer())),
        default(field("decimal", FieldKind::Decimal), "1.50"),
        field("boolean", FieldKind::Boolean),
        default(field("on", FieldKind::Boolean), "yes"),
        default(field("off", FieldKind::Boolean), "no"),
        field("duration", FieldKind::Duration),
        field("choice", choice()),
        many(field("choices", choice())),
        field("words", FieldKind::Choice(picks(&[&long]))),
        suggests(field("row", text())),
        many(suggests(field("rows", integer()))),
    ];
    let view = run(&form(fields), &Memory::default()).unwrap();
    judged(&view);
    let lines: Vec<String> = view["blocks"].as_array().unwrap()[1..]
        .iter()
        .map(|block| {
            let mut element = block["element"].clone();
            element.as_object_mut().unwrap().remove("action_id");
            for options in ["options", "initial_options"] {
                let options = element.get_mut(options).and_then(Value::as_array_mut);
                options
                    .into_iter()
                    .flatten()
                    .for_each(|option| *option = option["value"].take());
            }
            format!(
                "{} {} {}",
                block["block_id"].as_str().unwrap(),
                block["optional"],
                element
            )
        })
        .collect();
    assert_snapshot!(lines.join("\n"), @r#"
    input:text false {"type":"plain_text_input","max_length":3000}
    input:code false {"type":"plain_text_input","min_length":2,"max_length":8}
    input:integer false {"type":"number_input","is_decimal_allowed":false,"min_value":"1"}
    input:integers false {"type":"plain_text_input","max_length":3000}
    input:decimal true {"type":"plain_text_input","max_length":3000}
    input:boolean false {"type":"radio_buttons","options":["yes","no"]}
    input:on true {"type":"checkboxes","options":["yes"],"initial_options":["yes"]}
    input:off true {"type":"checkboxes","options":["yes"]}
    input:duration false {"type":"plain_text_input","max_length":3000,"placeholder":{"type":"plain_text","text":"15m","emoji":false}}
    input:choice false {"type":"static_select","options":["red","dark blue"]}
    input:choices false {"type":"multi_static_select","options":["red","dark blue"],"max_selected_items":5}
    input:words false {"type":"plain_text_input","max_length":3000}
    input:row false {"type":"external_select","min_query_length":0}
    input:rows false {"type":"multi_external_select","min_query_length":0,"max_selected_items":5}
    dry true {"type":"checkboxes","options":["dry"]}
    "#);
    assert_snapshot!(view["blocks"][0]["text"]["text"].as_str().unwrap(), @"/forward-order: Sends &lt;orders&gt; &amp; more");
    assert_snapshot!(view["blocks"][4]["hint"]["text"].as_str().unwrap(), @"Several are separated by commas.");
    assert_snapshot!(view["blocks"][5]["hint"]["text"].as_str().unwrap(), @"Without it: 1.50.");
}

#[test]
fn a_form_that_slack_could_not_hold_is_none() {
    let fields = |count: usize| (0..count).map(|n| field(&format!("n{n}"), text())).collect();
    let view = run(&form(fields(98)), &Memory::default()).unwrap();
    judged(&view);
    assert_eq!(run(&form(fields(99)), &Memory::default()), None);
    assert_eq!(choose(&[], &Memory::default()), None);
}

#[test]
fn what_it_remembers_comes_back_and_is_cut_before_slack_refuses_it() {
    let place = Place {
        surface: crate::request::Surface::Slack,
        workspace: Some("T1".to_owned()),
        channel: Some("C1".to_owned()),
        thread: None,
    };
    for (reply, kept) in [("sealed".to_owned(), true), ("x".repeat(3000), false)] {
        let view = run(&form(Vec::new()), &Memory::of(&place, Some(reply))).unwrap();
        judged(&view);
        let memory = Memory::read(view["private_metadata"].as_str().unwrap()).unwrap();
        assert_eq!(memory.runbook.as_deref(), Some("forward-order"));
        assert_eq!(
            (memory.workspace.as_deref(), memory.channel.as_deref()),
            (Some("T1"), Some("C1"))
        );
        assert_eq!(memory.reply.is_some(), kept);
    }
    assert_eq!(Memory::read("{\"runbook\":5}"), None);
    assert_eq!(Memory::read(""), None);
}

#[test]
fn what_was_given_is_read_as_it_would_be_typed() {
    let values = json!({
        "input:text": {FIELD: {"type": "plain_text_input", "value": "a, b"}},
        "input:empty": {FIELD: {"type": "plain_text_input", "value": null}},
        "input:number": {FIELD: {"type": "number_input", "value": "7"}},
        "input:choice": {FIELD: {"type": "static_select", "selected_option": {"value": "dark blue", "text": {}}}},
        "input:none": {FIELD: {"type": "external_select", "selected_option": null}},
        "input:rows": {FIELD: {"type": "multi_external_select", "selected_options": [{"value": "7"}, {"value": "\"a,b\""}]}},
        "input:no-rows": {FIELD: {"type": "multi_external_select", "selected_options": []}},
        "input:on": {FIELD: {"type": "checkboxes", "selected_options": [{"value": "yes"}]}},
        "input:off": {FIELD: {"type": "checkboxes", "selected_options": []}},
        "input:odd": {FIELD: {"type": "timepicker", "selected_time": "10:00"}},
        "input:odder": 5,
        "input:oddest": {},
        "of another app": {FIELD: {"value": "x"}},
        "dry": {FIELD: {"type": "checkboxes", "selected_options": [{"value": "dry"}]}},
    });
    let given = given(values.as_object().unwrap());
    assert!(given.dry);
    let inputs: Vec<String> = given
        .inputs
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    assert_snapshot!(inputs.join(" "), @r#"text=a, b number=7 choice=dark blue rows=7,"a,b" on=yes off=no"#);
    assert_eq!(given.fields.len(), 12);
}

#[test]
fn flaws_stand_at_their_fields_and_the_rest_at_the_last() {
    let flaw = |field: Option<&str>, say: &str| Flaw {
        field: field.map(str::to_owned),
        say: say.to_owned(),
    };
    let fields = ["input:a".to_owned(), "input:b".to_owned()];
    let told = errors(
        &[
            flaw(Some("a"), "First."),
            flaw(Some("a"), "Second."),
            flaw(Some("gone"), "Third."),
            flaw(None, "Fourth."),
        ],
        &fields,
    );
    assert_eq!(
        told,
        json!({"response_action": "errors", "errors": {"input:a": "First. Second.", "input:b": "Third. Fourth."}})
    );
    assert_eq!(errors(&[flaw(None, "All.")], &[])["errors"], json!({"dry": "All."}));
}

#[test]
fn what_has_no_room_in_slack_is_not_offered() {
    let long = "x".repeat(151);
    let offered = suggestions(&picks(&["1042", &long, "", "a & <b>"]));
    let values: Vec<&str> = offered["options"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["value"].as_str().unwrap())
        .collect();
    assert_eq!(values, ["1042", "a & <b>"]);
    assert_eq!(offered["options"][1]["text"]["text"], "a &amp; &lt;b&gt;");
    let many: Vec<String> = (0..200).map(|n| n.to_string()).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_eq!(suggestions(&picks(&many))["options"].as_array().unwrap().len(), 100);
    judged(&choose(&picks(&many), &Memory::default()).unwrap());
}

#[test]
fn what_nobody_could_see_is_typed_and_not_picked() {
    let form = form(vec![field("colour", FieldKind::Choice(picks(&["red", "\t"])))]);
    let view = run(&form, &Memory::default()).unwrap();
    judged(&view);
    assert_eq!(view["blocks"][1]["element"]["type"], "plain_text_input");
    assert_eq!(
        suggestions(&picks(&["\u{a0}", "red"]))["options"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

proptest! {
    #[test]
    fn slack_takes_every_form(name in "[a-z][a-z_]{0,20}", help in ".{0,3000}", values in prop::collection::vec(".{0,200}", 1..5),
        kind in 0..6usize, many in any::<bool>(), suggests in any::<bool>(), most in 0..1000usize,
        summary in ".{0,4000}", min in any::<Option<i64>>(), longest in any::<Option<usize>>()) {
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        let kind = match kind {
            0 => FieldKind::Text { shortest: longest.map(|longest| longest / 2), longest },
            1 => FieldKind::Integer { min, max: None },
            2 => FieldKind::Decimal,
            3 => FieldKind::Boolean,
            4 => FieldKind::Duration,
            _ => FieldKind::Choice(picks(&values)),
        };
        let mut field = field(&name, kind);
        (field.help, field.many, field.suggests) = (Some(help), many.then_some(most), suggests);
        let mut form = form(vec![field]);
        form.summary = summary;
        judged(&run(&form, &Memory::default()).unwrap());
    }
}
