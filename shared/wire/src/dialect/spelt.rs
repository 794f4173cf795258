//! Canonical names of fields in the words of a caller's format: who is told what is wrong must find it in the request.

use super::Dialect;
use crate::chat::{Content, Part, Request, Role};

/// The field of the caller's request that a canonical name stands for. Where the format has none, or where its items
/// cannot be told from messages any more, it is the nearest that has a name.
pub(super) fn name(dialect: Dialect, request: &Request, field: &str) -> String {
    if let Some(rest) = field.strip_prefix("messages") {
        return place(dialect, request, rest);
    }
    let word = match dialect {
        Dialect::Gemini => gemini(field),
        Dialect::Anthropic => anthropic(field),
        Dialect::OpenAiResponses => responses(field),
        Dialect::OpenAiChat => chat(field),
        Dialect::OpenAiCompletions => match field {
            "output_limit" => Some("max_tokens"),
            "top_logprobs" => Some("logprobs"),
            _ => None,
        },
        Dialect::Bedrock | Dialect::Cohere => None,
    };
    word.unwrap_or_else(|| field.strip_prefix("sampling.").unwrap_or(field)).to_owned()
}

/// Where a caller's part has its bytes.
pub(super) fn bytes(dialect: Dialect, part: &Part) -> &'static str {
    match (dialect, &part.content) {
        (Dialect::OpenAiChat, Content::Image(_)) => ".image_url.url",
        (Dialect::OpenAiChat, Content::Video(_)) => ".video_url.url",
        (Dialect::OpenAiChat, Content::Audio(_)) => ".input_audio.data",
        (Dialect::OpenAiChat, _) => ".file.file_data",
        (Dialect::Anthropic, _) => ".source.data",
        (Dialect::Gemini, _) => ".inlineData.data",
        _ => "",
    }
}

/// `rest` is what stands behind `messages`: a message's number and more.
fn place(dialect: Dialect, request: &Request, rest: &str) -> String {
    // Instructions that have a field of their own are the first message here.
    let apart = request.messages.first().is_some_and(|message| message.role == Role::System);
    let numbered = rest.strip_prefix('[').and_then(|rest| rest.split_once(']'));
    let numbered = numbered.and_then(|(number, rest)| Some((number.parse::<usize>().ok()?, rest)));
    match (dialect, numbered) {
        (Dialect::OpenAiCompletions, _) => "prompt".to_owned(),
        // Items are put together to messages.
        (Dialect::OpenAiResponses, _) => "input".to_owned(),
        (Dialect::Anthropic, Some((0, rest))) if apart => {
            format!("system{}", rest.strip_prefix(".content").unwrap_or_default())
        }
        (Dialect::Gemini, Some((0, rest))) if apart => {
            format!("systemInstruction{}", rest.replacen(".content", ".parts", 1))
        }
        (Dialect::Anthropic, Some((number, rest))) => {
            format!("messages[{}]{rest}", number.saturating_sub(usize::from(apart)))
        }
        (Dialect::Gemini, Some((number, rest))) => {
            let number = number.saturating_sub(usize::from(apart));
            format!("contents[{number}]{}", rest.replacen(".content", ".parts", 1))
        }
        (Dialect::Gemini, None) => format!("contents{rest}"),
        // The result of a tool is a message of its own.
        (Dialect::OpenAiChat, Some((number, rest)))
            if request.messages.get(number).is_some_and(|message| message.role == Role::Tool) =>
        {
            let rest = rest.strip_prefix(".content[0]").unwrap_or(rest);
            format!("messages[{number}]{rest}")
        }
        _ => format!("messages{rest}"),
    }
}

fn chat(field: &str) -> Option<&'static str> {
    Some(match field {
        "output_limit" => "max_completion_tokens",
        "web_search" => "web_search_options",
        "reasoning" | "reasoning.effort" | "reasoning.budget" | "reasoning.enabled" => "reasoning_effort",
        _ => return None,
    })
}

fn responses(field: &str) -> Option<&'static str> {
    Some(match field {
        "output_limit" => "max_output_tokens",
        "response_format" => "text.format",
        "verbosity" => "text.verbosity",
        "reasoning.budget" | "reasoning.enabled" => "reasoning",
        "web_search" => "tools",
        _ => return None,
    })
}

fn anthropic(field: &str) -> Option<&'static str> {
    Some(match field {
        "output_limit" => "max_tokens",
        "stop" => "stop_sequences",
        "user" => "metadata.user_id",
        "response_format" => "output_config.format",
        "reasoning.effort" => "output_config.effort",
        "reasoning.budget" => "thinking.budget_tokens",
        "reasoning" | "reasoning.enabled" => "thinking",
        "parallel_tool_calls" => "tool_choice.disable_parallel_tool_use",
        _ => return None,
    })
}

fn gemini(field: &str) -> Option<&'static str> {
    Some(match field {
        "sampling.temperature" => "generationConfig.temperature",
        "sampling.top_p" => "generationConfig.topP",
        "sampling.top_k" => "generationConfig.topK",
        "sampling.seed" => "generationConfig.seed",
        "sampling.frequency_penalty" => "generationConfig.frequencyPenalty",
        "sampling.presence_penalty" => "generationConfig.presencePenalty",
        "stop" => "generationConfig.stopSequences",
        "n" => "generationConfig.candidateCount",
        "output_limit" => "generationConfig.maxOutputTokens",
        "logprobs" => "generationConfig.responseLogprobs",
        "top_logprobs" => "generationConfig.logprobs",
        "modalities" => "generationConfig.responseModalities",
        "audio" => "generationConfig.speechConfig",
        "response_format" => "generationConfig.responseSchema",
        "reasoning" | "reasoning.effort" | "reasoning.budget" | "reasoning.enabled" => {
            "generationConfig.thinkingConfig"
        }
        "tool_choice" => "toolConfig.functionCallingConfig",
        "service_tier" => "serviceTier",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::Message;

    #[test]
    fn fields_have_the_names_that_the_caller_wrote() {
        let talk = vec![Message::text(Role::System, "a"), Message::text(Role::User, "b")];
        let request = Request::new("m", talk);
        for (dialect, field, expected) in [
            (Dialect::OpenAiChat, "sampling.seed", "seed"),
            (Dialect::OpenAiChat, "messages[1].content[2]", "messages[1].content[2]"),
            (Dialect::OpenAiChat, "reasoning.effort", "reasoning_effort"),
            (Dialect::Anthropic, "stop", "stop_sequences"),
            (Dialect::Anthropic, "messages[1].content[2]", "messages[0].content[2]"),
            (Dialect::Anthropic, "messages[0].content[2].cache", "system[2].cache"),
            (Dialect::Gemini, "sampling.top_k", "generationConfig.topK"),
            (Dialect::Gemini, "messages[1].content[2]", "contents[0].parts[2]"),
            (Dialect::Gemini, "messages[0].content[2]", "systemInstruction.parts[2]"),
            (Dialect::OpenAiResponses, "response_format", "text.format"),
            (Dialect::OpenAiResponses, "messages[1].content[2]", "input"),
            (Dialect::OpenAiCompletions, "top_logprobs", "logprobs"),
            (Dialect::OpenAiCompletions, "messages", "prompt"),
        ] {
            assert_eq!(name(dialect, &request, field), expected);
        }
    }
}
