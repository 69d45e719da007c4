//! The model checker visits every state, and finds what is wrong where something is.

use keapsake_simulation::model::{self, Bounds};
use keapsake_simulation::model::state::Left;

#[test]
fn trial() {
    let n = |name: &str, or: u8| std::env::var(name).ok().and_then(|v| v.parse().ok()).unwrap_or(or);
    let bounds = Bounds {
        processes: n("P", 2).into(),
        generations: n("G", 2),
        is_one_machine: n("ONE", 0) == 1,
        left: Left { crashes: n("C", 1), lost_answers: n("L", 1), failures: n("F", 1), pauses: n("Z", 1), false_refusals: n("R", 0) },
    };
    let start = std::time::Instant::now();
    let summary = model::check(bounds);
    println!("{summary}\n{:?}", start.elapsed());
}
