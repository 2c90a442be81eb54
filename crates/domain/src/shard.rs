//! Which of the 64 logs a tenant's changes go to.

use std::fmt;

use crate::TenantId;

/// One of [`Shard::COUNT`] logical shards; a tenant lives wholly on one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Shard(i16);

impl Shard {
    /// How many there are. Frozen: rows carry the number.
    pub const COUNT: i16 = 64;

    /// The shard of a tenant: CRC-32 (IEEE) of the id's 16 bytes, modulo [`Shard::COUNT`]. Frozen.
    pub fn of(tenant: TenantId) -> Self {
        let hash = crc32fast::hash(tenant.uuid().as_bytes());
        #[expect(clippy::cast_possible_truncation, reason = "the remainder is below 64")]
        Self((hash % u32::from(Self::COUNT.unsigned_abs())) as i16)
    }

    /// The shard with this number, if there is one.
    pub fn new(number: i16) -> Option<Self> {
        (0..Self::COUNT).contains(&number).then_some(Self(number))
    }

    /// All of them, in order.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..Self::COUNT).map(Self)
    }

    /// Its number, as SQL has it.
    pub const fn number(self) -> i16 {
        self.0
    }

    /// Its number, to index a table of [`Shard::COUNT`] entries.
    pub fn index(self) -> usize {
        usize::from(self.0.unsigned_abs())
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shard_of_a_tenant_never_changes() {
        let vectors = [
            ("00000000-0000-0000-0000-000000000001", 3),
            ("6f6c6466-6173-7400-8000-000000000001", 37),
            ("00000000-0000-7000-8000-000000000001", 1),
        ];
        for (tenant, shard) in vectors {
            assert_eq!(Shard::of(tenant.parse().unwrap()).number(), shard, "{tenant}");
        }
    }
}
