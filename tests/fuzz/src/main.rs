//! One parser under the fuzzer; the environment says which.
#![no_main]

#[path = "../../bad_input/parsers.rs"]
mod parsers;

use parsers::PARSERS;
use std::sync::LazyLock;

static PARSER: LazyLock<fn(&[u8])> = LazyLock::new(|| {
    let name = std::env::var("FUZZ_TARGET").unwrap_or_default();
    let found = PARSERS.iter().find(|(known, _)| *known == name);
    let names: Vec<&str> = PARSERS.iter().map(|(known, _)| *known).collect();
    found
        .unwrap_or_else(|| panic!("FUZZ_TARGET={name}: it must be one of {}", names.join(", ")))
        .1
});

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| PARSER(bytes));
