//! What somebody can do who reads or writes Redis, or stands in for it.

use secrecy::ExposeSecret as _;

use super::*;
use crate::session::{self, Claims, SessionPolicies};

#[tokio::test]
async fn r02_a_server_that_evicts_is_refused() {
    let (clock, directory) = (TestClock::new(), tempfile::tempdir().unwrap());
    for policy in ["allkeys-lru", "volatile-ttl"] {
        let server = Server::start_with(&["--maxmemory-policy", policy]).await;
        let settings = settings(&server.url(), "one", T, directory.path());
        let opened = Redis::open(settings, keyring(1), clock.source()).await;
        assert!(
            matches!(&opened, Err(OpenError::Server(ConnectError::Evicts(named))) if named == policy),
            "{opened:?}"
        );
    }
}

#[tokio::test]
async fn r08_a_replica_is_refused() {
    let primary = Server::start().await;
    let replica = Server::start_with(&["--replicaof", "127.0.0.1", &primary.port.to_string()]).await;
    let (clock, directory) = (TestClock::new(), tempfile::tempdir().unwrap());
    let opened =
        Redis::open(settings(&replica.url(), "one", T, directory.path()), keyring(1), clock.source()).await;
    assert!(matches!(opened, Err(OpenError::Server(ConnectError::Replica))), "{opened:?}");
}

#[tokio::test]
async fn r08_a_primary_that_becomes_a_replica_keeps_no_view_fresh() {
    let fixture = fixture().await;
    let primary = Server::start().await;
    fixture.server.ask::<()>(&[b"REPLICAOF", b"127.0.0.1", primary.port.to_string().as_bytes()]).await;
    eventually("the view goes stale", async || {
        age(&fixture.store, &fixture.clock) > Some(Duration::from_millis(2_500))
    })
    .await;
    let refused = fixture.store.record(&record(1, "alice", &fixture.clock), None, LIMITS).await;
    assert!(matches!(refused, Err(Unavailable::Failed(_))), "{refused:?}");
}

/// A session with a token and a secret, whose record is stored.
fn minted(clock: &TestClock) -> (session::Session, SessionRecord) {
    let record = record(1, "alice-canary", clock);
    let claims = Claims {
        links: vec![crate::revocation::Link {
            session: record.session,
            stamp: record.stamp,
            targets: record.targets.clone(),
        }],
        role_arn: record.role_arn.clone(),
        role_id: record.role_id.clone(),
        session_name: record.session_name.clone(),
        provider: record.provider.clone(),
        tags: Vec::new(),
        transitive_tag_keys: Vec::new(),
        source_identity: None,
        policies: SessionPolicies::default(),
        carried: Vec::new(),
        issued: record.issued,
        expires: record.expires,
        padding: Vec::new(),
    };
    let session = session::seal_claims(claims, &keyring(1).load(), &[8; 32]).unwrap();
    let record = SessionRecord { access_key_id: session.access_key_id.clone(), ..record };
    (session, record)
}

#[tokio::test]
async fn r05_a_stolen_dump_names_nobody_and_signs_nothing() {
    let fixture = fixture().await;
    let (session, record) = minted(&fixture.clock);
    let made = reservation(1, &fixture.clock);
    fixture.store.record(&record, Some(&made), LIMITS).await.unwrap();
    fixture.store.touch(&[(record.session, fixture.clock.now())]).await.unwrap();
    fixture.store.revoke(&[revocation(mark(principal("alice-canary"), 5, &fixture.clock))]).await.unwrap();
    fixture.server.ask::<()>(&[b"SAVE"]).await;
    let dump = std::fs::read(fixture.server.directory.path().join("dump.rdb")).unwrap();
    let holds = |needle: &[u8]| dump.windows(needle.len()).any(|window| window == needle);
    assert!(holds(b"daypass:{state}:e:"), "the dump can be searched");

    let secret = session.secret_access_key.expose_secret();
    let raw_secret = data_encoding::BASE64.decode(secret.as_bytes()).unwrap();
    let raw_token = data_encoding::BASE64URL_NOPAD.decode(session.token.as_bytes()).unwrap();
    let canaries: [&[u8]; 10] = [
        secret.as_bytes(),
        &raw_secret,
        session.token.as_bytes(),
        &raw_token,
        session.access_key_id.as_bytes(),
        &record.session.0,
        b"alice-canary",
        b"build-1",
        b"role/Deploy",
        b"192.0.2.7",
    ];
    for canary in canaries {
        assert!(!holds(canary), "{:?}", String::from_utf8_lossy(canary));
    }
    // Nor does the record, opened: it holds what operators see, and neither token nor secret.
    let opened = fixture.store.session(&SessionName::Id(record.session)).await.unwrap().unwrap();
    let text = format!("{opened:?}");
    assert!(text.contains("alice-canary") && !text.contains(secret) && !text.contains(&session.token));
}

#[tokio::test]
async fn r01_hostile_names_reach_no_key() {
    let fixture = fixture().await;
    let hostile = SessionRecord {
        session_name: "{state}:e:\r\nFLUSHALL\r\n*".into(),
        ..record(1, "a:{b}\r\n*", &fixture.clock)
    };
    fixture.store.record(&hostile, None, LIMITS).await.unwrap();
    let by_key = SessionName::AccessKey(hostile.access_key_id.clone());
    assert_eq!(fixture.store.session(&by_key).await, Ok(Some(hostile)));
    let forged = SessionName::AccessKey("ASIA{x}:*\r\nDEL".into());
    assert_eq!(fixture.store.session(&forged).await, Ok(None));
    let keys: Vec<String> = fixture.server.ask(&[b"KEYS", b"*"]).await;
    let plain = |key: &String| {
        let rest = key.strip_prefix("daypass:").unwrap();
        rest.strip_prefix("{state}:")
            .unwrap_or(rest)
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-_:".contains(c))
    };
    assert!(keys.len() > 5 && keys.iter().all(plain), "{keys:?}");
}

#[tokio::test]
async fn r06_a_record_changed_or_moved_in_redis_does_not_open() {
    let fixture = fixture().await;
    let (one, two) = (record(1, "alice", &fixture.clock), record(2, "bob", &fixture.clock));
    for record in [&one, &two] {
        fixture.store.record(record, None, LIMITS).await.unwrap();
    }
    let place = |record: &SessionRecord| key(fixture.store.sealer.record_name(record.session));
    let name = SessionName::Id(one.session);
    let sealed: Vec<u8> = fixture.server.ask(&[b"GET", &place(&one)]).await;
    for at in (0..sealed.len()).step_by(7) {
        let mut changed = sealed.clone();
        changed[at] ^= 1;
        fixture.server.ask::<()>(&[b"SET", &place(&one), &changed]).await;
        let answer = fixture.store.session(&name).await;
        assert!(matches!(answer, Err(Unavailable::Damaged(_))), "byte {at}: {answer:?}");
    }
    let moved: Vec<u8> = fixture.server.ask(&[b"GET", &place(&two)]).await;
    fixture.server.ask::<()>(&[b"SET", &place(&one), &moved]).await;
    assert!(matches!(fixture.store.session(&name).await, Err(Unavailable::Damaged(_))));
    fixture.server.ask::<()>(&[b"SET", &place(&one), &sealed]).await;
    assert_eq!(fixture.store.session(&name).await, Ok(Some(one)));
}

#[tokio::test]
async fn r06_old_marks_replayed_and_new_ones_deleted_un_revoke_nothing() {
    let fixture = fixture().await;
    let (clock, store) = (&fixture.clock, &fixture.store);
    let role = Target::new(Scope::Role, &[b"AROA1"]);
    let stream = key(store.sealer.name(Kind::Mark, &[]));
    store.revoke(&[revocation(mark(role, 500, clock))]).await.unwrap();
    let old: Vec<(String, Vec<Vec<u8>>)> =
        fixture.server.ask(&[b"XREVRANGE", &stream, b"+", b"-", b"COUNT", b"1"]).await;
    store.revoke(&[revocation(mark(role, 900, clock))]).await.unwrap();

    let (_, fields) = &old[0];
    fixture.server.ask::<()>(&[b"XADD", &stream, b"*", &fields[0], &fields[1]]).await;
    fresh(store, clock).await;
    assert_eq!(ends(store, role), Some(900), "replayed");

    fixture.server.ask::<()>(&[b"DEL", &stream]).await;
    eventually("the marks are asserted again", async || {
        fixture.server.ask::<u64>(&[b"XLEN", &stream]).await >= 1
    })
    .await;
    let directory = tempfile::tempdir().unwrap();
    let newcomer = peer(&fixture, "two", directory.path()).await;
    assert_eq!((ends(store, role), ends(&newcomer, role)), (Some(900), Some(900)));
}

#[tokio::test]
async fn r06_a_mark_that_does_not_open_leaves_no_view_fresh() {
    let fixture = fixture().await;
    let stream = key(fixture.store.sealer.name(Kind::Mark, &[]));
    let forged: String = fixture.server.ask(&[b"XADD", &stream, b"*", b"m", b"forged"]).await;
    eventually("the view goes stale", async || {
        age(&fixture.store, &fixture.clock) > Some(Duration::from_millis(2_500))
    })
    .await;
    fixture.server.ask::<()>(&[b"XDEL", &stream, forged.as_bytes()]).await;
    fresh(&fixture.store, &fixture.clock).await;
}

#[tokio::test]
async fn r07_a_server_with_another_name_or_authority_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str| directory.path().join(name).display().to_string();
    let authority = |name: &str| {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        std::fs::write(file(name), params.self_signed(&key).unwrap().pem()).unwrap();
        rcgen::Issuer::new(params, key)
    };
    let (issuer, _other) = (authority("ca.pem"), authority("other.pem"));
    let key = rcgen::KeyPair::generate().unwrap();
    let leaf = rcgen::CertificateParams::new(vec!["localhost".to_owned()])
        .unwrap()
        .signed_by(&key, &issuer)
        .unwrap();
    std::fs::write(file("leaf.pem"), leaf.pem()).unwrap();
    std::fs::write(file("leaf.key"), key.serialize_pem()).unwrap();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let _server = Server::start_with(&[
        "--tls-port",
        &port.to_string(),
        "--tls-cert-file",
        &file("leaf.pem"),
        "--tls-key-file",
        &file("leaf.key"),
        "--tls-ca-cert-file",
        &file("ca.pem"),
        "--tls-auth-clients",
        "no",
    ])
    .await;
    let connect = async |host: &str, ca: &str| {
        let url = format!("rediss://{host}:{port}");
        let address = Address::parse(&url, Some(std::path::Path::new(&file(ca)))).unwrap();
        address.connect().await.map(drop)
    };
    assert_eq!(connect("localhost", "ca.pem").await, Ok(()));
    assert!(connect("127.0.0.1", "ca.pem").await.is_err(), "another name");
    assert!(connect("localhost", "other.pem").await.is_err(), "another authority");
    let unchecked = Address::parse(&format!("rediss://localhost:{port}/#insecure"), None);
    assert!(matches!(unchecked, Err(AddressError::Insecure)));
}

#[tokio::test]
async fn r10_a_server_that_answers_without_end_is_left() {
    use tokio::io::AsyncWriteExt as _;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("redis://127.0.0.1:{}", listener.local_addr().unwrap().port());
    let endless = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut sent = socket.write_all(b"*100000000\r\n").await;
        let mut bytes = 0_usize;
        while sent.is_ok() {
            sent = socket.write_all(&b"$4\r\nfull\r\n".repeat(1_000)).await;
            bytes += 10_000;
        }
        bytes
    });
    let refused = Address::parse(&url, None).unwrap().connect().await.map(drop);
    assert!(matches!(refused, Err(ConnectError::Down(_))), "{refused:?}");
    assert!(
        endless.await.unwrap() < 32 << 20,
        "left after the longest reply there can be, and what was on its way"
    );
}
