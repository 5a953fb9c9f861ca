//! A Discord that keeps to the platform's rules: an axum server on a private port, with guilds and channels, people who
//! type and press, and faults to inject. What is not published, such as most figures of limits, says so where it stands.
//!
//! A message that no test has looked at fails the test when the simulator is dropped: an answer too many is a bug.
//! [`Discord::check`] asks at the end of a test whether the bot behaved.

mod api;
mod body;
mod delivery;
mod fault;
mod gateway;
mod interaction;
mod judge;
mod limits;
mod message;
mod payload;
pub mod permission;
mod person;
mod refusal;
mod route;
mod world;

pub use delivery::{Ack, Sent};
pub use fault::{Fault, Scope};
pub use gateway::{Closed, Connection, Way};
pub use message::Message;
pub use person::{Oddity, Person};
pub use route::Route;
pub use world::Call;

use ed25519_dalek::SigningKey;
use fault::Strike;
use secrecy::SecretString;
use serde_json::Value;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::sync::watch;
use world::World;

/// Whether Discord would take a message; the words say why not.
pub fn judged(body: &Value) -> Result<(), String> {
    let taken = judge::message(body, &message::Shown::default(), Vec::new(), judge::Door::Channel, "");
    taken.map(drop).map_err(|refusal| refusal.body().to_string())
}

pub const BOT_TOKEN: &str = "simulated.discord.bot-token";
pub const APPLICATION: &str = "800";
pub const BOT_USER: &str = "800";

/// How long a test waits for what should come at once.
const PATIENCE: Duration = Duration::from_secs(40);

/// The simulator. Dropping it stops the server and fails the test where something was left unread.
pub struct Discord {
    shared: Arc<Shared>,
    address: String,
    key: SigningKey,
    /// By which interactions go out.
    client: reqwest::Client,
    /// Where interactions are sent to; none means by the gateway.
    bot: Option<String>,
    servers: Vec<tokio::task::JoinHandle<()>>,
}

struct Shared {
    world: Mutex<World>,
    changes: watch::Sender<u64>,
}

impl Shared {
    fn world(&self) -> MutexGuard<'_, World> {
        // A test that has failed with the lock held still gets its own failure reported.
        self.world.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn changed(&self) {
        self.changes.send_modify(|count| *count += 1);
    }
}

impl Discord {
    /// Guild `900` with the channels `9001` ops, `9002` alerts and `9003` general, and the people `101`, `102` (role
    /// `7001`), `103` (role `7002`) and `109`, whom the bot does not know. Guild `950` is not the bot's business.
    pub async fn start() -> Self {
        // Whoever comes first installs it; it is the same one.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let key = SigningKey::from_bytes(&rand::random());
        let public_key = hex::encode(key.verifying_key().to_bytes());
        let shared = Arc::new(Shared {
            world: Mutex::new(World::new(address.clone(), public_key)),
            changes: watch::Sender::new(0),
        });
        let router = api::router(shared.clone());
        let mut servers = vec![tokio::spawn(
            async move { axum::serve(listener, router).await.unwrap() },
        )];
        servers.extend(gateway::listen(&shared).await);
        Self {
            shared,
            address,
            key,
            // A connection for each, as from a platform's many machines.
            client: reqwest::Client::builder()
                .no_proxy()
                .pool_max_idle_per_host(0)
                .build()
                .unwrap(),
            bot: None,
            servers,
        }
    }

    pub fn api_url(&self) -> String {
        format!("{}/api/v10", self.address)
    }

    /// Without the path, as some clients want it.
    pub fn address(&self) -> &str {
        &self.address
    }

    pub fn bot_token(&self) -> SecretString {
        BOT_TOKEN.to_owned().into()
    }

    /// In hex, as the developer portal shows it.
    pub fn public_key(&self) -> String {
        self.shared.world().public_key.clone()
    }

    /// Interactions are sent here by HTTP, `http://127.0.0.1:8080`. Until then they go by the gateway.
    pub fn connect(&mut self, bot: impl Into<String>) {
        let bot = bot.into();
        self.shared.world().endpoint = Some(format!("{bot}/discord/interactions"));
        self.bot = Some(bot);
    }

    pub fn person<'a>(&'a self, user: &'a str) -> Person<'a> {
        Person::new(self, user)
    }

    /// The channel in which the bot and a person talk alone.
    pub fn direct(&self, user: &str) -> String {
        self.shared.world().direct_channel(user)
    }

    /// The next message in a channel or thread that no test has looked at.
    pub async fn posted(&self, channel: &str) -> Message {
        self.posted_within(channel, PATIENCE.as_secs()).await
    }

    pub async fn posted_within(&self, channel: &str, seconds: u64) -> Message {
        let what = format!("a message in {channel}");
        self.next(&what, seconds, |world| world.read_message(channel)).await
    }

    /// The next message in the thread that hangs on this one.
    pub async fn reply(&self, parent: &Message) -> Message {
        self.posted(&parent.id).await
    }

    pub async fn reply_within(&self, parent: &Message, seconds: u64) -> Message {
        self.posted_within(&parent.id, seconds).await
    }

    /// The next message for one person alone that no test has looked at.
    pub async fn whisper(&self, user: &str) -> Message {
        self.whisper_within(user, PATIENCE.as_secs()).await
    }

    pub async fn whisper_within(&self, user: &str, seconds: u64) -> Message {
        let what = format!("a whisper to {user}");
        self.next(&what, seconds, |world| world.read_whisper(user)).await
    }

    /// The message as it stands once it fulfils a condition.
    pub async fn until(&self, message: &Message, holds: impl Fn(&Message) -> bool) -> Message {
        self.until_within(message, PATIENCE.as_secs(), holds).await
    }

    pub async fn until_within(&self, message: &Message, seconds: u64, holds: impl Fn(&Message) -> bool) -> Message {
        let what = format!("{} to change", message.id);
        let find = |world: &mut World| world.message(&message.id).filter(|now| holds(now)).cloned();
        self.next(&what, seconds, find).await
    }

    /// Waits until so many calls of a route were made, and gives them.
    pub async fn called(&self, route: Route, count: usize) -> Vec<Call> {
        let what = format!("{count} calls of {route:?}");
        let find = |world: &mut World| {
            let calls = world.calls.iter().filter(|call| call.route == route);
            let calls: Vec<Call> = calls.cloned().collect();
            (calls.len() >= count).then_some(calls)
        };
        self.next(&what, PATIENCE.as_secs(), find).await
    }

    /// The message as it stands now.
    pub fn now(&self, message: &Message) -> Message {
        let world = self.shared.world();
        world.message(&message.id).cloned().expect("the message is gone")
    }

    async fn next<T>(&self, what: &str, seconds: u64, find: impl Fn(&mut World) -> Option<T>) -> T {
        let mut changes = self.shared.changes.subscribe();
        let search = async {
            loop {
                if let Some(found) = find(&mut self.shared.world()) {
                    return found;
                }
                changes.changed().await.expect("the simulator is gone");
            }
        };
        match tokio::time::timeout(Duration::from_secs(seconds), search).await {
            Ok(found) => found,
            Err(_) => panic!("waited for {what}; Discord has:\n{}", self.shared.world().describe()),
        }
    }

    /// The next call of a route meets this fault.
    pub fn fault(&self, route: Route, fault: Fault) {
        self.strike(route, None, 0, fault);
    }

    /// A call of a route meets this fault after so many that do not.
    pub fn fault_after(&self, route: Route, spares: usize, fault: Fault) {
        self.strike(route, None, spares, fault);
    }

    /// The next call of a route about this channel (or guild) meets this fault.
    pub fn fault_in(&self, about: &str, route: Route, fault: Fault) {
        self.strike(route, Some(about.to_owned()), 0, fault);
    }

    fn strike(&self, route: Route, about: Option<String>, spares: usize, fault: Fault) {
        self.shared.world().faults.add(Strike {
            route,
            about,
            spares,
            fault,
        });
    }

    /// From now on, or no longer, nothing answers properly.
    pub fn outage(&self, is_out: bool) {
        self.shared.world().faults.is_out = is_out;
    }

    /// Time for limits and expiry stands still from now on, and moves by [`Discord::advance`] alone.
    pub fn freeze(&self) {
        self.shared.world().clock.freeze();
    }

    pub fn advance(&self, by: Duration) {
        self.shared.world().clock.advance(by);
    }

    /// Every call of a route so far, with what it was answered.
    pub fn calls(&self, route: Route) -> Vec<Call> {
        let world = self.shared.world();
        world.calls.iter().filter(|call| call.route == route).cloned().collect()
    }

    /// All that is in a channel now, oldest first, with what is for one person alone.
    pub fn messages(&self, channel: &str) -> Vec<Message> {
        let world = self.shared.world();
        let here = world.messages.iter();
        here.filter(|message| message.channel == channel && !message.is_deleted)
            .cloned()
            .collect()
    }

    /// Answers that were promised and are still owed.
    pub fn owed(&self) -> Vec<Message> {
        let world = self.shared.world();
        let owed = world
            .messages
            .iter()
            .filter(|message| message.is_loading && !message.is_deleted);
        owed.cloned().collect()
    }

    /// All that the bot has ever sent: calls, messages with their earlier forms, and files.
    pub fn everything(&self) -> String {
        let world = self.shared.world();
        let calls = world.calls.iter().map(|call| call.body.to_string());
        let messages = world.messages.iter().map(|message| format!("{message:?}"));
        let files = world.messages.iter().flat_map(|message| &message.shown.files);
        let files = files.map(|file| format!("{file:?} {}", String::from_utf8_lossy(&file.bytes)));
        calls.chain(messages).chain(files).collect::<Vec<_>>().join("\n")
    }

    /// What people have seen of Discord's own complaints about the bot; empties the list.
    pub fn take_complaints(&self) -> Vec<(String, String)> {
        std::mem::take(&mut self.shared.world().complaints)
    }

    /// How the bot misused Discord without being refused; empties the list.
    pub fn take_misuse(&self) -> Vec<String> {
        std::mem::take(&mut self.shared.world().misuse)
    }

    /// Calls that were refused and are not a fault that the test made; they are expected from now on.
    pub fn take_refused(&self) -> Vec<Call> {
        let mut world = self.shared.world();
        let refused = world
            .calls
            .iter_mut()
            .filter(|call| call.status >= 400 && !call.is_expected);
        let take = |call: &mut Call| {
            call.is_expected = true;
            call.clone()
        };
        refused.map(take).collect()
    }

    /// Calls refused with 401, 403 or 429 in the last ten minutes: ten thousand of them are a ban.
    pub fn invalid_calls(&self) -> usize {
        let mut world = self.shared.world();
        let now = world.now();
        world.limits.invalid_calls(now)
    }

    /// Sets the count of invalid calls to this many.
    pub fn pretend_invalid_calls(&self, count: usize) {
        let mut world = self.shared.world();
        let now = world.now();
        (0..count).for_each(|_| world.limits.note_invalid(now));
    }

    /// Nothing was refused, misused, complained about, told to the wrong people, or promised and left.
    #[track_caller]
    pub fn check(&self) {
        let refused = self.take_refused();
        let refused = refused.iter().map(|call| format!("refused: {}", call.describe()));
        let misuse = self.take_misuse().into_iter().map(|what| format!("misuse: {what}"));
        let complaints = self.take_complaints().into_iter();
        let complaints = complaints.map(|(user, what)| format!("{user} saw: {what}"));
        let owed = self
            .owed()
            .into_iter()
            .map(|message| format!("promised and left: {}", message.describe()));
        let leaks = self.leaks().into_iter().map(|what| format!("told to all: {what}"));
        let found: Vec<String> = refused
            .chain(misuse)
            .chain(complaints)
            .chain(owed)
            .chain(leaks)
            .collect();
        assert!(found.is_empty(), "the bot did not behave:\n{}", found.join("\n"));
    }

    /// What was for one person alone and stands, word for word, where all can see it.
    fn leaks(&self) -> Vec<String> {
        let world = self.shared.world();
        let texts = |message: &Message| -> Vec<String> {
            let before = message.edits.iter().map(|(_, shown)| shown.seen());
            let all = before.chain([message.seen()]);
            all.filter(|text| !text.is_empty()).collect()
        };
        let is_direct = |message: &Message| {
            world
                .channels
                .get(&message.channel)
                .is_some_and(|channel| channel.guild.is_none())
        };
        let public = world
            .messages
            .iter()
            .filter(|message| message.alone.is_none() && !is_direct(message));
        let public: Vec<String> = public.flat_map(texts).collect();
        let alone = world
            .messages
            .iter()
            .filter(|message| message.alone.is_some())
            .flat_map(texts);
        alone.filter(|text| public.contains(text)).collect()
    }

    /// From now on it does not matter what nobody looks at, also what comes later.
    pub fn look_away(&self) {
        self.shared.world().is_unwatched = true;
    }

    /// What nobody has looked at yet; empties the list.
    pub fn take_unread(&self) -> Vec<String> {
        self.shared.world().take_unread()
    }

    /// Somebody else writes something.
    pub fn chat(&self, user: &str, channel: &str, text: &str) -> Message {
        let mut world = self.shared.world();
        let mut message = world.new_message(channel, message::Shown::default());
        message.user = Some(user.to_owned());
        message.shown.content = text.to_owned();
        world.add_message(message.clone());
        message
    }

    pub fn delete(&self, message: &Message) {
        self.shared.world().message_mut(&message.id).unwrap().is_deleted = true;
    }

    pub fn delete_channel(&self, channel: &str) {
        let mut world = self.shared.world();
        world.channels.remove(channel).unwrap();
        let inside = world.messages.iter_mut().filter(|message| message.channel == channel);
        inside.for_each(|message| message.is_deleted = true);
    }

    pub fn delete_role(&self, guild: &str, role: &str) {
        let mut world = self.shared.world();
        let guild = world.guilds.get_mut(guild).unwrap();
        guild.roles.retain(|known| known.id != role);
        guild
            .members
            .values_mut()
            .for_each(|roles| roles.retain(|known| known != role));
    }

    /// The roles of a member from now on.
    pub fn set_roles(&self, guild: &str, user: &str, roles: &[&str]) {
        let roles = roles.iter().map(|role| (*role).to_owned()).collect();
        let mut world = self.shared.world();
        world
            .guilds
            .get_mut(guild)
            .unwrap()
            .members
            .insert(user.to_owned(), roles);
    }

    /// Somebody new on Discord, and in a guild.
    pub fn join(&self, guild: &str, user: &str, name: &'static str, roles: &[&str]) {
        let takes_messages = true;
        let person = world::User { name, takes_messages };
        self.shared.world().people.insert(user.to_owned(), person);
        self.set_roles(guild, user, roles);
    }

    /// Somebody leaves a guild.
    pub fn leaves(&self, guild: &str, user: &str) {
        let mut world = self.shared.world();
        world.guilds.get_mut(guild).unwrap().members.remove(user);
    }

    /// Whether a role may be mentioned by everybody.
    pub fn set_mentionable(&self, guild: &str, role: &str, is_mentionable: bool) {
        let mut world = self.shared.world();
        let mut roles = world.guilds.get_mut(guild).unwrap().roles.iter_mut();
        roles.find(|known| known.id == role).unwrap().is_mentionable = is_mentionable;
    }

    /// Takes a permission in a channel from the bot; without [`permission::VIEW_CHANNEL`] it has no access.
    pub fn forbid(&self, channel: &str, permission: u64) {
        self.shared.world().channel_mut(channel).bot_may &= !permission;
    }

    pub fn allow(&self, channel: &str, permission: u64) {
        self.shared.world().channel_mut(channel).bot_may |= permission;
    }

    pub fn kick_bot(&self, guild: &str) {
        self.shared.world().guilds.get_mut(guild).unwrap().has_bot = false;
    }

    /// A person takes no messages from strangers.
    pub fn close_direct(&self, user: &str) {
        self.shared.world().people.get_mut(user).unwrap().takes_messages = false;
    }

    pub fn archive(&self, thread: &str, is_locked: bool) {
        let mut world = self.shared.world();
        let thread = world.channel_mut(thread);
        (thread.is_archived, thread.is_locked) = (true, is_locked);
    }

    pub fn revoke_token(&self) {
        self.shared.world().is_revoked = true;
    }

    pub fn restore_token(&self) {
        self.shared.world().is_revoked = false;
    }

    /// The commands that the bot has registered everywhere, or for one guild.
    pub fn commands(&self, guild: Option<&str>) -> Vec<Value> {
        let world = self.shared.world();
        match guild {
            None => world.global_commands.clone(),
            Some(guild) => world.guild_commands.get(guild).cloned().unwrap_or_default(),
        }
    }
}

impl Drop for Discord {
    fn drop(&mut self) {
        self.servers.iter().for_each(tokio::task::JoinHandle::abort);
        let unread = self.take_unread();
        if !std::thread::panicking() && !self.shared.world().is_unwatched {
            assert!(
                unread.is_empty(),
                "nobody looked at what Discord got:\n{}",
                unread.join("\n")
            );
        }
    }
}
