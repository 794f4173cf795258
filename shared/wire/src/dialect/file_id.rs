//! Whose file an id names, by its form: nobody can read what another vendor keeps.

/// A vendor that keeps files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keeper {
    /// `file-abc` (<https://platform.openai.com/docs/api-reference/files/object>).
    OpenAi,
    /// `file_abc` (<https://platform.claude.com/docs/en/build-with-claude/files>).
    Anthropic,
    /// An address, or `files/abc` (<https://ai.google.dev/api/files>).
    Google,
}

/// Who keeps the file of an id, `None` if its form does not tell.
pub(crate) fn keeper(id: &str) -> Option<Keeper> {
    match id {
        _ if id.starts_with("file-") => Some(Keeper::OpenAi),
        _ if id.starts_with("file_") => Some(Keeper::Anthropic),
        _ if id.starts_with("files/") || id.contains("://") => Some(Keeper::Google),
        _ => None,
    }
}

/// Why a file of another vendor cannot be told.
pub(crate) const KEPT_ELSEWHERE: &str = "the file is kept by another provider; give its address or its bytes";

/// Whether a file is kept by another vendor than this one.
pub(crate) fn is_elsewhere(id: &str, here: Keeper) -> bool {
    keeper(id).is_some_and(|keeper| keeper != here)
}
