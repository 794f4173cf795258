//! Token counts by rule of thumb, for answers whose provider gives no figures. Always recorded as estimates.

/// Bytes of text to a token. English is near four; most other scripts have more bytes to a token, so this
/// counts them a little high rather than low.
const BYTES_PER_TOKEN: usize = 4;
/// What an image or a sound stands for: about an image of 512 by 1024 at OpenAI's high detail.
const TOKENS_PER_MEDIUM: usize = 425;

/// Tokens of generated text.
#[must_use]
pub const fn tokens_of_text(bytes: usize) -> u64 {
    bytes.div_ceil(BYTES_PER_TOKEN) as u64
}

/// Tokens of a JSON request body. Data URLs count as media, not by their length.
#[must_use]
pub fn tokens_of_request(body: &[u8]) -> u64 {
    const MARK: &[u8] = b";base64,";
    let mut text = 0;
    let mut media = 0;
    let mut rest = body;
    while let Some(at) = memchr::memmem::find(rest, MARK) {
        text += at;
        media += 1;
        let data = rest.get(at + MARK.len()..).unwrap_or_default();
        let end = memchr::memchr(b'"', data).unwrap_or(data.len());
        rest = data.get(end..).unwrap_or_default();
    }
    text += rest.len();
    tokens_of_text(text) + (media * TOKENS_PER_MEDIUM) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_urls_do_not_count_by_length() {
        let image = format!(r#"{{"url":"data:image/png;base64,{}"}}"#, "A".repeat(400_000));
        assert!(tokens_of_request(image.as_bytes()) < 500);
        assert_eq!(tokens_of_request(b"12345678"), 2);
        assert_eq!(tokens_of_text(0), 0);
        assert_eq!(tokens_of_text(1), 1);
    }
}
