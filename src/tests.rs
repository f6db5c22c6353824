//! The C interface from many threads at once, for AddressSanitizer and ThreadSanitizer above all (see `.ci/sanitizers`):
//! every function, right and wrong requests, over plain HTTP and TLS, with replies that other threads read and free.
//!
//! `RPA_PLANT` makes the caller break its promises, to show that the tools that look for such errors find one.

use rpa_test_support::{server, tls};

use std::ffi::{CStr, CString};
use std::ptr;
use std::sync::mpsc;
use std::thread;

use libc::c_char;

use super::{rpa_call, rpa_diagnose, rpa_free, rpa_get_token, rpa_refresh_token, rpa_sign, rpa_version};
use serde_json::{Value, json};
use server::{Server, reply};

const THREADS: usize = 8;
const ROUNDS: usize = 30;

type Function = unsafe extern "C" fn(*const c_char) -> *mut c_char;

/// A reply on its way to the thread that frees it.
struct Reply(*mut c_char);

// SAFETY: a reply may be read and freed on any thread; that is what is tried here.
unsafe impl Send for Reply {}

fn tls_server() -> Server {
    let (config, _) = tls::self_signed(&["127.0.0.1"]);
    Server::start(move |connection| {
        use std::io::{Read, Write};
        let session = rustls::ServerConnection::new(config.clone()).unwrap();
        let mut stream = rustls::StreamOwned::new(session, &mut connection.stream);
        while stream.read(&mut [0; 4096]).is_ok_and(|amount| amount > 0) {
            if stream.write_all(reply("200 OK", "{\"code\":0}").as_bytes()).is_err() {
                return;
            }
        }
    })
}

fn requests(plain: &Server, tls: &Server) -> Vec<(Function, Option<CString>)> {
    let call = |host: &str, further: Value| {
        let mut request = json!({
            "host": host, "mode": "post", "rest_type": "/a", "data_json": { "说明": "月结", "n": [1.5, null] }, "proxy": null,
            "accesstoken": "9f2c4b7e1d5a48c0", "retry": 1, "tls": { "verify": false },
        });
        request.as_object_mut().unwrap().extend(further.as_object().unwrap().clone());
        Some(CString::new(request.to_string()).unwrap())
    };
    let https = tls.url().replace("http", "https");
    let keys = json!({ "host": plain.url(), "accesskey": "demo-access", "secretkey": "demo-secret", "proxy": null });
    let refresh = json!({ "host": plain.url(), "refreshtoken": "demo-refresh", "proxy": null });
    vec![
        (rpa_call as Function, call(&plain.url(), json!({}))),
        (rpa_call, call(&plain.url(), json!({ "keep_alive_ms": 0, "mode": "get" }))),
        (rpa_call, call(&https, json!({}))),
        (rpa_call, call(&https, json!({ "keep_alive_ms": 0 }))),
        (rpa_call, call(&https, json!({ "tls": {} }))),
        (rpa_call, call("http://127.0.0.1:1", json!({}))),
        (rpa_call, call("no host", json!({}))),
        (rpa_sign, call(&plain.url(), json!({ "timestamp": 1 }))),
        (rpa_get_token, Some(CString::new(keys.to_string()).unwrap())),
        (rpa_refresh_token, Some(CString::new(refresh.to_string()).unwrap())),
        (rpa_call, Some(c"{".to_owned())),
        (rpa_sign, Some(CString::new(b"{\"a\":\"\xff\"}".to_vec()).unwrap())),
        (rpa_get_token, None),
        (rpa_diagnose, call(&plain.url(), json!({ "timeout_ms": 5000 }))),
        (rpa_diagnose, None),
    ]
}

/// Breaks a promise of the header, if `RPA_PLANT` names one.
fn plant((function, request): &(Function, Option<CString>)) {
    let planted = std::env::var("RPA_PLANT").unwrap_or_default();
    let pointer = request.as_ref().map_or(ptr::null(), |request| request.as_ptr());
    // SAFETY: none, which is the point.
    unsafe {
        match &*planted {
            "" => {}
            "use_after_free" => {
                let reply = function(pointer);
                rpa_free(reply);
                std::hint::black_box(reply.read_volatile());
            }
            "leak" => {
                std::hint::black_box(function(pointer));
                // What is left of the pointer on the stack and in registers would keep it reachable.
                std::hint::black_box([0usize; 4096]);
            }
            "race" => {
                // A reply is read, not written into; many times, since one may pass unseen.
                let reply = function(pointer);
                let address = reply.expose_provenance();
                let reader = thread::spawn(move || {
                    let same: *const c_char = ptr::with_exposed_provenance(address);
                    for _ in 0..1000 {
                        std::hint::black_box(same.read_volatile());
                        thread::yield_now();
                    }
                });
                for _ in 0..1000 {
                    reply.write_volatile(b'{' as c_char);
                    thread::yield_now();
                }
                reader.join().unwrap();
                rpa_free(reply);
            }
            other => panic!("RPA_PLANT={other} is not known"),
        }
    }
}

#[test]
fn null_may_be_freed() {
    // SAFETY: NULL is allowed.
    unsafe { rpa_free(ptr::null_mut()) };
}

#[test]
fn every_function_from_many_threads() {
    let (plain, tls) = (Server::answering(reply("200 OK", "{\"code\":0}")), tls_server());
    let requests = requests(&plain, &tls);
    let (hand_over, take) = mpsc::channel::<Reply>();
    thread::scope(|scope| {
        for first in 0..THREADS {
            let (requests, hand_over) = (&requests, hand_over.clone());
            scope.spawn(move || {
                for round in 0..ROUNDS {
                    let (function, request) = &requests[(first + round) % requests.len()];
                    let pointer = request.as_ref().map_or(ptr::null(), |request| request.as_ptr());
                    // SAFETY: NULL, or a text that lives as long as the call.
                    hand_over.send(Reply(unsafe { function(pointer) })).unwrap();
                }
            });
        }
        drop(hand_over);
        let mut replies = 0;
        for Reply(reply) in take {
            // SAFETY: the reply lives until it is freed, here and once.
            let text = unsafe { CStr::from_ptr(reply) }.to_str().unwrap();
            assert!(serde_json::from_str::<Value>(text).unwrap()["code"].is_u64(), "{text}");
            unsafe { rpa_free(reply) };
            if replies == 0 {
                plant(&requests[0]);
            }
            replies += 1;
        }
        assert_eq!(replies, THREADS * ROUNDS);
    });
    // SAFETY: NULL is allowed; a version is static.
    unsafe { rpa_free(ptr::null_mut()) };
    assert_eq!(unsafe { CStr::from_ptr(rpa_version()) }.to_str(), Ok(env!("CARGO_PKG_VERSION")));
}
