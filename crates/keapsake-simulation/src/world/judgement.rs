//! When everything has come to rest: is it as it must be?

use std::time::Duration;

use keapsake::connection::record::Position;
use tokio::time::{sleep, timeout};

use super::people::People;

/// The connection is alive and holds Keap's newest pair, or no client could have kept it and the state says so.
pub(crate) async fn judge(people: &People) {
    let network = &people.network;
    let diary = &network.truth.diary;
    let (state, excuse) = (people.state().await, network.keap.excuse());
    diary.note(format_args!("in the end: {state}, {excuse:?}"));
    if people.hosts.iter().any(|host| host.process().is_none()) {
        diary.violation(format_args!("a process does not run although nothing is wrong"));
    }
    match (state, excuse) {
        ("Disconnected" | "NotConnected", _) | ("Restored" | "Lost", Some(_)) => {}
        ("Restored", None) => {
            diary.violation(format_args!("in the end: Restored although the newest pair is there"));
        }
        ("Lost", None) => {
            diary.violation(format_args!("in the end: given up although the newest pair is there"));
        }
        (_, Some(excuse)) => {
            diary.violation(format_args!("in the end: {state}, although it is over: {excuse}"));
        }
        (_, None) => shows_that_it_lives(people, state).await,
    }
}

/// A refresh works now, and everybody sees it.
async fn shows_that_it_lives(people: &People, state: &str) {
    let diary = &people.network.truth.diary;
    if state != "Well" {
        diary.violation(format_args!("in the end: {state}, although nothing is wrong"));
        return;
    }
    let before = position(people).await;
    let Some(process) = people.hosts.iter().find_map(|host| host.process()) else { return };
    let asked = timeout(Duration::from_mins(1), process.keap.refresh()).await;
    if !matches!(asked, Ok(Ok(()))) {
        diary.violation(format_args!("in the end: a refresh cannot be asked for"));
    }
    sleep(Duration::from_mins(10)).await;
    let after = position(people).await;
    if after.generation != before.generation + 1 || people.state().await != "Well" {
        diary.violation(format_args!("in the end: a refresh did not work: {before}, then {after}"));
    }
    for process in people.hosts.iter().filter_map(|host| host.process()) {
        let status = process.keap.status();
        if !status.can_call {
            diary.violation(format_args!("in the end: {} cannot call", process.id));
        }
    }
}

async fn position(people: &People) -> Position {
    people.record().await.map_or(Position::NONE, |record| record.position)
}
