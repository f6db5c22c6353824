//! Whether a call is logged, where, and from which level on.

use std::env;
use std::sync::OnceLock;

use crate::request::{KEEP_DAYS, Level, Log, LogSettings, Telling};

/// What the environment says, as the first call found it: a program that changes it meanwhile may crash the reader.
struct Environment {
    settings: Option<LogSettings>,
    /// The level that is none.
    is_wrong: bool,
}

fn environment() -> &'static Environment {
    static ENVIRONMENT: OnceLock<Environment> = OnceLock::new();
    ENVIRONMENT.get_or_init(|| {
        let Some(folder) = env::var_os("RPA_OPENAPI_LOG").filter(|folder| !folder.is_empty()) else {
            return Environment { settings: None, is_wrong: false };
        };
        let word = env::var("RPA_OPENAPI_LOG_LEVEL").unwrap_or_default();
        let known = Level::ALL.into_iter().find(|(name, _)| word.trim().eq_ignore_ascii_case(name));
        let level = known.map_or(Level::Info, |(_, level)| level);
        let settings = Some(LogSettings { folder: folder.into(), level, keep_days: KEEP_DAYS });
        Environment { settings, is_wrong: known.is_none() && !word.trim().is_empty() }
    })
}

/// Where to; `None` for nowhere.
pub(super) fn settings(telling: &Telling) -> Option<&LogSettings> {
    match &telling.log {
        Log::To(settings) => Some(settings),
        Log::Off => None,
        Log::Environment => environment().settings.as_ref(),
    }
}

/// What is wrong with the environment's own words, in Chinese and in English.
pub(super) fn trouble(telling: &Telling) -> Option<(String, String)> {
    let is_told = matches!(telling.log, Log::Environment) && environment().is_wrong;
    is_told.then(|| {
        (
            "环境变量RPA_OPENAPI_LOG_LEVEL只能为error、warn、info、debug,现按info处理".to_owned(),
            "the environment variable RPA_OPENAPI_LOG_LEVEL must be one of error, warn, info, debug; info is used"
                .to_owned(),
        )
    })
}
