//! What is known of an upstream model: the document's own figures first, then the catalog's.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use postern_wire::catalog::{self, Entry, Prices, Task};
use postern_wire::{MicroUsd, Usage};

use super::gateway::Snapshot;
use crate::config::CatalogEntry;

/// Limits of an upstream model, as far as known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Tokens that fit into the window.
    pub(crate) context_window: Option<u64>,
    /// The most tokens of one answer.
    pub(crate) max_output: Option<u64>,
}

/// How a call on one target is charged.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pricing {
    listed: Option<Entry>,
    /// The document's prices where they apply; fields that it leaves out are the catalog's.
    own: Prices,
    day: u32,
}

/// What the catalog said of the models that were asked for: looking it up again would cost each call a microsecond.
#[derive(Debug, Default)]
pub(crate) struct Listed(RwLock<HashMap<&'static str, HashMap<String, Option<Entry>>>>);

/// Names kept for one kind of provider, and bytes of a name. Callers choose names, so there must be an end.
const MOST_NAMES: usize = 256;
const LONGEST_NAME: usize = 128;

impl Listed {
    fn find(&self, kind: &'static str, model: &str) -> Option<Entry> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = known.get(kind).and_then(|models| models.get(model)) {
            return *entry;
        }
        drop(known);
        let entry = catalog::find(kind, model);
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let models = known.entry(kind).or_default();
        if models.len() < MOST_NAMES && model.len() <= LONGEST_NAME {
            models.insert(model.to_owned(), entry);
        }
        entry
    }
}

impl Snapshot {
    /// The limits of a provider's model.
    pub(crate) fn limits(&self, provider: &str, model: &str) -> Limits {
        let own = self.config.catalog_entry(provider, model);
        let listed = self.listed(provider, model);
        Limits {
            context_window: own.and_then(|o| o.context_window).or(listed.and_then(|l| l.context_window)),
            max_output: own.and_then(|o| o.max_output_tokens).or(listed.and_then(|l| l.max_output)),
        }
    }

    /// Whether a provider's model makes vectors, as far as known.
    pub(crate) fn embeds(&self, provider: &str, model: &str) -> bool {
        let demo = self.config.providers.get(provider).is_some_and(|p| p.kind.is_demo());
        let listed = self.listed(provider, model);
        (demo && model == super::toy::EMBED) || listed.is_some_and(|entry| entry.task == Task::Embedding)
    }

    /// The prices of a provider's model on a day (days since 1970, UTC).
    pub(crate) fn pricing(&self, provider: &str, model: &str, day: u32) -> Pricing {
        let demo = self.config.providers.get(provider).is_some_and(|p| p.kind.is_demo());
        let own = match self.config.catalog_entry(provider, model) {
            Some(own) if own.from.is_none_or(|from| from <= day) => own_prices(own),
            _ if demo => Prices { input: Some(0), output: Some(0), ..Prices::default() },
            _ => Prices::default(),
        };
        Pricing { listed: self.listed(provider, model), own, day }
    }

    fn listed(&self, provider: &str, model: &str) -> Option<Entry> {
        let kind = self.config.providers.get(provider)?.kind.kind;
        self.listed.find(kind, model)
    }
}

impl Pricing {
    /// The cost, and whether every count had a price.
    pub(crate) fn cost(&self, usage: &Usage) -> (MicroUsd, bool) {
        let listed = self.listed.map(|entry| entry.prices_for(self.day, usage)).unwrap_or_default();
        let prices = Prices {
            input: self.own.input.or(listed.input),
            cache_read: self.own.cache_read.or(listed.cache_read),
            cache_write: self.own.cache_write.or(listed.cache_write),
            cache_write_1h: self.own.cache_write_1h.or(listed.cache_write_1h),
            input_audio: self.own.input_audio.or(listed.input_audio),
            output: self.own.output.or(listed.output),
            output_audio: self.own.output_audio.or(listed.output_audio),
            input_image: self.own.input_image.or(listed.input_image),
            output_image: self.own.output_image.or(listed.output_image),
            image: self.own.image.or(listed.image),
            search: self.own.search.or(listed.search),
        };
        catalog::cost(&prices, usage)
    }
}

const fn own_prices(own: &CatalogEntry) -> Prices {
    Prices {
        input: own.input,
        cache_read: own.cache_read,
        cache_write: own.cache_write,
        cache_write_1h: own.cache_write_1h,
        input_audio: own.input_audio,
        output: own.output,
        output_audio: own.output_audio,
        input_image: own.input_image,
        output_image: own.output_image,
        image: own.image,
        search: own.search,
    }
}
