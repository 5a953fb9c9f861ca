//! The file of the seals: one line each, only ever added to, outside of the database. A line names the last rows of the
//! chains that have grown, and the hash of the line before it. A copy of this file on another machine is what proves the
//! record to somebody who trusts neither the database nor this machine.
//!
//! A line's `hash` is the SHA-256 of the line up to the comma before it.

use crate::store::sealing::SealMark;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// The last line is looked for in the last bytes, twice as many each time.
const TAIL: u64 = 1 << 18;

/// The end of a line, after its hash.
const CLOSE: &str = "\"}";
const HASH: &str = ",\"hash\":\"";

/// How many letters of a hash tell which row it is.
pub const BRIEF: usize = 8;

/// The first letters of a hash. Whatever stands in its place has as many.
pub fn brief(hash: &str) -> String {
    let letters = hash.chars().filter(char::is_ascii).chain(std::iter::repeat('-'));
    letters.take(BRIEF).collect()
}

/// One seal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seal {
    /// Counted from one.
    pub seal: i64,
    /// When it was made.
    pub at: Timestamp,
    /// Whose record it is of.
    pub database: String,
    /// The hash of the seal before; empty in the first.
    pub prev: String,
    /// The ends of chains that have grown.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub chains: Vec<Grown>,
    /// Beginnings of chains that were taken away, because they are older than is kept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pruned: Vec<Pruned>,
    /// All that was written until then is covered by this seal and those before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Findings that somebody has explained.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted: Option<Accepted>,
}

/// The end of a chain: whose, the place and the hash of its last row, and the first letters of the hashes of the rows that
/// this seal covers before it, to tell which one was changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grown(pub String, pub i64, pub String, pub String);

/// What is gone of a chain: whose, and the place and the hash of its last row that went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pruned(pub String, pub i64, pub String);

/// An explanation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accepted {
    /// Whose.
    pub person: String,
    /// What they say.
    pub reason: String,
    /// Which findings, by their keys.
    pub findings: Vec<String>,
}

/// Why nothing can be sealed. What is not sealed waits, and is sealed later.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// The file cannot be read.
    #[error("the seal file {} cannot be read: {error}", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// The file cannot be written.
    #[error(
        "the seal file {} cannot be written: {error}. Rows of the record wait unsealed; make room there, or name another \
         place in store.seals", path.display()
    )]
    Unwritable {
        /// Which.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// Another process has it.
    #[error("the seal file {} is in use by another process", .0.display())]
    InUse(PathBuf),
    /// It seals another record.
    #[error(
        "the seal file {} is of another database ({theirs}, this one is {ours}): name a file of its own in store.seals",
        path.display()
    )]
    Foreign {
        /// Which.
        path: PathBuf,
        /// The file's.
        theirs: String,
        /// Ours.
        ours: String,
    },
    /// Its last line is not as it was written.
    #[error(
        "the last line of the seal file {} is not as it was written: nothing is added to it. `signalbox audit verify` says \
         more; put back a copy of the file, or keep it as evidence under another name, and a new one is begun", .0.display()
    )]
    Changed(PathBuf),
}

/// What is wrong with a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineFault {
    /// It is no seal.
    NotASeal,
    /// It is one, and its hash is of another line.
    Changed,
    /// It has no end. It is being written, or was cut off.
    Torn,
}

impl Seal {
    /// The line, with its hash.
    pub fn line(&self) -> Option<(String, String)> {
        let mut line = serde_json::to_string(self).ok()?;
        // Its closing brace comes back after the hash.
        line.pop();
        let hash = hex::encode(Sha256::digest(&line));
        line.push_str(HASH);
        line.push_str(&hash);
        line.push_str(CLOSE);
        line.push('\n');
        Some((line, hash))
    }
}

/// A line as it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// What it says, so far as it can be read.
    pub seal: Option<Seal>,
    /// The hash that it bears.
    pub hash: String,
    /// What is wrong with it.
    pub fault: Option<LineFault>,
}

/// Reads a line with its end.
fn read_line(line: &[u8]) -> Found {
    let wrong = |fault| Found {
        seal: None,
        hash: String::new(),
        fault: Some(fault),
    };
    let Some(line) = line.strip_suffix(b"\n") else {
        return wrong(LineFault::Torn);
    };
    let seal = std::str::from_utf8(line)
        .ok()
        .and_then(|text| Some((text, serde_json::from_str::<Seal>(text).ok()?)));
    let Some((text, seal)) = seal else {
        return wrong(LineFault::NotASeal);
    };
    let hashed = text.rsplit_once(HASH).and_then(|(covered, rest)| {
        let hash = rest.strip_suffix(CLOSE)?;
        Some((covered, hash))
    });
    let Some((covered, hash)) = hashed else {
        return Found {
            seal: Some(seal),
            ..wrong(LineFault::Changed)
        };
    };
    let right = hash == hex::encode(Sha256::digest(covered));
    Found {
        seal: Some(seal),
        hash: hash.to_owned(),
        fault: (!right).then_some(LineFault::Changed),
    }
}

/// Reads a file line by line. One that is not there has no lines: false.
pub fn each_line(path: &Path, mut take: impl FnMut(usize, Found)) -> Result<bool, SealError> {
    let unreadable = |error| SealError::Unreadable {
        path: path.to_owned(),
        error,
    };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(unreadable(error)),
    };
    let mut reader = BufReader::with_capacity(1 << 16, file);
    let mut line = Vec::new();
    let mut number = 0;
    loop {
        line.clear();
        if reader.read_until(b'\n', &mut line).map_err(unreadable)? == 0 {
            return Ok(true);
        }
        number += 1;
        take(number, read_line(&line));
    }
}

/// The file while this process adds to it.
#[derive(Debug)]
pub struct SealFile {
    path: PathBuf,
    file: File,
    /// The whole lines end here.
    end: u64,
    last: Option<(Seal, String)>,
}

impl SealFile {
    /// Opens it for one writer, or makes it. A last line that was cut off in its writing is no seal, and goes.
    pub fn open(path: &Path, database: &str) -> Result<Self, SealError> {
        let unwritable = |error| SealError::Unwritable {
            path: path.to_owned(),
            error,
        };
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        if let Some(folder) = folder {
            std::fs::create_dir_all(folder).map_err(unwritable)?;
        }
        let fresh = !path.exists();
        let file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .open(path)
            .map_err(unwritable)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(SealError::InUse(path.to_owned())),
            Err(TryLockError::Error(error)) => return Err(unwritable(error)),
        }
        if fresh {
            // A name that a crash could take away again proves nothing.
            File::open(folder.unwrap_or(Path::new(".")))
                .and_then(|folder| folder.sync_all())
                .map_err(unwritable)?;
        }
        let mut opened = Self {
            path: path.to_owned(),
            file,
            end: 0,
            last: None,
        };
        let (end, line) = opened.last_line().map_err(|error| SealError::Unreadable {
            path: path.to_owned(),
            error,
        })?;
        opened.end = end;
        if let Some(line) = line {
            let found = read_line(&line);
            let (Some(seal), None) = (found.seal, found.fault) else {
                return Err(SealError::Changed(path.to_owned()));
            };
            if seal.database != database {
                return Err(SealError::Foreign {
                    path: path.to_owned(),
                    theirs: seal.database,
                    ours: database.to_owned(),
                });
            }
            opened.last = Some((seal, found.hash));
        }
        if opened.length().map_err(unwritable)? > end {
            tracing::warn!(path = %opened.path.display(), "a seal that was cut off in its writing is taken away");
            opened.file.set_len(end).map_err(unwritable)?;
        }
        Ok(opened)
    }

    /// The last seal in it, as the database would know it.
    pub fn last(&self) -> Option<SealMark> {
        self.last.as_ref().map(|(seal, hash)| SealMark {
            number: seal.seal,
            hash: hash.clone(),
            at: seal.at,
        })
    }

    /// Adds a seal, and comes back when it has reached the disk. If it cannot, nothing of it stays.
    pub fn add(&mut self, seal: &Seal) -> Result<SealMark, SealError> {
        let unwritable = |path: &Path, error| SealError::Unwritable {
            path: path.to_owned(),
            error,
        };
        let (line, hash) = seal
            .line()
            .ok_or_else(|| unwritable(&self.path, std::io::Error::other("a seal that is no JSON")))?;
        let written = self.file.write_all(line.as_bytes()).and_then(|()| self.file.sync_all());
        if let Err(error) = written {
            self.take_back();
            return Err(unwritable(&self.path, error));
        }
        self.end += line.len() as u64;
        self.last = Some((seal.clone(), hash.clone()));
        Ok(SealMark {
            number: seal.seal,
            hash,
            at: seal.at,
        })
    }

    /// Takes the last line away again, which nobody has relied on: the database followed another seal.
    pub fn withdraw(mut self, line: &Seal) {
        if let Some((text, _)) = line.line() {
            self.end = self.end.saturating_sub(text.len() as u64);
            self.take_back();
        }
    }

    fn take_back(&self) {
        if let Err(error) = self.file.set_len(self.end) {
            // The next opening takes it away, for it has no end.
            tracing::warn!(path = %self.path.display(), %error, "a seal that was not written whole stays for now");
        }
    }

    fn length(&self) -> std::io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    /// Where the whole lines end, and the last of them.
    fn last_line(&mut self) -> std::io::Result<(u64, Option<Vec<u8>>)> {
        let length = self.length()?;
        let mut size = TAIL.min(length);
        loop {
            self.file.seek(SeekFrom::Start(length - size))?;
            let mut tail = Vec::new();
            Read::by_ref(&mut self.file).take(size).read_to_end(&mut tail)?;
            let ends: Vec<usize> = (0..tail.len()).filter(|index| tail[*index] == b'\n').collect();
            if size < length && ends.len() < 2 {
                size = (size * 2).min(length);
                continue;
            }
            let Some(last) = ends.last().copied() else {
                return Ok((0, None));
            };
            let begin = ends.len().checked_sub(2).map_or(0, |before| ends[before] + 1);
            return Ok((length - size + last as u64 + 1, Some(tail[begin..=last].to_vec())));
        }
    }
}
