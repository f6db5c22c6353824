//! Names and ports.

use std::net::SocketAddr;

use serde_json::json;
use socket2::{Domain, Socket, Type};

use crate::folder::Folder;
use crate::server::closed_port;
use crate::servers::{Authority, https, tls, tunnelling_proxy};
use crate::{Row, c, check, diagnose, hold, tools};

/// A port whose connections nobody takes, and no more of them fit: as behind a firewall that drops them.
fn blocked() -> (String, Vec<Socket>) {
    let listener = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    listener.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    listener.listen(0).unwrap();
    let address = listener.local_addr().unwrap();
    let mut kept = vec![listener];
    for _ in 0..8 {
        let filler = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        filler.set_nonblocking(true).unwrap();
        let _ = filler.connect(&address);
        kept.push(filler);
    }
    (format!("http://{}", address.as_socket().unwrap()), kept)
}

#[test]
fn names_and_ports() {
    let unknown = format!("http://{}.example", "a".repeat(64));
    let (firewall, kept) = blocked();
    let rows = vec![
        Row::fails(
            "a name that does not resolve",
            json!({ "host": unknown, "proxy": null }),
            "dns",
            ["无法解析", "does not resolve"],
        )
        .setting("host"),
        Row::fails(
            "nobody listens",
            json!({ "host": closed_port(), "proxy": null }),
            "tcp",
            ["没有服务", "nothing listens"],
        )
        .setting("port"),
        Row::fails(
            "a blocked port",
            json!({ "host": firewall, "proxy": null, "connect_timeout_ms": 1000, "timeout_ms": 8000 }),
            "tcp",
            ["防火墙", "firewall"],
        )
        .setting("host")
        .turn("network")
        .keep(kept),
    ];
    hold(&rows, 3);
}

#[test]
fn a_resolver_that_hangs() {
    let folder = Folder::new("diagnosis-dns");
    let [preload, gate] = ["slow_lookup.so", "gate"].map(|name| folder.join(name));
    let mut compile = c::Language::C.compile("c11").expect("a C compiler");
    compile.args(["-shared", "-fPIC", "-o"]).arg(&preload).arg(tools::in_tree("tests/c/slow_lookup.c")).arg("-ldl");
    tools::succeed(&mut compile, "compiling slow_lookup.c");
    std::fs::write(&gate, "").unwrap();
    let row = Row::fails(
        "hanging DNS",
        json!({ "host": "http://rpa.hung:1", "proxy": null, "timeout_ms": 3000 }),
        "dns",
        ["DNS服务器没有响应", "no name server answers"],
    )
    .setting("host")
    .turn("network")
    .env("LD_PRELOAD", preload.to_str().unwrap())
    .env("GATE", gate.to_str().unwrap());
    hold(&[row], 1);
}

#[test]
fn a_dead_proxy_of_the_environment_is_named_and_both_ways_are_told() {
    let authority = Authority::new("company CA");
    let server = tls(authority.issue("127.0.0.1", (-1, 300)));
    let proxy = tunnelling_proxy();
    // The proxy of the environment is dead, and straight it works.
    let folder = Folder::new("diagnosis-ways");
    let ca = folder.join("ca.pem");
    std::fs::write(&ca, &authority.pem).unwrap();
    let request = json!({ "host": https(&server), "tls": { "ca_file": ca } });
    let dead = Row::fails(
        "a dead proxy of the environment",
        request.clone(),
        "proxy",
        ["不经代理可以连通", "without the proxy it is reached"],
    )
    .setting("HTTPS_PROXY")
    .env("HTTPS_PROXY", &closed_port());
    hold(&[dead], 1);
    let told = diagnose(&request.to_string(), &[("HTTPS_PROXY".to_owned(), proxy.url())]);
    assert_eq!(told["result"]["verdict"]["ok"], true, "{told}");
    let ways = &check(&told, "proxy")["facts"];
    assert_eq!((&ways["with"]["ok"], &ways["without"]["ok"]), (&true.into(), &true.into()), "{ways}");
}
