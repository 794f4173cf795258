//! Plays a case on a site and says everything that is not as it must be.

mod admin;
mod answer;
mod record;
mod secrecy;
mod subset;

pub use secrecy::{prompts, secrets_in};

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::Request;
use postern_testkit::Script;
use postern_testkit::script::Fate;

use crate::corpus::{Case, Key};
use crate::site::{Ending, Payload, Site};

/// A caller with the key that a case is about, of a tenant that nobody else is.
pub struct Caller<'a, S> {
    site: &'a S,
    tenant: String,
    key: Option<admin::MadeKey>,
}

/// One play of a case.
struct Play<'a, S> {
    site: &'a S,
    case: &'a Case,
    /// The caller's trace, by which the upstream and the record know the call.
    trace: String,
    tenant: &'a str,
}

/// Plays `case` on `site`.
///
/// # Errors
/// Everything that is not as the case says, one a line.
pub async fn play<S: Site>(site: &S, case: &Case) -> Result<(), String> {
    Caller::new(site, case).await?.play(case).await
}

/// A number that no other play of this process has.
fn number() -> u64 {
    static PLAYS: AtomicU64 = AtomicU64::new(1);
    PLAYS.fetch_add(1, Ordering::Relaxed)
}

/// A new key of a tenant that may use every model.
///
/// # Errors
/// When the gateway does not make it.
pub async fn new_key<S: Site>(site: &S, tenant: &str) -> Result<String, String> {
    admin::make_key(site, tenant, &["*".to_owned()], None).await.map(|key| key.text)
}

impl<'a, S: Site> Caller<'a, S> {
    /// Makes the key of `case`, in the state that it says.
    ///
    /// # Errors
    /// When the gateway does not make it.
    pub async fn new(site: &'a S, case: &Case) -> Result<Self, String> {
        let tenant = format!("{}-{}", case.name.replace('/', "."), number());
        let key = match case.key {
            Key::None | Key::Unknown | Key::Malformed | Key::Admin => None,
            Key::Good | Key::WrongSecret | Key::Revoked | Key::Expired => {
                Some(make_key(site, &tenant, case).await?)
            }
        };
        Ok(Self { site, tenant, key })
    }

    /// Plays `case` as this caller.
    ///
    /// # Errors
    /// Everything that is not as the case says, one a line.
    pub async fn play(&self, case: &Case) -> Result<(), String> {
        let trace = format!("c0fefe00000000000000{:012x}", number());
        let play = Play { site: self.site, case, trace, tenant: &self.tenant };
        let wrong = play.run(self.key.as_ref()).await?;
        if wrong.is_empty() { Ok(()) } else { Err(format!("{}\n- {}", case.about, wrong.join("\n- "))) }
    }
}

async fn make_key<S: Site>(site: &S, tenant: &str, case: &Case) -> Result<admin::MadeKey, String> {
    let expires = (case.key == Key::Expired).then(|| site.now() + Duration::from_millis(1500));
    let mut key = admin::make_key(site, tenant, &case.models, expires).await?;
    match case.key {
        Key::Revoked => admin::revoke_key(site, &key.id).await?,
        Key::Expired => site.pause(Duration::from_millis(1600)).await,
        Key::WrongSecret => {
            let changed = if key.text.ends_with('0') { '1' } else { '0' };
            key.text.pop();
            key.text.push(changed);
        }
        _ => {}
    }
    Ok(key)
}

impl<S: Site> Play<'_, S> {
    async fn run(&self, key: Option<&admin::MadeKey>) -> Result<Vec<String>, String> {
        let case = self.case;
        let script = Script::queue(case.upstream.iter().map(|u| u.exchange.clone()));
        self.site.script(&self.trace, &script);
        let heard = self.site.call(self.request(key)?, &case.leaves).await?;
        let mut wrong = script.complaints();
        if let Ending::Broken(how) = &heard.ending {
            wrong.push(format!("the connection to the caller broke: {how}"));
        }
        wrong.extend(answer::check(case, &heard));
        wrong.extend(self.check_cancelled(&script).await);
        let record = self.record(&heard, key, &mut wrong).await?;
        let mut secrets: Vec<&str> = vec![self.site.admin_token()];
        if let Some(key) = key {
            secrets.push(&key.text);
        }
        wrong.extend(secrecy::check(case, &heard, record.as_ref(), &secrets));
        Ok(wrong)
    }

    fn request(&self, key: Option<&admin::MadeKey>) -> Result<Request<Payload>, String> {
        let wanted = &self.case.request;
        let mut headers = vec![
            ("content-type".to_owned(), "application/json".to_owned()),
            ("traceparent".to_owned(), format!("00-{}-00f067aa0ba902b7-01", self.trace)),
        ];
        let sent = match (self.case.key, key) {
            (_, Some(key)) => Some(key.text.clone()),
            (Key::Unknown, None) => Some(format!("pk_{}_{}", "0".repeat(10), "A".repeat(40))),
            (Key::Malformed, None) => Some("sk-not-a-key-of-ours".to_owned()),
            (Key::Admin, None) => Some(self.site.admin_token().to_owned()),
            _ => None,
        };
        let sent = sent.unwrap_or_default();
        if self.case.key != Key::None {
            headers.push(("authorization".to_owned(), format!("Bearer {sent}")));
        }
        for (name, value) in &wanted.headers {
            headers.retain(|(other, _)| other != name);
            headers.extend(value.as_ref().map(|value| (name.clone(), value.replace("${KEY}", &sent))));
        }
        let body = match wanted.pieces {
            None => Payload::whole(wanted.body.clone()),
            Some(size) => Payload::in_pieces(wanted.body.clone(), size),
        };
        let path = wanted.path.replace("${KEY}", &sent);
        let request = Request::builder().method(wanted.method.as_str()).uri(path);
        let request = headers.iter().fold(request, |request, (name, value)| request.header(name, value));
        request.body(body).map_err(|e| format!("the request cannot be made: {e}"))
    }

    /// Over HTTP it takes a moment until the upstream knows that it is alone.
    async fn check_cancelled(&self, script: &Script) -> Vec<String> {
        let mut wrong = Vec::new();
        for (i, _) in self.case.upstream.iter().enumerate().filter(|(_, u)| u.cancelled) {
            let mut fate = None;
            for _ in 0..100 {
                fate = script.received().get(i).map(|r| r.fate);
                if fate != Some(Fate::Open) {
                    break;
                }
                self.site.pause(Duration::from_millis(30)).await;
            }
            if fate != Some(Fate::Cancelled) {
                wrong.push(format!("call {} to the upstream must be cancelled; its fate is {fate:?}", i + 1));
            }
        }
        wrong
    }
}
