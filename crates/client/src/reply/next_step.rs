//! What to do about a reply that is not the control center's JSON, by its HTTP status and by what it looks like.

/// Words of servers that were called by `http://` where they speak TLS: nginx, Tomcat, Go, Apache, IIS.
const TLS_WANTED: [&str; 5] = [
    "plain http request was sent to https port",
    "this combination of host and port requires tls",
    "sent an http request to an https server",
    "speaking plain http to an ssl-enabled server port",
    "is secured with secure sockets layer",
];

/// The status and what to do, to stand behind what is wrong with the reply.
pub(super) fn with_status(problem: &str, status: u16, text: &str) -> String {
    format!("{problem}(HTTP {status}),{}", of_status(status, text))
}

/// Whether a server says that it speaks TLS where the request came without.
pub(super) fn wants_tls(status: u16, text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    // nginx's own status for this is 497. It shows where somebody configured it so.
    matches!(status, 400 | 403 | 497) && TLS_WANTED.iter().any(|words| text.contains(words))
}

fn of_status(status: u16, text: &str) -> &'static str {
    match status {
        200..300 if is_page(text) => "可能是登录页或上网认证,请检查host",
        200..300 => "请检查host和rest_type",
        401 | 403 => "被网关或防火墙拒绝,请联系网络管理员",
        404 | 410 => "请检查rest_type和host的路径",
        405 => "此路径不接受这种请求方式,请检查mode、rest_type和host的路径",
        407 | 511 => "需要上网认证,请联系网络管理员",
        408 => "服务器等待超时,请稍后再试",
        429 => "请求过多,请稍后再试",
        400..500 => "服务器或网关不接受此请求,请检查参数或联系控制中心管理员",
        502..=504 | 520..=524 => "网关或控制中心暂时不可用,请稍后再试或联系管理员",
        500..600 => "控制中心或网关内部出错,请联系控制中心管理员",
        _ => "请检查host或联系控制中心管理员",
    }
}

/// An HTML page begins with a tag, a comment or its document type.
fn is_page(text: &str) -> bool {
    text.trim_start().starts_with('<')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_status_has_its_next_step() {
        for (status, text, step) in [
            (200, "<!DOCTYPE html>", "可能是登录页或上网认证,请检查host"),
            (200, "OK", "请检查host和rest_type"),
            (401, "", "被网关或防火墙拒绝,请联系网络管理员"),
            (403, "<html>", "被网关或防火墙拒绝,请联系网络管理员"),
            (404, "<html>", "请检查rest_type和host的路径"),
            (405, "", "请检查mode"),
            (429, "", "请求过多,请稍后再试"),
            (500, "", "请联系控制中心管理员"),
            (502, "", "网关或控制中心暂时不可用,请稍后再试或联系管理员"),
            (503, "", "网关或控制中心暂时不可用,请稍后再试或联系管理员"),
            (504, "", "网关或控制中心暂时不可用,请稍后再试或联系管理员"),
            (304, "", "请检查host或联系控制中心管理员"),
        ] {
            let told = with_status("返回内容不是JSON", status, text);
            assert!(told.starts_with(&format!("返回内容不是JSON(HTTP {status}),")), "{told}");
            assert!(told.contains(step), "{told}");
        }
    }
}
