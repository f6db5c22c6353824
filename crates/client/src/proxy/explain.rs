//! What is told of a proxy: which one it was, where its address stands, what it did, and what to do about it.

use std::io::{self, ErrorKind};

use super::credentials;
use super::in_use::ProxyInUse;
use super::quote::Quotes;
use super::refusal::{Refusal, Speaks};
use crate::error::{Error, Kind, system};

/// How far the way to and through a proxy was gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// Its name was looked up.
    Lookup,
    /// A connection to it was made.
    Connect,
    /// It was asked for the way on.
    Ask,
}

/// A failure on the way to the proxy, or what it did in place of leading on to `target`, `host:port`.
pub(crate) fn failed(error: &io::Error, step: Step, proxy: &ProxyInUse, target: &str) -> Error {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<Refusal>()) {
        Some(refusal) => refused(refusal, proxy, target),
        None if error.kind() == ErrorKind::UnexpectedEof => {
            refused(&Refusal::Closed { silently: false }, proxy, target)
        }
        None => unreachable(&system::in_english(error), step, proxy),
    }
}

/// The proxy cannot be reached, or the connection to it broke; `why` is the system's word for it.
pub(crate) fn unreachable(why: &str, step: Step, proxy: &ProxyInUse) -> Error {
    let (zh, en) = (proxy.zh(), proxy.en());
    match step {
        Step::Lookup => told(
            format!("{zh}的域名无法解析,请检查代理地址"),
            format!(
                "the name of {en} does not resolve: {why}; check the proxy's address, or give `\"proxy\": null` to go without"
            ),
        ),
        Step::Connect => told(
            format!("{zh}连接不上,请检查代理地址和端口,或确认代理已启动"),
            format!(
                "{en} cannot be reached: {why}; check its address and port, or give `\"proxy\": null` to go without"
            ),
        ),
        Step::Ask => told(
            format!("{zh}中途断开连接,请检查代理地址和端口"),
            format!("the connection to {en} broke before it led on: {why}"),
        ),
    }
}

/// No answer of the proxy came in time; `limits` are the fields that set the time.
pub(crate) fn timed_out(step: Step, limits: &str, proxy: &ProxyInUse) -> Error {
    let (zh, en) = (proxy.zh(), proxy.en());
    let doing = match step {
        Step::Lookup => "looking up the name of",
        Step::Connect => "connecting to",
        Step::Ask => "waiting for",
    };
    let cause = format!("{zh}超时没有响应,请检查代理地址和端口,或确认代理已启动");
    Error::new(Kind::Timeout, cause, format!("timed out while {doing} {en} ({limits})"))
}

/// What came through a tunnel where a TLS server should have spoken is not TLS. Never a word of plain HTTP here: who gives
/// up TLS because of this sends the keys to that proxy in the clear.
pub(crate) fn not_tls(proxy: &ProxyInUse, target: &str) -> Error {
    let (zh, en) = (proxy.zh(), proxy.en());
    let cause = format!("经{zh}收到的不是TLS数据(可能是代理或上网认证的网页),请联系网络管理员,切勿改用不加密的地址");
    let detail = format!(
        "the TLS handshake failed: what came through {en} is not TLS; either the proxy or a portal answers in place of {target}, or another service listens on that port; keep TLS, since without it that proxy would read the keys"
    );
    Error::new(Kind::Tls, cause, detail)
}

/// What the proxy did in place of leading on.
fn refused(refusal: &Refusal, proxy: &ProxyInUse, target: &str) -> Error {
    match refusal {
        Refusal::Answered { answer, title } => {
            let (location, challenges) = (answer.header("location"), answer.all("proxy-authenticate"));
            let reply = ProxyReply {
                tunnel: true,
                status: answer.status,
                reason: &answer.reason,
                title: title.as_deref(),
                location: location.as_deref(),
                challenges: challenges.iter().map(String::as_str).collect(),
            };
            answered(&reply, proxy, target)
        }
        Refusal::Speaks(speaks) => spoke(*speaks, proxy),
        Refusal::Closed { silently } => closed(*silently, proxy),
        Refusal::Socks(refusal) => refusal.explain(proxy, target),
    }
}

/// An answer of the proxy's own, to CONNECT or to a request that it should have passed on.
pub(crate) struct ProxyReply<'a> {
    /// To CONNECT.
    pub(crate) tunnel: bool,
    pub(crate) status: u16,
    pub(crate) reason: &'a str,
    pub(crate) title: Option<&'a str>,
    pub(crate) location: Option<&'a str>,
    /// The values of `Proxy-Authenticate`.
    pub(crate) challenges: Vec<&'a str>,
}

/// Tells an answer of the proxy's own.
pub(crate) fn answered(reply: &ProxyReply<'_>, proxy: &ProxyInUse, target: &str) -> Error {
    let (zh, en) = (proxy.zh(), proxy.en());
    let quotes = Quotes::of(proxy);
    let said = said(reply, &quotes);
    let status = reply.status;
    let error = match status {
        401 | 407 => credentials::refused(proxy, &reply.challenges, &said),
        403 | 451 => fixed(told(
            format!("{zh}不允许访问{target}(HTTP {status}),请联系代理管理员放行"),
            format!("{en} refuses to lead on to {target}: {said}; ask its administrator to allow it"),
        )),
        200..300 => {
            let keep_tls = if reply.tunnel {
                ", which is not TLS; keep TLS all the same, since without it that proxy would read the keys"
            } else {
                ""
            };
            told(
                format!("{zh}没有转到{target},而是返回了网页(多为上网认证页),请先在浏览器中完成认证或联系网络管理员"),
                format!(
                    "{en} did not lead on to {target}, but answered with a page of its own ({said}){keep_tls}; most likely somebody has to sign in to a portal in a browser first"
                ),
            )
        }
        300..400 => {
            let to = reply.location.and_then(|location| quotes.origin(location));
            let to = to.map(|to| format!(" to {to}")).unwrap_or_default();
            told(
                format!("{zh}要求跳转到其他页面(HTTP {status},多为上网认证),请先在浏览器中完成认证或联系网络管理员"),
                format!(
                    "{en} redirects{to} in place of leading on to {target}: {said}; most likely somebody has to sign in to a portal in a browser first"
                ),
            )
        }
        400 | 404 | 405 | 501 => told(
            format!("{zh}不肯转到{target}(HTTP {status}),请检查代理地址和端口是否确是HTTP代理"),
            format!("{en} does not lead on to {target}: {said}; is it an HTTP proxy, and may it lead to this port?"),
        ),
        500 | 502..=504 => told(
            format!("{zh}连不上{target}(HTTP {status}),请检查该地址,或联系代理管理员"),
            format!("{en} could not reach {target}: {said}; check that address, or ask the proxy's administrator"),
        ),
        _ => told(
            format!("{zh}没有转到{target}(HTTP {status}),请联系代理管理员"),
            format!("{en} did not lead on to {target}: {said}"),
        ),
    };
    Error { http_status: Some(status), ..error }
}

/// Status, reason and title, as far as they may be quoted.
fn said(reply: &ProxyReply<'_>, quotes: &Quotes) -> String {
    let reason = quotes.quote(reply.reason, 80).filter(|reason| !reason.is_empty());
    let reason = reason.map(|reason| format!(" {reason}")).unwrap_or_default();
    let title = reply.title.and_then(|title| quotes.quote(title, 120));
    let title = title.map(|title| format!(", a page titled \"{title}\"")).unwrap_or_default();
    format!("HTTP status {}{reason}{title}", reply.status)
}

fn spoke(speaks: Speaks, proxy: &ProxyInUse) -> Error {
    let (zh, en) = (proxy.zh(), proxy.en());
    match speaks {
        Speaks::Tls => told(
            format!("{zh}的这个端口要求TLS,本库不支持,请改填它的普通代理端口"),
            format!(
                "{en} is itself reached by TLS on this port, which is not supported: give the port on which it takes plain connections"
            ),
        ),
        Speaks::Socks => told(
            format!("{zh}是SOCKS代理,请把代理地址开头改为socks5://"),
            format!("{en} answers as a SOCKS proxy does: begin its address with `socks5://`"),
        ),
        Speaks::Endlessly => {
            told(format!("{zh}的响应没有结束,请联系代理管理员"), format!("{en} answered with a head that does not end"))
        }
        Speaks::Nonsense => told(
            format!("{zh}的响应不是HTTP,请检查代理地址和端口是否确是HTTP代理"),
            format!("{en} does not answer in HTTP: is it a proxy, and is this the right port?"),
        ),
    }
}

fn closed(silently: bool, proxy: &ProxyInUse) -> Error {
    let (zh, en) = (proxy.zh(), proxy.en());
    let when = if silently { "without an answer" } else { "before its answer was whole" };
    told(
        format!("{zh}没有完整响应就断开了连接,请检查代理地址和端口,或联系代理管理员"),
        format!("{en} closed the connection {when}: is it a proxy of this kind, and is this the right port?"),
    )
}

fn told(cause: String, detail: String) -> Error {
    Error::new(Kind::Proxy, cause, detail)
}

/// Another attempt would end alike, and may lock an account.
fn fixed(error: Error) -> Error {
    Error { is_final: true, ..error }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proxy::answer::Answer;
    use crate::proxy::in_use::Source;
    use crate::proxy::socks_refusal::SocksRefusal;
    use crate::request::ProxyServer;

    const TARGET: &str = "rpa.example:443";

    fn proxy(url: &str) -> ProxyInUse {
        ProxyInUse { server: ProxyServer::parse(url).unwrap(), source: Source::Windows }
    }

    /// Says in both texts which proxy it is and where its address stands, and nothing of its password.
    fn names_the_proxy(error: Error) -> Error {
        for text in [&error.cause, &error.detail] {
            assert!(text.contains("://10.0.0.1:8080") && text.contains("Windows"), "{text}");
            assert!(!text.contains("hunter2"), "{text}");
        }
        error
    }

    fn answer_told(status: u16, headers: &[(&str, &str)], title: Option<&str>) -> Error {
        let answer = Answer::of_test(status, headers);
        let refusal = Refusal::Answered { answer, title: title.map(str::to_owned) };
        let error = failed(&refusal.into(), Step::Ask, &proxy("http://robot:hunter2@10.0.0.1:8080"), TARGET);
        let error = names_the_proxy(error);
        assert_eq!((error.kind, error.http_status), (Kind::Proxy, Some(status)));
        assert!([401, 407].contains(&status) || error.cause.contains(TARGET) || status / 100 == 3, "{}", error.cause);
        error
    }

    #[test]
    fn each_answer_of_a_proxy_is_told_with_its_status_and_what_to_do() {
        for (status, cause, detail, is_final) in [
            (403, "请联系代理管理员放行", "ask its administrator to allow it", true),
            (407, "拒绝了所给的用户名或密码", "refused these credentials", true),
            (401, "拒绝了所给的用户名或密码", "refused these credentials", true),
            (404, "请检查代理地址和端口", "is it an HTTP proxy", false),
            (405, "请检查代理地址和端口", "is it an HTTP proxy", false),
            (502, "连不上", "could not reach rpa.example:443", false),
            (503, "连不上", "could not reach rpa.example:443", false),
            (504, "连不上", "could not reach rpa.example:443", false),
            (302, "浏览器", "redirects in place of leading on", false),
            (200, "浏览器", "is not TLS", false),
            (429, "请联系代理管理员", "did not lead on", false),
        ] {
            let error = answer_told(status, &[], Some("Blocked by policy"));
            assert!(error.cause.contains(cause), "{status}: {}", error.cause);
            assert!(error.detail.contains(detail), "{status}: {}", error.detail);
            assert!(error.detail.contains(&format!("HTTP status {status}")), "{status}: {}", error.detail);
            assert!(error.detail.contains("a page titled \"Blocked by policy\""), "{status}: {}", error.detail);
            assert_eq!(error.is_final, is_final, "{status}");
        }
        let error = answer_told(302, &[("location", "https://portal.example/login?key=hunter2")], None);
        assert!(error.detail.contains("redirects to https://portal.example in place"), "{}", error.detail);
        let error = answer_told(403, &[], Some("hunter2 is no good password"));
        assert!(!error.detail.contains("titled"), "{}", error.detail);
    }

    #[test]
    fn no_error_over_a_proxy_advises_to_do_without_tls() {
        let proxy = proxy("http://10.0.0.1:8080");
        let refusals = [
            Refusal::Answered { answer: Answer::of_test(200, &[]), title: None },
            Refusal::Speaks(Speaks::Tls),
            Refusal::Speaks(Speaks::Nonsense),
            Refusal::Speaks(Speaks::Endlessly),
            Refusal::Closed { silently: true },
            Refusal::Socks(SocksRefusal::Unspoken { http: true }),
        ];
        let mut errors: Vec<_> =
            refusals.into_iter().map(|refusal| failed(&refusal.into(), Step::Ask, &proxy, TARGET)).collect();
        errors.push(not_tls(&proxy, TARGET));
        for error in errors {
            let error = names_the_proxy(error);
            let texts = format!("{} {}", error.cause, error.detail).replace("http://10.0.0.1:8080", "");
            assert!(!texts.contains("http://"), "{texts}");
        }
        assert!(not_tls(&proxy, TARGET).detail.contains("is not TLS"));
    }

    #[test]
    fn failures_before_an_answer_name_the_proxy_and_the_step() {
        let proxy = proxy("socks5://robot:hunter2@10.0.0.1:8080");
        for (step, failure, late) in [
            (Step::Lookup, "does not resolve", "looking up the name of the proxy"),
            (Step::Connect, "cannot be reached", "connecting to the proxy"),
            (Step::Ask, "broke before it led on", "waiting for the proxy"),
        ] {
            let error = names_the_proxy(failed(&ErrorKind::ConnectionRefused.into(), step, &proxy, TARGET));
            assert!(error.kind == Kind::Proxy && error.detail.contains(failure), "{}", error.detail);
            let error = names_the_proxy(timed_out(step, "`timeout_ms`", &proxy));
            assert!(error.kind == Kind::Timeout && error.detail.contains(late), "{}", error.detail);
        }
        let cut = failed(&ErrorKind::UnexpectedEof.into(), Step::Ask, &proxy, TARGET);
        assert!(names_the_proxy(cut).detail.contains("closed the connection"));
    }
}
