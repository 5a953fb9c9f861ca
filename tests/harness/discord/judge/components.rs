//! Buttons, selects, and the components that a message of the second kind is made of.

use super::super::message::Shown;
use super::super::refusal::Objections;
use super::join;
use serde_json::Value;
use std::collections::BTreeSet;

pub const ROWS: usize = 5;
/// Of a message of the second kind, with those inside of others.
pub const IN_ALL: usize = 40;
/// Over all texts of such a message.
const TEXT: usize = 4000;
const CUSTOM_ID: usize = 100;

/// What stands where: the kinds of component by number.
const ROW: u64 = 1;
const TOP_OF_V2: &[u64] = &[1, 9, 10, 12, 13, 14, 17];
const IN_CONTAINER: &[u64] = &[1, 9, 10, 12, 13, 14];
const IN_ROW: &[u64] = &[2, 3, 5, 6, 7, 8];

struct Judge<'a> {
    objections: &'a mut Objections,
    custom_ids: BTreeSet<String>,
    ids: BTreeSet<u64>,
    count: usize,
    text: usize,
}

pub fn judge(objections: &mut Objections, shown: &Shown, path: &str) {
    let top = if shown.is_v2() { TOP_OF_V2 } else { &[ROW] };
    let mut judge = Judge {
        objections,
        custom_ids: BTreeSet::new(),
        ids: BTreeSet::new(),
        count: 0,
        text: 0,
    };
    for (number, component) in shown.components.iter().enumerate() {
        judge.component(component, top, &join(path, number));
    }
    let (count, text) = (judge.count, judge.text);
    if shown.is_v2() && count > IN_ALL {
        let message = format!("The number of components cannot exceed {IN_ALL}, and is {count}.");
        objections.object(path, "COMPONENT_MAX_TOTAL_COMPONENTS_EXCEEDED", message);
    }
    if text > TEXT {
        let message = format!("The total size of displayable text cannot exceed {TEXT}, and is {text}.");
        objections.object(path, "COMPONENT_DISPLAYABLE_TEXT_SIZE_EXCEEDED", message);
    }
}

impl Judge<'_> {
    fn component(&mut self, component: &Value, allowed: &[u64], path: &str) {
        self.count += 1;
        let kind = component["type"].as_u64();
        let Some(kind) = kind.filter(|kind| allowed.contains(kind)) else {
            let names = allowed.iter().map(u64::to_string).collect::<Vec<_>>().join(", ");
            let message = format!("Value of field \"type\" must be one of ({names}).");
            return self
                .objections
                .object(&join(path, "type"), "UNION_TYPE_CHOICES", message);
        };
        if let Some(id) = component["id"].as_u64().filter(|id| *id != 0)
            && !self.ids.insert(id)
        {
            let message = "Component id cannot be duplicated";
            self.objections
                .object(&join(path, "id"), "COMPONENT_ID_DUPLICATED", message);
        }
        match kind {
            1 => self.row(component, path),
            2 => self.button(component, path),
            3 | 5..=8 => self.select(component, kind, path),
            9 => self.section(component, path),
            10 => self.text_display(component, path),
            11 => self.media(&component["media"], &join(path, "media")),
            12 => self.gallery(component, path),
            13 => self.file(component, path),
            14 => self
                .objections
                .optional_number(&join(path, "spacing"), &component["spacing"], 1, 2),
            17 => self.container(component, path),
            other => unreachable!("component {other} is allowed nowhere"),
        }
    }

    fn inner(&mut self, component: &Value, most: usize, allowed: &[u64], path: &str) {
        let at = join(path, "components");
        let inner = self.objections.list(&at, &component["components"], 1, most);
        for (number, one) in inner.iter().enumerate() {
            self.component(one, allowed, &join(&at, number));
        }
    }

    fn row(&mut self, row: &Value, path: &str) {
        self.inner(row, 5, IN_ROW, path);
        let kinds: Vec<u64> = row["components"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|one| one["type"].as_u64())
            .collect();
        if kinds.len() > 1 && kinds.iter().any(|kind| *kind != 2) {
            let message = "The components take more than the width of a row: a select has one of its own.";
            self.objections
                .object(&join(path, "components"), "COMPONENT_LAYOUT_WIDTH_EXCEEDED", message);
        }
    }

    fn custom_id(&mut self, component: &Value, path: &str) {
        let at = join(path, "custom_id");
        self.objections.text(&at, &component["custom_id"], 1, CUSTOM_ID);
        if let Some(id) = component["custom_id"].as_str()
            && !self.custom_ids.insert(id.to_owned())
        {
            let message = "Component custom id cannot be duplicated";
            self.objections.object(&at, "COMPONENT_CUSTOM_ID_DUPLICATED", message);
        }
    }

    fn button(&mut self, button: &Value, path: &str) {
        self.objections
            .optional_text(&join(path, "label"), &button["label"], 0, 80);
        let style = button["style"].as_u64();
        let has_words = button["label"].as_str().is_some_and(|label| !label.is_empty()) || button["emoji"].is_object();
        if !has_words && style != Some(6) {
            let message = "A button must have a label or an emoji.";
            self.objections.object(path, "BUTTON_COMPONENT_EMPTY", message);
        }
        match style {
            Some(1..=4) => {
                self.custom_id(button, path);
                if !button["url"].is_null() {
                    let message = "A button with a custom id cannot have a url.";
                    self.objections
                        .object(path, "BUTTON_COMPONENT_CUSTOM_ID_URL_MUTUALLY_EXCLUSIVE", message);
                }
            }
            Some(5) => {
                self.objections.text(&join(path, "url"), &button["url"], 1, 512);
                if !button["custom_id"].is_null() {
                    let message = "A button that leads to a url cannot have a custom id.";
                    self.objections
                        .object(path, "BUTTON_COMPONENT_CUSTOM_ID_URL_MUTUALLY_EXCLUSIVE", message);
                }
            }
            _ => {
                let message = "Value must be one of {1, 2, 3, 4, 5, 6}.";
                self.objections
                    .object(&join(path, "style"), "BASE_TYPE_CHOICES", message);
            }
        }
    }

    fn select(&mut self, select: &Value, kind: u64, path: &str) {
        self.custom_id(select, path);
        select_itself(self.objections, select, kind, path);
    }

    fn section(&mut self, section: &Value, path: &str) {
        self.inner(section, 3, &[10], path);
        let at = join(path, "accessory");
        if section["accessory"].is_null() {
            return self.objections.required(&at);
        }
        self.component(&section["accessory"], &[2, 11], &at);
    }

    fn text_display(&mut self, display: &Value, path: &str) {
        self.objections
            .text(&join(path, "content"), &display["content"], 1, TEXT);
        self.text += display["content"].as_str().map_or(0, |text| text.chars().count());
    }

    fn media(&mut self, media: &Value, path: &str) {
        self.objections.text(&join(path, "url"), &media["url"], 1, 2048);
    }

    fn gallery(&mut self, gallery: &Value, path: &str) {
        let at = join(path, "items");
        let items = self.objections.list(&at, &gallery["items"], 1, 10);
        for (number, item) in items.iter().enumerate() {
            let here = join(&at, number);
            self.media(&item["media"], &join(&here, "media"));
            self.objections
                .optional_text(&join(&here, "description"), &item["description"], 0, 1024);
        }
    }

    fn file(&mut self, file: &Value, path: &str) {
        let url = &file["file"]["url"];
        if !url.as_str().is_some_and(|url| url.starts_with("attachment://")) {
            let message = format!("A file is an attachment of the message, not {url}.");
            self.objections
                .object(&join(path, "file.url"), "UNFURLED_MEDIA_ITEM_INVALID", message);
        }
    }

    fn container(&mut self, container: &Value, path: &str) {
        self.objections
            .optional_number(&join(path, "accent_color"), &container["accent_color"], 0, 0xFF_FFFF);
        self.inner(container, IN_ALL, IN_CONTAINER, path);
    }
}

/// A select but for its custom id: the same in a message and in a form.
pub fn select_itself(objections: &mut Objections, select: &Value, kind: u64, path: &str) {
    objections.optional_text(&join(path, "placeholder"), &select["placeholder"], 0, 150);
    objections.optional_number(&join(path, "min_values"), &select["min_values"], 0, 25);
    objections.optional_number(&join(path, "max_values"), &select["max_values"], 1, 25);
    if kind != 3 {
        return;
    }
    let at = join(path, "options");
    let options = objections.list(&at, &select["options"], 1, 25);
    let mut values = BTreeSet::new();
    for (number, option) in options.iter().enumerate() {
        let here = join(&at, number);
        objections.text(&join(&here, "label"), &option["label"], 1, 100);
        objections.text(&join(&here, "value"), &option["value"], 1, 100);
        objections.optional_text(&join(&here, "description"), &option["description"], 0, 100);
        if option["value"].as_str().is_some_and(|value| !values.insert(value)) {
            let message = "The specified option value is already used";
            objections.object(
                &join(&here, "value"),
                "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED",
                message,
            );
        }
    }
    let least = select["min_values"].as_u64().unwrap_or(1);
    let most = select["max_values"].as_u64().unwrap_or(1);
    if least > most || most as usize > options.len().max(1) {
        let message = format!(
            "Between {least} and {most} of {} options cannot be chosen.",
            options.len()
        );
        objections.object(path, "SELECT_COMPONENT_MAX_VALUES_INVALID", message);
    }
}
