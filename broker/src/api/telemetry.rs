//! Health and metrics, on a listener of their own.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use http::StatusCode;
use metrics_exporter_prometheus::PrometheusHandle;

use crate::app::App;
use crate::store::Store as _;

/// `/livez`, `/healthz`, `/readyz` and `/metrics`.
pub fn router(app: Arc<App>, metrics: PrometheusHandle) -> Router {
    Router::new()
        .route("/livez", get(async || "ok\n"))
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(ready))
        .with_state(app)
        .route("/metrics", get(async move || metrics.render()))
}

/// 503 exactly while a verification would be answered 503.
async fn ready(State(app): State<Arc<App>>) -> (StatusCode, String) {
    match app.store.live().read(app.clock.since_boot(), app.max_staleness()) {
        Ok(_) => (StatusCode::OK, "ok\n".to_owned()),
        Err(stale) => (StatusCode::SERVICE_UNAVAILABLE, format!("{stale}\n")),
    }
}
