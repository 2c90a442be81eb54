//! A change as it travels, to and fro.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::{Change, RequestId, Seq, TenantId, Trace, Traceparent, UserId};

/// A change as it travels: in the streams, over sockets, in `/changes`.
#[derive(Serialize, Deserialize)]
struct Wire<F> {
    #[serde(flatten)]
    fact: F,
    seq: Seq,
    #[serde(with = "time::serde::rfc3339")]
    at: OffsetDateTime,
    actor: Option<UserId>,
    request_id: Option<RequestId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    traceparent: Option<Traceparent>,
}

impl Change {
    /// Reads a change of `tenant_id` from the JSON that [`Recorded::wire`] or this type's `Serialize` wrote.
    ///
    /// # Errors
    /// When it is none, or of a kind that this version does not know.
    pub fn from_wire(tenant_id: TenantId, text: &str) -> Result<Self, serde_json::Error> {
        let Wire { fact, seq, at, actor, request_id, traceparent } = serde_json::from_str(text)?;
        Ok(Self { tenant_id, seq, at, actor, trace: Trace { request_id, traceparent }, fact })
    }
}

impl Serialize for Change {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (actor, Trace { request_id, traceparent }) = (self.actor.clone(), self.trace.clone());
        Wire { fact: &self.fact, seq: self.seq, at: self.at, actor, request_id, traceparent }
            .serialize(serializer)
    }
}
