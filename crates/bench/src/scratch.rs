//! A directory for logs and scripts, gone at the end.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process,
    sync::atomic::{AtomicU32, Ordering},
};

use crate::error::Error;

/// How many this process has made.
static MADE: AtomicU32 = AtomicU32::new(0);

/// A directory of this process below the system's temporary one; removed with the value.
#[derive(Debug)]
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    /// # Errors
    /// When it can't be made.
    pub(crate) fn new() -> Result<Self, Error> {
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let path = env::temp_dir().join(format!("holdfast-bench-{}-{number}", process::id()));
        fs::create_dir(&path).map_err(Error::io(format!("{} can't be made", path.display())))?;
        Ok(Self(path))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What can't be removed is small, and the system's own cleaning gets it.
        let _ = fs::remove_dir_all(&self.0);
    }
}
