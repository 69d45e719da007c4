//! Who we are and where Keap is.

use url::{Host, Url};

use crate::secret::ClientSecret;

/// A Keap application: its credentials, the address Keap returns to, and Keap's own addresses.
///
/// Made once, checked once; everything later can rely on it.
#[derive(Debug, Clone)]
pub struct Application {
    pub(crate) client_id: String,
    pub(crate) client_secret: ClientSecret,
    pub(crate) redirect_uri: Url,
    pub(crate) endpoints: Endpoints,
    pub(crate) pkce: Pkce,
}

/// Whether the authorization carries a PKCE challenge (RFC 7636).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pkce {
    /// No challenge. Keap documents no such parameter and nobody has recorded how it treats one, so this is the
    /// default.
    #[default]
    Off,
    /// An S256 challenge with each authorization.
    S256,
}

/// Keap's addresses. Fixed by configuration: nothing in an answer ever changes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoints {
    /// Where an administrator signs in and allows the access.
    pub authorize: Url,
    /// Where codes and refresh tokens are exchanged.
    pub token: Url,
    /// The API's base, ending in `/crm`.
    pub api: Url,
}

/// Why an [`Application`] cannot work as given. Each says what to change.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ApplicationError {
    /// The client id is empty or has characters that no client id has.
    #[error(
        "the client id is empty or has spaces or control characters; copy it again from https://keys.developer.keap.com/"
    )]
    ClientId,
    /// The client secret is empty or has characters that no client secret has.
    #[error(
        "the client secret is empty or has spaces or control characters; copy it again from https://keys.developer.keap.com/"
    )]
    ClientSecret,
    /// Not an absolute URL.
    #[error(
        "`{0}` is not a complete web address; it should look like https://app.example.com/admin/keap/callback"
    )]
    NotAnAddress(String),
    /// Plain HTTP to somewhere that is not this machine.
    #[error(
        "`{0}` is plain http; codes and tokens travel through it, so it must be https (only a loopback address may be http)"
    )]
    PlainHttp(String),
    /// The redirect address is plain HTTP, but Keap is the real one.
    #[error(
        "the redirect address `{0}` is http, and Keap accepts only https; put the application behind https and use that address"
    )]
    RedirectNeedsHttps(String),
    /// The redirect address has a fragment or credentials (RFC 6749 section 3.1.2).
    #[error("the redirect address `{0}` has a fragment (#...) or credentials; take them away")]
    RedirectParts(String),
}

impl Application {
    /// An application of the real Keap. For another Keap (the sandbox) use [`Application::at`].
    ///
    /// ```
    /// # fn main() -> Result<(), keapsake::oauth::ApplicationError> {
    /// use keapsake::{ClientSecret, oauth::Application};
    /// let application = Application::new(
    ///     "my-client-id",
    ///     ClientSecret::new("my-client-secret"),
    ///     "https://app.example.com/admin/keap/callback",
    /// )?;
    /// # let _ = application; Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ApplicationError`] when a value cannot be right; it says which and what to change.
    pub fn new(
        client_id: impl Into<String>,
        client_secret: ClientSecret,
        redirect_uri: &str,
    ) -> Result<Self, ApplicationError> {
        Self::at(Endpoints::keap(), client_id, client_secret, redirect_uri)
    }

    /// An application of the Keap at these addresses.
    ///
    /// # Errors
    /// [`ApplicationError`] when a value cannot be right; it says which and what to change.
    pub fn at(
        endpoints: Endpoints,
        client_id: impl Into<String>,
        client_secret: ClientSecret,
        redirect_uri: &str,
    ) -> Result<Self, ApplicationError> {
        let client_id = client_id.into();
        if !is_visible(&client_id) {
            return Err(ApplicationError::ClientId);
        }
        if !is_visible(client_secret.expose()) {
            return Err(ApplicationError::ClientSecret);
        }
        endpoints.check()?;
        let redirect_uri = redirect(redirect_uri, &endpoints)?;
        Ok(Self { client_id, client_secret, redirect_uri, endpoints, pkce: Pkce::Off })
    }

    /// The same with PKCE as given.
    #[must_use]
    pub fn with_pkce(self, pkce: Pkce) -> Self {
        Self { pkce, ..self }
    }

    /// The public name of the application at Keap.
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    /// The one address Keap returns to; sent identically in both calls (RFC 6749 section 4.1.3).
    pub fn redirect_uri(&self) -> &Url {
        &self.redirect_uri
    }

    /// Keap's addresses.
    pub fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }
}

impl Endpoints {
    /// The real Keap.
    pub fn keap() -> Self {
        // The constants are checked by a test below, so that parsing them cannot fail.
        Self::parse(
            "https://signin.infusionsoft.com/app/oauth/authorize",
            "https://api.infusionsoft.com/token",
            "https://api.infusionsoft.com/crm",
        )
        .unwrap_or_else(|_| unreachable!("Keap's own addresses are valid"))
    }

    /// A Keap with all parts under one address, as the sandbox has.
    ///
    /// # Errors
    /// [`ApplicationError`] when the address is not one, or plain http beyond this machine.
    pub fn under(base: &str) -> Result<Self, ApplicationError> {
        let base = base.trim_end_matches('/');
        Self::parse(&format!("{base}/app/oauth/authorize"), &format!("{base}/token"), &format!("{base}/crm"))
    }

    /// From three addresses.
    ///
    /// # Errors
    /// [`ApplicationError`] when one is not an address, or plain http beyond this machine.
    pub fn parse(authorize: &str, token: &str, api: &str) -> Result<Self, ApplicationError> {
        let endpoints = Self {
            authorize: address(authorize)?,
            token: address(token)?,
            api: address(api.trim_end_matches('/'))?,
        };
        endpoints.check()?;
        Ok(endpoints)
    }

    /// The fields are public, so whoever relies on them checks again.
    pub(crate) fn check(&self) -> Result<(), ApplicationError> {
        for url in [&self.authorize, &self.token, &self.api] {
            if url.scheme() != "https" && !is_loopback(url) {
                return Err(ApplicationError::PlainHttp(shown(url)));
            }
        }
        Ok(())
    }
}

fn redirect(text: &str, endpoints: &Endpoints) -> Result<Url, ApplicationError> {
    let url = address(text)?;
    if url.fragment().is_some() || !url.username().is_empty() || url.password().is_some() {
        return Err(ApplicationError::RedirectParts(shown(&url)));
    }
    if url.scheme() == "https" {
        return Ok(url);
    }
    if !is_loopback(&endpoints.token) {
        return Err(ApplicationError::RedirectNeedsHttps(shown(&url)));
    }
    if !is_loopback(&url) {
        return Err(ApplicationError::PlainHttp(shown(&url)));
    }
    Ok(url)
}

fn address(text: &str) -> Result<Url, ApplicationError> {
    match Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "https" | "http") && url.has_host() => Ok(url),
        _ => Err(ApplicationError::NotAnAddress(text.chars().take(200).collect())),
    }
}

/// Whether this is the machine itself, where plain HTTP is allowed.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// The address without anything secret that somebody may have put into it.
fn shown(url: &Url) -> String {
    let mut url = url.clone();
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_query(None);
    url.set_fragment(None);
    url.into()
}

fn is_visible(text: &str) -> bool {
    !text.is_empty() && !text.chars().any(|c| c.is_whitespace() || c.is_control())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_real_keap_is_the_default() {
        let endpoints = Endpoints::keap();
        assert_eq!(endpoints.token.as_str(), "https://api.infusionsoft.com/token");
        assert_eq!(endpoints.authorize.as_str(), "https://signin.infusionsoft.com/app/oauth/authorize");
        assert_eq!(endpoints.api.as_str(), "https://api.infusionsoft.com/crm");
    }

    #[test]
    fn bad_values_are_refused_by_name() {
        use ApplicationError as E;
        let https = "https://app.example.com/cb";
        let make = |id: &str, secret: &str, redirect: &str| {
            Application::new(id, ClientSecret::new(secret), redirect).map(|_| ()).unwrap_err()
        };
        assert_eq!(make("", "s", https), E::ClientId);
        assert_eq!(make("a b", "s", https), E::ClientId);
        assert_eq!(make("id", "line\n", https), E::ClientSecret);
        assert!(matches!(make("id", "s", "/cb"), E::NotAnAddress(_)));
        assert!(matches!(make("id", "s", "ftp://x/cb"), E::NotAnAddress(_)));
        assert!(matches!(make("id", "s", "http://app.example.com/cb"), E::RedirectNeedsHttps(_)));
        assert!(matches!(make("id", "s", "http://127.0.0.1:8080/cb"), E::RedirectNeedsHttps(_)));
        assert!(matches!(make("id", "s", "https://app.example.com/cb#x"), E::RedirectParts(_)));
        assert!(matches!(make("id", "s", "https://me:pw@app.example.com/cb"), E::RedirectParts(_)));
    }

    #[test]
    fn plain_http_stays_on_the_machine() {
        assert!(Endpoints::under("http://127.0.0.1:8100").is_ok());
        assert!(Endpoints::under("http://[::1]:8100").is_ok());
        assert!(Endpoints::under("http://localhost:8100/").is_ok());
        assert!(matches!(Endpoints::under("http://keap.example.com"), Err(ApplicationError::PlainHttp(_))));
        let sandbox = Endpoints::under("http://127.0.0.1:8100").unwrap();
        let secret = ClientSecret::new("s");
        let beyond = Application::at(sandbox, "id", secret, "http://app.example.com/cb").unwrap_err();
        assert!(matches!(beyond, ApplicationError::PlainHttp(_)));
    }

    #[test]
    fn credentials_in_an_address_are_not_repeated() {
        let error =
            Application::new("id", ClientSecret::new("s"), "https://me:canary@x.example/cb").unwrap_err();
        assert!(!error.to_string().contains("canary"));
    }
}
