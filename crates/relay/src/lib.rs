//! The log to the streams.
