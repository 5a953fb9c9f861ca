//! What a page of the admin says, read from its HTML.

use scraper::{ElementRef, Html, Selector};
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::BTreeSet;

const LONGEST: usize = 500;
const LEVELS: [&str; 5] = ["debug", "info", "success", "warning", "error"];

/// A page that cannot be searched at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a page of the admin cannot be read: `{0}` finds nothing in any page")]
pub(super) struct PageError(&'static str);

/// What the admin tells its user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Message {
    /// Empty if the site marks none.
    pub(super) level: String,
    pub(super) text: String,
}

/// One page.
#[derive(Debug, PartialEq)]
pub(super) struct Page {
    /// For the forms on it.
    pub(super) token: Option<String>,
    /// Whether it asks for user and password.
    pub(super) is_login: bool,
    /// What the login form says of the last try.
    pub(super) error: Option<String>,
    pub(super) messages: Vec<Message>,
    /// The actions that this account may choose.
    pub(super) actions: BTreeSet<String>,
    /// Of the list: `id`, and each column's text by its name.
    pub(super) rows: Vec<Map<String, Value>>,
    /// Whether the list has more pages.
    pub(super) more: bool,
    /// Whether it asks "are you sure".
    pub(super) asks_again: bool,
}

impl Page {
    pub(super) fn read(html: &str) -> Result<Self, PageError> {
        let html = Html::parse_document(html);
        let all = |selector: &'static str| -> Result<Vec<ElementRef<'_>>, PageError> {
            let selector = Selector::parse(selector).map_err(|_| PageError(selector))?;
            Ok(html.select(&selector).collect())
        };
        let has = |selector| all(selector).map(|found| !found.is_empty());
        let attributes = |selector, attribute| {
            all(selector).map(|found| {
                let values = found.into_iter().filter_map(|it| it.value().attr(attribute));
                values.map(str::to_owned).collect::<Vec<_>>()
            })
        };
        let messages = all("ul.messagelist > li")?.into_iter().map(|item| {
            let level = item.value().classes().find(|it| LEVELS.contains(it));
            Message {
                level: level.unwrap_or_default().to_owned(),
                text: text(item),
            }
        });
        let cells = Selector::parse("[class*='field-']").map_err(|_| PageError("[class*='field-']"))?;
        let boxes = Selector::parse("input.action-select").map_err(|_| PageError("input.action-select"))?;
        let rows = all("#result_list tbody tr")?.into_iter().map(|line| {
            let id = line.select(&boxes).find_map(|it| it.value().attr("value"));
            let mut row = Map::new();
            row.insert("id".to_owned(), id.map_or(Value::Null, Value::from));
            for cell in line.select(&cells) {
                if let Some(name) = cell.value().classes().find_map(|it| it.strip_prefix("field-")) {
                    row.entry(name).or_insert_with(|| Value::from(text(cell)));
                }
            }
            row
        });
        Ok(Self {
            token: attributes("input[name=csrfmiddlewaretoken]", "value")?
                .into_iter()
                .next(),
            is_login: has("input[name=password]")? && has("input[name=username]")?,
            error: all("p.errornote")?.into_iter().map(text).next(),
            messages: messages.collect(),
            actions: attributes("select[name=action] option", "value")?
                .into_iter()
                .filter(|it| !it.is_empty())
                .collect(),
            rows: rows.collect(),
            more: has("p.paginator a, nav.paginator a")?,
            asks_again: has("input[name=post][value=yes]")?,
        })
    }

    /// The rows that can be chosen.
    pub(super) fn ids(&self) -> BTreeSet<&str> {
        self.rows.iter().filter_map(|row| row["id"].as_str()).collect()
    }

    /// The number in the messages, if there is exactly one message with exactly one number.
    pub(super) fn count(&self) -> Option<u64> {
        let [message] = self.messages.as_slice() else {
            return None;
        };
        let mut numbers = message
            .text
            .split(|it: char| !it.is_ascii_digit())
            .filter(|it| !it.is_empty());
        let number = numbers.next()?.parse().ok()?;
        numbers.next().is_none().then_some(number)
    }
}

/// In one line. A picture counts as what stands for it: the admin shows yes and no as icons.
fn text(element: ElementRef<'_>) -> String {
    let pieces = element.descendants().filter_map(|node| match node.value() {
        scraper::Node::Text(text) => Some(text.to_string()),
        scraper::Node::Element(it) if it.name() == "img" => it.attr("alt").map(str::to_owned),
        _ => None,
    });
    let line = pieces.collect::<Vec<_>>().join(" ");
    let line = line
        .split(|it: char| it.is_whitespace() || it.is_control())
        .filter(|it| !it.is_empty())
        .collect::<Vec<_>>()
        .join(" ");
    line.chars().take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    const LIST: &str = r#"<html><body>
        <ul class="messagelist"><li class="info">Triggered sync for <b>2</b>
          supplier(s).</li><li class="extra warning">No &lt;b&gt; more</li><li>Bare</li></ul>
        <form id="changelist-form" method="post"><input type="hidden" name="csrfmiddlewaretoken" value="tok">
        <div class="actions"><select name="action"><option value="">---------</option>
          <option value="delete_selected">Delete</option><option value="action_trigger_sync">Sync</option></select></div>
        <table id="result_list"><thead><tr><th>x</th></tr></thead><tbody>
          <tr><td class="action-checkbox"><input type="checkbox" name="_selected_action" value="7" class="action-select"></td>
            <th class="field-name"><a href="/admin/store/supplier/7/change/">CJ &amp; Co</a></th>
            <td class="field-active"><img src="/yes.svg" alt="True"></td><td class="field-last_synced_at nowrap">-</td></tr>
        </tbody></table><p class="paginator">1 supplier</p></form>"#;

    #[test]
    fn a_list_is_read() {
        let page = Page::read(LIST).unwrap();
        let message = |level: &str, text: &str| Message {
            level: level.to_owned(),
            text: text.to_owned(),
        };
        assert_eq!(
            page.messages,
            [
                message("info", "Triggered sync for 2 supplier(s)."),
                message("warning", "No <b> more"),
                message("", "Bare"),
            ]
        );
        assert_eq!(page.token.as_deref(), Some("tok"));
        assert_eq!(
            page.actions.iter().collect::<Vec<_>>(),
            ["action_trigger_sync", "delete_selected"]
        );
        assert_eq!(
            json!(page.rows),
            json!([{ "id": "7", "name": "CJ & Co", "active": "True", "last_synced_at": "-" }])
        );
        assert_eq!(page.ids(), BTreeSet::from(["7"]));
        assert!(!page.more && !page.is_login && !page.asks_again && page.error.is_none());
    }

    #[test]
    fn a_login_form_is_known() {
        let page = Page::read(
            r#"<p class="errornote">Please enter the correct email and password.</p><form>
               <input name="csrfmiddlewaretoken" value="t"><input name="username"><input type="password" name="password">"#,
        );
        let page = page.unwrap();
        assert!(page.is_login);
        assert_eq!(page.error.unwrap(), "Please enter the correct email and password.");
    }

    #[test]
    fn a_count_is_the_only_number_of_the_only_message() {
        for (messages, count) in [
            ("<li>Triggered sync for 2 supplier(s).</li>", Some(2)),
            ("<li>Triggered sync for 0 supplier(s).</li>", Some(0)),
            ("<li>No action selected.</li>", None),
            ("<li>2 of 3 done</li>", None),
            ("<li>1</li><li>2</li>", None),
            ("<li>99999999999999999999999</li>", None),
            ("", None),
        ] {
            let page = Page::read(&format!("<ul class=messagelist>{messages}</ul>")).unwrap();
            assert_eq!(page.count(), count, "{messages}");
        }
    }

    proptest! {
        #[test]
        fn whatever_stands_there_is_a_page(html in "(?s)(<[a-z]{1,6}[ a-z=\"'-]{0,20}>?|.){0,40}") {
            prop_assert!(Page::read(&html).is_ok());
        }
    }
}
