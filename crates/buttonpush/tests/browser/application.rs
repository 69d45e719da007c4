//! The `buttonpush` program, as somebody would start it.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use tempfile::TempDir;

/// A running application with a data directory of its own.
pub(crate) struct Application {
    process: Child,
    output: BufReader<ChildStdout>,
    /// There until it has ended.
    data: Option<TempDir>,
    /// The origin that people see.
    pub(crate) url: String,
    /// Where the first administrator makes their account.
    pub(crate) administrator_link: String,
}

impl Application {
    /// Starts it with these settings besides those of every test.
    pub(crate) fn start(settings: &[(&str, &str)]) -> Self {
        let mut this = Self::spawn(TempDir::new().unwrap(), settings);
        this.administrator_link = this.line("Admin link");
        this
    }

    fn spawn(data: TempDir, settings: &[(&str, &str)]) -> Self {
        let log = File::options().create(true).append(true).open(data.path().join("log")).unwrap();
        let mut process = Command::new(env!("CARGO_BIN_EXE_buttonpush"))
            .env_clear()
            .env("BUTTONPUSH_LISTEN", "127.0.0.1:0")
            .env("BUTTONPUSH_DATA", data.path().join("data"))
            .envs(settings.iter().copied())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let output = BufReader::new(process.stdout.take().unwrap());
        let mut this =
            Self { process, output, data: Some(data), url: String::new(), administrator_link: String::new() };
        this.url = this.line("ButtonPush");
        this
    }

    /// Stops it, does something to its data directory, and starts it again, on another port.
    pub(crate) fn restart_after(self, meanwhile: impl FnOnce(&Path)) -> Self {
        let data = self.end();
        meanwhile(&data.path().join("data"));
        Self::spawn(data, &[])
    }

    /// Where its built-in sandbox is; it says so after it has said everything else.
    pub(crate) fn sandbox_url(&mut self) -> String {
        self.line("Sandbox")
    }

    /// The address of a page.
    pub(crate) fn page(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    /// Asks it to end, as Ctrl-C would, and makes sure that nothing was wrong all the time.
    pub(crate) fn stop(self) {
        drop(self.end());
    }

    fn end(mut self) -> TempDir {
        let pid = self.process.id().to_string();
        assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
        let status = self.process.wait().unwrap();
        let log = self.log();
        assert!(status.success(), "it ended with {status}: {log}");
        // An alarm says that something else is wrong, and what.
        let mut errors =
            log.lines().filter(|line| line.contains(" ERROR ") && !line.contains("keapsake::alarm"));
        assert!(errors.next().is_none() && !log.contains("panicked"), "errors in the log: {log}");
        self.data.take().unwrap()
    }

    /// What the next line of the introduction says about this.
    fn line(&mut self, about: &str) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        let told = line.strip_prefix(about).and_then(|rest| rest.split_whitespace().next());
        told.unwrap_or_else(|| panic!("{line:?} is not about {about}: {}", self.log())).to_owned()
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.data.as_ref().unwrap().path().join("log")).unwrap()
    }
}

impl Drop for Application {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
