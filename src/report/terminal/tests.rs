use super::*;
use crate::report::samples::blank;
use crate::report::samples::known;
use crate::report::{Attention, VerdictLine};
use serde_json::{Value, json};

fn table(rows: Value) -> Table {
    known::table(&["order", "supplier", "total"], rows)
}

fn report(outcome: Outcome) -> Report {
    blank("7f3a", outcome)
}

#[test]
fn colours_are_the_only_codes() {
    let evil =
        "red \u{1b}[31m, bell \u{7}, link \u{1b}]8;;http://x\u{1b}\\, csi \u{9b}2J, line\r\nnext, turned \u{202e}txt";
    let report = Report {
        inputs: evil.to_owned(),
        say: evil.to_owned(),
        warnings: vec![evil.to_owned()],
        plan: vec![evil.to_owned()],
        person: evil.to_owned(),
        table: Some(table(
            json!([{"order": evil, "supplier": {"nested": evil}, "total": [evil]}]),
        )),
        verdict: Some(VerdictLine {
            verdict: Verdict::NoData,
            say: evil.to_owned(),
        }),
        history: vec![evil.to_owned()],
        attention: Some(Attention {
            groups: vec![evil.to_owned()],
            say: evil.to_owned(),
        }),
        radius: vec![(evil.to_owned(), evil.to_owned())],
        ..report(Outcome::Failed)
    };
    let plain = render(&report, false, 72);
    let obeyed: Vec<char> = plain
        .chars()
        .filter(|c| (c.is_control() && *c != '\n') || *c == '\u{202e}')
        .collect();
    assert_eq!(obeyed, Vec::<char>::new());
    insta::assert_snapshot!(shown(evil), @r"red \u{1b}[31m, bell \u{7}, link \u{1b}]8;;http://x\u{1b}\, csi \u{9b}2J, line\r\nnext, turned \u{202e}txt");

    let coloured = render(&report, true, 72);
    let mut bare = coloured.clone();
    for code in ["0", BOLD, FAINT, RED, GREEN, YELLOW] {
        bare = bare.replace(&format!("\u{1b}[{code}m"), "");
    }
    assert_eq!(bare, plain, "colour changes no letter and no line break");
    assert_ne!(coloured, plain);
}

#[test]
fn hundreds_of_rows_are_all_there_and_aligned() {
    let rows: Vec<Value> = (0..500)
        .map(|index| json!({"order": index, "supplier": "CJ".repeat(index % 5), "total": index * 7}))
        .collect();
    let text = render(
        &Report {
            table: Some(table(rows.into())),
            ..report(Outcome::Succeeded)
        },
        false,
        80,
    );
    let lines: Vec<&str> = text.lines().skip(2).collect();
    assert_eq!(lines.len(), 501);
    let ends: std::collections::BTreeSet<usize> = lines.iter().map(|line| line.len()).collect();
    assert_eq!(
        ends.len(),
        1,
        "the last column is right-aligned, so every line is as long: {ends:?}"
    );
}

#[test]
fn an_empty_table_says_so() {
    let text = render(
        &Report {
            table: Some(table(json!([]))),
            ..report(Outcome::Succeeded)
        },
        false,
        80,
    );
    assert_eq!(text.lines().last(), Some("no rows"));
}
