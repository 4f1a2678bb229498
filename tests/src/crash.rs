//! A broker killed while it issues: whatever it handed out is recorded and in the audit file.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use crate::harness::{Broker, Credentials, FORM, Redis, Site, form, limits, role, try_exchange};

/// How often the broker is killed, and by how many clients it is asked meanwhile.
const KILLS: usize = 6;
const CLIENTS: usize = 8;

#[test]
fn f14_what_was_handed_out_before_a_kill_is_recorded_and_audited() {
    let site = Site::new();
    site.settings("embedded:state", "[limits]\nissues_per_second_per_peer = 100000\n");
    killed_while_issuing(&site);
}

#[test]
fn f14_what_was_handed_out_before_a_kill_is_recorded_in_redis_and_audited() {
    let redis = Redis::start();
    let site = Site::on_redis(&redis);
    site.settings(&redis.url(), &limits("issues_per_second_per_peer = 100000\n"));
    killed_while_issuing(&site);
}

fn killed_while_issuing(site: &Site) {
    let mut handed_out = Vec::new();
    for round in 0..KILLS {
        let mut broker = site.start();
        let token = site.issuer.token("plant:a");
        let stop = Arc::new(AtomicBool::new(false));
        let clients: Vec<_> = (0..CLIENTS).map(|_| asking(&broker, &token, Arc::clone(&stop))).collect();
        // The more sign-ins before the kill, the later in the life of the process it strikes.
        let before = round * 7 + 1;
        for _ in 0..before {
            broker.assume(&token, &role("Deploy"));
        }
        broker.crash();
        stop.store(true, Ordering::Relaxed);
        for client in clients {
            handed_out.extend(client.join().expect("a client"));
        }
    }
    assert!(handed_out.len() > KILLS, "{} credentials are too few to tell", handed_out.len());
    let broker = site.start();
    let audit = site.read("audit.jsonl");
    for credentials in &handed_out {
        assert!(
            audit.contains(&credentials.access_key_id),
            "{} is not in the audit file",
            credentials.access_key_id
        );
    }
    let recorded = broker.run(site, &["sessions", "list", "--output", "json"]);
    for credentials in &handed_out {
        assert!(
            recorded.output.contains(&credentials.access_key_id),
            "{} is not recorded",
            credentials.access_key_id
        );
    }
    let checked = broker.caller(handed_out.last().expect("one"));
    assert_eq!(checked.status, 200, "{checked:?}");
}

/// A client that signs in again and again until the broker is gone; what it was given.
fn asking(broker: &Broker, token: &str, stop: Arc<AtomicBool>) -> thread::JoinHandle<Vec<Credentials>> {
    let role = role("Deploy");
    let fields = [
        ("Action", "AssumeRoleWithWebIdentity"),
        ("Version", "2011-06-15"),
        ("RoleArn", &role),
        ("RoleSessionName", "crash"),
        ("WebIdentityToken", token),
    ];
    let request = broker.bytes("POST /", &[("content-type", FORM)], &form(&fields));
    let address = broker.address;
    thread::spawn(move || {
        let mut given = Vec::new();
        while !stop.load(Ordering::Relaxed) {
            let Some(answer) = try_exchange(address, &request) else { continue };
            if answer.status == 200 {
                given.push(Credentials::of(&answer));
            }
        }
        given
    })
}
