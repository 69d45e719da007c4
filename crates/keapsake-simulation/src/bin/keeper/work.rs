//! What it does while it runs: calls, and orders.

use std::sync::Arc;

use http::Method;
use keapsake::{Error, Keap};
use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::{Barrier, Notify};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use crate::application::Application;
use crate::options::Options;
use crate::order::{Order, orders};
use crate::report::{say, say_status};

/// Of errors that are all alike, a few are enough.
const ERRORS_SHOWN: usize = 5;

/// Does what it is told until it is told to stop.
pub(crate) async fn until_told_to_stop(application: Application, options: &Options) -> anyhow::Result<()> {
    let keap = application.keap.clone();
    tokio::spawn(tell_changes(keap.clone()));
    if let Some(every) = options.call_every {
        let mut ticks = interval(every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let keap = keap.clone();
        tokio::spawn(async move {
            loop {
                ticks.tick().await;
                tell_call("called_by_itself", &keap).await;
            }
        });
    }
    let burst = Burst::wait(&keap, options.tasks);
    say_status("ready", &keap);
    obey(application, burst, orders()).await
}

async fn obey(
    application: Application,
    burst: Burst,
    mut orders: UnboundedReceiver<Order>,
) -> anyhow::Result<()> {
    let keap = application.keap.clone();
    let mut burst = Some(burst);
    while let Some(order) = orders.recv().await {
        match order {
            Order::Jump(seconds) => application.clock.jump(seconds),
            Order::Go => {
                if let Some(burst) = burst.take() {
                    tokio::spawn(burst.go());
                }
            }
            Order::Call => {
                let keap = keap.clone();
                tokio::spawn(async move { tell_call("called", &keap).await });
            }
            Order::Refresh => {
                tokio::spawn(refresh(keap.clone()));
            }
            Order::Connect(account) => {
                application.connect(&account).await?;
                say_status("connected", &keap);
            }
            Order::Stop => {
                keap.stop().await;
                say_status("stopped", &keap);
                return Ok(());
            }
        }
    }
    Ok(())
}

async fn tell_changes(keap: Keap) {
    loop {
        keap.changed().await;
        say_status("status", &keap);
    }
}

async fn call(keap: &Keap) -> Result<(), Error> {
    keap.call(Method::GET, "/rest/v2/businessProfile").send().await.map(|_| ())
}

async fn tell_call(says: &str, keap: &Keap) {
    let outcome = call(keap).await;
    let error = outcome.as_ref().err().map(ToString::to_string);
    let generation = keap.status().position.map(|position| position.generation);
    say(&json!({"says": says, "ok": outcome.is_ok(), "error": error, "generation": generation}));
}

/// Refreshes although nothing is due, and tells when there is another pair.
async fn refresh(keap: Keap) {
    let before = keap.status().position;
    if let Err(error) = keap.refresh().await {
        return say(&json!({"says": "refreshed", "ok": false, "error": error.to_string()}));
    }
    while keap.status().position == before {
        keap.changed().await;
    }
    say(&json!({"says": "refreshed", "ok": true}));
}

/// Tasks that all wait for one signal, to call at the same moment.
struct Burst {
    signal: Arc<Notify>,
    /// So that none is still on its way to the signal when that comes.
    waiting: Arc<Barrier>,
    tasks: JoinSet<Result<(), Error>>,
}

impl Burst {
    fn wait(keap: &Keap, tasks: u32) -> Self {
        let signal = Arc::new(Notify::new());
        let waiting = Arc::new(Barrier::new(usize::try_from(tasks).unwrap_or(usize::MAX).saturating_add(1)));
        let mut set = JoinSet::new();
        for _ in 0..tasks {
            let (keap, signal, waiting) = (keap.clone(), signal.clone(), waiting.clone());
            set.spawn(async move {
                let signalled = signal.notified();
                tokio::pin!(signalled);
                signalled.as_mut().enable();
                waiting.wait().await;
                signalled.await;
                call(&keap).await
            });
        }
        Self { signal, waiting, tasks: set }
    }

    async fn go(self) {
        self.waiting.wait().await;
        self.signal.notify_waiters();
        let outcomes = self.tasks.join_all().await;
        say(&outcome_of(&outcomes));
    }
}

fn outcome_of(outcomes: &[Result<(), Error>]) -> Value {
    let failed: Vec<_> = outcomes.iter().filter_map(|outcome| outcome.as_ref().err()).collect();
    let errors: Vec<_> = failed.iter().take(ERRORS_SHOWN).map(ToString::to_string).collect();
    json!({"says": "went", "calls": outcomes.len(), "failed": failed.len(), "errors": errors})
}
