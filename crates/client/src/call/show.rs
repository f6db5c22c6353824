//! What `rpa_sign` shows: a call as it would go over the wire, and each stage of its signature.

use serde::{Serialize, Serializer};

use crate::call::notes;
use crate::call::unstamped::UnstampedCall;
use crate::error::{Error, TokenFacts};
use crate::request::CallRequest;
use rpa_signing::Secret;
use rpa_signing::scheme::{Body, Encoding};

/// The reply of `rpa_sign`.
#[derive(Serialize)]
struct SignReply<'a> {
    code: u16,
    msg: &'static str,
    result: Signed<'a>,
}

/// What would go over the wire, and each stage of the signature.
#[derive(Serialize)]
struct Signed<'a> {
    method: &'a str,
    url: &'a str,
    #[serde(serialize_with = "as_object")]
    headers: Vec<(&'a str, &'a str)>,
    body: Option<&'a str>,
    source: &'a str,
    encoded: &'a str,
    signature: &'a str,
    timestamp: u64,
    notes: Vec<String>,
    /// Only where the library looks after the token.
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<&'a TokenFacts>,
}

fn as_object<S: Serializer>(pairs: &[(&str, &str)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(pairs.iter().copied())
}

/// The time that a request fixes. Whoever reads a log of generation 9 finds seconds there.
fn timestamp(request: &CallRequest<'_>, now: u64) -> u64 {
    /// In milliseconds a day of 1973, in seconds one of 5138.
    const LATEST_S: u64 = 100_000_000_000;
    let in_seconds = request.scheme.time(1000) == 1;
    request.timestamp.map_or(now, |given| if in_seconds && given < LATEST_S { given * 1000 } else { given })
}

/// Shows the call under this pass, signed for the time that the request fixes, else for now. `warnings` are further notes.
pub(crate) fn show(
    unstamped: &UnstampedCall<'_>,
    pass: &Secret,
    encoding: Encoding,
    now: u64,
    warnings: Vec<String>,
    facts: Option<&TokenFacts>,
) -> Result<Vec<u8>, Error> {
    let request = &unstamped.request;
    let stamp = unstamped.stamp(pass, encoding, timestamp(request, now));
    let signature = stamp.signature();
    let (source, encoded, method) = (stamp.source(), stamp.encoded(), unstamped.method());
    let (body, content_type) = stamp.body(&signature);
    let headers = unstamped.headers(&stamp, &signature, content_type)?;
    let all_headers = headers.iter().chain(&request.options.headers);
    let mut notes = notes::of_signature(&stamp, source.expose(), request.encoding.is_none(), now);
    notes.extend(notes::of_url(request.mode, unstamped.url.expose()));
    notes.extend(unstamped.notes.iter().cloned());
    notes.extend(warnings);
    let reply = SignReply {
        code: 0,
        msg: "success",
        result: Signed {
            method: method.as_str(),
            url: unstamped.url.expose(),
            headers: all_headers
                .map(|(name, value)| (name.as_str(), value.to_str().expect("a header is visible ASCII")))
                .collect(),
            body: body.as_ref().map(Body::text),
            source: source.expose(),
            encoded: encoded.expose(),
            signature: &signature,
            timestamp: stamp.timestamp,
            notes,
            token: facts,
        },
    };
    Ok(serde_json::to_vec(&reply).expect("texts and numbers alone are always JSON"))
}
