//! A signed call: its stages, and what the control center says of it.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::case::Case;
use super::check::{Check, Facts, Status, Turn, Words};
use super::said::Said;
use super::token::Found;
use crate::call::exchange::Answered;
use crate::call::notes;
use crate::call::now::now;
use crate::call::unstamped::UnstampedCall;
use crate::error::{Error, Kind};
use crate::network::attempt::{Call, Progress};
use crate::reply::redact::Redactor;
use crate::request::Pass;
use crate::token::{Sign, is_failure, is_refused, refuses_time, signature};
use rpa_signing::Secret;
use rpa_signing::scheme::Encoding;

const NAME: &str = "signature";

/// What came of the signed call.
pub(super) struct Signed {
    pub(super) check: Check,
    pub(super) answer: Answer,
    /// How far from this machine's clock that was stamped, in milliseconds.
    pub(super) stamped_by: i64,
}

/// What the control center says of it.
pub(super) enum Answer {
    /// Nothing: it was not sent, or not answered by the API.
    Nothing,
    /// It has done it.
    Done,
    /// It has not, for a reason of the API's; or refuses the signature in words that are not known for that.
    Failed,
    /// It knows who calls, and does not permit it.
    NotPermitted,
    RefusesSignature,
    RefusesTime,
    RefusesToken(Said),
}

impl Answer {
    pub(super) fn has_run(&self) -> bool {
        matches!(self, Answer::Done)
    }

    /// Whether the control center took the call: what it says is not about who calls.
    pub(super) fn is_taken(&self) -> bool {
        matches!(self, Answer::Done | Answer::Failed | Answer::NotPermitted)
    }

    pub(super) fn refuses_time(&self) -> bool {
        matches!(self, Answer::RefusesTime)
    }
}

impl Signed {
    fn not(check: Check) -> Signed {
        Signed { check, answer: Answer::Nothing, stamped_by: 0 }
    }
}

pub(super) fn check(case: &Case<'_>, found: &Found) -> Signed {
    let has = |name| case.readable.has(name);
    let (is_named, zh, en) = match case.request.scheme.path() {
        None => (
            has("rest_type") && has("mode"),
            "没有给出rest_type和mode(用只读的接口和\"mode\":\"get\")",
            "`rest_type` and `mode` are not given (an API that only reads, and \"mode\": \"get\")",
        ),
        Some(_) => (has("action"), "没有给出action", "`action` is not given"),
    };
    if !is_named || case.readable.is_aside("data_json") {
        return Signed::not(Check::skipped(NAME, zh, en));
    }
    if case.readable.has("files") {
        return Signed::not(Check::skipped(NAME, "诊断时不发送文件(files)", "a diagnosis sends no `files`"));
    }
    let Some(token) = &found.token else {
        return Signed::not(Check::skipped(NAME, "没有token可用来签名", "there is no token to sign with"));
    };
    let begun = Instant::now();
    let mut signed = match sign(case, token, found) {
        Ok(signed) => signed,
        Err(error) => {
            Signed::not(Check::fail(NAME, Words::of(&error), error.field.as_deref().unwrap_or(""), Turn::You))
        }
    };
    signed.check.took = begun.elapsed();
    signed
}

fn sign(case: &Case<'_>, token: &Secret, found: &Found) -> Result<Signed, Error> {
    let first = UnstampedCall::new(case.readable.request()?)?;
    let encoding = first.request.encoding.unwrap_or(first.request.scheme.usual().0);
    let ahead = match (&case.request.pass, &found.keeper) {
        (Pass::Keys(keys), Some(keeper)) if keys.correct_clock => keeper.ahead_ms(),
        _ => 0,
    };
    let stamp = first.stamp(token, encoding, now(ahead)?);
    let (source, encoded) = (stamp.source(), stamp.encoded());
    let is_auto = first.request.encoding.is_none();
    let mut told = notes::of_signature(&stamp, source.expose(), is_auto, now(ahead)?);
    told.extend(notes::of_url(first.request.mode, first.url.expose()));
    told.extend(notes::of_parameters(&case.request.parameters));
    let mut facts = Facts::default();
    facts.text("method", first.method().as_str());
    facts.text("url", first.url.expose().split('?').next().unwrap_or_default());
    facts.number("parameters", i64::try_from(case.request.parameters.len()).unwrap_or(0));
    facts.number("source_length", length(source.expose()));
    facts.number("encoded_length", length(encoded.expose()));
    let (body, _) = stamp.body(&stamp.signature());
    facts.number("body_length", body.as_ref().map_or(0, |body| length(body.text())));
    facts.number("url_length", length(first.url.expose()));
    facts.text("encoding", encoding.name());
    facts.number("timestamp", i64::try_from(stamp.timestamp).unwrap_or(0));
    facts.put("notes", Value::Array(told.iter().map(|note| Words::two(note, "").json()).collect()));
    if case.own_get().is_none() {
        let (zh, en) = match first.request.scheme.path() {
            None => (
                "只有get会真正发送,其他方式,以及带有wait、save_to或改变方式的请求头的,只在本地签名",
                "only a get is sent; others, and those with `wait`, `save_to` or a header that names a method, are signed here alone",
            ),
            Some(_) => (
                "这一版的每个调用都会执行一个动作,因此只在本地签名,不发送",
                "in this generation each call is an action, so it is signed here and not sent",
            ),
        };
        let check = Check::skipped(NAME, zh, en);
        return Ok(Signed::not(check.with(facts, Duration::ZERO)));
    }
    if case.verified_probe().is_none() {
        let check = Check::skipped(
            NAME,
            "没有连通,或证书不受信任",
            "there is no connection, or the certificate is not trusted",
        );
        return Ok(Signed::not(check.with(facts, Duration::ZERO)));
    }
    let trial = Trial { case, call: &first, token, found };
    let mut signed = sent(&trial, encoding, ahead)?;
    let may_be_the_encoding = match signed.answer {
        // Told as refused in both, even where both are written alike.
        Answer::RefusesSignature => true,
        Answer::Failed => stamp.is_written_differently(),
        _ => false,
    };
    if may_be_the_encoding {
        signed = other_encoding(&trial, encoding, ahead, signed)?;
    }
    signed.check.facts.0.extend(facts.0);
    Ok(signed)
}

fn length(text: &str) -> i64 {
    i64::try_from(text.len()).unwrap_or(i64::MAX)
}

/// A call that is sent in one way and, where that is refused, in others.
struct Trial<'t> {
    case: &'t Case<'t>,
    call: &'t UnstampedCall<'t>,
    token: &'t Secret,
    found: &'t Found,
}

/// What came, and the signature that was sent.
fn send(trial: &Trial<'_>, encoding: Encoding, ahead: i64) -> Result<(Answered, Redactor), Error> {
    let limits = Call { deadline: trial.case.until(0.6), progress: Progress::default() };
    let stamp = now(ahead)?;
    let mut redactor = trial.case.redactor();
    redactor.hide([&*trial.call.stamp(trial.token, encoding, stamp).signature()]);
    Ok((trial.call.send(trial.token, encoding, stamp, &limits)?, redactor))
}

fn sent(trial: &Trial<'_>, encoding: Encoding, ahead: i64) -> Result<Signed, Error> {
    let case = trial.case;
    let (answered, redactor) = match send(trial, encoding, ahead) {
        Ok(sent) => sent,
        Err(error) => return Ok(Signed::not(unanswered(case, &error))),
    };
    let mut signed = judged(case, &answered, &redactor);
    signed.stamped_by = ahead;
    let corrects = matches!(&case.request.pass, Pass::Keys(keys) if keys.correct_clock);
    if signed.answer.refuses_time()
        && corrects
        && let Some((other, _)) = case.clock_offset()
        && other != ahead
    {
        let (answered, redactor) = send(trial, encoding, other)?;
        let again = judged(case, &answered, &redactor);
        if !again.answer.refuses_time() {
            signed = Signed { stamped_by: other, ..again };
        }
    }
    if signed.answer.is_taken()
        && let Some(keeper) = &trial.found.keeper
    {
        keeper.observe(answered.observed());
    }
    Ok(signed)
}

/// No reply of the API's came, which says nothing of the signature.
fn unanswered(case: &Case<'_>, error: &Error) -> Check {
    let words = Words::of(error);
    // It had a part of the time that a call has.
    if error.kind == Kind::Timeout && case.verified_probe().is_some_and(|probe| probe.status.is_some()) {
        let words = words.and(
            "(诊断只给它一部分timeout_ms,调用有全部);接口较慢时请加大timeout_ms",
            " (a diagnosis has but a part of `timeout_ms` for it, a call has all); if the API is slow, give a longer `timeout_ms`",
        );
        return Check::warning(NAME, words, "timeout_ms", Turn::You);
    }
    let (setting, turn) = match (error.kind, Turn::of_status(error.http_status)) {
        (Kind::Disconnected, _) => ("", Turn::ControlCenter),
        (_, Some(turn)) => ("", turn),
        (Kind::Proxy, None) => ("", Turn::Network),
        _ => ("rest_type", Turn::You),
    };
    Check::fail(NAME, words, setting, turn)
}

/// What the answer says of the token, of the time, and of the signature.
fn judged(case: &Case<'_>, answered: &Answered, redactor: &Redactor) -> Signed {
    let (status, reply) = (answered.status(), &answered.text[..]);
    let said = Said::of(reply, redactor);
    let mut facts = Facts::default();
    facts.number("http_status", i64::from(status));
    said.put_into(&mut facts);
    let rule = match &case.request.pass {
        Pass::Keys(keys) => keys.refusal.clone(),
        Pass::Given(_) => crate::request::RefusalRule::default(),
    };
    let is_success = !is_failure(status, reply) || (status < 400 && said.code == "200");
    let refuses_signature =
        || signature(&case.request.signature_refused, status, reply) == Sign::Refused || refuses_time(status, reply);
    let (answer, check) = if is_success {
        (Answer::Done, Check::ok(NAME, "控制中心接受了签名的调用", "the control center took the signed call"))
    } else if is_refused(&rule, status, reply) {
        (Answer::RefusesToken(said), Check::skipped(NAME, "token被拒绝", "the token is refused"))
    } else if said.is_of_time() {
        (Answer::RefusesTime, Check::skipped(NAME, "时间戳被拒绝", "the timestamp is refused"))
    } else if said.is_of_rights() {
        let words = said.told(
            (
                "签名没有被拒绝,但控制中心不许可这个调用",
                "the signature is not refused, but the control center does not permit the call",
            ),
            (
                "请联系控制中心管理员处理权限或白名单",
                "have its administrator see to the rights or the list of addresses",
            ),
        );
        (Answer::NotPermitted, Check::fail(NAME, words, "", Turn::ControlCenter))
    } else if refuses_signature() {
        let Said { code, msg } = &said;
        let words = Words::told(
            format_args!("控制中心拒绝了签名(code {code}:{msg})"),
            format_args!("the control center refuses the signature (code {code}: {msg})"),
        );
        (Answer::RefusesSignature, Check::fail(NAME, words, "", Turn::You))
    } else {
        (Answer::Failed, failed(status, &said))
    };
    Signed { answer, ..Signed::not(check.with(facts, Duration::ZERO)) }
}

/// The API answers that it did not do what it was asked.
fn failed(status: u16, Said { code, msg }: &Said) -> Check {
    let number = match status {
        400.. => i64::from(status),
        _ => code.parse().unwrap_or(0),
    };
    let (zh, en, setting, turn) = match number {
        404 => {
            ("请核对rest_type,控制中心没有这个接口", "check `rest_type`: there is no such API", "rest_type", Turn::You)
        }
        405 => ("请核对mode,接口要求另一种方式", "check `mode`: the API wants another one", "mode", Turn::You),
        429 => ("调用过于频繁,请稍后再试", "there are too many calls: try again later", "", Turn::Network),
        500..600 => (
            "请控制中心管理员查看其日志",
            "have the control center's administrator look into its log",
            "",
            Turn::ControlCenter,
        ),
        _ => (
            "请按其内容核对rest_type和data_json;如果它是在拒绝签名,请在signature_refused中写明",
            "check `rest_type` and `data_json` by what it says; if that is how it refuses a signature, say so in `signature_refused`",
            "data_json",
            Turn::You,
        ),
    };
    let words = Words::told(
        format_args!("签名没有被拒绝,但接口答复code {code}:{msg},{zh}"),
        format_args!("the signature is not refused, but the API answers code {code}: {msg}; {en}"),
    );
    Check::warning(NAME, words, setting, turn)
}

/// Whether the other encoding would do, and what that tells.
fn other_encoding(trial: &Trial<'_>, encoding: Encoding, ahead: i64, signed: Signed) -> Result<Signed, Error> {
    let Signed { mut check, answer, stamped_by } = signed;
    let again = sent(trial, encoding.other(), ahead)?;
    let (this, that) = (encoding.name(), encoding.other().name());
    let is_known_refusal = matches!(answer, Answer::RefusesSignature);
    let works = if is_known_refusal { again.answer.is_taken() } else { again.answer.has_run() };
    let mut facts = std::mem::take(&mut check.facts);
    facts.text("tried", "python, java");
    if works || is_known_refusal {
        facts.put("works", if works { that.into() } else { Value::Null });
    }
    if !works {
        if is_known_refusal {
            check.words = check.words.and(
                ",两种编码都试过,均被拒绝;请核对token或密钥是否属于这个控制中心,以及网关是否改动了请求",
                "; both encodings were tried; check that the token or the keys are of this control center, and that no gateway changes the request",
            );
        }
        return Ok(Signed { check: check.with(facts, Duration::ZERO), answer, stamped_by });
    }
    let is_auto = trial.call.request.encoding.is_none();
    let check = if is_auto && is_known_refusal && again.answer.has_run() {
        let words = Words::told(
            format_args!("控制中心接受按{that}编码的签名;调用时会自动改用它"),
            format_args!("the control center takes signatures as {that}; calls change to it by themselves"),
        );
        Check::new(NAME, Status::Ok, words)
    } else if is_auto && is_known_refusal {
        again.check
    } else if is_auto {
        let code = facts.0.get("code").and_then(Value::as_str).unwrap_or_default();
        let words = Words::told(
            format_args!(
                "按{this}编码的签名被拒绝(code {code}),按{that}编码则通过,请设置\"encoding\":\"{that}\",或在signature_refused中写明code {code}"
            ),
            format_args!(
                "signed as {this} the call is refused (code {code}), signed as {that} it is taken: give \"encoding\": \"{that}\", or tell code {code} in `signature_refused`"
            ),
        );
        Check::fail(NAME, words, "encoding", Turn::You)
    } else {
        let words = Words::told(
            format_args!("编码不对:按{this}编码的签名被拒绝,按{that}编码则通过,请设置\"encoding\":\"{that}\""),
            format_args!(
                "the encoding is wrong: signed as {this} the call is refused, signed as {that} it is taken; give \"encoding\": \"{that}\""
            ),
        );
        Check::fail(NAME, words, "encoding", Turn::You)
    };
    Ok(Signed { check: check.with(facts, Duration::ZERO), answer: again.answer, stamped_by })
}
