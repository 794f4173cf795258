//! A call's record while the call runs.
//!
//! Whatever happens to the call, also its future or its body being dropped, the record leaves here exactly once.

use std::sync::Arc;

use bytes::Bytes;
use futures_channel::oneshot;
use postern_wire::{Dialect, Fault, Usage};

use super::After;
use super::gateway::Snapshot;
use super::tally::Tally;
use crate::config::Payloads;
use crate::error::{GatewayError, fault_code};
use crate::host::Host;
use crate::record::{Attempt, Outcome, Record, UsageSource};
use crate::time::Timestamp;

/// What a caller who left before there was a status is recorded with; no such status is ever sent.
const CLIENT_CLOSED: u16 = 499;
/// What an entry point answers to a panic.
const INTERNAL: u16 = 500;
/// What a provider says of itself goes into a record up to this many bytes.
const LONGEST_WORD: usize = 256;
/// How much of a payload a record takes, bytes.
const PAYLOAD_LIMIT: usize = 256 * 1024;

/// The record being written, and where it goes.
pub(super) struct Draft<H: Host> {
    host: H,
    record: Record,
    /// The configuration in force, which knows the prices.
    snapshot: Arc<Snapshot>,
    /// What was asked, to be counted when the provider gives no figures.
    asked: Option<(Dialect, Bytes)>,
    /// What was answered so far, for the same.
    tally: Tally,
    keep_payloads: bool,
    /// Whether a call without figures has a price that is not known.
    expects_usage: bool,
    /// Since when the present attempt runs, until its answer begins or it fails.
    trying: Option<Timestamp>,
    sink: Option<oneshot::Sender<Box<Record>>>,
    open: bool,
}

impl<H: Host> Draft<H> {
    pub(super) fn new(host: &H, snapshot: Arc<Snapshot>, record: Record) -> Self {
        let keep_payloads = matches!(snapshot.config.records.payloads, Payloads::All);
        Self {
            host: host.clone(),
            record,
            snapshot,
            asked: None,
            tally: Tally::default(),
            keep_payloads,
            expects_usage: false,
            trying: None,
            sink: None,
            open: true,
        }
    }

    /// One that leaves nothing: for what is asked beside the call.
    pub(super) fn silent(host: &H, snapshot: Arc<Snapshot>, at: Timestamp) -> Self {
        let mut draft = Self::new(host, snapshot, Record { at, ..Record::default() });
        draft.open = false;
        draft
    }

    pub(super) const fn record(&mut self) -> &mut Record {
        &mut self.record
    }

    /// Whether the record has not left yet.
    pub(super) const fn is_open(&self) -> bool {
        self.open
    }

    pub(super) const fn arrived(&self) -> Timestamp {
        self.record.at
    }

    /// Notes a conversation, to be counted should the provider give no figures.
    pub(super) fn counts(&mut self, dialect: Dialect, body: &Bytes) {
        self.asked = Some((dialect, body.clone()));
    }

    /// Notes the request's body, if the configuration asks for payloads.
    pub(super) fn request_body(&mut self, body: &[u8]) {
        if self.keep_payloads {
            keep(&mut self.record.request_body, body);
        }
    }

    /// Notes text that the model said; `mixed` when there was more than text, or several choices at once.
    pub(super) fn said(&mut self, text: &str, mixed: bool) {
        self.tally.push(&self.record.upstream_model, text);
        if mixed {
            self.tally.mixed();
        }
    }

    /// Notes a piece of the answer's body, if the configuration asks for payloads.
    pub(super) fn response_body(&mut self, piece: &[u8]) {
        if self.keep_payloads {
            keep(&mut self.record.response_body, piece);
        }
    }

    /// An attempt begins. It stands in the record from now on, also if the call ends in the middle of it.
    pub(super) fn attempt(&mut self, provider: &str, model: &str) {
        provider.clone_into(&mut self.record.provider);
        model.clone_into(&mut self.record.upstream_model);
        self.record.attempts.push(Attempt {
            provider: provider.to_owned(),
            model: model.to_owned(),
            ..Attempt::default()
        });
        self.trying = Some(self.host.now());
    }

    /// The present attempt ended, or its answer begins.
    pub(super) fn attempted(&mut self, status: Option<u16>, fault: Option<&Fault>) {
        let Some(begun) = self.trying.take() else { return };
        let duration = self.host.now().since(begun).as_micros() as u64;
        self.record.upstream_us += duration;
        if let Some(attempt) = self.record.attempts.last_mut() {
            attempt.duration_us = duration;
            attempt.status = status.or_else(|| fault.and_then(|f| f.status));
            attempt.fault = fault.map(|f| f.kind);
        }
    }

    /// A pause before another attempt is over; it counts as waiting for the upstream.
    pub(super) fn paused(&mut self, since: Timestamp) {
        self.record.upstream_us += self.host.now().since(since).as_micros() as u64;
    }

    /// Marks the present attempt as failed after its answer had begun.
    pub(super) fn attempt_failed(&mut self, fault: &Fault) {
        if let Some(attempt) = self.record.attempts.last_mut() {
            attempt.fault = Some(fault.kind);
        }
        self.record.error = Some(fault_code(fault.kind).to_owned());
    }

    /// The provider's own figures.
    pub(super) fn provider_usage(&mut self, usage: Usage) {
        self.record.usage = usage;
        self.record.usage_source = UsageSource::Provider;
    }

    /// The call costs something, also if nobody says how much was used.
    pub(super) const fn expects_usage(&mut self) {
        self.expects_usage = true;
    }

    /// Figures that were counted here; whether they are an estimate comes with them.
    pub(super) fn own_usage(&mut self, usage: Usage, estimated: bool) {
        self.record.usage = usage;
        self.record.usage_source = if estimated { UsageSource::Estimated } else { UsageSource::Counted };
    }

    /// Counts what the provider gave no figures for. For answers that an upstream began.
    pub(super) fn count_missing_usage(&mut self) {
        if self.record.usage_source == UsageSource::None
            && let Some((dialect, request)) = &self.asked
        {
            let (usage, estimated) = self.tally.count(*dialect, request, &self.record.upstream_model);
            self.own_usage(usage, estimated);
        }
        let record = &mut self.record;
        let pricing = self.snapshot.pricing(&record.provider, &record.upstream_model, record.at.day());
        (record.cost, record.priced) = pricing.cost(&record.usage);
        record.priced &= !(self.expects_usage && record.usage_source == UsageSource::None);
    }

    /// The call was refused or failed before an answer began.
    pub(super) fn fail(&mut self, error: &GatewayError, outcome: Outcome) {
        self.record.status = error.kind.status().as_u16();
        self.record.error = Some(error.code().to_owned());
        self.record.outcome = outcome;
    }

    /// From here on the record goes to whoever holds the returned [`After`], once the body is done.
    pub(super) fn into_body(mut self) -> (Self, After) {
        let (sender, receiver) = oneshot::channel();
        self.sink = Some(sender);
        (self, After::pending(receiver))
    }

    /// The call is over. Gives the record to settle now, or sends it to where it is awaited.
    pub(super) fn finish(&mut self, outcome: Outcome) -> After {
        if !self.open {
            return After::nothing();
        }
        self.open = false;
        let mut record = std::mem::take(&mut self.record);
        record.outcome = outcome;
        clip(&mut record.response_model);
        record.finish_reasons.iter_mut().for_each(clip);
        record.total_us = self.host.now().since(record.at).as_micros() as u64;
        if record.first_token_us.is_none() {
            record.gateway_us = record.total_us.saturating_sub(record.upstream_us);
        }
        tracing::debug!(
            request_id = record.id,
            tenant = record.tenant,
            gen_ai.request.model = record.model,
            gen_ai.response.model = record.response_model,
            gen_ai.usage.input_tokens = record.usage.total_input(),
            gen_ai.usage.output_tokens = record.usage.total_output(),
            status = record.status,
            outcome = ?record.outcome,
            total_us = record.total_us,
            gateway_us = record.gateway_us,
            cost_micro_usd = record.cost.0,
            "call"
        );
        match self.sink.take() {
            None => After::ready(record),
            Some(sender) => match sender.send(Box::new(record)) {
                Ok(()) => After::nothing(),
                // Nobody waits for it any more: the host must still write it.
                Err(record) => {
                    self.host.abandoned(After::ready(*record));
                    After::nothing()
                }
            },
        }
    }
}

impl<H: Host> Drop for Draft<H> {
    /// The call's future or its body was dropped before its end: the caller left, or something panicked.
    fn drop(&mut self) {
        if !self.open {
            return;
        }
        self.attempted(None, None);
        let (status, outcome) = if std::thread::panicking() {
            (INTERNAL, Outcome::Internal)
        } else {
            (CLIENT_CLOSED, Outcome::ClientClosed)
        };
        if self.record.status == 0 {
            self.record.status = status;
        } else {
            self.count_missing_usage();
        }
        let after = self.finish(outcome);
        if !after.is_nothing() {
            self.host.abandoned(after);
        }
    }
}

fn clip(word: &mut String) {
    word.truncate(word.floor_char_boundary(LONGEST_WORD));
}

fn keep(payload: &mut Option<String>, piece: &[u8]) {
    let payload = payload.get_or_insert_default();
    let room = PAYLOAD_LIMIT.saturating_sub(payload.len());
    let piece = piece.get(..room.min(piece.len())).unwrap_or_default();
    payload.push_str(&String::from_utf8_lossy(piece));
}
