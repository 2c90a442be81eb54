//! Layouts of halls, kept in memory: to read one takes ten milliseconds, and a hall's hardly ever changes.
//!
//! Each has an id that no other layout has, so what is kept can't be out of date. Only what was committed is kept.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use deadpool_postgres::Object;
use holdfast_domain::{SectionId, Shard, seating::Layout};
use uuid::Uuid;

use crate::{Error, sections};

/// Most seats that are kept; a seat takes about a hundred bytes.
const SEATS_KEPT: usize = 1_000_000;

/// What a layout counts for at least: so there are no more than a thousand.
const SEATS_AT_LEAST: usize = 1_000;

/// Those of this process.
#[derive(Debug, Default)]
pub(crate) struct Layouts(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    /// Each with when it was last asked for.
    by_id: HashMap<Uuid, (Arc<Layout>, u64)>,
    seats: usize,
    asked: u64,
}

impl Kept {
    fn touch(&mut self, id: Uuid) -> Option<Arc<Layout>> {
        self.asked += 1;
        let (layout, asked) = self.by_id.get_mut(&id)?;
        *asked = self.asked;
        Some(Arc::clone(layout))
    }

    /// Lets go of those that nobody has asked for the longest, until there is room for so many seats.
    fn make_room(&mut self, seats: usize) {
        while self.seats + seats > SEATS_KEPT {
            let oldest = self.by_id.iter().min_by_key(|(_, (_, asked))| *asked).map(|(id, _)| *id);
            let Some((layout, _)) = oldest.and_then(|id| self.by_id.remove(&id)) else { return };
            self.seats -= weight(&layout);
        }
    }
}

fn weight(layout: &Layout) -> usize {
    layout.seats().max(SEATS_AT_LEAST)
}

impl Layouts {
    pub(crate) fn get(&self, id: Uuid) -> Option<Arc<Layout>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).touch(id)
    }

    pub(crate) fn keep(&self, id: Uuid, layout: &Arc<Layout>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.touch(id).is_some() {
            return;
        }
        kept.make_room(weight(layout));
        kept.seats += weight(layout);
        let asked = kept.asked;
        kept.by_id.insert(id, (Arc::clone(layout), asked));
    }

    /// The layouts with these ids, of these sections, read if they are not kept.
    pub(crate) async fn of(
        &self,
        client: &Object,
        shard: Shard,
        wanted: &[(SectionId, Uuid)],
    ) -> Result<HashMap<SectionId, Arc<Layout>>, Error> {
        let mut layouts = HashMap::with_capacity(wanted.len());
        let mut missing = Vec::new();
        for (section, id) in wanted {
            match self.get(*id) {
                Some(layout) => {
                    layouts.insert(*section, layout);
                }
                None => missing.push(section.uuid()),
            }
        }
        if missing.is_empty() {
            return Ok(layouts);
        }
        let statement = client.prepare_cached(sections::LAYOUTS).await?;
        for row in client.query(&statement, &[&shard.number(), &missing]).await? {
            // By the id that was read with it: it may have been given another since it was asked for.
            let (section, id): (Uuid, Option<Uuid>) = (row.get(0), row.get(1));
            let Some((id, text)) = id.zip(row.get::<_, Option<&str>>(2)) else { continue };
            let layout = Arc::new(sections::read_layout(text)?);
            self.keep(id, &layout);
            layouts.insert(section.into(), layout);
        }
        Ok(layouts)
    }
}

#[cfg(test)]
mod tests {
    use holdfast_domain::{
        RowName,
        seating::{Row, RowSeats},
    };

    use super::*;

    #[test]
    fn no_more_seats_are_kept_than_may_be_and_those_go_that_nobody_asks_for() {
        let row = |n: usize| {
            let name = RowName::parse(&format!("Row {n} no")).expect("a name");
            Row::new(name, RowSeats::Count(1_000), 0, None).expect("a row")
        };
        let hall = Arc::new(Layout::new((0..100).map(row).collect()).expect("a layout"));
        let layouts = Layouts::default();
        let (favourite, id) = (Uuid::from_u128(0), |n: u128| Uuid::from_u128(n));
        layouts.keep(favourite, &hall);
        for n in 1..25 {
            layouts.keep(id(n), &hall);
            layouts.keep(id(n), &hall);
            assert!(layouts.0.lock().expect("no panic").seats <= SEATS_KEPT);
            assert!(layouts.get(favourite).is_some() && layouts.get(id(n)).is_some(), "{n}");
        }
        assert!(layouts.get(id(1)).is_none());
        for n in 100..2_000 {
            layouts.keep(id(n), &Arc::new(Layout::default()));
        }
        assert!(layouts.0.lock().expect("no panic").by_id.len() <= 1_000);
    }
}
