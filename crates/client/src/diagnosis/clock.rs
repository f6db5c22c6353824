//! How far this machine's clock is from the control center's.

use super::case::Case;
use super::check::{Check, Facts, Turn, Words};
use super::signature::Signed;
use super::tls::clock_is_to_blame;
use crate::basics::time::{WINDOW_MS, span};
use crate::request::Pass;
use crate::tls::refused_certificate::Fault;

const NAME: &str = "clock";

/// What a `Date` in whole seconds, and a little delay, cannot tell.
const SMALLEST_MS: i64 = 2_000;

pub(super) fn check(case: &Case<'_>, signed: &Signed) -> Check {
    let Some((ahead, sure)) = case.clock_offset() else {
        let is_cached = case.probe.probe.as_ref().is_some_and(|probe| probe.is_cached);
        if signed.answer.refuses_time() {
            let words = Words::new(
                "控制中心拒绝了时间戳,应答中又没有可信的时间可比;请校准本机时间(开启Windows时间同步),仍被拒绝则请控制中心管理员核对其时钟",
                "the control center refuses the timestamp, and its answers hold no time to compare with: set this machine's clock right (switch its time synchronisation on); if it is still refused, have the control center's clock checked",
            );
            return Check::fail(NAME, words, "", Turn::You);
        }
        return match (case.probe.probe.is_some(), is_cached) {
            (false, _) => Check::skipped(NAME, "没有得到应答", "nothing has answered"),
            (true, true) => {
                Check::skipped(NAME, "应答来自缓存,时间不可信", "a cache has answered, whose date is an old one")
            }
            (true, false) => Check::skipped(NAME, "应答中没有时间(Date)", "the answer holds no `Date`"),
        };
    };
    let mut facts = Facts::default();
    facts.number("ahead_ms", ahead);
    facts.number("sure_ms", sure);
    facts.text("by", "Date");
    let seconds = ahead.unsigned_abs() / 1000;
    let (zh, en) = if ahead > 0 { ("慢", "behind") } else { ("快", "ahead of") };
    let apart = Words::told(
        format_args!("本机时钟比控制中心{zh}{}", span_zh(seconds)),
        format_args!("this machine's clock is {} {en} the control center's", span(seconds)),
    );
    let takes_own = signed.answer.is_taken() && signed.stamped_by == 0;
    let window = i64::try_from(WINDOW_MS).unwrap_or(i64::MAX) - 60_000;
    let corrects = match &case.request.pass {
        Pass::Keys(keys) => keys.correct_clock,
        Pass::Given(_) => false,
    };
    let blamed = case.probe.refused.as_ref().is_some_and(|(fault, ..)| *fault == Fault::Time)
        && case.way().and_then(|way| way.agreed.as_ref()).is_some_and(|agreed| clock_is_to_blame(case, agreed));
    let check = if ahead.abs() <= SMALLEST_MS + sure {
        let mut check =
            Check::ok(NAME, "本机时钟与控制中心一致", "this machine's clock agrees with the control center's");
        if signed.answer.refuses_time() {
            check = refused(&Words::new(
                "控制中心认为时间戳有误,但应答中的时间与本机一致(可能是网关的时间)",
                "the control center refuses the timestamp, though the `Date` of its answers, which may be a gateway's, agrees with this machine's clock",
            ));
        }
        check
    } else if takes_own && ahead.abs() > window {
        facts.flag("may_be_of_a_gateway", true);
        Check::ok(
            NAME,
            "控制中心接受了本机的时间戳;应答中的时间不同,多半是网关的",
            "the control center takes this machine's timestamps; the `Date` of the answer differs, and is most likely a gateway's",
        )
    } else if blamed {
        let words = apart.and(
            ",因此证书看上去不在有效期内;请先校准本机时间",
            ", which makes the certificate look invalid: set this machine's clock right first",
        );
        Check::fail(NAME, words, "", Turn::You)
    } else if signed.answer.refuses_time() && ahead.abs() <= window {
        let words = apart.and(
            ",控制中心因此拒绝了时间戳;请校准本机时间(开启Windows时间同步)",
            ", and the control center refuses the timestamp for it: set this machine's clock right (switch its time synchronisation on)",
        );
        Check::fail(NAME, words, "", Turn::You)
    } else if ahead.abs() > window && !corrects {
        refused(&apart)
    } else if ahead.abs() > window {
        let words = apart.and(
            ",时间戳会自动修正,但请校准本机时间",
            "; timestamps are corrected by that, but set this machine's clock right",
        );
        Check::warning(NAME, words, "", Turn::You)
    } else {
        let words =
            apart.and(",请校准本机时间(差到10分钟就会被拒绝)", ": set it right; from 10 minutes on calls are refused");
        Check::warning(NAME, words, "", Turn::You)
    };
    check.with(facts, std::time::Duration::ZERO)
}

fn refused(apart: &Words) -> Check {
    let words = apart.clone().and(
        ",超过10分钟的时间戳会被拒绝;请校准本机时间(开启Windows时间同步)",
        "; timestamps more than 10 minutes off are refused: set this machine's clock right (switch its time synchronisation on)",
    );
    Check::fail(NAME, words, "", Turn::You)
}

fn span_zh(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds}秒"),
        120..7200 => format!("{}分钟", seconds / 60),
        7200..172_800 => format!("{}小时", seconds / 3600),
        _ => format!("{}天", seconds / 86_400),
    }
}
