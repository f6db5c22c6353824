//! Whose clock, and whose token.

use super::*;

#[test]
fn a_clock_that_is_off_is_known_on_this_machine_and_not_on_another() {
    let (keepers, center) = (keepers(2), Center::new(Some(2 * HOUR_S)));
    center.pass(10 * HOUR_S, &[]);
    assert_eq!(held(&keepers[0], &center).0, "token1");
    let hours = |keeper: &Keeper| keeper.clock().correct(SystemTime::UNIX_EPOCH) / 3_600_000;
    assert_eq!(hours(&keepers[0]), 10, "from the token's own reply");
    assert_eq!(held(&keepers[1], &center).0, "token1", "which has not expired, by that clock");
    assert_eq!(hours(&keepers[1]), 10, "found beside the token");
}

#[test]
fn the_clock_of_another_machine_is_not_this_ones() {
    let store = MemoryStore::default();
    for (machine, hours) in [("another", 0), (crate::token::clock::machine(), 10)] {
        let of_it = Record {
            ahead_ms: 10 * 3_600_000,
            machine: machine.to_owned(),
            expires_ms: Some(1),
            ..record(1 + hours, "shared")
        };
        let (name, sealed) = (account("s"), of_it.seal(&account("s")).unwrap());
        store.save(name.name(), &sealed, MINUTE).unwrap();
        let (keeper, center) = (Keeper::new(account("s"), Arc::new(store.clone())), Center::new(None));
        let found = held(&keeper, &center).0;
        if hours == 0 {
            assert_eq!(found, "shared", "whether it has expired is not known without a clock");
            assert_eq!(keeper.clock().correct(SystemTime::UNIX_EPOCH), 0);
        } else {
            assert_eq!(found, "token1", "by this machine's clock it has");
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
