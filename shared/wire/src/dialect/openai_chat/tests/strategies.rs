//! Conversations to try, in the forms in which this format reads them.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use serde_json::{Map, Number, Value};

use crate::Usage;
use crate::chat::{
    Annotation, Audio, CacheLife, CacheMark, Choice, Content, Definition, Effort, Extra, File, FinishReason,
    Function, Image, Logprobs, Message, OutputLimit, Part, Reasoning, ReasoningForm, ReasoningRequest,
    ReasoningRequestSpelling, ReasoningSpelling, Request, Response, ResponseFormat, Role, Sampling, Schema,
    Shape, Source, Stop, Text, TokenLogprob, Tool, ToolCall, ToolChoice, ToolKind, ToolResult,
};
use crate::dialect::{Dialect, origin};

/// Text that is not empty, with what breaks careless writers: quotes, controls, line ends, other scripts.
pub(super) fn text() -> impl Strategy<Value = String> {
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

fn number() -> impl Strategy<Value = Number> {
    prop_oneof![
        any::<i64>().prop_map(Number::from),
        any::<f64>().prop_filter_map("finite", Number::from_f64),
        (0.0..2.0_f64).prop_filter_map("finite", Number::from_f64),
    ]
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        number().prop_map(Value::Number),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(Value::from),
            vec((word(), inner), 0..3).prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

/// Fields the format does not know.
fn extra() -> impl Strategy<Value = Extra> {
    prop_oneof![
        3 => Just(Extra::new()),
        1 => vec(("x_[a-z]{1,3}", json()), 1..3).prop_map(|fields| fields.into_iter().collect()),
    ]
}

/// Fields the format does not know, without those a stream does not bring.
fn spoken_extra() -> impl Strategy<Value = Extra> {
    extra().prop_map(|extra| extra.into_iter().filter(|(_, value)| !value.is_null()).collect())
}

fn source() -> impl Strategy<Value = Source> {
    prop_oneof![
        word().prop_map(|name| Source::Url(format!("https://example.com/{name}"))),
        ("[a-z]{1,5}/[a-z]{1,5}", "[A-Za-z0-9+/]{0,8}")
            .prop_map(|(media_type, data)| Source::Base64 { media_type: Some(media_type), data }),
    ]
}

fn content() -> impl Strategy<Value = Content> {
    prop_oneof![
        text().prop_map(|text| Content::Text(Text { text, annotations: Vec::new() })),
        Just(Content::Text(Text::default())),
        (source(), option::of(word())).prop_map(|(source, detail)| Content::Image(Image { source, detail })),
        source().prop_map(Content::Video),
        ("[A-Za-z0-9+/]{1,8}", word()).prop_map(|(data, format)| {
            Content::Audio(Audio { data: Some(data), format: Some(format), ..Audio::default() })
        }),
        (
            prop_oneof![
                source(),
                word().prop_map(Source::FileId),
                "[A-Z0-9+/]{1,8}".prop_map(|data| Source::Base64 { media_type: None, data }),
            ],
            option::of(text())
        )
            .prop_map(|(source, name)| Content::File(File { source, name })),
        "x_[a-z]{1,4}".prop_map(Content::Other),
    ]
}

fn cache() -> impl Strategy<Value = Option<CacheMark>> {
    let life = prop_oneof![Just(CacheLife::Default), Just(CacheLife::FiveMinutes), Just(CacheLife::OneHour)];
    option::weighted(0.2, life.prop_map(|life| CacheMark { life }))
}

fn listed_part() -> impl Strategy<Value = Part> {
    (content(), cache(), extra()).prop_map(|(content, cache, extra)| Part {
        cache,
        extra,
        ..Part::new(content)
    })
}

/// Text or parts, and how they are spelt.
fn said() -> impl Strategy<Value = (Vec<Part>, Shape)> {
    prop_oneof![
        text().prop_map(|text| (vec![Part::text(text)], Shape::Text)),
        Just((Vec::new(), Shape::Text)),
        vec(listed_part(), 0..4).prop_map(|parts| (parts, Shape::Parts)),
        Just((Vec::new(), Shape::Null)),
        Just((Vec::new(), Shape::Absent)),
    ]
}

fn reasoning() -> impl Strategy<Value = Vec<Part>> {
    let plain = (text(), any::<bool>()).prop_map(|(text, long)| {
        let spelling = if long { ReasoningSpelling::ReasoningContent } else { ReasoningSpelling::Reasoning };
        vec![Part::new(Content::Reasoning(Reasoning::piece(text, spelling)))]
    });
    let detail = (text(), any::<u8>(), option::of(word()), option::of(word()), option::of(word()), extra())
        .prop_map(|(said, form, id, signature, format, extra)| {
            let form =
                [ReasoningForm::Full, ReasoningForm::Summary, ReasoningForm::Opaque][usize::from(form % 3)];
            let (text, data) =
                if form == ReasoningForm::Opaque { (String::new(), Some(said)) } else { (said, None) };
            let reasoning = Reasoning { text, form, data, format, spelling: ReasoningSpelling::Details };
            Part { id, signature, extra, ..Part::new(Content::Reasoning(reasoning)) }
        });
    prop_oneof![2 => Just(Vec::new()), 1 => plain, 1 => vec(detail, 1..3)]
}

fn call() -> impl Strategy<Value = Part> {
    let arguments = prop_oneof![Just(String::new()), Just("{}".to_owned()), text()];
    (option::of("[a-z0-9_]{0,6}"), word(), arguments, any::<bool>(), option::weighted(0.2, word()), extra())
        .prop_map(|(id, name, arguments, custom, signature, extra)| {
            let kind = if custom { ToolKind::Custom } else { ToolKind::Function };
            let call = ToolCall { id, name, arguments, kind };
            Part { signature, extra, ..Part::new(Content::ToolCall(call)) }
        })
}

fn annotation() -> impl Strategy<Value = Annotation> {
    (option::of(text()), option::of(text()), option::of(text()), option::of(0_u64..99), extra()).prop_map(
        |(url, title, quote, start, extra)| Annotation {
            kind: "url_citation".to_owned(),
            url,
            title,
            quote,
            start,
            end: start.map(|start| start + 1),
            extra,
            ..Annotation::default()
        },
    )
}

fn spoken() -> impl Strategy<Value = Part> {
    (word(), option::of(word()), option::of(text()), option::of(any::<u64>())).prop_map(
        |(id, data, transcript, expires_at)| {
            Part::new(Content::Audio(Audio { id: Some(id), data, format: None, transcript, expires_at }))
        },
    )
}

/// What an assistant says, in a request or in an answer.
fn answer() -> impl Strategy<Value = Message> {
    let refusal = option::weighted(0.2, text());
    (
        said(),
        reasoning(),
        refusal,
        vec(annotation(), 0..2),
        option::weighted(0.1, spoken()),
        vec(call(), 0..3),
        extra(),
    )
        .prop_map(|((mut content, shape), mut parts, refusal, annotations, spoken, calls, extra)| {
            if let [Part { content: Content::Text(text), .. }] = content.as_mut_slice() {
                text.annotations = annotations;
            }
            parts.extend(content);
            if shape != Shape::Parts {
                parts.extend(refusal.map(|text| Part::new(Content::Refusal(text))));
            }
            parts.extend(spoken);
            parts.extend(calls);
            Message { shape, extra, ..Message::new(Role::Assistant, parts) }
        })
}

fn message() -> impl Strategy<Value = Message> {
    let role = prop_oneof![
        Just(Role::System),
        Just(Role::Developer),
        Just(Role::User),
        "x[a-z]{1,4}".prop_map(|word| Role::from(word.as_str())),
    ];
    let plain = (role, option::of(word()), said(), extra())
        .prop_map(|(role, name, (parts, shape), extra)| Message { role, name, parts, shape, extra });
    let result =
        (word(), option::of(word()), said(), extra()).prop_map(|(id, name, (parts, shape), extra)| {
            let result = ToolResult { call_id: Some(id), name, parts, shape, is_error: false };
            Message { extra, ..Message::new(Role::Tool, vec![Part::new(Content::ToolResult(result))]) }
        });
    prop_oneof![plain, answer(), result]
}

fn tool() -> impl Strategy<Value = Tool> {
    let schema = || option::of(json().prop_filter("null is absent", |value| !value.is_null()));
    let definition =
        prop_oneof![
            (word(), option::of(text()), schema(), option::of(any::<bool>())).prop_map(
                |(name, description, parameters, strict)| {
                    Definition::Function(Function { name, description, parameters, strict })
                }
            ),
            (word(), option::of(text()), schema())
                .prop_map(|(name, description, format)| Definition::Custom { name, description, format }),
            "x_[a-z]{1,4}".prop_map(Definition::BuiltIn),
        ];
    (definition, cache(), extra()).prop_map(|(definition, cache, extra)| Tool { definition, cache, extra })
}

fn choice_of_tool() -> impl Strategy<Value = ToolChoice> {
    prop_oneof![
        Just(ToolChoice::Auto),
        Just(ToolChoice::None),
        Just(ToolChoice::Required),
        word().prop_map(ToolChoice::Function),
        word().prop_map(ToolChoice::Custom),
        (any::<bool>(), vec(json(), 0..2))
            .prop_map(|(required, tools)| ToolChoice::Allowed { required, tools }),
        "x_[a-z]{1,4}".prop_map(|word| ToolChoice::Other(word.into())),
    ]
}

fn format() -> impl Strategy<Value = ResponseFormat> {
    prop_oneof![
        Just(ResponseFormat::Text),
        Just(ResponseFormat::JsonObject),
        // The format requires the name.
        (word().prop_map(Some), option::of(text()), option::of(any::<bool>()), extra()).prop_map(
            |(name, description, strict, extra)| {
                let schema = Some(Value::Object(Map::new()));
                ResponseFormat::JsonSchema(Schema { name, description, schema, strict, extra })
            }
        ),
    ]
}

fn reasoning_request() -> impl Strategy<Value = ReasoningRequest> {
    let effort = option::of(word().prop_map(|word| Effort::from(word.as_str())));
    (effort, option::of(any::<u64>()), option::of(any::<bool>()), 0_u8..3).prop_map(
        |(effort, budget, enabled, spelling)| match spelling {
            0 => ReasoningRequest { effort: Some(Effort::Low), ..ReasoningRequest::default() },
            1 => ReasoningRequest {
                effort,
                budget,
                enabled,
                shown: None,
                spelling: ReasoningRequestSpelling::Reasoning,
            },
            _ => ReasoningRequest {
                effort: None,
                budget,
                enabled,
                shown: None,
                spelling: ReasoningRequestSpelling::Thinking,
            },
        },
    )
}

fn sampling() -> impl Strategy<Value = Sampling> {
    (option::of(number()), option::of(number()), option::of(number()), option::of(any::<i64>())).prop_map(
        |(temperature, top_p, top_k, seed)| Sampling {
            temperature,
            top_p,
            top_k,
            seed: seed.map(Number::from),
            ..Sampling::default()
        },
    )
}

/// As the reader leaves it: with the mark that says which format it was read from.
fn own(mut extra: Extra) -> Extra {
    origin::mark(&mut extra, Dialect::OpenAiChat);
    extra
}

pub(super) fn request() -> impl Strategy<Value = Request> {
    let stop = prop_oneof![text().prop_map(Stop::One), vec(text(), 0..3).prop_map(Stop::Many)];
    let limit = (1..u64::MAX, any::<bool>()).prop_map(|(tokens, legacy)| OutputLimit { tokens, legacy });
    let conversation =
        (word(), vec(message(), 1..5), vec(tool(), 0..3), option::of(choice_of_tool()), option::of(format()));
    let numbers = (
        sampling(),
        option::of(stop),
        option::of(limit),
        option::of(1_u64..9),
        option::of(reasoning_request()),
    );
    let flags = (option::of(any::<bool>()), option::of(any::<bool>()), option::of(any::<bool>()));
    (conversation, numbers, flags, option::of(extra()), extra()).prop_map(
        |(
            (model, messages, tools, tool_choice, response_format),
            (sampling, stop, output_limit, n, reasoning),
            (stream, include_usage, store),
            metadata,
            extra,
        )| Request {
            tools,
            tool_choice,
            response_format,
            sampling,
            stop,
            output_limit,
            n,
            reasoning,
            stream,
            include_usage,
            store,
            metadata,
            extra: own(extra),
            ..Request::new(model, messages)
        },
    )
}

fn logprobs() -> impl Strategy<Value = Logprobs> {
    let token = (text(), number(), option::of(vec(any::<u8>(), 0..4)), extra()).prop_map(
        |(token, logprob, bytes, extra)| TokenLogprob { token, logprob, bytes, top: Some(Vec::new()), extra },
    );
    vec(token, 1..3).prop_map(|tokens| Logprobs { content: Some(tokens), ..Logprobs::default() })
}

fn finish() -> impl Strategy<Value = FinishReason> {
    prop_oneof![
        Just(FinishReason::Stop),
        Just(FinishReason::Length),
        Just(FinishReason::ToolCalls),
        Just(FinishReason::ContentFilter),
        "x_[a-z]{1,4}".prop_map(FinishReason::Other),
    ]
}

pub(super) fn usage() -> impl Strategy<Value = Usage> {
    (1_u64..1_000, 0_u64..1_000, 1_u64..1_000, 0_u64..1_000, 0_u64..1_000).prop_map(
        |(input, cache_read, output, input_audio, output_audio)| Usage {
            input,
            cache_read,
            input_audio,
            output,
            output_audio,
            reasoning: output / 2,
            ..Usage::default()
        },
    )
}

pub(super) fn response() -> impl Strategy<Value = Response> {
    let choice = (answer(), option::of(finish()), option::of(logprobs()), extra());
    let facts = (option::of(text()), option::of(word()), option::of(any::<u64>()), option::of(word()));
    (vec(choice, 0..3), facts, option::of(usage()), extra()).prop_map(
        |(choices, (id, model, created, service_tier), usage, extra)| Response {
            id,
            model,
            created,
            service_tier,
            choices: (0..)
                .zip(choices)
                .map(|(index, (message, finish, logprobs, extra))| Choice {
                    finish,
                    logprobs,
                    extra,
                    ..Choice::new(index, message)
                })
                .collect(),
            usage,
            extra,
            ..Response::default()
        },
    )
}

/// An answer as a stream can bring it: everything finished, each sort of part at most once but for calls.
pub(super) fn streamed() -> impl Strategy<Value = Response> {
    let plain = text().prop_map(|text| Reasoning::piece(text, ReasoningSpelling::ReasoningContent));
    let said = (option::of(plain), option::of(text()), option::of(text()), vec(call(), 0..3));
    let choice = (said, finish(), option::of(logprobs()), spoken_extra(), spoken_extra());
    (vec(choice, 1..3), option::of(usage()), spoken_extra()).prop_map(|(choices, usage, extra)| {
        let choices = (0..).zip(choices).map(
            |(index, ((thought, text, refusal, calls), finish, logprobs, of_message, of_choice))| {
                let mut parts: Vec<Part> =
                    thought.map(|thought| Part::new(Content::Reasoning(thought))).into_iter().collect();
                parts.extend(text.map(Part::text));
                parts.extend(refusal.map(|text| Part::new(Content::Refusal(text))));
                parts.extend(calls.into_iter().map(heard));
                let message = Message { extra: of_message, ..Message::new(Role::Assistant, parts) };
                Choice { finish: Some(finish), logprobs, extra: of_choice, ..Choice::new(index, message) }
            },
        );
        let id = Some("chatcmpl-1".to_owned());
        let model = Some("m".to_owned());
        Response {
            id,
            model,
            created: Some(5),
            choices: choices.collect(),
            usage,
            extra,
            ..Response::default()
        }
    })
}

/// A call as a stream brings it: without empty ids, and without what is null.
fn heard(mut part: Part) -> Part {
    part.extra.retain(|_, value| !value.is_null());
    if let Content::ToolCall(call) = &mut part.content {
        call.id = call.id.take().filter(|id| !id.is_empty());
    }
    part
}
