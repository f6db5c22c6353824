//! From the bytes of a reply to text. JSON is UTF-8 (RFC 8259); what a Content-Type says counts only where the bytes are
//! not: Tomcat adds `ISO-8859-1` by itself, and gateways add what they were once set up with.

use rpa_charsets::{Text, big5, gb18030};
use zeroize::Zeroizing;

use super::flaw::{Flaw, Utf8};
use super::pairs::{is_gb2312, is_likely_gb2312, is_mostly_pairs};

/// A reply as text.
pub(super) struct Decoded {
    /// In UTF-8.
    pub(super) text: Zeroizing<Vec<u8>>,
    /// The text is a guess, for an excerpt alone.
    pub(super) problem: Option<Problem>,
}

/// Why a reply's text is not known.
pub(super) enum Problem {
    /// Nobody said that it is GB18030 (GBK and GB2312 are parts of that), but so it can be read.
    ReadsAsGb18030 { labels: Vec<String> },
    /// It is not what is said of it, nor mostly UTF-8.
    Malformed { labels: Vec<String>, flaw: Flaw },
    /// It is UTF-8 all but here.
    BrokenUtf8(Flaw),
    /// What a byte-order mark or the zeros of its first characters show, it is not.
    MalformedUnicode { name: &'static str },
}

/// Reads a body: by its byte-order mark or its zeros, as UTF-8, or else as a charset that the Content-Types name.
pub(super) fn decode<'v>(content_types: impl Iterator<Item = &'v [u8]>, body: Vec<u8>) -> Decoded {
    let mut bytes = Zeroizing::new(body);
    if let Some((wide, mark)) = Wide::of(&bytes) {
        let problem =
            |text: &(Zeroizing<String>, bool)| (!text.1).then_some(Problem::MalformedUnicode { name: wide.name });
        let read = wide.read(bytes.get(mark..).unwrap_or(&[]));
        return Decoded { problem: problem(&read), text: into_bytes(read.0) };
    }
    let is_marked = bytes.starts_with(UTF_8_MARK);
    if is_marked {
        bytes.drain(..UTF_8_MARK.len());
    }
    // The standard library's check takes longer over Chinese text than all else that is done with a reply.
    if simdutf8::basic::from_utf8(&bytes).is_ok() {
        return Decoded { text: bytes, problem: None };
    }
    let lossy = || into_bytes(Zeroizing::new(String::from_utf8_lossy(&bytes).into_owned()));
    let utf_8 = Utf8::of(&bytes);
    let mut flaw = utf_8.flaw;
    if is_marked {
        flaw.place = flaw.place.saturating_add(UTF_8_MARK.len());
        return Decoded { text: lossy(), problem: Some(Problem::BrokenUtf8(flaw)) };
    }
    let labels: Vec<String> = content_types.flat_map(labels).collect();
    let named = labels.iter().filter_map(|label| charset(label)).find_map(|charset| read(charset, &bytes));
    if let Some(text) = named {
        return Decoded { text, problem: None };
    }
    let gb = read(gb18030, &bytes);
    let is_utf_8 = if gb.is_some() { utf_8.is_beyond_gb() && !is_likely_gb2312(&bytes) } else { utf_8.prevails() };
    match gb {
        _ if is_utf_8 => Decoded { text: lossy(), problem: Some(Problem::BrokenUtf8(flaw)) },
        Some(text) => Decoded { text, problem: Some(Problem::ReadsAsGb18030 { labels }) },
        None => Decoded { text: lossy(), problem: Some(Problem::Malformed { labels, flaw }) },
    }
}

const UTF_8_MARK: &[u8] = b"\xef\xbb\xbf";

/// How a charset is read.
type Charset = fn(&[u8]) -> Text;

/// The text, if the bytes are well-formed in this charset.
fn read(charset: Charset, bytes: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let Text { text, is_well_formed } = charset(bytes);
    let text = into_bytes(Zeroizing::new(text));
    is_well_formed.then_some(text)
}

/// GB18030 that was announced as such: believed, unless it is UTF-8 with a flaw.
fn said_gb18030(bytes: &[u8]) -> Text {
    let Text { text, is_well_formed } = gb18030(bytes);
    Text { text, is_well_formed: is_well_formed && (is_gb2312(bytes) || !Utf8::of(bytes).is_beyond_gb()) }
}

/// Big5 that was announced as such: believed, unless it is UTF-8 with a flaw, or the common characters of GB2312.
fn said_big5(bytes: &[u8]) -> Text {
    let Text { text, is_well_formed } = big5(bytes);
    Text { text, is_well_formed: is_well_formed && !is_likely_gb2312(bytes) && !Utf8::of(bytes).is_beyond_gb() }
}

/// Windows' kind of Latin-1. In it any bytes are a text; but in pairs that are Chinese characters they are Chinese, whatever
/// they are called.
fn latin_1(bytes: &[u8]) -> Text {
    /// From 0x80 on; where there is none, the control character of Latin-1.
    const OF_WINDOWS: [char; 32] = [
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}', '‘',
        '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
    ];
    let of_windows = |byte: u8| byte.checked_sub(0x80).and_then(|place| OF_WINDOWS.get(usize::from(place))).copied();
    let mut text = String::with_capacity(bytes.len().saturating_mul(3));
    text.extend(bytes.iter().map(|&byte| of_windows(byte).unwrap_or(char::from(byte))));
    Text { text, is_well_formed: !is_mostly_pairs(bytes) && !Utf8::of(bytes).prevails() }
}

fn into_bytes(mut text: Zeroizing<String>) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(std::mem::take(&mut *text).into_bytes())
}

/// All charsets that a Content-Type names.
fn labels(content_type: &[u8]) -> Vec<String> {
    let content_type = String::from_utf8_lossy(content_type);
    let parameters = content_type.split([';', ',']).filter_map(|parameter| parameter.split_once('='));
    let charsets = parameters.filter(|(name, _)| name.trim().eq_ignore_ascii_case("charset"));
    let label = |value: &str| value.trim_matches(|c: char| c.is_whitespace() || c == '"' || c == '\'').to_owned();
    charsets.map(|(_, value)| label(value)).filter(|label| !label.is_empty()).collect()
}

/// The charset of a label. `utf-8` and `us-ascii` are none: what is not UTF-8 is neither of them.
fn charset(label: &str) -> Option<Charset> {
    let plain: String = label.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    match plain.strip_prefix('x').unwrap_or(&plain) {
        "gb18030" | "gbk" | "gb2312" | "gb231280" | "csgb2312" | "euccn" | "cp936" | "ms936" | "windows936" | "936"
        | "chinese" => Some(said_gb18030),
        "big5" | "big5hkscs" | "csbig5" | "cnbig5" | "cp950" | "ms950" | "windows950" | "950" => Some(said_big5),
        "iso88591" | "iso885915" | "latin1" | "l1" | "windows1252" | "cp1252" => Some(latin_1),
        _ => None,
    }
}

/// UTF-16 or UTF-32.
#[derive(Clone, Copy)]
struct Wide {
    name: &'static str,
    /// Bytes of a unit.
    size: usize,
    big_endian: bool,
}

impl Wide {
    /// What a text is by its byte-order mark, whose length comes with it; or by the zeros of its first character, which is
    /// an ASCII one in JSON (RFC 4627, 3) and on every page.
    fn of(bytes: &[u8]) -> Option<(Wide, usize)> {
        let wide = |name, size, big_endian| Wide { name, size, big_endian };
        Some(match bytes {
            [0xff, 0xfe, 0, 0, ..] => (wide("UTF-32LE", 4, false), 4),
            [0, 0, 0xfe, 0xff, ..] => (wide("UTF-32BE", 4, true), 4),
            [0xff, 0xfe, ..] => (wide("UTF-16LE", 2, false), 2),
            [0xfe, 0xff, ..] => (wide("UTF-16BE", 2, true), 2),
            [1..=255, 0, 0, 0, ..] => (wide("UTF-32LE", 4, false), 0),
            [0, 0, 0, 1..=255, ..] => (wide("UTF-32BE", 4, true), 0),
            [1..=255, 0, ..] => (wide("UTF-16LE", 2, false), 0),
            [0, 1..=255, ..] => (wide("UTF-16BE", 2, true), 0),
            _ => return None,
        })
    }

    /// The text, and whether it is well-formed.
    fn read(self, bytes: &[u8]) -> (Zeroizing<String>, bool) {
        // No character takes more than three bytes of UTF-8 for two of these.
        let mut text = Zeroizing::new(String::with_capacity(bytes.len().saturating_mul(2)));
        let units = bytes.chunks_exact(self.size);
        let mut well_formed = units.remainder().is_empty();
        let units = units.map(|unit| {
            let wider = |number, byte: &u8| number << 8 | u32::from(*byte);
            if self.big_endian { unit.iter().fold(0, wider) } else { unit.iter().rev().fold(0, wider) }
        });
        let mut add = |c: Option<char>| {
            well_formed &= c.is_some();
            text.push(c.unwrap_or(char::REPLACEMENT_CHARACTER));
        };
        if self.size == 2 {
            let units = units.map(|unit| u16::try_from(unit).expect("two bytes make a number of sixteen bits"));
            char::decode_utf16(units).for_each(|c| add(c.ok()));
        } else {
            units.for_each(|unit| add(char::from_u32(unit)));
        }
        (text, well_formed)
    }
}

#[cfg(test)]
mod tests {
    use encoding_rs::{BIG5, GB18030, WINDOWS_1252};

    use super::*;

    const JSON: &str = "{\"名\":\"中文 成功\"}";

    /// The text where it is known, else nothing.
    fn read(content_types: &[&str], body: &[u8]) -> Option<String> {
        let decoded = decode(content_types.iter().map(|value| value.as_bytes()), body.to_vec());
        decoded.problem.is_none().then(|| String::from_utf8(decoded.text.to_vec()).unwrap())
    }

    fn gb(text: &str) -> Vec<u8> {
        GB18030.encode(text).0.into_owned()
    }

    #[test]
    fn utf_8_is_utf_8_whatever_it_is_called() {
        for label in ["", "ISO-8859-1", "GBK", "us-ascii", "utf8mb4", "UTF-16", "big5", "\"gb2312\""] {
            let content_type = format!("application/json;charset={label}");
            assert_eq!(read(&[&content_type], JSON.as_bytes()).as_deref(), Some(JSON), "{label}");
        }
        let twice = "text/plain; charset=ISO-8859-1; charset=UTF-8";
        assert_eq!(read(&[twice, "text/html;charset=GBK"], JSON.as_bytes()).as_deref(), Some(JSON));
        assert_eq!(read(&[], &[UTF_8_MARK, JSON.as_bytes()].concat()).as_deref(), Some(JSON));
    }

    #[test]
    fn a_label_counts_where_the_bytes_are_not_utf_8() {
        for label in [
            "GBK",
            "gb2312",
            "\"GB18030\"",
            "'gbk'",
            " x-gbk ",
            "CP936",
            "GB_2312-80",
            "utf-8;charset=gbk",
            "windows-936",
        ] {
            let content_type = format!("application/json; Charset = {label}");
            assert_eq!(read(&[&content_type], &gb(JSON)).as_deref(), Some(JSON), "{label}");
        }
        assert_eq!(read(&["a/b;charset=utf-8", "a/b; charset=gbk"], &gb(JSON)).as_deref(), Some(JSON));
        assert_eq!(read(&["a/b;charset=utf-8, a/b;charset=gbk"], &gb(JSON)).as_deref(), Some(JSON));
        let rare = "\"😀㐀\u{20000}\"";
        assert_eq!(read(&["a/b;charset=gb18030"], &gb(rare)).as_deref(), Some(rare));
        let big5 = BIG5.encode("\"繁體\"").0.into_owned();
        assert_eq!(read(&["a/b;charset=Big5"], &big5).as_deref(), Some("\"繁體\""));
        assert_eq!(read(&["a/b;charset=iso-8859-1"], b"\"caf\xe9\"").as_deref(), Some("\"café\""));
        assert_eq!(read(&["a/b;charset=GBK"], b"\"\xff\""), None);
        assert_eq!(read(&["a/b;charset=klingon"], b"\"\xff\""), None);
    }

    #[test]
    fn latin_1_is_read_as_encoding_rs_reads_it() {
        let bytes: Vec<u8> = (0..=0xff).flat_map(|byte| [byte, b'-']).collect();
        let theirs = WINDOWS_1252.decode_without_bom_handling(&bytes).0.into_owned();
        assert_eq!(latin_1(&bytes), Text { text: theirs, is_well_formed: true });
    }

    #[test]
    fn chinese_that_is_called_latin_or_nothing_is_no_silent_mojibake() {
        for content_type in ["", "a/b;charset=ISO-8859-1", "a/b;charset=us-ascii", "a/b;charset=utf-8"] {
            let decoded = decode([content_type.as_bytes()].into_iter(), gb(JSON));
            assert!(matches!(decoded.problem, Some(Problem::ReadsAsGb18030 { .. })), "{content_type}");
            assert_eq!(&**decoded.text, JSON.as_bytes());
        }
    }

    #[test]
    fn utf_8_with_a_flaw_is_never_read_as_what_it_is_called() {
        let whole = "{\"msg\":\"操作成功\"}".as_bytes();
        let cut = [&whole[..whole.len() - 3], b"\"}"].concat();
        let odd = [&whole[..whole.len() - 2], b"\xff\"}"].concat();
        let early = [b"\xff", whole].concat();
        let accents = b"\"caf\xc3\xa9 \xc3\xa8\xff\"";
        let short = b"{\"msg\":\"\xe6\x88\x90\xe5\"}";
        let marked = b"\xef\xbb\xbf\"caf\xe9\"";
        for body in [&cut[..], &odd, &early, marked, accents, short] {
            for label in ["", "ISO-8859-1", "windows-1252", "big5", "gbk", "us-ascii", "utf-8"] {
                let content_type = format!("application/json;charset={label}");
                let decoded = decode([content_type.as_bytes()].into_iter(), body.to_vec());
                let text = String::from_utf8_lossy(&decoded.text).into_owned();
                assert!(matches!(decoded.problem, Some(Problem::BrokenUtf8(_))), "{label}: {text}");
            }
        }
    }

    #[test]
    fn gbk_with_a_rare_character_is_no_latin_1() {
        let body = gb("{\"msg\":\"朱镕基 成功\"}");
        let decoded = decode([&b"a/b;charset=ISO-8859-1"[..]].into_iter(), body);
        assert!(matches!(decoded.problem, Some(Problem::ReadsAsGb18030 { .. })));
        for text in ["déjà vu", "Größe, Übermaß", "naïveté", "garçon àéro"] {
            let body = WINDOWS_1252.encode(text).0.into_owned();
            assert_eq!(read(&["a/b;charset=ISO-8859-1"], &body).as_deref(), Some(text));
        }
    }

    #[test]
    fn common_chinese_in_gbk_that_is_called_big5_is_no_silent_mojibake() {
        for text in ["成功", "{\"msg\":\"成功\"}", "操作失败，请联系管理员", JSON] {
            let decoded = decode([&b"a/b;charset=big5"[..]].into_iter(), gb(text));
            assert!(matches!(decoded.problem, Some(Problem::ReadsAsGb18030 { .. })), "{text}");
            assert_eq!(&**decoded.text, text.as_bytes());
        }
        for text in ["成功", "繁體", "{\"訊息\":\"操作成功\"}", "登入失敗，請聯絡管理員", "王小明", "找不到資料"]
        {
            let big5 = BIG5.encode(text).0.into_owned();
            assert_eq!(read(&["a/b;charset=big5"], &big5).as_deref(), Some(text));
        }
    }

    #[test]
    fn gbk_that_is_called_so_is_read_with_rare_names_as_well() {
        for text in ["朱镕基", "王喆", "李玥", "陈堃", "瑞琛", "琛国", "联通", "通镕", "{\"msg\":\"镕\"}"]
        {
            assert_eq!(read(&["a/b;charset=gbk"], &gb(text)).as_deref().unwrap_or("?"), text);
        }
    }

    #[test]
    fn utf_16_and_utf_32_with_and_without_a_mark() {
        let units = |text: &str| text.encode_utf16().collect::<Vec<_>>();
        for text in [JSON, "\u{feff}{\"a\":\"😀\"}"] {
            let bare = text.trim_start_matches('\u{feff}');
            let forms: [Vec<u8>; 4] = [
                units(text).into_iter().flat_map(u16::to_le_bytes).collect(),
                units(text).into_iter().flat_map(u16::to_be_bytes).collect(),
                text.chars().flat_map(|c| u32::from(c).to_le_bytes()).collect(),
                text.chars().flat_map(|c| u32::from(c).to_be_bytes()).collect(),
            ];
            for form in &forms {
                assert_eq!(read(&["application/json;charset=utf-8"], form).as_deref(), Some(bare), "{form:?}");
                assert_eq!(read(&[], &form[..form.len() - 1]), None, "a piece of a unit at the end");
            }
        }
        assert_eq!(read(&[], b"\"\0\x00\xd8\"\0"), None, "half of a pair");
        assert_eq!(read(&[], b"\0").as_deref(), Some("\0"));
    }
}
