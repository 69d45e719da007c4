//! Who sent a form, and by which name they know us.

use http::{HeaderMap, header};

use super::text;

/// Whether an unsafe request comes from our own pages, or from a program that is not a browser.
pub(super) fn is_own(headers: &HeaderMap) -> bool {
    match text(headers, "sec-fetch-site") {
        "" => {}
        site => return matches!(site, "same-origin" | "none"),
    }
    match headers.get(header::ORIGIN) {
        None => true,
        Some(origin) => {
            let host = text(headers, "host");
            let origin = origin.to_str().unwrap_or_default();
            origin.split_once("://").is_some_and(|(_, from)| !host.is_empty() && from == host)
        }
    }
}

/// Whether we were called by a name of this computer. A page elsewhere can make its own name point here; it must not
/// get to see or control anything.
pub(super) fn is_local_name(headers: &HeaderMap) -> bool {
    let host = text(headers, "host");
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    matches!(name, "127.0.0.1" | "localhost" | "[::1]") || name.ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap()))
            .collect()
    }

    #[test]
    fn forms_from_elsewhere_are_recognised() {
        let host = ("host", "127.0.0.1:8100");
        for (pairs, own) in [
            (vec![host], true),
            (vec![host, ("origin", "http://127.0.0.1:8100")], true),
            (vec![host, ("origin", "http://127.0.0.1:8080")], false),
            (vec![host, ("origin", "https://evil.example")], false),
            (vec![host, ("origin", "null")], false),
            (vec![("origin", "http://127.0.0.1:8100")], false),
            (vec![host, ("sec-fetch-site", "same-origin"), ("origin", "null")], true),
            (vec![host, ("sec-fetch-site", "none")], true),
            (vec![host, ("sec-fetch-site", "same-site")], false),
            (vec![host, ("sec-fetch-site", "cross-site")], false),
        ] {
            assert_eq!(is_own(&headers(&pairs)), own, "{pairs:?}");
        }
    }

    #[test]
    fn only_names_of_this_computer_are_local() {
        for (host, local) in [
            ("127.0.0.1:8100", true),
            ("localhost", true),
            ("[::1]:8100", true),
            ("keap.localhost:8100", true),
            ("evil.example:8100", false),
            ("127.0.0.1.evil.example", false),
            ("", false),
        ] {
            assert_eq!(is_local_name(&headers(&[("host", host)])), local, "{host}");
        }
    }
}
