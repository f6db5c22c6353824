//! The fields of a token that the library looks after by itself: the keys, where the token is kept, how long it lives
//! and how it is refused.

use std::path::PathBuf;
use std::time::Duration;

use super::address::without_brackets;
use super::endpoint::Endpoint;
use super::fields::Fields;
use super::options::Options;
use super::unseen;
use crate::error::Error;
use rpa_signing::Secret;

/// Keys in place of a token.
pub(crate) struct Keys {
    pub(crate) access: Secret,
    pub(crate) secret: Secret,
    pub(crate) place: Place,
    /// The lifetime of a token where the server does not tell it.
    pub(crate) lifetime: Option<Duration>,
    pub(crate) refusal: RefusalRule,
    /// Whether timestamps may be corrected where this machine's clock is wrong.
    pub(crate) correct_clock: bool,
}

/// The field `token_store`: who shares the token.
#[derive(Clone, PartialEq)]
pub(crate) enum Place {
    /// This process.
    Memory,
    /// All processes of this machine.
    File(PathBuf),
    /// All machines.
    Redis(RedisServer),
}

/// The address of a Redis server, taken apart.
#[derive(Clone, PartialEq)]
pub(crate) struct RedisServer {
    pub(crate) tls: bool,
    /// Without brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) database: i64,
    pub(crate) user: Option<Secret>,
    pub(crate) password: Option<Secret>,
    /// Who vouches for its certificate, beside the system's store.
    pub(crate) ca_file: Option<PathBuf>,
}

/// The fields `token_refused` and `signature_refused`: how this server says that it refuses one.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct RefusalRule {
    pub(crate) http_status: Vec<u16>,
    pub(crate) code: Vec<i64>,
    /// In lower case.
    pub(crate) msg: Vec<String>,
    /// Those of Latin letters do not count in words that hold them by chance: "assigned" refuses no signature.
    pub(crate) by_words: bool,
}

impl Default for RefusalRule {
    fn default() -> Self {
        let msg = vec!["token".to_owned(), "令牌".to_owned()];
        RefusalRule { http_status: vec![401], code: vec![401], msg, by_words: false }
    }
}

pub(super) const NAMES: [&str; 6] =
    ["accesskey", "secretkey", "token_store", "token_ttl_ms", "token_refused", "correct_clock"];

const LONGEST_TTL_MS: u64 = 10 * 366 * 86_400_000;

impl RefusalRule {
    /// How servers are known to refuse a signature.
    pub(super) fn of_signatures() -> RefusalRule {
        let msg = ["sign", "签名", "验签"].map(str::to_owned).to_vec();
        RefusalRule { http_status: Vec::new(), code: Vec::new(), msg, by_words: true }
    }
}

impl Keys {
    /// The keys, if any of their fields is given; then no token may be.
    pub(super) fn read(fields: &Fields<'_>, options: &Options) -> Result<Option<Keys>, Error> {
        let Some(given) = NAMES.into_iter().find(|name| fields.has(name)) else { return Ok(None) };
        if fields.has("accesstoken") {
            return Err(fields.refuse(
                given,
                "与accesstoken只能给一种",
                "does not go with `accesstoken`: give the token, or `accesskey` and `secretkey`",
            ));
        }
        Ok(Some(Keys {
            access: fields.required_secret("accesskey")?,
            secret: fields.required_secret("secretkey")?,
            place: place(fields, options)?,
            lifetime: fields.number("token_ttl_ms", 1..=LONGEST_TTL_MS)?.map(Duration::from_millis),
            refusal: refusal(fields, "token_refused", "token_refused.", RefusalRule::default())?,
            correct_clock: fields.flag("correct_clock")?.unwrap_or(true),
        }))
    }
}

fn place(fields: &Fields<'_>, options: &Options) -> Result<Place, Error> {
    const WANTED: &str = "must be \"memory\", {\"file\":\"path\"} or {\"redis\":\"redis://host:port/db\"}";
    const WANTED_ZH: &str = "只能为\"memory\"、{\"file\":\"路径\"}或{\"redis\":\"redis://主机:端口/库\"}";
    let Some(raw) = fields.raw("token_store") else { return Ok(Place::Memory) };
    if raw.get().starts_with('"') {
        let word = fields.text("token_store")?.expect("it is there");
        if word == "memory" {
            return Ok(Place::Memory);
        }
        fields.without_stray("token_store", &word, unseen::in_word)?;
        return Err(fields.refuse("token_store", WANTED_ZH, WANTED));
    }
    let Some(store) = fields.object("token_store", "token_store.").ok().flatten() else {
        return Err(fields.refuse("token_store", WANTED_ZH, WANTED));
    };
    store.only(&[&["file", "redis"]])?;
    match (store.has("file"), store.has("redis")) {
        (true, false) => {
            let path: String = store.text("file")?.expect("it is there");
            store.check_file("file", &path)?;
            Ok(Place::File(PathBuf::from(path)))
        }
        (false, true) => {
            let url = store.text("redis")?.map(Secret::new).expect("it is there");
            store.without_stray("redis", url.expose().trim(), unseen::in_key)?;
            let wrong = || {
                store.refuse(
                    "redis",
                    "不是有效的Redis地址",
                    "is not a Redis server's address: write `redis://[user:password@]host:port/db`, or `rediss://...` for TLS",
                )
            };
            let server = RedisServer::parse(url.expose(), options).ok_or_else(wrong)?;
            if cfg!(not(feature = "redis")) {
                let cause = "不可用:此动态库编译时没有加入Redis";
                return Err(store.refuse(
                    "redis",
                    cause,
                    "is of no use: this library was built without its feature `redis`",
                ));
            }
            Ok(Place::Redis(server))
        }
        _ => Err(fields.refuse("token_store", WANTED_ZH, WANTED)),
    }
}

impl RedisServer {
    fn parse(url: &str, options: &Options) -> Option<RedisServer> {
        let (scheme, rest) = url.trim().split_once("://")?;
        let tls = match scheme.to_ascii_lowercase().as_str() {
            "redis" => false,
            "rediss" => true,
            _ => return None,
        };
        let Endpoint { host, port, credentials, path } = Endpoint::parse(rest)?;
        let all_digits = path.bytes().all(|byte| byte.is_ascii_digit());
        let database = if path.is_empty() { 0 } else { path.parse().ok().filter(|_| all_digits)? };
        let given = |text: Secret| (!text.expose().is_empty()).then_some(text);
        let (user, password) = credentials.map_or((None, None), |(user, password)| (given(user), given(password)));
        let host = without_brackets(&host).to_owned();
        Some(RedisServer {
            tls,
            host,
            port: port.unwrap_or(6379),
            database,
            user,
            password,
            ca_file: options.ca_file.clone(),
        })
    }
}

/// How this server refuses something: the field `name`; `inner` is the beginning of its fields' names in errors.
pub(super) fn refusal(
    fields: &Fields<'_>,
    name: &str,
    inner: &'static str,
    usual: RefusalRule,
) -> Result<RefusalRule, Error> {
    let Some(rule) = fields.object(name, inner)? else { return Ok(usual) };
    rule.only(&[&["http_status", "code", "msg"]])?;
    let (wanted, wanted_zh) = ("an array of HTTP statuses", "HTTP状态码的数组");
    let statuses = match rule.numbers("http_status", wanted, wanted_zh)? {
        None => None,
        Some(numbers) => {
            let statuses: Option<Vec<u16>> = numbers.iter().map(|&number| u16::try_from(number).ok()).collect();
            Some(statuses.ok_or_else(|| {
                rule.refuse("http_status", "必须是HTTP状态码的数组", "must be an array of HTTP statuses")
            })?)
        }
    };
    let codes = rule.numbers("code", "an array of whole numbers", "整数的数组")?;
    let texts: Option<Vec<String>> = rule.typed("msg", "an array of texts", "文本的数组")?;
    if texts.iter().flatten().any(String::is_empty) {
        return Err(rule.refuse("msg", "不能含有空文本", "must not hold an empty text: every message has that in it"));
    }
    let lower_case = |texts: Vec<String>| texts.iter().map(|text| text.to_lowercase()).collect();
    Ok(RefusalRule {
        http_status: statuses.unwrap_or(usual.http_status),
        code: codes.unwrap_or(usual.code),
        by_words: usual.by_words && texts.is_none(),
        msg: texts.map_or(usual.msg, lower_case),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Option<Keys>, Error> {
        let fields = Fields::of_request(json).unwrap();
        let options = Options::read(&fields).unwrap();
        Keys::read(&fields, &options)
    }

    fn with_keys(more: &str) -> Result<Keys, Error> {
        read(&format!(r#"{{"accesskey":"a","secretkey":"s"{more}}}"#)).map(Option::unwrap)
    }

    #[test]
    fn defaults_are_those_of_the_pages() {
        assert!(read("{}").unwrap().is_none());
        let keys = with_keys("").unwrap();
        assert!(keys.place == Place::Memory && keys.lifetime.is_none() && keys.correct_clock);
        assert!(!with_keys(r#","correct_clock":false"#).unwrap().correct_clock);
        assert_eq!(
            keys.refusal,
            RefusalRule {
                http_status: vec![401],
                code: vec![401],
                msg: vec!["token".into(), "令牌".into()],
                by_words: false
            }
        );
        let keys = with_keys(r#","token_refused":{"code":[7],"msg":["TOKEN Expired"]}"#).unwrap();
        assert_eq!(
            keys.refusal,
            RefusalRule { code: vec![7], msg: vec!["token expired".into()], ..RefusalRule::default() }
        );
    }

    #[test]
    fn what_a_caller_gives_counts_as_a_piece() {
        let by_words = |json: &str| {
            let fields = Fields::of_request(json).unwrap();
            refusal(&fields, "signature_refused", "signature_refused.", RefusalRule::of_signatures()).unwrap().by_words
        };
        assert!(by_words("{}") && by_words(r#"{"signature_refused":{"code":[7]}}"#));
        assert!(!by_words(r#"{"signature_refused":{"msg":["sign"]}}"#));
    }

    #[test]
    fn stores() {
        let place = |store: &str| with_keys(&format!(",\"token_store\":{store}")).map(|keys| keys.place);
        assert!(place(r#""memory""#).unwrap() == Place::Memory);
        assert!(place(r#"{"file":"D:\\令牌"}"#).unwrap() == Place::File(PathBuf::from("D:\\令牌")));
        for (url, expected) in [
            ("redis://10.0.0.1", (false, "10.0.0.1", 6379, 0, None, None)),
            ("rediss://u:p%40@[::1]:1/7", (true, "::1", 1, 7, Some("u"), Some("p@"))),
            ("redis://:p/w@host/", (false, "host", 6379, 0, None, Some("p/w"))),
        ] {
            let Ok(Place::Redis(server)) = place(&format!("{{\"redis\":\"{url}\"}}")) else { panic!("{url}") };
            let (user, password) =
                (server.user.as_ref().map(Secret::expose), server.password.as_ref().map(Secret::expose));
            assert_eq!((server.tls, &*server.host, server.port, server.database, user, password), expected, "{url}");
        }
        for (store, field) in [
            ("null", "token_store"),
            ("\"disk\"", "token_store"),
            ("{}", "token_store"),
            (r#"{"file":"a","redis":"redis://b"}"#, "token_store"),
            (r#"{"file":""}"#, "token_store.file"),
            (r#"{"file":"a\u0000"}"#, "token_store.file"),
            (r#"{"file":"~/token"}"#, "token_store.file"),
            (r#"{"file":"%LOCALAPPDATA%\\token"}"#, "token_store.file"),
            (r#"{"files":"a"}"#, "token_store.files"),
            (r#"{"redis":"http://a"}"#, "token_store.redis"),
            (r#"{"redis":"redis://a/x"}"#, "token_store.redis"),
            (r#"{"redis":"redis://a?b"}"#, "token_store.redis"),
        ] {
            assert_eq!(place(store).err().and_then(|error| error.field).as_deref(), Some(field), "{store}");
        }
    }

    #[test]
    fn what_is_refused() {
        for (json, field) in [
            (r#"{"accesskey":"a"}"#, "secretkey"),
            (r#"{"secretkey":"s"}"#, "accesskey"),
            (r#"{"accesskey":"a","secretkey":"s","accesstoken":"t"}"#, "accesskey"),
            (r#"{"token_store":"memory","accesstoken":"t"}"#, "token_store"),
            (r#"{"correct_clock":false,"accesstoken":"t"}"#, "correct_clock"),
            (r#"{"accesskey":"a","secretkey":"s","correct_clock":"no"}"#, "correct_clock"),
            (r#"{"accesskey":"a","secretkey":"s","token_ttl_ms":0}"#, "token_ttl_ms"),
            (r#"{"accesskey":"a","secretkey":"s","token_refused":{"msg":[""]}}"#, "token_refused.msg"),
            (r#"{"accesskey":"a","secretkey":"s","token_refused":{"code":401}}"#, "token_refused.code"),
        ] {
            assert_eq!(read(json).err().and_then(|error| error.field).as_deref(), Some(field), "{json}");
        }
    }
}
