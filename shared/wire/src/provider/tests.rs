use bytes::Bytes;
use http::{Method, Request};

use super::*;

/// What is asked of a vendor in the format that it prefers.
fn answer(kind: &str) -> Operation<'static> {
    let preset = preset(kind).unwrap();
    match (preset.ways.first(), preset.embeddings("m-1").next()) {
        (Some(way), _) => Operation::Answer { way, model: "m-1" },
        (None, Some(service)) => Operation::json(service.path, "m-1"),
        // The built-in provider has no way, and no address to find that out by.
        (None, None) => Operation::Answer { way: &table::CHAT, model: "m-1" },
    }
}

fn chat(
    kind: &str,
    base_url: Option<&str>,
    headers: &[(String, String)],
    key: Option<&str>,
) -> Request<Bytes> {
    let endpoint = Endpoint { preset: preset(kind).unwrap(), base_url, headers };
    endpoint.request(answer(kind), key, Bytes::from_static(b"{}"), false).unwrap()
}

fn refusal(kind: &str, base_url: Option<&str>, headers: &[(&str, &str)], key: Option<&str>) -> String {
    let headers: Vec<_> =
        headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let endpoint = Endpoint { preset: preset(kind).unwrap(), base_url, headers: &headers };
    endpoint.request(answer(kind), key, Bytes::new(), false).unwrap_err().to_string()
}

/// Every vendor with the address that a call must go to, for embeddings where it has no conversations; `configured` stands in where each account has its own.
const ADDRESSES: &[(&str, &str)] = &[
    ("ai21", "https://api.ai21.com/studio/v1/chat/completions"),
    ("anthropic", "https://api.anthropic.com/v1/messages"),
    ("azure", "https://configured.test/base/chat/completions"),
    ("baseten", "https://inference.baseten.co/v1/chat/completions"),
    ("bedrock", "https://configured.test/base/model/m-1/converse"),
    ("cerebras", "https://api.cerebras.ai/v1/chat/completions"),
    ("chutes", "https://llm.chutes.ai/v1/chat/completions"),
    ("cloudflare", "https://configured.test/base/chat/completions"),
    ("codestral", "https://codestral.mistral.ai/v1/chat/completions"),
    ("cohere", "https://api.cohere.com/v2/chat"),
    ("crusoe", "https://api.inference.crusoecloud.com/v1/chat/completions"),
    ("dashscope", "https://dashscope-intl.aliyuncs.com/compatible-mode/v1/chat/completions"),
    ("databricks", "https://configured.test/base/chat/completions"),
    ("deepinfra", "https://api.deepinfra.com/v1/openai/chat/completions"),
    ("deepseek", "https://api.deepseek.com/chat/completions"),
    ("featherless", "https://api.featherless.ai/v1/chat/completions"),
    ("fireworks", "https://api.fireworks.ai/inference/v1/chat/completions"),
    ("friendli", "https://api.friendli.ai/serverless/v1/chat/completions"),
    ("gemini", "https://generativelanguage.googleapis.com/v1beta/models/m-1:generateContent"),
    ("github", "https://models.github.ai/inference/chat/completions"),
    ("gmi", "https://api.gmi-serving.com/v1/chat/completions"),
    ("groq", "https://api.groq.com/openai/v1/chat/completions"),
    ("heroku", "https://us.inference.heroku.com/v1/chat/completions"),
    ("huggingface", "https://router.huggingface.co/v1/chat/completions"),
    ("hyperbolic", "https://api.hyperbolic.xyz/v1/chat/completions"),
    ("inception", "https://api.inceptionlabs.ai/v1/chat/completions"),
    ("jina", "https://api.jina.ai/v1/embeddings"),
    ("llamacpp", "http://127.0.0.1:8080/v1/chat/completions"),
    ("lmstudio", "http://127.0.0.1:1234/v1/chat/completions"),
    ("meta", "https://api.meta.ai/v1/chat/completions"),
    ("minimax", "https://api.minimax.io/v1/chat/completions"),
    ("mistral", "https://api.mistral.ai/v1/chat/completions"),
    ("mlflow", "https://configured.test/base/invocations"),
    ("moonshot", "https://api.moonshot.ai/v1/chat/completions"),
    ("morph", "https://api.morphllm.com/v1/chat/completions"),
    ("nebius", "https://api.tokenfactory.nebius.com/v1/chat/completions"),
    ("novita", "https://api.novita.ai/openai/v1/chat/completions"),
    ("nscale", "https://inference.api.nscale.com/v1/chat/completions"),
    ("nvidia", "https://integrate.api.nvidia.com/v1/chat/completions"),
    ("ollama", "http://127.0.0.1:11434/v1/chat/completions"),
    ("openai", "https://api.openai.com/v1/chat/completions"),
    ("openai_compatible", "https://configured.test/base/chat/completions"),
    ("openrouter", "https://openrouter.ai/api/v1/chat/completions"),
    ("ovhcloud", "https://oai.endpoints.kepler.ai.cloud.ovh.net/v1/chat/completions"),
    ("perplexity", "https://api.perplexity.ai/v1/responses"),
    ("rest", "https://configured.test/base/chat/completions"),
    ("sagemaker", "https://configured.test/base/endpoints/m-1/invocations"),
    ("sambanova", "https://api.sambanova.ai/v1/chat/completions"),
    ("scaleway", "https://api.scaleway.ai/v1/chat/completions"),
    ("sglang", "http://127.0.0.1:30000/v1/chat/completions"),
    ("snowflake", "https://configured.test/base/chat/completions"),
    ("tgi", "http://127.0.0.1:8080/v1/chat/completions"),
    ("together", "https://api.together.xyz/v1/chat/completions"),
    ("venice", "https://api.venice.ai/api/v1/chat/completions"),
    ("vercel", "https://ai-gateway.vercel.sh/v1/chat/completions"),
    ("vertex", "https://configured.test/base/publishers/google/models/m-1:generateContent"),
    ("vllm", "http://127.0.0.1:8000/v1/chat/completions"),
    ("volcengine", "https://ark.cn-beijing.volces.com/api/v3/chat/completions"),
    ("voyage", "https://api.voyageai.com/v1/embeddings"),
    ("watsonx", "https://configured.test/base/ml/v1/text/chat?version=2025-02-11"),
    ("xai", "https://api.x.ai/v1/chat/completions"),
    ("zai", "https://api.z.ai/api/paas/v4/chat/completions"),
];

#[test]
fn every_vendor_is_called_at_its_address_with_its_key() {
    let expected: Vec<_> = ADDRESSES.iter().map(|(kind, _)| *kind).collect();
    let all: Vec<_> = kinds().filter(|kind| *kind != DEMO).collect();
    assert_eq!(all, expected, "each vendor has a row in this test");
    for (kind, address) in ADDRESSES {
        let configured = preset(kind).unwrap().needs_base_url().then_some("https://configured.test/base/");
        let request = chat(kind, configured, &[], Some("secret"));
        assert_eq!(request.method(), Method::POST);
        assert_eq!(request.uri(), address, "{kind}");
        assert_eq!(request.headers()["content-type"], "application/json");
        assert_eq!(request.headers()["accept"], "application/json");
        assert_eq!(request.headers()["user-agent"], concat!("postern/", env!("CARGO_PKG_VERSION")));
        let (name, value) = match *kind {
            // Its requests are signed.
            "sagemaker" => {
                assert_eq!(request.headers().len(), 3);
                continue;
            }
            "azure" => ("api-key", "secret"),
            "anthropic" => ("x-api-key", "secret"),
            "gemini" => ("x-goog-api-key", "secret"),
            _ => ("authorization", "Bearer secret"),
        };
        assert_eq!(request.headers()[name], value, "{kind}");
        assert!(request.headers()[name].is_sensitive(), "{kind}");
        assert_eq!(request.headers().len(), 4 + preset(kind).unwrap().headers.len(), "{kind}");
        assert!(!format!("{request:?}").contains("secret"), "{kind}");
    }
}

#[test]
fn rows_are_ordered_and_whole() {
    assert!(presets().is_sorted_by(|a, b| a.kind < b.kind));
    for row in presets() {
        assert_eq!(preset(row.kind), Some(row));
        assert!(!row.title.is_empty());
        if row.is_demo() {
            continue;
        }
        let other =
            row.is_declared() || row.embeddings("").next().is_some() || row.reranking("").next().is_some();
        assert!(
            (!row.ways.is_empty() || other)
                && (row.models_path.is_empty() || row.models_path.starts_with('/')),
            "{}",
            row.kind
        );
        for way in row.ways {
            let rooted = |path: &str| path.starts_with('/');
            assert!(
                rooted(way.path) && (way.stream_path.is_empty() || rooted(way.stream_path)),
                "{}",
                row.kind
            );
            let addressed = way.dialect.is_addressed() || way.dress == Dress::Vertex;
            if way.dress != Dress::Unnamed {
                assert_eq!(way.path.contains("{model}"), addressed, "{}", row.kind);
            }
        }
        assert_eq!(row.base_url.is_empty(), !row.base_url_form.is_empty(), "{}", row.kind);
        let address = if row.base_url.is_empty() { row.base_url_form } else { row.base_url };
        assert_eq!(row.check_base_url(address), Ok(()), "{}", row.kind);
        assert!(!address.ends_with('/'), "{}", row.kind);
    }
    assert_eq!(preset("nobody"), None);
    assert_eq!(preset("OpenAI"), None);
}

#[test]
fn slashes_are_joined_once() {
    for base_url in ["https://h.test/v1", "https://h.test/v1/", "https://h.test/v1//"] {
        assert_eq!(chat("openai", Some(base_url), &[], None).uri(), "https://h.test/v1/chat/completions");
    }
    assert_eq!(chat("openai", Some("http://[::1]:9/"), &[], None).uri(), "http://[::1]:9/chat/completions");
    assert_eq!(
        chat("gemini", Some("https://h.test/"), &[], None).uri(),
        "https://h.test/v1beta/models/m-1:generateContent"
    );
    assert_eq!(chat("anthropic", Some("https://h.test/a"), &[], None).uri(), "https://h.test/a/v1/messages");
}

#[test]
fn wrong_base_urls_are_refused_with_a_reason() {
    for (kind, base_url, reason) in [
        ("openai", "api.openai.com/v1", "must begin with https://"),
        ("openai", "ftp://api.openai.com", "must begin with https://"),
        ("openai", "", "must begin with https://"),
        ("openai", "https://", "not a URL"),
        ("openai", "https:///v1", "not a URL"),
        ("openai", "https://h.test:99999/v1", "not a URL"),
        ("openai", "https://h.test/a b", "not a URL"),
        ("openai", "https://h.test/v1?api-version=1", "query"),
        ("openai", "https://h.test/v1#x", "query"),
        ("openai", "https://user:hunter2@h.test/v1", "user name or password"),
        ("openai", "https://h.test/v1/chat/completions", "leave that part out"),
        ("openai", "https://h.test/v1/chat/completions/", "leave that part out"),
        ("anthropic", "https://api.anthropic.com/v1", "leave out /v1"),
        ("gemini", "https://generativelanguage.googleapis.com/v1beta/", "leave out /v1beta"),
        ("demo", "https://h.test", "takes no base_url"),
    ] {
        let message = refusal(kind, Some(base_url), &[], None);
        assert!(message.starts_with("base_url: ") && message.contains(reason), "{base_url}: {message}");
        assert!(!message.contains("hunter2"), "{message}");
    }
    let message = refusal("azure", None, &[], None);
    assert!(message.contains("https://RESOURCE.openai.azure.com/openai/v1"), "{message}");
    assert!(refusal("demo", None, &[], None).contains("built-in"));
}

#[test]
fn configured_headers_replace_ours() {
    let headers = [
        ("Authorization".to_owned(), "Basic abc".to_owned()),
        ("User-Agent".to_owned(), "acme/1".to_owned()),
        ("x-team".to_owned(), "blue".to_owned()),
    ];
    let request = chat("openai", None, &headers, Some("secret"));
    assert_eq!(request.headers()["authorization"], "Basic abc");
    assert_eq!(request.headers().get_all("authorization").iter().count(), 1);
    assert_eq!(request.headers()["user-agent"], "acme/1");
    assert_eq!(request.headers()["x-team"], "blue");
    assert!(!format!("{request:?}").contains("Basic abc"));
}

#[test]
fn unusable_keys_and_headers_are_refused_unquoted() {
    for (headers, key, field) in [
        (&[][..], Some("hunter2\n"), "api_key"),
        (&[], Some(" "), "api_key"),
        (&[("x-a", "hunter2\r\nx-b: 1")], None, "headers.x-a"),
        (&[("x a", "hunter2")], None, "headers.x a"),
        (&[("Content-Length", "hunter2")], None, "headers.Content-Length"),
        (&[("transfer-encoding", "hunter2")], None, "headers.transfer-encoding"),
    ] {
        let message = refusal("openai", None, headers, key);
        assert!(message.starts_with(field), "{message}");
        assert!(!message.contains("hunter2"), "{message}");
    }
}

#[test]
fn streams_and_model_lists() {
    let endpoint = Endpoint { preset: preset("gemini").unwrap(), base_url: None, headers: &[] };
    let operation = Operation::Answer { way: &endpoint.preset.ways[0], model: "models/a b:c" };
    let stream = endpoint.request(operation, None, Bytes::new(), true).unwrap();
    assert_eq!(
        stream.uri(),
        "https://generativelanguage.googleapis.com/v1beta/models/a%20b%3Ac:streamGenerateContent?alt=sse"
    );
    assert_eq!(stream.headers()["accept"], "text/event-stream, application/json");
    assert!(!stream.headers().contains_key("x-goog-api-key"), "no key, no header");
    let models = endpoint.request(Operation::Models, Some("k"), Bytes::new(), false).unwrap();
    assert_eq!(models.method(), Method::GET);
    assert_eq!(models.uri(), "https://generativelanguage.googleapis.com/v1beta/models");
    assert!(!models.headers().contains_key("content-type"));
}

#[test]
fn vendors_that_refuse_stream_options() {
    let refusing: Vec<_> =
        presets().iter().filter(|preset| !preset.stream_options).map(|preset| preset.kind).collect();
    assert_eq!(refusing, ["codestral", "databricks", "mistral", "mlflow", "sagemaker", "watsonx"]);
}

#[test]
fn an_arn_is_one_segment_of_a_path() {
    let base_url = Some("https://h.test");
    let endpoint = Endpoint { preset: preset("bedrock").unwrap(), base_url, headers: &[] };
    let path = |model| {
        let operation = Operation::Answer { way: &endpoint.preset.ways[0], model };
        endpoint.url(operation, true).unwrap().path().to_owned()
    };
    assert_eq!(path("amazon.nova-lite-v1:0"), "/model/amazon.nova-lite-v1%3A0/converse-stream");
    assert_eq!(
        path("arn:aws:bedrock:eu-central-1:123456789012:inference-profile/eu.amazon.nova-lite-v1:0"),
        "/model/arn%3Aaws%3Abedrock%3Aeu-central-1%3A123456789012%3Ainference-profile%2Feu.amazon.nova-lite-v1%3A0\
         /converse-stream"
    );
}

#[test]
fn models_of_vertex_are_told_apart_by_their_names() {
    let vertex = preset("vertex").unwrap();
    let base_url = vertex::address("us-east5") + &vertex::place("acme", "us-east5");
    let url = |model: &str| {
        let mut ways = vertex.ways.iter().filter(|way| way.models.has(model));
        let way = ways.next().unwrap();
        assert_eq!(ways.next(), None, "{model}");
        let endpoint = Endpoint { preset: vertex, base_url: Some(&base_url), headers: &[] };
        let url = endpoint.url(Operation::Answer { way, model }, false).unwrap().to_string();
        let start = "https://us-east5-aiplatform.googleapis.com/v1/projects/acme/locations/us-east5/";
        url.strip_prefix(start).unwrap().to_owned()
    };
    for model in ["gemini-2.5-pro", "google/gemini-2.5-pro"] {
        assert_eq!(url(model), "publishers/google/models/gemini-2.5-pro:generateContent");
    }
    for model in ["claude-sonnet-4-5@20250929", "anthropic/claude-sonnet-4-5@20250929"] {
        assert_eq!(url(model), "publishers/anthropic/models/claude-sonnet-4-5@20250929:rawPredict");
    }
    assert_eq!(url("meta/llama-4-maverick-17b-128e-instruct-maas"), "endpoints/openapi/chat/completions");
}

#[test]
fn addresses_have_their_region() {
    let address = |kind, region| preset(kind).unwrap().address_in(region);
    let is = |kind, region, url: &str| assert_eq!(address(kind, region).as_deref(), Some(url));
    is("bedrock", "eu-west-1", "https://bedrock-runtime.eu-west-1.amazonaws.com");
    is("bedrock", "cn-north-1", "https://bedrock-runtime.cn-north-1.amazonaws.com.cn");
    is("vertex", "global", "https://aiplatform.googleapis.com");
    is("vertex", "eu", "https://aiplatform.eu.rep.googleapis.com");
    is("vertex", "europe-west1", "https://europe-west1-aiplatform.googleapis.com");
    assert_eq!(address("openai", "eu"), None);
}

#[test]
fn claude_is_dressed_for_vertex_and_every_other_byte_stays() {
    let dress = |body: &'static str, counts| vertex::dress(&Bytes::from_static(body.as_bytes()), counts);
    let version = r#""anthropic_version":"vertex-2023-10-16""#;
    let body = r#"{ "max_tokens" : 1.0e1, "model" : "claude" ,"messages":[{"x":"\u0041"}]}"#;
    assert_eq!(
        dress(body, false),
        format!(r#"{{ "max_tokens" : 1.0e1, {version} ,"messages":[{{"x":"\u0041"}}]}}"#)
    );
    assert_eq!(dress(body, true), body.replace("\"model\"", &format!("{version},\"model\"")));
    let own = r#"{"model":"a", "anthropic_version":"vertex-2099-01-01"}"#;
    assert_eq!(dress(own, false), r#"{"anthropic_version":"vertex-2099-01-01"}"#);
    let last = r#"{"anthropic_version":"v","model":"a"}"#;
    assert_eq!(dress(last, false), r#"{"anthropic_version":"v"}"#);
    assert_eq!(dress(last, true), last);
}

#[test]
fn chat_is_told_in_the_words_of_watsonx() {
    let body = r#"{"model":"ibm/granite","stream":true,"messages":[{"role":"user","content":"a"}],"tool_choice":"auto",
        "temperature":0.70,"stream_options":null}"#;
    let dressed = watsonx::dress(&Bytes::from_static(body.as_bytes()), watsonx::Workspace::Project("p\"1"));
    assert_eq!(
        dressed,
        r#"{"project_id":"p\"1","model_id":"ibm/granite","messages":[{"role":"user","content":"a"}],"tool_choice_option":"auto","temperature":0.70}"#
    );
    let forced = r#"{"tool_choice":{"type":"function","function":{"name":"f"}}}"#;
    let dressed = watsonx::dress(&Bytes::from_static(forced.as_bytes()), watsonx::Workspace::Space("s"));
    assert_eq!(dressed, r#"{"space_id":"s","tool_choice":{"type":"function","function":{"name":"f"}}}"#);
}

#[test]
fn other_operations_are_asked_for_where_vendors_have_them() {
    let embeddings = |kind: &str, model| {
        let ways = preset(kind).unwrap().embeddings(model).map(|way| (way.format.name(), way.path));
        ways.collect::<Vec<_>>()
    };
    assert_eq!(embeddings("openai", "m"), [("openai_embeddings", "/embeddings")]);
    assert_eq!(embeddings("cohere", "m"), [("cohere_embed", "/v2/embed")]);
    let invoke = "/model/{model}/invoke";
    assert_eq!(embeddings("bedrock", "us.cohere.embed-v4:0"), [("bedrock_cohere_embed", invoke)]);
    assert_eq!(embeddings("bedrock", "amazon.titan-embed-text-v2:0"), [("bedrock_titan_embed", invoke)]);
    for (kind, model) in [("bedrock", "anthropic.claude"), ("anthropic", "m"), ("groq", "m"), ("demo", "m")] {
        assert_eq!(embeddings(kind, model), [], "{kind}");
    }
    let reranking = |kind: &str| {
        let way = preset(kind).unwrap().reranking("cohere.rerank-v3-5:0").next();
        way.map(|way| (way.format.name(), way.path))
    };
    assert_eq!(reranking("cohere"), Some(("cohere_rerank", "/v2/rerank")));
    assert_eq!(reranking("jina"), Some(("cohere_rerank", "/rerank")));
    assert_eq!(reranking("voyage"), Some(("voyage_rerank", "/rerank")));
    assert_eq!(reranking("bedrock"), Some(("bedrock_cohere_rerank", invoke)));
    assert_eq!(reranking("openai"), None);
    assert_eq!(preset("mistral").unwrap().moderations(), Some("/moderations"));
    assert_eq!(preset("groq").unwrap().moderations(), None);
    // Every vendor that is named is one.
    for kind in services::named() {
        assert!(preset(kind).is_some(), "{kind}");
    }
}
