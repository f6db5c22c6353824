//! Before a token ends.

use super::*;

#[test]
fn renewed_before_it_ends_and_by_the_refresh_token() {
    let (keepers, center) = (keepers(2), Center::new(Some(2 * HOUR_S)));
    assert_eq!(held(&keepers[0], &center).0, "token1");
    assert_eq!(held(&keepers[1], &center).0, "token1");
    keepers.iter().for_each(|keeper| pass(2 * HOUR_S - 301, keeper));
    assert_eq!(held(&keepers[0], &center).0, "token1");
    rests(&keepers[0]);
    assert_eq!(center.asked(), 1, "not yet");
    keepers.iter().for_each(|keeper| pass(4, keeper));
    soon(&keepers[0], &center, "token2");
    assert_eq!(center.by_refresh.load(Ordering::SeqCst), 1);
    soon(&keepers[1], &center, "token2");
    assert_eq!(center.asked(), 2, "the other one found it in the store");
}

#[test]
fn a_renewal_ahead_costs_no_caller_anything() {
    let center = Center::new(Some(2 * HOUR_S));
    let keeper = due(&center);
    center.slow(Duration::from_secs(2));
    for _ in 0..50 {
        assert_eq!(held(&keeper, &center), ("token1".to_owned(), Source::Memory));
    }
    soon(&keeper, &center, "token2");
    assert_eq!(center.asked(), 2, "one request, however many called meanwhile");
}

#[test]
fn a_renewal_that_fails_disturbs_nobody() {
    let center = Center::new(Some(2 * HOUR_S));
    let keeper = due(&center);
    center.fails.store(true, Ordering::SeqCst);
    for _ in 0..100 {
        assert_eq!(held(&keeper, &center), ("token1".to_owned(), Source::Memory));
        rests(&keeper);
    }
    assert_eq!(center.asked(), 3, "one attempt, by the refresh token and by the keys, and then a rest");
    pass(61, &keeper);
    assert!(token(&keeper, &center).is_err(), "its time is up");
    center.fails.store(false, Ordering::SeqCst);
    assert!(held(&keeper, &center).0.starts_with("token"));
}

#[test]
fn a_refresh_that_is_slow_is_waited_for() {
    let center = Center::new(Some(2 * HOUR_S));
    let keeper = due(&center);
    pass(61, &keeper);
    center.slow(Duration::from_millis(600));
    let one = with(of(&center), Duration::from_secs(1), |need| keeper.token(need)).unwrap();
    assert_eq!(one.token.expose(), "token2");
    assert_eq!((center.asked(), center.by_refresh.load(Ordering::SeqCst)), (2, 1), "not given up at half time");
}

#[test]
fn what_was_asked_for_is_kept_also_beyond_the_call_that_asked() {
    let (keepers, center) = (keepers(2), Center::new(None));
    center.slow(Duration::from_millis(400));
    let limit = Duration::from_millis(100);
    for _ in 0..3 {
        let failure = with(of(&center), limit, |need| keepers[0].token(need)).err().unwrap();
        assert!(matches!(failure, Failure::Error(NoReply { error, .. }) if error.kind == Kind::Timeout));
    }
    soon(&keepers[0], &center, "token1");
    assert_eq!(held(&keepers[1], &center), ("token1".to_owned(), Source::Store));
    assert_eq!(center.asked(), 1);
}

#[test]
fn a_token_that_our_own_request_has_ended_is_nobody_elses_doing() {
    let center = Center::new(Some(2 * HOUR_S));
    let keeper = due(&center);
    let old = token(&keeper, &center).unwrap();
    rests(&keeper);
    // The renewal on the side has ended it.
    let newer = replace(&keeper, &old, &center).unwrap();
    assert_eq!(
        (newer.token.expose(), newer.facts.refusal, newer.facts.evictions),
        ("token2", Some(Refusal::Renewed), 0)
    );
    // A request whose reply is lost may have done so, too.
    let lost = |_: &By, _| {
        let error = Error { delivered: crate::error::Delivered::Unknown, ..Error::new(Kind::Timeout, "x", "x") };
        Err(NoReply { error: Box::new(error), may_repeat: false })
    };
    pass(2 * HOUR_S - 60, &keeper);
    with(lost, MINUTE, |need| keeper.token(need)).unwrap();
    rests(&keeper);
    let again = replace(&keeper, &newer, &center).unwrap();
    assert_eq!((again.facts.refusal, again.facts.evictions), (Some(Refusal::Renewed), 0));
}

#[test]
fn a_lifetime_that_the_caller_knows() {
    let (keeper, center) = (keeper(), Center::new(None));
    let get = || {
        with(of(&center), MINUTE, |need| {
            let need = Need { lifetime: Some(Duration::from_secs(HOUR_S)), ..*need };
            keeper.token(&need).ok().unwrap().token.expose().to_owned()
        })
    };
    assert_eq!(get(), "token1");
    pass(HOUR_S - 600, &keeper);
    assert_eq!(get(), "token1");
    pass(600, &keeper);
    assert_eq!(get(), "token2");
}

#[test]
fn a_refresh_token_that_was_refused_is_not_tried_again() {
    let center = Center::new(Some(2 * HOUR_S));
    let keeper = due(&center);
    center.refuses.store(true, Ordering::SeqCst);
    assert_eq!(held(&keeper, &center).0, "token1");
    rests(&keeper);
    assert_eq!(center.asked(), 3, "by the refresh token, and by the keys");
    pass(61, &keeper);
    thread::sleep(Duration::from_millis(1_100));
    assert!(token(&keeper, &center).is_err());
    assert_eq!((center.asked(), center.by_refresh.load(Ordering::SeqCst)), (4, 1));
    assert!(token(&keeper, &center).is_err());
    assert_eq!(center.asked(), 4, "the keys' refusal stands for a moment");
}

#[test]
fn an_end_that_has_passed_is_taken_for_unknown() {
    let (keeper, center) = (keeper(), Center::new(None));
    let asked = Arc::new(AtomicUsize::new(0));
    for _ in 0..10 {
        let (asked, center) = (asked.clone(), center.clone());
        let ask = move |_: &By, _| {
            asked.fetch_add(1, Ordering::SeqCst);
            let text = r#"{"code":0,"result":{"accessToken":"t","expireTime":1500000000000}}"#;
            Ok(Reply { observed: Some(center.observed()), ..reply(text, 200) })
        };
        assert!(with(ask, MINUTE, |need| keeper.token(need)).is_ok());
    }
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[test]
fn a_request_that_hangs_is_overtaken_by_the_keys() {
    let center = Center::new(Some(2 * HOUR_S));
    let keeper = due(&center);
    pass(61, &keeper);
    center.slow(Duration::from_secs(20));
    assert!(with(of(&center), Duration::from_millis(50), |need| keeper.token(need)).is_err());
    center.slow(Duration::ZERO);
    let long_ago = Some((Instant::now() - MINUTE, Duration::from_secs(5)));
    keeper.shared.state().under_way.as_mut().unwrap().asked = long_ago;
    assert_eq!(held(&keeper, &center), ("token3".to_owned(), Source::Server));
    assert_eq!(center.by_refresh.load(Ordering::SeqCst), 1, "the refresh token may be used up");
}
