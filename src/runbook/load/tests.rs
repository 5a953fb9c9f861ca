use super::{Catalog, Known, load_folder, load_folder_again, load_text};
use crate::integration::ACTIONS;
use crate::problem::Problem;
use std::path::Path;
use std::sync::Arc;

pub(in crate::runbook) fn known() -> Known {
    let names = |names: &[&str]| names.iter().map(|it| (*it).to_owned()).collect();
    let kinds = [
        ("shop-db", "postgres"),
        ("shop-celery", "celery"),
        ("shop-metrics", "prometheus"),
        ("shop-api", "http"),
        ("shop-admin", "django_admin"),
    ];
    Known {
        connections: kinds.map(|(name, kind)| (name.to_owned(), kind.to_owned())).into(),
        signals: Some(names(&[
            "orders_awaiting_forwarding",
            "queue_length",
            "workers_alive",
            "supplier_sync_failures",
        ])),
        split: names(&["requests_by_endpoint"]),
        panels: Some(names(&["forwarding", "suppliers"])),
        actions: ACTIONS,
    }
}

fn lines(problems: &[Problem]) -> String {
    problems
        .iter()
        .map(|it| format!("{}:{}: {}", it.line, it.column, it.message))
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn the_shipped_runbooks_are_sound_and_their_examples_hold() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("commands");
    let (catalog, problems) = load_folder(&folder, &known());
    let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    let names: Vec<&str> = catalog.runbooks().map(|it| it.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "forward-order",
            "metrics",
            "oncall",
            "order-status",
            "resync-supplier",
            "resync-supplier-admin",
            "shop-health",
            "stuck-orders",
            "supplier-status"
        ]
    );
    // Checked all the same, and left out where there is no connection for them.
    let left_out: Vec<_> = catalog.left_out().map(|it| (it.name.as_str(), it.lacks())).collect();
    assert_eq!(
        left_out,
        [
            ("end-silence", Some("shop-alerts")),
            ("retry-forward", Some("shop-db-write")),
            ("silence-alert", Some("shop-alerts"))
        ]
    );
}

fn problems(text: &str) -> String {
    lines(&load_text("try", Path::new("try.toml"), text, &known()).expect_err(text))
}

#[test]
fn all_problems_of_a_file_are_told_at_once() {
    insta::assert_snapshot!(problems(r#"sumary = "A test."
[[input]]
name = "order"
kind = "integr"
[[input]]
name = "Total"
kind = "decimal"
min = 3
[[input]]
name = "note"
kind = "text"
pattern = "("
min = 9
max = 3
default = "x"
choices = ["a"]
[[input]]
name = "late"
kind = "row"
[[look]]
name = "orders"
use = "postgres.querry"
on = "shop-db"
[[look]]
name = "rows"
use = "postgres.query"
on = "shop-celery"
with = { sql = "select $1", params = ["inputs.nte", "1 +"], limt = 3 }
[[look]]
name = "writes"
use = "postgres.statement"
on = "shop-bd"
[[refuse]]
when = "looks.rows.rws == 1 || looks.orders.anything"
say = "{{ inputs.nots }} {{ x | uper }}"
[radius]
money.usd = "1"
orders = 3
[[step]]
name = "send"
use = "celery.send"
on = "shop-celery"
with = { task = 5, args = "item", expires = "5 minutes" }
each = "[1]"
say = "Send {{ item }}."
timeout = "2h"
[[step]]
name = "send"
manual = "Do it."
use = "celery.send"
say = "A person does it."
[[step]]
name = "judge"
use = "celery.send"
on = "shop-celery"
with = { task = "t", args = [] }
say = "Send."
[[step.expect]]
when = "call.value.stat == 'SUCCESS' && probe.result == 'done' && item == 1"
outcome = "good"
say = "{{ person }}"
[proof]
signals = [{ signal = "queue_lenght", better = "less" }, { signal = "requests_by_endpoint", better = "lower" }]
panel = "forward"
[result]
rows = "looks.rows.rows"
say = "Rows."
[[example]]
name = "one"
expect = "plans"
inputs = { nte = "x" }
looks = { rows = { row = [] } }
"#), @r#"
1:1: a runbook has no `sumary`; did you mean `summary`?
1:1: a runbook lacks `summary`: add summary = ...
4:8: there is no kind of input `integr`; did you mean `integer`?
6:8: a name is a small letter, then at most 31 small letters, digits and underscores, and no word of CEL
8:7: `min` is a decimal number in quotes, such as "84.50"
12:11: `pattern`: error: unclosed group
13:1: `min` is greater than `max`: nothing fits
15:11: `default` does not fit: `note`: 1 characters are given; it takes 9 to 3
16:1: an input of kind text has no `choices`: it may have `min`, `max`, `pattern`
17:1: [[input]] lacks `suggest`: add suggest = ...
17:1: the required input `late` stands before the optional ones: the order here is the order in chat
22:7: there is no action `postgres.querry`; did you mean `postgres.query`?
27:6: `shop-celery` is a connection of kind celery; postgres.query needs one of kind postgres
28:40: `inputs.nte` is not known; did you mean `note`?
28:57: not an expression: it ends too early
28:61: there is no argument of postgres.query `limt`; did you mean `limit`?
29:1: postgres.statement needs `sql` in `with`: One statement with placeholders.
32:6: there is no connection `shop-bd` of kind postgres; did you mean `shop-db`?
35:32: a sentence has no filter `uper`; it knows default, first, items, join, last, length, list, lower, money, replace, trim, upper
37:7: money is named by its currency, three capital letters: money.USD
38:10: a radius is an expression in quotes that gives a whole number
39:1: `each` needs a `cap`, 1000 at the most: more items than it refuse the plan
39:1: a step that writes needs [[step.expect]]: what its answer means is for the runbook to say
39:3: a runbook that writes needs a lock: [lock] keys = ["..."], so that two runs cannot do it at once
43:17: `task` is text written here; no value gets into it
43:27: `args` is a list of expressions, each in quotes
43:45: `expires` is not a duration: write a whole number with s, m, h or d, such as "90s", "5m" or "1h30m"
46:1: `timeout` is 1s to 1h
48:1: there is another step `send`: give one of them another name
50:1: a manual step has no `use`: a person does it and says so
59:9: `call.value.stat` is not known; did you mean `state`?
59:41: `probe` is not known; there is `call`, `inputs`, `looks`
59:67: `item` is not known; there is `call`, `inputs`, `looks`
60:11: `outcome` is "done", "skipped", "failed" or "unknown"
61:11: `person` is not known; there is `call`, `inputs`, `looks`
63:23: there is no signal `queue_lenght`; did you mean `queue_length`?
63:48: `better` is "lower" or "higher"
63:69: `requests_by_endpoint` is several numbers and a proof compares one: name a signal without `by`
64:9: there is no panel `forward`; did you mean `forwarding`?
65:2: `result` lacks `columns`: add columns = ...
"#);
}

const CAREFUL: &str = r#"summary = "A test."
[optional_connections]
elsewhere = "postgres"
[[look]]
name = "near"
use = "postgres.query"
on = "shop-db"
with.sql = "select 1 as one"
[[look]]
name = "far"
use = "postgres.query"
on = "elsewhere"
with.sql = "select 1 as one"
may_fail = true
timeout = "3s"
[[look]]
name = "after"
use = "postgres.query"
on = "shop-db"
with = { sql = "select $1", params = ["looks.near.count"] }
[result]
rows = "looks.near.rows"
columns = ["one"]
say = "{{ looks.far.result }} {{ looks.far.reason }}{% if looks.far.result == 'done' %}{{ looks.far.value.count }}{% endif %}."
[[example]]
name = "down"
expect = "plan"
says = ["unreachable no route."]
[example.looks]
near = { rows = [{ one = 1 }], count = 1 }
far = { result = "unreachable", reason = "no route" }
after = {}
[[example]]
name = "up"
like = "down"
expect = "plan"
says = ["done 7."]
looks.far = { result = "done", value = { count = 7 } }
"#;

#[test]
fn a_look_may_fail_and_have_a_connection_that_is_not_there() {
    let runbook = load_text("try", Path::new("try.toml"), CAREFUL, &known()).unwrap();
    let facts: Vec<_> = runbook
        .looks
        .iter()
        .map(|it| {
            (
                it.name.as_str(),
                it.may_fail,
                it.timeout.map(|it| it.as_secs()),
                it.waits,
            )
        })
        .collect();
    assert_eq!(
        facts,
        [
            ("near", false, None, false),
            ("far", true, Some(3), false),
            ("after", false, None, true)
        ]
    );
    assert_eq!(runbook.lacks(), None);
    assert_eq!(crate::runbook::example::check(&runbook, Path::new("try.toml")), []);
}

#[test]
fn a_look_that_must_not_fail_needs_its_connection() {
    let text = r#"summary = "A test."
[optional_connections]
elsewhere = "postgres"
[[look]]
name = "far"
use = "postgres.query"
on = "elsewhere"
with.sql = "select 1 as one"
[result]
rows = "looks.far.rows"
columns = ["one"]
say = "x"
"#;
    let runbook = load_text("try", Path::new("try.toml"), text, &known()).unwrap();
    assert_eq!(runbook.lacks(), Some("elsewhere"));
    let mut known = known();
    known.connections.insert("elsewhere".to_owned(), "postgres".to_owned());
    let runbook = load_text("try", Path::new("try.toml"), text, &known).unwrap();
    assert_eq!(runbook.lacks(), None);
}

#[test]
fn mistakes_about_looks_that_may_fail_are_told() {
    let cases = [
        ("elsewhere = \"postgres\"", "elsewhere = \"postgrs\""),
        ("\"3s\"", "\"1m\""),
        ("{{ looks.far.reason }}", "{{ looks.far.count }}"),
        ("looks.far.value.count", "looks.far.value.cout"),
        ("result = \"unreachable\"", "result = \"down\""),
        (
            "far = { result = \"unreachable\", reason = \"no route\" }",
            "far = { count = 1 }",
        ),
    ];
    let told: Vec<String> = cases
        .iter()
        .map(|(right, wrong)| {
            assert!(CAREFUL.contains(right), "{right}");
            problems(&CAREFUL.replace(right, wrong))
        })
        .collect();
    insta::assert_snapshot!(told.join("\n"), @r#"
    3:13: `elsewhere` is a kind of connection in quotes: alertmanager, celery, django_admin, http, jsm, pagerduty, postgres, prometheus
    12:6: there is no connection `elsewhere` of kind postgres; there is `shop-db`
    15:1: `timeout` is 1s to 15s
    24:34: `looks.far.count` is not known; there is `reason`, `result`, `value`
    24:91: `looks.far.value.cout` is not known; did you mean `count`?
    31:18: `result` is "done", "not-done", "unreachable" or "unknown"
    31:1: `far` lacks `result`: add result = ...
    31:9: `far` has no `count`; there is `reason`, `result`, `value`
    "#);
}

#[test]
fn a_torn_file_tells_what_is_torn_and_not_what_it_tore_away() {
    insta::assert_snapshot!(problems("summary = \"open\nsection = \"x\"\n[[step]\nname = \"a\"\n"), @r#"
1:16: not TOML: invalid basic string, expected `"`
3:8: not TOML: unclosed array table, expected `]`
"#);
    insta::assert_snapshot!(problems(""), @r#"
1:1: a runbook lacks `summary`: add summary = ...
1:1: a runbook needs a [[step]] or, if it only reads, a [result] or a [chart]
"#);
    insta::assert_snapshot!(problems("summary = 'a'\nsummary = 'b'\n[result]\nrows = '[]'\ncolumns = ['a']\nsay = 'x'"), @r#"2:1: not TOML: duplicate key"#);
}

#[test]
fn a_place_in_a_string_is_found() {
    let table = "[result]\ncolumns = ['a']\nsay = 'x'\n";
    let cases = [
        ("rows = 'looks.a'", "5:9"),
        ("rows = '''\n  [] + looks.a'''", "6:8"),
        ("rows = \"[\\\"\\\"] + looks.a\"", "5:8"),
        ("rows = '[\"é\"] + looks.a'", "5:17"),
    ];
    for (line, place) in cases {
        let text = format!("summary = 'A test.'\n{table}{line}");
        let told = problems(&text);
        assert!(told.starts_with(place), "{line}: {told}");
    }
}

#[test]
fn the_name_of_a_file_is_a_command() {
    let text = "summary = 'a'\n[result]\nrows = '[]'\ncolumns = ['a']\nsay = 'x'";
    for (name, fits) in [
        ("a", true),
        ("stuck-orders2", true),
        ("Stuck", false),
        ("2nd", false),
        ("a_b", false),
        ("", false),
        (&"a".repeat(33), false),
    ] {
        assert_eq!(
            load_text(name, Path::new("x.toml"), text, &known()).is_ok(),
            fits,
            "{name}"
        );
    }
}

#[test]
fn an_offer_leads_to_a_runbook_and_its_inputs() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    let table = "[result]\nrows = '[]'\ncolumns = ['a']\nsay = 'x'\n";
    write(
        "a.toml",
        &format!(
            "summary = 'a'\n{table}[[offer]]\nrunbook = 'bb'\nlabel = 'B'\n[[offer]]\nrunbook = 'b'\nlabel = 'B'\nwith = {{ ordr = '1' }}"
        ),
    );
    write(
        "b.toml",
        &format!("summary = 'b'\n[[input]]\nname = 'order'\nkind = 'integer'\n{table}"),
    );
    write("notes.txt", "not a runbook");
    write("c.toml", "summary = 1");
    let (catalog, problems) = load_folder(folder.path(), &known());
    assert_eq!(catalog.runbooks().count(), 2);
    insta::assert_snapshot!(lines(&problems), @r#"
7:12: there is no runbook `bb`; did you mean `b`?
12:10: there is no input of b `ordr`; did you mean `order`?
1:1: a runbook needs a [[step]] or, if it only reads, a [result] or a [chart]
1:11: `summary` is text in quotes
"#);
    let (_, problems) = load_folder(&folder.path().join("nowhere"), &known());
    assert!(
        problems[0].message.starts_with("the folder cannot be read"),
        "{}",
        problems[0]
    );
}

#[test]
fn one_mistake_is_told_once() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    let table = "[result]\nrows = '[{\"a\": inputs.order}]'\ncolumns = ['a']\nsay = '{{ inputs.order }}'\n";
    write(
        "a.toml",
        &format!(
            "summary = 'a'\n[[input]]\nname = 'order'\nkind = 'intger'\n{table}[[refuse]]\nwhen = 'inputs.order > 7'\n\
             say = 'no'\n[[example]]\nname = 'one'\nline = '1'\nexpect = 'plan'\n"
        ),
    );
    write(
        "b.toml",
        "summary = 'b'\n[result]\nrows = '[]'\ncolumns = ['a']\nsay = 'x'\n[[offer]]\nrunbook = 'a'\nlabel = 'A'\n",
    );
    let (_, problems) = load_folder(folder.path(), &known());
    insta::assert_snapshot!(lines(&problems), @"4:8: there is no kind of input `intger`; did you mean `integer`?");
}

#[test]
fn what_has_not_changed_is_taken_over_unless_what_it_names_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let looks = "summary = 'a'\n[result]\nrows = '[]'\ncolumns = ['a']\nsay = 'x'\n";
    let proves = format!("{looks}[proof]\nsignals = [{{ signal = 'queue_length', better = 'lower' }}]\n");
    std::fs::write(folder.path().join("looks.toml"), looks).unwrap();
    std::fs::write(folder.path().join("proves.toml"), &proves).unwrap();
    let lacks = format!(
        "{looks}[optional_connections]\nwarehouse = 'postgres'\n[[look]]\nname = 'stock'\nuse = 'postgres.query'\non = \
         'warehouse'\nwith.sql = 'select 1'\n"
    );
    std::fs::write(folder.path().join("lacks.toml"), lacks).unwrap();
    let (before, problems) = load_folder(folder.path(), &known());
    assert_eq!(lines(&problems), "");

    std::fs::write(folder.path().join("looks.toml"), looks.replace("'x'", "'y'")).unwrap();
    let (after, problems) = load_folder_again(folder.path(), &known(), &before);
    assert_eq!(lines(&problems), "");
    let same = |name: &str| Arc::ptr_eq(before.get(name).unwrap(), after.get(name).unwrap());
    assert_eq!((same("looks"), same("proves")), (false, true));
    let left_out = |catalog: &Catalog| catalog.left_out().cloned().collect::<Vec<_>>();
    let (was, is) = (left_out(&before), left_out(&after));
    assert_eq!((was.len(), is.len()), (1, 1));
    assert!(Arc::ptr_eq(&was[0], &is[0]));

    let fewer = Known {
        signals: Some(["workers_alive".to_owned()].into()),
        ..known()
    };
    let (_, problems) = load_folder_again(folder.path(), &fewer, &before);
    insta::assert_snapshot!(lines(&problems), @"7:23: there is no signal `queue_length`; there is `workers_alive`");

    // A run that was planned with the signal goes on by its pinned text.
    let path = Path::new("proves.toml");
    assert!(load_text("proves", path, &proves, &fewer).is_err());
    assert!(load_text("proves", path, &proves, &fewer.when_planned()).is_ok());
}

#[test]
fn an_example_that_does_not_hold_is_a_problem() {
    let folder = tempfile::tempdir().unwrap();
    let text = "summary = 'a'
[[input]]
name = 'n'
kind = 'integer'
[[refuse]]
when = 'inputs.n > 3'
say = '{{ inputs.n }} is too much.'
[result]
rows = '[]'
columns = ['a']
say = 'x'
[[example]]
name = 'small'
line = '3'
expect = 'refused'
[[example]]
name = 'large'
line = '4'
expect = 'refused'
says = ['4 is too much', 'Stop']
[[example]]
name = 'word'
line = 'four'
expect = 'plan'
";
    std::fs::write(folder.path().join("a.toml"), text).unwrap();
    insta::assert_snapshot!(lines(&load_folder(folder.path(), &known()).1), @r#"
12:1: the example "small" should be refused, and it is a plan: x
16:1: the example "large" should say "Stop", and it says: 4 is too much.
21:1: the example "word" has inputs that do not fit: `n`: `four` is not a whole number
"#);
}

#[test]
fn what_fills_a_path_is_held_against_it() {
    let call = |with: &str| {
        format!(
            "summary = 'a'\n[[input]]\nname = 'n'\nkind = 'text'\n[[look]]\nname = 'l'\nuse = 'http.get'\non = 'shop-api'\n{with}\n\
             [result]\nrows = '[looks.l.json]'\ncolumns = ['a']\nsay = 'x'\n"
        )
    };
    let sound = call("with = { path = '/a/{n}/', fill = { n = 'inputs.n' }, query = { q = '1', m = 2 }, as = 'json' }");
    assert!(load_text("try", Path::new("try.toml"), &sound, &known()).is_ok());
    let told = [
        "with.path = '/a/{n}/'",
        "with = { path = '/a/', fill = { n = 'inputs.n' } }",
        "with = { path = '/a/{n}/', fill = { m = 'inputs.n' } }",
        "with = { path = '/a/{n}/', fill = 'inputs.n' }",
        "with = { path = '/a/{n}/', fill = { n = 'input.n' } }",
        "with.path = 'http://evil.example/'",
        "with.path = '/a?b=c'",
        "with = { path = '/a/', as = 'yaml' }",
        "with = { path = '/a/', query = ['a'] }",
    ]
    .map(|with| problems(&call(with)));
    insta::assert_snapshot!(told.join("\n"), @r#"
    9:6: `fill` must give `n`, for `{n}` stands in `path`
    9:24: `fill` gives `n`, and no `{n}` stands in `path`
    9:10: `fill` must give `n`, for `{n}` stands in `path`
    9:28: `fill` gives `m`, and no `{m}` stands in `path`
    9:35: `fill` is a table of expressions, each in quotes
    9:42: `input` is not known; did you mean `inputs`?
    9:13: `path` begins with a single slash, such as "/api/items/": host and port stand in the config
    9:13: `path` holds letters, digits and - . _ ~ only; what stands after `?` goes into `query`
    9:29: `as` is one of the words "json", "text"
    9:32: `query` is a table of expressions, each in quotes
    "#);
}

proptest::proptest! {
    #[test]
    fn no_file_panics(text in "(\\[\\[?(input|look|step|step.expect|example|proof|radius|result)\\]?\\]|[a-z]{2,6} = [\"0-9a-z\\[\\]{}=,.]{0,9}|name = \"a\"|kind = \"text\"|each = \\{\\}|\n){0,30}") {
        let _ = load_text("try", Path::new("try.toml"), &text, &known());
    }
}

const WRITES: &str = r#"summary = "A test."
[lock]
keys = ["'a'"]
[[step]]
name = "a"
use = "postgres.statement"
on = "shop-db"
with.sql = "update a set b = 1"
say = "A."
[[step.expect]]
when = "call.result == 'done'"
outcome = "done"
say = "Done."
[step.undo]
use = "postgres.statement"
on = "shop-db"
with.sql = "update a set b = 0"
"#;

#[test]
fn a_run_has_a_day_unless_its_runbook_says_otherwise() {
    let deadline = |text: &str| {
        load_text("try", Path::new("try.toml"), text, &known())
            .map(|it| it.deadline.as_secs())
            .map_err(|problems| lines(&problems))
    };
    assert_eq!(deadline(WRITES), Ok(24 * 3600));
    assert_eq!(deadline(&format!("deadline = \"30m\"\n{WRITES}")), Ok(1800));
    for (wrong, told) in [
        (
            "\"0s\"",
            "1:1: `deadline` is 1s to 30d: after it no further step is begun",
        ),
        (
            "\"31d\"",
            "1:1: `deadline` is 1s to 30d: after it no further step is begun",
        ),
        (
            "\"soon\"",
            "1:12: `deadline` is not a duration: write a whole number with s, m, h or d, such as \"90s\", \"5m\" or \"1h30m\"",
        ),
    ] {
        assert_eq!(deadline(&format!("deadline = {wrong}\n{WRITES}")), Err(told.to_owned()));
    }
}

#[test]
fn what_the_answer_to_an_undo_means_is_for_the_runbook_to_say() {
    let with = |expect: &str| format!("{WRITES}[[step.undo.expect]]\n{expect}");
    let good = with("when = \"call.value.count == 1\"\noutcome = \"done\"\nsay = \"Put back.\"");
    let runbook = load_text("try", Path::new("try.toml"), &good, &known()).expect("sound");
    assert_eq!(runbook.steps[0].undo_expect.len(), 1);
    insta::assert_snapshot!(problems(&with("when = \"call.value.cuont == 1\"\noutcome = \"undone\"\nsai = \"x\"")), @r#"
    18:1: [[expect]] lacks `say`: add say = ...
    19:9: `call.value.cuont` is not known; did you mean `count`?
    20:11: `outcome` is "done", "skipped", "failed" or "unknown"
    21:1: [[expect]] has no `sai`; did you mean `say`?
    "#);
}

#[test]
fn a_chart_is_all_that_its_runbook_shows() {
    insta::assert_snapshot!(problems(r#"
summary = "Shows panels."
[[input]]
name = "panel"
kind = "panel"
choices = ["forwarding"]
default = "forwardin"
[chart]
panels = "[inputs.panl]"
past = "60"
[result]
rows = "[]"
columns = ["a"]
say = "b"
[proof]
signals = [{ signal = "queue_length", better = "lower" }]
"#), @r"
    6:1: an input of kind panel has no `choices`: it may have no limits
    7:11: `default` does not fit: `panel`: `forwardin` is no panel; did you mean `forwarding`?
    8:2: `chart` lacks `last`: add last = ...
    9:12: `inputs.panl` is not known; did you mean `panel`?
    10:1: `chart` has no `past`; did you mean `last`?
    11:2: a [chart] is all that its runbook shows: leave out the `result`, or the chart
    15:2: a [chart] is all that its runbook shows: leave out the `proof`, or the chart
    ");
}

#[test]
fn a_runbook_that_offers_panels_is_read_again_when_they_change() {
    let folder = tempfile::tempdir().expect("a folder");
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("commands/metrics.toml");
    std::fs::copy(shipped, folder.path().join("metrics.toml")).expect("a copy");
    let offered = |catalog: &Catalog| -> Vec<String> {
        let runbook = catalog.get("metrics").expect("it is sound");
        let choices = runbook.inputs[0].fixed_choices().expect("panels can be picked");
        choices.into_iter().map(|choice| choice.value).collect()
    };
    let mut known = known();
    let (before, problems) = load_folder(folder.path(), &known);
    assert_eq!(
        (offered(&before), problems),
        (vec!["forwarding".into(), "suppliers".into()], Vec::new())
    );
    let (same, _) = load_folder_again(folder.path(), &known, &before);
    assert!(Arc::ptr_eq(
        before.get("metrics").unwrap(),
        same.get("metrics").unwrap()
    ));
    known.panels = Some(["weather".to_owned()].into());
    let (after, problems) = load_folder_again(folder.path(), &known, &before);
    assert_eq!((offered(&after), problems), (vec!["weather".to_owned()], Vec::new()));
    // What a run has pinned is read whatever has become of the panels.
    let source = &before.get("metrics").unwrap().source;
    let pinned = load_text("metrics", Path::new("metrics.toml"), source, &known.when_planned());
    assert!(pinned.is_ok(), "{pinned:?}");
}
