//! Checkpoint files: a magic word, the length and CRC of the bytes, the bytes. Written beside the old ones and renamed
//! into place, so that a crash leaves a whole file or none; a damaged one is skipped and said so.

use crate::error::Error;
use bespoke_domain::Offset;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

const MAGIC: &[u8; 8] = b"BSPKCKP1";
const HEADER: usize = 8 + 8 + 4;

/// The checkpoints of one data directory; none where there is no directory.
#[derive(Clone, Debug)]
pub struct Checkpoints {
    directory: Option<PathBuf>,
}

impl Checkpoints {
    /// The checkpoints in `directory`, made at the first write.
    pub fn new(directory: Option<PathBuf>) -> Self {
        Self { directory }
    }

    /// Writes the checkpoint of `offset` durably and removes all but the newest `keep`.
    pub fn put(&self, offset: Offset, bytes: &[u8], keep: usize) -> Result<(), Error> {
        let Some(directory) = &self.directory else { return Ok(()) };
        std::fs::create_dir_all(directory)?;
        let (path, unfinished) = (path(directory, offset), directory.join("unfinished"));
        let written = write(&unfinished, bytes).and_then(|()| std::fs::rename(&unfinished, &path));
        if let Err(error) = written {
            _ = std::fs::remove_file(&unfinished);
            return Err(error.into());
        }
        File::open(directory)?.sync_all()?;
        for old in self.offsets()?.into_iter().skip(keep.max(1)) {
            std::fs::remove_file(self::path(directory, old))?;
        }
        Ok(())
    }

    /// Offsets that have a checkpoint, newest first.
    pub fn offsets(&self) -> Result<Vec<Offset>, Error> {
        let Some(directory) = self.directory.as_ref().filter(|directory| directory.exists()) else {
            return Ok(Vec::new());
        };
        let mut offsets = Vec::new();
        for file in std::fs::read_dir(directory)? {
            let name = file?.file_name();
            let digits = name.to_str().and_then(|name| name.strip_suffix(".checkpoint"));
            offsets.extend(digits.and_then(|digits| digits.parse().ok()).map(Offset));
        }
        offsets.sort_unstable_by(|a, b| b.cmp(a));
        Ok(offsets)
    }

    /// The newest undamaged checkpoint not past `offset`.
    pub fn at_or_before(&self, offset: Offset) -> Result<Option<(Offset, Vec<u8>)>, Error> {
        for at in self.offsets()?.into_iter().filter(|at| *at <= offset) {
            if let Some(directory) = &self.directory
                && let Some(bytes) = read(&path(directory, at))?
            {
                return Ok(Some((at, bytes)));
            }
        }
        Ok(None)
    }
}

fn path(directory: &Path, offset: Offset) -> PathBuf {
    directory.join(format!("{:020}.checkpoint", offset.0))
}

fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(MAGIC)?;
    file.write_all(&(bytes.len() as u64).to_le_bytes())?;
    file.write_all(&crc32fast::hash(bytes).to_le_bytes())?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// The bytes of a checkpoint file; `None` where it is damaged.
fn read(path: &Path) -> Result<Option<Vec<u8>>, Error> {
    let mut bytes = std::fs::read(path)?;
    if bytes.len() < HEADER || bytes[..8] != *MAGIC {
        return Ok(None);
    }
    let body = bytes.split_off(HEADER);
    let length = u64::from_le_bytes(bytes[8..16].try_into().unwrap_or_default());
    let crc = u32::from_le_bytes(bytes[16..HEADER].try_into().unwrap_or_default());
    Ok((length == body.len() as u64 && crc == crc32fast::hash(&body)).then_some(body))
}
