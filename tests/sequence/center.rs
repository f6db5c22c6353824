//! A control center of a few lines, which notes each request.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::harness::Library;
use crate::server::{Server, reply};
use crate::with_all;

/// What a request is answered with.
pub enum Answer {
    /// JSON.
    Json(String),
    /// Any bytes.
    Raw(Vec<u8>),
    /// The connection is closed.
    Nothing,
}

pub struct Center {
    server: Server,
    seen: Arc<Mutex<Vec<String>>>,
    library: Library,
}

impl Center {
    /// `answer` gets the first line of a request and how many requests of the same path came before.
    pub fn start(answer: impl Fn(&str, usize) -> Answer + Send + Sync + 'static) -> Center {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let noted: Arc<Mutex<Vec<String>>> = seen.clone();
        let server = Server::start(move |connection| {
            while let Some(request) = connection.request() {
                let line = request.lines().next().unwrap_or_default().to_owned();
                let before = {
                    let mut noted = noted.lock().unwrap();
                    let same = noted.iter().filter(|other| path(other) == path(&line)).count();
                    noted.push(line.clone());
                    same
                };
                let sent = match answer(&line, before) {
                    Answer::Json(json) => connection.send(reply("200 OK", &json).as_bytes()),
                    Answer::Raw(bytes) => connection.send(&bytes),
                    Answer::Nothing => false,
                };
                if !sent {
                    return;
                }
            }
        });
        Center { server, seen, library: Library::load() }
    }

    pub fn url(&self) -> String {
        self.server.url()
    }

    /// The text of a reply.
    pub fn text(&self, fields: Value) -> String {
        self.library.call("rpa_call", &self.request(fields).to_string())
    }

    pub fn call(&self, fields: Value) -> Value {
        serde_json::from_str(&self.text(fields)).unwrap()
    }

    pub fn request(&self, fields: Value) -> Value {
        let common =
            json!({ "host": self.url(), "accesstoken": "9f2c4b7e1d5a48c0", "proxy": null, "keep_alive_ms": 0 });
        with_all(common, fields)
    }

    /// The first lines of the requests that hold this text.
    pub fn seen(&self, text: &str) -> Vec<String> {
        self.seen.lock().unwrap().iter().filter(|line| line.contains(text)).cloned().collect()
    }
}

fn path(line: &str) -> &str {
    line.split(['?', ' ']).nth(1).unwrap_or_default()
}

/// A parameter of a request line.
pub fn parameter<'l>(line: &'l str, name: &str) -> &'l str {
    let query = line.split(['?', ' ']).nth(2).unwrap_or_default();
    query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('=')).unwrap_or_default()
}
