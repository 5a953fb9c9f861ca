//! A channel in Discord: whether the bot sees it, and whether it may do there what it is for. Discord tells nobody what a bot
//! may do in a channel; so it is calculated as Discord's documentation says, from roles and the channel's exceptions.

use super::super::{Finding, Post, not_answered};
use super::{Api, answered};
use serde_json::Value;

/// Has every right, and no exceptions.
const ADMINISTRATOR: u64 = 1 << 3;

/// What a message of the bot takes, as Discord's settings call it.
const NEEDED: [(u64, &str); 7] = [
    (1 << 10, "View Channel"),
    (1 << 11, "Send Messages"),
    (1 << 14, "Embed Links"),
    (1 << 15, "Attach Files"),
    (1 << 35, "Create Public Threads"),
    (1 << 38, "Send Messages in Threads"),
    (1 << 16, "Read Message History"),
];

impl Api<'_> {
    /// Whether messages can be posted there.
    pub(super) async fn channel(&self, post: &Post<'_>) -> Finding {
        let Post { channel, words, .. } = post;
        let answer = match self.get(&format!("channels/{channel}")).await {
            Ok(answer) => answer,
            Err(problem) => return not_answered("Discord", &format!("about the {words}"), &problem),
        };
        match answer.status {
            200 => {}
            403 => return Finding::Wrong(lacking(post, &NEEDED.map(|(_, name)| name))),
            404 => {
                return Finding::Wrong(format!(
                    "there is no channel {channel}: {} is a channel's id, which Copy Channel ID gives in developer mode{}",
                    post.setting, post.until_then
                ));
            }
            _ => return not_answered("Discord", &format!("about the {words}"), &answered(&answer)),
        }
        let guild = answer.body["guild_id"].as_str().unwrap_or_default();
        if !self.config.guilds.iter().any(|known| known == guild) {
            return Finding::Wrong(format!(
                "the {words} {channel} is in none of the servers of discord.guilds{}",
                post.until_then
            ));
        }
        match self.rights(guild, &answer.body).await {
            Some(rights) => {
                let missing = NEEDED.iter().filter(|(bit, _)| rights & bit == 0);
                let missing: Vec<&str> = missing.map(|(_, name)| *name).collect();
                if missing.is_empty() {
                    Finding::Good(format!("the bot sees the {words} {channel} and may post there"))
                } else {
                    Finding::Wrong(lacking(post, &missing))
                }
            }
            None => Finding::Untold(format!(
                "the bot sees the {words} {channel}; what it may do there cannot be told"
            )),
        }
    }

    async fn rights(&self, guild: &str, channel: &Value) -> Option<u64> {
        let bot = self.get("users/@me").await.ok()?.body;
        let bot = bot["id"].as_str()?;
        let roles = self.get(&format!("guilds/{guild}/roles")).await.ok()?.body;
        let member = self.get(&format!("guilds/{guild}/members/{bot}")).await.ok()?.body;
        rights(guild, &roles, bot, &member, channel)
    }
}

fn lacking(post: &Post<'_>, missing: &[&str]) -> String {
    let (last, others) = match missing {
        [others @ .., last] => (*last, others.join(", ")),
        [] => ("", String::new()),
    };
    let all = if others.is_empty() {
        last.to_owned()
    } else {
        format!("{others} and {last}")
    };
    format!(
        "the bot may not do what it should in the {} {}: give its role {all} there{}",
        post.words, post.channel, post.until_then
    )
}

/// What everybody's role and the bot's own ones permit; then what the channel says of everybody, of these roles, and of the
/// bot itself, each of which outweighs what was before.
fn rights(guild: &str, roles: &Value, bot: &str, member: &Value, channel: &Value) -> Option<u64> {
    let bits = |value: &Value| value.as_str()?.parse::<u64>().ok();
    let own: Vec<&str> = member["roles"].as_array()?.iter().filter_map(Value::as_str).collect();
    let mut rights = 0;
    for role in roles.as_array()? {
        let id = role["id"].as_str()?;
        if id == guild || own.contains(&id) {
            rights |= bits(&role["permissions"])?;
        }
    }
    if rights & ADMINISTRATOR != 0 {
        return Some(u64::MAX);
    }
    let exceptions = channel["permission_overwrites"].as_array()?;
    let of_everybody = |id: &str| id == guild;
    let of_roles = |id: &str| id != guild && own.contains(&id);
    let of_bot = |id: &str| id == bot;
    let whose: [&dyn Fn(&str) -> bool; 3] = [&of_everybody, &of_roles, &of_bot];
    for whose in whose {
        let (mut allowed, mut denied) = (0, 0);
        for exception in exceptions.iter().filter(|one| one["id"].as_str().is_some_and(whose)) {
            allowed |= bits(&exception["allow"])?;
            denied |= bits(&exception["deny"])?;
        }
        rights = rights & !denied | allowed;
    }
    Some(rights)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const SEND: u64 = 1 << 11;

    #[test]
    fn what_is_nearer_outweighs_what_is_farther() {
        let roles = json!([
            {"id": "900", "permissions": "1024"}, {"id": "7", "permissions": "2048"}, {"id": "8", "permissions": "8"},
        ]);
        let member = |roles: &[&str]| json!({ "roles": roles });
        let channel = |exceptions: Value| json!({ "permission_overwrites": exceptions });
        let sends = |member: &Value, exceptions: Value| {
            rights("900", &roles, "800", member, &channel(exceptions)).map(|rights| rights & SEND != 0)
        };
        let one =
            |id: &str, allow: u64, deny: u64| json!({"id": id, "allow": allow.to_string(), "deny": deny.to_string()});
        let with_role = member(&["7"]);
        assert_eq!(sends(&member(&[]), json!([])), Some(false));
        assert_eq!(sends(&with_role, json!([])), Some(true));
        assert_eq!(sends(&with_role, json!([one("900", 0, SEND)])), Some(false));
        assert_eq!(
            sends(&with_role, json!([one("900", 0, SEND), one("7", SEND, 0)])),
            Some(true)
        );
        assert_eq!(
            sends(&with_role, json!([one("800", 0, SEND), one("7", SEND, 0)])),
            Some(false)
        );
        assert_eq!(sends(&with_role, json!([one("8", 0, SEND)])), Some(true));
        assert_eq!(sends(&member(&["8"]), json!([one("800", 0, SEND)])), Some(true));
        assert_eq!(rights("900", &json!({}), "800", &with_role, &channel(json!([]))), None);
    }
}
