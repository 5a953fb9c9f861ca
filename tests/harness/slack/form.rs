//! People who fill in forms, pick from what is offered, mention the bot, and use its shortcut.

use super::person::{Ack, Sent};
use super::view::View;
use super::world::{Message, World, unescape};
use super::{Person, Slack, view};
use serde_json::{Map, Value, json};

/// What became of a form that was sent.
#[derive(Debug, Clone, PartialEq)]
pub enum Submitted {
    /// It is closed.
    Closed,
    /// It is still there, with these words by the blocks.
    Errors(Vec<(String, String)>),
    /// Another one is there.
    Another,
    /// It is still there, and Slack says that the app did not answer properly.
    Trouble,
}

impl Slack {
    /// The next form before somebody's eyes that no test has looked at.
    pub async fn view(&self, user: &str) -> View {
        self.next(&format!("a form for {user}"), |world| {
            let found = world
                .views
                .iter_mut()
                .find(|view| view.is_open && !view.is_read && view.user == user)?;
            found.is_read = true;
            Some(found.clone())
        })
        .await
    }

    /// Forms that are open.
    pub fn open_views(&self) -> usize {
        self.shared.world().views.iter().filter(|view| view.is_open).count()
    }

    /// What somebody did is over: forms can no longer be opened for it.
    pub fn expire_triggers(&self) {
        self.advance(std::time::Duration::from_secs(4));
    }
}

impl Person<'_> {
    fn base(&self, world: &World, kind: &str) -> Value {
        let (name, team) = &world.people[self.user];
        json!({
            "type": kind,
            "user": {"id": self.user, "username": name, "name": name, "team_id": team},
            "api_app_id": "A1",
            "token": "legacy-verification-token",
            "team": {"id": "T1", "domain": "shop"},
            "enterprise": null,
            "is_enterprise_install": false,
        })
    }

    /// What is offered while somebody types into a field: values and labels.
    pub async fn types_into(&self, view: &View, block: &str, typed: &str) -> Vec<(String, String)> {
        let element = view.input(block)["element"].clone();
        let kind = element["type"].as_str().unwrap();
        assert!(kind.ends_with("external_select"), "{block} is a {kind}");
        let shortest = element["min_query_length"].as_u64().unwrap_or(3);
        assert!(typed.chars().count() as u64 >= shortest, "Slack does not ask before");
        let payload = {
            let world = self.slack.shared.world();
            let mut payload = self.base(&world, "block_suggestion");
            payload["container"] = json!({"type": "view", "view_id": view.id});
            payload["action_id"] = element["action_id"].clone();
            payload["block_id"] = block.into();
            payload["value"] = typed.into();
            payload["view"] = view.told(None);
            payload
        };
        let ack = self.interacts("", &payload).await;
        let answer: Value = serde_json::from_str(&ack.body).unwrap_or_else(|_| panic!("no options: {ack:?}"));
        let options = answer["options"]
            .as_array()
            .unwrap_or_else(|| panic!("no options: {answer}"));
        assert!(options.len() <= 100, "{} options", options.len());
        let offered: Vec<(String, String)> = options
            .iter()
            .map(|option| {
                let (value, label) = (
                    option["value"].as_str().unwrap(),
                    option["text"]["text"].as_str().unwrap(),
                );
                assert_eq!(option["text"]["type"], "plain_text");
                assert!((1..=150).contains(&value.chars().count()), "{value:?}");
                assert!((1..=75).contains(&label.chars().count()), "{label:?}");
                (value.to_owned(), unescape(label))
            })
            .collect();
        let mut world = self.slack.shared.world();
        let known = world.view_mut(&view.id).offered.entry(block.to_owned()).or_default();
        known.extend(offered.clone());
        offered
    }

    /// Fills a form in and sends it; what is not named is left as it is.
    pub async fn submits(&self, view: &View, filled: &[(&str, &str)]) -> (Submitted, Ack) {
        let body = self.submission(view, filled);
        let ack = self.interacts("", &body).await;
        (self.after(view, &ack), ack)
    }

    /// What a form that was filled in looks like on the wire.
    pub fn submission(&self, view: &View, filled: &[(&str, &str)]) -> Value {
        let mut world = self.slack.shared.world();
        let now = world.view(&view.id).expect("the form is there").clone();
        let mut values = Map::new();
        for block in now.blocks().into_iter().filter(|block| block["type"] == "input") {
            let id = block["block_id"].as_str().unwrap();
            let given = filled.iter().find(|(name, _)| *name == id).map(|(_, value)| *value);
            let state = state(&now, block, given);
            if block["optional"] != true {
                assert!(
                    given.is_some() || has_initial(block),
                    "Slack does not send a form without {id}"
                );
            }
            values.insert(
                id.to_owned(),
                json!({block["element"]["action_id"].as_str().unwrap(): state}),
            );
        }
        for (name, _) in filled {
            now.input(name);
        }
        let trigger = world.new_trigger(self.user);
        let mut payload = self.base(&world, "view_submission");
        payload["trigger_id"] = trigger.into();
        payload["view"] = now.told(Some(Value::Object(values)));
        payload["response_urls"] = json!([]);
        payload
    }

    /// What Slack makes of the answer to a form.
    pub fn after(&self, view: &View, ack: &Ack) -> Submitted {
        let mut world = self.slack.shared.world();
        let mut trouble = |what: String| {
            world.complaints.push((self.user.to_owned(), what));
            Submitted::Trouble
        };
        if ack.status != Some(200) {
            return Submitted::Trouble;
        }
        if ack.body.is_empty() {
            world.view_mut(&view.id).is_open = false;
            return Submitted::Closed;
        }
        let Ok(answer) = serde_json::from_str::<Value>(&ack.body) else {
            return trouble(format!("an answer to a form that is not JSON: {}", ack.body));
        };
        match answer["response_action"].as_str() {
            Some("errors") => {
                let Some(errors) = answer["errors"].as_object().filter(|errors| !errors.is_empty()) else {
                    return trouble(format!("errors without any: {answer}"));
                };
                let mut told = Vec::new();
                for (block, words) in errors {
                    let known = view.blocks().into_iter().find(|known| known["block_id"] == **block);
                    if known.is_none_or(|known| known["type"] != "input") {
                        return trouble(format!("an error at {block}, which is no input"));
                    }
                    let Some(words) = words.as_str().filter(|words| !words.is_empty()) else {
                        return trouble(format!("an error without words: {answer}"));
                    };
                    told.push((block.clone(), words.to_owned()));
                }
                Submitted::Errors(told)
            }
            Some("update") => match view::check(&answer["view"]) {
                Ok(()) => {
                    world.replace_view(&view.id, answer["view"].clone());
                    Submitted::Another
                }
                Err(refusal) => trouble(format!("a view that Slack does not take: {}", refusal.detail)),
            },
            Some("clear") => {
                world.view_mut(&view.id).is_open = false;
                Submitted::Closed
            }
            other => trouble(format!("a response_action {other:?}")),
        }
    }

    /// Uses a shortcut of the app on a message.
    pub async fn shortcut(&self, message: &Message, callback: &str) -> Ack {
        let payload = self.shortcut_payload(message, callback);
        self.interacts(&message.channel, &payload).await
    }

    pub fn shortcut_payload(&self, message: &Message, callback: &str) -> Value {
        let mut world = self.slack.shared.world();
        let trigger = world.new_trigger(self.user);
        let response_url = world.new_response_url(&message.channel, self.user, None);
        let mut payload = self.base(&world, "message_action");
        payload["callback_id"] = callback.into();
        payload["trigger_id"] = trigger.into();
        payload["response_url"] = response_url.into();
        payload["channel"] = json!({"id": message.channel, "name": world.channels[&message.channel].name});
        payload["message_ts"] = message.ts.clone().into();
        payload["message"] = json!({"type": "message", "user": message.user, "ts": message.ts, "text": message.text});
        if let Some(thread) = &message.thread_ts {
            payload["message"]["thread_ts"] = thread.clone().into();
        }
        payload
    }

    /// Writes a message that mentions the bot, in a channel or in a thread of it. Slack tells the bot.
    pub async fn mentions(&self, channel: &str, thread: Option<&Message>, text: &str) -> Ack {
        let event = self.mention_event(channel, thread, text);
        self.slack.event(self.user, event).await
    }

    /// What a mention looks like on the wire.
    pub fn mention_event(&self, channel: &str, thread: Option<&Message>, text: &str) -> Value {
        let mut world = self.slack.shared.world();
        let (_, team) = world.people[self.user].clone();
        let ts = format!("{}.{:06}", world.clock.second(), world.count());
        let event_id = format!("Ev{}", world.count());
        let mut event = json!({
            "type": "app_mention",
            "user": self.user,
            "text": text,
            "ts": ts,
            "event_ts": ts,
            "channel": channel,
            "client_msg_id": "5f4d7a2e-0000-4000-8000-000000000000",
            "team": team,
            "blocks": [{"type": "rich_text", "elements": []}],
        });
        if let Some(thread) = thread {
            event["thread_ts"] = thread.ts.clone().into();
            event["parent_user_id"] = thread.user.clone().into();
        }
        if team != "T1" {
            event["user_team"] = team.clone().into();
            event["source_team"] = team.into();
        }
        json!({
            "token": "legacy-verification-token",
            "team_id": "T1",
            "api_app_id": "A1",
            "event": event,
            "type": "event_callback",
            "event_id": event_id,
            "event_time": world.clock.second(),
            "authorizations": [{
                "enterprise_id": null, "team_id": "T1", "user_id": "U0BOT", "is_bot": true, "is_enterprise_install": false,
            }],
            "is_ext_shared_channel": false,
            "event_context": "4-context",
        })
    }

    /// Sends the payload of an interaction, whatever is in it.
    pub async fn sends(&self, payload: &Value) -> Ack {
        self.interacts("", payload).await
    }

    async fn interacts(&self, channel: &str, payload: &Value) -> Ack {
        let body = super::person::form(&[("payload", &payload.to_string())]);
        let sent = Sent::new("/slack/interactivity", body);
        self.slack.deliver(self.user, channel, sent).await
    }
}

fn has_initial(block: &Value) -> bool {
    block["element"]
        .as_object()
        .unwrap()
        .keys()
        .any(|key| key.starts_with("initial_"))
}

/// A field's state as Slack sends it, having checked what Slack itself checks.
fn state(view: &View, block: &Value, given: Option<&str>) -> Value {
    let element = &block["element"];
    let id = block["block_id"].as_str().unwrap();
    let kind = element["type"].as_str().unwrap();
    let own = || {
        let options = element["options"].as_array().into_iter().flatten();
        options.cloned().collect::<Vec<Value>>()
    };
    let offered = || {
        let offered = view.offered.get(id).into_iter().flatten();
        offered
            .map(|(value, label)| json!({"text": {"type": "plain_text", "text": label, "emoji": true}, "value": value}))
            .collect::<Vec<Value>>()
    };
    let pick = |from: &[Value], value: &str| {
        let mut found = from.iter().filter(|option| option["value"] == value);
        found
            .next()
            .cloned()
            .unwrap_or_else(|| panic!("{value:?} cannot be picked in {id}: {from:?}"))
    };
    let several = |from: &[Value]| -> Vec<Value> {
        given
            .into_iter()
            .flat_map(|given| given.split(','))
            .map(|value| pick(from, value))
            .collect()
    };
    match kind {
        "plain_text_input" | "number_input" => {
            if let Some(given) = given {
                let length = given.chars().count() as u64;
                assert!(
                    length <= element["max_length"].as_u64().unwrap_or(3000),
                    "{id} is too long"
                );
                assert!(
                    length >= element["min_length"].as_u64().unwrap_or(0),
                    "{id} is too short"
                );
                if kind == "number_input" {
                    let number: f64 = given
                        .parse()
                        .unwrap_or_else(|_| panic!("{given:?} is no number for {id}"));
                    let bound = |name: &str| element[name].as_str().map(|bound| bound.parse::<f64>().unwrap());
                    assert!(bound("min_value").is_none_or(|min| number >= min), "{id} is too little");
                    assert!(bound("max_value").is_none_or(|max| number <= max), "{id} is too much");
                }
            }
            json!({"type": kind, "value": given.or(element["initial_value"].as_str())})
        }
        // What is not touched stays as it was to begin with.
        "static_select" | "radio_buttons" | "external_select" if given.is_none() => {
            json!({"type": kind, "selected_option": element["initial_option"]})
        }
        "multi_static_select" | "multi_external_select" if given.is_none() => {
            let begun = element["initial_options"].as_array().cloned().unwrap_or_default();
            json!({"type": kind, "selected_options": begun})
        }
        "static_select" | "radio_buttons" => {
            json!({"type": kind, "selected_option": given.map(|value| pick(&own(), value))})
        }
        "external_select" => json!({"type": kind, "selected_option": given.map(|value| pick(&offered(), value))}),
        "multi_static_select" => json!({"type": kind, "selected_options": several(&own())}),
        "multi_external_select" => json!({"type": kind, "selected_options": several(&offered())}),
        "checkboxes" => {
            let initial = element["initial_options"].as_array().cloned().unwrap_or_default();
            let picked = match given {
                Some("") => Vec::new(),
                Some(_) => several(&own()),
                None => initial,
            };
            json!({"type": kind, "selected_options": picked})
        }
        other => panic!("a field of type {other}"),
    }
}
