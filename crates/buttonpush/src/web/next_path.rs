//! Where to go after logging in: a page of this site, and never another site.

use url::Url;

const BYTES_MAX: usize = 512;

/// The path (and query) of a page of this site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NextPath(String);

impl NextPath {
    /// Takes a path that every browser understands as one of this site.
    pub fn parse(text: &str) -> Option<Self> {
        let plain = text.len() <= BYTES_MAX && text.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
        // Two slashes begin a host, and one that hides behind dots comes out when they are resolved.
        if !plain || !text.starts_with('/') || text.contains("//") {
            return None;
        }
        let here = Url::parse("https://here.invalid").ok()?;
        let there = here.join(text).ok()?;
        let same_site = there.origin() == here.origin() && !there.path().starts_with("//");
        // Leading back to the form, or to a page that cannot be got, would only confuse.
        let sensible = !matches!(there.path(), "/log-in" | "/log-out" | "/sign-up");
        (same_site && sensible && there.fragment().is_none()).then(|| Self(text.to_owned()))
    }

    /// The path as it goes into a `Location`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn paths_of_this_site_are_taken() {
        for text in ["/", "/button", "/admin/keap", "/admin/keap?page=2&x=%2F", "/a/../b"] {
            assert_eq!(NextPath::parse(text).unwrap().as_str(), text);
        }
    }

    #[test]
    fn everything_else_is_not() {
        for text in [
            "",
            "button",
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "/\t/evil.example",
            "/\n/evil.example",
            "https://evil.example",
            "https:evil.example",
            "javascript:alert(1)",
            "/.//evil.example",
            "/..//evil.example",
            "/a/..//evil.example",
            " /button",
            "/button\r\nSet-Cookie: a=b",
            "/é",
            "/log-in",
            "/log-out",
            "/sign-up?x",
            "/%5cevil\\",
            "/button#top",
            &format!("/{}", "a".repeat(512)),
        ] {
            assert_eq!(NextPath::parse(text), None, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_taken_stays_here(text in "[/\\\\.:@?#%a-z0-9\\t\\n ]{0,40}") {
            if let Some(next) = NextPath::parse(&text) {
                let base = Url::parse("http://127.0.0.1:8080/log-in").unwrap();
                prop_assert_eq!(base.join(next.as_str()).unwrap().origin(), base.origin());
            }
        }
    }
}
