//! Vectors as lists and as base64.

use proptest::prelude::*;
use serde_json::Number;

use crate::embed::{NumberType, Vector};

fn list(numbers: &[f64]) -> Vector {
    Vector::Numbers(numbers.iter().map(|number| Number::from_f64(*number).expect("finite")).collect())
}

#[test]
fn floats_are_little_endian_words() {
    // 1.0 is 0x3f80_0000, -2.0 is 0xc000_0000.
    assert_eq!(list(&[1.0, -2.0]).base64(&NumberType::Float).as_deref(), Ok("AACAPwAAAMA="));
    let numbers = Vector::Base64("AACAPwAAAMA=".into()).numbers(&NumberType::Float).expect("floats");
    assert_eq!(list(&[1.0, -2.0]), Vector::Numbers(numbers));
}

#[test]
fn whole_numbers_are_bytes() {
    let numbers = Vector::Numbers(vec![Number::from(-1), Number::from(127)]);
    assert_eq!(numbers.base64(&NumberType::Int8).as_deref(), Ok("/38="));
    assert_eq!(
        Vector::Base64("/38=".into()).numbers(&NumberType::Binary),
        numbers.numbers(&NumberType::Int8)
    );
    let unsigned = vec![Number::from(255), Number::from(127)];
    assert_eq!(Vector::Base64("/38=".into()).numbers(&NumberType::Ubinary), Ok(unsigned));
}

#[test]
fn what_is_no_vector_is_said() {
    let base64 = |text: &str, kind: &NumberType| Vector::Base64(text.into()).numbers(kind).unwrap_err();
    assert_eq!(base64("?", &NumberType::Float), "the vector is not valid base64");
    assert_eq!(base64("AAA=", &NumberType::Float), "the bytes of the vector are not whole floats of 32 bits");
    assert_eq!(base64("AADAfw==", &NumberType::Float), "the vector holds a float that is no number");
    let list = |number: f64, kind: &NumberType| list(&[number]).base64(kind).unwrap_err();
    assert_eq!(
        list(1e300, &NumberType::Float),
        "the vector holds a number that is too large for a float of 32 bits"
    );
    assert_eq!(list(0.5, &NumberType::Int8), "the vector holds a number that is not of its type");
    assert_eq!(list(1.0, &NumberType::Bits), "vectors of this type have no form in base64");
}

proptest! {
    #[test]
    fn floats_survive_the_list_bit_for_bit(floats in proptest::collection::vec(any::<f32>(), 0..40)) {
        let floats: Vec<f32> = floats.into_iter().filter(|float| float.is_finite()).collect();
        let doubles: Vec<f64> = floats.iter().copied().map(f64::from).collect();
        let base64 = list(&doubles).base64(&NumberType::Float).expect("floats");
        let numbers = Vector::Base64(base64.clone()).numbers(&NumberType::Float).expect("floats");
        // Through JSON text as well: that is how they travel.
        let text = serde_json::to_string(&numbers).expect("JSON");
        let read: Vec<Number> = serde_json::from_str(&text).expect("JSON");
        let again = Vector::Numbers(read).base64(&NumberType::Float);
        prop_assert_eq!(again.as_ref(), Ok(&base64));
    }

    #[test]
    fn any_text_is_read_without_a_panic(text in "\\PC{0,40}") {
        for kind in [NumberType::Float, NumberType::Int8, NumberType::Uint8, NumberType::Bits] {
            let _ = Vector::Base64(text.clone()).numbers(&kind);
        }
    }
}
