//! Relays the streams to subscribers over WebSocket and SSE: each hears what concerns them, as far as they may see it.
//!
//! It has no PostgreSQL and no state worth keeping: a subscriber who was away, or was too slow, comes back with their
//! position and gets what they missed from memory or from the streams; who hears `resync` asks the API. What may be seen is decided by `domain::visible` alone.

mod advice;
mod archive;
mod ask;
mod audience;
mod catch_up;
mod document;
mod feed;
mod hints;
mod hub;
mod interest;
mod meters;
mod pace;
mod query;
mod render;
mod routes;
mod service;
mod settings;
mod socket;
mod sse;
mod subscription;
mod window;

pub use document::openapi;
pub use feed::Feed;
pub use hub::Hub;
pub use interest::Interest;
pub use render::Message;
pub use routes::Sockets;
pub use service::{Service, ServiceSettings, bind};
pub use settings::Settings;
pub use subscription::Subscription;
