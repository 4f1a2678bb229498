//! The next thing to do for each step that can fail, where one is known.

/// What helps against a failure of that step.
pub(super) fn of(step: &str) -> Option<&'static str> {
    Some(match step {
        "form" | "length" => "let the client send the token or signature as it got it, whole and unchanged",
        "provider" => {
            "add the issuer under oidc-providers/ of the role's account, spelled as the token has it; for SAML, let the client \
             name a provider under saml-providers/ of the role's account"
        }
        "keys" | "key" => {
            "see that the broker reaches the provider's key set, and that it holds the token's key"
        }
        "algorithm" => {
            "add the algorithm to the provider's `algorithms`, if the provider really signs with it"
        }
        "issuer" => {
            "write the provider's `issuer` or `entity_id` exactly as its tokens or assertions have it"
        }
        "recipient" => "add the address to the provider's `recipients`, if it is one of this broker",
        "role attribute" => {
            "let the provider send role and provider, with a comma between, in the attribute Role"
        }
        "request" => "let the client begin the sign-in, or set `idp_initiated` if the provider may",
        "status" => "see the identity provider's own log: it refused the sign-in",
        "audience" => "add the audience to the provider's `client_ids`, or get a token for this broker",
        "expiry" | "times" => "get a new token or new credentials, and set the clocks of both sides right",
        "claims" => "let the provider put the claim into its tokens",
        "trust policy" => "change the trust policy; `daypass simulate --trust` shows the effect beforehand",
        "policies" => {
            "change the role's or the session's policies; `daypass simulate` shows the effect beforehand"
        }
        "duration" => "ask for less, or raise the role's `max_session_duration`",
        "session policy" => "send a smaller or valid session policy, of policies that exist",
        "rate of the peer" | "rate of the principal" => {
            "let the client keep its credentials until they expire, or raise `limits.issues_per_second_per_peer`"
        }
        "clock" => "set the machine's clock right, then run `daypass clock reset`",
        "revocation" => "see the audit trail for what was ended and why; a new session needs a new proof",
        "revocation view" => "see that the broker reaches its Redis; `/readyz` says when it is well",
        "record" => {
            "see that the state store answers, and end sessions that are not needed if there are too many"
        }
        "audit" => "see that the disk of the audit file has room and is writable",
        "access key" | "session token" => {
            "use key, secret and token of the same credentials, from this broker"
        }
        "role" => "make new credentials: the role of these was deleted, or deleted and made again",
        "scope" => "let the client sign for the service and host that it calls",
        "signature" => "see that no proxy changes the path, the query, the headers or the body on the way",
        "question" => "correct the service's entry under services/, or what the service asks",
        _ => return None,
    })
}
