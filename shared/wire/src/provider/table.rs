//! The vendors, one row each, in alphabetical order of `kind` (the look-up is a binary search).
//!
//! Addresses and key variables are those of the vendors' own documentation and tools.

use super::{Account, Auth, Dress, Models, Preset, Way};
use crate::Dialect;

/// Chat Completions, where nearly everybody has it.
pub(super) const CHAT: Way = Way::at(Dialect::OpenAiChat, "/chat/completions");

/// What OpenAI itself speaks.
pub(super) const OPENAI: &[Way] = &[
    CHAT,
    Way { count_path: "/responses/input_tokens", ..Way::at(Dialect::OpenAiResponses, "/responses") },
    Way::at(Dialect::OpenAiCompletions, "/completions"),
];

/// Anthropic Messages.
const ANTHROPIC: &[Way] =
    &[Way { count_path: "/v1/messages/count_tokens", ..Way::at(Dialect::Anthropic, "/v1/messages") }];

/// Converse.
const BEDROCK: &[Way] = &[Way {
    stream_path: "/model/{model}/converse-stream",
    ..Way::at(Dialect::Bedrock, "/model/{model}/converse")
}];

/// Cohere's own chat.
const COHERE: &[Way] = &[Way::at(Dialect::Cohere, "/v2/chat")];

/// Gemini's own format.
const GEMINI: &[Way] = &[Way {
    stream_path: "/v1beta/models/{model}:streamGenerateContent?alt=sse",
    count_path: "/v1beta/models/{model}:countTokens",
    ..Way::at(Dialect::Gemini, "/v1beta/models/{model}:generateContent")
}];

/// Vertex AI, below project and location: Google's own models, Claude, and the others that are served there.
const VERTEX: &[Way] = &[
    Way {
        stream_path: "/publishers/google/models/{model}:streamGenerateContent?alt=sse",
        count_path: "/publishers/google/models/{model}:countTokens",
        models: Models::Google,
        ..Way::at(Dialect::Gemini, "/publishers/google/models/{model}:generateContent")
    },
    Way {
        stream_path: "/publishers/anthropic/models/{model}:streamRawPredict",
        count_path: "/publishers/anthropic/models/count-tokens:rawPredict",
        models: Models::Claude,
        dress: Dress::Vertex,
        ..Way::at(Dialect::Anthropic, "/publishers/anthropic/models/{model}:rawPredict")
    },
    Way { models: Models::Made, ..Way::at(Dialect::OpenAiChat, "/endpoints/openapi/chat/completions") },
];

/// watsonx, with the version of the API that this was written for.
const WATSONX: &[Way] = &[Way {
    stream_path: "/ml/v1/text/chat_stream?version=2025-02-11",
    dress: Dress::Watsonx,
    ..Way::at(Dialect::OpenAiChat, "/ml/v1/text/chat?version=2025-02-11")
}];

/// A server of one model that MLflow serves: conversations, if the model has that signature, are OpenAI's
/// (`mlflow.org/docs/latest/ml/deployment/deploy-model-locally`).
const MLFLOW: &[Way] = &[Way { dress: Dress::Unnamed, ..Way::at(Dialect::OpenAiChat, "/invocations") }];

/// An endpoint of SageMaker whose container takes OpenAI's messages, as those for vLLM and TGI do. Its streams are in a
/// frame of AWS's that nothing here takes apart
/// (`docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html`).
const SAGEMAKER: &[Way] = &[Way {
    stream_path: "",
    dress: Dress::Unnamed,
    ..Way::at(Dialect::OpenAiChat, "/endpoints/{model}/invocations")
}];

/// A vendor with everything at its usual place.
const fn row(
    kind: &'static str,
    title: &'static str,
    base_url: &'static str,
    key_variable: &'static str,
) -> Preset {
    Preset {
        kind,
        title,
        base_url,
        base_url_form: "",
        key_variable,
        ways: &[CHAT],
        models_path: "/models",
        auth: Auth::Bearer,
        account: Account::OAuth { token_path: "" },
        stream_options: true,
        headers: &[],
    }
}

/// A vendor whose base URL names an account, a resource or a machine.
const fn own(
    kind: &'static str,
    title: &'static str,
    form: &'static str,
    key_variable: &'static str,
) -> Preset {
    Preset { base_url_form: form, ..row(kind, title, "", key_variable) }
}

/// Every vendor.
pub(super) static PRESETS: &[Preset] = &[
    row("ai21", "AI21 Labs", "https://api.ai21.com/studio/v1", "AI21_API_KEY"),
    // Its own SDK takes the bare origin. The version header is required; SDKs send this one.
    Preset {
        ways: ANTHROPIC,
        models_path: "/v1/models",
        auth: Auth::Header("x-api-key"),
        headers: &[("anthropic-version", "2023-06-01")],
        ..row("anthropic", "Anthropic", "https://api.anthropic.com", "ANTHROPIC_API_KEY")
    },
    // The v1 API, which needs no api-version and takes the deployment from `model`.
    Preset {
        auth: Auth::Header("api-key"),
        account: Account::Entra,
        ..own("azure", "Azure OpenAI", "https://RESOURCE.openai.azure.com/openai/v1", "AZURE_OPENAI_API_KEY")
    },
    row("baseten", "Baseten Model APIs", "https://inference.baseten.co/v1", "BASETEN_API_KEY"),
    // A key of Bedrock's own is a bearer token; requests of an AWS account are signed instead.
    Preset {
        ways: BEDROCK,
        models_path: "/foundation-models",
        account: Account::Aws { service: "bedrock" },
        ..own(
            "bedrock",
            "Amazon Bedrock",
            "https://bedrock-runtime.REGION.amazonaws.com",
            "AWS_BEARER_TOKEN_BEDROCK",
        )
    },
    row("cerebras", "Cerebras", "https://api.cerebras.ai/v1", "CEREBRAS_API_KEY"),
    row("chutes", "Chutes", "https://llm.chutes.ai/v1", "CHUTES_API_KEY"),
    own(
        "cloudflare",
        "Cloudflare Workers AI",
        "https://api.cloudflare.com/client/v4/accounts/ACCOUNT_ID/ai/v1",
        "CLOUDFLARE_API_TOKEN",
    ),
    // As Mistral: refuses stream_options, reports usage anyway.
    Preset {
        stream_options: false,
        ..row("codestral", "Mistral Codestral", "https://codestral.mistral.ai/v1", "CODESTRAL_API_KEY")
    },
    // Its own SDK takes the bare origin.
    Preset {
        ways: COHERE,
        models_path: "/v1/models",
        ..row("cohere", "Cohere", "https://api.cohere.com", "COHERE_API_KEY")
    },
    row("crusoe", "Crusoe Cloud", "https://api.inference.crusoecloud.com/v1", "CRUSOE_API_KEY"),
    row(
        "dashscope",
        "Alibaba Cloud Model Studio",
        "https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
        "DASHSCOPE_API_KEY",
    ),
    // Endpoints that front another vendor (Bedrock) answer 400 to stream_options; usage comes anyway.
    Preset {
        stream_options: false,
        account: Account::OAuth { token_path: "/oidc/v1/token" },
        ..own(
            "databricks",
            "Databricks model serving",
            "https://WORKSPACE.cloud.databricks.com/serving-endpoints",
            "DATABRICKS_TOKEN",
        )
    },
    row("deepinfra", "DeepInfra", "https://api.deepinfra.com/v1/openai", "DEEPINFRA_API_KEY"),
    row("deepseek", "DeepSeek", "https://api.deepseek.com", "DEEPSEEK_API_KEY"),
    Preset { ways: &[], models_path: "", auth: Auth::None, ..row("demo", "The built-in echo", "", "") },
    row("featherless", "Featherless AI", "https://api.featherless.ai/v1", "FEATHERLESS_API_KEY"),
    row("fireworks", "Fireworks AI", "https://api.fireworks.ai/inference/v1", "FIREWORKS_API_KEY"),
    row("friendli", "FriendliAI", "https://api.friendli.ai/serverless/v1", "FRIENDLI_TOKEN"),
    // Its own SDK takes the bare origin.
    Preset {
        ways: GEMINI,
        models_path: "/v1beta/models",
        auth: Auth::Header("x-goog-api-key"),
        ..row("gemini", "Google Gemini", "https://generativelanguage.googleapis.com", "GEMINI_API_KEY")
    },
    row("github", "GitHub Models", "https://models.github.ai/inference", "GITHUB_TOKEN"),
    row("gmi", "GMI Cloud", "https://api.gmi-serving.com/v1", "GMI_API_KEY"),
    row("groq", "Groq", "https://api.groq.com/openai/v1", "GROQ_API_KEY"),
    row("heroku", "Heroku Managed Inference", "https://us.inference.heroku.com/v1", "INFERENCE_KEY"),
    row("huggingface", "Hugging Face Inference Providers", "https://router.huggingface.co/v1", "HF_TOKEN"),
    row("hyperbolic", "Hyperbolic", "https://api.hyperbolic.xyz/v1", "HYPERBOLIC_API_KEY"),
    row("inception", "Inception", "https://api.inceptionlabs.ai/v1", "INCEPTION_API_KEY"),
    // Embeddings and reranking only.
    Preset { ways: &[], ..row("jina", "Jina AI", "https://api.jina.ai/v1", "JINA_API_KEY") },
    row("llamacpp", "llama.cpp server", "http://127.0.0.1:8080/v1", ""),
    row("lmstudio", "LM Studio", "http://127.0.0.1:1234/v1", ""),
    row("meta", "Meta", "https://api.meta.ai/v1", "META_API_KEY"),
    row("minimax", "MiniMax", "https://api.minimax.io/v1", "MINIMAX_API_KEY"),
    // Answers 422 "extra inputs are not permitted" to stream_options; usage comes with the last event anyway.
    Preset {
        stream_options: false,
        ..row("mistral", "Mistral AI", "https://api.mistral.ai/v1", "MISTRAL_API_KEY")
    },
    Preset {
        ways: MLFLOW,
        models_path: "",
        stream_options: false,
        ..own("mlflow", "MLflow model serving", "http://HOST:5000", "")
    },
    row("moonshot", "Moonshot AI", "https://api.moonshot.ai/v1", "MOONSHOT_API_KEY"),
    row("morph", "Morph", "https://api.morphllm.com/v1", "MORPH_API_KEY"),
    row("nebius", "Nebius Token Factory", "https://api.tokenfactory.nebius.com/v1", "NEBIUS_API_KEY"),
    row("novita", "Novita AI", "https://api.novita.ai/openai/v1", "NOVITA_API_KEY"),
    row("nscale", "Nscale", "https://inference.api.nscale.com/v1", "NSCALE_API_KEY"),
    row("nvidia", "NVIDIA NIM", "https://integrate.api.nvidia.com/v1", "NVIDIA_API_KEY"),
    row("ollama", "Ollama", "http://127.0.0.1:11434/v1", ""),
    Preset { ways: OPENAI, ..row("openai", "OpenAI", "https://api.openai.com/v1", "OPENAI_API_KEY") },
    own("openai_compatible", "Any other server that speaks OpenAI Chat Completions", "https://HOST/v1", ""),
    row("openrouter", "OpenRouter", "https://openrouter.ai/api/v1", "OPENROUTER_API_KEY"),
    row(
        "ovhcloud",
        "OVHcloud AI Endpoints",
        "https://oai.endpoints.kepler.ai.cloud.ovh.net/v1",
        "OVHCLOUD_API_KEY",
    ),
    // Its Chat Completions (Sonar) ended in September 2026; the Agent API that came in their place is OpenAI's Responses.
    Preset {
        ways: &[Way::at(Dialect::OpenAiResponses, "/responses")],
        ..row("perplexity", "Perplexity", "https://api.perplexity.ai/v1", "PERPLEXITY_API_KEY")
    },
    Preset { ways: &[], models_path: "", ..own("rest", "Any REST service", "https://HOST/PATH", "") },
    // Requests of an AWS account are signed; there are no keys.
    Preset {
        ways: SAGEMAKER,
        models_path: "",
        auth: Auth::None,
        account: Account::Aws { service: "sagemaker" },
        stream_options: false,
        ..own("sagemaker", "Amazon SageMaker", "https://runtime.sagemaker.REGION.amazonaws.com", "")
    },
    row("sambanova", "SambaNova", "https://api.sambanova.ai/v1", "SAMBANOVA_API_KEY"),
    row("scaleway", "Scaleway Generative APIs", "https://api.scaleway.ai/v1", "SCW_SECRET_KEY"),
    row("sglang", "SGLang", "http://127.0.0.1:30000/v1", ""),
    own(
        "snowflake",
        "Snowflake Cortex",
        "https://ACCOUNT.snowflakecomputing.com/api/v2/cortex/v1",
        "SNOWFLAKE_PAT",
    ),
    row("tgi", "Hugging Face Text Generation Inference", "http://127.0.0.1:8080/v1", ""),
    row("together", "Together AI", "https://api.together.xyz/v1", "TOGETHER_API_KEY"),
    row("venice", "Venice AI", "https://api.venice.ai/api/v1", "VENICE_API_KEY"),
    row("vercel", "Vercel AI Gateway", "https://ai-gateway.vercel.sh/v1", "AI_GATEWAY_API_KEY"),
    // Signed in by a service account. The address below the location's host names project and location.
    Preset {
        ways: VERTEX,
        models_path: "/publishers/google/models",
        account: Account::Google,
        ..own("vertex", "Google Vertex AI", "https://LOCATION-aiplatform.googleapis.com", "")
    },
    row("vllm", "vLLM", "http://127.0.0.1:8000/v1", ""),
    row("volcengine", "Volcengine Ark", "https://ark.cn-beijing.volces.com/api/v3", "ARK_API_KEY"),
    // Embeddings and reranking only.
    Preset { ways: &[], ..row("voyage", "Voyage AI", "https://api.voyageai.com/v1", "VOYAGE_API_KEY") },
    // The key is exchanged for a token. Its usage comes without stream_options, which it does not know.
    Preset {
        ways: WATSONX,
        models_path: "/ml/v1/foundation_model_specs?version=2025-02-11",
        account: Account::Ibm,
        stream_options: false,
        ..own("watsonx", "IBM watsonx.ai", "https://REGION.ml.cloud.ibm.com", "WATSONX_APIKEY")
    },
    row("xai", "xAI", "https://api.x.ai/v1", "XAI_API_KEY"),
    row("zai", "Z.ai", "https://api.z.ai/api/paas/v4", "ZAI_API_KEY"),
];
