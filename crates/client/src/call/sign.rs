//! What `rpa_sign` shows: a call as it would go over the wire, and each stage of its signature.

use serde::{Serialize, Serializer};

use crate::basics::time::WINDOW_MS;
use crate::call::prepared::{Prepared, headers};
use crate::error::{Error, Kind, TokenFacts};
use rpa_signing::Secret;
use rpa_signing::scheme::v2020_4::Encoding;

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

/// Shows the call under this token, signed for the time that the request fixes, else for now. `warnings` are further notes.
pub(crate) fn show(
    prepared: &Prepared<'_>,
    token: &Secret,
    now: u64,
    warnings: Vec<String>,
    facts: Option<&TokenFacts>,
) -> Result<Vec<u8>, Error> {
    let request = &prepared.request;
    let stamp = prepared.stamp(token, request.timestamp.unwrap_or(now));
    let signature = stamp.signature();
    let (source, encoded, method) = (stamp.source(), stamp.encoded(), prepared.method());
    let headers = headers(&stamp, &signature)?;
    let all_headers = headers.iter().chain(&request.options.headers);
    let mut notes = notes(source.expose(), request.encoding, stamp.timestamp, now);
    notes.extend(warnings);
    let reply = SignReply {
        code: 0,
        msg: "success",
        result: Signed {
            method: method.as_str(),
            url: prepared.url.expose(),
            headers: all_headers.filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?))).collect(),
            body: prepared.payload.body.as_deref(),
            source: source.expose(),
            encoded: encoded.expose(),
            signature: &signature,
            timestamp: stamp.timestamp,
            notes,
            token: facts,
        },
    };
    serde_json::to_vec(&reply).map_err(|_| Error::new(Kind::Internal, "结果无法生成", "the reply cannot be written"))
}

/// What may make a server refuse this signature.
fn notes(source: &str, encoding: Encoding, timestamp: u64, now: u64) -> Vec<String> {
    let mut notes = Vec::new();
    let differing: Vec<&str> = ["/", "~"].into_iter().filter(|character| source.contains(character)).collect();
    if !differing.is_empty() {
        let (this, other) = match encoding {
            Encoding::Python => ("python", "java"),
            Encoding::Java => ("java", "python"),
        };
        let list = differing.join(" ");
        notes.push(format!(
            "the source holds {list}, which the encodings write differently; if the server refuses this signature ({this}), try \"encoding\":\"{other}\" \
             (源串含有{list},两种编码结果不同;若签名被拒,请改用\"encoding\":\"{other}\")"
        ));
    }
    let difference = timestamp.abs_diff(now);
    if difference > WINDOW_MS {
        notes.push(format!(
            "the timestamp is {} seconds away from the present time; the server refuses more than 600 (时间戳与当前时间相差超过10分钟,服务器会拒绝)",
            difference / 1000
        ));
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_name_the_option_that_helps() {
        assert!(notes("a=1&token=t", Encoding::Python, 5, 5).is_empty());
        let slash = notes("a=/&token=t", Encoding::Python, 5, 5);
        assert!(slash.len() == 1 && slash[0].contains("\"encoding\":\"java\""), "{slash:?}");
        let tilde = notes("a=~&token=t", Encoding::Java, 0, 600_001);
        assert!(
            tilde.len() == 2 && tilde[0].contains("\"encoding\":\"python\"") && tilde[1].contains("600"),
            "{tilde:?}"
        );
    }
}
