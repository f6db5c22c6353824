//! Long work and files against the emulator, whose code shares nothing with the library's: `wait`, `resume` and `pages` in
//! the generations with signatures of another kind, uploads and downloads in 2020.5.

use std::fs;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::folder::Folder;
use crate::harness::{ControlCenter, Library};
use crate::server::{Server, reply};
use crate::with_all;

fn by_path(center: &ControlCenter, path: &str) -> u64 {
    center.counts()["by_path"][path].as_u64().unwrap_or(0)
}

/// A start and its questions, as each generation writes them; then what the emulator counts of both.
fn work(center: &ControlCenter, generation: &str) -> (Value, [&'static str; 2]) {
    let robot = "Administrator@0A1B2C3D4E5F";
    let (start, wait, paths) = match generation {
        "9" => (
            json!({ "action": "start-job", "data_json": { "proc_code": "P001", "note": "月结 2020/11/30 ~" } }),
            json!({
                "action": "get-job-status", "data_json": { "job_no": { "pointer": "/result/job_no" } },
                "until": [{ "pointer": "/result/job_status", "in": ["finished"] }],
            }),
            ["start-job", "get-job-status"],
        ),
        _ => (
            json!({
                "rest_type": "/oapi/v1/job/create", "mode": "post",
                "data_json": { "procCode": "P001", "robotNo": robot, "note": "月结 2020/11/30 ~" },
            }),
            json!({
                "rest_type": "/oapi/v1/job/get", "data_json": { "jobNo": { "pointer": "/result/jobNo" } },
                "until": [{ "pointer": "/result/status", "in": ["finished"] }],
            }),
            ["POST /oapi/v1/job/create", "GET /oapi/v1/job/get"],
        ),
    };
    let pass = match generation {
        "10.3" => json!({ "appkey": center.text("appkey") }),
        "9" => json!({}),
        _ => json!({ "accesskey": center.text("accesskey"), "secretkey": center.text("secretkey") }),
    };
    let wait = with_all(wait, json!({ "every_ms": 100 }));
    let fields = with_all(with_all(start, pass), json!({ "generation": generation, "wait": wait }));
    (center.request(fields), paths)
}

#[test]
fn work_is_started_once_and_waited_for_in_each_generation() {
    let library = Library::load();
    for generation in ["2020.4", "2020.5", "10.3", "9"] {
        let center = ControlCenter::start(&["--generation", generation, "--job-millis", "400"]);
        let (request, [start, status]) = work(&center, generation);
        let told = library.json("rpa_call", &request);
        let result = &told["result"];
        let pointer = request["wait"]["until"][0]["pointer"].as_str().unwrap();
        assert_eq!(result["reply"].pointer(pointer), Some(&json!("finished")), "{generation}: {told}");
        assert_eq!(by_path(&center, start), 1, "{}", center.counts());
        assert!(by_path(&center, status) >= 2, "{generation}: {}", center.counts());
        // Started alone, and gone on with by the text, which holds no key; by another process as well as by this one.
        let mut only = request.clone();
        only["wait"]["timeout_ms"] = json!(0);
        let started = library.json("rpa_call", &only);
        assert_eq!((&started["code"], &started["result"]["reply"]), (&json!(0), &Value::Null), "{started}");
        let mut resumed = request.clone();
        for name in ["rest_type", "action", "mode", "data_json", "wait"] {
            resumed.as_object_mut().unwrap().remove(name);
        }
        resumed["resume"] = started["result"]["resume"].clone();
        let output = crate::tools::succeed(crate::programs::helper("one_call").arg(resumed.to_string()), "a process");
        let told: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(told["result"]["reply"].pointer(pointer), Some(&json!("finished")), "{generation}: {told}");
        assert_eq!(by_path(&center, start), 2, "{generation}: {}", center.counts());
        // Work that cannot be started is not waited for.
        let mut wrong = request.clone();
        for name in ["procCode", "proc_code"] {
            if wrong["data_json"].get(name).is_some() {
                wrong["data_json"][name] = json!("P999");
            }
        }
        let before = by_path(&center, status);
        let told = library.json("rpa_call", &wrong);
        assert_eq!(told["error"]["part"], "start", "{generation}: {told}");
        assert!(told["msg"].as_str().unwrap().contains("流程不存在"), "{told}");
        assert_eq!(by_path(&center, status), before);
    }
}

#[test]
fn what_a_generation_does_not_have_is_refused_in_wait_as_well() {
    let library = Library::load();
    let center = ControlCenter::start(&["--generation", "9"]);
    let (request, _) = work(&center, "9");
    for (name, value) in [("rest_type", json!("/oapi/v1/job/get")), ("mode", json!("get"))] {
        let mut wrong = request.clone();
        wrong["wait"][name] = value;
        let told = library.json("rpa_call", &wrong);
        assert_eq!(told["error"]["field"], format!("wait.{name}"), "{told}");
    }
    assert_eq!(center.counts()["requests"], 0);
}

#[test]
fn lists_are_gathered_with_an_appkey() {
    let (library, center) = (Library::load(), ControlCenter::start(&["--generation", "10.3"]));
    let call = |fields: Value| {
        let pass = json!({ "generation": "10.3", "appkey": center.text("appkey") });
        let told = library.json("rpa_call", &center.request(with_all(pass, fields)));
        assert_eq!(told["code"], 0, "{told}");
        told["result"].clone()
    };
    let data = json!({ "procCode": "P001", "robotNo": "Administrator@0A1B2C3D4E5F" });
    let mut jobs: Vec<String> = (0..7)
        .map(|_| call(json!({ "rest_type": "/oapi/v1/job/create", "mode": "post", "data_json": data })))
        .map(|made| made["jobNo"].as_str().unwrap().to_owned())
        .collect();
    let pages = json!({ "page": "pageNum", "size": "pageSize", "items": "/result/rows", "total": "/result/total" });
    for size in [3, 7] {
        let data = json!({ "pageSize": size });
        let before = by_path(&center, "GET /oapi/v1/job/list");
        let listed =
            call(json!({ "rest_type": "/oapi/v1/job/list", "mode": "get", "data_json": data, "pages": pages }));
        let mut listed: Vec<String> =
            listed["rows"].as_array().unwrap().iter().map(|job| job["jobNo"].as_str().unwrap().to_owned()).collect();
        listed.sort();
        jobs.sort();
        assert_eq!(listed, jobs);
        assert_eq!(by_path(&center, "GET /oapi/v1/job/list") - before, 7_u64.div_ceil(size), "each page once");
    }
}

/// The emulator's actions hand everything out at once, so this server is one of a few lines.
#[test]
fn lists_are_gathered_by_an_action() {
    let server = Server::start(|connection| {
        while let Some(asked) = connection.request() {
            let body = asked.split_once("\r\n\r\n").unwrap().1;
            let field = |name: &str| {
                let value = body.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('=')).unwrap();
                percent_encoding::percent_decode_str(value).decode_utf8().unwrap().into_owned()
            };
            assert!(asked.starts_with("POST /rapi/rcall.action ") && field("action") == "get-jobs", "{asked}");
            let param: Value = serde_json::from_str(&field("param")).unwrap();
            let page = param["page"].as_u64().unwrap();
            let items: Vec<u64> = (0..3).map(|item| page * 10 + item).filter(|item| *item < 31).collect();
            let json = json!({ "code": 0, "result": { "list": items, "total": 7 } });
            connection.send(reply("200 OK", &json.to_string()).as_bytes());
        }
    });
    let request = json!({
        "host": server.url(), "proxy": null, "generation": "9", "action": "get-jobs", "data_json": { "state": "完成" },
        "pages": { "page": "page", "items": "/result/list", "total": "/result/total" },
    });
    let told = Library::load().json("rpa_call", &request);
    assert_eq!(told["result"]["list"], json!([10, 11, 12, 20, 21, 22, 30]), "{told}");
    assert_eq!(server.requests(), 3);
}

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_file_goes_to_the_emulator_and_comes_back() {
    let library = Library::load();
    let center = ControlCenter::start(&["--generation", "2020.5"]);
    let folder = Folder::new("files");
    let call = |fields: Value| {
        let usual = with_all(center.token_request(), json!({ "generation": "2020.5", "mode": "get" }));
        library.json("rpa_call", &with_all(usual, fields))
    };
    let contents: [(&str, Vec<u8>); 4] = [
        ("月结 报表~.xlsx", (0..700_000_u32).map(|n| (n * 7 % 251) as u8).collect()),
        ("空.txt", Vec::new()),
        ("a\"b;c.bin", b"--\r\n\r\n------\r\n".repeat(900)),
        ("数据.json", b"{\"code\":0}".to_vec()),
    ];
    let paths: Vec<_> = contents
        .iter()
        .map(|(name, bytes)| {
            let path = folder.join(name);
            fs::write(&path, bytes).unwrap();
            path
        })
        .collect();
    let odd = json!({ "说明": "月结 2020/11/30 ~ & = + % 😀 *", "n": 1.0, "ok": true });
    let told = call(json!({
        "mode": "post", "rest_type": "/oapi/v1/file/upload", "data_json": odd,
        "files": { "file": [paths[0], paths[1]], "另一个": { "path": paths[2], "type": "application/x-own" }, "附件": paths[3] },
    }));
    let files = told["result"]["files"].as_array().unwrap_or_else(|| panic!("{told}"));
    assert_eq!(told["result"]["params"]["说明"], odd["说明"], "{told}");
    let sent: Vec<_> = files.iter().map(|file| file["field"].as_str().unwrap()).collect();
    assert_eq!(sent, ["file", "file", "另一个", "附件"], "{told}");
    for (file, (name, bytes)) in files.iter().zip(&contents) {
        assert_eq!(
            (&file["name"], &file["bytes"], &file["sha256"]),
            (&json!(name), &json!(bytes.len()), &json!(hex(bytes))),
            "{told}"
        );
    }
    assert_eq!(files[2]["contentType"], "application/x-own");
    // And back, by each way in which a server may say what it is.
    let download = |file: &Value, further: Value, to: &str| {
        let data = with_all(json!({ "fileId": file["fileId"], "contentType": "application/octet-stream" }), further);
        let to = json!({ "path": folder.join(to), "overwrite": true });
        call(json!({ "rest_type": "/oapi/v1/file/download", "data_json": data, "save_to": to, "retry": 1 }))
    };
    for (file, (name, bytes)) in files.iter().zip(&contents).take(3) {
        for further in [
            json!({ "nameForm": "star" }),
            json!({ "nameForm": "raw", "digest": "Digest" }),
            json!({ "nameForm": "both", "digest": "Repr-Digest", "chunked": "1" }),
            json!({ "nameForm": "none", "digest": "Content-Digest" }),
        ] {
            // A quotation mark cannot stand raw in a quoted name.
            if further["nameForm"] == "raw" && name.contains('"') {
                continue;
            }
            let told = download(file, further.clone(), "回来");
            if bytes.is_empty() && further["nameForm"] == "none" {
                assert_eq!(told["error"]["kind"], "response", "an empty reply that is not called a file: {told}");
                continue;
            }
            let named = if further["nameForm"] == "none" { Value::Null } else { json!(name) };
            let result = &told["result"];
            assert_eq!(
                (&result["size"], &result["sha256"], &result["name"]),
                (&json!(bytes.len()), &json!(hex(bytes)), &named),
                "{further}: {told}"
            );
            assert!(fs::read(folder.join("回来")).unwrap() == *bytes);
        }
    }
    // A file of JSON is a reply, unless it is called a file.
    let json = |further: Value| download(&files[3], further, "回来");
    assert_eq!(json(json!({ "nameForm": "none" })), json!({ "code": 0 }));
    assert_eq!(json(json!({ "nameForm": "star" }))["result"]["size"], contents[3].1.len());
    let told = download(&files[0], json!({ "digest": "Digest", "wrongDigest": "1" }), "不同");
    assert!(told["msg"].as_str().unwrap().contains("校验值"), "{told}");
    for cut in [0, 1, 4_096, 300_000, 699_999] {
        for chunked in [json!({}), json!({ "chunked": "1" })] {
            let told = download(&files[0], with_all(chunked, json!({ "cutAt": cut })), "断开");
            assert_eq!(told["error"]["kind"], "disconnected", "{cut}: {told}");
        }
    }
    let left: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), contents.len() + 1, "what was cut left nothing: {left:?}");
    let told = download(&json!({ "fileId": "none" }), json!({}), "没有");
    assert_eq!((&told["code"], told.get("error")), (&json!(106), None), "{told}");
}

#[test]
fn an_upload_that_the_emulator_cuts_is_in_doubt_and_one_that_it_refuses_is_not() {
    let (library, folder) = (Library::load(), Folder::new("files"));
    let center = ControlCenter::start(&["--generation", "2020.5"]);
    let path = folder.join("大.bin");
    fs::write(&path, vec![7; 3 << 20]).unwrap();
    let call = |fields: Value| {
        let usual = json!({ "generation": "2020.5", "mode": "post", "rest_type": "/oapi/v1/file/upload", "files": { "f": path }, "retry": 3 });
        library.json("rpa_call", &with_all(center.token_request(), with_all(usual, fields)))
    };
    for cut in [1, 100_000, 3 << 20] {
        let before = by_path(&center, "POST /oapi/v1/file/upload");
        let told = call(json!({ "data_json": { "cutAt": cut } }));
        assert_eq!(
            (&told["error"]["kind"], &told["error"]["delivered"]),
            (&json!("disconnected"), &json!("unknown")),
            "{told}"
        );
        assert_eq!(by_path(&center, "POST /oapi/v1/file/upload") - before, 1, "it is not sent again");
    }
    // The encoding of 2020.4, which the emulator refuses in a source that holds a slash: once more, with the file from its start.
    let before = by_path(&center, "POST /oapi/v1/file/upload");
    let told = call(json!({ "generation": "2020.4", "data_json": { "d": "2020/11/30" } }));
    assert_eq!(told["result"]["files"][0]["bytes"], 3 << 20, "{told}");
    assert_eq!(by_path(&center, "POST /oapi/v1/file/upload") - before, 2);
    let told = call(json!({ "generation": "2020.5", "encoding": "python", "data_json": { "d": "2020/11/30" } }));
    assert_eq!((&told["code"], told.get("error")), (&json!(403), None), "{told}");
}
