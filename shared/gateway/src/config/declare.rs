//! Declares sections of the document: from one declaration come the Rust type, the reader, the writer and the
//! description that the JSON Schema and the reference are made from, so that they cannot differ.

/// Declares a section: a map with known keys.
///
/// ```text
/// section! {
///     /// What it is about.
///     pub struct Name, checked by a_function {
///         /// What the key does.
///         key: RustType as Shape = default,
///     }
/// }
/// ```
///
/// `as Shape` may be left out where the Rust type is its own shape. Without a default, the key must be there unless
/// its shape says otherwise. `checked by` runs on sections in which every key was sound.
macro_rules! section {
    (
        $(#[doc = $about:literal])+
        pub struct $name:ident $(, checked by $check:path)? {
            $(
                $(#[doc = $doc:literal])+
                $field:ident : $type:ty $(as $shape:ty)? $(= $default:expr)?
            ),+ $(,)?
        }
    ) => {
        $(#[doc = $about])+
        #[derive(Clone, Debug)]
        pub struct $name {
            $( $(#[doc = $doc])+ pub $field: $type, )+
        }

        impl $crate::config::shape::Shape for $name {
            type Value = Self;

            fn read(value: &::serde_json::Value, reader: &mut $crate::config::reader::Reader) -> Option<Self> {
                let object = reader.object(value, &[$(stringify!($field)),+])?;
                let before = reader.count();
                $(
                    let $field = match object.get(stringify!($field)) {
                        Some(value) => reader
                            .at_key(stringify!($field), |reader| {
                                <section!(@shape $type $(, $shape)?) as $crate::config::shape::Shape>::read(
                                    value, reader,
                                )
                            })
                            // A problem was told; what stands here only lets the checks of the rest go on.
                            .or_else(|| section!(@absent [$type $(, $shape)?] $($default)?)),
                        None => {
                            let absent: Option<$type> = section!(@absent [$type $(, $shape)?] $($default)?);
                            if absent.is_none() {
                                reader.at_key(stringify!($field), |reader| reader.problem("is required"));
                            }
                            absent
                        }
                    };
                )+
                #[allow(unused_mut)]
                let mut section = Self { $( $field: $field?, )+ };
                if reader.count() == before {
                    $( $check(&mut section, object, reader); )?
                }
                Some(section)
            }

            fn write(value: &Self) -> ::serde_json::Value {
                let mut object = ::serde_json::Map::new();
                $(
                    let written =
                        <section!(@shape $type $(, $shape)?) as $crate::config::shape::Shape>::write(&value.$field);
                    if !written.is_null() {
                        object.insert(stringify!($field).to_owned(), written);
                    }
                )+
                ::serde_json::Value::Object(object)
            }

            fn describe() -> $crate::config::shape::Description {
                $crate::config::shape::Description::Section {
                    about: $crate::config::declare::prose(&[$($about),+]),
                    fields: vec![$(
                        $crate::config::shape::Field {
                            name: stringify!($field),
                            about: $crate::config::declare::prose(&[$($doc),+]),
                            presence: section!(@presence [$type $(, $shape)?] $($default)?),
                            shape: <section!(@shape $type $(, $shape)?) as $crate::config::shape::Shape>::describe(),
                        }
                    ),+],
                }
            }

            fn absent() -> Option<Self> {
                Some(Self { $( $field: section!(@absent [$type $(, $shape)?] $($default)?)?, )+ })
            }
        }
    };

    (@shape $type:ty) => { $type };
    (@shape $type:ty, $shape:ty) => { $shape };

    (@absent [$($shape:tt)+]) => {
        <section!(@shape $($shape)+) as $crate::config::shape::Shape>::absent()
    };
    (@absent [$($shape:tt)+] $default:expr) => { Some($default) };

    (@presence [$($shape:tt)+]) => {
        match <section!(@shape $($shape)+) as $crate::config::shape::Shape>::absent() {
            Some(_) => $crate::config::shape::Presence::Optional,
            None => $crate::config::shape::Presence::Required,
        }
    };
    (@presence [$($shape:tt)+] $default:expr) => {
        $crate::config::shape::Presence::Default(
            <section!(@shape $($shape)+) as $crate::config::shape::Shape>::write(&$default),
        )
    };
}

/// Declares a choice between words.
macro_rules! choice {
    (
        $(#[doc = $about:literal])+
        pub enum $name:ident {
            $( $(#[doc = $doc:literal])+ $variant:ident = $word:literal ),+ $(,)?
        }
    ) => {
        $(#[doc = $about])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name {
            $( $(#[doc = $doc])+ $variant ),+
        }

        impl $crate::config::shape::Shape for $name {
            type Value = Self;

            fn read(value: &::serde_json::Value, reader: &mut $crate::config::reader::Reader) -> Option<Self> {
                match value.as_str() {
                    $( Some($word) => Some(Self::$variant), )+
                    _ => {
                        $crate::config::declare::refuse_choice(value, &[$($word),+], reader);
                        None
                    }
                }
            }

            fn write(value: &Self) -> ::serde_json::Value {
                ::serde_json::Value::from(match value { $( Self::$variant => $word ),+ })
            }

            fn describe() -> $crate::config::shape::Description {
                $crate::config::declare::describe_choice(
                    &[$( ($word, $crate::config::declare::prose(&[$($doc),+])) ),+],
                )
            }
        }
    };
}

use serde_json::{Value, json};

use super::problem::nearest;
use super::reader::Reader;
use super::shape::Description;

/// The lines of a doc comment as one paragraph.
pub(super) fn prose(lines: &[&str]) -> String {
    let lines: Vec<&str> = lines.iter().map(|line| line.trim()).filter(|line| !line.is_empty()).collect();
    lines.join(" ")
}

/// Tells that `value` is none of `words`.
pub(super) fn refuse_choice(value: &Value, words: &[&str], reader: &mut Reader) {
    let suggestion = value.as_str().and_then(|text| nearest(text, words.iter().copied())).map(str::to_owned);
    let expected = match words {
        [all @ .., last] if !all.is_empty() => format!("{} or {last}", all.join(", ")),
        _ => words.join(", "),
    };
    reader.problem_or(format!("expected {expected}, found {}", super::reader::found(value)), suggestion);
}

/// Describes a choice between `words`, each with what it means.
pub(super) fn describe_choice(words: &[(&str, String)]) -> Description {
    let label: Vec<String> = words.iter().map(|(word, _)| format!("`{word}`")).collect();
    let choices: Vec<Value> =
        words.iter().map(|(word, about)| json!({"const": word, "description": about})).collect();
    Description::scalar(label.join(" or "), json!({"type": "string", "oneOf": choices}))
}
