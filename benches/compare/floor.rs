//! The floor: a blocking socket, or rustls over one, that sends bytes made beforehand and reads the reply. Prints what the
//! peers in C print.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Instant;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

trait Stream: Read + Write {}
impl<T: Read + Write> Stream for T {}

pub fn run(task: &[String]) {
    let value = |name: &str| {
        let found = task.iter().find_map(|argument| argument.strip_prefix(name)?.strip_prefix('='));
        found.unwrap_or_else(|| panic!("{name} is missing"))
    };
    let number = |name: &str| value(name).parse::<usize>().expect("a number");
    let request = request(value("base"), value("path"), number("bytes"));
    let mut stream = open(value("base"), value("ca"));
    let mut reply = Vec::new();
    for _ in 0..number("warmup") {
        exchange(&mut *stream, &request, &mut reply);
    }
    let mut took = Vec::with_capacity(number("calls"));
    let begun = Instant::now();
    for _ in 0..number("calls") {
        let started = Instant::now();
        exchange(&mut *stream, &request, &mut reply);
        took.push(started.elapsed());
    }
    let wall = begun.elapsed();
    println!("resident 0 0 0");
    println!("wall {}", wall.as_nanos());
    for took in took {
        println!("{}", took.as_nanos());
    }
}

fn open(base: &str, ca: &str) -> Box<dyn Stream> {
    let (_, authority) = base.split_once("://").expect("a URL");
    let stream = TcpStream::connect(authority).expect("the server answers");
    stream.set_nodelay(true).expect("a socket");
    if ca.is_empty() {
        return Box::new(stream);
    }
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(ca).expect("a CA")).expect("a CA");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().expect("settings");
    let config = config.with_root_certificates(roots).with_no_client_auth();
    let (host, _) = authority.split_once(':').expect("a port");
    let name = ServerName::try_from(host.to_owned()).expect("a name");
    Box::new(StreamOwned::new(ClientConnection::new(Arc::new(config), name).expect("a session"), stream))
}

/// What the library sends for the same call, but that the signature is a dead one.
fn request(base: &str, path: &str, bytes: usize) -> Vec<u8> {
    let (_, authority) = base.split_once("://").expect("a URL");
    let signed = format!(
        "host: {authority}\r\naccept-encoding: gzip\r\naccept: */*\r\nuser-agent: rpa-openapi/{}\r\n\
         accesstoken: 9f2c4b7e1d5a48c0b3e6a7d812f45c90\r\ntimestamp: 1606694400000\r\nsignature: {}\r\n",
        env!("CARGO_PKG_VERSION"),
        "M".repeat(88)
    );
    if bytes == 0 {
        let query = "pageNum=1&pageSize=20&procName=%E6%9C%88%E7%BB%93%E6%8A%A5%E8%A1%A8&\
                     robotName=%E8%B4%A2%E5%8A%A1%E9%83%A8-%E6%9C%BA%E5%99%A8%E4%BA%BA01";
        return format!("GET {path}?{query} HTTP/1.1\r\n{signed}\r\n").into_bytes();
    }
    let body = format!("{{\"note\": \"{}\"}}", "x".repeat(bytes));
    let head = format!(
        "PUT {path} HTTP/1.1\r\n{signed}content-type: application/json;charset=utf-8\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    (head + &body).into_bytes()
}

/// Sends the request and reads the reply, as long as its Content-Length says. A reply is copied once, and not looked at.
fn exchange(stream: &mut dyn Stream, request: &[u8], reply: &mut Vec<u8>) {
    stream.write_all(request).expect("the server reads");
    stream.flush().expect("the server reads");
    let mut buffer = [0; 16 * 1024];
    reply.clear();
    let mut wanted = None;
    while wanted.is_none_or(|wanted| reply.len() < wanted) {
        let amount = stream.read(&mut buffer).expect("the server answers");
        assert!(amount > 0, "the server closed the connection");
        reply.extend_from_slice(&buffer[..amount]);
        if wanted.is_none() {
            wanted = length(reply);
        }
    }
    assert!(reply.starts_with(b"HTTP/1.1 200") && reply.ends_with(b"}"), "an unexpected reply");
}

/// The length of head and body together, once the head is whole.
fn length(reply: &[u8]) -> Option<usize> {
    let end = reply.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let head = std::str::from_utf8(&reply[..end]).expect("a head in ASCII");
    let (_, rest) = head.split_once("\r\nContent-Length: ").expect("a length");
    let (length, _) = rest.split_once('\r')?;
    Some(end + length.parse::<usize>().expect("a number"))
}
