//! What the system allows this process: how many files and connections, and how large a file.

use rustix::process::{Resource, Rlimit, Signal, getrlimit, setrlimit};
use tokio::signal::unix::{SignalKind, signal};

/// Files that a shop needs besides its connections: the log and its readers, checkpoints, models, messages.
const FILES_KEPT: u64 = 128;

/// How many connections there is room for, at most `most`. Where the process may raise its limit of open files, it does.
pub fn connections(most: usize) -> usize {
    let wanted = most as u64 + FILES_KEPT;
    let limit = getrlimit(Resource::Nofile);
    let possible = limit.maximum.map_or(wanted, |maximum| maximum.min(wanted));
    if limit.current.is_some_and(|current| current < possible) {
        // Where it cannot be had, there is room for fewer.
        _ = setrlimit(Resource::Nofile, Rlimit { current: Some(possible), ..limit });
    }
    let files = getrlimit(Resource::Nofile).current.unwrap_or(wanted);
    let room = files.saturating_sub(FILES_KEPT).max(files / 2);
    usize::try_from(room).unwrap_or(most).clamp(1, most)
}

/// Makes a write beyond the largest size that a file may have (`ulimit -f`) an error, to be answered like a full disk; without a
/// handler for its signal it ends the process. The handler stays when the runtime that it is set from is gone.
///
/// # Errors
/// When the system allows no handler.
pub fn outlive_file_limits() -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let _entered = runtime.enter();
    signal(SignalKind::from_raw(Signal::XFSZ.as_raw())).map(|_| ())
}
