//! A request for a diagnosis: all that can be read of it is read, and each field that is wrong is told and put aside.

use serde_json::value::RawValue;

use super::fields::Fields;
use super::{
    CALL_NAMES, CallRequest, CallText, Data, FileToSend, OF_THE_START, RequestText, SaveTo, data, keys, options,
};
use crate::error::Error;

/// The fields of `rpa_diagnose` alone.
const NAMES: [&str; 2] = ["get_token", "settings_from"];

/// What stands in for a field that has to be there, so that those behind it are read all the same.
const STAND_INS: [(&str, &str); 8] = [
    ("host", "\"http://localhost\""),
    ("rest_type", "\"/\""),
    ("mode", "\"get\""),
    ("accesstoken", "\"-\""),
    ("accesskey", "\"-\""),
    ("secretkey", "\"-\""),
    ("appkey", "\"-\""),
    ("action", "\"-\""),
];

/// A request, with what is wrong in it.
pub(crate) struct Readable<'a> {
    text: CallText<'a>,
    /// One for each field that is wrong, in the order in which they were found.
    pub(crate) faults: Vec<Error>,
    /// Fields that were put aside, or that something stands in for.
    aside: Vec<String>,
    given: Vec<Field>,
    from: Vec<(String, String)>,
    get_token: bool,
}

/// A field as the request has it.
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) json: String,
}

impl<'a> Readable<'a> {
    /// Reads what can be read. An error is one of the whole text.
    pub(crate) fn read(text: &RequestText<'a>) -> Result<Readable<'a>, Error> {
        let mut fields = text.fields()?;
        let given = given(&fields);
        let mut faults = fields.put_unknown_aside(&[&CALL_NAMES, &keys::NAMES, &options::NAMES, &NAMES]);
        let get_token = fields.flag("get_token").unwrap_or_else(|fault| {
            faults.push(fault);
            None
        });
        let from = fields.object("settings_from", "settings_from.").and_then(|from| match from {
            Some(from) => from.into_texts(),
            None => Ok(Vec::new()),
        });
        let from = from.unwrap_or_else(|fault| {
            faults.push(fault);
            Vec::new()
        });
        let text = CallText { fields, data: Data::Object("{}") };
        let get_token = get_token.unwrap_or(false);
        let mut readable = Readable { text, faults, aside: Vec::new(), given, from, get_token };
        readable.put_faults_aside();
        Ok(readable)
    }

    /// The checked request. Where a field that has to be there is not, something else stands in for it: see `has`. No file
    /// goes with it: a diagnosis writes none, and sends none.
    pub(crate) fn request(&self) -> Result<CallRequest<'_>, Error> {
        Ok(CallRequest { files: Vec::new(), save_to: None, ..self.text.check()? })
    }

    /// The files that a call would read, and the one that it would write.
    pub(crate) fn files(&self) -> Result<(Vec<FileToSend>, Option<SaveTo>), Error> {
        self.text.check().map(|request| (request.files, request.save_to))
    }

    /// Whether a field of this name was given and could be read.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.text.fields.has(name) && !self.is_aside(name)
    }

    /// Whether a field was wrong, or is missing.
    pub(crate) fn is_aside(&self, name: &str) -> bool {
        self.aside.iter().any(|other| other == name)
    }

    /// Whether a token may be asked for.
    pub(crate) fn may_get_token(&self) -> bool {
        self.get_token
    }

    /// All fields, as they were given.
    pub(crate) fn given(&self) -> &[Field] {
        &self.given
    }

    /// Where a value came from, as the host program says.
    pub(crate) fn source(&self, name: &str) -> Option<&str> {
        self.from.iter().find(|(field, _)| field == name).map(|(_, from)| &**from)
    }

    fn put_faults_aside(&mut self) {
        let of_pair = ["accesskey", "secretkey"];
        let has_key = of_pair.iter().any(|name| self.text.fields.has(name));
        // Each round puts a field aside or stands in for one: there are not as many fields as this.
        for _ in 0..200 {
            let read = data(&self.text.fields).map(|data| self.text.data = data);
            let read = read.and_then(|()| self.text.check().map(drop)).and_then(|()| self.check_sequence());
            let Err(fault) = read else { return };
            let name = fault.field.clone().unwrap_or_default();
            let name = name.split('.').next().unwrap_or_default().to_owned();
            let was_given = self.text.fields.has(&name);
            // A diagnosis takes what there is; but one key is of no use without the other.
            let is_optional = ["rest_type", "mode", "accesstoken", "appkey", "action"].contains(&&*name)
                || (of_pair.contains(&&*name) && !has_key)
                || self.is_aside(&name);
            // What is wrong with both of a pair is told once.
            let is_told =
                of_pair.contains(&&*name) && of_pair.iter().any(|other| *other != name && self.is_aside(other));
            if (was_given && !is_told) || !(was_given || is_optional) {
                self.faults.push(fault);
            }
            self.text.fields.put_aside(&name);
            let stand_in = STAND_INS.iter().find(|(stood_for, _)| *stood_for == name);
            if let Some((name, json)) = stand_in
                && !was_given
                && let Ok(raw) = serde_json::from_str::<&RawValue>(json)
            {
                self.text.fields.stand_in(name, raw);
            }
            if !self.is_aside(&name) {
                self.aside.push(name);
            }
        }
    }
}

impl Readable<'_> {
    /// Checks what makes a call one of several: `wait`, `resume`, `pages`.
    fn check_sequence(&self) -> Result<(), Error> {
        // What stands in for a field was not given beside them, and where the host is wrong, no text is of another one.
        let is_out = |name: &str| match name {
            "resume" => self.is_aside("host"),
            _ => {
                OF_THE_START.contains(&name)
                    && (self.is_aside(name) || self.given.iter().all(|field| field.name != name))
            }
        };
        let fields = self.text.fields.without(is_out);
        CallText { fields, data: Data::Object("{}") }.waiting()?;
        self.text.pages().map(drop)
    }
}

fn given(fields: &Fields<'_>) -> Vec<Field> {
    let mut given: Vec<Field> = Vec::new();
    for name in fields.names() {
        if given.iter().all(|field| field.name != name)
            && let Some(raw) = fields.raw(name)
        {
            given.push(Field { name: name.to_owned(), json: raw.get().to_owned() });
        }
    }
    given
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(text: &str) -> Vec<String> {
        let readable = Readable::read(&RequestText::new(text)).unwrap();
        assert!(readable.request().is_ok(), "{text}");
        readable.faults.iter().map(|fault| fault.field.clone().unwrap_or_default().into_string()).collect()
    }

    #[test]
    fn each_wrong_field_is_told_and_the_others_are_read() {
        for (text, expected) in [
            (r#"{"host":"http://a"}"#, &[][..]),
            ("{}", &["host"]),
            (
                r#"{"host":"a","retry":99,"tls":{"ca_file":""},"mode":"push"}"#,
                &["host", "mode", "retry", "tls.ca_file"],
            ),
            (r#"{"host":"http://a","acesskey":"x","accesskey":"k"}"#, &["acesskey", "secretkey"]),
            (r#"{"host":"http://a","accesskey":" k","secretkey":"s"}"#, &["accesskey"]),
            (r#"{"host":"http://a","accesskey":"k","secretkey":"s","accesstoken":"t"}"#, &["accesskey"]),
            (r#"{"host":"http://a","token_store":{"file":"~/a"}}"#, &["token_store.file"]),
            (r#"{"host":"http://a","data_json":[1],"port":0}"#, &["data_json", "port"]),
            (r#"{"host":"http://a","wait":[]}"#, &["wait"]),
            (r#"{"host":"http://a","wait":{"rest_type":"/b","until":[]}}"#, &["wait.until"]),
            (
                r#"{"host":"http://a","wait":{"rest_type":"/b","until":[{"pointer":"/s","in":[1]}]},"retry_mode":"always"}"#,
                &["retry_mode"],
            ),
            (r#"{"host":"http://a","resume":"rpa1.x"}"#, &["resume"]),
            (r#"{"host":"http://a","rest_type":"/a","resume":"rpa1.x"}"#, &["rest_type", "resume"]),
            (r#"{"host":"a","resume":7,"pages":{"page":"p"}}"#, &["host", "pages.items"]),
            (r#"{"host":"http://a","resume":7}"#, &["resume"]),
            (r#"{"host":"http://a","pages":{"page":"p","items":"l"}}"#, &["pages.items"]),
            (r#"{"host":"http://a","mode":"put","pages":{"page":"p","items":"/l"}}"#, &["mode"]),
            (r#"{"host":"http://a","data_json":{"p":-1},"pages":{"page":"p","items":"/l"}}"#, &["data_json"]),
            (r#"{"host":"http://a","mode":"post","files":{}}"#, &["files"]),
            (r#"{"host":"http://a","mode":"get","files":{"a":"b"}}"#, &["files"]),
            (r#"{"host":"http://a","save_to":"a/"}"#, &["save_to.path"]),
            (r#"{"host":"http://a","save_to":{"path":"a","overwrite":1}}"#, &["save_to.overwrite"]),
            (r#"{"host":"http://a","get_token":1,"settings_from":{"host":2}}"#, &["get_token", "settings_from.host"]),
        ] {
            assert_eq!(faults(text), expected, "{text}");
        }
        let text = r#"{"host":"http://a","timeout_ms":0,"retry":5,"settings_from":{"host":"x"}}"#;
        let readable = Readable::read(&RequestText::new(text)).unwrap();
        assert_eq!(readable.request().unwrap().options.retry, 5);
        assert_eq!((readable.source("host"), readable.has("rest_type")), (Some("x"), false));
    }

    #[test]
    fn a_text_that_is_no_object_is_told_as_a_whole() {
        assert!(["{", "[]"].iter().all(|text| Readable::read(&RequestText::new(text)).is_err()));
    }
}
