//! Checkpoint files: a head with the offset and the mark of the entry there, the bytes, their length and CRC. Written beside the
//! old ones and renamed into place, so that a crash leaves a whole file or none; a damaged one is skipped and said so. One whose
//! entry the log does not have is of another log, or of entries that were lost: it is never believed, and set aside.

use crate::error::Error;
use crate::{files, sqlite};
use bespoke_domain::Offset;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

const MAGIC: &[u8; 8] = b"BSPKCKP3";
const HEAD_LEN: usize = 8 + 8 + MARK_LEN;
const TAIL_LEN: usize = 8 + 4;
const SUFFIX: &str = ".checkpoint";
/// What the name of one ends with that is of another log.
const ASIDE: &str = ".set-aside";
const UNFINISHED: &str = "unfinished";
/// Bytes of a checkpoint that may wait for the disk.
const SYNC_EVERY: usize = 4 << 20;
const MARK_LEN: usize = 8 + 4;

/// What tells an entry of the log from any other that could stand in its place: when it was received, and a CRC of all of it.
pub type Mark = [u8; MARK_LEN];

/// The checkpoints beside one log. Clones share them, and may be used from any thread.
#[derive(Clone, Debug)]
pub struct Checkpoints {
    place: Arc<Place>,
}

/// A checkpoint that was skipped or set aside.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Damaged {
    /// The offset in its name.
    pub offset: Offset,
    /// What is wrong with it.
    pub why: String,
}

#[derive(Debug)]
enum Place {
    /// The lock is held while one is written, since all are written under one name first.
    Directory {
        path: PathBuf,
        /// The data directory, for the log.
        data: PathBuf,
        writing: Mutex<()>,
    },
    Memory(Mutex<BTreeMap<Offset, Vec<u8>>>),
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Checkpoints {
    /// The checkpoints of a data directory; their own is made at the first write.
    pub(crate) fn in_directory(data: &Path) -> Self {
        let (path, data) = (data.join("checkpoints"), data.to_owned());
        Self { place: Arc::new(Place::Directory { path, data, writing: Mutex::default() }) }
    }

    /// Checkpoints that end with the process.
    pub(crate) fn in_memory() -> Self {
        Self { place: Arc::new(Place::Memory(Mutex::default())) }
    }

    /// Writes the checkpoint of `offset`, whose entry MUST be in the log, durably and removes all but the newest `keep` (at
    /// least one).
    pub fn put(&self, offset: Offset, bytes: &[u8], keep: usize) -> Result<(), Error> {
        self.write(offset, keep, &mut |to| to.write_all(bytes))
    }

    /// As [`Checkpoints::put`], with the bytes written piece by piece; when `fill` fails there is no new checkpoint.
    pub fn write(
        &self,
        offset: Offset,
        keep: usize,
        fill: &mut dyn FnMut(&mut dyn Write) -> io::Result<()>,
    ) -> Result<(), Error> {
        let missing = || Error::Corrupt { offset, why: "it is not there".to_owned() };
        let head = (offset, self.mark(offset)?.ok_or_else(missing)?);
        match &*self.place {
            Place::Directory { path, writing, .. } => {
                let _alone = locked(writing);
                write_file(path, head, fill)?;
            }
            Place::Memory(kept) => {
                let mut bytes = Vec::new();
                frame(head, &mut bytes, fill)?;
                locked(kept).insert(offset, bytes);
            }
        }
        self.prune(keep.max(1))
    }

    /// Offsets that have a checkpoint, newest first.
    pub fn offsets(&self) -> Result<Vec<Offset>, Error> {
        let mut offsets = match &*self.place {
            Place::Directory { path, .. } => list(path, SUFFIX)?,
            Place::Memory(kept) => locked(kept).keys().copied().collect(),
        };
        offsets.sort_unstable_by(|a, b| b.cmp(a));
        Ok(offsets)
    }

    /// Offsets of the checkpoints that were set aside, now or before, and are still there; newest first.
    pub fn aside(&self) -> Result<Vec<Offset>, Error> {
        let Place::Directory { path, .. } = &*self.place else { return Ok(Vec::new()) };
        let mut offsets = list(path, ASIDE)?;
        offsets.sort_unstable_by(|a, b| b.cmp(a));
        Ok(offsets)
    }

    /// Gives those another name that are of another log than this one, or of entries that it has lost: once the log has
    /// grown past them, nothing but their marks would tell. They are kept, since they may be all that is left.
    pub(crate) fn set_aside(&self) -> Result<Vec<Damaged>, Error> {
        let mut found = Vec::new();
        let Place::Directory { path, .. } = &*self.place else { return Ok(found) };
        for offset in self.offsets()? {
            // One of an older version, or cut short, is no danger: it is not read.
            let Some(mark) = head_mark(&file_of(path, offset)) else { continue };
            if let Some(why) = self.fault(offset, mark)? {
                std::fs::rename(file_of(path, offset), path.join(format!("{:020}{ASIDE}", offset.0)))?;
                found.push(Damaged { offset, why });
            }
        }
        if !found.is_empty() {
            files::sync_directory(path)?;
        }
        Ok(found)
    }

    /// The newest undamaged checkpoint of this log not past `offset`; `skipped` hears of those that are damaged, or of another
    /// log.
    pub fn at_or_before(
        &self,
        offset: Offset,
        skipped: &mut dyn FnMut(Damaged),
    ) -> Result<Option<(Offset, Vec<u8>)>, Error> {
        for at in self.offsets()?.into_iter().filter(|at| *at <= offset) {
            let loaded = self.load(at).and_then(|bytes| unframe(at, bytes)).and_then(|(mark, bytes)| {
                let fault = self.fault(at, mark).map_err(|error| error.to_string())?;
                fault.map_or(Ok(bytes), Err)
            });
            match loaded {
                Ok(bytes) => return Ok(Some((at, bytes))),
                Err(why) => skipped(Damaged { offset: at, why }),
            }
        }
        Ok(None)
    }

    /// The mark of the log's entry at `offset`; `None` where there is no entry.
    fn mark(&self, offset: Offset) -> Result<Option<Mark>, Error> {
        match &*self.place {
            Place::Directory { data, .. } if offset.0 > 0 => sqlite::mark(data, offset),
            // The beginning is that of every log; and what ends with the process has seen no other one.
            _ => Ok(Some(Mark::default())),
        }
    }

    /// Why a checkpoint at `offset` that was made after an entry with this mark is not of this log, if it is not.
    fn fault(&self, offset: Offset, mark: Mark) -> Result<Option<String>, Error> {
        Ok(match self.mark(offset) {
            Ok(Some(found)) if found == mark => None,
            Ok(Some(_)) => Some("the log has another entry there than the one it was made after".to_owned()),
            Ok(None) => Some("the log ends before it".to_owned()),
            // Nothing says that it is of another log, and it may be all that is known of what stood there.
            Err(error) if error.is_damage() => None,
            Err(error) => return Err(error),
        })
    }

    fn load(&self, offset: Offset) -> Result<Vec<u8>, String> {
        match &*self.place {
            Place::Directory { path, .. } => {
                std::fs::read(file_of(path, offset)).map_err(|error| error.to_string())
            }
            Place::Memory(kept) => locked(kept).get(&offset).cloned().ok_or_else(|| "it is gone".to_owned()),
        }
    }

    fn prune(&self, keep: usize) -> Result<(), Error> {
        for old in self.offsets()?.into_iter().skip(keep) {
            match &*self.place {
                Place::Directory { path, .. } => remove(&file_of(path, old))?,
                Place::Memory(kept) => _ = locked(kept).remove(&old),
            }
        }
        Ok(())
    }
}

fn file_of(directory: &Path, offset: Offset) -> PathBuf {
    directory.join(format!("{:020}{SUFFIX}", offset.0))
}

/// The mark in the head of a checkpoint file of this version.
fn head_mark(path: &Path) -> Option<Mark> {
    let mut head = [0; HEAD_LEN];
    File::open(path).and_then(|mut file| file.read_exact(&mut head)).ok()?;
    head.starts_with(MAGIC).then(|| mark_of(&head))
}

/// The mark in a head, which is long enough.
fn mark_of(head: &[u8]) -> Mark {
    let mut mark = Mark::default();
    mark.copy_from_slice(&head[HEAD_LEN - MARK_LEN..HEAD_LEN]);
    mark
}

fn list(directory: &Path, suffix: &str) -> Result<Vec<Offset>, Error> {
    if !directory.exists() {
        return Ok(Vec::new());
    }
    let mut offsets = Vec::new();
    for file in std::fs::read_dir(directory)? {
        let name = file?.file_name();
        let digits = name.to_str().and_then(|name| name.strip_suffix(suffix));
        offsets.extend(digits.and_then(|digits| digits.parse().ok()).map(Offset));
    }
    Ok(offsets)
}

/// Removes a file; one that another thread has pruned already is no failure.
fn remove(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        outcome => outcome,
    }
}

fn write_file(
    directory: &Path,
    head: (Offset, Mark),
    fill: &mut dyn FnMut(&mut dyn Write) -> io::Result<()>,
) -> Result<(), Error> {
    files::make_directory(directory)?;
    let unfinished = directory.join(UNFINISHED);
    let written = fill_file(&unfinished, head, fill)
        .and_then(|()| std::fs::rename(&unfinished, file_of(directory, head.0)));
    if let Err(error) = written {
        _ = std::fs::remove_file(&unfinished);
        return Err(error.into());
    }
    Ok(files::sync_directory(directory)?)
}

fn fill_file(
    path: &Path,
    head: (Offset, Mark),
    fill: &mut dyn FnMut(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    let file = files::open_private(path)?;
    file.set_len(0)?;
    let mut buffered = BufWriter::with_capacity(1 << 16, Paced { file, unsynced: 0 });
    frame(head, &mut buffered, fill)?;
    let paced = buffered.into_inner().map_err(io::IntoInnerError::into_error)?;
    paced.file.sync_all()
}

/// Syncs every few megabytes: where a journal is shared, a commit of the log waits for what a checkpoint has unsynced.
struct Paced {
    file: File,
    unsynced: usize,
}

impl Write for Paced {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.unsynced += written;
        if self.unsynced >= SYNC_EVERY {
            self.file.sync_data()?;
            self.unsynced = 0;
        }
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Counts and sums what passes through it.
struct Summed<'a> {
    inner: &'a mut dyn Write,
    crc: crc32fast::Hasher,
    len: u64,
}

impl Write for Summed<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.crc.update(&bytes[..written]);
        self.len += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Head, bytes, tail. The CRC is over head and bytes.
fn frame(
    (offset, mark): (Offset, Mark),
    to: &mut dyn Write,
    fill: &mut dyn FnMut(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    let mut summed = Summed { inner: to, crc: crc32fast::Hasher::new(), len: 0 };
    summed.write_all(MAGIC)?;
    summed.write_all(&offset.0.to_le_bytes())?;
    summed.write_all(&mark)?;
    fill(&mut summed)?;
    let Summed { inner, crc, len } = summed;
    inner.write_all(&len.to_le_bytes())?;
    inner.write_all(&crc.finalize().to_le_bytes())
}

/// The mark of its entry and the state in the bytes of a checkpoint file, or what is wrong with them.
pub fn unframe(offset: Offset, mut bytes: Vec<u8>) -> Result<(Mark, Vec<u8>), String> {
    let summed_len = bytes.len().checked_sub(TAIL_LEN).filter(|len| *len >= HEAD_LEN);
    let summed_len = summed_len.ok_or_else(|| format!("it has only {} bytes", bytes.len()))?;
    let (summed, tail) = bytes.split_at(summed_len);
    if !summed.starts_with(MAGIC) {
        return Err("it is no checkpoint of this version".to_owned());
    }
    if tail[..8] != (summed_len as u64).to_le_bytes() {
        return Err("its length is not what was written".to_owned());
    }
    if tail[8..] != crc32fast::hash(summed).to_le_bytes() {
        return Err("its checksum is wrong".to_owned());
    }
    if summed[8..16] != offset.0.to_le_bytes() {
        return Err("it is of another offset".to_owned());
    }
    let mark = mark_of(summed);
    bytes.truncate(summed_len);
    bytes.drain(..HEAD_LEN);
    Ok((mark, bytes))
}
