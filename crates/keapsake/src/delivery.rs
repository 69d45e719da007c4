//! Effects that outlive a crash: what should become true in Keap, said in the application's own transaction.
//!
//! - [`effect`]: what can be said.
//! - [`outbox`]: where it waits; enqueueing, counting, trying again.
//! - [`worker`]: brings it to Keap, in order for each person.
//! - `contact`, `tag`: how each effect is reached at most once, although Keap has no idempotency keys.
//! - `known`: ids in Keap that are looked up or made once.
//!
//! ```no_run
//! # async fn sign_up(pool: sqlx::SqlitePool, outbox: keapsake::delivery::Outbox) -> Result<(), Box<dyn std::error::Error>> {
//! use keapsake::delivery::{Effect, NewContact};
//! let mut tx = pool.begin_with("BEGIN IMMEDIATE").await?;
//! // … insert the user's row in `tx` …
//! let contact = NewContact { email: "ann@example.com".into(), given_name: "Ann".into(), family_name: String::new() };
//! outbox.enqueue(&mut tx, &Effect::contact("user-1", contact)).await?;
//! tx.commit().await?;
//! outbox.wake();
//! # Ok(())
//! # }
//! ```

pub mod effect;
pub mod outbox;
pub mod worker;

mod contact;
mod known;
mod tag;

pub use effect::{Effect, NewContact, NewTag};
pub use outbox::{Enqueued, Item, ItemState, Outbox, Pause, Summary};
pub use worker::{OnDelivered, Worker};
