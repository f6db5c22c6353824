//! What leaves the library when something goes wrong: no key, token, signature, password, header of a gateway or query,
//! in whatever form a server or a proxy quotes it.

use rpa_test_support::{forms, harness, server, tools};

use std::env;
use std::net::TcpListener;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use forms::forms;
use harness::{ControlCenter, Library};
use serde_json::{Value, json};
use server::{Server, reply};

const ACCESS_KEY: &str = "AK+/=~ %\"'中文7f3a91d2c4";
const SECRET_KEY: &str = "SK&#<>?;密钥😀b81e55ac0d";
const TOKEN: &str = "Tk+/=~%\"'&<>9f2c4b7e1d5a48c0";
// No run of it is one of the others as well.
const REFRESH: &str = "Rf+/=~%\"'&<>令牌b3d7e9a1c5f802";
const PROXY_PASSWORD: &str = "Pw:@/+口令c0ffee5a1e";
const GATEWAY: &str = "Gw+/=~%\"'&<> key d15ea5e0b2";
const PARAMETER: &str = "身份证110101199003071234&=+";
const ALL: [&str; 7] = [ACCESS_KEY, SECRET_KEY, TOKEN, REFRESH, PROXY_PASSWORD, GATEWAY, PARAMETER];

/// A text less its tags, with the characters that escapes stand for.
fn put_together(text: &str) -> String {
    let text = text.replace("<i>", "");
    let mut parts = text.split("&#");
    let mut plain = parts.next().unwrap().to_owned();
    for part in parts {
        let digits = part.len() - part.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, after) = part.split_at(digits);
        match number.parse().ok().and_then(char::from_u32) {
            Some(c) => plain.extend([c.to_string().as_str(), after.strip_prefix(';').unwrap_or(after)]),
            None => plain.push_str(part),
        }
    }
    percent_encoding::percent_decode_str(&plain).decode_utf8_lossy().into_owned()
}

fn letters(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).collect()
}

/// How a server's or a proxy's page may quote the request: the page of this number, if there are so many.
fn quoted(seen: &str, number: usize) -> Option<String> {
    const STEP: usize = 23;
    const WAYS: usize = 17;
    let html = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
    let decoded = percent_encoding::percent_decode_str(seen).decode_utf8_lossy();
    let text = if number.is_multiple_of(2) { seen } else { &*decoded };
    let (way, cut) = (number / 2 % WAYS, number / 2 / WAYS * STEP);
    // Cut at every place, also where the library cuts its excerpt.
    let from = (cut.min(text.len())..=text.len()).find(|&at| text.is_char_boundary(at))?;
    let (before, after) = text.split_at(from);
    let page = match way {
        0 => after.to_owned(),
        1 => html(after),
        2 => after.lines().map(|line| format!("<tr><td>{}</td></tr>", html(line))).collect(),
        3 => format!("error: {}", serde_json::to_string(after).unwrap()),
        4 => format!("{}{after}", ".".repeat(cut % 200)),
        5 => format!("<pre>{}...", html(before)),
        6 => after.chars().map(|c| format!("<i>{c}")).collect(),
        7 => after.bytes().map(|byte| format!("%{byte:02x}")).collect(),
        8 => after.chars().map(|c| format!("&#{};", u32::from(c))).collect(),
        9 => format!("{} {}", ".".repeat(cut % 200), BASE64_STANDARD.encode(after)),
        10 => in_lines(&BASE64_STANDARD.encode(after), 19, "\r\n"),
        11 => in_lines(&BASE64_STANDARD.encode(after).replace('+', "-").replace('/', "_"), 7, " "),
        12 => after.bytes().map(|byte| format!("%25{byte:02X}")).collect(),
        13 => after.chars().map(|c| format!("&#{}", u32::from(c))).collect(),
        14 => after.bytes().map(|byte| format!("{byte:02x}")).collect(),
        15 => in_lines(after, 5, "<!-- a > b -->"),
        _ => format!("<title>404</title>{}", in_lines(after, 7, "<br class='x'>")),
    };
    // No page is JSON by chance.
    (cut < text.len()).then(|| format!(".{page}"))
}

fn in_lines(text: &str, length: usize, end: &str) -> String {
    let chars: Vec<_> = text.chars().collect();
    chars.chunks(length).map(|line| line.iter().collect::<String>() + end).collect()
}

fn call(fields: Value) -> Value {
    let mut request = json!({
        "mode": "post", "rest_type": "/oapi/v1/job/create", "data_json": { "说明": PARAMETER }, "accesstoken": TOKEN,
        "headers": { "X-Gateway": GATEWAY }, "proxy": null, "retry": 1,
    });
    request.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    request
}

fn token(fields: Value) -> Value {
    let mut request = json!({ "accesskey": ACCESS_KEY, "secretkey": SECRET_KEY, "proxy": null, "retry": 1 });
    request.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    request
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

/// Not a test: calls that fail in every way, each reply on a line.
#[test]
#[ignore = "run by the test below, as a process of its own"]
fn child() {
    let library = Library::load();
    let tell = |function: &str, request: &Value| {
        let told = library.json(function, request);
        println!("reply: {told}");
        told["error"]["kind"].as_str().unwrap_or_else(|| panic!("{told}")).to_owned()
    };
    let mut kinds = std::collections::BTreeSet::new();
    for (function, request) in wrong_requests() {
        let told: Value = serde_json::from_str(&library.call(function, &request)).unwrap();
        println!("reply: {told}");
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
    let tls = ControlCenter::start(&["--tls"]);
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
        json!({ "host": tls.text("base") }),
        json!({ "host": tls.text("base").replace("https", "http") }),
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
            kinds.insert(tell("rpa_call", &call(fields)));
        }
        if fields["mode"].is_null() {
            kinds.insert(tell("rpa_get_token", &token(fields.clone())));
            let mut refresh = json!({ "refreshtoken": REFRESH, "proxy": null, "retry": 1 });
            refresh.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
            kinds.insert(tell("rpa_refresh_token", &refresh));
        }
    }
    quote_every_page(&tell);
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
        // Of the parameters the query alone is kept to ourselves.
        ("rpa_call", call(json!({ "host": server.url(), "mode": "put", "data_json": {} }))),
        ("rpa_get_token", token(json!({ "host": server.url() }))),
        ("rpa_refresh_token", json!({ "host": server.url(), "refreshtoken": REFRESH, "proxy": null, "retry": 1 })),
    ] {
        assert_eq!(tell(function, &request), "response");
        while next.load(Ordering::SeqCst) > 0 {
            assert_eq!(tell(function, &request), "response");
        }
    }
}

#[test]
fn no_secret_leaves_the_library() {
    let mut child = Command::new(env::current_exe().unwrap());
    child.args(["--ignored", "--exact", "child", "--nocapture", "--test-threads=1"]);
    child.envs([("RUST_BACKTRACE", "full"), ("RUST_LOG", "trace")]);
    let output = tools::said(&tools::succeed(&mut child, "calls that fail"));
    let kinds = output.lines().find_map(|line| line.split_once("kinds: ")).expect("a line with the kinds").1;
    let kinds: Vec<String> = serde_json::from_str(kinds).unwrap();
    let all = [
        "argument",
        "connect",
        "disconnected",
        "dns",
        "mode",
        "proxy",
        "redirect",
        "response",
        "timeout",
        "tls",
        "too_large",
    ];
    for kind in all {
        assert!(kinds.iter().any(|seen| seen == kind), "{kind} is not among {kinds:?}");
    }
    assert!(output.matches("reply: ").count() > 800);
    // JSON's own escapes hide nothing from who reads it.
    let read: String = output
        .lines()
        .filter_map(|line| line.split_once("reply: "))
        .map(|(_, reply)| {
            let reply: Value = serde_json::from_str(reply).unwrap();
            format!(
                "{}\n{}\n{}\n",
                reply["msg"].as_str().unwrap(),
                reply["error"]["detail"].as_str().unwrap(),
                reply["error"]["field"]
            )
        })
        .collect();
    for secret in ALL {
        for form in forms(secret) {
            for text in [&output, &read] {
                let found = text.lines().find(|line| line.contains(&form));
                assert!(found.is_none(), "{form} of {secret} stands in {}", found.unwrap_or_default());
            }
        }
    }
    let apart = letters(&put_together(&read));
    for secret in ALL {
        for run in letters(secret).chars().collect::<Vec<_>>().windows(8) {
            let run: String = run.iter().collect();
            assert!(!apart.contains(&run), "{run} of {secret} can be put together from the replies");
        }
    }
    // A signature is Base64 of 64 hexadecimal digits.
    let base64 = |c: char| c.is_ascii_alphanumeric() || "+/".contains(c);
    let longest = read.split(|c| !base64(c)).max_by_key(|run| run.len()).unwrap();
    assert!(longest.len() < 60, "{longest}");
}

#[test]
fn the_search_finds_what_is_there() {
    for secret in ALL {
        for form in forms(secret) {
            assert!(form.len() >= 8, "{form} of {secret} would be found anywhere");
        }
        let pages = (0..).map_while(|number| quoted(&format!("GET /a?b={secret} HTTP/1.1\r\n"), number));
        let found = pages.filter(|page| forms(secret).iter().any(|form| page.contains(form.as_str()))).count();
        assert!(found > 4, "{found} pages");
        for number in [12, 14, 16] {
            let page = quoted(&format!("GET /a?b={secret} HTTP/1.1\r\n"), number).unwrap();
            assert!(letters(&put_together(&page)).contains(&letters(secret)), "{page}");
        }
    }
}
