//! The console in a real Chromium, at the real demo shop: what a person sees who has never read a word about it.

mod alerts;
mod appearance;
mod inspection;
mod main_job;
mod trouble;
mod without_script;

use crate::harness::browser::{Browser, Window};
use crate::harness::shop::{Bot, Serving};

/// A bot with its console, and a browser to look at it.
struct Console<'s> {
    browser: Browser,
    bot: &'s Bot,
    _serving: Serving,
}

impl<'s> Console<'s> {
    fn of(bot: &'s Bot) -> Self {
        Self {
            _serving: bot.serve(),
            browser: Browser::start(),
            bot,
        }
    }

    /// Somebody's own window, at the channel.
    fn window_of(&self, person: &str) -> Window<'_> {
        let window = self.browser.window(&self.bot.address());
        window.open("/");
        sign_in(&window, person);
        window
    }
}

/// Picks a name, as anybody can in the demo.
fn sign_in(window: &Window<'_>, person: &str) {
    window.sees("Who do you want to be?");
    window.press_beginning(person);
    window.sees_address("/");
}

/// Types a line and sends it.
fn command(window: &Window<'_>, line: &str) {
    window.fill("Command", line);
    window.press("Send");
}

/// The id of the run whose message names this command.
fn run_of(window: &Window<'_>, line: &str) -> String {
    let address = window.link(line);
    address.rsplit('/').next().unwrap().to_owned()
}
