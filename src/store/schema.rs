//! The tables. A version is only ever added at the end; what is there is never edited. Only TEXT and BIGINT: one text
//! serves both databases. Times are microseconds since 1970, flags are 0 and 1.
//!
//! ## Expand, then contract
//!
//! While replicas are restarted one after the other, a process of the version before works on the new schema. So a version
//! only adds: tables, indexes, and columns that are null or have a default where a statement of before does not name them.
//! What stands in them must make sense to code that does not know them, and code that does must take null. What nobody
//! uses any more is dropped one version later at the earliest, when [`OLDEST`] is raised to a version that does without.

pub(super) const META: &str = "CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL)";

/// The oldest version whose code may work on this schema: written beside the schema's own number, so that the program of
/// before can still be started after the new one, to go back. A program that is older is refused.
pub(super) const OLDEST: i64 = 1;

pub(super) const VERSIONS: &[&[&str]] = &[
    &[
        // What reached us, once per platform event, without any bearer token.
        "CREATE TABLE delivery (id TEXT PRIMARY KEY, surface TEXT NOT NULL, at BIGINT NOT NULL, kept TEXT NOT NULL, \
     request TEXT NOT NULL)",
        // What was asked. `answer` is the report given to the person where it became no run.
        "CREATE TABLE request (id TEXT PRIMARY KEY, at BIGINT NOT NULL, body TEXT NOT NULL, state TEXT NOT NULL, \
     owner TEXT, taken_until BIGINT, run TEXT, answer TEXT)",
        "CREATE INDEX request_state ON request (state, at)",
        // Sealed, and emptied by itself.
        "CREATE TABLE token (request TEXT PRIMARY KEY, sealed TEXT NOT NULL, expires BIGINT NOT NULL, uses BIGINT NOT NULL)",
        // The row that claiming needs: a cache of the journal, written in the journal's transactions.
        "CREATE TABLE run (id TEXT PRIMARY KEY, runbook TEXT NOT NULL, person TEXT NOT NULL, request TEXT NOT NULL, \
     created BIGINT NOT NULL, updated BIGINT NOT NULL, outcome TEXT NOT NULL, seq BIGINT NOT NULL, \
     epoch BIGINT NOT NULL, owner TEXT, lease_until BIGINT NOT NULL, wake BIGINT, plan TEXT NOT NULL)",
        "CREATE INDEX run_wake ON run (wake)",
        "CREATE INDEX run_created ON run (created)",
        "CREATE TABLE journal (run TEXT NOT NULL, seq BIGINT NOT NULL, at BIGINT NOT NULL, epoch BIGINT NOT NULL, \
     entry TEXT NOT NULL, PRIMARY KEY (run, seq))",
        "CREATE TABLE held_lock (name TEXT NOT NULL, run TEXT NOT NULL, shared BIGINT NOT NULL, person TEXT NOT NULL, \
     reason TEXT NOT NULL, since BIGINT NOT NULL, PRIMARY KEY (name, run))",
        // Messages are state: `wanted` counts changes of what should be shown, `shown` what the platform has.
        "CREATE TABLE message (id TEXT PRIMARY KEY, kind TEXT NOT NULL, run TEXT, request TEXT, place TEXT NOT NULL, \
     body TEXT, wanted BIGINT NOT NULL, shown BIGINT NOT NULL, remote TEXT, due BIGINT, tries BIGINT NOT NULL, \
     error TEXT, created BIGINT NOT NULL)",
        "CREATE INDEX message_due ON message (due)",
        "CREATE INDEX message_run ON message (run)",
        "CREATE TABLE audit (id TEXT PRIMARY KEY, at BIGINT NOT NULL, kind TEXT NOT NULL, person TEXT NOT NULL, \
     subject TEXT NOT NULL, body TEXT NOT NULL)",
        "CREATE INDEX audit_at ON audit (at)",
        "CREATE TABLE lease (name TEXT PRIMARY KEY, owner TEXT NOT NULL, epoch BIGINT NOT NULL, until BIGINT NOT NULL)",
        // An empty name pauses every runbook.
        "CREATE TABLE pause (runbook TEXT PRIMARY KEY, person TEXT NOT NULL, since BIGINT NOT NULL)",
    ],
    &[
        // What the console lists and searches: cached beside the plan, and null for runs of before.
        "ALTER TABLE run ADD COLUMN inputs TEXT",
        "ALTER TABLE run ADD COLUMN said TEXT",
        "CREATE INDEX run_updated ON run (updated)",
        "CREATE INDEX run_outcome ON run (outcome)",
        // Whose eyes an answer is for.
        "ALTER TABLE request ADD COLUMN session TEXT",
        "CREATE INDEX request_session ON request (session, at)",
        // Sign-ins to the console. The cookie's secret is kept as its hash alone; `proof` binds the person's token, so that
        // another token ends the session.
        "CREATE TABLE session (hash TEXT PRIMARY KEY, id TEXT NOT NULL, person TEXT NOT NULL, proof TEXT NOT NULL, \
     created BIGINT NOT NULL, seen BIGINT NOT NULL, expires BIGINT NOT NULL)",
        "CREATE INDEX session_person ON session (person, created)",
    ],
    &[
        // What is renewed, let go and looked for many times a second must not be searched for among all past runs.
        "CREATE INDEX run_owner ON run (owner) WHERE owner IS NOT NULL",
        "CREATE INDEX held_lock_run ON held_lock (run)",
        "CREATE INDEX request_taken ON request (taken_until) WHERE state = 'taken'",
    ],
    &[
        // The record is chained: a row's place in the chain of its subject, the hash of the row before it, and its own. Null
        // in rows of before, and in those of a process of before that still works: they are chained afterwards.
        "ALTER TABLE audit ADD COLUMN seq BIGINT",
        "ALTER TABLE audit ADD COLUMN prev TEXT",
        "ALTER TABLE audit ADD COLUMN hash TEXT",
        // The number of the seal that covers the row.
        "ALTER TABLE audit ADD COLUMN sealed BIGINT",
        // Of two writers that follow the same row one is turned back, and follows the other.
        "CREATE UNIQUE INDEX audit_chain ON audit (subject, seq)",
        "CREATE INDEX audit_unchained ON audit (at) WHERE seq IS NULL",
        "CREATE INDEX audit_unsealed ON audit (at) WHERE sealed IS NULL",
        // What is pruned is found by its age.
        "CREATE INDEX delivery_at ON delivery (at)",
        "CREATE INDEX request_run ON request (run) WHERE run IS NOT NULL",
        "CREATE INDEX request_without_run ON request (at) WHERE run IS NULL",
        "CREATE INDEX message_without_run ON message (run, created) WHERE run IS NULL",
    ],
    &[
        // A post that was begun and has no answer yet, and where the search for it stands.
        "ALTER TABLE message ADD COLUMN attempted BIGINT",
        "ALTER TABLE message ADD COLUMN sought TEXT",
        // Of several processes one sends a message at a time.
        "ALTER TABLE message ADD COLUMN sender TEXT",
        "ALTER TABLE message ADD COLUMN sending_until BIGINT",
        "ALTER TABLE message ADD COLUMN failing_since BIGINT",
        // Chat platforms that cannot be spoken to. One that works has no row.
        "CREATE TABLE platform_trouble (platform TEXT PRIMARY KEY, since BIGINT NOT NULL, say TEXT NOT NULL)",
    ],
    &[
        // Runs that cannot be carried on, with how they stood.
        "CREATE TABLE aside (run TEXT PRIMARY KEY, at BIGINT NOT NULL, reason TEXT NOT NULL, outcome TEXT NOT NULL, \
     wake BIGINT)",
        // Who asks, so that one asker's many requests do not keep others waiting.
        "ALTER TABLE request ADD COLUMN asker TEXT",
        // Open runs are counted with each command: not by reading their rows, which hold their plans.
        "DROP INDEX run_outcome",
        "CREATE INDEX run_open ON run (outcome, person, runbook)",
    ],
    &[
        // Messages that nobody will be shown are few among all that were.
        "CREATE INDEX message_given_up ON message (id) WHERE due IS NULL AND error IS NOT NULL",
    ],
    &[
        // Accounts that persons have linked, with the account of people.toml that asked for the code. An account is kept as
        // the JSON that requests have.
        "CREATE TABLE linked_account (account TEXT PRIMARY KEY, person TEXT NOT NULL, origin TEXT NOT NULL, \
     since BIGINT NOT NULL)",
        // What joins one, by its hash alone: one for each account that asks, and gone once it is used.
        "CREATE TABLE link_code (hash TEXT PRIMARY KEY, person TEXT NOT NULL, origin TEXT NOT NULL, expires BIGINT NOT NULL)",
        // Wrong codes, so that nobody tries them all.
        "CREATE TABLE link_try (id TEXT PRIMARY KEY, account TEXT NOT NULL, at BIGINT NOT NULL)",
        // Who is in a Slack user group, as a serving process has read it last.
        "CREATE TABLE usergroup_roll (usergroup TEXT PRIMARY KEY, read_at BIGINT NOT NULL, users TEXT NOT NULL)",
    ],
    &[
        // Groups of alerts, each with the state that its notifications made. A message whose `run` is a group's id, or a
        // summary's, shows it; a process of before finds no such run and puts the message off.
        "CREATE TABLE alert_group (id TEXT PRIMARY KEY, grouped TEXT NOT NULL, title TEXT NOT NULL, state TEXT NOT NULL, \
     said TEXT NOT NULL, opened BIGINT NOT NULL, changed BIGINT NOT NULL, heard BIGINT NOT NULL, storm TEXT, \
     body TEXT NOT NULL)",
        "CREATE INDEX alert_group_grouped ON alert_group (grouped, opened)",
        "CREATE INDEX alert_group_opened ON alert_group (opened)",
        "CREATE INDEX alert_group_state ON alert_group (state, changed)",
        "CREATE INDEX alert_group_changed ON alert_group (changed)",
        "CREATE INDEX alert_group_heard ON alert_group (heard)",
        "CREATE INDEX alert_group_storm ON alert_group (storm) WHERE storm IS NOT NULL",
        // One message for all groups that had no room for one each.
        "CREATE TABLE alert_storm (id TEXT PRIMARY KEY, opened BIGINT NOT NULL, latest BIGINT NOT NULL)",
        "CREATE INDEX alert_storm_latest ON alert_storm (latest)",
        // Runs that were asked for from an alert.
        "CREATE TABLE alert_run (run TEXT PRIMARY KEY, alert TEXT NOT NULL, at BIGINT NOT NULL)",
        "CREATE INDEX alert_run_alert ON alert_run (alert, at)",
    ],
    &[
        // Pages about groups of alerts: `level` is how the group stands, `wanted` how the page should, and `told` what the
        // paging system has taken last. One that was begun may be there, whatever it said.
        "CREATE TABLE page (id TEXT PRIMARY KEY, alert TEXT NOT NULL, connection TEXT NOT NULL, grouped TEXT NOT NULL, \
     opened BIGINT NOT NULL, level TEXT NOT NULL, wanted TEXT NOT NULL, told TEXT, begun BIGINT, due BIGINT, \
     tries BIGINT NOT NULL, failing_since BIGINT, error TEXT, sender TEXT, sending_until BIGINT, look BIGINT)",
        "CREATE INDEX page_alert ON page (alert)",
        "CREATE INDEX page_due ON page (due) WHERE due IS NOT NULL",
        "CREATE INDEX page_look ON page (look) WHERE look IS NOT NULL",
        "CREATE INDEX page_grouped ON page (grouped, connection)",
        // What is noted there: who has acknowledged it, or how a run ended, in words that are made when it is sent.
        "CREATE TABLE page_note (id TEXT PRIMARY KEY, page TEXT NOT NULL, at BIGINT NOT NULL, say TEXT, run TEXT, due BIGINT, \
     tries BIGINT NOT NULL, failing_since BIGINT, error TEXT)",
        "CREATE INDEX page_note_page ON page_note (page)",
        "CREATE INDEX page_note_due ON page_note (due) WHERE due IS NOT NULL",
    ],
    &[
        // What alerts asked for with nobody there, each once, and so that a rule asks no more than it may.
        "CREATE TABLE alert_ask (id TEXT PRIMARY KEY, rule TEXT NOT NULL, alert TEXT NOT NULL, at BIGINT NOT NULL)",
        "CREATE INDEX alert_ask_rule ON alert_ask (rule, at)",
        "CREATE INDEX alert_ask_alert ON alert_ask (alert)",
    ],
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_only_adds() {
        for statement in VERSIONS.iter().copied().flatten() {
            // Without an index a process of before is slower, and right.
            let adds = ["CREATE TABLE ", "CREATE INDEX ", "CREATE UNIQUE INDEX ", "DROP INDEX "]
                .iter()
                .any(|word| statement.starts_with(word));
            let column = statement.starts_with("ALTER TABLE ")
                && statement.contains(" ADD COLUMN ")
                && (!statement.contains("NOT NULL") || statement.contains(" DEFAULT "));
            assert!(
                adds || column,
                "a process of the version before may fail on it: {statement}"
            );
        }
    }

    #[test]
    fn what_is_refused_is_older_than_what_is_written() {
        assert!((1..=VERSIONS.len() as i64).contains(&OLDEST));
    }
}
