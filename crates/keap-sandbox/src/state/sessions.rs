//! Browsers in which somebody is signing in. Kept in memory only: a restart signs everybody out.

use std::collections::{HashMap, VecDeque};

use super::authorization::AuthorizationRequest;
use super::secret::{TokenHash, token};

const SESSIONS_MAX: usize = 1_000;
const PENDING_MAX: usize = 20;

/// One browser.
pub(crate) struct Session {
    /// The address of the person who signed in.
    pub(crate) user: Option<String>,
    /// Proves that a form came from a page of this session.
    pub(crate) csrf: String,
    /// Authorizations on their way through the pages, oldest first.
    pending: VecDeque<(String, Pending)>,
}

/// An authorization between the first page and the answer.
#[derive(Clone)]
pub(crate) struct Pending {
    pub(crate) request: AuthorizationRequest,
    pub(crate) account: Option<String>,
}

/// All browsers, found by the hash of their cookie.
#[derive(Default)]
pub(crate) struct Sessions {
    sessions: HashMap<TokenHash, Session>,
    order: VecDeque<TokenHash>,
}

impl Sessions {
    /// Opens a session and returns the cookie that belongs to it.
    pub(crate) fn open(&mut self) -> String {
        let cookie = token(43);
        let hash = TokenHash::of(&cookie);
        self.sessions.insert(hash, Session { user: None, csrf: token(32), pending: VecDeque::new() });
        self.order.push_back(hash);
        if self.order.len() > SESSIONS_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.sessions.remove(&oldest);
        }
        cookie
    }

    pub(crate) fn get(&mut self, cookie: &str) -> Option<&mut Session> {
        self.sessions.get_mut(&TokenHash::of(cookie))
    }

    /// Gives the browser another cookie for the same session, as is right after signing in.
    pub(crate) fn renew(&mut self, cookie: &str) -> Option<String> {
        let session = self.sessions.remove(&TokenHash::of(cookie))?;
        let fresh = token(43);
        let hash = TokenHash::of(&fresh);
        self.sessions.insert(hash, session);
        self.order.push_back(hash);
        Some(fresh)
    }
}

impl Session {
    /// Takes up an authorization and returns the name under which the pages know it.
    pub(crate) fn begin(&mut self, request: AuthorizationRequest) -> String {
        let id = token(16);
        self.pending.push_back((id.clone(), Pending { request, account: None }));
        if self.pending.len() > PENDING_MAX {
            self.pending.pop_front();
        }
        id
    }

    pub(crate) fn pending(&mut self, id: &str) -> Option<&mut Pending> {
        self.pending.iter_mut().find(|(known, _)| known == id).map(|(_, pending)| pending)
    }

    /// Ends an authorization: it can be answered once.
    pub(crate) fn finish(&mut self, id: &str) -> Option<Pending> {
        let at = self.pending.iter().position(|(known, _)| known == id)?;
        self.pending.remove(at).map(|(_, pending)| pending)
    }
}
