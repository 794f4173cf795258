//! Looking at an answer that is passed on as it is, in any format: its facts, beside bytes that nobody changes.
//!
//! Formats with a look of their own are read in one pass over the bytes; the others by their reader.

use super::openai_chat::{self, EventFacts, EventKind, PeekFailure, ResponseFacts};
use super::{Dialect, StreamDecoder, StreamError, anthropic, gemini};
use crate::chat::{ChoiceDelta, Content, Delta, Part, Response};
use crate::sse::Event;

/// Looks at the events of one stream, in order.
pub struct Observer(Look);

enum Look {
    Chat,
    Gemini,
    Anthropic(anthropic::EventPeek),
    Reader(Box<dyn StreamDecoder>),
}

impl Dialect {
    /// A look at one stream that is passed on.
    #[must_use]
    pub fn observer(self) -> Observer {
        Observer(match self {
            Self::OpenAiChat => Look::Chat,
            Self::Gemini => Look::Gemini,
            Self::Anthropic => Look::Anthropic(anthropic::EventPeek::new()),
            _ => Look::Reader(self.stream_decoder()),
        })
    }

    /// The facts of a whole answer that is passed on.
    ///
    /// # Errors
    /// If it is an error in spite of its status, or no answer of this format.
    pub fn peek_response(self, body: &[u8]) -> Result<ResponseFacts, PeekFailure> {
        match self {
            Self::OpenAiChat => openai_chat::peek_response(body),
            Self::Gemini => gemini::peek_response(body),
            Self::Anthropic => anthropic::peek_response(body),
            _ => match self.decode_response(body) {
                Ok(response) => Ok(response.facts()),
                Err(error) => Err(self.fault_instead(body, error)),
            },
        }
    }

    /// What a whole answer says, to be counted.
    #[must_use]
    pub fn said_in(self, body: &[u8]) -> String {
        match self {
            Self::OpenAiChat => openai_chat::said_in(body),
            _ => self.decode_response(body).map(|response| response.said()).unwrap_or_default(),
        }
    }

    /// What is no answer may be an error, though the status said that all is well.
    #[must_use]
    pub fn fault_instead(self, body: &[u8], error: super::DecodeError) -> PeekFailure {
        let holds_error = serde_json::from_slice::<serde_json::Value>(body)
            .is_ok_and(|value| value.get("error").is_some_and(|error| !error.is_null()));
        if holds_error {
            PeekFailure::Fault(self.decode_fault(200, &http::HeaderMap::new(), body, None))
        } else {
            PeekFailure::Decode(error)
        }
    }
}

impl Observer {
    /// The facts of one event.
    ///
    /// # Errors
    /// If it tells of a failure, or is none of the format.
    pub fn event(&mut self, event: &Event) -> Result<EventFacts, PeekFailure> {
        let data = event.data.as_deref().unwrap_or_default();
        match &mut self.0 {
            Look::Chat => openai_chat::peek_event(data),
            Look::Gemini => gemini::peek_event(data),
            Look::Anthropic(peek) => peek.event(data),
            Look::Reader(reader) => {
                reader.push(event.raw.clone());
                if !event.terminated {
                    reader.push(bytes::Bytes::from_static(b"\n\n"));
                }
                read(&mut **reader)
            }
        }
    }

    /// Whether the format marks the end of a stream, so that one without it is not complete.
    #[must_use]
    pub const fn needs_end_mark(&self) -> bool {
        matches!(self.0, Look::Reader(_) | Look::Anthropic(_))
    }
}

fn read(reader: &mut dyn StreamDecoder) -> Result<EventFacts, PeekFailure> {
    let mut facts = EventFacts::none();
    let mut has_choices = false;
    while let Some(delta) = reader.next()? {
        has_choices |= matches!(delta, Delta::Choice { .. });
        note(&delta, &mut facts);
    }
    if reader.is_done() {
        facts.kind = EventKind::Done;
    } else if facts.usage.is_some() && !has_choices {
        facts.kind = EventKind::Usage;
    }
    Ok(facts)
}

impl EventFacts {
    /// Nothing known.
    #[must_use]
    pub const fn none() -> Self {
        Self {
            kind: EventKind::Other,
            model: None,
            usage: None,
            finish_reasons: Vec::new(),
            text: String::new(),
            beyond_text: false,
        }
    }

    /// Adds what a delta says.
    pub fn note(&mut self, delta: &Delta) {
        note(delta, self);
    }
}

fn note(delta: &Delta, facts: &mut EventFacts) {
    if delta.is_content() {
        facts.kind = EventKind::Content;
    }
    match delta {
        Delta::Start(start) => {
            if start.model.is_some() {
                facts.model.clone_from(&start.model);
            }
        }
        Delta::Usage { usage, .. } => {
            if *usage != crate::Usage::default() {
                facts.usage = Some(*usage);
            }
        }
        Delta::Choice { index, delta } => {
            facts.beyond_text |= *index > 0;
            match delta {
                ChoiceDelta::Text(text) | ChoiceDelta::Refusal(text) => facts.text.push_str(text),
                ChoiceDelta::Reasoning(piece) => {
                    facts.beyond_text = true;
                    facts.text.push_str(&piece.reasoning.text);
                }
                ChoiceDelta::ToolCall(head) => {
                    facts.beyond_text = true;
                    facts.text.push_str(&head.name);
                }
                ChoiceDelta::ToolArguments { text, .. } => facts.text.push_str(text),
                ChoiceDelta::Audio(_) | ChoiceDelta::Part(_) => facts.beyond_text = true,
                ChoiceDelta::Finish { reason, .. } => {
                    facts.finish_reasons.push(reason.as_str().to_owned());
                }
                _ => {}
            }
        }
        Delta::Extra(_) => {}
    }
}

impl From<StreamError> for PeekFailure {
    fn from(error: StreamError) -> Self {
        match error {
            StreamError::Fault(fault) => Self::Fault(fault),
            StreamError::Decode(error) => Self::Decode(error),
        }
    }
}

impl Response {
    /// The facts of an answer.
    #[must_use]
    pub fn facts(&self) -> ResponseFacts {
        let words = self.choices.iter().filter_map(|choice| choice.finish.as_ref());
        let parts = || self.choices.iter().flat_map(|choice| &choice.message.parts);
        ResponseFacts {
            model: self.model.clone(),
            usage: self.usage.filter(|usage| *usage != crate::Usage::default()),
            finish_reasons: words.map(|reason| reason.as_str().to_owned()).collect(),
            text_bytes: parts().map(|part| said_by(part).len()).sum(),
            beyond_text: parts().any(|part| !matches!(part.content, Content::Text(_) | Content::Refusal(_))),
        }
    }

    /// What the model wrote, to be counted.
    #[must_use]
    pub fn said(&self) -> String {
        let parts = self.choices.iter().flat_map(|choice| &choice.message.parts);
        parts.map(said_by).collect()
    }
}

fn said_by(part: &Part) -> String {
    match &part.content {
        Content::Text(text) => text.text.clone(),
        Content::Refusal(text) => text.clone(),
        Content::Reasoning(reasoning) => reasoning.text.clone(),
        Content::ToolCall(call) => format!("{}{}", call.name, call.arguments),
        _ => String::new(),
    }
}
