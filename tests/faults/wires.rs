//! Connections to the shop's database, the broker and the supplier are cut: before what was said arrives, after it, or
//! when the answer is on its way back.

use super::asker::Asker;
use super::bot::{Bot, Wiring};
use super::outside::Outside;
use super::reckoning::{Blame, reckon};
use super::table::{Row, times};
use rand::Rng;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// One connection in so many is cut.
const ONE_IN: u32 = 4;

/// It happens somewhere in what the client says: PostgreSQL hears a handshake, a statement and a commit, a broker some
/// commands, a supplier one request.
const PARTS: [usize; 3] = [9, 5, 1];

const LOAD: usize = 8;
const UNTIL_IT_WORKS: Duration = Duration::from_secs(9);

/// Where a connection breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cut {
    /// What was said last does not arrive.
    Before,
    /// It arrives; nothing comes back.
    After,
    /// It arrives and is answered; the answer does not.
    Answer,
}

/// A wire to a port of this machine.
struct Wire {
    port: u16,
    state: Arc<State>,
    listening: JoinHandle<()>,
}

#[derive(Default)]
struct State {
    holds: AtomicBool,
    /// So often it broke, by kind of cut.
    cuts: [AtomicUsize; 3],
}

impl Wire {
    async fn to(port: u16, parts: usize) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let near = listener.local_addr().unwrap().port();
        let state = Arc::<State>::default();
        let shared = state.clone();
        let listening = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(carry(client, port, parts, shared.clone()));
            }
        });
        Self {
            port: near,
            state,
            listening,
        }
    }

    /// From now on it breaks no more.
    fn hold(&self) {
        self.state.holds.store(true, Ordering::SeqCst);
    }

    fn cuts(&self) -> [usize; 3] {
        self.state.cuts.each_ref().map(|count| count.load(Ordering::SeqCst))
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

async fn carry(mut client: TcpStream, port: u16, parts: usize, state: Arc<State>) {
    let Ok(mut server) = TcpStream::connect(("127.0.0.1", port)).await else {
        return;
    };
    let breaks = !state.holds.load(Ordering::SeqCst) && rand::rng().random_ratio(1, ONE_IN);
    let cut = [Cut::Before, Cut::After, Cut::Answer][rand::rng().random_range(0..3)];
    let part = rand::rng().random_range(1..=parts);
    let (mut said, mut to_server, mut to_client) = (0, [0; 16 * 1024], [0; 16 * 1024]);
    let mut answered_to_nobody = false;
    loop {
        tokio::select! {
            read = client.read(&mut to_server) => {
                let Ok(read @ 1..) = read else { return };
                said += 1;
                let strikes = breaks && said == part;
                if strikes {
                    state.cuts[cut as usize].fetch_add(1, Ordering::SeqCst);
                }
                if strikes && cut == Cut::Before {
                    return;
                }
                if server.write_all(&to_server[..read]).await.is_err() || (strikes && cut == Cut::After) {
                    // The server reads what was sent before it sees the end.
                    return;
                }
                answered_to_nobody |= strikes;
            }
            read = server.read(&mut to_client) => {
                let Ok(read @ 1..) = read else { return };
                if answered_to_nobody || client.write_all(&to_client[..read]).await.is_err() {
                    return;
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whenever_connections_to_the_targets_are_cut() {
    let outside = Outside::start().await;
    let wires = [
        Wire::to(outside.server.port, PARTS[0]).await,
        Wire::to(outside.celery.redis.port, PARTS[1]).await,
        Wire::to(outside.supplier.port, PARTS[2]).await,
    ];
    let near = |url: String, far: u16, wire: &Wire| url.replace(&format!(":{far}/"), &format!(":{}/", wire.port));
    let straight = Wiring::straight(&outside);
    let mut bot = Bot::on_sqlite(&Wiring {
        shop: near(straight.shop, outside.server.port, &wires[0]),
        broker: near(straight.broker, outside.celery.redis.port, &wires[1]),
        results: near(straight.results, outside.celery.redis.port, &wires[1]),
        supplier: wires[2].port,
        slack: straight.slack,
    });
    bot.start().await;
    let (mut asker, rounds) = (Asker::new(), times(2, 60));
    for _ in 0..rounds {
        asker.ask(&bot.url, LOAD).await;
        bot.moves(UNTIL_IT_WORKS).await;
    }
    bot.settles().await;
    wires.iter().for_each(Wire::hold);
    let cuts = wires.each_ref().map(Wire::cuts);
    let [database, broker, supplier] = cuts.map(|cuts| cuts.iter().sum::<usize>());
    assert!(database > 0 && broker > 0 && supplier > 0, "{cuts:?}");
    let row = Row {
        fault: "connections to the targets are cut",
        store: "SQLite",
        faults: database + broker + supplier,
        note: format!("database {database}, broker {broker}, HTTP {supplier}; before, after, at the answer"),
    };
    row.tell(&reckon(&bot.store, &asker.asked, &outside, Blame::Targets).await);
}
