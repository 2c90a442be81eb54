//! Takes writes, answers reads.
