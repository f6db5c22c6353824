//! From the bytes of a reply to text. JSON is UTF-8 (RFC 8259); what a Content-Type says counts only where the bytes are
//! not: Tomcat adds `ISO-8859-1` by itself, and gateways add what they were once set up with.

use rpa_charsets::{Text, big5, gb18030};
use zeroize::Zeroizing;

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
    /// It is not what is said of it.
    Malformed { labels: Vec<String> },
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
    if bytes.starts_with(UTF_8_MARK) {
        bytes.drain(..UTF_8_MARK.len());
    }
    // The standard library's check takes longer over Chinese text than all else that is done with a reply.
    if simdutf8::basic::from_utf8(&bytes).is_ok() {
        return Decoded { text: bytes, problem: None };
    }
    let labels: Vec<String> = content_types.flat_map(labels).collect();
    let named = labels.iter().filter_map(|label| charset(label)).find_map(|charset| read(charset, &bytes));
    if let Some(text) = named {
        return Decoded { text, problem: None };
    }
    match read(gb18030, &bytes) {
        Some(text) => Decoded { text, problem: Some(Problem::ReadsAsGb18030 { labels }) },
        None => {
            let text = into_bytes(Zeroizing::new(String::from_utf8_lossy(&bytes).into_owned()));
            Decoded { text, problem: Some(Problem::Malformed { labels }) }
        }
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
    Text { text, is_well_formed: !is_gb2312(bytes) }
}

/// Whether all that is not ASCII stands in pairs of GB2312. Letters with accents seldom stand in pairs, and never all of
/// a text's.
fn is_gb2312(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    while let [first, after @ ..] = rest {
        rest = match (first, after) {
            (..0x80, _) => after,
            (0xa1..=0xf7, [0xa1..=0xfe, after @ ..]) => after,
            _ => return false,
        };
    }
    true
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
        | "chinese" => Some(gb18030),
        "big5" | "big5hkscs" | "csbig5" | "cnbig5" | "cp950" | "ms950" | "windows950" | "950" => Some(big5),
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
