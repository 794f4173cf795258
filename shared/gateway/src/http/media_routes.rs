//! The routes of images, sound, and what a provider keeps: files, batches, uploads in parts. OpenAI's paths.

use http::Method;
use postern_wire::Dialect;

use super::routes::{Entry, Route, Tag};
use crate::pipeline::{Asks, Kind, Media, Resource, Verb};
use crate::store::owned;

/// Parameters that say which provider is meant.
const PROVIDER: (&str, &str) = ("provider", "the provider that keeps it, where several could");
const LIST: &[(&str, &str)] = &[
    PROVIDER,
    ("after", "the last id of the page before"),
    ("limit", "at most 100"),
    ("order", "desc, the newest first"),
];
const LIST_OF_FILES: &[(&str, &str)] = &[
    PROVIDER,
    ("after", "the last id of the page before"),
    ("limit", "at most 100"),
    ("order", "desc, the newest first"),
    ("purpose", "only files of this purpose"),
];

const fn made(media: Media) -> Route {
    Route::Call(Asks {
        dialect: Dialect::OpenAiChat,
        kind: Kind::Media(media),
        address: None,
        endpoint: None,
    })
}

const fn thing(kind: owned::Kind, verb: Verb, id: String) -> Route {
    Route::Resource(Resource { kind, verb }, id)
}

/// What most of these are: a POST of a form, answered with JSON.
const FORM: Entry = Entry {
    method: Method::POST,
    tag: Tag::OpenAi,
    body: Some("Form"),
    answer: "VendorAnswer",
    ..Entry::GET
};
/// A POST of JSON.
const JSON: Entry = Entry { body: Some("VendorRequest"), ..FORM };
/// A GET of JSON.
const READ: Entry = Entry { tag: Tag::OpenAi, answer: "VendorAnswer", query: &[PROVIDER], ..Entry::GET };

/// Every one of them.
pub(super) const MEDIA: &[Entry] = &[
    Entry {
        path: "/v1/images/generations",
        id: "createImage",
        summary: "Images from a text, whole or streamed",
        streams: true,
        make: |_| made(Media::ImageGeneration),
        ..JSON
    },
    Entry {
        path: "/v1/images/edits",
        id: "createImageEdit",
        summary: "Images from images and a text, whole or streamed",
        streams: true,
        make: |_| made(Media::ImageEdit),
        ..FORM
    },
    Entry {
        path: "/v1/images/variations",
        id: "createImageVariation",
        summary: "Images like an image",
        make: |_| made(Media::ImageVariation),
        ..FORM
    },
    Entry {
        path: "/v1/audio/speech",
        id: "createSpeech",
        summary: "Sound from a text, as bytes or as events",
        answer: "Bytes",
        streams: true,
        make: |_| made(Media::Speech),
        ..JSON
    },
    Entry {
        path: "/v1/audio/transcriptions",
        id: "createTranscription",
        summary: "The text of a recording, in the form that is asked for, whole or streamed",
        streams: true,
        make: |_| made(Media::Transcription),
        ..FORM
    },
    Entry {
        path: "/v1/audio/translations",
        id: "createTranslation",
        summary: "The text of a recording in English",
        make: |_| made(Media::Translation),
        ..FORM
    },
    Entry {
        path: "/v1/files",
        id: "createFile",
        summary: "Gives a provider a file to keep for the tenant",
        query: &[PROVIDER],
        make: |_| thing(owned::Kind::File, Verb::Create, String::new()),
        ..FORM
    },
    Entry {
        path: "/v1/files",
        id: "listFiles",
        summary: "The tenant's files, the newest first",
        query: LIST_OF_FILES,
        make: |_| thing(owned::Kind::File, Verb::List, String::new()),
        ..READ
    },
    Entry {
        path: "/v1/files/{id}",
        id: "retrieveFile",
        summary: "One of the tenant's files",
        make: |id| thing(owned::Kind::File, Verb::Retrieve, id),
        ..READ
    },
    Entry {
        method: Method::DELETE,
        path: "/v1/files/{id}",
        id: "deleteFile",
        summary: "Removes one of the tenant's files",
        make: |id| thing(owned::Kind::File, Verb::Delete, id),
        ..READ
    },
    Entry {
        path: "/v1/files/{id}/content",
        id: "downloadFile",
        summary: "The bytes of one of the tenant's files",
        answer: "Bytes",
        make: |id| thing(owned::Kind::File, Verb::Content, id),
        ..READ
    },
    Entry {
        path: "/v1/batches",
        id: "createBatch",
        summary: "Begins a batch of the requests in one of the tenant's files",
        query: &[PROVIDER],
        make: |_| thing(owned::Kind::Batch, Verb::Create, String::new()),
        ..JSON
    },
    Entry {
        path: "/v1/batches",
        id: "listBatches",
        summary: "The tenant's batches, the newest first",
        query: LIST,
        make: |_| thing(owned::Kind::Batch, Verb::List, String::new()),
        ..READ
    },
    Entry {
        path: "/v1/batches/{id}",
        id: "retrieveBatch",
        summary: "One of the tenant's batches",
        make: |id| thing(owned::Kind::Batch, Verb::Retrieve, id),
        ..READ
    },
    Entry {
        path: "/v1/batches/{id}/cancel",
        id: "cancelBatch",
        summary: "Ends one of the tenant's batches early",
        body: None,
        query: &[PROVIDER],
        make: |id| thing(owned::Kind::Batch, Verb::Cancel, id),
        ..JSON
    },
    Entry {
        path: "/v1/uploads",
        id: "createUpload",
        summary: "Begins a file that is sent in parts",
        query: &[PROVIDER],
        make: |_| thing(owned::Kind::Upload, Verb::Create, String::new()),
        ..JSON
    },
    Entry {
        path: "/v1/uploads/{id}/parts",
        id: "addUploadPart",
        summary: "Adds a part to an upload",
        query: &[PROVIDER],
        make: |id| thing(owned::Kind::Upload, Verb::AddPart, id),
        ..FORM
    },
    Entry {
        path: "/v1/uploads/{id}/complete",
        id: "completeUpload",
        summary: "Makes an upload a file of the tenant's",
        query: &[PROVIDER],
        make: |id| thing(owned::Kind::Upload, Verb::Complete, id),
        ..JSON
    },
    Entry {
        path: "/v1/uploads/{id}/cancel",
        id: "cancelUpload",
        summary: "Gives an upload up",
        body: None,
        query: &[PROVIDER],
        make: |id| thing(owned::Kind::Upload, Verb::Cancel, id),
        ..JSON
    },
];
