//! A caller over HTTP.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderValue, Request, header};
use http_body::Body as _;
use http_body_util::BodyExt;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{Ending, Heard, Payload};
use crate::corpus::Leaves;

/// An answer that takes longer does not come.
const ANSWER: Duration = Duration::from_secs(60);

/// Sends a request to the gateway at `address` and reads the answer, for as long as the caller stays.
pub(super) async fn call(address: &str, request: Request<Payload>, leaves: &Leaves) -> Result<Heard, String> {
    send(address, request, leaves, false).await
}

/// The same by a caller whose connection is reset when it leaves. A server that takes a closed connection for one whose
/// other half still listens hears of this.
pub(super) async fn call_and_reset(
    address: &str,
    request: Request<Payload>,
    leaves: &Leaves,
) -> Result<Heard, String> {
    send(address, request, leaves, true).await
}

async fn send(
    address: &str,
    request: Request<Payload>,
    leaves: &Leaves,
    resets: bool,
) -> Result<Heard, String> {
    let mut heard = Heard { head: None, body: Bytes::new(), ending: Ending::Left };
    let stay = stay(address, request, leaves, resets, &mut heard);
    match leaves {
        Leaves::AfterMs(time) => {
            if let Ok(result) = timeout(Duration::from_millis(*time), stay).await {
                result?;
            }
        }
        _ => timeout(ANSWER, stay).await.map_err(|_| format!("no whole answer within {ANSWER:?}"))??,
    }
    Ok(heard)
}

/// A connection of its own for each call; dropping the future closes it.
async fn stay(
    address: &str,
    mut request: Request<Payload>,
    leaves: &Leaves,
    resets: bool,
    heard: &mut Heard,
) -> Result<(), String> {
    let connect = async {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        if resets {
            stream.set_zero_linger()?;
        }
        Ok::<_, std::io::Error>(stream)
    };
    let stream = connect.await.map_err(|e| format!("the gateway takes no connection: {e}"))?;
    let (mut sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(|e| format!("handshake: {e}"))?;
    let host = HeaderValue::try_from(address).map_err(|e| e.to_string())?;
    request.headers_mut().insert(header::HOST, host);
    if let Some(length) = request.body().size_hint().exact() {
        request.headers_mut().insert(header::CONTENT_LENGTH, length.into());
    }
    let marker = match leaves {
        Leaves::AfterText(text) => Some(text.as_bytes()),
        _ => None,
    };
    let exchange = async {
        let response = sender.send_request(request).await.map_err(|e| format!("no answer: {e}"))?;
        let (parts, mut body) = response.into_parts();
        heard.head = Some((parts.status, parts.headers));
        let mut all = BytesMut::new();
        loop {
            match body.frame().await {
                None => {
                    heard.ending = Ending::Complete;
                    return Ok(());
                }
                Some(Err(error)) => {
                    heard.ending = Ending::Broken(error.to_string());
                    return Ok(());
                }
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        all.extend_from_slice(&data);
                        heard.body = all.clone().freeze();
                    }
                    if marker.is_some_and(|marker| all.windows(marker.len()).any(|w| w == marker)) {
                        return Ok(());
                    }
                }
            }
        }
    };
    // The connection is driven beside the exchange and closed with it.
    let mut connection = std::pin::pin!(connection);
    let mut exchange = std::pin::pin!(exchange);
    let mut closed = false;
    std::future::poll_fn(|cx| {
        if !closed {
            closed = connection.as_mut().poll(cx).is_ready();
        }
        exchange.as_mut().poll(cx)
    })
    .await
}
