//! Any bytes as a form, cut anywhere: every byte comes back, the cuts make no difference, nothing panics.
#![no_main]

use libfuzzer_sys::fuzz_target;
use postern_fuzz::cuts;
use postern_wire::multipart::{MultipartError, Piece, Scanner, boundary};

fuzz_target!(|data: &[u8]| {
    let whole = read([data].into_iter());
    let cut = read(cuts(data));
    assert_eq!(whole, cut, "a cut changed what was read");
    if let Ok((bytes, values)) = &whole {
        assert_eq!(bytes, data, "bytes were lost or made up");
        assert!(values.iter().all(|value| std::str::from_utf8(value).is_ok()), "a value is no text");
    }
    if let Ok(text) = std::str::from_utf8(data) {
        let _ = boundary(text);
    }
});

type Read = Result<(Vec<u8>, Vec<Vec<u8>>), MultipartError>;

fn read<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Read {
    let mut scanner = Scanner::new("x", &["model"]);
    let (mut bytes, mut values) = (Vec::new(), Vec::new());
    for piece in pieces {
        scanner.push(piece);
        while let Some(piece) = scanner.next()? {
            match piece {
                Piece::Bytes(piece) => bytes.extend_from_slice(&piece),
                Piece::Value { value, .. } => {
                    bytes.extend_from_slice(&value);
                    values.push(value.to_vec());
                }
            }
        }
    }
    scanner.end().map(|()| (bytes, values))
}
