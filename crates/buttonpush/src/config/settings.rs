//! Every setting there is, one line each, and where a value came from.

use std::fmt;
use std::path::PathBuf;

use secrecy::{ExposeSecret as _, SecretString};

use crate::trouble::Trouble;

/// Declares the settings once: the struct, their names, and the lines of the reference.
macro_rules! settings {
    ($($(#[doc = $doc:literal])+ $field:ident,)+) => {
        /// The settings as given, before they mean anything.
        ///
        /// The environment variable is the name in capitals, the key in a TOML file is the name as it is here.
        #[derive(Debug, Default)]
        pub(super) struct Settings {
            $($(#[doc = $doc])+ pub(super) $field: Option<Given>,)+
        }

        impl Settings {
            /// Where the value of the setting with this name (in small letters) goes.
            pub(super) fn slot(&mut self, name: &str) -> Option<&mut Option<Given>> {
                match name {
                    $(stringify!($field) => Some(&mut self.$field),)+
                    _ => None,
                }
            }
        }

        /// Name and meaning of every setting, for the reference page and for suggestions.
        pub const SETTINGS: &[(&str, &str)] = &[$((stringify!($field), concat!($($doc),+)),)+];
    };
}

settings! {
    /// The id of the Keap application; without it (and without a key) the built-in sandbox is used.
    keap_client_id,
    /// The secret of the Keap application.
    keap_client_secret,
    /// A file that holds the secret of the Keap application, instead of the secret itself.
    keap_client_secret_file,
    /// Where Keap sends the administrator back: `https://<this application>/admin/keap/callback`.
    keap_redirect_uri,
    /// Where the administrator signs in at Keap; default `https://signin.infusionsoft.com/app/oauth/authorize`.
    keap_authorize_url,
    /// Where tokens come from; default `https://api.infusionsoft.com/token`.
    keap_token_url,
    /// Where Keap's API is; default `https://api.infusionsoft.com/crm`.
    keap_api_url,
    /// A Service Account Key or Personal Access Token, instead of an application's id and secret.
    keap_api_key,
    /// A file that holds the key, instead of the key itself.
    keap_api_key_file,
    /// `sqlite:<file in the data directory>`; default `buttonpush.db` there.
    database_url,
    /// The key that seals stored tokens; default `keapsake.key` in the data directory, made when absent.
    keapsake_key_file,
    /// What is known of how Keap treats a refresh token that comes twice: `unmeasured` (the default), `access-token-tells`, `grace:<seconds>` or `reuse-revokes`.
    keapsake_policy,
    /// Where alarms are sent, as signed JSON; they always go to the log, too.
    keapsake_alarm_webhook_url,
    /// What alarms to the webhook are signed with, at least 16 characters; goes with its URL.
    keapsake_alarm_webhook_secret,
    /// A file that holds that secret, instead of the secret itself.
    keapsake_alarm_webhook_secret_file,
    /// A program that is run for each alarm, with the alarm as JSON on its standard input: its full path, then its arguments, by spaces; there is no shell.
    keapsake_alarm_command,
    /// An address that is called every five minutes while all is well, for a service that notices when that ends.
    keapsake_heartbeat_url,
    /// Where ButtonPush listens; default `127.0.0.1:8080`, port 0 takes a free one.
    buttonpush_listen,
    /// The data directory; default `data`.
    buttonpush_data,
    /// The origin that people see, as `https://push.example.com`; default: that of the redirect URI.
    buttonpush_public_url,
    /// Addresses of proxies, by commas, whose last `X-Forwarded-For` entry is believed; default none.
    buttonpush_trusted_proxies,
    /// How many sign-ups one network may make in an hour before it has to wait; default 60.
    buttonpush_sign_ups_per_hour,
    /// What is logged, as `info` or `warn,buttonpush=debug`; default `info`.
    buttonpush_log,
    /// Where the built-in sandbox listens; default `127.0.0.1:8100`, or a free port beside `BUTTONPUSH_LISTEN` with port 0.
    sandbox_listen,
}

/// A value as it was given. It may be a secret, so all of them print as one.
#[derive(Debug)]
pub(super) struct Given {
    value: SecretString,
    source: Source,
}

/// Where a value was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    Environment,
    File(PathBuf),
}

impl Given {
    /// Takes a value that is not empty and fits on a line.
    pub(super) fn new(name: &str, value: String, source: Source) -> Result<Self, Trouble> {
        if value.trim().is_empty() {
            return Err(Trouble::new(
                shown(name),
                format!("is given in {source}, but empty."),
                "a template was filled in without this value",
                "give it a value, or remove it to use the default",
            ));
        }
        if value.trim() != value || value.chars().any(char::is_control) {
            return Err(Trouble::new(
                shown(name),
                format!("in {source} begins or ends with white space, or contains a line break."),
                "it was copied with a space or line end too many",
                "write it without them",
            ));
        }
        Ok(Self { value: value.into(), source })
    }

    /// The value, to be parsed. Nothing made from it may be printed unless it is known not to be secret.
    pub(super) fn text(&self) -> &str {
        self.value.expose_secret()
    }

    pub(super) fn into_secret(self) -> SecretString {
        self.value
    }

    pub(super) fn source(&self) -> &Source {
        &self.source
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment => f.write_str("the environment"),
            Self::File(path) => write!(f, "{}", path.display()),
        }
    }
}

/// Refuses what would be given and not used: it is a mistake that nobody would notice.
pub(super) fn refuse_unused(name: &str, given: Option<&Given>, because: &str) -> Result<(), Trouble> {
    let Some(given) = given else { return Ok(()) };
    Err(Trouble::new(
        shown(name),
        format!("in {} would have no effect: {because}.", given.source()),
        "a setting of another way to reach Keap was left behind, or one that belongs to it is missing",
        "remove it, or complete the settings it belongs to",
    ))
}

/// Of two settings that belong together one is missing.
pub(super) fn half(missing: &str, given: &str, without: &str) -> Trouble {
    Trouble::new(
        missing,
        format!("is missing although {given} is given."),
        "the two belong together and only one was copied",
        format!("set {missing} too, or remove {given} {without}"),
    )
}

/// A setting's name as people look for it.
pub(super) fn shown(name: &str) -> String {
    name.to_uppercase()
}
