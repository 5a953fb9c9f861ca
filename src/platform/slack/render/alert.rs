//! How alerts look in Slack. What a rule's author wrote is a system's text: it mentions nobody and makes no link.

use super::text::{fit, list};
use super::{CONTEXT, HEADER, METADATA, NOTIFICATION, RADIUS, Rendered, SAY, STEPS, WARNINGS, blocks, buttons};
use crate::report::alert::AlertCard;
use crate::report::fit::{Cut, one_line};
use serde_json::json;

/// The message of a group of alerts.
pub fn message(card: &AlertCard) -> Rendered {
    let mut cut = Cut::default();
    let heading = card.heading();
    let mut made = vec![blocks::header(&fit(&heading, HEADER, &mut cut))];
    let counts = if card.labels.is_empty() {
        card.counts.clone()
    } else {
        format!("{}. {}", card.counts, card.labels)
    };
    made.extend(blocks::plain(&fit(&one_line(&counts), RADIUS, &mut cut)));
    made.extend(blocks::plain(&fit(&card.say, SAY, &mut cut)));
    let more = "the console lists them";
    made.extend(blocks::plain(&list("Alerts", &card.lines, STEPS, more, &mut cut)));
    made.extend(blocks::plain(&list("Note", &card.notes, WARNINGS, more, &mut cut)));
    made.extend(blocks::plain(&list(
        "What is done",
        &card.people,
        WARNINGS,
        more,
        &mut cut,
    )));
    made.extend(buttons::blocks(Some(&card.id), &card.buttons));
    if !card.footer.trim().is_empty() {
        made.push(blocks::context(&[fit(&one_line(&card.footer), CONTEXT, &mut cut)]));
    }
    let text = format!("{heading}\n{}", card.say);
    rendered(&card.id, card.state.key(), text.trim_end(), made)
}

/// A reply in the thread of a group.
pub fn reply(id: &str, say: &str) -> Rendered {
    let said = fit(say, STEPS, &mut Cut::default());
    rendered(id, "news", say, blocks::plain(&said).into_iter().collect())
}

/// A reply in the thread that calls a user of the workspace.
pub fn call(id: &str, user: Option<&str>, say: &str) -> Rendered {
    let is_id = |user: &&str| !user.is_empty() && user.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let Some(user) = user.filter(is_id) else {
        return reply(id, say);
    };
    let said = fit(say, STEPS, &mut Cut::default());
    let mut made = vec![blocks::mrkdwn(&format!("<@{user}>"))];
    made.extend(blocks::plain(&said));
    rendered(id, "news", say, made)
}

fn rendered(id: &str, outcome: &str, text: &str, blocks: Vec<serde_json::Value>) -> Rendered {
    Rendered {
        text: fit(text, NOTIFICATION, &mut Cut::default()),
        blocks,
        metadata: Some(json!({"event_type": METADATA, "event_payload": {"run": id, "outcome": outcome}})),
    }
}
