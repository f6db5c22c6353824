//! Go, by cgo and pkg-config.

use rpa_test_support::hosts;

use super::{Pasted, again, check, check_clients};

#[test]
fn go_tells_the_story() {
    let pasted = Pasted::new("go", &["examples/go/main.go"]);
    let Some(story) = hosts::go(&pasted.0) else { return };
    check("Go", || again(&story));
}

#[test]
fn the_client_in_go_waits_fails_and_tells() {
    let pasted = Pasted::new("go-client", &[]);
    pasted.write("main.go", include_str!("programs/clients.go"));
    let Some(program) = hosts::go(&pasted.0) else { return };
    check_clients("Go", program);
}
