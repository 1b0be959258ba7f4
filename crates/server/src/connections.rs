//! Connections: as many as there is room for, each with a time in which the head of its next request has to come. At a stop no
//! new ones are taken, and those in the middle of a request finish it.

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use std::io::ErrorKind;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Most connections that are open at once; more wait until one ends.
pub const CONNECTIONS_MAX: usize = 8_192;
/// Until when the head of a connection's next request has to be there; a connection without one ends then. Longer than the minute for
/// which proxies and clients keep connections that they do not use.
pub const HEAD_DEADLINE: Duration = Duration::from_secs(75);
/// How long to wait where the system has no file left for a connection.
const PAUSE: Duration = Duration::from_millis(200);

/// What connections are held to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bounds {
    /// How many may be open.
    pub connections: usize,
    /// How long the head of a request may take.
    pub head: Duration,
}

/// Answers on every connection until `stop`, then until the requests that have begun are answered.
pub async fn serve(listener: TcpListener, routes: Router, bounds: Bounds, stop: impl Future<Output = ()>) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(bounds.head);
    let (graceful, room) = (GracefulShutdown::new(), Arc::new(Semaphore::new(bounds.connections)));
    let mut stop = pin!(stop);
    loop {
        let (stream, held) = tokio::select! {
            accepted = accept(&listener, &room) => accepted,
            () = &mut stop => break,
        };
        let service = TowerToHyperService::new(routes.clone());
        let connection = graceful.watch(http.serve_connection(TokioIo::new(stream), service));
        tokio::spawn(async move {
            // A client that goes away or asks too slowly concerns nobody else.
            _ = connection.await;
            drop(held);
        });
    }
    drop(listener);
    graceful.shutdown().await;
}

/// The next connection, once there is room for it.
async fn accept(listener: &TcpListener, room: &Arc<Semaphore>) -> (TcpStream, Option<OwnedSemaphorePermit>) {
    // It is never closed.
    let held = room.clone().acquire_owned().await.ok();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return (stream, held),
            Err(error) if is_of_client(error.kind()) => {}
            Err(error) => {
                tracing::error!(%error, "no connection can be taken; it is tried again");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

fn is_of_client(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::ConnectionRefused | ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::routing::get;
    use std::io::{Read, Write};
    use std::net::SocketAddr;
    use std::thread::JoinHandle;
    use std::time::Instant;

    const LONG: Duration = Duration::from_secs(20);

    /// A server on a thread of its own, until `stop`.
    fn start(
        bounds: Bounds,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> (SocketAddr, JoinHandle<()>) {
        let socket = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        socket.set_nonblocking(true).expect("it can be set");
        let address = socket.local_addr().expect("it has an address");
        let slow = async || {
            tokio::time::sleep(Duration::from_millis(500)).await;
            "done"
        };
        let routes = Router::new().route("/", get(async || "ok")).route("/slow", get(slow));
        let run = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(async {
                let listener = TcpListener::from_std(socket).expect("a listener");
                serve(listener, routes, bounds, stop).await;
            });
        };
        (address, std::thread::spawn(run))
    }

    fn connect(address: SocketAddr, text: &str) -> std::net::TcpStream {
        let mut stream = std::net::TcpStream::connect(address).expect("it listens");
        stream.set_read_timeout(Some(LONG)).expect("it can be set");
        stream.write_all(text.as_bytes()).expect("it is open");
        stream
    }

    /// What comes until the connection ends.
    fn rest(mut stream: std::net::TcpStream) -> String {
        let (begun, mut text) = (Instant::now(), String::new());
        _ = stream.read_to_string(&mut text);
        assert!(begun.elapsed() < LONG, "the connection ends");
        text
    }

    #[test]
    fn a_head_that_does_not_come_ends_its_connection() {
        let bounds = Bounds { connections: 10, head: Duration::from_millis(200) };
        let (address, _) = start(bounds, std::future::pending());
        for text in ["", "GET / HT", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n"] {
            assert_eq!(rest(connect(address, text)), "", "{text:?}");
        }
        let whole = rest(connect(address, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
        assert!(whole.starts_with("HTTP/1.1 200") && whole.ends_with("ok"), "{whole}");
    }

    #[test]
    fn no_more_are_open_than_there_is_room_for() {
        let (address, _) = start(Bounds { connections: 2, head: LONG }, std::future::pending());
        let silent = [connect(address, ""), connect(address, "")];
        let third = connect(address, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        third.set_read_timeout(Some(Duration::from_millis(500))).expect("it can be set");
        let early = (&third).read(&mut [0]).map_err(|error| error.kind());
        assert!(matches!(early, Err(ErrorKind::WouldBlock | ErrorKind::TimedOut)), "it waits: {early:?}");
        drop(silent);
        third.set_read_timeout(Some(LONG)).expect("it can be set");
        assert!(rest(third).starts_with("HTTP/1.1 200"));
    }

    #[test]
    fn a_stop_lets_what_has_begun_finish() {
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let stopped = async { _ = stopped.await };
        let (address, serving) = start(Bounds { connections: 10, head: LONG }, stopped);
        let idle = connect(address, "");
        let mut asked = connect(address, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
        asked.read_exact(&mut [0]).expect("it answers");
        asked.write_all(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n").expect("it is open");
        // Long enough for it to have begun, too short for it to be done.
        let early = asked.set_read_timeout(Some(Duration::from_millis(200)));
        early.expect("it can be set");
        let mut begun = String::new();
        _ = asked.read_to_string(&mut begun);
        asked.set_read_timeout(Some(LONG)).expect("it can be set");
        stop.send(()).expect("it runs");
        let answer = begun + &rest(asked);
        assert!(answer.ends_with("done"), "{answer}");
        let stopping = Instant::now();
        serving.join().expect("it ends without a panic");
        assert!(stopping.elapsed() < LONG / 2, "it stops, whoever is silent");
        drop(idle);
    }
}
