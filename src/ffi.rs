//! The C boundary: the exported functions and the fence around them. The only file with `unsafe` in it, so that the
//! one unchecked conversion of text stands here, too.
#![allow(unsafe_code)]

use std::any::Any;
use std::cell::RefCell;
use std::ffi::{CStr, CString, c_char};
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;
use std::time::{Duration, Instant};

use zeroize::Zeroize;

use crate::error::{Delivered, Error, Function, Kind};
use crate::sender;

/// Gets an access token and a refresh token for an access key and a secret key.
///
/// Fields of the request beside the common ones: `accesskey`, `secretkey`.
/// Returns the server's JSON as it came, or an error object; its `code` is then 44.
/// The caller owns the reply and frees it once, with `rpa_free`. Blocks for at most `timeout_ms`.
///
/// # Safety
/// `request` is NULL or points to a NUL-terminated text that nobody changes during the call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rpa_get_token(request: *const c_char) -> *mut c_char {
    // SAFETY: the caller's promise is the one that `fence` asks for.
    unsafe { fence(request, Function::GetToken, crate::get_token) }
}

/// Trades a refresh token for a new access token and a new refresh token.
///
/// Field of the request beside the common ones: `refreshtoken` (also spelt `refleshtoken`).
/// Returns the server's JSON as it came, or an error object; its `code` is then 44.
/// The caller owns the reply and frees it once, with `rpa_free`. Blocks for at most `timeout_ms`.
///
/// # Safety
/// `request` is NULL or points to a NUL-terminated text that nobody changes during the call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rpa_refresh_token(request: *const c_char) -> *mut c_char {
    // SAFETY: as above.
    unsafe { fence(request, Function::RefreshToken, crate::refresh_token) }
}

/// Signs one API call, sends it and returns the reply.
///
/// Fields of the request beside the common ones: `rest_type` (the API's path), `mode` (get, post, put, delete),
/// `data_json` (the parameters), and either `accesskey` and `secretkey` or `accesstoken`; optional: `values`,
/// `encoding`, `retry_mode`, and with the keys `token_store`, `token_ttl_ms`, `token_refused`.
/// With the keys the library gets, keeps and renews the token; a call that is refused for its token is made once more
/// with a newer one.
/// Returns the server's JSON as it came, whatever the HTTP status, or an error object whose `error.delivered` says
/// whether calling again is safe.
/// The caller owns the reply and frees it once, with `rpa_free`. Blocks for at most `timeout_ms`.
///
/// # Safety
/// `request` is NULL or points to a NUL-terminated text that nobody changes during the call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rpa_call(request: *const c_char) -> *mut c_char {
    // SAFETY: as above.
    unsafe { fence(request, Function::Call, crate::call) }
}

/// Signs the same request as `rpa_call` and does not send it: shows what would go over the wire.
///
/// Takes the fields of `rpa_call`, and `timestamp` (milliseconds since 1970) to sign for another time than now.
/// Returns method, url, headers, body, each stage of the signature, and notes on what may make a server refuse it.
/// Uses no network, unless keys are given and their token has to be got first; then it blocks for at most `timeout_ms`.
/// The reply holds the token. The caller owns it and frees it once, with `rpa_free`.
///
/// # Safety
/// `request` is NULL or points to a NUL-terminated text that nobody changes during the call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rpa_sign(request: *const c_char) -> *mut c_char {
    // SAFETY: as above.
    unsafe { fence(request, Function::Sign, crate::sign) }
}

/// Frees a reply of any of the functions above, from any thread. NULL is allowed.
///
/// # Safety
/// `reply` is NULL or a pointer that one of these functions returned, and that was not freed before.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rpa_free(reply: *mut c_char) {
    if !reply.is_null() {
        // SAFETY: every reply comes from `CString::into_raw` below, and the caller frees it once.
        let reply = unsafe { CString::from_raw(reply) };
        #[cfg(rpa_planted)]
        planted::at_free(&reply);
        // It may hold tokens. Wiped as a slice: zeroize goes through a CString byte by byte.
        reply.into_bytes().as_mut_slice().zeroize();
    }
}

/// The version of the library, such as "1.2.3": static, and never freed.
#[unsafe(no_mangle)]
pub extern "C" fn rpa_version() -> *const c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}

/// Runs `work` on the request, and returns JSON whatever happens: a NULL, bytes that are no UTF-8, a panic.
///
/// # Safety
/// `request` is NULL or points to a NUL-terminated text that nobody changes during the call.
unsafe fn fence(request: *const c_char, function: Function, work: fn(&str) -> String) -> *mut c_char {
    let answer = || {
        if request.is_null() {
            return refusal(function, "请求为NULL", "the request is NULL");
        }
        // SAFETY: not NULL, and by the caller's promise NUL-terminated and unchanged.
        match simdutf8::compat::from_utf8(unsafe { CStr::from_ptr(request) }.to_bytes()) {
            Ok(request) => {
                sender::forget_attempts();
                work(request)
            }
            Err(error) => {
                let detail = format!("the request is not UTF-8: the byte at {} is not", error.valid_up_to());
                refusal(function, "请求不是UTF-8编码", &detail)
            }
        }
    };
    #[cfg(rpa_planted)]
    planted::at_call();
    let started = Instant::now();
    let reply = caught(answer).unwrap_or_else(|place| {
        let detail = format!("the library panicked at {place}; please report it");
        // What can no longer be known may have happened.
        let delivered = caught(sender::recover).unwrap_or(Delivered::Unknown);
        Error { delivered, ..Error::new(Kind::Internal, "程序内部错误", detail) }.envelope(function, started.elapsed())
    });
    // JSON text holds no NUL byte, and serde_json has checked or written it: the other case cannot come. memchr is
    // several times as fast as the check of `CString::new`.
    let reply = match memchr::memchr(0, reply.as_bytes()) {
        // SAFETY: it holds none, as just checked.
        None => unsafe { CString::from_vec_unchecked(reply.into_bytes()) },
        Some(_) => c"null".to_owned(),
    };
    reply.into_raw()
}

/// Bytes as text if they are UTF-8. The standard library's check takes longer over Chinese text than all else that is
/// done with a reply.
pub(crate) fn utf8(bytes: Vec<u8>) -> Result<String, Vec<u8>> {
    match simdutf8::basic::from_utf8(&bytes) {
        // SAFETY: they are UTF-8, as just checked.
        Ok(_) => Ok(unsafe { String::from_utf8_unchecked(bytes) }),
        Err(_) => Err(bytes),
    }
}

fn refusal(function: Function, cause: &str, detail: &str) -> String {
    Error::request(cause, detail).envelope(function, Duration::ZERO)
}

thread_local! {
    /// Where the last panic within the fence was; `None` outside of the fence.
    static PANIC_PLACE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Runs `work`; of a panic only the place is returned. Its message may quote anything, a secret too, so it goes
/// neither into the reply nor, by the default hook, to the host's standard error.
fn caught<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let outer = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let within_fence = PANIC_PLACE.with_borrow_mut(|place| {
                let within = place.is_some();
                if let (Some(place), Some(location)) = (place, info.location()) {
                    // The file's name alone: the path is that of the machine that built it.
                    let file = location.file().rsplit(['/', '\\']).next().unwrap_or_default();
                    *place = format!("{file}:{}", location.line());
                }
                within
            });
            if !within_fence {
                outer(info);
            }
        }));
    });
    PANIC_PLACE.set(Some("an unknown place".to_owned()));
    let result = panic::catch_unwind(AssertUnwindSafe(work));
    let place = PANIC_PLACE.take();
    result.map_err(|payload| {
        forget_payload(payload);
        place.unwrap_or_default()
    })
}

/// A payload may panic once more as it is dropped. It is leaked: this happens once in a blue moon.
fn forget_payload(payload: Box<dyn Any + Send>) {
    std::mem::forget(payload);
}

/// Errors put in on purpose, to show that the tools that look for them can find one: `.ci/sanitizers` builds with
/// `--cfg rpa_planted="leak"` and so on. No feature switches them on.
#[cfg(rpa_planted)]
mod planted {
    use std::ffi::CString;

    pub(super) fn at_call() {
        #[cfg(rpa_planted = "race")]
        {
            static mut CALLS: u64 = 0;
            let calls = std::hint::black_box(&raw mut CALLS);
            // SAFETY: none; two threads write at once.
            unsafe { *calls = (*calls).wrapping_add(1) };
        }
        #[cfg(rpa_planted = "leak")]
        std::hint::black_box(Box::leak(Box::new([1u8; 48])));
        #[cfg(rpa_planted = "leak")]
        std::hint::black_box([0usize; 512]);
    }

    pub(super) fn at_free(reply: &CString) {
        #[cfg(rpa_planted = "use_after_free")]
        {
            let copy = reply.clone();
            let pointer = copy.as_ptr();
            drop(copy);
            // SAFETY: none; what it points to is freed.
            std::hint::black_box(unsafe { pointer.read_volatile() });
        }
        let _ = reply;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn through_the_fence(request: Option<&[u8]>, work: fn(&str) -> String) -> serde_json::Value {
        let request = request.map(|bytes| CString::new(bytes).unwrap());
        let pointer = request.as_ref().map_or(std::ptr::null(), |request| request.as_ptr());
        // SAFETY: NULL or a live CString; the reply is read, then freed once.
        let reply = unsafe {
            let reply = fence(pointer, Function::Call, work);
            let text = CStr::from_ptr(reply).to_str().unwrap().to_owned();
            rpa_free(reply);
            text
        };
        serde_json::from_str(&reply).unwrap()
    }

    #[test]
    fn null_and_bytes_that_are_not_utf8() {
        let null = through_the_fence(None, crate::call);
        assert_eq!((&null["code"], &null["error"]["kind"]), (&41.into(), &"argument".into()));
        let bytes = through_the_fence(Some(b"{\"a\":\"\xff\"}"), crate::call);
        assert_eq!(bytes["error"]["detail"], "the request is not UTF-8: the byte at 6 is not");
    }

    #[test]
    fn a_panic_becomes_a_reply_that_names_its_place_alone() {
        let reply = through_the_fence(Some(b"hunter2"), |request| panic!("{request}"));
        assert_eq!((&reply["code"], &reply["error"]["kind"]), (&40.into(), &"internal".into()));
        let detail = reply["error"]["detail"].as_str().unwrap();
        assert!(detail.starts_with("the library panicked at ffi.rs:"), "{detail}");
        assert!(!reply.to_string().contains("hunter2"));
        let after = through_the_fence(Some(b"{}"), crate::call);
        assert_eq!(after["error"]["kind"], "argument", "the next call works");
    }

    #[test]
    fn null_may_be_freed() {
        // SAFETY: NULL is allowed.
        unsafe { rpa_free(std::ptr::null_mut()) };
    }
}
