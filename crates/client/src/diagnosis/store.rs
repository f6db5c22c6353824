//! Where the token is kept, and whether that works.

use std::time::{Duration, Instant};

use super::background;
use super::case::Case;
use super::check::{Check, Facts, Status, Turn, Words};
use crate::request::{Pass, Place};
use crate::token::examine::{Examined, examine};
use crate::wait::promise::Taker;

const NAME: &str = "store";

/// A look that is under way.
pub(super) struct Look {
    began: Instant,
    answer: Taker<(Examined, Duration)>,
}

/// Begins to look at the store, beside all else.
pub(super) fn begin(case: &Case<'_>) -> Option<Look> {
    let place = place(case).filter(|place| **place != Place::Memory)?.clone();
    let (began, until) = (Instant::now(), case.until(0.5));
    let answer = background::run(move || {
        let found = examine(&place, until);
        (found, began.elapsed())
    });
    Some(Look { began, answer })
}

fn place<'c>(case: &'c Case<'_>) -> Option<&'c Place> {
    match &case.request.pass {
        Pass::Keys(keys) if !case.readable.is_aside("token_store") => Some(&keys.place),
        _ => None,
    }
}

pub(super) fn end(case: &Case<'_>, look: Option<Look>) -> Check {
    let mut facts = Facts::default();
    let (kind, shown) = match place(case) {
        None if case.readable.is_aside("token_store") => {
            return Check::skipped(NAME, "token_store无法读取", "`token_store` cannot be read");
        }
        None => return Check::skipped(NAME, "没有使用密钥,不保存token", "no keys are given: no token is kept"),
        Some(Place::Memory) => {
            facts.text("kind", "memory");
            return Check::ok(
                NAME,
                "token只保存在本进程的内存中",
                "the token is kept in the memory of this process alone",
            )
            .with(facts, Duration::ZERO);
        }
        Some(Place::File(path)) => ("file", path.display().to_string()),
        Some(Place::Redis(server)) => ("redis", format!("{}:{}/{}", server.host, server.port, server.database)),
    };
    facts.text("kind", kind);
    facts.text("place", &shown);
    let Some(look) = look else { return Check::skipped(NAME, "没有检查", "not looked at") };
    let patience = case.share(0.5).max(Duration::from_millis(200));
    let found = look.answer.take(patience);
    let took = found.as_ref().map_or_else(|| look.began.elapsed(), |(_, took)| *took);
    let setting = if kind == "file" { "token_store.file" } else { "token_store.redis" };
    let turn = if kind == "file" { Turn::You } else { Turn::Network };
    let check = match found {
        None => {
            let words = Words::told(
                format_args!("token_store没有及时响应({shown}),请检查其磁盘或服务器"),
                format_args!(
                    "the store of `token_store` does not answer in time ({shown}): check its drive or its server"
                ),
            );
            Check::fail(NAME, words, setting, turn)
        }
        Some((found, _)) => {
            for (name, text) in &found.facts {
                facts.text(name, text);
            }
            let locks = found.facts.iter().any(|(name, text)| *name == "locks" && text == "true");
            match found.trouble {
                Some(trouble) => Check::fail(NAME, Words::two(&trouble, "token_store不可用"), setting, turn),
                None if !locks => {
                    let words = Words::told(
                        format_args!(
                            "token_store所在的磁盘不支持文件锁({shown}),多个进程可能互相顶掉token,请改用本机磁盘"
                        ),
                        format_args!(
                            "the drive of `token_store` knows no locks ({shown}): processes may end each other's tokens; give a path on a local drive"
                        ),
                    );
                    Check::warning(NAME, words, setting, turn)
                }
                None => Check::new(
                    NAME,
                    Status::Ok,
                    Words::told(
                        format_args!("token_store可用({shown})"),
                        format_args!("the store of `token_store` can be used ({shown})"),
                    ),
                ),
            }
        }
    };
    check.with(facts, took)
}
