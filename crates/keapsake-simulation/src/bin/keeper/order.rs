//! What it is told: a word a line, some with a value.

use std::io::BufRead as _;
use std::str::FromStr;

use tokio::sync::mpsc;

/// One line of the input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Order {
    /// `connect acme`: authorize, as a person at a browser would.
    Connect(String),
    /// `go`: all tasks call at once.
    Go,
    /// `call`: one call.
    Call,
    /// `refresh`: a refresh that is not due.
    Refresh,
    /// `jump 3600`: the clock jumps by so many seconds, forward or back.
    Jump(i64),
    /// `stop`: end as a program should.
    Stop,
}

impl FromStr for Order {
    type Err = String;

    fn from_str(line: &str) -> Result<Self, String> {
        let (word, value) = line.trim().split_once(' ').unwrap_or((line.trim(), ""));
        match (word, value) {
            ("connect", account) if !account.is_empty() => Ok(Self::Connect(account.into())),
            ("go", "") => Ok(Self::Go),
            ("call", "") => Ok(Self::Call),
            ("refresh", "") => Ok(Self::Refresh),
            ("jump", seconds) => seconds.parse().map(Self::Jump).map_err(|error| error.to_string()),
            ("stop", "") => Ok(Self::Stop),
            _ => Err(format!("`{line}` is no order")),
        }
    }
}

/// The orders as they come. The end of the input is the last one.
pub(crate) fn orders() -> mpsc::UnboundedReceiver<Order> {
    let (sender, receiver) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            let Ok(order) = line.parse().inspect_err(|error| eprintln!("error: {error}")) else { continue };
            if sender.send(order).is_err() {
                return;
            }
        }
        // Whoever gave orders is gone, perhaps killed: this must not outlive it.
        std::process::exit(0);
    });
    receiver
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_are_words() {
        assert_eq!("connect acme".parse(), Ok(Order::Connect("acme".into())));
        assert_eq!("go\n".parse(), Ok(Order::Go));
        assert_eq!("jump -3600".parse(), Ok(Order::Jump(-3600)));
        for bad in ["", "connect", "go on", "jump", "jump far"] {
            assert!(bad.parse::<Order>().is_err(), "{bad}");
        }
    }
}
