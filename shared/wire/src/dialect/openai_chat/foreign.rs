//! Conversations of other formats, made fit for this one: media in the results of tools, and what OpenAI itself refuses
//! though vendors of its format take it.

use std::borrow::Cow;

use crate::chat::{Content, Message, Part, Request, Role, Shape, Source};
use crate::dialect::Target;
use crate::dialect::file_id::{self, KEPT_ELSEWHERE, Keeper};
use crate::dialect::loss::Notes;

/// Whether a vendor takes what OpenAI's reference has, and answers 400 to any other field
/// (<https://platform.openai.com/docs/api-reference/chat/create>).
pub(super) fn is_strict(target: &Target<'_>) -> bool {
    matches!(target.kind, "openai" | "azure")
}

/// The messages of a request of another format, each with its place there.
pub(super) fn messages<'a>(
    request: &'a Request,
    target: &Target<'_>,
    notes: &mut Notes,
) -> Vec<(usize, Cow<'a, Message>)> {
    let told = request.messages.iter().enumerate().map(|(index, message)| {
        let message = if is_strict(target) {
            sayable(message, &format!("messages[{index}]"), notes)
        } else {
            Cow::Borrowed(message)
        };
        (index, message)
    });
    lift_media(told.collect(), notes)
}

/// A message without what OpenAI refuses.
fn sayable<'a>(message: &'a Message, at: &str, notes: &mut Notes) -> Cow<'a, Message> {
    let mut told = Cow::Borrowed(message);
    let mut kept = Vec::with_capacity(message.parts.len());
    for (place, part) in message.parts.iter().enumerate() {
        kept.extend(said(part, &format!("{at}.content[{place}]"), notes));
    }
    if kept.iter().any(|part| matches!(part, Cow::Owned(_))) || kept.len() < message.parts.len() {
        told.to_mut().parts = kept.into_iter().map(Cow::into_owned).collect();
    }
    told
}

fn said<'a>(part: &'a Part, at: &str, notes: &mut Notes) -> Option<Cow<'a, Part>> {
    let mut told = Cow::Borrowed(part);
    if part.cache.is_some() {
        notes.hint(format!("{at}.cache"), "OpenAI caches prompts without being asked");
        told.to_mut().cache = None;
    }
    match &part.content {
        Content::Reasoning(_) => {
            notes.hint(at, "OpenAI Chat Completions takes no reasoning back");
            return None;
        }
        Content::ToolCall(_) if part.signature.is_some() => {
            notes.hint(format!("{at}.signature"), "OpenAI takes no signatures of calls");
            told.to_mut().signature = None;
        }
        Content::Video(_) => {
            notes.meaning(at, "OpenAI takes no films: send single images");
            return None;
        }
        Content::File(file) => match &file.source {
            Source::Url(_) => {
                notes.meaning(
                    at,
                    "OpenAI Chat Completions fetches no files; send the bytes, or ask OpenAI Responses",
                );
                return None;
            }
            Source::FileId(id) if file_id::is_elsewhere(id, Keeper::OpenAi) => {
                notes.meaning(at, KEPT_ELSEWHERE);
                return None;
            }
            _ => {}
        },
        Content::ToolResult(result) => {
            let parts: Vec<_> = result
                .parts
                .iter()
                .enumerate()
                .filter_map(|(place, each)| said(each, &format!("{at}.content[{place}]"), notes))
                .collect();
            let changed = parts.iter().any(|each| matches!(each, Cow::Owned(_)));
            if changed || parts.len() < result.parts.len() {
                let parts = parts.into_iter().map(Cow::into_owned).collect();
                if let Content::ToolResult(result) = &mut told.to_mut().content {
                    result.parts = parts;
                }
            }
        }
        _ => {}
    }
    Some(told)
}

/// Results of tools are text in this format: images and other media in them are told by the user, behind all results
/// of the turn, since those must follow the calls at once.
fn lift_media<'a>(
    messages: Vec<(usize, Cow<'a, Message>)>,
    notes: &mut Notes,
) -> Vec<(usize, Cow<'a, Message>)> {
    let mut out = Vec::with_capacity(messages.len());
    let mut waiting: Vec<Part> = Vec::new();
    let mut last = 0;
    for (index, mut message) in messages {
        let answers = message.parts.iter().any(|part| matches!(part.content, Content::ToolResult(_)));
        if answers {
            take_media(&mut message, index, &mut waiting, notes);
        }
        let says = message.parts.iter().any(|part| !matches!(part.content, Content::ToolResult(_)));
        if !waiting.is_empty() && (says || !answers) {
            if message.role == Role::User {
                let message = message.to_mut();
                let after =
                    message.parts.iter().rposition(|part| matches!(part.content, Content::ToolResult(_)));
                let place = after.map_or(0, |place| place + 1);
                message.parts.splice(place..place, waiting.drain(..));
            } else if !answers {
                out.push((last, shown(&mut waiting)));
            }
        }
        last = index;
        out.push((index, message));
    }
    if !waiting.is_empty() {
        out.push((last, shown(&mut waiting)));
    }
    out
}

/// Takes the media out of the results in a message.
fn take_media(message: &mut Cow<'_, Message>, index: usize, waiting: &mut Vec<Part>, notes: &mut Notes) {
    let is_media = |part: &Part| {
        matches!(part.content, Content::Image(_) | Content::Audio(_) | Content::Video(_) | Content::File(_))
    };
    let holds = |part: &Part| match &part.content {
        Content::ToolResult(result) => result.parts.iter().any(is_media),
        _ => false,
    };
    if !message.parts.iter().any(holds) {
        return;
    }
    for (place, part) in message.to_mut().parts.iter_mut().enumerate() {
        if let Content::ToolResult(result) = &mut part.content {
            for (inner, each) in result.parts.iter().enumerate().filter(|(_, each)| is_media(each)) {
                notes.lowered(format!("messages[{index}].content[{place}].content[{inner}]"));
                waiting.push(each.clone());
            }
            result.parts.retain(|each| !is_media(each));
            result.shape = Shape::Auto;
        }
    }
}

/// A message of the user's that shows what tools gave.
fn shown<'a>(waiting: &mut Vec<Part>) -> Cow<'a, Message> {
    Cow::Owned(Message::new(Role::User, std::mem::take(waiting)))
}
