//! A token endpoint that fails: for one caller's settings, or for all.

use super::*;

#[test]
fn a_failure_of_ones_own_settings_is_no_error_of_others() {
    let (keeper, center) = (keeper(), Center::new(None));
    let begun = Arc::new(Barrier::new(2));
    thread::scope(|scope| {
        scope.spawn(|| {
            let begun = begun.clone();
            let wrong_pin = move |_: &By, _| {
                begun.wait();
                thread::sleep(Duration::from_millis(200));
                Err(no_reply(Kind::Tls))
            };
            let settings = r#"{"proxy":"http://127.0.0.1:1"}"#;
            // It may find the other one's token when it wakes.
            let told = with_settings(settings, wrong_pin, MINUTE, |need| keeper.token(need));
            let is_its_own =
                |failure| matches!(failure, Failure::Error(NoReply { error, .. }) if error.kind == Kind::Tls);
            assert!(told.err().is_none_or(is_its_own));
        });
        begun.wait();
        assert_eq!(held(&keeper, &center).0, "token1", "this one has waited, and then asked in its own way");
    });
}

#[test]
fn whoever_goes_another_way_does_not_wait_for_one_that_hangs() {
    let (keeper, center) = (keeper(), Center::new(None));
    let begun = Arc::new(Barrier::new(2));
    thread::scope(|scope| {
        scope.spawn(|| {
            let begun = begun.clone();
            let hangs = move |_: &By, _| {
                begun.wait();
                thread::sleep(Duration::from_secs(6));
                Err(no_reply(Kind::Timeout))
            };
            let limit = Duration::from_secs(6);
            let told = with_settings(r#"{"proxy":"http://127.0.0.1:1"}"#, hangs, limit, |need| keeper.token(need));
            assert!(told.is_ok(), "it takes what the other one got");
        });
        begun.wait();
        let limit = Duration::from_secs(4);
        assert!(with(of(&center), limit, |need| keeper.token(need)).is_ok());
    });
}

#[test]
fn those_with_the_same_settings_share_a_failure() {
    let (keeper, asked) = (keeper(), Arc::new(AtomicUsize::new(0)));
    thread::scope(|scope| {
        for _ in 0..32 {
            scope.spawn(|| {
                let asked = asked.clone();
                let ask = move |_: &By, _| {
                    asked.fetch_add(1, Ordering::SeqCst);
                    thread::sleep(Duration::from_millis(100));
                    Err(NoReply { may_repeat: true, ..no_reply(Kind::Connect) })
                };
                let failure = with_settings(r#"{"retry":3}"#, ask, MINUTE, |need| keeper.token(need)).err().unwrap();
                assert!(
                    matches!(&failure, Failure::Error(NoReply { error, .. }) if (error.kind, error.attempts) == (Kind::Connect, 3)),
                    "{failure:?}"
                );
            });
        }
    });
    // Whoever was late for the first attempts has seen further ones.
    assert!((3..=6).contains(&asked.load(Ordering::SeqCst)), "{asked:?}");
}

/// Too busy for so long, then well.
fn busy(
    until: Instant,
    retry_after: Option<Duration>,
    asked: &Arc<AtomicUsize>,
) -> impl Fn(&By, Instant) -> Result<Reply, NoReply> + Send + Sync + 'static {
    let asked = asked.clone();
    move |_, _| {
        let number = asked.fetch_add(1, Ordering::SeqCst);
        if Instant::now() < until {
            return Ok(Reply { retry_after, ..reply(r#"{"code":429,"msg":"busy"}"#, 429) });
        }
        Ok(reply(&format!("{{\"code\":0,\"result\":[\"token{number}\"]}}"), 200))
    }
}

#[test]
fn a_busy_endpoint_is_asked_again_when_it_says_and_by_one() {
    let (keepers, asked) = (keepers(4), Arc::new(AtomicUsize::new(0)));
    let (begun, pause) = (Instant::now(), Duration::from_millis(1_500));
    thread::scope(|scope| {
        for thread in 0..64 {
            let (keeper, asked) = (&keepers[thread % 4], &asked);
            scope.spawn(move || {
                while begun.elapsed() < pause / 2 {
                    let ask = busy(begun + pause, Some(pause), asked);
                    // This one's own time does not last until then.
                    assert!(with(ask, Duration::from_millis(20), |need| keeper.token(need)).is_err());
                }
            });
        }
    });
    assert_eq!(asked.load(Ordering::SeqCst), 1, "one of all processes that share the store");
    let ask = busy(begun + pause, Some(pause), &asked);
    assert_eq!(with(ask, MINUTE, |need| keepers[0].token(need)).unwrap().token.expose(), "token1");
    assert!(begun.elapsed() >= pause, "{:?}", begun.elapsed());
}

#[test]
fn a_failure_is_not_replayed_once_the_endpoint_is_well() {
    let (keeper, asked) = (keeper(), Arc::new(AtomicUsize::new(0)));
    let well_at = Instant::now() + Duration::from_millis(300);
    while Instant::now() < well_at {
        let _ = with(busy(well_at, None, &asked), Duration::from_secs(5), |need| keeper.token(need));
    }
    let begun = Instant::now();
    assert!(with(busy(well_at, None, &asked), Duration::from_secs(5), |need| keeper.token(need)).is_ok());
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
}

#[test]
fn a_panic_while_asking_is_an_error_and_hangs_nobody() {
    let keeper = keeper();
    let failure = with(|_, _| panic!("on purpose"), MINUTE, |need| keeper.token(need)).err().unwrap();
    assert!(matches!(failure, Failure::Error(NoReply { error, .. }) if error.kind == Kind::Internal));
    assert_eq!(held(&keeper, &Center::new(None)).0, "token1");
}
