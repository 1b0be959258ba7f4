//! What every store does, whatever it is made of.

use crate::samples::{
    decision, decision_id, event, events, identity, on_each_store, read, read_all, read_shopper,
};
use bespoke_domain::entry::IdentityKind::{Anonymous, User};
use bespoke_domain::{Entry, Millis, Offset, ShopperNo};
use bespoke_store::{DECISION_LAG_MS, Error, Options, Reader, Sqlite, Store};
use std::io;
use std::ops::ControlFlow;

#[test]
fn an_empty_log_has_nothing() {
    on_each_store(|store| {
        let reader = store.reader().unwrap();
        assert_eq!((store.last_offset(), store.last_received()), (Offset(0), Millis(i64::MIN)));
        assert_eq!(reader.last_offset().unwrap(), Offset(0));
        assert_eq!(read_all(reader.as_ref()), []);
        assert_eq!(reader.entry(Offset(0)).unwrap(), None);
        assert_eq!(reader.decision(decision_id(0, 1)).unwrap(), None);
        assert_eq!(reader.checkpoint_at_or_before(Offset(u64::MAX)).unwrap(), None);
        assert_eq!(store.append(&[], &[]).unwrap(), Offset(0));
    });
}

#[test]
fn offsets_go_on_without_gaps_and_entries_come_back_as_they_were() {
    on_each_store(|store| {
        let reader = store.reader().unwrap();
        let entries = events(0, 25);
        assert_eq!(store.append(&entries[..1], &[]).unwrap(), Offset(1));
        assert_eq!(store.append(&entries[1..20], &[]).unwrap(), Offset(20));
        assert_eq!(store.append(&[], &[]).unwrap(), Offset(20));
        assert_eq!(store.append(&entries[20..], &[]).unwrap(), Offset(25));
        assert_eq!((store.last_offset(), store.last_received()), (Offset(25), entries[24].received));
        assert_eq!(reader.last_offset().unwrap(), Offset(25));
        assert_eq!(read_all(reader.as_ref()), entries);
        assert_eq!(reader.entry(Offset(20)).unwrap().as_ref(), Some(&entries[19]));
        assert_eq!(reader.entry(Offset(26)).unwrap(), None);
    });
}

#[test]
fn reading_takes_the_entries_after_one_offset_up_to_another() {
    on_each_store(|store| {
        let entries = events(0, 5_000);
        store.append(&entries, &[]).unwrap();
        let reader = store.reader().unwrap();
        for (after, until) in
            [(0, 5_000), (0, 1), (4_999, u64::MAX), (1_023, 1_025), (1_024, 3_072), (7, 7), (9, 2)]
        {
            let expected: Vec<(u64, Entry)> = (1..)
                .zip(entries.iter().cloned())
                .filter(|(offset, _)| *offset > after && *offset <= until)
                .collect();
            assert_eq!(read(reader.as_ref(), after, until), expected, "({after}, {until}]");
        }
    });
}

#[test]
fn reading_ends_where_the_caller_breaks() {
    on_each_store(|store| {
        store.append(&events(0, 50), &[]).unwrap();
        store.sealer().unwrap().finish().unwrap();
        let reader = store.reader().unwrap();
        let mut seen = Vec::new();
        let mut until_7 = |offset: Offset, _| {
            seen.push(offset.0);
            if offset.0 >= 7 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        reader.read(Offset(4), Offset(50), &mut until_7).unwrap();
        reader.read_shopper(ShopperNo(1), Offset(0), Offset(50), &mut until_7).unwrap();
        assert_eq!(seen, [5, 6, 7, 2, 6, 10]);
    });
}

#[test]
fn an_append_that_fails_changes_nothing() {
    on_each_store(|store| {
        let first = events(0, 3);
        store.append(&first, &[identity(1, Anonymous, "a")]).unwrap();
        let reader = store.reader().unwrap();
        let twice = [identity(2, User, "b"), identity(2, User, "c")];
        let taken = [identity(3, User, "d"), identity(1, User, "e")];
        for identities in [&twice, &taken] {
            let refused = store.append(&events(10, 4), identities);
            assert!(matches!(refused, Err(Error::ShopperTaken(_))), "{refused:?}");
        }
        let back_in_time = [event(20, None), event(19, None)];
        for entries in [&back_in_time[..], &[event(1, None)]] {
            let refused = store.append(entries, &[identity(4, User, "f")]);
            assert!(matches!(refused, Err(Error::Backwards { .. })), "{refused:?}");
        }
        assert_eq!(read_all(reader.as_ref()), first);
        assert_eq!((store.last_offset(), store.last_received()), (Offset(3), first[2].received));
        assert_eq!(identities(reader.as_ref()), [identity(1, Anonymous, "a")]);
        assert_eq!(store.append(&[event(2, None)], &[identity(2, User, "b")]).unwrap(), Offset(4));
    });
}

fn identities(reader: &dyn Reader) -> Vec<bespoke_domain::entry::Identity> {
    let mut found = Vec::new();
    reader.identities(&mut |identity| found.push(identity)).unwrap();
    found
}

#[test]
fn identities_come_in_the_order_of_their_numbers() {
    on_each_store(|store| {
        let mut expected: Vec<_> =
            (0..3_000).map(|no| identity(no, Anonymous, &format!("id {no}"))).collect();
        expected.push(identity(u32::MAX, User, "ä"));
        let (early, late) = expected.split_at(1_500);
        store.append(&[], late).unwrap();
        store.append(&[], early).unwrap();
        let reader = store.reader().unwrap();
        assert_eq!(identities(reader.as_ref()), expected);
        assert_eq!(reader.identity(ShopperNo(u32::MAX)).unwrap().as_ref(), expected.last());
        assert_eq!(reader.identity(ShopperNo(3_000)).unwrap(), None);
    });
}

#[test]
fn a_named_value_is_the_last_one_put() {
    on_each_store(|store| {
        let reader = store.reader().unwrap();
        assert_eq!(reader.meta("secret").unwrap(), None);
        for value in [&b"one"[..], b"", &[0, 255]] {
            store.put_meta("secret", value).unwrap();
            assert_eq!(reader.meta("secret").unwrap().as_deref(), Some(value));
        }
        assert_eq!(reader.meta("Secret").unwrap(), None);
    });
}

#[test]
fn checkpoints_are_found_newest_first_and_the_oldest_are_pruned() {
    on_each_store(|store| {
        store.append(&events(0, 40), &[]).unwrap();
        let checkpoints = store.checkpoints();
        for offset in [10, 30, 20, 40] {
            checkpoints.put(Offset(offset), format!("state {offset}").as_bytes(), 3).unwrap();
        }
        assert_eq!(checkpoints.offsets().unwrap(), [40, 30, 20].map(Offset));
        let reader = store.reader().unwrap();
        for (until, expected) in
            [(u64::MAX, Some(40)), (40, Some(40)), (39, Some(30)), (20, Some(20)), (19, None)]
        {
            let found = reader.checkpoint_at_or_before(Offset(until)).unwrap();
            let expected = expected.map(|offset| (Offset(offset), format!("state {offset}").into_bytes()));
            assert_eq!(found, expected, "until {until}");
        }
        checkpoints.put(Offset(30), b"again", 0).unwrap();
        assert_eq!(reader.checkpoints().offsets().unwrap(), [Offset(40)], "at least one is kept");
    });
}

#[test]
fn a_checkpoint_is_written_piece_by_piece_or_not_at_all() {
    on_each_store(|store| {
        store.append(&events(0, 6), &[]).unwrap();
        let checkpoints = store.checkpoints();
        let pieces =
            &mut |to: &mut dyn io::Write| (0..100_000_u32).try_for_each(|i| to.write_all(&i.to_le_bytes()));
        checkpoints.write(Offset(5), 2, pieces).unwrap();
        let breaks = &mut |to: &mut dyn io::Write| {
            to.write_all(b"half")?;
            Err(io::Error::other("no more"))
        };
        assert!(matches!(checkpoints.write(Offset(6), 1, breaks), Err(Error::Io(_))));
        let (offset, bytes) = store.reader().unwrap().checkpoint_at_or_before(Offset(9)).unwrap().unwrap();
        let expected: Vec<u8> = (0..100_000_u32).flat_map(u32::to_le_bytes).collect();
        assert_eq!((offset, bytes == expected), (Offset(5), true));
        assert_eq!(checkpoints.offsets().unwrap(), [Offset(5)]);
    });
}

#[test]
fn a_shoppers_entries_are_those_of_the_whole_log_with_that_number() {
    on_each_store(|store| {
        let reader = store.reader().unwrap();
        let mut sealer = store.sealer().unwrap();
        for round in 0..4 {
            store.append(&events(round * 13, 13), &[]).unwrap();
            check_shoppers(store, reader.as_ref());
            sealer.finish().unwrap();
            check_shoppers(store, reader.as_ref());
        }
    });
}

fn check_shoppers(store: &dyn Store, reader: &dyn Reader) {
    let last = store.last_offset().0;
    for shopper in 0..4 {
        for after in [0, 1, 9, 10, 11, 25, last] {
            for until in [0, 10, 20, 21, last, u64::MAX] {
                let mut expected = read(reader, after, until);
                expected.retain(|(_, entry)| entry.shopper == Some(ShopperNo(shopper)));
                let found = read_shopper(reader, shopper, after, until);
                assert_eq!(found, expected, "shopper {shopper} in ({after}, {until}] of {last}");
            }
        }
    }
}

#[test]
fn a_shopper_with_many_pages_is_read_whole_before_and_after_sealing() {
    let directory = tempfile::tempdir().unwrap();
    let options = Options { segment_entries: 9_000 };
    let mut store = Sqlite::open_with(directory.path(), options).unwrap();
    store.append(&events(0, 9_500), &[]).unwrap();
    let reader = store.reader().unwrap();
    let check = || {
        let found = read_shopper(reader.as_ref(), 2, 0, u64::MAX);
        let offsets: Vec<u64> = found.iter().map(|(offset, _)| *offset).collect();
        assert_eq!(offsets, (3..=9_500).step_by(4).collect::<Vec<u64>>());
    };
    check();
    assert_eq!(store.sealer().unwrap().finish().unwrap(), 1);
    check();
}

#[test]
fn a_decision_is_found_by_the_time_in_its_id() {
    on_each_store(|store| {
        let lag = DECISION_LAG_MS;
        let made = |ms: i64, random| (ms, decision_id(ms, random));
        let (at_once, same_ms, delayed) = (made(1_000, 1), made(1_000, 2), made(5_000, 3));
        let (at_the_limit, too_late) = (made(100_000, 4), made(100_001, 5));
        let mut entries = events(0, 900);
        entries.push(decision(at_once.0, at_once.1));
        entries.push(decision(same_ms.0, same_ms.1));
        entries.extend(events(5_000, 2_000));
        entries.push(decision(delayed.0 + 2_500, delayed.1));
        entries.push(decision(at_the_limit.0 + lag, at_the_limit.1));
        entries.push(decision(too_late.0 + lag + 1, too_late.1));
        entries.extend(events(500_000, 10));
        store.append(&entries, &[]).unwrap();
        let reader = store.reader().unwrap();
        let offset = |(_, id)| {
            let found = reader.decision(id).unwrap();
            found.map(|(offset, decision)| {
                assert_eq!(decision.request.id, id);
                offset.0
            })
        };
        assert_eq!(offset(at_once), Some(901));
        assert_eq!(offset(same_ms), Some(902));
        assert_eq!(offset(delayed), Some(2_903));
        assert_eq!(offset(at_the_limit), Some(2_904));
        for unknown in [too_late, made(1_000, 9), made(-90_000, 1), made(900_000, 1)] {
            assert_eq!(offset(unknown), None, "{unknown:?}");
        }
    });
}

#[test]
fn a_reader_goes_on_while_the_writer_appends() {
    on_each_store(|store| {
        store.append(&events(0, 3_000), &[]).unwrap();
        let reader = store.reader().unwrap();
        let mut count = 0;
        let mut each = |_, _| {
            count += 1;
            if count % 1_000 == 1 {
                store.append(&events(3_000 + count, 1), &[]).unwrap();
            }
            ControlFlow::Continue(())
        };
        reader.read(Offset(0), Offset(3_000), &mut each).unwrap();
        assert_eq!((count, store.last_offset()), (3_000, Offset(3_003)));
    });
}
