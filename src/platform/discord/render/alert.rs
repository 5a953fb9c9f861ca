//! How alerts look in Discord. What a rule's author wrote is a system's text: it mentions nobody and makes no link.

use super::text::{self, PLAIN, SCRIPT, list};
use super::{FOOTER, RADIUS, Rendered, SAY, STEPS, TITLE, WARNINGS, buttons, framed, with_footer};
use crate::report::alert::{AlertCard, AlertState};
use crate::report::fit::{Cut, one_line};
use serde_json::json;

/// The message of a group of alerts.
pub fn message(card: &AlertCard) -> Rendered {
    let mut cut = Cut::default();
    let more = "the console lists them";
    let counts = if card.labels.is_empty() {
        card.counts.clone()
    } else {
        format!("{}. {}", card.counts, card.labels)
    };
    let parts = [
        SCRIPT.fit(&one_line(&counts), RADIUS, &mut cut),
        SCRIPT.fit(&card.say, SAY, &mut cut),
        list("Alerts", "• ", &card.lines, STEPS, more, &mut cut),
        list("Note", "• ", &card.notes, WARNINGS, more, &mut cut),
        list("What is done", "• ", &card.people, WARNINGS, more, &mut cut),
    ];
    let title = SCRIPT.fit(&card.heading(), TITLE, &mut cut);
    let mut message = framed(title, colour(card.state), &parts);
    let (components, left_out) = buttons::rows(Some(&card.id), &card.buttons);
    message.components = components;
    if left_out > 0 {
        let say = format!("{left_out} more choices have no button here; see /signalbox help");
        message.embeds.push(json!({"description": say}));
    }
    with_footer(message, &PLAIN.fit(&one_line(&card.footer), FOOTER, &mut cut))
}

/// What the thread of a group is called.
pub fn thread_name(card: &AlertCard) -> String {
    let name = text::fit(&one_line(&card.title), 100);
    if name.trim().is_empty() {
        "Alerts".to_owned()
    } else {
        name
    }
}

fn colour(state: AlertState) -> u32 {
    match state {
        AlertState::Firing => 0xC0_39_2B,
        AlertState::Resolved => 0x2E_8B_57,
        AlertState::Quiet => 0x8A_8F_98,
    }
}
