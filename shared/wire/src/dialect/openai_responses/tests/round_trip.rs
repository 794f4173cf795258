//! What is written is read as the same again, whole and streamed, however the bytes are cut.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::{collect, context, events_of, read, write};
use crate::chat::{Content, Response};
use crate::dialect::Target;
use crate::dialect::openai_responses::{decode_request, decode_response, encode_request, encode_response};

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z ]{1,12}",
        "\\PC{1,8}",
        Just("\"\\\u{0}\u{1f}\r\n\u{2028}data: [DONE]\n\n".to_owned()),
        Just("{\"a\": 1.0,\n\"b\":".to_owned()),
    ]
}

fn word() -> impl Strategy<Value = String> {
    "[a-z_]{1,8}"
}

/// Fields the format does not know.
fn with_extra(value: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
    let extra = vec(
        (
            "x_[a-z]{1,3}",
            prop_oneof![Just(Value::Null), text().prop_map(Value::from), Just(json!({"a": [1.0]}))],
        ),
        0..2,
    );
    (value, extra).prop_map(|(mut value, extra)| {
        if let Value::Object(map) = &mut value {
            for (name, value) in extra {
                map.insert(name, value);
            }
        }
        value
    })
}

fn input_part() -> impl Strategy<Value = Value> {
    with_extra(prop_oneof![
        text().prop_map(|text| json!({"type": "input_text", "text": text})),
        (word(), option::of(word())).prop_map(|(name, detail)| {
            let mut part = json!({"type": "input_image", "image_url": format!("https://example.com/{name}")});
            if let Some(detail) = detail {
                part["detail"] = detail.into();
            }
            part
        }),
        word().prop_map(|id| json!({"type": "input_file", "file_id": id})),
        "x_[a-z]{1,4}".prop_map(|kind| json!({"type": kind})),
    ])
}

fn output_part() -> impl Strategy<Value = Value> {
    with_extra(prop_oneof![
        3 => text().prop_map(|text| json!({"type": "output_text", "text": text, "annotations": []})),
        1 => text().prop_map(|text| json!({"type": "refusal", "refusal": text})),
    ])
}

/// An item that the model makes, the `number`th.
fn made(number: usize) -> impl Strategy<Value = Value> {
    let summary = vec(text().prop_map(|text| json!({"type": "summary_text", "text": text})), 0..3);
    let content = vec(text().prop_map(|text| json!({"type": "reasoning_text", "text": text})), 1..3);
    with_extra(prop_oneof![
        vec(output_part(), 1..3).prop_map(move |content| json!({"type": "message", "id": format!("msg_{number}"), "role": "assistant", "status": "completed", "content": content})),
        (summary, option::of(content), option::of(word())).prop_map(move |(summary, content, sealed)| {
            let mut item = json!({"type": "reasoning", "id": format!("rs_{number}"), "summary": summary});
            if let Some(content) = content {
                item["content"] = content.into();
            }
            if let Some(sealed) = sealed {
                item["encrypted_content"] = sealed.into();
            }
            item
        }),
        (word(), text()).prop_map(move |(name, arguments)| json!({"type": "function_call", "id": format!("fc_{number}"), "call_id": format!("call_{number}"), "name": name, "arguments": arguments, "status": "completed"})),
        (word(), text()).prop_map(move |(name, input)| json!({"type": "custom_tool_call", "id": format!("ctc_{number}"), "call_id": format!("call_{number}"), "name": name, "input": input, "status": "completed"})),
        Just(json!({"type": "web_search_call", "id": format!("ws_{number}"), "status": "completed", "action": {"type": "search"}})),
    ])
}

fn items_made(least: usize) -> impl Strategy<Value = Vec<Value>> {
    (least..5_usize).prop_flat_map(|count| (0..count).map(|number| made(number).boxed()).collect::<Vec<_>>())
}

fn input() -> impl Strategy<Value = Value> {
    let said = prop_oneof![text().prop_map(Value::from), vec(input_part(), 0..3).prop_map(Value::from)];
    let user = with_extra((word(), said.clone()).prop_map(|(role, content)| {
        let role = if role.len() % 2 == 0 { "user" } else { "developer" };
        json!({"type": "message", "role": role, "content": content})
    }))
    .boxed();
    prop_oneof![
        text().prop_map(Value::from),
        (vec(user.clone(), 1..3), items_made(0), said, vec(user, 0..2)).prop_map(|(first, mut turn, result, last)| {
            let results: Vec<Value> = turn
                .iter()
                .filter_map(|item| {
                    let kind = item["type"].as_str()?.strip_suffix("_call").filter(|kind| *kind != "web_search")?;
                    Some(json!({"type": format!("{kind}_call_output"), "call_id": item["call_id"], "output": result}))
                })
                .collect();
            let mut items = first;
            items.append(&mut turn);
            items.extend(results);
            items.extend(last);
            items.into()
        }),
    ]
}

fn request() -> impl Strategy<Value = Value> {
    let tool = with_extra(prop_oneof![
        (word(), option::of(any::<bool>())).prop_map(|(name, strict)| {
            let mut tool = json!({"type": "function", "name": name, "parameters": {"type": "object", "additionalProperties": false}});
            if let Some(strict) = strict {
                tool["strict"] = strict.into();
            }
            tool
        }),
        word().prop_map(|name| json!({"type": "custom", "name": name, "format": {"type": "grammar", "syntax": "lark", "definition": "d"}})),
        "x_[a-z]{1,4}".prop_map(|kind| json!({"type": kind})),
    ]);
    let fields = vec(
        prop_oneof![
            Just(("instructions", json!("be kind"))),
            Just(("temperature", json!(1.0))),
            Just(("max_output_tokens", json!(5))),
            Just(("text", json!({"verbosity": "low"}))),
            Just(("text", json!({"format": {"type": "json_schema", "name": "n", "schema": {}}}))),
            Just(("reasoning", json!({"effort": "low", "summary": null}))),
            Just(("include", json!(["a", "message.output_text.logprobs", "b"]))),
            Just(("metadata", json!({}))),
            Just(("store", json!(null))),
            Just(("previous_response_id", json!("resp_1"))),
            Just(("tool_choice", json!({"type": "mcp", "server_label": "l"}))),
        ],
        0..5,
    );
    with_extra((word(), input(), vec(tool, 0..3), fields).prop_map(|(model, input, tools, fields)| {
        let mut map: Map<String, Value> =
            fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        map.insert("model".to_owned(), model.into());
        map.insert("input".to_owned(), input);
        map.insert("tools".to_owned(), tools.into());
        map.into()
    }))
}

fn arguments(response: &Response) -> Vec<&str> {
    let calls = response.choices.iter().flat_map(|choice| choice.message.tool_calls());
    calls.map(|call| call.arguments.as_str()).collect()
}

fn reasoning(response: &Response) -> String {
    let parts = response.choices.iter().flat_map(|choice| &choice.message.parts);
    parts
        .filter_map(|part| match &part.content {
            Content::Reasoning(it) => Some(format!("{}{}", it.text, it.data.as_deref().unwrap_or_default())),
            _ => None,
        })
        .collect()
}

proptest! {
    #[test]
    fn requests(body in request()) {
        let request = decode_request(body.to_string().as_bytes()).expect("a request");
        let encoded = encode_request(&request, &Target::model(&request.model));
        prop_assert_eq!(&encoded.lost, &Vec::new());
        prop_assert_eq!(serde_json::from_slice::<Value>(&encoded.body).expect("JSON"), body);
        prop_assert_eq!(decode_request(&encoded.body).expect("what was written can be read"), request);
    }

    #[test]
    fn responses(output in items_made(0)) {
        let body = json!({"id": "resp_1", "object": "response", "model": "m", "created_at": 1, "status": "completed", "output": output});
        let response = decode_response(body.to_string().as_bytes()).expect("an answer");
        let written = encode_response(&response, &context());
        prop_assert_eq!(serde_json::from_slice::<Value>(&written).expect("JSON"), body);
    }

    #[test]
    fn streams(output in items_made(1), cut in 1_usize..40) {
        let body = json!({"id": "resp_1", "object": "response", "model": "m", "created_at": 1, "status": "completed", "output": output});
        let mut response = decode_response(body.to_string().as_bytes()).expect("an answer");
        response.leave_extra();
        let whole: Value = serde_json::from_slice(&encode_response(&response, &context())).expect("JSON");
        let stream = write(&response.clone().into_deltas(), context());
        let events = events_of(&stream);
        let last = &events.last().expect("an end")["response"];
        let strip = |output: &Value| -> Vec<(String, Value, Value)> {
            // Items are told in the same order with the same content; where messages are joined, with the same text.
            output.as_array().into_iter().flatten().filter(|item| item["type"] != "message").map(|item| {
                (item["type"].to_string(), item["arguments"].clone(), item["input"].clone())
            }).collect()
        };
        prop_assert_eq!(strip(&last["output"]), strip(&whole["output"]));
        let (deltas, ending) = read(&[&stream]);
        prop_assert_eq!(ending, Ok(()));
        let again = collect(deltas.clone());
        prop_assert_eq!(again.choices[0].message.joined_text(), response.choices[0].message.joined_text());
        prop_assert_eq!(arguments(&again), arguments(&response));
        prop_assert_eq!(reasoning(&again), reasoning(&response));
        let cuts: Vec<&[u8]> = stream.chunks(cut).collect();
        prop_assert_eq!(read(&cuts), (deltas, Ok(())));
    }

    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in vec(any::<u8>(), 0..200)) {
        let _ = decode_request(&bytes);
        let _ = decode_response(&bytes);
        let _ = read(&[&bytes]);
    }
}
