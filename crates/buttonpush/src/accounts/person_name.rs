//! A person's name. It is one text: what is a first and what a last name is not ours to guess.

use thiserror::Error;

use super::text::{composed, is_deceptive};

const LETTERS_MAX: usize = 100;

/// A name of 1 to 100 characters that can be shown anywhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonName(String);

/// Why a text is not a name that we take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PersonNameError {
    /// Nothing was typed, or nothing that can be read.
    #[error("Enter your name.")]
    Missing,
    /// It is longer than 100 characters.
    #[error("Use a name of at most 100 characters.")]
    TooLong,
    /// It has characters that cannot be seen.
    #[error("The name has characters that cannot be shown. Type it instead of pasting it.")]
    Unseen,
}

impl PersonName {
    /// Takes what was typed, without the white space around it.
    pub fn parse(typed: &str) -> Result<Self, PersonNameError> {
        if typed.len() > LETTERS_MAX * 16 {
            return Err(PersonNameError::TooLong);
        }
        let name = composed(typed.trim());
        if is_deceptive(&name) {
            return Err(PersonNameError::Unseen);
        }
        if name.chars().count() > LETTERS_MAX {
            return Err(PersonNameError::TooLong);
        }
        if !name.chars().any(char::is_alphanumeric) {
            return Err(PersonNameError::Missing);
        }
        Ok(Self(name))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_of_all_kinds_are_taken() {
        for name in [
            "Anna",
            "X",
            "李小龙",
            "María José",
            "O'Brien",
            "Nguyễn Thị Minh Khai",
            "سارا",
            "Robert'); DROP TABLE",
        ] {
            assert_eq!(PersonName::parse(name).unwrap().as_str(), composed(name));
        }
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        assert_eq!(PersonName::parse("   ").unwrap_err(), PersonNameError::Missing);
        assert_eq!(PersonName::parse("\u{200D}").unwrap_err(), PersonNameError::Missing);
        assert_eq!(PersonName::parse(&"a".repeat(101)).unwrap_err(), PersonNameError::TooLong);
        assert_eq!(PersonName::parse(&"a".repeat(10_000)).unwrap_err(), PersonNameError::TooLong);
        for name in ["An\0na", "An\nna", "\u{202E}anna", "an\u{2066}na", "an\u{7f}na", "an\u{200B}na"] {
            assert_eq!(PersonName::parse(name).unwrap_err(), PersonNameError::Unseen, "{name:?}");
        }
    }

    proptest! {
        #[test]
        fn parsing_never_panics_and_is_stable(typed in any::<String>()) {
            if let Ok(name) = PersonName::parse(&typed) {
                prop_assert!((1..=LETTERS_MAX).contains(&name.as_str().chars().count()));
                prop_assert_eq!(PersonName::parse(name.as_str()), Ok(name));
            }
        }
    }
}
