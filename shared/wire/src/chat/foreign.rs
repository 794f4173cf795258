//! Leaving behind what only the format of origin understands.
//!
//! `extra` is in the words of the format that it was read from. Before a conversation is written in another format it is
//! taken away everywhere, and what it held is named.

use serde_json::Value;

use super::{AS_SAID, Content, Definition, Delta, Extra, Part, Request, Response, ResponseFormat, Stop};
use super::{Choice, ChoiceDelta, Logprobs, Message, Role, Shape, TokenLogprob};
use crate::dialect::carried::seal;

impl Request {
    /// Takes away what only the format of origin understands: `extra` everywhere, and the marks of spelling that are
    /// empty without it. Returns the names of the fields that said something, in order, each with its place; what they
    /// weigh, [`Dialect::leave_extra`](crate::Dialect::leave_extra) knows.
    pub(crate) fn leave_extra(&mut self) -> Vec<String> {
        let mut left = Vec::new();
        take(&mut self.extra, "", &mut left);
        for (index, message) in self.messages.iter_mut().enumerate() {
            let at = format!("messages[{index}]");
            // What two fields said is told once.
            if message.parts.iter().any(|part| matches!(part.content, Content::Reasoning(_))) {
                message.extra.retain(|name, _| !REASONING.contains(&name.as_str()));
            }
            take(&mut message.extra, &at, &mut left);
            leave_parts(&mut message.parts, &at, &mut left);
            message.shape = Shape::Auto;
        }
        leave_empty_texts(&mut self.messages);
        for (index, tool) in self.tools.iter_mut().enumerate() {
            // A vendor's own tool is made of nothing else: its writer refuses it as a whole.
            if !matches!(tool.definition, Definition::BuiltIn(_)) {
                take(&mut tool.extra, &format!("tools[{index}]"), &mut left);
            }
        }
        if let Some(ResponseFormat::JsonSchema(schema)) = &mut self.response_format {
            take(&mut schema.extra, "response_format", &mut left);
        }
        if let Some(audio) = &mut self.audio {
            take(&mut audio.extra, "audio", &mut left);
        }
        if let Some(prediction) = &mut self.prediction {
            take(&mut prediction.extra, "prediction", &mut left);
            leave_parts(&mut prediction.parts, "prediction", &mut left);
        }
        if let Some(search) = &mut self.web_search {
            take(&mut search.extra, "web_search", &mut left);
        }
        if matches!(&self.stop, Some(Stop::Many(many)) if many.is_empty()) {
            self.stop = None;
        }
        left
    }
}

impl Response {
    /// Takes away what only the format of origin understands, before the answer is told in another: also whole parts
    /// of kinds that no other format knows.
    pub fn leave_extra(&mut self) {
        self.extra.clear();
        self.choices.iter_mut().for_each(leave_choice);
    }
}

fn leave_choice(choice: &mut Choice) {
    choice.extra.clear();
    choice.filters = None;
    choice.message.extra.clear();
    // Readers of some formats know an answer's text in one spelling only.
    choice.message.shape = Shape::Auto;
    if let Some(logprobs) = &mut choice.logprobs {
        leave_logprobs(logprobs);
    }
    choice.message.parts.retain(|part| !matches!(part.content, Content::Other(_)));
    leave_parts(&mut choice.message.parts, "", &mut Vec::new());
}

fn leave_logprobs(logprobs: &mut Logprobs) {
    fn leave(tokens: &mut [TokenLogprob]) {
        for token in tokens {
            token.extra.clear();
            leave(token.top.as_deref_mut().unwrap_or_default());
        }
    }
    logprobs.extra.clear();
    leave(logprobs.content.as_deref_mut().unwrap_or_default());
    leave(logprobs.refusal.as_deref_mut().unwrap_or_default());
}

impl Response {
    /// Puts the signatures of tool calls into their ids, where callers send them back: for formats whose usual callers
    /// keep nothing else of a call.
    pub fn seal_signatures(&mut self) {
        let parts = self.choices.iter_mut().flat_map(|choice| &mut choice.message.parts);
        for part in parts {
            if let Content::ToolCall(call) = &mut part.content
                && let Some(signature) = part.signature.take()
            {
                call.id = Some(seal(call.id.as_deref().unwrap_or_default(), Some(&signature)));
            }
        }
    }
}

impl Delta {
    /// As [`Response::seal_signatures`], for a piece of a stream.
    pub fn seal_signature(&mut self) {
        if let Self::Choice { delta: ChoiceDelta::ToolCall(head), .. } = self
            && let Some(signature) = head.signature.take()
        {
            head.id = Some(seal(head.id.as_deref().unwrap_or_default(), Some(&signature)));
        }
    }

    /// As [`Response::leave_extra`], for a piece of a stream. `None` when nothing remains of it.
    #[must_use]
    pub fn without_extra(self) -> Option<Self> {
        Some(match self {
            Self::Extra(_) => return None,
            Self::Usage { usage, vendor: _ } => Self::Usage { usage, vendor: None },
            Self::Choice { index, delta } => Self::Choice { index, delta: delta.without_extra()? },
            Self::Start(start) => Self::Start(start),
        })
    }
}

impl ChoiceDelta {
    fn without_extra(mut self) -> Option<Self> {
        match &mut self {
            Self::MessageExtra(_) | Self::Extra(_) | Self::Filters(_) => return None,
            Self::Reasoning(piece) => piece.extra.clear(),
            Self::ToolCall(head) => head.extra.clear(),
            Self::Audio(piece) => piece.extra.clear(),
            Self::Annotation(annotation) => annotation.extra.clear(),
            Self::Part(part) if matches!(part.content, Content::Other(_)) => return None,
            Self::Part(part) => leave_parts(std::slice::from_mut(&mut **part), "", &mut Vec::new()),
            Self::Logprobs(logprobs) => leave_logprobs(logprobs),
            Self::Role(_)
            | Self::Text(_)
            | Self::Refusal(_)
            | Self::ToolArguments { .. }
            | Self::PartEnd
            | Self::Finish { .. } => {}
        }
        Some(self)
    }
}

/// Leaves out the ends of streams that some SDKs send back as they came: other vendors refuse a text without a letter, and
/// a turn between calls and their results.
fn leave_empty_texts(messages: &mut Vec<Message>) {
    messages.retain_mut(|message| {
        let said = message.parts.len();
        if message.role == Role::Assistant {
            message.parts.retain(|part| !is_empty_text(part));
        }
        said == message.parts.len() || !message.parts.is_empty()
    });
}

/// A text that says nothing and proves nothing.
fn is_empty_text(part: &Part) -> bool {
    matches!(&part.content, Content::Text(text) if text.text.is_empty() && text.annotations.is_empty())
        && part.is_plain()
}

fn leave_parts(parts: &mut [Part], at: &str, left: &mut Vec<String>) {
    for (index, part) in parts.iter_mut().enumerate() {
        let at = format!("{at}.content[{index}]");
        match &mut part.content {
            // As with a vendor's own tool.
            Content::Other(_) => continue,
            Content::Text(text) => text.annotations.iter_mut().for_each(|each| each.extra.clear()),
            Content::ToolResult(result) => leave_parts(&mut result.parts, &at, left),
            _ => {}
        }
        take(&mut part.extra, &at, left);
    }
}

/// Empties an `extra` and notes the fields that said something.
pub(crate) fn take(extra: &mut Extra, at: &str, left: &mut Vec<String>) {
    for (name, value) in std::mem::take(extra) {
        if says_something(&name, &value) && !name.starts_with(AS_SAID) {
            left.push(if at.is_empty() { name } else { format!("{at}.{name}") });
        }
    }
}

/// What the items of OpenAI Responses are known by and how far they are: nothing that is said to a model.
const BOOKKEEPING: [&str; 2] = ["id", "status"];

/// Plain fields that vendors of OpenAI's format repeat what `reasoning_details` says in.
const REASONING: [&str; 2] = ["reasoning_content", "reasoning"];

/// What a caller of OpenAI Responses asks to be included, and always is: sealed reasoning, to be sent back.
const ALWAYS_INCLUDED: &str = "reasoning.encrypted_content";

/// Whether a field is more than a placeholder or bookkeeping.
fn says_something(name: &str, value: &Value) -> bool {
    match value {
        Value::Array(items) if name == "include" => items.iter().any(|item| item != ALWAYS_INCLUDED),
        Value::Null => false,
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => fields.iter().any(|(name, value)| says_something(name, value)),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => !BOOKKEEPING.contains(&name),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::chat::{Message, Role};

    #[test]
    fn what_said_something_is_named_with_its_place() {
        let mut request = Request::new("m", vec![Message::text(Role::User, "hello")]);
        request.extra.insert("top_a".to_owned(), json!(0.2));
        request.extra.insert("tools".to_owned(), json!([]));
        request.messages[0].extra.insert("audio".to_owned(), Value::Null);
        request.messages[0].parts[0].extra.insert("weight".to_owned(), json!(1));
        request.messages[0].parts[0].extra.insert("=spelling".to_owned(), json!("other"));
        assert_eq!(request.leave_extra(), ["top_a", "messages[0].content[0].weight"]);
        assert_eq!(request, Request::new("m", vec![Message::text(Role::User, "hello")]));
    }

    #[test]
    fn what_is_given_or_told_all_the_same_is_not_named() {
        let mut request = Request::new("m", vec![Message::text(Role::Assistant, "hello")]);
        request.extra.insert("include".to_owned(), json!(["reasoning.encrypted_content"]));
        let thought = Content::Reasoning(crate::chat::Reasoning::default());
        request.messages[0].parts.insert(0, Part::new(thought));
        request.messages[0].extra.insert("reasoning_content".to_owned(), json!("because"));
        assert!(request.leave_extra().is_empty());
        request.extra.insert("include".to_owned(), json!(["file_search_call.results"]));
        request.messages[0].parts.clear();
        request.messages[0].extra.insert("reasoning_content".to_owned(), json!("because"));
        assert_eq!(request.leave_extra(), ["include", "messages[0].reasoning_content"]);
    }

    #[test]
    fn a_delta_of_nothing_else_is_left_out() {
        assert_eq!(Delta::Extra(Extra::new()).without_extra(), None);
        assert_eq!(Delta::text("a").without_extra(), Some(Delta::text("a")));
    }
}
