//! How long an edit of one of 200 runbooks takes to be in force once its file is at rest, beside reading the same files
//! as TOML and nothing more. `cargo bench --profile dev --bench reload` does without the long build.

use signalbox::config::Config;
use signalbox::rules::Rules;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};
use toml::de::DeTable;

const RUNBOOKS: usize = 200;
const ROUNDS: usize = 15;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let config = world(folder.path())?;
    let begun = Instant::now();
    let mut rules = Rules::load(&config).map_err(|problems| format!("{problems:?}"))?;
    let first = begun.elapsed();

    let edited = config.files.commands.join("stuck-orders-000.toml");
    let text = fs::read_to_string(&edited)?;
    let (mut edits, mut parses) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        fs::write(&edited, format!("{text}\n# {round}\n"))?;
        let begun = Instant::now();
        rules = rules.load_again(&config).map_err(|problems| format!("{problems:?}"))?;
        edits.push(begun.elapsed());
        parses.push(parse_alone(&config.files.commands)?);
    }
    let (edit, parse) = (median(&mut edits), median(&mut parses));
    println!(
        "{} runbooks, all read anew: {first:?}",
        rules.catalog.runbooks().count()
    );
    println!(
        "one of them edited: median {edit:?}, {:.2} times as long as parsing the same TOML alone ({parse:?})",
        edit.as_secs_f64() / parse.as_secs_f64()
    );
    Ok(())
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn parse_alone(commands: &Path) -> Result<Duration, Box<dyn std::error::Error>> {
    let begun = Instant::now();
    for entry in fs::read_dir(commands)? {
        let text = fs::read_to_string(entry?.path())?;
        std::hint::black_box(DeTable::parse(&text)?);
    }
    Ok(begun.elapsed())
}

/// The shipped files, with the runbooks under 200 names.
fn world(folder: &Path) -> Result<Config, Box<dyn std::error::Error>> {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR"));
    let commands = folder.join("commands");
    fs::create_dir(&commands)?;
    let mut originals: Vec<_> = fs::read_dir(shipped.join("commands"))?.collect::<Result<_, _>>()?;
    originals.sort_by_key(fs::DirEntry::path);
    for (at, original) in (0..RUNBOOKS).zip(originals.iter().cycle()) {
        let path = original.path();
        let stem = path
            .file_stem()
            .and_then(|stem| stem.to_str())
            .ok_or("a file without a name")?;
        fs::copy(&path, commands.join(format!("{stem}-{:03}.toml", at / originals.len())))?;
    }
    // What policies and follow-ups name is there too.
    for original in &originals {
        fs::copy(original.path(), commands.join(original.file_name()))?;
    }
    for name in ["people.toml", "policy.cedar"] {
        fs::copy(shipped.join("config").join(name), folder.join(name))?;
    }
    let panels = folder.join("panels");
    fs::create_dir(&panels)?;
    for entry in fs::read_dir(shipped.join("config/panels"))? {
        let entry = entry?;
        fs::copy(entry.path(), panels.join(entry.file_name()))?;
    }
    let mut config =
        Config::load(&shipped.join("config/signalbox.toml")).map_err(|problems| format!("{problems:?}"))?;
    config.files.commands = commands;
    config.files.people = folder.join("people.toml");
    config.files.policy = folder.join("policy.cedar");
    config.files.panels = Some(panels);
    Ok(config)
}
