//! The panel: what it shows, and where it is mounted.

use std::sync::Arc;

use keapsake::Keap;
use keapsake::delivery::Outbox;

use crate::gate::Gate;
use crate::spent::Spent;

/// The admin pages of one connection. Made once, turned into a router by [`Panel::router`].
#[derive(Clone)]
pub struct Panel {
    pub(crate) keap: Keap,
    pub(crate) outbox: Option<Outbox>,
    pub(crate) gate: Arc<dyn Gate>,
    pub(crate) mount: Arc<str>,
    pub(crate) application: Arc<str>,
    pub(crate) back: Option<(Arc<str>, Arc<str>)>,
    pub(crate) icon: Option<Arc<str>>,
    pub(crate) secure_cookies: bool,
    pub(crate) own_policy: bool,
    pub(crate) spent: Arc<Spent>,
}

impl Panel {
    /// The panel for this connection, mounted at this path (as `/admin/keap`). With an outbox it also shows what
    /// waits to be delivered.
    pub fn new(keap: Keap, outbox: Option<Outbox>, gate: Arc<dyn Gate>, mount: &str) -> Self {
        Self {
            keap,
            outbox,
            gate,
            mount: mount.trim_end_matches('/').into(),
            application: "this application".into(),
            back: None,
            icon: None,
            secure_cookies: true,
            own_policy: false,
            spent: Arc::default(),
        }
    }

    /// What the application is called, for the texts.
    #[must_use]
    pub fn application(self, name: &str) -> Self {
        Self { application: name.into(), ..self }
    }

    /// A link out of the panel: its address and its words.
    #[must_use]
    pub fn back(self, href: &str, label: &str) -> Self {
        Self { back: Some((href.into(), label.into())), ..self }
    }

    /// The application's icon, by its address on the same site.
    #[must_use]
    pub fn icon(self, href: &str) -> Self {
        Self { icon: Some(href.into()), ..self }
    }

    /// Whether the panel's cookie is `Secure` (the default). Only an application on plain http, which is fit for
    /// one's own machine, says no: Safari does not keep a `Secure` cookie there.
    #[must_use]
    pub fn secure_cookies(self, secure: bool) -> Self {
        Self { secure_cookies: secure, ..self }
    }

    /// Sends the strictest `Content-Security-Policy` that the panel works under with each of its answers.
    ///
    /// For an application that has none. One that has a policy for all its pages has to name Keap's sign-in in its
    /// `form-action`, because Chromium applies that to where a form's answer redirects, too.
    #[must_use]
    pub fn own_policy(self) -> Self {
        Self { own_policy: true, ..self }
    }

    /// The address of one of its pages.
    pub(crate) fn path(&self, page: &str) -> String {
        match format!("{}{page}", self.mount) {
            // Mounted at the root, and its first page is meant.
            path if path.starts_with('/') => path,
            path => format!("/{path}"),
        }
    }
}
