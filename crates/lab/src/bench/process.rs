//! The binary `bespoke` as a process, with its shop and its placement file in one directory.

use super::load::{self, Connection};
use super::stats::resident_gib;
use crate::error::Error;
use serde_json::Value;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Milliseconds of the epoch.
pub fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64)
}

/// How often the memory of an import is looked at.
const POLL: Duration = Duration::from_millis(20);

/// Imports a file into the shop in `scratch`; returns the most memory that the process had, in GiB.
///
/// # Errors
/// When the import fails.
pub fn import(binary: &Path, scratch: &Path, what: &str, file: &Path) -> Result<f64, Error> {
    let child = Command::new(binary)
        .args(["import", what])
        .arg(file)
        .arg("--data")
        .arg(scratch.join("shop"))
        .arg("--placements")
        .arg(scratch.join("placements.toml"))
        .stdout(Stdio::null())
        .spawn();
    let failed = || Error::Bench(format!("`bespoke import {what}` failed"));
    let mut child = child.map_err(|_| failed())?;
    let (process, mut most) = (child.id().to_string(), 0.0_f64);
    loop {
        if let Some(status) = child.try_wait().map_err(|_| failed())? {
            return if status.success() { Ok(most) } else { Err(failed()) };
        }
        // Its end can come between the two.
        most = most.max(resident_gib(&process).unwrap_or_default());
        std::thread::sleep(POLL);
    }
}

/// Writes a file.
///
/// # Errors
/// What the disk says.
pub fn write_text(path: &Path, text: &str) -> Result<(), Error> {
    std::fs::write(path, text).map_err(|source| Error::File { path: path.to_owned(), source })
}

/// Writes a JSON object a line; returns how many.
///
/// # Errors
/// What the disk says.
pub fn write_lines(path: &Path, lines: impl Iterator<Item = Value>) -> Result<u64, Error> {
    let fault = |source| Error::File { path: path.to_owned(), source };
    let mut file = BufWriter::with_capacity(1 << 20, File::create(path).map_err(fault)?);
    let mut count = 0;
    for line in lines {
        serde_json::to_writer(&mut file, &line).map_err(|error| fault(error.into()))?;
        file.write_all(b"\n").map_err(fault)?;
        count += 1;
    }
    file.flush().map_err(fault)?;
    Ok(count)
}

/// A running `bespoke serve`; killed when it is dropped.
pub struct Server {
    /// The process.
    pub child: Child,
    /// Where it listens.
    pub address: SocketAddr,
    /// Its keys.
    pub publishable: String,
    /// The one for everything.
    pub secret: String,
    /// From the start of the process to its first `200` on `/readyz`.
    pub ready_s: f64,
}

impl Server {
    /// Starts `binary` on the shop and the placement file in `scratch`; `keys` are those of an earlier start, which alone
    /// prints them; `flags` are more of `bespoke serve`.
    ///
    /// # Errors
    /// When it does not come up.
    pub fn start(binary: &Path, scratch: &Path, keys: &[&str], flags: &[&str]) -> Result<Self, Error> {
        let fault = |error: std::io::Error| Error::Bench(format!("`bespoke serve`: {error}"));
        let listener = TcpListener::bind("127.0.0.1:0").map_err(fault)?;
        let address = listener.local_addr().map_err(fault)?;
        drop(listener);
        let started = Instant::now();
        let mut child = Command::new(binary)
            .arg("serve")
            .arg("--data")
            .arg(scratch.join("shop"))
            .arg("--placements")
            .arg(scratch.join("placements.toml"))
            .args(["--listen", &address.to_string()])
            .args(flags)
            .stdout(Stdio::piped())
            .spawn()
            .map_err(fault)?;
        let mut printed = child.stdout.take().map(BufReader::new);
        let mut lines = Vec::new();
        if let Some(printed) = &mut printed {
            let mut line = String::new();
            while printed.read_line(&mut line).is_ok_and(|read| read > 0) && !line.starts_with("Serving on") {
                lines.push(std::mem::take(&mut line));
            }
        }
        let ready =
            Connection::open(address).and_then(|mut one| one.send(&load::request("GET", "/readyz", "", "")));
        if !ready.is_ok_and(|answer| answer.status == 200) {
            return Err(Error::Bench(format!("`bespoke serve` is not ready: {lines:?}")));
        }
        let ready_s = started.elapsed().as_secs_f64();
        let word = |name: &str| {
            let line = lines.iter().find_map(|line| line.trim().strip_prefix(name));
            line.map(|rest| rest.trim().to_owned())
        };
        let key = |name: &str, at: usize| word(name).or_else(|| keys.get(at).map(|key| (*key).to_owned()));
        match (key("publishable", 0), key("secret", 1)) {
            (Some(publishable), Some(secret)) => Ok(Self { child, address, publishable, secret, ready_s }),
            _ => Err(Error::Bench("`bespoke serve` printed no keys".to_owned())),
        }
    }

    /// Ends it with this signal.
    ///
    /// # Errors
    /// When that cannot be sent.
    pub fn signal(&mut self, signal: &str) -> Result<(), Error> {
        let sent = Command::new("kill").args([signal, &self.child.id().to_string()]).status();
        let ended = self.child.wait();
        match (sent, ended) {
            (Ok(_), Ok(_)) => Ok(()),
            _ => Err(Error::Bench("the server could not be stopped".to_owned())),
        }
    }

    /// Sends a request with the secret key.
    ///
    /// # Errors
    /// When the answer is no success.
    pub fn ask(
        &self,
        connection: &mut Connection,
        method: &str,
        path: &str,
        body: &Value,
    ) -> Result<Value, Error> {
        let answer = connection.send(&load::request(method, path, &self.secret, &body.to_string()))?;
        if answer.status >= 300 {
            let text = String::from_utf8_lossy(&answer.body).into_owned();
            return Err(Error::Bench(format!("{method} {path} answered {}: {text}", answer.status)));
        }
        serde_json::from_slice(&answer.body).map_err(|error| Error::Bench(format!("{path}: {error}")))
    }

    /// A number of `/metrics`.
    ///
    /// # Errors
    /// When it is not there.
    pub fn metric(&self, name: &str) -> Result<f64, Error> {
        let answer =
            Connection::open(self.address)?.send(&load::request("GET", "/metrics", &self.secret, ""))?;
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        let value = line.and_then(|value| value.trim().parse().ok());
        value.ok_or_else(|| Error::Bench(format!("/metrics has no {name}")))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}
