//! What follows an attempt whose outcome is unknown, by what is known of the server.
//!
//! A refresh was sent and no usable answer came. Either the refresh token is still good, or it is spent and the only
//! live pair was lost on the way. Which of them cannot be told from here, and what a second try does depends on how
//! the server treats a token that is used twice. The default assumes that nobody has measured it.

use std::time::Duration;

use jiff::Timestamp;

use super::record::Next;
use crate::clock::later;

/// The first request may still be carried out at the server for this long after its connection was closed. A second
/// one that overtakes it would make the first one the reuse.
pub const PRESUMED_DEAD: Duration = Duration::from_secs(20);

/// The old access token is asked this soon: a refusal already says that the refresh was carried out.
const FIRST_PROBE: Duration = Duration::from_secs(5);

/// Only an acceptance this late says that the refresh was not carried out and never will be.
pub const LATE_PROBE: Duration = Duration::from_mins(1);

/// Before the access token ends, one last try is better than none.
const LAST_CHANCE: Duration = Duration::from_mins(20);

/// What is known of how the server treats a refresh token that comes twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum Policy {
    /// Nothing was measured. Tried again after 20 s, 60 s, and then every 3 minutes: a second use that is refused costs
    /// nothing, and one that is accepted saves the connection.
    #[default]
    Unmeasured,
    /// A refresh ends the old access token, so that one tells: an API call with it shows whether the refresh was carried
    /// out.
    AccessTokenTells,
    /// A spent refresh token is accepted again for this long (a grace period). Tried at 30 % and 80 % of it.
    Grace(Duration),
    /// Using a spent refresh token revokes everything. Nothing is tried until 20 minutes before the access token ends:
    /// until then a person may act, and the application works.
    ReuseRevokes,
}

/// What an unconfirmed attempt leads to, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// What is done.
    pub next: Next,
    /// When.
    pub at: Timestamp,
}

impl Policy {
    /// After the so-manyth unconfirmed attempt, which ended at `ended`, with an access token until `access_ends`.
    pub fn after_unconfirmed(self, attempts: u32, ended: Timestamp, access_ends: Timestamp) -> Plan {
        match self {
            Self::AccessTokenTells if ended < access_ends => {
                Plan { next: Next::Probe, at: later(ended, FIRST_PROBE) }
            }
            // A token that has ended tells nothing.
            Self::Unmeasured | Self::AccessTokenTells => {
                Plan { next: Next::Retry, at: later(ended, unmeasured(attempts)) }
            }
            Self::Grace(grace) => Plan { next: Next::Retry, at: later(ended, within(grace, attempts)) },
            Self::ReuseRevokes => Plan { next: Next::Retry, at: last_chance(attempts, ended, access_ends) },
        }
    }

    /// For how long after an unconfirmed attempt nobody may send another, by the store's time: the clocks of several
    /// machines do not agree.
    pub fn rest(self) -> Duration {
        match self {
            Self::AccessTokenTells => LATE_PROBE,
            Self::Unmeasured | Self::Grace(_) | Self::ReuseRevokes => PRESUMED_DEAD,
        }
    }

    /// After the old access token was accepted, `since` the attempt ended.
    pub fn after_acceptance(self, ended: Timestamp, now: Timestamp) -> Plan {
        let late = later(ended, LATE_PROBE);
        if now < late {
            return Plan { next: Next::Probe, at: late };
        }
        Plan { next: Next::Retry, at: now }
    }
}

fn unmeasured(attempts: u32) -> Duration {
    match attempts {
        0 | 1 => PRESUMED_DEAD,
        2 => Duration::from_mins(1),
        _ => Duration::from_mins(3),
    }
}

fn within(grace: Duration, attempts: u32) -> Duration {
    match attempts {
        0 | 1 => (grace * 3 / 10).min(Duration::from_mins(1)),
        2 => (grace / 2).min(Duration::from_mins(1)),
        _ => Duration::from_mins(3),
    }
}

fn last_chance(attempts: u32, ended: Timestamp, access_ends: Timestamp) -> Timestamp {
    let before = access_ends.checked_sub(LAST_CHANCE).unwrap_or(ended);
    if attempts <= 1 { before.max(later(ended, PRESUMED_DEAD)) } else { later(ended, Duration::from_mins(3)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    #[test]
    fn the_first_request_is_presumed_dead_before_another_is_sent() {
        let policies = [Policy::Unmeasured, Policy::AccessTokenTells, Policy::ReuseRevokes];
        for policy in policies {
            for attempts in 1..5 {
                for access_ends in [-5_000, 0, 30, 10_000] {
                    let plan = policy.after_unconfirmed(attempts, at(0), at(access_ends));
                    assert!(
                        plan.next == Next::Probe || plan.at >= at(20),
                        "{policy:?} {attempts} {access_ends}"
                    );
                }
            }
        }
    }

    #[test]
    fn only_a_late_acceptance_proves_something() {
        let policy = Policy::AccessTokenTells;
        assert_eq!(policy.after_acceptance(at(0), at(5)), Plan { next: Next::Probe, at: at(60) });
        assert_eq!(policy.after_acceptance(at(0), at(60)), Plan { next: Next::Retry, at: at(60) });
    }

    #[test]
    fn where_reuse_revokes_nothing_is_tried_while_the_access_token_lives() {
        let plan = Policy::ReuseRevokes.after_unconfirmed(1, at(0), at(10_800));
        assert_eq!(plan, Plan { next: Next::Retry, at: at(10_800 - 1_200) });
    }

    #[test]
    fn a_grace_period_is_used_while_it_lasts() {
        let policy = Policy::Grace(Duration::from_secs(100));
        assert_eq!(policy.after_unconfirmed(1, at(0), at(9_000)).at, at(30));
        assert_eq!(policy.after_unconfirmed(2, at(30), at(9_000)).at, at(80));
    }
}
