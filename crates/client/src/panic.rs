//! The fence around every call: whatever comes in and whatever happens, a reply comes out.

use std::any::Any;
use std::cell::RefCell;
use std::panic::{self, AssertUnwindSafe};
use std::path::PathBuf;
use std::sync::Once;
use std::time::Instant;

use crate::basics::threads;
use crate::call;
use crate::diagnosis;
use crate::error::{Error, Function, Kind};
use crate::http;
use crate::journal;
use crate::network::attempt::Progress;
use crate::request::{RequestText, Telling};

/// The reply of a function to a request: JSON, in UTF-8, without a NUL. `None` stands for a request that is NULL.
pub fn reply(function: Function, request: Option<&[u8]>) -> Vec<u8> {
    fenced(function, request, |request, progress| call::run(function, request?, progress))
}

/// The diagnosis of a request. `file`: where the library lies, if whoever calls knows.
pub fn diagnose(request: Option<&[u8]>, file: Option<PathBuf>) -> Vec<u8> {
    fenced(Function::Diagnose, request, |request, progress| Ok(diagnosis::run(request, file, progress)))
}

fn fenced(
    function: Function,
    request: Option<&[u8]>,
    work: impl FnOnce(Result<&RequestText<'_>, Error>, &Progress) -> Result<Vec<u8>, Error>,
) -> Vec<u8> {
    let (progress, started) = (Progress::default(), Instant::now());
    let text = text_of(request).map(RequestText::new);
    let telling = || text.as_ref().map_or_else(|_| Telling::default(), Telling::of);
    let telling = caught(telling).unwrap_or_default();
    let _ = caught(|| journal::prepare(&telling, &progress));
    let outcome = caught(|| work(text.as_ref().map_err(Error::clone), &progress)).unwrap_or_else(|place| {
        let detail = format!("the library panicked at {place}; please report it");
        // Where not even that can be done, what is left is no worse than before.
        let _ = caught(http::recover);
        Err(Error { delivered: progress.so_far(), ..Error::new(Kind::Internal, "程序内部错误", detail) })
    });
    let told = caught(|| journal::tell(function, outcome, &telling, &progress, started.elapsed()));
    told.unwrap_or_else(|_| LAST_WORD.as_bytes().to_vec())
}

/// In place of a reply that nothing could be told of.
const LAST_WORD: &str = r#"{"code":40,"msg":"fail,意外情况:程序内部错误","result":null,"error":{"kind":"internal","detail":"the library panicked as it wrote the reply; please report it","field":null,"http_status":null,"attempts":0,"delivered":"unknown","elapsed_ms":0}}"#;

fn text_of(request: Option<&[u8]>) -> Result<&str, Error> {
    let request = request.ok_or_else(|| Error::request("请求为NULL", "the request is NULL"))?;
    simdutf8::compat::from_utf8(request).map_err(|error| {
        let detail = format!("the request is not UTF-8: the byte at {} is not", error.valid_up_to());
        Error::request("请求不是UTF-8编码", detail)
    })
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
                // A build may leave places out: they are of line 0 then.
                let location = info.location().filter(|location| location.line() > 0);
                if let (Some(place), Some(location)) = (place, location) {
                    // The file's name alone: the path is that of the machine that built it.
                    let file = location.file().rsplit(['/', '\\']).next().unwrap_or_default();
                    *place = format!("{file}:{}", location.line());
                }
                within
            });
            // Threads of our own work for calls, and their panics are told to those.
            if !within_fence && !threads::is_own() {
                outer(info);
            }
        }));
    });
    PANIC_PLACE.set(Some("an unknown place".to_owned()));
    let result = panic::catch_unwind(AssertUnwindSafe(work));
    let place = PANIC_PLACE.take();
    result.map_err(|payload| {
        forget_payload(payload);
        place.unwrap_or_else(|| "an unknown place".to_owned())
    })
}

/// A payload may panic once more as it is dropped. It is leaked: this happens once in a blue moon.
fn forget_payload(payload: Box<dyn Any + Send>) {
    std::mem::forget(payload);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Delivered;

    fn through_the_fence(request: &[u8], work: impl FnOnce(&RequestText<'_>, &Progress)) -> serde_json::Value {
        let work = |request: Result<&RequestText<'_>, Error>, progress: &Progress| {
            work(request.unwrap(), progress);
            Ok(Vec::new())
        };
        serde_json::from_slice(&fenced(Function::Call, Some(request), work)).unwrap()
    }

    fn called(request: Option<&[u8]>) -> serde_json::Value {
        serde_json::from_slice(&reply(Function::Call, request)).unwrap()
    }

    #[test]
    fn null_and_bytes_that_are_not_utf8() {
        let null = called(None);
        assert_eq!((&null["code"], &null["error"]["kind"]), (&41.into(), &"argument".into()));
        let bytes = called(Some(b"{\"a\":\"\xff\"}"));
        assert_eq!(bytes["error"]["detail"], "the request is not UTF-8: the byte at 6 is not");
    }

    #[test]
    fn a_panic_becomes_a_reply_that_names_its_place_alone() {
        let reply = through_the_fence(b"hunter2", |_, _| panic!("hunter2"));
        assert_eq!((&reply["code"], &reply["error"]["kind"]), (&40.into(), &"internal".into()));
        let detail = reply["error"]["detail"].as_str().unwrap();
        assert!(detail.starts_with("the library panicked at panic.rs:"), "{detail}");
        assert!(!reply.to_string().contains("hunter2"));
        assert_eq!(reply["error"]["delivered"], "no");
        let after = called(Some(b"{}"));
        assert_eq!(after["error"]["kind"], "argument", "the next call works");
    }

    #[test]
    fn a_panic_in_mid_call_says_what_was_delivered() {
        for (delivered, expected) in [(Delivered::No, "no"), (Delivered::Unknown, "unknown"), (Delivered::Yes, "yes")] {
            let reply = through_the_fence(b"{}", |_, progress| {
                progress.fail(delivered);
                panic!("on purpose")
            });
            assert_eq!(reply["error"]["delivered"], expected);
        }
    }
}
