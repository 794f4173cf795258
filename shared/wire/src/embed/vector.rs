//! A vector, as a list of numbers or as bytes in base64.

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use serde_json::{Number, Value};

use super::NumberType;

/// A vector as it came. Floats in base64 are of 32 bits, least byte first; the integer types are one byte each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Vector {
    /// A list of numbers, spelt as they were.
    Numbers(Vec<Number>),
    /// Base64, not decoded.
    Base64(String),
}

impl Vector {
    /// The vector that a JSON value is: a list of numbers, or a text, which must then be base64.
    pub(super) fn read(value: Value) -> Option<Self> {
        match value {
            Value::String(text) => Some(Self::Base64(text)),
            Value::Array(numbers) => {
                let number = |value| if let Value::Number(number) = value { Some(number) } else { None };
                numbers.into_iter().map(number).collect::<Option<Vec<_>>>().map(Self::Numbers)
            }
            _ => None,
        }
    }

    /// As JSON, as it is.
    pub(super) fn as_value(&self) -> Value {
        match self {
            Self::Numbers(numbers) => numbers.iter().cloned().map(Value::Number).collect(),
            Self::Base64(text) => Value::String(text.clone()),
        }
    }

    /// As a list of numbers. A float of 32 bits becomes the number it is exactly.
    ///
    /// # Errors
    /// Says why the base64 is not that of a vector of this type.
    pub fn numbers(&self, kind: &NumberType) -> Result<Vec<Number>, &'static str> {
        let text = match self {
            Self::Numbers(numbers) => return Ok(numbers.clone()),
            Self::Base64(text) => text,
        };
        let bytes = BASE64.decode(text).map_err(|_| "the vector is not valid base64")?;
        match kind {
            NumberType::Float => {
                let (words, rest) = bytes.as_chunks::<4>();
                if !rest.is_empty() {
                    return Err("the bytes of the vector are not whole floats of 32 bits");
                }
                let number = |word: &[u8; 4]| Number::from_f64(f64::from(f32::from_le_bytes(*word)));
                let numbers: Option<Vec<_>> = words.iter().map(number).collect();
                numbers.ok_or("the vector holds a float that is no number")
            }
            NumberType::Int8 | NumberType::Binary => {
                Ok(bytes.into_iter().map(|byte| Number::from(i8::from_le_bytes([byte]))).collect())
            }
            NumberType::Uint8 | NumberType::Ubinary => Ok(bytes.into_iter().map(Number::from).collect()),
            NumberType::Bits | NumberType::Other(_) => Err("vectors of this type have no form in base64"),
        }
    }

    /// As base64 of its bytes. Floats are rounded to 32 bits, the form that vendors compute them in.
    ///
    /// # Errors
    /// Says which numbers are not of this type.
    pub fn base64(&self, kind: &NumberType) -> Result<String, &'static str> {
        let numbers = match self {
            Self::Base64(text) => return Ok(text.clone()),
            Self::Numbers(numbers) => numbers,
        };
        let bytes: Option<Vec<u8>> = match kind {
            NumberType::Float => {
                let mut bytes = Vec::with_capacity(numbers.len().saturating_mul(4));
                for number in numbers {
                    #[expect(
                        clippy::cast_possible_truncation,
                        reason = "rounding to 32 bits is what is asked for"
                    )]
                    let rounded = number.as_f64().map(|number| number as f32);
                    let Some(float) = rounded.filter(|float| float.is_finite()) else {
                        return Err("the vector holds a number that is too large for a float of 32 bits");
                    };
                    bytes.extend_from_slice(&float.to_le_bytes());
                }
                Some(bytes)
            }
            NumberType::Int8 | NumberType::Binary => {
                let byte = |number: &Number| Some(i8::try_from(number.as_i64()?).ok()?.to_le_bytes());
                numbers.iter().map(byte).collect::<Option<Vec<_>>>().map(|bytes| bytes.concat())
            }
            NumberType::Uint8 | NumberType::Ubinary => {
                numbers.iter().map(|number| u8::try_from(number.as_u64()?).ok()).collect()
            }
            NumberType::Bits | NumberType::Other(_) => {
                return Err("vectors of this type have no form in base64");
            }
        };
        bytes.map(|bytes| BASE64.encode(bytes)).ok_or("the vector holds a number that is not of its type")
    }
}
