//! Which generation of the control center answers, and what is told where the request names another one.

use serde_json::{Value, json};

use crate::harness::ControlCenter;
use crate::requests::with_all;
use crate::server::Server;
use crate::servers::{answering, envelope, page};
use crate::{Row, check, diagnose, hold, shape};

const GENERATIONS: [&str; 4] = ["2020.4", "2020.5", "10.3", "9"];

/// A request as somebody writes it for a generation.
fn request(center: &ControlCenter, generation: &str) -> Value {
    let rest = json!({ "rest_type": "/oapi/v1/job/list", "mode": "get" });
    let fields = match generation {
        "10.3" => with_all(json!({ "appkey": center.text("appkey") }), rest),
        "9" => json!({ "action": "get-process" }),
        _ => {
            let keys = json!({ "accesskey": center.text("accesskey"), "secretkey": center.text("secretkey") });
            with_all(with_all(keys, rest), json!({ "get_token": true }))
        }
    };
    center.request(with_all(fields, json!({ "generation": generation })))
}

#[test]
fn each_generation_is_recognised_and_another_one_in_the_request_is_told() {
    let mut rows = Vec::new();
    for real in GENERATIONS {
        let center = ControlCenter::start(&["--generation", real]);
        for asked in GENERATIONS {
            let request = request(&center, asked);
            let told = diagnose(&request.to_string(), &[]);
            let http = check(&told, "http");
            let (fits, from) = match real {
                "2020.4" => (json!(["2020.4", "2020.5"]), "/oapi/v1/token"),
                "2020.5" => (json!(["2020.5"]), "/doc.html"),
                "10.3" => (json!(["10.3"]), "/oapi/v1/job/list"),
                _ => (json!(["9"]), "/rapi/rcall.action"),
            };
            assert_eq!(
                (&http["facts"]["generation"], &http["facts"]["generation_from"]),
                (&fits, &json!([from])),
                "{real}, {asked}: {http}"
            );
            let row = match (real, asked) {
                _ if fits.as_array().unwrap().contains(&asked.into()) => {
                    assert_eq!(told["result"]["verdict"]["check"], Value::Null, "{real}, {asked}: {told}");
                    for check in told["result"]["checks"].as_array().unwrap() {
                        assert!(check["status"] == "ok" || check["status"] == "skipped", "{real}, {asked}: {check}");
                    }
                    continue;
                }
                ("2020.5", "2020.4") => Row::warns("2020.5, asked as 2020.4", request, "http", SAYS[1]),
                ("2020.4", _) => Row::fails("2020.4, asked as another one", request, "http", SAYS[0]),
                ("2020.5", _) => Row::fails("2020.5, asked as another one", request, "http", SAYS[1]),
                ("10.3", _) => Row::fails("10.3, asked as another one", request, "http", SAYS[2]),
                _ => Row::fails("9, asked as another one", request, "http", SAYS[3]),
            };
            rows.push(row.setting("generation"));
        }
        hold(&rows, 1);
        rows.clear();
    }
}

const SAYS: [[&str; 2]; 4] = [
    [
        "请设置\"generation\":\"2020.4\"(2020.5和2021.1填\"2020.5\")",
        "give \"generation\": \"2020.4\" (\"2020.5\" for 2020.5 and 2021.1)",
    ],
    ["请设置\"generation\":\"2020.5\"", "by what it shows at /doc.html: give \"generation\": \"2020.5\""],
    ["请设置\"generation\":\"10.3\",并给出appkey", "give \"generation\": \"10.3\", with `appkey`"],
    [
        "请设置\"generation\":\"9\",并用action代替rest_type",
        "give \"generation\": \"9\", with `action` in place of `rest_type`",
    ],
];

/// Fields of the right generation beside the name of a wrong one.
#[test]
fn fields_that_belong_to_the_right_generation_are_not_blamed() {
    let centers = GENERATIONS.map(|generation| ControlCenter::start(&["--generation", generation]));
    let named = |place: usize, name: &str| {
        let center: &ControlCenter = &centers[place];
        with_all(request(center, GENERATIONS[place]), json!({ "generation": name }))
    };
    let rows = vec![
        Row::fails("keys, and 9", named(0, "9"), "http", SAYS[0]).setting("generation"),
        Row::fails("keys, and 10.3", named(0, "10.3"), "http", SAYS[0]).setting("generation"),
        Row::fails("an appkey, and 2020.4", named(2, "2020.4"), "http", SAYS[2]).setting("generation"),
        Row::fails("an action, and 10.3", named(3, "10.3"), "http", SAYS[3]).setting("generation"),
        // What is no generation at all is told by itself.
        Row::fails("no generation", named(0, "2020.6"), "settings", ["2020.5", "2020.5"]).setting("generation"),
    ];
    hold(&rows, 5);
}

/// Whatever answers every path alike shows no generation, and no other word is said of it.
#[test]
fn a_gateway_that_answers_everything_alike_shows_no_generation() {
    let html = |status: &'static str, body: &'static str| answering(move || page(status, "text/html", body));
    let json = |status: &'static str, body: &'static str| answering(move || page(status, "application/json", body));
    let echo = |says: fn(&str) -> (&'static str, String)| {
        Server::start(move |connection| {
            while let Some(asked) = connection.request() {
                let (kind, body) = says(asked.split([' ', '?']).nth(1).unwrap());
                if !connection.send(page("200 OK", kind, &body).as_bytes()) {
                    return;
                }
            }
        })
    };
    let servers = [
        html("200 OK", "<html><title>登录</title><script src=/swagger/api-docs.js></script>appkey</html>"),
        html("404 Not Found", "<html>nginx</html>"),
        html("405 Method Not Allowed", "<html>nginx</html>"),
        html("500 Internal Server Error", "<html>appkey swagger</html>"),
        json("200 OK", "{\"code\":401,\"msg\":\"请先登录\"}"),
        json("401 Unauthorized", "{\"code\":401,\"msg\":\"appkey is missing\",\"result\":null}"),
        json("404 Not Found", "{\"code\":404,\"msg\":\"no route\",\"data\":null}"),
        json("502 Bad Gateway", "{\"code\":502,\"msg\":\"no upstream\",\"data\":null}"),
        echo(|path| {
            (
                "application/json",
                format!("{{\"code\":1,\"msg\":\"no route {path}, trace 7f{}\",\"data\":0}}", path.len()),
            )
        }),
        echo(|path| {
            ("application/json", format!("{{\"code\":404,\"msg\":\"{path} is not here\",\"data\":{}}}", path.len()))
        }),
        echo(|path| ("text/html", format!("<html>swagger: {path}, {}</html>", path.len()))),
        // Another program's pages of this name.
        echo(|path| match path {
            "/doc.html" => ("text/html", "<html>knife4j</html>".to_owned()),
            _ => ("text/html", "<html>login</html>".to_owned()),
        }),
    ];
    for server in &servers {
        for generation in GENERATIONS {
            let told =
                diagnose(&json!({ "host": server.url(), "proxy": null, "generation": generation }).to_string(), &[]);
            assert_eq!(shape(&told["result"]), None);
            let http = check(&told, "http");
            assert_eq!(http["facts"].get("generation"), None, "{http}");
            assert_ne!(told["result"]["verdict"]["setting"], "generation", "{told}");
            assert!(!http["zh"].as_str().unwrap().contains("generation"), "{http}");
        }
    }
}

/// What real servers may answer, which the emulator does not: pages of a servlet container, the words of Spring, a filter that
/// looks at who calls before it looks what is called.
#[test]
fn servers_that_answer_in_other_ways_are_recognised() {
    type Answers = &'static [(&'static str, &'static str, &'static str, &'static str)];
    let server = |answers: Answers, rest: (&'static str, &'static str, &'static str)| {
        Server::start(move |connection| {
            while let Some(asked) = connection.request() {
                let path = asked.split([' ', '?']).nth(1).unwrap();
                let found = answers.iter().find(|(at, ..)| path.starts_with(at));
                let (status, kind, body) = found.map_or(rest, |(_, status, kind, body)| (*status, *kind, *body));
                if !connection.send(page(status, kind, body).as_bytes()) {
                    return;
                }
            }
        })
    };
    const HTML: &str = "text/html";
    const JSON: &str = "application/json";
    let tomcat = ("404 Not Found", HTML, "<html><h1>HTTP Status 404</h1></html>");
    let spring = ("404 Not Found", JSON, "{\"timestamp\":1,\"status\":404,\"error\":\"Not Found\",\"path\":\"/\"}");
    for (name, answers, rest, fits) in [
        (
            "9, by its envelope",
            &[("/rapi/rcall", "200 OK", JSON, "{\"code\":1,\"msg\":\"action为空\",\"result\":null}")] as Answers,
            tomcat,
            json!(["9"]),
        ),
        (
            "9, by a form alone",
            &[("/rapi/rcall", "405 Method Not Allowed", HTML, "<html>405</html>")],
            tomcat,
            json!(["9"]),
        ),
        (
            "10.3, by a filter",
            &[("/oapi/", "401 Unauthorized", JSON, "{\"code\":401,\"msg\":\"AppKey不能为空\",\"result\":null}")],
            spring,
            json!(["10.3"]),
        ),
        (
            "2020.4, in Spring's words",
            &[(
                "/oapi/v1/token",
                "400 Bad Request",
                JSON,
                "{\"timestamp\":1,\"status\":400,\"error\":\"Bad Request\",\"path\":\"/oapi/v1/token\"}",
            )],
            spring,
            json!(["2020.4", "2020.5"]),
        ),
        (
            "2020.5, by knife4j",
            &[
                ("/oapi/v1/token", "200 OK", JSON, "{\"code\":400,\"msg\":\"accessKey不能为空\",\"result\":null}"),
                ("/doc.html", "200 OK", HTML, "<noscript>knife4j-vue doesn't work properly</noscript>"),
            ],
            tomcat,
            json!(["2020.5"]),
        ),
        // One page for all that it does not know, which tells of Swagger as well.
        (
            "2020.4, behind a portal",
            &[("/oapi/v1/token", "200 OK", JSON, "{\"code\":400,\"msg\":\"accessKey不能为空\",\"result\":null}")],
            ("200 OK", HTML, "<html>swagger, /oapi/</html>"),
            json!(["2020.4", "2020.5"]),
        ),
        // An older interface that is still there beside the newer one.
        (
            "2020.4 and 9",
            &[
                ("/oapi/v1/token", "200 OK", JSON, "{\"code\":400,\"msg\":\"accessKey不能为空\",\"result\":null}"),
                ("/rapi/rcall", "200 OK", JSON, "{\"code\":1,\"msg\":\"action\",\"result\":null}"),
            ],
            tomcat,
            json!(["2020.4", "2020.5", "9"]),
        ),
        // A filter that looks at all alike: nothing is known, and nothing is told.
        (
            "one that is not known",
            &[("/oapi/", "401 Unauthorized", JSON, "{\"code\":401,\"msg\":\"验签失败\",\"result\":null}")],
            tomcat,
            Value::Null,
        ),
    ] {
        let server = server(answers, rest);
        for generation in GENERATIONS {
            let told =
                diagnose(&json!({ "host": server.url(), "proxy": null, "generation": generation }).to_string(), &[]);
            let (http, verdict) = (check(&told, "http"), &told["result"]["verdict"]);
            assert_eq!(http["facts"]["generation"], fits, "{name}: {http}");
            let known = fits.as_array().map(Vec::as_slice).unwrap_or_default();
            if known.is_empty() {
                assert_ne!(verdict["setting"], "generation", "{name}, {generation}: {verdict}");
            } else if known.contains(&generation.into()) {
                assert_eq!(
                    (&verdict["ok"], &verdict["check"]),
                    (&json!(true), &Value::Null),
                    "{name}, {generation}: {told}"
                );
            } else {
                assert_eq!(verdict["setting"], "generation", "{name}, {generation}: {verdict}");
            }
        }
    }
}

/// The paths of 10.3 are its owner's to know.
#[test]
fn the_callers_own_path_shows_an_appkey_as_well() {
    let server = Server::start(|connection| {
        while let Some(asked) = connection.request() {
            let (status, body) = match asked.starts_with("GET /own/robots ") {
                true => ("200 OK", "{\"code\":1001,\"msg\":\"app_key is required\",\"data\":null}"),
                false => ("404 Not Found", "{\"code\":404,\"msg\":\"not found\",\"data\":null}"),
            };
            if !connection.send(page(status, "application/json", body).as_bytes()) {
                return;
            }
        }
    });
    let fields = |further: Value| {
        let request = json!({ "host": server.url(), "proxy": null, "rest_type": "/own/robots", "mode": "get" });
        with_all(request, further)
    };
    let told = diagnose(&fields(json!({ "generation": "10.3" })).to_string(), &[]);
    assert_eq!(
        (&told["result"]["verdict"]["ok"], &check(&told, "http")["facts"]["generation_from"]),
        (&json!(true), &json!(["/own/robots"])),
        "{told}"
    );
    hold(&[Row::fails("asked as 2020.4", fields(json!({})), "http", SAYS[2]).setting("generation")], 1);
    // What more than reads is not asked for.
    for further in [json!({ "mode": "post" }), json!({ "save_to": "/tmp/no-such-folder/file" })] {
        let told = diagnose(&fields(further).to_string(), &[]);
        assert_eq!(check(&told, "http")["facts"].get("generation"), None, "{told}");
    }
}

#[test]
fn an_appkey_that_is_refused_and_what_is_shown_of_an_action() {
    let center = ControlCenter::start(&["--generation", "10.3"]);
    let wrong = with_all(request(&center, "10.3"), json!({ "appkey": "no-such-appkey" }));
    hold(
        &[Row::fails("a wrong appkey", wrong, "token", ["请核对它是否抄全", "check that it is whole"])
            .setting("appkey")],
        1,
    );
    // An action is signed, and never sent.
    let center = ControlCenter::start(&["--generation", "9"]);
    let fields = json!({ "action": "start-job", "data_json": { "proc_code": "P001", "d": "2020/11/30" } });
    let told = diagnose(&with_all(request(&center, "9"), fields).to_string(), &[]);
    let signature = check(&told, "signature");
    assert_eq!(signature["status"], "skipped", "{signature}");
    assert!(signature["zh"].as_str().unwrap().contains("执行一个动作"), "{signature}");
    for name in ["source_length", "encoded_length", "body_length"] {
        assert!(signature["facts"][name].as_u64().unwrap() > 60, "{name}: {signature}");
    }
    assert_eq!(check(&told, "token")["status"], "ok");
    assert!(told["result"]["verdict"]["zh"].as_str().unwrap().contains("signature未检查"), "{told}");
    let counts = center.counts();
    assert!(!counts.to_string().contains("start-job") && !counts.to_string().contains("POST"), "{counts}");
}

/// The token's envelope alone is what the servers of other tests have.
#[test]
fn one_envelope_for_all_is_a_control_center_of_no_known_generation() {
    let server = answering(envelope);
    let told = diagnose(&json!({ "host": server.url(), "proxy": null }).to_string(), &[]);
    assert_eq!(check(&told, "http")["status"], "ok", "{told}");
    assert_eq!(check(&told, "http")["facts"].get("generation"), None);
}
