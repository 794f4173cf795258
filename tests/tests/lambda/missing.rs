//! A deployment that lacks something: the first call says what and how to create it, `/readyz` lists all of it.

use postern_tests::site::{Lambda, LambdaSetting, LambdaSite};
use postern_tests::talk::{echo, make_key, missing, refused, send};
use serde_json::json;

use super::troubled::{Trouble, Troubled};
use super::with_lambda;

/// What a first call is told, and what `/readyz` lists.
async fn told(site: &LambdaSite) -> (String, Vec<String>) {
    let (code, said) = refused(&echo(site, "any", &[]).await);
    assert_eq!(code, "not_configured");
    assert_eq!(send(site, "GET", "/healthz", &[], None).await.status(), 200);
    (said, missing(site).await)
}

fn has(text: &str, words: &[&str]) {
    for word in words {
        assert!(text.contains(word), "{word} is not in: {text}");
    }
}

async fn bare(lambda: &Lambda, more: &[(&str, &str)]) -> LambdaSite {
    let mut variables = vec![("AWS_ENDPOINT_URL_DYNAMODB", lambda.endpoint())];
    variables.extend(more.iter().map(|(name, value)| (*name, (*value).to_owned())));
    lambda.start_bare(&variables, 1).await.expect("a function")
}

#[test]
fn a_table_that_is_not_named_or_not_there() {
    with_lambda(async |lambda| {
        let (said, listed) = told(&bare(&lambda, &[]).await).await;
        has(&said, &["POSTERN_TABLE", "cargo xtask deploy aws"]);
        assert_eq!(listed.len(), 1, "{listed:?}");
        has(&listed[0], &["POSTERN_TABLE", "cargo xtask deploy aws"]);

        let (said, listed) = told(&bare(&lambda, &[("POSTERN_TABLE", "nowhere")]).await).await;
        let how = ["table nowhere", "eu-west-1", "aws dynamodb create-table", "cargo xtask deploy aws"];
        has(&said, &how);
        assert_eq!(listed.len(), 1, "{listed:?}");
        has(&listed[0], &how);
    });
}

#[test]
fn a_table_that_the_role_does_not_allow() {
    with_lambda(async |lambda| {
        let troubled = Troubled::start(&lambda.endpoint(), |_| Some(Trouble::Refused)).await;
        let variables = [
            ("POSTERN_TABLE", "forbidden".to_owned()),
            ("AWS_ENDPOINT_URL_DYNAMODB", troubled.endpoint().to_owned()),
        ];
        let site = lambda.start_bare(&variables, 1).await.expect("a function");
        let (said, listed) = told(&site).await;
        let how = ["forbidden", "AccessDenied", "role", "infra/aws/template.yaml"];
        has(&said, &how);
        assert_eq!(listed.len(), 1, "{listed:?}");
        has(&listed[0], &how);
    });
}

#[test]
fn secrets_that_nobody_has() {
    with_lambda(async |lambda| {
        let config = json!({ "providers": { "vendor": { "kind": "openai", "api_key": "${NOT_SET_HERE}" } } });
        let setting = LambdaSetting { config: Some(&config), processes: Some(1), ..LambdaSetting::default() };
        let site = lambda.start_with(&setting).await.expect("a function");
        let key = format!("Bearer {}", make_key(&site, "secret").await);
        let body =
            json!({ "model": "vendor/gpt-4o-mini", "messages": [{ "role": "user", "content": "hi" }] });
        let headers = [("authorization", key.as_str())];
        let (code, said) = refused(&send(&site, "POST", "/v1/chat/completions", &headers, Some(&body)).await);
        assert_eq!(code, "not_configured");
        has(&said, &["NOT_SET_HERE", "POSTERN_SECRETS"]);
        let listed = missing(&site).await;
        assert_eq!(listed.len(), 1, "{listed:?}");
        has(&listed[0], &["NOT_SET_HERE", "POSTERN_SECRETS"]);
    });
}

#[test]
fn everything_at_once() {
    with_lambda(async |lambda| {
        let site = bare(
            &lambda,
            &[
                ("POSTERN_TABLE", "nowhere"),
                ("POSTERN_METRICS", "maybe"),
                ("POSTERN_SECRETS", "secretsmanager:postern"),
                // Nobody listens there.
                ("AWS_ENDPOINT_URL_SECRETS_MANAGER", "http://127.0.0.1:9"),
            ],
        )
        .await;
        let (said, listed) = told(&site).await;
        assert_eq!(listed.len(), 3, "{listed:?}");
        for text in [&said, &listed.join("\n")] {
            has(
                text,
                &["table nowhere", "create-table", "POSTERN_METRICS", "secret postern of Secrets Manager"],
            );
        }
    });
}
