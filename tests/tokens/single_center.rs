//! A control center made of raw sockets that knows one token at a time, and whose token endpoint does what a test tells it.

use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::requests::with_all;
use crate::server::{Server, reply};

/// What the token endpoint does.
#[derive(Clone)]
pub enum Endpoint {
    /// Gives a token, after so long.
    Gives(Duration),
    /// Answers nothing for so long, and then closes.
    Hangs(Duration),
    /// Answers this.
    Answers(String),
}

pub struct SingleCenter {
    server: Server,
    state: Arc<Mutex<State>>,
}

struct State {
    endpoint: Endpoint,
    life: Duration,
    /// What the endpoint tells of that, as it stands in the reply.
    told: Option<f64>,
    /// The one that works, and until when.
    token: Option<(usize, Instant)>,
    given: usize,
    asked: usize,
}

impl SingleCenter {
    /// Its tokens live so long; `told` stands in the reply as `expiresIn`.
    pub fn start(life: Duration, told: Option<f64>) -> SingleCenter {
        let endpoint = Endpoint::Gives(Duration::ZERO);
        let state = Arc::new(Mutex::new(State { endpoint, life, told, token: None, given: 0, asked: 0 }));
        let shared = state.clone();
        let server = Server::start(move |connection| {
            while let Some(text) = connection.request() {
                let answer =
                    if text.starts_with("GET /oapi/v1/token") { give(&shared) } else { Some(call(&shared, &text)) };
                let Some(answer) = answer else { return };
                connection.send(answer.as_bytes());
            }
        });
        SingleCenter { server, state }
    }

    pub fn endpoint(&self, endpoint: Endpoint) {
        self.state.lock().unwrap().endpoint = endpoint;
    }

    /// Somebody else gets a token.
    pub fn evict(&self) {
        self.state.lock().unwrap().token = None;
    }

    /// From now on tokens live so long, whatever is told.
    pub fn live(&self, life: Duration) {
        self.state.lock().unwrap().life = life;
    }

    /// How often it was asked for a token.
    pub fn asked(&self) -> usize {
        self.state.lock().unwrap().asked
    }

    /// A call by keys, whose token is kept in this store.
    pub fn request(&self, store: &Value, fields: Value) -> Value {
        let request = json!({
            "host": self.server.url(), "proxy": null, "mode": "get", "rest_type": "/ok", "token_store": store,
            "accesskey": "access-key", "secretkey": "secret-key",
        });
        with_all(request, fields)
    }
}

fn give(state: &Mutex<State>) -> Option<String> {
    let (endpoint, token, told) = {
        let mut state = state.lock().unwrap();
        state.asked += 1;
        if let Endpoint::Gives(_) = state.endpoint {
            state.given += 1;
            state.token = Some((state.given, Instant::now() + state.life));
        }
        (state.endpoint.clone(), state.given, state.told)
    };
    match endpoint {
        Endpoint::Gives(delay) => {
            thread::sleep(delay);
            let mut result = json!({ "accessToken": format!("token{token}"), "refreshToken": "refresh" });
            if let Some(told) = told {
                result["expiresIn"] = told.into();
            }
            Some(reply("200 OK", &json!({ "code": 0, "result": result }).to_string()))
        }
        Endpoint::Hangs(delay) => {
            thread::sleep(delay);
            None
        }
        Endpoint::Answers(answer) => Some(answer),
    }
}

fn call(state: &Mutex<State>, text: &str) -> String {
    let state = state.lock().unwrap();
    let works = |&(number, until): &(usize, Instant)| {
        text.to_lowercase().contains(&format!("accesstoken: token{number}\r\n")) && Instant::now() < until
    };
    match state.token.as_ref().is_some_and(works) && !text.contains("/denied") {
        true => reply("200 OK", r#"{"code":0,"msg":"success"}"#),
        false => reply("401 Unauthorized", r#"{"code":401,"msg":"token已失效"}"#),
    }
}
