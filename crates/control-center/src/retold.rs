//! The same JSON object, as other programs would have written it: one that signs one text and sends another signed one
//! of these.

use serde_json::Value;

use crate::words::Words;

/// What the signed text is like, in English and in Chinese.
static STYLES: [(Style, &str, &str); 4] = [
    (
        Style { comma: ", ", colon: ": ", ascii: true },
        "has keys sorted and \", \" and \": \" between",
        "按键排序，并以\", \"和\": \"分隔",
    ),
    (Style { comma: ",", colon: ":", ascii: true }, "is compact, and the one sent is not", "是紧凑格式，而发送的不是"),
    (
        Style { comma: ", ", colon: ": ", ascii: false },
        "has its Chinese unescaped, and the one sent has \\uXXXX",
        "里中文未转义，而发送的是\\uXXXX",
    ),
    (
        Style { comma: ",", colon: ":", ascii: false },
        "is compact with its Chinese unescaped, and the one sent is not",
        "是紧凑格式且中文未转义，而发送的不是",
    ),
];

#[derive(Clone, Copy)]
struct Style {
    comma: &'static str,
    colon: &'static str,
    ascii: bool,
}

/// Keys are sorted in all of them. A body that is no JSON has none.
pub fn retold(body: &[u8]) -> Vec<(Vec<u8>, Words)> {
    let Ok(value @ Value::Object(_)) = serde_json::from_slice(body) else {
        return Vec::new();
    };
    let written = STYLES.iter().map(|(style, en, zh)| {
        let mut text = String::new();
        style.write(&value, &mut text);
        let words = Words::new(
            format!("the signed JSON {en} (sign the very bytes that are sent)"),
            format!("签名用的JSON{zh}（应对实际发送的字节签名）"),
        );
        (text.into_bytes(), words)
    });
    written.filter(|(text, _)| text != body).collect()
}

impl Style {
    fn write(self, value: &Value, text: &mut String) {
        match value {
            Value::Array(items) => {
                text.push('[');
                for (at, item) in items.iter().enumerate() {
                    self.separate(at, text);
                    self.write(item, text);
                }
                text.push(']');
            }
            Value::Object(fields) => {
                let mut fields: Vec<_> = fields.iter().collect();
                fields.sort_by_key(|(key, _)| *key);
                text.push('{');
                for (at, (key, field)) in fields.into_iter().enumerate() {
                    self.separate(at, text);
                    self.quote(key, text);
                    text.push_str(self.colon);
                    self.write(field, text);
                }
                text.push('}');
            }
            Value::String(string) => self.quote(string, text),
            scalar => text.push_str(&scalar.to_string()),
        }
    }

    fn separate(self, at: usize, text: &mut String) {
        if at > 0 {
            text.push_str(self.comma);
        }
    }

    fn quote(self, string: &str, text: &mut String) {
        for c in Value::from(string).to_string().chars() {
            if self.ascii && !c.is_ascii() {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    text.push_str(&format!("\\u{unit:04x}"));
                }
            } else {
                text.push(c);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_written_in_each_style_but_its_own() {
        let body = r#"{"b":"月","a":[1,{"x":null}]}"#;
        let texts: Vec<_> =
            retold(body.as_bytes()).into_iter().map(|(text, _)| String::from_utf8(text).unwrap()).collect();
        let expected = [
            r#"{"a": [1, {"x": null}], "b": "\u6708"}"#,
            r#"{"a":[1,{"x":null}],"b":"\u6708"}"#,
            r#"{"a": [1, {"x": null}], "b": "月"}"#,
            r#"{"a":[1,{"x":null}],"b":"月"}"#,
        ];
        assert_eq!(texts, expected);
        assert_eq!(retold(expected[3].as_bytes()).len(), 3);
        assert!(retold(b"a=1").is_empty() && retold(b"[1]").is_empty());
    }
}
