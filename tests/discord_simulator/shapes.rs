//! What the simulator sends has the shape that other people's types expect of the real one.

use super::commands::HERE;
use super::stub::StubBot;
use super::{IN_OPS, button, done, get, with_buttons};
use crate::harness::discord::Discord;
use reqwest::Method;
use serde_json::{Value, json};
use serenity::all as theirs;
use twilight_model::application::interaction::{Interaction, InteractionType};

fn modal(told: &Value) -> Option<Value> {
    let input = json!({"type": 4, "custom_id": "reason", "label": "Reason", "style": 1});
    let form = json!({"custom_id": "m", "title": "Why", "components": [{"type": 1, "components": [input]}]});
    Some(match told["type"].as_u64() {
        Some(4) => json!({"type": 8, "data": {"choices": []}}),
        Some(5) => json!({"type": 6}),
        _ => json!({"type": 9, "data": form}),
    })
}

#[tokio::test]
async fn interactions_are_read_by_two_libraries() {
    let mut discord = Discord::start().await;
    let bot = StubBot::start(&discord.public_key(), modal).await;
    discord.connect(&bot.url);
    let option = json!({"name": "order", "description": "which", "type": 4, "autocomplete": true});
    let user = json!({"name": "who", "description": "whom", "type": 6});
    let command = json!({"name": "do", "description": "does", "options": [option, user]});
    done(&discord, Method::PUT, "applications/800/commands", json!([command])).await;
    done(&discord, Method::POST, IN_OPS, with_buttons(&[button("Go", "g1")])).await;
    let message = discord.posted("9001").await;
    let person = discord.person("101");
    let direct = discord.direct("101");
    person
        .types("9001", "/do", &[("order", json!(1)), ("who", json!("102"))])
        .await;
    person.types(&direct, "/do", &[]).await;
    person.completes("9001", "/do", &[], ("order", "1")).await;
    let shown = person.presses(&message, "Go").await;
    person.submits(&shown, &[("reason", "because")]).await;
    let kinds: Vec<InteractionType> = bot
        .received()
        .into_iter()
        .map(|told| {
            let other: theirs::Interaction =
                serde_json::from_value(told.clone()).unwrap_or_else(|why| panic!("{why}: {told}"));
            let read: Interaction = serde_json::from_value(told.clone()).unwrap_or_else(|why| panic!("{why}: {told}"));
            assert_eq!(read.id.get(), other.id().get());
            assert_eq!(read.author_id().map(|id| id.get()), Some(101));
            read.kind
        })
        .collect();
    use InteractionType::{ApplicationCommand, ApplicationCommandAutocomplete, MessageComponent, ModalSubmit};
    let all = [
        ApplicationCommand,
        ApplicationCommand,
        ApplicationCommandAutocomplete,
        MessageComponent,
        ModalSubmit,
    ];
    assert_eq!(kinds, all);
}

#[tokio::test]
async fn answers_of_the_api_are_read_by_two_libraries() {
    let discord = Discord::start().await;
    let message = done(&discord, Method::POST, IN_OPS, with_buttons(&[button("Go", "g1")])).await;
    let id = discord.posted("9001").await.id;
    done(
        &discord,
        Method::POST,
        &format!("{IN_OPS}/{id}/threads"),
        json!({"name": "run"}),
    )
    .await;
    done(
        &discord,
        Method::PUT,
        HERE,
        json!([{"name": "do", "description": "does"}]),
    )
    .await;
    let parsed =
        |what: &str, outcome: Result<(), serde_json::Error>| outcome.unwrap_or_else(|why| panic!("{what}: {why}"));
    macro_rules! reads {
        ($json:expr, $($kind:ty),+) => {
            $(parsed(stringify!($kind), serde_json::from_value::<$kind>($json.clone()).map(|_| ()));)+
        };
    }
    use twilight_model::{application::command, channel, guild, user};
    reads!(message, theirs::Message, channel::Message);
    let (_, with_thread) = get(&discord, &format!("{IN_OPS}/{id}")).await;
    reads!(with_thread, theirs::Message, channel::Message);
    reads!(
        get(&discord, "channels/9001").await.1,
        theirs::GuildChannel,
        channel::Channel
    );
    reads!(
        get(&discord, &format!("channels/{id}")).await.1,
        theirs::GuildChannel,
        channel::Channel
    );
    reads!(
        get(&discord, "guilds/900/roles").await.1,
        Vec<theirs::Role>,
        Vec<guild::Role>
    );
    reads!(get(&discord, "guilds/900").await.1, theirs::PartialGuild);
    reads!(get(&discord, "guilds/900/members/101").await.1, guild::Member);
    reads!(
        get(&discord, "users/@me").await.1,
        theirs::CurrentUser,
        user::CurrentUser
    );
    reads!(
        get(&discord, "applications/@me").await.1,
        theirs::CurrentApplicationInfo,
        twilight_model::oauth::Application
    );
    reads!(get(&discord, HERE).await.1, Vec<theirs::Command>, Vec<command::Command>);
    let (_, direct) = super::post(&discord, "users/@me/channels", json!({"recipient_id": "101"})).await;
    reads!(direct, theirs::PrivateChannel, channel::Channel);
}
