//! One browser: what a person does with it, and what every page has to stand.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use thirtyfour::{By, Cookie, Key, WebDriver, WebElement};

/// How long a page may take to be as it should.
const LONGEST_WAIT: Duration = Duration::from_secs(20);
const BETWEEN_LOOKS: Duration = Duration::from_millis(50);

/// A telephone and a desk.
const SIZES: [(u32, u32); 2] = [(390, 844), (1280, 900)];

/// Looks over the page and returns what is wrong with it. The argument is how wide the window is.
const FINDINGS: &str = include_str!("findings.js");

pub(crate) struct Browser {
    driver: WebDriver,
}

impl Browser {
    pub(crate) fn new(driver: WebDriver) -> Self {
        Self { driver }
    }

    pub(crate) async fn quit(self) {
        self.driver.clone().quit().await.unwrap();
    }

    // What a person does.

    pub(crate) async fn go(&self, url: &str) {
        self.driver.goto(url).await.unwrap();
    }

    /// The element, as soon as it is there.
    pub(crate) async fn find(&self, css: &str) -> WebElement {
        let deadline = Instant::now() + LONGEST_WAIT;
        loop {
            if let Ok(found) = self.driver.find(By::Css(css)).await {
                return found;
            }
            let in_time = Instant::now() < deadline;
            assert!(in_time, "there is no {css} on {}:\n{}", self.path().await, self.text("body").await);
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
    }

    /// Loads the page again and again until the element is there.
    pub(crate) async fn reload_until(&self, css: &str) {
        let deadline = Instant::now() + LONGEST_WAIT;
        while self.driver.find(By::Css(css)).await.is_err() {
            let in_time = Instant::now() < deadline;
            assert!(in_time, "{css} did not come on {}:\n{}", self.path().await, self.text("body").await);
            tokio::time::sleep(BETWEEN_LOOKS).await;
            self.driver.refresh().await.unwrap();
        }
    }

    /// Clicks on what leads to another page, and waits for that page.
    pub(crate) async fn click(&self, css: &str) {
        let element = self.find(css).await;
        self.leave(async || element.click().await.unwrap()).await;
    }

    /// Does something that leads to another page, and waits for that page.
    pub(crate) async fn leave(&self, act: impl AsyncFnOnce()) {
        self.run("window.left = true", vec![]).await;
        act().await;
        let deadline = Instant::now() + LONGEST_WAIT;
        let arrived = "return !window.left && document.readyState === 'complete'";
        // Between two pages there is none to run the script.
        while !self.driver.execute(arrived, vec![]).await.is_ok_and(|arrived| *arrived.json() == json!(true))
        {
            assert!(Instant::now() < deadline, "nothing leads away from {}", self.path().await);
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
    }

    /// Fills in the field with this name in place of what stands there.
    pub(crate) async fn fill(&self, name: &str, text: &str) {
        let field = self.find(&format!("[name='{name}']")).await;
        field.clear().await.unwrap();
        field.send_keys(text).await.unwrap();
    }

    /// Presses the tabulator until the element has the focus, which then has to be visible.
    pub(crate) async fn tab_to(&self, css: &str) {
        const MOST_STOPS: usize = 30;
        let look = "const it = document.activeElement; return [it.matches(arguments[0]), \
                    it.matches(':focus-visible') && getComputedStyle(it).outlineStyle !== 'none']";
        for _ in 0..MOST_STOPS {
            self.keys(Key::Tab).await;
            let found = self.run(look, vec![json!(css)]).await;
            if found[0] == true {
                assert_eq!(found[1], true, "nobody sees that {css} has the focus");
                return;
            }
        }
        panic!("the tabulator does not lead to {css} on {}", self.path().await);
    }

    /// Types at what has the focus.
    pub(crate) async fn keys(&self, keys: impl Into<thirtyfour::TypingData>) {
        self.driver.action_chain().send_keys(keys).perform().await.unwrap();
    }

    /// Presses Enter where it leads to another page. Chromedriver repeats keys whose page has gone before they are
    /// released, so this is told to the browser itself.
    pub(crate) async fn enter(&self) {
        let key = json!({"type": "keyDown", "key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13, "text": "\r"});
        self.leave(async || drop(self.devtools("Input.dispatchKeyEvent", key).await)).await;
    }

    // What a person sees.

    pub(crate) async fn text(&self, css: &str) -> String {
        // Not by `find`, which shows this text when it does not find.
        let found = self.driver.find(By::Css(css)).await;
        found.unwrap_or_else(|_| panic!("there is no {css}")).text().await.unwrap()
    }

    pub(crate) async fn value(&self, name: &str) -> String {
        self.find(&format!("[name='{name}']")).await.value().await.unwrap().unwrap()
    }

    pub(crate) async fn has(&self, css: &str) -> bool {
        self.driver.find(By::Css(css)).await.is_ok()
    }

    pub(crate) async fn url(&self) -> url::Url {
        self.driver.current_url().await.unwrap()
    }

    pub(crate) async fn path(&self) -> String {
        self.url().await.path().to_owned()
    }

    pub(crate) async fn cookie(&self, name: &str) -> Option<Cookie> {
        self.driver.get_all_cookies().await.unwrap().into_iter().find(|cookie| cookie.name == name)
    }

    /// Runs a script with more rights than any page has.
    pub(crate) async fn run(&self, script: &str, arguments: Vec<Value>) -> Value {
        self.driver.execute(script, arguments).await.unwrap().json().clone()
    }

    /// What the console says since it was asked last: errors, violations of the policy, failed requests.
    pub(crate) async fn complaints(&self) -> Vec<String> {
        let log = self.driver.browser_log().await.unwrap();
        log.into_iter().map(|entry| format!("{} {}", entry.level, entry.message)).collect()
    }

    /// Waits until the console says this.
    pub(crate) async fn await_complaint(&self, words: &str) {
        let deadline = Instant::now() + LONGEST_WAIT;
        let mut heard = Vec::new();
        while !heard.iter().any(|complaint: &String| complaint.contains(words)) {
            assert!(Instant::now() < deadline, "nobody complains about {words}: {heard:?}");
            heard.extend(self.complaints().await);
        }
    }

    /// What is wrong with the page in a window of this width.
    pub(crate) async fn findings(&self, width: u32) -> Vec<String> {
        serde_json::from_value(self.run(FINDINGS, vec![json!(width)]).await).unwrap()
    }

    /// Opens a page that goes on by itself, and keeps it from doing so.
    pub(crate) async fn hold(&self, url: &str) {
        let html = reqwest::get(url).await.unwrap().text().await.unwrap();
        let held = html.replace("http-equiv=\"refresh\"", "data-held");
        assert_ne!(html, held, "{url} does not go on by itself");
        let tree = self.devtools("Page.getFrameTree", json!({})).await;
        let content = json!({"frameId": tree["frameTree"]["frame"]["id"], "html": held});
        self.devtools("Page.setDocumentContent", content).await;
    }

    // What every page has to stand.

    /// Checks the page that is shown, in both sizes, and keeps pictures of it under this name.
    pub(crate) async fn look(&self, name: &str) {
        assert_eq!(self.status().await, 200, "{name}");
        self.look_in_both_sizes(name).await;
        assert_eq!(self.complaints().await, [""; 0], "the console complains about {name}");
    }

    /// The same for a page that says what went wrong.
    pub(crate) async fn look_at_error(&self, name: &str, status: u16) {
        assert_eq!(self.status().await, status, "{name}");
        self.look_in_both_sizes(name).await;
        let complaints = self.complaints().await;
        let expected = format!("the server responded with a status of {status} ");
        assert!(complaints.iter().all(|complaint| complaint.contains(&expected)), "{name}: {complaints:?}");
    }

    async fn look_in_both_sizes(&self, name: &str) {
        for (width, height) in SIZES {
            self.resize(width, height, "light").await;
            assert_eq!(
                self.findings(width).await,
                [""; 0],
                "{name} at {width}x{height}, on {}",
                self.url().await
            );
            self.keep_picture(&format!("{name}-{width}"), width).await;
        }
        let (width, height) = SIZES[1];
        self.resize(width, height, "dark").await;
        self.keep_picture(&format!("{name}-{width}-dark"), width).await;
        self.resize(width, height, "light").await;
    }

    async fn status(&self) -> Value {
        self.run("return performance.getEntriesByType('navigation')[0].responseStatus", vec![]).await
    }

    async fn resize(&self, width: u32, height: u32, scheme: &str) {
        let mobile = width < 600;
        let size = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": mobile});
        self.devtools("Emulation.setDeviceMetricsOverride", size).await;
        let features = json!({"features": [
            {"name": "prefers-color-scheme", "value": scheme},
            {"name": "prefers-reduced-motion", "value": "reduce"},
        ]});
        self.devtools("Emulation.setEmulatedMedia", features).await;
    }

    /// Keeps a picture of the whole page, however long it is.
    async fn keep_picture(&self, name: &str, width: u32) {
        let metrics = self.devtools("Page.getLayoutMetrics", json!({})).await;
        let height = &metrics["cssContentSize"]["height"];
        let clip = json!({"x": 0, "y": 0, "width": width, "height": height, "scale": 1});
        let wanted = json!({"format": "png", "captureBeyondViewport": true, "clip": clip});
        let picture = self.devtools("Page.captureScreenshot", wanted).await;
        let png = STANDARD.decode(picture["data"].as_str().unwrap()).unwrap();
        std::fs::create_dir_all(pictures()).unwrap();
        std::fs::write(pictures().join(format!("{name}.png")), png).unwrap();
    }

    async fn devtools(&self, command: &str, arguments: Value) -> Value {
        self.driver.cdp().send_raw(command, arguments).await.unwrap()
    }
}

impl Drop for Browser {
    /// A walk that fails does not come to quit. The driver is about to close all its browsers then, which takes no
    /// time; the session's own way to quit on drop would wait two minutes for an answer.
    fn drop(&mut self) {
        let _ = self.driver.clone().leak();
    }
}

/// `target/screenshots`, wherever `target` is.
fn pictures() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("screenshots")
}
