//! One order is forwarded, or is not, and why.

use crate::harness::slack::Fault;
use crate::harness::slack_world::{Scene, run_of, shown, steady, whispered};

#[tokio::test(flavor = "multi_thread")]
async fn one_message_tells_of_one_order_from_the_beginning_to_the_proof() {
    let scene = Scene::open().await;
    scene.shop().until_measured("orders_awaiting_forwarding").await;
    scene.types("U1", "/forward-order", "1043").await;
    let message = scene.slack.posted("C0OPS").await;
    let message = scene.until_heading(&message, "✓").await;
    let message = scene.slack.until(&message, |now| now.seen().contains("Proof:")).await;
    insta::assert_snapshot!(shown(&message), @r"
    ✓ Succeeded: forward-order order=1043
    Order 1043 is forwarded: its row shows CJ: CJORD-N.
    Touches: money USD 60.50, orders 1
    Proof: VERDICT. orders awaiting forwarding N -> N, N after the soak; queue length N -> N messages, N after the soak; workers alive N -> N, N after the soak
    Steps: 1 done
    ✓ forward[1043]
    Asked by dana, run RUN
    ");

    let id = scene
        .shop()
        .supplier_id(1043)
        .await
        .expect("the supplier has the order");
    assert!(message.seen().contains(&id), "{id} is not in {}", message.seen());
    assert_eq!(scene.shop().posts(1043).await, 1);

    let result = scene.slack.reply(&message).await;
    insta::assert_snapshot!(shown(&result), @r"
    Details of forward-order order=1043
    Steps
    ✓ forward[1043]: Order 1043 is forwarded: its row shows CJ: CJORD-N.
    Plan digest DIGEST
    ");
    let chart = scene.slack.reply(&message).await;
    insta::assert_snapshot!(shown(&chart), @"file RUN.png");
    let files = scene.slack.files();
    let file = files.iter().find(|file| file.name.ends_with(".png")).expect("a chart");
    let png = file.bytes.as_deref().expect("its bytes were uploaded");
    assert!(png.starts_with(b"\x89PNG\r\n\x1a\n"));
    assert_eq!(file.shared, Some(("C0OPS".to_owned(), Some(message.ts.clone()))));
    insta::assert_snapshot!(steady(&format!("{}: {}", file.title, file.alt_text)), @"Forwarding orders to suppliers: Forwarding orders to suppliers. DATE to TIME. orders awaiting forwarding: NUMBERS. queue length (messages): NUMBERS. workers alive: NUMBERS. run RUN is marked, DATE to TIME.");
    assert_eq!(scene.bot.show(&run_of(&message))["outcome"], "succeeded");
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_learns_it_alone() {
    let scene = Scene::open().await;
    scene.types("U3", "/forward-order", "1043").await;
    insta::assert_snapshot!(whispered(&scene.slack.whisper("U3").await), @r"
    ⊘ Denied: forward-order
    Only ops may change something; ask one of them.
    Asked by vic
    ");

    // Somebody of this workspace whom people.toml does not know. The answer goes where the response URL leads.
    let body = scene.slack.person("U3").command_body("C0OPS", "/forward-order", "1043");
    scene
        .delivers("U3", "/slack/commands", body.replace("user_id=U3", "user_id=U77"))
        .await;
    insta::assert_snapshot!(whispered(&scene.slack.whisper("U3").await), @r"
    ⊘ Denied: forward-order
    I do not know who you are: the Slack account T1/U77 belongs to nobody in people.toml. If Signalbox knows you on another platform, type `/signalbox link` there and bring the code here by `/signalbox link CODE`. Otherwise ask an operator to add this account.
    Asked by Slack account T1/U77
    ");

    assert_eq!(scene.shop().posts(1043).await, 0);
    assert!(scene.bot.runs().is_empty());
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_meant_is_told_to_the_asker_with_the_way_out() {
    let scene = Scene::open().await;
    let mut answers = Vec::new();
    for (command, text) in [
        ("/forward-order", "ten 1043"),
        ("/forward-order", "oder=1043"),
        ("/forward-order", "0"),
        ("/signalbox", "foward-order 1043"),
        ("/forward-order", "99999"),
        ("/forward-order", "1048"),
    ] {
        // Slack opens no form for what is wrong this time.
        if answers.len() < 3 {
            scene.slack.fault("views.open", Fault::Error("expired_trigger_id"));
        }
        scene.types("U1", command, text).await;
        let answer = whispered(&scene.slack.whisper("U1").await);
        answers.push(format!("{command} {text}\n{answer}"));
    }
    insta::assert_snapshot!(answers.join("\n\n"), @r"
    /forward-order ten 1043
    ! Not understood: forward-order
    `order`: `ten` is not a whole number. Nothing was done.
    Asked by dana

    /forward-order oder=1043
    ! Not understood: forward-order
    there is no input `oder`; did you mean `order`? (A value with `=` in it goes in quotes.) Nothing was done.
    Asked by dana

    /forward-order 0
    ! Not understood: forward-order
    `order`: `0` is out of range; it takes 1 or more. Nothing was done.
    Asked by dana

    /signalbox foward-order 1043
    ! Not understood: foward-order
    There is no runbook of that name. Did you mean forward-order?
    Asked by dana

    /forward-order 99999
    ⊘ Refused: forward-order order=99999
    Order 99999 does not exist.
    Asked by dana

    /forward-order 1048
    ⊘ Refused: forward-order order=1048
    Order 1048 has an id that the shop made up (CJ: cj_1048-1): no answer came from the supplier, which may have the order all the same. The shop counts it as forwarded, so another run would do nothing. Ask the supplier first; if it has no such order, /retry-forward 1048 sends it again.
    Asked by dana
    ");
    assert!(scene.bot.runs().is_empty());
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_is_for_the_asker_and_what_is_done_already_is_told_in_the_channel() {
    let scene = Scene::open().await;
    scene.types("U1", "/forward-order", "1043 dry").await;
    insta::assert_snapshot!(whispered(&scene.slack.whisper("U1").await), @r"
    ○ Dry run, nothing was done: forward-order order=1043
    Dry run: nothing was done. This is what would be done.
    Touches: money USD 60.50, orders 1
    Plan
    • Send order 1043 (USD 60.50) to CJ.
    Asked by dana
    ");
    scene.types("U1", "/forward-order", "1045").await;
    insta::assert_snapshot!(shown(&scene.slack.posted("C0OPS").await), @r"
    = Nothing to do: forward-order order=1045
    Order 1045 is already forwarded (CJ: CJORD-N).
    Asked by dana, run RUN
    ");
    assert_eq!(scene.shop().posts(1043).await, 0);
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_list_is_cut_in_words_and_whole_in_a_file_and_offers_the_next_thing() {
    let scene = Scene::open().await;
    scene.types("U3", "/stuck-orders", "").await;
    let message = scene.slack.posted("C0OPS").await;
    insta::assert_snapshot!(shown(&message), @r"
    ✓ Succeeded: stuck-orders
    340 paid orders wait for a supplier; 336 can be forwarded.
    Warning
    • 1 paid order with an id that the shop made up, because no answer came from the supplier: 1048 (CJ: cj_1048-1). The shop counts them as forwarded. Ask the supplier; an order that it has not got goes again with /retry-forward.
    ```
    order  total       paid_since            age       missing  note
     2001  USD 36.50   DATE  AGE  CJ       can be forwarded
     2002  USD 48.00   DATE  AGE  CJ       can be forwarded
     2003  USD 109.50  DATE  AGE  CJ       can be forwarded
     2004  USD 24.00   DATE  AGE  CJ       can be forwarded
     2005  USD 73.00   DATE  AGE  CJ       can be forwarded
     2006  USD 72.00   DATE  AGE  CJ       can be forwarded
     2007  USD 36.50   DATE  AGE  CJ       can be forwarded
     2008  USD 48.00   DATE  AGE  CJ       can be forwarded
     2009  USD 109.50  DATE  AGE  CJ       can be forwarded
     2010  USD 24.00   DATE  AGE  CJ       can be forwarded
    ```
    … and 330 more rows; more in the thread
    Forward all 336 that can be
    Asked by vic, run RUN
    ");
    let details = scene.slack.reply(&message).await;
    insta::assert_snapshot!(shown(&details), @r"
    Details of stuck-orders
    Warnings
    • 1 paid order with an id that the shop made up, because no answer came from the supplier: 1048 (CJ: cj_1048-1). The shop counts them as forwarded. Ask the supplier; an order that it has not got goes again with /retry-forward.
    ```
    order  total       paid_since            age       missing  note
     2001  USD 36.50   DATE  AGE  CJ       can be forwarded
     2002  USD 48.00   DATE  AGE  CJ       can be forwarded
     2003  USD 109.50  DATE  AGE  CJ       can be forwarded
     2004  USD 24.00   DATE  AGE  CJ       can be forwarded
     2005  USD 73.00   DATE  AGE  CJ       can be forwarded
     2006  USD 72.00   DATE  AGE  CJ       can be forwarded
     2007  USD 36.50   DATE  AGE  CJ       can be forwarded
     2008  USD 48.00   DATE  AGE  CJ       can be forwarded
     2009  USD 109.50  DATE  AGE  CJ       can be forwarded
     2010  USD 24.00   DATE  AGE  CJ       can be forwarded
     2011  USD 73.00   DATE  AGE  CJ       can be forwarded
     2012  USD 72.00   DATE  AGE  CJ       can be forwarded
     2013  USD 36.50   DATE  AGE  CJ       can be forwarded
     2014  USD 48.00   DATE  AGE  CJ       can be forwarded
     2015  USD 109.50  DATE  AGE  CJ       can be forwarded
     2016  USD 24.00   DATE  AGE  CJ       can be forwarded
     2017  USD 73.00   DATE  AGE  CJ       can be forwarded
     2018  USD 72.00   DATE  AGE  CJ       can be forwarded
     2019  USD 36.50   DATE  AGE  CJ       can be forwarded
     2020  USD 48.00   DATE  AGE  CJ       can be forwarded
     2021  USD 109.50  DATE  AGE  CJ       can be forwarded
     2022  USD 24.00   DATE  AGE  CJ       can be forwarded
     2023  USD 73.00   DATE  AGE  CJ       can be forwarded
     2024  USD 72.00   DATE  AGE  CJ       can be forwarded
     2025  USD 36.50   DATE  AGE  CJ       can be forwarded
     2026  USD 48.00   DATE  AGE  CJ       can be forwarded
     2027  USD 109.50  DATE  AGE  CJ       can be forwarded
     2028  USD 24.00   DATE  AGE  CJ       can be forwarded
     2029  USD 73.00   DATE  AGE  CJ       can be forwarded
     2030  USD 72.00   DATE  AGE  CJ       can be forwarded
    ```
    … and 310 more rows; the whole list is in the file
    Plan digest DIGEST
    ");
    let _file = scene.slack.reply(&message).await;
    let files = scene.slack.files();
    let text = String::from_utf8(files[0].bytes.clone().unwrap()).unwrap();
    for order in [1042, 1044, 2001, 2320] {
        assert!(text.contains(&order.to_string()), "{order} is not in the file:\n{text}");
    }

    let offer = message.labels().pop().expect("an offer");
    scene.presses("U3", &message, &offer).await;
    insta::assert_snapshot!(whispered(&scene.slack.whisper("U3").await), @r"
    ⊘ Denied: forward-order
    Only ops may change something; ask one of them.
    Asked by vic
    ");
    scene.presses("U1", &message, &offer).await;
    let asked = scene.slack.posted("C0OPS").await;
    insta::assert_snapshot!(shown(&asked), @r"
    … Waits for approval: forward-order order=2001,2002,2003,2004,2005,2006,2007,2008,2009,2010 and 326 more
    More than 5 orders at once need a second person. Orders of more than USD 1000.00 need a second person. Waiting for 1 of 1 approval by somebody other than dana, until TIME. After 30 minutes without an answer it is a no.
    <!subteam^S0OPS>
    A second person's yes is asked for forward-order.
    Touches: money USD 21181.50, orders 336
    Plan
    • Send order 2001 (USD 36.50) to CJ.
    • Send order 2002 (USD 48.00) to CJ.
    • Send order 2003 (USD 109.50) to CJ.
    • Send order 2004 (USD 24.00) to CJ.
    • Send order 2005 (USD 73.00) to CJ.
    • Send order 2006 (USD 72.00) to CJ.
    • Send order 2007 (USD 36.50) to CJ.
    • Send order 2008 (USD 48.00) to CJ.
    • Send order 2009 (USD 109.50) to CJ.
    • Send order 2010 (USD 24.00) to CJ.
    • Send order 2011 (USD 73.00) to CJ.
    • Send order 2012 (USD 72.00) to CJ.
    • Send order 2013 (USD 36.50) to CJ.
    • Send order 2014 (USD 48.00) to CJ.
    • Send order 2015 (USD 109.50) to CJ.
    • Send order 2016 (USD 24.00) to CJ.
    • Send order 2017 (USD 73.00) to CJ.
    • Send order 2018 (USD 72.00) to CJ.
    • Send order 2019 (USD 36.50) to CJ.
    • Send order 2020 (USD 48.00) to CJ.
    • Send order 2021 (USD 109.50) to CJ.
    • Send order 2022 (USD 24.00) to CJ.
    • Send order 2023 (USD 73.00) to CJ.
    • Send order 2024 (USD 72.00) to CJ.
    • Send order 2025 (USD 36.50) to CJ.
    • Send order 2026 (USD 48.00) to CJ.
    • Send order 2027 (USD 109.50) to CJ.
    • Send order 2028 (USD 24.00) to CJ.
    • Send order 2029 (USD 73.00) to CJ.
    • Send order 2030 (USD 72.00) to CJ.
    • Send order 2031 (USD 36.50) to CJ.
    • Send order 2032 (USD 48.00) to CJ.
    • Send order 2033 (USD 109.50) to CJ.
    • Send order 2034 (USD 24.00) to CJ.
    • Send order 2035 (USD 73.00) to CJ.
    • Send order 2036 (USD 72.00) to CJ.
    • Send order 2037 (USD 36.50) to CJ.
    • Send order 2038 (USD 48.00) to CJ.
    • Send order 2039 (USD 109.50) to CJ.
    • Send order 2040 (USD 24.00) to CJ.
    • Send order 2041 (USD 73.00) to CJ.
    • Send order 2042 (USD 72.00) to CJ.
    • Send order 2043 (USD 36.50) to CJ.
    • Send order 2044 (USD 48.00) to CJ.
    • Send order 2045 (USD 109.50) to CJ.
    • Send order 2046 (USD 24.00) to CJ.
    • Send order 2047 (USD 73.00) to CJ.
    • Send order 2048 (USD 72.00) to CJ.
    • Send order 2049 (USD 36.50) to CJ.
    • Send order 2050 (USD 48.00) to CJ.
    … and 286 more; more in the thread
    Approve
    Deny
    Asked by dana, run RUN
    ");
    scene.slack.reply(&asked).await;
    scene.slack.reply(&asked).await;
    assert_eq!(scene.shop().posts(2001).await, 0);
    scene.end().await;
}
