//! Tests only: a database and a Redis of one's own, bounded waits.

pub mod redis;
