//! Why a text is not JSON, in words for who wrote it: a robot's builder who typed it into a field, or pasted it from a
//! program. Looked at only after a parser has given up, and no value is ever quoted.

use serde_json::error::Category;

use super::unseen::Stray;
use super::windows_path;
use rpa_signing::python::Malformed;

/// The names that may be told: those of fields. Any other may be a key or a token that somebody put in the wrong place.
pub(super) const NAMES: [&str; 60] = [
    "accesskey",
    "accesstoken",
    "action",
    "appkey",
    "ca_file",
    "code",
    "connect_timeout_ms",
    "correct_clock",
    "data_json",
    "empty_ok",
    "encoding",
    "every_ms",
    "file",
    "files",
    "folder",
    "generation",
    "get_token",
    "headers",
    "host",
    "http_status",
    "keep_alive_ms",
    "keep_days",
    "level",
    "log",
    "max_bytes",
    "max_pages",
    "max_response_bytes",
    "meta",
    "mode",
    "msg",
    "overwrite",
    "pages",
    "pin_sha256",
    "port",
    "proxy",
    "query",
    "redis",
    "refleshtoken",
    "refreshtoken",
    "request_id",
    "rest_type",
    "resume",
    "resume_file",
    "retry",
    "retry_mode",
    "save_to",
    "secretkey",
    "settings_from",
    "signature_refused",
    "timeout_ms",
    "timestamp",
    "tls",
    "token",
    "token_refused",
    "token_store",
    "token_ttl_ms",
    "until",
    "values",
    "verify",
    "wait",
];

/// Where a text stops being JSON, and why.
pub(super) struct Fault {
    /// What to do, in Chinese: `第1行第9个字符处:...`.
    pub(super) cause: String,
    /// The same in English: `... at line 1, character 9`.
    pub(super) detail: String,
}

/// Why serde_json refused a text.
pub(super) fn of_serde(text: &str, error: &serde_json::Error) -> Fault {
    let line_start = text.split_inclusive('\n').take(error.line() - 1).map(str::len).sum::<usize>();
    let at = match error.classify() {
        Category::Eof => text.len(),
        // It counts the bytes that it has read of the line, the one that it refuses included.
        _ => (line_start + error.column()).max(1) - 1,
    };
    let told = error.to_string();
    // Only of a value that is of the wrong type would it quote anything.
    let what = told.rsplit_once(" at line ").map_or("it is not well-formed", |(what, _)| what);
    explain(text, at, what)
}

/// Why the reader of the parameters refused a text.
pub(super) fn of_parameters(text: &str, error: &Malformed) -> Fault {
    let at = text.char_indices().nth(error.at).map_or(text.len(), |(at, _)| at);
    explain(text, at, error.what)
}

/// `at` is a byte of the text, and `what` the parser's own words in English.
fn explain(text: &str, at: usize, what: &str) -> Fault {
    let gave_up = at;
    let at = (0..=at.min(text.len())).rev().find(|&at| text.is_char_boundary(at)).expect("0 is a boundary");
    let (before, rest) = text.split_at(at);
    let guess = guess(text, gave_up, before, rest);
    let (cause, detail) = match &guess {
        Some(guess) => (&*guess.cause, format!("{} ({what})", guess.detail)),
        None => ("有语法错误", what.to_owned()),
    };
    let at = guess.as_ref().and_then(|guess| guess.at).unwrap_or(at);
    let (line, column) = place(text, at);
    let known = last_name(&text[..at]).filter(|name| NAMES.contains(name));
    let (behind, after) = match known {
        None => (String::new(), String::new()),
        Some(name) => (format!("({name}之后)"), format!(", after the name `{name}`")),
    };
    Fault {
        cause: format!("第{line}行第{column}个字符处{behind}{cause}"),
        detail: format!("{detail}, at line {line}, character {column}{after}"),
    }
}

/// The last name of a member that stands in the beginning of an object.
fn last_name(json: &str) -> Option<&str> {
    let (mut open, mut closed, mut name) = (None, None, None);
    let mut escaped = false;
    for (at, byte) in json.bytes().enumerate() {
        match (byte, open) {
            _ if escaped => escaped = false,
            (b'\\', Some(_)) => escaped = true,
            (b'"', Some(start)) => (open, closed) = (None, Some((start, at))),
            (b'"', None) => open = Some(at + 1),
            (b':', None) => name = closed.take(),
            _ => {}
        }
    }
    name.map(|(start, end)| &json[start..end])
}

/// The line and the character within it, both from 1.
fn place(text: &str, at: usize) -> (usize, usize) {
    let before = &text[..at];
    let line = before.rfind('\n').map_or(0, |end| end + 1);
    (before.matches('\n').count() + 1, before[line..].chars().count() + 1)
}

/// What was probably done wrong.
struct Guess {
    cause: String,
    detail: String,
    /// Where, if not where the parser gave up.
    at: Option<usize>,
}

impl Guess {
    fn here(cause: &str, detail: &str) -> Option<Guess> {
        Some(Guess { cause: cause.to_owned(), detail: detail.to_owned(), at: None })
    }
}

fn guess(text: &str, gave_up: usize, before: &str, rest: &str) -> Option<Guess> {
    // The parsers count the character that they refuse, or do not.
    if let Some(offence) = first_offence(text).filter(|offence| offence.at <= gave_up + 1) {
        return within_string(text, &offence);
    }
    if let Some(path) = windows_path::last_in(before) {
        return path_guess(path);
    }
    let Some(character) = rest.chars().next() else {
        return Guess::here("文本到此中断,还缺少}或]", "the text ends here, before its brackets are closed");
    };
    if let Some(stray) = Stray::of(character, 1).filter(|_| !matches!(character, ' ' | '\t' | '\r' | '\n')) {
        return Some(stray_guess(&stray));
    }
    if is_whole(before) {
        return Guess::here("JSON已经结束,之后还有别的内容", "the JSON has ended, and something follows");
    }
    let begins = |words: &[&str]| words.iter().any(|word| rest.starts_with(word));
    let closes_nothing = before.trim_end().ends_with(',') && begins(&["}", "]"]);
    match character {
        '\'' => {
            Guess::here("是单引号「'」,JSON只用双引号「\"」", "there is a single quote; JSON has double quotes alone")
        }
        _ if begins(&["True", "False", "None"]) => Guess::here(
            "是Python的写法,True、False、None应写成true、false、null",
            "there is a word of Python's: True, False and None are true, false and null in JSON",
        ),
        _ if begins(&["NaN", "Infinity", "-Infinity"]) => {
            Guess::here("不是数:JSON没有NaN和Infinity", "JSON has neither NaN nor Infinity")
        }
        _ if begins(&["//", "/*", "#"]) => Guess::here("是注释,JSON不能有注释", "there is a comment; JSON has none"),
        _ if closes_nothing => Guess::here("之前多了一个逗号", "there is a comma too many before it"),
        _ => wrong_quote_in_last_text(before),
    }
}

/// What may not stand between quotes.
struct Offence {
    /// Where the text between the quotes begins.
    start: usize,
    at: usize,
    what: Between,
}

enum Between {
    Control(u8),
    /// A backslash before what it cannot escape.
    Escape,
    /// The end of the JSON.
    End,
}

/// The first thing that may not stand between quotes.
fn first_offence(json: &str) -> Option<Offence> {
    let bytes = json.as_bytes();
    let (mut open, mut at) = (None, 0);
    while at < bytes.len() {
        let offence = match (bytes[at], open) {
            (b'"', None) => {
                open = Some(at + 1);
                None
            }
            (b'"', Some(_)) => {
                open = None;
                None
            }
            (control @ 0..=0x1f, Some(start)) => Some((start, Between::Control(control))),
            (b'\\', Some(start)) => {
                let length = escape_length(&bytes[at + 1..]);
                at += length.unwrap_or(0);
                length.is_none().then_some((start, Between::Escape))
            }
            _ => None,
        };
        if let Some((start, what)) = offence {
            return Some(Offence { start, at, what });
        }
        at += 1;
    }
    open.map(|start| Offence { start, at, what: Between::End })
}

/// How many bytes an escape takes behind its backslash; `None` for what is none.
fn escape_length(after: &[u8]) -> Option<usize> {
    match after.first()? {
        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(1),
        b'u' => after.get(1..5)?.iter().all(u8::is_ascii_hexdigit).then_some(5),
        _ => None,
    }
}

fn within_string(text: &str, offence: &Offence) -> Option<Guess> {
    if windows_path::begins(&text[offence.start..]) {
        return path_guess(offence.start);
    }
    // A path that ends with a backslash takes the closing quote with it, and then the next opening one closes it.
    if let Some(path) = windows_path::last_in(&text[..offence.start]) {
        return path_guess(path);
    }
    if let (Between::End, Some(guess)) = (&offence.what, wrong_quote(offence.start, &text[offence.start..])) {
        return Some(guess);
    }
    let (cause, detail) = match offence.what {
        Between::End => ("文本到此中断,还缺少引号「\"」", "the text ends here, between quotes"),
        Between::Control(b'\n' | b'\r') => (
            "引号内有换行,应写成\\n,或缺少引号",
            "there is the end of a line between quotes: write it as \\n, or close the quotes",
        ),
        Between::Control(b'\t') => ("引号内有制表符(Tab),应写成\\t", "there is a tab between quotes: write it as \\t"),
        Between::Control(_) => (
            "引号内有控制字符,请删去",
            "there is a control character between quotes: take it out, or write it as \\u00XX",
        ),
        Between::Escape => (
            "反斜杠「\\」要写成两个「\\\\」",
            "there is a backslash before what it cannot escape: write two backslashes",
        ),
    };
    Some(Guess { cause: cause.to_owned(), detail: detail.to_owned(), at: Some(offence.at) })
}

fn path_guess(at: usize) -> Option<Guess> {
    let cause = "是Windows路径,其中的反斜杠「\\」要写成两个「\\\\」";
    let detail = "there is a Windows path: each backslash in it must be written as two, or as a slash";
    Some(Guess { cause: cause.to_owned(), detail: detail.to_owned(), at: Some(at) })
}

/// Whether the brackets that were opened are closed.
fn is_whole(json: &str) -> bool {
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for byte in json.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = in_string,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => depth += 1,
            b'}' | b']' if !in_string && depth == 0 => return false,
            b'}' | b']' if !in_string => depth -= 1,
            _ => {}
        }
    }
    depth == 0 && !json.trim().is_empty()
}

/// A text that begins with a quote of JSON and ends with one of another kind takes what comes behind it with it. The parser
/// then gives up behind the next quote.
fn wrong_quote_in_last_text(before: &str) -> Option<Guess> {
    let (outside, last) = before.trim_end().strip_suffix('"')?.rsplit_once('"')?;
    wrong_quote(outside.len() + 1, last)
}

/// The first quote of another kind in what stands between quotes and begins at `start`.
fn wrong_quote(start: usize, between: &str) -> Option<Guess> {
    let (within, stray) = between.char_indices().find_map(|(at, character)| {
        let stray = Stray::of(character, 1)?;
        (stray.meant() == Some("\"")).then_some((at, stray))
    })?;
    Some(Guess { at: Some(start + within), ..stray_guess(&stray) })
}

fn stray_guess(stray: &Stray) -> Guess {
    let (what, remedy) = stray.what_and_remedy();
    let detail = format!("there is {}: {remedy}", what.trim_end_matches(','));
    Guess { cause: format!("是{}", stray.cause_alone()), detail, at: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is told of a text that serde_json refuses.
    fn told(text: &str) -> Fault {
        let error = serde_json::from_str::<serde::de::IgnoredAny>(text).expect_err(text);
        of_serde(text, &error)
    }

    #[test]
    fn what_was_done_wrong_is_named_with_its_place() {
        for (text, cause) in [
            ("\u{feff}{}", "第1行第1个字符处是看不见的字节顺序标记(BOM)(U+FEFF),请删去"),
            ("{“host\":1}", "第1行第2个字符处是中文引号「“」(U+201C),请改成半角「\"」"),
            ("{\"host\"：1}", "第1行第8个字符处是全角冒号「：」(U+FF1A),请改成半角「:」"),
            ("{\"retry\":1，\n\"a\":2}", "第1行第11个字符处(retry之后)是全角逗号「，」(U+FF0C),请改成半角「,」"),
            ("{\n \"retry\":１}", "第2行第10个字符处(retry之后)是全角数字「１」(U+FF11),请改成半角「1」"),
            ("{\"retry\":\u{a0}1}", "第1行第10个字符处(retry之后)是不换行空格(NBSP)(U+00A0),请删去"),
            ("{\"retry\":1\u{200b}}", "第1行第11个字符处(retry之后)是看不见的零宽空格(U+200B),请删去"),
            (
                "{\"host\":\"http://a”,\"mode\":\"get\"}",
                "第1行第18个字符处(host之后)是中文引号「”」(U+201D),请改成半角「\"」",
            ),
            ("{\"host\":\"http://a”}", "第1行第18个字符处(host之后)是中文引号「”」(U+201D),请改成半角「\"」"),
            ("{\"a\":1}}", "第1行第8个字符处JSON已经结束,之后还有别的内容"),
            ("{\"a\":\"\\u1\"}", "第1行第7个字符处反斜杠「\\」要写成两个「\\\\」"),
            ("{'host':1}", "第1行第2个字符处是单引号「'」,JSON只用双引号「\"」"),
            ("{\"a\":True}", "第1行第6个字符处是Python的写法,True、False、None应写成true、false、null"),
            ("{\"a\":NaN}", "第1行第6个字符处不是数:JSON没有NaN和Infinity"),
            ("{\"a\":1,}", "第1行第8个字符处之前多了一个逗号"),
            ("{\"a\":1 // 备注\n}", "第1行第8个字符处是注释,JSON不能有注释"),
            ("{\"a\":\"中\n\"}", "第1行第8个字符处引号内有换行,应写成\\n,或缺少引号"),
            ("{\"a\":\"中\t\"}", "第1行第8个字符处引号内有制表符(Tab),应写成\\t"),
            ("{\"a\":\"\\d\"}", "第1行第7个字符处反斜杠「\\」要写成两个「\\\\」"),
            ("{\"a\":\"b", "第1行第8个字符处文本到此中断,还缺少引号「\"」"),
            ("{\"a\":1", "第1行第7个字符处文本到此中断,还缺少}或]"),
            ("{\"a\":b}", "第1行第6个字符处有语法错误"),
        ] {
            assert_eq!(told(text).cause, cause, "{text}");
        }
        assert_eq!(told("{\"a\":\n tru}").detail, "expected ident, at line 2, character 5");
    }

    #[test]
    fn a_windows_path_with_single_backslashes_is_recognised() {
        for path in [
            r"C:\Users\x",
            r"C:\users",
            r"D:\令牌",
            r"d:\a.pem",
            r"\\server\share",
            r"C:\x\",
            r"D:\",
            r"\\10.0.0.5\共享\a",
        ] {
            let text = format!("{{\"a\":1,\"f\":\"{path}\",\"b\":\"c\"}}");
            let fault = told(&text);
            assert_eq!(fault.cause, "第1行第13个字符处是Windows路径,其中的反斜杠「\\」要写成两个「\\\\」", "{path}");
            assert!(fault.detail.starts_with("there is a Windows path: each backslash in it must be written as two"));
        }
        for text in [r#"{"f":"C:\\Users\\x",1}"#, r#"{"f":"\\\\server\\share",1}"#, r#"{"f":"C:/Users",1}"#] {
            assert!(!told(text).cause.contains("Windows"), "{text}");
        }
    }

    #[test]
    fn no_value_is_quoted() {
        for text in [
            "{\"hunter2\":x}",
            "{\"secretkey\":\"hunter2\",}",
            "{\"secretkey\":hunter2}",
            "{\"secretkey\":\"hunter2\\d\"}",
            "{\"a\":\"hunter2",
        ] {
            let fault = told(text);
            assert!(!format!("{}{}", fault.cause, fault.detail).contains("hunter2"), "{text}");
        }
    }
}
