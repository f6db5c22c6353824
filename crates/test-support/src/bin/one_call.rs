//! Makes the call that its argument asks for, of the function that may follow, and writes the reply.

use std::env;

use rpa_test_support::programs;

fn main() {
    let function = env::args().nth(2);
    println!("{}", programs::library().call(function.as_deref().unwrap_or("rpa_call"), &programs::argument(1)));
}
