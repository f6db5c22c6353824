//! A call that is written, but for the token and the time it is signed with.

use ::http::header::CONTENT_TYPE;
use ::http::{HeaderName, HeaderValue, Method};

use crate::call::exchange::{Answered, Empty, is_shown_in, note_target, target, transfer, url};
use crate::call::retry::Repeat;
use crate::error::{Error, Kind, Target};
use crate::http::{Download, HttpRequest, Transfer, Upload};
use crate::network::attempt::Call;
use crate::reply;
use crate::request::{CallRequest, Pass};
use rpa_signing::Secret;
use rpa_signing::scheme::{Body, Encoding, Mode, Parameters, Payload, Stamp};

pub(crate) struct UnstampedCall<'a> {
    /// Its parameters have gone into the payload.
    pub(crate) request: CallRequest<'a>,
    pub(crate) payload: Payload,
    /// With the query.
    pub(crate) url: Secret,
    /// What goes between files and the network.
    pub(crate) transfer: Transfer,
    /// What `rpa_sign` has to say of the request.
    pub(crate) notes: Vec<String>,
}

impl<'a> UnstampedCall<'a> {
    pub(crate) fn new(mut request: CallRequest<'a>) -> Result<UnstampedCall<'a>, Error> {
        let entries = std::mem::take(&mut request.parameters);
        let upload = (!request.files.is_empty()).then(|| Upload::open(&request.files)).transpose()?;
        // Beside files the parameters are a get's.
        let mode = if upload.is_some() { Mode::Get } else { request.mode };
        let mut parameters = Parameters::new(mode, &entries, request.values, request.query);
        parameters.action = &request.action;
        let payload = request.scheme.payload(&parameters).map_err(|surrogate| {
            let shown: String = surrogate.parameter.chars().take(40).collect();
            let detail = format!(
                "`data_json` holds half of a surrogate pair in the parameter \"{shown}\"; it has no UTF-8 and cannot be sent in a query (put and delete can send it, and a post with \"query\":\"none\")"
            );
            Error::argument("data_json", "字段data_json含有不成对的代理字符", detail)
        })?;
        let url = url(&request.address.url(&request.path), payload.query.as_deref());
        let save_to = request.save_to.take();
        let download = save_to.map(|to| Download::new(to, reply::is_json)).transpose()?;
        Ok(UnstampedCall { request, payload, url, transfer: Transfer { upload, download }, notes: Vec::new() })
    }

    pub(crate) fn stamp<'s>(&'s self, pass: &'s Secret, encoding: Encoding, timestamp: u64) -> Stamp<'s> {
        Stamp { scheme: self.request.scheme, payload: &self.payload, pass, encoding, timestamp }
    }

    /// What would be called, for whoever is told of a call that is not sent.
    pub(crate) fn target(&self) -> Target {
        let (options, secrets) = (&self.request.options, self.given());
        target(&self.request.address, self.url.expose(), |path| is_shown_in(path, options, &secrets))
    }

    /// What lets the call in, as the caller gave it.
    fn given(&self) -> Vec<&str> {
        match &self.request.pass {
            Pass::Given(pass) => vec![pass.expose()],
            Pass::Keys(keys) => vec![keys.access.expose(), keys.secret.expose()],
        }
    }

    /// Signs the call for this time, and sends it once.
    pub(crate) fn send(
        &self,
        pass: &Secret,
        encoding: Encoding,
        timestamp: u64,
        call: &Call,
    ) -> Result<Answered, Error> {
        let stamp = self.stamp(pass, encoding, timestamp);
        call.progress.seen().encoding = Some(encoding.name());
        let signature = stamp.signature();
        let (body, content_type) = stamp.body(&signature);
        let http = HttpRequest {
            method: self.method(),
            address: &self.request.address,
            url: &self.url,
            headers: self.headers(&stamp, &signature, content_type)?,
            // A post without a body says so: some servers refuse one that says nothing of its length.
            body: body.as_ref().map(Body::text).or((self.request.mode == Mode::Post).then_some("")),
            may_repeat: self.repeat() != Repeat::Undelivered,
        };
        // No path was written with this signature in mind.
        let secrets: Vec<&str> = self.given().into_iter().chain([pass.expose()]).collect();
        note_target(&http, &self.request.options, &secrets, &call.progress);
        let empty = if self.request.empty_ok { Empty::IsSuccess } else { Empty::MayBeSuccess };
        transfer(&http, &self.transfer, &self.request.options, [pass.expose(), &*signature], call, empty)
    }

    /// The headers of an attempt.
    pub(crate) fn headers(
        &self,
        stamp: &Stamp<'_>,
        signature: &str,
        content_type: Option<&'static str>,
    ) -> Result<Vec<(HeaderName, HeaderValue)>, Error> {
        let mut headers = headers(stamp, signature, content_type)?;
        let form = self.transfer.upload.as_ref().and_then(|upload| upload.content_type().try_into().ok());
        headers.extend(form.map(|form| (CONTENT_TYPE, form)));
        Ok(headers)
    }

    pub(crate) fn method(&self) -> Method {
        match self.request.mode {
            Mode::Get => Method::GET,
            Mode::Post => Method::POST,
            Mode::Put => Method::PUT,
            Mode::Delete => Method::DELETE,
        }
    }

    /// What may be sent again.
    pub(crate) fn repeat(&self) -> Repeat {
        match (self.request.retry_always, self.request.mode) {
            _ if self.request.never_twice => Repeat::Undelivered,
            (true, _) => Repeat::Anything,
            (false, Mode::Post) => Repeat::Undelivered,
            (false, _) => Repeat::Idempotent,
        }
    }
}

/// The headers that carry the pass, the time and the signature, and say what the body is.
fn headers(
    stamp: &Stamp<'_>,
    signature: &str,
    content_type: Option<&'static str>,
) -> Result<Vec<(HeaderName, HeaderValue)>, Error> {
    let secret = |text: &str| {
        let mut value = HeaderValue::from_str(text)
            .map_err(|_| Error::new(Kind::Internal, "请求头无法生成", "a header cannot be made"))?;
        value.set_sensitive(true);
        Ok::<_, Error>(value)
    };
    let mut headers = Vec::with_capacity(4);
    if let Some(name) = stamp.scheme.pass_header() {
        headers.push((HeaderName::from_static(name), secret(stamp.pass.expose())?));
        headers.push((HeaderName::from_static("timestamp"), HeaderValue::from(stamp.time())));
        headers.push((HeaderName::from_static("signature"), secret(signature)?));
    }
    headers.extend(content_type.map(|text| (CONTENT_TYPE, HeaderValue::from_static(text))));
    Ok(headers)
}
