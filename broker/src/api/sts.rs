//! The Query protocol: `POST /` with a form, or `GET /` with a query. Operations of STS, version 2011-06-15, and through
//! [`iam`] those of IAM.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::{HeaderName, Method, Request, StatusCode, header};

use super::error::WireError;
use super::form::Fields;
use super::iam;
use super::request::Incoming;
use super::xml::Xml;
use crate::app::{App, Meter};

mod caller_identity;
mod saml;
mod terms;
mod web_identity;

const VERSION: &str = "2011-06-15";
const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";
/// Where AWS places what it refuses before it knows the operation.
const FAULT_NAMESPACE: &str = "http://webservices.amazon.com/AWSFault/2005-15-09";

const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");

/// What an operation answers: the element inside its result, or a refusal.
pub(super) type Answer = Result<String, WireError>;

/// Answers any request to the base URL.
pub(super) async fn answer(State(app): State<Arc<App>>, request: Request<Body>) -> Response {
    let incoming = match super::read(&app, request).await {
        Ok(incoming) => incoming,
        Err(refused) => return refused,
    };
    let started = app.clock.since_boot();
    let (meter, namespace, answer) = dispatch(&app, &incoming).await;
    let took = app.clock.since_boot().saturating_sub(started);
    meter.count(answer.as_ref().err().map(|error| error.code), took);
    render(answer, namespace, &incoming.request_id)
}

async fn dispatch<'a>(app: &'a App, incoming: &Incoming) -> (&'a Meter, &'static str, Answer) {
    let meters = &app.meters;
    let unknown = |error| (&meters.unknown, FAULT_NAMESPACE, Err(error));
    let fields = match fields(incoming) {
        Ok(fields) => fields,
        Err(error) => return unknown(error),
    };
    let action = fields.value("Action").unwrap_or_default();
    let version = fields.value("Version").unwrap_or("NO_VERSION_SPECIFIED");
    if action.is_empty() {
        return unknown(WireError::bad_request(
            "MissingAction",
            "The request must contain the parameter Action",
        ));
    }
    match (action, version) {
        ("AssumeRoleWithSAML", VERSION) => {
            let answer = Box::pin(saml::answer(app, incoming, &fields)).await;
            (&meters.assume_role_with_saml, NAMESPACE, answer)
        }
        ("AssumeRoleWithWebIdentity", VERSION) => {
            // Boxed, since it is large and the others are not to be moved about with room for it.
            let answer = Box::pin(web_identity::answer(app, incoming, &fields)).await;
            (&meters.assume_role_with_web_identity, NAMESPACE, answer)
        }
        ("GetCallerIdentity", VERSION) => {
            (&meters.caller_identity, NAMESPACE, caller_identity::answer(app, incoming))
        }
        (_, iam::VERSION) if iam::has(action) => {
            let (meter, answer) = iam::answer(app, incoming, action, &fields);
            (meter, iam::NAMESPACE, answer)
        }
        _ => {
            let (action, version) = (excerpt(action), excerpt(version));
            let message = format!("Could not find operation {action} for version {version}");
            unknown(WireError::bad_request("InvalidAction", message))
        }
    }
}

/// The fields of a form in the body or, for GET, in the query.
fn fields(incoming: &Incoming) -> Result<Fields<'_>, WireError> {
    let chunked = incoming.headers.get_all("content-encoding").iter().any(|value| value == "aws-chunked");
    if chunked {
        return Err(WireError::validation("The body must not be aws-chunked"));
    }
    let encoded = match incoming.method {
        Method::GET => incoming.query.as_deref().unwrap_or_default(),
        Method::POST if is_form(incoming) => {
            std::str::from_utf8(&incoming.body).map_err(|_| WireError::validation("The body is not UTF-8"))?
        }
        _ => "",
    };
    Fields::parse(encoded).map_err(|error| WireError::validation(error.to_string()))
}

fn is_form(incoming: &Incoming) -> bool {
    incoming
        .header("content-type")
        .and_then(|value| value.split(';').next())
        .is_some_and(|media| media.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded"))
}

fn excerpt(text: &str) -> String {
    text.chars().take(128).collect()
}

fn render(answer: Answer, namespace: &str, request_id: &str) -> Response {
    let (status, body) = match answer {
        Ok(body) => (StatusCode::OK, body),
        Err(error) => (error.status, error_document(&error, namespace, request_id)),
    };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, http::HeaderValue::from_static("text/xml"));
    if let Ok(id) = request_id.parse() {
        headers.insert(REQUEST_ID, id);
    }
    if status == StatusCode::SERVICE_UNAVAILABLE {
        headers.insert(header::RETRY_AFTER, http::HeaderValue::from_static("1"));
    }
    response
}

fn error_document(error: &WireError, namespace: &str, request_id: &str) -> String {
    let kind = if error.status.is_server_error() { "Receiver" } else { "Sender" };
    Xml::document("ErrorResponse", namespace, |xml| {
        xml.element("Error", |xml| {
            xml.text("Type", kind).text("Code", error.code).text("Message", &error.message);
        })
        .text("RequestId", request_id);
    })
}

/// A successful answer in its envelope.
fn document(operation: &str, request_id: &str, result: impl FnOnce(&mut Xml)) -> String {
    envelope(NAMESPACE, operation, request_id, result)
}

/// A successful answer in the envelope of a namespace.
pub(super) fn envelope(
    namespace: &str,
    operation: &str,
    request_id: &str,
    result: impl FnOnce(&mut Xml),
) -> String {
    Xml::document(&format!("{operation}Response"), namespace, |xml| {
        xml.element(&format!("{operation}Result"), result).element("ResponseMetadata", |xml| {
            xml.text("RequestId", request_id);
        });
    })
}
