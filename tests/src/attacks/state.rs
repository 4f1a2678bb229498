//! What a thief of the state, a bad Redis or a hostile dependency could do.

use std::process::Command;

use crate::harness::{Ran, Redis, Site, assert_refused, role};

#[test]
fn r02_a_redis_that_may_forget_is_refused_at_start() {
    let redis = Redis::start();
    let evicting = Command::new("redis-cli")
        .args(["-u", &redis.url(), "config", "set", "maxmemory-policy", "allkeys-lru"])
        .output()
        .expect("redis-cli is installed");
    assert!(evicting.status.success());
    let site = Site::on_redis(&redis);
    site.keyring();
    let served = Ran::of(&site, &["serve", "--config", "daypass.toml"]);
    assert_eq!(served.code, Some(1), "{served:?}");
    assert!(served.errors.contains("noeviction"), "{served:?}");
}

#[test]
fn r05_stolen_state_signs_nothing() {
    let redis = Redis::start();
    let site = Site::on_redis(&redis);
    let broker = site.start();
    let token = site.issuer.token("plant:a");
    let credentials = broker.assume(&token, &role("Deploy"));
    let stolen = redis.everything();
    assert!(!stolen.is_empty());
    let needles =
        [&credentials.secret_access_key, &credentials.session_token, &token, &credentials.access_key_id];
    for needle in needles {
        let found = stolen.windows(needle.len()).any(|part| part == needle.as_bytes());
        assert!(!found, "`{}…` lies open in Redis", &needle[..8]);
    }
}

#[test]
fn r03_r04_nothing_is_scripted_and_nothing_blocks_in_redis() {
    let redis = Redis::start();
    let site = Site::on_redis(&redis);
    let broker = site.start();
    broker.assume(&site.issuer.token("plant:a"), &role("Deploy"));
    broker.json(&site, &["sessions", "list"]);
    let revoked = broker.run(&site, &["sessions", "revoke", "--role", &role("Deploy")]);
    assert_eq!(revoked.code, Some(0), "{revoked:?}");
    let used = redis.commands();
    assert!(used.contains("set") && used.contains("info"), "the broker was there: {used:?}");
    let banned =
        ["eval", "evalsha", "eval_ro", "evalsha_ro", "fcall", "fcall_ro", "script", "function", "keys"];
    let blocking =
        ["blpop", "brpop", "blmove", "blmpop", "brpoplpush", "bzpopmin", "bzpopmax", "bzmpop", "xreadgroup"];
    let found: Vec<&str> = banned.into_iter().chain(blocking).filter(|name| used.contains(*name)).collect();
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn without_redis_issuing_stops_and_verifying_goes_on() {
    let mut redis = Redis::start();
    let site = Site::on_redis(&redis);
    let broker = site.start();
    let token = site.issuer.token("plant:a");
    let credentials = broker.assume(&token, &role("Deploy"));
    redis.crash();
    let answer = broker.assume_with(&token, &role("Deploy"), &[]);
    assert_eq!(
        (answer.status, answer.element("Code").as_deref()),
        (503, Some("ServiceUnavailable")),
        "{answer:?}"
    );
    assert!(answer.header("retry-after").is_some(), "{answer:?}");
    assert_eq!(broker.caller(&credentials).status, 200);
}

#[test]
fn t17_a_revocation_through_one_broker_reaches_the_other_within_a_second() {
    let redis = Redis::start();
    let site = Site::on_redis(&redis);
    let twin = site.twin();
    let (here, there) = (site.start(), twin.start());
    let credentials = here.assume(&site.issuer.token("plant:a"), &role("Deploy"));
    assert_eq!(there.caller(&credentials).status, 200, "a session of one is a session of all");
    let started = tokio::time::Instant::now();
    let revoked = here.run(&site, &["sessions", "revoke", "--role", &role("Deploy")]);
    assert_eq!(revoked.code, Some(0), "{revoked:?}");
    let said = tokio::time::Instant::now();
    let unknown = "The security token included in the request is invalid.";
    assert_refused(&here.caller(&credentials), 403, "InvalidClientTokenId", unknown);
    let mut answer = there.caller(&credentials);
    while answer.status == 200 && said.elapsed().as_millis() < 1_000 {
        answer = there.caller(&credentials);
    }
    assert_refused(&answer, 403, "InvalidClientTokenId", unknown);
    assert!(started.elapsed().as_secs() < 5, "{:?}", started.elapsed());
}

#[test]
fn r06_a_restarted_empty_redis_revives_nothing() {
    let mut redis = Redis::start();
    let site = Site::on_redis(&redis);
    let broker = site.start();
    let credentials = broker.assume(&site.issuer.token("plant:a"), &role("Deploy"));
    let revoked = broker.run(&site, &["sessions", "revoke", "--role", &role("Deploy")]);
    assert_eq!(revoked.code, Some(0), "{revoked:?}");
    redis.restart_empty();
    // Every answer while the broker finds Redis anew must be a refusal, and it must issue again.
    let started = tokio::time::Instant::now();
    let mut issued = broker.assume_with(&site.issuer.token("plant:a"), &role("Deploy"), &[]);
    while issued.status != 200 {
        // Asking this fast meets the limit of a peer, too.
        assert!(issued.status == 503 || issued.body.contains("<Code>Throttling</Code>"), "{issued:?}");
        assert_ne!(broker.caller(&credentials).status, 200);
        assert!(started.elapsed().as_secs() < 40, "it never issued again: {issued:?}");
        issued = broker.assume_with(&site.issuer.token("plant:a"), &role("Deploy"), &[]);
    }
    assert_ne!(broker.caller(&credentials).status, 200);
}

#[test]
fn k03_k07_no_library_with_a_known_weakness_is_locked() {
    let lock = include_str!("../../../Cargo.lock");
    let version = |name: &str| {
        let (_, rest) = lock.split_once(&format!("name = \"{name}\"\nversion = \""))?;
        Some(rest.split_once('"')?.0.to_owned())
    };
    for name in ["rsa", "aws-lc-rs", "aws-lc-sys", "native-tls"] {
        assert_eq!(version(name), None, "{name} is linked");
    }
    let users = |name: &str| -> Vec<&str> {
        let uses = format!("\n \"{name}\"");
        let packages = lock.split("[[package]]").filter(|package| package.contains(&uses));
        packages.filter_map(|package| package.split('"').nth(1)).collect()
    };
    assert_eq!(users("openssl"), ["samael"], "OpenSSL is there for xmlsec's signatures alone");
    assert_eq!(users("openssl-sys"), ["openssl", "samael"]);
    let version = version("jsonwebtoken").expect("it is used");
    let numbers: Vec<u32> = version.split('.').map_while(|part| part.parse().ok()).collect();
    assert!(numbers >= vec![10, 3], "jsonwebtoken {version} takes a claim of the wrong type for absent");
    let rules = include_str!("../../../deny.toml");
    assert!(
        rules.contains("\"jsonwebtoken:<10.3\"") && rules.contains("\"rsa\""),
        "deny.toml lost its rules"
    );
}

#[test]
fn k06_a_broker_that_is_aborted_leaves_no_core() {
    let site = Site::new();
    let mut broker = site.start_with_cores();
    assert!(!broker.aborted_with_core(), "its memory, keys and all, is on disk now");
}
