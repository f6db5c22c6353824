//! Stores that cannot be used.

use std::io::Read;

use serde_json::{Value, json};

use crate::folder::Folder;
use crate::harness::ControlCenter;
use crate::redis::Redis;
use crate::requests::with_all;
use crate::server::{Server, closed_port};
use crate::servers::envelope;
use crate::{Row, check, diagnose, hold, tools};

#[test]
fn files_that_cannot_be_used() {
    let (center, folder) = (ControlCenter::start(&[]), Folder::new("diagnosis-store"));
    let stored = |path: &str| with_all(center.token_request(), json!({ "token_store": { "file": folder.join(path) } }));
    std::fs::write(folder.join("foreign.txt"), "my notes").unwrap();
    std::fs::create_dir(folder.join("folder")).unwrap();
    std::fs::create_dir(folder.join("taken.lock")).unwrap();
    let rows = vec![
        Row::fails("a folder", stored("folder"), "store", ["文件夹", "it is a folder"]).setting("token_store.file"),
        Row::fails("somebody else's file", stored("foreign.txt"), "store", ["token_store不可用", "cannot be used"])
            .setting("token_store.file"),
        Row::fails(
            "a file in the path",
            stored("foreign.txt/tokens"),
            "store",
            ["不是文件夹", "a file stands in the path"],
        )
        .setting("token_store.file"),
        Row::fails("its lock's place is taken", stored("taken"), "store", ["token_store不可用", "cannot be used"])
            .setting("token_store.file"),
    ];
    hold(&rows, 4);
    // What was looked at is left as it was.
    let told = diagnose(&stored("new/tokens").to_string(), &[]);
    assert_eq!(check(&told, "store")["status"], "ok", "{told}");
    let left: Vec<_> = std::fs::read_dir(folder.join(".")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 3, "{left:?}");
}

#[test]
fn a_redis_that_cannot_be_used() {
    if !tools::all_run(&["redis-server", "redis-cli"], "diagnoses of Redis") {
        return;
    }
    let center = ControlCenter::start(&[]);
    let stored =
        |url: String| -> Value { with_all(center.token_request(), json!({ "token_store": { "redis": url } })) };
    let (open, locked) = (Redis::start(&[]), Redis::start(&["--requirepass", "s3cret-pa55"]));
    let replica = Redis::start(&["--replicaof", "127.0.0.1", &open.port.to_string()]);
    // A web server does not wait for the end of what is no HTTP.
    let web = Server::start(|connection| {
        let _ = connection.stream.read(&mut [0; 4096]);
        connection.send(envelope().as_bytes());
    });
    let at = |redis: &Redis| format!("127.0.0.1:{}", redis.port);
    open.cli(&["ACL", "SETUSER", "weak", "on", ">weak-pass", "~*", "+ping", "+hmget"]);
    let rows = vec![
        Row::fails(
            "not there",
            stored(closed_port().replace("http", "redis")),
            "store",
            ["连不上Redis", "cannot be reached"],
        ),
        Row::fails(
            "a wrong password",
            stored(format!("redis://:hunter2hunter2@{}", at(&locked))),
            "store",
            ["密码错误", "WRONGPASS"],
        ),
        Row::fails(
            "no password",
            stored(format!("redis://{}", at(&locked))),
            "store",
            ["要求密码", "wants a password"],
        ),
        Row::fails("a replica", stored(format!("redis://{}", at(&replica))), "store", ["只读副本", "replica"]),
        Row::fails(
            "no rights",
            stored(format!("redis://weak:weak-pass@{}", at(&open))),
            "store",
            ["权限不足", "may not do"],
        ),
        Row::fails("a web server", stored(web.url().replace("http", "redis")), "store", ["不是Redis", "no Redis"]),
    ];
    let rows: Vec<_> = rows.into_iter().map(|row| row.setting("token_store.redis").turn("network")).collect();
    hold(&rows, 6);
    let told = diagnose(&stored(open.url()).to_string(), &[]);
    let store = check(&told, "store");
    assert_eq!(store["status"], "ok", "{store}");
    assert!(store["facts"]["version"].is_string() && store["facts"]["latency_us"].is_string(), "{store}");
    assert_eq!(open.cli(&["KEYS", "*diagnosis*"]).trim(), "", "what was tried is taken away");
}
