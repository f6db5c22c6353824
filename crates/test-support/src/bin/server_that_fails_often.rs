//! A server that fails one request in twenty, in every way. It writes its address, and ends with its stdin. The argument is
//! the limit of a call in milliseconds: some replies come too late for it.

use std::io::{self, Read};
use std::thread;
use std::time::Duration;

use rpa_test_support::programs;
use rpa_test_support::server::{Connection, Server, reply};

fn main() {
    let limit = Duration::from_millis(programs::argument(1).parse().expect("a number of milliseconds"));
    let server = Server::start(move |connection| while serve(connection, limit).is_some() {});
    println!("{}", server.url());
    let _ = io::stdin().read_to_end(&mut Vec::new());
}

/// Answers one request; nothing where the connection ends with it.
fn serve(connection: &mut Connection, limit: Duration) -> Option<()> {
    connection.request()?;
    let whole = reply("200 OK", "{\"code\":0,\"msg\":\"完成\"}");
    let reset =
        |connection: &Connection| socket2::SockRef::from(&connection.stream).set_linger(Some(Duration::ZERO)).unwrap();
    match fastrand::u8(..100) {
        0 => reset(connection),
        1 => drop(connection.send(&whole.as_bytes()[..fastrand::usize(1..whole.len())])),
        2 => drop(connection.send(b"\0garbage\r\n\r\n")),
        3 => {
            connection.send(reply("503 Busy", "<html>busy").as_bytes());
            return Some(());
        }
        // Of these there are fewer: each takes as long as a call may.
        4 if fastrand::u8(..10) == 0 => {
            thread::sleep(limit + Duration::from_millis(200));
        }
        4 => {
            connection.send(whole.as_bytes());
            reset(connection);
        }
        _ => {
            connection.send(whole.as_bytes());
            return Some(());
        }
    }
    None
}
