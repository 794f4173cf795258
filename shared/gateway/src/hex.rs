//! Bytes as lower-case hexadecimal digits, without the formatting machinery: every call writes some hundred of them.

/// Appends two digits for each byte.
pub(crate) fn push(bytes: &[u8], text: &mut String) {
    text.reserve(bytes.len() * 2);
    for byte in bytes {
        text.push(digit(byte >> 4));
        text.push(digit(byte & 15));
    }
}

const fn digit(nibble: u8) -> char {
    (if nibble < 10 { b'0' + nibble } else { b'a' - 10 + nibble }) as char
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
