//! The token call: by keys or by a refresh token, and not signed.

use std::sync::Arc;

use ::http::Method;
use zeroize::Zeroizing;

use crate::call::exchange::{Answered, Empty, exchange, url};
use crate::call::retry::{Policy, Repeat};
use crate::error::Error;
use crate::http::HttpRequest;
use crate::request::{Address, Credentials, Keys, Options};
use crate::token::{Ask, By, NoReply, Reply};
use rpa_signing::Secret;
use rpa_signing::python::{Escape, escape_into};

/// Asks for tokens.
pub(crate) fn send(
    credentials: &Credentials,
    address: &Address,
    options: &Options,
    policy: &mut Policy,
) -> Result<Answered, Error> {
    let parameters = match credentials {
        Credentials::Keys { access, secret } => vec![("accessKey", access), ("secretKey", secret)],
        Credentials::Refresh(token) => vec![("refreshToken", token)],
    };
    let url = url(&address.url("/oapi/v1/token"), Some(query(&parameters).expose()));
    let http =
        HttpRequest { method: Method::GET, address, url: &url, headers: Vec::new(), body: None, may_repeat: true };
    let secrets = || parameters.iter().map(|(_, secret)| secret.expose());
    let call = policy.call();
    policy.run(|| exchange(&http, options, secrets(), &call, Empty::IsFailure))
}

/// How to ask for a token by keys, on a thread that may outlive the call: once, since those who need it see to it that it is
/// asked for again.
pub(crate) fn asking(address: &Address, options: &Options, keys: &Keys) -> Arc<Ask> {
    let (address, options) = (address.clone(), options.clone());
    let (access, secret) = (keys.access.clone(), keys.secret.clone());
    Arc::new(move |by: &By, deadline| {
        let credentials = match by {
            By::Refresh(token) => Credentials::Refresh(token.clone()),
            By::Keys => Credentials::Keys { access: access.clone(), secret: secret.clone() },
        };
        let mut policy = Policy::new(1, Repeat::Idempotent, deadline);
        match send(&credentials, &address, &options, &mut policy) {
            Ok(answered) => {
                let (status, observed, retry_after) = (answered.status(), answered.observed(), answered.retry_after());
                Ok(Reply { text: Zeroizing::new(answered.text), status, observed, retry_after })
            }
            Err(error) => {
                let seen = Some(Box::new(policy.progress().seen().clone()));
                Err(NoReply { may_repeat: policy.may_repeat(), error: Box::new(Error { seen, ..error }) })
            }
        }
    })
}

fn query(parameters: &[(&str, &Secret)]) -> Secret {
    // Sized for the worst case, so that no reallocation leaves a copy of a key behind.
    let longest: usize = parameters.iter().map(|(name, secret)| name.len() + 3 * secret.expose().len() + 2).sum();
    let mut query = String::with_capacity(longest);
    for (index, (name, secret)) in parameters.iter().enumerate() {
        query.extend([if index > 0 { "&" } else { "" }, name, "="]);
        escape_into(secret.expose(), Escape::Component, &mut query);
    }
    Secret::new(query)
}
