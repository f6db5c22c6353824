//! What answers is no control center, or none that works.

use serde_json::json;

use crate::harness::ControlCenter;
use crate::server::Server;
use crate::servers::{answering, page};
use crate::{Row, hold};

#[test]
fn what_answers_is_no_control_center() {
    let center = ControlCenter::start(&["--tls"]);
    let html = |status: &'static str, body: &'static str| answering(move || page(status, "text/html", body));
    let json = |status: &'static str, body: &'static str| answering(move || page(status, "application/json", body));
    let to = |server: &Server| json!({ "host": server.url(), "proxy": null });
    let login = html("200 OK", "<html><title>上网认证</title></html>");
    let nginx = html("404 Not Found", "<html><head><title>404 Not Found</title></head><body>nginx</body></html>");
    let kong = json("404 Not Found", "{\"message\":\"no Route matched with those values\"}");
    let gateway = html("502 Bad Gateway", "<html><h1>502 Bad Gateway</h1></html>");
    let firewall = html("403 Forbidden", "<html>blocked</html>");
    let moved = answering(|| {
        "HTTP/1.1 302 Found\r\nLocation: https://rpa.example/login\r\nContent-Length: 0\r\n\r\n".to_owned()
    });
    let broken = json("500 Internal Server Error", "{\"code\":500,\"msg\":\"系统异常\",\"result\":null}");
    let ring = json("503 Service Unavailable", "{\"message\":\"failure to get a peer from the ring-balancer\"}");
    let wants_key = json("401 Unauthorized", "{\"message\":\"No API key found in request\"}");
    let spring = json(
        "503 Service Unavailable",
        "{\"timestamp\":1,\"status\":503,\"error\":\"Service Unavailable\",\"path\":\"/\"}",
    );
    let within = json("200 OK", "{\"code\":500,\"msg\":\"CannotGetJdbcConnection\",\"result\":null}");
    let other = json("404 Not Found", "{\"code\":404,\"msg\":\"接口不存在\",\"data\":null}");
    let closed = json("401 Unauthorized", "{\"code\":401,\"msg\":\"请先登录\",\"data\":null}");
    let busy = json("429 Too Many Requests", "{\"code\":429,\"msg\":\"限流\",\"data\":null}");
    let empty = html("200 OK", "");
    let silent = Server::start(|connection| while connection.request().is_some() {});
    let closing = Server::start(|connection| drop(connection.request()));
    let plain = center.text("base").replace("https://", "http://");
    let rows = vec![
        Row::fails("a portal", to(&login), "http", ["上网认证", "is not JSON"]).setting("host"),
        Row::fails("a web server", to(&nginx), "http", ["404", "404"]).setting("host"),
        Row::fails("a gateway without a route", to(&kong), "http", ["不是控制中心", "no Route matched"])
            .setting("host"),
        Row::fails("a gateway without its server", to(&gateway), "http", ["暂时不可用", "502"]).turn("control_center"),
        Row::fails(
            "a gateway's own words for it",
            to(&ring),
            "http",
            ["它后面的控制中心", "the control center behind it"],
        )
        .turn("control_center"),
        Row::fails("a gateway that wants a key", to(&wants_key), "http", ["请联系网络管理员", "let calls through"])
            .turn("network"),
        Row::fails("Spring alone", to(&spring), "http", ["内部出错", "fails by itself"]).turn("control_center"),
        Row::fails("a failure within a success", to(&within), "http", ["内部出错", "fails by itself"])
            .turn("control_center"),
        Row::fails("another program of the kind", to(&other), "http", ["请核对host", "no control center"])
            .setting("host"),
        Row::warns("who lets nobody in", to(&closed), "http", ["看不出", "no telling"]).setting("host"),
        Row::warns("too many requests", to(&busy), "http", ["看不出", "no telling"]).turn("network"),
        Row::fails("a firewall's page", to(&firewall), "http", ["联系网络管理员", "403"]).turn("network"),
        Row::fails("a redirect", to(&moved), "http", ["https://rpa.example", "redirect"]).setting("host"),
        Row::fails("an error of its own", to(&broken), "http", ["内部出错", "fails by itself"]).turn("control_center"),
        Row::fails("an empty answer", to(&empty), "http", ["返回内容为空", "is empty"]).setting("host"),
        Row::fails(
            "no answer",
            json!({ "host": silent.url(), "proxy": null, "timeout_ms": 3000 }),
            "http",
            ["等待返回超时", "waiting for the reply"],
        )
        .turn("control_center"),
        Row::fails("it closes", to(&closing), "http", ["连接中断", "the connection broke"]).turn("control_center"),
        Row::fails("http to a TLS port", json!({ "host": plain, "proxy": null }), "http", ["https://", "https://"])
            .setting("host"),
    ];
    hold(&rows, 18);
}
