//! What a call consumed, in disjoint counts, so that each token is priced once; for images and sound also in the other
//! units that vendors charge by.

use serde::{Deserialize, Serialize};

/// Token counts of one answer.
///
/// `input`, `cache_read`, `cache_write`, `cache_write_1h`, `input_audio` and `input_image` are disjoint and together are
/// everything that was read; `output`, `output_audio` and `output_image` are disjoint and together everything that was
/// written. `reasoning`, `accepted_prediction` and `rejected_prediction` are parts of `output`, for information.
/// `searches`, `images`, `audio_ms` and `characters` are no tokens and are in no total.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Usage {
    /// Fresh input tokens: neither read from nor written to a provider's prompt cache; audio, and images where they are
    /// counted apart, not included.
    pub input: u64,
    /// Input tokens read from the provider's prompt cache.
    #[serde(skip_serializing_if = "is_zero")]
    pub cache_read: u64,
    /// Input tokens written to the provider's prompt cache for its default life time (Anthropic: 5 minutes).
    #[serde(skip_serializing_if = "is_zero")]
    pub cache_write: u64,
    /// Input tokens written to the provider's prompt cache for one hour (Anthropic).
    #[serde(skip_serializing_if = "is_zero")]
    pub cache_write_1h: u64,
    /// Fresh audio input tokens.
    #[serde(skip_serializing_if = "is_zero")]
    pub input_audio: u64,
    /// Fresh image input tokens, where the provider counts them apart.
    #[serde(skip_serializing_if = "is_zero")]
    pub input_image: u64,
    /// Output tokens, reasoning included, audio and images not.
    pub output: u64,
    /// Audio output tokens.
    #[serde(skip_serializing_if = "is_zero")]
    pub output_audio: u64,
    /// Image output tokens.
    #[serde(skip_serializing_if = "is_zero")]
    pub output_image: u64,
    /// Generated images, where they are not counted in tokens.
    #[serde(skip_serializing_if = "is_zero")]
    pub images: u64,
    /// Milliseconds of sound that was read, where it is not counted in tokens.
    #[serde(skip_serializing_if = "is_zero")]
    pub audio_ms: u64,
    /// Characters (Unicode scalar values) of a text that was spoken, where it is not counted in tokens.
    #[serde(skip_serializing_if = "is_zero")]
    pub characters: u64,
    /// The part of `output` that was reasoning.
    #[serde(skip_serializing_if = "is_zero")]
    pub reasoning: u64,
    /// The part of `output` that came from the caller's predicted output.
    #[serde(skip_serializing_if = "is_zero")]
    pub accepted_prediction: u64,
    /// The part of `output` that was predicted by the caller but not used; it is billed as output.
    #[serde(skip_serializing_if = "is_zero")]
    pub rejected_prediction: u64,
    /// Searches that the provider ran for the answer and bills one by one.
    #[serde(skip_serializing_if = "is_zero")]
    pub searches: u64,
}

impl Usage {
    /// Everything read, cached or not.
    #[must_use]
    pub const fn total_input(&self) -> u64 {
        self.input
            .saturating_add(self.cache_read)
            .saturating_add(self.cache_write)
            .saturating_add(self.cache_write_1h)
            .saturating_add(self.input_audio)
            .saturating_add(self.input_image)
    }

    /// Everything written.
    #[must_use]
    pub const fn total_output(&self) -> u64 {
        self.output.saturating_add(self.output_audio).saturating_add(self.output_image)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature serde asks for")]
const fn is_zero(n: &u64) -> bool {
    *n == 0
}
