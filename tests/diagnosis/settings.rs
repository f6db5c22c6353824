//! What is wrong in the request itself.

use serde_json::json;

use crate::folder::Folder;
use crate::harness::ControlCenter;
use crate::server::Server;
use crate::servers::{Authority, answering, envelope, https, tls};
use crate::{Row, hold};

#[test]
fn wrong_settings() {
    let center = ControlCenter::start(&[]);
    let base = center.text("base").to_owned();
    let folder = Folder::new("diagnosis-settings");
    let der = folder.join("ca.der");
    std::fs::write(&der, b"\x30\x82\x01\x01").unwrap();
    let server: Server = tls(Authority::new("company CA").issue("127.0.0.1", (-1, 300)));
    let plain = answering(envelope);
    let with = |fields| center.request(fields);
    let port = base.rsplit_once(':').unwrap().1;
    let rows = vec![
        Row::fails("no JSON", json!("{\"host\": }"), "settings", ["不是JSON", "not JSON"]),
        Row::fails("an unknown field", with(json!({ "acesskey": "x" })), "settings", ["是否应为accesskey", "did you mean `accesskey`"])
            .setting("acesskey"),
        Row::fails("no host", json!({ "proxy": null }), "settings", ["缺少字段host", "`host` is missing"]).setting("host"),
        Row::fails("no scheme", json!({ "host": "10.0.0.5:8443" }), "settings", ["https://", "must begin with"]).setting("host"),
        Row::fails("copied from a browser", json!({ "host": "https://rpa.example/#/login" }), "settings", ["#", "`#`"])
            .setting("host"),
        Row::fails("full-width", json!({ "host": "http://127.0.0.1：8080" }), "settings", ["全角冒号", "full-width colon"])
            .setting("host"),
        Row::fails("port 0", with(json!({ "port": 0 })), "settings", ["1到65535", "1 to 65535"]).setting("port"),
        Row::fails("a blank at the end", with(json!({ "accesskey": "abcdefgh ", "secretkey": "ijklmnop" })), "settings", ["末尾", "at the end"])
            .setting("accesskey"),
        Row::fails("an invisible character", with(json!({ "accesskey": "abc", "secretkey": "ab\u{200b}c" })), "settings", ["零宽空格", "zero-width space"])
            .setting("secretkey"),
        Row::fails("both keys and token", with(json!({ "accesskey": "a", "secretkey": "b", "accesstoken": "c" })), "settings", ["只能给一种", "does not go with"])
            .setting("accesskey"),
        Row::fails("a mode that is none", with(json!({ "rest_type": "/a", "mode": "push" })), "settings", ["mode", "`mode`"]).setting("mode"),
        Row::fails("a path with a query", with(json!({ "rest_type": "/a?b=1", "mode": "get" })), "settings", ["rest_type", "`rest_type`"]).setting("rest_type"),
        Row::fails("a wait without an end", with(json!({ "wait": { "rest_type": "/a" } })), "settings", ["wait.until", "`wait.until`"])
            .setting("wait.until"),
        Row::fails("a wait that is none", with(json!({ "wait": true })), "settings", ["wait", "`wait`"]).setting("wait"),
        Row::fails("pages without a list", with(json!({ "pages": { "page": "p" } })), "settings", ["pages.items", "`pages.items`"])
            .setting("pages.items"),
        Row::fails("no resume text", with(json!({ "resume": "rpa1.AAAA" })), "settings", ["不是本库给出的", "no resume text"]).setting("resume"),
        Row::fails("a file that is not there", with(json!({ "rest_type": "/a", "mode": "post", "files": { "file": folder.join("none") } })), "settings", ["不存在", "cannot be opened"])
            .setting("files.file"),
        Row::fails("files of a get", with(json!({ "rest_type": "/a", "mode": "get", "files": { "file": der } })), "settings", ["post", "post"]).setting("files"),
        Row::fails("a file that would be replaced", with(json!({ "save_to": der })), "settings", ["已存在", "is there already"]).setting("save_to"),
        Row::fails("a folder that is not there", with(json!({ "save_to": folder.join("none/a") })), "settings", ["请先建立", "make its folder"]).setting("save_to"),
        Row::fails("a place that is none", with(json!({ "save_to": 7 })), "settings", ["save_to", "`save_to`"]).setting("save_to"),
        Row::fails("a proxy that is none", json!({ "host": base, "proxy": "https://p:1" }), "settings", ["https代理", "itself reached by TLS"]).setting("proxy"),
        Row::warns("seconds for milliseconds", with(json!({ "connect_timeout_ms": 900 })), "settings", ["单位是毫秒", "the unit is milliseconds"])
            .setting("connect_timeout_ms"),
        Row::warns("no verification", json!({ "host": https(&server), "proxy": null, "tls": { "verify": false } }), "settings", ["pin_sha256", "`tls.pin_sha256`"])
            .setting("tls.verify"),
        Row::fails("no such file of CAs", json!({ "host": https(&server), "proxy": null, "tls": { "ca_file": folder.join("none.pem") } }), "tls", ["无法读取", "cannot be read"])
            .setting("tls.ca_file"),
        Row::fails("CAs in DER", json!({ "host": https(&server), "proxy": null, "tls": { "ca_file": der } }), "tls", ["Base64", "Base64 encoded"])
            .setting("tls.ca_file"),
        Row::warns("a long URL", json!({ "host": plain.url(), "proxy": null, "rest_type": "/a", "mode": "post", "data_json": { "a": "x".repeat(5000) } }), "settings", ["网址长", "bytes long"])
            .setting("query"),
        Row::warns("a Windows path", json!({ "host": plain.url(), "proxy": null, "rest_type": "/a", "mode": "get", "data_json": { "file": "C:\temp\new" } }), "settings", ["反斜杠", "backslashes"])
            .setting("data_json"),
        Row::fails("a path in host", with(json!({ "host": format!("{base}/login") })), "settings", ["/login", "/login"]).setting("host"),
        Row::warns("NO_PROXY by URL", json!({ "host": base }), "settings", ["NO_PROXY", "NO_PROXY"])
            .setting("NO_PROXY")
            .env("HTTP_PROXY", &forwarding(&center))
            .env("NO_PROXY", &format!("http://127.0.0.1:{port}")),
    ];
    hold(&rows, 20);
    drop((server, plain));
}

/// A proxy that passes plain requests on to the control center.
fn forwarding(center: &ControlCenter) -> String {
    // The control center itself takes requests in absolute form.
    center.text("base").to_owned()
}
