//! What the replies say while something is waited for. No network, no clock of its own.

use std::time::{Duration, Instant};

use super::refusal::Refusal;
use super::{Answer, excerpt};
use crate::error::Error;
use crate::request::Waiting;

/// A refusal by the control center lasts when it came so often in a row, over so long: one that restarts answers oddly for a
/// while.
const LASTING: u32 = 10;
const LASTING_FOR: Duration = Duration::from_secs(60);

/// What follows from a reply.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    GoOn,
    /// A pointer of `until` leads to one of its values.
    Done,
    /// A pointer of `fail` does: the pointer and the value.
    Failed(String, String),
    /// The control center has refused the question for long.
    Refused(Refusal),
}

#[derive(Default)]
pub(super) struct Tally {
    asked: u32,
    answered: u32,
    /// Replies in which none of the pointers led anywhere.
    absent: u32,
    /// The first pointer that leads somewhere, with its value; or why none does.
    last: Option<(String, String)>,
    trouble: Option<(String, String)>,
    refused: u32,
    refused_since: Option<Instant>,
}

impl Tally {
    /// A question got no answer.
    pub(super) fn failed(&mut self, error: &Error) {
        self.asked = self.asked.saturating_add(1);
        self.trouble = Some((error.cause.clone(), error.detail.clone()));
        self.refused = 0;
    }

    /// It got this answer.
    pub(super) fn answered(&mut self, answer: &Answer, waiting: &Waiting, now: Instant) -> Verdict {
        let reply = &*answer.text;
        self.asked = self.asked.saturating_add(1);
        self.answered = self.answered.saturating_add(1);
        self.trouble = None;
        let mut found = None;
        let mut absent = None;
        let all = waiting.fail.iter().map(|one| (one, true)).chain(waiting.until.iter().map(|one| (one, false)));
        for (condition, is_failure) in all {
            let value = match condition.pointer.find(reply) {
                Ok(value) => value,
                Err(why) => {
                    absent = Some((&condition.pointer, why));
                    continue;
                }
            };
            let told = (condition.pointer.as_str().to_owned(), excerpt(value));
            if condition.holds(value) {
                return if is_failure { Verdict::Failed(told.0, told.1) } else { Verdict::Done };
            }
            found = Some(told);
        }
        if let Some((pointer, value)) = found {
            self.refused = 0;
            self.last =
                Some((format!("`{pointer}` was {value} in the last reply"), format!("最后一次{pointer}为{value}")));
            return Verdict::GoOn;
        }
        self.absent = self.absent.saturating_add(1);
        // Without a code it may be a gateway that does not find what it leads to, for a while.
        let refusal = Refusal::of(answer).filter(|refusal| refusal.code.is_some());
        self.last = absent.map(|(pointer, why)| {
            let (en, zh) = why.in_words();
            let (said, said_zh) = match &refusal {
                None => Default::default(),
                Some(refusal) => {
                    let (zh, en) = refusal.in_words();
                    (["; it says ", &en].concat(), [";其", &zh].concat())
                }
            };
            let pointer = pointer.as_str();
            (format!("`{pointer}` led nowhere in the last reply: {en}{said}"), format!("{pointer}不存在:{zh}{said_zh}"))
        });
        self.lasts(refusal, now)
    }

    fn lasts(&mut self, refusal: Option<Refusal>, now: Instant) -> Verdict {
        // What a server says of itself while it starts is no answer.
        let is_of_server = |refusal: &Refusal| {
            let code = refusal.code.as_deref().unwrap_or_default();
            refusal.is_in_doubt || (code.len() == 3 && code.starts_with('5'))
        };
        let Some(refusal) = refusal.filter(|refusal| !is_of_server(refusal)) else {
            self.refused = 0;
            return Verdict::GoOn;
        };
        if self.refused == 0 {
            self.refused_since = Some(now);
        }
        self.refused = self.refused.saturating_add(1);
        let since = self.refused_since.map_or(Duration::ZERO, |since| now.saturating_duration_since(since));
        if self.refused >= LASTING && since >= LASTING_FOR { Verdict::Refused(refusal) } else { Verdict::GoOn }
    }

    /// How the waiting went, in Chinese and in English.
    pub(super) fn in_words(&self) -> (String, String) {
        let Tally { asked, answered, absent, .. } = self;
        let mut zh = format!("共询问{asked}次,得到答复{answered}次");
        let mut en =
            format!("asked {asked} times, answered {answered} times, {absent} times without any of the pointers");
        if let Some((last, last_zh)) = &self.last {
            zh.extend([",", last_zh]);
            en.extend(["; ", last]);
        }
        if let Some((cause, detail)) = &self.trouble {
            zh.extend([",最后一次询问失败:", cause]);
            en.extend(["; the last question failed: ", detail]);
        }
        (zh, en)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Function, Kind};
    use crate::request::{CallText, RequestText};

    fn answer(reply: &str) -> Answer {
        Answer { text: reply.to_owned(), status: Some(200) }
    }

    fn waiting() -> Waiting {
        let text = r#"{"host":"http://a","rest_type":"/a","mode":"get","accesstoken":"t","wait":{"rest_type":"/b",
            "until":[{"pointer":"/s","in":["done","failed"]},{"pointer":"/t","in":[3]}],"fail":[{"pointer":"/s","in":["failed"]}]}}"#;
        CallText::read(&RequestText::new(text), Function::Call).unwrap().waiting().unwrap().unwrap()
    }

    #[test]
    fn any_condition_is_enough_and_failure_counts_first() {
        let (waiting, now) = (waiting(), Instant::now());
        for (reply, verdict) in [
            (r#"{"s":"done"}"#, Verdict::Done),
            (r#"{"s":"runs","t":3.0}"#, Verdict::Done),
            (r#"{"s":"runs","t":4}"#, Verdict::GoOn),
            (r#"{"s":"failed"}"#, Verdict::Failed("/s".into(), "\"failed\"".into())),
            ("{}", Verdict::GoOn),
            ("7", Verdict::GoOn),
        ] {
            assert_eq!(Tally::default().answered(&answer(reply), &waiting, now), verdict, "{reply}");
        }
    }

    #[test]
    fn a_refusal_ends_the_waiting_once_it_has_lasted() {
        let (waiting, begin) = (waiting(), Instant::now());
        let refusal = r#"{"code":7,"msg":"no such job"}"#;
        let after = |tally: &mut Tally, reply: &str, count: u32, every: u64| {
            let at = |index: u32| begin + Duration::from_secs(every * u64::from(index));
            (0..count).map(|index| tally.answered(&answer(reply), &waiting, at(index))).last().unwrap()
        };
        let refused = Verdict::Refused(Refusal::of(&answer(refusal)).unwrap());
        assert_eq!(after(&mut Tally::default(), refusal, 10, 7), refused);
        assert_eq!(after(&mut Tally::default(), refusal, 9, 60), Verdict::GoOn);
        assert_eq!(after(&mut Tally::default(), refusal, 50, 1), Verdict::GoOn);
        assert_eq!(after(&mut Tally::default(), refusal, 61, 1), refused);
        assert_eq!(after(&mut Tally::default(), r#"{"code":503,"msg":"starting"}"#, 100, 60), Verdict::GoOn);
        for success in [r#"{"code":0}"#, r#"{"code":200,"msg":"ok"}"#] {
            assert_eq!(after(&mut Tally::default(), success, 100, 60), Verdict::GoOn);
        }
        let mut tally = Tally::default();
        after(&mut tally, refusal, 9, 60);
        tally.failed(&Error::new(Kind::Connect, "断", "gone"));
        assert_eq!(after(&mut tally, refusal, 9, 60), Verdict::GoOn, "not in a row");
        let (zh, en) = tally.in_words();
        assert!(
            en.contains("asked 19 times, answered 18 times, 18 times without") && en.contains("no such job"),
            "{en}"
        );
        assert!(zh.contains("共询问19次,得到答复18次") && zh.contains("其code为7"), "{zh}");
    }
}
