//! A change as the log's row has it: nothing here looks into what it tells.

use serde::Serialize;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{Change, Seq, TenantId};

/// A change as the log's row has it: `data` stays the text that was stored, so that passing it on
/// neither parses it nor writes it anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// Whose it is.
    pub tenant_id: TenantId,
    /// Where in its shard's log it stands.
    pub seq: Seq,
    /// The kind's word; may be one that this version does not know.
    pub kind: String,
    /// When it happened, on the shard's clock.
    pub at: OffsetDateTime,
    /// Who did it.
    pub actor: Option<String>,
    /// The request that it came from.
    pub request_id: Option<String>,
    /// The trace that the request is part of.
    pub traceparent: Option<String>,
    /// The JSON object that tells it.
    pub data: String,
    /// The object that it is about.
    pub object_id: Uuid,
}

impl Recorded {
    /// The JSON in which it travels.
    pub fn wire(&self) -> String {
        #[derive(Serialize)]
        struct Envelope<'a> {
            r#type: &'a str,
            seq: Seq,
            #[serde(with = "time::serde::rfc3339")]
            at: OffsetDateTime,
            actor: Option<&'a str>,
            request_id: Option<&'a str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            traceparent: Option<&'a str>,
        }
        let envelope = Envelope {
            r#type: &self.kind,
            seq: self.seq,
            at: self.at,
            actor: self.actor.as_deref(),
            request_id: self.request_id.as_deref(),
            traceparent: self.traceparent.as_deref(),
        };
        let mut text =
            serde_json::to_string(&envelope).expect("texts and times within the calendar are always JSON");
        text.pop();
        text.reserve(self.data.len() + 9);
        text.push_str(",\"data\":");
        text.push_str(&self.data);
        text.push('}');
        text
    }

    /// The change that it tells of.
    ///
    /// # Errors
    /// When it is of a kind that this version does not know, or its data is broken.
    pub fn parse(&self) -> Result<Change, serde_json::Error> {
        Change::from_wire(self.tenant_id, &self.wire())
    }
}
