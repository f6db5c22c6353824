//! Values of one reply in the parameters of the next call: `{"pointer": "/result/jobNo"}` stands for what the pointer leads
//! to, at any depth. `{"literal": ...}` stands for its value as it is, an object with the name `pointer` for instance.

use std::borrow::Cow;

use crate::basics::json::quoted;
use crate::basics::members::Members;
use crate::basics::pointer::{Absent, Pointer, There, items};

/// Deeper down nothing is replaced.
const DEEPEST: usize = 64;

/// Why the references of a text cannot be replaced.
#[derive(Debug)]
pub(crate) enum Unfilled {
    /// One is no pointer.
    NoPointer,
    /// One leads nowhere, or to nothing: to ask for null would be to ask for anything.
    Absent(Pointer, Absent),
}

/// The parameters with what their references lead to in `reply`; all else stays byte for byte, but for white space. Without
/// a reply it is only seen whether there are references, and whether they are well written.
pub(crate) fn fill(parameters: &str, reply: Option<&str>) -> Result<Filled, Unfilled> {
    let mut filled = Filled { text: String::with_capacity(parameters.len()), references: 0 };
    filled.write(parameters, reply, 0)?;
    Ok(filled)
}

pub(crate) struct Filled {
    pub(crate) text: String,
    pub(crate) references: usize,
}

impl Filled {
    fn write(&mut self, json: &str, reply: Option<&str>, depth: usize) -> Result<(), Unfilled> {
        let begin = json.as_bytes().first().filter(|_| depth < DEEPEST);
        let members = match begin {
            Some(b'{') => serde_json::from_str::<Members<'_>>(json).ok(),
            _ => None,
        };
        if let Some(Members(members)) = members {
            match &members[..] {
                [(name, value)] if name == "literal" => self.text.push_str(value.get()),
                [(name, value)] if name == "pointer" => self.refer(value.get(), reply)?,
                _ => {
                    for (index, (name, value)) in members.iter().enumerate() {
                        self.text.push(if index == 0 { '{' } else { ',' });
                        self.text.push_str(&quoted(name));
                        self.text.push(':');
                        self.write(value.get(), reply, depth.saturating_add(1))?;
                    }
                    self.text.push_str(if members.is_empty() { "{}" } else { "}" });
                }
            }
            return Ok(());
        }
        match begin {
            Some(b'[') => {
                let items = items(json);
                for (index, value) in items.iter().enumerate() {
                    self.text.push(if index == 0 { '[' } else { ',' });
                    self.write(value.get(), reply, depth.saturating_add(1))?;
                }
                self.text.push_str(if items.is_empty() { "[]" } else { "]" });
            }
            _ => self.text.push_str(json),
        }
        Ok(())
    }

    fn refer(&mut self, value: &str, reply: Option<&str>) -> Result<(), Unfilled> {
        let text = serde_json::from_str::<Cow<'_, str>>(value).map_err(|_| Unfilled::NoPointer)?;
        let pointer = Pointer::parse(&text).ok_or(Unfilled::NoPointer)?;
        self.references = self.references.saturating_add(1);
        let value = match reply {
            None => "null",
            Some(reply) => match pointer.find(reply) {
                Ok("null" | "\"\"" | "{}" | "[]") => {
                    Err(Absent { reached: pointer.as_str().to_owned(), stands_there: There::Empty })
                }
                found => found,
            }
            .map_err(|absent| Unfilled::Absent(pointer.clone(), absent))?,
        };
        self.text.push_str(value);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_replaced_at_any_depth_and_all_else_stays() {
        let reply = r#"{"result":{"jobNo":"j\u4e2d","n":1.10,"o":{"pointer":"/x"}}}"#;
        for (parameters, expected) in [
            (r#"{"jobNo": {"pointer": "/result/jobNo"}}"#, r#"{"jobNo":"j\u4e2d"}"#),
            (r#"{"a":[1e5, {"b":{"pointer":"/result/n"}}], "a": "t"}"#, r#"{"a":[1e5,{"b":1.10}],"a":"t"}"#),
            // What comes in is not read again.
            (r#"{"o":{"pointer":"/result/o"}}"#, r#"{"o":{"pointer":"/x"}}"#),
            (r#"{"o":{"literal":{"pointer":"/result/n"}}}"#, r#"{"o":{"pointer":"/result/n"}}"#),
            (r#"{"o":{"literal":{"literal": 1}}}"#, r#"{"o":{"literal": 1}}"#),
            (r#"{"o":{"pointer":"x","y":1},"e":{},"l":[ ]}"#, r#"{"o":{"pointer":"x","y":1},"e":{},"l":[]}"#),
        ] {
            assert_eq!(fill(parameters, Some(reply)).unwrap().text, expected);
        }
        assert_eq!(fill(r#"{"a":{"pointer":"/x"},"b":[{"pointer":""}]}"#, None).unwrap().references, 2);
    }

    #[test]
    fn what_is_no_pointer_and_what_leads_nowhere() {
        for parameters in [r#"{"a":{"pointer":5}}"#, r#"{"a":{"pointer":"x"}}"#, r#"{"a":[{"pointer":"/~"}]}"#] {
            assert!(matches!(fill(parameters, None), Err(Unfilled::NoPointer)), "{parameters}");
        }
        let Err(Unfilled::Absent(pointer, _)) = fill(r#"{"a":{"pointer":"/b"}}"#, Some(r#"{"c":1}"#)) else { panic!() };
        assert_eq!(pointer.as_str(), "/b");
        for empty in [r#"{"b":null}"#, r#"{"b": "" }"#, r#"{"b":{}}"#, r#"{"b":[]}"#] {
            let Err(Unfilled::Absent(_, absent)) = fill(r#"{"a":{"pointer":"/b"}}"#, Some(empty)) else { panic!() };
            assert_eq!(absent.in_words().0, "/b is null or empty");
        }
    }

    #[test]
    fn what_is_nested_deeply_ends() {
        let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(fill(&format!("{{\"a\":{deep}}}"), None).unwrap().text, format!("{{\"a\":{deep}}}"));
    }
}
