//! Files that are made to hurt, or are broken by accident: the real binary refuses them in bounded memory, says why, and takes in
//! what is good.

#![allow(clippy::disallowed_methods, reason = "a test that waits for a process")]

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

/// Bytes of what is too long.
const LONG: usize = 100 << 20;
/// Most memory that an import of nothing much may take, in KiB; the binary of tests is not a small one.
const MEMORY_MAX_KIB: u64 = 160 << 10;

/// Imports a file; returns what was said, and the most memory taken in KiB, where the system tells.
fn import(
    directory: &Path,
    name: &str,
    write: impl FnOnce(&mut dyn Write) -> std::io::Result<()>,
) -> (String, u64) {
    let path = directory.join(name);
    let mut file = BufWriter::new(File::create(&path).expect("a file"));
    write(&mut file).and_then(|()| file.flush()).expect("there is room");
    let mut command = Command::new(env!("CARGO_BIN_EXE_bespoke"));
    command.args(["import", "catalog"]).arg(&path).arg("--data").arg(directory.join(format!("{name}.shop")));
    let mut process = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    let status = format!("/proc/{}/status", process.id());
    let mut most = 0;
    while process.try_wait().expect("it can be waited for").is_none() {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|rest| rest.trim().trim_end_matches("kB").trim().parse().ok());
        most = most.max(kib.unwrap_or(0));
        std::thread::sleep(Duration::from_millis(5));
    }
    let output = process.wait_with_output().expect("it ended");
    std::fs::remove_file(&path).expect("it was there");
    let said =
        [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
    (said, most)
}

fn much(out: &mut dyn Write, piece: &str) -> std::io::Result<()> {
    (0..LONG / piece.len()).try_for_each(|_| out.write_all(piece.as_bytes()))
}

const GOOD: &str = "{\"id\":\"good\",\"title\":\"Good\"}\n";

fn check(name: &str, write: impl FnOnce(&mut dyn Write) -> std::io::Result<()>, says: &[&str]) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let (said, most) = import(directory.path(), name, write);
    for text in says {
        assert!(said.contains(text), "{name} should say {text:?}:\n{}", &said[..said.len().min(2000)]);
    }
    assert!(said.len() < 20_000, "{name} says too much: {} bytes", said.len());
    assert!(most < MEMORY_MAX_KIB, "{name} took {most} KiB");
}

#[test]
fn a_line_of_a_hundred_megabytes_is_skipped() {
    check(
        "line.jsonl",
        |out| {
            out.write_all(b"{\"id\":\"")?;
            much(out, "xxxxxxxxxxxxxxxx")?;
            out.write_all(b"\"}\n")?;
            out.write_all(GOOD.as_bytes())
        },
        &["line.jsonl:1: line: must be at most", "1 taken in", "1 rejected"],
    );
}

#[test]
fn a_quote_that_never_closes_costs_its_line() {
    check(
        "quote.csv",
        |out| {
            out.write_all(b"id,title\ngood,Good\nbad,\"")?;
            let line = format!("x,{}\n", "y".repeat(500));
            (0..20_000).try_for_each(|_| out.write_all(line.as_bytes()))
        },
        &["quote.csv:3: line: close the quotes"],
    );
}

#[test]
fn a_feed_of_one_endless_text_ends() {
    check(
        "text.xml",
        |out| {
            out.write_all(b"<rss><channel><item><id>good</id><title>Good</title></item><item><id>")?;
            much(out, "xxxxxxxxxxxxxxxx")?;
            out.write_all(b"</id></item></channel></rss>")
        },
        &["text.xml:1:", "an element is longer than 1048576 bytes", "1 taken in"],
    );
}

#[test]
fn a_bomb_is_not_unpacked() {
    check(
        "bomb.jsonl.gz",
        |out| {
            let mut packed = flate2::write::GzEncoder::new(out, flate2::Compression::best());
            (0..400).try_for_each(|_| packed.write_all(&vec![b' '; 1 << 20]))?;
            packed.finish().map(|_| ())
        },
        &["bomb.jsonl.gz", "it unpacks to more than"],
    );
}

#[test]
fn entities_are_not_expanded() {
    check(
        "entities.xml",
        |out| {
            out.write_all(b"<!DOCTYPE lolz [<!ENTITY a \"ha\">")?;
            (1..30).try_for_each(|no| write!(out, "<!ENTITY a{no} \"&a;&a;&a;&a;&a;&a;&a;&a;\">"))?;
            out.write_all(b"]><rss><channel><item><id>&a29;</id></item></channel></rss>")
        },
        &["a document type definition is not read"],
    );
}

#[test]
fn another_encoding_is_named_and_not_guessed() {
    let utf16 = |text: &str| -> Vec<u8> {
        [0xfe_ff_u16].into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
    };
    check("utf16.csv", |out| out.write_all(&utf16("id,title\na,Tasse\n")), &["UTF-8"]);
    check("utf16.jsonl", |out| out.write_all(&utf16(GOOD)), &["UTF-8"]);
    check(
        "latin1.csv",
        |out| out.write_all(b"id,title\na,K\xe4se\ngood,Good\n"),
        &["latin1.csv:2: line: must be UTF-8", "1 taken in"],
    );
    check(
        "latin1.jsonl",
        |out| out.write_all(b"{\"id\":\"a\",\"title\":\"K\xe4se\"}\n{\"id\":\"b\",\"title\":\"B\"}\n"),
        &["latin1.jsonl:1: line:", "UTF-8", "1 taken in"],
    );
    check(
        "latin1.xml",
        |out| {
            out.write_all(b"<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><rss><channel><item><id>a</id><title>K\xe4se</title></item></channel></rss>")
        },
        &["UTF-8"],
    );
}
