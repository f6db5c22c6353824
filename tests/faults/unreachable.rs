//! A control center that cannot be reached: nobody listens, or its name does not resolve.

use serde_json::json;

use crate::harness::Library;
use crate::{MODES, closed_port, facts, request};

#[test]
fn nobody_listens() {
    let library = Library::load();
    for mode in MODES {
        let reply = library.json("rpa_call", &request(&closed_port(), mode, json!({ "retry": 3 })));
        assert_eq!(facts(&reply), (40, "connect", "no", 3), "{mode}");
    }
    let token =
        json!({ "host": closed_port(), "accesskey": "demo-access-key", "secretkey": "demo-secret-key", "proxy": null });
    let reply = library.json("rpa_get_token", &token);
    assert_eq!(facts(&reply), (44, "connect", "no", 2));
    assert!(reply["msg"].as_str().unwrap().starts_with("fail,获取token失败:"), "{reply}");
}

#[test]
fn a_name_that_does_not_resolve() {
    // A label over 63 characters is refused by the resolver itself: no question leaves this machine.
    let host = format!("http://{}.example", "a".repeat(64));
    let reply = Library::load().json("rpa_call", &request(&host, "post", json!({ "retry": 1 })));
    assert_eq!(facts(&reply), (40, "dns", "no", 1));
}
