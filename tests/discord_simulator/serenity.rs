//! A client that is not ours against the simulator: serenity's own calls.

use super::commands::HERE;
use super::stub::StubBot;
use super::{IN_OPS, button, done, with_buttons};
use crate::harness::discord::{BOT_TOKEN, Discord, Route};
use reqwest::Method;
use serde_json::{Value, json};
use serenity::all::*;
use std::sync::Arc;

fn client(discord: &Discord) -> Http {
    HttpBuilder::new(BOT_TOKEN)
        .proxy(discord.address())
        .ratelimiter_disabled(true)
        .application_id(ApplicationId::new(800))
        .build()
}

const OPS: ChannelId = ChannelId::new(9001);
const SHOP: GuildId = GuildId::new(900);

#[tokio::test]
async fn it_registers_commands() {
    let discord = Discord::start().await;
    let http = client(&discord);
    let order = CreateCommandOption::new(CommandOptionType::Integer, "order", "Which order")
        .required(true)
        .set_autocomplete(true);
    let command = CreateCommand::new("forward-order")
        .description("Forwards an order")
        .add_option(order);
    let registered = SHOP.set_commands(&http, vec![command]).await.unwrap();
    assert_eq!((registered.len(), registered[0].name.as_str()), (1, "forward-order"));
    let known = SHOP.get_commands(&http).await.unwrap();
    assert_eq!(known[0].id, registered[0].id);
    let bad = CreateCommand::new("Not This").description("x");
    let Err(Error::Http(HttpError::UnsuccessfulRequest(told))) = SHOP.set_commands(&http, vec![bad]).await else {
        panic!("a bad name was taken");
    };
    assert_eq!(told.error.code, 50035);
    assert_eq!(told.error.errors[0].path, "0.name");
    discord.take_refused();
    discord.check();
}

#[tokio::test]
async fn it_posts_edits_and_reads() {
    let discord = Discord::start().await;
    let http = client(&discord);
    let row = CreateActionRow::Buttons(vec![CreateButton::new("a1").label("Approve")]);
    let embed = CreateEmbed::new()
        .title("Run")
        .field("Orders", "3", true)
        .attachment("chart.png");
    let chart = CreateAttachment::bytes(vec![1, 2, 3], "chart.png");
    let mentions = CreateAllowedMentions::new().roles([RoleId::new(7001)]);
    let message = CreateMessage::new()
        .content("<@&7001> may approve")
        .allowed_mentions(mentions)
        .embed(embed)
        .components(vec![row])
        .add_file(chart)
        .nonce(Nonce::String("run-1".into()))
        .enforce_nonce(true);
    let mut posted = OPS.send_message(&http, message.clone()).await.unwrap();
    assert_eq!(
        OPS.send_message(&http, message).await.unwrap().id,
        posted.id,
        "the same nonce"
    );
    let seen = discord.posted("9001").await;
    assert_eq!(
        seen.seen(),
        "<@&7001> may approve\nRun\nOrders\n3\n[Approve]\nfile chart.png"
    );
    assert_eq!(
        (seen.pings, seen.shown.files[0].bytes.clone()),
        (vec!["@&7001".to_owned()], vec![1, 2, 3])
    );
    let edit = EditMessage::new().content("decided").components(vec![]);
    posted.edit(&http, edit).await.unwrap();
    assert_eq!(posted.content, "decided");
    let thread = CreateThread::new("Run 1").auto_archive_duration(AutoArchiveDuration::OneDay);
    let thread = OPS.create_thread_from_message(&http, posted.id, thread).await.unwrap();
    thread.id.say(&http, "a step").await.unwrap();
    assert_eq!(discord.posted(&thread.id.to_string()).await.seen(), "a step");
    let found = OPS.messages(&http, GetMessages::new().limit(10)).await.unwrap();
    assert_eq!(
        (found.len(), found[0].thread.as_ref().map(|thread| thread.name.clone())),
        (1, Some("Run 1".into()))
    );
    let direct = UserId::new(101).create_dm_channel(&http).await.unwrap();
    direct.id.say(&http, "alone").await.unwrap();
    assert_eq!(discord.posted(&discord.direct("101")).await.seen(), "alone");
    posted.delete(&http).await.unwrap();
    discord.check();
}

#[tokio::test]
async fn it_reads_guilds_and_members() {
    let discord = Discord::start().await;
    let http = client(&discord);
    assert_eq!(http.get_guild(SHOP).await.unwrap().name, "shop");
    assert!(
        http.get_guild_roles(SHOP)
            .await
            .unwrap()
            .iter()
            .any(|role| role.name == "ops")
    );
    let dana = http.get_member(SHOP, UserId::new(101)).await.unwrap();
    assert_eq!((dana.user.name.as_str(), dana.roles), ("dana", vec![RoleId::new(7001)]));
    assert_eq!(http.get_current_user().await.unwrap().name, "signalbox");
    assert_eq!(http.get_current_application_info().await.unwrap().id.get(), 800);
    assert!(http.get_channel(OPS).await.unwrap().guild().is_some());
    discord.check();
}

#[tokio::test]
async fn it_answers_interactions() {
    let mut discord = Discord::start().await;
    let (told, mut deliveries) = tokio::sync::mpsc::unbounded_channel::<Value>();
    let bot = StubBot::start(&discord.public_key(), move |delivery| {
        told.send(delivery.clone()).unwrap();
        Some(Value::Null)
    })
    .await;
    discord.connect(&bot.url);
    let http = Arc::new(client(&discord));
    done(
        &discord,
        Method::PUT,
        HERE,
        json!([{"name": "do", "description": "does"}]),
    )
    .await;
    done(&discord, Method::POST, IN_OPS, with_buttons(&[button("Go", "g1")])).await;
    let message = discord.posted("9001").await;
    let answering = http.clone();
    let answers = tokio::spawn(async move {
        let http = answering;
        let typed: Interaction = serde_json::from_value(deliveries.recv().await.unwrap()).unwrap();
        let typed = typed.command().unwrap();
        typed.defer_ephemeral(&http).await.unwrap();
        let chart = CreateAttachment::bytes(vec![7], "chart.png");
        typed
            .edit_response(
                &http,
                EditInteractionResponse::new().content("kept").new_attachment(chart),
            )
            .await
            .unwrap();
        let more = CreateInteractionResponseFollowup::new()
            .content("and more")
            .ephemeral(true);
        typed.create_followup(&http, more).await.unwrap();
        let pressed: Interaction = serde_json::from_value(deliveries.recv().await.unwrap()).unwrap();
        let pressed = pressed.message_component().unwrap();
        let shown = CreateInteractionResponseMessage::new()
            .content("pressed")
            .components(vec![]);
        pressed
            .create_response(&http, CreateInteractionResponse::UpdateMessage(shown))
            .await
            .unwrap();
        let again = CreateInteractionResponse::Acknowledge;
        let Err(Error::Http(HttpError::UnsuccessfulRequest(told))) = pressed.create_response(&http, again).await else {
            panic!("answered twice");
        };
        told.error.code
    });
    assert_eq!(discord.person("101").types("9001", "/do", &[]).await.kind(), 5);
    assert_eq!(discord.whisper("101").await.seen(), "kept\nfile chart.png");
    assert_eq!(discord.whisper("101").await.seen(), "and more");
    assert_eq!(discord.person("102").presses(&message, "Go").await.kind(), 7);
    assert_eq!(answers.await.unwrap(), 40060);
    assert_eq!(discord.now(&message).seen(), "pressed");
    assert_eq!(discord.calls(Route::Callback).len(), 3);
    discord.take_refused();
    discord.check();
}
