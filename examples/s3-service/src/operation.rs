//! Which S3 operation needs which permission on which resource.

use std::collections::BTreeMap;

use http::Method;
use s3s::dto::CopySource;
use s3s::path::S3Path;

use crate::head::SignedHead;
use crate::refusal::Refusal;
use crate::storable;

/// One permission that an operation needs.
#[derive(Debug, PartialEq, Eq)]
pub struct Permission {
    pub action: &'static str,
    pub resource: String,
    pub context: BTreeMap<&'static str, Vec<String>>,
}

/// Every permission that the operation s3s resolved needs; all of them have to be granted.
///
/// # Errors
/// An operation that isn't listed here, a body where none belongs, a key that can't be stored.
pub fn permissions(operation: &str, path: &S3Path, head: &SignedHead) -> Result<Vec<Permission>, Refusal> {
    let needed = needed(operation, path, head)?;
    if head.has_body && !takes_body(operation) {
        return Err(Refusal::UnexpectedBody);
    }
    Ok(needed)
}

/// Whether `x-amz-checksum-*` on this request speaks of the request's own body.
#[must_use]
pub fn checksums_are_of_body(method: &Method) -> bool {
    // CompleteMultipartUpload, the only POST with a body here, sends the checksum of the object instead.
    method == Method::PUT
}

fn needed(operation: &str, path: &S3Path, head: &SignedHead) -> Result<Vec<Permission>, Refusal> {
    let unknown = || Refusal::OperationNotImplemented(operation.to_owned());
    if head.parameter("versionId").is_some() {
        return Err(Refusal::OperationNotImplemented(format!("{operation} of a version")));
    }
    match path {
        S3Path::Root => match operation {
            "ListBuckets" => Ok(vec![on("s3:ListAllMyBuckets", "*".to_owned())]),
            _ => Err(unknown()),
        },
        S3Path::Bucket { bucket } => bucket_permission(operation, bucket, head).ok_or_else(unknown),
        S3Path::Object { bucket, key } => {
            storable::check(bucket, key)?;
            let action = object_action(operation).ok_or_else(unknown)?;
            let mut needed = vec![on(action, format!("{bucket}/{key}"))];
            if matches!(operation, "CopyObject" | "UploadPartCopy") {
                needed.insert(0, on("s3:GetObject", copy_source(head)?));
            }
            Ok(needed)
        }
    }
}

fn takes_body(operation: &str) -> bool {
    matches!(operation, "CompleteMultipartUpload" | "CreateBucket" | "PutObject" | "UploadPart")
}

fn bucket_permission(operation: &str, bucket: &str, head: &SignedHead) -> Option<Vec<Permission>> {
    let action = match operation {
        "CreateBucket" => "s3:CreateBucket",
        "DeleteBucket" => "s3:DeleteBucket",
        "GetBucketLocation" => "s3:GetBucketLocation",
        "HeadBucket" | "ListObjects" | "ListObjectsV2" => "s3:ListBucket",
        _ => return None,
    };
    let mut permission = on(action, bucket.to_owned());
    if operation.starts_with("ListObjects") {
        let keys = [("prefix", "s3:prefix"), ("delimiter", "s3:delimiter"), ("max-keys", "s3:max-keys")];
        for (parameter, key) in keys {
            if let Some(value) = head.parameter(parameter) {
                permission.context.insert(key, vec![value.to_owned()]);
            }
        }
    }
    Some(vec![permission])
}

fn object_action(operation: &str) -> Option<&'static str> {
    Some(match operation {
        "AbortMultipartUpload" => "s3:AbortMultipartUpload",
        "CompleteMultipartUpload"
        | "CopyObject"
        | "CreateMultipartUpload"
        | "PutObject"
        | "UploadPart"
        | "UploadPartCopy" => "s3:PutObject",
        "DeleteObject" => "s3:DeleteObject",
        "GetObject" | "HeadObject" => "s3:GetObject",
        _ => return None,
    })
}

/// The source, by the parser that the copy itself will use.
fn copy_source(head: &SignedHead) -> Result<String, Refusal> {
    const INVALID: Refusal =
        Refusal::HeaderInvalid { name: "x-amz-copy-source", problem: "it must be `bucket/key`" };
    let header = head.copy_source.as_deref().ok_or(INVALID)?;
    match CopySource::parse(header) {
        Ok(CopySource::Bucket { bucket, key, version_id: None }) => {
            storable::check(&bucket, &key)?;
            Ok(format!("{bucket}/{key}"))
        }
        _ => Err(INVALID),
    }
}

fn on(action: &'static str, resource: String) -> Permission {
    let mut arn = resource;
    arn.insert_str(0, "arn:aws:s3:::");
    Permission { action, resource: arn, context: BTreeMap::new() }
}
