//! A message of each surface as text, line by line, judged on the way by rules that are not ours.

use crate::platform::console::render::message::{Message, Offered, Subject, message};
use crate::platform::{discord, slack};
use crate::report::Report;
use jiff::Timestamp;
use maud::Markup;
use scraper::{ElementRef, Html, Node, Selector};
use serde_json::{Value, json};
use slackblocks::MessagePayload;
use twilight_model::channel::message::{Component, Embed};

/// A line per text, `[buttons]`, and the kind of what is not plain text.
pub(crate) fn slack(message: &slack::render::Rendered) -> String {
    judge_slack(message);
    let text = |value: &Value| value["text"].as_str().unwrap().to_owned();
    let mut lines = vec![format!("text: {}", message.text.replace('\n', " / "))];
    for block in &message.blocks {
        lines.push(match block["type"].as_str().unwrap() {
            "header" => format!("# {}", text(&block["text"])),
            "section" if block["text"]["type"] == "mrkdwn" => format!("mrkdwn: {}", text(&block["text"])),
            "section" => text(&block["text"]),
            "context" => {
                let parts: Vec<String> = block["elements"].as_array().unwrap().iter().map(text).collect();
                format!("({})", parts.join(") ("))
            }
            "actions" => {
                let buttons = block["elements"].as_array().unwrap().iter().map(|button| {
                    let style = button["style"].as_str().unwrap_or("plain");
                    let confirm = if button["confirm"].is_null() {
                        ""
                    } else {
                        ", asks first"
                    };
                    format!("[{} ({style}{confirm})]", text(&button["text"]))
                });
                buttons.collect::<Vec<_>>().join(" ")
            }
            other => panic!("a block of type {other}"),
        });
    }
    lines.join("\n")
}

/// What Slack would say.
pub(crate) fn judge_slack(message: &slack::render::Rendered) {
    let payload = json!({"channel": "C1", "text": message.text, "blocks": message.blocks});
    MessagePayload::try_from(payload).unwrap_or_else(|error| panic!("{error}: {:?}", message.blocks));
    let total = Value::from(message.blocks.clone()).to_string().encode_utf16().count();
    assert!(total <= 13_000, "{total} characters");
}

/// A line per text, the colour first.
pub(crate) fn discord(message: &discord::render::Rendered) -> String {
    judge_discord(message);
    let mut lines = vec![message.content.clone()];
    for embed in &message.embeds {
        if let Some(colour) = embed["color"].as_u64() {
            lines.push(format!("#{colour:06x}"));
        }
        let texts = [&embed["title"], &embed["description"], &embed["footer"]["text"]];
        lines.extend(texts.into_iter().filter_map(Value::as_str).map(str::to_owned));
    }
    for row in &message.components {
        let buttons = row["components"].as_array().unwrap().iter();
        let labels: Vec<String> = buttons
            .map(|button| format!("[{} {}]", button["style"], button["label"].as_str().unwrap()))
            .collect();
        lines.push(labels.join(" "));
    }
    lines.retain(|line| !line.is_empty());
    lines.join("\n")
}

/// Whether Discord would take it.
pub(crate) fn judge_discord(message: &discord::render::Rendered) {
    twilight_validate::message::content(&message.content).unwrap();
    let embeds = message.embeds.iter().map(|embed| {
        let mut embed = embed.clone();
        embed["type"] = "rich".into();
        serde_json::from_value(embed).unwrap()
    });
    twilight_validate::message::embeds(&embeds.collect::<Vec<Embed>>()).unwrap();
    let rows = message.components.iter().cloned().map(serde_json::from_value);
    let rows: Vec<Component> = rows.collect::<Result<_, _>>().unwrap();
    twilight_validate::message::components(&rows, false).unwrap();
    assert!(!message.content.is_empty() || !message.embeds.is_empty());
}

/// As somebody sees it in the console who may press everything.
pub(crate) fn in_the_console(report: &Report) -> Message {
    let subject = match &report.run {
        Some(run) => Subject::Run {
            id: run.clone(),
            seq: 1,
        },
        None => Subject::Answer {
            request: "0198".to_owned(),
        },
    };
    let offered = report.buttons.iter().map(|button| Offered {
        button: button.clone(),
        why_not: None,
    });
    Message {
        subject,
        at: Timestamp::UNIX_EPOCH,
        offered: offered.collect(),
        may_override: false,
        chart: None,
        switch_to: Vec::new(),
        can_run: report.dry,
        report: report.clone(),
    }
}

/// A message in the console's channel, read as a browser reads it: a line per block, `| cells |`, `[buttons]`.
pub(crate) fn console(shown: &Message) -> String {
    page(&message(shown))
}

/// Any part of a page, read in the same way.
pub(crate) fn page(markup: &Markup) -> String {
    let html = Html::parse_fragment(&markup.0);
    let mut text = String::new();
    read(html.root_element(), &mut text);
    let lines = text.lines().map(|line| line.split(' ').filter(|word| !word.is_empty()));
    let lines = lines.map(|words| words.collect::<Vec<_>>().join(" "));
    lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

fn read(element: ElementRef<'_>, text: &mut String) {
    let (before, after) = match element.value().name() {
        "p" | "li" | "header" | "tr" | "fieldset" | "legend" | "details" | "div" | "label" => ("\n", "\n"),
        "button" | "summary" => (" [", "] "),
        "td" | "th" => ("| ", " "),
        "h2" | "code" | "strong" | "span" => (" ", " "),
        "input" => (" ____ ", ""),
        _ => ("", ""),
    };
    text.push_str(before);
    for child in element.children() {
        match child.value() {
            Node::Text(words) => text.push_str(words),
            _ => {
                if let Some(child) = ElementRef::wrap(child) {
                    read(child, text);
                }
            }
        }
    }
    text.push_str(after);
}

/// What stands on a page, without a word about how.
pub(crate) fn words(markup: &Markup) -> String {
    Html::parse_fragment(&markup.0).root_element().text().collect()
}

/// The names of a page's elements and attributes, and each address that something leads to.
pub(crate) fn made_of(markup: &Markup) -> (Vec<String>, Vec<String>) {
    let html = Html::parse_fragment(&markup.0);
    let everything = Selector::parse("*").unwrap();
    let (mut names, mut addresses) = (Vec::new(), Vec::new());
    for element in html.select(&everything) {
        names.push(element.value().name().to_owned());
        for (name, value) in element.value().attrs() {
            names.push(format!("{name}="));
            if ["href", "src", "srcset", "action", "formaction"].contains(&name) {
                addresses.push(value.to_owned());
            }
        }
    }
    (names, addresses)
}
