//! The language and the rules of Holdfast. Pure: no tokio, no SQL, no HTTP, no clock.
