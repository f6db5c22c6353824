//! What stands in a store, who can read it, and what a store that is not ours does.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::center::Center;
use crate::forms::forms;
use crate::in_company;
use crate::place::{Folder, start_redis};
use crate::process::Process;
use crate::server::{Server, reply};

const ACCESS_KEY: &str = "AK+/=~ %\"'中文7f3a91d2c4";
const SECRET_KEY: &str = "SK&#<>?;密钥😀b81e55ac0d";
const TOKEN: &str = "Tk+/=~%\"'&<>9f2c4b7e1d5a48c0";
const REFRESH: &str = "Rf+/=~%\"'&<>令牌4b7e1d5a48c0b3";

/// Every form of each of them, as bytes; UTF-16 in both orders.
fn wanted() -> Vec<Vec<u8>> {
    let of = |secret: &str| {
        let units = || secret.encode_utf16();
        let wide = [units().flat_map(u16::to_le_bytes).collect(), units().flat_map(u16::to_be_bytes).collect()];
        forms(secret).into_iter().map(String::into_bytes).chain(wide).collect::<Vec<_>>()
    };
    [ACCESS_KEY, SECRET_KEY, TOKEN, REFRESH].into_iter().flat_map(of).collect()
}

fn found(bytes: &[u8]) -> Option<String> {
    let stands = |form: &Vec<u8>| bytes.windows(form.len()).any(|window| window == form);
    wanted().iter().find(|form| stands(form)).map(|form| String::from_utf8_lossy(form).into_owned())
}

/// A call whose secrets are those above, so that a token is kept.
fn keep(store: &Value) {
    let token = json!({ "code": 0, "result": { "accessToken": TOKEN, "refreshToken": REFRESH, "expiresIn": 7200 } });
    let server = Server::answering(reply("200 OK", &token.to_string()));
    let request = json!({
        "host": server.url(), "proxy": null, "mode": "get", "rest_type": "/a",
        "accesskey": ACCESS_KEY, "secretkey": SECRET_KEY, "token_store": store,
    });
    let signed = [(); 2].map(|()| Process::start().sign(&request));
    assert_eq!(signed.each_ref().map(|sign| &sign["token"]["source"]), ["server", "store"]);
    assert_eq!(signed[1]["headers"]["accesstoken"], TOKEN);
}

#[test]
fn the_search_finds_what_is_there() {
    for form in wanted() {
        let bytes = [b"\0\xff{\"a\":\"", &form[..], b"\"}\xfe"].concat();
        assert!(found(&bytes).is_some(), "{}", String::from_utf8_lossy(&form));
    }
    assert_eq!(found(b"rpa-openapi token store"), None);
}

#[test]
fn no_secret_stands_in_the_file_or_beside_it() {
    let _company = in_company();
    let folder = Folder::new();
    keep(&folder.store());
    let files = folder.files();
    assert_eq!(files.len(), 3, "the store and its locks: {files:?}");
    for path in &files {
        let bytes = fs::read(path).unwrap();
        assert_eq!(found(&bytes), None, "{}", path.display());
        assert_eq!(found(path.to_str().unwrap().as_bytes()), None);
        assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600, "{}", path.display());
    }
    let content: Value = serde_json::from_slice(&fs::read(store_file(&folder.store())).unwrap()).unwrap();
    let shelves = content["tokens"].as_object().unwrap();
    assert_eq!(shelves.len(), 1, "{content}");
    for shelf in shelves.values() {
        let sealed = BASE64_STANDARD.decode(shelf["sealed"].as_str().unwrap()).unwrap();
        assert!(sealed.len() > TOKEN.len() + REFRESH.len());
        assert_eq!(found(&sealed), None);
    }
}

#[test]
fn no_secret_stands_in_redis() {
    let _company = in_company();
    let Some(redis) = start_redis(&[]) else { return };
    keep(&json!({ "redis": redis.url() }));
    let keys = redis.cli(&["keys", "*"]);
    assert!(keys.lines().count() >= 1 && keys.starts_with("rpa-openapi:"), "{keys}");
    assert_eq!(found(keys.as_bytes()), None);
    for key in keys.lines() {
        for command in ["hgetall", "dump"] {
            let mut cli = Command::new("redis-cli");
            let output = cli.args(["-p", &redis.port.to_string(), "--raw", command, key]).output().unwrap();
            // A process that has just ended may have left a lease.
            let is_long = output.stdout.len() > TOKEN.len() + REFRESH.len();
            assert!(is_long || key.ends_with(":lease"), "{command} {key}");
            assert_eq!(found(&output.stdout), None, "{command} {key}");
        }
    }
}

fn store_file(store: &Value) -> PathBuf {
    PathBuf::from(store["file"].as_str().unwrap())
}

#[test]
fn a_damaged_file_of_ours_is_as_good_as_empty() {
    let _company = in_company();
    let (center, folder) = (Center::start(&[]), Folder::new());
    let store = folder.store();
    let mut process = Process::start();
    process.call(&center.request(&store));
    let path = store_file(&store);
    let whole = fs::read(&path).unwrap();
    let mut flipped = whole.clone();
    let place = whole.windows(9).position(|window| window == b"\"sealed\":").unwrap() + 30;
    flipped[place] = if flipped[place] == b'A' { b'B' } else { b'A' };
    let damaged = [&whole[..whole.len() / 2], &flipped, b"", &whole[..9], &[0; 1000]];
    for (number, bytes) in damaged.into_iter().enumerate() {
        fs::write(&path, bytes).unwrap();
        let told = Process::start().sign(&center.request(&store));
        assert_eq!(told["token"]["source"], "server", "{number}: {told}");
        assert!(told["token"]["store_trouble"].is_null(), "{number}: {told}");
        assert_eq!(center.token_requests(), number + 2, "{number}");
        let told = Process::start().sign(&center.request(&store));
        assert_eq!(told["token"]["source"], "store", "{number}, and whole again: {told}");
    }
}

#[test]
fn a_file_that_is_not_ours_is_left_alone_and_told() {
    let _company = in_company();
    let (center, folder) = (Center::start(&[]), Folder::new());
    let settings = folder.path("GlobalFun.py");
    let store = json!({ "file": settings });
    let contents: [&[u8]; 5] =
        [b"RPA_HOST = 'https://10.0.0.5'\n", b"{\"host\":\"a\"}", b"[1]", b"\xff\xfe\0\0", &vec![b'{'; 3 << 20]];
    for bytes in contents {
        fs::write(&settings, bytes).unwrap();
        let mut process = Process::start();
        process.call(&center.request(&store));
        let told = process.sign(&center.request(&store));
        let trouble = told["token"]["store_trouble"].as_str().unwrap_or_else(|| panic!("{told}"));
        assert!(trouble.contains("left alone") && trouble.contains("未改动"), "{told}");
        assert_eq!(fs::read(&settings).unwrap(), bytes);
    }
    let linked = folder.path("link");
    std::os::unix::fs::symlink(&settings, &linked).unwrap();
    Process::start().call(&center.request(&json!({ "file": linked })));
    assert!(fs::symlink_metadata(&linked).unwrap().is_symlink());
    assert_eq!(folder.files().len(), 2, "nothing is put beside them: {:?}", folder.files());
}

#[test]
fn an_administrators_mode_and_link_stay() {
    let _company = in_company();
    let (center, folder) = (Center::start(&[]), Folder::new());
    let (file, link) = (folder.path("tokens"), folder.path("link"));
    fs::write(&file, "").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o660)).unwrap();
    std::os::unix::fs::symlink("tokens", &link).unwrap();
    let request = center.request(&json!({ "file": link }));
    assert_eq!([(); 2].map(|()| Process::start().sign(&request)["token"]["source"].clone()), ["server", "store"]);
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o660);
}

#[test]
fn a_place_that_cannot_be_used_fails_no_call() {
    let _company = in_company();
    let (center, folder) = (Center::start(&[]), Folder::new());
    fs::write(folder.path("a file"), "x").unwrap();
    // A folder in the file's place, and a file in the folder's.
    for path in [folder.path(""), folder.path("a file").join("store")] {
        let store = json!({ "file": path });
        let mut process = Process::start();
        process.call(&center.request(&store));
        process.call(&center.request(&store));
        let told = process.sign(&center.request(&store));
        let trouble = told["token"]["store_trouble"].as_str().unwrap_or_else(|| panic!("{told}"));
        assert!(trouble.contains("`token_store`") && told["notes"].to_string().contains("token_store"), "{told}");
    }
    assert_eq!(center.token_requests(), 2, "its own memory serves it");
}

#[test]
fn a_wrong_secret_key_finds_nothing() {
    let _company = in_company();
    let (center, folder) = (Center::start(&[]), Folder::new());
    let store = folder.store();
    Process::start().call(&center.request(&store));
    let wrong = center.with(&store, json!({ "secretkey": "another-secret-key" }));
    let told = Process::start().ask("rpa_call", &wrong);
    assert_eq!((&told["code"], &told["msg"]), (&json!(401), &json!("accessKey或secretKey错误")), "{told}");
    assert_eq!(center.token_requests(), 2, "it asked, since it found nothing");
    let held = Process::start().sign(&center.request(&store));
    assert_eq!(held["token"]["source"], "store", "and it took nothing away");
    let relative = Path::new(store["file"].as_str().unwrap());
    assert!(relative.to_str().unwrap().contains("令牌") && relative.exists());
}
