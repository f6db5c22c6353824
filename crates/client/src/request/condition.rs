//! The fields `until` and `fail` of `wait`: what a reply says when the waiting is over.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::fields::Fields;
use crate::basics::pointer::Pointer;
use crate::error::Error;

/// A pointer leads to one of a few values.
#[derive(Debug, Clone)]
pub(crate) struct Condition {
    pub(crate) pointer: Pointer,
    /// Texts, numbers, true, false and null, as JSON.
    values: Vec<String>,
}

impl Condition {
    pub(crate) fn holds(&self, value: &str) -> bool {
        self.values.iter().any(|wanted| are_equal(wanted, value))
    }
}

/// The conditions of a field, of which any is enough.
pub(super) fn conditions(fields: &Fields<'_>, name: &'static str) -> Result<Vec<Condition>, Error> {
    const WANTED: &str = "must be an array of {\"pointer\":\"/result/status\",\"in\":[...]}, with texts, numbers, true, false or null in `in`";
    const WANTED_ZH: &str =
        "必须是{\"pointer\":\"/result/status\",\"in\":[…]}的数组,in中为文本、数字、true、false或null";
    let wrong = || fields.refuse(name, WANTED_ZH, WANTED);
    let Some(raw) = fields.raw(name) else { return Ok(Vec::new()) };
    let items: Vec<&RawValue> = serde_json::from_str(raw.get()).map_err(|_| wrong())?;
    let one = |item: &&RawValue| {
        let item = Fields::of_text(item.get(), "")?;
        item.only(&[&["pointer", "in"]]).ok()?;
        let pointer = Pointer::parse(&item.text("pointer").ok()??)?;
        let values: Vec<&RawValue> = serde_json::from_str(item.raw("in")?.get()).ok()?;
        let values: Vec<_> = values.iter().map(|value| value.get().to_owned()).collect();
        let are_plain = !values.is_empty() && !values.iter().any(|value| value.starts_with(['{', '[']));
        are_plain.then_some(Condition { pointer, values })
    };
    items.iter().map(one).collect::<Option<Vec<_>>>().ok_or_else(wrong)
}

/// Whether two values are the same: texts however they are escaped, numbers however they are written.
fn are_equal(one: &str, other: &str) -> bool {
    if one == other {
        return true;
    }
    let text = |json: &'_ str| serde_json::from_str::<Cow<'_, str>>(json).ok().map(Cow::into_owned);
    let is_text = |json: &str| json.starts_with('"');
    match (is_text(one), is_text(other)) {
        (true, true) => text(one).is_some_and(|one| Some(one) == text(other)),
        (false, false) => match (one.parse::<i128>(), other.parse::<i128>()) {
            (Ok(one), Ok(other)) => one == other,
            _ => matches!((number(one), number(other)), (Some(one), Some(other)) if one == other),
        },
        _ => false,
    }
}

fn number(json: &str) -> Option<f64> {
    json.parse().ok().filter(|_| json.starts_with(|c: char| c == '-' || c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_equal_as_json_is() {
        for (one, other, equal) in [
            ("1", "1.0", true),
            ("1e2", "100", true),
            ("-0", "0", true),
            ("\"\\u4e2d\"", "\"中\"", true),
            ("9007199254740993", "9007199254740992", false),
            ("1", "\"1\"", false),
            ("true", "1", false),
            ("null", "null", true),
            ("false", "null", false),
            ("\"a\"", "\"A\"", false),
            ("1", "{}", false),
            ("1", "[1]", false),
        ] {
            assert_eq!(are_equal(one, other), equal, "{one} {other}");
        }
    }

    #[test]
    fn what_is_no_condition_is_refused() {
        for (json, fine) in [
            (r#"[{"pointer":"/a","in":[1,"x",null]}]"#, true),
            ("[]", true),
            (r#"{"pointer":"/a","in":[1]}"#, false),
            (r#"[{"pointer":"a","in":[1]}]"#, false),
            (r#"[{"pointer":"/a","in":[]}]"#, false),
            (r#"[{"pointer":"/a","in":[{}]}]"#, false),
            (r#"[{"pointer":"/a","in":1}]"#, false),
            (r#"[{"pointer":"/a"}]"#, false),
            (r#"[{"pointer":"/a","in":[1],"not":2}]"#, false),
        ] {
            let text = format!("{{\"until\":{json}}}");
            let fields = Fields::of_text(&text, "wait.").unwrap();
            let read = conditions(&fields, "until");
            assert_eq!(read.as_ref().err().and_then(|error| error.field.as_deref()), (!fine).then_some("wait.until"));
        }
    }
}
