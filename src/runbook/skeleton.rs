//! A commented runbook to begin with, which holds as it is: on a connection that there is, with examples that pass.

use super::load::{Known, is_command};

/// What kind of runbook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Skeleton {
    /// Looks, and shows a table.
    Reads,
    /// Does one thing, with a probe, an undo and a proof.
    Writes,
}

/// Why there is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SkeletonError {
    /// The name is no slash command.
    #[error("`{0}` is no name for a runbook: a small letter, then at most 31 small letters, digits and hyphens")]
    Name(String),
    /// Nothing to read or write on.
    #[error("no connection of kind {0} is configured: add a [connection.NAME] first")]
    Connection(&'static str),
}

/// Of a connection's kind: the call, its arguments, the rows, their column, and a canned answer.
const READS: &[(&str, &str, &str, &str, &str, &str)] = &[
    (
        "postgres",
        "postgres.query",
        "with.sql = '''\nselect n as found from generate_series(1, 3) as n\n'''\nwith.limit = 100",
        "looks.found.rows",
        "found",
        "{ rows = [{ found = 1 }, { found = 2 }], count = 2, more = false }",
    ),
    (
        "prometheus",
        "prometheus.instant",
        "with.query = \"up\"",
        "looks.found.series.map(s, {'found': s.text})",
        "found",
        "{ series = [{ labels = {}, value = 1, text = \"1\" }], absent = false }",
    ),
    (
        "celery",
        "celery.ping",
        "",
        "looks.found.workers.map(w, {'found': w})",
        "found",
        "{ workers = [\"celery@shop\"], listening = 1 }",
    ),
];

/// The text of a new runbook.
pub fn skeleton(name: &str, kind: Skeleton, known: &Known) -> Result<String, SkeletonError> {
    if !is_command(name) {
        return Err(SkeletonError::Name(name.to_owned()));
    }
    let connection = |wanted: &str| {
        let found = known.connections.iter().find(|(_, kind)| *kind == wanted);
        found.map(|(name, _)| name.as_str())
    };
    let text = match kind {
        Skeleton::Reads => {
            let found = READS.iter().find_map(|it| Some((it, connection(it.0)?)));
            let ((_, action, with, rows, column, answer), on) =
                found.ok_or(SkeletonError::Connection("postgres, prometheus or celery"))?;
            include_str!("skeleton/reads.toml")
                .replace("@ACTION@", action)
                .replace("@ON@", on)
                .replace(
                    "@WITH@\n",
                    &if with.is_empty() {
                        String::new()
                    } else {
                        format!("{with}\n")
                    },
                )
                .replace("@ROWS@", rows)
                .replace("@COLUMN@", column)
                .replace("@ANSWER@", answer)
        }
        Skeleton::Writes => {
            let on = connection("postgres").ok_or(SkeletonError::Connection("postgres"))?;
            // Without a signal the proof is shown, not made.
            let signal = known.signals.iter().flatten().next();
            let proof = format!(
                "[proof]\nsignals = [{{ signal = \"{}\", better = \"lower\" }}]\nsoak = \"2m\"",
                signal.map_or("NAME", String::as_str)
            );
            let proof = match signal {
                Some(_) => proof,
                None => proof.lines().map(|it| format!("# {it}")).collect::<Vec<_>>().join("\n"),
            };
            include_str!("skeleton/writes.toml")
                .replace("@ON@", on)
                .replace("@PROOF@", &proof)
        }
    };
    Ok(text.replace("@NAME@", name))
}

#[cfg(test)]
mod tests {
    use super::super::example;
    use super::super::load::load_text;
    use super::super::load::tests::known;
    use super::*;
    use std::collections::BTreeSet;
    use std::path::Path;

    /// Whatever is configured, what is written holds, examples and all.
    #[test]
    fn what_is_written_holds_on_every_kind_of_connection() {
        let all = known();
        for kind in ["postgres", "prometheus", "celery"] {
            for (sort, needs) in [(Skeleton::Reads, kind), (Skeleton::Writes, "postgres")] {
                for signals in [true, false] {
                    let mut known = all.clone();
                    known.connections.retain(|_, it| it == kind);
                    if !signals {
                        known.signals = Some(BTreeSet::new());
                    }
                    let made = skeleton("look-up", sort, &known);
                    if needs != kind {
                        assert!(made.unwrap_err().to_string().contains("add a [connection.NAME]"));
                        continue;
                    }
                    let text = made.unwrap();
                    assert!(!text.contains('@') || !text.contains("@ON@"), "{text}");
                    let runbook = load_text("look-up", Path::new("look-up.toml"), &text, &known)
                        .unwrap_or_else(|problems| panic!("{problems:?}\n{text}"));
                    assert_eq!(example::check(&runbook, Path::new("look-up.toml")), []);
                    assert!(runbook.examples.len() > 1);
                }
            }
        }
    }

    #[test]
    fn a_name_that_nobody_could_type_is_none() {
        for name in ["Look", "", "2nd", "a_b", "../a", "a/b"] {
            let told = skeleton(name, Skeleton::Reads, &known()).unwrap_err().to_string();
            assert!(told.contains("is no name for a runbook"), "{told}");
        }
    }
}
