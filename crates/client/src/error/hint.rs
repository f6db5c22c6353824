//! The next step after an error, in Chinese. Names of request fields stand in 「」, so that a program with settings of its own
//! can put their names in their place.

use super::{Delivered, Error, Function, Kind};

impl Error {
    /// `proxy_from`: where the proxy's address stands.
    pub(crate) fn hint(&self, function: Function, proxy_from: Option<&str>) -> String {
        let step = match (self.kind, self.field.as_deref()) {
            (Kind::Argument, Some(field)) => return ["请按msg改正「", field, "」后再调用"].concat(),
            (Kind::Argument, None) => "请按msg改正请求文本后再调用",
            (Kind::Mode, _) => "请把「mode」改为get、put、post或delete",
            (Kind::Dns, _) => "请检查「host」中的域名,以及本机的DNS和VPN",
            (Kind::Connect, _) => "请检查「host」和「port」、防火墙和VPN,并确认控制中心正在运行",
            (Kind::Proxy, _) => {
                let place = match proxy_from.and_then(|from| from.strip_prefix("environment ")) {
                    Some(variable) => ["环境变量", variable].concat(),
                    None if proxy_from == Some("Windows") => "Windows系统代理设置".to_owned(),
                    None => "「proxy」".to_owned(),
                };
                return ["请检查", &place, "中的代理地址、用户名和密码;不需要代理时请把「proxy」设为null"].concat();
            }
            (Kind::Tls, _) => {
                "请按msg核对服务器证书;自签名证书请填「tls.ca_file」或「tls.pin_sha256」,本机时间也须正确"
            }
            (Kind::Timeout, _) if self.delivered == Delivered::No => {
                "请检查「host」、「port」、防火墙和代理;网络慢时请调大「connect_timeout_ms」和「timeout_ms」"
            }
            (Kind::Timeout, _) => "请调大「timeout_ms」,或请控制中心管理员查看该接口为何缓慢",
            (Kind::Disconnected, _) => "请检查网络、代理和网关,并确认控制中心没有重启",
            (Kind::Redirect, _) => "请按msg把「host」改为正确的地址,包括端口和路径前缀",
            (Kind::Response, _) => "请按msg检查「host」、「port」和「rest_type」;仍不行请联系控制中心管理员",
            (Kind::TooLarge, _) => "请减少每页条数,或调大「max_response_bytes」",
            (Kind::Internal, _) => "请把detail报告给本库的维护者",
        };
        let may_have_run = function == Function::Call && self.delivered != Delivered::No;
        let look =
            if may_have_run { ";再次调用post之前,请先到控制中心查看它是否已经生效" } else { "" };
        [step, look].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_a_next_step_that_names_a_field() {
        use Kind::{
            Argument, Connect, Disconnected, Dns, Internal, Mode, Proxy, Redirect, Response, Timeout, Tls, TooLarge,
        };
        let kinds = [Mode, Dns, Connect, Proxy, Tls, Timeout, Redirect, Response, TooLarge];
        for kind in kinds {
            let hint = Error::new(kind, "", "").hint(Function::Call, None);
            assert!(hint.starts_with('请') && hint.contains('「'), "{kind:?}: {hint}");
            assert!(!hint.contains("post之前"), "{hint}");
        }
        for kind in [Argument, Disconnected, Internal] {
            assert!(Error::new(kind, "", "").hint(Function::Call, None).starts_with('请'));
        }
        assert_eq!(
            Error::argument("tls.ca_file", "", "").hint(Function::Sign, None),
            "请按msg改正「tls.ca_file」后再调用"
        );
        let named = Error::new(Proxy, "", "").hint(Function::Call, Some("environment HTTPS_PROXY"));
        assert!(named.starts_with("请检查环境变量HTTPS_PROXY中的"), "{named}");
        let late = Error { delivered: Delivered::Unknown, ..Error::new(Timeout, "", "") };
        assert!(late.hint(Function::Call, None).contains("是否已经生效"));
        assert!(!late.hint(Function::GetToken, None).contains("是否已经生效"));
    }
}
