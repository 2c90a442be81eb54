//! The rows of events: what is held and confirmed of their units when many want the same, and when all want something else;
//! the plain way of it, by pgbench; what a map of seats costs meanwhile; and the load tests that systems which lock seats
//! publish. Owns those who ask. Never trusts an answer about what was sold: tables and log are counted when all is over.

mod answers;
mod crew;
mod hall;
pub(crate) mod hot;
pub(crate) mod locks;
pub(crate) mod map;
pub(crate) mod plain;
mod sold;
pub(crate) mod spread;
pub(crate) mod wanted;
mod wire;
mod work;
