//! Tokens that look after themselves: got, kept, renewed and shared, for a pair of keys.
//!
//! | module | does |
//! |---|---|
//! | `keepers` | finds the keeper of an account in this process |
//! | `keeper` | hands the token out; one thread gets a new one while the others wait |
//! | `flight` | that thread's way: from the store, or else from the control center |
//! | `ask`, `answer` | what is asked of the control center, and what its reply holds |
//! | `record` | a token as it is kept: its generation, its times, and sealed |
//! | `account` | keys and address to a name to keep it under, and a key to seal it with |
//! | `store` | where it is kept: memory, a file, Redis |
//! | `refusal`, `evictions` | whether a reply refuses the token, and what that looks like |
//! | `restraint` | no new token for each call where that does not help |
//! | `clock` | how far the control center's clock is from this machine's |
//!
//! Nothing here sends an HTTP request: who needs a token says how to ask for one.

mod account;
mod answer;
mod ask;
mod clock;
mod evictions;
mod flight;
mod keeper;
mod keepers;
mod record;
mod refusal;
mod restraint;
mod store;
#[cfg(test)]
mod tests;

pub(crate) use ask::{By, Failure, Need, Reply};
pub(crate) use clock::{Clock, Observed};
pub(crate) use keepers::keeper;
pub(crate) use refusal::{is_refused, may_refuse_time};
