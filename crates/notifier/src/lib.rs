//! Relays the streams to WebSocket subscribers: each hears what concerns them, as far as they may see it.
//!
//! It has no PostgreSQL and no state worth keeping: a subscriber who was away, or was too slow, or heard `resync`, asks
//! the API. What may be seen is decided by `domain::visible` alone.

mod audience;
mod document;
mod feed;
mod hub;
mod interest;
mod meters;
mod query;
mod render;
mod routes;
mod service;
mod settings;
mod socket;

pub use document::openapi;
pub use feed::Feed;
pub use hub::{Hub, Subscription};
pub use interest::Interest;
pub use routes::Sockets;
pub use service::{Service, ServiceSettings, bind};
pub use settings::Settings;
