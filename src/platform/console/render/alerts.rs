//! `/alerts`: groups of alerts, and one of them whole.

use super::{moment, shown};
use crate::platform::console::receive;
use crate::report::alert::{AlertCard, AlertState};
use jiff::Timestamp;
use maud::{Markup, html};

/// One line.
#[derive(Debug, Clone)]
pub struct Line {
    /// Its id.
    pub id: String,
    /// What it is called.
    pub title: String,
    /// How it stands.
    pub state: AlertState,
    /// How many alerts stand how.
    pub said: String,
    /// When it began.
    pub opened: Timestamp,
}

/// The page's content: those that fire first. `on` tells whether alerts come in at all.
pub fn alerts(lines: &[Line], on: bool, more: bool) -> Markup {
    html! {
        main #main data-follows="alerts" {
            h1 { "Alerts" }
            @if !on {
                p.empty {
                    "Alerts are off: there is no " code { "[alerts]" } " in the configuration."
                }
            }
            @if lines.is_empty() {
                @if on { p.empty { "Nothing fires, and nothing has." } }
            } @else {
                ul.runs {
                    @for line in lines {
                        li {
                            (state(line.state))
                            a href={ "/alerts/" (line.id) } { (shown(&line.title)) }
                            span.by { (shown(&line.said)) " · since " (moment(line.opened)) }
                        }
                    }
                }
                @if more { p.empty { "Older ones are not listed." } }
            }
        }
    }
}

/// One group: its card, its chart, and what changed, newest first.
///
/// Buttons belong to the page's one form.
pub fn alert(card: &AlertCard, has_chart: bool, history: &[(Timestamp, String)]) -> Markup {
    html! {
        main #main data-follows="alerts" {
            h1 { (shown(&card.title)) }
            p { (state(card.state)) " " (shown(&card.counts)) }
            @if !card.labels.is_empty() { p.by { (shown(&card.labels)) } }
            @for line in card.say.lines() { p.say { (shown(line)) } }
            (list("Alerts", &card.lines))
            (list("Note", &card.notes))
            (list("What is done", &card.people))
            @if !card.buttons.is_empty() {
                div.buttons {
                    @for button in &card.buttons {
                        button form="press" formaction={ "/alerts/" (card.id) "/press" } name="press"
                            value=(receive::value(&button.press)) { (shown(&button.label)) }
                    }
                }
            }
            @if has_chart {
                picture.chart {
                    source srcset={ "/alerts/" (card.id) "/chart.png?theme=dark" } media="(prefers-color-scheme: dark)";
                    img src={ "/alerts/" (card.id) "/chart.png" } alt="What the rule of this alert watches" loading="lazy";
                }
            }
            @if !history.is_empty() {
                h2 { "History" }
                ul { @for (at, say) in history.iter().rev() { li { (moment(*at)) " " (shown(say)) } } }
            }
            p.by { (shown(&card.footer)) }
            p.ways { a.button href="/alerts" { "All alerts" } }
        }
    }
}

fn list(title: &str, lines: &[String]) -> Markup {
    html! {
        @if !lines.is_empty() {
            h2 { (title) }
            ul { @for line in lines { li { (shown(line)) } } }
        }
    }
}

fn state(state: AlertState) -> Markup {
    let mood = match state {
        AlertState::Firing => "bad",
        AlertState::Resolved => "good",
        AlertState::Quiet => "calm",
    };
    html! {
        span class={ "state " (mood) } { span.mark aria-hidden="true" { (state.symbol()) } " " (state.words().to_lowercase()) }
    }
}
