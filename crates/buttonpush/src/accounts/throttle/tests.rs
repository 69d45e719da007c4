use std::net::IpAddr;

use super::*;

fn network(text: &str) -> Network {
    Network::from(text.parse::<IpAddr>().unwrap())
}

fn start() -> Timestamp {
    "2026-01-01T00:00:00Z".parse().unwrap()
}

fn throttle() -> Throttle {
    Throttle::new(Limits::with_sign_ups_per_hour(60))
}

const ANNA: &str = "anna@example.com";

/// Guesses once a second for an hour; how many were evaluated.
fn guesses_in_an_hour(throttle: &Throttle, from: impl Fn(u64) -> Network) -> u32 {
    let mut evaluated = 0;
    for second in 0..3600 {
        let now = later(start(), Duration::from_secs(second));
        for _ in 0..3 {
            evaluated += u32::from(throttle.log_in(ANNA, from(second), now).is_ok());
        }
    }
    evaluated
}

#[test]
fn ten_thousand_guesses_from_one_network_are_a_handful() {
    let evaluated = guesses_in_an_hour(&throttle(), |_| network("192.0.2.1"));
    assert!(evaluated <= 20, "{evaluated}");
}

#[test]
fn ten_thousand_guesses_from_everywhere_are_below_a_hundred() {
    let address = |second: u64| network(&format!("198.51.{}.{}", second / 250, second % 250));
    let evaluated = guesses_in_an_hour(&throttle(), address);
    assert!(evaluated <= 100, "{evaluated}");
}

#[test]
fn the_owner_logs_in_from_where_they_always_do_while_strangers_guess() {
    let throttle = throttle();
    let home = network("203.0.113.7");
    throttle.log_in(ANNA, home, start()).unwrap();
    throttle.logged_in(ANNA, home);
    guesses_in_an_hour(&throttle, |second| network(&format!("198.51.{}.{}", second / 250, second % 250)));
    throttle.log_in(ANNA, home, later(start(), HOUR)).unwrap();
}

#[test]
fn an_owner_who_mistypes_waits_seconds_and_is_forgiven() {
    let throttle = throttle();
    let home = network("203.0.113.7");
    for _ in 0..5 {
        throttle.log_in(ANNA, home, start()).unwrap();
    }
    assert_eq!(throttle.log_in(ANNA, home, start()), Err(Wait(SECOND)));
    let now = later(start(), SECOND);
    throttle.log_in(ANNA, home, now).unwrap();
    assert_eq!(throttle.log_in(ANNA, home, now), Err(Wait(2 * SECOND)));
    throttle.logged_in(ANNA, home);
    throttle.log_in(ANNA, home, now).unwrap();
}

#[test]
fn nobody_waits_longer_than_the_limit_even_if_the_clock_jumps_back() {
    let throttle = throttle();
    let home = network("203.0.113.7");
    for _ in 0..5 {
        throttle.log_in(ANNA, home, start()).unwrap();
    }
    let long_ago = start().checked_sub(Duration::from_hours(24)).unwrap();
    let Wait(wait) = throttle.log_in(ANNA, home, long_ago).unwrap_err();
    assert!(wait <= 15 * MINUTE, "{wait:?}");
}

#[test]
fn sign_ups_from_one_network_come_down_to_their_rate() {
    let throttle = throttle();
    let flood = network("192.0.2.1");
    let mut taken = 0;
    for second in 0..7200 {
        taken += u32::from(throttle.sign_up(flood, later(start(), Duration::from_secs(second))).is_ok());
    }
    assert!((150..=200).contains(&taken), "{taken}");
    throttle.sign_up(network("192.0.2.2"), start()).unwrap();
}

#[test]
fn the_tallies_stay_bounded() {
    let throttle = throttle();
    for n in 0..u32::try_from(TALLIES_MAX).unwrap() + 10 {
        let flood = Network::from(IpAddr::from(n.to_be_bytes()));
        throttle.sign_up(flood, later(start(), Duration::from_millis(n.into()))).unwrap();
    }
    assert!(throttle.state().tallies.len() <= TALLIES_MAX);
}
