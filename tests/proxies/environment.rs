//! The proxy that the environment names.

use std::ffi::OsStr;
use std::process::Command;

use rpa_test_support::programs;
use serde_json::{Value, json};

use super::server::{Server, reply};
use super::{c, harness, tools};

/// The command runs without the variables that name a proxy.
fn without_proxies(command: &mut Command) {
    for name in ["http_proxy", "https_proxy", "all_proxy", "no_proxy"] {
        command.env_remove(name).env_remove(name.to_uppercase());
    }
}

/// A call in a process of its own, with these variables and no others that name a proxy.
pub fn call_with<V: AsRef<OsStr>>(environment: &[(&str, V)], request: &Value) -> Value {
    let mut command = programs::helper("one_call");
    without_proxies(&mut command);
    command.arg(request.to_string()).envs(environment.iter().map(|(name, value)| (name, value)));
    let output = tools::succeed(&mut command, "a process of its own");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn the_environment() {
    let server = Server::answering(reply("200 OK", "{\"way\":\"straight\"}"));
    let proxy = Server::answering(reply("200 OK", "{\"way\":\"proxy\"}"));
    let to = format!("http://{}", proxy.address());
    let port = server.address().port();
    let mut request = json!({
        "host": server.url(), "mode": "post", "rest_type": "/a", "accesstoken": "9f2c4b7e1d5a48c0", "retry": 1,
    });
    let with_port = format!("127.0.0.1:{port}");
    for (environment, way) in [
        (vec![], "straight"),
        (vec![("http_proxy", to.as_str())], "proxy"),
        (vec![("HTTP_PROXY", to.as_str())], "proxy"),
        (vec![("HTTP_PROXY", to.as_str()), ("REQUEST_METHOD", "GET")], "straight"),
        (vec![("ALL_PROXY", to.as_str())], "proxy"),
        (vec![("https_proxy", to.as_str())], "straight"),
        (vec![("http_proxy", "")], "straight"),
        (vec![("http_proxy", to.as_str()), ("no_proxy", "*")], "straight"),
        (vec![("http_proxy", to.as_str()), ("NO_PROXY", "corp.example, 127.0.0.0/8")], "straight"),
        (vec![("http_proxy", to.as_str()), ("NO_PROXY", "127.0.0.1")], "straight"),
        (vec![("http_proxy", to.as_str()), ("NO_PROXY", with_port.as_str())], "straight"),
        (vec![("http_proxy", to.as_str()), ("NO_PROXY", "127.0.0.1:1,10.0.0.0/8,example")], "proxy"),
    ] {
        assert_eq!(call_with(&environment, &request), json!({ "way": way }), "{environment:?}");
    }
    for (variable, value) in
        [("http_proxy", "ftp://proxy:21"), ("ALL_PROXY", "http://"), ("HTTP_PROXY", "http://a b:1")]
    {
        let told = call_with(&[(variable, value)], &request);
        assert_eq!((&told["error"]["kind"], &told["error"]["field"]), (&json!("argument"), &json!("proxy")), "{told}");
        assert!(told["error"]["detail"].as_str().unwrap().contains(variable), "{told}");
    }
    for none in [Value::Null, json!("")] {
        request["proxy"] = none;
        assert_eq!(call_with(&[("http_proxy", &to)], &request), json!({ "way": "straight" }));
    }
}

#[cfg(unix)]
#[test]
fn a_variable_that_is_not_utf8_is_refused_by_its_name() {
    use std::os::unix::ffi::OsStrExt;

    let server = Server::answering(reply("200 OK", "{\"way\":\"straight\"}"));
    let request = json!({
        "host": server.url(), "mode": "post", "rest_type": "/a", "accesstoken": "9f2c4b7e1d5a48c0", "retry": 1,
    });
    let odd = OsStr::from_bytes(b"http://p\xd6\xd0:8080");
    let good = OsStr::new("http://127.0.0.1:1");
    for (environment, named) in [
        (vec![("http_proxy", odd)], "http_proxy"),
        (vec![("HTTP_PROXY", odd)], "HTTP_PROXY"),
        (vec![("ALL_PROXY", odd)], "ALL_PROXY"),
        (vec![("http_proxy", good), ("NO_PROXY", odd)], "NO_PROXY"),
    ] {
        let told = call_with(&environment, &request);
        let error = &told["error"];
        assert_eq!((&error["kind"], &error["field"]), (&json!("argument"), &json!("proxy")), "{told}");
        let detail = error["detail"].as_str().unwrap();
        assert!(detail.contains(named) && detail.contains("is not UTF-8"), "{told}");
        assert!(told["msg"].as_str().unwrap().contains(&format!("环境变量{named}不是UTF-8编码")), "{told}");
    }
    // One that does not count for this call is nobody's business.
    assert_eq!(call_with(&[("https_proxy", odd)], &request), json!({ "way": "straight" }));
    assert_eq!(server.requests(), 1);
}

/// The first call that follows the environment reads it; what the host changes later may be in the middle of a change.
#[test]
fn a_host_that_changes_its_environment_beside_calls_does_not_crash() {
    if c::on_windows() {
        return;
    }
    // Nobody listens there: calls that end at once come to look at the environment the most often.
    let request = json!({
        "host": "http://127.0.0.1:1", "mode": "get", "rest_type": "/a", "accesstoken": "9f2c4b7e1d5a48c0", "retry": 1,
    });
    let mut compile = c::Language::C.compile("c11").expect("a C compiler");
    compile.args(["-D_GNU_SOURCE", "-pthread", "-I"]).arg(tools::in_tree("include"));
    let program = tools::folder("environment").join("environment");
    let folder = harness::built_library().parent().expect("the library lies in a folder");
    c::link(compile, &tools::in_tree("tests/c/environment.c"), folder, &program);
    let mut command = Command::new(&program);
    command.arg(request.to_string()).arg("3").env("MALLOC_PERTURB_", "165");
    without_proxies(&mut command);
    let output = tools::succeed(c::with_its_library(&mut command), "calls beside a changing environment");
    let calls = String::from_utf8(output.stdout).unwrap();
    let calls: u64 = calls.trim().strip_prefix("calls: ").unwrap().parse().unwrap();
    assert!(calls > 20, "only {calls} calls were made beside the changes");
}

#[test]
fn errors_name_the_variable_that_the_proxy_comes_from() {
    let request = json!({
        "host": "https://rpa.invalid", "mode": "post", "rest_type": "/a", "accesstoken": "9f2c4b7e1d5a48c0", "retry": 1,
    });
    let nobody = Server::answering("").address();
    for (variable, scheme) in [("HTTPS_PROXY", "http"), ("all_proxy", "socks5")] {
        let told = call_with(&[(variable, format!("{scheme}://robot:hunter2@{nobody}"))], &request);
        assert_eq!(told["error"]["kind"], "proxy", "{told}");
        let (msg, detail) = (told["msg"].as_str().unwrap(), told["error"]["detail"].as_str().unwrap());
        assert!(msg.contains(&format!("代理{scheme}://{nobody}(来自环境变量{variable})")), "{told}");
        assert!(
            detail.contains(&format!("the proxy {scheme}://{nobody} (from the environment variable {variable})")),
            "{told}"
        );
        assert!(!told.to_string().contains("hunter2"), "{told}");
    }
}
