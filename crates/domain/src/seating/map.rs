//! What has become of each seat, in blocks of two bits a seat, as they are stored.

use std::{iter, ops::Range};

/// How many seats a block has room for.
pub const BLOCK_SEATS: usize = 1_024;

/// How long a block is.
pub const BLOCK_BYTES: usize = BLOCK_SEATS / 4;

/// What has become of a seat. The number is its two bits in a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SeatState {
    /// Nobody has it.
    Free = 0,
    /// Held for somebody.
    Held = 1,
    /// Somebody's.
    Confirmed = 2,
    /// Taken out; it may come back.
    Removed = 3,
}

impl SeatState {
    /// By their bits.
    const ALL: [Self; 4] = [Self::Free, Self::Held, Self::Confirmed, Self::Removed];

    /// The letter for it: `f`, `h`, `c` or `-`.
    pub const fn as_char(self) -> char {
        match self {
            Self::Free => 'f',
            Self::Held => 'h',
            Self::Confirmed => 'c',
            Self::Removed => '-',
        }
    }

    /// The state that `letter` stands for.
    pub fn parse(letter: char) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_char() == letter)
    }
}

/// The states of a section's seats, by ordinal.
///
/// Seat 0 is in the lowest two bits of the first byte. What a block has beyond the last seat is zero, so that seats
/// which are added are free.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeatMap {
    seats: usize,
    blocks: Vec<[u8; BLOCK_BYTES]>,
    changed: Vec<bool>,
}

/// Seats of which the states are read at once.
const WORD_SEATS: u32 = 32;

/// The lower bit of each seat of a word.
const LOW: u64 = 0x5555_5555_5555_5555;

impl SeatMap {
    /// So many seats, all free, in blocks that are all new.
    pub fn free(seats: usize) -> Self {
        let mut map = Self { seats: 0, blocks: Vec::new(), changed: Vec::new() };
        map.grow(seats);
        map
    }

    /// The map of which these are the blocks, with their numbers, in any order. Nothing unless each is there, once and
    /// whole, and nothing else: also nothing beyond the last seat.
    pub fn from_blocks<'a>(
        seats: usize,
        blocks: impl IntoIterator<Item = (usize, &'a [u8])>,
    ) -> Option<Self> {
        // A block is changed until it is read.
        let mut map = Self::free(seats);
        for (number, block) in blocks {
            if !std::mem::replace(map.changed.get_mut(number)?, false) {
                return None;
            }
            map.blocks[number] = block.try_into().ok()?;
        }
        let beyond = u32::try_from(seats).ok()?..u32::try_from(map.blocks.len() * BLOCK_SEATS).ok()?;
        let is_whole = map.changed().next().is_none() && map.seek(beyond.clone(), false) == beyond.end;
        is_whole.then_some(map)
    }

    /// How many seats there are, those taken out among them.
    pub const fn seats(&self) -> usize {
        self.seats
    }

    /// What has become of a seat. It must be there.
    pub fn get(&self, ordinal: u32) -> SeatState {
        let (block, byte, shift) = self.place(ordinal);
        SeatState::ALL[usize::from(self.blocks[block][byte] >> shift & 0b11)]
    }

    /// Puts a seat into a state, and marks its block as changed if it was in another. It must be there.
    pub fn set(&mut self, ordinal: u32, state: SeatState) {
        let (block, byte, shift) = self.place(ordinal);
        let old = self.blocks[block][byte];
        let new = old & !(0b11 << shift) | (state as u8) << shift;
        self.blocks[block][byte] = new;
        self.changed[block] |= new != old;
    }

    fn place(&self, ordinal: u32) -> (usize, usize, usize) {
        let ordinal = ordinal as usize;
        assert!(ordinal < self.seats, "seat {ordinal} of {}", self.seats);
        (ordinal / BLOCK_SEATS, ordinal % BLOCK_SEATS / 4, ordinal % 4 * 2)
    }

    /// Adds free seats until there are so many; never takes any away. Only blocks that are new are marked as changed.
    pub fn grow(&mut self, seats: usize) {
        self.seats = self.seats.max(seats);
        let blocks = self.seats.div_ceil(BLOCK_SEATS);
        self.blocks.resize(blocks, [0; BLOCK_BYTES]);
        self.changed.resize(blocks, true);
    }

    /// A block, of [`BLOCK_BYTES`]. It must be there.
    pub fn block(&self, number: usize) -> &[u8] {
        &self.blocks[number]
    }

    /// The numbers of the blocks that are not as they are stored, in order.
    pub fn changed(&self) -> impl Iterator<Item = usize> {
        self.changed.iter().enumerate().filter_map(|(number, changed)| changed.then_some(number))
    }

    /// All of it is stored: nothing is changed any more.
    #[cfg(test)]
    fn stored(&mut self) {
        self.changed.fill(false);
    }

    /// How many seats are in this state.
    pub fn count(&self, state: SeatState) -> usize {
        let wanted = state as u64 * LOW;
        let hits = |word: &[u8; 8]| {
            let same = !(u64::from_le_bytes(*word) ^ wanted);
            (same & same >> 1 & LOW).count_ones() as usize
        };
        let all: usize = self.words().iter().map(hits).sum();
        let beyond = if state == SeatState::Free { self.blocks.len() * BLOCK_SEATS - self.seats } else { 0 };
        all - beyond
    }

    fn words(&self) -> &[[u8; 8]] {
        self.blocks.as_flattened().as_chunks().0
    }

    /// The runs of free neighbours among these seats, in order.
    pub(super) fn free_runs(&self, span: Range<u32>) -> impl Iterator<Item = Range<u32>> {
        let mut at = span.start;
        iter::from_fn(move || {
            let start = self.seek(at..span.end, true);
            at = self.seek(start..span.end, false);
            (start < at).then_some(start..at)
        })
    }

    /// The first of these seats that is free, or is not; if there is none, the end.
    fn seek(&self, span: Range<u32>, free: bool) -> u32 {
        let words = self.words();
        let mut at = span.start;
        while at < span.end {
            let word = u64::from_le_bytes(words[(at / WORD_SEATS) as usize]);
            let taken = word | word >> 1;
            let hits = if free { !taken } else { taken } & LOW & u64::MAX << (at % WORD_SEATS * 2);
            at -= at % WORD_SEATS;
            if hits != 0 {
                return (at + hits.trailing_zeros() / 2).min(span.end);
            }
            at += WORD_SEATS;
        }
        span.end
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn blocks(map: &SeatMap) -> Vec<(usize, &[u8])> {
        (0..map.seats().div_ceil(BLOCK_SEATS)).map(|number| (number, map.block(number))).collect()
    }

    #[test]
    fn a_map_with_a_block_missing_twice_there_broken_or_beyond_is_no_map() {
        let map = SeatMap::free(2_000);
        let whole = blocks(&map);
        assert!(SeatMap::from_blocks(2_000, whole.iter().rev().copied()).is_some());
        assert!(SeatMap::from_blocks(2_000, [whole[0]]).is_none());
        assert!(SeatMap::from_blocks(2_000, [whole[0], whole[1], whole[1]]).is_none());
        assert!(SeatMap::from_blocks(2_000, [whole[0], (1, &whole[1].1[1..])]).is_none());
        assert!(SeatMap::from_blocks(2_000, [whole[0], whole[1], (2, whole[1].1)]).is_none());
        assert!(SeatMap::from_blocks(0, []).is_some());
    }

    #[test]
    fn a_map_that_tells_of_seats_that_are_not_there_is_no_map() {
        let mut map = SeatMap::free(2_000);
        map.set(1_999, SeatState::Removed);
        assert!(SeatMap::from_blocks(2_000, blocks(&map)).is_some());
        assert!(SeatMap::from_blocks(1_999, blocks(&map)).is_none());
    }

    #[test]
    fn only_what_is_not_as_stored_is_changed() {
        let mut map = SeatMap::free(3_000);
        assert_eq!(map.changed().collect::<Vec<_>>(), [0, 1, 2]);
        map.stored();
        map.set(2_999, SeatState::Free);
        assert_eq!(map.changed().count(), 0);
        map.set(2_999, SeatState::Held);
        map.set(0, SeatState::Removed);
        assert_eq!(map.changed().collect::<Vec<_>>(), [0, 2]);
        map.stored();
        map.grow(3_072);
        assert_eq!(map.changed().count(), 0);
        map.grow(3_073);
        assert_eq!(map.changed().collect::<Vec<_>>(), [3]);
    }

    #[test]
    fn a_state_has_a_letter_of_its_own() {
        for state in SeatState::ALL {
            assert_eq!(SeatState::parse(state.as_char()), Some(state));
        }
        assert_eq!(SeatState::parse('x'), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..Default::default() })]

        #[test]
        fn a_map_is_a_list_of_states(
            seats in 1usize..2_200,
            more in 0usize..2_200,
            sets in prop::collection::vec((any::<prop::sample::Index>(), 0usize..4, any::<bool>()), 0..400),
        ) {
            let (mut map, mut list) = (SeatMap::free(seats), vec![SeatState::Free; seats]);
            for (at, state, is_late) in &sets {
                if *is_late && map.seats() == seats {
                    map.grow(seats + more);
                    list.resize(seats + more, SeatState::Free);
                }
                let at = at.index(list.len());
                map.set(u32::try_from(at).unwrap(), SeatState::ALL[*state]);
                list[at] = SeatState::ALL[*state];
            }
            let read = SeatMap::from_blocks(list.len(), blocks(&map)).unwrap();
            map.stored();
            prop_assert_eq!(&read, &map);
            prop_assert_eq!((0..).take(list.len()).map(|at| map.get(at)).collect::<Vec<_>>(), &list[..]);
            for state in SeatState::ALL {
                prop_assert_eq!(map.count(state), list.iter().filter(|other| **other == state).count());
            }
            let free = map.free_runs(0..u32::try_from(list.len()).unwrap());
            let free: Vec<_> = free.flatten().map(|at| at as usize).collect();
            let is_free = |at: &usize| list[*at] == SeatState::Free;
            prop_assert_eq!(free, (0..list.len()).filter(is_free).collect::<Vec<_>>());
        }
    }
}
