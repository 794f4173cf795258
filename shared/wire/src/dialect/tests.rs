//! What every format refuses in the same way, with the name of the field as its callers write it.

use serde_json::{Value, json};

use super::Dialect;

const ALL: [Dialect; 7] = [
    Dialect::OpenAiChat,
    Dialect::OpenAiResponses,
    Dialect::Anthropic,
    Dialect::Gemini,
    Dialect::OpenAiCompletions,
    Dialect::Bedrock,
    Dialect::Cohere,
];

/// Where the conversation is.
const fn conversation(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::OpenAiResponses => "input",
        Dialect::Gemini => "contents",
        Dialect::OpenAiCompletions => "prompt",
        _ => "messages",
    }
}

/// A request with this as its conversation.
fn with(dialect: Dialect, said: &Value) -> String {
    let mut body = json!({"model": "m", "max_tokens": 5});
    if dialect.is_addressed() {
        body = json!({});
    }
    body[conversation(dialect)] = said.clone();
    body.to_string()
}

/// The path of the error that a body is refused with.
fn refused(dialect: Dialect, body: &str) -> String {
    match dialect.decode_request(body.as_bytes()) {
        Err(error) => {
            assert!(!error.reason.is_empty(), "{dialect:?} says why");
            error.path
        }
        Ok(request) => panic!("{dialect:?} takes {body}: {request:?}"),
    }
}

#[test]
fn what_is_no_object_is_refused() {
    for dialect in ALL {
        for body in ["", "   ", "{", "nonsense", "null", "[]", "\"text\"", "{\"model\": \"m\",}", "{}{}"] {
            assert_eq!(refused(dialect, body), "", "{dialect:?}: {body}");
            assert!(dialect.peek_request(body.as_bytes()).is_err(), "{dialect:?}: {body}");
        }
    }
}

/// Neither reader follows a body as deep as its sender likes.
#[test]
fn what_is_nested_too_deeply_is_refused() {
    for dialect in ALL {
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            for depth in [200, 200_000] {
                let inner = if open == "[" { "" } else { "1" };
                let nested = format!("{}{inner}{}", open.repeat(depth), close.repeat(depth));
                let place = conversation(dialect);
                for body in [format!("{{\"{place}\":{nested}}}"), format!("{{\"unknown\":{nested}}}"), nested]
                {
                    assert_eq!(refused(dialect, &body), "", "{dialect:?} at {depth}");
                    let error = dialect.peek_request(body.as_bytes()).expect_err("too deep");
                    assert!(!error.reason.is_empty());
                }
            }
        }
    }
}

#[test]
fn a_conversation_that_is_none_is_refused_by_its_name() {
    for dialect in ALL {
        let place = conversation(dialect);
        for said in [json!(5), json!({}), json!(true), json!([])] {
            // A list of prompts may be empty for all we know; the vendor decides.
            if dialect == Dialect::OpenAiCompletions && said == json!([]) {
                continue;
            }
            let path = refused(dialect, &with(dialect, &said));
            assert!(path.starts_with(place), "{dialect:?}: {said} is refused at {path}");
        }
    }
}

#[test]
fn a_message_of_a_wrong_type_is_refused_by_its_place() {
    for dialect in ALL {
        if dialect == Dialect::OpenAiCompletions {
            continue;
        }
        let first = format!("{}[0]", conversation(dialect));
        let content = if dialect == Dialect::Gemini { "parts" } else { "content" };
        let mut wrong = vec![json!(5), json!("text"), json!([])];
        for (name, value) in
            [("role", json!(5)), (content, json!(5)), (content, json!([5])), (content, json!([[]]))]
        {
            let mut message = json!({"role": "user", content: [{"text": "a", "type": "text"}]});
            message[name] = value;
            wrong.push(message);
        }
        for message in wrong {
            let path = refused(dialect, &with(dialect, &json!([message])));
            assert!(path.starts_with(&first), "{dialect:?}: {message} is refused at {path:?}");
        }
    }
}
