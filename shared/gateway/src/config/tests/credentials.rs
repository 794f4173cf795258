//! Credentials that are more than a key: what each kind takes, and what its sections must hold.

use serde_json::{Map as Object, Value, json};

use super::{problems, sound, warnings};

fn one(provider: Value) -> Value {
    let entries = Object::from_iter([("p".to_owned(), provider)]);
    json!({ "providers": entries })
}

/// Exactly these problems are told of a provider, each without `providers.p.`.
#[track_caller]
fn told(provider: Value, expected: &[&str]) {
    let expected: Vec<String> = expected.iter().map(|problem| format!("providers.p.{problem}")).collect();
    assert_eq!(problems(&one(provider)), expected);
}

fn entra() -> Value {
    json!({ "tenant_id": "t", "client_id": "c", "client_secret": "${S}" })
}

#[test]
fn each_kind_takes_its_own_section() {
    let azure = "https://acme.openai.azure.com/openai/v1";
    told(
        json!({ "kind": "openai", "entra": entra() }),
        &["entra: the kind openai does not take this: it takes api_key, oauth"],
    );
    told(
        json!({ "kind": "azure", "base_url": azure, "aws": { "region": "r" } }),
        &["aws: the kind azure does not take this: it takes api_key, entra"],
    );
    told(
        json!({ "kind": "vertex", "api_key": "${K}", "google": { "location": "eu", "service_account": "${S}" } }),
        &["api_key: the kind vertex does not take this: it takes google"],
    );
    told(
        json!({ "kind": "vertex" }),
        &[
            "base_url: is required: vertex has no common address; it looks like https://LOCATION-aiplatform.googleapis.com",
            "google: is required for the kind vertex",
        ],
    );
    told(
        json!({ "kind": "watsonx", "base_url": "https://eu-de.ml.cloud.ibm.com", "api_key": "${K}" }),
        &["watsonx: is required for the kind watsonx"],
    );
    told(
        json!({ "kind": "openai", "api_key": "${K}", "api_version": "2024-10-21" }),
        &["api_version: the kind openai does not take this: only azure does"],
    );
}

#[test]
fn two_credentials_at_once() {
    let both = "is given beside api_key: only one of them can be sent, leave the other out";
    told(
        json!({ "kind": "azure", "base_url": "https://a.test", "api_key": "${K}", "entra": entra() }),
        &[&format!("entra: {both}")],
    );
    told(
        json!({ "kind": "bedrock", "api_key": "${K}", "aws": { "region": "eu-west-1" } }),
        &[&format!("aws: {both}")],
    );
    told(
        json!({
            "kind": "openai", "headers": { "Authorization": "Bearer ${K}" },
            "oauth": { "token_url": "https://a.test", "client_id": "c", "client_secret": "${S}" },
        }),
        &["oauth: is given beside the header authorization, which it sets: leave one of them out"],
    );
}

#[test]
fn sections_that_are_not_whole() {
    told(
        json!({ "kind": "azure", "base_url": "https://a.test", "entra": { "client_id": "c" } }),
        &[
            "entra.tenant_id: is required, unless there is a token",
            "entra.client_secret: is required, unless there is a token",
        ],
    );
    told(
        json!({ "kind": "azure", "base_url": "https://a.test", "entra": { "client_id": "c", "token": "${T}" } }),
        &["entra.client_id: is given beside token: keep the token, or the three keys of a client"],
    );
    told(
        json!({ "kind": "openai", "oauth": { "client_id": "c", "client_secret": "${S}" } }),
        &["oauth.token_url: is required: OpenAI has no usual one"],
    );
    let google = |google: Value| json!({ "kind": "vertex", "google": google });
    told(
        google(json!({ "location": "eu" })),
        &["google.service_account: is required, unless there is a token"],
    );
    told(
        google(json!({ "location": "eu", "token": "${T}" })),
        &["google.project: is required beside token: only a service account tells its project"],
    );
    told(
        google(json!({ "location": "eu", "token": "${T}", "service_account": "${S}" })),
        &["google.token: is given beside service_account: keep one of them"],
    );
    let watsonx = |watsonx: Value| json!({ "kind": "watsonx", "base_url": "https://a.test", "api_key": "${K}", "watsonx": watsonx });
    told(watsonx(json!({})), &["watsonx.project_id: is required, unless there is a space_id"]);
    told(
        watsonx(json!({ "project_id": "a", "space_id": "b" })),
        &["watsonx.space_id: is given beside project_id: calls are charged to one of them"],
    );
}

#[test]
fn accounts_of_aws() {
    let aws = |aws: Value| json!({ "kind": "bedrock", "aws": aws });
    told(aws(json!({})), &["aws.region: is required"]);
    told(
        aws(json!({ "region": "r", "access_key_id": "${A}" })),
        &["aws.secret_access_key: is required beside access_key_id"],
    );
    told(
        aws(json!({ "region": "r", "session_token": "${A}" })),
        &["aws.session_token: belongs to access_key_id and secret_access_key, which are not here"],
    );
    told(
        aws(json!({ "region": "r", "external_id": "x" })),
        &["aws.external_id: belongs to role_arn, which is not here"],
    );
    told(
        aws(json!({ "region": "r", "role_arn": "arn:aws:iam::1:user/x", "session_name": "a b" })),
        &[
            "aws.role_arn: expected the ARN of a role, arn:aws:iam::123456789012:role/NAME",
            "aws.session_name: has only letters, digits and _+=,.@- and is 2 to 64 long",
        ],
    );
}

#[test]
fn what_is_needed_of_the_platform_is_named() {
    let config = sound(&one(json!({ "kind": "bedrock", "aws": { "region": "r" } })));
    let missing = config.missing_secrets(&|_| false);
    let paths: Vec<String> = missing.iter().map(ToString::to_string).collect();
    assert_eq!(
        paths,
        [
            "providers.p.aws.access_key_id: the secret AWS_ACCESS_KEY_ID is not set",
            "providers.p.aws.secret_access_key: the secret AWS_SECRET_ACCESS_KEY is not set",
        ]
    );
    let config = sound(&one(json!({ "kind": "azure", "base_url": "https://a.test", "entra": entra() })));
    assert_eq!(config.missing_secrets(&|_| false).len(), 1);
}

#[test]
fn what_is_secret_is_not_shown_and_what_is_not_is() {
    let config = sound(&one(json!({
        "kind": "azure", "base_url": "https://a.test",
        "entra": { "tenant_id": "my-tenant", "client_id": "my-client", "client_secret": "hunter2" },
    })));
    let shown = config.document().to_string();
    assert!(
        shown.contains("my-tenant") && shown.contains("my-client") && shown.contains("(hidden)"),
        "{shown}"
    );
    assert!(!format!("{shown}{config:?}").contains("hunter2"));
}

#[test]
fn secrets_in_the_open_are_warned_of() {
    let told = warnings(&one(json!({
        "kind": "azure", "base_url": "https://a.test",
        "entra": { "tenant_id": "t", "client_id": "c", "client_secret": "hunter2" },
    })));
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(
        told[0].starts_with("providers.p.entra.client_secret: the credential stands in the document"),
        "{told:?}"
    );
}
