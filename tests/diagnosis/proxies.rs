//! Proxies that do not lead on.

use serde_json::{Value, json};

use crate::harness::ControlCenter;
use crate::server::{Server, closed_port};
use crate::servers::{Authority, answering, envelope, https, inspecting_proxy, page, refusing_proxy, tls};
use crate::{Row, hold};

#[test]
fn proxies_that_do_not_lead_on() {
    let server = tls(Authority::new("company CA").issue("127.0.0.1", (-1, 300)));
    let plain = answering(envelope);
    let through =
        |host: String, proxy: &Server| json!({ "host": host, "proxy": proxy.url(), "tls": { "verify": true } });
    let behind: fn(&Server, &Value) -> Value = |proxy, host| json!({ "host": host, "proxy": proxy.url() });
    let wants_password =
        refusing_proxy("407 Proxy Authentication Required", "Proxy-Authenticate: Basic realm=\"x\"\r\n", "");
    let ntlm = refusing_proxy(
        "407 Proxy Authentication Required",
        "Proxy-Authenticate: NTLM\r\nProxy-Authenticate: Negotiate\r\n",
        "",
    );
    let portal = refusing_proxy("200 OK", "Content-Type: text/html\r\n", "<html><title>Sign in</title></html>");
    let moved = refusing_proxy("302 Found", "Location: http://portal.example/login\r\n", "");
    let forbids = refusing_proxy("403 Forbidden", "", "");
    let no_proxy = Server::start(|connection| {
        if connection.request().is_some() {
            connection.send(b"\x05\xff");
        }
    });
    let down = refusing_proxy("503 Service Unavailable", "", "");
    let rows = vec![
        Row::fails(
            "nobody listens",
            json!({ "host": https(&server), "proxy": closed_port() }),
            "proxy",
            ["连接不上", "cannot be reached"],
        )
        .setting("proxy"),
        Row::fails(
            "its name does not resolve",
            json!({ "host": https(&server), "proxy": format!("http://{}.example:8080", "a".repeat(64)) }),
            "proxy",
            ["域名无法解析", "does not resolve"],
        )
        .setting("proxy"),
        Row::fails(
            "a password is wanted",
            through(https(&server), &wants_password),
            "proxy",
            ["要求用户名和密码", "wants a user name"],
        )
        .setting("proxy"),
        Row::fails("NTLM", through(https(&server), &ntlm), "proxy", ["px或cntlm", "px or cntlm"]).setting("proxy"),
        Row::fails("a portal", through(https(&server), &portal), "proxy", ["上网认证", "portal"])
            .setting("proxy")
            .turn("network"),
        Row::fails("a portal that redirects", through(https(&server), &moved), "proxy", ["跳转", "redirects"])
            .setting("proxy")
            .turn("network"),
        Row::fails("not allowed", through(https(&server), &forbids), "proxy", ["放行", "ask its administrator"])
            .setting("proxy")
            .turn("network"),
        Row::fails(
            "it cannot reach the server",
            through(https(&server), &down),
            "proxy",
            ["连不上", "could not reach"],
        )
        .setting("proxy")
        .turn("network"),
        Row::fails("SOCKS", through(https(&server), &no_proxy), "proxy", ["socks5://", "socks5://"]).setting("proxy"),
        Row::fails(
            "a password is wanted for plain HTTP",
            behind(&wants_password, &plain.url().into()),
            "proxy",
            ["要求用户名和密码", "wants a user name"],
        )
        .setting("proxy"),
    ];
    hold(&rows, 10);
}

/// It says yes, or forwards; and what comes through it is not what comes without it.
#[test]
fn a_proxy_that_spoils_what_is_well_without_it() {
    let center = ControlCenter::start(&[]);
    let server = tls(Authority::new("company CA").issue("127.0.0.1", (-1, 300)));
    let portal = answering(|| page("200 OK", "text/html", "<html><title>上网认证</title></html>"));
    let moves =
        answering(|| "HTTP/1.1 302 Found\r\nLocation: https://portal.example/\r\nContent-Length: 0\r\n\r\n".to_owned());
    let denies = answering(|| page("403 Forbidden", "application/json", "{\"error\":\"blocked by WAF\"}"));
    let closes = Server::start(|connection| drop(connection.request()));
    let breaks = Server::start(|connection| {
        if connection.request().is_some() {
            connection.send(b"HTTP/1.1 200 Connection established\r\n\r\n");
        }
    });
    let through = |proxy: &Server| json!({ "host": center.text("base"), "proxy": proxy.url() });
    let straight = ["不经代理可以连通", "without the proxy it is reached"];
    let rows = vec![
        Row::fails("a portal", through(&portal), "proxy", straight).setting("proxy"),
        Row::fails("a redirect", through(&moves), "proxy", straight).setting("proxy"),
        Row::fails("a filter", through(&denies), "proxy", straight).setting("proxy"),
        Row::fails("it closes", through(&closes), "proxy", straight).setting("proxy"),
        Row::fails("a portal of the environment", json!({ "host": center.text("base") }), "proxy", straight)
            .setting("http_proxy")
            .env("http_proxy", &portal.url()),
        Row::fails("a tunnel that breaks", json!({ "host": https(&server), "proxy": breaks.url() }), "proxy", straight)
            .setting("proxy"),
    ];
    hold(&rows, 6);
}

#[test]
fn a_proxy_that_replaces_certificates() {
    let server = tls(Authority::new("company CA").issue("127.0.0.1", (-1, 300)));
    let proxy = inspecting_proxy(Authority::new("Corp Web Filter CA").issue("127.0.0.1", (-1, 300)));
    let known = tls(Authority::new("Zscaler Root CA").issue("127.0.0.1", (-1, 300)));
    let rows = vec![
        Row::fails(
            "by another issuer straight",
            json!({ "host": https(&server), "proxy": proxy.url() }),
            "tls",
            ["替换了证书", "in the place of the server's"],
        )
        .setting("tls.ca_file")
        .turn("network"),
        Row::fails("by its name", json!({ "host": https(&known), "proxy": null }), "tls", ["Zscaler", "Zscaler"])
            .setting("tls.ca_file")
            .turn("network"),
    ];
    hold(&rows, 2);
}
