//! C#, by Mono.

use std::fs;
use std::path::Path;
use std::process::Command;

use rpa_test_support::c::with_its_library;
use rpa_test_support::tools::{said, succeed};
use rpa_test_support::{counting, hosts};
use serde_json::Value;

use super::{Pasted, check, check_clients};

fn mono(program: &Path) -> Command {
    let mut command = Command::new("mono");
    command.arg(program);
    command
}

#[test]
fn csharp_tells_the_story() {
    let pasted = Pasted::new("csharp", &["examples/csharp/Story.cs"]);
    if hosts::csharp(&pasted.0, "Story.cs").is_none() {
        return;
    }
    let program = pasted.path("Story.exe");
    check("C#", || mono(&program));
    // Where the system's language has no Chinese.
    check("C# in a plain locale", || {
        let mut command = mono(&program);
        command.env("LC_ALL", "C");
        command
    });

    // Without the library it says so.
    fs::remove_file(pasted.library()).unwrap();
    let output = with_its_library(mono(&program).args(["http://127.0.0.1:1", "-", "-"])).output().expect("mono runs");
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(said(&output).contains("The library rpa_openapi cannot be loaded. This process is "), "{}", said(&output));
}

/// A program reads one shape of error, whether the library made it or is not there to make one.
#[test]
fn csharp_tells_of_a_library_that_is_missing_or_wrong_in_a_reply() {
    let pasted = Pasted::new("csharp-unloaded", &[]);
    pasted.write("Each.cs", include_str!("programs/Each.cs"));
    if hosts::csharp(&pasted.0, "Each.cs").is_none() {
        return;
    }
    let program = pasted.path("Each.exe");
    let library = pasted.library();
    let bits = usize::BITS;
    let replies = || {
        let output = succeed(with_its_library(&mut mono(&program)), "Each.cs");
        let lines = String::from_utf8(output.stdout).unwrap();
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<Value>>()
    };
    let of_the_library = replies();
    let absent = format!("请把{bits}位的放在程序旁边");
    let cases: [(&str, &dyn Fn(), &str); 3] = [
        ("missing", &|| fs::remove_file(&library).unwrap(), &absent),
        ("garbage", &|| fs::write(&library, "no library").unwrap(), &absent),
        ("too old", &|| counting::compile_source(&library, "int rpa_version;"), "版本太旧"),
    ];
    for (what, prepare, part) in cases {
        prepare();
        for (reply, usual) in replies().iter().zip(&of_the_library) {
            let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
            assert_eq!((keys(reply), keys(&reply["error"])), (keys(usual), keys(&usual["error"])), "{what}: {reply}");
            let error = &reply["error"];
            assert_eq!((&error["kind"], &error["delivered"]), (&"internal".into(), &"no".into()), "{what}: {reply}");
            let detail = error["detail"].as_str().unwrap();
            assert!(detail.contains(&format!("This process is {bits}-bit.")) && detail.is_ascii(), "{what}: {reply}");
            assert!(reply["msg"].as_str().unwrap().contains(part), "{what}: {reply}");
        }
        let begins = ["fail,意外情况:", "fail,意外情况:", "fail,获取token失败:", "fail,刷新token失败:"];
        for (reply, begin) in replies().iter().zip(begins) {
            assert!(reply["msg"].as_str().unwrap().starts_with(begin), "{reply}");
            assert_eq!(reply["code"], if begin.contains("token") { 44 } else { 40 }, "{reply}");
        }
    }
}

#[test]
fn csharp_takes_any_text_from_any_thread() {
    let pasted = Pasted::new("csharp-edges", &[]);
    pasted.write("Edges.cs", include_str!("programs/Edges.cs"));
    if hosts::csharp(&pasted.0, "Edges.cs").is_none() {
        return;
    }
    let program = pasted.path("Edges.exe");
    succeed(with_its_library(&mut mono(&program)), "Edges.cs");
}

#[test]
fn the_client_in_csharp_waits_fails_and_tells() {
    let pasted = Pasted::new("csharp-client", &[]);
    pasted.write("Clients.cs", include_str!("programs/Clients.cs"));
    if hosts::csharp(&pasted.0, "Clients.cs").is_none() {
        return;
    }
    let program = pasted.path("Clients.exe");
    check_clients("C#", mono(&program));
}
