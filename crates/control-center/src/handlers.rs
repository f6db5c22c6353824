//! The control center's own calls: tokens, jobs, processes and robots.

use std::sync::Arc;

use axum::extract::State;
use axum::http::Uri;
use serde_json::{Value, json};

use crate::call::{Call, pairs};
use crate::catalog::{PROCESSES, ROBOTS, process_of, robot_of};
use crate::envelope::{Answer, Refusal};
use crate::job::Status;
use crate::job_refusal::job_refusal;
use crate::params::Params;
use crate::scheme::token_refusal;
use crate::{ACCESS_KEY, Center, SECRET_KEY, random};

const PAGE_SIZE: usize = 20;
const PAGE_SIZE_MOST: usize = 1000;

type Shared = State<Arc<Center>>;
type Reply = Result<Answer, Refusal>;

/// The one call that is not signed: by keys, or by a refresh token.
pub async fn token(State(center): Shared, uri: Uri) -> Reply {
    let query = pairs(uri.query())?;
    let params = Params::new(query.into_iter().map(|(k, v)| (k, v.into())).collect());
    let now_ms = center.clock.now_ms();
    let pair = match params.optional_text("refreshToken")? {
        Some(_) if params.has("accessKey") || params.has("secretKey") => {
            return Err(Refusal::parameter(
                "accessKey、secretKey与refreshToken不能同时使用",
                "either accessKey and secretKey, or refreshToken",
            ));
        }
        Some(token) => {
            center.tokens.refresh(token, now_ms).map_err(|refused| token_refusal("refresh token", refused))?
        }
        None => {
            let keys = (params.text("accessKey")?, params.text("secretKey")?);
            if keys != (ACCESS_KEY, SECRET_KEY) {
                center.counts.token_refused();
                return Err(Refusal::unauthorised("accessKey或secretKey错误", "wrong keys"));
            }
            center.tokens.issue(now_ms)
        }
    };
    let pair = pair.ok_or_else(Refusal::no_random_bytes)?;
    tokio::time::sleep(center.token_delay).await;
    Ok(Answer::new("token issued", center.tokens.describe(&pair, center.token_shape)))
}

pub async fn job_create(State(center): Shared, call: Call) -> Reply {
    let params = call.params()?;
    let process =
        process_of(params.text("procCode")?).ok_or_else(|| Refusal::business(101, "流程不存在", "no such process"))?;
    let robot =
        robot_of(params.text("robotNo")?).ok_or_else(|| Refusal::business(102, "机器人不存在", "no such robot"))?;
    let job_no = random::uuid().ok_or_else(Refusal::no_random_bytes)?;
    let kept = params.without(&["procCode", "robotNo"]);
    let now_ms = center.clock.now_ms();
    center.jobs.create(job_no.clone(), process, robot, kept, now_ms);
    Ok(Answer::new("job created", json!({"jobNo": job_no})))
}

pub async fn job_get(State(center): Shared, call: Call) -> Reply {
    let params = call.params()?;
    let job = center.jobs.get(params.text("jobNo")?, center.clock.now_ms());
    Ok(Answer::new("job", job.map_err(job_refusal)?))
}

pub async fn job_list(State(center): Shared, call: Call) -> Reply {
    let params = call.params()?;
    let page_num = params.number("pageNum", 1..=1_000_000)?.unwrap_or(1);
    let page_size = params.number("pageSize", 1..=PAGE_SIZE_MOST)?.unwrap_or(PAGE_SIZE);
    let status = params.optional_text("status")?.map(status_of).transpose()?;
    let page = center.jobs.list(status, page_num, page_size, center.clock.now_ms());
    Ok(Answer::new("jobs", page))
}

pub async fn job_stop(State(center): Shared, call: Call) -> Reply {
    let params = call.params()?;
    let job = center.jobs.stop(params.text("jobNo")?, center.clock.now_ms());
    Ok(Answer::new("job stopped", job.map_err(job_refusal)?))
}

pub async fn job_update(State(center): Shared, call: Call) -> Reply {
    let params = call.params()?;
    let job_no = params.text("jobNo")?.to_owned();
    if params.has("procCode") || params.has("robotNo") {
        return Err(Refusal::parameter("procCode和robotNo不能修改", "a job keeps its procCode and robotNo"));
    }
    let changes = params.without(&["jobNo"]);
    if changes.is_empty() {
        return Err(Refusal::parameter("没有要修改的参数", "nothing to change: give a parameter beside jobNo"));
    }
    let job = center.jobs.update(&job_no, changes, center.clock.now_ms());
    Ok(Answer::new("job updated", job.map_err(job_refusal)?))
}

pub async fn job_delete(State(center): Shared, call: Call) -> Reply {
    let params = call.params()?;
    let job_no = params.text("jobNo")?;
    center.jobs.delete(job_no, center.clock.now_ms()).map_err(job_refusal)?;
    Ok(Answer::new("job deleted", json!({"jobNo": job_no})))
}

pub async fn process_list(_: Call) -> Reply {
    Ok(Answer::new("processes", &PROCESSES))
}

pub async fn robot_list(State(center): Shared, _: Call) -> Reply {
    let now_ms = center.clock.now_ms();
    let robots: Vec<Value> = ROBOTS
        .iter()
        .map(|robot| {
            let busy = center.jobs.keeps_busy(robot, now_ms);
            json!({
                "robotNo": robot.robot_no,
                "robotName": robot.robot_name,
                "agentOs": robot.agent_os,
                "status": if busy { "busy" } else { "free" },
            })
        })
        .collect();
    Ok(Answer::new("robots", robots))
}

fn status_of(text: &str) -> Result<Status, Refusal> {
    serde_json::from_value(text.into()).map_err(|_| {
        Refusal::parameter(
            "status应为waiting、running、finished或stopped",
            "parameter status must be waiting, running, finished or stopped",
        )
    })
}
