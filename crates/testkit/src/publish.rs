//! The streams as a relay would fill them, for tests that have no log.

use holdfast_domain::{Seq, Shard};
use holdfast_stream::{Appended, Entry, Logged, Streams};

/// Publishes entries that follow what is in the stream of `shard`, or begins it with them; tries until Redis does it.
///
/// # Panics
/// When they do not follow.
pub async fn publish(streams: &Streams, shard: Shard, entries: &[Entry]) {
    let logged = |entry: Entry| Logged { fingerprint: entry.seq.to_string(), entry };
    let Some(first) = entries.first() else { return };
    // What stands before them, to join on to.
    let before = Entry { seq: first.seq.previous(), wire: String::new(), ..first.clone() };
    let run: Vec<Logged> = [before].into_iter().chain(entries.iter().cloned()).map(logged).collect();
    loop {
        match streams.append(shard, &run).await {
            Ok(Appended::Appended { .. }) => return,
            Ok(Appended::DoesNotJoin { last: Seq(0) }) => {
                let begun = streams.refill(shard, Seq(0), &run[1..]).await;
                if matches!(begun, Ok(Appended::Appended { .. })) {
                    return;
                }
            }
            Ok(wrong) => panic!("entries from {} on do not follow: {wrong:?}", first.seq),
            Err(_) => {}
        }
    }
}
