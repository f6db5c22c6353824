//! Proxies that people run: tinyproxy, squid, microsocks and dante, each as a child that ends with its test.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

pub struct Proxy {
    child: Child,
    port: u16,
    log: PathBuf,
}

/// A user name and a password that have to be escaped in a URL.
pub const USER: &str = "robot";
pub const PASSWORD: &str = "p:w/1+x";
const PASSWORD_ESCAPED: &str = "p%3Aw%2F1%2Bx";
/// tinyproxy takes letters and digits alone.
pub const PLAIN_PASSWORD: &str = "pw1x2y3z";

impl Proxy {
    /// Starts a program by the command that `command` makes for a port; another program may take the port before it.
    fn start(log: PathBuf, command: impl Fn(u16) -> Command) -> Proxy {
        for _ in 0..5 {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let port = listener.local_addr().unwrap().port();
            drop(listener);
            let mut child = command(port).stdin(Stdio::null()).spawn().expect("a proxy can be started");
            for _ in 0..400 {
                if child.try_wait().unwrap().is_some() {
                    break;
                }
                if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                    return Proxy { child, port, log };
                }
                thread::sleep(Duration::from_millis(25));
            }
            let _ = child.kill();
            let _ = child.wait();
        }
        panic!("a proxy does not start: {}", fs::read_to_string(log).unwrap_or_default());
    }

    pub fn tinyproxy(folder: &Path, password: bool, further: &str) -> Proxy {
        let log = folder.join("tinyproxy.log");
        let auth = if password { format!("BasicAuth {USER} {PLAIN_PASSWORD}\n") } else { String::new() };
        Proxy::start(log.clone(), |port| {
            let file = folder.join("tinyproxy.conf");
            let text = format!(
                "Port {port}\nListen 127.0.0.1\nTimeout 60\nMaxClients 50\nLogFile \"{}\"\nLogLevel Connect\n{auth}{further}\n",
                log.display()
            );
            fs::write(&file, text).unwrap();
            let mut command = Command::new("tinyproxy");
            command.arg("-d").arg("-c").arg(file).stdout(Stdio::null()).stderr(Stdio::null());
            command
        })
    }

    pub fn squid(folder: &Path, password: bool, further: &str) -> Proxy {
        let (log, users, program) = (folder.join("squid.log"), folder.join("users"), "/usr/lib/squid/basic_ncsa_auth");
        // As root it becomes another user, who has to write here.
        Command::new("chmod").arg("777").arg(folder).status().unwrap();
        let hash = Command::new("openssl").args(["passwd", "-apr1", PASSWORD]).output().unwrap();
        fs::write(&users, format!("{USER}:{}", String::from_utf8(hash.stdout).unwrap())).unwrap();
        let auth = format!(
            "auth_param basic program {program} {}\nacl known proxy_auth REQUIRED\nhttp_access deny !known\n",
            users.display()
        );
        let auth = if password { auth } else { String::new() };
        Proxy::start(log.clone(), |port| {
            let file = folder.join("squid.conf");
            let text = format!(
                "http_port 127.0.0.1:{port}\nvisible_hostname test\npid_filename none\ncoredump_dir none\nshutdown_lifetime 0 seconds\n\
                 cache deny all\ncache_log /dev/null\naccess_log stdio:{}\nlogfile_rotate 0\npinger_enable off\n{further}{auth}http_access allow all\n",
                log.display()
            );
            fs::write(&file, text).unwrap();
            let mut command = Command::new("squid");
            command.args(["-N", "-f"]).arg(file).stdout(Stdio::null()).stderr(Stdio::null());
            command
        })
    }

    pub fn microsocks(folder: &Path, password: bool) -> Proxy {
        let log = folder.join("microsocks.log");
        Proxy::start(log.clone(), |port| {
            let mut command = Command::new("microsocks");
            command.args(["-i", "127.0.0.1", "-p", &port.to_string()]);
            if password {
                command.args(["-u", USER, "-P", PASSWORD]);
            }
            command.stdout(Stdio::null()).stderr(fs::File::create(&log).unwrap());
            command
        })
    }

    /// Lets through to `port` alone.
    pub fn dante(folder: &Path, target: u16) -> Proxy {
        let log = folder.join("danted.log");
        Proxy::start(log.clone(), |port| {
            let file = folder.join("danted.conf");
            let text = format!(
                "logoutput: {}\ninternal: 127.0.0.1 port = {port}\nexternal: 127.0.0.1\nclientmethod: none\nsocksmethod: none\n\
                 client pass {{ from: 0/0 to: 0/0 }}\nsocks pass {{ from: 0/0 to: 0/0 port = {target} log: connect }}\nsocks block {{ from: 0/0 to: 0/0 }}\n",
                log.display()
            );
            fs::write(&file, text).unwrap();
            let mut command = Command::new("danted");
            command.arg("-f").arg(file).stdout(Stdio::null()).stderr(Stdio::null());
            command
        })
    }

    pub fn url(&self, scheme: &str) -> String {
        format!("{scheme}://127.0.0.1:{}", self.port)
    }

    pub fn url_with_password(&self, scheme: &str) -> String {
        self.url_with(scheme, PASSWORD_ESCAPED)
    }

    pub fn url_with(&self, scheme: &str, password: &str) -> String {
        format!("{scheme}://{USER}:{password}@127.0.0.1:{}", self.port)
    }

    /// Ends it; what it wrote down. Tunnels are written down as they end.
    pub fn end(self) -> String {
        let log = self.log.clone();
        drop(self);
        fs::read_to_string(log).unwrap_or_default()
    }

    /// What it wrote down so far.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // One that has children of its own ends them on SIGTERM.
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        for _ in 0..200 {
            if self.child.try_wait().is_ok_and(|status| status.is_some()) {
                return;
            }
            thread::sleep(Duration::from_millis(10));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
