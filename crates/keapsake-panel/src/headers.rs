//! What no answer of the panel may be without, whatever the application adds.

use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::Response;
use keapsake::Keap;

use crate::panel::Panel;

const ALWAYS: [(HeaderName, &str); 4] = [
    (header::CACHE_CONTROL, "no-store"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    // Not `no-referrer`: with it, browsers send `Origin: null` with the panel's own forms.
    (header::REFERRER_POLICY, "same-origin"),
];

/// The domains in which Keap's sign-in goes on after the authorize address.
const KEAP_DOMAINS: [&str; 2] = ["infusionsoft.com", "keap.com"];

pub(crate) async fn add(State(panel): State<Panel>, mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in ALWAYS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    if panel.own_policy
        && let Ok(policy) = HeaderValue::try_from(content_security_policy(&panel.keap))
    {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// Chromium applies `form-action` to wherever a form's answer redirects, however often, so it names Keap's sign-in.
fn content_security_policy(keap: &Keap) -> String {
    let places = keap.application().map(|ours| leads_to(&ours.endpoints().authorize)).unwrap_or_default();
    format!(
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'{places}; \
         frame-ancestors 'none'; base-uri 'none'"
    )
}

fn leads_to(authorize: &url::Url) -> String {
    let origin = authorize.origin().ascii_serialization();
    let is_keap = authorize.host_str().is_some_and(|host| {
        KEAP_DOMAINS.iter().any(|domain| host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.')))
    });
    if is_keap {
        format!(" {origin} https://*.infusionsoft.com https://*.keap.com")
    } else {
        format!(" {origin}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_keap_gets_all_of_its_domains() {
        let table = [
            (
                "https://signin.infusionsoft.com/app/oauth/authorize",
                " https://signin.infusionsoft.com https://*.infusionsoft.com https://*.keap.com",
            ),
            ("https://notinfusionsoft.com/app", " https://notinfusionsoft.com"),
            ("http://127.0.0.1:8100/app/oauth/authorize", " http://127.0.0.1:8100"),
        ];
        for (authorize, places) in table {
            assert_eq!(leads_to(&authorize.parse().unwrap()), places);
        }
    }
}
