//! Conversations that the format can say.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use serde_json::{Number, Value, json};

use crate::Usage;
use crate::chat::*;
use crate::dialect::{Dialect, origin};

fn text() -> impl Strategy<Value = String> {
    "\\PC{1,12}"
}

fn word() -> impl Strategy<Value = String> {
    "[a-z][a-zA-Z0-9_-]{0,8}"
}

/// As the reader leaves it: with the mark that says which format it was read from.
fn own(mut extra: Extra) -> Extra {
    origin::mark(&mut extra, Dialect::Bedrock);
    extra
}

/// Unknown fields, with names that no format has.
fn extra() -> impl Strategy<Value = Extra> {
    vec(("zz[a-z]{1,3}", any::<i32>().prop_map(Value::from)), 0..2).prop_map(Extra::from_iter)
}

fn arguments() -> impl Strategy<Value = String> {
    vec((word(), any::<i32>()), 0..3).prop_map(|fields| {
        let map: Extra = fields.into_iter().map(|(name, value)| (name, value.into())).collect();
        Value::Object(map).to_string()
    })
}

fn base64(media_type: &'static str) -> Source {
    Source::Base64 { media_type: Some(media_type.to_owned()), data: "aGk=".to_owned() }
}

fn call() -> impl Strategy<Value = Part> {
    (word(), word(), arguments()).prop_map(|(id, name, arguments)| {
        Part::new(Content::ToolCall(ToolCall { id: Some(id), name, arguments, kind: ToolKind::Function }))
    })
}

fn thought() -> impl Strategy<Value = Part> {
    (text(), option::of(word())).prop_map(|(text, signature)| {
        let format = signature.is_some().then(|| "anthropic-claude-v1".to_owned());
        let reasoning = Reasoning { format, ..Reasoning::piece(text, ReasoningSpelling::Auto) };
        Part { signature, ..Part::new(Content::Reasoning(reasoning)) }
    })
}

fn marked(part: impl Strategy<Value = Part>) -> impl Strategy<Value = Part> {
    let life = prop_oneof![Just(CacheLife::Default), Just(CacheLife::FiveMinutes), Just(CacheLife::OneHour)];
    (part, option::of(life.prop_map(|life| CacheMark { life })), extra())
        .prop_map(|(part, cache, extra)| Part { cache, extra, ..part })
}

fn media() -> impl Strategy<Value = Part> {
    prop_oneof![
        Just(Content::Image(Image { source: base64("image/webp"), detail: None })),
        Just(Content::Video(base64("video/3gpp"))),
        Just(Content::Audio(Audio {
            data: Some("aGk=".into()),
            format: Some("mp3".into()),
            ..Audio::default()
        })),
    ]
    .prop_map(Part::new)
}

fn result() -> impl Strategy<Value = Part> {
    (word(), vec(text().prop_map(Part::text), 0..3), any::<bool>()).prop_map(|(id, parts, is_error)| {
        let result = ToolResult { call_id: Some(id), name: None, parts, shape: Shape::Auto, is_error };
        Part::new(Content::ToolResult(result))
    })
}

fn message(role: Role, parts: Vec<Part>) -> Message {
    Message::new(role, parts)
}

fn tool() -> impl Strategy<Value = Tool> {
    (word(), option::of(text()), option::of(any::<bool>()), extra()).prop_map(
        |(name, description, strict, extra)| {
            let parameters = Some(json!({"type": "object"}));
            let function = Function { name, description, parameters, strict };
            Tool { definition: Definition::Function(function), cache: None, extra }
        },
    )
}

pub(super) fn request() -> impl Strategy<Value = Request> {
    let said = marked(prop_oneof![text().prop_map(Part::text), media(), result()]);
    let turn =
        (vec(said, 1..4), vec(marked(prop_oneof![text().prop_map(Part::text), thought(), call()]), 1..4));
    let number =
        || option::of((0_u32..100).prop_map(|n| Number::from_f64(f64::from(n) / 100.0).expect("finite")));
    let limits =
        (option::of(1_u64..9_999), number(), number(), option::of(vec(text(), 0..3)), option::of(0_u32..99));
    let choice = prop_oneof![
        Just(ToolChoice::Auto),
        Just(ToolChoice::Required),
        word().prop_map(ToolChoice::Function)
    ];
    let reasoning = prop_oneof![
        (2_000_u64..9_000).prop_map(|budget| (Some(budget), true)),
        Just((None, true)),
        Just((None, false)),
    ];
    (
        (option::of(vec(marked(text().prop_map(Part::text)), 1..3)), vec(turn, 1..3)),
        limits,
        (vec(tool(), 0..3), option::of(choice), option::of(reasoning)),
        (option::of(word()), extra(), any::<bool>()),
    )
        .prop_map(
            |((system, turns), limits, (tools, tool_choice, reasoning), (metadata, extra, stream))| {
                let mut messages: Vec<Message> =
                    system.map(|parts| Message::new(Role::System, parts)).into_iter().collect();
                for (user, assistant) in turns {
                    messages.push(message(Role::User, user));
                    messages.push(message(Role::Assistant, assistant));
                }
                let (tokens, temperature, top_p, stop, top_k) = limits;
                Request {
                    tools,
                    tool_choice,
                    reasoning: reasoning.map(|(budget, enabled)| ReasoningRequest {
                        shown: None,
                        effort: None,
                        budget,
                        enabled: Some(enabled),
                        spelling: ReasoningRequestSpelling::Thinking,
                    }),
                    // A budget must leave room for the answer.
                    output_limit: tokens.map(|tokens| OutputLimit { tokens: tokens + 10_000, legacy: false }),
                    sampling: Sampling {
                        temperature,
                        top_p,
                        top_k: top_k.map(Number::from),
                        ..Sampling::default()
                    },
                    stop: stop.map(Stop::Many),
                    metadata: metadata.map(|word| Extra::from_iter([(word.clone(), word.into())])),
                    stream: Some(stream),
                    extra: own(extra),
                    ..Request::new("m", messages)
                }
            },
        )
}

/// An answer that is the same whole and streamed.
pub(super) fn response() -> impl Strategy<Value = Response> {
    let finish = prop_oneof![
        Just(FinishReason::Stop),
        Just(FinishReason::Length),
        Just(FinishReason::ToolCalls),
        Just(FinishReason::ContentFilter),
        "x_[a-z]{1,4}".prop_map(FinishReason::Other),
    ];
    let parts = vec(prop_oneof![text().prop_map(Part::text), thought(), call()], 0..4);
    let usage = (1_u64..99, 0_u64..99, 0_u64..99, 0_u64..99, 1_u64..99);
    (parts, finish, option::of(usage), option::of(word()), extra()).prop_map(
        |(parts, finish, usage, tier, extra)| {
            let message = message(Role::Assistant, parts);
            Response {
                choices: vec![Choice { finish: Some(finish), ..Choice::new(0, message) }],
                usage: usage.map(|(input, cache_read, cache_write, cache_write_1h, output)| Usage {
                    input,
                    cache_read,
                    cache_write,
                    cache_write_1h,
                    output,
                    ..Usage::default()
                }),
                service_tier: tier,
                extra,
                ..Response::default()
            }
        },
    )
}
