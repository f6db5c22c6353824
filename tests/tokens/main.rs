//! Tokens that look after themselves, seen from outside: many threads, processes and machines call by keys through the
//! built library, processes are killed and frozen, Redis is taken away, clocks are wrong.
//!
//! What docs/tokens.md promises has a test here, in a short form. The long one:
//! `RPA_TEST_TOKENS_LONG=1 cargo test --release --test tokens -- --nocapture --test-threads=1`
#![cfg(target_os = "linux")]

mod center;
mod clock;
mod counts;
mod deadline;
mod eviction;
mod forks;
mod frozen;
mod honest;
mod killed;
mod place;
mod process;
mod redis_access;
mod redis_trouble;
mod refusal;
mod requests;
mod secrecy;
mod short_lives;
mod single_center;
mod storms;
mod token_endpoint;

use std::env;
use std::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};

use rpa_test_support::{forms, harness, orders, programs, python, redis, server, tools};

/// The long form of a test where it is asked for, else the short one.
fn long_or<T>(short: T, long: T) -> T {
    if env::var_os("RPA_TEST_TOKENS_LONG").is_some() { long } else { short }
}

static MACHINE: RwLock<()> = RwLock::new(());

/// A test that measures how long something takes has the machine to itself.
fn alone() -> RwLockWriteGuard<'static, ()> {
    MACHINE.write().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// All others share it.
fn in_company() -> RwLockReadGuard<'static, ()> {
    MACHINE.read().unwrap_or_else(std::sync::PoisonError::into_inner)
}
