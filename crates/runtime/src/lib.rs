//! The process kit: settings, telemetry, metrics, shutdown, health, and what HTTP is the same everywhere: bodies,
//! headers, methods, problem documents, pages for people. Knows nothing of booking.
//!
//! Depends on no other crate of ours, so that every service can lean on it. A service is a function from settings to
//! tasks; [`service::main`] does what is the same for all of them.

pub mod docs;
mod edge;
pub mod extract;
mod handles;
pub mod headers;
pub mod health;
mod help;
pub mod http;
pub mod lifecycle;
pub mod memory;
pub mod metrics;
pub mod openapi;
pub mod problem;
pub mod routes;
pub mod service;
pub mod settings;
pub mod telemetry;

/// A request is many small allocations on one thread, freed on another: the system's allocator spends a tenth of the
/// API's time on it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

pub use headers::RequestId;
pub use service::main;
