//! Values that nobody should be able to hurt with.

/// What a fat finger, a clipboard, a phone or somebody who means no good types for one input.
pub fn hostile() -> Vec<String> {
    let mut values: Vec<String> = [
        "",
        " ",
        "\u{a0}\u{2003}",
        "\0",
        "10\u{0}42",
        "\u{7}\u{8}\u{7f}",
        "\u{1b}[2J\u{1b}]0;owned\u{7}",
        "\u{9b}31mred",
        "line\nbreak\r\nand another",
        "tab\there",
        "\u{202e}4201\u{202c}",
        "\u{2066}1042\u{2069}",
        "10\u{200b}42",
        "\u{feff}1042",
        "1\u{ad}042",
        "\u{e0031}\u{e0030}",
        "\u{301}",
        "e\u{301}\u{327}\u{308}",
        "👩\u{200d}🔧",
        "مرحبا بالعالم",
        "ने\u{200d}पाल",
        "१०४२",
        "１０４２",
        "٤٢",
        "Ⅻ",
        "²",
        "1042",
        "007",
        "-0",
        "+5",
        "--5",
        "9223372036854775807",
        "9223372036854775808",
        "-9223372036854775808",
        "-9223372036854775809",
        "18446744073709551615s",
        "9223372036854775807s",
        "106751991167300d",
        "99999999999999999999999999",
        "999999999999999999.999999999",
        "0.0000000001",
        "1e5",
        "1E400",
        "0x10",
        "0b1",
        "1_000",
        "1,000.50",
        "1 000",
        ".5",
        "5.",
        "NaN",
        "inf",
        "-Infinity",
        "1042;drop table store_order",
        "' or 1=1 --",
        "\"; --",
        "{{7777*7777}}",
        "{% raw %}",
        "${x}",
        "$(id)",
        "`id`",
        "```",
        "\"`id`\"",
        "../../etc/passwd",
        "%00%2e%2e",
        "<script>alert(1)</script>",
        "<!channel>",
        "<@U1>",
        "<https://x.example|click>",
        "&lt;!here&gt;",
        "&amp;&#60;",
        "@everyone",
        "*bold* _it_ ~no~",
        ":rotating_light:",
        "\"",
        "'",
        "\"open",
        "\"1042\"x",
        "“1042”",
        "‘1042’",
        "„1042“",
        ",",
        ",,,",
        "1042,,1043",
        "1042,1043",
        "1042 , x",
        "a,\"b,c\"",
        "=",
        "==",
        "text=x",
        "order=1 order=2",
        "dry",
        "--dry-run",
        "null",
        "true",
        "Yes",
        "FALSE",
        "ON",
        "1h30m",
        "90",
        "30m1h",
        "5M",
        "-5m",
        "red",
        "Red",
        "dark blue",
        "[1042]",
        "{\"order\":1042}",
        "\\",
        "\\u0000",
        "\\\"",
        "signalbox:approve:0",
    ]
    .map(str::to_owned)
    .into();
    values.push("x".repeat(200));
    values.push("x".repeat(201));
    values.push("9".repeat(10_000));
    values.push("x".repeat(8192));
    values.push("x".repeat(8193));
    values.push("न".repeat(2730));
    values.push("न".repeat(2731));
    values.push((1..=1000).map(|it| it.to_string()).collect::<Vec<_>>().join(","));
    values.push(",".repeat(1000));
    values.push(" ".repeat(8000));
    values.push("\u{301}".repeat(300));
    values
}

/// The inputs of `every.toml` that take one value, with their kinds.
pub const SINGLE: [&str; 7] = ["text", "integer", "decimal", "boolean", "duration", "choice", "row"];
/// Those that take many.
pub const MANY: [&str; 7] = [
    "texts",
    "integers",
    "decimals",
    "booleans",
    "durations",
    "choices",
    "rows",
];

/// Short enough to stand in a failure.
pub fn brief(value: &str) -> String {
    let start: String = value.chars().take(30).collect();
    format!("{start:?} of {} bytes", value.len())
}
