//! The document: what may be configured, each with what it means and what it is when left out.
//!
//! What is written here is what users read in the reference and in their editors. Decisions are made elsewhere.

use std::time::Duration;

use postern_wire::provider::{Preset, Service, Way, preset};
use postern_wire::{Dialect, rerank};

use super::check;
use super::collection::{List, Map, MapOf, Maybe};
use super::credential::{Aws, Entra, Google, OAuth, Watsonx};
use super::name::{
    Address, HeaderName, Kind, ModelName, ModelReference, ProviderName, ProviderReference, UpstreamName,
};
use super::rest::Rest;
use super::scalar::{Day, ImagePrice, Price, Size, Text, Time, Whole};
use super::secret::SecretText;

/// One day in milliseconds: no call lasts longer.
const A_DAY: u64 = 86_400_000;
/// The largest request body unless configured.
pub(super) const MAX_BODY: u64 = 32 << 20;
/// A request larger than this would not fit in memory beside others.
const LARGEST_BODY: u64 = 1 << 30;
/// OpenAI takes files of 512 MB.
pub(super) const MAX_UPLOAD: u64 = 512 << 20;
const LARGEST_UPLOAD: u64 = 16 << 30;

/// Tries on one target unless configured.
const ATTEMPTS: u32 = 2;
/// Time limits unless configured. Models that reason before they speak are silent for a minute and more.
const CONNECT: Duration = Duration::from_secs(5);
const FIRST_TOKEN: Duration = Duration::from_secs(120);
const IDLE: Duration = Duration::from_secs(120);
const TOTAL: Duration = Duration::from_secs(600);

/// A time limit.
type Limit = Time<1, A_DAY>;
/// A number of tokens.
type Tokens = Maybe<Whole<u64, 1, 1_000_000_000>>;

section! {
    /// The configuration of a gateway.
    pub struct Config {
        /// Where calls can go, by a name of your choice.
        providers: Map<Provider> as MapOf<ProviderName, Provider, 1>,
        /// What callers can ask for, by name. A model of the form `PROVIDER/UPSTREAM-MODEL` works without an entry
        /// here when the caller's key may use it.
        models: Map<Model> as MapOf<ModelName, Model, 0>,
        /// How requests are taken.
        server: Server,
        /// What is kept of each call.
        records: Records,
        /// Figures of upstream models that differ from the built-in catalog's, or that it does not have, by
        /// `PROVIDER/UPSTREAM-MODEL`.
        catalog: Map<CatalogEntry> as MapOf<UpstreamName, CatalogEntry, 0>,
    }
}

section! {
    /// A provider: an account with a vendor, or a server of your own.
    pub struct Provider, checked by check::provider {
        /// The vendor: one of the kinds listed below. `openai_compatible`, or `openai` with a `base_url`, is any other
        /// service that speaks OpenAI's format.
        kind: &'static Preset as Kind,
        /// The address that the vendor's own SDK takes: with the version (`/v1`) for OpenAI and its kin, without one
        /// for `anthropic` and `gemini`. May be left out where the vendor has one address for everybody. May hold
        /// `${NAME}`.
        base_url: Option<SecretText> as Maybe<Address>,
        /// The credential, as `${NAME}`.
        api_key: Option<SecretText> as Maybe<SecretText>,
        /// The formats in which to speak to it, the one to prefer first, where the vendor's usual ones do not fit. A
        /// caller's own format among them is used as it is, whatever the order. Usual is what the list of kinds says;
        /// of `openai` with a `base_url`, which may be any server, only `openai_chat`.
        formats: Vec<Format> as List<Format, 0>,
        /// What to do with fields that its format cannot say.
        on_unsupported: Option<Unsupported> as Maybe<Unsupported>,
        /// Signs requests for an AWS account (`bedrock`), in place of `api_key`.
        aws: Option<Aws> as Maybe<Aws>,
        /// Tokens of Microsoft Entra ID (`azure`), in place of `api_key`.
        entra: Option<Entra> as Maybe<Entra>,
        /// The project and the account of `vertex`.
        google: Option<Google> as Maybe<Google>,
        /// The workspace of `watsonx`, beside its `api_key`.
        watsonx: Option<Watsonx> as Maybe<Watsonx>,
        /// Tokens by OAuth 2.0, in place of `api_key`: `databricks`, and whatever stands behind a token service.
        oauth: Option<OAuth> as Maybe<OAuth>,
        /// The date of the API for `azure`, as `2024-10-21`, where its older API is used: calls then go to
        /// `/openai/deployments/MODEL` below the resource, or to the deployment that `base_url` names.
        api_version: Option<String> as Maybe<Text>,
        /// What the service takes and gives (`rest`).
        rest: Option<Rest> as Maybe<Rest>,
        /// Headers to send with each call, in place of Postern's own where the names are the same. Values may hold
        /// `${NAME}`.
        headers: Map<SecretText> as MapOf<HeaderName, SecretText, 0>,
    }
}

choice! {
    /// A format in which to speak to a provider.
    pub enum Format {
        /// OpenAI Chat Completions.
        OpenAiChat = "openai_chat",
        /// OpenAI Responses.
        OpenAiResponses = "openai_responses",
        /// OpenAI's older Completions.
        OpenAiCompletions = "openai_completions",
        /// Anthropic Messages.
        Anthropic = "anthropic",
        /// Gemini's `generateContent`.
        Gemini = "gemini",
        /// Converse of Amazon Bedrock.
        Bedrock = "bedrock",
        /// Cohere's chat, version 2.
        Cohere = "cohere",
    }
}

choice! {
    /// What to do with fields of a request that the provider's format cannot say. If left out, what changes the meaning of
    /// an answer is refused with 400, and hints are left out and named in `x-postern-dropped`.
    pub enum Unsupported {
        /// Refuse the call with 400 and the field's name.
        Error = "error",
        /// Leave the field out and name it in `x-postern-dropped`.
        Drop = "drop",
    }
}

section! {
    /// A model: a name that callers use, and what answers to it.
    pub struct Model, checked by check::model {
        /// In which order the targets are tried.
        strategy: Strategy = Strategy::First,
        /// What can answer, at least one.
        targets: Vec<Target> as List<Target, 1>,
        /// When a failed call is tried again.
        retry: Retry,
        /// How long a call may take.
        timeout: Timeouts,
        /// Models to try, in this order, when no target of this one could answer. Each is an entry of `models` or a
        /// `PROVIDER/UPSTREAM-MODEL`.
        fallback: Vec<String> as List<ModelReference, 0>,
        /// What to do with fields that a target cannot take; the provider's own setting if left out.
        on_unsupported: Option<Unsupported> as Maybe<Unsupported>,
        /// Keep answers and give them again. This version accepts the setting and warns that it keeps none.
        cache: Option<Cache> as Maybe<Cache>,
    }
}

choice! {
    /// In which order the targets of a model are tried.
    pub enum Strategy {
        /// In the order in which they are written.
        First = "first",
        /// In random order, drawn by `weight` for each call.
        Weighted = "weighted",
    }
}

section! {
    /// One upstream model that can answer.
    pub struct Target {
        /// An entry of `providers`.
        provider: String as ProviderReference,
        /// The model's name at that provider.
        model: String as Text,
        /// Its share of the calls among the weights of all targets, with strategy `weighted`. At 0 it is tried only
        /// after all others.
        weight: u32 as Whole<u32, 0, 1_000_000> = 1,
    }
}

section! {
    /// When a failed call is tried again.
    pub struct Retry {
        /// Tries on one target, the first included.
        attempts: u32 as Whole<u32, 1, 10> = ATTEMPTS,
    }
}

section! {
    /// How long a call may take. Limits that are left out give way to those that are written: `connect` fits into
    /// `first_token`, and `first_token` and `idle` fit into `total`.
    pub struct Timeouts, checked by check::timeouts {
        /// Until there is a connection, for each attempt.
        connect: Duration as Limit = CONNECT,
        /// Until the first token of a stream, for each attempt. A whole answer comes when it is complete, so only
        /// `total` bounds the wait for it.
        first_token: Duration as Limit = FIRST_TOKEN,
        /// Between two pieces of an answer.
        idle: Duration as Limit = IDLE,
        /// For the whole call, with all its attempts and fallbacks.
        total: Duration as Limit = TOTAL,
    }
}

section! {
    /// Keeping answers to give them again.
    pub struct Cache {
        /// How long an answer may be given again.
        ttl: Duration as Time<1000, { 365 * A_DAY }>,
    }
}

section! {
    /// How requests are taken.
    pub struct Server {
        /// The largest request body; larger ones are refused with 413.
        max_body: u64 as Size<1024, LARGEST_BODY> = MAX_BODY,
        /// The largest form (images, audio, files) that flows on to the provider while it comes in; larger ones are refused
        /// with 413. Such a form is not held, so this may be much more than `max_body`.
        max_upload: u64 as Size<1024, LARGEST_UPLOAD> = MAX_UPLOAD,
    }
}

section! {
    /// What is kept of each call.
    pub struct Records {
        /// Whether the text of requests and answers is kept.
        payloads: Payloads = Payloads::None,
    }
}

choice! {
    /// Whether the text of requests and answers is kept with the record of a call.
    pub enum Payloads {
        /// Never: a record has figures and names only.
        None = "none",
        /// Always.
        All = "all",
    }
}

section! {
    /// Figures of an upstream model. What is left out stays as in the built-in catalog.
    pub struct CatalogEntry, checked by check::catalog_entry {
        /// Tokens that fit into the model's window, in and out together.
        context_window: Option<u64> as Tokens,
        /// The most tokens of one answer.
        max_output_tokens: Option<u64> as Tokens,
        /// Price of input tokens.
        input: Option<u64> as Maybe<Price>,
        /// Price of output tokens.
        output: Option<u64> as Maybe<Price>,
        /// Price of input tokens that the provider had in its cache.
        cache_read: Option<u64> as Maybe<Price>,
        /// Price of input tokens that the provider put into its cache (for 5 minutes, where it tells).
        cache_write: Option<u64> as Maybe<Price>,
        /// Price of input tokens that the provider put into its cache for an hour.
        cache_write_1h: Option<u64> as Maybe<Price>,
        /// Price of audio input tokens.
        input_audio: Option<u64> as Maybe<Price>,
        /// Price of audio output tokens.
        output_audio: Option<u64> as Maybe<Price>,
        /// Price of image input tokens, where the provider counts them apart; as other input if left out.
        input_image: Option<u64> as Maybe<Price>,
        /// Price of image output tokens.
        output_image: Option<u64> as Maybe<Price>,
        /// Price of each generated image, where images are not counted in tokens.
        image: Option<u64> as Maybe<ImagePrice>,
        /// Price of a million searches that the provider runs for an answer and bills one by one.
        search: Option<u64> as Maybe<Price>,
        /// The first day, in UTC, on which the prices here apply; at once if left out. The catalog's apply before.
        from: Option<u32> as Maybe<Day>,
    }
}

impl Format {
    pub(super) const fn dialect(self) -> Dialect {
        match self {
            Self::OpenAiChat => Dialect::OpenAiChat,
            Self::OpenAiResponses => Dialect::OpenAiResponses,
            Self::OpenAiCompletions => Dialect::OpenAiCompletions,
            Self::Anthropic => Dialect::Anthropic,
            Self::Gemini => Dialect::Gemini,
            Self::Bedrock => Dialect::Bedrock,
            Self::Cohere => Dialect::Cohere,
        }
    }
}

impl Provider {
    /// The way to speak this format with a model of it, if there is one.
    #[must_use]
    pub fn way_in(&self, dialect: Dialect, model: &str) -> Option<&'static Way> {
        self.ways(model).find(|way| way.dialect == dialect)
    }

    /// The way to prefer with a model.
    #[must_use]
    pub fn first_way(&self, model: &str) -> Option<&'static Way> {
        self.ways(model).next()
    }

    /// The ways to speak with a model, the one to prefer first.
    fn ways(&self, model: &str) -> impl Iterator<Item = &'static Way> {
        let usual = if self.formats.is_empty() { self.usual() } else { &[] };
        let listed = self.formats.iter().filter_map(|format| self.kind.way_in(format.dialect()));
        usual.iter().chain(listed).filter(move |way| way.models.has(model))
    }

    /// How it ranks documents with a model, the way to prefer first.
    pub(crate) fn reranking(&self, model: &str) -> impl Iterator<Item = &'static Service<rerank::Format>> {
        self.server().reranking(model)
    }

    /// Where it moderates, in OpenAI's format.
    pub(crate) fn moderations(&self) -> Option<&'static str> {
        self.server().moderations()
    }

    /// The vendor; behind another address than OpenAI's own may be any server of its format.
    fn server(&self) -> &'static Preset {
        let any = self.is_other_server().then(|| preset("openai_compatible")).flatten();
        any.unwrap_or(self.kind)
    }

    fn is_other_server(&self) -> bool {
        self.kind.kind == "openai" && self.base_url.is_some()
    }

    fn usual(&self) -> &'static [Way] {
        let ways = self.kind.ways;
        // All servers of the format speak the first.
        if self.is_other_server() { ways.get(..1).unwrap_or_default() } else { ways }
    }
}

impl Default for Retry {
    fn default() -> Self {
        Self { attempts: ATTEMPTS }
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect: CONNECT, first_token: FIRST_TOKEN, idle: IDLE, total: TOTAL }
    }
}
