//! `examples/robot/GlobalFun.py` as a robot uses it: copied beside a generated script, with the library next to it, in
//! a folder whose name holds Chinese characters and a space.
#![cfg(unix)]

use rpa_test_support::{counting, folder, harness, issuer, python, requests, server, tools};

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use folder::Folder;
use harness::ControlCenter;
use requests::with_all;
use serde_json::{Value, json};
use server::Server;
use tools::{in_tree, said};

/// What the designer generates around a flow's steps. The steps put what they want to show into `shown`.
const SCRIPT: &str = r#"# -*- coding: utf-8 -*-
# 本脚本由设计器自动生成
import copy, datetime, decimal, importlib.util, json, os, sys, threading, time

folder = os.path.dirname(os.path.abspath(__file__))
spec = importlib.util.spec_from_file_location("GlobalFun", os.path.join(folder, "GlobalFun.py"))
GlobalFun = importlib.util.module_from_spec(spec)
spec.loader.exec_module(GlobalFun)


class 主流程:
    def __init__(self, 参数):
        self.控制中心 = json.loads(参数)
        self.显示 = []

    def 执行(self):
        shown = self.显示
        base = self.控制中心["base"]
        keys = self.控制中心["accesskey"], self.控制中心["secretkey"]
        host, port = base.rsplit(":", 1)

        def token():
            return GlobalFun.get_token(base, "", *keys)["result"]["accessToken"]

        def call(path, data, mode, **more):
            return GlobalFun.rpa_rest_2020_4(base, path, data, mode, accesstoken=token(), **more)

{steps}


if __name__ == "__main__":
    流程 = 主流程(sys.argv[1])
    流程.执行()
    sys.stdout.write(json.dumps(流程.显示))
"#;

const NOTE: &str = "月结 & 100% 完成";

/// A robot's folder.
struct Robot(Folder);

impl Robot {
    /// The script's folder with `GlobalFun.py` and the library in it.
    fn new(name: &str) -> Robot {
        let robot = Robot::without_library(name);
        robot.0.paste(harness::built_library());
        robot
    }

    fn without_library(name: &str) -> Robot {
        let folder = Folder::new(&format!("机器人 {name}"));
        folder.paste(&in_tree("examples/robot/GlobalFun.py"));
        Robot(folder)
    }

    /// A robot for this control center, whose fingerprint stands in the settings if it has one.
    fn of(name: &str, center: &ControlCenter) -> Robot {
        let robot = Robot::new(name);
        if !center.text("fingerprint").is_empty() {
            robot.set("RPA_CERT_SHA256", &format!("'{}'", center.text("fingerprint")));
        }
        robot
    }

    fn library(&self) -> PathBuf {
        self.0.join(harness::built_library().file_name().unwrap())
    }

    /// Edits a setting, as a robot developer does.
    fn set(&self, setting: &str, value: &str) -> &Robot {
        let path = self.0.join("GlobalFun.py");
        let text = fs::read_to_string(&path).unwrap();
        let mut edited = 0;
        let lines = text.lines().map(|line| match line.starts_with(&format!("{setting} = ")) {
            true => {
                edited += 1;
                format!("{setting} = {value}\n")
            }
            false => format!("{line}\n"),
        });
        let text: String = lines.collect();
        assert_eq!(edited, 1, "{setting} is one line of the settings");
        fs::write(&path, text).unwrap();
        self
    }

    /// Runs a script of these steps; what they have shown, or nothing where there is no Python.
    fn run(&self, center: &Value, steps: &str) -> Option<Value> {
        let path = self.0.join("main 流程.py");
        let mut command = python(path.to_str().unwrap())?;
        let indented: String = steps.lines().map(|line| format!("        {line}\n")).collect();
        fs::write(&path, SCRIPT.replace("{steps}\n", &indented)).unwrap();
        // Logs go there.
        command.env("XDG_STATE_HOME", self.0.join("状态")).arg(center.to_string()).current_dir(env::temp_dir());
        let output = command.output().expect("python3 starts");
        assert!(output.status.success(), "{}", said(&output));
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "a robot's log stays clean");
        Some(serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", said(&output))))
    }
}

/// Python, with no proxy and no setting of this machine.
fn python(script: &str) -> Option<Command> {
    let mut command = python::python(script)?;
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy().to_ascii_lowercase();
        if text.ends_with("_proxy") || text.starts_with("python") || text.starts_with("rpa_") {
            command.env_remove(&name);
        }
    }
    // A file that is edited twice within a second would be taken from the cache.
    command.env("PYTHONDONTWRITEBYTECODE", "1");
    // What is told by them has tests of its own.
    command.env("PYTHONWARNINGS", "ignore::UserWarning");
    Some(command)
}

fn msg(reply: &Value) -> &str {
    reply["msg"].as_str().unwrap_or_else(|| panic!("no msg: {reply}"))
}

#[track_caller]
fn assert_failed(reply: &Value, code: i64, begin: &str) {
    assert_eq!((&reply["code"], &reply["result"]), (&json!(code), &Value::Null), "{reply}");
    assert!(msg(reply).starts_with(begin) && msg(reply).len() > begin.len(), "{begin} and a cause: {reply}");
    assert_tells_the_facts(reply);
}

/// Whoever made the error, the library or `GlobalFun.py`, a flow reads it in one way.
#[track_caller]
fn assert_tells_the_facts(reply: &Value) {
    let error = reply["error"].as_object().unwrap_or_else(|| panic!("no error: {reply}"));
    let kinds =
        ["argument", "mode", "dns", "connect", "proxy", "tls", "timeout", "disconnected", "redirect", "response"];
    let kind = error["kind"].as_str().unwrap();
    assert!(kinds.contains(&kind) || ["too_large", "internal"].contains(&kind), "{reply}");
    let detail = error["detail"].as_str().unwrap();
    assert!(!detail.is_empty(), "{reply}");
    assert!(error["field"].is_string() || error["field"].is_null(), "{reply}");
    assert!(error["http_status"].is_u64() || error["http_status"].is_null(), "{reply}");
    assert!(error["attempts"].is_u64() && error["elapsed_ms"].is_u64(), "{reply}");
    assert!(["no", "unknown", "yes"].contains(&error["delivered"].as_str().unwrap()), "{reply}");
}

// --- What flows do --------------------------------------------------------------------------------------------------

#[test]
fn the_three_functions_work_over_tls_and_plain_http() {
    for options in [&["--tls", "--job-millis", "0"][..], &["--job-millis", "0"][..]] {
        let center = ControlCenter::start(options);
        let robot = Robot::of("三个函数", &center);
        let steps = format!(
            r#"
first = GlobalFun.get_token(host=host, port=port, accesskey=keys[0], secretkey=keys[1])
second = GlobalFun.refresh_token(host, int(port), refleshtoken=first["result"]["refreshToken"], retry=3)
token = second["result"]["accessToken"]
shown += [type(first).__name__, first["code"], second["code"], token != first["result"]["accessToken"]]
job = GlobalFun.rpa_rest_2020_4(host=host, rest_type="/oapi/v1/job/create", mode="post", port=int(port), accesstoken=token,
    data_json={{"procCode": "P001", "robotNo": "Administrator@0A1B2C3D4E5F", "note": "{NOTE}", "日期": datetime.date(2020, 11, 30)}})
number = {{"jobNo": job["result"]["jobNo"]}}
shown.append(GlobalFun.rpa_rest_2020_4(host, "/oapi/v1/job/get", number, "get", port, token, 2)["result"]["params"])
shown.append(GlobalFun.rpa_rest_2020_4(base, "/oapi/v1/job/update", dict(number, note="改"), "put", 443, token)["result"]["params"])
shown.append(GlobalFun.rpa_rest_2020_4(base, "/oapi/v1/job/delete", number, "delete", accesstoken=token)["msg"])
shown.append(GlobalFun.rpa_rest_2020_4(base, "/oapi/v1/job/get", number, "get", accesstoken=token))
"#
        );
        let Some(shown) = robot.run(&center.facts, &steps) else { return };
        let expected = json!([
            "dict", 0, 0, true,
            { "note": NOTE, "日期": "2020-11-30" },
            { "note": "改", "日期": "2020-11-30" },
            "success",
            { "code": 103, "msg": "任务不存在", "result": { "detail": "no such job" } },
        ]);
        assert_eq!(shown, expected);
    }
}

/// What was accepted before is accepted. Each step is an expression that must be true.
#[test]
fn what_flows_pass_today_is_accepted() {
    let center = ControlCenter::start(&["--tls"]);
    let robot = Robot::of("接受", &center);
    let steps = r#"
access = token()
def echo(data=None, mode="get", host=base, port=443, retry=2):
    reply = GlobalFun.rpa_rest_2020_4(host, "/oapi/v1/echo", data, mode, port, access, retry)
    if reply.get("code") != 0:
        shown.append(["refused", repr((data, mode, host, port, retry)), reply])
        return {}
    result = reply["result"]
    return dict(result["query"]) if result["method"] == "GET" else json.loads(result["body"])

def check(what, right):
    if not right:
        shown.append(what)

for p in (443, "443", "", None, " ", 443.0):
    check(["port", repr(p)], echo({"a": 1}, port=p) == {"a": "1"})
for p in (int(port), port, float(port), " " + port + " "):
    check(["port", repr(p)], echo({"a": 1}, host=host, port=p) == {"a": "1"})
    check(["token port", repr(p)], GlobalFun.get_token(host, p, *keys)["code"] == 0)
for h in (base + "/", base + "//", " " + base + "\n", base.upper()):
    check(["host", h], echo({"a": 1}, host=h) == {"a": "1"})
check("host and port", echo({"a": 1}, host=host + "/", port=port) == {"a": "1"})
check("rest_type", GlobalFun.rpa_rest_2020_4(base + "/", "oapi/v1/echo", {}, "get", accesstoken=access)["code"] == 0)
for m in ("get", "GET", "Post", "PUT", "deletE"):
    check(["mode", m], echo({"中": "文"}, m) == {"中": "文"})
    for d in (None, {}, "", " ", "{}"):
        check(["data_json", m, repr(d)], echo(d, m) == {})
    check("text", echo('{"b": [1, "二", null], "a": 1E400, "c": NaN, "d": true}', m)
        == {"b": "[1, '二', None]", "a": "inf", "c": "nan", "d": "True"})
for r in (1, 2, 10, 0, -5, 11, 10 ** 30, "3", " 3 ", "", None, 2.0, 2.9, True, "三", float("nan"), float("inf"), []):
    check(["retry", repr(r)], echo({}, retry=r) == {})
    check(["token retry", repr(r)], GlobalFun.get_token(base, "", *keys, retry=r)["code"] == 0)

class Invoice:
    def __str__(self):
        return "发票 007"

values = {
    "date": datetime.date(2020, 11, 30), "time": datetime.datetime(2020, 11, 30, 17, 36), "money": decimal.Decimal("1.10"),
    "nested": {"d": [decimal.Decimal("1E+2"), datetime.date(2020, 1, 2), b"\xe4", {1}], 1: (None, True)},
    "bytes": b"a\xff'", "set": {"一"}, "none": None, "yes": True, "nan": float("nan"), "inf": -float("inf"), "zero": -0.0,
    "big": 10 ** 400, "tiny": 5e-324, "object": Invoice(), "text": "a&b=c#d+e%f\r\n", "list": [1, "it's", None],
}
expected = {
    "date": "2020-11-30", "time": "2020-11-30 17:36:00", "money": "1.10",
    "nested": "{'d': [Decimal('1E+2'), datetime.date(2020, 1, 2), b'\\xe4', {1}], 1: (None, True)}",
    "bytes": "b\"a\\xff'\"", "set": "{'一'}", "none": "None", "yes": "True", "nan": "nan", "inf": "-inf", "zero": "-0.0",
    "big": "1" + 400 * "0", "tiny": "5e-324", "object": "发票 007", "text": "a&b=c#d+e%f\r\n", "list": "[1, \"it's\", None]",
}
for m in ("get", "post", "put", "delete"):
    before = repr(values), {k: id(v) for k, v in values.items()}
    arrived = echo(values, m)
    check(["values", m, arrived], arrived == expected)
    check(["changed", m], before == (repr(values), {k: id(v) for k, v in values.items()}))
    # As json.dumps writes names; 10 before 9, since they are sorted as text.
    check(["names", m], echo({10: "a", 9: "b", 2.5: "c"}, m) == {"10": "a", "9": "b", "2.5": "c"})
    check(["names", m], echo({True: 1}, m) == {"true": "1"} and echo({None: 1}, m) == {"null": "1"})
shown.append("all was tried")
"#;
    let Some(shown) = robot.run(&center.facts, steps) else { return };
    assert_eq!(shown, json!(["all was tried"]));
}

#[test]
fn replies_of_any_json_come_back_as_they_are() {
    let center = ControlCenter::start(&[]);
    let steps = r#"
for body in ('[1, "二"]', "7", "null", '"月结"', '{"error": "Not Found", "status": 404}'):
    shown.append(call("/oapi/v1/reply", {"body": body, "status": 500}, "post"))
# More digits than many Pythons read, and deeper than any does.
big = call("/oapi/v1/reply", {"body": "[" + 5000 * "1" + "]"}, "post")
shown.append(big if isinstance(big, dict) else big == [(10 ** 5000 - 1) // 9])
shown.append(call("/oapi/v1/reply", {"body": 100000 * "[" + 100000 * "]"}, "put"))
"#;
    let Some(shown) = Robot::new("应答").run(&center.facts, steps) else { return };
    let plain = json!([[1, "二"], 7, null, "月结", { "error": "Not Found", "status": 404 }]);
    let (shown, rest) = shown.as_array().unwrap().split_at(5);
    assert_eq!(shown, &plain.as_array().unwrap()[..]);
    let [big, deep] = rest else { panic!("{rest:?}") };
    for unreadable in [big, deep].into_iter().filter(|reply| **reply != json!(true)) {
        assert_failed(unreadable, 40, "fail,意外情况:控制中心已应答,但应答不能读入Python");
    }
}

#[test]
fn threads_call_at_once() {
    let center = ControlCenter::start(&["--tls"]);
    let robot = Robot::of("线程", &center);
    // The first calls of all, so that both threads want the library loaded.
    let steps = r#"
def work(name):
    access = GlobalFun.get_token(base, "", *keys)["result"]["accessToken"]
    begun = time.time()
    reply = GlobalFun.rpa_rest_2020_4(base, "/oapi/v1/reply", {"delayMillis": 1500, "body": json.dumps(name)}, "post", accesstoken=access)
    times.append((begun, time.time()))
    replies.append(reply)

times, replies = [], []
threads = [threading.Thread(target=work, args=(name,)) for name in ("甲", "乙")]
for thread in threads: thread.start()
for thread in threads: thread.join()
overlap = min(end for _, end in times) - max(begin for begin, _ in times)
shown += [sorted(replies), overlap > 0]
"#;
    let Some(shown) = robot.run(&center.facts, steps) else { return };
    assert_eq!(shown, json!([["乙", "甲"], true]));
}

// --- What goes wrong ------------------------------------------------------------------------------------------------

#[test]
fn failures_are_envelopes() {
    let center = ControlCenter::start(&[]);
    let steps = r#"
nobody = "http://127.0.0.1:1"
class Broken:
    def __str__(self):
        raise RuntimeError("a secret")
    __repr__ = __str__
endless = []
for _ in range(100000): endless = [endless]
rest = GlobalFun.rpa_rest_2020_4
shown += [
    ["closed", rest(nobody, "/oapi/v1/echo", {}, "get", 443, "t")],
    ["not JSON", call("/oapi/v1/reply", {"body": "<html>"}, "post")],
    ["mode", rest(base, "/oapi/v1/echo", {}, "head", 443, "t")],
    ["mode", rest(base, "/oapi/v1/echo", {}, "", 443, "t")],
    ["mode", rest(base, "/oapi/v1/echo", {}, None, 443, "t")],
    ["mode", rest(base, "/oapi/v1/echo", {}, Broken, 443, "t")],
    ["signature", rest(base, "/oapi/v1/echo", {}, "get")],
    ["signature", rest(base, "/oapi/v1/echo", {}, "get", 443, "a b")],
    ["parameters", rest()],
    ["parameters", rest(None, None, None, "get", None, None, None)],
    ["parameters", rest("127.0.0.1", "/oapi/v1/echo", {}, "get", 443, "t")],
    ["parameters", rest(base, "/oapi/v1/echo", {}, "get", "x", "t")],
    ["parameters", rest(base, "/oapi/v1/echo", {}, "get", 65536, "t")],
    ["parameters", rest(base, "/oapi/v1/echo?a=1", {}, "get", 443, "t")],
    ["parameters", rest(base, "/oapi/v1/echo", "[1]", "get", 443, "t")],
    ["parameters", rest(base, "/oapi/v1/echo", "{", "get", 443, "t")],
    ["parameters", rest(base, "/oapi/v1/echo", [("a", 1)], "get", 443, "t")],
    ["parameters", rest(base, "/oapi/v1/echo", {"a": 1, 2: 3}, "get", 443, "t")],
    ["parameters", rest(base, "/oapi/v1/echo", {(1,): 1}, "get", 443, "t")],
    ["parameters", rest(base, "/oapi/v1/echo", {"中": Broken()}, "get", 443, "t")],
    ["parameters", rest(base, "/oapi/v1/echo", {Broken(): Broken()}, "get", 443, "t")],
    ["parameters", rest(base, "/oapi/v1/echo", {"a": endless}, "get", 443, "t")],
    ["parameters", rest(base, "/oapi/v1/echo", {"a": "\ud83d"}, "get", 443, "t")],
    ["unexpected", rest(Broken(), "/oapi/v1/echo", {}, "get", 443, "t")],
    ["unexpected", rest(base, "/oapi/v1/echo", {}, Broken(), 443, "t")],
    ["unexpected", rest(base, "/oapi/v1/echo", {}, "get", Broken(), "t")],
    ["token", GlobalFun.get_token()],
    ["token", GlobalFun.get_token(nobody, "", *keys)],
    ["token", GlobalFun.get_token(base, "", Broken(), None)],
    ["token", GlobalFun.get_token(base, "", None, None)],
    ["refresh", GlobalFun.refresh_token()],
    ["refresh", GlobalFun.refresh_token(nobody, None, "a")],
    ["refresh", GlobalFun.refresh_token(base, Broken(), Broken())],
    ["server", GlobalFun.refresh_token(base, "", 7)],
    ["server", GlobalFun.get_token(base, "", "demo-access-key", 1)],
    ["server", rest(base, "/oapi/v1/echo", {}, "get", 443, 12345)],
]
"#;
    let Some(shown) = Robot::new("失败").run(&center.facts, steps) else { return };
    let shown = shown.as_array().unwrap();
    assert_eq!(shown.len(), 36);
    for pair in shown {
        let (kind, reply) = (pair[0].as_str().unwrap(), &pair[1]);
        match kind {
            "closed" => {
                assert_failed(reply, 40, "fail,发送API失败!");
                assert_eq!(
                    (&reply["error"]["kind"], &reply["error"]["delivered"]),
                    (&"connect".into(), &"no".into()),
                    "{reply}"
                );
            }
            "not JSON" => assert_failed(reply, 40, "fail,发送API失败!"),
            "mode" => assert_failed(reply, 42, "fail,mode错误,只能为get、put、post或delete!"),
            "signature" => assert_failed(reply, 41, "fail,获取签名失败!"),
            "parameters" => assert_failed(reply, 41, "fail,转换URL参数失败!"),
            "unexpected" => assert_failed(reply, 40, "fail,意外情况:程序异常RuntimeError,"),
            "token" => assert_failed(reply, 44, "fail,获取token失败:"),
            "refresh" => assert_failed(reply, 44, "fail,刷新token失败:"),
            "server" => assert_eq!(reply["code"], 401, "{reply}"),
            _ => panic!("{kind}"),
        }
        assert!(!reply.to_string().contains("a secret"), "{reply}");
    }
}

/// `retry` counts, and a post that may have arrived is not sent again unless the setting says so.
#[test]
fn a_post_is_sent_once_unless_the_setting_says_otherwise() {
    for (setting, mode, retry, expected) in [
        ("'safe'", "post", "5", 1),
        ("'always'", "post", "3", 3),
        ("'safe'", "get", "3", 3),
        ("'safe'", "put", "'2'", 2),
        ("'safe'", "delete", "0", 1),
    ] {
        let server = Server::start(|connection| drop(connection.request()));
        let robot = Robot::new("重试");
        robot.set("RPA_RETRY_MODE", setting);
        let steps =
            format!("shown.append(GlobalFun.rpa_rest_2020_4(base, '/x', {{}}, '{mode}', 443, 't', retry={retry}))");
        let facts = json!({ "base": server.url(), "accesskey": "", "secretkey": "" });
        let Some(shown) = robot.run(&facts, &steps) else { return };
        assert_failed(&shown[0], 40, "fail,发送API失败!");
        assert_eq!(shown[0]["error"]["delivered"], "unknown", "{shown}");
        assert_eq!(server.requests(), expected, "{setting} {mode} {retry}");
    }
}

// --- Calls by the keys of the settings ---------------------------------------------------------------------------------

/// Where the user keeps what is his own.
const USER: &str = "os.environ['XDG_CACHE_HOME'] = os.path.join(folder, '缓存')";

impl Robot {
    /// A robot whose settings hold the address and the keys, too.
    fn by_keys(self, facts: &Value) -> Robot {
        for (setting, fact) in [("RPA_HOST", "base"), ("RPA_ACCESSKEY", "accesskey"), ("RPA_SECRETKEY", "secretkey")] {
            self.set(setting, &format!("'{}'", facts[fact].as_str().unwrap()));
        }
        self
    }

    /// One run of a script, which begins with the above.
    fn run_as_user(&self, facts: &Value, steps: &str) -> Option<Value> {
        self.run(facts, &format!("{USER}\n{steps}"))
    }
}

#[test]
fn a_call_is_one_line() {
    for options in [&["--tls", "--job-millis", "0"][..], &["--token-shape", "array", "--job-millis", "0"][..]] {
        let center = ControlCenter::start(options);
        let robot = Robot::of("一行", &center).by_keys(&center.facts);
        let steps = format!(
            r#"
data = {{"procCode": "P001", "robotNo": "Administrator@0A1B2C3D4E5F", "note": "{NOTE}", "日期": datetime.date(2020, 11, 30)}}
before = repr(data)
job = GlobalFun.rpa_api("/oapi/v1/job/create", data, "post")
shown += [type(job).__name__, job["code"], repr(data) == before]
number = {{"jobNo": job["result"]["jobNo"]}}
shown.append(GlobalFun.rpa_api("oapi/v1/job/get", json.dumps(number))["result"]["params"])
shown.append(GlobalFun.rpa_api("/oapi/v1/job/update", dict(number, note="改"), mode="PUT")["result"]["params"]["note"])
shown.append(GlobalFun.rpa_api("/oapi/v1/job/delete", number, "delete")["msg"])
shown.append(GlobalFun.rpa_api(rest_type="/oapi/v1/job/get", data_json=number)["code"])
shown.append(GlobalFun.rpa_api("/oapi/v1/job/list")["code"])
"#
        );
        let Some(shown) = robot.run_as_user(&center.facts, &steps) else { return };
        let read_back = json!({ "note": NOTE, "日期": "2020-11-30" });
        assert_eq!(shown, json!(["dict", 0, true, read_back, "改", "success", 103, 0]));
    }
}

/// Each run is a process of its own.
#[test]
fn robots_that_run_in_turn_share_a_token() {
    let server = issuer::start();
    let facts = json!({ "base": server.url(), "accesskey": "access-key-1", "secretkey": "secret-key-1" });
    let (robot, other) = (Robot::new("共用").by_keys(&facts), Robot::new("共用 另一个").by_keys(&facts));
    let once = "shown.append(GlobalFun.rpa_api('/x', {'中': '文'})['result'])";
    let Some(first) = robot.run_as_user(&facts, once) else { return };
    assert_eq!(first, json!(["token1"]));
    assert_eq!(robot.run_as_user(&facts, once).unwrap(), first, "from the file");
    assert_eq!(server.requests(), 3, "a token and two calls");
    let file = robot.0.join("缓存/rpa_openapi/token.json");
    let kept = fs::read_to_string(&file).unwrap();
    for secret in ["access-key-1", "secret-key-1", "token1", "refresh1"] {
        assert!(!kept.contains(secret), "{kept}");
    }

    // Two robots name one file; the folder that a name counts from is that of GlobalFun.py.
    robot.set("RPA_TOKEN_STORE", "'令牌.json'");
    other.set("RPA_TOKEN_STORE", &format!("r'{}'", robot.0.join("令牌.json").display()));
    assert_eq!(robot.run_as_user(&facts, once).unwrap(), json!(["token2"]));
    assert_eq!(other.run_as_user(&facts, once).unwrap(), json!(["token2"]));
    assert!(robot.0.join("令牌.json").is_file());

    // Somebody else gets a token, which ends that of the store.
    let evicted = format!("{once}\nshown.append(GlobalFun.get_token(base, '', *keys)['result'][0])\n{once}");
    assert_eq!(robot.run_as_user(&facts, &evicted).unwrap(), json!(["token2", "token3", "token4"]));
    assert_eq!(other.run_as_user(&facts, once).unwrap(), json!(["token4"]));

    // Each process has its own; a file that cannot be written and a Redis that is not there make no call fail.
    let steps = format!("os.environ['XDG_CACHE_HOME'] = '/dev/null/x'\n{once}\n{once}");
    for (setting, expected) in [
        ("'memory'", ["token5", "token5"]),
        ("'Memory'", ["token6", "token6"]),
        ("'redis://127.0.0.1:1/0'", ["token7", "token7"]),
        ("'file'", ["token8", "token8"]),
    ] {
        robot.set("RPA_TOKEN_STORE", setting);
        assert_eq!(robot.run_as_user(&facts, &steps).unwrap(), json!(expected), "{setting}");
    }
}

/// Where nothing says where the user's own folder is, it is below the home folder.
#[test]
fn the_file_lies_in_a_folder_of_the_user() {
    let server = issuer::start();
    let facts = json!({ "base": server.url(), "accesskey": "access-key-1", "secretkey": "secret-key-1" });
    let robot = Robot::new("用户").by_keys(&facts);
    robot.set("RPA_TOKEN_STORE", "'~/令牌.json'");
    let steps = format!(
        "os.environ.update(HOME={:?})\nshown.append(GlobalFun.rpa_api('/x')['code'])",
        robot.0.to_str().unwrap()
    );
    let Some(shown) = robot.run(&facts, &steps) else { return };
    assert_eq!(shown, json!([0]));
    assert!(robot.0.join("令牌.json").is_file());
    robot.set("RPA_TOKEN_STORE", "'file'");
    for cache in ["", "relative"] {
        let home = robot.0.join("家");
        let steps = format!(
            "os.environ.update(HOME={home:?}, XDG_CACHE_HOME={cache:?})\nshown.append(GlobalFun.rpa_api('/x')['code'])"
        );
        let Some(shown) = robot.run(&facts, &steps) else { return };
        assert_eq!(shown, json!([0]), "{cache}");
        assert!(home.join(".cache/rpa_openapi/token.json").is_file(), "{cache}");
        fs::remove_dir_all(home).unwrap();
    }
}

#[test]
fn the_settings_of_tokens() {
    let center = ControlCenter::start(&["--token-ttl", "1", "--token-shape", "array"]);
    let robot = Robot::new("有效期").by_keys(&center.facts);
    // It expires: the library is told when, or how the control center says so, or neither.
    let call = "shown.append(GlobalFun.rpa_api('/oapi/v1/echo')['code'])";
    let steps = format!("{call}\ntime.sleep(1.2)\n{call}");
    for (setting, value, expected) in [
        ("RPA_TOKEN_REFUSED", "None", 0),
        ("RPA_TOKEN_REFUSED", "{'http_status': [], 'code': [7], 'msg': []}", 401),
        ("RPA_TOKEN_TTL_MS", "1000", 0),
    ] {
        robot.set("RPA_TOKEN_STORE", "'memory'").set(setting, value);
        let Some(shown) = robot.run_as_user(&center.facts, &steps) else { return };
        assert_eq!(shown, json!([0, expected]), "{setting} = {value}");
    }
}

#[test]
fn settings_that_are_missing_or_wrong_are_named() {
    let center = ControlCenter::start(&[]);
    let robot = Robot::new("没有填写");
    let call = "shown.append(GlobalFun.rpa_api('/oapi/v1/echo'))";
    let Some(shown) = robot.run_as_user(&center.facts, call) else { return };
    let cause = "请填写GlobalFun.py开头的设置RPA_HOST、RPA_ACCESSKEY、RPA_SECRETKEY,填在引号里";
    assert_eq!(shown[0]["msg"], format!("{WRONG_SETTINGS}{cause}"));
    assert_failed(&shown[0], 41, WRONG_SETTINGS);
    let robot = Robot::new("填错了").by_keys(&center.facts);
    let cases = [
        ("RPA_HOST", "'  '", "请填写"),
        ("RPA_HOST", "None", "请填写"),
        ("RPA_SECRETKEY", "12345678", "填在引号里"),
        ("RPA_TOKEN_STORE", "''", "请填写"),
        ("RPA_TOKEN_STORE", "'fiel'", "只能是"),
        ("RPA_TOKEN_STORE", "'http://a.b'", "只能是"),
        ("RPA_TOKEN_STORE", "'redis://:a-secret@h/x'", "不是有效的Redis地址"),
        ("RPA_TOKEN_STORE", "'D:\\ttoken.json'", "写成两个反斜杠"),
        ("RPA_TOKEN_TTL_MS", "-1", "必须是1到"),
        ("RPA_TOKEN_TTL_MS", "'7200000'", "不加引号"),
        ("RPA_TOKEN_REFUSED", "{'cod': [1]}", "RPA_TOKEN_REFUSED['cod'],是否应为RPA_TOKEN_REFUSED['code']"),
        ("RPA_TOKEN_REFUSED", "[401]", "必须是dict"),
        ("RPA_TOKEN_REFUSED", "{'code': {401}}", "不能写成JSON"),
        ("RPA_HOST", "'127.0.0.1'", "必须以https://或http://开头"),
        ("RPA_TIMEOUT_MS", "'30000'", "不加引号"),
        ("RPA_TIMEOUT_MS", "0", "必须是1到600000的整数"),
        ("RPA_CONNECT_TIMEOUT_MS", "None", "不加引号"),
        ("RPA_VERIFY", "'False'", "必须是True或False"),
        ("RPA_CORRECT_CLOCK", "0", "必须是True或False"),
        ("RPA_EMPTY_OK", "None", "必须是True或False"),
        ("RPA_CERT_SHA256", "'12:34'", "SHA-256指纹须为64位"),
        ("RPA_CERT_SHA256", "1234", "引号中的文本"),
        ("RPA_CERT_SHA256", "['12', 34]", "引号中的文本"),
        ("RPA_CA_FILE", "7", "引号中的路径"),
        ("RPA_CA_FILE", "'D:\\new\\test.pem'", "写成两个反斜杠"),
        ("RPA_PROXY", "3128", "引号中的文本"),
        ("RPA_PROXY", "'ftp://p:1'", "协议不支持"),
        ("RPA_RETRY_MODE", "'allways'", "只能为safe、always"),
        ("RPA_ENCODING", "'pyton'", "只能为"),
        ("RPA_QUERY", "1", "引号中的文本"),
        ("RPA_CA_FILE", "'\\u202aD:/ca.pem'", "的第1个字符是看不见的字符(U+202A)"),
        ("RPA_CA_FILE", "'%NOT_A_FOLDER%/ca.pem'", "中的%NOT_A_FOLDER%不是这台机器的环境变量"),
        ("RPA_TOKEN_STORE", "'%NOT_A_FOLDER%/token.json'", "中的%NOT_A_FOLDER%不是这台机器的环境变量"),
        ("RPA_CERT_SHA256", "['12', '34\\u200b']", "中第2个指纹的第3个字符是零宽空格(U+200B)"),
        ("RPA_CERT_SHA256", "'12；3４'", "的第5个字符是全角的「４」(U+FF14),请改成半角的「4」"),
        ("RPA_OPTIONS", "{'header': {}}", "未知设置RPA_OPTIONS['header'],是否应为RPA_OPTIONS['headers']"),
        ("RPA_OPTIONS", "{'a': float('nan')}", "不能写成JSON"),
        ("RPA_OPTIONS", "'headers'", "必须是dict"),
        ("RPA_OPTIONS", "{'timeout_ms': 1}", "请填在设置RPA_TIMEOUT_MS里"),
        ("RPA_OPTIONS", "{'tls': {}}", "RPA_CERT_SHA256"),
        ("RPA_OPTIONS", "{'headers': {'Host': 'a'}}", "设置RPA_OPTIONS['headers']['Host']由本库设置"),
        ("RPA_OPTIONS", "{'keep_alive_ms': -1}", "设置RPA_OPTIONS['keep_alive_ms']必须是0到"),
    ];
    let mut facts = center.facts.clone();
    facts["cases"] = cases.iter().map(|(setting, value, _)| json!([setting, value])).collect::<Vec<_>>().into();
    let steps = CHANGE_SETTINGS.replace("VALUE", "eval(value)");
    let shown = robot.run_as_user(&facts, &steps).unwrap();
    for ((setting, value, part), reply) in cases.iter().zip(shown.as_array().unwrap()) {
        assert_failed(reply, 41, WRONG_SETTINGS);
        assert!(msg(reply).contains(setting) && msg(reply).contains(part), "{setting} = {value}: {reply}");
        let detail = reply["error"]["detail"].as_str().unwrap();
        assert!(detail.contains(setting), "{setting} = {value}: {reply}");
        for secret in ["a-secret", "12345678", center.text("secretkey"), center.text("accesskey")] {
            assert!(!reply.to_string().contains(secret), "{reply}");
        }
    }
}

/// A call under each of the cases' settings in turn.
const CHANGE_SETTINGS: &str = r#"
for setting, value in self.控制中心["cases"]:
    before = getattr(GlobalFun, setting)
    setattr(GlobalFun, setting, VALUE)
    shown.append(GlobalFun.rpa_api("/oapi/v1/echo"))
    setattr(GlobalFun, setting, before)
"#;

const WRONG_SETTINGS: &str = "fail,GlobalFun.py的设置有误!";

/// What was pasted from a document, a chat or a certificate's window.
#[test]
fn characters_that_nobody_sees_are_named_in_the_settings() {
    let center = ControlCenter::start(&[]);
    let robot = Robot::new("看不见").by_keys(&center.facts);
    let steps = CHANGE_SETTINGS.replace("VALUE", "value");
    let cases = [
        ("RPA_HOST", "https：//10.0.0.5", "第6个字符是全角的「：」(U+FF1A),请改成半角的「:」"),
        ("RPA_HOST", "https://10。0.0.5", "第11个字符是中文标点「。」(U+3002)"),
        ("RPA_HOST", " https://１0.0.0.5", "第10个字符是全角的「１」(U+FF11),请改成半角的「1」"),
        ("RPA_ACCESSKEY", "\u{feff}hunter2", "第1个字符是看不见的字节顺序标记(U+FEFF)"),
        ("RPA_SECRETKEY", "hunter2\u{200b}", "第8个字符是零宽空格(U+200B),请删去"),
        ("RPA_SECRETKEY", "hu\u{a0}nter2", "第3个字符是不间断空格(U+00A0)"),
        ("RPA_SECRETKEY", "“hunter2”", "第1个字符是中文标点「“」(U+201C)"),
        ("RPA_CERT_SHA256", "\u{200e}12:34", "第1个字符是看不见的方向标记(U+200E)"),
        ("RPA_CERT_SHA256", "12：34", "第3个字符是全角的「：」(U+FF1A),请改成半角的「:」"),
        ("RPA_PROXY", "http://10.0.0.1:31\u{200b}28", "第19个字符是零宽空格(U+200B),请删去"),
        ("RPA_RETRY_MODE", "safe\u{200b}", "第5个字符是零宽空格(U+200B),请删去"),
        ("RPA_TOKEN_STORE", "file\u{200b}", "第5个字符是零宽空格(U+200B),请删去"),
    ];
    let settings: Vec<_> = cases.iter().map(|(setting, value, _)| json!([setting, value])).collect();
    let mut facts = center.facts.clone();
    facts["cases"] = settings.into();
    let Some(shown) = robot.run_as_user(&facts, &steps) else { return };
    for ((setting, _, part), reply) in cases.iter().zip(shown.as_array().unwrap()) {
        assert_failed(reply, 41, WRONG_SETTINGS);
        assert!(msg(reply).contains(&format!("设置{setting}的{part}")), "{part}: {reply}");
        assert!(!reply.to_string().contains("hunter2"), "{reply}");
    }
    // Blanks at an end do no harm.
    for (setting, fact) in [("RPA_HOST", "base"), ("RPA_ACCESSKEY", "accesskey"), ("RPA_SECRETKEY", "secretkey")] {
        robot.set(setting, &format!("'\\u3000{}\\xa0\\n'", center.text(fact)));
    }
    let shown = robot.run_as_user(&center.facts, "shown.append(GlobalFun.rpa_api('/oapi/v1/echo')['code'])").unwrap();
    assert_eq!(shown, json!([0]));
}

/// A text of parameters that is no JSON: where, and why; and nothing of what it holds.
#[test]
fn json_texts_that_are_wrong_are_told_with_place_and_cause() {
    let center = ControlCenter::start(&[]);
    let cases = [
        (r#"{"a": "a-secret",}"#, "逗号"),
        (r#"{'a': "a-secret"}"#, "第1行第2个字符,这里应为双引号中的参数名称"),
        ("{\"a\":\n  a-secret}", "第2行第3个字符,这里应为一个值"),
        (r#"{"a": "x" "b": 1}"#, "第1行第11个字符,这里应为英文逗号"),
        (r#"{"a" 1}"#, "第1行第6个字符,这里应为英文冒号"),
        (r#"{"a"："x"}"#, "第1行第5个字符,这里是全角的「：」(U+FF1A),请改成半角的「:」"),
        (r#"{“a”: 1}"#, "第1行第2个字符,这里是中文标点「“」(U+201C)"),
        ("{\"a\":\u{a0}1}", "第1行第6个字符,这里是不间断空格(U+00A0)"),
        ("\u{feff}{\"a\": 1}", "第1行第1个字符,这里是看不见的字节顺序标记(U+FEFF)"),
        (r#"{"a": "C:\Users\a"}"#, "第1行第10个字符,这里的反斜杠不能这样写,Windows路径中的反斜杠要写成两个反斜杠"),
        (r#"{"a": "D:\报表"}"#, "写成两个反斜杠"),
        (r#"{"a": "x}"#, "没有结束的双引号"),
        ("{\"a\": \"x\ny\"}", "第1行第9个字符,这里是文本中的换行"),
        ("{\"a\": 1} x", "后面还有多余的内容"),
    ];
    let texts: Vec<_> = cases.iter().map(|(text, _)| *text).collect();
    let mut facts = center.facts.clone();
    facts["cases"] = texts.into();
    let steps = "for text in self.控制中心['cases']:\n    shown.append(GlobalFun.rpa_rest_2020_4(base, '/x', text, 'get', 443, 't'))";
    let Some(shown) = Robot::new("文本").run(&facts, steps) else { return };
    for ((text, part), reply) in cases.iter().zip(shown.as_array().unwrap()) {
        assert_failed(reply, 41, "fail,转换URL参数失败!data_json是文本,但不是有效的JSON:");
        assert!(msg(reply).contains(part), "{text}: {reply}");
        assert_eq!((&reply["error"]["kind"], &reply["error"]["field"]), (&"argument".into(), &"data_json".into()));
        assert!(reply["error"]["detail"].as_str().unwrap().contains("line "), "{reply}");
        assert!(!reply.to_string().contains("a-secret"), "{reply}");
    }
}

/// The next step stands in `msg`, in Chinese, and under the names that the reader can change.
#[test]
fn cures_are_told_in_chinese_under_the_readers_own_settings() {
    let (plain, secure) = (ControlCenter::start(&[]), ControlCenter::start(&["--tls"]));
    let slow = r#"GlobalFun.rpa_api("/oapi/v1/reply", {"delayMillis": 20000, "body": "1"})"#;
    let call = "GlobalFun.rpa_api('/oapi/v1/echo')";
    let fingerprint = secure.text("fingerprint");
    let trust = format!("填入RPA_CERT_SHA256,这张证书的指纹是{fingerprint}");
    let large = r#"GlobalFun.rpa_api("/oapi/v1/reply", {"body": json.dumps("x" * 5000)})"#;
    let cases = [
        (&secure, "pass", call, trust.as_str()),
        (&secure, "GlobalFun.RPA_CERT_SHA256 = '00' * 32", call, &trust),
        (&secure, "GlobalFun.RPA_CA_FILE = '没有.pem'", call, "没有.pem"),
        (&secure, "GlobalFun.RPA_CA_FILE = '没有.pem'", call, "设置RPA_CA_FILE"),
        (&plain, "GlobalFun.RPA_PROXY = 'http://127.0.0.1:1'", call, "RPA_PROXY"),
        (&plain, "os.environ.update(http_proxy='http://127.0.0.1:1', no_proxy='')", call, "RPA_PROXY改成'none'"),
        (&plain, "GlobalFun.RPA_HOST = 'http://127.0.0.1:1'", call, "RPA_HOST"),
        (&plain, "GlobalFun.RPA_TIMEOUT_MS = 300", slow, "300毫秒"),
        (&plain, "GlobalFun.RPA_TIMEOUT_MS = 1500", slow, "RPA_TIMEOUT_MS"),
        (&plain, "GlobalFun.RPA_OPTIONS = {'max_response_bytes': 3000}", large, "RPA_OPTIONS"),
    ];
    for (center, change, call, part) in cases {
        let robot = Robot::new("办法").by_keys(&center.facts);
        robot.set("RPA_TOKEN_STORE", "'memory'");
        let Some(shown) = robot.run_as_user(&center.facts, &format!("{change}\nshown.append({call})")) else { return };
        assert_tells_the_facts(&shown[0]);
        assert!(msg(&shown[0]).contains(part), "{change}: {part}: {shown}");
        let told = format!("{}{}", msg(&shown[0]), shown[0]["error"]["detail"]);
        for field in ["pin_sha256", "ca_file", "timeout_ms", "`proxy`", "`host`", "字段"] {
            assert!(!told.contains(field), "{change}: {field}: {shown}");
        }
    }
    // The system's own words would be in the system's language.
    let robot = Robot::new("英文").by_keys(&plain.facts);
    robot.set("RPA_HOST", "'http://127.0.0.1:1'").set("RPA_TOKEN_STORE", "'memory'");
    let shown = robot.run_as_user(&plain.facts, &format!("shown.append({call})")).unwrap();
    assert!(shown[0]["error"]["detail"].as_str().unwrap().contains("connection refused (os error "), "{shown}");
    // What flows pass is no setting, and keeps its name.
    let steps = "shown.append(GlobalFun.rpa_rest_2020_4('127.0.0.1', '/x', {}, 'get', 443, 't'))
shown.append(GlobalFun.rpa_rest_2020_4(base, '/x', {}, 'get', 'x', 't'))
shown.append(GlobalFun.get_token('http://127.0.0.1:1', '', 'a', 'b'))";
    let shown = Robot::new("办法").run(&plain.facts, steps).unwrap();
    assert!(msg(&shown[0]).starts_with("fail,转换URL参数失败!参数host"), "{shown}");
    assert!(msg(&shown[1]).starts_with("fail,转换URL参数失败!参数port"), "{shown}");
    assert!(msg(&shown[2]).contains("地址填在参数host里"), "{shown}");
}

/// Of whatever the library says: each field is told by its setting, and nothing else is changed.
#[test]
fn fields_in_messages_become_settings() {
    let robot = Robot::new("翻译");
    let cases = [
        ("字段tls.ca_file无法读取", "设置RPA_CA_FILE无法读取"),
        ("返回内容为空,请加上\"empty_ok\":true", "返回内容为空,请加上RPA_EMPTY_OK = True"),
        ("请加上\"query\":\"none\",参数", "请加上RPA_QUERY = 'none',参数"),
        ("代理http://proxy:3128(来自字段proxy)", "代理http://proxy:3128(来自设置RPA_PROXY)"),
        ("等待返回超时(connect_timeout_ms为10毫秒)", "等待返回超时(RPA_CONNECT_TIMEOUT_MS为10毫秒)"),
        ("请减少headers的内容", "请减少RPA_OPTIONS['headers']的内容"),
        ("字段token_store.redis不是", "设置RPA_TOKEN_STORE不是"),
        ("环境变量https_proxy,域名host.example,a.query", "环境变量https_proxy,域名host.example,a.query"),
        (
            "fail,mode错误,只能为get、put、post或delete!请检查字段mode",
            "fail,mode错误,只能为get、put、post或delete!请检查字段mode",
        ),
    ];
    let english = [
        (
            "`host` must begin with `https://`; host.example, host",
            "`RPA_HOST` must begin with `https://`; host.example, host",
        ),
        ("give it as `tls.pin_sha256`, or (`timeout_ms`)", "give it as `RPA_CERT_SHA256`, or (`RPA_TIMEOUT_MS`)"),
        ("the proxy http://a:1 of `proxy`, by its query", "the proxy http://a:1 of `RPA_PROXY`, by its query"),
        ("let all robots share one `token_store`", "let all robots share one `RPA_TOKEN_STORE`"),
    ];
    let texts = |cases: &[(&str, &str)]| cases.iter().map(|(text, _)| text.to_string()).collect::<Vec<_>>();
    let facts = json!({ "base": "http://h:1", "accesskey": "", "secretkey": "", "msg": texts(&cases), "detail": texts(&english) });
    let steps = "table = GlobalFun._RPA_SETTINGS_OF_API
shown.append([GlobalFun._rpa_in_settings(text, table) for text in self.控制中心['msg']])
shown.append([GlobalFun._rpa_in_settings(text, table, english=True) for text in self.控制中心['detail']])";
    let Some(shown) = robot.run(&facts, steps) else { return };
    for (told, expected) in [(&shown[0], &cases[..]), (&shown[1], &english[..])] {
        for (told, (_, expected)) in told.as_array().unwrap().iter().zip(expected) {
            assert_eq!(told, expected);
        }
    }
}

/// The line at the head of `GlobalFun.py` is the first that anybody tries.
#[test]
fn the_call_in_the_description_works_as_printed() {
    let center = ControlCenter::start(&[]);
    let robot = Robot::new("第一行").by_keys(&center.facts);
    let text = fs::read_to_string(robot.0.join("GlobalFun.py")).unwrap();
    let line = text.lines().find_map(|line| line.trim().strip_prefix("GlobalFun.rpa_api(")).unwrap();
    let Some(shown) = robot.run_as_user(&center.facts, &format!("shown.append(GlobalFun.rpa_api({line})")) else {
        return;
    };
    assert_eq!(shown[0]["code"], 0, "{shown}");
}

/// What the flow passes, and what the control center does, never make it raise.
#[test]
fn calls_by_keys_never_raise() {
    let center = ControlCenter::start(&[]);
    let robot = Robot::new("不抛出").by_keys(&center.facts);
    let steps = r#"
class Broken:
    def __str__(self): raise RuntimeError("a secret")
    __repr__ = __str__
for arguments in [(None,), (Broken(),), ("/x?a=1",), ("/x", "["), ("/x", [1]), ("/x", {"a": Broken()}), ("/x", {}, "head"),
                  ("/x", {}, None), ("/x", {}, Broken()), ("/oapi/v1/reply", {"body": "<html>"})]:
    shown.append(GlobalFun.rpa_api(*arguments))
GlobalFun.RPA_TOKEN_STORE = Broken()
shown.append(GlobalFun.rpa_api("/x"))
GlobalFun.RPA_TOKEN_STORE, GlobalFun.RPA_SECRETKEY = "memory", "wrong-secret-key"
shown.append(GlobalFun.rpa_api("/x"))
GlobalFun.RPA_HOST = "http://127.0.0.1:1"
shown.append(GlobalFun.rpa_api("/x"))
"#;
    let Some(shown) = robot.run_as_user(&center.facts, steps) else { return };
    let codes: Vec<_> = shown.as_array().unwrap().iter().map(|reply| reply["code"].as_i64().unwrap()).collect();
    assert_eq!(codes, [41, 40, 41, 41, 41, 41, 42, 42, 40, 40, 41, 401, 40], "{shown}");
    for secret in ["a secret", "wrong-secret-key", center.text("secretkey"), center.text("accesskey")] {
        assert!(!shown.to_string().contains(secret), "{shown}");
    }
    assert_eq!((&shown[12]["error"]["kind"], &shown[12]["error"]["delivered"]), (&"connect".into(), &"no".into()));
}

// --- The library's file ---------------------------------------------------------------------------------------------

/// The first sentence of all three functions, which must be the same but for the beginning.
fn told_about_the_library(robot: &Robot) -> Option<String> {
    let steps = r#"
shown.append(GlobalFun.rpa_rest_2020_4("http://127.0.0.1:1", "/x", {}, "get", 443, "t"))
shown.append(GlobalFun.get_token("http://127.0.0.1:1", "", "a", "b"))
shown.append(GlobalFun.refresh_token("http://127.0.0.1:1", "", "a"))
"#;
    let shown = robot.run(&json!({ "base": "http://127.0.0.1:1", "accesskey": "", "secretkey": "" }), steps)?;
    let beginnings = [(40, "fail,意外情况:"), (44, "fail,获取token失败:"), (44, "fail,刷新token失败:")];
    let mut sentences: Vec<String> = beginnings
        .iter()
        .zip(shown.as_array().unwrap())
        .map(|((code, begin), reply)| {
            assert_failed(reply, *code, begin);
            let error = &reply["error"];
            assert_eq!((&error["kind"], &error["delivered"]), (&"internal".into(), &"no".into()), "{reply}");
            assert_eq!(error["attempts"], 0, "{reply}");
            assert!(error["detail"].as_str().unwrap().ends_with(&format!("Python is {}-bit", usize::BITS)), "{reply}");
            msg(reply)[begin.len()..].to_owned()
        })
        .collect();
    sentences.dedup();
    assert_eq!(sentences.len(), 1, "{sentences:?}");
    let sentence = sentences.remove(0);
    assert!(!sentence.contains(['\n', '。']) && !sentence.contains("Traceback"), "one sentence: {sentence}");
    assert!(sentence.contains(&format!("Python是{}位的", usize::BITS)), "{sentence}");
    Some(sentence)
}

#[test]
fn a_missing_library_is_told_in_one_sentence() {
    let robot = Robot::without_library("缺少");
    let Some(sentence) = told_about_the_library(&robot) else { return };
    assert!(sentence.starts_with("找不到"), "{sentence}");
    let name = robot.library().file_name().unwrap().to_str().unwrap().to_owned();
    for part in [name.as_str(), robot.0.to_str().unwrap()] {
        assert!(sentence.contains(part), "{part}: {sentence}");
    }
}

#[test]
fn a_wrong_library_is_told_in_one_sentence() {
    let robot = Robot::without_library("错误的库");
    let path = robot.library().to_str().unwrap().to_owned();
    for garbage in [&b""[..], b"MZ", b"\x7fELF", b"not a library at all", &[0xff; 5000]] {
        fs::write(&path, garbage).unwrap();
        let Some(sentence) = told_about_the_library(&robot) else { return };
        assert!(sentence.starts_with(&format!("{path}不能加载")), "{sentence}");
    }
    let mut compile = Command::new(env::var("CC").unwrap_or_else(|_| "cc".to_owned()));
    compile.args(["-shared", "-o", &path, "-x", "c", "/dev/null"]);
    assert!(compile.status().expect("Rust itself needs cc to link").success());
    let sentence = told_about_the_library(&robot).unwrap();
    assert!(sentence.starts_with(&format!("{path}不是rpa_openapi库")), "{sentence}");
}

/// The real library, with a header that says it is of the other bitness; and the headers of Windows libraries.
#[test]
#[cfg(target_os = "linux")]
fn a_library_of_the_other_bitness_is_told_in_one_sentence() {
    let robot = Robot::without_library("位数");
    let path = robot.library().to_str().unwrap().to_owned();
    let (other, class, machine) = if usize::BITS == 64 { (32, 1, 0x14c_u16) } else { (64, 2, 0x8664) };
    let mut elf = fs::read(harness::built_library()).unwrap();
    elf[4] = class;
    let mut dll = vec![0; 0x100];
    dll[..2].copy_from_slice(b"MZ");
    dll[0x3c] = 0x80;
    dll[0x80..0x84].copy_from_slice(b"PE\0\0");
    dll[0x84..0x86].copy_from_slice(&machine.to_le_bytes());
    for bytes in [elf, dll] {
        fs::write(&path, bytes).unwrap();
        let Some(sentence) = told_about_the_library(&robot) else { return };
        assert!(sentence.starts_with(&format!("{path}是{other}位的")), "{sentence}");
    }
}

/// The DLL of an older version, or one that does not know a field.
#[test]
fn an_older_library_is_told_in_one_sentence() {
    let robot = Robot::without_library("旧版本");
    let path = robot.library().to_str().unwrap().to_owned();
    counting::compile_source(
        &robot.library(),
        "char *rpa_call(const char *r) { return 0; }\nchar *rpa_get_token(const char *r) { return 0; }",
    );
    let Some(sentence) = told_about_the_library(&robot) else { return };
    assert!(sentence.starts_with(&format!("{path}版本太旧,没有函数rpa_refresh_token、rpa_free,")), "{sentence}");

    let center = ControlCenter::start(&[]);
    let robot = Robot::new("旧字段").by_keys(&center.facts);
    robot.set("RPA_OPTIONS", "{'from_the_future': 1}");
    let shown = robot.run_as_user(&center.facts, "shown.append(GlobalFun.rpa_api('/oapi/v1/echo'))").unwrap();
    assert_failed(&shown[0], 41, WRONG_SETTINGS);
    let part = "这个动态库不认识设置RPA_OPTIONS['from_the_future'],请换成";
    assert!(msg(&shown[0]).contains(part), "{shown}");
}

/// Its reply is NULL, no text, or no JSON: none of the functions raises, and each tells what is known.
#[test]
fn replies_of_a_broken_library_are_failures_with_facts() {
    let robot = Robot::without_library("坏应答");
    let source = r#"
#include <stdlib.h>
#include <string.h>
char *rpa_call(const char *r) { return 0; }
char *rpa_get_token(const char *r) { return strdup("<html>"); }
char *rpa_refresh_token(const char *r) { return strdup("\xff"); }
void rpa_free(char *reply) { free(reply); }
"#;
    counting::compile_source(&robot.library(), source);
    let steps = "shown += [GlobalFun.rpa_rest_2020_4('http://h', '/x', {}, 'get', 443, 't'), GlobalFun.get_token(), GlobalFun.refresh_token()]";
    let Some(shown) = robot.run(&json!({ "base": "http://127.0.0.1:1", "accesskey": "", "secretkey": "" }), steps)
    else {
        return;
    };
    assert_failed(&shown[0], 40, "fail,意外情况:");
    assert_eq!(shown[0]["error"]["delivered"], "unknown", "{shown}");
    for (reply, begin) in [(&shown[1], "fail,获取token失败:"), (&shown[2], "fail,刷新token失败:")] {
        assert_failed(reply, 44, begin);
        assert_eq!(
            (&reply["error"]["kind"], &reply["error"]["delivered"]),
            (&"response".into(), &"yes".into()),
            "{reply}"
        );
    }
}

/// Both bitnesses may lie in one folder, under the names of the archive; and a library that comes later is taken.
#[test]
fn the_library_is_found_under_each_name() {
    let center = ControlCenter::start(&[]);
    let robot = Robot::without_library("名称");
    let (this, other) = if usize::BITS == 64 { ("x64", "x86") } else { ("x86", "x64") };
    let plain = robot.library().file_name().unwrap().to_str().unwrap().to_owned();
    let named = |machine: &str| plain.replace("openapi.", &format!("openapi_{machine}."));
    for name in [named(this), format!("{this}/{plain}"), plain.clone()] {
        let path = robot.0.join(&name);
        let steps = format!(
            r#"
import shutil
shown.append(GlobalFun.get_token(base, "", *keys)["code"])
os.makedirs(os.path.dirname({path:?}), exist_ok=True)
shutil.copy({:?}, {path:?})
shown.append(GlobalFun.get_token(base, "", *keys)["code"])
"#,
            harness::built_library()
        );
        for wrong in [named(other), format!("{other}/{plain}")] {
            let wrong = robot.0.join(wrong);
            fs::create_dir_all(wrong.parent().unwrap()).unwrap();
            fs::write(wrong, "that of another Python").unwrap();
        }
        let Some(shown) = robot.run(&center.facts, &steps) else { return };
        assert_eq!(shown, json!([44, 0]), "{name}");
        fs::remove_file(path).unwrap();
    }
}

#[test]
fn every_reply_is_freed_whatever_it_holds() {
    let robot = Robot::without_library("释放");
    let library = robot.library();
    counting::compile(&library);
    let steps = r#"
for _ in range(3):
    shown.append(GlobalFun.get_token())
    shown.append(GlobalFun.refresh_token()["msg"])
    shown.append(GlobalFun.rpa_rest_2020_4())
"#;
    let Some(shown) = robot.run(&json!({ "base": "http://127.0.0.1:1", "accesskey": "", "secretkey": "" }), steps)
    else {
        return;
    };
    let unreadable = "fail,刷新token失败:控制中心已应答,但应答不能读入Python(UnicodeDecodeError),请不要直接重新调用";
    let each = [json!([1]), unreadable.into(), json!([1])];
    assert_eq!(shown, json!([&each[..], &each, &each].concat()));
}

// --- The settings ---------------------------------------------------------------------------------------------------

const GET_TOKEN: &str = r#"shown.append(GlobalFun.get_token(base, "", *keys))"#;

#[test]
fn the_settings_of_trust() {
    let center = ControlCenter::start(&["--tls"]);
    let robot = Robot::new("证书");
    let get_token = || robot.run(&center.facts, GET_TOKEN).map(|mut shown| shown[0].take());

    let Some(untrusted) = get_token() else { return };
    assert_failed(&untrusted, 44, "fail,获取token失败:证书");
    // As the comment of the setting says.
    let fingerprint = center.text("fingerprint");
    assert!(untrusted["error"]["detail"].as_str().unwrap().contains(fingerprint), "{untrusted} {fingerprint}");

    robot.set("RPA_CERT_SHA256", &format!("'{}'", "00".repeat(32)));
    assert_failed(&get_token().unwrap(), 44, "fail,获取token失败:证书");
    let spaced: Vec<String> = fingerprint.replace(':', "").as_bytes().chunks(2).map(hex_pair).collect();
    for spelling in [fingerprint.to_owned(), fingerprint.to_uppercase(), spaced.join(" "), spaced.join(":")] {
        robot.set("RPA_CERT_SHA256", &format!("'{spelling}'"));
        assert_eq!(get_token().unwrap()["code"], 0, "{spelling}");
    }
    robot.set("RPA_CERT_SHA256", "''");

    fs::copy(center.text("pem"), robot.0.join("平台.pem")).unwrap();
    robot.set("RPA_CA_FILE", "'平台.pem'");
    assert_eq!(get_token().unwrap()["code"], 0);
    robot.set("RPA_CA_FILE", "'没有.pem'");
    let missing = get_token().unwrap();
    assert_eq!(missing["error"]["field"], "tls.ca_file", "{missing}");
    assert!(missing["error"]["detail"].as_str().unwrap().contains("no such file or folder (os error 2)"), "{missing}");
    robot.set("RPA_CA_FILE", "''");

    robot.set("RPA_VERIFY", "False");
    assert_eq!(get_token().unwrap()["code"], 0);
}

fn hex_pair(pair: &[u8]) -> String {
    String::from_utf8_lossy(pair).into_owned()
}

#[test]
fn the_settings_of_proxy_and_time() {
    let center = ControlCenter::start(&[]);
    let robot = Robot::new("代理和时间");
    let Some(shown) = robot.run(&center.facts, GET_TOKEN) else { return };
    assert_eq!(shown[0]["code"], 0);

    robot.set("RPA_PROXY", "'http://127.0.0.1:1'");
    assert_eq!(robot.run(&center.facts, GET_TOKEN).unwrap()[0]["error"]["kind"], "proxy");
    // The environment counts for 'system' and not for 'none'.
    let steps = format!("os.environ['http_proxy'] = 'http://127.0.0.1:1'\nos.environ['no_proxy'] = ''\n{GET_TOKEN}");
    robot.set("RPA_PROXY", "'system'");
    assert_eq!(robot.run(&center.facts, &steps).unwrap()[0]["error"]["kind"], "proxy");
    robot.set("RPA_PROXY", "'none'");
    assert_eq!(robot.run(&center.facts, &steps).unwrap()[0]["code"], 0);

    robot.set("RPA_TIMEOUT_MS", "700");
    let steps = r#"shown.append(call("/oapi/v1/reply", {"delayMillis": 20000, "body": "1"}, "get", retry=1))"#;
    assert_eq!(robot.run(&center.facts, steps).unwrap()[0]["error"]["kind"], "timeout");
    robot.set("RPA_CONNECT_TIMEOUT_MS", "0");
    assert_eq!(robot.run(&center.facts, GET_TOKEN).unwrap()[0]["error"]["field"], "connect_timeout_ms");
}

#[test]
fn the_setting_of_the_encoding() {
    let center = ControlCenter::start(&["--encoding", "java"]);
    let robot = Robot::new("编码");
    let steps = r#"shown.append(call("/oapi/v1/echo", {"a": "2020/11/30 ~"}, "post")["code"])"#;
    robot.set("RPA_ENCODING", "'python'");
    let Some(shown) = robot.run(&center.facts, steps) else { return };
    assert_eq!(shown, json!([403]));
    robot.set("RPA_ENCODING", "'java'");
    assert_eq!(robot.run(&center.facts, steps).unwrap(), json!([0]));
}

/// What the library gets, shown by one in its place that returns the request.
#[test]
fn settings_reach_the_library_and_defaults_are_left_out() {
    let robot = Robot::without_library("字段");
    let source = r#"
#include <stdlib.h>
#include <string.h>
char *rpa_call(const char *request) { return strdup(request); }
char *rpa_get_token(const char *request) { return strdup(request); }
char *rpa_refresh_token(const char *request) { return strdup(request); }
void rpa_free(char *reply) { free(reply); }
"#;
    counting::compile_source(&robot.library(), source);
    let facts = json!({ "base": "http://h", "accesskey": "a", "secretkey": "b" });
    let robot = robot.by_keys(&facts);
    robot.set("RPA_TOKEN_STORE", "'memory'");
    let steps = r#"
shown.append(GlobalFun.rpa_api("/x", {"a": 1}, "post"))
(a, b) = ("AB" * 32, "sha256//x+y=")
for pins in (a, [a, b], a + "， " + b, a + ";\n" + b + "\n", (a,), [a, ""], "", None):
    GlobalFun.RPA_CERT_SHA256 = pins
    shown.append(GlobalFun.get_token(base, "", "a", "b")["tls"].get("pin_sha256"))
GlobalFun.RPA_QUERY, GlobalFun.RPA_EMPTY_OK, GlobalFun.RPA_CORRECT_CLOCK = "none", True, False
GlobalFun.RPA_OPTIONS, GlobalFun.RPA_TIMEOUT_MS = {"headers": {"X-A": "1"}, "retry": 3}, 5000.0
shown.append(GlobalFun.rpa_api("/x", {"a": 1}, "post"))
shown.append(GlobalFun.rpa_rest_2020_4(base, "/x", {}, "get", 443, "t"))
shown.append(GlobalFun.get_token(base, "", "a", "b"))
"#;
    let Some(shown) = robot.run(&facts, steps) else { return };
    let shown = shown.as_array().unwrap();
    let common = json!({ "host": "http://h", "retry": 2, "timeout_ms": 30000, "connect_timeout_ms": 10000, "tls": { "verify": true } });
    let with = |base: &Value, more: Value| with_all(base.clone(), more);
    let call = json!({ "rest_type": "/x", "data_json": r#"{"a": "1"}"#, "mode": "post", "retry_mode": "safe" });
    let by_keys = with(&with(&common, call), json!({ "accesskey": "a", "secretkey": "b", "token_store": "memory" }));
    assert_eq!(shown[0], by_keys);
    let (a, b) = ("AB".repeat(32), "sha256//x+y=");
    assert_eq!(
        shown[1..9],
        [json!(a), json!([a, b]), json!([a, b]), json!([a, b]), json!(a), json!(a), Value::Null, Value::Null]
    );
    let options = json!({ "headers": { "X-A": "1" }, "timeout_ms": 5000 });
    let new = json!({ "retry": 3, "query": "none", "empty_ok": true, "correct_clock": false });
    assert_eq!(shown[9], with(&with(&by_keys, options.clone()), new));
    assert_eq!(
        (&shown[10]["query"], &shown[10]["empty_ok"], &shown[10]["correct_clock"]),
        (&json!("none"), &json!(true), &Value::Null)
    );
    assert_eq!(shown[11], with(&with(&common, options), json!({ "accesskey": "a", "secretkey": "b" })));
}

// --- Settings in a file ----------------------------------------------------------------------------------------------

/// A library that shows what it gets.
const ECHO: &str = r#"
#include <stdlib.h>
#include <string.h>
char *rpa_call(const char *request) { return strdup(request); }
char *rpa_get_token(const char *request) { return strdup(request); }
char *rpa_refresh_token(const char *request) { return strdup(request); }
void rpa_free(char *reply) { free(reply); }
"#;

/// A library of the version that knows `meta`, which answers this to calls and diagnoses.
fn answering(version: &str, call: &str, diagnosis: &str) -> String {
    format!(
        "{}const char *rpa_version(void) {{ return {version:?}; }}\n\
         char *rpa_diagnose(const char *request) {{ return strdup({diagnosis}); }}\n",
        ECHO.replacen("strdup(request)", &format!("strdup({call})"), 1)
    )
}

const NOBODY: &str = r#"{"base":"http://h","accesskey":"a","secretkey":"b"}"#;

fn nobody() -> Value {
    serde_json::from_str(NOBODY).unwrap()
}

#[test]
fn the_settings_as_shipped_are_the_defaults() {
    let robot = Robot::without_library("默认值");
    let steps = "names = [name for name in vars(GlobalFun) if name.startswith('RPA_')]
shown.append([name for name in names if repr(vars(GlobalFun)[name]) != repr(GlobalFun._RPA_DEFAULTS.get(name, 'missing'))])
shown.append([name for name in GlobalFun._RPA_DEFAULTS if name not in names])";
    let Some(shown) = robot.run(&nobody(), steps) else { return };
    assert_eq!(shown, json!([[], []]));
}

/// The file's own, then that beside it, then the machine's; each setting on its own.
#[test]
fn settings_are_taken_from_the_files_of_project_and_machine() {
    let robot = Robot::without_library("设置文件");
    counting::compile_source(&robot.library(), ECHO);
    let machine = robot.0.join("全机");
    fs::create_dir_all(&machine).unwrap();
    let all = r#"{"RPA_HOST": "http://machine", "RPA_ACCESSKEY": "ak", "RPA_SECRETKEY": "sk", "RPA_TOKEN_STORE": "memory",
        "RPA_CA_FILE": "证书.pem", "RPA_TIMEOUT_MS": 1234, "RPA_CORRECT_CLOCK": false, "RPA_OPTIONS": {"retry": 5}}"#;
    fs::write(machine.join("rpa_openapi.json"), all).unwrap();
    robot.0.write("rpa_openapi.json", r#"{"RPA_HOST": "http://project", "RPA_TIMEOUT_MS": 2345}"#);
    robot.set("RPA_CONNECT_TIMEOUT_MS", "99").set("RPA_TIMEOUT_MS", "3456");
    let steps = r#"
GlobalFun._rpa_machine_folder = lambda: os.path.join(folder, "全机")
beside = os.path.join(folder, "rpa_openapi.json")
shown.append(GlobalFun.rpa_api("/x"))
text = open(beside, encoding="utf-8").read().replace("project", "new")
for encoding in ("utf-8-sig", "utf-16", "gbk", "utf-8"):
    with open(beside, "w", encoding=encoding) as file:
        file.write(text.replace("}", ', "RPA_LOG_FOLDER": "日志%s"}' % encoding))
    shown.append(GlobalFun.rpa_api("/x")["host"])
os.remove(beside)
shown.append(GlobalFun.rpa_api("/x")["host"])
shown.append(GlobalFun.get_token("http://flow", "", "a", "b"))
"#;
    let Some(shown) = robot.run(&nobody(), steps) else { return };
    let first = &shown[0];
    assert_eq!(first["host"], "http://project");
    assert_eq!(
        (&first["timeout_ms"], &first["connect_timeout_ms"], &first["retry"]),
        (&json!(3456), &json!(99), &json!(5))
    );
    assert_eq!(
        (&first["accesskey"], &first["secretkey"], &first["correct_clock"]),
        (&json!("ak"), &json!("sk"), &json!(false))
    );
    assert_eq!(first["tls"]["ca_file"], machine.join("证书.pem").to_str().unwrap(), "beside the file that names it");
    assert_eq!(
        shown.as_array().unwrap()[1..6],
        ["http://new", "http://new", "http://new", "http://new", "http://machine"]
    );
    assert_eq!((&shown[6]["host"], &shown[6]["accesskey"]), (&json!("http://flow"), &json!("a")));
}

#[test]
fn what_is_wrong_in_a_settings_file_is_told_with_the_file() {
    let robot = Robot::new("错误的设置文件");
    let path = robot.0.join("rpa_openapi.json").to_str().unwrap().to_owned();
    let cases: &[(&[u8], &str)] = &[
        (br#"{"RPA_SECRETKEY": "a-secret",}"#, "不是有效的JSON:第1行第"),
        ("{\n\"RPA_SECRETKEY\"：\"a-secret\"}".as_bytes(), "第2行第16个字符,这里是全角的「：」"),
        (br#"["a-secret"]"#, "必须是JSON对象"),
        (br#"{"RPA_SECRET_KEY": "a-secret"}"#, "中有未知设置RPA_SECRET_KEY,是否应为RPA_SECRETKEY"),
        (br#"{"secretkey": "a-secret"}"#, "中有未知设置secretkey"),
        (b"", "不是有效的JSON"),
        (b"\xff\xfea", "不是文本"),
        (br#"{"RPA_TIMEOUT_MS": "30"}"#, "设置RPA_TIMEOUT_MS必须是整数"),
        (br#"{"RPA_TIMEOUT_MS": 0}"#, "设置RPA_TIMEOUT_MS必须是1到600000的整数"),
        (br#"{"RPA_HOST": "10.0.0.5"}"#, "设置RPA_HOST必须以https://或http://开头"),
        (br#"{"RPA_SECRETKEY": {"dpapi": "YWJj"}}"#, "设置RPA_SECRETKEY是由Windows加密的(dpapi),只能在Windows上使用"),
    ];
    let robot = robot.by_keys(&nobody());
    for (text, part) in cases {
        fs::write(&path, text).unwrap();
        // A setting of the file counts only where GlobalFun.py has none.
        let steps = "for name in ('RPA_HOST', 'RPA_SECRETKEY'):
    if name.encode() in open(os.path.join(folder, 'rpa_openapi.json'), 'rb').read(): setattr(GlobalFun, name, '')
shown.append(GlobalFun.rpa_api('/x'))";
        let Some(shown) = robot.run_as_user(&nobody(), steps) else { return };
        assert_failed(&shown[0], 41, WRONG_SETTINGS);
        assert!(msg(&shown[0]).contains(part) && msg(&shown[0]).contains(&path), "{part}: {shown}");
        assert!(!shown.to_string().contains("a-secret"), "{shown}");
    }
}

// --- What a library of version 0.2.0 and later is asked and tells ---------------------------------------------------

#[test]
fn facts_and_a_log_are_asked_of_a_library_that_knows_them() {
    let facts = nobody();
    let robot = Robot::without_library("新的库").by_keys(&facts);
    robot.set("RPA_TOKEN_STORE", "'memory'");
    let steps = r#"
shown.append(GlobalFun.rpa_api("/x"))
os.environ["RPA_OPENAPI_LOG"] = "elsewhere"
shown.append(GlobalFun.get_token("http://h", "", "a", "b"))
GlobalFun.RPA_LOG = "info"
shown.append(GlobalFun.rpa_api("/x"))
GlobalFun.RPA_LOG = "none"
shown.append(GlobalFun.rpa_api("/x"))
GlobalFun.RPA_LOG = "warn"
shown.append(GlobalFun.rpa_api("/x", log={"folder": "own"}))
own = shown[-2:]
del shown[-2:]
del os.environ["RPA_OPENAPI_LOG"]
GlobalFun.RPA_LOG = "none"
shown.append(GlobalFun.rpa_api("/x"))
GlobalFun.RPA_LOG, GlobalFun.RPA_LOG_FOLDER = "Error", "日志"
shown.append(GlobalFun.rpa_api("/x", timeout_ms=5, files={"file": "a.xlsx", "b": {"path": "/b", "name": "c"}}, save_to="结果"))
GlobalFun.RPA_GENERATION, GlobalFun.RPA_APPKEY = "10.3", "app"
shown.append(GlobalFun.rpa_api("/x"))
GlobalFun.RPA_GENERATION = "9"
shown.append(GlobalFun.rpa_api("get-process", {"proc_code": ""}))
shown += own
"#;
    counting::compile_source(&robot.library(), &answering("0.2.0", "request", "request"));
    let Some(shown) = robot.run(&facts, steps) else { return };
    let folder = robot.0.join("状态/rpa_openapi/log");
    assert_eq!(
        (&shown[0]["meta"], &shown[0]["log"]),
        (&json!(true), &json!({ "folder": folder.to_str(), "level": "warn" }))
    );
    assert!(folder.is_dir());
    assert_eq!((&shown[1]["meta"], &shown[1]["log"]), (&json!(true), &Value::Null), "the environment's");
    assert_eq!((&shown[2]["log"]["level"], &shown[3]["log"]), (&json!("info"), &Value::Null));
    let here = |name: &str| robot.0.join(name).to_str().unwrap().to_owned();
    assert_eq!(shown[4]["log"], json!({ "folder": here("日志"), "level": "error" }));
    assert_eq!((&shown[4]["timeout_ms"], &shown[4]["save_to"]), (&json!(5), &json!(here("结果"))));
    assert_eq!(shown[4]["files"], json!({ "file": here("a.xlsx"), "b": { "path": "/b", "name": "c" } }));
    assert_eq!(
        (&shown[5]["appkey"], &shown[5]["accesskey"], &shown[5]["generation"]),
        (&json!("app"), &Value::Null, &json!("10.3"))
    );
    assert_eq!(
        (&shown[6]["action"], &shown[6]["rest_type"], &shown[6]["mode"]),
        (&json!("get-process"), &Value::Null, &Value::Null)
    );

    assert!(shown[7]["log"].is_null() && shown[7].get("log").is_some(), "the project wants none: {shown}");
    assert_eq!(shown[8]["log"], json!({ "folder": "own" }), "this one call's");

    // Another one is asked for nothing that it does not know.
    for version in ["0.1.0", "0", "garbage"] {
        counting::compile_source(&robot.library(), &answering(version, "request", "request"));
        let shown = robot.run(&facts, "shown.append(GlobalFun.rpa_api('/x'))").unwrap();
        assert_eq!((&shown[0]["meta"], &shown[0]["log"]), (&Value::Null, &Value::Null), "{version}");
    }
}

#[test]
fn a_job_and_its_end_are_one_line_and_so_are_all_pages() {
    let facts = nobody();
    let robot = Robot::without_library("一行到底").by_keys(&facts);
    counting::compile_source(&robot.library(), &answering("0.2.0", "request", "request"));
    let steps = r#"
shown.append(GlobalFun.rpa_run("/x", {"a": 1}))
GlobalFun.RPA_WAIT = None
shown.append(GlobalFun.rpa_run("/x", {"a": 1}))
GlobalFun.RPA_WAIT = {"rest_type": "/y", "until": [{"pointer": "/result/status", "in": [1]}]}
shown.append(GlobalFun.rpa_run("/x", {"a": 1}))
shown.append(GlobalFun.rpa_run("/x", wait={"rest_type": "/z"}, resume="r", mode="put"))
shown.append(GlobalFun.rpa_run("/x", wait=[1]))
shown.append(GlobalFun.rpa_pages("/x"))
shown.append(GlobalFun.rpa_pages("/x", pages={"items": "/list"}, mode="post"))
"#;
    let Some(shown) = robot.run_as_user(&facts, steps) else { return };
    assert_eq!(shown[0]["wait"]["rest_type"], "/oapi/v1/job/get", "the emulated control center's");
    let shown = json!(shown.as_array().unwrap()[1..]);
    assert_failed(&shown[0], 41, WRONG_SETTINGS);
    assert!(msg(&shown[0]).contains("RPA_WAIT"), "{shown}");
    let wait = json!({ "rest_type": "/y", "until": [{ "pointer": "/result/status", "in": [1] }] });
    assert_eq!((&shown[1]["wait"], &shown[1]["mode"]), (&wait, &json!("post")));
    assert_eq!(
        (&shown[2]["wait"]["rest_type"], &shown[2]["resume"], &shown[2]["mode"]),
        (&json!("/z"), &json!("r"), &Value::Null)
    );
    assert!(msg(&shown[3]).contains("wait必须是dict"), "{shown}");
    assert_eq!((&shown[4]["pages"]["page"], &shown[4]["mode"]), (&json!("pageNum"), &json!("get")));
    assert_eq!(shown[4]["pages"]["items"][0], "/result/rows");
    assert_eq!((&shown[5]["pages"], &shown[5]["mode"]), (&json!({ "items": "/list" }), &json!("post")));
}

/// Nothing is set but address and keys.
#[test]
fn jobs_and_pages_work_out_of_the_box_with_the_emulated_control_center() {
    let center = ControlCenter::start(&["--job-millis", "300"]);
    let robot = Robot::new("开箱即用").by_keys(&center.facts);
    let steps = r#"
data = {"procCode": "P001", "robotNo": "Administrator@0A1B2C3D4E5F"}
for number in range(5):
    GlobalFun.rpa_api("/oapi/v1/job/create", dict(data, note=number), "post")
shown.append(GlobalFun.rpa_run("/oapi/v1/job/create", data))
shown.append(GlobalFun.rpa_pages("/oapi/v1/job/list", {"pageSize": 2}))
shown.append(GlobalFun.rpa_pages("/oapi/v1/job/list"))
GlobalFun.RPA_WAIT = {"rest_type": "/oapi/v1/job/get"}
shown.append(GlobalFun.rpa_run("/oapi/v1/job/create", data))
shown.append(GlobalFun.rpa_run("/oapi/v1/job/create", data, wait={"rest_type": "/oapi/v1/job/get"}))
"#;
    let Some(shown) = robot.run_as_user(&center.facts, steps) else { return };
    let run = &shown[0]["result"];
    assert_eq!(run["reply"]["result"]["status"], "finished", "{shown}");
    assert_eq!(run["reply"]["result"]["jobNo"], run["started"]["result"]["jobNo"], "{shown}");
    for pages in [&shown[1], &shown[2]] {
        assert_eq!(
            (&pages["result"]["total"], pages["result"]["rows"].as_array().unwrap().len()),
            (&json!(6), 6),
            "{pages}"
        );
    }
    assert!(msg(&shown[3]).contains("设置RPA_WAIT['until']"), "the reader's own setting: {shown}");
    assert!(msg(&shown[4]).contains("wait.until") && !msg(&shown[4]).contains("RPA_WAIT"), "a parameter: {shown}");
}

/// Told by Python, as every trouble of a call that succeeds; and the environment's folder counts more than the default.
#[test]
fn a_log_that_cannot_be_written_is_a_warning() {
    let center = ControlCenter::start(&[]);
    let steps = r#"
import warnings
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    reply = GlobalFun.rpa_api("/oapi/v1/job/list")
shown += [reply["code"], [str(one.message) for one in caught]]
"#;
    for (setting, named) in [("RPA_LOG_FOLDER", "RPA_LOG_FOLDER"), ("", "RPA_OPENAPI_LOG")] {
        let robot = Robot::new("日志写不了").by_keys(&center.facts);
        let blocked = robot.0.write("blocked", "").join("日志");
        let mut before = String::new();
        match setting {
            "" => before = format!("os.environ['RPA_OPENAPI_LOG'] = {blocked:?}\n"),
            setting => drop(robot.set(setting, &format!("{blocked:?}"))),
        }
        let Some(shown) = robot.run_as_user(&center.facts, &format!("{before}{steps}")) else { return };
        assert_eq!(shown[0], 0, "{shown}");
        let told = shown[1].as_array().unwrap();
        assert_eq!(told.len(), 1, "{shown}");
        let text = told[0].as_str().unwrap();
        assert!(text.contains("日志文件夹") && text.contains(named) && text.contains("无法写入"), "{text}");
    }
}

/// By Python's warnings and logging; and no reply is lost where a warning is an error.
#[test]
fn warnings_are_told_and_cost_no_reply() {
    let facts = nobody();
    let robot = Robot::without_library("警告").by_keys(&facts);
    let told = json!({ "reply": { "code": 0, "result": 7 }, "meta": { "id": "i1", "warnings": [
        { "kind": "verify", "zh": "字段tls.verify为false,任何人都可以冒充控制中心", "en": "tls.verify is false" },
        { "kind": "later", "en": "in English only" },
    ] } });
    counting::compile_source(&robot.library(), &answering("0.2.0", &format!("{:?}", told.to_string()), "request"));
    let steps = r#"
import logging, warnings
class Kept(logging.Handler):
    def emit(self, record): shown.append(record.getMessage())
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    shown.append(GlobalFun.rpa_api("/x"))
    shown += [[str(one.message), one.category.__name__, os.path.basename(one.filename)] for one in caught]
logging.getLogger("rpa_openapi").addHandler(Kept())
warnings.simplefilter("error")
shown.append(GlobalFun.rpa_api("/x"))
GlobalFun.RPA_OPTIONS = {"meta": True}
shown.append(GlobalFun.rpa_api("/x")["meta"]["id"])
"#;
    let Some(shown) = robot.run_as_user(&facts, steps) else { return };
    let reply = json!({ "code": 0, "result": 7 });
    let verify = "rpa_openapi: 设置RPA_VERIFY为false,任何人都可以冒充控制中心";
    let expected = json!([
        reply,
        [verify, "_RpaWarning", "main 流程.py"],
        ["rpa_openapi: in English only", "_RpaWarning", "main 流程.py"],
        format!("{verify} (i1)"),
        "rpa_openapi: in English only (i1)",
        reply,
        "i1",
    ]);
    assert_eq!(shown, expected);
}

#[test]
fn hints_are_told_under_the_readers_own_settings() {
    let facts = nobody();
    let robot = Robot::without_library("提示").by_keys(&facts);
    let error = json!({ "kind": "response", "detail": "d", "field": null, "http_status": 502, "attempts": 1, "delivered": "yes",
        "elapsed_ms": 3, "hint": "请检查字段host和tls.ca_file", "id": "i1" });
    let reply = json!({ "reply": { "code": 40, "msg": "fail,发送API失败!不是JSON", "result": null, "error": error }, "meta": {} });
    counting::compile_source(&robot.library(), &answering("0.2.0", &format!("{:?}", reply.to_string()), "request"));
    let Some(shown) = robot.run_as_user(&facts, "shown.append(GlobalFun.rpa_api('/x'))") else { return };
    assert_eq!(msg(&shown[0]), "fail,发送API失败!不是JSON,请检查设置RPA_HOST和RPA_CA_FILE");
    assert_eq!(
        (&shown[0]["error"]["hint"], &shown[0]["error"]["id"]),
        (&json!("请检查设置RPA_HOST和RPA_CA_FILE"), &json!("i1"))
    );
}

// --- The diagnosis ----------------------------------------------------------------------------------------------------

/// A report as the library makes it.
fn diagnosis() -> Value {
    json!({ "code": 0, "msg": "success", "result": {
        "verdict": { "ok": false, "zh": "证书不受信任,请填入tls.pin_sha256", "en": "not trusted: `tls.pin_sha256`", "check": "tls",
            "setting": "tls.pin_sha256", "turn": "you" },
        "library": { "version": "0.2.0", "bits": 64 },
        "machine": { "name": "电脑\u{1b}[31m", "user": "u" },
        "settings": [{ "field": "host", "value": "https://h", "from": "RPA_HOST (GlobalFun.py)", "odd": [{ "zh": "多了空格", "en": "a blank" }] }],
        "checks": [
            { "name": "dns", "status": "ok", "ms": 3, "facts": {}, "zh": "解析到1个地址", "en": "one address" },
            { "name": "tls", "status": "fail", "ms": 9, "facts": { "issuer": "CN=x" }, "zh": "自签名", "en": "self-signed" },
            { "name": "http", "status": "skipped", "because": { "zh": "没有连接", "en": "no connection" }, "ms": 0, "facts": {}, "zh": "", "en": "" },
        ],
    } })
}

/// One line to paste; what it prints is what it returns, whatever the console can show.
#[test]
fn a_diagnosis_is_a_text_in_chinese_ready_to_be_sent() {
    let facts = nobody();
    let robot = Robot::without_library("诊断").by_keys(&facts);
    counting::compile_source(
        &robot.library(),
        &answering("0.2.0", "request", &format!("{:?}", diagnosis().to_string())),
    );
    let steps = r#"
import io
for encoding in ("utf-8", "gbk", "cp437", "ascii", "no such encoding"):
    real, console = sys.stdout, io.TextIOWrapper(io.BytesIO(), encoding=encoding if encoding[:2] != "no" else "utf-8")
    sys.stdout = console
    if encoding[:2] == "no":
        class Odd(io.StringIO): pass
        Odd.encoding = encoding
        sys.stdout = Odd()
    text = GlobalFun.rpa_diagnose()
    printed = sys.stdout
    sys.stdout = real
    printed.flush()
    shown.append(printed.getvalue() if encoding[:2] == "no" else printed.buffer.getvalue().decode(encoding))
shown.append(text)
real, sys.stdout = sys.stdout, None
shown.append(GlobalFun.rpa_diagnose() == text)
sys.stdout = real
"#;
    let Some(shown) = robot.run_as_user(&facts, steps) else { return };
    let text = shown[5].as_str().unwrap();
    for part in [
        "结论: 证书不受信任,请填入RPA_CERT_SHA256\n要改的设置: RPA_CERT_SHA256\n该由谁处理: 您自己\n",
        "  [正常] dns: 解析到1个地址 (3 毫秒)\n",
        "  [失败] tls: 自签名 (9 毫秒)\n         {\"issuer\": \"CN=x\"}\n",
        "  [跳过] http: 没有连接\n",
        "  RPA_HOST = \"https://h\"  来自 RPA_HOST (GlobalFun.py)\n      [注意] 多了空格\n",
        "  name: 电脑\\x1b[31m\n",
        "  bits: 64",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let first = |text: &Value| text.as_str().unwrap().lines().nth(2).unwrap_or_default().to_owned();
    assert_eq!(first(&shown[0]), "结论: 证书不受信任,请填入RPA_CERT_SHA256");
    assert_eq!(first(&shown[1]), first(&shown[0]));
    for english in 2..5 {
        assert_eq!(first(&shown[english]), "Verdict: not trusted: `RPA_CERT_SHA256`");
    }
    assert_eq!(shown[6], true);
}

/// What the library is asked; and that something is told without it, or with settings that are wrong.
#[test]
fn a_diagnosis_is_made_of_whatever_there_is() {
    let facts = nobody();
    let robot = Robot::without_library("诊断 条件").by_keys(&facts);
    let quiet = "import io\nreal, sys.stdout = sys.stdout, io.StringIO()\n";
    let missing =
        format!("{quiet}GlobalFun.RPA_TIMEOUT_MS = '30'\nshown.append(GlobalFun.rpa_diagnose())\nsys.stdout = real");
    let Some(shown) = robot.run_as_user(&facts, &missing) else { return };
    let text = shown[0].as_str().unwrap();
    for part in
        ["结论: 设置RPA_TIMEOUT_MS必须是整数", "另外: 找不到", "该由谁处理: 您自己", &format!("{} bit", usize::BITS)]
    {
        assert!(text.contains(part), "{part}: {text}");
    }

    counting::compile_source(&robot.library(), ECHO);
    let shown = robot.run_as_user(&facts, &missing).unwrap();
    assert!(shown[0].as_str().unwrap().contains("另外: 动态库版本太旧,没有诊断功能"), "{shown}");

    // The request comes back in place of a reply.
    let as_reply = "strcat(strcat(strcpy(malloc(9000), \"{\\\"msg\\\":\"), request), \"}\")";
    let source = answering("0.2.0", "request", "request").replace("strdup(request); }\n\n", "strdup(request); }\n");
    let source = source.replace(
        "char *rpa_diagnose(const char *request) { return strdup(request); }",
        &format!("char *rpa_diagnose(const char *request) {{ return {as_reply}; }}"),
    );
    counting::compile_source(&robot.library(), &source);
    let steps = format!(
        r#"{quiet}
import ast
def asked(**how):
    line = [line for line in GlobalFun.rpa_diagnose(**how).splitlines() if line.startswith("结论: {{")]
    return ast.literal_eval(line[0][4:])
shown.append(asked())
shown.append(asked(rest_type="/x", data_json={{"a": 1}}, get_token=True))
GlobalFun.RPA_HOST = GlobalFun.RPA_ACCESSKEY = ""
GlobalFun.RPA_OPTIONS = {{"retry": 3}}
shown.append(asked())
shown.append(asked(host=" http://other "))
sys.stdout = real
"#
    );
    let shown = robot.run_as_user(&facts, &steps).unwrap();
    let fields = |shown: &Value| shown.as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(" ");
    let usual = "accesskey connect_timeout_ms host retry retry_mode secretkey settings_from timeout_ms tls token_store";
    assert_eq!(fields(&shown[0]), usual);
    let from = &shown[0]["settings_from"];
    assert_eq!(
        (&from["host"], &from["timeout_ms"]),
        (&json!("RPA_HOST (GlobalFun.py)"), &json!("RPA_TIMEOUT_MS (默认值)"))
    );
    assert_eq!(from["tls.verify"], "RPA_VERIFY (默认值)");
    assert_eq!(
        (&shown[1]["mode"], &shown[1]["rest_type"], &shown[1]["get_token"]),
        (&json!("get"), &json!("/x"), &json!(true))
    );
    assert_eq!((&shown[2]["host"], &shown[2]["accesskey"]), (&Value::Null, &Value::Null), "{shown}");
    assert_eq!(shown[2]["settings_from"]["retry"], "RPA_OPTIONS (GlobalFun.py)");
    assert_eq!(
        (&shown[3]["host"], &shown[3]["settings_from"]["host"]),
        (&json!("http://other"), &json!("rpa_diagnose(host)"))
    );
}

// --- Waiting --------------------------------------------------------------------------------------------------------

/// Ctrl-C while the control center does not answer: it ends at once, and the next call works.
#[test]
fn ctrl_c_ends_the_wait_at_once() {
    let center = ControlCenter::start(&[]);
    let steps = r#"
import signal
# In the background of a shell it is ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
access = token()
begun = time.time()
threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
try:
    GlobalFun.rpa_rest_2020_4(base, "/oapi/v1/reply", {"delayMillis": 29000, "body": "1"}, "post", accesstoken=access)
    shown.append("returned")
except KeyboardInterrupt:
    shown.append("interrupted")
shown.append(GlobalFun.rpa_rest_2020_4(base, "/oapi/v1/echo", {}, "get", accesstoken=access)["code"])
shown.append(time.time() - begun < 20)
"#;
    // The script's end does not wait for the call, either.
    let begun = std::time::Instant::now();
    let Some(shown) = Robot::new("中断").run(&center.facts, steps) else { return };
    assert_eq!(shown, json!(["interrupted", 0, true]));
    assert!(begun.elapsed().as_secs() < 25, "{:?}", begun.elapsed());
}

/// A call is made from wherever a flow makes it: after a fork, in a signal's handler, long after the one before, at the end.
#[test]
fn calls_work_wherever_they_are_made() {
    let center = ControlCenter::start(&[]);
    let steps = r#"
import atexit, signal
access = token()
def echo(value):
    reply = GlobalFun.rpa_rest_2020_4(base, "/oapi/v1/echo", {"v": value}, "put", accesstoken=access)
    return json.loads(reply["result"]["body"]) == {"v": value}

shown.append(echo("先"))
child = os.fork()
if child == 0:
    os._exit(0 if echo("子进程") else 1)
shown.append(os.waitpid(child, 0)[1])

inner = []
signal.signal(signal.SIGALRM, lambda *_: inner.append(echo("信号")))
signal.setitimer(signal.ITIMER_REAL, 0.2)
reply = GlobalFun.rpa_rest_2020_4(base, "/oapi/v1/reply", {"delayMillis": 1500, "body": "7"}, "get", accesstoken=access)
shown += [reply, inner]

GlobalFun._RpaWaiter.IDLE_SECONDS = 0.05
for pause in (0, 0.3, 0.04, 0.05, 0.06, 0.3):
    time.sleep(pause)
    shown.append(echo("等待"))

class Last:
    def __del__(self, echo=echo): assert echo("最后")
GlobalFun.last = Last()
atexit.register(echo, "结束")
"#;
    let Some(shown) = Robot::new("各处").run(&center.facts, steps) else { return };
    assert_eq!(shown, json!([true, 0, 7, [true], true, true, true, true, true, true]));
}

// --- Against plain Python -------------------------------------------------------------------------------------------

#[test]
fn replies_are_those_of_a_plain_python_client() {
    for options in [&["--job-millis", "0"][..], &["--job-millis", "0", "--tls", "--token-ttl", "600"][..]] {
        let center = ControlCenter::start(options);
        let robot = Robot::of("比较", &center);
        let Some(mut command) = python("tests/python/plain_client.py") else { return };
        let output = command.arg(robot.0.join("GlobalFun.py")).arg(center.text("base")).output().unwrap();
        assert!(output.status.success(), "{}", said(&output));
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        let differences = report["differences"].as_array().unwrap();
        let first: Vec<&str> = differences.iter().take(3).filter_map(Value::as_str).collect();
        assert!(differences.is_empty(), "{} of {} differ:\n{}", differences.len(), report["calls"], first.join("\n"));
        assert!(report["succeeded"].as_u64() >= Some(500), "{report}");
        assert!(report["calls"].as_u64() >= Some(600), "{report}");
    }
}
