//! The REST API: who calls, how often, what goes wrong on the way, and what is then done.

mod applications;
mod channels;
mod guilds;
mod webhooks;

use super::body::{self, Given};
use super::fault::{Fault, Scope};
use super::limits::{Overrun, Standing};
use super::refusal::{Outcome, Refusal};
use super::route::{Astray, Route, Target};
use super::world::{Call, World};
use super::{BOT_TOKEN, Shared};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

const PAGE: &str = "<html><head><title>upstream is not well</title></head></html>";

/// What a call came to: a status of 2xx and a body.
pub struct Done {
    status: u16,
    body: Option<Value>,
}

type Answer = Outcome<Done>;

pub fn ok(body: Value) -> Answer {
    Ok(Done {
        status: 200,
        body: Some(body),
    })
}

pub fn created(body: Value) -> Answer {
    Ok(Done {
        status: 201,
        body: Some(body),
    })
}

pub fn nothing_to_say() -> Answer {
    Ok(Done {
        status: 204,
        body: None,
    })
}

/// What a call met before it was done, or did.
enum Met {
    Banned,
    TooMany(Overrun),
    Struck(Fault),
    Answered(Answer, Option<Standing>),
}

pub fn router(shared: Arc<Shared>) -> Router {
    Router::new().fallback(call).with_state(shared)
}

async fn call(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    let Some(path) = path.strip_prefix("/api/v10/") else {
        return Refusal::plain(404, "Not Found").into_response();
    };
    let target = match Target::find(request.method(), path) {
        Ok(target) => target,
        Err(Astray::NoSuchPath) => return Refusal::plain(404, "Not Found").into_response(),
        Err(Astray::NoSuchMethod) => return Refusal::plain(405, "Method Not Allowed").into_response(),
    };
    let headers = request.headers().clone();
    let given = body::read(request).await;
    let route = target.route;
    let (met, fault) = {
        let mut world = shared.world();
        note_agent(&mut world, &headers, route);
        let about = target.ids.first().map(String::as_str).unwrap_or_default();
        let fault = world.faults.take(route, about);
        let (body, files) = match &given {
            Ok(given) => (
                given.body.clone(),
                given.uploads.iter().map(|upload| upload.name.clone()).collect(),
            ),
            Err(_) => (Value::Null, Vec::new()),
        };
        let met = match fault.filter(|fault| !fault.is_after()) {
            Some(fault) => Met::Struck(fault),
            None => meet(&mut world, &target, &headers, given),
        };
        let (status, answer) = told(&met);
        let now = world.now();
        let is_shared = fault.is_some_and(|fault| {
            matches!(
                fault,
                Fault::RateLimited {
                    scope: Scope::Shared,
                    ..
                }
            )
        });
        if matches!(status, 401 | 403 | 429) && !is_shared {
            world.limits.note_invalid(now);
        }
        let is_ours = matches!(met, Met::Struck(_));
        world.calls.push(Call {
            route,
            ids: target.ids,
            body,
            files,
            status,
            answer,
            at: now,
            is_expected: is_ours,
        });
        (met, fault.filter(|fault| fault.is_after()))
    };
    shared.changed();
    match fault {
        None if matches!(met, Met::Struck(Fault::Silence)) => std::future::pending().await,
        None => answered(met),
        Some(Fault::DoneThenStatus(status)) => page(status),
        Some(Fault::DoneThenReset) => broken(),
        Some(Fault::Slow(by)) => {
            tokio::time::sleep(by).await;
            answered(met)
        }
        Some(_) => std::future::pending().await,
    }
}

/// Discord asks every client to say who it is. Answers to interactions need no token, and discord.py sends them without a
/// name.
fn note_agent(world: &mut World, headers: &HeaderMap, route: Route) {
    if route.is_of_interaction() {
        return;
    }
    let agent = headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok());
    if !agent.is_some_and(|agent| agent.starts_with("DiscordBot (")) {
        world.misuse.push(format!(
            "{route:?} came from User-Agent {agent:?} instead of \"DiscordBot (url, version)\""
        ));
    }
}

fn meet(world: &mut World, target: &Target, headers: &HeaderMap, given: Outcome<Given>) -> Met {
    let (now, route) = (world.now(), target.route);
    if world.limits.is_banned(now) {
        return Met::Banned;
    }
    if let Err(refusal) = authorized(world, headers, route) {
        return Met::Answered(Err(refusal), None);
    }
    if !route.is_of_interaction()
        && let Err(overrun) = world.limits.take_global(now)
    {
        return Met::TooMany(overrun);
    }
    let mut standing = None;
    if let Some(allowance) = route.allowance() {
        match world
            .limits
            .take_route(&route.bucket(), &target.main_id(), allowance, now)
        {
            Ok(found) => standing = Some(found),
            Err(overrun) => return Met::TooMany(overrun),
        }
    }
    let answer = given.and_then(|given| perform(world, target, given));
    Met::Answered(answer, standing)
}

fn authorized(world: &World, headers: &HeaderMap, route: Route) -> Outcome {
    let given = headers.get(header::AUTHORIZATION).and_then(|given| given.to_str().ok());
    let is_right = given == Some(format!("Bot {BOT_TOKEN}").as_str()) && !world.is_revoked;
    let may_be_absent = route == Route::GetGateway || route.is_of_interaction();
    if is_right || (may_be_absent && given.is_none()) {
        return Ok(());
    }
    Err(Refusal::plain(401, "Unauthorized"))
}

fn perform(world: &mut World, target: &Target, given: Given) -> Answer {
    use Route::*;
    let id = |at| target.id(at);
    match target.route {
        GetGateway => ok(json!({"url": world.gateway.url})),
        GetGatewayBot => ok(world.gateway_for_bot()),
        GetApplication => applications::get(world),
        GetGlobalCommands => applications::commands(world, id(0), None),
        PutGlobalCommands => applications::put_commands(world, id(0), None, &given.body),
        GetGuildCommands => applications::commands(world, id(0), Some(id(1))),
        PutGuildCommands => applications::put_commands(world, id(0), Some(id(1)), &given.body),
        GetGuild => guilds::get(world, id(0)),
        GetRoles => guilds::roles(world, id(0)),
        GetMember => guilds::member(world, id(0), id(1)),
        GetMe => ok(guilds::me(world)),
        CreateDm => guilds::direct(world, &given.body),
        GetChannel => channels::get(world, id(0)),
        EditChannel => channels::edit(world, id(0), &given.body),
        GetMessages => channels::messages(world, id(0), &given.query),
        GetMessage => channels::message(world, id(0), id(1)),
        CreateMessage => channels::post(world, id(0), given),
        EditMessage => channels::edit_message(world, id(0), id(1), given),
        DeleteMessage => channels::delete_message(world, id(0), id(1)),
        StartThread => channels::start_thread(world, id(0), id(1), &given.body),
        Callback => webhooks::callback(world, id(0), id(1), given),
        FollowUp => webhooks::follow_up(world, id(0), id(1), given),
        GetOriginal => webhooks::get(world, id(0), id(1), None),
        EditOriginal => webhooks::edit(world, id(0), id(1), None, given),
        DeleteOriginal => webhooks::delete(world, id(0), id(1), None),
        GetFollowUp => webhooks::get(world, id(0), id(1), Some(id(2))),
        EditFollowUp => webhooks::edit(world, id(0), id(1), Some(id(2)), given),
        DeleteFollowUp => webhooks::delete(world, id(0), id(1), Some(id(2))),
    }
}

/// What is written down of a call.
fn told(met: &Met) -> (u16, Value) {
    match met {
        Met::Banned => (429, Value::Null),
        Met::TooMany(overrun) => (429, too_many(overrun)),
        Met::Struck(fault) => match fault {
            Fault::Status(status) => (*status, Value::Null),
            Fault::RateLimited { .. } | Fault::RateLimitedInAll { .. } | Fault::BannedByProxy => (429, Value::Null),
            Fault::Refused(code) => (Refusal::new(*code).status, Refusal::new(*code).body()),
            _ => (0, Value::Null),
        },
        Met::Answered(Ok(done), _) => (done.status, done.body.clone().unwrap_or_default()),
        Met::Answered(Err(refusal), _) => (refusal.status, refusal.body()),
    }
}

fn too_many(overrun: &Overrun) -> Value {
    let (after, global) = match overrun {
        Overrun::Global(after) => (*after, true),
        Overrun::Route(standing) => (standing.reset_after, false),
    };
    limited_body(after.as_secs_f64(), global)
}

fn limited_body(seconds: f64, global: bool) -> Value {
    json!({"message": "You are being rate limited.", "retry_after": seconds, "global": global})
}

fn answered(met: Met) -> Response {
    match met {
        Met::Banned => page(429),
        Met::TooMany(Overrun::Global(after)) => limited(after.as_secs_f64(), true, "global", None),
        Met::TooMany(Overrun::Route(standing)) => {
            let mut response = limited(standing.reset_after.as_secs_f64(), false, "user", None);
            put_standing(response.headers_mut(), &standing);
            response
        }
        Met::Struck(fault) => struck(fault),
        Met::Answered(answer, standing) => {
            let mut response = match answer {
                Ok(Done { status, body }) => {
                    let status = StatusCode::from_u16(status).unwrap();
                    match body {
                        Some(body) => (status, axum::Json(body)).into_response(),
                        None => status.into_response(),
                    }
                }
                Err(refusal) => refusal.into_response(),
            };
            if let Some(standing) = standing {
                put_standing(response.headers_mut(), &standing);
            }
            response
        }
    }
}

fn struck(fault: Fault) -> Response {
    match fault {
        Fault::Status(status) => page(status),
        Fault::Reset => broken(),
        Fault::Refused(code) => Refusal::new(code).into_response(),
        Fault::RateLimited { seconds, scope } => {
            let name = if scope == Scope::Shared { "shared" } else { "user" };
            limited(seconds, false, name, Some(20028))
        }
        Fault::RateLimitedInAll { seconds } => limited(seconds, true, "global", None),
        Fault::BannedByProxy => page(429),
        other => unreachable!("{other:?} answers otherwise"),
    }
}

fn page(status: u16) -> Response {
    (StatusCode::from_u16(status).unwrap(), Html(PAGE)).into_response()
}

/// The code is not always there.
fn limited(seconds: f64, global: bool, scope: &str, code: Option<u32>) -> Response {
    let mut body = limited_body(seconds, global);
    if let Some(code) = code {
        body["code"] = code.into();
    }
    let mut response = (StatusCode::TOO_MANY_REQUESTS, axum::Json(body)).into_response();
    let headers = response.headers_mut();
    put(headers, "retry-after", seconds.ceil().to_string());
    put(headers, "x-ratelimit-scope", scope);
    if global {
        put(headers, "x-ratelimit-global", "true");
    }
    response
}

fn put_standing(headers: &mut HeaderMap, standing: &Standing) {
    let after = standing.reset_after.max(Duration::from_millis(1)).as_secs_f64();
    let resets = jiff::Timestamp::now().as_millisecond() as f64 / 1000.0 + after;
    put(headers, "x-ratelimit-limit", standing.limit.to_string());
    put(headers, "x-ratelimit-remaining", standing.remaining.to_string());
    put(headers, "x-ratelimit-reset", format!("{resets:.3}"));
    put(headers, "x-ratelimit-reset-after", format!("{after:.3}"));
    put(headers, "x-ratelimit-bucket", &standing.bucket);
}

fn put(headers: &mut HeaderMap, name: &'static str, value: impl AsRef<str>) {
    headers.insert(name, value.as_ref().parse().unwrap());
}

/// The connection is closed in the middle of the answer.
fn broken() -> Response {
    let cut = futures::stream::once(async { Err::<Bytes, _>(std::io::Error::other("the connection breaks")) });
    Response::new(Body::from_stream(cut))
}

/// Fields of a body that Discord does not know are passed over by it, and are surely a mistake.
pub fn note_unknown(world: &mut World, what: &str, body: &Value, known: &[&str]) {
    let fields = body.as_object().into_iter().flatten().map(|(name, _)| name);
    let unknown: Vec<&String> = fields.filter(|name| !known.contains(&name.as_str())).collect();
    if !unknown.is_empty() {
        world
            .misuse
            .push(format!("{what} with fields that Discord does not know: {unknown:?}"));
    }
}
