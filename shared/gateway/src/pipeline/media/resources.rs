//! Files, batches and uploads in parts: what a provider keeps for a tenant. Requests pass as they are; whose a thing is
//! is noted when it is made, and looked up whenever it is named (`store/owned.rs`).

use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::join_all;
use http::{HeaderValue, StatusCode};
use postern_wire::dialect::openai_chat::decode_usage;
use postern_wire::provider::{Offer, Operation};
use postern_wire::{Fault, FaultKind, Usage};
use serde_json::{Value, json};

use super::deliver::{Errand, Load, deliver};
use super::form::Form;
use super::selection::{Selection, plan};
use super::{content_type, limits, unknown};
use crate::admin::Query;
use crate::error::{ErrorKind, GatewayError};
use crate::host::Host;
use crate::http::error::json_response;
use crate::pipeline::Reply;
use crate::pipeline::accept::{Call, read_body};
use crate::pipeline::attempt::Answer;
use crate::pipeline::body::Body;
use crate::pipeline::dispatch::{Delivery, Undelivered};
use crate::pipeline::draft::Draft;
use crate::pipeline::gateway::{Gateway, Snapshot};
use crate::pipeline::headers::{TARGET, insert};
use crate::pipeline::run::{Entered, enter, refuse, transcode, undeliverable};
use crate::record::{BatchCounts, Outcome};
use crate::store::owned::{Kind, OwnedEntry, Page, Place, is_id};

/// Things on a page unless asked otherwise, and at most. OpenAI gives up to 10,000 files; who wants more asks on.
const FILES: usize = 100;
const BATCHES: usize = 20;
const MOST: usize = 100;
/// Tries to read or remove something. What makes something is tried once: it could be made twice.
const ATTEMPTS: u32 = 2;

/// What is asked of what a provider keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Resource {
    pub(crate) kind: Kind,
    pub(crate) verb: Verb,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Create,
    List,
    Retrieve,
    Delete,
    /// To give a file's bytes.
    Content,
    Cancel,
    /// To add a part to an upload.
    AddPart,
    /// To make an upload a file.
    Complete,
}

impl Resource {
    const fn offer(self) -> Offer {
        match self.kind {
            Kind::File => Offer::Files,
            Kind::Batch => Offer::Batches,
            Kind::Upload => Offer::Uploads,
        }
    }

    /// The path below a provider's base URL.
    fn path(self, id: &str) -> String {
        let base = self.offer().path();
        match self.verb {
            Verb::Create | Verb::List => base.to_owned(),
            Verb::Retrieve | Verb::Delete => format!("{base}/{id}"),
            Verb::Content => format!("{base}/{id}/content"),
            Verb::Cancel => format!("{base}/{id}/cancel"),
            Verb::AddPart => format!("{base}/{id}/parts"),
            Verb::Complete => format!("{base}/{id}/complete"),
        }
    }

    /// Whether the body may be large, so that it flows on.
    const fn is_upload(self) -> bool {
        matches!((self.kind, self.verb), (Kind::File, Verb::Create) | (Kind::Upload, Verb::AddPart))
    }
}

/// A call about a thing, and whose it is.
struct Errands<'e, H> {
    host: &'e H,
    call: &'e Call,
    snapshot: &'e Arc<Snapshot>,
    resource: Resource,
    provider: &'e str,
    place: Place,
    tenant: &'e str,
    key: &'e str,
}

/// Runs a call through all stages. `id` is that of the thing, if the path names one.
pub(crate) async fn run<H, B>(
    gateway: &Gateway,
    host: &H,
    call: Call,
    resource: Resource,
    id: &str,
    body: B,
) -> Reply<H>
where
    H: Host,
    B: http_body::Body<Data = Bytes> + Unpin,
{
    let Entered { snapshot, caller, mut draft } = match enter(gateway, host, &call).await {
        Ok(entered) => entered,
        Err(reply) => return reply,
    };
    let selected = Query::of(&call.parts).and_then(|query| {
        let selection = Selection::of(&snapshot, &caller, &call.parts, &query, resource.offer())?;
        Ok((query, selection))
    });
    let (query, selection) = match selected {
        Ok(selected) => selected,
        Err(error) => return refuse(&call, draft, &error),
    };
    // What small bodies say is needed before it is clear who is meant.
    let small = match resource.verb {
        Verb::Create | Verb::Complete | Verb::Cancel if !resource.is_upload() => {
            read_body(host, &call.parts, body, snapshot.config.server.max_body).await.map(Ok)
        }
        _ => Ok(Err(body)),
    };
    let mut body = match small {
        Ok(body) => body,
        Err(error) => return refuse(&call, draft, &error),
    };
    if let Ok(bytes) = &body {
        draft.request_body(bytes);
    }
    let found = find(host, &selection, caller.tenant(), resource, id, body.as_ref().ok()).await;
    let (provider, entry) = match found {
        Ok(found) => found,
        Err(error) => return refuse(&call, draft, &error),
    };
    draft.record().provider.clone_from(&provider);
    let errands = Errands {
        host,
        call: &call,
        snapshot: &snapshot,
        resource,
        provider: &provider,
        place: Place::new(caller.tenant(), &provider),
        tenant: caller.tenant(),
        key: caller.key(),
    };
    if resource.verb == Verb::List {
        return errands.list(&query, draft).await;
    }
    let path = resource.path(id);
    let to = match resource.verb {
        Verb::Delete => Operation::Delete { path: &path },
        Verb::Retrieve | Verb::Content | Verb::List => Operation::Get { path: &path },
        Verb::Create | Verb::Cancel | Verb::AddPart | Verb::Complete => Operation::Post {
            path: &path,
            model: "",
            content_type: content_type(&call.parts.headers),
            accept: super::ANY,
        },
    };
    let errand = Errand { offer: resource.offer(), to, made: None, unread: resource.verb == Verb::Content };
    let attempts = if matches!(to, Operation::Post { .. }) { 1 } else { ATTEMPTS };
    let plan = plan(&snapshot, &provider, attempts);
    let whole = body.as_ref().ok().cloned().unwrap_or_default();
    let given = |_: &str| whole.clone();
    let mut form = None;
    if resource.is_upload()
        && let Err(stream) = &mut body
    {
        match Form::unread(host, &call.parts, stream, limits(&snapshot)).await {
            Ok(read) => form = Some(read),
            Err(error) => return refuse(&call, draft, &error),
        }
    }
    let load = match &mut form {
        Some(form) => Load::Form(form),
        None => Load::Whole(&given),
    };
    match deliver(host, &call, &plan, errand, load, &mut draft).await {
        Ok(delivery) => {
            let told = match &delivery.answer {
                Answer::Whole { body, .. } => Some(body.clone()),
                Answer::Part { .. } | Answer::Stream { .. } => None,
            };
            if let Some(told) = told
                && let Err(error) = errands.note(&told, id, entry.as_ref(), &mut draft).await
            {
                return refuse(&call, draft, &error);
            }
            transcode(host, &call, delivery, draft)
        }
        Err(undelivered) => {
            if let (Undelivered::Failed { failure, .. }, Some(entry)) = (&undelivered, &entry)
                && failure.fault.status == Some(StatusCode::NOT_FOUND.as_u16())
                && matches!(resource.verb, Verb::Retrieve | Verb::Delete)
            {
                // It has expired, or was removed by other means.
                let _gone = errands.place.forget(host.store(), id, entry).await;
            }
            undeliverable(&call, undelivered, draft)
        }
    }
}

/// The provider that is meant, and the entry of the thing that is named. A thing of another tenant is not there.
async fn find<H: Host>(
    host: &H,
    selection: &Selection,
    tenant: &str,
    resource: Resource,
    id: &str,
    body: Option<&Bytes>,
) -> Result<(String, Option<OwnedEntry>), GatewayError> {
    // A batch is made of a file, which says where.
    let of_file;
    let (kind, wanted) = match (resource.kind, resource.verb) {
        (Kind::Batch, Verb::Create) => {
            let body: Value = serde_json::from_slice(body.map_or(&[][..], Bytes::as_ref)).map_err(|_| {
                GatewayError::new(ErrorKind::InvalidRequest, "expected a JSON object with `input_file_id`")
            })?;
            let file = body.get("input_file_id").and_then(Value::as_str).ok_or_else(|| {
                let text = "input_file_id: required: the id of a file, a string";
                GatewayError::new(ErrorKind::InvalidRequest, text).at("input_file_id")
            })?;
            of_file = file.to_owned();
            (Kind::File, of_file.as_str())
        }
        (_, Verb::Create | Verb::List) => return Ok((selection.only()?.to_owned(), None)),
        (kind, _) => (kind, id),
    };
    for provider in selection.names() {
        let place = Place::new(tenant, provider);
        if let Some(entry) = place.find(host.store(), kind, wanted).await? {
            return Ok((provider.to_owned(), Some(entry)));
        }
    }
    let shown = if is_id(wanted) { wanted } else { "?" };
    let mut error = unknown(kind.name(), shown);
    if selection.is_named() {
        error.message.push_str(" with this provider");
    }
    Err(error)
}

impl<H: Host> Errands<'_, H> {
    /// Notes what an answer changes: a new thing, one that is gone, a batch that is done.
    async fn note(
        &self,
        body: &Bytes,
        id: &str,
        entry: Option<&OwnedEntry>,
        draft: &mut Draft<H>,
    ) -> Result<(), GatewayError> {
        let store = self.host.store();
        let object = || {
            serde_json::from_slice::<Value>(body).map_err(|_| {
                let fault = Fault::new(FaultKind::BadAnswer, "the answer is not JSON");
                GatewayError::upstream(fault, self.provider)
            })
        };
        match (self.resource.kind, self.resource.verb) {
            (kind, Verb::Create) => self.keep(kind, &object()?).await,
            (Kind::Upload, Verb::Complete) => match object()?.get("file") {
                Some(file) if file.is_object() => self.keep(Kind::File, file).await,
                _ => Ok(()),
            },
            (Kind::File, Verb::Delete) => match entry {
                Some(entry) => Ok(self.place.forget(store, id, entry).await?),
                None => Ok(()),
            },
            (Kind::Batch, Verb::Retrieve | Verb::Cancel) => {
                let Some(entry) = entry else { return Ok(()) };
                self.follow(id, entry, &object()?, Some(draft)).await
            }
            _ => Ok(()),
        }
    }

    /// Notes a new thing as the tenant's.
    async fn keep(&self, kind: Kind, object: &Value) -> Result<(), GatewayError> {
        let id = object.get("id").and_then(Value::as_str).filter(|id| is_id(id));
        let id = id.ok_or_else(|| {
            let fault = Fault::new(FaultKind::BadAnswer, "the answer has no id that can be used");
            GatewayError::upstream(fault, self.provider)
        })?;
        let entry = self.entry(kind, object);
        let listed = (kind != Kind::Upload).then_some(object);
        self.place.note(self.host.store(), id, &entry, listed).await.map_err(|error| {
            let mut error = GatewayError::from(error);
            let made = kind.name();
            error.message = format!(
                "the provider has made the {made} `{id}`, but the gateway's store does not answer: it cannot be used here; make \
                 it anew in a moment"
            );
            error
        })
    }

    fn entry(&self, kind: Kind, object: &Value) -> OwnedEntry {
        let created = object.get("created_at").and_then(Value::as_u64);
        OwnedEntry {
            tenant: self.tenant.to_owned(),
            key: self.key.to_owned(),
            kind,
            created: created.unwrap_or_else(|| self.host.now().seconds()),
        }
    }

    /// Notes what a batch says now: its files are the tenant's, and what it has used is recorded once.
    async fn follow(
        &self,
        id: &str,
        entry: &OwnedEntry,
        batch: &Value,
        draft: Option<&mut Draft<H>>,
    ) -> Result<(), GatewayError> {
        let store = self.host.store();
        self.place.describe(store, id, entry, batch).await?;
        for name in ["output_file_id", "error_file_id"] {
            let file = batch.get(name).and_then(Value::as_str).filter(|file| is_id(file));
            if let Some(file) = file
                && self.place.find(store, Kind::File, file).await?.is_none()
            {
                self.place.note(store, file, &self.entry(Kind::File, &Value::Null), None).await?;
            }
        }
        if let Some(draft) = draft
            && is_over(batch)
            && self.place.meter_once(store, id, self.call.id.as_str()).await?
        {
            meter(batch, draft);
        }
        Ok(())
    }

    /// A page of the tenant's own things, from what is noted. Batches that are not over are asked for anew.
    async fn list(&self, query: &Query, mut draft: Draft<H>) -> Reply<H> {
        match self.page(query, &mut draft).await {
            Ok(page) => {
                let id = |object: Option<&Value>| object.and_then(|object| object.get("id")).cloned();
                let body = json!({
                    "object": "list",
                    "data": page.objects,
                    "first_id": id(page.objects.first()),
                    "last_id": id(page.objects.last()),
                    "has_more": page.more,
                });
                draft.record().status = StatusCode::OK.as_u16();
                let mut response = json_response(StatusCode::OK, &body);
                insert(response.headers_mut(), &TARGET, self.provider);
                response
                    .headers_mut()
                    .insert(http::header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
                Reply { response, after: draft.finish(Outcome::Ok) }
            }
            Err(error) => refuse(self.call, draft, &error),
        }
    }

    async fn page(&self, query: &Query, draft: &mut Draft<H>) -> Result<Page, GatewayError> {
        let bad = |name: &str, text: &str| {
            GatewayError::new(ErrorKind::InvalidRequest, format!("{name}: {text}")).at(name)
        };
        query.only(&["provider", "after", "limit", "order", "purpose"])?;
        if query.text("order").is_some_and(|order| order != "desc") {
            return Err(bad("order", "only desc is known here: the newest first"));
        }
        let usual = if self.resource.kind == Kind::Batch { BATCHES } else { FILES };
        let limit = match query.text("limit") {
            None => usual,
            Some(text) => match text.parse::<usize>() {
                Ok(limit) if limit > 0 => limit.min(MOST),
                _ => return Err(bad("limit", "must be a number from 1 on")),
            },
        };
        let purpose = query.text("purpose");
        let wanted = |object: &Value| {
            purpose.as_deref().is_none_or(|purpose| object.get("purpose").is_some_and(|p| p == purpose))
        };
        let after = query.text("after");
        let store = self.host.store();
        let kind = self.resource.kind;
        let page = self.place.page(store, kind, after.as_deref(), limit, wanted).await?;
        let mut page = page.ok_or_else(|| unknown(kind.name(), after.as_deref().unwrap_or_default()))?;
        if kind == Kind::Batch {
            let since = self.host.now();
            let refreshed = join_all(page.objects.iter().map(|batch| self.refresh(batch))).await;
            for (object, fresh) in page.objects.iter_mut().zip(refreshed) {
                if let Some(fresh) = fresh {
                    *object = fresh;
                }
            }
            draft.paused(since);
        }
        Ok(page)
    }

    /// What the provider says of a batch now, if it may have changed. One that cannot be asked for stays as it was.
    async fn refresh(&self, batch: &Value) -> Option<Value> {
        let id = batch.get("id").and_then(Value::as_str).filter(|_| !is_over(batch))?;
        let path = Resource { verb: Verb::Retrieve, ..self.resource }.path(id);
        let errand =
            Errand { offer: Offer::Batches, to: Operation::Get { path: &path }, made: None, unread: false };
        let plan = plan(self.snapshot, self.provider, 1);
        // Not a call of the caller's: it leaves no record of its own.
        let mut silent = Draft::silent(self.host, Arc::clone(self.snapshot), self.call.arrived);
        let load: Load<'_, Body<H>> = Load::Whole(&|_| Bytes::new());
        let answered = deliver(self.host, self.call, &plan, errand, load, &mut silent).await;
        let Ok(Delivery { answer: Answer::Whole { body, .. }, .. }) = answered else { return None };
        let fresh: Value = serde_json::from_slice(&body).ok()?;
        let entry = self.place.find(self.host.store(), Kind::Batch, id).await.ok()??;
        self.follow(id, &entry, &fresh, None).await.ok()?;
        Some(fresh)
    }
}

/// Whether a batch will not change any more.
fn is_over(batch: &Value) -> bool {
    let status = batch.get("status").and_then(Value::as_str).unwrap_or_default();
    matches!(status, "completed" | "failed" | "expired" | "cancelled")
}

/// Notes what a batch has used, as far as the provider says.
fn meter<H: Host>(batch: &Value, draft: &mut Draft<H>) {
    draft.expects_usage();
    if let Some(usage) = batch.get("usage").map(decode_usage).filter(|usage| *usage != Usage::default()) {
        draft.provider_usage(usage);
    }
    let record = draft.record();
    // It has no price here: batches are cheaper than calls, by how much is not in the catalog.
    if let Some(model) = batch.get("model").and_then(Value::as_str) {
        model.clone_into(&mut record.response_model);
    }
    if let Some(counts) = batch.get("request_counts") {
        let count = |name: &str| counts.get(name).and_then(Value::as_u64).unwrap_or_default();
        record.batch = Some(BatchCounts {
            total: count("total"),
            completed: count("completed"),
            failed: count("failed"),
        });
    }
}
