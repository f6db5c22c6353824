//! The log on stderr, written by a thread of its own.
//!
//! Whoever starts the emulator with a pipe for stderr and does not read it fills that pipe; a call
//! must not hang for that. So lines wait in a queue of limited length, and are counted beyond it.

use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

const QUEUE: usize = 4096;

pub struct Log {
    lines: Mutex<Option<SyncSender<String>>>,
    lost: Arc<AtomicUsize>,
    done: Mutex<Receiver<()>>,
}

impl Log {
    pub fn to_stderr() -> Self {
        Self::to(std::io::stderr())
    }

    fn to(mut out: impl Write + Send + 'static) -> Self {
        let (lines, queue) = sync_channel::<String>(QUEUE);
        let (done_sender, done) = sync_channel(1);
        let lost = Arc::new(AtomicUsize::new(0));
        let lost_by_writer = Arc::clone(&lost);
        thread::spawn(move || {
            for line in queue {
                // A closed stderr is no reason to end.
                let _ = writeln!(out, "{line}");
                let lost = lost_by_writer.swap(0, Ordering::Relaxed);
                if lost > 0 {
                    let _ = writeln!(out, "({lost} lines lost: the log was not read in time)");
                }
            }
            let _ = done_sender.send(());
        });
        Self { lines: Mutex::new(Some(lines)), lost, done: Mutex::new(done) }
    }

    pub fn line(&self, line: String) {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lines) = lines.as_ref()
            && lines.try_send(line).is_err()
        {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Ends the log, and waits until its last line is written, but no longer than `patience`.
    pub fn flush(&self, patience: Duration) {
        drop(self.lines.lock().unwrap_or_else(PoisonError::into_inner).take());
        let done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = done.recv_timeout(patience);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;
    use std::time::Instant;

    /// A pipe that nobody reads.
    struct Full;

    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            loop {
                thread::park();
            }
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[derive(Clone, Default)]
    struct Memory(Arc<Mutex<Vec<u8>>>);

    impl Write for Memory {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_log_that_nobody_reads_blocks_nobody() {
        let start = Instant::now();
        let log = Log::to(Full);
        for _ in 0..2 * QUEUE {
            log.line("line".to_owned());
        }
        assert!(log.lost.load(Ordering::Relaxed) >= QUEUE - 1);
        log.flush(Duration::from_millis(10));
        assert!(start.elapsed() < Duration::from_secs(5));
    }

    #[test]
    fn the_last_line_is_written_before_the_end() {
        let memory = Memory::default();
        let log = Log::to(memory.clone());
        log.line("one".to_owned());
        log.line("two".to_owned());
        log.flush(Duration::from_secs(5));
        log.line("too late".to_owned());
        assert_eq!(*memory.0.lock().unwrap(), b"one\ntwo\n");
    }
}
