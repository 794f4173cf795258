//! Checks that a stream is read the same however it is cut, and that its bytes come out as they went in.

use proptest::prelude::*;

use super::*;

const LIMIT: usize = 1 << 20;

/// Everything a decoder gives for a stream that comes in these pieces.
fn decode<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<Event> {
    let mut decoder = Decoder::new(LIMIT);
    let mut events = Vec::new();
    for piece in pieces {
        decoder.push(Bytes::copy_from_slice(piece));
        while let Some(event) = decoder.next().unwrap() {
            events.push(event);
        }
    }
    events.extend(decoder.end());
    events
}

fn raw(events: &[Event]) -> Vec<u8> {
    events.iter().flat_map(|event| event.raw.to_vec()).collect()
}

/// Names and data only, of events that have any: what a cut may not change.
fn said(events: &[Event]) -> Vec<(Option<Bytes>, Option<Bytes>, bool)> {
    let said = events.iter().filter(|event| event.data.is_some() || event.name.is_some());
    said.map(|event| (event.name.clone(), event.data.clone(), event.terminated)).collect()
}

fn text(bytes: &Option<Bytes>) -> Option<&str> {
    bytes.as_ref().map(|bytes| std::str::from_utf8(bytes).unwrap())
}

/// The standard's rules once more, over the whole text and as plainly as can be.
fn naive(stream: &str) -> Vec<(Option<String>, String)> {
    let stream = stream.strip_prefix('\u{feff}').unwrap_or(stream);
    let stream = stream.replace("\r\n", "\n").replace('\r', "\n");
    let mut events = Vec::new();
    let (mut name, mut data): (Option<String>, Option<String>) = (None, None);
    let mut lines: Vec<&str> = stream.split('\n').collect();
    // What stands after the last line end is no line.
    lines.pop();
    for line in lines {
        if line.is_empty() {
            if let Some(data) = data.take() {
                events.push((name.take(), data));
            }
            name = None;
            continue;
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "data" => match &mut data {
                None => data = Some(value.to_owned()),
                Some(data) => {
                    data.push('\n');
                    data.push_str(value);
                }
            },
            "event" if !value.is_empty() => name = Some(value.to_owned()),
            _ => {}
        }
    }
    events
}

fn stream() -> impl Strategy<Value = String> {
    let line = prop_oneof![
        4 => "data: ?[a-z{}\": \u{e9}]{0,20}",
        1 => Just("data".to_owned()),
        1 => "event: ?[a-z]{0,5}",
        1 => ": ?[a-z]{0,10}",
        1 => "(id|retry|foo):[0-9]{0,3}",
        1 => ":",
        3 => Just(String::new()),
    ];
    let lines = prop::collection::vec((line, prop::sample::select(vec!["\n", "\r\n", "\r"])), 0..30);
    (any::<bool>(), lines, any::<bool>(), "[a-z:]{0,8}").prop_map(|(mark, lines, one_kind, tail)| {
        let end = lines.first().map_or("\n", |(_, end)| end);
        let lines = lines.iter().map(|(line, own)| format!("{line}{}", if one_kind { end } else { own }));
        let mark = if mark { "\u{feff}" } else { "" };
        format!("{mark}{}{tail}", lines.collect::<String>())
    })
}

proptest! {
    #[test]
    fn reads_by_the_standard_however_it_is_cut(
        stream in stream(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
    ) {
        let bytes = stream.as_bytes();
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        let pieces = cuts.windows(2).map(|pair| &bytes[pair[0]..pair[1]]);
        let events = decode(pieces);
        prop_assert_eq!(raw(&events), bytes);
        let whole: Vec<_> = events.iter().filter(|e| e.terminated && e.data.is_some()).collect();
        let read: Vec<_> = whole.iter().map(|e| {
            (text(&e.name).map(str::to_owned), text(&e.data).unwrap().to_owned())
        }).collect();
        prop_assert_eq!(read, naive(&stream));
        prop_assert_eq!(said(&events), said(&decode([bytes])));
    }

    #[test]
    fn reads_what_it_writes(
        events in prop::collection::vec((prop::option::of("[a-z]{1,6}"), "[a-z \n\u{e9}]{0,40}"), 0..8),
        step in 1..20_usize,
    ) {
        let mut out = BytesMut::new();
        for (name, data) in &events {
            write_event(&mut out, name.as_deref(), data.as_bytes());
        }
        let read: Vec<_> = decode(out.chunks(step)).iter().map(|e| {
            (text(&e.name).map(str::to_owned), text(&e.data).unwrap().to_owned())
        }).collect();
        prop_assert_eq!(read, events);
    }

    #[test]
    fn never_panics(pieces: Vec<Vec<u8>>, limit in 0..50_usize) {
        let mut decoder = Decoder::new(limit);
        for piece in pieces {
            decoder.push(Bytes::from(piece));
            while let Ok(Some(_)) = decoder.next() {}
        }
        let _ = decoder.end();
    }
}

const MIXED: &str = "\u{feff}: hello\n\ndata: {\"a\":1}\n\nevent: error\r\ndata: one\r\ndata: two\r\n\r\ndata:x\r\rdata: \u{e9}\n\
                     id: 7\n\ndata: [DONE]\n\n";

#[test]
fn every_split_in_two_and_byte_by_byte() {
    let bytes = MIXED.as_bytes();
    let whole = decode([bytes]);
    assert_eq!(whole.len(), 6);
    for at in 0..=bytes.len() {
        let cut = decode([&bytes[..at], &bytes[at..]]);
        assert_eq!(raw(&cut), bytes, "{at}");
        assert_eq!(said(&cut), said(&whole), "{at}");
    }
    let single = decode(bytes.chunks(1));
    assert_eq!(raw(&single), bytes);
    assert_eq!(said(&single), said(&whole));
}

#[test]
fn gives_fields_and_exact_bytes() {
    let events = decode([MIXED.as_bytes()]);
    let data: Vec<_> = events.iter().map(|event| text(&event.data)).collect();
    assert_eq!(data, [None, Some("{\"a\":1}"), Some("one\ntwo"), Some("x"), Some("\u{e9}"), Some("[DONE]")]);
    assert_eq!(text(&events[2].name), Some("error"));
    assert_eq!(events[0].raw, "\u{feff}: hello\n\n");
    assert_eq!(events[2].raw, "event: error\r\ndata: one\r\ndata: two\r\n\r\n");
    assert!(events.iter().all(|event| event.terminated));
}

#[test]
fn copies_nothing_that_came_in_one_piece() {
    let chunk = Bytes::from_static(b"data: a\n\ndata: b\n\n");
    let mut decoder = Decoder::new(LIMIT);
    decoder.push(chunk.clone());
    let first = decoder.next().unwrap().unwrap();
    let second = decoder.next().unwrap().unwrap();
    assert_eq!(first.raw.as_ptr(), chunk.as_ptr());
    assert_eq!(second.raw.as_ptr(), chunk[9..].as_ptr());
    assert_eq!(second.data.unwrap().as_ptr(), chunk[15..].as_ptr());
}

#[test]
fn a_carriage_return_does_not_hold_an_event_back() {
    let mut decoder = Decoder::new(LIMIT);
    decoder.push(Bytes::from_static(b"data: a\r\r"));
    assert_eq!(decoder.next().unwrap().unwrap().raw, "data: a\r\r");
    // The line feed that was a part of it opens the next, and ends nothing.
    decoder.push(Bytes::from_static(b"\ndata: b\r\n\r\n"));
    let next = decoder.next().unwrap().unwrap();
    assert_eq!((next.raw, next.data.unwrap()), ("\ndata: b\r\n\r\n".into(), "b".into()));
}

#[test]
fn several_pieces_may_come_before_the_first_event_is_taken() {
    let mut decoder = Decoder::new(LIMIT);
    for piece in ["da", "ta: a\n", "\ndata: b\n\nda", "ta: c"] {
        decoder.push(Bytes::from_static(piece.as_bytes()));
    }
    assert_eq!(decoder.next().unwrap().unwrap().data.unwrap(), "a");
    assert_eq!(decoder.next().unwrap().unwrap().data.unwrap(), "b");
    assert_eq!(decoder.next(), Ok(None));
    let tail = decoder.end().unwrap();
    assert_eq!((tail.data.unwrap(), tail.terminated), ("c".into(), false));
    assert_eq!(decoder.end(), None);
}

#[test]
fn an_event_over_the_limit_is_an_error_that_stays() {
    for pieces in [vec!["data: 123456\n\n"], vec!["data: ", "123", "456"]] {
        let mut decoder = Decoder::new(10);
        decoder.push(Bytes::from_static(b"data: 1\n\n"));
        assert!(decoder.next().unwrap().is_some());
        pieces.iter().for_each(|piece| decoder.push(Bytes::from_static(piece.as_bytes())));
        assert_eq!(decoder.next(), Err(EventTooLarge { limit: 10 }));
        decoder.push(Bytes::from_static(b"data: 2\n\n"));
        assert_eq!(decoder.next(), Err(EventTooLarge { limit: 10 }));
    }
}

#[test]
fn writes_data_line_by_line() {
    let mut out = BytesMut::new();
    write_event(&mut out, None, b"{}");
    write_event(&mut out, Some("error"), b"a\r\nb\rc\n");
    assert_eq!(out, "data: {}\n\nevent: error\ndata: a\ndata: b\ndata: c\ndata: \n\n");
}
