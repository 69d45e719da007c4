//! The real program, as a process of its own.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::browser::Browser;
use crate::keap::Control;

pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_buttonpush");

/// The program, and where it said it is.
pub(crate) struct Program {
    process: Child,
    url: String,
    pub(crate) administrator_path: Option<String>,
    pub(crate) keap: Control,
}

impl Program {
    pub(crate) fn start(data: &Path) -> Self {
        Self::run(Command::new(BINARY), data)
    }

    /// Where no file may become larger than this: a disk that becomes full.
    pub(crate) fn start_with_little_space(data: &Path, half_kilobytes: u32) -> Self {
        Self::run(with_little_space(half_kilobytes), data)
    }

    fn run(mut command: Command, data: &Path) -> Self {
        let mut process = command
            .env("BUTTONPUSH_LISTEN", "127.0.0.1:0")
            .env("BUTTONPUSH_DATA", data)
            .env("BUTTONPUSH_SIGN_UPS_PER_HOUR", "100000")
            .env("BUTTONPUSH_LOG", "off")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let (mut url, mut administrator_path) = (String::new(), None);
        let sandbox = loop {
            let line = lines.next().expect("the program starts").unwrap();
            let value = line.split_whitespace().nth(1).unwrap_or_default().to_owned();
            match line.split_whitespace().next() {
                Some("ButtonPush") => url = value,
                Some("Admin") => {
                    let address = line.split_whitespace().nth(2).unwrap();
                    administrator_path = Some(address.strip_prefix(url.as_str()).unwrap().to_owned());
                }
                Some("Sandbox") => break value,
                _ => {}
            }
        };
        Self { process, url, administrator_path, keap: Control::at(&sandbox) }
    }

    pub(crate) fn browser(&self) -> Browser {
        Browser::new(self.url.strip_prefix("http://").unwrap().parse().unwrap(), &self.url)
    }

    /// What the machine does when it runs out of memory.
    pub(crate) fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.process.kill();
    }
}

/// A command that runs the program with a limit on its files' sizes, and no signal when it is met.
pub(crate) fn with_little_space(half_kilobytes: u32) -> Command {
    let mut command = Command::new("sh");
    let script = "trap '' XFSZ; ulimit -f \"$0\"; exec \"$1\"";
    command.args(["-c", script, &half_kilobytes.to_string(), BINARY]);
    command
}
