//! Secrets among the settings: given themselves or in a file.

use secrecy::{ExposeSecret as _, SecretString};

use super::settings::{Given, Source, shown};
use crate::private_file;
use crate::trouble::Trouble;

/// Values that are left behind by templates, not by Keap.
const PLACEHOLDERS: [&str; 8] = [
    "changeme",
    "change-me",
    "secret",
    "xxx",
    "todo",
    "your-client-id",
    "your-client-secret",
    "your-api-key",
];

/// A secret as a value or from a file, not both.
pub(super) fn secret(
    name: &str,
    value: Option<Given>,
    file: Option<Given>,
) -> Result<Option<SecretString>, Trouble> {
    let secret = match (value, file) {
        (None, None) => return Ok(None),
        (Some(value), None) => value.into_secret(),
        (None, Some(file)) => {
            let text = private_file::read_secret(std::path::Path::new(file.text()))?;
            Given::new(&format!("{name}_file"), text, Source::File(file.text().into()))?.into_secret()
        }
        (Some(_), Some(_)) => {
            let name = shown(name);
            return Err(Trouble::new(
                &name,
                format!("is given twice: itself and as {name}_FILE."),
                "it was moved into a file and stayed in the environment",
                "keep one of the two; the file is the safer",
            ));
        }
    };
    refuse_placeholder(name, secret.expose_secret())?;
    Ok(Some(secret))
}

pub(super) fn refuse_placeholder(name: &str, value: &str) -> Result<(), Trouble> {
    if !PLACEHOLDERS.contains(&value.to_lowercase().as_str()) {
        return Ok(());
    }
    Err(Trouble::new(
        shown(name),
        "is a placeholder.",
        "an example was copied and not filled in",
        "take the value from your application's page in Keap's developer portal",
    ))
}
