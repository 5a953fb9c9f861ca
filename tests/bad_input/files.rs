//! Files as people leave them: a value of the wrong type, of another kind, or from a clipboard, on every line; and files
//! that are no text at all.

use super::parsers::{PARSERS, assert_harmless};
use signalbox::config::Config;
use signalbox::rules::Rules;
use std::fs;
use std::path::Path;

const ODD: [&str; 17] = [
    "",
    "\"\"",
    "\" \"",
    "0",
    "-1",
    "9223372036854775808",
    "1e400",
    "nan",
    "true",
    "[]",
    "[[[]]]",
    "{}",
    "{ a = { b = [1, \"x\"] } }",
    "1979-05-27T07:32:00Z",
    "\"\\u001b[2J\\u202e<!channel>\\u0000\"",
    "\"{{7*7}} ${x} ../.. %00\"",
    "\u{1b}[2J\u{202e}“smart”",
];

#[test]
fn a_wrong_value_on_any_line_is_told_and_breaks_nothing() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (file, parser) in [
        ("config/signalbox.toml", "config"),
        ("config/people.toml", "people"),
        ("config/panels/shop.toml", "panels"),
        ("commands/stuck-orders.toml", "runbooks"),
        ("tests/bad_input/every.toml", "runbooks"),
    ] {
        let text = fs::read_to_string(here.join(file)).unwrap();
        let (_, parser) = PARSERS.iter().find(|(name, _)| *name == parser).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let mut tried = 0;
        for at in 0..lines.len() {
            let mut variants = vec![String::new(), format!("{0}\n{0}", lines[at])];
            if let Some((key, _)) = lines[at].split_once(" = ") {
                variants.extend(ODD.iter().map(|odd| format!("{key} = {odd}")));
                variants.push(format!("{key}x = 1"));
            }
            for variant in variants {
                let mut changed = lines.clone();
                changed[at] = &variant;
                parser(changed.join("\n").as_bytes());
                tried += 1;
            }
        }
        assert!(tried > lines.len(), "{file}: {tried}");
    }
}

#[test]
fn a_file_that_is_no_text_is_told_by_its_name() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = tempfile::tempdir().unwrap();
    for sub in ["config", "config/panels", "commands"] {
        fs::create_dir_all(folder.path().join(sub)).unwrap();
        for entry in fs::read_dir(here.join(sub)).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                fs::copy(&path, folder.path().join(sub).join(path.file_name().unwrap())).unwrap();
            }
        }
    }
    let config = folder.path().join("config/signalbox.toml");
    let load = || Config::load(&config).and_then(|config| Rules::load(&config));
    assert!(load().is_ok());
    for file in [
        "config/signalbox.toml",
        "config/people.toml",
        "config/policy.cedar",
        "config/panels/shop.toml",
        "commands/stuck-orders.toml",
    ] {
        let path = folder.path().join(file);
        let right = fs::read(&path).unwrap();
        let with = |before: &[u8]| [before, &right].concat();
        for (what, bytes) in [
            ("bytes of no text", with(b"\xff\xfe\x00")),
            ("a NUL", with(b"\0\n")),
            ("codes for a terminal", with(b"\x1b[2J\x1b]0;x\x07\n")),
            ("no more than a bracket", b"[".to_vec()),
            ("a picture", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec()),
            ("much nesting", [b"x = ".to_vec(), vec![b'['; 20_000]].concat()),
        ] {
            fs::write(&path, &bytes).unwrap();
            let Err(problems) = load() else {
                panic!("{file} with {what} is taken")
            };
            let said: Vec<String> = problems.iter().map(ToString::to_string).collect();
            let name = path.file_name().unwrap().to_str().unwrap();
            assert!(
                said.iter().any(|line| line.contains(name)),
                "{file} with {what}: {said:?}"
            );
            said.iter().for_each(|line| assert_harmless(line));
            assert!(
                said.iter().all(|line| line.len() < 2000),
                "{file} with {what}: {} bytes",
                said[0].len()
            );
        }
        // What an editor on another system does to a file is no mistake.
        let text = String::from_utf8(right.clone()).unwrap();
        for same in [text.replace('\n', "\r\n"), format!("\u{feff}{text}")] {
            fs::write(&path, &same).unwrap();
            if let Err(problems) = load() {
                panic!("{file}: {}", problems[0]);
            }
        }
        fs::write(&path, &right).unwrap();
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        if !file.contains("panels") && !file.contains("commands") {
            assert!(load().is_err(), "{file} is a folder");
        }
        fs::remove_dir(&path).unwrap();
        fs::write(&path, &right).unwrap();
    }
}
