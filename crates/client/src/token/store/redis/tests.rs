//! Against a real server.

use std::env;
use std::io::Read;
use std::process::Command;
use std::thread;
use std::time::Instant;

use super::super::suite::{self, sealed};
use super::*;
use rpa_signing::Secret;
use rpa_test_support::redis::Redis;
use rpa_test_support::server::Server;

const PATIENCE: Duration = Duration::from_millis(500);

/// A Redis of this test, unless the machine has none.
fn start(options: &[&str]) -> Option<Redis> {
    if Command::new("redis-server").arg("--version").output().is_err() {
        assert!(env::var_os("RPA_REQUIRE_TOOLS").is_none(), "RPA_REQUIRE_TOOLS is set, but there is no redis-server");
        eprintln!("skipped: there is no redis-server");
        return None;
    }
    Some(Redis::start(options))
}

fn address(redis: &Redis) -> RedisServer {
    at(redis.port)
}

fn at(port: u16) -> RedisServer {
    RedisServer {
        tls: false,
        host: "127.0.0.1".to_owned(),
        port,
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

/// What is told of a server that cannot be used. The machine may be busy.
fn trouble(store: &RedisStore) -> String {
    const LONG: Duration = Duration::from_secs(5);
    let found = store.load("a", LONG).err();
    let Trouble(why) = found.or_else(|| store.save("a", &sealed(1), LONG).err()).expect("it can be used");
    assert!(!why.contains("geheim"), "{why}");
    why
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
    for (store, why) in [(with(Some("robot"), "hunter2"), "WRONGPASS"), (open(&redis), "NOAUTH")] {
        let told = trouble(&store);
        assert!(told.starts_with(&format!("the Redis of `token_store` cannot be used: it answers {why}: ")), "{told}");
        assert!(!told.contains("hunter2"), "{told}");
    }
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
    assert!(why.starts_with("the Redis of `token_store` cannot be used: it answers READONLY: "), "{why}");
    assert!(store.try_lease("a", 0, PATIENCE).is_err());
    assert_eq!(store.load("a", PATIENCE), Ok(Some(sealed(1))));
}

/// Each server is set up as an administrator may have done it, or is none.
#[test]
fn what_a_real_redis_refuses_is_told_with_the_remedy() {
    let secret = |text: &str| Some(Secret::new(text.to_owned()));
    let as_robot = |server| RedisServer { user: secret("robot"), password: secret("geheim"), ..server };
    let by_password = |server| RedisServer { password: secret("geheim"), ..server };
    let database = |server| RedisServer { database: 99, ..server };
    let plain = |server| server;
    type Change<'c> = &'c dyn Fn(RedisServer) -> RedisServer;
    let cases: [(&[&str], Change<'_>, &str); 12] = [
        (&["--requirepass", "geheim"], &plain, "该Redis要求密码"),
        (&[], &by_password, "没有设密码"),
        (&[], &database, "库号"),
        (&["--user", "robot", "on", ">geheim", "~x*", "+@all"], &as_robot, "授权"),
        (&["--user", "robot", "on", ">geheim", "~rpa-openapi:*", "+hmget"], &as_robot, "授权"),
        (&["--rename-command", "EVAL", ""], &plain, "改名"),
        (&["--rename-command", "HSET", ""], &plain, "改名"),
        (&["--cluster-enabled", "yes"], &plain, "集群"),
        (&["--replicaof", "127.0.0.1", "1"], &plain, "主节点"),
        (&["--replicaof", "127.0.0.1", "1", "--replica-serve-stale-data", "no"], &plain, "主节点"),
        (&["--maxmemory", "1"], &plain, "内存已满"),
        (&["--min-replicas-to-write", "1"], &plain, "副本"),
    ];
    for (options, change, zh) in cases {
        let Some(redis) = start(options) else { return };
        let told = trouble(&RedisStore::new(change(address(&redis))));
        assert!(told.contains(zh), "{options:?}: {told}");
    }
}

#[test]
fn what_is_no_redis_or_lets_nobody_in_is_told_with_the_remedy() {
    let denied =
        format!("-DENIED Redis is running in protected mode because {}\r\n", "protected mode is enabled ".repeat(60));
    let cases: [(&[u8], &str); 10] = [
        (denied.as_bytes(), "保护模式"),
        (b"-ERR max number of clients reached\r\n", "连接数已满"),
        (b"-ERR illegal address: 10.0.0.9:51234\r\n", "白名单"),
        (b"-LOADING Redis is loading the dataset in memory\r\n", "自动恢复"),
        (b"-ERR unknown command 'HMGET', with args beginning with: 'a' 'b' \r\n", "Sentinel"),
        (b"\x15\x03\x03\0\x02\x02\x0a", "rediss://"),
        (b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", "网页服务"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "不是Redis"),
        (b"+\xff\xfe\r\n", "不合规"),
        (b"", "rediss://"),
    ];
    for at_once in [false, true] {
        for (said, zh) in cases {
            let said_by_server = said.to_vec();
            let server = Server::start(move |connection| {
                // Some answer, others say it before they are asked, and close.
                if !at_once {
                    let _ = connection.stream.read(&mut [0; 1000]);
                }
                connection.send(&said_by_server);
            });
            let told = trouble(&RedisStore::new(at(server.address().port())));
            assert!(told.contains(zh), "{}: {told}", String::from_utf8_lossy(said));
        }
    }
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let told = trouble(&RedisStore::new(at(closed)));
    assert!(told.contains(&format!("连不上Redis 127.0.0.1 端口{closed}")), "{told}");
}

#[test]
fn plain_redis_that_is_spoken_to_in_tls_is_told() {
    let server = Server::start(|connection| {
        let _ = connection.stream.read(&mut [0; 1000]);
        connection.send(b"-ERR Protocol error: too big inline request\r\n");
    });
    let over_tls = |port| RedisStore::new(RedisServer { tls: true, ..at(port) });
    let told = trouble(&over_tls(server.address().port()));
    assert!(told.contains("请把rediss://改为redis://"), "{told}");
    let Some(redis) = start(&[]) else { return };
    let told = trouble(&over_tls(redis.port));
    assert!(told.contains("请把rediss://改为redis://"), "{told}");
}
