//! Makes a call, puts a CA into the system's store of its own, and makes the call twice more. The arguments are the request
//! and the CA's file; `SSL_CERT_FILE` names the store.

use std::env;
use std::fs;
use std::thread;
use std::time::Duration;

use rpa_test_support::programs;
use serde_json::{Value, json};

fn main() {
    let library = programs::library();
    let request: Value = serde_json::from_str(&programs::argument(1)).unwrap();
    let call = || library.json("rpa_call", &request);
    let before = call();
    fs::copy(programs::argument(2), env::var_os("SSL_CERT_FILE").expect("a store")).unwrap();
    // What was read just now is not read again at once.
    thread::sleep(Duration::from_secs(6));
    println!("{}", json!([before, call(), call()]));
}
