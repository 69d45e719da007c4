//! Throttles and quotas, counted on the sandbox clock.
//!
//! Documented: limits per second, minute and day for the credential, per minute and day for the account; days end at
//! 00:00 UTC. Observed: minute windows roll in steps of about 15 seconds. Assumed: refused calls are not counted.

use std::collections::HashMap;

use jiff::Timestamp;

use super::credentials::{Caller, Credential};
use super::settings::ProductLimits;
use super::world::World;

const DAY_MILLIS: i64 = 86_400_000;
const SLOT_MILLIS: i64 = 15_000;
const SLOTS: usize = 4;

/// All counters.
#[derive(Default)]
pub(crate) struct Quota {
    clients: HashMap<String, Counter>,
    key: Counter,
    tenants: HashMap<String, Counter>,
}

/// Calls of one credential or account.
#[derive(Clone, Debug, Default)]
struct Counter {
    day: (i64, u32),
    slots: [(i64, u32); SLOTS],
    second: (i64, u32),
}

/// How much of a limit is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Usage {
    pub(crate) limit: Option<u32>,
    pub(crate) used: u32,
}

/// What the headers of an answer tell.
#[derive(Clone, Copy, Debug)]
pub(crate) struct QuotaReport {
    pub(crate) day: Usage,
    pub(crate) minute: Usage,
    pub(crate) tenant_minute: Usage,
    pub(crate) tenant_day: Usage,
    pub(crate) day_ends_at_millis: i64,
    pub(crate) exceeded: bool,
}

impl Counter {
    fn roll(&mut self, millis: i64) {
        let day = millis.div_euclid(DAY_MILLIS);
        if self.day.0 != day {
            self.day = (day, 0);
        }
        let second = millis.div_euclid(1_000);
        if self.second.0 != second {
            self.second = (second, 0);
        }
        let slot = millis.div_euclid(SLOT_MILLIS);
        let at = usize::try_from(slot.rem_euclid(4)).unwrap_or_default();
        if self.slots[at].0 != slot {
            self.slots[at] = (slot, 0);
        }
    }

    fn count(&mut self, millis: i64) {
        self.day.1 += 1;
        self.second.1 += 1;
        let slot = millis.div_euclid(SLOT_MILLIS);
        if let Some(current) = self.slots.iter_mut().find(|(known, _)| *known == slot) {
            current.1 += 1;
        }
    }

    fn minute(&self, millis: i64) -> u32 {
        let slot = millis.div_euclid(SLOT_MILLIS);
        let fresh = self.slots.iter().filter(|(known, _)| (slot - 3..=slot).contains(known));
        fresh.map(|(_, used)| used).sum()
    }
}

impl Usage {
    fn is_full(self) -> bool {
        self.limit.is_some_and(|limit| self.used >= limit)
    }

    /// What is left, if there is a limit.
    pub(crate) fn available(self) -> Option<u32> {
        self.limit.map(|limit| limit.saturating_sub(self.used))
    }
}

impl World {
    /// Counts a call, unless a limit is reached already.
    pub(crate) fn count_call(&mut self, now: Timestamp, caller: &Caller) -> QuotaReport {
        let millis = now.as_millisecond();
        let limits = &self.settings.limits;
        let (product, counter): (ProductLimits, &mut Counter) = match &caller.credential {
            Credential::Client(id) => (limits.client, self.quota.clients.entry(id.clone()).or_default()),
            Credential::Key => (limits.key.into(), &mut self.quota.key),
        };
        let tenant = self.quota.tenants.entry(caller.account.clone()).or_default();
        counter.roll(millis);
        tenant.roll(millis);
        let full = is_full(product.second, counter.second.1)
            || is_full(product.minute, counter.minute(millis))
            || is_full(product.day, counter.day.1)
            || is_full(limits.tenant.minute, tenant.minute(millis))
            || is_full(limits.tenant.day, tenant.day.1);
        if !full {
            counter.count(millis);
            tenant.count(millis);
        }
        QuotaReport {
            day: Usage { limit: product.day, used: counter.day.1 },
            minute: Usage { limit: product.minute, used: counter.minute(millis) },
            tenant_minute: Usage { limit: limits.tenant.minute, used: tenant.minute(millis) },
            tenant_day: Usage { limit: limits.tenant.day, used: tenant.day.1 },
            day_ends_at_millis: (millis.div_euclid(DAY_MILLIS) + 1) * DAY_MILLIS,
            exceeded: full,
        }
    }
}

fn is_full(limit: Option<u32>, used: u32) -> bool {
    Usage { limit, used }.is_full()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn caller() -> Caller {
        Caller {
            account: "acme".to_owned(),
            user: "owner@example.com".to_owned(),
            credential: Credential::Client("sandbox-client".to_owned()),
        }
    }

    fn midnight() -> Timestamp {
        "2026-11-24T00:00:00Z".parse().unwrap()
    }

    #[test]
    fn a_second_a_minute_and_a_day_have_their_limits() {
        let mut world = World::sample();
        world.settings.limits.client = ProductLimits { second: Some(2), minute: Some(3), day: Some(4) };
        let mut call =
            |millis| !world.count_call(midnight() + Duration::from_millis(millis), &caller()).exceeded;
        assert!(call(0) && call(0) && !call(999), "two in a second");
        assert!(call(1_000) && !call(2_000), "three in a minute");
        assert!(!call(59_999) && call(60_000), "the first slot has left the window");
        assert!(!call(120_000), "four in a day");
        assert!(call(86_400_000), "a new day");
    }

    #[test]
    fn an_account_has_limits_over_all_credentials() {
        let mut world = World::sample();
        world.settings.limits.tenant.minute = Some(2);
        let key = Caller { credential: Credential::Key, ..caller() };
        assert!(!world.count_call(midnight(), &caller()).exceeded);
        assert!(!world.count_call(midnight(), &key).exceeded);
        assert!(world.count_call(midnight(), &caller()).exceeded);
        let elsewhere = Caller { account: "globex".to_owned(), ..caller() };
        assert!(!world.count_call(midnight(), &elsewhere).exceeded);
    }

    #[test]
    fn the_report_counts_this_call_and_names_the_end_of_the_day() {
        let report = World::sample().count_call(midnight(), &caller());
        assert_eq!(report.day, Usage { limit: Some(150_000), used: 1 });
        assert_eq!(report.minute.available(), Some(1_499));
        assert_eq!(report.day_ends_at_millis, 1_795_564_800_000);
    }
}
