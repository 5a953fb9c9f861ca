//! Text as Discord takes it.

use crate::report::fit::{Cut, Script};
use crate::report::unseen::is_unseen;

/// How Discord is written, where it interprets what it is given.
pub(super) const SCRIPT: Script = Script {
    escape,
    cost: char_cost,
};

/// The same for a footer and for a button, in which it interprets nothing.
pub(super) const PLAIN: Script = Script {
    escape: plain,
    cost: char::len_utf16,
};

/// At most `most` characters of a text in which Discord interprets nothing, with dots where it goes on.
pub(in super::super) fn fit(text: &str, most: usize) -> String {
    let text = plain(text);
    if text.chars().count() <= most {
        return text;
    }
    text.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

/// Discord's markup becomes letters: what is bold, a heading, a list, a mention, a time or a link elsewhere is shown as it
/// was written. What a reader cannot see becomes a visible mark.
pub(in super::super) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    let mut begins = true;
    for (at, c) in text.char_indices() {
        let is_markup = match c {
            '\\' | '*' | '_' | '~' | '`' | '|' | '<' | '[' | '@' => true,
            // At the beginning of a line they make headings, quotes, lists and small print.
            '#' | '>' | '-' | '+' => begins,
            // Of an address, which would become a link.
            ':' => text[at..].starts_with("://"),
            _ => false,
        };
        if is_markup {
            safe.push('\\');
        }
        push(&mut safe, c);
        begins = c == '\n' || (begins && c.is_whitespace());
    }
    safe
}

fn plain(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        push(&mut safe, c);
    }
    safe
}

fn push(safe: &mut String, c: char) {
    safe.push(match c {
        '\n' => c,
        '\t' => ' ',
        _ if is_unseen(c) => '\u{FFFD}',
        _ => c,
    });
}

/// How many of Discord's characters one takes at the most.
fn char_cost(c: char) -> usize {
    if c.is_ascii_punctuation() { 2 } else { c.len_utf16() }
}

/// A list of lines under a title in bold; empty where there is nothing to list.
pub(super) fn list(title: &str, mark: &str, lines: &[String], limit: usize, more: &str, cut: &mut Cut) -> String {
    SCRIPT.marked(&format!("**{title}**"), mark, lines, limit, more, cut)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn markup_becomes_letters() {
        for (text, safe) in [
            (
                "**bold** _it_ ~~no~~ ||spoiler||",
                r"\*\*bold\*\* \_it\_ \~\~no\~\~ \|\|spoiler\|\|",
            ),
            (
                "<@101> <@&7001> <#9001> @everyone",
                r"\<\@101> \<\@&7001> \<#9001> \@everyone",
            ),
            ("[click](https://evil.example)", r"\[click](https\://evil.example)"),
            ("<t:1800000000:R> </stop:1>", r"\<t:1800000000:R> \</stop:1>"),
            (
                "# big\n- one\n  + two\n> quote\n-# small",
                "\\# big\n\\- one\n  \\+ two\n\\> quote\n\\-# small",
            ),
            ("```rm -rf```", r"\`\`\`rm -rf\`\`\`"),
            ("a\\*b 12:30 well-known", r"a\\\*b 12:30 well-known"),
            ("\u{202e}gnp\u{200b}", "\u{FFFD}gnp\u{FFFD}"),
        ] {
            assert_eq!(escape(text), safe);
        }
    }

    proptest! {
        #[test]
        fn no_text_means_anything_and_none_costs_more_than_counted(text in ".*") {
            let safe = escape(&text);
            prop_assert!(safe.encode_utf16().count() <= SCRIPT.cost(&text).max(safe.chars().count()));
            let bare: String = safe.replace("\\\\", "").chars().collect();
            for markup in ["<@", "<#", "<t:", "**", "__", "`", "||", "://", "@everyone"] {
                let at = bare.match_indices(markup).find(|(at, _)| !bare[..*at].ends_with('\\'));
                prop_assert!(at.is_none(), "{markup} in {safe}");
            }
        }

        #[test]
        fn what_is_fitted_fits(text in ".*", most in 1usize..200) {
            prop_assert!(fit(&text, most).chars().count() <= most);
            let mut cut = Cut::default();
            prop_assert!(SCRIPT.fit(&text, most.max(60), &mut cut).encode_utf16().count() <= most.max(60));
        }
    }
}
