//! Makes calls that are logged: the folder, the number of threads, and of lines of each; for `-`
//! what the environment says. Writes how many nanoseconds a call took.

use std::thread;
use std::time::Instant;

use rpa_test_support::programs;
use rpa_test_support::requests::{right, with};
use serde_json::json;

fn main() {
    let library = programs::library();
    let (threads, lines) = (programs::argument(2).parse().unwrap(), programs::argument(3).parse().unwrap());
    let request = right("rpa_sign", "http://rpa.invalid");
    let request = match programs::argument(1).as_str() {
        "-" => request,
        folder => with(request, "log", json!({ "folder": folder })),
    };
    let request = request.to_string();
    // The first one opens the file.
    let calls = |number: usize| (0..number).for_each(|_| drop(library.call("rpa_sign", &request)));
    calls(1);
    let began = Instant::now();
    thread::scope(|scope| (0..threads).for_each(|_: usize| drop(scope.spawn(|| calls(lines)))));
    println!("{}", began.elapsed().as_nanos() / (threads * lines) as u128);
}
