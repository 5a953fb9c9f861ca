//! What was measured, beside what is allowed and the baseline of the same minute.

use std::time::Duration;

/// Prints each row as soon as it is measured.
pub struct Table {
    baseline: Duration,
    missed: Vec<String>,
}

impl Table {
    pub fn new() -> Self {
        println!(
            "{:<56} {:>5} {:>8} {:>8} {:>9} {:>9}",
            "", "n", "p50 ms", "p99 ms", "allowed", "baseline"
        );
        Self {
            baseline: Duration::ZERO,
            missed: Vec::new(),
        }
    }

    /// What the rows that follow are compared with.
    pub fn baseline(&mut self, what: &str, took: &[Duration]) {
        self.baseline = percentile(took, 99);
        print(what, took, "", "");
    }

    pub fn row(&mut self, what: &str, took: &[Duration], allowed: Duration) {
        let worst = percentile(took, 99);
        let ratio = worst.as_secs_f64() / self.baseline.as_secs_f64();
        print(what, took, &allowed.as_millis().to_string(), &format!("{ratio:.1} x"));
        if worst > allowed {
            self.missed.push(what.to_owned());
        }
    }

    /// Says what was too slow.
    pub fn end(self) {
        if self.missed.is_empty() {
            println!("\nall within what is allowed");
        } else {
            println!("\ntoo slow: {}", self.missed.join("; "));
        }
    }
}

fn print(what: &str, took: &[Duration], allowed: &str, ratio: &str) {
    let ms = |percent| percentile(took, percent).as_secs_f64() * 1000.0;
    println!(
        "{what:<56} {:>5} {:>8.1} {:>8.1} {allowed:>9} {ratio:>9}",
        took.len(),
        ms(50),
        ms(99)
    );
}

fn percentile(took: &[Duration], percent: usize) -> Duration {
    let mut sorted = took.to_vec();
    sorted.sort();
    sorted[(sorted.len() * percent / 100).min(sorted.len() - 1)]
}
