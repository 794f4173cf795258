//! Checks of what is refused, what passes, and that passing bodies keep their bytes.

use bytes::Bytes;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::usage::Usage;

fn head(body: &str) -> RequestHead {
    peek_request(body.as_bytes()).unwrap()
}

fn refused(body: &str) -> (String, String) {
    let error = peek_request(body.as_bytes()).unwrap_err();
    (error.path, error.reason)
}

/// A request with one more member.
fn with(member: &str) -> String {
    format!(r#"{{"model":"m","messages":[{{"role":"user","content":"x"}}],{member}}}"#)
}

fn rewritten(body: &str, model: &str, ask_usage: bool) -> String {
    let out = head(body).rewrite(&Bytes::copy_from_slice(body.as_bytes()), model, ask_usage);
    String::from_utf8(out.to_vec()).unwrap()
}

#[test]
fn finds_what_the_gateway_needs() {
    let head = head(&with(r#""stream":true,"stream_options":{"include_usage":true}"#));
    assert_eq!((head.model.as_str(), head.stream, head.include_usage), ("m", true, true));
    let head = peek_request(with(r#""stream":null,"stream_options":null"#).as_bytes()).unwrap();
    assert!(!head.stream && !head.include_usage);
}

#[test]
fn refuses_by_path() {
    let cases = [
        ("", "", "the body is empty"),
        ("  \n", "", "the body is empty"),
        ("hello", "", "not valid JSON: expected a value at line 1 column 1"),
        (r#"{"model":"m","messages":[{"role":"user""#, "", "ends too early"),
        ("[]", "", "got an array"),
        ("{}", "model", "missing"),
        (r#"{"model":"m"}"#, "messages", "missing"),
        (r#"{"messages":[{"role":"user"}]}"#, "model", "missing"),
        (r#"{"model":" ","messages":[]}"#, "model", "empty"),
        (r#"{"model":null}"#, "model", "expected a string, got null"),
        (r#"{"model":7}"#, "model", "got a number"),
        (r#"{"model":"\ud83d"}"#, "model", "half a character"),
        (r#"{"messages":{}}"#, "messages", "expected an array, got an object"),
        (r#"{"messages":null}"#, "messages", "expected an array, got null"),
        (r#"{"messages":[]}"#, "messages", "empty"),
        (r#"{"messages":["hi"]}"#, "messages[0]", "expected an object, got a string"),
        (r#"{"messages":[{"role":"user"},{"content":"x"}]}"#, "messages[1].role", "missing"),
        (r#"{"messages":[{"role":"user"},{},{"role":3}]}"#, "messages[1].role", "missing"),
        (r#"{"messages":[{"role":3}]}"#, "messages[0].role", "expected a string, got a number"),
        (r#"{"messages":[{"role":""}]}"#, "messages[0].role", "empty"),
        (r#"{"messages":[{"role":"user","content":{}}]}"#, "messages[0].content", "got an object"),
        (r#"{"messages":[{"role":"user","tool_calls":{}}]}"#, "messages[0].tool_calls", "got an object"),
        (r#"{"model":"a","model":"b"}"#, "model", "given twice"),
        (r#"{"model":"a","mod\u0065l":"b"}"#, "model", "given twice"),
    ];
    for (body, path, reason) in cases {
        let (at, why) = refused(body);
        assert_eq!(at, path, "{body}: {why}");
        assert!(why.contains(reason), "{body}: {why}");
    }
}

#[test]
fn refuses_wrong_types_of_known_members() {
    let cases = [
        (r#""stream":"true""#, "stream"),
        (r#""stream":1"#, "stream"),
        (r#""stream_options":true"#, "stream_options"),
        (r#""stream_options":{"include_usage":1}"#, "stream_options.include_usage"),
        (r#""stream_options":{"include_usage":true,"include_usage":false}"#, "stream_options.include_usage"),
        (r#""n":0"#, "n"),
        (r#""n":-1"#, "n"),
        (r#""n":1.5"#, "n"),
        (r#""n":"1""#, "n"),
        (r#""max_tokens":0"#, "max_tokens"),
        (r#""max_tokens":-2"#, "max_tokens"),
        (r#""max_completion_tokens":"many""#, "max_completion_tokens"),
        (r#""seed":0.5"#, "seed"),
        (r#""temperature":"hot""#, "temperature"),
        (r#""tools":{}"#, "tools"),
        (r#""tool_choice":7"#, "tool_choice"),
        (r#""stop":7"#, "stop"),
        (r#""stop":["a",7]"#, "stop[1]"),
        (r#""response_format":"json""#, "response_format"),
        (r#""temperature":1,"temperature":2"#, "temperature"),
    ];
    for (member, path) in cases {
        assert_eq!(refused(&with(member)).0, path, "{member}");
    }
}

#[test]
fn what_is_not_known_passes() {
    for member in [
        r#""x":{"model":1,"messages":[]},"x":[1]"#,
        r#""max_tokens":-1,"n":1e0,"seed":-3,"top_logprobs":0,"max_completion_tokens":100.0"#,
        r#""n":null,"max_tokens":null,"stop":null,"tools":null,"temperature":null,"response_format":null"#,
        r#""logprobs":5,"reasoning_effort":512,"stop":"x","tool_choice":{"type":"function"}"#,
        r#""half":"\ud83d","\ud83d":1"#,
    ] {
        assert_eq!(peek_request(with(member).as_bytes()).map(|h| h.model), Ok("m".to_owned()), "{member}");
    }
    let odd =
        r#"{"messages":[{"role":"critic","content":null,"x":1},{"role":"user","content":[7]}],"model":"m"}"#;
    assert!(peek_request(odd.as_bytes()).is_ok());
}

#[test]
fn errors_do_not_quote_the_prompt() {
    let body = r#"{"model":"m","messages":[{"role":"user","content":"SECRET" "SECRET"}]}"#;
    let error = peek_request(body.as_bytes()).unwrap_err();
    assert!(!error.to_string().contains("SECRET"));
}

#[test]
fn asks_for_usage_wherever_the_option_is() {
    let cases = [
        (r#""stream":true"#, r#""stream":true,"stream_options":{"include_usage":true}"#),
        (
            r#""stream_options":null,"stream":true"#,
            r#""stream_options":{"include_usage":true},"stream":true"#,
        ),
        (
            r#""stream":true,"stream_options":{ }"#,
            r#""stream":true,"stream_options":{"include_usage":true }"#,
        ),
        (
            r#""stream":true,"stream_options":{ "x":1}"#,
            r#""stream":true,"stream_options":{"include_usage":true, "x":1}"#,
        ),
        (
            r#""stream_options":{"x":1,"include_usage" : false},"stream":true"#,
            r#""stream_options":{"x":1,"include_usage" : true},"stream":true"#,
        ),
        (
            r#""stream":true,"stream_options":{"include_usage":null}"#,
            r#""stream":true,"stream_options":{"include_usage":true}"#,
        ),
    ];
    for (before, after) in cases {
        assert_eq!(rewritten(&with(before), "m", true), with(after));
        assert_eq!(rewritten(&with(before), "m", false), with(before));
    }
    for unchanged in
        [r#""stream":false"#, r#""stream":true,"stream_options":{"include_usage":true}"#, r#""a":1"#]
    {
        assert_eq!(rewritten(&with(unchanged), "m", true), with(unchanged));
    }
}

#[test]
fn the_same_bytes_when_nothing_changes() {
    let body = Bytes::from(with(r#""stream":false"#));
    let out = peek_request(&body).unwrap().rewrite(&body, "m", true);
    assert_eq!(out.as_ptr(), body.as_ptr());
    // Spelled with an escape, it is still the same name.
    let escaped = Bytes::from(with(r#""a":1"#).replace(r#""m""#, r#""\u006d""#));
    let out = peek_request(&escaped).unwrap().rewrite(&escaped, "m", false);
    assert_eq!(out.as_ptr(), escaped.as_ptr());
}

#[test]
fn a_model_name_is_written_as_json() {
    assert_eq!(
        rewritten(&with(r#""model_x":"m""#), "a\"b/\u{e9}\n", false),
        with(r#""model_x":"m""#).replacen(r#""m""#, "\"a\\\"b/\u{e9}\\n\"", 1)
    );
}

/// A request in any order and spelling, and what it says.
fn request() -> impl Strategy<Value = String> {
    let space = prop::sample::select(vec!["", " ", "\n  ", "\t", "\r\n"]);
    let fixed = prop::sample::select(vec![
        r#""temperature":1.0"#,
        r#""temperature" : 1e0"#,
        r#""x":{"b":1,"a":[1.10,2E+3,"\u00e9\/"]}"#,
        r#""metadata":{"model":"other","stream":"yes"}"#,
        r#""max_tokens":100"#,
    ]);
    let stream = prop::sample::select(vec![
        vec![],
        vec![r#""stream":true"#],
        vec![r#""stream" :false"#],
        vec![r#""stream":true"#, r#""stream_options": {}"#],
        vec![r#""stream":true"#, r#""stream_options":{"x":[1 ,2],"include_usage":false}"#],
        vec![r#""stream":true"#, r#""stream_options":{"include_usage":true}"#],
        vec![r#""stream":true"#, r#""stream_options":null"#],
    ]);
    (space, fixed, stream, any::<String>(), any::<String>(), any::<u64>()).prop_map(
        |(space, fixed, stream, model, content, order)| {
            let messages = json!([{"role": "user", "content": content}]);
            let mut members = vec![
                format!("\"model\":{space}{}", json!(format!("m{model}"))),
                format!("\"messages\":{messages}"),
                fixed.to_owned(),
            ];
            members.extend(stream.into_iter().map(str::to_owned));
            let count = members.len();
            members.rotate_left(order as usize % count);
            if order & (1 << 40) != 0 {
                members.reverse();
            }
            format!("{{{space}{}{space}}}{space}", members.join(&format!("{space},{space}")))
        },
    )
}

proptest! {
    #[test]
    fn rewriting_changes_nothing_else(body in request(), model in "[a-z\"\\\\/\u{e9}]{1,12}", ask: bool) {
        let out = rewritten(&body, &model, ask);
        let mut before: Value = serde_json::from_str(&body).unwrap();
        let mut after: Value = serde_json::from_str(&out).unwrap();
        prop_assert_eq!(after["model"].take(), Value::from(model.clone()));
        before["model"].take();
        let stream = before["stream"] == true;
        if ask && stream {
            prop_assert_eq!(&after["stream_options"]["include_usage"], &Value::from(true));
        }
        for value in [&mut before, &mut after] {
            let members = value.as_object_mut().unwrap();
            if let Some(options) = members.get_mut("stream_options").and_then(Value::as_object_mut) {
                options.remove("include_usage");
            }
            let nothing = members.get("stream_options").is_some_and(|o| o.is_null() || *o == json!({}));
            if nothing {
                members.shift_remove("stream_options");
            }
        }
        prop_assert_eq!(before, after);

        // Byte for byte: the new body is the old one but for one replaced name and one inserted text.
        let own = head(&body).model;
        prop_assert_eq!(rewritten(&body, &own, false), body.clone());
        let back = rewritten(&rewritten(&body, &model, false), &own, false);
        let spelled = serde_json::from_str::<Value>(&back).unwrap();
        prop_assert_eq!(spelled, serde_json::from_str::<Value>(&body).unwrap());
        prop_assert_eq!(back.len(), body.len());
    }

    #[test]
    fn takes_no_more_than_json(body in request(), place: prop::sample::Index, byte: u8) {
        let mut damaged = body.into_bytes();
        let at = place.index(damaged.len());
        damaged[at] = byte;
        if peek_request(&damaged).is_ok() {
            prop_assert!(serde_json::from_slice::<serde::de::IgnoredAny>(&damaged).is_ok());
        }
    }

    #[test]
    fn never_panics(body: Vec<u8>, text in "[\\[\\]{}:,\"a-z0-9\\\\]{0,60}") {
        for body in [&body, text.as_bytes()] {
            let _ = peek_request(body);
            let _ = peek_response(body);
            let _ = peek_event(body);
        }
    }
}

fn event(data: &str) -> EventFacts {
    peek_event(data.as_bytes()).unwrap()
}

fn fault(data: &str) -> String {
    match peek_event(data.as_bytes()) {
        Err(PeekFailure::Fault(fault)) => fault.message,
        other => panic!("{data}: {other:?}"),
    }
}

#[test]
fn tells_events_apart() {
    let delta =
        |delta: &str| format!(r#"{{"model":"gpt","choices":[{{"index":0,"delta":{delta}}}],"usage":null}}"#);
    let cases = [
        (delta(r#"{"role":"assistant","content":""}"#), EventKind::Role, 0),
        (delta("{}"), EventKind::Role, 0),
        (delta("null"), EventKind::Role, 0),
        (
            delta(r#"{"content":null,"reasoning_details":[],"tool_calls":[],"audio":null}"#),
            EventKind::Role,
            0,
        ),
        (delta(r#"{"content":"hi"}"#), EventKind::Content, 2),
        (delta(r#"{"content":"\u00e9\n"}"#), EventKind::Content, 3),
        (delta(r#"{"refusal":"no"}"#), EventKind::Content, 2),
        (delta(r#"{"reasoning_content":"abc","reasoning":"abc"}"#), EventKind::Content, 3),
        (
            delta(r#"{"reasoning_details":[{"type":"reasoning.encrypted","data":"xx"}]}"#),
            EventKind::Content,
            0,
        ),
        (
            delta(r#"{"content":[{"type":"thinking","thinking":[{"type":"text","text":"hmm"}]}]}"#),
            EventKind::Content,
            3,
        ),
        (
            delta(r#"{"tool_calls":[{"index":0,"id":"x","function":{"name":"ab","arguments":"{\"c"}}]}"#),
            EventKind::Content,
            5,
        ),
        (delta(r#"{"function_call":{"name":"ab","arguments":{"c":1}}}"#), EventKind::Content, 9),
        (delta(r#"{"audio":{"id":"a","data":"AAAA","transcript":"yes"}}"#), EventKind::Content, 3),
        (delta(r#"{"images":[{"type":"image_url"}]}"#), EventKind::Content, 0),
        (
            r#"{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":1}}"#.to_owned(),
            EventKind::Usage,
            0,
        ),
        (
            r#"{"choices":[{"message":{"content":"all so far"},"delta":{"content":"far"}}]}"#.to_owned(),
            EventKind::Content,
            3,
        ),
        (r#"{"usage":{"prompt_tokens":0}}"#.to_owned(), EventKind::Usage, 0),
        (r#"{"choices":[],"prompt_filter_results":[]}"#.to_owned(), EventKind::Other, 0),
        (r#"{"choices":[],"usage":null,"error":null}"#.to_owned(), EventKind::Other, 0),
        ("[DONE]".to_owned(), EventKind::Done, 0),
        (" [DONE] ".to_owned(), EventKind::Done, 0),
    ];
    for (data, kind, text_bytes) in cases {
        let facts = event(&data);
        assert_eq!((facts.kind, facts.text.len()), (kind, text_bytes), "{data}");
    }
}

#[test]
fn reads_figures_and_reasons() {
    let facts = event(
        r#"{"model":"gpt-4","choices":[{"delta":{},"finish_reason":"stop"},{"delta":{},"finish_reason":null}],
        "x_groq":{"id":"r","usage":{"prompt_tokens":7,"completion_tokens":2}}}"#,
    );
    assert_eq!(facts.kind, EventKind::Role);
    assert_eq!(facts.finish_reasons, ["stop"]);
    assert_eq!(facts.model.as_deref(), Some("gpt-4"));
    assert_eq!(facts.usage, Some(Usage { input: 7, output: 2, ..Usage::default() }));
    let zeros = event(r#"{"choices":[],"usage":{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0}}"#);
    assert_eq!((zeros.kind, zeros.usage), (EventKind::Usage, None));
}

#[test]
fn an_error_in_a_stream_is_a_fault() {
    assert_eq!(fault(r#"{"error":{"message":"too much","type":"server_error"}}"#), "too much");
    assert_eq!(fault(r#"{"error":"too much"}"#), "too much");
    assert_eq!(fault(r#"{"object":"error","message":"too much","code":400}"#), "too much");
    assert_eq!(fault(r#"[{"error":{"code":503,"message":"too much"}}]"#), "too much");
    assert_eq!(fault(r#"{"id":"x","choices":[],"x_groq":{"error":"too much"}}"#), "too much");
    let choice =
        r#"{"choices":[{"delta":{"content":""},"error":{"message":"too much"},"finish_reason":"error"}]}"#;
    assert_eq!(fault(choice), "too much");
    for fine in [r#"{"error":null}"#, r#"{"error":{}}"#, r#"{"error":""}"#, r#"{"error":false}"#] {
        assert_eq!(event(fine).kind, EventKind::Other);
    }
}

#[test]
fn an_event_that_cannot_be_read_is_said_to_be_so() {
    for data in
        ["", "{", "hello", r#"{"choices":[}"#, "7", "[]", "\"x\"", r#"{"choices":[{"delta":{"content":"a"#]
    {
        assert!(matches!(peek_event(data.as_bytes()), Err(PeekFailure::Decode(_))), "{data}");
    }
}

#[test]
fn reads_a_whole_answer() {
    let body = json!({
        "id": "x", "object": "chat.completion", "model": "gpt-4o-2024",
        "choices": [
            {"index": 0, "message": {"role": "assistant", "content": "h\u{e9}", "refusal": null}, "finish_reason": "stop"},
            {"index": 1, "message": {"role": "assistant", "content": null, "tool_calls": [
                {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
            ]}, "finish_reason": "tool_calls"},
        ],
        "usage": {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13,
            "prompt_tokens_details": {"cached_tokens": 5}},
    });
    let facts = peek_response(body.to_string().as_bytes()).unwrap();
    let expected = ResponseFacts {
        model: Some("gpt-4o-2024".to_owned()),
        usage: Some(Usage { input: 4, cache_read: 5, output: 4, ..Usage::default() }),
        finish_reasons: vec!["stop".to_owned(), "tool_calls".to_owned()],
        text_bytes: 6,
        beyond_text: true,
    };
    assert_eq!(facts, expected);
    let both = br#"{"choices":[{"delta":{"content":""},"message":{"content":"all"}}]}"#;
    assert_eq!(peek_response(both).unwrap().text_bytes, 3);
    assert_eq!(said_in(body.to_string().as_bytes()), "h\u{e9}f{}");
    assert_eq!(said_in(b"{"), "");
}

#[test]
fn a_whole_answer_without_an_answer_is_none() {
    for body in ["", " ", "<html>", r#"{"id":"x"}"#, r#"{"choices":null}"#, r#"{"choices":[{"#, "[]"] {
        assert!(matches!(peek_response(body.as_bytes()), Err(PeekFailure::Decode(_))), "{body}");
    }
    let fault = peek_response(br#"{"error":{"message":"no"},"choices":[]}"#);
    assert!(matches!(fault, Err(PeekFailure::Fault(fault)) if fault.message == "no"));
}
