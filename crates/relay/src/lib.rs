//! The log to the streams: what has been committed is published, in order, whatever dies in between.
//!
//! It remembers nothing that it could not look up: the stream's own end says where to go on, so any number of relays may
//! run at once, and one that starts again needs no state. It never looks into a change, and writes nothing to PostgreSQL but
//! a leap, when a stream shows that the log was once longer, and that this was seen to.

mod copy;
mod meters;
mod relay;
mod settings;
mod status;
mod wake;

pub use relay::Relay;
pub use settings::Settings;
pub use status::Status;
pub use wake::Wake;
