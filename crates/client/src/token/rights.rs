//! Which APIs take this account's tokens. An API that the account has no rights to may answer as if the token had ended;
//! what tells the two apart is that the same token works elsewhere.

use std::time::{Duration, Instant};

use super::stored_token::Number;
use crate::basics::recent::Recent;

/// So many APIs are remembered.
const MOST: usize = 64;
/// After an API refused a new token as well, the next call waits so long for another one.
const SHORTEST_PAUSE: Duration = Duration::from_millis(300);
/// After that was refused, too, none is got for so long, each time twice as long.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// An API that was seen to refuse a token that works elsewhere is asked anew after so long.
const SHOWN_FOR: Duration = Duration::from_secs(60);
/// So many tokens are got for one call, where all of them are refused.
const MOST_TOKENS: u32 = 12;
/// So many are got for one call to an API that was never seen to take a token, while tokens are being evicted.
const MOST_TOKENS_UNSEEN: u32 = 4;

/// What to do about a call that was refused for its token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Advice {
    /// The token has ended: get another one.
    Replace,
    /// The token is not the reason.
    HandOn,
    /// Tokens are evicted faster than they can be used.
    GiveUp,
}

#[derive(Debug)]
pub(super) struct Rights(Recent<String, Api>);

#[derive(Debug, Default)]
struct Api {
    /// It has taken a token, and none that was got anew was refused since.
    takes_tokens: bool,
    /// The last refusal: of which token, and when.
    refused: Option<(Number, Instant)>,
    /// When it was last shown that it refuses tokens that work elsewhere.
    shown: Option<Instant>,
    pause: Duration,
    pause_until: Option<Instant>,
    /// The last token that was got in vain: threads that were refused with the same one lengthen the pause once.
    in_vain: Option<Number>,
    /// It took tokens until it refused as many as are got for one call.
    used_to_take: bool,
}

impl Default for Rights {
    fn default() -> Self {
        Rights(Recent::new(MOST))
    }
}

impl Rights {
    /// The API took a token, in a call that was sent then. That lifts whatever stood against it.
    pub(super) fn taken(&mut self, api: &str, token: Number, sent: Instant) {
        let refused_it = |api: &&mut Api| api.refused.is_some_and(|(refused, at)| refused == token && at <= sent);
        self.0.values_mut().filter(refused_it).for_each(|other| other.shown = Some(sent));
        *self.api(api) = Api { takes_tokens: true, ..Api::default() };
    }

    /// The API refused a token, in a call for which so many tokens were got that were refused, this one included. What to do
    /// about it, and how long to wait before.
    pub(super) fn refused(
        &mut self,
        api: &str,
        token: Number,
        got: u32,
        evictions_go_on: bool,
        now: Instant,
    ) -> (Advice, Duration) {
        let api = self.api(api);
        let wait = api.pause_until.map_or(Duration::ZERO, |until| until.saturating_duration_since(now));
        let advice = api.refuses(token, got, evictions_go_on, now);
        (advice, wait.min(SHORTEST_PAUSE))
    }

    /// The API refused a token that the control center then gave anew, by this number.
    pub(super) fn refuses_what_is_given_anew(&mut self, api: &str, token: Number, now: Instant) {
        let api = self.api(api);
        api.refused = Some((token, now));
        api.was_in_vain(token, now);
        (api.takes_tokens, api.used_to_take) = (false, false);
    }

    fn api(&mut self, name: &str) -> &mut Api {
        // Numbers in a path are mostly those of things, not of APIs.
        let name = name.split('/').map(|part| if part.bytes().any(|byte| byte.is_ascii_digit()) { "0" } else { part });
        let name = name.collect::<Vec<_>>().join("/");
        if self.0.get(|key| *key == name).is_none() {
            self.0.insert(name.clone(), Api::default());
        }
        self.0.get(|key| *key == name).expect("it was put there if it was not")
    }
}

impl Api {
    fn refuses(&mut self, token: Number, got: u32, evictions_go_on: bool, now: Instant) -> Advice {
        let shown = self.shown.is_some_and(|at| now.duration_since(at) < SHOWN_FOR);
        let rests = self.pause_until.is_some_and(|until| now < until);
        self.refused = Some((token, now));
        if shown {
            (self.takes_tokens, self.used_to_take) = (false, false);
            return Advice::HandOn;
        }
        if rests && got == 0 && !self.used_to_take && self.pause > SHORTEST_PAUSE {
            return Advice::HandOn;
        }
        let most = match (self.takes_tokens, evictions_go_on) {
            (true, _) => MOST_TOKENS,
            // An API that has refused so many just now gets one more.
            (false, true) if !self.used_to_take => MOST_TOKENS_UNSEEN,
            (false, _) => 1,
        };
        if got < most {
            return Advice::Replace;
        }
        self.was_in_vain(token, now);
        // What goes on for so long is no eviction.
        self.used_to_take = (self.used_to_take || self.takes_tokens) && self.pause < LONGEST_PAUSE;
        self.takes_tokens = false;
        if self.used_to_take || evictions_go_on { Advice::GiveUp } else { Advice::HandOn }
    }

    /// This token was got for nothing: the next one is not got at once.
    fn was_in_vain(&mut self, token: Number, now: Instant) {
        if self.in_vain < Some(token) {
            self.in_vain = Some(token);
            self.pause = match self.pause.is_zero() {
                true => SHORTEST_PAUSE,
                false => (self.pause * 2).clamp(FIRST_PAUSE, LONGEST_PAUSE),
            };
            self.pause_until = Some(now + self.pause);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn second(number: u64) -> Duration {
        Duration::from_secs(number)
    }

    #[test]
    fn an_api_that_never_took_a_token_gets_one_new_one_and_then_rests() {
        let (mut rights, start) = (Rights::default(), Instant::now());
        let mut token = 1;
        let mut refused = |token, got, at: u64| rights.refused("/a", (token, 0), got, false, start + second(at));
        assert_eq!(refused(token, 0, 0).0, Advice::Replace);
        assert_eq!(refused(token, 1, 0).0, Advice::HandOn);
        assert_eq!(refused(token, 1, 0).0, Advice::HandOn, "another thread, with the same token");
        assert_eq!(refused(token, 0, 0), (Advice::Replace, SHORTEST_PAUSE), "the next one waits a moment");
        token += 1;
        assert_eq!(refused(token, 1, 0).0, Advice::HandOn);
        let mut at = 0;
        for pause in [1, 2, 4, 8, 16, 32, 60, 60] {
            assert_eq!(refused(token, 0, at + pause - 1).0, Advice::HandOn, "within {pause} s");
            at += pause;
            assert_eq!(refused(token, 0, at).0, Advice::Replace, "after {pause} s");
            token += 1;
            assert_eq!(refused(token, 1, at).0, Advice::HandOn);
        }
    }

    #[test]
    fn others_are_not_concerned() {
        let (mut rights, now) = (Rights::default(), Instant::now());
        assert_eq!(rights.refused("/denied", (1, 0), 1, false, now).0, Advice::HandOn);
        assert_eq!(rights.refused("/denied", (2, 0), 1, false, now).0, Advice::HandOn);
        assert_eq!(rights.refused("/denied", (2, 0), 0, false, now).0, Advice::HandOn);
        assert_eq!(rights.refused("/other", (1, 0), 0, false, now).0, Advice::Replace);
    }

    #[test]
    fn an_api_without_rights_is_known_by_a_token_that_works_elsewhere() {
        let (mut rights, now) = (Rights::default(), Instant::now());
        assert_eq!(rights.refused("/denied/job/7", (1, 0), 0, false, now).0, Advice::Replace);
        rights.taken("/other", (1, 0), now + second(1));
        assert_eq!(
            rights.refused("/denied/job/8", (1, 0), 0, false, now + second(2)).0,
            Advice::HandOn,
            "no token is got for it"
        );
        assert_eq!(rights.refused("/denied/job/8", (2, 0), 0, false, now + second(3)).0, Advice::HandOn);
        assert_eq!(
            rights.refused("/denied/job/8", (2, 0), 0, false, now + second(61)).0,
            Advice::Replace,
            "rights may be given"
        );
        rights.taken("/denied/job/9", (2, 0), now + second(62));
        assert_eq!(rights.refused("/denied/job/9", (2, 0), 0, false, now + second(63)).0, Advice::Replace);
    }

    #[test]
    fn a_success_that_was_sent_before_the_refusal_shows_nothing() {
        let (mut rights, now) = (Rights::default(), Instant::now());
        rights.refused("/a", (1, 0), 0, false, now + second(1));
        rights.taken("/other", (1, 0), now);
        rights.taken("/other", (2, 0), now + second(2));
        assert_eq!(rights.refused("/a", (1, 0), 0, false, now + second(3)).0, Advice::Replace);
    }

    #[test]
    fn where_tokens_are_evicted_a_call_gets_more_than_one() {
        let (mut rights, now) = (Rights::default(), Instant::now());
        assert_eq!(rights.refused("/new", (1, 0), 3, true, now).0, Advice::Replace);
        assert_eq!(rights.refused("/new", (1, 0), 4, true, now).0, Advice::GiveUp);
        rights.taken("/known", (1, 0), now);
        assert_eq!(rights.refused("/known", (1, 0), 11, false, now).0, Advice::Replace);
        assert_eq!(rights.refused("/known", (1, 0), 12, false, now).0, Advice::GiveUp);
        let mut token = 1;
        let mut again = |got| {
            token += 1;
            rights.refused("/known", (token, 0), got, false, now).0
        };
        assert_eq!(again(0), Advice::Replace, "the next call gets one more");
        assert_eq!([(); 6].map(|()| again(1)), [Advice::GiveUp; 6]);
        assert_eq!(again(1), Advice::HandOn, "what goes on for long is no eviction");
        rights.taken("/known", (1, 0), now);
        assert_eq!(rights.refused("/known", (1, 0), 12, false, now).0, Advice::GiveUp);
        rights.taken("/other", (1, 0), now + second(1));
        assert_eq!(
            rights.refused("/known", (1, 0), 0, false, now + second(2)).0,
            Advice::HandOn,
            "it has lost its rights"
        );
    }
}
