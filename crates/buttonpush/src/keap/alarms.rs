//! Who hears of trouble with the connection, by the settings.

use std::sync::Arc;

use keapsake::SystemClock;
use keapsake::alarm::{self, Channel};
use keapsake::client::Builder;
use keapsake::secret::WebhookSecret;
use keapsake::transport::HttpTransport;
use secrecy::ExposeSecret as _;

use crate::config::{Alarms, Command, Webhook};

pub(super) fn tell(builder: Builder, alarms: &Alarms) -> anyhow::Result<Builder> {
    let mut builder = builder;
    if let Some(ours) = &alarms.webhook {
        builder = builder.alarm(webhook(ours)?);
    }
    if let Some(ours) = &alarms.command {
        builder = builder.alarm(command(ours));
    }
    if let Some(url) = &alarms.heartbeat {
        builder = builder.heartbeat(url.clone());
    }
    Ok(builder)
}

/// Receivers live by the time of the world, also when Keap's is a sandbox's.
fn webhook(ours: &Webhook) -> anyhow::Result<Arc<dyn Channel>> {
    let secret = WebhookSecret::new(ours.secret.expose_secret());
    let transport = Arc::new(HttpTransport::for_api()?);
    Ok(Arc::new(alarm::Webhook::new(&ours.url, secret, transport, Arc::new(SystemClock))?))
}

fn command(ours: &Command) -> Arc<dyn Channel> {
    Arc::new(alarm::Command::new(&ours.program, &ours.arguments, Arc::new(SystemClock)))
}
