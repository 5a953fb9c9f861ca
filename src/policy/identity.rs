//! Who somebody is, across platforms: `people.toml` maps accounts to persons, and persons to groups.

mod links;

pub use links::{Known, Link, Links};

use crate::nearest::way_out;
use crate::problem::Problem;
use crate::request::Account;
use crate::secret::SecretRef;
use crate::toml_file::{Section, Text, TomlFile};
use jiff::Timestamp;
use std::borrow::Cow;
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::path::Path;
use std::sync::Arc;

/// Stands before the name of an alert that asks for something.
const ALERT: &str = "alert ";

/// Everybody who is known, and the groups there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct People {
    persons: BTreeMap<String, Person>,
    groups: BTreeMap<String, Group>,
    accounts: HashMap<Account, String>,
    /// Further accounts, which the persons have proved to be theirs. What the file says comes first.
    links: Arc<Links>,
    demo: bool,
}

/// A person, whatever the account. Only [`People`] has any.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// As in `people.toml`.
    pub name: String,
    /// The groups that the person is in.
    pub groups: BTreeSet<String>,
    // Closed to other modules, so that a person is not made up.
    pub(super) console: Option<SecretRef>,
    /// Groups of these by nothing but a list that is too old, with the sentence that says so.
    pub(super) lapsed: BTreeMap<String, String>,
    /// Groups of these by user groups alone.
    pub(super) enrolled: BTreeSet<String>,
    /// The alert that stands in a person's place; it is in no group.
    pub(super) alert: Option<String>,
}

impl Person {
    /// Somebody with nothing but a name and groups.
    pub(super) fn named(name: &str, groups: BTreeSet<String>) -> Self {
        Self {
            name: name.to_owned(),
            groups,
            console: None,
            lapsed: BTreeMap::new(),
            enrolled: BTreeSet::new(),
            alert: None,
        }
    }

    /// An alert for which a rule asks. Nobody in `people.toml` has a name of two words.
    fn of_alert(name: &str) -> Self {
        Self {
            alert: Some(name.to_owned()),
            ..Self::named(&format!("{ALERT}{name}"), BTreeSet::new())
        }
    }

    /// The alert's own name, where this is one and no person.
    pub fn alert(&self) -> Option<&str> {
        self.alert.as_deref()
    }

    fn forget_rolls(&mut self) {
        let enrolled = std::mem::take(&mut self.enrolled);
        self.groups.retain(|group| !enrolled.contains(group));
        self.lapsed.clear();
    }

    /// One way to be in a group that can be believed is enough.
    fn enrol(&mut self, group: &str, lapsed: Option<&str>) {
        let is_new = self.groups.insert(group.to_owned());
        if is_new {
            self.enrolled.insert(group.to_owned());
        }
        match lapsed {
            Some(say) if is_new => drop(self.lapsed.insert(group.to_owned(), say.to_owned())),
            Some(_) => {}
            None => drop(self.lapsed.remove(group)),
        }
    }

    /// The person without the groups that only a list tells which is too old.
    pub(super) fn beyond_doubt(&self) -> Self {
        let mut person = self.clone();
        person.groups.retain(|group| !self.lapsed.contains_key(group));
        person.lapsed.clear();
        person
    }

    /// Where the person's own token for the console is kept.
    pub fn console(&self) -> Option<&SecretRef> {
        self.console.as_ref()
    }
}

/// A group, and what makes somebody a member of it beside `people.toml`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// As in `people.toml`.
    pub name: String,
    /// Members of these Slack user groups are members.
    pub slack_usergroups: BTreeSet<SlackUsergroup>,
    /// Holders of these Discord roles are members.
    pub discord_roles: BTreeSet<DiscordRole>,
}

impl Group {
    /// Whether the platform's own group of this name makes somebody a member: `discord 900/7001`, `slack T1/S0OPS`.
    fn takes(&self, membership: &str) -> bool {
        match membership.split_once(' ') {
            Some(("slack", named)) => self.slack_usergroups.iter().any(|own| own.to_string() == named),
            Some(("discord", named)) => self.discord_roles.iter().any(|own| own.to_string() == named),
            _ => false,
        }
    }
}

impl fmt::Display for SlackUsergroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.team, self.usergroup)
    }
}

impl fmt::Display for DiscordRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.guild, self.role)
    }
}

/// A user group of a Slack workspace, written `T1/S0OPS`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SlackUsergroup {
    /// The workspace.
    pub team: String,
    /// The user group's id.
    pub usergroup: String,
}

/// Who is in a user group, as a platform has told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roll {
    /// Users of the user group's workspace, by their ids.
    pub users: BTreeSet<String>,
    /// When that was told.
    pub read: Timestamp,
    /// Why nobody may approve or destroy anything by it: it is too old. None while it can be believed.
    pub lapsed: Option<String>,
}

/// All that is known of user groups; one that was never read is not there, and has no members.
pub type Rolls = BTreeMap<SlackUsergroup, Roll>;

/// A role of a Discord guild, written `900/7001`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct DiscordRole {
    /// The guild.
    pub guild: String,
    /// The role's id.
    pub role: String,
}

impl Account {
    /// As `people.toml` writes accounts of chat platforms: `T1/U9`, or a Discord user's id.
    pub fn written(text: &str) -> Option<Self> {
        if let Some((team, user)) = pair(text, is_team, is_slack_user) {
            return Some(Self::Slack { team, user });
        }
        is_snowflake(text).then(|| Self::Discord { user: text.to_owned() })
    }
}

impl People {
    /// Reads `people.toml`. A person can be picked without proof only if `demo` is true.
    pub fn load(path: &Path, text: &str, demo: bool) -> Result<Self, Vec<Problem>> {
        let (people, problems) = Self::read(path, text, demo);
        if problems.is_empty() { Ok(people) } else { Err(problems) }
    }

    /// What can be made of the file, with all that is wrong with it: enough to check other files against.
    pub fn read(path: &Path, text: &str, demo: bool) -> (Self, Vec<Problem>) {
        let file = TomlFile::new(path, text);
        let tree = file.parse();
        let mut root = file.root(&tree);
        let groups = root
            .named_sections("group")
            .into_iter()
            .map(|(name, section)| group(&name, section))
            .collect();
        let mut register = Register {
            groups,
            persons: BTreeMap::new(),
            accounts: HashMap::new(),
        };
        for (name, section) in in_file_order(root.named_sections("person")) {
            register.person(&name, section);
        }
        root.close();
        let Register {
            groups,
            persons,
            accounts,
        } = register;
        let people = Self {
            persons,
            groups,
            accounts,
            links: Arc::default(),
            demo,
        };
        (people, file.into_problems())
    }

    /// The same people, with the groups that they are in by user groups. What was so before by other rolls is not.
    pub fn enrolled(&self, rolls: &Rolls) -> Self {
        let mut people = self.clone();
        people.persons.values_mut().for_each(Person::forget_rolls);
        for group in self.groups.values() {
            for usergroup in &group.slack_usergroups {
                let Some(roll) = rolls.get(usergroup) else { continue };
                for user in &roll.users {
                    let account = Account::Slack {
                        team: usergroup.team.clone(),
                        user: user.clone(),
                    };
                    let person = self
                        .accounts
                        .get(&account)
                        .and_then(|name| people.persons.get_mut(name));
                    if let Some(person) = person {
                        person.enrol(&group.name, roll.lapsed.as_deref());
                    }
                }
            }
        }
        people
    }

    /// The person behind an account. A session is the word of the console that opened it on the person's own token.
    pub fn who(&self, account: &Account) -> Option<&Person> {
        match account {
            Account::Slack { .. } | Account::Discord { .. } | Account::Os { .. } => {
                self.persons.get(self.holder(account)?)
            }
            Account::Picked { person } if self.demo => self.persons.get(person),
            Account::Picked { .. } => None,
            Account::Session { person, .. } => self.persons.get(person).filter(|person| person.console.is_some()),
            Account::Alert { .. } => None,
        }
    }

    /// The person behind an account, in the groups of the file and in those that the surface proved: who asks. It may be
    /// an alert instead.
    pub fn asker(&self, account: &Account, memberships: &[String]) -> Option<Cow<'_, Person>> {
        if let Account::Alert { name } = account {
            return Some(Cow::Owned(Person::of_alert(name)));
        }
        self.who(account)
            .map(|person| self.joined(person, account, memberships))
    }

    /// A person by name, in the groups that a surface proved of this account when they asked.
    pub fn member(&self, name: &str, account: &Account, memberships: &[String]) -> Option<Cow<'_, Person>> {
        if let Account::Alert { name: alert } = account {
            let is_it = name.strip_prefix(ALERT) == Some(alert);
            return is_it.then(|| Cow::Owned(Person::of_alert(alert)));
        }
        self.person(name)
            .map(|person| self.joined(person, account, memberships))
    }

    /// Groups that a platform tells of an account count where the file says whose the account is: a linked one brings its
    /// person nothing.
    fn joined<'p>(&self, person: &'p Person, account: &Account, memberships: &[String]) -> Cow<'p, Person> {
        if !self.is_in_file(account, &person.name) {
            return Cow::Borrowed(person);
        }
        let doubtful = |group: &str| !person.groups.contains(group) || person.lapsed.contains_key(group);
        let proved: Vec<&str> = self
            .groups
            .values()
            .filter(|group| doubtful(&group.name) && memberships.iter().any(|membership| group.takes(membership)))
            .map(|group| group.name.as_str())
            .collect();
        if proved.is_empty() {
            return Cow::Borrowed(person);
        }
        let mut joined = person.clone();
        for group in proved {
            joined.enrol(group, None);
        }
        Cow::Owned(joined)
    }

    /// Whose run it is. Somebody who is gone is in no group and has no account; what they left behind can be put right by
    /// others all the same.
    pub fn owner(&self, name: &str) -> Cow<'_, Person> {
        self.persons
            .get(name)
            .map_or_else(|| Cow::Owned(Person::named(name, BTreeSet::new())), Cow::Borrowed)
    }

    /// Who asked for a run, by the name that the run has: a person, or an alert.
    pub fn requester(&self, name: &str) -> Option<Cow<'_, Person>> {
        match name.strip_prefix(ALERT) {
            Some(alert) => Some(Cow::Owned(Person::of_alert(alert))),
            None => self.person(name).map(Cow::Borrowed),
        }
    }

    /// Whether a run has this name of an alert, not of a person.
    pub fn is_alert(&self, requester: &str) -> bool {
        requester.starts_with(ALERT)
    }

    /// A person by name; who it is that asks is told by [`People::asker`] alone.
    pub fn person(&self, name: &str) -> Option<&Person> {
        self.persons.get(name)
    }

    /// Everybody, by name.
    pub fn persons(&self) -> impl Iterator<Item = &Person> {
        self.persons.values()
    }

    /// A group by name.
    pub fn group(&self, name: &str) -> Option<&Group> {
        self.groups.get(name)
    }

    /// All groups, by name.
    pub fn groups(&self) -> impl Iterator<Item = &Group> {
        self.groups.values()
    }
}

/// What has been read so far; later persons are held against it.
struct Register {
    groups: BTreeMap<String, Group>,
    persons: BTreeMap<String, Person>,
    accounts: HashMap<Account, String>,
}

impl Register {
    fn person(&mut self, name: &Text<'_>, mut section: Section<'_>) {
        let person = name.value.to_owned();
        for text in section.texts("slack") {
            match pair(text.value, is_team, is_slack_user) {
                Some((team, user)) => self.account(&section, &person, &text, Account::Slack { team, user }),
                None => wrong_form(&section, "slack", &text, "a team and a user such as \"T1/U1\""),
            }
        }
        for text in section.texts("discord") {
            if is_snowflake(text.value) {
                self.account(
                    &section,
                    &person,
                    &text,
                    Account::Discord {
                        user: text.value.to_owned(),
                    },
                );
            } else {
                wrong_form(&section, "discord", &text, "a user's id, which is a number in quotes");
            }
        }
        if let Some(text) = section.text("os_user") {
            if text.value.is_empty() || text.value.contains(char::is_whitespace) {
                wrong_form(&section, "os_user", &text, "a login name");
            } else {
                self.account(
                    &section,
                    &person,
                    &text,
                    Account::Os {
                        user: text.value.to_owned(),
                    },
                );
            }
        }
        let console = section.secret("console");
        if let Some(token) = &console
            && let Some(other) = self
                .persons
                .values()
                .find(|p| p.console.as_ref().is_some_and(|it| it.same_place(token)))
        {
            let message = format!(
                "{person} and {} have the same console token, so each could act as the other; give {person} another one",
                other.name
            );
            section.file().problem(section.span(), message);
        }
        let mut groups = BTreeSet::new();
        for text in section.texts("groups") {
            if !self.groups.contains_key(text.value) {
                let way_out = way_out(text.value, self.groups.keys().map(String::as_str));
                let message = format!(
                    "the group `{0}` is not declared by a section [group.{0}]; {way_out}",
                    text.value
                );
                section.file().problem(&text.span, message);
            }
            groups.insert(text.value.to_owned());
        }
        section.close();
        self.persons.insert(
            person.clone(),
            Person {
                console,
                ..Person::named(&person, groups)
            },
        );
    }

    fn account(&mut self, section: &Section<'_>, person: &str, text: &Text<'_>, account: Account) {
        match self.accounts.entry(account) {
            Entry::Vacant(free) => {
                free.insert(person.to_owned());
            }
            Entry::Occupied(taken) => {
                let message = format!(
                    "{} belongs to {} already; an account is one person's",
                    taken.key(),
                    taken.get()
                );
                section.file().problem(&text.span, message);
            }
        }
    }
}

fn group(name: &Text<'_>, mut section: Section<'_>) -> (String, Group) {
    let mut slack_usergroups = BTreeSet::new();
    for text in section.texts("slack_usergroups") {
        match pair(text.value, is_team, |id| id.starts_with('S') && is_slack_id(id)) {
            Some((team, usergroup)) => {
                slack_usergroups.insert(SlackUsergroup { team, usergroup });
            }
            None => wrong_form(
                &section,
                "slack_usergroups",
                &text,
                "a team and a user group such as \"T1/S0OPS\"",
            ),
        }
    }
    let mut discord_roles = BTreeSet::new();
    for text in section.texts("discord_roles") {
        match pair(text.value, is_snowflake, is_snowflake) {
            Some((guild, role)) => {
                discord_roles.insert(DiscordRole { guild, role });
            }
            None => wrong_form(
                &section,
                "discord_roles",
                &text,
                "a guild and a role such as \"900/7001\"",
            ),
        }
    }
    section.close();
    let name = name.value.to_owned();
    (
        name.clone(),
        Group {
            name,
            slack_usergroups,
            discord_roles,
        },
    )
}

/// So that of two persons with one account, the later one in the file is told.
fn in_file_order<'f>(mut sections: Vec<(Text<'f>, Section<'f>)>) -> Vec<(Text<'f>, Section<'f>)> {
    sections.sort_by_key(|(name, _)| name.span.start);
    sections
}

fn wrong_form(section: &Section<'_>, key: &str, text: &Text<'_>, wanted: &str) {
    section.file().problem(
        &text.span,
        format!("`{}` takes {wanted}; \"{}\" is not", section.key(key), text.value),
    );
}

fn pair(text: &str, left: impl Fn(&str) -> bool, right: impl Fn(&str) -> bool) -> Option<(String, String)> {
    let (before, after) = text.split_once('/')?;
    (left(before) && right(after)).then(|| (before.to_owned(), after.to_owned()))
}

fn is_slack_id(id: &str) -> bool {
    id.len() > 1 && id.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit())
}

/// An Enterprise Grid organization's id begins with E.
fn is_team(id: &str) -> bool {
    id.starts_with(['T', 'E']) && is_slack_id(id)
}

fn is_slack_user(id: &str) -> bool {
    id.starts_with(['U', 'W']) && is_slack_id(id)
}

/// Discord's ids.
fn is_snowflake(id: &str) -> bool {
    !id.is_empty() && id.len() <= 20 && id.chars().all(|c| c.is_ascii_digit())
}

#[cfg(test)]
mod tests;
