//! Cookies: their names, and how they are protected.

use axum::http::{HeaderMap, HeaderValue, header};

use crate::config::Origin;
use crate::token::Token;

/// What a cookie is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cookie {
    /// Who is logged in.
    Session,
    /// Binds the forms of somebody who is not logged in to their browser.
    Visit,
    /// The first administrator's token, between the link and the form.
    Invitation,
}

/// Whether other sites' links and forms bring a cookie along.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SameSite {
    /// With links, not with forms.
    Lax,
    /// Never.
    Strict,
}

/// How cookies are named and protected at this site.
///
/// Over https the browser guarantees by the `__Host-` prefix that no other host has set the cookie. On plain-http
/// loopback there is neither the prefix nor `Secure`, which Safari refuses there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CookiePolicy {
    secure: bool,
}

impl CookiePolicy {
    /// The policy for a site with this origin.
    pub fn of(origin: &Origin) -> Self {
        Self { secure: origin.is_https() }
    }

    /// The name a cookie has here.
    pub fn name(self, cookie: Cookie) -> &'static str {
        match (self.secure, cookie) {
            (true, Cookie::Session) => "__Host-buttonpush-session",
            (true, Cookie::Visit) => "__Host-buttonpush-visit",
            (true, Cookie::Invitation) => "__Host-buttonpush-invitation",
            (false, Cookie::Session) => "buttonpush-session",
            (false, Cookie::Visit) => "buttonpush-visit",
            (false, Cookie::Invitation) => "buttonpush-invitation",
        }
    }

    /// The token that a request carries in this cookie.
    pub fn read(self, headers: &HeaderMap, cookie: Cookie) -> Option<Token> {
        let name = self.name(cookie);
        let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
        let mut values = lines
            .flat_map(|line| line.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .filter(|(found, _)| *found == name)
            .map(|(_, value)| value);
        let value = values.next()?;
        // Two of one name: somebody else has set one, and which of them it is cannot be told.
        values.next().is_none().then(|| Token::received(value)).flatten()
    }

    /// The header that sets this cookie until the browser is closed or `seconds` have passed.
    pub fn set(
        self,
        cookie: Cookie,
        token: &Token,
        same_site: SameSite,
        seconds: Option<u32>,
    ) -> HeaderValue {
        let lifetime = seconds.map(|seconds| format!("; Max-Age={seconds}")).unwrap_or_default();
        let text =
            format!("{}={}{}{lifetime}", self.name(cookie), token.reveal(), self.attributes(same_site));
        let mut value = header_value(&text);
        value.set_sensitive(true);
        value
    }

    /// The header that removes this cookie.
    pub fn remove(self, cookie: Cookie) -> HeaderValue {
        header_value(&format!("{}={}; Max-Age=0", self.name(cookie), self.attributes(SameSite::Lax)))
    }

    fn attributes(self, same_site: SameSite) -> &'static str {
        match (self.secure, same_site) {
            (true, SameSite::Lax) => "; Path=/; Secure; HttpOnly; SameSite=Lax",
            (true, SameSite::Strict) => "; Path=/; Secure; HttpOnly; SameSite=Strict",
            (false, SameSite::Lax) => "; Path=/; HttpOnly; SameSite=Lax",
            (false, SameSite::Strict) => "; Path=/; HttpOnly; SameSite=Strict",
        }
    }
}

/// Names, tokens and attributes are all of visible ASCII letters.
fn header_value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(origin: &str) -> CookiePolicy {
        CookiePolicy::of(&Origin::of(&origin.parse().unwrap()).unwrap())
    }

    #[test]
    fn https_has_the_prefix_and_loopback_has_not() {
        let token = Token::random::<32>().unwrap();
        let set = policy("https://a.example").set(Cookie::Session, &token, SameSite::Strict, None);
        let expected = format!(
            "__Host-buttonpush-session={}; Path=/; Secure; HttpOnly; SameSite=Strict",
            token.reveal()
        );
        assert_eq!(set.to_str().unwrap(), expected);
        let set = policy("http://127.0.0.1:8080").set(Cookie::Visit, &token, SameSite::Lax, Some(60));
        let expected =
            format!("buttonpush-visit={}; Path=/; HttpOnly; SameSite=Lax; Max-Age=60", token.reveal());
        assert_eq!(set.to_str().unwrap(), expected);
    }

    #[test]
    fn a_cookie_that_is_there_twice_is_not_there() {
        let policy = policy("http://127.0.0.1:8080");
        let read = |line: String| {
            let headers = HeaderMap::from_iter([(header::COOKIE, line.parse().unwrap())]);
            policy.read(&headers, Cookie::Session).map(|token| token.reveal().to_owned())
        };
        let token = "a".repeat(43);
        assert_eq!(read(format!("x=1; buttonpush-session={token}; y=2")), Some(token.clone()));
        assert_eq!(read(format!("buttonpush-session={token}; buttonpush-session={token}")), None);
        assert_eq!(read("buttonpush-session=<script>".to_owned()), None);
    }
}
