//! Whose clock, and whose token.

use super::*;

const HOUR_MS: i64 = 3_600_000;

#[test]
fn a_clock_that_is_off_is_known_on_this_machine_once_that_has_helped() {
    let (keepers, center) = (keepers(3), Center::new(Some(2 * HOUR_S)));
    center.ahead_s.store(10 * HOUR_S, Ordering::SeqCst);
    assert_eq!(held(&keepers[0], &center).0, "token1");
    assert_eq!(held(&keepers[1], &center).0, "token1", "which has not expired, whatever its date says");
    let ahead_ms = keepers[0].another_clock(&[0]).unwrap();
    assert_eq!((ahead_ms + 60_000) / HOUR_MS, 10, "from the token's own reply");
    assert_eq!((keepers[0].ahead_ms(), keepers[1].ahead_ms()), (0, 0), "nobody was refused for that");
    keepers[0].clock_is_right(ahead_ms, true, Instant::now() + MINUTE);
    assert_eq!(keepers[0].ahead_ms(), ahead_ms);
    assert_eq!(held(&keepers[2], &center).0, "token1");
    assert_eq!(keepers[2].ahead_ms(), ahead_ms, "found beside the token");
    assert_eq!(center.asked(), 1);
}

#[test]
fn the_clock_of_another_machine_is_not_this_ones() {
    let store = MemoryStore::default();
    for (machine, generation) in [("another", 1), (crate::token::clock::machine(), 2)] {
        let of_it = StoredToken {
            ahead_ms: 10 * HOUR_MS,
            machine: machine.to_owned(),
            clocks: [(machine.to_owned(), 10 * HOUR_MS)].into(),
            expires_ms: Some(1),
            ..stored(generation, "shared")
        };
        let (name, sealed) = (account("s"), of_it.seal(&account("s")).unwrap());
        store.save(name.name(), &sealed, MINUTE).unwrap();
        let (keeper, center) = (Keeper::new(account("s"), Arc::new(store.clone())), Center::new(None));
        let found = held(&keeper, &center).0;
        if generation == 1 {
            assert_eq!(found, "shared", "whether it has expired is not known without a clock");
            assert_eq!(keeper.ahead_ms(), 0);
        } else {
            assert_eq!(found, "token1", "by this machine's clock it has");
            assert_eq!(keeper.ahead_ms(), 10 * HOUR_MS);
        }
    }
}

#[test]
fn accounts_differ_by_address_and_by_either_key() {
    let name = |host: &str, access: &str, secret: &str| account_of(host, access, secret).name().to_owned();
    let names = [
        name("https://a", "k", "s"),
        name("https://b", "k", "s"),
        name("https://a", "l", "s"),
        name("https://a", "k", "t"),
        name("http://a", "k", "s"),
        name("https://a/x", "k", "s"),
    ];
    let distinct: std::collections::BTreeSet<_> = names.iter().collect();
    assert_eq!(distinct.len(), names.len());
    assert_eq!(name("https://a:443", "k", "s"), names[0]);
}
