//! The reference page of the connection's machine, made by asking the machine itself.
//!
//! - [`protocol`]: the order of an attempt, as a diagram and a table.
//! - [`samples`]: one record of each kind, and every event.
//! - [`table`]: what each event makes of each record.

pub mod protocol;
pub mod samples;
pub mod table;

use std::fmt::Write as _;

/// The whole page, in Markdown.
pub fn page() -> String {
    let mut page = String::from(INTRODUCTION);
    let sections = [
        ("The order of a refresh", protocol::INTRODUCTION, protocol::diagram()),
        ("Every phase and how it can go", protocol::ABOUT_TABLE, protocol::table()),
        ("States", table::INTRODUCTION, table::diagram()),
        ("Every state and every event", table::ABOUT_TABLE, table::table()),
    ];
    for (title, about, content) in sections {
        // Writing into a string does not fail.
        let _ = write!(page, "\n## {title}\n\n{about}\n\n{content}");
    }
    page
}

const INTRODUCTION: &str = "\
# The connection's machine

This page is made by the code it describes, and a test compares the two. To make it again:

```sh
cargo run -p keapsake-simulation --bin machine > docs/reference/connection-machine.md
```

The order of a refresh is the table `ORDER` in `connection/protocol.rs`, and what an event makes of a connection is the function
`step` in `connection/step.rs`. Both are pure; production, the simulation and the model checker run the same ones.
";
