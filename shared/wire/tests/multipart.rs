//! Forms, read in every cut: every byte comes back, and what servers read in different ways is refused.

use bytes::Bytes;
use proptest::prelude::*;

use postern_wire::multipart::{
    LONGEST_HEAD, LONGEST_VALUE, MultipartError, Piece, Scanner, boundary, is_form,
};

const FIELDS: &[&str] = &["model", "stream"];

/// Reads a form in pieces of these lengths, the last of what is left.
fn read(boundary: &str, body: &[u8], cuts: &[usize]) -> Result<Vec<Piece>, MultipartError> {
    let mut scanner = Scanner::new(boundary, FIELDS);
    let mut pieces = Vec::new();
    let mut from = 0;
    for to in cuts.iter().copied().chain([body.len()]) {
        let to = to.clamp(from, body.len());
        scanner.push(&body[from..to]);
        while let Some(piece) = scanner.next()? {
            pieces.push(piece);
        }
        from = to;
    }
    scanner.end().map(|()| pieces)
}

fn joined(pieces: &[Piece]) -> Vec<u8> {
    pieces
        .iter()
        .flat_map(|piece| match piece {
            Piece::Bytes(bytes) | Piece::Value { value: bytes, .. } => bytes.to_vec(),
        })
        .collect()
}

fn values(pieces: &[Piece]) -> Vec<(&'static str, Bytes)> {
    pieces
        .iter()
        .filter_map(|piece| match piece {
            Piece::Value { field, value } => Some((*field, value.clone())),
            Piece::Bytes(_) => None,
        })
        .collect()
}

/// Parts as SDKs write them, each a name and its content.
fn form(boundary: &str, parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, content) in parts {
        body.extend_from_slice(
            format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n").as_bytes(),
        );
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    body
}

/// Transcription as the official SDKs send it: Python puts fields before files, Node keeps the caller's order.
const PYTHON: &[u8] = b"--b0\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nwhisper-1\r\n--b0\r\n\
    Content-Disposition: form-data; name=\"file\"; filename=\"a b;c.mp3\"\r\nContent-Type: audio/mpeg\r\n\r\n\
    ID3\r\n--b1 not a boundary\r\n--b\r\n--b0--\r\n";

#[test]
fn a_form_is_the_same_however_it_is_cut() {
    for one in 0..PYTHON.len() {
        for two in [one, one + 1, one + 7, PYTHON.len()] {
            let pieces = read("b0", PYTHON, &[one, two]).unwrap();
            assert_eq!(joined(&pieces), PYTHON, "{one} {two}");
            assert_eq!(values(&pieces), [("model", Bytes::from_static(b"whisper-1"))], "{one} {two}");
        }
    }
    let single: Vec<usize> = (0..PYTHON.len()).collect();
    assert_eq!(joined(&read("b0", PYTHON, &single).unwrap()), PYTHON);
}

#[test]
fn content_goes_on_before_its_end_is_known() {
    let body = form("xyz", &[("file", &[b'.'; 10_000]), ("model", b"m")]);
    let mut scanner = Scanner::new("xyz", FIELDS);
    scanner.push(&body[..5000]);
    let Some(Piece::Bytes(first)) = scanner.next().unwrap() else { panic!("nothing goes on") };
    assert!(first.len() > 4900, "{}", first.len());
}

#[test]
fn fields_are_told_wherever_they_stand_and_as_often() {
    let body = form(
        "xyz",
        &[("file", b"1"), ("model", b"one"), ("stream", b""), ("model", b"two"), ("modelx", b"3")],
    );
    let pieces = read("xyz", &body, &[]).unwrap();
    let told: Vec<_> =
        values(&pieces).into_iter().map(|(f, v)| (f, String::from_utf8(v.to_vec()).unwrap())).collect();
    assert_eq!(told, [("model", "one".into()), ("stream", String::new()), ("model", "two".into())]);
    assert_eq!(joined(&pieces), body);
}

#[test]
fn what_is_read_in_different_ways_is_refused() {
    let head = |head: &str| {
        let body = format!("--b\r\n{head}\r\n\r\nx\r\n--b--\r\n");
        read("b", body.as_bytes(), &[]).unwrap_err()
    };
    let disposition = |rest: &str| head(&format!("Content-Disposition: form-data{rest}"));
    for error in [
        disposition("; name=\"file\"; name=\"model\""),
        disposition("; name*=utf-8''model"),
        disposition("; name=\"mod%65l\""),
        disposition("; name=\"a\\\"; x=\"model\""),
        disposition("; name=model x"),
        disposition("; name=\"a\"model"),
        disposition("; name"),
        disposition("; name=\"open"),
        disposition(""),
        disposition("; name=\"a\";\r\n name=\"model\""),
        disposition("; name=\"a\"\nX: y"),
        head("Content-Disposition: attachment; name=\"model\""),
        head("Content-Disposition: form-data; name=\"a\"\r\ncontent-disposition: form-data; name=\"model\""),
        head("Content-Type: text/plain"),
        head("Content-Disposition: form-data; name=\"model\"\r\nContent-Transfer-Encoding: base64"),
        head("no colon"),
        head(": form-data"),
    ] {
        assert!(matches!(error, MultipartError::Head(_)), "{error:?}");
    }
    assert!(
        read("b", b"--b\r\nContent-Disposition: form-data; name=a; filename=b\r\n\r\n\r\n--b--", &[]).is_ok()
    );
}

#[test]
fn broken_forms_are_told_apart() {
    let of = |body: &[u8]| read("b", body, &[]).unwrap_err();
    assert_eq!(of(b""), MultipartError::Incomplete);
    assert_eq!(of(b"{}"), MultipartError::Start);
    assert_eq!(of(b"\r\n--b--"), MultipartError::Start);
    assert_eq!(of(b"--bb\r\n"), MultipartError::Delimiter);
    assert_eq!(of(b"--b \r\n"), MultipartError::Delimiter);
    assert_eq!(of(b"--b--more"), MultipartError::Trailing);
    assert_eq!(
        of(b"--b\r\nContent-Disposition: form-data; name=a\r\n\r\nhalf\r\n--"),
        MultipartError::Incomplete
    );
    assert_eq!(of(&[b"--b\r\nX: ".as_slice(), &[b'x'; LONGEST_HEAD]].concat()), MultipartError::LongHead);
    assert_eq!(of(&form("b", &[("model", &[b'x'; LONGEST_VALUE + 1])])), MultipartError::LongValue("model"));
    assert_eq!(of(&form("b", &[("model", b"\xff")])), MultipartError::Text("model"));
    assert!(read("b", b"--b--", &[]).unwrap().len() == 1, "an empty form is one");
}

#[test]
fn boundaries_of_content_types() {
    for (text, expected) in [
        ("multipart/form-data; boundary=abc", Some("abc")),
        ("Multipart/Form-Data;charset=utf-8; Boundary=\"a b?c\"", Some("a b?c")),
        ("multipart/form-data; boundary=----WebKitFormBoundaryX", Some("----WebKitFormBoundaryX")),
        ("multipart/form-data", None),
        ("multipart/form-data; boundary=", None),
        ("multipart/form-data; boundary=\"\"", None),
        ("multipart/form-data; boundary=a; boundary=b", None),
        ("multipart/form-data; boundary=\"a\r\n\"", None),
        ("multipart/form-data; boundary=\"a \"", None),
        ("multipart/mixed; boundary=a", None),
        ("application/json", None),
    ] {
        assert_eq!(boundary(text).ok().as_deref(), expected, "{text}");
    }
    assert!(boundary(&format!("multipart/form-data; boundary={}", "x".repeat(71))).is_err());
    assert!(is_form("Multipart/form-data; boundary=x") && !is_form("application/json"));
}

/// Content that likes to look like a boundary.
fn content() -> impl Strategy<Value = Vec<u8>> {
    let bit = prop_oneof![
        Just(b"\r\n--B".to_vec()),
        Just(b"\r\n--".to_vec()),
        Just(b"\r\n".to_vec()),
        Just(b"--B--".to_vec()),
        prop::collection::vec(any::<u8>(), 0..40),
    ];
    prop::collection::vec(bit, 0..6).prop_map(|bits| bits.concat()).prop_filter(
        "it must not hold the delimiter",
        |content| {
            let end = [content.as_slice(), b"\r\n--BX"].concat();
            memchr::memmem::find(&end, b"\r\n--BX") == Some(content.len())
        },
    )
}

proptest! {
    /// Every byte comes back, whatever the parts and wherever it is cut; every value is told.
    #[test]
    fn nothing_is_lost_or_changed(
        parts in prop::collection::vec((prop_oneof![Just("file"), Just("model"), Just("x")], content()), 0..5),
        cuts in prop::collection::vec(0_usize..600, 0..12),
    ) {
        let mut cuts = cuts;
        cuts.sort_unstable();
        let texts: Vec<(&str, Vec<u8>)> = parts.into_iter().map(|(name, content)| {
            let content = if name == "model" { String::from_utf8_lossy(&content).into_owned().into_bytes() } else { content };
            (name, content)
        }).collect();
        prop_assume!(texts.iter().all(|(_, c)| c.len() <= LONGEST_VALUE));
        let parts: Vec<(&str, &[u8])> = texts.iter().map(|(n, c)| (*n, c.as_slice())).collect();
        let body = form("BX", &parts);
        let pieces = read("BX", &body, &cuts).unwrap();
        prop_assert_eq!(joined(&pieces), body);
        let models: Vec<Vec<u8>> = values(&pieces).into_iter().map(|(_, v)| v.to_vec()).collect();
        let expected: Vec<Vec<u8>> = texts.iter().filter(|(n, _)| *n == "model").map(|(_, c)| c.clone()).collect();
        prop_assert_eq!(models, expected);
    }

    /// Whatever comes, it is refused or read, and the same in every cut.
    #[test]
    fn nonsense_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..300), cut in 0_usize..300) {
        let body = [b"--B\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\n".as_slice(), &bytes].concat();
        let whole = read("B", &body, &[]).map(|p| joined(&p));
        let halves = read("B", &body, &[cut]).map(|p| joined(&p));
        prop_assert_eq!(whole, halves);
    }
}
