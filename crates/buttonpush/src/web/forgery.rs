//! Refusing forms that another site has sent in a visitor's name.
//!
//! Every unsafe request needs both: the browser's word that it comes from one of our pages, and the token that only
//! our pages hold. The mounted panel is covered like every other page.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, header};
use axum::middleware::Next;
use axum::response::Response;
use subtle::ConstantTimeEq as _;
use url::Url;

use super::caller::Caller;
use super::errors::Fault;
use super::form::Fields;
use crate::app::Site;
use crate::config::Origin;

/// The field of every form that holds the token.
pub const TOKEN_FIELD: &str = "csrf_token";

/// Refuses an unsafe request that one of our own pages did not send.
pub(super) async fn refuse(
    State(site): State<Arc<Site>>,
    caller: Caller,
    fields: Fields,
    request: Request,
    next: Next,
) -> Result<Response, Fault> {
    if is_safe(request.method()) {
        return Ok(next.run(request).await);
    }
    let ours = is_from(&site.origin, request.headers());
    let token = fields.get(TOKEN_FIELD).as_bytes();
    let held = bool::from(token.ct_eq(caller.form_token().reveal().as_bytes()));
    if ours && held { Ok(next.run(request).await) } else { Err(Fault::ForgedForm) }
}

fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
}

/// Whether the browser says that a page of this origin has sent the request. Its silence is a no.
fn is_from(origin: &Origin, headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    let same = |text: &str| text == origin.as_str();
    let sent_from = text(header::ORIGIN.as_str());
    match text("sec-fetch-site") {
        // An Origin beside it must agree: a name that was pointed at this machine has the same origin as itself.
        Some(site) => matches!(site, "same-origin" | "none") && sent_from.is_none_or(same),
        None => match (sent_from, text(header::REFERER.as_str())) {
            (Some(sent_from), _) => same(sent_from),
            (None, Some(page)) => {
                Url::parse(page).ok().and_then(|page| Origin::of(&page)).as_ref() == Some(origin)
            }
            (None, None) => false,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_pages_are_believed() {
        let origin = Origin::of(&"https://push.example".parse().unwrap()).unwrap();
        let cases: [(&[(&str, &str)], bool); 14] = [
            (&[("sec-fetch-site", "same-origin"), ("origin", "https://push.example")], true),
            (&[("sec-fetch-site", "same-origin")], true),
            (&[("sec-fetch-site", "none")], true),
            (&[("origin", "https://push.example")], true),
            (&[("referer", "https://push.example/log-in?next=/button")], true),
            (&[], false),
            (&[("sec-fetch-site", "cross-site"), ("origin", "https://push.example")], false),
            (&[("sec-fetch-site", "same-site"), ("origin", "https://www.push.example")], false),
            (&[("sec-fetch-site", "same-origin"), ("origin", "https://evil.example")], false),
            (&[("sec-fetch-site", ""), ("origin", "https://push.example")], false),
            (&[("origin", "null")], false),
            (&[("origin", "http://push.example")], false),
            (&[("origin", "https://push.example.evil.example")], false),
            (&[("referer", "https://push.example.evil.example/")], false),
        ];
        for (headers, believed) in cases {
            let headers: HeaderMap = headers
                .iter()
                .map(|(name, value)| (name.parse::<header::HeaderName>().unwrap(), value.parse().unwrap()))
                .collect();
            assert_eq!(is_from(&origin, &headers), believed, "{headers:?}");
        }
    }
}
