//! The access check that s3s calls once it knows the operation, before it reads a byte of the body.

use std::path::PathBuf;
use std::sync::Arc;

use s3s::access::{S3Access, S3AccessContext};
use s3s::auth::{Credentials, S3Auth, SecretKey};
use s3s::dto::{
    AbortMultipartUploadInput, CompleteMultipartUploadInput, CreateMultipartUploadInput, PutObjectInput,
    UploadPartCopyInput, UploadPartInput,
};
use s3s::{S3Error, S3ErrorCode, S3Request, S3Result};
use tracing::info;

use crate::broker::Broker;
use crate::head::SignedHead;
use crate::operation::{self, Permission};
use crate::question::{Answer, DenialError, Question, Verdict};
use crate::refusal::Refusal;

/// Never knows a secret key. It has to be there: s3s calls no access check without it.
#[derive(Debug)]
pub struct NoSecretKeys;

#[async_trait::async_trait]
impl S3Auth for NoSecretKeys {
    async fn get_secret_key(&self, _access_key: &str) -> S3Result<SecretKey> {
        Err(S3Error::new(S3ErrorCode::AccessDenied))
    }
}

/// Asks the broker for every permission that an operation needs.
#[derive(Debug)]
pub struct Gate {
    broker: Broker,
    root: PathBuf,
}

impl Gate {
    /// A gate before the buckets under `root`.
    #[must_use]
    pub fn new(broker: Broker, root: PathBuf) -> Self {
        Self { broker, root }
    }

    async fn ask(&self, head: &SignedHead, permission: &Permission) -> S3Result<()> {
        let question = Question {
            method: head.method.as_str(),
            uri: &head.uri,
            headers: &head.headers,
            body_sha256: head.payload.signed_value(),
            source_ip: head.source_ip,
            secure_transport: false,
            action: permission.action,
            resource: &permission.resource,
            context: &permission.context,
        };
        let answer = self.broker.ask(&question).await.map_err(|error| {
            info!(action = permission.action, resource = ?permission.resource, error = ?error.to_string(), "not decided");
            unavailable()
        })?;
        log(permission, &answer);
        match answer.decision {
            Verdict::Allow => Ok(()),
            Verdict::Deny => {
                let denial = answer.error.unwrap_or_else(DenialError::access_denied);
                let mut error = S3Error::from(Refusal::Denied(denial));
                error.set_request_id(answer.request_id);
                Err(error)
            }
        }
    }

    /// The directory backend would create a missing bucket along with the object.
    fn existing_bucket(&self, bucket: &str) -> S3Result<()> {
        if self.root.join(bucket).is_dir() { Ok(()) } else { Err(Refusal::NoSuchBucket.into()) }
    }
}

fn unavailable() -> S3Error {
    let mut headers = http::HeaderMap::new();
    headers.insert(http::header::RETRY_AFTER, http::HeaderValue::from_static("1"));
    headers.insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static("application/xml"));
    let mut error = S3Error::from(Refusal::BrokerUnavailable);
    error.set_headers(headers);
    error
}

fn log(permission: &Permission, answer: &Answer) {
    info!(
        principal = ?answer.principal.as_ref().map_or("-", |principal| principal.arn.as_str()),
        action = permission.action,
        resource = ?permission.resource,
        decision = ?answer.decision,
        reason = ?answer.reason,
        request_id = ?answer.request_id,
    );
}

/// The backend keeps an upload's "access key" and compares it at each later step. Ours names the object, so
/// that permission for one key is never used on an upload begun for another.
fn upload_owner<T>(request: &mut S3Request<T>, bucket: &str, key: &str) {
    request.credentials =
        Some(Credentials { access_key: format!("{bucket}/{key}"), secret_key: SecretKey::from("") });
}

#[async_trait::async_trait]
impl S3Access for Gate {
    async fn check(&self, cx: &mut S3AccessContext<'_>) -> S3Result<()> {
        let Some(head) = cx.extensions_mut().get::<Arc<SignedHead>>().cloned() else {
            return Err(Refusal::Anonymous.into());
        };
        for permission in operation::permissions(cx.s3_op().name(), cx.s3_path(), &head)? {
            self.ask(&head, &permission).await?;
        }
        Ok(())
    }

    async fn put_object(&self, request: &mut S3Request<PutObjectInput>) -> S3Result<()> {
        self.existing_bucket(&request.input.bucket)
    }

    async fn copy_object(&self, request: &mut S3Request<s3s::dto::CopyObjectInput>) -> S3Result<()> {
        self.existing_bucket(&request.input.bucket)
    }

    async fn create_multipart_upload(
        &self,
        request: &mut S3Request<CreateMultipartUploadInput>,
    ) -> S3Result<()> {
        let (bucket, key) = (request.input.bucket.clone(), request.input.key.clone());
        upload_owner(request, &bucket, &key);
        self.existing_bucket(&bucket)
    }

    async fn upload_part(&self, request: &mut S3Request<UploadPartInput>) -> S3Result<()> {
        let (bucket, key) = (request.input.bucket.clone(), request.input.key.clone());
        upload_owner(request, &bucket, &key);
        self.existing_bucket(&bucket)
    }

    async fn upload_part_copy(&self, request: &mut S3Request<UploadPartCopyInput>) -> S3Result<()> {
        let (bucket, key) = (request.input.bucket.clone(), request.input.key.clone());
        upload_owner(request, &bucket, &key);
        self.existing_bucket(&bucket)
    }

    async fn complete_multipart_upload(
        &self,
        request: &mut S3Request<CompleteMultipartUploadInput>,
    ) -> S3Result<()> {
        let (bucket, key) = (request.input.bucket.clone(), request.input.key.clone());
        upload_owner(request, &bucket, &key);
        self.existing_bucket(&bucket)
    }

    async fn abort_multipart_upload(
        &self,
        request: &mut S3Request<AbortMultipartUploadInput>,
    ) -> S3Result<()> {
        let (bucket, key) = (request.input.bucket.clone(), request.input.key.clone());
        upload_owner(request, &bucket, &key);
        Ok(())
    }
}
