//! A real Redis server, on a port of its own.

use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::folder::Folder;

/// Ends when it is dropped.
pub struct Redis {
    child: Child,
    pub port: u16,
    options: Vec<String>,
    folder: Folder,
}

impl Redis {
    /// Starts a server that keeps everything in memory.
    pub fn start(options: &[&str]) -> Redis {
        let folder = Folder::new("redis");
        let options: Vec<String> = options.iter().map(|&option| option.to_owned()).collect();
        // The port is free now; somebody else may take it before the server does.
        for _ in 0..10 {
            let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            if let Some(child) = launch(&folder, port, &options) {
                return Redis { child, port, options, folder };
            }
        }
        panic!("redis-server does not start");
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/0", self.port)
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").arg(format!("-{name}")).arg(self.pid().to_string()).status();
        assert!(sent.unwrap().success());
    }

    pub fn stop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// The same server again, with nothing in it.
    pub fn restart(&mut self) {
        self.stop();
        self.child = launch(&self.folder, self.port, &self.options).expect("redis-server starts again");
    }

    /// What `redis-cli` says.
    pub fn cli(&self, arguments: &[&str]) -> String {
        let mut cli = Command::new("redis-cli");
        let output = cli.args(["-p", &self.port.to_string()]).args(arguments).output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

fn launch(folder: &Path, port: u16, options: &[String]) -> Option<Child> {
    let mut server = Command::new("redis-server");
    let port_text = port.to_string();
    if !options.iter().any(|option| option == "--tls-port") {
        server.args(["--port", &port_text]);
    }
    server.args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--daemonize", "no", "--dir"]).arg(folder);
    server.args(options.iter().map(|option| option.replace("{port}", &port_text)));
    let mut child = server.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(10) {
        if child.try_wait().unwrap().is_some() {
            return None;
        }
        if TcpStream::connect(("127.0.0.1", port)).is_ok() {
            return Some(child);
        }
        thread::sleep(Duration::from_millis(10));
    }
    let _ = child.kill();
    let _ = child.wait();
    None
}

impl Drop for Redis {
    fn drop(&mut self) {
        // One that is frozen ends by this as well.
        self.stop();
    }
}
