//! A call's parameters by name: the query's of a get, the body's of all else.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

use serde_json::{Map, Value};

use crate::envelope::Refusal;

#[derive(Debug)]
pub struct Params(Map<String, Value>);

impl Params {
    pub fn new(values: Map<String, Value>) -> Self {
        Self(values)
    }

    pub fn text(&self, name: &str) -> Result<&str, Refusal> {
        match self.0.get(name) {
            Some(Value::String(text)) if !text.is_empty() => Ok(text),
            None | Some(Value::String(_) | Value::Null) => Err(missing(name)),
            Some(_) => Err(Refusal::parameter(format!("{name}应为文本"), format!("parameter {name} must be text"))),
        }
    }

    pub fn optional_text(&self, name: &str) -> Result<Option<&str>, Refusal> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) if text.is_empty() => Ok(None),
            Some(_) => self.text(name).map(Some),
        }
    }

    /// A number may come as text, since the protocol turns every value into text (`20` arrives as
    /// `"20"`).
    pub fn number<N>(&self, name: &str, range: RangeInclusive<N>) -> Result<Option<N>, Refusal>
    where
        N: FromStr + PartialOrd + Display,
    {
        let text = match self.0.get(name) {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::String(text)) if text.is_empty() => return Ok(None),
            Some(Value::String(text)) => text.clone(),
            Some(value) => value.to_string(),
        };
        match text.parse() {
            Ok(number) if range.contains(&number) => Ok(Some(number)),
            _ => {
                let (least, most) = range.into_inner();
                Err(Refusal::parameter(
                    format!("{name}应为{least}到{most}的整数"),
                    format!("parameter {name} must be an integer from {least} to {most}"),
                ))
            }
        }
    }

    /// All but the named ones.
    pub fn without(mut self, names: &[&str]) -> Map<String, Value> {
        self.0.retain(|name, _| !names.contains(&name.as_str()));
        self.0
    }

    /// The same, of parameters that are still needed.
    pub fn all_but(&self, names: &[&str]) -> Map<String, Value> {
        let kept = self.0.iter().filter(|(name, _)| !names.contains(&name.as_str()));
        kept.map(|(name, value)| (name.clone(), value.clone())).collect()
    }

    pub fn value(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }
}

fn missing(name: &str) -> Refusal {
    Refusal::parameter(format!("缺少{name}"), format!("parameter {name} is missing"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn params(values: Value) -> Params {
        Params::new(values.as_object().unwrap().clone())
    }

    #[test]
    fn a_number_may_come_as_text() {
        let given = params(json!({"a": "20", "b": 20, "c": "", "d": null}));
        for (name, expected) in [("a", Some(20)), ("b", Some(20)), ("c", None), ("d", None), ("e", None)] {
            assert_eq!(given.number(name, 1..=99).unwrap(), expected, "{name}");
        }
    }

    #[test]
    fn a_number_out_of_range_or_of_another_kind_is_refused() {
        let given = params(json!({"a": "0", "b": 1.5, "c": "x", "d": [1], "e": "1e400", "f": -1}));
        for name in ["a", "b", "c", "d", "e", "f"] {
            assert!(given.number(name, 1..=99_usize).is_err(), "{name}");
        }
    }

    #[test]
    fn a_required_text_must_be_there() {
        let given = params(json!({"a": "x", "b": "", "c": 1, "d": null}));
        assert_eq!(given.text("a").unwrap(), "x");
        for name in ["b", "c", "d", "e"] {
            assert!(given.text(name).is_err(), "{name}");
        }
        assert_eq!(given.optional_text("b").unwrap(), None);
        assert!(given.optional_text("c").is_err());
    }
}
