//! Every parser of what comes from outside, as a function of bytes that must not panic and must not let anything through
//! that a renderer would obey. The fuzzer calls these, and the tests replay with them what it has found.

// The places are written out because the fuzzer's crate includes this file from where it stands.
#[path = "parsers/celery.rs"]
mod celery;
#[path = "parsers/discord.rs"]
pub mod discord;
#[path = "parsers/files.rs"]
pub mod files;
#[path = "parsers/prometheus.rs"]
mod prometheus;
#[path = "parsers/slack.rs"]
pub mod slack;

type Parser = fn(&[u8]);

/// By the name of the corpus.
pub const PARSERS: &[(&str, Parser)] = &[
    ("deliveries", slack::deliveries),
    ("presses", slack::presses),
    ("commands", slack::commands),
    ("interactions", discord::interactions),
    ("ids", discord::ids),
    ("runbooks", files::runbooks),
    ("config", files::config),
    ("people", files::people),
    ("panels", files::panels),
    ("policy", files::policy),
    ("celery", celery::messages),
    ("prometheus", prometheus::answers),
];

/// What a terminal, Slack or a browser may be given: no codes, no turns of direction, nothing without width.
pub fn assert_harmless(text: &str) {
    let bad = text.chars().find(|c| {
        (c.is_control() && *c != '\n')
            || matches!(c, '\u{200b}' | '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
                | '\u{feff}' | '\u{61c}' | '\u{e0000}'..='\u{e007f}')
    });
    assert!(bad.is_none(), "{bad:?} in {text:?}");
}
