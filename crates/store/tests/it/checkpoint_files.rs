//! Checkpoint files and what can happen to them.

use crate::samples::open;
use bespoke_domain::Offset;
use bespoke_store::{Checkpoints, Damaged, Store};
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

#[test]
fn a_damaged_checkpoint_is_skipped_with_its_reason_and_an_older_one_is_used() {
    let directory = tempfile::tempdir().unwrap();
    let checkpoints = open(directory.path()).checkpoints();
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
    let checkpoints = open(directory.path()).checkpoints();
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
    let checkpoints = open(directory.path()).checkpoints();
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
