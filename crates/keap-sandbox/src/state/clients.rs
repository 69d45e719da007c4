//! The applications that may ask for access.

use super::redirect;
use super::secret::same;

/// An application known to this Keap.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) id: String,
    pub(crate) secret: String,
}

/// All registered applications. Redirect URIs are registered for all of them together.
#[derive(Clone, Default)]
pub(crate) struct Clients {
    pub(crate) clients: Vec<Client>,
    pub(crate) redirect_uris: Vec<String>,
}

/// Why a client was not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClientRefused {
    /// No such client id, or none sent.
    Unknown,
    /// The client exists, the secret is another one.
    WrongSecret,
}

impl Clients {
    pub(crate) fn exists(&self, id: &str) -> bool {
        self.clients.iter().any(|client| client.id == id)
    }

    /// Finds the client whose id and secret these are.
    pub(crate) fn authenticate(&self, id: &str, secret: &str) -> Result<&Client, ClientRefused> {
        let client = self.clients.iter().find(|client| client.id == id).ok_or(ClientRefused::Unknown)?;
        if same(&client.secret, secret) { Ok(client) } else { Err(ClientRefused::WrongSecret) }
    }

    pub(crate) fn may_redirect_to(&self, uri: &str, like_keap: bool) -> bool {
        redirect::allowed(uri, &self.redirect_uris, like_keap)
    }
}
