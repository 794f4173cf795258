//! Token services, and providers that take their tokens only: an upstream that looks at what it is sent as the real ones do.
//!
//! Written from the services' documentation and not from what the gateway sends. Tokens end, can be withdrawn, and are good
//! for nothing else than what they were given for.

mod aws;
mod google;
mod oauth;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;

use crate::script::{Conduct, Reply, Script};

pub use aws::{BASE_KEYS, EXTERNAL_ID, REGION, ROLE_ARN};
pub use google::{KEY_FILE_EMAIL, PRIVATE_KEY, PROJECT, key_file, sign_rs256};
pub use oauth::{API_KEY, CLIENT_ID, CLIENT_SECRET, TENANT};

/// An answer of a provider that speaks OpenAI Chat Completions.
const ANSWER: &str = r#"{"id":"chatcmpl-1","object":"chat.completion","created":1767323045,"model":"m",
"choices":[{"index":0,"message":{"role":"assistant","content":"Hello."},"finish_reason":"stop"}],
"usage":{"prompt_tokens":9,"completion_tokens":2,"total_tokens":11}}"#;

/// The services and the providers. Clones share everything.
#[derive(Clone)]
pub struct Authority(Arc<Inner>);

struct Inner {
    /// Seconds since 1970.
    now: Box<dyn Fn() -> u64 + Send + Sync>,
    state: Mutex<State>,
}

struct State {
    /// How long a token lasts, seconds.
    lasts: u64,
    /// How long an exchange takes.
    takes: Duration,
    /// What the token services do instead of their work.
    instead: Option<Conduct>,
    /// Bearer tokens in force, with their end.
    tokens: HashMap<String, u64>,
    /// Keys of roles in force: the id, the secret, the session's token and the end.
    roles: Vec<(String, String, String, u64)>,
    given: u64,
    refusals: Vec<String>,
    /// What a provider answers at paths that end so.
    answers: BTreeMap<String, Reply>,
}

impl Authority {
    /// Services that give tokens for an hour; `now` tells the time in seconds since 1970.
    #[must_use]
    pub fn new(now: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        let state = State {
            lasts: 3600,
            takes: Duration::ZERO,
            instead: None,
            tokens: HashMap::new(),
            roles: Vec::new(),
            given: 0,
            refusals: Vec::new(),
            answers: BTreeMap::new(),
        };
        Self(Arc::new(Inner { now: Box::new(now), state: Mutex::new(state) }))
    }

    /// All of it as an upstream.
    #[must_use]
    pub fn script(&self) -> Script {
        let authority = self.clone();
        Script::by(move |parts, body| authority.receive(parts, body))
    }

    /// From now on tokens last so long.
    pub fn tokens_last(&self, seconds: u64) {
        self.state().lasts = seconds;
    }

    /// From now on an exchange takes so long.
    pub fn exchanges_take(&self, time: Duration) {
        self.state().takes = time;
    }

    /// From now on the token services do this instead of their work; nothing else when `None`.
    pub fn instead(&self, conduct: Option<Conduct>) {
        self.state().instead = conduct;
    }

    /// Withdraws every token and every key of a role.
    pub fn withdraw(&self) {
        let mut state = self.state();
        state.tokens.clear();
        state.roles.clear();
    }

    /// From now on these keys of AWS are good, as those of a role that the platform has taken on: the id, the secret and the
    /// session's token.
    pub fn knows(&self, id: &str, secret: &str, token: &str) {
        let keys = (id.to_owned(), secret.to_owned(), token.to_owned(), u64::MAX);
        self.state().roles.push(keys);
    }

    /// What a provider answers at paths that end so, to those who may ask.
    pub fn answer(&self, path_end: &str, reply: Reply) {
        self.state().answers.insert(path_end.to_owned(), reply);
    }

    /// How many tokens were given.
    #[must_use]
    pub fn given(&self) -> u64 {
        self.state().given
    }

    /// Why something was refused, each time that it was.
    #[must_use]
    pub fn refusals(&self) -> Vec<String> {
        self.state().refusals.clone()
    }

    /// Every secret that was given out, none of which may be found anywhere.
    #[must_use]
    pub fn secrets(&self) -> Vec<String> {
        let state = self.state();
        let of_roles = state.roles.iter().flat_map(|(_, secret, token, _)| [secret.clone(), token.clone()]);
        state.tokens.keys().cloned().chain(of_roles).collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> u64 {
        (self.0.now)()
    }

    fn receive(&self, parts: &Parts, body: &Bytes) -> Conduct {
        let service = match parts.uri.path() {
            path if path.ends_with("/oauth2/v2.0/token") => Some(oauth::entra as Service),
            "/oidc/v1/token" => Some(oauth::databricks as Service),
            "/identity/token" => Some(oauth::ibm as Service),
            "/google/token" => Some(google::token as Service),
            "/sts/" | "/sts" => Some(aws::assume_role as Service),
            _ => None,
        };
        let Some(service) = service else { return Conduct::Answer(self.provide(parts, body)) };
        let (instead, takes) = {
            let state = self.state();
            (state.instead.clone(), state.takes)
        };
        if let Some(instead) = instead {
            return instead;
        }
        let reply = match service(self, parts, body) {
            Ok(reply) => reply,
            Err(Refused { why, reply }) => {
                self.state().refusals.push(why);
                reply
            }
        };
        Conduct::Answer(Reply { delay: takes, ..reply })
    }

    /// A provider: it answers who proves to be somebody.
    fn provide(&self, parts: &Parts, body: &Bytes) -> Reply {
        let authorization = parts.headers.get("authorization").and_then(|value| value.to_str().ok());
        let denied = |status| Reply::whole(status, "application/json", r#"{"error":{"message":"denied"}}"#);
        let proved = match authorization {
            None => Err(Refused { why: "no authorization".to_owned(), reply: denied(401) }),
            Some(text) if text.starts_with("AWS4-HMAC-SHA256 ") => self.signed(parts, body),
            Some(text) => self.bears(text).map_err(|why| Refused { why, reply: denied(401) }),
        };
        if let Err(Refused { why, reply }) = proved {
            self.state().refusals.push(why);
            return reply;
        }
        let state = self.state();
        let known = state.answers.iter().find(|(end, _)| parts.uri.path().ends_with(end.as_str()));
        known.map_or_else(|| Reply::whole(200, "application/json", ANSWER), |(_, reply)| reply.clone())
    }

    fn bears(&self, authorization: &str) -> Result<(), String> {
        let token = authorization.strip_prefix("Bearer ").ok_or("not a bearer token")?;
        let now = self.now();
        match self.state().tokens.get(token) {
            None => Err("a token that was not given or was withdrawn".to_owned()),
            Some(end) if now >= *end => Err("a token that has ended".to_owned()),
            Some(_) => Ok(()),
        }
    }

    /// A new token, for as long as tokens last.
    fn issue(&self) -> (String, u64) {
        let now = self.now();
        let mut state = self.state();
        state.given += 1;
        let token = format!("tok3n-{:06}-{now}", state.given);
        let lasts = state.lasts;
        state.tokens.insert(token.clone(), now + lasts);
        (token, lasts)
    }
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Authority")
    }
}

type Service = fn(&Authority, &Parts, &Bytes) -> Result<Reply, Refused>;

/// A refusal by a token service.
struct Refused {
    why: String,
    reply: Reply,
}

impl Refused {
    /// In the words of RFC 6749. The description repeats what was sent, as some services do.
    fn oauth(status: u16, code: &str, why: &str, body: &[u8]) -> Self {
        let said = serde_json::json!({
            "error": code,
            "error_description": format!("{why}: {}", String::from_utf8_lossy(body)),
        });
        Self { why: why.to_owned(), reply: Reply::whole(status, "application/json", said.to_string()) }
    }
}

/// The fields of a form.
fn form(parts: &Parts, body: &[u8]) -> Result<BTreeMap<String, String>, Refused> {
    let kind = parts.headers.get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default();
    if parts.method != http::Method::POST || !kind.starts_with("application/x-www-form-urlencoded") {
        return Err(Refused::oauth(400, "invalid_request", "not a form that was posted", b""));
    }
    let text = std::str::from_utf8(body).unwrap_or_default();
    let mut fields = BTreeMap::new();
    for pair in text.split('&') {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        if fields.insert(decoded(name), decoded(value)).is_some() {
            return Err(Refused::oauth(400, "invalid_request", "a field is given twice", b""));
        }
    }
    Ok(fields)
}

/// A name or value of a form, as it was before it was encoded.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits: Vec<u8> = rest.by_ref().take(2).collect();
                let digits = std::str::from_utf8(&digits).unwrap_or_default();
                u8::from_str_radix(digits, 16).unwrap_or(b'?')
            }
            byte => byte,
        });
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
