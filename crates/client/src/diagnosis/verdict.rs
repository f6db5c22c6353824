//! What of all that was found is the cause, and what merely follows from it.

use super::case::Case;
use super::check::{Check, Facts, Status, Words};
use serde_json::Value;

/// Fields without which nothing of these checks can be judged.
const NEEDS: [(&str, &[&str]); 6] = [
    ("tls", &["tls"]),
    ("http", &["tls"]),
    ("clock", &["tls"]),
    ("store", &["token_store", "tls"]),
    ("token", &["tls", "headers", "accesskey", "secretkey", "accesstoken"]),
    ("signature", &["tls", "headers", "accesskey", "secretkey", "accesstoken", "encoding", "values"]),
];

/// Each check that fails after another one on the same way is a consequence of it.
pub(super) fn settle(case: &Case<'_>, checks: &mut [Check]) {
    for (name, fields) in NEEDS {
        let Some(field) = fields.iter().find(|field| {
            case.readable.is_aside(field)
                && case.readable.faults.iter().any(|fault| concerns(fault.field.as_deref(), field))
        }) else {
            continue;
        };
        if let Some(check) = checks.iter_mut().find(|check| check.name == name && cries(check)) {
            check.follows_from(Words::told(
                format_args!("字段{field}有误"),
                format_args!("the field `{field}` is wrong"),
            ));
        }
    }
    let mut cause: Option<&'static str> = None;
    for check in checks.iter_mut().filter(|check| !["settings", "store"].contains(&check.name)) {
        match cause {
            Some(cause) if cries(check) => {
                check.follows_from(Words::told(format_args!("先解决{cause}"), format_args!("{cause} comes first")));
            }
            None if check.status == Status::Fail => cause = Some(check.name),
            _ => {}
        }
    }
}

fn concerns(fault: Option<&str>, field: &str) -> bool {
    fault.is_some_and(|fault| fault.split('.').next() == Some(field))
}

fn cries(check: &Check) -> bool {
    matches!(check.status, Status::Fail | Status::Warning)
}

/// The first cause, as one sentence.
pub(super) fn of(checks: &[Check]) -> Facts {
    let first = |status| checks.iter().find(|check| check.status == status);
    let mut verdict = Facts::default();
    let found = first(Status::Fail).or_else(|| first(Status::Warning));
    verdict.flag("ok", first(Status::Fail).is_none());
    let words = match found {
        None => all_is_well(checks),
        Some(check) if check.status == Status::Fail => check.words.clone(),
        Some(check) => Words::told(
            format_args!("可以调用,但请注意:{}", check.words.zh),
            format_args!("calls work, but: {}", check.words.en),
        ),
    };
    verdict.text("zh", &words.zh);
    verdict.text("en", &words.en);
    let text = |text: Option<&str>| text.map_or(Value::Null, |text| Value::String(text.to_owned()));
    verdict.put("check", text(found.map(|check| check.name)));
    verdict.put("setting", text(found.and_then(|check| check.setting.as_deref())));
    verdict.put("turn", text(found.and_then(|check| check.turn.map(super::check::Turn::word))));
    verdict
}

fn all_is_well(checks: &[Check]) -> Words {
    let is_signed = checks.iter().any(|check| check.name == "signature" && check.status == Status::Ok);
    if is_signed {
        return Words::new("一切正常:控制中心接受了签名的调用", "all is well: the control center took a signed call");
    }
    // What would have to be given for the rest.
    let left = checks.iter().filter(|check| ["token", "signature"].contains(&check.name));
    let words = Words::new("所查各项均正常", "all that was checked is well");
    left.filter_map(|check| Some((check.name, check.because.as_ref()?))).fold(words, |words, (name, because)| {
        words.and(&[";", name, "未检查:", &because.zh].concat(), &["; ", name, " not checked: ", &because.en].concat())
    })
}
