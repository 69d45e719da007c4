//! Chromedriver: started on a free port, and gone afterwards with every browser it has opened.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use tempfile::TempDir;
use thirtyfour::common::capabilities::chromium::ChromiumLikeCapabilities as _;
use thirtyfour::{DesiredCapabilities, LoggingPrefsLogLevel, WebDriver};
use tokio::sync::Mutex;

use crate::browser::Browser;

const LONGEST_WALK: Duration = Duration::from_mins(5);
const STARTED: &str = "started successfully on port ";

/// Two walks at once would only wait for each other's browsers.
static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());

/// Takes a walk, or says that it was left out. However it ends, all browsers are closed.
pub(crate) async fn walk(name: &str, walk: impl AsyncFnOnce(&Driver)) {
    if std::env::var("KEAPSAKE_BROWSER").as_deref() != Ok("required") {
        // Past the test harness, which shows what a test prints only when it fails.
        let _ =
            writeln!(std::io::stderr(), "{name}: left out, it needs Chromium and KEAPSAKE_BROWSER=required.");
        return;
    }
    let _one = ONE_AT_A_TIME.lock().await;
    let driver = Driver::start();
    let walked = tokio::time::timeout(LONGEST_WALK, walk(&driver));
    let ended = AssertUnwindSafe(walked).catch_unwind().await;
    drop(driver);
    match ended {
        Ok(in_time) => in_time.expect("the walk took too long"),
        Err(panic) => resume_unwind(panic),
    }
}

/// A running chromedriver.
pub(crate) struct Driver {
    process: Child,
    port: u16,
    /// Kept, so that it can go on writing.
    _output: BufReader<ChildStdout>,
    profiles: TempDir,
}

impl Driver {
    fn start() -> Self {
        // The HTTP client wants to know this even though it speaks to this machine only; another walk may have said it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut process = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver is needed: on Debian, install chromium and chromium-driver");
        let mut output = BufReader::new(process.stdout.take().unwrap());
        let port = loop {
            let mut line = String::new();
            assert_ne!(output.read_line(&mut line).unwrap(), 0, "chromedriver does not start");
            if let Some((_, port)) = line.trim_end().split_once(STARTED) {
                break port.trim_end_matches('.').parse().unwrap();
            }
        };
        Self { process, port, _output: output, profiles: TempDir::new().unwrap() }
    }

    /// Opens a browser that knows nothing yet: no cookies, no history.
    pub(crate) async fn open(&self) -> Browser {
        let profile = tempfile::Builder::new().tempdir_in(self.profiles.path()).unwrap().keep();
        let mut capabilities = DesiredCapabilities::chrome();
        for argument in [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            &format!("--user-data-dir={}", profile.display()),
        ] {
            capabilities.add_arg(argument).unwrap();
        }
        capabilities.set_browser_log_level(LoggingPrefsLogLevel::All).unwrap();
        let address = format!("http://127.0.0.1:{}", self.port);
        let driver = WebDriver::new(address, capabilities).await.expect("Chromium is needed");
        Browser::new(driver)
    }

    /// Asks chromedriver to close its browsers and to end.
    fn shut_down(&self) -> std::io::Result<()> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        write!(stream, "GET /shutdown HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")?;
        stream.read_to_end(&mut Vec::new()).map(drop)
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.shut_down();
        let deadline = Instant::now() + Duration::from_secs(10);
        while Instant::now() < deadline {
            if let Ok(Some(_)) = self.process.try_wait() {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
