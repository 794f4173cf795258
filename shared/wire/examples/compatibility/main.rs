//! Prints the tables of `docs/compatibility.md` as one JSON object: `document`. `cargo xtask schema` puts them into the
//! file. Every cell is found by asking the formats' writers and readers, so that none can promise what they do not do.

mod answers;
mod features;
mod kinds;
mod table;

use postern_wire::Dialect;
use postern_wire::dialect::Target;

/// The formats of conversations, with their names for people.
const FORMATS: &[(Dialect, &str)] = &[
    (Dialect::OpenAiChat, "OpenAI Chat"),
    (Dialect::OpenAiResponses, "OpenAI Responses"),
    (Dialect::OpenAiCompletions, "OpenAI Completions"),
    (Dialect::Anthropic, "Anthropic"),
    (Dialect::Gemini, "Gemini"),
    (Dialect::Bedrock, "Bedrock"),
    (Dialect::Cohere, "Cohere"),
];

/// Formats that callers speak.
const CALLERS: &[Dialect] = &[
    Dialect::OpenAiChat,
    Dialect::OpenAiResponses,
    Dialect::OpenAiCompletions,
    Dialect::Anthropic,
    Dialect::Gemini,
];

fn title(dialect: Dialect) -> &'static str {
    FORMATS.iter().find(|(format, _)| *format == dialect).map_or("", |(_, title)| *title)
}

/// The model that a format's writer is asked for: some answers depend on it.
const fn model(dialect: Dialect) -> Target<'static> {
    let (kind, model) = match dialect {
        Dialect::OpenAiChat | Dialect::OpenAiResponses => ("openai", "gpt-5.1"),
        Dialect::OpenAiCompletions => ("openai", "gpt-3.5-turbo-instruct"),
        Dialect::Anthropic => ("anthropic", "claude-sonnet-4-5"),
        Dialect::Gemini => ("gemini", "gemini-2.5-flash"),
        Dialect::Bedrock => ("bedrock", "anthropic.claude-sonnet-4-5-20250929-v1:0"),
        Dialect::Cohere => ("cohere", "command-a-03-2025"),
    };
    Target { model, kind, max_output: Some(64_000) }
}

fn main() {
    let parts = [kinds::formats(), kinds::operations(), features::tables(), answers::table()];
    println!("{}", serde_json::json!({ "document": parts.join("\n\n") }));
}
