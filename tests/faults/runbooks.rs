//! The three commands that are asked for: of steps of every kind of guard, slow enough that a fault meets them.

/// What makes a repeated call of a step harmless, and how its effect is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The target itself lets it happen once: a marker, a key, a condition.
    Guarded,
    /// Nothing; a look tells afterwards.
    Probed,
    /// Nothing, and nothing tells.
    Blind,
}

/// How one step is guarded, by its name in the journal.
pub fn kind(step: &str) -> Kind {
    match step {
        "charge" | "tell" | "book" | "reserve" | "fail" => Kind::Guarded,
        "note" => Kind::Probed,
        "shout" => Kind::Blind,
        other => panic!("no runbook has a step {other}"),
    }
}

/// All steps guarded at the target: a key, a marker, a condition.
const SETTLE: &str = r#"
summary = "Settles an order."
[[input]]
name = "order"
kind = "integer"
min = 1
[lock]
keys = ["'order:' + string(inputs.order)"]

[[step]]
name = "charge"
use = "http.post_with_key"
on = "supplier"
with.path = "/charge"
with.key_header = "Idempotency-Key"
with.json = { order = "inputs.order" }
timeout = "10s"
retry = { times = 3, pause = "1s" }
say = "Charge it."
[step.probe]
use = "http.get"
on = "supplier"
with.path = "/charge/{order}"
with.fill = { order = "inputs.order" }
[[step.expect]]
when = "call.result == 'done'"
outcome = "done"
say = "It is charged."
[[step.expect]]
when = "call.result == 'unknown' && probe.result == 'done' && probe.value.json.times > 0"
outcome = "done"
say = "It is charged, as the supplier says."
[[step.expect]]
when = "call.result == 'unknown' && probe.result == 'done'"
outcome = "failed"
say = "It is not charged."

[[step]]
name = "tell"
use = "celery.send"
on = "queue"
with.task = "echo"
with.args = ["inputs.order", "'tell'"]
with.expires = "1m"
timeout = "30s"
retry = { times = 3, pause = "1s" }
say = "Tell the worker."
[[step.expect]]
when = "call.result == 'done' && call.value.state == 'SUCCESS'"
outcome = "done"
say = "The worker knows."

[[step]]
name = "book"
use = "postgres.statement"
on = "shop"
with.sql = "BOOK"
with.params = ["inputs.order"]
timeout = "10s"
retry = { times = 3, pause = "1s" }
say = "Book it."
[step.probe]
use = "postgres.query"
on = "shop"
with.sql = "select count(*) as n from effect where order_no = $1 and step = 'book'"
with.params = ["inputs.order"]
[[step.expect]]
when = "call.result == 'done'"
outcome = "done"
say = "It is booked."
[[step.expect]]
when = "call.result == 'unknown' && probe.result == 'done' && probe.value.rows[0].n > 0"
outcome = "done"
say = "It is booked, as its row says."
[[step.expect]]
when = "call.result == 'unknown' && probe.result == 'done'"
outcome = "failed"
say = "It is not booked."
"#;

/// No guard and a probe; a guard that is met again; no guard and no probe.
const NOTE: &str = r#"
summary = "Notes an order."
[[input]]
name = "order"
kind = "integer"
min = 1
[lock]
keys = ["'order:' + string(inputs.order)"]

[[step]]
name = "note"
use = "postgres.statement"
on = "shop"
with.sql = "insert into effect (order_no, step) select $1, 'note' from pg_sleep(0.03)"
with.params = ["inputs.order"]
timeout = "10s"
say = "Note it."
[step.probe]
use = "postgres.query"
on = "shop"
with.sql = "select count(*) as n from effect where order_no = $1 and step = 'note'"
with.params = ["inputs.order"]
[[step.expect]]
when = "call.result == 'done'"
outcome = "done"
say = "It is noted."
[[step.expect]]
when = "call.result == 'unknown' && probe.result == 'done' && probe.value.rows[0].n > 0"
outcome = "done"
say = "It is noted, as its row says."
[[step.expect]]
when = "call.result == 'unknown' && probe.result == 'done'"
outcome = "failed"
say = "It is not noted."

[[step]]
name = "shout"
use = "http.post"
on = "supplier"
with.path = "/shout"
with.json = { order = "inputs.order" }
timeout = "10s"
say = "Shout it."
[[step.expect]]
when = "call.result == 'done'"
outcome = "done"
say = "It is shouted."

[[step]]
name = "tell"
use = "celery.send"
on = "queue"
with.task = "echo"
with.args = ["inputs.order", "'tell'"]
with.expires = "1m"
timeout = "30s"
retry = { times = 3, pause = "1s" }
say = "Tell the worker."
[[step.expect]]
when = "call.result == 'done' && call.value.state == 'SUCCESS'"
outcome = "done"
say = "The worker knows."
"#;

/// Two steps that are undone, because the third always fails.
const REVERT: &str = r#"
summary = "Books an order and takes it back."
on_failure = "undo"
[[input]]
name = "order"
kind = "integer"
min = 1
[lock]
keys = ["'order:' + string(inputs.order)"]

[[step]]
name = "book"
use = "postgres.statement"
on = "shop"
with.sql = "BOOK"
with.params = ["inputs.order"]
timeout = "10s"
say = "Book it."
[step.undo]
use = "postgres.statement"
on = "shop"
with.sql = "UNBOOK"
with.params = ["inputs.order"]
[[step.expect]]
when = "call.result == 'done'"
outcome = "done"
say = "It is booked."

[[step]]
name = "reserve"
use = "http.post_with_key"
on = "supplier"
with.path = "/reserve"
with.key_header = "Idempotency-Key"
with.json = { order = "inputs.order" }
timeout = "10s"
say = "Reserve it."
[step.undo]
use = "http.post_with_key"
on = "supplier"
with.path = "/release"
with.key_header = "Idempotency-Key"
with.json = { order = "inputs.order" }
[[step.expect]]
when = "call.result == 'done'"
outcome = "done"
say = "It is reserved."

[[step]]
name = "fail"
use = "postgres.statement"
on = "shop"
with.sql = "insert into nowhere (order_no) values (1)"
timeout = "10s"
say = "Fail."
[step.undo]
use = "postgres.statement"
on = "shop"
with.sql = "delete from nowhere"
[[step.expect]]
when = "call.result == 'done'"
outcome = "done"
say = "It did not fail."
[[step.expect]]
when = "call.result != 'unknown'"
outcome = "failed"
say = "It failed."
"#;

/// Once, whoever asks however often: the row is the condition.
const BOOK: &str = "with it as (insert into booked (order_no) values ($1) on conflict do nothing returning order_no) \
                    insert into effect (order_no, step) select order_no, 'book' from it, pg_sleep(0.03)";
const UNBOOK: &str = "with it as (delete from booked where order_no = $1 returning order_no) \
                      insert into effect (order_no, step) select order_no, 'undo:book' from it, pg_sleep(0.03)";

/// By their commands.
pub fn all() -> [(&'static str, String); 3] {
    [("settle", SETTLE), ("note", NOTE), ("revert", REVERT)]
        .map(|(name, text)| (name, text.replace("UNBOOK", UNBOOK).replace("BOOK", BOOK)))
}
