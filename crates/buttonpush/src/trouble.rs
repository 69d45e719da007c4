//! Trouble that stops the start, told to the person who has to do something about it.

use std::fmt;

/// What happened, why that is likely, and what to do.
///
/// It names settings and paths, and never the value of a setting: some of them are secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    subject: String,
    happened: String,
    likely: String,
    remedy: String,
}

impl Trouble {
    /// `subject` is a setting or a path; `happened` continues the sentence that it begins.
    pub fn new(
        subject: impl Into<String>,
        happened: impl Into<String>,
        likely: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self {
            subject: subject.into(),
            happened: happened.into(),
            likely: likely.into(),
            remedy: remedy.into(),
        }
    }

    /// The setting or path that this is about.
    pub fn subject(&self) -> &str {
        &self.subject
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { subject, happened, likely, remedy } = self;
        write!(f, "{subject} {happened}\n  likely: {likely}\n  to do:  {remedy}")
    }
}

impl std::error::Error for Trouble {}
