//! `pages`.

use serde_json::{Value, json};

use crate::center::{Answer, Center, parameter};

/// Lists of numbers with digits that no program keeps, three to a page; as many pages as there are.
fn list(total: Option<&'static str>, pages: &'static [&'static str]) -> Center {
    Center::start(move |line, _| {
        let page: usize = parameter(line, "pageNum").parse().unwrap_or(1);
        let items = pages.get(page - 1).copied().unwrap_or("");
        if items == "busy" {
            return Answer::Json(r#"{"code":5,"msg":"系统繁忙"}"#.to_owned());
        }
        let total = total.map_or(String::new(), |total| format!(",\"total\" : {total}"));
        Answer::Json(format!("{{\"code\":0,\"result\":{{\"list\": [ {items} ]{total}}} }}"))
    })
}

fn all(further: Value) -> Value {
    let usual = json!({ "page": "pageNum", "size": "pageSize", "items": "/result/list", "total": "/result/total" });
    let data = json!({ "pageSize": 3 });
    json!({ "rest_type": "/list", "mode": "get", "retry": 1, "data_json": data, "pages": crate::with_all(usual, further) })
}

/// Without a total.
fn without(further: Value) -> Value {
    let mut request = all(further);
    request["pages"].as_object_mut().unwrap().remove("total");
    request
}

#[test]
fn all_pages_are_one_reply_byte_for_byte() {
    let center = list(Some("7.0"), &["1.10, 12345678901234567890 ,\"\\u4e2d\"", "{\"a\":1E400},2,3", "4"]);
    let expected = "{\"code\":0,\"result\":{\"list\": [ 1.10, 12345678901234567890 ,\"\\u4e2d\",{\"a\":1E400},2,3,4 ],\"total\" : 7.0} }";
    assert_eq!(center.text(all(json!({}))), expected);
    assert_eq!(center.seen("/list").len(), 3);
    let post = crate::with_all(all(json!({})), json!({ "mode": "post" }));
    assert_eq!(center.text(post), expected);
}

#[test]
fn without_a_total_the_list_ends_with_a_short_an_empty_or_a_repeated_page() {
    for (pages, requests) in [
        (&["1,2,3", "4,5,6", "7"][..], 3),
        (&["1,2,3", "4,5,6"], 3),
        (&["1,2,3", "4,5,6", "4,5,6"], 3),
        (&["1,2", "1,2"], 2),
        (&[], 1),
    ] {
        let center = list(None, pages);
        let reply = center.call(without(json!({})));
        let mut items: Vec<u64> =
            pages.iter().flat_map(|page| page.split(',')).map(|item| item.parse().unwrap()).collect();
        items.dedup();
        let expected = if pages == ["1,2,3", "4,5,6", "4,5,6"] {
            json!([1, 2, 3, 4, 5, 6])
        } else if pages == ["1,2", "1,2"] {
            json!([1, 2])
        } else {
            json!(items)
        };
        assert_eq!(reply["result"]["list"], expected, "{reply}");
        assert_eq!(center.seen("/list").len(), requests, "{pages:?}");
    }
}

#[test]
fn a_page_that_fails_is_named() {
    let center = list(Some("9"), &["1,2,3", "busy"]);
    let reply = center.call(all(json!({})));
    assert_eq!((&reply["error"]["page"], &reply["error"]["reply"]["code"]), (&json!(2), &json!(5)), "{reply}");
    let msg = reply["msg"].as_str().unwrap();
    assert!(msg.contains("第2页(pageNum=2,此前已取3项)") && msg.contains("系统繁忙"), "{msg}");
    // The refusal of the first page comes as it came.
    assert_eq!(list(None, &["busy"]).text(all(json!({}))), r#"{"code":5,"msg":"系统繁忙"}"#);
    let center = Center::start(|line, _| match parameter(line, "pageNum") {
        "1" => Answer::Json(r#"{"result":{"list":[1],"total":2}}"#.to_owned()),
        _ => Answer::Nothing,
    });
    let reply = center.call(all(json!({})));
    let error = &reply["error"];
    assert_eq!(
        (&error["page"], &error["kind"], &error["delivered"]),
        (&json!(2), &json!("disconnected"), &json!("unknown")),
        "{reply}"
    );
}

/// Two pages of four numbers; the second request is answered with this.
fn then(second: &'static str) -> Center {
    Center::start(move |line, _| match parameter(line, "pageNum") {
        "1" => Answer::Json(r#"{"code":200,"result":{"list":[1,2],"total":4}}"#.to_owned()),
        _ => {
            let (status, json) = second.split_once(' ').unwrap();
            let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\n\r\n", json.len());
            Answer::Raw([head.as_bytes(), json.as_bytes()].concat())
        }
    })
}

#[test]
fn a_refusal_of_a_later_page_is_no_end_whatever_list_stands_in_it() {
    for (second, words) in [
        (r#"200 {"code":500,"msg":"db down","result":{"list":null,"total":0}}"#, "code 500, db down"),
        (r#"200 {"code":500,"msg":"db down","result":{"list":[],"total":0}}"#, "code 500, db down"),
        (r#"500 {"code":500,"msg":"db down","result":{"list":[]}}"#, "HTTP status 500, code 500, db down"),
        (r#"500 {"error":"db down","result":{"list":[3,4],"total":4}}"#, "HTTP status 500, db down"),
    ] {
        for request in [all(json!({})), without(json!({})), all(json!({ "total": ["/result/total"] }))] {
            let reply = then(second).call(request);
            let error = &reply["error"];
            assert_eq!((&error["page"], &error["kind"]), (&json!(2), &json!("response")), "{reply}");
            assert!(error["detail"].as_str().unwrap().contains(words), "{reply}");
            assert!(reply["msg"].as_str().unwrap().contains("db down"), "{reply}");
            assert_eq!(error["reply"]["result"], serde_json::from_str::<Value>(&second[4..]).unwrap()["result"]);
        }
    }
    let reply = then(r#"200 {"code":"200","result":{"list":[3,4],"total":4}}"#).call(all(json!({})));
    assert_eq!(reply["result"]["list"], json!([1, 2, 3, 4]), "{reply}");
    // Nor is that of the first page: it has a code, or it is an error.
    let first = r#"{"code":9,"msg":"no","result":{"list":[],"total":0}}"#;
    assert_eq!(Center::start(|_, _| Answer::Json(first.to_owned())).text(all(json!({}))), first);
    let center = Center::start(|_, _| {
        let json = r#"{"msg":"db down","result":{"list":[],"total":0}}"#;
        Answer::Raw(format!("HTTP/1.1 500 X\r\nContent-Length: {}\r\n\r\n{json}", json.len()).into_bytes())
    });
    let reply = center.call(all(json!({})));
    assert_eq!((&reply["error"]["page"], &reply["error"]["http_status"]), (&json!(1), &json!(500)), "{reply}");
}

#[test]
fn a_list_may_be_begun_with_a_later_page() {
    let pages = &["1,2,3", "4,5,6", "7,8"];
    for (first, expected, requests) in [(2, json!([4, 5, 6, 7, 8]), 2), (3, json!([7, 8]), 2), (4, json!([]), 1)] {
        let center = list(Some("8"), pages);
        let request = crate::with_all(all(json!({})), json!({ "data_json": { "pageSize": 3, "pageNum": first } }));
        let reply = center.call(request);
        assert_eq!(reply["result"]["list"], expected, "{reply}");
        assert_eq!(center.seen("/list").len(), requests);
    }
    let center = list(Some("9"), &["1,2,3", "4,5,6"]);
    let request = crate::with_all(all(json!({})), json!({ "data_json": { "pageSize": 3, "pageNum": 2 } }));
    let reply = center.call(request);
    assert!(reply["msg"].as_str().unwrap().contains("第3页") && reply["msg"].as_str().unwrap().contains("此页为空"));
}

#[test]
fn what_does_not_fit_together_is_told() {
    for (center, request, msg) in [
        (list(Some("9"), &["1,2,3"]), all(json!({})), "此页为空,但总数为9,已取3"),
        (list(Some("4"), &[]), all(json!({})), "此页为空,但总数为4,已取0"),
        (list(Some("9"), &["1,2,3", "1,2,3"]), all(json!({})), "此页与前面的页相同"),
        (list(None, &["1,2,3", "1,2,3"]), without(json!({})), "第二页与第一页相同,请检查pages中的page"),
        (list(Some("9"), &["1,2,3", "4,5,6", "7"]), all(json!({ "max_pages": 2 })), "页数超过max_pages(2)"),
        (list(Some("\"many\""), &["1"]), all(json!({})), "不是一个整数"),
        (list(None, &["1"]), all(json!({})), "/result中只有list"),
        (
            list(None, &["1"]),
            all(json!({ "items": "/result/rows" })),
            "字段pages.items指向的/result/rows不是一个数组:/result中只有list",
        ),
        (
            list(None, &["1,2,3", "4,5,6"]),
            crate::with_all(without(json!({})), json!({ "max_response_bytes": 45 })),
            "各页合计过大",
        ),
    ] {
        let reply = center.call(request);
        assert!(reply["msg"].as_str().unwrap().contains(msg), "{reply}");
    }
}

#[test]
fn of_several_pointers_the_first_that_leads_there_counts() {
    let several = json!({ "items": ["/result/rows", "/result/list", "/result"], "total": ["/total", "/result/total"] });
    for (total, pages) in [(Some("4"), &["1,2,3", "4"]), (None, &["1,2,3", "4"])] {
        let center = list(total, pages);
        let reply = center.call(all(several.clone()));
        assert_eq!(reply["result"]["list"], json!([1, 2, 3, 4]), "{reply}");
        assert_eq!(center.seen("/list").len(), 2);
    }
    let bare = Center::start(|line, _| {
        let page = ["[1,2]", "[3]", "null"][parameter(line, "pageNum").parse::<usize>().unwrap() - 1];
        Answer::Json(format!("{{\"code\":0,\"result\":{page}}}"))
    });
    assert_eq!(bare.text(all(several.clone())), r#"{"code":0,"result":[1,2,3]}"#);
    let none = Center::start(|_, _| Answer::Json(r#"{"result":{"data":[]}}"#.to_owned()));
    let reply = none.call(all(several));
    assert_eq!(reply["error"]["field"], "pages.items", "{reply}");
    assert!(reply["msg"].as_str().unwrap().contains("/result中只有data"), "{reply}");
}

#[test]
fn the_newest_total_counts() {
    let center = Center::start(|line, _| {
        Answer::Json(match parameter(line, "pageNum") {
            "1" => r#"{"result":{"list":[1,2,3],"total":9}}"#.to_owned(),
            _ => r#"{"result":{"list":[4],"total":4}}"#.to_owned(),
        })
    });
    assert_eq!(center.text(all(json!({}))), r#"{"result":{"list":[1,2,3,4],"total":9}}"#);
}
