//! One job and its life: waiting, running, finished; or stopped on the way.
//!
//! Its state follows from its age alone, so nothing runs in the background.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::catalog::{Process, Robot};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    Waiting,
    Running,
    Finished,
    Stopped,
}

/// A job as a reply shows it. Times are milliseconds since 1970 by the emulator's clock, null before
/// they come.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct View {
    pub job_no: String,
    pub proc_code: &'static str,
    proc_name: &'static str,
    pub robot_no: &'static str,
    pub status: Status,
    create_time: i64,
    start_time: Option<i64>,
    end_time: Option<i64>,
    pub params: Map<String, Value>,
}

pub struct Job {
    pub job_no: String,
    process: &'static Process,
    pub robot: &'static Robot,
    pub params: Map<String, Value>,
    created_ms: i64,
    starts_ms: i64,
    ends_ms: i64,
    stopped: bool,
}

impl Job {
    /// A job that is created now and ends by itself after `life_ms`; it waits for a quarter of that.
    pub fn new(
        job_no: String,
        process: &'static Process,
        robot: &'static Robot,
        params: Map<String, Value>,
        now_ms: i64,
        life_ms: i64,
    ) -> Self {
        Self {
            job_no,
            process,
            robot,
            params,
            created_ms: now_ms,
            starts_ms: now_ms.saturating_add(life_ms / 4),
            ends_ms: now_ms.saturating_add(life_ms),
            stopped: false,
        }
    }

    /// False for a job that has ended already.
    #[must_use]
    pub fn stop(&mut self, now_ms: i64) -> bool {
        if self.ended(now_ms) {
            return false;
        }
        self.stopped = true;
        self.ends_ms = now_ms;
        true
    }

    pub fn ended(&self, now_ms: i64) -> bool {
        self.stopped || now_ms >= self.ends_ms
    }

    fn started(&self, now_ms: i64) -> bool {
        now_ms >= self.starts_ms && (!self.stopped || self.starts_ms <= self.ends_ms)
    }

    pub fn status(&self, now_ms: i64) -> Status {
        if self.stopped {
            Status::Stopped
        } else if self.ended(now_ms) {
            Status::Finished
        } else if self.started(now_ms) {
            Status::Running
        } else {
            Status::Waiting
        }
    }

    pub fn view(&self, now_ms: i64) -> View {
        View {
            job_no: self.job_no.clone(),
            proc_code: self.process.proc_code,
            proc_name: self.process.proc_name,
            robot_no: self.robot.robot_no,
            status: self.status(now_ms),
            create_time: self.created_ms,
            start_time: self.started(now_ms).then_some(self.starts_ms),
            end_time: self.ended(now_ms).then_some(self.ends_ms),
            params: self.params.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{PROCESSES, ROBOTS};

    fn job() -> Job {
        let (process, robot) = (&PROCESSES[0], &ROBOTS[0]);
        Job::new("a".to_owned(), process, robot, Map::new(), 0, 600)
    }

    #[test]
    fn a_job_waits_runs_and_finishes() {
        let job = job();
        let times = [0, 149, 150, 599, 600].map(|now_ms| job.status(now_ms));
        use Status::{Finished, Running, Waiting};
        assert_eq!(times, [Waiting, Waiting, Running, Running, Finished]);
        let view = job.view(150);
        assert_eq!((view.start_time, view.end_time), (Some(150), None));
        let view = job.view(600);
        assert_eq!((view.start_time, view.end_time), (Some(150), Some(600)));
    }

    #[test]
    fn a_stopped_job_stays_stopped() {
        let mut job = job();
        assert!(job.stop(100));
        let view = job.view(900);
        assert_eq!(view.status, Status::Stopped);
        assert_eq!((view.start_time, view.end_time), (None, Some(100)));
        assert!(!job.stop(900));
    }

    #[test]
    fn a_finished_job_cannot_be_stopped() {
        let mut job = job();
        assert!(!job.stop(600));
        assert_eq!(job.status(600), Status::Finished);
    }
}
