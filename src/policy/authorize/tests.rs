use super::*;
use crate::runbook::action::Effect;
use insta::assert_snapshot;
use proptest::prelude::*;
use std::sync::LazyLock;

const SHIPPED_POLICY: &str = include_str!("../../../config/policy.cedar");
const SHIPPED_PEOPLE: &str = include_str!("../../../config/people.toml");

fn people() -> People {
    People::load(Path::new("people.toml"), SHIPPED_PEOPLE, false).unwrap()
}

/// The shipped people, one of whom may override.
fn people_with_a_lead() -> People {
    let text = SHIPPED_PEOPLE.replacen("groups = [\"ops\"]", "groups = [\"ops\", \"oncall-leads\"]", 1);
    People::load(Path::new("people.toml"), &text, false).unwrap()
}

fn facts(name: &str, effect: Effect, radius: &[&str]) -> RunbookFacts {
    RunbookFacts {
        name: name.to_owned(),
        effect,
        radius_names: radius.iter().map(|it| (*it).to_owned()).collect(),
    }
}

fn runbooks() -> Vec<RunbookFacts> {
    vec![
        facts("forward-order", Effect::Write, &["orders", "money.USD"]),
        facts("resync-supplier", Effect::Write, &["suppliers", "products"]),
        facts("stuck-orders", Effect::Read, &[]),
        facts("drop-cache", Effect::Destructive, &[]),
    ]
}

static SHIPPED: LazyLock<Policy> = LazyLock::new(|| load(SHIPPED_POLICY));

fn load(text: &str) -> Policy {
    Policy::load(Path::new("policy.cedar"), text, &runbooks(), &people()).unwrap()
}

fn problems(text: &str) -> String {
    let problems = Policy::load(Path::new("policy.cedar"), text, &runbooks(), &people()).unwrap_err();
    problems.iter().map(|problem| format!("{problem}\n")).collect()
}

fn radius(facts: &[(&str, i64)]) -> Radius {
    facts
        .iter()
        .map(|(name, amount)| ((*name).to_owned(), *amount))
        .collect()
}

fn in_slack() -> Place {
    Place {
        surface: Surface::Slack,
        workspace: Some("T1".to_owned()),
        channel: Some("C1".to_owned()),
        thread: None,
    }
}

/// One line: the kind of answer, its policies and its sentence.
fn line(decision: &Decision) -> String {
    let kind = match decision {
        Decision::Allow(_) => "allow".to_owned(),
        Decision::NeedsApproval(threshold) => format!("needs {}", threshold.count()),
        Decision::Deny { .. } => "deny".to_owned(),
    };
    format!("{kind} {:?} {}", decision.policies(), decision.say())
}

fn run(policy: &Policy, person: &str, runbook: &str, facts: &[(&str, i64)]) -> Decision {
    let people = people_with_a_lead();
    let person = people.person(person).unwrap();
    policy.decide(&Question {
        person,
        act: Act::Run { radius: &radius(facts) },
        runbook,
        place: &in_slack(),
    })
}

#[test]
fn the_shipped_policy_runs() {
    let policy = &SHIPPED;
    let table = [
        ("dana", "stuck-orders", vec![]),
        ("vic", "stuck-orders", vec![]),
        ("dana", "forward-order", vec![("orders", 1), ("money.USD", 8450)]),
        ("dana", "forward-order", vec![("orders", 5), ("money.USD", 100_000)]),
        ("dana", "forward-order", vec![("orders", 6), ("money.USD", 100)]),
        ("dana", "forward-order", vec![("orders", 1), ("money.USD", 100_001)]),
        ("dana", "forward-order", vec![("orders", 6), ("money.USD", 100_001)]),
        ("dana", "resync-supplier", vec![("suppliers", 3), ("products", 9000)]),
        ("lee", "resync-supplier", vec![("suppliers", 4), ("products", 1)]),
        ("vic", "forward-order", vec![("orders", 1), ("money.USD", 1)]),
        ("vic", "forward-order", vec![("orders", 6), ("money.USD", 1)]),
        ("dana", "drop-cache", vec![]),
        ("dana", "no-such-runbook", vec![]),
        ("dana", "forward-order", vec![("money.USD", 1)]),
        ("dana", "forward-order", vec![("orders", 1)]),
        ("dana", "stuck-orders", vec![("orders", 1)]),
    ];
    let told: String = table
        .iter()
        .map(|(person, runbook, facts)| {
            format!(
                "{person} {runbook} {facts:?}\n    {}\n",
                line(&run(policy, person, runbook, facts))
            )
        })
        .collect();
    assert_snapshot!(told, @r#"
    dana stuck-orders []
        allow ["ops-run"] Ops may run what reads, and what writes and can be put right.
    vic stuck-orders []
        allow ["viewers-read"] Viewers may run what only reads.
    dana forward-order [("orders", 1), ("money.USD", 8450)]
        allow ["ops-run"] Ops may run what reads, and what writes and can be put right.
    dana forward-order [("orders", 5), ("money.USD", 100000)]
        allow ["ops-run"] Ops may run what reads, and what writes and can be put right.
    dana forward-order [("orders", 6), ("money.USD", 100)]
        needs 1 ["many-orders"] More than 5 orders at once need a second person.
    dana forward-order [("orders", 1), ("money.USD", 100001)]
        needs 1 ["much-money"] Orders of more than USD 1000.00 need a second person.
    dana forward-order [("orders", 6), ("money.USD", 100001)]
        needs 1 ["many-orders", "much-money"] More than 5 orders at once need a second person. Orders of more than USD 1000.00 need a second person.
    dana resync-supplier [("suppliers", 3), ("products", 9000)]
        allow ["ops-run"] Ops may run what reads, and what writes and can be put right.
    lee resync-supplier [("suppliers", 4), ("products", 1)]
        needs 1 ["many-suppliers"] More than 3 suppliers at once need a second person.
    vic forward-order [("orders", 1), ("money.USD", 1)]
        deny ["only-ops-write"] Only ops may change something; ask one of them.
    vic forward-order [("orders", 6), ("money.USD", 1)]
        deny ["only-ops-write"] Only ops may change something; ask one of them.
    dana drop-cache []
        deny [] No policy lets dana run drop-cache.
    dana no-such-runbook []
        deny [] No policy lets dana run no-such-runbook.
    dana forward-order [("money.USD", 1)]
        deny [] Denied: the plan does not tell `orders`, which the policy needs to know.
    dana forward-order [("orders", 1)]
        deny [] Denied: the plan does not tell `money.USD`, which the policy needs to know.
    dana stuck-orders [("orders", 1)]
        deny [] Denied: the plan tells `orders`, which the runbook does not declare.
    "#);
}

#[test]
fn the_shipped_policy_on_everything_else() {
    let policy = &SHIPPED;
    let people = people_with_a_lead();
    let [dana, lee, vic] = ["dana", "lee", "vic"].map(|name| people.person(name).unwrap());
    let radius = radius(&[("orders", 6), ("money.USD", 1)]);
    let account = Account::Discord { user: "102".to_owned() };
    let approve = |requester| Act::Approve {
        radius: &radius,
        requester,
        account: &account,
    };
    let table = [
        (dana, "stuck-orders", Act::Ask),
        (vic, "stuck-orders", Act::Ask),
        (vic, "forward-order", Act::Ask),
        (vic, "forward-order", Act::View),
        (dana, "forward-order", approve(dana)),
        (lee, "forward-order", approve(dana)),
        (vic, "forward-order", approve(dana)),
        (lee, "forward-order", Act::Stop { requester: dana }),
        (vic, "forward-order", Act::Stop { requester: dana }),
        (lee, "forward-order", Act::Resolve { requester: dana }),
        (vic, "forward-order", Act::Resolve { requester: vic }),
        (
            dana,
            "forward-order",
            Act::Override {
                radius: &radius,
                requester: dana,
            },
        ),
        (
            lee,
            "forward-order",
            Act::Override {
                radius: &radius,
                requester: lee,
            },
        ),
    ];
    let told: String = table
        .iter()
        .map(|(person, runbook, act)| {
            let decision = policy.decide(&Question {
                person,
                act: *act,
                runbook,
                place: &in_slack(),
            });
            format!(
                "{} {} {runbook}\n    {}\n",
                person.name,
                act.name().as_str(),
                line(&decision)
            )
        })
        .collect();
    assert_snapshot!(told, @r#"
    dana ask stuck-orders
        allow ["ops-ask"] Ops may ask for every runbook and see every run.
    vic ask stuck-orders
        allow ["viewers-read"] Viewers may run what only reads.
    vic ask forward-order
        deny ["only-ops-write"] Only ops may change something; ask one of them.
    vic view forward-order
        allow ["viewers-view"] Viewers may see every run.
    dana approve forward-order
        deny ["own-plan"] Nobody approves a plan of their own.
    lee approve forward-order
        allow ["ops-approve"] Ops may approve what others run.
    vic approve forward-order
        deny [] No policy lets vic approve forward-order.
    lee stop forward-order
        allow ["ops-stop-resolve"] Ops may stop every run and say what became of its steps.
    vic stop forward-order
        deny [] No policy lets vic stop forward-order.
    lee resolve forward-order
        allow ["ops-stop-resolve"] Ops may stop every run and say what became of its steps.
    vic resolve forward-order
        deny [] No policy lets vic resolve a step of forward-order.
    dana override forward-order
        allow ["leads-override"] On-call leads may start a plan without its approval, and answer for it.
    lee override forward-order
        deny [] No policy lets lee override the approval of forward-order.
    "#);
}

#[test]
fn a_yes_says_for_whom_and_what_it_is() {
    let Decision::Allow(grant) = run(&SHIPPED, "vic", "stuck-orders", &[]) else {
        panic!("not allowed")
    };
    assert_eq!(
        (grant.person(), grant.act(), grant.runbook()),
        ("vic", ActName::Run, "stuck-orders")
    );
    assert_eq!(
        (grant.policy(), grant.say()),
        ("viewers-read", "Viewers may run what only reads.")
    );
}

#[test]
fn who_may_approve_is_everybody_else_whom_the_policy_lets() {
    let policy = &SHIPPED;
    let people = people();
    let radius = radius(&[("orders", 6), ("money.USD", 1)]);
    let ask = |name| {
        policy.who_may_approve(
            &people,
            "forward-order",
            &radius,
            people.person(name).unwrap(),
            &in_slack(),
        )
    };
    assert_eq!(
        ask("dana"),
        Approvers {
            persons: vec!["lee".to_owned()],
            groups: vec!["ops".to_owned()]
        }
    );
    assert_eq!(ask("vic").persons, ["dana", "lee"]);
}

#[test]
fn a_policy_that_cannot_be_evaluated_is_a_no_that_names_it() {
    let overflow = r#"
        @id("all") @say("Everybody may.") permit(principal, action, resource);
        @id("sum") @say("Too much.") forbid(principal, action == Action::"run", resource)
        when { context.radius has orders && context.radius.orders + 9223372036854775807 > 5 };
    "#;
    let policy = load(overflow);
    let decision = run(&policy, "dana", "forward-order", &[("orders", 1), ("money.USD", 1)]);
    assert_snapshot!(line(&decision), @r#"deny ["sum"] Denied, because this policy could not be evaluated: `sum` (integer overflow while attempting to add the values `1` and `9223372036854775807`)."#);
    let threshold = overflow.replace("@id(\"sum\")", "@id(\"sum\") @approvals(\"1\")");
    let decision = run(
        &load(&threshold),
        "dana",
        "forward-order",
        &[("orders", 1), ("money.USD", 1)],
    );
    assert!(
        matches!(&decision, Decision::Deny { policies, .. } if policies == &["sum"]),
        "{decision:?}"
    );
    assert!(run(&policy, "dana", "stuck-orders", &[]).is_allowed());
}

#[test]
fn the_most_approvals_count_and_a_ban_beats_them() {
    let text = r#"
        @id("all") @say("Everybody may.") permit(principal, action, resource);
        @id("some") @say("Six need one.") @approvals("1") forbid(principal, action == Action::"run", resource)
        when { context.radius has orders && context.radius.orders > 5 };
        @id("many") @say("Sixty need three.") @approvals("3") forbid(principal, action == Action::"run", resource)
        when { context.radius has orders && context.radius.orders > 59 };
        @id("ban") @say("Never on a Slack of strangers.") forbid(principal, action, resource)
        when { context.place has workspace && context.place.workspace == "T9" };
    "#;
    let policy = load(text);
    let told = |orders, workspace: &str| {
        let people = people();
        let place = Place {
            surface: Surface::Slack,
            workspace: Some(workspace.to_owned()),
            channel: None,
            thread: None,
        };
        let radius = radius(&[("orders", orders), ("money.USD", 0)]);
        let person = people.person("vic").unwrap();
        line(&policy.decide(&Question {
            person,
            act: Act::Run { radius: &radius },
            runbook: "forward-order",
            place: &place,
        }))
    };
    assert_eq!(told(5, "T1"), r#"allow ["all"] Everybody may."#);
    assert_eq!(told(6, "T1"), r#"needs 1 ["some"] Six need one."#);
    assert_eq!(
        told(60, "T1"),
        r#"needs 3 ["some", "many"] Six need one. Sixty need three."#
    );
    assert_eq!(told(60, "T9"), r#"deny ["ban"] Never on a Slack of strangers."#);
}

#[test]
fn policies_see_how_the_approver_was_proved() {
    let text = r#"
        @id("all") @say("Everybody may.") permit(principal, action, resource);
        @id("no-shell") @say("Approve where others see it.") forbid(principal, action == Action::"approve", resource)
        when { context.approver.account == "os" && !(context.requester in Group::"viewers") };
    "#;
    let policy = load(text);
    let people = people();
    let [dana, lee, vic] = ["dana", "lee", "vic"].map(|name| people.person(name).unwrap());
    let no_facts = Radius::new();
    let approve = |requester, account| {
        let act = Act::Approve {
            radius: &no_facts,
            requester,
            account: &account,
        };
        policy
            .decide(&Question {
                person: lee,
                act,
                runbook: "stuck-orders",
                place: &in_slack(),
            })
            .is_allowed()
    };
    let os = || Account::Os { user: "lee".to_owned() };
    assert!(!approve(dana, os()));
    assert!(approve(vic, os()));
    assert!(approve(
        dana,
        Account::Session {
            person: "lee".to_owned(),
            session: "s".to_owned()
        }
    ));
}

#[test]
fn a_group_that_nothing_declares_is_an_error_unless_it_only_leaves_out_a_permission() {
    let permit = r#"@id("a") @say("x") permit(principal in Group::"night-shift", action == Action::"run", resource);"#;
    let policy = Policy::load(Path::new("policy.cedar"), permit, &runbooks(), &people()).unwrap();
    let remarks: Vec<String> = policy.remarks().iter().map(ToString::to_string).collect();
    assert_snapshot!(remarks.join("\n"), @r#"
    policy.cedar:1:40: `Group::"night-shift"`: no [group.NAME] section declares it; there is `oncall-leads`, `ops`, `viewers`; until then this permits nothing
        @id("a") @say("x") permit(principal in Group::"night-shift", action == Action::"run", resource);
                                               ^
    "#);
    for wrong in [
        permit.replace("night-shift", "opps"),
        permit.replace("permit(", "forbid("),
        permit
            .replace("principal in Group::\"night-shift\"", "principal")
            .replace("resource)", "resource) unless { principal in Group::\"night-shift\" }"),
    ] {
        assert!(
            problems(&wrong).contains("no [group.NAME] section declares it"),
            "{wrong}"
        );
    }
}

#[test]
fn every_mistake_of_a_policy_is_told_at_its_place() {
    let text = r#"permit(principal in Group::"opps", action == Action::"run", resource);

@id("Loud") @say(" ")
permit(principal, action == Action::"run", resource) when { context.radius.orders > 5 };

@id("typo") @say("x") @aprovals("1")
forbid(principal, action == Action::"run", resource == Runbook::"forward-oder");

@id("typo") @say("x") @approvals("0")
forbid(principal, action == Action::"run", resource);

@id("misplaced") @say("x") @approvals("1")
forbid(principal, action, resource) when { context.place.surfce == "slack" };

@id("slot") @say("x")
permit(principal == ?principal, action, resource);

@id("act") @say("x")
permit(principal == Person::"dan", action == Action::"runn", resource) when { resource.effect == 3 };
"#;
    assert_snapshot!(problems(text), @r#"
    policy.cedar:1:1: a policy needs `@id("...")`, the name that answers cite it by
        permit(principal in Group::"opps", action == Action::"run", resource);
        ^
    policy.cedar:1:1: a policy needs `@say("...")`, the sentence that people see when it decides
        permit(principal in Group::"opps", action == Action::"run", resource);
        ^
    policy.cedar:1:21: `Group::"opps"`: no [group.NAME] section declares it; did you mean `ops`?
        permit(principal in Group::"opps", action == Action::"run", resource);
                            ^
    policy.cedar:3:1: a policy needs `@say("...")`, the sentence that people see when it decides
        @id("Loud") @say(" ")
        ^
    policy.cedar:3:1: ids are lowercase words such as `many-orders`; `Loud` is not
        @id("Loud") @say(" ")
        ^
    policy.cedar:4:61: unable to guarantee safety of access to optional attribute `radius.orders` in context for Action::"run"; try testing for the attribute's presence with `context.radius has orders && ..`
        permit(principal, action == Action::"run", resource) when { context.radius.orders > 5 };
                                                                    ^
    policy.cedar:6:1: the annotation `@aprovals` is not known; did you mean `approvals`?
        @id("typo") @say("x") @aprovals("1")
        ^
    policy.cedar:7:56: `Runbook::"forward-oder"`: no runbook has this name; did you mean `forward-order`?
        forbid(principal, action == Action::"run", resource == Runbook::"forward-oder");
                                                               ^
    policy.cedar:9:1: `@approvals` takes how many others must say yes, "1" to "9"; "0" is not
        @id("typo") @say("x") @approvals("0")
        ^
    policy.cedar:9:1: another policy has the id `typo` already; ids are cited in answers, so each is one policy's
        @id("typo") @say("x") @approvals("0")
        ^
    policy.cedar:12:1: `@approvals` lifts a `forbid(principal, action == Action::"run", resource)` and has no meaning elsewhere
        @id("misplaced") @say("x") @approvals("1")
        ^
    policy.cedar:13:44: attribute `place.surfce` in context for Action::"approve" not found; did you mean `surface`?
        forbid(principal, action, resource) when { context.place.surfce == "slack" };
                                                   ^
    policy.cedar:15:1: slots such as `?principal` have no use here; name the group or person
        @id("slot") @say("x")
        ^
    policy.cedar:19:21: `Person::"dan"`: no [person.NAME] section has it; did you mean `dana`?
        permit(principal == Person::"dan", action == Action::"runn", resource) when { resource.effect == 3 }...
                            ^
    policy.cedar:19:46: unrecognized action `Action::"runn"`; did you mean `Action::"run"`?
        permit(principal == Person::"dan", action == Action::"runn", resource) when { resource.effect == 3 }...
                                                     ^
    "#);
}

#[test]
fn text_that_is_no_policy_is_told_at_its_place() {
    let text =
        "@id(\"a\") @say(\"x\")\npermit(principal, action, resource) when { 1 + };\n\n@id(\"b\")\nallow(principal);\n";
    assert_snapshot!(problems(text), @r"
    policy.cedar:2:48: unexpected token `}`; expected `!`, `(`, `-`, `[`, `{`, `false`, identifier, `if`, number, `?principal`, `?resource`, string literal, or `true`
        permit(principal, action, resource) when { 1 + };
                                                       ^
    ");
}

#[test]
fn names_that_name_nothing_are_told_at_their_place() {
    let text = r#"
@id("a") @say("x")
forbid(principal, action == Action::"run", resource)
when { context.radius has ordres && context.radius.ordres > 5 };

@id("b") @say("x")
forbid(principal, action == Action::"run", resource)
when { context.radius has money.USDD && context.radius.money.USDD > 5 };

@id("c") @say("x")
forbid(principal, action, resource)
when { resource.effect == "destrutive" || ["cli", "shell"].contains(context.place.surface) };

@id("d") @say("x")
forbid(principal, action == Action::"approve", resource)
unless { "slak" != context.approver.account };

@id("of-a-runbook-that-is-not-here") @say("x")
forbid(principal, action == Action::"run", resource)
when { context.radius has replicas && context.radius.replicas > 5 };

@id("of-another-currency") @say("x")
forbid(principal, action == Action::"run", resource)
when { context.radius has money.EUR && context.radius.money.EUR > 5 };
"#;
    assert_snapshot!(problems(text), @r#"
    policy.cedar:4:27: no runbook's radius has `ordres`; did you mean `orders`?
        when { context.radius has ordres && context.radius.ordres > 5 };
                                  ^
    policy.cedar:8:27: no runbook's radius has `money.USDD`; did you mean `money.USD`?
        when { context.radius has money.USDD && context.radius.money.USDD > 5 };
                                  ^
    policy.cedar:12:27: `resource.effect` is never "destrutive"; did you mean `destructive`?
        when { resource.effect == "destrutive" || ["cli", "shell"].contains(context.place.surface) };
                                  ^
    policy.cedar:12:51: `context.place.surface` is never "shell"; there is `cli`, `console`, `discord`, `slack`
        when { resource.effect == "destrutive" || ["cli", "shell"].contains(context.place.surface) };
                                                          ^
    policy.cedar:16:10: `context.approver.account` is never "slak"; did you mean `slack`?
        unless { "slak" != context.approver.account };
                 ^
    "#);
}

#[test]
fn runbooks_that_contradict_each_other_are_told() {
    let runbooks = [
        facts("a", Effect::Write, &["money"]),
        facts("b", Effect::Write, &["money.USD"]),
    ];
    let problems = Policy::load(Path::new("policy.cedar"), "", &runbooks, &people()).unwrap_err();
    assert_snapshot!(problems[0], @r"policy.cedar:1:1: one runbook's radius has `money` as a number, another's has members of it; rename one");
}

#[test]
fn the_schema_follows_from_the_runbooks() {
    assert_snapshot!(Policy::schema_text(&runbooks()), @r#"
    entity Group;
    entity Person in [Group];
    entity Alert;
    entity Runbook { name: String, effect: String };
    type Place = { surface: String, workspace?: String, channel?: String };
    type Radius = {
        "money"?: { "USD"?: Long },
        "orders"?: Long,
        "products"?: Long,
        "suppliers"?: Long,
    };
    action ask appliesTo { principal: [Person, Alert], resource: Runbook, context: { place: Place } };
    action view appliesTo { principal: Person, resource: Runbook, context: { place: Place } };
    action run appliesTo { principal: [Person, Alert], resource: Runbook, context: { place: Place, radius: Radius } };
    action approve appliesTo { principal: Person, resource: Runbook, context: { place: Place, radius: Radius, requester: Person, approver: { account: String } } };
    action stop appliesTo { principal: Person, resource: Runbook, context: { place: Place, requester: Person } };
    action resolve appliesTo { principal: Person, resource: Runbook, context: { place: Place, requester: Person } };
    action override appliesTo { principal: Person, resource: Runbook, context: { place: Place, radius: Radius, requester: Person } };
    "#);
}

#[test]
fn the_version_changes_with_the_policies_and_with_the_schema() {
    let one = load(SHIPPED_POLICY);
    let same = load(SHIPPED_POLICY);
    let edited = load(&SHIPPED_POLICY.replace("orders > 5", "orders > 6"));
    let fewer = Policy::load(Path::new("policy.cedar"), SHIPPED_POLICY, &runbooks()[1..], &people()).unwrap();
    assert_eq!(one.version(), same.version());
    assert_ne!(one.version(), edited.version());
    assert_ne!(one.version(), fewer.version());
}

#[test]
fn nothing_is_allowed_by_an_empty_policy() {
    let decision = run(&load(""), "dana", "stuck-orders", &[]);
    assert_eq!(line(&decision), "deny [] No policy lets dana run stuck-orders.");
}

proptest! {
    // Each case reads a whole policy file.
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_text_is_read_or_refused_with_problems(text in "\\PC{0,80}") {
        if let Err(problems) = Policy::load(Path::new("policy.cedar"), &text, &runbooks(), &people()) {
            prop_assert!(!problems.is_empty());
        }
    }

    #[test]
    fn a_torn_shipped_policy_is_read_or_refused_with_problems(cut in 0..SHIPPED_POLICY.len()) {
        if let Err(problems) = Policy::load(Path::new("policy.cedar"), &SHIPPED_POLICY[..cut], &runbooks(), &people()) {
            prop_assert!(!problems.is_empty());
        }
    }

    #[test]
    fn who_stands_in_no_group_may_do_nothing(orders in any::<i64>(), money in any::<i64>(), name in "[a-z]{1,8}") {
        let person = Person::named(&name, BTreeSet::new());
        let radius = radius(&[("orders", orders), ("money.USD", money)]);
        let policy = &SHIPPED;
        for act in [Act::Ask, Act::View, Act::Run { radius: &radius }] {
            let decision = policy.decide(&Question { person: &person, act, runbook: "forward-order", place: &in_slack() });
            prop_assert!(!decision.is_allowed());
            let denied = matches!(decision, Decision::Deny { .. });
            prop_assert!(denied);
        }
    }

    #[test]
    fn the_size_of_a_plan_alone_decides_whether_ops_need_a_second_person(orders in 0..20_i64, money in 0..200_000_i64) {
        let decision = run(&SHIPPED, "lee", "forward-order", &[("orders", orders), ("money.USD", money)]);
        if orders > 5 || money > 100_000 {
            prop_assert!(matches!(decision, Decision::NeedsApproval(_)));
        } else {
            prop_assert!(decision.is_allowed());
        }
    }
}

/// What is left of a run when its runbook was removed: those who could see and stop it still can, and nothing more.
#[test]
fn a_runs_removed_runbook_can_be_seen_and_stopped_and_not_run() {
    let people = people_with_a_lead();
    let requester = people.person("dana").unwrap();
    let radius = Radius::new();
    let acts = [
        Act::View,
        Act::Stop { requester },
        Act::Resolve { requester },
        Act::Ask,
        Act::Run { radius: &radius },
        Act::Override {
            radius: &radius,
            requester,
        },
    ];
    let told = |name: &str| -> String {
        let may = |act: &Act<'_>| {
            SHIPPED
                .decide(&Question {
                    person: people.person(name).unwrap(),
                    act: *act,
                    runbook: "was-removed",
                    place: &in_slack(),
                })
                .is_allowed()
        };
        let allowed = acts.iter().filter(|act| may(act));
        allowed.map(|act| act.name().as_str()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(told("lee"), "view stop resolve");
    assert_eq!(told("vic"), "view");
}

/// Whatever a list that is too old says of somebody's groups, it allows no more than what is sure.
#[test]
fn a_group_in_doubt_neither_allows_nor_lets_off() {
    let text = "@id(\"ops\") @say(\"Ops may.\") permit (principal in Group::\"ops\", action, resource);\n\
        @id(\"all\") @say(\"All may.\") permit (principal, action in [Action::\"ask\", Action::\"view\"], resource);\n\
        @id(\"new\") @say(\"The new ones may not.\") forbid (principal in Group::\"new\", action == Action::\"run\", resource);\n";
    let people = People::load(Path::new("people.toml"), "[group.ops]\n[group.new]\n", false).unwrap();
    let facts = [("write", Effect::Write), ("wipe", Effect::Destructive)].map(|(name, effect)| RunbookFacts {
        name: name.to_owned(),
        effect,
        radius_names: BTreeSet::new(),
    });
    let policy = Policy::load(Path::new("policy.cedar"), text, &facts, &people).unwrap();
    let person = |groups: &[&str], doubtful: &[&str]| {
        let mut person = Person::named("dana", groups.iter().map(|group| (*group).to_owned()).collect());
        person.lapsed = doubtful
            .iter()
            .map(|group| ((*group).to_owned(), format!("{group} is old.")))
            .collect();
        person
    };
    let place = Place {
        surface: Surface::Cli,
        workspace: None,
        channel: None,
        thread: None,
    };
    let radius = Radius::new();
    let says = |person: &Person, runbook: &str| {
        let decision = policy.decide(&Question {
            person,
            act: Act::Run { radius: &radius },
            runbook,
            place: &place,
        });
        (decision.is_allowed(), decision.say().to_owned())
    };
    let doubtful = person(&["ops"], &["ops"]);
    assert_eq!(says(&doubtful, "write"), (true, "Ops may.".to_owned()));
    assert_eq!(says(&doubtful, "wipe"), (false, "ops is old.".to_owned()));
    assert_eq!(says(&person(&["ops"], &[]), "wipe"), (true, "Ops may.".to_owned()));
    let held_back = person(&["ops", "new"], &["new"]);
    assert_eq!(
        says(&held_back, "wipe"),
        (false, "The new ones may not.".to_owned()),
        "a ban in doubt holds"
    );
}

/// By which a policy could let anybody do anything.
const OPEN: &str = r#"
@id("open")
@say("Anybody may.")
permit (principal, action, resource);
@id("own-plan")
@say("Nobody approves a plan of their own.")
forbid (principal, action == Action::"approve", resource)
when { principal == context.requester };
@id("not-dana")
@say("Not dana.")
forbid (principal, action == Action::"run", resource)
when { principal == Person::"dana" };
@id("two")
@say("Two suppliers need a second person.")
@approvals("1")
forbid (principal, action == Action::"run", resource)
when { context.radius has suppliers && context.radius.suppliers > 1 };
"#;

#[test]
fn an_alert_is_nobody_until_a_policy_names_it_and_may_only_ask() {
    let people = people();
    let alert = |name: &str| {
        let account = Account::Alert { name: name.to_owned() };
        people
            .asker(&account, &["slack T1/S0OPS".to_owned()])
            .unwrap()
            .into_owned()
    };
    let stuck = alert("OrdersStuck");
    assert_eq!((stuck.name.as_str(), stuck.groups.len()), ("alert OrdersStuck", 0));
    let place = in_slack();
    let decide = |policy: &Policy, person: &Person, act| {
        let question = Question {
            person,
            act,
            runbook: "stuck-orders",
            place: &place,
        };
        line(&policy.decide(&question))
    };
    let none = Radius::new();
    // The shipped policy names none.
    assert_eq!(
        decide(&SHIPPED, &stuck, Act::Ask),
        "deny [] No policy lets alert OrdersStuck ask for stuck-orders."
    );
    let named = load(&format!(
        "{SHIPPED_POLICY}\n@id(\"looks\")\n@say(\"It may look.\")\npermit (principal == Alert::\"OrdersStuck\", action in \
         [Action::\"ask\", Action::\"run\"], resource == Runbook::\"stuck-orders\");"
    ));
    for act in [Act::Ask, Act::Run { radius: &none }] {
        assert_eq!(decide(&named, &stuck, act), "allow [\"looks\"] It may look.");
        assert!(decide(&named, &alert("OrdersLost"), act).starts_with("deny"));
    }
    let meant = |name: &str| name == "OrdersStuck";
    assert_eq!(named.never("stuck-orders", meant), None);
    assert_eq!(
        named.never("stuck-orders", |name| name == "OrdersLost"),
        Some(ActName::Ask)
    );
    assert_eq!(named.never("forward-order", meant), Some(ActName::Ask));
    assert_eq!(SHIPPED.never("stuck-orders", meant), Some(ActName::Ask));

    // Whatever a policy says, it answers to nothing. What others must say yes to they must say yes to for it, too.
    let open = load(OPEN);
    let dana = people.person("dana").unwrap();
    let account = Account::Alert {
        name: "OrdersStuck".to_owned(),
    };
    for act in [
        Act::View,
        Act::Stop { requester: dana },
        Act::Resolve { requester: dana },
        Act::Approve {
            radius: &none,
            requester: dana,
            account: &account,
        },
        Act::Override {
            radius: &none,
            requester: dana,
        },
    ] {
        assert_eq!(
            decide(&open, &stuck, act),
            "deny [] alert OrdersStuck may ask for a runbook and do nothing else."
        );
    }
    let two = radius(&[("suppliers", 2), ("products", 1)]);
    let decision = open.decide(&Question {
        person: &stuck,
        act: Act::Run { radius: &two },
        runbook: "resync-supplier",
        place: &place,
    });
    assert_eq!(line(&decision), "needs 1 [\"two\"] Two suppliers need a second person.");
    // And for what it asked people may say yes.
    let approve = Act::Approve {
        radius: &two,
        requester: &stuck,
        account: &Account::Discord { user: "1".to_owned() },
    };
    let decision = open.decide(&Question {
        person: dana,
        act: approve,
        runbook: "resync-supplier",
        place: &place,
    });
    assert_eq!(line(&decision), "allow [\"open\"] Anybody may.");
}
