//! The way of a call: text in, checked request, signature, HTTP, reply, text out.

use std::collections::BTreeMap;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use serde::Serialize;
use ureq::http::header::CONTENT_TYPE;
use ureq::http::{HeaderName, HeaderValue, Method};

use crate::error::{Error, Function, Kind};
use crate::python::{Entry, Escape, escape};
use crate::redact::Redactor;
use crate::reply;
use crate::request::{CallRequest, CallText, Credentials, Options, TokenRequest};
use crate::retry::{Policy, Repeat};
use crate::scheme::v2020_4::{Encoding, Mode, Payload, Stamp, Values};
use crate::secret::Secret;
use crate::sender::{self, HttpRequest};

/// Gets an access and a refresh token: the request and the reply of `rpa_get_token`.
pub fn get_token(request: &str) -> String {
    answer(Function::GetToken, |started| tokens(TokenRequest::get(request)?, started))
}

/// Trades a refresh token for new tokens: the request and the reply of `rpa_refresh_token`.
pub fn refresh_token(request: &str) -> String {
    answer(Function::RefreshToken, |started| tokens(TokenRequest::refresh(request)?, started))
}

/// Signs one API call and sends it: the request and the reply of `rpa_call`.
pub fn call(request: &str) -> String {
    answer(Function::Call, |started| signed_call(CallText::read(request, Function::Call)?.check()?, started))
}

/// Signs one API call and shows what would be sent: the request and the reply of `rpa_sign`.
pub fn sign(request: &str) -> String {
    answer(Function::Sign, |_| signature(CallText::read(request, Function::Sign)?.check()?))
}

/// The reply of a function: what its work returns, or the envelope of its error.
fn answer(function: Function, work: impl FnOnce(Instant) -> Result<String, Error>) -> String {
    let started = Instant::now();
    work(started).unwrap_or_else(|error| error.envelope(function, started.elapsed()))
}

fn tokens(request: TokenRequest, started: Instant) -> Result<String, Error> {
    let parameters = match &request.credentials {
        Credentials::Keys { access, secret } => vec![("accessKey", access), ("secretKey", secret)],
        Credentials::Refresh(token) => vec![("refreshToken", token)],
    };
    let query = token_query(&parameters);
    let http = HttpRequest {
        method: Method::GET,
        address: &request.address,
        url: url(&request.address.url("/oapi/v1/token"), Some(query.expose())),
        headers: Vec::new(),
        body: None,
    };
    let policy = policy(&request.options, Repeat::Idempotent, started);
    policy.run(|| {
        let reply = sender::send(&http, &request.options, policy.deadline)?;
        reply::json_text(reply, || {
            redactor(&http, &request.options, parameters.iter().map(|(_, secret)| secret.expose()))
        })
    })
}

fn token_query(parameters: &[(&str, &Secret)]) -> Secret {
    // Sized for the worst case, so that no reallocation leaves a copy of a key behind.
    let longest =
        parameters.iter().map(|(name, secret)| name.len().saturating_add(secret.expose().len().saturating_mul(3)));
    let mut query = String::with_capacity(longest.fold(8, usize::saturating_add));
    for (index, (name, secret)) in parameters.iter().enumerate() {
        query.extend([if index > 0 { "&" } else { "" }, name, "="]);
        query.extend(escape(secret.expose(), Escape::Component));
    }
    Secret::new(query)
}

fn signed_call(request: CallRequest<'_>, started: Instant) -> Result<String, Error> {
    let CallRequest { address, options, path, mode, parameters, token, values, encoding, retry_always, .. } = request;
    let payload = payload(mode, parameters, values)?;
    let url = url(&address.url(&path), payload.query.as_deref());
    let repeat = match (retry_always, mode) {
        (true, _) => Repeat::Anything,
        (false, Mode::Post) => Repeat::Undelivered,
        (false, _) => Repeat::Idempotent,
    };
    // Each attempt is stamped and signed anew: a refused timestamp would otherwise be refused again.
    let policy = policy(&options, repeat, started);
    policy.run(|| {
        let stamp = Stamp { payload: &payload, token: &token, encoding, timestamp: now()? };
        let signature = stamp.signature();
        let http = HttpRequest {
            method: method(mode),
            address: &address,
            url: url.clone(),
            headers: headers(&stamp, &signature)?,
            body: payload.body.as_deref(),
        };
        let reply = sender::send(&http, &options, policy.deadline)?;
        reply::json_text(reply, || redactor(&http, &options, [token.expose(), &signature]))
    })
}

fn signature(request: CallRequest<'_>) -> Result<String, Error> {
    let CallRequest { address, options, path, mode, parameters, token, values, encoding, timestamp, .. } = request;
    let payload = payload(mode, parameters, values)?;
    let now = now()?;
    let stamp = Stamp { payload: &payload, token: &token, encoding, timestamp: timestamp.unwrap_or(now) };
    let signature = stamp.signature();
    let source = stamp.source();
    let headers = headers(&stamp, &signature)?;
    let all_headers = headers.iter().chain(&options.headers);
    let (method, encoded) = (method(mode), stamp.encoded());
    let url = url(&address.url(&path), payload.query.as_deref());
    let reply = SignReply {
        code: 0,
        msg: "success",
        result: Signed {
            method: method.as_str(),
            url: url.expose(),
            headers: all_headers.filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?))).collect(),
            body: payload.body.as_deref(),
            source: source.expose(),
            encoded: encoded.expose(),
            signature: &signature,
            timestamp: stamp.timestamp,
            notes: notes(source.expose(), encoding, stamp.timestamp, now),
        },
    };
    serde_json::to_string(&reply).map_err(|_| Error::new(Kind::Internal, "结果无法生成", "the reply cannot be written"))
}

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
    headers: BTreeMap<&'a str, &'a str>,
    body: Option<&'a str>,
    source: &'a str,
    encoded: &'a str,
    signature: &'a str,
    timestamp: u64,
    notes: Vec<String>,
}

fn payload(mode: Mode, parameters: Vec<Entry<'_>>, values: Values) -> Result<Payload, Error> {
    Payload::new(mode, parameters, values).map_err(|surrogate| {
        let shown: String = surrogate.parameter.chars().take(40).collect();
        let detail = format!(
            "`data_json` holds half of a surrogate pair in the parameter \"{shown}\"; it has no UTF-8 and cannot be sent in a query (put and delete can send it)"
        );
        Error::argument("data_json", "字段data_json含有不成对的代理字符", detail)
    })
}

fn method(mode: Mode) -> Method {
    match mode {
        Mode::Get => Method::GET,
        Mode::Post => Method::POST,
        Mode::Put => Method::PUT,
        Mode::Delete => Method::DELETE,
    }
}

fn url(path: &str, query: Option<&str>) -> Secret {
    match query {
        None => Secret::new(path.to_owned()),
        Some(query) => Secret::new([path, "?", query].concat()),
    }
}

fn headers(stamp: &Stamp<'_>, signature: &str) -> Result<Vec<(HeaderName, HeaderValue)>, Error> {
    let secret = |text: &str| {
        let mut value = HeaderValue::from_str(text)
            .map_err(|_| Error::new(Kind::Internal, "请求头无法生成", "a header cannot be made"))?;
        value.set_sensitive(true);
        Ok::<_, Error>(value)
    };
    let mut headers = vec![
        (HeaderName::from_static("accesstoken"), secret(stamp.token.expose())?),
        (HeaderName::from_static("timestamp"), HeaderValue::from(stamp.timestamp)),
        (HeaderName::from_static("signature"), secret(signature)?),
    ];
    headers.extend(stamp.payload.content_type.map(|text| (CONTENT_TYPE, HeaderValue::from_static(text))));
    Ok(headers)
}

fn policy(options: &Options, repeat: Repeat, started: Instant) -> Policy {
    // At most ten minutes: only a clock at the end of its range cannot hold it.
    let deadline = started.checked_add(options.timeout).unwrap_or(started);
    Policy { attempts: options.retry, repeat, deadline }
}

/// Hides what this request carries: its own secrets, its query, a gateway's headers, the password of a proxy.
fn redactor<'s>(http: &HttpRequest<'_>, options: &Options, secrets: impl IntoIterator<Item = &'s str>) -> Redactor {
    let mut redactor = Redactor::default();
    redactor.hide(secrets);
    redactor.hide(options.headers.iter().filter_map(|(_, value)| value.to_str().ok()));
    redactor.hide(sender::proxy_secrets(&options.proxy, http.address).iter().map(Secret::expose));
    if let Some((_, query)) = http.url.expose().split_once('?') {
        redactor.hide_query(query);
    }
    redactor
}

/// Milliseconds since 1970 by this machine's clock.
fn now() -> Result<u64, Error> {
    let since =
        SystemTime::now().duration_since(UNIX_EPOCH).ok().and_then(|since| u64::try_from(since.as_millis()).ok());
    since.ok_or_else(|| {
        Error::argument("timestamp", "本机时钟早于1970年", "this machine's clock stands before 1970; set it right")
    })
}

/// What may make a server refuse this signature.
fn notes(source: &str, encoding: Encoding, timestamp: u64, now: u64) -> Vec<String> {
    const WINDOW_MS: u64 = 10 * 60 * 1000;
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
            "the timestamp is {} seconds away from this machine's clock; the server refuses more than 600 (时间戳与本机时钟相差超过10分钟,服务器会拒绝)",
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
