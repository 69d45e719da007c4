//! What happens to machines, now and then.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use jiff::SignedDuration;
use tokio::time::sleep;

use super::gate::Life;
use super::host::Host;
use super::people::People;
use super::weather::Mishaps;

const SECOND: Duration = Duration::from_secs(1);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Mishap {
    Crash,
    Pause,
    Restart,
    ClockJump,
    StoreOutage,
    Failover,
    Restore,
    FullDisk,
    Removal,
    Disconnection,
}

/// Draws what is to happen within the run, and lets it happen.
pub(crate) async fn happen(people: People, mishaps: Mishaps, within: Duration) {
    let chance = &people.chance;
    let plan = [
        (Mishap::Crash, mishaps.crashes),
        (Mishap::Pause, mishaps.pauses),
        (Mishap::Restart, mishaps.crashes),
        (Mishap::ClockJump, mishaps.clock_jumps),
        (Mishap::StoreOutage, mishaps.store_outages),
        (Mishap::Failover, mishaps.failovers),
        (Mishap::Restore, mishaps.restores),
        (Mishap::FullDisk, mishaps.full_disks),
        (Mishap::Removal, mishaps.removals),
        (Mishap::Disconnection, mishaps.disconnections),
    ];
    let mut times = Vec::new();
    for (mishap, often) in plan {
        let count = chance.between(0, often * 2);
        times.extend((0..count).map(|_| (chance.span(SECOND, within), mishap)));
    }
    times.sort_unstable();
    let mut now = Duration::ZERO;
    for (at, mishap) in times {
        sleep(at.saturating_sub(now)).await;
        now = at;
        tokio::spawn(people.clone().suffer(mishap));
    }
}

impl People {
    async fn suffer(self, mishap: Mishap) {
        if self.network.weather.is_calm() {
            return;
        }
        let Some(host) = self.any_host() else { return };
        match mishap {
            Mishap::Crash => host.kill(self.chance.any_span(SECOND, Duration::from_hours(8))),
            Mishap::Pause => self.pause(&host).await,
            Mishap::Restart => host.end(),
            Mishap::ClockJump => self.move_clock(&host).await,
            Mishap::StoreOutage => self.cut(&host).await,
            Mishap::Failover => self.fail_over().await,
            Mishap::Restore => self.restore().await,
            Mishap::FullDisk => self.fill_disk(&host).await,
            Mishap::Removal => {
                self.network.truth.diary.count("removals in Keap");
                self.network.keap.remove_application();
            }
            Mishap::Disconnection => self.disconnect().await,
        }
    }

    fn any_host(&self) -> Option<Arc<Host>> {
        let index = usize::try_from(self.chance.next()).ok()? % self.hosts.len();
        self.hosts.get(index).cloned()
    }

    async fn pause(&self, host: &Host) {
        let Some(gate) = host.gate() else { return };
        self.network.truth.diary.count("pauses");
        gate.set(Life::Paused);
        self.hinder(host, self.chance.any_span(SECOND, Duration::from_hours(6))).await;
        gate.set(Life::Running);
    }

    async fn move_clock(&self, host: &Host) {
        let diary = &self.network.truth.diary;
        diary.count("clock jumps");
        let by = self.chance.any_span(SECOND, Duration::from_hours(365 * 24));
        let by = SignedDuration::try_from(by).unwrap_or_default();
        let by = if self.chance.once_in(2) { by } else { -by };
        diary.note(format_args!("the clock of host {} jumps by {by}", host.number));
        host.clock.set_offset(host.skew + by);
        self.network.truth.jumps(host.number);
        self.hinder(host, self.chance.any_span(SECOND, Duration::from_hours(48))).await;
        host.clock.set_offset(host.skew);
        self.network.truth.jumps(host.number);
    }

    async fn cut(&self, host: &Host) {
        let span = self.chance.any_span(SECOND, Duration::from_hours(12));
        if self.chance.once_in(2) {
            self.network.truth.diary.count("database outages");
            self.database.set_down(true);
            self.hinder_all(span).await;
            self.database.set_down(false);
        } else {
            self.network.truth.diary.count("hosts cut off from the database");
            host.is_cut.store(true, Ordering::Relaxed);
            self.hinder(host, span).await;
            host.is_cut.store(false, Ordering::Relaxed);
        }
    }

    /// A replica that lags behind takes over.
    async fn fail_over(&self) {
        let (replica, since) = (self.database.snapshot(), self.network.truth.now());
        let lag = self.chance.any_span(Duration::from_millis(10), Duration::from_mins(2));
        self.hinder_all(lag).await;
        self.network.truth.diary.count("failovers");
        self.network
            .truth
            .diary
            .note(format_args!("the database fails over to a replica that was {lag:?} behind"));
        self.database.becomes(replica);
        self.network.truth.forgotten(since);
        self.hinder_all(SECOND).await;
    }

    /// Somebody puts back an old backup.
    async fn restore(&self) {
        let (backup, since) = (self.database.snapshot(), self.network.truth.now());
        sleep(self.chance.span(Duration::from_hours(6), Duration::from_hours(72))).await;
        if self.network.weather.is_calm() {
            return;
        }
        self.network.truth.diary.count("restores");
        self.network.truth.diary.note(format_args!("an old backup is restored"));
        for host in self.hosts.iter() {
            host.kill(Duration::from_mins(2));
        }
        self.database.becomes(backup);
        self.network.truth.forgotten(since);
        self.hinder_all(SECOND).await;
    }

    async fn fill_disk(&self, host: &Host) {
        self.network.truth.diary.count("full disks");
        host.disk.set_full(true);
        if self.chance.once_in(2) {
            host.disk.set_read_only(true);
        }
        self.hinder(host, self.chance.any_span(SECOND, Duration::from_hours(12))).await;
        host.disk.set_full(false);
        host.disk.set_read_only(false);
    }

    async fn hinder(&self, host: &Host, span: Duration) {
        let _hindrance = self.network.truth.hindrance(host.number);
        sleep(span).await;
    }

    async fn hinder_all(&self, span: Duration) {
        let _hindrances: Vec<_> =
            self.hosts.iter().map(|host| self.network.truth.hindrance(host.number)).collect();
        sleep(span).await;
    }
}
