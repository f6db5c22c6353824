//! What the caller wants to be told of a call beside its reply: `meta`, and `log`.

use std::path::PathBuf;

use super::RequestText;
use super::fields::Fields;
use crate::error::Error;

/// What is wanted.
#[derive(Debug, Default)]
pub(crate) struct Telling {
    pub(crate) meta: bool,
    pub(crate) log: Log,
}

/// The field `log`.
#[derive(Debug, Default)]
pub(crate) enum Log {
    /// Not given: what the environment says.
    #[default]
    Environment,
    /// Null: none.
    Off,
    To(LogSettings),
}

/// Where calls are logged, and which.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct LogSettings {
    pub(crate) folder: PathBuf,
    pub(crate) level: Level,
    pub(crate) keep_days: u32,
}

/// From which on a line is written; the greater, the more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    /// Calls that failed.
    Error,
    /// And events, and calls with warnings.
    Warn,
    /// And all other calls.
    Info,
    /// And each attempt.
    Debug,
}

impl Level {
    pub(crate) const ALL: [(&'static str, Level); 4] =
        [("error", Level::Error), ("warn", Level::Warn), ("info", Level::Info), ("debug", Level::Debug)];
}

/// For so many days files are kept by default.
pub(crate) const KEEP_DAYS: u32 = 14;

impl Telling {
    /// As far as it can be read: an error over any other field is told in the same way.
    pub(crate) fn of(request: &RequestText<'_>) -> Telling {
        // Hardly any request names them.
        if !["\"meta\"", "\"log\"", "\\u"].iter().any(|piece| request.text.contains(piece)) {
            return Telling::default();
        }
        let Ok(mut fields) = request.fields() else { return Telling::default() };
        let (meta, log) = (meta(&fields), log(&fields));
        fields.is_told = meta.is_ok() && log.is_ok();
        let telling = Telling { meta: meta.unwrap_or_default(), log: log.unwrap_or_default() };
        request.read.set(Some(fields));
        telling
    }

    /// Refuses what is wrong in these fields.
    pub(super) fn check(fields: &Fields<'_>) -> Result<(), Error> {
        if fields.is_told {
            return Ok(());
        }
        meta(fields)?;
        log(fields).map(drop)
    }
}

fn meta(fields: &Fields<'_>) -> Result<bool, Error> {
    Ok(fields.flag("meta")?.unwrap_or(false))
}

fn log(fields: &Fields<'_>) -> Result<Log, Error> {
    match fields.raw("log").map(|raw| raw.get()) {
        None => return Ok(Log::Environment),
        Some("null") => return Ok(Log::Off),
        Some(_) => {}
    }
    let Some(log) = fields.object("log", "log.")? else { return Ok(Log::Environment) };
    log.only(&[&["folder", "level", "keep_days"]])?;
    let folder = log.text("folder")?.ok_or_else(|| log.missing("folder"))?;
    log.check_file_path("folder", &folder)?;
    let level = log.choice("level", &Level::ALL)?.unwrap_or(Level::Info);
    let keep_days = log.number("keep_days", 1..=3650)?.and_then(|days| u32::try_from(days).ok());
    Ok(Log::To(LogSettings { folder: folder.into(), level, keep_days: keep_days.unwrap_or(KEEP_DAYS) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wanted_is_read_though_another_field_is_wrong() {
        let of = |text| Telling::of(&RequestText::new(text));
        let telling = of(r#"{"host":7,"meta":true,"log":{"folder":"D:/log","level":"debug"},"nonsense":1}"#);
        assert!(telling.meta);
        let Log::To(log) = telling.log else { panic!("{:?}", telling.log) };
        assert_eq!(log, LogSettings { folder: "D:/log".into(), level: Level::Debug, keep_days: 14 });
        assert!(of(r#"{"\u006deta":true}"#).meta);
        assert!(matches!(of(r#"{"log":null}"#).log, Log::Off));
        for request in ["{}", r#"{"meta":1}"#, r#"{"meta":true"#, r#"{"a":"\"meta\""}"#, r#"{"log":{}}"#] {
            let telling = of(request);
            assert!(!telling.meta && matches!(telling.log, Log::Environment), "{request}");
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (request, field) in [
            (r#"{"meta":"true"}"#, "meta"),
            (r#"{"log":true}"#, "log"),
            (r#"{"log":{}}"#, "log.folder"),
            (r#"{"log":{"folder":""}}"#, "log.folder"),
            (r#"{"log":{"folder":"a","level":"all"}}"#, "log.level"),
            (r#"{"log":{"folder":"a","keep_days":0}}"#, "log.keep_days"),
            (r#"{"log":{"folder":"a","days":1}}"#, "log.days"),
        ] {
            let error = Telling::check(&Fields::of_request(request).unwrap()).unwrap_err();
            assert_eq!(error.field.as_deref(), Some(field), "{request}");
        }
    }
}
