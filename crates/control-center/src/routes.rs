//! Which path does what.

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodFilter, delete, get, on, post, put};

use crate::Center;
use crate::envelope::Refusal;
use crate::front::{front, wrong_method};
use crate::{handlers, probe};

const FOUR_MODES: MethodFilter =
    MethodFilter::GET.or(MethodFilter::POST).or(MethodFilter::PUT).or(MethodFilter::DELETE);

pub fn router(center: Arc<Center>) -> Router {
    let published = Router::new()
        .route("/oapi/v1/token", get(handlers::token))
        .route("/oapi/v1/job/create", post(handlers::job_create));
    let own = Router::new()
        .route("/oapi/v1/job/get", get(handlers::job_get))
        .route("/oapi/v1/job/list", get(handlers::job_list))
        .route("/oapi/v1/job/stop", put(handlers::job_stop))
        .route("/oapi/v1/job/update", put(handlers::job_update))
        .route("/oapi/v1/job/delete", delete(handlers::job_delete))
        .route("/oapi/v1/process/list", get(handlers::process_list))
        .route("/oapi/v1/robot/list", get(handlers::robot_list));
    let probes = Router::new()
        .route("/oapi/v1/echo", on(FOUR_MODES, probe::echo))
        .route("/oapi/v1/reply", on(FOUR_MODES, probe::reply));
    published
        .merge(own)
        .merge(probes)
        .fallback(no_such_path)
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn_with_state(Arc::clone(&center), front))
        .with_state(center)
}

async fn no_such_path() -> Refusal {
    Refusal::http(StatusCode::NOT_FOUND, "接口不存在", "no such path")
}
