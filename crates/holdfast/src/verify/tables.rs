//! A shard's tables beside its log: each row and the last that the log has of its object, of the same moment. In memory is
//! one page.

use holdfast_domain::{Booking, DEFAULT_VENUE, EventId, Fact, Seq, Shard, Venue};
use holdfast_store::{After, Database, Error, Stored, StoredBooking, StoredResource, Table};
use uuid::Uuid;

use super::{
    compare,
    finds::{At, Find, Promise, Verdict},
    log::{ROWS, word},
};

/// One look at one shard's tables.
pub(super) struct Look<'a> {
    pub(super) database: &'a Database,
    pub(super) shard: Shard,
    /// Where the log begins: what is older may have no change in it.
    pub(super) first: Seq,
    /// Whether it is the first that there ever was.
    pub(super) is_whole: bool,
    /// Up to where the log was not read.
    pub(super) from: Seq,
    pub(super) verdict: &'a mut Verdict,
    /// Reservations whose rows can't be read.
    pub(super) unread: Vec<Uuid>,
    /// Events that have seats.
    pub(super) seated: Vec<EventId>,
}

impl Look<'_> {
    /// Looks at all of them.
    pub(super) async fn run(&mut self) -> Result<(), Error> {
        let (database, shard) = (self.database, self.shard);
        let bookings = async |after| database.stored_bookings(shard, after, ROWS).await;
        self.verdict.figures.bookings = self.each(bookings, Self::booking).await?;
        let resources = async |after| database.stored_resources(shard, after, ROWS).await;
        self.verdict.figures.resources = self.each(resources, Self::resource).await?;
        let venues = async |after| database.stored_venues(shard, after, ROWS).await;
        self.verdict.figures.venues = self.each(venues, Self::venue).await?;
        self.sales().await?;
        self.lines().await
    }

    /// Looks at each row of a table; how many there are.
    pub(super) async fn each<T>(
        &mut self,
        read: impl AsyncFn(After) -> Result<Vec<Stored<T>>, Error>,
        look: impl Fn(&mut Self, &Stored<T>),
    ) -> Result<u64, Error> {
        let (mut after, mut count) = (None, 0);
        loop {
            let page = read(after).await?;
            let Some(last) = page.last() else {
                return Ok(count);
            };
            after = Some((last.tenant_id, last.id));
            count += page.len() as u64;
            if page.iter().any(|stored| stored.told.is_none()) {
                self.follow_pruning().await?;
            }
            for stored in &page {
                look(self, stored);
            }
        }
    }

    /// Where the log begins now: what is not in it may have been pruned while the tables were read.
    async fn follow_pruning(&mut self) -> Result<(), Error> {
        let ends = self.database.log_ends(self.shard).await?;
        let first = ends.first.unwrap_or(self.first);
        self.is_whole &= first == self.first;
        self.first = first;
        Ok(())
    }

    fn booking(&mut self, stored: &Stored<StoredBooking>) {
        let rank = stored.row.as_ref().ok().map(|row| row.booking.claim.rank());
        // Younger than the log's begin, it is told of there.
        let may_be_untold = !self.is_whole && rank.is_none_or(|rank| rank < self.first);
        self.agrees(Table::Bookings, stored, may_be_untold, |row, fact| {
            fact.booking().map(|told| {
                if row.has_resource {
                    return compare::bookings(&row.booking, told);
                }
                // Its venue is that of its resource.
                let booking = Booking { venue_id: told.venue_id, ..row.booking.clone() };
                compare::bookings(&booking, told)
            })
        });
        let Ok(row) = &stored.row else {
            return;
        };
        let (id, at) = (row.booking.id, At(self.shard));
        self.verdict.check(Promise::P2, row.has_resource, || {
            let what = format!("its resource {} is not there", row.booking.resource_id);
            at.find(Promise::P2, None, Some(format!("booking {id}")), what)
        });
        // Of two, one tells.
        let other = row.overlaps.filter(|other| id < *other);
        self.verdict.check(Promise::P1, other.is_none(), || {
            let what = other
                .map(|other| format!("it holds now some of what booking {other} holds"))
                .unwrap_or_default();
            at.find(Promise::P1, None, Some(format!("booking {id}")), what)
        });
    }

    fn resource(&mut self, stored: &Stored<StoredResource>) {
        self.agrees(Table::Resources, stored, !self.is_whole, |row, fact| match fact {
            Fact::ResourceCreated { resource } | Fact::ResourceUpdated { resource } => {
                Some(compare::resources(&row.resource, resource))
            }
            _ => None,
        });
        let Ok(StoredResource { open_wants, pending, .. }) = stored.row else {
            return;
        };
        let at = At(self.shard);
        self.verdict.check(Promise::P2, open_wants == pending, || {
            let what = format!("its open_wants is {open_wants}, and {pending} of its bookings are PENDING");
            at.find(Promise::P2, None, Some(format!("resource {}", stored.id)), what)
        });
    }

    fn venue(&mut self, stored: &Stored<Venue>) {
        // The default one is made with the schema.
        let is_default = stored.id == DEFAULT_VENUE.uuid();
        let may_be_untold = is_default && stored.row.as_ref().is_ok_and(|venue| venue.version == 1);
        self.agrees(Table::Venues, stored, may_be_untold || !self.is_whole, |venue, fact| match fact {
            Fact::VenueCreated { venue: told } | Fact::VenueUpdated { venue: told } => {
                Some(compare::venues(venue, told))
            }
            _ => None,
        });
    }

    /// Whether the row is as the log says.
    pub(super) fn agrees<T>(
        &mut self,
        table: Table,
        stored: &Stored<T>,
        may_be_untold: bool,
        differences: impl FnOnce(&T, &Fact) -> Option<Vec<String>>,
    ) {
        let at = At(self.shard);
        let seq = stored.told.as_ref().map(|told| told.seq);
        let find = |what: String| -> Find {
            at.find(Promise::P2, seq, Some(format!("{} {}", word(table), stored.id)), what)
        };
        let row = match &stored.row {
            Ok(row) => row,
            Err(error) => return self.verdict.find(find(format!("its row can't be read: {error}"))),
        };
        let Some(told) = &stored.told else {
            if may_be_untold {
                self.verdict.figures.untold += u64::from(!self.is_whole);
                return;
            }
            return self.verdict.find(find("it is in the table, and not in the log".into()));
        };
        let told = match told.parse() {
            Ok(told) => told,
            Err(error) if told.seq <= self.from => {
                return self
                    .verdict
                    .find(find(format!("the log's last change of it can't be read: {error}")));
            }
            // It was found in the log.
            Err(_) => return,
        };
        let differences =
            if told.tenant_id == stored.tenant_id { differences(row, &told.fact) } else { None };
        let differences =
            differences.unwrap_or_else(|| vec!["the log's last change of it is of another kind".into()]);
        self.verdict.check(Promise::P2, differences.is_empty(), || find(differences.join("; ")));
    }
}
