//! A control center in miniature: it gives out numbered tokens, takes the newest alone, and answers a call with the token
//! that the call came with. It knows no signatures.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::server::{self, Server};

pub fn start() -> Server {
    let issued = AtomicUsize::new(0);
    Server::start(move |connection| {
        while let Some(request) = connection.request() {
            let body = if request.starts_with("GET /oapi/v1/token?") {
                let number = issued.fetch_add(1, Ordering::SeqCst) + 1;
                format!(r#"{{"code":0,"msg":"success","result":["token{number}","refresh{number}"]}}"#)
            } else {
                let header = |line: &str| Some(line.strip_prefix("accesstoken: ")?.to_owned());
                let token = request.lines().find_map(header).unwrap_or_default();
                if token == format!("token{}", issued.load(Ordering::SeqCst)) {
                    format!(r#"{{"code":0,"msg":"success","result":"{token}"}}"#)
                } else {
                    r#"{"code":401,"msg":"令牌无效","result":null}"#.to_owned()
                }
            };
            if !connection.send(server::reply("200 OK", &body).as_bytes()) {
                return;
            }
        }
    })
}
