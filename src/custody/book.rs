//! All that seal files say: which rows of which chain must be there. Several files are one book: those of replicas on
//! several machines, and copies.

use super::CustodyError;
use super::seals::{Accepted, BRIEF, Found, Grown, LineFault, Pruned, Seal, SealError, brief, each_line};
use super::verify::Finding;
use crate::store::sealing::SealMark;
use jiff::Timestamp;
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

/// Rows that one seal covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) seal: i64,
    pub(super) from: i64,
    pub(super) to: i64,
    /// None where the seal's line was changed: then it only tells that there were rows.
    hashes: Option<Hashes>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Hashes {
    last: Box<str>,
    earlier: Box<str>,
}

impl Span {
    /// Whether it can be relied on to be what was written.
    pub(super) fn is_sound(&self) -> bool {
        self.hashes.is_some()
    }

    /// Whether a row with this hash is the one that was sealed.
    pub(super) fn fits(&self, seq: i64, hash: &str) -> bool {
        let Some(hashes) = &self.hashes else { return true };
        if seq == self.to {
            return *hashes.last == *hash;
        }
        let begin = usize::try_from(seq - self.from)
            .unwrap_or(usize::MAX)
            .saturating_mul(BRIEF);
        hashes.earlier.get(begin..begin.saturating_add(BRIEF)) == Some(brief(hash).as_str())
    }
}

/// What a chain has lost by age: the place and the hash of its last row that went, and by which seal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Floor {
    pub(super) seal: i64,
    pub(super) seq: i64,
    pub(super) hash: String,
}

/// What is said of one chain, in the order of the seals.
#[derive(Debug, Default)]
pub(super) struct ChainBook {
    spans: Vec<Span>,
    floors: Vec<Floor>,
}

impl ChainBook {
    /// What must be there now, where the chain begins, and where what was pruned was not what had been sealed.
    pub(super) fn expected(mut self) -> (Option<Floor>, Vec<Span>, Vec<(i64, Floor)>) {
        self.spans.sort_by_key(|span| span.seal);
        self.floors.sort_by_key(|floor| floor.seal);
        let mut floors = self.floors.into_iter().peekable();
        let mut floor: Option<Floor> = None;
        let (mut live, mut wrong): (Vec<Span>, _) = (Vec::new(), Vec::new());
        let mut lower = |next: Floor, live: &mut Vec<Span>, floor: &mut Option<Floor>| {
            let sealed = live.iter().find(|span| (span.from..=span.to).contains(&next.seq));
            if let Some(span) = sealed.filter(|span| !span.fits(next.seq, &next.hash)) {
                wrong.push((span.seal, next.clone()));
            }
            live.retain(|span| span.to > next.seq);
            *floor = Some(next);
        };
        for span in self.spans {
            while let Some(next) = floors.next_if(|next| next.seal < span.seal) {
                lower(next, &mut live, &mut floor);
            }
            // All of the chain had gone, and it began again.
            if live.is_empty() && floor.as_ref().is_some_and(|floor| span.from <= floor.seq) {
                floor = None;
            }
            live.push(span);
        }
        for next in floors {
            lower(next, &mut live, &mut floor);
        }
        (floor, live, wrong)
    }
}

/// A line that says something of a seal.
#[derive(Debug)]
struct Line {
    place: String,
    hash: String,
    prev: String,
}

/// All of it.
#[derive(Debug, Default)]
pub(super) struct Book {
    pub(super) chains: HashMap<String, ChainBook>,
    pub(super) findings: Vec<Finding>,
    pub(super) notes: Vec<String>,
    pub(super) accepted: HashMap<String, (i64, Accepted)>,
    pub(super) dates: HashMap<i64, Timestamp>,
    /// Seals that say that all of before a time is covered, in order, none with an earlier time than the one before.
    untils: Vec<(i64, Timestamp)>,
    lines: BTreeMap<i64, Line>,
}

impl Book {
    pub(super) fn read(files: &[PathBuf], database: &str, mark: Option<&SealMark>) -> Result<Self, CustodyError> {
        let mut book = Self::default();
        for path in files {
            let mut foreign = None;
            let mut last = 0;
            let there = each_line(path, |number, found| {
                if let Some(seal) = &found.seal
                    && seal.database != database
                {
                    foreign.get_or_insert_with(|| seal.database.clone());
                }
                book.take(path, number, found, &mut last);
            })?;
            if let Some(theirs) = foreign {
                return Err(SealError::Foreign {
                    path: path.clone(),
                    theirs,
                    ours: database.to_owned(),
                }
                .into());
            }
            if !there {
                book.notes.push(format!("There is no seal file {}.", path.display()));
            }
        }
        book.untils.sort();
        let mut most: Option<(i64, Timestamp)> = None;
        book.untils.retain(|one| {
            let more = most.is_none_or(|(_, until)| until < one.1);
            if more {
                most = Some(*one);
            }
            more
        });
        book.linked();
        if let Some(mark) = mark {
            book.known(mark);
        }
        Ok(book)
    }

    /// The seal before this one, or of all, that covers most of the past.
    pub(super) fn covering(&self, before: Option<i64>) -> Option<(i64, Timestamp)> {
        let end = before.map_or(self.untils.len(), |seal| {
            self.untils.partition_point(|(number, _)| *number < seal)
        });
        self.untils.get(end.checked_sub(1)?).copied()
    }

    pub(super) fn seals(&self) -> usize {
        self.lines.len()
    }

    pub(super) fn last(&self) -> Option<i64> {
        self.lines.keys().next_back().copied()
    }

    fn find(&mut self, key: String, seal: Option<i64>, say: String) {
        self.findings.push(Finding {
            key,
            subject: None,
            row: None,
            seal,
            say,
        });
    }

    fn take(&mut self, path: &Path, number: usize, found: Found, last: &mut i64) {
        let place = format!("{}:{number}", path.display());
        match found.fault {
            Some(LineFault::Torn) => {
                let note = format!("{place}: this line has no end: it is being written, or was cut off.");
                self.notes.push(note);
                return;
            }
            Some(LineFault::NotASeal) => {
                let say = format!("{place}: this line is no seal: it was changed.");
                self.find(format!("line:{place}"), None, say);
            }
            Some(LineFault::Changed) => {
                let seal = found.seal.as_ref().map(|seal| seal.seal);
                let which = seal.map_or_else(|| "a seal".to_owned(), |seal| format!("seal {seal}"));
                let say = format!("{place}: {which} was changed after it was written.");
                self.find(format!("line:{place}"), seal, say);
            }
            None => {}
        }
        let Some(seal) = found.seal else { return };
        if seal.seal <= *last {
            let say = format!("{place}: seal {} stands behind seal {last}.", seal.seal);
            self.find(format!("order:{place}"), Some(seal.seal), say);
        }
        *last = seal.seal;
        if let Some(other) = self.lines.get(&seal.seal) {
            if other.hash == found.hash {
                // A copy.
                return;
            }
            let say = format!(
                "There are two different seals {}: {} and {place}.",
                seal.seal, other.place
            );
            self.find(format!("two:{}", seal.seal), Some(seal.seal), say);
        } else {
            let line = Line {
                place,
                hash: found.hash,
                prev: seal.prev.clone(),
            };
            self.lines.insert(seal.seal, line);
        }
        self.enter(seal, found.fault.is_none());
    }

    fn enter(&mut self, seal: Seal, sound: bool) {
        let number = seal.seal;
        for Grown(subject, to, last, earlier) in seal.chains {
            let span = Span {
                seal: number,
                from: to - (earlier.len() / BRIEF) as i64,
                to,
                hashes: sound.then(|| Hashes {
                    last: last.into(),
                    earlier: earlier.into(),
                }),
            };
            let spans = &mut self.chains.entry(subject).or_default().spans;
            // There are as many chains as runs, and most have one span.
            spans.reserve_exact(1);
            spans.push(span);
        }
        self.dates.insert(number, seal.at);
        if !sound {
            return;
        }
        for Pruned(subject, seq, hash) in seal.pruned {
            let floor = Floor {
                seal: number,
                seq,
                hash,
            };
            self.chains.entry(subject).or_default().floors.push(floor);
        }
        self.untils.extend(seal.until.map(|until| (number, until)));
        if let Some(accepted) = seal.accepted {
            for key in &accepted.findings {
                self.accepted.insert(key.clone(), (number, accepted.clone()));
            }
        }
    }

    /// Whether the seals follow each other.
    fn linked(&mut self) {
        let mut before: Option<(i64, &str)> = None;
        let mut found = Vec::new();
        for (number, line) in &self.lines {
            match before {
                None if *number == 1 && !line.prev.is_empty() => {
                    found.push((
                        format!("line:{}", line.place),
                        *number,
                        format!("{}: seal 1 was changed.", line.place),
                    ));
                }
                None if *number > 1 => found.push(missing(1, *number - 1)),
                Some((last, _)) if *number > last + 1 => found.push(missing(last + 1, *number - 1)),
                Some((last, hash)) if line.prev != hash => found.push((
                    format!("follows:{number}"),
                    *number,
                    format!(
                        "{}: seal {number} does not follow seal {last} as it stands: one of them was changed.",
                        line.place
                    ),
                )),
                _ => {}
            }
            before = Some((*number, &line.hash));
        }
        for (key, seal, say) in found {
            self.find(key, Some(seal), say);
        }
    }

    /// Whether this is what the database remembers.
    fn known(&mut self, mark: &SealMark) {
        let last = self.last().unwrap_or(0);
        if last < mark.number {
            let (key, seal, say) = missing(last + 1, mark.number);
            self.find(key, Some(seal), say);
        } else if self.lines.get(&mark.number).is_some_and(|line| line.hash != mark.hash) {
            let say = format!("Seal {} is not the one that the database knows.", mark.number);
            self.find(format!("known:{}", mark.number), Some(mark.number), say);
        }
        // One more is what a crash between the file and the database leaves.
        if last > mark.number + 1 {
            self.notes.push(format!(
                "There are {} seals after the last one that the database knows: it is older than its seals.",
                last - mark.number
            ));
        }
    }
}

fn missing(from: i64, to: i64) -> (String, i64, String) {
    let which = if from == to {
        format!("Seal {from} is missing")
    } else {
        format!("Seals {from} to {to} are missing")
    };
    (
        format!("seals:{from}-{to}"),
        from,
        format!("{which}: name each file that the replicas have written, or a copy, with --seals."),
    )
}
