//! Calls the OpenAPI of an RPA control center (艺赛旗 iS-RPA, 2020.4 and later).
//!
//! Made as a shared library with a C interface, see `include/rpa_openapi.h`. The functions here are the same ones for
//! Rust: JSON text in, JSON text out. A call goes through these modules, from top to bottom:
//!
//! | module | does |
//! |---|---|
//! | `ffi` | C pointers to texts and back; a panic becomes a reply |
//! | `call` | the steps of each function, in order |
//! | `request` | request text to checked request |
//! | `managed`, `token` | by keys: a token that is got, kept, renewed and shared |
//! | `prepared` | the call as it is sent, but for its stamp |
//! | `scheme` | parameters, token and time to a signature |
//! | `python` | the text forms of Python that a signature covers |
//! | `sign` | shows the call, and does not send it |
//! | `retry` | what is sent again, and when |
//! | `token_call` | the call that gives tokens |
//! | `exchange` | one request and its reply as text |
//! | `sender` | one HTTP request, sent once |
//! | `reply` | the server's answer to reply text |
//! | `error` | the kinds of errors, and their envelope |
//! | `secret`, `redact`, `letters` | keys and tokens, kept out of sight |

#![deny(unsafe_code, unsafe_op_in_unsafe_fn, missing_docs)]
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects
    )
)]

mod call;
mod error;
mod exchange;
mod ffi;
mod letters;
mod managed;
mod prepared;
mod python;
mod redact;
mod reply;
mod request;
mod retry;
mod scheme;
mod secret;
mod sender;
mod sign;
mod token;
mod token_call;

pub use call::{call, get_token, refresh_token, sign};
pub use ffi::{rpa_call, rpa_free, rpa_get_token, rpa_refresh_token, rpa_sign, rpa_version};
