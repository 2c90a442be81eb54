//! The texts that subscribers get. Each is written once and shared, however many get it.

use std::collections::HashMap;

use bytestring::ByteString;
use holdfast_domain::{Caller, Change, Seq, UserId, visible, visible::Visible};
use holdfast_stream::Entry;

/// A change, and its text as far as each may see it.
pub(crate) struct Rendering {
    pub(crate) change: Change,
    whole: ByteString,
    /// The cut ones, by whose they are who gets them: strangers all get the same.
    cuts: HashMap<Option<UserId>, ByteString>,
}

impl Rendering {
    /// # Errors
    /// When this version can't read the change.
    pub(crate) fn new(entry: Entry) -> Result<Self, serde_json::Error> {
        Ok(Self {
            change: Change::from_wire(entry.tenant_id, &entry.wire)?,
            whole: entry.wire.into(),
            cuts: HashMap::new(),
        })
    }

    /// What `caller` may see of it, if anything.
    pub(crate) fn text_for(&mut self, caller: &Caller) -> Option<ByteString> {
        Some(match visible(&self.change, caller)? {
            // It has come in the form in which it goes out.
            Visible::Whole(_) => self.whole.clone(),
            Visible::Cut(cut) => {
                let owner = caller.user.clone().filter(|user| is_of(&self.change, user));
                let text = self.cuts.entry(owner).or_insert_with(|| {
                    serde_json::to_string(&cut)
                        .expect("ids and times within the calendar are always JSON")
                        .into()
                });
                text.clone()
            }
        })
    }
}

/// Whether something of the change is this user's.
fn is_of(change: &Change, user: &UserId) -> bool {
    let owner = change.fact.booking().map(|booking| &booking.user_id);
    let others = change.fact.conflicting().iter().map(|conflict| &conflict.user_id);
    owner.into_iter().chain(others).chain(&change.actor).any(|owner| owner == user)
}

/// A message about a position and nothing else.
pub(crate) fn notice(kind: &str, seq: Seq) -> ByteString {
    format!(r#"{{"type":"{kind}","seq":{seq}}}"#).into()
}
