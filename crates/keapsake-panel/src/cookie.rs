//! The cookie that ties Keap's answer to the browser that asked: ten minutes, for one purpose.
//!
//! It is `SameSite=Lax`, because it has to come along when Keap sends the browser back from another site.

use http::{HeaderMap, HeaderValue, header};
use keapsake::secret::BrowserKey;

use crate::panel::Panel;

const LIFE_S: u32 = 600;

impl Panel {
    fn cookie_name(&self) -> &'static str {
        // With this prefix, browsers take the cookie from this very host only.
        if self.secure_cookies { "__Host-keapsake-flow" } else { "keapsake-flow" }
    }

    pub(crate) fn set_cookie(&self, key: &BrowserKey) -> Option<HeaderValue> {
        self.cookie(key.expose(), LIFE_S)
    }

    pub(crate) fn clear_cookie(&self) -> Option<HeaderValue> {
        self.cookie("", 0)
    }

    fn cookie(&self, value: &str, max_age: u32) -> Option<HeaderValue> {
        let secure = if self.secure_cookies { "; Secure" } else { "" };
        let name = self.cookie_name();
        let text = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={max_age}{secure}");
        let mut value = HeaderValue::try_from(text).ok()?;
        value.set_sensitive(true);
        Some(value)
    }

    /// The key a browser brings. Two cookies of the name: somebody else has set one, and which cannot be told.
    pub(crate) fn read_cookie(&self, headers: &HeaderMap) -> Option<BrowserKey> {
        let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
        let mut values = lines
            .flat_map(|line| line.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .filter(|(name, _)| *name == self.cookie_name())
            .map(|(_, value)| value);
        let value = values.next().filter(|value| !value.is_empty())?;
        values.next().is_none().then(|| BrowserKey::new(value))
    }
}
