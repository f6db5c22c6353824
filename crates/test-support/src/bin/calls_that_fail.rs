//! Makes calls that fail in every way, writes each reply on a line, and at last the kinds of errors that there were. The
//! argument is the address of a control center whose certificate is not trusted.

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use rpa_test_support::programs;
use rpa_test_support::quotes::quoted;
use rpa_test_support::requests::with_all;
use rpa_test_support::secrets::{
    ACCESS_KEY, ALL, APPKEY, GATEWAY, PARAMETER, PROXY_PASSWORD, REFRESH, SECRET_KEY, TOKEN,
};
use rpa_test_support::server::{Server, reply};
use serde_json::{Value, json};

fn main() {
    let library = programs::library();
    let tell = |function: &str, request: &Value| {
        let told = library.json(function, request);
        println!("reply: {told}");
        told["error"]["kind"].as_str().unwrap_or_else(|| panic!("{told}")).to_owned()
    };
    let mut kinds = BTreeSet::new();
    for (function, request) in wrong_requests() {
        let told: Value = serde_json::from_str(&library.call(function, &request)).unwrap();
        println!("reply: {told}");
        if function == "rpa_call" {
            println!("diagnosis: {}", library.call("rpa_diagnose", &request));
        }
        kinds.insert(told["error"]["kind"].as_str().unwrap_or_default().to_owned());
    }
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let dead = Server::start(|connection| drop(connection.request()));
    let silent = Server::start(|connection| while connection.request().is_some() {});
    let moved = Server::start(|connection| {
        while let Some(seen) = connection.request() {
            let target = seen.split(' ').nth(1).unwrap().to_owned();
            connection.send(
                format!("HTTP/1.1 302 Found\r\nLocation: http://login.example{target}\r\nContent-Length: 0\r\n\r\n")
                    .as_bytes(),
            );
        }
    });
    let untrusted = programs::argument(1);
    let proxy = |address: &str, scheme: &str| {
        let password: String = PROXY_PASSWORD.bytes().map(|byte| format!("%{byte:02X}")).collect();
        format!("{scheme}://robot:{password}@{address}")
    };
    let refusing = Server::start(|connection| {
        while let Some(seen) = connection.request() {
            connection.send(reply("407 Proxy Authentication Required", &seen).as_bytes());
        }
    });
    for fields in [
        json!({ "host": format!("http://{closed}") }),
        json!({ "host": format!("http://{}.example", "a-".repeat(32) + "a") }),
        json!({ "host": dead.url() }),
        json!({ "host": silent.url(), "timeout_ms": 150 }),
        json!({ "host": moved.url() }),
        json!({ "host": untrusted }),
        json!({ "host": untrusted.replace("https", "http") }),
        json!({ "host": silent.url().replace("http", "https"), "timeout_ms": 150 }),
        json!({ "host": "https://rpa.invalid", "proxy": proxy(&closed.to_string(), "http") }),
        json!({ "host": "https://rpa.invalid", "proxy": proxy(&closed.to_string(), "socks5") }),
        json!({ "host": "https://rpa.invalid", "proxy": proxy(&refusing.address().to_string(), "http") }),
        json!({ "host": "http://rpa.invalid", "proxy": proxy(&refusing.address().to_string(), "http") }),
        json!({ "host": "https://rpa.invalid", "proxy": proxy(&refusing.address().to_string(), "socks5"), "timeout_ms": 150 }),
        json!({ "host": "http://127.0.0.1:1", "mode": TOKEN }),
    ] {
        for mode in ["get", "post", "put", "delete"] {
            let mut fields = fields.clone();
            if fields["mode"].is_null() {
                fields["mode"] = mode.into();
            }
            let with_meta = with_all(call(fields.clone()), json!({ "meta": true, "request_id": true }));
            let told = library.json("rpa_call", &with_meta);
            assert!(told["reply"]["error"].is_object(), "{told}");
            println!("meta: {}", told["meta"]);
            println!("diagnosis: {}", library.json("rpa_diagnose", &call(fields.clone())));
            kinds.insert(tell("rpa_call", &call(fields)));
        }
        if fields["mode"].is_null() {
            kinds.insert(tell("rpa_get_token", &token(fields.clone())));
            kinds.insert(tell("rpa_refresh_token", &refresh(fields)));
        }
    }
    // A success whose headers quote the request.
    let quoting = Server::start(|connection| {
        while let Some(seen) = connection.request() {
            let line =
                |name: &str| seen.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().to_owned();
            let (token, path) = (line("accesstoken: "), line("POST "));
            let head = format!(
                "HTTP/1.1 200 OK\r\nServer: {token}\r\nVia: {path}\r\nX-Request-Id: {}\r\n",
                line("signature: ")
            );
            connection.send(format!("{head}Content-Length: 10\r\n\r\n{{\"code\":0}}").as_bytes());
        }
    });
    let told = library.json("rpa_call", &call(json!({ "host": quoting.url(), "meta": true })));
    assert_eq!(told["reply"]["code"], 0, "{told}");
    println!("meta: {}", told["meta"]);
    quote_every_page(&tell);
    quote_to_diagnoses(&|request| println!("diagnosis: {}", library.json("rpa_diagnose", request)));
    let large = Server::answering(reply("200 OK", &format!("\"{TOKEN}{SECRET_KEY}\"").replace('"', "'")));
    kinds.insert(tell("rpa_call", &call(json!({ "host": large.url(), "max_response_bytes": 3 }))));
    println!("kinds: {}", json!(kinds));
}

/// Servers whose pages quote the request, in every form and from every place on.
fn quote_every_page(tell: &dyn Fn(&str, &Value) -> String) {
    let next = Arc::new(AtomicUsize::new(0));
    let number = next.clone();
    let server = Server::start(move |connection| {
        while let Some(seen) = connection.request() {
            let page = quoted(&seen, number.fetch_add(1, Ordering::SeqCst)).unwrap_or_else(|| {
                number.store(0, Ordering::SeqCst);
                "<html>the end".to_owned()
            });
            connection.send(reply("502 Bad Gateway", &page).as_bytes());
        }
    });
    for (function, request) in [
        ("rpa_call", call(json!({ "host": server.url() }))),
        ("rpa_call", call(json!({ "host": server.url(), "mode": "get" }))),
        ("rpa_call", of_10_3(json!({ "host": server.url() }))),
        ("rpa_call", of_9(json!({ "host": server.url() }))),
        // Of the parameters the query alone is kept to ourselves.
        ("rpa_call", call(json!({ "host": server.url(), "mode": "put", "data_json": {} }))),
        ("rpa_get_token", token(json!({ "host": server.url() }))),
        ("rpa_refresh_token", refresh(json!({ "host": server.url() }))),
    ] {
        assert_eq!(tell(function, &request), "response");
        while next.load(Ordering::SeqCst) > 0 {
            assert_eq!(tell(function, &request), "response");
        }
    }
}

/// The same for diagnoses, which ask several times each.
fn quote_to_diagnoses(diagnose: &dyn Fn(&Value)) {
    let (next, over) = (AtomicUsize::new(0), Arc::new(AtomicBool::new(false)));
    let seen_all = over.clone();
    let server = Server::start(move |connection| {
        while let Some(seen) = connection.request() {
            let page = quoted(&seen, next.fetch_add(1, Ordering::SeqCst)).unwrap_or_else(|| {
                over.store(true, Ordering::SeqCst);
                "<html>the end".to_owned()
            });
            connection.send(reply("200 OK", &page).as_bytes());
        }
    });
    while !seen_all.load(Ordering::SeqCst) {
        diagnose(&call(json!({ "host": server.url(), "mode": "get" })));
        diagnose(&with_all(
            token(json!({ "host": server.url(), "mode": "get", "rest_type": "/a" })),
            json!({ "get_token": true }),
        ));
    }
}

fn call(fields: Value) -> Value {
    let request = json!({
        "mode": "post", "rest_type": "/oapi/v1/job/create", "data_json": { "说明": PARAMETER }, "accesstoken": TOKEN,
        "headers": { "X-Gateway": GATEWAY }, "proxy": null, "retry": 1,
    });
    with_all(request, fields)
}

fn of_10_3(fields: Value) -> Value {
    let mut request = call(json!({ "generation": "10.3", "appkey": APPKEY }));
    request.as_object_mut().unwrap().remove("accesstoken");
    with_all(request, fields)
}

/// Its body holds token and signature.
fn of_9(fields: Value) -> Value {
    let request = json!({
        "generation": "9", "action": "start-job", "token": TOKEN, "headers": { "X-Gateway": GATEWAY }, "proxy": null,
        "retry": 1,
    });
    with_all(request, fields)
}

fn token(fields: Value) -> Value {
    with_all(json!({ "accesskey": ACCESS_KEY, "secretkey": SECRET_KEY, "proxy": null, "retry": 1 }), fields)
}

fn refresh(fields: Value) -> Value {
    with_all(json!({ "refreshtoken": REFRESH, "proxy": null, "retry": 1 }), fields)
}

/// Requests that are wrong, with secrets in right and in wrong places.
fn wrong_requests() -> Vec<(&'static str, String)> {
    let mut all = Vec::new();
    for name in [
        "host",
        "port",
        "retry",
        "timeout_ms",
        "keep_alive_ms",
        "proxy",
        "tls",
        "headers",
        "max_response_bytes",
        "rest_type",
        "mode",
        "data_json",
        "values",
        "encoding",
        "retry_mode",
        "accesstoken",
        "acesstoken",
        "no such field",
    ] {
        for secret in ALL {
            let placed = [
                json!(secret),
                json!([secret]),
                json!({ "a": secret }),
                json!(format!("http://{secret}@[")),
                json!(format!("/{secret}\n")),
            ];
            for value in placed {
                let mut request = call(json!({ "host": "http://127.0.0.1:1" }));
                request[name] = value;
                all.push(("rpa_call", request.to_string()));
            }
        }
    }
    for name in ["appkey", "action", "token", "generation", "signature_refused"] {
        for secret in ALL {
            for value in [json!(secret), json!([secret])] {
                let request = of_10_3(json!({ "host": "http://127.0.0.1:1", name: value }));
                all.push(("rpa_call", request.to_string()));
            }
        }
    }
    for secret in ALL {
        all.push(("rpa_call", format!("{{\"accesstoken\":\"{secret}\"")));
        all.push(("rpa_call", format!("[\"{secret}\"]")));
        all.push(("rpa_call", secret.to_owned()));
        all.push(("rpa_get_token", token(json!({ "host": "http://127.0.0.1:1", "secretkey": [secret] })).to_string()));
        all.push((
            "rpa_call",
            call(json!({ "host": "http://127.0.0.1:1", "data_json": format!("{{\"{secret}\": }}") })).to_string(),
        ));
        all.push((
            "rpa_refresh_token",
            json!({ "host": "http://127.0.0.1:1", "refleshtoken": secret, "refreshtoken": secret }).to_string(),
        ));
    }
    all
}
