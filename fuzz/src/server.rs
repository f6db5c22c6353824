//! A server on this machine that answers each request with the bytes that it was given last.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;
use std::time::Duration;

/// What to answer: pieces, sent one after the other, and whether the connection is kept.
#[derive(Clone, Default)]
pub struct Answer {
    pub pieces: Vec<Vec<u8>>,
    pub keep: bool,
}

pub struct Server {
    pub url: String,
    answer: Arc<Mutex<Answer>>,
}

impl Server {
    /// The server of this process.
    pub fn get() -> &'static Server {
        static SERVER: OnceLock<Server> = OnceLock::new();
        SERVER.get_or_init(Server::start)
    }

    fn start() -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let answer = Arc::new(Mutex::new(Answer::default()));
        let given = answer.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let given = given.clone();
                thread::spawn(move || serve(stream, &given));
            }
        });
        Server { url, answer }
    }

    pub fn answer(&self, answer: Answer) {
        *self.answer.lock().expect("a lock") = answer;
    }
}

fn serve(mut stream: TcpStream, given: &Mutex<Answer>) {
    let _ = stream.set_nodelay(true);
    let _ = stream.set_read_timeout(Some(Duration::from_secs(600)));
    let mut request = Vec::new();
    loop {
        let mut piece = [0; 2048];
        match stream.read(&mut piece) {
            Ok(amount) if amount > 0 => request.extend_from_slice(&piece[..amount]),
            _ => return,
        }
        if !request.ends_with(b"\r\n\r\n") {
            continue;
        }
        request.clear();
        let answer = given.lock().expect("a lock").clone();
        for piece in &answer.pieces {
            if stream.write_all(piece).is_err() {
                return;
            }
        }
        if !answer.keep {
            return;
        }
    }
}

/// Cuts bytes at places that the numbers say.
pub fn cut(bytes: &[u8], places: &[u8]) -> Vec<Vec<u8>> {
    let (mut pieces, mut rest) = (Vec::new(), bytes);
    for &place in places.iter().take(8) {
        let (piece, after) = rest.split_at(usize::from(place).min(rest.len()));
        pieces.push(piece.to_vec());
        rest = after;
    }
    pieces.push(rest.to_vec());
    pieces
}
