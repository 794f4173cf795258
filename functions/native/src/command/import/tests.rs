//! What each provider of MLflow's gateway becomes. Members are those of MLflow's documentation.

use super::draft::Draft;
use super::mlflow;
use crate::document::Document;

/// Imports a file; what comes out must be a sound configuration.
fn import(text: &str) -> (Draft, String) {
    let value = Document::parse("gateway.yaml", text).and_then(Document::into_value).unwrap();
    let draft = mlflow::read(&value).unwrap_or_else(|problem| panic!("{problem}\n{text}"));
    let made = draft.text("a test");
    let checked = Document::parse("postern.yaml", &made).unwrap().check();
    let loaded = checked.unwrap_or_else(|problems| panic!("{problems:?}\n{made}"));
    assert_eq!(loaded.warnings, [""; 0], "{made}");
    (draft, made)
}

/// One chat endpoint with this model.
fn endpoint(provider: &str, name: &str, config: &str) -> String {
    format!(
        "endpoints:\n  - name: chat\n    endpoint_type: llm/v1/chat\n    model:\n      provider: {provider}\n      name: {name}\n      config:\n        {config}\n"
    )
}

/// The document below its comments.
fn body(made: &str) -> &str {
    made.split_once("providers:\n").map_or("", |(_, body)| body)
}

#[test]
fn each_provider_of_mlflow() {
    for (provider, name, config, expected) in [
        (
            "openai",
            "gpt-4o-mini",
            "{ openai_api_key: $OPENAI_API_KEY }",
            "openai:\n    kind: openai\n    api_key: ${OPENAI_API_KEY}\n",
        ),
        (
            "openai",
            "gpt-4o-mini",
            "{ openai_api_key: $KEY, openai_api_base: https://llm.example.com/v1, openai_organization: org-1 }",
            "openai:\n    kind: openai\n    base_url: https://llm.example.com/v1\n    api_key: ${KEY}\n    headers:\n      openai-organization: org-1\n",
        ),
        (
            "openai",
            "gpt-35-turbo",
            "{ openai_api_type: azure, openai_api_key: $AZURE_KEY, openai_deployment_name: chat-1, openai_api_base: https://res.openai.azure.com/, openai_api_version: 2023-05-15 }",
            "azure:\n    kind: azure\n    base_url: https://res.openai.azure.com/openai/v1\n    api_key: ${AZURE_KEY}\n",
        ),
        (
            "openai",
            "gpt-35-turbo",
            "{ openai_api_type: AzureAD, openai_api_key: $TOKEN, openai_deployment_name: chat-1, openai_api_base: https://res.openai.azure.com, openai_api_version: 2023-05-15 }",
            "azure:\n    kind: azure\n    base_url: https://res.openai.azure.com/openai/v1\n    headers:\n      authorization: \"Bearer ${TOKEN}\"\n",
        ),
        (
            "anthropic",
            "claude-haiku-4-5",
            "{ anthropic_api_key: $ANTHROPIC_API_KEY, anthropic_version: 2023-06-01, anthropic_api_base: https://proxy.example.com/v1 }",
            "anthropic:\n    kind: anthropic\n    base_url: https://proxy.example.com\n    api_key: ${ANTHROPIC_API_KEY}\n",
        ),
        (
            "cohere",
            "command-r",
            "{ cohere_api_key: $COHERE_API_KEY }",
            "cohere:\n    kind: cohere\n    api_key: ${COHERE_API_KEY}\n",
        ),
        (
            "gemini",
            "gemini-2.5-flash",
            "{ gemini_api_key: $GEMINI_API_KEY }",
            "gemini:\n    kind: gemini\n    api_key: ${GEMINI_API_KEY}\n",
        ),
        (
            "mistral",
            "mistral-small-latest",
            "{ mistral_api_key: $MISTRAL_API_KEY }",
            "mistral:\n    kind: mistral\n    api_key: ${MISTRAL_API_KEY}\n",
        ),
        (
            "togetherai",
            "meta-llama/Llama-3-8b",
            "{ togetherai_api_key: $TOGETHERAI_API_KEY }",
            "together:\n    kind: together\n    api_key: ${TOGETHERAI_API_KEY}\n",
        ),
        (
            "ai21labs",
            "jamba-large",
            "{ ai21labs_api_key: $AI21LABS_API_KEY }",
            "ai21:\n    kind: ai21\n    api_key: ${AI21LABS_API_KEY}\n",
        ),
        (
            "bedrock",
            "anthropic.claude-3-haiku-20240307-v1:0",
            "{ aws_config: { aws_region: us-east-1, aws_access_key_id: $AWS_ACCESS_KEY_ID, aws_secret_access_key: $AWS_SECRET_ACCESS_KEY, aws_session_token: $AWS_SESSION_TOKEN } }",
            "bedrock:\n    kind: bedrock\n    base_url: https://bedrock-runtime.us-east-1.amazonaws.com\n    aws:\n      region: us-east-1\n      access_key_id: ${AWS_ACCESS_KEY_ID}\n      secret_access_key: ${AWS_SECRET_ACCESS_KEY}\n      session_token: ${AWS_SESSION_TOKEN}\n",
        ),
        (
            "amazon-bedrock",
            "amazon.titan-text-lite-v1",
            "{ aws_config: { aws_region: eu-west-1, aws_bearer_token: $BEDROCK_TOKEN } }",
            "bedrock:\n    kind: bedrock\n    base_url: https://bedrock-runtime.eu-west-1.amazonaws.com\n    api_key: ${BEDROCK_TOKEN}\n",
        ),
        (
            "huggingface-text-generation-inference",
            "llm",
            "{ hf_server_url: http://hf.example.com:8000/ }",
            "tgi:\n    kind: tgi\n    base_url: http://hf.example.com:8000/v1\n",
        ),
        (
            "databricks",
            "databricks-llama",
            "{ host: https://w.cloud.databricks.com, token: $DATABRICKS_TOKEN }",
            "databricks:\n    kind: databricks\n    base_url: https://w.cloud.databricks.com/serving-endpoints\n    api_key: ${DATABRICKS_TOKEN}\n",
        ),
        (
            "databricks-model-serving",
            "m",
            "{ host: https://w.cloud.databricks.com/serving-endpoints, client_id: id-1, client_secret: $DATABRICKS_SECRET }",
            "databricks:\n    kind: databricks\n    base_url: https://w.cloud.databricks.com/serving-endpoints\n    oauth:\n      client_id: id-1\n      client_secret: ${DATABRICKS_SECRET}\n",
        ),
        (
            "bedrock",
            "m",
            "{ aws_config: { aws_region: us-east-1, aws_role_arn: 'arn:aws:iam::123456789012:role/r', session_length_seconds: 900 } }",
            "bedrock:\n    kind: bedrock\n    base_url: https://bedrock-runtime.us-east-1.amazonaws.com\n    aws:\n      region: us-east-1\n      role_arn: \"arn:aws:iam::123456789012:role/r\"\n",
        ),
        (
            "mlflow-model-serving",
            "mpt",
            "{ model_server_url: http://127.0.0.1:5000/ }",
            "mlflow:\n    kind: rest\n    base_url: http://127.0.0.1:5000\n    rest:\n      path: \"/invocations\"\n      chat:\n        request:\n          inputs:\n            - \"{{ prompt }}\"\n",
        ),
        (
            "vertex_ai",
            "gemini-2.5-flash",
            "{ vertex_project: acme, vertex_location: europe-west1, vertex_credentials: $VERTEX_JSON }",
            "vertex:\n    kind: vertex\n    google:\n      project: acme\n      location: europe-west1\n      service_account: ${VERTEX_JSON}\n",
        ),
        (
            "groq",
            "llama-3.3-70b",
            "{ api_key: $GROQ_API_KEY }",
            "groq:\n    kind: groq\n    api_key: ${GROQ_API_KEY}\n",
        ),
        (
            "xai",
            "grok-4",
            "{ api_key: $XAI_API_KEY, api_base: https://api.x.ai/v1 }",
            "xai:\n    kind: xai\n    api_key: ${XAI_API_KEY}\n",
        ),
        (
            "ollama",
            "llama3.2",
            "{ api_base: http://box:11434/v1 }",
            "ollama:\n    kind: ollama\n    base_url: http://box:11434/v1\n",
        ),
        (
            "portkey",
            "gpt-4o",
            "{ api_key: $PORTKEY_API_KEY, portkey_provider: '@openai-prod' }",
            "other:\n    kind: openai_compatible\n    base_url: https://api.portkey.ai/v1\n    headers:\n      x-portkey-api-key: ${PORTKEY_API_KEY}\n      x-portkey-provider: \"@openai-prod\"\n",
        ),
        (
            "litellm",
            "llama",
            "{ litellm_provider: fireworks_ai, litellm_auth_config: { auth_mode: api_key, api_key: $FIREWORKS_API_KEY } }",
            "fireworks:\n    kind: fireworks\n    api_key: ${FIREWORKS_API_KEY}\n",
        ),
    ] {
        let (draft, made) = import(&endpoint(provider, name, config));
        let expected = expected
            .strip_prefix("other:")
            .map_or_else(|| expected.to_owned(), |rest| format!("portkey:{rest}"));
        assert!(body(&made).starts_with(&format!("  {expected}")), "{provider}: {made}");
        assert_eq!(draft.lost, 0, "{provider}: {:?}", draft.notes);
    }
}

#[test]
fn a_whole_file() {
    let text = "\
endpoints:
  - name: chat
    endpoint_type: llm/v1/chat
    model: { provider: openai, name: gpt-4o-mini, config: { openai_api_key: $OPENAI_API_KEY } }
    limit: { renewal_period: minute, calls: 10, key: null }
  - name: embeddings
    endpoint_type: llm/v1/embeddings
    model: { provider: openai, name: text-embedding-3-small, config: { openai_api_key: $OPENAI_API_KEY } }
  - name: claude
    endpoint_type: llm/v1/chat
    model: { provider: anthropic, name: claude-haiku-4-5, config: { anthropic_api_key: $ANTHROPIC_API_KEY } }
routes:
  - name: split
    task_type: llm/v1/chat
    destinations:
      - { name: chat, traffic_percentage: 80 }
      - { name: claude, traffic_percentage: 20 }
    routing_strategy: TRAFFIC_SPLIT
";
    let (draft, made) = import(text);
    assert_eq!(
        made,
        "\
# Made of a test by `postern import`.
#
# What to know of it:
# - endpoints[0].limit: not carried: 10 calls in one minute: limits are set on keys and tenants, not in the document
providers:
  openai:
    kind: openai
    api_key: ${OPENAI_API_KEY}
  anthropic:
    kind: anthropic
    api_key: ${ANTHROPIC_API_KEY}
models:
  chat:
    targets:
      - provider: openai
        model: gpt-4o-mini
  embeddings:
    targets:
      - provider: openai
        model: text-embedding-3-small
  claude:
    targets:
      - provider: anthropic
        model: claude-haiku-4-5
  split:
    strategy: weighted
    targets:
      - provider: openai
        model: gpt-4o-mini
        weight: 80
      - provider: anthropic
        model: claude-haiku-4-5
        weight: 20
"
    );
    assert_eq!((draft.lost, draft.notes.len()), (1, 1));
}

#[test]
fn keys_in_the_open_are_never_shown() {
    let text = "\
endpoints:
  - name: one
    endpoint_type: llm/v1/chat
    model: { provider: openai, name: gpt-4o, config: { openai_api_key: sk-plain-one } }
  - name: two
    endpoint_type: llm/v1/chat
    model: { provider: openai, name: gpt-4o, config: { openai_api_key: sk-plain-two } }
  - name: three
    endpoint_type: llm/v1/chat
    model: { provider: openai, name: gpt-4o, config: { openai_api_key: sk-plain-one } }
  - name: four
    endpoint_type: llm/v1/chat
    model: { provider: bedrock, name: m, config: { aws_config: { aws_region: us-east-1, aws_access_key_id: AKIAPLAIN, aws_secret_access_key: plain/secret } } }
  - name: five
    endpoint_type: llm/v1/chat
    model: { provider: litellm, name: m, config: { litellm_provider: somebody, litellm_auth_config: { api_key: plain-lite, secret_thing: plain-too } } }
";
    let (draft, made) = import(text);
    for shown in std::iter::once(&made).chain(&draft.notes) {
        for secret in ["plain-one", "plain-two", "AKIAPLAIN", "plain/secret", "plain-lite", "plain-too"] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }
    assert!(
        made.contains("api_key: ${OPENAI_API_KEY}\n") && made.contains("api_key: ${OPENAI_API_KEY_2}\n"),
        "{made}"
    );
    assert!(!made.contains("OPENAI_API_KEY_3"), "{made}");
    assert!(draft.notes[0].contains("endpoints[0].model.config.openai_api_key: stands in the file itself"));
}

#[test]
fn what_is_not_carried_is_named() {
    for (provider, name, config, said) in [
        ("palm", "text-bison", "{ palm_api_key: $PALM_API_KEY }", "turned PaLM off"),
        ("mosaicml", "llama2-70b-chat", "{ mosaicml_api_key: $K }", "MosaicML"),
        ("ai21labs", "j2-mid", "{ ai21labs_api_key: $K }", "j2-mid"),
        ("typesafe", "x", "{ typesafe_api_key: $K }", "no provider like `typesafe`"),
        (
            "openai",
            "gpt-4o",
            "{ openai_api_key: $K, temperature_cap: secret-1 }",
            "config.temperature_cap: not carried",
        ),
    ] {
        let (draft, made) = import(&format!(
            "{}  - name: other\n    endpoint_type: llm/v1/chat\n    model: {{ provider: ollama, name: m, config: {{}} }}\n",
            endpoint(provider, name, config)
        ));
        assert!(
            draft.lost > 0 && draft.notes.iter().any(|note| note.contains(said)),
            "{provider}: {:?}",
            draft.notes
        );
        assert!(made.contains(said) && !made.contains("secret-1"), "{made}");
    }
}

#[test]
fn files_that_are_something_else() {
    for (text, said) in [
        ("models: []\n", "endpoints: expected a list"),
        ("endpoints:\n  - endpoint_type: llm/v1/chat\n", "endpoints[0].name: is missing"),
        ("endpoints:\n  - { name: a, endpoint_type: b }\n", "endpoints[0].model: is missing"),
        ("endpoints: [5]\n", "endpoints[0]: expected a mapping"),
        (
            "endpoints:\n  - { name: a, endpoint_type: llm/v1/chat, model: { provider: openai, name: m, config: {} } }\n",
            "endpoints[0].model.config.openai_api_key: is missing",
        ),
    ] {
        let value = Document::parse("g.yaml", text).and_then(Document::into_value).unwrap();
        let problem = mlflow::read(&value).unwrap_err();
        assert!(problem.contains(said), "{problem}");
    }
}

#[test]
fn texts_are_quoted_where_yaml_would_take_them_for_something_else() {
    use serde_json::json;
    let value = json!({
        "a": ["yes", "1.5", "", "a: b", "- x", "${NAME}", "x ${NAME}", "http://h:1/", "ü", "line\nbreak", "#", "m.1/x-y"],
        "b": { "c": {}, "d": [], "e": [[1, 2], { "f": null, "g": [true] }] },
    });
    let mut text = String::new();
    super::yaml::write(&value, &mut text);
    assert_eq!(Document::parse("t.yaml", &text).and_then(Document::into_value), Ok(value), "{text}");
    assert!(
        text.contains("- ${NAME}\n") && text.contains("- http://h:1/\n") && text.contains("- \"yes\"\n"),
        "{text}"
    );
}
