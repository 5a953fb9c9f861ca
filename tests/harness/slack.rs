//! A Slack that keeps to the platform's rules: an axum server on a private port, with channels, people who type and press,
//! and faults to inject. Where the rules come from stands in the facts of chat; what is not verified there says so here.
//!
//! A message that no test has looked at fails the test when the simulator is dropped: an answer too many is a bug.

mod api;
mod form;
mod judge;
mod person;
mod socket;
mod view;
mod world;

pub use api::Fault;
pub use form::Submitted;
pub use person::{Oddity, Person, Sent};
pub use socket::Acked;
pub use world::{Call, File, Message, Whisper};

use secrecy::SecretString;
use serde_json::Value;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::sync::watch;
use world::{Strike, World};

/// Whether Slack would take a message; the words say why not.
pub fn judged(message: &serde_json::Value) -> Result<(), String> {
    match judge::message(message) {
        Ok(_) => Ok(()),
        Err(refusal) => Err(format!("{}: {}", refusal.code, refusal.detail)),
    }
}

pub const BOT_TOKEN: &str = "xoxb-simulated-bot";
pub const APP_TOKEN: &str = "xapp-simulated-app";
pub const SIGNING_SECRET: &str = "simulated-signing-secret";

/// How long a test waits for what should come at once.
const PATIENCE: Duration = Duration::from_secs(40);

/// The simulator. Dropping it stops the server and fails the test where something was left unread.
pub struct Slack {
    shared: Arc<Shared>,
    address: String,
    /// By which deliveries go out.
    client: reqwest::Client,
    bot: Option<Bot>,
    servers: [tokio::task::JoinHandle<()>; 2],
}

/// How deliveries reach the bot.
enum Bot {
    /// At this address, `http://127.0.0.1:8080`.
    Http(String),
    /// Over the connections that it holds.
    Socket,
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

impl Slack {
    /// Team `T1` with channels `C0OPS` and `C0ALERTS`, the bot in both, and the people `U1`, `U2`, `U3`.
    pub async fn start() -> Self {
        // Whoever comes first installs it; it is the same one.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let shared = Arc::new(Shared {
            world: Mutex::new(World::new(address.clone())),
            changes: watch::Sender::new(0),
        });
        let router = api::router(shared.clone());
        let web = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let servers = [web, socket::listen(shared.clone()).await];
        Self {
            shared,
            address,
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
        format!("{}/api", self.address)
    }

    pub fn bot_token(&self) -> SecretString {
        BOT_TOKEN.to_owned().into()
    }

    /// Where commands and presses are sent to, `http://127.0.0.1:8080`.
    pub fn connect(&mut self, bot: impl Into<String>) {
        self.bot = Some(Bot::Http(bot.into()));
    }

    pub fn person<'a>(&'a self, user: &'a str) -> Person<'a> {
        Person::new(self, user)
    }

    /// The next message in a channel, outside of threads, that no test has looked at.
    pub async fn posted(&self, channel: &str) -> Message {
        self.next(&format!("a message in {channel}"), |world| {
            world.read_message(channel, None)
        })
        .await
    }

    /// The next message in a thread that no test has looked at.
    pub async fn reply(&self, parent: &Message) -> Message {
        let what = format!("a reply to {}", parent.ts);
        self.next(&what, |world| world.read_message(&parent.channel, Some(&parent.ts)))
            .await
    }

    /// The next message in a channel, where it takes longer than what should come at once.
    pub async fn posted_within(&self, channel: &str, seconds: u64) -> Message {
        let within = Duration::from_secs(seconds);
        self.next_within(&format!("a message in {channel}"), within, |world| {
            world.read_message(channel, None)
        })
        .await
    }

    /// The next message in a thread, where it takes longer than what should come at once.
    pub async fn reply_within(&self, parent: &Message, seconds: u64) -> Message {
        let within = Duration::from_secs(seconds);
        self.next_within(&format!("a reply to {}", parent.ts), within, |world| {
            world.read_message(&parent.channel, Some(&parent.ts))
        })
        .await
    }

    /// The next message for one person alone that no test has looked at.
    pub async fn whisper(&self, user: &str) -> Whisper {
        self.next(&format!("a whisper to {user}"), |world| world.read_whisper(user))
            .await
    }

    /// The message as it stands once it fulfils a condition.
    pub async fn until(&self, message: &Message, holds: impl Fn(&Message) -> bool) -> Message {
        let what = format!("{} to change", message.ts);
        self.next(&what, |world| {
            world
                .message(&message.channel, &message.ts)
                .filter(|now| holds(now))
                .cloned()
        })
        .await
    }

    /// The same for what takes longer than what should come at once.
    pub async fn until_within(&self, message: &Message, seconds: u64, holds: impl Fn(&Message) -> bool) -> Message {
        let what = format!("{} to change", message.ts);
        let find = |world: &mut World| {
            world
                .message(&message.channel, &message.ts)
                .filter(|now| holds(now))
                .cloned()
        };
        self.next_within(&what, Duration::from_secs(seconds), find).await
    }

    /// The next message for one person alone, where it takes longer than what should come at once.
    pub async fn whisper_within(&self, user: &str, seconds: u64) -> Whisper {
        let within = Duration::from_secs(seconds);
        self.next_within(&format!("a whisper to {user}"), within, |world| {
            world.read_whisper(user)
        })
        .await
    }

    /// The message as it stands now.
    pub fn now(&self, message: &Message) -> Message {
        self.shared
            .world()
            .message(&message.channel, &message.ts)
            .cloned()
            .expect("the message is gone")
    }

    async fn next<T>(&self, what: &str, find: impl Fn(&mut World) -> Option<T>) -> T {
        self.next_within(what, PATIENCE, find).await
    }

    async fn next_within<T>(&self, what: &str, within: Duration, find: impl Fn(&mut World) -> Option<T>) -> T {
        let mut changes = self.shared.changes.subscribe();
        let search = async {
            loop {
                if let Some(found) = find(&mut self.shared.world()) {
                    return found;
                }
                changes.changed().await.expect("the simulator is gone");
            }
        };
        match tokio::time::timeout(within, search).await {
            Ok(found) => found,
            Err(_) => panic!("waited for {what}; Slack has:\n{}", self.shared.world().describe()),
        }
    }

    /// The next call of a method meets this fault.
    pub fn fault(&self, method: &str, fault: Fault) {
        self.strike(method, None, 0, fault);
    }

    /// A call of a method meets this fault after so many that do not.
    pub fn fault_after(&self, method: &str, spares: usize, fault: Fault) {
        self.strike(method, None, spares, fault);
    }

    /// The next call of a method about this channel meets this fault.
    pub fn fault_in(&self, channel: &str, method: &str, fault: Fault) {
        self.strike(method, Some(channel.to_owned()), 0, fault);
    }

    fn strike(&self, method: &str, channel: Option<String>, spares: usize, fault: Fault) {
        let method = method.to_owned();
        self.shared.world().faults.push(Strike {
            method,
            channel,
            spares,
            fault,
        });
    }

    /// From now on, or no longer, nothing answers properly.
    pub fn outage(&self, is_out: bool) {
        self.shared.world().is_out = is_out;
    }

    /// The app is sold outside of Slack's own shop, so it may read fifteen messages a minute.
    pub fn make_commercial(&self) {
        self.shared.world().is_commercial = true;
    }

    pub fn make_private(&self, channel: &str) {
        self.shared.world().channel_mut(channel).is_private = true;
    }

    /// Somebody new in the workspace.
    pub fn hire(&self, user: &str, name: &str) {
        let mut world = self.shared.world();
        world.people.insert(user.to_owned(), (name.to_owned(), "T1".to_owned()));
    }

    /// Somebody else writes something.
    pub fn chat(&self, user: &str, channel: &str, text: &str, metadata: Value) -> Message {
        let mut message = Message::new(channel, None, text, Vec::new());
        message.user = user.to_owned();
        message.metadata = metadata;
        let mut world = self.shared.world();
        let ts = world.add_message(message);
        let read = world.read_message(channel, None);
        read.filter(|read| read.ts == ts)
            .expect("something before it is unread")
    }

    /// Time for limits and expiry stands still from now on, and moves by [`Slack::advance`] alone.
    pub fn freeze(&self) {
        self.shared.world().clock.freeze();
    }

    pub fn advance(&self, by: Duration) {
        self.shared.world().clock.advance(by);
    }

    /// Every call of a method so far, with what it was answered.
    pub fn calls(&self, method: &str) -> Vec<Call> {
        self.shared
            .world()
            .calls
            .iter()
            .filter(|call| call.method == method)
            .cloned()
            .collect()
    }

    pub fn files(&self) -> Vec<File> {
        self.shared.world().files.values().cloned().collect()
    }

    /// All that the bot has ever sent: calls, messages with their earlier forms, and files.
    pub fn everything(&self) -> String {
        let world = self.shared.world();
        let calls = world.calls.iter().map(|call| call.arguments.to_string());
        let messages = world.channels.values().flat_map(|channel| &channel.messages);
        let messages = messages.map(|message| format!("{message:?}"));
        let whispers = world.whispers.iter().map(|whisper| format!("{whisper:?}"));
        let files = world.files.values().map(|file| {
            let bytes = file.bytes.as_deref().unwrap_or_default();
            format!("{} {} {}", file.name, file.title, String::from_utf8_lossy(bytes))
        });
        calls
            .chain(messages)
            .chain(whispers)
            .chain(files)
            .collect::<Vec<_>>()
            .join("\n")
    }

    /// What a person has seen of Slack's own complaints about the bot: `operation_timeout`, `dispatch_failed`.
    pub fn complaints(&self) -> Vec<(String, String)> {
        self.shared.world().complaints.clone()
    }

    /// How the bot misused Slack without being refused.
    pub fn misuse(&self) -> Vec<String> {
        self.shared.world().misuse.clone()
    }

    pub fn archive(&self, channel: &str) {
        self.shared.world().channel_mut(channel).is_archived = true;
    }

    pub fn kick_bot(&self, channel: &str) {
        self.shared.world().channel_mut(channel).has_bot = false;
    }

    pub fn invite_bot(&self, channel: &str) {
        self.shared.world().channel_mut(channel).has_bot = true;
    }

    pub fn delete(&self, message: &Message) {
        self.shared
            .world()
            .channel_mut(&message.channel)
            .messages
            .retain(|known| known.ts != message.ts);
    }

    /// Takes a scope from the bot token.
    pub fn withdraw_scope(&self, scope: &str) {
        self.shared.world().scopes.remove(scope);
    }

    pub fn grant_scope(&self, scope: &'static str) {
        self.shared.world().scopes.insert(scope);
    }

    pub fn revoke_token(&self) {
        self.shared.world().is_revoked = true;
    }

    pub fn restore_token(&self) {
        self.shared.world().is_revoked = false;
    }

    /// A user group that nobody uses any more; it keeps its members.
    pub fn disable_group(&self, group: &str) {
        self.shared.world().disabled_groups.insert(group.to_owned());
    }

    /// Members of a user group.
    pub fn set_group(&self, group: &str, members: &[&str]) {
        let members = members.iter().map(|member| (*member).to_owned()).collect();
        self.shared.world().groups.insert(group.to_owned(), members);
    }

    /// From now on it does not matter what nobody looks at.
    pub fn look_away(&self) {
        self.shared.world().is_unwatched = true;
    }

    /// What nobody has looked at yet; empties the list.
    pub fn take_unread(&self) -> Vec<String> {
        self.shared.world().take_unread()
    }

    /// A response URL as a delivery would carry it.
    pub fn response_url(&self, channel: &str, user: &str) -> String {
        self.shared.world().new_response_url(channel, user, None)
    }
}

impl Drop for Slack {
    fn drop(&mut self) {
        self.servers.iter().for_each(tokio::task::JoinHandle::abort);
        let unread = self.take_unread();
        if !std::thread::panicking() && !self.shared.world().is_unwatched {
            assert!(
                unread.is_empty(),
                "nobody looked at what Slack got:\n{}",
                unread.join("\n")
            );
        }
    }
}
