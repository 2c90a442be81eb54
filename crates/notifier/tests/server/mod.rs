//! Sockets and events over a real listener, with a hub that the test feeds.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use clap::Parser;
use holdfast_domain::{Seq, Shard};
use holdfast_notifier::{Hub, Settings, Sockets};
use holdfast_runtime::{
    health::Health,
    http::bind,
    settings::{HttpSettings, ShutdownSettings},
};
use tokio::{
    task::{JoinHandle, yield_now},
    time::timeout,
};
use tokio_util::sync::CancellationToken;

#[derive(Parser)]
#[command(args_override_self = true)]
struct TestSettings {
    #[command(flatten)]
    http: HttpSettings,
    #[command(flatten)]
    shutdown: ShutdownSettings,
    #[command(flatten)]
    sockets: Settings,
}

pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) hub: Arc<Hub>,
    pub(crate) stopping: CancellationToken,
    pub(crate) server: JoinHandle<std::io::Result<()>>,
}

pub(crate) async fn soon<T>(wait: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(20), wait).await.expect("it never came")
}

pub(crate) fn start(arguments: &[&str]) -> Running {
    let fixed = ["test", "--http-port", "0", "--http-workers", "1", "--socket-beat-seconds", "1"];
    let settings = TestSettings::parse_from([&fixed, arguments].concat());
    let hub = Arc::new(Hub::new(&settings.sockets, None));
    Shard::all().for_each(|shard| hub.gap(shard, Seq(16)));
    let stopping = CancellationToken::new();
    tokio::spawn({
        // As the feed does.
        let (hub, stopping) = (Arc::clone(&hub), stopping.clone());
        async move { hub.tell_hints(stopping).await }
    });
    let sockets = Sockets::new(&settings.sockets, Arc::clone(&hub), stopping.clone());
    let configure = move |config: &mut _| sockets.configure(config);
    let bound = bind(&settings.http, &settings.shutdown, &Health::default(), configure).unwrap();
    Running {
        address: bound.address(),
        hub,
        stopping: stopping.clone(),
        server: tokio::spawn(bound.run(stopping)),
    }
}

impl Running {
    pub(crate) async fn until_subscribers_are(&self, count: usize) {
        soon(async {
            while self.hub.subscribers() != count {
                yield_now().await;
            }
        })
        .await;
    }
}
