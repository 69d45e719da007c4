//! Statements with their values, as data: what is data can be carried out again.

use super::super::StoreError;

/// One statement with its values.
#[derive(Debug, Clone)]
pub struct Step {
    pub(crate) statement: &'static str,
    pub(crate) values: Vec<Value>,
    pub(crate) is_fence: bool,
}

impl Step {
    /// A statement that is carried out whatever it changes.
    pub(crate) fn new(statement: &'static str) -> Self {
        Self { statement, values: Vec::new(), is_fence: false }
    }

    /// A statement that has to change something; otherwise nothing of its transaction is done.
    pub(crate) fn fence(statement: &'static str) -> Self {
        Self { is_fence: true, ..Self::new(statement) }
    }

    /// The value of the next placeholder.
    #[must_use]
    pub(crate) fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    /// The value of the next placeholder: a number that a database keeps as a signed one.
    pub(crate) fn bind_number(self, number: u64) -> Result<Self, StoreError> {
        let number = i64::try_from(number).map_err(|_| {
            StoreError::new("a number is too large for the database; this is a mistake in Keapsake")
        })?;
        Ok(self.bind(number))
    }
}

/// A value of one of the three kinds that both databases have.
#[derive(Clone)]
pub(crate) enum Value {
    Text(Option<String>),
    Integer(Option<i64>),
    Bytes(Option<Vec<u8>>),
}

impl std::fmt::Debug for Value {
    /// Only the kind: what is stored is nobody's business.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Text(_) => "Text",
            Self::Integer(_) => "Integer",
            Self::Bytes(_) => "Bytes",
        })
    }
}

impl From<Option<&str>> for Value {
    /// PostgreSQL's texts cannot hold a NUL, which Keap's words might.
    fn from(text: Option<&str>) -> Self {
        Self::Text(text.map(|text| text.replace('\0', "\u{fffd}")))
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Some(text).into()
    }
}

impl From<Option<i64>> for Value {
    fn from(number: Option<i64>) -> Self {
        Self::Integer(number)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Some(number).into()
    }
}

impl From<Option<&[u8]>> for Value {
    fn from(bytes: Option<&[u8]>) -> Self {
        Self::Bytes(bytes.map(<[u8]>::to_vec))
    }
}

impl From<&[u8]> for Value {
    fn from(bytes: &[u8]) -> Self {
        Some(bytes).into()
    }
}
