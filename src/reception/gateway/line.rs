//! Keeps a connection to the gateway: how long is waited before the next one, and where it leads.

use crate::platform::discord::client::{DiscordClient, DiscordError};
use crate::platform::discord::gateway::{Gateway, Happening};
use crate::platform::discord::limits::Method;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, watch};

/// The first wait after a connection that did not last, doubled for each further one.
const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(30);

/// A connection that was heard for so long did last.
const LASTING: Duration = Duration::from_secs(30);

/// Where somebody has to mend something, it is looked only now and then whether it is.
const UNWANTED: Duration = Duration::from_secs(300);

/// No wait that Discord asks for is longer: it may count anew before it said.
const LONGEST_ASKED: Duration = Duration::from_secs(900);

/// How long is waited before the next connection. Chance keeps many bots from coming at the same moment.
#[derive(Debug, Default, PartialEq, Eq)]
struct Pace {
    failures: u32,
}

impl Pace {
    fn lasted(&mut self) {
        self.failures = 0;
    }

    fn failed(&mut self) {
        self.failures = self.failures.saturating_add(1);
    }

    /// Chance is between zero and one. A session that is begun anew waits for a moment in any case, as Discord asks.
    fn wait(&self, is_anew: bool, chance: f64) -> Duration {
        let doubled = match self.failures {
            0 => Duration::ZERO,
            failures => FIRST.saturating_mul(1 << (failures - 1).min(16)).min(LONGEST),
        };
        let least = if is_anew {
            FIRST + FIRST.mul_f64(4.0 * chance)
        } else {
            Duration::ZERO
        };
        doubled.mul_f64(0.5 + chance / 2.0).max(least)
    }
}

/// Works until it is told to leave, or nobody listens.
pub(super) async fn keep(
    client: Arc<DiscordClient>,
    mut gateway: Gateway,
    happens: mpsc::Sender<Happening>,
    mut leave: watch::Receiver<bool>,
) {
    tokio::select! {
        _ = leave.wait_for(|leaves| *leaves) => {}
        () = one_after_the_other(&client, &mut gateway, &happens) => {}
    }
    gateway.leave().await;
}

async fn one_after_the_other(client: &DiscordClient, gateway: &mut Gateway, happens: &mpsc::Sender<Happening>) {
    let mut pace = Pace::default();
    let mut wait = Duration::ZERO;
    loop {
        tokio::time::sleep(wait).await;
        let up_since = if gateway.needs_entrance() {
            match enter(client, gateway).await {
                Ok(()) => hear(gateway, happens).await,
                Err((happening, asked)) => {
                    if happens.send(happening).await.is_err() {
                        return;
                    }
                    Some(Heard::Nothing(asked))
                }
            }
        } else {
            hear(gateway, happens).await
        };
        let is_anew = gateway.needs_entrance();
        let asked = match up_since {
            None => return,
            Some(Heard::For(time)) if time >= LASTING => {
                pace.lasted();
                Duration::ZERO
            }
            Some(Heard::For(_)) => {
                pace.failed();
                Duration::ZERO
            }
            Some(Heard::Nothing(asked)) => {
                pace.failed();
                asked
            }
        };
        wait = pace.wait(is_anew, rand::random()).max(asked);
    }
}

/// What became of a connection.
enum Heard {
    /// It was up.
    For(Duration),
    /// It never was; no other one is wanted for so long.
    Nothing(Duration),
}

/// None where nobody listens.
async fn hear(gateway: &mut Gateway, happens: &mpsc::Sender<Happening>) -> Option<Heard> {
    let mut up: Option<Instant> = None;
    loop {
        let happening = gateway.next().await;
        let end = match &happening {
            Happening::Up { .. } => {
                up = Some(Instant::now());
                None
            }
            Happening::Lost(_) => Some(up.map_or(Heard::Nothing(Duration::ZERO), |up| Heard::For(up.elapsed()))),
            Happening::Refused(_) => Some(Heard::Nothing(UNWANTED)),
            Happening::Interaction(_) | Happening::Unreadable(_) => None,
        };
        if happens.send(happening).await.is_err() {
            return None;
        }
        if end.is_some() {
            return end;
        }
    }
}

/// Asks where the gateway is. The error is what happened, and how long it is of no use to ask again.
async fn enter(client: &DiscordClient, gateway: &mut Gateway) -> Result<(), (Happening, Duration)> {
    let lost = |why: String, wait: Duration| Err((Happening::Lost(why), wait.min(LONGEST_ASKED)));
    if let Err(wait) = client.take(Method::Entrance, "") {
        return lost("our own limit of calls to Discord".to_owned(), wait);
    }
    let entrance = match client.entrance().await {
        Ok(entrance) => entrance,
        Err(DiscordError::Token) => {
            let say = "it does not accept the bot token; check `bot_token` in [discord], or make a new one";
            return Err((Happening::Refused(say.to_owned()), UNWANTED));
        }
        Err(DiscordError::RateLimited { after }) => return lost("Discord asks to wait".to_owned(), after),
        Err(error) => return lost(error.to_string(), Duration::ZERO),
    };
    if entrance.remaining == 0 {
        let wait = entrance.reset_after;
        let why = format!(
            "Discord lets no session begin for {} min: there were too many today",
            wait.as_secs() / 60
        );
        return lost(why, wait);
    }
    if !gateway.enter_by(entrance) {
        return lost("Discord names an address that is none".to_owned(), LONGEST);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waits(is_anew: bool, chance: f64) -> Vec<f64> {
        let mut pace = Pace::default();
        let each = (0..8).map(|_| {
            let wait = pace.wait(is_anew, chance).as_secs_f64();
            pace.failed();
            wait
        });
        each.collect()
    }

    #[test]
    fn connections_that_fail_come_ever_more_slowly() {
        assert_eq!(waits(false, 1.0), [0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]);
        assert_eq!(waits(false, 0.0), [0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 15.0]);
        assert_eq!(Pace { failures: u32::MAX }.wait(false, 1.0), LONGEST);
    }

    #[test]
    fn a_new_session_waits_as_discord_asks() {
        assert_eq!(waits(true, 0.0)[..3], [1.0, 1.0, 1.0]);
        assert_eq!(waits(true, 1.0)[..4], [5.0, 5.0, 5.0, 5.0]);
        let mut pace = Pace { failures: 7 };
        pace.lasted();
        assert_eq!(pace.wait(false, 1.0), Duration::ZERO);
    }
}
