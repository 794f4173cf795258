//! The size of an image from its first bytes, and what images of that size count.

use crate::family::{ImageRule, Rules};

/// Width and height, pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) width: u32,
    pub(crate) height: u32,
}

/// The size of a PNG, JPEG, GIF or WebP image, read from its head; `None` for anything else.
pub(crate) fn size_of(bytes: &[u8]) -> Option<Size> {
    let size = png(bytes).or_else(|| gif(bytes)).or_else(|| webp(bytes)).or_else(|| jpeg(bytes))?;
    (size.width > 0 && size.height > 0).then_some(size)
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at.checked_add(N)?)?.try_into().ok()
}

/// PNG, section 11.2.1 of its specification: the first chunk is the header.
fn png(bytes: &[u8]) -> Option<Size> {
    bytes.starts_with(b"\x89PNG\r\n\x1a\n").then_some(())?;
    Some(Size { width: u32::from_be_bytes(array(bytes, 16)?), height: u32::from_be_bytes(array(bytes, 20)?) })
}

fn gif(bytes: &[u8]) -> Option<Size> {
    bytes.starts_with(b"GIF8").then_some(())?;
    Some(Size {
        width: u16::from_le_bytes(array(bytes, 6)?).into(),
        height: u16::from_le_bytes(array(bytes, 8)?).into(),
    })
}

/// WebP's three forms: lossy, lossless, extended (RFC 9649).
fn webp(bytes: &[u8]) -> Option<Size> {
    (bytes.starts_with(b"RIFF") && bytes.get(8..12)? == b"WEBP").then_some(())?;
    match bytes.get(12..16)? {
        b"VP8 " => Some(Size {
            width: u32::from(u16::from_le_bytes(array(bytes, 26)?) & 0x3fff),
            height: u32::from(u16::from_le_bytes(array(bytes, 28)?) & 0x3fff),
        }),
        b"VP8L" => {
            let bits = u32::from_le_bytes(array(bytes, 21)?);
            Some(Size { width: (bits & 0x3fff) + 1, height: ((bits >> 14) & 0x3fff) + 1 })
        }
        b"VP8X" => {
            let three = |at| {
                let [low, middle, high] = array::<3>(bytes, at)?;
                Some(u32::from_le_bytes([low, middle, high, 0]) + 1)
            };
            Some(Size { width: three(24)?, height: three(27)? })
        }
        _ => None,
    }
}

/// JPEG: the first frame header among its segments.
fn jpeg(bytes: &[u8]) -> Option<Size> {
    bytes.starts_with(&[0xff, 0xd8]).then_some(())?;
    let mut at = 2_usize;
    loop {
        let [mark, kind] = array(bytes, at)?;
        if mark != 0xff {
            return None;
        }
        match kind {
            // Filling.
            0xff => at = at.checked_add(1)?,
            // Marks without a length.
            0x01 | 0xd0..=0xd8 => at = at.checked_add(2)?,
            // Frames of every coding but the tables that share their range.
            0xc0..=0xcf if !matches!(kind, 0xc4 | 0xc8 | 0xcc) => {
                return Some(Size {
                    height: u16::from_be_bytes(array(bytes, at.checked_add(5)?)?).into(),
                    width: u16::from_be_bytes(array(bytes, at.checked_add(7)?)?).into(),
                });
            }
            _ => {
                let length = usize::from(u16::from_be_bytes(array(bytes, at.checked_add(2)?)?));
                at = at.checked_add(2)?.checked_add(length)?;
            }
        }
    }
}

/// What an image counts, and whether that is the vendor's own formula. Without a size it is taken for one of 1024 by 1024.
pub(crate) fn tokens(rules: Rules, size: Option<Size>, detail: Option<&str>) -> (u64, bool) {
    let known = size.is_some();
    let size = size.unwrap_or(Size { width: 1024, height: 1024 });
    match rules {
        Rules::OpenAi(rule) | Rules::OpenAiReasoning(rule) => openai(rule, size, detail, known),
        // <https://docs.anthropic.com/en/docs/build-with-claude/vision>: at most 1568 on the long edge.
        Rules::Claude => {
            let fit = fit_within(size, 1568);
            ((u64::from(fit.width) * u64::from(fit.height)).div_ceil(750).min(1600), false)
        }
        // <https://ai.google.dev/gemini-api/docs/tokens>: 258 an image up to 384 by 384, then 258 a tile of 768 by 768.
        Rules::Gemini if size.width <= 384 && size.height <= 384 => (258, known),
        Rules::Gemini => {
            let tiles = u64::from(size.width.div_ceil(768)) * u64::from(size.height.div_ceil(768));
            (258 * tiles, false)
        }
        Rules::Open => (openai(ImageRule::Tiles { base: 85, tile: 170 }, size, detail, known).0, false),
    }
}

fn openai(rule: ImageRule, size: Size, detail: Option<&str>, known: bool) -> (u64, bool) {
    match rule {
        // At low detail the size does not matter.
        ImageRule::Tiles { base, .. } if detail == Some("low") => (base.into(), true),
        ImageRule::Tiles { base, tile } => {
            let fit = fit_within(size, 2048);
            // The short side becomes 768, never larger than it is.
            let short = fit.width.min(fit.height);
            let fit = if short > 768 { scale(fit, 768, short) } else { fit };
            let tiles = u64::from(fit.width.div_ceil(512)) * u64::from(fit.height.div_ceil(512));
            (u64::from(base) + u64::from(tile) * tiles, known)
        }
        ImageRule::Patches { per_mille } => {
            let patches = patches(size);
            ((patches * u64::from(per_mille)).div_ceil(1000), known)
        }
    }
}

/// Patches of 32 by 32; an image of more than 1,536 is shrunk until it has no more.
fn patches(size: Size) -> u64 {
    const MOST: u64 = 1536;
    let count = |width: f64, height: f64| ((width / 32.0).ceil() * (height / 32.0).ceil()) as u64;
    let (width, height) = (f64::from(size.width), f64::from(size.height));
    if count(width, height) <= MOST {
        return count(width, height);
    }
    let shrink = (1024.0 * MOST as f64 / (width * height)).sqrt();
    // Shrunk a little further, so that one side is a whole number of patches.
    let (wide, high) = (width * shrink / 32.0, height * shrink / 32.0);
    let shrink = shrink * (wide.floor() / wide).min(high.floor() / high);
    count(width * shrink, height * shrink).min(MOST)
}

fn fit_within(size: Size, most: u32) -> Size {
    let long = size.width.max(size.height);
    if long > most { scale(size, most, long) } else { size }
}

fn scale(size: Size, to: u32, from: u32) -> Size {
    let side = |length: u32| {
        let scaled = u64::from(length) * u64::from(to) / u64::from(from.max(1));
        u32::try_from(scaled).unwrap_or(u32::MAX).max(1)
    };
    Size { width: side(size.width), height: side(size.height) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GPT_4O: Rules = Rules::OpenAi(ImageRule::Tiles { base: 85, tile: 170 });

    fn of(width: u32, height: u32) -> Option<Size> {
        Some(Size { width, height })
    }

    /// The examples of OpenAI's page.
    #[test]
    fn openai_counts_tiles() {
        assert_eq!(tokens(GPT_4O, of(1024, 1024), Some("high")), (765, true));
        assert_eq!(tokens(GPT_4O, of(2048, 4096), Some("high")), (1105, true));
        assert_eq!(tokens(GPT_4O, of(4096, 8192), Some("low")), (85, true));
        assert_eq!(tokens(GPT_4O, None, Some("low")), (85, true));
        assert!(!tokens(GPT_4O, None, None).1, "without a size it is a guess");
    }

    /// The examples of OpenAI's page for the models that count patches.
    #[test]
    fn openai_counts_patches() {
        assert_eq!(patches(Size { width: 1024, height: 1024 }), 1024);
        assert_eq!(patches(Size { width: 1800, height: 2400 }), 1452);
        let mini = Rules::OpenAi(ImageRule::Patches { per_mille: 1620 });
        assert_eq!(tokens(mini, of(1024, 1024), None), (1659, true));
    }

    #[test]
    fn sizes_are_read_from_heads() {
        let png =
            [b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".as_slice(), &640_u32.to_be_bytes(), &480_u32.to_be_bytes()]
                .concat();
        assert_eq!(size_of(&png), of(640, 480));
        let gif = [b"GIF89a".as_slice(), &3_u16.to_le_bytes(), &2_u16.to_le_bytes()].concat();
        assert_eq!(size_of(&gif), of(3, 2));
        let jpeg = [0xff, 0xd8, 0xff, 0xe0, 0, 4, 1, 2, 0xff, 0xff, 0xc2, 0, 11, 8, 0, 100, 0, 200, 3];
        assert_eq!(size_of(&jpeg), of(200, 100));
        let lossless =
            [b"RIFF\0\0\0\0WEBPVP8L\0\0\0\0\x2f".as_slice(), &(9_u32 | (4 << 14)).to_le_bytes()].concat();
        assert_eq!(size_of(&lossless), of(10, 5));
        let extended = [b"RIFF\0\0\0\0WEBPVP8X\0\0\0\0\0\0\0\0".as_slice(), &[255, 3, 0, 255, 1, 0]].concat();
        assert_eq!(size_of(&extended), of(1024, 512));
    }

    #[test]
    fn a_head_cut_anywhere_has_no_size_and_does_no_harm() {
        let jpeg = [0xff, 0xd8, 0xff, 0xe0, 0, 4, 1, 2, 0xff, 0xc2, 0, 11, 8, 0, 100, 0, 200];
        for end in 0..jpeg.len() {
            assert_eq!(size_of(&jpeg[..end]), None);
        }
        assert_eq!(size_of(b""), None);
        assert_eq!(size_of(&[0xff; 64]), None);
    }
}
