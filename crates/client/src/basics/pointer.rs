//! JSON pointers (RFC 6901) into a text, which is not read further than the pointer leads: numbers and texts stay as they
//! came.

use serde_json::value::RawValue;

use super::members::Members;

/// So many names are told of an object that lacks one.
const NAMES_TOLD: usize = 12;
const LONGEST_NAME: usize = 40;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pointer(String);

/// Where a pointer ends that leads nowhere.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Absent {
    /// The part of it that leads somewhere; empty if that is the whole text.
    pub(crate) reached: String,
    pub(crate) stands_there: There,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum There {
    /// An object with these names, the first of many.
    Object(Vec<String>),
    /// An array of so many items.
    Array(usize),
    /// Neither.
    Scalar,
    /// Null, or an empty text, object or array, where something is needed.
    Empty,
}

impl Pointer {
    /// `None` where it is none: it is empty or begins with `/`, and `~` comes as `~0` or `~1`.
    pub(crate) fn parse(text: &str) -> Option<Pointer> {
        let begins = text.is_empty() || text.starts_with('/');
        let escapes = text.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
        (begins && escapes).then(|| Pointer(text.to_owned()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The text of the value that it leads to. A text that is no JSON has none.
    pub(crate) fn find<'a>(&self, json: &'a str) -> Result<&'a str, Absent> {
        let mut here = json.trim_matches([' ', '\t', '\r', '\n']);
        let mut reached = 0;
        for name in self.0.split('/').skip(1) {
            let next = match here.as_bytes().first() {
                Some(b'{') => {
                    let members = serde_json::from_str(here).unwrap_or(Members(Vec::new()));
                    let next = members.find(&name.replace("~1", "/").replace("~0", "~"));
                    next.ok_or_else(|| There::Object(told(&members)))
                }
                Some(b'[') => {
                    let items = items(here);
                    let index = name.parse::<usize>().ok().filter(|index| index.to_string() == name);
                    index.and_then(|index| items.get(index).copied()).ok_or(There::Array(items.len()))
                }
                _ => Err(There::Scalar),
            };
            here = match next {
                Ok(raw) => raw.get(),
                Err(stands_there) => {
                    return Err(Absent { reached: self.0.get(..reached).unwrap_or_default().to_owned(), stands_there });
                }
            };
            reached = reached.saturating_add(name.len()).saturating_add(1);
        }
        Ok(here)
    }
}

/// The items of an array; none of what is no array.
pub(crate) fn items(json: &str) -> Vec<&RawValue> {
    serde_json::from_str(json).unwrap_or_default()
}

fn told(members: &Members<'_>) -> Vec<String> {
    members.0.iter().take(NAMES_TOLD).map(|(name, _)| name.chars().take(LONGEST_NAME).collect()).collect()
}

impl Absent {
    /// What stands where it ends: "in English, in Chinese".
    pub(crate) fn in_words(&self) -> (String, String) {
        let (whole, whole_zh) =
            if self.reached.is_empty() { ("the reply", "返回") } else { (&*self.reached, &*self.reached) };
        match &self.stands_there {
            There::Object(names) if names.is_empty() => {
                (format!("{whole} is an empty object"), format!("{whole_zh}是空对象"))
            }
            There::Object(names) => {
                (format!("{whole} has the keys {}", names.join(", ")), format!("{whole_zh}中只有{}", names.join("、")))
            }
            There::Array(count) => {
                (format!("{whole} is an array of {count} items"), format!("{whole_zh}是{count}项的数组"))
            }
            There::Empty => (format!("{whole} is null or empty"), format!("{whole_zh}为空")),
            There::Scalar => {
                (format!("{whole} is neither an object nor an array"), format!("{whole_zh}既不是对象也不是数组"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find<'a>(pointer: &str, json: &'a str) -> Result<&'a str, Absent> {
        Pointer::parse(pointer).unwrap().find(json)
    }

    #[test]
    fn values_stand_as_they_came() {
        let json = " {\"a\": {\"b/c\": [1.10, {\"~\": 12345678901234567890123}]}, \"a\": {\"b/c\":[1E400]}, \"\": \"\\u4e2d\", \"键\":null}\n";
        assert_eq!(find("/a/b~1c/0", json), Ok("1E400"));
        assert_eq!(find("/", json), Ok("\"\\u4e2d\""));
        assert_eq!(find("/键", json), Ok("null"));
        assert_eq!(find("", "[1 ,2]"), Ok("[1 ,2]"));
        assert_eq!(find("/1/~0", r#"[0,{"~":  12345678901234567890123 }]"#), Ok("12345678901234567890123"));
    }

    #[test]
    fn what_leads_nowhere_is_told_with_what_stands_there() {
        for (pointer, json, en, zh) in [
            ("/result/jobNo", r#"{"code":1,"msg":"x"}"#, "the reply has the keys code, msg", "返回中只有code、msg"),
            ("/a/b", r#"{"a":{"c":1}}"#, "/a has the keys c", "/a中只有c"),
            ("/a/b", r#"{"a":{}}"#, "/a is an empty object", "/a是空对象"),
            ("/a/2", r#"{"a":[1,2]}"#, "/a is an array of 2 items", "/a是2项的数组"),
            ("/a/01", r#"{"a":[1,2]}"#, "/a is an array of 2 items", "/a是2项的数组"),
            ("/a/b", r#"{"a":null}"#, "/a is neither an object nor an array", "/a既不是对象也不是数组"),
        ] {
            let absent = find(pointer, json).unwrap_err();
            assert_eq!(absent.in_words(), (en.to_owned(), zh.to_owned()), "{pointer}");
        }
    }

    #[test]
    fn what_is_no_pointer() {
        for text in ["a", "result/jobNo", "/a~", "/~2", "$.result"] {
            assert_eq!(Pointer::parse(text), None, "{text}");
        }
    }
}
