//! Time as a broker lives it: pairs of wall and boot readings in, what may be done out.

use super::*;

/// 2026-01-01T00:00:00Z.
const NEW_YEAR: i64 = 1_767_225_600_000;
const SECOND: i64 = 1_000;
const HOUR: i64 = 3_600 * SECOND;

fn at(wall: i64, boot: i64) -> Sample {
    Sample { wall: NEW_YEAR + wall, boot }
}

fn time(wall: i64) -> Timestamp {
    at(wall, 0).wall_time()
}

fn drift(settling: Settling) -> Drift {
    Drift::starting_at(at(0, 0), None, settling)
}

fn settings(file: Option<PathBuf>) -> Settings {
    Settings { high_water_file: file, persist_every: Duration::from_secs(10), settling: Settling::Reference }
}

#[test]
fn clocks_that_agree_issue_and_expire_on_the_second() {
    let drift = drift(Settling::Reference);
    let reading = drift.observe(at(10 * SECOND, 10 * SECOND));
    assert_eq!(reading.now(), time(10 * SECOND));
    assert_eq!(reading.may_issue(), Ok(()));
    assert_eq!(reading.expiry(time(10 * SECOND)), Expiry::Expired);
    assert_eq!(reading.expiry(time(10 * SECOND + 1)), Expiry::Live);
}

#[test]
fn a_difference_of_thirty_seconds_is_no_step() {
    for step in [-30 * SECOND, 30 * SECOND] {
        let reading = drift(Settling::Reference).observe(at(step + SECOND, SECOND));
        assert_eq!(reading.may_issue(), Ok(()), "{step}");
    }
}

#[test]
fn f16_an_hour_forward_stops_issuing_and_leaves_live_credentials_in_doubt_until_it_heals() {
    let drift = drift(Settling::Reference);
    let stepped = drift.observe(at(HOUR + SECOND, SECOND));
    assert_eq!(stepped.may_issue(), Err(Step { wall: time(HOUR + SECOND), steady: time(SECOND) }));
    assert_eq!(stepped.expiry(time(SECOND)), Expiry::Expired);
    assert_eq!(stepped.expiry(time(HOUR)), Expiry::InDoubt);
    assert_eq!(stepped.expiry(time(HOUR + 2 * SECOND)), Expiry::Live);

    let healed = drift.observe(at(2 * SECOND, 2 * SECOND));
    assert_eq!(healed.may_issue(), Ok(()));
    assert_eq!(healed.now(), time(2 * SECOND), "the wrong hour left no trace");
    assert_eq!(healed.expiry(time(HOUR)), Expiry::Live);
}

#[test]
fn f17_an_hour_back_accepts_nothing_expired() {
    let drift = drift(Settling::Reference);
    drift.observe(at(2 * HOUR, 2 * HOUR));
    let stepped = drift.observe(at(HOUR + SECOND, 2 * HOUR + SECOND));
    assert!(stepped.may_issue().is_err());
    assert_eq!(stepped.now(), time(2 * HOUR + SECOND));
    assert_eq!(stepped.wall_behind(), Duration::from_secs(3_600));
    assert_eq!(stepped.expiry(time(HOUR)), Expiry::Expired);
    assert_eq!(stepped.expiry(time(2 * HOUR)), Expiry::InDoubt, "503, neither honoured nor called expired");
    assert_eq!(stepped.expiry(time(3 * HOUR)), Expiry::Live);
}

#[test]
fn f17_small_steps_back_never_turn_the_time_back() {
    let drift = drift(Settling::Reference);
    drift.observe(at(100 * SECOND, 100 * SECOND));
    let reading = drift.observe(at(81 * SECOND, 101 * SECOND));
    assert_eq!(reading.now(), time(100 * SECOND));
    assert_eq!(drift.observe(at(101 * SECOND, 121 * SECOND)).now(), time(101 * SECOND), "caught up");
}

#[test]
fn a_reference_that_agrees_with_the_wall_clock_settles_a_step() {
    let drift = drift(Settling::Reference);
    let stepped = at(HOUR + SECOND, SECOND);
    assert!(drift.observe(stepped).may_issue().is_err());
    assert_eq!(
        drift.confirm(stepped, time(SECOND)),
        Confirmation::Differs { by: Duration::from_secs(3_600) }
    );
    assert!(drift.observe(stepped).may_issue().is_err(), "a reference that differs settles nothing");
    assert_eq!(drift.confirm(stepped, time(HOUR - 28 * SECOND)), Confirmation::Agrees);
    let reading = drift.observe(stepped);
    assert_eq!(reading.may_issue(), Ok(()));
    assert_eq!(reading.now(), time(HOUR + SECOND));
}

#[test]
fn calm_settles_nothing_where_a_reference_can_be_asked() {
    let drift = drift(Settling::Reference);
    for second in 1..600 {
        assert!(drift.observe(at(HOUR + second * SECOND, second * SECOND)).may_issue().is_err());
    }
}

#[test]
fn alone_a_minute_of_calm_settles_a_step() {
    let drift = drift(Settling::Calm);
    for second in 1..=60 {
        assert!(drift.observe(at(HOUR + second * SECOND, second * SECOND)).may_issue().is_err());
    }
    assert_eq!(drift.observe(at(HOUR + 61 * SECOND, 61 * SECOND)).may_issue(), Ok(()));
}

#[test]
fn another_step_starts_the_minute_again() {
    let drift = drift(Settling::Calm);
    drift.observe(at(HOUR, 0));
    assert!(drift.observe(at(2 * HOUR + 50 * SECOND, 50 * SECOND)).may_issue().is_err());
    assert!(drift.observe(at(2 * HOUR + 70 * SECOND, 70 * SECOND)).may_issue().is_err());
    assert_eq!(drift.observe(at(2 * HOUR + 110 * SECOND, 110 * SECOND)).may_issue(), Ok(()));
}

#[test]
fn f17_a_step_back_settled_by_calm_alone_keeps_expiring_by_the_old_count() {
    let drift = drift(Settling::Calm);
    drift.observe(at(2 * HOUR, 2 * HOUR));
    drift.observe(at(HOUR, 2 * HOUR));
    drift.observe(at(HOUR + 60 * SECOND, 2 * HOUR + 60 * SECOND));
    let reading = drift.observe(at(HOUR + HOUR / 2, 2 * HOUR + HOUR / 2));
    assert_eq!(reading.may_issue(), Ok(()));
    assert_eq!(reading.now(), time(2 * HOUR + HOUR / 2));
    assert_eq!(reading.expiry(time(2 * HOUR + HOUR / 4)), Expiry::Expired);

    let forward_again = drift.observe(at(3 * HOUR, 3 * HOUR));
    assert!(forward_again.may_issue().is_err(), "the way back is a step as well");
    drift.observe(at(3 * HOUR + 60 * SECOND, 3 * HOUR + 60 * SECOND));
    let healed = drift.observe(at(3 * HOUR + 61 * SECOND, 3 * HOUR + 61 * SECOND));
    assert_eq!((healed.may_issue(), healed.now()), (Ok(()), time(3 * HOUR + 61 * SECOND)));
}

#[test]
fn f17_the_mark_survives_a_restart_and_a_step_in_between() {
    let folder = tempfile::tempdir().unwrap();
    let file = Some(folder.path().join("clock"));
    let before = Clock::starting_at(at(2 * HOUR, 0), settings(file.clone())).unwrap();
    assert_eq!(before.persist_at(at(2 * HOUR, 0)).unwrap(), Persisted::Written);

    let honest = Clock::starting_at(at(2 * HOUR + SECOND, 0), settings(file.clone())).unwrap();
    assert_eq!(honest.drift.observe(at(2 * HOUR + SECOND, 0)).may_issue(), Ok(()));

    let after = Clock::starting_at(at(HOUR, 0), settings(file)).unwrap();
    let reading = after.drift.observe(at(HOUR, 0));
    assert_eq!(reading.now(), time(2 * HOUR));
    assert!(reading.may_issue().is_err());
    assert_eq!(reading.expiry(time(HOUR + HOUR / 2)), Expiry::InDoubt);
    assert_eq!(after.persist_at(at(HOUR, 0)).unwrap(), Persisted::StepPending);
}

#[test]
fn the_mark_is_written_no_more_often_than_asked() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::starting_at(at(0, 0), settings(Some(folder.path().join("clock")))).unwrap();
    assert_eq!(clock.persist_at(at(0, 0)).unwrap(), Persisted::Written);
    assert_eq!(clock.persist_at(at(9 * SECOND, 9 * SECOND)).unwrap(), Persisted::NotDue);
    assert_eq!(clock.persist_at(at(10 * SECOND, 10 * SECOND)).unwrap(), Persisted::Written);
}

#[test]
fn a_step_that_nobody_settled_is_never_written() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("clock");
    let clock = Clock::starting_at(at(0, 0), settings(Some(file.clone()))).unwrap();
    clock.persist_at(at(0, 0)).unwrap();
    assert_eq!(clock.persist_at(at(HOUR, 20 * SECOND)).unwrap(), Persisted::StepPending);
    assert_eq!(std::fs::read_to_string(file).unwrap(), "2026-01-01T00:00:00Z\n");
}

#[test]
fn a_reset_takes_the_wall_clocks_word_across_restarts() {
    let folder = tempfile::tempdir().unwrap();
    let file = Some(folder.path().join("clock"));
    let clock = Clock::starting_at(at(2 * HOUR, 0), settings(file.clone())).unwrap();
    clock.persist_at(at(2 * HOUR, 0)).unwrap();
    let reset = clock.reset_at(at(HOUR, SECOND)).unwrap();
    assert_eq!(reset, Reset { from: time(2 * HOUR + SECOND), to: time(HOUR) });
    assert_eq!(clock.drift.observe(at(HOUR, SECOND)).now(), time(HOUR));
    let restarted = Clock::starting_at(at(HOUR + SECOND, 0), settings(file)).unwrap();
    assert_eq!(restarted.drift.observe(at(HOUR + SECOND, 0)).now(), time(HOUR + SECOND));
}

#[test]
fn a_damaged_mark_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("clock");
    for damaged in ["", "2026-01-01T00:00:00Z", "2026-01-01T00\n", "\u{0}\u{0}", "yesterday\n"] {
        std::fs::write(&file, damaged).unwrap();
        let error = Clock::starting_at(at(0, 0), settings(Some(file.clone()))).unwrap_err();
        assert!(
            matches!(&error, HighWaterError::Damaged { file: named } if *named == file),
            "{damaged:?}: {error}"
        );
    }
}

#[test]
fn the_systems_clocks_run() {
    let clock = Clock::system(settings(None)).unwrap();
    let (since_boot, reading) = (clock.since_boot(), clock.reading());
    assert_eq!(reading.may_issue(), Ok(()));
    assert!(reading.now() > time(-HOUR) && clock.reading().now() >= reading.now());
    assert!(since_boot > Duration::ZERO && clock.since_boot() >= since_boot);
    assert_eq!(clock.confirm(reading.now()), Confirmation::Agrees);
}

#[test]
fn f16_nothing_is_surely_past_before_an_hour_of_even_running_and_a_mark_on_disk() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("clock");
    let clock = Clock::starting_at(at(0, 0), settings(Some(file.clone()))).unwrap();
    assert_eq!(clock.persist_at(at(0, 0)).unwrap(), Persisted::Written);
    let almost = HOUR - 1;
    assert_eq!(clock.persist_at(at(almost, almost)).unwrap(), Persisted::Written);
    assert_eq!(clock.surely_past_at(at(almost, almost)), Timestamp::UNIX_EPOCH);
    assert_eq!(
        clock.surely_past_at(at(HOUR, HOUR)),
        time(almost),
        "what is on disk, not what the clock says"
    );

    assert!(clock.drift.observe(at(50 * HOUR, HOUR + 1)).may_issue().is_err());
    assert_eq!(
        clock.surely_past_at(at(50 * HOUR, HOUR + 1)),
        Timestamp::UNIX_EPOCH,
        "a step begins the hour anew"
    );
    assert!(clock.drift.observe(at(HOUR + 2, HOUR + 2)).may_issue().is_ok());
    assert_eq!(clock.surely_past_at(at(2 * HOUR, 2 * HOUR)), Timestamp::UNIX_EPOCH);
    assert_eq!(clock.surely_past_at(at(2 * HOUR + 1, 2 * HOUR + 1)), time(almost));

    let restarted = Clock::starting_at(at(90 * HOUR, 3 * HOUR), settings(Some(file))).unwrap();
    assert_eq!(restarted.persist_at(at(90 * HOUR, 3 * HOUR)).unwrap(), Persisted::Written);
    assert_eq!(restarted.surely_past_at(at(90 * HOUR, 3 * HOUR)), Timestamp::UNIX_EPOCH);
}
