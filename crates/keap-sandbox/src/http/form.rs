//! Forms and queries, read without trusting that a name comes once.

use std::borrow::Cow;

/// The pairs of a form or query.
pub(super) struct Form<'a> {
    pairs: Vec<(Cow<'a, str>, Cow<'a, str>)>,
}

impl<'a> Form<'a> {
    pub(super) fn read(text: &'a [u8]) -> Self {
        Self { pairs: url::form_urlencoded::parse(text).collect() }
    }

    /// The first value of a name.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_ref())
    }

    /// The first value that is not empty.
    pub(super) fn filled(&self, name: &str) -> Option<&str> {
        self.get(name).filter(|value| !value.is_empty())
    }

    /// Whether one of these names comes more than once. RFC 6749, 3.1, forbids it.
    pub(super) fn repeats(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.pairs.iter().filter(|(known, _)| known == name).count() > 1)
    }
}
