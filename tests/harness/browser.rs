//! A real Chromium, led by what a person sees and does: labels, words and keys, never classes.
//!
//! Each [`Window`] has a profile of its own, so two windows are two people. Nothing here waits for time to pass: every
//! action looks again until what it needs is there, and tells the page's text if that takes too long.

// Written out because a bench takes in this file as well.
#[path = "browser/inspection.rs"]
pub mod inspection;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use fantoccini::actions::{InputSource, MOUSE_BUTTON_LEFT, MouseActions, PointerAction};
use fantoccini::elements::Element;
use fantoccini::error::CmdError;
use fantoccini::key::Key;
use fantoccini::wd::{WebDriverCompatibleCommand, WindowHandle};
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use reqwest::{Method, Url};
use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::str::FromStr;
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::runtime::Runtime;

const PATIENCE: Duration = Duration::from_secs(150);
const BETWEEN_LOOKS: Duration = Duration::from_millis(40);

/// Ends the driver and every browser of it when the pipe from this process closes, however this process ends.
const WATCHDOG: &str = r#"trap '' INT TERM HUP; "$@" </dev/null & cat >/dev/null; kill -KILL 0"#;

const DESKTOP: (u32, u32) = (1280, 860);
const PHONE: (u32, u32) = (360, 740);

/// The driver, and what its browsers leave behind.
#[derive(Debug)]
pub struct Browser {
    watchdog: Child,
    pipe: Option<ChildStdin>,
    address: String,
    folder: TempDir,
    runtime: Runtime,
}

impl Browser {
    pub fn start() -> Self {
        let folder = tempfile::Builder::new().prefix("signalbox-browser-").tempdir().unwrap();
        let log = folder.path().join("chromedriver.log");
        let mut watchdog = Command::new("sh")
            .args(["-c", WATCHDOG, "watchdog"])
            .arg(program("chromedriver"))
            .args(["--port=0", &format!("--log-path={}", log.display())])
            .env("HOME", folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .unwrap();
        let pipe = watchdog.stdin.take();
        let said = BufReader::new(watchdog.stdout.take().unwrap());
        let port: Option<u16> = said.lines().map_while(Result::ok).find_map(|line| {
            line.split_once("started successfully on port ")?
                .1
                .trim_end_matches('.')
                .parse()
                .ok()
        });
        let port = port.unwrap_or_else(|| panic!("chromedriver does not start: {:?}", fs::read_to_string(&log)));
        Self {
            watchdog,
            pipe,
            address: format!("http://127.0.0.1:{port}"),
            folder,
            runtime: tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap(),
        }
    }

    /// A window on the site at `base`, of somebody whom no other window knows.
    pub fn window(&self, base: &str) -> Window<'_> {
        self.open(base, &json!({}))
    }

    /// The same with scripts switched off.
    pub fn window_without_script(&self, base: &str) -> Window<'_> {
        self.open(
            base,
            &json!({ "profile.managed_default_content_settings.javascript": 2 }),
        )
    }

    fn open(&self, base: &str, preferences: &Value) -> Window<'_> {
        let profile = tempfile::Builder::new()
            .prefix("profile-")
            .tempdir_in(self.folder.path())
            .unwrap()
            .keep();
        let (width, height) = DESKTOP;
        let wanted = json!({
            "browserName": "chrome",
            "goog:loggingPrefs": { "browser": "ALL" },
            "goog:chromeOptions": {
                "binary": program("chromium"),
                "args": [
                    "--headless=new",
                    // The sandbox cannot be had as root, and the pages are our own.
                    "--no-sandbox",
                    "--disable-gpu",
                    "--disable-dev-shm-usage",
                    "--disable-extensions",
                    "--disable-background-networking",
                    "--disable-component-update",
                    "--disable-sync",
                    "--no-first-run",
                    "--hide-scrollbars",
                    "--force-color-profile=srgb",
                    format!("--window-size={width},{height}"),
                    format!("--user-data-dir={}", profile.display()),
                ],
                "prefs": preferences,
            },
        });
        let Value::Object(wanted) = wanted else { unreachable!() };
        let client = self
            .runtime
            .block_on(
                ClientBuilder::new(HttpConnector::new())
                    .capabilities(wanted)
                    .connect(&self.address),
            )
            .unwrap_or_else(|error| panic!("Chromium does not start: {error}"));
        let window = Window {
            browser: self,
            client: Some(client),
            base: base.to_owned(),
        };
        window.desktop();
        window
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        drop(self.pipe.take());
        let _ = self.watchdog.wait();
    }
}

fn program(name: &str) -> PathBuf {
    let path = Path::new("/usr/bin").join(name);
    assert!(
        path.exists(),
        "{} is not installed: run demo/ctl install --tests",
        path.display()
    );
    path
}

/// What WebDriver itself has no word for.
#[derive(Debug)]
struct Extra {
    path: &'static str,
    body: Value,
}

impl WebDriverCompatibleCommand for Extra {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, <Url as FromStr>::Err> {
        base.join(&format!("session/{}/{}", session.unwrap(), self.path))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(self.body.to_string()))
    }
}

/// One person's window.
#[derive(Debug)]
pub struct Window<'b> {
    browser: &'b Browser,
    client: Option<Client>,
    base: String,
}

impl Window<'_> {
    fn client(&self) -> &Client {
        self.client.as_ref().unwrap()
    }

    fn wait<T>(&self, future: impl Future<Output = Result<T, CmdError>>) -> Result<T, Box<CmdError>> {
        self.browser.runtime.block_on(future).map_err(Box::new)
    }

    /// Looks until there is something. What changes under one's eyes is looked at again.
    #[track_caller]
    fn until<T>(&self, what: &str, look: impl AsyncFn(&Client) -> Result<Option<T>, CmdError>) -> T {
        let begun = Instant::now();
        loop {
            let found = self.wait(look(self.client()));
            if let Ok(Some(found)) = found {
                return found;
            }
            assert!(
                begun.elapsed() < PATIENCE,
                "{what}: not so after {PATIENCE:?} ({:?}). The page {} says:\n{}",
                found.err(),
                self.address(),
                self.text()
            );
            thread::sleep(BETWEEN_LOOKS);
        }
    }

    #[track_caller]
    pub fn open(&self, path: &str) {
        self.wait(self.client().goto(&format!("{}{path}", self.base))).unwrap();
    }

    /// Another tab of the same browser, in front.
    #[track_caller]
    pub fn new_tab(&self) -> WindowHandle {
        let tab = self.wait(self.client().new_window(true)).unwrap().handle;
        self.to_tab(&tab);
        tab
    }

    #[track_caller]
    pub fn to_tab(&self, tab: &WindowHandle) {
        self.wait(self.client().switch_to_window(tab.clone())).unwrap();
    }

    /// Path and query of the page.
    pub fn address(&self) -> String {
        let url = self.wait(self.client().current_url()).unwrap();
        let query = url.query().map(|query| format!("?{query}"));
        format!("{}{}", url.path(), query.unwrap_or_default())
    }

    /// All that can be read on the page.
    pub fn text(&self) -> String {
        self.wait(async { self.client().find(Locator::Css("body")).await?.text().await })
            .unwrap()
    }

    /// Waits until this can be read.
    #[track_caller]
    pub fn sees(&self, words: &str) {
        self.until(&format!("{words:?} is seen"), async |client| {
            let text = client.find(Locator::Css("body")).await?.text().await?;
            Ok(text.contains(words).then_some(()))
        });
    }

    /// Waits until the page is this one.
    #[track_caller]
    pub fn sees_address(&self, address: &str) {
        self.until(&format!("the page is {address}"), async |client| {
            Ok((client.current_url().await?.path() == address).then_some(()))
        });
    }

    /// Opens a page again and again until this can be read on it.
    #[track_caller]
    pub fn until_open(&self, path: &str, words: &str) {
        self.until(&format!("{words:?} is seen on {path}"), async |client| {
            client.goto(&format!("{}{path}", self.base)).await?;
            let text = client.find(Locator::Css("body")).await?.text().await?;
            Ok(text.contains(words).then_some(()))
        });
    }

    /// Waits until this can be read no more.
    #[track_caller]
    pub fn sees_no_longer(&self, words: &str) {
        self.until(&format!("{words:?} is gone"), async |client| {
            let text = client.find(Locator::Css("body")).await?.text().await?;
            Ok((!text.contains(words)).then_some(()))
        });
    }

    /// Presses the button, link or fold with these words, once there is one that can be pressed; the lowest if several.
    #[track_caller]
    pub fn press(&self, label: &str) {
        self.press_what(&named(label), label);
    }

    /// The same by the first words alone.
    #[track_caller]
    pub fn press_beginning(&self, label: &str) {
        let label = quoted(label);
        self.press_what(&format!("//button[starts-with(normalize-space(), {label})]"), &label);
    }

    #[track_caller]
    fn press_what(&self, path: &str, label: &str) {
        self.until(&format!("{label} can be pressed"), async |client| {
            let Some(found) = last_usable(client, path).await? else {
                return Ok(None);
            };
            found.click().await.map(Some)
        });
    }

    /// Presses such a fold or button and does not release it.
    #[track_caller]
    pub fn press_down(&self, label: &str) {
        let path = named(label);
        self.until(&format!("{label} can be held down"), async |client| {
            let Some(element) = last_usable(client, &path).await? else {
                return Ok(None);
            };
            client
                .execute(
                    "arguments[0].scrollIntoView({ block: 'center' })",
                    vec![serde_json::to_value(&element)?],
                )
                .await?;
            let (x, y) = (0., 0.);
            let held = MouseActions::new("mouse".to_owned())
                .then(PointerAction::MoveToElement {
                    element,
                    duration: None,
                    x,
                    y,
                })
                .then(PointerAction::Down {
                    button: MOUSE_BUTTON_LEFT,
                });
            client.perform_actions(held).await.map(Some)
        });
    }

    /// Releases it.
    #[track_caller]
    pub fn release(&self) {
        let up = MouseActions::new("mouse".to_owned()).then(PointerAction::Up {
            button: MOUSE_BUTTON_LEFT,
        });
        self.wait(self.client().perform_actions(up)).unwrap();
    }

    /// Where the last link with these words leads.
    #[track_caller]
    pub fn link(&self, label: &str) -> String {
        let path = format!("//a[normalize-space()={}]", quoted(label));
        self.until(&format!("a link {label:?}"), async |client| {
            match last_usable(client, &path).await? {
                Some(link) => link.attr("href").await,
                None => Ok(None),
            }
        })
    }

    /// Whether something with these words can be pressed now.
    pub fn can_press(&self, label: &str) -> bool {
        self.wait(last_usable(self.client(), &named(label))).unwrap().is_some()
    }

    /// The field that is called so.
    #[track_caller]
    fn field(&self, label: &str) -> Element {
        let label = quoted(label);
        let path = format!(
            "//*[@id=//label[starts-with(normalize-space(), {label})]/@for] | //label[starts-with(normalize-space(), \
             {label})]//*[self::input or self::select]"
        );
        self.until(&format!("a field {label}"), async |client| {
            last_usable(client, &path).await
        })
    }

    #[track_caller]
    pub fn fill(&self, label: &str, text: &str) {
        let field = self.field(label);
        self.wait(async {
            field.clear().await?;
            field.send_keys(text).await
        })
        .unwrap();
    }

    /// What stands in a field.
    #[track_caller]
    pub fn filled(&self, label: &str) -> String {
        self.wait(self.field(label).prop("value")).unwrap().unwrap()
    }

    /// Types on, wherever the cursor is.
    #[track_caller]
    pub fn keys(&self, text: &str) {
        self.wait(async { self.client().active_element().await?.send_keys(text).await })
            .unwrap();
    }

    #[track_caller]
    pub fn key(&self, key: Key) {
        self.keys(&char::from(key).to_string());
    }

    /// Goes from one control to the next by the keyboard until it is the one that begins with these words.
    #[track_caller]
    pub fn tab_to(&self, label: &str) {
        let mut passed = Vec::new();
        while passed.len() < 80 {
            self.key(Key::Tab);
            let here = self.script(
                "const e = document.activeElement; return (e.innerText || e.labels?.[0]?.innerText || '').trim()",
            );
            let here = here.as_str().unwrap_or_default().to_owned();
            if here.starts_with(label) {
                return;
            }
            passed.push(here);
        }
        panic!("{label:?} is not reached by the keyboard, which passes {passed:?}");
    }

    /// What a script on the page gives back.
    #[track_caller]
    pub fn script(&self, script: &str) -> Value {
        self.wait(self.client().execute(script, Vec::new())).unwrap()
    }

    /// Waits until a script on the page gives `true`.
    #[track_caller]
    pub fn until_script(&self, what: &str, script: &str) {
        self.until(what, async |client| {
            let value = client.execute(script, Vec::new()).await?;
            Ok((value == json!(true)).then_some(()))
        });
    }

    #[track_caller]
    fn extra(&self, path: &'static str, body: Value) -> Value {
        self.wait(self.client().issue_cmd(Extra { path, body })).unwrap()
    }

    /// One command of the browser's own protocol.
    #[track_caller]
    pub fn devtools(&self, command: &str, parameters: &Value) -> Value {
        self.extra("goog/cdp/execute", json!({ "cmd": command, "params": parameters }))
    }

    pub fn desktop(&self) {
        self.sized(DESKTOP, false);
    }

    pub fn phone(&self) {
        self.sized(PHONE, true);
    }

    /// This wide, and as high as what is on the page.
    pub fn whole(&self, width: u32) {
        self.sized((width, 100), false);
        let high = self.script("return document.documentElement.scrollHeight");
        self.sized((width, high.as_u64().unwrap() as u32), false);
    }

    /// As wide as the desktop, and this high.
    pub fn tall(&self, height: u32) {
        self.sized((DESKTOP.0, height), false);
    }

    fn sized(&self, (width, height): (u32, u32), mobile: bool) {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": mobile });
        self.devtools("Emulation.setDeviceMetricsOverride", &size);
    }

    /// As if the machine's colours were dark, or light.
    pub fn dark(&self, dark: bool) {
        let value = if dark { "dark" } else { "light" };
        let features = json!({ "features": [{ "name": "prefers-color-scheme", "value": value }] });
        self.devtools("Emulation.setEmulatedMedia", &features);
    }

    /// A picture of what is seen, kept in `target/screenshots`.
    pub fn picture(&self, name: &str) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/screenshots");
        fs::create_dir_all(&folder).unwrap();
        let png = self.wait(self.client().screenshot()).unwrap();
        fs::write(folder.join(format!("{name}.png")), png).unwrap();
    }

    /// The same in a format that takes a third of the room for much text.
    pub fn small_picture(&self, name: &str) {
        let wanted = json!({ "format": "webp", "quality": 82 });
        let taken = self.devtools("Page.captureScreenshot", &wanted);
        let bytes = BASE64_STANDARD.decode(taken["data"].as_str().unwrap()).unwrap();
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/screenshots");
        fs::write(folder.join(format!("{name}.webp")), bytes).unwrap();
    }
}

impl Drop for Window<'_> {
    fn drop(&mut self) {
        if let Some(client) = self.client.take() {
            // What is left ends with the browser.
            let _ = self.wait(client.close());
        }
    }
}

async fn last_usable(client: &Client, path: &str) -> Result<Option<Element>, CmdError> {
    for element in client.find_all(Locator::XPath(path)).await?.into_iter().rev() {
        if element.is_displayed().await? && element.is_enabled().await? {
            return Ok(Some(element));
        }
    }
    Ok(None)
}

/// What can be pressed and bears these words.
fn named(label: &str) -> String {
    format!(
        "//*[self::button or self::summary or self::a][normalize-space()={}]",
        quoted(label)
    )
}

/// XPath has no escapes.
fn quoted(text: &str) -> String {
    assert!(!text.contains('"'), "{text}");
    format!("\"{text}\"")
}
