//! The notes of `rpa_sign`: what of a request may make a server refuse it, and what in it nobody sees. Each in English and
//! in Chinese.

use std::time::Duration;

use rpa_signing::python::{Entry, Text, Value};
use rpa_signing::scheme::{Mode, Stamp};

use crate::basics::time::WINDOW_MS;
use crate::call::advice::{LONG_URL, SHORTEST_LIMIT};
use crate::request::{Options, unseen, windows_path};

/// What may make a server refuse this signature.
pub(crate) fn of_signature(stamp: &Stamp<'_>, source: &str, is_auto: bool, now: u64) -> Vec<String> {
    let mut notes = Vec::new();
    notes.extend(stamp.scheme.inferred().map(str::to_owned));
    let differing: Vec<&str> = ["/", "~"].into_iter().filter(|character| source.contains(character)).collect();
    if !differing.is_empty() {
        let (this, other) = (stamp.encoding.name(), stamp.encoding.other().name());
        let (then, then_zh) = match is_auto {
            true => (
                format!("rpa_call signs once more as {other}, and remembers what works"),
                format!("rpa_call会自动改用{other}再签一次,并记住可用的编码"),
            ),
            false => (format!("try \"encoding\":\"{other}\""), format!("请改用\"encoding\":\"{other}\"")),
        };
        let list = differing.join(" ");
        notes.push(format!(
            "the source holds {list}, which the encodings write differently; if the server refuses this signature ({this}), {then} \
             (源串含有{list},两种编码结果不同;若签名({this})被拒,{then_zh})"
        ));
    }
    let difference = stamp.timestamp.abs_diff(now);
    if difference > WINDOW_MS {
        notes.push(format!(
            "the timestamp is {} seconds away from the present time; the server refuses more than 600 (时间戳与当前时间相差超过10分钟,服务器会拒绝)",
            difference / 1000
        ));
    }
    notes
}

/// What a server or a gateway may refuse for its length.
pub(crate) fn of_url(mode: Mode, url: &str) -> Option<String> {
    let length = url.len();
    let (how, remedy) = match mode {
        _ if length <= LONG_URL => return None,
        Mode::Post if url.contains('?') => (
            "with \"query\":\"none\" the parameters stand in the body alone",
            "加上\"query\":\"none\",参数便只放在请求内容中",
        ),
        Mode::Get => ("a get has its parameters nowhere else", "get的参数只能放在网址中"),
        Mode::Post | Mode::Put | Mode::Delete => ("shorten the path", "请缩短路径"),
    };
    Some(format!(
        "the URL is {length} bytes long; many servers and gateways refuse more than 8,000, some more than 4,000: {how} (网址长{length}字节,服务器或网关可能拒绝;{remedy})"
    ))
}

/// Limits so short that they were probably meant in seconds. `lifetime` is that of a token.
pub(crate) fn of_limits(options: &Options, lifetime: Option<Duration>) -> Vec<String> {
    let limits = [
        ("timeout_ms", Some(options.timeout), SHORTEST_LIMIT),
        ("connect_timeout_ms", Some(options.connect_timeout), SHORTEST_LIMIT),
        ("token_ttl_ms", lifetime, Duration::from_secs(60)),
    ];
    let short =
        limits.into_iter().filter_map(|(name, limit, usual)| Some((name, limit.filter(|limit| *limit < usual)?)));
    let note = |(name, limit): (&str, Duration)| {
        let limit = limit.as_millis();
        format!("`{name}` is {limit} milliseconds; the unit is milliseconds ({name}为{limit}毫秒,单位是毫秒)")
    };
    short.map(note).collect()
}

/// What stands in parameters and was hardly meant. It is sent as it is: a parameter may hold anything.
pub(crate) fn of_parameters(parameters: &[Entry<'_>]) -> Vec<String> {
    /// One pasted page is not to fill the reply.
    const MOST: usize = 10;
    parameters.iter().flat_map(of_parameter).take(MOST).collect()
}

fn of_parameter(entry: &Entry<'_>) -> Vec<String> {
    let mut notes = Vec::new();
    let name: String = shown(&entry.key);
    if let Some(stray) = entry.key.as_str().and_then(unseen::in_key) {
        notes.push(format!(
            "the name of the parameter \"{name}\" {} (参数名\"{name}\"{})",
            stray.detail(),
            stray.cause()
        ));
    }
    let Value::Text(text) = &entry.value else { return notes };
    let Some(text) = text.as_str() else { return notes };
    if windows_path::was_misread(text) {
        notes.push(format!(
            "the parameter \"{name}\" seems to be a Windows path whose backslashes were read as escapes, such as \\t for a tab: in JSON write two of them \
             (参数\"{name}\"似乎是Windows路径,其中的反斜杠「\\」要写成两个「\\\\」)"
        ));
    } else if let Some(stray) = unseen::in_parameter(text) {
        notes.push(format!(
            "the parameter \"{name}\" {}, unless it is meant (参数\"{name}\"的值{},除非确有此意)",
            stray.detail(),
            stray.cause()
        ));
    }
    notes
}

/// The beginning of a name.
fn shown(name: &Text<'_>) -> String {
    name.code_points().take(40).map(|point| char::from_u32(point).unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rpa_signing::Secret;
    use rpa_signing::scheme::v2020_4::V2020_4;
    use rpa_signing::scheme::{Encoding, Parameters, Query, Scheme, Values};

    #[test]
    fn notes_name_the_option_that_helps() {
        let (nothing, pass) = (Parameters::new(Mode::Get, &[], Values::Python, Query::Params), Secret::new("t".into()));
        let payload = V2020_4.payload(&nothing).unwrap();
        let of_signature = |source: &str, encoding, is_auto, timestamp, now| {
            let stamp = Stamp { scheme: &V2020_4, payload: &payload, pass: &pass, encoding, timestamp };
            super::of_signature(&stamp, source, is_auto, now)
        };
        assert!(of_signature("a=1&token=t", Encoding::Python, false, 5, 5).is_empty());
        let slash = of_signature("a=/&token=t", Encoding::Python, false, 5, 5);
        assert!(slash.len() == 1 && slash[0].contains("\"encoding\":\"java\""), "{slash:?}");
        let slash = of_signature("a=/&token=t", Encoding::Python, true, 5, 5);
        assert!(slash.len() == 1 && slash[0].contains("once more as java"), "{slash:?}");
        let tilde = of_signature("a=~&token=t", Encoding::Java, false, 0, 600_001);
        assert!(
            tilde.len() == 2 && tilde[0].contains("\"encoding\":\"python\"") && tilde[1].contains("600"),
            "{tilde:?}"
        );
    }

    #[test]
    fn a_long_url_is_noted_with_what_helps() {
        let url = |length: usize| format!("http://a/?{}", "x".repeat(length - 10));
        assert_eq!(of_url(Mode::Post, &url(4000)), None);
        let post = of_url(Mode::Post, &url(4001)).unwrap();
        assert!(post.contains("\"query\":\"none\"") && post.contains("网址长4001字节"), "{post}");
        let get = of_url(Mode::Get, &url(4001)).unwrap();
        assert!(!get.contains("\"query\"") && get.contains("4001 bytes"), "{get}");
    }

    #[test]
    fn a_limit_that_was_meant_in_seconds_is_noted() {
        let options = Options::of_test(r#"{"timeout_ms":30}"#);
        let expected = "`timeout_ms` is 30 milliseconds; the unit is milliseconds (timeout_ms为30毫秒,单位是毫秒)";
        assert_eq!(of_limits(&options, None), [expected]);
        let of_token = of_limits(&Options::of_test("{}"), Some(Duration::from_millis(7200)));
        assert!(of_token.len() == 1 && of_token[0].contains("token_ttl_ms为7200毫秒"), "{of_token:?}");
        assert!(of_limits(&Options::of_test("{}"), Some(Duration::from_secs(7200))).is_empty());
    }

    #[test]
    fn what_nobody_sees_in_a_parameter_is_noted() {
        let notes = |json: &str| match rpa_signing::python::loads(json) {
            Ok(Value::Dict(entries)) => of_parameters(&entries),
            other => panic!("{other:?}"),
        };
        for (json, note) in [
            (
                r#"{"procCode":"P001\u200b"}"#,
                "(参数\"procCode\"的值末尾的第5个字符是看不见的零宽空格(U+200B),请删去,除非确有此意)",
            ),
            (r#"{"procCode ":"P001"}"#, "(参数名\"procCode \"末尾的第9个字符是空格(U+0020),请删去)"),
            (r#"{"file":"C:\temp\new.xlsx"}"#, "(参数\"file\"似乎是Windows路径,其中的反斜杠「\\」要写成两个「\\\\」)"),
        ] {
            let notes = notes(json);
            assert!(notes.len() == 1 && notes[0].ends_with(note), "{notes:?}");
        }
        assert!(notes(r#"{"a":"月结：“完成”\n","b":1,"c":["\u200b"],"路径":"C:\\temp"}"#).len() <= 1);
        assert_eq!(notes(r#"{"a":"月结：“完成”，１２ a\nb","b":1,"路径":"C:\\temp"}"#), Vec::<String>::new());
        let many: String = (0..50).map(|number| format!("\"a{number}\":\" \",")).collect();
        assert_eq!(notes(&format!("{{{}\"z\":1}}", many)).len(), 10);
    }
}
