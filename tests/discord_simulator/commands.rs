//! Which commands Discord registers.

use super::{call, done, get, objection, refused, with};
use crate::harness::discord::Discord;
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

pub const HERE: &str = "applications/800/guilds/900/commands";
const EVERYWHERE: &str = "applications/800/commands";

fn command(name: &str) -> Value {
    json!({"name": name, "description": "does it"})
}

fn option(name: &str, kind: u64) -> Value {
    json!({"name": name, "description": "what", "type": kind})
}

fn with_options(options: &[Value]) -> Value {
    with(command("do"), "options", options.into())
}

#[tokio::test]
async fn the_commands_are_these_and_no_others() {
    let discord = Discord::start().await;
    let first = done(&discord, Method::PUT, HERE, json!([command("one"), command("two")])).await;
    let second = done(&discord, Method::PUT, HERE, json!([command("two"), command("three")])).await;
    assert_eq!(
        (&first[1]["id"], &first[1]["guild_id"]),
        (&second[0]["id"], &json!("900"))
    );
    let (_, known) = get(&discord, HERE).await;
    assert_eq!(known, second);
    assert_eq!(get(&discord, EVERYWHERE).await.1, json!([]));
    discord.advance(Duration::from_secs(10));
    done(&discord, Method::PUT, HERE, json!([])).await;
    assert_eq!(discord.commands(Some("900")), [] as [Value; 0]);
    done(&discord, Method::PUT, EVERYWHERE, json!([command("all")])).await;
    assert_eq!(discord.commands(None)[0]["name"], "all");
    let other = call(&discord, Method::PUT, "applications/801/commands", json!([])).await;
    assert_eq!(refused(&other), (404, 10002));
    let unknown = call(&discord, Method::PUT, "applications/800/guilds/1/commands", json!([])).await;
    assert_eq!(refused(&unknown), (403, 50001));
    discord.take_refused();
    discord.check();
}

#[tokio::test]
async fn two_hundred_new_ones_a_day() {
    let discord = Discord::start().await;
    discord.freeze();
    let set = |from: usize| -> Value { (from..from + 100).map(|at| command(&format!("c{at}"))).collect() };
    for from in [0, 100] {
        done(&discord, Method::PUT, HERE, set(from)).await;
    }
    discord.advance(Duration::from_secs(10));
    done(&discord, Method::PUT, HERE, set(100)).await;
    assert_eq!(
        refused(&call(&discord, Method::PUT, HERE, set(200)).await),
        (429, 30034)
    );
    discord.advance(Duration::from_secs(24 * 3600));
    done(&discord, Method::PUT, HERE, set(200)).await;
}

#[tokio::test]
async fn the_largest_commands_are_registered() {
    let discord = Discord::start().await;
    let choices: Vec<Value> = (0..25).map(|at| json!({"name": at.to_string(), "value": at})).collect();
    let many: Vec<Value> = (0..25).map(|at| option(&format!("o{at}"), 3)).collect();
    let approve = with(
        option("approve", 1),
        "options",
        json!([with(option("run", 3), "required", json!(true))]),
    );
    let group = with(option("runs", 2), "options", json!([option("list", 1)]));
    let taken = json!([
        with(command("größe-1_x'y"), "options", json!([with(option("n", 4), "choices", choices.into())])),
        with(command("many"), "options", many.into()),
        with(command("tree"), "options", json!([approve, group])),
        with(command("text"), "options", json!([with(with(option("t", 3), "min_length", json!(1)), "max_length", json!(6000))])),
        with(with(command("admins"), "default_member_permissions", json!("0")), "contexts", json!([0])),
        {"name": "Act on this", "type": 3},
    ]);
    let registered = done(&discord, Method::PUT, HERE, taken).await;
    assert_eq!(registered.as_array().unwrap().len(), 6);
    discord.check();
}

#[tokio::test]
async fn what_is_wrong_with_a_command_is_told() {
    let optional = option("a", 3);
    let required = with(option("b", 3), "required", json!(true));
    let completed = with(option("a", 3), "autocomplete", json!(true));
    let choice = json!({"name": "c", "value": "v"});
    let described = |length: usize| with(option("a", 3), "description", json!("d".repeat(length)));
    let longest: Vec<Value> = (0..25)
        .map(|at| with(described(100), "name", json!(format!("{at:0>32}"))))
        .collect();
    let crowded: Vec<Value> = longest
        .iter()
        .map(|one| {
            let choices: Vec<Value> = (0..3)
                .map(
                    |at| json!({"name": format!("{at}{}", "n".repeat(50)), "value": format!("{at}{}", "v".repeat(50))}),
                )
                .collect();
            with(one.clone(), "choices", choices.into())
        })
        .collect();
    let cases = [
        (json!([command("Do")]), "0.name", "APPLICATION_COMMAND_INVALID_NAME"),
        (json!([command("do it")]), "0.name", "APPLICATION_COMMAND_INVALID_NAME"),
        (json!([command(&"x".repeat(33))]), "0.name", "BASE_TYPE_BAD_LENGTH"),
        (json!([{"name": "do"}]), "0.description", "BASE_TYPE_REQUIRED"),
        (
            json!([with(command("do"), "description", json!("x".repeat(101)))]),
            "0.description",
            "BASE_TYPE_BAD_LENGTH",
        ),
        (
            json!([command("do"), command("do")]),
            "1",
            "APPLICATION_COMMANDS_DUPLICATE_NAME",
        ),
        (
            (0..101).map(|at| command(&format!("c{at}"))).collect(),
            "",
            "APPLICATION_COMMANDS_MAX",
        ),
        (
            (0..16).map(|at| json!({"name": at.to_string(), "type": 2})).collect(),
            "",
            "APPLICATION_COMMANDS_MAX",
        ),
        (
            json!([with_options(&[optional, required])]),
            "0.options.1",
            "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID",
        ),
        (
            json!([with_options(&[with(completed.clone(), "choices", json!([choice]))])]),
            "0.options.0",
            "APPLICATION_COMMAND_OPTIONS_AUTOCOMPLETE_CHOICES",
        ),
        (
            json!([with_options(&[with(option("a", 5), "autocomplete", json!(true))])]),
            "0.options.0",
            "APPLICATION_COMMAND_OPTIONS_CHOICES_INVALID",
        ),
        (
            json!([with_options(
                &(0..26).map(|at| option(&format!("o{at}"), 3)).collect::<Vec<_>>()
            )]),
            "0.options",
            "BASE_TYPE_BAD_LENGTH",
        ),
        (
            json!([with_options(&[with(
                option("a", 3),
                "choices",
                (0..26)
                    .map(|at| json!({"name": at.to_string(), "value": at.to_string()}))
                    .collect()
            )])]),
            "0.options.0.choices",
            "BASE_TYPE_BAD_LENGTH",
        ),
        (
            json!([with_options(&[with(option("a", 4), "choices", json!([choice]))])]),
            "0.options.0.choices.0.value",
            "APPLICATION_COMMAND_OPTIONS_CHOICE_VALUE_INVALID",
        ),
        (
            json!([with_options(&[with(
                option("a", 3),
                "choices",
                json!([choice, choice])
            )])]),
            "0.options.0.choices.1",
            "APPLICATION_COMMAND_OPTIONS_CHOICE_DUPLICATED",
        ),
        (
            json!([with_options(&[option("a", 3), option("a", 3)])]),
            "0.options.1",
            "APPLICATION_COMMAND_OPTIONS_NAME_INVALID",
        ),
        (
            json!([with_options(&[option("a", 12)])]),
            "0.options.0.type",
            "BASE_TYPE_CHOICES",
        ),
        (
            json!([with_options(&[option("a", 1), option("b", 3)])]),
            "0.options",
            "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID",
        ),
        (
            json!([with_options(&[with(option("a", 4), "max_length", json!(5))])]),
            "0.options.0.max_length",
            "APPLICATION_COMMAND_OPTIONS_BOUND_INVALID",
        ),
        (
            json!([with(command("do"), "options", crowded.into())]),
            "0",
            "APPLICATION_COMMAND_TOO_LARGE",
        ),
        (
            json!([with(command("do"), "default_member_permissions", json!("all"))]),
            "0.default_member_permissions",
            "BITFIELD_TYPE_CONVERT",
        ),
        (
            json!([with(command("do"), "contexts", json!([3]))]),
            "0.contexts.0",
            "BASE_TYPE_CHOICES",
        ),
        (
            json!([{"name": "Act", "type": 3, "description": "x"}]),
            "0",
            "APPLICATION_COMMAND_CONTEXT_MENU_DESCRIPTION_CANNOT_EXIST",
        ),
    ];
    let discord = Discord::start().await;
    discord.freeze();
    for (body, path, code) in cases {
        discord.advance(Duration::from_secs(10));
        let answer = call(&discord, Method::PUT, HERE, body.clone()).await;
        let shown: String = body.to_string().chars().take(200).collect();
        assert_eq!(objection(&answer, path), code, "{shown}");
    }
    assert_eq!(
        discord.commands(Some("900")),
        [] as [Value; 0],
        "what is refused changes nothing"
    );
    done(
        &discord,
        Method::PUT,
        HERE,
        json!([with(command("do"), "options", longest.into())]),
    )
    .await;
}
