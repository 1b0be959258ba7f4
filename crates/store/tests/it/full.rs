//! No space left: what fails then, what goes on, and that everything works again afterwards.

use crate::samples::{large, open, read_all};
use bespoke_domain::Offset;
use bespoke_store::{Error, Sqlite, Store};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Appends 50 large entries at a time until there is no space; returns how many were acknowledged.
fn fill(store: &mut Sqlite) -> u64 {
    for _ in 0..1_000 {
        let before = store.last_offset();
        match store.append(&batch(before), &[]) {
            Ok(last) => assert_eq!(last.0, before.0 + 50),
            Err(Error::Full) => {
                assert_eq!(store.last_offset(), before);
                return before.0;
            }
            Err(error) => panic!("after {} entries: {error}", before.0),
        }
    }
    panic!("the disk is never full");
}

fn batch(last: Offset) -> Vec<bespoke_domain::Entry> {
    (1..=50).map(|no| large(last.0 as i64 + no, 4_000)).collect()
}

fn expected(count: u64) -> Vec<bespoke_domain::Entry> {
    (1..=count as i64).map(|no| large(no, 4_000)).collect()
}

#[test]
fn a_full_log_is_read_and_goes_on_when_there_is_room() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = open(directory.path());
    store.limit_size(Some(4 << 20)).unwrap();
    let count = fill(&mut store);
    assert!((500..1_024).contains(&count), "{count} entries of 4 kB in 4 MiB");
    assert!(matches!(store.put_meta("large", &[0; 1 << 20]), Err(Error::Full)));
    let reader = store.reader().unwrap();
    assert!(read_all(reader.as_ref()) == expected(count));
    assert_eq!(reader.meta("large").unwrap(), None);
    store.limit_size(None).unwrap();
    assert_eq!(store.append(&batch(Offset(count)), &[]).unwrap(), Offset(count + 50));
    drop(store);
    assert!(read_all(open(directory.path()).reader().unwrap().as_ref()) == expected(count + 50));
}

/// A file system of its own in memory, gone when dropped.
struct Tmpfs(PathBuf);

impl Tmpfs {
    fn mount(at: &Path, size: &str) -> Option<Self> {
        let options = format!("size={size}");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(at).stderr(Stdio::null());
        mount.status().is_ok_and(|status| status.success()).then(|| Self(at.to_owned()))
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg(&self.0).status();
        assert!(std::thread::panicking() || unmounted.is_ok_and(|status| status.success()));
    }
}

#[test]
fn a_full_disk_is_survived() {
    let directory = tempfile::tempdir().unwrap();
    for (size, what) in [("32m", "the write-ahead log meets the end"), ("60m", "the file meets it, too")] {
        let Some(disk) = Tmpfs::mount(directory.path(), size) else {
            // Straight to the terminal: what a passed test prints is not shown.
            let note = "NOT RUN: full::a_full_disk_is_survived (needs the right to mount a tmpfs)";
            writeln!(std::io::stderr(), "{note}").unwrap();
            return;
        };
        survive(&disk.0.join("data"), what);
    }
}

fn survive(data: &Path, what: &str) {
    let ballast = data.with_file_name("ballast");
    // What is in the write-ahead log needs the same room once more in the file, so that much has to return.
    std::fs::write(&ballast, vec![1; 20 << 20]).unwrap();
    let mut store = open(data);
    let count = fill(&mut store);
    assert!(count >= 1_000, "{what}: {count}");
    let state = vec![7; 2 << 20];
    assert!(matches!(store.checkpoints().put(Offset(count), &state, 1), Err(Error::Full)), "{what}");
    assert_eq!(store.checkpoints().offsets().unwrap(), [], "{what}");
    let reader = store.reader().unwrap();
    assert!(read_all(reader.as_ref()) == expected(count), "{what}");
    drop((reader, store));
    // The index of the write-ahead log is made anew where it is missing, for which there is no room then.
    std::fs::remove_file(data.join("log.sqlite-shm")).unwrap();
    let brim = fill_up(data);
    let opened = Sqlite::open(data).err();
    assert!(matches!(opened, Some(Error::Full)), "{what}: opening without a byte of room: {opened:?}");
    std::fs::remove_file(brim).unwrap();
    std::fs::remove_file(ballast).unwrap();
    let mut store = open(data);
    assert!(read_all(store.reader().unwrap().as_ref()) == expected(count), "{what}");
    assert_eq!(store.append(&batch(Offset(count)), &[]).unwrap(), Offset(count + 50), "{what}");
    store.checkpoints().put(Offset(count + 50), &state, 1).unwrap();
    drop(store);
    assert!(read_all(open(data).reader().unwrap().as_ref()) == expected(count + 50), "{what}");
}

/// Takes every byte that is left.
fn fill_up(data: &Path) -> PathBuf {
    let path = data.with_file_name("brim");
    let mut file = std::fs::File::create(&path).unwrap();
    while file.write_all(&[1; 4096]).is_ok() {}
    path
}
