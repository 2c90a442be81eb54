//! PostgreSQL, and the only crate that knows SQL.
