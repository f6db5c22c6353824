//! A call that starts work, and the questions whether that is over.

use std::thread;
use std::time::{Duration, Instant};

use super::refusal::Refusal;
use super::resume_file::{Found, ResumeFile, fingerprint};
use super::tally::{Tally, Verdict};
use super::{Answer, SHORTEST, one};
use crate::basics::json::quoted;
use crate::basics::pointer::Absent;
use crate::call::once::once;
use crate::error::{Delivered, Error, Kind, Part, as_it_came};
use crate::network::attempt::Progress;
use crate::request::{Address, Begun, CallText, Unfilled, Waiting};

/// The last question has this long, where the time is over before the next one would come.
const LAST_QUESTION: Duration = Duration::from_secs(1);

/// Starts the work, unless that was done, and asks until it is over.
pub(crate) fn wait(
    text: &CallText<'_>,
    waiting: Waiting,
    began: Instant,
    progress: &Progress,
) -> Result<Vec<u8>, Error> {
    // All of it is checked before anything is sent.
    let address = text.check_for(&waiting.api, &waiting.data)?.address;
    let mut work = Work { text, waiting, address, file: None, started: None };
    let begun = work.waiting.begun.take();
    let goes_on = begun.is_some();
    match begun {
        Some(begun) => work.go_on(begun)?,
        None => work.begin(began, progress)?,
    }
    // The work was started, whatever comes of the questions.
    progress.fail(Delivered::Yes);
    work.ask(goes_on, progress)
}

struct Work<'w, 't> {
    text: &'w CallText<'t>,
    waiting: Waiting,
    address: Address,
    file: Option<ResumeFile>,
    /// The reply to the first call, where it is known.
    started: Option<String>,
}

impl Work<'_, '_> {
    fn go_on(&mut self, begun: Begun) -> Result<(), Error> {
        self.started = begun.started;
        let started = self.started.clone().unwrap_or_else(|| "null".to_owned());
        let filled = self.waiting.fill(&started);
        filled.map_err(|unfilled| self.unfilled(&unfilled))
    }

    /// Makes the first call, unless a file shows that another process has.
    fn begin(&mut self, began: Instant, progress: &Progress) -> Result<(), Error> {
        let mut request = self.text.check()?;
        request.never_twice = true;
        if let Some(path) = self.waiting.resume_file.take() {
            match ResumeFile::begin(path, fingerprint(&request))? {
                Found::Nothing(file) => self.file = Some(file),
                Found::Started(file, resume) => {
                    let kept = self.text.waiting_by(&resume)?;
                    let Some(begun) = kept.begun else { return Ok(()) };
                    self.file = Some(file);
                    self.waiting.data = kept.data;
                    self.waiting.is_filled = kept.is_filled;
                    return self.go_on(begun);
                }
            }
        }
        let started = once(request, began, progress).and_then(Answer::of).map_err(|error| {
            if error.delivered == Delivered::No {
                self.remove_file();
            }
            let part = Part { name: Some("start"), ..Part::default() };
            Error { part: Some(Box::new(part)), ..error }
        })?;
        let filled = self.waiting.fill(&started.text);
        let refusal = Refusal::of(&started);
        // What the question refers to shows that there is work to ask for, whatever else stands beside it.
        let refusal = refusal.filter(|_| filled.is_err() || !self.waiting.refers);
        self.started = Some(started.text);
        if let Some(refusal) = refusal {
            let pointer = match filled {
                Err(Unfilled::Absent(pointer, _)) => Some(pointer.as_str().to_owned()),
                _ => None,
            };
            let error = Error { http_status: started.status, ..self.refused(&refusal) };
            return Err(with(error, |part| part.pointer = pointer));
        }
        filled.map_err(|unfilled| self.unfilled(&unfilled))?;
        if let Some(file) = &self.file {
            file.started(&self.resume()).map_err(|error| {
                let error = Error { kind: Kind::Response, ..error };
                self.told(error, "start")
            })?;
        }
        Ok(())
    }

    fn ask(&mut self, goes_on: bool, progress: &Progress) -> Result<Vec<u8>, Error> {
        if self.waiting.limit.is_zero() {
            return Ok(self.result(None));
        }
        let until = Instant::now().checked_add(self.waiting.limit).expect("a clock holds a week more");
        let mut tally = Tally::default();
        let mut is_last = false;
        loop {
            let mut pause = self.waiting.every;
            match one(self.text, &self.waiting.api, &self.waiting.data, until, progress) {
                Ok(answer) => match tally.answered(&answer, &self.waiting, Instant::now()) {
                    Verdict::GoOn => {}
                    Verdict::Done => {
                        self.over_with_file();
                        return Ok(self.result(Some(&answer.text)));
                    }
                    Verdict::Failed(pointer, value) => {
                        self.over_with_file();
                        let cause = format!("任务失败:{pointer}为{value}");
                        let error = self.error("wait", cause, format!("the work has failed: `{pointer}` is {value}"));
                        return Err(with(error, |part| {
                            part.pointer = Some(pointer);
                            part.reply = as_it_came(&answer.text);
                        }));
                    }
                    Verdict::Refused(refusal) => {
                        let (zh, en) = refusal.in_words();
                        let cause = format!("控制中心一直拒绝询问:{zh};任务已启动,改正后请用error.resume继续等待");
                        let detail = format!(
                            "the control center keeps refusing the question with {en}; the work was started: go on with `error.resume` once that is mended"
                        );
                        return Err(with(self.error("wait", cause, detail), |part| {
                            part.reply = as_it_came(&answer.text)
                        }));
                    }
                },
                // Nothing of the network: it will not be better next time.
                Err(error) if error.kind.is_before_any_attempt() => return Err(self.told(error, "wait")),
                // The last question had little time.
                Err(error) if is_last && error.kind == Kind::Timeout => {}
                Err(error) => {
                    pause = pause.max(error.retry_after.as_deref().copied().unwrap_or_default());
                    tally.failed(&error);
                }
            }
            let left = until.saturating_duration_since(Instant::now());
            if is_last || left <= SHORTEST {
                return Err(self.over(&tally, goes_on));
            }
            is_last = pause.saturating_add(SHORTEST) >= left;
            if is_last {
                pause = left.saturating_sub(LAST_QUESTION.min(left / 2));
            }
            thread::sleep(pause);
        }
    }

    /// The time is over.
    fn over(&self, tally: &Tally, goes_on: bool) -> Error {
        let limit = self.waiting.limit.as_millis();
        let (zh, en) = tally.in_words();
        let started = if goes_on { "was started before" } else { "was started" };
        let cause =
            format!("等待任务结束超时({limit}毫秒),任务可能仍在运行,请用error.resume继续等待,不要重新启动;{zh}");
        let detail = format!(
            "the work {started}, and was not over within `wait.timeout_ms`, {limit} ms: go on waiting with `error.resume`, and do not start it again; {en}"
        );
        Error { kind: Kind::Timeout, ..self.error("wait", cause, detail) }
    }

    fn unfilled(&self, unfilled: &Unfilled) -> Error {
        let Unfilled::Absent(pointer, absent) = unfilled else {
            return Error::argument("wait.data_json", "字段wait.data_json中的pointer有误", "no pointer");
        };
        let error = self.without_value(pointer.as_str(), absent);
        with(error, |part| part.pointer = Some(pointer.as_str().to_owned()))
    }

    fn without_value(&self, pointer: &str, absent: &Absent) -> Error {
        let (en, zh) = absent.in_words();
        if self.started.is_none() {
            return Error::argument(
                "wait.data_json",
                "字段wait.data_json含有pointer,但resume中没有启动的返回,请写出其值",
                "`wait.data_json` refers to the first reply, which the resume text does not hold: write the values themselves",
            );
        }
        self.error(
            "start",
            format!("启动的返回中没有{pointer}:{zh};任务可能已启动,请改正pointer后用error.resume继续等待"),
            format!(
                "the first reply has no `{pointer}`: {en}; the work may have been started: go on with `error.resume` and a right `wait.data_json`"
            ),
        )
    }

    /// The control center refused to start it, or failed over it.
    fn refused(&self, refusal: &Refusal) -> Error {
        let (zh, en) = refusal.in_words();
        if refusal.is_in_doubt {
            let cause = format!("启动的返回为{zh};任务可能已启动,请先到控制中心查看,不要直接重新启动");
            let detail = format!(
                "the first reply says {en}: the work may have been started all the same; look at the control center before it is started again"
            );
            return self.error("start", cause, detail);
        }
        self.remove_file();
        let cause = format!("控制中心没有启动任务:{zh}");
        self.error("start", cause, format!("the control center did not start it: {en}"))
    }

    /// An error after the first call was answered.
    fn error(&self, part: &'static str, cause: String, detail: String) -> Error {
        self.told(Error::new(Kind::Response, cause, detail), part)
    }

    fn told(&self, error: Error, name: &'static str) -> Error {
        let part = Part {
            name: Some(name),
            resume: Some(self.resume()),
            started: self.started.as_deref().and_then(as_it_came),
            ..Part::default()
        };
        Error { delivered: Delivered::Yes, attempts: error.attempts.max(1), part: Some(Box::new(part)), ..error }
    }

    fn resume(&self) -> String {
        self.waiting.resume_text(&self.address, self.started.as_deref())
    }

    /// The work is over. Whoever is killed before it has noted that would start it again, unless the file stays.
    fn over_with_file(&self) {
        if !self.waiting.keeps_file {
            self.remove_file();
        }
    }

    fn remove_file(&self) {
        if let Some(file) = &self.file {
            file.remove();
        }
    }

    fn result(&self, reply: Option<&str>) -> Vec<u8> {
        let started = self.started.as_deref().unwrap_or("null");
        let resume = quoted(&self.resume());
        let parts = [
            r#"{"code":0,"msg":"success","result":{"started":"#,
            started,
            r#","reply":"#,
            reply.unwrap_or("null"),
            r#","resume":"#,
            &resume,
            "}}",
        ];
        parts.concat().into_bytes()
    }
}

fn with(mut error: Error, change: impl FnOnce(&mut Part)) -> Error {
    change(error.part.get_or_insert_default());
    error
}
