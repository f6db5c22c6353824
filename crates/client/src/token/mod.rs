//! Tokens that look after themselves: got, kept, renewed and shared, for a pair of keys.
//!
//! | module | does |
//! |---|---|
//! | `keepers` | finds the keeper of an account in this process |
//! | `keeper` | hands the token out; one thread gets a new one while the others wait |
//! | `renewal` | that thread's way: from the store, or else from the control center |
//! | `store_access`, `landing` | what it does with the store, and how it ends |
//! | `notice` | tells other processes that this machine's clock is wrong, and which encoding works |
//! | `shared_token` | an account's token, as threads share it |
//! | `account_token` | what is known of it, and the rules; by these: |
//! | `clock` | whose clock calls are stamped by |
//! | `lifetimes` | how long tokens live, and whether one was evicted |
//! | `evictions` | how many were, and how long to leave the other party alone |
//! | `rights` | which APIs take tokens at all |
//! | `endpoint` | when a token endpoint that fails is asked again |
//! | `stored_token` | a token as it is kept: its number, its times, and sealed |
//! | `account` | keys and address to a name to keep it under, and a key to seal it with |
//! | `store` | where it is kept: memory, a file, Redis |
//! | `ask`, `issued` | what is asked of the control center, and what its reply holds |
//! | `refusal` | whether a reply refuses the token, or the time |
//!
//! Nothing here sends an HTTP request: who needs a token says how to ask for one.

mod account;
mod account_token;
mod ask;
mod clock;
mod endpoint;
mod evictions;
mod issued;
mod keeper;
mod keepers;
mod landing;
mod lifetimes;
mod notice;
mod refusal;
mod renewal;
mod rights;
mod shared_token;
mod store;
mod store_access;
mod stored_token;
#[cfg(test)]
mod tests;

pub(crate) use ask::{Ask, By, Failure, Need, NoReply, Reply};
pub(crate) use clock::Observed;
pub(crate) use keeper::{Held, Keeper, Troubles};
pub(crate) use keepers::keeper;
pub(crate) use refusal::{
    Sign, code, fingerprint, is_failure, is_refused, is_word_of_success, may_refuse_time, message, names_token,
    refuses_time, signature, speaks_of_time,
};
pub(crate) use rights::Advice;
pub(crate) use store::examine;
