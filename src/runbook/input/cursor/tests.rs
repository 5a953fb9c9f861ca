use super::super::{Bounds, InputKind, InputSpec};
use super::{Cursor, at_end_of_field, at_end_of_line};
use proptest::prelude::*;

fn spec(name: &str, kind: InputKind, many: bool) -> InputSpec {
    InputSpec {
        name: name.to_owned(),
        kind,
        required: true,
        default: None,
        many,
        max_items: 50,
        help: None,
        suggest: None,
    }
}

fn specs() -> Vec<InputSpec> {
    let integer = InputKind::Integer(Bounds { min: None, max: None });
    vec![spec("supplier", InputKind::Row, true), spec("order", integer, true)]
}

/// `input[start..]typed after given`.
fn shown(cursor: Option<Cursor>, text: &str) -> String {
    let Some(cursor) = cursor else {
        return "nothing".to_owned();
    };
    assert_eq!(cursor.item.end, text.len());
    let given = if cursor.given.is_empty() {
        String::new()
    } else {
        format!(" after {:?}", cursor.given)
    };
    format!(
        "{} `{}` typed {:?}{given}",
        cursor.input,
        &text[cursor.item.clone()],
        cursor.typed
    )
}

#[test]
fn a_line_that_is_not_finished_tells_where_somebody_is() {
    let lines = [
        "",
        " ",
        " C",
        " CJ ",
        " CJ 10",
        " CJ 10 ",
        " CJ 10 11",
        " CJ, Han",
        " CJ,",
        " CJ , ",
        " \"Handmade Ne",
        " CJ,\"Handmade Ne",
        " \"a, b\",\"c, d",
        " “Handmade Nepal” 7",
        " order=10",
        " order=",
        " order= ",
        " order=10, 11",
        " order=10 C",
        " order=10 supplier=\"Hand",
        " order=1 order=2",
        " what=1",
        " supplier=a=b",
        " supplier=a,b=\"c",
        " 'it\\'s ",
    ];
    let shown = lines.map(|line| format!("{line:?}: {}", shown(at_end_of_line(&specs(), line), line)));
    insta::assert_snapshot!(shown.join("\n"), @r#"
    "": 0 `` typed ""
    " ": 0 `` typed ""
    " C": 0 `C` typed "C"
    " CJ ": 1 `` typed ""
    " CJ 10": 1 `10` typed "10"
    " CJ 10 ": 1 `` typed ""
    " CJ 10 11": 1 `11` typed "11"
    " CJ, Han": 0 `Han` typed "Han" after ["CJ"]
    " CJ,": 0 `` typed "" after ["CJ"]
    " CJ , ": 0 `` typed "" after ["CJ"]
    " \"Handmade Ne": 0 `"Handmade Ne` typed "Handmade Ne"
    " CJ,\"Handmade Ne": 0 `"Handmade Ne` typed "Handmade Ne" after ["CJ"]
    " \"a, b\",\"c, d": 0 `"c, d` typed "c, d" after ["a, b"]
    " “Handmade Nepal” 7": 1 `7` typed "7"
    " order=10": 1 `10` typed "10"
    " order=": 1 `` typed ""
    " order= ": 0 `` typed ""
    " order=10, 11": 1 `11` typed "11" after ["10"]
    " order=10 C": 0 `C` typed "C"
    " order=10 supplier=\"Hand": 0 `"Hand` typed "Hand"
    " order=1 order=2": nothing
    " what=1": nothing
    " supplier=a=b": 0 `a=b` typed "a=b"
    " supplier=a,b=\"c": 0 `b="c` typed "b=c" after ["a"]
    " 'it\\'s ": 0 `'it\'s ` typed "it's "
    "#);
}

#[test]
fn a_field_of_one_value_is_taken_as_it_stands() {
    let one = spec("note", InputKind::Row, false);
    let field = "a, \"b c";
    assert_eq!(
        shown(at_end_of_field(&one, field), field),
        "0 `a, \"b c` typed \"a, \\\"b c\""
    );
    let many = spec("note", InputKind::Row, true);
    assert_eq!(
        shown(at_end_of_field(&many, field), field),
        "0 `\"b c` typed \"b c\" after [\"a\"]"
    );
    let blanks = "Handmade Ne";
    assert_eq!(
        shown(at_end_of_field(&many, blanks), blanks),
        "0 `Handmade Ne` typed \"Handmade Ne\""
    );
}

proptest! {
    #[test]
    fn any_text_has_its_place(text in "([a-z=, \"'\\\\“”ä\u{1F600}\t]|supplier=|order=|\\PC){0,30}") {
        for cursor in [at_end_of_line(&specs(), &text), at_end_of_field(&specs()[0], &text)].into_iter().flatten() {
            prop_assert!(text.get(cursor.item.clone()).is_some(), "{cursor:?}");
            prop_assert_eq!(cursor.item.end, text.len());
        }
    }

    /// What is put in the place of the item reads back as that item.
    #[test]
    fn a_choice_in_its_place_reads_back(before in "(CJ|\"a, b\"|x)?", typed in "[a-z]{0,4}", value in "[a-zA-Z0-9 ,='\"“\\\\]{1,12}") {
        prop_assume!(!value.trim().is_empty());
        let list = if before.is_empty() { typed.clone() } else { format!("{before},{typed}") };
        for line in [list.clone(), format!("order=1 supplier={list}")] {
            let cursor = at_end_of_line(&specs(), &line).expect("there is an input left");
            prop_assert_eq!(cursor.input, 0);
            let line = format!("{}{}", &line[..cursor.item.start], super::super::quoted(&value));
            let again = at_end_of_line(&specs(), &line).expect("there is an input left");
            prop_assert_eq!(again.typed, value.clone());
        }
    }
}
