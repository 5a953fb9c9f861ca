//! `GET /runs/ID/chart.png`: the signals around a run.

use super::visitor::Visitor;
use super::{Console, Trouble};
use crate::report::chart::{self, ChartSpec, Theme};
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

/// Pictures that are kept: some 30 kB each.
const KEPT: usize = 64;

/// Pictures drawn at the same time.
const AT_ONCE: usize = 2;

/// Pictures that were drawn already.
#[derive(Debug)]
pub(super) struct Charts {
    kept: Mutex<VecDeque<Arc<Kept>>>,
    room: tokio::sync::Semaphore,
}

impl Default for Charts {
    fn default() -> Self {
        Self {
            kept: Mutex::default(),
            room: tokio::sync::Semaphore::new(AT_ONCE),
        }
    }
}

#[derive(Debug)]
struct Kept {
    run: String,
    seq: i64,
    theme: Theme,
    alt: String,
    png: Vec<u8>,
}

impl Charts {
    /// A chart in words, if it was drawn already.
    pub(super) fn alt(&self, run: &str, seq: i64) -> Option<String> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter()
            .find(|one| one.run == run && one.seq == seq)
            .map(|one| one.alt.clone())
    }

    /// Leave to draw one.
    pub(super) async fn room(&self) -> Result<tokio::sync::SemaphorePermit<'_>, tokio::sync::AcquireError> {
        self.room.acquire().await
    }

    fn get(&self, run: &str, seq: i64, theme: Theme) -> Option<Arc<Kept>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter()
            .find(|one| one.run == run && one.seq == seq && one.theme == theme)
            .cloned()
    }

    fn keep(&self, one: Arc<Kept>) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        // An older state of the same run is not asked for again.
        kept.retain(|old| old.run != one.run || (old.seq == one.seq && old.theme != one.theme));
        if kept.len() == KEPT {
            kept.pop_front();
        }
        kept.push_back(one);
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct Look {
    theme: Option<String>,
}

impl Look {
    pub(super) fn theme(&self) -> Theme {
        if self.theme.as_deref() == Some("dark") {
            Theme::Dark
        } else {
            Theme::Light
        }
    }
}

/// Draws where it holds up nobody; none where that is a defect, which the log tells.
pub(super) async fn drawn(spec: ChartSpec) -> Option<Vec<u8>> {
    let error = match tokio::task::spawn_blocking(move || chart::draw(&spec)).await {
        Ok(Ok(png)) => return Some(png),
        Ok(Err(error)) => error.to_string(),
        Err(error) => error.to_string(),
    };
    tracing::error!(error, "a chart could not be drawn");
    None
}

pub(super) async fn show(
    State(console): State<Arc<Console>>,
    visitor: Visitor,
    Path(run): Path<String>,
    Query(look): Query<Look>,
) -> Result<Response, Trouble> {
    let nothing = || (StatusCode::NOT_FOUND, "There is no chart.\n").into_response();
    let theme = look.theme();
    let desk = &console.station.desk;
    let Some(live) = desk.seen(&visitor.rules, &visitor.asker(), &run).await? else {
        return Ok(nothing());
    };
    let seq = live.run.seq();
    if let Some(kept) = console.charts.get(&run, seq, theme) {
        return Ok(picture(&kept));
    }
    let Ok(_permit) = console.charts.room().await else {
        return Ok(nothing());
    };
    // Whoever waited may find that it was drawn meanwhile.
    if let Some(kept) = console.charts.get(&run, seq, theme) {
        return Ok(picture(&kept));
    }
    let Some(mut spec) = console.station.sampler.chart_of(&live).await else {
        return Ok(nothing());
    };
    spec.theme = theme;
    let alt = console.redactor.redact(&chart::alt(&spec)).into_owned();
    let Some(png) = drawn(spec).await else {
        return Ok(nothing());
    };
    let kept = Arc::new(Kept {
        run,
        seq,
        theme,
        alt,
        png,
    });
    console.charts.keep(kept.clone());
    Ok(picture(&kept))
}

fn picture(kept: &Kept) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "image/png"),
        // Under another length of the journal it has another address.
        (header::CACHE_CONTROL, "private, max-age=3600"),
    ];
    (headers, kept.png.clone()).into_response()
}
