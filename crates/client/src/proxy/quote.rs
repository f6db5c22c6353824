//! What of a proxy's own words may be shown. It got a user name and a password, and may repeat them.

use std::borrow::Cow;

use ::http::Uri;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use percent_encoding::percent_decode_str;
use zeroize::Zeroizing;

use super::in_use::ProxyInUse;
use rpa_signing::Secret;

/// So many characters of a secret in a row give something of it away.
const TELLING: usize = 4;

/// What a text must not hold to be quoted.
pub(super) struct Quotes {
    /// In lower case, in each form that one may expect, each with how much of it in a row gives it away.
    secrets: Vec<(Secret, usize)>,
}

impl Quotes {
    /// For the words of this proxy.
    pub(super) fn of(proxy: &ProxyInUse) -> Quotes {
        let Some((user, password)) = &proxy.server.credentials else { return Quotes { secrets: Vec::new() } };
        let pair = Secret::new(format!("{}:{}", user.expose(), password.expose()));
        let base64 = |secret: &Secret| Secret::new(BASE64_STANDARD.encode(secret.expose()).to_lowercase());
        let plain = |secret: &Secret| Secret::new(secret.expose().to_lowercase());
        let hex = |secret: &Secret| {
            Secret::new(secret.expose().bytes().map(|byte| format!("{byte:02x}")).collect::<String>())
        };
        let name_length = user.expose().chars().count();
        let secrets = vec![
            // Of a name a part is a word like any other.
            (plain(user), name_length),
            (plain(password), TELLING),
            (base64(password), TELLING),
            (hex(password), 2 * TELLING),
            (base64(&pair), TELLING),
        ];
        Quotes { secrets }
    }

    /// The text on one line and of at most `limit` characters, or nothing where it shows a part of a secret.
    pub(super) fn quote(&self, text: &str, limit: usize) -> Option<String> {
        let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
        (!self.is_shown_in(&line)).then(|| line.chars().take(limit).collect())
    }

    /// Scheme, host and port of a URL; its path and query may hold anything.
    pub(super) fn origin(&self, url: &str) -> Option<String> {
        let uri: Uri = url.trim().parse().ok()?;
        let authority = uri.authority()?;
        let host = authority.as_str().rsplit_once('@').map_or(authority.as_str(), |(_, host)| host);
        self.quote(&format!("{}://{host}", uri.scheme_str()?), 120)
    }

    fn is_shown_in(&self, text: &str) -> bool {
        let text = Zeroizing::new(text.to_lowercase());
        let decoded: Cow<'_, str> = percent_decode_str(&text).decode_utf8_lossy();
        let bare = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).collect::<String>();
        let forms = [&*text, &*decoded, &bare(&text), &bare(&decoded)].map(|form| Zeroizing::new(form.to_owned()));
        self.secrets.iter().any(|(secret, telling)| {
            let letters = Zeroizing::new(bare(secret.expose()));
            let whole = [secret.expose(), &letters];
            whole.into_iter().any(|secret| forms.iter().any(|form| shows(form, secret, *telling)))
        })
    }
}

/// Whether the text holds so much of the secret in a row; the whole of a short one. One or two letters are in every text.
fn shows(text: &str, secret: &str, telling: usize) -> bool {
    let letters: Vec<char> = secret.chars().collect();
    let size = telling.min(letters.len());
    size > 2 && letters.windows(size).any(|run| text.contains(&String::from_iter(run)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proxy::in_use::Source;
    use crate::request::ProxyServer;

    fn quotes(url: &str) -> Quotes {
        Quotes::of(&ProxyInUse { server: ProxyServer::parse(url).unwrap(), source: Source::Field })
    }

    #[test]
    fn words_that_show_a_password_in_whatever_form_are_not_quoted() {
        let quotes = quotes("http://robot:Pw%3A%2F1x-hunter2@p:1");
        for shown in [
            "no access for Pw:/1x-hunter2",
            "HUNTER2",
            "h u n t e r 2",
            "wrong: ter2",
            "cm9ib3Q6UHc6LzF4LWh1bnRlcjI=",
            "UHc6LzF4LWh1bnRlcjI",
            "50773a2f31782d68756e74657232",
            "%68%75%6e%74%65%72%32",
            "robot is unknown",
        ] {
            assert_eq!(quotes.quote(shown, 80), None, "{shown}");
        }
        assert_eq!(quotes.quote(" Access\tdenied\u{7} 拒绝 ", 80).as_deref(), Some("Access denied 拒绝"));
        assert_eq!(quotes.quote(&"a b ".repeat(99), 5).as_deref(), Some("a b a"));
    }

    #[test]
    fn of_a_redirection_scheme_host_and_port_are_shown() {
        let quotes = quotes("http://robot:hunter2@p:1");
        for (location, shown) in [
            ("https://portal.example:8443/login?u=hunter2", Some("https://portal.example:8443")),
            ("http://robot:x@portal.example/a", Some("http://portal.example")),
            ("http://hunter2.example/a", None),
            ("/login", None),
            ("", None),
        ] {
            assert_eq!(quotes.origin(location).as_deref(), shown, "{location}");
        }
    }
}
