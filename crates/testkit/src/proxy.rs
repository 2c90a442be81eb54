//! A line between a service and a server that a test may cut, refuse, stall and slow. It looks into nothing.

#![expect(clippy::unwrap_used, reason = "tests only: a failure is a panic")]

use std::{
    io,
    net::SocketAddr,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{ReadHalf, WriteHalf},
    },
    sync::{Mutex, watch},
    task::JoinSet,
    time::sleep,
};

use crate::process::free_port;

/// Most bytes that a connection holds in each direction.
const CHUNK: usize = 16 * 1_024;

/// A proxy on loopback. All of its connections end with the value.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    server: SocketAddr,
    state: watch::Sender<State>,
    taken: Arc<AtomicUsize>,
    /// Whoever takes new connections; empty while they are refused.
    accepting: Mutex<JoinSet<()>>,
}

/// What holds for every connection.
#[derive(Debug, Clone, Copy, Default)]
struct State {
    stalled: [bool; 2],
    delay: Duration,
    /// How often all connections have been cut.
    cuts: u64,
}

#[derive(Debug, Clone, Copy)]
enum Direction {
    Question,
    Answer,
}

impl Proxy {
    /// One that passes everything on to the server there.
    ///
    /// # Panics
    /// When it gets no port.
    pub async fn to(server: SocketAddr) -> Self {
        let address = SocketAddr::from(([127, 0, 0, 1], free_port()));
        let state = watch::Sender::default();
        let proxy = Self { address, server, state, taken: Arc::default(), accepting: Mutex::default() };
        proxy.accept().await;
        proxy
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many connections it has taken so far.
    pub fn taken(&self) -> usize {
        self.taken.load(Ordering::Relaxed)
    }

    /// Resets all connections that there are. New ones are taken.
    pub fn cut(&self) {
        self.state.send_modify(|state| state.cuts += 1);
    }

    /// Refuses new connections. Those that there are go on.
    pub async fn refuse(&self) {
        self.accepting.lock().await.shutdown().await;
    }

    /// Takes new connections again.
    ///
    /// # Panics
    /// When somebody else has taken the port.
    pub async fn accept(&self) {
        let mut accepting = self.accepting.lock().await;
        if accepting.is_empty() {
            let listener = TcpListener::bind(self.address).await.unwrap();
            accepting.spawn(serve(listener, self.server, self.state.subscribe(), Arc::clone(&self.taken)));
        }
    }

    /// Takes connections and keeps them, and passes nothing on: a black hole.
    pub fn stall(&self) {
        self.state.send_modify(|state| state.stalled = [true; 2]);
    }

    /// Passes on what the server is asked, and nothing of what it answers.
    pub fn stall_answers(&self) {
        self.state.send_modify(|state| state.stalled[Direction::Answer as usize] = true);
    }

    /// Passes everything on again, without delay, and with it what was held back.
    pub fn flow(&self) {
        self.state.send_modify(|state| {
            state.stalled = [false; 2];
            state.delay = Duration::ZERO;
        });
    }

    /// Holds back whatever it is given at once, up to 16 KiB, for this long.
    pub fn slow(&self, delay: Duration) {
        self.state.send_modify(|state| state.delay = delay);
    }
}

async fn serve(
    listener: TcpListener,
    server: SocketAddr,
    state: watch::Receiver<State>,
    taken: Arc<AtomicUsize>,
) {
    loop {
        // An error is that of one connection, or of too many of them: the next may do better.
        if let Ok((client, _)) = listener.accept().await {
            taken.fetch_add(1, Ordering::Relaxed);
            let cuts = state.borrow().cuts;
            // Not tied to this task: who is refused is only who comes anew.
            tokio::spawn(connect(client, server, state.clone(), cuts));
        }
    }
}

/// One connection, until both ends have closed it, it is cut, or the proxy is gone.
async fn connect(mut client: TcpStream, server: SocketAddr, state: watch::Receiver<State>, cuts: u64) {
    let mut cut = state.clone();
    let mut is_cut = pin!(cut.wait_for(|state| state.cuts != cuts));
    let server = tokio::select! {
        connected = TcpStream::connect(server) => connected.ok(),
        _ = &mut is_cut => None,
    };
    let Some(mut server) = server else {
        return reset(&client);
    };
    // What it is given at once goes on at once.
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let is_whole = {
        let (asks, hears) = client.split();
        let (answers, is_asked) = server.split();
        let questions = pass(asks, is_asked, Direction::Question, state.clone());
        let answers = pass(answers, hears, Direction::Answer, state.clone());
        tokio::select! {
            passed = async { tokio::try_join!(questions, answers) } => passed.is_ok(),
            _ = is_cut => false,
        }
    };
    if !is_whole {
        reset(&client);
        reset(&server);
    }
}

/// Has it end with a reset, as by a firewall: no orderly end, that could be taken for one.
fn reset(stream: &TcpStream) {
    // Whoever it was may be gone already.
    let _ = stream.set_zero_linger();
}

async fn pass(
    mut from: ReadHalf<'_>,
    mut to: WriteHalf<'_>,
    direction: Direction,
    mut state: watch::Receiver<State>,
) -> io::Result<()> {
    let mut buffer = vec![0; CHUNK];
    loop {
        let count = from.read(&mut buffer).await?;
        let flowing = state.wait_for(|state| !state.stalled[direction as usize]).await;
        let delay = flowing.map_err(io::Error::other)?.delay;
        if !delay.is_zero() {
            sleep(delay).await;
        }
        if count == 0 {
            return to.shutdown().await;
        }
        to.write_all(&buffer[..count]).await?;
    }
}
