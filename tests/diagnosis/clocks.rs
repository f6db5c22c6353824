//! Clocks that are off.

use std::process::Command;

use serde_json::json;

use crate::folder::Folder;
use crate::harness::ControlCenter;
use crate::requests::with_all;
use crate::servers::{Authority, https, tls};
use crate::{Row, hold, tools};

#[test]
fn clocks_that_are_off() {
    let token = json!({ "accesstoken": "9f2c4b7e1d5a48c0" });
    let [ahead, behind, little] = ["900", "-900", "30"].map(|skew| ControlCenter::start(&["--clock-skew", skew]));
    let rows = vec![
        Row::fails("a quarter of an hour behind", ahead.request(token.clone()), "clock", ["慢1", "behind"]),
        Row::fails("a quarter of an hour ahead", behind.request(token.clone()), "clock", ["快1", "ahead of"]),
        Row::warns("half a minute", little.request(token), "clock", ["校准本机时间", "set it right"]),
        Row::warns(
            "corrected by keys",
            with_all(
                ahead.token_request(),
                json!({ "get_token": true, "rest_type": "/oapi/v1/job/list", "mode": "get" }),
            ),
            "clock",
            ["自动修正", "are corrected"],
        ),
        Row::fails(
            "not corrected",
            with_all(ahead.token_request(), json!({ "correct_clock": false })),
            "clock",
            ["校准本机时间", "set this machine's clock right"],
        ),
    ];
    hold(&rows, 5);
}

#[test]
fn a_clock_that_makes_a_certificate_look_invalid() {
    if !tools::all_run(&["faketime"], "a clock that is years off") {
        return;
    }
    let preload = Command::new("faketime").args(["-f", "+0", "printenv", "LD_PRELOAD"]).output().unwrap();
    let preload = String::from_utf8(preload.stdout).unwrap();
    let (folder, company) = (Folder::new("diagnosis-clock"), Authority::new("company CA"));
    let ca = folder.join("ca.pem");
    std::fs::write(&ca, &company.pem).unwrap();
    let server = tls(company.issue("127.0.0.1", (-1, 300)));
    let request = json!({ "host": https(&server), "proxy": null, "tls": { "ca_file": ca } });
    let row = |name, offset: &str, zh, en| {
        Row::fails(name, request.clone(), "clock", [zh, en])
            .env("LD_PRELOAD", preload.trim())
            .env("FAKETIME", offset)
            .env("DONT_FAKE_MONOTONIC", "1")
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
            .env("NO_FAKE_STAT", "1")
    };
    hold(&[row("years behind", "-700d", "慢", "behind"), row("years ahead", "+700d", "快", "ahead of")], 2);
}
