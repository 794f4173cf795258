//! JSON Schemas of tools and answers, written for targets that take less than all of JSON Schema.
//!
//! A caller's schema is JSON Schema (2020-12 and what came before). Each vendor takes a part of it, refuses or ignores
//! the rest, and spells some things otherwise. [`lower`] rewrites a schema for a target's [`Rules`] and names every
//! keyword that is not there any more as it was said: those left out, and those said in another way.
//!
//! References are followed inside the document only. A schema that refers to itself is unrolled a little and then cut;
//! the work is bounded, however the references multiply.

mod lower;
mod merge;
mod openapi;
#[cfg(test)]
mod tests;
mod values;

use serde_json::Value;

pub use openapi::from_openapi;

/// What a target takes.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// The keywords that are taken; `None` for all.
    keywords: Option<&'static [&'static str]>,
    references: References,
    /// `oneOf` becomes `anyOf`.
    one_of_as_any_of: bool,
    /// `allOf` becomes one schema.
    merges_all_of: bool,
    /// `const` becomes an `enum` of one.
    const_as_enum: bool,
    types: Types,
    /// The values of `format` that are taken; `None` for all.
    formats: Option<&'static [&'static str]>,
    /// `enum` takes strings only.
    string_enums: bool,
    /// A schema with `anyOf` says nothing else.
    any_of_alone: bool,
    /// Objects have no properties beyond those named, and all of those must be there; optional ones may be null.
    closed: Closed,
    /// The outermost schema is an object, not a choice of several.
    root_is_object: bool,
    /// `minItems` is 0 or 1.
    small_min_items: bool,
    /// Patterns match the whole text and look neither ahead nor for its ends.
    plain_patterns: bool,
    /// Objects that have properties require at least one of them.
    some_required: bool,
    /// What is left out is told to the model, in the description.
    told: bool,
}

/// What becomes of `$ref`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum References {
    /// Kept, with `$defs`; `definitions` becomes `$defs`. Where something stands beside `$ref`, it is inlined.
    Kept,
    /// What is referred to is put in its place.
    Inlined,
}

/// What becomes of a list of types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Types {
    /// Kept.
    Listed,
    /// One type, in capitals, and `nullable`; several become `anyOf` (OpenAPI 3.0).
    Nullable,
}

/// Whether objects are closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Closed {
    /// As they are.
    No,
    /// Only properties that are named.
    Named,
    /// Only properties that are named, and all of them.
    Required,
}

const OPEN: Rules = Rules {
    keywords: None,
    references: References::Kept,
    one_of_as_any_of: false,
    merges_all_of: false,
    const_as_enum: false,
    types: Types::Listed,
    formats: None,
    string_enums: false,
    any_of_alone: false,
    closed: Closed::No,
    root_is_object: false,
    small_min_items: false,
    plain_patterns: false,
    some_required: false,
    told: false,
};

impl Rules {
    /// Gemini's `parameters` and `responseSchema`: a part of OpenAPI 3.0
    /// (`ai.google.dev/api/caching#Schema`). Types are in capitals, `nullable` instead of a type `null`.
    pub const GEMINI_OPENAPI: Self = Self {
        keywords: Some(&[
            "type",
            "format",
            "title",
            "description",
            "nullable",
            "enum",
            "maxItems",
            "minItems",
            "properties",
            "required",
            "minProperties",
            "maxProperties",
            "minLength",
            "maxLength",
            "pattern",
            "example",
            "anyOf",
            "propertyOrdering",
            "default",
            "items",
            "minimum",
            "maximum",
        ]),
        references: References::Inlined,
        one_of_as_any_of: true,
        merges_all_of: true,
        const_as_enum: true,
        types: Types::Nullable,
        formats: Some(&["float", "double", "int32", "int64", "enum", "date-time"]),
        string_enums: true,
        any_of_alone: true,
        ..OPEN
    };

    /// Gemini's `parametersJsonSchema` and `responseJsonSchema` (`ai.google.dev/api/generate-content#GenerationConfig`,
    /// the list of keywords at `responseJsonSchema`). Other keywords are ignored there, so they are named.
    pub const GEMINI_JSON: Self = Self {
        keywords: Some(&[
            "$defs",
            "$ref",
            "type",
            "format",
            "title",
            "description",
            "enum",
            "items",
            "prefixItems",
            "minItems",
            "maxItems",
            "minimum",
            "maximum",
            "anyOf",
            "oneOf",
            "properties",
            "additionalProperties",
            "required",
            "propertyOrdering",
        ]),
        merges_all_of: true,
        const_as_enum: true,
        ..OPEN
    };

    /// Bedrock Converse's `inputSchema.json`. The API takes any document, but the models behind it differ: Nova knows
    /// no references, and none of them a choice at the top.
    pub const BEDROCK: Self =
        Self { references: References::Inlined, merges_all_of: true, root_is_object: true, ..OPEN };

    /// OpenAI's strict mode, for tools and answers
    /// (`platform.openai.com/docs/guides/structured-outputs`, "Supported schemas").
    pub const OPENAI_STRICT: Self = Self {
        keywords: Some(&[
            "$defs",
            "$ref",
            "type",
            "format",
            "title",
            "description",
            "enum",
            "const",
            "items",
            "minItems",
            "maxItems",
            "minimum",
            "maximum",
            "exclusiveMinimum",
            "exclusiveMaximum",
            "multipleOf",
            "pattern",
            "anyOf",
            "properties",
            "additionalProperties",
            "required",
        ]),
        one_of_as_any_of: true,
        merges_all_of: true,
        formats: Some(&[
            "date-time",
            "time",
            "date",
            "duration",
            "email",
            "hostname",
            "ipv4",
            "ipv6",
            "uuid",
        ]),
        closed: Closed::Required,
        root_is_object: true,
        ..OPEN
    };

    /// Anthropic's strict tools and structured outputs
    /// (`platform.claude.com/docs/en/build-with-claude/structured-outputs`, "JSON Schema limitations"). References are
    /// inlined, since those that come back to themselves are refused.
    pub const ANTHROPIC_STRICT: Self = Self {
        keywords: Some(&[
            "type",
            "format",
            "title",
            "description",
            "default",
            "enum",
            "const",
            "items",
            "minItems",
            "pattern",
            "anyOf",
            "properties",
            "additionalProperties",
            "required",
        ]),
        references: References::Inlined,
        one_of_as_any_of: true,
        merges_all_of: true,
        formats: Some(&[
            "date-time",
            "time",
            "date",
            "duration",
            "email",
            "hostname",
            "uri",
            "ipv4",
            "ipv6",
            "uuid",
        ]),
        closed: Closed::Named,
        small_min_items: true,
        told: true,
        ..OPEN
    };

    /// Strict tools and structured outputs of Bedrock Converse
    /// (`docs.aws.amazon.com/bedrock/latest/userguide/structured-output.html`): the same part of the language.
    pub const BEDROCK_STRICT: Self = Self::ANTHROPIC_STRICT;

    /// Cohere's `strict_tools` and structured outputs
    /// (`docs.cohere.com/docs/structured-outputs`, "Schema constraints" and "Unsupported schema features").
    pub const COHERE_STRICT: Self = Self {
        keywords: Some(&[
            "type",
            "format",
            "title",
            "description",
            "default",
            "enum",
            "const",
            "items",
            "pattern",
            "properties",
            "required",
        ]),
        references: References::Inlined,
        merges_all_of: true,
        formats: Some(&["date-time", "uuid", "date", "time"]),
        root_is_object: true,
        plain_patterns: true,
        some_required: true,
        told: true,
        ..OPEN
    };

    fn takes(&self, keyword: &str) -> bool {
        self.keywords.is_none_or(|keywords| keywords.contains(&keyword))
    }
}

/// Rewrites a schema for a target.
///
/// Gives the schema, and the keywords that are not in it as they were said, each as a JSON pointer from the schema's
/// root (`/properties/when/format`), in order of appearance and each once. Keywords that say nothing about values
/// (`$schema`, `$id`, `$comment`) go without a word.
#[must_use]
pub fn lower(schema: &Value, rules: &Rules) -> (Value, Vec<String>) {
    lower::lower(schema, rules)
}
