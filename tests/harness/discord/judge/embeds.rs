//! Embeds: what each may hold, and all of them together.

use super::super::refusal::Objections;
use super::join;
use serde_json::Value;

const IN_TOTAL: usize = 6000;

pub fn judge(objections: &mut Objections, embeds: &[Value], path: &str) {
    let mut total = 0;
    for (number, embed) in embeds.iter().enumerate() {
        let here = join(path, number);
        if !embed.is_object() {
            objections.wrong_type(&here, "dictionaries");
            continue;
        }
        objections.optional_text(&join(&here, "title"), &embed["title"], 0, 256);
        objections.optional_text(&join(&here, "description"), &embed["description"], 0, 4096);
        objections.optional_number(&join(&here, "color"), &embed["color"], 0, 0xFF_FFFF);
        url(objections, &join(&here, "url"), &embed["url"], &["http://", "https://"]);
        if embed["footer"].is_object() {
            objections.text(&join(&here, "footer.text"), &embed["footer"]["text"], 1, 2048);
        }
        if embed["author"].is_object() {
            objections.text(&join(&here, "author.name"), &embed["author"]["name"], 1, 256);
        }
        for picture in ["image", "thumbnail"] {
            let schemes = ["http://", "https://", "attachment://"];
            let at = join(&here, picture);
            url(objections, &join(&at, "url"), &embed[picture]["url"], &schemes);
        }
        let at = join(&here, "fields");
        let fields = objections.list(&at, &embed["fields"], 0, 25);
        for (number, field) in fields.iter().enumerate() {
            let at = join(&at, number);
            objections.text(&join(&at, "name"), &field["name"], 1, 256);
            objections.text(&join(&at, "value"), &field["value"], 1, 1024);
        }
        if let Some(stamp) = embed["timestamp"].as_str()
            && stamp.parse::<jiff::Timestamp>().is_err()
        {
            let message = format!("Could not parse {stamp}. Should be ISO8601.");
            objections.object(&join(&here, "timestamp"), "DATE_TIME_TYPE_PARSE", message);
        }
        total += characters(embed);
    }
    if total > IN_TOTAL {
        let message = format!("Embed size exceeds maximum size of {IN_TOTAL}");
        objections.object(path, "MAX_EMBED_SIZE_EXCEEDED", message);
    }
}

fn url(objections: &mut Objections, path: &str, given: &Value, schemes: &[&str]) {
    if given.is_null() {
        return;
    }
    let is_one = given
        .as_str()
        .is_some_and(|url| schemes.iter().any(|scheme| url.starts_with(scheme)));
    if !is_one {
        let message = format!("Not a well formed URL: {given}; schemes are {schemes:?}.");
        objections.object(path, "URL_TYPE_INVALID_URL", message);
    }
}

fn characters(embed: &Value) -> usize {
    let fields = embed["fields"].as_array().into_iter().flatten();
    let texts = fields.flat_map(|field| [&field["name"], &field["value"]]);
    let texts = texts.chain([
        &embed["title"],
        &embed["description"],
        &embed["footer"]["text"],
        &embed["author"]["name"],
    ]);
    texts.filter_map(Value::as_str).map(|text| text.chars().count()).sum()
}
