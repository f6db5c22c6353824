//! `files`: what goes over the wire, and what becomes of a file that changes.

use std::fs::{self, OpenOptions};
use std::io::{Read, Write};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::folder::Folder;
use crate::harness::Library;
use crate::server::{Server, reply};

fn call(host: &str, files: Value, further: Value) -> Value {
    let request = json!({
        "host": host, "rest_type": "/upload", "mode": "post", "accesstoken": "9f2c4b7e1d5a48c0", "proxy": null,
        "data_json": { "说明": "月结", "a": 1 }, "files": files,
    });
    Library::load().json("rpa_call", &crate::with_all(request, further))
}

/// A server that notes each request as it came, and says yes.
fn noting() -> (Server, Arc<Mutex<Vec<Vec<u8>>>>) {
    let noted: Arc<Mutex<Vec<Vec<u8>>>> = Arc::default();
    let notes = noted.clone();
    let server = Server::start(move |connection| {
        let (mut bytes, mut piece) = (Vec::new(), [0; 65536]);
        loop {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            let length = text.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
            let head = bytes.windows(4).position(|window| window == b"\r\n\r\n");
            if head.is_some_and(|head| bytes.len() >= head + 4 + length.unwrap_or(0)) {
                break;
            }
            match connection.stream.read(&mut piece) {
                Ok(amount @ 1..) => bytes.extend_from_slice(&piece[..amount]),
                _ => break,
            }
        }
        notes.lock().unwrap().push(bytes);
        connection.send(reply("200 OK", "{\"code\":0}").as_bytes());
    });
    (server, noted)
}

#[test]
fn a_form_as_browsers_send_it() {
    let folder = Folder::new("files");
    let (first, second) = (folder.join("报 表.xlsx"), folder.join("b.csv"));
    let content: Vec<u8> = (0..200_001u32).map(|at| (at % 253) as u8).collect();
    fs::write(&first, &content).unwrap();
    fs::write(&second, "").unwrap();
    let (server, noted) = noting();
    let files = json!({
        "file": first,
        "附\"件": [{ "path": second, "name": "名\"字\r\n.csv", "type": "text/csv" }, { "path": second, "name": "名a.csv", "filename_star": true }],
    });
    let reply = call(&server.url(), files, json!({}));
    assert_eq!(reply, json!({ "code": 0 }));
    let request = noted.lock().unwrap()[0].clone();
    let head = request.windows(4).position(|window| window == b"\r\n\r\n").unwrap() + 4;
    let (head, body) = (String::from_utf8_lossy(&request[..head]).into_owned(), &request[head..]);
    assert!(head.starts_with("POST /upload?a=1&%E8%AF%B4%E6%98%8E=%E6%9C%88%E7%BB%93 HTTP/1.1\r\n"), "{head}");
    let boundary =
        head.lines().find_map(|line| line.strip_prefix("content-type: multipart/form-data; boundary=")).unwrap();
    let part = |name: &str, kind: &str| {
        format!("--{boundary}\r\nContent-Disposition: form-data; name={name}\r\nContent-Type: {kind}\r\n\r\n")
            .into_bytes()
    };
    let expected = [
        part("\"file\"; filename=\"报 表.xlsx\"", "application/octet-stream"),
        content,
        b"\r\n".to_vec(),
        part("\"附%22件\"; filename=\"名%22字%0D%0A.csv\"", "text/csv"),
        b"\r\n".to_vec(),
        part("\"附%22件\"; filename=\"_a.csv\"; filename*=UTF-8''%E5%90%8Da.csv", "application/octet-stream"),
        format!("\r\n--{boundary}--\r\n").into_bytes(),
    ]
    .concat();
    assert!(body == expected, "{}", String::from_utf8_lossy(body));
    assert!(head.contains(&format!("content-length: {}\r\n", expected.len())), "{head}");
    // Signed as the parameters of a get are.
    let sent =
        |name: &str| head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": ")).unwrap().to_owned();
    let get = json!({
        "host": server.url(), "rest_type": "/upload", "mode": "get", "accesstoken": "9f2c4b7e1d5a48c0", "proxy": null,
        "data_json": { "说明": "月结", "a": 1 }, "timestamp": sent("timestamp").parse::<u64>().unwrap(),
    });
    assert_eq!(Library::load().json("rpa_sign", &get)["result"]["signature"], sent("signature"));
}

#[test]
fn what_cannot_be_sent_is_refused_before_anything_is() {
    let folder = Folder::new("files");
    let file = folder.write("a.txt", "x");
    let server = Server::answering(reply("200 OK", "{}"));
    for (files, further, field) in [
        (json!({ "f": folder.join("none") }), json!({}), "files.f"),
        (json!({ "f": folder.to_str().unwrap() }), json!({}), "files.f"),
        (json!({ "f": "~/a" }), json!({}), "files.*.path"),
        (json!({ "f": "C:\temp" }), json!({}), "files.*.path"),
        (json!({ "f": { "name": "a" } }), json!({}), "files.*.path"),
        (json!({ "f": { "path": file, "type": "a\r\nb" } }), json!({}), "files.*.type"),
        (json!({ "f": { "path": file, "nam": "a" } }), json!({}), "files.*.nam"),
        (json!({}), json!({}), "files"),
        (json!(5), json!({}), "files"),
        (json!({ "f": 5 }), json!({}), "files.*.path"),
        (json!({ "f": file }), json!({ "mode": "put" }), "files"),
        (json!({ "f": file }), json!({ "query": "none" }), "query"),
        (json!({ "f": file }), json!({ "pages": { "page": "p", "items": "/l" } }), "files"),
    ] {
        let reply = call(&server.url(), files.clone(), further);
        assert_eq!(reply["error"]["field"], field, "{files}: {reply}");
        assert_eq!(reply["error"]["delivered"], "no");
    }
    assert_eq!(server.requests() + server.connections(), 0);
}

/// Reads the head and a little, has something done to the file, and goes on to the end.
fn changing(change: impl Fn() + Send + Sync + 'static) -> (Server, Arc<Mutex<Vec<u8>>>) {
    let noted: Arc<Mutex<Vec<u8>>> = Arc::default();
    let notes = noted.clone();
    let server = Server::start(move |connection| {
        let mut piece = vec![0; 65536];
        let _ = connection.stream.read(&mut piece[..1000]);
        change();
        let mut all = Vec::new();
        let _ = connection.stream.read_to_end(&mut all);
        notes.lock().unwrap().extend_from_slice(&all);
    });
    (server, noted)
}

#[test]
fn a_file_that_changes_meanwhile_is_not_delivered() {
    for shrinks in [false, true] {
        let folder = Folder::new("files");
        let path = folder.join("big");
        fs::write(&path, vec![b'x'; 30 << 20]).unwrap();
        let changed = path.clone();
        let (server, noted) = changing(move || {
            let mut file = OpenOptions::new().append(true).open(&changed).unwrap();
            if shrinks { file.set_len(1 << 20).unwrap() } else { file.write_all(b"more").unwrap() }
        });
        let reply = call(&server.url(), json!({ "f": path }), json!({ "retry": 3, "timeout_ms": 60_000 }));
        let error = &reply["error"];
        assert_eq!((&error["field"], &error["delivered"]), (&json!("files.f"), &json!("unknown")), "{reply}");
        assert_eq!((server.connections(), &error["attempts"]), (1, &json!(1)));
        for _ in 0..200 {
            if !noted.lock().unwrap().is_empty() {
                break;
            }
            thread::sleep(Duration::from_millis(50));
        }
        assert!(!noted.lock().unwrap().ends_with(b"--\r\n"), "the end was sent");
    }
}

#[test]
fn an_upload_that_broke_is_made_again_only_where_it_cannot_have_arrived() {
    let folder = Folder::new("files");
    let file = folder.join("a");
    fs::write(&file, vec![7; 3 << 20]).unwrap();
    for taken in [1, 500, 100_000, 3 << 20] {
        let server = Server::start(move |connection| {
            let mut left = vec![0; taken];
            let _ = connection.stream.read_exact(&mut left);
        });
        let reply = call(&server.url(), json!({ "f": file }), json!({ "retry": 3 }));
        let error = &reply["error"];
        assert_eq!((&error["kind"], &error["delivered"]), (&json!("disconnected"), &json!("unknown")), "{reply}");
        assert_eq!(server.connections(), 1, "after {taken} bytes");
    }
    let reply = call(&crate::server::closed_port(), json!({ "f": file }), json!({ "retry": 2 }));
    let error = &reply["error"];
    assert_eq!((&error["delivered"], &error["attempts"]), (&json!("no"), &json!(2)), "{reply}");
    // A server that refuses it early, and closes.
    let server = Server::start(|connection| {
        let _ = connection.stream.read(&mut [0; 4096]);
        connection.send(b"HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    });
    let reply = call(&server.url(), json!({ "f": file }), json!({}));
    let status = &reply["error"]["http_status"];
    // What it said is lost where its system answers what it did not read by a reset.
    assert!(status == 413 || reply["error"]["kind"] == "disconnected", "{reply}");
}

#[test]
fn a_server_that_takes_nothing_is_left_in_time() {
    let folder = Folder::new("files");
    let file = folder.join("a");
    fs::write(&file, vec![7; 30 << 20]).unwrap();
    let server = Server::start(|_| thread::sleep(Duration::from_secs(5)));
    let reply = call(&server.url(), json!({ "f": file }), json!({ "timeout_ms": 500 }));
    assert_eq!(
        (&reply["error"]["kind"], &reply["error"]["delivered"]),
        (&json!("timeout"), &json!("unknown")),
        "{reply}"
    );
}
