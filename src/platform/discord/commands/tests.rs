use super::*;
use insta::assert_snapshot;

fn input(name: &str, required: bool, kind: InputKind) -> InputSpec {
    InputSpec {
        name: name.to_owned(),
        help: format!("the {name}"),
        required,
        kind,
    }
}

fn text() -> InputKind {
    InputKind::Text {
        min: None,
        max: None,
        offers: false,
    }
}

fn spec(name: &str, inputs: Vec<InputSpec>) -> CommandSpec {
    CommandSpec {
        name: name.to_owned(),
        summary: "Does it.".to_owned(),
        inputs,
    }
}

fn whole(min: i64, max: Option<i64>) -> InputKind {
    InputKind::Whole {
        min: Some(min),
        max,
        offers: true,
    }
}

#[test]
fn each_kind_of_input_has_its_option() {
    let many = (0..26).map(|at| format!("w{at}")).collect();
    let spec = spec(
        "charge",
        vec![
            input(
                "note",
                false,
                InputKind::Text {
                    min: Some(0),
                    max: Some(9000),
                    offers: false,
                },
            ),
            input("order", true, whole(1, None)),
            input("big", true, whole(1, Some(i64::MAX))),
            input("fast", false, InputKind::Flag),
            input("colour", false, InputKind::Choice(vec!["red".to_owned()])),
            input("word", false, InputKind::Choice(many)),
        ],
    );
    assert!(spec.problems().is_empty());
    let options = spec.json()["options"].as_array().unwrap().clone();
    let lines: Vec<String> = options.iter().map(Value::to_string).collect();
    assert_snapshot!(lines.join("\n"), @r#"
    {"type":4,"name":"order","description":"the order","required":true,"min_value":1,"autocomplete":true}
    {"type":3,"name":"big","description":"the big","required":true,"autocomplete":true}
    {"type":3,"name":"note","description":"the note","required":false}
    {"type":5,"name":"fast","description":"the fast","required":false}
    {"type":3,"name":"colour","description":"the colour","required":false,"choices":[{"name":"red","value":"red"}]}
    {"type":3,"name":"word","description":"the word","required":false,"autocomplete":true}
    {"type":5,"name":"dry","description":"Show what would be done, and do nothing"}
    "#);
}

#[test]
fn what_discord_would_not_take_is_told_with_the_way_out() {
    let long = "x".repeat(101);
    let mut bad = spec("Charge", vec![input("Order", true, text())]);
    bad.summary = long.clone();
    bad.inputs[0].help = long;
    let mut heavy = spec(
        "heavy",
        (0..24).map(|at| input(&format!("i{at}"), false, text())).collect(),
    );
    for input in &mut heavy.inputs {
        let words = (0..25).map(|at| format!("{at}{}", "y".repeat(20)));
        input.kind = InputKind::Choice(words.collect());
    }
    let specs: Vec<CommandSpec> = [bad, heavy, spec("signalbox", vec![])]
        .into_iter()
        .chain((0..100).map(|at| spec(&format!("c{at}"), vec![])))
        .collect();
    let (sound, problems) = commands(&specs);
    assert_eq!(sound.len(), 100);
    let told = problems.iter().map(|problem| {
        let input = problem.input.as_deref().unwrap_or("-");
        format!("{} {input}: {}", problem.command, problem.say)
    });
    assert_snapshot!(told.collect::<Vec<_>>().join("\n"), @r"
    Charge -: Discord takes no command /Charge: a name has 1 to 32 of a-z, 0-9, - and _; rename the file
    Charge -: the summary has 101 characters and Discord shows 100; shorten it
    Charge Order: Discord takes no option `Order`: a name has 1 to 32 of a-z, 0-9, - and _; rename the input
    Charge Order: the help of `Order` has 101 characters and Discord shows 100; shorten it
    heavy -: names, descriptions and choices have 26195 characters together and Discord takes 8000 of a command; shorten the help of its inputs
    signalbox -: /signalbox is the bot's own command in Discord; rename the file
    c99 -: Discord takes 100 commands of an app, /signalbox among them, and this is one too many: move some runbooks to another bot
    ");
}

#[test]
fn more_inputs_than_options_make_a_form() {
    let inputs = |count: usize| (0..count).map(|at| input(&format!("i{at}"), at == 0, text())).collect();
    assert!(!spec("few", inputs(24)).takes_form());
    let many = spec("many", inputs(25));
    assert!(many.takes_form() && many.problems().is_empty());
    assert_eq!(many.json()["options"].as_array().unwrap().len(), 1);
}

#[test]
fn what_discord_tells_back_is_the_same() {
    let (ours, _) = commands(&[spec(
        "charge",
        vec![input("order", true, whole(1, None)), input("note", false, text())],
    )]);
    let mut theirs = ours.clone();
    theirs.reverse();
    for command in &mut theirs {
        for (field, value) in [
            ("id", json!("1")),
            ("version", json!("2")),
            ("default_member_permissions", Value::Null),
            ("nsfw", json!(false)),
            ("name_localizations", Value::Null),
        ] {
            command[field] = value;
        }
        for option in command["options"].as_array_mut().unwrap() {
            if option["required"] == false {
                option.as_object_mut().unwrap().remove("required");
            }
            if option["min_value"] == 1 {
                option["min_value"] = json!(1.0);
            }
        }
    }
    assert!(are_same(&ours, &theirs));
    theirs[0]["options"][0]["description"] = "another".into();
    assert!(!are_same(&ours, &theirs));
    assert!(!are_same(&ours, &ours[1..]));
}
