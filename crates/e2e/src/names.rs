//! A name server of one's own, as Docker's and that of Kubernetes are to a proxy: each name has the addresses of those who
//! run now, and a test changes them.
//!
//! As much of DNS (RFC 1035) as a proxy asks for: one question over UDP, IPv4 addresses.

use std::{
    collections::HashMap,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex},
};

use tokio::{net::UdpSocket, task::JoinHandle};

/// Bytes before the question: id, flags, and how many there are of each part.
const HEADER_BYTES: usize = 12;

/// Type and class of an IPv4 address on the internet.
const ADDRESS: [u8; 4] = [0, 1, 0, 1];

/// Most bytes of a question.
const QUESTION_BYTES: usize = 4_096;

/// Answers until it is dropped.
pub struct Names {
    address: SocketAddr,
    known: Arc<Mutex<HashMap<String, Vec<Ipv4Addr>>>>,
    answering: JoinHandle<()>,
}

impl Names {
    /// One that knows nobody yet.
    ///
    /// # Panics
    /// When it gets no port.
    pub async fn start() -> Self {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let known = Arc::<Mutex<HashMap<String, Vec<Ipv4Addr>>>>::default();
        let address = socket.local_addr().unwrap();
        let asked = Arc::clone(&known);
        let answering = tokio::spawn(async move {
            let mut question = [0; QUESTION_BYTES];
            // What an asker does who is gone concerns the next one as little as a question that is none.
            loop {
                let Ok((length, from)) = socket.recv_from(&mut question).await else { continue };
                if let Some(answer) = answer(&question[..length], &asked.lock().unwrap()) {
                    let _ = socket.try_send_to(&answer, from);
                }
            }
        });
        Self { address, known, answering }
    }

    /// Where it answers.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on the name is of these.
    ///
    /// # Panics
    /// When one of them has no IPv4 address.
    pub fn set(&self, name: &str, addresses: &[SocketAddr]) {
        let ip = |address: &SocketAddr| match address {
            SocketAddr::V4(address) => *address.ip(),
            SocketAddr::V6(_) => panic!("{address} is not of IPv4"),
        };
        self.known.lock().unwrap().insert(name.to_owned(), addresses.iter().map(ip).collect());
    }
}

impl Drop for Names {
    fn drop(&mut self) {
        self.answering.abort();
    }
}

fn answer(question: &[u8], known: &HashMap<String, Vec<Ipv4Addr>>) -> Option<Vec<u8>> {
    let mut labels = Vec::new();
    let mut at = HEADER_BYTES;
    loop {
        let length = usize::from(*question.get(at)?);
        at += 1;
        if length == 0 {
            break;
        }
        labels.push(String::from_utf8_lossy(question.get(at..at + length)?).to_lowercase());
        at += length;
    }
    let kind = question.get(at..at + ADDRESS.len())?;
    let found = known.get(&labels.join("."));
    let addresses: &[Ipv4Addr] = if kind == ADDRESS { found.map_or(&[], Vec::as_slice) } else { &[] };

    let mut answer = question[..2].to_vec();
    // An answer, recursion as asked for and had; 3 for a name that is not there.
    answer.extend([0x81, if found.is_some() { 0x80 } else { 0x83 }]);
    answer.extend([0, 1, 0, u8::try_from(addresses.len()).ok()?, 0, 0, 0, 0]);
    answer.extend(&question[HEADER_BYTES..at + ADDRESS.len()]);
    for address in addresses {
        // The name of the question, one second to live, four bytes.
        answer.extend([0xc0, 12]);
        answer.extend(ADDRESS);
        answer.extend([0, 0, 0, 1, 0, 4]);
        answer.extend(address.octets());
    }
    Some(answer)
}
