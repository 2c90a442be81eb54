//! The line that a test may cut.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{net::SocketAddr, time::Duration};

use holdfast_testkit::{eventually, proxy::Proxy};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::{Instant, timeout},
};

/// What an echo on loopback is much faster than.
const SILENCE: Duration = Duration::from_millis(300);

/// Somebody who says whatever they are told, until they are told no more.
async fn echo() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let (mut from, mut to) = stream.split();
                let _ = tokio::io::copy(&mut from, &mut to).await;
            });
        }
    });
    address
}

async fn says(stream: &mut TcpStream, word: &[u8; 4]) -> std::io::Result<[u8; 4]> {
    stream.write_all(word).await?;
    let mut heard = [0; 4];
    stream.read_exact(&mut heard).await?;
    Ok(heard)
}

async fn connected() -> (Proxy, TcpStream) {
    let proxy = Proxy::to(echo().await).await;
    let stream = TcpStream::connect(proxy.address()).await.unwrap();
    (proxy, stream)
}

#[tokio::test]
async fn what_is_passed_on_is_whole_and_ends_when_both_have_ended() {
    let (_proxy, stream) = connected().await;
    let (mut from, mut to) = stream.into_split();
    let sent: Vec<u8> = (0..1_000_000_u32).map(|n| (n % 251) as u8).collect();
    let writing = tokio::spawn({
        let sent = sent.clone();
        async move { to.write_all(&sent).await }
    });
    let mut heard = Vec::new();
    timeout(SILENCE * 30, from.read_to_end(&mut heard)).await.unwrap().unwrap();
    writing.await.unwrap().unwrap();
    assert!(heard == sent);
}

#[tokio::test]
async fn a_cut_resets_all_connections_and_takes_new_ones() {
    let (proxy, mut stream) = connected().await;
    assert_eq!(&says(&mut stream, b"ping").await.unwrap(), b"ping");
    proxy.cut();
    let error = stream.read_u8().await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    let mut next = TcpStream::connect(proxy.address()).await.unwrap();
    assert_eq!(&says(&mut next, b"ping").await.unwrap(), b"ping");
}

#[tokio::test]
async fn who_is_refused_is_only_who_comes_anew() {
    let (proxy, mut stream) = connected().await;
    assert_eq!(&says(&mut stream, b"ping").await.unwrap(), b"ping");
    proxy.refuse().await;
    let refused = TcpStream::connect(proxy.address()).await.unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
    assert_eq!(&says(&mut stream, b"pong").await.unwrap(), b"pong");
    proxy.accept().await;
    let mut next = TcpStream::connect(proxy.address()).await.unwrap();
    assert_eq!(&says(&mut next, b"ping").await.unwrap(), b"ping");
}

#[tokio::test]
async fn what_was_stalled_is_passed_on_when_it_flows_again() {
    let (proxy, mut stream) = connected().await;
    for stall in [Proxy::stall, Proxy::stall_answers] {
        stall(&proxy);
        assert!(timeout(SILENCE, says(&mut stream, b"ping")).await.is_err());
        proxy.flow();
        let mut heard = [0; 4];
        stream.read_exact(&mut heard).await.unwrap();
        assert_eq!(&heard, b"ping");
    }
}

#[tokio::test]
async fn a_slow_line_delays_each_way() {
    let (proxy, mut stream) = connected().await;
    proxy.slow(SILENCE);
    let began = Instant::now();
    assert_eq!(&says(&mut stream, b"ping").await.unwrap(), b"ping");
    assert!(began.elapsed() >= SILENCE * 2);
}

#[tokio::test]
async fn its_connections_end_with_it() {
    let (proxy, mut stream) = connected().await;
    assert_eq!(&says(&mut stream, b"ping").await.unwrap(), b"ping");
    let address = proxy.address();
    drop(proxy);
    assert!(stream.read_u8().await.is_err());
    eventually("nobody listens", async || TcpStream::connect(address).await.err()).await;
}
