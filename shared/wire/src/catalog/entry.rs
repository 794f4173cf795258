//! One model of the catalog, read from its line when somebody asks for it.
//!
//! Columns: kind, name, task, context window, most output, media in and out, abilities, prices ([`super::price`]).

use super::price::{self, Prices};
use crate::usage::Usage;

/// An upstream model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The provider kind, as in [`crate::provider::Preset::kind`].
    pub kind: &'static str,
    /// The name that the provider takes.
    pub name: &'static str,
    /// What the model is for.
    pub task: Task,
    /// Tokens that fit into the context window, as far as known. For some vendors, OpenAI's newer models among them,
    /// this is what may be read alone, without what is written.
    pub context_window: Option<u64>,
    /// Tokens that one answer can have at most, as far as known.
    pub max_output: Option<u64>,
    /// The newest prices, announced ones included, for calls of ordinary length. To charge a call, take
    /// [`prices_for`](Self::prices_for).
    pub prices: Prices,
    /// Media that go in and come out.
    pub modalities: Modalities,
    /// What the model can do.
    pub abilities: Abilities,
    price_list: &'static str,
}

/// What a model is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Task {
    /// Conversations.
    Chat,
    /// Conversations, but only by OpenAI's Responses API.
    Responses,
    /// Legacy text completion.
    Completion,
    /// Embeddings.
    Embedding,
    /// Ranking of documents.
    Rerank,
    /// Moderation of content.
    Moderation,
    /// Images out of text or images.
    Image,
    /// Speech out of text.
    Speech,
    /// Text out of speech.
    Transcription,
    /// Conversations in real time.
    Realtime,
}

/// A medium.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Medium {
    /// Text.
    Text,
    /// Still images.
    Image,
    /// Sound.
    Audio,
    /// Moving images.
    Video,
    /// PDF documents as such.
    Pdf,
}

/// Media that a model reads and writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Modalities(&'static str);

impl Modalities {
    /// Whether the model reads a medium.
    #[must_use]
    pub fn reads(self, medium: Medium) -> bool {
        self.0.split('>').next().is_some_and(|letters| letters.contains(medium.letter()))
    }

    /// Whether the model writes a medium.
    #[must_use]
    pub fn writes(self, medium: Medium) -> bool {
        self.0.split('>').nth(1).is_some_and(|letters| letters.contains(medium.letter()))
    }
}

impl Medium {
    const fn letter(self) -> char {
        match self {
            Self::Text => 't',
            Self::Image => 'i',
            Self::Audio => 'a',
            Self::Video => 'v',
            Self::Pdf => 'p',
        }
    }
}

/// What a model can do, as far as known: `false` also means that nobody said so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Abilities {
    /// Calls tools.
    pub tools: bool,
    /// Calls several tools at once.
    pub parallel_tools: bool,
    /// Keeps to a JSON Schema.
    pub json_schema: bool,
    /// Reasons before it answers.
    pub reasoning: bool,
    /// The provider keeps prompts in a cache.
    pub prompt_caching: bool,
    /// Searches the web by itself.
    pub web_search: bool,
    /// Operates a computer's screen.
    pub computer_use: bool,
    /// Continues an answer that the caller began.
    pub prefill: bool,
}

impl Abilities {
    fn from_letters(letters: &str) -> Self {
        Self {
            tools: letters.contains('t'),
            parallel_tools: letters.contains('p'),
            json_schema: letters.contains('j'),
            reasoning: letters.contains('r'),
            prompt_caching: letters.contains('c'),
            web_search: letters.contains('w'),
            computer_use: letters.contains('u'),
            prefill: letters.contains('f'),
        }
    }
}

impl Entry {
    pub(super) fn parse(line: &'static str) -> Option<Self> {
        let mut fields = line.split('\t');
        let (kind, name) = (fields.next()?, fields.next()?);
        let task = Task::from_name(fields.next()?)?;
        let (window, most) = (fields.next()?, fields.next()?);
        let (modalities, abilities) = (fields.next()?, fields.next()?);
        let price_list = fields.next()?;
        Some(Self {
            kind,
            name,
            task,
            context_window: window.parse().ok(),
            max_output: most.parse().ok(),
            prices: price::prices(price_list, u32::MAX, 0),
            modalities: Modalities(modalities),
            abilities: Abilities::from_letters(abilities),
            price_list,
        })
    }

    /// The prices of a call: those in force on `day` (days since 1970-01-01), and the dearer ones that some vendors
    /// charge for the whole of a call that reads more than a threshold (Gemini, some of OpenAI's and Alibaba's).
    #[must_use]
    pub fn prices_for(&self, day: u32, usage: &Usage) -> Prices {
        // Most lists are one set, which has been read already.
        if !self.price_list.contains(';') {
            return self.prices;
        }
        price::prices(self.price_list, day, usage.total_input())
    }

    /// Whether this is a conversation model that Chat Completions reaches.
    #[must_use]
    pub fn is_chat(&self) -> bool {
        self.task == Task::Chat
    }
}

impl Task {
    fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "chat" => Self::Chat,
            "responses" => Self::Responses,
            "completion" => Self::Completion,
            "embedding" => Self::Embedding,
            "rerank" => Self::Rerank,
            "moderation" => Self::Moderation,
            "image" => Self::Image,
            "speech" => Self::Speech,
            "transcription" => Self::Transcription,
            "realtime" => Self::Realtime,
            _ => return None,
        })
    }
}
