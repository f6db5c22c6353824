//! The examples of the pages are run as they are printed, but for the control center's address and keys.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use rpa_test_support::c::{self, Language, with_its_library};
use rpa_test_support::folder::Folder;
use rpa_test_support::harness::{self, ControlCenter};
use rpa_test_support::tools::{self, skipped, succeed};
use rpa_test_support::{hosts, python, tools::in_tree};
use serde_json::Value;

use crate::page::{Page, READMES, docs};

/// The address of a control center that was started without options, as the pages give it.
const ADDRESS: &str = "http://127.0.0.1:8080";
/// What each quick start says when it is done.
const STORY: &str = "月结 2020/11/30 ~ 完成";
const LONGEST_QUICK_START: usize = 35;
/// What stands before the fingerprint in the error of a certificate that is not trusted, as the pages quote it.
const BEFORE_FINGERPRINT: &str = "has the SHA-256 fingerprint ";

/// A folder of its own with the library in it.
fn with_library(title: &str) -> Folder {
    let folder = Folder::new(&format!("pages-{}", title.replace(['/', '\\'], "-")));
    folder.paste(harness::built_library());
    folder
}

/// Python about to run a script in a folder, untouched by this machine's settings; `None` where there is none.
fn python_in(folder: &Folder, name: &str, script: &str) -> Option<Command> {
    let script = folder.write(name, script);
    let mut python = python::python(script.to_str().expect("the path is UTF-8"))?;
    // A pipe has no encoding of its own; on Windows Python would take that of the system.
    python.env("PYTHONIOENCODING", "utf-8").current_dir(folder);
    // Tokens and compiled modules stay in this folder.
    for name in ["HOME", "LOCALAPPDATA", "XDG_CACHE_HOME", "PYTHONPYCACHEPREFIX"] {
        python.env(name, folder.as_os_str());
    }
    Some(python)
}

/// An example as it is pasted, but for the address.
fn at(page: &Page, code: &str, center: &ControlCenter) -> String {
    assert_eq!(code.matches(ADDRESS).count(), 1, "{}: an example names {ADDRESS} once", page.name);
    code.replace(ADDRESS, center.text("base"))
}

fn quick_start(page: &Page, mark: &str, language: &str, center: &ControlCenter) -> String {
    let code = page.block(mark, language);
    let lines = code.lines().count();
    assert!(lines <= LONGEST_QUICK_START, "{}: the quick start {language} has {lines} lines", page.name);
    at(page, code, center)
}

fn assert_told(what: &str, told: &str, output: &Output) {
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{what}: {}\n{stdout}\n{stderr}", output.status);
    assert!(stdout.contains(told), "{what} did not print {told:?}:\n{stdout}\n{stderr}");
    assert!(stderr.is_empty(), "{what} says on stderr: {stderr}");
}

#[test]
fn python_quick_starts_run_as_printed() {
    if !cfg!(any(windows, target_os = "linux")) {
        return skipped("the Python quick start names the library of Windows or Linux");
    }
    for page in READMES.map(Page::read) {
        let folder = with_library(&format!("python-{}", page.name));
        let center = ControlCenter::start(&[]);
        let script = quick_start(&page, "quick start: python", "python", &center);
        let Some(mut python) = python_in(&folder, "quick_start.py", &script) else { return };
        assert_told(&format!("{}: Python", page.name), STORY, &python.output().unwrap());
    }
}

#[test]
fn c_quick_starts_run_as_printed() {
    if !cfg!(target_os = "linux") {
        return skipped("the commands of the C quick start are for Linux");
    }
    let compiler =
        env::var("CC").ok().filter(|compiler| !compiler.trim().is_empty()).unwrap_or_else(|| "cc".to_owned());
    let shell = |commands: &str| {
        let mut shell = Command::new("sh");
        shell.args(["-ec", commands]);
        // Cargo points this at its own build, and it comes before the path that the commands give.
        with_its_library(&mut shell);
        shell
    };
    if !shell(&format!("{compiler} --version")).output().is_ok_and(|output| output.status.success()) {
        return skipped(&format!("the C quick start: the C compiler {compiler} does not run"));
    }
    for page in READMES.map(Page::read) {
        let folder = with_library(&format!("c-{}", page.name));
        folder.paste(&in_tree("include/rpa_openapi.h"));
        let center = ControlCenter::start(&[]);
        folder.write("quick_start.c", &quick_start(&page, "quick start: c", "c", &center));
        let commands = page.block("quick start: c commands", "sh");
        let commands = commands.strip_prefix("gcc ").unwrap_or_else(|| panic!("{}: gcc must come first", page.name));
        let output = shell(&format!("{compiler} {commands}")).current_dir(&folder).output().unwrap();
        assert_told(&format!("{}: C", page.name), STORY, &output);
    }
}

#[test]
fn the_python_client_runs_as_printed() {
    for page in docs("languages.md") {
        let folder = with_library(&format!("client-{}", page.name));
        folder.paste(&in_tree("examples/python/isrpa_openapi.py"));
        let center = ControlCenter::start(&[]);
        let script = at(&page, page.block("client: python", "python"), &center);
        let Some(mut python) = python_in(&folder, "client.py", &script) else { return };
        assert_told(&format!("{}: Python", page.name), "jobNo", &python.output().unwrap());
    }
}

#[test]
fn the_cpp_client_runs_as_printed() {
    if c::on_windows() {
        return;
    }
    for page in docs("languages.md") {
        let folder = with_library(&format!("cpp-{}", page.name));
        folder.paste(&in_tree("include/rpa_openapi.h"));
        folder.paste(&in_tree("examples/cpp/rpa_openapi.hpp"));
        let Some(mut compile) = Language::Cpp.compile("c++11") else {
            return skipped("the C++ example: there is no C++ compiler");
        };
        let center = ControlCenter::start(&[]);
        let source = folder.write("client.cpp", &at(&page, page.block("client: cpp", "cpp"), &center));
        let program = folder.join("client");
        compile.arg("-I").arg(folder.as_os_str());
        c::link(compile, &source, &folder, &program);
        let output = succeed(with_its_library(&mut Command::new(program)), &page.name);
        assert_told(&format!("{}: C++", page.name), "\"code\":0", &output);
    }
}

#[test]
fn the_other_clients_run_as_printed() {
    type Build = fn(&Path, &str) -> Option<Command>;
    let clients: [(&str, &str, &str, Build); 4] = [
        ("csharp", "csharp", "Program.cs", hosts::csharp),
        ("java", "java", "Program.java", hosts::java),
        ("node", "js", "program.js", hosts::node),
        ("go", "go", "main.go", |folder, _| hosts::go(folder)),
    ];
    for page in docs("languages.md") {
        for (mark, language, file, build) in clients {
            let folder = with_library(&format!("{mark}-{}", page.name));
            let center = ControlCenter::start(&[]);
            folder.write(file, &at(&page, page.block(&format!("client: {mark}"), language), &center));
            let Some(mut program) = build(&folder, file) else { continue };
            let output = succeed(with_its_library(&mut program), &page.name);
            assert_told(&format!("{}: {mark}", page.name), "code 0", &output);
        }
    }
}

/// `GlobalFun.py` with the settings as a page prints them, but for the values.
fn global_fun(page: &Page, center: &ControlCenter) -> String {
    let mut file = fs::read_to_string(in_tree("examples/robot/GlobalFun.py")).unwrap();
    let printed: Vec<&str> = page.block("robot: settings", "python").lines().collect();
    let names: Vec<&str> = printed.iter().map(|line| line.split(" = '").next().unwrap_or(line)).collect();
    assert_eq!(names, ["RPA_HOST", "RPA_ACCESSKEY", "RPA_SECRETKEY"], "{}", page.name);
    for (name, fact) in names.into_iter().zip(["base", "accesskey", "secretkey"]) {
        file = set(&file, name, "''", &format!("'{}'", center.text(fact)));
    }
    // Straight to this machine, whatever it is set to.
    set(&file, "RPA_PROXY", "'system'", "'none'")
}

/// Fills in a setting, as a reader of the page does.
fn set(file: &str, name: &str, present: &str, value: &str) -> String {
    let line = format!("\n{name} = {present}\n");
    assert_eq!(file.matches(&line).count(), 1, "GlobalFun.py has the setting {name} = {present}");
    file.replace(&line, &format!("\n{name} = {value}\n"))
}

/// What the first call returns in a robot's folder, as the page prints it; `None` without Python.
fn first_call(page: &Page, folder: &Folder) -> Option<Value> {
    let call = page.block("robot: first call", "python");
    assert!(call.ends_with("print(reply)\n"), "{}: {call}", page.name);
    let script = format!("import GlobalFun\n{call}\nimport json, sys\nsys.stderr.write(json.dumps(reply))\n");
    let mut python = python_in(folder, "main.py", &script)?;
    // A file that is edited twice within a second would be taken from the cache.
    let output = python.env("PYTHONDONTWRITEBYTECODE", OsStr::new("1")).output().unwrap();
    assert!(output.status.success(), "{}: {}", page.name, tools::said(&output));
    Some(serde_json::from_slice(&output.stderr).unwrap_or_else(|_| panic!("{}", tools::said(&output))))
}

#[test]
fn the_pages_on_certificates_quote_where_the_fingerprint_stands() {
    for page in docs("certificates.md") {
        assert!(page.text.contains(BEFORE_FINGERPRINT.trim_end()), "{} says where the fingerprint is", page.name);
    }
}

/// The line that is pasted when something fails prints what the page shows: a beginning, a verdict, whose turn it is.
#[test]
fn a_robots_diagnosis_prints_what_the_page_shows() {
    for page in docs("robot.md") {
        let folder = with_library(&format!("diagnosis-{}", page.name));
        let center = ControlCenter::start(&["--tls"]);
        folder.write("GlobalFun.py", &global_fun(&page, &center));
        let line = page.block("robot: diagnose", "python");
        assert_eq!(line.lines().count(), 1, "{}", page.name);
        let Some(mut python) = python_in(&folder, "main.py", &format!("import GlobalFun\n{line}")) else { return };
        let printed = python.env("PYTHONIOENCODING", OsStr::new("utf-8")).output().unwrap();
        let (status, printed) = (printed.status, tools::said(&printed));
        assert!(status.success(), "{}: {printed}", page.name);
        let shown: Vec<&str> = page.block("robot: diagnosis", "text").lines().collect();
        // An address that is no name has no lookup to show.
        let shown = shown.into_iter().filter(|line| !line.contains(" dns: "));
        // What stands before the first dots and the first blanks is as printed.
        for line in shown {
            let end = line.find("...").into_iter().chain(line.find("  2026")).min().unwrap_or(line.len());
            let begin = line[..end].split('"').next().unwrap_or_default();
            assert!(printed.lines().any(|line| line.starts_with(begin)), "{}: {line}: {printed}", page.name);
        }
        assert!(
            !printed.contains(center.text("secretkey")) && !printed.contains(center.text("accesskey")),
            "{printed}"
        );
    }
}

/// Two files, three settings, the fingerprint from the first failure, and the call of one line.
#[test]
fn a_robots_first_call_works_as_printed() {
    let [english, chinese] = docs("robot.md");
    for page in [Page::read(READMES[1]), english, chinese] {
        let folder = with_library(&format!("robot-{}", page.name));
        let center = ControlCenter::start(&["--tls"]);
        let file = global_fun(&page, &center);
        folder.write("GlobalFun.py", &file);
        let Some(refused) = first_call(&page, &folder) else { return };
        assert_eq!(refused["error"]["kind"], "tls", "{}: {refused}", page.name);
        let msg = refused["msg"].as_str().expect("an error has a msg");
        let detail = refused["error"]["detail"].as_str().expect("an error has a detail");
        let fingerprint = center.text("fingerprint");
        assert!(msg.contains(fingerprint), "{}: {msg}", page.name);
        // Where other callers find it, as the pages on certificates quote it.
        assert!(detail.contains(&format!("{BEFORE_FINGERPRINT}{fingerprint}")), "{}: {detail}", page.name);
        folder.write("GlobalFun.py", &set(&file, "RPA_CERT_SHA256", "''", &format!("'{fingerprint}'")));
        let reply = first_call(&page, &folder).expect("Python is there");
        assert_eq!(reply["code"], 0, "{}: {reply}", page.name);
        assert!(reply["result"]["jobNo"].is_string(), "{}: {reply}", page.name);
    }
}
