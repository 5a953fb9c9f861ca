use super::*;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use proptest::prelude::*;
use serde_json::json;

fn redactor(secrets: &[&str]) -> Redactor {
    let secrets: Vec<SecretString> = secrets.iter().map(|secret| SecretString::from(*secret)).collect();
    Redactor::new(&secrets).expect("these secrets compile")
}

#[test]
fn what_looks_like_a_secret_is_taken_out_and_the_rest_stays_readable() {
    let redactor = redactor(&[]);
    let table = [
        ("slack said xoxb-12345-abcdef!", "slack said [redacted]!"),
        ("app token xapp-1-A111-222-abc", "app token [redacted]"),
        ("key sk_live_51Habcdefgh used", "key [redacted] used"),
        ("Bearer abcdefghijklmnop1234", "Bearer [redacted]"),
        ("Authorization: Bot abc", "Authorization: Bot [redacted]"),
        (
            r#"{"authorization": "Basic dXNlcjpwYXNz"}"#,
            r#"{"authorization": "Basic [redacted]"}"#,
        ),
        (
            "cannot reach postgres://shop:s3cret@db:5432/shop",
            "cannot reach postgres://shop:[redacted]@db:5432/shop",
        ),
        ("redis://:pw@cache/1", "redis://:[redacted]@cache/1"),
        (
            "https://x.example/?a=1&token=abc&b=2",
            "https://x.example/?a=1&token=[redacted]&b=2",
        ),
        (
            r#"{"user":"a","api_key":"k\"ey"}"#,
            r#"{"user":"a","api_key":"[redacted]"}"#,
        ),
        (
            "https://hooks.slack.com/commands/T1/2/abc",
            "https://hooks.slack.com/commands/[redacted]",
        ),
        ("eyJhbGciOiJIUzI1.eyJzdWIiOiIxMjM0.sig", "[redacted]"),
    ];
    for (text, expected) in table {
        assert_eq!(redactor.redact(text), expected);
    }
}

#[test]
fn plain_sentences_stay_as_they_are() {
    let redactor = redactor(&["correct horse"]);
    for text in [
        "Order 1042 was forwarded to CJ as CJORD-2.",
        "the bearer of bad news needs basic information",
        "http://127.0.0.1:8000/api/health/ answered 200",
        "mail to dana@shop.example at 14:05",
        "horse, correct",
        "",
    ] {
        assert!(
            matches!(redactor.redact(text), Cow::Borrowed(same) if same == text),
            "{text}"
        );
    }
}

#[test]
fn a_planted_secret_is_found_in_every_spelling() {
    let secret = "p@ss w/rd\"é+1";
    let redactor = redactor(&[secret]);
    for (spelled, expected) in [
        ("say p@ss w/rd\"é+1!", "say [redacted]!"),
        ("u=p%40ss%20w%2Frd%22%C3%A9%2B1&x", "u=[redacted]&x"),
        ("u=p%40ss+w%2frd%22%c3%a9%2b1&x", "u=[redacted]&x"),
        (r#""p@ss w/rd\"é+1""#, r#""[redacted]""#),
    ] {
        assert_eq!(redactor.redact(spelled), expected);
    }
    for user in ["", "a", "ab", "abc"] {
        for header in [
            STANDARD.encode(format!("{user}{secret}x")),
            URL_SAFE.encode(format!("{user}{secret}x")),
        ] {
            let clean = redactor.redact(&header).into_owned();
            assert!(clean.contains(MARK), "{header} became {clean}");
        }
    }
}

#[test]
fn the_password_of_a_secret_url_is_a_secret_by_itself() {
    let redactor = redactor(&["postgres://shop:hun%40ter22@db/shop"]);
    assert_eq!(
        redactor.redact("password hun@ter22 refused"),
        "password [redacted] refused"
    );
    assert_eq!(redactor.redact("hun%40ter22"), "[redacted]");
    assert_eq!(
        redactor.redact("url postgres://shop:hun%40ter22@db/shop"),
        "url [redacted]"
    );
    assert_eq!(redactor.redact("the shop's db"), "the shop's db");
}

#[test]
fn overlapping_secrets_leave_no_end_behind() {
    let redactor = redactor(&["abcdefgh", "efghijkl", "abcdef"]);
    assert_eq!(redactor.redact("-abcdefghijkl-"), "-[redacted]-");
    assert_eq!(redactor.redact("-abcdefxy"), "-[redacted]xy");
}

#[test]
fn values_are_redacted_in_keys_texts_and_numbers() {
    let redactor = redactor(&["12345678", "hidden-value"]);
    let value =
        json!({"hidden-value": [12345678, 1234], "note": "hidden-value", "bot_token": "x", "ok": true, "n": null});
    let clean = json!({"[redacted]": ["[redacted]", 1234], "note": "[redacted]", "bot_token": "[redacted]", "ok": true, "n": null});
    assert_eq!(redactor.redact_value(value), clean);
}

#[test]
fn a_redactor_does_not_show_what_it_hides() {
    assert_eq!(format!("{:?}", redactor(&["hidden-value"])), "Redactor");
}

proptest! {
    // Each case compiles its secrets into a search, which takes a while.
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_planted_secret_never_survives(
        secrets in prop::collection::vec("[ -~é\\n]{6,20}", 1..4),
        before in "[ -~]{0,10}",
        after in "[ -~]{0,10}",
    ) {
        // What the mark itself contains cannot be hidden by the mark.
        prop_assume!(secrets.iter().all(|secret| !MARK.contains(secret.as_str())));
        let refs: Vec<&str> = secrets.iter().map(String::as_str).collect();
        let redactor = redactor(&refs);
        for secret in &secrets {
            let url: String = secret.bytes().map(|byte| format!("%{byte:02X}")).collect();
            let json = serde_json::to_string(secret).expect("text is JSON");
            for spelled in [secret.clone(), url, json[1..json.len() - 1].to_owned(), STANDARD.encode(secret).trim_end_matches('=').to_owned()] {
                let clean = redactor.redact(&format!("{before}{spelled}{after}")).into_owned();
                prop_assert!(clean.contains(MARK));
                // The letters around could spell it again only with the mark between them.
                prop_assert!(!clean.contains(&spelled), "{spelled:?} is in {clean:?}");
            }
        }
    }

    #[test]
    fn any_text_passes_without_panic_and_without_change_twice(text in "\\PC{0,60}") {
        let redactor = redactor(&["correct horse"]);
        let once = redactor.redact(&text).into_owned();
        prop_assert_eq!(redactor.redact(&once), once.as_str());
    }
}
