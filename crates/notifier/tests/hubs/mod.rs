//! A hub to deliver changes to.

use std::sync::Arc;

use clap::Parser;
use holdfast_domain::{Seq, Shard};
use holdfast_notifier::{Hub, Settings};
use holdfast_stream::Streams;

#[derive(Parser)]
#[command(args_override_self = true)]
struct HubSettings {
    #[command(flatten)]
    sockets: Settings,
}

/// The settings that these arguments make.
pub(crate) fn settings(arguments: &[&str]) -> Settings {
    HubSettings::parse_from([&["test"], arguments].concat()).sockets
}

/// A hub in which the log of each shard stands at `seq`.
pub(crate) fn hub_at(seq: i64, arguments: &[&str], streams: Option<Streams>) -> Arc<Hub> {
    let hub = Arc::new(Hub::new(&settings(arguments), streams));
    Shard::all().for_each(|shard| hub.gap(shard, Seq(seq)));
    hub
}
