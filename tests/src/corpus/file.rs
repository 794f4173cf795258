//! `case.json` as it is written.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

/// The whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CaseFile {
    pub(super) about: String,
    #[serde(default)]
    pub(super) pains: Vec<u32>,
    #[serde(default)]
    pub(super) config: Value,
    #[serde(default)]
    pub(super) key: super::Key,
    #[serde(default = "every_model")]
    pub(super) models: Vec<String>,
    #[serde(default)]
    pub(super) request: RequestFile,
    pub(super) upstream: Option<Vec<UpstreamFile>>,
    #[serde(default)]
    pub(super) caller_leaves: super::Leaves,
    #[serde(default = "ok")]
    pub(super) status: u16,
    #[serde(default)]
    pub(super) headers: BTreeMap<String, Option<String>>,
    pub(super) error: Option<super::ExpectedError>,
    #[serde(default)]
    pub(super) record: super::RecordRule,
    #[serde(default)]
    pub(super) payloads: bool,
    #[serde(default)]
    pub(super) only: Option<String>,
}

fn every_model() -> Vec<String> {
    vec!["*".to_owned()]
}

const fn ok() -> u16 {
    200
}

/// What is special about the caller's request.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RequestFile {
    pub(super) method: String,
    /// The area's own path if not given.
    pub(super) path: Option<String>,
    pub(super) headers: BTreeMap<String, Option<String>>,
    /// Another file than `request.json`.
    pub(super) file: Option<String>,
    /// Sent in pieces of this many bytes, its length not declared.
    pub(super) pieces: Option<usize>,
}

impl Default for RequestFile {
    fn default() -> Self {
        Self { method: "POST".to_owned(), path: None, headers: BTreeMap::new(), file: None, pieces: None }
    }
}

/// One call to the upstream.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct UpstreamFile {
    /// The usual path of the format if not given.
    pub(super) path: Option<String>,
    pub(super) model: String,
    /// Where the vendor of the format takes it if not given.
    #[serde(deserialize_with = "said")]
    pub(super) key: Option<Option<String>>,
    pub(super) asks_usage: bool,
    pub(super) headers: BTreeMap<String, Option<String>>,
    /// The format's own checks if not given.
    pub(super) vendor: Option<String>,
    /// The format that is spoken to it; the caller's if not given.
    pub(super) format: Option<super::Format>,
    /// The body need only mean the same JSON, also where the format is the caller's.
    pub(super) respelt: bool,
    pub(super) refused: bool,
    pub(super) conduct: super::Conduct,
    pub(super) status: u16,
    pub(super) response_headers: BTreeMap<String, Option<String>>,
    pub(super) delay_ms: u64,
    pub(super) pieces: Pieces,
    pub(super) pause_ms: u64,
    pub(super) end: EndFile,
    pub(super) cancelled: bool,
}

impl Default for UpstreamFile {
    fn default() -> Self {
        Self {
            path: None,
            model: "gpt-4o-mini".to_owned(),
            key: None,
            asks_usage: true,
            headers: BTreeMap::new(),
            vendor: None,
            format: None,
            respelt: false,
            refused: false,
            conduct: super::Conduct::Answers,
            status: 200,
            response_headers: BTreeMap::new(),
            delay_ms: 0,
            pieces: Pieces::Named(PieceName::Whole),
            pause_ms: 0,
            end: EndFile::Complete,
            cancelled: false,
        }
    }
}

/// Tells `null` from nothing.
fn said<'de, D: serde::Deserializer<'de>>(value: D) -> Result<Option<Option<String>>, D::Error> {
    Option::<String>::deserialize(value).map(Some)
}

/// How a body is cut.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Pieces {
    Named(PieceName),
    /// Every so many bytes.
    Size(usize),
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum PieceName {
    Whole,
    /// Behind each blank line.
    Events,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum EndFile {
    Complete,
    Break,
    Stall,
}
