//! Which path does what, in each generation.

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodFilter, delete, get, on, post, put};

use crate::envelope::Refusal;
use crate::files::{download, upload};
use crate::front::{front, wrong_method};
use crate::generation::Generation;
use crate::{Center, actions, documents, handlers, probe};

const FOUR_MODES: MethodFilter =
    MethodFilter::GET.or(MethodFilter::POST).or(MethodFilter::PUT).or(MethodFilter::DELETE);

type Routes = Router<Arc<Center>>;

pub fn router(center: Arc<Center>) -> Router {
    let routes = match center.generation {
        Generation::V2020_4 => tokens().merge(jobs()).merge(probes()),
        Generation::V2020_5 => tokens().merge(jobs()).merge(probes()).merge(files()),
        Generation::V10_3 => jobs().merge(probes()),
        Generation::V9 => Router::new().route("/rapi/rcall.action", post(actions::rcall)),
    };
    routes
        .fallback(no_such_path)
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn_with_state(Arc::clone(&center), front))
        .with_state(center)
}

fn tokens() -> Routes {
    Router::new().route("/oapi/v1/token", get(handlers::token))
}

fn jobs() -> Routes {
    Router::new()
        .route("/oapi/v1/job/create", post(handlers::job_create))
        .route("/oapi/v1/job/get", get(handlers::job_get))
        .route("/oapi/v1/job/list", get(handlers::job_list))
        .route("/oapi/v1/job/stop", put(handlers::job_stop))
        .route("/oapi/v1/job/update", put(handlers::job_update))
        .route("/oapi/v1/job/delete", delete(handlers::job_delete))
        .route("/oapi/v1/process/list", get(handlers::process_list))
        .route("/oapi/v1/robot/list", get(handlers::robot_list))
}

fn probes() -> Routes {
    Router::new()
        .route("/oapi/v1/echo", on(FOUR_MODES, probe::echo))
        .route("/oapi/v1/reply", on(FOUR_MODES, probe::reply))
}

fn files() -> Routes {
    Router::new()
        .route(upload::PATH, post(upload::upload))
        .route("/oapi/v1/file/list", get(download::list))
        .route("/oapi/v1/file/download", on(MethodFilter::GET.or(MethodFilter::POST), download::download))
        .route("/doc.html", get(documents::document))
}

async fn no_such_path() -> Refusal {
    Refusal::http(StatusCode::NOT_FOUND, "接口不存在", "no such path")
}
