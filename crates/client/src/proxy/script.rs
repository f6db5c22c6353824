//! A script for automatic configuration (PAC) that Windows is set to. This library does not run it, and who has one often
//! does not know: their browser works.

use crate::error::{Error, Kind};
use crate::request::Proxy;

/// The address of the script that is passed over, where a call follows the system's settings.
pub(crate) fn ignored(setting: &Proxy) -> Option<String> {
    match setting {
        #[cfg(windows)]
        Proxy::System => super::windows::Settings::of_user().ignored_script(),
        _ => None,
    }
}

/// Says so in an error that the script may explain.
pub(crate) fn note(error: Error, setting: &Proxy) -> Error {
    let may_explain = matches!(error.kind, Kind::Dns | Kind::Connect | Kind::Timeout | Kind::Proxy);
    match ignored(setting).filter(|_| may_explain) {
        Some(script) => with_script(error, &script),
        None => error,
    }
}

fn with_script(error: Error, script: &str) -> Error {
    let cause = format!("{};Windows设置了自动代理脚本,本库不执行,请在字段proxy中写出代理地址", error.cause);
    let detail = format!(
        "{}; Windows is set to find its proxy by the script {script} (AutoConfigURL), which this library does not run: give the proxy that it names in the field `proxy`",
        error.detail
    );
    Error { cause, detail, ..error }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_the_script_and_what_to_do() {
        let error = with_script(Error::new(Kind::Connect, "无法连接", "refused"), "http://wpad/a.pac");
        assert!(error.cause.contains("自动代理脚本") && error.cause.contains("字段proxy"), "{}", error.cause);
        assert!(error.detail.contains("http://wpad/a.pac (AutoConfigURL)"), "{}", error.detail);
    }
}
