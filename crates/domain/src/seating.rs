//! The seats of a section, and what they are called.

mod layout;
mod row;

pub use layout::{Layout, LayoutError};
pub use row::{Row, RowError, RowSeats, rows_of};
