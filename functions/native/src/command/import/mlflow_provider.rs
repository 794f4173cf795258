//! The providers of MLflow's gateway: what each has in `model.config`, and what it is here.

use serde_json::{Map, Value, json};

use super::draft::Draft;
use super::fields::Fields;

/// Where an endpoint's calls go.
pub(super) enum Carried {
    /// To a model of a provider of the output.
    As { provider: String, model: String },
    /// Nowhere, and why.
    Not(String),
}

/// Vendors whose settings are a key, in a member of this name, and nothing else: MLflow's name, the kind here, the
/// member, the variable that the vendor's own tools read.
const KEY_ONLY: [(&str, &str, &str, &str); 5] = [
    ("cohere", "cohere", "cohere_api_key", "COHERE_API_KEY"),
    ("gemini", "gemini", "gemini_api_key", "GEMINI_API_KEY"),
    ("mistral", "mistral", "mistral_api_key", "MISTRAL_API_KEY"),
    ("togetherai", "together", "togetherai_api_key", "TOGETHER_API_KEY"),
    ("ai21labs", "ai21", "ai21labs_api_key", "AI21_API_KEY"),
];

/// Vendors that MLflow calls as it calls OpenAI, with `api_key` and `api_base`. The kind here is the same.
const LIKE_OPENAI: [(&str, &str, &str); 5] = [
    ("deepseek", "DEEPSEEK_API_KEY", "https://api.deepseek.com/v1"),
    ("groq", "GROQ_API_KEY", "https://api.groq.com/openai/v1"),
    ("ollama", "OLLAMA_API_KEY", "http://localhost:11434/v1"),
    ("openrouter", "OPENROUTER_API_KEY", "https://openrouter.ai/api/v1"),
    ("xai", "XAI_API_KEY", "https://api.x.ai/v1"),
];

/// Carries the provider of an endpoint of type `kind`; `model` is the name of its model.
///
/// # Errors
/// If a member is missing or of another type.
pub(super) fn carry(
    provider: &str,
    model: Option<&str>,
    kind: &str,
    config: &mut Fields<'_>,
    draft: &mut Draft,
) -> Result<Carried, String> {
    // MLflow takes either spelling.
    let provider = provider.to_ascii_lowercase().replace('_', "-");
    let need_model =
        || model.map(str::to_owned).ok_or_else(|| format!("{}: needs model.name", config_owner(config)));
    if let Some((_, ours, member, variable)) = KEY_ONLY.iter().find(|(theirs, ..)| *theirs == provider) {
        let model = need_model()?;
        if provider == "ai21labs" && model.starts_with("j2-") {
            return Ok(Carried::Not(format!("AI21 has no longer the model {model}; name a Jamba model")));
        }
        let key = need_secret(config, member, variable, draft)?;
        return Ok(add(draft, ours, settings(ours, &[("api_key", Some(key))]), model));
    }
    if let Some((ours, variable, usual)) = LIKE_OPENAI.iter().find(|(theirs, ..)| *theirs == provider) {
        let model = need_model()?;
        let key = config.secret("api_key", variable, draft)?;
        let base = config.text("api_base")?.filter(|base| base.trim_end_matches('/') != *usual);
        return Ok(add(draft, ours, settings(ours, &[("base_url", base), ("api_key", key)]), model));
    }
    match provider.as_str() {
        "openai" | "azure" => openai(&provider, model, config, draft),
        "anthropic" => {
            let model = need_model()?;
            let key = need_secret(config, "anthropic_api_key", "ANTHROPIC_API_KEY", draft)?;
            // Here the address has no version.
            let base = config.text("anthropic_api_base")?;
            let base = base.map(|base| base.trim_end_matches('/').trim_end_matches("/v1").to_owned());
            let base = base.filter(|base| base != "https://api.anthropic.com");
            let mut made = settings("anthropic", &[("base_url", base), ("api_key", Some(key))]);
            let version = config.text("anthropic_version")?.filter(|version| version != "2023-06-01");
            put_headers(&mut made, &[("anthropic-version", version)]);
            Ok(add(draft, "anthropic", made, model))
        }
        "bedrock" | "amazon-bedrock" => bedrock(need_model()?, config, draft),
        "databricks" | "databricks-model-serving" => databricks(need_model()?, config, draft),
        "huggingface-text-generation-inference" => {
            let base = config.need("hf_server_url")?;
            let base = format!("{}/v1", base.trim_end_matches('/').trim_end_matches("/v1"));
            // The server has one model, whatever it is called.
            let model = model.unwrap_or("tgi").to_owned();
            Ok(add(draft, "tgi", settings("tgi", &[("base_url", Some(base))]), model))
        }
        "portkey" => portkey(need_model()?, config, draft),
        "litellm" => litellm(need_model()?, config, draft),
        "mlflow-model-serving" => Ok(model_server(kind, model, config, draft)?),
        "vertex-ai" => vertex(need_model()?, config, draft),
        "palm" => Ok(Carried::Not("Google has turned PaLM off: name a provider of kind gemini".to_owned())),
        "mosaicml" => Ok(Carried::Not(
            "MosaicML's inference service is no more; its models are at Databricks: name a provider of kind databricks"
                .to_owned(),
        )),
        other => Ok(Carried::Not(format!("Postern has no provider like `{other}`"))),
    }
}

/// OpenAI, and Azure OpenAI as one of its types.
fn openai(
    provider: &str,
    model: Option<&str>,
    config: &mut Fields<'_>,
    draft: &mut Draft,
) -> Result<Carried, String> {
    let usual = if provider == "azure" { "azure" } else { "openai" };
    let kind = config.text("openai_api_type")?.unwrap_or_else(|| usual.to_owned()).to_ascii_lowercase();
    let base = config.text("openai_api_base")?;
    let deployment = config.text("openai_deployment_name")?;
    let version = config.take("openai_api_version");
    match kind.as_str() {
        "openai" => {
            let model = model.ok_or_else(|| format!("{}: needs model.name", config_owner(config)))?;
            let key = need_secret(config, "openai_api_key", "OPENAI_API_KEY", draft)?;
            let base = base.filter(|base| base.trim_end_matches('/') != "https://api.openai.com/v1");
            let organization = config.text("openai_organization")?;
            let mut made = settings("openai", &[("base_url", base), ("api_key", Some(key))]);
            put_headers(&mut made, &[("openai-organization", organization)]);
            Ok(add(draft, "openai", made, model.to_owned()))
        }
        "azure" | "azuread" => {
            let base = base.ok_or_else(|| format!("{}: is missing", config.at("openai_api_base")))?;
            let model = deployment.or_else(|| model.map(str::to_owned));
            let model =
                model.ok_or_else(|| format!("{}: is missing", config.at("openai_deployment_name")))?;
            if version.is_some() {
                draft
                    .advise(&config.at("openai_api_version"), "is not needed: Azure is called by its v1 API");
            }
            let base = base.trim_end_matches('/').trim_end_matches("/openai/v1").trim_end_matches("/openai");
            let base = Some(format!("{base}/openai/v1"));
            let key = need_secret(config, "openai_api_key", "AZURE_OPENAI_API_KEY", draft)?;
            if kind == "azure" {
                return Ok(add(
                    draft,
                    "azure",
                    settings("azure", &[("base_url", base), ("api_key", Some(key))]),
                    model,
                ));
            }
            let mut made = settings("azure", &[("base_url", base)]);
            put_headers(&mut made, &[("authorization", Some(format!("Bearer {key}")))]);
            let advice = "is a token of Entra ID, which ends: something has to keep the secret fresh";
            draft.advise(&config.at("openai_api_key"), advice);
            Ok(add(draft, "azure", made, model))
        }
        _ => Err(format!("{}: expected openai, azure or azuread", config.at("openai_api_type"))),
    }
}

fn bedrock(model: String, config: &mut Fields<'_>, draft: &mut Draft) -> Result<Carried, String> {
    let Some(aws) = config.take("aws_config") else {
        return Err(format!("{}: is missing", config.at("aws_config")));
    };
    let mut aws = Fields::of(config.at("aws_config"), aws)?;
    let region = match aws.text("aws_region")? {
        Some(region) => region,
        None => {
            draft.advise(&aws.at("aws_region"), "is not given: us-east-1 is written; say which it is");
            "us-east-1".to_owned()
        }
    };
    let base = Some(format!("https://bedrock-runtime.{region}.amazonaws.com"));
    let token = aws.secret("aws_bearer_token", "AWS_BEARER_TOKEN_BEDROCK", draft)?;
    let id = aws.secret("aws_access_key_id", "AWS_ACCESS_KEY_ID", draft)?;
    let secret = aws.secret("aws_secret_access_key", "AWS_SECRET_ACCESS_KEY", draft)?;
    let session = aws.secret("aws_session_token", "AWS_SESSION_TOKEN", draft)?;
    let role = aws.text("aws_role_arn")?;
    if aws.take("session_length_seconds").is_some() {
        draft.advise(
            &aws.at("session_length_seconds"),
            "is not needed: a session lasts an hour and is renewed",
        );
    }
    let mut made = settings("bedrock", &[("base_url", base), ("api_key", token.clone())]);
    if token.is_none() {
        // Without keys, those of the environment are used here as there.
        let members = [
            ("region", Some(region)),
            ("access_key_id", id),
            ("secret_access_key", secret),
            ("session_token", session),
            ("role_arn", role),
        ];
        let account = members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.into())));
        made["aws"] = Value::Object(account.collect());
    }
    aws.finish(draft);
    Ok(add(draft, "bedrock", made, model))
}

fn databricks(model: String, config: &mut Fields<'_>, draft: &mut Draft) -> Result<Carried, String> {
    let host = match config.text("host")? {
        Some(host) => host,
        None => config.text("databricks_workspace_url")?.unwrap_or_else(|| {
            draft.advise(&config.at("host"), "is not given: the environment's DATABRICKS_HOST is used");
            "${DATABRICKS_HOST}".to_owned()
        }),
    };
    let base =
        format!("{}/serving-endpoints", host.trim_end_matches('/').trim_end_matches("/serving-endpoints"));
    let token = match config.secret("token", "DATABRICKS_TOKEN", draft)? {
        Some(token) => Some(token),
        None => config.secret("databricks_api_token", "DATABRICKS_TOKEN", draft)?,
    };
    let mut made = settings("databricks", &[("base_url", Some(base)), ("api_key", token.clone())]);
    let id = config.text("client_id")?;
    let secret = config.secret("client_secret", "DATABRICKS_CLIENT_SECRET", draft)?;
    match (token, id, secret) {
        (None, Some(id), Some(secret)) => {
            // `$NAME` names a variable here too.
            let id = id.strip_prefix('$').map_or_else(|| id.clone(), |name| format!("${{{name}}}"));
            made["oauth"] = json!({ "client_id": id, "client_secret": secret });
        }
        (None, ..) => {
            draft.advise(&config.at("token"), "is not given: set the secret DATABRICKS_TOKEN");
            made["api_key"] = "${DATABRICKS_TOKEN}".into();
        }
        (Some(_), ..) => {}
    }
    Ok(add(draft, "databricks", made, model))
}

/// Portkey's gateway: it is told in headers where to go.
fn portkey(model: String, config: &mut Fields<'_>, draft: &mut Draft) -> Result<Carried, String> {
    let base = config.text("api_base")?.unwrap_or_else(|| "https://api.portkey.ai/v1".to_owned());
    let key = need_secret(config, "api_key", "PORTKEY_API_KEY", draft)?;
    let provider = config.text("portkey_provider")?;
    // A saved configuration has an id; one written out may hold keys.
    let saved = config.secret("portkey_config", "PORTKEY_CONFIG", draft)?;
    let vendor = config.secret("provider_api_key", "PORTKEY_PROVIDER_API_KEY", draft)?;
    let mut made = settings("openai_compatible", &[("base_url", Some(base)), ("api_key", vendor)]);
    put_headers(
        &mut made,
        &[("x-portkey-api-key", Some(key)), ("x-portkey-provider", provider), ("x-portkey-config", saved)],
    );
    Ok(add(draft, "portkey", made, model))
}

/// A model server, which MLflow tells of conversations and prompts as the input of a classic model, `inputs`, and which
/// answers with `predictions`: the first, or that in the only member, or in `choices`.
fn model_server(
    kind: &str,
    model: Option<&str>,
    config: &mut Fields<'_>,
    draft: &mut Draft,
) -> Result<Carried, String> {
    let base = config.need("model_server_url")?;
    let model = model.unwrap_or("model").to_owned();
    let url = base.trim_end_matches('/').trim_end_matches("/invocations").to_owned();
    if kind == "llm/v1/embeddings" {
        let made = settings("mlflow", &[("base_url", Some(url))]);
        let advice = "embeddings are asked with `input`, for a model of signature llm/v1/embeddings, not with `inputs`";
        draft.advise(&config.at("model_server_url"), advice);
        return Ok(add(draft, "mlflow", made, model));
    }
    let params = ["temperature", "max_tokens", "top_p", "stop", "n"];
    let params: Map<String, Value> =
        params.iter().map(|name| ((*name).to_owned(), format!("{{{{ {name} }}}}").into())).collect();
    let text = "{{ body.predictions[0] if body.predictions[0] is defined else \
                (body.predictions.choices | default(body.predictions.candidates))[0] }}";
    let made = json!({
        "kind": "rest",
        "base_url": url,
        "rest": {
            "path": "/invocations",
            "chat": { "request": { "inputs": ["{{ prompt }}"], "params": params }, "text": text },
            "invocation": {},
        },
    });
    Ok(add(draft, "mlflow", made, model))
}

fn vertex(model: String, config: &mut Fields<'_>, draft: &mut Draft) -> Result<Carried, String> {
    let location = config.text("vertex_location")?.unwrap_or_else(|| "global".to_owned());
    let mut google = json!({ "project": config.need("vertex_project")?, "location": location });
    match config.secret("vertex_credentials", "VERTEX_SERVICE_ACCOUNT", draft)? {
        Some(account) => google["service_account"] = account.into(),
        None => {
            google["service_account"] = "${VERTEX_SERVICE_ACCOUNT}".into();
            let advice =
                "is not given: set the secret VERTEX_SERVICE_ACCOUNT to the key file of a service account";
            draft.advise(&config.at("vertex_credentials"), advice);
        }
    }
    if config.take("vertex_anthropic_betas").is_some() {
        draft.lose(
            &config.at("vertex_anthropic_betas"),
            "what callers send in anthropic-beta passes as it is",
        );
    }
    Ok(add(draft, "vertex", json!({ "kind": "vertex", "google": google }), model))
}

/// What MLflow calls through LiteLLM: the vendor by LiteLLM's name, the settings as LiteLLM takes them.
fn litellm(model: String, config: &mut Fields<'_>, draft: &mut Draft) -> Result<Carried, String> {
    let vendor = config.text("litellm_provider")?.unwrap_or_default();
    let none = Value::Object(Map::new());
    let mut auth =
        Fields::of(config.at("litellm_auth_config"), config.take("litellm_auth_config").unwrap_or(&none))?;
    auth.take("auth_mode");
    let base = auth.text("api_base")?;
    let ours = match vendor.as_str() {
        "together_ai" => "together",
        "fireworks_ai" => "fireworks",
        "hosted_vllm" => "vllm",
        "lm_studio" => "lmstudio",
        "nvidia_nim" => "nvidia",
        other => other,
    };
    let preset =
        postern_wire::provider::preset(ours).filter(|preset| !preset.is_demo() && preset.is_openai_like());
    let (kind, variable) = match preset {
        Some(preset) if base.is_some() || !preset.needs_base_url() => (preset.kind, preset.key_variable),
        _ if base.is_some() => ("openai_compatible", ""),
        _ => {
            let reason =
                format!("LiteLLM's provider `{vendor}` has no address here: write a provider for it by hand");
            auth.take("api_key");
            return Ok(Carried::Not(reason));
        }
    };
    let variable = if variable.is_empty() { "LITELLM_API_KEY" } else { variable };
    let key = auth.secret("api_key", variable, draft)?;
    auth.finish(draft);
    Ok(add(draft, kind, settings(kind, &[("base_url", base), ("api_key", key)]), model))
}

fn add(draft: &mut Draft, name: &str, settings: Value, model: String) -> Carried {
    Carried::As { provider: draft.provider(&name.replace("openai_compatible", "other"), settings), model }
}

fn settings(kind: &str, members: &[(&str, Option<String>)]) -> Value {
    let mut map = Map::new();
    map.insert("kind".to_owned(), kind.into());
    for (name, value) in members {
        if let Some(value) = value {
            map.insert((*name).to_owned(), value.as_str().into());
        }
    }
    Value::Object(map)
}

fn put_headers(settings: &mut Value, headers: &[(&str, Option<String>)]) {
    let given =
        headers.iter().filter_map(|(name, value)| Some(((*name).to_owned(), value.as_deref()?.into())));
    let headers: Map<String, Value> = given.collect();
    if !headers.is_empty() {
        settings["headers"] = headers.into();
    }
}

fn need_secret(
    config: &mut Fields<'_>,
    name: &str,
    variable: &str,
    draft: &mut Draft,
) -> Result<String, String> {
    config.secret(name, variable, draft)?.ok_or_else(|| format!("{}: is missing", config.at(name)))
}

/// The model that settings belong to.
fn config_owner<'a>(config: &'a Fields<'_>) -> &'a str {
    config.path().trim_end_matches(".config")
}
