//! What all pages have in common.

use super::{moment, shown};
use jiff::Timestamp;
use maud::{DOCTYPE, Markup, html};

/// The addresses of the files that a page needs; each name has the hash of its content in it.
#[derive(Debug, Clone)]
pub struct Assets {
    /// The style.
    pub style: String,
    /// The script.
    pub script: String,
    /// The icon.
    pub icon: String,
}

/// A place in the navigation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Here {
    /// `/`
    Channel,
    /// `/approvals`
    Approvals,
    /// `/alerts`
    Alerts,
    /// `/runs`
    Runs,
    /// `/runbooks`
    Runbooks,
    /// Somewhere else.
    Elsewhere,
}

/// Something that everybody should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// One sentence.
    pub say: String,
    /// Since when.
    pub since: Timestamp,
    /// Further lines, folded away.
    pub details: Vec<String>,
}

/// Who looks at the page.
#[derive(Debug, Clone)]
pub struct Guest {
    /// The name in `people.toml`.
    pub person: String,
    /// Proves that a form came from a page of this session.
    pub csrf: String,
    /// Who else can be picked; empty outside of demo mode.
    pub picks: Vec<String>,
    /// How many runs wait for this person's word.
    pub waiting: usize,
    /// What everybody should know.
    pub notices: Vec<Notice>,
}

/// The frame around a page.
#[derive(Debug, Clone)]
pub struct Frame<'a> {
    /// In the browser's title.
    pub title: &'a str,
    /// Where in the navigation.
    pub here: Here,
    /// Files.
    pub assets: &'a Assets,
    /// Anyone can be anyone.
    pub demo: bool,
    /// None before signing in.
    pub guest: Option<&'a Guest>,
    /// Unique to this page, so that a form sent twice asks once.
    pub nonce: &'a str,
    /// Load again after a second: the answer is not there yet.
    pub again: bool,
}

/// A whole page.
pub fn page(frame: &Frame<'_>, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                @if frame.again { meta http-equiv="refresh" content="1"; }
                title { (shown(frame.title)) " · Signalbox" }
                link rel="stylesheet" href=(frame.assets.style);
                link rel="icon" type="image/svg+xml" href=(frame.assets.icon);
                script src=(frame.assets.script) defer {}
            }
            body data-live=[frame.guest.map(|_| "/events")] {
                a.skip href="#main" { "Skip to the content" }
                // Stays in sight: whoever is at the end of a long page has to see that what it shows is old.
                div.top {
                    (banner(frame))
                    @if let Some(guest) = frame.guest {
                        (notices(&guest.notices))
                        (lost())
                    }
                }
                @if frame.demo {
                    p.demo { strong { "Demo." } " Anyone can be anyone here; nothing proves who you are." }
                }
                @if let Some(guest) = frame.guest { (press_form(guest, frame.nonce)) }
                (body)
                div #announce .unseen role="status" aria-live="polite" {}
            }
        }
    }
}

fn banner(frame: &Frame<'_>) -> Markup {
    let item = |here: Here, href: &str, label: &str| {
        html! { a href=(href) aria-current=[(frame.here == here).then_some("page")] { (label) } }
    };
    html! {
        header.banner {
            a.brand href="/" { img src=(frame.assets.icon) alt="" width="20" height="20"; "Signalbox" }
            // Stays in sight where the sentence below scrolls away.
            @if frame.demo { span.demo-mark { "Demo" } }
            @if let Some(guest) = frame.guest {
                nav aria-label="Pages" {
                    (item(Here::Channel, "/", "Channel"))
                    a href="/approvals" aria-current=[(frame.here == Here::Approvals).then_some("page")] {
                        "Approvals"
                        (waiting(guest.waiting))
                    }
                    (item(Here::Alerts, "/alerts", "Alerts"))
                    (item(Here::Runs, "/runs", "Runs"))
                    (item(Here::Runbooks, "/runbooks", "Runbooks"))
                }
                (who(frame, guest))
            }
        }
    }
}

/// How many runs wait, for the navigation; also sent alone when the number changes.
pub fn waiting(count: usize) -> Markup {
    html! {
        span #waiting .count hidden[count == 0] {
            (count) span.unseen { @if count == 1 { " waits for you" } @else { " wait for you" } }
        }
    }
}

fn who(frame: &Frame<'_>, guest: &Guest) -> Markup {
    html! {
        details.who {
            summary { span.unseen { "Signed in as " } (shown(&guest.person)) }
            div.menu {
                @for person in guest.picks.iter().filter(|person| **person != guest.person) {
                    form method="post" action="/pick" {
                        (hidden("csrf", &guest.csrf))
                        button name="person" value=(person) { "Switch to " (shown(person)) }
                    }
                }
                form method="post" action="/sign-out" {
                    (hidden("csrf", &guest.csrf))
                    (hidden("nonce", frame.nonce))
                    button { "Sign out" }
                }
            }
        }
    }
}

/// What everybody should know; also sent alone when it changes.
pub fn notices(notices: &[Notice]) -> Markup {
    html! {
        div #notices aria-live="polite" {
            @for notice in notices {
                div.notice role="note" {
                    span.mark aria-hidden="true" { "!" }
                    div {
                        p { (shown(&notice.say)) " Since " (moment(notice.since)) "." }
                        @if !notice.details.is_empty() {
                            details data-key={ "notice:" (notice.say) } {
                                summary { "Details" }
                                pre { @for line in &notice.details { (shown(line)) "\n" } }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn lost() -> Markup {
    html! {
        p #lost .notice role="status" hidden {
            span.mark aria-hidden="true" { "!" }
            "The connection to Signalbox is lost: what you see may be old. It is tried again by itself."
        }
    }
}

/// Every button of every message belongs to this one form, so that a message can be sent to all pages of a person.
/// Enter in a field presses a form's first button, which would be some other message's. The first one is therefore none:
/// a disabled one, with which Enter does nothing.
fn press_form(guest: &Guest, nonce: &str) -> Markup {
    html! {
        form #press method="post" action="/" {
            button disabled hidden {}
            (hidden("csrf", &guest.csrf))
            (hidden("nonce", nonce))
        }
    }
}

/// A hidden field.
pub(super) fn hidden(name: &str, value: &str) -> Markup {
    html! { input type="hidden" name=(name) value=(value); }
}

/// A page with one sentence and the ways on.
pub fn sentence(heading: &str, say: &str, ways: &[(&str, &str)]) -> Markup {
    html! {
        main #main .narrow {
            h1 { (heading) }
            p.say { (shown(say)) }
            p.ways { @for (href, label) in ways { a.button href=(href) { (label) } " " } }
        }
    }
}
