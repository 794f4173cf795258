//! Tools that a model may call.

use serde_json::Value;

use super::{CacheMark, Extra};

/// A tool the model may call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tool {
    /// What it is.
    pub definition: Definition,
    /// The caller asks the provider to cache the prompt up to here.
    pub cache: Option<CacheMark>,
    /// What the format said beyond this; for built-in tools all of their fields.
    pub extra: Extra,
}

/// What a tool is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Definition {
    /// A function of the caller's.
    Function(Function),
    /// A tool of the caller's that takes free text.
    Custom {
        /// Its name.
        name: String,
        /// What it is for, told to the model.
        description: Option<String>,
        /// What text it takes: a grammar, in the vendor's form.
        format: Option<Value>,
    },
    /// A tool that runs at the provider, by its vendor's word; its fields are in the tool's `extra`.
    BuiltIn(String),
}

/// A function of the caller's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// What it is for, told to the model.
    pub description: Option<String>,
    /// JSON Schema of the arguments.
    pub parameters: Option<Value>,
    /// Whether the arguments must follow the schema exactly.
    pub strict: Option<bool>,
}

/// Whether and which tool the model calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ToolChoice {
    /// The model decides.
    Auto,
    /// No tool.
    None,
    /// Some tool.
    Required,
    /// This function.
    Function(String),
    /// This free-text tool.
    Custom(String),
    /// Only some of the tools.
    Allowed {
        /// Whether one of them must be called.
        required: bool,
        /// References to tools, in the vendor's form.
        tools: Vec<Value>,
    },
    /// A choice not known here, in the vendor's form.
    Other(Value),
}
