//! Redis, and the only crate that knows fred.
//!
//! Redis is an accelerator: everything here may fail at any time, fails within [`COMMAND_TIMEOUT`] or a named multiple of
//! it, and goes on by itself when Redis returns. Nothing here is the truth; the log is.

mod append;
mod bell;
mod connection;
mod doorbell;
mod entry;
mod keys;
mod reader;
mod settings;
mod streams;

pub use append::Appended;
pub use bell::{Bell, Shards};
pub use connection::{COMMAND_TIMEOUT, Error};
pub use doorbell::Doorbell;
pub use entry::{Entry, Logged};
pub use keys::About;
pub use reader::{Read, Reader};
pub use settings::{RedisUrl, Settings};
pub use streams::Streams;
