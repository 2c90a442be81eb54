//! The texts that subscribers get. Each is written once and shared, however many get it.

use bytestring::ByteString;
use holdfast_domain::{Caller, Change, Seq, visible, visible::Visible};
use holdfast_stream::Entry;

/// A change, and its text as far as each may see it.
pub(crate) struct Rendering {
    pub(crate) change: Change,
    whole: ByteString,
    cut: Option<ByteString>,
}

impl Rendering {
    /// # Errors
    /// When this version can't read the change.
    pub(crate) fn new(entry: Entry) -> Result<Self, serde_json::Error> {
        Ok(Self {
            change: Change::from_wire(entry.tenant_id, &entry.wire)?,
            whole: entry.wire.into(),
            cut: None,
        })
    }

    /// What `caller` may see of it, if anything.
    pub(crate) fn text_for(&mut self, caller: &Caller) -> Option<ByteString> {
        Some(match visible(&self.change, caller)? {
            // It has come in the form in which it goes out.
            Visible::Whole(_) => self.whole.clone(),
            // The same for everybody who gets it cut.
            Visible::Cut(cut) => {
                let text = self.cut.get_or_insert_with(|| {
                    serde_json::to_string(&cut)
                        .expect("ids and times within the calendar are always JSON")
                        .into()
                });
                text.clone()
            }
        })
    }
}

/// A message about a position and nothing else.
pub(crate) fn notice(kind: &str, seq: Seq) -> ByteString {
    format!(r#"{{"type":"{kind}","seq":{seq}}}"#).into()
}
