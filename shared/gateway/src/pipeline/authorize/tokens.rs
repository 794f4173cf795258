//! Tokens that are kept for the calls to come: by provider and a digest of the credential, fetched again some minutes before
//! they end, by one call at a time. Plain data: nothing here belongs to a call.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::lock::Mutex as Turn;
use postern_wire::{Fault, FaultKind};

use super::exchange::exchange;
use super::grant::{Grant, Lent};
use crate::host::Host;
use crate::time::Timestamp;

/// Credentials that are known at once; when there are more, those without a token in force are forgotten.
const MOST: usize = 256;
/// How long before its end a token is fetched again, unless it lasts less than twice that.
const EARLY: Duration = Duration::from_secs(300);
/// A token is not used in its last moments: it would end on the way.
const TOO_LATE: Duration = Duration::from_secs(30);
/// When a token that is still good could not be fetched anew, or somebody is at it, how long it is left at that.
const PAUSE: Duration = Duration::from_secs(15);
/// How long a refusal of the credential is taken for granted: calls must not beat on a token service in vain.
const REFUSED: Duration = Duration::from_secs(5);
/// How long an exchange may take.
const EXCHANGE: Duration = Duration::from_secs(10);
/// The same, where the token at hand is still good.
const RENEWAL: Duration = Duration::from_secs(3);

/// What a token service gave.
pub(super) struct Given {
    pub(super) lent: Lent,
    /// How long it lasts from the time of the question.
    pub(super) lasts: Duration,
}

/// What proves a request.
pub(super) struct Proof {
    pub(super) lent: Lent,
    /// Whether it was kept from an earlier call.
    pub(super) kept: bool,
    key: [u8; 32],
    number: u64,
}

/// The tokens of a gateway.
#[derive(Default)]
pub(crate) struct Tokens(Mutex<HashMap<[u8; 32], Arc<Slot>>>);

/// One credential.
#[derive(Default)]
struct Slot {
    state: Mutex<State>,
    /// Held by the call that fetches the first token, where calls may wait for each other.
    turn: Turn<()>,
}

#[derive(Default)]
struct State {
    token: Option<Kept>,
    refused: Option<(Timestamp, Fault)>,
    /// Counts tokens, so that a late word about an old one does not harm a new one.
    number: u64,
}

struct Kept {
    lent: Lent,
    /// From when on it should be fetched anew.
    due: Timestamp,
    /// Until when it can be used.
    until: Timestamp,
}

/// What a slot has to say.
enum Look {
    /// A token, good for now.
    Good(Proof),
    /// A token that this call should fetch anew.
    Due(Proof),
    /// The credential was refused a moment ago.
    Refused(Fault),
    /// Nothing.
    Nothing,
}

impl Tokens {
    /// The token for a grant: kept, or fetched.
    pub(super) async fn lend<H: Host>(
        &self,
        host: &H,
        provider: &str,
        grant: &Grant,
    ) -> Result<Proof, Fault> {
        let key = grant.digest(provider);
        let slot = self.slot(key, host.now());
        let asked = host.now();
        match slot.look(key, asked) {
            Look::Good(proof) => return Ok(proof),
            Look::Refused(fault) => return Err(fault),
            Look::Due(proof) => {
                return Ok(match exchange(host, provider, grant, RENEWAL).await {
                    Ok(given) => slot.keep(key, asked, given),
                    Err(fault) => {
                        tracing::warn!(fault = ?fault.kind, "a token could not be fetched anew; the old one is used");
                        proof
                    }
                });
            }
            Look::Nothing => {}
        }
        // What another call has begun may end with that call on some hosts, and is then not to be waited for.
        let _turn = if H::CALLS_SHARE { Some(slot.turn.lock().await) } else { None };
        let asked = host.now();
        match slot.look(key, asked) {
            Look::Good(proof) | Look::Due(proof) => return Ok(proof),
            Look::Refused(fault) => return Err(fault),
            Look::Nothing => {}
        }
        match exchange(host, provider, grant, EXCHANGE).await {
            Ok(given) => Ok(slot.keep(key, asked, given)),
            Err(fault) => {
                if fault.kind == FaultKind::Authentication {
                    slot.state().refused = Some((host.now().plus(REFUSED), fault.clone()));
                }
                Err(fault)
            }
        }
    }

    /// Forgets the token of a proof that was refused, unless another has come since.
    pub(super) fn forget(&self, proof: &Proof) {
        let slot = self.slots().get(&proof.key).map(Arc::clone);
        if let Some(slot) = slot {
            let mut state = slot.state();
            if state.number == proof.number {
                state.token = None;
            }
        }
    }

    fn slots(&self) -> MutexGuard<'_, HashMap<[u8; 32], Arc<Slot>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn slot(&self, key: [u8; 32], now: Timestamp) -> Arc<Slot> {
        let mut slots = self.slots();
        if slots.len() >= MOST && !slots.contains_key(&key) {
            slots.retain(|_, slot| slot.state().token.as_ref().is_some_and(|token| now < token.until));
            if slots.len() >= MOST {
                slots.clear();
            }
        }
        Arc::clone(slots.entry(key).or_default())
    }
}

impl Slot {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn look(&self, key: [u8; 32], now: Timestamp) -> Look {
        let mut state = self.state();
        let number = state.number;
        if let Some(token) = state.token.as_mut().filter(|token| now < token.until) {
            let proof = Proof { lent: token.lent.clone(), kept: true, key, number };
            if now < token.due {
                return Look::Good(proof);
            }
            // The others go on with the old one meanwhile.
            token.due = now.plus(PAUSE);
            return Look::Due(proof);
        }
        match &state.refused {
            Some((until, fault)) if now < *until => Look::Refused(fault.clone()),
            _ => Look::Nothing,
        }
    }

    fn keep(&self, key: [u8; 32], asked: Timestamp, given: Given) -> Proof {
        let Given { lent, lasts } = given;
        let mut state = self.state();
        state.number += 1;
        state.refused = None;
        state.token = Some(Kept {
            lent: lent.clone(),
            due: asked.plus(lasts.saturating_sub(EARLY.min(lasts / 2))),
            until: asked.plus(lasts.saturating_sub(TOO_LATE.min(lasts / 4))),
        });
        Proof { lent, kept: false, key, number: state.number }
    }
}

/// Shows none of them.
impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tokens(..)")
    }
}
