//! `/`: what happened, newest at the bottom, and the line to type in.

use super::message::{Message, message};
use super::page::{Guest, hidden};
use super::shown;
use maud::{Markup, html};

/// What the channel shows.
#[derive(Debug)]
pub struct Channel<'a> {
    /// Oldest first.
    pub messages: &'a [Message],
    /// Commands worth a try, with what each is for: shown while there is no message.
    pub examples: &'a [(String, String)],
    /// The newest change in it, in microseconds: what comes later is new.
    pub since: i64,
    /// A line that was not understood stays where it was typed.
    pub typed: &'a str,
    /// Why it was not understood.
    pub problem: Option<&'a str>,
    /// Whether older runs are to be found on the page of runs.
    pub more: bool,
}

/// The channel.
pub fn channel(channel: &Channel<'_>, guest: &Guest, nonce: &str) -> Markup {
    html! {
        main #main .channel data-since=(channel.since) {
            h1.unseen { "Channel" }
            div #log role="log" aria-label="Messages" aria-live="off" tabindex="-1" {
                @if channel.more { p.older { a href="/runs" { "Older runs" } } }
                @if channel.messages.is_empty() { (welcome(channel, guest, nonce)) }
                @for one in channel.messages { (message(one)) }
            }
            form #composer method="post" action="/" data-complete="/complete" {
                (hidden("csrf", &guest.csrf))
                (hidden("nonce", nonce))
                p #problem .problem role="alert" hidden[channel.problem.is_none()] {
                    @if let Some(problem) = channel.problem { (shown(problem)) }
                }
                ul #choices role="listbox" aria-label="Completions" hidden {}
                label.unseen for="line" { "Command" }
                input #line name="line" value=(channel.typed) autocomplete="off" autocapitalize="off" spellcheck="false"
                    maxlength="8000" placeholder="Type a command, such as /help" role="combobox" aria-expanded="false"
                    aria-controls="choices" aria-autocomplete="list" autofocus;
                button.primary { "Send" }
            }
        }
    }
}

fn welcome(channel: &Channel<'_>, guest: &Guest, nonce: &str) -> Markup {
    html! {
        section #welcome {
            h2 { "Nothing has happened yet." }
            @if channel.examples.is_empty() {
                p { "There is nothing that you may run here. What others run appears here as it happens." }
            } @else {
                p { "Try one of these:" }
                @for (line, what) in channel.examples {
                    form.example method="post" action="/" {
                        (hidden("csrf", &guest.csrf))
                        (hidden("nonce", nonce))
                        button name="line" value=(line) { code { (shown(line)) } span { (shown(what)) } }
                    }
                }
            }
        }
    }
}
