//! One asks, and the others wait.

use super::*;

#[test]
fn a_token_is_got_once_and_shared() {
    let (keepers, center) = (keepers(2), Center::new(None));
    assert_eq!(held(&keepers[0], &center), ("token1".to_owned(), Source::Server));
    assert_eq!(held(&keepers[0], &center), ("token1".to_owned(), Source::Memory));
    assert_eq!(held(&keepers[1], &center), ("token1".to_owned(), Source::Store));
    assert_eq!(held(&keepers[1], &center), ("token1".to_owned(), Source::Memory));
    assert_eq!(center.asked(), 1);
}

#[test]
fn one_of_many_asks() {
    let (keepers, center) = (keepers(8), Center::new(None));
    center.slow(Duration::from_millis(200));
    let start = Barrier::new(64);
    thread::scope(|scope| {
        for keeper in &keepers {
            for _ in 0..8 {
                scope.spawn(|| {
                    start.wait();
                    assert_eq!(held(keeper, &center).0, "token1");
                });
            }
        }
    });
    assert_eq!(center.asked(), 1);
}

#[test]
fn whoever_waits_keeps_to_his_own_time_and_takes_what_comes_later() {
    let (keeper, center) = (keeper(), Center::new(None));
    center.slow(Duration::from_millis(300));
    thread::scope(|scope| {
        scope.spawn(|| assert!(with(of(&center), MINUTE, |need| keeper.token(need)).is_ok()));
        while center.asked() == 0 {
            thread::yield_now();
        }
        let waited = with(of(&center), Duration::from_millis(20), |need| keeper.token(need));
        assert!(
            matches!(waited, Err(Failure::Error(NoReply { error, .. })) if error.kind == Kind::Timeout),
            "within its own time"
        );
        assert!(with(of(&center), MINUTE, |need| keeper.token(need)).is_ok());
    });
    assert_eq!(center.asked(), 1);
}

#[test]
fn those_who_waited_share_a_failure() {
    let (keeper, center) = (keeper(), Center::new(None));
    center.slow(Duration::from_millis(200));
    center.refuses.store(true, Ordering::SeqCst);
    let start = Barrier::new(16);
    thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                start.wait();
                assert!(
                    matches!(token(&keeper, &center), Err(Failure::Refused { reply: json, .. }) if String::from_utf8_lossy(&json).contains("accessKey错误"))
                );
            });
        }
    });
    // Whoever was late for the first one has asked on his own.
    assert!(center.asked() <= 3, "{}", center.asked());
    center.refuses.store(false, Ordering::SeqCst);
    thread::sleep(Duration::from_millis(1_100));
    assert!(token(&keeper, &center).is_ok(), "nothing is remembered of it");
}

#[test]
fn without_its_store_a_process_goes_on() {
    let store = MemoryStore::default();
    let lost = Arc::new(Losable { store: store.clone(), lost: AtomicBool::new(true) });
    let (cut_off, other) = (Keeper::new(account("s"), lost.clone()), Keeper::new(account("s"), Arc::new(store)));
    let center = Center::new(None);
    let first = token(&cut_off, &center).unwrap();
    assert_eq!(first.token.expose(), "token1");
    assert_eq!(first.facts.store_trouble.as_deref(), Some("lost"));
    assert_eq!(held(&other, &center), ("token2".to_owned(), Source::Server));
    lost.lost.store(false, Ordering::SeqCst);
    let newer = replace(&cut_off, &first, &center).unwrap();
    assert_eq!(newer.facts.store_trouble, None);
    assert_eq!(held(&other, &center).0, "token2", "which still works as far as it knows");
}

#[test]
fn what_waits_is_woken() {
    let (keeper, center) = (keeper(), Center::new(None));
    center.slow(Duration::from_millis(100));
    let begun = Instant::now();
    thread::scope(|scope| (0..4).for_each(|_| drop(scope.spawn(|| held(&keeper, &center)))));
    assert!(begun.elapsed() < MINUTE / 2, "{:?}", begun.elapsed());
}

#[test]
fn who_waits_for_another_process_keeps_to_its_own_time() {
    let store = MemoryStore::default();
    let (keeper, center) = (Keeper::new(account("s"), Arc::new(store.clone())), Center::new(None));
    let _lease = store.try_lease(account("s").name(), 0, MINUTE).unwrap().unwrap();
    let begun = Instant::now();
    let waited = with(of(&center), Duration::from_millis(100), |need| keeper.token(need));
    assert!(matches!(waited, Err(Failure::Error(NoReply { error, .. })) if error.kind == Kind::Timeout));
    assert!(begun.elapsed() < MINUTE / 2, "{:?}", begun.elapsed());
    assert_eq!(center.asked(), 0);
}

#[test]
fn what_was_got_just_before_the_lease_is_not_asked_for_again() {
    struct Late(MemoryStore);
    impl Store for Late {
        fn load(&self, name: &str, limit: Duration) -> Result<Option<Sealed>, Trouble> {
            self.0.load(name, limit)
        }
        fn save(&self, name: &str, sealed: &Sealed, limit: Duration) -> Result<bool, Trouble> {
            self.0.save(name, sealed, limit)
        }
        fn try_lease(&self, name: &str, above: u64, limit: Duration) -> Result<Option<Lease>, Trouble> {
            let sealed = stored(above + 1, "of another").seal(&account("s")).unwrap();
            self.0.save(name, &sealed, limit)?;
            self.0.try_lease(name, above, limit)
        }
    }
    let (keeper, center) = (Keeper::new(account("s"), Arc::new(Late(MemoryStore::default()))), Center::new(None));
    assert_eq!(held(&keeper, &center), ("of another".to_owned(), Source::Store));
    assert_eq!(center.asked(), 0);
}
