//! A proxy that wants to know who asks (RFC 9110, 11.7): what it offers, and what of it this library speaks.

use super::in_use::ProxyInUse;
use crate::error::{Error, Kind};

/// The only scheme that is spoken here.
const BASIC: &str = "Basic";
/// How the usual schemes are written; they are compared without regard to case.
const KNOWN: [&str; 6] = [BASIC, "Digest", "NTLM", "Negotiate", "Kerberos", "Bearer"];

/// A proxy refuses the credentials that it got, or wants some. It is never asked again: a few wrong passwords lock the
/// account of whoever they belong to. `said` is what it answered.
pub(super) fn refused(proxy: &ProxyInUse, challenges: &[&str], said: &str) -> Error {
    let (zh, en) = (proxy.zh(), proxy.en());
    let schemes = schemes(challenges);
    let others = schemes.iter().filter(|scheme| *scheme != BASIC).map(String::as_str).collect::<Vec<_>>();
    let takes_basic = schemes.is_empty() || others.len() < schemes.len();
    let (others_zh, others) = (others.join("/"), others.join(", "));
    let (cause, detail) = match (takes_basic, proxy.server.credentials.is_some()) {
        (false, _) => (
            format!("{zh}只接受{others_zh}认证,本库不支持,请在本机运行px或cntlm,并把代理地址改为它们的地址"),
            format!(
                "{en} wants to be signed in to by {others}, which this library does not speak ({said}): run px or cntlm on this machine, which do, and give their address as the proxy's"
            ),
        ),
        (true, true) => (
            format!("{zh}拒绝了所给的用户名或密码,请核对(特殊字符要写成%XX,域账号写成域名%5C用户名)"),
            format!(
                "{en} refused these credentials ({said}): check user name and password, in which special characters are percent-encoded; this is not tried again, so that no account is locked{}",
                also(&others)
            ),
        ),
        (true, false) => (
            format!("{zh}要求用户名和密码,请写成http://用户名:密码@主机:端口"),
            format!(
                "{en} wants a user name and a password ({said}): write `http://user:password@host:port` in {}{}",
                proxy.source.en(),
                also(&others)
            ),
        ),
    };
    Error { is_final: true, ..Error::new(Kind::Proxy, cause, detail) }
}

fn also(others: &str) -> String {
    if others.is_empty() {
        return String::new();
    }
    format!("; it also offers {others}, which this library does not speak, but px or cntlm on this machine do")
}

/// The schemes of all challenges, each once. A header may hold several challenges, and a challenge several parameters, all
/// with commas between (RFC 9110, 11.6.1): what begins with a word alone is a scheme, what holds `name=value` is not.
fn schemes(challenges: &[&str]) -> Vec<String> {
    let mut schemes: Vec<String> = Vec::new();
    for part in challenges.iter().flat_map(|value| split_outside_quotes(value)) {
        let (word, rest) = part.split_once([' ', '\t']).unwrap_or((part, ""));
        let is_token = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if !is_token || rest.trim_start().starts_with('=') {
            continue;
        }
        let known = KNOWN.iter().find(|known| known.eq_ignore_ascii_case(word)).map(|known| (*known).to_owned());
        // What nobody knows may be anything, and stays short.
        let scheme = known.unwrap_or_else(|| word.chars().take(20).collect());
        if !schemes.contains(&scheme) {
            schemes.push(scheme);
        }
    }
    schemes
}

fn split_outside_quotes(value: &str) -> Vec<&str> {
    let (mut parts, mut start, mut quoted, mut escaped) = (Vec::new(), 0, false, false);
    for (at, c) in value.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            ',' if !quoted => {
                parts.push(value[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(value[start..].trim());
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proxy::in_use::Source;
    use crate::request::ProxyServer;

    #[test]
    fn schemes_are_read_from_any_number_of_headers() {
        for (challenges, expected) in [
            (&["Basic realm=\"a, Digest b\""][..], &["Basic"][..]),
            (&["NTLM", "Negotiate", "BASIC realm=x"], &["NTLM", "Negotiate", "Basic"]),
            (&["negotiate, ntlm, basic realm=\"x\\\", y\""], &["Negotiate", "NTLM", "Basic"]),
            (&["Digest realm=\"a\", nonce=\"b\", qop = auth, algorithm=MD5"], &["Digest"]),
            (&["NTLM TlRMTVNTUAAC=="], &["NTLM"]),
            (&["Basic", "basic"], &["Basic"]),
            (&["x-A-scheme-of-somebody-with-a-long-name"], &["x-A-scheme-of-somebod"[..20].trim()]),
            (&["", ",", "="], &[]),
        ] {
            assert_eq!(schemes(challenges), expected, "{challenges:?}");
        }
    }

    #[test]
    fn what_is_said_depends_on_what_was_given_and_on_what_is_offered() {
        let told = |url: &str, challenges: &[&str]| {
            let server = ProxyServer::parse(url).unwrap();
            let proxy = ProxyInUse { server, source: Source::Variable("HTTPS_PROXY") };
            let error = refused(&proxy, challenges, "HTTP status 407");
            assert!(error.is_final && error.kind == Kind::Proxy);
            for text in [&error.cause, &error.detail] {
                assert!(text.contains("http://p:8080") && text.contains("HTTPS_PROXY"), "{text}");
                assert!(!text.contains("hunter2") && !text.contains("robot"), "{text}");
            }
            (error.cause, error.detail)
        };
        let (without, with) = ("http://p:8080", "http://robot:hunter2@p:8080");
        for challenges in [&[][..], &["Basic realm=\"p\""], &["NTLM", "Basic"]] {
            let (cause, detail) = told(without, challenges);
            assert!(cause.contains("要求用户名和密码"), "{cause}");
            assert!(detail.contains("wants a user name and a password"), "{detail}");
            let (cause, detail) = told(with, challenges);
            assert!(cause.contains("拒绝了所给的用户名或密码"), "{cause}");
            assert!(detail.contains("refused these credentials"), "{detail}");
            assert_eq!(detail.contains("it also offers NTLM"), challenges.len() > 1, "{detail}");
        }
        for url in [without, with] {
            let (cause, detail) = told(url, &["Negotiate", "NTLM"]);
            assert!(cause.contains("只接受Negotiate/NTLM认证") && cause.contains("px或cntlm"), "{cause}");
            assert!(detail.contains("by Negotiate, NTLM, which this library does not speak"), "{detail}");
            assert!(detail.contains("px or cntlm"), "{detail}");
            assert!(told(url, &["Digest realm=\"x\""]).0.contains("只接受Digest认证"));
        }
    }
}
