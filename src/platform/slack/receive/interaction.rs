//! What people do with what the app posted: buttons, forms, shortcuts.

use super::payload::{self, Payload, View};
use super::{Asker, Body, Genuine, Known, Origin, Received, Rejection, Trigger, Typing, heard, id, is_command};
use crate::platform::slack::form::{self, Filled, Memory};
use crate::platform::slack::press;
use crate::request::{Ask, Place, Surface, Words};
use serde_json::json;

/// Reads a press of a button, a form that was sent, or anything else that people do with what the app posted.
pub fn interaction(genuine: &Genuine<'_>, teams: &[String]) -> Result<Received, Rejection> {
    let payload = match genuine.body {
        Body::Signed(_) => payload::parse(genuine.form()?.required("payload")?)?,
        Body::Enveloped(payload) => payload::of_json(payload)?,
    };
    let user = payload.user.as_ref().ok_or(Rejection::NoField("user"))?;
    let user_id = id("user.id", &user.id)?;
    // An app that is installed for a whole organization gets no team, and then the user's own is the only one.
    let own = user.team_id.as_deref().or(user.user_team.as_deref());
    let team = payload
        .team
        .as_ref()
        .map(|team| team.id.as_str())
        .or(own)
        .ok_or(Rejection::NoField("team"))?;
    let team = id("team.id", team)?;
    let own = id("user.team_id", own.unwrap_or(team))?;
    let enterprise = payload.enterprise.as_ref().map(|enterprise| enterprise.id.as_str());
    let (team, own) = heard(teams, team, own, enterprise)?;
    let container = payload.container.as_ref();
    let channel = payload.channel.as_ref().map(|channel| channel.id.as_str());
    let channel = channel.or(container.and_then(|container| container.channel_id.as_deref()));
    let origin = Origin {
        team,
        own,
        user: user_id,
        channel: channel.map(|channel| id("channel.id", channel)).transpose()?,
        thread: payload.thread()?,
    };
    match payload.kind.as_str() {
        "block_actions" => pressed(genuine, &payload, &origin),
        "view_submission" => sent(genuine, &payload, &origin),
        "block_suggestion" => typing(&payload, &origin),
        "message_action" => shortcut(&payload, &origin),
        other => Ok(Received::Ignored(format!(
            "nothing is asked by an interaction of type {other:?}"
        ))),
    }
}

fn pressed(genuine: &Genuine<'_>, payload: &Payload, origin: &Origin<'_>) -> Result<Received, Rejection> {
    let actions = payload.actions.as_deref().unwrap_or_default();
    let [action] = actions else {
        return Err(Rejection::BadPayload(format!("{} actions in one press", actions.len())));
    };
    if !press::is_ours(&action.action_id) {
        return Ok(Received::Ignored(format!(
            "{:?} is no button of ours",
            action.action_id
        )));
    }
    let (value, ask) = match &action.selected_option {
        Some(chosen) => {
            let ask = press::chosen(&action.block_id, &chosen.value).ok_or(Rejection::BadField("actions"))?;
            (chosen.value.as_str(), ask)
        }
        None => {
            let value = action.value.as_ref().filter(|value| !value.is_null());
            let value = value.ok_or(Rejection::NoField("actions.value"))?;
            let value = value.as_str().ok_or(Rejection::BadField("actions.value"))?;
            let pressed = press::decode(value).map_err(|error| Rejection::BadButton(error.to_string()))?;
            (value, pressed.into_ask())
        }
    };
    let container = payload.container.as_ref();
    let kept = json!({
        "kind": "press",
        "team": origin.team,
        "enterprise": payload.enterprise.as_ref().map(|enterprise| &enterprise.id),
        "user": origin.user,
        "user_team": origin.own,
        "user_name": name(payload),
        "channel": origin.channel,
        "message": payload.message_ts(),
        "thread": container.and_then(|container| container.thread_ts.as_deref()),
        "action": action.action_id,
        "value": value,
        "timestamp": genuine.timestamp,
    });
    let trigger = Trigger::of(payload.trigger_id.as_deref());
    let known = trigger
        .as_ref()
        .map_or(Known::Body, |trigger| Known::Trigger(trigger.expose()));
    let asker = origin.asker(payload.response_url.as_deref());
    let mut delivery = asker.asks(known.delivery_id(genuine), &kept, ask);
    delivery.request.message = payload.message_ts().map(str::to_owned);
    Ok(Received::Asked(Box::new(delivery), trigger))
}

/// A form that was sent.
fn sent(genuine: &Genuine<'_>, payload: &Payload, origin: &Origin<'_>) -> Result<Received, Rejection> {
    let view = payload.view.as_ref().ok_or(Rejection::NoField("view"))?;
    let known_form = [form::RUN, form::CHOOSE].contains(&view.callback_id.as_str());
    if !known_form {
        return Ok(Received::Ignored(format!("{:?} is no form of ours", view.callback_id)));
    }
    let (asker, memory) = remembered(view, origin)?;
    let state = view.state.as_ref().ok_or(Rejection::NoField("view.state"))?;
    if view.callback_id == form::CHOOSE {
        let chosen = &state
            .values
            .get(form::RUNBOOK)
            .ok_or(Rejection::NoField("view.state"))?[form::FIELD];
        let runbook = chosen["selected_option"]["value"].as_str();
        let runbook = runbook.filter(|name| is_command(name));
        let runbook = runbook.ok_or(Rejection::BadField("view.state"))?.to_owned();
        return Ok(Received::Chosen(Box::new(asker), runbook, memory));
    }
    let runbook = memory.runbook.clone().filter(|name| is_command(name));
    let runbook = runbook.ok_or(Rejection::BadField("view.private_metadata"))?;
    let given = form::given(&state.values);
    let kept = json!({
        "kind": "form",
        "team": origin.team,
        "enterprise": payload.enterprise.as_ref().map(|enterprise| &enterprise.id),
        "user": origin.user,
        "user_team": origin.own,
        "user_name": name(payload),
        "channel": memory.channel,
        "runbook": runbook,
        "inputs": given.inputs,
        "dry": given.dry,
        "timestamp": genuine.timestamp,
    });
    let known = if view.id.is_empty() {
        Known::Body
    } else {
        Known::View {
            id: &view.id,
            hash: &view.hash,
        }
    };
    let ask = Ask::Run {
        runbook,
        words: Words::Named(given.inputs),
        dry: given.dry,
    };
    Ok(Received::Filled(Box::new(Filled {
        delivery: asker.asks(known.delivery_id(genuine), &kept, ask),
        fields: given.fields,
        memory,
    })))
}

fn typing(payload: &Payload, origin: &Origin<'_>) -> Result<Received, Rejection> {
    let view = payload.view.as_ref().filter(|view| view.callback_id == form::RUN);
    let input = payload.block_id.as_deref().and_then(form::input_of);
    let (Some(view), Some(input)) = (view, input) else {
        return Ok(Received::Ignored("somebody types into no field of ours".to_owned()));
    };
    let (asker, memory) = remembered(view, origin)?;
    let runbook = memory.runbook.ok_or(Rejection::BadField("view.private_metadata"))?;
    let typed = payload.value.as_ref().and_then(serde_json::Value::as_str);
    Ok(Received::Typing(Box::new(Typing {
        asker,
        runbook,
        input: input.to_owned(),
        typed: typed.unwrap_or_default().to_owned(),
    })))
}

fn shortcut(payload: &Payload, origin: &Origin<'_>) -> Result<Received, Rejection> {
    if payload.callback_id.as_deref() != Some(form::CHOOSE) {
        return Ok(Received::Ignored(format!(
            "{:?} is no shortcut of ours",
            payload.callback_id.as_deref().unwrap_or_default()
        )));
    }
    let trigger = Trigger::of(payload.trigger_id.as_deref()).ok_or(Rejection::NoField("trigger_id"))?;
    let asker = origin.asker(payload.response_url.as_deref());
    Ok(Received::Choosing(Box::new(asker), trigger))
}

/// Who uses a form, and for where: a form itself is in no channel.
fn remembered(view: &View, origin: &Origin<'_>) -> Result<(Asker, Memory), Rejection> {
    const FIELD: &str = "view.private_metadata";
    let memory = Memory::read(&view.private_metadata).ok_or(Rejection::BadField(FIELD))?;
    for part in [&memory.workspace, &memory.channel].into_iter().flatten() {
        id(FIELD, part)?;
    }
    super::thread(FIELD, memory.thread.as_deref(), None)?;
    let mut asker = origin.asker(None);
    asker.place = Place {
        surface: Surface::Slack,
        workspace: memory.workspace.clone().or(asker.place.workspace),
        channel: memory.channel.clone(),
        thread: memory.thread.clone(),
    };
    Ok((asker, memory))
}

fn name(payload: &Payload) -> Option<&str> {
    let user = payload.user.as_ref()?;
    user.username.as_deref().or(user.name.as_deref())
}
