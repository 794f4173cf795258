//! Whole answers: finish reasons, token counts, citations, probabilities.

use serde_json::{Value, json};

use crate::Usage;
use crate::chat::{Annotation, Content, FinishReason, Part, Response, Text};
use crate::dialect::AnswerContext;
use crate::dialect::cohere::{decode_response, decode_usage, encode_response, encode_usage};

fn answer(reason: &str) -> Value {
    json!({"id": "1", "message": {"role": "assistant", "content": [{"type": "text", "text": "a"}]}, "finish_reason": reason})
}

fn written(response: &Response) -> Value {
    serde_json::from_slice(&encode_response(
        response,
        &AnswerContext { id: "made".into(), ..AnswerContext::default() },
    ))
    .expect("JSON")
}

#[test]
fn every_finish_reason_has_its_word_and_comes_back() {
    for (word, reason) in [
        ("COMPLETE", FinishReason::Stop),
        ("STOP_SEQUENCE", FinishReason::StopSequence),
        ("MAX_TOKENS", FinishReason::Length),
        ("TOOL_CALL", FinishReason::ToolCalls),
        ("ERROR_LIMIT", FinishReason::ContextLength),
        ("ERROR_TOXIC", FinishReason::ContentFilter),
        ("ERROR", FinishReason::Other("ERROR".into())),
        ("TIMEOUT", FinishReason::Other("TIMEOUT".into())),
    ] {
        let response = decode_response(answer(word).to_string().as_bytes()).unwrap();
        assert_eq!(response.choices[0].finish, Some(reason), "{word}");
        assert_eq!(written(&response), answer(word));
    }
    let mut response = decode_response(answer("COMPLETE").to_string().as_bytes()).unwrap();
    for (reason, word) in [
        (FinishReason::FunctionCall, "TOOL_CALL"),
        (FinishReason::ContextLength, "MAX_TOKENS"),
        (FinishReason::Refusal, "ERROR_TOXIC"),
        (FinishReason::Recitation, "ERROR_TOXIC"),
        (FinishReason::Pause, "COMPLETE"),
        (FinishReason::MalformedToolCall, "ERROR"),
    ] {
        response.choices[0].finish = Some(reason);
        assert_eq!(written(&response)["finish_reason"], word);
    }
}

#[test]
fn what_is_billed_is_counted() {
    let usage = json!({"billed_units": {"input_tokens": 11.0, "output_tokens": 40}, "cached_tokens": 448,
        "tokens": {"input_tokens": 506, "output_tokens": 60, "reasoning_tokens": 28}});
    let counted = decode_usage(&usage);
    assert_eq!(counted, Usage { input: 11, output: 40, reasoning: 28, ..Usage::default() });
    assert_eq!(decode_usage(&encode_usage(&counted)), counted);
    let tokens = json!({"tokens": {"input_tokens": 5, "output_tokens": 6}});
    assert_eq!(decode_usage(&tokens), Usage { input: 5, output: 6, ..Usage::default() });
    assert_eq!(
        decode_usage(&json!({"billed_units": {"input_tokens": -1, "output_tokens": "x"}})),
        Usage::default()
    );
    assert_eq!(decode_usage(&json!(5)), Usage::default());
}

#[test]
fn probabilities_of_single_tokens_are_read_and_others_stay() {
    let mut body = answer("COMPLETE");
    body["logprobs"] = json!([{"text": "a", "token_ids": [5], "logprobs": [-0.5]}]);
    let response = decode_response(body.to_string().as_bytes()).unwrap();
    let tokens =
        response.choices[0].logprobs.as_ref().and_then(|logprobs| logprobs.content.as_ref()).unwrap();
    assert_eq!((tokens[0].token.as_str(), tokens[0].logprob.as_f64()), ("a", Some(-0.5)));
    assert_eq!(written(&response), body);
    body["logprobs"] = json!([{"text": "ab", "token_ids": [5, 6], "logprobs": [-0.5, -0.1]}]);
    let response = decode_response(body.to_string().as_bytes()).unwrap();
    assert_eq!(response.choices[0].logprobs, None);
    assert_eq!(written(&response), body);
}

#[test]
fn citations_go_to_their_text_and_those_of_others_are_told() {
    let mut body = answer("COMPLETE");
    body["message"]["citations"] = json!([{"start": 0, "end": 1, "text": "a", "type": "TEXT_CONTENT", "sources": [
        {"type": "document", "id": "doc:0", "document": {"id": "doc:0", "text": "quote", "title": "t", "url": "https://a"}}]}]);
    let response = decode_response(body.to_string().as_bytes()).unwrap();
    let Content::Text(text) = &response.choices[0].message.parts[0].content else { panic!("no text") };
    let annotation = &text.annotations[0];
    assert_eq!((annotation.start, annotation.end), (Some(0), Some(1)));
    assert_eq!(annotation.title.as_deref(), Some("t"));
    assert_eq!(annotation.url.as_deref(), Some("https://a"));
    assert_eq!(annotation.quote.as_deref(), Some("quote"));
    assert_eq!(written(&response), body);
    let annotation = Annotation {
        kind: "url_citation".into(),
        url: Some("https://b".into()),
        start: Some(1),
        end: Some(3),
        ..Annotation::default()
    };
    let mut response = response;
    let text = Text { text: "äöüß".into(), annotations: vec![annotation] };
    response.choices[0].message.parts = vec![Part::new(Content::Text(text))];
    assert_eq!(
        written(&response)["message"]["citations"],
        json!([{"start": 1, "end": 3, "text": "öü", "type": "TEXT_CONTENT", "sources": [
            {"type": "document", "id": "https://b", "document": {"url": "https://b"}}]}])
    );
}

#[test]
fn what_is_no_answer_is_an_error_that_names_it() {
    for (body, path) in [
        ("", ""),
        ("[]", ""),
        ("{}", "message"),
        (r#"{"message": "x"}"#, "message"),
        (r#"{"message": {"content": 5}}"#, "message.content"),
    ] {
        assert_eq!(decode_response(body.as_bytes()).unwrap_err().path, path, "{body}");
    }
}

#[test]
fn an_answer_of_our_own_has_an_id() {
    let response = Response::text("m", "hello", Usage { input: 1, output: 2, ..Usage::default() });
    let body = written(&response);
    assert_eq!(body["id"], "made");
    assert_eq!(body["message"], json!({"role": "assistant", "content": [{"type": "text", "text": "hello"}]}));
    assert_eq!(body["usage"]["billed_units"], json!({"input_tokens": 1, "output_tokens": 2}));
}
