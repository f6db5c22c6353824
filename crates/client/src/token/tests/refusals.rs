//! Where the server refuses a token, or gives none.

use super::*;

#[test]
fn a_refused_token_is_replaced_from_the_store_if_that_has_a_newer_one() {
    let (keepers, center) = (keepers(2), Center::new(None));
    let old = [&keepers[0], &keepers[1]].map(|keeper| token(keeper, &center).ok().unwrap());
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
    let answered = Barrier::new(2);
    thread::scope(|scope| {
        let late = scope.spawn(|| {
            let ask = |_: &By, _| {
                answered.wait();
                answered.wait();
                Ok(reply(r#"{"code":0,"result":["late"]}"#, 200))
            };
            with(&ask, MINUTE, |need| slow.token(need)).ok().unwrap().token.expose().to_owned()
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
    let failure = with(&success, MINUTE, |need| keeper().token(need)).err().unwrap();
    assert!(
        matches!(failure, Failure::Error(error) if error.kind == Kind::Response && error.detail.contains("accessToken"))
    );
    let refused = ask(r#"{"code":7,"msg":"x"}"#, 200);
    assert!(
        matches!(with(&refused, MINUTE, |need| keeper().token(need)), Err(Failure::Refused(json)) if json == br#"{"code":7,"msg":"x"}"#)
    );
}

#[test]
fn new_tokens_that_do_not_help_are_not_got_for_each_call() {
    let (keeper, center) = (keeper(), Center::new(None));
    let first = token(&keeper, &center).ok().unwrap();
    assert!(keeper.may_replace(&first));
    let second = replace(&keeper, &first, &center).ok().unwrap();
    keeper.replaced(&second, false);
    assert!(!keeper.may_replace(&second), "the reason is another");
    assert_eq!(keeper.facts().evictions, 0, "and so it was no eviction");
    keeper.replaced(&second, true);
    assert!(keeper.may_replace(&second));
}

#[test]
fn a_token_whose_time_was_up_takes_no_eviction_back() {
    let (keepers, center) = (keepers(1), Center::new(Some(HOUR_S)));
    let first = token(&keepers[0], &center).ok().unwrap();
    let second = replace(&keepers[0], &first, &center).ok().unwrap();
    keepers[0].replaced(&second, true);
    assert_eq!(keepers[0].facts().evictions, 1);
    center.pass(2 * HOUR_S, &keepers);
    let third = replace(&keepers[0], &second, &center).ok().unwrap();
    assert_eq!(third.facts.refusal, Some(Refusal::Expiry));
    keepers[0].replaced(&third, false);
    assert_eq!(keepers[0].facts().evictions, 1);
}

#[test]
fn a_token_that_many_calls_were_refused_with_is_one_eviction() {
    let (keeper, center) = (keeper(), Center::new(None));
    let calls: Vec<_> = (0..16).map(|_| token(&keeper, &center).ok().unwrap()).collect();
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
        matches!(with(&error, MINUTE, |need| keeper().token(need)), Err(Failure::Refused(json)) if String::from_utf8_lossy(&json).contains("bad key"))
    );
}

#[test]
fn another_token_of_the_same_generation_may_follow() {
    let store = MemoryStore::default();
    let (keeper, center) = (Keeper::new(account("s"), Arc::new(store.clone())), Center::new(None));
    let lost = Keeper::new(account("s"), Arc::new(Losable { store: store.clone(), lost: true.into() }));
    let of_the_lost = token(&lost, &center).ok().unwrap();
    assert_eq!(held(&keeper, &center).0, "token2");
    let found = Keeper::new(account("s"), Arc::new(store));
    found.state().adopt(Arc::new(record(1, of_the_lost.token.expose())), None);
    let refused = token(&found, &center).ok().unwrap();
    let newer = replace(&found, &refused, &center).ok().unwrap();
    assert_eq!((newer.token.expose(), newer.facts.source), ("token2", Some(Source::Store)));
}

#[test]
fn advice_is_given_where_evictions_repeat() {
    let facts = |evictions| crate::error::TokenFacts { evictions, ..crate::error::TokenFacts::default() };
    assert_eq!(facts(2).advice(), None);
    assert!(facts(3).advice().unwrap().contains("3 times within an hour"));
}
