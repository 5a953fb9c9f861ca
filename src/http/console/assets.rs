//! The style, the script and the icon: part of the program, and kept by browsers for ever under a name with their hash.

use crate::platform::console::render::page::Assets;
use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};
use std::sync::LazyLock;

struct File {
    name: String,
    kind: &'static str,
    text: &'static str,
}

static FILES: LazyLock<[File; 3]> = LazyLock::new(|| {
    [
        named(
            "console",
            "css",
            "text/css; charset=utf-8",
            include_str!("../../platform/console/assets/console.css"),
        ),
        named(
            "console",
            "js",
            "text/javascript; charset=utf-8",
            include_str!("../../platform/console/assets/console.js"),
        ),
        named(
            "icon",
            "svg",
            "image/svg+xml",
            include_str!("../../platform/console/assets/icon.svg"),
        ),
    ]
});

fn named(stem: &str, ending: &str, kind: &'static str, text: &'static str) -> File {
    let hash = hex::encode(Sha256::digest(text.as_bytes()));
    File {
        name: format!("{stem}.{}.{ending}", &hash[..12]),
        kind,
        text,
    }
}

pub(super) fn addresses() -> Assets {
    let [style, script, icon] = &*FILES;
    let address = |file: &File| format!("/assets/{}", file.name);
    Assets {
        style: address(style),
        script: address(script),
        icon: address(icon),
    }
}

pub(super) async fn file(Path(name): Path<String>) -> Response {
    match FILES.iter().find(|file| file.name == name) {
        Some(file) => (
            [
                (header::CONTENT_TYPE, file.kind),
                (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
            ],
            file.text,
        )
            .into_response(),
        None => (StatusCode::NOT_FOUND, "There is no such file.\n").into_response(),
    }
}
