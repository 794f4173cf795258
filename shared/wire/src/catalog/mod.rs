//! The catalog: what over a thousand upstream models can do, and what they cost.
//!
//! The data is `models.tsv`, written by `cargo xtask catalog` and read in place: nothing is parsed before somebody asks
//! for a model, and then only its line. Prices here are list prices; a configuration may give its own [`Prices`].
//!
//! Left out on purpose: prices by batch, priority or flex tier, by second, page, character or search, and prices by
//! time of day. A price for reasoning tokens that differs from the output price is left out too (a handful of
//! models; such calls are charged as output). Nothing here knows the date: callers say which day they mean.

mod cost;
mod entry;
mod name;
mod price;
mod table;
#[cfg(test)]
mod tests;

pub use cost::cost;
pub use entry::{Abilities, Entry, Medium, Modalities, Task};
pub use price::Prices;

/// The entry of an upstream model, by provider `kind` and the name that the provider takes.
///
/// Where the catalog does not hold the name itself, other spellings of the same model are tried: without `models/` or
/// the provider's own name in front, without a release date or `-latest` at the end, with `-latest`, without a
/// Bedrock region or revision, and for routers that pass a vendor's price on, the vendor's own entry. A different
/// model is never matched: variants (`-mini`, `:free`) are part of a name.
#[must_use]
pub fn find(kind: &str, upstream_model: &str) -> Option<Entry> {
    name::find_spelling(kind, upstream_model, &table::find)
}

/// Every entry, ordered by kind and name.
pub fn iter() -> impl Iterator<Item = Entry> {
    table::lines().filter_map(Entry::parse)
}

/// Every entry of one kind, ordered by name.
pub fn of_kind(kind: &str) -> impl Iterator<Item = Entry> {
    table::lines_of(kind).filter_map(Entry::parse)
}

/// Bytes of the catalog as it lies in the program.
#[must_use]
pub const fn size() -> usize {
    table::DATA.len()
}
