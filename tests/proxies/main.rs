//! The way through proxies: those that people run, in front of the control center, and those made of raw sockets.

mod environment;
mod http;
mod messages;
mod programs;
mod socks5;

use std::sync::OnceLock;

use harness::{ControlCenter, Library};
use programs::{PASSWORD, PLAIN_PASSWORD, Proxy};
use rpa_test_support::folder::Folder;
use rpa_test_support::replies::{ends_at, facts};
use rpa_test_support::requests::{create_job as request, with_all};
use rpa_test_support::server::closed_port;
use rpa_test_support::{c, harness, server, tools};
use serde_json::{Value, json};

fn library() -> &'static Library {
    static LIBRARY: OnceLock<Library> = OnceLock::new();
    LIBRARY.get_or_init(Library::load)
}

fn port(center: &ControlCenter) -> u16 {
    center.text("base").rsplit_once(':').unwrap().1.parse().unwrap()
}

/// A token, then a call in each mode with Chinese and a large body, all through the proxy.
fn works_through(center: &ControlCenter, proxy: &str) {
    let through = |function: &str, fields: Value| {
        let mut request = center.request(fields);
        request["proxy"] = proxy.into();
        library().json(function, &request)
    };
    let keys = json!({ "accesskey": center.text("accesskey"), "secretkey": center.text("secretkey") });
    let tokens = through("rpa_get_token", keys);
    let token = tokens["result"]["accessToken"].as_str().unwrap_or_else(|| panic!("{proxy}: {tokens}")).to_owned();
    for mode in ["get", "post", "put", "delete"] {
        let size = if matches!(mode, "put" | "delete") { 200_000 } else { 200 };
        let data = json!({ "说明": "月结 & 100% 😀", "large": "长".repeat(size) });
        let fields = json!({ "mode": mode, "rest_type": "/oapi/v1/echo", "data_json": data, "accesstoken": token });
        let told = through("rpa_call", fields);
        assert_eq!(told["code"], 0, "{proxy}, {mode}: {told}");
    }
}

/// The error of a post through a proxy, which must not show the proxy's password.
fn fails_through(center: &ControlCenter, proxy: &str, further: Value) -> (String, String, String) {
    let request = center.request(json!({
        "mode": "post", "rest_type": "/oapi/v1/job/create", "data_json": { "说明": "月结" }, "accesstoken": "9f2c4b7e1d5a48c0",
        "timeout_ms": 5000, "proxy": proxy,
    }));
    let told = library().json("rpa_call", &with_all(request, further));
    let error = &told["error"];
    for secret in [PASSWORD, PLAIN_PASSWORD, "p%3Aw%2F1%2Bx", "cm9ib3Q6cDp3LzEreA"] {
        assert!(!told.to_string().contains(secret), "{told}");
    }
    let text = |name: &str| error[name].as_str().unwrap_or_else(|| panic!("{proxy}: {told}")).to_owned();
    (text("kind"), text("delivered"), text("detail"))
}

fn centers() -> [ControlCenter; 2] {
    [ControlCenter::start(&[]), ControlCenter::start(&["--tls"])]
}

#[test]
fn tinyproxy() {
    if !tools::all_run(&["tinyproxy"], "calls through tinyproxy") {
        return;
    }
    let folder = Folder::new("tinyproxy");
    for center in &centers() {
        for password in [false, true] {
            let proxy = Proxy::tinyproxy(&folder, password, "");
            works_through(center, &if password { proxy.url_with("http", PLAIN_PASSWORD) } else { proxy.url("http") });
            assert!(
                proxy.log().contains(&port(center).to_string()) || proxy.log().contains("CONNECT"),
                "{}",
                proxy.log()
            );
            if password {
                let (kind, delivered, detail) = fails_through(center, &proxy.url("http"), json!({}));
                assert_eq!((kind.as_str(), delivered.as_str()), ("proxy", "no"), "{detail}");
                let wrong = proxy.url_with("http", PLAIN_PASSWORD).replace("robot", "other");
                let (kind, delivered, detail) = fails_through(center, &wrong, json!({}));
                // For plain http it answers 401 in the control center's place, but says who it is.
                assert_eq!((kind.as_str(), delivered.as_str()), ("proxy", "no"), "{detail}");
                assert!(detail.contains("refused these credentials"), "{detail}");
            }
        }
    }
    // Lets CONNECT through to one port alone, and that is not ours.
    let [_, center] = centers();
    let proxy = Proxy::tinyproxy(&folder, false, "ConnectPort 443");
    let (kind, delivered, detail) = fails_through(&center, &proxy.url("http"), json!({}));
    assert_eq!((kind.as_str(), delivered.as_str()), ("proxy", "no"), "{detail}");
    assert!(detail.contains("403"), "{detail}");
    drop(proxy);
}

#[test]
fn squid() {
    if !tools::all_run(&["squid", "openssl"], "calls through squid") {
        return;
    }
    let folder = Folder::new("squid");
    let [plain, tls] = centers();
    // By default squid tunnels to 443 alone; here to where it is asked.
    let open = Proxy::squid(&folder, false, "");
    for center in [&plain, &tls] {
        works_through(center, &open.url("http"));
    }
    // A target that is not there: its page for plain HTTP, its refusal for a tunnel.
    let nobody = json!({ "host": "http://127.0.0.1:1", "retry": 1 });
    let (kind, delivered, detail) = fails_through(&plain, &open.url("http"), nobody);
    assert_eq!((kind.as_str(), delivered.as_str()), ("proxy", "no"), "{detail}");
    assert!(detail.contains("503") && detail.contains("could not reach 127.0.0.1:1"), "{detail}");
    let nobody = json!({ "host": "https://127.0.0.1:1", "retry": 1 });
    let (kind, delivered, detail) = fails_through(&tls, &open.url("http"), nobody);
    assert_eq!((kind.as_str(), delivered.as_str()), ("proxy", "no"), "{detail}");
    // What is wrong with the control center's certificate is not the proxy's fault.
    let (kind, delivered, detail) = fails_through(&tls, &open.url("http"), json!({ "tls": {} }));
    assert_eq!((kind.as_str(), delivered.as_str()), ("tls", "no"), "{detail}");
    assert!(detail.contains(tls.text("fingerprint")), "{detail}");
    // The wrong kind of proxy.
    let short = json!({ "connect_timeout_ms": 500, "retry": 1 });
    let (kind, delivered, detail) = fails_through(&tls, &open.url("socks5"), short);
    assert!(matches!((kind.as_str(), delivered.as_str()), ("proxy" | "timeout", "no")), "{kind}: {detail}");
    assert!(detail.contains("the proxy"), "{detail}");
    let log = open.end();
    let way = |text: String| log.matches(&text).count();
    assert_eq!(way(format!("GET http://127.0.0.1:{}", port(&plain))), 2, "{log}");
    // One for all calls that trust alike, and one for the refused certificate's two attempts each.
    assert_eq!(way(format!("CONNECT 127.0.0.1:{}", port(&tls))), 3, "{log}");

    let asking = Proxy::squid(&folder, true, "");
    for center in [&plain, &tls] {
        works_through(center, &asking.url_with_password("http"));
        let (kind, delivered, detail) = fails_through(center, &asking.url("http"), json!({}));
        assert_eq!((kind.as_str(), delivered.as_str()), ("proxy", "no"), "{detail}");
        assert!(detail.contains("http://user:password@host:port"), "{detail}");
    }
    drop(asking);
    let denying = Proxy::squid(&folder, false, "http_access deny all\n");
    let (kind, delivered, detail) = fails_through(&tls, &denying.url("http"), json!({}));
    assert_eq!((kind.as_str(), delivered.as_str()), ("proxy", "no"), "{detail}");
    let (kind, delivered, detail) = fails_through(&plain, &denying.url("http"), json!({}));
    // squid has one error for what its rules for requests and for replies refuse.
    assert_eq!((kind.as_str(), delivered.as_str()), ("proxy", "unknown"), "{detail}");
    assert!(detail.contains("403"), "{detail}");
    drop(denying);
}

#[test]
fn socks() {
    if !tools::all_run(&["microsocks", "danted"], "calls through SOCKS proxies") {
        return;
    }
    let folder = Folder::new("socks");
    for center in &centers() {
        for password in [false, true] {
            let proxy = Proxy::microsocks(&folder, password);
            works_through(center, &if password { proxy.url_with_password("socks5") } else { proxy.url("socks5") });
            if password {
                for url in [proxy.url("socks5"), proxy.url_with_password("socks5").replace("robot", "other")] {
                    let (kind, delivered, detail) = fails_through(center, &url, json!({}));
                    assert_eq!((kind.as_str(), delivered.as_str()), ("proxy", "no"), "{detail}");
                }
            }
        }
        let proxy = Proxy::dante(&folder, port(center));
        works_through(center, &proxy.url("socks5"));
        assert!(proxy.log().contains(&format!(".{}", port(center))), "{}", proxy.log());
        let elsewhere = json!({ "host": center.text("base").replace(&port(center).to_string(), "9") });
        let (kind, delivered, detail) = fails_through(center, &proxy.url("socks5"), elsewhere);
        assert_eq!((kind.as_str(), delivered.as_str()), ("proxy", "no"), "{detail}");
        assert!(detail.contains("not allowed by its rules"), "{detail}");
        // The wrong kind of proxy.
        let (kind, delivered, detail) =
            fails_through(center, &proxy.url("http"), json!({ "connect_timeout_ms": 1000 }));
        assert!(matches!(kind.as_str(), "proxy" | "timeout" | "disconnected"), "{kind}: {detail}");
        assert_ne!(delivered, "yes", "{detail}");
    }
}
