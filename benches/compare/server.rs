//! nginx, answering one fixed JSON, plain and over TLS 1.3, with connections that are kept. Its one worker stays on the
//! first core.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

/// Where a large reply is.
pub const LARGE: &str = "/large.json";
/// As large, but of many small values, as a list of jobs is.
pub const ROWS: &str = "/rows.json";
pub const LARGE_BYTES: usize = 10 << 20;

pub struct Server {
    nginx: Child,
    pub folder: PathBuf,
    pub plain: String,
    pub tls: String,
    /// The CA of its certificate.
    pub ca: PathBuf,
}

impl Server {
    pub fn start() -> Server {
        let folder = env!("CARGO_TARGET_TMPDIR").to_owned() + "/compare";
        let folder = PathBuf::from(folder);
        fs::create_dir_all(&folder).expect("a folder for the server");
        write_certificates(&folder);
        let large = format!("{{\"code\":0,\"result\":\"{}\"}}", "结".repeat(LARGE_BYTES / 3));
        fs::write(folder.join("large.json"), large).expect("a large reply");
        let row = r#"{"jobNo":"3f2b8c1e-5d64-4a97-9c0e-7b1a2d3e4f50","procName":"月结报表","status":"完成","took":73.25,"ok":true}"#;
        let rows = vec![row; LARGE_BYTES / (row.len() + 1)].join(",");
        fs::write(folder.join("rows.json"), format!("{{\"code\":0,\"result\":[{rows}]}}")).expect("a large reply");
        let (plain, tls) = (free_port(), free_port());
        fs::write(folder.join("nginx.conf"), configuration(&folder, plain, tls)).expect("a configuration");
        let nginx = Command::new("nginx")
            .args(["-e", "stderr", "-c"])
            .arg(folder.join("nginx.conf"))
            .stdin(Stdio::null())
            .spawn();
        let nginx = nginx.expect("nginx is needed (Debian's package nginx-light)");
        let address = |scheme, port| format!("{scheme}://127.0.0.1:{port}");
        let server = Server {
            nginx,
            plain: address("http", plain),
            tls: address("https", tls),
            ca: folder.join("ca.pem"),
            folder,
        };
        server.wait(plain);
        server
    }

    fn wait(&self, port: u16) {
        for _ in 0..100 {
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return;
            }
            thread::sleep(Duration::from_millis(50));
        }
        panic!("nginx does not answer");
    }

    /// How many connections it has accepted so far.
    pub fn connections(&self) -> u64 {
        let mut stream = TcpStream::connect(self.plain.trim_start_matches("http://")).expect("nginx answers");
        stream.write_all(b"GET /status HTTP/1.0\r\n\r\n").expect("nginx answers");
        let mut reply = String::new();
        stream.read_to_string(&mut reply).expect("nginx answers");
        let counts = reply.lines().skip_while(|line| !line.contains("accepts")).nth(1).expect("a status page");
        counts.split_whitespace().next().and_then(|count| count.parse().ok()).expect("a count")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // A master that is killed leaves its worker behind; on SIGTERM both end.
        let _ = Command::new("kill").arg(self.nginx.id().to_string()).status();
        let _ = self.nginx.wait();
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port()
}

fn configuration(folder: &Path, plain: u16, tls: u16) -> String {
    let folder = folder.display();
    format!(
        r#"daemon off;
worker_processes 1;
worker_cpu_affinity 1;
pid {folder}/nginx.pid;
error_log stderr crit;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_body_temp_path {folder};
    proxy_temp_path {folder};
    fastcgi_temp_path {folder};
    uwsgi_temp_path {folder};
    scgi_temp_path {folder};
    default_type "application/json;charset=utf-8";
    keepalive_timeout 75s;
    keepalive_requests 1000000000;
    client_max_body_size 0;
    client_body_buffer_size 64m;
    server {{
        listen 127.0.0.1:{plain};
        listen 127.0.0.1:{tls} ssl;
        ssl_protocols TLSv1.3;
        ssl_certificate {folder}/server.pem;
        ssl_certificate_key {folder}/server.key;
        ssl_session_cache shared:s:1m;
        root {folder};
        location /oapi/ {{ return 200 '{{"code":0,"msg":"success","result":{{"total":1,"list":[{{"jobNo":"3f2b8c1e-5d64-4a97-9c0e-7b1a2d3e4f50","procName":"月结报表","status":"完成"}}]}}}}'; }}
        location = {LARGE} {{ }}
        location = {ROWS} {{ }}
        location = /status {{ stub_status; }}
    }}
}}
"#
    )
}

fn write_certificates(folder: &Path) {
    let mut ca = CertificateParams::new([]).expect("a CA");
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    // By default both have the same name, and OpenSSL takes the server's for its own issuer.
    ca.distinguished_name.push(DnType::CommonName, "CA");
    let ca = CertifiedIssuer::self_signed(ca, KeyPair::generate().expect("a key")).expect("a CA");
    let key = KeyPair::generate().expect("a key");
    let server = CertificateParams::new(["127.0.0.1".to_owned()]).expect("a certificate");
    let server = server.signed_by(&key, &ca).expect("a certificate");
    for (name, text) in [("ca.pem", ca.pem()), ("server.pem", server.pem()), ("server.key", key.serialize_pem())] {
        fs::write(folder.join(name), text).expect("a PEM file");
    }
}
