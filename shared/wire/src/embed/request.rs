//! A request for embeddings.

use std::borrow::Cow;

use serde_json::Value;

use crate::chat::{Extra, foreign};
use crate::dialect::loss::Notes;

/// A request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// The model's name, as said.
    pub model: String,
    /// What to embed: one vector for each.
    pub inputs: Vec<Item>,
    /// The inputs were said as a list; a single one may stand alone.
    pub listed: bool,
    /// How many numbers a vector should have.
    pub dimensions: Option<u64>,
    /// Of which type the numbers should be; none: whatever is usual, which is floats everywhere.
    pub types: Vec<NumberType>,
    /// Whether vectors should come as base64 of their bytes instead of lists.
    pub base64: Option<bool>,
    /// What the vectors are for.
    pub purpose: Option<Purpose>,
    /// What to do with an input that is too long for the model.
    pub truncate: Option<Truncate>,
    /// The most tokens of each input to read (Cohere).
    pub max_tokens: Option<u64>,
    /// Whether vectors should have the length one (Amazon Titan).
    pub normalize: Option<bool>,
    /// The caller's own id of the person.
    pub user: Option<String>,
    /// What the format said beyond this.
    pub extra: Extra,
}

impl Request {
    /// A request of some texts for a model.
    #[must_use]
    pub fn new(model: impl Into<String>, texts: impl IntoIterator<Item = String>) -> Self {
        Self {
            model: model.into(),
            inputs: texts.into_iter().map(Item::text).collect(),
            listed: true,
            ..Self::default()
        }
    }

    /// The type of numbers that is asked for first: the one an answer that does not say has.
    #[must_use]
    pub fn number_type(&self) -> NumberType {
        self.types.first().cloned().unwrap_or_default()
    }

    /// The same request in pieces of at most `most` inputs, for vendors that take no more in one call. Their answers are
    /// put together with [`super::Response::join`].
    #[must_use]
    pub fn chunks(&self, most: usize) -> Vec<Self> {
        let head = Self { inputs: Vec::new(), ..self.clone() };
        self.inputs
            .chunks(most.max(1))
            .map(|inputs| Self { inputs: inputs.to_vec(), ..head.clone() })
            .collect()
    }

    /// Whether the request said the model once more in a place of its own, beside the address (Gemini).
    #[must_use]
    pub fn names_model(&self) -> bool {
        let named = |extra: &Extra| super::marked(extra, "model").is_some() || extra.contains_key("model");
        named(&self.extra) || self.inputs.iter().any(|item| named(&item.extra))
    }

    /// Takes away what only the format of origin understands. Returns the names of the fields that said something.
    pub fn leave_extra(&mut self) -> Vec<String> {
        let mut left = Vec::new();
        foreign::take(&mut self.extra, "", &mut left);
        for (index, item) in self.inputs.iter_mut().enumerate() {
            foreign::take(&mut item.extra, &format!("input[{index}]"), &mut left);
        }
        left
    }
}

/// One thing to embed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// What.
    pub input: Input,
    /// The title of the document it is from (Gemini).
    pub title: Option<String>,
    /// What the format said beyond this.
    pub extra: Extra,
}

impl Item {
    /// An input with nothing else said about it.
    #[must_use]
    pub fn new(input: Input) -> Self {
        Self { input, title: None, extra: Extra::new() }
    }

    /// A text.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self::new(Input::Text(text.into()))
    }
}

/// What to embed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// A text.
    Text(String),
    /// Several texts that together get one vector (Gemini, Cohere).
    Pieces(Vec<String>),
    /// A text as tokens of the model (OpenAI).
    Tokens(Vec<u64>),
    /// An image or a mixture, in the words of one format.
    Other {
        /// Which format's: the name of its module.
        format: &'static str,
        /// The words.
        value: Value,
    },
}

impl Input {
    /// The text, if it is one. Several pieces are joined with line ends.
    #[must_use]
    pub fn as_text(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Text(text) => Some(Cow::Borrowed(text)),
            Self::Pieces(pieces) => Some(Cow::Owned(pieces.join("\n"))),
            Self::Tokens(_) | Self::Other { .. } => None,
        }
    }

    /// The text for a format that takes one text an input; what is no text is noted as lost.
    pub(super) fn told(&self, index: usize, notes: &mut Notes) -> Option<String> {
        let field = format!("input[{index}]");
        match self {
            Self::Text(text) => Some(text.clone()),
            Self::Pieces(pieces) => {
                if pieces.len() > 1 {
                    notes.lowered(field);
                }
                Some(pieces.join("\n"))
            }
            Self::Tokens(_) => {
                notes.meaning(field, "this provider takes text, not tokens; send the text itself");
                None
            }
            Self::Other { .. } => {
                notes.meaning(field, "this provider's embeddings take text only");
                None
            }
        }
    }
}

/// Notes what was said about single inputs that the format cannot say.
pub(super) fn note_titles(request: &Request, notes: &mut Notes) {
    for (index, item) in request.inputs.iter().enumerate() {
        if item.title.is_some() {
            notes.hint(format!("input[{index}].title"), "this provider has no titles for embeddings");
        }
    }
}

/// Notes each field that is said and that the format has no word for. `normalize: true` is what vendors do anyway.
pub(super) fn note_unsayable(request: &Request, says: &[&str], notes: &mut Notes) {
    let mut miss = |said: bool, field: &'static str, reason: &'static str| {
        if said && !says.contains(&field) {
            notes.hint(field, reason);
        }
    };
    miss(request.user.is_some(), "user", "this provider takes no id of the person");
    miss(request.max_tokens.is_some(), "max_tokens", "this provider has no limit of tokens for each input");
    let cut = matches!(request.truncate, Some(Truncate::Start | Truncate::End));
    miss(cut, "truncate", "this provider decides itself what it does with an input that is too long");
    miss(
        request.purpose.is_some(),
        "input_type",
        "this provider makes the same vectors for every purpose, or decides by the model",
    );
    if request.normalize == Some(false) && !says.contains(&"normalize") {
        notes.meaning("normalize", "this provider does not leave vectors unnormalised");
    }
    if request.dimensions.is_some() && !says.contains(&"dimensions") {
        notes.meaning("dimensions", "this provider's vectors have the size of the model");
    }
    let floats = request.types.iter().all(|kind| *kind == NumberType::Float);
    if !floats && !says.contains(&"types") {
        notes.meaning("embedding_types", "this provider gives floats only");
    }
}

/// Of what type the numbers of a vector are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum NumberType {
    /// Floating-point numbers of 32 bits.
    #[default]
    Float,
    /// From -128 to 127.
    Int8,
    /// From 0 to 255.
    Uint8,
    /// Eight bits in each number from -128 to 127.
    Binary,
    /// Eight bits in each number from 0 to 255.
    Ubinary,
    /// One bit in each number, 0 or 1 (Amazon Titan).
    Bits,
    /// A type not known here, in the vendor's word.
    Other(String),
}

impl NumberType {
    /// The word of Cohere, Voyage and Mistral, who have the same ones.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Float => "float",
            Self::Int8 => "int8",
            Self::Uint8 => "uint8",
            Self::Binary => "binary",
            Self::Ubinary => "ubinary",
            Self::Bits => "bits",
            Self::Other(word) => word,
        }
    }

    /// By that word.
    #[must_use]
    pub fn from_word(word: &str) -> Self {
        match word {
            "float" => Self::Float,
            "int8" => Self::Int8,
            "uint8" => Self::Uint8,
            "binary" => Self::Binary,
            "ubinary" => Self::Ubinary,
            other => Self::Other(other.to_owned()),
        }
    }
}

/// What vectors are for. Models that know make those of questions and of documents comparable.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// To search with.
    Query,
    /// To be found.
    Document,
    /// Input of a classifier.
    Classification,
    /// To group.
    Clustering,
    /// To compare with each other (Gemini).
    Similarity,
    /// A question whose answer is looked for (Gemini).
    Question,
    /// A claim to check against documents (Gemini).
    FactCheck,
    /// To search code with (Gemini).
    CodeQuery,
    /// An image (Cohere).
    Image,
    /// A purpose not known here, in the vendor's word.
    Other(String),
}

impl Purpose {
    /// Whether it is to search with, for formats that tell only questions from documents.
    pub(super) const fn asks(&self) -> bool {
        matches!(self, Self::Query | Self::Question | Self::FactCheck | Self::CodeQuery)
    }
}

/// What to do with an input that is too long for the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Truncate {
    /// Refuse it.
    Never,
    /// Leave out its beginning.
    Start,
    /// Leave out its end.
    End,
}
