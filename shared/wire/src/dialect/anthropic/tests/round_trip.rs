//! What is read and written again is the same.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::strategies::{request, response};
use super::{collect, context, parse, read, through, write};
use crate::chat::Response;
use crate::dialect::Target;
use crate::dialect::anthropic::{decode_request, decode_response, encode_request, encode_response};

#[test]
fn a_request_with_everything_comes_back_equal() {
    let mark = json!({"type": "ephemeral", "ttl": "1h"});
    let plain = json!({"type": "ephemeral"});
    let request = json!({
        "model": "some-model",
        "max_tokens": 1024,
        "system": [{"type": "text", "text": "Be brief.", "cache_control": mark, "citations": null}],
        "messages": [
            {"role": "user", "content": [
                {"type": "text", "text": "look", "cache_control": plain},
                {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AA=="}, "cache_control": mark},
                {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}},
                {"type": "image", "source": {"type": "file", "file_id": "file_1"}},
                {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "AA=="},
                    "title": "t", "context": "c", "citations": {"enabled": true}, "cache_control": mark},
                {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "words"}, "title": null},
                {"type": "document", "source": {"type": "content", "content": [{"type": "text", "text": "x"}]}},
                {"type": "search_result", "source": "https://example.com", "title": "t",
                    "content": [{"type": "text", "text": "x"}], "citations": {"enabled": true}, "cache_control": mark},
                {"type": "container_upload", "file_id": "file_2"},
            ]},
            {"role": "assistant", "content": [
                {"type": "thinking", "thinking": "", "signature": "s1"},
                {"type": "redacted_thinking", "data": "d"},
                {"type": "text", "text": "so", "citations": [
                    {"type": "char_location", "cited_text": "q", "document_index": 0, "document_title": null,
                        "start_char_index": 0, "end_char_index": 4},
                    {"type": "content_block_location", "cited_text": "q", "document_index": 1, "document_title": "t",
                        "start_block_index": 0, "end_block_index": 1, "file_id": null},
                    {"type": "search_result_location", "cited_text": "q", "source": "https://example.com", "title": null,
                        "search_result_index": 0, "start_block_index": 0, "end_block_index": 1},
                    {"type": "web_search_result_location", "cited_text": "q", "url": "https://example.com", "title": "t",
                        "encrypted_index": "e"},
                ]},
                {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "q"}},
                {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": [
                    {"type": "web_search_result", "url": "https://example.com", "title": "t", "encrypted_content": "e", "page_age": null}]},
                {"type": "mcp_tool_use", "id": "mcptoolu_1", "name": "n", "server_name": "s", "input": {}},
                {"type": "mcp_tool_result", "tool_use_id": "mcptoolu_1", "is_error": false, "content": "x"},
                {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"n": 1.0, "deep": [{}]},
                    "caller": {"type": "direct"}, "cache_control": mark},
            ]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "toolu_1", "is_error": true, "cache_control": mark, "content": [
                    {"type": "text", "text": "x"},
                    {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}},
                    {"type": "document", "source": {"type": "url", "url": "https://example.com/a.pdf"}},
                    {"type": "tool_reference", "tool_name": "g"},
                ]},
                {"type": "tool_result", "tool_use_id": "toolu_2", "is_error": false},
                {"type": "tool_result", "tool_use_id": "toolu_3", "content": ""},
            ]},
            {"role": "user", "content": "once more"},
            {"role": "assistant", "content": "The answer is"},
        ],
        "tools": [
            {"name": "f", "description": "d", "input_schema": {"type": "object", "minimum": 3}, "cache_control": mark,
                "type": "custom", "eager_input_streaming": true, "input_examples": [{}]},
            {"name": "g", "input_schema": {"type": "object", "properties": {}, "additionalProperties": false}, "strict": true,
                "defer_loading": true},
            {"type": "web_search_20260209", "name": "web_search", "max_uses": 3,
                "user_location": {"type": "approximate", "city": "Bonn"}, "cache_control": plain},
            {"type": "mcp_toolset", "mcp_server_name": "s"},
        ],
        "tool_choice": {"type": "tool", "name": "f", "disable_parallel_tool_use": true},
        "thinking": {"type": "enabled", "budget_tokens": 1024, "display": "omitted"},
        "output_config": {"effort": "max", "format": {"type": "json_schema", "schema": {"type": "string"}},
            "task_budget": {"type": "tokens", "total": 9}},
        "temperature": 1.0, "top_p": 0.95, "top_k": 5,
        "stop_sequences": ["END"],
        "service_tier": "standard_only",
        "metadata": {"user_id": "u", "more": 1},
        "stream": true,
        "container": "c", "context_management": {"edits": [{"type": "clear_thinking_20251015"}]},
        "mcp_servers": [{"type": "url", "url": "https://example.com", "name": "s"}],
        "cache_control": {"type": "ephemeral"}, "inference_geo": "us", "speed": null,
    });
    let encoded = through(&request);
    assert_eq!(parse(&encoded.body), request);
    assert_eq!((encoded.lost, encoded.lowered), (Vec::new(), Vec::new()));
}

#[test]
fn small_requests_come_back_equal() {
    for more in [
        json!({"system": ""}),
        json!({"system": null, "tools": [], "stop_sequences": [], "metadata": {}}),
        json!({"metadata": {"user_id": null}}),
        json!({"thinking": {"type": "adaptive"}}),
        json!({"thinking": {"type": "disabled"}}),
        json!({"output_config": {}}),
        json!({"output_config": {"effort": null, "format": null}}),
        json!({"tool_choice": {"type": "auto", "new": 1}, "tools": [{"name": "f", "input_schema": {"type": "object"}, "type": null}]}),
        json!({"max_tokens": 0}),
        json!({"messages": [{"role": "assistant", "content": []}, {"role": "user", "content": ""}]}),
    ] {
        let mut request =
            json!({"model": "m", "max_tokens": 1, "messages": [{"role": "user", "content": "x"}]});
        request.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        let encoded = through(&request);
        assert_eq!(parse(&encoded.body), request);
        assert_eq!((encoded.lost, encoded.lowered), (Vec::new(), Vec::new()));
    }
}

/// As the stream's end tells it: the vendor's own counts are beside ours.
fn counted(mut response: Response) -> (Response, Value) {
    let vendor = response.extra.remove("usage").unwrap_or_default();
    (response, vendor)
}

proptest! {
    #[test]
    fn requests_come_back_equal(request in request()) {
        let encoded = encode_request(&request, &Target::model(&request.model));
        prop_assert_eq!(&encoded.lost, &Vec::new());
        prop_assert_eq!(&encoded.lowered, &Vec::<String>::new());
        prop_assert_eq!(decode_request(&encoded.body).expect("a request"), request);
    }

    #[test]
    fn answers_come_back_equal(response in response()) {
        let written = encode_response(&response, &context());
        let again = decode_response(&written).expect("an answer");
        prop_assert_eq!(parse(&encode_response(&again, &context())), parse(&written));
        prop_assert_eq!(counted(again).0, response);
    }

    #[test]
    fn streams_come_back_equal(response in response()) {
        let written = write(&response.clone().into_deltas(), context());
        let (deltas, ending) = read(std::iter::once(written.clone()));
        prop_assert_eq!(ending, Ok(()));
        prop_assert_eq!(counted(collect(deltas.clone())).0, response);
        let cut = read((0..written.len()).step_by(3).map(|at| written.slice(at..written.len().min(at + 3))));
        prop_assert_eq!(cut.0, deltas);
    }

    #[test]
    fn any_bytes_can_be_read(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let _request = decode_request(&bytes);
        let _answer = decode_response(&bytes);
        let _stream = read(std::iter::once(bytes.into()));
    }
}
