//! `save_to`: what goes to a file, and what does not.

use std::fs;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::center::{Answer, Center};
use crate::folder::Folder;
use crate::server::Server;

fn answer(head: &str, body: &[u8]) -> Vec<u8> {
    [format!("HTTP/1.1 200 OK\r\n{head}Content-Length: {}\r\n\r\n", body.len()).as_bytes(), body].concat()
}

fn center(reply: Vec<u8>) -> Center {
    Center::start(move |_, _| Answer::Raw(reply.clone()))
}

fn save(to: impl Into<Value>) -> Value {
    json!({ "rest_type": "/export", "mode": "get", "retry": 1, "save_to": to.into() })
}

fn files(folder: &std::path::Path) -> Vec<String> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

fn bytes(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at * 31 % 251) as u8).collect()
}

#[test]
fn a_reply_that_is_no_json_becomes_a_file() {
    let folder = Folder::new("save");
    let path = folder.join("报表.pdf");
    let body = [b"%PDF-1.4", &*bytes(300_000)].concat();
    let name = "Content-Disposition: attachment; filename*=UTF-8''%E6%9C%88%E7%BB%93.pdf\r\n";
    let hash = Sha256::digest(&body);
    let digest = format!("Repr-Digest: sha-256=:{}:\r\n", BASE64_STANDARD.encode(hash));
    let head = format!("Content-Type: application/pdf\r\n{name}{digest}");
    let reply = center(answer(&head, &body)).call(save(path.to_str().unwrap()));
    let hex: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    let expected =
        json!({ "path": path, "size": body.len(), "type": "application/pdf", "sha256": hex, "name": "月结.pdf" });
    assert_eq!(reply, json!({ "code": 0, "msg": "success", "result": expected }));
    assert_eq!(fs::read(&path).unwrap(), body);
    assert_eq!(files(&folder), ["报表.pdf"]);
    // Never over a file that is there, unless told.
    let other = center(answer("", b"second"));
    let reply = other.call(save(path.to_str().unwrap()));
    assert_eq!((&reply["error"]["field"], &reply["error"]["delivered"]), (&json!("save_to"), &json!("no")), "{reply}");
    assert!(other.seen("").is_empty());
    assert_eq!(other.call(save(json!({ "path": path, "overwrite": true })))["code"], 0);
    assert_eq!(fs::read(&path).unwrap(), b"second");
}

#[test]
fn every_way_in_which_a_body_comes() {
    let numbers = vec![b'7'; 200_000];
    let text = [&b"[2026-11-25] log "[..], &bytes(100_000)].concat();
    for body in [&bytes(1)[..], b"a", b"12,34\n", &numbers, &text, b"{not json", b"\"a\",\"b\"\n1,2\n"] {
        let chunked = body
            .chunks(40_000)
            .flat_map(|chunk| [format!("{:x}\r\n", chunk.len()).as_bytes(), chunk, b"\r\n"].concat());
        let chunked =
            [&b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"[..], &chunked.collect::<Vec<_>>(), b"0\r\n\r\n"]
                .concat();
        let packed = rpa_test_support::packed::gzip(body);
        for reply in [answer("", body), chunked, answer("Content-Encoding: gzip\r\n", &packed)] {
            let folder = Folder::new("save");
            let path = folder.join("file");
            let reply = center(reply).call(save(path.to_str().unwrap()));
            assert_eq!(reply["result"]["size"], body.len(), "{reply}");
            assert!(fs::read(&path).unwrap() == body);
        }
    }
    // Up to the end of the connection.
    let folder = Folder::new("save");
    let server = crate::server::Server::start(|connection| {
        connection.request();
        connection.send(b"HTTP/1.0 200 OK\r\n\r\nabc");
    });
    let request = json!({ "host": server.url(), "accesstoken": "9f2c4b7e1d5a48c0", "proxy": null });
    let path = folder.join("file");
    let request = crate::with_all(request, save(path.to_str().unwrap()));
    let reply = crate::harness::Library::load().json("rpa_call", &request);
    assert_eq!((&reply["code"], fs::read(&path).unwrap()), (&json!(0), b"abc".to_vec()), "{reply}");
}

#[test]
fn json_is_handed_on_and_makes_no_file() {
    let folder = Folder::new("save");
    let path = folder.join("file");
    for json in ["{\"code\":7,\"msg\":\"没有报表\"}", "[1.10]", "12", "\"x\"", "null"] {
        for head in ["", "Content-Type: application/octet-stream\r\n"] {
            let center = center(answer(head, format!(" {json}\n").as_bytes()));
            assert_eq!(center.text(save(path.to_str().unwrap())), json);
        }
    }
    for (reply, msg) in [
        (answer("Content-Type: text/html\r\n", b"<html>login"), "可能是登录页"),
        (answer("Content-Type: application/json\r\n", b"{\"code\":"), "返回内容不是JSON"),
        (answer("", b""), "返回内容为空"),
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\n%PDF-".to_vec(), "HTTP 404"),
    ] {
        let reply = center(reply).call(save(path.to_str().unwrap()));
        assert_eq!(reply["error"]["kind"], "response", "{reply}");
        assert!(reply["msg"].as_str().unwrap().contains(msg), "{reply}");
    }
    assert!(files(&folder).is_empty(), "{:?}", files(&folder));
    let page = center(answer("Content-Type: text/html\r\nContent-Disposition: attachment\r\n", b"<html>"));
    assert_eq!(page.call(save(path.to_str().unwrap()))["result"]["size"], 6);
}

#[test]
fn an_attachment_that_is_not_called_json_is_a_file_whatever_its_bytes() {
    let folder = Folder::new("save");
    let path = folder.join("file");
    for (kind, body) in [
        ("text/csv", &b"20201130"[..]),
        ("text/csv;charset=gbk", b""),
        ("application/octet-stream", b"{\"a\":1}"),
        ("text/plain", b"\"x\"\n"),
    ] {
        let head = format!("Content-Type: {kind}\r\nContent-Disposition: Attachment; filename=\"a.csv\"\r\n");
        let packed = rpa_test_support::packed::gzip(body);
        for reply in [answer(&head, body), answer(&format!("{head}Content-Encoding: gzip\r\n"), &packed)] {
            let reply = center(reply).call(save(json!({ "path": path, "overwrite": true })));
            assert_eq!((&reply["result"]["size"], &reply["result"]["name"]), (&json!(body.len()), &json!("a.csv")));
            assert_eq!(fs::read(&path).unwrap(), body);
        }
    }
    // What an attempt that was cut has left is not in the empty file.
    let server = Server::start(|connection| {
        static BEFORE: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
        connection.request();
        let is_cut = BEFORE.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == 0;
        let end = if is_cut { "Content-Length: 9\r\n\r\nabc" } else { "Content-Length: 0\r\n\r\n" };
        connection.send(format!("HTTP/1.1 200 OK\r\nContent-Disposition: attachment\r\n{end}").as_bytes());
    });
    let request = json!({ "host": server.url(), "accesstoken": "9f2c4b7e1d5a48c0", "proxy": null });
    let request = crate::with_all(request, save(json!({ "path": path, "overwrite": true })));
    let reply = crate::harness::Library::load().json("rpa_call", &crate::with_all(request, json!({ "retry": 2 })));
    assert_eq!((&reply["result"]["size"], fs::read(&path).unwrap().len()), (&json!(0), 0), "{reply}");
    fs::remove_file(&path).unwrap();
    // JSON that is called so is the control center's, as ever.
    let head = "Content-Type: application/json\r\nContent-Disposition: attachment\r\n";
    let refusal = r#"{"code":7,"msg":"没有报表"}"#;
    assert_eq!(center(answer(head, refusal.as_bytes())).text(save(path.to_str().unwrap())), refusal);
    assert!(files(&folder).is_empty());
}

#[test]
fn what_is_cut_leaves_nothing() {
    let folder = Folder::new("save");
    let path = folder.join("file");
    let whole = answer("Content-Type: application/zip\r\n", &bytes(100_000));
    let chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n3\r\nabc\r\n0\r\n\r\n".to_vec();
    let cuts = |reply: &[u8], places: &[usize]| places.iter().map(|place| reply[..*place].to_vec()).collect::<Vec<_>>();
    let all = [cuts(&whole, &[1, 30, 70, 90, 1_000, 70_000, whole.len() - 1]), cuts(&chunked, &[50, 51, 53, 55, 60])]
        .concat();
    for cut in all {
        let center =
            Center::start(move |_, before| if before % 2 == 0 { Answer::Raw(cut.clone()) } else { Answer::Nothing });
        // The server closes as it waits for the next request, which never comes: so it is made to.
        let reply = center.call(crate::with_all(save(path.to_str().unwrap()), json!({ "timeout_ms": 400 })));
        let kind = reply["error"]["kind"].as_str().unwrap_or_else(|| panic!("{reply}"));
        assert!(["disconnected", "timeout"].contains(&kind), "{reply}");
        assert!(files(&folder).is_empty(), "{:?}", files(&folder));
    }
    let wrong = format!("Digest: SHA-256={}\r\n", BASE64_STANDARD.encode(Sha256::digest(b"x")));
    let reply = center(answer(&wrong, b"abc")).call(save(path.to_str().unwrap()));
    assert!(reply["msg"].as_str().unwrap().contains("校验值"), "{reply}");
    let reply = center(answer("", &bytes(1001))).call(save(json!({ "path": path, "max_bytes": 1000 })));
    assert_eq!(reply["error"]["kind"], "too_large", "{reply}");
    assert!(files(&folder).is_empty(), "{:?}", files(&folder));
}

/// By RFC 9530 `Repr-Digest` and `Content-Digest` are of the packed bytes where the server packs; some give that of the file.
#[test]
fn a_digest_may_be_of_the_packed_bytes_or_of_the_file() {
    let folder = Folder::new("save");
    let body = bytes(10_000);
    let packed = rpa_test_support::packed::gzip(&body);
    let digest = |bytes: &[u8]| BASE64_STANDARD.encode(Sha256::digest(bytes));
    for (index, (digest, is_right)) in
        [(digest(&packed), true), (digest(&body), true), (digest(b"x"), false)].into_iter().enumerate()
    {
        for (name, value) in [
            ("Content-Digest", format!("sha-256=:{digest}:")),
            ("Repr-Digest", format!("sha-256=:{digest}:")),
            ("Digest", format!("SHA-256={digest}")),
        ] {
            let path = folder.join(format!("{index}{name}"));
            let head = format!("Content-Encoding: gzip\r\n{name}: {value}\r\n");
            let reply = center(answer(&head, &packed)).call(save(path.to_str().unwrap()));
            assert_eq!((reply["code"] == 0, path.exists()), (is_right, is_right), "{name}: {reply}");
            assert!(!is_right || fs::read(&path).unwrap() == body);
        }
    }
}

/// What a killed process has left is taken away by the next one, and nothing else is: not what a living one is writing, nor
/// what only has a name like it.
#[test]
fn what_a_killed_process_has_left_is_taken_away() {
    let folder = Folder::new("save");
    let path = folder.join("月结.bin");
    let whole = answer("", &bytes(200_000));
    let begun = whole[..150_000].to_vec();
    let server = Server::start(move |connection| {
        let Some(asked) = connection.request() else { return };
        let stalls = asked.contains("/stall");
        connection.send(if stalls { &begun } else { &whole });
        while stalls && connection.request().is_some() {}
    });
    let request = json!({ "host": server.url(), "accesstoken": "9f2c4b7e1d5a48c0", "proxy": null, "keep_alive_ms": 0 });
    let request = |rest_type: &str, further: Value| {
        let save =
            crate::with_all(save(path.to_str().unwrap()), json!({ "rest_type": rest_type, "timeout_ms": 600_000 }));
        crate::with_all(request.clone(), crate::with_all(save, further))
    };
    let parts = || files(&folder).into_iter().filter(|name| name.ends_with(".part")).collect::<Vec<_>>();
    let stall = |others: usize| {
        let mut command = crate::programs::helper("one_call");
        let child = command.arg(request("/stall", json!({})).to_string()).stdout(Stdio::null()).spawn().unwrap();
        let is_written = |name: &String| fs::metadata(folder.join(name)).unwrap().len() > 60_000;
        while parts().iter().filter(|name| is_written(name)).count() <= others {
            thread::sleep(Duration::from_millis(20));
        }
        child
    };
    let (mut living, mut killed) = (stall(0), stall(1));
    killed.kill().unwrap();
    killed.wait().unwrap();
    for name in [
        "月结.bin.part",
        "月结.bin.0123456789abcde.part",
        "月结.bin.0123456789abcdeg.part",
        "其他.bin.0123456789abcdef.part",
        "月结.bin.0123456789abcdef",
    ] {
        fs::write(folder.join(name), "somebody's").unwrap();
    }
    // Empty and just made, it may be another process's that is about to write.
    fs::write(folder.join("月结.bin.0123456789abcdef.part"), "").unwrap();
    assert_eq!(parts().len(), 7, "{:?}", parts());
    let reply = crate::harness::Library::load().json("rpa_call", &request("/export", json!({})));
    assert_eq!(reply["result"]["size"], 200_000, "{reply}");
    assert_eq!(parts().len(), 6, "{:?}", parts());
    assert!(living.try_wait().unwrap().is_none());
    living.kill().unwrap();
    living.wait().unwrap();
    let an_hour_ago = SystemTime::now() - Duration::from_secs(3600);
    let empty = fs::File::options().write(true).open(folder.join("月结.bin.0123456789abcdef.part")).unwrap();
    empty.set_modified(an_hour_ago).unwrap();
    let again = request("/export", json!({ "save_to": { "path": path, "overwrite": true } }));
    assert_eq!(crate::harness::Library::load().json("rpa_call", &again)["code"], 0);
    assert_eq!(parts().len(), 4, "only what is somebody else's: {:?}", parts());
}

/// Who may read it is said of the file, and a link says where it lies: neither is changed by what is in it.
#[cfg(unix)]
#[test]
fn a_file_that_is_overwritten_keeps_its_mode_and_stays_where_a_link_leads() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
    let folder = Folder::new("save");
    let (path, link, second) = (folder.join("报表"), folder.join("link"), folder.join("second"));
    fs::write(&path, "old").unwrap();
    symlink("报表", &second).unwrap();
    symlink(&second, &link).unwrap();
    for mode in [0o640, 0o600, 0o444] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        for place in [&path, &link] {
            let body = format!("%{mode}{}", place.display());
            let reply = center(answer("", body.as_bytes())).call(save(json!({ "path": place, "overwrite": true })));
            assert_eq!((&reply["code"], &reply["result"]["path"]), (&json!(0), &json!(place)), "{reply}");
            assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, mode, "{}", place.display());
            assert_eq!(fs::read_to_string(&path).unwrap(), body);
            assert!(link.is_symlink() && second.is_symlink() && !path.is_symlink());
        }
    }
    // While it is written it is nobody else's.
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let (beside, modes) = (folder.to_path_buf(), std::sync::Arc::new(std::sync::Mutex::new(Vec::new())));
    let seen = modes.clone();
    let server = Server::start(move |connection| {
        connection.request();
        let new = files(&beside).into_iter().filter(|name| name.ends_with(".part"));
        seen.lock().unwrap().extend(new.map(|name| fs::metadata(beside.join(name)).unwrap().mode() & 0o7777));
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n%");
    });
    let request = json!({ "host": server.url(), "accesstoken": "9f2c4b7e1d5a48c0", "proxy": null });
    let request = crate::with_all(request, save(json!({ "path": path, "overwrite": true })));
    assert_eq!(crate::harness::Library::load().json("rpa_call", &request)["code"], 0);
    assert_eq!(*modes.lock().unwrap(), [0o600]);
    // A link to a file that is not there is a place that is taken; it is written through where that is allowed.
    fs::remove_file(&path).unwrap();
    let center = center(answer("", b"new"));
    let reply = center.call(save(link.to_str().unwrap()));
    assert_eq!((&reply["error"]["field"], &reply["error"]["delivered"]), (&json!("save_to"), &json!("no")), "{reply}");
    assert!(center.seen("").is_empty());
    let reply = center.call(save(json!({ "path": link, "overwrite": true })));
    assert_eq!((&reply["code"], fs::read(&path).unwrap()), (&json!(0), b"new".to_vec()), "{reply}");
    assert!(link.is_symlink());
    assert_eq!(files(&folder).len(), 3);
}

#[test]
fn a_name_may_be_as_long_as_the_drive_can_have_it() {
    let folder = Folder::new("save");
    for name in [format!("{}.xlsx", "名".repeat(80)), "n".repeat(255)] {
        let path = folder.join(&name);
        // A drive that knows no name of this length says so of the file itself.
        if fs::write(&path, "").is_err() {
            continue;
        }
        let reply = center(answer("", b"%")).call(save(json!({ "path": path, "overwrite": true })));
        assert_eq!((&reply["code"], fs::read(&path).unwrap()), (&json!(0), b"%".to_vec()), "{reply}");
        fs::remove_file(&path).unwrap();
        let reply = center(answer("", b"%")).call(save(path.to_str().unwrap()));
        assert_eq!((&reply["code"], fs::read(&path).unwrap()), (&json!(0), b"%".to_vec()), "{reply}");
        fs::remove_file(&path).unwrap();
    }
    assert!(files(&folder).is_empty(), "{:?}", files(&folder));
}

#[test]
fn a_get_that_broke_is_made_again_from_the_start() {
    let folder = Folder::new("save");
    let path = folder.join("file");
    let whole = answer("", &bytes(50_000));
    let server = crate::server::Server::start(move |connection| {
        static BEFORE: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
        connection.request();
        let end = if BEFORE.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == 0 { 20_000 } else { whole.len() };
        connection.send(&whole[..end]);
    });
    let request = json!({ "host": server.url(), "accesstoken": "9f2c4b7e1d5a48c0", "proxy": null });
    let request = crate::with_all(crate::with_all(request, save(path.to_str().unwrap())), json!({ "retry": 2 }));
    let reply = crate::harness::Library::load().json("rpa_call", &request);
    assert_eq!(reply["result"]["size"], 50_000, "{reply}");
    assert!(fs::read(&path).unwrap() == bytes(50_000));
}

#[test]
fn a_place_that_cannot_be_is_refused_before_anything_is_sent() {
    let folder = Folder::new("save");
    let center = center(answer("", b"x"));
    let inside = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    fs::write(folder.join("plain"), "").unwrap();
    for (to, field) in [
        (json!("~/a"), "save_to.path"),
        (json!("C:\temp"), "save_to.path"),
        (json!(""), "save_to.path"),
        (json!(inside("")), "save_to.path"),
        (json!(folder.to_str().unwrap()), "save_to"),
        (json!(inside("none/file")), "save_to"),
        (json!(inside("plain/file")), "save_to"),
        (json!(5), "save_to"),
        (json!({ "overwrite": true }), "save_to.path"),
        (json!({ "path": inside("a"), "over": true }), "save_to.over"),
        (json!({ "path": inside("a"), "max_bytes": 0 }), "save_to.max_bytes"),
    ] {
        let reply = center.call(save(to.clone()));
        assert_eq!(reply["error"]["field"], field, "{to}: {reply}");
    }
    assert!(center.seen("").is_empty());
    assert_eq!(files(&folder), ["plain"]);
}
