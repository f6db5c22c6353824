//! Generations of the control center: what a request of each may hold, and calls of each to the emulator.

use rpa_test_support::harness::{ControlCenter, Library};
use rpa_test_support::requests::with_all;
use rpa_test_support::server::{Server, reply};
use serde_json::{Value, json};

fn sign(library: &Library, fields: Value) -> Value {
    library.json("rpa_sign", &with_all(json!({ "host": "https://10.0.0.5", "proxy": null }), fields))
}

#[test]
fn the_vendors_known_answer_of_generation_9() {
    let library = Library::load();
    // Seconds are taken, too: logs of generation 9 have them.
    for timestamp in [1_361_431_471_000_u64, 1_361_431_471] {
        let told = sign(
            &library,
            json!({ "generation": "9", "action": "get-process", "data_json": { "proc_code": "" }, "timestamp": timestamp }),
        );
        let result = &told["result"];
        assert_eq!(result["source"], r#"action=get-process&param={"proc_code":""}&timestamp=1361431471"#, "{told}");
        let answer = "MDJkMWEyZTY2MWZhY2ZmNWE3OTQwNmQ0ZWMwYzNlZDE1YWNjZjY3MGI0MjM1NjZmMmMzYjIyZDY5Y2Y5OGYxYg==";
        assert_eq!(result["signature"], answer);
        assert_eq!(result["url"], "https://10.0.0.5:10080/rapi/rcall.action");
        assert_eq!(result["headers"], json!({ "content-type": "application/x-www-form-urlencoded;charset=utf-8" }));
        let body = format!(
            "action=get-process&param=%7B%22proc_code%22%3A%22%22%7D&timestamp=1361431471&sign={}&token=",
            answer.replace('=', "%3D")
        );
        assert_eq!(result["body"], body);
        assert!(result["notes"].to_string().contains("推断"), "what is inferred is said: {told}");
    }
}

#[test]
fn the_port_of_generation_9_where_none_is_named() {
    let library = Library::load();
    for (fields, url) in [
        (json!({ "host": "http://a/b" }), "http://a:10080/b/rapi/rcall.action"),
        (json!({ "host": "http://a:8080" }), "http://a:8080/rapi/rcall.action"),
        (json!({ "host": "http://a", "port": 80 }), "http://a/rapi/rcall.action"),
        (json!({ "host": "https://a", "port": "" }), "https://a:10080/rapi/rcall.action"),
    ] {
        let told = sign(&library, with_all(json!({ "generation": 9, "action": "get-jobs" }), fields));
        assert_eq!(told["result"]["url"], url, "{told}");
    }
}

#[test]
fn a_field_that_does_not_belong_is_refused_by_name_with_what_to_give() {
    let library = Library::load();
    let new = || json!({ "generation": "10.3", "rest_type": "/a", "mode": "get", "appkey": "k3y" });
    let old = || json!({ "generation": "9", "action": "get-jobs" });
    let usual = || json!({ "rest_type": "/a", "mode": "get", "accesstoken": "t0ken" });
    for (fields, field, remedy) in [
        (with_all(new(), json!({ "accesstoken": "t" })), "accesstoken", "appkey"),
        (with_all(new(), json!({ "accesskey": "a", "secretkey": "s" })), "accesskey", "appkey"),
        (with_all(new(), json!({ "token_store": "memory" })), "token_store", "appkey"),
        (with_all(new(), json!({ "query": "none" })), "query", "请删去"),
        (with_all(new(), json!({ "action": "get-jobs" })), "action", "\"generation\":\"9\""),
        (with_all(new(), json!({ "token": "t" })), "token", "appkey"),
        (with_all(new(), json!({ "appkey": "" })), "appkey", "不能为空"),
        (with_all(new(), json!({ "appkey": "k y" })), "appkey", "空格"),
        (with_all(new(), json!({ "headers": { "AppKey": "x" } })), "headers.appkey", "由本库设置"),
        (json!({ "generation": "10.3", "rest_type": "/a", "mode": "get" }), "appkey", "缺少字段appkey"),
        (with_all(old(), json!({ "accesstoken": "t" })), "accesstoken", "没有密钥"),
        (with_all(old(), json!({ "secretkey": "s" })), "secretkey", "没有密钥"),
        (with_all(old(), json!({ "appkey": "k" })), "appkey", "请删去"),
        (with_all(old(), json!({ "rest_type": "/a" })), "rest_type", "action"),
        (with_all(old(), json!({ "query": "params" })), "query", "请删去"),
        (with_all(old(), json!({ "action": "" })), "action", "不能为空"),
        (with_all(old(), json!({ "action": "get jobs" })), "action", "空格"),
        (json!({ "generation": "9" }), "action", "缺少字段action"),
        (with_all(usual(), json!({ "appkey": "k" })), "appkey", "\"generation\":\"10.3\""),
        (with_all(usual(), json!({ "action": "get-jobs" })), "action", "rest_type"),
        (with_all(usual(), json!({ "generation": "2020.6" })), "generation", "2020.5"),
        (with_all(usual(), json!({ "generation": "2020.5", "appkey": "k" })), "appkey", "accesstoken"),
        (
            with_all(usual(), json!({ "signature_refused": { "status": [403] } })),
            "signature_refused.status",
            "http_status",
        ),
        (with_all(usual(), json!({ "signature_refused": { "msg": [""] } })), "signature_refused.msg", "空文本"),
        (with_all(usual(), json!({ "encoding": "utf-8" })), "encoding", "auto"),
    ] {
        let told = sign(&library, fields.clone());
        assert_eq!((&told["error"]["kind"], &told["error"]["field"]), (&json!("argument"), &json!(field)), "{told}");
        let (msg, detail) = (told["msg"].as_str().unwrap(), told["error"]["detail"].as_str().unwrap());
        assert!(msg.contains(remedy) || detail.contains(remedy), "{fields}: {told}");
    }
    for mode in ["get", "put", "delete", "patch"] {
        let told = sign(&library, with_all(old(), json!({ "mode": mode })));
        assert_eq!((&told["code"], &told["error"]["kind"]), (&json!(42), &json!("mode")), "{told}");
        assert!(told["msg"].as_str().unwrap().contains("只有post"), "{told}");
    }
    assert_eq!(sign(&library, with_all(old(), json!({ "mode": "POST" })))["code"], 0);
}

#[test]
fn a_token_function_of_a_generation_without_tokens() {
    let library = Library::load();
    for (function, fields) in [
        ("rpa_get_token", json!({ "accesskey": "a", "secretkey": "s" })),
        ("rpa_refresh_token", json!({ "refreshtoken": "r" })),
    ] {
        for (generation, remedy) in [("10.3", "appkey"), ("9", "不需要密钥")] {
            let request = json!({ "host": "https://10.0.0.5", "generation": generation });
            let told = library.json(function, &with_all(request, fields.clone()));
            assert_eq!((&told["code"], &told["error"]["field"]), (&json!(44), &json!("generation")), "{told}");
            assert!(told["msg"].as_str().unwrap().contains(remedy), "{told}");
        }
    }
}

#[test]
fn each_generation_is_called() {
    let library = Library::load();
    let odd = json!({ "procCode": "P001", "note": "月结 2020/11/30 ~ & = + % 😀 *" });
    let call = |center: &ControlCenter, fields: Value| {
        let told = library.json("rpa_call", &center.request(fields));
        assert_eq!(told["code"], 0, "{told}");
        told["result"].clone()
    };
    // Managed tokens, and a token that is got and refreshed.
    let center = ControlCenter::start(&["--generation", "2020.5"]);
    let keys = with_all(center.token_request(), json!({ "generation": "2020.5" }));
    let tokens = library.json("rpa_get_token", &keys);
    let refresh = json!({ "refreshtoken": tokens["result"]["refreshToken"], "generation": "2021.1" });
    assert_eq!(library.json("rpa_refresh_token", &center.request(refresh))["code"], 0);
    for mode in ["get", "post", "put", "delete"] {
        let fields = json!({ "rest_type": "/oapi/v1/echo", "mode": mode, "data_json": odd });
        call(&center, with_all(keys.clone(), fields));
    }
    let center = ControlCenter::start(&["--generation", "10.3"]);
    for mode in ["get", "post", "put", "delete"] {
        let fields = json!({
            "generation": "10.3", "appkey": center.text("appkey"), "rest_type": "/oapi/v1/echo", "mode": mode,
            "data_json": odd,
        });
        call(&center, fields);
    }
    let center = ControlCenter::start(&["--generation", "9"]);
    let echo = json!({ "generation": "9", "action": "echo", "data_json": odd });
    let told = call(&center, echo);
    assert_eq!(serde_json::from_str::<Value>(told["param"].as_str().unwrap()).unwrap(), odd);
    let processes =
        call(&center, json!({ "generation": "9", "action": "get-process", "data_json": { "proc_code": "P001" } }));
    assert_eq!(processes[0]["proc_code"], "P001", "{processes}");
}

#[test]
fn a_post_without_a_body_says_so() {
    let server = Server::start(|connection| {
        while let Some(request) = connection.request() {
            let says = request.to_lowercase().contains("content-length: 0\r\n");
            connection.send(reply("200 OK", &format!("{{\"code\":0,\"result\":{says}}}")).as_bytes());
        }
    });
    let library = Library::load();
    let request = json!({
        "host": server.url(), "proxy": null, "generation": "10.3", "appkey": "k3y", "rest_type": "/a", "mode": "post",
        "data_json": { "a": 1 },
    });
    let told = library.json("rpa_call", &request);
    assert_eq!(told["result"], true, "{told}");
    let shown = library.json("rpa_sign", &request);
    assert_eq!((&shown["result"]["body"], &shown["result"]["headers"]["content-type"]), (&Value::Null, &Value::Null));
}
