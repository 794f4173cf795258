//! Opens connections to upstreams, within the time that the request allows.
//!
//! Trusted roots are read at the first `https` request: reading a machine's own takes longer than everything else at
//! the start.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use http::uri::Scheme;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioIo;
use rustls::crypto::CryptoProvider;
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tower_service::Service;

/// When a connection is opened by nobody's request.
const DEFAULT_TIME: Duration = Duration::from_secs(5);
/// How long a connection may be silent before the system asks whether the other side still lives.
const KEEP_ALIVE: Duration = Duration::from_secs(60);

tokio::task_local! {
    /// How long the request that is being sent lets connecting take.
    pub(super) static TIME: Duration;
}

type BoxError = Box<dyn Error + Send + Sync>;
type Connection = MaybeHttpsStream<TokioIo<TcpStream>>;

/// Whose certificates are trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Roots {
    /// Those that this machine trusts, which operators may have added to; where it has none, Mozilla's.
    Machine,
    /// Mozilla's, which are a part of the program and cost nothing to read.
    Mozilla,
}

/// Opens connections, with TLS where the URL asks for it.
#[derive(Clone)]
pub(super) struct Connector {
    roots: Roots,
    http: HttpConnector,
    https: Arc<tokio::sync::OnceCell<HttpsConnector<HttpConnector>>>,
}

impl Connector {
    pub(super) fn new(roots: Roots) -> Self {
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        // Without this the system holds small writes back for 40 ms.
        http.set_nodelay(true);
        http.set_keepalive(Some(KEEP_ALIVE));
        Self { roots, http, https: Arc::default() }
    }

    async fn connect(mut self, uri: Uri) -> Result<Connection, BoxError> {
        if uri.scheme() != Some(&Scheme::HTTPS) {
            return Ok(MaybeHttpsStream::Http(self.http.call(uri).await?));
        }
        let https = self.https.get_or_try_init(|| secure(self.roots, self.http.clone())).await?;
        https.clone().call(uri).await
    }
}

impl Service<Uri> for Connector {
    type Response = Connection;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Connection, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let time = TIME.try_with(|time| *time).unwrap_or(DEFAULT_TIME);
        let connecting = self.clone().connect(uri);
        Box::pin(async move {
            match tokio::time::timeout(time, connecting).await {
                Ok(connected) => connected,
                Err(_elapsed) => Err(TookTooLong.into()),
            }
        })
    }
}

/// The connection was not there in time.
#[derive(Debug)]
pub(super) struct TookTooLong;

impl fmt::Display for TookTooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("connecting took too long")
    }
}

impl Error for TookTooLong {}

/// The cryptography of this program.
pub(super) fn crypto() -> &'static Arc<CryptoProvider> {
    static PROVIDER: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
    PROVIDER.get_or_init(|| Arc::new(rustls::crypto::ring::default_provider()))
}

async fn secure(roots: Roots, http: HttpConnector) -> Result<HttpsConnector<HttpConnector>, BoxError> {
    let roots = match roots {
        Roots::Machine => tokio::task::spawn_blocking(of_machine).await?,
        Roots::Mozilla => mozilla(),
    };
    let config = ClientConfig::builder_with_provider(Arc::clone(crypto()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(HttpsConnectorBuilder::new()
        .with_tls_config(config)
        .https_only()
        .enable_all_versions()
        .wrap_connector(http))
}

/// The roots that this machine trusts; where it has none, as in an empty container, Mozilla's.
fn of_machine() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    let (added, _) = roots.add_parsable_certificates(found.certs);
    if added > 0 {
        return roots;
    }
    tracing::info!("this machine has no trusted certificates: Mozilla's are used");
    mozilla()
}

fn mozilla() -> RootCertStore {
    RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() }
}
