//! What stands before a Worker on Cloudflare: it notices at once that a caller has left, and tells. workerd on its own
//! takes a connection that is only closed for one whose other half still listens; it hears of one that is reset.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

/// How long a caller may take to notice that its connection is over.
const LINGER: Duration = Duration::from_secs(5);

/// Stands before the gateway at `gateway` until the runtime ends. Gives its own address.
pub(super) async fn start(gateway: String) -> io::Result<String> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = listener.local_addr()?.to_string();
    tokio::spawn(async move {
        while let Ok((caller, _)) = listener.accept().await {
            let gateway = gateway.clone();
            // A connection that breaks is the caller's to notice.
            tokio::spawn(async move { drop(relay(caller, &gateway).await) });
        }
    });
    Ok(address)
}

async fn relay(mut caller: TcpStream, gateway: &str) -> io::Result<()> {
    let mut gateway = TcpStream::connect(gateway).await?;
    caller.set_nodelay(true)?;
    gateway.set_nodelay(true)?;
    // However this ends, the gateway hears of it.
    gateway.set_zero_linger()?;
    let (from_caller, mut to_caller) = caller.split();
    let (mut from_gateway, to_gateway) = gateway.split();
    let mut departure = std::pin::pin!(until_it_leaves(from_caller, to_gateway));
    tokio::select! {
        () = &mut departure => return Ok(()),
        copied = tokio::io::copy(&mut from_gateway, &mut to_caller) => { copied?; }
    }
    to_caller.shutdown().await?;
    // What the caller still sends is read, so that it gets the answer and not a reset.
    let _left = timeout(LINGER, departure).await;
    Ok(())
}

/// Passes on what a caller sends until it closes its connection. A gateway that reads no more may still answer.
async fn until_it_leaves(mut caller: ReadHalf<'_>, mut gateway: WriteHalf<'_>) {
    let mut buffer = vec![0; 16 * 1024];
    let mut reads = true;
    while let Ok(count @ 1..) = caller.read(&mut buffer).await {
        let Some(piece) = buffer.get(..count).filter(|_| reads) else { continue };
        reads = gateway.write_all(piece).await.is_ok();
    }
}
