//! Who is asking for tokens.

use std::borrow::Cow;

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use http::{HeaderMap, header};

use super::problem::Problem;
use crate::http::form::Form;
use crate::state::clients::{ClientRefused, Clients};

const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
/// Seen from a Ruby client, line breaks included.
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

/// Finds the client by its credentials: in the body, in a Basic header, or in both if they agree.
///
/// Inside Basic some clients percent-encode id and secret (RFC 6749, 2.3.1) and others send them as they are; both are
/// tried.
pub(super) fn authenticate(
    clients: &Clients,
    headers: &HeaderMap,
    form: &Form<'_>,
) -> Result<String, Problem> {
    let in_body = form.filled("client_id");
    let secret_in_body = form.filled("client_secret");
    let Some(basic) = basic(headers) else {
        return check(clients, in_body.unwrap_or_default(), secret_in_body.unwrap_or_default());
    };
    let (id, secret) = basic.split_once(':').ok_or(Problem::UnknownClient)?;
    let client = check(clients, id, secret).or_else(|raw| {
        check(clients, &decoded(id), &decoded(secret)).map_err(|encoded| raw.more_telling(encoded))
    })?;
    if in_body.is_some_and(|id| id != client) {
        return Err(Problem::UnknownClient);
    }
    match secret_in_body {
        Some(secret) => check(clients, &client, secret),
        None => Ok(client),
    }
}

fn check(clients: &Clients, id: &str, secret: &str) -> Result<String, Problem> {
    match clients.authenticate(id, secret) {
        Ok(client) => Ok(client.id.clone()),
        Err(ClientRefused::Unknown) => Err(Problem::UnknownClient),
        Err(ClientRefused::WrongSecret) => Err(Problem::WrongSecret),
    }
}

fn basic(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, text) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let bytes = STANDARD.decode(&text).or_else(|_| URL_SAFE.decode(&text)).ok();
    // A Basic header that cannot be read names a client that does not exist.
    Some(bytes.and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_else(|| ":".to_owned()))
}

fn decoded(text: &str) -> Cow<'_, str> {
    let pair = url::form_urlencoded::parse(text.as_bytes()).next();
    pair.map_or(Cow::Borrowed(text), |(name, _)| name)
}

impl Problem {
    /// Of two readings of one header, the one that found a client says more.
    fn more_telling(self, other: Self) -> Self {
        if other == Self::WrongSecret { other } else { self }
    }
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose;

    use super::*;
    use crate::state::clients::Client;

    fn clients() -> Clients {
        let client = |id: &str, secret: &str| Client { id: id.to_owned(), secret: secret.to_owned() };
        Clients {
            clients: vec![client("app", "s/c+r%t x"), client("plain", "abc???>>>")],
            redirect_uris: vec![],
        }
    }

    fn outcome(authorization: Option<&str>, body: &str) -> Result<String, Problem> {
        let mut headers = HeaderMap::new();
        if let Some(value) = authorization {
            headers.insert(header::AUTHORIZATION, value.parse().unwrap());
        }
        authenticate(&clients(), &headers, &Form::read(body.as_bytes()))
    }

    fn standard(text: &str) -> String {
        format!("Basic {}", general_purpose::STANDARD.encode(text))
    }

    #[test]
    fn every_way_of_sending_credentials_is_understood() {
        let url_safe = format!("Basic {}", general_purpose::URL_SAFE.encode("plain:abc???>>>"));
        assert!(url_safe.contains(['-', '_']));
        for (authorization, body) in [
            (Some(standard("app:s/c+r%t x")), ""),
            (Some(standard("app:s%2Fc%2Br%25t+x")), ""),
            (Some(standard("app:s%2Fc%2Br%25t%20x")), ""),
            (Some(standard("app:s/c+r%t x").replace("Basic", "basic")), ""),
            (Some(standard("app:s/c+r%t x")), "client_id=app&client_secret=s%2Fc%2Br%25t+x"),
            (None, "client_id=app&client_secret=s%2Fc%2Br%25t+x"),
        ] {
            assert_eq!(
                outcome(authorization.as_deref(), body),
                Ok("app".to_owned()),
                "{authorization:?} {body}"
            );
        }
        assert_eq!(outcome(Some(&url_safe), ""), Ok("plain".to_owned()));
    }

    #[test]
    fn every_mistake_has_its_answer() {
        for (authorization, body, problem) in [
            (None, "", Problem::UnknownClient),
            (None, "client_id=app", Problem::WrongSecret),
            (None, "client_id=app&client_secret=no", Problem::WrongSecret),
            (None, "client_id=nobody&client_secret=no", Problem::UnknownClient),
            (Some(standard("app:no")), "", Problem::WrongSecret),
            (Some(standard("nobody:no")), "", Problem::UnknownClient),
            (Some(standard("app")), "", Problem::UnknownClient),
            (Some("Basic !!!".to_owned()), "", Problem::UnknownClient),
            (Some(standard("app:s/c+r%t x")), "client_id=plain", Problem::UnknownClient),
            (Some(standard("app:s/c+r%t x")), "client_id=app&client_secret=no", Problem::WrongSecret),
        ] {
            assert_eq!(outcome(authorization.as_deref(), body), Err(problem), "{authorization:?} {body}");
        }
    }
}
