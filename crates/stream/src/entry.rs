//! A change as it lies in a stream: whose it is, its JSON, and the fingerprint by which logs are told apart. Never looks into the
//! JSON.

use fred::types::Value;
use holdfast_domain::{Seq, TenantId, change::Recorded};

use crate::Error;

/// The field that says whose change it is.
pub(crate) const TENANT: &str = "t";
/// The field with the change's JSON.
pub(crate) const CHANGE: &str = "c";

/// One change of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Where in its shard's log it stands; its id is `seq-0`.
    pub seq: Seq,
    /// Whose it is.
    pub tenant_id: TenantId,
    /// The JSON in which it travels.
    pub wire: String,
}

impl From<&Recorded> for Entry {
    fn from(recorded: &Recorded) -> Self {
        Self { seq: recorded.seq, tenant_id: recorded.tenant_id, wire: recorded.wire() }
    }
}

/// A change as it is copied from the log: with the fingerprint by which a stream is held against it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logged {
    /// What is told.
    pub entry: Entry,
    /// When it happened, what kind it is and of which object: another change at this seq has another. What it tells has no
    /// part in it, so that a release may write that anew.
    pub fingerprint: String,
}

impl From<&Recorded> for Logged {
    fn from(recorded: &Recorded) -> Self {
        let microseconds = recorded.at.unix_timestamp_nanos() / 1_000;
        let fingerprint = format!("{microseconds} {} {}", recorded.kind, recorded.object_id.simple());
        Self { entry: recorded.into(), fingerprint }
    }
}

/// What stands at a position: a change, or something that isn't one.
pub(crate) struct Found {
    pub(crate) seq: Seq,
    pub(crate) entry: Option<Entry>,
}

/// The seq of an id; [`Seq::BEYOND`] of a stranger's that is further than any.
///
/// # Errors
/// When it is no id.
pub(crate) fn seq_of(id: &Value) -> Result<Seq, Error> {
    let number = |id: &str| id.split('-').next()?.parse::<u64>().ok();
    id.as_str()
        .and_then(|id| number(&id))
        .map(|number| i64::try_from(number).map_or(Seq::BEYOND, |number| Seq(number).min(Seq::BEYOND)))
        .ok_or(Error::Unexpected("an id that is none"))
}

/// Reads `[id, [field, value, …]]`.
///
/// # Errors
/// When it has no id to go on from. What else is wrong with it makes it no change.
pub(crate) fn found(raw: Value) -> Result<Found, Error> {
    let Value::Array(parts) = raw else {
        return Err(Error::Unexpected("an entry that is none"));
    };
    let mut parts = parts.into_iter();
    let seq = seq_of(&parts.next().unwrap_or(Value::Null))?;
    let entry = match parts.next() {
        Some(Value::Array(fields)) => entry(seq, &fields),
        _ => None,
    };
    Ok(Found { seq, entry })
}

fn entry(seq: Seq, fields: &[Value]) -> Option<Entry> {
    let field = |name: &str| {
        let mut pairs = fields.chunks_exact(2);
        pairs.find(|pair| pair[0].as_str().as_deref() == Some(name))?[1].as_str()
    };
    Some(Entry { seq, tenant_id: field(TENANT)?.parse().ok()?, wire: field(CHANGE)?.into_owned() })
}
