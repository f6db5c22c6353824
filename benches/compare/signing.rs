//! Signing 300 bytes, beside the bare HMAC-SHA256 of the same bytes.

use std::hint::black_box;
use std::time::Instant;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::report::{Bar, Report};
use crate::statistics::Figure;
use rpa_signing::Secret;
use rpa_signing::python::{Value, loads};
use rpa_signing::scheme::v2020_4::V2020_4;
use rpa_signing::scheme::{Encoding, Mode, Parameters, Payload, Query, Scheme, Stamp, Values};

const ROUNDS: usize = 9;
const CALLS: u32 = 50_000;
const TOKEN: &str = "9f2c4b7e1d5a48c0b3e6a7d812f45c90";

pub fn measure(report: &mut Report) {
    let (payload, token) = (payload(), Secret::new(TOKEN.to_owned()));
    let stamp = stamp(&payload, &token);
    let encoded = stamp.encoded();
    let (mut signing, mut bare) = (Figure(Vec::new()), Figure(Vec::new()));
    for _ in 0..ROUNDS {
        signing.0.push(nanoseconds(|| stamp.signature()));
        bare.0.push(nanoseconds(|| hmac(encoded.expose())));
    }
    report.table(
        "Signing a source string of 300 bytes",
        &["what", "ns"],
        vec![
            vec!["the library: percent-encoding, HMAC-SHA256, hex, Base64".to_owned(), signing.to_string()],
            vec![format!("bare HMAC-SHA256 of the {} bytes", encoded.expose().len()), bare.to_string()],
        ],
    );
    report.bar(
        "signing 300 bytes ÷ the bare HMAC-SHA256 of the bytes that are signed",
        &signing.over(&bare),
        Bar::AtMost(2.0),
    );
}

/// For valgrind: signs so often, or makes the bare HMAC so often.
pub fn run(task: &[String]) {
    let [what, calls] = task else { panic!("signing, what and how often") };
    let (payload, token) = (payload(), Secret::new(TOKEN.to_owned()));
    let stamp = stamp(&payload, &token);
    let encoded = stamp.encoded();
    for _ in 0..calls.parse().expect("a number") {
        match what.as_str() {
            "library" => drop(black_box(stamp.signature())),
            _ => drop(black_box(hmac(black_box(encoded.expose())))),
        }
    }
}

fn stamp<'s>(payload: &'s Payload, pass: &'s Secret) -> Stamp<'s> {
    let (encoding, timestamp) = (Encoding::Python, 1_606_694_400_000);
    Stamp { scheme: &V2020_4, payload, pass, encoding, timestamp }
}

/// Parameters whose source string is 300 bytes long.
fn payload() -> Payload {
    let mut note = "月结报表-2020/11/30 ".repeat(8);
    loop {
        let data = format!(r#"{{"procCode":"P001","pageNum":1,"note":"{note}"}}"#);
        let Ok(Value::Dict(entries)) = loads(&data) else { panic!("parameters") };
        let parameters = Parameters::new(Mode::Get, &entries, Values::Python, Query::Params);
        let payload = V2020_4.payload(&parameters).unwrap_or_else(|_| panic!("parameters"));
        if stamp(&payload, &Secret::new(TOKEN.to_owned())).source().expose().len() <= 300 {
            return payload;
        }
        note.pop();
    }
}

fn hmac(text: &str) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(TOKEN.as_bytes()).expect("a key of any length");
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().into()
}

fn nanoseconds<T>(work: impl Fn() -> T) -> f64 {
    let started = Instant::now();
    for _ in 0..CALLS {
        black_box(work());
    }
    started.elapsed().as_nanos() as f64 / f64::from(CALLS)
}
