//! What is told of a call beside its reply: the facts in `error`, `meta` with its warnings, `request_id`, and the log.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use rpa_test_support::folder::Folder;
use rpa_test_support::harness::{ControlCenter, Library};
use rpa_test_support::requests::{call, right, with, with_all};
use rpa_test_support::server::{Server, closed_port, reply};
use rpa_test_support::{issuer, programs};
use serde_json::{Value, json};

const FUNCTIONS: [&str; 4] = ["rpa_get_token", "rpa_refresh_token", "rpa_call", "rpa_sign"];

fn kinds(meta: &Value) -> Vec<&str> {
    meta["warnings"].as_array().unwrap().iter().map(|warning| warning["kind"].as_str().unwrap()).collect()
}

/// The lines of a log, of all days.
fn lines(folder: &Path) -> Vec<Value> {
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    let texts = files.iter().map(|file| fs::read_to_string(file).unwrap());
    texts
        .flat_map(|text| text.lines().map(|line| serde_json::from_str(line).expect(line)).collect::<Vec<_>>())
        .collect()
}

fn events(folder: &Path) -> Vec<String> {
    lines(folder).iter().map(|line| line["event"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn an_error_says_where_when_and_what_next() {
    let library = Library::load();
    let closed = closed_port();
    let (_, address) = closed.split_once("://").unwrap();
    let (host, port) = address.split_once(':').unwrap();
    let told = library.json("rpa_call", &with(call(&closed, "get"), "data_json", json!({ "a": "b" })));
    let error = &told["error"];
    let target =
        json!({ "scheme": "http", "host": host, "port": port.parse::<u16>().unwrap(), "path": "/oapi/v1/job/get" });
    assert_eq!((&error["target"], &error["peer"], &error["phase"]), (&target, &json!(address), &json!("connect")));
    assert_eq!((&error["function"], &error["version"]), (&json!("rpa_call"), &json!(library.version())));
    assert!(error["ms"]["connect"].is_u64() && error["ms"]["send"].is_null(), "{error}");
    assert!(error["hint"].as_str().unwrap().contains("「host」"), "{error}");
    let time = error["time"].as_str().unwrap();
    assert!(time.len() == 29 && matches!(time.as_bytes()[23], b'+' | b'-'), "{time}");
    let again = library.json("rpa_call", &call(&closed, "get"));
    assert_ne!(again["error"]["id"], error["id"]);
    for function in FUNCTIONS {
        let wrong = library.json(function, &with(right(function, &closed), "retry", json!(0)));
        let error = &wrong["error"];
        for absent in ["target", "peer", "proxy", "proxy_from", "phase"] {
            assert!(error[absent].is_null() && error.get(absent).is_some(), "{absent}: {error}");
        }
        assert_eq!((&error["function"], &error["hint"]), (&json!(function), &json!("请按msg改正「retry」后再调用")));
    }
    let proxied =
        with(call("http://rpa.invalid", "get"), "proxy", json!(closed.replace("http://", "http://robot:hunter2@")));
    let error = &library.json("rpa_call", &proxied)["error"];
    assert_eq!((&error["proxy"], &error["proxy_from"]), (&json!(closed), &json!("request")), "{error}");
}

#[test]
fn meta_wraps_each_reply_byte_for_byte() {
    let library = Library::load();
    let body = r#"{ "code":0,  "n":1.50, "s":"\u4e2d" }"#;
    let server =
        Server::answering(reply("200 OK", body).replacen("\r\n", "\r\nServer: nginx\r\nSet-Cookie: a=b\r\n", 1));
    let request = with(call(&server.url(), "get"), "meta", json!(true));
    let told = library.call("rpa_call", &request.to_string());
    assert!(told.starts_with(&format!("{{\"reply\":{body},\"meta\":{{")), "{told}");
    let meta = serde_json::from_str::<Value>(&told).unwrap()["meta"].take();
    assert_eq!((&meta["http_status"], &meta["attempts"], &meta["delivered"]), (&json!(200), &json!(1), &json!("yes")));
    assert_eq!((&meta["encoding"], &meta["token"], kinds(&meta)), (&json!("python"), &Value::Null, vec![]));
    assert_eq!(meta["headers"], json!({ "server": "nginx", "content-type": "application/json" }));
    assert!(meta["ms"]["read"].is_u64() && meta["elapsed_ms"].is_u64(), "{meta}");
    // Another one on the kept connection.
    let kept = library.json("rpa_call", &request)["meta"].take();
    assert!(kept["ms"]["connect"].is_null() && kept["ms"]["wait"].is_u64() && kept["peer"] == meta["peer"], "{kept}");
    let plain = library.call("rpa_call", &call(&server.url(), "get").to_string());
    assert_eq!(plain, body, "without it nothing changes");
    for function in FUNCTIONS {
        let wrong = with_all(right(function, "nonsense://"), json!({ "meta": true }));
        let told = library.json(function, &wrong);
        assert_eq!(
            (&told["reply"]["error"]["kind"], &told["meta"]["function"]),
            (&json!("argument"), &json!(function))
        );
        assert_eq!(told["reply"]["error"]["id"], told["meta"]["id"], "{told}");
    }
    let signed = library.json("rpa_sign", &with(right("rpa_sign", "http://rpa.invalid"), "meta", json!(true)));
    assert_eq!((&signed["reply"]["code"], &signed["meta"]["attempts"]), (&json!(0), &json!(0)));
    let would_be = json!({ "scheme": "http", "host": "rpa.invalid", "port": 80, "path": "/oapi/v1/job/get" });
    assert_eq!(
        (&signed["meta"]["target"], &signed["meta"]["peer"]),
        (&would_be, &Value::Null),
        "what it is signed for"
    );
    let diagnosis = json!({ "host": "http://127.0.0.1:1/up", "proxy": null, "timeout_ms": 300, "meta": true });
    let told = library.json("rpa_diagnose", &diagnosis);
    assert_eq!(
        told["meta"]["target"],
        json!({ "scheme": "http", "host": "127.0.0.1", "port": 1, "path": "/up" }),
        "{told}"
    );
    let without = library.json("rpa_diagnose", &json!({ "meta": true, "timeout_ms": 300 }));
    assert!(without["meta"]["target"].is_null(), "{without}");
    let gateway = Server::answering(reply("502 Bad Gateway", r#"{"message":"no Route matched"}"#));
    let told = library.json("rpa_call", &with(call(&gateway.url(), "post"), "meta", json!(true)));
    assert_eq!(
        (&told["reply"], &told["meta"]["http_status"]),
        (&json!({ "message": "no Route matched" }), &json!(502))
    );
    let center = ControlCenter::start(&[]);
    let by_keys = center.request(json!({ "rest_type": "/oapi/v1/job/list", "mode": "get", "meta": true,
        "accesskey": center.text("accesskey"), "secretkey": center.text("secretkey") }));
    let mut by_keys = by_keys;
    by_keys.as_object_mut().unwrap().remove("accesstoken");
    let told = library.json("rpa_call", &by_keys);
    assert_eq!((&told["reply"]["code"], &told["meta"]["token"]["source"]), (&json!(0), &json!("server")), "{told}");
}

#[test]
fn an_id_travels_with_the_request_where_it_is_wanted() {
    let library = Library::load();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let requests = seen.clone();
    let server = Server::start(move |connection| {
        while let Some(request) = connection.request() {
            let id = request.lines().find_map(|line| line.strip_prefix("x-request-id: ")).map(str::to_owned);
            requests.lock().unwrap().push(id);
            connection.send(reply("200 OK", "{}").as_bytes());
        }
    });
    let request = call(&server.url(), "get");
    let told = library.json("rpa_call", &with_all(request.clone(), json!({ "meta": true, "request_id": true })));
    library.json("rpa_call", &request);
    let id = told["meta"]["id"].as_str().unwrap().to_owned();
    assert_eq!(*seen.lock().unwrap(), [Some(id), None]);
    let both = with_all(request, json!({ "headers": { "X-Request-ID": "7" }, "request_id": true }));
    let told = library.json("rpa_call", &both);
    assert_eq!((&told["error"]["field"], server.requests()), (&json!("headers.x-request-id"), 2), "{told}");
}

#[test]
fn what_nobody_would_hear_of_is_a_warning() {
    let library = Library::load();
    let told = |request: Value| library.json("rpa_call", &with(request, "meta", json!(true)))["meta"].take();
    let late = reply("200 OK", "{}").replacen("\r\n", "\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n", 1);
    let server = Server::answering(late);
    let meta = told(call(&server.url(), "get"));
    assert_eq!(kinds(&meta), ["clock"]);
    assert!(meta["warnings"][0]["zh"].as_str().unwrap().contains('快'), "{meta}");
    let center = ControlCenter::start(&["--tls"]);
    let any = center.request(json!({
        "rest_type": "/oapi/v1/job/list", "mode": "get", "accesstoken": "t0ken", "tls": { "verify": false }
    }));
    assert!(kinds(&told(any)).contains(&"verify"));
    let count = Mutex::new(0);
    let fails_once = Server::start(move |connection| {
        while connection.request().is_some() {
            let mut count = count.lock().unwrap();
            *count += 1;
            if *count == 1 {
                return;
            }
            connection.send(reply("200 OK", "{}").as_bytes());
        }
    });
    let meta = told(with(call(&fails_once.url(), "post"), "retry_mode", json!("always")));
    assert_eq!((kinds(&meta), &meta["attempts"]), (vec!["repeated"], &json!(2)));
    let folder = Folder::new("no-log");
    let file = folder.write("file", "");
    let healthy = Server::answering(reply("200 OK", "{}"));
    let log = json!({ "folder": file.join("log") });
    let meta = told(with(call(&healthy.url(), "get"), "log", log));
    assert_eq!(kinds(&meta), ["log"]);
    assert!(meta["warnings"][0]["zh"].as_str().unwrap().contains("日志文件夹"), "{meta}");
    assert!(kinds(&told(call(&healthy.url(), "get"))).is_empty());
}

#[test]
fn a_log_holds_what_its_level_says() {
    let library = Library::load();
    let server = Server::start(|connection| {
        while let Some(request) = connection.request() {
            let answer = match request.contains("/refused") {
                true => reply("200 OK", r#"{"code":500,"msg":"no"}"#),
                false => reply("200 OK", r#"{"code":0}"#),
            };
            connection.send(answer.as_bytes());
        }
    });
    for (level, expected) in [
        ("error", &["call", "call"][..]),
        ("warn", &["call", "call"]),
        ("info", &["call", "call", "call"]),
        ("debug", &["attempt", "call", "attempt", "call", "call"]),
    ] {
        let folder = Folder::new("log");
        let log = json!({ "folder": &*folder, "level": level });
        let request = |path: &str| {
            with_all(
                call(&server.url(), "get"),
                json!({ "rest_type": path, "log": log, "data_json": { "身份证": "110101199003071234" } }),
            )
        };
        library.json("rpa_call", &request("/fine"));
        library.json("rpa_call", &request("/refused"));
        library.json("rpa_call", &with(request("/fine"), "retry", json!(0)));
        assert_eq!(events(&folder), expected, "{level}");
        let lines = lines(&folder);
        let last = lines.last().unwrap();
        assert_eq!((&last["kind"], &last["code"], &last["level"]), (&json!("argument"), &json!(41), &json!("error")));
        let refused = lines.iter().rev().find(|line| line["code"] == 500).unwrap();
        assert_eq!(
            (&refused["kind"], &refused["level"], &refused["mode"]),
            (&Value::Null, &json!("error"), &json!("get"))
        );
        assert_eq!((&refused["http_status"], &refused["delivered"]), (&json!(200), &json!("yes")));
        let fields = [
            "time",
            "event",
            "level",
            "id",
            "machine",
            "user",
            "pid",
            "version",
            "commit",
            "function",
            "mode",
            "target",
            "peer",
            "proxy",
            "proxy_from",
            "phase",
            "ms",
            "elapsed_ms",
            "attempts",
            "delivered",
            "kind",
            "code",
            "http_status",
            "bytes_sent",
            "bytes_received",
            "token",
            "store_trouble",
            "clock_offset_ms",
            "warnings",
        ];
        let names: BTreeSet<_> = refused.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(names, BTreeSet::from(fields));
        assert!(["machine", "user"].iter().all(|name| refused[*name] != ""), "{refused}");
        assert!(
            refused["bytes_sent"].as_u64() > Some(100) && refused["bytes_received"].as_u64() > Some(30),
            "{refused}"
        );
        let text = serde_json::to_string(&lines).unwrap();
        assert!(!text.contains("110101199003071234") && !text.contains("9f2c4b7e1d5a48c0"), "{text}");
    }
}

#[test]
fn a_refused_signature_is_an_event_that_tells_a_place_and_no_content() {
    let library = Library::load();
    let server = Server::answering(reply("200 OK", r#"{"code":403,"msg":"签名错误"}"#));
    let folder = Folder::new("log");
    let log = json!({ "folder": &*folder });
    let request = with_all(call(&server.url(), "get"), json!({ "log": log, "data_json": { "a": "1/2" } }));
    library.json("rpa_call", &request);
    let lines = lines(&folder);
    assert_eq!(events(&folder), ["signature", "call"]);
    let told = lines[0]["en"].as_str().unwrap();
    assert!(told.contains("differ from character") && !told.contains("1/2") && !told.contains("%2F"), "{told}");
}

#[test]
fn a_path_that_may_hold_a_secret_is_in_no_line() {
    let library = Library::load();
    let folder = Folder::new("log-of-paths");
    let token = "9f2c4b7e1d5a48c0";
    let functions = ["rpa_call", "rpa_sign", "rpa_diagnose"];
    for path in [format!("/oapi/{token}/get"), "/robot:hunter2@oapi/get".to_owned()] {
        for function in functions {
            let given = json!({ "accesstoken": token, "rest_type": path, "log": { "folder": &*folder } });
            library.json(function, &with_all(call(&closed_port(), "get"), given));
        }
    }
    let issuer = issuer::start();
    let by_keys = json!({ "host": issuer.url(), "proxy": null, "mode": "get", "rest_type": format!("/{token}"),
        "accesskey": token, "secretkey": "hunter2-hunter2", "log": { "folder": &*folder } });
    (0..2).for_each(|_| assert_eq!(library.json("rpa_call", &by_keys)["code"], 0));
    let lines = lines(&folder);
    let calls: Vec<_> = lines.iter().filter(|line| line["event"] == "call").collect();
    assert_eq!(calls.len(), 2 * functions.len() + 2, "{lines:?}");
    for line in calls {
        assert_eq!(line["target"]["path"], "/...", "{line}");
        assert!(!line.to_string().contains(token) && !line.to_string().contains("hunter2"), "{line}");
    }
}

#[test]
fn a_wrong_level_in_the_environment_is_told() {
    let server = Server::answering(reply("200 OK", "{}"));
    let folder = Folder::new("log-of-environment");
    let calls = |level: &str| {
        let mut child = programs::helper("one_call");
        child.arg(with(call(&server.url(), "get"), "meta", json!(true)).to_string());
        child.env("RPA_OPENAPI_LOG", &*folder).env("RPA_OPENAPI_LOG_LEVEL", level);
        serde_json::from_slice::<Value>(&child.output().unwrap().stdout).unwrap()["meta"].take()
    };
    assert!(kinds(&calls("Info")).is_empty());
    assert_eq!(kinds(&calls("loud")), ["log"]);
    assert_eq!(events(&folder).len(), 2);
}

/// A limit of the process stands for the disk: what goes beyond it is cut off.
#[cfg(unix)]
#[test]
fn of_a_line_that_a_full_disk_cuts_nothing_stays() {
    let server = Server::answering(reply("200 OK", "{}"));
    let folder = Folder::new("log-of-full-disk");
    let request = with(call(&server.url(), "get"), "log", json!({ "folder": &*folder })).to_string();
    let helper = programs::helper("one_call");
    // In blocks of 512 bytes.
    let calls = |blocks: u64| {
        let mut shell = std::process::Command::new("sh");
        shell.args(["-c", "ulimit -f \"$0\" && exec \"$@\"", &blocks.to_string()]);
        shell.envs(helper.get_envs().filter_map(|(name, value)| Some((name, value?))));
        assert!(shell.arg(helper.get_program()).arg(&request).output().unwrap().status.success());
    };
    calls(1000);
    let file = fs::read_dir(&*folder).unwrap().next().unwrap().unwrap().path();
    let size = fs::metadata(&file).unwrap().len();
    // Room for a part of the next line.
    let blocks = size / 512 + 1;
    assert!(blocks * 512 < 2 * size, "a line of {size} bytes");
    calls(blocks);
    assert_eq!((fs::metadata(&file).unwrap().len(), lines(&folder).len()), (size, 1));
    calls(1000);
    assert_eq!(lines(&folder).len(), 2);
}

/// `RPA_TEST_LOG_LINES` sets how many in all, by 16 processes of 8 threads.
#[test]
fn lines_of_many_processes_and_threads_are_whole_and_none_is_lost() {
    let wanted = env::var("RPA_TEST_LOG_LINES").ok().map(|lines| lines.parse::<usize>().unwrap());
    let (processes, threads) = if wanted.is_some() { (16, 8) } else { (4, 8) };
    let each = wanted.unwrap_or(3200).div_ceil(processes * threads);
    let folder = Folder::new("log-of-many");
    let children: Vec<_> = (0..processes)
        .map(|_| {
            let mut child = programs::helper("calls_that_log");
            child.arg(&*folder).args([threads, each].map(|number| number.to_string())).stdout(Stdio::null());
            child.spawn().unwrap()
        })
        .collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let lines = lines(&folder);
    let ids: BTreeSet<_> = lines.iter().map(|line| line["id"].as_str().unwrap()).collect();
    assert_eq!((lines.len(), ids.len()), (processes * (threads * each + 1), lines.len()));
}
