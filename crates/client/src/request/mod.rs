//! From the request text to a checked request. After this nothing of the caller's input is in doubt.

mod address;
mod chinese_name;
mod condition;
mod endpoint;
mod fields;
mod files;
mod generation;
mod keys;
mod near_miss;
mod options;
mod pages;
mod path;
mod pin;
mod proxy;
mod readable;
mod references;
mod syntax;
mod telling;
mod trust;
pub(crate) mod unseen;
mod waiting;
pub(crate) mod windows_path;

use std::cell::Cell;

use crate::error::{Error, Function, Kind};
use rpa_signing::Secret;
use rpa_signing::python::{Entry, Value, loads};
use rpa_signing::scheme::{self, Encoding, Mode, Query, Scheme, Values};

pub(crate) use address::{Address, without_brackets};
use fields::Fields;
pub(crate) use files::{FileToSend, SaveTo};
pub(crate) use generation::is_foreign;
#[cfg(feature = "redis")]
pub(crate) use keys::RedisServer;
pub(crate) use keys::{Keys, Place, RefusalRule};
pub(crate) use options::{Options, Proxy};
pub(crate) use pages::Pages;
pub(crate) use pin::Pin;
pub(crate) use proxy::ProxyServer;
pub(crate) use readable::{Field, Readable};
pub(crate) use references::Unfilled;
pub(crate) use telling::{KEEP_DAYS, Level, Log, LogSettings, Telling};
pub(crate) use trust::Trust;
pub(crate) use waiting::{Begun, Waiting};

/// The text of a request, which is read once.
pub(crate) struct RequestText<'a> {
    text: &'a str,
    /// Its fields, where they were read already.
    read: Cell<Option<Fields<'a>>>,
}

impl<'a> RequestText<'a> {
    pub(crate) fn new(text: &'a str) -> RequestText<'a> {
        RequestText { text, read: Cell::new(None) }
    }

    fn fields(&self) -> Result<Fields<'a>, Error> {
        self.read.take().map_or_else(|| Fields::of_request(self.text), Ok)
    }
}

/// A request for tokens, by the keys or by a refresh token.
#[derive(Debug)]
pub(crate) struct TokenRequest {
    pub(crate) address: Address,
    pub(crate) options: Options,
    pub(crate) credentials: Credentials,
}

#[derive(Debug)]
pub(crate) enum Credentials {
    Keys { access: Secret, secret: Secret },
    Refresh(Secret),
}

/// A request for one API call.
pub(crate) struct CallRequest<'a> {
    /// The control center's generation.
    pub(crate) scheme: &'static dyn Scheme,
    pub(crate) address: Address,
    pub(crate) options: Options,
    pub(crate) path: String,
    /// Of generation 9, in the place of a path of its own.
    pub(crate) action: String,
    pub(crate) mode: Mode,
    pub(crate) parameters: Vec<Entry<'a>>,
    pub(crate) pass: Pass,
    pub(crate) values: Values,
    /// None: whichever the control center takes.
    pub(crate) encoding: Option<Encoding>,
    pub(crate) signature_refused: RefusalRule,
    pub(crate) query: Query,
    /// Whether an empty reply is a success.
    pub(crate) empty_ok: bool,
    /// Whether anything that failed is sent again, a post included.
    pub(crate) retry_always: bool,
    /// Whatever its mode, it starts something, and is sent again only where it cannot have arrived.
    pub(crate) never_twice: bool,
    /// Sent in place of a body.
    pub(crate) files: Vec<FileToSend>,
    /// Where the reply goes if it is no JSON.
    pub(crate) save_to: Option<SaveTo>,
    /// `rpa_sign` may fix the time.
    pub(crate) timestamp: Option<u64>,
}

/// An API, and how it is called.
pub(crate) struct Api {
    pub(crate) path: String,
    /// Of generation 9, in the place of a path of its own.
    pub(crate) action: String,
    pub(crate) mode: Mode,
}

impl Api {
    /// `by_path` has the field `rest_type`, or `by_action` the field `action`.
    fn read(
        by_path: &Fields<'_>,
        by_action: &Fields<'_>,
        scheme: &'static dyn Scheme,
        mode: Mode,
    ) -> Result<Api, Error> {
        let (path, action) = match scheme.path() {
            None => (path(by_path)?, String::new()),
            Some(path) => (path.to_owned(), action(by_action)?),
        };
        Ok(Api { path, action, mode })
    }
}

/// What lets a call in.
pub(crate) enum Pass {
    /// An access token, which the caller looks after; or what other generations have in its place.
    Given(Secret),
    /// Keys, for which the library gets a token and looks after it.
    Keys(Box<Keys>),
}

/// A request text with its fields told apart. `data_json` given as text must outlive the parameters read from it.
pub(crate) struct CallText<'a> {
    fields: Fields<'a>,
    data: Data<'a>,
}

/// The fields of `rpa_call` and `rpa_sign` alone.
const CALL_NAMES: [&str; 20] = [
    "host",
    "rest_type",
    "mode",
    "data_json",
    "accesstoken",
    "values",
    "encoding",
    "retry_mode",
    "query",
    "empty_ok",
    "generation",
    "appkey",
    "action",
    "token",
    "signature_refused",
    "wait",
    "pages",
    "resume",
    "files",
    "save_to",
];

const RETRY_MODES: &[(&str, bool)] = &[("safe", false), ("always", true)];

/// Fields that do not go with `resume`: the call was made.
const OF_THE_START: [&str; 6] = ["rest_type", "action", "mode", "data_json", "pages", "files"];

enum Data<'a> {
    Object(&'a str),
    Text(String),
}

impl TokenRequest {
    /// Reads the request of `rpa_get_token`.
    pub(crate) fn get(text: &RequestText<'_>) -> Result<TokenRequest, Error> {
        TokenRequest::read(text, &["accesskey", "secretkey"], |fields| {
            let access = fields.required_secret("accesskey")?;
            let secret = fields.required_secret("secretkey")?;
            Ok(Credentials::Keys { access, secret })
        })
    }

    /// Reads the request of `rpa_refresh_token`. The vendor spells the field `refleshtoken`.
    pub(crate) fn refresh(text: &RequestText<'_>) -> Result<TokenRequest, Error> {
        TokenRequest::read(text, &["refreshtoken", "refleshtoken"], |fields| {
            let name = match (fields.has("refreshtoken"), fields.has("refleshtoken")) {
                (true, true) => {
                    return Err(fields.refuse(
                        "refleshtoken",
                        "与refreshtoken只能给一个",
                        "is another spelling of `refreshtoken`: give one of the two",
                    ));
                }
                (false, true) => "refleshtoken",
                (_, false) => "refreshtoken",
            };
            let token = fields.required_secret(name)?;
            Ok(Credentials::Refresh(token))
        })
    }

    fn read(
        text: &RequestText<'_>,
        names: &[&str],
        credentials: impl FnOnce(&Fields<'_>) -> Result<Credentials, Error>,
    ) -> Result<TokenRequest, Error> {
        let fields = text.fields()?;
        fields.only(&[&["host", "generation"], names, &options::NAMES])?;
        generation::with_tokens(&fields)?;
        Ok(TokenRequest {
            address: Address::read(&fields, None)?,
            credentials: credentials(&fields)?,
            options: Options::read(&fields)?,
        })
    }
}

impl<'a> CallText<'a> {
    /// Reads the outline of a request of `rpa_call` or `rpa_sign`.
    pub(crate) fn read(text: &RequestText<'a>, function: Function) -> Result<CallText<'a>, Error> {
        let fields = text.fields()?;
        match function {
            Function::Sign => fields.only(&[&CALL_NAMES, &keys::NAMES, &options::NAMES, &["timestamp"]])?,
            _ => {
                fields.not_for("timestamp", function, "rpa_sign")?;
                fields.only(&[&CALL_NAMES, &keys::NAMES, &options::NAMES])?;
            }
        }
        let data = data(&fields)?;
        Ok(CallText { fields, data })
    }

    /// Checks every field.
    pub(crate) fn check(&self) -> Result<CallRequest<'_>, Error> {
        let fields = &self.fields;
        let scheme = generation::read(fields)?;
        generation::refuse_foreign(fields, scheme)?;
        Address::read(fields, scheme.port())?;
        let mode = mode(fields, scheme)?;
        let api = Api::read(fields, fields, scheme, mode)?;
        let query = query(fields, mode)?;
        let request = self.request(&api, parameters(&self.data, fields)?, query)?;
        let (files, save_to) = (files::files(fields)?, files::save_to(fields)?);
        if !files.is_empty() {
            self.check_upload(&request)?;
        }
        Ok(CallRequest { files, save_to, ..request })
    }

    /// Whether files can go with a request.
    fn check_upload(&self, request: &CallRequest<'_>) -> Result<(), Error> {
        let fields = &self.fields;
        if request.mode != Mode::Post {
            return Err(fields.refuse(
                "files",
                "只用于mode为post的调用",
                "are sent by a post alone: give \"mode\":\"post\"",
            ));
        }
        if request.scheme.pass() != scheme::Pass::Token {
            let (cause, detail) =
                ("在这一代控制中心不可用", "are not known to this `generation` of the control center");
            return Err(fields.refuse("files", cause, detail));
        }
        if request.query == Query::None {
            return Err(fields.refuse(
                "query",
                "与files一起不能为none:参数只能放在网址中",
                "must not be \"none\" with `files`: the parameters have no other place than the URL; leave it out",
            ));
        }
        Ok(())
    }

    /// The same request to another API, or with other parameters.
    pub(crate) fn check_for<'d>(&self, api: &Api, data: &'d str) -> Result<CallRequest<'d>, Error> {
        let Ok(Value::Dict(parameters)) = loads(data) else {
            return Err(self.fields.refuse("data_json", "必须是JSON对象或其文本", "is no object"));
        };
        let query = if api.mode == Mode::Get { Query::Params } else { query(&self.fields, api.mode)? };
        self.request(api, parameters, query)
    }

    /// What is asked for again and again, if anything is.
    pub(crate) fn waiting(&self) -> Result<Option<Waiting>, Error> {
        let fields = &self.fields;
        let (wait, resume) = (fields.object("wait", "wait.")?, waiting::resume_text(fields)?);
        if wait.is_none() && resume.is_none() {
            return Ok(None);
        }
        let given = OF_THE_START.iter().find(|name| resume.is_some() && fields.has(name));
        if let Some(given) = given.or(["pages", "save_to"].iter().find(|name| fields.has(name))) {
            let beside = if resume.is_some() { "resume" } else { "wait" };
            let (cause, detail) = (format!("不能与{beside}一起给"), format!("does not go with `{beside}`"));
            return Err(fields.refuse(given, &cause, &detail));
        }
        if fields.choice("retry_mode", RETRY_MODES)? == Some(true) {
            return Err(fields.refuse(
                "retry_mode",
                "与wait或resume一起不能为always:任务可能启动两次",
                "must not be \"always\" with `wait` or `resume`: the work might be started twice",
            ));
        }
        Waiting::read(fields, wait.as_ref(), resume.as_deref()).map(Some)
    }

    /// The same waiting, by the resume text of a file.
    pub(crate) fn waiting_by(&self, resume: &str) -> Result<Waiting, Error> {
        Waiting::read(&self.fields, None, Some(resume))
    }

    /// How a list is gathered page by page, if it is.
    pub(crate) fn pages(&self) -> Result<Option<(Api, Pages)>, Error> {
        let fields = &self.fields;
        let Some(pages) = fields.object("pages", "pages.")? else { return Ok(None) };
        if let Some(given) = ["files", "save_to"].iter().find(|name| fields.has(name)) {
            return Err(fields.refuse(given, "不能与pages一起给", "does not go with `pages`"));
        }
        let pages = Pages::read(fields, &pages, &self.data)?;
        let scheme = generation::read(fields)?;
        let mode = mode(fields, scheme)?;
        Ok(Some((Api::read(fields, fields, scheme, mode)?, pages)))
    }

    fn request<'d>(&self, api: &Api, parameters: Vec<Entry<'d>>, query: Query) -> Result<CallRequest<'d>, Error> {
        let fields = &self.fields;
        let scheme = generation::read(fields)?;
        generation::refuse_foreign(fields, scheme)?;
        let address = Address::read(fields, scheme.port())?;
        let options = Options::read(fields)?;
        let pass = match scheme.pass() {
            scheme::Pass::Token => match Keys::read(fields, &options)? {
                Some(keys) => Pass::Keys(Box::new(keys)),
                None => Pass::Given(token(fields, "accesstoken")?),
            },
            scheme::Pass::AppKey => Pass::Given(app_key(fields, &options)?),
            scheme::Pass::Nothing if !fields.has("token") => Pass::Given(Secret::new(String::new())),
            scheme::Pass::Nothing => Pass::Given(token(fields, "token")?),
        };
        let values = [("python", Values::Python), ("json", Values::Json), ("native", Values::Native)];
        let encodings = [("auto", None), ("python", Some(Encoding::Python)), ("java", Some(Encoding::Java))];
        let (usual_encoding, usual_values) = scheme.usual();
        // Where the vendor has published a generation's encoding, that is it.
        let usual_encoding = if scheme.pass() == scheme::Pass::Token { None } else { Some(usual_encoding) };
        let latest = 253_402_300_799_999; // the end of the year 9999
        Ok(CallRequest {
            scheme,
            address,
            path: api.path.clone(),
            action: api.action.clone(),
            mode: api.mode,
            parameters,
            pass,
            values: fields.choice("values", &values)?.unwrap_or(usual_values),
            encoding: fields.choice("encoding", &encodings)?.unwrap_or(usual_encoding),
            signature_refused: keys::refusal(
                fields,
                "signature_refused",
                "signature_refused.",
                RefusalRule::of_signatures(),
            )?,
            query,
            empty_ok: fields.flag("empty_ok")?.unwrap_or(false),
            retry_always: fields.choice("retry_mode", RETRY_MODES)?.unwrap_or(false),
            never_twice: false,
            files: Vec::new(),
            save_to: None,
            timestamp: fields.number("timestamp", 0..=latest)?,
            options,
        })
    }
}

/// `data_json`, which may be text that holds an object.
fn data<'a>(fields: &Fields<'a>) -> Result<Data<'a>, Error> {
    Ok(match fields.raw("data_json").map(|raw| (raw, raw.get())) {
        None | Some((_, "null")) => Data::Object("{}"),
        Some((_, object)) if object.starts_with('{') => Data::Object(object),
        Some((raw, text)) => Data::Text(serde_json::from_str(text).map_err(|_| {
            fields.wrong_type("data_json", "an object, or text that holds one", "JSON对象或其文本", raw)
        })?),
    })
}

fn mode(fields: &Fields<'_>, scheme: &'static dyn Scheme) -> Result<Mode, Error> {
    let only_post = scheme.path().is_some();
    if only_post && !fields.has("mode") {
        return Ok(Mode::Post);
    }
    let mode = fields.text("mode")?.ok_or_else(|| fields.missing("mode"))?;
    let wrong = |cause: &str, detail: &str| Error { kind: Kind::Mode, ..fields.refuse("mode", cause, detail) };
    if let Some(stray) = unseen::in_word(&mode) {
        return Err(wrong(&stray.cause(), &stray.detail()));
    }
    match mode.to_ascii_lowercase().as_str() {
        "post" => Ok(Mode::Post),
        _ if only_post => Err(Error {
            cause: "generation 9只有post,请改为post或删去mode".to_owned(),
            ..wrong("", "must be post in generation 9, which has no other; or leave it out")
        }),
        "get" => Ok(Mode::Get),
        "put" => Ok(Mode::Put),
        "delete" => Ok(Mode::Delete),
        _ => Err(Error { cause: "请检查字段mode".to_owned(), ..wrong("", "must be get, post, put or delete") }),
    }
}

fn query(fields: &Fields<'_>, mode: Mode) -> Result<Query, Error> {
    let query = fields.choice("query", &[("params", Query::Params), ("none", Query::None)])?.unwrap_or(Query::Params);
    if (mode, query) == (Mode::Get, Query::None) {
        return Err(fields.refuse(
            "query",
            "在mode为get时不能为none:get的参数只能放在网址中",
            "must not be \"none\" for a get, whose parameters have no other place than the URL; leave it out",
        ));
    }
    Ok(query)
}

fn path(fields: &Fields<'_>) -> Result<String, Error> {
    let path = fields.required_text("rest_type", unseen::in_key)?;
    if !path.starts_with('/') {
        return Err(fields.refuse("rest_type", "必须以/开头", "must begin with `/`"));
    }
    if path.contains(['?', '#']) {
        return Err(fields.refuse(
            "rest_type",
            "不能含有?或#",
            "must not hold `?` or `#`: parameters belong in `data_json`",
        ));
    }
    Ok(path)
}

/// What is to be done, in generation 9.
fn action(fields: &Fields<'_>) -> Result<String, Error> {
    fields.required_text("action", unseen::in_word)
}

fn app_key(fields: &Fields<'_>, options: &Options) -> Result<Secret, Error> {
    if options.headers.iter().any(|(name, _)| name == "appkey") {
        return Err(fields.refuse("headers.appkey", "由本库设置", "is set by this library; take it out"));
    }
    token(fields, "appkey")
}

fn token(fields: &Fields<'_>, name: &str) -> Result<Secret, Error> {
    if name == "accesstoken" && !fields.has(name) {
        let detail = "the field `accesstoken` is missing; give it, or `accesskey` and `secretkey`";
        return Err(Error::argument("accesstoken", "缺少字段accesstoken", detail));
    }
    let token = fields.required_secret(name)?;
    fields.without_stray(name, token.expose(), unseen::in_word)?;
    if token.expose().len() > options::LONGEST_HEADER {
        return Err(fields.refuse(name, "过长", "must not be longer than 8192 characters"));
    }
    match token.expose().bytes().all(|byte| byte.is_ascii_graphic()) {
        true => Ok(token),
        false => Err(fields.refuse(name, "必须是可见ASCII字符", "must be visible ASCII text, without spaces")),
    }
}

fn parameters<'d>(data: &'d Data<'_>, fields: &Fields<'_>) -> Result<Vec<Entry<'d>>, Error> {
    let text = match data {
        Data::Object(text) => text,
        Data::Text(text) => text.as_str(),
    };
    match loads(text) {
        Ok(Value::Dict(entries)) => Ok(entries),
        Ok(_) => Err(fields.refuse("data_json", "必须是JSON对象或其文本", "is JSON, but not an object")),
        Err(_) if text.trim().is_empty() => Err(fields.refuse(
            "data_json",
            "是空文本;没有参数时请写{}",
            "is an empty text; without parameters write {}",
        )),
        Err(error) => {
            let fault = syntax::of_parameters(text, &error);
            let (cause, detail) =
                (format!("不是有效的JSON:{}", fault.cause), format!("is not well-formed JSON: {}", fault.detail));
            Err(fields.refuse("data_json", &cause, &detail))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_syntax_error_can_name_every_field() {
        for name in CALL_NAMES.iter().chain(&options::NAMES).chain(&keys::NAMES) {
            assert!(syntax::NAMES.contains(name), "{name}");
        }
    }
}
