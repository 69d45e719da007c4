//! Passwords that are guessed first.
//!
//! The list beside this file was compiled for this project: everyday words, names, teams, keyboard walks, repeated
//! letters and dates, each with the endings that people add to get past a rule. It is no copy of a breached list, and
//! it holds only what is long enough to pass for a password here.

use std::collections::HashSet;
use std::sync::LazyLock;

static LIST: LazyLock<HashSet<&'static str>> = LazyLock::new(|| {
    include_str!("common_passwords.txt").lines().filter(|line| !line.starts_with("# ")).collect()
});

/// Whether this password, in small letters, is on the list.
pub fn is_common(lower_case: &str) -> bool {
    LIST.contains(lower_case)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_long_and_clean() {
        assert!(LIST.len() >= 3_000, "{}", LIST.len());
        for password in LIST.iter() {
            assert_eq!(*password, password.to_lowercase());
            assert!(password.chars().count() >= 8, "{password}");
        }
    }
}
