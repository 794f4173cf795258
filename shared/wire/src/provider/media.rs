//! Which vendors take images, sound, files and batches in OpenAI's format, at OpenAI's paths below the base URL.
//!
//! From the vendors' own references. Who has such a service in another format, or at another address (Together's upload
//! of files, Mistral's batch jobs, Fireworks' audio), is not here: requests pass as they are, so half of it would not do.

use super::Preset;

/// A service beside conversations that is only passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Offer {
    /// Images from a text.
    Images,
    /// Images from images and a text.
    ImageEdits,
    /// Images like an image.
    ImageVariations,
    /// Sound from a text.
    Speech,
    /// Text from sound.
    Transcriptions,
    /// English text from sound.
    Translations,
    /// Files that the vendor keeps.
    Files,
    /// Batches of requests in a file.
    Batches,
    /// Files that are sent in parts.
    Uploads,
}

use Offer::{
    Batches, Files, ImageEdits, ImageVariations, Images, Speech, Transcriptions, Translations, Uploads,
};

const ALL: &[Offer] =
    &[Images, ImageEdits, ImageVariations, Speech, Transcriptions, Translations, Files, Batches, Uploads];

const OFFERS: &[(&str, &[Offer])] = &[
    ("azure", &[Images, ImageEdits, Speech, Transcriptions, Translations, Files, Batches, Uploads]),
    ("deepinfra", &[Images, ImageEdits, ImageVariations, Speech, Transcriptions, Translations]),
    ("groq", &[Speech, Transcriptions, Translations, Files, Batches]),
    ("mistral", &[Transcriptions, Files]),
    ("nebius", &[Images]),
    ("openai", ALL),
    ("openai_compatible", ALL),
    ("sambanova", &[Transcriptions, Translations]),
    ("scaleway", &[Transcriptions]),
    ("together", &[Images, Speech, Transcriptions, Translations]),
    ("venice", &[Images, Speech]),
    ("vllm", &[Transcriptions, Translations]),
    ("volcengine", &[Images]),
    ("xai", &[Images]),
    ("zai", &[Images]),
];

impl Offer {
    /// Where it is, below the base URL.
    #[must_use]
    pub const fn path(self) -> &'static str {
        match self {
            Self::Images => "/images/generations",
            Self::ImageEdits => "/images/edits",
            Self::ImageVariations => "/images/variations",
            Self::Speech => "/audio/speech",
            Self::Transcriptions => "/audio/transcriptions",
            Self::Translations => "/audio/translations",
            Self::Files => "/files",
            Self::Batches => "/batches",
            Self::Uploads => "/uploads",
        }
    }

    /// What it is, for a refusal: "cannot be asked for ...".
    #[must_use]
    pub const fn described(self) -> &'static str {
        match self {
            Self::Images => "images",
            Self::ImageEdits => "edits of images",
            Self::ImageVariations => "variations of images",
            Self::Speech => "speech",
            Self::Transcriptions => "transcriptions",
            Self::Translations => "translations of sound",
            Self::Files => "files",
            Self::Batches => "batches",
            Self::Uploads => "uploads in parts",
        }
    }
}

impl Preset {
    /// Whether the vendor has a service of this kind, in OpenAI's format.
    #[must_use]
    pub fn offers(&self, service: Offer) -> bool {
        let found = OFFERS.iter().find(|(kind, _)| *kind == self.kind);
        found.is_some_and(|(_, offers)| offers.contains(&service))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::preset;

    #[test]
    fn every_row_is_a_vendor_that_follows_openai() {
        for (kind, offers) in OFFERS {
            let preset = preset(kind).unwrap_or_else(|| panic!("{kind} is no vendor"));
            assert!(preset.is_openai_like() && !offers.is_empty(), "{kind}");
            assert!(preset.offers(offers[0]), "{kind}");
        }
        assert!(preset("openai").unwrap().offers(Batches) && !preset("anthropic").unwrap().offers(Files));
        assert!(!preset("mistral").unwrap().offers(Batches), "its batches are jobs, elsewhere");
    }
}
