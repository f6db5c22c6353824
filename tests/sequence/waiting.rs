//! `wait` and `resume`.

use serde_json::{Value, json};

use crate::center::{Answer, Center, parameter};
use crate::folder::Folder;

const STARTED: &str = r#"{"code":0,"msg":"success","result":{"jobNo":"J\u4e001","n":12345678901234567890,"l":[1.10]}}"#;

/// A job whose status is each of these in turn, the last one for good.
fn jobs(statuses: &'static [&'static str]) -> Center {
    Center::start(move |line, before| match line.contains("/job/start") {
        true => Answer::Json(STARTED.to_owned()),
        false => match statuses[before.min(statuses.len() - 1)] {
            "close" => Answer::Nothing,
            "page" => Answer::Raw(b"HTTP/1.1 503 Busy\r\nContent-Length: 6\r\n\r\n<html>".to_vec()),
            "other" => Answer::Json(r#"{"code":0,"result":{}}"#.to_owned()),
            status => Answer::Json(format!(r#"{{"code":0,"result":{{"status":{status}}} }}"#)),
        },
    })
}

fn start(wait: Value) -> Value {
    let usual = json!({
        "rest_type": "/job/status", "data_json": { "jobNo": { "pointer": "/result/jobNo" } }, "every_ms": 100,
        "until": [{ "pointer": "/result/status", "in": ["done", 3] }], "fail": [{ "pointer": "/result/status", "in": ["failed"] }],
    });
    json!({ "rest_type": "/job/start", "mode": "post", "data_json": { "procCode": "P001" }, "retry": 1, "wait": crate::with_all(usual, wait) })
}

fn starts(center: &Center) -> usize {
    center.seen("/job/start").len()
}

#[test]
fn a_job_is_started_once_and_has_its_end_in_one_call() {
    let center = jobs(&["\"running\"", "\"running\"", "3.0"]);
    let data = json!({
        "jobNo": { "pointer": "/result/jobNo" }, "n": { "pointer": "/result/n" }, "deep": [{ "x": { "pointer": "/result/l/0" } }],
        "as_it_is": { "literal": { "pointer": "/result/n" } },
    });
    let reply = center.text(start(json!({ "data_json": data })));
    let begins = format!(
        r#"{{"code":0,"msg":"success","result":{{"started":{STARTED},"reply":{{"code":0,"result":{{"status":3.0}} }},"resume":"rpa1."#
    );
    assert!(reply.starts_with(&begins), "{reply}");
    assert_eq!((starts(&center), center.seen("GET /job/status").len()), (1, 3));
    let asked = &center.seen("/job/status")[2];
    assert_eq!(parameter(asked, "jobNo"), "J%E4%B8%801");
    assert_eq!(parameter(asked, "n"), "12345678901234567890");
    assert_eq!(parameter(asked, "deep"), "%5B%7B%27x%27%3A%201.1%7D%5D");
    assert_eq!(parameter(asked, "as_it_is"), "%7B%27pointer%27%3A%20%27%2Fresult%2Fn%27%7D");
}

#[test]
fn what_breaks_while_waiting_is_no_failure() {
    let center = jobs(&["close", "page", "other", "\"running\"", "close", "\"done\""]);
    let reply = center.call(start(json!({})));
    assert_eq!(reply["result"]["reply"]["result"]["status"], "done", "{reply}");
    assert_eq!(starts(&center), 1);
}

#[test]
fn a_start_of_which_no_reply_came_is_not_made_again() {
    for mode in ["get", "post", "put", "delete"] {
        let center = Center::start(|_, _| Answer::Nothing);
        let reply = center.call(crate::with_all(start(json!({})), json!({ "mode": mode, "retry": 3 })));
        let error = &reply["error"];
        assert_eq!((&error["part"], &error["delivered"]), (&json!("start"), &json!("unknown")), "{reply}");
        assert_eq!(starts(&center), 1, "{mode}");
        assert!(error.get("resume").is_none());
    }
}

#[test]
fn a_job_that_fails_is_told_with_the_last_reply() {
    let center = jobs(&["\"running\"", "\"failed\""]);
    let reply = center.call(start(json!({})));
    let error = &reply["error"];
    assert_eq!((&error["part"], &error["pointer"]), (&json!("wait"), &json!("/result/status")), "{reply}");
    assert_eq!((&error["reply"]["result"]["status"], &error["delivered"]), (&json!("failed"), &json!("yes")));
    assert!(reply["msg"].as_str().unwrap().contains("任务失败:/result/status为\"failed\""), "{reply}");
    assert_eq!(error["started"]["result"]["jobNo"], "J一1");
}

#[test]
fn when_the_time_is_over_another_call_goes_on() {
    let center = jobs(&["\"running\"", "\"running\"", "\"running\"", "\"running\"", "\"done\""]);
    let reply = center.call(start(json!({ "timeout_ms": 150 })));
    let error = &reply["error"];
    assert_eq!((&error["kind"], &error["part"]), (&json!("timeout"), &json!("wait")), "{reply}");
    assert!(
        error["detail"].as_str().unwrap().contains("`/result/status` was \"running\" in the last reply"),
        "{reply}"
    );
    let resumed = center.call(json!({ "resume": error["resume"], "wait": { "timeout_ms": 60_000 } }));
    assert_eq!(resumed["result"]["reply"]["result"]["status"], "done", "{resumed}");
    assert_eq!(resumed["result"]["started"]["result"]["jobNo"], "J一1");
    assert_eq!(starts(&center), 1);
    assert_eq!(parameter(center.seen("/job/status").last().unwrap(), "jobNo"), "J%E4%B8%801");
}

#[test]
fn a_limit_of_0_only_starts() {
    let center = jobs(&["\"done\""]);
    let reply = center.call(start(json!({ "timeout_ms": 0 })));
    assert_eq!((&reply["code"], &reply["result"]["reply"]), (&json!(0), &Value::Null), "{reply}");
    assert_eq!(center.seen("/job/status").len(), 0);
    let resumed = center.call(json!({ "resume": reply["result"]["resume"] }));
    assert_eq!(resumed["result"]["reply"]["result"]["status"], "done", "{resumed}");
}

#[test]
fn a_pointer_that_leads_nowhere_is_told_and_can_be_mended() {
    let center = jobs(&["\"done\""]);
    let reply = center.call(start(json!({ "data_json": { "jobNo": { "pointer": "/result/job_no" } } })));
    let error = &reply["error"];
    assert_eq!((&error["part"], &error["pointer"]), (&json!("start"), &json!("/result/job_no")), "{reply}");
    assert!(error["detail"].as_str().unwrap().contains("/result has the keys jobNo, n, l"), "{reply}");
    assert!(reply["msg"].as_str().unwrap().contains("/result中只有jobNo、n、l"), "{reply}");
    assert_eq!(center.seen("/job/status").len(), 0);
    let mended = json!({ "data_json": { "jobNo": { "pointer": "/result/jobNo" } } });
    let resumed = center.call(json!({ "resume": error["resume"], "wait": mended }));
    assert_eq!(resumed["result"]["reply"]["result"]["status"], "done", "{resumed}");
    assert_eq!(starts(&center), 1);
}

#[test]
fn a_refused_start_is_not_waited_for() {
    let center = Center::start(|_, _| Answer::Json(r#"{"code":7,"msg":"没有空闲的机器人"}"#.to_owned()));
    for data in [json!({}), json!({ "jobNo": { "pointer": "/result/jobNo" } })] {
        let reply = center.call(start(json!({ "data_json": data })));
        assert_eq!(reply["error"]["part"], "start", "{reply}");
        assert!(reply["msg"].as_str().unwrap().contains("没有空闲的机器人"), "{reply}");
        assert_eq!(reply["error"]["started"]["code"], 7);
    }
    assert_eq!(center.seen("/job/status").len(), 0);
}

/// A start that is answered so, made twice with a file that tells of it; then how often it came, and whether the file stays.
fn started_twice(answer: &'static str, data: &Value) -> ([Value; 2], usize, bool) {
    let folder = Folder::new("resume");
    let file = folder.join("job.resume");
    let center = Center::start(move |line, _| match line.contains("/job/start") {
        true => Answer::Raw(with_status(answer)),
        false => Answer::Json(r#"{"code":0,"result":{"status":"done"}}"#.to_owned()),
    });
    let call = || center.call(start(json!({ "data_json": data, "resume_file": file })));
    let replies = [call(), call()];
    (replies, starts(&center), file.exists())
}

fn with_status(answer: &str) -> Vec<u8> {
    let (status, json) = answer.split_once(' ').unwrap();
    format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\n\r\n{json}", json.len()).into_bytes()
}

#[test]
fn a_start_that_was_refused_without_a_code_is_told_and_may_be_made_again() {
    for (answer, words) in [
        (r#"404 {"timestamp":1,"status":404,"error":"Not Found"}"#, "HTTP status 404, Not Found"),
        (r#"401 {"message":"no"}"#, "HTTP status 401, no"),
        (r#"200 {"code":500,"msg":"no free robot","result":null}"#, "code 500, no free robot"),
        (r#"200 {"code":500,"msg":"no free robot","result":""}"#, "code 500, no free robot"),
        (r#"200 {"code":500,"msg":"no free robot","result":{}}"#, "code 500, no free robot"),
    ] {
        for data in [json!({}), json!({ "jobNo": { "pointer": "/result" } })] {
            let (replies, starts, stays) = started_twice(answer, &data);
            for reply in &replies {
                let error = &reply["error"];
                assert_eq!((&error["part"], &error["delivered"]), (&json!("start"), &json!("yes")), "{reply}");
                let detail = error["detail"].as_str().unwrap();
                assert!(detail.contains(&format!("did not start it: {words}")), "{reply}");
                assert!(reply["msg"].as_str().unwrap().contains("没有启动"), "{reply}");
            }
            assert_eq!((starts, stays), (2, false), "{answer}");
        }
    }
}

#[test]
fn a_start_over_which_the_server_failed_is_not_made_again() {
    for answer in [
        r#"500 {"timestamp":1,"status":500,"error":"Internal Server Error"}"#,
        r#"502 {"message":"no Route matched"}"#,
        r#"504 {"code":504,"msg":"timeout"}"#,
        r#"409 {"code":0,"msg":"success"}"#,
    ] {
        for data in [json!({}), json!({ "jobNo": { "pointer": "/result" } })] {
            let ([first, second], starts, stays) = started_twice(answer, &data);
            let error = &first["error"];
            assert_eq!((&error["part"], &error["delivered"]), (&json!("start"), &json!("yes")), "{first}");
            assert_eq!(error["http_status"], answer[..3].parse::<u16>().unwrap(), "{first}");
            assert!(first["msg"].as_str().unwrap().contains("任务可能已启动"), "{first}");
            let error = &second["error"];
            assert_eq!(
                (&error["field"], &error["delivered"]),
                (&json!("wait.resume_file"), &json!("unknown")),
                "{second}"
            );
            assert_eq!((starts, stays), (1, true), "{answer}");
        }
    }
}

#[test]
fn a_start_that_succeeded_is_waited_for_however_the_server_writes_success() {
    for answer in [
        r#"200 {"code":200,"msg":"ok","result":{"jobNo":"1"}}"#,
        r#"201 {"code":"success","result":{"jobNo":"1"}}"#,
        r#"200 {"result":{"jobNo":"1"}}"#,
    ] {
        for data in [json!({}), json!({ "jobNo": { "pointer": "/result/jobNo" } })] {
            let ([reply, _], _, _) = started_twice(answer, &data);
            assert_eq!(reply["result"]["reply"]["result"]["status"], "done", "{reply}");
        }
        // Where the pointer is wrong, the work runs, and no second one is started.
        let ([reply, _], starts, stays) = started_twice(answer, &json!({ "jobNo": { "pointer": "/result/jobId" } }));
        assert!(reply["msg"].as_str().unwrap().contains("任务可能已启动"), "{reply}");
        assert_eq!((starts, stays), (1, true), "{answer}");
    }
    // What the question refers to shows the work, whatever the code is.
    let running = r#"200 {"code":1,"msg":"already running","result":{"jobNo":"old"}}"#;
    let ([reply, _], _, _) = started_twice(running, &json!({ "jobNo": { "pointer": "/result/jobNo" } }));
    assert_eq!(reply["code"], 0, "{reply}");
}

#[test]
fn a_pointer_to_nothing_is_told_and_nothing_is_asked_by_it() {
    for answer in [r#"200 {"code":0,"result":{"jobNo":null}}"#, r#"200 {"code":0,"result":{"jobNo":""}}"#] {
        let ([reply, second], starts, stays) =
            started_twice(answer, &json!({ "jobNo": { "pointer": "/result/jobNo" } }));
        assert_eq!(reply["error"]["pointer"], "/result/jobNo", "{reply}");
        let (detail, msg) = (reply["error"]["detail"].as_str().unwrap(), reply["msg"].as_str().unwrap());
        assert!(detail.contains("/result/jobNo is null or empty") && msg.contains("/result/jobNo为空"), "{reply}");
        assert_eq!((&second["error"]["delivered"], starts, stays), (&json!("unknown"), 1, true), "{second}");
    }
}

#[test]
fn a_file_tells_the_next_process_what_was_begun() {
    let folder = Folder::new("resume");
    let file = folder.join("任务.resume");
    let center = jobs(&["\"running\"", "\"running\"", "\"done\""]);
    let call = |timeout: u64| center.call(start(json!({ "resume_file": file, "timeout_ms": timeout })));
    let reply = call(0);
    assert_eq!(reply["code"], 0, "{reply}");
    let kept = std::fs::read_to_string(&file).unwrap();
    assert!(!kept.contains("9f2c4b7e") && kept.contains(reply["result"]["resume"].as_str().unwrap()), "{kept}");
    // The same call goes on.
    let reply = call(60_000);
    assert_eq!(reply["result"]["reply"]["result"]["status"], "done", "{reply}");
    assert!(!file.exists());
    assert_eq!(starts(&center), 1);
    // A process that was killed as it started.
    std::fs::write(
        &file,
        kept.replace("started", "starting")
            .replace(&format!("\"{}\"", reply["result"]["resume"].as_str().unwrap()), "null"),
    )
    .unwrap();
    let doubtful: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    std::fs::write(&file, json!({ "rpa_openapi": "starting", "of": doubtful["of"], "resume": null }).to_string())
        .unwrap();
    let reply = call(60_000);
    let error = &reply["error"];
    assert_eq!((&error["field"], &error["delivered"]), (&json!("wait.resume_file"), &json!("unknown")), "{reply}");
    // That of another call, and that of somebody else.
    let other = crate::with_all(start(json!({ "resume_file": file })), json!({ "data_json": { "procCode": "P002" } }));
    assert!(center.call(other)["error"]["detail"].as_str().unwrap().contains("of another call"));
    std::fs::write(&file, "notes").unwrap();
    assert!(call(60_000)["error"]["detail"].as_str().unwrap().contains("no file of this library"));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "notes");
    assert_eq!(starts(&center), 1);
    let nowhere = start(json!({ "resume_file": folder.join("none").join("file") }));
    assert!(center.call(nowhere)["msg"].as_str().unwrap().contains("文件夹不存在"));
    assert_eq!(starts(&center), 1);
}

#[test]
fn a_file_that_is_kept_gives_the_same_end_again_until_it_is_removed() {
    let folder = Folder::new("resume");
    for (statuses, is_well) in [(&["\"running\"", "\"done\""][..], true), (&["\"failed\""], false)] {
        let (center, file) = (jobs(statuses), folder.join(format!("{is_well}.resume")));
        let call = || center.call(start(json!({ "resume_file": file, "keep_file": true })));
        for _ in 0..3 {
            let reply = call();
            assert_eq!(
                (reply["code"] == 0, &reply["error"]["pointer"] == "/result/status"),
                (is_well, !is_well),
                "{reply}"
            );
            assert_eq!((starts(&center), file.exists()), (1, true), "{reply}");
        }
        std::fs::remove_file(&file).unwrap();
        call();
        assert_eq!(starts(&center), 2);
    }
    // What was not started leaves none.
    let center = Center::start(|_, _| Answer::Json(r#"{"code":7,"msg":"没有空闲的机器人"}"#.to_owned()));
    let file = folder.join("refused.resume");
    let wait = json!({ "resume_file": file, "keep_file": true, "data_json": {} });
    assert_eq!(center.call(start(wait))["error"]["part"], "start");
    assert!(!file.exists());
}

#[test]
fn a_start_that_cannot_have_arrived_leaves_no_file() {
    let folder = Folder::new("resume");
    let file = folder.join("job.resume");
    let center = jobs(&[]);
    let request =
        crate::with_all(start(json!({ "resume_file": file })), json!({ "host": crate::server::closed_port() }));
    let reply = center.call(request);
    assert_eq!((&reply["error"]["kind"], &reply["error"]["part"]), (&json!("connect"), &json!("start")), "{reply}");
    assert!(!file.exists());
}

#[test]
fn what_is_wrong_is_refused_before_anything_is_sent() {
    let center = jobs(&[]);
    let with = |further: Value| crate::with_all(start(json!({})), further);
    for (request, field) in [
        (start(json!({ "until": [] })), "wait.until"),
        (start(json!({ "until": null })), "wait.until"),
        (start(json!({ "rest_type": "job/status" })), "wait.rest_type"),
        (start(json!({ "mode": "gett" })), "wait.mode"),
        (start(json!({ "data_json": [] })), "wait.data_json"),
        (start(json!({ "data_json": { "a": { "pointer": "result" } } })), "wait.data_json"),
        (start(json!({ "every_ms": 1 })), "wait.every_ms"),
        (start(json!({ "timeout_ms": 604_800_001 })), "wait.timeout_ms"),
        (start(json!({ "resume_file": "~/job" })), "wait.resume_file"),
        (start(json!({ "untill": [] })), "wait.untill"),
        (start(json!({ "keep_file": true })), "wait.keep_file"),
        (start(json!({ "keep_file": 1, "resume_file": "job.resume" })), "wait.keep_file"),
        (with(json!({ "retry_mode": "always" })), "retry_mode"),
        (with(json!({ "pages": { "page": "p", "items": "/l" } })), "pages"),
        (with(json!({ "resume": "rpa1.x" })), "rest_type"),
        (json!({ "resume": "rpa1.e30" }), "resume"),
        (json!({ "resume": "rpa2.e30" }), "resume"),
        (json!({ "resume": "rpa1.e3" }), "resume"),
    ] {
        let reply = center.call(request);
        assert_eq!(reply["error"]["field"], field, "{reply}");
    }
    assert!(center.seen("").is_empty());
    let resume = jobs(&["1"]).call(start(json!({ "timeout_ms": 0 })))["result"]["resume"].clone();
    let reply = center.call(json!({ "resume": resume }));
    assert!(reply["error"]["detail"].as_str().unwrap().contains("another control center"), "{reply}");
}
