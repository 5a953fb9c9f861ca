//! How a form becomes a stored request, and what its sender is shown.

use super::Console;
use super::message::fragment;
use super::visitor::Visitor;
use super::{Trouble, html};
use crate::request::{Ask, Delivery};
use crate::store::deliveries::Progress;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use sha2::{Digest, Sha256};
use std::time::Duration;
use tokio::time::Instant;

/// A form's sender waits this long for the answer itself; later it comes by the stream, or on loading again.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);

/// The net under the bell.
const LOOK: Duration = Duration::from_millis(100);

/// Where a form's sender is led who has no script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Back {
    /// To the message in the channel.
    Channel,
    /// To the run's own page.
    Run,
}

impl Console {
    /// Stores what is asked, once per page and button, and answers its sender.
    pub(super) async fn ask(
        &self,
        visitor: &Visitor,
        ask: Ask,
        nonce: &str,
        script: bool,
        back: Back,
    ) -> Result<Response, Trouble> {
        if nonce.is_empty() || nonce.len() > 64 {
            let say = "The page is not whole, so nothing was done. Load it again.";
            return Ok(self.refuse(script, StatusCode::BAD_REQUEST, "Not understood", say));
        }
        let kept = match serde_json::to_string(&ask) {
            Ok(kept) => kept,
            Err(error) => return Err(crate::store::StoreError::Corrupt(error.to_string()).into()),
        };
        let request = visitor.request(ask);
        // What is asked belongs to the id: another button of the same page is another request.
        let mut event = Sha256::new();
        event.update(nonce.as_bytes());
        event.update(kept.as_bytes());
        let id = format!("console:{}:{}", visitor.session.id, hex::encode(event.finalize()));
        let delivery = Delivery {
            id: id.clone(),
            kept,
            token: None,
            request,
        };
        if let Err(not_kept) = self.intake.keep(delivery).await {
            let say = not_kept.to_string();
            return Ok(self.refuse(script, StatusCode::SERVICE_UNAVAILABLE, "Not kept", &say));
        }
        // The same form twice: the first one's request is the one that counts.
        let Some(request) = self.station.desk.store.delivered(&id).await? else {
            return Err(crate::store::StoreError::Corrupt(format!("delivery {id} is gone")).into());
        };
        let progress = self.settled(&request, PATIENCE).await?;
        if script {
            return self.fragment(visitor, &request, progress).await;
        }
        Ok(match (progress, back) {
            (Progress::Run(run), Back::Channel) => Redirect::to(&format!("/#run-{run}")),
            (Progress::Run(run), Back::Run) => Redirect::to(&format!("/runs/{run}")),
            (Progress::Answered(_), Back::Channel) => Redirect::to(&format!("/#answer-{request}")),
            (Progress::Answered(_) | Progress::Pending, _) => Redirect::to(&format!("/asked/{request}")),
        }
        .into_response())
    }

    /// How a request stands as soon as it is answered, or after a while.
    pub(super) async fn settled(&self, request: &str, patience: Duration) -> Result<Progress, Trouble> {
        let until = Instant::now() + patience;
        let mut bell = self.station.bell.listen();
        loop {
            let progress = self.station.desk.store.progress(request).await?;
            if progress != Progress::Pending || Instant::now() >= until {
                return Ok(progress);
            }
            bell.heard(LOOK).await;
        }
    }

    /// What the script puts into the page.
    pub(super) async fn fragment(
        &self,
        visitor: &Visitor,
        request: &str,
        progress: Progress,
    ) -> Result<Response, Trouble> {
        let markup = match progress {
            Progress::Pending => {
                return Ok((StatusCode::ACCEPTED, format!("/asked/{request}")).into_response());
            }
            Progress::Run(run) => match self.message_in_sight(visitor, &run).await? {
                Some(message) => fragment(&message),
                None => return Ok((StatusCode::NO_CONTENT, ()).into_response()),
            },
            Progress::Answered(report) => fragment(&self.answer_message(visitor, request, *report).await?),
        };
        Ok(html(StatusCode::OK, &markup))
    }
}
