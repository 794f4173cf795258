//! Images and sound, in OpenAI's format: a request passes to a provider that speaks it, with only the model's name
//! changed, and the answer passes back as it comes. What the answer says of usage is recorded; nothing is made up.

mod deliver;
mod form;
mod resources;
mod selection;

use std::borrow::Cow;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use postern_wire::Usage;
use postern_wire::dialect::openai_chat::peek::peek_model;
use postern_wire::media::Made;
use postern_wire::provider::{Offer, Operation};
use serde::Deserialize;

use self::deliver::{Errand, Load, deliver, media_type};
use self::form::{Form, Limits};
use super::Reply;
use super::accept::{Call, read_body};
use super::attempt::Answer;
use super::dispatch::Delivery;
use super::gateway::{Gateway, Snapshot};
use super::headers::MODEL;
use super::resolve::resolve;
use super::run::{Entered, enter, refuse, transcode, undeliverable};
use crate::error::{ErrorKind, GatewayError};
use crate::host::Host;

pub(crate) use resources::{Resource, Verb, run as run_resource};

/// The media types that make up a form.
const ANY: &str = "*/*";

/// What is to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Media {
    ImageGeneration,
    ImageEdit,
    ImageVariation,
    Speech,
    Transcription,
    Translation,
}

impl Media {
    /// The name in records. OpenTelemetry's GenAI conventions have none for these yet.
    pub(crate) const fn operation(self) -> &'static str {
        match self {
            Self::ImageGeneration => "image_generation",
            Self::ImageEdit => "image_edit",
            Self::ImageVariation => "image_variation",
            Self::Speech => "speech",
            Self::Transcription => "transcription",
            Self::Translation => "translation",
        }
    }

    const fn offer(self) -> Offer {
        match self {
            Self::ImageGeneration => Offer::Images,
            Self::ImageEdit => Offer::ImageEdits,
            Self::ImageVariation => Offer::ImageVariations,
            Self::Speech => Offer::Speech,
            Self::Transcription => Offer::Transcriptions,
            Self::Translation => Offer::Translations,
        }
    }

    const fn made(self) -> Made {
        match self {
            Self::ImageGeneration | Self::ImageEdit | Self::ImageVariation => Made::Images,
            Self::Speech => Made::Speech,
            Self::Transcription | Self::Translation => Made::Text,
        }
    }
}

/// Runs a call through all stages.
pub(super) async fn run<H, B>(gateway: &Gateway, host: &H, call: Call, media: Media, body: B) -> Reply<H>
where
    H: Host,
    B: http_body::Body<Data = Bytes> + Unpin,
{
    let Entered { snapshot, caller, mut draft } = match enter(gateway, host, &call).await {
        Ok(entered) => entered,
        Err(reply) => return reply,
    };
    draft.expects_usage();
    let content_type = content_type(&call.parts.headers);
    let errand = Errand {
        offer: media.offer(),
        to: Operation::Post { path: media.offer().path(), model: "", content_type, accept: ANY },
        made: Some(media.made()),
        unread: false,
    };
    if media_type(&call.parts.headers).eq_ignore_ascii_case("multipart/form-data") {
        let announced = text_of(&call.parts.headers, &MODEL).map(str::to_owned);
        let mut form = match Form::open(host, &call.parts, body, limits(&snapshot), announced).await {
            Ok(form) => form,
            Err(error) => return refuse(&call, draft, &error),
        };
        let model = form.model().unwrap_or_default().to_owned();
        form.beginning().for_each(|piece| draft.request_body(piece));
        draft.record().model.clone_from(&model);
        let plan = match resolve(host, snapshot, &caller, &model) {
            Ok(plan) => plan,
            Err(error) => return refuse(&call, draft, &error),
        };
        let load = Load::Form(&mut form);
        return match deliver(host, &call, &plan, errand, load, &mut draft).await {
            Ok(delivery) => transcode(host, &call, noted(delivery, &mut draft, None), draft),
            Err(undelivered) => undeliverable(&call, undelivered, draft),
        };
    }
    let body = match read_body(host, &call.parts, body, snapshot.config.server.max_body).await {
        Ok(body) => body,
        Err(error) => return refuse(&call, draft, &error),
    };
    let head = match peek_model(&body) {
        Ok(head) => head,
        Err(error) => return refuse(&call, draft, &error.into()),
    };
    draft.request_body(&body);
    draft.record().model.clone_from(&head.model);
    let plan = match resolve(host, snapshot, &caller, &head.model) {
        Ok(plan) => plan,
        Err(error) => return refuse(&call, draft, &error),
    };
    let write = |model: &str| head.rewrite(&body, model, false);
    let load: Load<'_, B> = Load::Whole(&write);
    match deliver(host, &call, &plan, errand, load, &mut draft).await {
        Ok(delivery) => {
            let spoken = (media == Media::Speech).then(|| characters(&body)).flatten();
            transcode(host, &call, noted(delivery, &mut draft, spoken), draft)
        }
        Err(undelivered) => undeliverable(&call, undelivered, draft),
    }
}

/// Notes what only the answer tells: whether it is a stream of events, and, where sound comes as it is and says nothing
/// of usage, how many characters were to be spoken.
fn noted<'p, H: Host>(
    delivery: Delivery<'p, H>,
    draft: &mut super::draft::Draft<H>,
    spoken: Option<u64>,
) -> Delivery<'p, H> {
    if let Answer::Stream { headers, .. } = &delivery.answer {
        let events = media_type(headers) == "text/event-stream";
        draft.record().stream = events;
        if let (false, Some(characters)) = (events, spoken) {
            draft.own_usage(Usage { characters, ..Usage::default() }, false);
        }
    }
    delivery
}

/// The characters of the text that is to be spoken.
fn characters(body: &[u8]) -> Option<u64> {
    #[derive(Deserialize)]
    struct Speech<'a> {
        #[serde(borrow)]
        input: Cow<'a, str>,
    }
    serde_json::from_slice::<Speech<'_>>(body).ok().map(|speech| speech.input.chars().count() as u64)
}

fn limits(snapshot: &Snapshot) -> Limits {
    let server = &snapshot.config.server;
    Limits { body: server.max_body, upload: server.max_upload.max(server.max_body) }
}

/// What the caller says of its body; JSON, if it says nothing.
fn content_type(headers: &HeaderMap) -> &str {
    text_of(headers, &header::CONTENT_TYPE).unwrap_or("application/json")
}

fn text_of<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    headers.get(name).map(HeaderValue::to_str)?.ok().filter(|text| !text.is_empty())
}

/// The refusal of something that is not there, for this caller.
fn unknown(what: &str, id: &str) -> GatewayError {
    GatewayError::new(ErrorKind::UnknownResource, format!("there is no {what} `{id}`")).at("id")
}
