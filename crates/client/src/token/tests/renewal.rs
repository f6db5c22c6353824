//! Before a token ends.

use super::*;

#[test]
fn renewed_before_it_ends_and_by_the_refresh_token() {
    let (keepers, center) = (keepers(2), Center::new(Some(2 * HOUR_S)));
    assert_eq!(held(&keepers[0], &center).0, "token1");
    assert_eq!(held(&keepers[1], &center).0, "token1");
    center.pass(2 * HOUR_S - 301, &keepers);
    assert_eq!(held(&keepers[0], &center).0, "token1", "not yet");
    center.pass(4, &keepers);
    assert_eq!(held(&keepers[0], &center), ("token2".to_owned(), Source::Server));
    assert_eq!(center.by_refresh.load(Ordering::SeqCst), 1);
    assert_eq!(held(&keepers[1], &center), ("token2".to_owned(), Source::Store));
    assert_eq!(center.asked(), 2);
}

#[test]
fn a_renewal_that_fails_disturbs_nobody() {
    let center = Center::new(Some(2 * HOUR_S));
    let keeper = due(&center);
    center.fails.store(true, Ordering::SeqCst);
    for _ in 0..100 {
        assert_eq!(held(&keeper, &center), ("token1".to_owned(), Source::Memory));
    }
    assert_eq!(center.asked(), 3, "one attempt, by the refresh token and by the keys, and then a rest");
    center.pass(61, std::slice::from_ref(&keeper));
    assert!(token(&keeper, &center).is_err(), "its time is up");
    center.fails.store(false, Ordering::SeqCst);
    assert!(held(&keeper, &center).0.starts_with("token"));
}

#[test]
fn a_renewal_that_hangs_leaves_time_for_the_call() {
    let center = Center::new(Some(2 * HOUR_S));
    let keeper = due(&center);
    let hung = |_: &By, deadline: Instant| {
        thread::sleep(deadline.saturating_duration_since(Instant::now()));
        Err(Error::new(Kind::Timeout, "x", "x"))
    };
    let limit = Duration::from_secs(2);
    let begun = Instant::now();
    let found = with(&hung, limit, |need| keeper.token(need)).ok().unwrap();
    assert_eq!(found.token.expose(), "token1");
    assert!(begun.elapsed() < limit * 3 / 4, "{:?}", begun.elapsed());
}

#[test]
fn a_lifetime_that_the_caller_knows() {
    let (keeper, center) = (keeper(), Center::new(None));
    let ask = |by: &By, _| center.ask(by);
    let get = || {
        let need = Need::new(&ask, Instant::now() + MINUTE, Some(Duration::from_secs(HOUR_S)));
        keeper.token(&need).ok().unwrap().token.expose().to_owned()
    };
    assert_eq!(get(), "token1");
    center.pass(HOUR_S - 600, std::slice::from_ref(&keeper));
    assert_eq!(get(), "token1");
    center.pass(600, std::slice::from_ref(&keeper));
    assert_eq!(get(), "token2");
}

#[test]
fn a_refresh_token_that_was_refused_is_not_tried_again() {
    let center = Center::new(Some(2 * HOUR_S));
    let keeper = due(&center);
    center.refuses.store(true, Ordering::SeqCst);
    assert_eq!(held(&keeper, &center).0, "token1");
    assert_eq!(center.asked(), 3, "by the refresh token, and by the keys");
    center.pass(61, std::slice::from_ref(&keeper));
    thread::sleep(Duration::from_millis(1_100));
    assert!(token(&keeper, &center).is_err());
    assert_eq!((center.asked(), center.by_refresh.load(Ordering::SeqCst)), (4, 1));
    assert!(token(&keeper, &center).is_err());
    assert_eq!(center.asked(), 4, "the keys' refusal stands for a moment");
}

#[test]
fn an_end_that_has_passed_is_taken_for_unknown() {
    let (keeper, center) = (keeper(), Center::new(None));
    let asked = AtomicUsize::new(0);
    let ask = |_: &By, _| {
        asked.fetch_add(1, Ordering::SeqCst);
        let text = r#"{"code":0,"result":{"accessToken":"t","expireTime":1500000000000}}"#;
        Ok(Reply { observed: Some(center.observed()), ..reply(text, 200) })
    };
    for _ in 0..10 {
        assert!(with(&ask, MINUTE, |need| keeper.token(need)).is_ok());
    }
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}
