//! All jobs.
//!
//! A robot takes any number of them at once: the emulator has no queue, and each job ends when its
//! time is over.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use serde_json::{Map, Value};

use crate::catalog::{Process, Robot};
use crate::job::{Job, Status, View};

/// Older jobs that have ended are forgotten, so that an emulator left running does not grow for ever.
const JOBS_KEPT: usize = 10_000;

/// Why a job was left as it was.
#[derive(Debug, PartialEq, Eq)]
pub enum Refused {
    NoSuchJob,
    NotEnded,
    Ended,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Page {
    /// All that match, on every page.
    total: usize,
    page_num: usize,
    page_size: usize,
    rows: Vec<View>,
}

pub struct Jobs {
    life_ms: i64,
    book: Mutex<Book>,
}

#[derive(Default)]
struct Book {
    jobs: BTreeMap<u64, Job>,
    places: HashMap<String, u64>,
    created: u64,
}

impl Jobs {
    pub fn new(life_ms: i64) -> Self {
        Self { life_ms, book: Mutex::default() }
    }

    pub fn create(
        &self,
        job_no: String,
        process: &'static Process,
        robot: &'static Robot,
        params: Map<String, Value>,
        now_ms: i64,
    ) {
        let mut book = self.book();
        let place = book.created;
        book.created += 1;
        book.places.insert(job_no.clone(), place);
        let job = Job::new(job_no, process, robot, params, now_ms, self.life_ms);
        book.jobs.insert(place, job);
        book.forget_oldest(now_ms);
    }

    pub fn get(&self, job_no: &str, now_ms: i64) -> Result<View, Refused> {
        Ok(self.book().find(job_no)?.view(now_ms))
    }

    /// The newest first, with no more said of them.
    pub fn views(&self, status: Option<Status>, most: usize, now_ms: i64) -> Vec<View> {
        self.list(status, 1, most, now_ms).rows
    }

    /// Newest first.
    pub fn list(&self, status: Option<Status>, page_num: usize, page_size: usize, now_ms: i64) -> Page {
        let book = self.book();
        let matching = |job: &&Job| status.is_none_or(|status| job.status(now_ms) == status);
        let skipped = page_num.saturating_sub(1).saturating_mul(page_size);
        let rows = book.jobs.values().rev().filter(matching);
        Page {
            total: book.jobs.values().filter(matching).count(),
            page_num,
            page_size,
            rows: rows.skip(skipped).take(page_size).map(|job| job.view(now_ms)).collect(),
        }
    }

    pub fn stop(&self, job_no: &str, now_ms: i64) -> Result<View, Refused> {
        let mut book = self.book();
        let job = book.find(job_no)?;
        match job.stop(now_ms) {
            true => Ok(job.view(now_ms)),
            false => Err(Refused::Ended),
        }
    }

    /// Sets the given params and leaves the others.
    pub fn update(&self, job_no: &str, params: Map<String, Value>, now_ms: i64) -> Result<View, Refused> {
        let mut book = self.book();
        let job = book.find(job_no)?;
        job.params.extend(params);
        Ok(job.view(now_ms))
    }

    pub fn delete(&self, job_no: &str, now_ms: i64) -> Result<(), Refused> {
        let mut book = self.book();
        if !book.find(job_no)?.ended(now_ms) {
            return Err(Refused::NotEnded);
        }
        if let Some(place) = book.places.remove(job_no) {
            book.jobs.remove(&place);
        }
        Ok(())
    }

    pub fn keeps_busy(&self, robot: &Robot, now_ms: i64) -> bool {
        let running = |job: &Job| job.robot == robot && job.status(now_ms) == Status::Running;
        self.book().jobs.values().any(running)
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Book {
    fn find(&mut self, job_no: &str) -> Result<&mut Job, Refused> {
        let place = self.places.get(job_no).ok_or(Refused::NoSuchJob)?;
        self.jobs.get_mut(place).ok_or(Refused::NoSuchJob)
    }

    fn forget_oldest(&mut self, now_ms: i64) {
        if self.jobs.len() <= JOBS_KEPT {
            return;
        }
        let oldest = self.jobs.iter().find(|(_, job)| job.ended(now_ms));
        if let Some(place) = oldest.map(|(place, _)| *place)
            && let Some(job) = self.jobs.remove(&place)
        {
            self.places.remove(&job.job_no);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{PROCESSES, ROBOTS};

    /// Jobs that live from 0 to 600, named a, b, c and so on.
    fn jobs(names: &[&str]) -> Jobs {
        let jobs = Jobs::new(600);
        for name in names {
            jobs.create((*name).to_owned(), &PROCESSES[0], &ROBOTS[0], Map::new(), 0);
        }
        jobs
    }

    #[test]
    fn a_robot_is_busy_while_its_job_runs() {
        let jobs = jobs(&["a"]);
        let busy = [0, 150, 600].map(|now_ms| jobs.keeps_busy(&ROBOTS[0], now_ms));
        assert_eq!(busy, [false, true, false]);
        assert!(!jobs.keeps_busy(&ROBOTS[1], 150));
    }

    #[test]
    fn only_an_ended_job_can_be_deleted() {
        let jobs = jobs(&["a", "b"]);
        assert_eq!(jobs.delete("a", 0), Err(Refused::NotEnded));
        assert_eq!(jobs.delete("a", 200), Err(Refused::NotEnded));
        assert_eq!(jobs.delete("a", 600), Ok(()));
        assert_eq!(jobs.delete("a", 600), Err(Refused::NoSuchJob));
        assert!(jobs.get("b", 600).is_ok());
    }

    #[test]
    fn a_list_has_pages_newest_first() {
        let jobs = jobs(&["a", "b", "c"]);
        jobs.stop("b", 0).unwrap();
        let names = |page: Page| page.rows.into_iter().map(|job| job.job_no).collect::<Vec<_>>();
        assert_eq!(names(jobs.list(None, 1, 2, 0)), ["c", "b"]);
        assert_eq!(names(jobs.list(None, 2, 2, 0)), ["a"]);
        assert!(names(jobs.list(None, usize::MAX, 2, 0)).is_empty());
        assert_eq!(names(jobs.list(Some(Status::Waiting), 1, 9, 0)), ["c", "a"]);
        assert_eq!(jobs.list(Some(Status::Stopped), 2, 1, 0).total, 1);
    }

    #[test]
    fn an_update_sets_what_it_names() {
        let jobs = jobs(&["a"]);
        let set = |key: &str, value: &str| Map::from_iter([(key.to_owned(), value.into())]);
        jobs.update("a", set("note", "月结"), 0).unwrap();
        jobs.update("a", set("level", "1"), 0).unwrap();
        let params = jobs.update("a", set("note", "完成"), 0).unwrap().params;
        assert_eq!(Value::from(params), serde_json::json!({"note": "完成", "level": "1"}));
    }

    #[test]
    fn old_jobs_are_forgotten_once_ended() {
        let jobs = jobs(&["a"]);
        for n in 0..JOBS_KEPT {
            jobs.create(n.to_string(), &PROCESSES[0], &ROBOTS[0], Map::new(), 600);
        }
        assert_eq!(jobs.get("a", 600).unwrap_err(), Refused::NoSuchJob);
        assert_eq!(jobs.list(None, 1, 1, 600).total, JOBS_KEPT);
    }
}
