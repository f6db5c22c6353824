//! The fields of a request text: present, of the right type, in range, and none that is not known.

use std::borrow::Cow;
use std::ops::RangeInclusive;

use serde::de::DeserializeOwned;
use serde_json::error::Category;
use serde_json::value::RawValue;

use super::unseen::{self, Stray};
use super::{near_miss, syntax, windows_path};
use crate::basics::members::Members;
use crate::error::{Error, Function};
use rpa_signing::Secret;

/// What a flag is.
const FLAG: &str = "true or false";

/// Finds a character that cannot belong to a kind of text.
pub(super) type FindStray = fn(&str) -> Option<Stray>;

/// The fields of a JSON object. Of a name that comes twice, the last value counts.
pub(super) struct Fields<'a> {
    members: Members<'a>,
    /// Put before a field's name in errors: `tls.` for the fields of `tls`.
    prefix: &'static str,
    /// What `Telling` reads of them was read already, and is right.
    pub(super) is_told: bool,
}

impl<'a> Fields<'a> {
    /// Reads a whole request text.
    pub(super) fn of_request(text: &'a str) -> Result<Self, Error> {
        let members = serde_json::from_str(text).map_err(|error| match error.classify() {
            _ if text.trim().is_empty() => {
                Error::request("请求是空文本", "the request is empty; it must be a JSON object")
            }
            Category::Data => Error::request("请求必须是JSON对象", "the request is JSON, but not an object"),
            _ => {
                let fault = syntax::of_serde(text, &error);
                let cause = format!("请求不是JSON:{}", fault.cause);
                Error::request(&cause, format!("the request is not JSON: {}", fault.detail))
            }
        })?;
        Ok(Fields { members, prefix: "", is_told: false })
    }

    /// The fields of an object within the request, or of another one.
    pub(super) fn of_text(text: &'a str, prefix: &'static str) -> Option<Self> {
        Some(Fields { members: serde_json::from_str(text).ok()?, prefix, is_told: false })
    }

    /// Refuses the first field that is not in `known`. Comes before the reading, so that a misspelt field is named
    /// rather than the missing one it stands for.
    pub(super) fn only(&self, known: &[&[&str]]) -> Result<(), Error> {
        let is_known = |name: &str| known.iter().any(|names| names.contains(&name));
        let Some(name) = self.names().find(|name| !is_known(name)) else { return Ok(()) };
        let known = &*known.concat();
        let shown = self.name(&excerpt(name));
        let within_tls =
            ["verify", "ca_file", "pin_sha256"].into_iter().find(|inner| known.contains(&"tls") && *inner == name);
        let meant = match within_tls {
            Some(inner) => Some(format!("tls.{inner}")),
            None => near_miss::meant_by(name, known).map(|meant| self.name(meant)),
        };
        let stray = unseen::in_word(name);
        let (look, looks) = match &stray {
            None => (String::new(), String::new()),
            Some(stray) => (format!("(其名称{})", stray.cause()), format!(", whose name {}", stray.detail())),
        };
        Err(match meant {
            Some(meant) => Error::argument(
                &*shown,
                format!("未知字段{shown}{look},是否应为{meant}"),
                format!("unknown field `{shown}`{looks}; did you mean `{meant}`?"),
            ),
            None => Error::argument(
                &*shown,
                format!("未知字段{shown}{look}"),
                format!("unknown field `{shown}`{looks}; the fields here are {}", known.join(", ")),
            ),
        })
    }

    /// Refuses a field that is right in another function, and says in which.
    pub(super) fn not_for(&self, name: &str, function: Function, belongs_to: &str) -> Result<(), Error> {
        if !self.has(name) {
            return Ok(());
        }
        let here = function.name();
        Err(Error::argument(
            name,
            format!("字段{name}只用于{belongs_to}"),
            format!("`{name}` is a field of {belongs_to}; {here} does not take it"),
        ))
    }

    /// How many there are, a name that comes twice counted twice.
    pub(super) fn count(&self) -> usize {
        self.members.0.len()
    }

    /// Takes a field out, as if it had not been given.
    pub(super) fn put_aside(&mut self, name: &str) {
        self.members.0.retain(|(other, _)| other != name);
    }

    /// The same fields without some.
    pub(super) fn without(&self, is_out: impl Fn(&str) -> bool) -> Fields<'a> {
        let members = self.members.0.iter().filter(|(name, _)| !is_out(name)).cloned().collect();
        Fields { members: Members(members), prefix: self.prefix, is_told: self.is_told }
    }

    /// Gives a field a value in place of one that is missing.
    pub(super) fn stand_in(&mut self, name: &'a str, raw: &'a RawValue) {
        self.members.0.push((Cow::Borrowed(name), raw));
    }

    /// Takes out all fields that are not in `known`; what is wrong with each.
    pub(super) fn put_unknown_aside(&mut self, known: &[&[&str]]) -> Vec<Error> {
        let mut faults = Vec::new();
        while let Err(fault) = self.only(known) {
            let is_known = |name: &str| known.iter().any(|names| names.contains(&name));
            let name = self.names().find(|name| !is_known(name)).unwrap_or_default().to_owned();
            self.put_aside(&name);
            faults.push(fault);
        }
        faults
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.members.0.iter().map(|(name, _)| &**name)
    }

    /// The field as it stands in the request.
    pub(super) fn raw(&self, name: &str) -> Option<&'a RawValue> {
        self.members.find(name)
    }

    /// A field that is text.
    pub(super) fn text(&self, name: &str) -> Result<Option<String>, Error> {
        self.typed(name, "text", "文本")
    }

    /// A field that is text, must be there, and holds no character that `find` finds.
    pub(super) fn required_text(&self, name: &str, find: FindStray) -> Result<String, Error> {
        let text = self.given(name)?.into_inner();
        self.without_stray(name, &text, find)?;
        Ok(text)
    }

    /// A field that is a key or a token, and must be there. Whatever comes of it, it is wiped.
    pub(super) fn required_secret(&self, name: &str) -> Result<Secret, Error> {
        let text = self.given(name)?;
        self.without_stray(name, text.expose(), unseen::in_key)?;
        Ok(text)
    }

    /// A field that is text, must be there, and is not empty.
    fn given(&self, name: &str) -> Result<Secret, Error> {
        let text = self.text(name)?.map(Secret::new).ok_or_else(|| self.missing(name))?;
        match text.expose() {
            "" => Err(self.refuse(name, "不能为空", "must not be empty")),
            _ => Ok(text),
        }
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.names().any(|other| other == name)
    }

    /// Refuses a text that holds a character which `find` finds: the end of a line would end a header or a URL early, and
    /// what only looks right is not found by who looks for it.
    pub(super) fn without_stray(&self, name: &str, text: &str, find: FindStray) -> Result<(), Error> {
        match find(text) {
            None => Ok(()),
            Some(stray) => Err(self.refuse(name, &stray.cause(), &stray.detail())),
        }
    }

    /// A path that can belong to a file.
    pub(super) fn check_file_path(&self, name: &str, path: &str) -> Result<(), Error> {
        if path.is_empty() {
            return Err(self.refuse(name, "不能为空", "must not be empty; leave it out instead"));
        }
        if windows_path::was_misread(path) {
            return Err(self.refuse(
                name,
                "中的反斜杠「\\」要写成两个「\\\\」",
                "is a Windows path whose backslashes were read as escapes, such as \\t for a tab: in JSON write two of them, or a slash",
            ));
        }
        self.without_stray(name, path, unseen::in_file_path)
    }

    /// The same of a file that is written: what only a shell understands is refused, too.
    pub(super) fn check_file(&self, name: &str, path: &str) -> Result<(), Error> {
        self.check_file_path(name, path)?;
        match super::path::fault(path) {
            Some((detail, cause)) => Err(self.refuse(name, cause, detail)),
            None => Ok(()),
        }
    }

    pub(super) fn flag(&self, name: &str) -> Result<Option<bool>, Error> {
        self.typed(name, FLAG, "true或false")
    }

    /// A whole number in `range`.
    pub(super) fn number(&self, name: &str, range: RangeInclusive<u64>) -> Result<Option<u64>, Error> {
        let Some(raw) = self.raw(name) else { return Ok(None) };
        let number = whole_number(raw).and_then(|number| u64::try_from(number).ok());
        number.filter(|number| range.contains(number)).map(Some).ok_or_else(|| {
            let (low, high) = (range.start(), range.end());
            // Who writes a number as text does not see what is wrong with it.
            let quotes = if describe(raw) == "text" { ",不加引号" } else { "" };
            let what = match (describe(raw), whole_number(raw)) {
                ("a number", Some(_)) => "a number outside of that",
                ("a number", None) => "a number with a fraction, or far too large",
                (other, _) => other,
            };
            self.refuse(
                name,
                &format!("必须是{low}到{high}的整数{quotes}"),
                &format!("must be a whole number from {low} to {high}; it is {what}"),
            )
        })
    }

    /// An array of whole numbers.
    pub(super) fn numbers(&self, name: &str, wanted: &str, wanted_zh: &str) -> Result<Option<Vec<i64>>, Error> {
        let Some(raw) = self.raw(name) else { return Ok(None) };
        let items: Option<Vec<&RawValue>> = serde_json::from_str(raw.get()).ok();
        let numbers = items.and_then(|items| items.into_iter().map(whole_number).collect());
        numbers.map(Some).ok_or_else(|| self.wrong_type(name, wanted, wanted_zh, raw))
    }

    /// One of a few words.
    pub(super) fn choice<T: Copy>(&self, name: &str, choices: &[(&str, T)]) -> Result<Option<T>, Error> {
        let Some(word) = self.text(name)? else { return Ok(None) };
        let found = choices.iter().find(|(choice, _)| *choice == word).map(|(_, value)| *value);
        found.map(Some).ok_or_else(|| {
            if let Err(stray) = self.without_stray(name, &word, unseen::in_word) {
                return stray;
            }
            let words = choices.iter().map(|(choice, _)| *choice).collect::<Vec<_>>();
            let detail = format!("must be one of {}", words.join(", "));
            self.refuse(name, &format!("只能为{}", words.join("、")), &detail)
        })
    }

    /// The fields of a field that is an object. `prefix` is the field's name and a point.
    pub(super) fn object(&self, name: &str, prefix: &'static str) -> Result<Option<Fields<'a>>, Error> {
        let Some(raw) = self.raw(name) else { return Ok(None) };
        let fields = Fields::of_text(raw.get(), prefix);
        fields.map(Some).ok_or_else(|| self.wrong_type(name, "an object", "JSON对象", raw))
    }

    /// All fields as name and text, for an object whose names are free.
    pub(super) fn into_texts(self) -> Result<Vec<(String, String)>, Error> {
        let mut texts: Vec<(String, String)> = Vec::new();
        for name in self.names() {
            let Some(raw) = self.raw(name).filter(|_| texts.iter().all(|(other, _)| other != name)) else { continue };
            let text = serde_json::from_str(raw.get());
            let text = text.map_err(|_| self.wrong_type(&excerpt(name), "text", "文本", raw))?;
            texts.push((name.to_owned(), text));
        }
        Ok(texts)
    }

    /// A field of the type `T`, in words `wanted`.
    pub(super) fn typed<T: DeserializeOwned>(
        &self,
        name: &str,
        wanted: &str,
        wanted_zh: &str,
    ) -> Result<Option<T>, Error> {
        let Some(raw) = self.raw(name) else { return Ok(None) };
        match serde_json::from_str(raw.get()) {
            Ok(value) => Ok(Some(value)),
            Err(_) => Err(self.wrong_type(name, wanted, wanted_zh, raw)),
        }
    }

    pub(super) fn missing(&self, name: &str) -> Error {
        let name = self.name(name);
        Error::argument(&*name, format!("缺少字段{name}"), format!("the field `{name}` is missing"))
    }

    pub(super) fn wrong_type(&self, name: &str, wanted: &str, wanted_zh: &str, raw: &RawValue) -> Error {
        if wanted.starts_with("text") && describe(raw) == "text" {
            return self.refuse(
                name,
                "含有不成对的代理字符",
                "holds half of a surrogate pair (such as \\ud800), which has no UTF-8",
            );
        }
        let quotes = if (wanted, describe(raw)) == (FLAG, "text") { ",不加引号" } else { "" };
        self.refuse(name, &format!("必须是{wanted_zh}{quotes}"), &format!("must be {wanted}; it is {}", describe(raw)))
    }

    /// An error over the field `name`. The texts go on after the name, and never quote the value of a secret.
    pub(super) fn refuse(&self, name: &str, cause: &str, detail: &str) -> Error {
        let name = self.name(name);
        Error::argument(&*name, format!("字段{name}{cause}"), format!("`{name}` {detail}"))
    }

    fn name(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }
}

/// The whole number that a JSON number is, however it is written: programs that know one kind of number write 30 as `30.0`.
pub(super) fn whole_number(raw: &RawValue) -> Option<i64> {
    /// Beyond it not every whole number has a double.
    const LARGEST: f64 = 9_007_199_254_740_992.0;
    let text = raw.get();
    text.parse().ok().or_else(|| {
        let number: f64 = serde_json::from_str(text).ok()?;
        (number.fract() == 0.0 && number.abs() <= LARGEST).then_some(number as i64)
    })
}

/// What type of JSON a value is, in words; never the value itself, which may be a secret in the wrong place.
fn describe(raw: &RawValue) -> &'static str {
    match raw.get().as_bytes().first() {
        Some(b'n') => "null",
        Some(b't' | b'f') => "true or false",
        Some(b'"') => "text",
        Some(b'[') => "an array",
        Some(b'{') => "an object",
        _ => "a number",
    }
}

/// The beginning of a name that the caller made up.
fn excerpt(name: &str) -> Cow<'_, str> {
    match name.char_indices().nth(40) {
        Some((end, _)) => Cow::Owned(format!("{}…", &name[..end])),
        None => Cow::Borrowed(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_in_the_wrong_place_is_not_quoted() {
        for text in ["\"hunter2\"", "[\"hunter2\"]", "{\"retry\":\"hunter2\"}", "{\"a\": hunter2}"] {
            let error = Fields::of_request(text).and_then(|fields| fields.number("retry", 1..=10)).unwrap_err();
            assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
        }
    }

    #[test]
    fn the_last_value_of_a_name_counts() {
        let fields = Fields::of_request(r#"{"retry":"x","headers":{"B":1,"A":"2","B":"3"},"retr\u0079":7}"#).unwrap();
        assert_eq!(fields.number("retry", 1..=10).unwrap(), Some(7));
        let texts = fields.object("headers", "headers.").unwrap().unwrap().into_texts().unwrap();
        assert_eq!(texts, [("B", "3"), ("A", "2")].map(|(name, text)| (name.to_owned(), text.to_owned())));
    }

    #[test]
    fn a_whole_number_counts_however_it_is_written() {
        let read = |number: &str| {
            let text = format!("{{\"n\":{number}}}");
            Fields::of_request(&text).unwrap().number("n", 0..=600_000).map(Option::unwrap)
        };
        for (written, number) in
            [("30", 30), ("30.0", 30), ("3e1", 30), ("3.0E+1", 30), ("300e-1", 30), ("-0.0", 0), ("0", 0)]
        {
            assert_eq!(read(written).unwrap(), number, "{written}");
        }
        for written in ["30.5", "-1", "-1.0", "600001.0", "1e99", "1e400", "\"30\"", "true", "null", "[30]"] {
            assert_eq!(read(written).unwrap_err().field.as_deref(), Some("n"), "{written}");
        }
        assert_eq!(read("\"30\"").unwrap_err().cause, "字段n必须是0到600000的整数,不加引号");
        let codes =
            Fields::of_request(r#"{"code":[401.0,-7,4.01e2]}"#).unwrap().numbers("code", "numbers", "整数").unwrap();
        assert_eq!(codes, Some(vec![401, -7, 401]));
    }

    #[test]
    fn a_field_whose_name_only_looks_right_is_explained() {
        for (name, cause) in [
            (
                "host\u{200b}",
                "未知字段host\u{200b}(其名称末尾的第5个字符是看不见的零宽空格(U+200B),请删去),是否应为host",
            ),
            ("Ｈost", "未知字段Ｈost(其名称的第1个字符是全角字母「Ｈ」(U+FF28),请改成半角「H」),是否应为host"),
        ] {
            let text = serde_json::json!({ name: 1 }).to_string();
            assert_eq!(Fields::of_request(&text).unwrap().only(&[&["host"]]).unwrap_err().cause, cause);
        }
    }

    #[test]
    fn names_and_positions() {
        let error = Fields::of_request("{\"a\":\n tru}").err().unwrap();
        assert_eq!(error.detail, "the request is not JSON: expected ident, at line 2, character 5");
        assert_eq!(error.field, None);
        let fields = Fields::of_request(r#"{"tls":{"verfy":true}}"#).unwrap();
        let tls = fields.object("tls", "tls.").unwrap().unwrap();
        assert_eq!(tls.only(&[&["verify"]]).unwrap_err().field.as_deref(), Some("tls.verfy"));
    }
}
