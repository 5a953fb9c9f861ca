//! Compares the record with its seals. What is found names the row.

use super::CustodyError;
use super::book::{Book, ChainBook, Floor};
use super::seals::Accepted;
use crate::store::Store;
use crate::store::chain::{End, TrailRow};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// Rows read at once.
const PAGE: i64 = 1000;

/// A row may reach the database this long after the time that it bears; clocks of replicas differ by less.
const LATE: SignedDuration = SignedDuration::from_mins(10);

/// A record that is pruned and sealed while it is read looks wrong; it is read once more.
const TRIES: usize = 3;

/// Something that is not as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The same finding has the same key next time.
    pub key: String,
    /// Whose chain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The row's place there; the first, of several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub row: Option<i64>,
    /// The seal that shows it, or that is wrong itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seal: Option<i64>,
    /// In words.
    pub say: String,
}

/// A finding that somebody has explained.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explained {
    /// Which.
    #[serde(flatten)]
    pub finding: Finding,
    /// By whom.
    pub person: String,
    /// What they say.
    pub reason: String,
}

/// What a comparison gave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Examined {
    /// Rows of the record.
    pub rows: usize,
    /// Chains.
    pub chains: usize,
    /// Seals.
    pub seals: usize,
    /// The last one's number.
    pub last_seal: Option<i64>,
    /// All of before then is covered by seals.
    pub covered_until: Option<Timestamp>,
    /// Rows that no seal covers yet: of them only their own hashes speak.
    pub unsealed: usize,
    /// What is wrong.
    pub findings: Vec<Finding>,
    /// What was wrong, and explained.
    pub explained: Vec<Explained>,
    /// What else is worth knowing.
    pub notes: Vec<String>,
}

/// Compares all rows with all seals.
pub async fn verify(store: &Store, files: &[PathBuf]) -> Result<Examined, CustodyError> {
    let mut tries = 1;
    loop {
        let mark = store.last_seal().await?;
        let examined = once(store, files).await?;
        if examined.findings.is_empty() || tries == TRIES || store.last_seal().await? == mark {
            return Ok(examined);
        }
        tries += 1;
    }
}

async fn once(store: &Store, files: &[PathBuf]) -> Result<Examined, CustodyError> {
    let database = store.database_id().await?;
    let mark = store.last_seal().await?;
    let files = files.to_owned();
    let reading = tokio::task::spawn_blocking(move || Book::read(&files, &database, mark.as_ref()));
    let mut book = reading.await.map_err(|_| CustodyError::BrokenOff)??;
    let mut count = Count::default();
    let mut chain: Vec<TrailRow> = Vec::new();
    loop {
        let (subject, seq) = chain
            .last()
            .map_or((String::new(), i64::MIN), |row| (row.subject.clone(), place(row)));
        let page = store.chained(&subject, seq, PAGE).await?;
        if page.is_empty() {
            break;
        }
        for row in page {
            if chain.last().is_some_and(|last| last.subject != row.subject) {
                examine(&mut book, &std::mem::take(&mut chain), &mut count);
            }
            chain.push(row);
        }
    }
    examine(&mut book, &chain, &mut count);
    // Chains of which nothing is left.
    let mut gone: Vec<(String, ChainBook)> = book.chains.drain().collect();
    gone.sort_by(|(one, _), (other, _)| one.cmp(other));
    for (subject, said) in gone {
        let found = compare(&subject, &[], said, &book, &mut count);
        book.findings.extend(found);
    }
    loose(store, &mut book, &mut count).await?;
    Ok(told(book, count))
}

#[derive(Debug, Default)]
struct Count {
    rows: usize,
    chains: usize,
    unsealed: usize,
}

fn told(book: Book, count: Count) -> Examined {
    let mut examined = Examined {
        rows: count.rows,
        chains: count.chains,
        seals: book.seals(),
        last_seal: book.last(),
        covered_until: book.covering(None).map(|(_, at)| at),
        unsealed: count.unsealed,
        findings: Vec::new(),
        explained: Vec::new(),
        notes: book.notes,
    };
    for finding in book.findings {
        match book.accepted.get(&finding.key) {
            Some((_, Accepted { person, reason, .. })) => examined.explained.push(Explained {
                finding,
                person: person.clone(),
                reason: reason.clone(),
            }),
            None => examined.findings.push(finding),
        }
    }
    examined
}

fn examine(book: &mut Book, rows: &[TrailRow], count: &mut Count) {
    let Some(first) = rows.first() else { return };
    count.rows += rows.len();
    count.chains += 1;
    let said = book.chains.remove(&first.subject).unwrap_or_default();
    let found = compare(&first.subject, rows, said, book, count);
    book.findings.extend(found);
}

/// Rows that a version of before wrote and that are not chained yet.
async fn loose(store: &Store, book: &mut Book, count: &mut Count) -> Result<(), CustodyError> {
    let (mut at, mut id) = (i64::MIN, String::new());
    let mut waiting = 0;
    loop {
        let page = store.loose(at, &id, PAGE).await?;
        let Some(last) = page.last() else { break };
        (at, id) = (last.at, last.id.clone());
        for row in &page {
            if let Some((seal, say)) = too_late(row, None, book) {
                book.findings.push(Finding {
                    key: format!("late:{}", row.id),
                    subject: Some(row.subject.clone()),
                    row: None,
                    seal: Some(seal),
                    say: format!("A row of {} ({}) {say}", row.subject, described(row)),
                });
            }
        }
        waiting += page.len();
    }
    count.rows += waiting;
    count.unsealed += waiting;
    if waiting > 0 {
        book.notes.push(format!(
            "{waiting} rows were written by a version that did not chain them; a running bot does it within the hour."
        ));
    }
    Ok(())
}

/// One chain: whether its rows fit each other, and whether they are those that were sealed.
fn compare(subject: &str, rows: &[TrailRow], said: ChainBook, book: &Book, count: &mut Count) -> Vec<Finding> {
    let (floor, spans, wrongly_pruned) = said.expected();
    let mut found = Vec::new();
    // Rows of which something is said already.
    let mut told = BTreeSet::new();
    let date = |seal: i64| {
        book.dates
            .get(&seal)
            .map_or_else(String::new, |at| at.strftime(" of %Y-%m-%d %H:%M:%S UTC").to_string())
    };
    let finding = |key: String, row: i64, seal: Option<i64>, say: String| Finding {
        key,
        subject: Some(subject.to_owned()),
        row: Some(row),
        seal,
        say,
    };
    for (seal, pruned) in wrongly_pruned {
        let say = format!(
            "Row {} of {subject} was pruned by seal {}, and was not the row that seal {seal} covers: it had been changed.",
            pruned.seq, pruned.seal
        );
        found.push(finding(
            format!("pruned:{}:{subject}", pruned.seal),
            pruned.seq,
            Some(seal),
            say,
        ));
    }
    let mut before = match &floor {
        Some(floor) => (floor.seq, floor.hash.as_str()),
        None => (0, ""),
    };
    for (index, row) in rows.iter().enumerate() {
        let Some(link) = &row.link else { continue };
        // Where a chain had gone whole it begins again; and a crash may leave what was to be pruned.
        let begins = index == 0 && link.seq <= before.0;
        let gap = !begins && link.seq > before.0 + 1;
        if gap {
            let (from, to) = (before.0 + 1, link.seq - 1);
            let say = format!("{} missing.", rows_words(subject, from, to));
            found.push(finding(format!("missing:{subject}:{from}"), from, None, say));
            told.extend(from..=to);
        }
        let follows = gap
            || if begins {
                link.seq > 1 || link.prev.is_empty()
            } else {
                link.prev == before.1
            };
        if row.digest(link.seq, &link.prev) != link.hash {
            let say = format!("Row {} of {subject} ({}) was changed.", link.seq, described(row));
            found.push(finding(format!("row:{}", row.id), link.seq, None, say));
            told.insert(link.seq);
        } else if !follows {
            let say = format!(
                "Row {} of {subject} ({}) does not follow what stands before it: one of the two was changed, or put there.",
                link.seq,
                described(row)
            );
            found.push(finding(format!("follows:{}", row.id), link.seq, None, say));
            told.insert(link.seq);
        }
        before = (link.seq, &link.hash);
    }
    let base = floor.as_ref().map_or(0, |floor| floor.seq);
    for span in spans.iter().filter(|span| span.is_sound()) {
        let mut seq = span.from.max(base + 1);
        while seq <= span.to {
            let row = rows.binary_search_by_key(&seq, place).ok().map(|index| &rows[index]);
            let hash = row.and_then(|row| row.link.as_ref()).map(|link| link.hash.as_str());
            if hash.is_some_and(|hash| span.fits(seq, hash)) || told.contains(&seq) {
                seq += 1;
                continue;
            }
            let by = format!("seal {}{}", span.seal, date(span.seal));
            let say = match row {
                None => {
                    let next = rows.iter().map(place).find(|other| *other > seq).unwrap_or(i64::MAX);
                    let to = span.to.min(next - 1);
                    told.extend(seq..=to);
                    format!("{} missing, sealed by {by}.", rows_words(subject, seq, to))
                }
                Some(row) => format!(
                    "Row {seq} of {subject} ({}) is not the one that {by} covers: it was changed, or another was put in \
                     its place.",
                    described(row)
                ),
            };
            found.push(finding(
                format!("seal:{}:{subject}", span.seal),
                seq,
                Some(span.seal),
                say,
            ));
            break;
        }
    }
    let covered = spans.iter().map(|span| span.to).max().unwrap_or(0).max(base);
    // What a crash left of what was to be pruned is no chain that began again.
    let left = |floor: &Floor| {
        let link = rows.iter().filter_map(|row| row.link.as_ref());
        link.into_iter()
            .any(|link| link.seq == floor.seq && link.hash == floor.hash)
    };
    let restarted = rows.first().is_some_and(|row| place(row) <= base) && !floor.as_ref().is_some_and(left);
    for row in rows {
        let seq = place(row);
        let unsealed = seq > covered || restarted;
        count.unsealed += usize::from(unsealed);
        let first = spans.iter().find(|span| (span.from..=span.to).contains(&seq));
        // What is pruned but for a crash has no span any more, and was proved when it had.
        let Some((seal, say)) = (unsealed || first.is_some())
            .then(|| too_late(row, first.map(|span| span.seal), book))
            .flatten()
            .filter(|_| !told.contains(&seq))
        else {
            continue;
        };
        let say = format!("Row {seq} of {subject} ({}) {say}", described(row));
        found.push(finding(format!("late:{}", row.id), seq, Some(seal), say));
    }
    found
}

/// The row came to its seal, or to none yet, although an earlier seal covers all of its time.
fn too_late(row: &TrailRow, sealed: Option<i64>, book: &Book) -> Option<(i64, String)> {
    let (seal, until) = book.covering(sealed)?;
    let at = Timestamp::from_microsecond(row.at).ok()?;
    let by = sealed.map_or_else(|| "by no seal".to_owned(), |sealed| format!("only by seal {sealed}"));
    (at.checked_add(LATE).ok()? < until).then(|| {
        let say = format!(
            "is covered {by}, although seal {seal} covers all of before {}: it was added afterwards, or kept from being \
             sealed.",
            until.strftime("%Y-%m-%d %H:%M:%S UTC")
        );
        (seal, say)
    })
}

/// The last row, if each fits itself and the one before it.
pub(super) fn end_of_intact(rows: &[TrailRow]) -> Option<End> {
    let mut end: Option<End> = None;
    for row in rows {
        let link = row.link.as_ref()?;
        let follows = end
            .as_ref()
            .is_none_or(|end| link.seq == end.seq + 1 && link.prev == end.hash);
        if !follows || row.digest(link.seq, &link.prev) != link.hash {
            return None;
        }
        end = Some(End {
            seq: link.seq,
            hash: link.hash.clone(),
        });
    }
    end
}

fn place(row: &TrailRow) -> i64 {
    row.link.as_ref().map_or(0, |link| link.seq)
}

fn rows_words(subject: &str, from: i64, to: i64) -> String {
    if from == to {
        format!("Row {from} of {subject} is")
    } else {
        format!("Rows {from} to {to} of {subject} are")
    }
}

fn described(row: &TrailRow) -> String {
    let at = Timestamp::from_microsecond(row.at).map_or_else(
        |_| "at a time that is none".to_owned(),
        |at| at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
    );
    format!("{at}, {}, {}", row.kind, row.person)
}
