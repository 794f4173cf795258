//! Probes of what is said in a conversation.

use postern_wire::chat::{
    Annotation, Audio, CacheMark, Content, File, Image, Message, Part, Reasoning, ReasoningForm, Request,
    Role, Source, Text, ToolCall, ToolKind, ToolResult,
};

use super::options::weather;
use super::{Probe, question};

fn base64(media_type: &str) -> Source {
    Source::Base64 { media_type: Some(media_type.to_owned()), data: "iVBORw0KGgo=".to_owned() }
}

fn url(address: &str) -> Source {
    Source::Url(address.to_owned())
}

fn image(source: Source) -> Content {
    Content::Image(Image { source, detail: None })
}

fn file(source: Source) -> Content {
    Content::File(File { source, name: None })
}

/// A question with a part beside it.
fn beside(part: impl Into<Piece>) -> Request {
    let mut request = question();
    if let Some(message) = request.messages.first_mut() {
        message.parts.push(part.into().0);
    }
    request
}

struct Piece(Part);

impl From<Content> for Piece {
    fn from(content: Content) -> Self {
        Self(Part::new(content))
    }
}

impl From<Part> for Piece {
    fn from(part: Part) -> Self {
        Self(part)
    }
}

/// A conversation that goes on after what the model said.
fn after(parts: Vec<Part>) -> Request {
    let mut request = question();
    request.messages.push(Message::new(Role::Assistant, parts));
    request.messages.push(Message::text(Role::User, "Go on."));
    request
}

fn call(signature: Option<&str>) -> Part {
    let call = ToolCall {
        id: Some("call_1".to_owned()),
        name: "weather".to_owned(),
        arguments: "{\"city\":\"Oslo\"}".to_owned(),
        kind: ToolKind::Function,
    };
    Part { signature: signature.map(str::to_owned), ..Part::new(Content::ToolCall(call)) }
}

/// A call, and what the tool gave back.
fn called(call: Part, parts: Vec<Part>, is_error: bool) -> Request {
    let mut request = question();
    request.tools = vec![weather()];
    request.messages.push(Message::new(Role::Assistant, vec![call]));
    let result = ToolResult { call_id: Some("call_1".to_owned()), parts, is_error, ..ToolResult::default() };
    request.messages.push(Message::new(Role::Tool, vec![Part::new(Content::ToolResult(result))]));
    request
}

fn reasoning(format: &str, form: ReasoningForm) -> Part {
    let sealed = form == ReasoningForm::Opaque;
    let reasoning = Reasoning {
        text: if sealed { String::new() } else { "Hm.".to_owned() },
        form,
        data: sealed.then(|| "c2VhbGVk".to_owned()),
        format: (!format.is_empty()).then(|| format.to_owned()),
        ..Reasoning::default()
    };
    let signature = (format == "anthropic-claude-v1" && !sealed).then(|| "c2lnbmVk".to_owned());
    Part { signature, ..Part::new(Content::Reasoning(reasoning)) }
}

pub(super) fn probes() -> Vec<Probe> {
    let mut system = question();
    system.messages.insert(0, Message::text(Role::System, "Be brief."));
    let mut developer = question();
    developer.messages.insert(0, Message::text(Role::Developer, "Be brief."));
    let mut later = after(vec![Part::text("This.")]);
    later.messages.push(Message::text(Role::System, "Now in French."));
    let mut named = question();
    if let Some(message) = named.messages.first_mut() {
        message.name = Some("ada".to_owned());
    }
    let begun = {
        let mut request = question();
        request.messages.push(Message::text(Role::Assistant, "This is"));
        request
    };
    let detailed = Content::Image(Image { source: base64("image/png"), detail: Some("high".to_owned()) });
    let sound =
        Audio { data: Some("UklGRg==".to_owned()), format: Some("wav".to_owned()), ..Audio::default() };
    let marked = Part { cache: Some(CacheMark::default()), ..Part::text("A long text.") };
    let cited = {
        let source = Annotation {
            kind: "url_citation".to_owned(),
            url: Some("https://example.com".to_owned()),
            ..Annotation::default()
        };
        Part::new(Content::Text(Text { text: "It rains.".to_owned(), annotations: vec![source] }))
    };
    let text = || vec![Part::text("clear")];
    vec![
        ("system text", system),
        ("developer text", developer),
        ("system text after the first turn", later),
        ("a participant's name", named),
        ("the beginning of the answer", begun),
        ("an image in base64", beside(image(base64("image/png")))),
        ("an image by address", beside(image(url("https://example.com/a.png")))),
        ("an image's detail", beside(detailed)),
        ("a PDF in base64", beside(file(base64("application/pdf")))),
        ("a PDF by address", beside(file(url("https://example.com/a.pdf")))),
        ("a document of plain text", beside(file(Source::Text("Grass is green.".to_owned())))),
        ("sound", beside(Content::Audio(sound))),
        ("a film by address", beside(Content::Video(url("https://example.com/a.mp4")))),
        ("a mark to cache the prompt", beside(marked)),
        ("a call and its result", called(call(None), text(), false)),
        ("a result with an image", called(call(None), vec![Part::new(image(base64("image/png")))], false)),
        ("a result that says the tool failed", called(call(None), text(), true)),
        ("Gemini's signature of a call", called(call(Some("QUJDRA==")), text(), false)),
        (
            "reasoning signed by Anthropic",
            after(vec![reasoning("anthropic-claude-v1", ReasoningForm::Full), Part::text("This.")]),
        ),
        (
            "reasoning sealed by OpenAI",
            after(vec![reasoning("openai-responses-v1", ReasoningForm::Opaque), Part::text("This.")]),
        ),
        ("reasoning in plain text", after(vec![reasoning("", ReasoningForm::Full), Part::text("This.")])),
        ("a refusal of the model's", after(vec![Part::new(Content::Refusal("No.".to_owned()))])),
        ("sources of what the model said", after(vec![cited])),
    ]
}
