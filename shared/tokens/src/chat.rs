//! Tokens of whole requests and answers: messages, names, tools, images, by the rules that vendors publish.
//!
//! OpenAI describes what surrounds messages and tools in its cookbook ("How to count tokens with tiktoken"): three tokens a
//! message, one for a name, three to begin the answer; its reasoning models take two for the latter, as their answers show.
//! Where a rule is not published the count is an estimate, and says so.

use base64::Engine as _;
use base64::alphabet::STANDARD as STANDARD_ALPHABET;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use postern_wire::chat::{
    Content, Definition, File, Function, Message, Part, Request, ResponseFormat, Role, Source, Tool,
    ToolResult,
};
use serde_json::Value;

use crate::family::{Basis, Family, Rules, family};
use crate::image;

/// A count, and whether it is what the vendor counts or an estimate of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Tokens.
    pub tokens: u64,
    /// Whether it is an estimate.
    pub estimated: bool,
}

impl Count {
    fn add(&mut self, tokens: u64) {
        self.tokens = self.tokens.saturating_add(tokens);
    }

    /// Adds what no vendor says how to count.
    fn guess(&mut self, tokens: u64) {
        self.add(tokens);
        self.estimated = true;
    }
}

/// Tokens of the text of an answer, or of any other text, for a model.
#[must_use]
pub fn count_text(model: &str, text: &str) -> Count {
    let family = family(model);
    scaled(&family, family.encoding.count(text) as u64)
}

/// The tokens that an answer of some tokens of text counts. `encoded` is the count of [`Family::encoding`].
#[must_use]
pub fn count_answer(family: &Family, encoded: u64) -> Count {
    let mut count = scaled(family, encoded);
    if encoded > 0 {
        count.add(family.answer.into());
    }
    // What such a model thought before it spoke is counted by OpenAI and shown to nobody.
    count.estimated |= matches!(family.rules, Rules::OpenAiReasoning(_));
    count
}

fn scaled(family: &Family, encoded: u64) -> Count {
    match family.basis {
        Basis::Exact => Count { tokens: encoded, estimated: false },
        Basis::Estimated { per_mille, .. } => {
            let tokens = encoded.saturating_mul(u64::from(per_mille)).div_ceil(1000);
            Count { tokens, estimated: true }
        }
    }
}

/// Tokens of a request's input.
#[must_use]
pub fn count_request(model: &str, request: &Request) -> Count {
    let family = family(model);
    let mut counter = Counter { family: &family, texts: 0, count: Count::default() };
    counter.frame();
    request.messages.iter().for_each(|message| counter.message(message));
    counter.tools(&request.tools);
    counter.format(request.response_format.as_ref());
    counter.finish()
}

/// What is counted so far.
struct Counter<'a> {
    family: &'a Family,
    /// Tokens of texts, by the family's encoding; scaled at the end.
    texts: u64,
    /// Everything else.
    count: Count,
}

impl Counter<'_> {
    fn finish(self) -> Count {
        let texts = scaled(self.family, self.texts);
        Count {
            tokens: self.count.tokens.saturating_add(texts.tokens),
            estimated: self.count.estimated || texts.estimated,
        }
    }

    fn text(&mut self, text: &str) {
        self.texts = self.texts.saturating_add(self.family.encoding.count(text) as u64);
    }

    /// What surrounds the conversation.
    fn frame(&mut self) {
        match self.family.rules {
            Rules::OpenAi(_) => self.count.add(3),
            Rules::OpenAiReasoning(_) => self.count.add(2),
            Rules::Claude | Rules::Open => self.count.guess(3),
            Rules::Gemini => {}
        }
    }

    fn message(&mut self, message: &Message) {
        match self.family.rules {
            Rules::OpenAi(_) | Rules::OpenAiReasoning(_) => {
                self.count.add(3);
                self.text(message.role.as_str());
            }
            Rules::Claude | Rules::Open => self.count.guess(4),
            Rules::Gemini => {}
        }
        if let Some(name) = &message.name {
            self.count.add(1);
            self.text(name);
        }
        // Hidden reasoning of earlier turns is not counted by OpenAI; others count what is sent back.
        let reasoning_counts = matches!(self.family.rules, Rules::Claude | Rules::Gemini);
        for part in &message.parts {
            self.part(part, reasoning_counts);
        }
        if message.role == Role::Tool {
            self.count.estimated = true;
        }
    }

    fn part(&mut self, part: &Part, reasoning_counts: bool) {
        match &part.content {
            Content::Text(text) => self.text(&text.text),
            Content::Refusal(text) => self.text(text),
            Content::Image(image) => {
                let size = match &image.source {
                    Source::Base64 { data, .. } => image::size_of(&head_of(data)),
                    Source::Url(_) | Source::FileId(_) | Source::Text(_) => None,
                };
                let (tokens, by_rule) = image::tokens(self.family.rules, size, image.detail.as_deref());
                self.count.add(tokens);
                self.count.estimated |= !by_rule;
            }
            Content::Audio(audio) => {
                self.audio(audio.data.as_deref());
                if let Some(said) = &audio.transcript {
                    self.text(said);
                }
            }
            Content::Video(_) => self.count.guess(MEDIUM),
            Content::File(file) => self.file(file),
            Content::Reasoning(reasoning) => {
                self.count.estimated = true;
                if reasoning_counts {
                    self.text(&reasoning.text);
                }
            }
            Content::ToolCall(call) => {
                self.text(&call.name);
                self.text(&call.arguments);
                self.count.guess(CALL);
            }
            Content::ToolResult(result) => self.result(result, reasoning_counts),
            Content::Other(_) => {
                self.text(&Value::Object(part.extra.clone()).to_string());
                self.count.estimated = true;
            }
        }
    }

    fn result(&mut self, result: &ToolResult, reasoning_counts: bool) {
        self.count.estimated = true;
        // Nesting is bounded by the reader of the request.
        result.parts.iter().for_each(|part| self.part(part, reasoning_counts));
    }

    /// A sound: by its length in base64, taken for speech in a compressed form.
    fn audio(&mut self, data: Option<&str>) {
        let bytes = data.map_or(0, |data| data.len() as u64 / 4 * 3);
        self.count.guess(bytes.div_ceil(BYTES_OF_SOUND));
    }

    fn file(&mut self, file: &File) {
        match &file.source {
            Source::Text(text) => self.text(text),
            Source::Base64 { data, .. } => {
                let bytes = data.len() as u64 / 4 * 3;
                self.count.guess(bytes.div_ceil(BYTES_OF_PAGE).saturating_mul(PAGE));
            }
            Source::Url(_) | Source::FileId(_) => self.count.guess(MEDIUM),
        }
        self.count.estimated = true;
    }

    /// Tools, by the rule of OpenAI's cookbook for functions of one level; deeper ones by the same figures.
    fn tools(&mut self, tools: &[Tool]) {
        if tools.is_empty() {
            return;
        }
        self.count.guess(12);
        for tool in tools {
            match &tool.definition {
                Definition::Function(function) => self.function(function),
                Definition::Custom { name, description, format } => {
                    self.count.guess(7);
                    self.text(name);
                    self.text(description.as_deref().unwrap_or_default());
                    if let Some(format) = format {
                        self.text(&format.to_string());
                    }
                }
                Definition::BuiltIn(_) => self.text(&Value::Object(tool.extra.clone()).to_string()),
            }
        }
    }

    fn function(&mut self, function: &Function) {
        self.count.guess(7);
        let description = function.description.as_deref().unwrap_or_default();
        self.text(&format!("{}:{}", function.name, without_stop(description)));
        if let Some(parameters) = &function.parameters {
            self.properties(parameters, 0);
        }
    }

    fn properties(&mut self, schema: &Value, depth: usize) {
        let Some(properties) = schema.get("properties").and_then(Value::as_object) else { return };
        if properties.is_empty() || depth > DEEPEST {
            return;
        }
        self.count.guess(3);
        for (name, property) in properties {
            self.count.guess(3);
            let word = |field: &str| property.get(field).and_then(Value::as_str).unwrap_or_default();
            self.text(&format!("{name}:{}:{}", word("type"), without_stop(word("description"))));
            if let Some(values) = property.get("enum").and_then(Value::as_array) {
                self.count.tokens = self.count.tokens.saturating_sub(3);
                for value in values {
                    self.count.guess(3);
                    self.text(value.as_str().unwrap_or_default());
                }
            }
            self.properties(property, depth + 1);
            if let Some(items) = property.get("items") {
                self.properties(items, depth + 1);
            }
        }
    }

    /// A schema for the answer is told to the model as text.
    fn format(&mut self, format: Option<&ResponseFormat>) {
        if let Some(ResponseFormat::JsonSchema(schema)) = format {
            self.count.guess(11);
            self.text(schema.name.as_deref().unwrap_or_default());
            self.text(&schema.schema.as_ref().map_or_else(String::new, Value::to_string));
        }
    }
}

/// What a tool call in the history takes beside its name and arguments.
const CALL: u64 = 8;
/// What a medium takes of which nothing is known.
const MEDIUM: u64 = 1_000;
/// Bytes of a document to a page, and what a page takes.
const BYTES_OF_PAGE: u64 = 50_000;
const PAGE: u64 = 800;
/// Bytes of sound to a token: speech at 32 kbit/s, ten tokens a second.
const BYTES_OF_SOUND: u64 = 400;
/// How deep schemas are looked into.
const DEEPEST: usize = 32;

fn without_stop(text: &str) -> &str {
    text.strip_suffix('.').unwrap_or(text)
}

/// Vendors take base64 with and without its padding.
const ENGINE: GeneralPurpose = GeneralPurpose::new(
    &STANDARD_ALPHABET,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The first bytes of an image in base64: enough for its size in every usual file. Invalid base64 gives what comes
/// before it.
fn head_of(data: &str) -> Vec<u8> {
    /// Of base64, a multiple of four. Cameras put up to 64 KB of notes before the size in a JPEG.
    const HEAD: usize = 128 * 1024;
    let end = data.len().min(HEAD) / 4 * 4;
    let head = data.get(..end).unwrap_or_default();
    ENGINE.decode(head).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use postern_wire::Dialect;
    use serde_json::{Value, json};

    use super::*;

    fn counted(model: &str, body: &Value) -> Count {
        let request = Dialect::OpenAiChat.decode_request(body.to_string().as_bytes()).expect("a request");
        count_request(model, &request)
    }

    fn said(text: &str) -> Value {
        json!({"model": "m", "messages": [{"role": "user", "content": text}]})
    }

    #[test]
    fn a_message_takes_three_tokens_its_role_and_its_text() {
        let exact = |tokens| Count { tokens, estimated: false };
        // 3 for the answer, 3 for the message, 1 for `user`, 2 for the text.
        assert_eq!(counted("gpt-4o", &said("hello world")), exact(9));
        assert_eq!(counted("gpt-4", &said("hello world")), exact(9));
        assert_eq!(counted("o3-mini", &said("hello world")), exact(8));
        let mut named = said("hello world");
        named["messages"][0]["name"] = json!("ada");
        assert_eq!(counted("gpt-4o", &named), exact(9 + 1 + count_text("gpt-4o", "ada").tokens));
    }

    #[test]
    fn what_has_no_published_rule_is_an_estimate() {
        let text = counted("gpt-4o", &said("hello")).tokens;
        let mut with_tool = said("hello");
        with_tool["tools"] = json!([{"type": "function", "function": {
            "name": "weather", "description": "Tells the weather.",
            "parameters": {"type": "object", "properties": {
                "town": {"type": "string", "description": "Its name."},
                "unit": {"type": "string", "enum": ["c", "f"]},
            }},
        }}]);
        let count = counted("gpt-4o", &with_tool);
        assert!(count.estimated && count.tokens > text + 30, "{count:?}");
        assert!(counted("claude-sonnet-4-5", &said("hello")).estimated);
        assert!(counted("a-model-nobody-knows", &said("hello")).estimated);
    }

    #[test]
    fn an_image_counts_by_its_size_and_not_by_its_bytes() {
        let side = 1024_u32.to_be_bytes();
        let head = [b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".as_slice(), &side, &side, &[0; 100_000]].concat();
        let data = base64::engine::general_purpose::STANDARD.encode(head);
        let image = |detail: &str| {
            let url = format!("data:image/png;base64,{data}");
            json!({"model": "m", "messages": [{"role": "user", "content": [
                {"type": "image_url", "image_url": {"url": url, "detail": detail}},
            ]}]})
        };
        let exact = |tokens| Count { tokens, estimated: false };
        assert_eq!(counted("gpt-4o", &image("high")), exact(3 + 3 + 1 + 765));
        assert_eq!(counted("gpt-4o", &image("low")), exact(3 + 3 + 1 + 85));
    }

    #[test]
    fn an_answer_of_a_model_that_thinks_unseen_is_an_estimate() {
        let count = |model| count_answer(&family(model), 10);
        assert_eq!(count("gpt-4o"), Count { tokens: 10, estimated: false });
        assert!(count("o3").estimated);
        assert_eq!(count("claude-sonnet-4-5"), Count { tokens: 12 + 3, estimated: true });
        assert_eq!(count_answer(&family("claude-sonnet-4-5"), 0).tokens, 0);
    }
}
