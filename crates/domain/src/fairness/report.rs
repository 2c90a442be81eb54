//! What a log says of the fairness of a sale: figures, and each of whom they are made up.

use serde::Serialize;
use time::OffsetDateTime;

use crate::{EventId, ReservationId, SectionId, SectionName, Seq, UserId, WaitlistEntryId, waitlist::Ending};

/// What the log tells of an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Of which.
    pub event_id: EventId,
    /// How many changes tell of it.
    pub changes: u64,
    /// The first of them.
    pub first_seq: Seq,
    /// The last of them.
    pub last_seq: Seq,
    /// Whether they tell of it from its begin, or the log was pruned.
    pub is_whole: bool,
    /// How well the order of holds goes with that in which they were asked for.
    pub at_the_door: AtTheDoor,
    /// How those in line were served.
    pub in_line: InLine,
    /// What has become of the units, by section and by how they were got.
    pub got: Vec<Got>,
    /// Who got something, in the order of the log.
    pub taken: Vec<Taken>,
    /// Who stood in line, by rank.
    pub line: Vec<Stood>,
}

/// How units were got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// Its owner came and took them.
    Hold,
    /// Its owner stood in line, and they were held for them.
    Offer,
}

impl Way {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hold => "hold",
            Self::Offer => "offer",
        }
    }
}

/// What has become of units that somebody got.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Outcomes {
    /// They are somebody's.
    pub confirmed: i64,
    /// They are held at the end of what was read.
    pub held: i64,
    /// Their hold came to its end.
    pub expired: i64,
    /// They were given back while they were held.
    pub released: i64,
    /// They were given back once they were confirmed, or the event was called off.
    pub cancelled: i64,
}

impl Outcomes {
    /// How many there are.
    pub const fn total(self) -> i64 {
        self.confirmed + self.held + self.expired + self.released + self.cancelled
    }
}

/// What has become of the units of a section that were got in one way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Got {
    /// Of which section.
    pub section_id: SectionId,
    /// What people call it; nothing when the log does not say so any more.
    pub section: Option<SectionName>,
    /// How they were got.
    pub way: Way,
    /// How many became what.
    pub units: Outcomes,
}

/// Units that somebody got at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Taken {
    /// The reservation that they were held with. Confirmed in part, they may be in two.
    pub reservation_id: ReservationId,
    /// Who got them.
    pub user_id: UserId,
    /// The change that tells of it.
    pub seq: Seq,
    /// When that was, on the shard's clock.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// When they were asked for, to the millisecond, by the clock of the process that was asked; nothing of units that
    /// were offered, or when the id is none that says so.
    #[serde(with = "time::serde::rfc3339::option")]
    pub arrived_at: Option<OffsetDateTime>,
    /// How they were got.
    pub way: Way,
    /// How many became what.
    pub units: Outcomes,
}

/// How somebody came out of line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// Units were held for them.
    Offered,
    /// They left.
    Left,
    /// The sale was over.
    SaleOver,
    /// They may have had no more.
    LimitReached,
}

impl From<Ending> for Ended {
    fn from(ending: Ending) -> Self {
        match ending {
            Ending::SaleOver => Self::SaleOver,
            Ending::LimitReached => Self::LimitReached,
        }
    }
}

/// Somebody who stood in line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Stood {
    /// Their place.
    pub waitlist_entry_id: WaitlistEntryId,
    /// Who.
    pub user_id: UserId,
    /// The change with which they came.
    pub rank: Seq,
    /// When that was, on the shard's clock.
    #[serde(with = "time::serde::rfc3339")]
    pub joined_at: OffsetDateTime,
    /// How many units they waited for.
    pub quantity: i32,
    /// How they came out of line; nothing while they stand there.
    pub ended: Option<Ended>,
    /// The change that tells of it.
    pub ended_seq: Option<Seq>,
    /// How long they stood there until then.
    pub waited_millis: Option<i64>,
    /// What was held for them.
    pub reservation_id: Option<ReservationId>,
    /// Whether somebody who came later was served first.
    pub was_overtaken: bool,
}

/// How long those waited whom something was held for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Waits {
    /// Half of them no longer than that.
    pub median_millis: i64,
    /// Nine of ten no longer than that.
    pub most_of_them_millis: i64,
    /// Nobody longer than that.
    pub longest_millis: i64,
}

/// How those in line were served.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct InLine {
    /// How many came.
    pub joined: u64,
    /// How many stand there at the end of what was read.
    pub waiting: u64,
    /// For how many units were held.
    pub offered: u64,
    /// How many left.
    pub left: u64,
    /// How many waited until the sale was over.
    pub sale_over: u64,
    /// How many may have had no more when it was their turn.
    pub limit_reached: u64,
    /// How long those waited for whom units were held; nothing when there were none.
    pub waits: Option<Waits>,
    /// How often the judge found that somebody was passed over, or a line was otherwise not served as is promised. Zero is
    /// right.
    pub out_of_turn: u64,
    /// The first of these, in words.
    pub breaches: Vec<String>,
    /// How many pairs there are of which the later was served first. Nobody of them was passed over, where nothing is out
    /// of turn: what the earlier one asked for was not there then.
    pub overtaken_pairs: u64,
    /// How many people were the earlier one of such a pair.
    pub overtaken_people: u64,
}

/// How well the order of holds goes with that in which they were asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct AtTheDoor {
    /// How many holds were asked for, and say when.
    pub holds: u64,
    /// How many were asked for, and don't.
    pub undated: u64,
    /// How many pairs of them there are.
    pub pairs: u64,
    /// How many pairs of which the one that was asked for later was written first.
    pub inverted_pairs: u64,
    /// By how much it was later, at most.
    pub most_millis: i64,
}
