//! Collecting settings from the environment and a file. Whatever is unknown or given twice stops the start.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::settings::{Given, SETTINGS, Settings, Source, shown};
use crate::trouble::Trouble;

/// Names with these beginnings are ours: an unknown one is a mistake, not somebody else's variable.
const OURS: [&str; 4] = ["KEAP_", "KEAPSAKE_", "BUTTONPUSH_", "SANDBOX_"];

/// Names the settings file itself; the command line has read it already.
const CONFIG_FILE_VARIABLE: &str = "BUTTONPUSH_CONFIG";

/// Where settings come from.
#[derive(Debug, Default)]
pub struct Sources {
    /// Environment variables; those of other programs are passed over.
    pub environment: Vec<(OsString, OsString)>,
    /// A TOML file with the settings' names in small letters as keys.
    pub file: Option<PathBuf>,
}

impl Sources {
    /// The environment of this process, and this file.
    pub fn of_process(file: Option<PathBuf>) -> Self {
        Self { environment: std::env::vars_os().collect(), file }
    }

    pub(super) fn collect(self) -> Result<Settings, Trouble> {
        let mut settings = Settings::default();
        for (name, value) in self.environment {
            let Some(name) = name.to_str().filter(|name| is_ours(name)) else { continue };
            let value = value.into_string().map_err(|_| not_text(name, &Source::Environment))?;
            put(&mut settings, &name.to_lowercase(), value, Source::Environment)?;
        }
        if let Some(path) = self.file {
            read_file(&mut settings, &path)?;
        }
        Ok(settings)
    }
}

fn is_ours(name: &str) -> bool {
    name != CONFIG_FILE_VARIABLE
        && (name == "DATABASE_URL" || OURS.iter().any(|beginning| name.starts_with(beginning)))
}

fn read_file(settings: &mut Settings, path: &Path) -> Result<(), Trouble> {
    let subject = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|error| {
        Trouble::new(
            &subject,
            format!("(the settings file) cannot be read: {error}."),
            "the path in --config or BUTTONPUSH_CONFIG is relative to another directory, or the file belongs to another user",
            "give the full path and let this user read the file",
        )
    })?;
    // Only the message and the line: the error's own text quotes the line, which may hold a secret.
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        Trouble::new(
            &subject,
            format!("(the settings file) is not valid TOML in line {line}."),
            "a key stands there twice, or text without quotation marks",
            "write each setting once, as `name = \"value\"`",
        )
    })?;
    for (name, value) in table {
        let source = Source::File(path.to_owned());
        let toml::Value::String(value) = value else {
            return Err(not_text(&name, &source));
        };
        put(settings, &name, value, source)?;
    }
    Ok(())
}

fn put(settings: &mut Settings, name: &str, value: String, source: Source) -> Result<(), Trouble> {
    let Some(slot) = settings.slot(name) else { return Err(unknown(name, &source)) };
    if let Some(earlier) = slot {
        return Err(Trouble::new(
            shown(name),
            format!("is given twice: in {} and in {source}.", earlier.source()),
            "it was moved from one place to the other and stayed in both",
            "keep one of the two",
        ));
    }
    *slot = Some(Given::new(name, value, source)?);
    Ok(())
}

fn not_text(name: &str, source: &Source) -> Trouble {
    Trouble::new(
        shown(name),
        format!("in {source} is not text."),
        "a number or list was written without quotation marks, or the bytes are not UTF-8",
        "write the value as text, in a TOML file within quotation marks",
    )
}

fn unknown(name: &str, source: &Source) -> Trouble {
    // A key in a file is shown as it is written; whoever looks for it must find it.
    let subject = match source {
        Source::Environment => shown(name),
        Source::File(_) => name.to_owned(),
    };
    let likely = match nearest(name) {
        Some(known) => format!("a typing mistake for {}", shown(known)),
        None => "it belongs to another version, or to another program".to_owned(),
    };
    Trouble::new(
        subject,
        format!("in {source} is not a setting that ButtonPush knows."),
        likely,
        "correct or remove it; `buttonpush settings` lists all of them",
    )
}

fn nearest(name: &str) -> Option<&'static str> {
    let close = |known: &&str| distance(known, &name.to_lowercase()) <= 3;
    SETTINGS
        .iter()
        .map(|(known, _)| *known)
        .filter(close)
        .min_by_key(|known| distance(known, &name.to_lowercase()))
}

/// How many letters have to be added, removed or changed to come from one name to the other.
fn distance(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in other.bytes().enumerate() {
            let changed = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_counts_changes() {
        assert_eq!(distance("keap_client_id", "keap_client_id"), 0);
        assert_eq!(distance("keap_client_id", "keap_clientid"), 1);
        assert_eq!(distance("abc", ""), 3);
        assert_eq!(nearest("buttonpush_lisen"), Some("buttonpush_listen"));
        assert_eq!(nearest("sandbox_colour_of_walls"), None);
    }
}
