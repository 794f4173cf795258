//! Token services that refuse, fail or stay silent: the caller hears whose fault it is and nothing else.

use std::time::Duration;

use postern_testkit::script::{Chunk, Conduct, End, Reply};
use serde_json::{Value, json};

use crate::stage::{Got, Stage, azure, bedrock_by_role, databricks, vertex, watsonx};

fn with_wrong(mut provider: Value, pointer: &str) -> Value {
    *provider.pointer_mut(pointer).unwrap() = json!("${WRONG}");
    provider
}

#[test]
fn refused_credentials_are_told_without_a_secret() {
    let mut role = bedrock_by_role();
    role["aws"]["external_id"] = json!("another");
    for (provider, code, check) in [
        (
            with_wrong(azure(), "/entra/client_secret"),
            "401, invalid_client",
            "tenant_id, client_id and client_secret",
        ),
        (
            with_wrong(databricks(), "/oauth/client_secret"),
            "401, invalid_client",
            "client_id, client_secret and scope",
        ),
        (with_wrong(watsonx(), "/api_key"), "400, BXNIM0415E", "api_key"),
        (role, "403, AccessDenied", "role_arn and external_id"),
    ] {
        let stage = Stage::new(&provider);
        let got = stage.asks();
        assert_eq!((got.status.as_u16(), got.code().as_str()), (502, "upstream_authentication"));
        let message = got.message();
        assert!(message.starts_with("p/m (attempt 1 of 2): "), "{message}");
        assert!(message.contains(code) && message.contains(check), "{message}");
        assert!(!message.contains("AADSTS") && !message.contains("another secret"), "{message}");
        assert!(stage.provided().is_empty(), "nothing goes to the provider without a proof");
        assert!(stage.logged().contains(code), "the operator reads it too");
        stage.holds_its_tongue(&[got]);
    }
}

#[test]
fn key_files_that_are_none_are_told() {
    let mut elsewhere = vertex();
    elsewhere["google"]["project"] = json!("acme");
    let stage = Stage::new(&elsewhere);
    let file: Value =
        serde_json::from_str(&postern_testkit::authority::key_file("https://login.test")).unwrap();
    let but = |key: &str, value: Value| {
        let mut file = file.clone();
        file[key] = value;
        file.to_string()
    };
    for (file, said) in [
        ("s3cret, not JSON".to_owned(), "expected the JSON key file"),
        (but("type", json!("authorized_user")), "the credential of another kind"),
        (but("client_email", Value::Null), "has no client_email"),
        (but("private_key", json!("-----BEGIN RSA PRIVATE KEY-----\nAAAA")), "-----BEGIN PRIVATE KEY-----"),
        (
            but("private_key", json!("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----")),
            "it must be an RSA key",
        ),
        (but("token_uri", json!("login.test")), "expected a URL"),
        (but("client_email", json!("somebody@else.test")), "400, invalid_grant"),
    ] {
        stage.host.set_secret("KEY_FILE", &file);
        let got = stage.asks();
        assert_eq!((got.status.as_u16(), got.code().as_str()), (502, "upstream_authentication"), "{said}");
        assert!(got.message().contains(said), "{}", got.message());
        assert!(!got.message().contains("s3cret"));
        stage.holds_its_tongue(&[got]);
    }
    // Where the file also tells the project, the address cannot be made without it.
    let stage = Stage::new(&vertex());
    stage.host.set_secret("KEY_FILE", "s3cret, not JSON");
    let got = stage.asks();
    assert_eq!((got.status.as_u16(), got.code().as_str()), (503, "not_configured"));
    assert!(
        got.message().contains("`p`") && got.message().contains("google.service_account"),
        "{}",
        got.message()
    );
}

#[test]
fn a_refusal_is_not_asked_for_at_each_call() {
    let stage = Stage::new(&with_wrong(azure(), "/entra/client_secret"));
    for _ in 0..5 {
        assert_eq!(stage.asks().status, 502);
    }
    assert_eq!(stage.exchanges(), 1);
    stage.passes(6);
    stage.asks();
    assert_eq!(stage.exchanges(), 2);
    // A secret that was corrected is another credential.
    stage.host.set_secret("WRONG", postern_testkit::authority::CLIENT_SECRET);
    assert_eq!(stage.asks().status, 200);
}

fn asked(conduct: Conduct) -> (Got, Stage) {
    let stage = Stage::new(&azure());
    stage.authority.instead(Some(conduct));
    (stage.asks(), stage)
}

#[test]
fn a_service_that_fails_is_tried_again_and_told() {
    let answer = |status, body: &'static str| Conduct::Answer(Reply::whole(status, "application/json", body));
    let endless = Reply {
        chunks: vec![Chunk { after: Duration::ZERO, bytes: vec![b'a'; 300_000].into() }],
        ..Reply::default()
    };
    let stalled = Reply {
        chunks: vec![Chunk { after: Duration::ZERO, bytes: "{\"access".into() }],
        end: End::Stall,
        ..Reply::default()
    };
    for (conduct, status, code, said) in [
        (answer(500, "an0ther-s3cret"), 502, "upstream_error", "failed (500)"),
        (
            answer(503, "{\"error\":\"temporarily_unavailable\"}"),
            503,
            "upstream_overloaded",
            "temporarily_unavailable",
        ),
        (
            answer(429, "{\"error\":\"an0ther s3cret with spaces\"}"),
            503,
            "upstream_overloaded",
            "overloaded (429)",
        ),
        (answer(200, "<html>an0ther-s3cret</html>"), 502, "upstream_bad_answer", "no token"),
        (
            answer(200, "{\"access_token\":\"a\\nb\",\"token_type\":\"Bearer\"}"),
            502,
            "upstream_bad_answer",
            "no token",
        ),
        (
            answer(200, "{\"access_token\":\"a\",\"token_type\":\"mac\"}"),
            502,
            "upstream_bad_answer",
            "no token",
        ),
        (answer(302, ""), 502, "upstream_authentication", "(302)"),
        (Conduct::Answer(endless), 502, "upstream_bad_answer", "far more than a token"),
        (Conduct::Answer(stalled), 504, "upstream_timeout", "did not answer in time"),
        (Conduct::NeverAnswer, 504, "upstream_timeout", "did not answer in time"),
        (Conduct::RefuseConnection, 502, "upstream_unreachable", "cannot be reached"),
        (Conduct::NeverConnect, 504, "upstream_timeout", "cannot be reached"),
    ] {
        let begun = format!("{conduct:?}");
        let (got, stage) = asked(conduct);
        assert_eq!((got.status.as_u16(), got.code().as_str()), (status, code), "{begun}: {}", got.body);
        assert!(got.message().contains(said), "{}", got.message());
        assert!(stage.provided().is_empty());
        let tries = if code == "upstream_authentication" { 1 } else { 2 };
        assert_eq!(stage.exchanges(), tries, "{begun}");
        stage.holds_its_tongue(&[got]);
        // Nothing of it stays.
        stage.authority.instead(None);
        stage.passes(6);
        assert_eq!(stage.asks().status, 200, "{begun}");
    }
}

#[test]
fn a_silent_service_takes_no_more_than_its_time() {
    let stage = Stage::new(&azure());
    stage.authority.instead(Some(Conduct::NeverAnswer));
    let begun = stage.host.clock().now();
    stage.asks();
    let took = stage.host.clock().now().since(begun);
    assert!((20..=21).contains(&took.as_secs()), "two tries of ten seconds: {took:?}");
}

#[test]
fn a_good_token_outlives_a_service_that_fails() {
    let stage = Stage::new(&azure());
    stage.asks();
    stage.passes(3600 - 299);
    stage.authority.instead(Some(Conduct::NeverAnswer));
    let begun = stage.host.clock().now();
    assert_eq!(stage.asks().status, 200, "the old token is good for five minutes more");
    assert_eq!(stage.host.clock().now().since(begun), Duration::from_secs(3));
    assert_eq!(stage.asks().status, 200);
    assert_eq!(stage.exchanges(), 2, "it is left alone for a while");
    stage.passes(16);
    stage.authority.instead(None);
    assert_eq!(stage.asks().status, 200);
    assert_eq!((stage.exchanges(), stage.authority.given()), (3, 2));
}

#[test]
fn another_target_answers_in_place_of_one_that_gets_no_token() {
    let stage = Stage::with(&json!({
        "providers": { "wrong": with_wrong(azure(), "/entra/client_secret"), "right": databricks() },
        "models": { "m": { "targets": [
            { "provider": "wrong", "model": "one" },
            { "provider": "right", "model": "two" },
        ] } },
    }));
    let got = stage.during(stage.ask("m"));
    assert_eq!(got.status, 200);
    assert_eq!(got.headers["x-postern-target"], "right/two");
    let record = stage.records().pop().unwrap();
    let outcomes: Vec<_> = record.attempts.iter().map(|attempt| attempt.provider.as_str()).collect();
    assert_eq!(outcomes, ["wrong", "right"]);
}
