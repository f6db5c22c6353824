//! Python's `json.dumps(value, sort_keys=True)`, and compact JSON.

use super::repr::separate;
use super::{Text, Value, sorted, unescaped};

/// Appends `json.dumps(value, sort_keys=True)`, but each number as it was spelt.
pub fn write_json(value: &Value<'_>, out: &mut String) {
    match value {
        Value::None => out.push_str("null"),
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        Value::Int(number) | Value::Float(number) => out.push_str(number),
        Value::Text(text) => write_json_string(text, out),
        Value::List(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                separate(index, out);
                write_json(item, out);
            }
            out.push(']');
        }
        Value::Dict(entries) => {
            out.push('{');
            for (index, entry) in sorted(entries).enumerate() {
                separate(index, out);
                write_json_string(&entry.key, out);
                out.push_str(": ");
                write_json(&entry.value, out);
            }
            out.push('}');
        }
    }
}

/// Appends a JSON string in ASCII alone, escaped as Python does by default: lower-case hex, surrogate pairs above
/// U+FFFF, and U+007F escaped although JSON does not ask for it.
pub fn write_json_string(text: &Text<'_>, out: &mut String) {
    out.push('"');
    match text {
        Text::Utf8(text) => write_escaped(text, out),
        Text::WithSurrogates(points) => points.iter().for_each(|&point| write_code_point(point, out)),
    }
    out.push('"');
}

/// Copies runs of characters that stand for themselves, which is most of most texts.
fn write_escaped(text: &str, out: &mut String) {
    let mut rest = text;
    loop {
        let (run, special) = rest.split_at(unescaped::ascii_length(rest));
        out.push_str(run);
        if special.is_empty() {
            return;
        }
        // Texts are mostly all of one kind.
        rest = special.trim_start_matches(|c: char| {
            let is_special = !unescaped::is_ascii(c);
            if is_special {
                write_code_point(c.into(), out);
            }
            is_special
        });
    }
}

fn write_code_point(point: u32, out: &mut String) {
    match (point, char::from_u32(point)) {
        (_, Some('"')) => out.push_str("\\\""),
        (_, Some('\\')) => out.push_str("\\\\"),
        (_, Some('\n')) => out.push_str("\\n"),
        (_, Some('\r')) => out.push_str("\\r"),
        (_, Some('\t')) => out.push_str("\\t"),
        (0x08, _) => out.push_str("\\b"),
        (0x0c, _) => out.push_str("\\f"),
        (0x20..0x7f, Some(c)) => out.push(c),
        (0x10000.., Some(c)) => c.encode_utf16(&mut [0; 2]).iter().for_each(|&unit| write_unit(unit.into(), out)),
        _ => write_unit(point, out),
    }
}

fn write_unit(unit: u32, out: &mut String) {
    let [_, _, bytes @ ..] = unit.to_be_bytes();
    let mut digits = [0; 4];
    out.push_str("\\u");
    out.push_str(base16ct::lower::encode_str(&bytes, &mut digits).expect("two bytes are four digits"));
}

/// JSON text without the white space between its tokens; everything else stays as it was given. `json` must be one
/// well-formed value.
pub fn compact(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    let mut in_string = false;
    let mut escaped = false;
    for c in json.chars() {
        if in_string || !matches!(c, ' ' | '\t' | '\n' | '\r') {
            out.push(c);
        }
        match c {
            '"' if !escaped => in_string = !in_string,
            _ => {}
        }
        escaped = in_string && c == '\\' && !escaped;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::loads;
    use super::*;

    #[test]
    fn sorted_at_every_level_with_every_digit() {
        let value = loads(r#"{"b": [1.10, 1E400, -0, 123456789012345678901234567890], "a": {"z": "中😀\u007f\b\/", "y": NaN, "z\ud800": null}}"#).unwrap();
        let mut out = String::new();
        write_json(&value, &mut out);
        let expected = r#"{"a": {"y": NaN, "z": "\u4e2d\ud83d\ude00\u007f\b/", "z\ud800": null}, "b": [1.10, 1E400, -0, 123456789012345678901234567890]}"#;
        assert_eq!(out, expected);
    }

    #[test]
    fn compact_keeps_all_but_white_space() {
        assert_eq!(compact("{ \"a b\" :\t[ 1.0 ,\n\"\\\" \\\\\" , {} ] }"), "{\"a b\":[1.0,\"\\\" \\\\\",{}]}");
    }
}
