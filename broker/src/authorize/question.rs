//! A service's question: somebody sent me this request; who is it, and may they?

use std::borrow::Cow;
use std::net::IpAddr;

use daypass_sigv4::{Head, Payload, Rules};
use jiff::Timestamp;

use super::{Action, Caller, Refusal, Verdict, authenticate};
use crate::app::App;
use crate::audit::Step;
use crate::config::{Service, Snapshot};
use crate::trust::Surroundings;

/// The request that a service received, and what it stands for there.
#[derive(Debug, Clone)]
pub struct Question<'a> {
    /// The method.
    pub method: &'a str,
    /// Path and query, as on the wire.
    pub uri: &'a str,
    /// All headers in wire order, duplicates kept.
    pub headers: &'a [(String, String)],
    /// What the service knows of the body.
    pub payload: Payload<'a>,
    /// Where the service says that the request came from.
    pub source_ip: Option<IpAddr>,
    /// Whether it came over TLS.
    pub secure: bool,
    /// `service:Operation`.
    pub action: &'a str,
    /// The resource's ARN.
    pub resource: &'a str,
    /// The service's own condition keys.
    pub context: &'a [(String, Vec<String>)],
}

/// Why a question is not answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QuestionRefusal {
    /// The caller may not ask this.
    #[error("{0}")]
    NotAuthorized(String),
    /// The question is outside of what the directory lets this service ask about.
    #[error("{0}")]
    OutOfBounds(String),
}

impl QuestionRefusal {
    /// The step that failed, for the operator.
    pub fn step(&self) -> Step<'static> {
        let wanted = match self {
            Self::NotAuthorized(_) => {
                "a service entry that names the asker, and daypass:Verify allowed on it"
            }
            Self::OutOfBounds(_) => "a host, resource and condition keys of the service's entry",
        };
        Step::failed("question", self.to_string(), wanted)
    }
}

/// The answer to a question.
#[derive(Debug)]
pub enum Verification {
    /// The sender is known, and this is decided.
    Decided {
        /// Who sent the request.
        caller: Box<Caller>,
        /// Whether they may.
        verdict: Verdict,
    },
    /// The request does not verify.
    Unverified(Refusal),
}

/// Answers `asker`'s question, if the directory lets it ask.
pub fn verify(
    app: &App,
    snapshot: &Snapshot,
    asker: &Caller,
    asked_from: &Surroundings<'_>,
    question: &Question<'_>,
) -> Result<Verification, QuestionRefusal> {
    let service = entry(snapshot, asker, question)?;
    may_ask(snapshot, service, asker, asked_from)?;
    check_bounds(service, question)?;
    Ok(answer(app, snapshot, service, question, asked_from.now))
}

/// The directory's entry for the service that the action is of, if it names the asker.
fn entry<'s>(
    snapshot: &'s Snapshot,
    asker: &Caller,
    question: &Question<'_>,
) -> Result<&'s Service, QuestionRefusal> {
    let name = question.action.split_once(':').map_or("", |(service, _)| service);
    snapshot
        .directory
        .service_for_caller(asker.role().arn.as_str())
        .filter(|service| service.service == name)
        .map(AsRef::as_ref)
        .ok_or_else(|| {
            QuestionRefusal::NotAuthorized(format!("{} answers for no service `{name}`", asker.arn()))
        })
}

fn may_ask(
    snapshot: &Snapshot,
    service: &Service,
    asker: &Caller,
    asked_from: &Surroundings<'_>,
) -> Result<(), QuestionRefusal> {
    let resource = service.arn(asked_from.region);
    let action = Action {
        name: "daypass:Verify",
        resource: &resource,
        resource_account: service.account,
        context: &[],
        surroundings: *asked_from,
    };
    let verdict = asker.may(&action, &snapshot.directory);
    if verdict.decision.is_allowed() { Ok(()) } else { Err(QuestionRefusal::NotAuthorized(verdict.reason)) }
}

fn check_bounds(service: &Service, question: &Question<'_>) -> Result<(), QuestionRefusal> {
    let out = |what: String| Err(QuestionRefusal::OutOfBounds(what));
    if !question.resource.starts_with(service.resource_prefix.as_str()) {
        return out(format!("`{}` is not a resource of {}", question.resource, service.service));
    }
    let host = question.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("host"));
    let host = host.map_or("", |(_, value)| value.as_str());
    if !service.answers_to(host) {
        return out(format!("`{host}` is not a host of {}", service.service));
    }
    let own = |key: &str| {
        key.split_once(':').is_some_and(|(prefix, _)| prefix.eq_ignore_ascii_case(&service.service))
    };
    match question.context.iter().find(|(key, _)| !own(key)) {
        Some((key, _)) => out(format!("`{key}` is not a condition key of {}", service.service)),
        None => Ok(()),
    }
}

fn answer(
    app: &App,
    snapshot: &Snapshot,
    service: &Service,
    question: &Question<'_>,
    now: Timestamp,
) -> Verification {
    let headers: Vec<(&str, &[u8])> =
        question.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
    let (path, query) = match question.uri.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (question.uri, None),
    };
    let head = Head { method: question.method, path, query, headers: &headers };
    let rules = rules(service);
    let caller = match authenticate(app, snapshot, &head, question.payload, &service.service, rules) {
        Ok((caller, _)) => Box::new(caller),
        Err(refusal) => return Verification::Unverified(refusal),
    };
    let agent = question.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("user-agent"));
    let user_agent: Cow<'_, str> = agent.map_or(Cow::Borrowed(""), |(_, value)| value.as_str().into());
    let action = Action {
        name: question.action,
        resource: question.resource,
        resource_account: service.account,
        context: question.context,
        surroundings: Surroundings {
            source_ip: question.source_ip,
            secure: question.secure,
            user_agent: &user_agent,
            region: snapshot.settings.server.region.as_str(),
            now,
        },
    };
    let verdict = caller.may(&action, &snapshot.directory);
    Verification::Decided { caller, verdict }
}

/// S3 signs paths verbatim and streams bodies; every other service follows the standard.
fn rules(service: &Service) -> Rules {
    let base = if service.service == "s3" { Rules::S3 } else { Rules::STANDARD };
    let unsigned = service.unsigned_payload;
    Rules { unsigned_payload: unsigned, streaming_payload: base.streaming_payload && unsigned, ..base }
}
