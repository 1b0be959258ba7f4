//! Checkpoint files and what can happen to them.

use crate::samples::{event, events, open};
use bespoke_domain::Offset;
use bespoke_store::{Checkpoints, Damaged, Error, Sqlite, Store, read_only};
use std::fs;
use std::path::{Path, PathBuf};

fn file(directory: &Path, offset: u64) -> PathBuf {
    directory.join("checkpoints").join(format!("{offset:020}.checkpoint"))
}

/// The newest usable checkpoint, and what was skipped on the way to it.
fn newest(checkpoints: &Checkpoints) -> (Option<u64>, Vec<(u64, String)>) {
    let mut skipped = Vec::new();
    let mut skip = |damaged: Damaged| skipped.push((damaged.offset.0, damaged.why));
    let found = checkpoints.at_or_before(Offset(u64::MAX), &mut skip).unwrap();
    (found.map(|(offset, _)| offset.0), skipped)
}

fn with_entries(directory: &Path, count: i64) -> Sqlite {
    let mut store = open(directory);
    store.append(&events(0, count), &[]).unwrap();
    store
}

/// A data directory with 10 entries whose checkpoints are of 20: its log is what it was at 10 entries.
fn shortened(directory: &Path) {
    let mut store = with_entries(directory, 10);
    store.checkpoints().put(Offset(10), b"ten", 9).unwrap();
    store.gather().unwrap();
    let then = fs::read(directory.join("log.sqlite")).unwrap();
    store.append(&events(10, 10), &[]).unwrap();
    store.checkpoints().put(Offset(20), b"twenty", 9).unwrap();
    drop(store);
    assert!(!directory.join("log.sqlite-wal").exists());
    fs::write(directory.join("log.sqlite"), then).unwrap();
}

#[test]
fn a_checkpoint_of_entries_that_were_lost_is_set_aside_and_never_believed() {
    let directory = tempfile::tempdir().unwrap();
    shortened(directory.path());
    let mut store = open(directory.path());
    let checkpoints = store.checkpoints();
    assert_eq!(
        (checkpoints.offsets().unwrap(), checkpoints.aside().unwrap()),
        (vec![Offset(10)], vec![Offset(20)])
    );
    store.append(&events(1_000, 15), &[]).unwrap();
    drop(store);
    let store = open(directory.path());
    assert_eq!(newest(&store.checkpoints()), (Some(10), vec![]));
    assert_eq!(store.checkpoints().aside().unwrap(), [Offset(20)], "it is told until it is removed");
    let left = directory.path().join("checkpoints/00000000000000000020.set-aside");
    assert!(fs::read(left).unwrap().windows(6).any(|bytes| bytes == b"twenty"));
}

#[test]
fn a_checkpoint_of_another_log_is_not_believed_where_the_log_has_grown_past_it() {
    let directory = tempfile::tempdir().unwrap();
    shortened(directory.path());
    let newer = fs::read(file(directory.path(), 20)).unwrap();
    let mut store = open(directory.path());
    store.append(&events(1_000, 15), &[]).unwrap();
    // As a version left it that believed every checkpoint.
    fs::write(file(directory.path(), 20), newer).unwrap();
    let why = "the log has another entry there than the one it was made after";
    let reader = read_only(directory.path()).unwrap();
    assert_eq!(newest(&reader.checkpoints()), (Some(10), vec![(20, why.to_owned())]));
    drop(store);
    assert_eq!(open(directory.path()).checkpoints().offsets().unwrap(), [Offset(10)]);
}

#[test]
fn a_checkpoint_stays_where_its_entry_cannot_be_read() {
    let directory = tempfile::tempdir().unwrap();
    let store = with_entries(directory.path(), 10);
    store.checkpoints().put(Offset(10), b"ten", 9).unwrap();
    drop(store);
    let log = rusqlite::Connection::open(directory.path().join("log.sqlite")).unwrap();
    log.execute("UPDATE entry SET body = X'63' WHERE offset = 10", []).unwrap();
    drop(log);
    assert_eq!(newest(&open(directory.path()).checkpoints()), (Some(10), vec![]));
}

#[test]
fn there_is_no_checkpoint_after_an_entry_that_is_not_there() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = with_entries(directory.path(), 10);
    let refused = store.checkpoints().put(Offset(11), b"eleven", 9);
    assert!(matches!(refused, Err(Error::Corrupt { offset: Offset(11), .. })), "{refused:?}");
    store.append(&[event(10, None)], &[]).unwrap();
    store.checkpoints().put(Offset(11), b"eleven", 9).unwrap();
}

#[test]
fn a_damaged_checkpoint_is_skipped_with_its_reason_and_an_older_one_is_used() {
    let directory = tempfile::tempdir().unwrap();
    let checkpoints = with_entries(directory.path(), 2).checkpoints();
    let whole = |offset: u64| {
        checkpoints.put(Offset(offset), b"twenty bytes of state", 9).unwrap();
        fs::read(file(directory.path(), offset)).unwrap()
    };
    whole(1);
    let newer = whole(2);
    let check = |bytes: &[u8], why: &str| {
        fs::write(file(directory.path(), 2), bytes).unwrap();
        assert_eq!(newest(&checkpoints), (Some(1), vec![(2, why.to_owned())]));
    };
    check(b"", "it has only 0 bytes");
    check(&newer[..20], "it has only 20 bytes");
    check(&newer[..newer.len() - 1], "its length is not what was written");
    check(&[&newer[..], b"x"].concat(), "its length is not what was written");
    check(&[b"BSPKCKP1", &newer[8..]].concat(), "it is no checkpoint of this version");
    check(&fs::read(file(directory.path(), 1)).unwrap(), "it is of another offset");
    for at in [17, newer.len() - 13, newer.len() - 1] {
        let mut flipped = newer.clone();
        flipped[at] ^= 0x10;
        check(&flipped, "its checksum is wrong");
    }
    fs::write(file(directory.path(), 2), &newer).unwrap();
    assert_eq!(newest(&checkpoints), (Some(2), vec![]));
}

#[test]
fn what_a_crash_left_is_no_checkpoint_and_is_in_nobodys_way() {
    let directory = tempfile::tempdir().unwrap();
    let checkpoints = with_entries(directory.path(), 2).checkpoints();
    checkpoints.put(Offset(1), b"one", 9).unwrap();
    let unfinished = directory.path().join("checkpoints/unfinished");
    fs::write(&unfinished, vec![7; 10_000]).unwrap();
    assert_eq!(newest(&checkpoints), (Some(1), vec![]));
    checkpoints.put(Offset(2), b"two", 9).unwrap();
    assert_eq!(newest(&checkpoints), (Some(2), vec![]));
    assert!(!unfinished.exists());
}

#[test]
fn threads_that_write_at_once_leave_whole_files() {
    let directory = tempfile::tempdir().unwrap();
    let checkpoints = with_entries(directory.path(), 40).checkpoints();
    std::thread::scope(|scope| {
        for thread in 0..4_u64 {
            let checkpoints = checkpoints.clone();
            scope.spawn(move || {
                for no in 0..10 {
                    let offset = no * 4 + thread;
                    checkpoints.put(Offset(offset), &vec![offset as u8; 50_000], 40).unwrap();
                }
            });
        }
    });
    assert_eq!(checkpoints.offsets().unwrap().len(), 40);
    for offset in 0..40 {
        let found = checkpoints.at_or_before(Offset(offset), &mut |damaged| panic!("{damaged:?}")).unwrap();
        assert!(found == Some((Offset(offset), vec![offset as u8; 50_000])), "checkpoint {offset}");
    }
}
