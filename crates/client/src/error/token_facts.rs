//! What is told of a token beside the call it was for.

use crate::basics::json::{Object, name};

/// Where a token came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// This process had it.
    Memory,
    /// Another process had put it into the store.
    Store,
    /// It was asked for within this call.
    Server,
}

/// What a refused token looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Its time was up.
    Expiry,
    /// It was refused before its time: somebody who does not share this store got another one for the same keys.
    Eviction,
    /// Another thread, process or machine that shares the store had got a newer one.
    Renewed,
}

/// The object `token` of an error and of what `rpa_sign` returns. Nothing in it is secret.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct TokenFacts {
    /// Null if there is none.
    pub(crate) source: Option<Source>,
    /// How long ago it was got; null while the control center's clock is not known.
    pub(crate) age_ms: Option<u64>,
    /// It was got for this call, to take the place of an older one.
    pub(crate) renewed: bool,
    /// A token was refused within this call, and what that looks like.
    pub(crate) refusal: Option<Refusal>,
    /// How many refusals that look like evictions this process has seen within an hour.
    pub(crate) evictions: usize,
    /// Why the store cannot be used; the process goes on with its own memory.
    pub(crate) store_trouble: Option<String>,
}

/// What to do where tokens are evicted.
pub(crate) const EVICTED: &str = "something else gets tokens for the same access key, and each new one ends the one before; let all robots share one \
     `token_store` (a file on one machine, redis on several), or give each its own access key";

impl Source {
    fn word(self) -> &'static str {
        match self {
            Source::Memory => "memory",
            Source::Store => "store",
            Source::Server => "server",
        }
    }
}

impl Refusal {
    fn word(self) -> &'static str {
        match self {
            Refusal::Expiry => "expiry",
            Refusal::Eviction => "eviction",
            Refusal::Renewed => "renewed",
        }
    }
}

impl TokenFacts {
    /// Writes the object `token`.
    pub(crate) fn write(&self, json: &mut Object) {
        json.begin(name!("token"));
        json.maybe(name!("source"), self.source.map(Source::word));
        json.number(name!("age_ms"), self.age_ms.and_then(|age| i64::try_from(age).ok()));
        json.flag(name!("renewed"), self.renewed);
        json.maybe(name!("refusal"), self.refusal.map(Refusal::word));
        json.number(name!("evictions"), i64::try_from(self.evictions).ok());
        json.maybe(name!("store_trouble"), self.store_trouble.as_deref());
        json.end();
    }

    /// What to do where tokens are evicted again and again.
    pub(crate) fn advice(&self) -> Option<String> {
        const REPEATED: usize = 3;
        (self.evictions >= REPEATED).then(|| {
            format!(
                "the token was refused before its time {} times within an hour: {EVICTED} \
                 (token在一小时内{}次提前失效:别处也在用同一个accesskey取token,请共用一个token_store,或各用各的accesskey)",
                self.evictions, self.evictions
            )
        })
    }

    pub(crate) fn store_warning(&self) -> Option<String> {
        let trouble = self.store_trouble.as_ref()?;
        Some(format!("{trouble}; this process goes on with its own memory (token_store不可用,本进程暂用自己的内存)"))
    }
}
