//! The binaries under test, as the source is now: built once a test process, since a stale one would be tested without
//! a word.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

/// A binary of the workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is named as its crate")]
pub enum Binary {
    BookingApi,
    Validator,
    Notifier,
    /// All of them in one process.
    Holdfast,
}

impl Binary {
    /// Every one that serves.
    pub const ALL: [Self; 4] = [Self::BookingApi, Self::Validator, Self::Notifier, Self::Holdfast];

    /// The name of the binary, and of its package.
    pub fn name(self) -> &'static str {
        match self {
            Self::BookingApi => "holdfast-booking-api",
            Self::Validator => "holdfast-validator",
            Self::Notifier => "holdfast-notifier",
            Self::Holdfast => "holdfast",
        }
    }

    /// Where it lies.
    ///
    /// # Panics
    /// When the workspace can't be built.
    pub fn path(self) -> PathBuf {
        static BUILT: OnceLock<PathBuf> = OnceLock::new();
        BUILT.get_or_init(build).join(self.name())
    }
}

/// Builds them beside this test or program, and answers where.
fn build() -> PathBuf {
    let this = std::env::current_exe().unwrap();
    let directory = this.parent().unwrap();
    let profile = if directory.ends_with("deps") { directory.parent().unwrap() } else { directory };
    let name = profile.file_name().unwrap().to_str().unwrap();
    // By its name, as a person would: past rustup, sources that bring a toolchain file would be built with that one.
    let built = Command::new("cargo")
        // A test among what is built brings the dev-dependencies' features, and with them the failpoints; and what
        // `make test` has built is not built again with others.
        .args(["build", "--quiet", "--workspace", "--bins", "--test", "structure"])
        .args(["--profile", if name == "debug" { "dev" } else { name }])
        .arg("--target-dir")
        .arg(profile.parent().unwrap())
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."))
        .output()
        .unwrap();
    assert!(
        built.status.success(),
        "the binaries can't be built:\n{}",
        String::from_utf8_lossy(&built.stderr)
    );
    profile.to_owned()
}
