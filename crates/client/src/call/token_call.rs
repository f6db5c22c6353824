//! The token call: by keys or by a refresh token, and not signed.

use ::http::Method;

use crate::call::exchange::{Answered, Empty, exchange, url};
use crate::call::retry::Policy;
use crate::error::Error;
use crate::http::HttpRequest;
use crate::request::{Address, Credentials, Options};
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
