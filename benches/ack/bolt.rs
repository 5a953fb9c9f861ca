//! Slack's own framework as the baseline: a command handler in Bolt for JavaScript that acknowledges and keeps nothing.

use crate::{Outcome, bot, load, slack};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// The version that the figures of the README were taken beside.
const PACKAGE: &str = "@slack/bolt@4";

const PROGRAM: &str = "
const { App, HTTPReceiver, LogLevel } = require('@slack/bolt');
const receiver = new HTTPReceiver({ signingSecret: process.argv[2], endpoints: '/slack/commands', logLevel: LogLevel.ERROR });
const authorize = async () => ({ botToken: 'xoxb-1', botId: 'B1', botUserId: 'U1' });
const app = new App({ receiver, authorize, logLevel: LogLevel.ERROR });
app.command(/.*/, async ({ ack }) => { await ack(); });
app.start({ port: Number(process.argv[3]), host: '127.0.0.1' }).catch((error) => { console.error(error); process.exit(1); });
";

pub struct Bolt {
    child: Child,
    pub address: SocketAddr,
}

impl Bolt {
    /// None where there is no Node.js, or the package cannot be had.
    pub fn start(folder: &Path) -> Outcome<Option<Self>> {
        let folder = folder.join("bolt");
        std::fs::create_dir_all(&folder)?;
        let installed = Command::new("npm")
            .args(["install", "--silent", "--no-audit", "--no-fund", PACKAGE])
            .current_dir(&folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .status();
        if !installed.is_ok_and(|status| status.success()) {
            println!("            no npm or no {PACKAGE} here, so no comparison with it");
            return Ok(None);
        }
        std::fs::write(folder.join("bolt.js"), PROGRAM)?;
        let address = bot::free_address()?;
        let child = Command::new("node")
            .args(["bolt.js", slack::SIGNING_SECRET, &address.port().to_string()])
            .current_dir(&folder)
            .env("NODE_ENV", "production")
            .stdin(Stdio::null())
            .spawn()?;
        let bolt = Self { child, address };
        load::await_open(address, Duration::from_secs(20))?;
        Ok(Some(bolt))
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Bolt {
    fn drop(&mut self) {
        // A process that has ended already needs no end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
