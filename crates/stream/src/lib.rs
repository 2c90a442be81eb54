//! Redis, and the only crate that knows fred.
