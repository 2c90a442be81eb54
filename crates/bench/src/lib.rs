//! The load generator: a process of its own, against the release binaries.
