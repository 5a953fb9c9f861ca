//! What the fuzzer begins with and what it has found, replayed. `make fuzz` finds more.

use super::parsers::PARSERS;
use std::fs;
use std::path::Path;

#[test]
fn nothing_that_was_ever_found_breaks_a_parser() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut replayed = 0;
    for (name, parser) in PARSERS {
        let samples = match *name {
            "runbooks" => "commands",
            "config" | "people" | "policy" => "config",
            "panels" => "config/panels",
            _ => "",
        };
        let seeds = format!("tests/fuzz/seeds/{name}");
        let mut own = 0;
        for folder in [seeds.as_str(), samples].iter().filter(|folder| !folder.is_empty()) {
            let Ok(entries) = fs::read_dir(here.join(folder)) else {
                continue;
            };
            for path in entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_file()) {
                println!("{name}: {}", path.display());
                parser(&fs::read(&path).unwrap());
                own += 1;
            }
        }
        assert!(own > 0, "{name} has nothing to begin with");
        replayed += own;
    }
    assert!(replayed > 30, "{replayed} inputs");
}
