//! Where the server refuses a token, or gives none.

use super::*;

#[test]
fn a_refused_token_is_replaced_from_the_store_if_that_has_a_newer_one() {
    let (keepers, center) = (keepers(2), Center::new(None));
    let old = [&keepers[0], &keepers[1]].map(|keeper| token(keeper, &center).unwrap());
    let newer = replace(&keepers[0], &old[0], &center).ok().unwrap();
    assert_eq!((newer.token.expose(), newer.facts.source, newer.facts.renewed), ("token2", Some(Source::Server), true));
    assert_eq!((newer.facts.refusal, newer.facts.evictions), (Some(Refusal::Eviction), 1), "it was young");
    assert_eq!(center.by_refresh.load(Ordering::SeqCst), 0, "an eviction takes the refresh token along");
    let shared = replace(&keepers[1], &old[1], &center).ok().unwrap();
    assert_eq!((shared.token.expose(), shared.facts.source), ("token2", Some(Source::Store)));
    assert_eq!((shared.facts.refusal, shared.facts.evictions), (Some(Refusal::Renewed), 0));
    assert_eq!(center.asked(), 2);
    let again = replace(&keepers[0], &newer, &center).ok().unwrap();
    assert_eq!((again.token.expose(), again.facts.evictions), ("token3", 2));
}

#[test]
fn a_late_reply_replaces_nothing() {
    // Both have the right to ask, since the store of the first one is lost to it.
    let store = MemoryStore::default();
    let lost = Arc::new(Losable { store: store.clone(), lost: AtomicBool::new(false) });
    let (slow, quick) = (Keeper::new(account("s"), lost.clone()), Keeper::new(account("s"), Arc::new(store)));
    let answered = Arc::new(Barrier::new(2));
    thread::scope(|scope| {
        let late = scope.spawn(|| {
            let answered = answered.clone();
            let ask = move |_: &By, _| {
                answered.wait();
                answered.wait();
                Ok(reply(r#"{"code":0,"result":["late"]}"#, 200))
            };
            with(ask, MINUTE, |need| slow.token(need)).unwrap().token.expose().to_owned()
        });
        answered.wait();
        // The lease of the one that hangs has run out.
        lost.store.forget_leases();
        assert_eq!(held(&quick, &Center::new(None)).0, "token1");
        answered.wait();
        assert_eq!(late.join().unwrap(), "token1", "the newer one is taken");
    });
    assert_eq!(held(&quick, &Center::new(None)).0, "token1");
    assert_eq!(held(&slow, &Center::new(None)).0, "token1");
}

#[test]
fn no_token_in_the_reply() {
    let ask = |text: &'static str, status| move |_: &By, _| Ok(reply(text, status));
    let success = ask(r#"{"code":0,"result":{"tok":"x"}}"#, 200);
    let failure = with(success, MINUTE, |need| keeper().token(need)).err().unwrap();
    assert!(
        matches!(failure, Failure::Error(NoReply { error, .. }) if error.kind == Kind::Response && error.detail.contains("accessToken"))
    );
    let refused = ask(r#"{"code":7,"msg":"x"}"#, 200);
    assert!(
        matches!(with(refused, MINUTE, |need| keeper().token(need)), Err(Failure::Refused { reply: json, .. }) if json == br#"{"code":7,"msg":"x"}"#)
    );
}

#[test]
fn new_tokens_that_do_not_help_are_not_got_for_each_call() {
    let (keeper, center) = (keeper(), Center::new(None));
    let first = token(&keeper, &center).unwrap();
    let mut troubles = Troubles::default();
    assert_eq!(keeper.refused(&first, "/denied", &mut troubles), Advice::Replace);
    let second = with(of(&center), MINUTE, |need| keeper.replace(&first, "/denied", &mut troubles, need)).unwrap();
    assert_eq!(keeper.facts().evictions, 1);
    assert_eq!(keeper.refused(&second, "/denied", &mut troubles), Advice::HandOn, "the reason is another");
    assert_eq!(keeper.facts().evictions, 0, "and so it was no eviction");
    // The next call has one more, in case the first was evicted, and then none is got for a second.
    let mut troubles = Troubles::default();
    assert_eq!(keeper.refused(&second, "/denied", &mut troubles), Advice::Replace);
    let second = with(of(&center), MINUTE, |need| keeper.replace(&second, "/denied", &mut troubles, need)).unwrap();
    assert_eq!(keeper.refused(&second, "/denied", &mut troubles), Advice::HandOn);
    assert_eq!(keeper.refused(&second, "/denied", &mut Troubles::default()), Advice::HandOn);
    assert_eq!(
        keeper.refused(&second, "/other", &mut Troubles::default()),
        Advice::Replace,
        "others are not concerned"
    );
    keeper.works(&second, "/denied", Instant::now(), &mut Troubles::default());
    assert_eq!(keeper.refused(&second, "/denied", &mut Troubles::default()), Advice::Replace, "it takes tokens now");
}

#[test]
fn where_tokens_are_evicted_a_call_goes_on_until_its_time_is_up() {
    let (keeper, center) = (keeper(), Center::new(None));
    let mut held = token(&keeper, &center).unwrap();
    works(&keeper, &held);
    let mut troubles = Troubles::default();
    for number in 2..=13 {
        assert_eq!(keeper.refused(&held, "/a", &mut troubles), Advice::Replace);
        held =
            with(of(&center), Duration::from_secs(1), |need| keeper.replace(&held, "/a", &mut troubles, need)).unwrap();
        assert_eq!(held.token.expose(), format!("token{number}"));
    }
    assert_eq!(keeper.refused(&held, "/a", &mut troubles), Advice::GiveUp);
    assert_eq!((keeper.facts().evictions, troubles.tokens_refused()), (13, 12));
}

#[test]
fn a_token_whose_time_was_up_takes_no_eviction_back() {
    let (keeper, center) = (keeper(), Center::new(Some(HOUR_S)));
    let first = token(&keeper, &center).unwrap();
    let second = replace(&keeper, &first, &center).unwrap();
    works(&keeper, &second);
    assert_eq!(keeper.facts().evictions, 1);
    pass(2 * HOUR_S, &keeper);
    let third = token(&keeper, &center).unwrap();
    let mut troubles = Troubles::default();
    keeper.refused(&third, "/b", &mut troubles);
    let fourth = with(of(&center), MINUTE, |need| keeper.replace(&third, "/b", &mut troubles, need)).unwrap();
    assert_eq!((fourth.facts.refusal, fourth.facts.evictions), (Some(Refusal::Eviction), 2));
    assert_eq!(keeper.refused(&fourth, "/b", &mut troubles), Advice::HandOn);
    assert_eq!(keeper.facts().evictions, 1);
}

#[test]
fn tokens_that_simply_expire_are_no_evictions() {
    // In milliseconds, which would be 83 days; and not told at all.
    for lifetime_s in [Some(7_200_000), None] {
        let (keeper, center) = (keeper(), Center::new(lifetime_s));
        for _ in 0..5 {
            let old = token(&keeper, &center).unwrap();
            works(&keeper, &old);
            pass(2 * HOUR_S + 1, &keeper);
            let old = token(&keeper, &center).unwrap();
            if lifetime_s.is_none() {
                let newer = replace(&keeper, &old, &center).unwrap();
                assert_eq!(newer.facts.refusal, Some(Refusal::Expiry));
                works(&keeper, &newer);
            }
        }
        assert_eq!(keeper.facts().evictions, 0);
    }
}

#[test]
fn a_token_that_many_calls_were_refused_with_is_one_eviction() {
    let (keeper, center) = (keeper(), Center::new(None));
    let calls: Vec<_> = (0..16).map(|_| token(&keeper, &center).unwrap()).collect();
    center.refuses.store(true, Ordering::SeqCst);
    for call in &calls {
        assert!(replace(&keeper, call, &center).is_err());
    }
    assert_eq!(keeper.facts().evictions, 1);
}

#[test]
fn an_error_that_comes_with_a_result_is_no_token() {
    let error = |_: &By, _| Ok(reply(r#"{"code":40,"msg":"bad key","result":["accessKey"]}"#, 200));
    assert!(
        matches!(with(error, MINUTE, |need| keeper().token(need)), Err(Failure::Refused { reply: json, .. }) if String::from_utf8_lossy(&json).contains("bad key"))
    );
}

#[test]
fn another_token_of_the_same_generation_may_follow() {
    let store = MemoryStore::default();
    let (keeper, center) = (Keeper::new(account("s"), Arc::new(store.clone())), Center::new(None));
    let lost = Keeper::new(account("s"), Arc::new(Losable { store: store.clone(), lost: true.into() }));
    let of_the_lost = token(&lost, &center).unwrap();
    assert_eq!(held(&keeper, &center).0, "token2");
    let found = Keeper::new(account("s"), Arc::new(store));
    found.shared.state().token.adopt(Arc::new(stored(1, of_the_lost.token.expose())), None);
    let refused = token(&found, &center).unwrap();
    let newer = replace(&found, &refused, &center).unwrap();
    assert_eq!((newer.token.expose(), newer.facts.source), ("token2", Some(Source::Store)));
}

#[test]
fn advice_is_given_where_evictions_repeat() {
    let facts = |evictions| crate::error::TokenFacts { evictions, ..crate::error::TokenFacts::default() };
    assert_eq!(facts(2).advice(), None);
    assert!(facts(3).advice().unwrap().contains("3 times within an hour"));
}
