//! What is pressed, and what a press is worth.

use crate::harness::discord_world::{Answers, DANA, LEE, OPS, VIC, World, run_of, shown, steady};
use serde_json::json;
use signalbox::report::Outcome;
use signalbox::run::ledger::Live;

async fn asked_for(world: &World) -> crate::harness::discord::Message {
    world.types(DANA, "charge", &[("order", json!(1042))]).await;
    let message = world.discord.posted(OPS).await;
    world.discord.whisper(DANA).await;
    world.discord.reply(&message).await;
    message
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_counts_as_it_is_at_the_press() {
    let world = World::new().await;
    let message = asked_for(&world).await;
    // Lee is no member of ops any more, and vic never was one.
    world.discord.set_roles("900", LEE, &[]);
    for user in [LEE, VIC] {
        world.presses(user, &message, "Approve").await;
        let told = shown(&world.discord.whisper(user).await);
        assert!(
            told.starts_with("⊘ Denied") || told.starts_with("! Not understood"),
            "{told}"
        );
    }
    assert_eq!(world.writes(), 0);
    world.discord.set_roles("900", LEE, &["7001"]);
    world.presses(LEE, &message, "Approve").await;
    let done = world.until_says(&message, "✓ Succeeded").await;
    world.discord.reply(&done).await;
    world.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_lost_the_role_asks_for_nothing_any_more() {
    let world = World::new().await;
    world.discord.set_roles("900", DANA, &["7003"]);
    world.types(DANA, "charge", &[("order", json!(1042))]).await;
    insta::assert_snapshot!(shown(&world.discord.whisper(DANA).await), @r"
    ⊘ Denied: charge
    No policy lets dana ask for charge.
    Asked by dana
    ");
    world.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_press_works_after_a_restart() {
    let mut world = World::new().await;
    let message = asked_for(&world).await;
    world.kill();
    // While nobody is there Discord says so itself, and nothing is lost.
    let ack = world.discord.person(LEE).presses(&message, "Approve").await;
    assert_eq!(ack.kind(), 0);
    assert_eq!(world.discord.take_complaints().len(), 1);
    world.start().await;
    world.presses(LEE, &message, "Approve").await;
    let done = world.until_says(&message, "✓ Succeeded").await;
    world.discord.reply(&done).await;
    // Whether the thread was begun before, the new process asks Discord.
    let refused = world.discord.take_refused();
    assert!(refused.iter().all(|call| call.answer["code"] == 160_004), "{refused:?}");
    world.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_knows_is_resolved_with_a_reason_by_a_form() {
    let world = World::new().await;
    world.shop_answers(Answers::Nothing);
    let message = asked_for(&world).await;
    world.presses(LEE, &message, "Approve").await;
    let asks = world.until_says(&message, "? Needs a person").await;
    insta::assert_snapshot!(shown(&asks), @r"
    <@&7001> Somebody must say what became of a step.
    ? Needs a person: charge order=1042
    It may have happened: 127.0.0.1:PORT may have done POST /charge: no answer came: the deadline passed. Say what became of it; until then its locks stay held and nothing more is started. It has waited since TIME.

    Steps: 1 not known
    ? charge may have happened
    Asked by dana, run RUN
    lee approved (Discord) · MARK
    [It happened]
    [It did not happen]
    [Give up]
    ");
    let ping = world.discord.reply(&message).await;
    insta::assert_snapshot!(shown(&ping), @r"
    <@&7001> Somebody must say what became of a step.
    ? Needs a person: charge order=1042
    It may have happened: 127.0.0.1:PORT may have done POST /charge: no answer came: the deadline passed. Say what became of it; until then its locks stay held and nothing more is started. It has waited since TIME.
    Run RUN · MARK
    ");
    assert_eq!(ping.pings, ["@&7001"]);

    let person = world.discord.person(LEE);
    let ack = person.presses(&asks, "It happened").await;
    insta::assert_snapshot!(steady(&serde_json::to_string_pretty(ack.form()).unwrap()).replace(&run_of(&asks), "RUN"), @r#"
    {
      "custom_id": "sb:RUN:done:charge",
      "title": "It happened",
      "components": [
        {
          "type": 18,
          "label": "How do you know that it happened?",
          "description": "Everybody who sees the run reads this.",
          "component": {
            "type": 4,
            "custom_id": "reason",
            "style": 1,
            "min_length": 1,
            "max_length": 500,
            "required": true
          }
        }
      ]
    }
    "#);
    let sent = person
        .submits(&ack, &[("reason", "the bank's own page shows it")])
        .await;
    assert_eq!((sent.status, sent.kind()), (Some(200), 6));
    let done = world.until_says(&message, "✓ Succeeded").await;
    insta::assert_snapshot!(shown(&done), @r"
    ✓ Succeeded: charge order=1042
    lee says that it happened: the bank's own page shows it.

    Steps: 1 done
    ✓ charge
    Asked by dana, run RUN
    lee approved (Discord)
    lee resolved a step: the bank's own page shows it · MARK
    ");
    world.discord.reply(&message).await;
    assert_eq!(world.writes(), 1);
    world.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_button_of_an_old_copy_does_nothing() {
    let world = World::new().await;
    let message = asked_for(&world).await;
    // The bot takes it for lost, and posts it once more.
    let id = format!("{}:run:{OPS}", run_of(&message));
    world
        .app
        .store
        .forget_remote(&id, jiff::Timestamp::now())
        .await
        .unwrap();
    let anew = world.discord.posted(OPS).await;
    assert_eq!(shown(&anew), shown(&message));
    world.presses(LEE, &message, "Approve").await;
    insta::assert_snapshot!(shown(&world.discord.whisper(LEE).await), @r"
    ⊘ Refused: charge
    Nothing was done: this is an old copy of the message of run RUN, and nobody keeps it up to date. Use the buttons of the newer one in this channel.
    Asked by lee
    ");
    world.presses(LEE, &anew, "Deny").await;
    world.until_says(&anew, "⊘ Denied").await;
    let run = Live::load(&world.app.store, &run_of(&anew)).await.unwrap();
    assert_eq!(run.state.standing(), Outcome::Denied);
    assert_eq!(world.writes(), 0);
    world.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_delivery_twice_is_one_request() {
    let world = World::new().await;
    let ack = world.types(DANA, "write", &[("word", json!("red"))]).await;
    let again = world.discord.deliver(&ack.id, ack.sent.clone()).await;
    assert_eq!(again.status, Some(200));
    let message = world.discord.posted(OPS).await;
    world.until_says(&message, "✓ Succeeded").await;
    world.discord.whisper(DANA).await;
    world.discord.reply(&message).await;
    assert_eq!((world.writes(), world.app.store.runs(9).await.unwrap().len()), (1, 1));
    // Discord would answer nobody twice, and says so.
    world.discord.take_misuse();
    world.discord.take_complaints();
    world.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_override_is_asked_for_its_reason_and_refused_to_who_may_not() {
    let world = World::new().await;
    let message = asked_for(&world).await;
    let run = run_of(&message);
    let person = world.discord.person(VIC);
    let ack = person.types(OPS, "signalbox override", &[("run", json!(run))]).await;
    let sent = person.submits(&ack, &[("reason", "nobody else is awake")]).await;
    assert_eq!((sent.status, sent.kind()), (Some(200), 5));
    let told = shown(&world.discord.whisper(VIC).await);
    assert!(
        told.starts_with("! Not understood") || told.starts_with("⊘ Denied"),
        "{told}"
    );
    let person = world.discord.person(LEE);
    let ack = person.types(OPS, "signalbox override", &[("run", json!(run))]).await;
    person.submits(&ack, &[("reason", "nobody else is awake")]).await;
    let done = world.until_says(&message, "✓ Succeeded").await;
    insta::assert_snapshot!(shown(&done), @r"
    ✓ Succeeded: charge order=1042
    Order 1042 is charged.

    Steps: 1 done
    ✓ charge
    Asked by dana, run RUN
    OVERRIDE by lee, alone: nobody else is awake · MARK
    ");
    world.discord.whisper(LEE).await;
    world.discord.reply(&message).await;
    world.end();
}

/// Two steps: what the first one does can be undone, and the second one fails.
const PAINT: &str = r#"
summary = "Paints."
[lock]
keys = ["'paint'"]
[[step]]
name = "paint"
use = "http.post"
on = "shop"
with.path = "/paint"
with.json = { what = "'the wall'" }
timeout = "2s"
say = "Paint."
[[step.expect]]
when = "call.result == 'done'"
outcome = "done"
say = "Painted."
[step.undo]
use = "http.post"
on = "shop"
with.path = "/wash"
with.json = { what = "'the wall'" }
[[step.undo.expect]]
when = "call.result == 'done'"
outcome = "done"
say = "Washed off."
[[step]]
name = "varnish"
use = "http.post"
on = "shop"
with.path = "/varnish"
with.json = { what = "'the wall'" }
timeout = "2s"
say = "Varnish."
[[step.expect]]
when = "call.result == 'done'"
outcome = "failed"
say = "There is no varnish."
"#;

#[tokio::test(flavor = "multi_thread")]
async fn what_ends_or_reverses_something_is_asked_about_first() {
    let world = World::with(&[("paint", PAINT)]).await;
    world.types(DANA, "paint", &[]).await;
    let message = world.discord.posted(OPS).await;
    world.discord.whisper(DANA).await;
    let message = world.until_says(&message, "Undo what is done").await;
    assert_eq!(world.writes(), 2);
    // Only whoever pressed is asked, and a no changes nothing.
    let person = world.discord.person(LEE);
    let ack = person.presses(&message, "Undo what is done").await;
    assert_eq!((ack.status, ack.kind()), (Some(200), 4));
    let question = world.discord.whisper(LEE).await;
    insta::assert_snapshot!(shown(&question), @r"
    Undo what is done? The done steps are reversed, last one first.
    [Undo]
    [Leave it]
    ");
    let ack = person.presses(&question, "Leave it").await;
    assert_eq!((ack.status, ack.kind()), (Some(200), 7));
    let question = world.discord.now(&question);
    assert_eq!(
        (shown(&question).as_str(), question.buttons().len()),
        ("Nothing was done.", 0)
    );
    assert_eq!(world.writes(), 2);
    // Asked once more, and yes. Another delivery of the same yes is the same yes.
    person.presses(&message, "Undo what is done").await;
    let question = world.discord.whisper(LEE).await;
    let ack = person.presses(&question, "Undo").await;
    assert_eq!((ack.status, ack.kind()), (Some(200), 7));
    let undone = world.until_says(&message, "↶ Undone").await;
    assert_eq!(world.writes(), 3);
    insta::assert_snapshot!(shown(&undone), @r"
    ↶ Undone: paint
    What was done is undone. There is no varnish. Undone: paint.

    Steps: 1 failed, 1 done
    ✓ paint: Washed off.
    ✗ varnish failed
    Asked by dana, run RUN
    lee asked to undo what is done · MARK
    ");
    insta::assert_snapshot!(shown(&world.discord.now(&question)), @"That is asked for. The message of the run shows what comes of it.");
    world.discord.look_away();
    world.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_stopped_after_a_question_and_by_those_who_may() {
    let world = World::new().await;
    world.shop_answers(Answers::Nothing);
    let message = asked_for(&world).await;
    world.presses(LEE, &message, "Approve").await;
    let message = world.until_says(&message, "[Stop]").await;
    for user in [VIC, LEE] {
        let person = world.discord.person(user);
        person.presses_as_it_was(&message, "Stop").await;
        let question = world.discord.whisper(user).await;
        assert!(shown(&question).starts_with("Stop this run?"), "{}", shown(&question));
        person.presses(&question, "Stop").await;
        if user == VIC {
            // Vic may not, and is told so, alone.
            let told = shown(&world.discord.whisper(VIC).await);
            assert!(
                told.starts_with("! Not understood") || told.starts_with("⊘ Denied"),
                "{told}"
            );
        }
    }
    let run = run_of(&message);
    crate::harness::services::until("it is to stop", || {
        let live = tokio::task::block_in_place(|| {
            tokio::runtime::Handle::current()
                .block_on(Live::load(&world.app.store, &run))
                .unwrap()
        });
        live.state.stop.is_some()
    })
    .await;
    world.until_says(&message, "? Needs a person").await;
    world.discord.look_away();
    world.end();
}
