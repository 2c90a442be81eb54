//! The promote/reject cycle: loops and timers around the store's decision step.
