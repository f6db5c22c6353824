//! What a renewal does with the store: looks into it, asks for the right to ask the control center, and puts a token there.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::shared_token::SharedToken;
use super::store::{Lease, Trouble};
use super::stored_token::StoredToken;

/// A store that does not answer one question within this is lost.
const ANSWERS_WITHIN: Duration = Duration::from_millis(500);
/// So much time it has at least: a call that is in a hurry must not make a store look slow that is not.
const AT_LEAST: Duration = Duration::from_millis(100);
/// Who answers within this is not slow: to wait for another process's token takes many looks.
const QUICK: Duration = Duration::from_millis(20);

pub(super) struct StoreAccess {
    shared: Arc<SharedToken>,
    /// For so long the store may still work.
    time: Duration,
}

impl StoreAccess {
    pub(super) fn new(shared: Arc<SharedToken>, time: Duration) -> StoreAccess {
        StoreAccess { shared, time: time.max(AT_LEAST) }
    }

    /// Whether a token is there that may follow the one that was refused, and works.
    pub(super) fn has_newer(&mut self, refused: Option<&StoredToken>) -> bool {
        let shared = self.shared.clone();
        let found = self.lets(|limit| shared.store.load(shared.account.name(), limit));
        let Ok(found) = found else { return false };
        let mut state = shared.state();
        if let Some(token) = found.and_then(|sealed| StoredToken::open(&sealed, &shared.account)) {
            state.token.adopt(Arc::new(token), refused);
        }
        let now = state.token.now();
        state.token.usable(refused, now).is_some()
    }

    /// The right to ask, if no other process has it.
    pub(super) fn lease(&mut self) -> Result<Option<Lease>, Trouble> {
        let shared = self.shared.clone();
        let above = shared.state().token.present().map_or(0, |token| token.generation);
        let lease = self.lets(|limit| shared.store.try_lease(shared.account.name(), above, limit));
        if matches!(lease, Ok(None)) {
            // The time goes to another process, and not to the store.
            self.time = self.time.max(ANSWERS_WITHIN);
        }
        lease
    }

    /// Keeps a new token, here and in the store. `false`: a newer one was there, since this one came late.
    pub(super) fn keep(&mut self, token: StoredToken) -> bool {
        let shared = self.shared.clone();
        self.time = self.time.max(ANSWERS_WITHIN);
        let no_random = || {
            Trouble(
                "the system has no random bytes to seal a token with (系统不能提供随机数,请联系系统管理员)".to_owned(),
            )
        };
        let sealed = token.seal(&shared.account).ok_or_else(no_random);
        let saved = self.lets(|limit| shared.store.save(shared.account.name(), &sealed?, limit));
        let token = Arc::new(token);
        shared.state().token.adopt(token.clone(), None);
        saved != Ok(false) || !self.has_newer(Some(&token))
    }

    /// Lets the store work for as long as it may, and remembers for the caller whether it can be used.
    fn lets<T>(&mut self, work: impl FnOnce(Duration) -> Result<T, Trouble>) -> Result<T, Trouble> {
        let (begun, limit) = (Instant::now(), ANSWERS_WITHIN.min(self.time));
        let result = match limit.is_zero() {
            true => Err(Trouble(
                "the store of `token_store` is too slow (token_store响应太慢,请检查其磁盘或服务器)".to_owned(),
            )),
            false => work(limit),
        };
        self.time = self.time.saturating_sub(begun.elapsed().saturating_sub(QUICK));
        self.shared.state().token.store_said(&result);
        result
    }
}
