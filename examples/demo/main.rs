//! The whole story against an embedded control center: get a token, start a job with Chinese parameters, follow it,
//! refresh the token, delete the job; and two calls that fail on purpose, to show what errors look like.
//!
//! `cargo run --example demo` needs nothing else. It ends with exit status 0 only if every step was as it should be.

use rpa_test_support::harness;
mod story;

use std::process::ExitCode;

use harness::{ControlCenter, Library};
use serde_json::{Value, json};
use story::Story;

fn main() -> ExitCode {
    println!("Building the library and the control center ...");
    let library = Library::load();
    let center = ControlCenter::start(&["--tls"]);
    println!("Control center: {} with a self-signed certificate", center.text("base"));
    println!(
        "Library:        {}, version {}",
        harness::built_library().file_name().unwrap_or_default().to_string_lossy(),
        library.version()
    );

    let mut story = Story::new(library);
    match tell(&mut story, &center) {
        Ok(()) => {
            println!("\nAll {} steps were as they should be.", story.steps());
            ExitCode::SUCCESS
        }
        Err(surprise) => {
            eprintln!("\nNot as it should be: {surprise}");
            ExitCode::FAILURE
        }
    }
}

fn tell(story: &mut Story, center: &ControlCenter) -> Result<(), String> {
    let call = |token: &str, mode: &str, path: &str, data: Value| {
        center.request(json!({ "rest_type": path, "mode": mode, "data_json": data, "accesstoken": token }))
    };

    let tokens = story.step(
        "Get a token, trusting the certificate by its fingerprint",
        "rpa_get_token",
        &center.token_request(),
    )?;
    let access = text(&tokens, "/result/accessToken")?;
    let refresh = text(&tokens, "/result/refreshToken")?;

    let processes = story.step(
        "Which processes are there?",
        "rpa_call",
        &call(&access, "get", "/oapi/v1/process/list", json!({})),
    )?;
    let process = text(&processes, "/result/rows/0/procCode").or_else(|_| text(&processes, "/result/0/procCode"))?;
    let robots = story.step("Which robots?", "rpa_call", &call(&access, "get", "/oapi/v1/robot/list", json!({})))?;
    let robot = text(&robots, "/result/rows/0/robotNo").or_else(|_| text(&robots, "/result/0/robotNo"))?;

    let parameters =
        json!({ "procCode": process, "robotNo": robot, "note": "月结 2020/11/30 ~ 完成 & 100%", "重试": true });
    let job = story.step(
        "Start a job with Chinese parameters",
        "rpa_call",
        &call(&access, "post", "/oapi/v1/job/create", parameters),
    )?;
    let job = text(&job, "/result/jobNo")?;

    let look = call(&access, "get", "/oapi/v1/job/get", json!({ "jobNo": job }));
    let finished = story
        .until("Follow it", "rpa_call", &look, |reply| reply.pointer("/result/status") == Some(&json!("finished")))?;
    let note = finished.pointer("/result/params/note").and_then(Value::as_str);
    if note != Some("月结 2020/11/30 ~ 完成 & 100%") {
        return Err(format!("the job's note came back as {note:?}"));
    }

    let note = json!({ "jobNo": job, "note": "已核对" });
    story.step("Change its note", "rpa_call", &call(&access, "put", "/oapi/v1/job/update", note))?;

    let refreshed =
        story.step("Refresh the token", "rpa_refresh_token", &center.request(json!({ "refreshtoken": refresh })))?;
    let access = text(&refreshed, "/result/accessToken")?;
    story.step(
        "Delete the job, with the new token",
        "rpa_call",
        &call(&access, "delete", "/oapi/v1/job/delete", json!({ "jobNo": job })),
    )?;

    let checked = json!({ "accesstoken": access, "rest_type": "/oapi/v1/job/list", "mode": "get" });
    story.diagnosis("A look from end to end: all is well", &center.request(checked), None)?;

    let mut misspelt = look.clone();
    misspelt["acesstoken"] = misspelt["accesstoken"].take();
    misspelt.as_object_mut().map(|fields| fields.remove("accesstoken"));
    story.failure("On purpose: a misspelt field", "rpa_call", &misspelt, "argument")?;

    let mut untrusted = center.token_request();
    untrusted.as_object_mut().map(|fields| fields.remove("tls"));
    story.failure("On purpose: the certificate is not trusted by default", "rpa_get_token", &untrusted, "tls")?;
    story.diagnosis("Why? The diagnosis names the cause and the setting", &untrusted, Some("tls"))
}

fn text(reply: &Value, pointer: &str) -> Result<String, String> {
    let found = reply.pointer(pointer).and_then(Value::as_str);
    found.map(str::to_owned).ok_or_else(|| format!("the reply holds no text at {pointer}"))
}
