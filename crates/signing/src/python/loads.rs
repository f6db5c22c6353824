//! Python's `json.loads`.
//!
//! serde_json reads the request around it, but not the parameters: it has no place for a lone surrogate, and none for
//! the spelling of a number. Python keeps both, and the signature depends on them.

use std::borrow::Cow;

use super::text::{Text, TextBuilder};
use super::{Entry, Value, by_key, unescaped};

/// Deeper nesting is refused. Python's own reader gives up near 1,000; half of that fits a thread's small stack.
const MAX_DEPTH: usize = 500;

/// Why a text is not JSON, and where.
#[derive(Debug, PartialEq)]
pub struct Malformed {
    /// What is missing or does not belong there, in English.
    pub what: &'static str,
    /// In characters from the start of the text, the first being 0.
    pub at: usize,
}

/// Reads one JSON value that fills the whole text.
pub fn loads(text: &str) -> Result<Value<'_>, Malformed> {
    let mut reader = Reader { text, at: 0 };
    reader.skip_white_space();
    let value = reader.value(0)?;
    reader.skip_white_space();
    match reader.peek() {
        None => Ok(value),
        Some(_) => Err(reader.malformed("something follows the end of the JSON")),
    }
}

struct Reader<'a> {
    text: &'a str,
    /// A byte offset, always between two characters.
    at: usize,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn advance(&mut self, bytes: usize) {
        self.at += bytes;
    }

    /// Goes past `byte` if it comes next.
    fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        if found {
            self.advance(1);
        }
        found
    }

    /// Goes past all leading bytes that satisfy `test`, and returns them. `test` must accept ASCII alone.
    fn take_while(&mut self, test: impl Fn(u8) -> bool) -> &'a str {
        let rest = self.rest();
        let length = rest.bytes().take_while(|&byte| test(byte)).count();
        self.advance(length);
        &rest[..length]
    }

    fn skip_white_space(&mut self) {
        self.take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r'));
    }

    fn malformed(&self, what: &'static str) -> Malformed {
        let before = &self.text[..self.at];
        Malformed { what, at: before.chars().count() }
    }

    fn value(&mut self, depth: usize) -> Result<Value<'a>, Malformed> {
        if depth > MAX_DEPTH {
            return Err(self.malformed("it is nested more than 500 levels deep"));
        }
        match self.peek() {
            Some(b'{') => self.dict(depth),
            Some(b'[') => self.list(depth),
            Some(b'"') => self.string().map(Value::Text),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => self.word(),
        }
    }

    fn word(&mut self) -> Result<Value<'a>, Malformed> {
        let words = [
            ("null", Value::None),
            ("true", Value::Bool(true)),
            ("false", Value::Bool(false)),
            ("NaN", Value::Float("NaN")),
            ("Infinity", Value::Float("Infinity")),
        ];
        for (word, value) in words {
            if self.rest().starts_with(word) {
                self.advance(word.len());
                return Ok(value);
            }
        }
        Err(self.malformed("a value is missing"))
    }

    fn number(&mut self) -> Result<Value<'a>, Malformed> {
        let start = self.at;
        let negative = self.eat(b'-');
        if negative && self.rest().starts_with("Infinity") {
            self.advance("Infinity".len());
            return Ok(Value::Float("-Infinity"));
        }
        if !self.eat(b'0') && self.take_while(|byte| byte.is_ascii_digit()).is_empty() {
            return Err(self.malformed("a digit is missing"));
        }
        let mut float = false;
        if self.eat(b'.') {
            float = true;
            self.digits()?;
        }
        if self.eat(b'e') || self.eat(b'E') {
            float = true;
            let _sign = self.eat(b'+') || self.eat(b'-');
            self.digits()?;
        }
        let number = &self.text[start..self.at];
        Ok(if float { Value::Float(number) } else { Value::Int(number) })
    }

    fn digits(&mut self) -> Result<(), Malformed> {
        match self.take_while(|byte| byte.is_ascii_digit()) {
            "" => Err(self.malformed("a digit is missing")),
            _ => Ok(()),
        }
    }

    fn string(&mut self) -> Result<Text<'a>, Malformed> {
        self.advance(1);
        let plain = self.plain_run();
        if self.eat(b'"') {
            return Ok(Text::Utf8(Cow::Borrowed(plain)));
        }
        let mut text = TextBuilder::default();
        text.push_str(plain);
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.advance(1);
                    return Ok(text.finish());
                }
                Some(b'\\') => text.push(self.escape()?),
                Some(_) => return Err(self.malformed("a control character must be escaped")),
                None => return Err(self.malformed("a text is not closed")),
            }
            text.push_str(self.plain_run());
        }
    }

    /// The characters up to the next quote, backslash or control character.
    fn plain_run(&mut self) -> &'a str {
        let rest = self.rest();
        let length = unescaped::length(rest);
        self.advance(length);
        &rest[..length]
    }

    fn escape(&mut self) -> Result<u32, Malformed> {
        self.advance(1);
        let code_point = match self.peek() {
            Some(letter @ (b'"' | b'\\' | b'/')) => u32::from(letter),
            Some(b'b') => 0x08,
            Some(b'f') => 0x0c,
            Some(b'n') => 0x0a,
            Some(b'r') => 0x0d,
            Some(b't') => 0x09,
            Some(b'u') => return self.unicode_escape(),
            _ => return Err(self.malformed("this escape does not exist")),
        };
        self.advance(1);
        Ok(code_point)
    }

    /// `\uXXXX`, and a second one where the two are a surrogate pair. Half a pair stays as it is, as in Python.
    fn unicode_escape(&mut self) -> Result<u32, Malformed> {
        let high = self.four_hex_digits()?;
        if !(0xd800..0xdc00).contains(&high) || !self.rest().starts_with("\\u") {
            return Ok(high);
        }
        let after_high = self.at;
        self.advance(1);
        let low = self.four_hex_digits()?;
        if (0xdc00..0xe000).contains(&low) {
            let offset = ((high & 0x3ff) << 10) | (low & 0x3ff);
            return Ok(offset + 0x10000);
        }
        self.at = after_high;
        Ok(high)
    }

    fn four_hex_digits(&mut self) -> Result<u32, Malformed> {
        self.advance(1);
        let digits = self.rest().get(..4).filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        let number = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        let number = number.ok_or_else(|| self.malformed("\\u wants four hexadecimal digits"))?;
        self.advance(4);
        Ok(number)
    }

    fn list(&mut self, depth: usize) -> Result<Value<'a>, Malformed> {
        self.advance(1);
        let mut items = Vec::new();
        self.skip_white_space();
        if self.eat(b']') {
            return Ok(Value::List(items));
        }
        loop {
            self.skip_white_space();
            items.push(self.value(depth + 1)?);
            self.skip_white_space();
            if self.eat(b']') {
                return Ok(Value::List(items));
            }
            if !self.eat(b',') {
                return Err(self.malformed("a comma or ] is missing"));
            }
        }
    }

    fn dict(&mut self, depth: usize) -> Result<Value<'a>, Malformed> {
        self.advance(1);
        let mut entries = Vec::new();
        self.skip_white_space();
        if self.eat(b'}') {
            return Ok(Value::Dict(entries));
        }
        loop {
            self.skip_white_space();
            if self.peek() != Some(b'"') {
                return Err(self.malformed("a name in double quotes is missing"));
            }
            let key = self.string()?;
            self.skip_white_space();
            if !self.eat(b':') {
                return Err(self.malformed("a colon is missing"));
            }
            self.skip_white_space();
            let start = self.at;
            let value = self.value(depth + 1)?;
            entries.push(Entry { key, value, raw: &self.text[start..self.at] });
            self.skip_white_space();
            if self.eat(b'}') {
                return Ok(Value::Dict(last_of_each_key(entries)));
            }
            if !self.eat(b',') {
                return Err(self.malformed("a comma or } is missing"));
            }
        }
    }
}

/// Of entries with one key the last value stays, in the place of the first, as in a Python dict.
fn last_of_each_key(entries: Vec<Entry<'_>>) -> Vec<Entry<'_>> {
    // Within one key the places stay in rising order.
    let order = by_key(&entries);
    let mut entries: Vec<Option<Entry<'_>>> = entries.into_iter().map(Some).collect();
    let same_key = |entries: &[Option<Entry<'_>>], a: usize, b: usize| {
        let key = |place: usize| entries.get(place).and_then(Option::as_ref).map(|entry| &entry.key);
        key(a) == key(b)
    };
    let mut first = None;
    for place in order {
        match first {
            Some(first) if same_key(&entries, first, place) => {
                let last = entries.get_mut(place).and_then(Option::take);
                if let Some(slot) = entries.get_mut(first) {
                    *slot = last;
                }
            }
            _ => first = Some(place),
        }
    }
    entries.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reads(text: &str) -> bool {
        loads(text).is_ok()
    }

    #[test]
    fn accepts_what_serde_json_accepts_and_no_more() {
        for text in [
            "{}",
            " [ ] ",
            "0",
            "-0",
            "10",
            "1.5",
            "1e5",
            "1E+5",
            "-1.0e-5",
            "\"\"",
            "null",
            "[1,[2,{\"a\":[]}]]",
            "{\"a\":1,\"a\":2}",
            "\t\r\n1 ",
            "",
            " ",
            "01",
            "-",
            "+1",
            ".5",
            "1.",
            "1e",
            "1e+",
            "[1,]",
            "[,]",
            "{\"a\"}",
            "{\"a\":}",
            "{a:1}",
            "{\"a\":1,}",
            "nul",
            "tru",
            "\"a",
            "\"\\x\"",
            "\"\\u12\"",
            "\"\\u12g4\"",
            "\"\\u+123\"",
            "\"\u{1}\"",
            "1 2",
            "[1 2]",
            "{\"a\" 1}",
            "[",
            "{",
            "\u{feff}1",
            "\u{a0}1",
            "'a'",
            "-a",
            "--1",
            "0x1",
        ] {
            let expected = serde_json::from_str::<serde_json::Value>(text).is_ok();
            assert_eq!(reads(text), expected, "{text:?}");
        }
    }

    #[test]
    fn reads_what_python_reads_beyond_json() {
        for text in ["NaN", "Infinity", "-Infinity", "\"\\ud800\"", "\"\\udc00\\ud800\"", "[NaN]"] {
            assert!(reads(text), "{text}");
        }
        assert!(!reads("-NaN"));
    }

    #[test]
    fn joins_pairs_and_keeps_halves() {
        let points = |text: &str| match loads(text) {
            Ok(Value::Text(text)) => text.code_points().collect::<Vec<_>>(),
            other => panic!("{other:?}"),
        };
        assert_eq!(points(r#""\ud83d\ude00""#), [0x1f600]);
        assert_eq!(points(r#""a\ud83d\u0041中""#), [0x61, 0xd83d, 0x41, 0x4e2d]);
        assert_eq!(points(r#""\ude00\ud83d\ud83d\ude00""#), [0xde00, 0xd83d, 0x1f600]);
    }

    #[test]
    fn last_value_in_the_first_place() {
        let Ok(Value::Dict(entries)) = loads(r#"{"a":1,"b":2,"a":3,"c":4,"b":5,"a":6}"#) else { panic!() };
        let seen: Vec<_> = entries.iter().map(|entry| (entry.key.as_str().unwrap(), entry.raw)).collect();
        assert_eq!(seen, [("a", "6"), ("b", "5"), ("c", "4")]);
    }

    #[test]
    fn a_small_stack_is_enough_for_the_deepest_text() {
        let thread = std::thread::Builder::new().stack_size(1024 * 1024);
        let deep = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        let work = move || (reads(&deep(MAX_DEPTH)), loads(&deep(100_000)).is_err());
        assert_eq!(thread.spawn(work).unwrap().join().unwrap(), (true, true));
    }

    #[test]
    fn says_where() {
        assert_eq!(loads("{\"中文\": x}").err(), Some(Malformed { what: "a value is missing", at: 7 }));
    }
}
