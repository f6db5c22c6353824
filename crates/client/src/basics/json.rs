//! Writes a JSON object member by member. Types for each object would be more code, of the program as well as of the library.

use std::fmt::{Display, Write};

/// A member's name as it stands before its value, a comma before it: one piece is written faster than three.
#[derive(Clone, Copy)]
pub(crate) struct Name(pub(crate) &'static str);

macro_rules! name {
    ($name:literal) => {
        $crate::basics::json::Name(concat!(",\"", $name, "\":"))
    };
}
pub(crate) use name;

/// An object that is being written.
pub(crate) struct Object(String);

impl Object {
    pub(crate) fn new() -> Object {
        Object(String::with_capacity(1024))
    }

    /// One that has room for so many bytes, and so leaves no copy of its beginning behind.
    pub(crate) fn with_room(bytes: usize) -> Object {
        Object(String::with_capacity(bytes))
    }

    /// Goes on with members that were written before, `{` at their head included.
    pub(crate) fn after(members: &str) -> Object {
        let mut object = Object::new();
        object.0.push_str(members);
        object
    }

    fn name(&mut self, Name(name): Name) {
        let is_first = self.is_first();
        self.0.push_str(if is_first { name.get(1..).unwrap_or_default() } else { name });
    }

    /// Whether the next member is the first of the innermost object, which then is open.
    fn is_first(&mut self) -> bool {
        if self.0.is_empty() {
            self.0.push('{');
        }
        self.0.ends_with('{')
    }

    /// An object within this one: what is written until `end` belongs to it.
    pub(crate) fn begin(&mut self, name: Name) {
        self.name(name);
        self.0.push('{');
    }

    pub(crate) fn end(&mut self) {
        self.0.push('}');
    }

    /// A value that is JSON already.
    pub(crate) fn raw(&mut self, name: Name, json: &str) {
        self.name(name);
        self.0.push_str(json);
    }

    pub(crate) fn text(&mut self, name: Name, text: &str) {
        self.name(name);
        push_text(&mut self.0, text);
    }

    /// A text whose name comes from elsewhere, and holds nothing special.
    pub(crate) fn named(&mut self, name: &str, text: &str) {
        let before = if self.is_first() { "\"" } else { ",\"" };
        self.0.extend([before, name, "\":"]);
        push_text(&mut self.0, text);
    }

    /// A text of this library's own, in which nothing is special.
    pub(crate) fn word(&mut self, name: Name, word: &str) {
        self.name(name);
        self.0.push('"');
        self.0.push_str(word);
        self.0.push('"');
    }

    /// A number, or null.
    pub(crate) fn number<N: Into<i64>>(&mut self, name: Name, number: Option<N>) {
        self.displayed(name, number.map(Into::into));
    }

    fn displayed(&mut self, name: Name, number: Option<i64>) {
        self.name(name);
        match number {
            None => self.0.push_str("null"),
            Some(number) => self.0.push_str(itoa::Buffer::new().format(number)),
        }
    }

    pub(crate) fn flag(&mut self, name: Name, flag: bool) {
        self.raw(name, if flag { "true" } else { "false" });
    }

    /// A text, or null.
    pub(crate) fn maybe(&mut self, name: Name, text: Option<&str>) {
        match text {
            None => self.raw(name, "null"),
            Some(text) => self.text(name, text),
        }
    }

    /// An array of texts.
    pub(crate) fn texts(&mut self, name: Name, texts: &[String]) {
        self.name(name);
        for (index, text) in texts.iter().enumerate() {
            self.0.push(if index == 0 { '[' } else { ',' });
            push_text(&mut self.0, text);
        }
        self.0.push_str(if texts.is_empty() { "[]" } else { "]" });
    }

    pub(crate) fn shown(&mut self, name: Name, value: Option<&dyn Display>) {
        self.maybe(name, value.map(ToString::to_string).as_deref());
    }

    /// The members so far, for `after`.
    pub(crate) fn members(self) -> String {
        self.0
    }

    pub(crate) fn finish(mut self) -> String {
        self.0.push_str(if self.0.is_empty() { "{}" } else { "}" });
        self.0
    }
}

/// An array of values that are JSON already.
pub(crate) fn array(items: &[String]) -> String {
    ["[", &items.join(","), "]"].concat()
}

/// A text as JSON.
pub(crate) fn quoted(text: &str) -> String {
    let mut json = String::with_capacity(text.len() + 2);
    push_text(&mut json, text);
    json
}

fn push_text(json: &mut String, text: &str) {
    json.push('"');
    let mut rest = text;
    // Hardly any text holds one.
    let is_special = |byte: &u8| *byte < b' ' || matches!(byte, b'"' | b'\\' | 0x7f);
    while let Some(place) = rest.as_bytes().iter().position(is_special) {
        let (plain, from_special) = rest.split_at(place);
        json.push_str(plain);
        let mut after = from_special.chars();
        match after.next() {
            Some(c @ ('"' | '\\')) => json.extend(['\\', c]),
            Some('\n') => json.push_str("\\n"),
            Some('\r') => json.push_str("\\r"),
            Some('\t') => json.push_str("\\t"),
            special => drop(write!(json, "\\u{:04x}", special.map_or(0, u32::from))),
        }
        rest = after.as_str();
    }
    json.push_str(rest);
    json.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_json() {
        let odd = "a\"b\\c\n\r\t\u{0}\u{1f}\u{7f}中文😀";
        let mut object = Object::new();
        object.text(name!("text"), odd);
        object.number(name!("number"), Some(-7i64));
        object.named("a-name", "b");
        object.number(name!("none"), None::<u32>);
        object.maybe(name!("null"), None);
        object.raw(name!("list"), &array(&["1".to_owned(), "{}".to_owned()]));
        object.texts(name!("texts"), &["a\n".to_owned(), String::new()]);
        object.texts(name!("no_texts"), &[]);
        object.flag(name!("flag"), true);
        object.begin(name!("inner"));
        object.word(name!("a"), "{");
        object.number(name!("b"), Some(1));
        object.end();
        object.begin(name!("empty"));
        object.end();
        let mut object = Object::after(&object.members());
        object.number(name!("last"), Some(2));
        let read: serde_json::Value = serde_json::from_str(&object.finish()).unwrap();
        let expected = serde_json::json!({"text": odd, "number": -7, "none": null, "null": null, "list": [1, {}],
            "a-name": "b", "texts": ["a\n", ""], "no_texts": [], "flag": true,
            "inner": {"a": "{", "b": 1}, "empty": {}, "last": 2});
        assert_eq!(read, expected);
        assert_eq!(Object::new().finish(), "{}");
    }
}
