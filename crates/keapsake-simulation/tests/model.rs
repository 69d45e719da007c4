//! The model checker visits every state, and finds what is wrong where something is.

use keapsake::connection::policy::Policy;
use keapsake::connection::protocol::{ORDER, Order, Phase, Reply};
use keapsake::connection::record::{Health, Link, LostReason, Record};
use keapsake::connection::step::{Circumstances, Event, step};
use keapsake_simulation::model::{Assumption, Bounds, Left, Mistake, Setup, Summary, check_all};

type Row = (Phase, Reply, Phase);

/// Enough for every mistake to show.
const SMALL: Bounds = Bounds {
    processes: 2,
    generations: 3,
    is_one_machine: false,
    left: Left { crashes: 1, lost_answers: 1, failures: 1, pauses: 1, false_refusals: 0, forgets: 0 },
};

fn small() -> Setup {
    Setup::of(SMALL)
}

#[track_caller]
fn assert_found(summary: &Summary, property: &str) {
    println!("{summary}");
    assert!(summary.violates(property), "no way to break {property} was found");
}

#[test]
fn whatever_happens_no_connection_is_lost_that_could_be_kept() {
    let summary = check_all(&Bounds::QUICK);
    println!("{summary}");
    assert!(summary.is_good(), "{summary}");
}

#[test]
#[ignore = "takes minutes and gigabytes; the torture run does it"]
fn whatever_happens_all_at_once_no_connection_is_lost_that_could_be_kept() {
    let summary = check_all(&Bounds::THOROUGH);
    println!("{summary}");
    assert!(summary.violations.is_empty(), "{summary}");
}

#[test]
fn it_holds_with_every_policy() {
    let grace = Policy::Grace(std::time::Duration::from_mins(2));
    for policy in [Policy::AccessTokenTells, grace, Policy::ReuseRevokes] {
        let bounds = Bounds { generations: 2, ..SMALL };
        let summary = Setup::of(bounds).with_policy(policy).check();
        println!("{policy:?}: {summary}");
        assert!(summary.violations.is_empty(), "{policy:?}: {summary}");
    }
}

#[test]
fn a_server_that_takes_a_token_twice_breaks_it() {
    assert_found(&small().without(Assumption::A1).check(), "S2");
}

#[test]
fn a_disk_that_only_says_it_is_durable_breaks_it() {
    assert_found(&small().without(Assumption::A2).check(), "S2: an answer that is durable");
}

#[test]
fn losing_the_store_and_the_journals_together_breaks_it() {
    assert_found(&small().without(Assumption::A3).check(), "S");
}

#[test]
fn a_second_deployment_with_the_same_tokens_breaks_it() {
    assert_found(&small().without(Assumption::A4).check(), "S2");
}

#[test]
fn losing_the_key_breaks_it() {
    assert_found(&small().without(Assumption::A5).check(), "S2");
}

/// The order with the rows of some phases left out, and others instead.
fn order(without: &[Phase], instead: &[Row]) -> Order {
    let is_replaced = |row: &Row| instead.iter().any(|(from, how, _)| (*from, *how) == (row.0, row.1));
    let rows = ORDER.iter().filter(|row| !without.contains(&row.0) && !is_replaced(row));
    rows.chain(instead).copied().collect::<Vec<_>>().leak()
}

#[test]
fn an_answer_that_is_read_before_it_is_kept_is_lost_in_a_crash() {
    let order = order(&[Phase::Keep], &[(Phase::Send, Reply::Done, Phase::Save)]);
    assert_found(&small().in_order(order).check(), "S2: an answer");
}

#[test]
fn a_pair_that_is_published_before_it_is_saved_is_used_too_soon() {
    let publish_first = [
        (Phase::Keep, Reply::Done, Phase::Publish),
        (Phase::Publish, Reply::Done, Phase::Save),
        (Phase::Close, Reply::Done, Phase::Release),
        (Phase::Close, Reply::Failed, Phase::Release),
    ];
    assert_found(&small().in_order(order(&[], &publish_first)).check(), "a pair is used");
}

#[test]
fn without_reading_again_under_the_lease_a_spent_token_is_sent() {
    // The store would refuse to begin; here it does not.
    let order = order(&[Phase::Read], &[(Phase::Lease, Reply::Done, Phase::Open)]);
    let setup = small().in_order(order).with_mistake(Mistake::BeginsWithAnyPair);
    assert_found(&setup.check(), "S1");
}

#[test]
fn without_an_intent_two_send_the_same_token() {
    let order = order(&[Phase::Intend], &[(Phase::Room, Reply::Done, Phase::Note)]);
    assert_found(&small().in_order(order).check(), "S1");
}

#[test]
fn whoever_ignores_an_open_intent_sends_the_same_token() {
    let order = order(&[], &[(Phase::Intend, Reply::Nothing, Phase::Note)]);
    assert_found(&small().in_order(order).check(), "S1");
}

#[test]
fn whoever_does_not_save_again_leaves_the_store_with_a_spent_pair() {
    let order = order(&[], &[(Phase::Save, Reply::Failed, Phase::Release)]);
    assert_found(&small().in_order(order).check(), "S2: when all is quiet");
}

#[test]
fn a_request_that_begins_with_any_pair_sends_a_spent_token() {
    assert_found(&small().with_mistake(Mistake::BeginsWithAnyPair).check(), "S1");
}

#[test]
fn a_refusal_that_is_counted_twice_gives_up_too_soon() {
    assert_found(&small().with_mistake(Mistake::CountsTwice).check(), "S4");
}

#[test]
fn a_late_answer_that_is_dropped_because_another_took_over_is_lost() {
    assert_found(&small().with_mistake(Mistake::DropsLateAnswers).check(), "S2");
}

#[test]
fn an_answer_is_not_forgotten_together_with_the_store() {
    let left = Left { crashes: 1, pauses: 1, forgets: 1, ..Left::NOTHING };
    let setup = Setup::of(Bounds { left, ..SMALL }).with_mistake(Mistake::ForgetsWithTheStore);
    assert_found(&setup.check(), "S2");
}

/// Gives up at the first refusal.
fn believes_one_refusal(record: Option<&Record>, event: &Event, at: Circumstances) -> Option<Record> {
    let mut record = step(record, event, at)?;
    if let (Event::Rejected, Link::Linked(linked)) = (event, &mut record.link) {
        linked.health = Health::Lost(LostReason::Rejected);
    }
    Some(record)
}

/// Takes any pair, however old.
fn adopts_any_pair(record: Option<&Record>, event: &Event, at: Circumstances) -> Option<Record> {
    let mut record = record?.clone();
    if let Event::Refreshed { spent, .. } = event {
        record.position = *spent;
    }
    step(Some(&record), event, at)
}

#[test]
fn one_refusal_that_is_believed_gives_up_too_soon() {
    assert_found(&small().with_step(believes_one_refusal).check(), "S4");
}

#[test]
fn an_old_pair_from_a_journal_must_not_replace_a_newer_one() {
    assert_found(&small().with_step(adopts_any_pair).check(), "S3");
}
