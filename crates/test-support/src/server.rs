//! Servers made of raw sockets, each with one fault, that count what they see.
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use socket2::{Domain, Socket, Type};

/// A server on a port of its own. Ends when it is dropped.
pub struct Server {
    address: SocketAddr,
    requests: Arc<AtomicUsize>,
    connections: Arc<AtomicUsize>,
    ending: Arc<AtomicBool>,
    accepting: Option<JoinHandle<()>>,
}

impl Server {
    /// Calls `serve` on a thread of its own for each connection.
    pub fn start(serve: impl Fn(&mut Connection) + Send + Sync + 'static) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (requests, connections) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let ending = Arc::new(AtomicBool::new(false));
        let (seen, accepted, end, serve) = (requests.clone(), connections.clone(), ending.clone(), Arc::new(serve));
        let accepting = thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(stream) = stream else { continue };
                if end.load(Ordering::SeqCst) {
                    return;
                }
                accepted.fetch_add(1, Ordering::SeqCst);
                // No connection outlives its test by long.
                stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
                let (serve, requests) = (serve.clone(), seen.clone());
                thread::spawn(move || serve(&mut Connection { stream, requests }));
            }
        });
        Server { address, requests, connections, ending, accepting: Some(accepting) }
    }

    /// Answers each request with these bytes, and keeps the connection.
    pub fn answering(reply: impl Into<Vec<u8>>) -> Server {
        let reply = reply.into();
        Server::start(move |connection| while connection.request().is_some() && connection.send(&reply) {})
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many requests came in whole.
    pub fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }

    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.ending.store(true, Ordering::SeqCst);
        // Wakes the thread that accepts.
        let _ = TcpStream::connect(self.address);
        if let Some(accepting) = self.accepting.take() {
            let _ = accepting.join();
        }
    }
}

/// One connection to a [`Server`].
pub struct Connection {
    pub stream: TcpStream,
    requests: Arc<AtomicUsize>,
}

impl Connection {
    /// Reads one request, head and body; `None` at the end of the connection.
    pub fn request(&mut self) -> Option<String> {
        let mut bytes = Vec::new();
        let head = loop {
            if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
                break end + 4;
            }
            self.more(&mut bytes)?;
        };
        let text = String::from_utf8_lossy(&bytes[..head]).to_lowercase();
        let length = text.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse::<usize>().ok());
        while bytes.len() < head + length.unwrap_or(0) {
            self.more(&mut bytes)?;
        }
        self.requests.fetch_add(1, Ordering::SeqCst);
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn more(&mut self, bytes: &mut Vec<u8>) -> Option<()> {
        let mut piece = [0; 4096];
        let amount = self.stream.read(&mut piece).ok().filter(|&amount| amount > 0)?;
        bytes.extend_from_slice(&piece[..amount]);
        Some(())
    }

    /// Sends bytes; false if nobody takes them.
    pub fn send(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).is_ok()
    }
}

/// An HTTP reply with this status line and body.
pub fn reply(status: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

/// The same from a server that says for how long it keeps the connection.
pub fn kept_reply(status: &str, body: &str) -> String {
    reply(status, body).replacen("\r\n", "\r\nKeep-Alive: timeout=600\r\n", 1)
}

/// The address of a port on which nobody listens, and which no other server gets while this process runs.
pub fn closed_port() -> String {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    let address = socket.local_addr().unwrap().as_socket().expect("it was bound to an IPv4 address");
    std::mem::forget(socket);
    format!("http://{address}")
}
