use proptest::prelude::*;

use super::*;

const LIMIT: usize = 1 << 20;

fn read(pieces: &[&[u8]]) -> (Vec<Message>, Result<(), FrameError>, bool) {
    let mut decoder = Decoder::new(LIMIT);
    let mut messages = Vec::new();
    for piece in pieces {
        decoder.push(piece);
        loop {
            match decoder.next() {
                Ok(Some(message)) => messages.push(message),
                Ok(None) => break,
                Err(error) => return (messages, Err(error), decoder.is_empty()),
            }
        }
    }
    (messages, Ok(()), decoder.is_empty())
}

fn written(messages: &[Message]) -> Vec<u8> {
    let mut out = BytesMut::new();
    for message in messages {
        write_message(&mut out, &message.headers, &message.payload).expect("short enough");
    }
    out.to_vec()
}

fn hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).expect("hex")).collect()
}

/// Two messages of the examples that AWS's own clients are tested with: an empty one, and one with a header.
#[test]
fn known_messages_are_read_and_written() {
    let empty = hex("000000100000000005c248eb7d98c8ff");
    assert_eq!(read(&[&empty]), (vec![Message::default()], Ok(()), true));
    assert_eq!(written(&[Message::default()]), empty);
    let json = hex(concat!(
        "0000003d0000002007fd83960c636f6e74656e742d747970650700106170706c",
        "69636174696f6e2f6a736f6e7b27666f6f273a27626172277d8d9c08b1"
    ));
    let message = Message {
        headers: vec![Header::text("content-type", "application/json")],
        payload: Bytes::from_static(b"{'foo':'bar'}"),
    };
    assert_eq!(written(std::slice::from_ref(&message)), json);
    assert_eq!(message.text("content-type"), Some("application/json"));
    assert_eq!(message.text(":event-type"), None);
    assert_eq!(read(&[&json]), (vec![message], Ok(()), true));
}

#[test]
fn any_changed_bit_is_noticed() {
    let message = Message { headers: vec![Header::text("a", "b")], payload: Bytes::from_static(b"payload") };
    let whole = written(&[message]);
    for at in 0..whole.len() * 8 {
        let mut broken = whole.clone();
        broken[at / 8] ^= 1 << (at % 8);
        let (messages, ending, _) = read(&[&broken]);
        let expected =
            if at < PRELUDE * 8 { FrameError::PreludeChecksum } else { FrameError::MessageChecksum };
        assert_eq!((messages, ending), (Vec::new(), Err(expected)), "bit {at}");
    }
}

fn prelude(total: u32, headers: u32) -> Vec<u8> {
    let mut bytes = [total.to_be_bytes(), headers.to_be_bytes()].concat();
    bytes.extend(crc32fast::hash(&bytes).to_be_bytes());
    bytes
}

#[test]
fn lengths_are_bounded_before_anything_is_held() {
    let limit = u32::try_from(LIMIT).unwrap();
    for (total, headers, error) in [
        (limit + 1, 0, FrameError::TooLarge { limit: LIMIT }),
        (u32::MAX, 0, FrameError::TooLarge { limit: LIMIT }),
        (15, 0, FrameError::Lengths),
        (0, 0, FrameError::Lengths),
        (20, 5, FrameError::Lengths),
        (20, u32::MAX, FrameError::Lengths),
        (limit, 128 * 1024 + 1, FrameError::Lengths),
    ] {
        let (_, ending, empty) = read(&[&prelude(total, headers)]);
        assert_eq!((ending, empty), (Err(error), true), "{total} {headers}");
    }
    assert_eq!(read(&[&prelude(limit, 0)]), (Vec::new(), Ok(()), false));
}

#[test]
fn an_error_stays() {
    let mut decoder = Decoder::new(LIMIT);
    decoder.push(&[0; 12]);
    assert_eq!(decoder.next(), Err(FrameError::PreludeChecksum));
    decoder.push(&written(&[Message::default()]));
    assert_eq!(decoder.next(), Err(FrameError::PreludeChecksum));
}

#[test]
fn headers_that_are_cut_or_unknown_are_errors() {
    let mut whole = BytesMut::new();
    for value in [HeaderValue::Text("text".into()), HeaderValue::Uuid([7; 16]), HeaderValue::Short(5)] {
        whole.clear();
        write_header(&mut whole, &Header { name: "n".into(), value }).unwrap();
        for cut in 1..whole.len() {
            assert_eq!(read_headers(Bytes::copy_from_slice(&whole[..cut])), None, "{cut}");
        }
    }
    assert_eq!(read_headers(Bytes::from_static(&[1, b'n', 10])), None, "there is no type 10");
    assert_eq!(read_headers(Bytes::from_static(&[1, 0xff, 0])), None, "a name is UTF-8");
}

#[test]
fn what_does_not_fit_is_not_written() {
    let mut out = BytesMut::new();
    let long = Header::text("n".repeat(256), "v");
    assert_eq!(write_message(&mut out, &[long], b""), Err(MessageTooLong));
    let long = Header::text("n", "v".repeat(65_536));
    assert_eq!(write_message(&mut out, &[long], b""), Err(MessageTooLong));
    let many = vec![Header::text("n", "v".repeat(65_535)); 3];
    assert_eq!(write_message(&mut out, &many, b""), Err(MessageTooLong));
    assert!(out.is_empty());
}

fn value() -> impl Strategy<Value = HeaderValue> {
    prop_oneof![
        any::<bool>().prop_map(HeaderValue::Bool),
        any::<i8>().prop_map(HeaderValue::Byte),
        any::<i16>().prop_map(HeaderValue::Short),
        any::<i32>().prop_map(HeaderValue::Integer),
        any::<i64>().prop_map(HeaderValue::Long),
        proptest::collection::vec(any::<u8>(), 0..9).prop_map(|bytes| HeaderValue::Bytes(bytes.into())),
        ".{0,9}".prop_map(HeaderValue::Text),
        any::<i64>().prop_map(HeaderValue::Timestamp),
        any::<[u8; 16]>().prop_map(HeaderValue::Uuid),
    ]
}

fn message() -> impl Strategy<Value = Message> {
    let header = (".{0,9}", value()).prop_map(|(name, value)| Header { name, value });
    let payload = proptest::collection::vec(any::<u8>(), 0..40);
    (proptest::collection::vec(header, 0..4), payload)
        .prop_map(|(headers, payload)| Message { headers, payload: payload.into() })
}

proptest! {
    #[test]
    fn what_was_written_is_read_however_it_is_cut(
        messages in proptest::collection::vec(message(), 0..4),
        size in 1_usize..40,
    ) {
        let whole = written(&messages);
        let pieces: Vec<&[u8]> = whole.chunks(size).collect();
        prop_assert_eq!(read(&pieces), (messages, Ok(()), true));
        if let Some((_, cut)) = whole.split_last() {
            prop_assert!(!read(&[&whole[..cut.len()]]).2, "the last message is not whole");
        }
    }

    #[test]
    fn any_bytes_can_be_pushed(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _read = read(&[&bytes]);
    }
}
