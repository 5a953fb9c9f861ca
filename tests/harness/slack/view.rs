//! Modal views: opened by a trigger, once, within three seconds; at most three on each other; replaced by their hash.

use super::api::{Answer, error, text};
use super::judge::{self, Refusal};
use super::world::World;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

const TRIGGER: Duration = Duration::from_secs(3);
const STACK: usize = 3;
const LARGEST: usize = 250_000;

/// Something that a person did, and what it lets the bot open.
pub struct Trigger {
    pub user: String,
    pub made: Duration,
    pub used: bool,
}

/// A view before somebody's eyes.
#[derive(Debug, Clone)]
pub struct View {
    pub id: String,
    pub user: String,
    pub hash: String,
    pub root: String,
    pub body: Value,
    /// What was offered in fields that offer values, by block: value and label.
    pub offered: BTreeMap<String, Vec<(String, String)>>,
    pub is_open: bool,
    pub is_read: bool,
}

impl World {
    pub fn new_trigger(&mut self, user: &str) -> String {
        let id = format!("{}.7.{user}", self.count());
        let trigger = Trigger {
            user: user.to_owned(),
            made: self.clock.now(),
            used: false,
        };
        self.triggers.insert(id.clone(), trigger);
        id
    }

    pub fn view(&self, id: &str) -> Option<&View> {
        self.views.iter().find(|view| view.id == id)
    }

    pub fn view_mut(&mut self, id: &str) -> &mut View {
        self.views
            .iter_mut()
            .find(|view| view.id == id)
            .unwrap_or_else(|| panic!("there is no view {id}"))
    }

    fn new_hash(&mut self) -> String {
        format!("{}.hash{}", self.clock.second(), self.count())
    }

    pub fn show_view(&mut self, user: &str, body: Value, root: Option<&str>) -> View {
        let id = format!("V{}", self.count());
        let view = View {
            root: root.unwrap_or(&id).to_owned(),
            id,
            user: user.to_owned(),
            hash: self.new_hash(),
            body,
            offered: BTreeMap::new(),
            is_open: true,
            is_read: false,
        };
        self.views.push(view.clone());
        view
    }

    /// Another view in its place; the hash is another one too.
    pub fn replace_view(&mut self, id: &str, body: Value) {
        let hash = self.new_hash();
        let view = self.view_mut(id);
        view.body = body;
        view.hash = hash;
        view.offered.clear();
        view.is_read = false;
    }
}

impl View {
    pub fn blocks(&self) -> Vec<&Value> {
        self.body["blocks"].as_array().unwrap().iter().collect()
    }

    /// The block of an input, by its id.
    pub fn input(&self, block: &str) -> &Value {
        let mut found = self.blocks().into_iter().filter(|known| known["block_id"] == block);
        found
            .next()
            .unwrap_or_else(|| panic!("no input {block:?} in {:#}", self.body))
    }

    /// As `views.*` and interactions tell of it. What the app did not say has a value all the same.
    pub fn told(&self, values: Option<Value>) -> Value {
        let mut told = self.body.clone();
        told["id"] = self.id.clone().into();
        told["hash"] = self.hash.clone().into();
        told["team_id"] = "T1".into();
        told["app_id"] = "A1".into();
        told["bot_id"] = "B0BOT".into();
        told["root_view_id"] = self.root.clone().into();
        told["previous_view_id"] = Value::Null;
        told["state"] = json!({"values": values.unwrap_or_else(|| json!({}))});
        told
    }

    /// What is seen of it: a line for each text.
    pub fn seen(&self) -> String {
        let mut lines = vec![self.body["title"]["text"].as_str().unwrap().to_owned()];
        for block in self.blocks() {
            let text = |value: &Value| super::world::unescape(value["text"].as_str().unwrap_or_default());
            if block["type"] != "input" {
                lines.push(text(&block["text"]));
                continue;
            }
            let element = &block["element"];
            let optional = if block["optional"] == true { " (optional)" } else { "" };
            let mut line = format!(
                "{}{optional}: {}",
                text(&block["label"]),
                element["type"].as_str().unwrap()
            );
            for option in element["options"].as_array().into_iter().flatten() {
                line.push_str(&format!(" [{}]", text(&option["text"])));
            }
            for (name, word) in [
                ("min_value", "from"),
                ("max_value", "to"),
                ("min_length", "from"),
                ("max_selected_items", "at most"),
            ] {
                if let Some(bound) = element.get(name) {
                    line.push_str(&format!(" {word} {}", bound.to_string().trim_matches('"')));
                }
            }
            let begun = element["initial_options"].as_array().into_iter().flatten();
            let begun = begun
                .chain(element.get("initial_option"))
                .map(|option| text(&option["text"]));
            let begun: Vec<String> = begun
                .chain(element["initial_value"].as_str().map(str::to_owned))
                .collect();
            if !begun.is_empty() {
                line.push_str(&format!(" = {}", begun.join(", ")));
            }
            lines.push(line);
            if !block["hint"].is_null() {
                lines.push(format!("  {}", text(&block["hint"])));
            }
        }
        lines.push(format!(
            "<{}>",
            self.body["submit"]["text"].as_str().unwrap_or_default()
        ));
        lines.join("\n")
    }
}

/// The view of a call; in a form it is JSON in a string.
fn given(arguments: &Value) -> Result<Value, super::api::Error> {
    let view = match &arguments["view"] {
        Value::String(form) => serde_json::from_str(form).map_err(|_| error("invalid_arguments"))?,
        other => other.clone(),
    };
    check(&view)?;
    Ok(view)
}

/// Whether Slack takes a view.
pub fn check(view: &Value) -> Result<(), Refusal> {
    if view.to_string().len() > LARGEST {
        return Err(Refusal::new("view_too_large", ""));
    }
    judge::view(view)?;
    let blocks = view["blocks"].as_array().into_iter().flatten();
    for element in blocks.clone().map(|block| &block["element"]) {
        begins_well(element)?;
    }
    let ids: Vec<&str> = blocks.filter_map(|block| block["block_id"].as_str()).collect();
    if ids.iter().collect::<BTreeSet<_>>().len() != ids.len() {
        return Err(Refusal::new("invalid_arguments", "a block_id is there twice"));
    }
    Ok(())
}

/// Whether a field takes what stands in it to begin with.
fn begins_well(element: &Value) -> Result<(), Refusal> {
    let refused = |why: &str| Err(Refusal::new("invalid_arguments", format!("{why}: {element}")));
    if let Some(text) = element["initial_value"].as_str() {
        let length = text.chars().count() as u64;
        let number = |name: &str| element[name].as_str().and_then(|bound| bound.parse::<f64>().ok());
        match element["type"].as_str() {
            Some("number_input") => {
                let Ok(value) = text.parse::<f64>() else {
                    return refused("it begins with no number");
                };
                if number("min_value").is_some_and(|least| value < least)
                    || number("max_value").is_some_and(|most| value > most)
                {
                    return refused("it begins with a number out of its bounds");
                }
            }
            _ if element["min_length"].as_u64().is_some_and(|least| length < least)
                || element["max_length"].as_u64().is_some_and(|most| length > most) =>
            {
                return refused("it begins with a text that is too short or too long");
            }
            _ => {}
        }
    }
    let is_one = element["initial_option"].is_object();
    let several = element["initial_options"].as_array();
    if several.is_some_and(Vec::is_empty) {
        return refused("initial_options is empty");
    }
    let begun: Vec<&Value> = several
        .into_iter()
        .flatten()
        .chain(is_one.then_some(&element["initial_option"]))
        .collect();
    if let Some(options) = element["options"].as_array()
        && !begun.iter().all(|option| options.contains(option))
    {
        return refused("it begins with what is none of its options");
    }
    if element["max_selected_items"]
        .as_u64()
        .is_some_and(|most| begun.len() as u64 > most)
    {
        return refused("it begins with more than may be chosen");
    }
    Ok(())
}

fn spend(world: &mut World, arguments: &Value) -> Result<String, super::api::Error> {
    let id = text(arguments, "trigger_id")?;
    let now = world.clock.now();
    let trigger = world.triggers.get_mut(&id).ok_or_else(|| error("invalid_trigger_id"))?;
    if trigger.used {
        return Err(error("exchanged_trigger_id"));
    }
    if now - trigger.made > TRIGGER {
        return Err(error("expired_trigger_id"));
    }
    trigger.used = true;
    Ok(trigger.user.clone())
}

pub fn open(world: &mut World, arguments: &Value) -> Answer {
    let body = given(arguments)?;
    let user = spend(world, arguments)?;
    let view = world.show_view(&user, body, None);
    Ok(json!({"view": view.told(None)}))
}

pub fn push(world: &mut World, arguments: &Value) -> Answer {
    let body = given(arguments)?;
    let user = spend(world, arguments)?;
    let open: Vec<&View> = world
        .views
        .iter()
        .filter(|view| view.is_open && view.user == user)
        .collect();
    let root = open.last().map(|view| view.root.clone());
    let Some(root) = root else {
        return Err(error("not_found"));
    };
    if open.iter().filter(|view| view.root == root).count() >= STACK {
        return Err(error("push_limit_reached"));
    }
    let view = world.show_view(&user, body, Some(&root));
    Ok(json!({"view": view.told(None)}))
}

pub fn update(world: &mut World, arguments: &Value) -> Answer {
    let body = given(arguments)?;
    let id = text(arguments, "view_id")?;
    let view = world.view(&id).filter(|view| view.is_open);
    let hash = view.map(|view| view.hash.clone()).ok_or_else(|| error("not_found"))?;
    if arguments["hash"].as_str().is_some_and(|given| given != hash) {
        return Err(error("hash_conflict"));
    }
    world.replace_view(&id, body);
    let told = world.view_mut(&id).told(None);
    Ok(json!({"view": told}))
}
