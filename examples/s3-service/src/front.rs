//! The first and the last to see a request: takes the signature off, puts the body under check, and
//! answers with the body's refusal if it broke.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response, header};
use s3s::config::{S3Config, StaticConfigProvider};
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{Body, HttpError, S3Error};
use tracing::info;

use crate::access::{Gate, NoSecretKeys};
use crate::body::{Broken, CheckedBody};
use crate::broker::Broker;
use crate::checksum::Digests;
use crate::chunked::Decoder;
use crate::head::SignedHead;
use crate::operation;
use crate::payload::Payload;
use crate::refusal::Refusal;

/// The XML of the largest multipart upload stays below this.
const XML_MAX: usize = 2 * 1024 * 1024;

/// The service as the listener sees it.
#[derive(Debug, Clone)]
pub struct Front {
    s3: S3Service,
    max_object_bytes: u64,
}

impl Front {
    /// A service on the buckets under `root`, which must exist.
    ///
    /// # Errors
    /// `root` can't be opened.
    pub fn open(root: &Path, broker: Broker, max_object_bytes: u64) -> Result<Self, s3s_fs::Error> {
        let files = s3s_fs::FileSystem::new(root)?;
        let mut builder = S3ServiceBuilder::new(files);
        builder.set_auth(NoSecretKeys);
        builder.set_access(Gate::new(broker, root.to_owned()));
        let mut config = S3Config::default();
        config.xml_max_body_size = XML_MAX;
        builder.set_config(Arc::new(StaticConfigProvider::new(Arc::new(config))));
        Ok(Self { s3: builder.build(), max_object_bytes })
    }

    /// Answers one request.
    ///
    /// # Errors
    /// Only what s3s can't put into an answer.
    pub async fn answer<B>(&self, request: Request<B>, peer: SocketAddr) -> Result<Response<Body>, HttpError>
    where
        B: http_body::Body<Data = Bytes> + Send + Unpin + 'static,
    {
        match self.admit(request, peer) {
            Ok((request, broken)) => {
                let response = self.s3.call(request).await?;
                broken.get().map_or(Ok(response), |refusal| refused(refusal.clone()))
            }
            Err(refusal) => {
                info!(peer = %peer.ip(), decision = "refused", reason = ?refusal.to_string());
                refused(refusal)
            }
        }
    }

    fn admit<B>(&self, request: Request<B>, peer: SocketAddr) -> Result<(Request<Body>, Broken), Refusal>
    where
        B: http_body::Body<Data = Bytes> + Send + Unpin + 'static,
    {
        let (mut parts, body) = request.into_parts();
        let has_body = !body.is_end_stream();
        let sent = content_length(&parts.headers)?;
        not_a_form(&parts.headers)?;
        let head = SignedHead::take(&mut parts, has_body, peer.ip())?;
        let of_body = operation::checksums_are_of_body(&head.method);
        let digests = Digests::wanted(&parts.headers, &head.payload, of_body)?;
        let broken = Broken::default();
        let body = if has_body {
            let length = self.length(&head.payload, sent)?;
            let decoder = matches!(head.payload, Payload::UnsignedTrailer { .. }).then(Decoder::default);
            Body::http_body_unsync(CheckedBody::new(body, length, decoder, digests, Arc::clone(&broken)))
        } else {
            digests.finish(&[])?;
            Body::empty()
        };
        parts.extensions.insert(Arc::new(head));
        Ok((Request::from_parts(parts, body), broken))
    }

    /// The body's length after decoding, if it may be stored. A framed body says it in its own header.
    fn length(&self, payload: &Payload, sent: Option<u64>) -> Result<u64, Refusal> {
        let length = match payload {
            Payload::UnsignedTrailer { decoded_length, .. } => *decoded_length,
            Payload::Sha256(_) | Payload::Unsigned => sent.ok_or(Refusal::LengthRequired)?,
        };
        if length > self.max_object_bytes {
            return Err(Refusal::EntityTooLarge(self.max_object_bytes));
        }
        Ok(length)
    }
}

fn content_length(headers: &http::HeaderMap) -> Result<Option<u64>, Refusal> {
    const INVALID: Refusal =
        Refusal::HeaderInvalid { name: "content-length", problem: "it must be a number" };
    let Some(value) = headers.get(header::CONTENT_LENGTH) else { return Ok(None) };
    value.to_str().ok().and_then(|value| value.parse().ok()).map(Some).ok_or(INVALID)
}

/// A form upload carries its authentication in the body, which s3s reads before it asks about access.
fn not_a_form(headers: &http::HeaderMap) -> Result<(), Refusal> {
    let types = headers.get_all(header::CONTENT_TYPE);
    let form = |value: &http::HeaderValue| value.as_bytes().to_ascii_lowercase().starts_with(b"multipart/");
    if types.iter().any(form) {
        return Err(Refusal::OperationNotImplemented("PostObject".to_owned()));
    }
    Ok(())
}

fn refused(refusal: Refusal) -> Result<Response<Body>, HttpError> {
    S3Error::from(refusal).to_http_response().map_err(|error| HttpError::new(Box::new(error)))
}
