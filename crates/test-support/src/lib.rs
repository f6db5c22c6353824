//! What tests, the demo and the benchmarks share.
#![allow(missing_docs, reason = "names say it; nobody else uses this crate")]

pub mod c;
pub mod counting;
pub mod difference;
pub mod folder;
pub mod forms;
pub mod harness;
pub mod hosts;
pub mod issuer;
pub mod orders;
pub mod packed;
pub mod places;
pub mod plain_http;
pub mod programs;
pub mod python;
pub mod quotes;
pub mod redis;
pub mod replies;
pub mod requests;
pub mod secrets;
pub mod server;
pub mod tls;
pub mod tools;
pub mod webdriver;
