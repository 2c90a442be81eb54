//! A place in line as the API answers it: with where it stands.

use holdfast_domain::{WaitlistEntry, openapi::example};
use holdfast_store::WaitlistNow;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

/// A place in line, and where that is now.
#[derive(Serialize, ToSchema)]
#[schema(as = WaitlistPlace)]
pub struct Answer<'a> {
    #[schema(value_type = WaitlistEntry)]
    #[serde(flatten)]
    entry: &'a WaitlistEntry,
    /// Which it is in line, 1 for the first; null unless it is `WAITING`.
    #[schema(required = true, minimum = 1)]
    position: Option<i64>,
    /// How long it takes if it goes on as with the last offers of the event: a guess. Null where there were none, and unless it
    /// is `WAITING`.
    #[schema(required = true, minimum = 0)]
    estimated_wait_seconds: Option<i64>,
}

impl<'a> Answer<'a> {
    /// One that was just written, and what was read of the user's place since: that of this entry, if it waits.
    pub fn written(entry: &'a WaitlistEntry, now: Option<&WaitlistNow>) -> Self {
        Self::new(entry, now.filter(|now| now.entry.id == entry.id))
    }

    fn new(entry: &'a WaitlistEntry, now: Option<&WaitlistNow>) -> Self {
        Self {
            entry,
            position: now.and_then(|now| now.ahead).map(|ahead| ahead.saturating_add(1)),
            estimated_wait_seconds: now.and_then(|now| now.wait).map(time::Duration::whole_seconds),
        }
    }

    /// One that waits.
    pub fn waiting() -> Value {
        let entry = example::waitlist_entry();
        let wait = Some(time::Duration::seconds(90));
        let now = WaitlistNow { ahead: Some(2), wait, at: entry.created_at, entry: entry.clone() };
        json!(Answer::new(&entry, Some(&now)))
    }
}

impl<'a> From<&'a WaitlistNow> for Answer<'a> {
    fn from(now: &'a WaitlistNow) -> Self {
        Self::new(&now.entry, Some(now))
    }
}
