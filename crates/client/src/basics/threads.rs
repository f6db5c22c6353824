//! Threads of the library's own.

use std::io;
use std::thread::{self, JoinHandle};

/// What their names begin with.
const NAME: &str = "rpa_openapi";

/// Starts a thread. Its panics are told to the calls that wait for it, and to nobody else: see `panic`.
pub(crate) fn spawn(purpose: &str, work: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    start(purpose, Box::new(work))
}

/// For each kind of work the compiler would write all of this anew.
#[inline(never)]
fn start(purpose: &str, work: Box<dyn FnOnce() + Send>) -> io::Result<JoinHandle<()>> {
    thread::Builder::new().name([NAME, " ", purpose].concat()).spawn(work)
}

/// Whether the present thread is one of them.
pub(crate) fn is_own() -> bool {
    thread::current().name().is_some_and(|name| name.starts_with(NAME))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_knows_whose_it_is() {
        assert!(!is_own());
        let thread = spawn("test", || assert!(is_own())).unwrap();
        assert!(thread.join().is_ok());
    }
}
