//! Requests that are wrong in every way: each gets a JSON error that names the field, and nothing is sent.

use rpa_test_support::{harness, requests, server};

use harness::Library;
use requests::{right, with};
use serde_json::{Value, json};
use server::{Server, reply};

const FUNCTIONS: [&str; 4] = ["rpa_get_token", "rpa_refresh_token", "rpa_call", "rpa_sign"];

#[track_caller]
fn assert_refused(function: &str, reply: &Value, field: Value) {
    let code = if function.ends_with("token") { 44 } else { 41 };
    let error = &reply["error"];
    assert_eq!(
        (&reply["code"], &error["kind"], &error["delivered"]),
        (&code.into(), &"argument".into(), &"no".into()),
        "{reply}"
    );
    assert_eq!((&error["field"], &error["attempts"]), (&field, &0.into()), "{reply}");
    if let Some(name) = field.as_str() {
        let last = name.rsplit('.').next().unwrap();
        assert!(error["detail"].as_str().unwrap().contains(last), "the detail does not name {name}: {reply}");
        assert!(reply["msg"].as_str().unwrap().contains(last), "the msg does not name {name}: {reply}");
    }
}

#[test]
fn texts_that_are_no_request() {
    let library = Library::load();
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let deep_object = format!("{{\"host\":{deep}}}");
    let large = format!("{{\"host\":\"{}\"}}", "x".repeat(64 << 20));
    library.free_null();
    for function in FUNCTIONS {
        let read =
            |request: Option<&[u8]>| serde_json::from_str::<Value>(&library.call_bytes(function, request)).unwrap();
        assert_refused(function, &read(None), Value::Null);
        for text in [
            "",
            " ",
            "{",
            "{\"host\":\"https://a",
            "[]",
            "\"text\"",
            "1",
            "null",
            "{}{}",
            "{'host':'a'}",
            "\u{feff}{}",
            deep.as_str(),
        ] {
            assert_refused(function, &read(Some(text.as_bytes())), Value::Null);
        }
        for bytes in [&b"\xff"[..], b"{\"host\":\"\xd6\xd0\"}", b"\xc0\x80", b"\xed\xa0\x80"] {
            assert_refused(function, &read(Some(bytes)), Value::Null);
        }
        assert_refused(function, &read(Some(deep_object.as_bytes())), "host".into());
        assert_refused(function, &read(Some(large.as_bytes())), "host".into());
    }
}

#[test]
fn parameters_that_are_deep_or_large() {
    let library = Library::load();
    let of = |data: &str| {
        format!(
            "{{\"host\":\"http://127.0.0.1:1\",\"rest_type\":\"/a\",\"mode\":\"put\",\"accesstoken\":\"t0\",\"data_json\":{data}}}"
        )
    };
    let nested = |depth: usize| format!("{{\"a\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
    let sign = |data: &str| serde_json::from_str::<Value>(&library.call("rpa_sign", &of(data))).unwrap();
    assert_eq!(sign(&nested(499))["code"], 0);
    assert_refused("rpa_sign", &sign(&nested(100_000)), "data_json".into());
    assert_refused("rpa_sign", &sign(&json!(nested(100_000)).to_string()), "data_json".into());
    let large = sign(&json!({ "a": "中".repeat((8 << 20) / 3) }).to_string());
    assert_eq!(large["result"]["body"].as_str().unwrap().len(), (8 << 20) / 3 * 6 + "{\"a\": \"\"}".len());
}

#[test]
fn every_field_missing_of_the_wrong_type_and_out_of_range() {
    let library = Library::load();
    let server = Server::answering(reply("200 OK", "{}"));
    let host = server.url();
    for function in FUNCTIONS {
        assert!(library.json(function, &right(function, &host)).get("error").is_none(), "{function}");
        let seen = server.requests();
        let refused = |field: &str, value: Value, named: &str| {
            let reply = library.json(function, &with(right(function, &host), field, value));
            assert_refused(function, &reply, named.into());
        };
        let wrong_types = |field: &str, right_one: fn(&Value) -> bool| {
            let values = [json!(null), json!(true), json!(1.5), json!("x"), json!([]), json!({ "x": 1 })];
            for value in values.into_iter().filter(|value| !right_one(value)) {
                refused(field, value, field);
            }
        };
        let required = match function {
            "rpa_get_token" => &["host", "accesskey", "secretkey"][..],
            "rpa_refresh_token" => &["host", "refreshtoken"],
            _ => &["host", "rest_type", "mode", "accesstoken"],
        };
        for &field in required {
            let mut request = right(function, &host);
            request.as_object_mut().unwrap().remove(field);
            assert_refused(function, &library.json(function, &request), field.into());
            wrong_types(field, Value::is_string);
            // Another word than the four is an error of its own kind.
            for text in ["a\nb", "a\0b", "a\u{7f}b", "\u{85}"].into_iter().filter(|_| field != "mode") {
                refused(field, text.into(), field);
            }
        }
        for (field, high) in [
            ("retry", 10u64),
            ("timeout_ms", 600_000),
            ("connect_timeout_ms", 600_000),
            ("max_response_bytes", 1 << 30),
        ] {
            wrong_types(field, |_| false);
            for value in [json!(0), json!(-1), json!(high + 1), json!(1e99), json!("2")] {
                refused(field, value, field);
            }
        }
        wrong_types("keep_alive_ms", |_| false);
        refused("keep_alive_ms", json!(600_001), "keep_alive_ms");
        wrong_types("port", Value::is_null);
        for value in [json!(0), json!(65536), json!(-1), json!("0"), json!("65536"), json!("+1")] {
            refused("port", value, "port");
        }
        wrong_types("proxy", |value| value.is_null() || value.is_string());
        for value in ["ftp://p", "https://p:1", "http://", "http://p:99999", "http://p/path", "a\nb"] {
            refused("proxy", value.into(), "proxy");
        }
        wrong_types("tls", Value::is_object);
        for (tls, field) in [
            (json!({ "verify": "false" }), "tls.verify"),
            (json!({ "ca_file": 1 }), "tls.ca_file"),
            (json!({ "pin_sha256": "ab" }), "tls.pin_sha256"),
            (json!({ "pin": "ab" }), "tls.pin"),
        ] {
            refused("tls", tls, field);
        }
        wrong_types("headers", Value::is_object);
        for (headers, field) in [
            (json!({ "X-A": "a\r\nX-B: c" }), "headers.X-A"),
            (json!({ "X-A": "a\nb" }), "headers.X-A"),
            (json!({ "X-A": 1 }), "headers.X-A"),
            (json!({ "X-A\r\nX-B": "a" }), "headers"),
            (json!({ "X A": "a" }), "headers"),
            (json!({ "AccessToken": "a" }), "headers.AccessToken"),
            (json!({ "Content-Length": "1" }), "headers.Content-Length"),
        ] {
            refused("headers", headers, field);
        }
        for host in [
            "rpa.example",
            "ftp://a",
            "https://a?b=c",
            "https://a#b",
            "https://u:p@a",
            "https://a:0",
            "https://a b",
            "https://",
        ] {
            refused("host", host.into(), "host");
        }
        assert_eq!(server.requests(), seen, "{function} sent something");
    }
    for function in ["rpa_call", "rpa_sign"] {
        let refused = |field: &str, value: Value| {
            let reply = library.json(function, &with(right(function, &host), field, value));
            assert_refused(function, &reply, field.into());
        };
        for (field, values) in [
            ("rest_type", vec![json!("job"), json!("/a?b"), json!("/a#b"), json!("")]),
            ("accesstoken", vec![json!("a b"), json!("令牌"), json!("")]),
            ("values", vec![json!("xml"), json!(1), json!(null)]),
            ("encoding", vec![json!("utf-8"), json!(true)]),
            ("retry_mode", vec![json!("never"), json!(2)]),
            (
                "data_json",
                vec![
                    json!([1]),
                    json!(1),
                    json!("[1]"),
                    json!("{"),
                    json!(""),
                    json!("x"),
                    json!(true),
                    json!("{\"a\":1}x"),
                ],
            ),
        ] {
            values.into_iter().for_each(|value| refused(field, value));
        }
    }
    let mut before_its_time = right("rpa_sign", &host);
    before_its_time["timestamp"] = json!(-1);
    assert_refused("rpa_sign", &library.json("rpa_sign", &before_its_time), "timestamp".into());
    before_its_time["timestamp"] = json!(1);
    let misplaced = library.json("rpa_call", &before_its_time);
    assert_refused("rpa_call", &misplaced, "timestamp".into());
    assert!(misplaced["error"]["detail"].as_str().unwrap().contains("rpa_sign"), "{misplaced}");
}

#[test]
fn another_mode() {
    let library = Library::load();
    for mode in ["patch", "", "head", "ge t"] {
        let reply = library.json("rpa_call", &with(right("rpa_call", "http://127.0.0.1:1"), "mode", mode.into()));
        assert_eq!(
            (&reply["code"], &reply["error"]["kind"], &reply["error"]["field"]),
            (&42.into(), &"mode".into(), &"mode".into())
        );
        assert!(reply["msg"].as_str().unwrap().starts_with("fail,mode错误,只能为get、put、post或delete!"), "{reply}");
    }
}

#[test]
fn unknown_and_misspelt_fields() {
    let library = Library::load();
    for (function, slip, meant) in [
        ("rpa_call", "acesstoken", Some("accesstoken")),
        ("rpa_call", "restType", Some("rest_type")),
        ("rpa_call", "Host", Some("host")),
        ("rpa_sign", "timeStamp", Some("timestamp")),
        ("rpa_get_token", "accessKey", Some("accesskey")),
        ("rpa_get_token", "secret_key", Some("secretkey")),
        ("rpa_refresh_token", "refresh_token", Some("refreshtoken")),
        ("rpa_call", "maxResponseBytes", Some("max_response_bytes")),
        ("rpa_call", "x", None),
        ("rpa_call", "备注", None),
    ] {
        let reply = library.json(function, &with(right(function, "http://127.0.0.1:1"), slip, "x".into()));
        assert_refused(function, &reply, slip.into());
        let detail = reply["error"]["detail"].as_str().unwrap();
        match meant {
            Some(meant) => assert!(detail.ends_with(&format!("did you mean `{meant}`?")), "{detail}"),
            None => assert!(!detail.contains("did you mean"), "{detail}"),
        }
    }
    let both = with(
        with(right("rpa_refresh_token", "http://127.0.0.1:1"), "refleshtoken", "a".into()),
        "refreshtoken",
        "b".into(),
    );
    assert_refused("rpa_refresh_token", &library.json("rpa_refresh_token", &both), "refleshtoken".into());
}

/// What breaks a header, a request line or a URL in two.
fn control_characters() -> impl Iterator<Item = char> {
    ('\0'..'\u{100}').filter(|character| character.is_control())
}

#[test]
fn control_characters_are_refused_before_anything_is_sent() {
    let (library, server) = (Library::load(), Server::answering(reply("200 OK", "{\"code\":0}")));
    let host = server.url();
    let call = || right("rpa_call", &host);
    let mut refused = 0;
    for control in control_characters() {
        for text in [format!("{control}a1b2"), format!("a1{control}b2"), format!("a1b2{control}")] {
            let header = json!({ "X-Gateway": text });
            let mut named = json!({});
            named[format!("X-{text}")] = "value".into();
            for (request, field) in [
                (with(call(), "headers", header), json!("headers.X-Gateway")),
                (with(call(), "headers", named), Value::Null),
                (with(call(), "accesstoken", text.clone().into()), json!("accesstoken")),
                (with(call(), "rest_type", format!("/{text}").into()), json!("rest_type")),
                (with(call(), "host", format!("http://{text}").into()), json!("host")),
                (with(call(), "host", format!("{host}/{text}").into()), json!("host")),
                (with(call(), "proxy", format!("http://{text}:8080").into()), json!("proxy")),
            ] {
                let told = library.json("rpa_call", &request);
                let error = &told["error"];
                // What stands around a host, a path or a proxy is white space that people paste along.
                let trimmed = error.is_null() || error["kind"] != "argument";
                if trimmed && text.trim() != text && !text.trim().contains(control) {
                    assert_ne!(error["kind"], "internal", "{told}");
                    continue;
                }
                refused += 1;
                assert_eq!((&error["kind"], &error["attempts"]), (&json!("argument"), &json!(0)), "{request}: {told}");
                if !field.is_null() {
                    assert_eq!(error["field"], field, "{request}: {told}");
                }
            }
        }
    }
    assert!(refused > 1000, "{refused}");
    let seen = server.requests();
    // In a key or a parameter they are data, and arrive escaped: one request, not two.
    let split = "a\r\nX: y\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n\u{0}";
    for (function, request) in [
        ("rpa_get_token", with(right("rpa_get_token", &host), "secretkey", split.into())),
        ("rpa_call", with(call(), "data_json", json!({ split: split }))),
        ("rpa_call", with(with(call(), "mode", "post".into()), "data_json", json!({ split: split }))),
        ("rpa_call", with(with(call(), "mode", "put".into()), "data_json", json!({ split: split }))),
    ] {
        let before = server.requests();
        let told = library.json(function, &request);
        match told["error"]["field"].as_str() {
            None => assert_eq!((&told["code"], server.requests()), (&json!(0), before + 1), "{told}"),
            Some(field) => assert_eq!((field, server.requests()), ("secretkey", before), "{told}"),
        }
    }
    assert_eq!(seen, 0, "what was refused was not sent");
}

#[test]
fn headers_that_would_change_what_is_sent() {
    let (library, server) = (Library::load(), Server::answering(reply("200 OK", "{\"code\":0}")));
    for name in [
        "Host",
        "content-length",
        "Transfer-Encoding",
        "CONNECTION",
        "Expect",
        "TE",
        "Trailer",
        "Upgrade",
        "Keep-Alive",
        "Proxy-Authorization",
        "Proxy-Connection",
        "accesstoken",
        "Timestamp",
        "signature",
        "content-type",
        "Accept-Encoding",
        "",
        "a b",
        "a:b",
        "中",
    ] {
        for mode in ["get", "post"] {
            let mut request = with(right("rpa_call", &server.url()), "mode", mode.into());
            request["headers"] = json!({ name: "1" });
            let told = library.json("rpa_call", &request);
            assert_eq!(told["error"]["kind"], "argument", "{name}: {told}");
        }
    }
    assert_eq!(server.connections(), 0);
}

/// A field with a character in it that nobody sees, and what the error says of that character.
#[track_caller]
fn assert_named(reply: &Value, field: &str, place: usize, code: &str) {
    let (msg, detail) = (reply["msg"].as_str().unwrap(), reply["error"]["detail"].as_str().unwrap());
    assert_eq!(reply["error"]["field"], field, "{reply}");
    assert!(msg.contains(&format!("第{place}个字符")) && msg.contains(code), "{reply}");
    assert!(detail.contains(&format!("as character {place}")) && detail.contains(code), "{reply}");
}

#[test]
fn a_character_that_cannot_be_seen_is_named_with_its_place_in_every_field() {
    let library = Library::load();
    let characters = [
        '：', '。', '１', 'Ａ', '“', '”', '‘', '’', '、', '\u{3000}', '\u{feff}', '\u{a0}', '\u{200b}', '\u{200e}',
        '\u{200f}', '\u{202a}', '\u{202e}', '\u{2060}', '\u{2066}', '\u{2069}', '\u{ad}', '\u{85}',
    ];
    let ends = [' ', '\n', '\r', '\t'];
    for (function, field, text) in [
        ("rpa_get_token", "accesskey", "demo-access-key"),
        ("rpa_get_token", "secretkey", "demo-secret-key"),
        ("rpa_refresh_token", "refreshtoken", "4b7e1d5a48c0b3e6"),
        ("rpa_call", "accesstoken", "9f2c4b7e1d5a48c0"),
        ("rpa_call", "host", "http://127.0.0.1"),
        ("rpa_call", "port", "8443"),
        ("rpa_call", "rest_type", "/oapi/v1/job/get"),
        ("rpa_call", "mode", "get"),
        ("rpa_call", "values", "python"),
        ("rpa_call", "encoding", "java"),
        ("rpa_call", "query", "params"),
        ("rpa_call", "retry_mode", "safe"),
    ] {
        let told =
            |text: String| library.json(function, &with(right(function, "http://127.0.0.1:1"), field, text.into()));
        let length = text.chars().count();
        for character in characters {
            let code = format!("U+{:04X}", u32::from(character));
            let (begin, end) = text.split_at(length / 2);
            // Behind a full-width colon a URL has no scheme.
            assert_named(&told(format!("{begin}{character}{end}")), field, length / 2 + 1, &code);
            assert_named(&told(format!("{text}{character}")), field, length + 1, &code);
            assert_named(&told(format!("{character}{text}")), field, 1, &code);
        }
        for character in ends {
            let code = format!("U+{:04X}", u32::from(character));
            assert_named(&told(format!("{text}{character}")), field, length + 1, &code);
            assert_named(&told(format!("{character}{text}")), field, 1, &code);
        }
    }
    let call = || right("rpa_call", "http://127.0.0.1:1");
    let by_keys = || {
        let mut request =
            with(with(call(), "accesskey", "demo-access-key".into()), "secretkey", "demo-secret-key".into());
        request.as_object_mut().unwrap().remove("accesstoken");
        request
    };
    for (request, field, place, code) in [
        (with(call(), "headers", json!({ "X-Gateway": "key\u{200b}" })), "headers.X-Gateway", 4, "U+200B"),
        (with(call(), "headers", json!({ "X-Gateway": "ｋey" })), "headers.X-Gateway", 1, "U+FF4B"),
        (with(call(), "headers", json!({ "X-Gate\u{feff}way": "key" })), "headers", 7, "U+FEFF"),
        (with(call(), "proxy", json!("http：//10.0.0.1:8080")), "proxy", 5, "U+FF1A"),
        (with(call(), "proxy", json!("http://10.0.0.1:8080\u{feff}")), "proxy", 21, "U+FEFF"),
        (with(call(), "tls", json!({ "ca_file": "\u{202a}C:\\ca.pem" })), "tls.ca_file", 1, "U+202A"),
        (with(call(), "tls", json!({ "ca_file": "C:\\ca.pem " })), "tls.ca_file", 10, "U+0020"),
        (with(call(), "tls", json!({ "ca_file": "C：\\ca.pem" })), "tls.ca_file", 2, "U+FF1A"),
        (with(call(), "tls", json!({ "ca_file": "\"C:\\ca.pem\"" })), "tls.ca_file", 1, "U+0022"),
        (with(by_keys(), "token_store", json!({ "file": "D:\\令牌\u{feff}" })), "token_store.file", 6, "U+FEFF"),
        (with(by_keys(), "token_store", json!({ "redis": "redis：//10.0.0.5" })), "token_store.redis", 6, "U+FF1A"),
        (with(by_keys(), "token_store", json!("memory\u{200b}")), "token_store", 7, "U+200B"),
    ] {
        assert_named(&library.json("rpa_call", &request), field, place, code);
    }
    for (slip, code) in [("host\u{200b}", "U+200B"), ("mode：", "U+FF1A")] {
        let reply = library.json("rpa_call", &with(call(), slip, "x".into()));
        assert_named(&reply, slip, 5, code);
        assert!(reply["msg"].as_str().unwrap().contains("是否应为"), "{reply}");
    }
}

#[test]
fn what_may_be_meant_is_not_refused() {
    let library = Library::load();
    let call = || right("rpa_sign", "http://127.0.0.1:1");
    for request in [
        with(call(), "rest_type", "/接口/a b".into()),
        with(call(), "host", "http://127.0.0.1:1/控制 台".into()),
        with(call(), "data_json", json!({ "备注：": "“完成”，１２\u{200b}\u{feff}" })),
        with(call(), "headers", json!({ "X-Gateway": " two words " })),
        with(call(), "proxy", json!(" http://10.0.0.1:8080 ")),
    ] {
        assert_eq!(library.json("rpa_sign", &request)["code"], 0, "{request}");
    }
}

#[test]
fn a_text_that_is_no_json_says_where_it_stops_and_what_was_probably_meant() {
    let library = Library::load();
    let read = |text: &str| serde_json::from_str::<Value>(&library.call("rpa_call", text)).unwrap();
    for (text, place, cause) in [
        ("\u{feff}{\"host\":\"http://a\"}", 1, "字节顺序标记(BOM)(U+FEFF)"),
        ("{“host”:\"http://a\"}", 2, "中文引号「“」(U+201C)"),
        ("{\"host\"：\"http://a\"}", 8, "全角冒号「：」(U+FF1A)"),
        ("{\"host\":\"http://a\"，\"mode\":\"get\"}", 19, "全角逗号「，」(U+FF0C)"),
        ("{\"host\":\"http://a”,\"mode\":\"get\"}", 18, "中文引号「”」(U+201D)"),
        ("｛\"host\":\"http://a\"}", 1, "全角符号「｛」(U+FF5B)"),
        ("{\"retry\":３}", 10, "全角数字「３」(U+FF13)"),
        ("{'host':'http://a'}", 2, "单引号"),
        ("{\"verify\":True}", 11, "true、false、null"),
        ("{\"retry\":2,}", 12, "多了一个逗号"),
        ("{\"tls\":{\"ca_file\":\"C:\\Users\\x\"}}", 20, "Windows路径,其中的反斜杠「\\」要写成两个「\\\\」"),
    ] {
        let reply = read(text);
        let (msg, detail) = (reply["msg"].as_str().unwrap(), reply["error"]["detail"].as_str().unwrap());
        assert!(msg.contains(&format!("第1行第{place}个字符")) && msg.contains(cause), "{text}: {reply}");
        assert!(detail.contains(&format!("line 1, character {place}")), "{text}: {reply}");
        assert_eq!(reply["error"]["field"], Value::Null);
        // The same text as parameters, but for a byte-order mark, which serde_json sees elsewhere than loads.
        let of_data = library.json("rpa_sign", &with(right("rpa_sign", "http://a"), "data_json", text.into()));
        let msg = of_data["msg"].as_str().unwrap();
        assert!(
            msg.contains(&format!("字段data_json不是有效的JSON:第1行第{place}个字符")) && msg.contains(cause),
            "{of_data}"
        );
        assert_eq!(of_data["error"]["field"], "data_json");
    }
    let second_line = read("{\n \"secretkey\":\"hunter2-hunter2\",\n \"retry\":x}");
    let told = second_line.to_string();
    assert!(told.contains("第3行第10个字符处(retry之后)") && !told.contains("hunter2"), "{told}");
}

#[test]
fn a_windows_path_whose_backslashes_json_took_for_escapes_is_recognised() {
    let library = Library::load();
    for (path, field) in [
        (r#""tls":{"ca_file":"C:\temp\root.pem"}"#, "tls.ca_file"),
        (r#""tls":{"ca_file":"D:\new\root.pem"}"#, "tls.ca_file"),
        (r#""token_store":{"file":"D:\robots\token"}"#, "token_store.file"),
    ] {
        let text = format!(
            "{{\"host\":\"http://a\",\"rest_type\":\"/a\",\"mode\":\"get\",\"accesskey\":\"demo-access-key\",\"secretkey\":\"demo-secret-key\",{path}}}"
        );
        let reply: Value = serde_json::from_str(&library.call("rpa_call", &text)).unwrap();
        assert_eq!(reply["error"]["field"], field, "{reply}");
        assert!(reply["msg"].as_str().unwrap().contains("反斜杠「\\」要写成两个「\\\\」"), "{reply}");
    }
    let parameter = with(right("rpa_sign", "http://a"), "data_json", json!({ "file": "C:\temp\new.xlsx" }));
    let notes = library.json("rpa_sign", &parameter)["result"]["notes"].to_string();
    assert!(notes.contains("Windows"), "{notes}");
}

#[test]
fn a_whole_number_counts_however_it_is_written() {
    let library = Library::load();
    let call = |field: &str, number: &str| {
        let mut text = right("rpa_sign", "http://127.0.0.1").to_string();
        text.pop();
        let reply = library.call("rpa_sign", &format!("{text},\"{field}\":{number}}}"));
        serde_json::from_str::<Value>(&reply).unwrap()
    };
    for (field, numbers) in [
        ("retry", ["3.0", "3e0"]),
        ("timeout_ms", ["30.0", "3e1"]),
        ("connect_timeout_ms", ["1000.0", "1e3"]),
        ("keep_alive_ms", ["0.0", "-0.0"]),
        ("max_response_bytes", ["1048576.0", "1e6"]),
        ("port", ["8443.0", "8.443e3"]),
        ("timestamp", ["1606694400000.0", "1.6066944e12"]),
    ] {
        for number in numbers {
            let reply = call(field, number);
            assert_eq!(reply["code"], 0, "{field} {number}: {reply}");
        }
        assert_refused("rpa_sign", &call(field, "3.5"), field.into());
    }
    assert_eq!(call("timestamp", "1606694400000.0")["result"]["timestamp"], 1_606_694_400_000_u64);
    assert!(call("port", "8443.0")["result"]["url"].as_str().unwrap().starts_with("http://127.0.0.1:8443/"));
}

#[test]
fn a_get_has_its_parameters_nowhere_else_than_in_the_url() {
    let library = Library::load();
    let of = |mode: &str, query: Value| {
        library.json("rpa_sign", &with(with(right("rpa_sign", "http://a"), "mode", mode.into()), "query", query))
    };
    let refused = of("get", "none".into());
    assert_refused("rpa_sign", &refused, "query".into());
    assert!(refused["msg"].as_str().unwrap().contains("get的参数只能放在网址中"), "{refused}");
    for (mode, query) in [("get", "params"), ("post", "params"), ("post", "none"), ("put", "none"), ("delete", "none")]
    {
        assert_eq!(of(mode, query.into())["code"], 0, "{mode} {query}");
    }
    for wrong in [json!("body"), json!(true), Value::Null] {
        assert_refused("rpa_sign", &of("post", wrong), "query".into());
    }
}
