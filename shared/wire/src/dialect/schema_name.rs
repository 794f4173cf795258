//! Names of schemas for structured output. OpenAI's formats and those after them require one: letters, digits, `_` and
//! `-`, at most 64 (<https://platform.openai.com/docs/api-reference/chat/create>, `response_format`). Others have none,
//! or take any text.

use std::borrow::Cow;

use crate::chat::Schema;

/// The most characters of a name.
const LONGEST: usize = 64;

/// A name that OpenAI takes: the schema's own, or its title, as far as they are made of what a name may have.
pub(crate) fn schema_name(schema: &Schema) -> Cow<'_, str> {
    let title = || schema.schema.as_ref()?.get("title")?.as_str();
    let said = schema.name.as_deref().or_else(title).unwrap_or_default();
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !said.is_empty() && said.len() <= LONGEST && said.chars().all(allowed) {
        return Cow::Borrowed(said);
    }
    let fitted: String = said.chars().map(|c| if allowed(c) { c } else { '_' }).take(LONGEST).collect();
    // It does not matter which.
    if fitted.chars().any(|c| c.is_ascii_alphanumeric()) {
        Cow::Owned(fitted)
    } else {
        Cow::Borrowed("answer")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_name_is_always_one_that_openai_takes() {
        let named = |name: Option<&str>, schema: serde_json::Value| {
            let schema = Schema { name: name.map(str::to_owned), schema: Some(schema), ..Schema::default() };
            schema_name(&schema).into_owned()
        };
        assert_eq!(named(Some("my-Answer_1"), json!({})), "my-Answer_1");
        assert_eq!(named(Some("the answer!"), json!({})), "the_answer_");
        assert_eq!(named(None, json!({"title": "Weather report"})), "Weather_report");
        assert_eq!(named(None, json!({})), "answer");
        assert_eq!(named(Some("\u{5929}\u{6c17}"), json!({})), "answer");
        assert_eq!(named(Some(&"x".repeat(70)), json!({})), "x".repeat(64));
    }
}
