//! What `rpa_sign` shows: a call as it would go over the wire, and each stage of its signature.

use crate::basics::json::{Object, name};
use crate::call::notes;
use crate::call::unstamped::UnstampedCall;
use crate::error::{Error, TokenFacts};
use crate::request::CallRequest;
use rpa_signing::Secret;
use rpa_signing::scheme::{Body, Encoding};

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
    let (url, body) = (unstamped.url.expose(), body.as_ref().map(Body::text));
    // A text grows as it is written into JSON; the pass stands in several.
    let texts = [url, body.unwrap_or_default(), source.expose(), encoded.expose()];
    let mut json = Object::with_room(4096 + 2 * texts.iter().map(|text| text.len()).sum::<usize>());
    json.raw(name!("code"), "0");
    json.word(name!("msg"), "success");
    json.begin(name!("result"));
    json.word(name!("method"), method.as_str());
    json.text(name!("url"), url);
    json.begin(name!("headers"));
    for (name, value) in all_headers {
        json.named(name.as_str(), value.to_str().expect("a header is visible ASCII"));
    }
    json.end();
    json.maybe(name!("body"), body);
    json.text(name!("source"), source.expose());
    json.text(name!("encoded"), encoded.expose());
    json.word(name!("signature"), &signature);
    json.number(name!("timestamp"), i64::try_from(stamp.timestamp).ok());
    json.texts(name!("notes"), &notes);
    // Only where the library looks after the token.
    if let Some(facts) = facts {
        facts.write(&mut json);
    }
    json.end();
    Ok(json.finish().into_bytes())
}
