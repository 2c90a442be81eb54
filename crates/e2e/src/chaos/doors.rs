//! Where each of the six processes is found now, as a load balancer would know it.

use std::{
    net::SocketAddr,
    sync::{PoisonError, RwLock},
};

use crate::Binary;

/// One of the six: two of each service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Who {
    /// Which service.
    pub binary: Binary,
    /// Which of the two.
    pub number: usize,
}

/// The addresses of those that are up.
#[derive(Debug, Default)]
pub struct Doors(RwLock<[Option<SocketAddr>; 6]>);

impl Who {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::api(0),
        Self::api(1),
        Self::validator(0),
        Self::validator(1),
        Self::notifier(0),
        Self::notifier(1),
    ];

    /// A booking API.
    pub const fn api(number: usize) -> Self {
        Self { binary: Binary::BookingApi, number }
    }

    /// A validator.
    pub const fn validator(number: usize) -> Self {
        Self { binary: Binary::Validator, number }
    }

    /// A notifier.
    pub const fn notifier(number: usize) -> Self {
        Self { binary: Binary::Notifier, number }
    }

    /// Its place among all.
    pub fn index(self) -> usize {
        Self::ALL.iter().position(|who| *who == self).expect("one of the six")
    }
}

impl std::fmt::Display for Who {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = self.binary.name().trim_start_matches("holdfast-");
        write!(f, "{name}-{}", self.number + 1)
    }
}

impl Doors {
    /// Where it is, if it is up.
    pub fn of(&self, who: Who) -> Option<SocketAddr> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)[who.index()]
    }

    pub(super) fn set(&self, who: Who, address: Option<SocketAddr>) {
        self.0.write().unwrap_or_else(PoisonError::into_inner)[who.index()] = address;
    }
}
