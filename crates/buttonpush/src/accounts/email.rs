//! An e-mail address as people write it, and as two of them are compared.

use thiserror::Error;

use super::text::{composed, is_deceptive};

const BYTES_MAX: usize = 254;
const LOCAL_BYTES_MAX: usize = 64;
const LABEL_BYTES_MAX: usize = 63;

/// A plausible e-mail address.
#[derive(Debug, Clone)]
pub struct Email {
    shown: String,
    compared: String,
}

/// Why a text is not an e-mail address that we take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum EmailError {
    /// Nothing was typed.
    #[error("Enter your e-mail address.")]
    Missing,
    /// It is longer than an address can be.
    #[error("This is longer than an e-mail address can be (254 characters).")]
    TooLong,
    /// It does not have the shape of one.
    #[error("This does not look like an e-mail address. Write it as name@example.com.")]
    Shape,
}

impl Email {
    /// Takes what was typed, without the white space around it.
    pub fn parse(typed: &str) -> Result<Self, EmailError> {
        if typed.len() > BYTES_MAX * 2 {
            return Err(EmailError::TooLong);
        }
        let shown = composed(typed.trim());
        if shown.is_empty() {
            return Err(EmailError::Missing);
        }
        let compared = composed(&shown.to_lowercase());
        if shown.len() > BYTES_MAX || compared.len() > BYTES_MAX {
            return Err(EmailError::TooLong);
        }
        let (local, domain) = shown.rsplit_once('@').ok_or(EmailError::Shape)?;
        let well_formed = !is_deceptive(&shown) && is_local_part(local) && is_domain(domain);
        if well_formed { Ok(Self { shown, compared }) } else { Err(EmailError::Shape) }
    }

    /// The address as it was typed.
    pub fn as_str(&self) -> &str {
        &self.shown
    }

    /// The address in small letters: two that are equal here are the same person.
    pub fn compared(&self) -> &str {
        &self.compared
    }
}

/// Dot-separated atoms. Quoted local parts exist, but nobody who signs up has one.
fn is_local_part(local: &str) -> bool {
    local.len() <= LOCAL_BYTES_MAX
        && local.split('.').all(|atom| !atom.is_empty() && atom.chars().all(is_atom_letter))
}

fn is_atom_letter(c: char) -> bool {
    c.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c)
}

fn is_domain(domain: &str) -> bool {
    domain.contains('.') && domain.split('.').all(is_label)
}

fn is_label(label: &str) -> bool {
    let letters = label.chars().all(|c| c.is_alphanumeric() || c == '-');
    (1..=LABEL_BYTES_MAX).contains(&label.len())
        && letters
        && !label.starts_with('-')
        && !label.ends_with('-')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn letter_case_does_not_make_another_person() {
        let one = Email::parse(" Anna.Example@Example.COM ").unwrap();
        let other = Email::parse("anna.example@example.com").unwrap();
        assert_eq!(one.as_str(), "Anna.Example@Example.COM");
        assert_eq!(one.compared(), other.compared());
        // Composed and decomposed é.
        let composed = Email::parse("ren\u{e9}@example.com").unwrap();
        let decomposed = Email::parse("Rene\u{301}@example.com").unwrap();
        assert_eq!(composed.compared(), decomposed.compared());
    }

    #[test]
    fn what_is_not_an_address_is_refused() {
        for typed in [
            "anna",
            "anna@",
            "@example.com",
            "anna@localhost",
            "anna@example..com",
            "anna@-example.com",
            ".anna@example.com",
            "an na@example.com",
            "anna@exam ple.com",
            "anna@example.com\r\nBcc: x@example.com",
            "anna@example.com\0",
            "anna\u{202E}@example.com",
            "<script>@example.com",
            "a\"b@example.com",
            "anna@[127.0.0.1]",
            "anna@example.com,eve@example.com",
            "anna\u{200B}@example.com",
        ] {
            assert_eq!(Email::parse(typed).unwrap_err(), EmailError::Shape, "{typed:?}");
        }
        assert_eq!(Email::parse(" \t").unwrap_err(), EmailError::Missing);
        assert_eq!(Email::parse(&format!("{}@example.com", "a".repeat(65))).unwrap_err(), EmailError::Shape);
        assert_eq!(Email::parse(&format!("a@{}.com", "b.".repeat(126))).unwrap_err(), EmailError::TooLong);
    }

    proptest! {
        #[test]
        fn parsing_never_panics_and_holds_its_limits(typed in any::<String>()) {
            if let Ok(email) = Email::parse(&typed) {
                prop_assert!(email.as_str().len() <= BYTES_MAX && email.compared().len() <= BYTES_MAX);
                prop_assert!(!email.as_str().chars().any(char::is_control));
            }
        }

        #[test]
        fn an_ordinary_address_is_taken_and_compares_as_itself(
            typed in "[A-Za-z0-9_+-]{1,20}(\\.[A-Za-z0-9]{1,8}){0,2}@[a-z0-9]{1,20}\\.[A-Z]{2,6}",
        ) {
            let email = Email::parse(&typed).unwrap();
            let again = Email::parse(email.compared()).unwrap();
            prop_assert_eq!(email.compared(), again.compared());
            prop_assert_eq!(email.as_str(), typed);
        }
    }
}
