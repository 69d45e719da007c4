//! Directories for the files of programs that are measured or tortured.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::project;

/// So that two of the same name are two.
static NUMBER: AtomicU64 = AtomicU64::new(0);

/// A new directory on the disk of this project, removed when this is dropped.
#[derive(Debug)]
pub(crate) struct Directory {
    path: PathBuf,
    is_kept: bool,
}

impl Directory {
    pub(crate) fn new(name: &str) -> anyhow::Result<Self> {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("{}-{number}-{name}", std::process::id());
        let path = project::root().join("target/scratch").join(name);
        fs::create_dir_all(&path)?;
        Ok(Self { path, is_kept: false })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Leaves it there, for somebody to look at.
    pub(crate) fn keep(&mut self) {
        self.is_kept = true;
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        if !self.is_kept {
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_goes_with_its_owner_unless_it_is_kept() {
        let gone = Directory::new("test").unwrap();
        let mut kept = Directory::new("test").unwrap();
        assert_ne!(gone.path(), kept.path());
        kept.keep();
        let paths = [gone.path().to_owned(), kept.path().to_owned()];
        drop((gone, kept));
        assert_eq!(paths.each_ref().map(|path| path.exists()), [false, true]);
        fs::remove_dir_all(&paths[1]).unwrap();
    }
}
