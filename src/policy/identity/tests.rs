use super::*;
use insta::assert_snapshot;
use proptest::prelude::*;

const SHIPPED: &str = include_str!("../../../config/people.toml");

fn load(text: &str, demo: bool) -> Result<People, Vec<Problem>> {
    People::load(Path::new("people.toml"), text, demo)
}

fn problems(text: &str) -> String {
    load(text, false)
        .unwrap_err()
        .iter()
        .map(|problem| format!("{problem}\n"))
        .collect()
}

fn slack(team: &str, user: &str) -> Account {
    Account::Slack {
        team: team.to_owned(),
        user: user.to_owned(),
    }
}

fn discord(user: &str) -> Account {
    Account::Discord { user: user.to_owned() }
}

fn os(user: &str) -> Account {
    Account::Os { user: user.to_owned() }
}

fn picked(person: &str) -> Account {
    Account::Picked {
        person: person.to_owned(),
    }
}

fn session(person: &str) -> Account {
    Account::Session {
        person: person.to_owned(),
        session: "s1".to_owned(),
    }
}

#[test]
fn one_person_is_found_by_each_account() {
    let real = load(SHIPPED, false).unwrap();
    let demo = load(SHIPPED, true).unwrap();
    let table = [
        (slack("T1", "U1"), Some("dana"), Some("dana")),
        (slack("T1", "U3"), Some("vic"), Some("vic")),
        (slack("T2", "U1"), None, None),
        (slack("T1", "U9"), None, None),
        (discord("102"), Some("lee"), Some("lee")),
        (discord("U1"), None, None),
        (os("dana"), Some("dana"), Some("dana")),
        (os("root"), None, None),
        (session("lee"), Some("lee"), Some("lee")),
        (session("nobody"), None, None),
        (picked("dana"), None, Some("dana")),
        (picked("nobody"), None, None),
    ];
    for (account, really, in_demo) in table {
        assert_eq!(real.who(&account).map(|it| it.name.as_str()), really, "{account}");
        assert_eq!(
            demo.who(&account).map(|it| it.name.as_str()),
            in_demo,
            "{account} in demo mode"
        );
    }
}

#[test]
fn a_person_without_a_token_has_no_console_session() {
    let people = load("[person.dana]\nos_user = \"dana\"\n", true).unwrap();
    assert_eq!(people.who(&session("dana")), None);
    assert_eq!(people.who(&os("dana")).unwrap().name, "dana");
}

#[test]
fn groups_and_what_makes_members_of_them_are_kept() {
    let people = load(SHIPPED, false).unwrap();
    assert_eq!(
        people.person("dana").unwrap().groups,
        BTreeSet::from(["ops".to_owned()])
    );
    assert_eq!(
        people.groups().map(|it| it.name.as_str()).collect::<Vec<_>>(),
        ["oncall-leads", "ops", "viewers"]
    );
    let ops = people.group("ops").unwrap();
    let usergroup = SlackUsergroup {
        team: "T1".to_owned(),
        usergroup: "S0OPS".to_owned(),
    };
    let role = DiscordRole {
        guild: "900".to_owned(),
        role: "7001".to_owned(),
    };
    assert_eq!(ops.slack_usergroups, BTreeSet::from([usergroup]));
    assert_eq!(ops.discord_roles, BTreeSet::from([role]));
}

#[test]
fn every_mistake_is_told_at_its_place() {
    let text = r#"
[person.dana]
slack = ["T1/U1", "U1", "T1/U1"]
discord = [101]
os_user = "da na"
console = "xoxb-very-secret"
groups = ["opps", "ops"]
email = "dana@example.com"

[person.lee]
slack = ["T1/U1"]
discord = "102"
console = "env:TOKEN"

[person.kim]
console = "env:TOKEN"
groups = ["nightwatch"]

[person.Vic]
slack = ["T1/U3"]

[group.ops]
slack_usergroups = ["S0OPS"]
discord_roles = ["900-7001"]

[groop.viewers]
"#;
    assert_snapshot!(problems(text), @r#"
    people.toml:3:19: `person.dana.slack` takes a team and a user such as "T1/U1"; "U1" is not
        slack = …
                          ^
    people.toml:3:25: Slack account T1/U1 belongs to dana already; an account is one person's
        slack = …
                                ^
    people.toml:4:12: `person.dana.discord` must be a list of texts, and this is a number
        discord = …
                   ^
    people.toml:5:11: `person.dana.os_user` takes a login name; "da na" is not
        os_user = …
                  ^
    people.toml:6:11: `person.dana.console` seems to hold the secret itself; keep it in an environment variable or a file and write "env:NAME" or "file:PATH" here
        console = …
                  ^
    people.toml:7:11: the group `opps` is not declared by a section [group.opps]; did you mean `ops`?
        groups = …
                  ^
    people.toml:8:1: `person.dana.email` is not known; there is `console`, `discord`, `groups`, `os_user`, `slack`
        email = …
        ^
    people.toml:11:10: Slack account T1/U1 belongs to dana already; an account is one person's
        slack = …
                 ^
    people.toml:12:11: `person.lee.discord` must be a list of texts, and this is a text
        discord = …
                  ^
    people.toml:15:9: kim and lee have the same console token, so each could act as the other; give kim another one
        [person.kim]
                ^
    people.toml:17:11: the group `nightwatch` is not declared by a section [group.nightwatch]; there is `ops`
        groups = …
                  ^
    people.toml:19:9: person names are lowercase words such as `ops` or `shop-db`; `Vic` is not
        [person.Vic]
                ^
    people.toml:23:21: `group.ops.slack_usergroups` takes a team and a user group such as "T1/S0OPS"; "S0OPS" is not
        slack_usergroups = …
                            ^
    people.toml:24:18: `group.ops.discord_roles` takes a guild and a role such as "900/7001"; "900-7001" is not
        discord_roles = …
                         ^
    people.toml:26:2: `groop` is not known; did you mean `group`?
        [groop.viewers]
         ^
    "#);
}

#[test]
fn broken_lines_hide_no_other_mistake_and_repeat_no_secret() {
    let text = "[person.dana]\nconsole = xoxb-very-secret\ngroups = [\"opps\"]\n[group.ops\n[person.lee]\nslak = []\n";
    let told = problems(text);
    assert!(!told.contains("very-secret"), "{told}");
    assert_snapshot!(told, @r#"
    people.toml:2:11: `person.dana.console` seems to hold the secret itself; keep it in an environment variable or a file and write "env:NAME" or "file:PATH" here
        console = …
                  ^
    people.toml:2:11: string values must be quoted, expected literal string
    people.toml:3:11: the group `opps` is not declared by a section [group.opps]; there is none
        groups = …
                  ^
    people.toml:4:11: unclosed table, expected `]`
    people.toml:6:1: `person.lee.slak` is not known; did you mean `slack`?
        slak = …
        ^
    "#);
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused_with_problems(text in "\\PC{0,60}(\\n\\PC{0,60}){0,5}") {
        if let Err(problems) = load(&text, false) {
            prop_assert!(!problems.is_empty());
        }
    }

    #[test]
    fn a_torn_file_is_read_or_refused_with_problems(cut in 0..SHIPPED.len(), inserted in "[\\[\\]={}\"'\\n.a-z/]{0,6}") {
        let text = format!("{}{inserted}{}", &SHIPPED[..cut], &SHIPPED[cut..]);
        if let Err(problems) = load(&text, false) {
            prop_assert!(!problems.is_empty());
        }
    }
}

#[test]
fn user_groups_put_people_into_groups_and_take_them_out_again() {
    let people = load(
        "[person.dana]\nslack = [\"T1/U1\", \"T2/U1\"]\n[person.lee]\nslack = [\"T1/U2\"]\ngroups = [\"ops\"]\n\
         [group.ops]\nslack_usergroups = [\"T1/S1\", \"T2/S2\"]\n",
        false,
    )
    .unwrap();
    let usergroup = |team: &str, id: &str| SlackUsergroup {
        team: team.to_owned(),
        usergroup: id.to_owned(),
    };
    let roll = |users: &[&str], lapsed: Option<&str>| Roll {
        users: users.iter().map(|user| (*user).to_owned()).collect(),
        read: Timestamp::UNIX_EPOCH,
        lapsed: lapsed.map(str::to_owned),
    };
    let ops = |people: &People, name: &str| {
        let person = people.person(name).unwrap();
        (person.groups.contains("ops"), person.lapsed.contains_key("ops"))
    };
    let first = Rolls::from([(usergroup("T1", "S1"), roll(&["U1", "U2", "U9"], Some("old")))]);
    let enrolled = people.enrolled(&first);
    assert_eq!(
        (ops(&enrolled, "dana"), ops(&enrolled, "lee")),
        ((true, true), (true, false))
    );
    let mut second = first.clone();
    second.insert(usergroup("T2", "S2"), roll(&["U1"], None));
    let enrolled = enrolled.enrolled(&second);
    assert_eq!(
        ops(&enrolled, "dana"),
        (true, false),
        "one list that can be believed is enough"
    );
    assert_eq!(enrolled.enrolled(&Rolls::new()), people);
    let of_another_team = Rolls::from([(usergroup("T2", "S1"), roll(&["U1"], None))]);
    assert_eq!(people.enrolled(&of_another_team), people);
}
