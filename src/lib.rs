//! The C interface, see `include/rpa_openapi.h`: pointers to texts and back. All else is in the crate `rpa-client`.
//!
//! The only file with `unsafe` in it.

#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::ffi::{CStr, CString};
use std::path::PathBuf;

use libc::c_char;
use rpa_client::Function;
use zeroize::Zeroize;

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
    // SAFETY: the caller's promise is the one that `reply` asks for.
    unsafe { reply(Function::GetToken, request) }
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
    unsafe { reply(Function::RefreshToken, request) }
}

/// Signs one API call, sends it and returns the reply.
///
/// Fields of the request beside the common ones: `rest_type` (the API's path), `mode` (get, post, put, delete),
/// `data_json` (the parameters), and either `accesskey` and `secretkey` or `accesstoken`; optional: `values`,
/// `encoding`, `signature_refused`, `retry_mode`, `query`, `empty_ok`, `generation` (with `appkey` or `action` in the place of
/// others), and with the keys `token_store`, `token_ttl_ms`, `token_refused`,
/// `correct_clock`. With the keys the library gets, keeps and renews the token; a call that is refused for its token is
/// made again with a newer one.
/// Returns the server's JSON as it came, whatever the HTTP status, or an error object whose `error.delivered` says
/// whether calling again is safe.
/// The caller owns the reply and frees it once, with `rpa_free`. Blocks for at most `timeout_ms`.
///
/// # Safety
/// `request` is NULL or points to a NUL-terminated text that nobody changes during the call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rpa_call(request: *const c_char) -> *mut c_char {
    // SAFETY: as above.
    unsafe { reply(Function::Call, request) }
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
    unsafe { reply(Function::Sign, request) }
}

/// Looks at the same request as that of `rpa_call` from end to end: what is wrong with it first, and whose turn it is.
///
/// Takes the fields of `rpa_call`, of which all may be left out but `host`; `get_token` (true: a token may be asked for,
/// which may end another one) and `settings_from` (where a field's value came from, as the host program knows it).
/// Returns a verdict in Chinese and English, each setting and where it came from, and each check with its facts: names,
/// ways, proxy, certificate, what answers, clock, token store, token, signature. It holds no secret.
/// Changes nothing on the control center; a signed call is made only of a get whose `rest_type` and `mode` are given.
/// The caller owns the reply and frees it once, with `rpa_free`. Blocks for at most `timeout_ms`.
///
/// # Safety
/// `request` is NULL or points to a NUL-terminated text that nobody changes during the call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rpa_diagnose(request: *const c_char) -> *mut c_char {
    // SAFETY: as above.
    let request = unsafe { bytes(request) };
    handed_over(rpa_client::diagnose(request, own_file()))
}

/// Frees a reply of any of the functions above, from any thread. NULL is allowed.
///
/// # Safety
/// `reply` is NULL or a pointer that one of these functions returned, and that was not freed before.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rpa_free(reply: *mut c_char) {
    if !reply.is_null() {
        // SAFETY: every reply comes from `CString::into_raw` in `reply` below, and the caller frees it once.
        let reply = unsafe { CString::from_raw(reply) };
        // It may hold tokens. Wiped as a slice: zeroize goes through a CString byte by byte.
        reply.into_bytes().as_mut_slice().zeroize();
    }
}

/// The version of the library, such as "1.2.3": static, and never freed.
#[unsafe(no_mangle)]
pub extern "C" fn rpa_version() -> *const c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}

/// In place of a reply that no C program could read to its end.
const NUL_IN_REPLY: &CStr = cr#"{"code":40,"msg":"fail,意外情况:程序内部错误","result":null,"error":{"kind":"internal","detail":"the reply holds a NUL; please report it","field":null,"http_status":null,"attempts":0,"delivered":"unknown","elapsed_ms":0}}"#;

/// The reply of a function, as the caller owns it.
///
/// # Safety
/// `request` is NULL or points to a NUL-terminated text that nobody changes during the call.
unsafe fn reply(function: Function, request: *const c_char) -> *mut c_char {
    // SAFETY: the caller's promise is the same.
    let request = unsafe { bytes(request) };
    handed_over(rpa_client::reply(function, request))
}

/// A request's bytes.
///
/// # Safety
/// `request` is NULL or points to a NUL-terminated text that nobody changes while these bytes are in use.
unsafe fn bytes<'a>(request: *const c_char) -> Option<&'a [u8]> {
    // SAFETY: not NULL, and by the caller's promise NUL-terminated and unchanged.
    (!request.is_null()).then(|| unsafe { CStr::from_ptr(request) }.to_bytes())
}

/// A reply on its way to the caller.
fn handed_over(reply: Vec<u8>) -> *mut c_char {
    // JSON text holds no NUL byte, and serde_json has checked or written it: the other case cannot come. memchr is
    // several times as fast as the check of `CString::new`.
    let reply = match memchr::memchr(0, &reply) {
        // SAFETY: it holds none, as just checked.
        None => unsafe { CString::from_vec_unchecked(reply) },
        Some(_) => NUL_IN_REPLY.to_owned(),
    };
    reply.into_raw()
}

/// The file that this library was loaded from, where the system must be asked for it.
#[cfg(windows)]
fn own_file() -> Option<PathBuf> {
    use std::ffi::{OsString, c_void};
    use std::os::windows::ffi::OsStringExt;

    #[link(name = "kernel32")]
    unsafe extern "system" {
        fn GetModuleHandleExW(flags: u32, name: *const c_void, module: *mut *mut c_void) -> i32;
        fn GetModuleFileNameW(module: *mut c_void, file: *mut u16, size: u32) -> u32;
    }
    // By an address within it, and without keeping it loaded.
    const BY_ADDRESS: u32 = 4 | 2;
    const LONGEST: usize = 4096;
    let (mut module, mut file) = (std::ptr::null_mut(), vec![0u16; LONGEST]);
    let address = rpa_version as extern "C" fn() -> *const c_char as *const c_void;
    // SAFETY: the address is that of a function of this module, and both results go where there is room for them.
    let length = unsafe {
        if GetModuleHandleExW(BY_ADDRESS, address, &mut module) == 0 {
            return None;
        }
        GetModuleFileNameW(module, file.as_mut_ptr(), LONGEST as u32)
    };
    let name = file.get(..length as usize).filter(|name| (1..LONGEST).contains(&name.len()))?;
    Some(OsString::from_wide(name).into())
}

/// Elsewhere the crate `rpa-client` finds it out by itself.
#[cfg(not(windows))]
fn own_file() -> Option<PathBuf> {
    None
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests;
