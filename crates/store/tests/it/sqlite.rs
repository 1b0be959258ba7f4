//! What SQLite must do beyond the suite: survive, refuse, upgrade, run out of space and recover.

use crate::event;
use bespoke_domain::Offset;
use bespoke_store::sqlite::MIGRATIONS;
use bespoke_store::{Error, Sqlite, Store};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

fn open(directory: &Path) -> Sqlite {
    Sqlite::open(directory).expect("the directory opens")
}

#[test]
fn a_copy_taken_without_closing_has_all_that_was_acknowledged() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let (live, copy) = (directory.path().join("live"), directory.path().join("copy"));
    let mut store = open(&live);
    for at in 0..20 {
        store.append(&[event(at, 0), event(at, 1)], &[]).expect("there is space");
    }
    fs::create_dir(&copy).expect("a new directory");
    for name in ["log.sqlite", "log.sqlite-wal"] {
        fs::copy(live.join(name), copy.join(name)).expect("the file can be copied");
    }
    assert_eq!(open(&copy).last_offset(), Offset(40));
}

#[test]
fn a_directory_in_use_is_refused() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let _held = open(directory.path());
    assert!(matches!(Sqlite::open(directory.path()), Err(Error::Locked(_))));
}

#[test]
fn nobody_else_may_read_the_log() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let shop = directory.path().join("shop");
    let _held = open(&shop);
    let mode = |path: &Path| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
    assert_eq!((mode(&shop), mode(&shop.join("log.sqlite"))), (0o700, 0o600));
}

#[test]
fn a_log_of_the_first_schema_is_upgraded_with_its_entries() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let old = rusqlite::Connection::open(directory.path().join("log.sqlite")).expect("a new file");
    old.execute_batch(MIGRATIONS[0]).expect("the first schema");
    old.execute(
        "INSERT INTO entry VALUES (1, 5, 1, NULL, ?1)",
        [bespoke_store::record::encode(&event(5, 0).body)],
    )
    .expect("an entry");
    old.pragma_update(None, "user_version", 1).expect("a version");
    drop(old);
    let mut store = open(directory.path());
    store.put_meta("name", b"value").expect("the table of the second schema is there");
    assert_eq!(store.append(&[event(6, 0)], &[]).ok(), Some(Offset(2)));
    let mut count = 0;
    let mut each = |_, _| {
        count += 1;
        std::ops::ControlFlow::Continue(())
    };
    store.reader().expect("a reader").read(Offset(0), Offset(2), &mut each).expect("old and new are read");
    assert_eq!(count, 2);
}

#[test]
fn a_log_of_a_later_version_is_refused() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    open(directory.path()).connection().pragma_update(None, "user_version", 99).expect("a version");
    assert!(matches!(Sqlite::open(directory.path()), Err(Error::TooNew { found: 99, .. })));
}

#[test]
fn a_full_disk_changes_nothing_and_writing_goes_on_when_there_is_space() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let mut store = open(directory.path());
    store.append(&[event(1, 0)], &[]).expect("there is space");
    let pages: u32 =
        store.connection().pragma_query_value(None, "page_count", |row| row.get(0)).expect("a count");
    store.connection().pragma_update(None, "max_page_count", pages).expect("a limit");
    let many: Vec<_> = (0..5000).map(|at| event(at, 0)).collect();
    assert!(matches!(store.append(&many, &[]), Err(Error::Full)));
    assert_eq!(store.last_offset(), Offset(1));
    store.connection().pragma_update(None, "max_page_count", 1 << 30).expect("a limit");
    assert_eq!(store.append(&many, &[]).ok(), Some(Offset(5001)));
}

#[test]
fn checkpoints_are_newest_first_pruned_and_damaged_ones_skipped() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let store = open(directory.path());
    let checkpoints = store.checkpoints();
    for at in 1..=4 {
        checkpoints.put(Offset(at * 10), &[at as u8; 100], 3).expect("there is space");
    }
    assert_eq!(checkpoints.offsets().expect("the folder can be read"), [40, 30, 20].map(Offset));
    let found = |until| {
        checkpoints.at_or_before(Offset(until)).expect("it can be read").map(|(at, bytes)| (at.0, bytes[0]))
    };
    assert_eq!((found(99), found(39), found(19)), (Some((40, 4)), Some((30, 3)), None));
    let newest = directory.path().join("checkpoints").join(format!("{:020}.checkpoint", 40));
    let mut bytes = fs::read(&newest).expect("it is there");
    bytes[60] ^= 1;
    fs::write(&newest, bytes).expect("it can be written");
    assert_eq!(found(99), Some((30, 3)));
}
