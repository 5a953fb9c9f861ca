use super::*;
use proptest::prelude::*;

fn run(runbook: &str, rest: &str) -> Ask {
    Ask::Run {
        runbook: runbook.to_owned(),
        words: Words::Line(rest.to_owned()),
        dry: false,
    }
}

#[test]
fn a_line_asks_for_a_runbook_or_for_one_of_the_words() {
    for (typed, asks) in [
        ("/forward-order 1042", Ok(run("forward-order", "1042"))),
        ("  forward-order  1042 dry ", Ok(run("forward-order", "1042 dry"))),
        ("/stuck-orders", Ok(run("stuck-orders", ""))),
        ("/help", Ok(Ask::Help { runbook: None })),
        (
            "help /stuck-orders",
            Ok(Ask::Help {
                runbook: Some("stuck-orders".to_owned()),
            }),
        ),
        ("/runs", Ok(Ask::Runs)),
        ("/runs now", Err("That is not complete. Type: /runs")),
        ("/stop", Err("That is not complete. Type: /stop RUN")),
        ("/stop a b", Err("That is not complete. Type: /stop RUN")),
        ("/unlock order:1", Err("That is not complete. Type: /unlock KEY REASON")),
        (
            "/unlock order:1 it is over",
            Ok(Ask::Unlock {
                key: "order:1".to_owned(),
                reason: "it is over".to_owned(),
            }),
        ),
        (
            "/",
            Err("Nothing was typed. A command begins with a slash, such as /help."),
        ),
        (
            " ",
            Err("Nothing was typed. A command begins with a slash, such as /help."),
        ),
    ] {
        let asked = line(typed).map_err(|misread| misread.to_string());
        assert_eq!(asked, asks.map_err(str::to_owned), "{typed:?}");
    }
}

#[test]
fn what_no_button_of_ours_says_is_refused() {
    for value in [
        "",
        "approve",
        "offer",
        "offer x",
        "resolve done",
        "resolve maybe step",
        "delete",
    ] {
        assert_eq!(pressed("r", value, ""), Err(Misread::Button), "{value:?}");
    }
}

proptest! {
    #[test]
    fn any_line_is_read_without_a_panic(typed in "\\PC{0,200}") {
        let _ = line(&typed);
    }

    #[test]
    fn a_resolve_button_says_its_step_whatever_it_is_called(step in "\\PC{1,60}", reason in "\\PC{0,60}") {
        let press = Press::Resolve { step: step.clone(), resolution: Resolution::NotDone };
        let asked = Ask::Resolve { run: "r1".to_owned(), step, resolution: Resolution::NotDone, reason: reason.clone() };
        prop_assert_eq!(pressed("r1", &value(&press), &reason), Ok(asked));
    }
}
