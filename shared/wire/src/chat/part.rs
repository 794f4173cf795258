//! Parts of a message: text, media, reasoning, tool calls and their results.

use super::{Extra, Shape};

/// One part of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// What it is.
    pub content: Content,
    /// The vendor's id of this part (a Responses item, a reasoning detail). A tool call's id is not here.
    pub id: Option<String>,
    /// The caller asks the provider to cache the prompt up to here.
    pub cache: Option<CacheMark>,
    /// An opaque proof that the model produced this part; must be sent back unchanged (Anthropic thinking blocks,
    /// Gemini thought signatures, which may sit on any part).
    pub signature: Option<String>,
    /// What the format said beyond this; for [`Content::Other`] all of its fields.
    pub extra: Extra,
}

impl Part {
    /// A part without marks.
    #[must_use]
    pub fn new(content: Content) -> Self {
        Self { content, id: None, cache: None, signature: None, extra: Extra::new() }
    }

    /// A text.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self::new(Content::Text(Text { text: text.into(), annotations: Vec::new() }))
    }

    /// Whether nothing but the content is said.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.id.is_none() && self.cache.is_none() && self.signature.is_none() && self.extra.is_empty()
    }
}

/// What a part is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// Text.
    Text(Text),
    /// An image.
    Image(Image),
    /// Sound, spoken or to be heard.
    Audio(Audio),
    /// A film.
    Video(Source),
    /// A document or another file.
    File(File),
    /// The model declines, in its own words.
    Refusal(String),
    /// The model's reasoning.
    Reasoning(Reasoning),
    /// The model calls a tool.
    ToolCall(ToolCall),
    /// What a tool gave back.
    ToolResult(ToolResult),
    /// A kind of part not known here, by the vendor's word; its fields are in the part's `extra`.
    Other(String),
}

/// Text with what it refers to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text {
    /// The text.
    pub text: String,
    /// Sources of parts of it.
    pub annotations: Vec<Annotation>,
}

/// Where media are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// At an address; what sort of media it is shows when it is read.
    Url(String),
    /// In the request itself.
    Base64 {
        /// The media type, `image/png`, as it was said.
        media_type: Option<String>,
        /// The bytes in base64, not decoded.
        data: String,
    },
    /// Uploaded to the provider before.
    FileId(String),
    /// Plain text given as a document (Anthropic).
    Text(String),
}

impl Source {
    /// Tells media in the request itself (`data:TYPE;base64,...`) from media at an address.
    pub(crate) fn of_url(url: String) -> Self {
        match url.strip_prefix("data:").and_then(|rest| rest.split_once(";base64,")) {
            Some((media_type, data)) => {
                Self::Base64 { media_type: Some(media_type.to_owned()), data: data.to_owned() }
            }
            None => Self::Url(url),
        }
    }
}

/// An image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// Where it is.
    pub source: Source,
    /// In how much detail to look at it: `auto`, `low`, `high`.
    pub detail: Option<String>,
}

/// Sound.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Audio {
    /// An id under which the provider keeps it, to refer to it in a later turn.
    pub id: Option<String>,
    /// The bytes in base64, not decoded.
    pub data: Option<String>,
    /// `wav`, `mp3`, `pcm16`, ...
    pub format: Option<String>,
    /// What is said in it.
    pub transcript: Option<String>,
    /// When the provider forgets the id, in seconds since 1970.
    pub expires_at: Option<u64>,
}

/// A document or another file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Where it is.
    pub source: Source,
    /// Its name.
    pub name: Option<String>,
}

/// How much of its reasoning a model shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ReasoningForm {
    /// The text itself.
    #[default]
    Full,
    /// A summary of it.
    Summary,
    /// Nothing to read: an opaque text in `data`, to be sent back unchanged (encrypted or redacted reasoning).
    Opaque,
}

/// In which of the fields that vendors of one format use the reasoning was; it is written back there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ReasoningSpelling {
    /// Whatever is usual for the format.
    #[default]
    Auto,
    /// A message field `reasoning_content` (DeepSeek and most that serve open models).
    ReasoningContent,
    /// A message field `reasoning` (Groq, Cerebras, newer vLLM).
    Reasoning,
    /// An element of the list `reasoning_details` (OpenRouter and its kin).
    Details,
    /// A part of the content list, of type `thinking` (Mistral).
    Thinking,
}

/// Reasoning, or the part of it that the vendor shows. A signature is the part's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reasoning {
    /// The text, empty when opaque.
    pub text: String,
    /// What the text is.
    pub form: ReasoningForm,
    /// The opaque text.
    pub data: Option<String>,
    /// Whose reasoning it is, in the vendor's word (`anthropic-claude-v1`): others cannot take it back.
    pub format: Option<String>,
    /// Which field it was in.
    pub spelling: ReasoningSpelling,
}

/// What sort of tool is called.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum ToolKind {
    /// A function of the caller's; arguments are JSON.
    #[default]
    Function,
    /// A function in the way that came before tools (OpenAI `function_call`): no id, one a message.
    LegacyFunction,
    /// A tool of the caller's that takes free text (OpenAI `custom`).
    Custom,
    /// A tool that runs at the provider, by its vendor's word.
    BuiltIn(String),
}

/// A tool call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ToolCall {
    /// Ties the result to the call; some vendors give none or an empty one.
    pub id: Option<String>,
    /// Which tool.
    pub name: String,
    /// The arguments exactly as the model wrote them: usually JSON, perhaps broken, perhaps empty.
    pub arguments: String,
    /// What sort of tool.
    pub kind: ToolKind,
}

/// What a tool gave back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ToolResult {
    /// The call it answers; absent in formats that go by name.
    pub call_id: Option<String>,
    /// The tool's name, where the format says it.
    pub name: Option<String>,
    /// The result: text, images, documents.
    pub parts: Vec<Part>,
    /// How the text was spelt.
    pub shape: Shape,
    /// The tool failed.
    pub is_error: bool,
}

/// How long a cached prompt should live.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum CacheLife {
    /// The provider's default.
    #[default]
    Default,
    /// Five minutes.
    FiveMinutes,
    /// One hour.
    OneHour,
}

/// Asks the provider to cache the prompt up to and including this place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct CacheMark {
    /// For how long.
    pub life: CacheLife,
}

/// A source of a stretch of text: a citation, a file, a place in a document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Annotation {
    /// The vendor's word for its kind: `url_citation`, `file`, `page_location`, ...
    pub kind: String,
    /// Address of the source.
    pub url: Option<String>,
    /// Title of the source.
    pub title: Option<String>,
    /// The source's own words.
    pub quote: Option<String>,
    /// The provider's id of the source file.
    pub file_id: Option<String>,
    /// Which of the request's documents it is, from 0.
    pub document: Option<u64>,
    /// Where in the answer's text it begins, in characters.
    pub start: Option<u64>,
    /// Where it ends, in characters.
    pub end: Option<u64>,
    /// What the format said beyond this.
    pub extra: Extra,
}
