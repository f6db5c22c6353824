//! Certificates that are not trusted, or not for long.

use serde_json::json;

use crate::folder::Folder;
use crate::harness::ControlCenter;
use crate::server::Server;
use crate::servers::{Authority, https, tls};
use crate::{Row, check, hold};

#[test]
fn certificates_that_are_not_trusted() {
    let folder = Folder::new("diagnosis-certificates");
    let company = Authority::new("company CA");
    let ca = folder.join("ca.pem");
    std::fs::write(&ca, &company.pem).unwrap();
    let center = ControlCenter::start(&["--tls"]);
    let own = |host: &str| json!({ "host": host, "proxy": null });
    let trusting = |host: String| json!({ "host": host, "proxy": null, "tls": { "ca_file": ca } });
    let right = tls(company.issue("127.0.0.1", (-1, 300)));
    let expired = tls(company.issue("127.0.0.1", (-400, -3)));
    let early = tls(company.issue("127.0.0.1", (3, 300)));
    let elsewhere = tls(company.issue("rpa.corp.example", (-1, 300)));
    let ends_soon = tls(company.issue("127.0.0.1", (-300, 10)));
    let plain = ControlCenter::start(&[]);
    let silent = Server::start(|_| std::thread::sleep(std::time::Duration::from_secs(5)));
    let pin = json!({ "pin_sha256": "ab".repeat(32) });
    let rows = vec![
        Row::fails("self-signed", own(center.text("base")), "tls", ["自签名", "its issuer is not trusted"])
            .setting("tls.pin_sha256"),
        Row::fails("an unknown CA", own(&https(&right)), "tls", ["填入tls.ca_file", "as `tls.ca_file`"])
            .setting("tls.ca_file"),
        Row::fails("expired", trusting(https(&expired)), "tls", ["已过期", "it has expired"]).turn("control_center"),
        Row::fails("not yet valid", trusting(https(&early)), "tls", ["尚未生效", "not valid yet"])
            .turn("control_center"),
        Row::fails(
            "changed",
            json!({ "host": https(&right), "proxy": null, "tls": pin }),
            "tls",
            ["指纹不符", "is not the one"],
        )
        .setting("tls.pin_sha256"),
        Row::fails("another name", trusting(https(&elsewhere)), "tls", ["主机名不符", "not for the host"])
            .setting("host")
            .turn("control_center"),
        Row::warns("ends soon", trusting(https(&ends_soon)), "tls", ["10天后到期", "ends in 10 days"])
            .turn("control_center"),
        Row::fails(
            "no TLS",
            own(&plain.text("base").replace("http://", "https://")),
            "tls",
            ["不是HTTPS", "does not speak TLS"],
        )
        .setting("host"),
        Row::fails(
            "silent",
            json!({ "host": https(&silent), "proxy": null, "connect_timeout_ms": 1200 }),
            "tls",
            ["TLS握手超时", "TLS handshake"],
        )
        .turn("control_center"),
    ];
    hold(&rows, 9);
    let told = crate::diagnose(&trusting(https(&right)).to_string(), &[]);
    assert_eq!(told["result"]["verdict"]["check"], serde_json::Value::Null, "{told}");
    let facts = &check(&told, "tls")["facts"];
    assert_eq!((&facts["vouched_by"], facts["chain"].as_array().unwrap().len()), (&"ca_file".into(), 2), "{facts}");
    assert_eq!(facts["version"], "TLSv1_3", "{facts}");
}
