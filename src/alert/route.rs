//! For which alerts somebody is paged, and through which connection. Where no rule says so, nobody is.

use super::group::Group;
use super::matcher::Matcher;
use crate::nearest::way_out;
use crate::toml_file::Section;
use std::collections::BTreeMap;

/// The kinds of connections that page somebody.
pub const PAGERS: [&str; 2] = ["pagerduty", "jsm"];

/// One rule.
#[derive(Debug, Clone)]
pub(super) struct Route {
    matchers: Vec<Matcher>,
    /// The connection.
    pub(super) on: String,
}

impl Route {
    /// Whether an alert fires that the rule is about.
    pub(super) fn matches(&self, group: &Group) -> bool {
        let mut firing = group.firing().map(|member| &member.alert.labels);
        firing.any(|labels| self.matchers.iter().all(|matcher| matcher.matches(labels)))
    }
}

/// The rules of a file, by the kinds of connections by their names.
pub(super) fn routes(root: &mut Section<'_>, connections: &BTreeMap<String, String>) -> Vec<Route> {
    let sections = root.named_sections("page").into_iter();
    sections
        .filter_map(|(_, section)| route(section, connections))
        .collect()
}

fn route(mut section: Section<'_>, connections: &BTreeMap<String, String>) -> Option<Route> {
    let matchers: Vec<Option<Matcher>> = section
        .required_texts("match")
        .iter()
        .map(|text| Matcher::read(&section, text))
        .collect();
    let on = section.required_text("on").filter(|text| {
        let kind = connections.get(text.value).map(String::as_str);
        if kind.is_some_and(|kind| PAGERS.contains(&kind)) {
            return true;
        }
        let pagers = connections
            .iter()
            .filter(|(_, kind)| PAGERS.contains(&kind.as_str()))
            .map(|(name, _)| name.as_str());
        let pagers: Vec<&str> = pagers.collect();
        let message = match (kind, pagers.is_empty()) {
            (Some(kind), _) => format!(
                "`{}` is a connection of the kind `{kind}`, which pages nobody; name one of the kind {}",
                text.value,
                PAGERS.map(|kind| format!("`{kind}`")).join(" or ")
            ),
            (None, false) => format!(
                "there is no connection `{}`; {}",
                text.value,
                way_out(text.value, pagers)
            ),
            (None, true) => format!(
                "there is no connection `{}`; give the configuration a [connection.{0}] of the kind {}",
                text.value,
                PAGERS.map(|kind| format!("`{kind}`")).join(" or ")
            ),
        };
        section.file().problem(&text.span, message);
        false
    });
    section.close();
    Some(Route {
        matchers: matchers.into_iter().collect::<Option<_>>()?,
        on: on?.value.to_owned(),
    })
}
