//! Settings about Keap: which one, and who we are there.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use secrecy::SecretString;
use url::Url;

use super::network::{Network, address};
use super::origin::{Origin, is_loopback};
use super::secret::{refuse_placeholder, secret};
use super::settings::{Given, Settings, half, refuse_unused, shown};
use super::web_url::web_url;
use crate::trouble::Trouble;

/// Where Keap sends the administrator back, below our origin. The panel is mounted so that it is there.
pub const CALLBACK_PATH: &str = "/admin/keap/callback";

const AUTHORIZE_URL: &str = "https://signin.infusionsoft.com/app/oauth/authorize";
const TOKEN_URL: &str = "https://api.infusionsoft.com/token";
const API_URL: &str = "https://api.infusionsoft.com/crm";
const SANDBOX_LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8100);

const TO_USE_THE_SANDBOX: &str = "to use the built-in sandbox";

/// How Keap is reached.
#[derive(Debug)]
pub enum Keap {
    /// The built-in sandbox, which is started and used.
    Sandbox {
        /// Where it listens.
        listen: SocketAddr,
        /// Where it sends the administrator back, if not to the public origin.
        redirect_uri: Option<Url>,
    },
    /// A Keap application that an administrator connects.
    Application(Box<KeapApplication>),
    /// A Service Account Key or Personal Access Token.
    ApiKey {
        /// The key.
        key: SecretString,
        /// Where the API is.
        api_url: Url,
    },
}

/// A registered Keap application, and the Keap that knows it.
#[derive(Debug)]
pub struct KeapApplication {
    /// The application's id; not a secret, but of no use in a log either.
    pub client_id: String,
    /// The application's secret.
    pub client_secret: SecretString,
    /// Where Keap sends the administrator back, if not to the public origin.
    pub redirect_uri: Option<Url>,
    /// Where the administrator signs in.
    pub authorize_url: Url,
    /// Where tokens come from.
    pub token_url: Url,
    /// Where the API is.
    pub api_url: Url,
}

impl Keap {
    pub(super) fn parse(settings: &mut Settings, network: &Network) -> Result<Self, Trouble> {
        let client_id = settings.keap_client_id.take();
        let client_secret = secret(
            "keap_client_secret",
            settings.keap_client_secret.take(),
            settings.keap_client_secret_file.take(),
        )?;
        let api_key =
            secret("keap_api_key", settings.keap_api_key.take(), settings.keap_api_key_file.take())?;
        match (client_id, client_secret, api_key) {
            (None, None, None) => sandbox(settings, network),
            (Some(id), Some(secret), None) => application(&id, secret, settings, network),
            (None, None, Some(key)) => with_api_key(key, settings),
            (Some(_), None, _) => Err(half("KEAP_CLIENT_SECRET", "KEAP_CLIENT_ID", TO_USE_THE_SANDBOX)),
            (None, Some(_), _) => Err(half("KEAP_CLIENT_ID", "KEAP_CLIENT_SECRET", TO_USE_THE_SANDBOX)),
            (Some(_), Some(_), Some(_)) => Err(Trouble::new(
                "KEAP_API_KEY",
                "is given together with KEAP_CLIENT_ID.",
                "one of the two was tried first and stayed",
                "keep the key, or the application's id and secret",
            )),
        }
    }

    /// Where Keap sends the administrator back, if that was given.
    pub fn redirect_uri(&self) -> Option<&Url> {
        match self {
            Self::Sandbox { redirect_uri, .. } => redirect_uri.as_ref(),
            Self::Application(application) => application.redirect_uri.as_ref(),
            Self::ApiKey { .. } => None,
        }
    }
}

fn sandbox(settings: &mut Settings, network: &Network) -> Result<Keap, Trouble> {
    let unused = [
        ("keap_authorize_url", &settings.keap_authorize_url),
        ("keap_token_url", &settings.keap_token_url),
        ("keap_api_url", &settings.keap_api_url),
    ];
    for (name, given) in unused {
        refuse_unused(name, given.as_ref(), "there is neither KEAP_CLIENT_ID nor KEAP_API_KEY")?;
    }
    let default =
        if network.listen.port() == 0 { SocketAddr::new(SANDBOX_LISTEN.ip(), 0) } else { SANDBOX_LISTEN };
    let listen = address("sandbox_listen", settings.sandbox_listen.take())?.unwrap_or(default);
    if !listen.ip().is_loopback() {
        return Err(Trouble::new(
            "SANDBOX_LISTEN",
            "is reachable from other machines.",
            "it was opened for a container, but anybody may sign in to the sandbox",
            "let it listen on 127.0.0.1",
        ));
    }
    Ok(Keap::Sandbox { listen, redirect_uri: redirect_uri(settings, network)? })
}

fn application(
    id: &Given,
    client_secret: SecretString,
    settings: &mut Settings,
    network: &Network,
) -> Result<Keap, Trouble> {
    refuse_unused("sandbox_listen", settings.sandbox_listen.as_ref(), "KEAP_CLIENT_ID is set")?;
    refuse_placeholder("keap_client_id", id.text())?;
    let redirect_uri = redirect_uri(settings, network)?;
    let application = KeapApplication {
        client_id: id.text().to_owned(),
        client_secret,
        authorize_url: keap_url(
            "keap_authorize_url",
            settings.keap_authorize_url.take().as_ref(),
            AUTHORIZE_URL,
        )?,
        token_url: keap_url("keap_token_url", settings.keap_token_url.take().as_ref(), TOKEN_URL)?,
        api_url: keap_url("keap_api_url", settings.keap_api_url.take().as_ref(), API_URL)?,
        redirect_uri,
    };
    application.refuse_two_keaps()?;
    application.refuse_plain_http_from_keap(network)?;
    Ok(Keap::Application(Box::new(application)))
}

fn with_api_key(key: SecretString, settings: &mut Settings) -> Result<Keap, Trouble> {
    let unused = [
        ("sandbox_listen", &settings.sandbox_listen),
        ("keap_redirect_uri", &settings.keap_redirect_uri),
        ("keap_authorize_url", &settings.keap_authorize_url),
        ("keap_token_url", &settings.keap_token_url),
    ];
    for (name, given) in unused {
        refuse_unused(name, given.as_ref(), "KEAP_API_KEY is set, and a key needs no sign-in at Keap")?;
    }
    Ok(Keap::ApiKey {
        key,
        api_url: keap_url("keap_api_url", settings.keap_api_url.take().as_ref(), API_URL)?,
    })
}

impl KeapApplication {
    /// A secret of the real Keap must not go to a local one, nor the reverse.
    fn refuse_two_keaps(&self) -> Result<(), Trouble> {
        let urls = [&self.authorize_url, &self.token_url, &self.api_url];
        if urls.iter().all(|url| is_loopback(url)) || !urls.iter().any(|url| is_loopback(url)) {
            return Ok(());
        }
        Err(Trouble::new(
            "KEAP_AUTHORIZE_URL, KEAP_TOKEN_URL and KEAP_API_URL",
            "are not of one Keap: some point to this machine, some do not.",
            "only some of the three were set, and the others have their defaults",
            "set all three for a local Keap, none for the real one",
        ))
    }

    fn refuse_plain_http_from_keap(&self, network: &Network) -> Result<(), Trouble> {
        if is_loopback(&self.authorize_url) {
            return Ok(());
        }
        let encrypted = match &self.redirect_uri {
            Some(given) => given.scheme() == "https",
            None => network.public_url.as_ref().is_some_and(Origin::is_https),
        };
        if encrypted {
            return Ok(());
        }
        Err(Trouble::new(
            "KEAP_REDIRECT_URI",
            "is missing or not https, which Keap requires.",
            "the application runs on this machine only, and Keap cannot send anybody back to it",
            format!("set it to https://<your host>{CALLBACK_PATH}, exactly as registered at Keap"),
        ))
    }
}

fn redirect_uri(settings: &mut Settings, network: &Network) -> Result<Option<Url>, Trouble> {
    const NAME: &str = "KEAP_REDIRECT_URI";
    let Some(given) = settings.keap_redirect_uri.take() else { return Ok(None) };
    let url = web_url(NAME, given.text())?;
    if url.path() != CALLBACK_PATH || url.query().is_some() || url.fragment().is_some() {
        return Err(Trouble::new(
            NAME,
            format!("does not end in {CALLBACK_PATH}."),
            "it was registered at Keap with another path, which ButtonPush does not answer",
            format!("register and set https://<your host>{CALLBACK_PATH}"),
        ));
    }
    if network.public_url.is_some() && network.public_url != Origin::of(&url) {
        return Err(Trouble::new(
            NAME,
            "has another origin than BUTTONPUSH_PUBLIC_URL.",
            "one of the two has an old host, http instead of https, or another port",
            "let both begin alike: the browser keeps the sign-in for one origin only",
        ));
    }
    Ok(Some(url))
}

fn keap_url(name: &str, given: Option<&Given>, default: &str) -> Result<Url, Trouble> {
    web_url(&shown(name), given.map_or(default, Given::text))
}
