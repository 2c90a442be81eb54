//! Facts of the log, and how they are written on the wire.

mod data;
mod fact;
mod kind;
mod recorded;
#[cfg(test)]
mod tests;
mod wire;

use time::OffsetDateTime;

pub(crate) use data::Data;
pub use fact::{Fact, SeatsAdded, SeatsRemoved};
pub use kind::Kind;
pub use recorded::Recorded;

use crate::{RequestId, Seq, TenantId, Traceparent, UserId};

/// What a change came from, as its caller told it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trace {
    /// The request.
    pub request_id: Option<RequestId>,
    /// The trace that the request is part of.
    pub traceparent: Option<Traceparent>,
}

/// One fact in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Whose it is.
    pub tenant_id: TenantId,
    /// Where in its shard's log it stands.
    pub seq: Seq,
    /// When it happened, on the shard's clock.
    pub at: OffsetDateTime,
    /// Who did it; nobody, when the engine did.
    pub actor: Option<UserId>,
    /// What it came from.
    pub trace: Trace,
    /// What happened.
    pub fact: Fact,
}
