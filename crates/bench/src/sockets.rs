//! The rows with sockets: how soon a decision is told, what a crowd on one slot costs, how much a notifier tells to how many,
//! what an idle socket takes, and how soon all have caught up who come back at once. Owns the clients, which count what they
//! are told. Never trusts a service about what it sent.

mod account;
mod crowd;
pub(crate) mod decision;
pub(crate) mod fan_out;
mod frame;
pub(crate) mod hot_slot;
pub(crate) mod idle;
mod ledger;
mod message;
pub(crate) mod reconnect;
mod socket;
pub(crate) mod writer;
