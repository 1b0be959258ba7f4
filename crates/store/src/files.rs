//! Files and directories that only their owner can read, and the lock that keeps a second server out.

use crate::error::{Error, is_no_room};
use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Seek, Write};
use std::path::Path;

/// Makes a directory, and those above it, for the owner alone; one that is there keeps its permissions.
pub(crate) fn make_directory(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Opens a file for writing, made if it is not there, for the owner alone even if it was more open before.
pub(crate) fn open_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;
    #[cfg(unix)]
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    Ok(file)
}

/// Makes renames and new files in a directory durable.
pub(crate) fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// The lock of a data directory. The system releases it when the file is closed, however the process ends.
pub(crate) fn lock(directory: &Path) -> Result<File, Error> {
    let file = open_private(&directory.join("lock"))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::Locked(directory.to_owned())),
        Err(TryLockError::Error(error)) => Err(error.into()),
    }
}

/// Whether there is no room for another few pages behind the first `len` bytes of a file. Asked after a failure that does not
/// say so itself.
pub(crate) fn is_full(directory: &Path, len: u64) -> bool {
    let path = directory.join("room");
    let written = open_private(&path).and_then(|mut file| {
        // A hole takes no room.
        file.seek(io::SeekFrom::Start(len))?;
        file.write_all(&[1; 1 << 16])
    });
    _ = std::fs::remove_file(&path);
    written.is_err_and(|error| is_no_room(&error))
}
