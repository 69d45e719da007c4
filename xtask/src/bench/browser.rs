//! A visitor of ButtonPush: cookies, and forms with their token.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::SocketAddr;

use anyhow::Context as _;

use crate::http::{Answer, Connection};

/// One visitor, on one connection.
#[derive(Debug)]
pub(super) struct Browser {
    connection: Connection,
    origin: String,
    cookies: BTreeMap<String, String>,
}

impl Browser {
    pub(super) fn open(address: SocketAddr) -> anyhow::Result<Self> {
        let origin = format!("http://{address}");
        Ok(Self { connection: Connection::open(address)?, origin, cookies: BTreeMap::new() })
    }

    /// Goes on with the same cookies after a pause in which the server may have closed the connection.
    pub(super) fn reconnect(&mut self, address: SocketAddr) -> anyhow::Result<()> {
        self.connection = Connection::open(address)?;
        Ok(())
    }

    pub(super) fn get(&mut self, path: &str) -> anyhow::Result<Answer> {
        self.send("GET", path, "", "")
    }

    /// The token of the form on this page.
    pub(super) fn form_token(&mut self, page: &str) -> anyhow::Result<String> {
        let answer = self.get(page)?.with_status(200)?;
        let token = answer
            .body
            .split_once("name=\"csrf_token\" value=\"")
            .and_then(|(_, rest)| rest.split('"').next());
        Ok(token.with_context(|| format!("no form on {page}"))?.to_owned())
    }

    /// Opens the page, fills in its form and sends that to `path`.
    pub(super) fn submit(
        &mut self,
        page: &str,
        path: &str,
        fields: &[(&str, &str)],
    ) -> anyhow::Result<Answer> {
        let token = self.form_token(page)?;
        self.post(path, &token, fields)
    }

    /// Sends a form.
    pub(super) fn post(
        &mut self,
        path: &str,
        token: &str,
        fields: &[(&str, &str)],
    ) -> anyhow::Result<Answer> {
        let body = form(&[fields, &[("csrf_token", token)]].concat());
        let headers = format!(
            "Origin: {}\r\nSec-Fetch-Site: same-origin\r\nContent-Type: application/x-www-form-urlencoded\r\n",
            self.origin
        );
        self.send("POST", path, &headers, &body)
    }

    fn send(&mut self, method: &str, path: &str, headers: &str, body: &str) -> anyhow::Result<Answer> {
        let cookies: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let headers = match cookies.as_slice() {
            [] => headers.to_owned(),
            cookies => format!("{headers}Cookie: {}\r\n", cookies.join("; ")),
        };
        let answer = self.connection.send(method, path, &headers, body)?;
        for cookie in answer.all("set-cookie") {
            self.keep(cookie);
        }
        Ok(answer)
    }

    fn keep(&mut self, cookie: &str) {
        let (pair, attributes) = cookie.split_once(';').unwrap_or((cookie, ""));
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        if attributes.contains("Max-Age=0") {
            self.cookies.remove(name);
        } else {
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
    }
}

fn form(fields: &[(&str, &str)]) -> String {
    let pairs: Vec<_> = fields.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
    pairs.join("&")
}

fn encoded(value: &str) -> String {
    value.bytes().fold(String::new(), |mut text, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(text, "%{byte:02X}");
        }
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_encoded() {
        assert_eq!(form(&[("email", "a@b.c"), ("name", "É & co")]), "email=a%40b.c&name=%C3%89%20%26%20co");
    }
}
