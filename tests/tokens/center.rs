//! A control center that counts what it is asked.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::ControlCenter;
use crate::place::Folder;
use crate::requests::with_all;

pub struct Center {
    center: ControlCenter,
    folder: Folder,
}

impl Center {
    pub fn start(options: &[&str]) -> Center {
        let folder = Folder::new();
        let log = File::create(folder.path("log")).unwrap();
        Center { center: ControlCenter::with_log(options, log), folder }
    }

    /// A call by keys whose token is kept in this store.
    pub fn request(&self, store: &Value) -> Value {
        self.with(store, json!({}))
    }

    /// The same with other fields.
    pub fn with(&self, store: &Value, fields: Value) -> Value {
        let usual = json!({ "token_store": store, "mode": "get", "rest_type": "/oapi/v1/echo" });
        with_all(with_all(self.center.token_request(), usual), fields)
    }

    /// The requests so far, each as `GET /oapi/v1/token 200 code 0 token issued`.
    pub fn requests(&self) -> Vec<String> {
        // The log is written by a thread of its own; what was answered before this one is in it.
        let marker = format!("/marker/{}", fastrand::u64(..));
        let address = self.center.text("base").trim_start_matches("http://").to_owned();
        let mut stream = TcpStream::connect(address).unwrap();
        write!(stream, "GET {marker} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
        stream.read_to_end(&mut Vec::new()).unwrap();
        let begun = Instant::now();
        loop {
            let log = fs::read_to_string(self.folder.path("log")).unwrap();
            if let Some((before, _)) = log.split_once(&marker) {
                assert!(!before.contains("lines lost"), "the log is not complete");
                let requests = before.lines().filter(|line| line.contains("/oapi/"));
                let words = |line: &str| line.split_whitespace().skip(1).collect::<Vec<_>>().join(" ");
                return requests.map(words).collect();
            }
            assert!(begun.elapsed() < Duration::from_secs(10), "the log stands still");
            thread::sleep(Duration::from_millis(5));
        }
    }

    pub fn count(&self, beginning: &str) -> usize {
        self.requests().iter().filter(|line| line.starts_with(beginning)).count()
    }

    /// How often it was asked for a token, by keys or by a refresh token.
    pub fn token_requests(&self) -> usize {
        self.count("GET /oapi/v1/token ")
    }

    /// How many calls it refused for their token or their time.
    pub fn refusals(&self) -> usize {
        self.requests().iter().filter(|line| line.contains(" 401 ") || line.contains(" 403 ")).count()
    }
}
