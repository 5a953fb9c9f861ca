//! The Web API, uploads and response URLs.

use super::judge::{self, Refusal};
use super::world::{Call, File, Message, World};
use super::{APP_TOKEN, BOT_TOKEN, Shared};
use super::{socket, view};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Form, FromRequest, Path, Request, State};
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, post};
use serde_json::{Map, Value, json};
use std::sync::Arc;
use std::time::Duration;

const LARGEST_BODY: usize = 10 * 1024 * 1024;

/// What goes wrong with one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// An HTTP status with a page that is no JSON; nothing is done.
    Status(u16),
    /// 200 with a proxy's page; nothing is done.
    Html,
    /// The connection breaks; nothing is done.
    Reset,
    /// `ok: false` with this word; nothing is done.
    Error(&'static str),
    /// 429 with this many seconds; nothing is done.
    RateLimited(u64),
    /// 429 that forgets to say how long; nothing is done.
    RateLimitedWithoutTime,
    /// Nothing is done, and no answer ever comes.
    Silence,
    /// It is done, and no answer ever comes.
    DoneThenSilence,
    /// It is done, and the connection breaks.
    DoneThenReset,
    /// It is done, and the answer is a 503.
    DoneThenUnavailable,
}

impl Fault {
    fn is_after(self) -> bool {
        matches!(
            self,
            Self::DoneThenSilence | Self::DoneThenReset | Self::DoneThenUnavailable
        )
    }
}

/// `ok: false`, a word for why, and what else is told.
pub struct Error {
    code: String,
    more: Value,
}

pub type Answer = Result<Value, Error>;

pub fn error(code: &str) -> Error {
    Error {
        code: code.to_owned(),
        more: json!({}),
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        let messages = if refusal.detail.is_empty() {
            json!([])
        } else {
            json!([refusal.detail])
        };
        Self {
            code: refusal.code.to_owned(),
            more: json!({"response_metadata": {"messages": messages}}),
        }
    }
}

pub fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/api/{method}", any(call))
        .route("/upload/{file}", post(upload))
        .route("/response/{id}", post(respond))
        .with_state(shared)
}

async fn call(State(shared): State<Arc<Shared>>, Path(method): Path<String>, request: Request) -> Response {
    let authorization = request
        .headers()
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    let token = authorization
        .and_then(|value| value.strip_prefix("Bearer "))
        .map(str::to_owned);
    let content_type = request
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let is_json = content_type.is_some_and(|kind| kind.starts_with("application/json"));
    let arguments = match arguments(request, is_json).await {
        Ok(arguments) => arguments,
        Err(code) => return answered(&Err(error(code))),
    };
    let (fault, answer) = {
        let mut world = shared.world();
        let channel = arguments["channel"].as_str().or(arguments["channel_id"].as_str());
        let fault = if world.is_out {
            Some(Fault::Status(503))
        } else {
            world.take_fault(&method, channel)
        };
        let answer = if fault.is_some_and(|fault| !fault.is_after()) {
            Err(error("nothing_was_done"))
        } else {
            match limit(&mut world, &method, &arguments) {
                Ok(()) => allowed(&mut world, &method, token, &arguments, is_json)
                    .and_then(|()| perform(&mut world, &method, &arguments)),
                Err(seconds) => {
                    world.calls.push(Call {
                        method,
                        arguments,
                        answer: json!({"ok": false, "error": "ratelimited"}),
                    });
                    return rate_limited(Some(seconds));
                }
            }
        };
        world.calls.push(Call {
            method,
            arguments,
            answer: body_of(&answer),
        });
        (fault, answer)
    };
    shared.changed();
    match fault {
        None => {
            let mut response = answered(&answer);
            let scopes: Vec<&str> = shared.world().scopes.iter().copied().collect();
            response
                .headers_mut()
                .insert("x-oauth-scopes", scopes.join(",").parse().unwrap());
            response
        }
        Some(Fault::Status(status)) => (StatusCode::from_u16(status).unwrap(), "upstream is not well").into_response(),
        Some(Fault::DoneThenUnavailable) => (StatusCode::SERVICE_UNAVAILABLE, "upstream is not well").into_response(),
        Some(Fault::Html) => axum::response::Html("<html>Sign in to the network</html>").into_response(),
        Some(Fault::Error(code)) => answered(&Err(error(code))),
        Some(Fault::RateLimited(seconds)) => rate_limited(Some(seconds)),
        Some(Fault::RateLimitedWithoutTime) => rate_limited(None),
        Some(Fault::Reset | Fault::DoneThenReset) => broken(),
        Some(Fault::Silence | Fault::DoneThenSilence) => std::future::pending().await,
    }
}

async fn arguments(request: Request, is_json: bool) -> Result<Value, &'static str> {
    if is_json && request.method() == Method::POST {
        let bytes = axum::body::to_bytes(request.into_body(), LARGEST_BODY)
            .await
            .map_err(|_| "request_too_large")?;
        let value: Value = serde_json::from_slice(&bytes).map_err(|_| "invalid_json")?;
        return if value.is_object() {
            Ok(value)
        } else {
            Err("json_not_object")
        };
    }
    if request.method() == Method::POST && !request.headers().contains_key(header::CONTENT_TYPE) {
        return Ok(json!({}));
    }
    let Form(pairs) = Form::<Vec<(String, String)>>::from_request(request, &())
        .await
        .map_err(|_| "invalid_form_data")?;
    Ok(Value::Object(
        pairs
            .into_iter()
            .map(|(name, value)| (name, value.into()))
            .collect::<Map<_, _>>(),
    ))
}

/// Per method, workspace and app; posts per channel. The burst of posts is not documented.
fn limit(world: &mut World, method: &str, arguments: &Value) -> Result<(), u64> {
    let per_minute = match method {
        "chat.postMessage" => {
            let channel = arguments["channel"].as_str().unwrap_or_default();
            return world.take_token(&format!("post {channel}"), 4.0, 1.0);
        }
        "usergroups.users.list" => 20.0,
        "conversations.history" | "conversations.replies" if world.is_commercial => 1.0,
        "chat.update" | "conversations.history" | "conversations.replies" => 50.0,
        _ => 100.0,
    };
    world.take_token(method, per_minute, per_minute / 60.0)
}

fn allowed(
    world: &mut World,
    method: &str,
    header: Option<String>,
    arguments: &Value,
    is_json: bool,
) -> Result<(), Error> {
    if method == "apps.connections.open" {
        // Nowhere but in the header, and no other token.
        return match header.as_deref() {
            Some(APP_TOKEN) if arguments["token"].is_null() => Ok(()),
            Some(APP_TOKEN) => Err(error("invalid_arguments")),
            Some(BOT_TOKEN) => Err(error("not_allowed_token_type")),
            Some(_) => Err(error("invalid_auth")),
            None => Err(error("not_authed")),
        };
    }
    let in_form = arguments["token"].as_str().filter(|_| !is_json).map(str::to_owned);
    let token = header.or(in_form).ok_or_else(|| error("not_authed"))?;
    match token.as_str() {
        APP_TOKEN => return Err(error("not_allowed_token_type")),
        BOT_TOKEN if world.is_revoked => return Err(error("token_revoked")),
        BOT_TOKEN => {}
        _ => return Err(error("invalid_auth")),
    }
    let needed = match method {
        "auth.test" | "views.open" | "views.push" | "views.update" => return Ok(()),
        "chat.postMessage" | "chat.update" | "chat.postEphemeral" => "chat:write",
        "files.getUploadURLExternal" | "files.completeUploadExternal" => "files:write",
        "usergroups.users.list" => "usergroups:read",
        "conversations.history" | "conversations.replies" => {
            let channel = arguments["channel"].as_str().and_then(|id| world.channels.get(id));
            if channel.is_some_and(|channel| channel.is_private) {
                "groups:history"
            } else {
                "channels:history"
            }
        }
        _ => return Err(error("unknown_method")),
    };
    if !world.scopes.contains(needed) {
        let provided = world.scopes.iter().copied().collect::<Vec<_>>().join(",");
        return Err(Error {
            code: "missing_scope".into(),
            more: json!({"needed": needed, "provided": provided}),
        });
    }
    // These take forms alone; JSON is answered as if nothing had been given.
    if is_json && matches!(method, "files.getUploadURLExternal" | "usergroups.users.list") {
        return Err(error("invalid_arguments"));
    }
    Ok(())
}

fn perform(world: &mut World, method: &str, arguments: &Value) -> Answer {
    match method {
        "auth.test" => Ok(json!({"team_id": "T1", "team": "shop", "user_id": "U0BOT", "bot_id": "B0BOT"})),
        "chat.postMessage" => post_message(world, arguments),
        "chat.update" => update(world, arguments),
        "chat.postEphemeral" => ephemeral(world, arguments),
        "conversations.history" => history(world, arguments),
        "conversations.replies" => replies(world, arguments),
        "files.getUploadURLExternal" => upload_url(world, arguments),
        "files.completeUploadExternal" => complete(world, arguments),
        "usergroups.users.list" => {
            let group = text(arguments, "usergroup")?;
            let include_disabled = is_true(&arguments["include_disabled"]);
            if world.disabled_groups.contains(&group) && !include_disabled {
                return Err(error("no_such_subteam"));
            }
            world
                .groups
                .get(&group)
                .map(|users| json!({"users": users}))
                .ok_or_else(|| error("no_such_subteam"))
        }
        "apps.connections.open" => Ok(socket::ticket(world)),
        "views.open" => view::open(world, arguments),
        "views.push" => view::push(world, arguments),
        "views.update" => view::update(world, arguments),
        _ => Err(error("unknown_method")),
    }
}

pub fn text(arguments: &Value, name: &str) -> Result<String, Error> {
    let given = arguments[name]
        .as_str()
        .filter(|text| !text.is_empty())
        .map(str::to_owned);
    given.ok_or_else(|| error("invalid_arguments"))
}

/// The channel, if the bot may write to it.
fn writable(world: &World, arguments: &Value, field: &str) -> Result<String, Error> {
    let id = text(arguments, field)?;
    let channel = world.channels.get(&id).ok_or_else(|| error("channel_not_found"))?;
    if channel.is_archived {
        return Err(error("is_archived"));
    }
    if !channel.has_bot {
        return Err(error("not_in_channel"));
    }
    Ok(id)
}

/// The parent of a thread; a reply is none. The word for a parent that is not there is not verified.
fn thread(world: &World, arguments: &Value, channel: &str) -> Result<Option<String>, Error> {
    let Some(ts) = arguments["thread_ts"].as_str() else {
        return Ok(None);
    };
    match world.message(channel, ts) {
        Some(parent) if parent.thread_ts.is_none() => Ok(Some(ts.to_owned())),
        _ => Err(error("thread_not_found")),
    }
}

fn post_message(world: &mut World, arguments: &Value) -> Answer {
    let channel = writable(world, arguments, "channel")?;
    let thread = thread(world, arguments, &channel)?;
    let blocks = judge::message(arguments)?;
    let mut message = Message::new(
        &channel,
        thread.as_deref(),
        arguments["text"].as_str().unwrap_or_default(),
        blocks,
    );
    message.metadata = arguments["metadata"].clone();
    let ts = world.add_message(message);
    Ok(json!({"channel": channel, "ts": ts, "message": {"ts": ts, "type": "message"}}))
}

fn update(world: &mut World, arguments: &Value) -> Answer {
    let channel = writable(world, arguments, "channel")?;
    let ts = text(arguments, "ts")?;
    let blocks = judge::message(arguments)?;
    let messages = &mut world.channel_mut(&channel).messages;
    let message = messages
        .iter_mut()
        .find(|message| message.ts == ts)
        .ok_or_else(|| error("message_not_found"))?;
    if message.user != "U0BOT" {
        return Err(error("cant_update_message"));
    }
    let new_text = arguments["text"].as_str().unwrap_or_default().to_owned();
    message.edits.push((
        std::mem::replace(&mut message.text, new_text.clone()),
        std::mem::replace(&mut message.blocks, blocks),
    ));
    if !arguments["metadata"].is_null() {
        message.metadata = arguments["metadata"].clone();
    }
    Ok(json!({"channel": channel, "ts": ts, "text": new_text}))
}

fn ephemeral(world: &mut World, arguments: &Value) -> Answer {
    let channel = writable(world, arguments, "channel")?;
    let user = text(arguments, "user")?;
    if !world.people.contains_key(&user) {
        return Err(error("user_not_in_channel"));
    }
    let thread = thread(world, arguments, &channel)?;
    let blocks = judge::message(arguments)?;
    world.add_whisper(&channel, &user, arguments["text"].as_str().unwrap_or_default(), blocks);
    if let Some(whisper) = world.whispers.last_mut() {
        whisper.thread_ts = thread;
    }
    let ts = world.count();
    Ok(json!({"message_ts": format!("1700000000.{ts:06}")}))
}

/// What is written outside of threads, newest first.
fn history(world: &World, arguments: &Value) -> Answer {
    let channel = readable(world, arguments)?;
    let mut found: Vec<&Message> = world.channels[&channel]
        .messages
        .iter()
        .filter(|message| message.thread_ts.is_none() && is_within(message, arguments))
        .collect();
    found.reverse();
    page(world, &found, arguments)
}

/// A message and all replies to it, oldest first. The message itself is there whatever its age.
fn replies(world: &World, arguments: &Value) -> Answer {
    let channel = readable(world, arguments)?;
    let ts = text(arguments, "ts")?;
    let messages = &world.channels[&channel].messages;
    if !messages.iter().any(|message| message.ts == ts) {
        return Err(error("thread_not_found"));
    }
    let is_reply = |message: &Message| message.thread_ts.as_deref() == Some(&ts) && is_within(message, arguments);
    let found: Vec<&Message> = messages
        .iter()
        .filter(|message| message.ts == ts || is_reply(message))
        .collect();
    page(world, &found, arguments)
}

/// The channel, if the bot may read it; one that is archived can still be read.
fn readable(world: &World, arguments: &Value) -> Result<String, Error> {
    let id = text(arguments, "channel")?;
    let channel = world.channels.get(&id).ok_or_else(|| error("channel_not_found"))?;
    if !channel.has_bot {
        return Err(error("not_in_channel"));
    }
    Ok(id)
}

fn is_within(message: &Message, arguments: &Value) -> bool {
    let inclusive = is_true(&arguments["inclusive"]);
    let seconds = |ts: &str| ts.parse::<f64>().unwrap();
    let at = seconds(&message.ts);
    let after = arguments["oldest"].as_str().is_none_or(|oldest| {
        let oldest = seconds(oldest);
        at > oldest || (inclusive && at == oldest)
    });
    let before = arguments["latest"].as_str().is_none_or(|latest| {
        let latest = seconds(latest);
        at < latest || (inclusive && at == latest)
    });
    after && before
}

fn is_true(given: &Value) -> bool {
    given == &json!(true) || matches!(given.as_str(), Some("true" | "1"))
}

fn page(world: &World, found: &[&Message], arguments: &Value) -> Answer {
    let limit = match arguments["limit"].as_str() {
        Some(limit) => limit.parse().map_err(|_| error("invalid_limit"))?,
        None => 100,
    };
    let begin = match arguments["cursor"].as_str() {
        None => 0,
        Some(cursor) => cursor
            .strip_prefix("after-")
            .and_then(|number| number.parse().ok())
            .ok_or_else(|| error("invalid_cursor"))?,
    };
    let end = (begin + world.at_once(limit)).min(found.len());
    let with_metadata = is_true(&arguments["include_all_metadata"]);
    let messages: Vec<Value> = found[begin.min(end)..end]
        .iter()
        .map(|message| {
            let files: Vec<Value> = message
                .files
                .iter()
                .map(|id| json!({"id": id, "name": world.files[id].name}))
                .collect();
            let mut shown = json!({"type": "message", "ts": message.ts, "text": message.text, "user": message.user});
            if with_metadata && !message.metadata.is_null() {
                shown["metadata"] = message.metadata.clone();
            }
            if !files.is_empty() {
                shown["files"] = files.into();
            }
            if let Some(thread) = &message.thread_ts {
                shown["thread_ts"] = thread.clone().into();
            }
            shown
        })
        .collect();
    let has_more = end < found.len();
    let next = if has_more {
        format!("after-{end}")
    } else {
        String::new()
    };
    Ok(json!({"messages": messages, "has_more": has_more, "response_metadata": {"next_cursor": next}}))
}

fn upload_url(world: &mut World, arguments: &Value) -> Answer {
    let name = text(arguments, "filename")?;
    let length: usize = text(arguments, "length")?
        .parse()
        .map_err(|_| error("invalid_arguments"))?;
    let alt_text = arguments["alt_txt"].as_str().unwrap_or_default().to_owned();
    if length == 0 || alt_text.chars().count() > 1000 {
        return Err(error("invalid_arguments"));
    }
    let id = format!("F{}", world.count());
    let url = format!("{}/upload/{id}", world.address);
    let file = File {
        id: id.clone(),
        name,
        length,
        alt_text,
        title: String::new(),
        bytes: None,
        shared: None,
    };
    world.files.insert(id.clone(), file);
    Ok(json!({"upload_url": url, "file_id": id}))
}

/// The words for a file without bytes are not verified.
fn complete(world: &mut World, arguments: &Value) -> Answer {
    let files: Vec<Value> = match &arguments["files"] {
        Value::String(form) => serde_json::from_str(form).map_err(|_| error("invalid_arguments"))?,
        Value::Array(files) => files.clone(),
        _ => return Err(error("invalid_arguments")),
    };
    let ids: Vec<String> = files.iter().map(|file| text(file, "id")).collect::<Result<_, _>>()?;
    for id in &ids {
        let file = world.files.get(id).ok_or_else(|| error("file_not_found"))?;
        if file.bytes.is_none() || file.shared.is_some() {
            return Err(error("file_not_found"));
        }
    }
    let channel = writable(world, arguments, "channel_id")?;
    let thread = thread(world, arguments, &channel)?;
    for (file, id) in files.iter().zip(&ids) {
        let known = world.files.get_mut(id).unwrap();
        known.title = file["title"].as_str().unwrap_or_default().to_owned();
        known.shared = Some((channel.clone(), thread.clone()));
    }
    let names: Vec<String> = ids.iter().map(|id| world.files[id].name.clone()).collect();
    let mut message = Message::new(
        &channel,
        thread.as_deref(),
        &format!("file {}", names.join(", ")),
        Vec::new(),
    );
    message.files = ids;
    world.add_message(message);
    Ok(json!({"files": files}))
}

async fn upload(State(shared): State<Arc<Shared>>, Path(id): Path<String>, request: Request) -> Response {
    let has_token = request.headers().contains_key(header::AUTHORIZATION);
    let bytes = axum::body::to_bytes(request.into_body(), LARGEST_BODY)
        .await
        .unwrap_or_default();
    let mut world = shared.world();
    if has_token {
        world.misuse.push("the bot token was sent to an upload URL".to_owned());
    }
    if let Some(Fault::Status(status)) = world.take_fault("upload", None) {
        return (StatusCode::from_u16(status).unwrap(), "upstream is not well").into_response();
    }
    let Some(file) = world.files.get_mut(&id) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    if bytes.len() != file.length {
        return (StatusCode::BAD_REQUEST, "the length is not the one that was announced").into_response();
    }
    file.bytes = Some(bytes.to_vec());
    format!("OK - {}", bytes.len()).into_response()
}

/// Five uses within thirty minutes. The answer to a sixth use is not verified.
async fn respond(State(shared): State<Arc<Shared>>, Path(id): Path<String>, body: Bytes) -> Response {
    let refused =
        |status: StatusCode, code: &str| (status, axum::Json(json!({"ok": false, "error": code}))).into_response();
    let Ok(arguments) = serde_json::from_slice::<Value>(&body) else {
        return refused(StatusCode::BAD_REQUEST, "invalid_payload");
    };
    let response = {
        let mut world = shared.world();
        let now = world.clock.now();
        let Some(url) = world.response_urls.get_mut(&id) else {
            return refused(StatusCode::NOT_FOUND, "no_such_url");
        };
        if now - url.made > Duration::from_secs(30 * 60) {
            return refused(StatusCode::NOT_FOUND, "Expired url");
        }
        if url.uses >= 5 {
            return refused(StatusCode::NOT_FOUND, "used_url");
        }
        url.uses += 1;
        let (channel, user, message) = (url.channel.clone(), url.user.clone(), url.message.clone());
        match judge::message(&arguments) {
            Err(refusal) => refused(StatusCode::BAD_REQUEST, refusal.code),
            Ok(blocks) => {
                let text = arguments["text"].as_str().unwrap_or_default();
                let original = message.filter(|_| arguments["replace_original"] == json!(true));
                if let Some(ts) = original {
                    let messages = &mut world.channel_mut(&channel).messages;
                    if let Some(message) = messages.iter_mut().find(|message| message.ts == ts) {
                        message.edits.push((
                            std::mem::replace(&mut message.text, text.to_owned()),
                            std::mem::replace(&mut message.blocks, blocks),
                        ));
                    }
                } else if arguments["response_type"] == "in_channel" {
                    world.add_message(Message::new(&channel, None, text, blocks));
                } else {
                    world.add_whisper(&channel, &user, text, blocks);
                }
                "ok".into_response()
            }
        }
    };
    shared.changed();
    response
}

fn body_of(answer: &Answer) -> Value {
    match answer {
        Ok(fields) => {
            let mut body = fields.clone();
            body["ok"] = true.into();
            body
        }
        Err(error) => {
            let mut body = error.more.clone();
            body["ok"] = false.into();
            body["error"] = error.code.clone().into();
            body
        }
    }
}

fn answered(answer: &Answer) -> Response {
    axum::Json(body_of(answer)).into_response()
}

fn rate_limited(seconds: Option<u64>) -> Response {
    let body = axum::Json(json!({"ok": false, "error": "ratelimited"}));
    let mut response = (StatusCode::TOO_MANY_REQUESTS, body).into_response();
    if let Some(seconds) = seconds {
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    response
}

/// The connection is closed in the middle of the answer.
fn broken() -> Response {
    let cut = futures::stream::once(async { Err::<Bytes, _>(std::io::Error::other("the connection breaks")) });
    Response::new(Body::from_stream(cut))
}
