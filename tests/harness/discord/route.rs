//! The calls that the simulated Discord knows.

use super::limits::Allowance;
use axum::http::Method;

/// A call, by the name that Discord's documentation gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Route {
    GetGateway,
    GetGatewayBot,
    GetApplication,
    GetGlobalCommands,
    PutGlobalCommands,
    GetGuildCommands,
    PutGuildCommands,
    GetGuild,
    GetRoles,
    GetMember,
    GetChannel,
    EditChannel,
    GetMessages,
    GetMessage,
    CreateMessage,
    EditMessage,
    DeleteMessage,
    StartThread,
    GetMe,
    CreateDm,
    Callback,
    GetOriginal,
    EditOriginal,
    DeleteOriginal,
    FollowUp,
    GetFollowUp,
    EditFollowUp,
    DeleteFollowUp,
}

/// A call and the ids in its path, in their order.
pub struct Target {
    pub route: Route,
    pub ids: Vec<String>,
}

/// Why a path leads nowhere.
pub enum Astray {
    NoSuchPath,
    NoSuchMethod,
}

impl Route {
    /// How often, where the answer does not say otherwise. Discord publishes few of these figures.
    pub fn allowance(self) -> Option<Allowance> {
        let (calls, seconds) = match self {
            Self::GetGateway | Self::Callback => return None,
            Self::CreateMessage | Self::EditMessage | Self::DeleteMessage => (5, 5.0),
            Self::FollowUp
            | Self::GetOriginal
            | Self::EditOriginal
            | Self::DeleteOriginal
            | Self::GetFollowUp
            | Self::EditFollowUp
            | Self::DeleteFollowUp => (5, 2.0),
            Self::PutGlobalCommands | Self::PutGuildCommands => (2, 10.0),
            Self::GetMessages | Self::GetMessage => (10, 5.0),
            Self::StartThread | Self::EditChannel => (5, 10.0),
            Self::CreateDm => (10, 10.0),
            _ => (10, 1.0),
        };
        Some(Allowance { calls, seconds })
    }

    /// The calls that answer an interaction: they need no token of the bot, and are not counted among all calls.
    pub fn is_of_interaction(self) -> bool {
        self == Self::Callback || self.is_webhook()
    }

    /// These share one bucket for each token.
    pub fn is_webhook(self) -> bool {
        matches!(
            self,
            Self::FollowUp
                | Self::GetOriginal
                | Self::EditOriginal
                | Self::DeleteOriginal
                | Self::GetFollowUp
                | Self::EditFollowUp
                | Self::DeleteFollowUp
        )
    }

    /// Routes with one name have one bucket.
    pub fn bucket(self) -> String {
        if self.is_webhook() {
            return "webhooks".to_owned();
        }
        format!("{self:?}")
    }
}

impl Target {
    /// The path is what follows `/api/v10/`.
    pub fn find(method: &Method, path: &str) -> Result<Self, Astray> {
        use Route::*;
        let parts: Vec<&str> = path.split('/').collect();
        let (ids, of_path): (&[&str], &[(&Method, Route)]) = match parts[..] {
            ["gateway"] => (&[], &[(&Method::GET, GetGateway)]),
            ["gateway", "bot"] => (&[], &[(&Method::GET, GetGatewayBot)]),
            ["applications", "@me"] | ["oauth2", "applications", "@me"] => (&[], &[(&Method::GET, GetApplication)]),
            ["applications", app, "commands"] => (
                &[app],
                &[(&Method::GET, GetGlobalCommands), (&Method::PUT, PutGlobalCommands)],
            ),
            ["applications", app, "guilds", guild, "commands"] => (
                &[app, guild],
                &[(&Method::GET, GetGuildCommands), (&Method::PUT, PutGuildCommands)],
            ),
            ["guilds", guild] => (&[guild], &[(&Method::GET, GetGuild)]),
            ["guilds", guild, "roles"] => (&[guild], &[(&Method::GET, GetRoles)]),
            ["guilds", guild, "members", user] => (&[guild, user], &[(&Method::GET, GetMember)]),
            ["channels", channel] => (&[channel], &[(&Method::GET, GetChannel), (&Method::PATCH, EditChannel)]),
            ["channels", channel, "messages"] => (
                &[channel],
                &[(&Method::GET, GetMessages), (&Method::POST, CreateMessage)],
            ),
            ["channels", channel, "messages", message] => (
                &[channel, message],
                &[
                    (&Method::GET, GetMessage),
                    (&Method::PATCH, EditMessage),
                    (&Method::DELETE, DeleteMessage),
                ],
            ),
            ["channels", channel, "messages", message, "threads"] => {
                (&[channel, message], &[(&Method::POST, StartThread)])
            }
            ["users", "@me"] => (&[], &[(&Method::GET, GetMe)]),
            ["users", "@me", "channels"] => (&[], &[(&Method::POST, CreateDm)]),
            ["interactions", id, token, "callback"] => (&[id, token], &[(&Method::POST, Callback)]),
            ["webhooks", app, token] => (&[app, token], &[(&Method::POST, FollowUp)]),
            ["webhooks", app, token, "messages", "@original"] => (
                &[app, token],
                &[
                    (&Method::GET, GetOriginal),
                    (&Method::PATCH, EditOriginal),
                    (&Method::DELETE, DeleteOriginal),
                ],
            ),
            ["webhooks", app, token, "messages", message] => (
                &[app, token, message],
                &[
                    (&Method::GET, GetFollowUp),
                    (&Method::PATCH, EditFollowUp),
                    (&Method::DELETE, DeleteFollowUp),
                ],
            ),
            _ => return Err(Astray::NoSuchPath),
        };
        let found = of_path.iter().find(|(known, _)| *known == method);
        let (_, route) = found.ok_or(Astray::NoSuchMethod)?;
        Ok(Self {
            route: *route,
            ids: ids.iter().map(|id| (*id).to_owned()).collect(),
        })
    }

    pub fn id(&self, at: usize) -> &str {
        &self.ids[at]
    }

    /// What a bucket is for: a channel, a guild, or a webhook with its token.
    pub fn main_id(&self) -> String {
        if self.route.is_webhook() {
            return self.ids[..2].join("/");
        }
        self.ids.first().cloned().unwrap_or_default()
    }
}
