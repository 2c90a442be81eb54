//! The seats of a section: what they are called, which are free, and which are best.
//!
//! A [`Layout`] says which seats there are, a [`SeatMap`] what has become of each, and a [`Floor`] is the two together
//! and knows where the free ones are. Nothing here knows who has a seat, or for how long.

mod best;
mod floor;
mod layout;
mod map;
mod row;
#[cfg(test)]
mod tests;

pub use best::Adjacency;
pub use floor::Floor;
pub use layout::{Layout, LayoutError};
pub use map::{BLOCK_BYTES, BLOCK_SEATS, SeatMap, SeatState};
pub use row::{Row, RowError, RowSeats, rows_of};
