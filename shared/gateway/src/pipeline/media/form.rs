//! A caller's form, or any other large body, on its way to a provider.
//!
//! As much of it is held as is needed to know the model, and a little more. What has ended within that is whole and can
//! be sent again, as every other request; the rest of a longer one flows on while it comes in, and can be sent once.

use std::future::poll_fn;

use bytes::{Bytes, BytesMut};
use http::request::Parts;
use postern_wire::multipart::{self, MultipartError, Piece, Scanner};

use crate::error::{ErrorKind, GatewayError};
use crate::host::Host;
use crate::pipeline::accept::{declared_length, next_data, too_large};
use crate::upload::{Feed, Outgoing, Upload};

/// What is read before anything is sent, bytes, if the model is known by then. What is smaller can be sent again.
const HELD: usize = 1 << 20;

/// The field that says the model.
const MODEL: &str = "model";
const FIELDS: &[&str] = &[MODEL];

/// How much is taken.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// What may be held while the model is not known, bytes.
    pub(super) body: u64,
    /// The largest body, bytes.
    pub(super) upload: u64,
}

/// A piece of what is held.
#[derive(Debug)]
enum Part {
    Bytes(Bytes),
    /// The model's name stands here.
    Model,
}

/// The body, some of it read.
pub(super) struct Form<B> {
    body: B,
    limits: Limits,
    declared: Option<u64>,
    /// How many bytes came in.
    came: u64,
    /// Finds the model; `None` where the body names none.
    scanner: Option<Scanner>,
    /// The model as the form names it.
    found: Option<String>,
    /// The model as a header names it, because the form does so late.
    announced: Option<String>,
    held: Vec<Part>,
    held_bytes: usize,
    complete: bool,
    /// Whether more was read than what is held.
    spent: bool,
}

impl<B> Form<B>
where
    B: http_body::Body<Data = Bytes> + Unpin,
{
    /// Reads a form up to its model, or all of it if it is small. `announced` is the model by the header, if it was
    /// sent.
    pub(super) async fn open<H: Host>(
        host: &H,
        parts: &Parts,
        body: B,
        limits: Limits,
        announced: Option<String>,
    ) -> Result<Self, GatewayError> {
        let kind = parts.headers.get(http::header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let boundary = multipart::boundary(kind.unwrap_or_default()).map_err(|error| {
            GatewayError::new(ErrorKind::InvalidRequest, error.to_string()).at("content-type")
        })?;
        let scanner = Some(Scanner::new(&boundary, FIELDS));
        Self::read(host, parts, body, limits, scanner, announced).await
    }

    /// Reads the beginning of a body that names no model.
    pub(super) async fn unread<H: Host>(
        host: &H,
        parts: &Parts,
        body: B,
        limits: Limits,
    ) -> Result<Self, GatewayError> {
        Self::read(host, parts, body, limits, None, None).await
    }

    async fn read<H: Host>(
        host: &H,
        parts: &Parts,
        body: B,
        limits: Limits,
        scanner: Option<Scanner>,
        announced: Option<String>,
    ) -> Result<Self, GatewayError> {
        let declared = declared_length(parts, &body)?;
        if declared.is_some_and(|length| length > limits.upload) {
            return Err(too_large(limits.upload, "server.max_upload"));
        }
        let mut form = Self {
            body,
            limits,
            declared,
            came: 0,
            scanner,
            found: None,
            announced,
            held: Vec::new(),
            held_bytes: 0,
            complete: false,
            spent: false,
        };
        while !form.has_enough() {
            if !form.is_decided() && form.held_bytes as u64 > form.limits.body {
                return Err(form.comes_late());
            }
            let parts = form.next(host).await?;
            for part in parts {
                if let Part::Bytes(bytes) = &part {
                    form.held_bytes += bytes.len();
                }
                form.held.push(part);
            }
        }
        if form.scanner.is_some() && form.model().is_none() {
            return Err(missing());
        }
        Ok(form)
    }

    /// Whether it can be sent.
    fn has_enough(&self) -> bool {
        self.complete || (self.is_decided() && self.held_bytes >= HELD)
    }

    fn is_decided(&self) -> bool {
        self.scanner.is_none() || self.model().is_some()
    }

    /// The model, as the caller names it.
    pub(super) fn model(&self) -> Option<&str> {
        self.found.as_deref().or(self.announced.as_deref())
    }

    /// Whether it cannot be sent any more.
    pub(super) const fn is_spent(&self) -> bool {
        self.spent
    }

    /// What is known of the body's text, for a record that keeps it.
    pub(super) fn beginning(&self) -> impl Iterator<Item = &[u8]> {
        self.held.iter().map(|part| match part {
            Part::Bytes(bytes) => bytes.as_ref(),
            Part::Model => self.model().unwrap_or_default().as_bytes(),
        })
    }

    /// The body for a target that has this name for the model, and where the rest of it is to be put in, if it is still
    /// coming.
    pub(super) fn outgoing(&self, model: &str) -> (Outgoing, Option<Feed>) {
        if self.complete {
            return (Outgoing::Whole(self.head(model)), None);
        }
        let named = self.model().unwrap_or_default().len() as u64;
        let replaced = if self.scanner.is_some() { named } else { 0 };
        let added = if self.scanner.is_some() { model.len() as u64 } else { 0 };
        let length = self.declared.and_then(|declared| declared.checked_sub(replaced)?.checked_add(added));
        let (feed, upload) = Upload::new(length);
        (Outgoing::Stream(upload), Some(feed))
    }

    /// What is held, with this name for the model.
    fn head(&self, model: &str) -> Bytes {
        if let [Part::Bytes(only)] = self.held.as_slice() {
            return only.clone();
        }
        let mut head = BytesMut::with_capacity(self.held_bytes + model.len());
        for part in &self.held {
            match part {
                Part::Bytes(bytes) => head.extend_from_slice(bytes),
                Part::Model => head.extend_from_slice(model.as_bytes()),
            }
        }
        head.freeze()
    }

    /// Puts the whole body into `feed` while it comes in. Ends when the body does, or when nobody reads it any more.
    ///
    /// # Errors
    /// When the caller breaks off, sends too much, or what comes is no form. The request to the provider must be dropped
    /// then.
    pub(super) async fn pump<H: Host>(
        &mut self,
        host: &H,
        mut feed: Feed,
        model: &str,
    ) -> Result<(), GatewayError> {
        if !give(&mut feed, self.head(model)).await {
            return Ok(());
        }
        while !self.complete {
            // Nothing more is taken from the caller before it can go on: a slow provider slows its caller down.
            if !can_take(&mut feed).await {
                return Ok(());
            }
            self.spent = true;
            let parts = self.next(host).await?;
            for part in parts {
                let bytes = match part {
                    Part::Bytes(bytes) => bytes,
                    Part::Model => Bytes::copy_from_slice(model.as_bytes()),
                };
                if !give(&mut feed, bytes).await {
                    return Ok(());
                }
            }
        }
        if can_take(&mut feed).await {
            // Nobody reads on who does not know the end.
            let _read = feed.end();
        }
        Ok(())
    }

    /// The next of what comes in.
    async fn next<H: Host>(&mut self, host: &H) -> Result<Vec<Part>, GatewayError> {
        let mut parts = Vec::new();
        match next_data(host, &mut self.body).await? {
            Some(data) => {
                self.came += data.len() as u64;
                if self.came > self.limits.upload {
                    return Err(too_large(self.limits.upload, "server.max_upload"));
                }
                match &mut self.scanner {
                    None => parts.push(Part::Bytes(data)),
                    Some(scanner) => {
                        scanner.push(&data);
                        while let Some(piece) = scanner.next().map_err(|error| unreadable(&error))? {
                            match piece {
                                Piece::Bytes(bytes) => parts.push(Part::Bytes(bytes)),
                                Piece::Value { value, .. } => {
                                    note_model(&mut self.found, self.announced.as_deref(), &value)?;
                                    parts.push(Part::Model);
                                }
                            }
                        }
                    }
                }
                if self.body.is_end_stream() {
                    self.finish()?;
                }
            }
            None => self.finish()?,
        }
        Ok(parts)
    }

    fn finish(&mut self) -> Result<(), GatewayError> {
        if let Some(scanner) = &self.scanner {
            scanner.end().map_err(|error| unreadable(&error))?;
            // One that is only announced would leave the choice to the provider.
            if self.found.is_none() {
                return Err(missing());
            }
        }
        self.complete = true;
        Ok(())
    }

    fn comes_late(&self) -> GatewayError {
        let text = format!(
            "the field `model` did not come within the first {} bytes of the form (server.max_body): put it before the \
             files, or name the model in the header x-postern-model too",
            self.limits.body
        );
        GatewayError::new(ErrorKind::BodyTooLarge, text).at(MODEL)
    }
}

/// Notes the model that the form names. A second one is refused: which one counts, servers do not agree.
fn note_model(found: &mut Option<String>, announced: Option<&str>, value: &[u8]) -> Result<(), GatewayError> {
    let refuse = |text: &str| Err(GatewayError::new(ErrorKind::InvalidRequest, text).at(MODEL));
    let Ok(model) = std::str::from_utf8(value) else { return refuse("the model's name is not UTF-8") };
    if model.is_empty() {
        return refuse("model: expected the name of a model, found an empty field");
    }
    if found.is_some() {
        return refuse("the form has the field `model` twice");
    }
    if announced.is_some_and(|announced| announced != model) {
        return refuse("the header x-postern-model names another model than the form");
    }
    *found = Some(model.to_owned());
    Ok(())
}

fn missing() -> GatewayError {
    GatewayError::new(ErrorKind::InvalidRequest, "model: required: the form has no field `model`").at(MODEL)
}

fn unreadable(error: &MultipartError) -> GatewayError {
    GatewayError::new(ErrorKind::InvalidRequest, format!("the form cannot be read: {error}"))
}

/// Whether `feed` can take another piece, once it can.
async fn can_take(feed: &mut Feed) -> bool {
    poll_fn(|cx| feed.poll_ready(cx)).await.is_ok()
}

/// Whether `feed` took a piece.
async fn give(feed: &mut Feed, piece: Bytes) -> bool {
    can_take(feed).await && feed.push(piece).is_ok()
}
