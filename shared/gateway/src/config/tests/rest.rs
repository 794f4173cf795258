//! Services whose formats the document declares: what is wrong with a declaration is told before it is used.

use serde_json::{Value, json};

use super::{sound, told, with};

fn rest(rest: &Value) -> Value {
    json!({ "kind": "rest", "base_url": "https://h.test/p", "rest": rest })
}

#[test]
fn declarations_are_read_and_written() {
    let declared = json!({
        "path": "/{model}",
        "chat": { "request": { "q": ["{{ prompt }}", 5, null] }, "text": "{{ body.a }}", "input_tokens": "{{ body.n }}" },
        "invocation": { "response": { "p": "{{ body | length }} of {{ model }}" } },
    });
    let config = sound(&with("/providers/service", rest(&declared)));
    assert_eq!(config.document()["providers"]["service"]["rest"], declared);
    sound(&with("/providers/service", rest(&json!({ "invocation": {} }))));
}

#[test]
fn mistakes_are_told_with_their_place() {
    let chat = |request: Value, text: &str| json!({ "chat": { "request": request, "text": text } });
    let names = "there are messages, prompt, system, model, temperature, top_p, max_tokens, stop, seed, n, \
        frequency_penalty, presence_penalty, logit_bias, user, metadata, response_format";
    told(
        "/providers/service",
        rest(&chat(json!({ "a": [{ "b": "{{ promt }}" }] }), "{{ body.x }}")),
        &[&format!(
            "providers.service.rest.chat.request: a[0].b: there is nothing called `promt` here (did you mean \
             `prompt`?); {names}"
        )],
    );
    told(
        "/providers/service",
        rest(&chat(json!({}), "{{ answer }}")),
        &["providers.service.rest.chat.text: there is nothing called `answer` here; there are body, model"],
    );
    told(
        "/providers/service",
        rest(&json!({ "invocation": { "request": "{{ body | shuffle }}" } })),
        &[
            "providers.service.rest.invocation.request: there is no filter `shuffle`; there are default, first, float, \
           int, join, last, length, lower, map, replace, round, sum, tojson, trim, upper",
        ],
    );
    told(
        "/providers/service",
        rest(&json!({})),
        &["providers.service.rest: says nothing of calls: give chat, invocation or both"],
    );
    told(
        "/providers/service",
        json!({ "kind": "rest", "base_url": "https://h.test/p" }),
        &["providers.service.rest: is required: it declares what the service takes and gives"],
    );
    told(
        "/providers/up/rest",
        json!({ "invocation": {} }),
        &["providers.up.rest: belongs to `kind: rest`; what OpenAI takes is known"],
    );
}
