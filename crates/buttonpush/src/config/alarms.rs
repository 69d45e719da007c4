//! Settings about who hears of trouble with the connection.

use std::path::PathBuf;

use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use super::secret::secret;
use super::settings::{Given, Settings, half, refuse_unused};
use super::web_url::web_url;
use crate::trouble::Trouble;

/// Shorter ones can be guessed.
const SHORTEST_SECRET: usize = 16;

/// Who hears of trouble, beside whoever reads the log.
#[derive(Debug, Default)]
pub struct Alarms {
    /// A receiver of signed JSON.
    pub webhook: Option<Webhook>,
    /// A program on this machine.
    pub command: Option<Command>,
    /// What is called while all is well.
    pub heartbeat: Option<Url>,
}

/// A receiver of alarms. Often whoever knows its address can call it, so it is not printed.
pub struct Webhook {
    /// Where it is.
    pub url: Url,
    /// What it knows us by.
    pub secret: SecretString,
}

/// A program that is run for each alarm.
#[derive(Debug)]
pub struct Command {
    /// Its full path.
    pub program: PathBuf,
    /// The same for each alarm.
    pub arguments: Vec<String>,
}

impl Alarms {
    pub(super) fn parse(settings: &mut Settings) -> Result<Self, Trouble> {
        let heartbeat = settings.keapsake_heartbeat_url.take();
        Ok(Self {
            webhook: webhook(settings)?,
            command: settings.keapsake_alarm_command.take().map(|given| command(&given)).transpose()?,
            heartbeat: heartbeat.map(|given| web_url("KEAPSAKE_HEARTBEAT_URL", given.text())).transpose()?,
        })
    }

    /// With an API key there is no connection that could be in trouble.
    pub(super) fn refuse(settings: &Settings) -> Result<(), Trouble> {
        let unused = [
            ("keapsake_alarm_webhook_url", &settings.keapsake_alarm_webhook_url),
            ("keapsake_alarm_webhook_secret", &settings.keapsake_alarm_webhook_secret),
            ("keapsake_alarm_webhook_secret_file", &settings.keapsake_alarm_webhook_secret_file),
            ("keapsake_alarm_command", &settings.keapsake_alarm_command),
            ("keapsake_heartbeat_url", &settings.keapsake_heartbeat_url),
        ];
        for (name, given) in unused {
            refuse_unused(
                name,
                given.as_ref(),
                "KEAP_API_KEY is set, and a key has nothing that could be lost",
            )?;
        }
        Ok(())
    }
}

fn webhook(settings: &mut Settings) -> Result<Option<Webhook>, Trouble> {
    const URL: &str = "KEAPSAKE_ALARM_WEBHOOK_URL";
    const SECRET: &str = "KEAPSAKE_ALARM_WEBHOOK_SECRET";
    const WITHOUT: &str = "to have alarms in the log only";
    let secret = secret(
        "keapsake_alarm_webhook_secret",
        settings.keapsake_alarm_webhook_secret.take(),
        settings.keapsake_alarm_webhook_secret_file.take(),
    )?;
    match (settings.keapsake_alarm_webhook_url.take(), secret) {
        (None, None) => Ok(None),
        (Some(_), None) => Err(half(SECRET, URL, WITHOUT)),
        (None, Some(_)) => Err(half(URL, SECRET, WITHOUT)),
        (Some(_), Some(secret)) if secret.expose_secret().len() < SHORTEST_SECRET => Err(Trouble::new(
            SECRET,
            format!("is shorter than {SHORTEST_SECRET} characters."),
            "it was made up, or cut when it was copied",
            "make one with `openssl rand -hex 32`, and give it to the receiver, too",
        )),
        (Some(given), Some(secret)) => Ok(Some(Webhook { url: web_url(URL, given.text())?, secret })),
    }
}

fn command(given: &Given) -> Result<Command, Trouble> {
    const NAME: &str = "KEAPSAKE_ALARM_COMMAND";
    let mut words = given.text().split(' ').filter(|word| !word.is_empty());
    let program = PathBuf::from(words.next().unwrap_or_default());
    if !program.is_absolute() || !program.is_file() {
        return Err(Trouble::new(
            NAME,
            "does not begin with the full path of a program on this machine.",
            "the name alone was given, the program is not installed, or its path has a space",
            "write its path, as /usr/local/bin/alarm, and then its arguments; put what needs a shell into a script",
        ));
    }
    Ok(Command { program, arguments: words.map(str::to_owned).collect() })
}

impl std::fmt::Debug for Webhook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Webhook").finish_non_exhaustive()
    }
}
