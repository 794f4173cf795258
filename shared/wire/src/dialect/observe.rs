//! Looking at an answer that is passed on as it is, in any format: its facts, beside bytes that nobody changes.
//!
//! Formats with a look of their own are read in one pass over the bytes; the others by their reader.

use bytes::BytesMut;

use super::events::EventReader;
use super::openai_chat::{self, EventFacts, EventKind, PeekFailure, ResponseFacts};
use super::{
    Dialect, Framing, StreamDecoder, StreamEncoder as _, StreamError, anthropic, cohere, gemini,
    openai_completions, openai_responses,
};
use crate::chat::{ChoiceDelta, Content, Delta, Part, Response, Start};
use crate::fault::Fault;
use crate::json::{Cursor, Kind, MAX_DEPTH};
use crate::sse::Event;

/// Looks at the events of one stream, in order.
pub struct Observer {
    look: Look,
    dialect: Dialect,
    /// The number of the event that comes next, for formats that number them.
    next: u64,
    /// What the stream said of itself, as far as its end repeats it.
    start: Start,
}

enum Look {
    Chat,
    Gemini,
    Anthropic(anthropic::EventPeek),
    /// Events are there already: their bytes are not taken apart a second time.
    Events(Box<dyn EventReader>),
    Reader(Box<dyn StreamDecoder>),
}

impl Dialect {
    /// A look at one stream that is passed on.
    #[must_use]
    pub fn observer(self) -> Observer {
        let look = match self {
            Self::OpenAiChat => Look::Chat,
            Self::Gemini => Look::Gemini,
            Self::Anthropic => Look::Anthropic(anthropic::EventPeek::new()),
            Self::OpenAiResponses => Look::Events(Box::new(openai_responses::StreamDecoder::new())),
            Self::OpenAiCompletions => Look::Events(Box::new(openai_completions::StreamDecoder::new())),
            Self::Cohere => Look::Events(Box::new(cohere::StreamDecoder::new())),
            Self::Bedrock => Look::Reader(self.stream_decoder()),
        };
        Observer { look, dialect: self, next: 0, start: Start::default() }
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
        if self.dialect == Dialect::OpenAiResponses
            && let Some(number) = sequence_number(data)
        {
            self.next = number.saturating_add(1);
        }
        match &mut self.look {
            Look::Chat => openai_chat::peek_event(data),
            Look::Gemini => gemini::peek_event(data),
            Look::Anthropic(peek) => peek.event(data),
            Look::Events(reader) => {
                reader.read_event(event.name.as_deref(), data)?;
                let deltas = std::mem::take(reader.ready());
                Ok(facts_of(deltas, reader.has_ended(), &mut self.start))
            }
            Look::Reader(reader) => {
                reader.push(event.raw.clone());
                if !event.terminated {
                    reader.push(bytes::Bytes::from_static(b"\n\n"));
                }
                read(&mut **reader, &mut self.start)
            }
        }
    }

    /// Whether the format marks the end of a stream, so that one without it is not complete.
    #[must_use]
    pub const fn needs_end_mark(&self) -> bool {
        matches!(self.look, Look::Reader(_) | Look::Events(_) | Look::Anthropic(_))
    }

    /// Writes the error event that ends a stream which was passed on so far and has failed.
    pub fn fail(&self, fault: &Fault, out: &mut BytesMut) {
        match self.dialect {
            Dialect::OpenAiResponses => {
                openai_responses::StreamEncoder::continuing(&self.start, self.next).fail(fault, out);
            }
            dialect => dialect.stream_encoder(<_>::default(), Framing::Events).fail(fault, out),
        }
    }
}

/// The number of an event of OpenAI Responses.
fn sequence_number(data: &[u8]) -> Option<u64> {
    let mut cursor = Cursor::new(data, MAX_DEPTH).ok()?;
    if cursor.kind().ok()? != Kind::Object {
        return None;
    }
    let mut buffer = String::new();
    let mut object = cursor.enter().ok()?;
    while let Some(name) = cursor.member(&mut object).ok()? {
        cursor.kind().ok()?;
        let start = cursor.offset();
        cursor.skip().ok()?;
        if name.resolved(&mut buffer) == "sequence_number" {
            return cursor.since(start).parse().ok();
        }
    }
    None
}

fn read(reader: &mut dyn StreamDecoder, start: &mut Start) -> Result<EventFacts, PeekFailure> {
    let mut deltas = Vec::new();
    while let Some(delta) = reader.next()? {
        deltas.push(delta);
    }
    Ok(facts_of(deltas, reader.is_done(), start))
}

/// What the deltas of one event say; `done` if it was the end mark.
fn facts_of(deltas: impl IntoIterator<Item = Delta>, done: bool, start: &mut Start) -> EventFacts {
    let mut facts = EventFacts::none();
    let mut has_choices = false;
    for delta in deltas {
        has_choices |= matches!(delta, Delta::Choice { .. });
        if let Delta::Start(said) = &delta {
            start.clone_from(said);
        }
        note(&delta, &mut facts);
    }
    if done {
        facts.kind = EventKind::Done;
    } else if facts.usage.is_some() && !has_choices {
        facts.kind = EventKind::Usage;
    }
    facts
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

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::fault::FaultKind;
    use crate::sse::Decoder;

    #[test]
    fn a_failure_goes_on_with_the_numbers_of_the_stream() {
        let mut observer = Dialect::OpenAiResponses.observer();
        let mut events = Decoder::new(1 << 20);
        events.push(bytes::Bytes::from_static(
            b"event: response.created\ndata: {\"type\":\"response.created\",\"response\":{\"id\":\"resp_1\",\"model\":\"m\"},\"sequence_number\":0}\n\n\
            event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"sequence_number\":41,\"delta\":\"a\"}\n\n",
        ));
        while let Some(event) = events.next().expect("an event") {
            observer.event(&event).expect("facts");
        }
        let mut out = BytesMut::new();
        observer.fail(&Fault::new(FaultKind::Cut, "why"), &mut out);
        let text = std::str::from_utf8(&out).expect("text");
        let told: Vec<Value> = text
            .lines()
            .filter_map(|line| line.strip_prefix("data: "))
            .map(|data| serde_json::from_str(data).expect("JSON"))
            .collect();
        let types: Vec<&str> = told.iter().filter_map(|event| event["type"].as_str()).collect();
        assert_eq!(types, ["error", "response.failed"]);
        assert_eq!((&told[0]["sequence_number"], &told[1]["sequence_number"]), (&42.into(), &43.into()));
        let response = &told[1]["response"];
        assert_eq!((&response["id"], &response["model"]), (&"resp_1".into(), &"m".into()));
    }
}
