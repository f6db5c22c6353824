//! Keys, tokens and signatures that are refused.

use serde_json::{Value, json};

use crate::harness::{ControlCenter, Library};
use crate::requests::with_all;
use crate::server::Server;
use crate::servers::page;
use crate::{Row, fault, hold};

#[test]
fn keys_tokens_and_signatures_that_are_refused() {
    let (center, java) = (ControlCenter::start(&[]), ControlCenter::start(&["--encoding", "java"]));
    let listing = json!({ "rest_type": "/oapi/v1/job/list", "mode": "get" });
    let with_slash = json!({ "get_token": true, "rest_type": "/oapi/v1/echo", "mode": "get", "data_json": { "d": "2020/11/30" }, "encoding": "python" });
    let refusing = Server::start(|connection| {
        while let Some(asked) = connection.request() {
            let body = if asked.starts_with("GET /oapi/v1/token") {
                "{\"code\":0,\"msg\":\"success\",\"result\":[\"t0ken-t0ken-t0ken\",\"r\"]}"
            } else {
                "{\"code\":403,\"msg\":\"签名错误\",\"result\":null}"
            };
            connection.send(page("200 OK", "application/json", body).as_bytes());
        }
    });
    let down = Server::start(|connection| {
        while let Some(asked) = connection.request() {
            let reply = if asked.starts_with("GET /oapi/v1/token?") {
                page("503 Service Unavailable", "text/html", "<html>busy</html>")
            } else {
                crate::servers::envelope()
            };
            connection.send(reply.as_bytes());
        }
    });
    let keys = |server: &Server| json!({ "host": server.url(), "proxy": null, "accesskey": "a-key-of-mine", "secretkey": "another-of-mine", "get_token": true, "retry": 1 });
    let rows = vec![
        Row::fails(
            "a wrong key",
            with_all(center.token_request(), json!({ "secretkey": "no-such-key", "get_token": true })),
            "token",
            ["请核对", "check that both"],
        )
        .setting("accesskey"),
        Row::fails(
            "a token that is none",
            with_all(center.request(listing.clone()), json!({ "accesstoken": "9f2c4b7e1d5a48c0" })),
            "token",
            ["重新取得token", "get a new one"],
        )
        .setting("accesstoken"),
        Row::fails(
            "the wrong encoding",
            with_all(java.token_request(), with_slash),
            "signature",
            ["按java编码则通过", "signed as java it is taken"],
        )
        .setting("encoding"),
        Row::fails(
            "neither encoding",
            with_all(keys(&refusing), json!({ "rest_type": "/a", "mode": "get" })),
            "signature",
            ["两种编码都试过", "both encodings were tried"],
        ),
        Row::fails("the token's endpoint fails", keys(&down), "token", ["503", "503"]).turn("control_center"),
    ];
    hold(&rows, 5);
}

/// In one process, which remembers.
#[test]
fn tokens_that_are_evicted() {
    let center = ControlCenter::start(&["--single-token"]);
    let library = Library::load();
    let call = with_all(center.token_request(), json!({ "rest_type": "/oapi/v1/job/list", "mode": "get" }));
    let works = |request: &Value, function: &str| assert_eq!(library.json(function, request)["code"], 0);
    works(&call, "rpa_call");
    // Somebody else gets one for the same keys.
    works(&center.token_request(), "rpa_get_token");
    works(&call, "rpa_call");
    let row =
        Row::warns("evicted", call, "token", ["共用一个token_store", "share one `token_store`"]).setting("token_store");
    assert_eq!(fault(&row, &library.json("rpa_diagnose", &row.request)), None);
}
