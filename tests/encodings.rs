//! `"encoding": "auto"`: how often a control center is asked until it is known which percent-encoding it takes, and what the
//! caller gets. The servers prove each signature by code of their own, and write down what they saw.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::sync::{Arc, Barrier, Mutex, mpsc};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use rpa_test_support::folder::Folder;
use rpa_test_support::harness::Library;
use rpa_test_support::orders::{Order, Report};
use rpa_test_support::programs;
use rpa_test_support::redis::Redis;
use rpa_test_support::requests::with_all;
use rpa_test_support::server::{Connection, Server, reply};
use rpa_test_support::tools;
use serde_json::{Value, json};
use sha2::Sha256;

const PYTHON: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b'/');
const JAVA: &AsciiSet = &PYTHON.add(b'~').add(b'/');

/// What a server does with a call, by the encoding that it was signed with.
type Answer = Box<dyn Fn(&str, usize) -> String + Send>;

/// A control center. Each call leaves a word: the encoding that it was signed with; each token call leaves `token`.
struct Center {
    server: Server,
    seen: Arc<Mutex<Vec<String>>>,
    answer: Arc<Mutex<Answer>>,
}

fn accepting(encoding: &'static str) -> Answer {
    Box::new(move |signed, number| match signed == encoding || signed == "either" {
        true => reply("200 OK", r#"{"code":0,"msg":"success"}"#),
        false => reply("200 OK", &format!("{{\"code\":403,\"msg\":\"签名验证失败 {number}\"}}")),
    })
}

/// A server that takes python, and refuses what it is asked for.
fn business(msg: &'static str) -> Answer {
    Box::new(move |signed, _| match signed {
        "java" => reply("200 OK", r#"{"code":403,"msg":"签名验证失败"}"#),
        _ => reply("200 OK", &format!("{{\"code\":500,\"msg\":\"{msg}\"}}")),
    })
}

fn fixed(status: &'static str, body: &'static str) -> Answer {
    Box::new(move |_, _| reply(status, body))
}

impl Center {
    fn start(answer: Answer) -> Center {
        let (seen, answer) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(answer)));
        let (words, answers) = (seen.clone(), answer.clone());
        let server = Server::start(move |connection: &mut Connection| {
            while let Some(request) = connection.request() {
                let word = if request.contains("/oapi/v1/token?") { "token" } else { signed_with(&request) };
                let number = {
                    let mut words = words.lock().unwrap();
                    words.push(word.to_owned());
                    words.len()
                };
                let told = match word {
                    "token" => {
                        reply("200 OK", &format!("{{\"code\":0,\"result\":{{\"accessToken\":\"t0ken{number}\"}}}}"))
                    }
                    word => answers.lock().unwrap()(word, number),
                };
                if !connection.send(told.as_bytes()) || told.is_empty() {
                    return;
                }
            }
        });
        Center { server, seen, answer }
    }

    fn becomes(&self, answer: Answer) {
        *self.answer.lock().unwrap() = answer;
    }

    fn seen(&self) -> String {
        self.seen.lock().unwrap().join(" ")
    }

    /// A call whose source holds a slash.
    fn request(&self, fields: Value) -> Value {
        let usual = json!({
            "host": self.server.url(), "proxy": null, "mode": "get", "rest_type": "/oapi/v1/job/list",
            "data_json": { "日期": "2020/11/30" }, "accesstoken": "9f2c4b7e1d5a48c0",
        });
        with_all(usual, fields)
    }

    fn by_keys(&self, fields: Value) -> Value {
        let mut request = self.request(json!({ "accesskey": "access", "secretkey": "secret" }));
        request.as_object_mut().unwrap().remove("accesstoken");
        with_all(request, fields)
    }
}

/// By which encoding a request's signature is right.
fn signed_with(request: &str) -> &'static str {
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    let header = |name: &str| {
        let named = |line: &str| line.split_once(": ").filter(|(n, _)| *n == name).map(|(_, value)| value.to_owned());
        head.lines().find_map(named).unwrap_or_default()
    };
    let query = head.split(' ').nth(1).unwrap().split_once('?').map_or("", |(_, query)| query);
    let params: Vec<String> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| percent_decode_str(pair).decode_utf8_lossy().into_owned())
        .collect();
    let (token, time) = (header("accesstoken"), header("timestamp"));
    let signed = if head.starts_with("GET") { params.join("&") } else { body.to_owned() };
    let source = format!("{signed}&token={token}&timestamp={time}");
    let right = |set: &'static AsciiSet| {
        let mut mac = Hmac::<Sha256>::new_from_slice(token.as_bytes()).unwrap();
        mac.update(utf8_percent_encode(&source, set).to_string().as_bytes());
        let hex: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        BASE64_STANDARD.encode(hex) == header("signature")
    };
    match (right(PYTHON), right(JAVA)) {
        (true, true) => "either",
        (true, false) => "python",
        (false, true) => "java",
        (false, false) => "wrong",
    }
}

#[track_caller]
fn call(library: &Library, request: &Value, code: i64) -> Value {
    let told = library.json("rpa_call", request);
    assert_eq!(told["code"], code, "{told}");
    told
}

#[test]
fn a_server_that_takes_python_sees_each_call_once() {
    let (library, center) = (Library::load(), Center::start(accepting("python")));
    for mode in ["get", "post", "put", "delete"] {
        call(&library, &center.request(json!({ "mode": mode })), 0);
    }
    assert_eq!(center.seen(), "python python python python");
}

#[test]
fn a_server_that_takes_java_sees_one_call_twice() {
    let (library, center) = (Library::load(), Center::start(accepting("java")));
    let request = center.request(json!({}));
    let shown = |encoding| {
        let shown = library.json("rpa_sign", &request)["result"].clone();
        let is_java = shown["encoded"].as_str().unwrap().contains("2020%2F11");
        assert!(is_java == (encoding == "java"), "{shown}");
        assert!(shown["notes"].to_string().contains("rpa_call signs once more"), "{shown}");
    };
    shown("python");
    call(&library, &request, 0);
    shown("java");
    for mode in ["get", "post", "put", "delete"] {
        call(&library, &center.request(json!({ "mode": mode })), 0);
    }
    assert_eq!(center.seen(), "python java java java java java");
    // Another token is another caller.
    call(&library, &center.request(json!({ "accesstoken": "4b7e1d5a48c0b3e6" })), 0);
    assert_eq!(center.seen(), "python java java java java java python java");
}

#[test]
fn a_server_that_changes_refuses_one_call() {
    let (library, center) = (Library::load(), Center::start(accepting("python")));
    let request = center.request(json!({ "mode": "post" }));
    call(&library, &request, 0);
    center.becomes(accepting("java"));
    // What had worked was refused: that is the reply, and forgotten.
    for code in [403, 0, 0] {
        call(&library, &request, code);
    }
    assert_eq!(center.seen(), "python python python java java");
    center.becomes(accepting("python"));
    for code in [403, 0, 0] {
        call(&library, &request, code);
    }
    assert_eq!(center.seen(), "python python python java java java python python");
}

#[test]
fn a_business_error_that_speaks_of_a_signature() {
    let library = Library::load();
    // Of one that has worked before, in any mode.
    let center = Center::start(accepting("python"));
    let post = center.request(json!({ "mode": "post" }));
    call(&library, &post, 0);
    center.becomes(business("合同签名缺失"));
    call(&library, &post, 500);
    assert_eq!(center.seen(), "python python");
    // Of one where nothing is known: once, and then not for ten minutes; the caller gets the first refusal.
    let center = Center::start(business("合同签名缺失"));
    for seen in ["python java", "python java python", "python java python python"] {
        call(&library, &center.request(json!({ "mode": "post" })), 500);
        assert_eq!(center.seen(), seen);
    }
    // A success, and what only speaks of signatures without a code, are no refusals.
    for body in [
        r#"{"code":0,"msg":"签名完成"}"#,
        r#"{"code":200,"msg":"签名完成"}"#,
        r#"{"msg":"signed"}"#,
        r#"{"code":0.0,"msg":"签名成功"}"#,
        r#"{"code":"SUCCESS","msg":"签名成功"}"#,
        r#"{"code":"OK","msg":"签名成功"}"#,
        r#"{"code":500,"msg":"task assigned to robot by the designer"}"#,
    ] {
        let center = Center::start(fixed("200 OK", body));
        library.json("rpa_call", &center.request(json!({ "mode": "post" })));
        assert_eq!(center.seen(), "python", "{body}");
    }
}

#[test]
fn a_business_error_again_and_again_cuts_nobody_off() {
    let library = Library::load();
    // Of the encoding that is tried second, and of that which is tried first.
    for (right, seen) in [
        ("java", ["python java", "java", "python java", "java", "java", "java", "java"]),
        ("python", ["python", "python", "python java", "python", "python", "python", "python"]),
    ] {
        let center = Center::start(accepting(right));
        let speaks = move |msg: &'static str| -> Answer {
            Box::new(move |signed, number| match signed == right {
                true => reply("200 OK", &format!("{{\"code\":2031,\"msg\":\"{msg} {number}\"}}")),
                false => reply("403 Forbidden", r#"{"code":403,"msg":"signature mismatch"}"#),
            })
        };
        let post = center.request(json!({ "mode": "post" }));
        let call = |code: i64, seen: &str| {
            center.seen.lock().unwrap().clear();
            let told = library.json("rpa_call", &post);
            assert_eq!((&told["code"], center.seen().as_str()), (&json!(code), seen), "{right} {told}");
        };
        call(0, seen[0]);
        center.becomes(speaks("文档未签名,不能提交"));
        call(2031, seen[1]);
        call(2031, seen[2]);
        // By now it is known for what it is.
        call(2031, seen[3]);
        call(2031, seen[4]);
        center.becomes(accepting(right));
        call(0, seen[5]);
        call(0, seen[6]);
    }
    // Where nothing had worked, one API alone is held to one request.
    let center = Center::start(Box::new(|signed, _| match signed {
        "java" => reply("200 OK", r#"{"code":2031,"msg":"文档未签名"}"#),
        _ => reply("200 OK", r#"{"code":403,"msg":"签名错误"}"#),
    }));
    for seen in ["python java", "python java python"] {
        call(&library, &center.request(json!({ "mode": "post" })), 403);
        assert_eq!(center.seen(), seen);
    }
    center.becomes(accepting("java"));
    call(&library, &center.request(json!({ "rest_type": "/oapi/v1/job/create" })), 0);
    call(&library, &center.request(json!({ "mode": "post" })), 0);
    assert_eq!(center.seen(), "python java python python java java");
}

#[test]
fn a_call_that_waits_for_another_ones_answer_is_sent_in_time() {
    let library = Library::load();
    let (let_go, held) = mpsc::channel::<()>();
    let (has_come, comes) = mpsc::channel();
    let (held, has_come) = (Mutex::new(held), Mutex::new(has_come));
    let server = Server::start(move |connection: &mut Connection| {
        while let Some(request) = connection.request() {
            if request.contains("/slow") {
                has_come.lock().unwrap().send(()).unwrap();
                let _ = held.lock().unwrap().recv();
            }
            connection.send(reply("200 OK", r#"{"code":0}"#).as_bytes());
        }
    });
    let request = |path: &str, limit: u64| {
        json!({
            "host": server.url(), "proxy": null, "mode": "post", "rest_type": path, "timeout_ms": limit,
            "data_json": { "日期": "2020/11/30" }, "accesstoken": "9f2c4b7e1d5a48c0",
        })
    };
    thread::scope(|scope| {
        scope.spawn(|| call(&library, &request("/slow", 60_000), 0));
        comes.recv().unwrap();
        let told = library.json("rpa_call", &request("/fast", 5_000));
        let_go.send(()).unwrap();
        assert_eq!(told["code"], 0, "{told}");
    });
}

#[test]
fn both_are_refused() {
    let (library, center) = (Library::load(), Center::start(accepting("neither")));
    for (token, seen, number) in [
        ("9f2c4b7e1d5a48c0", "python java", 1),
        ("9f2c4b7e1d5a48c0", "python java python", 3),
        ("4b7e1d5a48c0b3e6", "python java python python", 4),
    ] {
        let told = call(&library, &center.request(json!({ "mode": "post", "accesstoken": token })), 403);
        assert_eq!(told["msg"], format!("签名验证失败 {number}"), "the first refusal is the reply");
        assert_eq!(center.seen(), seen);
    }
}

#[test]
fn a_post_that_was_refused_did_not_run() {
    let (library, center) = (Library::load(), Center::start(accepting("java")));
    let post = center.request(json!({ "mode": "post", "data_json": { "procCode": "P001", "path": "/tmp/~a" } }));
    call(&library, &post, 0);
    assert_eq!(center.seen(), "python java");
    call(&library, &post, 0);
    assert_eq!(center.seen(), "python java java");
}

#[test]
fn an_additional_request_that_breaks_is_told_as_it_is() {
    let (library, center) = (Library::load(), Center::start(accepting("java")));
    center.becomes(Box::new(|signed, _| match signed {
        "java" => String::new(),
        _ => reply("200 OK", r#"{"code":403,"msg":"sign error"}"#),
    }));
    let told = call(&library, &center.request(json!({ "mode": "post", "keep_alive_ms": 0 })), 40);
    let error = &told["error"];
    assert_eq!((&error["kind"], &error["delivered"]), (&json!("disconnected"), &json!("unknown")), "{told}");
    assert_eq!((center.seen().as_str(), &error["attempts"]), ("python java", &json!(2)));
}

#[test]
fn what_costs_no_additional_request() {
    let library = Library::load();
    for (fields, answer, seen) in [
        // Written alike by both.
        (json!({ "data_json": { "日期": "2020-11-30" } }), accepting("neither"), "either"),
        // Chosen by the caller.
        (json!({ "encoding": "python" }), accepting("java"), "python"),
        (json!({ "encoding": "java" }), accepting("python"), "java"),
        // Refused in a way that the caller has not named.
        (json!({ "signature_refused": { "msg": ["bad mac"] } }), accepting("java"), "python"),
        (json!({}), fixed("403 Forbidden", r#"{"code":403,"msg":"no rights"}"#), "python"),
        (json!({}), fixed("403 Forbidden", "<html>签名 sign"), "python"),
    ] {
        let center = Center::start(answer);
        library.json("rpa_call", &center.request(with_all(json!({ "mode": "post" }), fields.clone())));
        assert_eq!(center.seen(), seen, "{fields}");
    }
    for (rule, status, body) in [
        (json!({ "msg": ["BAD mac"] }), "200 OK", r#"{"code":7,"msg":"Bad MAC"}"#),
        (json!({ "code": [7], "msg": [] }), "200 OK", r#"{"code":7,"msg":""}"#),
        (json!({ "http_status": [406] }), "406 Not Acceptable", r#"{"msg":""}"#),
        (json!({ "http_status": [406] }), "406 Not Acceptable", ""),
        (json!({}), "200 OK", r#"{"code":"SIGN_INVALID","msg":"验签失败"}"#),
        (json!({}), "401 Unauthorized", r#"{"msg":"Invalid Sign"}"#),
    ] {
        let center = Center::start(fixed(status, body));
        library.json("rpa_call", &center.request(json!({ "mode": "post", "signature_refused": rule })));
        assert_eq!(center.seen(), "python java", "{rule} {status} {body}");
    }
}

#[test]
fn eight_threads_at_once() {
    let (library, center) = (Library::load(), Center::start(accepting("java")));
    for keys in [false, true] {
        let request = if keys { center.by_keys(json!({})) } else { center.request(json!({})) };
        let barrier = Barrier::new(8);
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    barrier.wait();
                    call(&library, &request, 0);
                });
            }
        });
        let seen = center.seen();
        let count = |word: &str| seen.split(' ').filter(|seen| *seen == word).count();
        assert_eq!((count("python"), count("java"), count("token")), (1, 8, usize::from(keys)), "{seen}");
        center.seen.lock().unwrap().clear();
    }
}

#[test]
fn two_processes_share_what_one_has_found_out() {
    let folder = Folder::new("编码 ");
    share(&json!({ "file": folder.join("token.json") }));
    if tools::all_run(&["redis-server", "redis-cli"], "an encoding that is shared through Redis") {
        let redis = Redis::start(&[]);
        share(&json!({ "redis": redis.url() }));
    }
}

/// Of two processes the second begins with what the first has found out, and forgets it for the third.
fn share(store: &Value) {
    let in_a_process = |request: &Value| {
        let mut process = programs::helper("one_call");
        let said = process.arg(request.to_string()).stderr(Stdio::inherit()).output().unwrap();
        let told: Value = serde_json::from_slice(&said.stdout).unwrap();
        told["code"].as_i64()
    };
    let center = Center::start(accepting("java"));
    let request = center.by_keys(json!({ "token_store": store }));
    assert_eq!(in_a_process(&request), Some(0));
    assert_eq!(center.seen(), "token python java");
    assert_eq!(in_a_process(&request), Some(0));
    assert_eq!(center.seen(), "token python java java");
    // Of another generation nothing is known.
    assert_eq!(in_a_process(&with_all(request.clone(), json!({ "generation": "2020.5" }))), Some(0));
    assert_eq!(center.seen(), "token python java java java");
    // What has been forgotten is so for the next process, too.
    center.becomes(accepting("python"));
    assert_eq!(in_a_process(&request), Some(403));
    assert_eq!(center.seen(), "token python java java java java");
    assert_eq!(in_a_process(&request), Some(0));
    assert_eq!(center.seen(), "token python java java java java python");
}

#[test]
fn by_keys_the_token_and_the_encoding_are_told_apart() {
    let library = Library::load();
    // Refused with the status of a token's refusal, and words about the signature: the token stays.
    let center = Center::start(Box::new(|signed, _| match signed {
        "java" => reply("200 OK", r#"{"code":0}"#),
        _ => reply("401 Unauthorized", r#"{"code":401,"msg":"签名错误"}"#),
    }));
    call(&library, &center.by_keys(json!({ "mode": "post" })), 0);
    assert_eq!(center.seen(), "token python java");
    // One that names both is taken for a token's first, and then for a signature's.
    let center = Center::start(Box::new(|signed, _| match signed {
        "java" => reply("200 OK", r#"{"code":0}"#),
        _ => reply("401 Unauthorized", r#"{"code":401,"msg":"invalid token signature"}"#),
    }));
    call(&library, &center.by_keys(json!({ "mode": "post" })), 0);
    assert_eq!(center.seen(), "token python token python java");
    // Both are refused: once each.
    let center = Center::start(accepting("neither"));
    let told = call(&library, &center.by_keys(json!({ "mode": "post" })), 403);
    assert_eq!((center.seen().as_str(), &told["msg"]), ("token python java", &json!("签名验证失败 2")));
}

#[test]
fn generation_2020_5_begins_with_java() {
    let (library, center) = (Library::load(), Center::start(accepting("python")));
    let request = center.request(json!({ "generation": "2020.5" }));
    call(&library, &request, 0);
    call(&library, &request, 0);
    assert_eq!(center.seen(), "java python python");
}

/// A process whose clocks, that of the wall and that which counts from the machine's start, are moved on between two calls.
#[test]
#[cfg(target_os = "linux")]
fn after_ten_minutes_it_is_tried_once_more() {
    if !tools::all_run(&["faketime"], "the end of the ten minutes after both encodings were refused") {
        return;
    }
    let (folder, center) = (Folder::new("ten-minutes"), Center::start(accepting("neither")));
    let preload = Command::new("faketime").args(["-f", "+0", "printenv", "LD_PRELOAD"]).output().unwrap();
    let clock = folder.join("clock");
    fs::write(&clock, "+0").unwrap();
    let mut command = programs::helper("calls_to_order");
    command.env("LD_PRELOAD", String::from_utf8(preload.stdout).unwrap().trim());
    command.env("FAKETIME_TIMESTAMP_FILE", &clock).env("FAKETIME_NO_CACHE", "1").env("NO_FAKE_STAT", "1");
    let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut told = BufReader::new(process.stdout.take().unwrap()).lines();
    let mut call = |offset: &str, seen: &str| {
        fs::write(&clock, offset).unwrap();
        let order = Order::call(center.request(json!({ "mode": "post", "keep_alive_ms": 0 })));
        let line = serde_json::to_string(&order).unwrap() + "\n";
        process.stdin.as_mut().unwrap().write_all(line.as_bytes()).unwrap();
        let report: Report = serde_json::from_str(&told.next().unwrap().unwrap()).unwrap();
        assert_eq!(report.reply["code"], 403, "{}", report.reply);
        assert_eq!(center.seen(), seen, "{offset}");
    };
    call("+0", "python java");
    call("+590", "python java python");
    call("+605", "python java python python java");
    // The second refusal of both begins another ten minutes.
    call("+1190", "python java python python java python");
    center.becomes(accepting("java"));
    call("+1195", "python java python python java python python");
    drop(process.stdin.take());
    let _ = process.wait();
}

/// A control center that is `ahead` of this machine by so many milliseconds, and refuses a timestamp that is off and a
/// signature that is not as java has it: the one first, or the other, each in words of its own or both in the same.
fn strict(ahead: i64, signature_first: bool, words: [&'static str; 2]) -> Center {
    let (seen, answer) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(accepting("java"))));
    let noted: Arc<Mutex<Vec<String>>> = seen.clone();
    let server = Server::start(move |connection: &mut Connection| {
        while let Some(request) = connection.request() {
            let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64 + ahead;
            let date = httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_millis(unix as u64));
            let (word, json) = if request.contains("/oapi/v1/token?") {
                ("token".to_owned(), r#"{"code":0,"result":{"accessToken":"t0ken"}}"#.to_owned())
            } else {
                let stamp = request.lines().find_map(|line| line.strip_prefix("timestamp: ")?.parse::<i64>().ok());
                let is_late = (stamp.unwrap() - unix).abs() > 600_000;
                let signed = signed_with(&request);
                let of_time = is_late.then_some(words[0]);
                let of_sign = (signed != "java").then_some(words[1]);
                let refusal = if signature_first { of_sign.or(of_time) } else { of_time.or(of_sign) };
                let json = match refusal {
                    Some(msg) => format!("{{\"code\":403,\"msg\":\"{msg}\"}}"),
                    None => r#"{"code":0}"#.to_owned(),
                };
                (format!("{signed}{}", if is_late { "-late" } else { "" }), json)
            };
            noted.lock().unwrap().push(word);
            let told = reply("200 OK", &json).replacen("\r\n", &format!("\r\nDate: {date}\r\n"), 1);
            if !connection.send(told.as_bytes()) {
                return;
            }
        }
    });
    Center { server, seen, answer }
}

#[test]
fn a_wrong_clock_and_the_wrong_encoding_in_one_call() {
    let library = Library::load();
    let own = ["timestamp与服务器时间相差超过10分钟", "签名验证失败"];
    for ahead in [3_600_000, -3_600_000] {
        for (signature_first, words, seen) in [
            (false, own, "token python-late python java"),
            (true, own, "token python-late java-late java"),
            (false, ["时间戳或签名错误"; 2], "token python-late python java"),
            (true, ["Invalid timestamp or signature"; 2], "token python-late python java"),
        ] {
            for mode in ["get", "post"] {
                let center = strict(ahead, signature_first, words);
                let request = center.by_keys(json!({ "mode": mode }));
                call(&library, &request, 0);
                assert_eq!(center.seen(), seen, "{ahead} {words:?} {mode}: at most one more of each kind");
                // Both are known by now.
                call(&library, &request, 0);
                assert_eq!(center.seen(), format!("{seen} java"), "{ahead} {words:?} {mode}");
            }
        }
    }
}
