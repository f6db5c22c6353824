//! Python's `str()` and `repr()`.

use std::borrow::Cow;
use std::fmt::Write;

use super::printable::NOT_PRINTABLE;
use super::{Text, Value};

/// Why writing into a `String` cannot fail.
const WRITES: &str = "a string takes any text";

/// `str(value)`: text as it is, anything else as `repr()` writes it.
pub fn str_of<'v>(value: &'v Value<'_>) -> Cow<'v, Text<'v>> {
    if let Value::Text(text) = value {
        return Cow::Borrowed(text);
    }
    let mut out = String::new();
    repr(value, &mut out);
    Cow::Owned(Text::Utf8(Cow::Owned(out)))
}

/// Appends `repr(value)`.
fn repr(value: &Value<'_>, out: &mut String) {
    match value {
        Value::None => out.push_str("None"),
        Value::Bool(true) => out.push_str("True"),
        Value::Bool(false) => out.push_str("False"),
        // Python's integers have no negative zero.
        Value::Int("-0") => out.push('0'),
        Value::Int(digits) => out.push_str(digits),
        Value::Float(number) => repr_float(number, out),
        Value::Text(text) => repr_text(text, out),
        Value::List(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                separate(index, out);
                repr(item, out);
            }
            out.push(']');
        }
        Value::Dict(entries) => {
            out.push('{');
            for (index, entry) in entries.iter().enumerate() {
                separate(index, out);
                repr_text(&entry.key, out);
                out.push_str(": ");
                repr(&entry.value, out);
            }
            out.push('}');
        }
    }
}

pub(super) fn separate(index: usize, out: &mut String) {
    if index > 0 {
        out.push_str(", ");
    }
}

/// `repr(float(number))`: the shortest digits that read back as the same double, in positional notation where the
/// decimal exponent is from -4 to 15.
fn repr_float(number: &str, out: &mut String) {
    let double: f64 = number.parse().expect("Rust reads each number of JSON, and NaN and Infinity");
    if !double.is_finite() {
        // Rust writes NaN, inf and -inf; Python differs in the case of the first.
        out.push_str(&double.to_string().to_lowercase());
        return;
    }
    let (digits, exponent) = shortest(double.abs());
    if double.is_sign_negative() {
        out.push('-');
    }
    match exponent {
        -4..0 => {
            let zeros = exponent.unsigned_abs() - 1;
            out.push_str("0.");
            out.extend((0..zeros).map(|_| '0'));
            out.push_str(&digits);
        }
        0..16 => {
            let whole = usize::try_from(exponent + 1).expect("it is positive");
            match digits.split_at_checked(whole) {
                Some((whole, fraction)) if !fraction.is_empty() => out.extend([whole, ".", fraction]),
                _ => write!(out, "{digits:0<whole$}.0").expect(WRITES),
            }
        }
        _ => {
            let (first, rest) = digits.split_at(1);
            out.extend([first, if rest.is_empty() { "" } else { "." }, rest]);
            let sign = if exponent < 0 { '-' } else { '+' };
            write!(out, "e{sign}{:02}", exponent.unsigned_abs()).expect(WRITES);
        }
    }
}

/// The shortest digits that read back as the same double, and the decimal exponent of the first.
///
/// Of two such texts that are equally near, Python takes the even one and Rust's shortest form the greater one
/// (8.3214874267578125). Rust rounds to a given number of digits as Python does, so it is asked twice.
fn shortest(double: f64) -> (String, i32) {
    let shortest = format!("{double:e}");
    let count = shortest.bytes().take_while(|&byte| byte != b'e').filter(u8::is_ascii_digit).count();
    let rounded = format!("{double:.*e}", count - 1);
    let chosen = if rounded.parse() == Ok(double) { rounded } else { shortest };
    let (mantissa, exponent) = chosen.split_once('e').expect("it was asked for with an exponent");
    (mantissa.replace('.', ""), exponent.parse().expect("an exponent is a whole number"))
}

/// `repr(text)`: in single quotes, in double quotes only if it holds a single quote and no double one.
fn repr_text(text: &Text<'_>, out: &mut String) {
    let holds = |wanted: char| text.code_points().any(|point| point == u32::from(wanted));
    let quote = if holds('\'') && !holds('"') { '"' } else { '\'' };
    out.push(quote);
    for point in text.code_points() {
        match (point, char::from_u32(point)) {
            (_, Some('\n')) => out.push_str("\\n"),
            (_, Some('\r')) => out.push_str("\\r"),
            (_, Some('\t')) => out.push_str("\\t"),
            (_, Some(c)) if c == '\\' || c == quote => out.extend(['\\', c]),
            (_, Some(c)) if is_printable(point) => out.push(c),
            (0..=0xff, _) => write!(out, "\\x{point:02x}").expect(WRITES),
            (0x100..=0xffff, _) => write!(out, "\\u{point:04x}").expect(WRITES),
            _ => write!(out, "\\U{point:08x}").expect(WRITES),
        }
    }
    out.push(quote);
}

/// `str.isprintable()` of one code point.
fn is_printable(point: u32) -> bool {
    if (0x20..0x7f).contains(&point) {
        return true;
    }
    let after = NOT_PRINTABLE.partition_point(|&(first, _)| first <= point);
    let range = after.checked_sub(1).and_then(|place| NOT_PRINTABLE.get(place));
    range.is_none_or(|&(_, last)| last < point)
}

#[cfg(test)]
mod tests {
    use super::super::loads;
    use super::*;

    #[track_caller]
    fn check(json: &str, expected: &str) {
        let value = loads(json).unwrap();
        assert_eq!(str_of(&value).as_str(), Some(expected), "{json}");
    }

    #[test]
    fn floats() {
        for (json, expected) in [
            ("1e16", "1e+16"),
            ("1e15", "1000000000000000.0"),
            ("123456789012345680.0", "1.2345678901234568e+17"),
            ("0.0001", "0.0001"),
            ("1e-5", "1e-05"),
            ("1.5E-7", "1.5e-07"),
            ("-0.0", "-0.0"),
            ("1E400", "inf"),
            ("-1E400", "-inf"),
            ("NaN", "nan"),
            ("5e-324", "5e-324"),
            ("1.7976931348623157e308", "1.7976931348623157e+308"),
            ("0.1", "0.1"),
            ("1.0", "1.0"),
            ("1e23", "1e+23"),
            ("9999999999999998.0", "9999999999999998.0"),
            ("8.3214874267578125", "8.321487426757812"),
            ("1125899906842624.25", "1125899906842624.2"),
            ("2e-44", "2e-44"),
            ("9007199254740993.0", "9007199254740992.0"),
            ("0.00012", "0.00012"),
            ("-120.50", "-120.5"),
        ] {
            check(json, expected);
        }
    }

    #[test]
    fn scalars_and_containers() {
        check("-0", "0");
        check("[1, \"a\", null, true, false, {}, []]", "[1, 'a', None, True, False, {}, []]");
        check("{\"k\":\"it's\",\"j\":[\"\\\"'\"]}", "{'k': \"it's\", 'j': ['\"\\'']}");
        check("\"it's\"", "it's");
    }

    #[test]
    fn text_within_containers() {
        check(
            r#"["a\u0000\u001f\u007f\u0085\u00a0\u00ad\u0378\ud800\u200b\ud83d\ude00\udb40\udc01中"]"#,
            "['a\\x00\\x1f\\x7f\\x85\\xa0\\xad\\u0378\\ud800\\u200b😀\\U000e0001中']",
        );
        check(r#"["\b\f\n\r\t\\\/"]"#, "['\\x08\\x0c\\n\\r\\t\\\\/']");
    }
}
