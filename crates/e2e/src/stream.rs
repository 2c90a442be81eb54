//! What lies in the default tenant's stream, entry by entry.

use holdfast_testkit::{redis::TestRedis, shard};

/// Id and seq of each entry, in the stream's order, in one line: the testkit reads no more of an answer.
const ENTRIES: &str = "
    local entries = {}
    for _, entry in ipairs(redis.call('XRANGE', KEYS[1], '-', '+')) do
        entries[#entries + 1] = entry[1] .. '=' .. string.format('%.0f', cjson.decode(entry[2][4]).seq)
    end
    return { ok = table.concat(entries, ' ') }";

/// The seqs of its entries, in its order.
///
/// # Panics
/// When an entry lies where another belongs.
pub(crate) fn seqs(redis: &TestRedis) -> Vec<i64> {
    let line = redis.command(&["EVAL", ENTRIES, "1", &redis.stream(shard())]);
    let entries = line.strip_prefix('+').unwrap_or_else(|| panic!("Redis says {line}"));
    entries
        .split_whitespace()
        .map(|entry| {
            let (id, seq) = entry.split_once('=').unwrap();
            assert_eq!(id, format!("{seq}-0"));
            seq.parse().unwrap()
        })
        .collect()
}
