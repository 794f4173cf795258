//! Moderation: whether texts and images are harmful, by category. OpenAI's `POST /v1/moderations`
//! (`platform.openai.com/docs/api-reference/moderations`), which Mistral and others took over.

#[cfg(test)]
mod tests;

use bytes::Bytes;
use serde_json::{Map, Number, Value, json};

use crate::chat::{Extra, foreign};
use crate::dialect::fields::{self, Path, merge, put, put_some};
pub use crate::dialect::openai_chat::{decode_fault_at, encode_error};
use crate::dialect::{DecodeError, Encoded, Target};
use crate::usage::Usage;

/// A request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// The model's name, as said; the provider has a usual one.
    pub model: Option<String>,
    /// What to look at.
    pub input: Subject,
    /// What the format said beyond this.
    pub extra: Extra,
}

impl Request {
    /// Takes away what only the format of origin understands. Returns the names of the fields that said something.
    pub fn leave_extra(&mut self) -> Vec<String> {
        let mut left = Vec::new();
        foreign::take(&mut self.extra, "", &mut left);
        left
    }
}

/// What is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// One text: one result.
    Text(String),
    /// Texts: a result for each.
    Texts(Vec<String>),
    /// Texts and images that belong together: one result.
    Parts(Vec<Part>),
}

impl Default for Subject {
    fn default() -> Self {
        Self::Text(String::new())
    }
}

/// A piece of what is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// A text.
    Text(String),
    /// An image, by an address or as a data URI.
    Image(String),
}

/// An answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Response {
    /// The provider's id of the answer.
    pub id: Option<String>,
    /// The model that answered, as the provider names it.
    pub model: Option<String>,
    /// What was found: one for each text, or one for all parts.
    pub results: Vec<Finding>,
    /// Tokens that were read, where the vendor says so (Mistral). OpenAI does not: moderation is free there.
    pub usage: Option<Usage>,
    /// What the format said beyond this.
    pub extra: Extra,
}

impl Response {
    /// Whether anything was found in any of what was looked at.
    #[must_use]
    pub fn is_flagged(&self) -> bool {
        self.results.iter().any(|result| result.flagged)
    }
}

/// What was found in one of the subjects.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Finding {
    /// Whether anything was.
    pub flagged: bool,
    /// The categories, in the order of the provider.
    pub categories: Vec<Category>,
    /// What the format said beyond this.
    pub extra: Extra,
}

/// One category of a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Category {
    /// The provider's name: `self-harm/intent`.
    pub name: String,
    /// Whether it was found. Some vendors give scores alone.
    pub flagged: Option<bool>,
    /// How sure the provider is, from 0 to 1.
    pub score: Option<Number>,
    /// What the score is about: `text`, `image`.
    pub applied_to: Option<Vec<String>>,
}

/// Reads a request.
///
/// # Errors
/// Names the field that is missing or of a wrong type.
pub fn decode_request(body: &[u8]) -> Result<Request, DecodeError> {
    let path = &Path::Root;
    let mut map = fields::parse_object(body)?;
    let model = fields::string(&mut map, path, "model")?;
    let at = Path::Field(path, "input");
    let input = match fields::take(&mut map, "input") {
        Some(Value::String(text)) => Subject::Text(text),
        Some(Value::Array(items)) if items.is_empty() => {
            return Err(at.error("expected at least one input, found an empty array"));
        }
        Some(Value::Array(items)) if items.iter().any(Value::is_object) => {
            let part = |(index, value)| decode_part(value, &Path::Item(&at, index));
            Subject::Parts(items.into_iter().enumerate().map(part).collect::<Result<_, _>>()?)
        }
        Some(Value::Array(items)) => Subject::Texts(fields::into_strings(&at, items)?),
        Some(_) => return Err(at.error("expected a string, an array of strings or an array of parts")),
        None => return Err(at.error("required: a string, an array of strings or an array of parts")),
    };
    Ok(Request { model, input, extra: map })
}

fn decode_part(value: Value, path: &Path<'_>) -> Result<Part, DecodeError> {
    let mut map = fields::into_object(path, value)?;
    let kind = fields::need_string(&mut map, path, "type")?;
    let part = match kind.as_str() {
        "text" => Part::Text(fields::need_string(&mut map, path, "text")?),
        "image_url" => {
            let at = Path::Field(path, "image_url");
            let mut image = fields::object(&mut map, path, "image_url")?
                .ok_or_else(|| at.error("required: an object with `url`"))?;
            let url = fields::need_string(&mut image, &at, "url")?;
            if let Some(name) = image.keys().next() {
                return Err(at.field_error(name, "this field is not known here; an image has a `url`"));
            }
            Part::Image(url)
        }
        _ => return Err(path.field_error("type", "expected `text` or `image_url`")),
    };
    // Left out it would not be looked at, and nobody would know.
    match map.keys().next() {
        Some(name) => Err(path.field_error(name, "this field is not known here")),
        None => Ok(part),
    }
}

/// Writes a request. A request without a model asks for the target's.
#[must_use]
pub fn encode_request(request: &Request, target: &Target<'_>) -> Encoded {
    let mut map = Map::new();
    if !target.model.is_empty() {
        put(&mut map, "model", target.model);
    }
    let part = |part: &Part| match part {
        Part::Text(text) => json!({"type": "text", "text": text}),
        Part::Image(url) => json!({"type": "image_url", "image_url": {"url": url}}),
    };
    match &request.input {
        Subject::Text(text) => put(&mut map, "input", text.clone()),
        Subject::Texts(texts) => put(&mut map, "input", texts.clone()),
        Subject::Parts(parts) => put(&mut map, "input", parts.iter().map(part).collect::<Vec<_>>()),
    }
    merge(&mut map, &request.extra);
    Encoded { body: Value::Object(map).to_string().into(), ..Encoded::default() }
}

/// Reads an answer. Tolerant of what vendors leave out: one without `flagged` is flagged if a category is.
///
/// # Errors
/// Says what makes it no answer of this format.
pub fn decode_response(body: &[u8]) -> Result<Response, DecodeError> {
    let path = &Path::Root;
    let mut map = fields::parse_object(body)?;
    let at = Path::Field(path, "results");
    let values = fields::array(&mut map, path, "results")?.ok_or_else(|| at.error("required: an array"))?;
    let mut response = Response::default();
    for (index, value) in values.into_iter().enumerate() {
        response.results.push(decode_finding(fields::into_object(&Path::Item(&at, index), value)?));
    }
    response.id = fields::try_string(&mut map, "id");
    response.model = fields::try_string(&mut map, "model");
    let usage = map.get("usage").filter(|usage| usage.is_object());
    let usage = usage.map(crate::dialect::openai_chat::decode_usage);
    response.usage = usage.filter(|usage| *usage != Usage::default());
    response.extra = map;
    Ok(response)
}

fn decode_finding(mut map: Extra) -> Finding {
    let mut categories: Vec<Category> = Vec::new();
    let named = |categories: &mut Vec<Category>, name: &str, fill: &mut dyn FnMut(&mut Category)| {
        if let Some(category) = categories.iter_mut().find(|category| category.name == name) {
            return fill(category);
        }
        let mut category = Category { name: name.to_owned(), flagged: None, score: None, applied_to: None };
        fill(&mut category);
        categories.push(category);
    };
    let all = |map: &Extra, name: &str, test: fn(&Value) -> bool| {
        map.get(name).and_then(Value::as_object).is_some_and(|inner| inner.values().all(test))
    };
    // An object with anything else in it stays whole.
    if all(&map, "categories", Value::is_boolean) {
        for (name, value) in fields::try_object(&mut map, "categories").unwrap_or_default() {
            named(&mut categories, &name, &mut |category| category.flagged = value.as_bool());
        }
    }
    if all(&map, "category_scores", Value::is_number) {
        for (name, value) in fields::try_object(&mut map, "category_scores").unwrap_or_default() {
            named(&mut categories, &name, &mut |category| category.score = value.as_number().cloned());
        }
    }
    let words = |value: &Value| value.as_array().is_some_and(|words| words.iter().all(Value::is_string));
    if all(&map, "category_applied_input_types", words) {
        for (name, value) in fields::try_object(&mut map, "category_applied_input_types").unwrap_or_default()
        {
            let words = value.as_array().into_iter().flatten().filter_map(Value::as_str);
            let words: Vec<String> = words.map(str::to_owned).collect();
            named(&mut categories, &name, &mut |category| category.applied_to = Some(words.clone()));
        }
    }
    let any = categories.iter().any(|category| category.flagged == Some(true));
    let flagged = fields::try_boolean(&mut map, "flagged").unwrap_or(any);
    Finding { flagged, categories, extra: map }
}

/// Writes an answer. `id` and `model` are those of the arguments where the provider said none.
#[must_use]
pub fn encode_response(response: &Response, id: &str, model: &str) -> Bytes {
    let mut map = Map::new();
    put(&mut map, "id", response.id.as_deref().unwrap_or(id));
    put(&mut map, "model", response.model.as_deref().unwrap_or(model));
    put(&mut map, "results", response.results.iter().map(encode_finding).collect::<Vec<_>>());
    merge(&mut map, &response.extra);
    Value::Object(map).to_string().into()
}

fn encode_finding(finding: &Finding) -> Value {
    let mut map = Map::new();
    let (mut flags, mut scores, mut applied) = (Map::new(), Map::new(), Map::new());
    for category in &finding.categories {
        put_some(&mut flags, &category.name, category.flagged.as_ref());
        put_some(&mut scores, &category.name, category.score.clone().map(Value::Number).as_ref());
        put_some(&mut applied, &category.name, category.applied_to.as_ref());
    }
    put(&mut map, "flagged", finding.flagged);
    put(&mut map, "categories", flags);
    put(&mut map, "category_scores", scores);
    if !applied.is_empty() {
        put(&mut map, "category_applied_input_types", applied);
    }
    merge(&mut map, &finding.extra);
    Value::Object(map)
}
