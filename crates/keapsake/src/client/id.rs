//! Ids that cannot be mixed up. Keap's ids are JSON strings in v2; a number is understood as well.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Not an id: empty, longer than 64 characters, or with characters that no id of Keap's has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an id of Keap's has 1 to 64 letters, digits, `-` or `_`")]
pub struct InvalidId;

#[derive(Deserialize)]
#[serde(untagged)]
enum Wire {
    Text(String),
    Number(u64),
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "Wire")]
        pub struct $name(String);

        impl $name {
            /// From its text.
            ///
            /// # Errors
            /// [`InvalidId`] when it cannot be an id of Keap's.
            pub fn new(text: impl Into<String>) -> Result<Self, InvalidId> {
                let text = text.into();
                if is_id(&text) { Ok(Self(text)) } else { Err(InvalidId) }
            }

            /// Its text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<Wire> for $name {
            type Error = InvalidId;

            fn try_from(wire: Wire) -> Result<Self, InvalidId> {
                match wire {
                    Wire::Text(text) => Self::new(text),
                    Wire::Number(number) => Self::new(number.to_string()),
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }
    };
}

id! {
    /// A contact in Keap.
    ContactId
}
id! {
    /// A tag in Keap.
    TagId
}
id! {
    /// A custom field in Keap.
    CustomFieldId
}

fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_numbers_are_ids_paths_are_not() {
        let read = |json: &str| serde_json::from_str::<ContactId>(json).map(|id| id.0);
        assert_eq!(read("\"42\"").unwrap(), "42");
        assert_eq!(read("42").unwrap(), "42");
        for bad in ["\"\"", "\"../tags\"", "\"1/2\"", "-1", "null", "{}", "\"a b\""] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
