//! The fields `wait` and `resume`: what is asked for, again and again, until a reply says that the work is over.

use std::path::PathBuf;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use super::condition::{Condition, conditions};
use super::fields::Fields;
use super::references::{Unfilled, fill};
use super::{Address, Api, Data, data, generation, unseen};
use crate::basics::json::quoted;
use crate::error::Error;

/// What is asked for, and until when.
pub(crate) struct Waiting {
    pub(crate) api: Api,
    /// The parameters as JSON, with references to the first reply where it was not there yet.
    pub(crate) data: String,
    /// The references have been replaced.
    pub(crate) is_filled: bool,
    /// It had references.
    pub(crate) refers: bool,
    pub(crate) until: Vec<Condition>,
    pub(crate) fail: Vec<Condition>,
    pub(crate) every: Duration,
    pub(crate) limit: Duration,
    pub(crate) resume_file: Option<PathBuf>,
    /// The file stays when the work is over: then the same call starts nothing, until somebody takes the file away.
    pub(crate) keeps_file: bool,
    /// The fields that a resume text holds as they stand: `until` and `fail`.
    conditions: [String; 2],
    /// What went before, in this process or another one.
    pub(crate) begun: Option<Begun>,
}

/// The call was made already.
pub(crate) struct Begun {
    /// Its reply, unless that was too long to be kept.
    pub(crate) started: Option<String>,
}

const NAMES: [&str; 10] =
    ["rest_type", "action", "mode", "data_json", "until", "fail", "every_ms", "timeout_ms", "resume_file", "keep_file"];
const LONGEST_MS: u64 = 7 * 86_400_000;
/// A first reply that is longer does not go into a resume text.
const LONGEST_STARTED: usize = 16 * 1024;
/// What a resume text begins with: its version.
const VERSION: &str = "rpa1.";

impl Waiting {
    /// The waiting that a request asks for: `wait` is the field of this name, `resume` the text of the field of that name.
    pub(super) fn read(
        request: &Fields<'_>,
        wait: Option<&Fields<'_>>,
        resume: Option<&str>,
    ) -> Result<Waiting, Error> {
        let kept = match resume {
            None => String::new(),
            Some(text) => decoded(text).ok_or_else(|| no_resume(request))?,
        };
        let kept = match resume {
            None => None,
            Some(_) => Some(Fields::of_text(&kept, "resume.").ok_or_else(|| no_resume(request))?),
        };
        let empty = Fields::of_text("{}", "wait.").ok_or_else(|| no_resume(request))?;
        let wait = wait.unwrap_or(&empty);
        wait.only(&[&NAMES])?;
        let scheme = generation::read(request)?;
        generation::refuse_foreign(wait, scheme)?;
        if let Some(kept) = &kept
            && kept.text("host").ok().flatten() != Some(Address::read(request, scheme.port())?.url(""))
        {
            return Err(request.refuse(
                "resume",
                "属于另一个控制中心,请检查host和port",
                "is of another control center than `host` and `port` say",
            ));
        }
        // What the request says counts more than what the resume text holds.
        let of = |name: &str| kept.as_ref().filter(|kept| !wait.has(name) && kept.has(name)).unwrap_or(wait);
        let until = conditions(of("until"), "until")?;
        if until.is_empty() {
            let missing = |_: &_| wait.refuse("until", "不能为空数组", "must not be empty");
            return Err(wait.raw("until").map_or_else(|| wait.missing("until"), missing));
        }
        let mode_given = of("mode");
        let mode = match mode_given.has("mode") || scheme.path().is_some() {
            true => super::mode(mode_given, scheme)?,
            false => super::Mode::Get,
        };
        let api = Api::read(of("rest_type"), of("action"), scheme, mode)?;
        let given = of("data_json");
        let data = match data(given)? {
            Data::Object(text) => text.to_owned(),
            Data::Text(text) => text,
        };
        let is_filled = kept.as_ref().is_some_and(|kept| !wait.has("data_json") && kept.has("filled"));
        super::parameters(&Data::Object(&data), given)?;
        let references = if is_filled { Ok(0) } else { fill(&data, None).map(|filled| filled.references) };
        let Ok(references) = references else {
            return Err(given.refuse(
                "data_json",
                "中pointer的值不是JSON指针(如/result/jobNo);要原样发送该对象,请写{\"literal\":{\"pointer\":…}}",
                "holds {\"pointer\":...} with what is no JSON pointer, such as \"/result/jobNo\"; to send such an object as it is, write {\"literal\":{\"pointer\":...}}",
            ));
        };
        let resume_file = wait.text("resume_file")?;
        if let Some(file) = &resume_file {
            if request.has("resume") {
                let detail = "does not go with `resume`: leave the text out, and the file says what is to go on";
                return Err(wait.refuse("resume_file", "不能与resume一起给", detail));
            }
            wait.check_file("resume_file", file)?;
        }
        let keeps_file = wait.flag("keep_file")?.unwrap_or(false);
        if keeps_file && resume_file.is_none() {
            return Err(wait.refuse("keep_file", "要与resume_file一起给", "goes with `resume_file` alone"));
        }
        let raw = |name: &str| of(name).raw(name).map_or("[]", |raw| raw.get()).to_owned();
        Ok(Waiting {
            api,
            data,
            is_filled,
            refers: references > 0,
            until,
            fail: conditions(of("fail"), "fail")?,
            every: Duration::from_millis(of("every_ms").number("every_ms", 100..=3_600_000)?.unwrap_or(2_000)),
            // A resume text holds none of 0, which only starts: that is not for whoever goes on.
            limit: Duration::from_millis(of("timeout_ms").number("timeout_ms", 0..=LONGEST_MS)?.unwrap_or(3_600_000)),
            resume_file: resume_file.map(PathBuf::from),
            keeps_file,
            conditions: [raw("until"), raw("fail")],
            begun: kept.map(|kept| Begun { started: kept.raw("started").map(|raw| raw.get().to_owned()) }),
        })
    }

    /// The same waiting, begun by the call whose reply is `started`: its values take the place of the references.
    pub(crate) fn fill(&mut self, started: &str) -> Result<(), Unfilled> {
        if !self.is_filled {
            self.data = fill(&self.data, Some(started))?.text;
            self.is_filled = true;
        }
        Ok(())
    }

    /// The text by which another process goes on: nothing in it is secret.
    pub(crate) fn resume_text(&self, address: &Address, started: Option<&str>) -> String {
        let mut json = String::new();
        let mode = match self.api.mode {
            super::Mode::Get => "get",
            super::Mode::Post => "post",
            super::Mode::Put => "put",
            super::Mode::Delete => "delete",
        };
        let ms = |duration: Duration| duration.as_millis().to_string();
        let [until, fail] = &self.conditions;
        let (path, action) = (quoted(&self.api.path), quoted(&self.api.action));
        let is_path = self.api.action.is_empty();
        let api = if is_path { (",\"rest_type\":", &*path) } else { (",\"action\":", &*action) };
        for (name, value) in [
            ("{\"host\":", &*quoted(&address.url(""))),
            api,
            (",\"mode\":", &quoted(mode)),
            (",\"data_json\":", &self.data),
            (",\"until\":", until),
            (",\"fail\":", fail),
            (",\"every_ms\":", &ms(self.every)),
        ] {
            json.extend([name, value]);
        }
        if !self.limit.is_zero() {
            json.extend([",\"timeout_ms\":", &ms(self.limit)]);
        }
        if let Some(started) = started.filter(|started| started.len() <= LONGEST_STARTED) {
            json.extend([",\"started\":", started]);
        }
        json.push_str(if self.is_filled { ",\"filled\":true}" } else { "}" });
        [VERSION, &BASE64_URL_SAFE_NO_PAD.encode(json)].concat()
    }
}

fn decoded(text: &str) -> Option<String> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(text.strip_prefix(VERSION)?).ok()?;
    String::from_utf8(bytes).ok()
}

fn no_resume(request: &Fields<'_>) -> Error {
    request.refuse(
        "resume",
        "不是本库给出的resume文本,或不完整",
        "is no resume text of this library, or not a whole one: give what `result.resume`, `error.resume` or the file of `resume_file` holds",
    )
}

/// A resume text that was given, without characters that cannot belong to it.
pub(super) fn resume_text(request: &Fields<'_>) -> Result<Option<String>, Error> {
    if !request.has("resume") {
        return Ok(None);
    }
    request.required_text("resume", unseen::in_word).map(Some)
}
