//! Tests only: whole flows over real binaries, signals, the dependency rule.
