//! Opening, reopening, damage and sealing: what only the store on disk can do.

use crate::samples::{events, identity, large, open, read_all, read_shopper};
use bespoke_domain::entry::IdentityKind::{Anonymous, User};
use bespoke_domain::settings::{KeyChange, Scope};
use bespoke_domain::{Body, Entry, Millis, Offset, ShopperNo};
use bespoke_store::{Error, MIGRATIONS, Options, Sealing, Sqlite, Store, read_only};
use rusqlite::Connection;
use std::ops::ControlFlow;
use std::path::Path;

/// A connection of no store, as a support engineer opens it.
fn raw(directory: &Path) -> Connection {
    Connection::open(directory.join("log.sqlite")).unwrap()
}

fn error(opened: Result<Sqlite, Error>) -> String {
    opened.err().expect("the directory must be refused").to_string()
}

#[test]
fn everything_is_there_after_reopening() {
    let directory = tempfile::tempdir().unwrap();
    let entries = events(0, 45);
    let mut store = open(directory.path());
    store.append(&entries[..30], &[identity(1, User, "u")]).unwrap();
    store.put_meta("secret", b"s").unwrap();
    store.checkpoints().put(Offset(30), b"state", 2).unwrap();
    assert_eq!(store.sealer().unwrap().finish().unwrap(), 3);
    drop(store);
    let mut store = open(directory.path());
    assert_eq!((store.last_offset(), store.last_received()), (Offset(30), entries[29].received));
    store.append(&entries[30..], &[]).unwrap();
    let reader = store.reader().unwrap();
    assert_eq!(read_all(reader.as_ref()), entries);
    assert_eq!(reader.identity(ShopperNo(1)).unwrap(), Some(identity(1, User, "u")));
    assert_eq!(reader.meta("secret").unwrap().as_deref(), Some(&b"s"[..]));
    assert_eq!(reader.checkpoint_at_or_before(Offset(45)).unwrap(), Some((Offset(30), b"state".to_vec())));
    assert_eq!(store.sealer().unwrap().finish().unwrap(), 1);
}

#[test]
fn what_was_acknowledged_is_in_the_files_without_closing() {
    let (directory, copy) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let entries = events(0, 500);
    let mut store = open(directory.path());
    for chunk in entries.chunks(50) {
        store.append(chunk, &[]).unwrap();
    }
    store.append(&[], &[identity(1, Anonymous, "a")]).unwrap();
    for name in ["log.sqlite", "log.sqlite-wal"] {
        std::fs::copy(directory.path().join(name), copy.path().join(name)).unwrap();
    }
    let after_the_crash = open(copy.path());
    let reader = after_the_crash.reader().unwrap();
    assert_eq!(read_all(reader.as_ref()), entries);
    assert_eq!(reader.identity(ShopperNo(1)).unwrap(), Some(identity(1, Anonymous, "a")));
}

#[test]
fn what_is_gathered_is_in_one_file() {
    let (directory, copy) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut store = open(directory.path());
    store.append(&events(0, 500), &[]).unwrap();
    let reader = store.reader().unwrap();
    assert_eq!(read_all(reader.as_ref()).len(), 500);
    store.gather().unwrap();
    assert_eq!(file_len(directory.path(), "log.sqlite-wal"), 0);
    std::fs::copy(directory.path().join("log.sqlite"), copy.path().join("log.sqlite")).unwrap();
    assert_eq!(read_all(open(copy.path()).reader().unwrap().as_ref()), events(0, 500));
    store.append(&events(500, 1), &[]).unwrap();
    assert_eq!(reader.last_offset().unwrap(), Offset(501));
}

#[test]
fn entries_before_a_damaged_page_are_read() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = open(directory.path());
    for at in 0..100 {
        store.append(&[large(at, 1_500)], &[]).unwrap();
    }
    store.gather().unwrap();
    drop(store);
    let path = directory.path().join("log.sqlite");
    let mut bytes = std::fs::read(&path).unwrap();
    let end = bytes.len();
    bytes[end - 8_192..].fill(0xA5);
    std::fs::write(&path, bytes).unwrap();
    let reader = read_only(directory.path()).unwrap();
    let mut last = 0;
    let failed = reader.read(Offset(0), Offset(100), &mut |offset, _| {
        last = offset.0;
        ControlFlow::Continue(())
    });
    assert!(failed.is_err_and(|error| error.is_damage()));
    assert!((50..100).contains(&last), "{last}");
}

#[test]
fn a_torn_end_of_the_write_ahead_log_costs_only_the_commit_that_was_torn() {
    let (directory, copy) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut store = open(directory.path());
    let entries = events(0, 200);
    store.append(&entries[..100], &[]).unwrap();
    let wal = directory.path().join("log.sqlite-wal");
    let acknowledged_len = std::fs::metadata(&wal).unwrap().len();
    store.append(&entries[100..], &[]).unwrap();
    std::fs::copy(directory.path().join("log.sqlite"), copy.path().join("log.sqlite")).unwrap();
    let bytes = std::fs::read(&wal).unwrap();
    let torn_len = (acknowledged_len as usize + bytes.len()) / 2;
    assert!(torn_len > acknowledged_len as usize, "the second commit must be in the write-ahead log");
    std::fs::write(copy.path().join("log.sqlite-wal"), &bytes[..torn_len]).unwrap();
    let mut after_the_crash = open(copy.path());
    assert_eq!(read_all(after_the_crash.reader().unwrap().as_ref()), entries[..100]);
    assert_eq!(after_the_crash.append(&entries[100..], &[]).unwrap(), Offset(200));
}

#[test]
fn a_reader_does_not_see_what_is_not_committed() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = open(directory.path());
    store.append(&events(0, 3), &[]).unwrap();
    let reader = store.reader().unwrap();
    let writer = raw(directory.path());
    writer
        .execute_batch(
            "BEGIN; INSERT INTO entry SELECT 4, received_ms, kind, 1, body FROM entry WHERE offset = 3",
        )
        .unwrap();
    assert_eq!(reader.last_offset().unwrap(), Offset(3));
    writer.execute_batch("COMMIT").unwrap();
    assert_eq!(reader.last_offset().unwrap(), Offset(4));
}

#[test]
fn a_slow_reader_does_not_make_the_write_ahead_log_grow() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = open(directory.path());
    store.append(&events(0, 10_000), &[]).unwrap();
    let (reader, before) = (store.reader().unwrap(), file_len(directory.path(), "log.sqlite"));
    let mut longest = 0;
    let mut each = |offset: Offset, _| {
        if offset.0.is_multiple_of(100) {
            store.append(&[large(20_000, 1 << 20)], &[]).unwrap();
            longest = longest.max(file_len(directory.path(), "log.sqlite-wal"));
        }
        ControlFlow::Continue(())
    };
    reader.read(Offset(0), Offset(10_000), &mut each).unwrap();
    assert!(
        file_len(directory.path(), "log.sqlite") > before + (64 << 20),
        "what was appended is in the file"
    );
    assert!(longest < 40 << 20, "{longest} bytes");
}

fn file_len(directory: &Path, name: &str) -> u64 {
    std::fs::metadata(directory.join(name)).unwrap().len()
}

#[test]
fn a_directory_in_use_is_refused_and_free_when_its_user_is_gone() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let refused = error(Sqlite::open(directory.path()));
    assert_eq!(
        refused,
        format!("{} is in use by another process; stop it first", directory.path().display())
    );
    let reader = store.reader().unwrap();
    let sealer = store.sealer().unwrap();
    drop(store);
    assert!(matches!(Sqlite::open(directory.path()), Err(Error::Locked(_))), "a sealer writes, too");
    drop(sealer);
    open(directory.path()).append(&events(0, 1), &[]).unwrap();
    assert_eq!(reader.last_offset().unwrap(), Offset(1), "a reader is in nobody's way");
}

#[cfg(unix)]
#[test]
fn only_the_owner_can_read() {
    use std::os::unix::fs::PermissionsExt;
    let parent = tempfile::tempdir().unwrap();
    let directory = parent.path().join("data");
    let mut store = open(&directory);
    store.append(&events(0, 1), &[]).unwrap();
    store.checkpoints().put(Offset(1), b"state", 1).unwrap();
    let mode = |path: &str| std::fs::metadata(directory.join(path)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("."), mode("checkpoints")), (0o700, 0o700));
    let checkpoint = "checkpoints/00000000000000000001.checkpoint";
    for file in ["log.sqlite", "log.sqlite-wal", "log.sqlite-shm", "lock", checkpoint] {
        assert_eq!(mode(file), 0o600, "{file}");
    }
}

#[test]
fn what_is_replaced_leaves_no_bytes_behind() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = open(directory.path());
    let holds = |text: &[u8]| {
        let bytes = std::fs::read(directory.path().join("log.sqlite")).unwrap();
        bytes.windows(text.len()).any(|window| window == text)
    };
    store.put_meta("who", b"a name to forget").unwrap();
    drop(store);
    assert!(holds(b"a name to forget"));
    store = open(directory.path());
    store.put_meta("who", b"nobody").unwrap();
    drop(store);
    assert!(holds(b"nobody") && !holds(b"a name to forget") && !holds(b"to forget"));
}

#[test]
fn a_log_of_schema_1_is_brought_up_to_date() {
    let directory = tempfile::tempdir().unwrap();
    raw(directory.path()).execute_batch(include_str!("../data/schema_1.sql")).unwrap();
    let mut store = Sqlite::open_with(directory.path(), Options { segment_entries: 3 }).unwrap();
    let reader = store.reader().unwrap();
    let key = |ms: i64, shopper: Option<u32>, byte, scope, revoked| Entry {
        received: Millis(1_780_000_000_000 + ms),
        shopper: shopper.map(ShopperNo),
        body: Body::Key(KeyChange { hash: [byte; 32], scope, revoked }),
    };
    let expected = [
        key(0, None, 0x11, Scope::Publishable, false),
        key(0, Some(7), 0xab, Scope::Secret, false),
        key(250, None, 0x11, Scope::Publishable, true),
        key(1_000, Some(7), 0xab, Scope::Secret, true),
    ];
    assert_eq!(read_all(reader.as_ref()), expected);
    assert_eq!(reader.identity(ShopperNo(7)).unwrap(), Some(identity(7, Anonymous, "cookie-7")));
    assert_eq!(reader.identity(ShopperNo(9)).unwrap(), Some(identity(9, User, "customer-9")));
    store.put_meta("secret", b"new").unwrap();
    assert_eq!(store.sealer().unwrap().finish().unwrap(), 1);
    let offsets = read_shopper(reader.as_ref(), 7, 0, 4).into_iter().map(|(offset, _)| offset);
    assert!(offsets.eq([2, 4]));
    assert_eq!(store.append(&events(2_000, 1), &[]).unwrap(), Offset(5));
}

#[test]
fn a_log_of_a_later_version_is_refused_and_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    drop(open(directory.path()));
    let known = MIGRATIONS.last().unwrap().0;
    raw(directory.path()).pragma_update(None, "user_version", known + 1).unwrap();
    let text = format!(
        "the data directory has schema {}, this version knows {known}; use a newer Bespoke",
        known + 1
    );
    assert_eq!(error(Sqlite::open(directory.path())), text);
    let left: u32 = raw(directory.path()).pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    assert_eq!(left, known + 1);
}

#[test]
fn migrations_are_numbered_from_one_without_gaps() {
    let versions: Vec<u32> = MIGRATIONS.iter().map(|(version, _)| *version).collect();
    assert_eq!(versions, (1..=MIGRATIONS.len() as u32).collect::<Vec<_>>());
}

#[test]
fn a_damaged_entry_is_named_with_what_is_wrong() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = open(directory.path());
    store.append(&events(0, 9), &[]).unwrap();
    let reader = store.reader().unwrap();
    let check = |offset: u64, change: &str, why: &str| {
        let changed =
            raw(directory.path()).execute(&format!("UPDATE entry SET {change} WHERE offset = {offset}"), []);
        assert_eq!(changed.unwrap(), 1);
        let mut before = 0;
        let failed = reader.read(Offset(offset - 2), Offset(9), &mut |_, _| {
            before += 1;
            ControlFlow::Continue(())
        });
        assert_eq!((before, failed.unwrap_err().to_string()), (1, why.to_owned()));
        assert_eq!(reader.entry(Offset(offset)).unwrap_err().to_string(), why);
    };
    check(9, "body = X''", "log entry 9 cannot be read: it is empty");
    check(
        7,
        "body = CAST(X'63' || substr(body, 2) AS BLOB)",
        "log entry 7 has record version 99, this version knows 1",
    );
    check(6, "kind = 2", "log entry 6 cannot be read: its kind is not what its record says");
    check(5, "body = CAST(body || X'00' AS BLOB)", "log entry 5 cannot be read: 1 bytes are left over");
}

#[test]
fn sealing_that_was_cut_off_is_done_again() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = Sqlite::open_with(directory.path(), Options { segment_entries: 20_000 }).unwrap();
    store.append(&events(0, 20_000), &[]).unwrap();
    let mut sealer = store.sealer().unwrap();
    for _ in 0..3 {
        assert_eq!(sealer.step().unwrap(), Sealing::More);
    }
    drop((sealer, store));
    let rows = "SELECT count(*) FROM by_shopper";
    let partly: u32 = raw(directory.path()).query_row(rows, [], |row| row.get(0)).unwrap();
    assert!(partly > 0 && partly < 15_000, "{partly}");
    let store = Sqlite::open_with(directory.path(), Options { segment_entries: 9_000 }).unwrap();
    assert_eq!(store.sealer().unwrap().finish().unwrap(), 2, "other segments than before");
    let found = read_shopper(store.reader().unwrap().as_ref(), 1, 0, u64::MAX);
    assert!(found.into_iter().map(|(offset, _)| offset).eq((2..=20_000).step_by(4)));
}

#[test]
fn sealing_beside_a_busy_writer_finishes_and_loses_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = Sqlite::open_with(directory.path(), Options { segment_entries: 2_000 }).unwrap();
    store.append(&events(0, 4_000), &[]).unwrap();
    let mut sealer = store.sealer().unwrap();
    let sealed = std::thread::scope(|scope| {
        let sealing = scope.spawn(move || sealer.finish().unwrap());
        for batch in 0..200 {
            store.append(&events(4_000 + batch * 20, 20), &[]).unwrap();
        }
        sealing.join().unwrap()
    });
    assert!((2..=4).contains(&sealed), "{sealed}");
    assert_eq!(sealed + store.sealer().unwrap().finish().unwrap(), 4);
    let found = read_shopper(store.reader().unwrap().as_ref(), 0, 0, u64::MAX);
    assert!(found.into_iter().map(|(offset, _)| offset).eq((1..=8_000).step_by(4)));
}
