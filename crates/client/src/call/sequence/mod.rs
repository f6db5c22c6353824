//! Long work: several calls that are one to the caller. Each is an ordinary one, with attempts and a time limit of its own.

mod pages;
mod refusal;
mod resume_file;
mod tally;
mod waiting;

pub(super) use pages::gather;
pub(super) use waiting::wait;

use std::time::{Duration, Instant};

use crate::call::exchange::Replied;
use crate::call::once::once;
use crate::error::{Error, Kind};
use crate::network::attempt::Progress;
use crate::request::{Api, CallText};

/// In less time than this no call is made.
const SHORTEST: Duration = Duration::from_millis(50);

/// One of several calls, which ends before all of them together must.
fn one(text: &CallText<'_>, api: &Api, data: &str, until: Instant, progress: &Progress) -> Result<Answer, Error> {
    let mut request = text.check_for(api, data)?;
    let now = Instant::now();
    let left = until.saturating_duration_since(now).max(SHORTEST);
    request.options.timeout = request.options.timeout.min(left);
    once(request, now, progress).and_then(Answer::of)
}

/// What the control center answered to one of them.
struct Answer {
    text: String,
    /// None where it refuses the keys.
    status: Option<u16>,
}

impl Answer {
    fn of((reply, status): Replied) -> Result<Answer, Error> {
        let text = String::from_utf8(reply);
        let text = text.map_err(|_| Error::new(Kind::Internal, "程序内部错误", "a reply is no UTF-8"))?;
        Ok(Answer { text, status })
    }
}

/// The beginning of a value or a message, to be told.
fn excerpt(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(80).collect()
}
