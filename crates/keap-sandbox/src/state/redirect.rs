//! Where a code may be sent.

use url::{Host, Url};

/// Whether a redirect URI may be used. Stricter than Keap, where no list has been observed.
///
/// A registered URI must be repeated byte for byte; of a registered loopback URI the port may differ (RFC 8252, 7.3).
/// As long as no `https` URI is registered any `https` URI passes, and the same goes for loopback `http`.
pub(crate) fn allowed(uri: &str, registered: &[String], like_keap: bool) -> bool {
    let Some(parsed) = plain(uri) else { return false };
    if registered.iter().any(|known| known == uri) {
        return true;
    }
    if is_loopback(&parsed) {
        let mut loopbacks = registered.iter().filter_map(|known| plain(known).filter(is_loopback)).peekable();
        return loopbacks.peek().is_none() || loopbacks.any(|known| same_but_port(&known, &parsed));
    }
    if like_keap {
        // Observed: http and made-up URIs pass, nothing is compared with a list.
        return true;
    }
    parsed.scheme() == "https" && !registered.iter().any(|known| known.starts_with("https:"))
}

/// The URI, if a browser and this parser cannot disagree about where it leads: no user, no fragment, nothing that a
/// parser would silently repair.
fn plain(uri: &str) -> Option<Url> {
    if uri.bytes().any(|byte| byte <= b' ' || byte >= 0x7f || matches!(byte, b'\\' | b'"' | b'<' | b'>')) {
        return None;
    }
    if uri.contains('#') {
        return None;
    }
    let parsed = Url::parse(uri).ok()?;
    let with_host = matches!(parsed.scheme(), "http" | "https") && parsed.has_host();
    let authority = uri.split_once("://")?.1.split(['/', '?']).next()?;
    let as_written = parsed.as_str() == uri || parsed.as_str() == format!("{uri}/");
    (with_host && !authority.contains('@') && as_written).then_some(parsed)
}

fn is_loopback(uri: &Url) -> bool {
    let loopback = match uri.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    };
    uri.scheme() == "http" && loopback
}

fn same_but_port(left: &Url, right: &Url) -> bool {
    left.host() == right.host() && left.path() == right.path() && left.query() == right.query()
}

#[cfg(test)]
mod tests {
    use super::*;

    const REGISTERED: &str = "https://app.example.com/keap/callback";

    #[test]
    fn only_the_registered_uri_passes_byte_for_byte() {
        let registered = vec![REGISTERED.to_owned()];
        assert!(allowed(REGISTERED, &registered, false));
        for variant in [
            "",
            "https://app.example.com/keap/callback/",
            "https://app.example.com/keap/callback?",
            "https://app.example.com/keap/callback?x=1",
            "https://app.example.com/keap/callback#",
            "https://app.example.com/keap/callback#x",
            "https://app.example.com/keap/Callback",
            "https://app.example.com/keap/callbac",
            "https://app.example.com/keap/callback2",
            "https://app.example.com/keap",
            "https://app.example.com/",
            "https://app.example.com",
            "https://APP.example.com/keap/callback",
            "HTTPS://app.example.com/keap/callback",
            "http://app.example.com/keap/callback",
            "https://app.example.com:443/keap/callback",
            "https://app.example.com:8443/keap/callback",
            "https://app.example.com./keap/callback",
            "https://app.example.com.evil.example/keap/callback",
            "https://evil.example/app.example.com/keap/callback",
            "https://app.example.com@evil.example/keap/callback",
            "https://user@app.example.com/keap/callback",
            "https://user:pass@app.example.com/keap/callback",
            "https://@app.example.com/keap/callback",
            "https://app.example.com\\@evil.example/keap/callback",
            "https://app.example.com/keap/%63allback",
            "https://app.example.com/keap%2Fcallback",
            "https://app.example.com/keap/../keap/callback",
            "https://app.example.com/./keap/callback",
            "https://app.example.com//keap/callback",
            "https:/app.example.com/keap/callback",
            "https:app.example.com/keap/callback",
            "//app.example.com/keap/callback",
            "/keap/callback",
            " https://app.example.com/keap/callback",
            "https://app.example.com/keap/callback ",
            "https://app.example.com/keap/callback\n",
            "https://app.exam\tple.com/keap/callback",
            "javascript:alert(1)",
            "data:text/html,x",
            "ftp://app.example.com/keap/callback",
            "https://app.example.com/keap/callback;x",
            "https://еxample.com/keap/callback",
        ] {
            assert!(!allowed(variant, &registered, false), "{variant:?}");
        }
    }

    #[test]
    fn loopback_may_choose_its_port_and_nothing_else() {
        let registered = vec!["http://127.0.0.1:8080/callback".to_owned()];
        assert!(allowed("http://127.0.0.1:9/callback", &registered, false));
        for variant in [
            "http://127.0.0.1:9/other",
            "http://127.0.0.1:9/callback?x=1",
            "http://localhost:9/callback",
            "http://u@127.0.0.1:9/callback",
            "http://127.0.0.1:9/callback#x",
            "http://127.0.0.1.evil.example/callback",
            "http://127.1/callback",
            "http://0x7f000001/callback",
        ] {
            assert!(!allowed(variant, &registered, false), "{variant}");
        }
    }

    #[test]
    fn without_a_registration_https_and_loopback_pass() {
        for uri in ["https://a.example/x", "https://a.example", "http://localhost:1/x", "http://[::1]:5/cb"] {
            assert!(allowed(uri, &[], false), "{uri}");
        }
        for uri in ["http://a.example/x", "https://u@a.example/", "https://a.example/#x", "keap://x"] {
            assert!(!allowed(uri, &[], false), "{uri}");
        }
    }

    #[test]
    fn as_lax_as_keap_lets_any_web_address_pass() {
        let registered = vec![REGISTERED.to_owned()];
        assert!(allowed("http://a.example/x", &registered, true));
        assert!(!allowed("javascript:alert(1)", &registered, true));
    }
}
