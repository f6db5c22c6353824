//! Makes the call that its argument asks for, and writes the reply.

use rpa_test_support::programs;

fn main() {
    println!("{}", programs::library().call("rpa_call", &programs::argument(1)));
}
