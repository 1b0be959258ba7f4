//! Fitted models as files: a head, what is known of the model, its bytes, and their checksum. Written beside the others and
//! renamed into place; never changed; a damaged one is refused and said so.

use crate::error::Error;
use crate::files;
use bespoke_domain::id::ArtifactId;
use std::io::{Read as _, Write};
use std::path::{Path, PathBuf};

const MAGIC: &[u8; 8] = b"BSPKMDL1";
const SUFFIX: &str = ".model";
const UNFINISHED: &str = "unfinished";
/// Magic, length of what is known, length of the bytes.
const HEAD_LEN: usize = 8 + 8 + 8;
const CRC_LEN: usize = 4;
/// Most bytes that are read of what is known.
const ABOUT_MAX: u64 = 1 << 20;

/// The artifacts beside one log. Clones share them, and may be used from any thread; one at a time writes.
#[derive(Clone, Debug)]
pub struct Artifacts {
    directory: PathBuf,
}

/// A model's bytes and what is known of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Artifact {
    /// What is known of it, as whoever wrote it put it.
    pub about: Vec<u8>,
    /// The fitted model.
    pub bytes: Vec<u8>,
}

impl Artifacts {
    /// The artifacts in a directory, which is made at the first write.
    pub(crate) fn in_directory(directory: PathBuf) -> Self {
        Self { directory }
    }

    /// Writes an artifact durably.
    pub fn put(&self, id: ArtifactId, about: &[u8], bytes: &[u8]) -> Result<(), Error> {
        files::make_directory(&self.directory)?;
        let unfinished = self.directory.join(UNFINISHED);
        let written =
            write(&unfinished, about, bytes).and_then(|()| std::fs::rename(&unfinished, self.file_of(id)));
        if let Err(error) = written {
            _ = std::fs::remove_file(&unfinished);
            return Err(error.into());
        }
        Ok(files::sync_directory(&self.directory)?)
    }

    /// The artifact, or what is wrong with it.
    pub fn get(&self, id: ArtifactId) -> Result<Artifact, String> {
        let bytes = std::fs::read(self.file_of(id)).map_err(|error| error.to_string())?;
        unpack(&bytes)
    }

    /// What is known of an artifact, without its bytes: their checksum is not looked at.
    pub fn about(&self, id: ArtifactId) -> Result<Vec<u8>, String> {
        let read = |error: std::io::Error| error.to_string();
        let mut file = std::fs::File::open(self.file_of(id)).map_err(read)?;
        let mut head = [0; HEAD_LEN];
        file.read_exact(&mut head).map_err(read)?;
        if !head.starts_with(MAGIC) {
            return Err("it is no model of this version".to_owned());
        }
        let mut about = Vec::new();
        file.take(len(&head, 8).min(ABOUT_MAX)).read_to_end(&mut about).map_err(read)?;
        Ok(about)
    }

    /// Every artifact, in the order of names.
    pub fn list(&self) -> Result<Vec<ArtifactId>, Error> {
        if !self.directory.exists() {
            return Ok(Vec::new());
        }
        let mut ids = Vec::new();
        for file in std::fs::read_dir(&self.directory)? {
            let name = file?.file_name();
            let digits = name.to_str().and_then(|name| name.strip_suffix(SUFFIX));
            ids.extend(digits.and_then(|digits| digits.parse::<ArtifactId>().ok()));
        }
        ids.sort_unstable();
        Ok(ids)
    }

    /// Removes an artifact; one that is gone is no failure.
    pub fn remove(&self, id: ArtifactId) -> Result<(), Error> {
        match std::fs::remove_file(self.file_of(id)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }

    fn file_of(&self, id: ArtifactId) -> PathBuf {
        self.directory.join(format!("{id}{SUFFIX}"))
    }
}

fn write(path: &Path, about: &[u8], bytes: &[u8]) -> std::io::Result<()> {
    let mut file = files::open_private(path)?;
    file.set_len(0)?;
    let head = head(about, bytes);
    let mut crc = crc32fast::Hasher::new();
    for part in [&head[..], about, bytes] {
        crc.update(part);
        file.write_all(part)?;
    }
    file.write_all(&crc.finalize().to_le_bytes())?;
    file.sync_all()
}

fn head(about: &[u8], bytes: &[u8]) -> Vec<u8> {
    let lengths = [about.len() as u64, bytes.len() as u64];
    let mut head = MAGIC.to_vec();
    lengths.iter().for_each(|len| head.extend(len.to_le_bytes()));
    head
}

/// The length that stands at `at` of a head.
fn len(head: &[u8], at: usize) -> u64 {
    head[at..at + 8].iter().rev().fold(0, |len, byte| len << 8 | u64::from(*byte))
}

fn unpack(file: &[u8]) -> Result<Artifact, String> {
    let body = file.len().checked_sub(HEAD_LEN + CRC_LEN);
    let body = body.ok_or_else(|| format!("it has only {} bytes", file.len()))?;
    let (summed, crc) = file.split_at(HEAD_LEN + body);
    let (head, parts) = summed.split_at(HEAD_LEN);
    if !head.starts_with(MAGIC) {
        return Err("it is no model of this version".to_owned());
    }
    if crc != crc32fast::hash(summed).to_le_bytes() {
        return Err("its checksum is wrong".to_owned());
    }
    let (about_len, bytes_len) = (len(head, 8), len(head, 16));
    if about_len.checked_add(bytes_len) != Some(body as u64) {
        return Err("its length is not what was written".to_owned());
    }
    let (about, bytes) = parts.split_at(about_len as usize);
    Ok(Artifact { about: about.to_vec(), bytes: bytes.to_vec() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_what_is_damaged_refused() {
        let directory = tempfile::tempdir().expect("a directory");
        let artifacts = Artifacts::in_directory(directory.path().join("models"));
        let id = ArtifactId(7);
        assert_eq!(artifacts.list().expect("none yet"), []);
        assert!(artifacts.get(id).is_err());
        artifacts.put(id, b"about", b"model").expect("it is written");
        let kept = Artifact { about: b"about".to_vec(), bytes: b"model".to_vec() };
        assert_eq!(artifacts.about(id), Ok(b"about".to_vec()));
        assert_eq!((artifacts.get(id), artifacts.list().expect("one")), (Ok(kept), vec![id]));
        let path = artifacts.file_of(id);
        let good = std::fs::read(&path).expect("it is there");
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1;
            std::fs::write(&path, &bad).expect("it is written");
            assert!(artifacts.get(id).is_err(), "byte {at}");
            std::fs::write(&path, &good[..at]).expect("it is written");
            assert!(artifacts.get(id).is_err(), "cut at {at}");
        }
        artifacts.remove(id).expect("it goes");
        artifacts.remove(id).expect("it is gone");
        assert_eq!(artifacts.list().expect("none"), []);
    }
}
