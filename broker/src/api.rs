//! The wire: one base URL that answers the Query protocol of STS and IAM and the questions of services.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use axum::routing::{any, post};
use http::{Request, StatusCode};

use crate::app::App;
use crate::audit::uuid;

pub mod admin;
mod caller;
pub mod constraints;
mod error;
pub mod form;
mod iam;
pub mod request;
pub mod serve;
mod sts;
pub mod telemetry;
mod verify;
pub mod xml;

use request::{Incoming, Listener, Unreadable};

/// Everything that the public listener answers.
pub fn router(app: Arc<App>) -> Router {
    Router::new()
        .route("/", any(sts::answer))
        .route("/authz/v1/verify", post(verify::answer))
        .fallback(unknown_operation)
        .with_state(app)
}

/// The request read within limits, or the bare status that refuses it.
async fn read(app: &App, request: Request<Body>) -> Result<Incoming, Response> {
    let Ok([id, event_id]) = app.random_pair() else {
        return Err(StatusCode::INTERNAL_SERVER_ERROR.into_response());
    };
    let snapshot = app.snapshot.load();
    let listener = Listener { server: &snapshot.settings.server };
    Incoming::read(request, &listener, uuid(id), event_id).await.map_err(|Unreadable(status)| {
        metrics::counter!("daypass_requests_unreadable_total", "status" => status_label(status)).increment(1);
        status.into_response()
    })
}

/// The statuses that [`Incoming::read`] gives, as a closed set of labels.
fn status_label(status: StatusCode) -> &'static str {
    match status {
        StatusCode::BAD_REQUEST => "400",
        StatusCode::REQUEST_TIMEOUT => "408",
        StatusCode::PAYLOAD_TOO_LARGE => "413",
        StatusCode::UNSUPPORTED_MEDIA_TYPE => "415",
        StatusCode::MISDIRECTED_REQUEST => "421",
        _ => "other",
    }
}

/// AWS's answer to a path that no operation has.
async fn unknown_operation() -> Response {
    (StatusCode::NOT_FOUND, [("content-type", "text/xml")], "<UnknownOperationException/>\n").into_response()
}
