//! `signalbox people`: who is known, by which accounts; and taking a linked account away.

use super::Who;
use super::ask::{account, here};
use crate::app::{App, AppError};
use crate::dispatch::overview::operates;
use crate::policy::identity::{Link, People};
use crate::report::terminal::shown;
use crate::report::unseen::marked;
use crate::request::{Account, Ask, Request};
use crate::rules;
use crate::store::links::Linked;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::path::Path;

/// What to do about people.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Take a linked account away from its person; for whoever may stop runs
    #[command(after_help = "Example: signalbox people unlink T1/U9\n         signalbox people unlink 104")]
    Unlink {
        /// As people.toml would write it: TEAM/USER of Slack, or a Discord user's id
        account: String,
        #[command(flatten)]
        who: Who,
    },
}

/// Tells who is known.
pub(super) async fn list(path: &Path, json: bool) -> Result<u8, AppError> {
    let app = App::open_as_can_be(path).await?;
    // Otherwise it would be nobody who is known.
    rules::people(&app.config).map_err(AppError::Files)?;
    app.recall_usergroups().await?;
    let people = &app.rules.now().people;
    if json {
        super::line(&json!({ "people": people.persons().map(|person| {
            json!({
                "person": person.name, "groups": person.groups,
                "accounts": people.accounts_of(&person.name).iter().map(ToString::to_string).collect::<Vec<_>>(),
                "linked": links(people, |link| link.person == person.name).map(|(account, link)| told(people, account, link))
                    .collect::<Vec<_>>(),
            })
        }).collect::<Vec<_>>() }).to_string());
        return Ok(0);
    }
    for person in people.persons() {
        let groups: Vec<&str> = person.groups.iter().map(String::as_str).collect();
        let groups = if groups.is_empty() {
            "no group".to_owned()
        } else {
            groups.join(", ")
        };
        super::line(&format!("{}: {groups}", person.name));
        for account in people.accounts_of(&person.name) {
            super::line(&shown(&format!("  {account}")));
        }
        for (account, link) in links(people, |link| link.person == person.name) {
            super::line(&shown(&linked(people, account, link)));
        }
    }
    for (account, link) in links(people, |link| people.person(&link.person).is_none()) {
        super::line(&shown(&linked(people, account, link)));
    }
    Ok(0)
}

fn links(people: &People, of: impl Fn(&Link) -> bool) -> impl Iterator<Item = (&Account, &Link)> {
    let mut links: Vec<_> = people.links().iter().filter(|(_, link)| of(link)).collect();
    links.sort_by_key(|(_, link)| link.since);
    links.into_iter()
}

fn linked(people: &People, account: &Account, link: &Link) -> String {
    let since = link.since.strftime("%Y-%m-%d %H:%M UTC");
    let void = people.void(account, link);
    let void = void.map_or_else(String::new, |why| format!("; counts for nothing: {why}"));
    format!("  {account}, linked by the {} on {since}{void}", link.origin)
}

fn told(people: &People, account: &Account, link: &Link) -> Value {
    json!({
        "account": account.to_string(), "by": link.origin.to_string(), "since": link.since,
        "void": people.void(account, link),
    })
}

/// Does it.
pub(super) async fn people(path: &Path, command: Command) -> Result<u8, AppError> {
    let Command::Unlink { account: given, who } = command;
    let linked = Account::written(&given).ok_or_else(|| {
        AppError::Denied(format!(
            "{}: an account is written as in people.toml, T1/U9 of Slack or 104 of Discord",
            marked(&given)
        ))
    })?;
    let app = App::open(path).await?;
    app.recall_usergroups().await?;
    let request = Request::new(
        account(&app, who.person.as_deref())?,
        here(),
        Ask::Help { runbook: None },
    );
    let rules = app.rules.now();
    let Some(person) = rules
        .people
        .who(&request.account)
        .filter(|_| operates(&rules, &request))
    else {
        let say = "Nothing was changed: a linked account is taken away by its person, with `/signalbox unlink`, or by \
                   somebody who may stop runs.";
        return Err(AppError::Denied(say.to_owned()));
    };
    let why = "taken away by an operator";
    let now = Timestamp::now();
    let accounts = std::slice::from_ref(&linked);
    let gone = app.store.unlink(None, accounts, &person.name, why, now).await?;
    let is_gone = matches!(gone, Linked::Now(gone) if !gone.is_empty());
    let say = if is_gone {
        format!("The {linked} is linked to nobody any more.")
    } else {
        format!("The {linked} is not linked. `signalbox people` lists those that are.")
    };
    if who.json {
        let outcome = if is_gone { "succeeded" } else { "nothing-to-do" };
        super::line(&json!({ "outcome": outcome, "person": person.name, "say": say }).to_string());
    } else {
        super::line(&say);
    }
    Ok(0)
}
