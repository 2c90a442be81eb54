//! Waiting for a condition, never for a time.

use std::time::{Duration, Instant};

/// Looks every few milliseconds until `look` gives something, for 30 seconds at most: long enough for a
/// slow machine, and an end for what never comes.
///
/// # Panics
/// When it never does.
pub async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(started.elapsed() < Duration::from_secs(30), "{what}: did not come about in 30 s");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
