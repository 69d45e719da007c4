//! What does it cost to keep connections alive, while nothing happens? A line each:
//!
//! 1. a valid token from a connection that two threads share,
//! 2. the processor time of watching a hundred thousand connections in one SQLite file,
//! 3. the memory of a connection that somebody holds.
//!
//! Give a directory on the disk that counts:
//!
//! ```text
//! cargo run --release -p keapsake --example keeping_cost -- DIRECTORY
//! ```

mod holding;
mod token;
mod watching;
mod world;

use std::path::PathBuf;

use world::{Result, World};

#[tokio::main]
async fn main() -> Result<()> {
    let given = std::env::args_os().nth(1).map(PathBuf::from);
    let folder = tempfile::tempdir_in(given.unwrap_or_else(std::env::temp_dir))?;
    let world = World::new(folder.path()).await?;
    println!("{}", token::cost(&world).await?);
    println!("{}", watching::cost(&world).await?);
    println!("{}", holding::cost(&world).await?);
    Ok(())
}
