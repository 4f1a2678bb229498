//! Administration over a Unix socket that only the broker's own user and root may speak to.

use std::os::unix::fs::{DirBuilderExt as _, FileTypeExt as _, PermissionsExt as _};
use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::connect_info::Connected;
use axum::extract::{ConnectInfo, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use axum::serve::IncomingStream;
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Limited};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::net::UnixListener;
use tokio::sync::mpsc;

use crate::administer::{self, Refusal, Subject};
use crate::app::App;
use crate::app::upkeep::Reload;
use crate::private::Privacy;
use crate::revocation::Scope;
use crate::store::{Cursor, RevokeError, SessionRecord, Settlement};

/// The greatest body that a command of ours sends.
const MAX_BODY: usize = 64 << 10;
/// The most sessions in one answer; more are asked for with a narrower wish.
const MAX_SESSIONS: usize = 10_000;

/// What `daypass sessions list` asks.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListRequest {
    /// Whose sessions; all if none is named.
    pub subject: Option<Subject>,
    /// Only those issued before.
    pub issued_before: Option<String>,
}

/// What `daypass sessions revoke` asks.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RevokeRequest {
    /// What is to end.
    pub subject: Subject,
    /// Why, for the audit trail.
    pub reason: String,
}

/// What `daypass keys retire` asks.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetireRequest {
    /// The key's id.
    pub key: u32,
}

/// What `daypass sessions show` asks.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShowRequest {
    /// A session's id or access key id.
    pub session: String,
}

/// A session as operators see it.
#[derive(Debug, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are those of a session record")]
pub struct SessionView {
    pub session: String,
    pub access_key_id: String,
    pub role: String,
    pub session_name: String,
    pub principal: String,
    pub provider: Option<String>,
    pub source_identity: Option<String>,
    pub issued: String,
    pub expires: String,
    pub peer: String,
    pub request_id: String,
    pub last_used: Option<String>,
    /// The scope by which it was ended before its time.
    pub ended_by: Option<String>,
}

/// The answer to a revocation.
#[derive(Debug, Serialize, Deserialize)]
pub struct RevokeAnswer {
    /// Whether every broker will honour it within a second; else it is enforced here and on its way.
    pub settled: bool,
}

/// The answer to a reload.
#[derive(Debug, Serialize, Deserialize)]
pub struct ReloadAnswer {
    /// The version of the configuration that is in force now.
    pub version: String,
}

/// A refusal, in words.
#[derive(Debug, Serialize, Deserialize)]
pub struct ErrorAnswer {
    /// What was wrong.
    pub error: String,
}

/// Who is at the other end of the socket.
#[derive(Debug, Clone, Copy)]
pub struct PeerUser(Option<u32>);

impl Connected<IncomingStream<'_, UnixListener>> for PeerUser {
    fn connect_info(stream: IncomingStream<'_, UnixListener>) -> Self {
        Self(stream.io().peer_cred().ok().map(|user| user.uid()))
    }
}

#[derive(Debug, Clone)]
struct Admin {
    app: Arc<App>,
    reload: mpsc::Sender<Reload>,
}

/// Serves administration on `socket` for as long as the future is polled. A socket left by a broker before is replaced.
pub async fn serve(socket: &Path, app: Arc<App>, reload: mpsc::Sender<Reload>) -> std::io::Result<()> {
    if let Some(folder) = socket.parent() {
        prepare_folder(folder)?;
    }
    if std::os::unix::net::UnixStream::connect(socket).is_ok() {
        return Err(std::io::Error::other("another broker answers on it"));
    }
    remove_left_over(socket)?;
    let listener = UnixListener::bind(socket)?;
    std::fs::set_permissions(socket, std::fs::Permissions::from_mode(0o600))?;
    let router = Router::new()
        .route("/sessions/list", post(list))
        .route("/sessions/show", post(show))
        .route("/sessions/revoke", post(revoke))
        .route("/keys/retire", post(retire_key))
        .route("/clock/reset", post(reset_clock))
        .route("/reload", post(reload_now))
        .with_state(Admin { app, reload });
    axum::serve(listener, router.into_make_service_with_connect_info::<PeerUser>()).await
}

/// Makes the folder if need be; nobody else may put a socket in place of the one in it.
fn prepare_folder(folder: &Path) -> std::io::Result<()> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    std::fs::DirBuilder::new().recursive(true).mode(0o755).create(folder)?;
    // Somebody else may have made it since the configuration was checked.
    Privacy::Folder.check(&std::fs::metadata(folder)?).map_err(std::io::Error::other)
}

/// Removes a socket that nobody answers on; whatever else has that name stays.
fn remove_left_over(socket: &Path) -> std::io::Result<()> {
    match std::fs::symlink_metadata(socket) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
        Ok(found) if found.file_type().is_socket() => std::fs::remove_file(socket),
        Ok(_) => Err(std::io::Error::other("there is something else of that name")),
    }
}

async fn list(State(admin): State<Admin>, request: Request<Body>) -> Response {
    answer(request, async |_, request: ListRequest| {
        let before = request.issued_before.map(|text| text.parse::<Timestamp>()).transpose();
        let before = before.map_err(|error| Refusal::Subject(error.to_string()))?;
        let mut sessions: Vec<SessionView> = Vec::new();
        let mut cursor = Some(Cursor::default());
        while let Some(from) = cursor.filter(|_| sessions.len() < MAX_SESSIONS) {
            let page = administer::sessions(&admin.app, request.subject.as_ref(), before, from).await?;
            sessions.extend(page.sessions.into_iter().map(|record| SessionView::of(record, None)));
            cursor = page.next;
        }
        Ok(sessions)
    })
    .await
}

async fn show(State(admin): State<Admin>, request: Request<Body>) -> Response {
    answer(request, async |_, request: ShowRequest| {
        let record = administer::session(&admin.app, &request.session).await?;
        let ended = administer::ended(&admin.app, &record);
        Ok(SessionView::of(record, ended))
    })
    .await
}

async fn revoke(State(admin): State<Admin>, request: Request<Body>) -> Response {
    answer(request, async |operator, request: RevokeRequest| {
        let settlement = administer::revoke(&admin.app, &request.subject, &request.reason, operator).await?;
        Ok(RevokeAnswer { settled: settlement == Settlement::Settled })
    })
    .await
}

async fn retire_key(State(admin): State<Admin>, request: Request<Body>) -> Response {
    answer(request, async |operator, RetireRequest { key }| {
        let settlement = administer::retire_key(&admin.app, key, operator).await?;
        Ok(RevokeAnswer { settled: settlement == Settlement::Settled })
    })
    .await
}

async fn reset_clock(State(admin): State<Admin>, request: Request<Body>) -> Response {
    answer(request, async |operator, (): ()| {
        let reset = administer::reset_clock(&admin.app, operator).await?;
        Ok(serde_json::json!({ "from": reset.from.to_string(), "to": reset.to.to_string() }))
    })
    .await
}

async fn reload_now(State(admin): State<Admin>, request: Request<Body>) -> Response {
    answer(request, async |_, (): ()| {
        let (reload, answer) = Reload::answered();
        let unheard = || Refusal::Configuration("the broker is busy with other reloads, or ends".to_owned());
        admin.reload.try_send(reload).map_err(|_| unheard())?;
        let version = answer.await.map_err(|_| unheard())?.map_err(Refusal::Configuration)?;
        Ok(ReloadAnswer { version: version.to_string() })
    })
    .await
}

/// Reads a command of the broker's own user or root, and answers in JSON.
async fn answer<Q, A>(request: Request<Body>, act: impl AsyncFnOnce(u32, Q) -> Result<A, Refusal>) -> Response
where
    Q: serde::de::DeserializeOwned,
    A: Serialize,
{
    let user = request.extensions().get::<ConnectInfo<PeerUser>>().and_then(|info| info.0.0);
    let own = rustix::process::geteuid().as_raw();
    let Some(operator) = user.filter(|user| *user == own || *user == 0) else {
        return refused(StatusCode::FORBIDDEN, "only the broker's own user and root may administer it");
    };
    let body = match Limited::new(request.into_body(), MAX_BODY).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) => return refused(StatusCode::BAD_REQUEST, &error.to_string()),
    };
    let parsed = match serde_json::from_slice(&body) {
        Ok(parsed) => parsed,
        Err(error) => return refused(StatusCode::BAD_REQUEST, &error.to_string()),
    };
    match act(operator, parsed).await {
        Ok(answer) => json(StatusCode::OK, &answer),
        Err(refusal) => refused(status(&refusal), &refusal.to_string()),
    }
}

fn status(refusal: &Refusal) -> StatusCode {
    match refusal {
        Refusal::Subject(_) => StatusCode::BAD_REQUEST,
        Refusal::UnknownSession(_) => StatusCode::NOT_FOUND,
        Refusal::ActiveKey(_) | Refusal::Revoke(RevokeError::TooManySingle) => StatusCode::CONFLICT,
        Refusal::Revoke(RevokeError::NotDurable(_)) | Refusal::Store(_) => StatusCode::SERVICE_UNAVAILABLE,
        Refusal::Configuration(_) => StatusCode::UNPROCESSABLE_ENTITY,
        Refusal::Clock(_) | Refusal::NoRandomness(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

fn refused(status: StatusCode, error: &str) -> Response {
    json(status, &ErrorAnswer { error: error.to_owned() })
}

fn json(status: StatusCode, body: &impl Serialize) -> Response {
    let text = serde_json::to_vec(body).unwrap_or_default();
    (status, [("content-type", "application/json")], text).into_response()
}

impl SessionView {
    fn of(record: SessionRecord, ended: Option<Scope>) -> Self {
        Self {
            session: record.session.to_string(),
            access_key_id: record.access_key_id,
            role: record.role_arn.to_string(),
            session_name: record.session_name.to_string(),
            principal: record.principal,
            provider: record.provider.map(|arn| arn.to_string()),
            source_identity: record.source_identity,
            issued: record.issued.to_string(),
            expires: record.expires.to_string(),
            peer: record.peer,
            request_id: record.request_id,
            last_used: record.last_used.map(|time| time.to_string()),
            ended_by: ended.map(|scope| scope.name().to_owned()),
        }
    }
}

#[cfg(test)]
mod tests;
