//! The address: taken, accepted from, given up. Connections go to the workers in turn.

use std::io::{self, ErrorKind};
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

use postern_gateway::Gateway;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;

use super::connection::{self, Phase};
use super::workers::Workers;
use crate::failure::Failure;
use crate::host::Tasks;
use crate::signals::StopSignals;

/// Connections that the system holds while none is accepted.
const BACKLOG: u32 = 1024;
/// How long to wait when no connection can be accepted, because there are too many open files for example.
const BREATHE: Duration = Duration::from_millis(100);

/// How long a caller may leave an answer unread. Long enough for one that pauses to work on what it has.
const UNREAD: Duration = Duration::from_secs(5 * 60);
/// How long a connection may be silent before the system asks whether the caller still lives.
const KEEP_ALIVE: Duration = Duration::from_secs(60);

/// A taken address.
pub(super) struct Listener {
    socket: TcpListener,
    address: SocketAddr,
}

impl Listener {
    /// Takes the address: `HOST:PORT`, or a port alone.
    pub(super) fn bind(listen: &str) -> Result<Self, Failure> {
        let mut last = None;
        for address in resolve(listen)? {
            match bind(address) {
                Ok((socket, address)) => return Ok(Self { socket, address }),
                Err(error) => last = Some((address, error)),
            }
        }
        let Some((address, error)) = last else {
            return Err(Failure::new(format!("--listen {listen}: this name has no address")));
        };
        Err(Failure::new(match error.kind() {
            ErrorKind::AddrInUse => format!(
                "the address {address} is in use by another program (stop it, or give --listen another address)"
            ),
            ErrorKind::PermissionDenied => {
                format!("this user may not listen on {address} (give --listen a port above 1023)")
            }
            ErrorKind::AddrNotAvailable => {
                format!("this machine does not have the address {address} (give --listen one that it has)")
            }
            _ => format!("cannot listen on {address}: {error}"),
        }))
    }

    /// The address that was taken.
    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until a signal says to stop, then lets open calls finish for as long as `drain`, or until a second
    /// signal. Gives the number of connections that were cut.
    pub(super) async fn serve(
        self,
        gateway: &Arc<Gateway>,
        workers: &Workers,
        mut stop: StopSignals,
        drain: Duration,
    ) -> usize {
        let connections = Tasks::default();
        let (phase, _) = watch::channel(Phase::Serving);
        tokio::select! {
            () = self.accept_all(gateway, workers, &connections, &phase) => {}
            () = stop.next() => {}
        }
        drop(self.socket);
        let _ = phase.send(Phase::Draining);
        if connections.open() > 0 {
            tracing::info!(connections = connections.open(), "stopping: waiting for open calls to end");
        }
        tokio::select! {
            () = connections.none_left() => return 0,
            () = tokio::time::sleep(drain) => {}
            () = stop.next() => {}
        }
        let left = connections.open();
        let _ = phase.send(Phase::Cut);
        // Dropping a connection takes no time; a worker that is busy may take a little to come to it.
        let _ = tokio::time::timeout(Duration::from_secs(1), connections.none_left()).await;
        left
    }

    async fn accept_all(
        &self,
        gateway: &Arc<Gateway>,
        workers: &Workers,
        connections: &Tasks,
        phase: &watch::Sender<Phase>,
    ) {
        loop {
            let stream = match self.socket.accept().await.and_then(|(stream, _)| prepare(stream)) {
                Ok(stream) => stream,
                Err(error) => {
                    if is_about_one_connection(&error) {
                        continue;
                    }
                    tracing::error!(%error, "no connection can be accepted");
                    tokio::time::sleep(BREATHE).await;
                    continue;
                }
            };
            let (gateway, phase, open) = (Arc::clone(gateway), phase.subscribe(), connections.begin());
            workers.run(move |host| async move {
                connection::serve(stream, gateway, host, phase).await;
                drop(open);
            });
        }
    }
}

/// The addresses of `HOST:PORT`, or of a port alone on this machine only.
fn resolve(listen: &str) -> Result<Vec<SocketAddr>, Failure> {
    let refused = || {
        let expected = "expected HOST:PORT, such as 127.0.0.1:8787 or 0.0.0.0:8787";
        Failure::new(format!("--listen {listen}: {expected}"))
    };
    let port = listen.strip_prefix(':').unwrap_or(listen);
    if let Ok(port) = port.parse::<u16>() {
        return Ok(vec![SocketAddr::from(([127, 0, 0, 1], port))]);
    }
    match listen.to_socket_addrs() {
        Ok(addresses) => Ok(addresses.collect()),
        Err(error) if error.kind() == ErrorKind::InvalidInput => Err(refused()),
        Err(_) => Err(Failure::new(format!("--listen {listen}: this name has no address"))),
    }
}

fn bind(address: SocketAddr) -> io::Result<(TcpListener, SocketAddr)> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // A gateway that was just stopped leaves connections behind that would keep the address for a minute. This does
    // not let two programs listen on it at once.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    let socket = socket.listen(BACKLOG)?;
    let address = socket.local_addr()?;
    Ok((socket, address))
}

/// Makes a connection ready to go to another runtime.
fn prepare(stream: TcpStream) -> io::Result<std::net::TcpStream> {
    // Without this the system holds small writes back for 40 ms.
    stream.set_nodelay(true)?;
    if let Err(error) = limit_silence(&stream, UNREAD) {
        tracing::debug!(%error, "a connection is served without limits of silence");
    }
    stream.into_std()
}

/// Lets the system end a connection whose caller is gone or reads no more. Nothing else would: an answer that cannot
/// be written waits, and its upstream, its memory and its record with it.
fn limit_silence(stream: &TcpStream, unread: Duration) -> io::Result<()> {
    let socket = SockRef::from(stream);
    // A caller that vanished while nothing is being written to it.
    socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(KEEP_ALIVE))?;
    // Linux applies this to data that is not acknowledged and to data that the caller leaves no room for. Other
    // systems end the first kind by themselves and know no limit for the second.
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(unread))?;
    #[cfg(not(target_os = "linux"))]
    let _ = unread;
    Ok(())
}

/// The caller has left before it was accepted, or its connection is broken: the next one may be fine.
fn is_about_one_connection(error: &io::Error) -> bool {
    use ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, InvalidInput, NotConnected};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset | InvalidInput | NotConnected
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    #[cfg(target_os = "linux")]
    async fn who_does_not_read_is_cut() {
        use std::io::Write as _;
        let (listener, address) = bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        let caller = std::net::TcpStream::connect(address).unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        limit_silence(&stream, Duration::from_secs(1)).unwrap();
        let mut stream = stream.into_std().unwrap();
        stream.set_nonblocking(false).unwrap();
        let written = std::thread::spawn(move || stream.write_all(&vec![0; 64 << 20]));
        assert_eq!(written.join().unwrap().unwrap_err().kind(), ErrorKind::TimedOut);
        drop(caller);
    }

    #[test]
    fn addresses_in_every_form() {
        assert_eq!(resolve("8787").unwrap(), [SocketAddr::from(([127, 0, 0, 1], 8787))]);
        assert_eq!(resolve(":1").unwrap(), [SocketAddr::from(([127, 0, 0, 1], 1))]);
        assert_eq!(resolve("0.0.0.0:80").unwrap(), [SocketAddr::from(([0, 0, 0, 0], 80))]);
        assert!(resolve("[::1]:80").unwrap()[0].is_ipv6());
        for bad in ["", "localhost", "1.2.3.4:99999", "x:y"] {
            assert!(resolve(bad).is_err(), "{bad}");
        }
    }
}
