//! Tokens and secrets: what opens, what ends it, and what no change of it survives.

use jiff::SignedDuration;
use proptest::prelude::*;
use secrecy::ExposeSecret as _;

use super::*;
use crate::keys::file::KeyringFile;
use crate::revocation::{FOR_GOOD, Mark, Target};

fn keyring() -> Keyring {
    keyring_from(0)
}

fn keyring_from(seed: u8) -> Keyring {
    let mut next = seed;
    let file = KeyringFile::generate(false, &mut || {
        next += 1;
        [next; 32]
    });
    file.validate().unwrap()
}

fn now() -> Timestamp {
    "2026-11-22T10:00:00Z".parse().unwrap()
}

const ENTROPY: [u8; 32] = [3; 32];

fn claims() -> Claims {
    let targets =
        vec![Target::new(Scope::Role, &[b"AROA1"]), Target::new(Scope::Principal, &[b"iss", b"sub"])];
    Claims {
        links: vec![Link { session: SessionId([1; 16]), stamp: millis(now()) + 1, targets }],
        role_arn: "arn:aws:iam::111122223333:role/ci/Deploy".into(),
        role_id: "AROAAAAAAAAAAAAAAAAAA".into(),
        session_name: "build-7".into(),
        provider: Some("arn:aws:iam::111122223333:oidc-provider/idp.test".into()),
        tags: vec![("team".into(), "core".into())],
        transitive_tag_keys: vec!["team".into()],
        source_identity: Some("alice".into()),
        policies: SessionPolicies {
            inline: Some("{}".into()),
            managed: vec!["arn:aws:iam::aws:policy/Read".into()],
        },
        carried: vec![("idp.test:sub".into(), vec!["alice".into()])],
        issued: now(),
        expires: now() + SignedDuration::from_hours(1),
        padding: Vec::new(),
    }
}

fn minted() -> Session {
    seal_claims(claims(), &keyring(), &ENTROPY).unwrap()
}

fn open_at(session: &Session, view: &View, now: Timestamp) -> Result<Claims, OpenError> {
    open(&session.token, &session.access_key_id, &keyring(), view, now).map(|open| open.claims().clone())
}

#[test]
fn a_minted_session_opens_with_the_same_claims_and_secret() {
    let session = minted();
    assert_eq!((session.access_key_id.len(), session.secret_access_key.expose_secret().len()), (20, 40));
    let open = open(&session.token, &session.access_key_id, &keyring(), &View::default(), now()).unwrap();
    assert_eq!(open.claims(), &claims());
    let secret = open.secret_access_key(&keyring()).unwrap();
    assert_eq!(secret.expose_secret(), session.secret_access_key.expose_secret());
}

#[test]
fn v11_a_token_opens_with_no_other_access_key_id() {
    let session = minted();
    let stolen = open(&session.token, "ASIAAAAAAAAAAAAAAAAA", &keyring(), &View::default(), now());
    assert_eq!(stolen.err(), Some(OpenError::Seal(SealError::Forged)));
}

#[test]
fn v12_no_bit_of_a_token_can_be_flipped_and_no_end_cut() {
    let session = minted();
    let token = session.token.as_bytes();
    let refused = |token: &[u8]| {
        let Ok(token) = std::str::from_utf8(token) else { return true };
        open(token, &session.access_key_id, &keyring(), &View::default(), now()).is_err()
    };
    for bit in 0..token.len() * 8 {
        let mut changed = token.to_vec();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(refused(&changed), "bit {bit}");
    }
    for length in 0..token.len() {
        assert!(refused(&token[..length]), "cut to {length}");
    }
    for end in ["A", "=", "\n", " "] {
        assert!(refused(&[token, end.as_bytes()].concat()), "with {end:?} added");
    }
}

#[test]
fn v18_a_session_ends_on_the_second() {
    let session = minted();
    let expires = claims().expires;
    assert!(open_at(&session, &View::default(), expires - SignedDuration::from_nanos(1)).is_ok());
    assert_eq!(open_at(&session, &View::default(), expires), Err(OpenError::Expired(expires)));
    assert!(open_at(&session, &View::default(), expires + SignedDuration::from_secs(1)).is_err());
}

#[test]
fn every_scope_of_any_link_ends_a_session() {
    let session = minted();
    let targets = [
        SessionId([1; 16]).target(),
        claims().links[0].targets[0],
        claims().links[0].targets[1],
        Target::everything(),
        Target::key(KeyId(1)),
    ];
    for target in targets {
        let mut view = View::default();
        view.merge(&Mark { target, at: FOR_GOOD, barred_until: 0, kept_until: FOR_GOOD });
        assert_eq!(open_at(&session, &view, now()), Err(OpenError::Revoked(target.scope)));
    }
    let mut view = View::default();
    view.merge(&Mark {
        target: Target::new(Scope::Role, &[b"AROA2"]),
        at: FOR_GOOD,
        barred_until: 0,
        kept_until: FOR_GOOD,
    });
    assert!(open_at(&session, &view, now()).is_ok(), "another role's end is not this one's");
}

#[test]
fn a_secret_depends_on_the_keyring_and_on_all_that_it_is_bound_to() {
    let secret = |keyring: &Keyring, claims: Claims, entropy: &[u8; 32]| {
        seal_claims(claims, keyring, entropy).unwrap().secret_access_key.expose_secret().to_owned()
    };
    let honest = secret(&keyring(), claims(), &ENTROPY);
    let mut later = claims();
    later.expires += SignedDuration::from_secs(1);
    let mut other_session = claims();
    other_session.links[0].session = SessionId([9; 16]);
    assert_ne!(honest, secret(&keyring_from(100), claims(), &ENTROPY));
    assert_ne!(honest, secret(&keyring(), later, &ENTROPY));
    assert_ne!(honest, secret(&keyring(), other_session, &ENTROPY));
    assert_eq!(honest, secret(&keyring(), claims(), &[9; 32]), "a resealed session keeps its secret");
}

#[test]
fn packed_size_is_a_share_of_2400_bytes_and_bounded() {
    let mut claims = claims();
    assert_eq!(minted().packed_size, Some(u32::try_from(claims.packed_bytes()).unwrap().div_ceil(24)));
    (claims.tags, claims.policies) = (Vec::new(), SessionPolicies::default());
    assert_eq!(seal_claims(claims.clone(), &keyring(), &ENTROPY).unwrap().packed_size, None);
    claims.policies.inline = Some("x".repeat(2_500));
    assert_eq!(seal_claims(claims, &keyring(), &ENTROPY).err(), Some(MintError::PackedTooLarge(105)));
}

#[test]
fn t05_a_chain_has_at_most_four_links() {
    let mut claims = claims();
    claims.links = vec![claims.links[0].clone(); 5];
    assert_eq!(seal_claims(claims, &keyring(), &ENTROPY).err(), Some(MintError::ChainTooLong(5)));
}

proptest! {
    #[test]
    fn claims_with_anything_changed_do_not_read_as_other_claims(at in 0usize..400, byte: u8) {
        let mut bytes = claims().encode();
        let at = at % bytes.len();
        prop_assume!(bytes[at] != byte);
        bytes[at] = byte;
        if let Ok(read) = Claims::decode(&bytes) {
            prop_assert_eq!(read.encode(), bytes, "what reads is canonical");
        }
    }

    #[test]
    fn h10_no_bytes_make_decoding_panic(bytes: Vec<u8>) {
        let _ = Claims::decode(&bytes);
    }
}
