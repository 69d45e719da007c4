//! A token for a call, now or soon.

use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;

use super::Keeper;
use super::known::{Known, Live};
use crate::clock::{later, until};
use crate::connection::record::{Health, Link, Linked, LostReason, Position};
use crate::error::Error;

impl Keeper {
    /// A token for a call, newer than `refused` when that one was turned away. Waits while one is on its way.
    pub(crate) async fn usable(&self, refused: Option<Position>) -> Result<Arc<Live>, Error> {
        if let Some(position) = refused {
            self.note_refused(position);
        }
        if let Some(live) = self.live_now() {
            return Ok(live);
        }
        let give_up_at = later(self.deployment.now(), self.deployment.patience);
        let mut known = self.known.subscribe();
        let mut has_read_again = false;
        loop {
            let look = self.look(&known.borrow_and_update());
            if let Some(live) = self.live_now() {
                return Ok(live);
            }
            if let Look::Never(error) = look {
                // Another process may know better.
                if has_read_again || self.reload().await.is_err() {
                    return Err(error);
                }
                has_read_again = true;
                continue;
            }
            self.deployment.nudges.add(&self.id);
            if until(self.deployment.now(), give_up_at).is_zero() {
                return Err(Error::renewing(
                    "the access token is being renewed, which takes longer than usual; try again shortly",
                    Duration::from_secs(20),
                ));
            }
            // Waiting here is the caller's own; the refresh goes on whether or not anybody waits.
            tokio::select! {
                biased;
                _ = known.changed() => {}
                () = self.deployment.clock.sleep_until(give_up_at) => {}
            }
        }
    }

    /// The pair at hand, when Keap has refused its access token.
    pub(in crate::connection) fn refused(&self) -> Option<Position> {
        let known = self.known.borrow();
        known.refused.filter(|refused| known.position() == Some(*refused))
    }

    /// The access token at hand, while it has not ended, and which one it is.
    pub(in crate::connection) fn access_header(&self) -> Option<(Position, HeaderValue)> {
        let live = self.live_now()?;
        Some((live.position, live.header.clone()))
    }

    fn live_now(&self) -> Option<Arc<Live>> {
        let live = self.live.load();
        let live = live.as_ref()?;
        (self.deployment.clock.now() < live.expires_at).then(|| live.clone())
    }

    /// Why there is no live token, and whether waiting helps.
    fn look(&self, known: &Known) -> Look {
        let linked = match known.record().map(|record| &record.link) {
            None => return Look::Never(not_connected("it has not been connected to Keap yet")),
            Some(Link::Disconnected { .. }) => {
                return Look::Never(not_connected("it was disconnected from Keap"));
            }
            Some(Link::Linked(linked)) => linked,
        };
        let wait = until(self.deployment.now(), linked.refresh_at).max(Duration::from_secs(1));
        match linked.health {
            Health::Lost(LostReason::Rejected) => {
                Look::Never(not_connected("Keap no longer accepts the connection"))
            }
            Health::Lost(LostReason::Expired) => {
                Look::Never(not_connected("the connection was not used for 45 days and has ended"))
            }
            Health::Restored(_) => Look::Never(not_connected(
                "the database was restored or copied, so the stored connection is not used before somebody decides",
            )),
            Health::Well => Look::Wait,
            _ if known.refreshing.is_some() => Look::Wait,
            Health::Misconfigured => Look::Never(Error::renewing(
                "Keap does not accept the client id or secret; correct the settings",
                wait,
            )),
            Health::Unreached { .. } | Health::Unconfirmed { .. } | Health::Suspect { .. } => {
                Look::Never(Error::renewing(why_renewing(known, linked), wait))
            }
        }
    }

    /// Keap refused an access token: if it is the current one, it is not used again and a refresh is due.
    fn note_refused(&self, position: Position) {
        let is_current = |known: &Known| known.position() == Some(position) || known.is_lent(position);
        if is_current(&self.known.borrow()) {
            self.change(|known| known.refused = Some(position));
        }
        self.deployment.nudges.add(&self.id);
    }
}

fn why_renewing(known: &Known, linked: &Linked) -> &'static str {
    if linked.access_refused || known.refused.is_some() && known.refused == known.position() {
        return "Keap refuses the access token and gave no new one yet; it is asked again by itself";
    }
    "the access token has ended and Keap gave no new one yet; it is asked again by itself"
}

enum Look {
    Wait,
    Never(Error),
}

fn not_connected(why: &str) -> Error {
    Error::not_connected(format!("there is no connection to Keap: {why}. An administrator has to connect it"))
}
