//! What ends the emulator: Ctrl-C, a request to terminate, or the end of stdin.

use std::io::{self, Read};
use std::thread;

use tokio::sync::mpsc;

pub struct Stop(mpsc::Receiver<()>);

impl Stop {
    /// Listens from now on: a signal that comes later finds its listener in place.
    pub fn listen(until_stdin_closes: bool) -> io::Result<Self> {
        let (sender, receiver) = mpsc::channel(1);
        let signals = signals()?;
        let on_signal = sender.clone();
        tokio::spawn(async move {
            signals.wait().await;
            let _ = on_signal.send(()).await;
        });
        if until_stdin_closes {
            // A thread and not tokio's stdin, whose pending read would hold the process after Ctrl-C.
            thread::spawn(move || {
                drain(io::stdin());
                let _ = sender.blocking_send(());
            });
        }
        Ok(Self(receiver))
    }

    pub async fn wait(mut self) {
        self.0.recv().await;
    }
}

/// Reads to the end. An error is an end too: there is nobody left to read from.
fn drain(mut input: impl Read) {
    let mut buffer = [0; 4096];
    loop {
        match input.read(&mut buffer) {
            Ok(0) => return,
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return,
            _ => {}
        }
    }
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
fn signals() -> io::Result<Signals> {
    use tokio::signal::unix::{SignalKind, signal};
    Ok(Signals { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
}

#[cfg(unix)]
impl Signals {
    async fn wait(mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

#[cfg(windows)]
struct Signals {
    ctrl_c: tokio::signal::windows::CtrlC,
    ctrl_break: tokio::signal::windows::CtrlBreak,
}

#[cfg(windows)]
fn signals() -> io::Result<Signals> {
    use tokio::signal::windows;
    Ok(Signals { ctrl_c: windows::ctrl_c()?, ctrl_break: windows::ctrl_break()? })
}

#[cfg(windows)]
impl Signals {
    async fn wait(mut self) {
        tokio::select! {
            _ = self.ctrl_c.recv() => {}
            _ = self.ctrl_break.recv() => {}
        }
    }
}
