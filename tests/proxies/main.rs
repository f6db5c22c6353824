//! The way through proxies that people run, in front of the control center.

use rpa_test_support::{harness, server, tools};
mod programs;

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use harness::{ControlCenter, Library};
use programs::{PASSWORD, PLAIN_PASSWORD, Proxy};
use serde_json::{Value, json};
use server::{Server, reply};

fn library() -> &'static Library {
    static LIBRARY: OnceLock<Library> = OnceLock::new();
    LIBRARY.get_or_init(Library::load)
}

fn folder(name: &str) -> PathBuf {
    tools::folder(&format!("proxies-{name}-{}", std::process::id()))
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
    let mut request = center.request(json!({
        "mode": "post", "rest_type": "/oapi/v1/job/create", "data_json": { "说明": "月结" }, "accesstoken": "9f2c4b7e1d5a48c0",
        "timeout_ms": 5000, "proxy": proxy,
    }));
    request.as_object_mut().unwrap().extend(further.as_object().unwrap().clone());
    let told = library().json("rpa_call", &request);
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
    let folder = folder("tinyproxy");
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
                if center.text("base").starts_with("https") {
                    assert_eq!((kind.as_str(), delivered.as_str()), ("proxy", "no"), "{detail}");
                } else {
                    // It answers 401 in the control center's place, and nobody can tell.
                    assert!(matches!(kind.as_str(), "response" | "disconnected"), "{kind}: {detail}");
                }
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
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn squid() {
    if !tools::all_run(&["squid", "openssl"], "calls through squid") {
        return;
    }
    let folder = folder("squid");
    let [plain, tls] = centers();
    // By default squid tunnels to 443 alone; here to where it is asked.
    let open = Proxy::squid(&folder, false, "");
    for center in [&plain, &tls] {
        works_through(center, &open.url("http"));
    }
    // A target that is not there: its page for plain HTTP, its refusal for a tunnel.
    let nobody = json!({ "host": "http://127.0.0.1:1", "retry": 1 });
    let (kind, _, detail) = fails_through(&plain, &open.url("http"), nobody);
    assert_eq!(kind, "response", "{detail}");
    assert!(detail.contains("503"), "{detail}");
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
    let (kind, _, detail) = fails_through(&plain, &denying.url("http"), json!({}));
    assert_eq!(kind, "response", "{detail}");
    assert!(detail.contains("403"), "{detail}");
    drop(denying);
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn socks() {
    if !tools::all_run(&["microsocks", "danted"], "calls through SOCKS proxies") {
        return;
    }
    let folder = folder("socks");
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
    fs::remove_dir_all(folder).unwrap();
}

/// Not a test: makes the call that its parent asks for.
#[test]
#[ignore = "run by the test below, as a process of its own"]
fn child() {
    println!("reply: {}", library().call("rpa_call", &env::var("RPA_TEST_REQUEST").expect("a request")));
}

/// A call in a process of its own, with these variables and no others that name a proxy.
fn call_with(environment: &[(&str, &str)], request: &Value) -> Value {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--ignored", "--exact", "child", "--nocapture"]).env("RPA_TEST_REQUEST", request.to_string());
    for name in ["http_proxy", "https_proxy", "all_proxy", "no_proxy"] {
        command.env_remove(name).env_remove(name.to_uppercase());
    }
    let output = tools::succeed(command.envs(environment.iter().copied()), "a process of its own");
    let output = String::from_utf8(output.stdout).unwrap();
    let reply = output.lines().find_map(|line| line.split_once("reply: ")).expect("a reply").1;
    serde_json::from_str(reply).unwrap()
}

#[test]
fn the_environment() {
    let server = Server::answering(reply("200 OK", "{\"way\":\"straight\"}"));
    let proxy = Server::answering(reply("200 OK", "{\"way\":\"proxy\"}"));
    let to = format!("http://{}", proxy.address());
    let port = server.address().port();
    let mut request = json!({
        "host": server.url(), "mode": "post", "rest_type": "/a", "accesstoken": "9f2c4b7e1d5a48c0", "retry": 1,
    });
    let with_port = format!("127.0.0.1:{port}");
    for (environment, way) in [
        (vec![], "straight"),
        (vec![("http_proxy", to.as_str())], "proxy"),
        (vec![("HTTP_PROXY", to.as_str())], "proxy"),
        (vec![("HTTP_PROXY", to.as_str()), ("REQUEST_METHOD", "GET")], "straight"),
        (vec![("ALL_PROXY", to.as_str())], "proxy"),
        (vec![("https_proxy", to.as_str())], "straight"),
        (vec![("http_proxy", "")], "straight"),
        (vec![("http_proxy", to.as_str()), ("no_proxy", "*")], "straight"),
        (vec![("http_proxy", to.as_str()), ("NO_PROXY", "corp.example, 127.0.0.0/8")], "straight"),
        (vec![("http_proxy", to.as_str()), ("NO_PROXY", "127.0.0.1")], "straight"),
        (vec![("http_proxy", to.as_str()), ("NO_PROXY", with_port.as_str())], "straight"),
        (vec![("http_proxy", to.as_str()), ("NO_PROXY", "127.0.0.1:1,10.0.0.0/8,example")], "proxy"),
    ] {
        assert_eq!(call_with(&environment, &request), json!({ "way": way }), "{environment:?}");
    }
    for (variable, value) in
        [("http_proxy", "ftp://proxy:21"), ("ALL_PROXY", "http://"), ("HTTP_PROXY", "http://a b:1")]
    {
        let told = call_with(&[(variable, value)], &request);
        assert_eq!((&told["error"]["kind"], &told["error"]["field"]), (&json!("argument"), &json!("proxy")), "{told}");
        assert!(told["error"]["detail"].as_str().unwrap().contains(variable), "{told}");
    }
    for none in [Value::Null, json!("")] {
        request["proxy"] = none;
        assert_eq!(call_with(&[("http_proxy", &to)], &request), json!({ "way": "straight" }));
    }
}
