//! Why a sandbox did not start.

use std::net::SocketAddr;
use std::path::PathBuf;

/// A sandbox that did not start. The text is meant for the person who started it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// Another program listens there.
    #[error(
        "{address} is in use, probably by another sandbox that is still running. Stop it, or choose another address; \
         port 0 picks a free one."
    )]
    AddressInUse {
        /// The address that was asked for.
        address: SocketAddr,
    },
    /// The system does not allow listening there.
    #[error(
        "the sandbox cannot listen on {address}. Choose an address of this computer and a port above 1023."
    )]
    Listen {
        /// The address that was asked for.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// The sandbox knows no real passwords and keeps no real guard; it must not be reachable from elsewhere.
    #[error(
        "{address} can be reached from other computers, and a sandbox must not be. Choose a loopback address such as \
         127.0.0.1."
    )]
    NotLoopback {
        /// The address that was asked for.
        address: SocketAddr,
    },
    /// The seed file cannot be read.
    #[error("the seed file {} cannot be read. Check that it exists and that you may read it.", path.display())]
    SeedUnreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The seed file is not a seed.
    #[error("the seed file {} is not understood. The README shows an example.", path.display())]
    SeedMalformed {
        /// The file.
        path: PathBuf,
        /// Where it is wrong.
        source: serde_json::Error,
    },
    /// The data file cannot be opened.
    #[error(
        "the data file {} cannot be opened. Check that its folder exists, that you may write there, that it is a file \
         of a sandbox, and that no other sandbox is using it.", path.display()
    )]
    DataUnusable {
        /// The file.
        path: PathBuf,
        /// What the database said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}
