//! Passwords: a new one is judged once, and none can be printed.

use secrecy::{ExposeSecret as _, SecretString};
use thiserror::Error;

use super::common_passwords::is_common;
use super::{Email, PersonName};

const LETTERS_MIN: usize = 8;
const LETTERS_MAX: usize = 128;

/// Letters that have to be left of a password when the words that everybody would try first are taken out.
const OWN_LETTERS_MIN: usize = 5;

/// Words that somebody who guesses passwords for this application tries first.
const CONTEXT: [&str; 4] = ["buttonpush", "keapsake", "keap", "button"];

/// Parts of names that are shorter say nothing.
const CONTEXT_LETTERS_MIN: usize = 3;

/// A new password that is good enough to keep.
#[derive(Debug)]
pub struct Password(SecretString);

/// What somebody typed to log in. It may be anything.
#[derive(Debug)]
pub struct PasswordAttempt(SecretString);

/// Why a new password is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PasswordError {
    /// It is shorter than 8 characters.
    #[error("Use at least 8 characters. A few words in a row are easy to keep in mind.")]
    TooShort,
    /// It is longer than 128 characters.
    #[error("Use at most 128 characters.")]
    TooLong,
    /// It is on the list of those that are guessed first.
    #[error("This password is one of those that are guessed first. Choose another.")]
    Common,
    /// There is little in it besides the person's own name or address, or the application's.
    #[error("This password is mostly your name, your address or the name of this site. Choose another.")]
    Obvious,
}

impl Password {
    /// Judges a new password of this person. Every character counts, also white space at the ends.
    pub fn parse(typed: String, name: &PersonName, email: &Email) -> Result<Self, PasswordError> {
        let typed = SecretString::from(typed);
        let text = typed.expose_secret();
        Self::check_length(text)?;
        let lower = text.to_lowercase();
        if is_common(&lower) {
            return Err(PasswordError::Common);
        }
        if is_obvious(lower, name, email) {
            return Err(PasswordError::Obvious);
        }
        Ok(Self(typed))
    }

    /// What can be said before it is known whose password it will be.
    pub fn check_length(typed: &str) -> Result<(), PasswordError> {
        match typed.chars().count() {
            ..LETTERS_MIN => Err(PasswordError::TooShort),
            LETTERS_MIN..=LETTERS_MAX => Ok(()),
            _ => Err(PasswordError::TooLong),
        }
    }

    pub(super) fn secret(&self) -> &SecretString {
        &self.0
    }
}

impl PasswordAttempt {
    /// Takes what was typed. What is too long to be a password is shortened to something that is wrong anyway.
    pub fn new(mut typed: String) -> Self {
        if typed.len() > LETTERS_MAX * 4 {
            typed.clear();
        }
        Self(typed.into())
    }

    pub(super) fn secret(&self) -> &SecretString {
        &self.0
    }
}

fn is_obvious(mut password: String, name: &PersonName, email: &Email) -> bool {
    let name = name.as_str().to_lowercase();
    let own = name.split(|c: char| !c.is_alphanumeric());
    let address = email.compared().split(|c: char| !c.is_alphanumeric());
    let mut words: Vec<&str> = CONTEXT.into_iter().chain(own).chain(address).collect();
    words.retain(|word| word.chars().count() >= CONTEXT_LETTERS_MIN);
    // The longest first: what is left of it would hide a shorter one.
    words.sort_by_key(|word| std::cmp::Reverse(word.len()));
    for word in words {
        password = password.replace(word, "");
    }
    password.chars().count() < OWN_LETTERS_MIN
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn judge(typed: &str) -> Result<Password, PasswordError> {
        let name = PersonName::parse("Anna Example").unwrap();
        let email = Email::parse("anna@toys.example").unwrap();
        Password::parse(typed.to_owned(), &name, &email)
    }

    #[test]
    fn short_common_and_obvious_ones_are_refused() {
        assert_eq!(judge("seven77").unwrap_err(), PasswordError::TooShort);
        assert_eq!(judge(&"a".repeat(129)).unwrap_err(), PasswordError::TooLong);
        for typed in
            ["password", "Password1!", "12345678", "qwertyuiop", "iloveyou1", "11111111", "PASSWORD123"]
        {
            assert_eq!(judge(typed).unwrap_err(), PasswordError::Common, "{typed}");
        }
        for typed in
            ["buttonpush", "ButtonPush1!", "annaexample", "Anna@toys.example", "keapkeap12", "example2026"]
        {
            assert_eq!(judge(typed).unwrap_err(), PasswordError::Obvious, "{typed}");
        }
    }

    #[test]
    fn white_space_and_any_character_count() {
        for typed in
            ["        x", "correct horse battery", "пароль-и-ещё", "🦀🦀🦀🦀🦀🦀🦀🦀", "nul\0inside it"]
        {
            assert_eq!(judge(typed).unwrap().secret().expose_secret(), typed);
        }
    }

    #[test]
    fn nothing_prints_a_password() {
        let password = judge("correct horse battery").unwrap();
        let attempt = PasswordAttempt::new("correct horse battery".to_owned());
        assert!(!format!("{password:?} {attempt:?}").contains("horse"));
    }

    proptest! {
        #[test]
        fn the_length_is_counted_in_characters(typed in "\\PC{8,128}") {
            let judged = judge(&typed);
            prop_assert!(!matches!(judged, Err(PasswordError::TooShort | PasswordError::TooLong)));
        }
    }
}
