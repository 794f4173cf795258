//! A conversation as turns of plain text, for services that have no format for one: what each turn says in words, and what
//! else was asked, by OpenAI's names. What words cannot say is named.

use serde_json::{Map, Value};

use super::loss::Notes;
use super::mlflow::completions::{leave_unsayable, text_of};
use super::openai_chat;
use super::{Loss, Target};
use crate::chat::{Request, Role};

/// A conversation in words.
#[derive(Clone, Debug, PartialEq)]
pub struct Plain {
    /// Who said what, in order.
    pub turns: Vec<(Role, String)>,
    /// What else was asked: `temperature`, `max_tokens`, `stop` and their kin.
    pub fields: Map<String, Value>,
    /// What is in neither.
    pub lost: Vec<Loss>,
}

/// Tells a conversation in words.
#[must_use]
pub fn plain(request: &Request, target: &Target<'_>) -> Plain {
    let mut notes = Notes::default();
    let turns = request.messages.iter().enumerate();
    let turns =
        turns.map(|(index, message)| (message.role.clone(), text_of(message, index, &mut notes))).collect();
    let bare = leave_unsayable(request, &mut notes);
    let encoded = openai_chat::encode_request(&bare, target);
    notes.lost.extend(encoded.lost);
    let mut fields = serde_json::from_slice::<Map<String, Value>>(&encoded.body).unwrap_or_default();
    for name in ["model", "messages", "stream", "stream_options"] {
        fields.shift_remove(name);
    }
    // The two are one limit under an older and a newer name.
    if let Some(limit) = fields.shift_remove("max_completion_tokens") {
        fields.insert("max_tokens".to_owned(), limit);
    }
    Plain { turns, fields, lost: notes.lost }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn words_pass_and_the_rest_is_named() {
        let body = json!({
            "model": "m", "max_completion_tokens": 5, "temperature": 0.5, "stop": ["a"], "stream": true,
            "tools": [{ "type": "function", "function": { "name": "f", "parameters": { "type": "object" } } }],
            "messages": [
                { "role": "system", "content": "Be brief." },
                { "role": "user", "content": [
                    { "type": "text", "text": "What is " },
                    { "type": "text", "text": "this?" },
                    { "type": "image_url", "image_url": { "url": "https://h.test/a.png" } },
                ] },
            ],
        });
        let request = openai_chat::decode_request(body.to_string().as_bytes()).unwrap();
        let Plain { turns, fields, lost } = plain(&request, &Target::model("m"));
        assert_eq!(turns, [(Role::System, "Be brief.".to_owned()), (Role::User, "What is this?".to_owned())]);
        assert_eq!(Value::from(fields), json!({ "temperature": 0.5, "stop": ["a"], "max_tokens": 5 }));
        let lost: Vec<&str> = lost.iter().map(|loss| loss.field.as_str()).collect();
        assert_eq!(lost, ["messages[1].content[2]", "tools"]);
    }
}
