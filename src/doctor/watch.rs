//! Looks after the channels for alerts while the bot is up: what is amiss is told on `/readyz` and in the console before an
//! alert has to be shown somewhere else.

use super::{Finding, alert_channels};
use crate::app::App;
use crate::troubles::Troubles;
use jiff::Timestamp;
use std::sync::Arc;
use std::time::Duration;

/// Between two looks.
const EVERY: Duration = Duration::from_secs(5 * 60);

/// Where something is amiss, or could not be found out: each time twice as long, up to a minute. Somebody may be mending it,
/// and Slack lets some apps read one channel a minute.
const SOONER: Duration = Duration::from_secs(10);
const AMISS: Duration = Duration::from_secs(60);

/// Looks again and again.
pub async fn work(app: Arc<App>, troubles: Arc<Troubles>) {
    let mut sooner = SOONER;
    loop {
        let pause = match look(&app, &troubles).await {
            true => {
                sooner = SOONER;
                EVERY
            }
            false => {
                let pause = sooner;
                sooner = AMISS.min(2 * sooner);
                pause
            }
        };
        tokio::time::sleep(pause).await;
    }
}

/// Looks once. Whether all is well.
async fn look(app: &App, troubles: &Troubles) -> bool {
    let mut is_well = true;
    for (platform, finding) in alert_channels(app).await {
        let about = format!("{platform}'s channel for alerts");
        match finding {
            Finding::Good(_) => {
                if troubles.end(&about) {
                    tracing::info!(platform, "the channel for alerts is as it should be");
                }
            }
            Finding::Wrong(say) => {
                is_well = false;
                if troubles.begin(&about, Timestamp::now(), format!("{platform}: {say}")) {
                    tracing::warn!(platform, say, "the channel for alerts");
                }
            }
            // That the platform does not answer is told elsewhere.
            Finding::Untold(_) => is_well = false,
        }
    }
    is_well
}
