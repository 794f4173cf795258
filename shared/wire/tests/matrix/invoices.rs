//! Invoices worked out by hand: an answer's usage as its vendor documents it, prices, and what the call costs. No token
//! may be charged twice or missed. Prices are US dollars for a million, so tokens times price are micro-USD.

use postern_wire::Dialect;
use postern_wire::catalog::{Prices, cost};
use serde_json::{Value, json};

use crate::format::Format;

/// Prices in US dollars for a million.
fn prices(list: &[(&str, f64)]) -> Prices {
    let mut prices = Prices::default();
    for (name, dollars) in list {
        let field = match *name {
            "input" => &mut prices.input,
            "cache_read" => &mut prices.cache_read,
            "cache_write" => &mut prices.cache_write,
            "cache_write_1h" => &mut prices.cache_write_1h,
            "input_audio" => &mut prices.input_audio,
            "input_image" => &mut prices.input_image,
            "output" => &mut prices.output,
            "output_audio" => &mut prices.output_audio,
            "output_image" => &mut prices.output_image,
            "search" => &mut prices.search,
            other => panic!("no price is called {other}"),
        };
        *field = Some((dollars * 1e6).round() as u64);
    }
    prices
}

/// An answer that says hardly more than its usage.
fn answer(dialect: Dialect, usage: &Value) -> Value {
    match dialect {
        Dialect::OpenAiChat => {
            json!({"id": "1", "object": "chat.completion", "created": 1, "model": "m", "usage": usage,
            "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}]})
        }
        Dialect::OpenAiResponses => {
            json!({"id": "1", "object": "response", "created_at": 1, "status": "completed",
            "model": "m", "output": [], "usage": usage})
        }
        Dialect::OpenAiCompletions => {
            json!({"id": "1", "object": "text_completion", "created": 1, "model": "m",
            "choices": [{"index": 0, "text": "Hi", "finish_reason": "stop"}], "usage": usage})
        }
        Dialect::Anthropic => {
            json!({"id": "1", "type": "message", "role": "assistant", "model": "m", "content": [],
            "stop_reason": "end_turn", "stop_sequence": null, "usage": usage})
        }
        Dialect::Gemini => json!({"candidates": [{"content": {"role": "model", "parts": [{"text": "Hi"}]},
            "finishReason": "STOP", "index": 0}], "usageMetadata": usage}),
        Dialect::Bedrock => json!({"output": {"message": {"role": "assistant", "content": [{"text": "Hi"}]}},
            "stopReason": "end_turn", "usage": usage, "metrics": {"latencyMs": 1}}),
        Dialect::Cohere => {
            json!({"id": "1", "message": {"role": "assistant", "content": [{"type": "text", "text": "Hi"}]},
            "finish_reason": "COMPLETE", "usage": usage})
        }
    }
}

#[track_caller]
fn charges(dialect: Dialect, usage: &Value, list: &[(&str, f64)], micro_usd: u64) {
    let body = answer(dialect, usage).to_string();
    let response = Format::Dialect(dialect).decode_response(body.as_bytes()).expect("an answer");
    let usage = response.usage.expect("known usage");
    let (amount, complete) = cost(&prices(list), &usage);
    assert_eq!((amount.0, complete), (micro_usd, true), "{usage:?}");
    // The look at an answer that is passed on counts the same.
    let peeked = dialect.peek_response(body.as_bytes()).expect("an answer").usage;
    assert_eq!(peeked, Some(usage), "passed on as it is");
}

#[test]
fn openai_chat_counts_the_cache_inside_the_prompt_and_reasoning_inside_the_completion() {
    // 2006 read, 1920 of them cached: 86 x 1.25 = 107.5; 1920 x 0.125 = 240.
    // 1186 written, 1024 of them reasoning: 1186 x 10 = 11860. Together 12207.5.
    let usage = json!({"prompt_tokens": 2006, "completion_tokens": 1186, "total_tokens": 3192,
        "prompt_tokens_details": {"cached_tokens": 1920, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 1024, "audio_tokens": 0,
            "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0}});
    charges(Dialect::OpenAiChat, &usage, &[("input", 1.25), ("cache_read", 0.125), ("output", 10.0)], 12_208);
}

#[test]
fn openai_chat_audio_has_its_own_price() {
    // 350 read, 250 of them audio: 100 x 2.5 = 250; 250 x 40 = 10000.
    // 530 written, 500 of them audio: 30 x 10 = 300; 500 x 80 = 40000. Together 50550.
    let usage = json!({"prompt_tokens": 350, "completion_tokens": 530, "total_tokens": 880,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 250},
        "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 500}});
    let list = [("input", 2.5), ("output", 10.0), ("input_audio", 40.0), ("output_audio", 80.0)];
    charges(Dialect::OpenAiChat, &usage, &list, 50_550);
}

#[test]
fn openai_chat_predictions_are_paid_as_output_once() {
    // Accepted and rejected predictions are both in the 262 written: 75 x 2 + 262 x 8 = 150 + 2096 = 2246.
    let usage = json!({"prompt_tokens": 75, "completion_tokens": 262, "total_tokens": 337,
        "completion_tokens_details": {"accepted_prediction_tokens": 100, "rejected_prediction_tokens": 62}});
    charges(Dialect::OpenAiChat, &usage, &[("input", 2.0), ("output", 8.0)], 2_246);
}

#[test]
fn openai_responses_counts_as_chat_does() {
    // 86 x 1.25 + 1920 x 0.125 + 300 x 10 = 107.5 + 240 + 3000 = 3347.5; 128 of the 300 reasoned.
    let usage = json!({"input_tokens": 2006, "input_tokens_details": {"cached_tokens": 1920},
        "output_tokens": 300, "output_tokens_details": {"reasoning_tokens": 128}, "total_tokens": 2306});
    charges(
        Dialect::OpenAiResponses,
        &usage,
        &[("input", 1.25), ("cache_read", 0.125), ("output", 10.0)],
        3_348,
    );
}

#[test]
fn openai_completions_has_two_counts() {
    // 5 x 1.5 + 7 x 2 = 7.5 + 14 = 21.5.
    let usage = json!({"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12});
    charges(Dialect::OpenAiCompletions, &usage, &[("input", 1.5), ("output", 2.0)], 22);
}

#[test]
fn anthropic_counts_the_cache_beside_the_input_by_life_time() {
    // 21 x 3 = 63; 188086 x 0.3 = 56425.8; for 5 minutes 456 x 3.75 = 1710; for an hour 1000 x 6 = 6000;
    // 393 x 15 = 5895. Together 70093.8. The 1456 written in all are the sum of the two.
    let usage = json!({"input_tokens": 21, "cache_creation_input_tokens": 1456, "cache_read_input_tokens": 188_086,
        "cache_creation": {"ephemeral_5m_input_tokens": 456, "ephemeral_1h_input_tokens": 1000},
        "output_tokens": 393, "service_tier": "standard"});
    let list = [
        ("input", 3.0),
        ("cache_read", 0.3),
        ("cache_write", 3.75),
        ("cache_write_1h", 6.0),
        ("output", 15.0),
    ];
    charges(Dialect::Anthropic, &usage, &list, 70_094);
}

#[test]
fn anthropic_searches_are_paid_one_by_one_beside_the_tokens() {
    // 105 x 3 = 315; 6039 x 15 = 90585; 2 searches at 10 dollars a thousand, 0.01 each: 20000. Together 110900.
    let usage = json!({"input_tokens": 105, "output_tokens": 6039, "cache_read_input_tokens": 0,
        "cache_creation_input_tokens": 0, "server_tool_use": {"web_search_requests": 2}});
    charges(Dialect::Anthropic, &usage, &[("input", 3.0), ("output", 15.0), ("search", 10_000.0)], 110_900);
}

#[test]
fn gemini_counts_thoughts_and_what_tools_read_beside_the_rest() {
    // Prompt 2006 with 1920 cached, and 40 of a tool: 126 fresh x 0.3 = 37.8; 1920 x 0.03 = 57.6.
    // Candidates 172 and thoughts 128 are beside one another: 300 x 2.5 = 750. Together 845.4.
    let usage = json!({"promptTokenCount": 2006, "cachedContentTokenCount": 1920, "candidatesTokenCount": 172,
        "thoughtsTokenCount": 128, "toolUsePromptTokenCount": 40, "totalTokenCount": 2346});
    charges(Dialect::Gemini, &usage, &[("input", 0.3), ("cache_read", 0.03), ("output", 2.5)], 845);
}

#[test]
fn gemini_audio_is_told_by_its_modality() {
    // 100 read, 60 of them audio, 20 of the 30 cached too: 30 x 0.03 = 0.9; audio not cached 40 x 1 = 40;
    // text not cached 30 x 0.3 = 9. 50 written: 125. Together 174.9.
    let usage = json!({"promptTokenCount": 100, "cachedContentTokenCount": 30, "candidatesTokenCount": 50,
        "totalTokenCount": 150,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 40}, {"modality": "AUDIO", "tokenCount": 60}],
        "cacheTokensDetails": [{"modality": "TEXT", "tokenCount": 10}, {"modality": "AUDIO", "tokenCount": 20}]});
    let list = [("input", 0.3), ("cache_read", 0.03), ("input_audio", 1.0), ("output", 2.5)];
    charges(Dialect::Gemini, &usage, &list, 175);
}

#[test]
fn gemini_images_that_are_made_have_their_own_price() {
    // 268 read, 258 of them an image, which costs what text does: 268 x 0.3 = 80.4.
    // 1305 written: 15 x 2.5 = 37.5 for text, 1290 x 30 = 38700 for the image. Together 38817.9.
    let usage = json!({"promptTokenCount": 268, "candidatesTokenCount": 1305, "totalTokenCount": 1573,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 10}, {"modality": "IMAGE", "tokenCount": 258}],
        "candidatesTokensDetails": [{"modality": "TEXT", "tokenCount": 15}, {"modality": "IMAGE", "tokenCount": 1290}]});
    charges(Dialect::Gemini, &usage, &[("input", 0.3), ("output", 2.5), ("output_image", 30.0)], 38_818);
}

#[test]
fn bedrock_counts_the_cache_beside_the_input() {
    // 21 x 3 + 188086 x 0.3 + 456 x 3.75 + 1000 x 6 + 393 x 15 = 63 + 56425.8 + 1710 + 6000 + 5895 = 70093.8.
    let usage = json!({"inputTokens": 21, "outputTokens": 393, "totalTokens": 189_956,
        "cacheReadInputTokens": 188_086, "cacheWriteInputTokens": 1456,
        "cacheDetails": [{"ttl": "5m", "inputTokens": 456}, {"ttl": "1h", "inputTokens": 1000}]});
    let list = [
        ("input", 3.0),
        ("cache_read", 0.3),
        ("cache_write", 3.75),
        ("cache_write_1h", 6.0),
        ("output", 15.0),
    ];
    charges(Dialect::Bedrock, &usage, &list, 70_094);
}

#[test]
fn cohere_charges_what_it_bills_not_what_the_model_read() {
    // 5 x 2.5 + 418 x 10 = 12.5 + 4180 = 4192.5; the 71 and 420 hold Cohere's own prompt.
    let usage = json!({"billed_units": {"input_tokens": 5, "output_tokens": 418},
        "tokens": {"input_tokens": 71, "output_tokens": 420}, "cached_tokens": 16});
    charges(Dialect::Cohere, &usage, &[("input", 2.5), ("output", 10.0)], 4_193);
}

#[test]
fn deepseek_tells_hits_and_misses() {
    // 1472 hit x 0.028 = 41.216; 45 missed x 0.28 = 12.6; 210 x 0.42 = 88.2. Together 142.016.
    let usage = json!({"prompt_tokens": 1517, "completion_tokens": 210, "total_tokens": 1727,
        "prompt_cache_hit_tokens": 1472, "prompt_cache_miss_tokens": 45,
        "completion_tokens_details": {"reasoning_tokens": 150}});
    charges(Dialect::OpenAiChat, &usage, &[("input", 0.28), ("cache_read", 0.028), ("output", 0.42)], 142);
}

#[test]
fn xai_counts_reasoning_beside_the_completion() {
    // 32 read, 6 of them cached: 26 x 3 = 78; 6 x 0.75 = 4.5. 9 said and 126 reasoned: 135 x 15 = 2025.
    // 4 sources searched at 25 dollars a thousand: 100000. Together 102107.5.
    let usage = json!({"prompt_tokens": 32, "completion_tokens": 9, "total_tokens": 167,
        "prompt_tokens_details": {"text_tokens": 32, "audio_tokens": 0, "image_tokens": 0, "cached_tokens": 6},
        "completion_tokens_details": {"reasoning_tokens": 126, "audio_tokens": 0,
            "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0},
        "num_sources_used": 4});
    let list = [("input", 3.0), ("cache_read", 0.75), ("output", 15.0), ("search", 25_000.0)];
    charges(Dialect::OpenAiChat, &usage, &list, 102_108);
}

#[test]
fn xai_images_are_read_at_the_price_of_text() {
    // 300 read, 256 of them an image: 300 x 3 = 900; 20 x 15 = 300. Together 1200.
    let usage = json!({"prompt_tokens": 300, "completion_tokens": 20, "total_tokens": 320,
        "prompt_tokens_details": {"text_tokens": 44, "audio_tokens": 0, "image_tokens": 256, "cached_tokens": 0}});
    charges(Dialect::OpenAiChat, &usage, &[("input", 3.0), ("output", 15.0)], 1_200);
}

#[test]
fn groq_tells_times_beside_the_counts() {
    // 18 x 0.59 = 10.62; 556 x 0.79 = 439.24. Together 449.86.
    let usage = json!({"queue_time": 0.037, "prompt_tokens": 18, "prompt_time": 0.0006, "completion_tokens": 556,
        "completion_time": 0.463, "total_tokens": 574, "total_time": 0.464});
    charges(Dialect::OpenAiChat, &usage, &[("input", 0.59), ("output", 0.79)], 450);
}

#[test]
fn openrouter_counts_the_cache_inside_and_tells_its_own_cost_beside() {
    // 10339 read: 10318 from the cache x 0.3 = 3095.4, 5 written x 3.75 = 18.75, 16 fresh x 3 = 48.
    // 60 x 15 = 900. Together 4062.15.
    let usage = json!({"prompt_tokens": 10_339, "completion_tokens": 60, "total_tokens": 10_399, "cost": 0.00406215,
        "cost_details": {"upstream_inference_cost": null},
        "prompt_tokens_details": {"cached_tokens": 10_318, "cache_write_tokens": 5, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 32, "image_tokens": 0}});
    let list = [("input", 3.0), ("cache_read", 0.3), ("cache_write", 3.75), ("output", 15.0)];
    charges(Dialect::OpenAiChat, &usage, &list, 4_062);
}

#[test]
fn a_price_that_is_missing_is_told() {
    let told = |usage: Value, dialect: Dialect, list: &[(&str, f64)]| {
        let body = answer(dialect, &usage).to_string();
        let response = Format::Dialect(dialect).decode_response(body.as_bytes()).expect("an answer");
        let (amount, complete) = cost(&prices(list), &response.usage.expect("known usage"));
        (amount.0, complete)
    };
    let list = [("input", 3.0), ("output", 15.0)];
    // 2 searches without a price: 10 x 3 + 10 x 15 = 180, and more is owed.
    let searched =
        json!({"input_tokens": 10, "output_tokens": 10, "server_tool_use": {"web_search_requests": 2}});
    assert_eq!(told(searched, Dialect::Anthropic, &list), (180, false));
    // An image of 100 tokens at the price of text: 10 x 3 + 100 x 15 = 1530, and more is owed.
    let drawn = json!({"promptTokenCount": 10, "candidatesTokenCount": 100, "totalTokenCount": 110,
        "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": 100}]});
    assert_eq!(told(drawn, Dialect::Gemini, &list), (1_530, false));
}
