//! The time as a clock on this machine's wall shows it, with its distance from UTC.
//!
//! The zone is read once in a process: the system's own functions read the environment at each call, and crash where another
//! thread of the host program changes it.

use std::sync::Mutex;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use der::DateTime;

/// A time, such as `2026-11-25T13:05:09.123+08:00`. The first ten characters are the date.
pub(crate) fn local(time: SystemTime) -> String {
    /// Of the second that was asked for last: it is asked for with each line of a log.
    static LAST: Mutex<(u64, String)> = Mutex::new((u64::MAX, String::new()));
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    // Whoever holds it may not be there: a process that was forked.
    let Ok(mut last) = LAST.try_lock() else { return written(since) };
    if last.0 != since.as_secs() {
        *last = (since.as_secs(), written(since));
    }
    let mut text = last.1.clone();
    let digits = [100, 10, 1].map(|unit| b'0' + (since.subsec_millis() / unit % 10) as u8);
    if let Ok(digits) = str::from_utf8(&digits) {
        text.replace_range(20..23, digits);
    }
    text
}

fn written(since: Duration) -> String {
    let offset = offset_seconds(since);
    let wall = match u64::try_from(offset) {
        Ok(ahead) => since + Duration::from_secs(ahead),
        Err(_) => since.saturating_sub(Duration::from_secs(offset.unsigned_abs())),
    };
    // Past the year 9999 there is no such time.
    let at = DateTime::from_unix_duration(Duration::from_secs(wall.as_secs())).unwrap_or(DateTime::INFINITY);
    let mut text = Vec::with_capacity(32);
    let mut digits = |value: u32, least: u32, before: u8| {
        text.extend((before != 0).then_some(before));
        (0..least).rev().for_each(|place| text.push(b'0' + (value / 10u32.pow(place) % 10) as u8));
    };
    digits(at.year().into(), 4, 0);
    digits(at.month().into(), 2, b'-');
    digits(at.day().into(), 2, b'-');
    digits(at.hour().into(), 2, b'T');
    digits(at.minutes().into(), 2, b':');
    digits(at.seconds().into(), 2, b':');
    digits(wall.subsec_millis(), 3, b'.');
    let minutes = (offset.unsigned_abs() / 60) as u32;
    digits(minutes / 60, 2, if offset < 0 { b'-' } else { b'+' });
    digits(minutes % 60, 2, b':');
    String::from_utf8(text).expect("digits are ASCII")
}

/// How far the wall's clock is ahead of UTC, at a moment since 1970.
#[cfg(unix)]
fn offset_seconds(since: Duration) -> i64 {
    use std::env;
    use std::sync::OnceLock;
    use tz::TimeZone;

    static ZONE: OnceLock<Option<TimeZone>> = OnceLock::new();
    let zone = ZONE.get_or_init(|| match env::var("TZ") {
        Ok(zone) => TimeZone::from_posix_tz(&zone).ok(),
        Err(_) => TimeZone::local().ok(),
    });
    let seconds = i64::try_from(since.as_secs()).unwrap_or(i64::MAX);
    let found = zone.as_ref().and_then(|zone| zone.find_local_time_type(seconds).ok());
    found.map_or(0, |found| found.ut_offset().into())
}

/// Windows keeps the present one in minutes, with the sign turned, and writes it anew when summer begins and ends.
#[cfg(windows)]
fn offset_seconds(since: Duration) -> i64 {
    use crate::basics::locks::lock;
    use winreg::{RegKey, enums::HKEY_LOCAL_MACHINE};

    /// In which minute it was read, and what it was.
    static READ: Mutex<(u64, i64)> = Mutex::new((0, 0));
    let minute = since.as_secs() / 60;
    let mut read = lock(&READ);
    if read.0 != minute {
        let path = r"SYSTEM\CurrentControlSet\Control\TimeZoneInformation";
        let zone = RegKey::predef(HKEY_LOCAL_MACHINE).open_subkey(path);
        let bias = zone.and_then(|zone| zone.get_value::<u32, _>("ActiveTimeBias"));
        *read = (minute, bias.map_or(0, |bias| -60 * i64::from(bias.cast_signed())));
    }
    read.1
}

#[cfg(not(any(unix, windows)))]
fn offset_seconds(_: Duration) -> i64 {
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_written_with_its_distance_from_utc() {
        let text = local(UNIX_EPOCH + Duration::from_millis(1_795_612_345_067));
        let (wall, offset) = text.split_at(23);
        assert!(wall.ends_with(".067") && wall.as_bytes()[10] == b'T', "{text}");
        let (hours, minutes) = offset[1..].split_once(':').unwrap();
        let offset_seconds: i64 = hours.parse::<i64>().unwrap() * 3600 + minutes.parse::<i64>().unwrap() * 60;
        let signed = if offset.starts_with('-') { -offset_seconds } else { offset_seconds };
        let expected = DateTime::from_unix_duration(Duration::from_secs((1_795_612_345 + signed) as u64)).unwrap();
        assert_eq!(wall[..19], expected.to_string()[..19]);
        // Within the same second, and in another one.
        let at = |milliseconds| local(UNIX_EPOCH + Duration::from_millis(milliseconds));
        assert_eq!(at(1_795_612_345_999), text.replace(".067", ".999"));
        assert_ne!(at(1_795_612_346_067)[..19], text[..19]);
        assert_eq!(at(1_795_612_345_067), text);
    }
}
