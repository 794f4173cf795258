//! Puts the pieces of a stream together again into a whole answer.
//!
//! For whoever needs the whole: caches, guardrails, records with payloads, tests. A stream that is merely passed on
//! never comes through here, since it holds everything said so far in memory.

use super::{
    AudioDelta, Choice, ChoiceDelta, Content, Delta, Extra, Message, Part, ReasoningDelta, Response, Role,
    Start, Text, ToolCall, ToolCallDelta,
};

/// Collects deltas into a [`Response`].
#[derive(Clone, Debug, Default)]
pub struct Collector {
    /// All but the choices.
    response: Response,
    choices: Vec<(Choice, State)>,
}

/// What is open in a choice. Indices are places in `message.parts`.
#[derive(Clone, Debug, Default)]
struct State {
    /// The place of each tool call, by its number.
    calls: Vec<usize>,
    /// The reasoning parts of the vendor's numbers.
    reasoning: Vec<(Option<u64>, usize)>,
    /// No part may be continued but tool calls.
    closed: bool,
}

/// The answer that deltas make.
pub fn collect(deltas: impl IntoIterator<Item = Delta>) -> Response {
    let mut collector = Collector::new();
    deltas.into_iter().for_each(|delta| collector.push(delta));
    collector.finish()
}

impl Collector {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a piece.
    pub fn push(&mut self, delta: Delta) {
        match delta {
            Delta::Start(start) => self.start(*start),
            Delta::Usage { usage, vendor } => {
                self.response.count(usage);
                if let Some(vendor) = vendor {
                    self.response.extra.insert("usage".to_owned(), *vendor);
                }
            }
            Delta::Extra(extra) => self.response.extra.extend(extra),
            Delta::Choice { index, delta } => {
                let known = self.choices.iter().position(|(choice, _)| choice.index == index);
                let place = known.unwrap_or_else(|| {
                    let message = Message::new(Role::Assistant, Vec::new());
                    self.choices.push((Choice::new(index, message), State::default()));
                    self.choices.len() - 1
                });
                if let Some((choice, state)) = self.choices.get_mut(place) {
                    add(choice, state, delta);
                }
            }
        }
    }

    /// The answer so far.
    #[must_use]
    pub fn finish(mut self) -> Response {
        self.response.choices = self.choices.into_iter().map(|(choice, _)| choice).collect();
        self.response
    }

    fn start(&mut self, start: Start) {
        let response = &mut self.response;
        for (mine, theirs) in [
            (&mut response.id, start.id),
            (&mut response.model, start.model),
            (&mut response.service_tier, start.service_tier),
            (&mut response.system_fingerprint, start.system_fingerprint),
        ] {
            if theirs.is_some() {
                *mine = theirs;
            }
        }
        if start.created.is_some() {
            response.created = start.created;
        }
    }
}

fn add(choice: &mut Choice, state: &mut State, delta: ChoiceDelta) {
    let parts = &mut choice.message.parts;
    match delta {
        ChoiceDelta::Role(role) => choice.message.role = role,
        ChoiceDelta::Text(text) => match parts.last_mut() {
            Some(Part { content: Content::Text(last), .. }) if !state.closed => last.text.push_str(&text),
            _ => open(parts, state, Part::text(text)),
        },
        ChoiceDelta::Refusal(text) => match parts.last_mut() {
            Some(Part { content: Content::Refusal(last), .. }) if !state.closed => last.push_str(&text),
            _ => open(parts, state, Part::new(Content::Refusal(text))),
        },
        ChoiceDelta::Reasoning(piece) => add_reasoning(parts, state, *piece),
        ChoiceDelta::ToolCall(head) => add_call(parts, state, *head),
        ChoiceDelta::ToolArguments { call, text } => {
            if let Some(call) = call_at(parts, state, call) {
                call.arguments.push_str(&text);
            }
        }
        ChoiceDelta::Audio(piece) => add_audio(parts, state, *piece),
        ChoiceDelta::Annotation(annotation) => {
            let last = parts.iter_mut().rev().find_map(|part| match &mut part.content {
                Content::Text(text) => Some(text),
                _ => None,
            });
            match last {
                Some(text) => text.annotations.push(*annotation),
                None => {
                    let text = Text { text: String::new(), annotations: vec![*annotation] };
                    open(parts, state, Part::new(Content::Text(text)));
                }
            }
        }
        ChoiceDelta::Part(part) => {
            open(parts, state, *part);
            state.closed = true;
        }
        ChoiceDelta::Logprobs(logprobs) => choice.logprobs.get_or_insert_default().append(*logprobs),
        ChoiceDelta::Filters(filters) => choice.filters = Some(*filters),
        ChoiceDelta::PartEnd => state.closed = true,
        ChoiceDelta::Finish { reason, stop_sequence } => {
            choice.finish = Some(reason);
            if stop_sequence.is_some() {
                choice.stop_sequence = stop_sequence;
            }
        }
        ChoiceDelta::MessageExtra(extra) => choice.message.extra.extend(extra),
        ChoiceDelta::Extra(extra) => choice.extra.extend(extra),
    }
}

fn open(parts: &mut Vec<Part>, state: &mut State, part: Part) {
    state.closed = false;
    parts.push(part);
}

fn add_reasoning(parts: &mut Vec<Part>, state: &mut State, piece: ReasoningDelta) {
    // A vendor's number may be used again for another form (a summary and the sealed original under one number).
    let known = match piece.index {
        Some(_) => state
            .reasoning
            .iter()
            .rev()
            .filter(|(index, _)| *index == piece.index)
            .map(|(_, place)| *place)
            .find(|place| continues(parts.get(*place), &piece)),
        None => {
            parts.len().checked_sub(1).filter(|place| !state.closed && continues(parts.get(*place), &piece))
        }
    };
    if let Some(part) = known.and_then(|place| parts.get_mut(place))
        && let Content::Reasoning(reasoning) = &mut part.content
    {
        reasoning.text.push_str(&piece.reasoning.text);
        append(&mut reasoning.data, piece.reasoning.data);
        if reasoning.format.is_none() {
            reasoning.format = piece.reasoning.format;
        }
        append(&mut part.signature, piece.signature);
        if piece.id.is_some() {
            part.id = piece.id;
        }
        part.extra.extend(piece.extra);
        return;
    }
    state.reasoning.push((piece.index, parts.len()));
    let ReasoningDelta { reasoning, id, signature, extra, .. } = piece;
    open(parts, state, Part { content: Content::Reasoning(reasoning), id, cache: None, signature, extra });
}

fn continues(part: Option<&Part>, piece: &ReasoningDelta) -> bool {
    part.is_some_and(|part| {
        let same_id = part.id.is_none() || piece.id.is_none() || part.id == piece.id;
        same_id && matches!(&part.content, Content::Reasoning(mine) if mine.is_continued_by(&piece.reasoning))
    })
}

fn add_call(parts: &mut Vec<Part>, state: &mut State, head: ToolCallDelta) {
    let ToolCallDelta { call: number, id, name, kind, signature, extra } = head;
    if let Some(part) = state.calls.get(number as usize).and_then(|place| parts.get_mut(*place)) {
        merge_head(part, id, name, signature, extra);
        return;
    }
    state.calls.push(parts.len());
    let call = ToolCall { id, name, arguments: String::new(), kind };
    open(parts, state, Part { content: Content::ToolCall(call), id: None, cache: None, signature, extra });
}

fn merge_head(part: &mut Part, id: Option<String>, name: String, signature: Option<String>, extra: Extra) {
    if let Content::ToolCall(call) = &mut part.content {
        if id.is_some() {
            call.id = id;
        }
        if !name.is_empty() {
            call.name = name;
        }
    }
    append(&mut part.signature, signature);
    part.extra.extend(extra);
}

fn call_at<'a>(parts: &'a mut [Part], state: &State, number: u32) -> Option<&'a mut ToolCall> {
    match &mut parts.get_mut(*state.calls.get(number as usize)?)?.content {
        Content::ToolCall(call) => Some(call),
        _ => None,
    }
}

fn add_audio(parts: &mut Vec<Part>, state: &mut State, piece: AudioDelta) {
    let AudioDelta { audio, extra } = piece;
    let open_audio = parts.iter_mut().rev().find(|part| matches!(part.content, Content::Audio(_)));
    if let Some(part) = open_audio
        && let Content::Audio(mine) = &mut part.content
    {
        append(&mut mine.data, audio.data);
        append(&mut mine.transcript, audio.transcript);
        mine.id = audio.id.or(mine.id.take());
        mine.format = audio.format.or(mine.format.take());
        mine.expires_at = audio.expires_at.or(mine.expires_at);
        part.extra.extend(extra);
        return;
    }
    open(parts, state, Part { extra, ..Part::new(Content::Audio(audio)) });
}

fn append(mine: &mut Option<String>, piece: Option<String>) {
    match (mine.as_mut(), piece) {
        (Some(mine), Some(piece)) => mine.push_str(&piece),
        (None, piece) => *mine = piece,
        (Some(_), None) => {}
    }
}
