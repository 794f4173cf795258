//! Signatures carried inside the ids of tool calls.
//!
//! Gemini wants the signature of each tool call back (`thoughtSignature`), but a caller of another format has no field
//! that it is sure to send back, except the call's id. So the signature travels in the id, behind a mark, and comes out
//! again wherever an id is read. The gateway keeps no state for it.
//!
//! An id then is `ID_psig_SIGNATURE` with the signature's base64 written with letters, digits, `-` and `_` only: the
//! characters that every vendor allows in ids.

/// Between the provider's own id and the signature. No vendor's ids hold it.
const MARK: &str = "_psig_";

/// The id to tell a caller: with the signature inside, if there is one.
///
/// A signature that is not base64 cannot be carried and is left out; no vendor gives such.
#[must_use]
pub fn seal(id: &str, signature: Option<&str>) -> String {
    match signature {
        Some(signature) if is_base64(signature) => {
            let safe: String = signature.trim_end_matches('=').chars().map(to_safe).collect();
            // Standard and URL-safe base64 must be told apart to come back as they were.
            let kind = if signature.contains(['-', '_']) { 'u' } else { 's' };
            let padding = signature.len() - signature.trim_end_matches('=').len();
            format!("{id}{MARK}{kind}{padding}{safe}")
        }
        _ => id.to_owned(),
    }
}

/// The provider's own id, and the signature that was carried inside.
#[must_use]
pub fn open(id: &str) -> (String, Option<String>) {
    // The first mark: a signature may hold its letters, an id does not.
    let found = id.split_once(MARK).and_then(|(own, carried)| {
        // Only what `seal` writes is taken for a signature; anything else is the caller's own.
        if !carried.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_')) {
            return None;
        }
        let mut characters = carried.chars();
        let url_safe = match characters.next()? {
            'u' => true,
            's' => false,
            _ => return None,
        };
        let padding = characters.next()?.to_digit(10).filter(|count| *count <= 2)?;
        let mut signature: String = characters.map(|c| if url_safe { c } else { from_safe(c) }).collect();
        if signature.is_empty() {
            return None;
        }
        (0..padding).for_each(|_| signature.push('='));
        Some((own.to_owned(), signature))
    });
    match found {
        Some((own, signature)) => (own, Some(signature)),
        None => (id.to_owned(), None),
    }
}

fn is_base64(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    !body.is_empty()
        && text.len() - body.len() <= 2
        && body.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'-' | b'_'))
        && !(body.contains(['+', '/']) && body.contains(['-', '_']))
}

const fn to_safe(c: char) -> char {
    match c {
        '+' => '-',
        '/' => '_',
        other => other,
    }
}

const fn from_safe(c: char) -> char {
    match c {
        '-' => '+',
        '_' => '/',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_id_without_a_signature_stays_as_it_is() {
        assert_eq!(seal("call_1", None), "call_1");
        assert_eq!(open("call_1"), ("call_1".to_owned(), None));
        for own in ["toolu_psig_x", "call_1_psig_s0c2ln todayé", "call_1_psig_s0c2lnbmF0dXJl,"] {
            assert_eq!(open(own), (own.to_owned(), None));
        }
        let holds_the_mark = "AA_psig_BB";
        let sealed = seal("call_1", Some(holds_the_mark));
        assert_eq!(open(&sealed), ("call_1".to_owned(), Some(holds_the_mark.to_owned())));
    }

    proptest! {
        #[test]
        fn what_was_sealed_is_opened(
            id in "[a-zA-Z0-9_-]{0,24}",
            signature in "([A-Za-z0-9+/]{1,90}|[A-Za-z0-9_-]{1,90})={0,2}",
        ) {
            prop_assume!(!id.contains(MARK));
            let sealed = seal(&id, Some(&signature));
            prop_assert!(sealed.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'));
            prop_assert_eq!(open(&sealed), (id, Some(signature)));
        }

        #[test]
        fn any_text_can_be_opened(id in ".*") {
            let _read = open(&id);
        }
    }
}
