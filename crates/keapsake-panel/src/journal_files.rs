//! The journal's files by their names alone: where they lie concerns whoever runs the machine, and is in the log.

use std::path::Path;

use keapsake::journal::JournalHealth;

pub(crate) fn name(file: &Path) -> String {
    file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// What the journal says about its files.
pub(crate) fn without_folder(words: &str, health: &JournalHealth) -> String {
    match health.file.parent() {
        Some(folder) => words.replace(&format!("{}/", folder.display()), ""),
        None => words.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    #[test]
    fn the_folder_is_not_told() {
        let mut health = JournalHealth::default();
        health.file = PathBuf::from("/srv/shop/journal/one.journal");
        assert_eq!(name(&health.file), "one.journal");
        assert_eq!(
            without_folder("/srv/shop/journal/two.journal is a copy", &health),
            "two.journal is a copy"
        );
    }
}
