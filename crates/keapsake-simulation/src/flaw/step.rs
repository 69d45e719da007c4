//! Mistakes in what an event makes of a connection: another function.

use std::time::Duration;

use keapsake::clock::later;
use keapsake::connection::record::{Health, Link, Linked, LostReason, Record};
use keapsake::connection::step::{Circumstances, Event, Step};

use super::Flaw;
use crate::world::step as right;

/// The function with this mistake in it; as it is when the mistake is elsewhere.
pub(super) fn flawed(flaw: Flaw, unflawed: Step) -> Step {
    match flaw {
        Flaw::OneRejectionBelieved => one_rejection_believed,
        Flaw::RepeatedAtOnce => repeated_at_once,
        Flaw::DisconnectedComesBack => disconnected_comes_back,
        Flaw::OlderPairWins => older_pair_wins,
        Flaw::LostIsNotHealed => lost_is_not_healed,
        Flaw::OutageEndsIt => outage_ends_it,
        Flaw::SilenceEndsIt => silence_ends_it,
        Flaw::AccessRefusalIgnored => access_refusal_ignored,
        Flaw::ConstantLife => constant_life,
        Flaw::OneLookAtTheClock => one_look_at_the_clock,
        _ => unflawed,
    }
}

fn with(record: Record, change: impl FnOnce(&mut Linked)) -> Record {
    let Link::Linked(mut linked) = record.link else { return record };
    change(&mut linked);
    Record { link: Link::Linked(linked), ..record }
}

fn given_up(record: Record, reason: LostReason) -> Record {
    with(record, |linked| linked.health = Health::Lost(reason))
}

fn health(record: &Record) -> Option<Health> {
    match &record.link {
        Link::Linked(linked) => Some(linked.health),
        Link::Disconnected { .. } => None,
    }
}

fn one_rejection_believed(record: Option<&Record>, event: &Event, at: Circumstances) -> Option<Record> {
    let after = right(record, event, at)?;
    Some(if matches!(event, Event::Rejected) { given_up(after, LostReason::Rejected) } else { after })
}

fn repeated_at_once(record: Option<&Record>, event: &Event, at: Circumstances) -> Option<Record> {
    let after = right(record, event, at)?;
    Some(if matches!(event, Event::Unconfirmed) {
        with(after, |linked| linked.refresh_at = at.now)
    } else {
        after
    })
}

/// The same record with the tokens that the event brings.
fn brought(record: &Record, event: &Event, at: Circumstances) -> Option<Record> {
    let Event::Refreshed { spent, started_at, life, .. } = event else { return None };
    let account = record.account.clone();
    let lineage = record.position.lineage + 1;
    let authorized = Event::Authorized { lineage, started_at: *started_at, life: *life, account };
    let after = right(Some(record), &authorized, at)?;
    Some(Record { position: spent.next_generation(), ..after })
}

fn disconnected_comes_back(record: Option<&Record>, event: &Event, at: Circumstances) -> Option<Record> {
    let gone = record.filter(|record| matches!(record.link, Link::Disconnected { .. }));
    gone.and_then(|record| brought(record, event, at)).or_else(|| right(record, event, at))
}

fn older_pair_wins(record: Option<&Record>, event: &Event, at: Circumstances) -> Option<Record> {
    record.and_then(|record| brought(record, event, at)).or_else(|| right(record, event, at))
}

fn lost_is_not_healed(record: Option<&Record>, event: &Event, at: Circumstances) -> Option<Record> {
    match record {
        Some(record)
            if matches!(health(record), Some(Health::Lost(_)))
                && matches!(event, Event::Refreshed { .. }) =>
        {
            Some(record.clone())
        }
        _ => right(record, event, at),
    }
}

fn outage_ends_it(record: Option<&Record>, event: &Event, at: Circumstances) -> Option<Record> {
    let after = right(record, event, at)?;
    let is_enough = matches!(health(&after), Some(Health::Unreached { attempts }) if attempts >= 10);
    Some(if is_enough { given_up(after, LostReason::Rejected) } else { after })
}

fn silence_ends_it(record: Option<&Record>, event: &Event, at: Circumstances) -> Option<Record> {
    let after = right(record, event, at)?;
    let is_enough = matches!(health(&after), Some(Health::Unconfirmed { attempts, .. }) if attempts >= 3);
    Some(if is_enough { given_up(after, LostReason::Rejected) } else { after })
}

fn access_refusal_ignored(record: Option<&Record>, event: &Event, at: Circumstances) -> Option<Record> {
    if matches!(event, Event::AccessRefused) { record.cloned() } else { right(record, event, at) }
}

fn constant_life(record: Option<&Record>, event: &Event, at: Circumstances) -> Option<Record> {
    let mut event = event.clone();
    if let Event::Authorized { life, .. } | Event::Refreshed { life, .. } = &mut event {
        *life = Duration::from_hours(24);
    }
    right(record, &event, at)
}

fn one_look_at_the_clock(record: Option<&Record>, event: &Event, at: Circumstances) -> Option<Record> {
    let after = right(record, event, at)?;
    let is_over = match &after.link {
        Link::Linked(linked) => at.now >= later(linked.refresh_issued_at, Duration::from_hours(45 * 24)),
        Link::Disconnected { .. } => false,
    };
    Some(if is_over { given_up(after, LostReason::Expired) } else { after })
}
