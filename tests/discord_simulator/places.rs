//! Guilds, channels and threads, and what the bot may do in them.

use super::{IN_OPS, call, done, get, hello, objection, post, refused, with};
use crate::harness::discord::{Discord, permission};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

#[tokio::test]
async fn guilds_and_members_are_found() {
    let discord = Discord::start().await;
    assert_eq!(get(&discord, "guilds/900").await.1["name"], "shop");
    let roles = get(&discord, "guilds/900/roles").await.1;
    assert!(
        roles
            .as_array()
            .unwrap()
            .iter()
            .any(|role| role["id"] == "7001" && role["name"] == "ops")
    );
    let member = get(&discord, "guilds/900/members/101").await.1;
    assert_eq!(
        (&member["roles"], &member["user"]["username"]),
        (&json!(["7001"]), &json!("dana"))
    );
    discord.set_roles("900", "101", &["7002", "7003"]);
    discord.delete_role("900", "7003");
    assert_eq!(
        get(&discord, "guilds/900/members/101").await.1["roles"],
        json!(["7002"])
    );
    discord.leaves("900", "101");
    for (path, code) in [
        ("guilds/900/members/101", 10007),
        ("guilds/900/members/1", 10013),
        ("guilds/1", 10004),
        ("channels/1", 10003),
    ] {
        assert_eq!(refused(&get(&discord, path).await), (404, code), "{path}");
    }
    discord.kick_bot("900");
    for path in ["guilds/900", "channels/9001", "applications/800/guilds/900/commands"] {
        assert_eq!(refused(&get(&discord, path).await), (403, 50001), "{path}");
    }
}

#[tokio::test]
async fn the_bot_does_what_it_may() {
    let discord = Discord::start().await;
    assert_eq!(
        refused(&post(&discord, "channels/9004/messages", hello()).await),
        (400, 50008)
    );
    let embed = json!({"embeds": [{"title": "t"}]});
    discord.forbid("9001", permission::EMBED_LINKS);
    assert_eq!(refused(&post(&discord, IN_OPS, embed.clone()).await), (403, 50013));
    done(&discord, Method::POST, IN_OPS, hello()).await;
    let parent = discord.posted("9001").await;
    discord.forbid("9001", permission::READ_MESSAGE_HISTORY);
    assert_eq!(
        get(&discord, IN_OPS).await,
        (200, json!([])),
        "without the right there is no history"
    );
    assert_eq!(
        refused(&get(&discord, &format!("{IN_OPS}/{}", parent.id)).await),
        (403, 50001)
    );
    let reply = with(hello(), "message_reference", json!({"message_id": parent.id}));
    assert_eq!(refused(&post(&discord, IN_OPS, reply).await), (400, 160_002));
    discord.forbid("9001", permission::SEND_MESSAGES);
    assert_eq!(refused(&post(&discord, IN_OPS, hello()).await), (403, 50013));
    discord.forbid("9001", permission::VIEW_CHANNEL);
    discord.advance(Duration::from_secs(5));
    assert_eq!(refused(&post(&discord, IN_OPS, hello()).await), (403, 50001));
    discord.allow("9001", permission::OF_BOT);
    done(&discord, Method::POST, IN_OPS, embed).await;
    discord.posted("9001").await;
    discord.delete_channel("9001");
    discord.advance(Duration::from_secs(5));
    assert_eq!(refused(&post(&discord, IN_OPS, hello()).await), (404, 10003));
}

#[tokio::test]
async fn a_thread_hangs_on_a_message() {
    let discord = Discord::start().await;
    let message = done(&discord, Method::POST, IN_OPS, hello()).await;
    let parent = discord.posted("9001").await;
    let start = format!("{IN_OPS}/{}/threads", parent.id);
    let nameless = post(&discord, &start, json!({"name": ""})).await;
    assert_eq!(objection(&nameless, "name"), "BASE_TYPE_REQUIRED");
    let odd = post(&discord, &start, json!({"name": "run", "auto_archive_duration": 61})).await;
    assert_eq!(objection(&odd, "auto_archive_duration"), "BASE_TYPE_CHOICES");
    let (status, thread) = post(&discord, &start, json!({"name": "run", "auto_archive_duration": 60})).await;
    assert_eq!(
        (status, &thread["id"], &thread["type"]),
        (201, &message["id"], &json!(11))
    );
    assert_eq!(
        refused(&post(&discord, &start, json!({"name": "run"})).await),
        (400, 160_004)
    );
    let inside = format!("channels/{}/messages", parent.id);
    let said = done(&discord, Method::POST, &inside, json!({"content": "inside"})).await;
    assert_eq!(discord.reply(&parent).await.seen(), "inside");
    assert_eq!(
        get(&discord, &format!("{IN_OPS}/{}", parent.id)).await.1["thread"]["id"],
        message["id"]
    );
    let nested = format!("{inside}/{}/threads", said["id"].as_str().unwrap());
    assert_eq!(
        refused(&post(&discord, &nested, json!({"name": "in it"})).await),
        (400, 50024)
    );
    discord.forbid("9001", permission::SEND_MESSAGES_IN_THREADS);
    assert_eq!(refused(&post(&discord, &inside, hello()).await), (403, 50013));
    discord.forbid("9001", permission::CREATE_PUBLIC_THREADS);
    assert_eq!(
        refused(&post(&discord, &start, json!({"name": "run"})).await),
        (403, 50013)
    );
}

#[tokio::test]
async fn a_thread_that_rests_is_archived_and_a_message_wakes_it() {
    let discord = Discord::start().await;
    discord.freeze();
    done(&discord, Method::POST, IN_OPS, hello()).await;
    let parent = discord.posted("9001").await;
    let name = json!({"name": "run", "auto_archive_duration": 60});
    done(&discord, Method::POST, &format!("{IN_OPS}/{}/threads", parent.id), name).await;
    let thread = format!("channels/{}", parent.id);
    let inside = format!("{thread}/messages");
    let first = done(&discord, Method::POST, &inside, hello()).await;
    discord.advance(Duration::from_secs(3600));
    assert_eq!(
        get(&discord, &thread).await.1["thread_metadata"]["archived"],
        json!(true)
    );
    let edit = format!("{inside}/{}", first["id"].as_str().unwrap());
    assert_eq!(
        refused(&call(&discord, Method::PATCH, &edit, hello()).await),
        (400, 50083)
    );
    done(&discord, Method::PATCH, &thread, json!({"archived": false})).await;
    assert_eq!(
        get(&discord, &thread).await.1["thread_metadata"]["archived"],
        json!(false)
    );
    discord.archive(&parent.id, false);
    done(&discord, Method::POST, &inside, hello()).await;
    done(&discord, Method::PATCH, &edit, json!({"content": "after"})).await;
    discord.archive(&parent.id, true);
    assert_eq!(refused(&post(&discord, &inside, hello()).await), (400, 50083));
    let unlock = call(&discord, Method::PATCH, &thread, json!({"archived": false})).await;
    assert_eq!(refused(&unlock), (403, 50013), "what is locked is for moderators");
    assert_eq!(discord.take_unread().len(), 2);
}

#[tokio::test]
async fn a_channel_is_read_page_by_page() {
    let discord = Discord::start().await;
    discord.freeze();
    let ids: Vec<String> = (0..5)
        .map(|at| discord.chat("101", "9001", &at.to_string()).id)
        .collect();
    let read = async |query: &str| {
        let (_, page) = get(&discord, &format!("{IN_OPS}?{query}")).await;
        let page = page.as_array().unwrap().iter();
        let at = |message: &Value| ids.iter().position(|id| message["id"] == **id).unwrap();
        page.map(at).collect::<Vec<_>>()
    };
    assert_eq!(read("").await, [4, 3, 2, 1, 0]);
    assert_eq!(read("limit=2").await, [4, 3]);
    assert_eq!(read(&format!("limit=2&before={}", ids[3])).await, [2, 1]);
    assert_eq!(
        read(&format!("limit=2&after={}", ids[0])).await,
        [2, 1],
        "the oldest of those that are newer"
    );
    let many = get(&discord, &format!("{IN_OPS}?limit=101")).await;
    assert_eq!(objection(&many, "limit"), "NUMBER_TYPE_MAX");
    let odd = get(&discord, &format!("{IN_OPS}?before=x")).await;
    assert_eq!(objection(&odd, "before"), "NUMBER_TYPE_COERCE");
    let (_, theirs) = get(&discord, &format!("{IN_OPS}/{}", ids[0])).await;
    assert_eq!(theirs["content"], "", "what people write is not for a bot to read");
}

#[tokio::test]
async fn a_person_is_written_to_alone() {
    let discord = Discord::start().await;
    let (_, channel) = post(&discord, "users/@me/channels", json!({"recipient_id": "101"})).await;
    assert_eq!(
        (&channel["type"], &channel["recipients"][0]["id"]),
        (&json!(1), &json!("101"))
    );
    let id = channel["id"].as_str().unwrap();
    assert_eq!(discord.direct("101"), id, "there is one for each person");
    done(&discord, Method::POST, &format!("channels/{id}/messages"), hello()).await;
    assert_eq!(discord.posted(id).await.seen(), "hello");
    discord.close_direct("101");
    assert_eq!(
        refused(&post(&discord, &format!("channels/{id}/messages"), hello()).await),
        (403, 50007)
    );
    assert_eq!(
        refused(&post(&discord, "users/@me/channels", json!({"recipient_id": "1"})).await),
        (404, 10013)
    );
    let odd = post(&discord, "users/@me/channels", json!({"recipient_id": "dana"})).await;
    assert_eq!(objection(&odd, "recipient_id"), "NUMBER_TYPE_COERCE");
}
