//! The library and a client in Python, given the same calls, reach the control center with the same bytes.
//!
//! The client is `tests/python/reference_client.py`, written from the protocol alone. The control center proves each
//! signature from the raw bytes it received, by code of its own, so a call that it echoes was signed right. The calls
//! are random, from one seed; `RPA_SEED=2` in the environment makes others.

use rpa_test_support::difference::{self, excerpt};
use rpa_test_support::{harness, python};

use std::env;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use harness::{ControlCenter, Library};
use serde_json::{Value, json};

const SEED: u64 = 20_204;
const CALLS: usize = 400;
const SAFE_CALLS: usize = 40;
const FAILURES_SHOWN: usize = 3;

const ECHO: &str = "/oapi/v1/echo";
const MODES: [&str; 4] = ["get", "post", "put", "delete"];

/// What of a call has to arrive the same. The control center says it under these names.
const PARTS: [&str; 5] = ["method", "path", "query", "body", "contentType"];

/// What breaks on its way through a URL, if anything does.
#[rustfmt::skip]
const VALUES: &[&str] = &[
    "&", "a&b", "a&z=1", "=", "a=b", "==", "#", "a#b", "+", "a+b", "%", "100%", "a%41b", "%zz", "'", "\"", "it's", "a \"b\"",
    " ", "a b", " a ", "\n", "a\nb", "\r\n", "a\r\nb", "\t", "中文", "月结 完成", "😀", "a😀b",
    "a&b=c#d+e%f'g\"h i\nj\r\nk中文l😀",
];

#[test]
fn random_calls_arrive_the_same() {
    arrive_the_same(Session::start(), &PARTS);
}

#[test]
fn random_calls_of_2020_5_arrive_the_same() {
    arrive_the_same(Session::of("2020.5"), &PARTS);
}

#[test]
fn random_calls_of_10_3_arrive_the_same() {
    arrive_the_same(Session::of("10.3"), &PARTS);
}

#[test]
fn random_calls_of_9_arrive_the_same() {
    arrive_the_same(Session::of("9"), &["action", "param"]);
}

fn arrive_the_same(session: Session, parts: &[&str]) {
    let Some(mut client) = Client::start() else { return };
    let seed = seed();
    let failures: Vec<String> = (0..CALLS)
        .filter_map(|number| {
            let mut generator = Generator::new(seed, number);
            generator.in_query |= matches!(session.generation, "10.3" | "9");
            let call = generator.call();
            let broken = session.compare(&mut client, &call, parts).err()?;
            Some(format!(
                "  seed {seed}, call {number}, {}: {broken}\n    data_json: {:?}\n",
                call.mode, call.data_json
            ))
        })
        .collect();
    let first = failures[..failures.len().min(FAILURES_SHOWN)].concat();
    assert!(failures.is_empty(), "\n{} of {CALLS} calls failed\n{first}", failures.len());
}

#[test]
fn safe_text_arrives_as_the_vendors_client_sends_it() {
    let Some(mut client) = Client::start() else { return };
    client.pastes = true;
    let session = Session::start();
    let seed = seed();
    for number in 0..SAFE_CALLS {
        let call = Generator::new(seed, number).safe_call();
        let parts = [&PARTS[..], &["rawQuery"]].concat();
        if let Err(broken) = session.compare(&mut client, &call, &parts) {
            panic!("seed {seed}, call {number}, {}: {broken}\n    data_json: {:?}", call.mode, call.data_json);
        }
    }
}

#[test]
fn any_value_of_a_get_is_decoded_as_it_was_given() {
    let session = Session::start();
    for value in VALUES {
        let call = Call::text("get", value);
        let arrived = session.by_library(&call).unwrap_or_else(|broken| panic!("{value:?}: {broken}"));
        assert_eq!(arrived["query"], json!([["k", value]]));
    }
}

/// The signature covers the params, and pasting them changes what they say on the way.
#[test]
fn values_that_pasting_breaks_or_leaves_to_the_server() {
    let Some(mut client) = Client::start() else { return };
    client.pastes = true;
    let session = Session::start();

    for value in ["a&b", "a#b", "a%41b"] {
        let answer = client.send(&session, &Call::text("get", value));
        assert_eq!(answer["status"], 403, "{value}: {answer}");
    }

    // Accepted, and something else: a further parameter in place of the end of the value.
    let arrived = client.echo(&session, &Call::text("get", "a&z=1")).unwrap();
    assert_eq!(arrived["query"], json!([["k", "a"], ["z", "1"]]));

    // Here a pair is split at its first = and a + is a +. A server that reads the query as a form takes the + for a
    // space; the library's cannot be taken for one.
    for (value, pasted, encoded) in [("a=b", "k=a=b", "k=a%3Db"), ("a+b", "k=a+b", "k=a%2Bb")] {
        let call = Call::text("get", value);
        let arrived = client.echo(&session, &call).unwrap();
        assert_eq!((&arrived["query"], &arrived["rawQuery"]), (&json!([["k", value]]), &pasted.into()));
        assert_eq!(session.by_library(&call).unwrap()["rawQuery"], encoded);
    }
}

fn seed() -> u64 {
    env::var("RPA_SEED").map_or(SEED, |seed| seed.parse().expect("RPA_SEED is a number"))
}

// --- The two ways ---------------------------------------------------------------------------------------------------

struct Call {
    mode: &'static str,
    /// The raw text of the parameters: spellings matter in it.
    data_json: String,
    /// Given to the library as text that holds the object, not as the object.
    as_text: bool,
}

impl Call {
    /// A call with the one parameter `k`.
    fn text(mode: &'static str, value: &str) -> Call {
        Call { mode, data_json: json!({ "k": value }).to_string(), as_text: false }
    }
}

/// The library, a control center, and a token.
struct Session {
    library: Library,
    center: ControlCenter,
    token: String,
    generation: &'static str,
}

impl Session {
    fn start() -> Session {
        Session::of("2020.4")
    }

    fn of(generation: &'static str) -> Session {
        let (library, center) = (Library::load(), ControlCenter::start(&["--generation", generation]));
        let token = match generation {
            "10.3" => center.text("appkey").to_owned(),
            "9" => String::new(),
            _ => {
                let tokens = library.json("rpa_get_token", &center.token_request());
                tokens["result"]["accessToken"].as_str().unwrap_or_else(|| panic!("{tokens}")).to_owned()
            }
        };
        Session { library, center, token, generation }
    }

    /// A request text. The raw parameters are pasted in: a parser between would lose their spelling.
    fn request(&self, call: &Call, further: Value) -> String {
        let mut request = self.center.request(further);
        match self.generation {
            "9" => request["action"] = "echo".into(),
            _ => (request["rest_type"], request["mode"]) = (ECHO.into(), call.mode.into()),
        }
        match self.generation {
            "2020.4" => request["accesstoken"] = self.token.as_str().into(),
            generation => {
                request["generation"] = generation.into();
                // What the client does; how the others write values unless told so is held by tests/vectors.
                request["values"] = "python".into();
                match generation {
                    "2020.5" => request["accesstoken"] = self.token.as_str().into(),
                    "10.3" => request["appkey"] = self.token.as_str().into(),
                    _ => {}
                }
            }
        }
        let request = request.to_string();
        let data_json = if call.as_text { Value::from(&*call.data_json).to_string() } else { call.data_json.clone() };
        format!(r#"{},"data_json":{data_json}}}"#, request.strip_suffix('}').expect("a request is an object"))
    }

    /// Sends a call by the library; what arrived.
    fn by_library(&self, call: &Call) -> Result<Value, String> {
        let reply = self.library.call("rpa_call", &self.request(call, json!({})));
        arrived(&reply).map_err(|broken| format!("the library's {broken}"))
    }

    /// Sends a call both ways. The error says what differs.
    fn compare(&self, client: &mut Client, call: &Call, parts: &[&str]) -> Result<(), String> {
        let ours = self.by_library(call)?;
        let answer = client.send(self, call);
        let theirs = client.arrived(&answer)?;
        for part in parts {
            let missing = || format!("the control center does not say the {part}");
            equal(part, theirs.get(part).ok_or_else(missing)?, ours.get(part).ok_or_else(missing)?)?;
        }
        if self.generation.starts_with("20") && !ours["body"].is_string() {
            return Err("the body is not UTF-8".to_owned());
        }

        let request = self.request(call, json!({ "timestamp": answer["timestamp"] }));
        let signed: Value = serde_json::from_str(&self.library.call("rpa_sign", &request)).expect("a reply is JSON");
        equal("signature at one time", &answer["signature"], &signed["result"]["signature"])
    }
}

/// The client in Python: one process, a line for each call.
struct Client {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
    /// The params are pasted into the URL, as the vendor's client does.
    pastes: bool,
}

impl Client {
    /// `None` where there is no Python.
    fn start() -> Option<Client> {
        let mut command = python::python("tests/python/reference_client.py")?;
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("python3 starts");
        let stdout = BufReader::new(child.stdout.take().expect("its stdout is a pipe"));
        Some(Client { stdin: child.stdin.take(), child, stdout, pastes: false })
    }

    /// Sends a call; the client's answer.
    fn send(&mut self, session: &Session, call: &Call) -> Value {
        let line = json!({
            "base": session.center.text("base"),
            "token": session.token,
            "mode": call.mode,
            "path": if session.generation == "9" { "echo" } else { ECHO },
            "generation": session.generation,
            "data_json": call.data_json,
            "raw_query": self.pastes,
        });
        writeln!(self.stdin.as_ref().expect("its stdin is open"), "{line}").expect("the client reads");
        let mut answer = String::new();
        self.stdout.read_line(&mut answer).expect("the client answers");
        serde_json::from_str(&answer).unwrap_or_else(|error| panic!("an answer is JSON: {error}: {answer}"))
    }

    fn arrived(&self, answer: &Value) -> Result<Value, String> {
        let reply = answer["reply"].as_str().ok_or_else(|| format!("the Python client failed: {answer}"))?;
        arrived(reply).map_err(|broken| format!("the Python client's {broken}"))
    }

    /// Sends a call; what arrived.
    fn echo(&mut self, session: &Session, call: &Call) -> Result<Value, String> {
        let answer = self.send(session, call);
        self.arrived(&answer)
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        drop(self.stdin.take());
        let _ = self.child.wait();
    }
}

/// What the control center says of an accepted call.
fn arrived(reply: &str) -> Result<Value, String> {
    match serde_json::from_str::<Value>(reply) {
        Ok(mut envelope) if envelope["code"] == 0 => Ok(envelope["result"].take()),
        _ => Err(format!("call was refused: {}", excerpt(reply, 0))),
    }
}

fn equal(part: &str, python: &Value, library: &Value) -> Result<(), String> {
    difference::equal(part, ("python", python), ("library", library))
}

// --- Random calls ---------------------------------------------------------------------------------------------------

#[derive(Clone, Copy)]
enum Kind {
    Text,
    Int,
    BigInt,
    Float,
    Word,
    List,
    Object,
}

const KINDS: [Kind; 7] = [Kind::Text, Kind::Int, Kind::BigInt, Kind::Float, Kind::Word, Kind::List, Kind::Object];

/// Texts are made of these. What Python calls printable among them is so in every Python since 3.8.
#[rustfmt::skip]
const PIECES: &[&str] = &[
    "a", "Z", "0", "P001", "-_.", "~", "/", "?", "&", "=", "#", "+", "%", "%41", "%zz", "%E4", "&token=", "a=b", " ", "  ",
    "'", "\"", "it's", "\\", "\\u0041", "*", "!", "()", "{}", "[1, 'a']", "None", ";", ":", "@", ",", "<", "|", "^", "`",
    "\0", "\u{1}", "\u{8}", "\t", "\n", "\u{c}", "\r\n", "\u{1b}", "\u{1f}", "\u{7f}", "\u{85}", "\u{a0}", "\u{ad}",
    "é", "e\u{301}", "ß", "İ", "א", "中文", "月结", "完成", "龘", "𠮷", "😀", "👩\u{200d}👧", "🇨🇳", "\u{200b}", "\u{2028}",
    "\u{3000}", "\u{e000}", "\u{feff}", "\u{fffd}", "\u{ffff}", "\u{10ffff}",
];

#[rustfmt::skip]
const INTS: &[&str] = &[
    "0", "-0", "1", "-1", "20", "2147483648", "9007199254740993", "-9223372036854775809", "18446744073709551616",
];

#[rustfmt::skip]
const FLOATS: &[&str] = &[
    "0.0", "-0.0", "-0e-0", "0E5", "1.0", "1.10", "100.00", "0.1", "0.30000000000000004", "1e5", "1e15", "1e16", "1E16",
    "1e+16", "9999999999999998.0", "123456789012345678.0", "9007199254740993.0", "1e22", "1e23", "0.0001", "0.00001",
    "1.5E-07", "5e-324", "2e-324", "2.2250738585072011e-308", "1.7976931348623157e308", "1.7976931348623159e308",
    "1E400", "-1e999", "1e-999",
    // Halfway between two shortest spellings: Python takes the one with the even last digit.
    "8.3214874267578125", "80312620425616.125", "1125899906842624.25", "1125899906842624.75",
];

/// Python reads these too. Only in a `data_json` that is text: in an object the request would not be JSON.
const WORDS_BEYOND_JSON: [&str; 3] = ["NaN", "Infinity", "-Infinity"];

const DEEPEST: usize = 4;

struct Generator {
    random: fastrand::Rng,
    number: usize,
    mode: &'static str,
    /// Its parameters stand in the URL, where half of a pair cannot.
    in_query: bool,
    as_text: bool,
}

impl Generator {
    /// Each call has a generator of its own, so that one can be made again without those before it.
    fn new(seed: u64, number: usize) -> Generator {
        let mut random = fastrand::Rng::with_seed(seed ^ ((number as u64) << 32));
        let mode = MODES[number % MODES.len()];
        Generator { number, mode, in_query: matches!(mode, "get" | "post"), as_text: random.bool(), random }
    }

    /// Every kind comes up in every mode, as the first of up to eight parameters; now and then there is none.
    fn call(&mut self) -> Call {
        let turn = self.number / MODES.len() % (KINDS.len() + 1);
        let first = KINDS.get(turn).copied();
        let data_json = self.object(0, first);
        Call { mode: self.mode, data_json, as_text: self.as_text }
    }

    /// Letters and digits alone.
    fn safe_call(&mut self) -> Call {
        let members: Vec<String> = (0..self.random.usize(1..=6))
            .map(|place| {
                let mut word = || (0..8).map(|_| self.random.alphanumeric()).collect::<String>();
                let (key, value) = (word(), word());
                match place % 3 {
                    2 => format!(r#""{key}": {}"#, self.random.u32(..)),
                    _ => format!(r#""{key}": "{value}""#),
                }
            })
            .collect();
        Call { mode: self.mode, data_json: format!("{{{}}}", members.join(", ")), as_text: self.as_text }
    }

    fn one_in(&mut self, times: u32) -> bool {
        self.random.u32(..times) == 0
    }

    fn one_of(&mut self, texts: &[&'static str]) -> &'static str {
        texts[self.random.usize(..texts.len())]
    }

    fn value(&mut self, kind: Kind, depth: usize) -> String {
        match kind {
            Kind::Text => {
                // Half a pair has no UTF-8, so it cannot stand in a query; within a list Python escapes it.
                let halves = depth > 0 || !self.in_query;
                let text = self.text(if depth == 0 { 12 } else { 4 }, halves);
                self.spelt(&text)
            }
            Kind::Int if self.random.bool() => self.one_of(INTS).to_owned(),
            Kind::Int => self.random.i64(..).to_string(),
            Kind::BigInt => {
                // From 4301 digits on Python refuses.
                let most = if self.one_in(20) { 4299 } else { 60 };
                format!("{}{}{}", self.sign(), self.random.u8(1..=9), self.digits(most))
            }
            Kind::Float if self.random.bool() => self.one_of(FLOATS).to_owned(),
            Kind::Float => {
                let whole = if self.random.bool() { "0".to_owned() } else { self.random.u64(1..).to_string() };
                let exponent = match self.random.u8(..3) {
                    0 => String::new(),
                    1 => format!("e{}", self.random.i32(-340..=320)),
                    _ => format!("E{:+03}", self.random.i32(-30..=30)),
                };
                format!("{}{whole}.{}{exponent}", self.sign(), self.digits(20))
            }
            Kind::Word if self.as_text && self.one_in(3) => self.one_of(&WORDS_BEYOND_JSON).to_owned(),
            Kind::Word => self.one_of(&["true", "false", "null"]).to_owned(),
            Kind::List if self.one_in(10) => {
                let levels = self.random.usize(1..=100);
                "[".repeat(levels) + &"]".repeat(levels)
            }
            Kind::List => {
                let items: Vec<String> = (0..self.random.usize(..=4)).map(|_| self.any_value(depth + 1)).collect();
                format!("[{}{}]", self.white_space(), items.join(","))
            }
            Kind::Object => self.object(depth + 1, None),
        }
    }

    fn any_value(&mut self, depth: usize) -> String {
        // The last two kinds are those that hold further values.
        let kinds = if depth < DEEPEST { &KINDS[..] } else { &KINDS[..KINDS.len() - 2] };
        let kind = kinds[self.random.usize(..kinds.len())];
        format!("{}{}{}", self.white_space(), self.value(kind, depth), self.white_space())
    }

    /// An object, the parameters themselves being one at depth 0. Keys come twice now and then, in another spelling.
    fn object(&mut self, depth: usize, first: Option<Kind>) -> String {
        let mut members = Vec::new();
        let mut keys: Vec<Vec<u32>> = Vec::new();
        let count = match (depth, first) {
            (0, None) => 0,
            (0, Some(_)) => self.random.usize(1..=8),
            _ => self.random.usize(..=3),
        };
        for place in 0..count {
            let key = if !keys.is_empty() && self.one_in(5) {
                keys[self.random.usize(..keys.len())].clone()
            } else {
                self.text(3, depth > 0 || !self.in_query)
            };
            let value = match first {
                Some(kind) if place == 0 => self.value(kind, depth),
                _ => self.any_value(depth),
            };
            members.push(format!("{}{}{}:{value}", self.white_space(), self.spelt(&key), self.white_space()));
            keys.push(key);
        }
        format!("{{{}{}}}", members.join(","), self.white_space())
    }

    fn white_space(&mut self) -> &'static str {
        self.one_of(&["", "", " ", "  ", "\n", "\t", "\r\n "])
    }

    fn sign(&mut self) -> &'static str {
        self.one_of(&["", "", "-"])
    }

    /// At least one.
    fn digits(&mut self, most: usize) -> String {
        (0..self.random.usize(1..=most)).map(|_| self.random.digit(10)).collect()
    }

    /// The code points of a text, empty at times; with halves of surrogate pairs among them if they are allowed.
    fn text(&mut self, most: usize, halves: bool) -> Vec<u32> {
        let mut text = Vec::new();
        for _ in 0..self.random.usize(..=most) {
            if halves && self.one_in(20) {
                text.push(self.random.u32(0xd800..0xe000));
            } else {
                text.extend(self.one_of(PIECES).chars().map(u32::from));
            }
        }
        text
    }

    /// A JSON string of the code points, in one of the spellings there are.
    fn spelt(&mut self, text: &[u32]) -> String {
        let mut spelt = String::from("\"");
        for &point in text {
            let short = match char::from_u32(point) {
                Some('"') => Some("\\\""),
                Some('\\') => Some("\\\\"),
                Some('\u{8}') => Some("\\b"),
                Some('\u{c}') => Some("\\f"),
                Some('\n') => Some("\\n"),
                Some('\r') => Some("\\r"),
                Some('\t') => Some("\\t"),
                Some('/') if self.random.bool() => Some("\\/"),
                _ => None,
            };
            match (short, char::from_u32(point)) {
                _ if self.one_in(6) => spelt += &self.escaped(point),
                (Some(short), _) => spelt += short,
                (None, Some(character)) if character >= ' ' => spelt.push(character),
                _ => spelt += &self.escaped(point),
            }
        }
        spelt + "\""
    }

    fn escaped(&mut self, point: u32) -> String {
        let mut units = [0; 2];
        let units = match char::from_u32(point) {
            Some(character) => character.encode_utf16(&mut units).to_vec(),
            None => vec![point as u16],
        };
        let upper = self.random.bool();
        units.iter().map(|unit| if upper { format!("\\u{unit:04X}") } else { format!("\\u{unit:04x}") }).collect()
    }
}
