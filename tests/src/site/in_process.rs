//! The core itself on a fake host, in virtual time.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::time::{Duration, SystemTime};

use bytes::{Bytes, BytesMut};
use futures_util::future::select;
use http::{Request, header};
use http_body::Body as _;
use postern_gateway::pipeline::Origin;
use postern_gateway::{After, Body, Gateway, Host, config, handle, identity, settle};
use postern_testkit::{FakeHost, REFUSING, SILENT, Script};
use serde_json::Value;

use super::{Ending, Face, Heard, OTHER_UPSTREAM_KEY, Payload, Site, UPSTREAM_KEY};
use crate::corpus::Leaves;

/// Starts the core on this host.
pub struct InProcess(FakeHost);

impl Default for InProcess {
    fn default() -> Self {
        let host = FakeHost::default();
        host.set_secret("UPSTREAM_URL", "http://upstream.test");
        host.set_secret("REFUSING_URL", &format!("http://{REFUSING}"));
        host.set_secret("SILENT_URL", &format!("http://{SILENT}"));
        host.set_secret("UPSTREAM_KEY", UPSTREAM_KEY);
        host.set_secret("OTHER_UPSTREAM_KEY", OTHER_UPSTREAM_KEY);
        Self(host)
    }
}

impl InProcess {
    /// Runs a future in this host's time.
    pub fn run<F: Future>(&self, future: F) -> F::Output {
        self.0.run(future)
    }
}

impl Face for InProcess {
    type Site = InProcessSite;

    async fn start(&self, document: &Value) -> Result<InProcessSite, String> {
        let (config, warnings) = config::parse(document).map_err(|problems| {
            let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
            format!("the configuration of the case is refused:\n{}", lines.join("\n"))
        })?;
        if let Some(warning) = warnings.first() {
            return Err(format!("the configuration of the case is warned of: {warning}"));
        }
        let first = identity::first_start(&self.0).await.map_err(|e| e.to_string())?;
        let admin_token = match first {
            Some(first) => first.admin_token,
            None => identity::new_admin(&self.0).await.map_err(|e| e.to_string())?,
        };
        Ok(InProcessSite { gateway: Gateway::new(config, Origin::File), host: self.0.clone(), admin_token })
    }
}

/// The core on a fake host.
pub struct InProcessSite {
    gateway: Gateway,
    host: FakeHost,
    admin_token: String,
}

impl Site for InProcessSite {
    /// There is one call at a time, so its trace tells nothing.
    fn script(&self, _: &str, script: &Script) {
        self.host.play(script);
    }

    async fn call(&self, mut request: Request<Payload>, leaves: &Leaves) -> Result<Heard, String> {
        // As an HTTP client does.
        if let Some(length) = request.body().size_hint().exact() {
            request.headers_mut().insert(header::CONTENT_LENGTH, length.into());
        }
        let mut heard = Heard { head: None, body: Bytes::new(), ending: Ending::Left };
        let mut after = None;
        {
            let calling = pin!(self.stay(request, leaves, &mut heard, &mut after));
            let leaving = async {
                match leaves {
                    Leaves::AfterMs(time) => self.host.sleep(Duration::from_millis(*time)).await,
                    _ => std::future::pending().await,
                }
            };
            // Whichever comes first, the other is dropped: a caller that leaves drops the call or its body.
            select(calling, pin!(leaving)).await;
        }
        if let Some(after) = after {
            settle(&self.host, after).await;
        }
        self.host.settle_abandoned().await;
        Ok(heard)
    }

    fn admin_token(&self) -> &str {
        &self.admin_token
    }

    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_micros(self.host.now().0)
    }

    async fn pause(&self, time: Duration) {
        self.host.sleep(time).await;
    }

    fn has_virtual_time(&self) -> bool {
        true
    }
}

impl InProcessSite {
    async fn stay(
        &self,
        request: Request<Payload>,
        leaves: &Leaves,
        heard: &mut Heard,
        after: &mut Option<After>,
    ) {
        let reply = Box::pin(handle(&self.gateway, &self.host, request)).await;
        *after = Some(reply.after);
        let (parts, body) = reply.response.into_parts();
        heard.head = Some((parts.status, parts.headers));
        let marker = match leaves {
            Leaves::AfterText(text) => Some(text.as_bytes()),
            _ => None,
        };
        read(body, marker, heard).await;
    }
}

/// Reads a body to its end, or until it has `marker` in it, and drops it.
async fn read(mut body: Body<FakeHost>, marker: Option<&[u8]>, heard: &mut Heard) {
    let mut all = BytesMut::new();
    while let Some(frame) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        let Ok(frame) = frame else {
            heard.ending = Ending::Broken("the body broke off".to_owned());
            return;
        };
        if let Ok(data) = frame.into_data() {
            all.extend_from_slice(&data);
            heard.body = all.clone().freeze();
        }
        if marker.is_some_and(|marker| all.windows(marker.len()).any(|window| window == marker)) {
            return;
        }
    }
    heard.ending = Ending::Complete;
}
