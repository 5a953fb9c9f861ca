//! What holds for every report on every surface, however odd or long the report is.

use super::{discord_mentions, seen, slack_mentions};
use crate::platform::console::render::message::{message, whole};
use crate::platform::{discord, slack};
use crate::report::cell::width;
use crate::report::samples::{blank, known, reports, worded};
use crate::report::unseen::is_unseen;
use crate::report::{Outcome, Report, Table, terminal};
use proptest::prelude::*;
use serde_json::Value;
use std::collections::BTreeSet;

/// All that Slack is sent of a run, with the file.
fn all_of_slack(report: &Report) -> String {
    let details = slack::render::thread_details(report);
    let message = slack::render::run_message(report, &slack_mentions());
    let file = details.file.map(|file| String::from_utf8(file.bytes).unwrap());
    [
        seen::slack(&message),
        seen::slack(&details.message),
        file.unwrap_or_default(),
    ]
    .join("\n")
}

/// All that Discord is sent of a run, with the file.
fn all_of_discord(report: &Report) -> String {
    let details = discord::render::thread_details(report);
    let message = discord::render::run_message(report, &discord_mentions());
    let file = details.file.map(|file| String::from_utf8(file.bytes).unwrap());
    [
        seen::discord(&message),
        seen::discord(&details.message),
        file.unwrap_or_default(),
    ]
    .join("\n")
}

/// The words that a text does not have.
fn missing<'w>(text: &str, words: &'w [String]) -> Vec<&'w String> {
    let known: BTreeSet<&str> = text.split(|c: char| !c.is_ascii_alphanumeric()).collect();
    words.iter().filter(|word| !known.contains(word.as_str())).collect()
}

/// Whether a message tells that something is not in it.
fn tells(text: &str) -> bool {
    text.contains("more") || text.contains("not shown") || text.contains("longer")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    /// The channel shows the beginning, and says so; message, thread and file together have everything.
    #[test]
    fn nothing_is_cut_without_a_word((report, words) in worded()) {
        let all = all_of_slack(&report);
        prop_assert!(missing(&all, &words).is_empty(), "Slack lacks {:?}", missing(&all, &words));
        let all = all_of_discord(&report);
        prop_assert!(missing(&all, &words).is_empty(), "Discord lacks {:?}", missing(&all, &words));
        let slack_messages = [slack::render::run_message(&report, &slack_mentions()), slack::render::ephemeral(&report)];
        let discord_messages =
            [discord::render::run_message(&report, &discord_mentions()), discord::render::ephemeral(&report)];
        let shown = seen::in_the_console(&report);
        let messages = slack_messages.iter().map(seen::slack)
            .chain(discord_messages.iter().map(seen::discord))
            .chain([seen::console(&shown)]);
        for text in messages {
            prop_assert!(missing(&text, &words).is_empty() || tells(&text), "{text}");
        }
        let page = seen::page(&whole(&shown));
        let body: Vec<String> = words.iter().filter(|word| !word.starts_with("inputs")).cloned().collect();
        prop_assert!(missing(&page, &body).is_empty(), "the run's page lacks {:?}", missing(&page, &body));
        // Words that are longer than a line are broken, so the terminal is as wide as it takes.
        let text = terminal::render(&report, false, 200);
        prop_assert!(missing(&text, &words).is_empty(), "the terminal lacks {:?}", missing(&text, &words));
    }

    /// Whatever alphabet is written in them, the cells of a column begin below each other.
    #[test]
    fn columns_begin_below_each_other(table in tables_of_words()) {
        let report = with_table(&table);
        let slack = slack::render::thread_details(&report).message;
        let discord = discord::render::thread_details(&report).message;
        let in_slack = slack.blocks.iter().filter_map(|block| block["text"]["text"].as_str()).find_map(fenced);
        let in_discord = discord.embeds.iter().filter_map(|embed| embed["description"].as_str()).find_map(fenced);
        let text = terminal::render(&report, false, 80);
        // Below status and gap.
        let in_terminal = text.lines().skip(2).collect::<Vec<_>>().join("\n");
        for block in [in_slack.unwrap(), in_discord.unwrap(), &in_terminal] {
            let mut lines = block.lines().map(begins);
            let head = lines.next().unwrap();
            prop_assert!(lines.all(|line| line == head), "{block}");
        }
    }
}

// These reports are of megabytes.
proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    /// Everybody else may sleep.
    #[test]
    fn nobody_is_called_but_who_must_answer(report in reports()) {
        calls_only_who_must_answer(&report);
    }

    #[test]
    fn tables_line_up(report in reports()) {
        let tables = report.table.iter().filter(|table| !table.columns.is_empty() && !table.rows.is_empty());
        for table in tables {
            lines_up(table);
        }
    }
}

#[test]
fn what_holds_for_any_report_holds_for_those_that_people_meet() {
    for (name, report) in known::all() {
        println!("{name}");
        is_harmless(&report);
        report.table.iter().for_each(lines_up);
        calls_only_who_must_answer(&report);
        calls_only_who_must_answer(&Report {
            attention: None,
            ..report
        });
    }
}

/// That no text whatever is obeyed, `tests/bad_input` tries on all surfaces.
fn is_harmless(report: &Report) {
    let unseen = |text: &str| text.chars().find(|c| is_unseen(*c) && !matches!(c, '\n' | '\t'));
    for text in [
        all_of_slack(report),
        all_of_discord(report),
        terminal::render(report, false, 80),
    ] {
        assert_eq!(unseen(&text), None, "{text:?}");
    }
    let coloured = terminal::render(report, true, 80);
    let codes = coloured.split('\u{1b}').skip(1);
    for code in codes {
        let ours = ["[0m", "[1m", "[2m", "[31m", "[32m", "[33m"];
        assert!(ours.iter().any(|own| code.starts_with(own)), "{code:?}");
    }
    let shown = seen::in_the_console(report);
    let plain = message(&seen::in_the_console(&known::succeeded()));
    for page in [message(&shown), whole(&shown)] {
        assert_eq!(unseen(&seen::words(&page)), None, "{}", page.0);
        let (names, addresses) = seen::made_of(&page);
        let (usual, _) = seen::made_of(&plain);
        let ours = [
            "fieldset",
            "legend",
            "label",
            "input",
            "form=",
            "formaction=",
            "name=",
            "value=",
            "data-needs=",
            "data-reason=",
            "data-missing=",
            "maxlength=",
            "autocomplete=",
            "open=",
            "start=",
            "disabled=",
        ];
        for name in names {
            assert!(
                usual.contains(&name) || ours.contains(&name.as_str()),
                "{name} in {}",
                page.0
            );
        }
        for address in addresses {
            assert!(address.starts_with('/') && !address.starts_with("//"), "{address}");
        }
    }
}

fn calls_only_who_must_answer(report: &Report) {
    let called =
        |message: &slack::render::Rendered| Value::from(message.blocks.clone()).to_string().contains("<!subteam");
    let in_slack = slack::render::run_message(report, &slack_mentions());
    let in_discord = discord::render::run_message(report, &discord_mentions());
    let must_answer = report
        .attention
        .as_ref()
        .is_some_and(|it| it.groups.iter().any(|group| group == "ops"));
    assert_eq!(called(&in_slack), must_answer);
    assert_eq!(!in_discord.roles.is_empty(), must_answer);
    assert!(!called(&slack::render::ephemeral(report)) && !called(&slack::render::thread_details(report).message));
    assert!(discord::render::ephemeral(report).roles.is_empty());
    assert!(discord::render::thread_details(report).message.roles.is_empty());
    let is_asked = report.attention.is_some();
    assert_eq!(discord::render::ping(report, &discord_mentions()).is_some(), is_asked);
    assert!(slack::render::ping(report, &slack_mentions()).is_none() || is_asked);
}

fn with_table(table: &Table) -> Report {
    Report {
        table: Some(table.clone()),
        ..blank("7k2m9qx4ab", Outcome::Succeeded)
    }
}

fn tables_of_words() -> impl Strategy<Value = Table> {
    let word = "[a-zé注文😀]{1,9}";
    let rows = proptest::collection::vec(proptest::collection::vec(word, 4), 1..8);
    (proptest::collection::btree_set("[a-z]{1,9}", 1..4), rows).prop_map(|(columns, rows)| {
        let columns: Vec<String> = columns.into_iter().collect();
        let row = |cells: Vec<String>| {
            columns
                .iter()
                .cloned()
                .zip(cells.into_iter().map(Value::from))
                .collect()
        };
        Table {
            rows: rows.into_iter().map(row).collect(),
            columns: columns.clone(),
        }
    })
}

/// What stands in a code block.
fn fenced(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("```\n")?;
    rest.split_once("```").map(|(block, _)| block)
}

/// Where the words of a line begin, in columns.
fn begins(line: &str) -> Vec<usize> {
    let words = line.split(' ').filter(|word| !word.is_empty());
    let at = words.map(|word| word.as_ptr() as usize - line.as_ptr() as usize);
    at.map(|at| width(&line[..at])).collect()
}

/// A table is as it should be on every surface: no line of a code block is too wide, no row is lost, no cell is alone.
fn lines_up(table: &Table) {
    let report = with_table(table);
    let slack = slack::render::thread_details(&report).message;
    let discord = discord::render::thread_details(&report).message;
    let in_slack = slack.blocks.iter().filter_map(|block| block["text"]["text"].as_str());
    let in_discord = discord.embeds.iter().filter_map(|embed| embed["description"].as_str());
    for text in in_slack.chain(in_discord) {
        let Some(block) = fenced(text) else {
            continue;
        };
        let block = block.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
        let widest = block.lines().map(width).max().unwrap_or(0);
        assert!(widest <= 110, "{widest} columns:\n{block}");
    }
    let text = terminal::render(&report, false, 80);
    // One line of each row, below status and head.
    assert_eq!(text.lines().count(), table.rows.len() + 3, "{text}");
    let (names, _) = seen::made_of(&message(&seen::in_the_console(&report)));
    let count = |wanted: &str| names.iter().filter(|name| *name == wanted).count();
    assert_eq!(count("td"), count("th") * (count("tr") - 1));
}
