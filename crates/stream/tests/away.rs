//! A Redis that goes and comes back: whoever asked in the meantime gets in nobody's way.

use futures_util::future::join_all;
use holdfast_stream::Streams;
use holdfast_testkit::{eventually, redis::RedisServer};

/// Each asks for 64 streams: together they are far more than could wait.
const LOOKS: usize = 40;

#[tokio::test(flavor = "multi_thread")]
async fn commands_are_answered_at_once_again_however_many_were_given_up_while_redis_was_away() {
    let mut redis = RedisServer::start();
    let streams = Streams::connect(&redis.settings()).unwrap();
    streams.ping().await.unwrap();
    redis.kill();
    for looked in join_all((0..LOOKS).map(|_| streams.lasts())).await {
        looked.unwrap_err();
    }
    redis.restart();
    eventually("it answers", async || streams.ping().await.ok()).await;
    for _ in 0..3 {
        streams.lasts().await.unwrap();
    }
}
