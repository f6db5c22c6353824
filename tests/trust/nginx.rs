//! nginx with a server for each case, on a port of its own.

use std::fmt::Write;
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use super::certificates::Certificate;

/// What a server shows: its number of the connection, and whether the TLS session was resumed (`r`) or not (`.`).
const REPLY: &str = r#"{"code":0,"connection":$connection,"resumed":"$ssl_session_reused"}"#;

pub struct Nginx {
    child: Child,
    folder: PathBuf,
    ports: Vec<u16>,
}

/// One server: a certificate, or none for plain HTTP, and further settings.
pub struct Host {
    pub certificate: Option<Certificate>,
    pub settings: &'static str,
}

impl Nginx {
    /// Starts a server for each host.
    pub fn start(folder: &Path, hosts: &[&Host]) -> Nginx {
        // OpenSSL's own rules would refuse to serve what robots meet in the field.
        fs::write(
            folder.join("openssl.cnf"),
            "openssl_conf = a\n[a]\nssl_conf = b\n[b]\nsystem_default = c\n[c]\nMinProtocol = TLSv1\nCipherString = ALL:@SECLEVEL=0\n",
        )
        .unwrap();
        // Another program may take a port before nginx does.
        (0..5).find_map(|_| Nginx::try_start(folder, hosts)).expect("nginx starts; what it says is above")
    }

    fn try_start(folder: &Path, hosts: &[&Host]) -> Option<Nginx> {
        let listeners: Vec<_> = hosts.iter().map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
        let ports: Vec<_> = listeners.iter().map(|listener| listener.local_addr().unwrap().port()).collect();
        drop(listeners);
        fs::write(folder.join("nginx.conf"), configuration(folder, hosts, &ports)).unwrap();
        let mut command = Command::new("nginx");
        command
            .args(["-e", "stderr", "-c"])
            .arg(folder.join("nginx.conf"))
            .env("OPENSSL_CONF", folder.join("openssl.cnf"));
        let mut child = command.stdin(Stdio::null()).spawn().expect("nginx can be run");
        for _ in 0..200 {
            if child.try_wait().unwrap().is_some() {
                return None;
            }
            if TcpStream::connect(("127.0.0.1", ports[0])).is_ok() {
                return Some(Nginx { child, folder: folder.to_owned(), ports });
            }
            thread::sleep(Duration::from_millis(25));
        }
        panic!("nginx does not answer");
    }

    pub fn url(&self, host: usize) -> String {
        format!("https://127.0.0.1:{}", self.ports[host])
    }

    /// How many requests a host has seen; a handshake that it took for one is none.
    pub fn requests(&self, host: usize) -> usize {
        let log = fs::read_to_string(self.folder.join(format!("{host}.log"))).unwrap_or_default();
        log.lines().filter(|line| line.contains("\" 200 ")).count()
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // A master that is killed leaves its worker behind; on SIGTERM both end.
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
    }
}

fn configuration(folder: &Path, hosts: &[&Host], ports: &[u16]) -> String {
    let folder = folder.display();
    let mut servers = String::new();
    for (index, (host, port)) in hosts.iter().zip(ports).enumerate() {
        let tls = host.certificate.as_ref().map(|certificate| {
            let (chain, key) = (certificate.chain.display(), certificate.key.display());
            format!("ssl_certificate {chain}; ssl_certificate_key {key};")
        });
        let ssl = if tls.is_some() { " ssl" } else { "" };
        let _ = writeln!(
            servers,
            "server {{ listen 127.0.0.1:{port}{ssl}; access_log {folder}/{index}.log; {} {} return 200 '{REPLY}'; }}",
            tls.unwrap_or_default(),
            host.settings
        );
    }
    format!(
        r#"daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log stderr emerg;
events {{ worker_connections 512; }}
http {{
    client_body_temp_path {folder};
    proxy_temp_path {folder};
    fastcgi_temp_path {folder};
    uwsgi_temp_path {folder};
    scgi_temp_path {folder};
    default_type application/json;
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_session_cache shared:s:1m;
{servers}}}
"#
    )
}
