//! The servers that a test may stop: each way to stop them, and what they are like then.

use std::time::Duration;

use holdfast_testkit::{TestDatabase, postgres::PostgresServer, redis::RedisServer, shard};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// What a server that answers is much faster than.
const SILENCE: Duration = Duration::from_millis(500);

#[tokio::test(flavor = "multi_thread")]
async fn a_postgresql_keeps_what_was_committed_over_each_way_to_stop_it() {
    let mut server = PostgresServer::start();
    let database = TestDatabase::on(&server).await;
    database.sql("CREATE TABLE stops (number int)").await;
    let stops = [PostgresServer::kill, PostgresServer::stop_fast, PostgresServer::stop_immediate];
    for (number, stop) in stops.into_iter().enumerate() {
        let session = database.client().await;
        session.batch_execute(&format!("INSERT INTO stops VALUES ({number})")).await.unwrap();
        stop(&mut server);
        assert!(session.batch_execute("SELECT 1").await.is_err(), "{number}: the session goes on");
        assert!(TcpStream::connect(server.address()).await.is_err(), "{number}: it listens");
        server.restart();
    }
    let kept = database.client().await.query("SELECT number FROM stops ORDER BY 1", &[]).await.unwrap();
    let kept: Vec<i32> = kept.iter().map(|row| row.get(0)).collect();
    assert_eq!(kept, [0, 1, 2]);
    assert_eq!(database.log(shard()).await, [], "and the schema is there");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_postgresql_neither_answers_nor_refuses() {
    let server = PostgresServer::start();
    let session = TestDatabase::on(&server).await.client().await;
    server.pause();
    assert!(timeout(SILENCE, session.batch_execute("SELECT 1")).await.is_err());
    assert!(TcpStream::connect(server.address()).await.is_ok());
    server.resume();
    session.batch_execute("SELECT 1").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_and_its_directory_are_gone_with_the_value_though_it_is_paused() {
    let server = PostgresServer::start();
    let address = server.address();
    server.pause();
    drop(server);
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_comes_back_empty_or_as_it_was_once() {
    let mut redis = RedisServer::start();
    redis.command(&["SET", "key", "old"]);
    let old = redis.dump();
    redis.command(&["SET", "key", "new"]);
    redis.restart_from(&old);
    assert_eq!(redis.command(&["STRLEN", "key"]), ":3");
    assert_eq!(redis.command(&["DBSIZE"]), ":1");
    redis.flush();
    assert_eq!(redis.command(&["DBSIZE"]), ":0");
    redis.restart_from(&old);
    redis.restart();
    assert_eq!(redis.command(&["DBSIZE"]), ":0");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_redis_answers_when_it_is_resumed() {
    let redis = RedisServer::start();
    redis.pause();
    let mut stream = TcpStream::connect(redis.address()).await.unwrap();
    stream.write_all(b"PING\r\n").await.unwrap();
    assert!(timeout(SILENCE, stream.read_u8()).await.is_err());
    redis.resume();
    assert_eq!(stream.read_u8().await.unwrap(), b'+');
}
