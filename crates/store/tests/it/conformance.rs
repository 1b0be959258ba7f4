//! What every store must do, run over each of them.

use crate::{decision, event};
use bespoke_domain::entry::{Identity, IdentityKind};
use bespoke_domain::{Body, DecisionId, Entry, Millis, Offset, ShopperNo};
use bespoke_store::{Memory, Reader, Sqlite, Store};
use std::ops::ControlFlow;

fn offsets(reader: &dyn Reader, after: u64, until: u64) -> Vec<u64> {
    let mut seen = Vec::new();
    let mut each = |offset: Offset, _: Entry| {
        seen.push(offset.0);
        ControlFlow::Continue(())
    };
    reader.read(Offset(after), Offset(until), &mut each).expect("the log can be read");
    seen
}

fn every_store(check: impl Fn(&mut dyn Store)) {
    check(&mut Memory::default());
    let directory = tempfile::tempdir().expect("a temporary directory");
    check(&mut Sqlite::open(&directory.path().join("shop")).expect("an empty directory opens"));
}

#[test]
fn offsets_are_consecutive_and_what_is_read_is_what_was_written() {
    every_store(|store| {
        let entries = [event(1, 0), event(2, 1), event(2, 0)];
        assert_eq!(store.append(&entries[..2], &[]).ok(), Some(Offset(2)));
        assert_eq!(store.append(&entries[2..], &[]).ok(), Some(Offset(3)));
        assert_eq!(store.last_offset(), Offset(3));
        let reader = store.reader().expect("a reader");
        let mut read = Vec::new();
        let mut each = |_: Offset, entry: Entry| {
            read.push(entry);
            ControlFlow::Continue(())
        };
        reader.read(Offset(0), Offset(9), &mut each).expect("the log can be read");
        assert_eq!(read, entries);
        assert_eq!(offsets(reader.as_ref(), 1, 2), [2]);
        assert_eq!(reader.last_offset().ok(), Some(Offset(3)));
    });
}

#[test]
fn reading_stops_when_told() {
    every_store(|store| {
        store.append(&[event(1, 0), event(1, 0), event(1, 0)], &[]).expect("there is space");
        let mut count = 0;
        let mut each = |_: Offset, _: Entry| {
            count += 1;
            ControlFlow::Break(())
        };
        store.reader().expect("a reader").read(Offset(0), Offset(3), &mut each).expect("the log can be read");
        assert_eq!(count, 1);
    });
}

#[test]
fn a_shoppers_entries_are_those_of_a_full_scan() {
    every_store(|store| {
        let entries: Vec<Entry> = (0..50).map(|at| event(at, (at * 7 % 5) as u32)).collect();
        store.append(&entries, &[]).expect("there is space");
        let mut seen = Vec::new();
        let mut each = |offset: Offset, _: Entry| {
            seen.push(offset.0 - 1);
            ControlFlow::Continue(())
        };
        let reader = store.reader().expect("a reader");
        reader.read_shopper(ShopperNo(3), Offset(10), Offset(40), &mut each).expect("the log can be read");
        let want: Vec<u64> = (10..40).filter(|at| at * 7 % 5 == 3).collect();
        assert_eq!(seen, want);
    });
}

#[test]
fn a_decision_is_found_by_its_id() {
    every_store(|store| {
        let id = |ms: u128, random: u128| DecisionId(ms << 80 | random);
        let entry = |ms: i64, id| Entry {
            received: Millis(ms),
            shopper: None,
            body: Body::Decision(Box::new(decision(id))),
        };
        let mut entries: Vec<Entry> = (0..40).map(|at| event(at * 1000, 0)).collect();
        entries.push(entry(40_000, id(39_990, 1)));
        entries.push(entry(40_000, id(39_990, 2)));
        entries.extend((41..80).map(|at| event(at * 1000, 0)));
        store.append(&entries, &[]).expect("there is space");
        let reader = store.reader().expect("a reader");
        let found = reader.decision(id(39_990, 2)).expect("the log can be read");
        assert_eq!(found.map(|(offset, found)| (offset.0, found.request.id)), Some((42, id(39_990, 2))));
        for absent in [id(39_990, 3), id(5, 1), id(1 << 40, 1)] {
            assert!(reader.decision(absent).expect("the log can be read").is_none());
        }
    });
}

#[test]
fn identities_and_named_values_are_kept() {
    every_store(|store| {
        let identity = |no, kind, id: &str| Identity { shopper: ShopperNo(no), kind, external_id: id.into() };
        let all = [identity(0, IdentityKind::Anonymous, "a"), identity(1, IdentityKind::User, "a")];
        store.append(&[event(1, 0)], &all).expect("there is space");
        store.put_meta("secret", b"one").expect("there is space");
        store.put_meta("secret", b"two").expect("there is space");
        let reader = store.reader().expect("a reader");
        let mut read = Vec::new();
        reader.identities(&mut |identity| read.push(identity)).expect("the table can be read");
        assert_eq!(read, all);
        assert_eq!(reader.meta("secret").expect("the table can be read").as_deref(), Some(&b"two"[..]));
        assert_eq!(reader.meta("other").expect("the table can be read"), None);
    });
}
