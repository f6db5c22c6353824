//! Which percent-encoding a call is signed with. Where the caller leaves that to the library (`"encoding": "auto"`), it is
//! found out by the control center's refusals, for one additional request at most.
//!
//! | what is known | a call is signed | it is refused for its signature |
//! |---|---|---|
//! | nothing | as the generation has it | once more the other way; what works is remembered |
//! | one has worked | with that | that is forgotten; the refusal is the reply |
//! | both were refused, within ten minutes | as the generation has it | the refusal is the reply |
//!
//! A business error may speak of signatures as well. Where both are refused, but in other words each, one of the two is such
//! an error, and came after its signature was proved: that of the encoding that had worked, if there was one. If not, nobody
//! can tell, and it is this API alone that is left at one request for ten minutes.
//!
//! All this only where the two are written differently: a call that they write alike says nothing about them.

use std::time::{Duration, Instant};

use crate::call::encodings::{self, Caller, Scout};
use crate::call::exchange::Answered;
use crate::call::unstamped::UnstampedCall;
use crate::error::{Error, Kind};
use crate::network::attempt::Progress;
use crate::request::RefusalRule;
use crate::token::{Sign, fingerprint, signature};
use rpa_signing::Secret;
use rpa_signing::scheme::Encoding;

/// For so long at most a call waits for another one to find out what works, and for no more than a quarter of its time: it is
/// to be sent in the rest.
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// With less time than this nothing is sent once more.
const LAST_MOMENT: Duration = Duration::from_millis(100);

pub(super) type Outcome = Result<Answered, Error>;

/// The encoding of a call's attempts.
pub(super) struct Signing {
    /// Of the next one.
    pub(super) encoding: Encoding,
    finding: Option<Finding>,
}

/// What a call does to find out.
struct Finding {
    caller: Caller,
    center: Caller,
    api: Caller,
    kept: Option<Encoding>,
    deadline: Instant,
    scout: Option<Scout>,
    /// The refusal that was answered by the additional request, and its fingerprint.
    first: Option<Box<(Outcome, u64)>>,
    /// There was one, or there will be none.
    is_used_up: bool,
}

/// What a call has shown that was not known before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Finds {
    Nothing,
    Works(Encoding),
    /// What had worked was refused.
    NoLonger,
}

impl Signing {
    /// What a call is signed with, as far as that is known. `who`: whose calls are of one kind; `kept`: what is kept beside
    /// their token.
    pub(super) fn known(
        call: &UnstampedCall<'_>,
        who: &str,
        pass: &Secret,
        kept: Option<Encoding>,
        deadline: Instant,
    ) -> Signing {
        let request = &call.request;
        let (usual, _) = request.scheme.usual();
        let encoding = request.encoding.unwrap_or(usual);
        if request.encoding.is_some() || !call.stamp(pass, usual, 0).is_written_differently() {
            return Signing { encoding, finding: None };
        }
        let [caller, center, api] = [who, "", &request.path].map(|of| Caller::new(request, of));
        let encoding = caller.works(kept).unwrap_or(usual);
        let finding = Finding { caller, center, api, kept, deadline, scout: None, first: None, is_used_up: false };
        Signing { encoding, finding: Some(finding) }
    }

    /// The same for a call that is sent: it finds out what is not known, or waits for the one that does.
    pub(super) fn found_out(mut self) -> Signing {
        let unknown = |finding: &&mut Finding| finding.caller.works(finding.kept).is_none();
        if let Some(finding) = self.finding.as_mut().filter(unknown) {
            let left = finding.deadline.saturating_duration_since(Instant::now());
            let limit = LONGEST_WAIT.min(left / 4);
            finding.scout = finding.caller.scout(finding.center, limit);
            self.encoding = finding.caller.works(finding.kept).unwrap_or(self.encoding);
        }
        self
    }

    /// What an attempt has shown. `Err`: it is to be sent once more, the other way. Where that was refused, too, the first
    /// refusal is what has come of both.
    pub(super) fn after(&mut self, outcome: Outcome, rule: &RefusalRule) -> Result<(Outcome, Finds), ()> {
        let Some(finding) = &mut self.finding else { return Ok((outcome, Finds::Nothing)) };
        let works = finding.caller.works(finding.kept);
        match said(&outcome, rule) {
            // After a refusal of the other one whatever else is said of the call was said after its signature was proved.
            sign @ (Sign::Taken | Sign::Other) if sign == Sign::Taken || finding.first.is_some() => {
                let finds = if works == Some(self.encoding) { Finds::Nothing } else { Finds::Works(self.encoding) };
                finding.caller.has_worked(self.encoding);
                finding.scout = None;
                return Ok((outcome, finds));
            }
            Sign::Refused => {
                let says = fingerprint_of(&outcome);
                if let Some(first) = finding.first.take() {
                    finding.scout = None;
                    let (second, had) = ((outcome, says), works.or(finding.caller.had_worked()));
                    let is_second = had == Some(self.encoding) && says != first.1;
                    let (outcome, business) = if is_second { second } else { *first };
                    let Some(had) = had else {
                        encodings::both_refused(if business == says { finding.center } else { finding.api });
                        self.encoding = self.encoding.other();
                        return Ok((outcome, Finds::Nothing));
                    };
                    if business == says && !is_second {
                        encodings::both_refused(finding.center);
                    }
                    self.encoding = had;
                    finding.caller.has_worked(had);
                    finding.caller.is_business(finding.api, business);
                    return Ok((outcome, Finds::Works(had)));
                }
                if !finding.is_used_up {
                    finding.is_used_up = true;
                    if works == Some(self.encoding) {
                        if finding.caller.knows_as_business(finding.api, says) {
                            return Ok((outcome, Finds::Nothing));
                        }
                        finding.caller.forget(self.encoding);
                        return Ok((outcome, Finds::NoLonger));
                    }
                    let is_in_time = Instant::now() + LAST_MOMENT < finding.deadline;
                    let is_quiet = || [finding.center, finding.api].into_iter().any(encodings::is_quiet);
                    if is_in_time && (works.is_some() || !is_quiet()) {
                        finding.first = Some(Box::new((outcome, says)));
                        self.encoding = self.encoding.other();
                        return Err(());
                    }
                }
            }
            _ => {}
        }
        finding.scout = None;
        Ok((outcome, Finds::Nothing))
    }
}

/// Notes a refused signature, where somebody wants to know. Nothing is told of what was signed but a place in it.
pub(super) fn note_refusal(call: &UnstampedCall<'_>, pass: &Secret, outcome: &Outcome, progress: &Progress) {
    if progress.wants().refusals && said(outcome, &call.request.signature_refused) == Sign::Refused {
        let encoded = |encoding| call.stamp(pass, encoding, 0).encoded();
        let (one, other) = (encoded(Encoding::Python), encoded(Encoding::Java));
        let (one, other) = (one.expose(), other.expose());
        let same = one.bytes().zip(other.bytes()).take_while(|(one, other)| one == other).count();
        progress.seen().signature_refused = Some((one != other).then_some(same + 1));
    }
}

fn fingerprint_of(outcome: &Outcome) -> u64 {
    match outcome {
        Ok(answered) => fingerprint(answered.status(), &answered.text),
        Err(error) => fingerprint(error.http_status.unwrap_or_default(), b""),
    }
}

fn said(outcome: &Outcome, rule: &RefusalRule) -> Sign {
    match outcome {
        Ok(answered) => signature(rule, answered.status(), &answered.text),
        // Some servers refuse with a status alone, and without JSON. A proxy proves no signature.
        Err(error) if error.kind == Kind::Proxy => Sign::Unclear,
        Err(error) => match error.http_status.is_some_and(|status| rule.http_status.contains(&status)) {
            true => Sign::Refused,
            false => Sign::Unclear,
        },
    }
}
