//! Why a certificate is not for the host that was called, and what would make it so.

use std::net::IpAddr;

use rustls::client::verify_server_name;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, Error};

use super::certificate::Certificate;
use super::server::Server;
use super::shown::shown;

/// The fault of the names, in words for `msg` and for `detail`, and the remedy for both.
#[derive(Debug)]
pub(super) struct WrongName {
    pub(super) cause: String,
    pub(super) why: String,
    pub(super) remedy: String,
    pub(super) remedy_zh: String,
}

/// The fault of a certificate's names, if they do not fit.
pub(super) fn find(der: &[u8], host: &ServerName<'_>, server: Server) -> Option<WrongName> {
    let certificate = CertificateDer::from(der);
    let parsed = ParsedCertificate::try_from(&certificate).ok()?;
    match verify_server_name(&parsed, host) {
        Err(Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        )) => Certificate::read(der).ok().map(|certificate| explain(&certificate, host, server)),
        _ => None,
    }
}

/// Why the names of `certificate` do not fit `host`.
pub(super) fn explain(certificate: &Certificate<'_>, host: &ServerName<'_>, server: Server) -> WrongName {
    match host {
        ServerName::IpAddress(address) => for_address(certificate, IpAddr::from(*address), server),
        _ => for_domain(certificate, &host.to_str()),
    }
}

fn for_address(certificate: &Certificate<'_>, host: IpAddr, server: Server) -> WrongName {
    let names = &certificate.names;
    let called = format!("the IP address {host}");
    let wanted = format!("IP:{host}");
    let written = names.dns.iter().find(|name| name.trim().parse::<IpAddr>().is_ok_and(|address| address == host));
    if let Some(written) = written {
        return wrong(
            &called,
            &wanted,
            format!("证书把IP地址{host}写成了域名(DNS)"),
            format!("it has {} as a DNS name, and an address counts only as an IP address", shown(written)),
        );
    }
    if let Some(fault) = no_names(certificate, &called, &wanted).or_else(|| malformed(certificate, &called, &wanted)) {
        return fault;
    }
    let mut fault = wrong(
        &called,
        &wanted,
        match names.addresses.is_empty() {
            true => format!("证书只含域名,不含IP地址{host}"),
            false => format!("证书不是发给{host}的"),
        },
        format!("it is for {}", names.in_words()),
    );
    if names.addresses.is_empty() {
        let field = server.address_field();
        fault.remedy =
            format!("give the name that it is for in `{field}` (it must resolve to {host}), or {}", fault.remedy);
        fault.remedy_zh = format!("请在{field}中改用该域名,或{}", fault.remedy_zh.trim_start_matches('请'));
    }
    fault
}

fn for_domain(certificate: &Certificate<'_>, host: &str) -> WrongName {
    let called = format!("the DNS name {host}");
    let wanted = format!("DNS:{host}");
    if let Some(fault) = no_names(certificate, &called, &wanted).or_else(|| malformed(certificate, &called, &wanted)) {
        return fault;
    }
    let names = &certificate.names;
    let wildcard = names.dns.iter().find(|name| is_wildcard_above(name, host));
    if let Some(wildcard) = wildcard.map(|name| shown(name)) {
        return wrong(
            &called,
            &wanted,
            format!("证书的通配符{wildcard}只代表一级名称,不含{host}"),
            format!("its wildcard {wildcard} stands for exactly one label"),
        );
    }
    let (cause, why) = match names.dns.is_empty() {
        true => (format!("证书只含IP地址,不含域名{host}"), "addresses alone"),
        false => (format!("证书不是发给{host}的"), "other names"),
    };
    wrong(&called, &wanted, cause, format!("it is for {why}, {}", names.in_words()))
}

/// A wildcard whose domain is the host's, at another depth: `*.example.com` for `a.b.example.com` or for `example.com`.
fn is_wildcard_above(name: &str, host: &str) -> bool {
    let Some(domain) = name.strip_prefix("*.").map(str::to_ascii_lowercase) else { return false };
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    host == domain || host.strip_suffix(&domain).is_some_and(|rest| rest.ends_with('.'))
}

fn no_names(certificate: &Certificate<'_>, called: &str, wanted: &str) -> Option<WrongName> {
    if !certificate.names.is_empty() {
        return None;
    }
    let (cause, why) = match certificate.common_name().filter(|name| !name.is_empty()) {
        Some(name) => (
            "证书里没有主机名(只有CN,已不算数)",
            format!("it has no subjectAltName, only the common name (CN) {}, which does not count", shown(&name)),
        ),
        None => ("证书里没有主机名", "it has no subjectAltName".to_owned()),
    };
    Some(wrong(called, wanted, cause.to_owned(), why))
}

/// A URL or a port where a bare name belongs.
fn malformed(certificate: &Certificate<'_>, called: &str, wanted: &str) -> Option<WrongName> {
    let name = certificate.names.dns.iter().find(|name| name.contains(['/', ':', ' ']))?;
    let name = shown(name);
    Some(wrong(
        called,
        wanted,
        format!("证书里的名称{name}不是主机名"),
        format!("it has {name} as a DNS name, where a bare name belongs: no scheme, port or blank"),
    ))
}

fn wrong(called: &str, wanted: &str, cause: String, why: String) -> WrongName {
    WrongName {
        cause: format!("证书与主机名不符:{cause}"),
        why: format!("it is not for the host that was called, {called}: {why}"),
        remedy: format!("have it issued anew with the subjectAltName {wanted}"),
        remedy_zh: format!("请重签证书并在subjectAltName中写{wanted}"),
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DnType, KeyPair, SanType};

    use super::*;

    fn found(common_name: &str, dns: &[&str], addresses: &[&str], host: &str) -> WrongName {
        let mut parameters = CertificateParams::default();
        parameters.distinguished_name.push(DnType::CommonName, common_name);
        let dns = dns.iter().map(|name| SanType::DnsName((*name).try_into().unwrap()));
        let addresses = addresses.iter().map(|address| SanType::IpAddress(address.parse().unwrap()));
        parameters.subject_alt_names = dns.chain(addresses).collect();
        let certificate = parameters.self_signed(&KeyPair::generate().unwrap()).unwrap();
        find(certificate.der(), &ServerName::try_from(host).unwrap(), Server::ControlCenter)
            .expect("the name does not fit")
    }

    #[test]
    fn each_fault_of_a_name_is_told_with_the_host_and_the_remedy() {
        for (dns, addresses, host, cause, why, remedy) in [
            (&[][..], &[][..], "10.0.0.5", "只有CN", "only the common name (CN) rpa", "IP:10.0.0.5"),
            (&[], &[], "rpa.corp.example", "只有CN", "only the common name (CN) rpa", "DNS:rpa.corp.example"),
            (&["10.0.0.5"], &[], "10.0.0.5", "写成了域名", "has 10.0.0.5 as a DNS name", "IP:10.0.0.5"),
            (&["a.example"], &[], "10.0.0.5", "只含域名", "a.example (DNS name)", "in `host`"),
            (&["a.example"], &["10.0.0.6"], "10.0.0.5", "不是发给10.0.0.5", "10.0.0.6 (IP address)", "IP:10.0.0.5"),
            (&[], &["10.0.0.5"], "a.example", "只含IP地址", "10.0.0.5 (IP address)", "DNS:a.example"),
            (&["b.example"], &[], "a.example", "不是发给a.example", "b.example (DNS name)", "DNS:a.example"),
            (&["*.example"], &[], "a.b.example", "只代表一级", "stands for exactly one label", "DNS:a.b.example"),
            (&["*.corp.example"], &[], "corp.example", "只代表一级", "exactly one label", "DNS:corp.example"),
            (&["*.corp.example"], &[], "a.xcorp.example", "不是发给", "*.corp.example (DNS name)", "DNS:a.xcorp"),
            (&["https://a.example"], &[], "a.example", "不是主机名", "no scheme, port", "DNS:a.example"),
            (&["10.0.0.5:8443"], &[], "10.0.0.5", "不是主机名", "no scheme, port", "IP:10.0.0.5"),
            (&[], &["fe80::1"], "fe80::2", "不是发给fe80::2", "fe80::1 (IP address)", "IP:fe80::2"),
        ] {
            let fault = found("rpa", dns, addresses, host);
            assert!(fault.cause.starts_with("证书与主机名不符:") && fault.cause.contains(cause), "{host}: {fault:?}");
            assert!(fault.why.contains("it is not for the host that was called, the "), "{host}: {fault:?}");
            assert!(fault.why.contains(host) && fault.why.contains(why), "{host}: {fault:?}");
            assert!(fault.remedy.contains(remedy), "{host}: {fault:?}");
        }
    }
}
