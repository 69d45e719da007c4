//! A PostgreSQL cluster of our own: as many connections as needed, and it may be restarted.
//!
//! PostgreSQL does not run as root, so for root it runs as the user `postgres` of Debian's package.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context as _, ensure};

/// Where Debian has the server's programs, a folder for each version.
const DEBIAN: &str = "/usr/lib/postgresql";

static NUMBER: AtomicU64 = AtomicU64::new(0);

/// Ended and removed when this is dropped.
#[derive(Debug)]
pub(super) struct Cluster {
    programs: PathBuf,
    folder: PathBuf,
    port: u16,
}

impl Cluster {
    pub(super) fn start(connections: u32) -> anyhow::Result<Self> {
        let programs = programs()?;
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        // Not in the project's own folder: the user that the server runs as may not be allowed in.
        let folder = std::env::temp_dir().join(format!("keapsake-postgres-{}-{number}", std::process::id()));
        fs::create_dir(&folder).with_context(|| format!("{} cannot be made", folder.display()))?;
        if is_root() {
            run(Command::new("chown").arg("postgres").arg(&folder))?;
        }
        let cluster = Self { programs, folder, port: free_port()? };
        run(cluster
            .program("initdb")
            .args(["--auth=trust", "--username=postgres", "--encoding=UTF8", "-D"])
            .arg(cluster.data()))?;
        cluster.configure(connections)?;
        run(cluster.control().arg("start"))?;
        Ok(cluster)
    }

    fn configure(&self, connections: u32) -> anyhow::Result<()> {
        let settings = format!(
            "listen_addresses = '127.0.0.1'\nport = {}\nunix_socket_directories = ''\nmax_connections = {connections}\n",
            self.port
        );
        let file = self.data().join("postgresql.conf");
        let before = fs::read_to_string(&file)?;
        Ok(fs::write(&file, before + &settings)?)
    }

    pub(super) fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    pub(super) fn restart(&self) -> anyhow::Result<()> {
        run(self.control().args(["-m", "immediate", "restart"]))
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    fn control(&self) -> Command {
        let mut command = self.program("pg_ctl");
        command.args(["-s", "-w", "-D"]).arg(self.data()).arg("-l").arg(self.folder.join("log"));
        command
    }

    fn program(&self, name: &str) -> Command {
        let path = self.programs.join(name);
        let mut command = if is_root() {
            let mut command = Command::new("setpriv");
            command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).arg(path);
            command
        } else {
            Command::new(path)
        };
        command.current_dir(&self.folder);
        command
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let _ = run(self.control().args(["-m", "immediate", "stop"]));
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// The folder with `initdb`: of the newest version that Debian has, or on the search path.
fn programs() -> anyhow::Result<PathBuf> {
    let version = |folder: &PathBuf| folder.file_name().and_then(|name| name.to_str()?.parse::<u32>().ok());
    let folders = fs::read_dir(DEBIAN).into_iter().flatten().flatten().map(|entry| entry.path());
    let newest = folders.filter(|folder| folder.join("bin/initdb").is_file()).max_by_key(version);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = || std::env::split_paths(&path).find(|folder| folder.join("initdb").is_file());
    newest
        .map(|folder| folder.join("bin"))
        .or_else(on_path)
        .context("PostgreSQL's server is not installed; on Debian: `apt-get install postgresql`")
}

/// Silently, and without pipes: a server would keep them open for as long as it runs.
fn run(command: &mut Command) -> anyhow::Result<()> {
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    let status = status.with_context(|| format!("{command:?} does not start"))?;
    ensure!(status.success(), "{command:?} failed: {status}");
    Ok(())
}

fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

fn is_root() -> bool {
    fs::metadata(Path::new("/proc/self")).is_ok_and(|this| this.uid() == 0)
}
