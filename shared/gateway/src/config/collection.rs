//! Shapes of lists, maps and of what may be left out.

use std::marker::PhantomData;

use serde_json::Value;

use super::reader::{Reader, found_kind, quoted};
use super::shape::{Description, Shape};

/// A map from names to entries, in the order of the document, with fast look-up.
#[derive(Clone, Debug, PartialEq)]
pub struct Map<T> {
    entries: Vec<(String, T)>,
    /// Positions in `entries`, by name.
    sorted: Vec<usize>,
}

impl<T> Map<T> {
    /// The entry called `name`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&T> {
        let key = |position: &usize| self.entries.get(*position).map_or("", |(key, _)| key.as_str());
        let at = self.sorted.binary_search_by(|position| key(position).cmp(name)).ok()?;
        self.entries.get(*self.sorted.get(at)?).map(|(_, entry)| entry)
    }

    /// Whether there is an entry called `name`.
    #[must_use]
    pub fn contains_key(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Entries in the order of the document.
    pub fn iter(&self) -> std::slice::Iter<'_, (String, T)> {
        self.entries.iter()
    }

    /// Names in the order of the document.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|(name, _)| name.as_str())
    }

    /// Entries without their names, in the order of the document.
    pub fn values(&self) -> impl Iterator<Item = &T> {
        self.entries.iter().map(|(_, entry)| entry)
    }

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

impl<T> Default for Map<T> {
    fn default() -> Self {
        Self { entries: Vec::new(), sorted: Vec::new() }
    }
}

/// Of entries with the same name, the first counts.
impl<T> FromIterator<(String, T)> for Map<T> {
    fn from_iter<I: IntoIterator<Item = (String, T)>>(entries: I) -> Self {
        let mut map = Self::default();
        for (name, entry) in entries {
            let name_at = |position: &usize| map.entries.get(*position).map_or("", |(key, _)| key.as_str());
            if let Err(at) = map.sorted.binary_search_by(|position| name_at(position).cmp(&name)) {
                map.sorted.insert(at, map.entries.len());
                map.entries.push((name, entry));
            }
        }
        map
    }
}

impl<'a, T> IntoIterator for &'a Map<T> {
    type Item = &'a (String, T);
    type IntoIter = std::slice::Iter<'a, (String, T)>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// What may stand as a name in a map.
pub(super) trait Name {
    /// What to call it: "provider name".
    const LABEL: &'static str;
    /// A regular expression for editors that every good name matches.
    const PATTERN: &'static str;

    /// Says what is wrong with `name`, if anything.
    fn check(name: &str, reader: &mut Reader);
}

/// A map whose names are `N` and whose entries are `S`, with at least `LEAST` of them.
#[derive(Debug)]
pub(super) struct MapOf<N, S, const LEAST: usize>(PhantomData<(N, S)>);

impl<N: Name, S: Shape, const LEAST: usize> Shape for MapOf<N, S, LEAST> {
    type Value = Map<S::Value>;

    fn read(value: &Value, reader: &mut Reader) -> Option<Self::Value> {
        let Some(object) = value.as_object() else {
            reader.problem(format!("expected a map by {}, found {}", N::LABEL, found_kind(value)));
            return None;
        };
        if object.len() < LEAST {
            reader.problem("must have at least one entry");
        }
        // A bad entry is left out, so that the checks that need all entries still see the others.
        let read = object.iter().filter_map(|(name, value)| {
            reader.at_key(name, |reader| {
                N::check(name, reader);
                S::read(value, reader).map(|entry| (name.clone(), entry))
            })
        });
        Some(read.collect())
    }

    fn write(value: &Self::Value) -> Value {
        Value::Object(value.iter().map(|(name, entry)| (name.clone(), S::write(entry))).collect())
    }

    fn describe() -> Description {
        let entry = Box::new(S::describe());
        Description::Map { name: N::LABEL, pattern: N::PATTERN, entry, least: LEAST }
    }

    fn absent() -> Option<Self::Value> {
        (LEAST == 0).then(Map::default)
    }
}

/// A list of `S`, at least `LEAST` of them.
#[derive(Debug)]
pub(super) struct List<S, const LEAST: usize>(PhantomData<S>);

impl<S: Shape, const LEAST: usize> Shape for List<S, LEAST> {
    type Value = Vec<S::Value>;

    fn read(value: &Value, reader: &mut Reader) -> Option<Self::Value> {
        // An empty list stands in for what is no list, so that the checks of what is around it go on.
        let Some(items) = value.as_array() else {
            match value {
                // One name where a list of names belongs is the usual slip.
                Value::String(text) => {
                    reader
                        .problem(format!("expected a list, found the text {}; write [{text}]", quoted(text)));
                }
                other => reader.unexpected("a list", other),
            }
            return Some(Vec::new());
        };
        if items.len() < LEAST {
            reader.problem("must have at least one entry");
        }
        let read = items.iter().enumerate();
        Some(read.filter_map(|(at, item)| reader.at_index(at, |reader| S::read(item, reader))).collect())
    }

    fn write(value: &Self::Value) -> Value {
        Value::Array(value.iter().map(S::write).collect())
    }

    fn describe() -> Description {
        Description::List { item: Box::new(S::describe()), least: LEAST }
    }

    fn absent() -> Option<Self::Value> {
        (LEAST == 0).then(Vec::new)
    }
}

/// An `S` that may be left out.
#[derive(Debug)]
pub(super) struct Maybe<S>(PhantomData<S>);

impl<S: Shape> Shape for Maybe<S> {
    type Value = Option<S::Value>;

    fn read(value: &Value, reader: &mut Reader) -> Option<Self::Value> {
        S::read(value, reader).map(Some)
    }

    fn write(value: &Self::Value) -> Value {
        value.as_ref().map_or(Value::Null, S::write)
    }

    fn describe() -> Description {
        S::describe()
    }

    fn absent() -> Option<Self::Value> {
        Some(None)
    }
}
