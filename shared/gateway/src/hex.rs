//! Bytes as lower-case hexadecimal digits, without the formatting machinery: every call writes some hundred of them.

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// Appends two digits for each byte.
pub(crate) fn push(bytes: &[u8], text: &mut String) {
    for byte in bytes {
        for nibble in [byte >> 4, byte & 15] {
            text.extend(DIGITS.get(usize::from(nibble)).map(|digit| char::from(*digit)));
        }
    }
}

/// Two digits for each byte.
pub(crate) fn of(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    push(bytes, &mut text);
    text
}

#[cfg(test)]
mod tests {
    #[test]
    fn two_digits_a_byte() {
        assert_eq!(super::of(&[0x00, 0x0f, 0xa5, 0xff]), "000fa5ff");
    }
}
