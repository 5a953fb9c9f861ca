//! `/approvals`: what waits for people.

use super::visitor::Visitor;
use super::{Console, Trouble};
use crate::platform::console::render::approvals::{Approvals, approvals};
use crate::platform::console::render::page::Here;
use crate::report::Outcome;
use axum::extract::State;
use axum::response::Response;
use jiff::Timestamp;
use std::sync::Arc;

pub(super) async fn show(State(console): State<Arc<Console>>, visitor: Visitor) -> Result<Response, Trouble> {
    let (desk, since) = (&console.station.desk, Timestamp::now().as_microsecond());
    let (mut mine, mut unknown, mut others) = (Vec::new(), Vec::new(), Vec::new());
    for waiting in desk.waiting(&visitor.rules, &visitor.asker()).await? {
        let why = waiting.why_not().map(str::to_owned);
        let resolve = waiting.live.state.standing() == Outcome::NeedsPerson;
        let message = console.waiting_message(&visitor, waiting).await?;
        match why {
            None if resolve => unknown.push(message),
            None => mine.push(message),
            Some(why) => others.push((message, why)),
        }
    }
    console
        .page(&visitor, "Approvals", Here::Approvals, |_, _| {
            let all = Approvals {
                mine: &mine,
                unknown: &unknown,
                others: &others,
            };
            approvals(&all, since)
        })
        .await
}
