//! Requests are proved as each kind of provider wants it, by tokens that are kept, renewed, and shown to nobody.

mod kinds;
mod stage;
mod troubles;

use std::time::Duration;

use futures_util::future::{Either, join, join_all, select};
use serde_json::json;

use self::stage::{Stage, azure, bedrock_by_role, databricks, vertex, watsonx};

#[test]
fn a_token_serves_many_calls() {
    for provider in [azure(), databricks(), vertex(), watsonx(), bedrock_by_role()] {
        let stage = Stage::new(&provider);
        for _ in 0..3 {
            let got = stage.asks();
            assert_eq!(got.status, 200, "{provider}: {} {:?}", got.body, stage.authority.refusals());
            assert!(got.body.contains("Hello."), "{}", got.body);
        }
        assert_eq!((stage.authority.given(), stage.provided().len()), (1, 3), "{provider}");
        assert!(stage.authority.refusals().is_empty());
        stage.holds_its_tongue(&[]);
    }
}

#[test]
fn a_token_is_renewed_before_it_ends() {
    let stage = Stage::new(&azure());
    stage.asks();
    stage.passes(3600 - 301);
    stage.asks();
    assert_eq!(stage.authority.given(), 1, "there are more than five minutes left");
    stage.passes(2);
    assert_eq!(stage.asks().status, 200);
    assert_eq!(stage.authority.given(), 2);
    stage.passes(3600 - 310);
    stage.asks();
    assert_eq!(stage.authority.given(), 2);
    assert!(stage.authority.refusals().is_empty());
}

#[test]
fn one_that_lasts_shortly_is_used_for_half_its_time() {
    let stage = Stage::new(&azure());
    stage.authority.tokens_last(60);
    stage.asks();
    stage.passes(29);
    stage.asks();
    assert_eq!(stage.authority.given(), 1);
    stage.passes(2);
    stage.asks();
    assert_eq!(stage.authority.given(), 2);
    assert!(stage.authority.refusals().is_empty());
}

#[test]
fn calls_at_once_fetch_one_token() {
    let stage = Stage::new(&vertex());
    stage.authority.exchanges_take(Duration::from_secs(2));
    let got = stage.during(join_all((0..20).map(|_| stage.ask("p/m"))));
    assert!(got.iter().all(|got| got.status == 200));
    assert_eq!((stage.exchanges(), stage.provided().len()), (1, 20));
    // Due for renewal: one fetches another, and nobody waits for it.
    stage.passes(3600 - 200);
    let begun = stage.host.clock().now();
    let (first, others) = stage.during(async {
        let others = async {
            let others = join_all((0..20).map(|_| stage.ask("p/m"))).await;
            assert_eq!(stage.host.clock().now(), begun);
            others
        };
        join(stage.ask("p/m"), others).await
    });
    assert!(first.status == 200 && others.iter().all(|got| got.status == 200));
    assert_eq!(stage.exchanges(), 2);
}

#[test]
fn a_caller_who_leaves_while_a_token_is_fetched_leaves_the_turn_to_the_next() {
    let stage = Stage::new(&azure());
    stage.authority.exchanges_take(Duration::from_secs(2));
    let got = stage.during(async {
        let mut leaves = Box::pin(stage.ask("p/m"));
        let mut stays = Box::pin(stage.ask("p/m"));
        let early = Box::pin(stage.host.clock().sleep(Duration::from_secs(1)));
        let both = select(&mut leaves, &mut stays);
        let early = select(both, early).await;
        assert!(matches!(early, Either::Right(_)), "neither has an answer yet");
        drop(early);
        drop(leaves);
        stays.await
    });
    assert_eq!(got.status, 200);
    assert_eq!((stage.exchanges(), stage.provided().len()), (2, 1));
}

#[test]
fn a_withdrawn_token_is_fetched_anew_once() {
    for provider in [azure(), watsonx(), bedrock_by_role()] {
        let stage = Stage::new(&provider);
        stage.asks();
        stage.authority.withdraw();
        let got = stage.asks();
        assert_eq!(got.status, 200, "{provider}: {}", got.body);
        assert_eq!((stage.authority.given(), stage.provided().len()), (2, 3), "{provider}");
        let records = stage.records();
        assert!(records.iter().all(|record| record.attempts.len() == 1), "{records:?}");
    }
}

#[test]
fn a_new_token_that_is_refused_is_not_fetched_again() {
    let stage = Stage::new(&azure());
    stage.authority.tokens_last(0);
    let got = stage.asks();
    assert_eq!((got.status.as_u16(), got.code().as_str()), (502, "upstream_authentication"));
    assert_eq!((stage.exchanges(), stage.provided().len()), (1, 1));
}

#[test]
fn another_credential_never_gets_what_was_lent_for_the_first() {
    let stage = Stage::new(&azure());
    stage.asks();
    let mut other = azure();
    other["entra"]["client_secret"] = json!("${WRONG}");
    let document = json!({ "providers": { "p": other } });
    let (config, _) = postern_gateway::config::parse(&document).unwrap();
    stage.gateway.replace(config, postern_gateway::pipeline::Origin::File);
    assert_eq!(stage.asks().status, 502);
    // And the first one's is still there for it.
    let (config, _) = postern_gateway::config::parse(&json!({ "providers": { "p": azure() } })).unwrap();
    stage.gateway.replace(config, postern_gateway::pipeline::Origin::File);
    assert_eq!(stage.asks().status, 200);
    assert_eq!(stage.authority.given(), 1);
}
