//! Load over HTTP/1.1 on kept connections, by blocking threads, loopback only.
//!
//! The open loop sends by the clock: request `n` is due `n / rate` seconds after the start, and its latency counts from
//! when it was due, sent late or not (no coordinated omission).

use super::stats::sorted;
use crate::error::Error;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// One kept connection.
pub struct Connection {
    address: SocketAddr,
    /// When it was last used.
    used: Instant,
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// How long one that is not used is trusted to be open.
const IDLE_MAX: Duration = Duration::from_secs(30);

/// An answer.
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
}

/// What a browser sends, so that its decisions are counted as a shopper's.
const BROWSER: &str = "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\nAccept: */*\r\nAccept-Language: en\r\n";

/// The bytes of a request.
pub fn request(method: &str, path: &str, key: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\n{BROWSER}Authorization: Bearer {key}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

impl Connection {
    /// Connects.
    ///
    /// # Errors
    /// When nobody listens there.
    pub fn open(address: SocketAddr) -> Result<Self, Error> {
        Ok(Self {
            address,
            used: Instant::now(),
            stream: open(address)?,
            buffer: Vec::with_capacity(64 << 10),
        })
    }

    /// Sends a request and waits for its answer.
    ///
    /// # Errors
    /// When the connection ends or the answer is not HTTP with a `Content-Length`.
    pub fn send(&mut self, request: &[u8]) -> Result<Answer, Error> {
        if self.used.elapsed() > IDLE_MAX {
            self.stream = open(self.address)?;
        }
        self.stream.write_all(request).map_err(|error| fault(&error))?;
        self.buffer.clear();
        loop {
            if let Some(answer) = parse(&self.buffer)? {
                self.used = Instant::now();
                return Ok(answer);
            }
            let mut chunk = [0; 16 << 10];
            match self.stream.read(&mut chunk).map_err(|error| fault(&error))? {
                0 => return Err(Error::Bench("the server closed the connection".to_owned())),
                read => self.buffer.extend_from_slice(&chunk[..read]),
            }
        }
    }
}

fn open(address: SocketAddr) -> Result<TcpStream, Error> {
    let stream = TcpStream::connect(address).map_err(|error| fault(&error))?;
    stream.set_nodelay(true).map_err(|error| fault(&error))?;
    stream.set_read_timeout(Some(Duration::from_secs(30))).map_err(|error| fault(&error))?;
    Ok(stream)
}

fn fault(error: &std::io::Error) -> Error {
    Error::Bench(format!("connection to the server: {error}"))
}

/// The answer, once all of it is there.
fn parse(bytes: &[u8]) -> Result<Option<Answer>, Error> {
    let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(None) };
    let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
    let status = head.get(9..12).and_then(|code| code.parse().ok());
    let length =
        head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse::<usize>().ok());
    let (Some(status), Some(length)) = (status, length) else {
        return Err(Error::Bench(format!("no status or content-length in {head:?}")));
    };
    let body = &bytes[end + 4..];
    Ok((body.len() >= length).then(|| Answer { status, body: body[..length].to_vec() }))
}

/// How a load went.
pub struct Outcome {
    /// Latencies in milliseconds, sorted.
    pub latencies_ms: Vec<f64>,
    /// Answers that were not a success, and requests without an answer.
    pub failures: Vec<String>,
    /// From the first due to the last answered.
    pub seconds: f64,
}

/// Refuses a load of which anything failed.
///
/// # Errors
/// How many requests failed, and what one of them met.
pub fn none_failed(what: &str, outcome: &Outcome) -> Result<(), Error> {
    let count = outcome.failures.len();
    let first: Option<String> = outcome.failures.first().map(|text| text.chars().take(500).collect());
    first
        .map_or(Ok(()), |text| Err(Error::Bench(format!("{what}: {count} requests failed, one with {text}"))))
}

/// Sends `count` requests, `rate` a second, over `connections`.
///
/// # Errors
/// When a connection cannot be opened.
pub fn open_loop(
    address: SocketAddr,
    rate: f64,
    count: u64,
    connections: u64,
    request: &(dyn Fn(u64) -> Vec<u8> + Sync),
) -> Result<Outcome, Error> {
    let start = Instant::now() + Duration::from_millis(200);
    let due = |no: u64| start + Duration::from_secs_f64(no as f64 / rate);
    drive(address, connections, start, &|connection, first| {
        let mut done = Done::default();
        for no in (first..count).step_by(connections as usize) {
            let bytes = request(no);
            std::thread::sleep(due(no).saturating_duration_since(Instant::now()));
            done.note(connection.send(&bytes), |answer| answer.status < 300);
            done.latencies_ms.push(due(no).elapsed().as_secs_f64() * 1e3);
        }
        done
    })
}

/// Sends all `requests` as fast as they are answered, over `connections`; `check` says whether an answer is as it must be.
///
/// # Errors
/// When a connection cannot be opened.
pub fn closed_loop(
    address: SocketAddr,
    connections: u64,
    requests: &[Vec<u8>],
    check: &(dyn Fn(usize, &Answer) -> bool + Sync),
) -> Result<Outcome, Error> {
    let next = AtomicU64::new(0);
    drive(address, connections, Instant::now(), &|connection, _| {
        let mut done = Done::default();
        loop {
            let no = next.fetch_add(1, Ordering::Relaxed) as usize;
            let Some(bytes) = requests.get(no) else { return done };
            let sent = Instant::now();
            done.note(connection.send(bytes), |answer| check(no, answer));
            done.latencies_ms.push(sent.elapsed().as_secs_f64() * 1e3);
        }
    })
}

/// What one connection, then all of them, went through.
#[derive(Default)]
struct Done {
    latencies_ms: Vec<f64>,
    failures: Vec<String>,
}

impl Done {
    fn note(&mut self, answer: Result<Answer, Error>, is_good: impl Fn(&Answer) -> bool) {
        match answer {
            Ok(answer) if is_good(&answer) => {}
            Ok(answer) => {
                self.failures.push(format!("{} {}", answer.status, String::from_utf8_lossy(&answer.body)));
            }
            Err(error) => self.failures.push(error.to_string()),
        }
    }
}

type Worker<'a> = &'a (dyn Fn(&mut Connection, u64) -> Done + Sync);

fn drive(address: SocketAddr, connections: u64, start: Instant, work: Worker<'_>) -> Result<Outcome, Error> {
    let open: Result<Vec<Connection>, Error> = (0..connections).map(|_| Connection::open(address)).collect();
    let all = Mutex::new(Done::default());
    std::thread::scope(|scope| {
        for (first, mut connection) in (0..).zip(open?) {
            let all = &all;
            scope.spawn(move || {
                let done = work(&mut connection, first);
                let mut all = all.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                all.latencies_ms.extend(done.latencies_ms);
                all.failures.extend(done.failures);
            });
        }
        Ok::<(), Error>(())
    })?;
    let Done { latencies_ms, failures } = all.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    Ok(Outcome { latencies_ms: sorted(latencies_ms), failures, seconds: start.elapsed().as_secs_f64() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_when_all_of_it_is_there() {
        let whole = b"HTTP/1.1 202 Accepted\r\nContent-Length: 3\r\n\r\nabc";
        assert!((0..whole.len()).all(|end| parse(&whole[..end]).is_ok_and(|answer| answer.is_none())));
        let answer = parse(whole).ok().flatten().expect("it is whole");
        assert_eq!((answer.status, answer.body.as_slice()), (202, &b"abc"[..]));
        assert!(parse(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
    }
}
