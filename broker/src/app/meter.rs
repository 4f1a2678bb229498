//! Counts and durations of operations, by handles that are looked up once: looking up takes longer than counting.

use std::time::Duration;

use metrics::{Counter, Histogram, counter, histogram};

/// What is measured of one operation.
#[expect(missing_debug_implementations, reason = "handles of measurements show nothing")]
pub struct Meter {
    api: &'static str,
    action: &'static str,
    succeeded: Counter,
    duration: Histogram,
}

impl Meter {
    /// The meter of an operation of an API.
    pub fn new(api: &'static str, action: &'static str) -> Self {
        Self {
            api,
            action,
            succeeded: counter!("daypass_requests_total", "api" => api, "action" => action, "error" => ""),
            duration: histogram!("daypass_request_duration_seconds", "api" => api, "action" => action),
        }
    }

    /// Counts an answer: an error by its code, from a closed set.
    pub fn count(&self, error: Option<&'static str>, took: Duration) {
        match error {
            None => self.succeeded.increment(1),
            Some(code) => {
                let (api, action) = (self.api, self.action);
                counter!("daypass_requests_total", "api" => api, "action" => action, "error" => code)
                    .increment(1);
            }
        }
        self.duration.record(took.as_secs_f64());
    }
}

/// The meters of all operations.
pub struct Meters {
    /// `AssumeRoleWithSAML`.
    pub assume_role_with_saml: Meter,
    /// `AssumeRoleWithWebIdentity`.
    pub assume_role_with_web_identity: Meter,
    /// `GetCallerIdentity`.
    pub caller_identity: Meter,
    /// `GetContextKeysForCustomPolicy`.
    pub context_keys_custom: Meter,
    /// `GetContextKeysForPrincipalPolicy`.
    pub context_keys_principal: Meter,
    /// `SimulateCustomPolicy`.
    pub simulate_custom: Meter,
    /// `SimulatePrincipalPolicy`.
    pub simulate_principal: Meter,
    /// Whatever names no operation.
    pub unknown: Meter,
    /// Credentials issued by `AssumeRoleWithSAML`.
    pub issued_by_saml: Counter,
    /// Credentials issued by `AssumeRoleWithWebIdentity`.
    pub issued_by_web_identity: Counter,
}

impl Default for Meters {
    fn default() -> Self {
        Self {
            assume_role_with_saml: Meter::new("sts", "AssumeRoleWithSAML"),
            assume_role_with_web_identity: Meter::new("sts", "AssumeRoleWithWebIdentity"),
            caller_identity: Meter::new("sts", "GetCallerIdentity"),
            context_keys_custom: Meter::new("iam", "GetContextKeysForCustomPolicy"),
            context_keys_principal: Meter::new("iam", "GetContextKeysForPrincipalPolicy"),
            simulate_custom: Meter::new("iam", "SimulateCustomPolicy"),
            simulate_principal: Meter::new("iam", "SimulatePrincipalPolicy"),
            unknown: Meter::new("sts", "unknown"),
            issued_by_saml: counter!("daypass_credentials_issued_total", "action" => "AssumeRoleWithSAML"),
            issued_by_web_identity: counter!(
                "daypass_credentials_issued_total", "action" => "AssumeRoleWithWebIdentity"
            ),
        }
    }
}

impl std::fmt::Debug for Meters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Meters").finish_non_exhaustive()
    }
}
