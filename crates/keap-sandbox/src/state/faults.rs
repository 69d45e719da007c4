//! Failures on demand. Each records whether the request it spoilt had been applied, so that a test knows the truth.

use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::world::World;

const USES_MAX: usize = 1_000;

/// A failure to come, as sent to `/_sandbox/faults`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Fault {
    /// Only requests with this method.
    pub method: Option<String>,
    /// Only requests whose path begins like this.
    pub path: Option<String>,
    /// Only this operation: an operation id of the API description, or `exchange` or `refresh` of the token endpoint.
    pub operation: Option<String>,
    /// How often it strikes; without a number, until it is cleared.
    pub times: Option<u32>,
    /// Whether the request is carried out before the answer is spoilt.
    pub apply: bool,
    /// Milliseconds of real time to wait before doing anything.
    pub delay_ms: u64,
    /// What happens.
    #[serde(flatten)]
    pub effect: FaultEffect,
}

/// What a fault does to the answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum FaultEffect {
    /// Nothing but the delay: the request is carried out and answered.
    #[default]
    Delay,
    /// This answer instead.
    Status {
        /// The status code.
        status: u16,
        /// The body; JSON unless `headers` say otherwise.
        #[serde(default)]
        body: String,
        /// Further headers.
        #[serde(default)]
        headers: BTreeMap<String, String>,
    },
    /// The connection is closed without an answer.
    Drop,
    /// Half of the answer, then the connection is closed. Always applied.
    Half,
    /// The answer byte by byte. Always applied.
    Drip {
        /// Milliseconds between two bytes; a second by default.
        #[serde(default = "one_second")]
        byte_ms: u64,
    },
    /// An HTML page, as a proxy or a maintenance notice would send.
    Html {
        /// The status code.
        #[serde(default = "unavailable")]
        status: u16,
    },
    /// 429 in Keap's words.
    Throttle {
        /// Seconds for `Retry-After`; without it the header is absent.
        #[serde(default)]
        retry_after: Option<u32>,
    },
    /// A redirect to somewhere else.
    Redirect {
        /// Where to.
        location: String,
        /// The status code.
        #[serde(default = "found")]
        status: u16,
    },
    /// Every grant is revoked before the request is looked at.
    Revoke,
    /// The `Date` of the answer is wrong by so many seconds. Always applied.
    WrongClock {
        /// Added to the time.
        seconds: i64,
    },
}

/// A fault that is waiting or has struck.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct FaultReport {
    /// Its number.
    pub id: u64,
    /// The fault; `times` as it was asked for.
    pub fault: Fault,
    /// How often it will still strike; `null` for ever.
    pub remaining: Option<u32>,
    /// When it struck, and what became of the request.
    pub uses: VecDeque<FaultUse>,
}

/// One strike.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct FaultUse {
    /// When, on the sandbox clock.
    pub at: Timestamp,
    /// The method of the request.
    pub method: String,
    /// Its path.
    pub path: String,
    /// Whether the request had its effect, whatever the client was told.
    pub applied: bool,
}

/// A fault that has claimed a request.
#[derive(Clone, Debug)]
pub(crate) struct Strike {
    pub(crate) fault: u64,
    pub(crate) apply: bool,
    pub(crate) delay_ms: u64,
    pub(crate) effect: FaultEffect,
}

/// All faults, oldest first.
#[derive(Default)]
pub(crate) struct Faults {
    faults: BTreeMap<u64, FaultReport>,
    last_id: u64,
}

impl Fault {
    /// A fault that does this to every request until it is cleared.
    pub fn new(effect: FaultEffect) -> Self {
        Self { effect, ..Self::default() }
    }

    /// Strikes so many times.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }

    /// Strikes requests whose path begins like this.
    #[must_use]
    pub fn path(mut self, prefix: impl Into<String>) -> Self {
        self.path = Some(prefix.into());
        self
    }

    /// Strikes requests with this method.
    #[must_use]
    pub fn method(mut self, method: impl Into<String>) -> Self {
        self.method = Some(method.into());
        self
    }

    /// Strikes this operation.
    #[must_use]
    pub fn operation(mut self, operation: impl Into<String>) -> Self {
        self.operation = Some(operation.into());
        self
    }

    /// Carries the request out before the answer is spoilt.
    #[must_use]
    pub fn after_applying(mut self) -> Self {
        self.apply = true;
        self
    }

    fn matches(&self, method: &str, path: &str, operation: &str) -> bool {
        self.method.as_deref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(method))
            && self.path.as_deref().is_none_or(|prefix| path.starts_with(prefix))
            && self.operation.as_deref().is_none_or(|wanted| wanted == operation)
    }
}

impl Faults {
    pub(crate) fn add(&mut self, fault: Fault) -> u64 {
        self.last_id += 1;
        let remaining = fault.times;
        let report = FaultReport { id: self.last_id, fault, remaining, uses: VecDeque::new() };
        self.faults.insert(self.last_id, report);
        self.last_id
    }

    pub(crate) fn clear(&mut self) -> usize {
        std::mem::take(&mut self.faults).len()
    }

    pub(crate) fn remove(&mut self, id: u64) -> bool {
        self.faults.remove(&id).is_some()
    }

    pub(crate) fn reports(&self) -> impl Iterator<Item = &FaultReport> {
        self.faults.values()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.faults.is_empty()
    }

    /// The oldest fault that wants this request takes it.
    fn claim(&mut self, now: Timestamp, method: &str, path: &str, operation: &str) -> Option<Strike> {
        let wants = |report: &&mut FaultReport| {
            report.remaining != Some(0) && report.fault.matches(method, path, operation)
        };
        let report = self.faults.values_mut().find(wants)?;
        report.remaining = report.remaining.map(|left| left - 1);
        report.uses.push_back(FaultUse { at: now, method: method.into(), path: path.into(), applied: false });
        if report.uses.len() > USES_MAX {
            report.uses.pop_front();
        }
        let Fault { apply, delay_ms, effect, .. } = report.fault.clone();
        Some(Strike { fault: report.id, apply: apply || always_applies(&effect), delay_ms, effect })
    }

    /// Writes down that a struck request had its effect.
    fn mark_applied(&mut self, strike: &Strike, method: &str, path: &str) {
        let Some(report) = self.faults.get_mut(&strike.fault) else { return };
        let this = |used: &&mut FaultUse| !used.applied && used.method == method && used.path == path;
        if let Some(used) = report.uses.iter_mut().rev().find(this) {
            used.applied = true;
        }
    }
}

impl World {
    /// Lets a fault take a request. The control interface itself is never struck.
    pub(crate) fn strike(
        &mut self,
        now: Timestamp,
        method: &str,
        path: &str,
        operation: &str,
    ) -> Option<Strike> {
        if self.faults.is_empty() || path == "/" || path.starts_with("/_sandbox") {
            return None;
        }
        self.faults.claim(now, method, path, operation)
    }

    pub(crate) fn strike_applied(&mut self, strike: &Strike, method: &str, path: &str) {
        self.faults.mark_applied(strike, method, path);
    }
}

fn always_applies(effect: &FaultEffect) -> bool {
    use FaultEffect as E;
    match effect {
        E::Delay | E::Half | E::Drip { .. } | E::Revoke | E::WrongClock { .. } => true,
        E::Status { .. } | E::Drop | E::Html { .. } | E::Throttle { .. } | E::Redirect { .. } => false,
    }
}

const fn one_second() -> u64 {
    1_000
}

const fn unavailable() -> u16 {
    503
}

const fn found() -> u16 {
    302
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(world: &mut World, method: &str, path: &str) -> bool {
        world.strike(Timestamp::UNIX_EPOCH, method, path, "listTags").is_some()
    }

    #[test]
    fn a_fault_takes_what_it_wants_as_often_as_it_may() {
        let mut world = World::sample();
        let fault = Fault::new(FaultEffect::Drop).method("post").path("/token").times(2);
        let id = world.faults.add(fault);
        assert!(!claim(&mut world, "GET", "/token"));
        assert!(!claim(&mut world, "POST", "/crm"));
        assert!(claim(&mut world, "POST", "/token"));
        assert!(claim(&mut world, "POST", "/token"));
        assert!(!claim(&mut world, "POST", "/token"));
        assert_eq!(world.faults.reports().next().unwrap().uses.len(), 2);
        assert!(world.faults.remove(id));
    }

    #[test]
    fn the_control_interface_is_never_struck() {
        let mut world = World::sample();
        world.faults.add(Fault::new(FaultEffect::Drop));
        assert!(!claim(&mut world, "GET", "/_sandbox/faults"));
        assert!(!claim(&mut world, "GET", "/"));
        assert!(claim(&mut world, "GET", "/crm"));
    }

    #[test]
    fn a_fault_reads_as_json() {
        let fault: Fault = serde_json::from_str(
            r#"{"operation":"listTags","times":1,"kind":"status","status":503,"body":"x"}"#,
        )
        .unwrap();
        assert_eq!(fault.times, Some(1));
        assert!(matches!(fault.effect, FaultEffect::Status { status: 503, .. }));
    }
}
