//! The texts that subscribers get. Each change is read once, and each text written once, however many get it.

use std::{
    collections::HashMap,
    sync::{Mutex, OnceLock, PoisonError},
};

use bytestring::ByteString;
use holdfast_domain::{Caller, Change, Seq, TenantId, UserId, visible, visible::Visible};
use holdfast_stream::Entry;

use crate::interest::users_of;

/// The messages about a position and nothing else.
pub(crate) const HELLO: &str = "hello";
pub(crate) const POSITION: &str = "position";
pub(crate) const RESYNC: &str = "resync";

/// What a subscriber is told: a JSON object.
///
/// There are thousands of queues with room for many: of two forms, and not of one in which `seq` may be missing, since that
/// would take more memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// What stands in the log, or says where it stands: nobody who is told a later position has missed it.
    Placed {
        /// Its `type`.
        kind: &'static str,
        /// Where that is.
        seq: Seq,
        /// The object, which has both.
        text: ByteString,
    },
    /// What is so now and stands nowhere in the log: it may be left out, and whoever comes back is not told it.
    Hint(ByteString),
}

impl Message {
    /// The `type` of a hint.
    pub(crate) const HINT: &str = "availability_changed";

    /// Its `type`.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Placed { kind, .. } => kind,
            Self::Hint(_) => Self::HINT,
        }
    }

    /// Where in the log it stands, if it does.
    pub const fn seq(&self) -> Option<Seq> {
        match self {
            Self::Placed { seq, .. } => Some(*seq),
            Self::Hint(_) => None,
        }
    }

    /// The object.
    pub const fn text(&self) -> &ByteString {
        let (Self::Placed { text, .. } | Self::Hint(text)) = self;
        text
    }
}

/// A change of a stream, and its text as far as each may see it.
#[derive(Debug)]
pub(crate) struct Item {
    pub(crate) seq: Seq,
    pub(crate) tenant_id: TenantId,
    whole: ByteString,
    /// Read when somebody first has to know: most tenants have no subscriber most of the time.
    change: OnceLock<Result<Change, serde_json::Error>>,
    /// The cut ones, by whose they are who gets them: strangers all get the same, so there are as many as it tells of.
    cuts: Mutex<HashMap<Option<UserId>, ByteString>>,
}

impl From<Entry> for Item {
    fn from(entry: Entry) -> Self {
        let Entry { seq, tenant_id, wire } = entry;
        Self { seq, tenant_id, whole: wire.into(), change: OnceLock::new(), cuts: Mutex::default() }
    }
}

impl Item {
    /// # Errors
    /// When this version can't read it.
    pub(crate) fn change(&self) -> Result<&Change, &serde_json::Error> {
        self.change.get_or_init(|| Change::from_wire(self.tenant_id, &self.whole)).as_ref()
    }

    /// About how many bytes of memory it takes, once it has been read.
    pub(crate) fn bytes(&self) -> usize {
        size_of::<Self>() + 2 * self.whole.len()
    }

    /// What `caller` may see of it, if anything.
    pub(crate) fn message_for(&self, caller: &Caller) -> Option<Message> {
        let change = self.change().ok()?;
        let text = match visible(change, caller)? {
            // It has come in the form in which it goes out.
            Visible::Whole(_) => self.whole.clone(),
            Visible::Cut(cut) => {
                let owner = caller.user.clone().filter(|user| users_of(change).any(|other| other == user));
                let mut cuts = self.cuts.lock().unwrap_or_else(PoisonError::into_inner);
                let text = cuts.entry(owner).or_insert_with(|| {
                    serde_json::to_string(&cut)
                        .expect("ids and times within the calendar are always JSON")
                        .into()
                });
                text.clone()
            }
        };
        Some(Message::Placed { kind: change.fact.kind().as_str(), seq: self.seq, text })
    }
}

/// A message about a position and nothing else.
pub(crate) fn notice(kind: &'static str, seq: Seq) -> Message {
    Message::Placed { kind, seq, text: format!(r#"{{"type":"{kind}","seq":{seq}}}"#).into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_takes_no_more_room_for_there_being_hints() {
        assert_eq!(size_of::<Message>(), size_of::<(&str, Seq, ByteString)>());
    }
}
