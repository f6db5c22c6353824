//! The actions of generation 9, all of which come to one path.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::admission::notes;
use crate::catalog::{PROCESSES, ROBOTS, process_of, robot_of};
use crate::envelope::{Answer, Refusal};
use crate::job::Status;
use crate::job_refusal::job_refusal;
use crate::params::Params;
use crate::scheme::rapi::{self, Asked};
use crate::{Center, probe, random};

const JOBS_LISTED: usize = 100;
const VARS_KEPT: usize = 1000;

/// Variables, by name.
#[derive(Default)]
pub struct Vars(Mutex<BTreeMap<String, Value>>);

type Reply = Result<Answer, Refusal>;
type Action = fn(&Center, &Params) -> Reply;

const ACTIONS: [(&str, Action); 11] = [
    ("get-process", get_process),
    ("get-robots", get_robots),
    ("get-queues", |_, _| Ok(Answer::new("queues", json!([])))),
    ("start-job", start_job),
    ("get-jobs", get_jobs),
    ("get-job-status", get_job_status),
    ("stop-job", stop_job),
    ("del-job", del_job),
    ("get-process-schedule", |_, _| Ok(Answer::new("schedules", json!([])))),
    ("get-vars", get_vars),
    ("set-var", set_var),
];

pub async fn rcall(State(center): State<Arc<Center>>, request: Request) -> Result<Response, Refusal> {
    let (parts, body) = request.into_parts();
    let notes = notes(&parts);
    // The front has read the body whole already, and has limited it.
    let body = axum::body::to_bytes(body, usize::MAX)
        .await
        .map_err(|_| Refusal::parameter("请求体不完整", "the body is incomplete"))?;
    let asked = rapi::verify(&center, &parts.headers, &body, &notes)?;
    match asked.action.as_str() {
        "echo" => Ok(echo(&asked).into_response()),
        "reply" => probe::told_later(&asked.params).await,
        name => {
            let found = ACTIONS.iter().find(|(action, _)| *action == name);
            let (name, action) = found.ok_or_else(|| Refusal::business(108, "action不存在", "no such action"))?;
            center.counts.action(name);
            action(&center, &asked.params).map(IntoResponse::into_response)
        }
    }
}

/// The emulator's own: what arrived, as it arrived.
fn echo(asked: &Asked) -> Answer {
    let fields: Vec<_> = asked.pairs.iter().filter(|(key, _)| key != "sign" && key != "token").collect();
    Answer::new("echo", json!({"action": asked.action, "param": asked.param, "fields": fields}))
}

fn get_process(_: &Center, params: &Params) -> Reply {
    let code = params.optional_text("proc_code")?;
    let processes = PROCESSES.iter().filter(|process| code.is_none_or(|code| code == process.proc_code));
    let processes: Vec<_> = processes
        .map(|process| {
            json!({
                "proc_code": process.proc_code,
                "proc_ver": process.proc_ver,
                "proc_desc": "",
                "proc_status": process.proc_status,
                "proc_name": process.proc_name,
            })
        })
        .collect();
    Ok(Answer::new("processes", processes))
}

fn get_robots(center: &Center, _: &Params) -> Reply {
    let now_ms = center.clock.now_ms();
    let robots: Vec<_> = ROBOTS
        .iter()
        .map(|robot| {
            json!({
                "agent_no": robot.robot_no,
                "agent_alias": robot.robot_name,
                "agent_os": robot.agent_os,
                "data_status": if center.jobs.keeps_busy(robot, now_ms) { "busy" } else { "free" },
            })
        })
        .collect();
    Ok(Answer::new("robots", robots))
}

/// Without `agent_no` the first robot takes it.
fn start_job(center: &Center, params: &Params) -> Reply {
    let process =
        process_of(params.text("proc_code")?).ok_or_else(|| Refusal::business(101, "流程不存在", "no such process"))?;
    let robot = robot_of(params.optional_text("agent_no")?.unwrap_or(ROBOTS[0].robot_no))
        .ok_or_else(|| Refusal::business(102, "机器人不存在", "no such robot"))?;
    let job_no = random::uuid().ok_or_else(Refusal::no_random_bytes)?;
    let kept = params.all_but(&["proc_code", "agent_no"]);
    center.jobs.create(job_no.clone(), process, robot, kept, center.clock.now_ms());
    Ok(Answer::new("job started", json!({"job_no": job_no})))
}

fn get_jobs(center: &Center, params: &Params) -> Reply {
    let status: Option<Status> = match params.optional_text("status")? {
        Some(text) => Some(
            serde_json::from_value(text.into())
                .map_err(|_| Refusal::parameter("status不正确", "parameter status is no job's status"))?,
        ),
        None => None,
    };
    let jobs = center.jobs.views(status, JOBS_LISTED, center.clock.now_ms());
    let jobs: Vec<_> = jobs
        .into_iter()
        .map(|job| {
            json!({"job_no": job.job_no, "proc_code": job.proc_code, "agent_no": job.robot_no, "job_status": job.status})
        })
        .collect();
    Ok(Answer::new("jobs", jobs))
}

fn get_job_status(center: &Center, params: &Params) -> Reply {
    let job = center.jobs.get(params.text("job_no")?, center.clock.now_ms()).map_err(job_refusal)?;
    Ok(Answer::new("job", json!({"job_no": job.job_no, "job_status": job.status})))
}

fn stop_job(center: &Center, params: &Params) -> Reply {
    let job = center.jobs.stop(params.text("job_no")?, center.clock.now_ms()).map_err(job_refusal)?;
    Ok(Answer::new("job stopped", json!({"job_no": job.job_no, "job_status": job.status})))
}

fn del_job(center: &Center, params: &Params) -> Reply {
    let job_no = params.text("job_no")?;
    center.jobs.delete(job_no, center.clock.now_ms()).map_err(job_refusal)?;
    Ok(Answer::new("job deleted", json!({"job_no": job_no})))
}

fn get_vars(center: &Center, params: &Params) -> Reply {
    let name = params.optional_text("var_name")?;
    let vars = center.vars.0.lock().unwrap_or_else(PoisonError::into_inner);
    let vars = vars.iter().filter(|(key, _)| name.is_none_or(|name| name == *key));
    let vars: Vec<_> = vars.map(|(key, value)| json!({"var_name": key, "var_value": value})).collect();
    Ok(Answer::new("variables", vars))
}

fn set_var(center: &Center, params: &Params) -> Reply {
    let name = params.text("var_name")?.to_owned();
    let value = params.value("var_value").cloned().unwrap_or_default();
    let mut vars = center.vars.0.lock().unwrap_or_else(PoisonError::into_inner);
    if vars.len() >= VARS_KEPT && !vars.contains_key(&name) {
        return Err(Refusal::business(109, "变量过多", "too many variables"));
    }
    vars.insert(name.clone(), value);
    Ok(Answer::new("variable set", json!({"var_name": name})))
}
