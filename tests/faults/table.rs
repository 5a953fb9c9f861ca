//! The table that `make faults` prints: a row for each fault. Where a figure must be zero and is not, the test fails
//! with the runs' journals.

use super::reckoning::Reckoning;
use std::env;
use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

/// Whether `make faults` asks for the full counts; `cargo test` does the same with fewer.
pub fn is_full() -> bool {
    env::var_os("FAULTS").is_some_and(|how| how == "full")
}

/// So many in `cargo test`, and so many in full.
pub fn times(short: usize, full: usize) -> usize {
    if is_full() { full } else { short }
}

/// One line.
pub struct Row {
    pub fault: &'static str,
    /// The bot's own database.
    pub store: &'static str,
    /// How often the fault struck.
    pub faults: usize,
    /// What else was measured, in words.
    pub note: String,
}

const HEADER: &str = "fault                                    store       faults  runs acked  lost doubled repeated \
                      doubts undo? false  wrong     gap  ";

impl Row {
    /// Tells it, and fails the test if something is wrong.
    pub fn tell(&self, found: &Reckoning) {
        let gap = Duration::try_from(found.gap).unwrap_or_default();
        let line = format!(
            "{:<40} {:<10} {:>7} {:>5} {:>5} {:>5} {:>7} {:>8} {:>6} {:>5} {:>5} {:>6} {:>6.1}s  {}",
            self.fault,
            self.store,
            self.faults,
            found.runs,
            found.kept,
            found.lost,
            found.doubled,
            found.repeated,
            found.doubts,
            found.undo_doubts,
            found.falsely_failed,
            found.otherwise_wrong,
            gap.as_secs_f64(),
            self.note
        );
        println!("{HEADER}\n{line}");
        for (question, times) in &found.questions {
            println!("    asked {times} times: {question}");
        }
        if is_full() {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/faults.txt");
            let mut file = File::options().create(true).append(true).open(path).unwrap();
            if file.metadata().unwrap().len() == 0 {
                writeln!(file, "{HEADER}").unwrap();
            }
            writeln!(file, "{}", line.trim_end()).unwrap();
        }
        assert!(
            found.wrong.is_empty(),
            "{}, {}: {} wrong\n{}",
            self.fault,
            self.store,
            found.wrong.len(),
            found.wrong.join("\n")
        );
    }
}
