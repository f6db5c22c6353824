//! `examples/python` as people copy it: `isrpa_openapi.py` and `story.py` in a folder of their own, with the library.
#![cfg(unix)]

use rpa_test_support::{counting, folder, harness, issuer, python, server, tools};

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use folder::Folder;
use harness::ControlCenter;
use serde_json::{Value, json};
use server::Server;
use tools::{in_tree, said};

const STORY: [&str; 5] = [
    "token: ok",
    "job started: ok",
    "job read back: 月结 & 100% 完成",
    "token refreshed: ok",
    "refused on purpose: argument acesstoken",
];

/// The beginning of a script: a client that has logged in. What it puts into `shown` is its result.
const BEGIN: &str = r#"# -*- coding: utf-8 -*-
import datetime, decimal, json, os, sys, threading
import isrpa_openapi
from isrpa_openapi import Client, RpaError

facts, shown = json.loads(sys.argv[1]), []
keys = facts["accesskey"], facts["secretkey"]

def client(**more):
    made = Client(facts["base"], pin_sha256=facts["fingerprint"], proxy=None, **more)
    made.login(*keys)
    return made

def raised(work):
    try:
        return ["returned", work()]
    except RpaError as error:
        return [error.kind, error.field, error.delivered, error.code]
    except (OSError, ValueError) as error:
        return [type(error).__name__, str(error)]
"#;

/// A folder with what a Python program needs.
struct Host(Folder);

impl Host {
    /// The two files, and the library.
    fn new(name: &str) -> Host {
        let host = Host::without_library(name);
        host.0.paste(harness::built_library());
        host
    }

    fn without_library(name: &str) -> Host {
        let folder = Folder::new(&format!("python_host {name}"));
        for file in ["isrpa_openapi.py", "story.py"] {
            folder.paste(&in_tree("examples/python").join(file));
        }
        Host(folder)
    }

    fn library(&self) -> PathBuf {
        self.0.join(harness::built_library().file_name().unwrap())
    }

    /// Python with a script of this folder, run from another.
    fn python(&self, script: &str) -> Option<Command> {
        let mut command = python::python(self.0.join(script).to_str().unwrap())?;
        for (name, _) in env::vars_os() {
            let text = name.to_string_lossy().to_ascii_lowercase();
            if text.ends_with("_proxy")
                || text.starts_with("python")
                || text.starts_with("rpa_")
                || text == "ld_library_path"
            {
                command.env_remove(&name);
            }
        }
        command.current_dir(env::temp_dir());
        Some(command)
    }

    /// Runs `BEGIN` and these lines; what they have shown, or nothing where there is no Python.
    fn run(&self, center: &ControlCenter, lines: &str, variables: &[(&str, &Path)]) -> Option<Value> {
        let mut command = self.python("script.py")?;
        let script = format!("{BEGIN}\n{lines}\nprint(json.dumps(shown))\n");
        self.0.write("script.py", &script);
        command.envs(variables.iter().copied()).arg(center.facts.to_string());
        let output = command.output().expect("python3 starts");
        assert!(output.status.success(), "{}", said(&output));
        Some(serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", said(&output))))
    }
}

#[test]
fn the_story_is_told() {
    let host = Host::new("story");
    let mut expected = format!("version {}\n", env!("CARGO_PKG_VERSION"));
    STORY.iter().for_each(|line| expected += &format!("{line}\n"));
    for (options, fingerprint) in [(&["--tls"][..], None), (&["--token-shape", "array"][..], Some("-"))] {
        let center = ControlCenter::start(options);
        // The second is a console of Chinese Windows, as far as Python here can be made to think so.
        for encoding in ["utf-8", "gbk"] {
            let Some(mut story) = host.python("story.py") else { return };
            let fingerprint = fingerprint.unwrap_or(center.text("fingerprint"));
            story.args([center.text("base"), fingerprint]).env("PYTHONIOENCODING", encoding);
            let output = story.output().unwrap();
            assert!(output.status.success(), "{}", said(&output));
            assert_eq!(said(&output), expected, "{options:?}");
        }
    }
}

#[test]
fn the_story_says_what_is_wrong() {
    let host = Host::new("wrong story");
    let center = ControlCenter::start(&["--tls"]);
    let base = center.text("base");
    let (right, wrong) = (center.text("fingerprint"), "00".repeat(32));
    for (arguments, expected) in [
        (&[base, &wrong][..], "not as it should be: tls: "),
        (&["http://127.0.0.1:1", "-"], "not as it should be: connect: "),
        (&[base, right, "demo-access-key", "x"], "not as it should be: the token: "),
        (&[base], "python story.py"),
    ] {
        let Some(mut story) = host.python("story.py") else { return };
        let output = story.args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {}", said(&output));
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(stderr.contains(expected) && !stderr.contains("Traceback"), "{arguments:?}: {stderr}");
    }
}

#[test]
fn a_client_returns_replies_and_raises_errors() {
    let host = Host::new("client");
    let center = ControlCenter::start(&["--tls"]);
    let lines = r#"
me = client(timeout_ms=20000, headers={"X-Gateway": "g"})
first = me.token
shown.append([me.refresh()["code"], me.token != first, first in repr(me)])
data = {"日期": datetime.date(2020, 11, 30), "金额": decimal.Decimal("1.10"), "中": "文", "n": 1e16}
for method in (me.get, me.post, me.put, me.delete):
    result = method("/oapi/v1/echo", data)["result"]
    pairs = dict(result["query"]) if result["method"] == "GET" else json.loads(result["body"])
    shown.append([result["method"], pairs, result["headers"]["x-gateway"]])
shown.append(me.get("/oapi/v1/job/get", {"jobNo": "x"})["code"])
for error in ({"kind": 1}, "a kind word, delivered", 7, None):
    shown.append(me.post("/oapi/v1/reply", {"body": json.dumps({"error": error})}))
shown.append(me.post("/oapi/v1/reply", {"body": "[1]"}))
shown.append(Client(facts["base"], verify=False, proxy=None).login("x", "y")["code"])
shown.append(raised(lambda: me.post("/oapi/v1/reply", {"body": "<html>"})))
shown.append(raised(lambda: me.get("no slash")))
shown.append(raised(lambda: Client("http://127.0.0.1:1", proxy=None).login(*keys)))
shown.append(raised(lambda: Client(facts["base"], proxy=None).login(*keys)))
shown.append(raised(lambda: Client(facts["base"], proxy=None, colour="red").get("/x")))
shown.append(raised(lambda: Client(facts["base"], proxy=None).get("/x")))
shown.append(raised(lambda: Client(facts["base"], proxy=None).refresh()))
shown.append(me.raw("call", rest_type="/x", mode="get", acesstoken="t")["error"]["field"])
request = {"host": "https://h", "rest_type": "/a", "mode": "get", "accesstoken": "9f2c4b7e1d5a48c0b3e6a7d812f45c90",
           "data_json": {"procCode": "P001", "pageNum": 1, "pageSize": 20}, "timestamp": 1606694400000}
shown.append(isrpa_openapi.sign(request)["result"]["signature"])
shown.append([isrpa_openapi.call({})["code"], isrpa_openapi.get_token({})["code"], isrpa_openapi.refresh_token({})["code"]])
shown.append(raised(lambda: me.raw("free"))[0])
"#;
    let Some(shown) = host.run(&center, lines, &[]) else { return };
    let pairs = json!({ "日期": "2020-11-30", "金额": "1.10", "中": "文", "n": "1e+16" });
    let expected = json!([
        [0, true, false],
        ["GET", pairs, "g"],
        ["POST", pairs, "g"],
        ["PUT", pairs, "g"],
        ["DELETE", pairs, "g"],
        103,
        { "error": { "kind": 1 } },
        { "error": "a kind word, delivered" },
        { "error": 7 },
        { "error": null },
        [1],
        401,
        ["response", null, "yes", 40],
        ["argument", "rest_type", "no", 41],
        ["connect", null, "no", 44],
        ["tls", null, "no", 44],
        ["argument", "colour", "no", 41],
        ["argument", "accesstoken", "no", 41],
        ["argument", "refreshtoken", "no", 44],
        "acesstoken",
        "MDdjYTc1YTUxNjdkMGFlNjQxYWFjNTA2MmUzMzc3MzRhNzg2NWY2ZTBhZjRlMDJlOThjODFkNjMyMTMwZDEwMw==",
        [41, 44, 44],
        "ValueError",
    ]);
    for (found, expected) in shown.as_array().unwrap().iter().zip(expected.as_array().unwrap()) {
        assert_eq!(found, expected);
    }
    assert_eq!(shown.as_array().unwrap().len(), expected.as_array().unwrap().len());
}

/// With keys there is no login; another process finds the token in the file.
#[test]
fn a_client_with_keys_needs_no_login() {
    let host = Host::new("keys");
    let (center, server) = (ControlCenter::start(&[]), issuer::start());
    let lines = r#"
def by_keys(store, host="ISSUER", **more):
    return Client(host, **dict(dict(accesskey=keys[0], secretkey=keys[1], token_store=store, proxy=None), **more))

def sent(me):
    return me.post("/x", {"中": "文"})["result"]

file = {"file": os.path.join(os.path.dirname(os.path.abspath(__file__)), "令牌", "token.json")}
me = by_keys(file)
shown.append(sent(me))
shown.append([sent(by_keys(file, token_ttl_ms=5000, token_refused={"code": [7]})) == shown[0], me.token])
shown.append([sent(by_keys("memory")), sent(by_keys(None))])
me.login(*keys)
shown.append([sent(me) == me.token, me.token, me.refresh()["code"], sent(me) == me.token])
shown.append(sent(by_keys(file)))
shown.append(by_keys(file, facts["base"], secretkey="wrong").get("/oapi/v1/echo")["code"])
shown.append(raised(lambda: by_keys("disk").get("/x")))
shown.append(raised(lambda: by_keys(None, secretkey=None).get("/x")))
shown.append(raised(lambda: Client(facts["base"], proxy=None, token_store=file).get("/x")))
try:
    by_keys(file, facts["base"]).post("/oapi/v1/reply", {"body": "<html>"})
except RpaError as error:
    shown.append([error.kind, error.token["source"], error.token["renewed"]])
try:
    Client("http://127.0.0.1:1", proxy=None).get("/x")
except RpaError as error:
    shown.append(error.token)
"#;
    let lines = lines.replace("ISSUER", &server.url());
    let Some(shown) = host.run(&center, &lines, &[]) else { return };
    let expected = json!([
        "token1",
        [true, null],
        ["token2", "token2"],
        [true, "token3", 0, true],
        "token5",
        401,
        ["argument", "token_store", "no", 41],
        ["argument", "secretkey", "no", 41],
        ["argument", "accesskey", "no", 41],
        ["response", "server", false],
        null,
    ]);
    assert_eq!(shown, expected);
    let again = host.run(&center, &lines, &[]).unwrap();
    assert_eq!(again[0], "token5", "found in the file by another process");
}

#[test]
fn eight_threads_share_a_client() {
    let host = Host::new("threads");
    let center = ControlCenter::start(&["--tls"]);
    let lines = r#"
me, results = [], []
ready = threading.Barrier(8)

def work(number):
    ready.wait()
    mine = client()  # the first of all loads the library
    me.append(mine)
    ready.wait()
    for turn in range(25):
        value = "{} 月结 {}".format(number, turn)
        reply = me[0].post("/oapi/v1/echo", {"v": value})
        results.append(json.loads(reply["result"]["body"]) == {"v": value})
        if number == 0 and turn % 10 == 9:
            me[0].refresh()

threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
shown += [len(results), all(results)]
"#;
    let Some(shown) = host.run(&center, lines, &[]) else { return };
    assert_eq!(shown, json!([200, true]));
}

#[test]
fn the_library_is_found_beside_the_module_or_by_the_environment() {
    let host = Host::without_library("finding");
    let center = ControlCenter::start(&[]);
    let version = "shown.append(raised(isrpa_openapi.version))";
    let variable = "RPA_OPENAPI_LIBRARY";
    let here = json!([["returned", env!("CARGO_PKG_VERSION")]]);

    let Some(missing) = host.run(&center, version, &[]) else { return };
    let said = missing[0][1].as_str().unwrap();
    let bitness = format!("{}-bit", usize::BITS);
    let name = host.library().file_name().unwrap().to_str().unwrap().to_owned();
    for part in [&name, host.0.to_str().unwrap(), &bitness] {
        assert!(said.contains(part), "{part}: {said}");
    }

    assert_eq!(host.run(&center, version, &[(variable, harness::built_library())]).unwrap(), here);

    // What is among the system's libraries comes last.
    let folder = [("LD_LIBRARY_PATH", harness::built_library().parent().unwrap())];
    assert_eq!(host.run(&center, version, &folder).unwrap(), here);

    // The variable wins over what lies beside, and does not fall back to it.
    let machine = if usize::BITS == 64 { "x64" } else { "x86" };
    fs::create_dir_all(host.0.join(machine)).unwrap();
    for beside in [host.0.join(machine).join(&name), host.library()] {
        fs::copy(harness::built_library(), &beside).unwrap();
        assert_eq!(host.run(&center, version, &[]).unwrap(), here, "{}", beside.display());
        let garbage = host.0.join("garbage");
        fs::write(&garbage, "no library").unwrap();
        for wrong in [&garbage, &host.0.join("nothing")] {
            let refused = host.run(&center, version, &[(variable, wrong)]).unwrap();
            let said = refused[0][1].as_str().unwrap();
            assert_eq!(refused[0][0], "OSError");
            assert!(said.contains(wrong.to_str().unwrap()) && said.contains(&bitness), "{said}");
        }
        fs::remove_file(beside).unwrap();
    }
}

/// An older library, or another one, is told as what it is, and not by what it lacks alone.
#[test]
fn a_library_that_lacks_a_function_is_told() {
    let host = Host::without_library("older");
    counting::compile_source(&host.library(), "char *rpa_call(const char *request) { return 0; }");
    let center = ControlCenter::start(&[]);
    let Some(shown) = host.run(&center, "shown.append(raised(lambda: isrpa_openapi.call({})))", &[]) else { return };
    assert_eq!(shown[0][0], "OSError");
    let said = shown[0][1].as_str().unwrap();
    for part in [host.library().to_str().unwrap(), "it lacks rpa_get_token", &format!("{}-bit", usize::BITS)] {
        assert!(said.contains(part), "{part}: {said}");
    }
}

/// What the library gets, shown by one in its place that returns the request.
#[test]
fn fields_reach_the_library_only_where_they_were_given() {
    let host = Host::without_library("fields");
    let source = r#"
#include <stdlib.h>
#include <string.h>
char *rpa_call(const char *request) { return strdup(request); }
char *rpa_sign(const char *request) { return strdup(request); }
char *rpa_get_token(const char *request) { return strdup(request); }
char *rpa_refresh_token(const char *request) { return strdup(request); }
const char *rpa_version(void) { return "0"; }
void rpa_free(char *reply) { free(reply); }
"#;
    counting::compile_source(&host.library(), source);
    let center = ControlCenter::start(&[]);
    let lines = r#"
shown.append(Client("http://h", accesskey="a", secretkey="b").get("/x"))
new = {"query": "none", "empty_ok": True, "correct_clock": False, "pin_sha256": ["ab", "cd"], "encoding": "java", "generation": "2020.5"}
shown.append(Client("http://h", accesskey="a", secretkey="b", **new).post("/x", {"n": 1}))
shown.append(Client("http://h", **new).raw("get_token", accesskey="a", secretkey="b"))
"#;
    let Some(shown) = host.run(&center, lines, &[]) else { return };
    let fields = |shown: &Value| shown.as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(" ");
    let usual =
        "accesskey connect_timeout_ms data_json host mode rest_type retry retry_mode secretkey timeout_ms tls values";
    assert_eq!(fields(&shown[0]), usual);
    assert_eq!(
        (&shown[1]["query"], &shown[1]["empty_ok"], &shown[1]["correct_clock"]),
        (&json!("none"), &json!(true), &json!(false))
    );
    let (pins, java) = (json!(["ab", "cd"]), json!("java"));
    assert_eq!(
        (&shown[1]["tls"]["pin_sha256"], &shown[1]["encoding"], &shown[1]["meta"]),
        (&pins, &java, &Value::Null)
    );
    assert_eq!(fields(&shown[2]), "accesskey connect_timeout_ms generation host retry secretkey timeout_ms tls");
}

/// The module's own units, which need no library.
#[test]
fn the_units_of_the_module_hold() {
    let host = Host::without_library("units");
    let Some(mut command) = host.python(in_tree("tests/python/module.py").to_str().unwrap()) else { return };
    let output = command.env("PYTHONDONTWRITEBYTECODE", "1").arg(host.0.as_os_str()).output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    assert!(said(&output).contains("\nOK"), "{}", said(&output));
}

/// A library of version 0.2.0 that answers calls and diagnoses with these.
fn modern(host: &Host, call: &Value, diagnosis: &Value) {
    let source = format!(
        r#"
#include <stdlib.h>
#include <string.h>
static const char *CALL = {:?}, *DIAGNOSIS = {:?};
static char *show(const char *answer, const char *request) {{ return strdup(*answer ? answer : request); }}
char *rpa_call(const char *request) {{ return show(CALL, request); }}
char *rpa_sign(const char *request) {{ return strdup(request); }}
char *rpa_get_token(const char *request) {{ return show(CALL, request); }}
char *rpa_refresh_token(const char *request) {{ return strdup(request); }}
char *rpa_diagnose(const char *request) {{ return show(DIAGNOSIS, request); }}
const char *rpa_version(void) {{ return "0.2.0"; }}
void rpa_free(char *reply) {{ free(reply); }}
"#,
        if call.is_null() { String::new() } else { call.to_string() },
        if diagnosis.is_null() { String::new() } else { diagnosis.to_string() },
    );
    counting::compile_source(&host.library(), &source);
}

#[test]
fn facts_are_asked_for_and_warnings_handed_to_python() {
    let host = Host::without_library("facts");
    let warning = json!({ "kind": "clock", "zh": "时钟慢了", "en": "the clock is slow" });
    let meta = json!({ "id": "i1", "peer": "10.0.0.5:443", "elapsed_ms": 3, "warnings": [warning] });
    modern(&host, &json!({ "reply": { "code": 0, "result": ["a", "r"] }, "meta": meta }), &Value::Null);
    let center = ControlCenter::start(&[]);
    let lines = r#"
import asyncio, logging, warnings
heard, facts = [], []
class Kept(logging.Handler):
    def emit(self, record): heard.append([record.levelname, record.getMessage(), record.rpa["id"]])
logging.getLogger("isrpa_openapi").addHandler(Kept())
logging.getLogger("isrpa_openapi").setLevel("DEBUG")
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    with Client("http://h", accesskey="a", secretkey="b", on_meta=facts.append) as me:
        shown.append(me.get("/x"))
        shown.append([me.last_meta["peer"], len(facts)])
        me.login("a", "b")
        shown.append(me.token)
    async def work():
        async with isrpa_openapi.AsyncClient("http://h", accesskey="a", secretkey="b") as me:
            return [await me.post("/x"), (await me.login("a", "b"))["code"], me.token]
    loop = asyncio.new_event_loop()
    shown.append(loop.run_until_complete(work()))
    loop.close()
    shown.append(sorted({(one.category.__name__, str(one.message), one.message.zh, os.path.basename(one.filename)) for one in caught}))
shown.append(heard[:2])
with warnings.catch_warnings():
    warnings.simplefilter("error")
    shown.append(Client("http://h").get("/x")["code"])
"#;
    let Some(shown) = host.run(&center, lines, &[]) else { return };
    let reply = json!({ "code": 0, "result": ["a", "r"] });
    assert_eq!((&shown[0], &shown[1], &shown[2]), (&reply, &json!(["10.0.0.5:443", 1]), &json!("a")));
    assert_eq!(shown[3], json!([reply, 0, "a"]));
    for one in shown[4].as_array().unwrap() {
        assert_eq!([&one[0], &one[1], &one[2]], ["RpaWarning", "the clock is slow", "时钟慢了"], "{shown}");
    }
    assert_eq!(shown[4][shown[4].as_array().unwrap().len() - 1][3], "script.py", "told of the caller's line: {shown}");
    assert_eq!(shown[5], json!([["DEBUG", "None i1: 3 ms", "i1"], ["WARNING", "clock: the clock is slow", "i1"]]));
    assert_eq!(shown[6], 0);
}

/// `meta` and the fields of one call, and what runs and pages are made of.
#[test]
fn a_modern_library_is_asked_for_what_it_knows() {
    let host = Host::without_library("modern");
    modern(&host, &Value::Null, &Value::Null);
    let center = ControlCenter::start(&[]);
    let lines = r#"
me = Client("http://h", accesskey="a", secretkey="b", signature_refused={"code": [7]})
wait = {"rest_type": "/y", "until": [{"pointer": "/result/status", "in": [1]}]}
shown.append(me.post("/x", {"n": 1}, files={"f": "p"}, save_to="s"))
shown.append(me.run("/x", {"n": 1}, wait))
shown.append(me.run("/x", wait=wait, resume="r", mode="put"))
shown.append(me.pages("/x", {"n": 1}, items="/list", timeout_ms=9))
shown.append(me.diagnose("/x", get_token=True))
shown.append(me.diagnose())
shown.append(Client("http://h", meta=False).get("/x"))
shown.append(Client("http://h", generation="10.3", appkey="k").get("/x"))
shown.append(me.raw("call", rest_type="/x"))
"#;
    let Some(shown) = host.run(&center, lines, &[]) else { return };
    let of = |place: usize, names: &str| names.split(' ').map(|name| shown[place][name].clone()).collect::<Value>();
    assert_eq!(
        of(0, "meta files save_to mode signature_refused"),
        json!([true, { "f": "p" }, "s", "post", { "code": [7] }])
    );
    let wait = json!({ "rest_type": "/y", "until": [{ "pointer": "/result/status", "in": [1] }] });
    assert_eq!(of(1, "wait mode data_json resume"), json!([wait, "post", { "n": 1 }, null]));
    assert_eq!(of(2, "wait mode resume"), json!([wait, null, "r"]));
    let pages =
        json!({ "page": "pageNum", "size": "pageSize", "items": "/list", "total": ["/result/total", "/total"] });
    assert_eq!(of(3, "pages mode timeout_ms data_json"), json!([pages, "get", 9, { "n": 1 }]));
    assert_eq!(of(4, "mode rest_type get_token accesskey meta"), json!(["get", "/x", true, "a", null]));
    assert_eq!(of(5, "mode rest_type accesskey"), json!([null, null, "a"]));
    assert_eq!(of(6, "meta"), json!([null]));
    assert!(shown[7].get("accesstoken").is_none() && shown[7]["appkey"] == "k", "{shown}");
    assert_eq!(of(8, "meta accesskey"), json!([null, null]));
}

/// Nothing is given but what to start and what to list.
#[test]
fn jobs_and_pages_work_out_of_the_box_with_the_emulated_control_center() {
    let host = Host::new("out of the box");
    let center = ControlCenter::start(&["--job-millis", "100"]);
    let lines = r#"
me = Client(facts["base"], accesskey=keys[0], secretkey=keys[1], proxy=None)
data = {"procCode": "P001", "robotNo": "Administrator@0A1B2C3D4E5F"}
shown.append(me.run("/oapi/v1/job/create", data)["result"]["reply"]["result"]["status"])
for number in range(4):
    me.post("/oapi/v1/job/create", data)
shown.append(len(me.pages("/oapi/v1/job/list", {"pageSize": 2})["result"]["rows"]))
"#;
    let Some(shown) = host.run(&center, lines, &[]) else { return };
    assert_eq!(shown, json!(["finished", 5]));
}

/// The command line, as `python isrpa_openapi.py` and as `python -m isrpa_openapi`.
#[test]
fn the_command_line_diagnoses_calls_and_signs() {
    let host = Host::new("command line");
    let center = ControlCenter::start(&["--tls"]);
    let keys = [("RPA_ACCESSKEY", center.text("accesskey")), ("RPA_SECRETKEY", center.text("secretkey"))];
    let run = |arguments: &[&str], variables: &[(&str, &str)]| {
        let mut command = host.python("isrpa_openapi.py")?;
        command.args(arguments).envs(variables.iter().copied()).env("PYTHONIOENCODING", "utf-8");
        let output = command.current_dir(&host.0).output().unwrap();
        Some((
            output.status.code().unwrap(),
            serde_json::from_slice(&output.stdout).unwrap_or(Value::Null),
            said(&output),
        ))
    };
    let pin = format!("tls.pin_sha256={}", center.text("fingerprint"));
    let base = ["--host", center.text("base"), "--set", &pin, "--set", "proxy=null"];
    let with = |rest: &[&'static str]| [&rest[..1], &base[..], &rest[1..]].concat();
    let Some((status, reply, told)) = run(&with(&["call", "post", "/oapi/v1/echo", r#"{"a": "中"}"#]), &keys) else {
        return;
    };
    assert_eq!((status, &reply["code"]), (0, &json!(0)), "{told}");
    assert_eq!(reply["result"]["body"], "{\"a\": \"\\u4e2d\"}");
    let (status, reply, _) = run(&with(&["call", "get", "/oapi/v1/job/get", r#"{"jobNo": "x"}"#]), &keys).unwrap();
    assert_eq!((status, &reply["code"]), (1, &json!(103)));
    let (status, _, told) =
        run(&["call", "--host", "http://127.0.0.1:1", "--set", "proxy=null", "get", "/x"], &keys).unwrap();
    assert!(status == 1 && told.contains("fail,发送API失败!"), "{told}");

    // A file may hold the whole request, or the parameters; and one of settings is found where the command is run.
    host.0.write("data.json", r#"{"a": "文"}"#);
    let settings = json!({ "RPA_HOST": center.text("base"), "RPA_CERT_SHA256": center.text("fingerprint"), "RPA_PROXY": "none",
        "RPA_ACCESSKEY": center.text("accesskey"), "RPA_SECRETKEY": center.text("secretkey"), "RPA_TOKEN_STORE": "memory" });
    host.0.write("rpa_openapi.json", &settings.to_string());
    let (status, reply, told) = run(&["call", "PUT", "/oapi/v1/echo", "@data.json"], &[]).unwrap();
    assert_eq!((status, &reply["code"]), (0, &json!(0)), "{told}");
    let (status, reply, told) = run(&["sign", "get", "/oapi/v1/echo", "@data.json"], &[]).unwrap();
    assert_eq!((status, &reply["code"]), (0, &json!(0)), "{told}");
    assert!(reply["result"]["signature"].is_string(), "{told}");
    let request = json!({ "host": "http://127.0.0.1:1", "accesstoken": "t", "proxy": null });
    host.0.write("request.json", &request.to_string());
    let (status, reply, told) = run(&["sign", "--request", "request.json", "get", "/y"], &[]).unwrap();
    assert_eq!((status, &reply["error"]["field"]), (1, &json!("accesskey")), "a token and keys: {told}");
    host.0.write("rpa_openapi.json", "{");
    let (status, _, told) = run(&["call", "get", "/x"], &[]).unwrap();
    assert!(status == 2 && told.contains("not well-formed JSON") && !told.contains("Traceback"), "{told}");
    assert_eq!(run(&["call"], &[]).unwrap().0, 2);
}

#[test]
fn the_exit_status_tells_the_verdict_of_a_diagnosis() {
    let host = Host::without_library("verdict");
    // As python -m does.
    let module = "import runpy\nrunpy.run_module('isrpa_openapi', run_name='__main__', alter_sys=True)\n";
    host.0.write("module.py", module);
    for (ok, status) in [(true, 0), (false, 1)] {
        let verdict = json!({ "ok": ok, "zh": "结论的话", "en": "the verdict" });
        modern(
            &host,
            &Value::Null,
            &json!({ "code": 0, "result": { "verdict": verdict, "checks": [], "settings": [] } }),
        );
        for arguments in [&["diagnose", "--host", "https://h"][..], &["diagnose", "--json", "/x"]] {
            for script in ["isrpa_openapi.py", "module.py"] {
                let Some(mut command) = host.python(script) else { return };
                command.args(arguments).current_dir(&host.0).env("PYTHONIOENCODING", "utf-8");
                let output = command.output().unwrap();
                assert_eq!(output.status.code(), Some(status), "{}", said(&output));
                assert!(said(&output).contains("结论的话"), "{}", said(&output));
            }
        }
    }
    modern(&host, &Value::Null, &Value::Null);
    let Some(mut command) = host.python("isrpa_openapi.py") else { return };
    host.0.write("rpa_openapi.json", r#"{"RPA_HOST": "https://h", "RPA_VERIFY": false}"#);
    command.args(["diagnose", "--json", "--set", "retry=3"]).env("RPA_TIMEOUT_MS", "7").current_dir(&host.0);
    let asked: Value = serde_json::from_slice(&command.output().unwrap().stdout).unwrap();
    let path = host.0.join("rpa_openapi.json");
    let sources = json!({ "host": format!("RPA_HOST ({})", path.display()), "tls.verify": format!("RPA_VERIFY ({})", path.display()),
        "timeout_ms": "RPA_TIMEOUT_MS (environment)", "retry": "--set" });
    assert_eq!(asked["settings_from"], sources);
    assert_eq!(
        (&asked["host"], &asked["timeout_ms"], &asked["tls"]["verify"]),
        (&json!("https://h"), &json!(7), &json!(false))
    );
}

/// Where nothing fits, each place that was tried is told, and of which bitness it is.
#[test]
#[cfg(target_os = "linux")]
fn every_place_that_was_tried_is_told() {
    let host = Host::without_library("places");
    let (other, class) = if usize::BITS == 64 { (32, 1) } else { (64, 2) };
    let mut elf = fs::read(harness::built_library()).unwrap();
    elf[4] = class;
    fs::write(host.library(), elf).unwrap();
    let center = ControlCenter::start(&[]);
    let Some(shown) = host.run(&center, "shown.append(raised(isrpa_openapi.version))", &[]) else { return };
    let said = shown[0][1].as_str().unwrap();
    let machine = if usize::BITS == 64 { "x64" } else { "x86" };
    for part in [
        format!("{} is {other}-bit", host.library().display()),
        format!("{} is not there", host.0.join(format!("librpa_openapi_{machine}.so")).display()),
        format!("{} is not there", host.0.join(machine).join("librpa_openapi.so").display()),
        "librpa_openapi.so is not among the system's libraries".to_owned(),
        format!("this Python is {}-bit", usize::BITS),
    ] {
        assert!(said.contains(&part), "{part}: {said}");
    }
}

/// Ctrl-C while the server does not answer: it ends at once, the next call works, and the end of the script waits for none.
#[test]
fn ctrl_c_ends_the_wait_at_once() {
    let host = Host::new("interrupted");
    let center = ControlCenter::start(&[]);
    let lines = r#"
import signal, time
# In the background of a shell it is ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
me = client()
begun = time.time()
for _ in range(3):
    threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
    try:
        shown.append(me.post("/oapi/v1/reply", {"delayMillis": 29000, "body": "1"}))
    except KeyboardInterrupt:
        shown.append("interrupted")
shown.append([me.get("/oapi/v1/echo")["code"], time.time() - begun < 20])
"#;
    let begun = std::time::Instant::now();
    let Some(shown) = host.run(&center, lines, &[]) else { return };
    assert_eq!(shown, json!(["interrupted", "interrupted", "interrupted", [0, true]]));
    assert!(begun.elapsed().as_secs() < 25, "{:?}", begun.elapsed());
}

/// After a fork, in a signal's handler, long after the call before, and at the very end.
#[test]
fn calls_work_wherever_they_are_made() {
    let host = Host::new("anywhere");
    let center = ControlCenter::start(&[]);
    let lines = r#"
import atexit, signal, time
me = client()

def echo(value):
    return json.loads(me.put("/oapi/v1/echo", {"v": value})["result"]["body"]) == {"v": value}

child = os.fork()
if child == 0:
    os._exit(0 if echo("child") else 1)
shown.append(os.waitpid(child, 0)[1])
inner = []
signal.signal(signal.SIGALRM, lambda *_: inner.append(echo("handler")))
signal.setitimer(signal.ITIMER_REAL, 0.2)
shown += [me.get("/oapi/v1/reply", {"delayMillis": 1500, "body": "7"}), inner]
isrpa_openapi._Waiter.IDLE_SECONDS = 0.05
for pause in (0, 0.3, 0.04, 0.05, 0.06, 0.3):
    time.sleep(pause)
    shown.append(echo("later"))

class Last:
    def __del__(self, echo=echo):
        assert echo("last")

isrpa_openapi.last = Last()
atexit.register(echo, "end")
"#;
    let Some(shown) = host.run(&center, lines, &[]) else { return };
    assert_eq!(shown, json!([0, 7, [true], true, true, true, true, true, true]));
}

/// A server may answer JSON without a code: the story says that it is not as it should be, and does not fall over it.
#[test]
fn the_story_reads_replies_without_a_code() {
    let host = Host::new("no code");
    let tokens = r#"{"code":0,"msg":"success","result":["token","refresh"]}"#;
    for (token, body, step) in [
        (r#"{"status":404}"#, "7", "the token"),
        ("[1]", "7", "the token"),
        ("7", "7", "the token"),
        (tokens, r#"{"status":404}"#, "the new job"),
        (tokens, r#"{"code":0}"#, "the job"),
        (tokens, r#"{"code":0,"result":[1]}"#, "the job"),
    ] {
        let server = Server::start(move |connection| {
            while let Some(request) = connection.request() {
                let body = if request.starts_with("GET /oapi/v1/token?") { token } else { body };
                if !connection.send(server::reply("200 OK", body).as_bytes()) {
                    return;
                }
            }
        });
        let Some(mut story) = host.python("story.py") else { return };
        let output = story.args([&server.url(), "-"]).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{body}: {}", said(&output));
        let expected = format!("not as it should be: {step}: ");
        assert!(said(&output).contains(&expected) && !said(&output).contains("Traceback"), "{}", said(&output));
    }
}

#[test]
fn every_reply_is_freed_whatever_it_holds() {
    let host = Host::without_library("freeing");
    let library = host.library();
    counting::compile(&library);
    let lines = r#"
for _ in range(3):
    shown.append([work({}) for work in (isrpa_openapi.call, isrpa_openapi.sign, isrpa_openapi.get_token)])
    shown.append(raised(lambda: isrpa_openapi.refresh_token({}))[0])
"#;
    let center = ControlCenter::start(&[]);
    let Some(shown) = host.run(&center, lines, &[]) else { return };
    let each = [json!([[1], [1], [1]]), "UnicodeDecodeError".into()];
    assert_eq!(shown, json!([&each[..], &each, &each].concat()));
}
