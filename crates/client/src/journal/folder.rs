//! A folder of logs. Whoever calls writes its line itself, in one piece, so that it is there when the call returns, though the
//! process ends at once or is killed. What may hang is left to a thread: to open the file of a day, and each line to a
//! folder that is no local one. Nobody waits for that for longer than a moment, and not again until it has come to an end.

use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use crate::basics::local_time::local;
use crate::basics::locks::{self, PerProcess, lock};
use crate::basics::recent::Recent;
use crate::basics::threads;
use crate::error::system;
use crate::request::LogSettings;

/// So many folders are kept open.
const MOST: usize = 16;
/// So long a call waits for the thread, which a machine that is busy does not run at once.
const PATIENCE: Duration = Duration::from_millis(200);
/// A line that took longer was written by a folder that may hang. On a busy machine a thread may stand for a second.
const SLOW: Duration = Duration::from_secs(5);
/// Who takes a file away, or gives it another name, is noticed after so long at the latest.
const LOOK: Duration = Duration::from_millis(50);
/// So much may wait for a folder that is slow.
const MOST_BYTES: usize = 4 << 20;

const BEGIN: &str = "rpa_openapi-";
const END: &str = ".jsonl";

/// What is wrong with a folder, in Chinese and in English.
pub(super) type Trouble = (String, String);

/// The folder that these settings name, in the process of this number.
pub(super) fn of(settings: &LogSettings, process: u32) -> Arc<Folder> {
    static FOLDERS: PerProcess<Recent<LogSettings, Arc<Folder>>> = PerProcess::new();
    FOLDERS.within(
        process,
        || Recent::new(MOST),
        |folders| {
            if let Some(folder) =
                folders.get(|other| other.folder == settings.folder && other.keep_days == settings.keep_days)
            {
                return folder.clone();
            }
            let folder = Folder {
                path: settings.folder.clone(),
                keep_days: settings.keep_days,
                state: Mutex::default(),
                changed: Condvar::new(),
            };
            folders.insert(settings.clone(), Arc::new(folder)).clone()
        },
    )
}

pub(super) struct Folder {
    path: PathBuf,
    keep_days: u32,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// The file of a date, and whether callers may write into it themselves.
    open: Option<Arc<Day>>,
    /// What waits for the thread: the date, and lines of it.
    waiting: VecDeque<(String, Vec<u8>)>,
    bytes: usize,
    /// How much was ever put there, and how much of that is done.
    put: u64,
    done: u64,
    has_thread: bool,
    /// The thread did not come back in time; nobody waits for it until it does.
    is_slow: bool,
    /// Lines that were dropped since the last one that was written.
    lost: u64,
    trouble: Option<Trouble>,
}

struct Day {
    date: String,
    path: PathBuf,
    file: File,
    /// By which the file is known again.
    mark: Mark,
    /// When it was last looked whether the file has its name still.
    looked: Mutex<Instant>,
    is_local: bool,
}

impl Folder {
    /// Where nothing is to be written: opens the file of this date if it is not open yet. What is wrong with the folder.
    pub(super) fn look(self: &Arc<Folder>, date: &str) -> Option<Trouble> {
        {
            let state = lock(&self.state);
            if state.open.as_ref().is_some_and(|day| day.date == date) {
                return None;
            }
            if state.is_slow && state.done < state.put {
                return Some(slow(&self.path));
            }
        }
        self.leave(date, Vec::new())
    }

    /// Writes whole lines, each with its end, of this date. What is wrong with the folder, in the end.
    pub(super) fn write(self: &Arc<Folder>, date: &str, lines: Vec<u8>) -> Option<Trouble> {
        let (open, is_behind) = {
            let state = lock(&self.state);
            (state.open.clone(), state.done < state.put)
        };
        if let Some(day) = open.filter(|day| day.date == date && day.is_local && day.is_there(Instant::now())) {
            if is_behind {
                self.catch_up(&day);
            }
            let began = Instant::now();
            match append(&day.file, &lines) {
                Ok(()) => {
                    if began.elapsed() > SLOW {
                        lock(&self.state).open = None;
                    }
                    return None;
                }
                Err(error) => {
                    let mut state = lock(&self.state);
                    state.open = None;
                    state.trouble = Some(told(&self.path, &error));
                    return state.trouble.clone();
                }
            }
        }
        self.leave(date, lines)
    }

    /// Writes what still waits for the thread: the process may end with this call.
    fn catch_up(&self, day: &Day) {
        let mut state = lock(&self.state);
        let waiting = std::mem::take(&mut state.waiting);
        let (own, others): (VecDeque<_>, _) = waiting.into_iter().partition(|(date, _)| *date == day.date);
        state.waiting = others;
        drop(state);
        for (_, lines) in &own {
            let failed = append(&day.file, lines).err();
            let mut state = lock(&self.state);
            state.bytes = state.bytes.saturating_sub(lines.len());
            state.done += 1;
            state.trouble = failed.map(|error| told(&self.path, &error)).or(state.trouble.take());
        }
        self.changed.notify_all();
        // One may just be under way.
        let state = lock(&self.state);
        if state.done < state.put && !state.is_slow {
            drop(locks::wait(&self.changed, state, PATIENCE));
        }
    }

    /// Leaves lines to the thread, and waits for it as long as it has not proven slow.
    fn leave(self: &Arc<Folder>, date: &str, lines: Vec<u8>) -> Option<Trouble> {
        let mut state = lock(&self.state);
        if state.bytes + lines.len() > MOST_BYTES {
            state.lost += 1;
            let ((zh, en), lost) = (slow(&self.path), state.lost);
            return Some((format!("{zh};已丢弃{lost}行"), format!("{en}; {lost} lines were lost")));
        }
        state.bytes += lines.len();
        state.put += 1;
        let number = state.put;
        state.waiting.push_back((date.to_owned(), lines));
        let starts = !std::mem::replace(&mut state.has_thread, true);
        drop(state);
        let own = Arc::clone(self);
        if starts && threads::spawn("log", move || own.work()).is_err() {
            let mut state = lock(&self.state);
            state.has_thread = false;
            let (zh, en) = ("无法为日志(log)创建线程", "no thread could be made for `log`");
            return Some((zh.to_owned(), en.to_owned()));
        }
        let until = Instant::now() + PATIENCE;
        let mut state = lock(&self.state);
        while state.done < number {
            let left = until.saturating_duration_since(Instant::now());
            if state.is_slow || left.is_zero() {
                state.is_slow = true;
                return Some(slow(&self.path));
            }
            state = locks::wait(&self.changed, state, left);
        }
        state.trouble.clone()
    }

    /// The thread: as long as something waits.
    fn work(&self) {
        loop {
            let (date, lines, open) = {
                let mut state = lock(&self.state);
                let Some((date, lines)) = state.waiting.pop_front() else {
                    state.has_thread = false;
                    return;
                };
                (date, lines, state.open.clone())
            };
            let open = open.filter(|day| day.date == date && day.is_there(Instant::now()));
            let day = open.map_or_else(|| self.open(&date).map(Arc::new), Ok);
            let written = day.and_then(|day| append(&day.file, &lines).map(|()| day));
            let mut state = lock(&self.state);
            state.bytes = state.bytes.saturating_sub(lines.len());
            state.done += 1;
            state.is_slow = false;
            match written {
                Ok(day) => {
                    state.open = Some(day);
                    (state.trouble, state.lost) = (None, 0);
                }
                Err(error) => {
                    state.open = None;
                    state.trouble = Some(told(&self.path, &error));
                }
            }
            drop(state);
            self.changed.notify_all();
        }
    }

    /// Opens the file of a date, and takes away those that are too old.
    fn open(&self, date: &str) -> io::Result<Day> {
        fs::create_dir_all(&self.path)?;
        let path = self.path.join([BEGIN, date, END].concat());
        // A pipe would be waited for, and is no log.
        if fs::metadata(&path).is_ok_and(|found| !found.is_file()) {
            return Err(io::Error::other("what has the log's name there is no file"));
        }
        let file = OpenOptions::new().read(true).append(true).create(true).open(&path)?;
        if is_torn(&file) {
            append(&file, b"\n")?;
        }
        let (mark, is_local) = (mark(&file.metadata()?), is_local(&file, &path));
        self.take_old_ones_away();
        Ok(Day { date: date.to_owned(), path, file, mark, looked: Mutex::new(Instant::now()), is_local })
    }

    fn take_old_ones_away(&self) {
        let age = Duration::from_secs(u64::from(self.keep_days) * 24 * 3600);
        let Some(then) = SystemTime::now().checked_sub(age) else { return };
        let then = local(then);
        for entry in fs::read_dir(&self.path).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let date = name.to_str().and_then(|name| name.strip_prefix(BEGIN)?.strip_suffix(END));
            if date.is_some_and(|date| is_date(date) && date < &then[..10]) {
                // It may be open elsewhere; the next one that begins a day finds it again.
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}

fn is_date(text: &str) -> bool {
    text.len() == 10
        && text.bytes().enumerate().all(|(place, byte)| match place {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        })
}

/// In one piece: the system appends it as one, whoever else appends.
fn append(mut file: &File, lines: &[u8]) -> io::Result<()> {
    let written = file.write(lines)?;
    if written == lines.len() {
        return Ok(());
    }
    // Half a line is none: it is taken back, unless another one has come behind it.
    let end = file.stream_position().unwrap_or(0);
    if file.metadata().is_ok_and(|found| found.len() == end) {
        let _ = file.set_len(end.saturating_sub(u64::try_from(written).unwrap_or(0)));
    }
    Err(ErrorKind::StorageFull.into())
}

/// Whether it ends in half a line, which a full disk or a crash of the machine has left. One that is being written looks the
/// same for a moment.
fn is_torn(file: &File) -> bool {
    let end = |mut file: &File| {
        let mut last = [0];
        let at = file.seek(SeekFrom::End(-1)).ok()?;
        file.read_exact(&mut last).ok()?;
        Some((at, last)).filter(|_| last != *b"\n")
    };
    end(file).is_some_and(|before| {
        thread::sleep(Duration::from_millis(20));
        end(file) == Some(before)
    })
}

fn told(folder: &Path, error: &io::Error) -> Trouble {
    let (folder, why) = (folder.display(), system::in_english(error));
    (
        format!("日志文件夹{folder}无法写入,请检查log.folder(或环境变量RPA_OPENAPI_LOG)的路径、权限和磁盘空间"),
        format!(
            "the log in `{folder}` cannot be written: {why}; see `log.folder`, or `RPA_OPENAPI_LOG` in the environment"
        ),
    )
}

fn slow(folder: &Path) -> Trouble {
    let folder = folder.display();
    (
        format!("日志文件夹{folder}太慢或没有响应,请把log.folder(或环境变量RPA_OPENAPI_LOG)换成本机文件夹"),
        format!(
            "the log's folder `{folder}` is too slow or hangs: give a folder of this machine as `log.folder`, or as `RPA_OPENAPI_LOG`"
        ),
    )
}

impl Day {
    /// Whether the file still has its name: who takes logs away, or aside, may take this one. It is looked now and then.
    fn is_there(&self, now: Instant) -> bool {
        if now.saturating_duration_since(*lock(&self.looked)) < LOOK {
            return true;
        }
        let is_there = fs::metadata(&self.path).is_ok_and(|found| mark(&found) == self.mark);
        if is_there {
            *lock(&self.looked) = now;
        }
        is_there
    }
}

/// What a file has that no other has.
#[cfg(unix)]
type Mark = (u64, u64);

#[cfg(unix)]
fn mark(found: &fs::Metadata) -> Mark {
    use std::os::unix::fs::MetadataExt;
    (found.dev(), found.ino())
}

#[cfg(not(unix))]
type Mark = Option<SystemTime>;

#[cfg(not(unix))]
fn mark(found: &fs::Metadata) -> Mark {
    found.created().ok()
}

/// Whether a file lies on a drive of this machine.
#[cfg(target_os = "linux")]
fn is_local(file: &File, _: &Path) -> bool {
    /// NFS, SMB, CIFS, SMB2, FUSE, Ceph, AFS, 9p, Coda.
    const REMOTE: [u32; 9] =
        [0x6969, 0x517b, 0xff53_4d42, 0xfe53_4d42, 0x6573_5546, 0x00c3_6400, 0x5346_414f, 0x0102_1997, 0x7375_7245];
    rustix::fs::fstatfs(file).is_ok_and(|found| !REMOTE.contains(&(found.f_type as u32)))
}

/// On Windows the true path of a file on a network drive begins with its server, whatever letter it was called by.
#[cfg(windows)]
fn is_local(_: &File, path: &Path) -> bool {
    use std::path::{Component, Prefix};

    let Ok(path) = fs::canonicalize(path) else { return false };
    match path.components().next() {
        Some(Component::Prefix(prefix)) => matches!(prefix.kind(), Prefix::VerbatimDisk(_) | Prefix::Disk(_)),
        _ => false,
    }
}

#[cfg(not(any(target_os = "linux", windows)))]
fn is_local(_: &File, _: &Path) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use rpa_test_support::folder;

    fn open(path: &Path) -> Arc<Folder> {
        let level = crate::request::Level::Info;
        of(&LogSettings { folder: path.to_owned(), level, keep_days: 14 }, std::process::id())
    }

    #[test]
    fn a_line_that_a_full_disk_has_cut_swallows_none_after_it() {
        let place = folder::Folder::new("log-torn");
        place.write("rpa_openapi-2026-11-25.jsonl", "whole\nhalf of o");
        assert_eq!(open(&place).write("2026-11-25", b"next\n".to_vec()), None);
        let text = fs::read_to_string(place.join("rpa_openapi-2026-11-25.jsonl")).unwrap();
        assert_eq!(text, "whole\nhalf of o\nnext\n");
    }

    #[test]
    fn lines_of_many_threads_are_whole_and_old_days_go_by_name() {
        let place = folder::Folder::new("log");
        for name in [
            "rpa_openapi-2020-01-01.jsonl",
            "rpa_openapi-2999-01-01.jsonl",
            "rpa_openapi-2020-01-01.jsonl.bak",
            "other-2020-01-01.jsonl",
        ] {
            place.write(name, "");
        }
        let folder = open(&place);
        std::thread::scope(|scope| {
            for thread in 0..8 {
                let folder = &folder;
                scope.spawn(move || {
                    for line in 0..200 {
                        let text = format!("{thread} {line} {}\n", "x".repeat(line));
                        assert_eq!(folder.write("2026-11-25", text.into_bytes()), None);
                    }
                });
            }
        });
        let text = fs::read_to_string(place.join("rpa_openapi-2026-11-25.jsonl")).unwrap();
        let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
        lines.sort();
        let mut expected: Vec<_> = (0..8)
            .flat_map(|thread| (0..200).map(move |line| format!("{thread} {line} {}", "x".repeat(line))))
            .collect();
        expected.sort();
        assert_eq!(lines, expected);
        let mut names: Vec<_> = fs::read_dir(&*place).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        let kept = [
            "other-2020-01-01.jsonl",
            "rpa_openapi-2020-01-01.jsonl.bak",
            "rpa_openapi-2026-11-25.jsonl",
            "rpa_openapi-2999-01-01.jsonl",
        ];
        assert_eq!(names, kept);
    }

    #[test]
    fn a_file_that_was_taken_away_is_made_anew_and_a_trouble_ends() {
        let place = folder::Folder::new("log");
        let folder = open(&place.join("deep/er"));
        let write = || folder.write("2026-11-25", b"line\n".to_vec());
        assert_eq!(folder.look("2026-11-25"), None);
        assert_eq!(write(), None);
        let file = place.join("deep/er/rpa_openapi-2026-11-25.jsonl");
        if cfg!(unix) {
            for aside in [false, true] {
                match aside {
                    false => fs::remove_file(&file).unwrap(),
                    true => fs::rename(&file, place.join("aside")).unwrap(),
                }
                std::thread::sleep(LOOK);
                assert_eq!(write(), None);
                assert_eq!(fs::read_to_string(&file).unwrap(), "line\n");
            }
        }
        let blocked = place.write("file", "");
        let folder = open(&blocked.join("log"));
        let write = || folder.write("2026-11-25", b"line\n".to_vec());
        // Though nothing is to be written.
        let (zh, en) = folder.look("2026-11-25").unwrap();
        assert!(zh.contains("log.folder") && !zh.contains("cannot"), "{zh}");
        assert!(en.contains("cannot be written") && en.is_ascii(), "{en}");
        assert!(write().unwrap().1.contains("cannot be written"));
        fs::remove_file(&blocked).unwrap();
        assert_eq!(folder.look("2026-11-25"), None);
        assert_eq!(write(), None);
    }
}
