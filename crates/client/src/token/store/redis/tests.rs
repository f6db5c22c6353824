//! Against a real server.

use std::env;
use std::process::Command;
use std::time::Instant;

use super::super::suite::{self, sealed};
use super::*;
use rpa_signing::Secret;
use rpa_test_support::redis::Redis;

const PATIENCE: Duration = Duration::from_millis(500);

/// A Redis of this test, unless the machine has none.
fn start(options: &[&str]) -> Option<Redis> {
    if Command::new("redis-server").arg("--version").output().is_err() {
        assert!(env::var_os("RPA_REQUIRE_TOOLS").is_none(), "RPA_REQUIRE_TOOLS is set, but there is no redis-server");
        eprintln!("skipped: there is no redis-server");
        return None;
    }
    let folder = env::temp_dir().join(format!("rpa redis {} {}", std::process::id(), fastrand::u64(..)));
    Some(Redis::start(&folder, options))
}

fn address(redis: &Redis) -> RedisServer {
    RedisServer {
        tls: false,
        host: "127.0.0.1".to_owned(),
        port: redis.port,
        database: 0,
        user: None,
        password: None,
        ca_file: None,
    }
}

/// As another process has it: with a connection of its own.
fn open(redis: &Redis) -> RedisStore {
    RedisStore::new(address(redis))
}

#[test]
fn does_what_every_store_must() {
    let Some(redis) = start(&[]) else { return };
    suite::run(|| Arc::new(open(&redis)));
}

#[test]
fn with_a_user_a_password_and_a_database() {
    let Some(redis) = start(&["--requirepass", "p w", "--user", "robot", "on", ">geheim", "~rpa-openapi:*", "+@all"])
    else {
        return;
    };
    let with = |user: Option<&str>, password: &str| {
        let secret = |text: &str| Secret::new(text.to_owned());
        RedisStore::new(RedisServer {
            database: 3,
            user: user.map(secret),
            password: Some(secret(password)),
            ..address(&redis)
        })
    };
    assert_eq!(with(None, "p w").save("a", &sealed(1), PATIENCE), Ok(true));
    assert_eq!(with(Some("robot"), "geheim").load("a", PATIENCE), Ok(Some(sealed(1))));
    let Err(Trouble(why)) = with(Some("robot"), "hunter2").load("a", PATIENCE) else { panic!("wrong password") };
    assert_eq!(why, "the Redis of `token_store` cannot be used: it answers WRONGPASS");
    let Err(Trouble(why)) = open(&redis).load("a", PATIENCE) else { panic!("no password") };
    assert_eq!(why, "the Redis of `token_store` cannot be used: it answers NOAUTH");
}

#[test]
fn a_lease_lasts_as_long_as_its_process() {
    let Some(redis) = start(&[]) else { return };
    let (store, other) = (open(&redis), open(&redis));
    let lease = store.try_lease("a", 0, PATIENCE).unwrap().unwrap();
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_millis(2 * LEASE_MS) {
        assert!(other.try_lease("a", 0, PATIENCE).unwrap().is_none(), "it is renewed");
        thread::sleep(Duration::from_millis(50));
    }
    // A process that dies renews nothing, and releases nothing.
    redis.cli(&["set", "rpa-openapi:{b}:lease", "of a dead one", "px", "300"]);
    assert!(other.try_lease("b", 0, PATIENCE).unwrap().is_none());
    thread::sleep(Duration::from_millis(400));
    assert!(other.try_lease("b", 0, PATIENCE).unwrap().is_some());
    drop(lease);
    thread::sleep(Duration::from_millis(100));
    assert!(other.try_lease("a", 0, PATIENCE).unwrap().is_some());
}

#[test]
fn a_server_that_is_lost_costs_half_a_second_once_and_comes_back() {
    let Some(redis) = start(&[]) else { return };
    let store = open(&redis);
    store.save("a", &sealed(1), PATIENCE).unwrap();
    redis.signal("STOP");
    let begun = Instant::now();
    assert!(store.load("a", PATIENCE).is_err());
    assert!(begun.elapsed() < Duration::from_millis(700), "{:?}", begun.elapsed());
    let again = Instant::now();
    for _ in 0..100 {
        assert!(store.load("a", PATIENCE).is_err() && store.try_lease("a", 0, PATIENCE).is_err());
    }
    assert!(again.elapsed() < Duration::from_millis(200), "{:?}", again.elapsed());
    redis.signal("CONT");
    thread::sleep(3 * LOOK + Duration::from_secs(1));
    assert_eq!(store.load("a", PATIENCE), Ok(Some(sealed(1))));
}

#[test]
fn a_server_that_is_restarted_is_found_again() {
    let Some(mut redis) = start(&[]) else { return };
    let store = open(&redis);
    store.save("a", &sealed(1), PATIENCE).unwrap();
    redis.restart();
    assert_eq!(store.load("a", PATIENCE), Ok(None), "with the first command, and empty");
    redis.stop();
    assert!(store.load("a", PATIENCE).is_err());
    redis.restart();
    thread::sleep(3 * LOOK + Duration::from_secs(1));
    assert_eq!(store.load("a", PATIENCE), Ok(None));
}

#[test]
fn a_server_that_is_read_only_can_still_be_read() {
    let Some(redis) = start(&[]) else { return };
    let store = open(&redis);
    store.save("a", &sealed(1), PATIENCE).unwrap();
    redis.cli(&["replicaof", "127.0.0.1", "1"]);
    let Err(Trouble(why)) = store.save("a", &sealed(2), PATIENCE) else { panic!("saved") };
    assert_eq!(why, "the Redis of `token_store` cannot be used: it answers READONLY");
    assert!(store.try_lease("a", 0, PATIENCE).is_err());
    assert_eq!(store.load("a", PATIENCE), Ok(Some(sealed(1))));
}
