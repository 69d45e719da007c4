//! Prints the reference page of the connection's machine.

use std::io::Write as _;

fn main() -> std::io::Result<()> {
    std::io::stdout().write_all(keapsake_simulation::machine::page().as_bytes())
}
