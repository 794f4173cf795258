//! AWS event streams, written one event a line (<https://docs.aws.amazon.com/transcribe/latest/dg/event-stream.html>).
//! The frames are made here and not by the gateway's own code, which would hide its mistakes.

/// The bytes of a stream: each line is the name of an event, a space and its JSON. Before the name, `!` makes it an
/// exception, `?` spoils the checksum and `~` leaves out the second half of the frame.
///
/// # Errors
/// Names the line that is not written so.
pub(super) fn framed(text: &[u8]) -> Result<Vec<u8>, String> {
    let text = std::str::from_utf8(text).map_err(|_| "an event stream is written as text".to_owned())?;
    let mut out = Vec::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let (name, payload) =
            line.split_once(' ').ok_or_else(|| format!("an event has a name and JSON, and is {line:?}"))?;
        let plain = name.trim_start_matches(['!', '?', '~']);
        let (message_type, name_header) =
            if name.contains('!') { ("exception", ":exception-type") } else { ("event", ":event-type") };
        let headers =
            [(name_header, plain), (":content-type", "application/json"), (":message-type", message_type)];
        let mut bytes = frame(&headers, payload.as_bytes());
        if name.contains('?')
            && let Some(last) = bytes.last_mut()
        {
            *last ^= 1;
        }
        if name.contains('~') {
            bytes.truncate(bytes.len() / 2);
        }
        out.append(&mut bytes);
    }
    Ok(out)
}

fn frame(headers: &[(&str, &str)], payload: &[u8]) -> Vec<u8> {
    /// The type of a header that is text.
    const TEXT: u8 = 7;
    let mut head = Vec::new();
    for (name, value) in headers {
        head.push(u8::try_from(name.len()).unwrap_or(u8::MAX));
        head.extend_from_slice(name.as_bytes());
        head.push(TEXT);
        head.extend_from_slice(&u16::try_from(value.len()).unwrap_or(u16::MAX).to_be_bytes());
        head.extend_from_slice(value.as_bytes());
    }
    // Two lengths and a checksum of them, the headers, the payload, and a checksum of it all.
    let length = |bytes: usize| u32::try_from(bytes).unwrap_or(u32::MAX).to_be_bytes();
    let mut out = Vec::new();
    out.extend_from_slice(&length(16 + head.len() + payload.len()));
    out.extend_from_slice(&length(head.len()));
    let checksum = crc32fast::hash(&out);
    out.extend_from_slice(&checksum.to_be_bytes());
    out.extend_from_slice(&head);
    out.extend_from_slice(payload);
    let checksum = crc32fast::hash(&out);
    out.extend_from_slice(&checksum.to_be_bytes());
    out
}

/// Offsets behind each frame.
pub(super) fn ends(body: &[u8]) -> Vec<usize> {
    let mut ends = Vec::new();
    let mut at = 0;
    while let Some(length) = body.get(at..at + 4).and_then(|four| <[u8; 4]>::try_from(four).ok()) {
        at += usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX).max(16);
        ends.push(at);
    }
    ends
}

#[cfg(test)]
mod tests {
    use postern_wire::event_stream::Decoder;

    use super::*;

    #[test]
    fn frames_are_those_of_the_gateway() {
        let bytes = framed(b"messageStart {\"role\":\"assistant\"}\n!throttlingException {}\n").unwrap();
        let mut decoder = Decoder::new(1 << 20);
        decoder.push(&bytes);
        let first = decoder.next().unwrap().unwrap();
        assert_eq!(first.text(":event-type"), Some("messageStart"));
        assert_eq!(&first.payload[..], br#"{"role":"assistant"}"#);
        assert_eq!(decoder.next().unwrap().unwrap().text(":exception-type"), Some("throttlingException"));
        assert!(decoder.is_empty());
        assert_eq!(ends(&bytes).len(), 2);
        assert_eq!(ends(&bytes).last(), Some(&bytes.len()));
        decoder.push(&framed(b"?messageStart {}").unwrap());
        assert!(decoder.next().is_err());
        assert!(framed(b"messageStart").is_err());
    }
}
