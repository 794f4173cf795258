//! Checks that the readers here take exactly what RFC 8259 says, and that edits change nothing else.

use bytes::Bytes;
use proptest::prelude::*;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::*;

fn check(body: &[u8]) -> Result<(), JsonError> {
    let passed = Cursor::new(body, MAX_DEPTH).and_then(|mut cursor| {
        cursor.skip()?;
        cursor.end()
    });
    passed.map_err(|flaw| flaw.explain(body))
}

/// The judgement of another parser. It resolves no escapes either, so half a surrogate pair passes both.
fn is_json(body: &[u8]) -> bool {
    std::str::from_utf8(body).is_ok_and(|text| serde_json::from_str::<IgnoredAny>(text).is_ok())
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        "[ -~]{0,150}".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((any::<String>(), inner), 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn written(value: &Value, pretty: bool) -> Vec<u8> {
    if pretty { serde_json::to_vec_pretty(value).unwrap() } else { serde_json::to_vec(value).unwrap() }
}

proptest! {
    #[test]
    fn takes_all_json(value in json(), pretty: bool) {
        prop_assert_eq!(check(&written(&value, pretty)), Ok(()));
    }

    #[test]
    fn agrees_on_damaged_json(
        value in json(),
        pretty: bool,
        place: prop::sample::Index,
        what in 0..3,
        byte in prop_oneof![any::<u8>(), prop::sample::select(b"{}[],:\"\\0123456789.eE+-tfn \n\x1fu".to_vec())],
    ) {
        let mut body = written(&value, pretty);
        let at = place.index(body.len());
        match what {
            0 => body[at] = byte,
            1 => body.insert(at, byte),
            _ => {
                body.remove(at);
            }
        }
        prop_assert_eq!(check(&body).is_ok(), is_json(&body), "{:?}", String::from_utf8_lossy(&body));
        let cut = &body[..at];
        prop_assert_eq!(check(cut).is_ok(), is_json(cut));
    }

    #[test]
    fn agrees_on_token_soup(tokens in prop::collection::vec(prop::sample::select(vec![
        "{", "}", "[", "]", ",", ":", "\"", "\"a\"", "\\", "\\u12", "\\ud83d", "0", "-", "1.5", "1e", "e+3", "01",
        "true", "tru", "null", "false", " ", "\n", "\u{e9}", "\u{1}", "\"\\n\"", "\"a\":", "\u{feff}",
    ]), 0..12)) {
        let body = tokens.concat();
        prop_assert_eq!(check(body.as_bytes()).is_ok(), is_json(body.as_bytes()), "{:?}", body);
    }

    #[test]
    fn finds_every_member(members in prop::collection::btree_map(any::<String>(), json(), 0..8), pretty: bool) {
        let body = written(&Value::Object(members.clone().into_iter().collect()), pretty);
        let found = scan(&body, MAX_DEPTH).unwrap();
        prop_assert_eq!(found.members().len(), members.len());
        for (member, (name, value)) in found.members().iter().zip(&members) {
            prop_assert_eq!(&member.name, name);
            let spelled: String = serde_json::from_slice(&body[member.name_span.clone()]).unwrap();
            prop_assert_eq!(&spelled, name);
            // Both read back from text: a fraction's last digit may change on the way.
            let read: Value = serde_json::from_slice(&body[member.value_span.clone()]).unwrap();
            let expected: Value = serde_json::from_slice(&written(value, pretty)).unwrap();
            prop_assert_eq!(read, expected);
        }
    }

    #[test]
    fn measures_strings(text: String, ascii: bool) {
        let spelled = serde_json::to_string(&text).unwrap();
        // Every character outside ASCII in `\u` escapes, as Python writes it.
        let spelled: String = spelled.chars().flat_map(|c| {
            let mut units = [0; 2];
            let escaped = ascii && !c.is_ascii();
            let units: Vec<u16> = if escaped { c.encode_utf16(&mut units).to_vec() } else { Vec::new() };
            units.into_iter().map(|u| format!("\\u{u:04x}")).chain((!escaped).then(|| c.to_string()))
        }).collect();
        let mut cursor = Cursor::new(spelled.as_bytes(), 1).unwrap();
        let read = cursor.text().unwrap();
        prop_assert_eq!(read.decoded_len(), text.len());
        let mut buffer = String::new();
        prop_assert_eq!(read.resolved(&mut buffer), &text);
        prop_assert_eq!(read.decoded().unwrap(), text);
        prop_assert_eq!(read.span(), 0..spelled.len());
    }

    #[test]
    fn splices_like_a_naive_editor(
        body in "[a-z]{0,60}",
        edits in prop::collection::vec((0..60_usize, 0..5_usize, "[A-Z]{0,6}"), 0..6),
    ) {
        let mut splice = Splice::new();
        let mut naive: Vec<(usize, usize, String)> = Vec::new();
        let mut end = 0;
        for (skip, length, text) in edits {
            let (start, stop) = (end + skip / 6, end + skip / 6 + length);
            if stop > body.len() { break }
            naive.push((start, stop, text));
            end = stop;
        }
        // The order in which edits are given does not matter where they do not touch.
        for (start, stop, text) in naive.iter().rev().filter(|(a, b, _)| a != b) {
            splice.replace(*start..*stop, text.clone());
        }
        let mut expected = body.clone();
        for (start, stop, text) in naive.iter().rev().filter(|(a, b, _)| a != b) {
            expected.replace_range(start..stop, text);
        }
        prop_assert_eq!(splice.apply(&Bytes::from(body)), expected.into_bytes());
    }

    #[test]
    fn never_panics(body: Vec<u8>, depth in 0..200_usize) {
        let _ = scan(&body, depth);
        let _ = check(&body);
    }
}

#[test]
fn long_strings_end_where_they_end() {
    for length in 0..300 {
        for special in ["\"", "\\n\"", "\\u00e9\"", "\u{e9}\""] {
            let body = format!("\"{}{special}", "x".repeat(length));
            assert_eq!(check(body.as_bytes()), Ok(()), "{length}");
            let body = format!("\"{}{special} ", "\u{fc}".repeat(length));
            assert_eq!(check(body.as_bytes()), Ok(()), "{length}");
            let open = &body[..body.len() - 2];
            assert!(check(open.as_bytes()).is_err(), "{length}");
        }
        let control = format!("\"{}\u{1f}\"", "x".repeat(length));
        let error = check(control.as_bytes()).unwrap_err();
        assert_eq!((error.offset, error.column), (length + 1, length + 2));
    }
}

#[test]
fn depth_is_bounded() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert_eq!(check(nested(MAX_DEPTH).as_bytes()), Ok(()));
    let error = check(nested(MAX_DEPTH + 1).as_bytes()).unwrap_err();
    assert_eq!((error.offset, error.reason.as_str()), (MAX_DEPTH, "values are nested too deeply"));
    assert!(scan(br#"{"a":[[]]}"#, 2).is_err());
    assert!(scan(br#"{"a":[[]]}"#, 3).is_ok());
    // Two kinds of levels, mixed, at the very limit.
    let mixed = format!("{}1{}", r#"{"a":["#.repeat(64), "]}".repeat(64));
    assert_eq!(check(mixed.as_bytes()), Ok(()));
    assert!(check(mixed.replace("]}]", "}]]").as_bytes()).is_err());
    assert!(check("[".repeat(1_000_000).as_bytes()).is_err());
}

#[test]
fn says_where_it_is_wrong() {
    let error = scan("{\n  \"\u{e4}\u{f6}\": nul\n}".as_bytes(), MAX_DEPTH).unwrap_err();
    assert_eq!((error.line, error.column, error.reason.as_str()), (2, 9, "expected a value"));
    assert_eq!(error.to_string(), "expected a value at line 2 column 9");
    let cases: [(&[u8], &str); 10] = [
        (b"", "the text ends too early"),
        (b"{\"a\":", "the text ends too early"),
        (b"{\"a\":tr", "the text ends too early"),
        (b"{\"a\":\"x", "the text ends too early"),
        (b"{\"a\" 1}", "expected `:`"),
        (b"{\"a\":1,}", "expected a member name in quotes"),
        (b"{\"a\":1 \"b\":2}", "expected `,` or `}`"),
        (b"{} x", "expected the end of the text"),
        (b"{\"a\":\"\xff\"}", "the text is not UTF-8"),
        (b"[1]", "expected an object, got an array"),
    ];
    for (body, reason) in cases {
        assert_eq!(scan(body, MAX_DEPTH).unwrap_err().reason, reason, "{:?}", String::from_utf8_lossy(body));
    }
    let mark = scan(b"\xef\xbb\xbf{}", MAX_DEPTH).unwrap_err();
    assert_eq!((mark.offset, mark.reason.contains("byte order mark")), (0, true));
}

#[test]
fn a_name_given_twice_is_an_error() {
    let error = scan(br#"{"a":1,"b":{"c":1,"c":2},"\u0061":3}"#, MAX_DEPTH).unwrap_err();
    assert_eq!(
        (error.offset, error.reason.as_str()),
        (25, "the member `a` is given twice: keep one of them")
    );
    assert!(scan(br#"{"b":{"c":1,"c":2}}"#, MAX_DEPTH).is_ok());
}

#[test]
fn finds_members_by_name() {
    let body = br#" {"model" : "m" , "n":-1.5e3,"l":[{}]} "#;
    let object = scan(body, MAX_DEPTH).unwrap();
    let model = object.find("model").unwrap();
    assert_eq!((&body[model.value_span.clone()], model.kind), (br#""m""#.as_slice(), Kind::String));
    assert_eq!(&body[object.find("n").unwrap().value_span.clone()], b"-1.5e3");
    assert_eq!(object.find("l").unwrap().kind, Kind::Array);
    assert_eq!(object.find("x"), None);
}

#[test]
fn no_edits_copy_nothing() {
    let body = Bytes::from_static(b"{}");
    assert_eq!(Splice::new().apply(&body).as_ptr(), body.as_ptr());
}

#[test]
fn edits_that_do_not_fit_are_not_made() {
    let body = Bytes::from_static(b"abcdef");
    let mut splice = Splice::new();
    splice.replace(1..4, "X");
    splice.replace(2..5, "Y");
    splice.replace(5..99, "Z");
    splice.insert(0, "<");
    splice.insert(0, "=");
    splice.insert(6, ">");
    assert_eq!(splice.apply(&body), "<=aXef>");
}
