//! Whole answers: why they ended, sources, probabilities, blocked prompts.

use serde_json::{Value, json};

use super::as_openai;
use crate::chat::{Choice, Content, FinishReason, Response};
use crate::dialect::AnswerContext;
use crate::dialect::gemini::{decode_response, encode_response};

fn same(body: Value) -> Response {
    let response = decode_response(body.to_string().as_bytes()).expect("an answer");
    let again: Value =
        serde_json::from_slice(&encode_response(&response, &AnswerContext::default())).expect("JSON");
    assert_eq!(again, body, "written as it was read");
    response
}

fn of_candidate(candidate: Value) -> Choice {
    same(json!({"candidates": [candidate]})).choices.remove(0)
}

#[test]
fn every_finish_reason_has_a_meaning_and_comes_back() {
    for (word, reason) in [
        ("STOP", FinishReason::Stop),
        ("MAX_TOKENS", FinishReason::Length),
        ("SAFETY", FinishReason::ContentFilter),
        ("BLOCKLIST", FinishReason::ContentFilter),
        ("PROHIBITED_CONTENT", FinishReason::ContentFilter),
        ("SPII", FinishReason::ContentFilter),
        ("IMAGE_SAFETY", FinishReason::ContentFilter),
        ("IMAGE_PROHIBITED_CONTENT", FinishReason::ContentFilter),
        ("RECITATION", FinishReason::Recitation),
        ("IMAGE_RECITATION", FinishReason::Recitation),
        ("MALFORMED_FUNCTION_CALL", FinishReason::MalformedToolCall),
        ("UNEXPECTED_TOOL_CALL", FinishReason::MalformedToolCall),
        ("TOO_MANY_TOOL_CALLS", FinishReason::MalformedToolCall),
        ("LANGUAGE", FinishReason::Other("LANGUAGE".into())),
        ("OTHER", FinishReason::Other("OTHER".into())),
        ("NO_IMAGE", FinishReason::Other("NO_IMAGE".into())),
        ("FINISH_REASON_UNSPECIFIED", FinishReason::Other("FINISH_REASON_UNSPECIFIED".into())),
    ] {
        let choice = of_candidate(
            json!({"content": {"parts": [{"text": "a"}], "role": "model"}, "finishReason": word}),
        );
        assert_eq!(choice.finish, Some(reason), "{word}");
    }
}

#[test]
fn every_finish_reason_of_others_has_a_word() {
    for (reason, word) in [
        (FinishReason::StopSequence, "STOP"),
        (FinishReason::ToolCalls, "STOP"),
        (FinishReason::FunctionCall, "STOP"),
        (FinishReason::Pause, "STOP"),
        (FinishReason::ContextLength, "MAX_TOKENS"),
        (FinishReason::Refusal, "SAFETY"),
        (FinishReason::Other("end_turn".into()), "OTHER"),
    ] {
        let mut response = Response::text("m", "a", crate::Usage::default());
        response.choices[0].finish = Some(reason);
        let body: Value =
            serde_json::from_slice(&encode_response(&response, &AnswerContext::default())).expect("JSON");
        assert_eq!(body["candidates"][0]["finishReason"], word);
    }
}

#[test]
fn stop_means_tool_calls_when_tools_are_called() {
    let choice = of_candidate(
        json!({"content": {"parts": [{"functionCall": {"name": "f", "args": {}}}], "role": "model"},
        "finishReason": "STOP", "finishMessage": "Model generated function call(s)."}),
    );
    assert_eq!(choice.finish, Some(FinishReason::ToolCalls));
}

#[test]
fn a_blocked_prompt_is_a_filtered_choice() {
    let body = json!({"promptFeedback": {"blockReason": "SAFETY", "safetyRatings": []},
        "usageMetadata": {"promptTokenCount": 3, "totalTokenCount": 3}, "modelVersion": "m"});
    let response = same(body);
    assert_eq!(response.choices[0].finish, Some(FinishReason::ContentFilter));
    let told = as_openai(response);
    assert_eq!(told["choices"][0]["finish_reason"], "content_filter");
    assert_eq!(told["usage"]["prompt_tokens"], 3);
    let nothing = decode_response(b"{\"usageMetadata\": {}}").expect_err("no answer");
    assert_eq!(nothing.path, "candidates");
}

#[test]
fn blocked_candidates_without_content_come_back() {
    for content in [json!({}), json!({"role": "model"}), json!({"parts": [], "role": "model"})] {
        of_candidate(json!({"content": content, "finishReason": "SAFETY", "index": 0,
            "safetyRatings": [{"category": "HARM_CATEGORY_HARASSMENT", "probability": "HIGH", "blocked": true}]}));
    }
    of_candidate(json!({"finishReason": "RECITATION", "index": 1}));
}

#[test]
fn sources_are_told_in_characters() {
    let body = json!({"content": {"parts": [{"text": "Éa"}, {"text": "bc"}], "role": "model"}, "finishReason": "STOP",
    "groundingMetadata": {
        "groundingChunks": [
            {"web": {"uri": "https://a.com", "title": "A"}},
            {"retrievedContext": {"text": "a cat", "documentName": "d1", "title": "D"}},
        ],
        "groundingSupports": [
            {"segment": {"endIndex": 2, "text": "É"}, "groundingChunkIndices": [0]},
            {"segment": {"startIndex": 3, "endIndex": 5, "text": "bc"}, "groundingChunkIndices": [0, 1, 9]},
        ],
        "webSearchQueries": ["a"],
    },
    "citationMetadata": {"citationSources": [{"startIndex": 0, "endIndex": 3, "uri": "https://b.com", "license": "mit"}]}});
    let choice = of_candidate(body);
    let of = |place: usize| -> Vec<(String, Option<u64>, Option<u64>)> {
        let Content::Text(text) = &choice.message.parts[place].content else { panic!("text") };
        let told = |each: &crate::chat::Annotation| {
            (each.url.clone().or(each.file_id.clone()).unwrap_or_default(), each.start, each.end)
        };
        text.annotations.iter().map(told).collect()
    };
    assert_eq!(
        of(0),
        [("https://a.com".into(), Some(0), Some(1)), ("https://b.com".into(), Some(0), Some(2))]
    );
    assert_eq!(of(1), [("https://a.com".into(), Some(0), Some(2)), ("d1".into(), Some(0), Some(2))]);
    let told = as_openai(Response { choices: vec![choice], ..Response::default() });
    assert_eq!(told["choices"][0]["message"]["annotations"][2]["url_citation"]["start_index"], 2);
}

#[test]
fn probabilities_are_read() {
    let choice = of_candidate(
        json!({"content": {"parts": [{"text": "a"}], "role": "model"}, "avgLogprobs": -0.5, "logprobsResult": {
            "chosenCandidates": [{"token": "a", "tokenId": 5, "logProbability": -0.5}, {"token": "b"}],
            "topCandidates": [{"candidates": [{"token": "a", "logProbability": -0.5}]}, {"candidates": []}],
            "logProbabilitySum": -0.5,
        }}),
    );
    let content = choice.logprobs.expect("read").content.expect("tokens");
    assert_eq!(content[0].top.as_ref().map(Vec::len), Some(1));
    assert_eq!(content[1].logprob, 0.into());
}

#[test]
fn what_is_no_answer_is_refused_by_field() {
    for (body, path) in [
        ("", ""),
        ("[]", ""),
        ("{}", "candidates"),
        ("{\"candidates\": 3}", "candidates"),
        ("{\"candidates\": [3]}", "candidates[0]"),
        ("{\"candidates\": [{\"content\": {\"parts\": [3]}}]}", "candidates[0].content.parts[0]"),
    ] {
        assert_eq!(decode_response(body.as_bytes()).expect_err(body).path, path);
    }
}
