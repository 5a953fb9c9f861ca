//! The tables. A version is only ever added at the end; what is there is never edited. Only TEXT and BIGINT: one text
//! serves both databases. Times are microseconds since 1970, flags are 0 and 1.

pub(super) const META: &str = "CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL)";

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
        // Runs that cannot be carried on, with how they stood.
        "CREATE TABLE aside (run TEXT PRIMARY KEY, at BIGINT NOT NULL, reason TEXT NOT NULL, outcome TEXT NOT NULL, \
     wake BIGINT)",
        // Who asks, so that one asker's many requests do not keep others waiting.
        "ALTER TABLE request ADD COLUMN asker TEXT",
        // Open runs are counted with each command: not by reading their rows, which hold their plans.
        "DROP INDEX run_outcome",
        "CREATE INDEX run_open ON run (outcome, person, runbook)",
    ],
];
